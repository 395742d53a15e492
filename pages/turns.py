"""Turns at the processor: how many questions are worked out at once, and whose is next.

Fifty readers who change a filter ask for hundreds of numbers in the same second. Worked out all at once they only
hinder each other: Python lets one thread run at a time, and each of them takes it from the others every few
milliseconds. So a question waits until a processor is free, as do the parts that draw themselves, and what a reader
looks at first goes before what comes later on their page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from threading import Event, Lock
from typing import Final

FIRST, LATER = 0, 1
# How many of the first parts that come after it go before a later one: it waits longer, but not for ever.
PATIENT_FOR: Final = 200
LOOKS_EVERY_SECONDS: Final = 0.25
# Which of the two the present thread works for.
_PART: Final[ContextVar[int]] = ContextVar("part", default=FIRST)


@dataclass
class Turns:
    """At most `at_once` threads at a time; of those that wait, first parts go first, and who came first before others.

    A later part lets some first parts that came after it go before it, and no more. Who has a turn and asks for another
    of the same goes on at once: waiting for oneself would never end.
    """

    at_once: int
    _taken: int = 0
    _waiting: list[tuple[int, int, Event]] = field(default_factory=list)
    _tickets: Iterator[int] = field(default_factory=count)
    _lock: Lock = field(default_factory=Lock)
    _is_mine: ContextVar[bool] = field(default_factory=lambda: ContextVar("is_mine", default=False))

    @contextmanager
    def turn(self, look: Callable[[], object]) -> Iterator[None]:
        """Wait for a turn, and give it on at the end.

        `look` is called now and then while it waits; what it raises ends the waiting: nobody wants the answer any more.
        """
        if self._is_mine.get():
            yield
            return
        self._wait(look)
        token = self._is_mine.set(True)
        try:
            yield
        finally:
            self._is_mine.reset(token)
            self._give_on()

    def _wait(self, look: Callable[[], object]) -> None:
        with self._lock:
            if self._taken < self.at_once:
                self._taken += 1
                return
            ticket = next(self._tickets)
            mine = (ticket + PATIENT_FOR * _PART.get(), ticket, Event())
            heappush(self._waiting, mine)
        try:
            while not mine[-1].wait(LOOKS_EVERY_SECONDS):
                look()
        except BaseException:
            self._leave(mine)
            raise

    def _leave(self, mine: tuple[int, int, Event]) -> None:
        """Wait no longer; a turn that was given meanwhile is given on."""
        with self._lock:
            is_waiting = mine in self._waiting
            if is_waiting:
                self._waiting.remove(mine)
                heapify(self._waiting)
        if not is_waiting:
            self._give_on()

    def _give_on(self) -> None:
        with self._lock:
            if self._waiting:
                heappop(self._waiting)[-1].set()
            else:
                self._taken -= 1


def _processors() -> int:
    """How many processors this process may use, which can be fewer than the machine has."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(allowed(0)) if allowed else os.cpu_count() or 1


_PROCESSORS: Final = max(2, _processors())
# For all sessions of the server: questions that are worked out, and parts of pages that draw themselves. A part that
# has its turn asks for numbers in turn; whoever works out a number asks for nothing more.
NUMBERS: Final = Turns(_PROCESSORS)
PARTS: Final = Turns(_PROCESSORS)


@contextmanager
def working_for(part: int) -> Iterator[None]:
    """What this thread asks for belongs to a page's first part (FIRST), or to one that comes LATER."""
    token = _PART.set(part)
    try:
        yield
    finally:
        _PART.reset(token)
