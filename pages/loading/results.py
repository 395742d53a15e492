"""What files hold and what a load changed, as counts and sentences. No streamlit here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from loaders.contracts import Canonical
from loaders.intake import Sheet
from loaders.profile import LINEAGE_COLUMNS
from loaders.settings import Settings
from pages import region

NOUNS: Final[Mapping[str, str]] = {
    "lead": "leads",
    "contact": "logged touches",
    "appointment": "appointments",
    "visit": "visits",
    "task": "tasks",
    "status_change": "status changes",
    "sale": "deals",
    "spend": "spend entries",
    "survey": "surveys",
    "service_visit": "service visits",
    "person": "employees",
    "crm_report": "figures of CRM reports",
    "source": "source names",
    "stage": "deal stages",
    "customer_detail": "customer details",
    "link": "links between records",
}
# Where the singular is not the plural without its last letter.
SINGULAR: Final[Mapping[str, str]] = {
    "contact": "logged touch",
    "spend": "spend entry",
    "crm_report": "figure of CRM reports",
    "link": "link between records",
}
_SHOWN_LAST: Final = ("source_line",)
_MOST_DIFFERENCES: Final = 6


@dataclass(frozen=True)
class Count:
    """Rows of one table, of a file or a whole load: read = accepted + refused, accepted = new + changed + unchanged."""

    table: str
    read: int
    accepted: int
    changed: int
    unchanged: int

    @property
    def new(self) -> int:
        """Accepted rows of records that the warehouse did not hold."""
        return self.accepted - self.changed - self.unchanged

    @property
    def refused(self) -> int:
        """Rows that were not taken."""
        return self.read - self.accepted


def counts_of(rows: Iterable[Mapping[str, Any]]) -> list[Count]:
    """Rows of the load log added up by table, in the order in which they come; files with an error count nothing."""
    totals: dict[str, list[int]] = {}
    for row in rows:
        if row["error"] is None and row["table"] is not None:
            held = totals.setdefault(row["table"], [0, 0, 0, 0])
            told = [int(row[name] or 0) for name in ("read", "accepted", "updated", "unchanged")]
            totals[row["table"]] = [a + b for a, b in zip(held, told, strict=True)]
    return [Count(table, *numbers) for table, numbers in totals.items()]


def expected(sheets: Iterable[Sheet]) -> list[Count]:
    """What a load of these sheets would read and accept, by table; what is new or changed only the load can say."""
    rows = [
        {"table": part.table, "read": part.read, "accepted": part.read - part.rejects.height, "error": None}
        | {"updated": 0, "unchanged": 0}
        for sheet in sheets
        for part in sheet.conformed
    ]
    return counts_of(rows)


def loaded_words(count: Count) -> str:
    """One table of a load: "1,204 leads: 1,180 new, 24 changed, 3 refused"."""
    parts = {"new": count.new, "changed": count.changed, "unchanged": count.unchanged, "refused": count.refused}
    told = ", ".join(f"{number(rows)} {word}" for word, rows in parts.items() if rows)
    return f"{amount(count.read, count.table)}: {told or 'none'}"


def amount(rows: int, table: str) -> str:
    """A number of rows with their noun: "1 lead", "1,204 leads"."""
    return f"{number(rows)} {SINGULAR.get(table) or NOUNS[table].removesuffix('s') if rows == 1 else NOUNS[table]}"


def rows(count: int) -> str:
    """A number of rows: "1 row", "1,204 rows"."""
    return f"{number(count)} row{'' if count == 1 else 's'}"


def number(rows: int) -> str:
    """A count as the store's region writes it."""
    return region.decimal(rows)


def listed(parts: Sequence[str]) -> str:
    """Words in a row: "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def is_unknown(sheet: Sheet) -> bool:
    """Whether the file could be read, but no profile knows its headers."""
    return (sheet.error or "").startswith("No profile")


def unknown_words(sheet: Sheet) -> str:
    """What is said of a file whose columns nobody knows: its headers, and the nearest profile."""
    _, _, hint = (sheet.error or "").partition("Hint: ")
    headers = hint.partition("Have a profile drafted")[0].strip()
    return f"No profile knows the columns of this file yet. {headers} Say what they are once, and it is known for good."


def reasons(rejects: pl.DataFrame) -> list[dict[str, str]]:
    """Refused rows by reason, the most frequent first: how many, and the lines of the first few."""
    grouped = rejects.group_by("rule", maintain_order=True).agg(
        rows=pl.len(), lines=pl.col("source_line").cast(pl.String).head(5).str.join(", ")
    )
    found = grouped.sort("rows", descending=True).to_dicts()
    return [{"Why": row["rule"], "Rows": number(row["rows"]), "Lines": row["lines"]} for row in found]


def readable(good: pl.DataFrame) -> pl.DataFrame:
    """Valid rows as people look at them: the filled columns of the contract, and the line of the file."""
    aside = {*LINEAGE_COLUMNS, *Canonical.column_names()} - {"store"}
    names = [name for name in good.columns if name not in aside and not name.endswith("_is_date")]
    filled = [name for name in names if good[name].null_count() < good.height]
    return good.select(*filled, *_SHOWN_LAST)


def refused_rows(rejects: pl.DataFrame) -> pl.DataFrame:
    """Refused rows as a file for those who mend them: where each stands, why, and the row as it was."""
    return rejects.select("source_file", "source_sheet", "source_line", "table", "profile", "rule", "row")


def moment(iso: str | None) -> str:
    """An ISO moment as people read it, in UTC: "Nov 22, 2026 18:30 UTC"."""
    if iso is None:
        return "an unknown time"
    at = dt.datetime.fromisoformat(iso)
    return f"{region.day(at.date())} {at:%H:%M} UTC"


def differences(before: Settings, now: Settings) -> list[str]:
    """Where two settings differ, as "standards.response_minutes: 15, now 20"; at most a few, then "and more"."""
    found = [f"{key}: {was}, now {new}" for key, was, new in _differing("", before.model_dump(), now.model_dump())]
    return found[:_MOST_DIFFERENCES] + (["and more"] if len(found) > _MOST_DIFFERENCES else [])


def _differing(path: str, before: Any, now: Any) -> list[tuple[str, str, str]]:
    if before == now:
        return []
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = dict.fromkeys([*before, *now])
        return [one for key in keys for one in _differing(f"{path}.{key}".strip("."), before.get(key), now.get(key))]
    if isinstance(before, list | tuple) and isinstance(now, list | tuple) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [one for at, pair in pairs for one in _differing(f"{path} {_named(pair[0], at)}".strip(), *pair)]
    return [(path, _short(before), _short(now))]


def _named(value: Any, at: int) -> str:
    return str(value.get("name", at + 1)) if isinstance(value, Mapping) else str(at + 1)


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)} entries"
    return "nothing" if value in (None, {}, "") else str(value)
