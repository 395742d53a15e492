"""How much came in."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import OWNERS
from metrics.declare import Measure, Metric, Unit

LEADS: Final = Measure(
    name="leads",
    label="Leads",
    family="Volume",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    credits=OWNERS,
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
    credits=OWNERS,
    description="Customers who started to look for a car: all leads of one customer in one buying episode count once.",
)

VOLUME: Final[tuple[Metric, ...]] = (LEADS, OPPORTUNITIES)
