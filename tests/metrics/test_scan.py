"""The scan finds a crowded block where there is one, keeps quiet where there is none, and pays for looking around."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.scan import Counts, crowded_block

Cells = list[list[tuple[int, int]]]


def tables(cells: Cells) -> tuple[Counts, Counts]:
    pairs = np.array(cells, dtype=np.int64)
    return pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 1]


def most_crowded(chances: Counts, misses: Counts) -> float:
    """The highest log likelihood ratio of any block, by plain loops over the binomial likelihoods."""
    whole, missed = chances.sum(), misses.sum()
    found = 0.0
    for top, bottom in combinations(range(chances.shape[0] + 1), 2):
        for left, right in combinations(range(chances.shape[1] + 1), 2):
            n, hit = chances[top:bottom, left:right].sum(), misses[top:bottom, left:right].sum()
            if n == 0 or n > whole / 2 or hit * whole <= missed * n:
                continue
            ratio = likelihood(hit, n) + likelihood(missed - hit, whole - n) - likelihood(missed, whole)
            found = max(found, ratio)
    return found


def likelihood(hits: float, n: float) -> float:
    share = hits / n
    parts = ((hits, share), (n - hits, 1 - share))
    return float(sum(count * np.log(chance) for count, chance in parts if count))


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=4), min_size=3, max_size=3
    )
)
def test_the_block_is_the_most_crowded_of_all(cells: Cells) -> None:
    chances, misses = tables(cells)
    found, best = crowded_block(chances, misses), most_crowded(chances, misses)
    if found is None:
        assert best == pytest.approx(0, abs=1e-9)
        return
    rows, columns = slice(found.rows[0], found.rows[1] + 1), slice(found.columns[0], found.columns[1] + 1)
    assert (found.chances, found.misses) == (chances[rows, columns].sum(), misses[rows, columns].sum())
    assert found.chances + found.other_chances == chances.sum()
    assert found.misses + found.other_misses == misses.sum()
    inside = likelihood(found.misses, found.chances) + likelihood(found.other_misses, found.other_chances)
    assert inside - likelihood(misses.sum(), chances.sum()) == pytest.approx(best, abs=1e-8)


def test_a_planted_block_is_found_with_its_edges() -> None:
    chances = np.full((7, 24), 20, dtype=np.int64)
    misses = np.full((7, 24), 6, dtype=np.int64)
    misses[4:6, 17:20] = 16
    found = crowded_block(chances, misses)
    assert found is not None
    assert (found.rows, found.columns, found.is_beyond_chance) == ((4, 5), (17, 19), True)
    assert (found.chances, found.misses) == (120, 96)


def test_empty_places_do_not_widen_a_block() -> None:
    chances, misses = np.zeros((7, 24), dtype=np.int64), np.zeros((7, 24), dtype=np.int64)
    chances[:, (9, 17)] = 30
    misses[4, 17] = 25
    found = crowded_block(chances, misses)
    assert found is not None
    assert (found.rows, found.columns) == ((4, 4), (17, 17))


@pytest.mark.parametrize(
    ("chances", "misses"),
    [
        (np.zeros((7, 24), dtype=np.int64), np.zeros((7, 24), dtype=np.int64)),
        (np.ones((7, 24), dtype=np.int64), np.zeros((7, 24), dtype=np.int64)),
        (np.ones((7, 24), dtype=np.int64), np.ones((7, 24), dtype=np.int64)),
        (np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 0]])),
    ],
    ids=["nothing", "no misses", "all missed", "one chance"],
)
def test_where_nothing_can_be_told_apart_there_is_no_block(chances: Counts, misses: Counts) -> None:
    assert crowded_block(chances, misses) is None


def test_luck_alone_is_called_beyond_chance_at_most_as_often_as_it_says() -> None:
    """Of 300 tables without a pattern about 15 may be called; more than 28 would be once in a thousand times."""
    random, called = np.random.default_rng(3), 0
    for _ in range(300):
        chances = random.integers(0, 12, (7, 12))
        found = crowded_block(chances, random.binomial(chances, 0.4))
        called += found is not None and found.is_beyond_chance
    assert called <= 28


def test_equal_tables_give_equal_answers() -> None:
    random = np.random.default_rng(5)
    chances = random.integers(5, 30, (7, 24))
    misses = random.binomial(chances, 0.4)
    assert crowded_block(chances, misses) == crowded_block(chances.copy(), misses.copy())
