"""People against colleagues on the same leads: nothing is lost, only the leads decide, and real gaps are seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from metrics.comparisons.coaching import coaching, gross_per_sale, since
from metrics.comparisons.people import APART, NOBODY, apart, as_counted, people
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import Filters
from tests.star import Row, Star, opportunity, random_star, sale, star_of, stars, write_warehouse

TEAM = ("p1", "p2", "p3", "p4", "p5")
WHOLE = Filters()


def opened(directory: Path, star: Star) -> Warehouse:
    return open_warehouse(write_warehouse(directory, star))


def team(names: tuple[str, ...] = TEAM) -> list[dict[str, Any]]:
    """People of one store, named after their keys."""
    named = [{"person_key": key, "store_key": "s1", "person": f"Person {key}", "is_machine": False} for key in names]
    return [*named, {"person_key": "unassigned", "store_key": "", "person": NOBODY, "is_machine": False}]


def leads(person: str, count: int, sold: int, **columns: Any) -> list[dict[str, Any]]:
    source = columns.get("source_key", "web")
    return [
        opportunity(f"{person}-{source}-{number}", salesperson_key=person, is_sold=number < sold, **columns)
        for number in range(count)
    ]


def by_person(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["person"]: row for row in frame.iter_rows(named=True)}


@settings(max_examples=15)
@given(star=stars())
def test_people_and_nobody_sum_to_the_stores_hits_and_chances(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        for name in ("closing_rate", "contact_to_appointment", "show_rate"):
            totals = evaluate(warehouse, [name], Filters(by=("store",))).filter(pl.col("denominator") > 0)
            try:
                found = people(warehouse, name, WHOLE)
            except NoSuchData:
                assert totals.is_empty()
                continue
            summed = found.group_by("store").agg(pl.col("observed", "n").sum()).sort("store")
            assert summed["store"].to_list() == totals["store"].to_list()
            assert summed["observed"].to_list() == pytest.approx(totals["numerator"].to_list())
            assert summed["n"].to_list() == pytest.approx(totals["denominator"].to_list())
        warehouse.close()


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    star = random_star(seed=4, opportunities=150)
    mixed = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in star.items()}
    one, other = (
        people(opened(tmp_path / name, found), "closing_rate", WHOLE)
        for name, found in (("as_is", star), ("mixed", mixed))
    )
    assert one.drop("sentence").equals(other.drop("sentence")) or _close(one, other)


def _close(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    numbers = one.select(pl.col(pl.Float64)).columns
    return all(one[name].to_list() == pytest.approx(other[name].to_list(), nan_ok=True) for name in numbers)


def test_other_names_change_no_number(tmp_path: Path) -> None:
    star = random_star(seed=5, opportunities=150)
    renamed = {**star, "dim_person": star["dim_person"].with_columns(person=_renamed("person"))}
    one = people(opened(tmp_path / "one", star), "closing_rate", WHOLE).with_columns(person=_renamed("person"))
    other = people(opened(tmp_path / "other", renamed), "closing_rate", WHOLE)
    assert one.sort("store", "person")["person"].to_list() == other.sort("store", "person")["person"].to_list()
    assert _close(one.sort("store", "person"), other.sort("store", "person"))


def _renamed(column: str) -> pl.Expr:
    reversed_name = pl.col(column).str.reverse()
    return pl.when(pl.col(column) == NOBODY).then(column).otherwise(reversed_name).alias(column)


@pytest.fixture(scope="module")
def mixed_team(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Five people of one store: p1 sells half of what others sell, p5 has nearly all the poor leads."""
    rows = leads("p1", 400, 24)
    for person in ("p2", "p3", "p4"):
        rows += leads(person, 400, 60) + leads(person, 60, 2, source_key="third")
    rows += leads("p5", 60, 9) + leads("p5", 400, 12, source_key="third")
    rows += leads("unassigned", 30, 0)
    return opened(tmp_path_factory.mktemp("team"), star_of(dim_person=team(), fct_opportunity=rows))


def test_who_sells_less_on_the_same_leads_is_called(mixed_team: Warehouse) -> None:
    found = by_person(people(mixed_team, "closing_rate", WHOLE))["Person p1"]
    assert (found["verdict"], found["direction"]) == ("act", "worse")
    assert found["observed"] == 24
    assert found["expected"] == pytest.approx(57, abs=6)  # colleagues: 15 % of 400, pulled a little to the whole
    assert "This is different from the team (fewer, worse)" in found["sentence"]


def test_who_has_poor_leads_is_not_called_for_them(mixed_team: Warehouse) -> None:
    found = by_person(people(mixed_team, "closing_rate", WHOLE))["Person p5"]
    raw = found["observed"] / found["n"]
    assert raw < 0.05 < found["adjusted_rate"]
    assert found["verdict"] == "not distinguishable"
    assert "Not distinguishable from the team" in found["sentence"]


