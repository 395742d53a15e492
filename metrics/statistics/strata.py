"""People by strata as arrays: who handled how many leads of which kind, ready for arithmetic over all people at once.

A *stratum* is a kind of lead: one combination of values, such as (website leads, own site, form, new, after hours). Its
*nested* columns run from coarse to fine (source group, source): each stands within the one before it. Its *crossed*
columns (lead type, vehicle condition, after hours) cut across all of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Index = NDArray[np.intp]
_KEY: Final = "upboard key"


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the tree upwards: the parent of each node, and the first child of each parent."""

    parent: Index
    first: Index


@dataclass(frozen=True, eq=False)
class Strata:
    """The tree of strata, and which value of each crossed column a stratum has.

    `steps[0]` leads from each stratum to the node above it, `steps[1]` from each of those to the next, and so on up
    to the one root, which is the whole. Strata stand in such an order that the children of a node are neighbours.
    `is_crossed` says that the lowest step is the one of the crossed columns; `factors` has a row per stratum and a
    column of 0 and 1 per value of a crossed column.
    """

    steps: tuple[Step, ...]
    is_crossed: bool
    factors: Numbers


@dataclass(frozen=True, eq=False)
class Caseload:
    """What each person of a team (row) had in each stratum (column): chances, and hits among them."""

    people: pl.DataFrame
    strata: Strata
    chances: Numbers
    hits: Numbers


def caseloads(
    cells: pl.DataFrame, person: str, nested: Sequence[str], crossed: Sequence[str], team: str | None = None
) -> list[Caseload]:
    """Cells (a row per person and stratum, with chances and hits) as tables of people by strata, one for each team.

    Without `team` all people are one, also where there is nobody. Several rows of one cell are added up; a null is a
    value of its own; rows without chances are left out. Teams and the people of each come in the order of their names.
    """
    filled = cells.filter(pl.col("chances") > 0)
    apart = [] if team is None else [team]
    kinds, kind = _codes(filled, [*apart, *nested, *crossed])
    people, who = _codes(filled, [*apart, person])
    strata = _strata(kinds, team, nested, crossed)
    cases = [filled[name].cast(pl.Float64).to_numpy() for name in ("chances", "hits")]
    loads = []
    for those, own, tree in zip(runs(people, team), runs(kinds, team), strata, strict=True):
        rows = np.flatnonzero((who >= those.start) & (who < those.stop))
        shape = those.stop - those.start, own.stop - own.start
        place = (who[rows] - those.start) * shape[1] + kind[rows] - own.start
        tables = [np.bincount(place, weights=part[rows], minlength=shape[0] * shape[1]) for part in cases]
        chances, hits = (table.astype(np.float64).reshape(shape) for table in tables)
        loads.append(Caseload(people[those], tree, chances, hits))
    return loads


def runs(frame: pl.DataFrame, team: str | None) -> list[slice]:
    """The rows of each team in a frame that is sorted by it; all rows without `team`, or where there are none."""
    if team is None or frame.is_empty():
        return [slice(0, frame.height)]
    first = np.flatnonzero(np.diff(frame[team].rle_id().to_numpy().astype(np.intp), prepend=-1))
    return [slice(start, stop) for start, stop in pairwise([*first.tolist(), frame.height])]


def sums(values: Numbers, step: Step) -> Numbers:
    """Values of children (last axis) added up by parent."""
    return np.add.reduceat(values, step.first, axis=-1)


def _codes(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, Index]:
    """The distinct rows in sorted order, and for each row the number of its own among them.

    Rows are compared by a hash of 64 bits, several times faster than by several columns of text.
    """
    if not columns:
        return pl.DataFrame({_KEY: [0]}), np.zeros(frame.height, dtype=np.intp)
    kept = frame.select(columns)
    _, first, code = np.unique(kept.hash_rows().to_numpy(), return_index=True, return_inverse=True)
    distinct = kept[first].with_row_index(_KEY).sort(columns)
    place = np.empty(len(first), dtype=np.intp)
    place[distinct[_KEY].to_numpy()] = np.arange(len(first))
    return distinct.drop(_KEY), place[code]


def _strata(kinds: pl.DataFrame, team: str | None, nested: Sequence[str], crossed: Sequence[str]) -> list[Strata]:
    """The strata of each team."""
    apart = [] if team is None else [team]
    paths = [
        kinds.select(number=pl.struct([*apart, *nested[:depth]]).rle_id())["number"].to_numpy().astype(np.intp)
        for depth in range(len(nested), 0, -1)
    ]
    indicators = kinds.select(pl.col(list(crossed)).cast(pl.String)).to_dummies() if crossed else pl.DataFrame()
    factors = indicators.to_numpy().astype(np.float64).reshape(kinds.height, indicators.width)
    used = paths if crossed else paths[1:]
    return [_strata_of([path[own] for path in used], factors[own], bool(crossed)) for own in runs(kinds, team)]


def _strata_of(paths: Sequence[Index], factors: Numbers, is_crossed: bool) -> Strata:
    """The strata of one team, with the nodes numbered from its own first one and the values that it has."""
    own = [path - path[:1] for path in paths]
    nodes = [np.arange(len(factors)), *own, np.zeros(len(factors), dtype=np.intp)]
    steps = tuple(_step(below, above) for below, above in pairwise(nodes))
    return Strata(steps, is_crossed, factors[:, factors.any(axis=0)])


def _step(below: Index, above: Index) -> Step:
    """From the node that each stratum has on one step to the one it has on the next."""
    parent = above[np.flatnonzero(np.diff(below, prepend=-1))]
    return Step(parent, np.flatnonzero(np.diff(parent, prepend=-1)))
