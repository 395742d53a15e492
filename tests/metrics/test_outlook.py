"""What is still to come: lags add up to the metric, closed cohorts are final, and the pace starts from the month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings

from metrics.comparisons.outlook import month_pace, projected, projection_test
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse, evaluate, lags, open_warehouse
from metrics.filters import Filters
from tests.star import DAY, Star, opportunity, sale, star_of, stars, write_warehouse

WHOLE = Filters()


def opened(directory: Path, star: Star) -> Warehouse:
    return open_warehouse(write_warehouse(directory, star))


@settings(max_examples=15)
@given(star=stars())
def test_lags_hold_each_row_of_the_metric_once(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        for name in ("closing_rate", "contact_rate"):
            told = evaluate(warehouse, [name], WHOLE).row(0, named=True)
            found = lags(warehouse, name, WHOLE)
            assert found["n"].sum() == told["denominator"]
            assert found.filter(pl.col("lag").is_not_null())["n"].sum() == told["numerator"]
        warehouse.close()


@settings(max_examples=15)
@given(star=stars())
def test_a_hit_within_so_many_days_has_a_lag_within_them(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        told = evaluate(warehouse, ["closing_rate_30"], WHOLE).row(0, named=True)
        closed = lags(warehouse, "closing_rate_30", WHOLE).filter(pl.col("age") >= 30)
        assert closed["n"].sum() == told["denominator"]
        assert closed.filter(pl.col("lag") <= 30)["n"].sum() == told["numerator"]
        warehouse.close()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Forty opportunities a week since January; a tenth buys on the third day, a tenth on the tenth; now is 20 May."""
    rows = []
    now = datetime(2026, 5, 20, 18, tzinfo=UTC)
    for week in range(20):
        created = datetime(2026, 1, 1, 15, tzinfo=UTC) + timedelta(days=7 * week)
        for number in range(40):
            days = 3 if number < 4 else 10 if number < 8 else None
            sold_at = None if days is None else created + timedelta(days=days)
            is_sold = sold_at is not None and sold_at <= now
            rows.append(
                opportunity(
                    f"o{week}-{number}", created_at=created, is_sold=is_sold, sold_at=sold_at if is_sold else None,
                    seconds_to_sold=days * DAY if is_sold and days else None,
                )
            )  # fmt: skip
    return opened(tmp_path_factory.mktemp("steady"), star_of(fct_opportunity=rows))


def test_a_closed_cohort_is_what_it_is(steady: Warehouse) -> None:
    found = projected(steady, "closing_rate_30", WHOLE).row(0, named=True)
    assert (found["cohort"], found["open"]) == (date(2026, 1, 1), 0)
    assert found["projected"] == found["so_far"] == found["low"] == found["high"] == pytest.approx(0.2)
    assert "final after 30 days" in found["sentence"]


def test_a_young_cohort_is_projected_to_what_older_ones_came_to(steady: Warehouse) -> None:
    found = projected(steady, "closing_rate_30", Filters(start=date(2026, 5, 1))).row(0, named=True)
    assert found["so_far"] < 0.2
    assert found["projected"] == pytest.approx(0.2, abs=0.005)
    assert found["low"] <= found["projected"] <= found["high"]


def test_the_back_test_says_how_far_projections_were_off(steady: Warehouse) -> None:
    found = projection_test(steady, "closing_rate_30", WHOLE).row(0, named=True)
    assert found["n"] > 0
    assert found["mean_error"] < 0.01 < found["naive_error"]
    assert found["sentence"].startswith(f"{found['n']} earlier projections")


def test_the_first_cohort_has_nothing_older_to_go_by(tmp_path: Path) -> None:
    young = [opportunity(f"o{n}", created_at=datetime(2026, 5, 10, 15, tzinfo=UTC)) for n in range(40)]
    warehouse = opened(tmp_path, star_of(fct_opportunity=young))
    found = projected(warehouse, "closing_rate", WHOLE).row(0, named=True)
    assert found["projected"] is None
    assert "fewer than 30 cannot tell" in found["sentence"]
    with pytest.raises(NoSuchData, match="projected and has closed"):
        projection_test(warehouse, "closing_rate", WHOLE)


@pytest.mark.parametrize("name", ["show_rate", "show_to_sale", "never_answered_rate", "answered_within_standard"])
def test_a_rate_without_a_dated_hit_in_days_is_not_projected(steady: Warehouse, name: str) -> None:
    with pytest.raises(MetricError, match="cannot be projected"):
        projected(steady, name, WHOLE)


def test_pace_begins_with_what_the_month_has_brought(tmp_path: Path) -> None:
    days = [date(2026, 1, 5) + timedelta(days=number) for number in range(136)]
    sold = [
        sale(
            f"d{day}-{n}",
            weight=1.0,
            sold_on=day,
            sold_at=datetime(day.year, day.month, day.day, 16, tzinfo=UTC),
            is_counted=True,
        )
        for day in days
        for n in range(2)
        if day.isoweekday() != 7
    ]
    aim = {"store_key": "s1", "month": date(2026, 5, 1), "metric": "sold_units", "value": 50.0}
    warehouse = opened(tmp_path, star_of(fct_sale=sold, target=[aim]))
    found = month_pace(warehouse, "sold_units", WHOLE).row(0, named=True)
    month = Filters(start=date(2026, 5, 1), end=date(2026, 5, 31))
    assert found["so_far"] == evaluate(warehouse, ["sold_units"], month)["value"][0]
    assert found["target"] == 50
    assert "The target is 50." in found["sentence"]
    assert found["days_left"] == 9  # 21 to 30 May without the Sunday; the 31st is one too
    assert found["projected"] == pytest.approx(found["so_far"] + 18, abs=1)
    assert found["low"] <= found["projected"] <= found["high"]


def test_what_does_not_add_up_over_days_has_no_pace(steady: Warehouse) -> None:
    with pytest.raises(MetricError, match="does not add up"):
        month_pace(steady, "closing_rate", WHOLE)


def test_too_little_history_gives_no_pace_but_a_reason(tmp_path: Path) -> None:
    found = month_pace(opened(tmp_path, star_of(fct_sale=[sale("d", weight=1.0)])), "sold_units", WHOLE)
    row = found.row(0, named=True)
    assert row["projected"] is None
    assert "Too little history" in row["sentence"]
