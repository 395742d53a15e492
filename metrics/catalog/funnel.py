"""From a lead to an appointment, and how long each step took."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import AFTER_A_RESPONSE, NAMED_ON_IT, OWNERS
from metrics.catalog.volume import LEADS
from metrics.declare import Conversion, Measure, Metric, Ratio, Settles, Unit

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
    credits=OWNERS,
    description="Of the opportunities created in the period, the share where the customer and one of our people both "
    "spoke.",
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
    credits=AFTER_A_RESPONSE,
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
    credits=OWNERS,
    description="Of all opportunities created in the period, the share with a sales appointment.",
)
LOST_RATE: Final = Conversion(
    name="lost_rate",
    label="Lost",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_lost",
    credits=OWNERS,
    description="Of the opportunities created in the period, the share that was given up as lost so far.",
)
BAD_RATE: Final = Conversion(
    name="bad_rate",
    label="Marked bad",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible",),
    converted="is_bad",
    credits=OWNERS,
    description="Of the opportunities created in the period, the share that somebody marked bad. They stay in every "
    "other rate.",
)
TIME_TO_CONTACT: Final = Measure(
    name="time_to_contact",
    label="Time to contact",
    family="Funnel",
    unit=Unit.MINUTES,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "is_contacted"),
    column="seconds_to_contacted",
    measures="median",
    credits=OWNERS,
    description="Of the opportunities that were contacted, half were within this time of coming in.",
)
TIME_TO_APPOINTMENT: Final = Measure(
    name="time_to_appointment",
    label="Time to appointment",
    family="Funnel",
    unit=Unit.DAYS,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "is_appointment_set"),
    column="seconds_to_appointment_set",
    measures="median",
    credits=OWNERS,
    description="Of the opportunities with a sales appointment, half had it made within this time of coming in.",
)
TIME_TO_SHOW: Final = Measure(
    name="time_to_show",
    label="Time to show",
    family="Funnel",
    unit=Unit.DAYS,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="created_at",
    base=("is_eligible", "is_shown"),
    column="seconds_to_shown",
    measures="median",
    credits=OWNERS,
    description="Of the opportunities that came to an appointment, half had come within this time of coming in.",
)


def _from_step_to_step(name: str, label: str, column: str, reached: str, description: str) -> Measure:
    return Measure(
        name=name,
        label=label,
        family="Funnel",
        unit=Unit.DAYS,
        higher_is_better=False,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible", reached),
        column=column,
        measures="median",
        credits=OWNERS,
        description=description,
    )


CONTACT_TO_SET_TIME: Final = _from_step_to_step(
    "contact_to_set_time",
    "From contact to appointment",
    "seconds_contacted_to_set",
    "is_appointment_set",
    "Of the opportunities whose appointment followed the first contact, half had it made within this time of it.",
)
SET_TO_SHOW_TIME: Final = _from_step_to_step(
    "set_to_show_time",
    "From appointment made to show",
    "seconds_set_to_shown",
    "is_shown",
    "Of the opportunities that came to an appointment, half came within this time of making it.",
)
SHOW_TO_SALE_TIME: Final = _from_step_to_step(
    "show_to_sale_time",
    "From show to sale",
    "seconds_shown_to_sold",
    "is_sold",
    "Of the opportunities that came and then bought, half bought within this time of coming.",
)
VISITS: Final = Measure(
    name="visits",
    label="Showroom visits",
    family="Funnel",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_visit",
    clock="arrived_at",
    base=(),
    credits=NAMED_ON_IT,
    description="Visits to the showroom that were logged, with or without an appointment.",
)
DEMO_RATE: Final = Conversion(
    name="demo_rate",
    label="Demo rate",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_visit",
    clock="arrived_at",
    base=("has_known_demo",),
    converted="is_demo",
    credits=NAMED_ON_IT,
    description="Of the showroom visits whose log says so or not, the share with a demonstration drive.",
)
WRITE_UP_RATE: Final = Conversion(
    name="write_up_rate",
    label="Write-up rate",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_visit",
    clock="arrived_at",
    base=("has_known_write_up",),
    converted="is_write_up",
    credits=NAMED_ON_IT,
    description="Of the showroom visits whose log says so or not, the share where numbers were written up.",
)
TURNOVER_RATE: Final = Conversion(
    name="turnover_rate",
    label="Turned over",
    family="Funnel",
    unit=Unit.SHARE,
    fact="fct_visit",
    clock="arrived_at",
    base=("has_known_turnover",),
    converted="is_turnover",
    credits=NAMED_ON_IT,
    description="Of the showroom visits whose log says so or not, the share handed to another salesperson or a "
    "manager.",
)
BE_BACK_RATE: Final = Conversion(
    name="be_back_rate",
    label="Be-backs",
    family="Funnel",
    unit=Unit.SHARE,
    fact="fct_visit",
    clock="arrived_at",
    base=("has_opportunity",),
    converted="is_be_back",
    credits=NAMED_ON_IT,
    description="Of the showroom visits of known opportunities, the share where the customer had been in on an "
    "earlier day.",
)
VISIT_TO_SALE: Final = Conversion(
    name="visit_to_sale",
    label="Visit to sale",
    family="Funnel",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_visit",
    clock="arrived_at",
    base=("is_first_visit",),
    converted="is_sold",
    settles=Settles(start="arrived_at", days=30),
    credits=NAMED_ON_IT,
    description="Of the customers who first visited the showroom in the period, the share that has bought so far.",
)


def _per_lead(step: str, label: str, flag: str, told: str) -> Ratio:
    """The same step out of every enquiry: what reports that count each lead apart would show."""
    reached = Measure(
        name=f"opportunities_{step}",
        label=f"Opportunities {step}",
        family="Funnel",
        unit=Unit.COUNT,
        fact="fct_opportunity",
        clock="created_at",
        base=("is_eligible", flag),
        credits=OWNERS,
        description=f"Opportunities created in the period that were {step} so far.",
    )
    return Ratio(
        name=f"{step}_per_lead",
        label=label,
        family="Funnel",
        unit=Unit.SHARE,
        higher_is_better=True,
        plus=(reached,),
        per=(LEADS,),
        credits=OWNERS,
        description=f"Customers of the period {told} so far, for each lead that came in. Lower than the rate by "
        "opportunity, since one customer may send several leads.",
    )


CONTACTED_PER_LEAD: Final = _per_lead("contacted", "Contacted per lead", "is_contacted", "who were contacted")
SET_PER_LEAD: Final = _per_lead("set", "Set per lead", "is_appointment_set", "with a sales appointment")
SHOWN_PER_LEAD: Final = _per_lead("shown", "Shown per lead", "is_shown", "who came to an appointment")
SOLD_PER_LEAD: Final = _per_lead("sold", "Sold per lead", "is_sold", "who bought")

FUNNEL: Final[tuple[Metric, ...]] = (
    CONTACT_RATE,
    CONTACT_TO_APPOINTMENT,
    SET_RATE,
    CONTACTED_PER_LEAD,
    SET_PER_LEAD,
    SHOWN_PER_LEAD,
    SOLD_PER_LEAD,
    LOST_RATE,
    BAD_RATE,
    TIME_TO_CONTACT,
    TIME_TO_APPOINTMENT,
    TIME_TO_SHOW,
    CONTACT_TO_SET_TIME,
    SET_TO_SHOW_TIME,
    SHOW_TO_SALE_TIME,
    VISITS,
    DEMO_RATE,
    WRITE_UP_RATE,
    TURNOVER_RATE,
    BE_BACK_RATE,
    VISIT_TO_SALE,
)
