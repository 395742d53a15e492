"""Every metric of the product, in reading order. Read it from the top: this is what Upboard counts, and how.

Each declaration names its fact (one row per what), its clock (which date puts a row in a period), who is in the base,
what is a hit, how long a row has, who gets the credit, and one sentence in the words of a salesperson.
"""

from __future__ import annotations

from typing import Final

from metrics.declare import Conversion, Measure, Metric, MetricError, Ratio, Settles, Unit, Window, nearest

_OWNERS: Final = ("salesperson", "bdc_agent")
_AFTER_A_RESPONSE: Final = (*_OWNERS, "responder")
_AFTER_A_SHOW: Final = (*_OWNERS, "setter", "responder")
_APPOINTMENT_ROLES: Final = ("setter", "salesperson", "bdc_agent", "responder")
_WITHIN_STANDARD: Final = Window(start="created_at", end="first_attempt_at")


# Volume -----------------------------------------------------------------------------------------------------

LEADS: Final = Measure(
    name="leads",
    label="Leads",
    family="Volume",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    credits=_OWNERS,
    description="Sales leads that came in, each enquiry once. Tests and resends are out, duplicates are in.",
)
OPPORTUNITIES: Final = Measure(
    name="opportunities",
    label="Opportunities",
    family="Volume",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    credits=_OWNERS,
    description="Customers who started to look for a car: all leads of one customer in one buying episode count once.",
)

# Response ---------------------------------------------------------------------------------------------------

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
    credits=_OWNERS,
    description="Of the opportunities that needed an answer, the share that a person answered within the store's "
    "standard, "
    "counted in opening hours.",
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
    credits=_OWNERS,
    description="Half of the opportunities that needed an answer got one from a person within this many minutes "
    "of opening hours. "
    "Customers still waiting count as waiting, so nothing is shown while fewer than half were answered.",
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
    credits=_OWNERS,
    description="Of the opportunities that needed an answer and whose time is up, the share that no person has "
    "tried to reach yet.",
)

# Funnel -----------------------------------------------------------------------------------------------------

CONTACT_RATE: Final = Conversion(
    name="contact_rate",
    label="Contact rate",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_contacted",
    settles=Settles(start="created_by", days=7),
    credits=_OWNERS,
    description="Of the opportunities created in the period, the share where the customer and one of our people "
    "both spoke.",
)
CONTACT_TO_APPOINTMENT: Final = Conversion(
    name="contact_to_appointment",
    label="Contact to appointment",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "is_contacted"),
    converted="is_appointment_set",
    settles=Settles(start="contacted_at", days=14),
    credits=_AFTER_A_RESPONSE,
    description="Of the opportunities that were contacted, the share with a sales appointment.",
)
SET_RATE: Final = Conversion(
    name="set_rate",
    label="Set rate",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_appointment_set",
    settles=Settles(start="created_by", days=14),
    credits=_OWNERS,
    description="Of all opportunities created in the period, the share with a sales appointment.",
)

# Appointments -----------------------------------------------------------------------------------------------

APPOINTMENTS_SET: Final = Measure(
    name="appointments_set",
    label="Appointments set",
    family="Appointments",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_appointment",
    clock="set_at",
    base=("is_counted_set",),
    credits=_APPOINTMENT_ROLES,
    description="Sales and test-drive appointments made in the period; one that is moved again and again counts once.",
)
APPOINTMENTS_DUE: Final = Measure(
    name="appointments_due",
    label="Appointments due",
    family="Appointments",
    unit=Unit.COUNT,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing",),
    credits=_APPOINTMENT_ROLES,
    description="Sales and test-drive appointments whose time has come. Those cancelled or moved in advance are out.",
)
CONFIRM_RATE: Final = Conversion(
    name="confirm_rate",
    label="Confirm rate",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing",),
    converted="is_confirmed",
    credits=_APPOINTMENT_ROLES,
    description="Of the appointments due, the share that was confirmed before its time.",
)
SHOW_RATE: Final = Conversion(
    name="show_rate",
    label="Show rate",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing",),
    converted="is_shown",
    settles=Settles(unresolved="is_unresolved"),
    credits=_APPOINTMENT_ROLES,
    description="Of the appointments due, the share where the customer came. One without a recorded outcome stays in.",
)
SHOWS: Final = Measure(
    name="shows",
    label="Shows",
    family="Appointments",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing", "is_shown"),
    credits=_APPOINTMENT_ROLES,
    description="Appointments due in the period where the customer came.",
)

