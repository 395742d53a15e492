"""What really happened, counted from the simulator's own events. Nothing here reads an export or a warehouse."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from loaders.synthetic.records import Appointment, Employee, Episode, History, Source
from loaders.synthetic.sheets import Sheet
from loaders.synthetic.world import LATE_SOURCE, LATE_SOURCE_TWIN, POOR_SOURCE, Shop, Story

_MESSAGES = ("text", "email", "chat")


@dataclass(frozen=True)
class Told:
    """One store with its history and the files written for it."""

    shop: Shop
    folder: str
    history: History
    sheets: tuple[Sheet, ...]


def tell(told: Sequence[Told], seed: int, as_of: datetime) -> dict[str, Any]:
    """The content of truth.json."""
    return {
        "as_of": as_of.isoformat(),
        "seed": seed,
        "stores": [_store(one) for one in told],
        "people": [_person(one.shop, person) for one in told for person in one.shop.staff],
        "sources": [_source(one.shop, source) for one in told for source in one.shop.sources],
        "months": [row for one in told for row in _months(one)],
        "rejects": _rejects(told),
        "stories": [_story(one, story) for one in told for story in one.shop.stories],
    }


def is_contacted(episode: Episode) -> bool:
    """Both sides spoke, and ours was a person."""
    touches = [touch for touch in episode.touches if not touch.is_automated]
    has_talked = any(touch.channel == "call" and touch.result == "connected" for touch in touches)
    has_met = any(touch.channel == "visit" for touch in touches) or is_shown(episode)
    has_written = any(touch.direction == "in" and touch.channel in _MESSAGES for touch in touches)
    was_written_to = any(touch.direction == "out" and touch.channel in _MESSAGES for touch in touches)
    return has_talked or has_met or (has_written and was_written_to)


def is_booked(episode: Episode) -> bool:
    """Has a sales appointment."""
    return any(True for _ in _sales_appointments(episode))


def is_shown(episode: Episode) -> bool:
    """Came to a sales appointment."""
    return any(booked.outcome == "shown" for booked in _sales_appointments(episode))


def is_sold(episode: Episode) -> bool:
    """Bought, and the deal stands."""
    return any(deal.is_counted for deal in episode.deals)


def _sales_appointments(episode: Episode) -> Iterable[Appointment]:
    return (booked for booked in episode.appointments if booked.kind in ("sales", "test_drive"))


def _store(one: Told) -> dict[str, Any]:
    shop = one.shop
    return {
        "name": shop.store.name,
        "folder": one.folder,
        "crm": shop.crm,
        "time_zone": shop.store.time_zone,
        "currency": shop.store.currency,
        "first_day": shop.months[0].isoformat(),
        "last_day": shop.clock.day(shop.as_of).isoformat(),
    }


def _person(shop: Shop, person: Employee) -> dict[str, Any]:
    about = {"weak_step": person.set_factor < 1, "unlucky_leads": person.fed_by is not None}
    return {
        "store": shop.store.name,
        "name": person.name,
        "role": person.role,
        "started_on": person.started_on.isoformat(),
        "ended_on": None if person.ended_on is None else person.ended_on.isoformat(),
        "story": next((kind for kind, is_about in about.items() if is_about), None),
    }


def _source(shop: Shop, source: Source) -> dict[str, Any]:
    """A source's chances of each step when leads are answered within an hour, and what a lead costs."""
    return {
        "store": shop.store.name,
        "name": source.name,
        "group": source.group,
        "contact_rate": source.contact,
        "contact_to_appointment": source.appointment,
        "show_rate": source.show,
        "show_to_sale": source.sale,
        "sale_without_show": source.unbooked_sale,
        "cost_per_lead": source.cost,
        "front_factor": source.front_factor,
        "night_share": source.night_share,
        "is_unwatched": source.is_unwatched,
    }


def _months(one: Told) -> list[dict[str, Any]]:
    """Counts per month of the store: cohorts by the first lead's day, events by their own day, spend up to now."""
    counted = [*_cohorts(one), *_events(one)]
    months: dict[date, Counter[str]] = {month: Counter() for month in one.shop.months}
    for month, what, amount in counted:
        months.setdefault(month, Counter())[what] += amount
    names = sorted({what for _, what, _ in counted})
    return [
        {
            "store": one.shop.store.name,
            "month": month.isoformat(),
            **{name: round(tally[name], 2) for name in names},
            "spend": _spend(one, month),
        }
        for month, tally in sorted(months.items())
    ]


Count = tuple[date, str, Any]


def _cohorts(one: Told) -> list[Count]:
    """Opportunities by the month of their first lead, and how far they got."""
    steps: dict[str, Callable[[Episode], bool]] = {
        "opportunities": lambda _: True,
        "contacted": is_contacted,
        "contacted_and_booked": lambda episode: is_contacted(episode) and is_booked(episode),
        "booked": is_booked,
        "shown": is_shown,
        "sold": is_sold,
    }
    sales = [episode for episode in one.history.episodes if episode.first.is_sales]
    return [
        (_month(one, episode.first.created_at), name, int(reached(episode)))
        for episode in sales
        for name, reached in steps.items()
    ]


