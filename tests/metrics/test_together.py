"""Many metrics at once: few scans, and the very numbers that each gives alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from polars.testing import assert_frame_equal

from metrics import sql
from metrics.catalog import METRICS, metric
from metrics.declare import DIMENSION_NAMES
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import Filters
from tests.metrics.questions import had, questions, warehouse_of
from tests.star import Star, empty_star, random_star, stars, write_warehouse

# One example asks every metric alone, so few of them say enough.
SLOW = settings(max_examples=6, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
QUESTIONS = (
    Filters(),
    Filters(by=("person",)),
    Filters(by=("person", "source"), grain="month"),
    Filters(by=("source_group", "store"), attribution="even"),
    Filters(by=("source",), attribution="last", where={"person": ("Ada Reyes",)}),
    Filters(basis="in_period", grain="week"),
)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A hundred and twenty random opportunities."""
    directory = write_warehouse(tmp_path_factory.mktemp("crowded"), random_star(seed=23, opportunities=120))
    warehouse = open_warehouse(directory)
    yield warehouse
    warehouse.close()


def assert_same_as_alone(warehouse: Warehouse, filters: Filters) -> None:
    """Asked in one list or one by one, in the same order, with the same rows."""
    names = [found.name for found in METRICS]
    alone = pl.concat(evaluate(warehouse, [name], filters) for name in names)
    assert_frame_equal(evaluate(warehouse, names, filters), alone, rel_tol=1e-12, abs_tol=1e-9)


@SLOW
@given(star=stars(), filters=questions())
def test_a_list_gives_what_single_questions_give(star: Star, filters: Filters) -> None:
    with warehouse_of(star) as warehouse:
        assert_same_as_alone(warehouse, filters)


@pytest.mark.parametrize("filters", QUESTIONS, ids=repr)
def test_a_list_gives_what_single_questions_give_on_a_large_star(crowded: Warehouse, filters: Filters) -> None:
    assert_same_as_alone(crowded, filters)


def test_a_list_over_nothing_gives_what_single_questions_give() -> None:
    with warehouse_of(empty_star()) as warehouse:
        assert_same_as_alone(warehouse, Filters())
        assert_same_as_alone(warehouse, Filters(by=("store",)))


def test_metrics_stand_in_the_order_asked_and_as_often(crowded: Warehouse) -> None:
    names = ["gross", "leads", "closing_rate", "leads"]
    assert evaluate(crowded, names, Filters())["metric"].to_list() == names


def test_a_metric_has_no_line_where_only_others_have_rows(crowded: Warehouse) -> None:
    """Sales without a lead stand under "(no lead)", where no opportunity can be."""
    found = evaluate(crowded, ["closing_rate", "in_period_closing_ratio"], Filters(by=("source",)))
    labels = {name: set(rows["source"]) for (name,), rows in found.partition_by("metric", as_dict=True).items()}
    assert "(no lead)" in labels["in_period_closing_ratio"] - labels["closing_rate"]


@pytest.mark.parametrize("dimension", DIMENSION_NAMES)
def test_few_rows_are_framed_as_many_are(crowded: Warehouse, dimension: str) -> None:
    """A split by one dimension is fetched row by row, one by two column by column: labels and types are the same."""
    name = next(found.name for found in METRICS if dimension in found.dimensions)
    few = evaluate(crowded, [name], Filters(by=(dimension,)))
    many = evaluate(crowded, [name], Filters(by=(dimension, "store")))
    assert few.height > 1
    assert few.schema == {kind: many.schema[kind] for kind in few.columns}
    summed = many.group_by(dimension).agg(pl.col("numerator").sum()).sort(dimension)
    assert_frame_equal(few.select(dimension, "numerator").sort(dimension), summed)


@pytest.mark.parametrize("filters", QUESTIONS, ids=repr)
def test_metrics_that_share_a_fact_a_clock_and_a_role_share_one_scan(filters: Filters) -> None:
    """No reading of a fact stands twice in all the queries of the catalogue."""
    queries = sql.compile_together([metric(name) for name in had(filters)], filters)
    read = Counter(
        name for found in queries for name in re.findall(r"^(\w+)_totals as \(", found.query.text, re.MULTILINE)
    )
    assert read
    assert set(read.values()) == {1}
    assert sum(len(found.metrics) for found in queries) == len(had(filters))
    roles = {filters.role(metric(name)) for name in had(filters)}
    assert sum("opportunities_created" in name for name in read) <= len(roles)


def test_a_metric_alone_still_has_its_readable_query() -> None:
    text = sql.compile_metric(metric("closing_rate"), Filters(by=("person",))).text
    assert "closing_rate_hits" not in text
    steps = ["store_now", "opportunities_created", "opportunities_created_totals", "result"]
    assert re.findall(r"^(?:with )?(\w+) as \($", text, re.MULTILINE) == steps


def test_what_stands_in_the_fact_as_it_is_needs_no_step_of_its_own() -> None:
    text = sql.compile_metric(metric("gross"), Filters(by=("person",), grain="month")).text
    assert re.findall(r"^(?:with )?(\w+) as \($", text, re.MULTILINE) == ["store_now", "sales_closed_totals", "result"]
    shared = sql.compile_metric(metric("gross"), Filters(by=("source",), attribution="even")).text
    assert "sum(weighted_gross * share) filter (where has_known_gross) as gross" in shared
    assert "sales_closed as (" in shared
