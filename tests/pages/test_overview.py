"""Overview on every warehouse: the answer, the pace, why it changed, the trend, the stores side by side."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages import by_store, outlook
from tests.pages.conftest import Show


def texts(app: AppTest) -> str:
    """Every sentence on the page, without the escapes of Markdown."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("warehouse", ["full", "one_row", "one_store", "two_currencies", "long_names"])
@pytest.mark.parametrize("view", ["all together", "store by store"])
def test_both_views_stand_on_every_warehouse(show: Show, warehouse: str, view: str) -> None:
    app = show("overview", warehouse, period="last 365 days", view=view)
    assert not app.exception


def test_the_answer_says_why_and_what_next(show: Show) -> None:
    shown = texts(show("overview"))
    assert "**Closing rate is" in shown
    assert "**Next:**" in shown


def test_the_month_end_is_said_for_each_store(show: Show) -> None:
    shown = texts(show("overview"))
    assert "**Where June will land, in sold units**" in shown
    assert "North: 2, and no open day is left." in shown
    assert "South: 1, and no open day is left." in shown


def test_the_trend_ends_where_its_last_month_should_end(show: Show) -> None:
    assert "Jun 2026 should end at 6.2% (95% interval 6.2% to 8.3%)." in texts(show("overview"))


def test_the_change_is_split_over_the_chosen_mix(show: Show) -> None:
    app = show("overview", compare="previous period", change_of="contact rate", mix_of="lead type")
    assert app.selectbox(key="change_of").value == "contact rate"
    assert "Why it changed" in texts(app)


def test_the_mix_that_a_lead_brings_with_it_is_offered_first() -> None:
    ranked = ["created_weekday", "person", "lead_type", "source"]
    assert outlook.mixes(ranked) == ["lead_type", "source", "person"]


def test_nothing_is_explained_where_nothing_is_compared(show: Show) -> None:
    shown = texts(show("overview", period="all data"))
    assert "Why it changed" not in shown
    assert "**Why:**" not in shown


def test_the_curve_says_how_many_bought_within_so_many_days(show: Show) -> None:
    assert "Had bought: 10.0% within 7 days" in texts(show("overview", period="last 365 days", compare="none"))


def test_the_funnel_has_a_median_time_at_every_step(show: Show) -> None:
    tables = [table.value for table in show("overview", period="all data").table]
    steps = next(found for found in tables if "Median time" in found).set_index("Step")
    assert steps.loc["Contacted", "Median time"].replace("\xa0", " ") == "3.0 h \\(n 360\\)"


def test_two_stores_stand_side_by_side_with_their_difference_in_words(show: Show) -> None:
    app = show("overview", period="all data", view="store by store")
    table = app.table[0].value.set_index("Number")
    assert list(table.columns) == ["North", "South"]
    assert table.loc["Leads", "North"] == "300"
    assert "Closing rate: North is 6.7 points above South, more than chance explains" in texts(app)
    assert "Of the +6.7 points, +6.7 is the mix of source" in texts(app)


def test_stores_side_by_side_end_in_what_to_do_and_are_not_held_against_an_earlier_period(show: Show) -> None:
    beside = texts(show("overview", view="store by store"))
    assert "**Next:** " in beside
    assert ", compared with" not in beside
    assert ", compared with" in texts(show("overview"))
    assert ", compared with" in texts(show("overview", view="store by store", store="North"))


def test_a_store_that_does_better_beyond_chance_is_to_be_asked_how() -> None:
    ahead, behind = ({"contact_rate": {"value": value}} for value in (0.682, 0.64))
    told = by_store.next_step(["contact_rate"], behind, ahead, ("North", "South"))
    assert told.startswith("**Next:** ask at South how they reach 68.2% contact rate; choose North in the filter Store")
    assert "may be luck" in by_store.next_step([], behind, ahead, ("North", "South"))


def test_each_store_keeps_its_own_currency(show: Show) -> None:
    app = show("overview", "two_currencies", period="all data", view="store by store")
    gross = app.table[0].value.set_index("Number").loc["Gross"]
    assert gross["North"].startswith("\\$")
    assert gross["South"].startswith("CA\\$")


def test_one_store_alone_is_not_asked_how_to_show_the_stores(show: Show) -> None:
    keys = [group.key for group in show("overview", period="all data", store="North").button_group]
    assert "view" not in keys


def test_a_view_that_does_not_exist_is_said(show: Show) -> None:
    assert "does not have" in texts(show("overview", period="all data", view="sideways"))


def test_the_trend_of_cars_is_held_against_the_targets_of_its_months(show: Show) -> None:
    south = texts(show("overview", store="South", trend_of="sold units"))
    assert "The target of May 2026 is 3." in south
    assert "The target" not in texts(show("overview", store="South", trend_of="sold units", grain="week"))
    assert "The target is 12.0%." in texts(show("overview", store="South", trend_of="closing rate", grain="week"))
