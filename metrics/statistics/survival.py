"""How long a lead takes to end in a sale: lag curves that know which opportunities are still open.

A row is an opportunity: `outcome` is "sold", "lost" or "open"; `lag` is the time from its creation to that end or, for
an open one, how long it has been watched in full (with whole days: its age less the day that is not over). Any unit of
time serves. A sold row without a lag (sold before it was created) has lag 0. A loss whose day is unknown, or one that
the store does not take as final, is handed in as open at its age: it then stays among the chances, and the share sold
still has the right denominator.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from metrics.statistics.intervals import CONFIDENCE

SOLD: Final = "sold"
LOST: Final = "lost"
OPEN: Final = "open"
_NOTHING: Final = 1e-12  # a share below this is a rounding of 0
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LagCurve:
    """What became of opportunities by lag, as arrays of one entry per distinct lag, in order.

    `at_risk` rows were watched and not ended just before the lag; `sold_hazard` and `lost_hazard` are the shares of
    them that ended so at it; `sold_share` is the Aalen-Johansen share sold by then, `open_before` and `open_after` the
    share not ended.
    """

    lags: Numbers
    at_risk: Numbers
    sold_hazard: Numbers
    lost_hazard: Numbers
    open_before: Numbers
    open_after: Numbers
    sold_share: Numbers

    def step_variances(self) -> tuple[Numbers, Numbers, Numbers]:
        """Variance of the sold and the lost hazard and minus their covariance: multinomial at each lag."""
        sold, lost = self.sold_hazard, self.lost_hazard
        return sold * (1 - sold) / self.at_risk, lost * (1 - lost) / self.at_risk, sold * lost / self.at_risk


@dataclass(frozen=True, eq=False)
class Ends:
    """How many rows were sold, lost and still open at each lag, as arrays of one entry per distinct lag, in order.

    `at_risk` rows were watched up to the lag.
    """

    lags: Numbers
    sold: Numbers
    lost: Numbers
    open: Numbers

    @property
    def at_risk(self) -> Numbers:
        """How many rows were watched up to each lag."""
        return np.cumsum((self.sold + self.lost + self.open)[::-1])[::-1]


def lag_table(rows: pl.DataFrame) -> pl.DataFrame:
    """How many rows were sold, lost and still open at each lag, with how many were at risk.

    Shape: columns `lag, outcome` (and `n` where rows come counted) in; `lag, sold, lost, open, at_risk` out, one row
    per distinct lag, in order. A row watched up to a lag is at risk at it. ValueError where a lost or open row has no
    lag.
    """
    found = ends_by_lag(rows)
    return pl.DataFrame(
        {"lag": found.lags, SOLD: found.sold, LOST: found.lost, OPEN: found.open, "at_risk": found.at_risk}
    )


def ends_by_lag(rows: pl.DataFrame) -> Ends:
    """What `lag_table` says, as arrays to compute with: a projection asks for a hundred of them."""
    is_sold = rows["outcome"] == SOLD
    lag = rows["lag"].cast(pl.Float64)
    if (lag.is_null() & ~is_sold).any():
        raise ValueError(
            "A lost or open row has no lag.\n\nHint: give the time it has been watched; a loss without a date is open."
        )
    lags, place = np.unique(lag.fill_null(0.0).to_numpy(), return_inverse=True)
    n = rows["n"].to_numpy() if "n" in rows.columns else np.ones(rows.height)
    counted = [_counted(place, n * (rows["outcome"] == end).to_numpy(), len(lags)) for end in (SOLD, LOST, OPEN)]
    return Ends(lags, *counted)


def _counted(place: NDArray[np.intp], n: Numbers, places: int) -> Numbers:
    return np.bincount(place, weights=n, minlength=places).astype(np.float64)


def lag_curve(table: pl.DataFrame) -> LagCurve:
    """The Aalen-Johansen curve of a lag table, as arrays to compute with."""
    return curve_of(Ends(*(table[name].to_numpy().astype(np.float64) for name in ("lag", SOLD, LOST, OPEN))))


def curve_of(ends: Ends) -> LagCurve:
    """The same of what `ends_by_lag` gives."""
    lags, sold, lost, at_risk = ends.lags, ends.sold, ends.lost, ends.at_risk
    open_after = np.cumprod((at_risk - sold - lost) / at_risk).astype(np.float64)
    open_before = np.concatenate(([1.0], open_after))[: len(lags)]
    sold_share = np.cumsum(open_before * sold / at_risk)
    return LagCurve(lags, at_risk, sold / at_risk, lost / at_risk, open_before, open_after, sold_share)


def kaplan_meier(table: pl.DataFrame, confidence: float = CONFIDENCE) -> pl.DataFrame:
    """Share not sold yet by lag, were no opportunity ever lost (a loss only ends the watching).

    Shape: a lag table in; `lag, at_risk, sold, value, low, high` out. Variance by Greenwood 1926, interval on the
    log-log scale (Borgan and Liestol 1990); before the first and after the last sale the ends equal the value or are
    null. Source: E. L. Kaplan and P. Meier, JASA 53 (1958) 457-481.
    """
    curve = lag_curve(table)
    hazard, at_risk = curve.sold_hazard, curve.at_risk
    value = np.cumprod(1 - hazard).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(hazard / (at_risk * (1 - hazard)))
        spread = np.sqrt(greenwood) / np.abs(np.log(value))
    low, high = _log_log(value, spread, confidence)
    return _frame(lag=curve.lags, at_risk=at_risk, sold=hazard * at_risk, value=value, low=low, high=high)


def aalen_johansen(table: pl.DataFrame, confidence: float = CONFIDENCE) -> pl.DataFrame:
    """Share sold by lag, where a loss is an end of its own and not a gap in the watching.

    Shape: a lag table in; `lag, at_risk, value, variance, low, high, lost, open` out: value + lost + open = 1. Variance
    by the delta method on multinomial hazards (it is value x (1 - value) / n where nothing is still open); interval on
    the log-log scale; value 0 or 1 has no interval.
    Source: O. Aalen and S. Johansen, Scandinavian Journal of Statistics 5 (1978) 141-150; E. Marubini and
    M. G. Valsecchi, Analysing Survival Data (1995), chapter 10.
    """
    curve = lag_curve(table)
    value, variance = curve.sold_share, _share_variance(curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(variance) / ((1 - value) * np.abs(np.log1p(-value)))
    low, high = _log_log(1 - value, spread, confidence)
    lost = np.cumsum(curve.open_before * curve.lost_hazard)
    return _frame(
        lag=curve.lags,
        at_risk=curve.at_risk,
        value=value,
        variance=variance,
        low=1 - high,
        high=1 - low,
        lost=lost,
        open=curve.open_after,
    )


def _share_variance(curve: LagCurve) -> Numbers:
    """Variance of the share sold by each lag, in one pass.

    The share by t moves with the sold hazard at u by open(u-) - g and with the lost hazard by -g, where g is what was
    still sold after u, over (1 - both hazards). Squared and weighed by the step variances that is a quadratic in the
    share by t, whose three coefficients are running sums over u.
    """
    of_sold, of_lost, of_both = curve.step_variances()
    going_on = 1 - curve.sold_hazard - curve.lost_hazard
    scale = np.divide(1.0, going_on, out=np.zeros_like(going_on), where=going_on > _NOTHING)
    start = curve.open_before + curve.sold_share * scale
    earlier = curve.sold_share * scale
    square = scale**2 * (of_sold + of_lost - 2 * of_both)
    linear = -2 * scale * (start * of_sold + earlier * of_lost - (start + earlier) * of_both)
    constant = start**2 * of_sold + earlier**2 * of_lost - 2 * start * earlier * of_both
    share = curve.sold_share
    variance = np.cumsum(square) * share**2 + np.cumsum(linear) * share + np.cumsum(constant)
    return np.clip(variance, 0.0, None)


def _log_log(open_share: Numbers, spread: Numbers, confidence: float) -> tuple[Numbers, Numbers]:
    """Low and high end of a share not ended; NaN where it is 0 or 1."""
    is_known = (open_share > _NOTHING) & (open_share < 1 - _NOTHING) & np.isfinite(spread)
    reach = np.exp(NormalDist().inv_cdf(0.5 + confidence / 2) * np.where(is_known, spread, 0.0))
    low, high = np.clip(open_share, 0, 1) ** reach, np.clip(open_share, 0, 1) ** (1 / reach)
    return np.where(is_known, low, np.nan), np.where(is_known, high, np.nan)


def _frame(**columns: Numbers) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(pl.all().fill_nan(None))
