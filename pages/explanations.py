"""Comparisons put into words for people: why a rate changed, how long a sale takes, what to do about a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from metrics.catalog import metric as declared
from metrics.comparisons.shifts import Why
from metrics.declare import OneFact
from metrics.statistics import differences
from pages import region, theme
from pages.sentences import waits_for_time

Row = Mapping[str, Any]

_SMALL: Final = 0.0005  # of a rate: a smaller part reads 0.0 points
_WORTH_NAMING: Final = 0.2  # of a difference: a smaller part needs no example
_HEADS: Final = {
    "cut": "Cut or renegotiate:",
    "feed": "Feed, if any:",
    "mend": "Our own fault, mend first:",
    "trim": "Watch:",
    "wait": "Cannot be told yet:",
    "keep": "Leave as they are:",
    "unknown": "Spend unknown:",
}
_REASONS: Final = {
    "cut": ". They may not earn their spend, and their leads are weak at equal handling too.",
    "feed": ". More than the others beyond chance.",
    "mend": ". We answer these leads late; the leads themselves are not to blame.",
    "trim": ". They earn their spend, but less than the others beyond chance, and their leads are weak.",
    "wait": ". Too few sales, or a low return whose cause is open.",
    "keep": ". Not distinguishable from the others.",
    "unknown": ". Nobody entered what they cost.",
}


def why(found: Why | None) -> str:
    """Why a rate changed: how much is mix, whose share moved it, how much the rates. "" where nothing did."""
    if found is None or abs(found.change) < _SMALL:
        return ""
    over = found.dimension.replace("_", " ")
    moved = f"{declared(found.metric).label} {'rose' if found.change > 0 else 'fell'} {_size(found.change)} points"
    if abs(found.mix) < _SMALL:
        return f"{moved}: none of it is the mix of {over}, all of it the rates within each {over}."
    mix = f"{_part(found.mix, found.change)} is the mix of {over} ({_mover(found)})"
    if abs(found.rate) < _SMALL:
        return f"{moved}: all of it is the mix of {over} ({_mover(found)})."
    return f"{moved}: {mix}, {_part(found.rate, found.change)} the rates within each {over}."


def _size(share: float) -> str:
    return theme.points(abs(share)).lstrip("+")


def _part(part: float, whole: float) -> str:
    """A part in points of the change; one that goes against it has a minus."""
    return theme.points(part if whole > 0 else -part).lstrip("+")


def _mover(found: Why) -> str:
    word = "more" if found.mover_now > found.mover_before else "less"
    shares = [theme.number(share, "share") for share in (found.mover_before, found.mover_now)]
    return f"{word} {found.mover}: {shares[0]} of the leads then, {shares[1]} now"


def left_out(count: int, whole: int) -> str:
    """What costs leave out, as they cannot count it."""
    told = f"{theme.number(count, 'count')} of {theme.number(whole, 'count')} leads"
    return (
        f"Left out: {told}, from sources and months whose spend nobody entered. Unknown spend is not counted as zero."
    )


def bounded(row: Row) -> str:
    """How far the outcomes that nobody knows could move a rate. The row is of `bounds`."""
    metric, count = declared(row["metric"]), theme.number(row["n"], "count")
    rows = metric.table.noun.replace("_", " ") if isinstance(metric, OneFact) else "rows"
    if not row["n_missing"]:
        return (
            f"Every outcome of these {count} {rows} is known, so nothing unknown can move the {metric.label.lower()}."
        )
    ends = f"{theme.number(row['lowest'], metric.unit)} and {theme.number(row['highest'], metric.unit)}"
    missing = theme.parts(row["n_missing"], row["n"])
    why = "may still convert" if waits_for_time(metric) else "have no outcome recorded"
    return f"Whatever the missing outcomes are, the {metric.label.lower()} lies between {ends}: {missing} {rows} {why}."


def waited(now: Sequence[Row], before: Sequence[Row]) -> str:
    """How many had bought within so many days, beside the comparison. Rows are of `waiting.marks`."""
    earlier = {row["day"]: row["value"] for row in before}
    parts = [_mark(row, earlier.get(row["day"])) for row in now]
    if not parts:
        return "These opportunities are too young to say how long a sale takes."
    return f"Had bought: {'; '.join(parts)}."


def _mark(row: Row, earlier: float | None) -> str:
    ends = theme.interval(row["low"], row["high"])
    known = [f"95% interval {ends}" if ends else ""]
    known.append("" if earlier is None else f"{theme.number(earlier, 'share')} in the comparison")
    inside = ", ".join(part for part in known if part)
    shown = f"{theme.number(row['value'], 'share')} within {row['day']} days"
    return f"{shown} ({inside})" if inside else shown


def pace(rows: Sequence[Row]) -> list[str]:
    """Where each store's month will end and what that means for its target, one sentence per store."""
    return [_paced(row) for row in rows]


def _paced(row: Row) -> str:
    head = f"{row['store']}: {theme.number(row['so_far'], 'count')} so far"
    if row["projected"] is None:
        return f"{head}. {row['reason']}"
    if not row["days_left"]:
        over = f"{row['store']}: {theme.number(row['so_far'], 'count')}, and no open day is left"
        return f"{over}; {_against_target(row)}." if row["target"] is not None else f"{over}."
    ends = theme.interval(row["low"], row["high"], "count")
    days = theme.number(row["days_left"], "count")
    told = f"{head}, about {region.decimal(row['projected'], 0)} at the end ({ends}) with {days} open days left"
    return f"{told}; {_against_target(row)}." if row["target"] is not None else f"{told}."


