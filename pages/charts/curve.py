"""The share that got there by each day, as a stepped curve with its interval, beside the comparison's."""

from __future__ import annotations

from typing import Any

import polars as pl

from pages import theme
from pages.charts.layout import Figure, Part, assemble, scatter

MARKS = (7, 14, 30, 60, 90)


def draw_curve(now: pl.DataFrame, before: pl.DataFrame | None, labels: tuple[str, str]) -> Figure:
    """Draw the curve of the period with its 95 % interval, and the comparison's dashed, each named at its end.

    Frames have `day, value, low, high` with a row per day; `labels` are the names of the period and the comparison.
    """
    earlier = [] if before is None or before.is_empty() else [_line(before, labels[1], theme.BEFORE, "dash")]
    return assemble(
        [
            *_ribbon(now),
            *earlier,
            _line(now, labels[0], theme.NOW, "solid"),
        ],
        height=320,
        x={"tickvals": [0, *MARKS], "ticksuffix": " d", "range": [0, 91]},
        y={"tickformat": ".0%", "rangemode": "tozero"},
        beneath={"traceorder": "reversed"},
    )


def _ribbon(frame: pl.DataFrame) -> list[Part]:
    known = frame.filter(pl.col("low").is_not_null())
    if known.is_empty():
        return []
    edge = {"x": known["day"].to_list(), "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    line = {"width": 0, "shape": "hv"}
    return [
        scatter(**edge, y=known["high"].to_list(), line=line),
        scatter(**edge, y=known["low"].to_list(), line=line, fill="tonexty", fillcolor=theme.RIBBON),
    ]


def _line(frame: pl.DataFrame, name: str, color: str, dash: str) -> Part:
    return scatter(
        x=frame["day"].to_list(),
        y=frame["value"].to_list(),
        mode="lines",
        name=theme.chart_label(name, 60),
        line={"color": color, "width": 2, "dash": dash, "shape": "hv"},
        hovertemplate="after %{x} days %{y:.1%}<extra></extra>",
    )


def tabulate_curve(now: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """The chart's table twin at a few days: share, interval, how many were watched that long, and the comparison."""
    rows = []
    for day in MARKS:
        row, earlier = _at(now, day), _at(before, day)
        if row is None:
            continue
        then = None if earlier is None else earlier["value"]
        rows.append(
            {
                "Within": f"{day} days",
                "Bought": theme.number(row["value"], "share"),
                "95% interval": theme.interval(row["low"], row["high"]),
                "n watched so long": theme.number(row["at_risk"], "count"),
                "Comparison": theme.number(then, "share"),
            }
        )
    return theme.table(rows)


def _at(frame: pl.DataFrame | None, day: int) -> dict[str, Any] | None:
    found = None if frame is None else frame.filter(pl.col("day") == day)
    return found.row(0, named=True) if found is not None and found.height else None
