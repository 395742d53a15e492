"""The canonical tables: one class per table, a column per attribute, a rule per method.

A rule's name is the error a reader sees, with its underscores read as spaces. Every schema carries the key of
data_model.md part 1 (`store, system, <table>_id`) and the lineage of the row. Times are UTC. Columns named
`<x>_is_date` say that `<x>` was given as a day without a time, so that windows over it count calendar days.

Columns beyond the plan of the house, and why, are listed in docs/adr/0002-canonical-columns.md.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import dataframely as dy
import polars as pl

LEAD_TYPES: Final = (
    "internet",
    "phone",
    "walk_in",
    "chat",
    "referral",
    "previous_customer",
    "campaign",
    "other",
    "service",
    "import",
)
NOT_SALES_LEAD_TYPES: Final = ("service", "import")
LEAD_STATUSES: Final = ("open", "sold", "lost", "bad", "duplicate")
VEHICLE_CONDITIONS: Final = ("new", "used")
DIRECTIONS: Final = ("out", "in")
CHANNELS: Final = ("call", "text", "email", "chat", "video", "visit", "other")
RESULTS: Final = (
    "connected",
    "left_message",
    "no_answer",
    "sent",
    "received",
    "bounced",
    "opted_out",
    "other",
)
APPOINTMENT_TYPES: Final = ("sales", "test_drive", "delivery", "service", "other")
APPOINTMENT_OUTCOMES: Final = ("open", "shown", "no_show", "cancelled", "rescheduled")
SALE_TYPES: Final = ("retail", "lease", "fleet", "wholesale", "dealer_trade")
TASK_OUTCOMES: Final = ("open", "completed", "dismissed", "missed")
ROLES: Final = ("salesperson", "bdc_agent", "manager", "other", "machine")
SURVEY_KINDS: Final = ("sales", "service")
LINKED_TABLES: Final = ("contact", "appointment", "visit", "task", "sale", "survey", "service_visit", "lead")


def _text(*, required: bool = False) -> dy.String:
    return dy.String(nullable=not required)


def _moment(*, required: bool = False) -> dy.Datetime:
    return dy.Datetime(nullable=not required, time_zone="UTC", time_unit="us")


def _flag() -> dy.Bool:
    """A yes or no that is always known; a profile that says nothing means no."""
    return dy.Bool(nullable=False)


def _maybe() -> dy.Bool:
    return dy.Bool(nullable=True)


def _day(*, required: bool = False) -> dy.Date:
    return dy.Date(nullable=not required)


def _money(*, required: bool = False, scale: int = 2) -> dy.Decimal:
    return dy.Decimal(precision=18, scale=scale, nullable=not required)


def _number(*, required: bool = False) -> dy.Float64:
    return dy.Float64(nullable=not required)


def _one_of(column: str, allowed: tuple[str, ...]) -> pl.Expr:
    return pl.col(column).is_null() | pl.col(column).is_in(allowed)


class Canonical(dy.Schema):
    """Key and lineage of every canonical row."""

    row_id = dy.UInt64(nullable=False)
    store = _text(required=True)
    system = _text(required=True)
    source_file = _text(required=True)
    source_sheet = _text()
    source_line = dy.Int64(nullable=False)
    profile = _text(required=True)
    block = _text(required=True)
    exported_at = _moment()
    modified_at = _moment()
    is_deleted = _flag()


class CustomerRefs(dy.Schema):
    """How a record points at its lead or customer: by id, else by name and lead day."""

    lead_id = _text()
    customer_id = _text()
    customer_name = _text()
    lead_created_on = _day()


class Lead(Canonical):
    lead_id = _text(required=True)
    created_at = _moment(required=True)
    created_at_is_date = _flag()
    customer_id = _text()
    customer_name = _text()
    email = _text()
    phone = _text()
    phone_2 = _text()
    source = _text()
    sub_source = _text()
    source_group = _text()
    lead_type = _text(required=True)
    vehicle_condition = _text()
    vehicle = _text()
    status = _text(required=True)
    status_reason = _text()
    salesperson = _text()
    bdc_agent = _text()
    is_resend = _flag()
    is_test = _flag()
    merged_into = _text()
    crm_first_attempt_at = _moment()
    crm_first_contact_at = _moment()
    crm_sold_at = _moment()
    crm_total_gross = _money()

    @dy.rule()
    def lead_type_is_one_of_the_known_types(cls) -> pl.Expr:
        return _one_of("lead_type", LEAD_TYPES)

    @dy.rule()
    def status_is_open_sold_lost_bad_or_duplicate(cls) -> pl.Expr:
        return _one_of("status", LEAD_STATUSES)

    @dy.rule()
    def vehicle_condition_is_new_or_used(cls) -> pl.Expr:
        return _one_of("vehicle_condition", VEHICLE_CONDITIONS)


class Contact(Canonical, CustomerRefs):
    contact_id = _text(required=True)
    occurred_at = _moment(required=True)
    recorded_at = _moment()
    person = _text()
    direction = _text(required=True)
    channel = _text(required=True)
    result = _text(required=True)
    is_automated = _flag()
    duration_seconds = _number()

    @dy.rule()
    def direction_is_in_or_out(cls) -> pl.Expr:
        return _one_of("direction", DIRECTIONS)

    @dy.rule()
    def channel_is_one_of_the_known_channels(cls) -> pl.Expr:
        return _one_of("channel", CHANNELS)

    @dy.rule()
    def result_is_one_of_the_known_results(cls) -> pl.Expr:
        return _one_of("result", RESULTS)


class Appointment(Canonical, CustomerRefs):
    appointment_id = _text(required=True)
    appointment_type = _text(required=True)
    set_at = _moment()
    set_by = _text()
    salesperson = _text()
    due_at = _moment(required=True)
    confirmed_at = _moment()
    is_confirmed = _maybe()
    outcome = _text(required=True)
    shown_at = _moment()
    cancelled_at = _moment()
    rescheduled_at = _moment()
    rescheduled_to = _text()

    @dy.rule()
    def type_is_sales_test_drive_delivery_service_or_other(cls) -> pl.Expr:
        return _one_of("appointment_type", APPOINTMENT_TYPES)

    @dy.rule()
    def outcome_is_open_shown_no_show_cancelled_or_rescheduled(cls) -> pl.Expr:
        return _one_of("outcome", APPOINTMENT_OUTCOMES)


class Visit(Canonical, CustomerRefs):
    visit_id = _text(required=True)
    arrived_at = _moment(required=True)
    person = _text()
    is_demo = _maybe()
    is_write_up = _maybe()
    is_turnover = _maybe()
    is_appraisal = _maybe()


class Task(Canonical):
    task_id = _text(required=True)
    lead_id = _text()
    customer_id = _text()
    person = _text()
    due_at = _moment(required=True)
    completed_at = _moment()
    outcome = _text(required=True)
    is_user_generated = _maybe()

    @dy.rule()
    def outcome_is_open_completed_dismissed_or_missed(cls) -> pl.Expr:
        return _one_of("outcome", TASK_OUTCOMES)


class StatusChange(Canonical):
    """A move of a lead or, in a CRM that moves deals through stages, of the deal `sale_id`."""

    status_change_id = _text(required=True)
    lead_id = _text()
    sale_id = _text()
    changed_at = _moment(required=True)
    from_status = _text()
    to_status = _text(required=True)
    reason = _text()
    person = _text()

    @dy.rule()
    def status_change_names_its_lead_or_deal(cls) -> pl.Expr:
        return pl.any_horizontal(pl.col("lead_id", "sale_id").is_not_null())


class Sale(Canonical, CustomerRefs):
    """A deal. Where a CRM also lists deals that nobody has won, `is_won`, else what its `stage` means, says which."""

    sale_id = _text(required=True)
    stage = _text()
    is_won = _maybe()
    sold_at = _moment()
    sold_at_is_date = _flag()
    contract_at = _moment()
    contract_at_is_date = _flag()
    delivered_at = _moment()
    delivered_at_is_date = _flag()
    reversed_at = _moment()
    sale_type = _text(required=True)
    vehicle_condition = _text()
    vin = _text()
    stock_number = _text()
    salesperson = _text()
    split_with = _text()
    front_gross = _money()
    back_gross = _money()
    total_gross = _money()

    @dy.rule()
    def sale_type_is_retail_lease_fleet_wholesale_or_dealer_trade(cls) -> pl.Expr:
        return _one_of("sale_type", SALE_TYPES)

    @dy.rule()
    def vehicle_condition_is_new_or_used(cls) -> pl.Expr:
        return _one_of("vehicle_condition", VEHICLE_CONDITIONS)

    @dy.rule()
    def sale_has_a_sold_contract_or_delivered_date(cls) -> pl.Expr:
        has_date = pl.any_horizontal(pl.col("sold_at", "contract_at", "delivered_at").is_not_null())
        return has_date | pl.col("is_won").eq_missing(other=False)


class Spend(Canonical):
    spend_id = _text(required=True)
    source = _text(required=True)
    account = _text()
    campaign = _text()
    period_start = _day(required=True)
    period_end = _day(required=True)
    # Ad platforms bill in millionths: cents of each row would not sum to the invoice.
    amount = _money(scale=6)
    currency = _text()

    @dy.rule()
    def period_ends_on_or_after_its_start(cls) -> pl.Expr:
        return pl.col("period_end") >= pl.col("period_start")

    @dy.rule()
    def period_is_at_most_one_year(cls) -> pl.Expr:
        return (pl.col("period_end") - pl.col("period_start")) <= pl.duration(days=366)

    @dy.rule()
    def amount_is_not_negative(cls) -> pl.Expr:
        return pl.col("amount").is_null() | (pl.col("amount") >= 0)


class Survey(Canonical, CustomerRefs):
    survey_id = _text(required=True)
    sale_id = _text()
    answered_at = _moment(required=True)
    instrument = _text(required=True)
    kind = _text(required=True)
    score = _number(required=True)
    scale_min = _number(required=True)
    scale_max = _number(required=True)
    person = _text()

    @dy.rule()
    def kind_is_sales_or_service(cls) -> pl.Expr:
        return _one_of("kind", SURVEY_KINDS)

    @dy.rule()
    def score_lies_on_its_scale(cls) -> pl.Expr:
        return pl.col("score").is_between(pl.col("scale_min"), pl.col("scale_max"))


class ServiceVisit(Canonical, CustomerRefs):
    service_visit_id = _text(required=True)
    vin = _text()
    opened_at = _moment(required=True)
    closed_at = _moment()
    odometer = _number()
    advisor = _text()
    amount = _money()


class Person(Canonical):
    """An employee. Several files may each know a part (a user list the name, an access list the role)."""

    person_id = _text(required=True)
    name = _text()
    role = _text()
    team = _text()
    manager = _text()
    started_on = _day()
    ended_on = _day()

    @dy.rule()
    def role_is_salesperson_bdc_agent_manager_other_or_machine(cls) -> pl.Expr:
        return _one_of("role", ROLES)


class CrmReport(Canonical):
    crm_report_id = _text(required=True)
    source = _text(required=True)
    period_start = _day(required=True)
    period_end = _day(required=True)
    measure = _text(required=True)
    value = _number()


class Source(Canonical):
    """A CRM's own list of lead sources: what a source id on a lead stands for."""

    source_id = _text(required=True)
    name = _text(required=True)
    source_group = _text()


