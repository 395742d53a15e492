"""What an address asks for is what the widgets say and what the numbers count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Show

ROOT = Path(__file__).parents[2]


def leads(app: AppTest) -> str:
    return str(next(metric.value for metric in app.metric if metric.label == "Leads"))


def warnings(app: AppTest) -> str:
    return "\n".join(warning.value for warning in app.warning)


def test_a_store_in_the_address_filters_widget_and_numbers(show: Show) -> None:
    app = show("overview", period="all data", store="North")
    assert app.multiselect(key="store").value == ["North"]
    assert leads(app) == "300"


def test_two_values_of_one_filter_are_added_up(show: Show) -> None:
    app = show("overview", period="all data", store=["North", "South"])
    assert leads(app) == "600"


def test_an_unknown_value_is_said_and_shows_nothing_instead_of_everything(show: Show) -> None:
    app = show("overview", period="all data", store="Nowhere")
    assert "This link asks for store “Nowhere”, which is not in this data" in warnings(app)
    assert not app.metric
    assert app.multiselect(key="store").value == ["Nowhere"]


def test_an_unknown_value_stays_through_a_rerun(show: Show) -> None:
    app = show("overview", period="all data", store="Nowhere").run()
    assert not app.metric
    assert "Nowhere" in warnings(app)


def test_an_unknown_word_for_a_period_is_said(show: Show) -> None:
    app = show("overview", period="last blue moon")
    assert "period “last blue moon”" in warnings(app)
    assert app.selectbox(key="period").value == "last 90 days"


def test_reset_takes_every_filter_back(show: Show) -> None:
    app = show("overview", period="all data", store="North", compare="none")
    app.button(key="reset").click().run()
    assert app.multiselect(key="store").value == []
    assert app.selectbox(key="period").value == "last 90 days"
    assert app.selectbox(key="compare").value == "previous period"


def test_a_custom_period_in_the_address_counts_its_days(show: Show) -> None:
    wanted = {"from": "2026-06-01", "to": "2026-06-10"}
    app = show("overview", period="custom", compare="none", **wanted)
    assert "Jun 1, 2026 to Jun 10, 2026" in app.markdown[1].value


def test_a_custom_period_the_wrong_way_round_is_turned(show: Show) -> None:
    wanted = {"from": "2026-06-10", "to": "2026-06-01"}
    app = show("overview", period="custom", compare="none", **wanted)
    assert not app.exception
    assert "Jun 1, 2026 to Jun 10, 2026" in app.markdown[1].value


def test_a_filter_that_leaves_nothing_offers_everything(show: Show) -> None:
    wanted = {"from": "2020-01-01", "to": "2020-01-31"}
    app = show("overview", period="custom", **wanted)
    assert "No rows" in app.info[0].value
    app.button(key="show_everything").click().run()
    assert leads(app) == "600"


def test_the_rows_of_the_address_are_shown(show: Show) -> None:
    app = show("overview", period="all data", store="North", rows="closing_rate.numerator")
    assert not app.exception
    rows = app.dataframe[0].value
    assert len(rows) == 40
    assert set(rows["store"]) == {"North"}


def test_times_of_rows_are_in_the_time_of_the_store(show: Show) -> None:
    rows = show("overview", "one_row", rows="leads.numerator").dataframe[0].value
    assert list(rows["created_at"]) == ["2026-06-29 15:00"]


def test_rows_of_one_member_are_only_its_own(show: Show) -> None:
    app = show("people", period="all data", rows="contact_rate.denominator", member="person:Ada Hill")
    assert set(app.dataframe[0].value["salesperson"]) == {"Ada Hill"}


def test_rows_of_a_member_outside_the_filters_are_none(show: Show) -> None:
    app = show("people", period="all data", person="Bo Park", rows="contact_rate.denominator", member="person:Ada Hill")
    assert not app.dataframe
    assert "No rows" in app.info[-1].value


def test_rows_of_an_unknown_metric_are_refused_in_words(show: Show) -> None:
    app = show("overview", rows="luck.numerator")
    assert not app.exception
    assert "rows of “luck”, which Upboard does not count" in warnings(app)
    assert not app.dataframe


@pytest.mark.parametrize("member", ["Ada Hill", "planet:Mars", "person:", "person:Nobody"])
def test_rows_of_a_member_that_cannot_be_read_or_found_are_never_those_of_all(show: Show, member: str) -> None:
    app = show("people", period="all data", rows="contact_rate.denominator", member=member)
    assert not app.exception
    assert not app.dataframe
    assert "No rows" in app.info[-1].value if member.startswith("person:") else "This link asks for" in warnings(app)


def test_rows_have_headers_and_codes_in_dealership_words(show: Show) -> None:
    app = show("overview", "one_row", rows="closing_rate.numerator")
    headers = json.loads(app.dataframe[0].proto.columns)
    assert headers["created_at"]["label"] == "Lead came in"
    assert headers["lead_id"]["label"] == "Lead ID in the CRM"
    assert list(app.dataframe[0].value["lead_type"]) == ["Internet"]


@pytest.mark.parametrize("lead_type", ["Internet", "internet"])
def test_a_code_is_shown_as_a_word_and_a_link_may_say_either(show: Show, lead_type: str) -> None:
    app = show("overview", period="all data", lead_type=lead_type)
    assert "Internet" in app.multiselect(key="lead_type").options
    assert leads(app) == "600"


def test_a_day_that_cannot_be_read_is_said_and_shows_no_more_than_the_usual_period(show: Show) -> None:
    wanted = {"from": "soon", "to": "2026-06-10"}
    app = show("overview", period="custom", **wanted)
    assert "day from “soon”" in warnings(app)
    assert "Apr 2, 2026 to Jun 30, 2026" in app.markdown[1].value


def test_a_link_of_any_length_is_said_in_short(show: Show) -> None:
    app = show("overview", period="x" * 5000, source="<script>" * 500)
    assert not app.exception
    assert not app.metric
    assert all(len(warning.value) < 400 for warning in app.warning)


def test_what_a_page_draws_stands_in_the_address(show: Show) -> None:
    assert show("overview", trend_of="leads").selectbox(key="trend_of").value == "leads"
    sources = show("sources", drawn="spend", level="source group")
    assert sources.selectbox(key="drawn").value == "spend"
    assert next(iter(sources.table[0].value)) == "Source group"


@pytest.mark.parametrize(
    ("page", "key"),
    [("overview", "trend_of"), ("sources", "drawn"), ("sources", "level"), ("people", "rate"), ("people", "lens")],
)
def test_a_word_that_a_choice_lacks_is_said(show: Show, page: str, key: str) -> None:
    app = show(page, period="all data", **{key: "luck"})
    assert not app.exception
    assert "“luck”, which Upboard does not have" in warnings(app)


@pytest.mark.parametrize("page", ["overview", "sources", "people", "definitions"])
def test_a_page_opened_before_any_other_on_a_fresh_server_shows_the_dashboard(
    showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Until st.navigation was called once, Streamlit runs the file of pages/ that the address names, by itself."""
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms["full"]))
    app = AppTest.from_file(f"{ROOT}/pages/{page}.py", default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Overview"


def test_a_button_puts_the_rows_into_the_address(show: Show) -> None:
    app = show("overview", period="all data")
    app.button(key="tile_closing_rate").click().run()
    assert app.query_params["rows"] == "closing_rate.numerator"
    assert len(app.dataframe[0].value) == 60


def test_every_page_says_as_of_when_and_what_was_refused(show: Show) -> None:
    for page in ("overview", "sources", "people", "definitions"):
        app = show(page)
        shown = "\n".join(caption.value for caption in app.caption).replace("\\", "")
        assert "Data as of Jun 30, 2026 15:00" in shown
        assert "3 rows were refused" in shown
        assert "Over two days old: North, South" in warnings(app)
