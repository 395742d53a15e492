"""Everything of one customer in time order, held against every fact read by itself; and finding a customer."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from metrics import listing
from metrics.declare import NoSuchData
from metrics.filters import Filters
from tests.metrics.questions import warehouse_of
from tests.star import Row, Star, random_star, star_of
from tests.waiting import NOW, appointment, hours, lead_of, star_with, touch, waiting_star, written

# Which rows of which fact are events of which kind, and when they happened.
FACTS = {
    "lead": ("fct_lead", "created_at"),
    "touch": ("fct_contact", "occurred_at"),
    "task": ("fct_task", "due_at"),
    "status": ("fct_status_change", "changed_at"),
    "appointment": ("fct_appointment", "due_at"),
    "visit": ("fct_visit", "arrived_at"),
    "purchase": ("fct_sale", "sold_at"),
    "service visit": ("fct_service_visit", "opened_at"),
    "survey": ("fct_survey", "answered_at"),
}


def told(star: Star, customer: str) -> list[Row]:
    with warehouse_of(star) as warehouse:
        return listing.timeline(warehouse, customer).to_dicts()


def found(star: Star, text: str, limit: int = 50, **filters: Any) -> list[str]:
    with warehouse_of(star) as warehouse:
        return listing.find_customers(warehouse, text, Filters(**filters), limit)["customer"].to_list()


def test_a_timeline_holds_every_row_of_every_fact_once_and_in_order() -> None:
    star = random_star(seed=8, opportunities=60)
    star = {**star, "fct_sale": star["fct_sale"].with_columns(pl.col("is_first_line").fill_null(value=True))}
    theirs = set(star["fct_opportunity"].filter(pl.col("customer_key") == "c1")["opportunity_key"])
    expected = []
    for kind, (fact, clock) in FACTS.items():
        for row in star[fact].to_dicts():
            is_linked = row.get("opportunity_key") in theirs and fact != "fct_lead"
            if (row.get("customer_key") == "c1" or is_linked) and row.get("is_first_line", True):
                expected.append((kind, row.get("completed_at") or row[clock], row["store_key"]))
    names = dict(star["dim_store"].select("store", "store_key").iter_rows())
    rows = told(star, "c1")
    assert sorted((row["kind"], row["at"], names[row["store"]]) for row in rows) == sorted(expected)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {row["kind"] for row in rows} == set(FACTS)


def test_a_lead_on_a_timeline_names_its_vehicle_and_nothing_else_does() -> None:
    row = written()
    star = star_with(row, leads=[lead_of(row, vehicle="2024 Comet")], contacts=[touch("k1", "o1", NOW - hours(9))])
    named = {(event["kind"], event["vehicle"]) for event in told(star, row["customer_key"])}
    assert named == {("lead", "2024 Comet"), ("touch", None)}


def test_an_event_says_what_it_was_who_did_it_and_what_came_of_it() -> None:
    call = touch("k1", "o1", NOW - hours(9), result="left_message")
    due = appointment("a1", NOW + hours(20), appointment_type="test_drive", outcome="open", setter_key="p2")
    row = written()
    star = star_with(row, appointments=[due], contacts=[call], leads=[lead_of(row, status="open", source_file="l.csv")])
    lead, touched, ahead = told(star, "c0")
    assert (lead["kind"], lead["record"], lead["source"], lead["outcome"]) == ("lead", "O1", "Website", "open")
    assert lead["source_file"] == "l.csv"
    assert (touched["what"], touched["direction"], touched["is_automatic"]) == ("call", "out", False)
    assert (touched["outcome"], touched["person"], touched["is_ahead"]) == ("left_message", "Ada Reyes", False)
    assert (ahead["what"], ahead["person"], ahead["outcome"], ahead["is_ahead"]) == (
        "test_drive",
        "Ben Okoye",
        "open",
        True,
    )


def test_a_task_stands_where_it_was_done_and_a_move_says_from_what_to_what() -> None:
    done = {"task_key": "t1", "due_at": NOW - hours(30), "completed_at": NOW - hours(28), "outcome": "completed"}
    due = {"task_key": "t2", "due_at": NOW + hours(5), "outcome": "open"}
    move = {"status_change_key": "m1", "changed_at": NOW - hours(27), "from_status": "open", "to_status": "lost"}
    shared = {"opportunity_key": "o1", "store_key": "s1", "person_key": "p2"}
    row = written()
    known = star_of(
        fct_opportunity=[row],
        fct_task=[shared | done, shared | due, shared | done | {"opportunity_key": "o2"}],
        fct_status_change=[shared | move],
    )
    rows = [
        (row["kind"], row["at"], row["what"], row["outcome"], row["person"], row["is_ahead"])
        for row in told(known, "c0")
    ]
    assert rows == [
        ("task", NOW - hours(28), None, "completed", "Ben Okoye", False),
        ("status", NOW - hours(27), "open", "lost", "Ben Okoye", False),
        ("task", NOW + hours(5), None, "open", "Ben Okoye", True),
    ]


@pytest.mark.parametrize("key", ["none such", "unknown"])
def test_a_customer_that_is_not_there_is_said(key: str) -> None:
    with (
        warehouse_of(waiting_star()) as warehouse,
        pytest.raises(NoSuchData, match=r"no such customer.*\n\nHint: Find"),
    ):
        listing.timeline(warehouse, key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer", ["Customer 4", "Customer 0", "Customer 2"]),
        (" CUSTOMER 4 ", ["Customer 4"]),
        ("(555) 0102", ["Customer 2"]),
        ("5550100", ["Customer 0"]),
        ("O3", ["Customer 4"]),
        ("o3", []),
        ("55", []),
        ("%", []),
        ("", []),
        ("   ", []),
    ],
)
def test_a_customer_is_found_by_name_number_or_whole_lead_id(text: str, expected: list[str]) -> None:
    assert found(waiting_star(), text) == expected


def test_a_search_keeps_to_the_filters_and_its_limit() -> None:
    star = waiting_star()
    assert found(star, "customer", limit=2) == ["Customer 4", "Customer 0"]
    assert found(star, "customer", where={"store": ("Southside Autos",)}) == []
    leads = star["fct_lead"].with_columns(source_key=pl.lit("third"), salesperson_key=pl.lit("p1"))
    paid = {**star, "fct_lead": leads}
    assert len(found(paid, "customer", where={"source_group": ("Paid",), "person": ("Ada Reyes",)})) == 3
    assert found(paid, "customer", where={"person": ("Ben Okoye",)}) == []


def test_letters_of_an_address_find_its_customer_and_a_name_with_digits_is_no_number() -> None:
    star = star_with(written())
    known = star["dim_customer"].with_columns(email=pl.lit("Kim.Roe@example.com"))
    assert found({**star, "dim_customer": known}, "kim.roe@") == ["Customer 0"]
    assert found(star, "abc 5550100") == []
