"""The words in which every metric is declared: facts, clocks, dimensions, and four kinds of metric.

Nothing here runs a query. A declaration is a frozen value; `metrics.sql` compiles it, `metrics.engine` evaluates it.
If a metric cannot be said in these words, add a column to a fact, not a word to this file.
"""

from __future__ import annotations

from abc import abstractmethod
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["count", "sum", "conversion", "median", "quantile", "ratio"]
SECONDS_A_DAY: Final = 86_400


class MetricError(Exception):
    """Something was asked that no metric can answer: what and where, then the next step."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n\nHint: {hint}")
        self.message = message
        self.hint = hint


class NoSuchData(MetricError):  # noqa: N818  # it says what is, like FileNotFoundError without the Error
    """What was asked is well said, but the data do not have it."""


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that looks most like this one, capitals ignored; None where nothing comes near."""
    lower = {choice.casefold(): choice for choice in reversed(known)}
    found = get_close_matches(word.casefold(), list(lower), n=1, cutoff=0.4)
    return lower[found[0]] if found else None


class Unit(StrEnum):
    """What a value is measured in; pages choose the number format by it."""

    COUNT = "count"
    CARS = "cars"
    SHARE = "share"
    MINUTES = "minutes"
    DAYS = "days"
    POINTS = "points"
    TIMES = "times"
    MONEY = "money"


SECONDS_IN: Final = {Unit.MINUTES: 60, Unit.DAYS: SECONDS_A_DAY}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dimension(_Frozen):
    """A word by which a metric can be split and filtered; its values are labels."""

    name: str
    label: str
    table: Literal["dim_store", "dim_person", "dim_source", "fact"]


class Clock(_Frozen):
    """Which date puts a row in a period: the moment, and the same moment as a day of the store.

    `at` is None for a fact that knows only days. `verb` completes the name of the rows: opportunities + created.
    """

    name: str
    at: str | None
    on: str
    verb: str


class Milestone(_Frozen):
    """A step that a row may reach: its flag, its moment and the lags to it (seconds).

    A flag without a moment is a step that was recorded without saying when; it counts as reached.
    """

    flag: str
    at: str
    on: str | None = None
    seconds: str | None = None
    open_seconds: str | None = None

    @property
    def step(self) -> str:
        """The flag without its `is_`: `sold`."""
        return self.flag.removeprefix("is_")


class Fact(_Frozen):
    """A fact table of the star and what may be asked of it.

    `created_by` is the latest instant at which a row can have begun. `spend_flag` marks rows of source-months whose
    spend is known. `is_shared` says that its source can be shared out by the attribution bridge. `weight` is the column
    by which a row counts where one thing has several rows (the halves of a split deal). `shown_columns` list a row in
    full, beside its labels; `telling_columns` are the few that fit a terminal.
    """

    name: str
    noun: str
    one: str
    key: str
    clocks: tuple[Clock, ...]
    milestones: tuple[Milestone, ...] = ()
    dimensions: tuple[str, ...]
    roles: tuple[str, ...] = ()
    has_customer: bool = True
    spend_flag: str | None = None
    is_shared: bool = False
    weight: str | None = None
    shown_columns: tuple[str, ...]
    telling_columns: tuple[str, ...]

    @property
    def has_source(self) -> bool:
        """Whether its rows come from a lead source."""
        return "source" in self.dimensions

    def clock(self, name: str) -> Clock:
        """The clock of that name; MetricError where the fact has none."""
        for clock in self.clocks:
            if clock.name == name:
                return clock
        known = ", ".join(clock.name for clock in self.clocks)
        raise MetricError(f"{self.name} has no clock {name!r}.", f"Use one of: {known}.")

    def milestone(self, flag: str) -> Milestone | None:
        """The milestone behind a flag, or None where the flag has no moment of its own."""
        return next((milestone for milestone in self.milestones if milestone.flag == flag), None)


