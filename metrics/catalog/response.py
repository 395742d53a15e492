"""How soon people answered."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import OWNERS
from metrics.declare import Conversion, Measure, Metric, Settles, Unit, Window

_WITHIN_STANDARD: Final = Window(start="created_at", end="first_attempt_at")

ANSWERED_WITHIN_STANDARD: Final = Conversion(
    name="answered_within_standard",
    label="Answered within the standard",
    family="Response",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "needs_answer"),
    converted="is_attempted",
    within=_WITHIN_STANDARD,
    credits=OWNERS,
    description="Of the opportunities that needed an answer, the share that a person answered within the store's "
    "standard, counted in opening hours.",
)
MEDIAN_RESPONSE_MINUTES: Final = Measure(
    name="median_response_minutes",
    label="Median response time",
    family="Response",
    unit=Unit.MINUTES,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "needs_answer"),
    measures="median",
    column="open_seconds_to_first_attempt",
    reached="is_attempted",
    credits=OWNERS,
    description="Half of the opportunities that needed an answer got one from a person within this many minutes of "
    "opening hours. Customers still waiting count as waiting, so nothing is shown while fewer than half were "
    "answered.",
)
NEVER_ANSWERED_RATE: Final = Conversion(
    name="never_answered_rate",
    label="Never answered",
    family="Response",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "needs_answer"),
    converted="is_attempted",
    within=_WITHIN_STANDARD,
    counts_misses=True,
    credits=OWNERS,
    description="Of the opportunities that needed an answer and whose time is up, the share that no person has tried "
    "to reach yet.",
)


def _answered_within(minutes: int) -> Conversion:
    return Conversion(
        name=f"answered_within_{minutes}",
        label=f"Answered within {minutes} minutes",
        family="Response",
        unit=Unit.SHARE,
        higher_is_better=True,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible", "needs_answer"),
        converted="is_attempted",
        within=Window(start="created_at", end="first_attempt_at", open_minutes=minutes),
        credits=OWNERS,
        description=f"Of the opportunities that needed an answer, the share that a person answered within {minutes} "
        "minutes of opening hours.",
    )


def _half_within(name: str, label: str, column: str, reached: str, who: str, counted: str) -> Measure:
    return Measure(
        name=name,
        label=label,
        family="Response",
        unit=Unit.MINUTES,
        higher_is_better=False,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible", "needs_answer"),
        measures="median",
        column=column,
        reached=reached,
        credits=OWNERS,
        description=f"Half of the opportunities that needed an answer got one from {who} within this many minutes"
        f"{counted}. Customers still waiting count as waiting.",
    )


ANSWERED_WITHIN_5: Final = _answered_within(5)
ANSWERED_WITHIN_15: Final = _answered_within(15)
ANSWERED_WITHIN_30: Final = _answered_within(30)
ANSWERED_WITHIN_60: Final = _answered_within(60)
MEDIAN_RESPONSE_MINUTES_RAW: Final = _half_within(
    "median_response_minutes_raw",
    "Median response time, day and night",
    "seconds_to_first_attempt",
    "is_attempted",
    "a person",
    ", nights and closed days included",
)
MEDIAN_ANY_RESPONSE_MINUTES: Final = _half_within(
    "median_any_response_minutes",
    "Median time to any message",
    "open_seconds_to_first_any_response",
    "is_responded",
    "anyone or anything, auto-replies too,",
    " of opening hours",
)
MEDIAN_ANY_RESPONSE_MINUTES_RAW: Final = _half_within(
    "median_any_response_minutes_raw",
    "Median time to any message, day and night",
    "seconds_to_first_any_response",
    "is_responded",
    "anyone or anything, auto-replies too,",
    ", nights and closed days included",
)
REPLY_RATE: Final = Conversion(
    name="reply_rate",
    label="Customers who replied",
    family="Response",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "has_contact_log"),
    converted="is_replied",
    settles=Settles(start="created_by", days=14),
    credits=OWNERS,
    description="Of the opportunities created in the period, the share whose customer wrote, called or came after "
    "asking.",
)
TIME_TO_REPLY: Final = Measure(
    name="time_to_reply",
    label="Time to the customer's reply",
    family="Response",
    unit=Unit.MINUTES,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "is_replied"),
    measures="median",
    column="seconds_to_first_reply",
    credits=OWNERS,
    description="Of the customers who replied, half had replied within this many minutes of asking, day and night.",
)
UNANSWERED_MESSAGE_RATE: Final = Conversion(
    name="unanswered_message_rate",
    label="Customers waiting for a word",
    family="Response",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "has_contact_log", "is_written_to_us"),
    converted="is_message_answered",
    counts_misses=True,
    credits=OWNERS,
    description="Of the opportunities whose customer wrote to us, the share whose last message no person has answered.",
)

RESPONSE: Final[tuple[Metric, ...]] = (
    ANSWERED_WITHIN_STANDARD,
    ANSWERED_WITHIN_5,
    ANSWERED_WITHIN_15,
    ANSWERED_WITHIN_30,
    ANSWERED_WITHIN_60,
    MEDIAN_RESPONSE_MINUTES,
    MEDIAN_RESPONSE_MINUTES_RAW,
    MEDIAN_ANY_RESPONSE_MINUTES,
    MEDIAN_ANY_RESPONSE_MINUTES_RAW,
    NEVER_ANSWERED_RATE,
    REPLY_RATE,
    TIME_TO_REPLY,
    UNANSWERED_MESSAGE_RATE,
)
