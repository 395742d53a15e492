"""How far the outcomes that nobody knows yet, or nobody recorded, could move a rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from metrics import engine
from metrics.comparisons.cells import conversion
from metrics.comparisons.tables import percent
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.bounds import Counted, outcome_bounds


def bounds(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """The lowest and the highest value of a rate, were every missing outcome a miss or a hit.

    Missing are the immature rows: an appointment without an outcome, an opportunity whose time is not up. Columns:
    those of `by`, then `metric, n` (all rows, the missing among them), `hits, n_missing, value, lowest, highest,
    sentence`.
    MetricError where the metric is no conversion or cannot be had under the filters, NoSuchData where nothing matches.
    """
    declared = conversion(name)
    if filters.basis != "cohort":
        raise MetricError(f"{declared.label} has bounds only by cohort.", "Leave --basis out.")
    return bounds_of(name, engine.evaluate(warehouse, [name], filters.but(grain=None)), filters.by)


def bounds_of(name: str, rows: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """As `bounds`, of rows that `engine.evaluate` has given already, by cohort and without a grain; others pass by."""
    declared = conversion(name)
    found = rows.filter(pl.col("metric") == name)
    reasons = found["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), f"`python -m metrics list` says what {declared.label} can be split by.")
    counted = _counted(declared)
    n_missing = pl.col("n_immature").fill_null(0)
    chances = pl.col("denominator").fill_null(0)
    lowest, highest = outcome_bounds(pl.col("numerator"), chances, n_missing, counted)
    n = chances + n_missing if counted == "neither" else chances
    columns = {"n": n, "hits": pl.col("numerator"), "n_missing": n_missing, "lowest": lowest, "highest": highest}
    filled = found.with_columns(**columns).filter(pl.col("n") > 0)
    if filled.is_empty():
        raise NoSuchData(f"There is no {declared.label} here.", "Widen the period or drop a filter.")
    told = filled.select(*by, "metric", "n", "hits", "n_missing", "value", "lowest", "highest")
    sentences = [_sentence(declared, row) for row in told.iter_rows(named=True)]
    return told.with_columns(sentence=pl.Series(sentences, dtype=pl.String))


def _counted(declared: Conversion) -> Counted:
    """How the value of a metric already counts its immature rows."""
    if declared.within is not None:
        return "neither"
    return "hit" if declared.counts_misses else "miss"


def _sentence(declared: Conversion, row: dict[str, Any]) -> str:
    rows, missing = declared.table.noun.replace("_", " "), row["n_missing"]
    if not missing:
        return f"every outcome of these {row['n']:,.10g} {rows} is known."
    why = "have no outcome recorded" if declared.settles and declared.settles.unresolved else "may still convert"
    ends = f"{percent(row['lowest'])} and {percent(row['highest'])}"
    return f"between {ends}: {missing:,.10g} of these {row['n']:,.10g} {rows} {why}."
