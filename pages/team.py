"""What People and Person share: the fair comparison of a rate, everybody's keys, and links to coaching sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from metrics.comparisons.coaching import coaching, gross_per_sale
from metrics.comparisons.people import NOBODY, apart, as_counted, only_looking, people
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import frame

Row = dict[str, Any]
Rates = Mapping[tuple[str, str], Row]


def whole(filters: Filters) -> Filters:
    """The whole team under the same filters, whoever is picked: a person is compared with all of them."""
    return filters.but(where={name: labels for name, labels in filters.where.items() if name != "person"})


def judged(name: str, filters: Filters) -> pl.DataFrame | MetricError:
    """The fair comparison of one rate, or why it cannot be had under these filters."""
    try:
        return frame.estimate(people, name, filters)
    except MetricError as error:
        return error


def told_apart(name: str, filters: Filters) -> pl.DataFrame | MetricError:
    """The same without rates at equal leads and limits, in a fraction of the time (see `apart`)."""
    try:
        return frame.estimate(apart, name, filters)
    except MetricError as error:
        return error


def members(found: pl.DataFrame | MetricError) -> list[Row]:
    """The people of a comparison as rows, nobody's own rows left out; empty where it cannot be had."""
    return [] if isinstance(found, MetricError) else found.filter(pl.col("person") != NOBODY).to_dicts()


def lookalikes(found: pl.DataFrame | MetricError) -> list[Row]:
    """Who of a comparison only looks different (see `only_looking`), as rows; empty where it cannot be had."""
    return [] if isinstance(found, MetricError) else only_looking(found, as_counted(found)).to_dicts()


def worth_coaching(filters: Filters) -> pl.DataFrame:
    """What each person would bring by reaching colleagues at one step (see `coaching`); MetricError where nobody is.

    What a sale brings at a store is asked once for a period, whatever else is filtered by.
    """
    period = filters.but(where={}, credit=None)
    stores = filters.where.get("store") or frame.stores()["store"].to_list()
    gross = {store: frame.estimate(gross_per_sale, store, period) for store in stores}
    return frame.estimate(coaching, filters, gross)


def rates(counted: pl.DataFrame) -> Rates:
    """Rates of people with their interval, by store and person; people without a chance are left out."""
    rows = counted.filter(pl.col("value").is_not_null())
    return {(row["store"], row["person"]): row for row in rows.to_dicts()}


def person_keys() -> dict[str, str]:
    """The stable key of each person by label."""
    return dict(frame.staff().select("person", "person_key").iter_rows())


def link_to_sheet(person: str, label: str, keys: Mapping[str, str]) -> None:
    """A link to the coaching sheet of a person; nothing for those who have none."""
    if person in keys and person != NOBODY:
        frame.link("person", label, who=keys[person])
