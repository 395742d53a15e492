"""Why other numbers differ: each wrong formula and Upboard's own answer, on the same few rows.

All cases are loaded at once through the real loaders, each as a store of its own. The wrong formula runs as plain SQL
on the star of its store; ours is asked on the command line. docs/why_other_numbers_differ.md states both.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app as loaders_app
from metrics.__main__ import app as metrics_app
from metrics.catalog import metric
from metrics.declare import Unit
from tests.soundness.wrong_formulas import CASES, PARTS, Case

PAGE = Path(__file__).parents[2] / "docs" / "why_other_numbers_differ.md"
AS_OF = "2026-06-30T12:00:00"
HEAD = "| What others do | Data | It says | Upboard says |\n|---|---|---|---|\n"
by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)


def exports() -> dict[str, str]:
    """The files of all cases as one export per table, each row with its store."""
    rows: dict[str, list[dict[str, str]]] = {}
    for case in CASES:
        for table, text in case.files.items():
            lines = [line.strip() for line in text.strip().splitlines()]
            rows.setdefault(table, []).extend({"store": case.store} | row for row in csv.DictReader(lines))
    return {table: _as_csv(found) for table, found in rows.items()}


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case, loaded."""
    folder = tmp_path_factory.mktemp("wrong_formulas")
    (folder / "exports").mkdir()
    for table, text in exports().items():
        (folder / "exports" / f"{table}.csv").write_text(text, encoding="utf-8")
    settings = [f'[[store]]\nname = "{case.store}"\n{case.settings}\n' for case in CASES if case.settings]
    (folder / "settings.toml").write_text("\n".join(settings), encoding="utf-8")
    words = ["load", folder / "exports", "--settings", folder / "settings.toml", "--warehouse", folder / "warehouse"]
    result = CliRunner().invoke(loaders_app, [*map(str, words), "--as-of", AS_OF, "--json"])
    assert result.exit_code == 0, result.output
    tables = [counts for file in json.loads(result.stdout)["files"] for counts in file["tables"].values()]
    assert tables
    assert all(counts["rejected"] == 0 for counts in tables)
    return folder / "warehouse"


@pytest.fixture(scope="module")
def star(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The star as SQL sees it; `seen` is the store whose rows it shows."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach '{warehouse / (warehouse / 'CURRENT').read_text().strip()}' as snapshot (read_only)")
        having = "select distinct table_name from duckdb_columns() where database_name = 'snapshot'"
        listed = con.execute(f"{having} and schema_name = 'main' and column_name in ('store', 'store_key')").fetchall()
        for (name,) in listed:
            key = "store_key" if name != "bridge_customer_lead" else "store"
            seen = (
                "getvariable('seen')"
                if key == "store"
                else "(select store_key from snapshot.main.dim_store where store = getvariable('seen'))"
            )
            con.execute(f"create view {name} as select * from snapshot.main.{name} where {key} = {seen}")
        yield con


def spoken(value: float | None, unit: Unit) -> str:
    """A number as the page writes it."""
    if value is None:
        return "n/a"
    if unit is Unit.SHARE:
        return f"{100 * value:,.1f}".removesuffix(".0") + " %"
    if unit is Unit.MINUTES:
        return f"{value:,.4g} min"
    return f"{value:,.2f}" if unit is Unit.MONEY else f"{value:,.4g}"


@by_case
def test_the_wrong_formula_gives_its_wrong_number(star: duckdb.DuckDBPyConnection, case: Case) -> None:
    star.execute("set variable seen = ?", [case.store])
    ((value,),) = star.execute(case.wrong).fetchall()
    assert spoken(float(value), metric(case.question[0]).unit) == case.says


@by_case
def test_upboard_gives_the_right_number(warehouse: Path, case: Case) -> None:
    words = ["show", *case.question, "--where", f"store={case.store}", "--format", "json"]
    result = CliRunner().invoke(metrics_app, [*words, "--warehouse", str(warehouse)])
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)
    assert spoken(row["value"], metric(case.question[0]).unit) == case.ours
    assert case.ours != case.says


def table(part: str) -> str:
    """The rows of the page that tell of one part."""
    rows = [
        f"| **{case.formula}.** Met in: {case.seen}. | {case.data} | {case.says} | {case.ours} "
        f"([`{case.question[0]}`](metrics.md)) |\n"
        for case in CASES
        if case.part == part
    ]
    return HEAD + "".join(rows)


@pytest.mark.parametrize("part", PARTS)
def test_the_page_states_both_numbers_of_every_case(part: str) -> None:
    assert f"## {part}\n" in PAGE.read_text(encoding="utf-8")
    assert table(part) in PAGE.read_text(encoding="utf-8")


def test_the_page_states_nothing_that_is_not_tested() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert sum(line.startswith("| **") for line in page.splitlines()) == len(CASES) >= 14
