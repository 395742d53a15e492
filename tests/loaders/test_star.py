"""Given rows, expect rows: one behaviour of the star a test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from loaders.settings import Settings
from tests.loaders.star_building import OneStar, Query, Row, Story, moment, star, stars, store_of

in_one_star = OneStar()


@pytest.fixture(scope="module", autouse=True)
def _star_of_all_cases() -> Iterator[None]:
    yield
    in_one_star.close()


DAY = 86_400


def lead(at: str, **more: object) -> Row:
    return {"created_at": moment(at)} | more


def touch(at: str, **more: object) -> Row:
    return {"occurred_at": moment(at), "lead_id": "lead1"} | more


def settings(**parts: object) -> Settings:
    return Settings.model_validate(parts)


# --- fan-out: each fact has exactly the rows of its grain -------------------------------------------------------------


@in_one_star
def test_facts_have_one_row_per_record_however_many_of_each_hang_on_one_lead() -> Story:
    given: dict[str, Any] = {
        "lead": [lead("2026-03-01 10:00", email="a@example.com"), lead("2026-03-02 10:00", email="A@example.com ")],
        "contact": [touch(f"2026-03-0{day} 11:00") for day in range(1, 6)],
        "appointment": [
            {"lead_id": "lead1", "set_at": moment("2026-03-02 10:00"), "due_at": moment(f"2026-03-0{day} 10:00")}
            for day in (3, 4, 5)
        ],
        "sale": [{"lead_id": "lead1", "sold_at": moment(f"2026-03-0{day} 10:00")} for day in (6, 7)],
        "spend": [
            {"source": "Web", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 31), "amount": "31.00"}
        ],
        "person": [{"name": "Ana"}, {"name": "Bo"}],
    }
    (query,) = yield [given]
    counts = {
        table: query.one(f"select count(*) as n from {table}")["n"]
        for table in ("fct_opportunity", "fct_lead", "fct_contact", "fct_appointment", "fct_sale", "fct_spend")
    }
    assert counts == {
        "fct_opportunity": 1,
        "fct_lead": 2,
        "fct_contact": 5,
        "fct_appointment": 3,
        "fct_sale": 2,
        "fct_spend": 31,
    }


def test_every_table_exists_and_is_empty_without_records() -> None:
    with star() as query:
        tables = {row["table_name"] for row in query("select table_name from duckdb_tables() where not temporary")}
        for fact in sorted(name for name in tables if name.startswith(("fct_", "bridge_"))):
            assert query.one(f"select count(*) as n from {fact}")["n"] == 0, fact
    assert {"fct_opportunity", "fct_task", "fct_visit", "fct_status_change", "fct_service_visit"} <= tables


# --- identity and episodes --------------------------------------------------------------------------------------------


@in_one_star
def test_same_customer_by_normalised_email_phone_or_crm_id_never_a_placeholder() -> Story:
    """Two leads, and how many customers they are."""
    pairs: list[tuple[Row, Row, int]] = [
        ({"email": "ana@example.com"}, {"email": " ANA@example.com"}, 1),
        ({"phone": "(312) 555-0142"}, {"phone_2": "+1 312 555 0142"}, 1),
        ({"phone": "0000000000"}, {"phone": "000-000-0000"}, 2),
        ({"email": "none@none.com"}, {"email": "none@none.com"}, 2),
        ({"customer_id": "77"}, {"customer_id": "77"}, 1),
        ({}, {}, 2),
    ]
    cases = [
        {"lead": [lead("2026-03-01 10:00", **first), lead("2026-03-02 10:00", **second)]} for first, second, _ in pairs
    ]
    queries = yield cases
    found = [query.one("select count(distinct customer_key) as n from fct_lead")["n"] for query in queries]
    assert found == [customers for *_, customers in pairs]


@in_one_star
def test_a_phone_with_more_than_three_names_joins_nobody() -> Story:
    names = ["Ana Lee", "Bo Roy", "Cy Day", "Di Fox"]
    given = [lead("2026-03-01 10:00", phone="3125550142", customer_name=name) for name in names]
    again = given[0] | {"customer_name": "Lee, ANA"}
    queries = yield [{"lead": given}, {"lead": [*given[:3], again]}]
    assert [query.one("select count(distinct customer_key) as n from fct_lead")["n"] for query in queries] == [4, 1]


@in_one_star
def test_identity_is_transitive() -> Story:
    given = [
        lead("2026-03-01 10:00", email="a@example.com"),
        lead("2026-03-02 10:00", email="a@example.com", phone="3125550142"),
        lead("2026-03-03 10:00", phone="3125550142", phone_2="7735550111"),
        lead("2026-03-04 10:00", phone="7735550111"),
    ]
    (query,) = yield [{"lead": given}]
    assert query.one("select count(distinct customer_key) as n from fct_lead")["n"] == 1


def test_the_same_email_in_two_stores_is_two_customers() -> None:
    given = [lead("2026-03-01 10:00", email="ana@example.com", store=store) for store in ("North", "South")]
    with star(lead=given) as query:
        assert query.one("select count(*) as n from fct_opportunity")["n"] == 2


@in_one_star
def test_a_new_episode_starts_after_more_than_ninety_days_of_silence() -> Story:
    first = lead("2026-03-01 10:00", customer_id="7")
    seconds = ("2026-05-30 10:00", "2026-05-30 10:01")
    queries = yield [{"lead": [first, lead(second, customer_id="7")]} for second in seconds]
    assert [query.one("select count(*) as n from fct_opportunity")["n"] for query in queries] == [1, 2]


@in_one_star
def test_people_and_customers_keep_an_episode_alive_and_machines_do_not() -> Story:
    leads = [lead("2026-01-01 10:00", customer_id="7"), lead("2026-05-01 10:00", customer_id="7")]
    bot = [{"person_id": "Bot", "name": "Bot", "role": "machine"}]
    touches: list[Row] = [{}, {"direction": "in"}, {"is_automated": True}, {"person": "Bot"}]
    cases = [{"lead": leads, "contact": [touch("2026-03-01 10:00", **touched)], "person": bot} for touched in touches]
    queries = yield cases
    assert [query.one("select count(*) as n from fct_opportunity")["n"] for query in queries] == [1, 1, 2, 2]


@in_one_star
def test_a_sale_ends_an_episode_unless_it_was_reversed() -> Story:
    leads = [lead("2026-03-01 10:00", customer_id="7"), lead("2026-03-20 10:00", customer_id="7")]
    deal = {"lead_id": "lead1", "sold_at": moment("2026-03-05 10:00"), "reversed_at": None}
    deals = (deal, deal | {"reversed_at": moment("2026-03-09 10:00")})
    queries = yield [{"lead": leads, "sale": [given]} for given in deals]
    assert [query.one("select count(*) as n from fct_opportunity")["n"] for query in queries] == [2, 1]


@in_one_star
def test_a_sale_known_by_its_day_does_not_split_the_leads_of_that_day() -> Story:
    leads = [lead("2026-03-05 10:00", customer_id="7"), lead("2026-03-05 15:00", customer_id="7")]
    deal = {"lead_id": "lead1", "sold_at": moment("2026-03-05 00:00"), "sold_at_is_date": True}
    (query,) = yield [{"lead": leads, "sale": [deal]}]
    assert query.one("select is_sold, lead_count from fct_opportunity") == {"is_sold": True, "lead_count": 2}


@in_one_star
def test_an_opportunity_takes_source_and_type_from_its_first_lead_and_people_from_its_latest() -> Story:
    given = [
        lead("2026-03-02 10:00", customer_id="7", source="Second", lead_type="phone", salesperson="Bo"),
        lead("2026-03-01 10:00", customer_id="7", source="First", lead_type="chat", salesperson="Ana"),
        lead("2026-03-03 10:00", customer_id="7", source="Third", salesperson=None),
    ]
    text = """select source, lead_type, name from fct_opportunity
        join dim_source using (source_key) join dim_person on person_key = salesperson_key"""
    (query,) = yield [{"lead": given}]
    assert query.one(text) == {"source": "First", "lead_type": "chat", "name": "Bo"}


@in_one_star
def test_eligible_leaves_out_service_import_test_and_what_is_wholly_duplicate() -> Story:
    given = [
        lead("2026-03-01 10:00", lead_id="sales"),
        lead("2026-03-01 10:00", lead_id="service", lead_type="service"),
        lead("2026-03-01 10:00", lead_id="import", lead_type="import"),
        lead("2026-03-01 10:00", lead_id="test", is_test=True),
        lead("2026-03-01 10:00", lead_id="duplicate", status="duplicate"),
        lead("2026-03-01 10:00", lead_id="bad", status="bad"),
        lead("2026-03-01 10:00", lead_id="lost", status="lost"),
    ]
    (query,) = yield [{"lead": given}]
    eligible = query("select lead_id from fct_opportunity where is_eligible order by 1")
    counted = query("select lead_id from fct_lead where is_counted order by 1")
    assert [row["lead_id"] for row in eligible] == ["bad", "lost", "sales"]
    assert [row["lead_id"] for row in counted] == ["bad", "duplicate", "lost", "sales"]


# --- milestones -------------------------------------------------------------------------------------------------------


MESSAGE_IN = {"direction": "in", "channel": "text", "result": "received"}
MESSAGE_OUT = {"channel": "text", "result": "sent"}


@in_one_star
def test_contacted_means_both_sides_spoke_and_ours_was_a_person() -> Story:
    """The touches of a lead of 10:00, and when that is contacted."""
    told: list[tuple[list[Row], str | None]] = [
        ([touch("2026-03-01 11:00", result="connected")], "2026-03-01 11:00"),
        ([touch("2026-03-01 11:00", direction="in", result="connected")], "2026-03-01 11:00"),
        ([touch("2026-03-01 11:00", result="left_message")], None),
        ([touch("2026-03-01 11:00", **MESSAGE_OUT), touch("2026-03-01 12:00", **MESSAGE_IN)], "2026-03-01 12:00"),
        ([touch("2026-03-01 11:00", **MESSAGE_IN), touch("2026-03-01 12:00", **MESSAGE_OUT)], "2026-03-01 12:00"),
        ([touch("2026-03-01 11:00", **MESSAGE_IN)], None),
        ([touch("2026-03-01 11:00", **MESSAGE_IN), touch("2026-03-01 11:01", **MESSAGE_OUT, is_automated=True)], None),
        ([touch("2026-03-01 11:00", result="connected", is_automated=True)], None),
        ([touch("2026-03-01 10:00", **MESSAGE_IN), touch("2026-03-01 12:00", **MESSAGE_OUT)], None),
        ([touch("2026-03-01 15:00", direction="in", channel="visit", result="other")], "2026-03-01 15:00"),
        ([touch("2026-03-01 11:00", **MESSAGE_IN), touch("2026-03-01 12:00", channel="text", result="bounced")], None),
    ]
    queries = yield [{"lead": [lead("2026-03-01 10:00")], "contact": touches} for touches, _ in told]
    found = [query.one("select is_contacted, contacted_at from fct_opportunity") for query in queries]
    assert found == [{"is_contacted": at is not None, "contacted_at": moment(at) if at else None} for _, at in told]


@in_one_star
def test_a_booking_or_a_sale_does_not_imply_contact_and_a_show_does() -> Story:
    booked = {"lead_id": "lead1", "set_at": moment("2026-03-01 11:00"), "due_at": moment("2026-03-02 11:00")}
    deal = {"lead_id": "lead1", "sold_at": moment("2026-03-03 10:00")}
    leads = [lead("2026-03-01 10:00")]
    silent, came = yield [
        {"lead": leads, "contact": [touch("2026-03-01 10:30")], "appointment": [booked], "sale": [deal]},
        {"lead": leads, "appointment": [booked | {"outcome": "shown"}]},
    ]
    found = silent.one("select is_appointment_set, is_sold, is_contacted from fct_opportunity")
    assert found == {"is_appointment_set": True, "is_sold": True, "is_contacted": False}
    assert came.one("select contacted_at from fct_opportunity")["contacted_at"] == moment("2026-03-02 11:00")


@in_one_star
def test_attempts_are_by_people_and_any_response_is_by_anything() -> Story:
    touches = [
        touch("2026-03-01 10:01", is_automated=True, channel="email", result="sent"),
        touch("2026-03-01 10:20", person="Ana"),
        touch("2026-03-01 10:40", direction="in", channel="email", result="received"),
    ]
    text = """select first_any_response_at, first_attempt_at, first_reply_at, seconds_to_first_attempt, name
        from fct_opportunity join dim_person on person_key = responder_key"""
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "contact": touches}]
    assert query.one(text) == {
        "first_any_response_at": moment("2026-03-01 10:01"),
        "first_attempt_at": moment("2026-03-01 10:20"),
        "first_reply_at": moment("2026-03-01 10:40"),
        "seconds_to_first_attempt": 1200,
        "name": "Ana",
    }


@in_one_star
def test_a_store_without_a_contact_log_uses_the_crms_own_first_times() -> Story:
    crm = {
        "crm_first_attempt_at": moment("2026-03-01 10:05"),
        "crm_first_contact_at": moment("2026-03-01 10:30"),
    }
    text = "select first_attempt_at, contacted_at from fct_opportunity where lead_id = 'lead1'"
    leads = [lead("2026-03-01 10:00", **crm), lead("2026-03-01 10:00")]
    without, logging = yield [
        {"lead": leads[:1]},
        {"lead": leads, "contact": [touch("2026-03-02 10:00", lead_id="lead2")]},
    ]
    assert without.one(text) == {
        "first_attempt_at": moment("2026-03-01 10:05"),
        "contacted_at": moment("2026-03-01 10:30"),
    }
    assert without.one("select has_contact_log from dim_store")["has_contact_log"] is False
    assert logging.one(text) == {"first_attempt_at": None, "contacted_at": None}


@in_one_star
def test_a_store_without_any_deal_record_uses_the_time_at_which_its_crm_calls_a_lead_sold() -> Story:
    called = lead("2026-03-01 10:00", crm_sold_at=moment("2026-03-04 10:00"), salesperson="Ana")
    leads = [called, lead("2026-03-01 10:00")]
    deal = {"lead_id": "lead2", "sold_at": moment("2026-03-09 10:00")}
    without, logging = yield [{"lead": leads}, {"lead": leads, "sale": [deal]}]
    found = without.one("select sold_on, gross, weight, is_counted from fct_sale")
    assert found == {"sold_on": date(2026, 3, 4), "gross": None, "weight": 1.0, "is_counted": True}
    assert without.one("select count(*) filter (is_sold) as n from fct_opportunity")["n"] == 1
    assert without.one("select has_deal_log from dim_store")["has_deal_log"] is False
    assert without.one("select finding, record from data_finding")["finding"] == "deal_from_lead_record"
    assert logging.one("select sold_on from fct_sale")["sold_on"] == date(2026, 3, 9)
    assert logging.one("select has_deal_log from dim_store")["has_deal_log"] is True


@in_one_star
def test_a_milestone_before_creation_is_reached_has_no_lag_and_is_a_finding() -> Story:
    deal = {"lead_id": "lead1", "sold_at": moment("2026-02-27 10:00")}
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "sale": [deal]}]
    assert query.one("select is_sold, seconds_to_sold from fct_opportunity") == {
        "is_sold": True,
        "seconds_to_sold": None,
    }
    found = query.one("select finding, record from data_finding")
    assert found == {"finding": "milestone_before_creation", "record": "lead1"}


@in_one_star
def test_lags_are_seconds_between_times_and_calendar_days_where_either_is_a_date() -> Story:
    """When created, sold, whether either is only a day, and the seconds between."""
    told = [
        ("2026-03-01 18:00", False, "2026-03-02 09:00", False, 15 * 3600),
        ("2026-03-01 18:00", False, "2026-03-31 00:00", True, 30 * DAY),
        ("2026-03-01 00:00", True, "2026-03-31 23:00", False, 30 * DAY),
        ("2026-03-01 18:00", False, "2026-03-01 00:00", True, 0),
    ]
    cases = [
        {
            "lead": [lead(created, created_at_is_date=is_created_date)],
            "sale": [{"lead_id": "lead1", "sold_at": moment(sold), "sold_at_is_date": is_sold_date}],
        }
        for created, is_created_date, sold, is_sold_date, _ in told
    ]
    queries = yield cases
    found = [query.one("select seconds_to_sold from fct_opportunity")["seconds_to_sold"] for query in queries]
    assert found == [seconds for *_, seconds in told]


def test_maturity_of_a_lead_known_by_its_day_counts_from_the_end_of_that_day() -> None:
    chicago = settings(store=[{"name": "North", "time_zone": "America/Chicago"}])
    given = [{"created_at": datetime(2026, 3, 1, 6, tzinfo=UTC), "created_at_is_date": True}]
    with star(chicago, lead=given) as query:
        found = query.one("select created_on, created_by from fct_opportunity")
    assert found == {"created_on": date(2026, 3, 1), "created_by": datetime(2026, 3, 2, 6, tzinfo=UTC)}


# --- opening hours ----------------------------------------------------------------------------------------------------


HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), "09:00-20:00") | {"sun": "closed"}


def test_open_seconds_count_only_opening_hours() -> None:
    """When created, when answered, and how many seconds the store was open between."""
    told = [
        ("2026-03-02T10:00:00-06:00", "2026-03-02T10:10:00-06:00", 600),
        # Monday 19:50 to Tuesday 09:10: ten minutes before closing and ten after opening.
        ("2026-03-02T19:50:00-06:00", "2026-03-03T09:10:00-06:00", 1200),
        # Created and answered while closed: no open second passed.
        ("2026-03-02T22:00:00-06:00", "2026-03-02T23:00:00-06:00", 0),
        # Saturday evening to Monday morning over the spring night (2026-03-08 02:00 becomes 03:00); Sunday is closed.
        ("2026-03-07T19:00:00-06:00", "2026-03-09T09:30:00-05:00", 3600 + 1800),
        # Friday to Monday over a holiday on Saturday.
        ("2026-04-03T19:00:00-05:00", "2026-04-06T10:00:00-05:00", 3600 + 3600),
        # Saturday to Monday over the autumn night (2025-11-02 02:00 becomes 01:00 again).
        ("2025-11-01T19:30:00-05:00", "2025-11-03T09:00:00-06:00", 1800),
    ]
    store = {"time_zone": "America/Chicago", "hours": HOURS, "holidays": [date(2026, 4, 4)]}
    named = [store | {"name": store_of(number)} for number in range(len(told))]
    cases: list[dict[str, list[Row]]] = [
        {
            "lead": [{"created_at": datetime.fromisoformat(created).astimezone(UTC)}],
            "contact": [{"lead_id": "lead1", "occurred_at": datetime.fromisoformat(answered).astimezone(UTC)}],
        }
        for created, answered, _ in told
    ]
    with stars(cases, settings(store=named)) as queries:
        found = [query.one("select open_seconds_to_first_attempt as n from fct_opportunity")["n"] for query in queries]
    assert found == [open_seconds for *_, open_seconds in told]


def test_a_store_that_never_closes_is_open_for_the_real_hours_of_both_daylight_saving_nights() -> None:
    always = dict.fromkeys(HOURS, "00:00-24:00")
    store = {"name": "North", "time_zone": "America/Chicago", "hours": always}
    with star(settings(store=[store]), lead=[lead("2026-03-01 10:00")]) as query:
        for night, hours in (("2026-03-08", 23), ("2025-11-02", 25)):
            found = query.one(f"""
                select cast(epoch(closes_at) - epoch(opens_at) as bigint) as open_seconds,
                    open_seconds_before - lag(open_seconds_before) over (order by day) as day_before
                from dim_date where day between date '{night}' - 1 and date '{night}'
                qualify day = '{night}'""")
            assert found == {"open_seconds": hours * 3600, "day_before": DAY}, night


@in_one_star
def test_a_touch_before_the_first_calendar_day_has_no_open_seconds_and_breaks_nothing() -> Story:
    given = [lead("1999-06-01 10:00"), lead("2026-03-02 10:00", lead_id="later")]
    answers = [touch("1999-06-01 11:00"), touch("2026-03-02 10:05", lead_id="later")]
    (query,) = yield [{"lead": given, "contact": answers}]
    found = query("""select lead_id, created_open_seconds, open_seconds_to_first_attempt as n
        from fct_opportunity order by created_at""")
    assert found[0] == {"lead_id": "lead1", "created_open_seconds": None, "n": None}
    assert found[1]["n"] == 300


@in_one_star
def test_how_late_an_answer_came_is_said_in_bands() -> Story:
    """When a lead of 10:00 was answered, what kind it is, and the band."""
    told: list[tuple[str | None, str, str]] = [
        ("2026-03-02 10:15", "internet", "in time"),
        ("2026-03-02 10:15:01", "internet", "within an hour"),
        ("2026-03-02 11:00", "internet", "within an hour"),
        ("2026-03-02 14:00", "internet", "within four hours"),
        ("2026-03-02 14:00:01", "internet", "later"),
        ("2026-03-01 09:00", "internet", "in time"),  # dated before the lead: it counts, as in every rate
        (None, "internet", "never"),
        (None, "walk_in", "not needed"),
        ("2026-03-02 10:01", "phone", "not needed"),
    ]
    queries = yield [
        {
            "lead": [lead("2026-03-02 10:00", lead_type=lead_type)],
            "contact": [touch(answered_at)] if answered_at else [],
        }
        for answered_at, lead_type, _ in told
    ]
    found = [query.one("select answered from fct_opportunity")["answered"] for query in queries]
    assert found == [label for *_, label in told]


def test_when_a_lead_came_in_is_said_by_the_clock_of_the_store() -> None:
    chicago = settings(store=[{"name": "North", "time_zone": "America/Chicago"}])
    late, day = lead("2026-03-02 03:59"), lead("2026-03-04 06:00", created_at_is_date=True, customer_id="2")
    with star(chicago, lead=[late, day]) as query:
        found = query("select created_weekday, created_hour from fct_opportunity order by created_at")
    assert [tuple(row.values()) for row in found] == [("Sunday", "21:00"), ("Wednesday", "(not known)")]


# --- appointments -----------------------------------------------------------------------------------------------------


def appointment(**more: object) -> Row:
    booked = {"set_at": moment("2026-03-01 11:00"), "due_at": moment("2026-03-05 15:00"), "lead_id": "lead1"}
    return booked | more


@in_one_star
def test_an_appointment_stands_unless_cancelled_or_moved_before_it_was_due() -> Story:
    told = [
        (appointment(outcome="no_show"), True),
        (appointment(outcome="open"), True),
        (appointment(outcome="cancelled", cancelled_at=moment("2026-03-04 10:00")), False),
        (appointment(outcome="cancelled", cancelled_at=moment("2026-03-05 16:00")), True),
        (appointment(outcome="cancelled"), False),
        (appointment(outcome="rescheduled", rescheduled_at=moment("2026-03-04 10:00")), False),
        (appointment(outcome="rescheduled", rescheduled_at=moment("2026-03-06 10:00")), True),
        (appointment(outcome="shown", appointment_type="service"), False),
        (appointment(outcome="shown", appointment_type="test_drive"), True),
    ]
    queries = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": [given]} for given, _ in told]
    found = [query.one("select is_standing from fct_appointment")["is_standing"] for query in queries]
    assert found == [is_standing for _, is_standing in told]


@in_one_star
def test_a_status_without_its_time_counts_as_in_advance_and_is_a_finding() -> Story:
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": [appointment(outcome="cancelled")]}]
    assert query.one("select finding from data_finding")["finding"] == "status_without_time"


@in_one_star
def test_a_reschedule_chain_is_set_once_and_due_where_it_ended() -> Story:
    chain = [
        appointment(appointment_id="a", outcome="rescheduled", rescheduled_to="b", set_by="Ana"),
        appointment(
            appointment_id="b", set_at=moment("2026-03-04 10:00"), due_at=moment("2026-03-08 15:00"), outcome="shown"
        ),
    ]
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": chain}]
    found = query("select appointment_id, is_counted_set, is_standing, is_shown from fct_appointment order by 1")
    setter = query.one("select name from fct_opportunity join dim_person on person_key = setter_key")
    assert found == [
        {"appointment_id": "a", "is_counted_set": True, "is_standing": False, "is_shown": False},
        {"appointment_id": "b", "is_counted_set": False, "is_standing": True, "is_shown": True},
    ]
    assert setter == {"name": "Ana"}


@in_one_star
def test_an_appointment_without_a_set_time_is_due_and_reached_and_is_a_finding() -> Story:
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "appointment": [appointment(set_at=None, outcome="shown")]}]
    found = query.one("select is_appointment_set, appointment_set_at, is_shown from fct_opportunity")
    assert query.one("select finding from data_finding")["finding"] == "appointment_without_set_time"
    assert found == {"is_appointment_set": True, "appointment_set_at": None, "is_shown": True}


@in_one_star
def test_confirmed_counts_before_due_or_as_a_flag_without_a_time() -> Story:
    told: list[tuple[Row, bool]] = [
        ({"confirmed_at": moment("2026-03-05 09:00")}, True),
        ({"confirmed_at": moment("2026-03-05 16:00")}, False),
        ({"is_confirmed": True}, True),
        ({"is_confirmed": False}, False),
        ({}, False),
    ]
    cases = [{"lead": [lead("2026-03-01 10:00")], "appointment": [appointment(**given)]} for given, _ in told]
    queries = yield cases
    found = [query.one("select is_confirmed from fct_appointment")["is_confirmed"] for query in queries]
    assert found == [is_confirmed for _, is_confirmed in told]


@in_one_star
def test_how_far_ahead_an_appointment_was_set_is_said_in_days_of_the_calendar() -> Story:
    told = [
        ("2026-03-05 15:00", "set afterwards"),
        ("2026-03-05 08:00", "same day"),
        ("2026-03-04 23:30", "1 day"),
        ("2026-03-02 15:00", "2 to 3 days"),
        ("2026-03-01 15:00", "4 to 7 days"),
        ("2026-02-26 08:00", "4 to 7 days"),
        ("2026-02-25 23:00", "over a week"),
        (None, "(not known)"),
    ]
    cases = [{"appointment": [appointment(set_at=set_at and moment(set_at))]} for set_at, _ in told]
    queries = yield cases
    found = [query.one("select lead_time from fct_appointment")["lead_time"] for query in queries]
    assert found == [label for _, label in told]


def test_when_an_appointment_was_due_is_said_by_the_clock_of_the_store() -> None:
    chicago = settings(store=[{"name": "North", "time_zone": "America/Chicago"}])
    given = [appointment(due_at=moment(due)) for due in ("2026-03-08 03:59", "2026-03-09 05:00")]
    with star(chicago, appointment=given) as query:
        found = query("select due_weekday, due_hour, confirmed from fct_appointment order by due_at")
    assert [tuple(row.values()) for row in found] == [
        ("Saturday", "21:00", "not confirmed"),
        ("Monday", "(not known)", "not confirmed"),
    ]


# --- sales ------------------------------------------------------------------------------------------------------------


@in_one_star
def test_a_split_deal_is_two_halves_that_sum_to_the_cent() -> Story:
    deal = {
        "lead_id": "lead1",
        "sold_at": moment("2026-03-03 10:00"),
        "salesperson": "Ana",
        "split_with": "Bo",
        "total_gross": "1000.01",
    }
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "sale": [deal]}]
    found = query("""select name, weight, cast(weighted_gross as varchar) as gross from fct_sale
        join dim_person on person_key = fct_sale.salesperson_key order by name""")
    assert found == [
        {"name": "Ana", "weight": 0.5, "gross": "500.005"},
        {"name": "Bo", "weight": 0.5, "gross": "500.005"},
    ]


def sold(given: Row) -> dict[str, list[Row]]:
    """A lead, and a deal of it that says this."""
    deal = {"lead_id": "lead1", "sold_at": moment("2026-03-03 10:00")} | given
    return {"lead": [lead("2026-03-01 10:00")], "sale": [deal]}


@in_one_star
def test_gross_is_total_else_front_plus_back_else_unknown() -> Story:
    told: list[tuple[Row, str | None]] = [
        ({"total_gross": "900", "front_gross": "100"}, "900.00"),
        ({"front_gross": "100", "back_gross": "-20.50"}, "79.50"),
        ({"back_gross": "300"}, "300.00"),
        ({}, None),
    ]
    queries = yield [sold(given) for given, _ in told]
    found = [query.one("select cast(gross as varchar) as gross, has_known_gross from fct_sale") for query in queries]
    assert found == [{"gross": gross, "has_known_gross": gross is not None} for _, gross in told]


@in_one_star
def test_retail_and_lease_deals_count_unless_reversed() -> Story:
    told: list[tuple[Row, bool]] = [
        ({}, True),
        ({"sale_type": "lease"}, True),
        ({"sale_type": "wholesale"}, False),
        ({"sale_type": "fleet"}, False),
        ({"sale_type": "dealer_trade"}, False),
        ({"reversed_at": moment("2026-03-09 10:00")}, False),
    ]
    queries = yield [sold(given) for given, _ in told]
    deals = [query.one("select is_counted from fct_sale")["is_counted"] for query in queries]
    opportunities = [query.one("select is_sold from fct_opportunity")["is_sold"] for query in queries]
    assert deals == opportunities == [is_counted for _, is_counted in told]


@in_one_star
def test_a_sale_without_a_lead_goes_to_the_customers_latest_opportunity_within_180_days() -> Story:
    told = {"2026-08-28 10:00": True, "2026-08-28 10:01": False, "2026-02-28 10:00": False}
    cases: list[dict[str, list[Row]]] = [
        {
            "lead": [lead("2026-03-01 10:00", customer_id="7")],
            "sale": [{"customer_id": "7", "sold_at": moment(sold_at), "sale_id": "unled"}],
        }
        for sold_at in told
    ]
    text = """select opportunity_key is not null as is_linked, source, lead_type from fct_sale
        join dim_source using (source_key)"""
    linked = {"is_linked": True, "source": "(no source)", "lead_type": "internet"}
    alone = {"is_linked": False, "source": "(no lead)", "lead_type": "(no lead)"}
    queries = yield cases
    assert [query.one(text) for query in queries] == [linked if is_linked else alone for is_linked in told.values()]


@in_one_star
def test_records_of_one_deal_in_crm_and_dms_are_one_by_vin_else_by_customer_and_day() -> Story:
    crm = {"lead_id": "lead1", "sold_at": moment("2026-03-03 10:00"), "vin": "1TEST00000000001X"}
    dms = {
        "system": "dms",
        "contract_at": moment("2026-03-04 10:00"),
        "vin": "1test00000000001x",
        "total_gross": "700",
    }
    resold = dms | {"contract_at": moment("2026-05-04 10:00"), "sale_id": "resold"}
    other = {"lead_id": "lead2", "sold_at": moment("2026-03-10 10:00"), "sale_id": "crm2"}
    same_day = {
        "system": "dms",
        "lead_id": "lead2",
        "sold_at": moment("2026-03-10 17:00"),
        "vin": "1TEST00000000002X",
        "sale_id": "dms2",
    }
    leads = [lead("2026-03-01 10:00"), lead("2026-03-01 10:00")]
    (query,) = yield [{"lead": leads, "sale": [crm, dms, resold, other, same_day]}]
    found = query("select cast(sold_on as varchar) as day, gross is not null as is_known from fct_sale order by 1")
    assert found == [
        {"day": "2026-03-03", "is_known": True},
        {"day": "2026-03-10", "is_known": False},
        {"day": "2026-05-04", "is_known": True},
    ]


def test_the_sale_date_is_one_choice_for_all_deals_with_the_next_where_it_is_missing() -> None:
    deals = [
        {"lead_id": "lead1", "sold_at": moment("2026-03-03 10:00"), "delivered_at": moment("2026-03-09 10:00")},
        {"lead_id": "lead2", "sold_at": moment("2026-03-04 10:00")},
    ]
    leads = [lead("2026-03-01 10:00"), lead("2026-03-01 10:00")]
    with star(settings(sale={"date": "delivered"}), lead=leads, sale=deals) as query:
        days = [str(row["sold_on"]) for row in query("select sold_on from fct_sale order by sold_on")]
        finding = query.one("select finding, record from data_finding")
    assert days == ["2026-03-04", "2026-03-09"]
    assert finding == {"finding": "sale_date_fallback", "record": "sale2"}


# --- links, people, sources, spend ------------------------------------------------------------------------------------


@in_one_star
def test_a_record_that_names_only_the_customer_joins_where_name_and_lead_day_fit_exactly_one_lead() -> Story:
    leads = [
        lead("2026-03-01 10:00", customer_name="Ana Lee"),
        lead("2026-03-01 11:00", customer_name="Bo Roy", lead_id="bo1"),
        lead("2026-03-01 12:00", customer_name="Bo Roy", lead_id="bo2"),
    ]
    named = {"lead_id": None, "lead_created_on": date(2026, 3, 1)}
    touches = [
        touch("2026-03-01 13:00", customer_name="LEE, Ana", **named),
        touch("2026-03-01 13:00", customer_name="Bo Roy", **named),
    ]
    (query,) = yield [{"lead": leads, "contact": touches}]
    linked = query("select lead_id from fct_contact join fct_opportunity using (opportunity_key)")
    assert query.one("select finding from data_finding")["finding"] == "no_lead_found"
    assert query.one("select count(*) as n from fct_contact")["n"] == 2
    assert linked == [{"lead_id": "lead1"}]


def test_people_are_one_by_id_or_by_a_unique_name_and_namesakes_stay_apart() -> None:
    people = [
        {"person_id": "1", "name": "Ana Lee", "role": "salesperson"},
        {"person_id": "2", "name": "Bo Roy", "role": "bdc_agent"},
        {"person_id": "3", "name": "Bo Roy", "role": "salesperson"},
        {"person_id": "r1", "name": "Lee, Ana", "system": "roster", "team": "Blue"},
    ]
    leads = [
        lead("2026-03-01 10:00", salesperson="1", bdc_agent="2"),
        lead("2026-03-01 10:00", salesperson="ana lee", system="roster"),
    ]
    text = "select person, role, team from dim_person where person_key <> 'unassigned' order by role, person"
    with star(lead=leads, person=people) as query:
        listed = query(text)
        sellers = query.one("select count(distinct salesperson_key) as n from fct_lead")["n"]
    namesakes = {row["person"] for row in listed if row["person"].startswith("Bo Roy")}
    assert namesakes == {"Bo Roy #1", "Bo Roy #2"}
    assert [row for row in listed if row["person"] == "Ana Lee"] == [
        {"person": "Ana Lee", "role": "salesperson", "team": "Blue"}
    ]
    assert len(listed) == 3
    assert sellers == 1


@in_one_star
def test_people_whose_names_differ_in_a_number_only_are_different_people() -> Story:
    names = ["Internet 1", "Internet 2", "internet  2", "1042", "1043", "***", "---"]
    leads = [lead("2026-03-01 10:00", customer_id=str(number), salesperson=name) for number, name in enumerate(names)]
    (query,) = yield [{"lead": leads}]
    sellers = query.one("select count(distinct salesperson_key) as n from fct_lead")["n"]
    assert sellers == 6


@in_one_star
def test_a_source_id_stands_for_the_name_in_the_crms_own_list_and_case_and_spacing_are_one_source() -> Story:
    leads = [
        lead("2026-03-01 10:00", source="12"),
        lead("2026-03-01 10:00", source="cars  online"),
        lead("2026-03-01 10:00", source="unknown"),
        lead("2026-03-01 10:00"),
    ]
    listed = [{"source_id": "12", "name": "Cars Online", "source_group": "Third party"}]
    text = "select source, source_group, count(*) as n from fct_lead join dim_source using (source_key) group by all"
    (query,) = yield [{"lead": leads, "source": listed}]
    found = {row["source"].lower(): (row["source_group"], row["n"]) for row in query(text)}
    assert found == {
        "(no source)": ("(no group)", 1),
        "cars online": ("Third party", 2),
        "unknown": ("(no group)", 1),
    }


@in_one_star
def test_spend_is_spread_evenly_over_its_days_and_sums_to_the_entry() -> Story:
    entry = {"source": "Web", "period_start": date(2026, 2, 1), "period_end": date(2026, 4, 1), "amount": "1000.00"}
    (query,) = yield [{"spend": [entry]}]
    found = query.one("""select count(*) as days, cast(sum(amount) as varchar) as total,
        cast(max(amount) - min(amount) as double) as spread from fct_spend""")
    assert found["days"] == 60
    assert found["total"] == "1000.000000"
    assert found["spread"] <= 1e-6


def spent(amount: str | None) -> dict[str, list[Row]]:
    """A lead, and what its source cost in that month."""
    entry = {"source": "Web", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 31), "amount": amount}
    return {"lead": [lead("2026-03-10 10:00", source="Web")], "spend": [entry]}


def is_known(query: Query) -> bool:
    """Whether the lead's spend is known; its opportunity says the same."""
    found = [
        query.one(f"select has_known_spend from {fact}")["has_known_spend"] for fact in ("fct_lead", "fct_opportunity")
    ]
    assert found in ([True, True], [False, False])
    return found[0] is True


