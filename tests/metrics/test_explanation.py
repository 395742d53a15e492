"""A change explained: the parts add up to the whole, and the mix is told apart from the rates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.comparisons.change import WHOLE, explain, rank
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import Filters
from tests.star import Row, Star, opportunity, random_star, star_of, stars, write_warehouse

MARCH = Filters(start=date(2026, 3, 1), end=date(2026, 3, 31))
APRIL = Filters(start=date(2026, 4, 1), end=date(2026, 4, 30))


def opened(directory: Path, star: Star) -> Warehouse:
    return open_warehouse(write_warehouse(directory, star))


def cohort(month: int, source: str, count: int, sold: int, **columns: Any) -> list[Row]:
    created = datetime(2026, month, 10, 15, tzinfo=UTC)
    return [
        opportunity(
            f"{source}-{month}-{number}", created_at=created, source_key=source, is_sold=number < sold, **columns
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """In April a weak source brings ten times as many leads; every source sells as before."""
    rows = (
        cohort(3, "web", 100, 20) + cohort(3, "third", 20, 1) + cohort(4, "web", 100, 20) + cohort(4, "third", 200, 10)
    )
    return opened(tmp_path_factory.mktemp("flooded"), star_of(fct_opportunity=rows))


def test_a_flood_of_weak_leads_is_mix_and_not_rate(flooded: Warehouse) -> None:
    total = explain(flooded, "closing_rate", APRIL, MARCH, "source").filter(pl.col("value") == WHOLE).row(0, named=True)
    assert total["rate_mix"] == pytest.approx(30 / 300 - 21 / 120)
    assert total["rate_rate"] == pytest.approx(0)
    assert total["rate"] == pytest.approx(0)
    assert (total["hits_before"], total["hits_now"], total["change"]) == (21, 30, 9)
    assert "by the mix of source" in total["sentence"]


def test_the_dimension_that_explains_it_is_ranked_first(flooded: Warehouse) -> None:
    ranked = rank(flooded, "closing_rate", APRIL, MARCH)
    assert ranked["dimension"][0] in ("source", "source_group", "channel")
    assert ranked["mix"].abs().round(9).is_sorted(descending=True)
    assert (ranked["mix"] + ranked["rate"]).to_list() == pytest.approx([30 / 300 - 21 / 120] * ranked.height)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["closing_rate", "show_rate"])
@pytest.mark.parametrize("attribution", ["first", "even"])
def test_every_rank_is_the_explanation_by_that_dimension_alone(seed: int, name: str, attribution: str) -> None:
    now, before = (side.but(attribution=attribution) for side in (APRIL, MARCH))
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), random_star(seed=seed, opportunities=250))
        ranked = rank(warehouse, name, now, before)
        assert ranked.height > 8
        for row in ranked.iter_rows(named=True):
            whole = explain(warehouse, name, now, before, row["dimension"]).row(-1, named=True)
            assert (row["mix"], row["rate"]) == pytest.approx((whole["rate_mix"], whole["rate_rate"]), abs=1e-12)
            assert row["cells"] == explain(warehouse, name, now, before, row["dimension"]).height - 1


def test_a_better_rate_in_one_source_is_rate_and_not_mix(tmp_path: Path) -> None:
    rows = (
        cohort(3, "web", 100, 10) + cohort(3, "third", 100, 5) + cohort(4, "web", 100, 20) + cohort(4, "third", 100, 5)
    )
    found = explain(opened(tmp_path, star_of(fct_opportunity=rows)), "closing_rate", APRIL, MARCH, "source")
    by_value = {row["value"]: row for row in found.iter_rows(named=True)}
    assert by_value["Website"]["rate"] == pytest.approx(10)
    assert by_value[WHOLE]["mix"] == pytest.approx(0)
    assert by_value[WHOLE]["volume"] == pytest.approx(0)
    assert found["value"].to_list()[0] == "Website"


@settings(max_examples=15)
@given(star=stars(), over=st.sampled_from(("source", "store", "person", "lead_type", "answered", "after_hours")))
def test_parts_sum_to_the_change_that_the_engine_counts(star: Star, over: str) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        sides = [evaluate(warehouse, ["contact_rate"], side).row(0, named=True) for side in (MARCH, APRIL)]
        if not any(side["denominator"] for side in sides):
            with pytest.raises(NoSuchData):
                explain(warehouse, "contact_rate", APRIL, MARCH, over)
            return
        found = explain(warehouse, "contact_rate", APRIL, MARCH, over)
        cells, total = found.filter(pl.col("value") != WHOLE), found.row(-1, named=True)
        assert (cells["volume"] + cells["mix"] + cells["rate"]).to_list() == pytest.approx(cells["change"].to_list())
        assert total["change"] == pytest.approx(sides[1]["numerator"] - sides[0]["numerator"])
        assert total["volume"] + total["mix"] + total["rate"] == pytest.approx(total["change"])
        if all(side["denominator"] for side in sides):
            assert total["rate_change"] == pytest.approx(sides[1]["value"] - sides[0]["value"])
        else:
            assert total["rate_change"] is None
        warehouse.close()


def test_two_stores_are_compared_like_two_periods(tmp_path: Path) -> None:
    rows = cohort(3, "web", 50, 10) + [row | {"store_key": "s2"} for row in cohort(4, "web", 100, 10)]
    north, south = (Filters(where={"store": (name,)}) for name in ("Northgate Motors", "Southside Autos"))
    total = explain(opened(tmp_path, star_of(fct_opportunity=rows)), "closing_rate", north, south, "source").row(
        -1, named=True
    )
    assert total["rate_change"] == pytest.approx(0.1)
    assert total["rate_rate"] == pytest.approx(0.1)


def test_a_side_without_chances_has_no_rate_to_explain(flooded: Warehouse) -> None:
    empty = Filters(start=date(2026, 1, 1), end=date(2026, 1, 31))
    total = explain(flooded, "closing_rate", APRIL, empty, "source").row(-1, named=True)
    assert (total["volume"], total["rate_mix"], total["rate_change"]) == (pytest.approx(30), None, None)
    assert "no rate to explain" in total["sentence"]


def test_a_dimension_that_the_metric_does_not_have_is_said(flooded: Warehouse) -> None:
    with pytest.raises(MetricError, match="no appointment type"):
        explain(flooded, "closing_rate", APRIL, MARCH, "appointment_type")
    with pytest.raises(MetricError, match="no dimension 'colour'"):
        explain(flooded, "closing_rate", APRIL, MARCH, "colour")
    with pytest.raises(MetricError, match="not a conversion"):
        explain(flooded, "gross", APRIL, MARCH, "source")
