"""Which days the words of the period and comparison filters mean. Days are the store's, both ends inclusive."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Final

from pages import region

Span = tuple[dt.date | None, dt.date | None]

CUSTOM: Final = "custom"
PERIODS: Final = (
    "last 90 days",
    "last 30 days",
    "last 365 days",
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "this year",
    "all data",
    CUSTOM,
)
PREVIOUS: Final = "previous period"
LAST_YEAR: Final = "same period last year"
COMPARISONS: Final = (PREVIOUS, LAST_YEAR, "none")
GRAINS: Final = ("month", "week", "quarter", "day", "year")
_TREND_MONTHS: Final = 13


def span_of(period: str, last_day: dt.date, chosen: Span = (None, None)) -> Span:
    """First and last day of a period; `last_day` is the last day that the data can know about.

    `all data` has no ends. `custom` takes the chosen ends; two ends in the wrong order are swapped.
    """
    if period == CUSTOM:
        start, end = chosen
        return (end, start) if start and end and start > end else (start, end)
    if period.startswith("last ") and period.endswith(" days"):
        return last_day - dt.timedelta(days=int(period.split()[1]) - 1), last_day
    month, quarter = last_day.replace(day=1), last_day.replace(month=(last_day.month - 1) // 3 * 3 + 1, day=1)
    spans: dict[str, Span] = {
        "this month": (month, last_day),
        "last month": ((month - dt.timedelta(days=1)).replace(day=1), month - dt.timedelta(days=1)),
        "this quarter": (quarter, last_day),
        "last quarter": (_months_before(quarter, 3), quarter - dt.timedelta(days=1)),
        "this year": (last_day.replace(month=1, day=1), last_day),
    }
    return spans.get(period, (None, None))


def compared_span(comparison: str, span: Span) -> Span | None:
    """The days to compare with: as many days directly before, or the same days a year earlier.

    A period of whole calendar months is compared with as many whole months before. None where the period is open at an
    end, or nothing is to be compared.
    """
    start, end = span
    if start is None or end is None or comparison not in {PREVIOUS, LAST_YEAR}:
        return None
    if comparison == LAST_YEAR:
        return year_before(start), _end_year_before(end)
    if start.day == 1 and _is_month_end(end):
        months = (end.year - start.year) * 12 + end.month - start.month + 1
        return _months_before(start, months), start - dt.timedelta(days=1)
    return start - (end - start) - dt.timedelta(days=1), start - dt.timedelta(days=1)


def _months_before(first: dt.date, number: int) -> dt.date:
    """The first day of the month so many months before the month of `first`."""
    months = first.year * 12 + first.month - 1 - number
    return dt.date(months // 12, months % 12 + 1, 1)


def year_before(day: dt.date) -> dt.date:
    """The same day a year earlier; 29 February becomes the 28th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28) if is_leap_day else day.replace(year=day.year - 1)


def _end_year_before(day: dt.date) -> dt.date:
    before = year_before(day)
    is_month_end = (day + dt.timedelta(days=1)).day == 1
    days_in_month = calendar.monthrange(before.year, before.month)[1]
    return before.replace(day=days_in_month) if is_month_end else before


def _is_month_end(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def trend_span(span: Span, last_day: dt.date, *, whole: bool = False) -> Span:
    """What a trend covers: at least thirteen months up to the period's end, from a month's first day.

    With `whole` a last month that is not over is left out. A period without a start keeps none.
    """
    start, end = span
    last = end or last_day
    months = last.year * 12 + last.month - _TREND_MONTHS
    early = dt.date(months // 12, months % 12 + 1, 1)
    if whole and (last + dt.timedelta(days=1)).day != 1:
        end = last.replace(day=1) - dt.timedelta(days=1)
    return (None if start is None else min(early, start.replace(day=1))), end


def words(span: Span) -> str:
    """A span as people say it: `Aug 24, 2026 to Nov 22, 2026`, with words for an open end."""
    start, end = span
    if start is None and end is None:
        return "all days in the data"
    ends = [_day(start) if start else "the first day", _day(end) if end else "the last day"]
    return ends[0] if start == end else " to ".join(ends)


def _day(day: dt.date) -> str:
    return region.day(day)
