"""Cells to values: text columns become moments, days, money, numbers and flags, leniently and a whole column at a time.

Each function takes text cells already stripped, with null for blank, and answers with the values beside a mask of the
cells that hold something it could not read. Nothing is turned into null in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import polars as pl

from loaders.amounts import plain_numbers
from loaders.spelled import plainly_dated

# What people and systems write where there is nothing. The year 1 is how some systems store "never".
_NOTHING: Final = (
    *("-", "--", "\u2013", "\u2014", "n/a", "na", "n.a.", "#n/a", "#value!", "#ref!", "#div/0!", "null", "none", "nan"),
    *("select", "-select-", "(blank)", "(none)", "--none--"),
)
_LONGEST_NOTHING: Final = max(len(word) for word in _NOTHING)
_MAYBE_NEVER: Final = r"^(0|1/0?1/0001)"
_NEVER: Final = r"^(0001-01-01|0*1/0*1/0001|0000-00-00)"
# An id that a spreadsheet took for a number and rounded: 2.98725E+13 stands for many ids.
_DAMAGED: Final = r"^\d([.,]\d+)?[eE]\+\d{2,3}$"
# A column is read word by word where each stands in at least so many rows on average.
_REPEATS: Final = 4
_YES: Final = ("yes", "y", "true", "t", "1", "x")
_NO: Final = ("no", "n", "false", "f", "0")
_ISO: Final = (
    r"^(?<year>\d{4})[-/](?<month>\d{1,2})[-/](?<day>\d{1,2})"
    r"(?:[Tt ]\s*(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?<half>[AaPp]\.?[Mm]\.?)?\s*(?<zone>[Zz]|UTC|[+-]\d{2}:?\d{2})?)?$"
)
# The plain ways of a machine: shape, pattern, offset in minutes where stated.
_PLAIN_ISO: Final = (
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$", "%Y-%m-%dT%H:%M:%S", None),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", "%Y-%m-%d %H:%M:%S", None),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", "%Y-%m-%dT%H:%M:%SZ", 0),
)
_SLASHED: Final = (
    r"^(?<first>\d{1,2})[/.-](?<second_part>\d{1,2})[/.-](?<year>\d{4}|\d{2})"
    r"(?:,?\s+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d{1,9})?)?\s*(?<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?<zone>[Zz]|UTC|[+-]\d{2}:?\d{2})?)?$"
)
_MONTH: Final = r"^\d{4}-\d{1,2}$"
_MONTH_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OTHER_MONTH: Final = (
    r"^(?:(?<number>\d{1,2})[/.-](?<of>\d{4})"
    rf"|(?<name>{'|'.join(_MONTH_NAMES)})[a-z]*\.?[\s'-]+(?<year>\d{{4}}|\d{{2}}))$"
)
_SERIAL: Final = r"^\d{5}(\.\d+)?$"
_SERIAL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  (a spreadsheet's day zero has no zone)
# How exactly an amount is kept while it is scaled: millionths of a unit, and what is left below them.
_EXACT_DIGITS: Final = 12
_CENTS: Final = 2
_CLOCK_DIRECTIVE: Final = re.compile(r"%[HITRrcsMSXp]")


@dataclass(frozen=True)
class Parsed:
    """A column of values and which cells were not readable (Boolean, never null)."""

    values: pl.Series
    unreadable: pl.Series


@dataclass(frozen=True)
class Moments:
    """A column of moments (UTC, microseconds), with what a reader must know about each.

    `is_date`: given as a day without a time. `unreadable`: holds something that is no date. `shifted`: named a time
    that the spring night of its zone skips, and was moved forward. `local`: date and time as written, without a zone.
    """

    at: pl.Series
    is_date: pl.Series
    unreadable: pl.Series
    shifted: pl.Series
    local: pl.Series


def per_word(cells: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What `read` makes of text cells, row by row; where cells repeat, it is asked once for each different one.

    A blank cell then gives null in every column.
    """
    words = cells.drop_nulls().unique().sort()
    if words.len() * _REPEATS > cells.len():
        return read(cells)
    codes = cells.cast(pl.Enum(words)).to_physical()
    return read(words).select(pl.all().gather(codes))


