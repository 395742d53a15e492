"""What is still to come: the final rate of a recent cohort, and where the month will end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from metrics import engine
from metrics.catalog import metric
from metrics.comparisons.cells import conversion, is_measure, period, today
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.pace import Pace, pace
from metrics.statistics.projection import Projection, back_test, back_test_summary, project
from metrics.statistics.survival import OPEN, SOLD

TESTS: Final = 12  # earlier month ends at which the projection is tried
COLUMNS: Final = (
    *("cohort", "metric", "chances", "hits", "open", "so_far", "projected", "low", "high"),
    *("horizon_days", "reason", "sentence"),
)


def projected(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """The final rate of each month's cohort, from how older cohorts' hits came in.

    One row per month of the period (the part of it inside), in `COLUMNS`: `hits` of `chances` so far, how many rows
    are still `open`, the rate `so_far`, and the `projected` final rate with its 95 % prediction interval, widened by
    how far earlier projections were off. The final rate is the one after `horizon_days` (the metric's window, else the
    days after which it counts as settled). Older cohorts are all that began before the month, under the same filters.
    Null with a `reason` where they cannot tell. MetricError for a metric without a dated hit and a span of days.
    """
    declared, horizon = _projectable(name, filters)
    rows = engine.lags(warehouse, name, filters.but(start=None))
    first, last = period(warehouse, filters)
    kept = rows.filter(pl.col("created").is_between(first, last))
    if kept.is_empty():
        raise NoSuchData(f"There is no {declared.label} in the period.", "Widen it or drop a filter.")
    widening = _summary(rows, horizon, today(warehouse, filters))["overdispersion"] or 1.0
    months = kept["created"].dt.month_start().unique().sort().to_list()
    seen = _as_seen_now(rows)
    found = [_cohort(seen, max(month, first), min(_month_end(month), last), horizon, widening) for month in months]
    frame = pl.DataFrame(found, infer_schema_length=None)
    return frame.with_columns(metric=pl.lit(name), horizon_days=pl.lit(horizon)).select(COLUMNS)


def projection_test(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """How good such projections would have been: tried at the last twelve month ends, held against what came.

    One row: `metric, n, bias, mean_error, coverage, naive_error, overdispersion, sentence`; errors are in rate,
    `naive_error` is that of taking the rate so far as final. NoSuchData where no cohort has closed since.
    """
    declared, horizon = _projectable(name, filters)
    rows = engine.lags(warehouse, name, filters)
    summary = _summary(rows, horizon, today(warehouse, filters))
    if not summary["n"]:
        raise NoSuchData(
            f"No cohort of {declared.label} was projected and has closed since.",
            f"It takes at least {2 * horizon} days of data.",
        )
    sentence = (
        f"{summary['n']} earlier projections were off by {100 * summary['mean_error']:.1f} points on average (bias "
        f"{100 * summary['bias']:+.1f}); {summary['coverage']:.0%} of their 95 % intervals held the final rate. The "
        f"rate so far would have been off by {100 * summary['naive_error']:.1f}."
    )
    return pl.DataFrame([{"metric": name, **summary, "sentence": sentence}])


def month_pace(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """Where the month will end: what has come so far and what the remaining days should bring.

    One row per store: `store, metric, month, so_far, days_left, rest, projected, low, high, target, month_shape,
    reason, sentence`. From weekday means of the last 182 days; null with a reason where there is too little history.
    Today counts as a whole day. MetricError for what does not add up over days.
    """
    if not is_measure(name):
        raise MetricError(f"{metric(name).label} does not add up over days.", "Use sold_units, opportunities or leads.")
    asked = filters.but(start=None, end=None, by=("store",), grain="day", basis="cohort")
    daily = engine.evaluate(warehouse, [name], asked)
    reasons = daily["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), "Use sold_units, opportunities or leads.")
    if daily.is_empty():
        raise NoSuchData(f"There are no {metric(name).label} in this data.", "Load some, or drop a filter.")
    open_days, targets = engine.calendar(warehouse), engine.targets(warehouse)
    rows = []
    for (store,), days in daily.sort("store").group_by("store", maintain_order=True):
        own = filters.but(where={**filters.where, "store": (str(store),)})
        now = today(warehouse, own)
        found = _paced(days, open_days.filter(pl.col("store") == store), now)
        month = now.replace(day=1)
        aim = engine.target(targets, name, own.but(start=month, end=_month_end(month)))
        rows.append({"store": store, "metric": name, "month": month, "target": aim, **_told_pace(found, aim)})
    return pl.DataFrame(rows, schema=_PACE)


def _projectable(name: str, filters: Filters) -> tuple[Conversion, int]:
    """The conversion and its span in days; MetricError where its hit has no date or no span."""
    declared = conversion(name)
    days = declared.within.days if declared.within else declared.settles.days if declared.settles else None
    milestone = declared.table.milestone(declared.converted)
    is_dated = milestone is not None and milestone.seconds is not None and declared.clock == "created_at"
    if not days or not is_dated or declared.counts_misses:
        raise MetricError(
            f"{declared.label} has no dated hit within a span of days, so it cannot be projected.",
            "Use closing_rate, closing_rate_60, contact_rate or set_rate.",
        )
    if filters.attribution == "even" and filters.uses_source:
        raise MetricError("A cohort is projected in whole leads, not in shares of them.", "Use --attribution first.")
    return declared, days


def _summary(rows: pl.DataFrame, horizon: int, last_day: date) -> dict[str, Any]:
    """The back-test at the last month ends whose horizon could have closed."""
    ends = [_months_back(last_day, number) - timedelta(days=1) for number in range(TESTS + horizon // 28 + 1)]
    never_lost = rows.select("created", "lag", "n", lost_lag=pl.lit(None, pl.Int64))
    tested = back_test(never_lost, ends, horizon, last_day)
    return back_test_summary(tested).row(0, named=True)


def _months_back(day: date, number: int) -> date:
    months = day.year * 12 + day.month - 1 - number
    return date(months // 12, months % 12 + 1, 1)


def _month_end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _as_seen_now(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that lag or still wait, in the shape that survival takes."""
    return rows.with_columns(
        outcome=pl.when(pl.col("lag").is_not_null()).then(pl.lit(SOLD)).otherwise(pl.lit(OPEN)),
        lag=pl.coalesce("lag", "age"),
    )


