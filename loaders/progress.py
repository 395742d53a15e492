"""How far a long load is: a bar on a terminal; in the log of a scheduled job, a line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

# Told with how much is done (0 to 1) and what is going on.
Progress = Callable[[float, str], None]

LINE_EVERY: Final = 10.0
_SURE_AFTER: Final = 0.02


@dataclass
class _State:
    """What was said last; written by the load, read by the thread that prints."""

    done: float = 0.0
    text: str = ""
    started: float = field(default_factory=time.monotonic)


class _TimeLeft(ProgressColumn):
    """About how long it still takes, from what is done and the time that took."""

    def render(self, task: Task) -> Text:
        return Text(time_left(task.elapsed or 0.0, task.completed))


@contextmanager
def shown(console: Console, *, every: float = LINE_EVERY) -> Iterator[Progress]:
    """Show on the console what the load reports: a bar on a terminal, else a line each `every` seconds.

    A load that ends before that leaves no line.
    """
    with _bar(console) if console.is_terminal else _lines(console, every) as report:
        yield report


def part(report: Progress, start: float, end: float) -> Progress:
    """The progress of a part that takes from `start` to `end` of the whole."""
    return lambda done, text: report(start + done * (end - start), text)


def pace(rows: int, seconds: float) -> str:
    """How many rows were read, and how fast: "1,000 rows, 500/s"; nothing before the first row."""
    if rows == 0:
        return ""
    return f"{rows:,} rows, {rows / seconds:,.0f}/s" if seconds > 0 else f"{rows:,} rows"


def time_left(elapsed: float, done: float) -> str:
    """About how long it still takes, in words; nothing while it is too early to say."""
    if done < _SURE_AFTER:
        return ""
    seconds = round(elapsed * (1 - min(done, 1.0)) / done)
    return f"about {seconds // 60} min left" if seconds >= 120 else f"about {seconds} s left"


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    text = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    left = _TimeLeft(table_column=Column(no_wrap=True, width=len("about 100 s left")))
    columns = (text, BarColumn(bar_width=12), TaskProgressColumn(), left)
    with Bar(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done, text: bar.update(task, completed=done, description=text)


@contextmanager
def _lines(console: Console, every: float) -> Iterator[Progress]:
    """A thread prints, so that a step that takes long does not fall silent."""
    state, is_over = _State(), threading.Event()

    def report(done: float, text: str) -> None:
        state.done, state.text = done, text

    printer = threading.Thread(target=_print_until, args=(is_over, every, console, state), daemon=True)
    printer.start()
    try:
        yield report
    finally:
        is_over.set()
        printer.join()


def _print_until(is_over: threading.Event, every: float, console: Console, state: _State) -> None:
    while not is_over.wait(every):
        left = time_left(time.monotonic() - state.started, state.done)
        line = ", ".join(said for said in (f"{state.done:.0%}", state.text, left) if said)
        console.print(line, markup=False, soft_wrap=True)
