"""A rate per person or source as a dot on its interval, beside one line for all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pages import theme
from pages.charts.layout import CALM, Figure, Part, assemble, label_width, over, scatter, tick_format, upright

# Between the drawing and the values, and between these and the edge.
_ROOM: Final = 14
# The values stand at the end of an axis of their own, so that they keep their column whatever the drawing shows.
_COLUMN: Final = {**CALM, "overlaying": "x", "range": [0, 1], "visible": False}


def draw_dots(
    frame: pl.DataFrame, by: str, unit: str, whole: Mapping[str, Any], whole_label: str, *, currency: str = "USD"
) -> Figure:
    """Draw one row per member in the order of the frame, top to bottom, all in one colour, its value at its end.

    `frame`: one metric as `evaluate` gives it by one dimension. `whole`: the same metric for all members together.
    A member without a value keeps its row, without a dot. A column `note` is written below the value. The axis starts
    at 0 unless all lies in its upper half.
    """
    rows = frame.to_dicts()
    said = [_said(row, unit, currency) for row in rows]
    labels = [theme.chart_label(row[by]) for row in rows]
    known = [] if whole["value"] is None else [whole["value"]]
    note = f"{whole_label} {theme.number(whole['value'], unit, currency)}"
    return assemble(
        [_dots(rows, by, unit, currency), _column(labels, said)],
        height=96 + 38 * len(rows),
        legend=False,
        x={"tickformat": tick_format(unit), "rangemode": "normal" if _is_high(rows) else "tozero", "nticks": 6},
        xaxis2=_COLUMN,
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
        margin={"t": 32, "r": max(map(label_width, said), default=0) + _ROOM},
        shapes=[upright(at, theme.REFERENCE) for at in known],
        annotations=[over(at, note) for at in known],
    )


def _dots(rows: list[dict[str, Any]], by: str, unit: str, currency: str) -> Part:
    values = [row["value"] for row in rows]
    return scatter(
        x=values,
        y=[theme.chart_label(row[by]) for row in rows],
        mode="markers",
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
        text=[_hover(row, by, unit, currency) for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )


def _column(labels: list[str], said: list[str]) -> Part:
    """The values one below the other, right of the drawing, where no line crosses them."""
    return scatter(
        xaxis="x2",
        x=[1] * len(labels),
        y=labels,
        mode="text",
        text=said,
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )


def _said(row: dict[str, Any], unit: str, currency: str) -> str:
    """The value of a row, with its note below."""
    if row["value"] is None:
        return ""
    note = row.get("note")
    return f"{theme.number(row['value'], unit, currency)}{f'<br>{note}' if note else ''}"


def _is_high(rows: list[dict[str, Any]]) -> bool:
    """Whether all that is drawn lies in the upper half of an axis from 0: from there it could hardly be told apart."""
    ends = [end for row in rows for end in (row["value"], row["low"], row["high"]) if end is not None]
    return bool(ends) and min(ends) > max(ends) / 2


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
