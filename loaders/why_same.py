"""Why two leads are one customer, or why they are not: the chain of shared marks from one to the other, mark by mark.

E-mails and phones are told masked: enough to recognise what one knows, not enough to learn it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from loaders.errors import LoaderError
from loaders.identity import guarded, joining_marks, marks
from loaders.pseudonyms import ERASED, is_pseudonym
from loaders.settings import Identity

_SAID: Final = {"email": "the same e-mail", "phone": "the same phone", "customer": "the same customer in the CRM"}
_SHARED: Final = {"email": "the e-mail", "phone": "the phone"}
_CELLS: Final = {"email": ("email",), "phone": ("phone", "phone_2")}


@dataclass(frozen=True)
class Step:
    """Two leads that one mark joins. `rule`: email, phone, customer or merge; `value` is masked."""

    lead: str
    to: str
    rule: str
    value: str
    said: str


@dataclass(frozen=True)
class Explanation:
    """Whether two leads are one customer; the shortest chain that joins them, or the reasons why nothing does."""

    first: str
    second: str
    is_same: bool
    steps: tuple[Step, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same as sentences."""
        if not self.is_same:
            return [f"{self.first} and {self.second} are two customers.", *(f"  {reason}" for reason in self.reasons)]
        if not self.steps:
            return [f"{self.first} and {self.second} are one lead."]
        chain = (f"  {step.lead} and {step.to}: {step.said}" for step in self.steps)
        return [f"{self.first} and {self.second} are one customer, in {_steps(len(self.steps))}.", *chain]


def why_same(
    leads: pl.DataFrame,
    first: str,
    second: str,
    *,
    guards: Identity,
    countries: Mapping[str, str],
    store: str | None = None,
) -> Explanation:
    """Explain two leads of a snapshot.

    `leads` are those of bridge_customer_lead. `first` and `second` are the CRM's lead ids, also as "system:id", or
    lead keys; `store` narrows the search where several stores use an id.

    Raises:
        LoaderError: There is no such lead, or several: then the ways to say which one are named.
    """
    one, two = (_found(leads, wanted, store) for wanted in (first, second))
    names = _label(one), _label(two)
    if one["store"] != two["store"]:
        reason = f"They are of different stores, {one['store']} and {two['store']}: customers are known store by store."
        return Explanation(*names, is_same=False, reasons=(reason,))
    here = leads.filter(pl.col("store") == one["store"])
    if one["customer_key"] != two["customer_key"]:
        return Explanation(*names, is_same=False, reasons=tuple(_reasons(here, one, two, guards, countries)))
    tokens = joining_marks(here, guards, countries)
    return Explanation(*names, is_same=True, steps=_chain(here, tokens, one, two))


def _found(leads: pl.DataFrame, wanted: str, store: str | None) -> dict[str, Any]:
    """The one lead of that id. An id goes before a key, and a key before "system:id"."""
    if store is not None:
        leads = leads.filter(pl.col("store").str.to_lowercase() == store.strip().lower())
    system, _, plain = wanted.partition(":")
    ways = (
        pl.col("lead_id") == wanted,
        pl.col("lead_key") == wanted,
        (pl.col("system") == system) & (pl.col("lead_id") == plain),
    )
    for way in ways:
        hits = leads.filter(way)
        if hits.height == 1:
            return hits.to_dicts()[0]
        if hits.height > 1:
            raise _several(wanted, hits)
    hint = 'Write the id as the CRM shows it, "system:id" or the lead key; leads that the CRM deleted are not known.'
    raise LoaderError(f'There is no lead "{wanted}"{f" at {store}" if store else ""}.', hint)


def _several(wanted: str, hits: pl.DataFrame) -> LoaderError:
    ways = [f'{row["system"]}:{row["lead_id"]} --store "{row["store"]}"' for row in hits.head(5).to_dicts()]
    return LoaderError(f'{hits.height} leads have the id "{wanted}".', f"Say which one is meant: {'; '.join(ways)}.")


def _label(lead: Mapping[str, Any]) -> str:
    return f"{lead['system']}:{lead['lead_id']}"


