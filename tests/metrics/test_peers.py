"""The one figure of colleagues: whole months, five people or more, nobody named, no difference that tells of one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pytest

from metrics.comparisons.peers import peers
from metrics.engine import Warehouse, open_warehouse
from metrics.filters import Filters
from metrics.scope import Scope
from tests.pages.showroom import full_showroom

ME = "Rep 0"
Staffed = Callable[[str], Warehouse]


@pytest.fixture
def staffed(tmp_path: Path) -> Staffed:
    """The showroom, whose opportunities at North are dealt out to as many salespeople as the SQL says."""

    def with_people(who: str) -> Warehouse:
        place = full_showroom(tmp_path)
        file = place / (place / "CURRENT").read_text(encoding="utf-8").strip()
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                "insert into dim_person select dim_person.* replace ('r' || n as person_key, 'Rep ' || n as person, "
                "'Rep ' || n as name, (select store_key from dim_store where store = 'North') as store_key, "
                "'salesperson' as role) "
                "from dim_person, range(9) as numbers(n) where person_key = 'unassigned'"
            )
            connection.execute(
                f"update fct_opportunity set salesperson_key = 'r' || ({who}), bdc_agent_key = 'unassigned' "
                "where store_key = (select store_key from dim_store where store = 'North')"
            )
        return open_warehouse(place)

    return with_people


def own(warehouse: Warehouse) -> Warehouse:
    return warehouse.within(Scope(stores=("North",), person=ME))


def figure(warehouse: Warehouse, **period: dt.date) -> dict[str, float | None]:
    return peers(own(warehouse), ["closing_rate"], ME, Filters(**period)).row(0, named=True)


# The 600 opportunities of the showroom lie over a year, so each month has some 25 at North.
BY_TURNS = "(hash(opportunity_key) % 7)"


def test_colleagues_reach_what_the_rows_say(staffed: Staffed) -> None:
    warehouse = staffed(BY_TURNS)
    with warehouse._reading() as reader:
        rows = reader.cursor.sql(
            "select date_trunc('month', created_on) as month, salesperson_key, is_sold from fct_opportunity "
            "where is_eligible and salesperson_key like 'r%'"
        ).pl()
        as_of = reader.cursor.sql("select max(as_of_on) as day from dim_store").pl()["day"].item()
    others = rows.filter(pl.col("salesperson_key") != "r0", pl.col("month") < as_of.replace(day=1))
    taken = []
    for _, month in others.group_by("month"):
        each = month["salesperson_key"].value_counts()["count"]
        if each.len() >= 5 and each.max() <= each.sum() / 2:
            taken.append(month)
    expected = pl.concat(taken)
    found = figure(warehouse)
    assert found["value"] == pytest.approx(expected["is_sold"].mean())
    assert found["chances"] == expected.height
    assert found["months"] == len(taken) > 6
    assert (found["fewest_people"] or 0) >= 5
    warehouse.close()


def test_fewer_than_five_colleagues_are_not_told_of(staffed: Staffed) -> None:
    warehouse = staffed("(hash(opportunity_key) % 5)")
    assert figure(warehouse)["value"] is None
    warehouse.close()


def test_nor_are_five_of_whom_one_makes_the_most(staffed: Staffed) -> None:
    warehouse = staffed("case when hash(opportunity_key) % 10 < 7 then 1 else hash(opportunity_key) % 7 end")
    assert figure(warehouse)["value"] is None
    warehouse.close()


def test_a_period_that_differs_by_days_tells_the_same_months(staffed: Staffed) -> None:
    """Else the difference of two figures would be the leads of a day, and of whoever had them."""
    warehouse = staffed(BY_TURNS)
    found = [figure(warehouse, start=dt.date(2026, 2, 1), end=dt.date(2026, 4, day)) for day in range(1, 30)]
    assert all(one == other for one, other in pairwise(found))
    moved = [figure(warehouse, start=dt.date(2026, 2, day), end=dt.date(2026, 4, 30)) for day in range(1, 28)]
    assert all(one == other for one, other in pairwise(moved))
    warehouse.close()


def test_what_else_is_filtered_by_changes_nothing(staffed: Staffed) -> None:
    warehouse = staffed(BY_TURNS)
    whole = figure(warehouse)
    for where in ({"source": ("Website",)}, {"person": ("Rep 1",)}, {"lead_type": ("phone",)}, {"store": ("South",)}):
        asked = Filters(where=where, credit="setter")
        assert peers(own(warehouse), ["closing_rate"], ME, asked).row(0, named=True) == whole
    warehouse.close()


def test_somebody_nobody_knows_has_no_colleagues(staffed: Staffed) -> None:
    warehouse = staffed(BY_TURNS)
    assert peers(own(warehouse), ["closing_rate"], "No such person", Filters()).is_empty()
    warehouse.close()
