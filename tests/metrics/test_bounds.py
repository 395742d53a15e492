"""Bounds hold whatever the missing outcomes turn out to be, and each end is reached by one of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from metrics.__main__ import app
from metrics.catalog import METRICS
from metrics.comparisons.bounds import bounds, bounds_of
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import evaluate
from metrics.filters import Filters
from metrics.statistics.bounds import Counted, outcome_bounds
from tests.metrics.questions import value_of, warehouse_of
from tests.star import NOWS, empty_star, opportunity, random_star, star_of, write_warehouse

NOW = NOWS["s1"]
COUNTED: tuple[Counted, ...] = ("miss", "hit", "neither")


def ends(hits: float, chances: float, missing: float, counted: Counted) -> tuple[float | None, float | None]:
    frame = pl.DataFrame({"hits": [float(hits)], "chances": [float(chances)], "missing": [float(missing)]})
    low, high = outcome_bounds(pl.col("hits"), pl.col("chances"), pl.col("missing"), counted)
    found: tuple[float | None, float | None] = frame.select(low=low, high=high).row(0)
    return found


@given(known=st.lists(st.booleans(), max_size=5), missing=st.integers(0, 5), counted=st.sampled_from(COUNTED))
def test_the_ends_are_the_least_and_the_greatest_of_all_completions(
    known: list[bool], missing: int, counted: Counted
) -> None:
    completions = [[*known, *rest] for rest in product((False, True), repeat=missing)]
    shares = [sum(outcomes) / len(outcomes) for outcomes in completions if outcomes]
    hits = sum(known) + (missing if counted == "hit" else 0)
    chances = len(known) + (0 if counted == "neither" else missing)
    expected = (min(shares), max(shares)) if shares else (None, None)
    assert ends(hits, chances, missing, counted) == pytest.approx(expected)


def test_nothing_at_all_has_no_bounds() -> None:
    assert ends(0, 0, 0, "miss") == (None, None)
    assert ends(0, 0, 2, "neither") == (0, 1)


@pytest.mark.parametrize("seed", range(4))
def test_every_rate_lies_within_its_bounds_by_store(seed: int) -> None:
    """A rate with a window may lie outside those of all its rows: its open rows are in neither part."""
    filters = Filters(by=("store",))
    rates = {found.name: found for found in METRICS if isinstance(found, Conversion) and not found.kept_apart}
    with warehouse_of(random_star(seed, 40)) as warehouse:
        values = evaluate(warehouse, list(rates), filters)
        had = values.filter(pl.col("denominator") > 0)["metric"].unique(maintain_order=True).to_list()
        assert len(had) > 30
        for row in (row for name in had for row in bounds(warehouse, name, filters).to_dicts()):
            name = row["metric"]
            assert 0 <= row["lowest"] <= row["highest"] <= 1, name
            assert row["highest"] - row["lowest"] == pytest.approx(row["n_missing"] / row["n"])
            assert rates[name].within or row["lowest"] - 1e-12 <= row["value"] <= row["highest"] + 1e-12


def young_and_old() -> list[dict[str, Any]]:
    """Four opportunities long ago, of which one bought, and four of yesterday, of which one bought."""
    old, young = datetime(2026, 1, 5, 15, tzinfo=UTC), NOW - timedelta(days=1)
    return [
        opportunity(
            f"o{n}",
            created_at=old if n < 4 else young,
            is_sold=n % 4 == 0,
            sold_at=(old if n < 4 else young) + timedelta(hours=1) if n % 4 == 0 else None,
            seconds_to_sold=3600 if n % 4 == 0 else None,
        )
        for n in range(8)
    ]


def test_young_rows_are_missing_in_a_rate_so_far_and_in_one_with_a_window() -> None:
    with warehouse_of(star_of(fct_opportunity=young_and_old())) as warehouse:
        so_far = bounds(warehouse, "closing_rate", Filters()).row(0, named=True)
        windowed = bounds(warehouse, "closing_rate_30", Filters()).row(0, named=True)
        assert value_of(warehouse, "closing_rate_30") == 0.25
    assert (so_far["n"], so_far["n_missing"], so_far["value"]) == (8, 3, 0.25)
    assert (so_far["lowest"], so_far["highest"]) == (2 / 8, 5 / 8)
    # Of the window's eight rows the four young ones are open, the one that bought among them.
    assert (windowed["n"], windowed["n_missing"]) == (8, 4)
    assert (windowed["lowest"], windowed["highest"]) == (1 / 8, 5 / 8)
    assert so_far["sentence"] == "between 25.0% and 62.5%: 3 of these 8 opportunities may still convert."


def test_what_has_no_bounds_says_why() -> None:
    with warehouse_of(empty_star()) as warehouse:
        with pytest.raises(MetricError, match="not a conversion"):
            bounds(warehouse, "leads", Filters())
        with pytest.raises(MetricError, match="only by cohort"):
            bounds(warehouse, "closing_rate", Filters(basis="in_period"))
        with pytest.raises(MetricError, match="no appointment type"):
            bounds(warehouse, "closing_rate", Filters(by=("appointment_type",)))
        with pytest.raises(NoSuchData, match="no Closing rate here"):
            bounds(warehouse, "closing_rate", Filters())


def test_the_command_prints_both_ends(tmp_path: Path) -> None:
    write_warehouse(tmp_path, star_of(fct_opportunity=young_and_old()))
    words = ["bounds", "closing_rate", "--by", "lead_type", "--warehouse", str(tmp_path)]
    told = CliRunner().invoke(app, [*words, "--format", "json"])
    assert told.exit_code == 0, told.stderr
    (row,) = json.loads(told.stdout)
    assert list(row) == ["lead_type", "metric", "n", "hits", "n_missing", "value", "lowest", "highest", "sentence"]
    assert (row["lead_type"], row["n"], row["n_missing"], row["highest"]) == ("internet", 8, 3, 0.625)
    shown = CliRunner().invoke(app, words)
    assert "internet: between 25.0% and 62.5%" in shown.stdout


def test_bounds_of_rows_that_were_asked_for_together_are_those_of_each_alone() -> None:
    names = ("show_rate", "contact_rate", "closing_rate")
    with warehouse_of(random_star(seed=3, opportunities=80)) as warehouse:
        together = evaluate(warehouse, names, Filters(by=("store",)))
        for name in names:
            assert bounds_of(name, together, ("store",)).equals(bounds(warehouse, name, Filters(by=("store",))))
