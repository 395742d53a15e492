"""Return on spend and its bootstrap interval: against exact ones, on known truth, in words where there is none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from metrics.statistics.bootstrap import FEW_SALES, GROSS_UNKNOWN, NO_SPEND, SPEND_UNKNOWN, roi, total_interval

GROSS = st.lists(st.integers(-2_000, 9_000).map(float), min_size=5, max_size=40)
FEW = settings(max_examples=40)


def deals_of(**grosses: list[float | None]) -> pl.DataFrame:
    rows = [(source, gross) for source, amounts in grosses.items() for gross in amounts]
    return pl.DataFrame(rows, schema={"source": pl.String, "gross": pl.Float64}, orient="row")


def spend_of(**spend: float | None) -> pl.DataFrame:
    return pl.DataFrame(list(spend.items()), schema={"source": pl.String, "spend": pl.Float64}, orient="row")


@pytest.mark.parametrize("sales", [10, 30, 100])
def test_of_equal_deals_only_the_number_varies_as_in_the_exact_poisson_interval(sales: int) -> None:
    """F. Garwood, Biometrika 28 (1936) 437-442; the resampled ends may lie a sale nearer, for counts are whole."""
    exact = chi2.ppf(0.025, 2 * sales) / 2, chi2.ppf(0.975, 2 * sales + 2) / 2
    found = total_interval(np.ones(sales))
    assert found is not None
    assert found == pytest.approx(exact, abs=1.5)


@pytest.mark.parametrize("sales", [8, 20, 60])
def test_nineteen_of_twenty_intervals_hold_the_true_total(sales: int) -> None:
    """400 simulated sources, sales Poisson, gross skewed with a loss here and there; 95 % +- 3.3 points by chance."""
    random = np.random.default_rng(sales)
    inside = []
    for seed in range(400):
        amounts = random.gamma(1.3, 1_800, max(random.poisson(sales), 5)) - 300
        found = total_interval(amounts, seed=seed, draws=500)
        assert found is not None
        inside.append(found[0] <= sales * (1.3 * 1_800 - 300) <= found[1])
    assert 0.91 <= np.mean(inside) <= 0.985


def test_roi_is_gross_less_spend_over_spend_with_an_interval_around_it() -> None:
    row = roi(deals_of(web=[1_000, 2_000, 3_000, 1_500, 2_500]), spend_of(web=4_000)).row(0, named=True)
    assert (row["gross"], row["sales"], row["roi"], row["state"]) == (10_000, 5, 1.5, None)
    assert -1 <= row["low"] < 1.5 < row["high"]


@FEW
@given(gross=GROSS, spend=st.integers(1, 20_000), seed=st.integers(0, 9))
def test_the_interval_holds_roi_and_is_the_same_in_any_order_and_under_any_name(
    gross: list[float], spend: int, seed: int
) -> None:
    one = roi(deals_of(web=[*gross]), spend_of(web=spend), seed, draws=200)
    assert total_interval(np.array(gross)) == total_interval(np.array(gross[::-1]))
    two = roi(deals_of(lot=[*reversed(gross)]), spend_of(lot=spend), seed, draws=200)
    assert one.drop("source").equals(two.drop("source"))
    row = one.row(0, named=True)
    if row["state"] is None:
        assert row["low"] <= row["roi"] <= row["high"]


def test_another_source_changes_nothing_for_this_one() -> None:
    alone = roi(deals_of(web=[900.0] * 9), spend_of(web=4_000))
    among = roi(deals_of(web=[900.0] * 9, lot=[50.0] * 30), spend_of(web=4_000, lot=1))
    assert among.filter(pl.col("source") == "web").equals(alone)


@pytest.mark.parametrize(
    ("gross", "spend", "value", "state"),
    [
        ([100.0] * 4, 200.0, 1.0, FEW_SALES),
        ([], 200.0, -1.0, FEW_SALES),
        ([100.0] * 9, None, None, SPEND_UNKNOWN),
        ([100.0] * 9, 0.0, None, NO_SPEND),
        ([None] * 9, 200.0, None, GROSS_UNKNOWN),
        ([None, *[100.0] * 4], 200.0, 1.0, FEW_SALES),
    ],
)
def test_what_cannot_be_told_is_null_and_said_in_words(
    gross: list[float | None], spend: float | None, value: float | None, state: str
) -> None:
    row = roi(deals_of(web=gross), spend_of(web=spend)).row(0, named=True)
    assert (row["roi"], row["low"], row["high"], row["state"]) == (value, None, None, state)
    assert row["sales_without_gross"] == gross.count(None)


def test_one_month_of_unknown_spend_makes_the_sum_unknown() -> None:
    spend = pl.concat([spend_of(web=100), spend_of(web=None)])
    assert roi(deals_of(web=[100.0] * 9), spend)["state"].to_list() == [SPEND_UNKNOWN]


def test_sales_of_a_source_nobody_entered_spend_for_are_kept() -> None:
    found = roi(deals_of(walk_in=[100.0] * 9), spend_of(web=100))
    assert found.select("source", "gross", "state").rows() == [("walk_in", 900, SPEND_UNKNOWN), ("web", 0, FEW_SALES)]


def test_many_deals_are_drawn_in_blocks_to_the_same_kind_of_answer() -> None:
    amounts = np.random.default_rng(1).normal(2_000, 500, 1_300)
    found = total_interval(amounts, draws=800)
    assert found is not None
    reach = 1.96 * np.sqrt(np.sum(amounts**2))
    assert found == pytest.approx((amounts.sum() - reach, amounts.sum() + reach), rel=0.02)
