"""What to do about a source: its return beyond chance, and whether its leads or our answering are to blame."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from metrics.comparisons.sources import returns
from metrics.comparisons.spending import actions, judge, return_of_paid
from metrics.declare import MetricError, NoSuchData
from metrics.engine import open_warehouse
from metrics.filters import Filters
from tests.star import Star, stars, write_warehouse

WHOLE = Filters()
FAULTS = pl.DataFrame(
    [
        {"store": "North", "source": "Late", "verdict": "handling"},
        {"store": "North", "source": "Poor", "verdict": "quality"},
        {"store": "South", "source": "Poor", "verdict": "quality"},
        {"store": "North", "source": "Thin", "verdict": "quality"},
        {"store": "North", "source": "Middling", "verdict": "quality"},
        {"store": "North", "source": "Best", "verdict": "not low"},
        {"store": "North", "source": "Riddle", "verdict": "cannot be told"},
    ]
)


def money(source: str, spend: float | None, gross: float | None, ends: tuple[float, float] | None) -> dict[str, Any]:
    roi = None if not spend or gross is None else (gross - spend) / spend
    low, high = ends or (None, None)
    state = None if ends else "spend unknown" if spend is None else "fewer than 5 sales"
    counted = {"source": source, "spend": spend, "sales": 9, "gross": gross, "roi": roi, "low": low, "high": high}
    return counted | {"n_immature": 3.0, "state": state}


# All paid sources together gain (4 000 + 1 100 + 2 000 + 1 500 + 2 000 + 2 000 - 6 000) / 6 000 = 1.1.
MONEY = pl.DataFrame(
    [
        money("Best", 1000.0, 4000.0, (2.0, 4.0)),
        money("Poor", 1000.0, 1100.0, (-0.4, 0.7)),
        money("Late", 1000.0, 2000.0, (0.2, 0.9)),
        money("Middling", 1000.0, 1500.0, (0.1, 0.9)),
        money("Riddle", 1000.0, 2000.0, (0.5, 0.9)),
        money("Thin", 1000.0, 2000.0, None),
        money("Phone", None, None, None),
        money("Walk-in", 0.0, 9000.0, None),
    ],
    infer_schema_length=None,
)


def by_source() -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in judge(MONEY, FAULTS).to_dicts()}


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ("Best", "feed"),
        ("Poor", "cut"),
        ("Late", "mend"),
        ("Middling", "trim"),
        ("Riddle", "wait"),
        ("Thin", "wait"),
        ("Phone", "unknown"),
    ],
)
def test_a_source_is_judged_by_its_return_and_by_whose_fault_it_is(source: str, action: str) -> None:
    assert by_source()[source]["action"] == action


def test_a_return_that_chance_may_explain_is_left_alone() -> None:
    pair = [money("Usual", 1000.0, 2000.0, (0.5, 2.5)), money("Other", 1000.0, 3000.0, (0.9, 3.1))]
    assert set(judge(pl.DataFrame(pair), FAULTS)["action"]) == {"keep"}


def test_the_stores_at_fault_and_of_weak_leads_are_named() -> None:
    found = by_source()
    assert found["Late"]["at_fault"] == ["North"]
    assert found["Poor"]["weak_at"] == ["North", "South"]


def test_what_costs_nothing_is_not_judged_and_does_not_raise_the_return_of_the_paid() -> None:
    assert "Walk-in" not in by_source()
    assert return_of_paid(MONEY) == pytest.approx(6600 / 6000)


def test_the_most_pressing_comes_first() -> None:
    assert judge(MONEY, FAULTS)["action"].to_list()[:3] == ["cut", "feed", "mend"]


def test_where_nothing_costs_anything_it_says_what_to_load() -> None:
    with pytest.raises(NoSuchData, match="costs anything"):
        judge(MONEY.filter(pl.col("spend") == 0), FAULTS)


@settings(max_examples=15)
@given(star=stars())
def test_every_source_of_known_spend_gets_one_action(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = open_warehouse(write_warehouse(Path(directory), star))
        try:
            found = actions(warehouse, WHOLE)
        except MetricError:
            return
        paid = returns(warehouse, WHOLE).filter(pl.col("spend").is_null() | (pl.col("spend") > 0))
        assert sorted(found["source"]) == sorted(paid["source"])
        warehouse.close()