def next_step(
    now: Mapping[str, Row], before: Mapping[str, Row], targets: Mapping[str, float | None]
) -> tuple[str, str]:
    """What to look at next: the step furthest below its target beyond chance, else one that fell beyond chance.

    A sentence and the step's name; the name is empty where there is nothing to mend.
    """
    short = {name: aim for name, aim in targets.items() if aim and _is_below(now[name], aim)}
    if short:
        name = min(short, key=lambda step: float(now[step]["value"]) / short[step])
        shown, aim = theme.number(now[name]["value"], "share"), theme.number(short[name], "share")
        return f"{declared(name).label} is furthest below its target: {shown} beside {aim}, beyond chance.", name
    fallen = [name for name in targets if name in before and _fell(now[name], before[name])]
    if fallen:
        return f"{declared(fallen[0]).label} fell beyond chance.", fallen[0]
    return "no step is below its target or fell beyond chance.", ""


def _is_below(row: Row, aim: float) -> bool:
    return row["high"] is not None and row["high"] < aim


def _fell(now: Row, before: Row) -> bool:
    return differences.is_apart(now, before) and now["value"] < before["value"]


def _against_target(row: Row) -> str:
    aim = theme.number(row["target"], "count")
    is_over = not row["days_left"]
    if row["low"] >= row["target"]:
        return f"the target of {aim} {'is' if is_over else 'will be'} met"
    if row["high"] < row["target"]:
        return f"the target of {aim} is {'missed' if is_over else 'out of reach at this pace'}"
    word = "more likely met than missed" if row["projected"] >= row["target"] else "more likely missed than met"
    return f"the target of {aim} is {word}"


def stores(first: Row, second: Row, names: tuple[str, str], label: str) -> str:
    """Two stores on one rate: the difference in points and whether it is more than chance."""
    ends = differences.difference(first, second)
    if ends is None:
        return ""
    gap = first["value"] - second["value"]
    high, low = names if gap >= 0 else names[::-1]
    span = f"95% interval of the difference {theme.points(ends[0])} to {theme.points(ends[1])}"
    if not differences.is_apart(first, second):
        return f"{label}: {names[0]} and {names[1]} cannot be told apart ({span} points)."
    return f"{label}: {high} is {_size(gap)} points above {low}, more than chance explains ({span} points)."


def stores_briefly(first: Row, second: Row, names: tuple[str, str], label: str) -> str:
    """Two stores on a rate that differs beyond chance, in few words."""
    gap, ends = first["value"] - second["value"], differences.difference(first, second)
    high = names[0] if gap >= 0 else names[1]
    span = "" if ends is None else f" ({' to '.join(theme.points(end) for end in ends)})"
    return f"{label}, {high} by {_size(gap)} points{span}"


def source_actions(rows: Sequence[Row], currency: str) -> list[tuple[str, str]]:
    """What to do about the sources, by action in their order: a heading, then each source with its return and why.

    Rows are of `spending.actions`.
    """
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["action"], []).append(row)
    return [(_HEADS[action], f"{_listed(members, currency)}{_REASONS[action]}") for action, members in grouped.items()]


def _listed(rows: Sequence[Row], currency: str) -> str:
    return "; ".join(f"{row['source']}{_detail(row, currency)}" for row in rows)


def _detail(row: Row, currency: str) -> str:
    if row["spend"] is None:
        return ""
    if row["action"] == "mend":
        return f" ({_back(row, currency)}; our handling at {' and '.join(row['at_fault'])})"
    state = f", {row['state']}" if row["state"] else ""
    return f" ({_back(row, currency)}{state})"


def _back(row: Row, currency: str) -> str:
    """The return as money for money, with its interval."""
    if row["roi"] is None:
        return "no return can be said"
    gained = f"{theme.number(row['roi'], 'money', currency)} for each {money_unit(currency)}"
    ends = theme.interval(row["low"], row["high"], "money", currency)
    return f"{gained}, {ends}" if ends else gained


def money_unit(currency: str) -> str:
    """One unit of a currency, without its cents."""
    return region.money(1, currency, 0)


def between_stores(found: Why | None, names: tuple[str, str]) -> str:
    """Why the first store's rate differs from the second's: how much is the mix of what came in.

    Whose share differs most is said where the mix is at least a fifth of the difference.
    """
    if found is None or abs(found.change) < _SMALL:
        return ""
    over = found.dimension.replace("_", " ")
    shares = [theme.number(share, "share") for share in (found.mover_now, found.mover_before)]
    mover = f" ({found.mover.strip('()')}: {shares[0]} of the leads at {names[0]}, {shares[1]} at {names[1]})"
    whole, mix, rate = (theme.points(part) for part in (found.change, found.mix, found.rate))
    most = mover if abs(found.mix) >= _WORTH_NAMING * abs(found.change) else ""
    return f"Of the {whole} points, {mix} is the mix of {over}{most} and {rate} the rates within each."
