"""One canonical column from raw cells: where its text comes from, which word it stands for, which value it reads as."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from loaders import contracts
from loaders.headers import STAR, matching, starred_text
from loaders.profile import Column, FileBlock, Test
from loaders.values import (
    Moments,
    Parsed,
    filled,
    is_damaged,
    once_per_word,
    parse_days,
    parse_flags,
    parse_moments,
    parse_money,
    parse_numbers,
    parse_seconds,
    per_word,
    says_yes,
    squeezed,
)

# The columns that hold one of a few words, and which words those are.
WORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("lead", "lead_type"): contracts.LEAD_TYPES,
    ("lead", "status"): contracts.LEAD_STATUSES,
    ("lead", "vehicle_condition"): contracts.VEHICLE_CONDITIONS,
    ("contact", "direction"): contracts.DIRECTIONS,
    ("contact", "channel"): contracts.CHANNELS,
    ("contact", "result"): contracts.RESULTS,
    ("appointment", "appointment_type"): contracts.APPOINTMENT_TYPES,
    ("appointment", "outcome"): contracts.APPOINTMENT_OUTCOMES,
    ("task", "outcome"): contracts.TASK_OUTCOMES,
    ("sale", "sale_type"): contracts.SALE_TYPES,
    ("sale", "vehicle_condition"): contracts.VEHICLE_CONDITIONS,
    ("survey", "kind"): contracts.SURVEY_KINDS,
    ("person", "role"): contracts.ROLES,
    ("link", "linked_table"): contracts.LINKED_TABLES,
}
# The columns that point at a record or at a person, perhaps by an id.
_REFERENCES: Final = frozenset(
    (
        *("lead_id", "customer_id", "sale_id", "linked_id", "merged_into", "rescheduled_to"),
        *("salesperson", "bdc_agent", "set_by", "person", "advisor", "split_with", "manager"),
    )
)
# What systems write into a text column where there is nothing. The word "unknown" is a word.
_NO_TEXT: Final = (
    *("-", "--", "\u2013", "\u2014", "n/a", "#n/a", "#value!", "#ref!", "null"),
    *("select", "-select-", "(blank)", "--none--"),
)
_LONGEST_NOTHING: Final = max(len(word) for word in _NO_TEXT)
_FALLBACK: Final = "*"
# A column of this name means whole months, whatever day a spreadsheet put into it.
_MONTH_HEADER: Final = "month"
_KIND: Final = {
    pl.Date: "date",
    pl.Datetime: "date",
    pl.Boolean: "yes or no",
    pl.Decimal: "amount",
    pl.Float64: "number",
}


@dataclass(frozen=True)
class Rows:
    """The raw rows that feed one block: their text cells, stripped, a number and the line of each, and the headers.

    `headers` leads from a header as a profile may write it to the header as the file has it.
    """

    cells: pl.DataFrame
    ids: pl.Series
    lines: pl.Series
    headers: Mapping[str, str]
    block: FileBlock

    def present(self, names: Iterable[str]) -> list[str]:
        """Those of the profile's headers that the file has, as the file writes them, each once."""
        found = (self.headers[header] for name in names for header in matching(name, self.headers))
        return list(dict.fromkeys(found))

    def blank(self) -> pl.Series:
        """A text column without any value."""
        return pl.Series("", [None], dtype=pl.String).new_from_index(0, self.ids.len())


@dataclass(frozen=True)
class Clock:
    """How dates are read: each row's zone for times without an offset, each row's store's zone, the formats to try."""

    zones: pl.Series
    store_zones: pl.Series
    formats: tuple[str, ...]


@dataclass(frozen=True)
class Filled:
    """A canonical column read: its values, where cells were not readable (the rule they break, else null), findings.

    `is_date` (of a moment): given as a day without a time. `findings` has row_id, finding and detail.
    """

    name: str
    values: pl.Series
    broken: pl.Series | None = None
    is_date: pl.Series | None = None
    findings: tuple[pl.DataFrame, ...] = ()


def first_filled(rows: Rows, names: Iterable[str]) -> pl.Series:
    """The first filled cell of these headers, row by row."""
    present = rows.present(names)
    return rows.cells.select(pl.coalesce(pl.col(present))).to_series() if present else rows.blank()


