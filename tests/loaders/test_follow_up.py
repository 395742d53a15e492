"""Given touches, expect what an opportunity says of its follow-up: attempts, channels, machines, open messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from loaders.settings import Settings
from tests.loaders.star_building import Case, OneStar, Row, Story, moment, stars

in_one_star = OneStar()


@pytest.fixture(scope="module", autouse=True)
def _star_of_all_cases() -> Iterator[None]:
    yield
    in_one_star.close()


LEAD: Row = {"created_at": moment("2026-03-02 10:00")}  # a Monday
MACHINE = {"person_id": "Bot", "name": "Bot", "role": "machine"}


def touch(at: str, **more: object) -> Row:
    return {"lead_id": "lead1", "occurred_at": moment(at)} | more


def followed(*touches: Row, appointment: Sequence[Row] = (), sale: Sequence[Row] = ()) -> Case:
    """One lead, and how it was followed up."""
    elsewhere = {"lead_id": "lead9", "occurred_at": moment("2026-03-02 10:00")}  # the store logs its touches
    return {
        "lead": [LEAD],
        "contact": [*touches, elsewhere],
        "person": [MACHINE],
        "appointment": [*appointment],
        "sale": [*sale],
    }


WHOLE = "from fct_opportunity"


@in_one_star
def test_attempts_are_counted_in_one_three_and_ten_days_and_by_their_days() -> Story:
    given = followed(
        touch("2026-03-02 11:00"),
        touch("2026-03-03 09:59:59", channel="text", result="sent"),
        touch("2026-03-03 10:00"),
        touch("2026-03-05 09:00", channel="email", result="bounced"),
        touch("2026-03-12 09:59"),
        touch("2026-03-12 10:00"),
        touch("2026-03-02 12:00", is_automated=True),
        touch("2026-03-02 12:00", person="Bot"),
        touch("2026-03-02 13:00", direction="in"),
    )
    (query,) = yield [given]
    found = query.one(WHOLE)
    counts = ("attempt_count", "attempt_count_1d", "attempt_count_3d", "attempt_count_10d", "attempt_days_10d")
    assert tuple(found[name] for name in counts) == (6, 2, 4, 5, 4)
    assert found["is_multi_channel"]
    assert not found["is_barely_tried"]


@in_one_star
def test_a_customer_nobody_tried_has_no_attempts_and_one_whose_store_logs_nothing_has_unknown_ones() -> Story:
    untried, unlogged = yield [followed(), {"lead": [LEAD]}]
    assert untried.one(WHOLE)["attempt_count_10d"] == 0
    found = unlogged.one(WHOLE)
    assert (found["attempt_count_10d"], found["has_contact_log"], found["is_machine_only"]) == (None, False, False)


def test_the_follow_up_standard_is_met_by_enough_attempts_or_by_reaching_the_customer_sooner() -> None:
    settings = Settings.model_validate({"standards": {"attempts": 2, "attempt_days": 2}})
    tries = [touch("2026-03-02 11:00"), touch("2026-03-04 09:59")]
    late = touch("2026-03-04 10:00")
    spoke = touch("2026-03-03 11:00", result="connected")
    cases = [followed(*touches) for touches in (tries, [tries[0], late], [spoke], [])]
    with stars(cases, settings) as queries:
        found = [query.one(WHOLE) for query in queries]
    assert [row["is_follow_up_met"] for row in found[:3]] == [True, False, True]
    assert found[3]["follow_up_due_at"] == moment("2026-03-04 10:00")


@in_one_star
def test_machines_alone_and_the_time_until_a_person_took_over() -> Story:
    auto = touch("2026-03-02 10:01", is_automated=True)
    handed, person_first = touch("2026-03-02 10:31"), touch("2026-03-02 10:00:30")
    queries = yield [followed(auto), followed(auto, handed), followed(person_first, auto)]
    found = [query.one(WHOLE) for query in queries]
    assert [row["is_machine_only"] for row in found] == [True, False, False]
    assert [row["is_automated_first"] for row in found] == [True, True, False]
    assert [row["seconds_to_handover"] for row in found] == [None, 1800, None]


@in_one_star
def test_a_message_is_answered_by_a_person_who_speaks_after_the_last_one() -> Story:
    wrote = touch("2026-03-02 12:00", direction="in", channel="text", result="received")
    again = touch("2026-03-02 14:00", direction="in", channel="email", result="received")
    answered = touch("2026-03-02 13:00", channel="text", result="sent")
    called = touch("2026-03-02 15:00", direction="in", channel="call", result="connected")
    auto = touch("2026-03-02 16:00", channel="text", result="sent", is_automated=True)
    form = touch("2026-03-02 10:00", direction="in", channel="email", result="received")
    cases = ([wrote], [wrote, answered], [wrote, answered, again], [wrote, again, called], [wrote, auto], [form])
    queries = yield [followed(*case) for case in cases]
    found = [query.one(WHOLE) for query in queries]
    assert [row["is_written_to_us"] for row in found] == [True, True, True, True, True, False]
    assert [row["is_message_answered"] for row in found] == [False, True, False, True, False, False]


@in_one_star
def test_a_lead_after_hours_says_so_and_its_times_run_while_the_store_is_open() -> Story:
    night: Row = {"created_at": moment("2026-03-02 22:00")}  # UTC; open 09:00 to 20:00
    touches = [
        {"lead_id": "lead1", "occurred_at": moment("2026-03-02 22:01"), "is_automated": True},
        {"lead_id": "lead1", "occurred_at": moment("2026-03-03 09:10")},
    ]
    by_night, by_day = yield [{"lead": [night], "contact": touches}, followed()]
    found = by_night.one(WHOLE)
    assert found["after_hours"] == "after hours"
    assert (found["open_seconds_to_first_any_response"], found["seconds_to_first_any_response"]) == (0, 60)
    assert found["open_seconds_to_first_attempt"] == 600
    assert by_day.one(WHOLE)["after_hours"] == "in hours"


@in_one_star
def test_the_time_from_step_to_step_is_null_where_the_later_step_came_first() -> Story:
    appointment = [
        {
            "lead_id": "lead1",
            "set_at": moment("2026-03-02 12:00"),
            "due_at": moment("2026-03-03 12:00"),
            "outcome": "shown",
        }
    ]
    sale = [{"lead_id": "lead1", "sold_at": moment("2026-03-03 14:00")}]
    first, last = (touch(at, result="connected") for at in ("2026-03-02 11:00", "2026-03-04 11:00"))
    in_order, late = yield [
        followed(first, appointment=appointment, sale=sale),
        followed(last, appointment=[appointment[0] | {"outcome": "open"}]),
    ]
    found = in_order.one(WHOLE)
    lags = ("seconds_contacted_to_set", "seconds_set_to_shown", "seconds_shown_to_sold")
    assert tuple(found[name] for name in lags) == (3600, 86_400, 7200)
    assert late.one(WHOLE)["seconds_contacted_to_set"] is None


@in_one_star
def test_a_new_hires_leads_say_which_month_on_the_job_it_was() -> Story:
    people = [{"person_id": "Ana", "name": "Ana", "started_on": date(2026, 1, 31)}]
    days = ("2026-01-30", "2026-01-31", "2026-02-27", "2026-03-31", "2027-01-30", "2027-01-31")
    leads: list[Row] = [
        {"created_at": moment(f"{day} 12:00"), "salesperson": "Ana", "customer_id": str(number)}
        for number, day in enumerate(days)
    ]
    (query,) = yield [{"lead": [*leads, LEAD | {"salesperson": "Bo", "customer_id": "9"}], "person": people}]
    found = query(
        "select tenure from fct_opportunity join dim_person on person_key = salesperson_key order by name, created_on"
    )
    assert [row["tenure"] for row in found] == [
        "(not known)",
        "month 01",
        "month 01",
        "month 03",
        "month 12",
        "after a year",
        "(not known)",
    ]
