"""The verdicts on people on simulated teams whose truth is known: 50 fixed runs of what `make bench` does with 1,000.

Limits are wider than the claims by what so few runs leave to chance.
"""

from __future__ import annotations

import polars as pl
import pytest

from tests.benchmarks.calibration import (
    TEAMS,
    Share,
    alike,
    differing,
    first,
    is_act,
    is_called,
    is_covered,
    only,
    poor,
    share,
    weak,
)

Runs = list[pl.DataFrame]
RUNS = 50


@pytest.fixture(scope="module")
def equal() -> Runs:
    return alike(RUNS, TEAMS[1::2])


@pytest.fixture(scope="module")
def different() -> Runs:
    return differing(RUNS, TEAMS[1::2])


def test_with_all_people_equal_chance_calls_no_more_than_it_may(equal: Runs) -> None:
    assert not share(equal, is_called()).exceeds(0.05, confidence=0.99)
    assert not share(equal, is_act()).exceeds(0.002, confidence=0.99)
    assert share(equal, is_called()).value > 0.02, "nor is it so careful that it sees nothing"


def test_intervals_cover_what_they_say(equal: Runs, different: Runs) -> None:
    for runs in (equal, different):
        assert 0.92 <= share(runs, is_covered()).value <= 0.98
    assert 0.92 <= share(different, is_covered("shrunken_low", "shrunken_high")).value <= 0.98


@pytest.mark.parametrize(("chances", "rate"), [(105, 0.3), (45, 0.7), (45, 0.5)])
def test_half_the_teams_rate_is_seen(chances: int, rate: float) -> None:
    """Contact to appointment on 150 leads of which 105 were contacted; shows of 45 appointments due."""
    runs = weak(RUNS, chances, rate)
    assert share(only(runs, first()), is_called()).value >= 0.75
    assert not share(only(runs, ~first()), is_called()).exceeds(0.05, confidence=0.99)


@pytest.mark.parametrize("is_group_shared", [False, True])
def test_poor_leads_make_nobody_look_weak(is_group_shared: bool) -> None:
    runs = poor(RUNS, is_group_shared=is_group_shared)
    theirs, others = (share(only(runs, who), is_called()) for who in (first(), ~first()))
    assert theirs.value - others.value <= 2.3 * (theirs.error**2 + others.error**2) ** 0.5


def test_an_excess_would_be_found() -> None:
    assert Share(0.08, 0.01, 1000).exceeds(0.05)
    assert not Share(0.06, 0.01, 1000).exceeds(0.05)
