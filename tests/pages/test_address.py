"""What an address asks for is what the widgets say and what the numbers count."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Show


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
    assert "1 Jun 2026 to 10 Jun 2026" in app.markdown[1].value


def test_a_custom_period_the_wrong_way_round_is_turned(show: Show) -> None:
    wanted = {"from": "2026-06-10", "to": "2026-06-01"}
    app = show("overview", period="custom", compare="none", **wanted)
    assert not app.exception
    assert "1 Jun 2026 to 10 Jun 2026" in app.markdown[1].value


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
    assert "There is no metric" in warnings(app).replace("\\", "")


def test_a_button_puts_the_rows_into_the_address(show: Show) -> None:
    app = show("overview", period="all data")
    app.button(key="rows_closing_rate").click().run()
    assert app.query_params["rows"] == "closing_rate.numerator"
    assert len(app.dataframe[0].value) == 60


def test_every_page_says_as_of_when_and_what_was_refused(show: Show) -> None:
    for page in ("overview", "sources", "people", "definitions"):
        app = show(page)
        shown = "\n".join(caption.value for caption in app.caption).replace("\\", "")
        assert "Data as of 30 Jun 2026 15:00" in shown
        assert "3 rows were refused" in shown
        assert "Over two days old: North, South" in warnings(app)
