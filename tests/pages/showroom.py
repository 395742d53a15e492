"""A small star written by hand, to look at pages with: two stores, four sources, three people, one year of leads.

Nothing in it is drawn at random: every number follows from the position of its row, so a test can count it again.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.star import SCHEMAS, star_of, write_warehouse

NOW = dt.datetime(2026, 6, 30, 20, 0, tzinfo=dt.UTC)
STORES = ("North", "South")
SOURCES = (("w1", "Website", "Own"), ("w2", "*Best* $Leads", "Third party"), ("w3", "Walk-in", "(no group)"))
_NAMED = {"dim_store": "store", "dim_person": "person", "dim_source": "source"}
# What somebody may type into a lead form, a CRM or a settings file: script, a picture, links, a formula, markup.
HOSTILE = (
    '=HYPERLINK("http://evil.example/a") <script>window.crept=1</script><img src=x onerror="window.crept=1">'
    "[x](javascript:window.crept=1) https://evil.example/b www.evil.example #set page(width: 1pt) $x$ {{ 7*7 }},=1+1"
)
_TYPED = {
    "dim_store": ("store",),
    "dim_person": ("person", "name", "team"),
    "dim_source": ("source", "source_group", "channel"),
    "dim_customer": ("customer", "email", "phone"),
    "annotation": ("label",),
    "fct_spend": ("campaign", "source_file"),
    "fct_opportunity": ("lead_id", "source_file"),
    "fct_lead": ("lead_id", "status", "vehicle", "source_file"),
    "fct_appointment": ("appointment_id", "source_file"),
    "fct_sale": ("sale_id", "source_file"),
    "fct_survey": ("instrument", "source_file"),
    "fct_status_change": ("from_status", "to_status", "reason"),
    "data_finding": ("finding", "detail", "record"),
}
PEOPLE = (("a1", "Ada Hill", "salesperson"), ("a2", "Bo Park", "salesperson"), ("a3", "Cy Ford", "bdc_agent"))


def full_showroom(directory: Path, currencies: tuple[str, str] = ("USD", "USD")) -> Path:
    """A warehouse of 600 opportunities, 300 at each store, the newest on the last day; three rows were refused."""
    return _write(directory, 600, rejects=3, currencies=currencies)


def one_row_showroom(directory: Path) -> Path:
    """A warehouse of a single opportunity that was contacted, shown and sold."""
    return _write(directory, 1, rejects=0, has_logs=False)


def long_names_showroom(directory: Path) -> Path:
    """The full warehouse, where every store, person and source has a name of eighty letters without a blank."""
    return _write(directory, 600, rejects=3, longest=80)


def hostile_showroom(directory: Path) -> Path:
    """The full warehouse, where each text that somebody typed begins with `HOSTILE`; four customers wait."""
    tables = _dimensions(("USD", "USD"), has_logs=True) | _facts(600) | _remarks()
    wrote: dict[str, Any] = {"is_written_to_us": True, "is_message_answered": False, "customer_key": "c1"}
    wrote["last_customer_message_at"] = NOW - dt.timedelta(hours=2)
    tables["fct_opportunity"][-4:] = [row | wrote for row in tables["fct_opportunity"][-4:]]
    hostile = {table: _typed_by_an_attacker(rows, _TYPED.get(table, ())) for table, rows in tables.items()}
    return _publish(directory, hostile, rejects=3)


def one_store_showroom(directory: Path) -> Path:
    """A warehouse of 600 opportunities at a single store."""
    return _write(directory, 600, rejects=0, stores=1)


def empty_showroom(directory: Path) -> Path:
    """A warehouse with its stores and no other row."""
    return _write(directory, 0, rejects=0)


def _write(
    directory: Path,
    count: int,
    *,
    rejects: int,
    currencies: tuple[str, str] = ("USD", "USD"),
    has_logs: bool = True,
    longest: int = 0,
    stores: int = 2,
) -> Path:
    tables = _dimensions(currencies, has_logs=has_logs) | _facts(count)
    if longest:
        tables |= {table: _lengthened(tables[table], column, longest) for table, column in _NAMED.items()}
    if stores == 1:
        tables = {table: _at_first_store(rows) for table, rows in tables.items()}
    return _publish(directory, tables, rejects=rejects)


def _publish(directory: Path, tables: dict[str, list[dict[str, Any]]], *, rejects: int) -> Path:
    written = write_warehouse(directory, star_of(**tables))
    file = directory / (directory / "CURRENT").read_text(encoding="utf-8").strip()
    with duckdb.connect(str(file)) as connection:
        connection.execute("insert into loads.reject select 'lead id is missing' from range(?)", [rejects])
    return written


def _typed_by_an_attacker(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The same rows with `HOSTILE` in these columns; equal texts stay equal, members in brackets keep theirs."""
    return [row | {name: _made_hostile(row.get(name)) for name in columns} for row in rows]


