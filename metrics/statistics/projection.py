"""What a recent cohort's closing rate will come to, from how older cohorts' sales came in; and how often that held."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betaincinv

from metrics.statistics.intervals import CONFIDENCE
from metrics.statistics.survival import LOST, OPEN, SOLD, Ends, LagCurve, Numbers, curve_of, ends_by_lag

_EPOCH: Final = date(1970, 1, 1)  # as polars counts days
FEWEST_OLDER: Final = 30  # opportunities; below that the curve's own variance estimate is not to be trusted


@dataclass(frozen=True)
class Projection:
    """A cohort's final rate: `hits` of `chances` so far, `open` rows that may still buy, the rate with its interval.

    `value, low, high` are null where older cohorts cannot tell, and `reason` says why. Where nothing is open any more
    they are all the final rate. `variance` is that of the sales still to come, before any overdispersion.
    """

    chances: int
    hits: int
    open: int
    value: float | None
    low: float | None
    high: float | None
    variance: float | None = None
    reason: str | None = None


def project(
    cohort: pl.DataFrame,
    older: pl.DataFrame,
    horizon: float,
    by: Sequence[str] = (),
    overdispersion: float = 1.0,
    confidence: float = CONFIDENCE,
) -> Projection:
    """The share of a cohort that will have bought within `horizon`, with a prediction interval.

    Shapes: `cohort` and `older` are rows as in survival (`lag, outcome`); `horizon` in the same unit. Method: each open
    row of age a buys with the Aalen-Johansen share sold between a and the horizon among those open at a. The interval
    holds the binomial chance of what is to come and the curve's own (delta method), times `overdispersion` (take it
    from `back_test_summary`), matched to a beta distribution over 0..open rows and rounded to whole sales. With `by`
    (columns of both, say the lead type) each kind follows its own older rows, so that a changed mix of leads does not
    mislead; kinds that these cannot tell follow all older rows together. Null for no rows, and where older rows are
    fewer than 30 or were not watched as far as the horizon or the cohort's ages.
    """
    return _projection(_parts(cohort, older, horizon, by), overdispersion, confidence)


def _projection(parts: Sequence[_Part], overdispersion: float, confidence: float = CONFIDENCE) -> Projection:
    chances, hits, still_open = (sum(getattr(part, name) for part in parts) for name in ("chances", "hits", "open"))
    reasons = [part.reason for part in parts if part.reason is not None]
    if reasons:
        return Projection(chances, hits, still_open, None, None, None, reason=reasons[0])
    mean, variance = sum(part.to_come for part in parts), sum(part.variance or 0.0 for part in parts)
    low, high = _whole_sales(mean, variance * overdispersion, still_open, confidence) if still_open else (0.0, 0.0)
    value, low, high = ((hits + more) / chances for more in (mean, low, high))
    return Projection(chances, hits, still_open, value, low, high, variance)


def as_seen(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The rows as they stood at the end of an earlier day, in the shape that survival takes.

    Shape: `created` (date), `lag` and `lost_lag` (whole days; null where it never happened) in; `created, lag,
    outcome` and any other column out, without rows created later. A row lost and sold later was lost in between. A
    sale before creation has lag 0.
    """
    age = (pl.lit(as_of) - pl.col("created")).dt.total_days()
    sold, lost = pl.col("lag").clip(lower_bound=0) <= age, pl.col("lost_lag").clip(lower_bound=0) <= age
    seen = rows.with_columns(
        lag=pl.when(sold).then("lag").when(lost).then("lost_lag").otherwise(age).clip(lower_bound=0),
        outcome=pl.when(sold).then(pl.lit(SOLD)).when(lost).then(pl.lit(LOST)).otherwise(pl.lit(OPEN)),
    )
    return seen.filter(pl.col("created") <= as_of).drop("lost_lag")


def back_test(
    rows: pl.DataFrame, as_ofs: Iterable[date], horizon: int, last_day: date, overdispersion: float = 1.0
) -> pl.DataFrame:
    """Pretend that it was an earlier day, project each month's cohort, and hold it against what came.

    Shape: rows as in `as_seen` (and `n` where rows come counted), watched until `last_day`; out one row per as_of and
    month whose horizon was open then and has closed since: `as_of, cohort, chances, open, so_far, projected, low, high,
    variance` (of the sales to come), `final, error, is_covered`. The curve is of the months before the cohort's, as
    seen at the as_of. Months that older rows cannot tell are left out.
    """
    history = _history(rows)
    tested = [found for as_of in as_ofs for found in _back_test_at(history, as_of, horizon, last_day, overdispersion)]
    return pl.DataFrame(tested, schema=_TESTED, orient="row").with_columns(
        error=pl.col("projected") - pl.col("final"),
        # The ends are whole sales over chances: only rounding of the division may part them from the final rate.
        is_covered=pl.col("final").is_between(pl.col("low") - 1e-12, pl.col("high") + 1e-12),
    )


