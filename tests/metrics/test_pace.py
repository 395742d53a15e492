"""Pace to month end: exact where nothing is left to chance, covered where it is, null where history is short."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from metrics.statistics.pace import Pace, pace, prediction

FEW = settings(max_examples=30)
FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(365)]
CALENDAR = pl.DataFrame({"day": DAYS, "is_open": [day.isoweekday() != 7 for day in DAYS]})


def history(units: list[float], until: date = DAYS[-1]) -> pl.DataFrame:
    frame = pl.DataFrame({"day": DAYS[: len(units)], "units": units}, schema={"day": pl.Date, "units": pl.Float64})
    return frame.filter(pl.col("day") <= until)


def by_weekday(*units: float) -> list[float]:
    return [units[day.weekday()] for day in DAYS]


STEADY = by_weekday(2, 2, 2, 2, 3, 6, 0)


def test_a_store_as_regular_as_its_weekdays_ends_where_the_weekdays_say() -> None:
    """19 June 2025 is a Thursday; 20 to 30 June hold two Fridays, two Saturdays and five other open days."""
    found = pace(history(STEADY, date(2025, 6, 19)), CALENDAR, date(2025, 6, 19))
    assert found.days_left == 9
    assert found.rest == pytest.approx(2 * 3 + 2 * 6 + 5 * 2)
    assert found.projected == pytest.approx(sum(STEADY[151:181]))
    low, high = poisson.ppf((0.025, 0.975), 28)
    assert found.low is not None
    assert found.high is not None
    assert found.low - found.so_far <= low
    assert found.high - found.so_far >= high


@given(mean=st.floats(0.01, 3_000), dispersion=st.floats(1.001, 30), confidence=st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_a_prediction_holds_the_quantiles_that_scipy_gives(mean: float, dispersion: float, confidence: float) -> None:
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = nbinom.ppf(tails, mean / (dispersion - 1), 1 / dispersion)
    assert prediction(mean, mean * dispersion, confidence) == (min(low, mean), max(high, mean))
    low, high = poisson.ppf(tails, mean)
    assert prediction(mean, mean, confidence) == (min(low, mean), max(high, mean))


def test_a_holiday_ahead_is_a_closed_day() -> None:
    as_of = date(2025, 6, 19)
    is_holiday = pl.col("day") == date(2025, 6, 21)
    closed = CALENDAR.with_columns(is_open=pl.col("is_open") & ~is_holiday)
    found, usual = (pace(history(STEADY, as_of), calendar, as_of) for calendar in (closed, CALENDAR))
    assert found.rest is not None
    assert usual.rest is not None
    assert usual.rest - found.rest == pytest.approx(6)


def test_what_comes_in_on_closed_days_is_a_kind_of_day_of_its_own() -> None:
    as_of = date(2025, 6, 19)
    found = pace(history(by_weekday(2, 2, 2, 2, 3, 6, 1), as_of), CALENDAR, as_of)
    assert found.rest == pytest.approx(2 * 3 + 2 * 6 + 5 * 2 + 2 * 1)


def test_on_the_last_day_the_month_is_what_it_is() -> None:
    as_of = date(2025, 6, 30)
    whole = sum(STEADY[151:181])
    assert pace(history(STEADY, as_of), CALENDAR, as_of) == Pace(whole, 0, 0.0, whole, whole, whole)


@pytest.mark.parametrize(
    ("units", "as_of"),
    [(STEADY[:27], date(2025, 1, 27)), ([0.0] * 80 + [1.0] * 9, date(2025, 3, 30)), ([], date(2025, 3, 30))],
)
def test_too_little_history_says_null_and_why(units: list[float], as_of: date) -> None:
    found = pace(history(units), CALENDAR, as_of)
    assert (found.rest, found.projected, found.low, found.high) == (None, None, None, None)
    assert found.reason is not None
    assert found.reason.startswith("Too little history")
    assert found.so_far == sum(units[as_of.timetuple().tm_yday - as_of.day :])


def test_a_push_at_the_end_of_months_is_expected_again() -> None:
    pushed = [
        units * (3 if (day + timedelta(days=4)).month != day.month else 1)
        for day, units in zip(DAYS, STEADY, strict=True)
    ]
    as_of = date(2025, 6, 24)
    found = pace(history(pushed, as_of), CALENDAR, as_of)
    assert found.month_shape is not None
    assert found.rest is not None
    assert found.month_shape > 1.2
    flat = pace(history(STEADY, as_of), CALENDAR, as_of)
    assert flat.month_shape == pytest.approx(1)


def test_days_after_today_and_the_order_of_rows_change_nothing() -> None:
    as_of = date(2025, 6, 19)
    known = history(STEADY, as_of)
    shuffled = history(STEADY).sample(fraction=1, shuffle=True, seed=3)
    assert pace(shuffled, CALENDAR.reverse(), as_of) == pace(known, CALENDAR, as_of)


def test_a_day_without_a_row_had_none() -> None:
    as_of = date(2025, 6, 19)
    known = history(STEADY, as_of)
    assert pace(known.filter(pl.col("units") > 0), CALENDAR, as_of) == pace(known, CALENDAR, as_of)


@FEW
@given(units=st.lists(st.integers(0, 9), min_size=60, max_size=180), extra=st.integers(0, 3))
def test_the_interval_holds_the_projection_and_the_month_to_date(units: list[int], extra: int) -> None:
    as_of = DAYS[len(units) - 1]
    found = pace(history([float(unit + extra) for unit in units]), CALENDAR, as_of)
    if found.reason is None:
        assert found.projected is not None
        assert found.low is not None
        assert found.high is not None
        assert found.so_far <= found.low <= found.projected <= found.high


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_nineteen_of_twenty_months_end_within_the_interval(dispersion: float) -> None:
    """60 simulated stores x 2 days, counts Poisson or 2.5 times as variable; 95 % +- 4.5 points by chance."""
    random = np.random.default_rng(7)
    mean = np.array(STEADY)
    inside = []
    for _ in range(60):
        units = random.poisson(mean) if dispersion == 1 else random.negative_binomial(mean / 1.5 + 1e-9, 1 / dispersion)
        for as_of in (date(2025, 8, 10), date(2025, 11, 20)):
            found = pace(history(units.astype(float).tolist(), as_of), CALENDAR, as_of)
            final = sum(int(unit) for day, unit in zip(DAYS, units, strict=True) if day.month == as_of.month)
            assert found.low is not None
            assert found.high is not None
            inside.append(found.low <= final <= found.high)
    assert 0.9 <= np.mean(inside) <= 1


def test_a_calendar_that_ends_too_early_is_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match="does not hold 2025-06-30"):
        pace(history(STEADY), CALENDAR.head(170), date(2025, 6, 19))
