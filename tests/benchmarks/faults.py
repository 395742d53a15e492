"""The full form of tests/faults: kills, disks, readers, orders and odd files by the hundred; prints the counts.

`python -m tests.benchmarks.faults [share]`: a share of 0.1 does a tenth of it. A case that fails ends it with an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.faults.fuzz import KINDS, blocks, case, check_read, check_taken_in, rows_for
from tests.faults.kills import count_kills, held, litter, set_scene
from tests.faults.loading import differences, snapshot_of, start_load, write_files
from tests.faults.orders import differences_by_chance, load_at_once, load_by, partial_builds, plan_by_chance
from tests.faults.readers import read_while_loading
from tests.faults.stories import EXPORTS, SETTINGS

KILLS: Final = 200
LOADS_BESIDE_READERS: Final = 50
ORDERS_OF_STORIES: Final = 60
ORDERS_BY_CHANCE: Final = 60
TEXT_CASES: Final = 100_000
OTHER_CASES: Final = 5_000
ROWS_PER_BLOCK: Final = 400
DISK_SIZES_MB: Final = (1, 3, 6, 9)
_BATCH: Final = 500


def main(share: float = 1.0) -> None:
    """Print what was tried and what came of it, a line each."""
    for what, measure in (
        ("kills", _kills),
        ("full disks", _full_disks),
        ("loads beside readers", _readers),
        ("orders of the stories", _orders_of_stories),
        ("orders by chance", _orders_by_chance),
        ("odd files", _odd_files),
        ("odd rows", _odd_rows),
    ):
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            told = measure(Path(place), share)
        sys.stdout.write(f"{what:<40} {told} ({time.perf_counter() - begun:.0f} s)\n")
        sys.stdout.flush()


def _share_of(count: int, share: float) -> int:
    return max(1, round(count * share))


def _kills(place: Path, share: float) -> str:
    told = count_kills(place, _share_of(KILLS, share))
    return f"{told['old'] + told['new']}: {told['old']} left the old snapshot, {told['new']} the new one, none a mix"


def _full_disks(place: Path, share: float) -> str:
    """Loads into a small file system in memory that is full before they end; needs the right to mount one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "not tried: mounting a small file system needs root"
    scene = set_scene(place)
    told: Counter[str] = Counter()
    for megabytes in DISK_SIZES_MB:
        disk = place / f"disk {megabytes}"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk], check=False).returncode:
            return "not tried: this container may mount nothing"
        try:
            told[_load_onto(disk, scene.later, scene.settings)] += 1
        finally:
            subprocess.run(["umount", disk], check=True)
    return ", ".join(f"{count} {what}" for what, count in sorted(told.items()))


def _load_onto(disk: Path, paths: tuple[Path, ...], settings: Path) -> str:
    """Load onto a small disk until it is full; what served before must serve after."""
    served = None
    for path in paths * 3:
        started = start_load([path], disk / "wh", settings)
        _, said = started.communicate(timeout=300)
        if started.returncode != 0:
            assert "cannot be written" in said, said
            assert "Traceback" not in said, said
            assert not litter(disk / "wh"), litter(disk / "wh")
            if served is None:
                return "full at the first load, told"
            assert held(snapshot_of(disk / "wh")) == served
            return "full at a later load, told, the last snapshot served"
        served = held(snapshot_of(disk / "wh"))
    return "large enough"


def _readers(place: Path, share: float) -> str:
    loads = _share_of(LOADS_BESIDE_READERS, share)
    seen = read_while_loading(place / "one", loads // 2 + 1, 1, ("follow", "open"))
    seen += read_while_loading(place / "ten", loads // 2, 10, ("follow", "open")) if loads > 1 else []
    return f"{loads}: {sum(one.reads for one in seen)} reads by {len(seen)} readers, no error, no mixed state"


def _orders_of_stories(place: Path, share: float) -> str:
    write_files(place, EXPORTS | SETTINGS)
    expected = load_at_once(place, list(EXPORTS), place / "at once")
    count = _share_of(ORDERS_OF_STORIES, share)
    with partial_builds() as builds:
        for seed in range(count):
            warehouse = place / "in order"
            longest = len(EXPORTS) if seed % 10 == 0 else 4
            told = differences(load_by(plan_by_chance(list(EXPORTS), seed, longest), place, warehouse), expected)
            assert not told, (seed, told)
            shutil.rmtree(warehouse)
    return f"{count} of {len(EXPORTS)} exports, each the same warehouse; {builds[True]} loads built it in part"


def _orders_by_chance(place: Path, share: float) -> str:
    count = _share_of(ORDERS_BY_CHANCE, share)
    with partial_builds() as builds:
        for seed in range(count):
            folder = place / "set"
            told = differences_by_chance(folder, seed, files=14, longest=10)
            assert not told, (seed, told)
            shutil.rmtree(folder)
    return f"{count} sets of 14 exports, each the same warehouse; {builds[True]} loads built it in part"


def _odd_files(place: Path, share: float) -> str:
    counts = {kind: TEXT_CASES // 2 if "text" in kind else OTHER_CASES for kind in KINDS}
    told = []
    for kind, count in counts.items():
        readable = _in_batches(partial(_try_files, kind), _share_of(count, share))
        told.append(f"{_share_of(count, share):,} {kind} ({readable:,} read)")
    return ", ".join(told) + "; the others ended in a clear error"


def _odd_rows(place: Path, share: float) -> str:
    files = _share_of(ROWS_PER_BLOCK, share)
    counts: Counter[str] = Counter()
    for profile, block in blocks():
        for seed in range(max(1, files // 100)):
            path = place / "odd.csv"
            path.write_bytes(rows_for(block, seed, 100))
            counts += check_taken_in(path, profile.name)
    return f"{counts['read']:,} read = {counts['accepted']:,} accepted + {counts['refused']:,} refused"


def _in_batches(work: Callable[[range], int], count: int) -> int:
    """Work on the numbers below `count` in processes of their own; a reader that crashes one is an error here."""
    batches = [range(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH)]
    # Fresh processes: one that is forked from here would wait for ever on locks of threads it does not have.
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(work, batches))


def _try_files(kind: str, seeds: range) -> int:
    """How many of these files read. AssertionError for one that neither reads nor says clearly why."""
    readable = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        for seed in seeds:
            name, content = case(kind, seed)
            path = Path(place) / name
            path.write_bytes(content)
            try:
                readable += check_read(path)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a panic of a library is an exception of its own kind
                raise AssertionError(f"{kind} {seed}: {error!r}") from error
    return readable


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
