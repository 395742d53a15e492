"""Keeps the schedule of settings.toml: looks at inboxes, sends letters, writes backups, each as a process of its own.

One process keeps time and does nothing else, so a run that fails, hangs or needs a gigabyte harms nobody. When a run is
due is computed anew from the clock each time, in the store's time zone: in the night when clocks go forward a run at
02:30 happens at 03:00, in the one when they go back it happens once (cronsim, as Debian's cron).
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loaders.errors import LoaderError
from loaders.runs import Outcome, Run, note_run, read_runs, trim_runs
from loaders.settings import Zone, load_settings

LOCK: Final = "schedule.lock"
LONGEST: Final = timedelta(hours=6)
_ENDS_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 30.0
_LOOK_AT_RUN_SECONDS: Final = 0.2
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY: Final = re.compile(r"(\d{1,5}) (second|minute|hour)s?")
_AT: Final = re.compile(r"(daily|[a-z]{3}(?:, ?[a-z]{3})*) ([01]\d|2[0-3]):([0-5]\d)")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_STOPPED_WITH: Final = (0, -signal.SIGTERM, -signal.SIGINT, 130)


class Job(BaseModel):
    """One [[schedule]] of settings.toml: what runs, and either how often or at which time of the store's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    run: Literal["watch", "digest", "backup"]
    every: str | None = None
    at: str | None = None
    folder: Path | None = None
    reader: Literal["gm", "marketing", "crm_manager"] | None = Field(default=None, alias="for")
    store: str | None = None
    keep: int = Field(default=7, ge=1)
    zone: Zone | None = None

    @field_validator("every")
    @classmethod
    def _every_so_often(cls, text: str | None) -> str | None:
        found = _EVERY.fullmatch(text) if text is not None else None
        if text is not None and (found is None or int(found[1]) == 0):
            raise ValueError(f'"{text}" says not how often; write "10 minutes", "1 hour" or "30 seconds"')
        return text

    @field_validator("at")
    @classmethod
    def _at_a_time(cls, text: str | None) -> str | None:
        if text is not None:
            _cron(text)
        return text

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        if (self.every is None) == (self.at is None):
            raise ValueError('say when: either every = "10 minutes" or at = "daily 02:00"')
        if (self.run == "digest") != (self.reader is not None):
            raise ValueError('a digest, and nothing else, says whom it is for: for = "gm"')
        if (self.run == "digest") == (self.folder is not None):
            raise ValueError('watch and backup, and nothing else, name a folder: folder = "data/inbox"')
        return self

    @property
    def name(self) -> str:
        """What the job is called in the list of runs."""
        return f"digest for {self.reader}" if self.reader else f"{self.run} {self.folder}"


@dataclass(frozen=True)
class Orders:
    """What to keep: the jobs, where the warehouse and the settings are, and whose clock they follow.

    `doubts` are what is likely forgotten, in words: a letter that goes to nobody fails only when it is due.
    """

    jobs: tuple[Job, ...]
    warehouse: Path
    settings: Path
    zone: ZoneInfo
    doubts: tuple[str, ...] = ()


@dataclass
class _State:
    """One job as it stands: when it is due next, and its process while it runs."""

    job: Job
    due: datetime
    process: subprocess.Popen[bytes] | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


