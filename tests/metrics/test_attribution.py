"""Credit by the first lead, the last and evenly: each sums to the total to the last millionth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.attribution import NO_LEAD, RULES, credit

FEW = settings(max_examples=40)
SOLD_AT = datetime(2025, 6, 30, 18, tzinfo=UTC)
LEAD = st.tuples(st.sampled_from("ABC"), st.integers(-3, 120))
DEALS = st.lists(
    st.tuples(st.none() | st.integers(-500_000, 900_000), st.lists(LEAD, max_size=4)), min_size=1, max_size=8
)
Deals = list[tuple[int | None, list[tuple[str, int]]]]


def frames(deals: Deals) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Deals as (cents, leads), leads as (source, days before the sale)."""
    sales = [
        (number, SOLD_AT, None if cents is None else Decimal(cents) / 100) for number, (cents, _) in enumerate(deals)
    ]
    leads = [
        (number, f"{number}-{place}", source, SOLD_AT - timedelta(days=days))
        for number, (_, touches) in enumerate(deals)
        for place, (source, days) in enumerate(touches)
    ]
    moment = pl.Datetime("us", "UTC")
    return (
        pl.DataFrame(
            leads,
            schema={"sale": pl.Int64, "lead": pl.String, "source": pl.String, "created_at": moment},
            orient="row",
        ),
        pl.DataFrame(sales, schema={"sale": pl.Int64, "sold_at": moment, "amount": pl.Decimal(18, 2)}, orient="row"),
    )


def test_three_rules_worked_by_hand() -> None:
    """Two sales of one unit: A, then B and B again; and A alone, of which B had no part."""
    leads, sales = frames([(100, [("A", 20), ("B", 9), ("B", 2)]), (100, [("A", 5)])])
    found = credit(leads, sales, window_days=90)
    assert found.select("source", *RULES).rows() == [
        ("A", Decimal(2), Decimal(1), Decimal("1.333334")),
        ("B", Decimal(0), Decimal(1), Decimal("0.666666")),
    ]
    assert found.select("sales", "assisted").rows() == [(2, 1), (1, 0)]


def test_a_source_whose_rank_depends_on_the_rule_is_flagged() -> None:
    leads, sales = frames(
        [(100, [("A", 9), ("B", 2)]), (100, [("A", 9), ("B", 2)]), (100, [("C", 1)]), (100, [("C", 1)])]
    )
    flips = dict(credit(leads, sales, 90).select("source", "is_flipped").rows())
    assert flips == {"A": True, "B": True, "C": False}


@pytest.mark.parametrize(("days", "source"), [(90, "A"), (91, NO_LEAD), (0, "A"), (-1, NO_LEAD)])
def test_the_window_holds_its_first_and_last_moment(days: int, source: str) -> None:
    leads, sales = frames([(100, [("A", days)])])
    assert credit(leads, sales, 90).select("source", "first").rows() == [(source, Decimal(1))]


def test_unknown_gross_is_credited_to_nobody_and_is_no_zero() -> None:
    leads, sales = frames([(None, [("A", 3)]), (250, [("B", 3)])])
    found = credit(leads, sales, 90).select("source", "first", "even", "sales").rows()
    assert found == [("A", None, None, 1), ("B", Decimal("2.5"), Decimal("2.5"), 1)]


@FEW
@given(deals=DEALS)
def test_each_rule_sums_to_the_amounts_exactly(deals: Deals) -> None:
    found = credit(*frames(deals), window_days=90)
    whole = sum((Decimal(cents) / 100 for cents, _ in deals if cents is not None), Decimal(0))
    for rule in RULES:
        assert sum(found[rule].drop_nulls().to_list(), Decimal(0)) == whole


@FEW
@given(deals=DEALS)
def test_credit_is_that_of_exact_fractions_to_the_millionth_per_lead(deals: Deals) -> None:
    expected: dict[str, Fraction] = {}
    for cents, touches in deals:
        sources = [source for source, days in touches if 0 <= days <= 90] or [NO_LEAD]
        for source in sources:
            expected[source] = expected.get(source, Fraction(0)) + Fraction(cents or 0, 100 * len(sources))
    found = dict(credit(*frames(deals), window_days=90).select("source", "even").rows())
    assert found.keys() == expected.keys()
    for source, share in expected.items():
        assert abs(Fraction(found[source] or 0) - share) <= Fraction(len(deals) * 4, 1_000_000)


@FEW
@given(deals=DEALS, seed=st.integers(0, 99))
def test_order_and_names_change_nothing(deals: Deals, seed: int) -> None:
    leads, sales = frames(deals)
    found = credit(leads, sales, 90)
    one, two = (part.sample(fraction=1, shuffle=True, seed=seed) for part in (leads, sales))
    shuffled = credit(one, two, 90)
    assert found.equals(shuffled)
    renamed = credit(leads.with_columns(source="z" + pl.col("source")), sales, 90)
    assert renamed.drop("source").sort(pl.all()).equals(found.drop("source").sort(pl.all()))


@FEW
@given(deals=DEALS)
def test_who_has_the_last_lead_of_every_sale_assisted_in_none(deals: Deals) -> None:
    found = credit(*frames(deals), window_days=90)
    assert found.filter((pl.col("assisted") > pl.col("sales")) | (pl.col("assisted") < 0)).is_empty()
    only = [[source for source, days in touches if 0 <= days <= 90] for _, touches in deals]
    for source, assisted in found.select("source", "assisted").iter_rows():
        if all(set(sources) == {source} for sources in only if source in sources):
            assert assisted == 0


def test_nothing_sold_credits_nobody() -> None:
    leads, sales = frames([(100, [("A", 1)])])
    assert credit(leads, sales.clear(), 90).is_empty()
