"""People against colleagues on the same leads: how many hits, how many expected, and whether that says anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from metrics.comparisons.cells import cells, conversion, nouns, strata
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.intervals import wilson
from metrics.statistics.verdicts import ALIKE, compare, sentence, tell_apart

NOBODY: Final = "(unassigned)"
NOT_JUDGED: Final = "nobody's own"
_EXPLAINED: Final = 1 / 3
# How people are compared: `statistics.verdicts.compare`, or `tell_apart`.
Compared = Callable[..., pl.DataFrame]
APART: Final = (
    *("store", "person", "credit", "metric", "n", "observed", "expected", "team_rate", "n_immature"),
    *("tail", "verdict", "direction"),
)
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
    kept = _compared(warehouse, name, filters, compare)
    chances, hits = nouns(conversion(name))
    sentences = [_sentence(row, chances, hits) for row in kept.iter_rows(named=True)]
    return kept.with_columns(sentence=pl.Series(sentences, dtype=pl.String)).select(COLUMNS)


def apart(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """Who of `people` is different from the colleagues, and nothing beside that: the same rows, in `APART`.

    Takes a fraction of the time, as neither rates at equal leads nor limits are looked for.
    """
    return _compared(warehouse, name, filters, tell_apart).select(APART)


def as_counted(judged: pl.DataFrame) -> pl.DataFrame:
    """The plain rate of each row of `people` or `apart`, with its 95 % interval, as `metrics.engine.evaluate` has it.

    Columns: `store, person, metric, numerator, denominator, value, low, high`.
    """
    low, high = wilson(pl.col("observed"), pl.col("n"))
    return judged.select(
        *("store", "person", "metric"),
        numerator="observed",
        denominator="n",
        value=pl.col("observed") / pl.col("n"),
        low=low,
        high=high,
    )


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


def _compared(warehouse: Warehouse, name: str, filters: Filters, compared: Compared) -> pl.DataFrame:
    """The rows of everybody whom the filters show, in order; the leads of nobody as a row that is not judged."""
    declared = conversion(name)
    if not declared.credits:
        raise MetricError(f"{declared.label} is nobody's own, so people cannot be compared by it.", "Use closing_rate.")
    shown = filters.where.get("person", ())
    whole = filters.but(where={key: kept for key, kept in filters.where.items() if key != "person"})
    nested, crossed = strata(declared)
    found = cells(warehouse, name, whole, ("store", "person", *nested, *crossed))
    role = whole.but(by=("person",)).role(declared)
    frame = _with_nobody(found, declared, compared).with_columns(metric=pl.lit(name), credit=pl.lit(role))
    kept = frame.filter(pl.col("person").is_in(shown)) if shown else frame
    if kept.is_empty():
        raise NoSuchData(f"{', '.join(shown)} had no {nouns(declared)[0]} here.", "Widen the period.")
    return kept.sort("store", pl.col("person") == NOBODY, "tail", "person", nulls_last=True)


def _with_nobody(found: pl.DataFrame, declared: Conversion, compared: Compared) -> pl.DataFrame:
    """The people of each store beside each other, then what stands on nobody there."""
    nested, crossed = strata(declared)
    named = found.filter(pl.col("person") != NOBODY)
    is_higher_better = declared.higher_is_better is not False
    judged = compared(named, "person", nested, crossed, is_higher_better=is_higher_better, team="store")
    if declared.higher_is_better is None:
        judged = judged.with_columns(direction=pl.lit(None, pl.String))
    counted = found.group_by("store", "person").agg(
        pl.col("chances", "n_immature").sum(), pl.col("hits").sum().alias("observed")
    )
    told = judged.join(counted.select("store", "person", "n_immature"), on=["store", "person"], maintain_order="left")
    nobody = counted.filter(pl.col("person") == NOBODY).with_columns(verdict=pl.lit(NOT_JUDGED))
    return pl.concat([told, nobody], how="diagonal").rename({"chances": "n"})


def _sentence(row: dict[str, Any], chances: str, hits: str) -> str:
    """What a row says in plain words, and that some may still become hits, where any may."""
    if row["verdict"] == NOT_JUDGED:
        return f"No person stands on these {chances}, so nobody is judged by them."
    waiting = row["n_immature"] or 0
    still_open = f" {waiting:,.0f} of them are still open and may yet count." if waiting else ""
    return sentence({**row, "chances": row["n"]}, chances, hits) + still_open
