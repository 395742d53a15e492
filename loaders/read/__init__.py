"""Any file to raw frames: every cell as text, with the line it stands on.

What a file is, its content says and not its name. An archive is read in memory; its members are files of their own,
shown as `exports.zip/leads.csv`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from loaders.errors import LoaderError
from loaders.read.adf import adf_table, is_mail, is_markup, is_text_with_adf
from loaders.read.archive import DEEPEST, is_gzip, is_zip, is_zipped_workbook, members_of
from loaders.read.extent import check_extent
from loaders.read.grid import Grid, Known, Table, table_in
from loaders.read.letters import known_encoding
from loaders.read.spreadsheet import is_old_workbook, sheets_of
from loaders.read.structured import is_json, is_parquet, json_tables, parquet_table
from loaders.read.text import grid_of

__all__ = ["SUFFIXES", "RawFrame", "Reading", "Unread", "read", "read_each"]

# Files of these names are taken from a folder or an archive; a file that is named itself is read whatever its name.
SUFFIXES: Final = (
    *(".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    *(".parquet", ".json", ".ndjson", ".jsonl", ".xml", ".adf", ".eml", ".gz", ".zip"),
)
# A header of a thousand long names is a tenth of this.
LONGEST_LINE: Final = 4_000_000
_READABLE: Final = (
    "Export it again as CSV or xlsx. Text with a header row, Excel, OpenDocument, Parquet, JSON, ADF and e-mails with "
    "ADF can be read, also inside .zip and .gz."
)


@dataclass(frozen=True)
class RawFrame:
    """One CSV file or one sheet, untouched but for finding its header.

    `frame`: every column is text (null where blank) under its header, except the last, `source_line` (Int64): the line
    of the file, or the row of the sheet, on which the record begins, counted from 1. `file`: the name as shown.
    `dropped`: lines that are no records (titles, totals), with the reason. `problems`: lines whose shape is wrong, with
    the rule they break. `titles`: the text of each title row above the header. `notes`: what the reader wants said.
    """

    path: Path
    file: str
    sheet: str | None
    content_hash: str
    frame: pl.DataFrame
    dropped: tuple[tuple[int, str], ...] = ()
    problems: tuple[tuple[int, str], ...] = ()
    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    """A file, or a member of an archive, that could not be read, and why."""

    file: str
    error: LoaderError


@dataclass(frozen=True)
class Reading:
    """What a person decided about reading: the encoding of text, and the sheets of a workbook (hidden ones too)."""

    encoding: str | None = None
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """Bytes with the name they are shown by, and how many archives they lay in."""

    name: str
    content: bytes
    depth: int = 0


def read(path: Path, known: Callable[[Sequence[str]], int] | None = None) -> list[RawFrame]:
    """Read a file: one raw frame for a CSV file, one for each visible sheet and archive member that holds anything.

    `known` counts how many cells of a row are headers that somebody knows: the header is the row with the highest count
    among the first 30. Without it, or where nothing is known, it is the first row that is no title.

    Raises:
        LoaderError: The file is missing, empty, or of a kind that cannot be read.
    """
    found = read_each(path, known)
    frames = [part for part in found if isinstance(part, RawFrame)]
    if not frames:
        raise next(part.error for part in found if isinstance(part, Unread))
    return frames


def read_each(
    path: Path, known: Callable[[Sequence[str]], int] | None = None, reading: Reading | None = None
) -> list[RawFrame | Unread]:
    """The same, with every part that could not be read standing beside those that could."""
    try:
        content = _content(path)
        return list(_parts(path, _File(path.name, content), known or _no_headers, reading or Reading()))
    except LoaderError as error:
        return [Unread(path.name, error)]


def _no_headers(_: Sequence[str]) -> int:
    return 0


def _content(path: Path) -> bytes:
    """The bytes of a file that stays as it is while it is read."""
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            raise LoaderError(f"{path} cannot be read: it is no file.", "Name a file, or a folder of exports.")
        content = path.read_bytes()
        after = path.stat()
    except FileNotFoundError as error:
        raise LoaderError(f"{path} does not exist.", "Check the spelling; a file or a folder is expected.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LoaderError(
            f"{path} cannot be read: {reason}.", "Check that it is a file and that you may read it."
        ) from error
    if _state(before) != _state(after) or len(content) != after.st_size:
        raise LoaderError(
            f"{path} changed while it was read.", "Wait until the export is complete, then load it again."
        )
    if not content.strip():
        raise LoaderError(f"{path} is empty.", "Export it again; a failed export often leaves an empty file.")
    return content


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _parts(path: Path, file: _File, known: Known, reading: Reading) -> Iterator[RawFrame | Unread]:
    """The raw frames of a file, or of every member of an archive."""
    try:
        if is_gzip(file.content) or (is_zip(file.content) and not is_zipped_workbook(file.content)):
            yield from _members(path, file, known, reading)
        else:
            yield from _frames(path, file, known, reading)
    except ValueError as error:
        yield Unread(file.name, LoaderError(f"{path.parent / file.name} cannot be read: {error}.", _READABLE))
    except BaseException as error:
        if not _is_damage(error):
            raise
        reason = f"it is damaged ({type(error).__name__})"
        yield Unread(file.name, LoaderError(f"{path.parent / file.name} cannot be read: {reason}.", _READABLE))


def _is_damage(error: BaseException) -> bool:
    """Whether a reader's library gave up on the file. One that panics says so with no Exception at all."""
    return isinstance(error, pl.exceptions.PolarsError) or type(error).__name__ == "PanicException"


