"""`python -m metrics`: literal JSON, exit status, and nothing but the result on standard output."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from metrics import engine
from metrics.__main__ import app
from metrics.catalog import METRICS
from metrics.comparisons import change
from metrics.filters import Filters
from tests.star import empty_star, opportunity, random_star, star_of, write_warehouse


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


def test_people_prints_one_object_per_person_with_the_promised_keys(directory: Path) -> None:
    found = printed("people", "closing_rate", "--format", "json", "--warehouse", directory)
    keys = ["store", "person", "credit", "metric", "n", "observed", "expected", "ratio", "adjusted_rate", "low", "high"]
    assert [list(row)[: len(keys)] for row in found] == [keys] * len(found)
    assert {"shrunken_rate", "verdict", "direction", "sentence"} < set(found[0])
    assert all(isinstance(row["n"], int) for row in found)


def test_people_prints_a_table_and_a_sentence_for_each(directory: Path) -> None:
    shown = run("people", "closing_rate", "--warehouse", directory).stdout
    assert "at equal leads" in shown
    assert "Northgate Motors, Ada Reyes: " in shown


def test_people_compares_only_rates(directory: Path) -> None:
    result = run("people", "gross", "--warehouse", directory)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "not a conversion" in result.stderr
    assert "Hint: " in result.stderr


def test_people_takes_a_metric_or_coach_but_not_both(directory: Path) -> None:
    assert run("people", "--warehouse", directory).exit_code == 2
    assert run("people", "closing_rate", "--coach", "--warehouse", directory).exit_code == 2
    assert run("people", "--coach", "--since", "2026-04-01", "--warehouse", directory).exit_code == 2
    steps = {row["step"] for row in printed("people", "--coach", "--format", "json", "--warehouse", directory)}
    assert steps <= {"contact_rate", "contact_to_appointment", "show_rate", "show_to_sale"}


def test_people_since_a_day_prints_the_change_against_the_team(directory: Path) -> None:
    words = ("people", "contact_rate", "--since", "2026-03-15", "--format", "json", "--warehouse", directory)
    assert {"person_change", "team_change", "difference", "low", "high"} < set(printed(*words)[0])
    assert run(*words[:3], "yesterday", *words[4:]).exit_code == 2


def test_explain_prints_parts_that_sum_to_the_whole(directory: Path) -> None:
    period = ("--from", "2026-03-01", "--to", "2026-03-31", "--against", "2026-02-01:2026-02-28")
    words = ("explain", "closing_rate", *period, "--format", "json", "--warehouse", directory)
    found = printed(*words, "--over", "source")
    assert found[-1]["value"] == "(all)"
    for part in ("volume", "mix", "rate", "change"):
        assert sum(row[part] for row in found[:-1]) == pytest.approx(found[-1][part])
    assert all(row["mix"] + row["rate"] == pytest.approx(row["change"]) for row in printed(*words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to compare with"),
        (("--against", "2026-02-01"), "not a period"),
        (
            ("--from", "2026-02-01", "--to", "2026-02-28", "--against", "2026-02-01:2026-02-28"),
            "Both sides are the same",
        ),
    ],
)
def test_explain_needs_two_different_sides(directory: Path, words: tuple[str, ...], said: str) -> None:
    result = run("explain", "closing_rate", *words, "--warehouse", directory)
    assert result.exit_code == 2
    assert said in result.stderr


def test_explain_sees_the_other_period_at_the_same_age_where_it_is_asked_to(directory: Path) -> None:
    period = ("--from", "2026-04-21", "--to", "2026-05-20", "--against", "2026-03-22:2026-04-20", "--over", "source")
    words = ("explain", "closing_rate", *period, "--format", "json", "--warehouse", directory)
    plain, aged = (
        {row["value"]: row for row in json.loads(run(*words, *more).stdout)} for more in ((), ("--same-age",))
    )
    opened = engine.open_warehouse(directory)
    now = Filters(start=date(2026, 4, 21), end=date(2026, 5, 20))
    newest = max(engine.stores(opened)["as_of"])
    before = Filters(start=date(2026, 3, 22), end=date(2026, 4, 20), as_of=newest - timedelta(days=30))
    known = change.explain(opened, "closing_rate", now, before, "source")
    opened.close()
    assert {value: row["hits_before"] for value, row in aged.items()} == dict(
        known.select("value", "hits_before").rows()
    )
    assert {value: row["hits_now"] for value, row in aged.items()} == {v: row["hits_now"] for v, row in plain.items()}
    assert aged["(all)"]["hits_before"] < plain["(all)"]["hits_before"]


def test_explain_compares_two_stores(directory: Path) -> None:
    words = (
        "explain",
        "closing_rate",
        "--where",
        "store=Northgate Motors",
        "--over",
        "source",
        "--warehouse",
        directory,
    )
    assert "(all): " in run(*words, "--against-store", "Southside Autos").stdout
    assert run(*words, "--against-store", "Nowhere").exit_code == 1


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("closing_rate", "verdict"),
        ("sold_units", "assisted"),
        ("roi", "state"),
        ("spend", "sold_units"),
        ("opportunities", "average"),
    ],
)
def test_sources_prints_what_the_metric_asks_for(directory: Path, name: str, key: str) -> None:
    found = printed("sources", name, "--format", "json", "--warehouse", directory)
    assert all(key in row and "source" in row and "sentence" in row for row in found)
    table = run("sources", name, "--warehouse", directory)
    assert table.exit_code == 0
    assert "Website" in table.stdout


def test_sources_refuses_a_move_without_an_amount(directory: Path) -> None:
    result = run("sources", "opportunities", "--move", "Website", "--warehouse", directory)
    assert result.exit_code == 2
    assert "has no amount" in result.stderr


def test_project_and_pace_print_what_is_still_to_come(directory: Path) -> None:
    cohorts = printed("project", "closing_rate_30", "--format", "json", "--warehouse", directory)
    assert {"cohort", "chances", "hits", "open", "so_far", "projected", "low", "high", "reason"} < set(cohorts[0])
    assert run("project", "show_rate", "--warehouse", directory).exit_code == 2
    stores = printed("pace", "opportunities", "--format", "json", "--warehouse", directory)
    assert [row["store"] for row in stores] == ["Northgate Motors", "Southside Autos"]


_PERIODS = ("--from", "2026-03-01", "--to", "2026-03-31", "--against", "2026-02-01:2026-02-28")
_DOCUMENTED = (
    ("people", "closing_rate"),
    ("people", "--coach"),
    ("people", "contact_rate", "--since", "2026-03-15"),
    ("explain", "closing_rate", *_PERIODS),
    ("explain", "closing_rate", *_PERIODS, "--over", "source"),
    ("sources", "contact_rate"),
    ("sources", "sold_units"),
    ("sources", "roi"),
    ("sources", "spend"),
    ("sources", "cohort_gross"),
    ("sources", "opportunities", "--move", "Website=10"),
    ("project", "closing_rate_30"),
    ("project", "closing_rate_30", "--test"),
    ("pace", "opportunities"),
)


@pytest.fixture(scope="module")
def crowded_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough opportunities for every comparison to have something to say."""
    return write_warehouse(tmp_path_factory.mktemp("crowded"), random_star(seed=2, opportunities=400))


