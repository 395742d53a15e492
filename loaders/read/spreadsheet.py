"""Workbooks to grids: every visible sheet, its dates and numbers as text that reads back to the same value."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import fastexcel
import polars as pl
import python_calamine

from loaders.read.grid import Grid, Span

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_MIDNIGHT: Final = " 00:00:00"
_MOMENT: Final = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"
_VISIBLE: Final = "visible"


def is_old_workbook(content: bytes) -> bool:
    """Whether the bytes begin as an xls workbook does, or as a locked one of any kind (both are OLE files)."""
    return content.startswith(_OLE)


def sheets_of(content: bytes, asked: Collection[str] = ()) -> list[tuple[str, Grid]]:
    """Each visible sheet that holds anything, with its name; with `asked`, those of these names, hidden or not.

    A day reads as 2024-03-01, a moment as 2024-03-01 09:30:00, a whole number without ".0", another to nine decimals.
    Cells give their value, not what they show: 27.42% is 0.2742. Hidden sheets left out are noted on the first.

    Raises:
        ValueError: The bytes are no workbook that can be opened, it has no sheet of an asked name, or all are hidden.
    """
    try:
        found, hidden = _sheets(content, frozenset(asked))
    except fastexcel.FastExcelError as error:
        if _LOCKED in content:
            raise ValueError("it is locked by a password; save it without one") from error
        reason = str(error).splitlines()[0]
        raise ValueError(f"it is not a workbook that can be opened ({reason})") from error
    notes = tuple(f'hidden sheet "{name}" left out; to read it: --sheet "{name}"' for name in hidden)
    if hidden and not found:
        raise ValueError(f"it has only hidden sheets ({notes[0]})")
    return [(name, replace(grid, notes=() if number else notes)) for number, (name, grid) in enumerate(found)]


def _sheets(content: bytes, asked: frozenset[str]) -> tuple[list[tuple[str, Grid]], list[str]]:
    """The sheets to read, and the names of the hidden ones that hold something."""
    book = fastexcel.read_excel(content)
    if missing := asked - set(book.sheet_names):
        raise ValueError(f'it has no sheet "{min(missing)}"; its sheets are {", ".join(book.sheet_names)}')
    found: list[tuple[str, Grid]] = []
    hidden: list[str] = []
    for name in book.sheet_names:
        sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        if sheet.height == 0 or (asked and name not in asked):
            continue
        if sheet.visible != _VISIBLE and not asked:
            hidden.append(name)
            continue
        found.append((name, Grid(_cells(sheet.to_polars()), is_ruled=True, merged=_merged(content, name))))
    return found, hidden


def _merged(content: bytes, name: str) -> Callable[[], Sequence[Span]]:
    """The merged cells of a sheet. The workbook is opened again for them, so only when the header asks, and once."""

    @cache
    def spans() -> tuple[Span, ...]:
        try:
            sheet = python_calamine.load_workbook(io.BytesIO(content)).get_sheet_by_name(name)
            found = sheet.merged_cell_ranges or []
        except python_calamine.CalamineError:
            return ()
        return tuple(Span(top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in found)

    return spans


def _cells(frame: pl.DataFrame) -> pl.DataFrame:
    cells = frame.rename({name: f"c{number}" for number, name in enumerate(frame.columns)})
    texts = pl.col(pl.String).str.replace_all("\x00", "", literal=True)
    cells = cells.with_columns(pl.when(texts.str.strip_chars() == "").then(None).otherwise(texts).name.keep())
    days = [name for name in cells.columns if _holds_only_days(cells[name])]
    return cells.with_columns(pl.col(days).str.strip_suffix(_MIDNIGHT)).with_columns(
        source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), cells=pl.lit(frame.width, pl.Int64)
    )


def _holds_only_days(column: pl.Series) -> bool:
    """A sheet stores a day as its midnight: where every date of a column is at midnight, they are days."""
    moments = column.filter(column.str.contains(_MOMENT).fill_null(value=False))
    return moments.len() > 0 and bool(moments.str.ends_with(_MIDNIGHT).all())
