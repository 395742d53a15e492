"""Erased means gone, from every file and for every later load; and no number moves."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from loaders import scope
from loaders.__main__ import app
from loaders.erased import FILE, erase_texts, read_erased, write_erased
from loaders.settings import Settings
from loaders.snapshot import built_on, current_path, history, kept_snapshots
from metrics.catalog import METRICS
from metrics.engine import evaluate, open_warehouse
from metrics.filters import Filters
from pages.journal import Journal

# Ignatia is two people to the CRM and one to the dealership. The Quills are namesakes of one day, the showroom's
# phone stands on leads of four names, and Test Test typed Ignatia's own number into the form.
# ruff: noqa: E501
LEADS = """lead_id,customer_id,created_at,source,lead_type,status,salesperson,customer_name,email,phone,modified_at
10001,C7001,2026-03-01T15:00:00Z,Web,internet,open,Bo Roy,Ignatia Vandermoor,Ignatia.V@example.com,312-555-0142,2026-03-01T15:00:00Z
10002,C7002,2026-03-20T15:00:00Z,Cars,internet,open,Bo Roy,"Vandermoor, Ignatia",,(312) 555-0142,2026-03-20T15:00:00Z
10003,C7003,2026-03-21T15:00:00Z,Web,internet,open,Bo Roy,Test Test,test@example.com,3125550142,2026-03-21T15:00:00Z
10004,C7004,2026-03-02T15:00:00Z,Cars,internet,open,Al Poe,Orla Quill,orla@example.com,312-555-0150,2026-03-02T15:00:00Z
10005,C7005,2026-03-02T16:00:00Z,Cars,internet,open,Al Poe,Orla Quill,,312-555-0151,2026-03-02T16:00:00Z
10006,C7006,2026-03-03T15:00:00Z,Cars,internet,lost,Al Poe,Ann Moe,,312-555-0100,2026-03-03T15:00:00Z
10007,C7007,2026-03-04T15:00:00Z,Cars,internet,open,Al Poe,Cy Noe,,312-555-0100,2026-03-04T15:00:00Z
10008,C7008,2026-03-05T15:00:00Z,Cars,internet,open,Al Poe,Di Poe,,312-555-0100,2026-03-05T15:00:00Z
10009,C7001,2026-03-06T15:00:00Z,Web,phone,open,Bo Roy,Ignatia Vandermoor,,312-555-0100,2026-03-06T15:00:00Z
10010,C7010,2026-13-06T15:00:00Z,Web,phone,open,Bo Roy,Ignatia Vandermoor,ignatia.v@example.com,312-555-0142,
10011,C7011,2026-13-07T15:00:00Z,Web,phone,open,Bo Roy,Ed Zed,ed@example.com,312-555-0160,
"""
NEWER = """lead_id,customer_id,created_at,source,lead_type,status,salesperson,customer_name,email,phone,modified_at
10001,C7001,2026-03-01T15:00:00Z,Web,internet,sold,Bo Roy,Ignatia Vandermoor,IGNATIA.V@EXAMPLE.COM,+1 312 555 0142,2026-04-01T15:00:00Z
10020,C7020,2026-04-02T15:00:00Z,Web,internet,open,Bo Roy,I. Vandermoor,ignatia.v@example.com,,2026-04-02T15:00:00Z
10021,C7021,2026-04-03T15:00:00Z,Web,internet,open,Bo Roy,New Comer,new@example.com,312-555-0161,2026-04-03T15:00:00Z
"""
TOUCHES = """contact_id,lead_id,customer_name,lead_created_on,occurred_at,direction,channel,result,person
t1,,Ignatia Vandermoor,2026-03-01,2026-03-01T15:05:00Z,out,call,connected,Bo Roy
t2,,Orla Quill,2026-03-02,2026-03-02T17:05:00Z,out,call,connected,Al Poe
t3,10004,Orla Quill,2026-03-02,2026-03-02T18:05:00Z,out,call,no_answer,Al Poe
t4,10006,Ann Moe,2026-03-03,2026-03-03T18:05:00Z,out,call,no_answer,Al Poe
"""
DETAILS = """customer_detail_id,customer_id,customer_name,email,phone
d1,C7002,Ignatia Vandermoor,iggy@example.net,312-555-0143
d2,C7010,Ignatia Vandermoor,ignatia.v@example.com,
"""
SALES = """sale_id,customer_id,customer_name,sold_at,total_gross,salesperson
S1,C7001,Ignatia Vandermoor,2026-03-30T15:00:00Z,1500.50,Bo Roy
S2,D9001,Ulrika Pendergast,2026-03-30T15:00:00Z,900,Bo Roy
"""
FILES = {"leads.csv": LEADS, "newer.csv": NEWER, "touches.csv": TOUCHES, "details.csv": DETAILS, "sales.csv": SALES}
SETTINGS = '[[store]]\nname = "North"\naliases = ["Old North"]\ntime_zone = "America/Chicago"\n'
GONE = ("ignatia", "vandermoor", "iggy@example.net", "ignatia.v@", "5550142", "555-0142", "555 0142", "5550143")
# What shows a person to people, and what tells two of them apart: the rest must be equal to the last cell.
SHOWN = {"dim_customer", "bridge_customer_lead"}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "settings.toml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def loaded(exports: Path) -> Path:
    """Two loads; Ignatia is in both snapshots, and in the journal."""
    warehouse = exports / "wh"
    load(exports, warehouse, "leads.csv", "details.csv")
    load(exports, warehouse, "touches.csv", "sales.csv", "newer.csv")
    journal = Journal(warehouse / "journal.sqlite")
    theirs = {"store": "North", "system": "generic"}
    journal.write("handled", who="Bo", natural_id="10001", **theirs, note="Iggy wants blue", list="to_call")
    journal.write("handled", who="Bo", natural_id="10006", **theirs, note="spoke to Ignatia Vandermoor as well")
    journal.write("handled", who="Bo", natural_id="10007", **theirs, note="nothing", phone="312.555.0142")
    journal.write("handled", who="Bo", natural_id="10008", **theirs, note="Di wants red")
    return warehouse


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(loaded, tmp_path / "wh")


@pytest.fixture(scope="module")
def forgotten(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = shutil.copytree(loaded, tmp_path_factory.mktemp("forgotten") / "wh")
    run(copy, "forget", "10001", "--who", "Pat")
    return copy


def load(exports: Path, warehouse: Path, *names: str) -> dict[str, Any]:
    paths = [str(exports / name) for name in names]
    return run(warehouse, "load", *paths, "--settings", str(exports / "settings.toml"))


def run(warehouse: Path, *words: str, status: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*words, "--warehouse", str(warehouse), "--json"])
    assert result.exit_code == status, (result.output, result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def cells(path: Path) -> list[str]:
    """Every cell of every column of a snapshot, as text in small letters."""
    with duckdb.connect(str(path), read_only=True) as con:
        listed = "select schema_name, table_name from duckdb_tables() where table_name <> 'dim_date'"
        tables = con.sql(listed).fetchall()
        return [
            str(cell).lower()
            for schema, table in tables
            for row in con.sql(f'from "{schema}"."{table}"').pl().rows()
            for cell in row
            if cell is not None
        ]


def naming(warehouse: Path, words: Sequence[str] = GONE) -> list[str]:
    """Where a warehouse's files still hold one of these words: in a cell, or anywhere among their bytes."""
    found = [
        f"{path.name}: {word} in {cell}"
        for path in kept_snapshots(warehouse)
        for cell in cells(path)
        for word in words
        if word in cell
    ]
    files = [path for path in warehouse.rglob("*") if path.is_file()]
    return found + [
        f"{path.name}: {word}" for path in files for word in words if word.encode() in path.read_bytes().lower()
    ]


