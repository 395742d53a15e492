"""Where in the week a rate fails: the rectangle of weekdays and hours in which misses crowd beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]
Index = NDArray[np.intp]

SIGNIFICANT: Final = 0.05
_BATCH: Final = 20
_BATCHES: Final = 10
# So many tables of luck with a block as crowded are enough to know that luck makes such blocks.
_ENOUGH: Final = 10
_SEED: Final = 20_260_101
# A block that holds more than this share of all chances is not a place, it is the whole.
_LARGEST: Final = 0.5


@dataclass(frozen=True)
class Block:
    """A rectangle of a table, its ends inclusive, with what lies inside and outside of it.

    `p_value`: how often a table of the same chances and the same sum of misses, thrown together by luck, has a block as
    crowded as this one anywhere; or a bound above it.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    chances: int
    misses: int
    other_chances: int
    other_misses: int
    p_value: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether luck alone makes a block as crowded in at most one table of twenty."""
        return self.p_value <= SIGNIFICANT


def crowded_block(chances: Counts, misses: Counts) -> Block | None:
    """The block in which misses are most crowded, beside the rest of the table; None where nothing can be told apart.

    Shapes: two tables of the same rows (such as weekdays) and columns (such as hours), whole counts, misses at most
    chances. Blocks are all rectangles of neighbouring rows and columns with at most half of all chances. Looking at
    all of them at once is paid for: the p-value compares with the most crowded block of tables where the same misses
    fall on the chances by luck alone. Draws are seeded, so equal tables give equal answers.

    Source: M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26 (1997) 1481-1496, Bernoulli
    model; drawing stops early as in J. Besag and P. Clifford, Biometrika 78 (1991) 301-304.
    """
    whole, missed = int(chances.sum()), int(misses.sum())
    corners = _corners(*chances.shape)
    inside = _sums(chances[np.newaxis], corners)[0]
    is_block = (inside > 0) & (inside <= whole * _LARGEST)
    if not (0 < missed < whole and is_block.any()):
        return None
    corners, inside = corners[:, is_block], inside[is_block]
    counted = _sums(misses[np.newaxis], corners)
    found = _crowding(counted, inside, whole, missed)[0].round(9)
    best = int(found.argmax())
    if found[best] <= 0:
        return None
    top, bottom, left, right = (int(corner) for corner in corners[:, best])
    n, hit = int(inside[best]), int(counted[0, best])
    p_value = _p_value(float(found[best]), chances, missed, corners, inside)
    return Block((top, bottom - 1), (left, right - 1), n, hit, whole - n, missed - hit, p_value)


def _p_value(crowding: float, chances: Counts, missed: int, corners: Index, inside: Counts) -> float:
    """How often luck makes a block as crowded: bounded by all blocks at once (Bonferroni), else by drawing tables."""
    alone = NormalDist().cdf(-((2 * crowding) ** 0.5))
    if alone * inside.size <= SIGNIFICANT or alone > SIGNIFICANT:
        return min(alone * inside.size, 1.0)
    random, whole, crowded, drawn = np.random.default_rng(_SEED), int(chances.sum()), 0, 0
    needed = _needed(crowding, inside, whole, missed)
    while drawn < _BATCH * _BATCHES and crowded < _ENOUGH:
        counted = _sums(_thrown(random, chances, missed), corners)
        crowded, drawn = crowded + int((counted >= needed).any(axis=1).sum()), drawn + _BATCH
    return (1 + crowded) / (1 + drawn)


def _needed(crowding: float, inside: Counts, whole: int, missed: int) -> Counts:
    """The fewest misses that make each block as crowded as this; one more than it can hold where nothing does.

    More misses than its share make a block the more crowded, so halving finds the edge.
    """
    most = np.minimum(inside, missed)
    low, high = -(-inside * missed // whole), most + 1
    for _ in range(int(high.max()).bit_length() + 1):
        middle = np.minimum((low + high) // 2, most)
        is_enough = _crowding(middle[np.newaxis], inside, whole, missed)[0] >= crowding - 1e-9
        is_open = low < high
        high = np.where(is_open & is_enough, middle, high)
        low = np.where(is_open & ~is_enough, middle + 1, low)
    return high


@cache
def _corners(rows: int, columns: int) -> Index:
    """First row, row after the last, first column, column after the last: one column of four for each rectangle.

    Small ones first: of blocks that differ only by empty places, the smallest is the first.
    """
    pairs = [
        (*down, *across) for down in combinations(range(rows + 1), 2) for across in combinations(range(columns + 1), 2)
    ]
    by_size = sorted(pairs, key=lambda at: (at[1] - at[0]) * (at[3] - at[2]))
    return np.array(by_size, dtype=np.intp).reshape(-1, 4).T


def _sums(tables: Counts, corners: Index) -> Counts:
    """What each of several tables (first axis) holds in each rectangle."""
    summed = np.pad(tables.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    top, bottom, left, right = corners
    found: Counts = summed[:, bottom, right] - summed[:, top, right] - summed[:, bottom, left] + summed[:, top, left]
    return found


def _crowding(counted: Counts, inside: Counts, whole: int, missed: int) -> Numbers:
    """The log likelihood ratio of a rate of its own inside against one rate everywhere; 0 where it is lower inside.

    Shapes: a table of misses per draw and block, and the chances per block.
    """
    logs = _weighted_logs(whole)
    own = logs[counted] + logs[inside - counted] - logs[inside]
    rest = logs[missed - counted] + logs[whole - inside - missed + counted] - logs[whole - inside]
    one_rate = logs[missed] + logs[whole - missed] - logs[whole]
    is_higher = counted * whole > inside * missed
    return np.where(is_higher, own + rest - one_rate, 0.0)


def _weighted_logs(largest: int) -> Numbers:
    """Each n times its logarithm, for n from 0 to the largest, with 0 for 0."""
    numbers = np.arange(largest + 1, dtype=np.float64)
    return numbers * np.log(np.maximum(numbers, 1.0))


def _thrown(random: np.random.Generator, chances: Counts, missed: int) -> Counts:
    """Tables where the misses fall on the chances by luck alone: draws without replacement."""
    drawn = random.multivariate_hypergeometric(chances.ravel(), missed, size=_BATCH, method="marginals")
    return np.asarray(drawn, dtype=np.int64).reshape(_BATCH, *chances.shape)
