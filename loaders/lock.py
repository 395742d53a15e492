"""One writer at a time: a warehouse is held by a lock of the operating system, which falls when its process ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from loaders.errors import LoaderError, LockedError
from loaders.progress import Progress

LOCK: Final = "lock"
HOLDER: Final = "lock.holder"
# Long enough for a nightly load to let another one end; who cannot wait says so with --wait.
WAIT_SECONDS: Final = 60.0


@contextmanager
def only_writer(warehouse: Path, wait_seconds: float, progress: Progress) -> Iterator[None]:
    """Hold a warehouse's folder for writing, once another load that holds it has ended.

    A process that is killed holds nothing any more; neither does a lock file that was left behind.

    Raises:
        LockedError: The other load did not end in time (who it is, and since when).
        LoaderError: The folder cannot be written.
    """
    lock = FileLock(warehouse / LOCK)
    try:
        _acquire(lock, warehouse, wait_seconds, progress)
        (warehouse / HOLDER).write_text(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    except OSError as error:
        lock.release()
        hint = "Choose a folder that you may write to with --warehouse DIR, or free some space."
        raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
    try:
        yield
    finally:
        with suppress(OSError):
            (warehouse / HOLDER).unlink()
        lock.release()


def _acquire(lock: FileLock, warehouse: Path, wait_seconds: float, progress: Progress) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(0, f"waiting for {_holder(warehouse)}")
        try:
            lock.acquire(timeout=wait_seconds, poll_interval=0.1)
        except Timeout as error:
            hint = "Try again when it has ended, or wait longer: --wait SECONDS. Readers are not disturbed meanwhile."
            message = f"The warehouse {warehouse} is locked by another load: {_holder(warehouse)}."
            raise LockedError(message, hint) from error


def _holder(warehouse: Path) -> str:
    """Who holds the lock, as that load wrote it down; it may just be about to."""
    try:
        return (warehouse / HOLDER).read_text(encoding="utf-8").strip() or "a process that began this moment"
    except (OSError, UnicodeDecodeError):
        return "a process that began this moment"
