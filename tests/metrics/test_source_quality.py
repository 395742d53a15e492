"""Sources judged fairly: handling apart from quality, credit that sums, money with its luck, ledgers that tie out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from metrics.comparisons import sources
from metrics.comparisons.sources import TOTAL, credited, ledger, marginal, moved, quality, returns
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import Filters
from tests.star import Row, Star, opportunity, random_star, sale, spend, star_of, stars, write_warehouse

WHOLE = Filters()


def opened(directory: Path, star: Star) -> Warehouse:
    return open_warehouse(write_warehouse(directory, star))


def leads(source: str, answered: str, count: int, contacted: int, **columns: Any) -> list[Row]:
    return [
        opportunity(
            f"{source}-{answered}-{number}",
            source_key=source,
            answered=answered,
            is_contacted=number < contacted,
            **columns,
        )
        for number in range(count)
    ]


def by_source(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in frame.iter_rows(named=True)}


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One source is answered late, one brings weak leads however it is answered, one customer walks in."""
    rows = leads("web", "in time", 400, 280) + leads("web", "later", 100, 40)
    rows += leads("third", "in time", 40, 28) + leads("third", "later", 360, 144)
    rows += leads("club", "in time", 320, 128) + leads("club", "later", 80, 16)
    rows += leads("no_source", "not needed", 50, 45)
    return opened(tmp_path_factory.mktemp("handled"), star_of(fct_opportunity=rows))


def test_a_source_answered_late_is_a_handling_problem(handled: Warehouse) -> None:
    found = by_source(quality(handled, "contact_rate", WHOLE))["Third Party"]
    assert found["verdict"] == "handling"
    assert found["raw"] == pytest.approx(172 / 400)
    assert found["value"] > found["raw"] + 0.1
    assert found["gap"] == pytest.approx(found["composition"] + found["own"])
    assert "a handling problem" in found["sentence"]


def test_a_source_of_weak_leads_is_a_quality_problem(handled: Warehouse) -> None:
    found = by_source(quality(handled, "contact_rate", WHOLE))
    assert found["Club"]["verdict"] == "quality"
    assert found["Website"]["verdict"] == "not low"


def test_customers_who_came_are_not_held_against_answers(handled: Warehouse) -> None:
    found = by_source(quality(handled, "contact_rate", WHOLE))["(no source)"]
    assert (found["verdict"], found["n"], found["value"]) == ("answered on the spot", 50, None)


def test_how_often_a_customer_was_tried_is_no_handling(tmp_path: Path) -> None:
    # Who is reached is tried no more, so weak leads have more attempts: it would be their excuse.
    rows = leads("web", "in time", 200, 140, is_follow_up_met=True) + leads("club", "in time", 200, 60)
    found = by_source(quality(opened(tmp_path, star_of(fct_opportunity=rows)), "contact_rate", WHOLE))
    assert found["Club"]["verdict"] == "quality"
    assert found["Club"]["composition"] == pytest.approx(0)


@pytest.mark.parametrize("name", ["answered_within_standard", "never_answered_rate"])
def test_the_handling_itself_is_not_judged_at_equal_handling(handled: Warehouse, name: str) -> None:
    with pytest.raises(MetricError, match="is the handling itself"):
        quality(handled, name, WHOLE)


def test_what_is_not_of_leads_has_no_handling(handled: Warehouse) -> None:
    with pytest.raises(MetricError, match="counts appointments"):
        quality(handled, "show_rate", WHOLE)


# -------------------------------------------------------------------------------------------- credit


