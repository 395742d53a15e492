"""What is dropped into a watched folder is loaded once it is complete, once only; a stop leaves the last snapshot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner, Result

from loaders import snapshot
from loaders.__main__ import app
from loaders.lock import LOCK
from loaders.watch import Look, complete, is_export

ROOT = Path(__file__).parents[2]
HEADER = "lead_id,created_at,lead_type,status\n"


def leads(*numbers: int) -> str:
    return HEADER + "".join(f"{number},2026-03-{number:02}T10:00:00Z,internet,open\n" for number in numbers)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n')
    (tmp_path / "drop").mkdir()
    return tmp_path


def command(place: Path, *options: str, every: float = 0.2) -> list[str]:
    where = ["--warehouse", str(place / "wh"), "--settings", str(place / "settings.toml"), "--json"]
    return ["watch", str(place / "drop"), "--every", str(every), *where, *options]


def once(place: Path, status: int = 0) -> tuple[list[dict[str, Any]], str]:
    """One round: what each load said, and what was said on standard error."""
    result: Result = CliRunner().invoke(app, command(place, "--once"))
    assert result.exit_code == status, result.output
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def accepted(loaded: dict[str, Any]) -> dict[str, int]:
    return {Path(file["path"]).name: file["tables"]["lead"]["accepted"] for file in loaded["files"]}


def test_files_that_are_ready_at_once_are_one_load(place: Path) -> None:
    (place / "drop" / "monday").mkdir()
    (place / "drop" / "monday" / "a.csv").write_text(leads(1))
    (place / "drop" / "b.csv").write_text(leads(2, 3))
    (loaded,), _ = once(place)
    assert accepted(loaded) == {"b.csv": 2, "a.csv": 1}
    assert sorted(path.name for path in (place / "drop").rglob("*.csv")) == ["a.csv", "b.csv"]


def test_a_file_that_an_earlier_load_brought_is_not_loaded_again(place: Path) -> None:
    (place / "drop" / "a.csv").write_text(leads(1))
    once(place)
    assert once(place)[0] == []
    (place / "drop" / "copy_of_a.csv").write_text(leads(1))
    (place / "drop" / "b.csv").write_text(leads(2))
    (loaded,), _ = once(place)
    assert accepted(loaded) == {"b.csv": 1}


@pytest.mark.parametrize(
    "name",
    [
        *("leads.csv.part", "leads.csv.tmp", "leads.csv.crdownload", "~$leads.xlsx", ".leads.csv"),
        *(".sync/leads.csv", "leads.filepart", "notes.docx", "leads"),
    ],
)
def test_a_temporary_or_hidden_name_is_no_export(name: str) -> None:
    assert not is_export(Path(name))


@pytest.mark.parametrize("name", ["leads.csv", "LEADS.XLSX", "monday/leads.zip", "lead.tmp.csv"])
def test_any_other_readable_name_is_an_export(name: str) -> None:
    assert is_export(Path(name))


def test_a_file_is_complete_when_two_looks_show_the_same() -> None:
    now = {Path("same"): Look(5, 1), Path("grew"): Look(9, 1), Path("touched"): Look(5, 2), Path("new"): Look(5, 1)}
    before = {Path("same"): Look(5, 1), Path("grew"): Look(5, 1), Path("touched"): Look(5, 1), Path("gone"): Look(5, 1)}
    assert complete(now, before) == [Path("same")]


def test_a_workbook_that_is_still_copied_waits_and_is_said_once(place: Path) -> None:
    whole = place / "leads.xlsx"
    with xlsxwriter.Workbook(str(whole)) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(leads(1).splitlines()):
            sheet.write_row(row, 0, line.split(","))
    content = whole.read_bytes()
    (place / "drop" / "leads.xlsx").write_bytes(content[: len(content) // 2])
    with watching(place) as (said, _):
        until(lambda: "does not open" in said())
        time.sleep(1.0)
        assert said().count("does not open") == 1
        (place / "drop" / "leads.xlsx").write_bytes(content)
        until(lambda: snapshot.current_path(place / "wh") is not None)


def test_a_file_that_fails_is_said_once_and_tried_again_when_it_changes(place: Path) -> None:
    (place / "drop" / "bad.csv").write_text("foo,bar\n1,2\n")
    (place / "drop" / "good.csv").write_text(leads(1))
    with watching(place) as (_, told):
        until(lambda: len(told()) == 1)
        time.sleep(1.0)
        assert len(told()) == 1
        assert ["error" in file for file in told()[0]["files"]] == [True, False]
        (place / "drop" / "bad.csv").write_text(leads(2))
        until(lambda: len(told()) == 2)
        assert accepted(told()[1]) == {"bad.csv": 1}


def test_a_file_that_grows_is_loaded_when_it_has_grown(place: Path) -> None:
    growing = place / "drop" / "leads.csv"
    growing.write_text(HEADER)
    with watching(place, every=0.5) as (_, told):
        for number in range(1, 11):
            with growing.open("a") as file:
                file.write(leads(number).removeprefix(HEADER))
            time.sleep(0.2)
        until(lambda: len(told()) >= 1)
        assert accepted(told()[0]) == {"leads.csv": 10}


def test_only_failures_are_status_1_and_a_header_alone_is_none(place: Path) -> None:
    (place / "drop" / "empty.csv").write_text(HEADER)
    once(place)
    (place / "drop" / "bad.csv").write_text("foo,bar\n1,2\n")
    once(place, status=1)


def test_a_file_that_failed_is_a_failure_though_another_was_loaded(place: Path) -> None:
    (place / "drop" / "bad.csv").write_text("foo,bar\n1,2\n")
    (place / "drop" / "good.csv").write_text(leads(1))
    (loaded,), _ = once(place, status=1)
    assert loaded["snapshot"]
    (place / "drop" / "good.csv").write_text(leads(1, 2))
    once(place, status=1)


def test_no_folder_is_wrong_usage(place: Path) -> None:
    (place / "drop").rmdir()
    result = CliRunner().invoke(app, command(place, "--once"))
    assert (result.exit_code, "is no folder" in result.stderr) == (2, True)


def test_another_loads_lock_is_waited_for_and_said_once(place: Path) -> None:
    (place / "wh" / "snapshots").mkdir(parents=True)
    (place / "drop" / "a.csv").write_text(leads(1))
    holder = (
        "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(place / "wh" / LOCK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with watching(place) as (said, told):
            until(lambda: "waiting for it to end" in said())
            time.sleep(2.5)
            assert (said().count("waiting for it"), told()) == (1, [])
            other.stdin.close()
            until(lambda: len(told()) == 1)


def test_a_signal_ends_the_watch_and_the_last_snapshot_serves(place: Path) -> None:
    """Ctrl+C does here; in every other test it is the signal that a service is ended by."""
    (place / "drop" / "a.csv").write_text(leads(1))
    with watching(place, ends_by=signal.SIGINT) as (_, told):
        until(lambda: len(told()) == 1)
    assert snapshot.current_path(place / "wh") is not None


@contextmanager
def watching(
    place: Path, *, every: float = 0.2, ends_by: signal.Signals = signal.SIGTERM
) -> Iterator[tuple[Callable[[], str], Callable[[], list[dict[str, Any]]]]]:
    """A real watch; gives what it said so far, and what each of its loads told. A signal ends it, and it says so."""
    out, err = place / "out", place / "err"
    arguments = [sys.executable, "-m", "loaders", *command(place, every=every)]
    with out.open("w") as said, err.open("w") as told:
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=said, stderr=told)
        try:
            until(lambda: "Watching" in err.read_text())
            yield err.read_text, lambda: [json.loads(line) for line in out.read_text().splitlines()]
            process.send_signal(ends_by)
            assert process.wait(timeout=60) == 0, err.read_text()
            assert "Stopped. The last snapshot still serves." in err.read_text()
        finally:
            process.kill()
            process.wait()


def until(is_so: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
