"""Numbers put into words, carefully: what changed, whether chance may explain it, what is still open."""

from __future__ import annotations

from typing import Any, Final

from metrics.catalog import metric as declared
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
STEPS: Final = ("contact_rate", "contact_to_appointment", "show_rate", "show_to_sale")
# At some of these nobody is lost, but they move as the steps do; those that a page asks for are looked at.
_MOVING: Final = (
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "confirm_rate",
    "show_rate",
    "show_to_sale",
)


def clock_words(metric: Metric) -> str:
    """Which date puts a row in a period, in plain words; a ratio may have two."""
    if isinstance(metric, OneFact):
        return _CLOCKS[metric.clock]
    names = dict.fromkeys(_CLOCKS[term.clock] for term in metric.terms)
    return ", and ".join(names)


def answer(now: dict[str, Row], before: dict[str, Row]) -> str:
    """The page's answer in a few sentences: closing rate, its change, how sure that is, and how early.

    `now` and `before` hold rows of evaluate by metric name; `before` is empty where nothing is compared.
    """
    row = now["closing_rate"]
    if row["value"] is None:
        return f"There is no closing rate here. {row.get('reason') or 'No opportunity was created in this period.'}"
    head = f"**Closing rate is {theme.number(row['value'], 'share')}**"
    lines = [head + compared(row, before.get("closing_rate"), "share")]
    lines.append(_early(row, is_compared=bool(before)))
    return " ".join(line for line in lines if line)


def where_lost(now: dict[str, Row], before: dict[str, Row]) -> str:
    """Where opportunities are lost: the step at which the smallest share goes on, and the steps that really moved."""
    known = [name for name in STEPS if now[name]["value"] is not None]
    if not known:
        return ""
    least = min(known, key=lambda name: float(now[name]["value"]))
    row, label = now[least], declared(least).label.lower()
    counted = f"{theme.number(row['value'], 'share')}, {theme.parts(row['numerator'], row['denominator'])}"
    head = f"**Most are lost at {label}** ({counted} go on)."
    return f"{head} {_steps_moved(now, before)}" if before else head


def _steps_moved(now: dict[str, Row], before: dict[str, Row]) -> str:
    apart = [
        name for name in _MOVING if name in now and name in before and differences.is_apart(now[name], before[name])
    ]
    if not apart:
        return "No step moved beyond chance."
    moved = [
        f"{declared(name).label.lower()} {theme.change(now[name]['value'], before[name]['value'], 'share')}"
        for name in apart
    ]
    return f"Moved beyond chance: {', '.join(moved)}."


def compared(row: Row, before: Row | None, unit: str) -> str:
    """How a rate stands to the one it is compared with, as the end of a sentence: change, interval, and luck."""
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
    span = f"95% interval {theme.points(ends[0])} to {theme.points(ends[1])} points"
    if differences.is_apart(row, before):
        return f"{head}: more than chance explains ({span})."
    return f"{head}: chance alone may explain it ({span})."


def _early(row: Row, *, is_compared: bool) -> str:
    if not row["n_immature"]:
        return ""
    count, whole = theme.number(row["n_immature"], "count"), theme.number(row["denominator"], "count")
    fair = ", and the comparison is taken at the same age" if is_compared else ""
    return f"**Still early:** {count} of {whole} opportunities are under 90 days old and may yet buy{fair}."


def evidence(row: Row, before: Row | None, metric: Metric, target: float | None, currency: str) -> list[str]:
    """The small lines under a headline number: n and what is open, interval, before and target; or its reason."""
    if row.get("reason"):
        return [theme.plain(row["reason"])]
    lines = []
    if row["denominator"] is not None and metric.kind != "count":
        is_share = metric.kind == "conversion" or row["numerator"] is not None
        n = theme.number(row["denominator"], "count")
        lines.append(theme.parts(row["numerator"], row["denominator"]) if is_share else f"n {n}")
        if row["n_immature"]:
            lines[0] += f", {open_words(row, metric)}"
    ends = theme.interval(row["low"], row["high"], metric.unit, currency)
    if ends:
        lines.append(f"95% interval {ends}")
    beside = _beside(row, before, metric, target, currency)
    return [theme.plain(line) for line in (*lines, beside) if line]


def _beside(row: Row, before: Row | None, metric: Metric, target: float | None, currency: str) -> str:
    parts = []
    if before is not None and before["value"] is not None:
        parts.append(f"before {theme.number(before['value'], metric.unit, currency)}")
    if target is not None:
        parts.append(f"target {target_words(row, target, metric, currency)}")
    line = ", ".join(parts)
    return line[:1].upper() + line[1:]


def target_words(row: Row, target: float, metric: Metric, currency: str = "USD") -> str:
    """A target, and whether it is met or missed beyond chance: `75.0%, missed`."""
    return f"{theme.number(target, metric.unit, currency)}{_reached(row, target, metric)}"


def _reached(row: Row, target: float, metric: Metric) -> str:
    """Whether a target is surely met or missed; nothing where chance may decide, or no interval is known."""
    if row["low"] is None or row["high"] is None or metric.higher_is_better is None:
        return ""
    if row["low"] <= target <= row["high"]:
        return ""
    is_met = (row["low"] > target) == metric.higher_is_better
    return ", met" if is_met else ", missed"


def waits_for_time(metric: Metric) -> bool:
    """Whether time alone closes what is open about a metric; an outcome that nobody recorded stays open for ever."""
    is_unresolved = isinstance(metric, Conversion) and metric.settles is not None and metric.settles.unresolved
    return not is_unresolved


def open_words(row: Row, metric: Metric) -> str:
    """What is still open about a number, by the kind of its waiting."""
    count = theme.number(row["n_immature"], "count")
    if isinstance(metric, Conversion) and metric.within is not None:
        return f"{count} too young"
    if isinstance(metric, Conversion) and metric.settles is not None and metric.settles.unresolved:
        return f"{count} no outcome"
    return f"{count} still open"
