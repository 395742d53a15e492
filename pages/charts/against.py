"""One person's rates with their intervals, each beside the team's own: a row per step or habit, all on one scale."""

from __future__ import annotations

from typing import Any

import polars as pl

from pages import theme
from pages.charts.layout import Figure, Part, assemble, scatter, tick_format


def draw_against(frame: pl.DataFrame, person: str) -> Figure:
    """Draw one row per rate, in the order of the frame, on a scale from 0 to 100 %.

    `frame`: `label, value, low, high, team, verdict, parts`; a rate without a value keeps its row. A filled diamond is
    a person whom chance does not explain ("act"), a hollow one "watch".
    """
    rows = frame.to_dicts()
    labels = [theme.chart_label(row["label"], 22) for row in rows]
    return assemble(
        [_team(rows), _own(rows, person)],
        height=96 + 40 * len(rows),
        x={"tickformat": tick_format("share"), "range": [0, 1.02], "nticks": 6},
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
    )


def _team(rows: list[dict[str, Any]]) -> Part:
    return scatter(
        x=[row["team"] for row in rows],
        y=[theme.chart_label(row["label"], 22) for row in rows],
        mode="markers",
        marker={"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": theme.REFERENCE}},
        name="Team",
        text=[f"Team: {theme.number(row['team'], 'share')}" for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )


def _own(rows: list[dict[str, Any]], person: str) -> Part:
    symbols = {"act": "diamond", "watch": "diamond-open"}
    return scatter(
        x=[row["value"] for row in rows],
        y=[theme.chart_label(row["label"], 22) for row in rows],
        mode="markers",
        marker={
            "color": theme.NOW,
            "size": 11,
            "symbol": [symbols.get(row["verdict"], "circle") for row in rows],
            "line": {"width": 2, "color": theme.NOW},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_reach(row["value"], row["high"]) for row in rows],
            "arrayminus": [_reach(row["low"], row["value"]) for row in rows],
            "color": theme.NOW,
            "thickness": 2,
            "width": 5,
        },
        name=f"{theme.chart_label(person, 30)}, 95% interval",
        text=[_hover(row) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _reach(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else max(high - low, 0.0)


def _hover(row: dict[str, Any]) -> str:
    ends = theme.interval(row["low"], row["high"], "share")
    return f"{theme.chart_label(row['label'], 40)}: {theme.number(row['value'], 'share')} ({ends})<br>{row['parts']}"


def describe_against(frame: pl.DataFrame, person: str) -> str:
    """The takeaway in one sentence: how many rates, and at which of them the person is apart from the team."""
    known = frame.filter(pl.col("value").is_not_null())
    head = f"{known.height} rates of {person} at equal leads, beside the team."
    apart = known.filter(pl.col("verdict").is_in(["act", "watch"])).to_dicts()
    if not apart:
        return f"{head} None is distinguishable from the team."
    said = [
        f"{row['label'].lower()} {theme.number(row['value'], 'share')}, team {theme.number(row['team'], 'share')}"
        for row in apart
    ]
    return f"{head} Apart from it: {'; '.join(said)}."
