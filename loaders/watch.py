"""Loads what scheduled reports drop into a folder, each file once it is complete.

The folder is looked at now and then instead of asking the system for events: exports often arrive on network shares,
where no event is sent, and one that comes a few seconds later costs nothing. Files are never moved, changed or deleted.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from loaders import snapshot
from loaders.errors import LoaderError, LockedError
from loaders.intake import Choices, Sheet, take_in
from loaders.progress import Progress, part
from loaders.read import SUFFIXES
from loaders.snapshot import Published
from loaders.star import Moment

TEMPORARY_SUFFIXES: Final = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download")
TEMPORARY_STARTS: Final = (".", "~$")
_LOOK_FOR_LOCK: Final = 2.0
_CHUNK: Final = 1 << 20
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True)
class Look:
    """What a look at a file shows without opening it: bytes, and when it was changed."""

    size: int
    changed_ns: int


@dataclass(frozen=True)
class Orders:
    """What to watch and where to load it: a look every so many seconds, without end or (`is_once`) two looks only."""

    folder: Path
    warehouse: Path
    choices: Choices
    seconds: float
    is_once: bool = False


@dataclass(frozen=True)
class Voice:
    """How a watch speaks: a message, the result of a load, and the progress of one."""

    say: Callable[[str], None]
    loaded: Callable[[Sequence[Sheet], Published | None], None]
    progress: Callable[[], AbstractContextManager[Progress]]


class _StoppedError(Exception):
    """The watch was asked to end."""


def watch(orders: Orders, voice: Voice, stop: threading.Event) -> bool:
    """Look, load what is complete and new, wait, and so on until `stop` is set; gives whether the last load went well.

    A file is complete when two looks show the same, its name is no temporary one, and an archive opens. It is loaded
    once; one that fails is reported once, and tried again when it changes. What is complete at once is one load. A
    stop ends the load between two of its steps: then nothing of it is kept, and the last snapshot still serves.
    """
    seen: Mapping[Path, Look] = {}
    done: dict[Path, Look] = {}
    told: set[object] = set()
    is_good: bool | None = True
    is_second = False
    while not stop.is_set():
        now = look_at(orders.folder)
        _tell_once(voice, told, [] if orders.folder.is_dir() else [f"{orders.folder} is not there: waiting for it."])
        ready = [path for path in complete(now, seen) if done.get(path) != now[path] and _opens(path, now, told, voice)]
        if ready:
            is_good = _load(orders, ready, voice, told, stop)
            done |= {path: now[path] for path in ready if is_good is not None}
        seen = now
        if (orders.is_once and is_second) or stop.wait(orders.seconds):
            break
        is_second = True
    return is_good is True


def look_at(folder: Path) -> dict[Path, Look]:
    """Every file below a folder that could be an export, in name order, as it looks now."""
    found: dict[Path, Look] = {}
    for path in sorted(folder.rglob("*")):
        if is_export(path.relative_to(folder)):
            try:
                state = path.stat()
            except OSError:
                continue  # gone since it was listed
            if path.is_file():
                found[path] = Look(state.st_size, state.st_mtime_ns)
    return found


def is_export(path: Path) -> bool:
    """Whether a name, below the folder, is that of a file to load, and not one that is still being written."""
    name = path.name.lower()
    is_hidden = any(part.startswith(".") for part in path.parts)
    is_temporary = name.startswith(TEMPORARY_STARTS) or name.endswith(TEMPORARY_SUFFIXES)
    return name.endswith(SUFFIXES) and not is_hidden and not is_temporary


def complete(now: Mapping[Path, Look], before: Mapping[Path, Look]) -> list[Path]:
    """The files that look as they did before."""
    return [path for path, look in now.items() if before.get(path) == look]


def _opens(path: Path, now: Mapping[Path, Look], told: set[object], voice: Voice) -> bool:
    """Whether a file that begins as an archive or workbook has its end too: its list of contents stands there."""
    try:
        with path.open("rb") as file:
            is_whole = file.read(len(_ZIP)) != _ZIP or zipfile.is_zipfile(path)
    except OSError:
        return False
    if not is_whole and (path, now[path]) not in told:
        told.add((path, now[path]))
        voice.say(f"{path} does not open: not complete yet, or damaged. It is taken when it changes and opens.")
    return is_whole


def _load(orders: Orders, ready: Sequence[Path], voice: Voice, told: set[object], stop: threading.Event) -> bool | None:
    """Load the files that no earlier load brought; None where the warehouse could not take them, to try again."""
    try:
        new = _not_loaded(orders.warehouse, ready)
        if not new:
            return True
        with voice.progress() as report:
            stoppable = _stoppable(report, stop)
            sheets = take_in(new, orders.choices, part(stoppable, 0.0, 0.5))
            published = _published(orders, sheets, part(stoppable, 0.5, 1.0), voice, stop)
    except LoaderError as error:
        _tell_once(voice, told, [str(error)])
        return None
    except _StoppedError:
        return True
    voice.loaded(sheets, published)
    return not any(sheet.error for sheet in sheets)


def _tell_once(voice: Voice, told: set[object], messages: Iterable[str]) -> None:
    for message in messages:
        if message not in told:
            told.add(message)
            voice.say(message)


def _not_loaded(warehouse: Path, paths: Sequence[Path]) -> list[Path]:
    """Those whose very content no load of the serving snapshot's history has brought."""
    loaded = snapshot.loaded_hashes(warehouse)
    return [path for path in paths if _content_hash(path) not in loaded]


def _content_hash(path: Path) -> str | None:
    """The hash of a file's bytes; None where it cannot be read, which the load then says."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def _stoppable(report: Progress, stop: threading.Event) -> Progress:
    def step(done: float, text: str) -> None:
        if stop.is_set():
            raise _StoppedError
        report(done, text)

    return step


def _published(
    orders: Orders, sheets: list[Sheet], progress: Progress, voice: Voice, stop: threading.Event
) -> Published | None:
    """Publish what was read; another load's lock is waited for, and said once."""
    if not any(conformed.read for sheet in sheets for conformed in sheet.conformed):
        return None
    is_said = False
    while True:
        try:
            moment = Moment(loaded_at=datetime.now(UTC))
            return snapshot.publish(sheets, orders.warehouse, orders.choices.settings, moment, progress, wait_seconds=0)
        except LockedError:
            if not is_said:
                voice.say(f"Another load holds {orders.warehouse}: waiting for it to end.")
            is_said = True
            if stop.wait(_LOOK_FOR_LOCK):
                raise _StoppedError from None
