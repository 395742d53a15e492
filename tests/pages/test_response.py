"""The response page: the answer in words, when answers fail, and the way to the rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages import lines
from tests.pages.conftest import Show
from tests.star import Row, opportunity, star_of, write_warehouse

MONDAY = dt.datetime(2026, 3, 2, 14, 0, tzinfo=dt.UTC)  # 09:00 at the store in New York


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("warehouse", ["full", "one_row", "two_currencies", "empty", "missing"])
def test_the_page_renders_on_every_warehouse(show: Show, warehouse: str) -> None:
    app = show("response", warehouse, period="all data")
    assert not app.exception
    assert app.title[0].value


def test_the_answer_says_the_share_its_n_and_who_was_never_tried(show: Show) -> None:
    said = texts(show("response", period="all data", compare="none"))
    assert "**100.0% were answered by a person within the standard** (600 of 600)" in said
    assert "Nobody was left without any answer" in said
    assert "**No weekday or hour stands out**" in said
    assert "**Next:**" in said


def test_leads_that_came_in_but_cannot_be_late_yet_are_no_empty_page(show: Show) -> None:
    app = show("response", "empty", period="all data")
    assert "holds no leads" in texts(app)


def lead(number: int, at: dt.datetime, *, is_in_time: bool, after_hours: str = "in hours") -> Row:
    lag = 300 if is_in_time else 7200
    answered = "in time" if is_in_time else "within four hours"
    return opportunity(
        f"o{number}",
        created_at=at,
        is_attempted=True,
        has_contact_log=True,
        first_attempt_at=at + dt.timedelta(seconds=lag),
        seconds_to_first_attempt=lag,
        open_seconds_to_first_attempt=lag,
        salesperson_key="p1",
        answered=answered,
        after_hours=after_hours,
    )


def test_a_target_stands_beside_its_number_in_the_tables() -> None:
    row = {"value": 0.5, "low": 0.4, "high": 0.6, "numerator": 50.0, "denominator": 100.0, "n_immature": 0.0}
    names = ("answered_within_60", "answered_within_30")
    now = dict.fromkeys(names, row)
    told = lines.of_metrics(names, now, {}, "By a person", {"answered_within_60": 0.75})
    assert [text.replace("\\", "") for text in told["Target"]] == ["75.0%, missed", ""]
    assert "Target" not in lines.of_metrics(names, now, {}, "By a person", {}).columns


def week_of(directory: Path, after_hours: str = "in hours") -> Path:
    """Six weeks of leads at nine, at noon and at five: in time, but for those of Friday and Saturday at five."""
    rows = []
    for day in range(42):
        for place, hour in enumerate((0, 3, 8)):
            at = MONDAY + dt.timedelta(days=day - 42, hours=hour)
            is_bad = at.weekday() in {4, 5} and hour == 8
            for turn in range(3):
                label = after_hours if is_bad else "in hours"
                rows.append(lead(day * 10 + place * 3 + turn, at, is_in_time=not is_bad, after_hours=label))
    return write_warehouse(directory, star_of(fct_opportunity=rows))


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    def run(after_hours: str = "in hours", **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("UPBOARD_WAREHOUSE", str(week_of(tmp_path / "late", after_hours)))
        app = AppTest.from_string("import dashboard\ndashboard.main('response')", default_timeout=60)
        for key, value in {"period": "all data", "compare": "none", **query}.items():
            app.query_params[key] = value
        return app.run()

    st.cache_data.clear()
    return run


def test_it_says_when_answers_fail_for_how_many_and_whom_to_ask(page: Show) -> None:
    app = page()
    assert not app.exception
    said = texts(app)
    assert (
        "**Answers fail most for leads that come in Friday to Saturday, 17:00 to 18:00:** 0.0% in time (n 36)" in said
    )
    assert "beside 100.0% at other times" in said
    assert "36 fewer customers would have waited" in said
    assert "**Next:** name who answers Friday to Saturday, 17:00 to 18:00: the store is open then" in said
    assert "Most of them came from Website: 0 of 36 answered in time." in said
    table = next(table.value for table in app.table if "Assigned salesperson" in table.value)
    assert list(table["Assigned salesperson"]) == ["Ada Reyes"]
    assert list(table["n"]) == ["0\u00a0of\u00a036"]


def test_where_the_store_is_closed_then_it_asks_for_the_opening(page: Show) -> None:
    assert "**Next:** name who answers first thing at opening" in texts(page("after hours"))


def test_the_rows_of_that_slot_are_those_that_waited(page: Show) -> None:
    members = ["created_weekday:Friday", "created_weekday:Saturday", "created_hour:17:00"]
    members += [f"answered:{label}" for label in ("within an hour", "within four hours", "later", "never")]
    app = page(rows="answered_within_standard.denominator", member=members)
    assert not app.exception
    assert len(app.dataframe[0].value) == 36


def test_the_button_of_the_slot_opens_them(page: Show) -> None:
    app = page()
    app.button(key="rows_slot").click().run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 36
    assert "created_hour:17:00" in app.query_params["member"]


def test_the_map_turns_to_arrivals_and_to_single_hours(page: Show) -> None:
    app = page(map="arrivals", hours="each hour")
    assert not app.exception
    twin = next(table.value for table in app.table if "Monday" in table.value)
    hours = [text.replace("\\", "").replace("\u00a0", " ") for text in twin["Hours"]]
    assert hours == [f"{hour:02}:00 to {hour + 1:02}:00" for hour in range(9, 18)]
    assert list(twin["Friday"]) == ["18", "0", "0", "18", "0", "0", "0", "0", "18"]
