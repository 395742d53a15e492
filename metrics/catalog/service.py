"""Appointments of every type, and whether customers stay."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import APPOINTMENT_ROLES, OWNERS
from metrics.declare import Conversion, Measure, Metric, Settles, Unit, Window

ALL_APPOINTMENTS_SET: Final = Measure(
    name="all_appointments_set",
    label="Appointments set, any type",
    family="Service",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_appointment",
    clock="set_at",
    base=("is_first_of_chain",),
    credits=APPOINTMENT_ROLES,
    description="Appointments of every type made in the period: sales, test drive, delivery, service. One that is "
    "moved counts once.",
)
ALL_APPOINTMENTS_DUE: Final = Measure(
    name="all_appointments_due",
    label="Appointments due, any type",
    family="Service",
    unit=Unit.COUNT,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing_of_any_type",),
    credits=APPOINTMENT_ROLES,
    description="Appointments of every type whose time has come. Those cancelled or moved in advance are out.",
)
CONFIRM_RATE_BY_TYPE: Final = Conversion(
    name="confirm_rate_by_type",
    label="Confirm rate by type",
    family="Service",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing_of_any_type",),
    converted="is_confirmed",
    kept_apart="appointment_type",
    credits=APPOINTMENT_ROLES,
    description="Of the appointments of one type that were due, the share confirmed before its time. Types are never "
    "put into one share.",
)
SHOW_RATE_BY_TYPE: Final = Conversion(
    name="show_rate_by_type",
    label="Show rate by type",
    family="Service",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing_of_any_type",),
    converted="is_shown",
    settles=Settles(unresolved="is_unresolved"),
    kept_apart="appointment_type",
    credits=APPOINTMENT_ROLES,
    description="Of the appointments of one type that were due, the share where the customer came. Types are never "
    "put into one share.",
)
SERVICE_VISITS: Final = Measure(
    name="service_visits",
    label="Service visits",
    family="Service",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_service_visit",
    clock="opened_at",
    base=(),
    credits=("person",),
    description="Repair orders opened in the period.",
)
SERVICE_CUSTOMERS_KEPT: Final = Conversion(
    name="service_customers_kept",
    label="Service customers kept",
    family="Service",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_service_visit",
    clock="opened_at",
    base=("is_first_of_year",),
    converted="is_kept",
    within=Window(start="opened_at", end="kept_at", days=365),
    credits=("person",),
    description="Of the customers who came to service, each counted at the first visit of a calendar year, the share "
    "that came to service again within a year.",
)
SERVICE_TO_SALE: Final = Conversion(
    name="service_to_sale",
    label="Service customers who buy",
    family="Service",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_service_visit",
    clock="opened_at",
    base=("is_first_of_year",),
    converted="is_bought",
    within=Window(start="opened_at", end="bought_at", days=365),
    credits=("person",),
    description="Of the customers who came to service, each counted at the first visit of a calendar year, the share "
    "that bought a car here within a year.",
)
BUYERS_KEPT: Final = Conversion(
    name="buyers_kept",
    label="Buyers kept",
    family="Service",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_customer", "has_service_log"),
    converted="is_kept",
    within=Window(start="sold_at", end="kept_at", days=365),
    credits=OWNERS,
    description="Of the cars sold in the period to customers we know, the share whose buyer came back within a year, "
    "for service or another car. Only stores that load service visits.",
)

SERVICE: Final[tuple[Metric, ...]] = (
    ALL_APPOINTMENTS_SET,
    ALL_APPOINTMENTS_DUE,
    CONFIRM_RATE_BY_TYPE,
    SHOW_RATE_BY_TYPE,
    SERVICE_VISITS,
    SERVICE_CUSTOMERS_KEPT,
    SERVICE_TO_SALE,
    BUYERS_KEPT,
)
