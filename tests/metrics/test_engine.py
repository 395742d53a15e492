"""The engine at its edge: snapshots that come and go, options, and the rows behind a number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from metrics.catalog import METRICS
from metrics.declare import MetricError, Ratio
from metrics.engine import (
    NoWarehouse,
    Warehouse,
    evaluate,
    open_warehouse,
    options,
    query,
    rows,
    snapshot_facts,
    spreadsheet_safe,
    stores,
    target,
    targets,
)
from metrics.filters import Filters, unavailable
from metrics.scope import Scope
from metrics.sql import Part
from tests.star import INSTRUMENTS, NOWS, empty_star, one_row_star, random_star, star_of, write_warehouse


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A hundred and twenty random opportunities."""
    directory = write_warehouse(tmp_path_factory.mktemp("crowded"), random_star(seed=8, opportunities=120))
    warehouse = open_warehouse(directory)
    yield warehouse
    warehouse.close()


def test_a_directory_without_a_snapshot_says_how_to_load_one(tmp_path: Path) -> None:
    with pytest.raises(NoWarehouse, match="loaders load"):
        open_warehouse(tmp_path)


def test_a_current_that_names_nothing_says_how_to_publish_another(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("snapshots/gone.duckdb")
    with pytest.raises(NoWarehouse, match="rollback"):
        open_warehouse(tmp_path)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    write_warehouse(tmp_path, empty_star())
    (tmp_path / "snapshots" / "20260520T180000Z-0000abcd.duckdb").write_bytes(b"not a database at all")
    with pytest.raises(NoWarehouse, match="cannot be read"):
        open_warehouse(tmp_path)


def test_a_snapshot_of_another_version_names_the_command_that_builds_it_again(tmp_path: Path) -> None:
    directory = write_warehouse(tmp_path, one_row_star())
    with duckdb.connect(str(directory / "snapshots" / "20260520T180000Z-0000abcd.duckdb")) as file:
        file.execute("alter table fct_opportunity drop column is_sold")
    warehouse = open_warehouse(directory)
    with pytest.raises(NoWarehouse, match="python -m loaders build"):
        evaluate(warehouse, ["closing_rate"], Filters())
    assert evaluate(warehouse, ["leads"], Filters())["value"].item() == 1.0
    warehouse.close()


def test_a_refresh_follows_current_and_leaves_running_queries_on_the_old_snapshot(tmp_path: Path) -> None:
    warehouse = open_warehouse(write_warehouse(tmp_path, empty_star()))
    assert not warehouse.refresh()
    with warehouse._reading() as reader:
        write_warehouse(tmp_path, one_row_star(), name="20260521T180000Z-0000abcd")
        assert warehouse.refresh()
        assert reader.cursor.sql("select count(*) as n from fct_opportunity").pl()["n"].item() == 0
        assert evaluate(warehouse, ["opportunities"], Filters())["value"].item() == 1.0
    assert warehouse.snapshot == "snapshots/20260521T180000Z-0000abcd.duckdb"
    warehouse.close()


def test_a_handle_that_stays_reads_its_snapshot_until_it_is_gone_and_no_longer_holds_the_file(tmp_path: Path) -> None:
    warehouse = open_warehouse(write_warehouse(tmp_path, empty_star()))
    old, stays = tmp_path / warehouse.snapshot, warehouse.staying()
    write_warehouse(tmp_path, one_row_star(), name="20260521T180000Z-0000abcd")
    assert warehouse.refresh()
    both = [evaluate(handle, ["opportunities"], Filters())["value"].item() for handle in (stays, warehouse)]
    assert (both, tmp_path / stays.snapshot) == ([0.0, 1.0], old)
    # DuckDB lets nobody write to a file that this process still reads.
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(old))
    del stays
    duckdb.connect(str(old)).close()
    warehouse.close()


def test_readers_are_never_torn_while_snapshots_are_published(tmp_path: Path) -> None:
    """Leads and opportunities of one evaluation come from one snapshot: both 0 or both 1."""
    warehouse = open_warehouse(write_warehouse(tmp_path, empty_star()))

    def read(_: int) -> tuple[float, ...]:
        warehouse.refresh()
        return tuple(evaluate(warehouse, ["leads", "opportunities"], Filters())["value"].to_list())

    with ThreadPoolExecutor(4) as readers:
        running = [readers.submit(read, turn) for turn in range(40)]
        for number, star in enumerate((one_row_star(), empty_star(), one_row_star())):
            write_warehouse(tmp_path, star, name=f"2026052{number + 1}T180000Z-0000abcd")
        assert {reading.result() for reading in running} <= {(0.0, 0.0), (1.0, 1.0)}
    assert read(0) == (1.0, 1.0)
    warehouse.close()