def cells_of(rows: Rows, column: Column) -> pl.Series:
    """The text of a column of a profile: first filled or joined, and only in rows that pass its test."""
    if column.column:
        cells = first_filled(rows, column.column)
    elif column.header:
        cells = _named_in_header(rows, column.header)
    elif present := rows.present(column.join):
        cells = rows.cells.select(pl.concat_str(present, separator=" ", ignore_nulls=True)).to_series()
        cells = cells.set(cells == "", None)
    else:
        cells = rows.blank()
    if column.last_line:
        cells = cells.str.split("\n").list.last().str.strip_chars()
    if column.only_if is not None:
        cells = cells.set(~passes(rows, column.only_if), None)
    return cells


def _named_in_header(rows: Rows, names: Iterable[str]) -> pl.Series:
    """The text that the star of a header stands for in this file, in every row."""
    texts = (starred_text(name, header) for name in names for header in rows.present([name]))
    text = next((text for text in texts if text is not None), None)
    return pl.Series("", [text], dtype=pl.String).new_from_index(0, rows.ids.len())


def passes(rows: Rows, test: Test) -> pl.Series:
    """Where a row passes a test: one of the columns says yes, or holds one of the words (case and spaces aside)."""
    passed = pl.Series([False]).new_from_index(0, rows.ids.len())
    for name in rows.present(test.column):
        cells = rows.cells[name]
        hit = _holds_word(cells, test.words) if test.words else says_yes(cells)
        passed |= hit.fill_null(value=False)
    return passed


def _holds_word(cells: pl.Series, words: Sequence[str]) -> pl.Series:
    """Where a cell is one of the words; a star stands for any text, and the word "" for a blank cell."""
    listed = squeezed(pl.Series(words, dtype=pl.String))
    asked = squeezed(cells)
    held = asked.is_in(listed.filter(~listed.str.contains(STAR, literal=True)).implode())
    for word in listed.filter(listed.str.contains(STAR, literal=True)):
        held |= asked.str.contains("(?s)^" + ".*".join(re.escape(part) for part in word.split(STAR)) + "$")
    return held.fill_null(value="" in words)


def text_of(rows: Rows, name: str) -> tuple[pl.Series, tuple[pl.DataFrame, ...]]:
    """The text that a canonical column gets, with findings: constant, else chosen, else its cells, else the default."""
    block = rows.block
    if name in block.constants:
        return pl.Series("", [block.constants[name]], dtype=pl.String).new_from_index(0, rows.ids.len()), ()
    cells = without_nothing(cells_of(rows, block.columns[name])) if name in block.columns else rows.blank()
    if tests := block.choose.get(name):
        # Where a test has chosen the word, what the cell says is not asked.
        chosen = _chosen(rows, tests)
        cells, findings = _as_words(rows, name, cells.set(chosen.is_not_null(), None))
        cells = chosen.zip_with(chosen.is_not_null(), cells)
    else:
        cells, findings = _as_words(rows, name, cells)
    return cells.fill_null(block.defaults[name]) if name in block.defaults else cells, findings


def without_nothing(cells: pl.Series) -> pl.Series:
    """The same cells, null where they only say that there is nothing. Such words are short, so few cells are asked."""
    short = cells.filter(cells.str.len_bytes() <= _LONGEST_NOTHING).unique()
    nothing = short.filter(short.str.to_lowercase().is_in(_NO_TEXT))
    return cells if nothing.is_empty() else cells.set(cells.is_in(nothing.implode()).fill_null(value=False), None)


def _chosen(rows: Rows, tests: Mapping[str, Test]) -> pl.Series:
    """The word of the first test that a row passes."""
    chosen = rows.blank()
    for word, test in tests.items():
        chosen = chosen.set(passes(rows, test) & chosen.is_null(), word)
    return chosen


