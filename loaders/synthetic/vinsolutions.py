"""A store's history as VinSolutions hands it out: the data feed (UTC) and the communication log (local time)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from loaders.synthetic.episodes import first_attempts
from loaders.synthetic.records import Appointment, Deal, Employee, History, Lead, Source, Touch
from loaders.synthetic.sheets import Row, Sheet, money, yes_no
from loaders.synthetic.world import Shop

_LEAD_TYPES: Final = {
    "internet": "Internet",
    "chat": "WebsiteChat",
    "phone": "Phone",
    "walk_in": "Walk-in",
    "referral": "Referral",
    "previous_customer": "Previous Customer",
    "service": "Service",
}
_STATUSES: Final = {"open": "Active", "sold": "Sold", "lost": "Lost", "bad": "Bad", "duplicate": "Bad"}
_KINDS: Final = {"sales": "Sales", "test_drive": "Test Drive", "delivery": "Delivery"}
_APPOINTMENT_STATUSES: Final = {
    "open": "Open",
    "shown": "Completed",
    "no_show": "Missed",
    "cancelled": "Cancelled",
    "rescheduled": "Rescheduled",
}
_CHANNELS: Final = {"call": "Phone", "text": "Text Message", "email": "Email", "chat": "Web Chat", "visit": "Showroom"}
_RESULTS: Final = {
    "connected": "Contacted",
    "left_message": "Left Message",
    "no_answer": "No Answer",
    "sent": "Sent",
    "received": "Received",
    "other": "Other",
}
_GROUPS: Final = {"salesperson": "Sales", "bdc_agent": "BDC", "manager": "Managers", "machine": "System"}
_UNREADABLE: Final = "13/45/2024"


def sheets(shop: Shop, history: History) -> Iterable[Sheet]:
    """The files of the feed and the communication log."""
    attempts = first_attempts(history.episodes)
    leads = sorted((lead for one in history.episodes for lead in one.leads), key=lambda lead: lead.number)
    booked = sorted((one for episode in history.episodes for one in episode.appointments), key=lambda one: one.number)
    deals = [*(deal for one in history.episodes for deal in one.deals), *history.loose_deals]
    touches = sorted((touch for one in history.episodes for touch in one.touches), key=lambda one: (one.at, one.number))
    lead_rows = [_lead_row(shop, lead, attempts.get(lead.number)) for lead in leads]
    yield Sheet("Lead.csv", lead_rows, _bad_leads(lead_rows), "lead")
    booked_rows = [_appointment_row(shop, one) for one in booked]
    yield Sheet("Appointment.csv", booked_rows, _bad_appointments(booked_rows), "appointment")
    sold_rows = [_sold_row(shop, deal) for deal in sorted(deals, key=lambda deal: deal.number)]
    yield Sheet("CRMSold.csv", sold_rows, _bad_deals(sold_rows), "sale")
    yield Sheet("User.csv", [_user_row(shop, person) for person in shop.staff])
    yield Sheet("UserAccess.csv", [_access_row(shop, person) for person in shop.staff])
    yield Sheet("LeadSource.csv", [_source_row(shop, source, 11 + nth) for nth, source in enumerate(shop.sources)])
    yield Sheet("Communication log.csv", [_log_row(shop, touch) for touch in touches])


def _lead_row(shop: Shop, lead: Lead, attempted_at: datetime | None) -> Row:
    customer, vehicle = lead.customer, (lead.vehicle or "").partition(" ")
    return {
        "LeadID": str(lead.number),
        "DealerName": shop.store.name,
        "CustomerID": _customer_id(lead),
        "CustomerName": customer.name,
        "Email": customer.email,
        "CellPhone": customer.phone,
        "LeadSourceID": None if lead.is_source_blank else _source_id(shop, lead.source),
        "LeadTypeName": _LEAD_TYPES[lead.source.lead_type],
        "LeadStatusTypeName": _STATUSES[lead.status],
        "LeadStatusName": lead.status_reason,
        "InventoryType": lead.vehicle_condition and lead.vehicle_condition.title(),
        "Year": vehicle[0] or None,
        "Model": vehicle[2] or None,
        "SalesRepUserID": str(lead.salesperson.number),
        "BDAgentUserID": None if lead.bdc_agent is None else str(lead.bdc_agent.number),
        "OriginationUTCDate": _utc(lead.created_at),
        "LastModifiedUTCDate": _utc(lead.modified_at),
        "FirstAttemptedContactUTCDate": _utc(attempted_at),
        "OriginatedAfterHours": yes_no(not shop.clock.is_open(lead.created_at)),
        "IsResend": yes_no(lead.is_resend),
    }


def _appointment_row(shop: Shop, booked: Appointment) -> Row:
    return {
        "AppointmentID": str(booked.number),
        "DealerName": shop.store.name,
        "LeadID": str(booked.lead.number),
        "CustomerID": _customer_id(booked.lead),
        "AppointmentType": _KINDS[booked.kind],
        "AppointmentStatus": _APPOINTMENT_STATUSES[booked.outcome],
        "ScheduledUTCDate": _utc(booked.set_at),
        "ScheduledByUserID": str(booked.set_by.number),
        "SalesRepUserID": str(booked.lead.salesperson.number),
        "AppointmentStartUTCDate": _utc(booked.due_at),
        "ConfirmedUTCDate": _utc(booked.confirmed_at),
        "CompletedUTCDate": _utc(booked.shown_at or booked.cancelled_at),
        "RescheduledUTCDate": _utc(booked.moved_at),
        "RescheduledToAppointmentID": None if booked.moved_to is None else str(booked.moved_to),
        "IsShow": yes_no(booked.outcome == "shown"),
        "IsNoShow": yes_no(booked.outcome == "no_show"),
    }


def _sold_row(shop: Shop, deal: Deal) -> Row:
    is_whole = deal.front_gross is not None and deal.back_gross is not None
    return {
        "SoldID": str(deal.number),
        "DealerName": shop.store.name,
        "AutoLeadID": None if deal.lead is None else str(deal.lead.number),
        "CustomerID": str(deal.customer.number + 20_000),
        "CustomerName": deal.customer.name,
        "SalesRepUserID": str(deal.salesperson.number),
        "SplitSaleWithUserID": None if deal.split_with is None else str(deal.split_with.number),
        "SoldUTCDate": _utc(deal.sold_at),
        "DeliveredUTCDate": _utc(deal.delivered_at) if deal.delivered_at <= shop.as_of else None,
        "ReversedUTCDate": _utc(deal.reversed_at),
        "SaleType": deal.sale_type.title(),
        "InventoryType": deal.vehicle_condition.title(),
        "VIN": deal.vin,
        "StockNumber": deal.stock_number,
        "FrontGross": money(deal.front_gross),
        "BackGross": money(deal.back_gross),
        "TotalGross": money(deal.gross) if is_whole else None,
    }


def _user_row(shop: Shop, person: Employee) -> Row:
    has_left = person.ended_on is not None and person.ended_on <= shop.clock.day(shop.as_of)
    given, _, family = person.name.partition(" ")
    return {
        "UserID": str(person.number),
        "DealerName": shop.store.name,
        "FirstName": given,
        "LastName": family,
        "HireDate": person.started_on.isoformat(),
        "TerminationDate": person.ended_on.isoformat() if has_left and person.ended_on is not None else None,
    }


def _access_row(shop: Shop, person: Employee) -> Row:
    return {
        "UserID": str(person.number),
        "DealerName": shop.store.name,
        "SalespersonInd": yes_no(person.role == "salesperson"),
        "InternetSalespersonInd": yes_no(person.role == "salesperson"),
        "BDAgentInd": yes_no(person.role == "bdc_agent"),
        "ManagerInd": yes_no(person.role == "manager"),
        "SystemUserInd": yes_no(person.role == "machine"),
    }


def _source_row(shop: Shop, source: Source, number: int) -> Row:
    return {
        "LeadSourceID": str(number),
        "DealerName": shop.store.name,
        "LeadSourceName": source.name,
        "LeadSourceTypeName": _LEAD_TYPES[source.lead_type],
        "LeadSourceGroupName": source.group,
    }


def _log_row(shop: Shop, touch: Touch) -> Row:
    """The log names the customer and the lead's day, no ids; its last column is what a loader must not keep."""
    lead, person = touch.lead, touch.person
    is_written = touch.channel in ("text", "email", "chat")
    return {
        "Dealer": shop.store.name,
        "User Group": None if person is None else _GROUPS[person.role],
        "User": None if person is None else person.name,
        "Customer": lead.customer.name,
        "Activity Date": shop.clock.local(touch.at).strftime("%m/%d/%Y %I:%M:%S %p"),
        "Direction": "Outbound" if touch.direction == "out" else "Inbound",
        "Comm Channel": _CHANNELS[touch.channel],
        "Comm Type": "Auto Response" if touch.is_automated else "Manual",
        "Interaction Result": _RESULTS[touch.result],
        "Lead Type": _LEAD_TYPES[lead.source.lead_type],
        "Lead Source": lead.source_name,
        "Lead Created Date": shop.clock.local(lead.created_at).strftime("%m/%d/%Y"),
        "Message Content": "(simulated message)" if is_written else None,
    }