def read_orders(settings: Path, warehouse: Path) -> Orders:
    """The schedule of a settings file; the clock is that of its first store unless a job names a zone.

    Raises:
        LoaderError: The file is wrong, or has no [[schedule]].
    """
    known = load_settings(settings)
    found = tomllib.loads(settings.read_text(encoding="utf-8-sig")).get("schedule", [])
    if not found:
        hint = "Write a [[schedule]] into it; docs/run_unattended.md shows how."
        raise LoaderError(f"The settings file {settings} has no [[schedule]].", hint)
    jobs = tuple(_job(settings, number, told) for number, told in enumerate(found, start=1))
    names = [job.name for job in jobs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise LoaderError(f'{settings} has two [[schedule]] of "{twice}".', "Leave one of them out.")
    zone = known.stores[0].time_zone if known.stores else known.defaults.time_zone
    return Orders(jobs, warehouse, settings, ZoneInfo(zone), tuple(_doubts(jobs, known.mail, settings)))


def _doubts(jobs: Sequence[Job], mail: Mapping[str, Any], settings: Path) -> Iterator[str]:
    """Letters that nobody would get. What else stands in [mail] is checked by the command that sends them."""
    to = mail.get("to")
    readers = to if isinstance(to, Mapping) else {}
    for job in jobs:
        if job.reader and not readers.get(job.reader):
            yield (
                f"{job.name} would go to nobody: {settings} has no [mail.to] {job.reader}. "
                "Hint: docs/digest.md shows the part [mail]; try it with `python -m pages digest --send`."
            )


def _job(settings: Path, number: int, told: Any) -> Job:
    try:
        return Job.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        message = f"{settings}, [[schedule]] number {number}{f', {where}' if where else ''}: {reason}."
        raise LoaderError(message, "docs/run_unattended.md shows every key of a [[schedule]].") from error


def command_of(job: Job, orders: Orders) -> list[str]:
    """The words of a job's process."""
    places = ["--warehouse", str(orders.warehouse), "--settings", str(orders.settings)]
    python = [sys.executable, "-m"]
    if job.reader:
        store = ["--store", job.store] if job.store else []
        return [*python, "pages", "digest", "--for", job.reader, "--send", *store, *places]
    if job.run == "backup":
        return [*python, "loaders", "backup", "--into", str(job.folder), "--keep", str(job.keep), *places]
    store = ["--store", job.store] if job.store else []
    return [*python, "loaders", "watch", str(job.folder), "--once", *store, *places]


def letter_command(orders: Orders) -> list[str]:
    """The words of the process that mails that a run failed."""
    return [sys.executable, "-m", "pages.runs", str(orders.warehouse), str(orders.settings)]


def next_due(job: Job, after: datetime, zone: ZoneInfo) -> datetime:
    """When a job is due next, UTC: the first time of its clock after a moment, or so long after it."""
    if job.at is not None:
        local = after.astimezone(ZoneInfo(job.zone) if job.zone else zone)
        return next(CronSim(_cron(job.at), local)).astimezone(UTC)
    found = _EVERY.fullmatch(job.every or "")
    if found is None:
        raise ValueError(f"{job.name} says not how often")
    return after + timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def first_due(job: Job, runs: Sequence[Run], now: datetime, zone: ZoneInfo) -> datetime:
    """When a job is due after a start: at once where a time of it passed since its last run, however many did.

    A job that never ran waits for its first time; one that runs every so often does not.
    """
    last = next((run for run in reversed(runs) if run.job == job.name), None)
    if job.every is not None:
        return now
    if last is None:
        return next_due(job, now, zone)
    return max(now, due) if (due := next_due(job, datetime.fromisoformat(last.started), zone)) else now


def _cron(text: str) -> str:
    """A time such as "daily 02:00" or "mon, thu 07:00" as cron writes it. ValueError where it is neither."""
    found = _AT.fullmatch(" ".join(text.lower().split()))
    days = re.split(r", ?", found[1]) if found else []
    if found is None or not (days == ["daily"] or set(days) <= set(_DAYS)):
        raise ValueError(f'"{text}" is no time; write "daily 02:00", "Mon 07:00" or "Mon, Thu 07:00"')
    return f"{int(found[3])} {int(found[2])} * * {'*' if days == ['daily'] else ','.join(days)}"


def keep_schedule(
    orders: Orders,
    stop: threading.Event,
    say: Callable[[str], None],
    command: Callable[[Job, Orders], list[str]] = command_of,
    letter: Callable[[Orders], list[str]] = letter_command,
) -> None:
    """Start what is due, note what ended, until `stop` is set; then what runs is asked to end, and waited for.

    A job never runs twice at once: what comes due meanwhile is done once, afterwards.

    Raises:
        LoaderError: Another process keeps the schedule of this warehouse, or its folder cannot be written.
    """
    with _alone(orders.warehouse):
        trim_runs(orders.warehouse)
        runs, now = read_runs(orders.warehouse), datetime.now(UTC)
        states = [_State(job, first_due(job, runs, now, orders.zone)) for job in orders.jobs]
        for doubt in orders.doubts:
            say(doubt)
        for state in states:
            say(f"{state.job.name}: next at {state.due.astimezone(orders.zone):%Y-%m-%d %H:%M %Z}")
        while not stop.is_set():
            for state in states:
                _look_after(state, orders, say, command, letter)
            stop.wait(_until_next(states))
        for state in states:
            _end(state, orders, say)


@contextmanager
def _alone(warehouse: Path) -> Iterator[None]:
    """Held while the schedule is kept. LoaderError where somebody else holds it."""
    try:
        warehouse.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(warehouse / LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        hint = "One is enough; stop the other first."
        raise LoaderError(f"Another process keeps the schedule of {warehouse}.", hint) from error
    except OSError as error:
        raise LoaderError(f"{warehouse} cannot be written: {error}.", "Mend the rights of the folder.") from error
    try:
        yield
    finally:
        lock.release()


def _until_next(states: Sequence[_State]) -> float:
    """How long to wait: a moment while something runs; else until the next is due, and never long, as clocks jump."""
    if any(state.process for state in states):
        return _LOOK_AT_RUN_SECONDS
    until = min(state.due for state in states) - datetime.now(UTC)
    return min(max(until.total_seconds(), 0.0), _LOOK_SECONDS)


def _look_after(
    state: _State,
    orders: Orders,
    say: Callable[[str], None],
    command: Callable[[Job, Orders], list[str]],
    letter: Callable[[Orders], list[str]],
) -> None:
    now = datetime.now(UTC)
    if state.process is not None:
        if now - state.started > LONGEST and state.process.poll() is None:
            state.process.kill()
            state.process.wait()
        if state.process.poll() is not None and _noted(state, orders, say):
            _tell(orders, say, letter)
    if state.process is None and state.due <= now:
        state.started, state.due = now, next_due(state.job, now, orders.zone)
        say(f"{state.job.name}: started")
        state.process = subprocess.Popen(command(state.job, orders), stdin=subprocess.DEVNULL)  # noqa: S603  # our own words


def _noted(state: _State, orders: Orders, say: Callable[[str], None]) -> bool:
    """Note how a run ended; gives whether it is the first of its job that failed, of which somebody should know."""
    status = state.process.returncode if state.process else 0
    state.process = None
    before = next((run for run in reversed(read_runs(orders.warehouse)) if run.job == state.job.name), None)
    message = f"It ended with status {status}; the log of the schedule says why." if status else ""
    _note(state, orders, "failed" if status else "done", message, say)
    return bool(status) and (before is None or before.outcome != "failed")


def _note(state: _State, orders: Orders, outcome: Outcome, message: str, say: Callable[[str], None]) -> None:
    started, ended = (moment.isoformat(timespec="seconds") for moment in (state.started, datetime.now(UTC)))
    say(f"{state.job.name}: {outcome}{f'. {message}' if message else ''}")
    try:
        note_run(orders.warehouse, Run(state.job.name, started, ended, outcome, message))
    except OSError as error:
        say(f"The run cannot be noted in {orders.warehouse}: {error}.")


def _tell(orders: Orders, say: Callable[[str], None], letter: Callable[[Orders], list[str]]) -> None:
    """Have the failure mailed; that nobody is to be mailed is no failure of its own."""
    try:
        subprocess.run(letter(orders), stdin=subprocess.DEVNULL, timeout=_ENDS_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        say(f"The failure was not mailed: {type(error).__name__}.")


def _end(state: _State, orders: Orders, say: Callable[[str], None]) -> None:
    """Ask a run to end, as Ctrl-C would; after a minute it is ended."""
    if state.process is None:
        return
    state.process.terminate()
    try:
        status = state.process.wait(_ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        state.process.kill()
        status = state.process.wait()
    outcome: Outcome = "done" if status == 0 else "stopped" if status in _STOPPED_WITH else "failed"
    _note(state, orders, outcome, "" if status == 0 else "The schedule was stopped meanwhile.", say)
