"""The journal: what people write is kept, in order, by several writers at once, and never changed."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pages.journal import Journal, JournalError, open_journal


@pytest.fixture(autouse=True)
def _no_other_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPBOARD_JOURNAL", raising=False)


def test_what_was_written_is_read_again_from_a_new_connection(tmp_path: Path) -> None:
    before = dt.datetime.now(dt.UTC)
    written = open_journal(tmp_path).write(
        "handled", who="Ada Hill", store="North", system="vin", natural_id="7", note="left a message", list="no_reply"
    )
    assert open_journal(tmp_path).entries() == [written]
    assert (written.entry, written.who, written.kind, written.store) == (1, "Ada Hill", "handled", "North")
    assert (written.system, written.natural_id, written.note) == ("vin", "7", "left a message")
    assert written.data == {"list": "no_reply"}
    assert before <= written.at <= dt.datetime.now(dt.UTC)
    assert written.at.utcoffset() == dt.timedelta(0)


def test_entries_come_oldest_first_and_can_be_narrowed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for number, kind in enumerate(("handled", "action", "handled", "reopened")):
        journal.write(kind, who="Bo", store=("North", "South")[number // 2], natural_id=str(number))
    assert [entry.natural_id for entry in journal.entries()] == ["0", "1", "2", "3"]
    assert [entry.natural_id for entry in journal.entries("handled")] == ["0", "2"]
    assert [entry.natural_id for entry in journal.entries("handled", store="South")] == ["2"]
    assert [entry.kind for entry in journal.entries(natural_id="1")] == ["action"]


def test_the_newest_entry_says_how_a_record_stands(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for kind, record in (("handled", "1"), ("handled", "2"), ("reopened", "1"), ("action", "2")):
        journal.write(kind, who="Bo", store="North", system="vin", natural_id=record)
    journal.write("handled", who="Bo", store="South", system="vin", natural_id="1")
    stands = {(entry.store, entry.natural_id): entry.kind for entry in journal.newest("handled", "reopened")}
    assert stands == {("North", "1"): "reopened", ("North", "2"): "handled", ("South", "1"): "handled"}


def test_days_and_moments_in_the_data_become_iso_text(tmp_path: Path) -> None:
    entry = open_journal(tmp_path).write("action", who="Bo", starts_on=dt.date(2026, 6, 1), metric="show_rate")
    assert entry.data == {"starts_on": "2026-06-01", "metric": "show_rate"}
    with pytest.raises(TypeError, match="set cannot be written"):
        open_journal(tmp_path).write("action", who="Bo", people={"a"})


def test_reading_a_journal_that_nobody_wrote_makes_no_file(tmp_path: Path) -> None:
    assert open_journal(tmp_path / "none").entries() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("statement", ["update journal set note = 'other'", "delete from journal"])
def test_an_entry_can_be_neither_changed_nor_taken_away(tmp_path: Path, statement: str) -> None:
    journal = open_journal(tmp_path)
    written = journal.write("handled", who="Ada", note="called")
    with (
        closing(sqlite3.connect(journal.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    assert journal.entries() == [written]


def _write_many(path: Path, who: str, count: int) -> None:
    for number in range(count):
        Journal(path).write("handled", who=who, natural_id=str(number))


def test_several_processes_write_at_once_from_an_empty_folder_and_lose_nothing(tmp_path: Path) -> None:
    path, people, count = tmp_path / "journal.sqlite", ("Ada", "Bo", "Cy"), 15
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_many, args=(path, who, count)) for who in people]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    entries = Journal(path).entries()
    assert [entry.entry for entry in entries] == list(range(1, 3 * count + 1))
    for who in people:
        assert [entry.natural_id for entry in entries if entry.who == who] == [str(n) for n in range(count)]


def test_a_reader_is_not_held_up_by_an_open_write(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    written = journal.write("handled", who="Ada")
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        assert other.execute("pragma journal_mode").fetchone() == ("wal",)
        other.execute("begin immediate")
        assert journal.entries() == [written]
        other.execute("rollback")


def test_a_journal_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.write("handled", who="Ada")
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(JournalError, match=r"version 99; this Upboard knows up to 1.*\n\nHint: "):
        journal.entries()


def test_a_file_that_is_no_journal_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match=r"cannot be used: .*\n\nHint: "):
        open_journal(tmp_path).write("handled", who="Ada")


def test_the_environment_may_name_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "elsewhere" / "notes.sqlite"))
    written = open_journal(tmp_path / "warehouse").write("action", who="Ada")
    assert (tmp_path / "elsewhere" / "notes.sqlite").exists()
    assert open_journal(tmp_path).entries() == [written]
