"""What it brought and what it cost."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import OWNERS
from metrics.catalog.volume import LEADS
from metrics.declare import Measure, Metric, Ratio, Unit

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
    credits=OWNERS,
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
    credits=OWNERS,
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
    credits=OWNERS,
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
    credits=OWNERS,
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
    description="What was paid for the sources in the period; an entry for a month is spread evenly over its days. "
    "Where nothing was entered it is unknown, not zero.",
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
        credits=OWNERS,
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
    description="Spend per opportunity of the period that got an appointment, over the sources and months whose spend "
    "is known.",
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
    description="Spend per opportunity of the period that came to an appointment, over the sources and months whose "
    "spend is known.",
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
    "Opportunities younger than 90 days may still bring more.",
)
PROFIT: Final = Ratio(
    name="profit",
    label="Gross less spend",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    plus=(COHORT_GROSS,),
    minus=(SPEND,),
    is_cost=True,
    immature_days=90,
    description="Gross that the period's opportunities have brought so far, less the spend, over the sources and "
    "months whose spend is known. Opportunities younger than 90 days may still bring more.",
)


def _sales_with_known(side: str) -> Measure:
    return Measure(
        name=f"sales_with_known_{side}_gross",
        label=f"Sold units with a known {side} gross",
        family="Money",
        unit=Unit.CARS,
        fact="fct_sale",
        clock="sold_at",
        base=("is_counted", f"has_known_{side}_gross"),
        measures="sum",
        column="weight",
        credits=OWNERS,
        description=f"Cars sold in the period whose {side} gross is known.",
    )


FRONT_GROSS: Final = Measure(
    name="front_gross",
    label="Front gross",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    measures="sum",
    column="weighted_front_gross",
    known="has_known_front_gross",
    credits=OWNERS,
    description="Gross on the car itself: price less cost, of the cars sold in the period. Deals whose front gross "
    "nobody entered are left out.",
)
FRONT_GROSS_PER_SALE: Final = Ratio(
    name="front_gross_per_sale",
    label="Front gross per sale",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    plus=(FRONT_GROSS,),
    per=(_sales_with_known("front"),),
    credits=OWNERS,
    description="Front gross per car sold in the period, over the deals whose front gross is known.",
)
BACK_GROSS: Final = Measure(
    name="back_gross",
    label="Back gross",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    measures="sum",
    column="weighted_back_gross",
    known="has_known_back_gross",
    credits=OWNERS,
    description="Gross on finance, insurance and other products, of the cars sold in the period. Deals whose back "
    "gross nobody entered are left out.",
)
BACK_GROSS_PER_SALE: Final = Ratio(
    name="back_gross_per_sale",
    label="Back gross per sale",
    family="Money",
    unit=Unit.MONEY,
    higher_is_better=True,
    plus=(BACK_GROSS,),
    per=(_sales_with_known("back"),),
    credits=OWNERS,
    description="Back gross per car sold in the period, over the deals whose back gross is known.",
)

MONEY: Final[tuple[Metric, ...]] = (
    GROSS,
    GROSS_PER_SALE,
    FRONT_GROSS,
    FRONT_GROSS_PER_SALE,
    BACK_GROSS,
    BACK_GROSS_PER_SALE,
    COHORT_GROSS,
    SPEND,
    COST_PER_LEAD,
    COST_PER_APPOINTMENT,
    COST_PER_SHOW,
    COST_PER_SALE,
    ROI,
    PROFIT,
)
