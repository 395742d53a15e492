"""How long a sale takes: the curve of Kaplan and Meier by day, from leads of every age."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from metrics.comparisons.waiting import days_to, marks
from metrics.declare import MetricError, NoSuchData
from metrics.engine import open_warehouse
from metrics.filters import Filters
from tests.star import DAY, Row, Star, opportunity, star_of, stars, write_warehouse

NOW = datetime(2026, 5, 20, 18, tzinfo=UTC)


def created(days_ago: int, count: int, sold: int, after: int) -> list[Row]:
    came = NOW - timedelta(days=days_ago, hours=1)
    rows = []
    for number in range(count):
        is_sold = number < sold
        sold_at = came + timedelta(days=after) if is_sold else None
        row = opportunity(f"o{days_ago}-{number}", created_at=came, is_sold=is_sold, sold_at=sold_at)
        rows.append(row | {"seconds_to_sold": after * DAY if is_sold else None})
    return rows


def test_old_leads_give_the_plain_share_at_every_day(tmp_path: Path) -> None:
    star = star_of(fct_opportunity=created(120, 40, 10, 5))
    curve = days_to(open_warehouse(write_warehouse(tmp_path, star)), "closing_rate", Filters())
    by_day = dict(curve.select("day", "value").iter_rows())
    assert (by_day[4], by_day[5], by_day[90]) == (0.0, pytest.approx(0.25), pytest.approx(0.25))
    assert [row["day"] for row in marks(curve)] == [7, 30, 60, 90]


def test_young_leads_count_only_for_the_days_they_were_watched(tmp_path: Path) -> None:
    # 40 old ones, of which 8 bought on day 3 and none later; 40 of two days that could not have bought by day 3.
    star = star_of(fct_opportunity=created(120, 40, 8, 3) + created(2, 40, 0, 0))
    curve = days_to(open_warehouse(write_warehouse(tmp_path, star)), "closing_rate", Filters())
    assert curve.filter(day=30)["value"][0] == pytest.approx(8 / 40)


def test_a_curve_ends_where_too_few_were_watched_so_long(tmp_path: Path) -> None:
    star = star_of(fct_opportunity=created(120, 9, 1, 3) + created(20, 40, 4, 3))
    curve = days_to(open_warehouse(write_warehouse(tmp_path, star)), "closing_rate", Filters())
    assert 3 <= curve["day"].max() <= 20  # type: ignore[operator]
    assert [row["day"] for row in marks(curve)] == [7]


def test_a_rate_without_a_dated_hit_and_a_period_without_leads_say_so(tmp_path: Path) -> None:
    warehouse = open_warehouse(write_warehouse(tmp_path, star_of(fct_opportunity=created(120, 40, 8, 3))))
    with pytest.raises(MetricError):
        days_to(warehouse, "leads", Filters())
    with pytest.raises(NoSuchData):
        days_to(warehouse, "closing_rate", Filters(start=date(2020, 1, 1), end=date(2020, 1, 31)))


@settings(max_examples=15)
@given(star=stars())
def test_a_curve_never_falls_and_stays_a_share(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = open_warehouse(write_warehouse(Path(directory), star))
        try:
            values = days_to(warehouse, "closing_rate", Filters())["value"].to_list()
        except NoSuchData:
            return
        assert values == sorted(values)
        assert all(0 <= value <= 1 for value in values)
        warehouse.close()
