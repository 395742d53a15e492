"""Customers who wait, as people call them: one line per customer, who was handled and came back, and the words.

No streamlit here. A customer is handled from the moment somebody says so in the journal, and comes back when something
new happens after the data that they were looking at: a new lead or message, a missed appointment, a deadline that
passes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import polars as pl

from metrics.lists import LISTS, Worklist, worklist
from pages import download, region, theme
from pages.journal import Entry, Journal

Row = dict[str, Any]

HANDLED: Final = "handled"
REOPENED: Final = "reopened"
FIRST: Final = 3
_LONGEST_NAME: Final = 60
_NEAR: Final = {-1: "yesterday", 0: "today", 1: "tomorrow"}
_CHANNELS: Final = {
    "call": "call",
    "text": "text",
    "email": "e-mail",
    "chat": "chat",
    "video": "video",
    "visit": "visit",
}
_RESULTS: Final = {
    "connected": "spoke",
    "left_message": "left a message",
    "no_answer": "no answer",
    "bounced": "bounced",
    "opted_out": "opted out",
}
# What the journal adds to a row that was handled.
_NOTED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "handled_at": pl.Datetime("us", "UTC"),
    "handled_by": pl.String,
    "note": pl.String,
    "seen": pl.Datetime("us", "UTC"),
}


# What was handled -----------------------------------------------------------------------------------------------------


def divide(rows: pl.DataFrame, entries: Iterable[Entry]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the lists as those that wait and those that were handled (with `handled_at, handled_by, note`).

    A row is handled where the newest entry of any of its leads says so, and neither its reason nor a lead is newer than
    what was seen then. A merge of customers brings their leads together, so it loses nothing; neither does a reload.
    """
    words = newest_by_record(entries)
    noted = [_noted(row["store"], row["records"], words) for row in rows.select("store", "records").to_dicts()]
    joined = pl.concat([rows, pl.DataFrame(noted, schema=_NOTED)], how="horizontal")
    newest = pl.max_horizontal("since", "newest_lead_at")
    is_known = newest.is_null() | pl.col("seen").is_null() | (newest <= pl.col("seen"))
    is_handled = pl.col("handled_at").is_not_null() & is_known
    kept = joined.with_columns(is_handled=is_handled).drop("seen")
    handled = kept.filter("is_handled").drop("is_handled")
    return kept.filter(~pl.col("is_handled")).drop("is_handled", "handled_at", "handled_by", "note"), handled