@in_one_star
def test_zero_spend_is_as_unknown_as_none() -> Story:
    queries = yield [spent(amount) for amount in ("100", "0", None)]
    assert [is_known(query) for query in queries] == [True, False, False]


def test_zero_spend_is_known_where_settings_call_the_source_free() -> None:
    given = spent("0")
    with star(settings(sources={"free": ["web"]}), lead=given["lead"], spend=given["spend"]) as query:
        assert is_known(query)


def test_now_is_the_newest_recorded_event_never_a_scheduled_time_or_one_after_the_load() -> None:
    booked = appointment(due_at=moment("2026-05-20 15:00"))
    odd = lead("2031-01-01 10:00", lead_id="typo")
    with star(lead=[lead("2026-03-01 10:00"), odd], appointment=[booked]) as query:
        assert query.one("select as_of from dim_store")["as_of"] == moment("2026-03-01 11:00")
        assert query.one("select finding from data_finding")["finding"] == "dated_after_now"
    with star(as_of=moment("2026-04-01 00:00"), lead=[lead("2026-03-01 10:00")]) as query:
        assert query.one("select as_of from dim_store")["as_of"] == moment("2026-04-01 00:00")


def test_deleted_records_leave_the_counts() -> None:
    with star(lead=[lead("2026-03-01 10:00"), lead("2026-03-01 11:00", is_deleted=True)]) as query:
        assert query.one("select count(*) as n from fct_lead")["n"] == 1
        assert query.one("select count(*) as n from canonical.lead")["n"] == 2


