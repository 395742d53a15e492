"""Pace: where a month of counted things (units, leads) will end, from the days so far and the days still to come."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from scipy.special import betainc, pdtr

from metrics.statistics.intervals import CONFIDENCE

FEWEST_DAYS: Final = 28  # of history: each weekday four times
FEWEST_UNITS: Final = 10
FEWEST_MONTHS: Final = 3  # whole months, before the shape of the month is looked for
_CLOSED: Final = 0  # the kind of a closed day; an open day's kind is its ISO weekday


@dataclass(frozen=True)
class Pace:
    """A month's count `so_far`, the `rest` expected, and where it will end, with an interval.

    `rest, projected, low, high` are null where there is too little history, and `reason` says so. `days_left` counts
    the open days after today; `month_shape` is how the rest of earlier months compared with their weekdays (1 = no
    push at the end).
    """

    so_far: float
    days_left: int
    rest: float | None
    projected: float | None
    low: float | None
    high: float | None
    month_shape: float | None = None
    reason: str | None = None


def pace(
    history: pl.DataFrame,
    calendar: pl.DataFrame,
    as_of: date,
    days: int = 182,
    confidence: float = CONFIDENCE,
) -> Pace:
    """Month to date plus what the remaining days should bring.

    Shapes: `history` has `day, units`, its first row is the first day known, a day without a row had none; `calendar`
    has `day, is_open` from there to the month's end; `as_of` is the last whole day. Method: mean units per weekday
    over the open days of the last `days` days, closed days as a kind of their own; times the ratio by which the same
    last days of earlier whole months beat their weekdays (at least three months, shrunk to 1 as in James and Stein
    1961). Interval: negative binomial, its variance from the overdispersion of days and of weeks (Pearson's X2 over
    degrees of freedom; McCullagh and Nelder 1989, 6.2.3) and from the error of the means. Null under 28 days or 10
    units of history. ValueError where the calendar ends before the month does.
    """
    _check_calendar(calendar, as_of)
    known = _known(history, calendar, as_of)
    month_start, month_end = as_of.replace(day=1), _month_end(as_of)
    so_far = float(known.filter(pl.col("day") >= month_start)["units"].sum())
    rest = _kinds(calendar).filter(pl.col("day").is_between(as_of, month_end, closed="right"))
    days_left = rest.filter(pl.col("kind") != _CLOSED).height
    if as_of == month_end:
        return Pace(so_far, 0, 0.0, so_far, so_far, so_far)
    recent = known.filter(pl.col("day") > as_of - timedelta(days=days))
    if recent.height < FEWEST_DAYS or recent["units"].sum() < FEWEST_UNITS:
        reason = (
            f"Too little history: {recent.height} days with {recent['units'].sum():g}; "
            f"pace needs {FEWEST_DAYS} days and {FEWEST_UNITS}."
        )
        return Pace(so_far, days_left, None, None, None, None, reason=reason)
    expected, variance, shape = _rest(recent, rest, month_end, as_of)
    low, high = prediction(expected, variance, confidence)
    return Pace(so_far, days_left, expected, so_far + expected, so_far + low, so_far + high, shape)


def prediction(mean: float, variance: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Between which counts one that is still to come will lie: the quantiles that leave as much on either side.

    Negative binomial of that mean and variance, Poisson where the variance is no larger. The mean always lies within;
    0 and 0 where it is none.
    """
    tail = (1 - confidence) / 2
    if mean <= 0:
        return 0.0, 0.0
    is_plain = variance <= mean * (1 + 1e-9)
    # By Cantelli's inequality no distribution has more than the tail beyond this.
    farthest = mean + math.sqrt(max(mean, variance) * (1 - tail) / tail)
    counts = np.arange(math.ceil(farthest) + 1)
    at_most = pdtr(counts, mean) if is_plain else betainc(mean**2 / (variance - mean), counts + 1, mean / variance)
    low, high = np.searchsorted(at_most, (tail, 1 - tail))
    return min(float(low), mean), max(float(high), mean)


def _rest(recent: pl.DataFrame, rest: pl.DataFrame, month_end: date, as_of: date) -> tuple[float, float, float]:
    """Mean and variance of the units still to come, and the month's shape."""
    means = _means(recent)
    fitted = recent.join(means, on="kind")
    excess = _overdispersion(fitted, as_of, means.height)
    shape, shape_variance = _month_shape(fitted, (month_end - as_of).days, excess)
    ahead = rest.group_by("kind").len().join(means, on="kind", how="left").fill_null(0)
    plain = float((ahead["len"] * ahead["mean"]).sum())
    of_means = excess * sum(
        number**2 * mean / seen for number, mean, seen in ahead.select("len", "mean", "seen").iter_rows() if seen
    )
    expected = plain * shape
    return expected, excess * expected + shape**2 * of_means + plain**2 * shape_variance, shape


