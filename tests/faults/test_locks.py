"""Two loads at once: the second waits, or says who holds the lock; a lock never outlives its process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loaders.__main__ import app
from loaders.errors import LoaderError, LockedError
from loaders.lock import only_writer
from tests.faults.loading import ROOT, arguments_of, load, snapshot_of, start_load, write_files
from tests.faults.stories import SETTINGS, as_csv, lead

HOLDER = """
import sys
from pathlib import Path
from loaders.lock import only_writer
with only_writer(Path(sys.argv[1]), 0, lambda done, text: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of five days, and a warehouse that the first of them was loaded into."""
    folder = tmp_path_factory.mktemp("days")
    days = {f"day {day}.csv": as_csv([lead(f"{day}", f"2025-03-0{day}T10:00")]) for day in range(1, 6)}
    write_files(folder, days | SETTINGS)
    load([folder / "day 1.csv"], folder / "wh", folder / "now.toml")
    return folder


@pytest.fixture
def place(first_day: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_day, tmp_path / "place"))


@contextmanager
def held(warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the warehouse until it is told to end."""
    command = [sys.executable, "-c", HOLDER, str(warehouse)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        if other.poll() is None:
            other.communicate("")


def attempt(place: Path, name: str, wait: float) -> Result:
    words = arguments_of([place / name], place / "wh", place / "now.toml")
    return CliRunner().invoke(app, [*words, "--wait", str(wait)])


def test_a_load_that_may_not_wait_says_who_holds_the_lock_and_since_when(place: Path) -> None:
    with held(place / "wh") as other:
        told = attempt(place, "day 2.csv", 0.2)
        rolled = CliRunner().invoke(app, ["rollback", snapshot_of(place / "wh").stem, "--warehouse", str(place / "wh")])
    assert (told.exit_code, rolled.exit_code) == (1, 2)
    for said in (told.stderr, rolled.stderr):
        assert f"locked by another load: process {other.pid} since 20" in said
        assert "--wait" in said
    assert attempt(place, "day 2.csv", 0).exit_code == 0


def test_a_load_waits_for_the_other_one_to_end(place: Path) -> None:
    with held(place / "wh") as other:
        threading.Timer(0.5, lambda: other.stdin and other.stdin.close()).start()
        assert attempt(place, "day 2.csv", 60).exit_code == 0


def test_a_holder_that_is_killed_blocks_nobody(place: Path) -> None:
    with held(place / "wh") as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        assert (place / "wh" / "lock.holder").exists()
        assert attempt(place, "day 2.csv", 0).exit_code == 0


def test_a_lock_file_of_any_content_blocks_nobody(place: Path) -> None:
    (place / "wh" / "lock").write_bytes(b"\x00" * 100)
    (place / "wh" / "lock.holder").write_bytes(b"\xff\xfe")
    assert attempt(place, "day 2.csv", 0).exit_code == 0


def test_two_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    """The dashboard's page loads in the server's own process, a thread per visitor."""
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with only_writer(tmp_path, 0, lambda done, text: None):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    with pytest.raises(LockedError, match=f"process {os.getpid()}"), only_writer(tmp_path, 0, lambda done, text: None):
        pass
    leave.set()
    thread.join()
    with only_writer(tmp_path, 0, lambda done, text: None):
        assert (tmp_path / "lock.holder").exists()


def test_a_warehouse_that_is_no_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LoaderError, match="cannot be written"), only_writer(tmp_path / "file", 0, lambda *_: None):
        pass


def test_loads_started_together_all_take_effect(place: Path) -> None:
    """Each built on what the one before it published, whichever came first; each snapshot is newer than the last."""
    names = [f"day {day}.csv" for day in range(2, 5)]
    loads = [start_load([place / name], place / "wh", place / "now.toml") for name in names]
    for started in loads:
        _, said = started.communicate(timeout=120)
        assert started.returncode == 0, said
    told = CliRunner().invoke(app, ["history", "--warehouse", str(place / "wh")])
    assert told.exit_code == 0
    newest = max((place / "wh" / "snapshots").glob("*.duckdb"))
    assert newest == snapshot_of(place / "wh")
    again = load([place / name for name in ("day 1.csv", *names)], place / "wh", place / "now.toml")
    assert [file["tables"]["lead"]["unchanged"] for file in again["files"]] == [1, 1, 1, 1]
