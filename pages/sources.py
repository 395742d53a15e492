"""Sources: for marketing. What to cut, feed or mend; what each source cost and brought; everything unknown said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from pages import drill, explanations, frame, printing, sentences, show, source_parts, theme
from pages.charts.bars import describe_bars, draw_bars
from pages.charts.dots import describe_dots, draw_dots

TITLE: Final = "Sources"
ICON: Final = ":material/campaign:"
QUESTION: Final = (
    "What did each source bring per dollar, is it the source or our handling, and where should the next dollar go?"
)
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
_HANDLING: Final = "answered_within_standard"
_RETURN: Final = "roi"
_DRAWN: Final = (
    _RETURN,
    "closing_rate",
    _HANDLING,
    "cost_per_lead",
    "cost_per_appointment",
    "cost_per_show",
    "cost_per_sale",
    "cohort_gross",
    "spend",
)
# Words of the widgets and the URL, by which a number and a level are chosen.
DRAWN: Final = {declared(name).label.lower(): name for name in _DRAWN}
LEVELS: Final = {"source": "source", "source group": "source_group"}
_SPEND_KNOWN: Final = ("spend", "cost_per_lead", "cost_per_appointment", "cost_per_show", "cost_per_sale", "roi")
_WHOLE: Final = "All sources"
_FEW: Final = 5
_COUNTED: Final = {
    "cost_per_appointment": "appointments",
    "cost_per_show": "shows",
    "cost_per_sale": "sales",
}

Row = dict[str, Any]
Grid = dict[str, dict[str, Row]]
Aims = dict[str, dict[str, float]]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    top = st.container()
    by = _level()
    asked = (*COLUMNS, _HANDLING)
    frame.ask_ahead((asked, filters), (asked, filters.but(by=(by,))))
    whole = frame.values(asked, filters)
    grid = by_member(frame.evaluate(asked, filters.but(by=(by,))), by)
    if not grid:
        frame.empty(filters)
        return
    with top:
        if whole["spend"]["value"] is not None:
            frame.later(source_parts.what_to_do, filters)
        st.markdown(_answer(whole, grid, frame.currency(filters)))
    for reason in _reasons(whole):
        st.info(theme.plain(reason))
    aims = _aims(list(grid), by, filters)
    st.table(_table(whole, grid, by, frame.currency(filters), aims), hide_index=True, border="horizontal", alt=TITLE)
    _left_out(filters)
    st.caption(_reading())
    printing.sources_button(filters)
    frame.later(_chart, whole, filters, by, list(grid))
    frame.later(source_parts.quality_or_handling, filters)
    frame.later(source_parts.credit, filters)
    frame.later(source_parts.what_if, filters)
    frame.later(source_parts.ledger, filters)
    _open_rows(list(grid), by)


def _level() -> str:
    word = frame.choose_level("Show by", "level", tuple(LEVELS))
    frame.say_unknown_choice("level", "Show by", word)
    return LEVELS[word]


def by_member(rows: pl.DataFrame, by: str) -> Grid:
    """Rows of several metrics as member, then metric; in the order of most spend, members without a name last.

    Members of equal or unknown spend stand in the order of most leads.

    Rows that only say why a metric cannot be had are left out.
    """
    grid: Grid = {}
    for row in rows.to_dicts():
        if row[by] is not None:
            grid.setdefault(row[by], {})[row["metric"]] = row
    return dict(sorted(grid.items(), key=_place))


def _place(item: tuple[str, dict[str, Row]]) -> tuple[bool, float, float, str]:
    name, cells = item
    spend, leads = _value(cells, "spend"), _value(cells, "leads")
    return name.startswith("("), -float(spend or 0), -float(leads or 0), name


def _answer(whole: dict[str, Row], grid: Grid, currency: str) -> str:
    """What was spent and brought in one line, and whose spend nobody entered."""
    leads = theme.number(whole["leads"]["value"], "count")
    head = f"**{leads} leads from {len(grid)} sources.**"
    if whole["spend"].get("reason"):
        return head
    if whole["spend"]["value"] is None:
        return f"{head} **Next:** load what each source costs (a spend sheet), so that cost and return can be shown."
    unknown = [name for name, cells in grid.items() if _value(cells, "spend") is None]
    lines = [f"{head} {_brought(whole, currency)}"]
    if unknown:
        names = theme.plain(", ".join(unknown))
        lines.append(
            f"Spend is unknown for {names}: no cost is shown there until it stands in the spend sheet, "
            "or the settings call the source free."
        )
    return "  \n".join(lines)


def _brought(whole: dict[str, Row], currency: str) -> str:
    spend = theme.number(whole["spend"]["value"], "money", currency)
    if whole["cost_per_sale"]["value"] is None:
        return theme.plain(f"{spend} known spend; no sale of these leads yet.")
    cost = theme.number(whole["cost_per_sale"]["value"], "money", currency)
    return theme.plain(f"{spend} known spend, {cost} for each sale of the sources whose spend is known.")


def _value(cells: dict[str, Row], name: str) -> Any:
    return cells.get(name, {}).get("value")


def _reasons(whole: dict[str, Row]) -> list[str]:
    return list(dict.fromkeys(row["reason"] for row in whole.values() if row.get("reason")))


def _left_out(filters: Filters) -> None:
    found = frame.left_out("roi", filters)
    if found is not None:
        st.caption(f":material/info: {explanations.left_out(*found)}")


def _aims(members: Sequence[str], by: str, filters: Filters) -> Aims:
    """The targets of all together, and of each source that has one of its own; sources differ by nature."""
    whole = frame.targets(COLUMNS, filters)
    found = {_WHOLE: whole}
    for member in members if by == "source" else ():
        theirs = frame.targets(COLUMNS, filters.but(where={**filters.where, by: (member,)}))
        found[member] = {name: aim for name, aim in theirs.items() if aim != whole.get(name)}
    return found


def _table(whole: dict[str, Row], grid: Grid, by: str, currency: str, aims: Aims) -> pl.DataFrame:
    reasoned = {name: row for name, row in whole.items() if row.get("reason")}
    lines = [_line(name, cells | reasoned, by, currency, aims.get(name, {})) for name, cells in grid.items()]
    return theme.table([*lines, _line(_WHOLE, whole, by, currency, aims[_WHOLE])])


def _line(name: str, cells: dict[str, Row], by: str, currency: str, aims: Mapping[str, float]) -> dict[str, str]:
    line = {frame.LABELS[by]: name}
    for column in COLUMNS:
        shown = cell(column, cells.get(column), currency)
        line[declared(column).label] = f"{shown}{_aim(column, cells.get(column), aims.get(column), currency)}"
    return line


def _aim(name: str, row: Row | None, aim: float | None, currency: str) -> str:
    """A target at the end of a number, and whether it is met or missed beyond chance."""
    if row is None or row["value"] is None or aim is None:
        return ""
    return f"; target {sentences.target_words(row, aim, declared(name), currency)}"


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
    if name == "roi":
        return _return_words(row, currency)
    if name in _COUNTED and row["denominator"] < _FEW:
        return f"{shown} (fewer than {_FEW} {_COUNTED[name]})"
    return shown


def _return_words(row: Row, currency: str) -> str:
    """A return as money: what was gained for each unit of spend, and how many leads may still add to it."""
    unit = theme.number(1, "money", currency).removesuffix(".00")
    shown = f"{theme.number(row['value'], 'money', currency)} per {unit}"
    return f"{shown} ({theme.number(row['n_immature'], 'count')} open)" if row["n_immature"] else shown


def _lacks_spend(name: str, row: Row | None) -> bool:
    """A cost without spend is unknown; a cost with spend but nothing to divide it by is n/a."""
    if row is None or name == "spend":
        return True
    part = "denominator" if name == "roi" else "numerator"
    return row[part] is None


def _reading() -> str:
    return (
        "Ordered by spend, not by result. Spend is counted on its days; leads, appointments, shows, sales and gross "
        "belong to the opportunities created in the period, whenever they bought. The last line is divided anew from "
        "the sums, not added up, and holds the sources that cost nothing too. Return on spend is gross so far less "
        "spend, for each unit of spend: 2.00 per 1 is a return of 200%. It is not ranked: opportunities under 90 days "
        "old are open and may bring more. Closing rate shows n and its 95% interval."
    )


def _chart(whole: dict[str, Row], filters: Filters, by: str, order: list[str]) -> None:
    st.subheader("Side by side")
    word = frame.choose("Number to draw", "drawn", tuple(DRAWN))
    frame.say_unknown_choice("drawn", "Number to draw", word)
    name = DRAWN[word]
    if name == _RETURN and by == "source":
        source_parts.draw_returns(filters)
    else:
        _amounts(name, whole, filters, by, order)
    frame.link("definitions", f"Definition of {declared(name).label.lower()}", metric=name)


def _amounts(name: str, whole: dict[str, Row], filters: Filters, by: str, order: list[str]) -> None:
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


def in_order(rows: pl.DataFrame, by: str, order: list[str]) -> pl.DataFrame:
    """The rows of named members in a given order."""
    place = {name: position for position, name in enumerate(order)}
    named = rows.filter(pl.col(by).is_not_null())
    return named.sort(named[by].replace_strict(place, default=len(place), return_dtype=pl.Int64))


def _twin(rows: pl.DataFrame, by: str, name: str, currency: str) -> pl.DataFrame:
    lines = [{frame.LABELS[by]: row[by], declared(name).label: cell(name, row, currency)} for row in rows.to_dicts()]
    return theme.table(lines)


def _open_rows(members: list[str], by: str) -> None:
    with st.container(key="screen_only_head"):
        st.subheader("Open a source")
    with st.container(horizontal=True, vertical_alignment="bottom", key="screen_only_open"):
        member = st.selectbox(frame.LABELS[by], members, key="source_opened")
        name = st.selectbox(
            "Number", (*COLUMNS, _HANDLING), format_func=lambda code: declared(code).label, key="source_metric"
        )
        drill.rows_button(str(name), "Show the rows", "source_rows", member=(by, str(member)))


if __name__ == "__main__":
    show.whole_dashboard()
