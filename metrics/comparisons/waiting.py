"""How long a lead takes to a sale: the share that had bought by each day since it came in."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from metrics import engine
from metrics.catalog import metric
from metrics.declare import NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.survival import OPEN, SOLD, aalen_johansen, lag_table

HORIZON: Final = 90  # days drawn; what comes later is rare and known of old leads only
MARKS: Final = (7, 30, 60, 90)
FEWEST: Final = 10  # rows still watched: below this the curve says nothing more
_DRAWN: Final = {"day": pl.Int64, "at_risk": pl.Float64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}


def days_to(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """The share of a conversion's rows that had their hit by each whole day since they came in.

    One row per day from 0 to 90, as far as at least ten rows were watched that long: `day, at_risk, value, low, high`.
    A lead that is younger than a day counts until its age only, so young leads do not pull the curve down. A loss is no
    end of the watching: lost customers come back and buy. Kaplan and Meier's curve, drawn as the share that got there
    (see `survival.aalen_johansen`); 95 % interval, null before the first hit. MetricError where the metric has no dated
    hit, NoSuchData where nothing matches.
    """
    rows = engine.lags(warehouse, name, filters)
    if rows.is_empty():
        raise NoSuchData(f"There is no {metric(name).label} here.", "Widen the period or drop a filter.")
    outcome = pl.when(pl.col("lag").is_not_null()).then(pl.lit(SOLD)).otherwise(pl.lit(OPEN))
    known = rows.select(outcome=outcome, lag=pl.coalesce("lag", "age").clip(lower_bound=0), n="n")
    curve = aalen_johansen(lag_table(known)).select("at_risk", "value", "low", "high", day=pl.col("lag").cast(pl.Int64))
    return _by_day(curve.filter(pl.col("at_risk") >= FEWEST))


def _by_day(curve: pl.DataFrame) -> pl.DataFrame:
    """A row for every day up to the last known one.

    A day without an event has the values of the day before, and as many still watched as on the next day with one.
    """
    last = curve["day"].max()
    if last is None:
        return pl.DataFrame(schema=_DRAWN)
    days = pl.DataFrame({"day": range(int(str(last)) + 1)}, schema={"day": pl.Int64})
    stepped = days.join(curve, on="day", how="left").sort("day")
    filled = stepped.with_columns(
        pl.col("value", "low", "high").forward_fill(), at_risk=pl.col("at_risk").backward_fill()
    )
    return filled.filter(pl.col("day") <= HORIZON).with_columns(pl.col("value").fill_null(0.0)).select(*_DRAWN)


def marks(curve: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a curve after 7, 30, 60 and 90 days; a day nobody was watched for yet is left out."""
    return curve.filter(pl.col("day").is_in(MARKS)).to_dicts()
