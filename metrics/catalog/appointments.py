"""Appointments: made, due, kept and missed."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import APPOINTMENT_ROLES, OWNERS
from metrics.declare import Conversion, Measure, Metric, Settles, Unit, Window

APPOINTMENTS_SET: Final = Measure(
    name="appointments_set",
    label="Appointments set",
    family="Appointments",
    unit=Unit.COUNT,
    higher_is_better=True,
    fact="fct_appointment",
    clock="set_at",
    base=("is_counted_set",),
    credits=APPOINTMENT_ROLES,
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
    credits=APPOINTMENT_ROLES,
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
    credits=APPOINTMENT_ROLES,
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
    credits=APPOINTMENT_ROLES,
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
    credits=APPOINTMENT_ROLES,
    description="Appointments due in the period where the customer came.",
)

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
    credits=OWNERS,
    description="Of the opportunities created in the period, the share that came to an appointment so far.",
)
NO_SHOWS: Final = Measure(
    name="no_shows",
    label="No-shows",
    family="Appointments",
    unit=Unit.COUNT,
    higher_is_better=False,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing", "is_no_show"),
    credits=APPOINTMENT_ROLES,
    description="Appointments due in the period that the CRM says the customer missed.",
)
NO_SHOW_RATE: Final = Conversion(
    name="no_show_rate",
    label="No-show rate",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing",),
    converted="is_no_show",
    settles=Settles(unresolved="is_unresolved"),
    credits=APPOINTMENT_ROLES,
    description="Of the appointments due, the share that the CRM says the customer missed. One without a recorded "
    "outcome stays in.",
)
APPOINTMENTS_UNRESOLVED: Final = Measure(
    name="appointments_unresolved",
    label="Appointments without outcome",
    family="Appointments",
    unit=Unit.COUNT,
    higher_is_better=False,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing", "is_unresolved"),
    credits=APPOINTMENT_ROLES,
    description="Appointments whose time has passed and of which nobody has said what became of them.",
)
UNRESOLVED_RATE: Final = Conversion(
    name="unresolved_rate",
    label="Outcome missing",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing",),
    converted="is_unresolved",
    credits=APPOINTMENT_ROLES,
    description="Of the appointments due, the share of which nobody has said what became of them.",
)
CANCELLED_RATE: Final = Conversion(
    name="cancelled_rate",
    label="Cancelled ahead",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_appointment",
    clock="due_at",
    base=("is_promised",),
    converted="is_cancelled_ahead",
    credits=APPOINTMENT_ROLES,
    description="Of the sales appointments agreed for the period, each at its last date, the share called off before "
    "its time.",
)
RESCHEDULED_RATE: Final = Conversion(
    name="rescheduled_rate",
    label="Rescheduled ahead",
    family="Appointments",
    unit=Unit.SHARE,
    fact="fct_appointment",
    clock="due_at",
    base=("is_sales_appointment",),
    converted="is_moved_ahead",
    credits=APPOINTMENT_ROLES,
    description="Of all dates of sales appointments in the period, the share moved to another date before its time.",
)
SHOW_RATE_STRICT: Final = Conversion(
    name="show_rate_strict",
    label="Show rate, strict",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_promised",),
    converted="is_shown",
    settles=Settles(unresolved="is_unresolved"),
    credits=APPOINTMENT_ROLES,
    description="Of the sales appointments agreed for the period, each at its last date, the share where the customer "
    "came. Those cancelled in advance count as missed.",
)
SHOW_RATE_OF_SET: Final = Conversion(
    name="show_rate_of_set",
    label="Show rate, of set",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="set_at",
    base=("is_counted_set",),
    converted="is_chain_shown",
    settles=Settles(start="chain_due_at", days=1),
    credits=APPOINTMENT_ROLES,
    description="Of the sales appointments made in the period, the share where the customer came in the end, however "
    "often it was moved.",
)
NO_SHOW_FOLLOW_UP: Final = Conversion(
    name="no_show_follow_up",
    label="No-show followed up",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_no_show_to_call",),
    converted="is_followed_up",
    within=Window(start="due_at", end="followed_up_at", days=1),
    credits=APPOINTMENT_ROLES,
    description="Of the customers who missed an appointment, the share that a person tried to reach within 24 hours "
    "of its time.",
)
NO_SHOW_RECOVERY: Final = Conversion(
    name="no_show_recovery",
    label="No-show won back",
    family="Appointments",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_no_show_to_win_back",),
    converted="is_recovered",
    settles=Settles(start="due_at", days=30),
    credits=APPOINTMENT_ROLES,
    description="Of the customers who missed an appointment, the share that has come to the store since.",
)
APPOINTMENT_LEAD_TIME: Final = Measure(
    name="appointment_lead_time",
    label="Appointment lead time",
    family="Appointments",
    unit=Unit.DAYS,
    fact="fct_appointment",
    clock="set_at",
    base=("is_counted_set",),
    column="seconds_ahead",
    measures="median",
    credits=APPOINTMENT_ROLES,
    description="Half of the sales appointments made in the period were agreed at most this far ahead.",
)

APPOINTMENTS: Final[tuple[Metric, ...]] = (
    APPOINTMENTS_SET,
    APPOINTMENTS_DUE,
    CONFIRM_RATE,
    SHOW_RATE,
    SHOW_RATE_STRICT,
    SHOW_RATE_OF_SET,
    SHOWS,
    SHOWN_RATE,
    NO_SHOWS,
    NO_SHOW_RATE,
    APPOINTMENTS_UNRESOLVED,
    UNRESOLVED_RATE,
    CANCELLED_RATE,
    RESCHEDULED_RATE,
    NO_SHOW_FOLLOW_UP,
    NO_SHOW_RECOVERY,
    APPOINTMENT_LEAD_TIME,
)
