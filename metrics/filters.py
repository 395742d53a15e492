"""What is asked of a metric: period, split, scope, now, basis, credit, attribution; and whether it can be had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from metrics.declare import DIMENSION_NAMES, ROLES, Measure, Metric, MetricError, nearest
from metrics.scope import WHOLE, Scope

Grain = Literal["day", "week", "month", "quarter", "year"]
Basis = Literal["cohort", "in_period"]
Attribution = Literal["first", "last", "even"]
GRAINS: Final = ("day", "week", "month", "quarter", "year")
BASES: Final = ("cohort", "in_period")
ATTRIBUTIONS: Final = ("first", "last", "even")


class Filters(BaseModel):
    """A frozen question. `start` and `end` are days of the store, both inclusive; None means without an end.

    `where` maps a dimension to the labels that are kept: OR within a dimension, AND across dimensions. An empty tuple
    of labels keeps everything. `as_of` replaces the snapshot's own "now". `credit` replaces each metric's default
    role. `scope` limits the rows to what the asker may see; `where` chooses among those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: date | None = None
    end: date | None = None
    by: tuple[str, ...] = ()
    grain: Grain | None = None
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    as_of: AwareDatetime | None = None
    basis: Basis = "cohort"
    credit: Literal["salesperson", "bdc_agent", "setter", "responder", "person"] | None = None
    attribution: Attribution = "first"
    scope: Scope = WHOLE

    @field_validator("by")
    @classmethod
    def _by_known_dimensions_once(cls, by: tuple[str, ...]) -> tuple[str, ...]:
        for name in by:
            check_dimension(name)
        return tuple(dict.fromkeys(by))

    @field_validator("where")
    @classmethod
    def _where_known_dimensions(cls, where: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name in where:
            check_dimension(name)
        return {name: tuple(dict.fromkeys(where[name])) for name in sorted(where) if where[name]}

    @model_validator(mode="after")
    def _start_is_not_after_end(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise MetricError(
                f"The period starts on {self.start} and ends before it, on {self.end}.", "Exchange the two days."
            )
        return self

    def __hash__(self) -> int:
        """Equal questions hash alike, so they can be cache keys."""
        return hash(tuple(sorted((name, repr(value)) for name, value in self)))

    def at_age_of(self, now: Filters, newest: datetime | None) -> Filters:
        """The same question as it looked when its period was as young as that of `now` is: `as_of` moves back as far.

        `newest`: the moment that the data reach to. Unchanged where a period is open at its end, or without data.
        """
        as_of = now.as_of or newest
        if as_of is None or now.end is None or self.end is None:
            return self
        return self.but(as_of=as_of - (now.end - self.end))

    def but(self, **changes: object) -> Filters:
        """The same question with some fields changed, checked anew."""
        return Filters.model_validate({**dict(self), **changes})

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every dimension that is split or filtered by."""
        return tuple(dict.fromkeys((*self.by, *self.where)))

    @property
    def shape(self) -> Filters:
        """The same question with stand-ins for its values, within no scope: all that the text of a query depends on."""
        day = date(2000, 1, 1)
        values = {
            "start": self.start and day,
            "end": self.end and day,
            "as_of": self.as_of and datetime(2000, 1, 1, tzinfo=UTC),
            "where": {name: tuple(map(str, range(len(labels)))) for name, labels in self.where.items()},
            "scope": WHOLE,
        }
        return Filters.model_construct(**{**dict(self), **values})

    @property
    def uses_source(self) -> bool:
        """Whether the source of a row matters, so that attribution does."""
        return any(name in ("source", "source_group", "channel") for name in self.dimensions)

    def role(self, metric: Metric) -> str | None:
        """The role that is credited, or None where no person matters."""
        if "person" not in self.dimensions or not metric.credits:
            return None
        return self.credit or metric.credits[0]


def ask(**fields: Any) -> Filters:
    """Filters from loose values, with a MetricError instead of a validation trace.

    For the command line and for URLs, where values come from people.
    """
    try:
        return Filters.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "filters"
        raise MetricError(f"{place} cannot be {first['input']!r}: {first['msg']}.", _allowed(place)) from error


def _allowed(place: str) -> str:
    choices = {"grain": GRAINS, "basis": BASES, "attribution": ATTRIBUTIONS, "credit": ROLES}
    if place in choices:
        return f"Use one of: {', '.join(choices[place])}."
    return "Dates look like 2026-01-31, times like 2026-01-31T18:00:00+00:00."


def check_dimension(name: str) -> str:
    """The name itself where it is a dimension; MetricError with the nearest one where it is not."""
    if name in DIMENSION_NAMES:
        return name
    close = nearest(name, DIMENSION_NAMES)
    known = f"Did you mean {close!r}? " if close else ""
    raise MetricError(f"There is no dimension {name!r}.", f"{known}Dimensions are: {', '.join(DIMENSION_NAMES)}.")


def unavailable(metric: Metric, filters: Filters) -> str | None:
    """Why a metric cannot be had under these filters, in a plain sentence; None where it can."""
    for dimension in filters.dimensions:
        if dimension not in metric.dimensions:
            return _no_dimension(metric, dimension)
    if "person" in filters.dimensions and filters.credit and filters.credit not in metric.credits:
        return _no_credit(metric, filters.credit)
    if filters.basis == "in_period" and not metric.has_in_period:
        return f"{metric.label} follows each cohort through its own dates, so it has no in-period form."
    if _is_median(metric) and filters.attribution == "even" and filters.uses_source:
        return (
            f"{metric.label} is a median, and half of a customer has no place in it: choose first or last attribution."
        )
    return None


def _is_median(metric: Metric) -> bool:
    return isinstance(metric, Measure) and metric.is_quantile


def _no_dimension(metric: Metric, dimension: str) -> str:
    word = dimension.replace("_", " ")
    without = [fact for fact in metric.facts if dimension not in fact.dimensions]
    if any(fact.name == "fct_spend" for fact in without):
        return f"Spend is bought for a source, not for a {word}, so it cannot be split by {word}."
    if not without:
        return f"{metric.label} is nobody's own, so it cannot be split by {word}."
    rows = without[0].noun.replace("_", " ")
    return f"{metric.label} counts {rows}, which have no {word}, so it cannot be split by {word}."


_SPOKEN: Final = {"bdc_agent": "BDC agent", "person": "person of their own"}
_REASON_BY_ROLE: Final = {
    "setter": "A setter is known only once an appointment was set, and {label} starts before that.",
    "responder": "A responder is known only once somebody responded, and {label} starts before that.",
}


def _no_credit(metric: Metric, role: str) -> str:
    spoken = _SPOKEN.get(role, role)
    allowed = ", ".join(_SPOKEN.get(name, name) for name in metric.credits)
    facts = " and ".join(fact.noun.replace("_", " ") for fact in metric.facts)
    is_on_fact = all(role in fact.roles for fact in metric.facts)
    fallback = f"{facts.capitalize()} name no {spoken}, so {{label}} cannot be credited to one."
    text = _REASON_BY_ROLE.get(role, fallback) if is_on_fact else fallback
    return f"{text.format(label=metric.label)} It can be credited to: {allowed}."
