"""How soon people answered."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import OWNERS
from metrics.declare import Conversion, Measure, Metric, Unit, Window

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

RESPONSE: Final[tuple[Metric, ...]] = (ANSWERED_WITHIN_STANDARD, MEDIAN_RESPONSE_MINUTES, NEVER_ANSWERED_RATE)