@in_one_star
def test_even_attribution_weights_sum_to_one() -> Story:
    given = [
        lead("2026-03-01 10:00", customer_id="7", source="A"),
        lead("2026-03-02 10:00", customer_id="7", source="B"),
        lead("2026-03-03 10:00", customer_id="7", source="A"),
    ]
    text = """select attribution, source, round(weight, 4) as weight from bridge_opportunity_source
        join dim_source using (source_key)
        where opportunity_key in (select opportunity_key from fct_opportunity) order by 1, 2"""
    (query,) = yield [{"lead": given}]
    found = [(row["attribution"], row["source"], row["weight"]) for row in query(text)]
    assert found == [("even", "A", 0.6667), ("even", "B", 0.3333), ("first", "A", 1.0), ("last", "A", 1.0)]


# --- the facts that later pages count ---------------------------------------------------------------------------------


@in_one_star
def test_visits_tasks_status_changes_and_repair_orders_have_one_row_a_record_with_keys_resolved() -> Story:
    leads = [lead("2026-03-01 10:00", customer_id="7"), lead("2026-03-02 10:00", customer_id="7")]
    people = [{"person_id": "1", "name": "Ana Lee"}, {"person_id": "1", "name": "Ana Lee", "system": "roster"}]
    given: dict[str, Any] = {
        "visit": [{"lead_id": "lead1", "arrived_at": moment("2026-03-03 10:00"), "person": "1", "is_demo": True}],
        "task": [
            {"lead_id": "lead1", "due_at": moment("2026-03-03 10:00"), "outcome": "missed", "person": "ana lee"},
            {"due_at": moment("2026-03-04 10:00"), "outcome": "open"},
        ],
        "status_change": [{"lead_id": "lead2", "changed_at": moment("2026-03-03 10:00"), "to_status": "lost"}],
        "service_visit": [{"customer_id": "7", "opened_at": moment("2026-04-03 10:00"), "advisor": "1"}],
    }
    (query,) = yield [{"lead": leads, "person": people, **given}]
    key = query.one("select opportunity_key, customer_key from fct_opportunity")
    person = query.one("select person_key from dim_person where name = 'Ana Lee'")["person_key"]
    visit = query.one("select opportunity_key, customer_key, person_key, is_demo from fct_visit")
    tasks = query("select opportunity_key, person_key, outcome from fct_task order by due_at")
    change = query.one("select opportunity_key, person_key, to_status from fct_status_change")
    order = query.one("select customer_key, person_key, opened_on from fct_service_visit")
    opportunity, customer = key["opportunity_key"], key["customer_key"]
    assert visit == {**key, "person_key": person, "is_demo": True}
    assert tasks == [
        {"opportunity_key": opportunity, "person_key": person, "outcome": "missed"},
        {"opportunity_key": None, "person_key": "unassigned", "outcome": "open"},
    ]
    assert change == {"opportunity_key": opportunity, "person_key": "unassigned", "to_status": "lost"}
    assert order == {"customer_key": customer, "person_key": person, "opened_on": date(2026, 4, 3)}


