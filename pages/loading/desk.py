"""One load at a time, in a thread of its own: a page that is drawn again or a tab that is closed does not touch it.

No streamlit here. A load is all or nothing (loaders.snapshot): should this server end in the midst of one, the last
snapshot still serves.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loaders.errors import LoaderError
from loaders.intake import Sheet, without_rows
from loaders.progress import Progress, time_left
from loaders.snapshot import Published

_UNFORESEEN: Final = "It is written in this server's log. Nothing was loaded; the last snapshot still serves."


@dataclass(frozen=True)
class Outcome:
    """What a load left behind: its files without their rows, and what was published (None: nothing to load)."""

    sheets: tuple[Sheet, ...]
    published: Published | None


Work = Callable[[Progress], tuple[list[Sheet], Published | None]]


@dataclass
class Job:
    """A load on its way, written by its thread and read by every session."""

    title: str
    who: str
    began: dt.datetime
    started: float = field(default_factory=time.monotonic)
    done: float = 0.0
    text: str = ""
    outcome: Outcome | None = None
    error: str | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.over.is_set()

    def report(self, done: float, text: str) -> None:
        """Note how far the load is, 0 to 1, and what it is at."""
        self.done, self.text = max(self.done, min(done, 1.0)), text

    def line(self) -> str:
        """How far it is in words: "42%, reading leads.csv 1,204 rows, 9,000/s, about 12 s left"."""
        left = time_left(time.monotonic() - self.started, self.done)
        return ", ".join(part for part in (f"{self.done:.0%}", self.text, left) if part)


@dataclass
class Desk:
    """The loads of one warehouse that this server runs: at most one at a time, and the last one."""

    last: Job | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def running(self) -> Job | None:
        """The load that is on its way, if there is one."""
        return self.last if self.last and not self.last.is_over else None

    def start(self, title: str, who: str, work: Work) -> Job | None:
        """Begin a load; None where one is on its way already."""
        with self.lock:
            if self.running():
                return None
            job = self.last = Job(title, who, dt.datetime.now(dt.UTC))
        threading.Thread(target=_run, args=(job, work), name="upboard-load").start()
        return job


def _run(job: Job, work: Work) -> None:
    try:
        sheets, published = work(job.report)
        job.outcome = Outcome(tuple(without_rows(sheet) for sheet in sheets), published)
    except LoaderError as error:
        job.error = str(error)
    except BaseException as error:
        # Whatever it was, the page says so, and the log of the server holds the rest.
        job.error = f"The load ended with an error that nobody foresaw: {type(error).__name__}.\n\nHint: {_UNFORESEEN}"
        raise
    finally:
        job.over.set()
