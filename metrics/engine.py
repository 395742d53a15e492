"""Runs metrics against a snapshot: opens it read-only, follows CURRENT, evaluates, lists the rows behind a number."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import polars as pl

from metrics import sql
from metrics.catalog import metric as declared
from metrics.declare import Conversion, Measure, Metric, MetricError, NoSuchData, Ratio
from metrics.filters import Filters, check_dimension, unavailable
from metrics.scope import WHOLE, Scope
from metrics.scope_sql import within
from metrics.sql import Part, Query, Together
from metrics.statistics.intervals import wilson

CURRENT: Final = "CURRENT"
# What DuckDB raises where the bytes of a file are not what was written.
_DAMAGE: Final = (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException)
# A table or column that the open file does not have.
_LACKS: Final = (duckdb.BinderException, duckdb.CatalogException)
# As pages.download: at the start of a text, also behind blanks or as a wide sign, and where a semicolon parts lists.
_SIGNS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA: Final = rf"^(?:\s*{_SIGNS}|[\t\r\n])"
_PART_FORMULA: Final = rf"([;\t\r\n]\s*)({_SIGNS})"
_NUMBERS: Final = ("numerator", "denominator", "value", "low", "high", "n_immature")
# What no query gives: the interval and the reason are added to its answer.
_ADDED: Final = ("low", "high", "reason")
# DuckDB's advice to ask by a relation instead: see `_Reader.frame`.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)
_LOW, _HIGH = wilson(pl.col("numerator"), pl.col("denominator"))
# How many texts a snapshot keeps as they were understood: reading a text takes DuckDB as long as planning its query.
_TEXTS_KEPT: Final = 1024
# How many frames that no filter changes (stores, calendar, targets, ...) a snapshot keeps, for all scopes together.
_ASKED_ONCE_KEPT: Final = 256


# What a target is of, the weightiest first.
_AIMED_AT: Final = ("person", "source", "month", "store")
# By metric its targets: what each is of (a month by its first day; null = all of them), then the value.
Targets = Mapping[str, Sequence[tuple[Any, ...]]]


class NoWarehouse(NoSuchData):
    """There is no published snapshot to read in that directory."""


@dataclass
class _Snapshot:
    """One open snapshot file. It closes by itself when no handle and no query holds it any more."""

    name: str
    connection: duckdb.DuckDBPyConnection
    currencies: Mapping[str, str | None] | None = None
    once: dict[tuple[str, Scope], pl.DataFrame] = field(default_factory=dict, repr=False)
    parsed: Callable[[str], duckdb.Statement] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.parsed = lru_cache(maxsize=_TEXTS_KEPT)(partial(_parsed, self.connection))


@dataclass
class _Shared:
    """What all handles of one directory share: its open snapshot, and the lock of whoever exchanges it.

    `stamp` tells whether CURRENT was replaced since it was last read.
    """

    open: _Snapshot
    stamp: tuple[int, int, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class _Reader:
    """A cursor of one's own on a snapshot, in UTC. Whatever it runs, it runs within its scope."""

    snapshot: _Snapshot
    scope: Scope
    cursor: duckdb.DuckDBPyConnection

    def frame(self, query: Query) -> pl.DataFrame:
        """The frame that a query gives."""
        # A relation would be looked at twice, once for its columns; that takes longer than a second copy of the rows.
        return cast(pl.DataFrame, pl.from_arrow(self.run(query).to_arrow_table()))

    def run(self, query: Query) -> duckdb.DuckDBPyConnection:
        """A query that has begun, to fetch its rows from."""
        asked = within(query, self.scope)
        return self.cursor.execute(self.snapshot.parsed(asked.text), dict(asked.parameters) or None)