def _chain(
    leads: pl.DataFrame, tokens: pl.DataFrame, one: Mapping[str, Any], two: Mapping[str, Any]
) -> tuple[Step, ...]:
    """The shortest way from one lead to the other through shared marks; the first in order of key among equal ones."""
    own = leads.filter(pl.col("customer_key") == one["customer_key"])
    labels = {row["lead_key"]: _label(row) for row in own.to_dicts()}
    pairs = tokens.filter(pl.col("lead_key").is_in(own["lead_key"].implode())).sort("token", "lead_key")
    of_token, of_lead = _grouped(pairs, "token", "lead_key"), _grouped(pairs, "lead_key", "token")
    came: dict[str, tuple[str, str]] = {one["lead_key"]: ("", "")}
    queue = deque([one["lead_key"]])
    while queue and two["lead_key"] not in came:
        here = queue.popleft()
        for token in of_lead.get(here, ()):
            for lead in of_token[token]:
                if lead not in came:
                    came[lead] = (here, token)
                    queue.append(lead)
    return _steps_back(came, two["lead_key"], labels)


def _grouped(pairs: pl.DataFrame, key: str, value: str) -> dict[str, list[str]]:
    rows = pairs.group_by(key, maintain_order=True).agg(value).iter_rows()
    return dict(rows)


def _steps_back(came: Mapping[str, tuple[str, str]], last: str, labels: Mapping[str, str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    while (before := came[last])[0]:
        lead, token = before
        rule, _, value = token.partition(":")
        steps.append(_step(labels[lead], labels[last], rule, value))
        last = lead
    return tuple(reversed(steps))


def _step(lead: str, to: str, rule: str, value: str) -> Step:
    told = value.partition("\x1f")[2] or value if rule in {"customer", "merge"} else masked(rule, value)
    said = f"{_SAID[rule]}, {told}" if rule in _SAID else f"the CRM merged one into the other (lead {told})"
    return Step(lead, to, rule, told, said)


def masked(rule: str, value: str) -> str:
    """An e-mail as "a...@example.com", a phone as "...0142"."""
    value = value.partition("\x1f")[0]
    if is_pseudonym(value):
        return ERASED
    if rule == "phone":
        return f"...{value[-4:]}"
    local, _, domain = value.partition("@")
    return f"{local[:1]}...@{domain}"


def _reasons(
    leads: pl.DataFrame,
    one: Mapping[str, Any],
    two: Mapping[str, Any],
    guards: Identity,
    countries: Mapping[str, str],
) -> list[str]:
    """Why nothing joins two leads of one store: marks that would, and do not; else that there is none."""
    found = guarded(marks(leads, countries), guards).join(leads.select("lead_key", "customer_key"), on="lead_key")
    both = [one["customer_key"], two["customer_key"]]
    common = found.filter(pl.col("customer_key").is_in(both)).filter(
        pl.col("customer_key").n_unique().over("rule", "value") == 2
    )
    carried = common.unique(["rule", "value"], keep="first", maintain_order=True).sort("rule", "value").to_dicts()
    told = [_refused(mark, guards) for mark in carried]
    told += [_placeholder(rule, cell) for rule, cell in _equal_cells(one, two) if not told]
    return told or ["They share no e-mail, phone, customer id or merge, neither directly nor through other leads."]


def _refused(mark: Mapping[str, Any], guards: Identity) -> str:
    """Why a mark that both carry joins nobody."""
    what = f"{_SHARED.get(mark['rule'], mark['rule'])} {masked(mark['rule'], mark['value'])}"
    if not mark["is_shared"]:
        limit = f"max_chain_names = {guards.max_chain_names}"
        return f"Both carry {what}, but in a chain of leads with too many names ({limit}), and their names differ."
    carried = f"{mark['names']} different names and {mark['leads']} leads carry it"
    limits = f"[identity] max_names = {guards.max_names}, max_leads = {guards.max_leads}"
    return f"Both carry {what}, or a lead of each customer does, but it joins nobody: {carried} ({limits})."


def _equal_cells(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[tuple[str, str]]:
    """E-mails and phones that stand on both leads letter by letter."""
    return [
        (rule, cell)
        for rule, columns in _CELLS.items()
        for cell in sorted({one[column] for column in columns} & {two[column] for column in columns} - {None})
    ]


def _placeholder(rule: str, cell: str) -> str:
    return f'Both carry {_SHARED[rule]} "{cell}", which is a placeholder or cannot be one, and joins nobody.'


def _steps(count: int) -> str:
    return "one step" if count == 1 else f"{count} steps"
