"""A large star made of a small one that the loaders built: the same tables, types and order, as many rows as wanted.

Each copy of the small star lies so many weeks before the last, under keys of its own, so that rows of all copies are
mixed in time. People and sources are copied fewer times than opportunities, as a large group has them. Facts of which
the simulated exports hold nothing (visits, tasks, repair orders, a CRM's own report) are derived from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

STORAGE_VERSION: Final = "v1.2.0"
_WEEKS_OF_DEMO: Final = 80
# Which of the numbers of a copy makes its keys; a store is never copied.
_NTH: Final = {
    **dict.fromkeys(
        ("person_key", "salesperson_key", "bdc_agent_key", "setter_key", "responder_key"), "copy.person_nth"
    ),
    "source_key": "copy.source_nth",
    "store_key": "0",
}
_LABELS: Final = (("dim_person", "person"), ("dim_person", "name"), ("dim_source", "source"))
_MEMBERS: Final = "'', 'unassigned', 'unknown', 'no_lead', 'no_source'"
# As loaders/warehouse writes them.
_ORDER: Final = {
    "dim_person": "person, person_key",
    "dim_source": "source, source_key",
    "dim_customer": "customer_key",
    "fct_opportunity": "created_at, opportunity_key",
    "fct_lead": "created_at, lead_key",
    "fct_appointment": "due_at, appointment_key",
    "fct_sale": "sold_at, sale_key, sale_line_key",
    "fct_contact": "occurred_at, contact_key",
    "fct_survey": "answered_at, survey_key",
    "fct_visit": "arrived_at, visit_key",
    "fct_task": "due_at, task_key",
    "fct_service_visit": "opened_at, service_visit_key",
    "fct_crm_report": "period_start, crm_report_key",
    "fct_spend": "store_key, source_key, day, spend_key",
    "fct_roster_day": "day, roster_day_key",
    "bridge_opportunity_source": "opportunity_key, attribution, source_key",
}
_WHOLE: Final = ("dim_store", "dim_date", "target", "annotation")
_BY_PERSON: Final = ("dim_person", "fct_roster_day")
_BY_SOURCE: Final = ("dim_source", "fct_crm_report")
_DERIVED: Final = {
    "fct_visit": """
        select md5('visit' || opportunity_key) as visit_key, opportunity_key, store_key, customer_key, source_key,
            lead_type, vehicle_condition, salesperson_key as person_key, salesperson_key, bdc_agent_key,
            visited_at as arrived_at, cast(visited_at as date) as arrived_on, is_sold, sold_at, is_sold as is_write_up,
            attempt_count % 2 = 0 as is_demo, attempt_count % 3 = 0 as is_turnover, false as is_appraisal,
            true as has_known_demo, true as has_known_write_up, true as has_known_turnover, true as has_opportunity,
            attempt_count % 5 > 0 as is_first_visit, attempt_count % 5 = 0 as is_be_back
        from base.fct_opportunity where visited_at is not null""",
    "fct_task": """
        select md5('task' || contact_key) as task_key, opportunity_key, store_key, person_key, occurred_at as due_at,
            occurred_on as due_on, case when is_attempt then occurred_at end as completed_at,
            is_attempt as is_completed,
            is_attempt and channel = 'call' as is_done_on_time, true as is_user_generated, true as is_to_do,
            false as is_dismissed
        from base.fct_contact where is_human and is_outbound""",
    "fct_service_visit": """
        select md5('service' || sale_line_key) as service_visit_key, store_key, customer_key,
            salesperson_key as person_key, sold_at + to_days(120) as opened_at, sold_on + 120 as opened_on,
            has_customer, true as is_first_of_year,
            is_repeat as is_kept, case when is_repeat then sold_at end as kept_at,
            is_repeat as is_bought, case when is_repeat then sold_at end as bought_at,
            case when is_repeat then 864000 end as seconds_to_return,
            case when is_repeat then 864000 end as seconds_to_bought, gross as amount
        from base.fct_sale where is_counted""",
    "fct_crm_report": """
        select md5('report' || store_key || source_key || month) as crm_report_key, store_key, source_key,
            month as period_start, last_day(month) as period_end, 'leads' as measure, cast(leads as double) as value,
            true as is_of_leads, true as has_value, leads as loaded_leads
        from (
            select store_key, source_key, cast(date_trunc('month', created_on) as date) as month, count(*) as leads
            from base.fct_lead where is_counted group by all
        )""",
}


@dataclass(frozen=True)
class Copies:
    """How many times each is there: opportunities with all that hangs on them, people, sources; and of one store?"""

    rows: int
    people: int
    sources: int
    store: str | None = None


def multiply(base: Path, directory: Path, copies: Copies) -> Path:
    """Publish a star of so many copies of the snapshot file `base` in `directory`, as the loaders do. Gives it back."""
    file = directory / "snapshots" / "20260520T180000Z-0000abcd.duckdb"
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach '{base}' as base (read_only)")
        con.execute(f"attach '{file}' as snapshot (storage_version '{STORAGE_VERSION}')")
        con.execute("use snapshot")
        con.execute("create schema loads")
        con.execute("create table loads.reject (rule varchar)")
        for table in (*_WHOLE, *_ORDER):
            con.execute(_statement(table, _columns(con, table), copies))
    (directory / "CURRENT").write_text(f"snapshots/{file.name}\n", encoding="utf-8")
    return directory


def store_keys(base: Path) -> list[str]:
    """The keys of the stores of a snapshot."""
    with duckdb.connect(str(base), read_only=True) as con:
        return [key for (key,) in con.execute("select store_key from dim_store order by store_key").fetchall()]


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    found = con.execute(
        "select column_name, data_type from duckdb_columns() where database_name = 'base' and schema_name = 'main'"
        " and table_name = ? order by column_index",
        [table],
    )
    return dict(found.fetchall())


def _statement(table: str, columns: Mapping[str, str], copies: Copies) -> str:
    rows = _rows_of_base(table, columns, copies)
    if table in _WHOLE:
        return f"create table {table} as {rows}"
    listed = ", ".join(f"{_copied(table, name, kind)} as {name}" for name, kind in columns.items())
    taken = f"create table {table} as select {listed} from ({rows}) as one, ({_copy_numbers(table, copies)}) as copy"
    # What stands for "nobody" and "no source" is one member however often the rest is copied.
    own = {"dim_person": "person_key", "dim_source": "source_key"}.get(table)
    kept = f" where copy.nth = 0 or {own} not in ({_MEMBERS})" if own else ""
    return f"{taken}{kept} order by {_ORDER[table]}"


def _rows_of_base(table: str, columns: Mapping[str, str], copies: Copies) -> str:
    if table in _DERIVED:
        nothing = f"select * from base.{table} where false"
        rows = f"{nothing} union all by name ({_DERIVED[table]})"
    else:
        rows = f"select * from base.{table}"
    if copies.store is None:
        return rows
    if "store_key" in columns:
        return f"select * from ({rows}) as every where store_key in ('', '{copies.store}') or store_key is null"
    if "opportunity_key" not in columns:
        return rows
    of_store = f"select opportunity_key from base.fct_opportunity where store_key = '{copies.store}'"
    return f"select * from ({rows}) as every where opportunity_key in ({of_store})"


def _copy_numbers(table: str, copies: Copies) -> str:
    """`nth`, `person_nth`, `source_nth` and how many `weeks` earlier, for each copy of a table's rows."""
    if table in _BY_PERSON:
        return f"select nth, nth as person_nth, 0 as source_nth, 0 as weeks from range({copies.people}) as every(nth)"
    if table in _BY_SOURCE:
        return f"select nth, 0 as person_nth, nth as source_nth, 0 as weeks from range({copies.sources}) as every(nth)"
    if table == "fct_spend":
        times = 1 + copies.rows // _WEEKS_OF_DEMO + 1
        return (
            f"select nth, 0 as person_nth, nth % {copies.sources} as source_nth,"
            f" nth // {copies.sources} * {_WEEKS_OF_DEMO} as weeks from range({copies.sources * times}) as every(nth)"
        )
    return (
        f"select nth, nth % {copies.people} as person_nth, nth % {copies.sources} as source_nth, nth as weeks"
        f" from range({copies.rows}) as every(nth)"
    )


def _copied(table: str, name: str, kind: str) -> str:
    """The expression of one column in a copy of its row."""
    nth = _NTH.get(name, "copy.nth" if name.endswith("_key") else None)
    if nth is not None:
        return f"case when {nth} = 0 or {name} in ({_MEMBERS}) then {name} else left(md5({name} || {nth}), 16) end"
    if (table, name) in _LABELS:
        return f"case when copy.nth = 0 then {name} else {name} || ' ' || (copy.nth + 1) end"
    return name if table in _BY_PERSON else _earlier(name, kind)


def _earlier(name: str, kind: str) -> str:
    """The same so many weeks earlier, for all that is a time."""
    if kind == "DATE":
        return f"{name} - cast(7 * copy.weeks as integer)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"{name} - to_days(cast(7 * copy.weeks as integer))"
    # About so many seconds is a store open in a week.
    return f"{name} - copy.weeks * 237600" if name == "created_open_seconds" else name
