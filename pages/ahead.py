"""The calendar: appointments still to come, as the people who call to confirm them read it. No streamlit here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from metrics.lists import APPOINTMENTS_AHEAD, NO_SHOW
from pages import calling, download, region, theme

Row = dict[str, Any]

LISTS: Final = (APPOINTMENTS_AHEAD.name, NO_SHOW.name)
MISSED_DAYS: Final = NO_SHOW.window_days
# Words of the widgets and the URL: how many days of the store after its own, and whether those confirmed are in.
REACHES: Final = {"today and tomorrow": 1, "next seven days": 6}
_NEAR: Final = {0: "Today", 1: "Tomorrow"}
_COLUMNS: Final = {
    "day": "Day",
    "appointment_at": "Due",
    "customer": "Customer",
    "phone": "Phone",
    "email": "E-mail",
    "confirmed": "Confirmed",
    "owner": "Set by",
    "salesperson": "Salesperson",
    "bdc_agent": "BDC agent",
    "store": "Store",
    "source": "Source",
    "vehicle": "Vehicle",
    "since": "Set",
    "opportunity_key": "Opportunity ID",
}


def calendar(rows: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """The appointments ahead among rows of the lists, by day, store and time, with `due_on` and `days_ahead`.

    Days are counted from the store's own day, the one that the data reach to.
    """
    found = rows.filter(pl.col("list") == APPOINTMENTS_AHEAD.name)
    local = [_local_days(row, zones) for row in found.select("store", "appointment_at", "as_of").to_dicts()]
    dated = pl.DataFrame(local, schema={"due_on": pl.Date, "days_ahead": pl.Int64}, orient="row")
    return pl.concat([found, dated], how="horizontal").sort("due_on", "store", "appointment_at", "customer_key")


def _local_days(row: Row, zones: Mapping[str, str]) -> tuple[dt.date, int]:
    zone = ZoneInfo(zones.get(row["store"], "UTC"))
    due, today = row["appointment_at"].astimezone(zone).date(), row["as_of"].astimezone(zone).date()
    return due, (due - today).days


def within(found: pl.DataFrame, days: int, *, is_unconfirmed: bool) -> pl.DataFrame:
    """Those due at most so many days after their store's day; only those nobody confirmed, where asked."""
    near = found.filter(pl.col("days_ahead") <= days)
    return near.filter(~pl.col("is_confirmed")) if is_unconfirmed else near


def uncalled(rows: pl.DataFrame) -> int:
    """How many customers who did not come nobody has called since."""
    return rows.filter(pl.col("list") == NO_SHOW.name).height


def next_step(found: pl.DataFrame, missed: int) -> str:
    """What to do first: confirm what is near, then call who did not come; as Markdown."""
    near = within(found, 1, is_unconfirmed=False)
    open_ones = near.filter(~pl.col("is_confirmed")).height
    count = theme.number
    if open_ones:
        first = (
            f"call to confirm {count(open_ones, 'count')} of the {count(near.height, 'count')} appointments of today "
            "and tomorrow: nobody has confirmed them."
        )
    elif near.height:
        first = f"all {count(near.height, 'count')} appointments of today and tomorrow are confirmed."
    else:
        first = "nothing is in the calendar for today and tomorrow: make appointments."
    tail = ""
    if missed:
        people = "the customer" if missed == 1 else f"the {count(missed, 'count')} customers"
        tail = f" Then call {people} who did not come and whom nobody has called since."
    return f"**Next:** {first}{tail}"


def days(found: pl.DataFrame) -> list[tuple[str, list[Row]]]:
    """The appointments by day, each day with its heading: `Tomorrow, Nov 23, 2026: 17, of them 16 not confirmed`.

    Stores whose own day differs have the same date under two headings.
    """
    ordered = found.sort("due_on", "days_ahead", maintain_order=True).to_dicts()
    grouped = groupby(ordered, key=lambda row: (row["due_on"], row["days_ahead"]))
    listed = [(key, list(rows)) for key, rows in grouped]
    return [(_day_heading(*key, rows), rows) for key, rows in listed]


def _day_heading(day: dt.date, days_ahead: int, rows: list[Row]) -> str:
    name = _NEAR.get(days_ahead, f"{day:%A}")
    open_ones = sum(not row["is_confirmed"] for row in rows)
    count = theme.number(len(rows), "count")
    state = f"{count}, of them {theme.number(open_ones, 'count')} not confirmed"
    if open_ones in {0, len(rows)}:
        state = f"{count} {'not ' if open_ones else ''}confirmed"
    return f"{name}, {region.day(day)}: {state}"


def line(row: Row, zones: Mapping[str, str], *, has_store: bool) -> str:
    """One appointment as a line of Markdown: time, customer, number, confirmed or not, which vehicle, who set it."""
    at = row["appointment_at"].astimezone(ZoneInfo(zones.get(row["store"], "UTC")))
    how = calling.dial(row["phone"]) if row["phone"] else theme.plain(row["email"] or "no number")
    state = "confirmed" if row["is_confirmed"] else "**call to confirm**"
    customer, wanted = theme.plain(row["customer"] or "(no name)"), theme.plain(calling.wants(row))
    parts = [f"**{at:%H:%M}** {customer}", how, state, *([f"about {wanted}"] if wanted else [])]
    parts.append(f"set by {theme.plain(row['owner'])}")
    if row["salesperson"] != row["owner"]:
        parts.append(f"for {theme.plain(row['salesperson'])}")
    if has_store:
        parts.append(theme.plain(row["store"]))
    return " · ".join(parts)


def as_file(found: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """The calendar as the rows of a file, with headers in words and local times."""
    told = found.with_columns(
        day=pl.col("due_on"),
        confirmed=pl.when("is_confirmed").then(pl.lit("confirmed")).otherwise(pl.lit("not confirmed")),
    )
    return download.readable(told, stores).select(pl.col(name).alias(label) for name, label in _COLUMNS.items())
