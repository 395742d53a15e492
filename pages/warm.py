"""Readies a fresh server, so that the first visitor does not wait for libraries to load and files to open.

The pages' libraries are half of what a fresh process does for its first page; the other half is its questions. The
launcher loads the libraries before it answers, and asks the questions in a thread of its own.
"""

from __future__ import annotations

import atexit
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from streamlit import runtime

from metrics.declare import NoSuchData
from pages import PAGES, frame, users

LOG: Final = logging.getLogger("upboard")
# What Streamlit and Plotly load only when they first draw a table or a chart.
_WHEN_FIRST_DRAWN: Final = ("pandas", "pyarrow", "plotly.graph_objs", "plotly.io", "plotly.tools")
_FIRST: Final = next(iter(next(iter(PAGES.values()))))
_NO_VISITOR: Final = "streamlit.runtime.scriptrunner_utils.script_run_context"


def load() -> None:
    """Load every page and what it draws with.

    Call it before the first visitor can come: a library that is half loaded in one thread may fail in another.
    """
    for name in (*_WHEN_FIRST_DRAWN, *(f"pages.{page}" for pages in PAGES.values() for page in pages)):
        import_module(name)
    # What is loaded by now stays: the collector need not walk it again and again while visitors wait.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # What is never freed, DuckDB reports on the way out as lost.


def warm(directory: Path) -> None:
    """Load what pages need, and draw the first page once for nobody; say how long it took.

    `directory`: the warehouse that the pages read. Its numbers are remembered as a visitor's are. Without a snapshot,
    or where the page needs a visitor who signed in, the libraries are loaded all the same. Never raises for that.
    """
    begun = time.perf_counter()
    load()
    is_drawn = directory.resolve() == frame.warehouse_directory().resolve() and _draw_for_nobody()
    what = "libraries and first page" if is_drawn else "libraries"
    LOG.info("warm after %.1f s: %s", time.perf_counter() - begun, what)


def _draw_for_nobody() -> bool:
    """Draw the first page without a visitor: what it writes goes nowhere. False where it cannot be drawn so.

    Where people sign in, it is never drawn for nobody.
    """
    if users.configured():
        return False
    page = import_module(f"pages.{_FIRST}")
    with _unwatched():
        try:
            frame.register({})
            page.render(frame.sidebar())
        except NoSuchData:
            return False
        except Exception as error:  # a page may need a visitor; a server must start all the same
            LOG.info("the first page was not drawn beforehand: %s", type(error).__name__)
            return False
        finally:
            _let_go_of_files()
    return True


def _let_go_of_files() -> None:
    """Nobody takes the files whose buttons were drawn for nobody: what makes them held the snapshot open for ever."""
    if runtime.exists():
        files = runtime.get_instance().media_file_mgr
        files.clear_session_refs()
        files.remove_orphaned_files()


@contextmanager
def _unwatched() -> Iterator[None]:
    """Streamlit warns of every element that no visitor will see; here that is what is meant."""
    log = logging.getLogger(_NO_VISITOR)
    log.addFilter(_is_of_a_visitor)
    try:
        yield
    finally:
        log.removeFilter(_is_of_a_visitor)


def _is_of_a_visitor(record: logging.LogRecord) -> bool:
    return (record.threadName or "").startswith("ScriptRunner")


def begin(directory: Path, then: Callable[[], None]) -> threading.Thread:
    """Draw the first page, then do what follows, in a thread that ends with the process; call `load` first."""

    def work() -> None:
        warm(directory)
        then()

    thread = threading.Thread(target=work, name="warm", daemon=True)
    thread.start()
    return thread
