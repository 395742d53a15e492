"""Cells to values: text columns become moments, days, money, numbers and flags, leniently and a whole column at a time.

Each function takes text cells already stripped, with null for blank, and answers with the values beside a mask of the
cells that hold something it could not read. Nothing is turned into null in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

# What people and systems write where there is nothing. The year 1 is how some systems store "never".
_NOTHING: Final = ("-", "--", "n/a", "na", "#n/a", "null", "none", "nan")
_NEVER: Final = r"^(0001-01-01|0*1/0*1/0001|0000-00-00)"
_YES: Final = ("yes", "y", "true", "t", "1", "x")
_NO: Final = ("no", "n", "false", "f", "0")
_ISO: Final = (
    r"^(?<year>\d{4})[-/](?<month>\d{1,2})[-/](?<day>\d{1,2})"
    r"(?:[Tt ]\s*(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?<half>[AaPp]\.?[Mm]\.?)?\s*(?<zone>[Zz]|UTC|[+-]\d{2}:?\d{2})?)?$"
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
_CLOCK_DIRECTIVE: Final = re.compile(r"%[HITRrcsMSXp]")
# Thousands in groups of three, or a decimal comma that cannot be one. "1.234" reads as 1.234, as a spreadsheet would.
_PLAIN_NUMBER: Final = r"^(\d+|\d{1,3}([, '\x{a0}\x{202f}]\d{3})+)(\.\d*)?$|^\.\d+$"
_COMMA_NUMBER: Final = r"^(\d+|\d{1,3}([. '\x{a0}\x{202f}]\d{3})+),(\d{1,2}|\d{4,})$"


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


def filled(cells: pl.Series) -> pl.Series:
    """The same cells with null where they only say that there is nothing: "-", "N/A", "null", a date in the year 1."""
    is_nothing = cells.str.to_lowercase().is_in(_NOTHING) | cells.str.contains(_NEVER)
    return cells.set(is_nothing.fill_null(value=False), None)


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
    plain = _plain(words.str.strip_suffix("%").str.strip_chars())
    values = plain.cast(pl.Float64, strict=False)
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


def parse_money(cells: pl.Series) -> Parsed:
    """Amounts such as "$1,539.26", "($3,385.22)", "$-8797", "1 539,26 EUR" to Decimal(18, 2); "-" is null."""
    words = filled(cells)
    values = _plain(words).cast(pl.Decimal(18, 2), strict=False)
    return Parsed(values, words.is_not_null() & values.is_null())


def _plain(words: pl.Series) -> pl.Series:
    """Numbers as a computer writes them, null for what is none: signs first, then separators."""
    bare = words.str.replace_all(r"^[A-Z]{1,3}|[A-Z]{3}$|\p{Sc}", "")
    bare = bare.str.replace_all("\u2212", "-").str.strip_chars()
    is_negative = bare.str.contains(r"^\(.*\)$|^-|-$").fill_null(value=False)
    digits = bare.str.strip_chars("()-+ ").str.strip_chars()
    plain = digits.str.replace_all(r"[, '\x{a0}\x{202f}]", "")
    comma = digits.str.replace_all(r"[. '\x{a0}\x{202f}]", "").str.replace(",", ".", literal=True)
    frame = pl.DataFrame({"digits": digits, "plain": plain, "comma": comma, "minus": is_negative})
    sign = pl.when("minus").then(pl.lit("-")).otherwise(pl.lit(""))
    number = (
        pl.when(pl.col("digits").str.contains(_PLAIN_NUMBER))
        .then("plain")
        .when(pl.col("digits").str.contains(_COMMA_NUMBER))
        .then("comma")
    )
    return frame.select((sign + number).alias(words.name)).to_series()


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
    read = _naive_by_formats(words, formats)
    frame = read.with_columns(zones.alias("zone")).with_columns(_utc_of(zones))
    stated = pl.col("naive") - pl.duration(minutes=pl.col("offset"))
    at = pl.when(pl.col("offset").is_not_null()).then(stated.dt.replace_time_zone("UTC")).otherwise("utc")
    frame = frame.with_columns(
        at=at,
        shifted=(pl.col("offset").is_null() & pl.col("utc").is_not_null() & pl.col("exact").is_null()),
        unreadable=pl.Series(words.is_not_null()) & pl.col("naive").is_null(),
    )
    return Moments(
        at=frame["at"].alias(cells.name),
        is_date=(frame["is_date"] & frame["at"].is_not_null()).fill_null(value=False),
        unreadable=frame["unreadable"],
        shifted=frame["shifted"],
        local=frame["naive"],
    )


def _utc_of(zones: pl.Series) -> list[pl.Expr]:
    """Expressions `utc` (every naive time placed) and `exact` (null inside a skipped hour), zone by zone."""
    exact, placed = pl.lit(None, pl.Datetime("us", "UTC")), pl.lit(None, pl.Datetime("us", "UTC"))
    hours = pl.duration(hours=3)
    for zone in sorted(zones.drop_nulls().unique().to_list()):
        here = pl.col("zone") == zone
        local = pl.col("naive").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        # Three hours earlier the old offset still held: counting on from there moves a skipped time forward by the gap.
        before = (pl.col("naive") - hours).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        exact = pl.when(here).then(local.dt.convert_time_zone("UTC")).otherwise(exact)
        moved = pl.coalesce(local.dt.convert_time_zone("UTC"), before.dt.convert_time_zone("UTC") + hours)
        placed = pl.when(here).then(moved).otherwise(placed)
    return [placed.alias("utc"), exact.alias("exact")]


def _naive_by_formats(words: pl.Series, formats: Sequence[str]) -> pl.DataFrame:
    """Columns naive (Datetime without zone), offset (minutes east or null), is_date: by the first format that reads."""
    readers = {"iso": _read_iso, "mdy": _read_slashed, "dmy": _read_slashed, "serial": _read_serial}
    read = _read_nothing(words)
    for form in formats:
        rest = words.set(read["naive"].is_not_null(), None)
        if rest.null_count() == rest.len():
            break
        tried = readers.get(form, _read_pattern)(rest, form)
        read = pl.DataFrame([tried[name].zip_with(read["naive"].is_null(), read[name]) for name in read.columns])
    return read


def _read_nothing(words: pl.Series) -> pl.DataFrame:
    schema = {"naive": pl.Datetime("us"), "offset": pl.Int32(), "is_date": pl.Boolean()}
    return pl.DataFrame(
        [pl.Series(name, [None], dtype).extend_constant(None, words.len()) for name, dtype in schema.items()]
    )[1:]


def _read_iso(words: pl.Series, _: str) -> pl.DataFrame:
    return _from_parts(words.str.extract_groups(_ISO).struct.unnest())


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
