"""Numbers put into words, carefully: what changed, whether chance may explain it, what is still open."""

from __future__ import annotations

from typing import Any, Final

from metrics.declare import Conversion, Metric, OneFact
from metrics.statistics import differences
from pages import theme

Row = dict[str, Any]

_CLOCKS: Final = {
    "created_at": "the day the lead came in",
    "due_at": "the day the appointment was due",
    "set_at": "the day the appointment was set",
    "shown_at": "the day the customer came",
    "sold_at": "the day of sale",
    "day": "the day the money was spent on",
}
OPEN_MATTERS: Final = 0.05


def clock_words(metric: Metric) -> str:
    """Which date puts a row in a period, in plain words; a ratio may have two."""
    if isinstance(metric, OneFact):
        return _CLOCKS[metric.clock]
    names = dict.fromkeys(_CLOCKS[term.clock] for term in metric.terms)
    return ", and ".join(names)


def answer(now: dict[str, Row], before: dict[str, Row]) -> str:
    """The page's answer in a few sentences: closing rate, its change and how sure that is, then volume.

    `now` and `before` hold rows of evaluate by metric name; `before` is empty where nothing is compared.
    """
    row = now["closing_rate"]
    if row["value"] is None:
        return f"There is no closing rate here. {row.get('reason') or 'No opportunity was created in this period.'}"
    counted = f"n {theme.number(row['denominator'], 'count')}, 95% interval {theme.interval(row['low'], row['high'])}"
    lines = [f"**Closing rate is {theme.number(row['value'], 'share')}** ({counted})"]
    lines[0] += _compared(row, before.get("closing_rate"), "share")
    lines.append(_volume(now, before))
    lines.append(_open(row))
    return " ".join(theme_line for theme_line in lines if theme_line)


def _compared(row: Row, before: Row | None, unit: str) -> str:
    if before is None or before["value"] is None:
        return "; there is nothing to compare it with."
    moved = theme.change(row["value"], before["value"], unit) or ""
    if moved[:1] not in {"+", "-"}:
        return ", the same as in the period it is compared with."
    direction = "above" if moved.startswith("+") else "below"
    head = f", {moved[1:]} {direction} the {theme.number(before['value'], unit)} it is compared with"
    ends = differences.difference(row, before)
    if ends is None:
        return f"{head}."
    span = f"The 95% interval of the difference runs from {_points(ends[0])} to {_points(ends[1])} points"
    if differences.is_apart(row, before):
        return f"{head}. {span} and leaves out zero: this is more than chance explains."
    return f"{head}. {span} and contains zero: chance alone may explain it."


def _points(share: float) -> str:
    return f"{share * 100:+.1f}"


def _volume(now: dict[str, Row], before: dict[str, Row]) -> str:
    pieces = []
    for name, noun in (("leads", "leads"), ("sold_units", "cars sold")):
        if now[name]["value"] is None:
            continue
        moved = theme.change(now[name]["value"], before[name]["value"], "count") if name in before else None
        tail = f" ({moved})" if moved else ""
        pieces.append(f"{theme.number(now[name]['value'], 'count')} {noun}{tail}")
    return f"{' and '.join(pieces)}." if pieces else ""


def _open(row: Row) -> str:
    if not row["n_immature"]:
        return ""
    count = theme.number(row["n_immature"], "count")
    return f"{count} of these opportunities are younger than 90 days and may still buy, so the rate can still rise."


def evidence(row: Row, metric: Metric, target: float | None, currency: str) -> list[str]:
    """The small lines under a headline number: n and interval, what is still open, target, or why there is none."""
    if row.get("reason"):
        return [theme.plain(row["reason"])]
    lines = []
    if row["denominator"] is not None and metric.kind != "count":
        ends = theme.interval(row["low"], row["high"], metric.unit, currency)
        counted = f"{theme.parts(row['numerator'], row['denominator'])}"
        lines.append(theme.plain(f"{counted}; 95% interval {ends}" if ends else counted))
    if row["n_immature"]:
        lines.append(open_words(row, metric))
    if target is not None:
        lines.append(theme.plain(f"Target {theme.number(target, metric.unit, currency)}"))
    return lines


def waits_for_time(metric: Metric) -> bool:
    """Whether time alone closes what is open about a metric; an outcome that nobody recorded stays open for ever."""
    is_unresolved = isinstance(metric, Conversion) and metric.settles is not None and metric.settles.unresolved
    return not is_unresolved


def open_words(row: Row, metric: Metric) -> str:
    """What is still open about a number, by the kind of its waiting."""
    count = theme.number(row["n_immature"], "count")
    if isinstance(metric, Conversion) and metric.within is not None:
        return f"{count} not counted: their time is not up"
    if isinstance(metric, Conversion) and metric.settles is not None and metric.settles.unresolved:
        return f"{count} without a recorded outcome"
    return f"{count} still open, can still rise"
