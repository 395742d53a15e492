"""Sources: for marketing. What each source cost and brought, with everything unknown said to be unknown."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from pages import drill, frame, sentences, theme
from pages.charts.bars import describe_bars, draw_bars
from pages.charts.dots import describe_dots, draw_dots

TITLE: Final = "Sources"
ICON: Final = ":material/campaign:"
QUESTION: Final = "What did each source bring for its money, and which numbers are too small to act on?"
COMPARES: Final = False

COLUMNS: Final = (
    "leads",
    "spend",
    "cost_per_lead",
    "cost_per_appointment",
    "cost_per_show",
    "cost_per_sale",
    "cohort_gross",
    "roi",
    "closing_rate",
)
DRAWN: Final = ("closing_rate", "cost_per_lead", "cost_per_sale", "cohort_gross", "spend", "roi")
_SPEND_KNOWN: Final = ("spend", "cost_per_lead", "cost_per_appointment", "cost_per_show", "cost_per_sale", "roi")
_WHOLE: Final = "All sources"
_LARGE_SHARE: Final = 0.2

Row = dict[str, Any]
Grid = dict[str, dict[str, Row]]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    by = _level()
    whole = frame.values(COLUMNS, filters)
    grid = by_member(frame.evaluate(COLUMNS, filters.but(by=(by,))), by)
    if not grid:
        frame.empty(filters)
        return
    st.markdown(_answer(whole, grid))
    for reason in _reasons(whole):
        st.info(theme.plain(reason))
    _left_out(filters)
    st.table(_table(whole, grid, by, frame.currency(filters)), hide_index=True, border="horizontal", alt=TITLE)
    st.caption(_reading())
    _chart(whole, filters, by, list(grid))
    _open_rows(list(grid), by)


def _level() -> str:
    levels = ("source", "source_group")
    chosen = st.segmented_control(
        "Show by", levels, format_func=lambda name: frame.LABELS[name], default=levels[0], required=True, key="level"
    )
    return str(chosen)


def by_member(rows: pl.DataFrame, by: str) -> Grid:
    """Rows of several metrics as member, then metric; in the order of most leads, members without a name last.

    Rows that only say why a metric cannot be had are left out.
    """
    grid: Grid = {}
    for row in rows.to_dicts():
        if row[by] is not None:
            grid.setdefault(row[by], {})[row["metric"]] = row
    return dict(sorted(grid.items(), key=lambda item: (item[0].startswith("("), -_leads(item[1]), item[0])))


def _leads(cells: dict[str, Row]) -> float:
    return float((cells.get("leads") or {}).get("value") or 0)


def _answer(whole: dict[str, Row], grid: Grid) -> str:
    leads = theme.number(whole["leads"]["value"], "count")
    unknown = [name for name, cells in grid.items() if _value(cells, "spend") is None]
    head = f"**{leads} leads from {len(grid)} sources.**"
    if not unknown:
        return f"{head} The spend of every source is known."
    names = theme.plain(", ".join(unknown))
    return f"{head} Spend is unknown for {len(unknown)} of them, so they have no cost: {names}."


def _value(cells: dict[str, Row], name: str) -> Any:
    return cells.get(name, {}).get("value")


def _reasons(whole: dict[str, Row]) -> list[str]:
    return list(dict.fromkeys(row["reason"] for row in whole.values() if row.get("reason")))


def _left_out(filters: Filters) -> None:
    sentence = frame.left_out("roi", filters)
    if sentence:
        st.info(theme.plain(sentence), icon=":material/info:")


def _table(whole: dict[str, Row], grid: Grid, by: str, currency: str) -> pl.DataFrame:
    reasoned = {name: row for name, row in whole.items() if row.get("reason")}
    lines = [_line(name, cells | reasoned, by, currency) for name, cells in grid.items()]
    return theme.table([*lines, _line(_WHOLE, whole, by, currency)])


def _line(name: str, cells: dict[str, Row], by: str, currency: str) -> dict[str, str]:
    line = {frame.LABELS[by]: name}
    for column in COLUMNS:
        line[declared(column).label] = cell(column, cells.get(column), currency)
    return line


def cell(name: str, row: Row | None, currency: str) -> str:
    """One number of the table in words: `unknown` where spend is not known, `n/a` where it cannot be had."""
    metric = declared(name)
    if row is None or row["value"] is None:
        is_reasoned = row is not None and row.get("reason")
        return (
            "unknown" if name in _SPEND_KNOWN and not is_reasoned and _lacks_spend(name, row) else theme.NOT_AVAILABLE
        )
    shown = theme.number(row["value"], metric.unit, currency)
    if metric.kind == "conversion":
        ends = theme.interval(row["low"], row["high"])
        return f"{shown} ({theme.parts(row['numerator'], row['denominator'])}; {ends})"
    if name == "roi" and row["n_immature"]:
        return f"{shown} ({theme.number(row['n_immature'], 'count')} still open)"
    return shown


def _lacks_spend(name: str, row: Row | None) -> bool:
    """A cost without spend is unknown; a cost with spend but nothing to divide it by is n/a."""
    if row is None or name == "spend":
        return True
    part = "denominator" if name == "roi" else "numerator"
    return row[part] is None


def _reading() -> str:
    return (
        "Ordered by leads, not by result. Spend is counted on its days; leads, appointments, shows, sales and gross "
        "belong to the opportunities created in the period, whenever they bought. The last line is divided anew from "
        "the sums, not added up. Return on spend is not ranked: opportunities under 90 days old may still bring gross."
    )


def _chart(whole: dict[str, Row], filters: Filters, by: str, order: list[str]) -> None:
    st.subheader("Side by side")
    name = st.selectbox("Number to draw", DRAWN, format_func=lambda code: declared(code).label, key="drawn")
    metric, currency = declared(name), frame.currency(filters)
    rows = in_order(frame.evaluate((name,), filters.but(by=(by,))), by, order)
    if rows.is_empty() or whole[name].get("reason"):
        st.info(theme.plain(whole[name].get("reason") or "Nothing to draw."))
        return
    if metric.kind == "conversion":
        described = describe_dots(rows, by, metric.label, metric.unit, whole[name])
        figure = draw_dots(rows, by, metric.unit, whole[name], "All")
    else:
        described = describe_bars(rows, by, metric.label, metric.unit, currency=currency)
        figure = draw_bars(rows, by, metric.unit, currency=currency)
    st.markdown(theme.plain(described))
    frame.chart(figure, described, "sources_chart", _twin(rows, by, name, currency))
    st.caption(f"Counted by {sentences.clock_words(metric)}. {theme.plain(metric.description)}")
    frame.link("definitions", f"Definition of {metric.label.lower()}", metric=name)


def in_order(rows: pl.DataFrame, by: str, order: list[str]) -> pl.DataFrame:
    """The rows of named members in a given order."""
    place = {name: position for position, name in enumerate(order)}
    named = rows.filter(pl.col(by).is_not_null())
    return named.sort(named[by].replace_strict(place, default=len(place), return_dtype=pl.Int64))


def _twin(rows: pl.DataFrame, by: str, name: str, currency: str) -> pl.DataFrame:
    lines = [{frame.LABELS[by]: row[by], declared(name).label: cell(name, row, currency)} for row in rows.to_dicts()]
    return theme.table(lines)


def _open_rows(members: list[str], by: str) -> None:
    st.subheader("Open a source")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        member = st.selectbox(frame.LABELS[by], members, key="source_opened")
        name = st.selectbox("Number", COLUMNS, format_func=lambda code: declared(code).label, key="source_metric")
        drill.rows_button(name, "Show the rows", "source_rows", member=(by, str(member)))
