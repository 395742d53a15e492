"""Writing tables of text, and the sheets that a store keeps beside its CRM: roster, spend, survey, dealer accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from loaders.synthetic.records import Deal, Employee, History, SpendEntry, Survey
from loaders.synthetic.world import Shop

Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Sheet:
    """One export file: its name, its rows, and rows that no loader may accept, with the table that refuses them."""

    name: str
    rows: Sequence[Row]
    bad_rows: Sequence[Row] = ()
    table: str = ""


def write_sheet(directory: Path, sheet: Sheet) -> None:
    """Write the file as CSV; the bad rows stand together in the middle, where real ones would."""
    middle = len(sheet.rows) // 2
    rows = [*sheet.rows[:middle], *sheet.bad_rows, *sheet.rows[middle:]]
    if not rows:
        return
    columns = list(rows[0])
    frame = pl.DataFrame(
        [[row[name] for name in columns] for row in rows], dict.fromkeys(columns, pl.String), orient="row"
    )
    frame.write_csv(directory / sheet.name)


def yes_no(flag: bool) -> str:
    """A flag as CRMs write it."""
    return "True" if flag else "False"


def money(amount: float | None) -> str | None:
    """An amount with two decimals, or nothing."""
    return None if amount is None else f"{amount:.2f}"


def plain_sheets(shop: Shop, history: History) -> Iterable[Sheet]:
    """The store's own sheets, with the column names of the generic profile."""
    yield Sheet("roster.csv", [_roster_row(shop, person) for person in shop.staff])
    spend = [_spend_row(shop, entry) for entry in history.spend]
    negative = {**spend[0], "source": "Radio", "amount": "-120.00"}
    yield Sheet("spend.csv", spend, [negative], "spend")
    survey = [_survey_row(shop, answered) for answered in history.surveys]
    yield Sheet("survey.csv", survey, [{**row, "survey_id": "S0", "score": "14"} for row in survey[:1]], "survey")


def accounts_sheet(shop: Shop, history: History) -> Sheet:
    """The dealer accounts (DMS): every deal of the store, those without a lead too, by day and VIN."""
    deals = [deal for episode in history.episodes for deal in episode.deals]
    in_order = sorted((*deals, *history.loose_deals), key=lambda deal: (deal.sold_at, deal.number))
    return Sheet("dms_deals.csv", [_account_row(shop, deal) for deal in in_order])


def _roster_row(shop: Shop, person: Employee) -> Row:
    has_left = person.ended_on is not None and person.ended_on <= shop.clock.day(shop.as_of)
    return {
        "store": shop.store.name,
        "name": person.name,
        "role": person.role,
        "team": person.team,
        "started_on": person.started_on.isoformat(),
        "ended_on": person.ended_on.isoformat() if has_left and person.ended_on is not None else None,
    }


def _spend_row(shop: Shop, entry: SpendEntry) -> Row:
    return {
        "store": shop.store.name,
        "month": entry.month.strftime("%Y-%m"),
        "source": entry.source.name,
        "amount": money(entry.amount),
        "currency": shop.store.currency,
    }


def _survey_row(shop: Shop, survey: Survey) -> Row:
    lead = survey.deal.lead
    return {
        "store": shop.store.name,
        "survey_id": f"S{survey.number}",
        "lead_id": None if lead is None else str(lead.number),
        "answered_at": _local(shop, survey.answered_at),
        "instrument": "Purchase survey",
        "kind": "sales",
        "score": str(survey.score),
        "scale_min": "0",
        "scale_max": "10",
        "person": survey.deal.salesperson.name,
    }


def _account_row(shop: Shop, deal: Deal) -> Row:
    is_delivered = deal.delivered_at <= shop.as_of
    return {
        "store": shop.store.name,
        "system": "dms",
        "sale_id": f"D{deal.number}",
        "sold_at": _day(shop, deal.sold_at),
        "delivered_at": _day(shop, deal.delivered_at) if is_delivered else None,
        "reversed_at": None if deal.reversed_at is None else _day(shop, deal.reversed_at),
        "sale_type": deal.sale_type,
        "vehicle_condition": deal.vehicle_condition,
        "vin": deal.vin,
        "stock_number": deal.stock_number,
        "customer_name": deal.customer.name,
        "salesperson": deal.salesperson.name,
        "split_with": None if deal.split_with is None else deal.split_with.name,
        "front_gross": money(deal.front_gross),
        "back_gross": money(deal.back_gross),
    }


def _local(shop: Shop, at: datetime) -> str:
    return shop.clock.local(at).strftime("%Y-%m-%d %H:%M")


def _day(shop: Shop, at: datetime) -> str:
    return shop.clock.day(at).isoformat()
