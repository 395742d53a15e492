"""Workbooks to grids: every visible sheet, its dates and numbers as text that reads back to the same value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import fastexcel
import polars as pl

from loaders.read.grid import Grid

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_MIDNIGHT: Final = " 00:00:00"
_MOMENT: Final = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"


def is_spreadsheet(content: bytes) -> bool:
    """Whether the bytes begin as a workbook does (xlsx, xlsm, xlsb and ods are zip files, xls is an OLE file)."""
    return content.startswith((_ZIP, _OLE))


def sheets_of(content: bytes) -> Iterator[tuple[str, Grid]]:
    """Each visible sheet that holds anything, with its name; hidden sheets are left alone.

    A day reads as 2024-03-01, a moment as 2024-03-01 09:30:00, a whole number without ".0".

    Raises:
        ValueError: The bytes are no workbook that can be opened.
    """
    try:
        book = fastexcel.read_excel(content)
        for name in book.sheet_names:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.visible == "visible" and sheet.height > 0:
                yield name, Grid(_cells(sheet.to_polars()), is_ruled=True)
    except fastexcel.FastExcelError as error:
        if _LOCKED in content:
            raise ValueError("it is locked by a password; save it without one") from error
        reason = str(error).splitlines()[0]
        raise ValueError(f"it is not a workbook that can be opened ({reason})") from error


def _cells(frame: pl.DataFrame) -> pl.DataFrame:
    cells = frame.rename({name: f"c{number}" for number, name in enumerate(frame.columns)})
    texts = pl.col(pl.String)
    cells = cells.with_columns(pl.when(texts.str.strip_chars() == "").then(None).otherwise(texts).name.keep())
    days = [name for name in cells.columns if _holds_only_days(cells[name])]
    return cells.with_columns(pl.col(days).str.strip_suffix(_MIDNIGHT)).with_columns(
        source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), cells=pl.lit(frame.width, pl.Int64)
    )


def _holds_only_days(column: pl.Series) -> bool:
    """A sheet stores a day as its midnight: where every date of a column is at midnight, they are days."""
    moments = column.filter(column.str.contains(_MOMENT).fill_null(value=False))
    return moments.len() > 0 and bool(moments.str.ends_with(_MIDNIGHT).all())
