"""One buying episode from the first lead to its end, and what of it can be known at a given moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from loaders.synthetic.answering import Floor, answer, auto_reply
from loaders.synthetic.booking import book
from loaders.synthetic.people import assigned_agent, assigned_salesperson
from loaders.synthetic.records import Appointment, Customer, Deal, Episode, Lead, Source
from loaders.synthetic.selling import sell
from loaders.synthetic.words import VEHICLES

_LOST_REASONS: Final = ("Bought elsewhere", "No response", "Price", "Not in the market")
_BAD_REASONS: Final = ("Bad contact information", "Out of market", "Bad credit")


def play(floor: Floor, customer: Customer, source: Source, created_at: datetime) -> Episode:
    """Everything that follows from one customer's enquiry."""
    first = _new_lead(floor, customer, source, created_at)
    answered = answer(floor, first)
    booked = book(floor, first, answered.contacted_at)
    deals = sell(floor, first, answered.contacted_at, booked)
    more = _more_leads(floor, first, deals)
    replies = tuple(auto_reply(floor, lead) for lead in more if not lead.is_resend)
    deliveries = tuple(_delivery(floor, deal) for deal in deals if floor.chance.flip(0.4))
    episode = Episode((first, *more), (*answered.touches, *replies), (*booked, *deliveries), deals)
    return _with_ending(floor, episode, was_contacted=answered.contacted_at is not None)


def play_test(floor: Floor, source: Source, created_at: datetime) -> Episode:
    """A lead that the store sent to itself to try the form."""
    number = floor.shoppers.next().number
    tester = Customer(number, "Test Customer", f"test{number}@example.com", None, is_reachable=True)
    lead = replace(_new_lead(floor, tester, source, created_at), is_test=True, status_reason="Test Lead")
    return Episode((lead,))


def _new_lead(floor: Floor, customer: Customer, source: Source, created_at: datetime) -> Lead:
    chance, day = floor.chance, floor.clock.day(created_at)
    vehicle = f"{created_at.year - chance.whole(0, 4)} {chance.pick(VEHICLES)}" if chance.flip(0.85) else None
    return Lead(
        number=next(floor.lead_numbers),
        customer=customer,
        created_at=created_at,
        source=source,
        is_source_blank=source.lead_type == "internet" and chance.flip(0.012),
        vehicle=vehicle,
        vehicle_condition=chance.weigh(("new", "used", None), (0.52, 0.42, 0.06)),
        salesperson=assigned_salesperson(floor.shop, source, day),
        bdc_agent=assigned_agent(floor.shop, source, day),
    )


def _more_leads(floor: Floor, first: Lead, deals: Sequence[Deal]) -> tuple[Lead, ...]:
    """The same customer through other sources within days, and enquiries sent twice; all before any deal."""
    if not first.customer.is_reachable or first.source.lead_type == "service":
        return ()
    days = {floor.clock.day(first.created_at)}
    leads = [_second_lead(floor, first) for _ in range(floor.chance.weigh((0, 1, 2), (0.9, 0.08, 0.02)))]
    if floor.shop.crm == "vinsolutions" and first.source.group == "Third party" and floor.chance.flip(0.04):
        leads.append(_resend(floor, first))
    sold_at = min((deal.sold_at for deal in deals), default=None)
    kept = []
    for lead in sorted(leads, key=lambda lead: lead.created_at):
        day = floor.clock.day(lead.created_at)
        if (sold_at is None or lead.created_at < sold_at) and (day not in days or floor.shop.crm == "activix"):
            days.add(day)
            kept.append(lead)
    return tuple(kept)


def _second_lead(floor: Floor, first: Lead) -> Lead:
    chance = floor.chance
    others = [one for one in floor.shop.sources if one.lead_type == "internet" and one.name != first.source.name]
    if chance.flip(0.4):
        created_at = first.created_at + timedelta(seconds=chance.whole(300, 20_000))
    else:
        day = floor.clock.day(first.created_at) + timedelta(days=chance.whole(1, 9))
        created_at = floor.clock.at(day, chance.between(8 * 60, 22 * 60))
    return replace(
        first,
        number=next(floor.lead_numbers),
        created_at=created_at,
        source=chance.weigh(others, [one.share for one in others]),
        is_source_blank=False,
        is_marked_duplicate=chance.flip(0.5),
        is_other_file=True,
    )


