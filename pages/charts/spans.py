"""Rates as counted, each on the span from its lowest to its highest possible value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pages import theme
from pages.charts.layout import Figure, assemble, bar, scatter, tick_format

Row = Mapping[str, Any]


def draw_spans(rows: Sequence[Row]) -> Figure:
    """Draw one row per rate, top to bottom: a bar from `lowest` to `highest`, a dot at `value`, the ends in words.

    Rows have `label, value, lowest, highest, n, n_missing, sentence`.
    """
    labels = [theme.chart_label(row["label"]) for row in rows]
    top = max((row["highest"] for row in rows), default=1.0)
    return assemble(
        [
            bar(
                x=[row["highest"] - row["lowest"] for row in rows],
                base=[row["lowest"] for row in rows],
                y=labels,
                orientation="h",
                width=0.35,
                marker={"color": theme.RIBBON, "line": {"color": theme.NOW, "width": 1}},
                text=[_ends(row) for row in rows],
                textposition="outside",
                cliponaxis=False,
                hoverinfo="skip",
            ),
            scatter(
                x=[row["value"] for row in rows],
                y=labels,
                mode="markers",
                marker={"color": theme.NOW, "size": 10},
                text=[f"{theme.chart_label(row['label'], 60)}: {row['sentence']}" for row in rows],
                hovertemplate="%{text}<extra></extra>",
            ),
        ],
        height=60 + 48 * len(rows),
        legend=False,
        x={"tickformat": tick_format("share"), "range": [0, min(top * 1.35, 1.3)], "nticks": 6},
        y={"autorange": "reversed", "type": "category"},
    )


def _ends(row: Row) -> str:
    return f" {theme.interval(row['lowest'], row['highest'])}"


def describe_spans(rows: Sequence[Row]) -> str:
    """The takeaway in one sentence: the rate that missing outcomes could move most, and those that are certain."""
    if not rows:
        return "Nothing to show under these filters."
    widest = max(rows, key=lambda row: row["highest"] - row["lowest"])
    if not widest["n_missing"]:
        return "Every outcome is known: none of these rates can move."
    value, lowest, highest = (theme.number(widest[name], "share") for name in ("value", "lowest", "highest"))
    missing = theme.parts(widest["n_missing"], widest["n"])
    return (
        f"{widest['label']} could move most: it is {value} as counted and lies between {lowest} and {highest}, "
        f"as {missing} outcomes are missing."
    )


def tabulate_spans(rows: Sequence[Row]) -> pl.DataFrame:
    """The chart's table twin, as ready text."""
    return theme.table(
        [
            {
                "Number": row["label"],
                "As counted": theme.number(row["value"], "share"),
                "Lowest": theme.number(row["lowest"], "share"),
                "Highest": theme.number(row["highest"], "share"),
                "Missing": theme.parts(row["n_missing"], row["n"]),
            }
            for row in rows
        ]
    )