@dataclass(frozen=True)
class Warehouse:
    """A directory of snapshots, of which the one that CURRENT names is open. Safe to share between threads.

    Every query reads one snapshot from its first row to its last, and of it only what `scope` allows. After `refresh`
    new queries read the new snapshot; the old one is closed when the last query on it ends, and the last handle that
    `staying` gave is gone.
    """

    directory: Path
    _shared: _Shared = field(repr=False)
    scope: Scope = WHOLE
    _stays_on: _Snapshot | None = field(default=None, repr=False)

    @property
    def _read(self) -> _Snapshot:
        return self._stays_on or self._shared.open

    @property
    def snapshot(self) -> str:
        """The file name of the snapshot that is read, relative to the directory."""
        return self._read.name

    def staying(self) -> Warehouse:
        """The same warehouse on the snapshot that it reads now, whichever is published later.

        Several questions asked of it are answered from one snapshot, which stays open as long as this handle is held.
        """
        return replace(self, _stays_on=self._read)

    def within(self, scope: Scope) -> Warehouse:
        """The same warehouse as somebody sees it who is limited to that scope too."""
        return replace(self, scope=self.scope.and_also(scope))

    def of_everybody(self) -> Warehouse:
        """The same warehouse without a limit: for figures that name nobody, and metrics.comparisons.peers alone."""
        return replace(self, scope=WHOLE)

    def refresh(self) -> bool:
        """Follow CURRENT: True where another snapshot is now open. NoWarehouse where CURRENT is gone."""
        stamp = _stamp(self.directory)
        if stamp is not None and stamp == self._shared.stamp:
            return False
        name = _current(self.directory)
        with self._shared.lock:
            is_new = name != self._shared.open.name
            if is_new:
                self._shared.open = _open_current(self.directory)
            self._shared.stamp = stamp
        return is_new

    def close(self) -> None:
        """Close the snapshot once the last query on it ends; nothing can be asked any more."""
        self._read.connection.close()

    @contextmanager
    def _reading(self, scope: Scope = WHOLE) -> Iterator[_Reader]:
        """Reads what this handle and the scope of a question both allow."""
        snapshot = self._read
        cursor = snapshot.connection.cursor()
        try:
            yield _Reader(snapshot, self.scope.and_also(scope), cursor)
        except _DAMAGE as error:
            raise _damaged(self.directory, snapshot.name, error) from error
        except _LACKS as error:
            raise _of_another_version(self.directory, snapshot.name) from error
        finally:
            cursor.close()

    def run(self, query: Query, scope: Scope = WHOLE) -> pl.DataFrame:
        """The frame that a query gives, within this handle's scope and the question's."""
        with self._reading(scope) as reader:
            return reader.frame(query)

    def run_once(self, query: Query) -> pl.DataFrame:
        """The frame of a query without parameters, asked once of each snapshot and scope and remembered with it."""
        with self._reading() as reader:
            kept, key = reader.snapshot.once, (query.text, reader.scope)
            found = kept.get(key)
            if found is None:
                found = reader.frame(query)
                if len(kept) >= _ASKED_ONCE_KEPT:
                    kept.clear()
                kept[key] = found
            return found


@dataclass(frozen=True)
class Facts:
    """What a snapshot holds: `as_of` by store, first and last day, rows by fact, refused rows, when it was built."""

    snapshot: str
    as_of: Mapping[str, datetime]
    first_day: date | None
    last_day: date | None
    row_counts: Mapping[str, int]
    reject_count: int | None
    loaded_at: datetime | None


def open_warehouse(directory: Path) -> Warehouse:
    """Open the published snapshot of a directory, read-only. NoWarehouse where there is none."""
    return Warehouse(directory, _Shared(_open_current(directory)))


def evaluate(warehouse: Warehouse, metrics: Sequence[str], filters: Filters) -> pl.DataFrame:
    """Every metric under the filters, one below the other.

    Columns: the dimensions of `by`, `credit` beside `person`, `period` (its first day) with a grain, `metric,
    numerator, denominator, value, low, high, n_immature, reason`. Rates have a Wilson interval at 95 %. Without `by`
    and grain each metric has one row, also where there is no data. A metric that cannot be had under the filters has
    one row of nulls and its reason. Metrics that look at the same rows share one scan of them.
    """
    with warehouse._reading(filters.scope) as reader:
        chosen = [declared(name) for name in metrics]
        currencies = _currencies(reader, filters) if any(metric.is_money for metric in chosen) else []
        reasons = {metric.name: _reason(reader, metric, filters, currencies) for metric in chosen}
        answers = _answers(reader, tuple(name for name, reason in reasons.items() if reason is None), filters)
    frames = [
        answers[metric.name] if metric.name in answers else _nothing(metric, filters, reasons[metric.name])
        for metric in chosen
    ]
    if not frames:
        return pl.DataFrame(schema=_schema(filters))
    return _with_intervals(pl.concat(frames) if len(frames) > 1 else frames[0], chosen, filters)