def _check_calendar(calendar: pl.DataFrame, as_of: date) -> None:
    if calendar.filter(pl.col("day") == _month_end(as_of)).is_empty():
        raise ValueError(
            f"The calendar does not hold {_month_end(as_of)}, the last day of the month.\n\n"
            "Hint: give a row for every day, to the end of the month."
        )


def _kinds(calendar: pl.DataFrame) -> pl.DataFrame:
    kind = pl.when("is_open").then(pl.col("day").dt.weekday()).otherwise(pl.lit(_CLOSED))
    return calendar.select("day", kind=kind.cast(pl.Int64))


def _known(history: pl.DataFrame, calendar: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Every calendar day from the first of the history to the as_of, with its kind and units."""
    units = history.group_by("day").agg(pl.col("units").cast(pl.Float64).sum())
    span = _kinds(calendar).filter(pl.col("day").is_between(pl.lit(units["day"].min(), dtype=pl.Date), as_of))
    return span.join(units, on="day", how="left").with_columns(pl.col("units").fill_null(0.0)).sort("day")


def _means(recent: pl.DataFrame) -> pl.DataFrame:
    """Units per day by kind of day; a weekday not seen takes the mean of the open days."""
    seen = recent.group_by("kind").agg(mean=pl.col("units").mean(), seen=pl.len().cast(pl.Int64))
    open_days = recent.filter(pl.col("kind") != _CLOSED)
    every = pl.DataFrame({"kind": range(8)}, schema={"kind": pl.Int64})
    filled = every.join(seen, on="kind", how="left")
    usual = open_days["units"].mean() if open_days.height else 0.0
    return filled.with_columns(
        mean=pl.when(pl.col("kind") != _CLOSED).then(pl.col("mean").fill_null(pl.lit(usual))).otherwise("mean"),
        seen=pl.when(pl.col("kind") != _CLOSED)
        .then(pl.col("seen").fill_null(pl.lit(open_days.height)))
        .otherwise("seen"),
    ).drop_nulls()


def _overdispersion(fitted: pl.DataFrame, as_of: date, kinds: int) -> float:
    """How many times more than Poisson the counts vary, by day or by week, whichever is more; at least 1."""
    week = ((pl.lit(as_of) - pl.col("day")).dt.total_days() // 7).alias("week")
    weeks = fitted.group_by(week).agg(pl.col("units").sum(), pl.col("mean").sum(), days=pl.len())
    by_week = _pearson(weeks.filter(pl.col("days") == 7), 1)
    return max(1.0, _pearson(fitted, min(kinds, fitted.height - 1)), by_week)


def _pearson(frame: pl.DataFrame, fitted: int) -> float:
    counted = frame.filter(pl.col("mean") > 0)
    if counted.height <= fitted:
        return 0.0
    squares = ((counted["units"] - counted["mean"]) ** 2 / counted["mean"]).sum()
    return float(squares) / (counted.height - fitted)


def _month_shape(fitted: pl.DataFrame, days_left: int, excess: float) -> tuple[float, float]:
    """By how much the last days of earlier whole months beat their weekdays, and the variance of that ratio."""
    days = fitted["day"].sort().to_list()
    ends = list(_whole_month_ends(days[0], days[-1]))
    if len(ends) < FEWEST_MONTHS:
        return 1.0, 0.0
    tails = [pl.col("day").is_between(end - timedelta(days=days_left - 1), end) for end in ends]
    tail = fitted.filter(pl.any_horizontal(tails))
    actual, expected = float(tail["units"].sum()), float(tail["mean"].sum())
    if expected <= 0:
        return 1.0, 0.0
    gap, variance = actual / expected - 1, excess / expected
    kept = max(0.0, 1 - variance / gap**2) if gap else 0.0
    return 1 + kept * gap, kept * variance


def _whole_month_ends(first: date, last: date) -> Iterator[date]:
    """Last days of the months that lie between two days in full."""
    day = first if first.day == 1 else _month_end(first) + timedelta(days=1)
    while (end := _month_end(day)) <= last:
        yield end
        day = end + timedelta(days=1)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
