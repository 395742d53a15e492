"""A change in steps: what each part added or took away, so that the parts end at the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pages import theme
from pages.charts.layout import Figure, assemble, waterfall

Kind = Literal["total", "part", "sum"]


@dataclass(frozen=True)
class Step:
    """One bar: a `part` floats on what came before it, a `total` stands on the ground, a `sum` of parts does too.

    `value` None is unknown.
    """

    label: str
    value: float | None
    kind: Kind = "part"


def draw_waterfall(steps: Sequence[Step], unit: str) -> Figure:
    """Draw the steps top to bottom, each with its signed value in words at its end.

    `unit`: "points" for parts of a rate (shares), else a unit of `theme.number`. An unknown step keeps its row.
    """
    bars = waterfall(
        x=[step.value or 0 for step in steps],
        y=[theme.chart_label(step.label, 20) for step in steps],
        measure=["relative" if step.kind == "part" else "absolute" for step in steps],
        orientation="h",
        text=[said(step, unit) for step in steps],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": theme.NOW}},
        decreasing={"marker": {"color": theme.REFERENCE}},
        totals={"marker": {"color": theme.BEFORE}},
        connector={"line": {"color": theme.BEFORE, "width": 1, "dash": "dot"}},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    low, high = _reach(steps)
    room = 0.22 * (high - low or 1)
    tick_format = ".1%" if unit == "points" else ",.0f"
    x = {"tickformat": tick_format, "nticks": 5, "range": [low - (room if low < 0 else 0), high + room]}
    y = {"autorange": "reversed", "type": "category"}
    return assemble([bars], height=60 + 40 * len(steps), legend=False, x=x, y=y)


def _reach(steps: Sequence[Step]) -> tuple[float, float]:
    """The lowest and the highest point that a bar touches; the ground always among them."""
    level, ends = 0.0, [0.0]
    for step in steps:
        level = (step.value or 0.0) + (level if step.kind == "part" else 0.0)
        ends.append(level)
    return min(ends), max(ends)


def said(step: Step, unit: str) -> str:
    """The value of a step in words: signed where it is a part."""
    if step.value is None:
        return theme.NOT_AVAILABLE
    if step.kind == "total":
        return theme.number(step.value, "share" if unit == "points" else unit)
    if unit == "points":
        return theme.change(step.value, 0.0, "share") or ""
    shown = theme.number(round(abs(step.value), 1), unit)
    return f"{'-' if step.value < 0 else '+'}{shown}" if round(step.value, 1) else shown


def describe_waterfall(steps: Sequence[Step], unit: str) -> str:
    """The takeaway in one sentence: from where to where, and every step between."""
    totals, parts = ([step for step in steps if step.kind == kind] for kind in ("total", "part"))
    between = ", ".join(f"{step.label} {said(step, unit)}" for step in parts)
    if len(totals) < 2:
        return f"{between}."
    return f"From {said(totals[0], unit)} to {said(totals[-1], unit)}: {between}."


def tabulate_waterfall(steps: Sequence[Step], unit: str) -> pl.DataFrame:
    """The chart's table twin: step and value, as ready text."""
    return theme.table([{"Step": step.label, "Value": said(step, unit)} for step in steps])
