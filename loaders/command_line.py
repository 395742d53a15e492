"""What the commands of the loaders share: options, exit statuses, and how they end: done, failed or stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer

from loaders.errors import LoaderError
from loaders.output import print_json, say
from loaders.settings import Settings, load_settings

DONE: Final = 0
NOTHING_LOADED: Final = 1
WRONG_USAGE: Final = 2
STOPPED_BY_HAND: Final = 130
STOPPED: Final = "Stopped. The last snapshot still serves."

# The same names as the server and its service read, so that no command works on another warehouse than they serve.
Warehouse = Annotated[Path, typer.Option(envvar="UPBOARD_WAREHOUSE", help="The folder that holds the snapshots.")]
SettingsFile = Annotated[
    Path, typer.Option("--settings", envvar="UPBOARD_SETTINGS", help="Stores, hours, windows, standards, targets.")
]
WaitSeconds = Annotated[float, typer.Option("--wait", min=0, help="How long to wait for another load to end, seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
DEFAULT_WAREHOUSE: Final = Path("data/warehouse")
DEFAULT_SETTINGS: Final = Path("data/settings.toml")


def settings_in(path: Path) -> Settings:
    """The settings file; where the default one does not exist, the defaults of every setting."""
    return Settings() if path == DEFAULT_SETTINGS and not path.exists() else load_settings(path)


@contextmanager
def failing_with(status: int, *, as_json: bool, stopped: str = "Stopped.") -> Iterator[None]:
    """Print an error with its hint, or that a signal stopped it, and leave with a status instead of a traceback."""
    with _noting_interrupt() as is_interrupted:
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if is_interrupted.is_set() or isinstance(error, KeyboardInterrupt):
                _leave(stopped, STOPPED_BY_HAND, as_json=as_json)
            if isinstance(error, LoaderError):
                _leave(str(error), status, as_json=as_json)
            raise


@contextmanager
def _noting_interrupt() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set: a library that is interrupted may say so with an error of its own."""
    is_interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield is_interrupted  # signals reach the main thread only
        return

    def noted(number: int, frame: FrameType | None) -> None:
        is_interrupted.set()
        signal.default_int_handler(number, frame)

    with _answering_signals(noted):
        yield is_interrupted


def _leave(why: str, status: int, *, as_json: bool) -> NoReturn:
    say(why)
    if as_json:
        print_json({"error": why})
    raise typer.Exit(status)


@contextmanager
def stopping_on_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that the step at work ends first; a second signal ends it at once."""
    stop = threading.Event()

    def asked(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with _answering_signals(asked):
        yield stop


@contextmanager
def _answering_signals(answer: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Answer Ctrl-C and SIGTERM so, until this ends."""
    before = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
