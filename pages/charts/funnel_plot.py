"""Who lies outside what chance does: each person's rate at equal leads on the limits that belong to so many leads.

A funnel plot (D. J. Spiegelhalter, Statistics in Medicine 24 (2005) 1185) lying on its side. Every person has a row and
a name, few chances above and many below, so that the limits narrow downwards. The limits of a row are the person's
own: they know which leads these were, which one smooth curve for all could not.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from pages import region, theme
from pages.charts.layout import Figure, Part, assemble, bar, over, scatter, tick_format, upright

_ON_SCALE: Final = ("act_low", "act_high", "adjusted_rate")
_ROOM: Final = 0.04
# Verdicts as the comparison gives them, what the legend says, and the sign that tells them apart without colour.
_SIGNS: Final = (
    ("not distinguishable", "within the limits", theme.NOW, "circle"),
    ("watch", "outside 95%: watch", theme.REFERENCE, "diamond-open"),
    ("act", "outside 99.8%: act", theme.REFERENCE, "diamond"),
)
# Drawn over each other: where both lie, the grey is darker.
_BANDS: Final = (
    ("act_low", "act_high", "99.8% limits", "rgba(133, 142, 154, 0.22)"),
    ("watch_low", "watch_high", "95% limits", "rgba(133, 142, 154, 0.55)"),
)


def draw_funnel_plot(frame: pl.DataFrame, unit: str, scale: tuple[float, float] | None = None) -> Figure:
    """Draw one row per person, fewest chances at the top, of a single store.

    `frame`: `person, n, observed, expected, adjusted_rate, watch_low .. act_high, team_rate, verdict` as the fair
    comparison gives them. A row that is not judged (nobody's own, no team) is left out. `scale`: the ends of the
    axis, so that stores side by side share it (see `ends`).
    """
    rows = in_order(frame).to_dicts()
    bands, signs = [_band(rows, *band) for band in _BANDS], [_dots(rows, *sign, unit) for sign in _SIGNS]
    labels, team = [_label(row) for row in rows], [row["team_rate"] for row in rows[:1]]
    return assemble(
        [*bands, *signs],
        height=144 + 30 * len(rows),
        x={"tickformat": tick_format(unit), "nticks": 6, "range": scale},
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
        margin={"t": 104},
        beneath={"y": 1, "yref": "container", "yanchor": "top"},
        shapes=[upright(rate, theme.REFERENCE) for rate in team],
        annotations=[over(rate, f"Team {theme.number(rate, unit)}") for rate in team],
        barmode="overlay",
        bargap=0.4,
    )


def ends(frame: pl.DataFrame) -> tuple[float, float] | None:
    """The ends of a scale that holds every limit and every rate of all stores; None where nobody is judged."""
    rates = in_order(frame).select(low=pl.min_horizontal(*_ON_SCALE), high=pl.max_horizontal(*_ON_SCALE))
    if rates.is_empty():
        return None
    low, high = rates.select(pl.col("low").min(), pl.col("high").max()).row(0)
    room = (high - low) * _ROOM
    return low - room, high + room


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The people who are judged, fewest chances first; people with as many by name."""
    return frame.filter(pl.col("adjusted_rate").is_not_null()).sort("n", "person")


def _label(row: dict[str, Any]) -> str:
    return f"{theme.chart_label(row['person'], 22)} (n {theme.number(row['n'], 'count')})"


def _band(rows: list[dict[str, Any]], low: str, high: str, name: str, color: str) -> Part:
    return bar(
        y=[_label(row) for row in rows],
        base=[row[low] for row in rows],
        x=[row[high] - row[low] for row in rows],
        orientation="h",
        marker={"color": color, "line": {"width": 0}},
        name=name,
        hoverinfo="skip",
    )


def _dots(rows: list[dict[str, Any]], verdict: str, name: str, color: str, symbol: str, unit: str) -> Part:
    chosen = [row for row in rows if row["verdict"] == verdict]
    return scatter(
        x=[row["adjusted_rate"] for row in chosen],
        y=[_label(row) for row in chosen],
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 11, "line": {"width": 2, "color": color}},
        name=name,
        showlegend=bool(chosen),
        text=[_hover(row, unit) for row in chosen],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(row: dict[str, Any], unit: str) -> str:
    lines = (
        f"{theme.chart_label(row['person'])}: {theme.number(row['adjusted_rate'], unit)} at equal leads",
        f"{theme.parts(row['observed'], row['n'])}; colleagues on the same leads {region.decimal(row['expected'], 1)}",
        f"95% limits {theme.interval(row['watch_low'], row['watch_high'], unit)}",
        f"99.8% limits {theme.interval(row['act_low'], row['act_high'], unit)}",
    )
    return "<br>".join(lines)


def describe_funnel_plot(frame: pl.DataFrame, label: str, unit: str) -> str:
    """The takeaway in one sentence: how many people, the team's rate, and who lies outside which limits."""
    judged = in_order(frame)
    if judged.is_empty():
        return f"{label}: nobody can be compared with a team here."
    head = f"{label} at equal leads of {judged.height} people, team {theme.number(judged['team_rate'][0], unit)}."
    outside = [
        f"outside {limits}: {', '.join(names)}"
        for verdict, limits in (("act", "the 99.8% limits"), ("watch", "the 95% limits only"))
        if (names := judged.filter(pl.col("verdict") == verdict)["person"].to_list())
    ]
    if not outside:
        return f"{head} Everybody lies within the limits of chance."
    said = "; ".join(outside)
    return f"{head} {said[:1].upper()}{said[1:]}."
