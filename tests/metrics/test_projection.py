"""Projected closing rates: worked by hand, held against the curve they come from, and back-tested on known truth."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.projection import as_seen, back_test, back_test_summary, project
from metrics.statistics.survival import LOST, OPEN, SOLD, aalen_johansen, lag_table
from tests.metrics.test_survival import ROWS, rows_of

FEW = settings(max_examples=30)
# Of 100 older leads 10 bought on day 1 and 10 on day 10, 20 were lost on day 5, the others never bought.
OLDER = rows_of(*[(1, SOLD)] * 10, *[(5, LOST)] * 20, *[(10, SOLD)] * 10, *[(90, OPEN)] * 60)


def test_what_is_to_come_worked_by_hand() -> None:
    """Open after 3 days: 90 of 100 older ones were, and 10 of those 90 bought. So 45 open ones bring 5 more."""
    found = project(rows_of(*[(3, OPEN)] * 45, *[(1, SOLD)] * 5), OLDER, horizon=30)
    assert (found.chances, found.hits, found.open) == (50, 5, 45)
    assert found.value == pytest.approx((5 + 5) / 50)


@pytest.mark.parametrize(
    ("age", "horizon", "chance"),
    [(0, 10, 20 / 100), (1, 10, 10 / 90), (1, 9, 0), (9, 10, 10 / 70), (10, 30, 0), (4, 30, 10 / 90), (5, 30, 10 / 70)],
)
def test_an_age_is_watched_in_full_and_the_horizon_counts(age: int, horizon: int, chance: float) -> None:
    assert project(rows_of((age, OPEN)), OLDER, horizon).value == pytest.approx(chance)


def test_after_the_last_older_sale_nothing_more_is_expected_but_one_is_not_ruled_out() -> None:
    found = project(rows_of(*[(20, OPEN)] * 30, *[(1, SOLD)] * 10), OLDER, horizon=30)
    assert (found.value, found.low, found.high) == pytest.approx((10 / 40, 10 / 40, 11 / 40))


@FEW
@given(rows=ROWS, fresh=st.integers(1, 500))
def test_a_cohort_created_now_takes_the_older_curve_and_its_variance(rows: list[tuple[int, str]], fresh: int) -> None:
    older = pl.concat([rows_of(*rows), OLDER])
    curve = aalen_johansen(lag_table(older)).filter(pl.col("lag") <= 30).row(-1, named=True)
    found = project(rows_of(*[(-1, OPEN)] * fresh), older, horizon=30)
    assert found.value == pytest.approx(curve["value"])
    binomial = fresh * curve["value"] * (1 - curve["value"])
    assert found.variance == pytest.approx(binomial + fresh**2 * curve["variance"])


@FEW
@given(rows=ROWS)
def test_a_closed_cohort_is_its_final_rate_whatever_older_ones_did(rows: list[tuple[int, str]]) -> None:
    closed = [(lag + 31 if end == OPEN else lag, end) for lag, end in rows]
    found = project(rows_of(*closed), OLDER.head(0), horizon=30)
    hits = sum(end == SOLD for _, end in closed)
    assert (found.open, found.value) == (0, hits / len(closed))
    assert found.low == found.value == found.high


@FEW
@given(cohort=ROWS, rows=ROWS, seed=st.integers(0, 99))
def test_the_interval_holds_the_projection_and_order_changes_nothing(
    cohort: list[tuple[int, str]], rows: list[tuple[int, str]], seed: int
) -> None:
    frame, older = rows_of(*cohort), pl.concat([rows_of(*rows), OLDER])
    found = project(frame, older, horizon=20)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.hits / found.chances - 1e-12 <= found.low <= found.value <= found.high <= 1
    one, two = (part.sample(fraction=1, shuffle=True, seed=seed) for part in (frame, older))
    assert project(one, two, horizon=20) == found


def test_a_sale_after_the_horizon_is_no_hit() -> None:
    found = project(rows_of((29, SOLD), (30, SOLD), (31, SOLD)), OLDER, horizon=30)
    assert (found.hits, found.value) == (2, 2 / 3)


def test_each_kind_follows_its_own_older_rows_when_the_mix_changes() -> None:
    """Walk-ins buy on day 1 or never, web leads on day 20 or never: a month of web leads alone has all to come."""
    walk_in = [(1.0, SOLD, "walk-in")] * 30 + [(90.0, OPEN, "walk-in")] * 70
    web = [(20.0, SOLD, "web")] * 10 + [(90.0, OPEN, "web")] * 90
    older = typed(walk_in * 9 + web)
    cohort = typed([(5.0, OPEN, "web")] * 200 + [(5.0, OPEN, "walk-in")] * 10)
    found = project(cohort, older, 30, by=["lead_type"])
    assert found.value == pytest.approx(20 / 210)
    assert project(cohort, older, 30).value == pytest.approx(210 * 10 / 730 / 210)


def test_kinds_that_nobody_knows_yet_follow_all_older_rows_together() -> None:
    older = OLDER.with_columns(lead_type=pl.lit("web"))
    cohort = typed([(3.0, OPEN, "web")] * 45 + [(3.0, OPEN, "chat")] * 9 + [(3.0, OPEN, "text")] * 36)
    found = project(cohort, older, 30, by=["lead_type"])
    assert (found.chances, found.open) == (90, 90)
    assert found.value == pytest.approx(10 / 90)


@FEW
@given(cohort=ROWS, rows=ROWS)
def test_one_kind_is_as_no_kinds(cohort: list[tuple[int, str]], rows: list[tuple[int, str]]) -> None:
    kind = pl.lit("web").alias("lead_type")
    frame, older = rows_of(*cohort).with_columns(kind), pl.concat([rows_of(*rows), OLDER]).with_columns(kind)
    assert project(frame, older, 20, by=["lead_type"]) == project(frame, older, 20)


def typed(rows: list[tuple[float, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"lag": pl.Float64, "outcome": pl.String, "lead_type": pl.String}, orient="row")


def test_overdispersion_widens_the_interval_and_leaves_the_rate() -> None:
    cohort = rows_of(*[(2, OPEN)] * 400)
    plain, wider = project(cohort, OLDER, 30), project(cohort, OLDER, 30, overdispersion=3)
    assert plain.value == wider.value
    assert plain.low is not None
    assert plain.high is not None
    assert wider.low is not None
    assert wider.high is not None
    assert wider.low < plain.low < plain.high < wider.high


@pytest.mark.parametrize(
    ("cohort", "older", "reason"),
    [
        (OLDER.head(0), OLDER, "No opportunity was created."),
        (rows_of((3, OPEN)), OLDER.head(29), "Only 29 older opportunities: fewer than 30 cannot tell."),
        (rows_of((3, OPEN)), OLDER.head(0), "Only 0 older opportunities: fewer than 30 cannot tell."),
        (rows_of((3, OPEN)), rows_of(*[(9, OPEN)] * 40), "No older opportunity has been watched for 30 days yet."),
        (rows_of((7, OPEN)), rows_of(*[(6, LOST)] * 40), "No older opportunity was still open after 7 days."),
    ],
)
def test_what_older_cohorts_cannot_tell_is_null_with_the_reason(
    cohort: pl.DataFrame, older: pl.DataFrame, reason: str
) -> None:
    found = project(cohort, older, horizon=30)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


def opportunities(*rows: tuple[date, int | None, int | None]) -> pl.DataFrame:
    schema = {"created": pl.Date, "lag": pl.Int64, "lost_lag": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_an_earlier_day_knows_nothing_of_what_came_after_it() -> None:
    day = date(2025, 3, 1)
    rows = opportunities((day, 9, 4), (day, 3, None), (day, None, 10), (day, -2, None), (day + timedelta(11), 0, None))
    seen = as_seen(rows, day + timedelta(10))
    assert seen.select("lag", "outcome").rows() == [(9, SOLD), (3, SOLD), (10, LOST), (0, SOLD)]
    earlier = as_seen(rows, day + timedelta(5))
    assert earlier.select("lag", "outcome").rows() == [(4, LOST), (3, SOLD), (5, OPEN), (0, SOLD)]


def simulated_store(seed: int, per_day: float, spread: float = 0.0) -> pl.DataFrame:
    """420 days of leads, about 12 % of which buy: half at once, half over weeks; months differ by `spread`."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(420), random.poisson(per_day, 420))
    n = len(day)
    of_month = random.normal(0, spread, 20)[day // 30]
    is_sold = random.random(n) < 0.12 * np.exp(of_month)
    sold = np.where(random.random(n) < 0.5, random.integers(0, 4, n), random.exponential(25, n).astype(int))
    lost = np.where(is_sold | (random.random(n) < 0.4), -1, random.exponential(30, n).astype(int))
    frame = pl.DataFrame({"day": day, "lag": np.where(is_sold, sold, -1), "lost_lag": lost})
    created = pl.lit(date(2025, 1, 1)) + pl.duration(days="day")
    ended = (pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in ("lag", "lost_lag"))
    return frame.select(*ended, created=created)


LAST_DAY = date(2025, 1, 1) + timedelta(419)
AS_OFS = (date(2025, 8, 10), date(2025, 9, 28), date(2025, 11, 15))


def test_on_known_truth_projections_are_unbiased_beat_the_rate_so_far_and_are_covered() -> None:
    stores = [simulated_store(seed, per_day) for seed, per_day in enumerate((2, 8, 20) * 5)]
    tested = pl.concat([back_test(store, AS_OFS, 90, LAST_DAY) for store in stores])
    found = back_test_summary(tested).row(0, named=True)
    assert found["n"] > 100
    assert abs(found["bias"]) < 0.005
    assert found["mean_error"] < 0.6 * found["naive_error"]
    assert found["coverage"] > 0.92
    assert found["overdispersion"] < 1.5


def test_months_that_differ_are_found_and_the_widened_interval_covers() -> None:
    stores = [simulated_store(seed, 20, spread=0.35) for seed in range(6)]
    plain = back_test_summary(pl.concat([back_test(store, AS_OFS, 90, LAST_DAY) for store in stores]))
    factor = plain["overdispersion"][0]
    wider = back_test_summary(
        pl.concat([back_test(store, AS_OFS, 90, LAST_DAY, overdispersion=factor) for store in stores])
    )
    assert factor > 1.5
    assert plain["coverage"][0] < wider["coverage"][0]
    assert wider["coverage"][0] > 0.9


def test_a_back_test_projects_only_what_was_open_then_and_is_closed_now() -> None:
    tested = back_test(simulated_store(1, 8), AS_OFS, 90, LAST_DAY)
    assert tested.filter(pl.col("cohort") > pl.col("as_of")).is_empty()
    assert tested.filter(pl.col("open") == 0).is_empty()
    last = (pl.col("cohort").dt.month_end() + pl.duration(days=90)) <= pl.lit(LAST_DAY)
    assert tested.filter(~last & (pl.col("cohort").dt.month_end() <= pl.col("as_of"))).is_empty()


def test_a_back_test_of_counted_rows_is_that_of_the_rows_themselves() -> None:
    rows = simulated_store(3, 8)
    counted = rows.group_by("created", "lag", "lost_lag").agg(n=pl.len().cast(pl.Int64))
    assert 0 < counted.height < rows.height
    assert back_test(counted, AS_OFS, 90, LAST_DAY).equals(back_test(rows, AS_OFS, 90, LAST_DAY))


def test_a_back_test_is_a_projection_of_what_was_seen_then() -> None:
    """Each line anew, from single rows as they stood at the as_of."""
    rows = simulated_store(4, 8)
    tested = back_test(rows, AS_OFS, 90, LAST_DAY)
    assert tested.height > 3
    for row in tested.iter_rows(named=True):
        seen = as_seen(rows, row["as_of"]).with_columns(month=pl.col("created").dt.month_start())
        cohort, older = seen.filter(pl.col("month") == row["cohort"]), seen.filter(pl.col("month") < row["cohort"])
        found = project(cohort, older, 90)
        assert (found.value, found.low, found.high) == (row["projected"], row["low"], row["high"])
        lags = rows.filter(pl.col("created").is_between(cohort["created"].min(), cohort["created"].max()))["lag"]
        assert row["final"] == sum(lag is not None and lag <= 90 for lag in lags.to_list()) / cohort.height


def test_a_back_test_without_rows_has_nulls_and_no_error() -> None:
    tested = back_test(opportunities(), AS_OFS, 90, LAST_DAY)
    assert tested.is_empty()
    assert back_test_summary(tested).row(0) == (0, None, None, None, None, None)
