"""Which checks of the data fail beyond doubt, and how many rows each of them spoils."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

# A share of complete rows below the first, or of wrong rows above the second, is worth somebody's time.
COMPLETE_ENOUGH = 0.90
WRONG_TOO_OFTEN = 0.05


def mostly_open(row: Mapping[str, Any]) -> bool:
    """Whether most outcomes of a row of `bounds` are missing: its span then says only that it is too early."""
    return float(row["n_missing"]) * 2 > float(row["n"])


def failing(rows: pl.DataFrame, complete: Collection[str], wrong: Collection[str]) -> list[str]:
    """Names of the checks whose whole 95 % interval is on the wrong side of the limit, the most spoiled rows first.

    `rows`: conversions as `engine.evaluate` gives them, one row per metric. `complete` names those that should be high,
    `wrong` those that should be low. A check without an interval is never failing.
    """
    is_complete, is_wrong = pl.col("metric").is_in(list(complete)), pl.col("metric").is_in(list(wrong))
    spoiled = pl.when(is_complete).then(pl.col("denominator") - pl.col("numerator")).otherwise(pl.col("numerator"))
    is_failing = (is_complete & (pl.col("high") < COMPLETE_ENOUGH)) | (is_wrong & (pl.col("low") > WRONG_TOO_OFTEN))
    found = rows.filter(is_failing).with_columns(spoiled=spoiled).sort("spoiled", "metric", descending=[True, False])
    return found["metric"].to_list()
