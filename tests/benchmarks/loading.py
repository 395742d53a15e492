"""Measure loading at the size of a large group: speed, memory, and what one more day costs.

Each stage runs in a process of its own, so that its peak memory is its own, and beside the leanest alternative.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import duckdb
import polars as pl

from loaders import snapshot
from loaders.intake import Choices, Sheet, take_in
from loaders.settings import load_settings
from loaders.star import FINDING_SCHEMA, Moment, build_star
from tests.benchmarks import volume
from tests.benchmarks.lean import LEAN_STAR, differences

LEADS: Final = 100_000
DAY_ROWS: Final = 5_000
MANY_LEADS: Final = 500_000
ROOT: Final = Path(__file__).parents[2]


def main() -> None:
    """Print the figures of 1,000,000 contacts on 100,000 leads, and the memory that five times as many take."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        exports = volume.write(folder / "exports", LEADS)
        day = volume.write_day(folder / "day", exports, DAY_ROWS)
        size = exports.contacts.stat().st_size / 1e6
        contacts = _in_process("contacts", exports.settings, exports.contacts)
        _say("1,000,000 contacts to canonical rows", f"{contacts['seconds']:.1f} s for {size:.0f} MB of CSV")
        _say("  against DuckDB's read_csv into a table", f"{contacts['ratio']:.1f} x ({contacts['leanest']:.2f} s)")
        _full_and_day(folder, exports, day)
    with tempfile.TemporaryDirectory() as place:
        many = volume.write(Path(place) / "exports", MANY_LEADS)
        loaded = _in_process("full", many.settings, Path(place) / "warehouse", *many.files)
        _say("5,000,000 contacts with 500,000 leads", f"{loaded['seconds']:.0f} s, peak {loaded['peak_mb']:.0f} MB")


def _full_and_day(folder: Path, exports: volume.Volume, day: volume.Volume) -> None:
    full = _in_process("full", exports.settings, folder / "warehouse", *exports.files)
    _say("full load of the same with its leads", f"{full['seconds']:.1f} s, peak {full['peak_mb']:.0f} MB")
    star = _in_process("star", exports.settings, folder / "warehouse")
    _say("the star of it", f"{star['seconds']:.1f} s, {star['ratio']:.2f} x hand-written SQL ({star['leanest']:.1f} s)")
    next_day = _in_process("full", day.settings, folder / "warehouse", *day.files)
    share = next_day["seconds"] / full["seconds"]
    _say(f"the next day's export ({DAY_ROWS:,} rows)", f"{next_day['seconds']:.1f} s, {share:.0%} of the full load")


def _in_process(stage: str, *arguments: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.loading", stage, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def contacts(settings: Path, path: Path) -> dict[str, float]:
    """From the file to validated canonical rows, and DuckDB's bare reading of it, in turns."""
    ours, leanest = [], []
    for _ in range(3):
        leanest.append(_seconds(lambda: _read_bare(path)))
        ours.append(_seconds(lambda: _taken_in(settings, [path])))
    return _beside(ours, leanest)


def full(settings: Path, warehouse: Path, *paths: Path) -> dict[str, float]:
    """Files to a published snapshot, start-up excluded."""
    return {"seconds": _seconds(lambda: _load(settings, warehouse, paths)), "peak_mb": _peak_mb()}


def star(settings: Path, warehouse: Path) -> dict[str, float]:
    """The star of the serving snapshot's canonical rows: our statements and lean ones for these files, in turns."""
    serving = snapshot.current_path(warehouse)
    assert serving is not None
    again, lean = warehouse / "again.duckdb", warehouse / "lean.duckdb"
    ours, leanest = [], []
    for _ in range(3):
        shutil.copyfile(serving, again)
        ours.append(_seconds(lambda: _build_again(again, settings)))
        lean.unlink(missing_ok=True)
        leanest.append(_seconds(lambda: _build_lean(serving, lean)))
    if found := differences(again, lean):
        raise AssertionError(f"the lean statements do not write the star's rows: {found}")
    return _beside(ours, leanest)


def _build_again(path: Path, settings: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as snapshot")
        con.execute("use snapshot")
        findings = pl.DataFrame(schema=FINDING_SCHEMA)
        build_star(con, load_settings(settings), Moment(datetime.now(UTC)), findings, lambda done, text: None)


def _build_lean(serving: Path, target: Path) -> None:
    with duckdb.connect() as con:
        # The same file format as ours: newer ones are quicker to write, and closed to the tools that people have.
        con.execute(f"attach '{target}' as lean (storage_version '{snapshot.STORAGE_VERSION}')")
        con.execute("use lean")
        con.execute(f"attach '{serving}' as source (read_only)")
        con.execute("set TimeZone = 'UTC'")
        con.execute(LEAN_STAR)


def _taken_in(settings: Path, paths: list[Path]) -> list[Sheet]:
    return take_in([str(path) for path in paths], Choices(load_settings(settings)), lambda done, text: None)


def _load(settings: Path, warehouse: Path, paths: tuple[Path, ...]) -> None:
    sheets = _taken_in(settings, list(paths))
    moment = Moment(datetime.now(UTC))
    snapshot.publish(sheets, warehouse, load_settings(settings), moment, lambda done, text: None)


def _read_bare(path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("create table bare as select * from read_csv(?)", [str(path)])


def _beside(ours: list[float], leanest: list[float]) -> dict[str, float]:
    return {"seconds": median(ours), "leanest": median(leanest), "ratio": median(ours) / median(leanest)}


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<45} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        stages: dict[str, Callable[..., dict[str, float]]] = {"contacts": contacts, "full": full, "star": star}
        stage = stages[sys.argv[1]]
        sys.stdout.write(json.dumps(stage(*map(Path, sys.argv[2:]))))