@in_one_star
def test_a_survey_belongs_to_the_opportunity_of_its_lead_customer_or_deal() -> Story:
    told: list[tuple[Row, bool]] = [
        ({"lead_id": "lead1"}, True),
        ({"customer_id": "7"}, True),
        ({"sale_id": "S1"}, True),
        ({"sale_id": "S1", "system": "survey_sheet"}, True),
        ({"sale_id": "S9"}, False),
        ({}, False),
    ]
    answered = {
        "answered_at": moment("2026-03-20 10:00"),
        "instrument": "Delivery",
        "kind": "sales",
        "score": 5.0,
        "scale_min": 1.0,
        "scale_max": 5.0,
    }
    given = [lead("2026-03-01 10:00", customer_id="7", source="Web", salesperson="Ana")]
    deal = {"sale_id": "S1", "lead_id": "lead1", "sold_at": moment("2026-03-05 10:00")}
    text = """select source, dim_person.name as person, fct_survey.customer_key = 'unknown' as is_unknown
        from fct_survey join dim_source using (source_key)
        join dim_person using (person_key)"""
    linked = {"source": "Web", "person": "Ana", "is_unknown": False}
    alone = {"source": "(no lead)", "person": "(unassigned)", "is_unknown": True}
    queries = yield [{"lead": given, "sale": [deal], "survey": [answered | refs]} for refs, _ in told]
    for (refs, is_linked), query in zip(told, queries, strict=True):
        findings = [row["finding"] for row in query("from data_finding")]
        assert query.one(text) == (linked if is_linked else alone), refs
        assert findings == ([] if is_linked else ["no_lead_found"]), refs


