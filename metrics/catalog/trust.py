"""How far the numbers can be trusted: what is filled in, what is traced, what agrees."""

from __future__ import annotations

from typing import Final

from metrics.catalog.roles import APPOINTMENT_ROLES, OWNERS
from metrics.declare import Conversion, Measure, Metric, Ratio, Unit

PHONE_KNOWN: Final = Conversion(
    name="phone_known",
    label="Phone known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="has_phone",
    credits=OWNERS,
    description="Of the leads that came in, the share with a phone number that can be dialled.",
)
EMAIL_KNOWN: Final = Conversion(
    name="email_known",
    label="E-mail known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="has_email",
    credits=OWNERS,
    description="Of the leads that came in, the share with an e-mail address that can be written to.",
)
REACHABLE_SHARE: Final = Conversion(
    name="reachable_share",
    label="Phone or e-mail known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="is_reachable",
    credits=OWNERS,
    description="Of the leads that came in, the share that can be reached at all: by phone, by e-mail, or both.",
)
SOURCE_KNOWN: Final = Conversion(
    name="source_known",
    label="Source known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="has_source",
    credits=OWNERS,
    description="Of the leads that came in, the share that says which source it came from.",
)
OWNER_KNOWN: Final = Conversion(
    name="owner_known",
    label="Owner known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="has_owner",
    credits=OWNERS,
    description="Of the leads that came in, the share that is assigned to a salesperson or a BDC agent.",
)
REASON_KNOWN: Final = Conversion(
    name="reason_known",
    label="Reason known",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=True,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted", "is_given_up"),
    converted="has_reason",
    credits=OWNERS,
    description="Of the leads that were marked lost or bad, the share where somebody said why.",
)
DUPLICATE_SHARE: Final = Conversion(
    name="duplicate_share",
    label="Duplicate leads",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="is_duplicate",
    credits=OWNERS,
    description="Of the leads that came in, the share that the CRM marks as duplicates.",
)
BAD_LEAD_SHARE: Final = Conversion(
    name="bad_lead_share",
    label="Leads marked bad",
    family="Trust",
    unit=Unit.SHARE,
    fact="fct_lead",
    clock="created_at",
    base=("is_counted",),
    converted="is_bad",
    credits=OWNERS,
    description="Of the leads that came in, the share that somebody marked bad. High for one person only, it says "
    "more about the marking than about the leads.",
)
SALES_WITHOUT_LEAD: Final = Conversion(
    name="sales_without_lead",
    label="Sales without a lead",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted",),
    converted="is_without_lead",
    credits=OWNERS,
    description="Of the cars sold in the period, the share that cannot be traced to any lead in the CRM.",
)
SET_AFTER_THE_FACT: Final = Conversion(
    name="set_after_the_fact",
    label="Appointments set after the fact",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_appointment",
    clock="set_at",
    base=("is_counted_set",),
    converted="is_set_late",
    credits=APPOINTMENT_ROLES,
    description="Of the sales appointments made in the period, the share typed in at or after the time they were for. "
    "They show too often.",
)
LATE_RECORDING: Final = Measure(
    name="late_recording",
    label="Time until a touch is typed in",
    family="Trust",
    unit=Unit.MINUTES,
    higher_is_better=False,
    fact="fct_contact",
    clock="occurred_at",
    base=("is_human",),
    measures="median",
    column="seconds_to_recorded",
    credits=("person",),
    description="Of the calls, messages and visits that people logged, half were typed in within this many minutes of "
    "happening. Only where the export says when they were typed in.",
)
AUTOMATED_TOUCH_SHARE: Final = Conversion(
    name="automated_touch_share",
    label="Touches by machines",
    family="Trust",
    unit=Unit.SHARE,
    fact="fct_contact",
    clock="occurred_at",
    base=("is_outbound",),
    converted="is_human",
    counts_misses=True,
    credits=("person",),
    description="Of everything sent to customers or tried, the share that a machine did: auto-replies, campaigns, "
    "assistants. They are never counted as a person's work.",
)
SALES_NOT_IN_CRM: Final = Conversion(
    name="sales_not_in_crm",
    label="Sales missing in the CRM",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_two_deal_logs"),
    converted="is_in_crm",
    counts_misses=True,
    credits=OWNERS,
    description="Of the cars sold in the period, the share that the accounting side (DMS) knows and the CRM does not. "
    "Only stores that load the deals of both.",
)
SALES_NOT_IN_DMS: Final = Conversion(
    name="sales_not_in_dms",
    label="Sales missing in the DMS",
    family="Trust",
    unit=Unit.SHARE,
    higher_is_better=False,
    fact="fct_sale",
    clock="sold_at",
    base=("is_counted", "has_two_deal_logs"),
    converted="is_in_dms",
    counts_misses=True,
    credits=OWNERS,
    description="Of the cars sold in the period, the share that the CRM calls sold and the accounting side (DMS) does "
    "not know. Only stores that load the deals of both.",
)
CRM_REPORTED_LEADS: Final = Measure(
    name="crm_reported_leads",
    label="Leads by the CRM's own report",
    family="Trust",
    unit=Unit.COUNT,
    fact="fct_crm_report",
    clock="period_start",
    base=("is_of_leads",),
    measures="sum",
    column="value",
    known="has_value",
    is_zero_when_empty=False,
    description="Leads that the CRM's own report claims, in reports whose period starts in the period. Where no "
    "report was loaded it is unknown.",
)
_LEADS_OF_REPORTS: Final = Measure(
    name="loaded_lead_records",
    label="Lead records of reported sources",
    family="Trust",
    unit=Unit.COUNT,
    fact="fct_crm_report",
    clock="period_start",
    base=("is_of_leads",),
    measures="sum",
    column="loaded_leads",
    known="has_value",
    is_zero_when_empty=False,
    description="Lead records that were loaded, of the sources and days that such a report covers.",
)
LOADED_OF_REPORTED: Final = Ratio(
    name="loaded_of_reported",
    label="Loaded of reported leads",
    family="Trust",
    unit=Unit.SHARE,
    plus=(_LEADS_OF_REPORTS,),
    per=(CRM_REPORTED_LEADS,),
    description="Lead records that were loaded per lead that the CRM's own report claims for the same sources and "
    "days. Far from 100 %, an export is missing or the report counts something else.",
)

TRUST: Final[tuple[Metric, ...]] = (
    PHONE_KNOWN,
    EMAIL_KNOWN,
    REACHABLE_SHARE,
    SOURCE_KNOWN,
    OWNER_KNOWN,
    REASON_KNOWN,
    DUPLICATE_SHARE,
    BAD_LEAD_SHARE,
    SALES_WITHOUT_LEAD,
    SET_AFTER_THE_FACT,
    LATE_RECORDING,
    AUTOMATED_TOUCH_SHARE,
    SALES_NOT_IN_CRM,
    SALES_NOT_IN_DMS,
    CRM_REPORTED_LEADS,
    LOADED_OF_REPORTED,
)
