"""A headline number as a tile: value, change, n and interval, and the way to its rows and its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from metrics.catalog import metric as declared
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, frame, sentences, theme

Row = dict[str, Any]
# How high a number with its change and its sparkline is, in pixels: kept free until the sparkline is there.
_WITH_PAST: Final = 150


def tiles(
    names: Sequence[str], now: dict[str, Row], before: dict[str, Row], filters: Filters, *, is_later: bool = False
) -> None:
    """One tile per metric, four in a row where there is room; `is_later`: inside a part that `frame.later` draws."""
    _grid(names, now, before, filters, None, is_later=is_later)


def tiles_with_past(
    names: Sequence[str],
    now: dict[str, Row],
    before: dict[str, Row],
    filters: Filters,
    ask_past: Callable[[], Mapping[str, list[float]]],
) -> None:
    """As `tiles`, then each gets the sparkline that `ask_past` gives by name. For a part that is `filled_in`."""
    slots = _grid(names, now, before, filters, [], is_later=True)
    past = ask_past()
    for name, slot in slots.items():
        if len(past[name]) > 1:
            _number(slot, name, now[name], before.get(name), filters, past[name])


def _grid(
    names: Sequence[str],
    now: dict[str, Row],
    before: dict[str, Row],
    filters: Filters,
    past: list[float] | None,
    *,
    is_later: bool,
) -> dict[str, DeltaGenerator]:
    """The tiles, and where the number of each stands."""
    slots = {}
    with st.grid(4, min_column_width=190, gap="xsmall"):
        for name in names:
            with st.container(border=True, height="stretch", gap=None):
                slots[name] = st.empty()
                _number(slots[name], name, now[name], before.get(name), filters, past)
                _below(name, now[name], before.get(name), filters, is_later=is_later)
    return slots


def _number(
    slot: DeltaGenerator, name: str, row: Row, before: Row | None, filters: Filters, past: list[float] | None
) -> None:
    """The number and its change; with `past` as high as with a sparkline, which is drawn where there is any."""
    metric = declared(name)
    delta = None if before is None else theme.change(row["value"], before["value"], metric.unit)
    slot.metric(
        metric.label,
        theme.number(row["value"], metric.unit, frame.currency(filters)),
        delta,
        delta_color=_color(metric.higher_is_better, row, before),
        delta_arrow="off" if delta is not None and delta[0] not in "+-" else "auto",
        help=theme.plain(metric.description),
        height="content" if past is None else _WITH_PAST,
        chart_data=past or None,
        chart_type="bar",
    )


def _below(name: str, row: Row, before: Row | None, filters: Filters, *, is_later: bool) -> None:
    """Under the number: what it rests on, the way to its rows and its definition."""
    metric = declared(name)
    lines = sentences.evidence(row, before, metric, frame.target(name, filters), frame.currency(filters))
    st.caption("  \n".join(lines))
    st.space("stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        part = "denominator" if metric.kind in ("median", "quantile") else "numerator"
        drill.rows_button(name, "Rows", f"tile_{name}", part=part, is_later=is_later)
        frame.link("definitions", "Definition", metric=name)


def _color(higher_is_better: bool | None, row: Row, before: Row | None) -> Any:
    """Colour only where the difference is more than chance: a change that chance may explain stays grey."""
    if before is None or higher_is_better is None or not differences.is_apart(row, before):
        return "off"
    return "normal" if higher_is_better else "inverse"


def ways(names: Sequence[str]) -> None:
    """To the rows and the definition of each metric, from a part that is drawn later."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for name in names:
            drill.rows_button(name, f"Rows: {declared(name).label.lower()}", f"rows_{name}", is_later=True)
            frame.link("definitions", "Definition", metric=name)