class Stage(Canonical):
    """A CRM's own list of deal stages: what a stage id on a deal stands for, and whether a deal there is won."""

    stage_id = _text(required=True)
    name = _text()
    is_won = _maybe()


class CustomerDetail(Canonical):
    """A name, e-mail or phone that a CRM keeps apart from the leads of a customer. Fills what a lead leaves blank."""

    customer_detail_id = _text(required=True)
    customer_id = _text(required=True)
    customer_name = _text()
    email = _text()
    phone = _text()


class Link(Canonical):
    """Whose a record is, where a CRM keeps that in a list of its own: a record and its lead, customer or deal.

    Without `linked_table`, every record of the system with this id is meant. A lead linked to a lead was merged into
    it, a deal linked to a deal likewise.
    """

    link_id = _text(required=True)
    linked_table = _text()
    linked_id = _text(required=True)
    lead_id = _text()
    customer_id = _text()
    sale_id = _text()

    @dy.rule()
    def linked_table_is_one_of_the_tables_that_belong_to_somebody(cls) -> pl.Expr:
        return _one_of("linked_table", LINKED_TABLES)

    @dy.rule()
    def link_names_a_lead_a_customer_or_a_deal(cls) -> pl.Expr:
        return pl.any_horizontal(pl.col("lead_id", "customer_id", "sale_id").is_not_null())


