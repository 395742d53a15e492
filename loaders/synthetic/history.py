"""The run of one store: who comes when, month by month, and all that follows up to now."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from loaders.synthetic.answering import Floor
from loaders.synthetic.episodes import as_known, deal_as_known, play, play_test
from loaders.synthetic.records import Customer, Deal, Episode, History, Source, SpendEntry, Survey, Touch
from loaders.synthetic.selling import deals_without_lead, survey_of
from loaders.synthetic.world import BURST_SOURCE, Shop, next_month

# Leads per episode: customers who come through several sources. The months are planned in episodes.
_LEADS_PER_EPISODE: Final = 1.12
_WEEKDAY_PULL: Final = (1.12, 1.05, 1.0, 1.0, 1.02, 1.1, 0.75)
_SHOWROOM_PULL: Final = (1.0, 0.9, 0.9, 0.95, 1.1, 1.7, 0.0)
_LOOSE_DEALS_PER_LEAD: Final = 0.006
_WHOLESALE_DEALS_PER_LEAD: Final = 0.004

Arrival = tuple[datetime, Source]


def live(shop: Shop, tell: Callable[[float], None]) -> History:
    """Simulate one store; `tell` hears which part of the months is done, from 0 to 1."""
    floor = Floor(shop)
    episodes: list[Episode] = []
    for nth, month in enumerate(shop.months):
        arrivals = _arrivals(floor, month)
        episodes += [play(floor, floor.shoppers.next(), source, at) for at, source in arrivals]
        episodes += [play_test(floor, shop.sources[0], _moment(floor, shop.sources[0], month))]
        tell((nth + 1) / len(shop.months))
    episodes += _returns(floor, episodes)
    known = [one for one in (as_known(episode, shop.as_of) for episode in episodes) if one is not None]
    loose = _loose_deals(floor)
    return History(_with_last_sign(floor, known), loose, _surveys(floor, known), _spend(floor))


def _arrivals(floor: Floor, month: date) -> list[Arrival]:
    """The first enquiries of a month, in order of time."""
    means = [(source, expected_leads(floor.shop, source, month) / _LEADS_PER_EPISODE) for source in floor.shop.sources]
    arrivals = [
        (_moment(floor, source, month), source) for source, mean in means for _ in range(floor.chance.count(mean))
    ]
    return sorted(arrivals, key=lambda arrival: (arrival[0], arrival[1].name))


def expected_leads(shop: Shop, source: Source, month: date) -> float:
    """How many leads a source sends in a month on average: its share, the season, and the burst of the mix story."""
    season = 1 + 0.09 * math.cos(2 * math.pi * (month.month - 6) / 12)
    usual = shop.leads_per_month * season * source.share / math.fsum(one.share for one in shop.sources)
    burst = shop.story("mix_month")
    if burst is not None and burst.month == month and source.name == BURST_SOURCE:
        return usual + shop.leads_per_month * burst.size
    return usual


def _moment(floor: Floor, source: Source, month: date) -> datetime:
    """When an enquiry of this source comes: showroom and phone while open, the others at nearly any hour."""
    needs_staff = source.lead_type in ("phone", "walk_in", "service")
    day = floor.chance.weigh(*_days_with_pull(month, needs_staff=needs_staff))
    if needs_staff:
        opens, closes = floor.clock.spans[floor.clock.open_day(day)]
        return opens + timedelta(seconds=floor.chance.whole(0, int((closes - opens).total_seconds()) - 600))
    return floor.clock.at(day, _minute(floor, source))


@cache
def _days_with_pull(month: date, *, needs_staff: bool) -> tuple[list[date], list[float]]:
    """The days of a month, and how many enquiries each draws beside the others."""
    days = [month + timedelta(days=offset) for offset in range((next_month(month) - month).days)]
    pull = _SHOWROOM_PULL if needs_staff else _WEEKDAY_PULL
    return days, [pull[day.weekday()] for day in days]


def _minute(floor: Floor, source: Source) -> float:
    """The minute of the day: at night for the source's night share, else around the early afternoon."""
    if floor.chance.flip(source.night_share):
        return floor.chance.weigh(
            (floor.chance.between(20 * 60 + 20, 1439), floor.chance.between(4 * 60, 8 * 60)), (0.75, 0.25)
        )
    return min(1260.0, max(450.0, floor.chance.normal(14.2 * 60, 200)))


def _returns(floor: Floor, episodes: list[Episode]) -> list[Episode]:
    """Customers who come back after months of silence: a new episode each."""
    known = [source for source in floor.shop.sources if source.lead_type not in ("service", "walk_in")]
    returned = []
    for episode in episodes:
        first = episode.first
        if first.is_sales and first.customer.is_reachable and floor.chance.flip(0.035):
            day = floor.clock.day(episode.last_activity_at) + timedelta(days=floor.chance.whole(97, 210))
            if floor.clock.at(day, 1439) < floor.shop.as_of:
                returned.append(_return(floor, first.customer, floor.chance.pick(known), day))
    return returned


def _return(floor: Floor, customer: Customer, source: Source, day: date) -> Episode:
    opens, _ = floor.clock.spans[floor.clock.open_day(day)]
    return play(floor, customer, source, opens + timedelta(seconds=floor.chance.whole(60, 30_000)))


def _loose_deals(floor: Floor) -> tuple[Deal, ...]:
    """Deals without a lead, up to now."""
    shop = floor.shop
    retail, wholesale = shop.leads_per_month * _LOOSE_DEALS_PER_LEAD, shop.leads_per_month * _WHOLESALE_DEALS_PER_LEAD
    deals = [deal for month in shop.months for deal in deals_without_lead(floor, month, retail, wholesale)]
    return tuple(deal_as_known(deal, shop.as_of) for deal in deals if deal.sold_at <= shop.as_of)


def _surveys(floor: Floor, episodes: list[Episode]) -> tuple[Survey, ...]:
    surveys = [survey for episode in episodes for deal in episode.deals for survey in survey_of(floor, deal)]
    return tuple(survey for survey in surveys if survey.answered_at <= floor.shop.as_of)


def _spend(floor: Floor) -> tuple[SpendEntry, ...]:
    """What each paid source cost in each month; one bill of the third month was never entered and stands as zero."""
    entries = []
    for nth, month in enumerate(floor.shop.months):
        for source in floor.shop.sources:
            if source.cost is not None:
                leads = expected_leads(floor.shop, source, month)
                is_forgotten = nth == 2 and source.group == "Social"
                amount = round(source.cost * leads * floor.chance.between(0.93, 1.07), 2)
                entries.append(SpendEntry(source, month, 0.0 if is_forgotten else amount))
    return tuple(entries)


def _with_last_sign(floor: Floor, episodes: list[Episode]) -> tuple[Episode, ...]:
    """An automated message at the very moment of the export, so that the data are known to be complete up to then."""
    if not episodes:
        return ()
    latest = max(range(len(episodes)), key=lambda place: (episodes[place].first.created_at, -place))
    episode, shop = episodes[latest], floor.shop
    number = next(floor.touch_numbers)
    sign = Touch(number, episode.first, shop.as_of, shop.machine, "out", "email", "sent", is_automated=True)
    marked = replace(episode, touches=(*episode.touches, sign))
    return (*episodes[:latest], marked, *episodes[latest + 1 :])