def back_test_summary(tested: pl.DataFrame) -> pl.DataFrame:
    """One row that says how good the projections were: `n, bias, mean_error, coverage, naive_error, overdispersion`.

    `mean_error` is the mean absolute error in rate, `naive_error` the same had one taken the rate so far as final;
    `overdispersion` is the summed squared error in sales over the summed variance that the method expects, at least 1:
    how much more cohorts differ than one curve allows. Null without rows.
    """
    error_in_sales = pl.col("error") * pl.col("chances")
    return tested.select(
        n=pl.len(),
        bias=pl.col("error").mean(),
        mean_error=pl.col("error").abs().mean(),
        coverage=pl.col("is_covered").mean(),
        naive_error=(pl.col("so_far") - pl.col("final")).abs().mean(),
        overdispersion=(error_in_sales.pow(2).sum() / pl.col("variance").sum()).fill_nan(None).clip(lower_bound=1.0),
    )


_TESTED: Final = {
    "as_of": pl.Date,
    "cohort": pl.Date,
    "chances": pl.Int64,
    "open": pl.Int64,
    "so_far": pl.Float64,
    "projected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "variance": pl.Float64,
    "final": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class _History:
    """Rows as arrays: the day each was created, its lags in days (NaN where it never ended so), its month's place.

    `months` are the months in order, each by its first day.
    """

    created: Numbers
    lag: Numbers
    lost_lag: Numbers
    n: Numbers
    month: NDArray[np.intp]
    months: Sequence[date]

    def until(self, day: float) -> _History:
        """Those that had been created by then."""
        kept = self.created <= day
        columns = (self.created[kept], self.lag[kept], self.lost_lag[kept], self.n[kept], self.month[kept])
        return _History(*columns, self.months)


def _history(rows: pl.DataFrame) -> _History:
    months = rows["created"].dt.month_start()
    places, month = np.unique(months.to_physical().to_numpy(), return_inverse=True)
    created, lag, lost_lag = (
        column.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
        for column in (rows["created"], rows["lag"], rows["lost_lag"])
    )
    n = rows["n"].cast(pl.Float64).to_numpy() if "n" in rows.columns else np.ones(rows.height)
    return _History(created, lag, lost_lag, n, month, [_EPOCH + timedelta(days=int(day)) for day in places])


def _back_test_at(
    history: _History, as_of: date, horizon: int, last_day: date, overdispersion: float
) -> list[tuple[object, ...]]:
    """One tuple per month that was open at the as_of and is closed on the last day."""
    known = history.until(_days(as_of))
    by_month = _ends_by_month(known, _days(as_of))
    earlier = np.cumsum(by_month, axis=0) - by_month
    sales = np.bincount(known.month, known.n * (known.lag <= horizon), len(known.months))
    found: list[tuple[object, ...]] = []
    for place in _open_then_closed_now(known, by_month, horizon, _days(last_day)):
        part = _project_alike(_ends(by_month[place]), _ends(earlier[place]), horizon)
        projected = _projection([part], overdispersion)
        if projected.value is not None:
            n = part.chances
            numbers = (projected.value, projected.low, projected.high, projected.variance, float(sales[place]) / n)
            found.append((as_of, known.months[place], n, projected.open, projected.hits / n, *numbers))
    return found


def _days(day: date) -> float:
    return float((day - _EPOCH).days)


def _ends_by_month(known: _History, day: float) -> NDArray[np.float64]:
    """Rows by month, end (sold, lost, open) and lag as they stood at the end of that day: what `as_seen` says."""
    age = day - known.created
    sold, lost = np.maximum(known.lag, 0), np.maximum(known.lost_lag, 0)
    end = np.where(sold <= age, 0, np.where(lost <= age, 1, 2))
    lag = np.choose(end, (sold, lost, age)).astype(np.intp)
    shape = len(known.months), 3, int(lag.max(initial=0)) + 1
    place = np.ravel_multi_index((known.month, end, lag), shape)
    return np.bincount(place, known.n, math.prod(shape)).astype(np.float64).reshape(shape)


def _open_then_closed_now(
    known: _History, by_month: NDArray[np.float64], horizon: int, last_day: float
) -> NDArray[np.intp]:
    """Places of the months of which a row was still open within the horizon then, and none is on the last day."""
    newest = np.full(len(known.months), -np.inf)
    np.maximum.at(newest, known.month, known.created)
    was_open = by_month[:, 2, :horizon].sum(axis=1) > 0
    return np.flatnonzero(was_open & (last_day - newest >= horizon))


def _ends(counted: NDArray[np.float64]) -> Ends:
    """One month's or many months' rows by end and lag, without the lags that no row has."""
    lags = np.flatnonzero(counted.sum(axis=0))
    return Ends(lags.astype(np.float64), *counted[:, lags])


@dataclass(frozen=True)
class _Part:
    """Rows that follow one curve: what they have sold and will sell, or the reason why nobody can tell."""

    chances: int
    hits: int
    open: int
    to_come: float = 0.0
    variance: float | None = None
    reason: str | None = None


def _parts(cohort: pl.DataFrame, older: pl.DataFrame, horizon: float, by: Sequence[str]) -> list[_Part]:
    """The cohort by kind, each after its own older rows; what these cannot tell, together after all of them."""
    if not by or cohort.is_empty():
        return [_project_alike(ends_by_lag(cohort), ends_by_lag(older), horizon)]
    like = older.partition_by(by, as_dict=True)
    kinds = cohort.sort(by).partition_by(by, as_dict=True, maintain_order=True)
    found = {
        kind: _project_alike(ends_by_lag(rows), ends_by_lag(like.get(kind, older.clear())), horizon)
        for kind, rows in kinds.items()
    }
    untold = [kinds[kind] for kind, part in found.items() if part.reason is not None]
    told = [part for part in found.values() if part.reason is None]
    if not untold:
        return told
    return [*told, _project_alike(ends_by_lag(pl.concat(untold)), ends_by_lag(older), horizon)]


def _project_alike(cohort: Ends, older: Ends, horizon: float) -> _Part:
    chances = int(cohort.at_risk[0]) if len(cohort.lags) else 0
    hits = int(cohort.sold[cohort.lags <= horizon].sum())
    is_waiting = (cohort.open > 0) & (cohort.lags < horizon)
    ages, counts = cohort.lags[is_waiting], cohort.open[is_waiting]
    if not chances:
        return _Part(0, 0, 0, reason="No opportunity was created.")
    if not len(ages):
        return _Part(chances, hits, 0, 0.0, 0.0)
    curve, reason = _usable(older, horizon, float(ages[-1]))
    to_come, variance = _to_come(curve, ages, counts, horizon) if curve else (0.0, 0.0)
    return _Part(chances, hits, int(counts.sum()), to_come, variance, reason)


def _usable(older: Ends, horizon: float, oldest: float) -> tuple[LagCurve | None, str | None]:
    """The curve of the older rows, or why it cannot carry a projection."""
    known = int(older.at_risk[0]) if len(older.lags) else 0
    if known < FEWEST_OLDER:
        return None, f"Only {known} older opportunities: fewer than {FEWEST_OLDER} cannot tell."
    curve = curve_of(older)
    if curve.lags[-1] < horizon and curve.open_after[-1] > 0:
        return None, f"No older opportunity has been watched for {horizon:g} days yet."
    open_at_oldest = np.concatenate(([1.0], curve.open_after))[np.searchsorted(curve.lags, oldest, side="right")]
    if open_at_oldest <= 0:
        return None, f"No older opportunity was still open after {oldest:g} days."
    return curve, None


def _to_come(curve: LagCurve, ages: Numbers, counts: Numbers, horizon: float) -> tuple[float, float]:
    """Mean and variance of the sales still to come from rows open at these ages.

    With p(t) the chance to buy after t and w(t) the rows expected to be open just before t, the mean moves with the
    sold hazard at t by w (1 - p) and with the lost hazard by -w p.
    """
    end = int(np.searchsorted(curve.lags, horizon, side="right"))
    final = curve.sold_share[end - 1] if end else 0.0
    next_step = np.searchsorted(curve.lags, ages, side="right")
    open_at = np.concatenate(([1.0], curve.open_after))[next_step]
    sold_at = np.concatenate(([0.0], curve.sold_share))[next_step]
    chance = np.clip((final - sold_at) / open_at, 0.0, 1.0)
    entering = np.bincount(next_step, weights=counts / open_at, minlength=len(curve.lags) + 1)
    expected_open = (np.cumsum(entering[:-1]) * curve.open_before)[:end]
    after = curve.open_after[:end]
    later = np.divide(final - curve.sold_share[:end], after, out=np.zeros_like(after), where=after > 0)
    of_sold, of_lost, of_both = (part[:end] for part in curve.step_variances())
    of_curve = (1 - later) ** 2 * of_sold + later**2 * of_lost + 2 * later * (1 - later) * of_both
    binomial = float(np.sum(counts * chance * (1 - chance)))
    return float(np.sum(counts * chance)), binomial + float(np.sum(expected_open**2 * of_curve))


def _whole_sales(mean: float, variance: float, at_most: int, confidence: float) -> tuple[float, float]:
    """A prediction interval of a count in 0..at_most, by a beta distribution of that mean and variance.

    The distribution spans -0.5 to at_most + 0.5 and its quantiles are rounded (continuity correction, with Sheppard's
    twelfth added to the variance).
    """
    width = at_most + 1.0
    middle = (mean + 0.5) / width
    relative = min((variance + 1 / 12) / width**2, 0.999 * middle * (1 - middle))
    strength = middle * (1 - middle) / relative - 1
    tail = (1 - confidence) / 2
    ends = betaincinv(middle * strength, (1 - middle) * strength, (tail, 1 - tail)) * width - 0.5
    low, high = (float(np.clip(np.round(end), 0, at_most)) for end in ends)
    return min(low, mean), max(high, mean)
