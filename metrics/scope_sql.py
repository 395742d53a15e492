"""A scope and a query in, the same query within the scope out: the text and its parameters. Nothing runs here.

Each table that the query reads is shadowed by a step of the same name that holds only what the scope allows, so the
query itself stays as it was and cannot reach around it. A query that reads anything without a rule here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from metrics.declare import FACTS
from metrics.scope import Scope
from metrics.sql import Query

# What stands for everybody else, and for everybody where people are not named.
COLLEAGUE: Final = "(colleague)"
HIDDEN: Final = "(hidden)"
_OTHERS_KEY: Final = "others"
_NOBODY: Final = "unassigned"
_NO_CUSTOMER: Final = "unknown"
_AND: Final = ("  and",) * 3

# Facts of the star with the roles that people hold in their rows. Two facts are only listed, never counted.
ROLES: Final[Mapping[str, tuple[str, ...]]] = {fact.name: fact.roles for fact in FACTS.values()} | {
    "fct_status_change": ("person",)
}
# What belongs to an opportunity is seen with it, whoever did it: its touches and the moves of its status.
_SEEN_WITH_OPPORTUNITY: Final = ("fct_contact", "fct_status_change")
# Facts that name a customer: who somebody's own customers are.
_OF_CUSTOMERS: Final = ("fct_opportunity", "fct_lead", "fct_appointment", "fct_sale", "fct_service_visit")
# Columns by which a person or a customer is known, or in which anything may have been typed.
PERSONAL: Final[Mapping[str, Mapping[str, str]]] = {
    "dim_customer": {"customer": f"'{HIDDEN}'", "email": "cast(null as varchar)", "phone": "cast(null as varchar)"},
    "fct_service_visit": {"vin": "cast(null as varchar)"},
    "fct_status_change": {"reason": "cast(null as varchar)"},
    "data_finding": {"record": "cast(null as varchar)", "detail": "cast(null as varchar)"},
}
# Tables whose rows are of a store and of nobody in particular.
_OF_STORE: Final = ("dim_date",)
_OF_EVERYBODY: Final = ("bridge_opportunity_source",)
# Rows that are meant for all where they name no store, and for everybody where they name no person.
_MEANT_FOR: Final = ("target", "annotation")
TABLES: Final = (
    "dim_store",
    "dim_source",
    "dim_person",
    "dim_customer",
    "data_finding",
    *_OF_STORE,
    *_OF_EVERYBODY,
    *_MEANT_FOR,
    *ROLES,
)


class OutsideScopeError(Exception):
    """A query reads a table that no scope has a rule for. It is a fault of Upboard, not of who asked."""


def within(query: Query, scope: Scope) -> Query:
    """The query as somebody of that scope may ask it; the very same for a scope that sees everything."""
    if scope.is_whole:
        return query
    stores = {f"scope_store_{number}": store for number, store in enumerate(scope.stores or (), 1)}
    text = _narrowed(query.text, scope)
    person = {"scope_person": scope.person} if "$scope_person" in text else {}
    return Query(text, {**query.parameters, **(stores if "$scope_store_1" in text else {}), **person})


@lru_cache(maxsize=2048)
def _narrowed(text: str, scope: Scope) -> str:
    read = _tables_of(text)
    if not read:
        return text
    steps = ",\n\n".join(_step(name, scope, is_alone=not read & ROLES.keys()) for name in _needed(read, scope))
    if scope.person is not None:
        steps = f"{_ME},\n\n{steps}"
    opening = re.match(r"(?:--[^\n]*\n)*", text)
    head = opening.group(0) if opening else ""
    rest = text[len(head) :].lstrip()
    body = f",\n\n{rest[5:]}" if rest[:5] == "with " else f"\n\n{rest}"
    return f"{head}with {steps}{body}"


def _tables_of(text: str) -> set[str]:
    """The tables that a text reads. OutsideScopeError where it reads something that has no rule."""
    bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", text)
    own = set(re.findall(r"(\w+) as (?:not materialized |materialized )?\(", bare))
    read = set(re.findall(r"\b(?:from|join)\s+([\w.]+)", bare)) - own
    unknown = read - set(TABLES)
    if unknown:
        raise OutsideScopeError(
            f"No scope has a rule for {', '.join(sorted(unknown))}: metrics/scope_sql.py must get one."
        )
    return read


def _needed(read: set[str], scope: Scope) -> list[str]:
    """The tables to shadow, each after those that its own step reads."""
    needed = set(read) | {"dim_store"}
    is_alone = not read & ROLES.keys()
    if "dim_source" in read and is_alone:
        needed |= {name for name in _OF_CUSTOMERS if name != "fct_service_visit"} | {"fct_spend"}
    if scope.person is not None and "dim_customer" in read:
        needed |= set(_OF_CUSTOMERS)
    if scope.person is not None and read & set(_SEEN_WITH_OPPORTUNITY):
        needed.add("fct_opportunity")
    facts = [name for name in ROLES if name in needed and name not in _SEEN_WITH_OPPORTUNITY]
    order = ["dim_store", *facts, *_SEEN_WITH_OPPORTUNITY, *TABLES]
    return [name for name in dict.fromkeys(order) if name in needed]


_ME: Final = (
    "-- who asks\nscope_me as (\n    select max(person_key) as person_key\n    from main.dim_person\n"
    "    where person = $scope_person\n)"
)


def _step(name: str, scope: Scope, *, is_alone: bool) -> str:
    """One table as the scope shows it."""
    replaced = dict(PERSONAL.get(name, {})) if scope.is_masked else {}
    tables, conditions = [f"main.{name}"], _conditions(name, scope)
    if name in ROLES:
        replaced |= _hidden_roles(name, scope)
        tables += ["scope_me"] if scope.person is not None and ROLES[name] else []
    if name == "dim_source":
        conditions = [_of_facts("source_key", (*_OF_CUSTOMERS[:4], "fct_spend"))] if is_alone else []
    if name == "dim_person":
        return _shadow(name, _people_text(scope))
    columns = f"{name}.*{_replace(replaced)}"
    kept = "".join(f"\n{word} {condition}" for word, condition in zip(("where", *_AND), conditions, strict=False))
    return _shadow(name, f"select {columns}\nfrom {', '.join(tables)}{kept}")


def _shadow(name: str, text: str) -> str:
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    return f"{name} as not materialized (\n{indented}\n)"


def _replace(replaced: Mapping[str, str]) -> str:
    listed = ", ".join(f"{expression} as {column}" for column, expression in replaced.items())
    return f" replace ({listed})" if replaced else ""


def _conditions(name: str, scope: Scope) -> list[str]:
    if name == "dim_store":
        return _of_stores(scope)
    conditions = [_in_store(name)] if name not in (*_OF_EVERYBODY, "dim_source") else []
    if scope.person is not None:
        conditions += _own(name)
    if name in _MEANT_FOR and (scope.person is not None or scope.is_masked):
        conditions.append(f"{_names_nobody(name)}{' or ' + _names_me(name) if _may_name_me(scope) else ''}")
    return [f"({condition})" if " or " in condition else condition for condition in conditions]


def _of_stores(scope: Scope) -> list[str]:
    if scope.stores is None:
        return []
    listed = ", ".join(f"$scope_store_{number}" for number in range(1, len(scope.stores) + 1))
    return [f"store in ({listed})" if listed else "false"]


def _in_store(name: str) -> str:
    """Rows of a store in scope; of what may be meant for all stores, or for no customer, those without one too."""
    within_stores = f"{name}.store_key in (select store_key from dim_store)"
    if name in _MEANT_FOR:
        return f"{within_stores} or coalesce({name}.store_key, '') = ''"
    if name == "dim_customer":
        return f"{within_stores} or {name}.customer_key = '{_NO_CUSTOMER}'"
    return within_stores


def _own(name: str) -> list[str]:
    """What a person sees of a table, beside the store: rows of which they hold a role."""
    if name in ROLES:
        roles = ", ".join(f"{name}.{role}_key" for role in ROLES[name])
        own = f"scope_me.person_key in ({roles})" if roles else "false"
        also = f" or {name}.opportunity_key in (select opportunity_key from fct_opportunity)"
        return [own + (also if name in _SEEN_WITH_OPPORTUNITY else "")]
    if name == "dim_customer":
        return [f"{name}.customer_key = '{_NO_CUSTOMER}' or {_of_facts('customer_key', _OF_CUSTOMERS)}"]
    return ["false"] if name == "data_finding" else []


def _of_facts(key: str, facts: Iterable[str]) -> str:
    found = " union ".join(f"select {key} from {fact}" for fact in facts)
    return f"{key} in ({found})"


def _names_nobody(name: str) -> str:
    return f"{name}.person_key is null and {name}.person is null"


def _may_name_me(scope: Scope) -> bool:
    return scope.person is not None and not scope.is_masked


def _names_me(name: str) -> str:
    return f"{name}.person_key = (select person_key from scope_me) or {name}.person = $scope_person"


def _hidden_roles(name: str, scope: Scope) -> dict[str, str]:
    """Whose key stands in the roles of a fact: others are one where a person asks, all are one where none is named."""
    if scope.person is None and not scope.is_masked:
        return {}
    kept = f"'{_NOBODY}'" if scope.is_masked else f"'{_NOBODY}', scope_me.person_key"
    return {
        f"{role}_key": f"case when {name}.{role}_key in ({kept}) then {name}.{role}_key else '{_OTHERS_KEY}' end"
        for role in ROLES[name]
    }


def _people_text(scope: Scope) -> str:
    """Everybody of the stores in scope; where a person asks, that person and one member for all others."""
    of_store = "dim_person.store_key in (select store_key from dim_store)"
    if scope.person is None and not scope.is_masked:
        return f"select dim_person.*\nfrom main.dim_person\nwhere {of_store} or dim_person.person_key = '{_NOBODY}'"
    kept = f"dim_person.person_key = '{_NOBODY}'"
    if not scope.is_masked:
        kept += f" or (dim_person.person_key = (select person_key from scope_me) and {of_store})"
    other = HIDDEN if scope.is_masked else COLLEAGUE
    one_for_all = f"'{_OTHERS_KEY}' as person_key, '{other}' as person, '{other}' as name"
    return (
        f"select dim_person.*\nfrom main.dim_person\nwhere {kept}\nunion all by name\n"
        f"select dim_person.* replace ({one_for_all})\nfrom main.dim_person\n"
        f"where dim_person.person_key = '{_NOBODY}'"
    )