# Closing ----------------------------------------------------------------------------------------------------

SHOWN_RATE: Final = Conversion(
    name="shown_rate",
    label="Shown, of all",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_shown",
    settles=Settles(start="created_by", days=30),
    credits=_OWNERS,
    description="Of the opportunities created in the period, the share that came to an appointment so far.",
)
SHOW_TO_SALE: Final = Conversion(
    name="show_to_sale",
    label="Show to sale",
    family="Closing",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="shown_at",
    base=("is_eligible", "is_shown"),
    converted="is_sold",
    settles=Settles(start="shown_at", days=30),
    credits=_AFTER_A_SHOW,
    description="Of the customers who first came to an appointment in the period, the share that has bought so far.",
)
CLOSING_RATE: Final = Conversion(
    name="closing_rate",
    label="Closing rate",
    family="Closing",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_sold",
    settles=Settles(start="created_by", days=90),
    credits=_OWNERS,
    description="Of the opportunities created in the period, the share that has bought so far.",
)


def _closing_rate_within(days: int) -> Conversion:
    return Conversion(
        name=f"closing_rate_{days}",
        label=f"Closing rate, {days} days",
        family="Closing",
        unit=Unit.SHARE,
        higher_is_better=True,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible",),
        converted="is_sold",
        within=Window(start="created_at", end="sold_at", days=days),
        credits=_OWNERS,
        description=f"Of the opportunities created in the period that are at least {days} days old, the share "
        f"that bought within "
        f"{days} days.",
    )


CLOSING_RATE_30: Final = _closing_rate_within(30)
CLOSING_RATE_60: Final = _closing_rate_within(60)
CLOSING_RATE_90: Final = _closing_rate_within(90)

SOLD_UNITS: Final = Measure(
    name="sold_units",
    label="Sold units",
    family="Closing",
    unit=Unit.CARS,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    measures="sum",
    column="weight",
    credits=_OWNERS,
    description="Cars sold or leased to retail customers in the period and not taken back. A split deal is half "
    "a car for each.",
)
IN_PERIOD_CLOSING_RATIO: Final = Ratio(
    name="in_period_closing_ratio",
    label="In-period closing ratio (pacing)",
    family="Closing",
    unit=Unit.SHARE,
    higher_is_better=True,
    plus=(SOLD_UNITS,),
    per=(OPPORTUNITIES,),
    credits=_OWNERS,
    description="Cars sold in the period per opportunity created in the period, whoever the buyers were. It "
    "shows the pace, not how "
    "well leads are worked, and may pass 100 %.",
)

# Money ------------------------------------------------------------------------------------------------------

GROSS: Final = Measure(
    name="gross",
    label="Gross",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    measures="sum",
    column="weighted_gross",
    known="has_known_gross",
    credits=_OWNERS,
    description="Total gross of the cars sold in the period. Deals whose gross nobody entered are left out.",
)
_SALES_WITH_GROSS: Final = Measure(
    name="sales_with_known_gross",
    label="Sold units with a known gross",
    family="Money",
    unit=Unit.CARS,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_known_gross"),
    measures="sum",
    column="weight",
    credits=_OWNERS,
    description="Cars sold in the period whose gross is known.",
)
GROSS_PER_SALE: Final = Ratio(
    name="gross_per_sale",
    label="Gross per sale",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    plus=(GROSS,),
    per=(_SALES_WITH_GROSS,),
    credits=_OWNERS,
    description="Total gross per car sold in the period, over the deals whose gross is known.",
)
COHORT_GROSS: Final = Measure(
    name="cohort_gross",
    label="Cohort gross",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    fact="fct_sale",
    clock="created_at",
    base=("is_counted",),
    measures="sum",
    column="weighted_gross",
    known="has_known_gross",
    credits=_OWNERS,
    description="Gross that the opportunities created in the period have brought so far, whenever they bought.",
)
SPEND: Final = Measure(
    name="spend",
    label="Spend",
    family="Money",
    unit=Unit.MONEY,
    fact="fct_spend",
    clock="day",
    measures="sum",
    column="amount",
    known="is_known",
    is_zero_when_empty=False,
    description="What was paid for the sources in the period; an entry for a month is spread evenly over its "
    "days. Where "
    "nothing was entered it is unknown, not zero.",
)