def _resend(floor: Floor, first: Lead) -> Lead:
    created_at = first.created_at + timedelta(seconds=floor.chance.whole(90_000, 200_000))
    return replace(first, number=next(floor.lead_numbers), created_at=created_at, is_resend=True)


def _delivery(floor: Floor, deal: Deal) -> Appointment:
    lead = deal.lead
    assert lead is not None  # noqa: S101 - the deals of an episode have its lead
    return Appointment(
        number=next(floor.appointment_numbers),
        lead=lead,
        kind="delivery",
        set_at=deal.sold_at,
        set_by=deal.salesperson,
        due_at=deal.delivered_at,
        outcome="shown",
        shown_at=deal.delivered_at,
    )


def _with_ending(floor: Floor, episode: Episode, *, was_contacted: bool) -> Episode:
    """When and how the store closes what did not sell."""
    chance = floor.chance
    closed_at = floor.clock.after_open(episode.last_activity_at, chance.between(2000, 18_000))
    if not was_contacted and chance.flip(0.14):
        return replace(episode, closed_at=closed_at, closed_as="bad", closed_because=chance.pick(_BAD_REASONS))
    if chance.flip(0.75):
        return replace(episode, closed_at=closed_at, closed_as="lost", closed_because=chance.pick(_LOST_REASONS))
    return episode


def as_known(episode: Episode, now: datetime) -> Episode | None:
    """The episode as the CRM would have shown it at `now`; None if it had not begun."""
    if episode.first.created_at > now:
        return None
    touches = tuple(touch for touch in episode.touches if touch.at <= now)
    booked = tuple(_appointment_as_known(one, now) for one in episode.appointments if one.set_at <= now)
    deals = tuple(deal_as_known(deal, now) for deal in episode.deals if deal.sold_at <= now)
    known = replace(episode, touches=touches, appointments=booked, deals=deals)
    leads = tuple(_lead_as_known(lead, known, now) for lead in episode.leads if lead.created_at <= now)
    return replace(known, leads=leads)


def _appointment_as_known(booked: Appointment, now: datetime) -> Appointment:
    confirmed_at = _past(booked.confirmed_at, now)
    ended_at = booked.shown_at or booked.cancelled_at or booked.moved_at or booked.due_at
    if ended_at <= now:
        return replace(booked, confirmed_at=confirmed_at)
    return replace(
        booked,
        outcome="open",
        confirmed_at=confirmed_at,
        shown_at=None,
        cancelled_at=None,
        moved_at=None,
        moved_to=None,
    )


def deal_as_known(deal: Deal, now: datetime) -> Deal:
    """The deal before a reversal that is still to come."""
    return replace(deal, reversed_at=_past(deal.reversed_at, now))


def _lead_as_known(lead: Lead, episode: Episode, now: datetime) -> Lead:
    """The lead's status and the moment of its last change."""
    touched = [touch.at for touch in episode.touches]
    moments = [lead.created_at, *touched, *(deal.sold_at for deal in episode.deals)]
    if lead.is_marked_duplicate:
        return replace(lead, status="duplicate", status_reason="Duplicate", modified_at=lead.created_at)
    if lead.is_test or any(deal.is_counted for deal in episode.deals):
        return replace(lead, status="open" if lead.is_test else "sold", modified_at=max(moments))
    if episode.closed_at is not None and episode.closed_at <= now:
        status, reason = episode.closed_as, episode.closed_because
        return replace(lead, status=status, status_reason=reason, modified_at=max(*moments, episode.closed_at))
    return replace(lead, modified_at=max(moments))


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment <= now else None


def first_attempts(episodes: Iterable[Episode]) -> dict[int, datetime]:
    """When a person first tried to reach each lead, by lead number."""
    tries = [
        (touch.at, touch.lead.number)
        for episode in episodes
        for touch in episode.touches
        if touch.direction == "out" and not touch.is_automated
    ]
    return {number: at for at, number in sorted(tries, reverse=True)}
