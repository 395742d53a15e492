"""Who bought."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import AFTER_A_SHOW, OWNERS
from metrics.catalog.volume import OPPORTUNITIES
from metrics.declare import Conversion, Measure, Metric, Ratio, Settles, Unit, Window

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
    credits=AFTER_A_SHOW,
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
    credits=OWNERS,
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
        credits=OWNERS,
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
    credits=OWNERS,
    description="Cars sold or leased to retail customers in the period and not taken back. A split deal is half a car "
    "for each.",
)
IN_PERIOD_CLOSING_RATIO: Final = Ratio(
    name="in_period_closing_ratio",
    label="In-period closing ratio (pacing)",
    family="Closing",
    unit=Unit.SHARE,
    higher_is_better=True,
    plus=(SOLD_UNITS,),
    per=(OPPORTUNITIES,),
    credits=OWNERS,
    description="Cars sold in the period per opportunity created in the period, whoever the buyers were. It shows the "
    "pace, not how well leads are worked, and may pass 100 %.",
)
DAYS_TO_SALE_FIRST_QUARTER: Final = Measure(
    name="days_to_sale_first_quarter",
    label="Days to sale, fastest quarter",
    family="Closing",
    unit=Unit.DAYS,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="sold_at",
    base=("is_eligible", "is_sold"),
    column="seconds_to_sold",
    measures="median",
    quantile=0.25,
    credits=OWNERS,
    description="Of the opportunities that bought in the period, a quarter took at most this long from their first "
    "lead.",
)
DAYS_TO_SALE: Final = Measure(
    name="days_to_sale",
    label="Days to sale",
    family="Closing",
    unit=Unit.DAYS,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="sold_at",
    base=("is_eligible", "is_sold"),
    column="seconds_to_sold",
    measures="median",
    credits=OWNERS,
    description="Of the opportunities that bought in the period, half took at most this long from their first lead.",
)
DAYS_TO_SALE_THIRD_QUARTER: Final = Measure(
    name="days_to_sale_third_quarter",
    label="Days to sale, three quarters",
    family="Closing",
    unit=Unit.DAYS,
    higher_is_better=False,
    fact="fct_opportunity",
    clock="sold_at",
    base=("is_eligible", "is_sold"),
    column="seconds_to_sold",
    measures="median",
    quantile=0.75,
    credits=OWNERS,
    description="Of the opportunities that bought in the period, three quarters took at most this long from their "
    "first lead.",
)
DELIVERED_UNITS: Final = Measure(
    name="delivered_units",
    label="Delivered units",
    family="Closing",
    unit=Unit.CARS,
    higher_is_better=True,
    fact="fct_sale",
    clock="delivered_at",
    base=("is_counted",),
    measures="sum",
    column="weight",
    credits=OWNERS,
    description="Cars sold or leased to retail customers that were handed over in the period and not taken back.",
)
UNWINDS: Final = Measure(
    name="unwinds",
    label="Unwinds",
    family="Closing",
    unit=Unit.CARS,
    higher_is_better=False,
    fact="fct_sale",
    clock="reversed_at",
    base=("is_unwound",),
    measures="sum",
    column="weight",
    credits=OWNERS,
    description="Retail cars taken back in the period. The month in which each was sold no longer counts it.",
)

CLOSING: Final[tuple[Metric, ...]] = (
    SHOW_TO_SALE,
    CLOSING_RATE,
    CLOSING_RATE_30,
    CLOSING_RATE_60,
    CLOSING_RATE_90,
    SOLD_UNITS,
    IN_PERIOD_CLOSING_RATIO,
    DELIVERED_UNITS,
    UNWINDS,
    DAYS_TO_SALE_FIRST_QUARTER,
    DAYS_TO_SALE,
    DAYS_TO_SALE_THIRD_QUARTER,
)