def _with(step: str, label: str, flag: str) -> Measure:
    return Measure(
        name=f"opportunities_{step}",
        label=f"Opportunities {label}",
        family="Money",
        unit=Unit.COUNT,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible", flag),
        credits=_OWNERS,
        description=f"Opportunities created in the period {label}.",
    )


COST_PER_LEAD: Final = Ratio(
    name="cost_per_lead",
    label="Cost per lead",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=False,
    plus=(SPEND,),
    per=(LEADS,),
    is_cost=True,
    description="Spend per lead, over the sources and months whose spend is known.",
)
COST_PER_APPOINTMENT: Final = Ratio(
    name="cost_per_appointment",
    label="Cost per appointment",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=False,
    plus=(SPEND,),
    per=(_with("with_appointment", "with an appointment set", "is_appointment_set"),),
    is_cost=True,
    description="Spend per opportunity of the period that got an appointment, over the sources and months whose "
    "spend is known.",
)
COST_PER_SHOW: Final = Ratio(
    name="cost_per_show",
    label="Cost per show",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=False,
    plus=(SPEND,),
    per=(_with("shown", "with a show", "is_shown"),),
    is_cost=True,
    description="Spend per opportunity of the period that came to an appointment, over the sources and months "
    "whose spend is known.",
)
COST_PER_SALE: Final = Ratio(
    name="cost_per_sale",
    label="Cost per sale",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=False,
    plus=(SPEND,),
    per=(_with("sold", "that bought", "is_sold"),),
    is_cost=True,
    description="Spend per opportunity of the period that bought, over the sources and months whose spend is known.",
)
ROI: Final = Ratio(
    name="roi",
    label="Return on spend",
    family="Money",
    unit=Unit.SHARE,
    higher_is_better=True,
    plus=(COHORT_GROSS,),
    minus=(SPEND,),
    per=(SPEND,),
    is_cost=True,
    immature_days=90,
    description="Gross that the period's opportunities have brought so far, less the spend, per unit of spend. "
    "Opportunities younger "
    "than 90 days may still bring more.",
)

METRICS: Final[tuple[Metric, ...]] = (
    LEADS,
    OPPORTUNITIES,
    ANSWERED_WITHIN_STANDARD,
    MEDIAN_RESPONSE_MINUTES,
    NEVER_ANSWERED_RATE,
    CONTACT_RATE,
    CONTACT_TO_APPOINTMENT,
    SET_RATE,
    APPOINTMENTS_SET,
    APPOINTMENTS_DUE,
    CONFIRM_RATE,
    SHOW_RATE,
    SHOWS,
    SHOWN_RATE,
    SHOW_TO_SALE,
    CLOSING_RATE,
    CLOSING_RATE_30,
    CLOSING_RATE_60,
    CLOSING_RATE_90,
    SOLD_UNITS,
    IN_PERIOD_CLOSING_RATIO,
    GROSS,
    GROSS_PER_SALE,
    COHORT_GROSS,
    SPEND,
    COST_PER_LEAD,
    COST_PER_APPOINTMENT,
    COST_PER_SHOW,
    COST_PER_SALE,
    ROI,
)
_BY_NAME: Final = {declared.name: declared for declared in METRICS}


def metric(name: str) -> Metric:
    """The metric of that name; MetricError with the nearest name where there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    close = nearest(name, tuple(_BY_NAME))
    known = f"Did you mean {close!r}? " if close else ""
    raise MetricError(f"There is no metric {name!r}.", f"{known}`python -m metrics list` names them all.")
