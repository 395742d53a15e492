"""A run's numbers are of one snapshot, and are not worked out for a reader who has left."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Final

import duckdb
import pytest
import streamlit as st

from metrics.filters import Filters
from pages import frame, turns

PATIENCE: Final = 10.0
LATER_SNAPSHOT: Final = "snapshots/20991122T101500Z-ab12cd34.duckdb"


@contextmanager
def every_turn_taken() -> Iterator[None]:
    """Nobody else is given a turn until this ends."""
    over, held = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        with turns.NUMBERS.turn(lambda: None):
            held.release()
            assert over.wait(PATIENCE)

    holders = [threading.Thread(target=hold) for _ in range(turns.NUMBERS.at_once)]
    for holder in holders:
        holder.start()
    try:
        for _ in holders:
            assert held.acquire(timeout=PATIENCE)
        yield
    finally:
        over.set()
        for holder in holders:
            holder.join(PATIENCE)


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def publish(warehouse: Path, name: str) -> None:
    """As a load does, or an undo; CURRENT looks new whatever the clock's steps are."""
    (warehouse / "CURRENT.new").write_text(f"{name}\n")
    (warehouse / "CURRENT.new").replace(warehouse / "CURRENT")
    frame.look_again()


@pytest.fixture
def warehouse(showrooms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the full one, with a second snapshot of no opportunities that is not published."""
    place = tmp_path / "warehouse"
    shutil.copytree(showrooms["full"], place)
    name = (place / "CURRENT").read_text().strip()
    shutil.copy(place / name, place / LATER_SNAPSHOT)
    with duckdb.connect(str(place / LATER_SNAPSHOT)) as con:
        con.execute("delete from fct_opportunity")
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(place))
    st.cache_data.clear()
    st.cache_resource.clear()
    yield place
    frame._OF_THIS_RUN.set(None)


def opportunities() -> float:
    return float(frame.evaluate(("opportunities",), Filters())["value"].item())


def test_what_waited_while_a_load_was_published_is_a_number_of_the_snapshot_it_was_asked_of(warehouse: Path) -> None:
    truth, found = opportunities(), list[float]()
    assert truth > 0
    st.cache_data.clear()
    asker = threading.Thread(target=lambda: found.append(opportunities()))
    with every_turn_taken():
        asker.start()
        until(lambda: turns.NUMBERS._waiting)
        publish(warehouse, LATER_SNAPSHOT)
    asker.join(PATIENCE)
    assert (found, opportunities()) == ([truth], 0.0)


def test_a_run_asks_one_snapshot_whatever_is_published_while_it_draws(warehouse: Path) -> None:
    truth = opportunities()
    st.cache_data.clear()

    def run_begun_before() -> tuple[float, int]:
        frame.look_again()
        copy_context().run(publish, warehouse, LATER_SNAPSHOT)  # as another run sees it
        frame.ask_ahead((("opportunities",), Filters()))
        return opportunities(), frame.facts().row_counts["fct_opportunity"]

    assert copy_context().run(run_begun_before) == (truth, truth)
    assert copy_context().run(opportunities) == 0.0


def test_what_is_asked_side_by_side_waits_where_its_part_of_the_page_waits(warehouse: Path) -> None:
    def ask_for(part: int) -> None:
        with turns.working_for(part):
            frame.ask_ahead((("leads",), Filters()))

    asked = []
    for part in (turns.FIRST, turns.LATER):
        st.cache_data.clear()
        asker = threading.Thread(target=ask_for, args=(part,))
        with every_turn_taken():
            asker.start()
            until(lambda: turns.NUMBERS._waiting)
            ((rank, ticket, _),) = turns.NUMBERS._waiting
            asked.append(rank - ticket)
        asker.join(PATIENCE)
    assert asked == [0, turns.PATIENT_FOR]


def test_whoever_asks_side_by_side_and_leaves_is_not_waited_for(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class GoneError(Exception):
        """The reader has asked for something else."""

    asking = threading.current_thread()

    def gone() -> None:
        if threading.current_thread() is asking and len(turns.NUMBERS._waiting) == 2:
            raise GoneError
        still_wanted()

    still_wanted = frame._still_wanted
    monkeypatch.setattr(frame, "_still_wanted", gone)
    with every_turn_taken():
        with pytest.raises(GoneError):
            frame.ask_ahead((("leads",), Filters()), (("opportunities",), Filters()))
        assert turns.NUMBERS._waiting == []
