"""A grid of cells to a table: find the header under the titles, set the totals aside, name the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

Known = Callable[[Sequence[str]], int]

HEADER_WITHIN: Final = 30
_MOST_GROUPS: Final = 2  # rows of groups above a header
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
_TOTAL_STEMS: Final = ("total", "sum", "overall")
_NUMERIC: Final = r"^[-+(]?\s*\p{Sc}?\s*[-+(]?\d[\d.,'\s]*\s*%?\)?$"


@dataclass(frozen=True)
class Span:
    """Cells of a sheet merged into one: lines counted from 1, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Grid:
    """Rows of text cells (`c0`, `c1`, ...; null where blank), their `source_line`, and how many `cells` each had."""

    cells: pl.DataFrame
    is_ruled: bool  # a sheet, where every row has every column, so that no row can have too many cells
    notes: tuple[str, ...] = ()
    merged: Callable[[], Sequence[Span]] = lambda: ()  # asked only where the header's shape raises the question


@dataclass(frozen=True)
class Table:
    """The records below the header (see RawFrame)."""

    frame: pl.DataFrame
    dropped: tuple[tuple[int, str], ...]
    problems: tuple[tuple[int, str], ...]
    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def table_in(grid: Grid, known: Known) -> Table | None:
    """The table in a grid, or None where every cell is blank."""
    names = [name for name in grid.cells.columns if name.startswith("c") and name != "cells"]
    cells = _stripped(grid.cells, names)
    rows = cells.filter(pl.any_horizontal(pl.col(names).is_not_null())) if names else cells.clear()
    if rows.is_empty():
        return None
    header = _header(rows, names, grid, known)
    width = len(names) if grid.is_ruled else header.width
    if width > len(names):
        raise ValueError(f"its header has {width:,} cells, and at most {len(names):,} columns are read")
    below = rows[header.last + 1 :]
    kept = [(name, head) for name, head in zip(names[:width], header.names, strict=False) if head or _any(below, name)]
    body, totals = _without_totals(below, [name for name, _ in kept], names[width:])
    body, footnotes = _without_footnotes(body, [name for name, _ in kept])
    above = rows[: header.first]
    titled = tuple((line, "title above the header") for line in above["source_line"])
    titles = tuple(" ".join(cell for cell in row if cell) for row in above.select(names).iter_rows())
    heads = zip((name for name, _ in kept), _headers_of(kept), strict=True)
    frame = body.select(*(pl.col(name).alias(head) for name, head in heads), "source_line")
    return Table(frame, titled + totals + footnotes, _too_long(body, names[width:]), titles, grid.notes)


def _any(rows: pl.DataFrame, name: str) -> bool:
    return rows[name].null_count() < rows.height


def _headers_of(kept: Sequence[tuple[str, str | None]]) -> list[str]:
    """Unique headers; a column without one is called by its place in the file."""
    return unique_headers([head or f"column {int(name[1:]) + 1}" for name, head in kept])


