"""Builds a snapshot's tables inside an open connection: canonical rows, then records, then the star.

The statements stand in `loaders/warehouse/`; this module only fills their templates, hands over the settings and runs
them in order. The connection's default database is the new snapshot; `previous` is attached when there is an earlier
one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from loaders.contracts import RECORDED_COLUMNS, TABLES, key_column
from loaders.identity import match_customers
from loaders.settings import WEEKDAYS, Settings, StoreHours

WAREHOUSE_SQL: Final = Path(__file__).parent / "warehouse"
TEMPLATES: Final = WAREHOUSE_SQL / "templates"
LEADS_READY: Final = "20_stg_lead.sql"
SECONDS_PER_DAY: Final = 86_400
UNSTORED_COLUMNS: Final = ("file_number",)
REJECT_SCHEMA: Final = {
    "table": pl.String,
    "rule": pl.String,
    "source_file": pl.String,
    "source_sheet": pl.String,
    "source_line": pl.Int64,
    "profile": pl.String,
    "block": pl.String,
    "row": pl.String,
    "content_hash": pl.String,
    "file_hash": pl.String,
}
FINDING_SCHEMA: Final = {
    "finding": pl.String,
    "store": pl.String,
    "record": pl.String,
    "detail": pl.String,
    "table": pl.String,
    "source_file": pl.String,
    "source_sheet": pl.String,
    "source_line": pl.Int64,
    "file_hash": pl.String,
}

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Moment:
    """When a load happens, and the "now" it was told to use, if any."""

    loaded_at: datetime
    as_of: datetime | None = None


def fingerprint(settings: Settings) -> str:
    """What the star depends on beside the rows: settings and statements. A change of either asks for a rebuild."""
    statements = "".join(path.read_text(encoding="utf-8") for path in sorted(WAREHOUSE_SQL.rglob("*.sql")))
    return sha256((statements + settings.model_dump_json()).encode()).hexdigest()[:16]


def empty_frame(table: str) -> pl.DataFrame:
    """No rows, with the columns that the good rows of this canonical table have."""
    columns = pl.DataFrame(TABLES[table].create_empty())
    text = pl.lit(None, dtype=pl.String)
    return columns.with_columns(content_hash=text, file_hash=text, file_number=pl.lit(None, dtype=pl.Int64)).clear()


def merge_canonical(con: duckdb.DuckDBPyConnection, incoming: Mapping[str, pl.DataFrame], *, previous: bool) -> None:
    """Write the canonical tables: the previous snapshot's versions and the incoming rows, the newest of each kept."""
    con.execute("create schema canonical")
    held = _tables_of_previous(con) if previous else frozenset()
    for table in TABLES:
        con.register(f"incoming_{table}", incoming.get(table, empty_frame(table)))
        versions = f"select * exclude (file_number) from incoming_{table}"
        if table in held:
            versions = f"{_template('held', table)}\n    union all by name\n    {versions}"
        con.execute(_template("versions", table, versions=versions))


def changes(con: duckdb.DuckDBPyConnection, *, previous: bool) -> pl.DataFrame:
    """How the load changed the canonical tables: `table, file_number, block, unchanged, updated, added`."""
    held = _tables_of_previous(con) if previous else frozenset()
    frames: list[pl.DataFrame] = []
    for table in TABLES:
        key = key_column(table)
        source = f"previous.canonical.{table}" if table in held else f"incoming_{table} where false"
        rows = f"select store, system, {key} as id, profile, block, content_hash from {source}"
        counted: pl.DataFrame = con.sql(_template("changes", table, held=rows)).pl()
        frames.append(counted.select(pl.lit(table).alias("table"), pl.all()))
    return pl.concat(frames, how="vertical_relaxed")


def build_star(
    con: duckdb.DuckDBPyConnection, settings: Settings, moment: Moment, findings: pl.DataFrame, progress: Progress
) -> None:
    """Build every table of the star from the canonical tables that stand in the connection's default database."""
    con.execute("set TimeZone = 'UTC'")
    statements = sorted(WAREHOUSE_SQL.glob("*.sql"))
    for table in TABLES:
        con.execute(_records_statement(table))
    _hand_over(con, settings, moment, findings)
    for number, path in enumerate(statements):
        progress(number / len(statements), f"building {path.stem[3:]}")
        con.execute(path.read_text(encoding="utf-8"))
        if path.name == LEADS_READY:
            _match_customers(con, settings)


def _template(name: str, table: str, **parts: str) -> str:
    text = (TEMPLATES / f"{name}.sql").read_text(encoding="utf-8")
    return text.format(table=table, key=key_column(table), **parts)