def rows(warehouse: Warehouse, metric: str, part: Part, filters: Filters, limit: int | None = None) -> pl.DataFrame:
    """The rows behind one part of a number: labels, dates, ids, file and line.

    A part of several measures (roi) lists the rows of each, named in `measure`. MetricError where the metric cannot
    be had under the filters or has no such part.
    """
    chosen = _available(metric, filters)
    queries = sql.compile_rows(chosen, part, filters, limit)
    frames = [warehouse.run(query, filters.scope).with_columns(measure=pl.lit(name)) for name, query in queries]
    if len(frames) == 1:
        return frames[0].drop("measure")
    return pl.concat(frames, how="diagonal_relaxed")


def rows_queries(metric: str, part: Part, filters: Filters, limit: int | None = None) -> list[Query]:
    """The very texts that `rows` runs."""
    compiled = sql.compile_rows(_available(metric, filters), part, filters, limit)
    return [within(query, filters.scope) for _, query in compiled]


def query(metric: str, filters: Filters) -> Query:
    """The very text that `evaluate` runs, with its parameters. MetricError where the metric cannot be had."""
    return within(sql.compile_metric(_available(metric, filters), filters), filters.scope)


def options(warehouse: Warehouse, dimension: str) -> list[str]:
    """Labels of a dimension for a widget: in order, members like "(no source)" last."""
    return warehouse.run_once(sql.labels(check_dimension(dimension)))["label"].to_list()


def stores(warehouse: Warehouse) -> pl.DataFrame:
    """The stores, with time zone, currency and their "now" (`as_of`)."""
    return warehouse.run_once(sql.STORES)


def newest(warehouse: Warehouse) -> datetime | None:
    """The latest "now" among the stores; None before any of them has data."""
    found: datetime | None = stores(warehouse)["as_of"].max()  # type: ignore[assignment]
    return found


def staff(warehouse: Warehouse) -> pl.DataFrame:
    """Everybody of every store by label: `person_key, person, store, role, team, is_machine, started_on, ended_on`.

    `person` is the label that every number is split by, `person_key` survives rebuilds. "(unassigned)" is a row.
    """
    return warehouse.run_once(sql.STAFF)


def lags(warehouse: Warehouse, metric: str, filters: Filters) -> pl.DataFrame:
    """How long the rows of a conversion took to their hit, counted by day of creation: `created, lag, age, n`.

    Days are whole; `lag` is null for a row without its hit yet. MetricError where the metric has no dated hit, or
    cannot be had under the filters.
    """
    chosen = _available(metric, filters)
    if not isinstance(chosen, Conversion):
        raise MetricError(f"{chosen.label} is no conversion, so nothing takes time to it.", "Use closing_rate.")
    return warehouse.run(sql.compile_lags(chosen, filters), filters.scope)