def _as_words(rows: Rows, name: str, cells: pl.Series) -> tuple[pl.Series, tuple[pl.DataFrame, ...]]:
    """Cells as the words that the profile, or the contract itself, knows for them. "" in a profile means blank."""
    allowed = WORDS.get((rows.block.table, name), ())
    values = rows.block.values.get(name, {})
    if (not allowed and not values) or cells.null_count() == cells.len():
        return cells, ()
    listed = {word: word for word in allowed} | {word: to for word, to in values.items() if word != _FALLBACK}
    keys = squeezed(pl.Series(list(listed), dtype=pl.String)).to_list()
    lookup = dict(zip(keys, listed.values(), strict=True))

    def look_up(asked: pl.Series) -> pl.DataFrame:
        asked = squeezed(filled(asked) if allowed else asked)
        words = asked.replace_strict(lookup, default=None, return_dtype=pl.String)
        return pl.DataFrame({"word": words, "unlisted": asked.is_not_null() & words.is_null()})

    found = per_word(cells, look_up)
    words, unlisted = found["word"], found["unlisted"].fill_null(value=False)
    fallback = values.get(_FALLBACK)
    words = cells.zip_with(unlisted, words) if fallback is None else words.set(unlisted, fallback)
    noticed = () if fallback is None else _unlisted(rows, name, cells.set(~unlisted, None), fallback)
    return words.set(words == "", None), noticed


def _unlisted(rows: Rows, name: str, cells: pl.Series, fallback: str) -> tuple[pl.DataFrame, ...]:
    """One finding for each word that the profile does not list, at the first row that has it."""
    frame = pl.DataFrame({"row_id": rows.ids, "word": cells}).drop_nulls()
    if frame.is_empty():
        return ()
    counted = frame.group_by("word", maintain_order=True).agg(pl.first("row_id"), times=pl.len())
    meant = pl.lit(f'"{fallback}"' if fallback else "blank")
    text = '{} "{}" is not listed in the profile; it was read as {} ({} rows)'
    detail = pl.format(text, pl.lit(name), "word", meant, "times")
    return (counted.select("row_id", finding=pl.lit("word_not_listed"), detail=detail),)


def fill(rows: Rows, name: str, dtype: pl.DataType, clock: Clock) -> Filled:
    """Read one canonical column of a block into the contract's type."""
    cells, findings = text_of(rows, name)
    return read_cells(rows, name, cells, dtype, clock, findings)


def read_cells(
    rows: Rows, name: str, cells: pl.Series, dtype: pl.DataType, clock: Clock, findings: tuple[pl.DataFrame, ...] = ()
) -> Filled:
    """Text cells to the contract's type, with the rule that unreadable ones break."""
    if dtype == pl.String and name in _REFERENCES:
        cells, damaged = _without_damaged(rows, name, cells)
        findings += damaged
    if dtype == pl.String and (allowed := WORDS.get((rows.block.table, name))):
        return _word(rows, name, cells, allowed, findings)
    if dtype == pl.String or cells.null_count() == cells.len():
        nothing = pl.Series([False]).new_from_index(0, cells.len()).alias(f"{name}_is_date")
        return Filled(name, cells.cast(dtype).alias(name), is_date=nothing, findings=findings)
    if isinstance(dtype, pl.Datetime):
        return _moment(rows, name, cells, clock, findings)
    parsed = _parsed(rows, name, cells, dtype, clock)
    broken = _rule(rows, name, cells, parsed.unreadable, _KIND[type(dtype)])
    return Filled(name, parsed.values.alias(name), broken, findings=findings)


def _word(
    rows: Rows, name: str, cells: pl.Series, allowed: tuple[str, ...], findings: tuple[pl.DataFrame, ...]
) -> Filled:
    """One of a few words; a row with another breaks a rule that names it."""
    strange = ~cells.is_in(pl.Series(allowed).implode()).fill_null(value=True)
    if not strange.any():
        return Filled(name, cells.alias(name), findings=findings)
    text = pl.format(f'{{}} "{{}}" is none of {", ".join(allowed)}', "header", pl.col("cell").str.slice(0, 80))
    frame = pl.DataFrame({"header": _origin(rows, name), "cell": cells, "is_strange": strange})
    broken = frame.select(pl.when("is_strange").then(text).alias(name)).to_series()
    return Filled(name, cells.set(strange, None).alias(name), broken, findings=findings)


