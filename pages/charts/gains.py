"""What reaching the colleagues would bring: sales a month per person as a dot on its interval, beside the line of 0."""

from __future__ import annotations

from typing import Any

import polars as pl

from pages import region, theme
from pages.charts.layout import Figure, Part, assemble, over, scatter, upright


def draw_gains(frame: pl.DataFrame) -> Figure:
    """Draw one row per person in the order of the frame.

    `frame`: `person, label` (the step), `sales, sales_low, sales_high, is_sure`.
    A gap that may be luck has a hollow dot.
    """
    rows = frame.to_dicts()
    labels = [f"{theme.chart_label(row['person'], 22)}<br>{theme.chart_label(row['label'], 26)}" for row in rows]
    return assemble(
        [_dots(rows, labels)],
        height=90 + 44 * len(rows),
        legend=False,
        x={"tickformat": ",.1~f", "nticks": 6, "ticksuffix": " sales"},
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
        margin={"t": 32},
        shapes=[upright(0, theme.BEFORE, dash="solid")],
        annotations=[over(0, "nothing gained")],
    )


def _dots(rows: list[dict[str, Any]], labels: list[str]) -> Part:
    return scatter(
        x=[row["sales"] for row in rows],
        y=labels,
        mode="markers",
        marker={
            "color": theme.NOW,
            "size": 10,
            "symbol": ["circle" if row["is_sure"] else "circle-open" for row in rows],
            "line": {"width": 2, "color": theme.NOW},
        },
        cliponaxis=False,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["sales_high"] - row["sales"] for row in rows],
            "arrayminus": [row["sales"] - row["sales_low"] for row in rows],
            "color": theme.NOW,
            "thickness": 2,
            "width": 5,
        },
        text=[
            f"{label}: {region.decimal(row['sales'], 1)} sales a month" for row, label in zip(rows, labels, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def describe_gains(frame: pl.DataFrame) -> str:
    """The takeaway in one sentence: how many people have a step to gain at, and whose gap is beyond luck."""
    sure = frame.filter("is_sure").sort("sales", descending=True).to_dicts()
    head = f"Sales a month that {frame.height} people would gain by reaching colleagues at their most valuable step."
    if not sure:
        return f"{head} Each gap may be luck."
    told = "; ".join(f"{row['person']} at {row['label'].lower()}, {region.decimal(row['sales'], 1)}" for row in sure)
    return f"{head} Beyond luck: {told}."
