"""What the last dollars of a source seem to have brought, and what moving them might do. Correlation, and said so.

Spend that follows demand (more in a month that sells anyway) looks better than it is: hand in what the other sources
brought in the same month as `others`, and a trend is always taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtrit

from metrics.statistics.intervals import CONFIDENCE

FEWEST_MONTHS: Final = 8
LEAST_VARIATION: Final = 0.1  # standard deviation of monthly spend over its mean
CANNOT_TELL: Final = "cannot be told"
LESS, LIKE, MORE, SOMETHING = (
    "less than average",
    "like the average",
    "more than average",
    "something, how much is open",
)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Marginal:
    """What one more unit of currency a month seems to bring: `value` results, with an interval.

    `average` is results over spend; `least` and `most` the monthly spend that was tried; `months` how many were used.
    `verdict` holds value against 0 and the average. Where it "cannot be told", `reason` says why, and value and
    interval are null if they could not even be estimated.
    """

    months: int
    average: float | None
    least: float | None
    most: float | None
    value: float | None
    low: float | None
    high: float | None
    verdict: str
    reason: str | None = None


@dataclass(frozen=True)
class Untried:
    """A monthly spend of a source (`after` a move) outside of what was ever tried, `least` to `most`."""

    source: str
    after: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.source}: {self.after:,.0f} a month was never tried (only {self.least:,.0f} to {self.most:,.0f})."


@dataclass(frozen=True)
class WhatIf:
    """The change in monthly results that a moved budget seems to bring, with an interval; null with a reason."""

    change: float | None
    low: float | None
    high: float | None
    reason: str | Untried | None = None


def marginal_return(months: pl.DataFrame, confidence: float = CONFIDENCE) -> Marginal:
    """What the last dollars of one source seem to have brought, from months that had more and less of them.

    Shape: one row per month: `month, spend, results` (leads, sales or gross of that month's leads), and `others` where
    the results of all other sources stand for the season; rows with a null are left out. Method: least squares of
    results on spend, a linear trend and `others`; the interval is Student's with HC3 errors (J. G. MacKinnon and H.
    White, Journal of Econometrics 29 (1985) 305-325), which hold when busy months vary more. Told only from 8 months
    on, where monthly spend varies by 10 % of its mean or more and is no mere trend, and where the interval leaves out
    either no return or the average one.
    """
    known = months.drop_nulls().sort("month")
    spend, results = (known[name].cast(pl.Float64).to_numpy() for name in ("spend", "results"))
    total = float(spend.sum())
    average = float(results.sum()) / total if total > 0 else None
    least, most = (float(spend.min()), float(spend.max())) if known.height else (None, None)
    reason = _too_little(spend)
    fit = None if reason else _slope(known, spend, results)
    if fit is None:
        reason = reason or "Spend only followed the trend or the other sources."
        return Marginal(known.height, average, least, most, None, None, None, CANNOT_TELL, reason)
    slope, deviation, freedom = fit
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * deviation
    verdict = _verdict(slope - reach, slope + reach, average or 0.0)
    reason = "The interval holds both no return and the average one." if verdict == CANNOT_TELL else None
    return Marginal(known.height, average, least, most, slope, slope - reach, slope + reach, verdict, reason)


def what_if(marginals: Mapping[str, Marginal], spend: Mapping[str, float], moves: Mapping[str, float]) -> WhatIf:
    """What moving monthly budget might change: by source what is spent now and the move (+ or -).

    The change is the sum of moves times marginal returns; its interval adds the sources' half-widths in squares, each
    on its own side. Null, with the reason, where a move concerns a source whose marginal return cannot be told, takes
    away more than there is, or leaves the spend that was ever tried: beyond that nobody has looked. No move changes
    nothing. KeyError for a source that has no marginal or no spend.
    """
    change = low = high = 0.0
    for source, move in sorted(moves.items()):
        if move == 0:
            continue
        marginal, after = marginals[source], spend[source] + move
        refused = _refused(source, marginal, after)
        if refused or marginal.value is None or marginal.low is None or marginal.high is None:
            return WhatIf(None, None, None, refused)
        effect = move * marginal.value
        ends = sorted((move * marginal.low, move * marginal.high))
        change, low, high = change + effect, hypot(low, effect - ends[0]), hypot(high, ends[1] - effect)
    return WhatIf(change, change - low, change + high)


def _refused(source: str, marginal: Marginal, after: float) -> str | Untried | None:
    if marginal.verdict == CANNOT_TELL or marginal.least is None or marginal.most is None:
        return f"{source}: what more or less spend brings cannot be told. {marginal.reason or ''}".strip()
    if not marginal.least <= after <= marginal.most:
        return Untried(source, after, marginal.least, marginal.most)
    return None


def _too_little(spend: Numbers) -> str | None:
    if len(spend) < FEWEST_MONTHS:
        return f"Only {len(spend)} months with known spend and results: {FEWEST_MONTHS} are needed."
    mean = float(spend.mean())
    if mean <= 0 or float(spend.std(ddof=1)) / mean < LEAST_VARIATION:
        return f"Spend hardly varied: by less than {LEAST_VARIATION:.0%} of its mean."
    return None


def _slope(known: pl.DataFrame, spend: Numbers, results: Numbers) -> tuple[float, float, int] | None:
    """Results per unit of spend, HC3 standard error, degrees of freedom; None where spend brings nothing new."""
    when = known["month"].cast(pl.Date).to_physical().to_numpy().astype(np.float64)
    columns = [np.ones_like(spend), when - when.mean()]
    if "others" in known.columns:
        columns.append(known["others"].cast(pl.Float64).to_numpy())
    rest = np.column_stack(columns)
    # Frisch and Waugh 1933: what spend has of its own carries the slope.
    own = spend - rest @ np.linalg.lstsq(rest, spend)[0]
    if float(own.std()) < LEAST_VARIATION / 2 * float(spend.mean()):
        return None
    design = np.column_stack([own, rest])
    inverse = np.linalg.pinv(design)
    residual = results - design @ (inverse @ results)
    leverage = np.clip(np.einsum("ij,ji->i", design, inverse), 0, 1 - 1e-9)
    deviation = float(np.sqrt(np.sum((inverse[0] * residual / (1 - leverage)) ** 2)))
    return float(inverse[0] @ results), deviation, len(spend) - int(np.linalg.matrix_rank(design))


def _verdict(low: float, high: float, average: float) -> str:
    if low <= 0 and high >= average:
        return CANNOT_TELL
    if high < average:
        return LESS
    if low > average:
        return MORE
    return LIKE if low > average / 2 and high < average * 2 else SOMETHING
