"""The lists of customers who wait: what puts a customer on each, why it matters, and what to do.

A list is a declaration over one fact, like a metric: flags that a row must have or lack, the moment since which the
customer waits, and how far back it looks. `metrics.list_sql` writes the query, `metrics.listing` runs it. Lists stand
in the order in which a customer should be called.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from metrics.declare import FACTS, Fact, MetricError, nearest


class Worklist(BaseModel):
    """One list. `reason` completes "this customer ..." and "these customers ...".

    A row of `fact` is on it that has every flag of `base` and none of `without`, as they stand now.

    `of_opportunity` names flags that the row's opportunity must not have; a row without one passes. `since` is the
    moment from which the customer waits, and `window_days` how far back it may lie (None: no end). `newest_first` says
    in which order to call. `owners` are roles: the first that names somebody holds. Then four conditions that are no
    flags: `is_standard_passed` (the store's standard of opening time since creation is over), `is_day_over` (the
    appointment was due on an earlier day of the store), `days_ahead` (the appointment is still to come, at most so many
    days of the store after today), `is_booking_enough` (a customer with an appointment ahead is not on it).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str
    reason: str
    why: str
    to_do: str
    fact: str
    base: tuple[str, ...]
    without: tuple[str, ...] = ()
    of_opportunity: tuple[str, ...] = ()
    since: str
    window_days: int | None = Field(default=None, gt=0)
    newest_first: bool = True
    owners: tuple[str, ...] = ("salesperson", "bdc_agent")
    is_standard_passed: bool = False
    is_day_over: bool = False
    days_ahead: int | None = Field(default=None, ge=0)
    is_booking_enough: bool = True

    @property
    def table(self) -> Fact:
        """The fact itself."""
        return FACTS[self.fact]

    @property
    def is_of_appointments(self) -> bool:
        """Whether its rows are appointments."""
        return self.fact == "fct_appointment"

    @model_validator(mode="after")
    def _names_roles_of_its_fact(self) -> Worklist:
        strangers = [role for role in self.owners if role not in self.table.roles]
        if strangers:
            raise ValueError(f"{self.name}: {self.fact} has no {strangers[0]}")
        return self


UNANSWERED_MESSAGE: Final = Worklist(
    name="unanswered_message",
    label="Wrote, not answered",
    reason="wrote to us and got no answer",
    why="This customer wrote to us and waits; who answers first has the next word.",
    to_do="Call, or answer the message, today.",
    fact="fct_opportunity",
    base=("is_eligible", "is_written_to_us"),
    without=("is_message_answered", "is_sold", "is_lost", "is_bad"),
    since="last_customer_message_at",
    window_days=14,
    is_booking_enough=False,
)
NO_HUMAN_TOUCH: Final = Worklist(
    name="no_human_touch",
    label="Never called",
    reason="asked us, and no person has called or written",
    why="This customer asked for us, and all they know so far is that nobody called.",
    to_do="Call now, newest first; if nobody answers, leave a message and write.",
    fact="fct_opportunity",
    base=("is_eligible", "needs_answer"),
    without=("is_attempted", "is_contacted", "is_sold", "is_lost", "is_bad"),
    since="created_at",
    window_days=7,
    is_standard_passed=True,
)
NO_SHOW: Final = Worklist(
    name="no_show_not_called",
    label="No-show, not called",
    reason="did not come, and nobody has called since",
    why="Whoever makes an appointment wanted a car that day; nobody has asked what happened.",
    to_do="Call and offer two new times.",
    fact="fct_appointment",
    base=("is_no_show_to_call",),
    without=("is_followed_up", "is_recovered"),
    of_opportunity=("is_sold", "is_bad"),
    since="due_at",
    window_days=14,
    owners=("salesperson", "bdc_agent", "setter"),
)
UNCONFIRMED: Final = Worklist(
    name="unconfirmed_appointment",
    label="Not confirmed yet",
    reason="made an appointment that nobody confirmed",
    why="An hour is kept free for this customer, and nobody knows whether they are coming.",
    to_do="Call to confirm, the soonest first.",
    fact="fct_appointment",
    base=("is_standing", "is_unresolved"),
    without=("is_confirmed",),
    of_opportunity=("is_bad",),
    since="set_at",
    newest_first=False,
    owners=("setter", "bdc_agent", "salesperson"),
    days_ahead=1,
    is_booking_enough=False,
)
FOLLOW_UP_MISSED: Final = Worklist(
    name="follow_up_missed",
    label="Too few tries",
    reason="got fewer tries than your standard asks, and nobody has reached them",
    why="Nobody has spoken to this customer, and the tries stopped before your own standard was met.",
    to_do="Try again at another time of day and on another channel.",
    fact="fct_opportunity",
    base=("is_eligible", "is_follow_up_due"),
    without=("is_follow_up_met", "is_contacted", "is_sold", "is_lost", "is_bad"),
    since="follow_up_due_at",
    window_days=7,
)
PAST_DUE: Final = Worklist(
    name="past_due_without_outcome",
    label="Outcome not recorded",
    reason="had an appointment, and nobody wrote down what came of it",
    why="Either this customer came and nobody follows up, or did not come and nobody called: the CRM cannot tell.",
    to_do="Record whether the customer came; if not, call.",
    fact="fct_appointment",
    base=("is_standing", "is_unresolved"),
    of_opportunity=("is_sold", "is_bad"),
    since="due_at",
    window_days=14,
    owners=("salesperson", "bdc_agent", "setter"),
    is_day_over=True,
    is_booking_enough=False,
)
LOST_TOO_SOON: Final = Worklist(
    name="lost_too_soon",
    label="Lost too soon",
    reason="got marked lost after one try or none, and nobody has reached them",
    why="Nobody knows whether this customer is lost: nobody has spoken to them.",
    to_do="Try once more before you let go; write down the reason if it is lost.",
    fact="fct_opportunity",
    base=("is_eligible", "is_lost", "is_barely_tried"),
    without=("is_contacted", "is_sold", "is_bad"),
    since="created_at",
    window_days=14,
)

LISTS: Final = (
    UNANSWERED_MESSAGE,
    NO_HUMAN_TOUCH,
    NO_SHOW,
    UNCONFIRMED,
    FOLLOW_UP_MISSED,
    PAST_DUE,
    LOST_TOO_SOON,
)
NAMES: Final = tuple(found.name for found in LISTS)

# Nobody on it waits for anything: it is the calendar, on the page of appointments.
APPOINTMENTS_AHEAD: Final = Worklist(
    name="appointments_ahead",
    label="Appointments of the next seven days",
    reason="has an appointment",
    why="This customer said when they will come.",
    to_do="Call to confirm, the soonest first.",
    fact="fct_appointment",
    base=("is_standing", "is_unresolved"),
    since="set_at",
    newest_first=False,
    owners=("setter",),
    days_ahead=6,
    is_booking_enough=False,
)


def worklist(name: str) -> Worklist:
    """The list of that name; MetricError with the nearest one where there is none."""
    for found in (*LISTS, APPOINTMENTS_AHEAD):
        if found.name == name:
            return found
    close = nearest(name, NAMES)
    known = f"Did you mean {close!r}? " if close else ""
    raise MetricError(f"There is no list {name!r}.", f"{known}Lists are: {', '.join(NAMES)}.")
