"""What earlier versions wrote is read on: settings of every earlier shape, the journal of version 1, old snapshots."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.erased import read_erased
from loaders.settings import Settings, load_settings
from loaders.snapshot import current_path
from metrics.catalog import METRICS
from metrics.engine import NoWarehouse, evaluate, open_warehouse
from metrics.filters import Filters
from pages import journal as journals
from pages.journal import Journal
from pages.mail import read_mail

EARLIER = sorted((Path(__file__).parent / "earlier").glob("settings_*.toml"))
JOURNAL_1 = """
create table journal (
    entry integer primary key autoincrement, at text not null, who text not null, kind text not null check (kind <> ''),
    store text not null, system text not null, natural_id text not null, note text not null,
    data text not null check (json_valid(data))
) strict;
create index journal_by_kind on journal (kind, store, natural_id);
create trigger journal_never_changes before update on journal
    begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_never_forgets before delete on journal
    begin select raise(abort, 'the journal is append-only'); end;
insert into journal (at, who, kind, store, system, natural_id, note, data) values
    ('2026-05-04T15:00:00+00:00', 'Bo', 'handled', 'North', 'generic', '10001', 'called', '{"list": "to_call"}'),
    ('2026-05-05T15:00:00+00:00', 'Pat', 'action', 'North', '', 'p1', '', '{"starts_on": "2026-05-06"}');
pragma user_version = 1;
"""
LEADS = """lead_id,created_at,source,lead_type,status,salesperson
1,2026-03-01T15:00:00Z,Web,internet,open,Bo Roy
2,2026-03-02T15:00:00Z,Web,internet,sold,Bo Roy
"""


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_settings_of_every_earlier_shape_are_read_and_mean_the_same(path: Path) -> None:
    settings = load_settings(path)
    assert [store.name for store in settings.stores] == ["Lakeside Motors", "Hillcrest Auto"]
    assert settings.store_named("LAKESIDE MOTORS LLC").time_zone == "America/Chicago"
    assert settings.episode.gap_days == 90
    assert settings.sources.free == ("Walk-in", "Referral", "Repeat customer")
    assert settings.all_targets()
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert read_mail(path) is None


def test_the_settings_of_today_are_the_next_shape() -> None:
    assert len(EARLIER) == 6
    assert load_settings(Path("data/settings.toml")).stores


def test_a_journal_of_version_1_is_read_written_and_still_append_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as con:
        con.executescript(JOURNAL_1)
    journal = Journal(path)
    first, second = journal.entries()
    assert (first.who, first.kind, first.natural_id, first.note, first.data) == (
        "Bo",
        "handled",
        "10001",
        "called",
        {"list": "to_call"},
    )
    assert second.at.isoformat() == "2026-05-05T15:00:00+00:00"
    assert journal.write("handled", who="Al", natural_id="10002").entry == 3
    with sqlite3.connect(path) as con:
        assert con.execute("pragma user_version").fetchone() == (journals.VERSION,)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            con.execute("delete from journal")


def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as con:
        con.executescript(JOURNAL_1.replace("user_version = 1", "user_version = 999"))
    before = path.read_bytes()
    with pytest.raises(journals.JournalError, match="newer Upboard"):
        Journal(path).entries()
    assert path.read_bytes() == before


def test_a_snapshot_of_an_earlier_release_says_how_to_build_it_and_then_serves(tmp_path: Path) -> None:
    """An earlier release knew no layout, no annotations and no weekday of creation."""
    (tmp_path / "leads.csv").write_text(LEADS)
    (tmp_path / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n')
    warehouse, places = tmp_path / "wh", ["--settings", str(tmp_path / "settings.toml")]
    assert run(warehouse, "load", str(tmp_path / "leads.csv"), *places)
    expected = numbers(warehouse)
    path = current_path(warehouse)
    assert path is not None
    with duckdb.connect(str(path)) as con:
        con.execute("alter table loads.load drop layout")
        con.execute("alter table fct_opportunity drop created_weekday")
        con.execute("alter table fct_opportunity drop is_contacted")
        con.execute("drop table annotation")
        con.execute("drop schema build cascade")
    with pytest.raises(NoWarehouse, match="python -m loaders build"):
        numbers(warehouse)
    built = run(warehouse, "build", *places)
    assert built["snapshot"] != path.stem
    assert numbers(warehouse) == expected


def run(warehouse: Path, *words: str) -> dict[str, str]:
    result = CliRunner().invoke(app, [*words, "--warehouse", str(warehouse), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    told: dict[str, str] = json.loads(result.stdout)
    return told


def numbers(warehouse: Path) -> list[dict[str, object]]:
    opened = open_warehouse(warehouse)
    try:
        return evaluate(opened, [metric.name for metric in METRICS], Filters()).to_dicts()
    finally:
        opened.close()


def test_the_erasures_of_version_1_are_read(tmp_path: Path) -> None:
    when = "2026-05-04T15:00:00+00:00"
    erasure = {"at": when, "who": "Pat", "rows": {"lead": 1}, "snapshots": 1, "dropped": 0, "notes": 0}
    told = {"version": 1, "secret": "00", "is_finished": True, "erasures": [erasure], "marks": ["ab"]}
    (tmp_path / "erased.json").write_text(json.dumps(told))
    erased = read_erased(tmp_path)
    assert erased is not None
    assert (erased.secret, erased.marks, erased.erasures[0].rows) == ("00", frozenset({"ab"}), {"lead": 1})
