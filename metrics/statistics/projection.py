"""What a recent cohort's closing rate will come to, from how older cohorts' sales came in; and how often that held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from scipy.stats import beta

from metrics.statistics.intervals import CONFIDENCE
from metrics.statistics.survival import LOST, OPEN, SOLD, LagCurve, Numbers, lag_curve, lag_table

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
    parts = _parts(cohort, older, horizon, by)
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
    single = rows if "n" in rows.columns else rows.with_columns(n=pl.lit(1, pl.Int64))
    counted = single.group_by("created", "lag", "lost_lag").agg(pl.col("n").sum())
    counted = counted.with_columns(cohort=pl.col("created").dt.month_start())
    tested = [found for as_of in as_ofs for found in _back_test_at(counted, as_of, horizon, last_day, overdispersion)]
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


def _back_test_at(
    rows: pl.DataFrame, as_of: date, horizon: int, last_day: date, overdispersion: float
) -> list[tuple[object, ...]]:
    """One tuple per month that was open at the as_of and is closed on the last day."""
    seen = as_seen(rows, as_of).group_by("cohort", "lag", "outcome").agg(pl.col("n").sum())
    waiting = seen.filter(pl.col("outcome") == OPEN, pl.col("lag") < horizon)["cohort"].unique().to_list()
    closed = (pl.lit(last_day) - pl.col("created").max()).dt.total_days() >= horizon
    sold = pl.col("n").filter(pl.col("lag") <= horizon).sum()
    known = rows.filter(pl.col("cohort").is_in(waiting), pl.col("created") <= as_of)
    finals = known.group_by("cohort").agg(pl.col("n").sum(), sold=sold, is_closed=closed)
    found: list[tuple[object, ...]] = []
    for cohort, n, sales in finals.filter("is_closed").sort("cohort").select("cohort", "n", "sold").iter_rows():
        this, older = seen.filter(pl.col("cohort") == cohort), seen.filter(pl.col("cohort") < cohort)
        projected = project(this, older, horizon, overdispersion=overdispersion)
        if projected.value is not None:
            numbers = (projected.value, projected.low, projected.high, projected.variance, sales / n)
            found.append((as_of, cohort, n, projected.open, projected.hits / n, *numbers))
    return found


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
        return [_project_alike(cohort, older, horizon)]
    like = older.partition_by(by, as_dict=True)
    kinds = cohort.sort(by).partition_by(by, as_dict=True, maintain_order=True)
    found = {kind: _project_alike(rows, like.get(kind, older.clear()), horizon) for kind, rows in kinds.items()}
    untold = [kinds[kind] for kind, part in found.items() if part.reason is not None]
    told = [part for part in found.values() if part.reason is None]
    return [*told, _project_alike(pl.concat(untold), older, horizon)] if untold else told


def _project_alike(cohort: pl.DataFrame, older: pl.DataFrame, horizon: float) -> _Part:
    table = lag_table(cohort)
    chances = int(table["at_risk"][0]) if table.height else 0
    hits = int(table.filter(pl.col("lag") <= horizon)[SOLD].sum())
    waiting = table.filter((pl.col(OPEN) > 0) & (pl.col("lag") < horizon))
    ages, counts = waiting["lag"].to_numpy(), waiting[OPEN].to_numpy()
    if not chances:
        return _Part(0, 0, 0, reason="No opportunity was created.")
    if not waiting.height:
        return _Part(chances, hits, 0, 0.0, 0.0)
    curve, reason = _usable(older, horizon, float(ages.max()))
    to_come, variance = _to_come(curve, ages, counts, horizon) if curve else (0.0, 0.0)
    return _Part(chances, hits, int(counts.sum()), to_come, variance, reason)


def _usable(older: pl.DataFrame, horizon: float, oldest: float) -> tuple[LagCurve | None, str | None]:
    """The curve of the older rows, or why it cannot carry a projection."""
    table = lag_table(older)
    known = int(table["at_risk"][0]) if table.height else 0
    if known < FEWEST_OLDER:
        return None, f"Only {known} older opportunities: fewer than {FEWEST_OLDER} cannot tell."
    curve = lag_curve(table)
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
    ends = beta.ppf((tail, 1 - tail), middle * strength, (1 - middle) * strength) * width - 0.5
    low, high = (float(np.clip(np.round(end), 0, at_most)) for end in ends)
    return min(low, mean), max(high, mean)
