"""Sources: for marketing. What each source cost and brought, with everything unknown said to be unknown."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from pages import drill, frame, sentences, show, theme
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
_HANDLING: Final = "answered_within_standard"
_DRAWN: Final = (
    "closing_rate",
    _HANDLING,
    "cost_per_lead",
    "cost_per_appointment",
    "cost_per_show",
    "cost_per_sale",
    "cohort_gross",
    "spend",
    "roi",
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


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    top = st.container()
    by = _level()
    whole = frame.values((*COLUMNS, _HANDLING), filters)
    grid = by_member(frame.evaluate((*COLUMNS, _HANDLING), filters.but(by=(by,))), by)
    if not grid:
        frame.empty(filters)
        return
    with top:
        st.markdown(f"{_answer(whole, grid)}  \n{advice(whole, grid)}")
    for reason in _reasons(whole):
        st.info(theme.plain(reason))
    st.table(_table(whole, grid, by, frame.currency(filters)), hide_index=True, border="horizontal", alt=TITLE)
    _left_out(filters)
    st.caption(_reading())
    _chart(whole, filters, by, list(grid))
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


def _answer(whole: dict[str, Row], grid: Grid) -> str:
    leads = theme.number(whole["leads"]["value"], "count")
    head = f"**{leads} leads from {len(grid)} sources.**"
    if whole["spend"].get("reason"):
        return head
    unknown = [name for name, cells in grid.items() if _value(cells, "spend") is None]
    if not unknown:
        return f"{head} The spend of every source is known."
    names = theme.plain(", ".join(unknown))
    return (
        f"{head} Spend is unknown for {names}: no cost is shown there until it stands in the spend sheet, "
        "or the settings call the source free."
    )


def advice(whole: dict[str, Row], grid: Grid) -> str:
    """What to do next about the paid sources: those answered late first, then those that close below the whole.

    Only differences beyond chance are named. Empty where spend cannot be had under the filters.
    """
    if whole["spend"].get("reason"):
        return ""
    if whole["spend"]["value"] is None:
        return "**Next:** load what each source costs (a spend sheet), so that cost and return can be shown."
    paid = [name for name, cells in grid.items() if _value(cells, "spend")]
    late = [name for name in paid if _is_below(_HANDLING, grid[name], whole)]
    low = [name for name in paid if name not in late and _is_below("closing_rate", grid[name], whole)]
    lines = []
    if late:
        shown = ", ".join(f"{theme.plain(name)} ({_answered(grid[name])})" for name in late)
        overall = theme.number(_value(whole, _HANDLING), "share")
        lines.append(f"mend the answering before you judge {shown}, beside {overall} overall.")
    if low:
        lines.append(
            f"compare the cost per sale of {_names(low)}: they close below the whole and were not answered later."
        )
    if not lines:
        lines.append(
            "no paid source differs from the whole by more than chance explains: move no money on these numbers."
        )
    return f"**Next:** {' Then '.join(lines)}"


def _names(names: list[str]) -> str:
    return theme.plain(", ".join(names))


def _answered(cells: dict[str, Row]) -> str:
    return f"{theme.number(_value(cells, _HANDLING), 'share')} answered within the standard"


def _is_below(name: str, cells: dict[str, Row], whole: dict[str, Row]) -> bool:
    """Whether a member's interval lies below the value of all members together."""
    high, value = cells.get(name, {}).get("high"), whole[name]["value"]
    return high is not None and value is not None and high < value


def _value(cells: dict[str, Row], name: str) -> Any:
    return cells.get(name, {}).get("value")


def _reasons(whole: dict[str, Row]) -> list[str]:
    return list(dict.fromkeys(row["reason"] for row in whole.values() if row.get("reason")))


def _left_out(filters: Filters) -> None:
    sentence = frame.left_out("roi", filters)
    if sentence:
        st.caption(f":material/info: {theme.plain(sentence)}")


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
        "the sums, not added up. Return on spend is gross so far less spend, for each unit of spend: 2.00 per 1 is a "
        "return of 200%. It is not ranked: opportunities under 90 days old are open and may bring more. Closing rate "
        "shows n and its 95% interval."
    )


def _chart(whole: dict[str, Row], filters: Filters, by: str, order: list[str]) -> None:
    st.subheader("Side by side")
    word = frame.choose("Number to draw", "drawn", tuple(DRAWN))
    frame.say_unknown_choice("drawn", "Number to draw", word)
    name = DRAWN[word]
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
        name = st.selectbox(
            "Number", (*COLUMNS, _HANDLING), format_func=lambda code: declared(code).label, key="source_metric"
        )
        drill.rows_button(str(name), "Show the rows", "source_rows", member=(by, str(member)))


if __name__ == "__main__":
    show.whole_dashboard()
