"""How numbers, amounts and days are written where the stores are. The words around them stay English.

A region is a locale of the Unicode CLDR such as `de_DE` or `fr_CA`; `und_CA` leaves the language to the country. It
holds for the run that set it, as the readers of one server may look at stores of several countries.
"""

from __future__ import annotations

import datetime as dt
import re
from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from math import floor, log10
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

Number = int | float | Decimal

DEFAULT: Final = "en_US"
# Where English words stand beside a date that CLDR does not write in English, the day comes first.
_DAY_FIRST: Final = "en_GB"
# The letters of CLDR's days as `strftime` and d3 write them.
_SIGNS: Final = {"y": "%Y", "MMM": "%b", "MM": "%m", "dd": "%d", "d": "%-d"}
_LETTERS: Final = re.compile("y|MMM|MM|dd?")
_LETTER_BY_DIGIT: Final = re.compile(r"(?<=[A-Za-z])(?=\d)")
_current: ContextVar[str] = ContextVar("region", default=DEFAULT)


def use(region: str | None) -> None:
    """Write numbers as in this region from here on; None, or a region that CLDR does not know, is the default."""
    _current.set(region if region and _is_known(region) else DEFAULT)


def current() -> str:
    """The region that numbers are written for."""
    return _current.get()


@cache
def _locale(region: str) -> Locale:
    return Locale.parse(region)


def _is_known(region: str) -> bool:
    try:
        _locale(region)
    except (UnknownLocaleError, ValueError):
        return False
    return True


@cache
def _date_locale(region: str) -> Locale:
    """English as written in the region's country, for names of months."""
    try:
        return Locale("en", _locale(region).territory or "US")
    except UnknownLocaleError:
        return Locale.parse(_DAY_FIRST)


def decimal(value: Number, digits: int = 0) -> str:
    """A number with grouped thousands and this many decimals, rounded half to even."""
    return format_decimal(value, format=_pattern(digits), locale=_locale(current()))


def significant(value: Number, digits: int = 3) -> str:
    """A number to so many digits that count, whole from 100 on: `0.0123`, `1.23`, `1,235`; no zeros at its end."""
    size = floor(log10(abs(float(value)))) if value else 0
    kept = "#" * max(0, digits - 1 - size)
    return format_decimal(value, format=f"#,##0.{kept}" if kept else "#,##0", locale=_locale(current()))


@cache
def _pattern(digits: int) -> str:
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def percent(share: Number, digits: int = 1) -> str:
    """A share of one as a percentage: 0.123 is `12.3%`. The sign stands close, for the sake of narrow tables."""
    return format_percent(share, format=f"{_pattern(digits)}%", locale=_locale(current()))


def money(value: Number, currency: str, digits: int = 0) -> str:
    """An amount with its currency where the region puts it; a code that is no currency stands before the number."""
    locale = _locale(current())
    pattern = locale.currency_formats["standard"].pattern.split(";")[0].replace("0.00", _pattern(digits)[4:])
    written = format_currency(value, currency, format=pattern, locale=locale, currency_digits=False)
    return _LETTER_BY_DIGIT.sub(" ", written.replace("\xa0", " "))


def day(value: dt.date) -> str:
    """A day as people read it, such as `Nov 22, 2026` or `22 Nov 2026`."""
    return format_date(value, "medium", locale=_date_locale(current()))


def day_pattern() -> str:
    """The pattern that `day` writes by, in the signs that d3 knows: `%b %-d, %Y` or `%-d %b %Y`."""
    written = _date_locale(current()).date_formats["medium"].pattern
    return _LETTERS.sub(lambda found: _SIGNS[found[0]], written)


def moment(value: dt.datetime) -> str:
    """A local moment as people read it, `Nov 22, 2026 17:05`; of midnight the day alone, as exports write days so."""
    return day(value.date()) if (value.hour, value.minute) == (0, 0) else f"{day(value.date())} {value:%H:%M}"


def separators() -> str:
    """The decimal and thousands signs, as Plotly's `layout.separators` wants them."""
    symbols = _locale(current()).number_symbols["latn"]
    return f"{symbols['decimal']}{symbols['group']}"
