"""Builds a snapshot's tables inside an open connection: canonical rows, then records, then the star.

The statements stand in `loaders/warehouse/`; this module only fills their templates, hands over the settings and runs
them in order. The connection's default database is the new snapshot; `previous` is attached when there is an earlier
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from loaders.contracts import RECORDED_COLUMNS, TABLES, key_column
from loaders.identity import IDENTITY_COLUMNS, marks_of, match_customers, with_keys
from loaders.merge import content, template
from loaders.progress import Progress
from loaders.settings import WEEKDAYS, Settings, StoreHours

WAREHOUSE_SQL: Final = Path(__file__).parent / "warehouse"
LEADS_READY: Final = "20_stg_lead.sql"
_MARK: Final = pl.concat_str("rule", pl.lit(":"), "value")
_SOURCES: Final = """
select source from record_lead union select source from record_spend
union select source from record_crm_report union select name from record_source"""
SECONDS_PER_DAY: Final = 86_400
SMALL_TABLE_ROWS: Final = 50_000
# A variable of the connection: the secret of the warehouse's erasures; not set where nobody was erased.
ERASURE_VARIABLE: Final = "erasure_secret"
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


@dataclass(frozen=True)
class Moment:
    """When a load happens, and the "now" it was told to use, if any."""

    loaded_at: datetime
    as_of: datetime | None = None


def fingerprint(settings: Settings, secret: str | None = None) -> str:
    """What the star depends on beside the rows: settings, statements and the secret of erasures, if there is one.

    A change of any asks for a rebuild.
    """
    statements = "".join(path.read_text(encoding="utf-8") for path in sorted(WAREHOUSE_SQL.rglob("*.sql")))
    return sha256((statements + settings.model_dump_json() + (secret or "")).encode()).hexdigest()[:16]


def made_of_test_words(names: Sequence[str], emails: Sequence[str]) -> frozenset[str]:
    """Those of these names and e-mails by which a test lead is recognised: they name nobody."""
    cells = [(cell, "name") for cell in names] + [(cell, "email") for cell in emails]
    with duckdb.connect() as con:
        con.execute((WAREHOUSE_SQL / "00_functions.sql").read_text(encoding="utf-8"))
        con.register("cell", pl.DataFrame(cells, schema={"cell": pl.String, "kind": pl.String}, orient="row"))
        text = "select cell from cell where case kind when 'name' then is_test_name(cell) else is_test_email(cell) end"
        return frozenset(found for (found,) in con.execute(text).fetchall())


def build_star(
    con: duckdb.DuckDBPyConnection, settings: Settings, moment: Moment, findings: pl.DataFrame, progress: Progress
) -> None:
    """Build every table of the star from the canonical tables of the connection's database `snapshot`.

    A star that the database holds already, as a copy, is cleared first: `clear_star`.
    """
    con.execute("set TimeZone = 'UTC'")
    versioned = with_versions(con)
    for table in TABLES:
        make_records(con, table, f"record_{table}", has_versions=table in versioned)
    hand_over(con, settings, moment, findings)
    run(con, statements(), settings, progress)
    remember(con)


def statements() -> list[Path]:
    """The files that build the star, in order."""
    return sorted(WAREHOUSE_SQL.glob("*.sql"))


def run(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    settings: Settings,
    progress: Progress,
    *,
    has_shared_marks: bool = False,
) -> None:
    """Run files of the star in order; once the leads are ready, their customers are found (see `match_leads`)."""
    for number, path in enumerate(paths):
        progress(number / len(paths), f"building {path.stem[3:]}")
        for statement in _parsed(path.read_text(encoding="utf-8")):
            con.execute(statement)
        if path.name == LEADS_READY:
            match_leads(con, settings, has_shared_marks=has_shared_marks)


@lru_cache(maxsize=128)
def _parsed(text: str) -> tuple[duckdb.Statement, ...]:
    """The statements of a text, read once by a process that loads again and again: a tenth of a small load."""
    return tuple(duckdb.extract_statements(text))


def remember(con: duckdb.DuckDBPyConnection) -> None:
    """Keep what the next load needs in order to see how far its changes reach."""
    con.execute("drop schema if exists snapshot.build cascade")
    con.execute("create schema snapshot.build")
    con.execute(template("lead_mark", "lead", kind="table", name="snapshot.build.lead_mark"))
    con.execute("create table snapshot.build.partial_build (loaded_at timestamptz)")
    remember_words(con)


def remember_words(con: duckdb.DuckDBPyConnection) -> None:
    """Keep whom and which source each word of the records means, and which systems of deals are CRMs."""
    told = {"person_ref": "ref, person_key", "source_ref": "ref, source_key", "deal_system": "is_crm"}
    for table, columns in told.items():
        words = f"select distinct store, system, {columns} from {table}"
        con.execute(f"create or replace table snapshot.build.{table} as {words}")


def clear_star(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the star that a copied snapshot begins with."""
    listed = "select table_name from duckdb_tables() where database_name = 'snapshot' and schema_name = 'main'"
    for (table,) in con.execute(listed).fetchall():
        con.execute(f"drop table snapshot.main.{table}")


