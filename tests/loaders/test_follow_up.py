"""Given touches, expect what an opportunity says of its follow-up: attempts, channels, machines, open messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from loaders.settings import Settings
from tests.loaders.star_building import Row, moment, star

LEAD: Row = {"created_at": moment("2026-03-02 10:00")}  # a Monday
MACHINE = {"person_id": "Bot", "name": "Bot", "role": "machine"}


def touch(at: str, **more: object) -> Row:
    return {"lead_id": "lead1", "occurred_at": moment(at)} | more


def follow_up(
    *touches: Row,
    settings: Settings | None = None,
    appointment: Sequence[Row] = (),
    sale: Sequence[Row] = (),
) -> dict[str, Any]:
    """The one opportunity's row."""
    elsewhere = {"lead_id": "lead9", "occurred_at": moment("2026-03-02 10:00")}  # the store logs its touches
    with star(
        settings=settings,
        lead=[LEAD],
        contact=[*touches, elsewhere],
        person=[MACHINE],
        appointment=[*appointment],
        sale=[*sale],
    ) as query:
        return query.one("from fct_opportunity")


def test_attempts_are_counted_in_one_three_and_ten_days_and_by_their_days() -> None:
    found = follow_up(
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
    counts = ("attempt_count", "attempt_count_1d", "attempt_count_3d", "attempt_count_10d", "attempt_days_10d")
    assert tuple(found[name] for name in counts) == (6, 2, 4, 5, 4)
    assert found["is_multi_channel"]
    assert not found["is_barely_tried"]


def test_a_customer_nobody_tried_has_no_attempts_and_one_whose_store_logs_nothing_has_unknown_ones() -> None:
    assert follow_up()["attempt_count_10d"] == 0
    with star(lead=[LEAD]) as query:
        found = query.one("from fct_opportunity")
    assert (found["attempt_count_10d"], found["has_contact_log"], found["is_machine_only"]) == (None, False, False)


def test_the_follow_up_standard_is_met_by_enough_attempts_or_by_reaching_the_customer_sooner() -> None:
    settings = Settings.model_validate({"standards": {"attempts": 2, "attempt_days": 2}})
    tries = [touch("2026-03-02 11:00"), touch("2026-03-04 09:59")]
    late = touch("2026-03-04 10:00")
    spoke = touch("2026-03-03 11:00", result="connected")
    met = [follow_up(*touches, settings=settings)["is_follow_up_met"] for touches in (tries, [tries[0], late], [spoke])]
    assert met == [True, False, True]
    assert follow_up(settings=settings)["follow_up_due_at"] == moment("2026-03-04 10:00")


def test_machines_alone_and_the_time_until_a_person_took_over() -> None:
    auto = touch("2026-03-02 10:01", is_automated=True)
    alone = follow_up(auto)
    handed = follow_up(auto, touch("2026-03-02 10:31"))
    person_first = follow_up(touch("2026-03-02 10:00:30"), auto)
    assert [found["is_machine_only"] for found in (alone, handed, person_first)] == [True, False, False]
    assert [found["is_automated_first"] for found in (alone, handed, person_first)] == [True, True, False]
    assert [found["seconds_to_handover"] for found in (alone, handed, person_first)] == [None, 1800, None]


def test_a_message_is_answered_by_a_person_who_speaks_after_the_last_one() -> None:
    wrote = touch("2026-03-02 12:00", direction="in", channel="text", result="received")
    again = touch("2026-03-02 14:00", direction="in", channel="email", result="received")
    answered = touch("2026-03-02 13:00", channel="text", result="sent")
    called = touch("2026-03-02 15:00", direction="in", channel="call", result="connected")
    auto = touch("2026-03-02 16:00", channel="text", result="sent", is_automated=True)
    form = touch("2026-03-02 10:00", direction="in", channel="email", result="received")
    cases = ([wrote], [wrote, answered], [wrote, answered, again], [wrote, again, called], [wrote, auto], [form])
    found = [follow_up(*case) for case in cases]
    assert [row["is_written_to_us"] for row in found] == [True, True, True, True, True, False]
    assert [row["is_message_answered"] for row in found] == [False, True, False, True, False, False]


def test_a_lead_after_hours_says_so_and_its_times_run_while_the_store_is_open() -> None:
    night: Row = {"created_at": moment("2026-03-02 22:00")}  # UTC; open 09:00 to 20:00
    touches = [
        {"lead_id": "lead1", "occurred_at": moment("2026-03-02 22:01"), "is_automated": True},
        {"lead_id": "lead1", "occurred_at": moment("2026-03-03 09:10")},
    ]
    with star(lead=[night], contact=touches) as query:
        found = query.one("from fct_opportunity")
    assert found["after_hours"] == "after hours"
    assert (found["open_seconds_to_first_any_response"], found["seconds_to_first_any_response"]) == (0, 60)
    assert found["open_seconds_to_first_attempt"] == 600
    assert follow_up()["after_hours"] == "in hours"


def test_the_time_from_step_to_step_is_null_where_the_later_step_came_first() -> None:
    appointment = [
        {
            "lead_id": "lead1",
            "set_at": moment("2026-03-02 12:00"),
            "due_at": moment("2026-03-03 12:00"),
            "outcome": "shown",
        }
    ]
    sale = [{"lead_id": "lead1", "sold_at": moment("2026-03-03 14:00")}]
    found = follow_up(touch("2026-03-02 11:00", result="connected"), appointment=appointment, sale=sale)
    lags = ("seconds_contacted_to_set", "seconds_set_to_shown", "seconds_shown_to_sold")
    assert tuple(found[name] for name in lags) == (3600, 86_400, 7200)
    late = follow_up(touch("2026-03-04 11:00", result="connected"), appointment=[appointment[0] | {"outcome": "open"}])
    assert late["seconds_contacted_to_set"] is None


def test_a_new_hires_leads_say_which_month_on_the_job_it_was() -> None:
    people = [{"person_id": "Ana", "name": "Ana", "started_on": date(2026, 1, 31)}]
    days = ("2026-01-30", "2026-01-31", "2026-02-27", "2026-03-31", "2027-01-30", "2027-01-31")
    leads: list[Row] = [
        {"created_at": moment(f"{day} 12:00"), "salesperson": "Ana", "customer_id": str(number)}
        for number, day in enumerate(days)
    ]
    with star(lead=[*leads, LEAD | {"salesperson": "Bo", "customer_id": "9"}], person=people) as query:
        found = query(
            "select tenure from fct_opportunity join dim_person on person_key = salesperson_key"
            " order by person, created_on"
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