DIMENSIONS: Final = (
    Dimension(name="store", label="Store", table="dim_store"),
    Dimension(name="person", label="Person", table="dim_person"),
    Dimension(name="source", label="Source", table="dim_source"),
    Dimension(name="source_group", label="Source group", table="dim_source"),
    Dimension(name="channel", label="Channel", table="dim_source"),
    Dimension(name="lead_type", label="Lead type", table="fact"),
    Dimension(name="vehicle_condition", label="New or used", table="fact"),
    Dimension(name="appointment_type", label="Appointment type", table="fact"),
    Dimension(name="instrument", label="Survey", table="fact"),
    Dimension(name="after_hours", label="In or after hours", table="fact"),
    Dimension(name="tenure", label="Salesperson's month on the job", table="fact"),
    Dimension(name="answered", label="Answered by a person", table="fact"),
    Dimension(name="created_weekday", label="Weekday it came in", table="fact"),
    Dimension(name="created_hour", label="Hour it came in", table="fact"),
    Dimension(name="lead_time", label="Set how far ahead", table="fact"),
    Dimension(name="confirmed", label="Confirmed before its time", table="fact"),
    Dimension(name="due_weekday", label="Weekday it was due", table="fact"),
    Dimension(name="due_hour", label="Hour it was due", table="fact"),
)
DIMENSION_NAMES: Final = tuple(dimension.name for dimension in DIMENSIONS)
# "person" is whoever the record itself names: of a task, a visit, a survey, a repair order.
ROLES: Final = ("salesperson", "bdc_agent", "setter", "responder", "person")

_SOURCE_DIMENSIONS: Final = tuple(dimension.name for dimension in DIMENSIONS if dimension.table == "dim_source")
_SHARED_DIMENSIONS: Final = ("store", "person", *_SOURCE_DIMENSIONS, "lead_type", "vehicle_condition")
_CREATED: Final = Clock(name="created_at", at="created_at", on="created_on", verb="created")

