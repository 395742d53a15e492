"""SQL in whatever reaches a statement: filters, links, names in files and settings, headers, paths. It stays words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app as loaders_app
from metrics import engine, listing
from metrics.declare import DIMENSION_NAMES, MetricError, NoSuchData
from metrics.filters import Filters, ask
from metrics.lists import NAMES
from metrics.scope import Scope
from pages.frame import FILTERED
from pages.journal import Journal
from tests.pages.conftest import Show, show, showrooms  # noqa: F401  # the fixtures of the pages
from tests.star import SCHEMAS

INJECTED = (
    "' or 1=1 --",
    "x') or ('1'='1",
    "'; drop table fct_opportunity; --",
    'x"; drop table dim_store; --',
    "' union all select * from read_csv('/etc/passwd') --",
    "$store_1",
    "%",
    "\\' or true --",
    "x\x00' or 1=1",
)
SPLIT = ("store; drop table dim_store", "store, (select 1)", "*", 'store" --', "source_key")
METRICS = ("leads", "opportunities", "closing_rate", "sold_units", "gross", "appointments_set", "show_rate")
CHOICES = ("stores_on", "pace_of", "trend_of", "change_of", "mix_of")
# Every key of a link that is read: the filters, and those of one page each.
KEYS: dict[str, tuple[str, ...]] = {
    "overview": (*FILTERED, "period", "compare", "grain", "from", "to", "view", "rows", "credit", *CHOICES),
    "people": ("member", "rate", "lens", "leads_of", "rows"),
    "person": ("who", "seen_as"),
    "sources": ("drawn", "level", "judged_by", "judged_at", "credit_for", "brings", "take_from", "give_to"),
    "customers": ("customer", "find_customer", "survey"),
    "worklist": ("list", "owner", "show"),
    "appointments": ("days", "which", "setter_rate", "map", "hours"),
    "data_quality": ("check", "by"),
    "definitions": ("metric", "find"),
    "audit": ("what",),
}


@pytest.fixture(scope="module")
def opened(showrooms: dict[str, Path]) -> Iterator[engine.Warehouse]:  # noqa: F811
    warehouse = engine.open_warehouse(showrooms["full"])
    yield warehouse
    warehouse.close()


def counted(opened: engine.Warehouse, **filters: Any) -> list[float | None]:
    rows = engine.evaluate(opened, ["opportunities", "sold_units"], Filters(**filters))
    return [float(value) if value else 0.0 for value in rows["value"].to_list()]


@pytest.fixture(autouse=True)
def _tables_stand(opened: engine.Warehouse) -> Iterator[None]:
    """After every attack all tables are there, with the rows that they had."""
    before = counted(opened)
    yield
    opened.refresh()
    assert counted(opened) == before == [600.0, 60.0]
    file = opened.directory / (opened.directory / "CURRENT").read_text(encoding="utf-8").strip()
    with duckdb.connect(str(file), read_only=True) as connection:
        assert {name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()} >= set(SCHEMAS)


@pytest.mark.parametrize("text", INJECTED)
def test_a_filter_of_any_dimension_keeps_only_what_is_called_so(opened: engine.Warehouse, text: str) -> None:
    for name in DIMENSION_NAMES:
        found = engine.evaluate(opened, METRICS, Filters(where={name: (text,)}))
        assert not [value for value in found["value"].to_list() if value]
        for one in METRICS:
            try:
                rows = engine.rows(opened, one, "numerator", Filters(where={name: (text,)}))
            except MetricError:
                continue  # this metric cannot be had by this dimension
            assert rows.is_empty()


@pytest.mark.parametrize("text", INJECTED)
def test_lists_searches_and_customers_hold_only_what_is_called_so(opened: engine.Warehouse, text: str) -> None:
    for name in ("store", "source", "person"):
        assert listing.worklists(opened, NAMES, Filters(where={name: (text,)})).is_empty()
    assert "Dee Vale" not in _found(opened, text)
    with pytest.raises(NoSuchData):
        listing.timeline(opened, text)


def _found(opened: engine.Warehouse, text: str) -> list[str]:
    """Whom a search finds; nobody where the text is too short to be looked for."""
    try:
        return listing.find_customers(opened, text)["customer"].to_list()
    except MetricError:
        return []


@pytest.mark.parametrize("text", INJECTED)
def test_a_scope_of_such_a_name_shows_nothing(opened: engine.Warehouse, text: str) -> None:
    for scope in (Scope(stores=(text,)), Scope(person=text), Scope(stores=("North",), person=text)):
        assert counted(opened.within(scope)) == [0.0, 0.0]


@pytest.mark.parametrize("text", [*INJECTED, *SPLIT])
def test_no_word_of_a_question_but_the_known_ones_is_taken(opened: engine.Warehouse, text: str) -> None:
    asked: tuple[dict[str, Any], ...] = ({"by": (text,)}, {"where": {text: ("North",)}}, {"grain": text})
    asked += ({"credit": text}, {"attribution": text}, {"basis": text}, {"start": text}, {"as_of": text})
    for fields in asked:
        with pytest.raises(MetricError):
            ask(**fields)
    with pytest.raises(MetricError):
        engine.evaluate(opened, [text], Filters())
    with pytest.raises(MetricError):
        engine.options(opened, text)


@pytest.mark.parametrize("page", KEYS)
def test_a_link_with_sql_in_every_key_shows_no_row_and_breaks_nothing(show: Show, page: str) -> None:  # noqa: F811
    for text in INJECTED[:4]:
        app = show(page, **dict.fromkeys(KEYS[page], text))
        assert not app.exception
        assert not app.dataframe
        assert not [metric for metric in app.metric if page == "overview"]


@pytest.mark.parametrize("text", INJECTED[:-1])
def test_a_journal_keeps_and_finds_sql_as_words(tmp_path: Path, text: str) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.write("handled", who="Ada", store="North")
    kept = journal.write(text, who=text, store=text, system=text, natural_id=text, note=text, more=text)
    assert journal.entries(text, store=text, natural_id=text) == [kept]
    assert len(journal.entries()) == 2


# What is loaded -------------------------------------------------------------------------------------------------------

DROP = "x'); drop table lead; drop table loads.load; --\" \\"
HEADERS = ("id\"'); drop table lead; --", "when'", 'source"s', "store')--")
PROFILE = f"""
name = "mine"
label = '''{DROP}'''
[[file]]
table = "lead"
name = "leads"
match = ['''{HEADERS[0]}''', '''{HEADERS[1]}''']
key = '''{HEADERS[0]}'''
[file.columns]
created_at = '''{HEADERS[1]}'''
source = '''{HEADERS[2]}'''
store = '''{HEADERS[3]}'''
lead_type = "type"
status = "status"
"""


def test_names_headers_settings_and_paths_with_sql_load_as_words(tmp_path: Path) -> None:
    place = tmp_path / "it's; drop table lead --"
    place.mkdir()
    own, export, settings = place / "mine.toml", place / "lead's; --.csv", place / "settings.toml"
    own.write_text(PROFILE, encoding="utf-8")
    rows = {
        HEADERS[0]: ["1", DROP, "3"],
        HEADERS[1]: ["2026-03-02", "2026-03-03", "2026-03-04"],
        HEADERS[2]: [DROP, "Website", DROP],
        HEADERS[3]: [DROP] * 3,
        "type": ["internet"] * 3,
        "status": ["open"] * 3,
    }
    pl.DataFrame(rows).write_csv(export)
    target = f"[[target]]\nmetric = \"closing_rate\"\nvalue = 0.1\nstore = '''{DROP}'''\n"
    settings.write_text(f"[[store]]\nname = '''{DROP}'''\ntime_zone = \"America/Chicago\"\n{target}", encoding="utf-8")
    command = ["load", str(export), "--settings", str(settings), "--profile", str(own)]
    for _ in range(2):  # the second time upon a snapshot of the first
        result = CliRunner().invoke(loaders_app, [*command, "--warehouse", str(place / "warehouse")])
        assert result.exit_code == 0, result.output
    loaded = engine.open_warehouse(place / "warehouse")
    (leads,) = engine.evaluate(loaded, ["leads"], Filters(where={"store": (DROP,), "source": (DROP,)}))["value"]
    (every,) = engine.evaluate(loaded, ["leads"], Filters())["value"]
    loaded.close()
    assert (leads, every) == (2.0, 3.0)