def test_leads_of_nobody_are_listed_but_neither_judged_nor_colleagues(mixed_team: Warehouse) -> None:
    found = people(mixed_team, "closing_rate", WHOLE)
    nobody = by_person(found)[NOBODY]
    assert (nobody["n"], nobody["observed"], nobody["verdict"]) == (30, 0, "nobody's own")
    assert nobody["expected"] is None
    assert found["person"].to_list()[-1] == NOBODY
    named = found.filter(pl.col("person") != NOBODY)
    assert set(named["team_rate"]) == {sum(named["observed"]) / sum(named["n"])}


def test_a_filter_on_people_chooses_whom_to_show_not_whom_to_compare_with(mixed_team: Warehouse) -> None:
    alone = people(mixed_team, "closing_rate", Filters(where={"person": ("Person p1",)}))
    assert alone.to_dicts() == [by_person(people(mixed_team, "closing_rate", WHOLE))["Person p1"]]


def test_how_leads_were_answered_never_excuses_anybody(tmp_path: Path) -> None:
    def expected_of(answered: str) -> float:
        rows = leads("p1", 50, 2, answered=answered) + leads("p2", 50, 10) + leads("p3", 50, 10)
        star = star_of(dim_person=team(), fct_opportunity=rows)
        found = by_person(people(opened(tmp_path / answered, star), "closing_rate", WHOLE))
        return float(found["Person p1"]["expected"])

    assert expected_of("later") == expected_of("in time")


def test_one_person_alone_has_no_team(tmp_path: Path) -> None:
    star = star_of(dim_person=team(), fct_opportunity=leads("p1", 20, 3))
    found = people(opened(tmp_path, star), "closing_rate", WHOLE).row(0, named=True)
    assert (found["verdict"], found["expected"], found["low"]) == ("no team", None, None)


def test_each_store_is_its_own_team(tmp_path: Path) -> None:
    rows = leads("p1", 100, 10) + leads("p2", 100, 10)
    rows += [row | {"store_key": "s2"} for row in leads("p3", 100, 50) + leads("p4", 100, 50)]
    found = people(opened(tmp_path, star_of(fct_opportunity=rows)), "closing_rate", WHOLE)
    assert set(found["verdict"]) == {"not distinguishable"}
    assert found.group_by("store").agg(pl.col("team_rate").first()).sort("store")["team_rate"].to_list() == [0.1, 0.5]


def test_rows_that_may_still_sell_are_said(tmp_path: Path) -> None:
    young = {"created_at": datetime(2026, 5, 10, 15, tzinfo=UTC)}
    rows = leads("p1", 20, 3) + leads("p2", 20, 3, **young)
    found = by_person(people(opened(tmp_path, star_of(dim_person=team(), fct_opportunity=rows)), "closing_rate", WHOLE))
    assert found["Person p2"]["n_immature"] == 17
    assert "17 of them are still open and may yet count." in found["Person p2"]["sentence"]


@pytest.mark.parametrize("name", ["sold_units", "roi", "median_response_minutes", "opportunities"])
def test_only_conversions_compare(mixed_team: Warehouse, name: str) -> None:
    with pytest.raises(MetricError, match="not a conversion"):
        people(mixed_team, name, WHOLE)


def test_in_period_rates_do_not_compare(mixed_team: Warehouse) -> None:
    with pytest.raises(MetricError, match="only by cohort"):
        people(mixed_team, "closing_rate", Filters(basis="in_period"))


# ------------------------------------------------------------------------------------------- coaching


def appointment(key: str, **columns: Any) -> Row:
    """A standing sales appointment of Northgate, due on 3 March 2026."""
    due = datetime(2026, 3, 3, 15, tzinfo=UTC)
    shared = {"store_key": "s1", "source_key": "web", "lead_type": "internet", "vehicle_condition": "new"}
    flags = {"is_standing": True, "is_unresolved": False, "shown_at": due if columns.get("is_shown") else None}
    roles = dict.fromkeys(("setter_key", "salesperson_key", "bdc_agent_key", "responder_key"), "unassigned")
    return {"appointment_key": key, "due_at": due, "due_on": due.date(), **shared, **flags, **roles, **columns}


def funnel_of(person: str, contacted: int, booked: int, shown: int, sold: int) -> dict[str, list[dict[str, Any]]]:
    """A hundred leads, of which the first so many reached each step."""
    at = datetime(2026, 3, 3, 15, tzinfo=UTC)
    opportunities = [
        opportunity(
            f"{person}-{number}", salesperson_key=person, is_contacted=number < contacted,
            is_appointment_set=number < booked, is_shown=number < shown, shown_at=at if number < shown else None,
            shown_on=at.date() if number < shown else None, is_sold=number < sold,
        )
        for number in range(100)
    ]  # fmt: skip
    appointments = [
        appointment(f"{person}-a{number}", salesperson_key=person, is_shown=number < shown) for number in range(booked)
    ]
    deals = [
        sale(f"{person}-d{number}", salesperson_key=person, weighted_gross=2000 + 100 * number, has_known_gross=True)
        for number in range(sold)
    ]
    return {"fct_opportunity": opportunities, "fct_appointment": appointments, "fct_sale": deals}