def star(path: Path | None) -> dict[str, list[str]]:
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = con.sql("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        frames = {table: con.sql(f"from {table}").pl() for (table,) in tables}
    return {table: sorted(map(repr, frame.rows())) for table, frame in frames.items() if table not in SHOWN}


def numbers(warehouse: Path) -> Mapping[str, Any]:
    opened = open_warehouse(warehouse)
    try:
        asked = evaluate(
            opened, [metric.name for metric in METRICS], Filters(start=date(2026, 3, 1), end=date(2026, 4, 30))
        )
        return asked.to_dicts()[0] if asked.height == 1 else {"rows": asked.to_dicts()}
    finally:
        opened.close()


def customers(path: Path | None) -> dict[str, str]:
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        return dict(
            con.sql(
                "select lead_id, customer from bridge_customer_lead join dim_customer using (customer_key)"
            ).fetchall()
        )


def test_the_words_that_must_go_are_there_before(loaded: Path) -> None:
    assert {word for word in GONE if any(f" {word}" in told or f": {word}" in told for told in naming(loaded))} >= {
        "ignatia",
        "vandermoor",
        "iggy@example.net",
        "5550142",
        "555-0142",
    }
    assert len(kept_snapshots(loaded)) == 2


def test_no_file_of_the_warehouse_holds_them_any_more(forgotten: Path) -> None:
    assert naming(forgotten) == []


def test_every_number_stays(loaded: Path, forgotten: Path) -> None:
    assert star(current_path(forgotten)) == star(current_path(loaded))
    assert numbers(forgotten) == numbers(loaded)
    assert numbers(loaded)


def test_others_keep_their_names_and_contact_details(forgotten: Path) -> None:
    shown = customers(current_path(forgotten))
    assert {shown[lead] for lead in ("10001", "10002", "10009", "10020")} == {"(erased)"}
    assert {lead: shown[lead] for lead in ("10004", "10006", "10007")} == {
        "10004": "Orla Quill",
        "10006": "Ann Moe",
        "10007": "Cy Noe",
    }
    held = cells(current_path(forgotten) or Path())
    assert "312-555-0100" in held, "the showroom's phone is nobody's own"


def test_earlier_snapshots_serve_again_without_them(warehouse: Path, loaded: Path) -> None:
    run(warehouse, "forget", "10001")
    first, last = kept_snapshots(warehouse)
    before = [path.stem for path in kept_snapshots(loaded)]
    assert not {first.stem, last.stem} & {*before}, "a server would take it for what it remembers under that name"
    assert first.stem.rpartition("-")[0] == before[0].rpartition("-")[0]
    assert built_on(warehouse) == first.stem
    assert [told["files"] != [] for told in history(warehouse)] == [True, True]
    run(warehouse, "rollback", first.stem)
    assert star(current_path(warehouse)) == star(kept_snapshots(loaded)[0])
    assert naming(warehouse) == []
    run(warehouse, "rollback", last.stem)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_loads_before_and_after_gives_the_same_numbers_and_never_the_person(
    seed: int, exports: Path, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    order = [*FILES]
    rng.shuffle(order)
    cut = rng.randint(1 + order.index("leads.csv"), len(order))
    again = rng.sample(order, 2)
    plain, erased = tmp_path / "plain", tmp_path / "erased"
    load(exports, erased, *order[:cut])
    shutil.copytree(erased, plain)
    run(erased, "forget", "10001")
    for batch in (order[cut:], again, ["newer.csv"], ["leads.csv"]):
        if batch:
            load(exports, plain, *batch)
            load(exports, erased, *batch)
    assert star(current_path(erased)) == star(current_path(plain)), (order, cut, again)
    assert naming(erased) == [], (order, cut, again)


def test_loading_the_same_files_again_changes_nothing(forgotten: Path, exports: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(forgotten, tmp_path / "wh")
    before = current_path(copy)
    told = load(exports, copy, "leads.csv", "newer.csv", "touches.csv", "sales.csv", "details.csv")
    assert current_path(copy) == before, told


def test_a_whole_build_with_other_settings_gives_what_it_gave_before(
    forgotten: Path, loaded: Path, exports: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS + "[identity]\nmax_names = 4\n")
    built = [shutil.copytree(place, tmp_path / name) for name, place in (("a", forgotten), ("b", loaded))]
    for place in built:
        run(place, "build", "--settings", str(settings))
    erased, plain = (star(current_path(place)) for place in built)
    assert erased == plain
    assert erased != star(current_path(loaded)), "four names on the showroom's phone now join"


def test_a_partial_build_over_pseudonyms_reaches_as_far_as_over_names(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small load after the erasure rebuilds only what it reaches: the marks of last time must compare with today's."""
    monkeypatch.setattr(scope, "SCOPE_FROM_LEADS", 0)
    monkeypatch.setattr(scope, "_LARGEST_SHARE", 1.0)
    plain, erased = tmp_path / "plain", tmp_path / "erased"
    load(exports, erased, "leads.csv", "details.csv", "touches.csv")
    shutil.copytree(erased, plain)
    run(erased, "forget", "10001")
    for place in (plain, erased):
        load(exports, place, "newer.csv", "sales.csv")
    path = current_path(erased)
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.sql("select count(*) from build.partial_build").pl().item() == 1
    assert star(path) == star(current_path(plain))
    assert naming(erased) == []


def test_a_store_that_is_renamed_keeps_its_erased_customers(forgotten: Path, exports: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(forgotten, tmp_path / "wh")
    (tmp_path / "settings.toml").write_text(
        '[[store]]\nname = "New North"\naliases = ["North"]\ntime_zone = "America/Chicago"\n'
    )
    for name in FILES:
        shutil.copy(exports / name, tmp_path / name)
    load(tmp_path, copy, "newer.csv", "leads.csv")
    assert naming(copy) == []


def test_refused_rows_of_theirs_keep_line_and_rule_and_lose_their_cells(forgotten: Path) -> None:
    rows = {row["source_line"]: row for row in run(forgotten, "rejects")["rejects"]}
    assert set(rows[11]["row"].values()) - {None} == {"(erased)"}
    assert "created_at" in rows[11]["rule"]
    assert rows[12]["row"]["customer_name"] == "Ed Zed"


def test_the_journal_stays_append_only_and_keeps_what_is_of_others(forgotten: Path) -> None:
    journal = Journal(forgotten / "journal.sqlite")
    entries = journal.entries()
    assert [entry.note for entry in entries] == ["(erased)", "(erased)", "nothing", "Di wants red"]
    assert entries[2].data == {"phone": "(erased)"}
    with sqlite3.connect(journal.path) as con, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        con.execute("update journal set note = ''")


def test_the_history_says_when_and_by_whom_and_names_nobody(forgotten: Path) -> None:
    (told,) = run(forgotten, "history")["erasures"]
    assert told["who"] == "Pat"
    assert told["rows"] == {"contact": 1, "customer_detail": 2, "lead": 5, "sale": 1}
    assert (told["snapshots"], told["notes"]) == (2, 3)


def test_the_list_is_for_its_owner_alone_and_holds_no_personal_data(forgotten: Path) -> None:
    assert (forgotten / FILE).stat().st_mode & 0o077 == 0
    assert "10001" not in (forgotten / FILE).read_text()


def test_a_dry_run_says_which_leads_were_joined_and_changes_nothing(warehouse: Path) -> None:
    before = {path: path.read_bytes() for path in warehouse.rglob("*") if path.is_file()}
    told = run(warehouse, "forget", "--phone", "312.555.0142", "--dry-run")
    assert [lead["lead_id"] for lead in told["leads"]] == ["10001", "10009", "10002", "10003", "10020"]
    assert told["leads"][0]["phone"] == "...0142"
    assert told["leads"][0]["email"] == "i...@example.com"
    assert {path: path.read_bytes() for path in warehouse.rglob("*") if path.is_file()} == before


def test_the_same_customer_is_found_by_key_id_and_mail_and_again_once_erased(warehouse: Path) -> None:
    ways = (["10002"], ["generic:10002"], ["C7001"], ["--email", "IGNATIA.V@example.com"])
    told = [run(warehouse, "forget", *way, "--dry-run")["rows"] for way in ways]
    assert all(rows == told[0] for rows in told)
    run(warehouse, "forget", "10001")
    assert run(warehouse, "forget", "--phone", "312 555 0142", "--dry-run")["rows"] == {}


def test_a_buyer_whom_only_the_deals_name_is_erased_by_id(warehouse: Path, exports: Path) -> None:
    before = star(current_path(warehouse))
    run(warehouse, "forget", "D9001")
    load(exports, warehouse, "sales.csv")
    assert naming(warehouse, ("ulrika", "pendergast")) == []
    assert star(current_path(warehouse)) == before


def test_two_customers_after_another_both_stay_erased(warehouse: Path, loaded: Path, exports: Path) -> None:
    run(warehouse, "forget", "10001")
    run(warehouse, "forget", "10004")
    load(exports, warehouse, "leads.csv", "touches.csv")
    assert naming(warehouse, (*GONE, "orla@example.com", "555-0150")) == []
    assert star(current_path(warehouse)) == star(current_path(loaded))
    assert customers(current_path(warehouse))["10005"] == "Orla Quill"


def test_an_id_or_phone_of_several_customers_names_the_ways_to_say_which(warehouse: Path) -> None:
    result = CliRunner().invoke(app, ["forget", "--phone", "312-555-0100", "--warehouse", str(warehouse)])
    assert result.exit_code == 1
    assert "4 customers fit" in result.stderr
    assert '10006 --system generic --store "North"' in result.stderr


@pytest.mark.parametrize("words", [["99999"], ["--phone", "312-555-0199"], ["--email", "no@body.example"]])
def test_nobody_of_that_id_is_an_error_and_leaves_no_list(words: list[str], warehouse: Path) -> None:
    assert "Hint:" in run(warehouse, "forget", *words, status=1)["error"]
    assert not (warehouse / FILE).exists()


def test_an_erasure_that_was_cut_short_stops_loads_until_it_is_resumed(warehouse: Path, exports: Path) -> None:
    run(warehouse, "forget", "10001")
    erased = read_erased(warehouse)
    assert erased is not None
    write_erased(warehouse, type(erased)(erased.secret, erased.marks, erased.erasures, is_finished=False))
    with pytest.raises(AssertionError, match="cut short"):
        load(exports, warehouse, "newer.csv")
    run(warehouse, "forget", "--resume")
    assert built_on(warehouse) == kept_snapshots(warehouse)[0].stem
    load(exports, warehouse, "newer.csv")


def test_an_earlier_snapshot_that_cannot_be_read_is_let_go(warehouse: Path) -> None:
    first = kept_snapshots(warehouse)[0]
    first.write_bytes(b"no database")
    assert run(warehouse, "forget", "10001")["dropped"] == 1
    assert not first.exists()


def test_a_damaged_list_stops_every_load(forgotten: Path, exports: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(forgotten, tmp_path / "wh")
    (copy / FILE).write_text("{")
    with pytest.raises(AssertionError, match="list of erased customers"):
        load(exports, copy, "newer.csv")


def test_a_name_of_two_words_in_one_cell_of_a_broken_row_is_found(forgotten: Path) -> None:
    erased = read_erased(forgotten)
    assert erased is not None
    texts = pl.Series(
        "detail", ['word "Ignatia Vandermoor" is not listed', 'word "Vandermoor Cars" is not listed', "x", None]
    )
    assert erase_texts(texts, erased, Settings()).to_list() == ['word "(erased)" is not listed', *texts[1:].to_list()]
