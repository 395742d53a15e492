"""How an episode ends in a deal, and the deals that never had a lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from loaders.synthetic.answering import Floor
from loaders.synthetic.records import Appointment, Customer, Deal, Employee, Lead, Survey
from loaders.synthetic.world import Shop

_SELLING_DAY: Final = 640
_AUCTION: Final = "Midland Auto Auction"


def sell(floor: Floor, lead: Lead, contacted_at: datetime | None, booked: Sequence[Appointment]) -> tuple[Deal, ...]:
    """The deal of an episode, if the customer buys."""
    shown_at = min((one.shown_at for one in booked if one.shown_at is not None), default=None)
    sold_at = _sold_at(floor, lead, contacted_at, shown_at)
    if sold_at is None:
        return ()
    return (_make(floor, lead, lead.customer, sold_at, lead.salesperson, lead.vehicle_condition),)


def _sold_at(floor: Floor, lead: Lead, contacted_at: datetime | None, shown_at: datetime | None) -> datetime | None:
    if shown_at is not None:
        return _soon_after(floor, shown_at, 0.66, 18) if floor.chance.flip(lead.source.sale) else None
    if lead.source.lead_type == "walk_in":
        return _soon_after(floor, lead.created_at, 0.7, 9) if floor.chance.flip(lead.source.unbooked_sale) else None
    if contacted_at is not None and floor.chance.flip(lead.source.unbooked_sale):
        return floor.clock.after_open(contacted_at, _SELLING_DAY * floor.chance.between(1, 35))
    return None


def _soon_after(floor: Floor, at: datetime, same_day: float, longest: int) -> datetime:
    """Within hours for most, else within some selling days, more often few than many."""
    if floor.chance.flip(same_day):
        return floor.clock.after_open(at, floor.chance.between(45, 200))
    days = 0.3 + longest * floor.chance.between(0, 1) ** 2
    return floor.clock.after_open(at, _SELLING_DAY * days)


def _make(
    floor: Floor, lead: Lead | None, customer: Customer, sold_at: datetime, seller: Employee, condition: str | None
) -> Deal:
    chance, number = floor.chance, next(floor.deal_numbers)
    condition = condition or chance.pick(("new", "used"))
    others = [one for one in floor.shop.with_role("salesperson", floor.clock.day(sold_at)) if one != seller]
    front, back = _gross(floor, condition, 1.0 if lead is None else lead.source.front_factor)
    return Deal(
        number=number,
        lead=lead,
        customer=customer,
        sold_at=sold_at,
        delivered_at=floor.clock.after_open(sold_at, chance.between(20, 2500)),
        sale_type="lease" if condition == "new" and chance.flip(0.2) else "retail",
        vehicle_condition=condition,
        vin=_vin(floor, number),
        stock_number=f"{condition[0].upper()}{number % 100_000:05d}",
        salesperson=seller,
        split_with=chance.pick(others) if chance.flip(0.08) else None,
        front_gross=front,
        back_gross=back,
        reversed_at=sold_at + timedelta(days=chance.whole(3, 20)) if chance.flip(0.02) else None,
    )


def _gross(floor: Floor, condition: str, factor: float) -> tuple[float | None, float | None]:
    """Front and back gross; now and then one or both were never entered."""
    front = round(factor * floor.chance.normal(1750 if condition == "new" else 2150, 850), 2)
    back = round(max(0.0, floor.chance.normal(1200, 550)), 2)
    missing = floor.chance.between(0, 1)
    return (None if missing < 0.015 else front, None if missing < 0.008 or missing > 0.99 else back)


def _vin(floor: Floor, number: int) -> str:
    letters = "".join(floor.chance.pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(8))
    return f"9ZZ{letters}{number:06d}"


def deals_without_lead(floor: Floor, month: date, retail: float, wholesale: float) -> list[Deal]:
    """A month's deals whose buyers were never logged as leads, and its wholesale deals; means, not counts."""
    buyers = [(floor.shoppers.next(), "retail") for _ in range(floor.chance.count(retail))]
    auctions = [(_auction(floor.shop, nth), "wholesale") for nth in range(floor.chance.count(wholesale))]
    return [_loose(floor, month, customer, kind) for customer, kind in (*buyers, *auctions)]


def _auction(shop: Shop, nth: int) -> Customer:
    return Customer(900_000 + nth, f"{_AUCTION} {shop.store.currency}", None, None, is_reachable=False)


def _loose(floor: Floor, month: date, customer: Customer, kind: str) -> Deal:
    sold_at = floor.clock.after_open(floor.clock.at(month, 0), floor.chance.between(0, 24 * _SELLING_DAY))
    role = "salesperson" if kind == "retail" else "manager"
    seller = floor.chance.pick(floor.shop.with_role(role, floor.clock.day(sold_at)))
    deal = _make(floor, None, customer, sold_at, seller, None if kind == "retail" else "used")
    if kind == "retail":
        return deal
    return Deal(
        number=deal.number,
        lead=None,
        customer=customer,
        sold_at=sold_at,
        delivered_at=deal.delivered_at,
        sale_type="wholesale",
        vehicle_condition="used",
        vin=deal.vin,
        stock_number=deal.stock_number,
        salesperson=seller,
        split_with=None,
        front_gross=round(floor.chance.normal(150, 300), 2),
        back_gross=None,
    )


def survey_of(floor: Floor, deal: Deal) -> tuple[Survey, ...]:
    """A third of the buyers answer the survey, most of them pleased."""
    if not deal.is_counted or not floor.chance.flip(0.34):
        return ()
    score = floor.chance.weigh((10, 9, 8, 7, 5, 2), (0.46, 0.24, 0.12, 0.08, 0.06, 0.04))
    answered_at = deal.delivered_at + timedelta(seconds=floor.chance.whole(200_000, 1_500_000))
    return (Survey(next(floor.survey_numbers), deal, answered_at, score),)
