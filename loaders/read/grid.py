"""A grid of cells to a table: find the header under the titles, set the totals aside, name the columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

Known = Callable[[Sequence[str]], int]

HEADER_WITHIN: Final = 30
TOO_MANY_CELLS: Final = "row has more cells than the header"
_TOTAL_WORDS: Final = (
    "total",
    "totals",
    "grand total",
    "grand totals",
    "report total",
    "report totals",
    "sum",
    "overall",
)
_NUMERIC: Final = r"^[-+(]?\s*\p{Sc}?\s*[-+(]?\d[\d.,'\s]*\s*%?\)?$"


@dataclass(frozen=True)
class Grid:
    """Rows of text cells (`c0`, `c1`, ...; null where blank), their `source_line`, and how many `cells` each had."""

    cells: pl.DataFrame
    is_ruled: bool  # a sheet, where every row has every column, so that no row can have too many cells


@dataclass(frozen=True)
class Table:
    """The records below the header (see RawFrame)."""

    frame: pl.DataFrame
    dropped: tuple[tuple[int, str], ...]
    problems: tuple[tuple[int, str], ...]


def table_in(grid: Grid, known: Known) -> Table | None:
    """The table in a grid, or None where every cell is blank."""
    names = [name for name in grid.cells.columns if name.startswith("c") and name != "cells"]
    rows = grid.cells.filter(pl.any_horizontal(pl.col(names).is_not_null())) if names else grid.cells.clear()
    if rows.is_empty():
        return None
    at = _header_row(rows.select(names), known)
    header = rows.row(at, named=True)
    width = len(names) if grid.is_ruled else int(header["cells"])
    kept = names[:width]
    body, dropped = _without_totals(rows[at + 1 :], kept)
    titles = tuple((line, "title above the header") for line in rows["source_line"][:at])
    headers = _unique([header[name] for name in kept])
    frame = body.select(*(pl.col(name).alias(head) for name, head in zip(kept, headers, strict=True)), "source_line")
    return Table(frame, titles + dropped, _too_long(body, names[width:]))


def _header_row(cells: pl.DataFrame, known: Known) -> int:
    """Which row is the header: the one with the most known headers among the first rows, else the first."""
    counts = [known([cell for cell in row if cell is not None]) for row in cells.head(HEADER_WITHIN).iter_rows()]
    return counts.index(max(counts))


def _unique(headers: Sequence[str | None]) -> list[str]:
    """Header names stripped; an empty one is "column N", the second of a name gets " (2)"."""
    seen: dict[str, int] = {"source_line": 0}
    names: list[str] = []
    for number, header in enumerate(headers, start=1):
        name = " ".join((header or "").split()) or f"column {number}"
        unique, times = name, seen.get(name, 0) + 1
        while unique in seen:
            unique, times = f"{name} ({times})" if times > 1 else f"{name} (2)", times + 1
        seen[name] = max(seen.get(name, 0), 1) if unique != name else 1
        seen.setdefault(unique, 1)
        names.append(unique)
    return names


def _without_totals(body: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, tuple[tuple[int, str], ...]]:
    """The records, and the totals among them: rows named so; at either end, numbers behind an empty first cell."""
    first, rest = pl.col(names[0]), [pl.col(name) for name in names[1:]]
    lead = pl.coalesce(pl.col(name) for name in names)
    is_named = lead.str.to_lowercase().str.strip_chars(" :*=-").is_in(_TOTAL_WORDS)
    numbers = [column.is_null() | column.str.contains(_NUMERIC) for column in rest] or [pl.lit(value=False)]
    is_bare = first.is_null() & lead.is_not_null() & pl.all_horizontal(numbers)
    is_edge = pl.int_range(pl.len()).is_in([0]) | (pl.int_range(pl.len()) == pl.len() - 1)
    is_total = (is_named | (is_bare & is_edge)).fill_null(value=False)
    marked = body.with_columns(is_total=is_total)
    totals = marked.filter("is_total")["source_line"]
    return marked.filter(~pl.col("is_total")).drop("is_total"), tuple((line, "totals row") for line in totals)


def _too_long(body: pl.DataFrame, beyond: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """The lines with something in a cell beyond the header."""
    if not beyond:
        return ()
    long = body.filter(pl.any_horizontal(pl.col(beyond).is_not_null()))["source_line"]
    return tuple((line, TOO_MANY_CELLS) for line in long)
