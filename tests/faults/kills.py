"""Kills a load at many moments and looks at what is left: the last snapshot must serve, the next load must succeed."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import duckdb

from tests.faults.loading import ROOT, arguments_of, load, snapshot_of, write_files
from tests.faults.stories import EXPORTS, SETTINGS

Held = dict[str, tuple[int, int]]

_FIRST: Final = ("lead_id 1.csv", "sale_id 1.csv", "person_id 1.csv", "source_id 1.csv", "appointment_id 1.csv")
_LATER: Final = ("lead_id 2.csv", "sale_id 2.csv", "contact_id 1.csv")


@dataclass(frozen=True)
class Kill:
    """When to kill: after some seconds, or before the n-th file that the load opens, renames or removes."""

    seconds: float | None = None
    step: int | None = None


@dataclass(frozen=True)
class Whole:
    """What a load takes that nobody kills."""

    seconds: float
    steps: int


@dataclass(frozen=True)
class Scene:
    """A warehouse after its first exports, the ones that come next, and what is held before and after them."""

    folder: Path
    later: tuple[Path, ...]
    old: Held
    new: Held

    @property
    def settings(self) -> Path:
        """The settings of every load."""
        return self.folder / "now.toml"

    def copy(self, name: str) -> Path:
        """The warehouse before the load, once more."""
        return Path(shutil.copytree(self.folder / "old", self.folder / name))


def held(snapshot: Path) -> Held:
    """The rows of each table of the star, counted and summed up in one number."""
    with duckdb.connect(str(snapshot), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'main' order by 1").fetchall()
        asked = "select count(*), coalesce(bit_xor(hash(t)), 0) from main.{} as t"
        return {name: con.execute(asked.format(name)).fetchall()[0] for (name,) in tables}


def set_scene(folder: Path) -> Scene:
    """Load a part of the exports; a second warehouse says what all of them give."""
    write_files(folder, EXPORTS | SETTINGS)
    first = [folder / name for name in _FIRST]
    later = tuple(folder / name for name in _LATER)
    settings = folder / "now.toml"
    load(first, folder / "old", settings)
    shutil.copytree(folder / "old", folder / "new")
    load(later, folder / "new", settings)
    return Scene(folder, later, held(snapshot_of(folder / "old")), held(snapshot_of(folder / "new")))


@contextmanager
def nursery() -> Iterator[Nursery]:
    """The process that forks the loads."""
    command = [sys.executable, "-m", "tests.faults.nursery"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Nursery(process.stdin, process.stdout)
        process.stdin.close()


@dataclass(frozen=True)
class Nursery:
    """Where loads are ordered and their ends are told."""

    orders: IO[str]
    answers: IO[str]

    def run(self, words: Sequence[str], kill: Kill) -> list[int]:
        """Run one load, killed as told: the steps it took, where it lived to tell, and its exit status."""
        self.orders.write(json.dumps([kill.seconds, kill.step, list(words)]) + "\n")
        self.orders.flush()
        return [int(number) for number in self.answers.readline().split()]


def whole_load(scene: Scene, place: Nursery) -> Whole:
    """Run a load that nobody kills."""
    warehouse = scene.copy("unkilled")
    begun = time.perf_counter()
    steps, status = place.run(arguments_of(scene.later, warehouse, scene.settings), Kill())
    seconds = time.perf_counter() - begun
    assert status == 0
    assert held(snapshot_of(warehouse)) == scene.new
    shutil.rmtree(warehouse)
    return Whole(seconds, steps)


def killed_load(scene: Scene, place: Nursery, kill: Kill) -> str:
    """Kill one load and look: what served afterwards ("old" or "new"). Assertions say what was broken."""
    warehouse = scene.copy("killed")
    *_, status = place.run(arguments_of(scene.later, warehouse, scene.settings), kill)
    assert status in {0, -signal.SIGKILL}, (kill, status)
    served = held(snapshot_of(warehouse))
    assert served in (scene.old, scene.new), kill
    load(scene.later, warehouse, scene.settings)
    assert held(snapshot_of(warehouse)) == scene.new, kill
    assert not litter(warehouse), (kill, litter(warehouse))
    shutil.rmtree(warehouse)
    if status == 0:
        return "too late"
    return "new" if served == scene.new else "old"


def litter(warehouse: Path) -> list[str]:
    """What stands in a warehouse beside the pointer, the settings' address, the lock and the snapshots."""
    files = (path.relative_to(warehouse).as_posix() for path in warehouse.rglob("*") if path.is_file())
    is_right = {
        name: name in {"CURRENT", "SETTINGS"} or name.startswith("lock") or name.endswith(".duckdb") for name in files
    }
    return [name for name, right in is_right.items() if not right]


def kills_by_chance(whole: Whole, seed: int) -> Iterator[Kill]:
    """Moments all over a load without end: half by the clock, half by step; of these every other one near the end."""
    dice = random.Random(seed)
    while True:
        yield Kill(seconds=dice.uniform(0, whole.seconds))
        yield Kill(step=dice.randint(1, whole.steps))
        yield Kill(seconds=dice.uniform(0, whole.seconds))
        yield Kill(step=dice.randint(max(1, whole.steps - 8), whole.steps))


def count_kills(folder: Path, count: int, seed: int = 3) -> Counter[str]:
    """Kill so many loads; how many left the old snapshot serving, how many the new one, how many came too late."""
    scene = set_scene(folder)
    told: Counter[str] = Counter()
    with nursery() as place:
        for kill in kills_by_chance(whole_load(scene, place), seed):
            told[killed_load(scene, place, kill)] += 1
            if told["old"] + told["new"] == count:
                break
    return told
