"""Confidence intervals of shares."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import polars as pl
from scipy.special import betaincinv

CONFIDENCE: Final = 0.95


def wilson(hits: pl.Expr, chances: pl.Expr, confidence: float = CONFIDENCE) -> tuple[pl.Expr, pl.Expr]:
    """Low and high end of the Wilson score interval of hits out of chances, without continuity correction.

    Shapes: two columns in, two columns out, row by row, each between 0 and 1. Fractional hits (shared attribution)
    are allowed. Edge cases: null where either is null, where there is no chance, and where hits lie outside
    0..chances; exactly 0 at no hit and exactly 1 at all hits.

    Source: E. B. Wilson, JASA 22 (1927) 209-212; method 3 of R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    n, hit = chances.cast(pl.Float64), hits.cast(pl.Float64)
    is_share = (n > 0) & (hit >= 0) & (hit <= n)
    middle = (hit + z**2 / 2) / (n + z**2)
    reach = z / (n + z**2) * (hit * (n - hit) / n + z**2 / 4).sqrt()
    low = pl.when(hit == 0).then(0.0).otherwise((middle - reach).clip(0.0, 1.0))
    high = pl.when(hit == n).then(1.0).otherwise((middle + reach).clip(0.0, 1.0))
    return pl.when(is_share).then(low), pl.when(is_share).then(high)


def wilson_of(hits: float, chances: float, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The same for one pair of numbers; None where there is no interval."""
    frame = pl.DataFrame({"hits": [float(hits)], "chances": [float(chances)]})
    low, high = wilson(pl.col("hits"), pl.col("chances"), confidence)
    found = frame.select(low=low, high=high).row(0)
    return None if found[0] is None else (found[0], found[1])


def exact_of(hits: float, chances: float, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The exact (Clopper-Pearson) interval of hits out of chances; None where there is none.

    Wider than `wilson_of`, and never wrong more often than it says: each side misses the true share in at most
    (1 - confidence) / 2 of all samples, also where shares are near 0 or 1. For what must not be set off by chance.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413, by quantiles of the beta distribution.
    """
    if not 0 <= hits <= chances or chances <= 0:
        return None
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, chances - hits + 1, tail))
    high = 1.0 if hits == chances else float(betaincinv(hits + 1, chances - hits, 1 - tail))
    return low, high
