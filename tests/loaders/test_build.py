"""Building again without a file, what a warehouse remembers of its settings, and the people of its lists."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from loaders import snapshot
from loaders.__main__ import app
from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.merge import EMPTIED_SCHEMA, empty_frame, write_canonical
from loaders.settings import Settings, load_settings

SETTINGS = '[[store]]\nname = "North"\ntime_zone = "UTC"\n'
LEADS = "lead_id,created_at,lead_type,status,salesperson\n1,2026-03-02 09:00,internet,open,Dana Brooks\n"
ROSTER = "store,name,role,started_on,ended_on\nNorth,Theo Marsh,salesperson,2025-11-10,\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with settings, a lead and a roster, loaded into its warehouse."""
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    run(tmp_path, "load", str(tmp_path / "leads.csv"), str(tmp_path / "roster.csv"), "--as-of", "2026-03-20")
    return tmp_path


def run(place: Path, command: str, *arguments: str) -> str:
    options = ["--warehouse", str(place / "warehouse"), "--settings", str(place / "settings.toml")]
    result = CliRunner().invoke(app, [command, *arguments, *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_build_follows_the_settings_keeps_the_told_as_of_and_names_no_file(place: Path) -> None:
    warehouse = place / "warehouse"
    assert "nothing changed" in run(place, "build")
    (place / "settings.toml").write_text(SETTINGS + "[standards]\nresponse_minutes = 30\n", encoding="utf-8")
    assert json.loads(run(place, "build", "--json"))["files"] == []
    assert snapshot.loaded_settings(warehouse).standards.response_minutes == 30
    newest, first = snapshot.history(warehouse)
    assert newest["files"] == []
    assert newest["as_of"] == first["as_of"] == "2026-03-20T23:59:59+00:00"
    assert snapshot.built_on(warehouse) == first["snapshot"]


def test_a_build_of_nothing_says_that_nothing_was_loaded(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="Nothing was loaded"):
        snapshot.build_again(tmp_path, Settings(), lambda _, __: None)
    assert not (tmp_path / "snapshots").exists()


def test_the_history_says_that_a_build_brought_no_file(place: Path) -> None:
    (place / "settings.toml").write_text(SETTINGS + "[standards]\nattempts = 3\n", encoding="utf-8")
    run(place, "build")
    result = CliRunner().invoke(app, ["history", "--warehouse", str(place / "warehouse")])
    assert "built again" in result.output


def test_the_settings_file_of_the_last_load_is_remembered_until_it_is_gone(place: Path) -> None:
    warehouse = place / "warehouse"
    assert snapshot.noted_settings_file(warehouse) == (place / "settings.toml").resolve()
    (place / "settings.toml").unlink()
    assert snapshot.noted_settings_file(warehouse) is None
    assert snapshot.noted_settings_file(place / "elsewhere") is None


def test_an_undo_after_an_undo_skips_the_load_that_was_undone(place: Path) -> None:
    warehouse = place / "warehouse"
    good = snapshot.history(warehouse)[0]["snapshot"]
    for number in (2, 3):
        (place / "leads.csv").write_text(LEADS.replace("1,", f"{number},", 1), encoding="utf-8")
        run(place, "load", str(place / "leads.csv"))
        snapshot.roll_back(warehouse, good) if number == 2 else None
    assert len(snapshot.history(warehouse)) == 3
    assert snapshot.built_on(warehouse) == good


def test_the_people_of_the_lists_and_those_whom_only_records_name(place: Path) -> None:
    listed = snapshot.listed_people(place / "warehouse")
    assert listed.select("store", "name", "role", "started_on").rows() == [
        ("North", "Theo Marsh", "salesperson", date(2025, 11, 10))
    ]
    assert snapshot.unlisted_people(place / "warehouse").rows() == [("North", "Dana Brooks")]


def test_a_later_correction_of_a_person_counts(place: Path) -> None:
    (person,) = snapshot.listed_people(place / "warehouse").to_dicts()
    corrected = {**person, "role": "manager", "modified_at": datetime(2026, 4, 1, tzinfo=UTC).isoformat()}
    pl.DataFrame([corrected]).write_csv(place / "corrected.csv")
    run(place, "load", str(place / "corrected.csv"))
    (told,) = snapshot.listed_people(place / "warehouse").to_dicts()
    assert (told["role"], told["started_on"]) == ("manager", date(2025, 11, 10))


def test_settings_of_another_release_are_said_to_be_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Settings:
        raise ValueError

    monkeypatch.setattr(Settings, "model_validate_json", refuse)
    with pytest.raises(LoaderError, match="earlier release"):
        snapshot.loaded_settings(place / "warehouse")
    assert load_settings(place / "settings.toml").stores[0].name == "North"


def test_a_table_that_nothing_feeds_has_the_columns_of_one_that_files_feed() -> None:
    columns = (
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'canonical' order by all"
    )
    found = []
    for incoming in ({}, {table: empty_frame(table) for table in TABLES}):
        with duckdb.connect() as con:
            con.execute("attach ':memory:' as snapshot")
            con.execute("use snapshot")
            write_canonical(con, incoming, pl.DataFrame(schema=EMPTIED_SCHEMA), previous=False)
            found.append(con.execute(columns).fetchall())
    assert found[0] == found[1]