def _members(path: Path, file: _File, known: Known, reading: Reading) -> Iterator[RawFrame | Unread]:
    """The frames of an archive's members; members of other kinds are left out, and said so on the first frame."""
    if file.depth >= DEEPEST:
        raise ValueError("it is an archive inside an archive inside an archive")
    left_out: list[str] = []
    found: list[RawFrame | Unread] = []
    for member in members_of(file.content):
        name = f"{file.name}/{_shown(member.name)}" if member.name else file.name
        if not member.name or _is_taken(member.name):
            found += _parts(path, _File(name, member.content, file.depth + 1), known, reading)
        else:
            left_out.append(f'"{_shown(member.name)}" left out: not a kind of file that is read')
    if not found:
        raise ValueError("it is an archive without a file that can be read")
    yield from _noted(found, tuple(left_out))


def _is_taken(name: str) -> bool:
    """Whether a member is an export by its name; what a Mac adds on its own is none."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return name.lower().endswith(SUFFIXES) and "__MACOSX" not in parts and not parts[-1].startswith("._")


def _shown(name: str) -> str:
    """A member's name without what would garble a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)[:200]


def _noted(found: Sequence[RawFrame | Unread], notes: tuple[str, ...]) -> Iterator[RawFrame | Unread]:
    for part in found:
        if isinstance(part, RawFrame) and notes:
            yield replace(part, notes=part.notes + notes)
            notes = ()
        else:
            yield part


def _frames(path: Path, file: _File, known: Known, reading: Reading) -> Iterator[RawFrame]:
    content_hash = hashlib.sha256(file.content).hexdigest()
    is_empty = True
    for sheet, table in _tables(file.content, known, reading):
        is_empty = False
        yield RawFrame(
            path=path,
            file=file.name,
            sheet=sheet,
            content_hash=content_hash,
            frame=table.frame,
            dropped=table.dropped,
            problems=table.problems,
            titles=table.titles,
            notes=table.notes,
        )
    if is_empty:
        raise LoaderError(
            f"{path.parent / file.name} holds no rows.",
            "Export it again; an empty export often means a filter with no match.",
        )


def _tables(content: bytes, known: Known, reading: Reading) -> Iterator[tuple[str | None, Table]]:
    """Each table in a file that is no archive, with the name of its sheet."""
    if not content.strip():
        return
    if is_parquet(content):
        yield None, parquet_table(content)
    elif is_json(content):
        yield from json_tables(content, reading.encoding)
    elif is_zip(content) or is_old_workbook(content):
        yield from _sheet_tables(content, known, reading)
    elif is_mail(content) or is_markup(content) or is_text_with_adf(content, known):
        yield None, adf_table(content, reading.encoding)
    elif (table := table_in(_text_grid(content, known, reading), known)) is not None:
        yield None, table


def _sheet_tables(content: bytes, known: Known, reading: Reading) -> Iterator[tuple[str, Table]]:
    if is_zip(content):
        check_extent(content)
    notes: tuple[str, ...] = ()
    for sheet, grid in sheets_of(content, reading.sheets):
        table = table_in(grid, known)
        notes += grid.notes
        if table is not None:
            yield sheet, replace(table, notes=notes)
            notes = ()


def _text_grid(content: bytes, known: Known, reading: Reading) -> Grid:
    """The cells of delimited text; in an encoding that somebody named, its letters are written anew first."""
    _check_lines(content)
    if reading.encoding is None:
        return grid_of(content, known)
    letters = content.decode(known_encoding(reading.encoding), errors="replace")
    grid = grid_of(letters.removeprefix("\ufeff").encode(), known)
    return replace(grid, notes=(*grid.notes, f"read as {reading.encoding}, as asked"))


def _check_lines(content: bytes) -> None:
    """Refuse a line that no table has, before anything looks for cells in it.

    A line of twice this length covers one of the windows whole; a shorter one may pass.
    """
    for start in range(0, len(content) - LONGEST_LINE, LONGEST_LINE):
        if all(content.find(end, start, start + LONGEST_LINE) < 0 for end in (b"\n", b"\r")):
            raise ValueError(f"it has a line of more than {LONGEST_LINE // 1_000_000} MB, so it is no table")