OPPORTUNITY: Final = Fact(
    name="fct_opportunity",
    noun="opportunities",
    one="opportunity",
    key="opportunity_key",
    clocks=(
        _CREATED,
        Clock(name="shown_at", at="shown_at", on="shown_on", verb="shown"),
        Clock(name="sold_at", at="sold_at", on="", verb="sold"),
    ),
    milestones=(
        Milestone(
            flag="is_attempted",
            at="first_attempt_at",
            seconds="seconds_to_first_attempt",
            open_seconds="open_seconds_to_first_attempt",
        ),
        Milestone(flag="is_responded", at="first_any_response_at", seconds="seconds_to_first_any_response"),
        Milestone(flag="is_replied", at="first_reply_at", seconds="seconds_to_first_reply"),
        Milestone(flag="is_automated_first", at="first_automated_at"),
        Milestone(flag="is_written_to_us", at="last_customer_message_at"),
        Milestone(flag="is_message_answered", at="message_answered_at"),
        Milestone(flag="is_watched_1d", at="watched_1d_at"),
        Milestone(flag="is_watched_3d", at="watched_3d_at"),
        Milestone(flag="is_watched_10d", at="watched_10d_at"),
        Milestone(flag="is_follow_up_due", at="follow_up_due_at"),
        Milestone(flag="is_contacted", at="contacted_at", seconds="seconds_to_contacted"),
        Milestone(flag="is_appointment_set", at="appointment_set_at", seconds="seconds_to_appointment_set"),
        Milestone(flag="is_shown", at="shown_at", on="shown_on", seconds="seconds_to_shown"),
        Milestone(flag="is_sold", at="sold_at", seconds="seconds_to_sold"),
    ),
    dimensions=(*_SHARED_DIMENSIONS, "after_hours", "answered", "tenure", "created_weekday", "created_hour"),
    roles=("salesperson", "bdc_agent", "setter", "responder"),
    spend_flag="has_known_spend",
    is_shared=True,
    shown_columns=(
        "created_at",
        "first_attempt_at",
        "contacted_at",
        "appointment_set_at",
        "appointment_due_at",
        "shown_at",
        "sold_at",
        "is_lost",
        "is_bad",
        "lead_count",
        "opportunity_key",
        "lead_id",
        "source_file",
        "source_line",
    ),
    telling_columns=("created_at", "customer", "salesperson", "source", "lead_id"),
)
LEAD: Final = Fact(
    name="fct_lead",
    noun="leads",
    one="lead",
    key="lead_key",
    clocks=(_CREATED,),
    dimensions=_SHARED_DIMENSIONS,
    roles=("salesperson", "bdc_agent"),
    spend_flag="has_known_spend",
    shown_columns=(
        "created_at",
        "status",
        "is_duplicate",
        "is_bad",
        "opportunity_key",
        "lead_id",
        "source_file",
        "source_line",
    ),
    telling_columns=("created_at", "customer", "salesperson", "source", "status", "lead_id"),
)
APPOINTMENT: Final = Fact(
    name="fct_appointment",
    noun="appointments",
    one="appointment",
    key="appointment_key",
    clocks=(
        Clock(name="set_at", at="set_at", on="set_on", verb="set"),
        Clock(name="due_at", at="due_at", on="due_on", verb="due"),
    ),
    milestones=(
        Milestone(flag="is_confirmed", at="confirmed_at"),
        Milestone(flag="is_shown", at="shown_at"),
        Milestone(flag="is_chain_shown", at="chain_shown_at"),
        Milestone(flag="is_followed_up", at="followed_up_at", seconds="seconds_to_follow_up"),
        Milestone(flag="is_recovered", at="recovered_at"),
    ),
    dimensions=(*_SHARED_DIMENSIONS, "appointment_type", "lead_time", "confirmed", "due_weekday", "due_hour"),
    roles=("setter", "salesperson", "bdc_agent", "responder"),
    is_shared=True,
    shown_columns=(
        "appointment_type",
        "set_at",
        "due_at",
        "confirmed_at",
        "shown_at",
        "cancelled_at",
        "outcome",
        "opportunity_key",
        "appointment_id",
        "source_file",
        "source_line",
    ),
    telling_columns=("due_at", "customer", "setter", "outcome", "appointment_id"),
)
SALE: Final = Fact(
    name="fct_sale",
    noun="sales",
    one="sale",
    key="sale_line_key",
    clocks=(
        Clock(name="sold_at", at="sold_at", on="sold_on", verb="closed"),
        Clock(name="created_at", at="created_at", on="created_on", verb="of_the_cohort"),
        Clock(name="delivered_at", at="delivered_at", on="delivered_on", verb="delivered"),
        Clock(name="reversed_at", at="reversed_at", on="reversed_on", verb="taken_back"),
    ),
    # A deal that closes later than now has not been made yet, whenever its opportunity began.
    milestones=(
        Milestone(flag="is_counted", at="sold_at", on="sold_on"),
        Milestone(flag="is_surveyed", at="survey_answered_at"),
        Milestone(flag="is_kept", at="kept_at", seconds="seconds_to_return"),
    ),
    dimensions=_SHARED_DIMENSIONS,
    roles=("salesperson", "bdc_agent"),
    spend_flag="has_known_spend",
    is_shared=True,
    weight="weight",
    shown_columns=(
        "sale_type",
        "sold_at",
        "delivered_at",
        "reversed_at",
        "created_at",
        "weight",
        "front_gross",
        "back_gross",
        "gross",
        "weighted_gross",
        "opportunity_key",
        "sale_id",
        "source_file",
        "source_line",
    ),
    telling_columns=("sold_at", "customer", "salesperson", "source", "weight", "weighted_gross", "sale_id"),
)
SPEND_ENTRY: Final = Fact(
    name="fct_spend",
    noun="spend",
    one="day of a spend entry",
    key="spend_key",
    clocks=(Clock(name="day", at=None, on="day", verb="by_day"),),
    dimensions=("store", *_SOURCE_DIMENSIONS),
    has_customer=False,
    spend_flag="is_known",
    shown_columns=("campaign", "day", "amount", "is_known", "source_file", "source_line"),
    telling_columns=("day", "source", "campaign", "amount", "source_file", "source_line"),
)
VISIT: Final = Fact(
    name="fct_visit",
    noun="visits",
    one="visit",
    key="visit_key",
    clocks=(Clock(name="arrived_at", at="arrived_at", on="arrived_on", verb="arrived"),),
    milestones=(Milestone(flag="is_sold", at="sold_at"),),
    dimensions=_SHARED_DIMENSIONS,
    roles=("person", "salesperson", "bdc_agent"),
    is_shared=True,
    shown_columns=(
        "arrived_at",
        "is_demo",
        "is_write_up",
        "is_turnover",
        "is_be_back",
        "opportunity_key",
        "source_file",
        "source_line",
    ),
    telling_columns=("arrived_at", "customer", "person", "is_demo", "is_write_up", "is_be_back"),
)
TASK: Final = Fact(
    name="fct_task",
    noun="tasks",
    one="task",
    key="task_key",
    clocks=(Clock(name="due_at", at="due_at", on="due_on", verb="due"),),
    milestones=(
        Milestone(flag="is_completed", at="completed_at"),
        Milestone(flag="is_done_on_time", at="completed_at"),
    ),
    dimensions=("store", "person"),
    roles=("person",),
    has_customer=False,
    shown_columns=("due_at", "completed_at", "outcome", "opportunity_key", "source_file", "source_line"),
    telling_columns=("due_at", "person", "completed_at", "outcome", "source_file", "source_line"),
)
SURVEY: Final = Fact(
    name="fct_survey",
    noun="surveys",
    one="survey",
    key="survey_key",
    clocks=(Clock(name="answered_at", at="answered_at", on="answered_on", verb="answered"),),
    dimensions=(*_SHARED_DIMENSIONS, "instrument"),
    roles=("person", "salesperson", "bdc_agent"),
    is_shared=True,
    shown_columns=("instrument", "kind", "answered_at", "score", "opportunity_key", "source_file", "source_line"),
    telling_columns=("answered_at", "customer", "person", "instrument", "score"),
)
SERVICE_VISIT: Final = Fact(
    name="fct_service_visit",
    noun="service_visits",
    one="service visit",
    key="service_visit_key",
    clocks=(Clock(name="opened_at", at="opened_at", on="opened_on", verb="opened"),),
    milestones=(
        Milestone(flag="is_kept", at="kept_at", seconds="seconds_to_return"),
        Milestone(flag="is_bought", at="bought_at", seconds="seconds_to_bought"),
    ),
    dimensions=("store", "person"),
    roles=("person",),
    shown_columns=("opened_at", "closed_at", "kept_at", "bought_at", "amount", "source_file", "source_line"),
    telling_columns=("opened_at", "customer", "person", "kept_at", "bought_at"),
)
CRM_REPORT: Final = Fact(
    name="fct_crm_report",
    noun="reported_figures",
    one="figure of a CRM's report",
    key="crm_report_key",
    clocks=(Clock(name="period_start", at=None, on="period_start", verb="by_period"),),
    dimensions=("store", *_SOURCE_DIMENSIONS),
    has_customer=False,
    shown_columns=("measure", "period_start", "period_end", "value", "loaded_leads", "source_file", "source_line"),
    telling_columns=("source", "measure", "period_start", "period_end", "value", "loaded_leads"),
)
CONTACT: Final = Fact(
    name="fct_contact",
    noun="touches",
    one="touch",
    key="contact_key",
    clocks=(Clock(name="occurred_at", at="occurred_at", on="occurred_on", verb="logged"),),
    dimensions=("store", "person"),
    roles=("person",),
    shown_columns=(
        "occurred_at",
        "recorded_at",
        "direction",
        "channel",
        "result",
        "is_human",
        "opportunity_key",
        "source_file",
        "source_line",
    ),
    telling_columns=("occurred_at", "customer", "person", "direction", "channel", "result", "is_human"),
)
ROSTER_DAY: Final = Fact(
    name="fct_roster_day",
    noun="roster_days",
    one="day of a person on the roster",
    key="roster_day_key",
    clocks=(Clock(name="day", at=None, on="day", verb="by_day"),),
    dimensions=("store", "person"),
    roles=("person",),
    has_customer=False,
    shown_columns=("day", "has_logged"),
    telling_columns=("day", "person", "has_logged"),
)
FACTS: Final = {
    fact.name: fact
    for fact in (
        OPPORTUNITY,
        LEAD,
        APPOINTMENT,
        SALE,
        SPEND_ENTRY,
        VISIT,
        TASK,
        SURVEY,
        SERVICE_VISIT,
        CRM_REPORT,
        CONTACT,
        ROSTER_DAY,
    )
}


