"""People against colleagues on the same leads: how many hits, how many expected, and whether that says anything."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from metrics.comparisons.cells import cells, conversion, nouns, strata
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.verdicts import ALIKE, compare, sentence

NOBODY: Final = "(unassigned)"
NOT_JUDGED: Final = "nobody's own"
_EXPLAINED: Final = 1 / 3
COLUMNS: Final = (
    *("store", "person", "credit", "metric", "n", "observed", "expected", "ratio", "adjusted_rate", "low", "high"),
    *("shrunken_rate", "shrunken_low", "shrunken_high", "team_rate", "n_immature"),
    *("watch_low", "watch_high", "act_low", "act_high", "tail", "seen_low", "seen_high"),
    *("verdict", "direction", "sentence"),
)


def people(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """Each person of each store against the colleagues there, on leads of the same kind.

    One row per store and person, in `COLUMNS`: `n` chances, `observed` and `expected` hits, their `ratio`, the rate at
    the store's own mix of leads with its 95 % interval, the shrunken rate with its credible interval, funnel limits,
    verdict and sentence (see `statistics.verdicts.compare`). Leads are alike in source group, source, lead type, new
    or used, in or after hours, as far as the fact knows them; never in how they were answered. Rows named to nobody
    stand in "(unassigned)", which is neither judged nor a colleague. A filter on people chooses whom to show, not whom
    to compare with. Immature rows count as the metric counts them. MetricError for a metric that is no conversion, or
    that is nobody's own.
    """
    declared = conversion(name)
    if not declared.credits:
        raise MetricError(f"{declared.label} is nobody's own, so people cannot be compared by it.", "Use closing_rate.")
    shown = filters.where.get("person", ())
    whole = filters.but(where={key: kept for key, kept in filters.where.items() if key != "person"})
    nested, crossed = strata(declared)
    found = cells(warehouse, name, whole, ("store", "person", *nested, *crossed))
    stores = [_of_store(rows, declared) for rows in found.partition_by("store", maintain_order=True)]
    role = whole.but(by=("person",)).role(declared)
    frame = pl.concat(stores).with_columns(metric=pl.lit(name), credit=pl.lit(role)).rename({"chances": "n"})
    kept = frame.filter(pl.col("person").is_in(shown)) if shown else frame
    if kept.is_empty():
        raise NoSuchData(f"{', '.join(shown)} had no {nouns(declared)[0]} here.", "Widen the period.")
    return kept.select(COLUMNS).sort("store", pl.col("person") == NOBODY, "tail", "person", nulls_last=True)


def only_looking(judged: pl.DataFrame, plain: pl.DataFrame) -> pl.DataFrame:
    """Who only looks different: the plain rate is apart from the team's, but not from that of colleagues on such leads.

    `judged`: rows of `people`. `plain`: `store, person, value, low, high`, the rate as it is counted with its 95 %
    interval. Kept are the rows that are not distinguishable, whose interval leaves out the team's rate and holds what
    was expected of these leads, and whose leads explain at least a third of what is apart; with `value, low, high` of
    the plain rate as `plain, plain_low, plain_high`.
    """
    renamed = {"value": "plain", "low": "plain_low", "high": "plain_high"}
    known = plain.select("store", "person", *renamed).rename(renamed).drop_nulls()
    both = judged.join(known, on=["store", "person"], how="inner", maintain_order="left")
    is_apart = ~pl.col("team_rate").is_between("plain_low", "plain_high")
    expected = pl.col("expected") / pl.col("n")
    explained = (expected - pl.col("team_rate")) / (pl.col("plain") - pl.col("team_rate"))
    is_explained = expected.is_between("plain_low", "plain_high") & (explained >= _EXPLAINED)
    return both.filter(pl.col("verdict") == ALIKE, is_apart, is_explained)


def _of_store(rows: pl.DataFrame, declared: Conversion) -> pl.DataFrame:
    """The people of one store, with the leads of nobody as a row that is not judged."""
    nested, crossed = strata(declared)
    named, nobody = rows.filter(pl.col("person") != NOBODY), rows.filter(pl.col("person") == NOBODY)
    is_higher_better = declared.higher_is_better is not False
    judged = compare(named, "person", nested, crossed, is_higher_better=is_higher_better)
    chances, hits = nouns(declared)
    waiting = named.group_by("person").agg(pl.col("n_immature").sum())
    told = judged.join(waiting, on="person", how="left", maintain_order="left")
    sentences = [sentence(row, chances, hits) + _still_open(row) for row in told.iter_rows(named=True)]
    told = told.with_columns(sentence=pl.Series(sentences, dtype=pl.String))
    if declared.higher_is_better is None:
        told = told.with_columns(direction=pl.lit(None, pl.String))
    whole = told if nobody.is_empty() else pl.concat([told, _unjudged(nobody, chances)], how="diagonal_relaxed")
    return whole.with_columns(store=pl.lit(rows["store"][0]))


def _unjudged(nobody: pl.DataFrame, chances: str) -> pl.DataFrame:
    counted = nobody.group_by("person").agg(
        pl.col("chances").sum(), pl.col("hits").sum().alias("observed"), pl.col("n_immature").sum()
    )
    return counted.with_columns(
        verdict=pl.lit(NOT_JUDGED),
        sentence=pl.lit(f"No person stands on these {chances}, so nobody is judged by them."),
    )


def _still_open(row: dict[str, Any]) -> str:
    """That some may still become hits, where any may."""
    waiting = row["n_immature"] or 0
    return f" {waiting:,.0f} of them are still open and may yet count." if waiting else ""
