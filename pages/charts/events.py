"""What happened with one customer, in order of time: a lane per kind of event."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl

from pages import region, theme
from pages.charts.layout import Figure, Part, assemble, day_ticks, scatter

Row = dict[str, Any]

# Kinds in the order of a purchase, top to bottom; each has a shape of its own.
LANES: Final = {
    "lead": ("Leads", "diamond"),
    "touch": ("Touches", "circle"),
    "task": ("Tasks", "hourglass"),
    "status": ("Status moves", "bowtie"),
    "appointment": ("Appointments", "square"),
    "visit": ("Visits", "triangle-up"),
    "purchase": ("Purchases", "star"),
    "service visit": ("Service", "cross"),
    "survey": ("Surveys", "hexagon"),
}


def draw_events(events: pl.DataFrame) -> Figure:
    """Draw one mark per event: `kind, at, words, is_hollow`; `at` is local, as text or as a time.

    Hollow: still to come, or done by a machine.
    """
    kinds = [kind for kind in LANES if kind in set(events["kind"])]
    marks = [_lane(kind, events.filter(pl.col("kind") == kind).to_dicts()) for kind in kinds]
    lanes = [LANES[kind][0] for kind in kinds]
    y = {"type": "category", "categoryorder": "array", "categoryarray": lanes[::-1]}
    return assemble(marks, height=70 + 38 * len(kinds), legend=False, x=day_ticks(), y=y)


def _lane(kind: str, rows: list[Row]) -> Part:
    lane, shape = LANES[kind]
    return scatter(
        x=[row["at"] for row in rows],
        y=[lane] * len(rows),
        mode="markers",
        marker={
            "symbol": [f"{shape}-open" if row["is_hollow"] else shape for row in rows],
            "color": theme.NOW,
            "size": 11,
            "line": {"width": 1.5, "color": theme.NOW},
        },
        text=[f"{region.moment(_local(row['at']))}<br>{theme.chart_label(row['words'], 60)}" for row in rows],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _local(at: str | dt.datetime) -> dt.datetime:
    return dt.datetime.fromisoformat(at) if isinstance(at, str) else at