@pytest.mark.parametrize("number", range(len(_DOCUMENTED)))
def test_comparisons_print_exactly_the_columns_that_the_page_promises(crowded_directory: Path, number: int) -> None:
    page = (Path(__file__).parents[1] / "docs" / "fair_numbers.md").read_text(encoding="utf-8")
    promised = [line.split("|")[2] for line in page.splitlines() if line.startswith("| `")]
    assert len(promised) == len(_DOCUMENTED)
    words = re.findall(r"`([^`]*)`", re.sub(r"\([^)]*\)", "", promised[number]))
    found = printed(*_DOCUMENTED[number], "--format", "json", "--warehouse", crowded_directory)
    assert list(found[0]) == re.findall(r"[a-z_]+", " ".join(words))


@pytest.mark.parametrize("words", _DOCUMENTED, ids=" ".join)
def test_comparisons_of_nothing_say_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    nothing = write_warehouse(tmp_path, empty_star())
    result = run(*words, "--warehouse", nothing)
    assert result.exit_code == 1, result.stdout
    assert result.stdout == ""
    assert "\n\nHint: " in result.stderr


def test_comparisons_print_csv(directory: Path) -> None:
    text = run("people", "closing_rate", "--format", "csv", "--warehouse", directory).stdout
    assert {line["metric"] for line in csv.DictReader(io.StringIO(text))} == {"closing_rate"}
