"""What to do about each source: cut, feed, mend our own answering, or wait; and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from metrics.comparisons.sources import quality, returns
from metrics.declare import NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters

MEND, CUT, TRIM, FEED = "mend", "cut", "trim", "feed"
KEEP, WAIT, UNKNOWN = "keep", "wait", "unknown"
_ORDER: Final = (CUT, FEED, MEND, TRIM, WAIT, KEEP, UNKNOWN)
JUDGED_BY: Final = ("contact_rate", "closing_rate")  # where late answering shows first, and what the money is for
_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "source": pl.String,
    "action": pl.String,
    "at_fault": pl.List(pl.String),
    "weak_at": pl.List(pl.String),
    "roi": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "sales": pl.Int64,
    "spend": pl.Float64,
    "n_immature": pl.Float64,
    "state": pl.String,
    "of_all": pl.Float64,
}


def actions(warehouse: Warehouse, filters: Filters) -> pl.DataFrame:
    """What to do about each source that costs money, the most pressing first.

    One row per source with known spend above 0: `source, action, at_fault` (stores where its low rate is our own
    handling), `weak_at` (stores where the leads themselves are weak), `roi, low, high, sales, spend, n_immature, state`
    and `of_all`, the return of all paid sources together.
    "mend": at some store the handling explains its low contact or closing rate, so the source cannot be judged before
    that is mended. "cut": its return lies below that of all paid sources together beyond chance, it may not even earn
    its spend, and its leads are weak at equal handling. "trim": the same, but it surely earns its spend. "feed": its
    return lies above beyond chance. "wait": too few sales to tell, or a low return whose cause cannot be told. "keep":
    not distinguishable from the others. "unknown": no spend was entered.
    MetricError and NoSuchData as `sources.returns`.
    """
    try:
        found = [quality(warehouse, name, filters) for name in JUDGED_BY]
    except NoSuchData:
        found = []
    return judge(returns(warehouse, filters), verdicts(found))


def judge(money: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The same from what `sources.returns` found and the verdicts (`store, source, verdict`) of `sources.quality`."""
    paid = money.filter(pl.col("spend").is_null() | (pl.col("spend") > 0))
    if paid.is_empty():
        raise NoSuchData("No source costs anything here.", "Load a spend sheet; `docs/templates/spend.csv`.")
    whole = return_of_paid(paid)
    frame = pl.DataFrame([_row(row, whole, faults) for row in paid.iter_rows(named=True)], schema=_SCHEMA)
    place = {action: position for position, action in enumerate(_ORDER)}
    return frame.sort(pl.col("action").replace_strict(place, return_dtype=pl.Int64), -pl.col("spend"), "source")


def return_of_paid(money: pl.DataFrame) -> float | None:
    """Gross less spend of all sources that cost something, for each unit of it. `money` is of `sources.returns`."""
    known = money.filter(pl.col("spend") > 0)
    spend, gross = known["spend"].sum(), known["gross"].sum()
    return (float(gross) - float(spend)) / float(spend) if spend else None


def verdicts(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The verdict on each store and source, one below the other, from frames of `sources.quality`."""
    schema = {"store": pl.String, "source": pl.String, "verdict": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *(frame.select(*schema) for frame in found)], how="vertical_relaxed")


def _stores(faults: pl.DataFrame, source: str, verdict: str) -> list[str]:
    found = faults.filter((pl.col("source") == source) & (pl.col("verdict") == verdict))
    return [str(store) for store in found["store"].unique().sort().to_list()]


def _row(row: dict[str, Any], whole: float | None, faults: pl.DataFrame) -> dict[str, Any]:
    at_fault, weak_at = (_stores(faults, row["source"], verdict) for verdict in ("handling", "quality"))
    action = _action(row, whole, at_fault, weak_at)
    kept = {name: row[name] for name in ("source", "roi", "low", "high", "sales", "spend", "n_immature", "state")}
    return {**kept, "action": action, "at_fault": at_fault, "weak_at": weak_at, "of_all": whole}


def _action(row: dict[str, Any], whole: float | None, at_fault: list[str], weak_at: list[str]) -> str:
    if row["spend"] is None or at_fault:
        return UNKNOWN if row["spend"] is None else MEND
    if row["low"] is None or whole is None:
        return WAIT
    if row["low"] > whole:
        return FEED
    if row["high"] >= whole:
        return KEEP
    return _low(row, weak_at)


def _low(row: dict[str, Any], weak_at: list[str]) -> str:
    """What a return surely below the others' asks for."""
    if not weak_at:
        return WAIT
    return CUT if row["low"] <= 0 else TRIM
