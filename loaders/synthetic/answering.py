"""How a lead is answered: automation first, then people, until both sides have spoken or the store gives up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from loaders.synthetic.people import Shoppers
from loaders.synthetic.records import Employee, Lead, Touch
from loaders.synthetic.world import Shop

# Open minutes until a person answers: share of the leads, from, to. What is left is never answered.
_USUAL_WAITS: Final = ((0.58, 1, 14), (0.18, 15, 60), (0.12, 60, 300), (0.08, 300, 1400))
_UNWATCHED_WAITS: Final = ((0.07, 2, 14), (0.08, 60, 300), (0.73, 700, 2600))
_REACHED_AT_ATTEMPT: Final = (0.46, 0.25, 0.14, 0.09, 0.06)
_ATTEMPTS_BEFORE_GIVING_UP: Final = (0.18, 0.2, 0.2, 0.16, 0.12, 0.08, 0.06)
_CALL_TAKEN: Final = 0.74


class Floor:
    """The floor of one store while the simulation runs: the shop, its shoppers and the running record numbers."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.chance = shop.chance
        self.clock = shop.clock
        self.shoppers = Shoppers(shop.chance)
        self.lead_numbers = count(100_001)
        self.touch_numbers = count(1)
        self.appointment_numbers = count(500_001)
        self.deal_numbers = count(700_001)
        self.survey_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """The touches of a lead, and when both sides had spoken (None: never)."""

    touches: tuple[Touch, ...]
    contacted_at: datetime | None


def answer(floor: Floor, lead: Lead) -> Answer:
    """All touches that follow a lead until it is contacted or given up."""
    match lead.source.lead_type:
        case "walk_in":
            return _greet(floor, lead)
        case "phone":
            return _take_call(floor, lead)
        case _:
            return _follow_up(floor, lead, lead.source.contact)


def auto_reply(floor: Floor, lead: Lead) -> Touch:
    """The message that the CRM sends by itself within two minutes."""
    at = lead.created_at + timedelta(seconds=floor.chance.whole(20, 110))
    return _automated(floor, lead, at)


def _automated(floor: Floor, lead: Lead, at: datetime) -> Touch:
    machine = floor.shop.machine
    return Touch(next(floor.touch_numbers), lead, at, machine, "out", "email", "sent", is_automated=True)


def _greet(floor: Floor, lead: Lead) -> Answer:
    """A walk-in is met at the door; now and then nobody logs it."""
    if floor.chance.flip(0.07):
        return Answer((), None)
    at = lead.created_at + timedelta(seconds=floor.chance.whole(30, 240))
    return Answer((Touch(next(floor.touch_numbers), lead, at, lead.salesperson, "in", "visit", "other"),), at)


def _take_call(floor: Floor, lead: Lead) -> Answer:
    """A caller is put through, or the call is missed and someone calls back."""
    if not floor.chance.flip(_CALL_TAKEN):
        missed = Touch(next(floor.touch_numbers), lead, lead.created_at, None, "in", "call", "no_answer")
        called_back = _follow_up(floor, lead, (lead.source.contact - _CALL_TAKEN) / (1 - _CALL_TAKEN))
        return Answer((missed, *called_back.touches), called_back.contacted_at)
    call = _talk(floor, lead, lead.created_at, _responder(floor, lead), "in")
    return Answer((call, *_keep_in_touch(floor, lead, call.at)), call.at)


def _follow_up(floor: Floor, lead: Lead, contact: float) -> Answer:
    """Automation, then attempts by people. Late answers reach fewer customers."""
    opening = (auto_reply(floor, lead),) if floor.chance.flip(0.85) else ()
    wait = _wait(floor, lead)
    if wait is None:
        return Answer((*opening, *_unheard(floor, lead)), None)
    first_at = _answered_at(floor, lead, wait)
    if floor.chance.flip(contact * promptness(wait)):
        reached = _reach(floor, lead, first_at)
        return Answer((*opening, *reached.touches), reached.contacted_at)
    return Answer((*opening, *_give_up(floor, lead, first_at)), None)


def promptness(wait: float) -> float:
    """How much of a source's contact chance is left after so many open minutes of waiting."""
    if wait <= 60:
        return 1.0
    return 0.85 if wait <= 300 else 0.55


def _wait(floor: Floor, lead: Lead) -> float | None:
    """Open minutes until a person answers; None if nobody ever does."""
    waits = _UNWATCHED_WAITS if lead.source.is_unwatched else _USUAL_WAITS
    shares = [share for share, _, _ in waits]
    spans = [*waits, None]
    span = floor.chance.weigh(spans, [*shares, 1 - sum(shares)])
    return None if span is None else floor.chance.between(span[1], span[2])


