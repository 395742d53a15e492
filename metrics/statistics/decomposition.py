"""Why a number changed: the difference between two periods (or stores), split exactly into volume, mix and rate.

Volume is how many chances there were, mix how they were spread over the cells of a dimension (more leads from a weak
source), rate how well each cell converted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

VOLUME, MIX, RATE = "volume", "mix", "rate"
_PARTS: Final = (VOLUME, MIX, RATE)
_DIMENSION, _CELL = "dimension", "cell"


def decompose_hits(before: pl.DataFrame, now: pl.DataFrame, over: str) -> pl.DataFrame:
    """The change in hits (sales, shows), per cell of a dimension, as volume + mix + rate.

    Shape: `over, chances, hits` in, one row per cell and frame (more are summed); out one row per cell of either:
    `over, chances_before, hits_before, chances_now, hits_now, volume, mix, rate, change`. In every row and in every
    sum over rows volume + mix + rate = change = hits_now - hits_before. Method: hits are chances x share of the cell x
    its rate, split symmetrically for three factors by P. Das Gupta, Standardization and Decomposition of Rates (US
    Bureau of the Census P23-186, 1993), chapter 2. A cell's mix counts against the average rate: a gained share of a
    weak source is negative (the remainder of what share alone moves stands in volume, and its sum over cells is 0).
    Edge cases: a cell without chances in one frame has no rate there; it takes the rate that it has in the other, so
    it counts as volume and mix and never as rate. Where one whole frame has no chances, there is no mix of it: all is
    volume.
    """
    cells = _shares(_cells(before, now, (over,)))
    n0, n1, s0, s1, r0, r1 = (pl.col(name) for name in ("n0", "n1", "s0", "s1", "r0", "r1"))
    by_share = (n0 * r0 + n1 * r1) / 3 + (n0 * r1 + n1 * r0) / 6
    # Shares sum to 1, or to 0 where neither frame has any chance.
    average = ((s0 + s1) / 2 * by_share).sum()
    moved = pl.col("s1") - pl.col("s0")
    split = cells.with_columns(
        volume=(n1 - n0) * ((s0 * r0 + s1 * r1) / 3 + (s0 * r1 + s1 * r0) / 6) + moved * average,
        mix=moved * (by_share - average),
        rate=(r1 - r0) * ((n0 * s0 + n1 * s1) / 3 + (n0 * s1 + n1 * s0) / 6),
        change=pl.col("hits_now") - pl.col("hits_before"),
    )
    return split.select(over, *_COUNTS, *_PARTS, "change")


def decompose_rate(before: pl.DataFrame, now: pl.DataFrame, over: str) -> pl.DataFrame:
    """The change in a rate, per cell of a dimension, as mix + rate.

    Shape: as `decompose_hits` in; out `over, chances_before, hits_before, chances_now, hits_now, mix, rate`. The sum
    of mix and rate over all cells is the rate now minus the rate before; a cell's mix counts against the average rate.
    Missing cells as in `decompose_hits`. Both parts are null where either frame has no chances: there is no rate to
    explain. Source: E. M. Kitagawa, Components of a difference between two rates, JASA 50 (1955) 1168-1194.
    """
    return _rate_parts(_shares(_cells(before, now, (over,)))).select(over, *_COUNTS, MIX, RATE)


def rank_dimensions(frames: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]) -> pl.DataFrame:
    """Which dimension's shift explains most of a change in rate.

    Shape: by dimension name its frames before and now, as in `decompose_rate`; out `dimension, mix, rate, cells`, the
    dimension with the largest mix (either sign) first, ties by name. A dimension without any cell is left out.
    Dimensions overlap: their mixes do not add up.
    """
    if not frames:
        return pl.DataFrame(schema={_DIMENSION: pl.String, MIX: pl.Float64, RATE: pl.Float64, "cells": pl.Int64})
    before, now = (pl.concat([_stacked(name, pair[side]) for name, pair in frames.items()]) for side in (0, 1))
    split = _rate_parts(_shares(_cells(before, now, (_DIMENSION, _CELL)), (_DIMENSION,)), (_DIMENSION,))
    sums = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in (MIX, RATE)]
    found = split.group_by(_DIMENSION).agg(*sums, cells=pl.len().cast(pl.Int64))
    # Rounded for the order alone, so that two equal mixes do not change places by the last bit of a sum.
    order = [pl.col(MIX).abs().round(12), pl.col(_DIMENSION)]
    return found.sort(order, descending=[True, False], nulls_last=True)


_COUNTS: Final = ("chances_before", "hits_before", "chances_now", "hits_now")


def _stacked(name: str, side: pl.DataFrame) -> pl.DataFrame:
    """The cells of one dimension among those of others."""
    return side.select(pl.lit(name).alias(_DIMENSION), pl.col(name).cast(pl.String).alias(_CELL), "chances", "hits")


def _rate_parts(shares: pl.DataFrame, apart: Sequence[str] = ()) -> pl.DataFrame:
    """Mix and rate of each cell, from what `_shares` gives."""
    middle = (pl.col("r0") + pl.col("r1")) / 2
    usual = (pl.col("s0") + pl.col("s1")) / 2
    average = _sum(usual * middle, apart)
    is_known = (pl.col("n0") > 0) & (pl.col("n1") > 0)
    return shares.with_columns(
        mix=pl.when(is_known).then((pl.col("s1") - pl.col("s0")) * (middle - average)),
        rate=pl.when(is_known).then(usual * (pl.col("r1") - pl.col("r0"))),
    )


def _sum(numbers: pl.Expr, apart: Sequence[str]) -> pl.Expr:
    """The sum over all cells, or over those that share the columns which tell one question from the next."""
    return numbers.sum().over(apart) if apart else numbers.sum()


def _cells(before: pl.DataFrame, now: pl.DataFrame, over: Sequence[str]) -> pl.DataFrame:
    """Both frames side by side, one row per cell of either, in the cells' order; what is missing counts 0."""
    sums = [pl.col(name).cast(pl.Float64).sum() for name in ("chances", "hits")]
    one, two = before.group_by(over).agg(sums), now.group_by(over).agg(sums)
    both = one.join(two, on=over, how="full", coalesce=True, suffix="_now", nulls_equal=True)
    both = both.rename({"chances": "chances_before", "hits": "hits_before"})
    return both.with_columns(pl.col(_COUNTS).fill_null(0.0)).sort(over)


def _shares(cells: pl.DataFrame, apart: Sequence[str] = ()) -> pl.DataFrame:
    """With totals n0 and n1, shares s0 and s1, rates r0 and r1, filled from the other frame where it has none."""
    totals = {name: _sum(pl.col(of), apart) for name, of in (("n0", "chances_before"), ("n1", "chances_now"))}
    shared = cells.with_columns(**totals).with_columns(
        s0=pl.when(pl.col("n0") > 0).then(pl.col("chances_before") / pl.col("n0")),
        s1=pl.when(pl.col("n1") > 0).then(pl.col("chances_now") / pl.col("n1")),
        r0=pl.when(pl.col("chances_before") > 0).then(pl.col("hits_before") / pl.col("chances_before")),
        r1=pl.when(pl.col("chances_now") > 0).then(pl.col("hits_now") / pl.col("chances_now")),
    )
    return shared.with_columns(
        s0=pl.coalesce("s0", "s1", 0.0),
        s1=pl.coalesce("s1", "s0", 0.0),
        r0=pl.coalesce("r0", "r1", 0.0),
        r1=pl.coalesce("r1", "r0", 0.0),
    )
