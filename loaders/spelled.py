"""Dates with a spelled month or a named time zone, written anew so that the plain readers understand them.

"Mar 1, 2024 2:30 PM CST" becomes "2024-3-1 2:30 PM -06:00". Months are known in English, French, Spanish, German and
Portuguese. The name of a zone is taken only where it can mean one thing at the store: CST is not China's in Chicago.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

_MONTHS: Final = (
    "january february march april may june july august september october november december",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)
_ACCENTS: Final = (("[\u00e0-\u00e5]", "a"), ("[\u00e8-\u00eb]", "e"), ("[\u00f9-\u00fc]", "u"), ("\u00e7", "c"))
_DAY_FIRST: Final = (
    r"(?<day>\d{1,2})(?:st|nd|rd|th|er|\.)?[\s\-/.]*(?:de |of )?(?<name>\p{L}{3,10})\.?[\s\-/,]*(?:de |del )?"
)
_MONTH_FIRST: Final = r"(?<name>\p{L}{3,10})\.?[\s\-/]*(?<day>\d{1,2})(?:st|nd|rd|th)?(?:,\s*|[\s\-/]+)"
_YEAR_FIRST: Final = r"(?<year>\d{4})[\s\-/]+(?<name>\p{L}{3,10})\.?[\s\-/]+(?<day>\d{1,2})"
_YEAR: Final = r"(?<year>\d{4}|\d{2})"
_WEEKDAY: Final = r"^(?:\p{L}{2,12}\.?,?\s+)?"
_CLOCK: Final = r"(?:[,\sT]+(?:at\s+|um\s+|a\s+las\s+)?(?<clock>\d{1,2}:.*))?$"
_WAYS: Final = (
    f"{_WEEKDAY}{_DAY_FIRST}{_YEAR}{_CLOCK}",
    f"{_WEEKDAY}{_MONTH_FIRST}{_YEAR}{_CLOCK}",
    f"^{_YEAR_FIRST}{_CLOCK}",
)
# "Fri Mar 01 09:30:00 CST 2024", as Unix writes it: the year at the end goes before the clock.
_YEAR_LAST: Final = r"^\p{L}{3} (\p{L}{3} +\d{1,2}) (\d{1,2}:\d{2}:\d{2})( [A-Z]{3,4})? (\d{4})$"
_STATED: Final = r"\s*\(?(?:GMT|UTC)\s*([+-])(\d{1,2})(?::?(\d{2}))?\)?(?:\s*\(.*\))?$"
_NAMED: Final = r"^(?<moment>.*\d(?:\s?[AaPp]\.?[Mm]\.?)?)\s*\(?\b(?<abbreviation>[A-Z]{2,5})\)?$"
_NORTH_AMERICA: Final = {
    name: minutes
    for letter, winter in (("N", -210), ("A", -240), ("E", -300), ("C", -360), ("M", -420), ("P", -480), ("AK", -540))
    for name, minutes in ((f"{letter}ST", winter), (f"{letter}DT", winter + 60))
} | {"HST": -600}
_AMERICAN_ZONES: Final = ("America/", "US/", "Canada/", "Pacific/Honolulu")
_CLEAR: Final = {"GMT": 0, "UTC": 0, "Z": 0}
_HALF_YEARS: Final = (datetime(2024, 1, 15), datetime(2024, 7, 15))  # noqa: DTZ001  (a zone's winter and summer)


def plainly_dated(words: pl.Series, zones: pl.Series) -> pl.Series:
    """The same cells with months as numbers and zones as offsets; what is neither stays as it is.

    `zones`: the zone of each row's store, which decides what CST may mean.
    """
    plain = words.str.replace(_YEAR_LAST, "$1 $4 $2$3")
    for way in _WAYS:
        parts = plain.str.to_lowercase().str.extract_groups(way).struct.unnest()
        month = _numbers_of(parts["name"])
        if month.null_count() < month.len():
            plain = _numbered(plain, parts, month)
    return _with_offsets(plain, zones)


def _numbered(words: pl.Series, parts: pl.DataFrame, month: pl.Series) -> pl.Series:
    """Year-month-day and the clock as it stood."""
    year = pl.when(pl.col("year").str.len_chars() == 2).then(pl.lit("20") + pl.col("year")).otherwise("year")
    clock = pl.lit(" ") + pl.col("clock").str.to_uppercase()
    day = pl.concat_str(year, pl.col("month"), pl.col("day"), separator="-")
    plain = parts.with_columns(month=month).select(day + clock.fill_null("")).to_series()
    return plain.zip_with(plain.is_not_null(), words)


def _numbers_of(names: pl.Series) -> pl.Series:
    bare = names
    for letters, plain in _ACCENTS:
        bare = bare.str.replace_all(letters, plain)
    return bare.replace_strict(_month_numbers(), default=None, return_dtype=pl.String)


@cache
def _month_numbers() -> dict[str, str]:
    """Every name of a month and every beginning of it from three letters on that is no other month's."""
    found: dict[str, set[int]] = {}
    for beginning, number in _beginnings():
        found.setdefault(beginning, set()).add(number)
    known = {beginning: str(min(numbers)) for beginning, numbers in found.items() if len(numbers) == 1}
    return known | {"sept": "9"}


