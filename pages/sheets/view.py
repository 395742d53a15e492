"""A question to a warehouse, what it is compared with, and the blocks that sheets and letters are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from metrics import engine
from metrics.catalog import metric as declared
from metrics.comparisons import change, outlook, shifts
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics import differences
from pages import explanations, periods, region, theme
from pages.sheet import Bar, Bars, Table

Row = dict[str, Any]
Rows = dict[str, Row]

LINE: Final = "Bar: the share. Dark line: its 95% interval."
TICK: Final = f"{LINE} Brown tick: {{}}."
# Whose mix may explain a change of a rate to somebody who can do something about it.
_EXPLAINS: Final = ("source_group", "source", "lead_type", "vehicle_condition", "store")


@dataclass(frozen=True)
class View:
    """A question and what it is compared with; `scope` says in words what the filters keep."""

    warehouse: Warehouse
    filters: Filters
    against: Filters | None = None
    scope: str = "everything"

    def now(self, names: Sequence[str]) -> dict[str, Row]:
        """One row per metric, by name."""
        return values(self.warehouse, names, self.filters)

    def before(self, names: Sequence[str]) -> dict[str, Row]:
        """The same of the comparison; empty without one."""
        return {} if self.against is None else values(self.warehouse, names, self.against)

    @property
    def currency(self) -> str:
        """The currency of the first store in scope."""
        found = stores(self)["currency"]
        return str(found[0]) if found.len() else "USD"

    @property
    def words(self) -> str:
        """The period, the comparison and the scope in words."""
        told = periods.words((self.filters.start, self.filters.end))
        if self.against is not None:
            told += f", compared with {periods.words((self.against.start, self.against.end))} at the same age"
        return f"{told}. Filters: {self.scope}."


def values(warehouse: Warehouse, names: Sequence[str], filters: Filters) -> dict[str, Row]:
    """One row per metric, by name, for filters that do not split."""
    return {row["metric"]: row for row in engine.evaluate(warehouse, names, filters).to_dicts()}


def earlier(warehouse: Warehouse, filters: Filters, days: int) -> Filters:
    """The same question about so many days before, as it looked at the same age."""
    back = dt.timedelta(days=days)
    start, end = (None if day is None else day - back for day in (filters.start, filters.end))
    return filters.but(start=start, end=end).at_age_of(filters, engine.newest(warehouse))


def stores(view: View) -> pl.DataFrame:
    """The stores in scope."""
    found, chosen = engine.stores(view.warehouse), view.filters.where.get("store", ())
    return found.filter(pl.col("store").is_in(chosen)) if chosen else found


def target(view: View, name: str) -> float | None:
    """The target of a metric that says most about the question; None without any."""
    return engine.target(engine.targets(view.warehouse), name, view.filters)


def data_as_of(warehouse: Warehouse) -> str:
    """As of when each store's data are, in its local time; stores that share a moment are named together."""
    moments: dict[str, list[str]] = {}
    for store in engine.stores(warehouse).to_dicts():
        moments.setdefault(_moment(store["as_of"], store["time_zone"]), []).append(store["store"])
    told = "; ".join(f"{moment} ({', '.join(names)})" for moment, names in moments.items())
    return f"Data as of {told or 'no day yet'}."


def _moment(at: dt.datetime | None, zone: str) -> str:
    if at is None:
        return "no day yet"
    local = pl.Series([at]).dt.convert_time_zone(zone).item()
    return f"{region.day(local.date())} {local:%H:%M} {zone}"


def rate_words(row: Row | None) -> str:
    """A rate as `61.0% (61 of 100; 51.2% to 70.0%)`, with what is still open; its reason where it cannot be had."""
    if row is None or row["value"] is None:
        return str((row or {}).get("reason") or theme.NOT_AVAILABLE)
    known = [theme.parts(row["numerator"], row["denominator"]), theme.interval(row["low"], row["high"])]
    inside = "; ".join(part for part in known if part)
    return f"{theme.number(row['value'], 'share')} ({inside})" if inside else theme.number(row["value"], "share")


def moved_words(row: Row | None, before: Row | None, unit: str) -> str:
    """How a number moved, and for a rate whether by more than chance."""
    if row is None or before is None:
        return ""
    moved = theme.change(row["value"], before["value"], unit)
    if moved is None or differences.difference(row, before) is None:
        return moved or ""
    return f"{moved}, {'more than chance' if differences.is_apart(row, before) else 'may be chance'}"


def rates(heading: str, names: Sequence[str], now: Rows, before: Rows, *, page: str = "") -> Bars:
    """Rates as bars on one scale from 0 to 100%, each with its interval and the earlier value as a tick."""
    legend = TICK.format("the period compared with") if before else LINE
    return Bars(heading, tuple(_rate(name, now, before) for name in names), legend, page=page)


def _rate(name: str, now: Rows, before: Rows) -> Bar:
    row, earlier = now[name], before.get(name)
    moved = moved_words(row, earlier, "share")
    text = f"{rate_words(row)}; {moved}" if moved else rate_words(row)
    tick = None if earlier is None else earlier["value"]
    return Bar(declared(name).label, text, row["value"], row["low"], row["high"], tick)


def members(heading: str, name: str, by: str, rows: pl.DataFrame, whole: Row, *, tick: str, page: str = "") -> Bars:
    """One rate of several members (stores, sources) as bars, with the rate of all of them as a tick.

    `rows` and `whole` are what `evaluate` gives; members without a chance to be measured are left out.
    """
    measured = [row for row in rows.to_dicts() if row[by] is not None and row["denominator"]]
    bars = tuple(
        Bar(row[by], rate_words(row), row["value"], row["low"], row["high"], whole["value"]) for row in measured
    )
    most = max([bar.high or 0.0 for bar in bars], default=0.0)
    return Bars(f"{heading}: {declared(name).label}", bars, TICK.format(tick), most=most or 1.0, page=page)


def counts(heading: str, names: Sequence[str], sides: Mapping[str, Rows], currency: str, *, page: str = "") -> Table:
    """Numbers of several periods side by side: a line per metric, a column per period, in the order given."""
    rows = tuple((declared(name).label, *(_cell(name, side, currency) for side in sides.values())) for name in names)
    wide = tuple(3.0 if place == 0 else 2.0 for place in range(len(sides) + 1))
    return Table(heading, ("", *sides), rows, wide, tuple(range(1, len(sides) + 1)), page=page)


def _cell(name: str, side: Rows, currency: str) -> str:
    row = side.get(name)
    return theme.number(None if row is None else row["value"], declared(name).unit, currency)


def why_changed(view: View, name: str) -> str:
    """Why a rate changed, by the dimension whose shift explains most of it; "" without a comparison or a reason."""
    if view.against is None:
        return ""
    try:
        ranked = change.rank(view.warehouse, name, view.filters, view.against)
        over = next((found for found in ranked["dimension"].to_list() if found in _EXPLAINS), None)
        if over is None:
            return ""
        explained = change.explain(view.warehouse, name, view.filters, view.against, over)
    except (MetricError, NoSuchData):
        return ""
    return explanations.why(shifts.why(explained))


def month_end(view: View, name: str = "sold_units") -> list[str]:
    """Where each store's month will end, a sentence per store; empty where it cannot be told under the filters."""
    try:
        rows = outlook.month_pace(view.warehouse, name, view.filters)
    except (MetricError, NoSuchData):
        return []
    return explanations.pace(rows.to_dicts())
