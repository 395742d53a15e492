"""Rows as files that people open elsewhere: CSV and Excel, each saying what it holds and as of when."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Final

import polars as pl
import xlsxwriter

# A spreadsheet skips blanks before a formula, and takes the wide signs of East Asian keyboards for the narrow ones.
_SIGNS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_RUNS_AS_FORMULA: Final = rf"^(?:\s*{_SIGNS}|[\t\r\n])"
# Where lists are parted by semicolons, a spreadsheet splits a cell there, and its second part could run.
_PART_THAT_RUNS: Final = rf"([;\t\r\n]\s*)({_SIGNS})"
_LINE_THAT_RUNS: Final = rf"([,;\t]\s*)({_SIGNS})"
_SHEET_ROWS: Final = 1_048_575


def neutralise(frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame with an apostrophe before each text that a spreadsheet would run as a formula.

    Only text can run; numbers and dates stay what they are. Column names are treated alike.
    """
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    safe = frame.with_columns(_safe_cells(name) for name in texts)
    return safe.rename({name: _safe(name) for name in frame.columns})


def _safe_cells(name: str) -> pl.Expr:
    cell = pl.col(name)
    return pl.when(cell.str.contains(_RUNS_AS_FORMULA)).then(pl.lit("'") + cell).otherwise(cell).alias(name)


def _safe(text: str) -> str:
    return f"'{text}" if re.match(_RUNS_AS_FORMULA, text) else text


def to_csv(frame: pl.DataFrame, about: Mapping[str, str]) -> bytes:
    """Comment lines that begin with `#`, then a header and the rows. UTF-8 with a mark, so that Excel reads accents."""
    lines = [re.sub(_LINE_THAT_RUNS, r"\1'\2", f"# {key}: {' '.join(value.split())}") for key, value in about.items()]
    safe = neutralise(frame).with_columns(pl.col(pl.String).str.replace_all(_PART_THAT_RUNS, "${1}'${2}"))
    text = safe.write_csv(datetime_format="%Y-%m-%d %H:%M")
    return ("\n".join(lines) + "\n" + text).encode("utf-8-sig")


def to_excel(frame: pl.DataFrame, about: Mapping[str, str]) -> bytes:
    """A workbook of two sheets: the rows, and what they are. Formulas and links are written as text."""
    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        neutralise(frame.head(_SHEET_ROWS)).write_excel(workbook, "Rows", autofit=True)
        sheet = workbook.add_worksheet("About")
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 100)
        for line, (key, value) in enumerate(about.items()):
            sheet.write_string(line, 0, key)
            sheet.write_string(line, 1, _safe(value))
    return buffer.getvalue()


def readable(frame: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    """Rows with their times as text to the minute, in the local time of each row's store; UTC where none is named."""
    moments = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    zone_of = dict(zones.select("store", "time_zone").iter_rows()) if "store" in frame.columns else {}
    return frame.with_columns(_local(name, zone_of) for name in moments)


def _local(name: str, zone_of: Mapping[str, str]) -> pl.Expr:
    text = pl.col(name).dt.strftime("%Y-%m-%d %H:%M")
    for store, zone in zone_of.items():
        local = pl.col(name).dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M")
        text = pl.when(pl.col("store") == store).then(local).otherwise(text)
    return text.alias(name)
