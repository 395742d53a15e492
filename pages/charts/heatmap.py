"""One number by weekday and hour: each cell says it in words; colour marks only what is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pages import region, theme
from pages.charts.dots import holds
from pages.charts.layout import Figure, assemble, heatmap

# Below this many chances a cell says only how many there were.
SMALLEST: Final = 10
# From faint to strong over whatever lies behind, so that one scale reads on a light and on a dark page.
SCALE: Final = ((0.0, "rgba(59, 127, 202, 0.10)"), (1.0, "rgba(59, 127, 202, 0.55)"))
_GROUND: Final = ((0.0, "rgba(133, 142, 154, 0)"), (1.0, "rgba(133, 142, 154, 0.12)"))
_ROW_HEIGHT: Final = 46

Row = dict[str, Any]


def draw_week(cells: pl.DataFrame, unit: str, whole: Mapping[str, Any] | None = None) -> Figure:
    """Draw weekdays across and hours down.

    `cells`: `weekday, hours, numerator, denominator, value, low, high`, a row per cell, in the order of the days and
    the hours. With `whole`, the same rate over all cells, the stronger colour is the lower rate, and only cells whose
    interval leaves out the whole are coloured; without it the stronger colour is the larger count.
    """
    rows = cells.to_dicts()
    days, hours = _kept_order(rows, "weekday"), _kept_order(rows, "hours")
    found = {(row["hours"], row["weekday"]): row for row in rows}
    grid = [[found[hour, day] for day in days] for hour in hours]
    frame = {
        "x": [day[:3] for day in days],
        "y": hours,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "customdata": [[_hover(row, unit, whole) for row in line] for line in grid],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    ground = [[float(not _is_small(row, whole)) for row in line] for line in grid]
    shades = [[_shade(row, whole) for row in line] for line in grid]
    said = [[_words(row, unit, whole) for row in line] for line in grid]
    shaded = heatmap(**frame, z=shades, colorscale=SCALE, reversescale=whole is not None)
    # The words are the last trace's own text: a note for each cell would take longer to write than all numbers.
    words = {"text": said, "texttemplate": "%{text}", "textfont": {"size": 11}}
    return assemble(
        [shaded, heatmap(**frame, **words, z=ground, zmin=0, zmax=1, colorscale=_GROUND)],
        height=50 + _ROW_HEIGHT * len(hours),
        legend=False,
        x={"side": "top", "type": "category", "ticks": ""},
        y={"autorange": "reversed", "type": "category", "showgrid": False, "ticks": ""},
        margin={"t": 40, "b": 12},
    )


def _kept_order(rows: list[Row], name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows))


def _shade(row: Row, whole: Mapping[str, Any] | None) -> float | None:
    """What colours a cell; None leaves it without colour."""
    if whole is None:
        return float(row["value"]) or None
    return float(row["value"]) if is_apart(row, whole) else None


def is_apart(row: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Whether a cell has enough chances, and its 95 % interval leaves out the rate of the whole."""
    return row["denominator"] >= SMALLEST and whole["value"] is not None and not holds(row, whole["value"])


def _is_small(row: Row, whole: Mapping[str, Any] | None) -> bool:
    return not row["value"] if whole is None else bool(row["denominator"] < SMALLEST)


def _words(row: Row, unit: str, whole: Mapping[str, Any] | None) -> str:
    """What stands in a cell: the rate and n, with a sign where it is apart; n alone where that is small."""
    if whole is None:
        return theme.number(row["value"], unit) if row["value"] else ""
    if not row["denominator"]:
        return ""
    counted = f"n {theme.number(row['denominator'], 'count')}"
    if _is_small(row, whole):
        return counted
    sign = ("▼ " if row["value"] < whole["value"] else "▲ ") if is_apart(row, whole) else ""
    return f"{sign}{region.percent(row['value'], 0)}<br>{counted}"


def _hover(row: Row, unit: str, whole: Mapping[str, Any] | None) -> str:
    place = f"{row['weekday']}, {row['hours']}"
    if whole is None:
        return f"{place}<br>{theme.number(row['value'], unit)}"
    counted = theme.parts(row["numerator"], row["denominator"])
    ends = theme.interval(row["low"], row["high"], unit)
    return f"{place}: {theme.number(row['value'], unit)}<br>{counted}<br>95% interval {ends}"


def describe_week(cells: pl.DataFrame, label: str, unit: str, whole: Mapping[str, Any] | None = None) -> str:
    """The takeaway in one sentence: the cells apart from the whole, the lowest first; or the fullest of a count."""
    rows = cells.to_dicts()
    if whole is None:
        return _describe_count(rows, label)
    if whole["value"] is None:
        return f"{label} by weekday and hour: nothing to show under these filters."
    apart = sorted((row for row in rows if is_apart(row, whole)), key=lambda row: float(row["value"]))
    head = f"{label} by weekday and hour, beside {theme.number(whole['value'], unit)} overall."
    parts = [
        f"{word}: {'; '.join(_named(row, unit) for row in found)}."
        for word, found in (
            ("Below by more than its interval", [row for row in apart if row["value"] < whole["value"]]),
            ("Above", [row for row in apart if row["value"] > whole["value"]]),
        )
        if found
    ]
    return " ".join([head, *(parts or ["Every cell's interval contains the overall rate."])])


def _named(row: Row, unit: str) -> str:
    counted = theme.number(row["denominator"], "count")
    return f"{row['weekday']} {row['hours']} ({theme.number(row['value'], unit)}, n {counted})"


def _describe_count(rows: list[Row], label: str) -> str:
    most = max(rows, key=lambda row: float(row["value"]), default=None)
    if most is None or not most["value"]:
        return f"{label} by weekday and hour: none under these filters."
    count = theme.number(most["value"], "count")
    return f"{label} by weekday and hour. Most came {most['weekday']}, {most['hours']}: {count}."


def tabulate_week(cells: pl.DataFrame, unit: str, whole: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """The chart's table twin: hours down, weekdays across, each rate with n and interval, as ready text."""
    rows = cells.to_dicts()
    lines = [
        {"Hours": hours} | {row["weekday"]: _cell(row, unit, whole) for row in rows if row["hours"] == hours}
        for hours in _kept_order(rows, "hours")
    ]
    return theme.table(lines)


def _cell(row: Row, unit: str, whole: Mapping[str, Any] | None) -> str:
    if whole is None:
        return theme.number(row["value"], unit)
    if not row["denominator"]:
        return theme.NOT_AVAILABLE
    ends = theme.interval(row["low"], row["high"], unit)
    return f"{theme.number(row['value'], unit)} ({theme.parts(row['numerator'], row['denominator'])}; {ends})"
