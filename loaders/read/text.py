"""CSV and its relatives to a grid: find the encoding and the delimiter, keep the line each record begins on."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Final

import polars as pl

from loaders.read.grid import HEADER_WITHIN, Grid, Known
from loaders.read.letters import encoding_note, guessed_encoding
from loaders.read.regular import regular_cells

DELIMITERS: Final = (",", ";", "\t", "|")
_BATCH: Final = 50_000
_SAMPLE: Final = 65_536
# Longer than any cell of a CRM: a cell beyond this is a quote that was never closed.
_LONGEST_CELL: Final = 1_000_000
# Wider than any export: what lies beyond is not kept, and a row that reaches there has too many cells anyway.
_WIDEST: Final = 1_000
_CONTROL: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}

Record = tuple[int, list[str]]


def grid_of(content: bytes, known: Known) -> Grid:
    """The cells of a delimited text file.

    The encoding is UTF-8, UTF-16 or Windows-1252; the delimiter is a comma, semicolon, tab or bar: the one with which
    most headers are known, else the one that gives most cells.

    Raises:
        ValueError: The bytes are no text, or a quotation mark is never closed.
    """
    encoding = _encoding(content)
    delimiter = _delimiter(content[:_SAMPLE], encoding, known)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        cells = _cells_at_once(content, encoding, delimiter)
        if cells is None:
            cells = _stacked(_batches(_records(content, encoding, delimiter)))
            if not cells.is_empty():
                _check_closed(content, encoding, delimiter, int(cells["source_line"][-1]))
        return Grid(cells, is_ruled=False, notes=encoding_note(encoding))
    except csv.Error as error:
        if '"' not in content[:_LONGEST_CELL].decode(encoding, errors="replace"):
            raise ValueError(f"it holds a cell of more than {_LONGEST_CELL:,} letters, so it is no table") from error
        raise ValueError(f"a quotation mark is never closed ({error})") from error


def _encoding(content: bytes) -> str:
    """How the bytes stand for letters: as their mark says, else as they look.

    Raises:
        ValueError: They are no letters.
    """
    sample = content[:_SAMPLE]
    if other := _other_kind(sample):
        raise ValueError(other)
    encoding = guessed_encoding(content)
    if not encoding.startswith("utf-16") and not encoding.startswith("utf-32"):
        if _is_binary(sample):
            raise ValueError("it is not a text file")
        if 0 in content:
            raise ValueError("it is a text file that is damaged: it holds NUL bytes")
    return encoding


def _other_kind(sample: bytes) -> str | None:
    """What the file is where it begins as something else than a table of text."""
    start = sample.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    kinds = {
        b"%pdf": "it is a PDF",
        b"<": "it is a web page or XML, whatever its name",
        b"par1": "it is a Parquet file",
    }
    return next((kind for mark, kind in kinds.items() if start.startswith(mark)), None)


def _is_binary(sample: bytes) -> bool:
    return 0 in sample or sum(byte in _CONTROL for byte in sample) > 0.05 * len(sample)


def _delimiter(sample: bytes, encoding: str, known: Known) -> str:
    """The delimiter with which most headers are known; ties go to the one that gives most cells, then to the comma."""

    def fitness(delimiter: str) -> tuple[int, int]:
        rows = [cells for _, cells in islice(_records(sample, encoding, delimiter), HEADER_WITHIN)]
        return max((known(row) for row in rows), default=0), sum(len(row) for row in rows)

    return max(DELIMITERS, key=fitness)


def _lines(content: bytes, encoding: str) -> io.TextIOWrapper:
    """The lines with their endings, decoded one by one; a byte that stands for no letter becomes a replacement mark."""
    return io.TextIOWrapper(io.BytesIO(content), encoding, errors="replace", newline="")


def _records(content: bytes, encoding: str, delimiter: str) -> Iterator[Record]:
    """Each record with the line that it begins on: a quoted cell may run over several lines."""
    reader = csv.reader(_lines(content, encoding), delimiter=delimiter)
    begins = 1
    for cells in reader:
        yield begins, cells
        begins = reader.line_num + 1


def _check_closed(content: bytes, encoding: str, delimiter: str, last: int) -> None:
    """Raise csv.Error where the last record ends inside a quotation: it would have swallowed the lines after it."""
    rest = islice(_lines(content, encoding), last - 1, None)
    try:
        list(csv.reader(rest, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise csv.Error(f"the one opened on line {last}") from error


def _cells_at_once(content: bytes, encoding: str, delimiter: str) -> pl.DataFrame | None:
    """The cells of a file that is regular below its titles, or None: what is ragged is read record by record."""
    text = _as_utf8(content, encoding)
    first = list(islice(_records(text[:_SAMPLE], "utf-8", delimiter), HEADER_WITHIN))
    if not first:
        return None
    at = max(range(len(first)), key=lambda number: len(first[number][1]))
    line = first[at][0]
    start = 0
    for _ in range(line - 1):
        start = text.find(b"\n", start) + 1
    below = regular_cells(text[start:] if start else text, delimiter, line)
    return below if below is None or at == 0 else _stacked(iter([*_batches(iter(first[:at])), below]))


def _as_utf8(content: bytes, encoding: str) -> bytes:
    if encoding == "utf-8":
        return content
    if encoding == "utf-8-sig":
        return content.removeprefix(codecs.BOM_UTF8)
    return content.decode(encoding, errors="replace").encode()


def _batches(records: Iterator[Record]) -> Iterator[pl.DataFrame]:
    """Frames of many records each, so that a large file never stands in memory as Python texts."""
    while batch := list(islice(records, _BATCH)):
        width = min(max(len(cells) for _, cells in batch), _WIDEST)
        padded = [
            cells if len(cells) == width else [*cells, *[""] * (width - len(cells))][:width] for _, cells in batch
        ]
        columns = dict(zip((f"c{n}" for n in range(width)), zip(*padded, strict=True), strict=True))
        yield pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(
            source_line=pl.Series([line for line, _ in batch], dtype=pl.Int64),
            cells=pl.Series([len(cells) for _, cells in batch], dtype=pl.Int64),
        )


def _stacked(batches: Iterator[pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"source_line": pl.Int64, "cells": pl.Int64})
    return pl.concat([*batches] or [empty], how="diagonal", rechunk=True)
