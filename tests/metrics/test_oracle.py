"""Each metric is stated twice, by independent means, and must agree: on random stars, under random questions."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from metrics.catalog import METRICS
from metrics.filters import Filters
from tests.metrics.questions import assert_agrees, had, questions, warehouse_of
from tests.oracle import Oracle
from tests.star import Star, empty_star, one_row_star, random_star, stars

# Without shrinking: an example is a seed, a size and a question, and says enough as it is.
SLOW = settings(max_examples=40, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))


@SLOW
@given(star=stars(), filters=questions())
def test_every_metric_agrees_with_its_second_statement(star: Star, filters: Filters) -> None:
    with warehouse_of(star) as warehouse:
        assert_agrees(star, warehouse, filters)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(by=("person",)),
        Filters(by=("source",), attribution="even"),
        Filters(by=("source",), attribution="last", grain="month"),
        Filters(by=("store", "source_group"), grain="week"),
        Filters(by=("appointment_type",)),
        Filters(by=("created_weekday", "created_hour")),
        Filters(by=("lead_time", "confirmed"), where={"due_weekday": ("Monday", "Sunday")}),
        Filters(by=("due_weekday", "due_hour")),
        Filters(basis="in_period", grain="month"),
    ],
    ids=repr,
)
def test_every_metric_agrees_on_a_large_star(filters: Filters) -> None:
    star = random_star(seed=11, opportunities=150)
    with warehouse_of(star) as warehouse:
        assert_agrees(star, warehouse, filters)


@pytest.mark.parametrize("star", [empty_star(), one_row_star()], ids=["empty", "one row"])
@pytest.mark.parametrize("filters", [Filters(), Filters(by=("store",), grain="month")], ids=["whole", "split"])
def test_every_metric_agrees_where_there_is_little_or_nothing(star: Star, filters: Filters) -> None:
    with warehouse_of(star) as warehouse:
        assert_agrees(star, warehouse, filters)


def test_the_oracle_knows_every_metric_of_the_catalogue() -> None:
    everything = Filters()
    oracle = Oracle(one_row_star(), everything)
    assert had(everything) == [found.name for found in METRICS]
    assert all(oracle.answer(found.name) for found in METRICS)
