"""One amount per member as bars; a member whose amount is unknown keeps its place and says so."""

from __future__ import annotations

import polars as pl

from pages import theme
from pages.charts.layout import Figure, assemble, bar, tick_format


def draw_bars(frame: pl.DataFrame, by: str, unit: str, *, currency: str = "USD", missing: str = "unknown") -> Figure:
    """Draw one bar per member in the order of the frame, top to bottom, each with its value in words at its end."""
    rows = frame.to_dicts()
    labels = [theme.chart_label(row[by]) for row in rows]
    shown = [missing if row["value"] is None else theme.number(row["value"], unit, currency) for row in rows]
    bars = bar(
        x=[float(row["value"] or 0) for row in rows],
        y=labels,
        orientation="h",
        text=shown,
        textposition="auto",
        textangle=0,
        cliponaxis=False,
        marker={"color": theme.NOW},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    x = {"tickformat": tick_format(unit), "nticks": 5, "rangemode": "tozero"}
    y = {"autorange": "reversed", "type": "category"}
    return assemble([bars], height=60 + 34 * len(rows), legend=False, x=x, y=y)


def describe_bars(frame: pl.DataFrame, by: str, label: str, unit: str, *, currency: str = "USD") -> str:
    """The takeaway in one sentence: the smallest and largest known value, and how many are unknown."""
    known = frame.filter(pl.col("value").is_not_null()).sort("value")
    unknown = frame.height - known.height
    tail = f" {unknown} of {frame.height} are unknown." if unknown else ""
    if known.is_empty():
        return f"{label}: unknown for all {frame.height}."
    low, high = known.row(0, named=True), known.row(-1, named=True)
    ends = [f"{theme.number(row['value'], unit, currency)} ({row[by]})" for row in (low, high)]
    return f"{label} runs from {ends[0]} to {ends[1]}.{tail}"
