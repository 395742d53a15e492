"""Why a rate changed between two periods, or differs between two stores: volume, mix and rate, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from metrics.comparisons.cells import cells, conversion, nouns
from metrics.declare import Conversion, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters, check_dimension
from metrics.statistics.decomposition import decompose_hits, decompose_rate, rank_dimensions

WHOLE: Final = "(all)"
# Dimensions that cross in a few thousand cells at most, and together cost hardly more to count than one of them.
_FEW_CELLS: Final = (
    ("store", "source", "source_group", "channel", "lead_type", "vehicle_condition", "after_hours"),
    ("created_weekday", "created_hour"),
    ("tenure", "answered"),
    ("due_weekday", "due_hour"),
    ("appointment_type", "lead_time", "confirmed"),
)
PARTS: Final = ("volume", "mix", "rate", "change")
COLUMNS: Final = (
    *("metric", "dimension", "value", "chances_before", "hits_before", "chances_now", "hits_now"),
    *(*PARTS, "rate_mix", "rate_rate", "rate_change", "sentence"),
)


def explain(warehouse: Warehouse, name: str, now: Filters, before: Filters, over: str) -> pl.DataFrame:
    """The change in hits and in the rate from `before` to `now`, by the values of one dimension.

    One row per value, the largest change first, and "(all)" for their sum, in `COLUMNS`. `volume + mix + rate =
    change` is in hits; `rate_mix + rate_rate = rate_change` is in points of the rate. In every row and in the sum the
    parts add up exactly. `rate_change` of a value is its part in the change of the whole. Null where a side has no
    chances at all.
    """
    declared = conversion(name)
    check_dimension(over)
    one, two = _side(warehouse, name, before, (over,)), _side(warehouse, name, now, (over,))
    if one.is_empty() and two.is_empty():
        raise NoSuchData(f"There is no {declared.label} in either period.", "Widen the periods.")
    hits, rates = decompose_hits(one, two, over), decompose_rate(one, two, over)
    joined = hits.with_columns(rate_mix=rates["mix"], rate_rate=rates["rate"])
    by_value = joined.with_columns(rate_change=pl.col("rate_mix") + pl.col("rate_rate")).rename({over: "value"})
    ordered = by_value.sort(pl.col("change").abs().round(9), "value", descending=[True, False])
    numbers = [column for column in ordered.columns if column != "value"]
    total = ordered.select(pl.lit(WHOLE).alias("value"), *(_whole(column) for column in numbers))
    frame = pl.concat([ordered, total.select(ordered.columns)])
    said = pl.when(pl.col("value") == WHOLE).then(pl.lit(_sentence(total, declared, over)))
    return frame.with_columns(metric=pl.lit(name), dimension=pl.lit(over), sentence=said).select(COLUMNS)


def rank(warehouse: Warehouse, name: str, now: Filters, before: Filters) -> pl.DataFrame:
    """Which dimension's shift explains most of the change in a rate, largest first.

    One row per dimension that the metric has and that has more than one value here: `metric, dimension, mix, rate,
    change, cells, sentence`. Mix and rate add up to the change in every row. Dimensions overlap, so their mixes do not
    add up with each other.
    """
    declared = conversion(name)
    open_ones = [over for over in declared.dimensions if over not in {*now.where, *before.where}]
    one, two = (_sides(warehouse, name, side, open_ones) for side in (before, now))
    ranked = rank_dimensions({over: (one[over], two[over]) for over in open_ones}).filter(pl.col("cells") > 1)
    if ranked.is_empty():
        raise NoSuchData(f"There is no {declared.label} that any dimension splits here.", "Widen the periods.")
    sentences = [_ranked(*row) for row in ranked.select("mix", "rate").iter_rows()]
    told = ranked.with_columns(
        metric=pl.lit(name), change=pl.col("mix") + pl.col("rate"), sentence=pl.Series(sentences, dtype=pl.String)
    )
    return told.select("metric", "dimension", "mix", "rate", "change", "cells", "sentence")


def _sides(warehouse: Warehouse, name: str, filters: Filters, every: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The cells of one side by each of these dimensions, not summed yet. Those that cross in few share a query."""
    found: dict[str, pl.DataFrame] = {}
    for together in _together(every, filters):
        crossed = _side(warehouse, name, filters, together)
        found |= {over: crossed.select(over, "chances", "hits") for over in together}
    return found


def _together(every: Sequence[str], filters: Filters) -> list[list[str]]:
    """The dimensions by query. Each stands alone where a row's share depends on whether its source is asked for."""
    if filters.attribution != "first":
        return [[over] for over in every]
    crossing = [[over for over in every if over in few] for few in _FEW_CELLS]
    alone = [[over] for over in every if not any(over in few for few in _FEW_CELLS)]
    return [*filter(None, crossing), *alone]


def _side(warehouse: Warehouse, name: str, filters: Filters, by: Sequence[str]) -> pl.DataFrame:
    """The cells of one side; none where it has no chances. MetricError where the metric has no such dimension."""
    try:
        return cells(warehouse, name, filters, by)
    except NoSuchData:
        labels = dict.fromkeys(by, pl.String)
        return pl.DataFrame(schema=labels | dict.fromkeys(("chances", "hits", "n_immature"), pl.Float64))


def _whole(column: str) -> pl.Expr:
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(column)


def _sentence(total: pl.DataFrame, declared: Conversion, over: str) -> str:
    row = total.row(0, named=True)
    word = over.replace("_", " ")
    chances, hits = nouns(declared)
    counted = (
        f"{row['hits_before']:,.10g} {hits} of {row['chances_before']:,.10g} {chances} became {row['hits_now']:,.10g} "
        f"of {row['chances_now']:,.10g}: {row['volume']:+.1f} by volume, {row['mix']:+.1f} by the mix of {word}, "
        f"{row['rate']:+.1f} by the rates themselves."
    )
    if row["rate_change"] is None:
        return f"{counted} One side has no {chances}, so there is no rate to explain."
    parts = f"{100 * row['rate_mix']:+.1f} by mix, {100 * row['rate_rate']:+.1f} by rates"
    return f"{counted} The rate moved by {100 * row['rate_change']:+.1f} points: {parts}."


def _ranked(mix: float | None, rate: float | None) -> str:
    if mix is None or rate is None:
        return "One side has nothing, so there is no rate to explain."
    return f"{100 * mix:+.1f} points by its mix, {100 * rate:+.1f} by the rates within."