def deals(warehouse: Warehouse, metric: str, filters: Filters) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The whole deals behind a sum over sales, as `amounts` gives them, and every lead of their customers.

    Leads have `sale, lead, source, created_at`. MetricError for a metric that is no sum over sales.
    """
    found = amounts(warehouse, metric, filters)
    leads = sql.compile_deal_leads(_sum_over_sales(metric, filters), filters)
    return found, warehouse.run(leads, filters.scope)


def amounts(warehouse: Warehouse, metric: str, filters: Filters) -> pl.DataFrame:
    """The whole deals behind a sum over sales: `sale, sold_at, amount`.

    `sold_at` is the end of the day of sale, so that a lead of that day counts. MetricError for a metric that is no sum
    over sales.
    """
    return warehouse.run(sql.compile_deals(_sum_over_sales(metric, filters), filters), filters.scope)


def _sum_over_sales(metric: str, filters: Filters) -> Measure:
    chosen = _available(metric, filters)
    if not isinstance(chosen, Measure) or chosen.fact != "fct_sale" or chosen.measures != "sum":
        raise MetricError(f"{chosen.label} is no sum over sales.", "Use sold_units or gross.")
    return chosen


def calendar(warehouse: Warehouse) -> pl.DataFrame:
    """Every day of every store: `store, day, is_open`."""
    return warehouse.run_once(sql.CALENDAR)


def targets(warehouse: Warehouse) -> Targets:
    """The targets of the settings."""
    found = warehouse.run_once(sql.TARGETS).select("metric", *_AIMED_AT, "value")
    return dict(found.rows_by_key("metric"))


def target(known: Targets, metric: str, filters: Filters) -> float | None:
    """The target that says most about a question; None where none fits.

    `known` is what `targets` gives. A target fits where the filters keep just its store, its person and its source,
    and look at days of its month alone; what it leaves open fits everything. Of those that fit the one that names most
    holds; of two that name as much, person goes before source, source before month, month before store. A count or a
    sum is aimed at by the month: no target fits where the filters do not keep one month from its first day on.
    """
    if declared(metric).kind in ("count", "sum") and not _begins_its_month(filters):
        return None
    if metric not in known:
        return None
    scope = _scope(filters)
    fits = [row for row in known[metric] if all(kept in (None, one) for kept, one in zip(row, scope, strict=False))]
    return max(fits, key=_named)[-1] if fits else None


def _begins_its_month(filters: Filters) -> bool:
    """Whether filters keep days of one month alone, from its first day on."""
    start, end = filters.start, filters.end
    return start is not None and end is not None and start.day == 1 and start == end.replace(day=1)


def _named(row: tuple[object, ...]) -> tuple[int, ...]:
    """How much a target names, then what: the values of `_scope` in their order, and the target's own last."""
    named = [value is not None for value in row[:-1]]
    return sum(named), *named


def _scope(filters: Filters) -> tuple[str | date | None, ...]:
    """What `_AIMED_AT` names, where filters keep one of it; None where they keep several or all."""
    kept = {name: filters.where.get(name, ()) for name in ("person", "source", "store")}
    one = {name: labels[0] if len(labels) == 1 else None for name, labels in kept.items()}
    start, end = filters.start, filters.end
    is_month = start is not None and end is not None and (start.year, start.month) == (end.year, end.month)
    month = start.replace(day=1) if start is not None and is_month else None
    return one["person"], one["source"], month, one["store"]


def events(warehouse: Warehouse) -> pl.DataFrame:
    """What happened, as the settings tell it: `day, label, store, person`, in order of day.

    A null store stands for all of them, a null person for everybody.
    """
    return warehouse.run_once(sql.ANNOTATIONS)


def findings(warehouse: Warehouse) -> pl.DataFrame:
    """What the loader found odd in the data: `finding, store, records`."""
    return warehouse.run_once(sql.FINDINGS)


def first_day(warehouse: Warehouse) -> date | None:
    """The day of the first opportunity; None where there is none."""
    day: date | None = warehouse.run_once(sql.SPAN).row(0, named=True)["first_day"]
    return day


def snapshot_facts(warehouse: Warehouse) -> Facts:
    """What the open snapshot holds, for banners and empty states."""
    with warehouse._reading() as reader:
        span = reader.frame(sql.SPAN).row(0, named=True)
        known = reader.frame(sql.STORES).filter(pl.col("as_of").is_not_null())
        counts = dict(reader.frame(sql.row_counts()).iter_rows())
        # Refused rows are of no store, so only who sees everything is told of them.
        rejects = reader.frame(sql.REJECTS).item() if reader.scope.is_whole else None
        snapshot = reader.snapshot.name
    return Facts(
        snapshot=snapshot,
        as_of=dict(zip(known["store"].to_list(), known["as_of"].to_list(), strict=True)),
        first_day=span["first_day"],
        last_day=span["last_day"],
        row_counts=counts,
        reject_count=rejects,
        loaded_at=_built_at(snapshot),
    )


