"""Loads while other processes read: they must never see an error or a mixed state."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.loading import ROOT, load, write_files
from tests.faults.stories import as_csv, lead

_SETTINGS = """
[warehouse]
keep_snapshots = {keep}
[[store]]
name = "North"
time_zone = "America/Chicago"
[[store]]
name = "South"
time_zone = "America/New_York"
"""


@dataclass(frozen=True)
class Seen:
    """What one reader saw: how often it read, how many snapshots, the leads of a store at the end."""

    reads: int
    snapshots: int
    leads: int


def read_while_loading(folder: Path, loads: int, keep: int, ways: Sequence[str], pause: float = 0.01) -> list[Seen]:
    """Load so many times, keeping so many snapshots, with a reader per way (follow, open) beside it.

    A reader waits `pause` seconds between two reads.

    Raises:
        AssertionError: A reader saw an error or a mixed state.
    """
    files = {f"day {day}.csv": _day(day) for day in range(loads + 1)}
    write_files(folder, files | {"settings.toml": _SETTINGS.format(keep=keep)})
    warehouse, stop = folder / "wh", folder / "stop"
    load([folder / "day 0.csv"], warehouse, folder / "settings.toml")
    readers = [_reader(warehouse, way, stop, pause) for way in ways]
    try:
        for day in range(1, loads + 1):
            load([folder / f"day {day}.csv"], warehouse, folder / "settings.toml")
    finally:
        stop.touch()
        ends = [reader.communicate(timeout=120) for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * len(readers), ends
    return [Seen(*map(int, out.split())) for out, _ in ends]


def _day(day: int) -> str:
    return as_csv([lead(f"{store}{day}", f"2025-03-01T{day % 24:02}:00", store=store) for store in ("North", "South")])


def _reader(warehouse: Path, way: str, stop: Path, pause: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.reader", str(warehouse), way, str(stop), str(pause)]
    reader = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n", reader.communicate()
    return reader
