"""`python -m metrics`: literal JSON, exit status, and nothing but the result on standard output."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from metrics.__main__ import app
from metrics.catalog import METRICS
from tests.star import opportunity, random_star, star_of, write_warehouse


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty random opportunities."""
    return write_warehouse(tmp_path_factory.mktemp("warehouse"), random_star(seed=2, opportunities=60))


@pytest.fixture(scope="module")
def sold_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four opportunities of one person, one of them sold."""
    rows = [opportunity(f"o{n}", salesperson_key="p1", is_sold=n == 1) for n in range(4)]
    return write_warehouse(tmp_path_factory.mktemp("sold"), star_of(fct_opportunity=rows))


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def printed(*words: str | Path) -> Any:
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_list_prints_exactly_the_promised_keys() -> None:
    found = printed("list", "--json")
    assert [entry["name"] for entry in found] == [metric.name for metric in METRICS]
    keys = ["name", "label", "kind", "unit", "description", "fact", "clock", "higher_is_better", "family", "dimensions"]
    assert all(list(entry) == keys for entry in found)


def test_show_prints_exactly_the_promised_keys(sold_directory: Path) -> None:
    found = printed("show", "closing_rate", "--format", "json", "--warehouse", sold_directory)
    low_high = {name: round(found[0].pop(name), 4) for name in ("low", "high")}
    assert found == [{"metric": "closing_rate", "numerator": 1, "denominator": 4, "value": 0.25, "n_immature": 3}]
    assert low_high == {"low": 0.0456, "high": 0.6994}


def test_show_puts_person_credit_and_period_before_the_metric(sold_directory: Path) -> None:
    words = ("--by", "person,store", "--grain", "month", "--format", "json", "--warehouse", sold_directory)
    found = printed("show", "closing_rate", *words)
    assert list(found[0].items())[:5] == [
        ("person", "Ada Reyes"),
        ("credit", "salesperson"),
        ("store", "Northgate Motors"),
        ("period", "2026-03-01"),
        ("metric", "closing_rate"),
    ]


def test_show_gives_the_reason_of_a_metric_that_cannot_be_had(directory: Path) -> None:
    found = printed("show", "spend", "--by", "person", "--format", "json", "--warehouse", directory)
    assert len(found) == 1
    assert found[0]["value"] is None
    assert "not for a person" in found[0]["reason"]


def test_show_prints_csv_and_tables(directory: Path) -> None:
    words = ("show", "leads", "closing_rate", "--by", "source", "--warehouse", directory)
    table = run(*words)
    assert table.exit_code == 0
    assert "Website" in table.stdout
    lines = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout)))
    assert {line["metric"] for line in lines} == {"leads", "closing_rate"}


def test_the_printed_query_is_the_one_that_gives_the_number(directory: Path) -> None:
    words = ("show", "closing_rate", "--by", "source", "--warehouse", directory)
    text = run(*words, "--sql").stdout
    with duckdb.connect(str(directory / (directory / "CURRENT").read_text().strip()), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        pasted = connection.sql(text).pl()
    shown = printed(*words, "--format", "json")
    assert pasted["source"].to_list() == [row["source"] for row in shown]
    assert pasted["value"].to_list() == [row["value"] for row in shown]


def test_the_printed_query_names_its_parameters_in_comments(directory: Path) -> None:
    text = run(
        "show", "leads", "--from", "2026-03-01", "--where", "source=Website", "--sql", "--warehouse", directory
    ).stdout
    assert text.startswith('-- $start = "2026-03-01"\n-- $source_1 = "Website"\n')


def test_where_is_or_within_a_dimension_and_and_across(directory: Path) -> None:
    def count(*pairs: str) -> float:
        where = [word for pair in pairs for word in ("--where", pair)]
        value: float = printed("show", "leads", *where, "--format", "json", "--warehouse", directory)[0]["value"]
        return value

    web, third = count("source=Website"), count("source=Third Party")
    assert count("source=Website", "source=Third Party") == web + third
    assert count("source=Website", "source_group=Paid") == 0


def test_rows_prints_the_rows_behind_a_number(sold_directory: Path) -> None:
    found = printed("rows", "closing_rate", "--part", "numerator", "--format", "json", "--warehouse", sold_directory)
    assert [(row["store"], row["salesperson"], row["lead_id"], row["source_file"]) for row in found] == [
        ("Northgate Motors", "Ada Reyes", "O1", "leads.csv")
    ]
    assert (
        len(printed("rows", "closing_rate", "--part", "denominator", "--format", "json", "--warehouse", sold_directory))
        == 4
    )


def test_rows_prints_its_query(sold_directory: Path) -> None:
    assert "fct_opportunity" in run("rows", "closing_rate", "--sql", "--warehouse", sold_directory).stdout


@pytest.mark.parametrize(
    ("as_of", "value"),
    [("2026-03-02", 4), ("2026-03-01", 0), ("2026-03-02T14:59:59", 0), ("2026-03-02T16:00:00+01:00", 4)],
)
def test_as_of_takes_the_end_of_a_day_or_a_time(sold_directory: Path, as_of: str, value: int) -> None:
    words = ("--as-of", as_of, "--format", "json", "--warehouse", sold_directory)
    assert printed("show", "opportunities", *words)[0]["value"] == value


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "closing_rte"), "'closing_rate'"),
        (("show", "leads", "--by", "sorce"), "'source'"),
        (("show", "leads", "--where", "source"), "DIM=VALUE"),
        (("show", "leads", "--from", "yesterday"), "2026-01-31"),
        (("show", "leads", "--from", "2026-02-01", "--to", "2026-01-01"), "Exchange"),
        (("show", "leads", "--as-of", "soon"), "the end of that day"),
        (("show", "leads", "--grain", "fortnight"), "quarter"),
        (("show", "leads", "--basis", "other"), "in_period"),
        (("rows", "leads", "--part", "middle"), "denominator"),
        (("rows", "leads", "--part", "denominator"), "only a numerator"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_next_step(directory: Path, words: tuple[str, ...], hint: str) -> None:
    result = run(*words, "--warehouse", directory)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "\n\nHint: " in result.stderr
    assert hint in result.stderr


def test_no_warehouse_ends_with_1_and_the_next_step(tmp_path: Path) -> None:
    result = run("show", "leads", "--format", "json", "--warehouse", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "python -m loaders load" in result.stderr


def test_a_label_that_the_data_do_not_have_ends_with_1_and_names_the_nearest(directory: Path) -> None:
    result = run("show", "leads", "--where", "source=Web site", "--warehouse", directory)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Did you mean 'Website'?" in result.stderr


@pytest.mark.parametrize("metric", ["leads", "closing_rate", "show_rate", "sold_units", "spend", "roi"])
def test_a_table_of_rows_fits_120_columns_and_keeps_dates_and_ids_whole(directory: Path, metric: str) -> None:
    result = run("rows", metric, "--warehouse", directory)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 120
    whole = printed("rows", metric, "--format", "json", "--warehouse", directory)
    ids = {str(row[name]) for row in whole for name in ("lead_id", "appointment_id", "sale_id") if row.get(name)}
    assert all(any(found in line for line in lines) for found in ids)


def test_no_such_data_ends_with_1(directory: Path) -> None:
    result = run(
        "show", "leads", "--by", "source", "--from", "2031-01-01", "--format", "json", "--warehouse", directory
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout) == []


def test_docs_writes_the_page_and_checks_it(tmp_path: Path) -> None:
    page = tmp_path / "metrics.md"
    assert run("docs", "--out", page, "--check").exit_code == 1
    assert run("docs", "--out", page).exit_code == 0
    assert run("docs", "--out", page, "--check").exit_code == 0
    assert "closing_rate_90" in page.read_text()