def test_questions_that_share_a_text_get_their_own_numbers_also_at_one_time(crowded: Warehouse) -> None:
    """A text is understood once of a snapshot; its values come with each question."""
    asked = [Filters(by=("person",), start=NOWS["s1"].date() - timedelta(days=days)) for days in (400, 90, 60, 30)]
    assert len({query("closing_rate", filters).text for filters in asked}) == 1

    def alone(filters: Filters) -> pl.DataFrame:
        apart = open_warehouse(crowded.directory)
        answer = evaluate(apart, ["closing_rate"], filters)
        apart.close()
        return answer

    expected = [alone(filters) for filters in asked]
    assert len({answer["denominator"].sum() for answer in expected}) == len(asked)
    with ThreadPoolExecutor(4) as readers:
        answers = list(readers.map(lambda filters: evaluate(crowded, ["closing_rate"], filters), asked * 10))
    assert all(answer.equals(expected[number % len(asked)]) for number, answer in enumerate(answers))


def test_a_snapshot_cannot_be_written_through_the_engine(crowded: Warehouse) -> None:
    with crowded._reading() as reader, pytest.raises(Exception, match="read-only"):
        reader.cursor.execute("delete from fct_opportunity")


def test_facts_of_a_snapshot(crowded: Warehouse) -> None:
    facts = snapshot_facts(crowded)
    assert facts.loaded_at == datetime(2026, 5, 20, 18, tzinfo=UTC)
    assert facts.as_of["Northgate Motors"] == NOWS["s1"]
    assert facts.row_counts["fct_opportunity"] == 120
    assert facts.reject_count == 0
    assert stores(crowded)["store"].to_list() == ["Northgate Motors", "Southside Autos"]
    assert targets(crowded) == {}


def test_options_are_in_order_with_members_last(crowded: Warehouse) -> None:
    assert options(crowded, "source") == ["Club", "Third Party", "unknown", "Website", "(no lead)", "(no source)"]
    assert options(crowded, "person")[-1] == "(unassigned)"
    assert set(options(crowded, "lead_type")) == {"internet", "phone", "walk_in", "(no lead)"}
    types = options(crowded, "appointment_type")
    assert types == sorted(set(types))
    with pytest.raises(MetricError):
        options(crowded, "colour")


def test_a_metric_that_cannot_be_had_is_one_row_with_its_reason(crowded: Warehouse) -> None:
    found = evaluate(crowded, ["spend", "leads"], Filters(by=("person",)))
    spend = found.filter(pl.col("metric") == "spend")
    assert spend.height == 1
    assert spend["value"].item() is None
    assert "not for a person" in spend["reason"].item()
    assert found.filter(pl.col("metric") == "leads")["reason"].is_null().all()
    with pytest.raises(MetricError, match="not for a person"):
        query("spend", Filters(by=("person",)))


def test_surveys_of_two_instruments_are_never_one_number(crowded: Warehouse) -> None:
    whole = evaluate(crowded, ["csi_mean", "csi_top_box", "sales_surveys"], Filters()).to_dicts()
    assert [row["value"] for row in whole[:2]] == [None, None]
    assert all("choose one instrument, or split by it" in row["reason"] for row in whole[:2])
    assert whole[2]["value"] > 0, "a count of surveys may stand for all"
    split = evaluate(crowded, ["csi_mean"], Filters(by=("instrument",)))
    assert sorted(split["instrument"].to_list()) == sorted(INSTRUMENTS)
    assert split["value"].null_count() == 0
    for row in split.iter_rows(named=True):
        chosen = evaluate(crowded, ["csi_mean"], Filters(where={"instrument": (row["instrument"],)}))
        assert chosen["value"].item() == row["value"]


def test_columns_stand_in_the_promised_order(crowded: Warehouse) -> None:
    found = evaluate(crowded, ["closing_rate"], Filters(by=("person", "store"), grain="month"))
    assert found.columns == [
        "person", "credit", "store", "period", "metric", "numerator", "denominator", "value", "low", "high",
        "n_immature", "reason",
    ]  # fmt: skip
    assert found["credit"].unique().to_list() == ["salesperson"]


@pytest.mark.parametrize("name", [found.name for found in METRICS])
@pytest.mark.parametrize("filters", [Filters(), Filters(where={"source_group": ("Own",)}, attribution="even")], ids=str)
def test_the_rows_behind_a_number_are_as_many_as_it_says(crowded: Warehouse, name: str, filters: Filters) -> None:
    declared = next(found for found in METRICS if found.name == name)
    if unavailable(declared, filters) or isinstance(declared, Ratio):
        filters = Filters()
    apart = {"instrument": INSTRUMENTS[:1], "appointment_type": ("test_drive",)}
    if declared.kept_apart:
        filters = filters.but(where={**filters.where, declared.kept_apart: apart[declared.kept_apart]})
    number = evaluate(crowded, [name], filters).row(0, named=True)
    parts: list[Part] = ["numerator"] if declared.kind in ("count", "sum") else ["numerator", "denominator"]
    for part in parts:
        listed = rows(crowded, name, part, filters)
        has_source = all(fact.has_source for fact in declared.facts)
        # A day on the roster is no record: it stands in no file.
        lineage = [] if name == "days_without_logging" else ["source_file", "source_line"]
        assert {"store", *lineage, *(["source"] if has_source else [])} <= set(listed.columns)
        if declared.kind in ("count", "conversion"):
            shares = [listed[name] for name in ("share", "weight") if name in listed.columns]
            counted = math.fsum(math.prod(row) for row in zip(*shares, strict=True)) if shares else listed.height
            assert counted == pytest.approx(number[part])


