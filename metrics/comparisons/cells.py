"""Conversions as cells of chances and hits: the shape that every comparison starts from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from metrics import engine
from metrics.catalog import metric
from metrics.declare import Conversion, Measure, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters, unavailable

# What a lead brings with it, before anybody touched it. Source group and source stand within each other, the rest
# cuts across. How fast or how often a lead was answered is never here: that is the person's own doing.
NESTED: Final = ("source_group", "source")
CROSSED: Final = ("lead_type", "vehicle_condition", "after_hours")
DAYS_A_MONTH: Final = 365.25 / 12
_ONE_STORE: Final = "Choose one store with --where store=NAME, or drop a filter."
_HITS: Final = {
    "is_attempted": "answered",
    "is_contacted": "contacted",
    "is_appointment_set": "appointments",
    "is_confirmed": "confirmed",
    "is_shown": "shows",
    "is_sold": "sales",
    "is_lost": "lost",
    "is_bad": "marked bad",
}


def conversion(name: str) -> Conversion:
    """The conversion of that name; MetricError where the metric is of another kind: only hits out of chances compare.

    A count, a sum or a ratio has no chances of which each could have been a hit, so luck cannot be told from doing.
    """
    found = metric(name)
    if isinstance(found, Conversion):
        return found
    raise MetricError(
        f"{found.label} is a {found.kind}, not a conversion: it has no hits out of chances to compare.",
        "Use a rate, such as closing_rate, contact_rate or show_rate; `python -m metrics list` says the kind of each.",
    )


def cells(warehouse: Warehouse, name: str, filters: Filters, by: Sequence[str]) -> pl.DataFrame:
    """Chances and hits of a conversion for every combination of `by`.

    Shape: the columns of `by`, then `chances, hits, n_immature`. MetricError where it cannot be had under the filters,
    with the reason, NoSuchData where nothing matches.
    """
    declared = conversion(name)
    if filters.basis != "cohort":
        raise MetricError(
            f"{declared.label} compares only by cohort: in-period hits come from other leads than the chances.",
            "Leave --basis out.",
        )
    found = engine.evaluate(warehouse, [name], filters.but(by=tuple(by), grain=None))
    reasons = found["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), f"`python -m metrics list` says what {declared.label} can be split by.")
    filled = found.filter(pl.col("denominator") > 0)
    if filled.is_empty():
        raise NoSuchData(f"There is no {declared.label} to compare here.", "Widen the period or drop a filter.")
    return filled.select(*by, chances="denominator", hits="numerator", n_immature=pl.col("n_immature").fill_null(0))


@lru_cache(maxsize=256)
def strata(declared: Conversion) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The nested and the crossed columns of the case mix that a conversion's fact has."""
    return (
        tuple(name for name in NESTED if name in declared.dimensions),
        tuple(name for name in CROSSED if name in declared.dimensions),
    )


def nouns(declared: Conversion) -> tuple[str, str]:
    """Plural nouns for chances and hits in a sentence: opportunities and sales."""
    hits = "misses" if declared.counts_misses else _HITS.get(declared.converted, "hits")
    return declared.table.noun.replace("_", " "), hits


def amount(warehouse: Warehouse, name: str, filters: Filters, by: Sequence[str]) -> pl.DataFrame:
    """A count or a sum by `by` (and `period`, where filters have a grain), then `value`.

    MetricError where it cannot be had under the filters, with the reason.
    """
    found = engine.evaluate(warehouse, [name], filters.but(by=tuple(by)))
    reasons = found["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), _ONE_STORE)
    return found.select(*by, *(["period"] if filters.grain else []), "value")


def amounts(warehouse: Warehouse, names: Sequence[str], filters: Filters, by: Sequence[str]) -> pl.DataFrame:
    """Several counts or sums by `by`, each in the column of its name, asked at once; null where there is nothing.

    MetricError where one cannot be had under the filters, with the reason.
    """
    asked = filters.but(by=tuple(by))
    for name in names:
        reason = unavailable(metric(name), asked)
        if reason:
            raise MetricError(reason, _ONE_STORE)
    found = engine.evaluate(warehouse, names, asked)
    reasons = found["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), _ONE_STORE)
    values = [pl.col("value").filter(pl.col("metric") == name).first().alias(name) for name in names]
    return found.group_by(*by).agg(values) if by else found.select(values)


def is_measure(name: str) -> bool:
    """Whether a metric counts or sums one thing, so that days of it add up."""
    found = metric(name)
    return isinstance(found, Measure) and not found.is_quantile


def period(warehouse: Warehouse, filters: Filters) -> tuple[date, date]:
    """First and last day that filters look at: their own, else those of the data. NoSuchData where there are none."""
    begun, last = engine.first_day(warehouse), today(warehouse, filters)
    if begun is None:
        raise NoSuchData("There are no opportunities in this data.", "Load some: `python -m loaders load PATH`.")
    return filters.start or begun, min(filters.end or last, last)


def today(warehouse: Warehouse, filters: Filters) -> date:
    """The day of now: of `as_of`, else of the snapshot; the earliest of the stores in scope, so that each has data.

    A moment is another day in another time zone: it counts as each store's own clock shows it.
    """
    known = engine.stores(warehouse).filter(pl.col("as_of_on").is_not_null())
    chosen = filters.where.get("store", ())
    scope = known.filter(pl.col("store").is_in(chosen)) if chosen else known
    if scope.is_empty():
        raise NoSuchData("No store here has any data yet.", "Load some: `python -m loaders load PATH`.")
    if filters.as_of:
        return min(filters.as_of.astimezone(ZoneInfo(zone)).date() for zone in scope["time_zone"])
    days: list[date] = scope["as_of_on"].to_list()
    return min(days)
