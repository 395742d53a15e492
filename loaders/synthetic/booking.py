"""How a conversation becomes an appointment, and what becomes of the appointment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from loaders.synthetic.answering import Floor
from loaders.synthetic.records import Appointment, Lead

_DAYS_AHEAD: Final = (0.24, 0.28, 0.18, 0.12, 0.08, 0.06, 0.04)
_MOST_MOVES: Final = 2


def book(floor: Floor, lead: Lead, contacted_at: datetime | None) -> tuple[Appointment, ...]:
    """The sales appointments of an episode: none, one, or a chain in which each was moved to the next."""
    if lead.source.lead_type == "service":
        return ()
    if contacted_at is None:
        is_booked = lead.source.lead_type != "walk_in" and floor.chance.flip(0.015)
        from_when = floor.clock.after_open(lead.created_at, floor.chance.between(30, 900))
    else:
        is_booked = floor.chance.flip(lead.source.appointment * lead.salesperson.set_factor)
        from_when = contacted_at
    if not is_booked:
        return ()
    return _chain(floor, _make(floor, lead, _set_at(floor, from_when)))


def _set_at(floor: Floor, contacted_at: datetime) -> datetime:
    """Mostly in the first conversation, sometimes days later, now and then weeks later."""
    if floor.chance.flip(0.7):
        return contacted_at + timedelta(seconds=floor.chance.whole(60, 720))
    low, high = floor.chance.weigh(((200, 3000), (3000, 14_000)), (0.7, 0.3))
    return floor.clock.after_open(contacted_at, floor.chance.between(low, high))


def _make(floor: Floor, lead: Lead, set_at: datetime) -> Appointment:
    agent = lead.bdc_agent
    setter = agent if agent is not None and floor.chance.flip(0.65) else lead.salesperson
    kind = "test_drive" if floor.chance.flip(0.22) else "sales"
    due_at = _due_at(floor, set_at)
    return Appointment(next(floor.appointment_numbers), lead, kind, set_at, setter, due_at, "open")


def _due_at(floor: Floor, set_at: datetime) -> datetime:
    """A quarter of an hour of an open day, half an hour ahead at least."""
    ahead = floor.chance.weigh(range(len(_DAYS_AHEAD)), _DAYS_AHEAD)
    while True:
        day = floor.clock.open_day(floor.clock.day(set_at) + timedelta(days=ahead))
        opens, closes = floor.clock.spans[day]
        quarters = int((closes - opens).total_seconds()) // 900
        due_at = opens + timedelta(minutes=15 * floor.chance.whole(1, quarters - 3))
        if due_at >= set_at + timedelta(minutes=30):
            return due_at
        ahead += 1


def _chain(floor: Floor, booked: Appointment, moves: int = 0) -> tuple[Appointment, ...]:
    """The appointment as it ended, and those that it was moved to."""
    booked = replace(booked, confirmed_at=_confirmed_at(floor, booked))
    ahead = floor.chance.between(0, 1)
    if ahead < 0.07:
        return (replace(booked, outcome="cancelled", cancelled_at=_before_due(floor, booked)),)
    if ahead < 0.17 and moves < _MOST_MOVES:
        return _move(floor, booked, _before_due(floor, booked), moves)
    if floor.chance.flip(min(0.97, booked.lead.source.show * (1.08 if booked.confirmed_at else 0.93))):
        shown_at = booked.due_at + timedelta(seconds=round(floor.chance.normal(240, 600)))
        return (replace(booked, outcome="shown", shown_at=max(shown_at, booked.set_at + timedelta(minutes=5))),)
    return _miss(floor, booked, moves)


def _miss(floor: Floor, booked: Appointment, moves: int) -> tuple[Appointment, ...]:
    """Nobody came: moved afterwards, marked as a no-show, or left without any outcome."""
    fate = floor.chance.weigh(("moved", "no_show", "open"), (0.25, 0.6, 0.15))
    if fate == "moved" and moves < _MOST_MOVES:
        return _move(floor, booked, floor.clock.after_open(booked.due_at, floor.chance.between(40, 900)), moves)
    return (replace(booked, outcome="open" if fate == "open" else "no_show"),)


def _move(floor: Floor, booked: Appointment, moved_at: datetime, moves: int) -> tuple[Appointment, ...]:
    kept = booked.confirmed_at is not None and booked.confirmed_at < moved_at
    next_one = replace(_make(floor, booked.lead, moved_at), kind=booked.kind, is_moved_here=True)
    moved = replace(
        booked,
        outcome="rescheduled",
        moved_at=moved_at,
        moved_to=next_one.number,
        confirmed_at=booked.confirmed_at if kept else None,
    )
    return (moved, *_chain(floor, next_one, moves + 1))


def _before_due(floor: Floor, booked: Appointment) -> datetime:
    """A moment between the booking (or its confirmation) and the appointment."""
    earliest = booked.confirmed_at or booked.set_at
    seconds = (booked.due_at - earliest).total_seconds()
    return earliest + timedelta(seconds=round(seconds * floor.chance.between(0.2, 0.95)))


def _confirmed_at(floor: Floor, booked: Appointment) -> datetime | None:
    """Most appointments of another day are confirmed ahead, few of the same day."""
    is_another_day = booked.due_at - booked.set_at > timedelta(hours=14)
    if not floor.chance.flip(0.68 if is_another_day else 0.3):
        return None
    seconds = (booked.due_at - booked.set_at).total_seconds()
    reminded_at = booked.set_at + timedelta(seconds=round(seconds * floor.chance.between(0.3, 0.85)))
    confirmed_at = floor.clock.after_open(reminded_at, floor.chance.between(0, 15))
    return confirmed_at if confirmed_at < booked.due_at else None
