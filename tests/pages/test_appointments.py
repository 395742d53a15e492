"""The appointments page: the answer in words, the calendar to confirm, and the rates that cannot be gamed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages import ahead
from tests.pages.conftest import Show
from tests.star import Row, local_day, opportunity, star_of, write_warehouse
from tests.waiting import lead_of

NOW = dt.datetime(2026, 5, 20, 18, 0, tzinfo=dt.UTC)  # Wednesday, 14:00 in New York
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("warehouse", ["full", "one_row", "two_currencies", "empty", "missing"])
def test_the_page_renders_on_every_warehouse(show: Show, warehouse: str) -> None:
    app = show("appointments", warehouse, period="all data")
    assert not app.exception
    assert app.title[0].value


def test_the_answer_says_the_show_rate_with_its_n(show: Show) -> None:
    app = show("appointments", period="all data", compare="none")
    said = texts(app)
    assert "**Show rate is 66.7%** (120 of 180)" in said
    assert "Each has an outcome." in said
    assert "nothing is in the calendar for today and tomorrow" in said
    assert {metric.label: metric.value for metric in app.metric}["Appointments due"] == "180"


def test_the_strict_and_the_set_based_rate_stand_beside_the_plain_one(show: Show) -> None:
    app = show("appointments", period="all data", compare="none")
    table = next(table.value for table in app.table if "Rate" in table.value).set_index("Rate")
    assert list(table.index) == [
        "Show rate",
        "Show rate, strict",
        "Show rate, of set",
        "Appointments set after the fact",
        "Outcome missing",
    ]
    assert table.loc["Show rate", "n"] == "120\u00a0of\u00a0180"


def appointment(key: str, due_at: dt.datetime, **columns: str | bool | None) -> Row:
    """A standing sales appointment, set three days before; without an outcome where it is still to come."""
    is_over = due_at <= NOW
    flags = dict.fromkeys(
        ("is_cancelled_ahead", "is_moved_ahead", "is_followed_up", "is_recovered", "is_set_late"), False
    )
    return {
        **flags,
        **dict.fromkeys(
            ("is_sales_appointment", "is_standing", "is_promised", "is_first_of_chain", "is_counted_set"), True
        ),
        **dict.fromkeys(("salesperson_key", "bdc_agent_key", "responder_key"), "unassigned"),
        "is_no_show_to_win_back": False,
        "is_chain_shown": False,
        "has_contact_log": True,
        "appointment_key": key,
        "appointment_id": key.upper(),
        "opportunity_key": f"o-{key}",
        "store_key": "s1",
        "customer_key": "c0",
        "source_key": "web",
        "lead_type": "internet",
        "vehicle_condition": "new",
        "appointment_type": "sales",
        "setter_key": "p1",
        "system": "crm",
        "set_at": due_at - 3 * DAY,
        "set_on": local_day("s1", due_at - 3 * DAY),
        "due_at": due_at,
        "due_on": local_day("s1", due_at),
        "lead_time": "2 to 3 days",
        "confirmed": "not confirmed",
        "due_weekday": "Tuesday",
        "due_hour": "10:00",
        "is_confirmed": False,
        "is_shown": False,
        "is_unresolved": not is_over,
        "is_no_show": is_over,
        "is_no_show_to_call": is_over,
        "outcome": "no_show" if is_over else "open",
        **columns,
    }


CALENDAR = (
    appointment("later-today", NOW + HOUR),
    appointment("tomorrow", NOW + 20 * HOUR, customer_key="c1"),
    appointment("confirmed", NOW + 21 * HOUR, is_confirmed=True, confirmed="confirmed", customer_key="c2"),
    appointment("friday", NOW + 2 * DAY),
    appointment("in-a-week", NOW + 7 * DAY),
    appointment("cancelled", NOW + HOUR, is_standing=False),
    appointment("missed", NOW - DAY),
)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    rows = [opportunity(row["opportunity_key"], created_at=NOW - 9 * DAY) for row in CALENDAR]
    leads = [lead_of(row, vehicle="2024 Comet" if row["opportunity_key"] == "o-later-today" else None) for row in rows]
    star = star_of(fct_opportunity=rows, fct_lead=leads, fct_appointment=CALENDAR)
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(write_warehouse(tmp_path / "calendar", star)))

    def run(**query: str | list[str]) -> AppTest:
        app = AppTest.from_string("import dashboard\ndashboard.main('appointments')", default_timeout=60)
        for key, value in {"period": "all data", "compare": "none", **query}.items():
            app.query_params[key] = value
        return app.run()

    st.cache_data.clear()
    return run


def calendar_of(app: AppTest) -> list[str]:
    """The headings of the days and the lines below them."""
    lists = [str(one.value).replace("\\", "") for one in app.markdown if "set by" in str(one.value)]
    return [line for one in lists for line in one.splitlines() if line]


def test_the_next_step_counts_what_nobody_confirmed_and_who_did_not_come(page: Show) -> None:
    said = texts(page())
    assert "**Next:** call to confirm 2 of the 3 appointments of today and tomorrow" in said
    assert "Then call the customer who did not come" in said


def test_the_calendar_shows_the_unconfirmed_of_today_and_tomorrow_with_their_numbers(page: Show) -> None:
    today, first, tomorrow, second = calendar_of(page())
    assert today == "**Today, May 20, 2026: 1 not confirmed**"
    assert first.startswith("- **15:00** Customer 0 · ")
    assert "call to confirm" in first
    assert " · about 2024 Comet · set by Ada Reyes" in first
    assert "about" not in second
    assert tomorrow == "**Tomorrow, May 21, 2026: 1 not confirmed**"
    assert "(tel:5550101)" in second


def test_all_of_the_next_seven_days_can_be_seen(page: Show) -> None:
    shown = calendar_of(page(days="next seven days", which="all"))
    headings = [line for line in shown if not line.startswith("-")]
    assert headings == [
        "**Today, May 20, 2026: 1 not confirmed**",
        "**Tomorrow, May 21, 2026: 2, of them 1 not confirmed**",
        "**Friday, May 22, 2026: 1 not confirmed**",
    ]
    assert any(" · confirmed · " in line for line in shown)


def test_a_person_filter_keeps_what_that_person_set(page: Show) -> None:
    app = page(person="Ben Okoye", days="next seven days", which="all")
    assert calendar_of(app) == []
    assert "No appointment for these days" in texts(app) or "No rows in" in texts(app)


def test_the_file_holds_what_is_shown_with_local_times(page: Show) -> None:
    app = page(which="all")
    assert not app.exception
    rows = pl.DataFrame(
        {
            "list": ["appointments_ahead"] * 2,
            "store": ["Far", "Near"],
            "appointment_at": [NOW + 20 * HOUR] * 2,
            "as_of": [NOW] * 2,
            "is_confirmed": [True, False],
            "customer_key": ["a", "b"],
            **{
                name: ["x", "y"]
                for name in ("customer", "phone", "email", "owner", "salesperson", "bdc_agent", "source", "vehicle")
            },
            "since": [NOW, NOW],
            "opportunity_key": ["o1", "o2"],
        }
    )
    zones = {"Far": "Asia/Tokyo", "Near": "America/New_York"}
    found = ahead.calendar(rows, zones)
    assert found.select("store", "days_ahead").rows() == [("Far", 0), ("Near", 1)]
    told = ahead.as_file(found, pl.DataFrame({"store": list(zones), "time_zone": list(zones.values())}))
    assert told["Due"].to_list() == ["2026-05-21 23:00", "2026-05-21 10:00"]
    assert told["Vehicle"].to_list() == ["x", "y"]
    assert told["Confirmed"].to_list() == ["confirmed", "not confirmed"]


def test_rates_by_setter_lead_time_and_confirmation_say_n(show: Show) -> None:
    app = show("appointments", period="all data", compare="none")
    said = texts(app)
    assert "No appointment due was confirmed" in said
    setters = next(table.value for table in app.table if "Appointment setter" in table.value)
    assert list(setters["Appointment setter"]) == ["Cy Ford"]
    spans = next(table.value for table in app.table if "Set how far ahead" in table.value)
    assert list(spans["Set how far ahead"]) == ["same day"]


def test_a_rate_by_setter_that_the_page_lacks_is_said(show: Show) -> None:
    said = texts(show("appointments", period="all data", setter_rate="luck", days="never", map="moon"))
    assert all(f"“{word}”, which Upboard does not have" in said for word in ("luck", "never", "moon"))
