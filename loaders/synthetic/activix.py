"""A store's history as Activix exports it: leads (with the deal on the lead's row), events and communications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from loaders.synthetic.records import Appointment, Deal, Episode, History, Lead, Touch
from loaders.synthetic.sheets import Row, Sheet, money, yes_no
from loaders.synthetic.world import Shop

_LEAD_TYPES: Final = {
    "internet": "email",
    "chat": "chat",
    "phone": "phone",
    "walk_in": "walk_in",
    "referral": "referral",
    "previous_customer": "loyalty",
    "service": "phone",
}
_STATUSES: Final = {"duplicate": "duplicate", "bad": "invalid", "lost": "lost"}
_KINDS: Final = {"sales": "appointment", "test_drive": "test_drive", "delivery": "delivery"}
_METHODS: Final = {"call": "phone", "text": "sms", "email": "email", "chat": "web_chat", "visit": "visit"}
_CALL_STATUSES: Final = {"connected": "answered", "left_message": "voicemail", "no_answer": "attempted"}
_UNREADABLE: Final = "2024-02-31T25:61:00"


def sheets(shop: Shop, history: History) -> Iterable[Sheet]:
    """The three exports."""
    pairs = sorted(((lead, one) for one in history.episodes for lead in one.leads), key=lambda pair: pair[0].number)
    booked = sorted((one for episode in history.episodes for one in episode.appointments), key=lambda one: one.number)
    touches = sorted((touch for one in history.episodes for touch in one.touches), key=lambda one: (one.at, one.number))
    lead_rows = [_lead_row(shop, lead, episode) for lead, episode in pairs]
    yield Sheet("leads.csv", lead_rows, _bad_leads(lead_rows), "lead")
    event_rows = [_event_row(shop, one) for one in booked]
    yield Sheet("events.csv", event_rows, _bad_events(event_rows), "appointment")
    touch_rows = [_touch_row(shop, touch) for touch in touches]
    yield Sheet("communications.csv", touch_rows, _bad_touches(touch_rows), "contact")


def _lead_row(shop: Shop, lead: Lead, episode: Episode) -> Row:
    customer, vehicle = lead.customer, (lead.vehicle or "").partition(" ")
    given, _, family = customer.name.partition(" ")
    deal = next((deal for deal in episode.deals if deal.lead is not None and deal.lead.number == lead.number), None)
    is_service = lead.source.lead_type == "service"
    return {
        "id": str(lead.number),
        "account": shop.store.name,
        "customer_id": _customer_id(lead),
        "first_name": given,
        "last_name": family,
        "email": customer.email,
        "mobile_phone": customer.phone,
        "created_at": _moment(lead.created_at),
        "updated_at": _moment(lead.modified_at),
        "source": lead.source_name,
        "type": _LEAD_TYPES[lead.source.lead_type],
        "division": "service" if is_service else lead.vehicle_condition,
        "status": _STATUSES.get(lead.status),
        "status_reason": "test" if lead.is_test else lead.status_reason,
        "advisor": lead.salesperson.name,
        "bdc": None if lead.bdc_agent is None else lead.bdc_agent.name,
        "year": vehicle[0] or None,
        "model": vehicle[2] or None,
        **_deal_cells(shop, deal),
    }


def _deal_cells(shop: Shop, deal: Deal | None) -> Row:
    """The lead's deal; sale and delivery are days without a time."""
    if deal is None:
        return dict.fromkeys(_DEAL_COLUMNS)
    cells = (
        _day(shop, deal.sold_at),
        _day(shop, deal.delivered_at) if deal.delivered_at <= shop.as_of else None,
        None if deal.reversed_at is None else _day(shop, deal.reversed_at),
        deal.sale_type,
        deal.vin,
        deal.stock_number,
        None if deal.split_with is None else deal.split_with.name,
        money(deal.front_gross),
        money(deal.back_gross),
    )
    return dict(zip(_DEAL_COLUMNS, cells, strict=True))


_DEAL_COLUMNS: Final = (
    "sale_date",
    "delivered_date",
    "unwound_date",
    "sale_type",
    "vin",
    "stock",
    "second_advisor",
    "front_gross",
    "back_gross",
)


def _event_row(shop: Shop, booked: Appointment) -> Row:
    return {
        "id": str(booked.number),
        "account": shop.store.name,
        "lead_id": str(booked.lead.number),
        "type": _KINDS[booked.kind],
        "created_at": _moment(booked.set_at),
        "created_by": booked.set_by.name,
        "owner": booked.lead.salesperson.name,
        "start_at": _moment(booked.due_at),
        "confirmed": yes_no(booked.confirmed_at is not None),
        "confirmed_at": _moment(booked.confirmed_at),
        "completed": yes_no(booked.outcome == "shown"),
        "completed_at": _moment(booked.shown_at),
        "no_show": yes_no(booked.outcome == "no_show"),
        "canceled": yes_no(booked.outcome == "cancelled"),
        "canceled_at": _moment(booked.cancelled_at),
        "rescheduled_at": _moment(booked.moved_at),
        "rescheduled_to": None if booked.moved_to is None else str(booked.moved_to),
    }


def _touch_row(shop: Shop, touch: Touch) -> Row:
    return {
        "id": str(touch.number),
        "account": shop.store.name,
        "lead_id": str(touch.lead.number),
        "occurred_at": _moment(touch.at),
        "user": None if touch.person is None else touch.person.name,
        "type": "outgoing" if touch.direction == "out" else "incoming",
        "method": _METHODS[touch.channel],
        "call_status": _CALL_STATUSES.get(touch.result),
        "call_duration": None if touch.seconds is None else str(touch.seconds),
        "automated": yes_no(touch.is_automated),
    }


def _bad_leads(rows: list[Row]) -> list[Row]:
    """A lead that no loader can date."""
    without_deal: dict[str, str | None] = dict.fromkeys(_DEAL_COLUMNS)
    return [
        {**row, **without_deal, "id": "99901", "customer_id": "99901", "created_at": _UNREADABLE} for row in rows[:1]
    ]


def _bad_events(rows: list[Row]) -> list[Row]:
    return [{**row, "id": "99901", "start_at": None} for row in rows[:1]]


def _bad_touches(rows: list[Row]) -> list[Row]:
    """A touch that no loader can date, and one that goes in no direction."""
    wrongs: tuple[Row, ...] = ({"occurred_at": _UNREADABLE}, {"type": "sideways"})
    return [
        {**row, "id": f"9990000{nth}", **wrong} for nth, (row, wrong) in enumerate(zip(rows[:2], wrongs, strict=False))
    ]


def _customer_id(lead: Lead) -> str:
    """The CRM knows a returning shopper when it marks the duplicate; else it files a second customer."""
    is_second_file = lead.is_other_file and not lead.is_marked_duplicate
    return f"n{lead.number}" if is_second_file else str(lead.customer.number)


def _day(shop: Shop, at: datetime) -> str:
    return shop.clock.day(at).isoformat()


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
