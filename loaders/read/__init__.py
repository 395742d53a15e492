"""Any file to raw frames: every cell as text, with the line it stands on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from loaders.errors import LoaderError
from loaders.read.grid import Grid, Known, Table, table_in
from loaders.read.spreadsheet import is_spreadsheet, sheets_of
from loaders.read.text import grid_of

__all__ = ["RawFrame", "read"]

_READABLE: Final = "Export it again as CSV or xlsx. CSV and text with a header row, Excel and OpenDocument can be read."


@dataclass(frozen=True)
class RawFrame:
    """One CSV file or one sheet, untouched but for finding its header.

    `frame`: every column is text (null where blank) under its header, except the last, `source_line` (Int64): the line
    of the file, or the row of the sheet, on which the record begins, counted from 1. `file`: the name as shown.
    `dropped`: lines that are no records (titles, totals), with the reason. `problems`: lines whose shape is wrong, with
    the rule they break.
    """

    path: Path
    file: str
    sheet: str | None
    content_hash: str
    frame: pl.DataFrame
    dropped: tuple[tuple[int, str], ...] = ()
    problems: tuple[tuple[int, str], ...] = ()


def read(path: Path, known: Callable[[Sequence[str]], int] | None = None) -> list[RawFrame]:
    """Read a file: one raw frame for a CSV file, one for each visible sheet that holds anything.

    `known` counts how many cells of a row are headers that somebody knows: the header is the row with the highest count
    among the first 30. Without it, or where nothing is known, the header is the first row that is not blank.

    Raises:
        LoaderError: The file is missing, empty, or of a kind that cannot be read.
    """
    content = _content(path)
    content_hash = hashlib.sha256(content).hexdigest()
    frames = [
        RawFrame(path, path.name, sheet, content_hash, table.frame, table.dropped, table.problems)
        for sheet, table in _tables(path, content, known or _no_headers)
    ]
    if not frames:
        raise LoaderError(
            f"{path} holds no rows.", "Export it again; an empty export often means a filter with no match."
        )
    return frames


def _no_headers(_: Sequence[str]) -> int:
    return 0


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise LoaderError(f"{path} does not exist.", "Check the spelling; a file or a folder is expected.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LoaderError(
            f"{path} cannot be read: {reason}.", "Check that it is a file and that you may read it."
        ) from error
    if not content.strip():
        raise LoaderError(f"{path} is empty.", "Export it again; a failed export often leaves an empty file.")
    return content


def _tables(path: Path, content: bytes, known: Known) -> Iterator[tuple[str | None, Table]]:
    for sheet, grid in _grids(path, content, known):
        table = table_in(grid, known)
        if table is not None:
            yield sheet, table


def _grids(path: Path, content: bytes, known: Known) -> Iterator[tuple[str | None, Grid]]:
    try:
        if is_spreadsheet(content):
            yield from sheets_of(content)
        else:
            yield None, grid_of(content, known)
    except ValueError as error:
        raise LoaderError(f"{path} cannot be read: {error}.", _READABLE) from error
