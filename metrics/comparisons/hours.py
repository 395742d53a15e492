"""When in the week a rate fails: weekday by hour of the store's clock, and the hours that stand out beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from metrics import engine
from metrics.comparisons.cells import conversion
from metrics.declare import MetricError
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.intervals import wilson, wilson_of
from metrics.statistics.scan import Block, Counts, crowded_block

WEEKDAYS: Final[tuple[str, ...]] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ARRIVED: Final = ("created_weekday", "created_hour")
DUE: Final = ("due_weekday", "due_hour")
_HOURS: Final = 24
_TIMED: Final = r"^\d\d:00$"
_CELLS: Final = ("metric", "weekday", "hour", "numerator", "denominator")


@dataclass(frozen=True)
class Slot:
    """The days and hours in which a rate fails more than elsewhere, beyond chance.

    `hours` are the first minutes of each hour, such as 17:00. `value, low, high` are the rate inside, `other_value` the
    rate at all other times, and `excess` how many misses there would not be, had it been the same inside.
    `is_every_day` and `is_all_day` say that only the hours, or only the days, set it apart.
    """

    weekdays: tuple[str, ...]
    hours: tuple[str, ...]
    chances: int
    misses: int
    value: float
    low: float
    high: float
    other_value: float
    excess: int
    is_every_day: bool
    is_all_day: bool

    def labels(self, clock: tuple[str, str]) -> dict[str, tuple[str, ...]]:
        """The slot as labels to filter by, per dimension of the clock."""
        return {clock[0]: self.weekdays, clock[1]: self.hours}


@dataclass(frozen=True)
class Week:
    """Metrics by weekday and hour. `cells`: `metric, weekday, hour` (0 to 23), `numerator, denominator?`.

    `worst` is the slot of the first metric, None where chance alone may explain every one. `timeless` is how many
    chances of it name no hour, and are in no cell. `inside` has the first metric's `numerator, denominator` within the
    worst slot by one more dimension, where one was asked for; it is empty without a slot.
    """

    cells: pl.DataFrame
    worst: Slot | None
    timeless: int
    inside: pl.DataFrame


def week(
    warehouse: Warehouse, names: Sequence[str], filters: Filters, clock: tuple[str, str], also_by: str | None = None
) -> Week:
    """Metrics by weekday and hour, the first of them a conversion; `clock` names the two dimensions.

    `also_by` names a third one, by which the rows of the worst slot are told apart. MetricError, with the reason, where
    a metric cannot be had under the filters.
    """
    first = conversion(names[0])
    by = clock if also_by is None else (*clock, also_by)
    found = engine.evaluate(warehouse, names, filters.but(by=by, grain=None))
    reasons = found["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), f"`python -m metrics list` says what {first.label} can be split by.")
    named = found.rename({clock[0]: "weekday", clock[1]: "hour"})
    is_timed = pl.col("hour").str.contains(_TIMED)
    timed = named.filter(is_timed).with_columns(hour=pl.col("hour").str.head(2).cast(pl.Int64))
    cells = timed.select(_CELLS) if also_by is None else _summed(timed)
    timeless = named.filter(~is_timed, pl.col("metric") == first.name)["denominator"].sum()
    worst = _worst(cells.filter(pl.col("metric") == first.name))
    inside = _inside(timed.filter(pl.col("metric") == first.name), worst, also_by)
    return Week(cells, worst, round(timeless), inside)


def _summed(timed: pl.DataFrame) -> pl.DataFrame:
    """Cells without the third dimension; a count keeps its null denominator."""
    parts = [
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
        for name in ("numerator", "denominator")
    ]
    return timed.group_by("metric", "weekday", "hour", maintain_order=True).agg(parts).select(_CELLS)


def _inside(timed: pl.DataFrame, worst: Slot | None, also_by: str | None) -> pl.DataFrame:
    by = [] if also_by is None else [also_by]
    if worst is None:
        return timed.select(*by, "numerator", "denominator").clear()
    hours = [int(hour[:2]) for hour in worst.hours]
    rows = timed.filter(pl.col("weekday").is_in(worst.weekdays), pl.col("hour").is_in(hours))
    if not by:
        return rows.select(pl.col("numerator", "denominator").sum())
    return rows.group_by(by, maintain_order=True).agg(pl.col("numerator", "denominator").sum())


def by_hours(found: Week, name: str, width: int) -> pl.DataFrame:
    """One metric of a week in bands of `width` hours, rates divided anew: a row per weekday and band, in order.

    Columns: `weekday, hours` ("09:00 to 12:00"), `from_hour, numerator, denominator, value, low, high`. The bands run
    from the first hour of the day in which anything happened to the last. A cell without rows counts 0, and has no
    rate. `width` divides 24.
    """
    cells = found.cells.filter(pl.col("metric") == name).with_columns(from_hour=pl.col("hour") // width * width)
    is_rate = cells["denominator"].is_not_null().any()
    summed = cells.group_by("weekday", "from_hour").agg(pl.col("numerator", "denominator").sum())
    grid = _grid(cells["from_hour"].to_list(), width).join(summed, on=["weekday", "from_hour"], how="left")
    filled = grid.with_columns(pl.col("numerator", "denominator").fill_null(0)).sort("place", "from_hour")
    low, high = wilson(pl.col("numerator"), pl.col("denominator"))
    rate = pl.when(pl.col("denominator") > 0).then(pl.col("numerator") / pl.col("denominator"))
    none = pl.lit(None, pl.Float64)
    numbers = {"value": rate, "low": low, "high": high}
    if not is_rate:
        numbers = {"value": pl.col("numerator"), "low": none, "high": none}
    return filled.drop("place").with_columns(**numbers)


def is_missed_mostly(rows: pl.DataFrame, dimension: str, label: str) -> bool:
    """Whether at least half of the misses of a rate, split by one dimension, have this label."""
    missed = rows.with_columns(missed=pl.col("denominator") - pl.col("numerator"))
    here = missed.filter(pl.col(dimension) == label)["missed"].sum()
    return bool(2 * here >= missed["missed"].sum())


def _grid(hours: list[int], width: int) -> pl.DataFrame:
    bands = list(range(min(hours, default=0), max(hours, default=-width) + width, width))
    return pl.DataFrame(
        [
            (place, day, f"{hour:02}:00 to {hour + width:02}:00", hour)
            for place, day in enumerate(WEEKDAYS)
            for hour in bands
        ],
        schema={"place": pl.Int64, "weekday": pl.String, "hours": pl.String, "from_hour": pl.Int64},
        orient="row",
    )


def _worst(cells: pl.DataFrame) -> Slot | None:
    chances, misses = np.zeros((7, _HOURS), np.int64), np.zeros((7, _HOURS), np.int64)
    for day, hour, hits, count in cells.select("weekday", "hour", "numerator", "denominator").iter_rows():
        place = WEEKDAYS.index(day), hour
        chances[place], misses[place] = round(count), round(count - hits)
    block = crowded_block(chances, misses)
    return _slot(block, chances) if block is not None and block.is_beyond_chance else None


def _slot(block: Block, chances: Counts) -> Slot:
    value = 1 - block.misses / block.chances
    low, high = wilson_of(block.chances - block.misses, block.chances) or (value, value)
    other = block.other_misses / block.other_chances
    days, hours = slice(block.rows[0], block.rows[1] + 1), slice(block.columns[0], block.columns[1] + 1)
    whole, inside_days, inside_hours = chances.sum(), chances[days].sum(), chances[:, hours].sum()
    return Slot(
        weekdays=WEEKDAYS[days],
        hours=tuple(f"{hour:02}:00" for hour in range(hours.start, hours.stop)),
        chances=block.chances,
        misses=block.misses,
        value=value,
        low=low,
        high=high,
        other_value=1 - other,
        excess=round(block.misses - block.chances * other),
        is_every_day=bool(inside_days == whole),
        is_all_day=bool(inside_hours == whole),
    )