class Window(_Frozen):
    """The time a row has to convert: `days` of 86,400 s, `open_minutes` of opening time, or else the store's standard.

    It closes for a row that many days after its `start`; from the latest instant where only the day of creation is
    known.
    """

    start: str
    end: str
    days: int | None = None
    open_minutes: int | None = None


class Settles(_Frozen):
    """When a row that has not converted stops being immature.

    Either `days` after `start`, or once the flag `unresolved` is off.
    """

    start: str | None = None
    days: int = 0
    unresolved: str | None = None


class Declared(_Frozen):
    """What every metric states about itself.

    `kept_apart` is a dimension whose labels are never put into one number: it must be split or filtered to one.
    """

    name: str
    label: str
    family: str
    unit: Unit
    description: str
    higher_is_better: bool | None = None
    credits: tuple[str, ...] = ()
    kept_apart: str | None = None

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Which of the kinds it is."""

    @property
    @abstractmethod
    def facts(self) -> tuple[Fact, ...]:
        """The fact tables it reads."""

    @property
    def is_money(self) -> bool:
        """Whether it adds money up, so that two currencies cannot be put into one number."""
        return self.unit is Unit.MONEY

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names by which it can be grouped and filtered: those that all its facts have."""
        return tuple(name for name in DIMENSION_NAMES if self._has(name))

    def _has(self, dimension: str) -> bool:
        if dimension == "person" and not self.credits:
            return False
        return all(dimension in fact.dimensions for fact in self.facts)

    @property
    def has_in_period(self) -> bool:
        """Whether hits can be counted on their own date instead of the date of their base."""
        return True

    def label_on(self, basis: str) -> str:
        """The label to show: a conversion counted in-period says that it is pacing."""
        is_pacing = basis == "in_period" and self.kind == "conversion"
        return f"{self.label} (in-period, pacing)" if is_pacing else self.label


