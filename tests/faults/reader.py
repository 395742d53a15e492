"""A reader as a process of its own: `python -m tests.faults.reader WAREHOUSE follow|open STOP SECONDS`.

It reads, waits so many seconds, and reads again, until STOP is there.

Every load of the tests brings each of two stores one lead and one opportunity, so a reader that ever sees the stores
apart, or fewer leads than before, has seen a mixed state. It ends with status 1 and says so; else with what it saw.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import polars as pl

from metrics.engine import Warehouse, evaluate, open_warehouse, snapshot_facts
from metrics.filters import Filters


def main() -> None:
    """Read again and again, following CURRENT with one open warehouse or opening it anew each time."""
    directory, way, stop, pause = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    warehouse = open_warehouse(directory)
    reads, seen, most = 0, set(), 0
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not stop.exists():
        if way == "follow":
            warehouse.refresh()
        else:
            warehouse.close()
            warehouse = open_warehouse(directory)
        most = _checked(warehouse, most)
        seen.add(warehouse.snapshot)
        reads += 1
        time.sleep(pause)
    sys.stdout.write(f"{reads} {len(seen)} {most}\n")


def _checked(warehouse: Warehouse, most: int) -> int:
    """The leads of each store; raises where one snapshot contradicts itself or the one before it."""
    counted = evaluate(warehouse, ["leads", "opportunities"], Filters(by=("store",)))
    values = counted.filter(pl.col("store").is_in(["North", "South"]))["value"].to_list()
    rows = snapshot_facts(warehouse).row_counts
    if len(values) != 4 or len(set(values)) != 1 or rows["fct_lead"] != 2 * values[0]:
        raise ValueError(f"a mixed state: {counted.to_dicts()} and {rows}")
    if values[0] < most:
        raise ValueError(f"{values[0]} leads after {most}")
    return int(values[0])


if __name__ == "__main__":
    main()