@in_one_star
def test_figures_that_a_crm_reports_keep_their_source_and_period() -> Story:
    period = {"period_start": date(2026, 3, 1), "period_end": date(2026, 3, 31)}
    reported = [{"source": "WEB", "measure": name, "value": 0.5, **period} for name in ("closing", "contact")]
    text = (
        "select source, measure, value, period_start, period_end from fct_crm_report join dim_source using (source_key)"
    )
    (query,) = yield [{"lead": [lead("2026-03-01 10:00", source="Web")], "crm_report": reported}]
    found = query(f"{text} order by measure")
    assert [(row["source"].lower(), row["measure"], row["value"]) for row in found] == [
        ("web", "closing", 0.5),
        ("web", "contact", 0.5),
    ]


@in_one_star
def test_a_customer_has_the_latest_name_and_address_and_the_number_of_their_leads() -> Story:
    given = [
        lead("2026-03-01 10:00", customer_id="7", customer_name="A. Lee", email="old@example.com"),
        lead("2026-03-02 10:00", customer_id="7", customer_name="Ana Lee", phone="3125550142"),
    ]
    text = "select customer, email, phone, lead_count from dim_customer where customer_key <> 'unknown'"
    (query,) = yield [{"lead": given}]
    found = query.one(text)
    assert query.one("select count(*) as n from dim_customer")["n"] == 2
    assert found == {"customer": "Ana Lee", "email": "old@example.com", "phone": "3125550142", "lead_count": 2}


