"""One set of exports, many ways to load it: the warehouse must hold the same in the end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from loaders import scope, snapshot
from tests.faults.chance import exports_by_chance
from tests.faults.loading import differences, load, snapshot_of, write_files
from tests.faults.stories import SETTINGS

NOW, BEFORE = "now.toml", "before.toml"


@dataclass(frozen=True)
class Step:
    """One load: its files in the order they are named, and the settings it runs under."""

    files: tuple[str, ...]
    settings: str


@st.composite
def plans(draw: st.DrawFn, files: Sequence[str], longest: int = 4) -> tuple[Step, ...]:
    """Every file at least once, in any order and grouping, some again; earlier loads may run under other settings."""
    order = draw(st.permutations(files))
    cuts = draw(st.lists(st.integers(1, len(files) - 1), max_size=longest - 1, unique=True).map(sorted))
    groups = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    steps = []
    for number, group in enumerate(groups, start=1):
        again = draw(st.lists(st.sampled_from(order), max_size=3, unique=True))
        settings = NOW if number == len(groups) else draw(st.sampled_from((NOW, BEFORE)))
        steps.append(Step((*group, *(name for name in again if name not in group)), settings))
    return tuple(steps)


@contextmanager
def partial_builds() -> Iterator[Counter[bool]]:
    """Let loads into small warehouses build the star in part, as they do in large ones; counts how often they did."""
    told: Counter[bool] = Counter()

    def counted(*arguments: Any) -> bool:
        was_partial = scope.build_scope(*arguments)
        told[was_partial] += 1
        return was_partial

    with (
        patch.object(scope, "SCOPE_FROM_LEADS", 0),
        patch.object(scope, "_LARGEST_SHARE", 1_000),
        patch.object(snapshot, "build_scope", counted),
    ):
        yield told


def load_at_once(exports: Path, files: Sequence[str], warehouse: Path) -> Path:
    """Load everything at once into a new warehouse; the snapshot that serves then."""
    load([exports / name for name in files], warehouse, exports / NOW)
    return snapshot_of(warehouse)


def load_by(plan: Sequence[Step], exports: Path, warehouse: Path) -> Path:
    """Run the loads of a plan, one after the other; the snapshot that serves then."""
    for step in plan:
        load([exports / name for name in step.files], warehouse, exports / step.settings)
    return snapshot_of(warehouse)


def plan_by_chance(files: Sequence[str], seed: int, longest: int = 4) -> tuple[Step, ...]:
    """A plan as `plans` draws them, from a seed; an odd one keeps to the settings, so that stars are built in part."""
    dice = random.Random(seed)
    order = dice.sample(files, len(files))
    cuts = sorted(dice.sample(range(1, len(files)), dice.randint(0, longest - 1)))
    steps = []
    for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        again = [name for name in dice.sample(order, dice.randint(0, 3)) if name not in order[start:end]]
        steps.append(
            Step((*order[start:end], *again), NOW if seed % 2 or end == len(order) else dice.choice((NOW, BEFORE)))
        )
    return tuple(steps)


def differences_by_chance(folder: Path, seed: int, files: int, longest: int = 4) -> list[str]:
    """What exports drawn by chance give at once and in some order, where that differs."""
    exports = exports_by_chance(seed, files)
    write_files(folder, exports | SETTINGS)
    expected = load_at_once(folder, list(exports), folder / "at once")
    return differences(load_by(plan_by_chance(list(exports), seed, longest), folder, folder / "in order"), expected)