class OneFact(Declared):
    """A metric of one fact on one clock. `base` names the flags that a row must have to be looked at at all."""

    fact: str
    clock: str
    base: tuple[str, ...] = ()

    @property
    def table(self) -> Fact:
        """The fact itself."""
        return FACTS[self.fact]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The one fact, as a tuple."""
        return (self.table,)

    @model_validator(mode="after")
    def _stands_on_a_known_clock_and_roles(self) -> OneFact:
        self.table.clock(self.clock)
        strangers = [role for role in self.credits if role not in self.table.roles]
        if strangers:
            raise ValueError(f"{self.name}: {self.fact} has no {strangers[0]}")
        return self


class Measure(OneFact):
    """A count of rows, a sum of a column, or a quantile of a lag (the median, where nothing else is said).

    `known` is the flag of rows whose `column` is known. A sum with `is_zero_when_empty` is 0 over no rows (and null
    over rows of which none is known); without it no known row means null. A quantile is of seconds and is given in
    minutes or days. It looks at the rows whose lag has ended; for a median with `reached`, the flag of those rows, the
    others count as well, as infinitely long.
    """

    measures: Literal["count", "sum", "median"] = "count"
    column: str | None = None
    known: str | None = None
    reached: str | None = None
    quantile: float = Field(default=0.5, gt=0, lt=1)
    is_zero_when_empty: bool = True

    @property
    def kind(self) -> Kind:
        """Count, sum, median, or another quantile."""
        return "quantile" if self.is_quantile and self.quantile != 0.5 else self.measures

    @property
    def is_quantile(self) -> bool:
        """Whether it is a value in the middle of others, so that parts do not add up to it."""
        return self.measures == "median"

    @model_validator(mode="after")
    def _waits_only_for_a_median(self) -> Measure:
        if self.is_quantile and self.unit not in SECONDS_IN:
            raise ValueError(f"{self.name}: a lag is given in minutes or days")
        if self.reached and self.quantile != 0.5:
            raise ValueError(f"{self.name}: only a median counts those who still wait")
        return self


class Conversion(OneFact):
    """Hits out of chances: of the base rows, the share with the flag `converted`.

    With `within` only rows whose window has closed count, in both parts; rows still open are immature. With `settles`
    all base rows count, and those not converted and not settled are immature. `counts_misses` turns it round: the
    share that did not convert.
    """

    converted: str
    within: Window | None = None
    settles: Settles | None = None
    counts_misses: bool = False

    @property
    def kind(self) -> Kind:
        """Always a conversion."""
        return "conversion"

    @property
    def has_in_period(self) -> bool:
        """So-far rates of opportunities have one.

        A window is counted from its own row, and the flags of an appointment may have no date.
        """
        is_dated = self.table.milestone(self.converted) is not None
        return self.within is None and self.fact == OPPORTUNITY.name and is_dated and not self.counts_misses


class Ratio(Declared):
    """Sums of measures over sums of measures, each on its own fact and clock: (plus - minus) / per.

    Without `per` it is the difference itself, in the words of a sum: the value above, nothing below.
    With `is_cost` both parts keep only source-months whose spend is known. `immature_days` counts, beside it, the
    eligible unsold opportunities of the cohort that are younger.
    """

    plus: tuple[Measure, ...]
    minus: tuple[Measure, ...] = ()
    per: tuple[Measure, ...] = ()
    is_cost: bool = False
    immature_days: int | None = Field(default=None, gt=0)

    @property
    def kind(self) -> Kind:
        """A ratio; a sum where nothing stands below the line."""
        return "ratio" if self.per else "sum"

    @property
    def terms(self) -> tuple[Measure, ...]:
        """Every measure in it once, in reading order."""
        return tuple(dict.fromkeys((*self.plus, *self.minus, *self.per)))

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts of its terms."""
        return tuple(FACTS[name] for name in dict.fromkeys(term.fact for term in self.terms))

    @property
    def is_money(self) -> bool:
        """Whether any of its terms is money, so that two currencies cannot be put into one number."""
        return any(term.is_money for term in self.terms)

    @property
    def has_in_period(self) -> bool:
        """A ratio whose terms look at a cohort's later steps has none; the others keep each term's own clock."""
        return not any(self._follows_cohort(term) for term in self.terms)

    @staticmethod
    def _follows_cohort(term: Measure) -> bool:
        own_clock = FACTS[term.fact].clock(term.clock).at
        reached = [FACTS[term.fact].milestone(flag) for flag in term.base]
        return any(milestone is not None and milestone.at != own_clock for milestone in reached)


Metric = Measure | Conversion | Ratio
