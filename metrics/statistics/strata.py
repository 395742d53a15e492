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
_CODE: Final = "upboard code"


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
    """What each person (row) had in each stratum (column): chances, and hits among them."""

    people: pl.Series
    strata: Strata
    chances: Numbers
    hits: Numbers


def caseload(cells: pl.DataFrame, person: str, nested: Sequence[str], crossed: Sequence[str]) -> Caseload:
    """Cells (a row per person and stratum, with chances and hits) as a table of people by strata.

    Several rows of one cell are added up; a null is a value of its own; rows without chances are left out. People come
    in the order of their names.
    """
    filled = cells.filter(pl.col("chances") > 0)
    kinds, kind = _codes(filled, [*nested, *crossed])
    people, who = _codes(filled, [person])
    shape = people.height, kinds.height
    place = who * shape[1] + kind
    tables = [
        np.bincount(place, weights=filled[name].cast(pl.Float64).to_numpy(), minlength=shape[0] * shape[1])
        for name in ("chances", "hits")
    ]
    chances, hits = (table.astype(np.float64).reshape(shape) for table in tables)
    return Caseload(people[person], _strata(kinds, nested, crossed), chances, hits)


def sums(values: Numbers, step: Step) -> Numbers:
    """Values of children (last axis) added up by parent."""
    return np.add.reduceat(values, step.first, axis=-1)


def _codes(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, Index]:
    """The distinct rows in sorted order, and for each row the number of its own among them.

    Rows are compared by a hash of 64 bits, several times faster than by several columns of text.
    """
    if not columns:
        return pl.DataFrame({_CODE: [0]}).with_row_index(_KEY).select(_CODE), np.zeros(frame.height, dtype=np.intp)
    keys = frame.select(columns).hash_rows().alias(_KEY)
    first = pl.DataFrame({_KEY: keys}).with_row_index(_CODE).group_by(_KEY).first()
    distinct = frame.select(columns)[first[_CODE]].with_columns(first[_KEY]).sort(columns)
    coded = distinct.select(_KEY).with_row_index(_CODE)
    codes = keys.to_frame().join(coded, on=_KEY, how="left", maintain_order="left")[_CODE]
    return distinct.drop(_KEY), codes.to_numpy().astype(np.intp)


def _strata(kinds: pl.DataFrame, nested: Sequence[str], crossed: Sequence[str]) -> Strata:
    paths = [
        kinds.select(number=pl.struct(list(nested[:depth])).rle_id())["number"].to_numpy().astype(np.intp)
        for depth in range(len(nested), 0, -1)
    ]
    nodes = [np.arange(kinds.height), *(paths if crossed else paths[1:]), np.zeros(kinds.height, dtype=np.intp)]
    steps = tuple(_step(below, above) for below, above in pairwise(nodes))
    indicators = kinds.select(pl.col(list(crossed)).cast(pl.String)).to_dummies() if crossed else pl.DataFrame()
    factors = indicators.to_numpy().astype(np.float64).reshape(kinds.height, indicators.width)
    return Strata(steps, bool(crossed), factors)


def _step(below: Index, above: Index) -> Step:
    """From the node that each stratum has on one step to the one it has on the next."""
    parent = above[np.flatnonzero(np.diff(below, prepend=-1))]
    return Step(parent, np.flatnonzero(np.diff(parent, prepend=-1)))
