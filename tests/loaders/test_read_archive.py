"""Archives: each member a file of its own, read in memory, whatever it is called."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.read import RawFrame, Unread, read, read_each

LEADS = b"lead_id,created_at,store\n1,2024-03-01T09:30:00Z,Lakeside Motors\nX,,Lakeside Motors\n"


def _zip(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def _written(folder: Path, content: bytes, name: str = "export.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_the_members_of_a_zip_are_files_of_their_own(tmp_path: Path) -> None:
    path = _written(tmp_path, _zip(("a.csv", b"id\n1\n"), ("sub/b.json", b'[{"id": 2}]'), ("readme.pdf", b"%PDF")))
    first, second = read(path)
    assert (first.file, second.file) == ("export.bin/a.csv", "export.bin/sub/b.json")
    assert (first.frame["id"].to_list(), second.frame["id"].to_list()) == (["1"], ["2"])
    assert first.notes == ('"readme.pdf" left out: not a kind of file that is read',)
    assert first.content_hash != second.content_hash


def test_a_gzip_file_is_what_it_holds_with_the_same_hash(tmp_path: Path) -> None:
    (packed,) = read(_written(tmp_path, gzip.compress(b"id\n1\n"), "a.csv.gz"))
    (plain,) = read(_written(tmp_path, b"id\n1\n", "a.csv"))
    assert packed.file == "a.csv.gz"
    assert packed.frame.equals(plain.frame)
    assert packed.content_hash == plain.content_hash


@pytest.mark.parametrize("name", ["../../outside.csv", "/tmp/outside.csv", "C:\\outside.csv", "a\x1b[31m.csv"])
def test_the_name_of_a_member_decides_nothing(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    before = sorted(tmp_path.iterdir())
    (raw,) = read(_written(inner, _zip((name, b"id\n1\n"))))
    assert raw.frame["id"].to_list() == ["1"]
    assert "\x1b" not in raw.file
    assert sorted(tmp_path.iterdir()) == before
    assert list(inner.iterdir()) == [inner / "export.bin"]


def test_an_archive_in_an_archive_is_read_and_one_deeper_is_not(tmp_path: Path) -> None:
    once = _zip(("a.csv", b"id\n1\n"))
    (raw,) = read(_written(tmp_path, _zip(("once.zip", once))))
    assert raw.file == "export.bin/once.zip/a.csv"
    (part,) = read_each(_written(tmp_path, _zip(("twice.zip", _zip(("once.zip", once))))))
    assert isinstance(part, Unread)
    assert "archive inside an archive inside an archive" in part.error.message


def test_a_broken_member_does_not_hide_the_others(tmp_path: Path) -> None:
    parts = read_each(_written(tmp_path, _zip(("bad.csv", b'id,x\n1,"open\n'), ("good.csv", b"id\n1\n"))))
    assert [type(part) for part in parts] == [Unread, RawFrame]
    assert "export.bin/bad.csv cannot be read: a quotation mark is never closed" in parts[0].error.message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-30], "damaged"),
        (lambda content: content.replace(b"lead_id,crea", b"lead_id,CREA", 1), "damaged"),
        (
            lambda content: content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
            "password",
        ),
    ],
)
def test_a_damaged_or_locked_archive_is_refused(tmp_path: Path, change: object, reason: str) -> None:
    content = change(_zip(("leads.csv", LEADS)))  # type: ignore[operator]
    (part,) = read_each(_written(tmp_path, content))
    assert isinstance(part, Unread)
    assert reason in part.error.message


def test_a_zip_without_a_file_to_read_says_so(tmp_path: Path) -> None:
    (part,) = read_each(_written(tmp_path, _zip(("readme.pdf", b"%PDF"))))
    assert isinstance(part, Unread)
    assert "without a file that can be read" in part.error.message


def test_a_zip_loads_and_its_rejects_name_the_member(tmp_path: Path) -> None:
    path = _written(tmp_path, _zip(("leads.csv", LEADS), ("notes.csv", b"a,b\n1,2\n")), "exports.zip")
    warehouse = ["--warehouse", str(tmp_path / "warehouse")]
    result = CliRunner().invoke(app, ["load", str(path), *warehouse, "--json"])
    assert result.exit_code == 0, result.output
    lead, notes = json.loads(result.stdout)["files"]
    assert (lead["path"], lead["tables"]["lead"]["accepted"], lead["tables"]["lead"]["rejected"]) == (
        f"{path}/leads.csv",
        1,
        1,
    )
    assert "No profile knows the headers" in notes["error"]
    told = CliRunner().invoke(app, ["rejects", *warehouse, "--json"])
    assert [row["source_file"] for row in json.loads(told.stdout)["rejects"]] == ["exports.zip/leads.csv"]
    again = CliRunner().invoke(app, ["load", str(path), *warehouse, "--json"])
    assert json.loads(again.stdout)["snapshot"] == json.loads(result.stdout)["snapshot"]


def test_a_folder_says_which_files_it_left_out(tmp_path: Path) -> None:
    for name in ("leads.csv", "contract.docx", ".hidden"):
        _written(tmp_path, LEADS, name)
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--json"])
    (entry,) = json.loads(result.stdout)["files"]
    assert entry["notes"] == [f"left out of {tmp_path}, not a kind of file that is read: contract.docx"]
