"""How far a workbook's cells reach, before it is opened: a reader sets memory aside for all between the first and last.

Two cells at the far corners of a sheet fit into five kilobytes and take more memory than any machine has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from loaders.read.archive import unpacked

# A full sheet of a million rows and 50 columns; more belongs into CSV.
MOST_CELLS: Final = 50_000_000
# Below this, gaps between cells do no harm.
FEW_CELLS: Final = 5_000_000
MOST_GAPS: Final = 50

_XLSX_SHEET: Final = re.compile(r"(?:^|/)sheet[^/]*\.xml$", re.IGNORECASE)
_XLSX_CELL: Final = re.compile(
    rb"""<(?:\w{1,20}:)?c\s(?:[^<>]{0,200}?\s)?r=["']([A-Z]{1,3})(\d{1,7})["'][^<>]{0,200}(?<!/)>"""
)
_ODS_CELL: Final = re.compile(rb"<table:(?:covered-)?table-cell\b([^<>]*+)>")
_REPEATED: Final = re.compile(rb'number-(?:columns|rows)-repeated="(\d{1,9})"')
_LONGEST_TAG: Final = 1_000


@dataclass
class _Reach:
    """The last row and column that hold a cell, and how many cells do; written while a sheet is scanned."""

    rows: int = 0
    columns: set[bytes] = field(default_factory=set)
    cells: int = 0

    def see(self, piece: bytes) -> None:
        found = _XLSX_CELL.findall(piece)
        if found:
            self.columns.update({column for column, _ in found})
            self.rows = max([self.rows, *(int(row) for _, row in found)])
            self.cells += len(found)

    @property
    def area(self) -> int:
        return self.rows * max(map(_column_number, self.columns), default=0)


def check_extent(content: bytes) -> None:
    """Look through a zipped workbook (xlsx, xlsm, xlsb, ods) for sheets that would fill the memory.

    Raises:
        ValueError: It is damaged, locked, unpacks to more than is taken, or its cells reach too far. The sheets of an
            xlsb are held against its unpacked size alone.
    """
    for name, chunks in unpacked(content):
        if _XLSX_SHEET.search(name):
            _check_xlsx(chunks)
        elif name == "content.xml":
            _check_ods(b"".join(chunks))
        else:
            for _ in chunks:
                pass


def _check_xlsx(chunks: Iterator[bytes]) -> None:
    reach, rest = _Reach(), b""
    for chunk in chunks:
        piece = rest + chunk
        end = piece.rfind(b"<", max(0, len(piece) - _LONGEST_TAG))
        reach.see(piece[:end] if end > 0 else piece)
        rest = piece[end:] if end > 0 else b""
        _check_area(reach.area, reach.cells)
    reach.see(rest)
    _check_area(reach.area, reach.cells)


def _check_ods(content: bytes) -> None:
    """An ods writes equal cells and rows once, with how often they repeat; blank ones count up to the last filled."""
    for sheet in content.split(b"<table:table ")[1:]:
        rows = cells = height = width = 0
        for row in sheet.split(b"<table:table-row")[1:]:
            times = _times(row.partition(b">")[0])
            reach, filled = _row_reach(row)
            rows += times
            height = rows if reach else height
            width = max(width, reach)
            cells += filled * times
        _check_area(height * width, cells)


def _row_reach(row: bytes) -> tuple[int, int]:
    """The last filled column of a row, and how many of its cells are filled."""
    at = reach = filled = 0
    for attributes in _ODS_CELL.findall(row):
        times = _times(attributes)
        at += times
        if b"value-type" in attributes:
            reach, filled = at, filled + times
    return reach, filled


def _times(attributes: bytes) -> int:
    found = _REPEATED.search(attributes)
    return int(found[1]) if found else 1


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_area(area: int, cells: int) -> None:
    if area > MOST_CELLS:
        raise ValueError(f"a sheet of it reaches over {area:,} cells, and at most {MOST_CELLS:,} are taken")
    if area > FEW_CELLS and area > MOST_GAPS * cells:
        raise ValueError(f"a sheet of it has {cells:,} cells strewn over {area:,}, as no export does")
