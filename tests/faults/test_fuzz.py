"""No file makes a reader raise anything but our own error, and each row read is accepted or refused.

The full form, with a hundred thousand files, is in `make bench`.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.fuzz import KINDS, blocks, case, check_read, check_taken_in, rows_for
from tests.loaders.exports import conform_text

LETTERS = st.sampled_from(
    ['"', ",", ";", "\t", "|", "\n", "\r", "\r\n", " ", "a", "1", "lead_id", "é", "\x00", "\ufeff"]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in memory, where there is one: the files are many and small."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=memory)) if memory.is_dir() else tmp_path


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=60) | st.lists(LETTERS, max_size=40).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_are_rows_or_a_clear_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "any.csv"
        path.write_bytes(content)
        check_read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_file_of_every_kind_is_rows_or_a_clear_error(folder: Path, kind: str) -> None:
    readable = 0
    for seed in range(60):
        name, content = case(kind, seed)
        (folder / name).write_bytes(content)
        readable += check_read(folder / name)
    assert 0 < readable < 60, "drawn too well or too badly to try both"


def test_rows_of_odd_cells_are_accepted_or_refused_under_every_profile(folder: Path) -> None:
    counts: Counter[str] = Counter()
    for profile, block in blocks():
        (folder / "odd.csv").write_bytes(rows_for(block, seed=1, count=8))
        counts += check_taken_in(folder / "odd.csv", profile.name)
    assert counts["read"] == counts["accepted"] + counts["refused"]
    assert min(counts["accepted"], counts["refused"]) > 100, counts


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\n\x00"])
def test_a_file_of_nothing_but_its_encoding_mark_holds_no_rows(folder: Path, content: bytes) -> None:
    (folder / "mark.csv").write_bytes(content)
    assert not check_read(folder / "mark.csv")


def test_a_member_of_an_archive_without_a_name_is_read_or_told(folder: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("nothing.csv", "lead_id,created_at\n1,2025-03-01T10:00\n")
    (folder / "leads.zip").write_bytes(packed.getvalue().replace(b"nothing.csv", b"\x00othing.csv"))
    check_read(folder / "leads.zip")


def test_a_store_of_control_characters_is_no_store(folder: Path) -> None:
    conformed = conform_text(folder, "lead_id,created_at,store\n1,2025-03-01T10:00,\x1f\n2,2025-03-01T10:00,Elm\n")
    assert conformed.rejects["rule"].to_list() == ["store is missing"]
    assert conformed.good["lead_id"].to_list() == ["2"]
