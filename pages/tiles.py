"""A headline number as a tile: value, change, n and interval, and the way to its rows and its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, frame, sentences, theme

Row = dict[str, Any]


def tiles(
    names: Sequence[str],
    now: dict[str, Row],
    before: dict[str, Row],
    filters: Filters,
    past: Mapping[str, list[float]] | None = None,
) -> None:
    """One tile per metric, four in a row where there is room; `past`: what is drawn as a sparkline, by name."""
    with st.grid(4, min_column_width=190, gap="xsmall"):
        for name in names:
            with st.container(border=True, height="stretch", gap=None):
                _tile(name, now[name], before.get(name), filters, (past or {}).get(name, []))


def _tile(name: str, row: Row, before: Row | None, filters: Filters, past: list[float]) -> None:
    metric, currency = declared(name), frame.currency(filters)
    delta = None if before is None else theme.change(row["value"], before["value"], metric.unit)
    st.metric(
        metric.label,
        theme.number(row["value"], metric.unit, currency),
        delta,
        delta_color=_color(metric.higher_is_better, row, before),
        delta_arrow="off" if delta is not None and delta[0] not in "+-" else "auto",
        help=theme.plain(metric.description),
        chart_data=past if len(past) > 1 else None,
        chart_type="bar",
    )
    lines = sentences.evidence(row, before, metric, frame.target(name, filters), currency)
    st.caption("  \n".join(lines))
    st.space("stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        part = "denominator" if metric.kind in ("median", "quantile") else "numerator"
        drill.rows_button(name, "Rows", f"tile_{name}", part=part)
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
