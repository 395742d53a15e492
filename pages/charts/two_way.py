"""Quality against handling: for each source how far each of the two moves its rate, on one scale, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pages import theme
from pages.charts.layout import CALM, Figure, Part, assemble, over, scatter, signed_ticks, upright

Row = Mapping[str, Any]
# What the two sides show: the column and its ends, and the words over it.
SIDES: Final = (
    ("composition", "composition_low", "composition_high", "by our handling"),
    ("own", "own_low", "own_high", "by the leads themselves"),
)
# Both sides stand on one y axis, with a gap between them.
_AXES: Final = ("x", "x2")
_LEFT, _RIGHT = (0.0, 0.48), (0.52, 1.0)
# Both heads stand side by side on a phone.
_HEAD: Final = 13
_VERDICTS: Final = {
    "handling": "our handling",
    "quality": "weak leads",
    "cannot be told": "low, cause open",
    "not low": "not low",
    "answered on the spot": "answered on the spot",
}


def verdict_words(verdict: str) -> str:
    """A verdict of `comparisons.sources.quality` in dealership words."""
    return _VERDICTS.get(verdict, verdict)


def draw_two_way(frame: pl.DataFrame, by: str) -> Figure:
    """Draw one row per member in the order of the frame: left what handling did to its rate, right what remains.

    `frame` is what `comparisons.sources.quality` gives for one store; rows without a split are left out. Zero means
    like the other sources. Both sides share one scale. Low rows say their verdict in words.
    """
    rows = [row for row in frame.to_dicts() if row["own"] is not None]
    labels = [theme.chart_label(row[by]) for row in rows]
    sides = [_dots(rows, by, *side[:3], axis) for side, axis in zip(SIDES, _AXES, strict=True)]
    scale = _scale(rows)
    across = {"range": scale, **signed_ticks(*scale)}
    return assemble(
        sides,
        height=100 + 34 * len(rows),
        legend=False,
        x={**across, "domain": _LEFT},
        y={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels, "type": "category"},
        xaxis2={**across, **CALM, "domain": _RIGHT},
        margin={"t": 36},
        shapes=[upright(0, theme.REFERENCE, xref=axis) for axis in _AXES],
        annotations=[
            over(sum(domain) / 2, side[3], xref="paper", xanchor="center", font={"size": _HEAD})
            for side, domain in zip(SIDES, (_LEFT, _RIGHT), strict=True)
        ],
    )


def _scale(rows: list[dict[str, Any]]) -> list[float]:
    """One range for both sides, that holds every interval and zero."""
    ends = [row[name] for row in rows for side in SIDES for name in side[:3] if row[name] is not None]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    room = 0.06 * (max(high, 0.0) - min(low, 0.0) or 0.1)
    return [min(low, 0.0) - room, max(high, 0.0) + room]


def _dots(rows: list[dict[str, Any]], by: str, name: str, low: str, high: str, axis: str) -> Part:
    return scatter(
        xaxis=axis,
        x=[row[name] for row in rows],
        y=[theme.chart_label(row[by]) for row in rows],
        mode="markers",
        marker={
            "color": theme.NOW,
            "size": 10,
            "symbol": [_symbol(row) for row in rows],
            "line": {"width": 2, "color": theme.NOW},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_gap(row[name], row[high]) for row in rows],
            "arrayminus": [_gap(row[low], row[name]) for row in rows],
            "color": theme.NOW,
            "thickness": 2,
            "width": 4,
        },
        text=[_hover(row, by, name, low, high) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _symbol(row: Row) -> str:
    """A full mark where the verdict says that the rate is low, a hollow one where it does not."""
    return "circle-open" if row["verdict"] == "not low" else "circle"


def _gap(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else max(high - low, 0.0)


def _hover(row: Row, by: str, name: str, low: str, high: str) -> str:
    ends = f"<br>95% interval {theme.points(row[low])} to {theme.points(row[high])}" if row[low] is not None else ""
    counted = theme.number(row["n"], "count")
    head = f"{theme.chart_label(row[by])}: {theme.points(row[name])} points{ends}"
    return f"{head}<br>{counted} leads, {verdict_words(row['verdict'])}"


def describe_two_way(frame: pl.DataFrame, by: str, label: str) -> str:
    """The takeaway in one sentence: whose low rate is our handling, whose is the leads', and of whom it is open."""
    judged = frame.filter(pl.col("own").is_not_null())
    if judged.is_empty():
        return f"{label}: no source here was judged."
    parts = []
    for verdict, words in (
        ("handling", "low by our handling"),
        ("quality", "low by the leads themselves"),
        ("cannot be told", "low, and the cause cannot be told"),
    ):
        names = judged.filter(pl.col("verdict") == verdict)[by].to_list()
        if names:
            parts.append(f"{words}: {', '.join(names)}")
    if not parts:
        return f"{label}: none of {judged.height} sources is below the others beyond chance."
    return f"{label} of {judged.height} sources, {'; '.join(parts)}."


def tabulate_two_way(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """The chart's table twin: n, rate, the others' rate, both parts of the gap with intervals, and the verdict."""
    return theme.table(
        [
            {
                "Source": row[by],
                "n": theme.number(row["n"], "count"),
                "Rate": theme.number(row["raw"], "share"),
                "Others": theme.number(row["others_raw"], "share"),
                "By handling, points": _cell(row, *SIDES[0][:3]),
                "By the leads, points": _cell(row, *SIDES[1][:3]),
                "In words": verdict_words(row["verdict"]),
            }
            for row in frame.to_dicts()
        ]
    )


def _cell(row: Row, name: str, low: str, high: str) -> str:
    if row[name] is None:
        return ""
    ends = f" ({theme.points(row[low])} to {theme.points(row[high])})" if row[low] is not None else ""
    return f"{theme.points(row[name])}{ends}"