def _without_damaged(rows: Rows, name: str, cells: pl.Series) -> tuple[pl.Series, tuple[pl.DataFrame, ...]]:
    """References without those that a spreadsheet rounded, which would link to the wrong record: a finding for each."""
    damaged = is_damaged(cells)
    if not damaged.any():
        return cells, ()
    counted = (
        pl.DataFrame({"row_id": rows.ids, "word": cells})
        .filter(damaged)
        .group_by("word", maintain_order=True)
        .agg(pl.first("row_id"), times=pl.len())
    )
    text = '{} "{}" was rounded by a spreadsheet and links to nothing ({} rows); export it as text'
    detail = pl.format(text, pl.lit(name), "word", "times")
    found = counted.select("row_id", finding=pl.lit("damaged_reference"), detail=detail)
    return cells.set(damaged, None), (found,)


def _parsed(rows: Rows, name: str, cells: pl.Series, dtype: pl.DataType, clock: Clock) -> Parsed:
    column = rows.block.columns.get(name)
    if dtype == pl.Date:
        months = rows.present([_MONTH_HEADER])
        is_month = _origin(rows, name) == months[0] if months else None
        zones = (clock.zones, clock.store_zones)
        days = parse_days(cells, *zones, clock.formats, is_end=name == "period_end", is_month=is_month)
        later = days.values.dt.offset_by(f"{column.add_days}d") if column and column.add_days else days.values
        return Parsed(later, days.unreadable)
    if dtype == pl.Boolean:
        return once_per_word(cells, parse_flags)
    scale = column.scale if column else None
    if isinstance(dtype, pl.Decimal):
        return once_per_word(cells, lambda words: parse_money(words, dtype.scale, scale))
    numbers = once_per_word(cells, parse_seconds if name.endswith("_seconds") else parse_numbers)
    return numbers if scale is None else Parsed(numbers.values * float(scale), numbers.unreadable)


def _moment(rows: Rows, name: str, cells: pl.Series, clock: Clock, findings: tuple[pl.DataFrame, ...]) -> Filled:
    moments = _placed_days(cells, parse_moments(cells, clock.zones, clock.formats), clock)
    broken = _rule(rows, name, cells, moments.unreadable, "date")
    # A day names no hour: where its midnight does not exist, nothing that was written has moved.
    moved = moments.shifted & ~moments.is_date
    if moved.any():
        frame = pl.DataFrame({"row_id": rows.ids, "cell": cells}).filter(moved)
        detail = pl.format(
            '{} "{}" lies in the hour that the clock skipped; it was moved forward', pl.lit(name), "cell"
        )
        findings += (frame.select("row_id", finding=pl.lit("time_in_missing_hour"), detail=detail),)
    return Filled(name, moments.at.alias(name), broken, moments.is_date.alias(f"{name}_is_date"), findings)


def _placed_days(cells: pl.Series, moments: Moments, clock: Clock) -> Moments:
    """A day without a time is the store's day, also where the times of the file are those of another clock."""
    foreign = moments.is_date & (clock.zones != clock.store_zones).fill_null(value=False)
    if not foreign.any():
        return moments
    days = parse_moments(cells.set(~foreign, None), clock.store_zones, clock.formats)
    return replace(moments, at=days.at.zip_with(foreign, moments.at))


def _rule(rows: Rows, name: str, cells: pl.Series, unreadable: pl.Series, kind: str) -> pl.Series | None:
    """The rule that each unreadable cell breaks, with the file's own header; None when all cells are readable."""
    if not unreadable.any():
        return None
    frame = pl.DataFrame({"header": _origin(rows, name), "cell": cells, "is_bad": unreadable})
    text = pl.format('{} not readable as {}: "{}"', "header", pl.lit(kind), pl.col("cell").str.slice(0, 80))
    return frame.select(pl.when("is_bad").then(text).alias(name)).to_series()


def _origin(rows: Rows, name: str) -> pl.Series:
    """Which header of the file each cell of a canonical column came from; the column's own name where none did."""
    column = rows.block.modified_at if name == "modified_at" else rows.block.columns.get(name)
    present = rows.present(column.column + column.join) if column else []
    origins = [pl.when(pl.col(header).is_not_null()).then(pl.lit(header)) for header in present]
    origin = pl.coalesce(*origins, pl.lit(name))
    return rows.cells.select(origin.alias("header")).to_series() if origins else rows.blank().fill_null(name)