def left_out(warehouse: Warehouse, metric: str, filters: Filters) -> tuple[int, int] | None:
    """How many leads a cost ratio left out, of how many: those of sources and months whose spend nobody entered.

    None for other metrics and where nothing was left out.
    """
    chosen = declared(metric)
    if not isinstance(chosen, Ratio) or not chosen.is_cost or unavailable(chosen, filters):
        return None
    found = warehouse.run(sql.compile_left_out(chosen, filters), filters.scope).row(0, named=True)
    return (found["left_out"], found["looked_at"]) if found["left_out"] else None


def spreadsheet_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame, where a text that a spreadsheet would run as a formula is led by an apostrophe.

    Only text columns change: a negative number stays a number.
    """
    text = pl.col(pl.String).str.replace_all(_PART_FORMULA, "${1}'${2}")
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep())


# -------------------------------------------------------------------------------------------------- snapshots


def _current(directory: Path) -> str:
    try:
        name = (directory / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError as error:
        raise NoWarehouse(
            f"There is no data in {directory} yet.",
            f"Load some: `python -m loaders load PATH --warehouse {directory}`, or `make run` for a simulated "
            f"dealership.",
        ) from error
    except OSError as error:
        raise NoWarehouse(f"{directory / CURRENT} cannot be read: {error}.", _other_snapshot(directory)) from error
    is_inside = not Path(name).is_absolute() and ".." not in Path(name).parts
    if not (is_inside and (directory / name).is_file()):
        raise NoWarehouse(
            f"{directory / CURRENT} names {name[:200]!r}, which is no snapshot there.", _other_snapshot(directory)
        )
    return name


def _open_current(directory: Path) -> _Snapshot:
    """Open what CURRENT names. A load may remove the file between the two; then CURRENT names another one already."""
    named: bytes | None = None
    while True:
        try:
            return _open_snapshot(directory, _current(directory))
        except NoWarehouse:
            now = _pointer(directory)
            if now == named:
                raise
            named = now


def _stamp(directory: Path) -> tuple[int, int, int] | None:
    """What tells one CURRENT from the next: a load replaces the file. None where there is none."""
    try:
        found = os.stat(f"{directory}/{CURRENT}")  # noqa: PTH116  # asked a hundred times for each page
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _pointer(directory: Path) -> bytes:
    try:
        return (directory / CURRENT).read_bytes()
    except OSError:
        return b""


def _open_snapshot(directory: Path, name: str) -> _Snapshot:
    path = directory / name
    try:
        connection = duckdb.connect(str(path), read_only=True)
        if connection.execute(sql.BYTES_OF_BLOCKS).fetchall()[0][0] > path.stat().st_size:
            connection.close()
            raise duckdb.IOException("the file was cut short")
        # For the cursors too: each begins with what holds for all.
        connection.execute(sql.IN_UTC)
        return _Snapshot(name, connection)
    except (duckdb.Error, OSError) as error:
        raise _damaged(directory, name, error) from error


def _of_another_version(directory: Path, name: str) -> NoWarehouse:
    what = f"{directory / name} was built by another version of Upboard and lacks what this one asks for."
    return NoWarehouse(what, f"python -m loaders build --warehouse {directory} --settings SETTINGS builds it again.")


def _damaged(directory: Path, name: str, error: Exception) -> NoWarehouse:
    hint = f"Is another program holding the file? Else: {_other_snapshot(directory)}"
    return NoWarehouse(f"{directory / name} cannot be read: {error}", hint)


def _other_snapshot(directory: Path) -> str:
    return f"Publish an earlier one: `python -m loaders history --warehouse {directory}`, then `rollback SNAPSHOT`."


def _built_at(snapshot: str) -> datetime | None:
    """When a snapshot was built, as its name says: `snapshots/20261122T101500Z-ab12cd34.duckdb`."""
    try:
        return datetime.strptime(Path(snapshot).name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------- evaluation


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """The one statement of a text, without its values: any cursor may run it, and several at a time."""
    (statement,) = connection.extract_statements(text)
    return statement


def _reason(reader: _Reader, metric: Metric, filters: Filters, currencies: Sequence[str]) -> str | None:
    """Why a metric has no number here; None where it has one."""
    is_apart = not metric.is_money or "store" in filters.by
    return (
        _unavailable(metric.name, filters.shape)
        or (None if is_apart else _two_currencies(currencies))
        or _mixed(reader, metric, filters)
    )


def _currencies(reader: _Reader, filters: Filters) -> list[str]:
    """In which currencies the stores in scope keep their books, in order. Stores are read once of a snapshot."""
    if reader.snapshot.currencies is None:
        every = replace(reader, scope=WHOLE).frame(sql.STORES)
        reader.snapshot.currencies = dict(every.select("store", "currency").iter_rows())
    known, stores = reader.snapshot.currencies, reader.scope.stores
    chosen = filters.where.get("store") or known
    return sorted(
        {currency for store, currency in known.items() if currency and store in chosen and store in (stores or known)}
    )


def _two_currencies(currencies: Sequence[str]) -> str | None:
    """Why money in these currencies cannot be one number; None where it is one currency."""
    if len(currencies) < 2:
        return None
    return (
        f"The stores keep their books in different currencies ({', '.join(currencies)}): choose one store, or split by "
        "it."
    )


def _mixed(reader: _Reader, metric: Metric, filters: Filters) -> str | None:
    """Why these rows cannot be one number: they are of several surveys, or of several types; None where of one."""
    query = sql.compile_mixed(metric, filters)
    found = [] if query is None else reader.frame(query)["label"].to_list()
    if len(found) < 2:
        return None
    word = (metric.kept_apart or "").replace("_", " ")
    return (
        f"{metric.label} is never put into one number over more than one {word} "
        f"({', '.join(found)}): choose one {word}, or split by it."
    )


def _available(name: str, filters: Filters) -> Metric:
    metric = declared(name)
    reason = unavailable(metric, filters)
    if reason:
        raise MetricError(reason, f"`python -m metrics list` says what {metric.label} can be split by.")
    return metric


def _answers(reader: _Reader, names: tuple[str, ...], filters: Filters) -> dict[str, pl.DataFrame]:
    """Each metric's rows under its name, without intervals. One metric alone runs the text that `query` gives."""
    if len(names) == 1:
        return {names[0]: _answer(reader, declared(names[0]), filters)}
    told = [_told(reader, together, filters) for together in _together(names, filters)]
    return {name: frame for frames in told for name, frame in frames.items()}


