"""What buyers say, who comes back, and one customer in order of time."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import polars as pl
import pytest

from pages import customers, timeline
from tests.pages.conftest import Show
from tests.pages.test_pages import texts

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
BLANK: dict[str, Any] = {
    "kind": "touch",
    "at": NOON,
    "is_ahead": False,
    "what": "call",
    "vehicle": None,
    "direction": None,
    "is_automatic": None,
    "outcome": None,
    "person": None,
    "source": None,
    "amount": None,
    "score": None,
    "store": "North",
    "record": None,
}
KINDS = {"outcome": pl.String, "direction": pl.String, "is_automatic": pl.Boolean, "score": pl.Float64}


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    """A timeline of these events, each only as far as named."""
    return pl.DataFrame([BLANK | row for row in rows], schema_overrides=KINDS)


def test_best_scores_are_told_with_their_n_for_each_survey(show: Show) -> None:
    app = show("customers", period="all data", compare="none")
    said = texts(app).replace("\\", "")
    assert "Maker (1 to 10): 50.0% gave the best score" in said
    assert "30 of 60" in said
    table = app.table[0].value
    assert table["Mean score"].to_list() == ["9.00"]


def test_what_the_data_lack_is_named_and_not_shown_as_nought(show: Show) -> None:
    app = show("customers", period="all data")
    assert "Not in these data" in texts(app)
    assert "Be-backs" not in {metric.label for metric in app.metric}


def test_no_survey_asks_for_one(show: Show) -> None:
    days = {"from": "2026-06-13", "to": "2026-06-14"}
    assert "load the surveys" in texts(show("customers", period="custom", **days))


def test_a_customer_is_found_opened_and_closed_through_the_address(show: Show) -> None:
    app = show("customers", find_customer="dee")
    app.button(key="open_c1").click().run()
    assert app.query_params["customer"] == "c1"
    said = texts(app).replace("\\", "")
    assert "Dee Vale" in {one.value for one in app.subheader}
    assert "tel:3125550101" in said
    assert "Bought" in said
    app.button(key="close_customer").click().run()
    assert "customer" not in app.query_params


@pytest.mark.parametrize("asked", ["nobody at all", "%", "'; drop table"])
def test_a_search_that_finds_nobody_says_so(show: Show, asked: str) -> None:
    assert any("Nobody matches" in one.value for one in show("customers", find_customer=asked).info)


def test_a_link_to_a_customer_whom_nobody_has_says_so(show: Show) -> None:
    app = show("customers", customer="nobody")
    assert not app.exception
    assert any("no such customer" in one.value for one in app.info)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"kind": "lead", "what": "internet", "outcome": "open"}, "Internet lead, open"),
        (
            {"kind": "lead", "what": "internet", "vehicle": "2024 Comet", "outcome": "open"},
            "Internet lead, 2024 Comet, open",
        ),
        (
            {"direction": "out", "is_automatic": False, "outcome": "left_message"},
            "Call, to the customer, left a message",
        ),
        ({"what": "email", "direction": "out", "is_automatic": True}, "E-mail, automatic"),
        ({"what": "text", "direction": "in"}, "Text, from the customer"),
        ({"kind": "appointment", "what": "sales", "outcome": "no_show"}, "Sales appointment, no-show"),
        ({"kind": "purchase", "what": "lease"}, "Leased"),
        ({"kind": "task", "what": None, "outcome": "completed"}, "Task, done"),
        ({"kind": "status", "what": "open", "outcome": "lost"}, "Status, from Open to Lost"),
        ({"kind": "status", "what": None, "outcome": "Demo done"}, "Status, to Demo done"),
        ({"kind": "survey", "what": "Maker (1 to 10)", "score": 9.0}, "Maker (1 to 10), score 9"),
    ],
)
def test_an_event_is_told_in_words(row: dict[str, Any], words: str) -> None:
    assert timeline.words(BLANK | row) == words


@pytest.mark.parametrize(
    ("rows", "ending"),
    [
        (({"kind": "purchase", "what": "retail"},), "Bought Mar 2, 2026."),
        (({"kind": "appointment", "is_ahead": True},), "Next: appointment on Mar 2, 2026."),
        (({"kind": "appointment", "outcome": "no_show"},), "Next: call about the appointment missed on Mar 2, 2026."),
        (({"kind": "lead", "what": "internet"},), "Next: call, and make an appointment."),
        (({"kind": "purchase", "outcome": "taken back"},), "Next: call, and make an appointment."),
    ],
)
def test_a_timeline_ends_in_what_to_do(rows: tuple[dict[str, Any], ...], ending: str) -> None:
    assert timeline.summary(events(*rows)).endswith(f"**{ending}**")


def test_a_timeline_writes_days_as_the_store_does_and_no_hour_where_only_a_day_is_known(show: Show) -> None:
    app = show("customers", period="all data", find_customer="dee")
    found = next(button for button in app.button if str(button.key).startswith("open_"))
    whens = [when.replace("\\", "") for when in found.click().run().table[0].value["When"]]
    assert whens
    assert all(re.fullmatch(r"[A-Z][a-z]{2} \d{1,2}, 20\d\d( \d{2}:\d{2})?", when) for when in whens)
    assert not any(when.endswith("00:00") for when in whens)


def test_only_tries_by_people_are_counted() -> None:
    automatic = {"direction": "out", "is_automatic": True}
    tried = {"direction": "out", "is_automatic": False}
    assert "Nobody has tried" in timeline.summary(events(automatic))
    assert "One try" in timeline.summary(events(automatic, tried))
    assert "2 tries" in timeline.summary(events(tried, tried, {"direction": "in", "is_automatic": False}))


def answered(best: float, chances: float, mean: float, low: float, high: float) -> dict[str, dict[str, Any]]:
    """The two rows of one purchase survey."""
    ends = {"low": low, "high": high}
    top = {"numerator": best, "denominator": chances, "value": best / chances} | ends
    return {"csi_top_box": top, "csi_mean": {"value": mean, "denominator": chances}}


def test_a_target_of_best_scores_stands_beside_the_surveys_it_is_of() -> None:
    service = {name.replace("csi", "service_csi"): row for name, row in answered(5, 10, 8.1, 0.2, 0.8).items()}
    surveys = {"Maker": answered(30, 60, 9.0, 0.38, 0.62), "Workshop": service}
    assert "Target" not in customers.survey_table(surveys, {}, {"csi_mean": 9.5}).columns
    told = customers.survey_table(surveys, {}, {"csi_top_box": 0.8})
    assert [text.replace("\\", "") for text in told["Target"]] == ["80.0%, missed", ""]
