"""Text that is parsed at once says the same as text that is read record by record, or is left to the latter."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loaders.read import RawFrame, read_each
from loaders.read.regular import regular_cells

CELLS = st.text(alphabet="ab ,\"\n'é;", max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
)


def read_by_records(text: str) -> tuple[list[list[str | None]], list[int]]:
    """Cells and lines as the standard library reads them; blank cells are None."""
    reader = csv.reader(io.StringIO(text, newline=""))
    rows, lines, begins = [], [], 1
    for row in reader:
        rows.append([cell or None for cell in row])
        lines.append(begins)
        begins = reader.line_num + 1
    return rows, lines


def cells_of(parsed: pl.DataFrame) -> list[list[str | None]]:
    return [[cell or None for cell in row] for row in parsed.drop("source_line", "cells").rows()]


def written(table: list[list[str]], line_end: str, quoting: int) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    return text.getvalue()


@given(TABLES, st.sampled_from(("\n", "\r\n")), st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
@example([["a", "b"], ["x\ny", "2"], ["3", 'q"q']], "\n", csv.QUOTE_MINIMAL)
def test_a_table_parsed_at_once_has_the_cells_and_lines_of_one_read_by_records(
    table: list[list[str]], line_end: str, quoting: int
) -> None:
    text = written(table, line_end, quoting)
    cells = regular_cells(text.encode(), ",", 1)
    rows, lines = read_by_records(text)
    if cells is not None:
        full = [row + [None] * (cells.width - 2 - len(row)) for row in rows]
        assert cells_of(cells) == full
        assert cells["source_line"].to_list() == lines


@given(st.text(alphabet='ab,"\n\r', max_size=30))
def test_text_that_is_no_regular_table_is_left_to_the_reader_of_records(text: str) -> None:
    cells = regular_cells(text.encode(), ",", 1)
    if cells is not None:
        rows, _ = read_by_records(text)
        assert cells_of(cells) == [row + [None] * (cells.width - 2 - len(row)) for row in rows]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1\n2,3\n", "a row is short"),
        ("a,b\n1,2,3\n", "a row is long"),
        ('a,b\n1,"2\n3,4\n', "a quotation mark is never closed"),
        ("a,b\r1,2\n3,4\n", "lines end in two ways"),
    ],
)
def test_what_is_ragged_or_unclosed_is_not_parsed_at_once(text: str, why: str) -> None:
    assert regular_cells(text.encode(), ",", 1) is None, why


def test_a_plain_table_is_parsed_at_once() -> None:
    cells = regular_cells(b"a,b\n1,2\n\n3,\n", ",", 5)
    assert cells is not None
    assert cells.rows() == [("a", "b", 5, 2), ("1", "2", 6, 2), (None, None, 7, 2), ("3", None, 8, 2)]


@pytest.mark.parametrize("opening", ["x^2", "x^", "x"])
def test_a_text_that_begins_as_a_packed_one_is_a_text_all_the_same(tmp_path: Path, opening: str) -> None:
    """Polars unpacks what begins so, and a header may: found by 50,000 odd files."""
    path = tmp_path / "odd.csv"
    path.write_bytes(f"{opening},lead id\n1,2\n3,4\n".encode())
    (part,) = read_each(path)
    assert isinstance(part, RawFrame)
    assert part.frame["lead id"].to_list() == ["2", "4"]
