"""Any order, grouping and repetition of a set of exports gives the same warehouse.

The stories say what comes late and changes what was read before; they are all in one set, so that every example puts
every story into another order: `stories.STORIES` names them. A second set is drawn by chance from small pools, so that
records collide in ways that no story tells. Loads before the last run under other settings now and then (gap of
episodes, names per phone, date of a sale, free sources), which must leave nothing behind. Compared row by row: the
star, the canonical tables with their lineage, the refused rows and the findings. The oracle is one load of everything
into a new warehouse, which builds the star in full; the loads compared with it build it in part where they can.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.faults.loading import differences, write_files
from tests.faults.orders import NOW, Step, differences_by_chance, load_at_once, load_by, partial_builds, plans
from tests.faults.stories import EXPORTS, SETTINGS

FEW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_files(folder, EXPORTS | SETTINGS)
    return folder


@pytest.fixture(scope="module")
def expected(exports: Path) -> Path:
    return load_at_once(exports, list(EXPORTS), exports / "at once")


@settings(FEW, max_examples=3)
@given(plan=plans(list(EXPORTS), longest=3))
def test_any_order_and_repetition_of_exports_gives_the_same_warehouse(
    exports: Path, expected: Path, plan: tuple[Step, ...]
) -> None:
    with tempfile.TemporaryDirectory() as warehouse, partial_builds():
        assert not differences(load_by(plan, exports, Path(warehouse)), expected)


@pytest.mark.parametrize("seed", [4, 205])
def test_any_order_of_exports_drawn_by_chance_gives_the_same_warehouse(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, partial_builds():
        assert not differences_by_chance(Path(folder), seed, files=8, longest=6)


def test_exports_of_single_days_build_the_star_in_part_and_give_the_same(
    exports: Path, expected: Path, tmp_path: Path
) -> None:
    days = ("sale_id 2.csv", "lead_id 2.csv", "west call.csv")
    first = tuple(name for name in EXPORTS if name not in days)
    with partial_builds() as told:
        found = load_by([Step(first, NOW), *(Step((day,), NOW) for day in days)], exports, tmp_path)
    assert not differences(found, expected)
    assert told[True] >= 2
