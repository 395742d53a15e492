"""The marketing sheet: what to do about each source, what it cost and brought, and how well it closes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import polars as pl

from metrics import engine
from metrics.comparisons import sources, spending
from metrics.declare import MetricError, NoSuchData
from pages import explanations, theme
from pages.sheet import Lines, Section, Sheet, Table
from pages.sheets.view import View, data_as_of, members

TITLE: Final = "Sources"
_FIRST: Final = 3
_COSTS: Final = ("leads", "spend", "cost_per_lead", "cost_per_sale")
_HEADER: Final = ("Source", "Leads", "Spend", "Per lead", "Per sale", "Gross", "Gained for each unit of spend")
_WIDTHS: Final = (2.4, 1.0, 1.3, 1.2, 1.4, 1.4, 3.2)


def sources_sheet(view: View) -> Sheet:
    """One page: what to do about the sources, their money, and their closing rates."""
    alone = replace(view, against=None)
    told, found = actions(alone)
    return Sheet(TITLE, alone.words, told, (*found, *numbers(alone)), data_as_of(view.warehouse))


def actions(view: View) -> tuple[tuple[str, ...], tuple[Section, ...]]:
    """What to do about the sources and how sure that is: the three most pressing actions, and the rest as a section.

    Where returns cannot be had under the filters, or nothing costs anything, the reason is the answer.
    """
    try:
        rows = spending.actions(view.warehouse, view.filters).to_dicts()
    except (MetricError, NoSuchData) as error:
        return (f"No source can be judged by its money here: {error.message}",), ()
    lines = tuple(f"{head} {said}" for head, said in explanations.source_actions(rows, view.currency))
    rest = lines[_FIRST:]
    return lines[:_FIRST], (Lines("The other sources", rest, page="sources"),) if rest else ()


def numbers(view: View) -> tuple[Section, ...]:
    """The money of each source, and how well each closes beside all of them."""
    by_source = view.filters.but(by=("source",))
    rows = engine.evaluate(view.warehouse, (*_COSTS, "closing_rate"), by_source)
    closing = rows.filter(pl.col("metric") == "closing_rate").sort("denominator", descending=True, nulls_last=True)
    whole = view.now((*_COSTS, "closing_rate"))
    bars = members(
        "By source", "closing_rate", "source", closing, whole["closing_rate"], tick="all sources", page="sources"
    )
    return _money(view, rows), bars


def _money(view: View, rows: pl.DataFrame) -> Table:
    cells: dict[str, dict[str, Any]] = {}
    for row in rows.filter(pl.col("source").is_not_null()).to_dicts():
        cells.setdefault(row["source"], {})[row["metric"]] = row
    back = _returns(view)
    order = sorted(cells, key=lambda name: (name.startswith("("), -float(_value(cells[name], "spend") or 0), name))
    lines = tuple(_line(name, cells[name], back.get(name), view.currency) for name in order)
    note = "Ordered by spend, not by result. Spend that nobody entered is unknown, not zero. Ranges are 95% intervals."
    return Table("What each source cost and brought", _HEADER, lines, _WIDTHS, (1, 2, 3, 4, 5), note, "sources")


def _returns(view: View) -> dict[str, dict[str, Any]]:
    try:
        return {row["source"]: row for row in sources.returns(view.warehouse, view.filters).to_dicts()}
    except (MetricError, NoSuchData):
        return {}


def _value(cells: dict[str, Any], name: str) -> Any:
    return (cells.get(name) or {}).get("value")


def _line(name: str, cells: dict[str, Any], back: dict[str, Any] | None, currency: str) -> tuple[str, ...]:
    spend = _value(cells, "spend")
    costs = ("cost_per_lead", "cost_per_sale")
    shown = [theme.number(_value(cells, cost), "money", currency) for cost in costs] if spend else ["", ""]
    gross = None if back is None else back["gross"]
    return (
        name,
        theme.number(_value(cells, "leads"), "count"),
        "unknown" if spend is None else theme.number(spend, "money", currency),
        *shown,
        theme.number(gross, "money", currency) if spend else "",
        _return_words(back, currency) if spend else "",
    )


def _return_words(back: dict[str, Any] | None, currency: str) -> str:
    """What one unit of spend gained, with its 95 % interval or why there is none."""
    if back is None or back["roi"] is None:
        return theme.NOT_AVAILABLE
    shown = theme.number(back["roi"], "money", currency)
    if back["low"] is None:
        return f"{shown} ({back['state']})" if back["state"] else shown
    return f"{shown} ({theme.interval(back['low'], back['high'], 'money', currency)})"
