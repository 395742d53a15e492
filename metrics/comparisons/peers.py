"""What colleagues reach, told to somebody who may not see their rows: one figure that names nobody.

A figure of few people, or of one who makes most of it, tells of a person; and two figures whose difference is a single
colleague tell as much. So the figure is made of whole calendar months that are over, each of which is told by itself or
not at all, whatever is filtered by: the difference of any two figures is again a sum of such months. (The minimum count
and the dominance of one contributor are the usual rules of statistical disclosure control, see Hundepool and others,
Statistical Disclosure Control, 2012, chapter 4.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from metrics import engine
from metrics.comparisons.cells import conversion
from metrics.engine import Warehouse
from metrics.filters import Filters

FEWEST_PEOPLE: Final = 5
LARGEST_SHARE: Final = 0.5
SCHEMA: Final = {
    "metric": pl.String,
    "value": pl.Float64,
    "chances": pl.Float64,
    "fewest_people": pl.Int64,
    "months": pl.Int64,
}


def peers(warehouse: Warehouse, names: Sequence[str], person: str, filters: Filters) -> pl.DataFrame:
    """The rate of everybody else at this person's store, over the whole months of the period that are over.

    One row per conversion of `names`: `metric, value?, chances, fewest_people` (in any month that was taken), `months`.
    A month counts where at least five colleagues had a chance in it, and none of them more than half of the chances;
    without such a month `value` is null. Of the filters only the period is used. The handle's limit does not hold for
    what is counted here, which is why nothing finer leaves this function.
    """
    everybody = warehouse.of_everybody()
    where = _colleagues(everybody, person)
    asked = [name for name in names if conversion(name).credits]
    if not where["person"] or not asked:
        return pl.DataFrame(schema=SCHEMA)
    months = _whole_months(everybody, filters)
    found = engine.evaluate(everybody, asked, months.but(by=("person",), where=where))
    told = (
        found.filter(pl.col("denominator") > 0)
        .group_by("metric", "period")
        .agg(
            hits=pl.col("numerator").sum(),
            chances=pl.col("denominator").sum(),
            people=pl.len().cast(pl.Int64),
            largest=pl.col("denominator").max(),
        )
    )
    safe = told.filter(
        pl.col("people") >= FEWEST_PEOPLE,
        pl.col("largest") <= LARGEST_SHARE * pl.col("chances"),
        pl.col("period").is_in(_over(months)),
    )
    summed = safe.group_by("metric").agg(
        value=pl.col("hits").sum() / pl.col("chances").sum(),
        chances=pl.col("chances").sum(),
        fewest_people=pl.col("people").min(),
        months=pl.len().cast(pl.Int64),
    )
    return pl.DataFrame({"metric": asked}).join(summed, on="metric", how="left", maintain_order="left").select(*SCHEMA)


def _colleagues(everybody: Warehouse, person: str) -> dict[str, tuple[str, ...]]:
    """That person's store, and everybody else there, machines and "(unassigned)" left out."""
    staff = engine.staff(everybody).filter(pl.col("store").is_not_null(), ~pl.col("is_machine"))
    own = staff.filter(person=person)["store"].to_list()
    others = staff.filter(pl.col("store").is_in(own), pl.col("person") != person)["person"].to_list()
    return {"store": tuple(own), "person": tuple(others)}


def _whole_months(everybody: Warehouse, filters: Filters) -> Filters:
    """A question by month from the first day of the period's first month to the last day that is over in the data."""
    newest: dt.date = engine.stores(everybody)["as_of_on"].max()  # type: ignore[assignment]  # one has the person
    over = newest - dt.timedelta(days=1)
    end = over if filters.end is None else min(filters.end, over)
    start = filters.start.replace(day=1) if filters.start is not None else None
    return Filters(start=None if start is None or start > end else start, end=end, grain="month")


def _over(months: Filters) -> list[dt.date]:
    """The first days of the months that lie whole within the question."""
    end = months.end or dt.date.max
    after = end + dt.timedelta(days=1)
    last = after.replace(day=1) - dt.timedelta(days=1)
    first = months.start or dt.date(2000, 1, 1)
    return pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_list() if first <= last else []
