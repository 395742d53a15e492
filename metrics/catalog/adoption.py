"""Whether the CRM is used: tasks done, contact logged, days without any entry."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import APPOINTMENT_ROLES, OWNERS
from metrics.declare import Conversion, Measure, Metric, Unit

TASKS_DUE: Final = Measure(
    name="tasks_due",
    label="Tasks due",
    family="Adoption",
    unit=Unit.COUNT,
    fact="fct_task",
    clock="due_at",
    base=("is_to_do",),
    credits=("person",),
    description="CRM tasks whose time has come. Those dismissed are out.",
)
TASK_COMPLETION_RATE: Final = Conversion(
    name="task_completion_rate",
    label="Tasks completed",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_task",
    clock="due_at",
    base=("is_to_do",),
    converted="is_completed",
    credits=("person",),
    description="Of the tasks due in the period, the share that is done by now, in time or late.",
)
TASKS_DONE_ON_TIME: Final = Conversion(
    name="tasks_done_on_time",
    label="Tasks done on time",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_task",
    clock="due_at",
    base=("is_to_do",),
    converted="is_done_on_time",
    credits=("person",),
    description="Of the tasks due in the period, the share that was done by the end of the day it was due.",
)
OVERDUE_TASK_RATE: Final = Conversion(
    name="overdue_task_rate",
    label="Tasks overdue",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_task",
    clock="due_at",
    base=("is_to_do",),
    converted="is_completed",
    counts_misses=True,
    credits=("person",),
    description="Of the tasks due in the period, the share that is still not done.",
)
DISMISSED_TASK_RATE: Final = Conversion(
    name="dismissed_task_rate",
    label="Tasks dismissed",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_task",
    clock="due_at",
    base=(),
    converted="is_dismissed",
    credits=("person",),
    description="Of all tasks for the period, the share that was put away without being done.",
)
APPOINTMENTS_WITH_CONTACT: Final = Conversion(
    name="appointments_with_contact",
    label="Appointments with logged contact",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing", "has_contact_log"),
    converted="is_contact_logged",
    credits=APPOINTMENT_ROLES,
    description="Of the appointments due, the share where a call or message with the customer was logged before its "
    "time. Only stores that log contacts.",
)
SHOWS_WITH_CONTACT: Final = Conversion(
    name="shows_with_contact",
    label="Shows with logged contact",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_appointment",
    clock="due_at",
    base=("is_standing", "is_shown", "has_contact_log"),
    converted="is_contact_logged",
    credits=APPOINTMENT_ROLES,
    description="Of the appointments that the customer kept, the share where a call or message was logged before its "
    "time. Only stores that log contacts.",
)
SALES_WITH_CONTACT: Final = Conversion(
    name="sales_with_contact",
    label="Sales with logged contact",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_contact_log"),
    converted="is_contact_logged",
    credits=OWNERS,
    description="Of the cars sold in the period, the share where a call or message with the buyer was logged by the "
    "day of the sale. Only stores that log contacts.",
)
TOUCHES_LOGGED: Final = Measure(
    name="touches_logged",
    label="Touches logged",
    family="Adoption",
    unit=Unit.COUNT,
    fact="fct_contact",
    clock="occurred_at",
    base=("is_human",),
    credits=("person",),
    description="Calls, messages and visits that people logged, in and out. What machines sent is left out.",
)
DAYS_WITHOUT_LOGGING: Final = Conversion(
    name="days_without_logging",
    label="Days without an entry",
    family="Adoption",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_roster_day",
    clock="day",
    base=(),
    converted="has_logged",
    counts_misses=True,
    credits=("person",),
    description="Of the days that the store was open while a salesperson or BDC agent was on the roster, the share on "
    "which they logged nothing at all. Days off are among them, so compare people who work alike.",
)

ADOPTION: Final[tuple[Metric, ...]] = (
    TASKS_DUE,
    TASK_COMPLETION_RATE,
    TASKS_DONE_ON_TIME,
    OVERDUE_TASK_RATE,
    DISMISSED_TASK_RATE,
    APPOINTMENTS_WITH_CONTACT,
    SHOWS_WITH_CONTACT,
    SALES_WITH_CONTACT,
    TOUCHES_LOGGED,
    DAYS_WITHOUT_LOGGING,
)