def once_per_word(cells: pl.Series, parse: Callable[[pl.Series], Parsed]) -> Parsed:
    """A parser's answer for a whole column, where cells that repeat are parsed once."""

    def parse_words(words: pl.Series) -> pl.DataFrame:
        parsed = parse(words)
        return pl.DataFrame({"values": parsed.values, "unreadable": parsed.unreadable})

    read = per_word(cells, parse_words)
    return Parsed(read["values"].alias(cells.name), read["unreadable"].fill_null(value=False))


def filled(cells: pl.Series) -> pl.Series:
    """The same cells with null where they only say that there is nothing: "-", "N/A", "null", a date in the year 1."""
    # Such cells are short, or begin like the year 1, so that few of a large column are asked.
    asked = cells.filter((cells.str.len_bytes() <= _LONGEST_NOTHING) | cells.str.contains(_MAYBE_NEVER)).unique()
    nothing = asked.filter(asked.str.to_lowercase().is_in(_NOTHING) | asked.str.contains(_NEVER))
    return cells if nothing.is_empty() else cells.set(cells.is_in(nothing.implode()).fill_null(value=False), None)


def is_damaged(cells: pl.Series) -> pl.Series:
    """Where a spreadsheet made a rounded number of an id (2.98725E+13), so that nobody can tell which one it was."""
    # Few columns have such a cell: a plain search goes first.
    suspect = cells.str.contains("E+", literal=True) | cells.str.contains("e+", literal=True)
    return (cells.str.contains(_DAMAGED) if suspect.any() else suspect).fill_null(value=False)


def squeezed(cells: pl.Series) -> pl.Series:
    """Words without case, spaces, hyphens and underscores, so that "Walk-in", "walk_in" and "WalkIn" are one."""
    return cells.str.to_lowercase().str.replace_all(r"[\s_\-]+", "")


def says_yes(cells: pl.Series) -> pl.Series:
    """Where a cell says yes: it is filled, and not with a no or a zero. A filled date says yes."""
    words = filled(cells).str.to_lowercase()
    return (words.is_not_null() & ~words.is_in(_NO)).fill_null(value=False)


def parse_flags(cells: pl.Series) -> Parsed:
    """Yes, no, true, false, 1, 0 (and y, n, t, f, x) to Boolean; blank stays null."""
    words = filled(cells).str.to_lowercase()
    yes, no = words.is_in(_YES), words.is_in(_NO)
    values = pl.DataFrame({"yes": yes, "no": no}).select(
        pl.when("yes").then(statement=True).when("no").then(statement=False).alias(cells.name)
    )
    return Parsed(values.to_series(), words.is_not_null() & ~(yes | no).fill_null(value=False))


def parse_numbers(cells: pl.Series) -> Parsed:
    """Numbers as people write them to Float64: separators, decimal comma, parentheses, percent ("27.42%" is 0.2742)."""
    words = filled(cells)
    is_percent = words.str.ends_with("%").fill_null(value=False)
    plain = plain_numbers(words.str.strip_suffix("%").str.strip_chars())
    values = plain["number"].cast(pl.Float64, strict=False) * plain["times"]
    values = values.zip_with(~is_percent, values / 100)
    return Parsed(values, words.is_not_null() & values.is_null())


def parse_seconds(cells: pl.Series) -> Parsed:
    """Durations in seconds, as a number or as 3:25 (minutes and seconds) or 1:03:25, as Float64."""
    numbers = parse_numbers(cells)
    parts = cells.str.extract_groups(r"^(?:(?<hours>\d+):)?(?<minutes>\d{1,3}):(?<seconds>\d{2})$").struct.unnest()
    clock = parts.select(
        pl.col("hours").cast(pl.Float64).fill_null(0.0) * 3600
        + pl.col("minutes").cast(pl.Float64) * 60
        + pl.col("seconds").cast(pl.Float64)
    ).to_series()
    values = numbers.values.zip_with(numbers.values.is_not_null(), clock)
    return Parsed(values.alias(cells.name), numbers.unreadable & clock.is_null())


