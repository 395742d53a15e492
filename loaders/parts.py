"""What happens to a table before its rows are read: lines set aside, a period from above it, one part per figure.

A report that puts many figures side by side (one column per measure, or one per month) is read part by part, each part
as if the file held that figure alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from loaders.columns import Rows, cells_of, passes
from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.headers import known_headers, month_of, resolved_headers
from loaders.profile import Column, FileBlock
from loaders.read import RawFrame
from loaders.values import date_orders, filled, parse_days

NO_FIGURE: Final = "row without any figure"
Period = tuple[date, date]
Lines = tuple[tuple[int, str], ...]

_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY: Final = (
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}"
    rf"|{_MONTH}\s+\d{{1,2}},?\s+\d{{4}}|\d{{1,2}}\.?\s+{_MONTH}\s+\d{{4}}"
)
_RANGE: Final = re.compile(
    rf"(?<!\d)({_DAY})\s*(?:-|\u2013|\u2014|\bto\b|\bthrough\b|\bthru\b)\s*({_DAY})(?!\d)", re.IGNORECASE
)
_NAMED_DAY: Final = ("%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y")


@dataclass(frozen=True)
class Part:
    """A block as it reads one figure of every row: `needs` is our column that must be filled (none: every row)."""

    block: FileBlock
    needs: str | None = None


def parts_of(block: FileBlock, headers: Sequence[str]) -> list[Part]:
    """The block itself, or one part per measure or month that the file has."""
    if block.measures:
        present = resolved_headers(headers)
        found = [name for name, column in block.measures.items() if known_headers(column.headers, present)]
        return [_measure(block, name) for name in found] or [Part(block, "value")]
    if block.months_across:
        return [_month(block, header, month) for header in headers if (month := month_of(header))]
    return [Part(block)]


def rows_of(rows: Rows, part: Part) -> Rows:
    """The rows that have the part's figure."""
    own = replace(rows, block=part.block)
    if part.needs is None:
        return own
    column = part.block.columns.get(part.needs)
    return kept(own, filled(cells_of(own, column) if column else own.blank()).is_not_null())


def kept(rows: Rows, mask: pl.Series) -> Rows:
    """The rows where the mask says yes."""
    return replace(rows, cells=rows.cells.filter(mask), ids=rows.ids.filter(mask), lines=rows.lines.filter(mask))


def without_aside(rows: Rows) -> tuple[Rows, Lines]:
    """The rows that are records, and the lines that the profile says are none, with its reason."""
    aside: list[tuple[int, str]] = []
    for reason, test in rows.block.aside.items():
        hit = passes(rows, test)
        aside += [(line, reason) for line in rows.lines.filter(hit)]
        rows = kept(rows, ~hit)
    return rows, tuple(aside)


def with_period(raw: RawFrame, block: FileBlock, chosen: Period | None) -> FileBlock:
    """The block with the period of its figures: a column's, else the one its title states, else the one chosen.

    Raises:
        LoaderError: Nothing says which period the figures are for.
    """
    if not _lacks_period(block, raw.frame.columns):
        return block
    period = _stated(raw.titles, block.date_format) or chosen
    if period is None:
        how = "Say it: --period 2026-03-01:2026-03-31 (first and last day)"
        hint = f"{how}; or {block.hint}" if block.hint else f"{how}; or export with the date range above the table."
        raise LoaderError(f"{raw.file} does not say which period its figures are for.", hint)
    days = {"period_start": period[0].isoformat(), "period_end": period[1].isoformat()}
    return block.model_copy(update={"constants": block.constants | days})


def _measure(block: FileBlock, name: str) -> Part:
    columns = block.columns | {"value": block.measures[name]}
    constants = block.constants | {"measure": name}
    return Part(block.model_copy(update={"measures": {}, "columns": columns, "constants": constants}), "value")


def _month(block: FileBlock, header: str, month: str) -> Part:
    name = str(block.months_across)
    columns = block.columns | {name: Column(column=(header,))}
    constants = block.constants | {"period_start": month, "period_end": month}
    update = {"months_across": None, "columns": columns, "constants": constants}
    return Part(block.model_copy(update=update), name)


def _lacks_period(block: FileBlock, headers: Sequence[str]) -> bool:
    has_period = "period_start" in TABLES[block.table].column_names()
    if not has_period or block.months_across or "period_start" in block.constants:
        return False
    column = block.columns.get("period_start")
    return column is None or not known_headers(column.headers, resolved_headers(headers))


def _stated(titles: Iterable[str], formats: Sequence[str]) -> Period | None:
    """The one period that the rows above the header state; None where they state none, or two different ones."""
    found = {period for title in titles for period in _periods_in(title, formats)}
    return found.pop() if len(found) == 1 else None


def _periods_in(title: str, formats: Sequence[str]) -> Iterator[Period]:
    for first, last in _RANGE.findall(title):
        start, end = _days((first, last), formats)
        if start and end and start <= end:
            yield start, end


def _days(texts: Sequence[str], formats: Sequence[str]) -> list[date | None]:
    """Both days; null where they could be read in two orders. "auto" reads them as the two of them prove."""
    cells = pl.Series([re.sub(r"[.,]?\s+", " ", text) for text in texts], dtype=pl.String)
    orders = date_orders([cells]) - {"unproved"}
    proved = tuple(orders) if len(orders) == 1 else ()
    known = tuple(form for form in formats if form in ("mdy", "dmy"))
    zones = pl.Series(["UTC"]).new_from_index(0, cells.len())
    days = parse_days(cells, zones, zones, ("iso", *(known or proved), *_NAMED_DAY), is_end=False)
    return days.values.to_list()