def _made_hostile(text: str | None) -> str:
    return text if text is not None and text.startswith("(") else f"{HOSTILE} {text}"


def _remarks() -> dict[str, list[dict[str, Any]]]:
    """An event on the time axis, a move of a status and something that loading noticed."""
    day = NOW.date() - dt.timedelta(days=40)
    moved = {"status_change_key": "s1", "opportunity_key": "o0", "store_key": "k0", "person_key": "a1"}
    return {
        "annotation": [{"store_key": "k0", "label": "training", "day": day}],
        "fct_status_change": [moved | {"changed_at": NOW - dt.timedelta(days=300), "changed_on": day}],
        "data_finding": [{"finding": "noticed", "store_key": "k0", "record": "1", "detail": "words"}],
    }


def _lengthened(rows: list[dict[str, Any]], column: str, longest: int) -> list[dict[str, Any]]:
    """The same rows with names of one long word; members in brackets keep theirs."""
    return [row if row[column].startswith("(") else row | {column: f"{row[column]:x<{longest}}"} for row in rows]


def _at_first_store(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same facts, all at the first store; what belongs to the second alone is left out."""
    kept = [row for row in rows if row.get("store_key") != "k1" or "opportunity_key" in row]
    return [row | {"store_key": "k0"} if row.get("store_key") else row for row in kept]


def _dimensions(currencies: tuple[str, str], *, has_logs: bool) -> dict[str, list[dict[str, Any]]]:
    zone, days = "America/Chicago", [dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(600)]
    stores: list[dict[str, Any]] = [
        {"store_key": f"k{n}", "store": store, "time_zone": zone, "currency": currencies[n], "as_of": NOW}
        | {"as_of_on": NOW.date(), "response_standard_seconds": 900}
        | {"has_contact_log": has_logs, "has_deal_log": has_logs}
        for n, store in enumerate(STORES)
    ]
    return {
        "dim_store": stores,
        "dim_date": [_open_day(store["store_key"], day, n) for store in stores for n, day in enumerate(days)],
        "dim_person": [
            {"person_key": key, "store_key": "k0", "person": name, "name": name, "role": role, "is_machine": False}
            for key, name, role in (*PEOPLE, ("unassigned", "(unassigned)", "other"))
        ],
        "dim_source": [
            {"source_key": key, "source": source, "source_group": group, "channel": "(no channel)"}
            for key, source, group in (*SOURCES, ("no_source", "(no source)", "(no group)"))
        ],
        "dim_customer": [
            {"customer_key": "unknown", "customer": "=1+1", "store_key": "k0", "lead_count": 1},
            {
                "customer_key": "c1",
                "customer": "Dee Vale",
                "phone": "(312) 555-0101",
                "store_key": "k0",
                "lead_count": 1,
            },
        ],
        "target": [
            {"store_key": "", "metric": "closing_rate", "value": 0.12},
            {"store_key": "k1", "month": dt.date(2026, 5, 1), "metric": "sold_units", "value": 3.0},
        ],
    }


def _open_day(store_key: str, day: dt.date, number: int) -> dict[str, Any]:
    starts = dt.datetime.combine(day, dt.time(5), tzinfo=dt.UTC)
    hours = {"opens_at": starts + dt.timedelta(hours=9), "closes_at": starts + dt.timedelta(hours=19)}
    return {"store_key": store_key, "day": day, "starts_at": starts, **hours, "open_seconds_before": number * 36_000}


def _facts(count: int) -> dict[str, list[dict[str, Any]]]:
    opportunities = [_opportunity(n, count) for n in range(count)]
    return {
        "fct_opportunity": opportunities,
        "fct_lead": [_lead(row, n) for n, row in enumerate(opportunities)],
        "fct_appointment": [_appointment(row, n) for n, row in enumerate(opportunities) if row["is_appointment_set"]],
        "fct_sale": [_sale(row, n) for n, row in enumerate(opportunities) if row["is_sold"]],
        "fct_survey": [_survey(row, n) for n, row in enumerate(opportunities) if row["is_sold"]],
        "fct_spend": [_spend(n) for n in range(365 * 2)] if count else [],
        "bridge_opportunity_source": [
            {
                "opportunity_key": row["opportunity_key"],
                "attribution": rule,
                "source_key": row["source_key"],
                "weight": 1,
            }
            for row in opportunities
            for rule in ("first", "last", "even")
        ],
    }


def _opportunity(n: int, count: int) -> dict[str, Any]:
    """Of each 30 in a row: 18 contacted, 9 with an appointment, 6 shown, 3 sold; the only one of one is sold."""
    place, created = n % 30, NOW - dt.timedelta(days=(count - 1 - n) * 364 // max(count, 1) + 1)
    row = {name: created + dt.timedelta(hours=2) for name in ("first_attempt_at", "first_any_response_at")}
    row |= _milestone("contacted", created, 3, is_reached=place < 18)
    row |= _milestone("appointment_set", created, 4, is_reached=place < 9)
    row |= _milestone("shown", created, 9, is_reached=place < 6) | _milestone("sold", created, 12, is_reached=place < 3)
    source = (*SOURCES, ("no_source",))[n % 4][0]
    return row | {
        "opportunity_key": f"o{n}",
        "store_key": f"k{n % 2}",
        "customer_key": "c1" if n == 0 else "unknown",
        "source_key": source,
        "lead_type": "internet",
        "vehicle_condition": "new",
        "salesperson_key": PEOPLE[n // 2 % 2][0],
        "bdc_agent_key": "a3",
        "setter_key": "a3",
        "responder_key": "a3",
        "created_at": created,
        "created_on": created.date(),
        "created_by": created,
        "is_eligible": True,
        "needs_answer": True,
        "is_attempted": True,
        "shown_on": row["shown_at"] and row["shown_at"].date(),
        "is_lost": False,
        "is_bad": False,
        "is_duplicate": False,
        "seconds_to_first_attempt": 7200,
        "lead_count": 1,
        "created_weekday": f"{created:%A}",
        "created_hour": f"{created:%H:00}",
        "after_hours": "in hours",
        "answered": "in time",
        "open_seconds_to_first_attempt": 600,
        "created_open_seconds": 0,
        "response_standard_seconds": 900,
        "has_known_spend": source in {"w1", "w2"},
        "lead_id": f"{n}",
        "source_file": "leads.csv",
        "source_line": n + 2,
    }


def _milestone(step: str, created: dt.datetime, hours: int, *, is_reached: bool) -> dict[str, Any]:
    at = created + dt.timedelta(hours=hours) if is_reached else None
    seconds = hours * 3600 if is_reached else None
    return {f"is_{step}": is_reached, f"{step}_at": at, f"seconds_to_{step}": seconds}


def _kept(row: dict[str, Any], table: str) -> dict[str, Any]:
    return {name: row[name] for name in SCHEMAS[table] if name in row}


def _lead(row: dict[str, Any], n: int) -> dict[str, Any]:
    own = {"lead_key": f"l{n}", "status": "open", "is_counted": True, "source_file": "leads.csv", "source_line": n + 2}
    return _kept(row, "fct_lead") | own


def _appointment(row: dict[str, Any], n: int) -> dict[str, Any]:
    due = row["created_at"] + dt.timedelta(hours=8)
    own = {"appointment_key": f"a{n}", "appointment_type": "sales", "set_at": row["appointment_set_at"], "due_at": due}
    own |= {"set_on": row["created_on"], "due_on": due.date(), "outcome": "shown" if row["is_shown"] else "no_show"}
    own |= dict.fromkeys(("is_sales_appointment", "is_first_of_chain", "is_standing", "is_counted_set"), True)
    own |= dict.fromkeys(("is_cancelled_ahead", "is_moved_ahead", "is_unresolved", "is_confirmed"), False)
    own |= {
        "lead_time": "same day",
        "confirmed": "not confirmed",
        "due_weekday": f"{due:%A}",
        "due_hour": f"{due:%H:00}",
    }
    own |= {"appointment_id": f"{n}", "source_file": "appointments.csv", "source_line": n + 2}
    return _kept(row, "fct_appointment") | own


def _sale(row: dict[str, Any], n: int) -> dict[str, Any]:
    own = {"sale_line_key": f"d{n}", "sale_key": f"d{n}", "sale_type": "retail", "sold_on": row["sold_at"].date()}
    own |= {
        "weight": 1.0,
        "is_counted": True,
        "gross": Decimal(2000),
        "weighted_gross": Decimal(2000),
        "has_known_gross": True,
    }
    own |= {"is_first_line": True, "is_open_to_cohort": True}
    own |= {"sale_id": f"{n}", "source_file": "sales.csv", "source_line": n + 2}
    return _kept(row, "fct_sale") | own


def _survey(row: dict[str, Any], n: int) -> dict[str, Any]:
    """Every buyer answers a week later; every second three give the best score."""
    answered, best = row["sold_at"] + dt.timedelta(days=7), n // 30 % 2 == 0
    own = {"survey_key": f"v{n}", "answered_at": answered, "answered_on": answered.date()}
    own |= {"instrument": "Maker (1 to 10)", "is_about_sales": True, "is_about_service": False}
    own |= {"is_top_box": best, "score": 10.0 if best else 8.0, "source_file": "surveys.csv", "source_line": n + 2}
    return _kept(row, "fct_survey") | own


def _spend(n: int) -> dict[str, Any]:
    day = NOW.date() - dt.timedelta(days=n // 2)
    entry = {
        "spend_key": f"e{n}",
        "store_key": "k0",
        "source_key": SOURCES[n % 2][0],
        "day": day,
        "amount": Decimal(10),
    }
    return entry | {"is_known": True, "source_file": "spend.csv", "source_line": n + 2}