def parse_money(cells: pl.Series, digits: int = 2, scale: Decimal | None = None) -> Parsed:
    """Amounts such as "$1,539.26", "($3,385.22)", "$-8797", "1 539,26 EUR" to Decimal(18, digits); "-" is null.

    `scale` multiplies them exactly before they are rounded: 0.000001 turns micros into units.
    """
    words = filled(cells)
    plain = plain_numbers(words, is_money=digits <= _CENTS)
    values = plain["number"]
    if scale is not None or (plain["times"] > 1).any():
        exact = values.cast(pl.Decimal(38, _EXACT_DIGITS), strict=False) * plain["times"].cast(pl.Decimal(8, 0))
        values = exact if scale is None else exact * scale
    values = values.cast(pl.Decimal(18, digits), strict=False).alias(cells.name)
    return Parsed(values, words.is_not_null() & values.is_null())


def date_orders(cells: Sequence[pl.Series]) -> frozenset[str]:
    """Which orders the slashed dates of these columns prove: "mdy", "dmy" or both, or "unproved" where none tells.

    Empty when there are no slashed dates at all. A date that reads the same either way (3/3/2024) proves nothing and
    needs no proof.
    """
    every = pl.concat([pl.Series("", [], dtype=pl.String), *(column.alias("") for column in cells)])
    slashed = every.filter(every.str.contains(r"^\d{1,2}[/.-]").fill_null(value=False))
    parts = slashed.str.extract_groups(_SLASHED).struct.unnest()
    first, second = parts["first"].cast(pl.Int32), parts["second_part"].cast(pl.Int32)
    proofs = {"dmy": (first > 12) & (second <= 12), "mdy": (second > 12) & (first <= 12)}
    found = {order for order, proof in proofs.items() if proof.any()}
    if not found and ((first != second) & (first <= 12) & (second <= 12)).any():
        found = {"unproved"}
    return frozenset(found)


def parse_moments(cells: pl.Series, zones: pl.Series, formats: Sequence[str]) -> Moments:
    """Dates and times to UTC, each read in its zone unless it states an offset.

    `formats`, tried in order: "iso" (2024-03-01, with a time, with an offset), "mdy" and "dmy" (3/1/2024 2:30 PM),
    "serial" (a spreadsheet's day number), or a pattern such as "%d.%m.%Y %H:%M". `zones`: the IANA zone of each row.
    The doubled hour of the autumn night is the first of the two; a time inside the skipped hour of the spring night
    moves forward by that hour.
    """
    words = filled(cells)
    read = _with_spelled(_naive_by_formats(words, formats), words, zones, formats)
    frame = read.hstack(_placed(read["naive"], zones))
    stated = pl.col("naive") - pl.duration(minutes=pl.col("offset"))
    has_offset = pl.col("offset").is_not_null()
    if frame["offset"].null_count() < frame.height:
        frame = frame.with_columns(utc=pl.when(has_offset).then(stated.dt.replace_time_zone("UTC")).otherwise("utc"))
    frame = frame.with_columns(
        at="utc",
        shifted=~has_offset & pl.col("utc").is_not_null() & pl.col("exact").is_null(),
        unreadable=pl.Series(words.is_not_null()) & pl.col("naive").is_null(),
    )
    return Moments(
        at=frame["at"].alias(cells.name),
        is_date=(frame["is_date"] & frame["at"].is_not_null()).fill_null(value=False),
        unreadable=frame["unreadable"],
        shifted=frame["shifted"],
        local=frame["naive"],
    )


def _placed(naive: pl.Series, zones: pl.Series) -> pl.DataFrame:
    """Columns `utc` (every naive time placed in its row's zone) and `exact` (null inside a skipped hour)."""
    exact = _in_zones(naive, zones)
    if exact.null_count() == naive.null_count():
        return pl.DataFrame({"utc": exact, "exact": exact})
    # Three hours earlier the old offset still held: counting on from there moves a skipped time forward by the gap.
    moved = _in_zones(naive.dt.offset_by("-3h"), zones).dt.offset_by("3h")
    return pl.DataFrame({"utc": exact.zip_with(exact.is_not_null(), moved), "exact": exact})


def _in_zones(naive: pl.Series, zones: pl.Series) -> pl.Series:
    """Local times as UTC, zone by zone: the first of a doubled hour, null inside a skipped one or without a zone."""
    found = zones.unique()
    placed = pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, naive.len())
    for zone in sorted(found.drop_nulls()):
        local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
        placed = local if found.len() == 1 else local.zip_with((zones == zone).fill_null(value=False), placed)
    return placed