def with_versions(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of which some record is known by several kinds of export."""
    asked = " union all ".join(
        f"select '{table}' where exists (from snapshot.canonical.{table} where not is_only_version)" for table in TABLES
    )
    return {table for (table,) in con.execute(asked).fetchall()}


def make_records(con: duckdb.DuckDBPyConnection, table: str, name: str, *, has_versions: bool) -> None:
    """Make the records of a table, each once: `name`. A view, or a table where the star corrects them."""
    kind = "table" if table == "sale" else "view"
    if has_versions:
        # Every statement that names a view plans it again: a small table is planned, and merged, once.
        rows = f"select count(*) from snapshot.canonical.{table}"
        kind = "table" if con.execute(rows).fetchall()[0][0] < SMALL_TABLE_ROWS else kind
        con.execute(template("records", table, filled=_filled(table), content=content(table), kind=kind, name=name))
    else:
        con.execute(template("records_of_one_version", table, kind=kind, name=name))


def _filled(table: str) -> str:
    """Each column of a record that several kinds of export know in part."""
    columns = [name for name in TABLES[table].columns() if name not in {"store", "system", key_column(table)}]
    flags = {name for name in columns if name in {"is_test", "is_resend", "is_automated"}}
    return ",\n        ".join(
        f"bool_or({name}) as {name}" if name in flags else f"arg_min({name}, nth) as {name}" for name in columns
    )


def hand_over(con: duckdb.DuckDBPyConnection, settings: Settings, moment: Moment, findings: pl.DataFrame) -> None:
    """Give the statements what they need beside the records: settings, the moment, events and what reading found."""
    stores = _stores_with_records(con)
    tables = {
        "build": _build_row(settings, moment),
        "setting_store": _store_rows(settings, stores),
        "setting_hours": _hour_rows(settings, stores),
        "setting_holiday": _holiday_rows(settings, stores),
        "setting_free_source": _free_rows(settings),
        "setting_source": _source_rows(con, settings),
        "setting_target": _target_rows(settings),
        "setting_annotation": _annotation_rows(settings),
        "setting_test_domain": _domain_rows(settings),
        "read_finding": findings,
    }
    for name, frame in tables.items():
        con.register(f"{name}_frame", frame)
        con.execute(f"create temp table {name} as select * from {name}_frame")
    con.execute(f"create temp view recorded_event as {_recorded_events()}")


def _stores_with_records(con: duckdb.DuckDBPyConnection) -> list[str]:
    every = " union all ".join(f"select store from record_{table}" for table in TABLES)
    return [store for (store,) in con.execute(f"select distinct store from ({every}) order by store").fetchall()]


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
            "recognise_tests": [settings.test_leads.recognise],
            "episode_gap_seconds": [settings.episode.gap_days * SECONDS_PER_DAY],
            "sale_link_seconds": [settings.episode.sale_link_days * SECONDS_PER_DAY],
            "follow_up_attempts": [settings.standards.attempts],
            "follow_up_seconds": [settings.standards.attempt_days * SECONDS_PER_DAY],
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
            "locale": [store.locale or f"und_{store.country}" for store in found],
            "response_standard_seconds": [(store.response_minutes or standard) * 60 for store in found],
        },
        schema={
            "store": pl.String,
            "time_zone": pl.String,
            "currency": pl.String,
            "locale": pl.String,
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
    """The targets, with sources under the names that the map of sources gives them, months as their first day."""
    find = settings.sources.finder()
    rows = [
        (
            target.store,
            target.person,
            (entry.source if (entry := find(target.source)) else target.source) if target.source else None,
            date.fromisoformat(f"{target.month}-01") if target.month else None,
            target.metric,
            target.value,
        )
        for target in settings.all_targets()
    ]
    text = dict.fromkeys(("store", "person", "source"), pl.String)
    schema = {**text, "month": pl.Date, "metric": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _annotation_rows(settings: Settings) -> pl.DataFrame:
    """What happened when, with stores under the names that the settings give them."""
    rows = [
        (event.store and settings.store_named(event.store).name, event.person, event.day, event.label)
        for event in settings.annotations
    ]
    schema = {"store": pl.String, "person": pl.String, "day": pl.Date, "label": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _free_rows(settings: Settings) -> pl.DataFrame:
    """The sources that cost nothing, under the names that the map of sources gives them."""
    find = settings.sources.finder()
    names = [entry.source if (entry := find(name)) else name for name in settings.sources.free]
    return pl.DataFrame({"source": names}, schema={"source": pl.String})


def _source_rows(con: duckdb.DuckDBPyConnection, settings: Settings) -> pl.DataFrame:
    """What the map of sources says about each name in the records; names that it does not know are absent."""
    find = settings.sources.finder()
    named = con.execute(_SOURCES).fetchall() if settings.sources.map else []
    rows = [
        (name, entry.source, entry.group, entry.channel)
        for (name,) in named
        if name and (entry := find(name)) is not None
    ]
    columns = ("spelling", "source", "source_group", "channel")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _domain_rows(settings: Settings) -> pl.DataFrame:
    domains = [domain.lower() for domain in settings.test_leads.domains]
    return pl.DataFrame({"domain": domains}, schema={"domain": pl.String})


def match_leads(con: duckdb.DuckDBPyConnection, settings: Settings, *, has_shared_marks: bool = False) -> None:
    """Make `lead_customer` from `stg_lead`: which customer sent each lead, and the keys of its e-mail and phones.

    Where the leads are only those of a scope, `has_shared_marks`: the table `shared_mark` names the marks that too many
    leads outside carry as well.
    """
    leads = con.sql(f"select {', '.join(IDENTITY_COLUMNS)} from stg_lead").pl()
    countries = {store: settings.store_named(store).country for store in leads["store"].unique().to_list()}
    (secret,) = con.execute(f"select getvariable('{ERASURE_VARIABLE}')").fetchall()[0]
    keyed = with_keys(leads, countries, secret)
    found = marks_of(keyed)
    if has_shared_marks:
        shared = con.sql("from shared_mark").pl()
        found = found.join(shared, left_on=["store", _MARK], right_on=["store", "mark"], how="anti")
    customers = match_customers(leads, settings.identity, countries, found)
    keys = keyed.select("lead_key", "email_key", "phone_key", "phone_2_key")
    con.register("lead_customer_frame", customers.join(keys, on="lead_key"))
    con.execute("create or replace temp table lead_customer as select * from lead_customer_frame")