TABLES: Final[dict[str, type[Canonical]]] = {
    "lead": Lead,
    "contact": Contact,
    "appointment": Appointment,
    "visit": Visit,
    "task": Task,
    "status_change": StatusChange,
    "sale": Sale,
    "spend": Spend,
    "survey": Survey,
    "service_visit": ServiceVisit,
    "person": Person,
    "crm_report": CrmReport,
    "source": Source,
    "stage": Stage,
    "customer_detail": CustomerDetail,
    "link": Link,
}

# What makes two rows of a table without a natural id the same record; the other columns may be corrected by a later
# export.
IDENTITY_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "spend": ("source", "campaign", "period_start", "period_end"),
    "crm_report": ("source", "period_start", "period_end", "measure"),
    "customer_detail": ("customer_id", "customer_name", "email", "phone"),
    "link": ("linked_table", "linked_id", "lead_id", "customer_id", "sale_id"),
}

# What names or reaches a customer, in whatever table it stands: it gives way when the customer is erased.
PERSONAL_COLUMNS: Final = ("customer_name", "email", "phone", "phone_2")

# Which columns say when something really happened (never a scheduled time): they decide as_of and the age of an export.
RECORDED_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "lead": ("created_at", "modified_at", "crm_sold_at"),
    "contact": ("occurred_at", "recorded_at"),
    "appointment": ("set_at", "shown_at", "cancelled_at", "confirmed_at", "rescheduled_at"),
    "visit": ("arrived_at",),
    "task": ("completed_at",),
    "status_change": ("changed_at",),
    "sale": ("sold_at", "contract_at", "delivered_at", "reversed_at"),
    "spend": (),
    "survey": ("answered_at",),
    "service_visit": ("opened_at", "closed_at"),
    "person": (),
    "crm_report": (),
    "source": (),
    "stage": (),
    "customer_detail": (),
    "link": (),
}


def key_column(table: str) -> str:
    """The natural id's column of a canonical table: `lead` -> `lead_id`."""
    return f"{table}_id"


@cache
def schema_of(table: str) -> pl.Schema:
    """The columns of a canonical table with their types."""
    return TABLES[table].create_empty().schema