def _told(reader: _Reader, together: Together, filters: Filters) -> dict[str, pl.DataFrame]:
    """The rows of several metrics that one query answers side by side."""
    if not _is_short(filters):
        frame = reader.frame(together.query)
        return {metric.name: _own_rows(frame, metric, filters) for metric in together.metrics}
    found = _Fetched.of(reader.run(together.query))
    return {metric.name: found.own(metric, filters) for metric in together.metrics}


def _is_short(filters: Filters) -> bool:
    """Whether an answer has few rows: one, or one for each label or period.

    Such rows are fetched as they are: handing over a frame of columns takes a millisecond more, whatever it holds.
    """
    return len(filters.by) + bool(filters.grain) <= 1


@dataclass(frozen=True)
class _Fetched:
    """Few rows as they were fetched, and at which place of them each column stands."""

    rows: Sequence[tuple[object, ...]]
    places: Mapping[str, int]

    @classmethod
    def of(cls, asked: duckdb.DuckDBPyConnection) -> _Fetched:
        """All rows of a query that has begun."""
        places = {column[0]: place for place, column in enumerate(asked.description or ())}
        return cls(asked.fetchall(), places)

    def own(self, metric: Metric, filters: Filters) -> pl.DataFrame:
        """One metric's rows of those that several share."""
        looked_at = self.places.get(f"{metric.name}_rows")
        own = self.rows if looked_at is None else [row for row in self.rows if row[looked_at]]
        return replace(self, rows=own).framed(metric, filters, f"{metric.name}_")

    def framed(self, metric: Metric, filters: Filters, prefix: str = "") -> pl.DataFrame:
        """The rows in the columns of one metric; its numbers are told from others' by a prefix."""
        same = {"metric": metric.name, "credit": filters.role(metric)} | dict.fromkeys(_ADDED)
        columns = [
            pl.Series(name, [same[name]] * len(self.rows) if name in same else self._column(name, prefix), kind)
            for name, kind in _schema(filters).items()
        ]
        return pl.DataFrame(columns)

    def _column(self, name: str, prefix: str) -> list[object]:
        own = f"{prefix}{name}"
        place = self.places[own if own in self.places else name]
        return [row[place] for row in self.rows]


