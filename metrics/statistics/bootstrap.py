"""What a source's money brought back, and how much of that could be luck in the number and the size of its deals."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from metrics.statistics.intervals import CONFIDENCE

FEWEST_SALES: Final = 5
FEW_SALES: Final = "fewer than 5 sales"
SPEND_UNKNOWN: Final = "spend unknown"
NO_SPEND: Final = "no spend"
GROSS_UNKNOWN: Final = "gross unknown"
DRAWS: Final = 2_000
_BLOCK: Final = 500  # deals drawn at once: 8 MB


def roi(
    deals: pl.DataFrame, spend: pl.DataFrame, seed: int = 0, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> pl.DataFrame:
    """Return on spend by source, (gross - spend) / spend, with a bootstrap interval on its deals.

    Shapes: `deals` has `source, gross`, one row per deal; `spend` has `source, spend`, several rows of a source are
    summed and one unknown makes the sum unknown. Out one row per source of either: `source, spend, sales,
    sales_without_gross, gross, roi, low, high, state`. The interval holds spend fixed and is null with a `state` in
    words where there are fewer than 5 deals of known gross; roi is null too where spend is unknown or nothing, or no
    deal's gross is known. The same seed and deals give the same interval in any order and under any name.
    """
    known = pl.col("spend").null_count() == 0
    spent = spend.group_by("source").agg(pl.when(known).then(pl.col("spend").cast(pl.Float64).sum()))
    sold = deals.group_by("source").agg(
        pl.col("gross").cast(pl.Float64).drop_nulls().alias("grosses"),
        sales=pl.len(),
        sales_without_gross=pl.col("gross").null_count(),
    )
    joined = spent.join(sold, on="source", how="full", coalesce=True).with_columns(
        pl.col("sales", "sales_without_gross").fill_null(0).cast(pl.Int64),
        pl.col("grosses").fill_null(pl.lit([], dtype=pl.List(pl.Float64))),
    )
    rows = [_source_roi(row, seed, draws, confidence) for row in joined.sort("source").iter_rows(named=True)]
    return pl.DataFrame(rows, schema={"source": deals.schema["source"], **_COLUMNS})


def total_interval(
    amounts: NDArray[np.float64], seed: int = 0, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of a total of deals, where both how many there are and how large each is could have come otherwise.

    Each draw takes every deal 0, 1, 2... times, a Poisson number of mean 1, so that the number of deals varies as well.
    Ends are bias-corrected and accelerated (BCa: B. Efron, JASA 82 (1987) 171-185); for such a total both corrections
    are a sixth of its skewness, sum(x^3) / sum(x^2)^1.5. None without deals or where all amounts are 0.
    """
    squares = float(np.sum(amounts**2))
    if squares <= 0:
        return None
    totals = _totals(np.sort(amounts), seed, draws)
    skew = float(np.sum(amounts**3)) / squares**1.5 / 6
    ends = np.quantile(totals, [_accelerated(tail, skew) for tail in ((1 - confidence) / 2, (1 + confidence) / 2)])
    total = float(amounts.sum())
    return min(float(ends[0]), total), max(float(ends[1]), total)


_COLUMNS: Final = {
    "spend": pl.Float64,
    "sales": pl.Int64,
    "sales_without_gross": pl.Int64,
    "gross": pl.Float64,
    "roi": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "state": pl.String,
}


def _source_roi(row: dict[str, object], seed: int, draws: int, confidence: float) -> dict[str, object]:
    amounts = np.asarray(row.pop("grosses"), dtype=np.float64)
    spend = row["spend"]
    is_gross_known = amounts.size > 0 or row["sales"] == 0
    row |= {"gross": float(amounts.sum()) if is_gross_known else None, "roi": None, "low": None, "high": None}
    if not isinstance(spend, float):
        return row | {"state": SPEND_UNKNOWN}
    if spend <= 0:
        return row | {"state": NO_SPEND}
    if not is_gross_known:
        return row | {"state": GROSS_UNKNOWN}
    row["roi"] = (float(amounts.sum()) - spend) / spend
    ends = total_interval(amounts, seed, draws, confidence) if amounts.size >= FEWEST_SALES else None
    if ends is None:
        return row | {"state": FEW_SALES if amounts.size < FEWEST_SALES else GROSS_UNKNOWN}
    return row | {"low": (ends[0] - spend) / spend, "high": (ends[1] - spend) / spend, "state": None}


def _totals(amounts: NDArray[np.float64], seed: int, draws: int) -> NDArray[np.float64]:
    """Totals of resampled deals, drawn block by block to bound the memory."""
    random = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for start in range(0, len(amounts), _BLOCK):
        block = amounts[start : start + _BLOCK]
        totals += random.poisson(1.0, (draws, len(block))) @ block
    return totals


def _accelerated(tail: float, skew: float) -> float:
    """The quantile to read instead of `tail`, with bias correction and acceleration both `skew`."""
    normal = NormalDist()
    shifted = skew + normal.inv_cdf(tail)
    return normal.cdf(skew + shifted / (1 - skew * shifted))
