"""A headline number as a tile: value, change, n and interval, and the way to its rows and its definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, frame, sentences, theme

Row = dict[str, Any]


def tiles(names: Sequence[str], now: dict[str, Row], before: dict[str, Row], filters: Filters) -> None:
    """One tile per metric, four in a row where there is room."""
    with st.grid(4, min_column_width=160, gap="xsmall"):
        for name in names:
            with st.container(border=True, height="stretch", gap=None):
                _tile(name, now[name], before.get(name), filters)


def _tile(name: str, row: Row, before: Row | None, filters: Filters) -> None:
    metric, currency = declared(name), frame.currency(filters)
    delta = None if before is None else theme.change(row["value"], before["value"], metric.unit)
    st.metric(
        metric.label,
        theme.number(row["value"], metric.unit, currency),
        delta,
        delta_color=_color(metric.higher_is_better, row, before),
        delta_arrow="off" if delta is not None and delta[0] not in "+-" else "auto",
        help=theme.plain(metric.description),
    )
    lines = sentences.evidence(row, before, metric, frame.target(name, filters), currency)
    st.caption("  \n".join(lines))
    st.space("stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        part = "denominator" if metric.kind == "median" else "numerator"
        drill.rows_button(name, "Rows", f"rows_{name}_tile", part=part)
        frame.link("definitions", "Definition", metric=name)


def _color(higher_is_better: bool | None, row: Row, before: Row | None) -> Any:
    """Colour only where the difference is more than chance."""
    if before is None or higher_is_better is None or not differences.is_apart(row, before):
        return "off"
    return "normal" if higher_is_better else "inverse"
