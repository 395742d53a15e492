"""Given rows, expect what each fact says of them beside its own record: what followed a no-show, a sale, a repair."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tests.loaders.star_building import OneStar, Row, Story, moment

in_one_star = OneStar()


@pytest.fixture(scope="module", autouse=True)
def _star_of_all_cases() -> Iterator[None]:
    yield
    in_one_star.close()


DAY = 86_400


def lead(at: str, **more: object) -> Row:
    return {"created_at": moment(at), "customer_id": "7"} | more


def due(at: str, outcome: str, **more: object) -> Row:
    return {"lead_id": "lead1", "set_at": moment("2026-03-01 12:00"), "due_at": moment(at), "outcome": outcome} | more


@in_one_star
def test_a_chain_of_moved_appointments_showed_when_its_last_one_did() -> Story:
    given = [
        due(
            "2026-03-03 10:00", "rescheduled", rescheduled_to="appointment2", rescheduled_at=moment("2026-03-02 09:00")
        ),
        due(
            "2026-03-05 10:00", "rescheduled", rescheduled_to="appointment3", rescheduled_at=moment("2026-03-04 09:00")
        ),
        due("2026-03-07 10:00", "shown"),
        due("2026-03-06 10:00", "no_show"),
    ]
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": given}]
    found = query(
        "select appointment_id, is_counted_set, is_promised, is_chain_shown, chain_shown_at, chain_due_at"
        " from fct_appointment order by appointment_id"
    )
    ends = moment("2026-03-07 10:00")
    assert [tuple(row.values())[1:] for row in found] == [
        (True, False, True, ends, ends),
        (False, False, False, None, moment("2026-03-05 10:00")),
        (False, True, True, ends, ends),
        (True, True, False, None, moment("2026-03-06 10:00")),
    ]


@in_one_star
def test_appointments_that_were_moved_in_a_circle_come_to_an_end() -> Story:
    given = [
        due("2026-03-03 10:00", "rescheduled", rescheduled_to="appointment2"),
        due("2026-03-05 10:00", "rescheduled", rescheduled_to="appointment3"),
        due("2026-03-06 10:00", "rescheduled", rescheduled_to="appointment2"),
    ]
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": given}]
    found = query("select is_chain_shown, chain_due_at from fct_appointment where is_first_of_chain")
    assert found == [{"is_chain_shown": False, "chain_due_at": moment("2026-03-06 10:00")}]


@in_one_star
def test_a_no_show_is_followed_up_by_a_person_and_won_back_by_a_visit() -> Story:
    touches = [
        {"lead_id": "lead1", "occurred_at": moment("2026-03-03 09:00")},
        {"lead_id": "lead1", "occurred_at": moment("2026-03-03 11:00"), "is_automated": True},
        {"lead_id": "lead1", "occurred_at": moment("2026-03-03 12:00")},
    ]
    given = [due("2026-03-03 10:00", "no_show"), due("2026-03-08 10:00", "no_show"), due("2026-03-04 10:00", "shown")]
    visits = [{"lead_id": "lead1", "arrived_at": moment("2026-03-09 10:00")}]
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "contact": touches, "appointment": given, "visit": visits}]
    found = query(
        "select appointment_id, is_no_show_to_call, is_followed_up, seconds_to_follow_up, is_recovered,"
        " recovered_at, is_contact_logged, seconds_ahead from fct_appointment where outcome ="
        " 'no_show' order by appointment_id"
    )
    ahead = [DAY * 2 - 2 * 3600, DAY * 7 - 2 * 3600]
    assert [tuple(row.values())[1:] for row in found] == [
        (True, True, 7200, True, moment("2026-03-04 10:00"), True, ahead[0]),
        (True, False, None, True, moment("2026-03-09 10:00"), True, ahead[1]),
    ]


@in_one_star
def test_whether_a_no_show_was_called_is_unknown_where_no_calls_are_logged() -> Story:
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": [due("2026-03-03 10:00", "no_show")]}]
    found = query.one("select is_no_show_to_call, is_no_show_to_win_back, is_recovered from fct_appointment")
    assert found == {"is_no_show_to_call": False, "is_no_show_to_win_back": True, "is_recovered": False}


@in_one_star
def test_a_sale_knows_the_purchase_before_it_the_return_after_it_and_its_survey() -> Story:
    deals = [
        {"customer_id": "7", "lead_id": "lead1", "sold_at": moment("2026-03-05 18:00"), "front_gross": "900.01"},
        {"customer_id": "7", "sold_at": moment("2026-03-05 19:00"), "split_with": "Bo", "salesperson": "Ana"},
        {"customer_id": "7", "sold_at": moment("2026-05-05 18:00"), "delivered_at": moment("2026-05-06 02:00")},
        {"customer_id": "7", "sold_at": moment("2026-05-20 18:00"), "reversed_at": moment("2026-05-21 18:00")},
    ]
    orders = [{"customer_id": "7", "opened_at": moment("2026-03-15 15:00")}]
    answers = {"instrument": "Maker", "kind": "sales", "score": 10.0, "scale_min": 1.0, "scale_max": 10.0}
    surveys = [{"sale_id": "sale1", "answered_at": moment("2026-03-09 10:00")} | answers]
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "sale": deals, "service_visit": orders, "survey": surveys}]
    found = query(
        "select sale_id, is_repeat, seconds_owned, is_kept, seconds_to_return, is_unwound, delivered_on,"
        " is_first_line, has_known_front_gross, weighted_front_gross from fct_sale order by"
        " sale_id, is_first_line desc"
    )
    answered = query("select sale_id, survey_answered_at from fct_sale where is_surveyed and sale_id = 'sale1'")
    survey = query.one("select instrument, is_top_box, sale_key is not null as has_sale from fct_survey")
    money = found[0].pop("weighted_front_gross")
    assert float(money) == 900.01
    assert [tuple(row.values())[1:9] for row in found] == [
        (False, None, True, 10 * DAY, False, None, True, True),
        (False, None, True, 10 * DAY, False, None, True, False),
        (False, None, True, 10 * DAY, False, None, False, False),
        (True, 61 * DAY, False, None, False, date(2026, 5, 6), True, False),
        (False, None, False, None, True, None, True, False),
    ]
    assert answered == [{"sale_id": "sale1", "survey_answered_at": moment("2026-03-09 10:00")}]
    assert survey == {"instrument": "Maker (1 to 10)", "is_top_box": True, "has_sale": True}


@in_one_star
def test_a_lead_says_whether_it_can_be_reached_and_why_it_was_given_up() -> Story:
    given = [
        lead("2026-03-01 10:00", email="ana@example.com", phone="000-000-0000", source="Web", salesperson="Ana"),
        lead("2026-03-02 10:00", email="none@none.com", phone="(312) 555-0142", status="lost", status_reason="Price"),
        lead("2026-03-03 10:00", status="bad"),
    ]
    (query,) = yield [{"lead": given}]
    found = query(
        "select has_phone, has_email, is_reachable, has_source, has_owner, is_given_up, has_reason from fct_lead"
        " order by lead_id"
    )
    assert [tuple(row.values()) for row in found] == [
        (False, True, True, True, True, False, False),
        (True, False, True, False, False, True, True),
        (False, False, False, False, False, True, False),
    ]


@in_one_star
def test_a_lead_keeps_the_vehicle_as_the_crm_writes_it() -> Story:
    given = [lead("2026-03-01 10:00", vehicle="2024 Comet Hatch"), lead("2026-03-02 10:00")]
    (query,) = yield [{"lead": given}]
    found = query("select vehicle from fct_lead order by lead_id")
    assert [row["vehicle"] for row in found] == ["2024 Comet Hatch", None]


@in_one_star
def test_visits_tasks_and_repair_orders_say_what_became_of_them() -> Story:
    visits = [
        {"lead_id": "lead1", "arrived_at": moment(at), "is_demo": demo}
        for at, demo in (("2026-03-04 15:00", True), ("2026-03-04 17:00", None), ("2026-03-06 15:00", False))
    ]
    tasks = [
        {"lead_id": "lead1", "due_at": moment("2026-03-04 15:00"), "outcome": outcome, "completed_at": completed}
        for outcome, completed in (
            ("completed", moment("2026-03-04 22:00")),
            ("completed", moment("2026-03-06 15:00")),
            ("dismissed", None),
        )
    ]
    orders = [
        {"customer_id": "7", "opened_at": moment(at)}
        for at in ("2025-06-02 15:00", "2026-03-02 15:00", "2026-03-12 15:00")
    ]
    sold = [{"lead_id": "lead1", "sold_at": moment("2026-03-07 18:00")}]
    (query,) = yield [
        {"lead": [lead("2026-03-01 10:00")], "visit": visits, "task": tasks, "service_visit": orders, "sale": sold}
    ]
    seen = query("select is_first_visit, is_be_back, has_known_demo, is_sold from fct_visit order by arrived_at")
    done = query("select is_to_do, is_completed, is_done_on_time from fct_task order by 1 desc, 3 desc")
    served = query(
        "select is_first_of_year, seconds_to_return, is_bought, seconds_to_bought from fct_service_visit"
        " order by opened_at"
    )
    assert [tuple(row.values()) for row in seen] == [
        (True, False, True, True),
        (False, False, False, True),
        (False, True, True, True),
    ]
    assert [tuple(row.values()) for row in done] == [(True, True, True), (True, True, False), (False, False, False)]
    assert [tuple(row.values()) for row in served] == [
        (True, 273 * DAY, True, 278 * DAY),
        (True, 10 * DAY, True, 5 * DAY),
        (False, None, False, None),
    ]


@in_one_star
def test_what_a_crm_reports_stands_beside_the_records_of_the_same_source_and_days() -> Story:
    leads = [lead(f"2026-03-{day} 15:00", source="Web") for day in ("01", "15", "31")] + [
        lead("2026-04-02 15:00", source="Web"),
        lead("2026-03-09 15:00", source="Other"),
    ]
    period = {"source": "web", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 31)}
    reports = [period | {"measure": "leads", "value": 5.0}, period | {"measure": "sold", "value": 1.0}]
    (query,) = yield [{"lead": leads, "crm_report": reports}]
    found = query("select measure, value, loaded_leads, is_of_leads from fct_crm_report order by measure")
    assert [tuple(row.values()) for row in found] == [("leads", 5.0, 3, True), ("sold", 1.0, None, False)]
