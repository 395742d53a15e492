"""One metric over time: solid where the period is settled, dashed and hollow where rows are still open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pages import region, theme
from pages.charts.layout import Figure, Part, assemble, day_ticks, level, over, scatter, tick_format, upright

Event = tuple[dt.date, str]
# One for all periods, or each period's own.
Target = float | Mapping[dt.date, float]

_WORDED = 4  # more events than that are numbered only
_FEW = 6  # so few periods are each named below the axis
_NAMES = {"month": "%b %Y", "quarter": "Q%q %Y", "year": "%Y"}


def draw_trend(
    frame: pl.DataFrame,
    unit: str,
    grain: str,
    *,
    currency: str = "USD",
    projected: pl.DataFrame | None = None,
    events: Sequence[Event] = (),
    target: Target | None = None,
) -> Figure:
    """Draw value by period with its 95 % interval as a ribbon.

    `frame`: one metric as `evaluate` gives it with a grain. Periods without a value are left out, not drawn as 0.
    A period with `n_immature` above 0 gets a hollow marker, and the line that leads to it is dashed. `projected`: where
    open months should end, as `comparisons.outlook.projected` gives it. `events`: day and words, drawn as numbered
    lines in the order given (`describe_events` says the words). `target`: a line across, with its number where the
    trend begins; where periods have their own, a short line at each of them.
    """
    known = frame.filter(pl.col("value").is_not_null()).sort("period")
    own = target if isinstance(target, Mapping) else {}
    across = None if isinstance(target, Mapping) else target
    foreseen = [] if projected is None else _projection(open_projections(projected), unit)
    return assemble(
        [
            *_ribbon(known),
            *_lines(known),
            _markers(known, unit, grain, currency),
            *_aims(own, unit, grain, currency),
            *foreseen,
        ],
        height=360,
        x=_ticks(known, grain),
        y={"tickformat": tick_format(unit), "rangemode": "tozero"},
        margin={"t": 72 if events else 16},
        beneath={"traceorder": "normal", "y": -0.12, "yanchor": "top"},
        shapes=[
            *(upright(_moment(day), theme.BEFORE, dash="dot", width=1) for day, _ in events),
            *([] if across is None else [level(across, theme.REFERENCE, width=1)]),
        ],
        annotations=[*_events(events), *([] if across is None else [_aim(across, unit, currency)])],
    )


def _ticks(known: pl.DataFrame, grain: str) -> Part:
    """The names of the periods below the axis; of a few each by itself, as else one might be named twice."""
    if known.height <= _FEW:
        days = known["period"].to_list()
        name = "day" if grain == "week" else grain
        return {"tickmode": "array", "tickvals": days, "ticktext": [period_name(day, name) for day in days]}
    return {"tickformat": _NAMES[grain]} if grain in _NAMES else day_ticks()


def open_projections(projected: pl.DataFrame) -> pl.DataFrame:
    """The cohorts that are still open and of which the final rate can be told."""
    return projected.filter(pl.col("projected").is_not_null(), pl.col("open") > 0)


def _projection(rows: pl.DataFrame, unit: str) -> list[Part]:
    """Where each open month should end, with its prediction interval."""
    if rows.is_empty():
        return []
    return [
        scatter(
            x=rows["cohort"].to_list(),
            y=rows["projected"].to_list(),
            mode="markers",
            name="where it should end, 95% interval",
            marker={"symbol": "diamond-open", "size": 11, "color": theme.REFERENCE},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (rows["high"] - rows["projected"]).to_list(),
                "arrayminus": (rows["projected"] - rows["low"]).to_list(),
                "color": theme.REFERENCE,
                "thickness": 2,
                "width": 5,
            },
            text=[_foreseen(row, unit) for row in rows.to_dicts()],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _foreseen(row: dict[str, Any], unit: str) -> str:
    ends = theme.interval(row["low"], row["high"], unit)
    return f"should end at {theme.number(row['projected'], unit)}<br>95% interval {ends}"


def _events(events: Sequence[Event]) -> list[Part]:
    """The number and words of each event, on top of its line; more than a few events are numbered only."""
    is_worded = len(events) <= _WORDED
    return [
        over(
            _moment(day),
            f"{number} {theme.chart_label(words, 16)}" if is_worded else str(number),
            yshift=1 + number % 2 * 28,
        )
        for number, (day, words) in enumerate(events, start=1)
    ]


def _aim(target: float, unit: str, currency: str) -> Part:
    """The number of the target below its line, where the trend begins."""
    words = f"target {theme.number(target, unit, currency)}"
    return {"x": 0, "xref": "x domain", "xanchor": "left", "y": target, "yanchor": "top", "text": words} | {
        "showarrow": False
    }


def _aims(own: Mapping[dt.date, float], unit: str, grain: str, currency: str) -> list[Part]:
    """The target of each period that has one."""
    if not own:
        return []
    told = [f"{period_name(day, grain)}: target {theme.number(aim, unit, currency)}" for day, aim in own.items()]
    return [
        scatter(
            x=list(own),
            y=list(own.values()),
            mode="markers",
            name="target",
            marker={"symbol": "line-ew-open", "size": 22, "color": theme.REFERENCE, "line": {"width": 3}},
            text=told,
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _moment(day: dt.date) -> float:
    """A day as Plotly places shapes on a time axis: milliseconds since 1970."""
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000


def describe_events(events: Sequence[Event]) -> str:
    """The events in words, by their number on the chart; empty without any."""
    return "; ".join(f"{number}: {words}, {region.day(day)}" for number, (day, words) in enumerate(events, start=1))


def settled_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The leading rows in time order up to the first that is still open."""
    is_open = (frame["n_immature"].fill_null(0) > 0).to_list()
    return frame.head(is_open.index(True) if True in is_open else frame.height)