def _bad_leads(rows: list[Row]) -> list[Row]:
    """Two leads that no loader can date."""
    return [
        {**row, "LeadID": f"9990{nth}", "CustomerID": f"9990{nth}", "OriginationUTCDate": date}
        for nth, (row, date) in enumerate(zip(rows[:2], (_UNREADABLE, None), strict=False))
    ]


def _bad_appointments(rows: list[Row]) -> list[Row]:
    return [{**row, "AppointmentID": "99901", "AppointmentStartUTCDate": _UNREADABLE} for row in rows[:1]]


def _bad_deals(rows: list[Row]) -> list[Row]:
    """A deal without any date."""
    return [
        {**row, "SoldID": "99901", "VIN": None, "SoldUTCDate": None, "DeliveredUTCDate": None, "ReversedUTCDate": None}
        for row in rows[:1]
    ]


def _customer_id(lead: Lead) -> str:
    """The CRM knows a returning shopper when it marks the duplicate; else it files a second customer."""
    is_second_file = lead.is_other_file and not lead.is_marked_duplicate
    return str(lead.number + 800_000_000) if is_second_file else str(lead.customer.number + 20_000)


def _source_id(shop: Shop, source: Source) -> str:
    names = [one.name for one in shop.sources]
    return str(11 + names.index(source.name))


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.replace(tzinfo=None).isoformat()
