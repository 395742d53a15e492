"""What is said of a change: its largest parts still add up, and its reason names what moved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.comparisons.change import WHOLE, explain
from metrics.comparisons.shifts import OTHERS, largest, totals, why
from metrics.declare import NoSuchData
from metrics.engine import Warehouse, open_warehouse
from metrics.filters import Filters
from tests.star import Row, Star, opportunity, star_of, stars, write_warehouse

MARCH = Filters(start=date(2026, 3, 1), end=date(2026, 3, 31))
APRIL = Filters(start=date(2026, 4, 1), end=date(2026, 4, 30))
PARTS = ("volume", "mix", "rate", "change", "rate_mix", "rate_rate", "rate_change", "chances_now", "hits_before")


def cohort(month: int, source: str, count: int, sold: int, **columns: Any) -> list[Row]:
    came = datetime(2026, month, 10, 15, tzinfo=UTC)
    names = [f"{source}-{month}-{number}" for number in range(count)]
    return [
        opportunity(name, created_at=came, source_key=source, is_sold=number < sold, **columns)
        for number, name in enumerate(names)
    ]


def opened(directory: Path, star: Star) -> Warehouse:
    return open_warehouse(write_warehouse(directory, star))


def test_the_reason_names_the_source_that_flooded_the_mix(tmp_path: Path) -> None:
    rows = cohort(3, "web", 80, 16) + cohort(3, "third", 20, 1) + cohort(4, "web", 80, 16) + cohort(4, "third", 80, 4)
    found = why(explain(opened(tmp_path, star_of(fct_opportunity=rows)), "closing_rate", APRIL, MARCH, "source"))
    assert found is not None
    assert (found.mover, found.dimension) == ("Third Party", "source")
    assert found.mover_before == pytest.approx(0.2)
    assert found.mover_now == pytest.approx(0.5)
    assert found.change == pytest.approx(20 / 160 - 17 / 100)
    assert found.mix == pytest.approx(found.change)
    assert found.rate == pytest.approx(0)


def test_there_is_no_reason_where_a_side_has_nothing(tmp_path: Path) -> None:
    warehouse = opened(tmp_path, star_of(fct_opportunity=cohort(4, "web", 10, 2)))
    assert why(explain(warehouse, "closing_rate", APRIL, MARCH, "source")) is None


@settings(max_examples=20)
@given(star=stars(), most=st.integers(1, 4))
def test_the_largest_parts_and_the_others_add_up_to_all(star: Star, most: int) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        try:
            explained = explain(warehouse, "contact_rate", APRIL, MARCH, "lead_type")
        except NoSuchData:
            return
        rows = largest(explained, most)
        whole, parts = totals(explained), rows.filter(pl.col("value") != WHOLE)
        assert rows["value"][-1] == WHOLE
        assert parts.filter(pl.col("value") != OTHERS).height <= most + 1
        for name in PARTS:
            if whole[name] is not None:
                assert parts[name].sum() == pytest.approx(whole[name])
        warehouse.close()