def _beginnings() -> Iterator[tuple[str, int]]:
    for language in _MONTHS:
        for number, name in enumerate(language.split(), start=1):
            yield from ((name[:length], number) for length in range(3, len(name) + 1))


def _with_offsets(words: pl.Series, zones: pl.Series) -> pl.Series:
    """Named zones as offsets where they are clear; GMT-0600 as -06:00."""
    stated = words.str.extract_groups(_STATED).struct.rename_fields(["sign", "hours", "minutes"]).struct.unnest()
    offset = pl.concat_str("sign", pl.col("hours").str.zfill(2), pl.lit(":"), pl.col("minutes").fill_null("00"))
    plain = words.str.replace(_STATED, "") + stated.select(pl.lit(" ") + offset).to_series()
    words = plain.zip_with(plain.is_not_null(), words)
    parts = words.str.extract_groups(_NAMED).struct.unnest().with_columns(zone=zones)
    asked = parts.select("abbreviation", "zone").drop_nulls().unique().rows()
    if not asked:
        return words
    known = [(name, zone, _offset_text(name, zone)) for name, zone in asked]
    clear = pl.DataFrame(known, schema=dict.fromkeys(("abbreviation", "zone", "offset"), pl.String), orient="row")
    read = parts.join(clear, on=["abbreviation", "zone"], how="left", maintain_order="left")
    named = read.select(pl.col("moment") + pl.col("offset")).to_series()
    return named.zip_with(named.is_not_null(), words)


@cache
def _offset_text(name: str, zone: str) -> str | None:
    """The offset that a zone's name means at a store of this zone; "" for the store's own clock; None if unclear."""
    own = _own_offsets(zone)
    if len(name) == 2 and name.endswith("T") and any(known[0] == name[0] for known in own if len(known) == 3):
        return ""
    minutes = own.get(name, _CLEAR.get(name))
    if minutes is None and own.keys() & _NORTH_AMERICA.keys() and zone.startswith(_AMERICAN_ZONES):
        minutes = _NORTH_AMERICA.get(name)
    if minutes is None:
        return None
    sign, (hours, rest) = ("-" if minutes < 0 else "+"), divmod(abs(minutes), 60)
    return f" {sign}{hours:02}:{rest:02}"


def _own_offsets(zone: str) -> dict[str, int]:
    """The names that a zone itself has for its winter and its summer time, in minutes east."""
    moments = [moment.replace(tzinfo=ZoneInfo(zone)) for moment in _HALF_YEARS]
    return {str(moment.tzname()): int((moment.utcoffset() or timedelta()).total_seconds() // 60) for moment in moments}