def test_the_rows_behind_a_ratio_name_their_measure(crowded: Warehouse) -> None:
    listed = rows(crowded, "roi", "numerator", Filters())
    assert set(listed["measure"]) == {"cohort_gross", "spend"}
    spent = listed.filter(pl.col("measure") == "spend")["amount"].sum()
    assert float(spent) == pytest.approx(evaluate(crowded, ["roi"], Filters())["denominator"].item())


def test_rows_can_be_cut_short(crowded: Warehouse) -> None:
    assert rows(crowded, "opportunities", "numerator", Filters(), limit=3).height == 3


def test_a_count_has_no_denominator_to_list(crowded: Warehouse) -> None:
    with pytest.raises(MetricError, match="no denominator"):
        rows(crowded, "leads", "denominator", Filters())


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised() -> None:
    frame = pl.DataFrame({"text": ["=1+1", "+1", "-1", "@x", "plain", None], "number": [-1.0, 1, 2, 3, 4, 5]})
    safe = spreadsheet_safe(frame)
    assert safe["text"].to_list() == ["'=1+1", "'+1", "'-1", "'@x", "plain", None]
    assert safe["number"].to_list() == frame["number"].to_list()


def test_of_the_targets_that_fit_the_one_that_names_most_holds(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"store_key": "", "metric": "show_rate", "value": 0.5},
        {"store_key": "s1", "metric": "show_rate", "value": 0.6},
        {"store_key": "", "source": "Website", "metric": "show_rate", "value": 0.65},
        {"store_key": "s1", "person_key": "p1", "person": "ada reyes", "metric": "show_rate", "value": 0.7},
        {"store_key": "s1", "month": date(2026, 3, 1), "metric": "show_rate", "value": 0.8},
        {"store_key": "", "metric": "contact_rate", "value": 0.1},
    ]
    known = targets(open_warehouse(write_warehouse(tmp_path, star_of(target=rows))))
    north, ada = {"store": ("Northgate Motors",)}, {"person": ("Ada Reyes",)}
    march = {"start": date(2026, 3, 1), "end": date(2026, 3, 31)}

    def held(**fields: Any) -> float | None:
        return target(known, "show_rate", Filters(**fields))

    assert held() == 0.5
    assert held(where=north) == 0.6
    assert held(where={"store": ("Southside Autos",)}) == 0.5
    assert held(where={"store": ("Northgate Motors", "Southside Autos")}) == 0.5
    assert held(where={"source": ("Website",)}) == 0.65
    assert held(where={**north, "source": ("Website",)}) == 0.65  # a source says more than a store
    assert held(where={**north, **ada}) == 0.7
    assert held(where=ada) == 0.5  # the target is that person's at a store
    assert held(where=north, **march) == 0.8
    assert held(where=north, start=date(2026, 2, 1), end=date(2026, 3, 31)) == 0.6
    assert held(where={**north, **ada}, **march) == 0.7
    assert target(known, "closing_rate", Filters()) is None


def test_a_target_of_cars_is_that_of_one_month_from_its_first_day_on(tmp_path: Path) -> None:
    rows = [{"store_key": "", "metric": "sold_units", "value": 95.0}]
    known = targets(open_warehouse(write_warehouse(tmp_path, star_of(target=rows))))
    first, fifth, last = date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 31)
    assert target(known, "sold_units", Filters(start=first, end=last)) == 95.0
    assert target(known, "sold_units", Filters(start=first, end=fifth)) == 95.0
    assert target(known, "sold_units", Filters(start=fifth, end=last)) is None
    assert target(known, "sold_units", Filters(start=date(2026, 1, 1), end=last)) is None
    assert target(known, "sold_units", Filters()) is None


def test_what_no_filter_changes_is_remembered_within_its_scope_only(crowded: Warehouse) -> None:
    every = stores(crowded)["store"].to_list()
    narrowed = crowded.within(Scope(stores=(every[0],)))
    assert stores(narrowed)["store"].to_list() == every[:1]
    assert stores(crowded)["store"].to_list() == every
    assert stores(crowded) is stores(crowded)


def test_questions_of_one_shape_share_a_text_and_keep_their_own_values(crowded: Warehouse) -> None:
    one = Filters(where={"lead_type": ("phone",)}, start=date(2026, 1, 5), end=date(2026, 2, 1))
    other = one.but(where={"lead_type": ("internet",)}, end=date(2026, 3, 1))
    assert one.shape == other.shape
    names = ("leads", "opportunities", "closing_rate")
    together = evaluate(crowded, names, one), evaluate(crowded, names, other)
    alone = [pl.concat([evaluate(crowded, (name,), asked) for name in names]) for asked in (one, other)]
    assert [frame.to_dicts() for frame in together] == [frame.to_dicts() for frame in alone]
    assert together[0]["value"].to_list() != together[1]["value"].to_list()
