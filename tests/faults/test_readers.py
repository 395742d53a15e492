"""Readers beside loads: no error, no mixed state, and the newest snapshot in the end."""

from __future__ import annotations

from pathlib import Path

from tests.faults.readers import read_while_loading


def test_readers_see_whole_snapshots_only_while_loads_publish(tmp_path: Path) -> None:
    """Only one snapshot is kept, so the file that CURRENT named a moment ago may be gone already."""
    for seen in read_while_loading(tmp_path, loads=4, keep=1, ways=("follow", "open"), pause=0.1):
        assert seen.reads > 4
        assert seen.snapshots > 1
        assert 1 < seen.leads <= 5