def _events(one: Told) -> list[Count]:
    """Leads, appointments and deals by the month of their own day."""
    counts: list[Count] = []
    for episode in one.history.episodes:
        counts += [(_month(one, lead.created_at), "leads", int(lead.is_counted)) for lead in episode.leads]
        for booked in _sales_appointments(episode):
            is_due = booked.is_standing and booked.due_at <= one.shop.as_of
            counts.append((_month(one, booked.set_at), "appointments_set", int(not booked.is_moved_here)))
            counts.append((_month(one, booked.due_at), "appointments_due", int(is_due)))
            counts.append((_month(one, booked.due_at), "shows", int(is_due and booked.outcome == "shown")))
    for deal in (*(deal for episode in one.history.episodes for deal in episode.deals), *one.history.loose_deals):
        counts.append((_month(one, deal.sold_at), "sold_units", int(deal.is_counted)))
        counts.append((_month(one, deal.sold_at), "gross", (deal.gross or 0) if deal.is_counted else 0))
    return counts


def _month(one: Told, at: datetime) -> date:
    return one.shop.clock.day(at).replace(day=1)


def _spend(one: Told, month: date) -> float:
    """What the month has cost up to now: a bill is spread evenly over its days."""
    length = calendar.monthrange(month.year, month.month)[1]
    today = one.shop.clock.day(one.shop.as_of)
    past = min(length, max(0, (today - month).days + 1))
    return round(sum(entry.amount for entry in one.history.spend if entry.month == month) * past / length, 2)


def _rejects(told: Sequence[Told]) -> dict[str, dict[str, int]]:
    """How many rows each table must refuse, by file."""
    return {
        f"{one.folder}/{sheet.name}": {sheet.table: len(sheet.bad_rows)}
        for one in told
        for sheet in one.sheets
        if sheet.bad_rows
    }


def _story(one: Told, story: Story) -> dict[str, Any]:
    sales = [episode for episode in one.history.episodes if episode.first.is_sales]
    details = {
        "weak_step": _weak_step,
        "unlucky_leads": _unlucky_leads,
        "late_source": _late_source,
        "mix_month": _mix_month,
    }
    return {"story": story.kind, "store": story.store, **details[story.kind](one, story, sales)}


def _weak_step(_: Told, story: Story, sales: list[Episode]) -> dict[str, Any]:
    contacted = [episode for episode in sales if is_contacted(episode)]
    own = [episode for episode in contacted if episode.first.salesperson.name == story.subject]
    team = [episode for episode in contacted if episode.first.salesperson.name != story.subject]
    return {
        "person": story.subject,
        "step": "contact_to_appointment",
        "credit": "salesperson",
        "factor": story.size,
        "own": _share(own, is_booked),
        "team": _share(team, is_booked),
    }


def _unlucky_leads(_: Told, story: Story, sales: list[Episode]) -> dict[str, Any]:
    own = [episode for episode in sales if episode.first.salesperson.name == story.subject]
    team = [episode for episode in sales if episode.first.salesperson.name != story.subject]
    return {
        "person": story.subject,
        "step": "closing_rate",
        "credit": "salesperson",
        "source": POOR_SOURCE,
        "own": _share(own, is_sold),
        "team": _share(team, is_sold),
        "own_leads_from_source": _share(own, _comes_from(POOR_SOURCE)),
        "own_at_equal_source": _share(filter(_comes_from(POOR_SOURCE), own), is_sold),
        "team_at_equal_source": _share(filter(_comes_from(POOR_SOURCE), team), is_sold),
    }


def _late_source(one: Told, __: Story, sales: list[Episode]) -> dict[str, Any]:
    """The late source beside its twin of the same true quality: in all, answered within an hour, and once contacted."""

    def is_prompt(episode: Episode) -> bool:
        return _is_prompt(one, episode)

    late = list(filter(_comes_from(LATE_SOURCE), sales))
    twin = list(filter(_comes_from(LATE_SOURCE_TWIN), sales))
    return {
        "source": LATE_SOURCE,
        "step": "contact_rate",
        "twin": LATE_SOURCE_TWIN,
        "own": _share(late, is_contacted),
        "twin_rate": _share(twin, is_contacted),
        "own_closing": _share(late, is_sold),
        "twin_closing": _share(twin, is_sold),
        "own_answered_within_an_hour": _share(filter(is_prompt, late), is_contacted),
        "twin_answered_within_an_hour": _share(filter(is_prompt, twin), is_contacted),
        "own_closing_once_contacted": _share(filter(is_contacted, late), is_sold),
        "twin_closing_once_contacted": _share(filter(is_contacted, twin), is_sold),
    }


def _mix_month(one: Told, story: Story, sales: list[Episode]) -> dict[str, Any]:
    inside = [episode for episode in sales if _month(one, episode.first.created_at) == story.month]
    outside = [episode for episode in sales if _month(one, episode.first.created_at) != story.month]
    others = [episode for episode in inside if not _comes_from(story.subject)(episode)]
    return {
        "source": story.subject,
        "step": "closing_rate",
        "month": None if story.month is None else story.month.isoformat(),
        "factor": 1 + story.size,
        "own": _share(inside, is_sold),
        "other_months": _share(outside, is_sold),
        "share_of_source": _share(inside, _comes_from(story.subject)),
        "without_source": _share(others, is_sold),
    }


def _is_prompt(one: Told, episode: Episode) -> bool:
    """A person tried to reach the customer within an hour of opening time."""
    limit = one.shop.clock.after_open(episode.first.created_at, 60)
    return any(touch.direction == "out" and not touch.is_automated and touch.at <= limit for touch in episode.touches)


def _comes_from(name: str) -> Callable[[Episode], bool]:
    return lambda episode: episode.first.source_name == name


def _share(episodes: Iterable[Episode], has: Callable[[Episode], bool]) -> dict[str, int]:
    """Hits out of chances, kept as two counts."""
    found = [has(episode) for episode in episodes]
    return {"hits": sum(found), "of": len(found)}
