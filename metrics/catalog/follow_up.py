"""How often people tried again."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import OWNERS
from metrics.declare import Conversion, Measure, Metric, Ratio, Settles, Unit

_LOGGED: Final = ("is_eligible", "has_contact_log")


def _measure(name: str, label: str, base: tuple[str, ...], column: str | None = None) -> Measure:
    return Measure(
        name=name,
        label=label,
        family="Follow-up",
        unit=Unit.COUNT,
        fact="fct_opportunity",
        clock="created_at",
        base=base,
        measures="sum" if column else "count",
        column=column,
        credits=OWNERS,
        description=f"{label}.",
    )


def _per_opportunity(name: str, label: str, column: str, base: tuple[str, ...], description: str) -> Ratio:
    return Ratio(
        name=name,
        label=label,
        family="Follow-up",
        unit=Unit.TIMES,
        higher_is_better=True,
        plus=(_measure(f"{name}_in_all", f"{label}, in all", base, column),),
        per=(_measure(f"{name}_opportunities", "Opportunities", base),),
        credits=OWNERS,
        description=description,
    )


def _attempts_within(days: int) -> Ratio:
    span = "day" if days == 1 else f"{days} days"
    return _per_opportunity(
        f"attempts_{days}d",
        f"Attempts in the first {span}",
        f"attempt_count_{days}d",
        (*_LOGGED, f"is_watched_{days}d"),
        f"How often a person tried to reach a customer in the first {span}, on average. Messages sent by machines are "
        "no attempts; opportunities too young to tell are left out.",
    )


ATTEMPTS_1D: Final = _attempts_within(1)
ATTEMPTS_3D: Final = _attempts_within(3)
ATTEMPTS_10D: Final = _attempts_within(10)
ATTEMPT_DAYS_10D: Final = _per_opportunity(
    "attempt_days_10d",
    "Days with an attempt, of the first 10",
    "attempt_days_10d",
    (*_LOGGED, "is_watched_10d"),
    "On how many of the first 10 days a person tried to reach a customer, on average.",
)
MULTI_CHANNEL_RATE: Final = Conversion(
    name="multi_channel_rate",
    label="Tried by two channels or more",
    family="Follow-up",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=_LOGGED,
    converted="is_multi_channel",
    settles=Settles(start="created_by", days=10),
    credits=OWNERS,
    description="Of the opportunities created in the period, the share that people tried to reach by at least two of "
    "call, text, e-mail, chat and video.",
)
FOLLOW_UP_STANDARD_RATE: Final = Conversion(
    name="follow_up_standard_rate",
    label="Followed up to the standard",
    family="Follow-up",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=(*_LOGGED, "is_follow_up_due"),
    converted="is_follow_up_met",
    credits=OWNERS,
    description="Of the opportunities old enough to tell, the share that people tried as often as the store's standard "
    "asks, or reached sooner.",
)
ATTEMPTS_OF_LOST: Final = _per_opportunity(
    "attempts_of_lost",
    "Attempts before lost",
    "attempt_count",
    (*_LOGGED, "is_lost"),
    "How often a person had tried to reach a customer who was then given up, on average.",
)
LOST_AFTER_ONE_ATTEMPT: Final = Conversion(
    name="lost_after_one_attempt",
    label="Lost after one attempt or none",
    family="Follow-up",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=(*_LOGGED, "is_lost"),
    converted="is_barely_tried",
    credits=OWNERS,
    description="Of the opportunities marked lost, the share that a person had tried to reach once at most.",
)
MACHINE_ONLY_RATE: Final = Conversion(
    name="machine_only_rate",
    label="Touched only by machines",
    family="Follow-up",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=_LOGGED,
    converted="is_machine_only",
    credits=OWNERS,
    description="Of the opportunities created in the period, the share that got automatic messages and never a try by "
    "a person.",
)
HANDOVER_MINUTES: Final = Measure(
    name="handover_minutes",
    label="From machine to person",
    family="Follow-up",
    unit=Unit.MINUTES,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=(*_LOGGED, "is_automated_first"),
    measures="median",
    column="seconds_to_handover",
    reached="is_attempted",
    credits=OWNERS,
    description="Where a machine answered first, half of the customers heard from a person within this many minutes "
    "of it, day and night. Customers still waiting count as waiting.",
)

FOLLOW_UP: Final[tuple[Metric, ...]] = (
    ATTEMPTS_1D,
    ATTEMPTS_3D,
    ATTEMPTS_10D,
    ATTEMPT_DAYS_10D,
    MULTI_CHANNEL_RATE,
    FOLLOW_UP_STANDARD_RATE,
    ATTEMPTS_OF_LOST,
    LOST_AFTER_ONE_ATTEMPT,
    MACHINE_ONLY_RATE,
    HANDOVER_MINUTES,
)