def _stripped(cells: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same cells without the blanks around them; null where nothing is left."""
    stripped = cells.with_columns(pl.col(names).str.strip_chars())
    emptied = [name for name in names if (stripped[name].str.len_bytes() == 0).any()]
    if not emptied:
        return stripped
    return stripped.with_columns(pl.when(pl.col(emptied) != "").then(pl.col(emptied)).name.keep())


@dataclass(frozen=True)
class _Header:
    """Which rows (counted among those that are not blank) the header takes up, and what it says over each column."""

    first: int
    last: int
    names: list[str | None]
    width: int


def _header(rows: pl.DataFrame, names: Sequence[str], grid: Grid, known: Known) -> _Header:
    """The header: one row, or several where cells are merged downwards or a row of groups stands above.

    It is the row with most known headers among the first. Groups are joined ("Customer Name") unless the plain row is
    known better.
    """
    top = rows.head(HEADER_WITHIN)
    at = _header_row(top.select(names), known)
    plain = _Header(at, at, list(top.select(names).row(at)), int(top["cells"][at]))
    if not _may_have_groups(top, names, at):
        return plain
    spans = grid.merged()
    joined = [_joined(top, names, first, at, spans) for first in range(max(at - _MOST_GROUPS, 0), at + 1)]
    joined += [_joined(top, names, at, at + 1, spans)] if at + 1 < top.height else []
    fitting = [header for header in joined if header is not None]
    return max([plain, *fitting], key=lambda header: _rank(header, known))


def _rank(header: _Header, known: Known) -> tuple[int, int, int]:
    """Most known headers first, then most rows, then most columns with a name."""
    filled = [name for name in header.names if name]
    return known(filled), header.last - header.first, len(filled)


def _header_row(cells: pl.DataFrame, known: Known) -> int:
    """Which row is the header: the one with the most known headers among the first rows.

    Where nothing is known it is the first row; one that is shorter than most is a title if a full row of words follows.
    One known word alone may be a cell ("Phone" is a source, too): a row with numbers gives way to a row of words above.
    """
    rows = [[cell for cell in row if cell is not None] for row in cells.iter_rows()]
    counts = [known(row) for row in rows]
    usual = sorted(len(row) for row in rows)[len(rows) // 2]
    full = (at for at, row in enumerate(rows) if len(row) >= usual and not any(map(_is_number, row)))
    first = next(full, 0) if len(rows[0]) < usual else 0
    if not max(counts):
        return first
    best = counts.index(max(counts))
    is_cell = counts[best] == 1 and any(map(_is_number, rows[best])) and not any(map(_is_number, rows[first]))
    return first if first < best and is_cell else best


def _is_number(cell: str) -> bool:
    return re.match(r"^[\W_]*\d", cell) is not None


def _may_have_groups(top: pl.DataFrame, names: Sequence[str], at: int) -> bool:
    """Whether a header has gaps or names twice, or the row right above it covers several columns."""
    cells = [cell for cell in top.select(names).row(at) if cell]
    has_above = at > 0 and top["source_line"][at - 1] == top["source_line"][at] - 1
    above = [cell for cell in top.select(names).row(at - 1) if cell] if has_above else []
    return len(cells) < len(names) or len(set(cells)) < len(cells) or len(above) > 1


def _joined(top: pl.DataFrame, names: Sequence[str], first: int, last: int, spans: Sequence[Span]) -> _Header | None:
    """The header of these rows (and those that their merged cells reach down to), or None where they are no groups."""
    lines = top["source_line"].to_list()
    if lines[last] - lines[first] > last - first:
        return None
    bottom = max([span.bottom for span in spans if lines[first] <= span.top <= lines[last]], default=lines[last])
    last = max(number for number, line in enumerate(lines) if line <= max(bottom, lines[last]))
    if lines[last] - lines[first] >= HEADER_WITHIN or (first == last and not _is_wide(spans, lines[first])):
        return None
    levels = [_spread(top, names, at, spans) for at in range(first, last)]
    levels.append(_spread(top, names, last, spans) if spans else list(top.select(names).row(last)))
    lowest = [cell for cell in levels[-1] if cell]
    joined = [" ".join(dict.fromkeys(cell for cell in column if cell)) or None for column in zip(*levels, strict=True)]
    if not _are_groups(spans, lines[first], lines[last], lowest, joined, levels):
        return None
    return _Header(first, last, joined, max(int(top["cells"][at]) for at in range(first, last + 1)))


def _is_wide(spans: Sequence[Span], line: int) -> bool:
    return any(span.top == line and span.right > span.left for span in spans)


def _are_groups(
    spans: Sequence[Span],
    first: int,
    last: int,
    lowest: Sequence[str],
    joined: Sequence[str | None],
    levels: Sequence[Sequence[str | None]],
) -> bool:
    """Whether the upper rows belong to the header: merged downwards, two merged groups, or what tells names apart."""
    if first == last:
        return True
    if any(map(_is_number, lowest)):
        return False
    here = [span for span in spans if span.top == first]
    if any(span.bottom == last for span in here) or sum(span.right > span.left for span in here) > 1:
        return True
    filled = [name for name in joined if name]
    groups = [cell for cell in levels[0] if cell]
    return len(set(lowest)) < len(lowest) and len(groups) > 1 and len(set(filled)) == len(filled)


def _spread(top: pl.DataFrame, names: Sequence[str], at: int, spans: Sequence[Span]) -> list[str | None]:
    """A row's cells, a merged one in each column that it covers; where nothing is merged, each up to the next one."""
    cells: list[str | None] = list(top.select(names).row(at))
    line = top["source_line"][at]
    for span in (span for span in spans if span.top == line):
        value = cells[span.left] if span.left < len(cells) else None
        for column in range(span.left, min(span.right + 1, len(cells))):
            cells[column] = value
    return cells if spans else list(pl.Series(cells, dtype=pl.String).fill_null(strategy="forward"))


def unique_headers(headers: Sequence[str | None]) -> list[str]:
    """Header names stripped; an empty one is "column N", the second of a name gets " (2)"."""
    taken = {"source_line"}
    times: Counter[str] = Counter(taken)
    names: list[str] = []
    for number, header in enumerate(headers, start=1):
        name = " ".join((header or "").split()) or f"column {number}"
        unique = name
        while unique in taken:
            times[name] += 1
            unique = f"{name} ({max(times[name], 2)})"
        times[name] = max(times[name], 1)
        taken.add(unique)
        names.append(unique)
    return names


def _without_totals(
    body: pl.DataFrame, names: Sequence[str], beyond: Sequence[str]
) -> tuple[pl.DataFrame, tuple[tuple[int, str], ...]]:
    """The records, and the totals among them: rows named so; at either end, numbers behind an empty first cell."""
    first, rest = pl.col(names[0]), [pl.col(name) for name in names[1:]]
    lead = pl.coalesce(pl.col(name) for name in names)
    # Few rows of a large file hold such a word at all: only those are looked at closely.
    may_be_named = lead.str.contains_any(list(_TOTAL_STEMS), ascii_case_insensitive=True)
    asked = body.select(pl.when(may_be_named).then(lead)).to_series().drop_nulls().unique()
    named = asked.filter(asked.str.to_lowercase().str.strip_chars(" :*=-").is_in(_TOTAL_WORDS))
    is_named = lead.is_in(named.implode()) if named.len() else pl.lit(value=False)
    numbers = [column.is_null() | column.str.contains(_NUMERIC) for column in rest] or [pl.lit(value=False)]
    empty = [pl.col(name).is_null() for name in beyond]
    is_bare = first.is_null() & lead.is_not_null() & pl.all_horizontal(*numbers, *empty)
    edges = body[sorted({0, body.height - 1})] if body.height else body
    bare = edges.filter(is_bare)["source_line"]
    is_total = (is_named | pl.col("source_line").is_in(bare.implode())).fill_null(value=False)
    if bare.is_empty() and named.is_empty():
        return body, ()
    marked = body.with_columns(is_total=is_total)
    totals = marked.filter("is_total")["source_line"]
    return marked.filter(~pl.col("is_total")).drop("is_total"), tuple((line, "totals row") for line in totals)


def _without_footnotes(body: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, tuple[tuple[int, str], ...]]:
    """The records, and the remarks after them: rows at the end with words in a single cell under several headers.

    A record has other cells: a single word right below records that are sparse themselves stays a record.
    """
    if len(names) < 3 or _filled(body.tail(1), names).to_list() != [1]:
        return body, ()
    filled = _filled(body, names)
    if not (filled > 1).any():
        return body, ()
    end = body.height
    while end > 0 and filled[end - 1] == 1:
        end -= 1
    is_dense = not (filled[:end] < 3).any()
    remarks = list(_remarks(body[max(end - 1, 0) :], names, is_dense=is_dense))
    lines = {line for line, _ in remarks}
    return body.filter(~pl.col("source_line").is_in(lines)), tuple(remarks)


def _filled(rows: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """How many cells of each row are filled."""
    return rows.select(pl.sum_horizontal(pl.col(names).is_not_null())).to_series()


def _remarks(tail: pl.DataFrame, names: Sequence[str], *, is_dense: bool) -> Iterator[tuple[int, str]]:
    """The rows of single cells that are remarks; `tail` begins with the last record."""
    lines, before, was_remark = tail["source_line"].to_list(), tail["source_line"][0], False
    for line, row in zip(lines[1:], tail[1:].select(names).iter_rows(), strict=True):
        (text,) = (cell for cell in row if cell is not None)
        is_apart = was_remark or line > before + 1 or text[0] in "*\u2020(\u00a9" or text[-1] in ".:"
        before, was_remark = line, re.search(r"[^\W\d_]", text) is not None and " " in text and (is_dense or is_apart)
        if was_remark:
            yield line, "footnote"


def _too_long(body: pl.DataFrame, beyond: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """The lines with something in a cell beyond the header."""
    if not beyond:
        return ()
    long = body.filter(pl.any_horizontal(pl.col(beyond).is_not_null()))["source_line"]
    return tuple((line, TOO_MANY_CELLS) for line in long)
