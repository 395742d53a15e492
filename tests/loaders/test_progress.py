"""How far a long load is: a line now and then in a log, a bar on a terminal; stopped, it leaves the last snapshot."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.progress import pace, part, shown, time_left
from loaders.snapshot import current_path

ROOT = Path(__file__).parents[2]


def test_a_log_gets_a_line_now_and_then_with_what_is_left() -> None:
    said = io.StringIO()
    with shown(Console(file=said, width=60), every=0.05) as report:
        report(0.5, "reading contacts.csv 1,000,000 rows, 200,000/s")
        end = time.monotonic() + 30
        while said.getvalue().count("\n") < 2 and time.monotonic() < end:
            time.sleep(0.01)
    first, second, *_ = said.getvalue().splitlines()
    assert first.startswith("50%, reading contacts.csv 1,000,000 rows, 200,000/s, about ")
    assert second.endswith(" s left")


def test_a_short_load_says_nothing_to_a_log() -> None:
    said = io.StringIO()
    with shown(Console(file=said)) as report:
        report(0.5, "reading")
    assert said.getvalue() == ""


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end() -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=120)
    with shown(console) as report:
        report(0.25, "reading contacts.csv")
        time.sleep(0.3)
    assert "reading contacts.csv" in said.getvalue()
    assert "25%" in said.getvalue()
    assert said.getvalue().endswith("\x1b[2K")


def test_the_progress_of_a_part_lies_within_its_share() -> None:
    told: list[float] = []
    step = part(lambda done, _: told.append(done), 0.5, 0.75)
    step(0.0, "")
    step(1.0, "")
    assert told == [0.5, 0.75]


@pytest.mark.parametrize(
    ("elapsed", "done", "said"),
    [(5.0, 0.0, ""), (10.0, 0.5, "about 10 s left"), (60.0, 0.1, "about 9 min left"), (3.0, 1.0, "about 0 s left")],
)
def test_what_is_left_follows_from_what_is_done(elapsed: float, done: float, said: str) -> None:
    assert time_left(elapsed, done) == said


def test_the_pace_is_told_in_rows_a_second() -> None:
    assert (pace(0, 1.0), pace(3000, 1.5)) == ("", "3,000 rows, 2,000/s")


def leads(place: Path, count: int) -> Path:
    lines = (f"{number},2026-03-01T10:00:00Z,internet,open" for number in range(count))
    path = place / f"{count}.csv"
    path.write_text("lead_id,created_at,lead_type,status\n" + "\n".join(lines) + "\n")
    return path


# As `python -m loaders`, but it says when it opens the export: earlier nothing is there that could be stopped.
COMMAND = """
import sys
from loaders.__main__ import app
sys.addaudithook(lambda event, given: event == "open" and str(given[0]) == sys.argv[2] and print("begun", flush=True))
app()
"""


def words(place: Path, path: Path) -> list[str]:
    """The command that loads a file into the warehouse of a folder."""
    return ["load", str(path), "--settings", str(place / "settings.toml"), "--warehouse", str(place / "wh")]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a warehouse that a small file was loaded into, to be copied."""
    place = tmp_path_factory.mktemp("loaded")
    (place / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n')
    result = CliRunner().invoke(app, words(place, leads(place, 5)))
    assert result.exit_code == 0, result.output
    return place


def loading(place: Path, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, *words(place, path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_reading(_: Path) -> bool:
    return True


def is_building(place: Path) -> bool:
    return any((place / "wh" / "snapshots").glob("*.building"))


@pytest.mark.parametrize(
    ("moment", "number"), [(is_reading, signal.SIGINT), (is_building, signal.SIGINT), (is_building, signal.SIGTERM)]
)
def test_a_load_that_is_stopped_says_so_and_leaves_the_last_snapshot(
    loaded: Path, tmp_path: Path, moment: Callable[[Path], bool], number: signal.Signals
) -> None:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    before = current_path(tmp_path / "wh")
    with loading(tmp_path, leads(tmp_path, 200_000)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n", "it never opened the export"
        while not moment(tmp_path):
            assert process.poll() is None, "it ended before it could be stopped"
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(number)
        _, told = process.communicate(timeout=120)
    assert "Traceback" not in told, told[-3000:]
    assert (process.returncode, told.splitlines()) == (130, ["Stopped. The last snapshot still serves."])
    assert current_path(tmp_path / "wh") == before
    assert [path.name for path in (tmp_path / "wh" / "snapshots").iterdir()] == [before.name if before else ""]
