"""`python -m metrics worklist`: the lists and their counts, one list, as a table, JSON, CSV and SQL."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from metrics.__main__ import app
from tests.star import write_warehouse
from tests.waiting import waiting_star


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    star = waiting_star()
    names = star["dim_customer"].with_columns(
        customer=pl.when(pl.col("customer_key") == "c2").then(pl.lit("=1+1")).otherwise("customer")
    )
    return write_warehouse(tmp_path_factory.mktemp("waiting"), {**star, "dim_customer": names})


def run(warehouse: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["worklist", *arguments, "--warehouse", str(warehouse)])
    assert result.exit_code == code, result.output
    return result


def test_without_a_name_every_list_is_counted_with_what_to_do(warehouse: Path) -> None:
    said = run(warehouse).stdout
    counts = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in said.splitlines() if "│" in line}
    assert counts == {
        "unanswered_message": "2",
        "no_human_touch": "2",
        "no_show_not_called": "1",
        "unconfirmed_appointment": "0",
        "follow_up_missed": "0",
        "past_due_without_outcome": "0",
        "lost_too_soon": "0",
    }
    assert "Call, or answer the message, today." in said


def test_one_list_is_a_table_of_customers_with_their_numbers(warehouse: Path) -> None:
    said = run(warehouse, "unanswered_message").stdout
    assert [("555-0100" in line) for line in said.splitlines() if "555-" in line] == [True, False]
    assert "Ada Reyes" in said


def test_json_holds_every_column_and_every_list(warehouse: Path) -> None:
    rows = json.loads(run(warehouse, "--format", "json").stdout)
    assert [row["list"] for row in rows].count("no_human_touch") == 2
    assert rows[0]["records"] == ["crm\tO1"]
    assert rows[0]["since"] == "2026-05-20T16:00:00+00:00"


def test_csv_runs_no_formula(warehouse: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(warehouse, "no_show_not_called", "--format", "csv").stdout)))
    assert [row["customer"] for row in rows] == ["'=1+1"]


def test_filters_and_now_are_taken(warehouse: Path) -> None:
    found = json.loads(run(warehouse, "--where", "person=Ben Okoye", "--format", "json").stdout)
    assert [row["opportunity_key"] for row in found] == ["o2"]
    earlier = run(warehouse, "unanswered_message", "--as-of", "2026-05-20T15:00:00+00:00", "--format", "json")
    assert [row["opportunity_key"] for row in json.loads(earlier.stdout)] == ["o2"]


def test_the_query_is_shown_instead_of_its_result(warehouse: Path) -> None:
    said = run(warehouse, "no_human_touch", "--sql").stdout
    assert "-- Never called" in said
    assert "o3" not in said


def test_a_list_that_is_not_there_and_one_without_customers_are_said(warehouse: Path) -> None:
    assert "Did you mean 'no_human_touch'?" in run(warehouse, "no_human", code=2).stderr
    assert "Nothing in the data matches." in run(warehouse, "lost_too_soon", "--format", "csv", code=1).stderr
