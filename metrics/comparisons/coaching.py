"""What working on one step with one person is worth, and whether something changed after it was begun."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from metrics import engine
from metrics.catalog import metric
from metrics.comparisons.cells import DAYS_A_MONTH, cells, conversion, period, strata
from metrics.comparisons.people import NOBODY
from metrics.declare import Metric, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.case_mix import expected_hits
from metrics.statistics.coaching import GROSS, SALES, SHOWS, PerSale, change_against_team, coaching_value

# The steps of the funnel from first to last, and what the hits of each are.
FUNNEL: Final[Mapping[str, str | None]] = {
    "contact_rate": None,
    "contact_to_appointment": None,
    "show_rate": SHOWS,
    "show_to_sale": SALES,
}
_ENDS: Final = tuple(f"{outcome}{end}" for outcome in (SHOWS, SALES, GROSS) for end in ("", "_low", "_high"))
COLUMNS: Final = (
    "store",
    "person",
    "credit",
    "step",
    "n",
    "observed",
    "observed_rate",
    "rate",
    "expected_rate",
    "gap",
    *_ENDS,
    "sentence",
)


def coaching(warehouse: Warehouse, filters: Filters, gross: Mapping[str, PerSale] | None = None) -> pl.DataFrame:
    """What each person would bring in a month by reaching, in one step, what colleagues reach on the same leads.

    One row per store, person and step, in `COLUMNS`: the `observed` hits of `n` and their rate, the person's shrunken
    `rate` and the `expected_rate` of colleagues, and for shows, sales and gross a month the value with its 95 %
    interval; by person, the step worth most first. Steps are those of `FUNNEL`, all credited to one role (salesperson,
    unless the filters say another); each step counts on its own clock. Null where the person is not behind. Gross per
    sale is the store's mean over deals of known gross, as `gross_per_sale` has it; asked here unless it is given.
    NoSuchData where nobody has anything.
    """
    role = filters.credit or "salesperson"
    asked = filters.but(credit=role)
    first, last = period(warehouse, asked)
    months = ((last - first).days + 1) / DAYS_A_MONTH
    found = [rows for name in FUNNEL if (rows := _step(warehouse, name, asked)) is not None]
    if not found:
        raise NoSuchData("Nobody has any leads or appointments here.", "Widen the period or drop a filter.")
    steps = pl.concat(found)
    worth = gross or {store: gross_per_sale(warehouse, store, filters) for store in steps["store"].unique()}
    valued = coaching_value(steps, "person", FUNNEL, months, worth, team="store")
    counted = pl.when(pl.col("chances") > 0).then(pl.col("observed") / pl.col("chances"))
    frame = valued.with_columns(credit=pl.lit(role), observed_rate=counted).rename({"chances": "n"})
    shown = filters.where.get("person", ())
    kept = frame.filter(pl.col("person").is_in(shown)) if shown else frame
    sentences = [_worth(row) for row in kept.iter_rows(named=True)]
    return kept.with_columns(sentence=pl.Series(sentences, dtype=pl.String)).select(COLUMNS)


def since(warehouse: Warehouse, name: str, filters: Filters, day: date) -> pl.DataFrame:
    """How each person changed from a day on, against the change of the colleagues at the same store.

    Before and after are equally long unless the filters have a first day. One row per store and person: `store,
    person, credit, metric, n_before, n_after, person_before, person_after, team_before, team_after, person_change,
    team_change, difference, low, high, sentence`. MetricError where the day leaves nothing after it.
    """
    declared = conversion(name)
    _, last = period(warehouse, filters.but(start=None))
    if day > last:
        raise MetricError(f"--since {day} lies after the data end, on {last}.", "Give a day with some weeks after it.")
    if filters.start and filters.start >= day:
        raise MetricError(
            f"--since {day} leaves nothing before it: the period starts on {filters.start}.", "Start it earlier."
        )
    start = filters.start or day - ((last - day) + timedelta(days=1))
    shown = filters.where.get("person", ())
    whole = filters.but(where={key: kept for key, kept in filters.where.items() if key != "person"})
    before = _side(warehouse, name, whole.but(start=start, end=day - timedelta(days=1)), is_after=False)
    after = _side(warehouse, name, whole.but(start=day, end=last), is_after=True)
    stores = pl.concat([before, after]).partition_by("store", maintain_order=True)
    found = [row for rows in stores for row in _changes(rows)]
    kept = [row for row in found if not shown or row["person"] in shown]
    if not kept:
        raise NoSuchData(f"There is nobody with {declared.label} on both sides of {day}.", "Widen the period.")
    role = whole.but(by=("person",)).role(declared)
    frame = pl.DataFrame([row | {"credit": role, "metric": name} for row in kept], infer_schema_length=None)
    return frame.select("store", "person", "credit", "metric", *_CHANGES).sort("store", "person")


_CHANGES: Final = (
    *("n_before", "n_after", "person_before", "person_after", "team_before", "team_after"),
    *("person_change", "team_change", "difference", "low", "high", "sentence"),
)


def _step(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame | None:
    """Expected hits of one step, person by person within each store; None where nobody reached it."""
    nested, crossed = strata(conversion(name))
    whole = filters.but(where={key: kept for key, kept in filters.where.items() if key != "person"})
    try:
        found = cells(warehouse, name, whole, ("store", "person", *nested, *crossed)).filter(pl.col("person") != NOBODY)
    except NoSuchData:
        return None
    if found.is_empty():
        return None
    needed = ("store", "person", "chances", "observed", "expected", "expected_variance")
    return expected_hits(found, "person", nested, crossed, "store").select(*needed, step=pl.lit(name))


def gross_per_sale(warehouse: Warehouse, store: str, filters: Filters) -> PerSale:
    """A store's mean gross per sale and its standard error; zero for both where no gross is known.

    Of the filters the period alone counts: what a sale brings does not depend on who is looked at.
    """
    own = filters.but(where={"store": (store,)}, credit=None)
    known = engine.amounts(warehouse, "gross", own)["amount"].drop_nulls().cast(pl.Float64)
    sold = known.to_numpy()
    error = float(np.std(sold, ddof=1)) / len(sold) ** 0.5 if len(sold) > 1 else 0.0
    return (float(sold.mean()) if len(sold) else 0.0), error


def _worth(row: Mapping[str, Any]) -> str:
    declared: Metric = metric(row["step"])
    if row["gap"] is None or row["gap"] <= 0:
        return f"{declared.label}: not behind the colleagues on the same leads."
    rates = f"{declared.label}: {row['rate']:.1%}, colleagues on the same leads {row['expected_rate']:.1%}."
    if row[GROSS] is None:
        return rates
    if row[f"{GROSS}_low"] <= 0:
        return f"{rates} So small a gap may be luck."
    shows = "" if row[SHOWS] is None else f"{row[SHOWS]:.1f} shows, "
    return (
        f"{rates} Reaching them would bring {shows}{row[SALES]:.1f} sales and {row[GROSS]:,.0f} gross a month "
        f"(95 %: {row[GROSS + '_low']:,.0f} to {row[GROSS + '_high']:,.0f})."
    )


def _side(warehouse: Warehouse, name: str, filters: Filters, *, is_after: bool) -> pl.DataFrame:
    return cells(warehouse, name, filters, ("store", "person")).with_columns(is_after=pl.lit(is_after))


def _changes(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per person with chances on either side; the rows of nobody count neither as a person nor as the team."""
    named = rows.filter(pl.col("person") != NOBODY)
    counted = {(row["person"], row["is_after"]): row for row in named.iter_rows(named=True)}
    found = []
    for person in named["person"].unique().sort():
        none = {"chances": 0.0, "n_immature": 0.0}
        before, after = (counted.get((person, side), none) for side in (False, True))
        change: dict[str, Any] = dict(change_against_team(named, "person", person))
        row = {"store": rows["store"][0], "person": person, "n_before": before["chances"], **change}
        found.append(row | {"n_after": after["chances"], "sentence": _changed(row, after["n_immature"])})
    return found


def _changed(row: Mapping[str, Any], n_open: float) -> str:
    if row["difference"] is None:
        return "Nothing to compare: the person or the team has no leads on one side."
    moved = f"{_points(row['person_change'])} points, the team {_points(row['team_change'])}"
    ends = f"a difference of {_points(row['difference'])} (95 %: {_points(row['low'])} to {_points(row['high'])})"
    is_told = row["low"] > 0 or row["high"] < 0
    verdict = "different from the team's own change" if is_told else "not distinguishable from the team's own change"
    waiting = f" {n_open:,.0f} leads after that day are still open." if n_open else ""
    return f"{moved}: {ends}, {verdict}.{waiting}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