def _answer(reader: _Reader, metric: Metric, filters: Filters) -> pl.DataFrame:
    """One metric's rows."""
    asked = _alone(metric.name, filters)
    if not _is_short(filters):
        return reader.frame(asked).select(_columns(metric, filters))
    return _Fetched.of(reader.run(asked)).framed(metric, filters)


@lru_cache(maxsize=1024)
def _unavailable(name: str, shape: Filters) -> str | None:
    return unavailable(declared(name), shape)


def _alone(name: str, filters: Filters) -> Query:
    return sql.filled(_alone_of(name, filters.shape), filters)


def _together(names: tuple[str, ...], filters: Filters) -> list[Together]:
    shaped = _together_of(names, filters.shape)
    return [replace(together, query=sql.filled(together.query, filters)) for together in shaped]


@lru_cache(maxsize=512)
def _alone_of(name: str, shape: Filters) -> Query:
    return sql.compile_metric(declared(name), shape)


@lru_cache(maxsize=512)
def _together_of(names: tuple[str, ...], shape: Filters) -> list[Together]:
    return sql.compile_together([declared(name) for name in names], shape)


def _own_rows(frame: pl.DataFrame, metric: Metric, filters: Filters) -> pl.DataFrame:
    """One metric's columns of a result that several share, and the rows that are its own."""
    return frame.filter(pl.col(f"{metric.name}_rows") > 0).select(_columns(metric, filters, f"{metric.name}_"))


def _columns(metric: Metric, filters: Filters, prefix: str = "") -> list[pl.Expr]:
    given = {name: pl.col(f"{prefix}{name}") for name in ("numerator", "denominator", "value", "n_immature")}
    given |= {"metric": pl.lit(metric.name), "credit": pl.lit(filters.role(metric))}
    return [
        given.get(name, pl.lit(None) if name in _ADDED else pl.col(name)).cast(kind).alias(name)
        for name, kind in _schema(filters).items()
    ]


def _with_intervals(frame: pl.DataFrame, chosen: Sequence[Metric], filters: Filters) -> pl.DataFrame:
    """Conversions of a cohort have one; in-period hits are not taken out of their chances."""
    rates = [metric.name for metric in chosen if metric.kind == "conversion"]
    if not rates or filters.basis == "in_period":
        return frame
    if len(rates) == len(chosen):
        return frame.with_columns(low=_LOW, high=_HIGH)
    is_rate = pl.col("metric").is_in(rates)
    return frame.with_columns(low=pl.when(is_rate).then(_LOW), high=pl.when(is_rate).then(_HIGH))


def _nothing(metric: Metric, filters: Filters, reason: str | None) -> pl.DataFrame:
    schema = _schema(filters)
    row = dict.fromkeys(schema) | {"metric": metric.name, "reason": reason}
    return pl.DataFrame([row], schema=schema)


def _schema(filters: Filters) -> dict[str, pl.DataType]:
    names: list[str] = []
    for name in filters.by:
        names += [name, "credit"] if name == "person" else [name]
    texts: dict[str, pl.DataType] = {name: pl.String() for name in names}
    period: dict[str, pl.DataType] = {"period": pl.Date()} if filters.grain else {}
    numbers: dict[str, pl.DataType] = {name: pl.Float64() for name in _NUMBERS}
    return texts | period | {"metric": pl.String()} | numbers | {"reason": pl.String()}
