"""Spend that would count twice is said, since nothing in the files proves which export is meant."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.loaders.star_building import Row, star, stars


def entry(first: date, last: date, **more: object) -> Row:
    return {"source": "Google Ads", "period_start": first, "period_end": last, "amount": Decimal(10), **more}


MARCH = entry(date(2026, 3, 1), date(2026, 3, 31), campaign="Brand")
FIFTH = entry(date(2026, 3, 5), date(2026, 3, 5), campaign="Brand")
SIXTH = entry(date(2026, 3, 6), date(2026, 3, 6), campaign="Brand")


def test_a_month_and_its_days_of_one_campaign_are_one_finding() -> None:
    """
    March  |-------------------------------|
    days        5 6                            both lie in March: the money counts twice
    """
    with star(spend=[SIXTH, MARCH, FIFTH]) as query:
        found = query.one("select finding, detail from data_finding")
    assert found["finding"] == "spend_periods_overlap"
    assert found["detail"] == (
        "Google Ads, campaign Brand: entries with overlapping periods both count, the first from 2026-03-05 (2 in all)"
    )


def test_what_does_not_overlap_or_is_a_part_of_the_same_period_is_no_finding() -> None:
    others = {
        "other campaign": {**FIFTH, "campaign": "Trucks"},
        "other account": {**FIFTH, "account": "second"},
        "other source": {**FIFTH, "source": "Facebook"},
        "unknown amount": {**FIFTH, "amount": None},
        "same period": MARCH,
        "next month": entry(date(2026, 4, 1), date(2026, 4, 30), campaign="Brand"),
    }
    with stars([{"spend": [MARCH, other]} for other in others.values()]) as queries:
        for case, query in zip(others, queries, strict=True):
            assert query("from fct_spend"), case
            assert query.one("select count(*) as n from data_finding")["n"] == 0, case
