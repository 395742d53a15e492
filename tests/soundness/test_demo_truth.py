"""What the metrics recover from the simulated exports is what the simulator knows to have happened.

    simulator's events --counted--> truth.json
          |                             =  (compared here)
          +--exported--> files --loaded--> star --metrics--> numbers

Everything between the two ends may lose, double or move a record: profiles, time zones, identity, episodes, reschedule
chains, splits, reversals, deals that two systems report, spend spread over days. Counts must agree exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders.intake import Choices, take_in
from loaders.settings import load_settings
from loaders.snapshot import publish
from loaders.star import Moment
from loaders.synthetic import simulate
from metrics.comparisons.change import explain, rank
from metrics.comparisons.coaching import coaching
from metrics.comparisons.people import people
from metrics.comparisons.sources import quality
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import Filters

AS_OF = datetime(2026, 3, 20, 23, 0, tzinfo=UTC)
COUNTS = ("leads", "opportunities", "appointments_set", "appointments_due", "shows", "sold_units", "gross", "spend")
RATES = {
    "contact_rate": ("contacted", "opportunities"),
    "contact_to_appointment": ("contacted_and_booked", "contacted"),
    "set_rate": ("booked", "opportunities"),
    "show_rate": ("shows", "appointments_due"),
    "closing_rate": ("sold", "opportunities"),
}


@dataclass(frozen=True)
class Demo:
    """A loaded demo group of four months with 600 leads a month, beside its truth."""

    warehouse: Warehouse
    truth: dict[str, Any]

    def story(self, kind: str) -> dict[str, Any]:
        return next(story for story in self.truth["stories"] if story["story"] == kind)

    def months(self) -> dict[tuple[str, date], dict[str, Any]]:
        return {(row["store"], date.fromisoformat(row["month"])): row for row in self.truth["months"]}

    def numbers(self, metric: str, **filters: Any) -> pl.DataFrame:
        return evaluate(self.warehouse, [metric], Filters.model_validate(filters))

    def rate(self, metric: str, **where: str) -> dict[str, Any]:
        """One rate under filters; its numerator and denominator as whole numbers."""
        found = self.numbers(metric, where={name: (label,) for name, label in where.items()}).row(0, named=True)
        return {"hits": round(found["numerator"]), "of": round(found["denominator"])}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory = tmp_path_factory.mktemp("demo")
    simulate(directory, months=4, leads_per_month=600, as_of=AS_OF)
    settings = load_settings(directory / "settings.toml")
    truth = json.loads((directory / "truth.json").read_text())
    _load(directory, directory / "warehouse", Choices(settings))
    warehouse = open_warehouse(directory / "warehouse")
    yield Demo(warehouse, truth)
    warehouse.close()


def _load(directory: Path, warehouse: Path, choices: Choices) -> None:
    folders = sorted(path for path in directory.iterdir() if path.is_dir())
    sheets = take_in(folders, choices, lambda _, __: None)
    publish(sheets, warehouse, choices.settings, Moment(loaded_at=datetime.now(UTC)), lambda _, __: None)


def share(counts: dict[str, int]) -> float:
    return counts["hits"] / counts["of"]


def total(rows: pl.DataFrame) -> dict[str, int]:
    return {"hits": round(float(rows["numerator"].sum())), "of": round(float(rows["denominator"].sum()))}


@pytest.mark.parametrize("metric", COUNTS)
def test_counts_and_sums_per_store_and_month_are_the_truth(demo: Demo, metric: str) -> None:
    found = demo.numbers(metric, by=("store",), grain="month")
    values = {(row["store"], row["period"]): float(row["value"] or 0) for row in found.iter_rows(named=True)}
    truth = {key: row[metric] for key, row in demo.months().items() if row[metric]}
    assert {key: value for key, value in values.items() if value} == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("metric", RATES)
def test_both_parts_of_each_rate_per_store_and_month_are_the_truth(demo: Demo, metric: str) -> None:
    found = demo.numbers(metric, by=("store",), grain="month")
    hits, base = RATES[metric]
    parts = {
        (row["store"], row["period"]): (row["numerator"], row["denominator"])
        for row in found.iter_rows(named=True)
        if row["denominator"]
    }
    assert parts == {key: (row[hits], row[base]) for key, row in demo.months().items() if row[base]}


def test_the_weak_step_belongs_to_the_person_and_to_no_other_step(demo: Demo) -> None:
    story = demo.story("weak_step")
    own = demo.rate("contact_to_appointment", store=story["store"], person=story["person"])
    store = demo.rate("contact_to_appointment", store=story["store"])
    team = {part: store[part] - own[part] for part in store}
    assert (own, team) == (story["own"], story["team"])
    assert share(own) < 0.65 * share(team)
    contact = demo.rate("contact_rate", store=story["store"], person=story["person"])
    assert share(contact) == pytest.approx(share(demo.rate("contact_rate", store=story["store"])), abs=0.1)


def test_the_unlucky_person_is_as_good_as_others_at_equal_source(demo: Demo) -> None:
    story = demo.story("unlucky_leads")
    own = demo.rate("closing_rate", store=story["store"], person=story["person"])
    store = demo.rate("closing_rate", store=story["store"])
    assert own == story["own"]
    assert share(own) < 0.8 * (store["hits"] - own["hits"]) / (store["of"] - own["of"])
    equal = {"store": story["store"], "source": story["source"]}
    own_at_source = demo.rate("closing_rate", person=story["person"], **equal)
    assert own_at_source == story["own_at_equal_source"]
    assert own_at_source["of"] > 0.75 * own["of"]
    at_source = demo.rate("contact_to_appointment", **equal)
    own_contact = demo.rate("contact_to_appointment", person=story["person"], **equal)
    assert share(own_contact) == pytest.approx(share(at_source), abs=0.08)


def test_the_late_source_is_as_good_as_its_twin_once_both_have_spoken(demo: Demo) -> None:
    story = demo.story("late_source")
    late = {"store": story["store"], "source": story["source"]}
    twin = {"store": story["store"], "source": story["twin"]}
    assert demo.rate("contact_rate", **late) == story["own"]
    assert share(demo.rate("contact_rate", **late)) < 0.75 * share(demo.rate("contact_rate", **twin))
    assert share(demo.rate("answered_within_standard", **late)) < 0.35
    assert share(demo.rate("answered_within_standard", **twin)) > 0.45
    set_late, set_twin = (demo.rate("contact_to_appointment", **which) for which in (late, twin))
    assert share(set_late) == pytest.approx(share(set_twin), abs=0.15)


def test_the_bad_month_is_bad_only_by_its_mix(demo: Demo) -> None:
    story = demo.story("mix_month")
    month = date.fromisoformat(story["month"])
    found = demo.numbers("closing_rate", by=("source",), grain="month", where={"store": (story["store"],)})
    inside = found.filter(pl.col("period") == month)
    whole, others = total(inside), total(inside.filter(pl.col("source") != story["source"]))
    rest = found.filter(pl.col("period") != month)
    assert whole == story["own"]
    assert share(whole) < 0.8 * share(story["other_months"])
    assert share(others) > 1.3 * share(whole)
    burst = inside.filter(pl.col("source") == story["source"])["denominator"].item()
    assert burst > 5 * rest.filter(pl.col("source") == story["source"])["denominator"].max()  # type: ignore[operator]


def test_the_comparison_of_people_calls_the_weak_step_and_nobody_for_another(demo: Demo) -> None:
    story = demo.story("weak_step")
    at_store = Filters(where={"store": (story["store"],)})
    found = people(demo.warehouse, story["step"], at_store)
    assert found.filter(verdict="act")["person"].to_list() == [story["person"]]
    first = coaching(demo.warehouse, at_store).filter(person=story["person"]).row(0, named=True)
    assert (first["step"], first["sales_low"] > 0) == (story["step"], True)
    assert people(demo.warehouse, "show_rate", at_store).filter(verdict="act").is_empty()


def test_the_comparison_of_people_does_not_call_the_one_with_poor_leads(demo: Demo) -> None:
    story = demo.story("unlucky_leads")
    found = people(demo.warehouse, story["step"], Filters(where={"store": (story["store"],)}))
    own = found.filter(person=story["person"]).row(0, named=True)
    assert own["verdict"] == "not distinguishable"
    assert own["observed"] / own["n"] < 0.7 * own["team_rate"]
    assert own["observed"] / own["n"] < own["adjusted_rate"]


def test_the_comparison_of_sources_tells_late_answers_from_weak_leads(demo: Demo) -> None:
    story = demo.story("late_source")
    verdicts = {
        (row["store"], row["source"]): row["verdict"]
        for row in quality(demo.warehouse, story["step"], Filters()).iter_rows(named=True)
    }
    assert verdicts[story["store"], story["source"]] == "handling"
    assert [source for source, verdict in verdicts.items() if verdict == "handling"] == [
        (story["store"], story["source"])
    ]


def test_the_explanation_of_the_bad_month_is_its_mix_of_sources(demo: Demo) -> None:
    story = demo.story("mix_month")
    month = date.fromisoformat(story["month"])
    at_store = Filters(where={"store": (story["store"],)})
    now = at_store.but(start=month, end=month + timedelta(days=27))
    before = at_store.but(start=month - timedelta(days=28), end=month - timedelta(days=1))
    ranked = rank(demo.warehouse, story["step"], now, before)
    assert ranked["dimension"][0] in ("source", "source_group", "channel")
    flood = explain(demo.warehouse, story["step"], now, before, "source").filter(value=story["source"])
    assert flood["mix"][0] < 0
