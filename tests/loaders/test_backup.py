"""A backup restored on an empty machine is the same Upboard; a damaged or foreign archive changes nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.backup import FORMAT, dated_name, prune_backups
from loaders.erased import read_erased
from loaders.snapshot import current_path
from pages.journal import Journal
from tests.faults.loading import differences

LEADS = """lead_id,customer_id,created_at,source,lead_type,status,salesperson,customer_name,phone
10001,C7001,2026-03-01T15:00:00Z,Web,internet,open,Bo Roy,Ignatia Vandermoor,312-555-0142
10002,C7002,2026-03-02T15:00:00Z,Web,internet,open,Bo Roy,Ann Moe,312-555-0143
"""
SETTINGS = '[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n'
Parts = dict[str, bytes]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation: warehouse, journal, settings, a profile of its own, users."""
    place = tmp_path_factory.mktemp("installed")
    (place / "profiles").mkdir()
    shutil.copy(Path("loaders/profiles/generic.toml"), place / "profiles" / "my_crm.toml")
    (place / "settings.toml").write_text(SETTINGS)
    (place / "users.toml").write_text('[[user]]\nlogin = "gail"\n')
    (place / "leads.csv").write_text(LEADS)
    invoke(place, "load", str(place / "leads.csv"))
    Journal(place / "wh" / "journal.sqlite").write("handled", who="Bo", natural_id="10002", note="called")
    return place


