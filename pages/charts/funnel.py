"""How far the opportunities of a period came, step by step, beside the period it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pages import theme
from pages.charts.layout import Figure, Part, assemble, bar

Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One bar of the funnel.

    `overall` and `overall_before` are rows of a rate over all opportunities of the period; `step` and `step_before` are
    rows of the rate from the step before (None at the first). `time` and `time_before` are rows of the median time from
    the step before, in `time_unit`. Rows have numerator, denominator, value, low and high.
    """

    label: str
    overall: Row
    overall_before: Row | None = None
    step: Row | None = None
    step_before: Row | None = None
    time: Row | None = None
    time_before: Row | None = None
    time_unit: str = "minutes"


def draw_funnel(steps: Sequence[Step], now_label: str, before_label: str) -> Figure:
    """Draw the share of all opportunities that reached each step, top to bottom, with its count at the bar's end."""
    befores = [step.overall_before for step in steps]
    bars = [_bars(steps, [step.overall for step in steps], now_label, theme.NOW, "")]
    if any(before is not None and before["value"] is not None for before in befores):
        bars = [_bars(steps, befores, before_label, theme.BEFORE, "/"), *bars]
    return assemble(
        bars,
        height=70 + 62 * len(steps),
        x={"tickformat": ".0%", "range": [0, 1.45], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        y={"autorange": "reversed", "type": "category"},
        beneath={"traceorder": "reversed"},
        barmode="group",
    )


def _bars(steps: Sequence[Step], rows: Sequence[Row | None], name: str, color: str, pattern: str) -> Part:
    return bar(
        x=[None if row is None or row["value"] is None else float(row["value"]) for row in rows],
        y=[theme.chart_label(step.label) for step in steps],
        orientation="h",
        name=name,
        text=[_count(row) for row in rows],
        textposition="outside",
        cliponaxis=False,
        marker={"color": color, "pattern": _pattern(pattern)},
        hovertemplate="%{y}: %{text}<extra>" + theme.chart_label(name, 40) + "</extra>",
    )


def _pattern(shape: str) -> dict[str, Any]:
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "rgba(255, 255, 255, 0.7)", "size": 6, "solidity": 0.25}


def _count(row: Row | None) -> str:
    if row is None or row["value"] is None:
        return theme.NOT_AVAILABLE
    return f"{theme.number(row['numerator'], 'count')} ({theme.number(row['value'], 'share')})"


def describe_funnel(steps: Sequence[Step]) -> str:
    """The takeaway in one sentence: of how many opportunities, how many reached each step."""
    first = steps[0].overall
    if not first["denominator"]:
        return "No opportunities under these filters."
    reached = ", ".join(f"{_count(step.overall)} {step.label.lower()}" for step in steps[1:])
    return f"Of {theme.number(first['denominator'], 'count')} opportunities: {reached}."


def tabulate_funnel(steps: Sequence[Step]) -> pl.DataFrame:
    """The chart's table twin: count, overall and step rate with interval, each beside the comparison, as ready text."""
    return theme.table(
        [
            {
                "Step": step.label,
                "Reached": theme.number(step.overall["numerator"], "count"),
                "Of all": _rate(step.overall),
                "Of all (before)": _rate(step.overall_before),
                "Step rate": _rate(step.step),
                "Step rate (before)": _rate(step.step_before),
                "Median time": _time(step.time, step.time_unit),
                "Median time (before)": _time(step.time_before, step.time_unit),
            }
            for step in steps
        ]
    )


def _rate(row: Row | None) -> str:
    if row is None:
        return ""
    ends = theme.interval(row["low"], row["high"])
    counted = theme.parts(row["numerator"], row["denominator"])
    return f"{theme.number(row['value'], 'share')} ({counted}; {ends})" if ends else theme.number(row["value"], "share")


def _time(row: Row | None, unit: str) -> str:
    """A median time with how many it was measured on; empty at the first step."""
    if row is None:
        return ""
    if row["value"] is None:
        return theme.NOT_AVAILABLE
    return f"{theme.number(row['value'], unit)} (n {theme.number(row['denominator'], 'count')})"