def test_a_store_has_its_own_targets_beside_those_of_all() -> None:
    own = {"name": "North", "time_zone": "UTC", "targets": {"show_rate": 0.7}}
    with star(settings(store=[own], targets={"show_rate": 0.6})) as query:
        found = query("select store_key = '' as is_for_all, metric, value from target order by value")
    assert found == [
        {"is_for_all": True, "metric": "show_rate", "value": 0.6},
        {"is_for_all": False, "metric": "show_rate", "value": 0.7},
    ]


def test_a_target_of_a_person_and_a_month_finds_its_person() -> None:
    aim = {"metric": "show_rate", "value": 0.8, "store": "North", "month": "2026-07"}
    targets = [{**aim, "person": "ana  lee", "source": "web"}, {**aim, "person": "Nobody Known"}]
    mapped = {"map": [{"source": "Website", "names": ["web"]}]}
    given = [lead("2026-03-01 10:00", salesperson="Ana Lee")]
    with star(settings(target=targets, sources=mapped), lead=given) as query:
        found = query(
            "select dim_person.name, target.person, source, month from target"
            " left join dim_person using (person_key) order by target.person"
        )
    assert found == [
        {"name": None, "person": "Nobody Known", "source": None, "month": date(2026, 7, 1)},
        {"name": "Ana Lee", "person": "ana  lee", "source": "Website", "month": date(2026, 7, 1)},
    ]