def _open_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The rest, beginning with the last settled row so that the line does not break."""
    settled = settled_rows(frame).height
    return frame.slice(max(settled - 1, 0)) if settled < frame.height else frame.clear()


def _ribbon(frame: pl.DataFrame) -> list[Part]:
    """The interval as an area between two edges without ink; none where no period has one."""
    if not frame["low"].is_not_null().any():
        return []
    edge = {"x": frame["period"].to_list(), "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        scatter(**edge, y=frame["high"].to_list(), showlegend=False),
        scatter(**edge, y=frame["low"].to_list(), fill="tonexty", fillcolor=theme.RIBBON, name="95% interval"),
    ]


def _lines(frame: pl.DataFrame) -> list[Part]:
    parts = ((settled_rows(frame), "settled", "solid"), (_open_rows(frame), "still open, will move", "dot"))
    return [_line(rows, name, dash) for rows, name, dash in parts if rows.height]


def _line(rows: pl.DataFrame, name: str, dash: str) -> Part:
    line = {"color": theme.NOW, "width": 2, "dash": dash}
    x, y = rows["period"].to_list(), rows["value"].to_list()
    return scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip")


def _markers(frame: pl.DataFrame, unit: str, grain: str, currency: str) -> Part:
    rows = frame.to_dicts()
    symbols = ["circle-open" if (row["n_immature"] or 0) > 0 else "circle" for row in rows]
    return scatter(
        x=frame["period"].to_list(),
        y=frame["value"].to_list(),
        mode="markers",
        marker={"symbol": symbols, "size": 8, "color": theme.NOW, "line": {"width": 2, "color": theme.NOW}},
        text=[_hover(row, unit, grain, currency) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _hover(row: dict[str, Any], unit: str, grain: str, currency: str) -> str:
    lines = [f"{period_name(row['period'], grain)}: {theme.number(row['value'], unit, currency)}"]
    if row["denominator"] is not None:
        lines.append(theme.parts(row["numerator"], row["denominator"]))
    if row["low"] is not None:
        lines.append(f"95% interval {theme.interval(row['low'], row['high'], unit, currency)}")
    if row["n_immature"]:
        lines.append(f"{theme.number(row['n_immature'], 'count')} still open")
    return "<br>".join(lines)


def period_name(day: dt.date, grain: str) -> str:
    """How a period is called: `Mar 2026` for a month, `Q1 2026` for a quarter, its first day for a week."""
    if grain == "quarter":
        return f"Q{(day.month + 2) // 3} {day.year}"
    if grain in _NAMES:
        return day.strftime(_NAMES[grain])
    return f"week of {region.day(day)}" if grain == "week" else region.day(day)


def describe_trend(frame: pl.DataFrame, label: str, unit: str, grain: str, *, currency: str = "USD") -> str:
    """The takeaway in one sentence: first and last settled value, lowest and highest, how many periods are open."""
    known = frame.filter(pl.col("value").is_not_null()).sort("period")
    settled = settled_rows(known)
    if settled.is_empty():
        return f"{label}: no {grain} is settled yet; {known.height} with rows still open."
    first, last = settled.row(0, named=True), settled.row(-1, named=True)
    lowest, highest = settled["value"].min(), settled["value"].max()
    shown = [theme.number(v, unit, currency) for v in (first["value"], last["value"], lowest, highest)]  # type: ignore[arg-type]
    open_count = known.height - settled.height
    tail = f" {open_count} later periods are still open and will move." if open_count else ""
    names = [period_name(row["period"], grain) for row in (first, last)]
    span = f"from {shown[0]} in {names[0]} to {shown[1]} in {names[1]}"
    return f"{label} went {span}, between {shown[2]} and {shown[3]}.{tail}"


def describe_target(target: Target, unit: str, grain: str, *, currency: str = "USD") -> str:
    """A trend's target in words; where periods have their own, that of the newest."""
    if not isinstance(target, Mapping):
        return f"The target is {theme.number(target, unit, currency)}."
    newest = max(target)
    return f"The target of {period_name(newest, grain)} is {theme.number(target[newest], unit, currency)}."


def tabulate_trend(
    frame: pl.DataFrame, unit: str, grain: str, *, currency: str = "USD", target: Target | None = None
) -> pl.DataFrame:
    """The chart's table twin: period, value, n, interval, what is still open and the target, as ready text."""
    rows = [
        {
            "Period": period_name(row["period"], grain),
            "Value": theme.number(row["value"], unit, currency),
            "n": theme.parts(row["numerator"], row["denominator"]),
            "95% interval": theme.interval(row["low"], row["high"], unit, currency),
            "Still open": theme.number(row["n_immature"] or 0, "count"),
            **({} if target is None else {"Target": _target_of(row["period"], target, unit, currency)}),
        }
        for row in frame.sort("period").to_dicts()
    ]
    return theme.table(rows)


def _target_of(period: dt.date, target: Target, unit: str, currency: str) -> str:
    aim = target.get(period) if isinstance(target, Mapping) else target
    return "" if aim is None else theme.number(aim, unit, currency)
