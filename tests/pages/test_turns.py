"""Turns at the processor: never more than agreed, first parts before later ones, nobody waits for who left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest

from pages.turns import FIRST, LATER, PATIENT_FOR, Turns, working_for

PATIENCE: Final = 10.0


class GoneError(Exception):
    """The reader has asked for something else."""


def nothing() -> None:
    """A look that finds nothing new."""


def _held(turns: Turns, pool: ThreadPoolExecutor) -> tuple[threading.Event, Future[None]]:
    """A turn that somebody has until the event is set."""
    over, begun = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn(nothing):
            begun.set()
            assert over.wait(PATIENCE)

    held = pool.submit(hold)
    assert begun.wait(PATIENCE)
    return over, held


def _queued(turns: Turns, pool: ThreadPoolExecutor, work: Callable[[], None], whose: int = FIRST) -> Future[None]:
    """Somebody who stands in the queue once this returns."""
    before = len(turns._waiting)

    def ask() -> None:
        with working_for(whose), turns.turn(nothing):
            work()

    queued, until = pool.submit(ask), time.monotonic() + PATIENCE
    while len(turns._waiting) == before:
        assert time.monotonic() < until
        time.sleep(0.001)
    return queued


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_never_more_at_once_than_agreed_and_everybody_has_their_turn(at_once: int) -> None:
    turns, lock, inside, most = Turns(at_once), threading.Lock(), [0], [0]

    def work(_: int) -> int:
        with turns.turn(nothing):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.002)
            with lock:
                inside[0] -= 1
        return 1

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(work, range(60))) == 60
    assert most[0] == at_once


def test_first_parts_go_before_later_ones_and_each_kind_in_order() -> None:
    turns, seen = Turns(1), list[str]()
    with ThreadPoolExecutor(6) as pool:
        over, _ = _held(turns, pool)
        for whose, name in ((LATER, "later 1"), (LATER, "later 2"), (FIRST, "first 1"), (FIRST, "first 2")):
            _queued(turns, pool, lambda name=name: seen.append(name), whose)  # type: ignore[misc]
        over.set()
    assert seen == ["first 1", "first 2", "later 1", "later 2"]


def test_a_later_part_lets_so_many_first_ones_go_before_it_and_no_more() -> None:
    turns, seen = Turns(1), list[str]()
    with ThreadPoolExecutor(12) as pool:
        over, _ = _held(turns, pool)
        _queued(turns, pool, lambda: seen.append("later"), LATER)
        for _ in range(PATIENT_FOR):  # as if so many had come and gone meanwhile
            next(turns._tickets)
        _queued(turns, pool, lambda: seen.append("first"))
        over.set()
    assert seen == ["later", "first"]


def test_who_leaves_the_queue_is_not_waited_for() -> None:
    turns, seen = Turns(1), list[str]()

    def leave() -> None:
        raise GoneError

    with ThreadPoolExecutor(6) as pool:
        over, _ = _held(turns, pool)
        with pytest.raises(GoneError), turns.turn(leave):
            seen.append("never")
        _queued(turns, pool, lambda: seen.append("next"))
        over.set()
    assert seen == ["next"]
    assert turns._taken == 0


def test_a_turn_that_comes_while_one_leaves_is_given_on() -> None:
    turns, seen = Turns(1), list[str]()
    with ThreadPoolExecutor(6) as pool:
        over, held = _held(turns, pool)

        def end_the_other_and_leave() -> None:
            over.set()
            held.result(PATIENCE)
            raise GoneError

        with pytest.raises(GoneError), turns.turn(end_the_other_and_leave):
            seen.append("never")
        with turns.turn(nothing):
            seen.append("next")
    assert seen == ["next"]
    assert turns._taken == 0


def test_who_has_a_turn_may_ask_for_another_and_keeps_one() -> None:
    turns = Turns(1)
    with turns.turn(nothing), turns.turn(nothing):
        assert turns._taken == 1
    assert turns._taken == 0


def test_a_failure_gives_the_turn_on() -> None:
    turns = Turns(1)
    with pytest.raises(GoneError), turns.turn(nothing):
        raise GoneError
    with turns.turn(nothing):
        assert turns._taken == 1
