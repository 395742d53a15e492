"""Who gets the credit for a sale: the first lead's source, the last one's, or all leads evenly."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

NO_LEAD: Final = "(no lead)"
RULES: Final = ("first", "last", "even")
_MILLIONTH: Final = 1_000_000
_EXACT: Final = pl.Decimal(38, 6)


def credit(leads: pl.DataFrame, sales: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """Each sale's amount (a unit, or gross) to the sources of its customer's leads within a window before it.

    Shapes: `sales` has `sale, sold_at, amount`, one row per sale; `leads` has `sale, lead, source, created_at`, every
    lead of the sale's customer. Out one row per source that has a lead within the window, and "(no lead)" for sales
    without one: `source, first, last, even` (decimals of six places), `sales` it had a lead in, `assisted` of them
    where the last lead was another source's, `first_rank, last_rank, even_rank` by amount (1 = most; null for "(no
    lead)"), `is_flipped` where the three differ. Each of first, last and even sums to the amounts exactly: even splits
    an amount over its leads to the millionth and gives what is left over, a millionth each, to the earliest. A lead at
    the very moment of the sale counts; one later does not. Leads of one moment are ordered by their name. A null
    amount is credited to nobody, but counts in `sales`; a source all of whose amounts are null has null credit.
    """
    shares = _shares(leads, sales, window_days)
    credited = shares.group_by("source").agg(
        *(pl.when(pl.col("amount").count() > 0).then(pl.col(rule).sum()).alias(rule) for rule in RULES),
        sales=pl.col("sale").n_unique(),
        assisted=pl.col("sale").filter(~pl.col("is_last_source")).n_unique(),
    )
    is_lead = pl.col("source") != NO_LEAD
    ranked = credited.with_columns(
        pl.when(is_lead).then(pl.col(rule)).rank("min", descending=True).alias(f"{rule}_rank") for rule in RULES
    )
    return (
        ranked.with_columns(
            *(pl.col(rule).cast(_EXACT) / Decimal(_MILLIONTH) for rule in RULES),
            is_flipped=is_lead & (pl.min_horizontal(_RANKS) != pl.max_horizontal(_RANKS)),
        )
        .with_columns(pl.col(RULES).cast(_EXACT))
        .sort("source")
    )


_RANKS: Final = tuple(f"{rule}_rank" for rule in RULES)


def _shares(leads: pl.DataFrame, sales: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """One row per sale and lead within its window: what each rule gives it, in millionths."""
    amount = pl.col("amount").cast(_EXACT).to_physical().cast(pl.Int64)
    windowed = leads.join(sales, on="sale").filter(
        pl.col("created_at").is_between(pl.col("sold_at") - pl.duration(days=window_days), pl.col("sold_at"))
    )
    touched = sales.select("sale", amount).join(
        windowed.select("sale", "lead", "source", "created_at"), on="sale", how="left"
    )
    ordered = touched.sort("sale", "created_at", "lead").with_columns(
        source=pl.col("source").fill_null(pl.lit(NO_LEAD)),
        place=pl.int_range(pl.len()).over("sale"),
        count=pl.len().cast(pl.Int64).over("sale"),
    )
    is_first, is_last = pl.col("place") == 0, pl.col("place") == pl.col("count") - 1
    even = pl.col("amount") // pl.col("count") + (pl.col("place") < pl.col("amount") % pl.col("count")).cast(pl.Int64)
    return ordered.with_columns(
        first=pl.when(is_first).then("amount").otherwise(0),
        last=pl.when(is_last).then("amount").otherwise(0),
        even=even,
        is_last_source=pl.col("source") == pl.col("source").last().over("sale"),
    )
