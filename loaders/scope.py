"""Builds the star anew only where a load's changes reach: a day's export costs what a day weighs, not what years do.

The reach (the scope) is closed: a lead belongs to it where it changed, where a changed record names it, or where it
shares a mark (e-mail, phone, id, name and day, customer) with a lead of it, as things are now or were in the last
snapshot; a record belongs to it where it changed or names a lead of it. So whatever one statement of the star joins
lies on one side. The same statements then run over the records of the scope alone, and their rows replace the old ones.

Where something changed that reaches everywhere (a person's or a source's meaning, spend, the CRM's own lists of links,
a store's clock), or the scope is large, nothing is gained, and the star is built anew in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from loaders.contracts import TABLES, key_column
from loaders.merge import template
from loaders.progress import Progress
from loaders.settings import Settings
from loaders.star import (
    LEADS_READY,
    Moment,
    hand_over,
    make_records,
    match_leads,
    remember_words,
    run,
    statements,
    with_versions,
)

# Records that hang on leads. All others (lists of people and sources, spend, reports) are read whole each time.
EVENTS: Final = (
    "lead",
    "contact",
    "appointment",
    "visit",
    "task",
    "status_change",
    "sale",
    "survey",
    "service_visit",
)
# Lists of which only the meaning of their words matters to events, which is compared on its own.
_WORDS: Final = ("person", "source", "crm_report")
# A small warehouse is built whole: finding a scope would cost as much. So is a scope above this share of all leads.
SCOPE_FROM_LEADS: Final = 20_000
_LARGEST_SHARE: Final = 0.2
# Rows that are written again leave gaps in the file. Closing them each day would cost more than all else; a whole build
# does it, after this many partial ones.
_MOST_PARTIAL_BUILDS: Final = 30
_FIRST_EVENT_STATEMENT: Final = "20"
_WHOLE_STATEMENT: Final = "52_fct_roster_day.sql"
# Of what each row of a fact in the scope holds the key.
_FACTS: Final = {
    "bridge_customer_lead": "lead",
    "dim_customer": "customer",
    "fct_opportunity": "opportunity",
    "bridge_opportunity_source": "opportunity",
    **{f"fct_{table}": table for table in EVENTS},
}
_REF_COLUMNS: Final = ("lead_id", "customer_id", "customer_name", "lead_created_on", "vin", "sale_id", "rescheduled_to")


def is_worthwhile(con: duckdb.DuckDBPyConnection, changed: Collection[str]) -> bool:
    """Whether a part is likely to be enough: only events changed, and few of many."""
    events = [table for table in changed if table in EVENTS]
    others = [table for table in changed if table not in EVENTS + _WORDS]
    if any(_count(con, f"changed_{table}") for table in others) or _has_other_settings(con):
        return False
    if _count(con, "previous.build.partial_build") >= _MOST_PARTIAL_BUILDS:
        return False
    leads = _count(con, "previous.fct_lead")
    touched = sum(_count(con, f"changed_{table}") for table in events)
    return leads >= SCOPE_FROM_LEADS and touched <= leads * _LARGEST_SHARE


def build_scope(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    moment: Moment,
    findings: pl.DataFrame,
    progress: Progress,
    changed: Collection[str],
) -> bool:
    """Build the part of the star that the changes reach, into the copied star of the database `snapshot`.

    `changed`: the tables with a `changed_<table>` (see `loaders.merge.fold_in`). Gives False, with the star untouched,
    where it must be built anew in full: in another connection, as this one is full of what was tried.
    """
    con.execute("attach ':memory:' as part")
    con.execute("use part")
    _lay_out_records(con, changed)
    hand_over(con, settings, moment, findings)
    paths = statements()
    run(con, [path for path in paths if path.name < _FIRST_EVENT_STATEMENT], settings, progress)
    if con.execute(template("scope_stable", "lead")).fetchall():
        return False
    con.execute("alter table record_sale rename to all_sale")
    _mark_changed_leads(con, settings)
    if not _close(con, settings):
        return False
    _narrow_records(con)
    events = [path for path in paths if path.name >= _FIRST_EVENT_STATEMENT]
    run(con, events, settings, progress, has_shared_marks=True)
    _write(con)
    _count_roster_days(con, paths)
    con.execute("insert into snapshot.build.partial_build select loaded_at from build")
    con.execute("set max_vacuum_tasks = 0")
    return True


def _has_other_settings(con: duckdb.DuckDBPyConnection) -> bool:
    last = "select fingerprint from {}.loads.load order by loaded_at desc limit 1"
    now, before = (con.execute(last.format(place)).fetchall() for place in ("snapshot", "previous"))
    return bool(now != before)


def _lay_out_records(con: duckdb.DuckDBPyConnection, changed: Collection[str]) -> None:
    """The records of every table, as in a full build; those of events also as `all_<table>`."""
    versioned = with_versions(con)
    for table in TABLES:
        if table not in EVENTS or table == "sale":
            make_records(con, table, f"record_{table}", has_versions=table in versioned)
        else:
            make_records(con, table, f"all_{table}", has_versions=table in versioned)
            con.execute(f"create temp view record_{table} as select * from all_{table}")
        if table in EVENTS and table not in changed:
            key = key_column(table)
            con.execute(f"create temp table changed_{table} (store varchar, system varchar, {key} varchar)")


def _mark_changed_leads(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Find the marks that the changed leads have now: `lead_mark`."""
    con.execute(template("lead_of_change", "lead"))
    (ready,) = (path for path in statements() if path.name == LEADS_READY)
    con.execute(ready.read_text(encoding="utf-8"))
    match_leads(con, settings)
    con.execute(template("lead_mark", "lead", kind="temp table", name="lead_mark"))
    con.execute("drop table stg_lead")