def _with_spelled(read: pl.DataFrame, words: pl.Series, zones: pl.Series, formats: Sequence[str]) -> pl.DataFrame:
    """The same, with the cells that no format reads tried once more: a spelled month as a number, a zone as its offset.

    A month's name is clear in any order of day and month; but where a profile has only patterns, it says all there is.
    """
    left = words.is_not_null() & read["naive"].is_null()
    if not left.any() or all("%" in form for form in formats):
        return read
    plainly = plainly_dated(words.set(~left, None), zones)
    again = _naive_by_formats(plainly, tuple(dict.fromkeys((*formats, "iso"))))
    return pl.DataFrame([again[name].zip_with(left, read[name]) for name in read.columns])


def _naive_by_formats(words: pl.Series, formats: Sequence[str]) -> pl.DataFrame:
    """Columns naive (Datetime without zone), offset (minutes east or null), is_date: by the first format that reads."""
    readers = {"iso": _read_iso, "mdy": _read_slashed, "dmy": _read_slashed, "serial": _read_serial}
    read: pl.DataFrame | None = None
    for form in formats:
        rest = words if read is None else words.set(read["naive"].is_not_null(), None)
        if rest.null_count() == rest.len():
            break
        tried = readers.get(form, _read_pattern)(rest, form)
        if read is not None:
            tried = pl.DataFrame([tried[name].zip_with(read["naive"].is_null(), read[name]) for name in read.columns])
        read = tried
    return _read_nothing(words) if read is None else read


def _read_nothing(words: pl.Series) -> pl.DataFrame:
    schema = {"naive": pl.Datetime("us"), "offset": pl.Int32(), "is_date": pl.Boolean()}
    return pl.DataFrame(
        [pl.Series(name, [None], dtype).extend_constant(None, words.len()) for name, dtype in schema.items()]
    )[1:]


def _read_iso(words: pl.Series, _: str) -> pl.DataFrame:
    at_once = _read_iso_at_once(words)
    return _from_parts(words.str.extract_groups(_ISO).struct.unnest()) if at_once is None else at_once


def _read_iso_at_once(words: pl.Series) -> pl.DataFrame | None:
    """A column that is written in one plain way throughout, as a machine does; None where a single cell is not."""
    first = words.drop_nulls().head(1)
    for shape, pattern, offset in _PLAIN_ISO:
        if first.str.contains(shape).any() and words.str.len_bytes().n_unique() <= 2:
            naive = words.str.to_datetime(pattern, strict=False, time_unit="us")
            if naive.null_count() == words.null_count():
                return pl.DataFrame({"naive": naive}).with_columns(
                    offset=pl.lit(offset, pl.Int32), is_date=pl.lit(value=False)
                )
    return None


def _read_slashed(words: pl.Series, order: str) -> pl.DataFrame:
    parts = words.str.extract_groups(_SLASHED).struct.unnest()
    names = ("month", "day") if order == "mdy" else ("day", "month")
    year = pl.col("year")
    return _from_parts(
        parts.with_columns(
            pl.col("first").alias(names[0]),
            pl.col("second_part").alias(names[1]),
            year=pl.when(year.str.len_chars() == 2).then(pl.lit("20") + year).otherwise(year),
        )
    )


def _from_parts(parts: pl.DataFrame) -> pl.DataFrame:
    """Year, month, day, hour, minute, second, half, zone (all text) to a naive time; impossible ones are null."""
    hour = pl.col("hour").cast(pl.Int32)
    half = pl.col("half").str.to_lowercase().str.slice(0, 1)
    clock = (
        pl.when(half.is_null())
        .then(hour.fill_null(0))
        .when(hour.is_between(1, 12))
        .then(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
    )
    day = pl.concat_str("year", pl.col("month").str.zfill(2), pl.col("day").str.zfill(2), separator="-")
    time = pl.concat_str(
        clock.cast(pl.String).str.zfill(2),
        pl.col("minute").fill_null("00"),
        pl.col("second").fill_null("00"),
        separator=":",
    )
    return parts.select(
        naive=pl.concat_str(day, time, separator=" ").str.to_datetime(
            "%Y-%m-%d %H:%M:%S", strict=False, time_unit="us"
        ),
        offset=_offset_minutes(),
        is_date=pl.col("hour").is_null(),
    )


def _offset_minutes() -> pl.Expr:
    zone = pl.col("zone")
    digits = zone.str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int32, strict=False) * 60 + digits.str.slice(3, 2).cast(
        pl.Int32, strict=False
    )
    signed = pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes)
    return (
        pl.when(zone.str.to_lowercase().is_in(["z", "utc"])).then(pl.lit(0, pl.Int32)).otherwise(signed).cast(pl.Int32)
    )


