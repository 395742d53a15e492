"""Full disks, folders without rights and damaged files: a clear error, and the snapshot before it serves."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from metrics.__main__ import app as metrics_app
from tests.faults.kills import Scene, held, litter, set_scene
from tests.faults.loading import ROOT, arguments_of, load, snapshot_of

WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A warehouse with one snapshot; more exports lie ready."""
    return set_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def warehouse(scene: Scene, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scene.folder / "old", tmp_path / "wh"))


@pytest.fixture
def twice_loaded(scene: Scene, tmp_path: Path) -> Path:
    """A warehouse with two snapshots."""
    return Path(shutil.copytree(scene.folder / "new", tmp_path / "wh"))


def said_by(words: list[str], *, rights: bool = True, largest_file: int | None = None) -> tuple[int, str]:
    """Run the loaders as a process that may write no file beyond a size, or without root's pass to every folder."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    prefix = [] if rights or os.geteuid() != 0 else WITHOUT_ROOTS_RIGHTS
    command = [*prefix, sys.executable, "-B", "-m", "loaders", *words]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, preexec_fn=limit)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("largest_file", [0, 20_000, 700_000])
def test_a_disk_that_fills_up_is_told_and_leaves_the_last_snapshot(
    scene: Scene, warehouse: Path, largest_file: int
) -> None:
    words = arguments_of(scene.later, warehouse, scene.settings)
    status, said = said_by(words, largest_file=largest_file)
    assert (status, "cannot be written" in said, "Hint:" in said) == (1, True, True), said
    assert "Traceback" not in said
    assert held(snapshot_of(warehouse)) == scene.old
    assert not litter(warehouse)
    load(scene.later, warehouse, scene.settings)
    assert held(snapshot_of(warehouse)) == scene.new


def test_a_first_load_on_a_full_disk_leaves_nothing_that_stops_the_next(scene: Scene, tmp_path: Path) -> None:
    status, said = said_by(arguments_of(scene.later, tmp_path / "wh", scene.settings), largest_file=0)
    assert (status, "cannot be written" in said) == (1, True), said
    load(scene.later, tmp_path / "wh", scene.settings)


@pytest.mark.parametrize("part", [".", "snapshots"])
def test_a_folder_that_may_not_be_written_is_told_and_still_read(scene: Scene, warehouse: Path, part: str) -> None:
    (warehouse / part).chmod(0o555)
    status, said = said_by(arguments_of(scene.later, warehouse, scene.settings), rights=False)
    told, _ = said_by(["history", "--warehouse", str(warehouse)], rights=False)
    (warehouse / part).chmod(0o755)
    assert (status, "cannot be written" in said, "Hint:" in said) == (1, True, True), said
    assert (told, "Traceback" in said) == (0, False)
    assert held(snapshot_of(warehouse)) == scene.old


def _cut_to(share: float) -> Callable[[Path], None]:
    def cut(snapshot: Path) -> None:
        content = snapshot.read_bytes()
        snapshot.write_bytes(content[: int(len(content) * share)])

    return cut


def _flip(first: float, count: int) -> Callable[[Path], None]:
    """Turn every bit of so many bytes, from a share of the file on."""

    def flip(snapshot: Path) -> None:
        content = bytearray(snapshot.read_bytes())
        start = int(len(content) * first)
        content[start : start + count] = bytes(255 - byte for byte in content[start : start + count])
        snapshot.write_bytes(content)

    return flip


PLAIN_DAMAGE = {
    "emptied": _cut_to(0),
    "cut short": _cut_to(0.3),
    "header turned": _flip(0, 8192),
    "all but the header turned": _flip(0.01, 100_000_000),
}
HIDDEN_DAMAGE = {"cut at its end": _cut_to(0.9)} | {f"turned at {share}": _flip(share, 64) for share in (0.2, 0.5, 0.8)}


@pytest.mark.parametrize("damage", PLAIN_DAMAGE)
def test_a_damaged_snapshot_is_told_by_every_command_and_the_one_before_it_can_serve(
    scene: Scene, twice_loaded: Path, damage: str
) -> None:
    serving = snapshot_of(twice_loaded)
    before = next(path for path in serving.parent.glob("*.duckdb") if path != serving)
    PLAIN_DAMAGE[damage](serving)
    for words in (
        arguments_of(scene.later[:1], twice_loaded, scene.settings),
        ["rejects", "--warehouse", str(twice_loaded)],
    ):
        told = CliRunner().invoke(app, words)
        assert (told.exit_code, f"rollback {before.stem}" in told.stderr) == (1, True), (told.output, told.exception)
    shown = CliRunner().invoke(metrics_app, ["show", "leads", "--warehouse", str(twice_loaded)])
    assert (shown.exit_code, "rollback" in shown.stderr) == (1, True), (shown.output, shown.exception)
    rolled = CliRunner().invoke(app, ["rollback", before.stem, "--warehouse", str(twice_loaded)])
    assert rolled.exit_code == 0, rolled.output
    assert held(snapshot_of(twice_loaded)) == scene.old
    load(scene.later, twice_loaded, scene.settings)
    assert held(snapshot_of(twice_loaded)) == scene.new


@pytest.mark.parametrize("damage", HIDDEN_DAMAGE)
def test_damage_that_few_reads_touch_is_told_or_changes_no_number(
    scene: Scene, twice_loaded: Path, damage: str
) -> None:
    """A block is read when it is needed; its checksum says then that it is not what was written."""
    words = ["show", "leads", "opportunities", "sold_units", "--by", "store,source", "--warehouse", str(twice_loaded)]
    before = CliRunner().invoke(metrics_app, words)
    serving = snapshot_of(twice_loaded)
    HIDDEN_DAMAGE[damage](serving)
    shown = CliRunner().invoke(metrics_app, words)
    assert (shown.exit_code, shown.stdout) == (0, before.stdout) or (shown.exit_code, "rollback" in shown.stderr) == (
        1,
        True,
    )
    rejected = CliRunner().invoke(app, ["rejects", "--warehouse", str(twice_loaded)])
    assert rejected.exit_code == 0 or "rollback" in rejected.stderr, rejected.exception
    words = arguments_of(scene.later, twice_loaded, scene.folder / "before.toml")
    loaded = CliRunner().invoke(app, words)
    assert loaded.exit_code == 0 or "rollback" in loaded.stderr, (loaded.output, loaded.exception)
    assert snapshot_of(twice_loaded) == serving or _reads_whole(snapshot_of(twice_loaded))


def _reads_whole(snapshot: Path) -> bool:
    return bool(held(snapshot))


POINTERS = {
    "empty": b"",
    "noise": b"\xff\xfe\x00\x81 \n\n",
    "a path outside": b"../../elsewhere.duckdb\n",
    "a folder": b"snapshots\n",
    "an absolute path": b"/etc/hostname\n",
}


@pytest.mark.parametrize("pointer", POINTERS)
def test_a_pointer_that_names_no_snapshot_is_told_and_can_be_mended(
    scene: Scene, warehouse: Path, pointer: str
) -> None:
    serving = snapshot_of(warehouse)
    shutil.copy(serving, warehouse.parent.parent / "elsewhere.duckdb")
    (warehouse / "CURRENT").write_bytes(POINTERS[pointer])
    for words in (arguments_of(scene.later[:1], warehouse, scene.settings), ["rejects", "--warehouse", str(warehouse)]):
        told = CliRunner().invoke(app, words)
        assert (told.exit_code, f"rollback {serving.stem}" in told.stderr) == (1, True), (told.output, told.exception)
    shown = CliRunner().invoke(metrics_app, ["show", "leads", "--warehouse", str(warehouse)])
    assert (shown.exit_code, "rollback" in shown.stderr) == (1, True), (shown.output, shown.exception)
    assert CliRunner().invoke(app, ["history", "--warehouse", str(warehouse)]).exit_code == 0
    assert CliRunner().invoke(app, ["rollback", serving.stem, "--warehouse", str(warehouse)]).exit_code == 0
    assert held(snapshot_of(warehouse)) == scene.old
