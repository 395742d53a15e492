"""When a store is open, and what a moment is called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from loaders.settings import Store

Span = tuple[datetime, datetime]
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class StoreClock:
    """The opening hours of a store as UTC moments, day by day."""

    zone: ZoneInfo
    spans: Mapping[date, Span]

    def local(self, at: datetime) -> datetime:
        """The moment as the store's wall clock shows it."""
        return at.astimezone(self.zone)

    def day(self, at: datetime) -> date:
        """The calendar day of the moment at the store."""
        return at.astimezone(self.zone).date()

    def at(self, day: date, minutes: float) -> datetime:
        """So many minutes after the store's midnight, as a UTC moment in whole seconds."""
        wall = datetime.combine(day, time(), self.zone) + timedelta(seconds=round(minutes * 60))
        return wall.astimezone(UTC)

    def is_open(self, at: datetime) -> bool:
        """Whether the store is open at that moment."""
        span = self.spans.get(self.day(at))
        return span is not None and span[0] <= at < span[1]

    def after_open(self, at: datetime, minutes: float) -> datetime:
        """The moment when the store has been open for so many minutes since `at`."""
        left = timedelta(seconds=round(minutes * 60))
        day = self.open_day(self.day(at))
        while True:
            opens, closes = self.spans[day]
            start = max(at, opens)
            if left < closes - start:
                return start + left
            left -= max(closes - start, timedelta())
            day = self.open_day(day + _ONE_DAY)

    def open_day(self, day: date) -> date:
        """That day if the store opens then, else the next day it does."""
        while day not in self.spans:
            day += _ONE_DAY
        return day


def clock_of(store: Store, first: date, last: date) -> StoreClock:
    """The clock of a store from `first` to `last`; past `last` the store stays closed, so ask for room."""
    zone = ZoneInfo(store.time_zone)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    spans = ((day, _span(store, zone, day)) for day in days if day not in store.holidays)
    return StoreClock(zone, {day: span for day, span in spans if span is not None})


def _span(store: Store, zone: ZoneInfo, day: date) -> Span | None:
    minutes = store.hours.minutes(day.weekday())
    if minutes is None:
        return None
    midnight = datetime.combine(day, time(), zone)
    opens, closes = ((midnight + timedelta(minutes=minute)).astimezone(UTC) for minute in minutes)
    return opens, closes
