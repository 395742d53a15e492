"""Files made to harm a reader: a clear error in bounded time and memory. In full size: `make bench`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from loaders.errors import LoaderError
from loaders.read import Unread, read, read_each
from tests.benchmarks.hostile import FILES, SMALL, entity_bomb, tried


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_told_soon_and_in_little_memory(name: str) -> None:
    _, expected = FILES[name]
    said, seconds, megabytes = tried(name, SMALL)
    assert (expected or "1000 rows") in said
    assert seconds < 20
    assert megabytes < 300


def test_entities_are_never_expanded_and_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the till's code", encoding="utf-8")
    path = tmp_path / "lead.xml"
    path.write_text(
        f'<!DOCTYPE adf [<!ENTITY secret SYSTEM "{secret.as_uri()}">'
        '<!ENTITY % more SYSTEM "http://127.0.0.1:9/x"> %more;]>'
        "<adf><prospect><customer><contact><name>A &secret; B</name></contact></customer></prospect></adf>",
        encoding="utf-8",
    )
    (raw,) = read(path)
    assert raw.frame["customer name"].to_list() == ["A &secret; B"]


def test_an_entity_bomb_stays_the_letters_it_is_written_with(tmp_path: Path) -> None:
    path = tmp_path / "lead.xml"
    path.write_bytes(entity_bomb(0.001))
    (raw,) = read(path)
    assert set(raw.frame["customer name"]) == {"&lol9;"}


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"2,2024-03-02\n")


def write_over(path: Path) -> None:
    length, at = path.stat().st_size, path.stat().st_mtime_ns
    path.write_bytes(b"9" * length)
    os.utime(path, ns=(at, at + 1_000_000_000))  # a clock's steps may be longer than this test


def put_another_there(path: Path) -> None:
    other, at = path.with_suffix(".new"), path.stat().st_mtime_ns
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(at, at))
    other.replace(path)


@pytest.mark.parametrize("change", [grow, write_over, put_another_there])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"id,when\n" + b"1,2024-03-01\n" * 3)
    read_whole = Path.read_bytes

    def read_and_changed(of: Path) -> bytes:
        content = read_whole(of)
        monkeypatch.undo()
        change(of)
        return content

    monkeypatch.setattr(Path, "read_bytes", read_and_changed)
    (part,) = read_each(path)
    assert isinstance(part, Unread)
    assert part.error.message == f"{path} changed while it was read."


def test_what_is_no_plain_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(LoaderError, match="it is no file"):
        read(pipe)