def newest_by_record(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """The newest word about each lead, by store and record."""
    ordered = sorted(entries, key=lambda entry: entry.entry)
    return {(entry.store, record): entry for entry in ordered for record in _records(entry)}


def _records(entry: Entry) -> list[str]:
    return list(entry.data.get("records") or [f"{entry.system}\t{entry.natural_id}"])


def _noted(store: str, records: Sequence[str], newest: Mapping[tuple[str, str], Entry]) -> Row:
    found = [newest[store, record] for record in records if (store, record) in newest]
    last = max(found, key=lambda entry: entry.entry, default=None)
    if last is None or last.kind != HANDLED:
        return dict.fromkeys(_NOTED)
    seen = last.data.get("as_of")
    moment = None if seen is None else dt.datetime.fromisoformat(seen)
    return {"handled_at": last.at, "handled_by": last.who, "note": last.note, "seen": moment}


def write(journal: Journal, kind: str, customer: Row, *, who: str, note: str = "") -> Entry:
    """Say that a customer was handled, or put them back. The journal gets ids, no name and no number."""
    system, _, natural_id = customer["records"][0].partition("\t")
    return journal.write(
        kind,
        who=who,
        store=customer["store"],
        system=system,
        natural_id=natural_id,
        note=note.strip(),
        records=customer["records"],
        lists=customer["lists"],
        as_of=customer["as_of"],
    )


# One line per customer ------------------------------------------------------------------------------------------------


def customers(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, at the first of their lists, in the order of calling; `lists` names all of them.

    `item` tells customers apart: the opportunity, or the appointment where no lead is known of it.
    """
    keyed = rows.with_columns(item=pl.coalesce("opportunity_key", "appointment_key"))
    first = [pl.col(name).first() for name in rows.columns if name != "records"]
    return keyed.group_by("item", maintain_order=True).agg(
        *first, pl.col("records").first(), pl.col("list").unique(maintain_order=True).alias("lists")
    )


def on_list(found: pl.DataFrame, name: str | None) -> pl.DataFrame:
    """Customers whose first list it is; all of them for None."""
    return found if name is None else found.filter(pl.col("list") == name)


def owners(found: pl.DataFrame) -> list[str]:
    """Who owns any of these customers, in order, nobody last."""
    named = found["owner"].drop_nulls().unique().to_list()
    return sorted(named, key=lambda owner: (owner.startswith("("), owner))


def by_list(found: pl.DataFrame) -> list[tuple[Worklist, int]]:
    """Lists with anybody on them and how many customers: each once, at the first of their lists."""
    counted = dict(found.group_by("list").len().iter_rows())
    return [(one, counted[one.name]) for one in LISTS if one.name in counted]


def by_owner(found: pl.DataFrame) -> pl.DataFrame:
    """Owners with how many of these customers are theirs, most first: `owner, customers, written` (wrote to us)."""
    counted = found.group_by("owner").agg(
        customers=pl.len(), written=(pl.col("list") == "unanswered_message").sum().cast(pl.Int64)
    )
    return counted.sort(["customers", "owner"], descending=[True, False])


# Words ----------------------------------------------------------------------------------------------------------------


def answer(found: pl.DataFrame) -> str:
    """How many customers wait, the reason that weighs most, and whom to call first; as Markdown."""
    if found.height < 2:
        return how_many(found)
    first = [_named(row) for row in found.head(FIRST).to_dicts()]
    return f"{how_many(found)} **Call first:** {'; '.join(first)}."


def how_many(found: pl.DataFrame) -> str:
    """How many customers wait and the reason that weighs most; one who is alone by name. As Markdown."""
    if found.is_empty():
        return "**Nobody waits.** Every customer on these lists was called, answered or handled."
    count = found.height
    worst = worklist(found["list"][0])
    if count == 1:
        return f"**One customer waits:** {_named(found.row(0, named=True))}, who {worst.reason}."
    of_worst = found.filter(pl.col("list") == worst.name).height
    share = "All of them" if of_worst == count else f"{theme.number(of_worst, 'count')} of them"
    return f"**{theme.number(count, 'count')} customers wait.** {share} {worst.reason}."


def first_lines(found: pl.DataFrame) -> str:
    """Whom to call first as a numbered list: who, how to reach them, how long they wait and why; as Markdown."""
    return "\n".join(f"1. {_line(row)}" for row in found.head(FIRST).to_dicts())


def _line(row: Row) -> str:
    waits, wanted = waited(row), wants(row)
    about = f" About: {theme.plain(wanted)}." if wanted else ""
    return f"{_named(row)}{f', waits **{waits}**' if waits else ''}. {theme.plain(reasons(row))}{about}"


def _named(row: Row) -> str:
    how = dial(row["phone"]) if row["phone"] else theme.plain(row["email"] or "no number")
    name = row["customer"] or "(no name)"
    return f"{theme.plain(name if len(name) <= _LONGEST_NAME else f'{name[:_LONGEST_NAME]}…')}, {how}"


def dial(phone: str) -> str:
    """A number as a link that a phone dials, without an extension or a remark after it; as Markdown."""
    number = phone[: next((place for place, sign in enumerate(phone) if sign.isalpha()), len(phone))]
    return f"[{theme.plain(phone)}](tel:{''.join(sign for sign in number if sign in '+0123456789')})"


def mail(address: str) -> str:
    """An address as a link that opens a letter; as Markdown."""
    return f"[{theme.plain(address)}](mailto:{quote(address, safe='@')})"


def next_step(found: pl.DataFrame) -> str:
    """What to do first, in the words of the list of the first customer."""
    if found.is_empty():
        return "**Next:** look at those who have waited longer than the lists look back, or come back tomorrow."
    worst = worklist(found["list"][0])
    return f"**Next:** {worst.to_do} {worst.why}"


def reasons(row: Row) -> str:
    """Why a customer is on the list, first reason first, as sentences without the name."""
    first, *others = [worklist(name).reason for name in row["lists"]]
    also = f" Also {', and '.join(others)}." if others else ""
    return f"{first[0].upper()}{first[1:]}.{also}"


def waited(row: Row) -> str:
    """How long a customer has waited; blank for an appointment that is still to come."""
    if row["minutes_waiting"] is None or worklist(row["list"]).days_ahead is not None:
        return ""
    return theme.minutes(row["minutes_waiting"])


def wants(row: Row) -> str:
    """The vehicle that a customer asked for last, as the CRM writes it; blank where no lead names one."""
    vehicle = row["vehicle"] or ""
    return vehicle if len(vehicle) <= _LONGEST_NAME else f"{vehicle[:_LONGEST_NAME]}…"


def when(moment: dt.datetime | None, row: Row, zones: Mapping[str, str]) -> str:
    """A moment in the time of the row's store, the days around now by their names; blank for none."""
    if moment is None:
        return ""
    zone = ZoneInfo(zones.get(row["store"], "UTC"))
    local, now = moment.astimezone(zone), row["as_of"].astimezone(zone)
    day = _NEAR.get((local.date() - now.date()).days) or region.day(local.date())
    return f"{day} {local:%H:%M}"


def last_touch(row: Row, at: str) -> str:
    """The newest touch in words, such as `last: call, Ada Hill, no answer, yesterday 16:30`."""
    if row["last_touch_at"] is None:
        return "no touch logged"
    channel = _CHANNELS.get(row["last_touch_channel"], "touch")
    if row["last_touch_direction"] == "in":
        return f"last: {channel} from the customer, {at}"
    by = row["last_touch_by"] if row["is_last_touch_human"] else "automatic"
    how = _RESULTS.get(row["last_touch_result"], "")
    return f"last: {channel}, {by}{f', {how}' if how else ''}, {at}"


def tries(row: Row) -> str:
    """How often people tried; blank where the store logs no touches."""
    count = row["attempt_count"]
    if count is None:
        return ""
    if count == 0:
        return "no try by a person yet"
    return "1 try" if count == 1 else f"{theme.number(count, 'count')} tries"


# A file of them -------------------------------------------------------------------------------------------------------

_COLUMNS: Final = {
    "reason": "Reason",
    "customer": "Customer",
    "phone": "Phone",
    "email": "E-mail",
    "owner": "Owner",
    "store": "Store",
    "since": "Waits since",
    "minutes_waiting": "Minutes waiting",
    "appointment_at": "Appointment due",
    "last_touch_at": "Last touch",
    "last_touch_channel": "Last touch by way of",
    "last_touch_direction": "In or out",
    "last_touch_by": "Logged by",
    "attempt_count": "Tries by people",
    "salesperson": "Salesperson",
    "bdc_agent": "BDC agent",
    "source": "Source",
    "lead_type": "Lead type",
    "vehicle": "Vehicle",
    "vehicle_condition": "New or used",
    "created_at": "Lead came in",
    "handled_at": "Handled",
    "handled_by": "Handled by",
    "note": "Note",
    "ids": "Lead IDs in the CRM",
    "opportunity_key": "Opportunity ID",
}


def as_file(found: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """Customers as the rows of a file, with headers in words and local times."""
    told = found.with_columns(
        reason=pl.Series([reasons(row) for row in found.select("lists").to_dicts()], dtype=pl.String),
        ids=pl.col("records").list.eval(pl.element().str.replace("\t", " ")).list.join("; "),
    )
    local = download.readable(told, stores)
    return local.select(pl.col(name).alias(label) for name, label in _COLUMNS.items() if name in local.columns)


def about(found: pl.DataFrame, scope: str, as_of: str, snapshot: str) -> dict[str, str]:
    """What a file of customers says about itself: what each list means, the filters, and how fresh it is."""
    named = [worklist(name) for name in found["list"].unique(maintain_order=True)]
    return {
        "List": "Customers who wait; each stands once, at the first of their reasons",
        **{one.label: f"{one.reason}. {one.why} {one.to_do} {reach(one)}" for one in named},
        "Filters": scope,
        "Data as of": as_of,
        "Times": "local time of each row's store",
        "Snapshot": snapshot,
    }


def reach(one: Worklist) -> str:
    """How far back a list looks, as a sentence."""
    if one.days_ahead is not None:
        return "Of the store's day and the next one."
    return f"Of the last {one.window_days} days." if one.window_days else "However long ago."