def _cohort(seen: pl.DataFrame, first: date, last: date, horizon: int, widening: float) -> dict[str, Any]:
    cohort, older = seen.filter(pl.col("created").is_between(first, last)), seen.filter(pl.col("created") < first)
    found = project(cohort, older, horizon, overdispersion=widening)
    so_far = found.hits / found.chances if found.chances else None
    return {
        "cohort": first,
        **{name: getattr(found, name) for name in ("chances", "hits", "open")},
        "so_far": so_far,
        "projected": found.value,
        **{name: getattr(found, name) for name in ("low", "high", "reason")},
        "sentence": _foreseen(found, horizon),
    }


def _foreseen(found: Projection, horizon: int) -> str:
    counted = f"{found.hits:,} of {found.chances:,} so far, {found.open:,} still open."
    if found.value is None:
        return f"{counted} {found.reason}"
    if not found.open:
        return f"{found.hits:,} of {found.chances:,}: final after {horizon} days."
    return f"{counted} After {horizon} days it will be about {found.value:.1%} ({found.low:.1%} to {found.high:.1%})."


_NUMBERS: Final = ("rest", "projected", "low", "high", "target", "month_shape")
_PACE: Final = {
    "store": pl.String,
    "metric": pl.String,
    "month": pl.Date,
    "so_far": pl.Float64,
    "days_left": pl.Int64,
    **dict.fromkeys(_NUMBERS, pl.Float64),
    "reason": pl.String,
    "sentence": pl.String,
}


def _paced(days: pl.DataFrame, calendar: pl.DataFrame, now: date) -> Pace:
    history = days.select(day="period", units="value").filter(pl.col("day") <= now).sort("day")
    known = calendar.filter(pl.col("day").is_between(history["day"].min(), _month_end(now)))
    return pace(history, known.select("day", "is_open"), now)


def _told_pace(found: Pace, aim: float | None) -> dict[str, Any]:
    said = f"{found.so_far:,.10g} so far, {found.days_left} open days left."
    if found.projected is None:
        said = f"{said} {found.reason}"
    elif found.days_left:
        said = f"{said} The month should end at {found.projected:,.1f} (95 %: {found.low:,.0f} to {found.high:,.0f})."
    if aim is not None:
        said = f"{said} The target is {aim:,.10g}."
    parts = ("so_far", "days_left", "rest", "projected", "low", "high", "month_shape", "reason")
    return {**{name: getattr(found, name) for name in parts}, "sentence": said}
