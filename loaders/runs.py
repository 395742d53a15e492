"""What ran by itself: one line of JSON per scheduled run in `runs.jsonl` beside the snapshots.

Data quality shows it (pages/runs.py). A line says which job, when and how it ended, and nothing of anybody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

FILE: Final = "runs.jsonl"
_KEPT: Final = 2_000

Outcome = Literal["done", "failed", "stopped"]


@dataclass(frozen=True)
class Run:
    """One run of a job. `started` and `ended` are UTC, ISO; `message` is a sentence, empty where all went well."""

    job: str
    started: str
    ended: str
    outcome: Outcome
    message: str = ""


def note_run(warehouse: Path, run: Run) -> None:
    """Append a run, as one write. OSError where the file cannot be written."""
    line = (json.dumps(asdict(run), ensure_ascii=False) + "\n").encode()
    file = os.open(warehouse / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def read_runs(warehouse: Path) -> list[Run]:
    """The runs in the order they ended; a line that a crash cut short is left out."""
    try:
        lines = (warehouse / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return list(_parsed(lines))


def trim_runs(warehouse: Path) -> None:
    """Keep the newest runs only, once there are twice as many: the file never grows without end."""
    runs = read_runs(warehouse)
    if len(runs) <= 2 * _KEPT:
        return
    fresh = warehouse / f"{FILE}.new"
    fresh.write_text(
        "".join(json.dumps(asdict(run), ensure_ascii=False) + "\n" for run in runs[-_KEPT:]), encoding="utf-8"
    )
    fresh.replace(warehouse / FILE)


def _parsed(lines: list[str]) -> Iterator[Run]:
    for line in lines:
        try:
            yield Run(**json.loads(line))
        except (ValueError, TypeError):
            continue