@pytest.fixture(scope="module")
def funnels(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Four people alike, and p1, who makes a third of the appointments."""
    parts = [funnel_of("p1", 80, 12, 8, 4), *(funnel_of(person, 80, 40, 26, 13) for person in TEAM[1:])]
    tables = {name: [row for part in parts for row in part[name]] for name in parts[0]}
    return opened(tmp_path_factory.mktemp("funnels"), star_of(dim_person=team(), **tables))


def test_the_weak_step_is_first_and_worth_its_gap_times_its_volume(funnels: Warehouse) -> None:
    month = Filters(start=date(2026, 3, 1), end=date(2026, 3, 31))
    found = coaching(funnels, month).filter(pl.col("person") == "Person p1")
    first = found.row(0, named=True)
    assert first["step"] == "contact_to_appointment"
    gap = first["expected_rate"] - first["rate"]
    assert first["gap"] == pytest.approx(gap)
    assert first["expected_rate"] == pytest.approx(0.5, abs=0.02)
    later = found.filter(pl.col("step").is_in(["show_rate", "show_to_sale"]))["rate"].to_list()
    months = 31 / (365.25 / 12)
    assert first["sales"] == pytest.approx(80 * gap * later[0] * later[1] / months)
    assert first["gross"] / first["sales"] == pytest.approx(2000 + 100 * (sum(range(13)) * 4 + 6) / 56)
    assert first["sales_low"] < first["sales"] < first["sales_high"]
    assert "Reaching them would bring" in first["sentence"]


def test_what_a_sale_brings_may_be_given_where_it_was_asked_before(funnels: Warehouse) -> None:
    (store,) = coaching(funnels, WHOLE)["store"].unique()
    worth = gross_per_sale(funnels, store, Filters(where={"lead_type": ("phone",)}))
    assert_frame_equal(coaching(funnels, WHOLE, {store: worth}), coaching(funnels, WHOLE))
    twice = coaching(funnels, WHOLE, {store: (2 * worth[0], worth[1])})
    assert_frame_equal(twice.select("gross"), coaching(funnels, WHOLE).select(pl.col("gross") * 2))


def test_who_is_apart_is_told_without_limits_and_with_the_plain_rate_at_hand(funnels: Warehouse) -> None:
    judged = people(funnels, "contact_to_appointment", WHOLE)
    assert_frame_equal(apart(funnels, "contact_to_appointment", WHOLE), judged.select(APART))
    asked = evaluate(funnels, ["contact_to_appointment"], Filters(by=("store", "person")))
    counted = as_counted(judged)
    assert_frame_equal(counted, asked.select(counted.columns), check_row_order=False)


def test_who_is_not_behind_has_nothing_to_gain(funnels: Warehouse) -> None:
    found = coaching(funnels, WHOLE).filter(
        (pl.col("person") == "Person p2") & (pl.col("step") == "contact_to_appointment")
    )
    assert found["gross"].to_list() == [None]
    assert "not behind" in found["sentence"][0]


def test_a_change_is_told_against_the_teams_own_change(tmp_path: Path) -> None:
    day = date(2026, 4, 1)
    before = {"created_at": datetime(2026, 3, 20, 15, tzinfo=UTC)}
    after = {"created_at": datetime(2026, 4, 10, 15, tzinfo=UTC)}
    rows = _renumbered(leads("p1", 100, 10, **before), "b") + _renumbered(leads("p1", 100, 40, **after), "a")
    for person in TEAM[1:]:
        rows += _renumbered(leads(person, 100, 10, **before), "b") + _renumbered(leads(person, 100, 20, **after), "a")
    warehouse = opened(tmp_path, star_of(dim_person=team(), fct_opportunity=rows))
    found = by_person(since(warehouse, "closing_rate", WHOLE, day))
    own = found["Person p1"]
    assert (own["person_change"], own["team_change"]) == (pytest.approx(0.3), pytest.approx(0.1))
    assert own["difference"] == pytest.approx(0.2)
    assert 0 < own["low"] < own["difference"] < own["high"]
    assert "different from the team's own change" in own["sentence"]
    assert "not distinguishable" in found["Person p2"]["sentence"]


def _renumbered(rows: list[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    return [row | {"opportunity_key": f"{row['opportunity_key']}-{mark}"} for row in rows]


def test_a_day_after_the_data_leaves_nothing_to_compare(funnels: Warehouse) -> None:
    with pytest.raises(MetricError, match="after the data end"):
        since(funnels, "closing_rate", WHOLE, date(2026, 5, 20) + timedelta(days=400))