@pytest.fixture(scope="module")
def archive(installed: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPBOARD_USERS", str(installed / "users.toml"))
        invoke(installed, "backup", str(installed / "b.tar.gz"))
    return installed / "b.tar.gz"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine."""
    monkeypatch.setenv("UPBOARD_USERS", str(tmp_path / "users.toml"))
    return tmp_path


def invoke(place: Path, *words: str, status: int = 0) -> dict[str, Any]:
    places = ["--warehouse", str(place / "wh"), "--settings", str(place / "settings.toml"), "--json"]
    result = CliRunner().invoke(app, [*words, *places])
    assert result.exit_code == status, (result.output, result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def parts_of(archive: Path) -> Parts:
    with tarfile.open(archive) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def write_archive(path: Path, parts: Parts, *links: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for link in links:
            tar.addfile(link)
    return path


def with_manifest(parts: Parts, /, **changes: Any) -> Parts:
    """The parts behind a manifest that fits them."""
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in parts.items()
    }
    told = {"format": FORMAT, "version": 1, "made_at": "2026-01-01T00:00:00+00:00", "parts": listed} | changes
    return {"manifest.json": json.dumps(told).encode()} | parts


def content_of(archive: bytes) -> bytes | None:
    with suppress(OSError, EOFError, zlib.error):
        return gzip.decompress(archive)
    return None


def without_manifest(archive: Path) -> Parts:
    return {name: content for name, content in parts_of(archive).items() if name != "manifest.json"}


def files_of(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def test_what_was_backed_up_is_the_same_on_an_empty_machine(installed: Path, archive: Path, empty: Path) -> None:
    told = invoke(empty, "restore", str(archive))
    assert set(told["parts"]) == {
        f"snapshot/{told['snapshot']}.duckdb",
        "journal.sqlite",
        "profiles/my_crm.toml",
        "settings.toml",
        "users.toml",
    }
    before, after = current_path(installed / "wh"), current_path(empty / "wh")
    assert before is not None
    assert after is not None
    assert differences(after, before) == []
    assert Journal(empty / "wh" / "journal.sqlite").entries() == Journal(installed / "wh" / "journal.sqlite").entries()
    for name in ("settings.toml", "users.toml", "profiles/my_crm.toml"):
        assert (empty / name).read_bytes() == (installed / name).read_bytes()
    assert (empty / "users.toml").stat().st_mode & 0o077 == 0
    assert archive.stat().st_mode & 0o077 == 0


def test_a_restored_warehouse_loads_on(installed: Path, archive: Path, empty: Path) -> None:
    invoke(empty, "restore", str(archive))
    told = invoke(empty, "load", str(installed / "leads.csv"))
    assert told["files"][0]["tables"]["lead"]["unchanged"] == 2


def test_nothing_is_written_over_unless_that_is_asked_for(archive: Path, empty: Path) -> None:
    (empty / "settings.toml").write_text("# mine\n")
    before = files_of(empty)
    refused = invoke(empty, "restore", str(archive), status=1)["error"]
    assert str(empty / "settings.toml") in refused
    assert "--force" in refused
    assert {name for name in files_of(empty) if "lock" not in name} == set(before)
    assert files_of(empty)[str(empty / "settings.toml")] == b"# mine\n"
    invoke(empty, "restore", str(archive), "--force")
    assert (empty / "settings.toml").read_text() == SETTINGS


def test_a_backup_replaces_no_file_unless_that_is_asked_for(installed: Path, tmp_path: Path) -> None:
    there = tmp_path / "b.tar.gz"
    there.write_text("mine")
    assert "is there already" in invoke(installed, "backup", str(there), status=1)["error"]
    assert there.read_text() == "mine"
    invoke(installed, "backup", str(there), "--force")
    assert "settings.toml" in parts_of(there)


def test_a_backup_is_whole_while_others_write_the_journal(installed: Path, tmp_path: Path, empty: Path) -> None:
    place = tmp_path / "busy"
    shutil.copytree(installed, place)
    journal, stop = Journal(place / "wh" / "journal.sqlite"), threading.Event()

    def write() -> None:
        while not stop.is_set():
            journal.write("handled", who="Bo", note="n", twin=1)
            journal.write("handled", who="Bo", note="n", twin=2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        invoke(place, "backup", str(tmp_path / "busy.tar.gz"))
    finally:
        stop.set()
        writer.join()
    invoke(empty, "restore", str(tmp_path / "busy.tar.gz"))
    numbers = [entry.entry for entry in Journal(empty / "wh" / "journal.sqlite").entries()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_an_archive_that_was_cut_short_at_any_place_or_changed_is_refused(archive: Path, empty: Path) -> None:
    whole = archive.read_bytes()
    broken = empty / "broken.tar.gz"
    for cut in (0, 1, 20, 300, len(whole) // 3, len(whole) // 2, len(whole) - 2_000):
        broken.write_bytes(whole[:cut])
        assert "no sound backup" in invoke(empty, "restore", str(broken), status=1)["error"], cut
    for place in (400, len(whole) // 4, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 8, len(whole) - 1):
        changed = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        if content_of(changed) == content_of(whole):
            continue  # Within a long run of zeros gzip may say "copy" of any of them: such a change changes nothing.
        broken.write_bytes(changed)
        assert "no sound backup" in invoke(empty, "restore", str(broken), status=1)["error"], place
    assert current_path(empty / "wh") is None
    assert not (empty / "settings.toml").exists()


LINK = tarfile.TarInfo("settings.toml")
LINK.type, LINK.linkname = tarfile.SYMTYPE, "/etc/passwd"
HARD = tarfile.TarInfo("users.toml")
HARD.type, HARD.linkname = tarfile.LNKTYPE, "settings.toml"
DEVICE = tarfile.TarInfo("users.toml")
DEVICE.type = tarfile.CHRTYPE
Change = Callable[[Parts], Parts]
FOREIGN: dict[str, Change] = {
    "no manifest": lambda parts: parts,
    "another format": lambda parts: with_manifest(parts, format="other"),
    "a later version": lambda parts: with_manifest(parts, version=2),
    "a manifest without parts": lambda parts: with_manifest(parts, parts={}),
    "a manifest that is a list": lambda parts: {"manifest.json": b"[]"} | parts,
    "a manifest of deep nesting": lambda parts: {"manifest.json": b"[" * 50_000} | parts,
    "a path upwards": lambda parts: with_manifest(parts | {"profiles/../../../evil.toml": b""}),
    "an absolute path": lambda parts: with_manifest(parts | {"/tmp/evil.toml": b""}),
    "a file of another kind": lambda parts: with_manifest(parts | {"profiles/evil.py": b""}),
    "a second snapshot": lambda parts: with_manifest(parts | {"snapshot/20990101T000000Z-evil.duckdb": b""}),
    "a part that is not listed": lambda parts: with_manifest(parts) | {"users.toml": b"x"},
    "a part that is missing": lambda parts: {k: v for k, v in with_manifest(parts).items() if k != "settings.toml"},
    "a part with other bytes": lambda parts: with_manifest(parts) | {"settings.toml": b"#"},
    "a part larger than listed": lambda parts: with_manifest(parts) | {"settings.toml": parts["settings.toml"] * 999},
    "settings that are none": lambda parts: with_manifest(parts | {"settings.toml": b"[storee]\n"}),
    "a journal that is none": lambda parts: with_manifest(parts | {"journal.sqlite": b"no journal" * 999}),
    "a list of the erased that is none": lambda parts: with_manifest(parts | {"erased.json": b"{}"}),
    "a snapshot that is none": lambda parts: with_manifest(
        {name: b"no database" if name.startswith("snapshot/") else content for name, content in parts.items()}
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_archive_is_refused_and_leaves_nothing(what: str, archive: Path, empty: Path) -> None:
    path = write_archive(empty / "foreign.tar.gz", FOREIGN[what](without_manifest(archive)))
    assert "Hint:" in invoke(empty, "restore", str(path), status=1)["error"]
    assert current_path(empty / "wh") is None
    left = [path.name for path in empty.rglob("*") if path.is_file()]
    assert set(left) <= {"foreign.tar.gz", "lock"}


@pytest.mark.parametrize("link", [LINK, HARD, DEVICE], ids=["symbolic link", "hard link", "device"])
def test_links_and_devices_in_an_archive_are_refused(link: tarfile.TarInfo, archive: Path, empty: Path) -> None:
    parts = with_manifest(without_manifest(archive) | ({} if link.name == "settings.toml" else {link.name: b""}))
    listed = {name: content for name, content in parts.items() if name != link.name}
    path = write_archive(empty / "foreign.tar.gz", listed, link)
    assert "no sound backup" in invoke(empty, "restore", str(path), status=1)["error"]
    assert not (empty / "settings.toml").exists()


def test_who_was_erased_since_a_backup_stays_erased_when_it_is_restored(
    installed: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shutil.copytree(installed, tmp_path / "later")
    monkeypatch.setenv("UPBOARD_USERS", str(place / "users.toml"))
    forget = CliRunner().invoke(app, ["forget", "10001", "--warehouse", str(place / "wh")])
    assert forget.exit_code == 0, forget.output
    restored = invoke(place, "restore", str(archive), "--force")
    assert current_path(place / "wh") == place / "wh" / "snapshots" / f"{restored['snapshot']}.duckdb"
    assert not [path for path in (place / "wh").rglob("*") if path.is_file() and b"andermoor" in path.read_bytes()]
    erased = read_erased(place / "wh")
    assert erased is not None
    assert erased.is_finished
    invoke(place, "build")


def test_a_restore_that_is_cut_short_before_it_erased_again_publishes_nobody_who_was_erased(
    installed: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shutil.copytree(installed, tmp_path / "later")
    monkeypatch.setenv("UPBOARD_USERS", str(place / "users.toml"))
    forget = CliRunner().invoke(app, ["forget", "10001", "--warehouse", str(place / "wh")])
    assert forget.exit_code == 0, forget.output
    before = current_path(place / "wh")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("loaders.forget._renew_serving", fail)
        assert "cannot be written" in invoke(place, "restore", str(archive), "--force", status=1)["error"]
    assert current_path(place / "wh") == before
    assert "cut short" in invoke(place, "build", status=1)["error"]
    resumed = CliRunner().invoke(app, ["forget", "--resume", "--warehouse", str(place / "wh")])
    assert resumed.exit_code == 0, resumed.output
    assert not [path for path in (place / "wh").rglob("*") if path.is_file() and b"andermoor" in path.read_bytes()]


def test_old_backups_of_a_folder_are_removed_and_nothing_else(installed: Path, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"upboard-2026010{day}T020000Z.tar.gz").touch()
    (tmp_path / "mine.tar.gz").touch()
    told = invoke(installed, "backup", "--into", str(tmp_path), "--keep", "2")
    assert [Path(path).name for path in told["removed"]] == [
        "upboard-20260101T020000Z.tar.gz",
        "upboard-20260102T020000Z.tar.gz",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.tar.gz",
        "upboard-20260103T020000Z.tar.gz",
        Path(told["file"]).name,
    }
    assert prune_backups(tmp_path, 5) == []


def test_a_backup_of_nothing_or_to_nowhere_says_what_to_do(installed: Path, empty: Path) -> None:
    assert "Nothing was loaded" in invoke(empty, "backup", str(empty / "b.tar.gz"), status=1)["error"]
    assert "cannot be written" in invoke(installed, "backup", str(empty / "no" / "b.tar.gz"), status=1)["error"]
    assert "either a file" in invoke(installed, "backup", status=2)["error"]
    assert "There is no backup" in invoke(empty, "restore", str(empty / "none.tar.gz"), status=1)["error"]


def test_names_of_backups_sort_by_time() -> None:
    assert dated_name(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "upboard-20260102T030405Z.tar.gz"