def _answered_at(floor: Floor, lead: Lead, wait: float) -> datetime:
    """A few prompt people answer from home in the evening; else the clock runs while the store is open."""
    is_evening = not floor.clock.is_open(lead.created_at) and 8 <= floor.clock.local(lead.created_at).hour < 22
    if is_evening and wait <= 15 and floor.chance.flip(0.15):
        return lead.created_at + timedelta(seconds=round(wait * 60))
    return floor.clock.after_open(lead.created_at, wait)


def _responder(floor: Floor, lead: Lead) -> Employee:
    agent = lead.bdc_agent
    return agent if agent is not None and floor.chance.flip(0.7) else lead.salesperson


def _later(floor: Floor, at: datetime, attempt: int) -> datetime:
    """When the next attempt is made: the second within hours, the others a day or two apart."""
    pause = floor.chance.between(90, 500) if attempt == 1 else floor.chance.between(350, 1300)
    return floor.clock.after_open(at, pause)


def _attempts(floor: Floor, lead: Lead, at: datetime, how_many: int) -> tuple[list[Touch], datetime]:
    """So many attempts that reach nobody, and the time of the next one."""
    touches = []
    for attempt in range(1, how_many + 1):
        touches.append(_attempt(floor, lead, at))
        at = _later(floor, at, attempt)
    return touches, at


def _attempt(floor: Floor, lead: Lead, at: datetime) -> Touch:
    kinds = (("call", "no_answer"), ("call", "left_message"), ("text", "sent"), ("email", "sent"))
    channel, result = floor.chance.weigh(kinds, (0.3, 0.24, 0.26, 0.2))
    return Touch(next(floor.touch_numbers), lead, at, _responder(floor, lead), "out", channel, result)


def _give_up(floor: Floor, lead: Lead, first_at: datetime) -> list[Touch]:
    """Attempts that reach nobody, then the machine's reminders."""
    how_many = floor.chance.weigh(range(1, 8), _ATTEMPTS_BEFORE_GIVING_UP)
    touches, _ = _attempts(floor, lead, first_at, how_many)
    if floor.chance.flip(0.5):
        touches += [_automated(floor, lead, lead.created_at + timedelta(days=days)) for days in (3, 7, 14)]
    return touches


def _unheard(floor: Floor, lead: Lead) -> tuple[Touch, ...]:
    """A lead that nobody answers; some of these customers write once more, to no one."""
    if not floor.chance.flip(0.12):
        return ()
    at = lead.created_at + timedelta(seconds=floor.chance.whole(20_000, 200_000))
    return (Touch(next(floor.touch_numbers), lead, at, None, "in", "email", "received"),)


def _reach(floor: Floor, lead: Lead, first_at: datetime) -> Answer:
    """Attempts, the last of which becomes a conversation."""
    before = floor.chance.weigh(range(5), _REACHED_AT_ATTEMPT)
    touches, at = _attempts(floor, lead, first_at, before)
    person = _responder(floor, lead)
    if floor.chance.flip(0.62):
        spoken = [_talk(floor, lead, at, person, "out")]
        contacted_at = at
    else:
        spoken = _write(floor, lead, at, person)
        contacted_at = spoken[1].at
    return Answer((*touches, *spoken, *_keep_in_touch(floor, lead, contacted_at)), contacted_at)


def _talk(floor: Floor, lead: Lead, at: datetime, person: Employee, direction: str) -> Touch:
    seconds = min(2400, round(floor.chance.skewed(190, 0.7)))
    return Touch(next(floor.touch_numbers), lead, at, person, direction, "call", "connected", seconds=seconds)


def _write(floor: Floor, lead: Lead, at: datetime, person: Employee) -> list[Touch]:
    """A person's message, the customer's reply, and mostly a word back."""
    channel = "chat" if lead.source.lead_type == "chat" else floor.chance.weigh(("text", "email"), (0.6, 0.4))
    replied_at = at + timedelta(seconds=min(10_000, round(floor.chance.skewed(1200, 1.0))))
    touches = [
        Touch(next(floor.touch_numbers), lead, at, person, "out", channel, "sent"),
        Touch(next(floor.touch_numbers), lead, replied_at, person, "in", channel, "received"),
    ]
    if floor.chance.flip(0.85):
        back_at = floor.clock.after_open(replied_at, floor.chance.between(3, 45))
        touches.append(Touch(next(floor.touch_numbers), lead, back_at, person, "out", channel, "sent"))
    return touches


def _keep_in_touch(floor: Floor, lead: Lead, at: datetime) -> list[Touch]:
    """Follow-up after the first conversation: up to three more messages or calls over the next days."""
    touches = []
    for _ in range(floor.chance.whole(0, 3)):
        at = floor.clock.after_open(at, floor.chance.between(200, 1500))
        touches.append(_attempt(floor, lead, at))
    return touches
