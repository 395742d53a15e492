"""A week by weekday and hour: bands divide anew from the sums, and what has no hour is counted apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from metrics.comparisons.hours import ARRIVED, DUE, WEEKDAYS, by_hours, is_missed_mostly, week
from metrics.declare import MetricError
from metrics.engine import evaluate
from metrics.filters import Filters
from tests.metrics.questions import warehouse_of
from tests.star import Row, empty_star, opportunity, random_star, star_of

MONDAY = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # 09:00 at the store
NAMES = ("contact_rate", "opportunities")


def at(key: str, hours: int, *, is_contacted: bool, **columns: str) -> Row:
    return opportunity(key, created_at=MONDAY + timedelta(hours=hours), is_contacted=is_contacted, **columns)


def test_bands_add_up_hits_and_chances_and_divide_anew() -> None:
    rows = [at("a", 0, is_contacted=True), at("b", 2, is_contacted=False), at("c", 2, is_contacted=False)]
    rows += [at("d", 27, is_contacted=True), at("e", 7, is_contacted=False)]
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        found = week(warehouse, NAMES, Filters(), ARRIVED)
    bands = by_hours(found, "contact_rate", 3)
    assert bands["hours"].unique(maintain_order=True).to_list() == [
        "09:00 to 12:00",
        "12:00 to 15:00",
        "15:00 to 18:00",
    ]
    assert bands["weekday"].unique(maintain_order=True).to_list() == list(WEEKDAYS)
    assert bands.row(0, named=True) | {"low": 0, "high": 0} == {
        "weekday": "Monday",
        "hours": "09:00 to 12:00",
        "from_hour": 9,
        "numerator": 1,
        "denominator": 3,
        "value": 1 / 3,
        "low": 0,
        "high": 0,
    }
    empty = bands.filter(pl.col("weekday") == "Sunday")
    assert (empty["denominator"].sum(), empty["value"].null_count(), empty["low"].null_count()) == (0, 3, 3)
    counted = by_hours(found, "opportunities", 3)
    assert counted["value"].sum() == 5
    assert counted["low"].null_count() == counted.height
    assert found.worst is None
    assert found.inside.is_empty()


@pytest.mark.parametrize("width", [1, 2, 3, 24])
def test_the_cells_of_a_random_star_sum_to_the_whole(width: int) -> None:
    with warehouse_of(random_star(seed=4, opportunities=120)) as warehouse:
        for names, clock in ((NAMES, ARRIVED), (("show_rate", "appointments_due"), DUE)):
            whole = evaluate(warehouse, names, Filters()).to_dicts()
            found = week(warehouse, names, Filters(), clock)
            cells = by_hours(found, names[0], width)
            assert cells["denominator"].sum() + found.timeless == whole[0]["denominator"]
    assert found.timeless == 0


def test_what_names_no_hour_is_in_no_cell_but_counted() -> None:
    rows = [at("a", 0, is_contacted=True), at("b", 0, is_contacted=True, created_hour="(not known)")]
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        found = week(warehouse, NAMES, Filters(), ARRIVED)
    assert (found.timeless, by_hours(found, "contact_rate", 1)["denominator"].sum()) == (1, 1)


def test_without_rows_there_are_no_cells() -> None:
    with warehouse_of(empty_star()) as warehouse:
        found = week(warehouse, NAMES, Filters(), ARRIVED)
    assert by_hours(found, "contact_rate", 3).is_empty()
    assert by_hours(found, "opportunities", 3).is_empty()
    assert (found.worst, found.timeless) == (None, 0)


def test_the_slot_that_fails_says_where_how_much_and_how_many_more() -> None:
    rows = []
    for day in range(28):
        for turn in range(8):
            for hour in (0, 8):
                fails = hour == 8 and (MONDAY + timedelta(days=day)).weekday() == 5
                is_contacted = turn < 2 if fails else turn < 6
                rows.append(at(f"{day}-{turn}-{hour}", -24 * 28 + 24 * day + hour, is_contacted=is_contacted))
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        worst = week(warehouse, NAMES, Filters(), ARRIVED).worst
    assert worst is not None
    assert (worst.weekdays, worst.hours) == (("Saturday",), ("17:00",))
    assert (worst.chances, worst.misses, worst.value, worst.other_value) == (32, 24, 0.25, 0.75)
    assert worst.excess == 16
    assert worst.low < 0.25 < worst.high
    assert (worst.is_every_day, worst.is_all_day) == (False, False)
    assert worst.labels(ARRIVED) == {"created_weekday": ("Saturday",), "created_hour": ("17:00",)}


def test_a_third_dimension_tells_the_misses_of_the_slot_apart_and_changes_no_cell() -> None:
    rows = []
    for day in range(28):
        for turn in range(8):
            moment = -24 * 28 + 24 * day
            rows.append(at(f"{day}-{turn}-0", moment, is_contacted=turn < 6, after_hours="in hours"))
            fails = (MONDAY + timedelta(days=day)).weekday() == 5
            label = "after hours" if turn % 4 else "in hours"
            rows.append(at(f"{day}-{turn}-8", moment + 8, is_contacted=turn < (2 if fails else 6), after_hours=label))
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        alone = week(warehouse, NAMES, Filters(), ARRIVED)
        split = week(warehouse, NAMES, Filters(), ARRIVED, "after_hours")
    order = ["metric", "weekday", "hour"]
    assert split.cells.sort(order).equals(alone.cells.sort(order))
    assert split.worst == alone.worst
    inside = {row["after_hours"]: (row["numerator"], row["denominator"]) for row in split.inside.to_dicts()}
    assert inside == {"in hours": (4, 8), "after hours": (4, 24)}
    assert alone.inside.row(0) == (8, 32)
    assert not is_missed_mostly(split.inside, "after_hours", "in hours")


def test_only_a_rate_fails_and_only_by_dimensions_that_it_has() -> None:
    with warehouse_of(empty_star()) as warehouse:
        with pytest.raises(MetricError, match="not a conversion"):
            week(warehouse, ("opportunities",), Filters(), ARRIVED)
        with pytest.raises(MetricError, match="no created weekday"):
            week(warehouse, ("show_rate",), Filters(), ARRIVED)


def test_most_misses_have_a_label_where_it_holds_half_of_them() -> None:
    rows = pl.DataFrame(
        {"after_hours": ["in hours", "after hours"], "numerator": [5.0, 0.0], "denominator": [8.0, 3.0]}
    )
    assert is_missed_mostly(rows, "after_hours", "in hours")
    assert is_missed_mostly(rows, "after_hours", "after hours")
    assert not is_missed_mostly(rows.with_columns(numerator=pl.Series([6.0, 0.0])), "after_hours", "in hours")
