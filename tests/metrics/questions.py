"""Random questions for Hypothesis, and the harness that holds the engine's answer against the oracle's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from hypothesis import strategies as st

from metrics.catalog import METRICS, metric
from metrics.engine import Warehouse, evaluate, open_warehouse
from metrics.filters import ATTRIBUTIONS, BASES, GRAINS, Filters, unavailable
from tests.oracle import Answer, Key, Oracle
from tests.star import INSTRUMENTS, Star, write_warehouse

LABELS = {
    "store": ("Northgate Motors", "Southside Autos"),
    "person": ("Ada Reyes", "Ben Okoye", "(unassigned)"),
    "source": ("Website", "Third Party", "unknown", "(no source)", "(no lead)"),
    "source_group": ("Own", "Paid", "(no group)"),
    "channel": ("website", "classifieds", "(no channel)"),
    "lead_type": ("internet", "phone", "(no lead)"),
    "vehicle_condition": ("new", "(not given)"),
    "appointment_type": ("sales", "service"),
    "instrument": INSTRUMENTS,
}
PERIODS = (
    (None, None),
    (date(2026, 3, 1), date(2026, 3, 31)),
    (date(2026, 4, 30), None),
    (None, date(2026, 5, 18)),
    (date(2026, 2, 10), date(2026, 5, 1)),
)
MOMENTS = (None, None, datetime(2026, 4, 30, 22, 0, tzinfo=UTC), datetime(2026, 5, 17, 20, 0, tzinfo=UTC))


def _wheres() -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    one = st.sampled_from(sorted(LABELS)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.lists(st.sampled_from(LABELS[name]), min_size=1, max_size=2).map(tuple)
        )
    )
    return st.lists(one, max_size=2).map(dict)


def questions() -> st.SearchStrategy[Filters]:
    """Filters of every kind: any split, grain, period, scope, now, basis, credit and attribution."""
    return st.builds(
        lambda period, **others: Filters(start=period[0], end=period[1], **others),
        period=st.sampled_from(PERIODS),
        by=st.lists(st.sampled_from(sorted(LABELS)), max_size=2).map(tuple),
        grain=st.sampled_from((None, None, *GRAINS)),
        where=_wheres(),
        as_of=st.sampled_from(MOMENTS),
        basis=st.sampled_from(("cohort", *BASES)),
        credit=st.sampled_from((None, None, "salesperson", "bdc_agent", "setter", "responder", "person")),
        attribution=st.sampled_from(("first", *ATTRIBUTIONS)),
    )


@contextmanager
def warehouse_of(star: Star) -> Iterator[Warehouse]:
    """The star on disk, open; gone afterwards."""
    with TemporaryDirectory() as directory:
        warehouse = open_warehouse(write_warehouse(Path(directory), star))
        try:
            yield warehouse
        finally:
            warehouse.close()


def had(filters: Filters) -> list[str]:
    """The metrics that can be had under the filters."""
    return [found.name for found in METRICS if unavailable(found, filters) is None]


def answers_of(frame: pl.DataFrame, filters: Filters) -> dict[str, dict[Key, Answer]]:
    """A result by metric and key."""
    names = [*filters.by, *(["period"] if filters.grain else [])]
    found: dict[str, dict[Key, Answer]] = {}
    for row in frame.iter_rows(named=True):
        answer = Answer(row["numerator"], row["denominator"], row["value"], row["n_immature"])
        found.setdefault(row["metric"], {})[tuple(row[name] for name in names)] = answer
    return found


def assert_agrees(star: Star, warehouse: Warehouse, filters: Filters) -> None:
    """Every metric that can be had is the same twice."""
    names = had(filters)
    oracle = Oracle(star, filters)
    mixed = [name for name in names if oracle.is_mixed(name)]
    frame = evaluate(warehouse, names, filters)
    assert frame.filter(pl.col("reason").is_not_null())["metric"].to_list() == mixed
    found = answers_of(frame, filters)
    for name in (name for name in names if name not in mixed):
        expected, got = oracle.answer(name), found.get(name, {})
        assert got.keys() == expected.keys(), f"{name}: rows differ under {filters!r}"
        for key, answer in expected.items():
            assert is_same(got[key], answer), f"{name} {key}: {got[key]} is not {answer} under {filters!r}"


def is_same(one: Answer, other: Answer) -> bool:
    return all(_is_close(getattr(one, part), getattr(other, part)) for part in vars(one))


def _is_close(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


def value_of(warehouse: Warehouse, name: str, **filters: Any) -> float | None:
    """The one value of a metric."""
    assert metric(name)
    value: float | None = evaluate(warehouse, [name], Filters(**filters))["value"].item()
    return value
