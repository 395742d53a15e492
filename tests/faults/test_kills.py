"""A load that is killed costs nothing: the last snapshot serves, whole, and the next load succeeds."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kills import Kill, killed_load, nursery, set_scene, whole_load


def test_a_load_killed_at_any_moment_leaves_the_old_or_the_new_snapshot(tmp_path: Path) -> None:
    """While files are read, rows merged, the star built; before each of the last steps, which publish; by the clock.

    `tests.benchmarks.faults` kills two hundred.
    """
    scene = set_scene(tmp_path)
    with nursery() as place:
        whole = whole_load(scene, place)
        steps = [*(whole.steps * share // 10 for share in (1, 4, 7)), *range(whole.steps - 3, whole.steps + 1)]
        served = [killed_load(scene, place, Kill(step=step)) for step in steps]
        by_clock = killed_load(scene, place, Kill(seconds=whole.seconds / 2))
    assert served[0] == "old"
    assert served == sorted(served, key=["old", "new"].index)
    assert by_clock in {"old", "new", "too late"}
