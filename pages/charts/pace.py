"""Where the month will end: what has come so far, what the rest should bring with its interval, and the target."""

from __future__ import annotations

import polars as pl

from pages import theme
from pages.charts.layout import Figure, Part, assemble, bar, scatter


def draw_pace(frame: pl.DataFrame) -> Figure:
    """Draw one row per store: a bar of what came so far, a dot with its 95 % interval at month end, a target mark.

    `frame` is what `comparisons.outlook.month_pace` gives. A store without a projection keeps its bar.
    """
    rows = frame.to_dicts()
    labels = [theme.chart_label(row["store"]) for row in rows]
    bars = bar(
        x=[row["so_far"] for row in rows],
        y=labels,
        orientation="h",
        name="so far",
        text=[theme.number(row["so_far"], "count") for row in rows],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": "#ffffff"},
        marker={"color": theme.NOW},
        hovertemplate="%{y}: %{x:,.0f} so far<extra></extra>",
    )
    ends, targets = (frame.filter(pl.col(name).is_not_null()) for name in ("projected", "target"))
    return assemble(
        [bars, *_ends(ends), *_targets(targets)],
        height=90 + 46 * len(rows),
        x={"rangemode": "tozero", "tickformat": ",.0f", "nticks": 6},
        y={"autorange": "reversed", "type": "category"},
    )


def _ends(frame: pl.DataFrame) -> list[Part]:
    if frame.is_empty():
        return []
    return [
        scatter(
            x=frame["projected"].to_list(),
            y=[theme.chart_label(store) for store in frame["store"]],
            mode="markers",
            name="month end, 95% interval",
            marker={"color": theme.BEFORE, "size": 11, "symbol": "circle", "line": {"width": 2, "color": theme.NOW}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (frame["high"] - frame["projected"]).to_list(),
                "arrayminus": (frame["projected"] - frame["low"]).to_list(),
                "color": theme.BEFORE,
                "thickness": 3,
                "width": 6,
            },
            hovertemplate="%{y}: about %{x:,.0f} at month end<extra></extra>",
        )
    ]


def _targets(frame: pl.DataFrame) -> list[Part]:
    if frame.is_empty():
        return []
    return [
        scatter(
            x=frame["target"].to_list(),
            y=[theme.chart_label(store) for store in frame["store"]],
            mode="markers",
            name="target",
            marker={"color": theme.REFERENCE, "size": 26, "symbol": "line-ns-open", "line": {"width": 4}},
            hovertemplate="%{y}: target %{x:,.0f}<extra></extra>",
        )
    ]


def tabulate_pace(frame: pl.DataFrame) -> pl.DataFrame:
    """The chart's table twin: so far, open days left, month end with its interval, target, as ready text."""
    return theme.table(
        [
            {
                "Store": row["store"],
                "So far": theme.number(row["so_far"], "count"),
                "Open days left": theme.number(row["days_left"], "count"),
                "Month end": theme.number(row["projected"], "count"),
                "95% interval": theme.interval(row["low"], row["high"], "count"),
                "Target": theme.number(row["target"], "count"),
            }
            for row in frame.to_dicts()
        ]
    )