def _tables_of_previous(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    names = con.execute(
        "select table_name from duckdb_tables() where database_name = 'previous' and schema_name = 'canonical'"
    ).fetchall()
    return frozenset(name for (name,) in names)


def _records_statement(table: str) -> str:
    key = key_column(table)
    columns = [name for name in TABLES[table].columns() if name not in {"store", "system", key}]
    columns.append("content_hash")
    flags = {name for name in columns if name in {"is_test", "is_resend", "is_automated"}}
    filled = ",\n        ".join(
        f"bool_or({name}) as {name}" if name in flags else f"arg_min({name}, nth) as {name}" for name in columns
    )
    return _template("records", table, filled=filled)


def _hand_over(con: duckdb.DuckDBPyConnection, settings: Settings, moment: Moment, findings: pl.DataFrame) -> None:
    """Give the statements what they need beside the records: settings, the moment, events and what reading found."""
    stores = _stores_with_records(con)
    tables = {
        "build": _build_row(settings, moment),
        "setting_store": _store_rows(settings, stores),
        "setting_hours": _hour_rows(settings, stores),
        "setting_holiday": _holiday_rows(settings, stores),
        "setting_free_source": pl.DataFrame({"source": list(settings.sources.free)}, schema={"source": pl.String}),
        "setting_target": _target_rows(settings),
        "read_finding": findings,
    }
    for name, frame in tables.items():
        con.register(f"{name}_frame", frame)
        con.execute(f"create temp table {name} as select * from {name}_frame")
    con.execute(f"create temp table recorded_event as {_recorded_events()}")


def _stores_with_records(con: duckdb.DuckDBPyConnection) -> list[str]:
    union = " union ".join(f"select store from record_{table}" for table in TABLES)
    return [store for (store,) in con.execute(f"select store from ({union}) order by store").fetchall()]


def _recorded_events() -> str:
    return " union all ".join(
        f"select store, {column} as recorded_at from record_{table} where {column} is not null"
        for table, columns in RECORDED_COLUMNS.items()
        for column in columns
    )


def _build_row(settings: Settings, moment: Moment) -> pl.DataFrame:
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "loaded_at": [moment.loaded_at],
            "as_of": [moment.as_of],
            "sale_date": [settings.sale.date],
            "episode_gap_seconds": [settings.episode.gap_days * SECONDS_PER_DAY],
            "sale_link_seconds": [settings.episode.sale_link_days * SECONDS_PER_DAY],
        },
        schema_overrides={"loaded_at": instant, "as_of": instant},
    )


def _store_rows(settings: Settings, stores: list[str]) -> pl.DataFrame:
    found = [settings.store_named(store) for store in stores]
    standard = settings.standards.response_minutes
    return pl.DataFrame(
        {
            "store": stores,
            "time_zone": [store.time_zone for store in found],
            "currency": [store.currency for store in found],
            "response_standard_seconds": [(store.response_minutes or standard) * 60 for store in found],
        },
        schema={
            "store": pl.String,
            "time_zone": pl.String,
            "currency": pl.String,
            "response_standard_seconds": pl.Int64,
        },
    )


def _hour_rows(settings: Settings, stores: list[str]) -> pl.DataFrame:
    rows = [
        (store, weekday + 1, *span)
        for store in stores
        for weekday in range(len(WEEKDAYS))
        if (span := _span(settings.store_named(store).hours, weekday))
    ]
    schema = {"store": pl.String, "weekday": pl.Int64, "opens": pl.Int64, "closes": pl.Int64}
    minutes = pl.DataFrame(rows, schema=schema, orient="row")
    return minutes.with_columns(pl.duration(minutes=pl.col("opens", "closes")).name.keep())


def _span(hours: StoreHours, weekday: int) -> tuple[int, int] | None:
    return hours.minutes(weekday)


def _holiday_rows(settings: Settings, stores: list[str]) -> pl.DataFrame:
    rows = [(store, day) for store in stores for day in settings.store_named(store).holidays]
    return pl.DataFrame(rows, schema={"store": pl.String, "day": pl.Date}, orient="row").unique()


def _target_rows(settings: Settings) -> pl.DataFrame:
    rows: list[tuple[str | None, str, float]] = [(None, metric, value) for metric, value in settings.targets.items()]
    rows += [(store.name, metric, value) for store in settings.stores for metric, value in store.targets.items()]
    return pl.DataFrame(rows, schema={"store": pl.String, "metric": pl.String, "value": pl.Float64}, orient="row")


def _match_customers(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    leads = con.sql("from stg_lead").pl()
    con.register("lead_customer_frame", match_customers(leads, max_names=settings.identity.max_names))
    con.execute("create temp table lead_customer as select * from lead_customer_frame")
