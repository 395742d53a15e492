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

DELIMITERS: Final = (",", ";", "\t", "|")
_BATCH: Final = 50_000
_SAMPLE: Final = 65_536
# Longer than any cell of a CRM: a cell beyond this is a quote that was never closed.
_LONGEST_CELL: Final = 1_000_000
_CONTROL: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}

Record = tuple[int, list[str]]


def grid_of(content: bytes, known: Known) -> Grid:
    """The cells of a delimited text file.

    The encoding is UTF-8, UTF-16 or Windows-1252; the delimiter is a comma, semicolon, tab or bar: the one with which
    most headers are known, else the one that gives most cells.

    Raises:
        ValueError: The bytes are no text, or a quotation mark is never closed.
    """
    text = _text_of(content)
    delimiter = _delimiter(text, known)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        cells = _stacked(_batches(_records(text, delimiter)))
        _check_closed(text, delimiter, int(cells["source_line"][-1]))
        return Grid(cells, is_ruled=False)
    except csv.Error as error:
        raise ValueError(f"a quotation mark is never closed ({error})") from error


def _text_of(content: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if wide := _wide_encoding(content[:_SAMPLE]):
        return content.decode(wide, errors="replace")
    if _is_binary(content[:_SAMPLE]):
        raise ValueError("it is not a text file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without a mark: in plain text every other byte is zero."""
    half = len(sample) // 2
    if half < 2:
        return None
    if sample[1::2].count(0) > 0.7 * half and sample[0::2].count(0) == 0:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * half and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def _is_binary(sample: bytes) -> bool:
    return 0 in sample or sum(byte in _CONTROL for byte in sample) > 0.05 * len(sample)


def _delimiter(text: str, known: Known) -> str:
    """The delimiter with which most headers are known; ties go to the one that gives most cells, then to the comma."""

    def fitness(delimiter: str) -> tuple[int, int]:
        rows = [cells for _, cells in islice(_records(text[:_SAMPLE], delimiter), HEADER_WITHIN)]
        return max((known(row) for row in rows), default=0), sum(len(row) for row in rows)

    return max(DELIMITERS, key=fitness)


def _records(text: str, delimiter: str) -> Iterator[Record]:
    """Each record with the line that it begins on: a quoted cell may run over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    for cells in reader:
        yield begins, cells
        begins = reader.line_num + 1


def _check_closed(text: str, delimiter: str, last: int) -> None:
    """Raise csv.Error where the last record ends inside a quotation: it would have swallowed the lines after it."""
    lines = list(islice(io.StringIO(text, newline=""), last - 1, None))
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise csv.Error(f"the one opened on line {last}") from error


def _batches(records: Iterator[Record]) -> Iterator[pl.DataFrame]:
    """Frames of many records each, so that a large file never stands in memory as Python texts."""
    while batch := list(islice(records, _BATCH)):
        width = max(len(cells) for _, cells in batch)
        padded = [cells if len(cells) == width else [*cells, *[""] * (width - len(cells))] for _, cells in batch]
        columns = dict(zip((f"c{n}" for n in range(width)), zip(*padded, strict=True), strict=True))
        yield pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_columns(
            source_line=pl.Series([line for line, _ in batch], dtype=pl.Int64),
            cells=pl.Series([len(cells) for _, cells in batch], dtype=pl.Int64),
        )


def _stacked(batches: Iterator[pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"source_line": pl.Int64, "cells": pl.Int64})
    stacked = pl.concat([*batches] or [empty], how="diagonal")
    texts = pl.col(pl.String)
    blank = texts.str.strip_chars() == ""
    return stacked.with_columns(pl.when(blank).then(None).otherwise(texts).name.keep())