def _read_serial(words: pl.Series, _: str) -> pl.DataFrame:
    days = words.set(~words.str.contains(_SERIAL).fill_null(value=False), None).cast(pl.Float64)
    seconds = (days * 86_400).round(0).cast(pl.Int64)
    return pl.DataFrame({"days": days, "seconds": seconds}).select(
        naive=(pl.lit(_SERIAL_EPOCH, pl.Datetime("us")) + pl.duration(seconds="seconds")),
        offset=pl.lit(None, pl.Int32),
        is_date=pl.col("days") == pl.col("days").floor(),
    )


def _read_pattern(words: pl.Series, pattern: str) -> pl.DataFrame:
    """A strftime pattern; with `%z` the offset is kept, without a clock directive the value is a day."""
    if "%z" in pattern:
        aware = words.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        return pl.DataFrame({"naive": aware.dt.replace_time_zone(None)}).with_columns(
            offset=pl.lit(0, pl.Int32), is_date=pl.lit(value=False)
        )
    is_date = _CLOCK_DIRECTIVE.search(pattern) is None
    naive = (
        words.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))
        if is_date
        else words.str.to_datetime(pattern, strict=False, time_unit="us")
    )
    return pl.DataFrame({"naive": naive}).with_columns(offset=pl.lit(None, pl.Int32), is_date=pl.lit(value=is_date))


def parse_days(
    cells: pl.Series,
    zones: pl.Series,
    store_zones: pl.Series,
    formats: Sequence[str],
    *,
    is_end: bool,
    is_month: pl.Series | None = None,
) -> Parsed:
    """Calendar days of the store. A day stays as written; a moment becomes the store's day it fell on.

    A bare month (2024-03, 03/2024, Mar-24, March 2024) is its first day, or its last where `is_end`; so is a day in a
    cell that is meant as a month (`is_month`), as spreadsheets turn months into their first day. `zones` is the zone
    that times are written in, `store_zones` the zone of the store.
    """
    months = _iso_months(cells)
    is_bare = months.str.contains(_MONTH).fill_null(value=False)
    moments = parse_moments((months + "-01").zip_with(is_bare, months), zones, formats)
    whole = is_bare if is_month is None else is_bare | is_month
    frame = pl.DataFrame(
        {"at": moments.at, "local": moments.local, "is_date": moments.is_date, "zone": store_zones, "whole": whole}
    )
    day = pl.when("is_date").then(pl.col("local").dt.date()).otherwise(_day_in(store_zones))
    edge = day.dt.month_end() if is_end else day.dt.month_start()
    return Parsed(
        frame.select(pl.when("whole").then(edge).otherwise(day).alias(cells.name)).to_series(), moments.unreadable
    )


def _iso_months(cells: pl.Series) -> pl.Series:
    """The same cells with months written in other ways as 2024-03."""
    parts = cells.str.to_lowercase().str.extract_groups(_OTHER_MONTH).struct.unnest()
    numbers = {name: str(number) for number, name in enumerate(_MONTH_NAMES, start=1)}
    year = pl.coalesce("of", "year")
    month = pl.coalesce("number", pl.col("name").replace_strict(numbers, default=None, return_dtype=pl.String))
    full = pl.when(year.str.len_chars() == 2).then(pl.lit("20") + year).otherwise(year)
    iso = parts.select(pl.concat_str(full, month.str.zfill(2), separator="-")).to_series()
    return iso.zip_with(iso.is_not_null(), cells).alias(cells.name)


def _day_in(zones: pl.Series) -> pl.Expr:
    day = pl.lit(None, pl.Date)
    for zone in sorted(zones.drop_nulls().unique().to_list()):
        day = pl.when(pl.col("zone") == zone).then(pl.col("at").dt.convert_time_zone(zone).dt.date()).otherwise(day)
    return day
