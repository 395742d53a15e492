"""Small stars of customers who wait, by hand: name what differs from the ordinary."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.star import NOWS, Row, Star, local_day, opportunity, star_of

NOW = NOWS["s1"]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def lead_of(row: Row, **columns: Any) -> Row:
    """The lead of an opportunity, at the system "crm"."""
    names = ("opportunity_key", "store_key", "customer_key", "source_key", "created_at", "lead_id")
    own = {"lead_key": f"{row['opportunity_key']}-l", "system": "crm", "has_phone": True, "has_email": True}
    return {name: row[name] for name in names} | own | columns


def touch(key: str, of: str, at: datetime, **columns: Any) -> Row:
    """A call by Ada Reyes that nobody took."""
    standard = {"direction": "out", "channel": "call", "result": "no_answer", "is_human": True, "person_key": "p1"}
    return {"contact_key": key, "opportunity_key": of, "store_key": "s1", "occurred_at": at} | standard | columns


def appointment(key: str, due_at: datetime, **columns: Any) -> Row:
    """A standing sales appointment of opportunity o1 without an outcome, set nine days before it was due."""
    flags = ("is_confirmed", "is_shown", "is_no_show", "is_no_show_to_call", "is_followed_up", "is_recovered")
    standard = {
        "appointment_key": key,
        "appointment_id": key.upper(),
        "opportunity_key": "o1",
        "store_key": "s1",
        "customer_key": "c0",
        "source_key": "web",
        "salesperson_key": "unassigned",
        "bdc_agent_key": "unassigned",
        "setter_key": "unassigned",
        "system": "crm",
        "set_at": due_at - timedelta(days=9),
        "due_at": due_at,
        "due_on": local_day("s1", due_at),
        "is_standing": True,
        "is_unresolved": True,
        **dict.fromkeys(flags, False),
    }
    return standard | columns


def star_with(
    *opportunities: Row, appointments: Iterable[Row] = (), contacts: Iterable[Row] = (), leads: Iterable[Row] = ()
) -> Star:
    """A star of these; each opportunity has one lead, unless leads are given."""
    every = [*leads] or [lead_of(row) for row in opportunities]
    return star_of(fct_opportunity=opportunities, fct_lead=every, fct_appointment=appointments, fct_contact=contacts)


def written(**columns: Any) -> Row:
    """Attempted once, and the customer wrote afterwards, two hours ago."""
    standard = {"is_attempted": True, "is_written_to_us": True, "last_customer_message_at": NOW - hours(2)}
    return opportunity("o1", **standard | columns)


def waiting_star() -> Star:
    """Five customers who wait: two wrote, one was never called, one missed an appointment, one gave no number."""
    rows = [
        written(salesperson_key="p1", customer_key="c0"),
        written(salesperson_key="p2", customer_key="c2", last_customer_message_at=NOW - hours(5))
        | {"opportunity_key": "o2", "lead_id": "O2"},
        opportunity("o3", created_at=NOW - hours(20), salesperson_key="p1", customer_key="c4"),
        opportunity("o4", is_attempted=True, is_contacted=True, salesperson_key="p1", customer_key="c2"),
        opportunity("o5", created_at=NOW - hours(30), customer_key="unknown"),
    ]
    missed = appointment("a4", NOW - hours(26), is_unresolved=False, is_no_show=True, is_no_show_to_call=True)
    called = touch("k1", "o4", NOW - hours(28), result="connected")
    wrote = touch("k2", "o1", NOW - hours(2), direction="in", channel="text", result="received")
    theirs = {"opportunity_key": "o4", "customer_key": "c2", "salesperson_key": "p1"}
    leads = [lead_of(row, vehicle="2024 Comet" if row["opportunity_key"] == "o1" else None) for row in rows]
    return star_with(*rows, appointments=[missed | theirs], contacts=[called, wrote], leads=leads)
