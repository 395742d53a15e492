"""A rate per person or source as a dot on its interval, beside one line for all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pages import theme
from pages.charts.layout import Figure, Part, assemble, over, scatter, tick_format, upright


def draw_dots(
    frame: pl.DataFrame, by: str, unit: str, whole: Mapping[str, Any], whole_label: str, *, currency: str = "USD"
) -> Figure:
    """Draw one row per member in the order of the frame, top to bottom, all in one colour.

    `frame`: one metric as `evaluate` gives it by one dimension. `whole`: the same metric for all members together.
    A member without a value keeps its row, without a dot. A column `note` is written after the value.
    """
    rows = frame.to_dicts()
    labels = [theme.chart_label(row[by]) for row in rows]
    known = [] if whole["value"] is None else [whole["value"]]
    note = f"{whole_label} {theme.number(whole['value'], unit, currency)}"
    return assemble(
        [_dots(rows, by, unit, currency)],
        height=96 + 38 * len(rows),
        legend=False,
        x={"tickformat": tick_format(unit), "rangemode": "tozero", "nticks": 6},
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
        margin={"t": 32},
        shapes=[upright(at, theme.REFERENCE) for at in known],
        annotations=[over(at, note) for at in known],
    )


def _dots(rows: list[dict[str, Any]], by: str, unit: str, currency: str) -> Part:
    values = [row["value"] for row in rows]
    return scatter(
        x=values,
        y=[theme.chart_label(row[by]) for row in rows],
        mode="markers+text",
        marker={"color": theme.NOW, "size": 10},
        cliponaxis=False,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_gap(row["value"], row["high"]) for row in rows],
            "arrayminus": [_gap(row["low"], row["value"]) for row in rows],
            "color": theme.NOW,
            "thickness": 2,
            "width": 5,
        },
        text=[_said(row, unit, currency) for row in rows],
        textposition="top center",
        textfont={"size": 11},
        hovertext=[_hover(row, by, unit, currency) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _said(row: dict[str, Any], unit: str, currency: str) -> str:
    """The value over a dot, with its note."""
    if row["value"] is None:
        return ""
    note = row.get("note")
    return f"{theme.number(row['value'], unit, currency)}{f', {note}' if note else ''}"


def _gap(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else max(high - low, 0.0)


def _hover(row: dict[str, Any], by: str, unit: str, currency: str) -> str:
    lines = [f"{theme.chart_label(row[by])}: {theme.number(row['value'], unit, currency)}"]
    lines.append(theme.parts(row["numerator"], row["denominator"]))
    ends = theme.interval(row["low"], row["high"], unit, currency)
    lines.append(f"95% interval {ends}" if ends else "")
    return "<br>".join(line for line in lines if line)


def describe_dots(frame: pl.DataFrame, by: str, label: str, unit: str, whole: Mapping[str, Any]) -> str:
    """The takeaway in one sentence: how many members there are, the overall value, whose interval leaves it out."""
    if whole["value"] is None:
        return f"{label}: nothing to show under these filters."
    apart = [row[by] for row in frame.to_dicts() if not holds(row, whole["value"]) and row["value"] is not None]
    head = f"{label} of {frame.height}, beside {theme.number(whole['value'], unit)} overall."
    if not apart:
        return f"{head} Every interval contains the overall rate: none is distinguishable from it."
    return f"{head} The interval leaves out the overall rate for: {', '.join(apart)}."


def holds(row: Mapping[str, Any], value: float) -> bool:
    """Whether a row's 95 % interval contains a value; a row without an interval cannot be told apart, so True."""
    if row["low"] is None or row["high"] is None:
        return True
    return bool(row["low"] <= value <= row["high"])
