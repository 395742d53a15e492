"""What People and Person share: the fair comparison of one rate, everybody's keys, and links to coaching sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from metrics.comparisons.people import NOBODY, only_looking, people
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


def members(name: str, filters: Filters) -> list[Row]:
    """The people judged by one rate as rows, nobody's own rows left out; empty where it cannot be had."""
    found = judged(name, filters)
    return [] if isinstance(found, MetricError) else found.filter(pl.col("person") != NOBODY).to_dicts()


def lookalikes(name: str, filters: Filters) -> list[Row]:
    """Who only looks different by one rate (see `only_looking`), as rows."""
    found = judged(name, filters)
    if isinstance(found, MetricError):
        return []
    return only_looking(found, plain(name, filters)).to_dicts()


def plain(name: str, filters: Filters) -> pl.DataFrame:
    """The rate of each person as it is counted, with its interval; whole team, whoever is picked."""
    return frame.evaluate((name,), whole(filters).but(by=("store", "person")))


def plain_rates(name: str, filters: Filters) -> Rates:
    """The rate of each person as it is counted, with its interval, by store and person."""
    rows = plain(name, filters).filter(pl.col("value").is_not_null())
    return {(row["store"], row["person"]): row for row in rows.to_dicts()}


def person_keys() -> dict[str, str]:
    """The stable key of each person by label."""
    return dict(frame.staff().select("person", "person_key").iter_rows())


def link_to_sheet(person: str, label: str, keys: Mapping[str, str]) -> None:
    """A link to the coaching sheet of a person; nothing for those who have none."""
    if person in keys and person != NOBODY:
        frame.link("person", label, who=keys[person])