def _close(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Widen the scope until nothing leads further; False where it grows too large."""
    guards = {"max_names": str(settings.identity.max_names), "max_leads": str(settings.identity.max_leads)}
    con.execute(template("scope_begin", "lead", **guards))
    for table in _hanging():
        columns = ["store", "system", key_column(table), *_refs_of(table)]
        con.execute(template("version", table, columns=", ".join(dict.fromkeys(columns))))
        con.execute(template("scope_records_begin", table))
    most = _LARGEST_SHARE * _count(con, "previous.fct_lead")
    filled = [table for table in _hanging() if _count(con, f"version_{table}")]
    size = -1
    while size != (size := _size(con)):
        for table in filled:
            con.execute(template("scope_refs", table, refs=_ref_marks(table)))
        _widen_leads(con)
        if _count(con, "scope_lead") > most:
            return False
        con.execute(template("scope_ids", "lead"))
        for table in filled:
            con.execute(template("scope_records", table, others=_by_other_refs(table)))
        con.execute(template("scope_kin", "sale"))
    return True


def _widen_leads(con: duckdb.DuckDBPyConnection) -> None:
    count = -1
    while count != (count := _count(con, "scope_lead") + _count(con, "scope_mark")):
        con.execute(template("scope_leads", "lead"))


def _hanging() -> Iterator[str]:
    return (table for table in EVENTS if table != "lead")


def _refs_of(table: str) -> list[str]:
    return [name for name in _REF_COLUMNS if name in TABLES[table].columns()]


def _ref_marks(table: str) -> str:
    """The marks that records of a table in the scope name: see templates/lead_mark.sql."""
    name_and_day = "'name:' || name_key(customer_name) || '|' || cast(lead_created_on as varchar)"
    texts = {
        "lead_id": "'id:' || lead_id",
        "customer_id": "'customer id:' || customer_id",
        "customer_name": name_and_day,
    }
    rows = f"version_{table} semi join scope_{table} using (store, system, {key_column(table)})"
    marks = [f"select store, {texts[name]} as mark from {rows}" for name in _refs_of(table) if name in texts]
    return " union all ".join(marks)


def _by_other_refs(table: str) -> str:
    refs = _refs_of(table)
    by_customer = template("scope_by_customer", table) if "customer_id" in refs else ""
    return by_customer + (template("scope_by_name", table) if "customer_name" in refs else "")


def _narrow_records(con: duckdb.DuckDBPyConnection) -> None:
    """Let `record_<table>` be the records of the scope."""
    con.execute(template("scope_record_lead", "lead"))
    for table in _hanging():
        con.execute(template("scope_record", table))


def _write(con: duckdb.DuckDBPyConnection) -> None:
    """Replace the scope's rows in the snapshot, and whole the tables that do not hang on leads."""
    keys = (
        f"select '{table}' as kind, key3(store, system, {key_column(table)}) as key from scope_{table}"
        for table in _hanging()
    )
    con.execute(template("scope_keys", "lead", records=" union all ".join(keys)))
    for (table,) in con.execute("select table_name from duckdb_tables() where database_name = 'part'").fetchall():
        if kind := _FACTS.get(table):
            con.execute(template("scope_write", "lead", fact=table, column=f"{kind}_key", kind=kind))
        elif table == "data_finding":
            con.execute(template("scope_findings", "lead"))
        else:
            con.execute(f"drop table snapshot.main.{table}")
            con.execute(f"create table snapshot.main.{table} as select * from part.main.{table}")
    con.execute(template("lead_mark", "lead", kind="temp table", name="lead_mark"))
    con.execute(template("scope_marks", "lead"))
    remember_words(con)


def _count_roster_days(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Build the roster days from the facts as a whole: whether a person logged anything on a day no scope can tell."""
    (whole,) = (path for path in paths if path.name == _WHOLE_STATEMENT)
    con.execute("use snapshot")
    con.execute("drop table fct_roster_day")
    con.execute(whole.read_text(encoding="utf-8"))
    con.execute("use part")


def _size(con: duckdb.DuckDBPyConnection) -> int:
    return sum(_count(con, f"scope_{name}") for name in (*EVENTS, "mark"))


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
