"""The marginal view: finds a return that is there, says where it cannot be told, and moves no unknown money."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.budget import CANNOT_TELL, LESS, LIKE, SOMETHING, Marginal, marginal_return, what_if

FEW = settings(max_examples=40)


def months_of(spend: list[float], results: list[float | None], **others: list[float]) -> pl.DataFrame:
    days = [date(2023 + number // 12, number % 12 + 1, 1) for number in range(len(spend))]
    schema = {"spend": pl.Float64, "results": pl.Float64}
    frame = pl.DataFrame({"spend": spend, "results": results, **others}, schema_overrides=schema)
    return frame.with_columns(month=pl.Series(days, dtype=pl.Date))


SPEND = [3000.0, 4200, 2500, 5000, 3600, 2800, 4700, 3900, 2600, 4400]


def test_a_return_without_noise_is_found_exactly_through_trend_and_season() -> None:
    season = [4.0, 9, 2, 7, 1, 8, 3, 6, 5, 2]
    when = [(day - date(2023, 1, 1)).days for day in months_of(SPEND, [*SPEND])["month"].to_list()]
    results: list[float | None] = [
        20 + 0.01 * spend + 0.05 * day + 3 * other for spend, day, other in zip(SPEND, when, season, strict=True)
    ]
    found = marginal_return(months_of(SPEND, results, others=season))
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))
    assert found.verdict == LESS
    assert (found.months, found.least, found.most) == (10, 2500, 5000)


def simulated(seed: int, months: int, slope: float, base: float) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    spend = random.uniform(1_000, 5_000, months)
    season = random.normal(0, 10, months)
    results = random.poisson(np.maximum(base + slope * spend + season, 0))
    others = random.poisson(300 + 5 * season)
    return months_of(spend.tolist(), results.astype(float).tolist(), others=others.astype(float).tolist())


@pytest.mark.parametrize("months", [8, 12, 24])
def test_nineteen_of_twenty_intervals_hold_the_true_return(months: int) -> None:
    found = [marginal_return(simulated(seed, months, 0.02, 40)) for seed in range(120)]
    inside = [one.low <= 0.02 <= one.high for one in found if one.low is not None and one.high is not None]
    assert len(inside) == 120
    assert 0.9 <= np.mean(inside) <= 1


def test_money_that_brings_nothing_is_called_less_than_average_and_never_like_it() -> None:
    found = [marginal_return(simulated(seed, 24, 0.0, 60)).verdict for seed in range(40)]
    assert found.count(LESS) >= 36
    assert LIKE not in found
    assert found.count(SOMETHING) <= 2


def test_money_that_brings_as_much_as_ever_is_not_called_less() -> None:
    found = [marginal_return(simulated(seed, 24, 0.02, 0)).verdict for seed in range(40)]
    assert found.count(LESS) <= 3
    assert found.count(LIKE) >= 30


@pytest.mark.parametrize(
    ("spend", "results", "reason"),
    [
        (SPEND[:7], [9.0] * 7, "Only 7 months"),
        (SPEND, [9.0] * 7 + [None] * 3, "Only 7 months"),
        ([], [], "Only 0 months"),
        ([3000.0, 3100] * 5, [9.0, 8] * 5, "Spend hardly varied"),
        ([0.0] * 10, [9.0] * 10, "Spend hardly varied"),
        ([1000.0 * month for month in range(1, 11)], [9.0] * 10, "Spend only followed"),
        (SPEND, [30.0, 2, 55, 1, 40, 3, 20, 60, 2, 9], "The interval holds both"),
    ],
)
def test_too_few_months_too_little_variation_and_too_much_noise_cannot_be_told(
    spend: list[float], results: list[float | None], reason: str
) -> None:
    found = marginal_return(months_of(spend, results))
    assert found.verdict == CANNOT_TELL
    assert found.reason is not None
    assert found.reason.startswith(reason)


@FEW
@given(results=st.lists(st.integers(0, 90).map(float), min_size=10, max_size=10), seed=st.integers(0, 99))
def test_the_interval_holds_the_value_and_order_changes_nothing(results: list[float], seed: int) -> None:
    months = months_of(SPEND, [*results])
    found = marginal_return(months)
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert marginal_return(months.sample(fraction=1, shuffle=True, seed=seed)) == found


def told(value: float, low: float, high: float) -> Marginal:
    return Marginal(12, 0.01, 1_000, 5_000, value, low, high, LIKE)


SOURCES = {"web": told(0.010, 0.007, 0.013), "lot": told(0.002, 0.001, 0.006)}
NOW = {"web": 2_000.0, "lot": 4_000.0}


def test_a_moved_budget_worked_by_hand() -> None:
    """500 x 0.010 - 500 x 0.002 = 4; below hypot(1.5, 2.0) = 2.5, above hypot(1.5, 0.5)."""
    found = what_if(SOURCES, NOW, {"web": 500, "lot": -500})
    assert found.change == pytest.approx(4)
    assert found.low == pytest.approx(4 - 2.5)
    assert found.high == pytest.approx(4 + np.hypot(1.5, 0.5))


def test_no_move_changes_nothing() -> None:
    found = what_if(SOURCES, NOW, {"web": 0, "lot": 0})
    assert (found.change, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        ({"web": 3_001.0}, "web: 5,001 a month was never tried"),
        ({"lot": -3_500.0}, "lot: 500 a month was never tried"),
        ({"radio": 100.0}, "radio: what more or less spend brings cannot be told"),
    ],
)
def test_money_is_not_moved_where_nobody_has_looked(moves: dict[str, float], reason: str) -> None:
    unknown = marginal_return(months_of(SPEND[:3], [1.0, 2, 3]))
    found = what_if(SOURCES | {"radio": unknown}, NOW | {"radio": 3_000.0}, moves)
    assert (found.change, found.low, found.high) == (None, None, None)
    assert str(found.reason).startswith(reason)