@settings(max_examples=15)
@given(star=stars())
def test_each_rule_of_credit_shares_out_the_total_of_the_engine(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        units = evaluate(warehouse, ["sold_units"], WHOLE)["value"][0]
        try:
            found = credited(warehouse, "sold_units", WHOLE, 180)
        except NoSuchData:
            assert units == 0
            return
        for rule in ("first", "last", "even"):
            assert found.filter(pl.col("source") != TOTAL)[rule].sum() == found.filter(source=TOTAL)[rule][0]
            assert float(found.filter(source=TOTAL)[rule][0]) == pytest.approx(units)
        warehouse.close()


def lead(key: str, source: str, day: int) -> Row:
    created = datetime(2026, 3, day, 15, tzinfo=UTC)
    return {
        "lead_key": key, "opportunity_key": "o", "store_key": "s1", "customer_key": "c0", "source_key": source,
        "created_at": created, "created_by": created, "created_on": created.date(), "is_counted": True,
    }  # fmt: skip


def test_a_lead_of_the_day_of_sale_counts_and_a_lead_before_the_window_does_not(tmp_path: Path) -> None:
    star = star_of(
        fct_opportunity=[opportunity("o")],
        fct_lead=[lead("l1", "web", 1), lead("l2", "third", 8), lead("l3", "club", 10)],
        fct_sale=[sale("d", customer_key="c0", opportunity_key="o", weight=1.0)],
    )
    found = by_source(credited(opened(tmp_path, star), "sold_units", WHOLE, 7))
    assert [(found[name]["first"], found[name]["last"], found[name]["even"]) for name in ("Third Party", "Club")] == [
        (1, 0, Decimal("0.5")),
        (0, 1, Decimal("0.5")),
    ]
    assert found["Third Party"]["assisted"] == 1
    assert found["Third Party"]["is_flipped"]
    assert "Website" not in found


def test_a_sale_without_a_lead_is_nobodys_credit(tmp_path: Path) -> None:
    found = by_source(credited(opened(tmp_path, star_of(fct_sale=[sale("d")])), "sold_units", WHOLE, 180))
    assert (found["(no lead)"]["first"], found[TOTAL]["first"]) == (1, 1)
    assert found["(no lead)"]["first_rank"] is None


def test_only_sums_over_sales_have_credit_to_share(handled: Warehouse) -> None:
    with pytest.raises(MetricError, match="no sum over sales"):
        credited(handled, "opportunities", WHOLE, 180)


# --------------------------------------------------------------------------------------------- money


@settings(max_examples=15)
@given(star=stars())
def test_the_ledgers_tie_out_to_the_cent(star: Star) -> None:
    with TemporaryDirectory() as directory:
        warehouse = opened(Path(directory), star)
        try:
            found = ledger(warehouse, WHOLE)
        except NoSuchData:
            assert evaluate(warehouse, ["leads", "spend", "sold_units"], WHOLE)["value"].fill_null(0).sum() == 0
            return
        lines, total = found.filter(pl.col("source") != TOTAL), found.filter(source=TOTAL).row(0, named=True)
        for name in sources.LEDGER:
            known = lines[name].drop_nulls().sum()
            assert known == pytest.approx(total[name] or 0, abs=0.005)
            assert total[name] == evaluate(warehouse, [name], WHOLE)["value"][0]
        warehouse.close()


@pytest.mark.parametrize("attribution", ["first", "last", "even"])
def test_the_return_is_the_one_of_the_metric(tmp_path: Path, attribution: Any) -> None:
    warehouse = opened(tmp_path, random_star(seed=11, opportunities=250))
    asked = Filters(attribution=attribution)
    told = {row["source"]: row["value"] for row in evaluate(warehouse, ["roi"], asked.but(by=("source",))).to_dicts()}
    found = {row["source"]: row["roi"] for row in returns(warehouse, asked).to_dicts()}
    assert found == pytest.approx(told)
    assert any(value is not None for value in found.values())


def paid_star(deals: int) -> Star:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    sold = [
        sale(
            f"d{number}",
            opportunity_key=f"o{number}",
            source_key="web",
            created_at=at,
            created_on=at.date(),
            has_known_gross=True,
            has_known_spend=True,
            gross=Decimal(1000 + 100 * number),
            weighted_gross=Decimal(1000 + 100 * number),
        )
        for number in range(deals)
    ]
    bought = [opportunity(f"o{number}", is_sold=True, has_known_spend=True) for number in range(deals)]
    return star_of(fct_opportunity=bought, fct_sale=sold, fct_spend=[spend("x", amount=Decimal(2000))])


def test_few_sales_are_said_in_words_instead_of_an_interval(tmp_path: Path) -> None:
    found = returns(opened(tmp_path, paid_star(4)), WHOLE).row(0, named=True)
    assert (found["sales"], found["low"], found["state"]) == (4, None, "fewer than 5 sales")
    assert found["roi"] == pytest.approx((4600 - 2000) / 2000)
    assert "Fewer than 5 sales" in found["sentence"]


def test_enough_sales_have_an_interval_around_the_return(tmp_path: Path) -> None:
    found = returns(opened(tmp_path, paid_star(12)), WHOLE).row(0, named=True)
    assert found["low"] < found["roi"] < found["high"]


def test_unknown_spend_is_unknown_and_not_zero(tmp_path: Path) -> None:
    star = paid_star(6)
    star = {**star, "fct_spend": star["fct_spend"].with_columns(is_known=False, amount=pl.lit(None, pl.Decimal(18, 6)))}
    star["fct_sale"] = star["fct_sale"].with_columns(has_known_spend=False)
    star["fct_opportunity"] = star["fct_opportunity"].with_columns(has_known_spend=False)
    found = returns(opened(tmp_path, star), WHOLE)
    assert found.filter(source="Website").select("spend", "roi", "gross", "state").rows() in (
        [],
        [(None, None, None, "spend unknown")],
    )
    assert ledger(opened(tmp_path / "again", star), WHOLE).filter(source="Website")["spend"].to_list() == [None]


# ------------------------------------------------------------------------------------------- margins


def paid_months(steady: bool) -> Star:
    """Fourteen months in which each 100 of spend brings one lead, on top of ten, in a zone of one store."""
    rows: list[Row] = []
    costs: list[Row] = []
    for month in range(14):
        year, number = 2025 + (month + 1) // 12, (month + 1) % 12 + 1
        amount = 1000 if steady else 1000 + 300 * (month * 5 % 7)
        first = date(year, number, 1)
        costs.append(spend(f"x{month}", day=first, amount=Decimal(amount)))
        created = datetime(year, number, 10, 15, tzinfo=UTC)
        rows += [
            opportunity(f"o{month}-{n}", created_at=created, created_on=created.date())
            for n in range(10 + amount // 100 + month % 2)
        ]
    return star_of(fct_opportunity=rows, fct_spend=costs)


def test_spend_that_varied_tells_what_the_last_of_it_brought(tmp_path: Path) -> None:
    warehouse = opened(tmp_path, paid_months(steady=False))
    found = marginal(warehouse, "opportunities", WHOLE).row(0, named=True)
    assert found["value"] == pytest.approx(0.01, rel=0.1)
    assert found["low"] < 0.01 < found["high"]
    assert found["average"] > found["value"]
    change = moved(warehouse, "opportunities", WHOLE, {"Website": -200}).row(0, named=True)
    assert change["change"] == pytest.approx(-200 * found["value"])
    assert "not an experiment" in change["sentence"]


def test_spend_that_never_varied_cannot_tell(tmp_path: Path) -> None:
    warehouse = opened(tmp_path, paid_months(steady=True))
    found = marginal(warehouse, "opportunities", WHOLE).row(0, named=True)
    assert (found["verdict"], found["value"]) == ("cannot be told", None)
    assert "hardly varied" in found["sentence"]
    change = moved(warehouse, "opportunities", WHOLE, {"Website": 100}).row(0, named=True)
    assert change["change"] is None
    assert "cannot be told" in change["sentence"]


def test_moving_the_money_of_an_unpaid_source_is_refused(handled: Warehouse) -> None:
    with pytest.raises(NoSuchData, match="no known spend"):
        moved(handled, "opportunities", WHOLE, {"Referral": 100})
    with pytest.raises(MetricError, match="does not follow the month of the lead"):
        marginal(handled, "sold_units", WHOLE)