@in_one_star
def test_a_deal_keeps_its_own_salespeople_and_does_not_borrow_the_opportunitys() -> Story:
    deal = {"lead_id": "lead1", "sold_at": moment("2026-03-03 10:00")}
    deals = [deal, deal | {"split_with": "Bo", "sold_at": moment("2026-03-04 10:00")}]
    text = "select name, weight from fct_sale join dim_person on person_key = fct_sale.salesperson_key order by sold_at"
    (query,) = yield [{"lead": [lead("2026-03-01 10:00", salesperson="Ana")], "sale": deals}]
    found = query(text)
    assert found == [{"name": "(unassigned)", "weight": 1.0}, {"name": "Bo", "weight": 1.0}]


@in_one_star
def test_of_two_records_of_a_deal_the_one_with_the_chosen_date_gives_the_date() -> Story:
    crm = {"lead_id": "lead1", "delivered_at": moment("2026-03-09 10:00"), "vin": "1TEST00000000001X"}
    dms = {"system": "dms", "sold_at": moment("2026-03-04 10:00"), "vin": "1TEST00000000001X"}
    (query,) = yield [{"lead": [lead("2026-03-01 10:00")], "sale": [crm, dms]}]
    assert query.one("select sold_on from fct_sale")["sold_on"] == date(2026, 3, 4)
    findings = [row["finding"] for row in query("select finding from data_finding")]
    assert findings == ["deal_in_several_systems"]
