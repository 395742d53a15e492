"""Every page on every warehouse, and the numbers that a reader sees there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import plotly.graph_objects as go
import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto
from streamlit.proto.PlotlyChart_pb2 import PlotlyChart
from streamlit.testing.v1 import AppTest

from pages import PAGES as REGISTERED
from pages import sign_in, signed, sources
from pages.users import User, Users
from tests.pages.conftest import Show

PAGES = [name for names in REGISTERED.values() for name in names]


def texts(app: AppTest) -> str:
    """Every sentence on the page."""
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("warehouse", ["full", "long_names", "one_store", "one_row", "empty", "missing"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_renders_on_every_warehouse(show: Show, page: str, warehouse: str) -> None:
    app = show(page, warehouse, period="all data")
    assert not app.exception
    assert app.title[0].value
    for chart in app.get("plotly_chart"):
        # Plotly refuses a part that it does not know; its JavaScript would leave it out in silence.
        go.Figure(json.loads(cast(PlotlyChart, chart.proto).spec))


@pytest.mark.parametrize("page", [name for name in PAGES if name != "load_data"])
def test_a_missing_warehouse_names_the_next_command(show: Show, page: str) -> None:
    app = show(page, "missing")
    assert app.title[0].value == "Nothing is loaded yet"
    assert any("python -m loaders load" in code.value for code in app.code)


@pytest.mark.parametrize("page", ["overview", "sources", "people"])
def test_an_empty_warehouse_names_the_next_command(show: Show, page: str) -> None:
    app = show(page, "empty")
    assert "holds no leads" in texts(app)
    assert any("python -m loaders load" in code.value for code in app.code)


def test_overview_shows_the_counted_numbers(show: Show) -> None:
    app = show("overview", period="all data", compare="none")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Leads"] == "600"
    assert shown["Contact rate"] == "60.0%"
    assert shown["Contact to appointment"] == "50.0%"
    assert shown["Closing rate"] == "10.0%"
    assert shown["Gross"] == "$120,000"
    assert "60 of 600" in texts(app).replace("\\", "")
    assert "Target 12.0%" in texts(app).replace("\\", "")


def test_overview_says_that_chance_may_explain_a_small_change(show: Show) -> None:
    assert "chance alone may explain it" in texts(show("overview"))


def test_overview_has_two_full_rows_of_tiles_each_with_its_n_before_and_target(show: Show) -> None:
    app = show("overview", period="last 365 days", compare="none")
    assert len(app.metric) == 8
    assert any("60 of 600" in caption.value and "Target 12.0%" in caption.value for caption in app.caption)


def test_overview_says_where_most_are_lost_and_how_early_it_is(show: Show) -> None:
    shown = texts(show("overview", period="all data"))
    assert "Most are lost at contact to appointment" in shown
    assert "**Still early:**" in shown


def test_the_funnel_has_a_rate_at_every_step(show: Show) -> None:
    tables = [table.value for table in show("overview", period="all data").table]
    table = next(found for found in tables if "Step rate" in found).set_index("Step")
    assert list(table.index) == ["Created", "Contacted", "Appointment set", "Shown", "Sold"]
    assert all("%" in rate for rate in table["Step rate"][1:])
    assert table.loc["Shown", "Reached"] == "120"


def test_overview_on_one_row_compares_with_nothing(show: Show) -> None:
    app = show("overview", "one_row")
    assert "there is nothing to compare it with" in texts(app)
    assert [metric.delta for metric in app.metric] == [""] * len(app.metric)


def test_overview_colours_no_change_that_chance_may_explain(show: Show) -> None:
    grey = MetricProto.MetricColor.GRAY
    assert all(metric.proto.color == grey for metric in show("overview").metric)


def test_sources_say_unknown_where_nobody_entered_spend(show: Show) -> None:
    app = show("sources", period="all data")
    table = app.table[0].value.set_index("Source")
    assert table.loc["Walk\\-in", "Spend"] == "unknown"
    assert table.loc["Walk\\-in", "Cost per lead"] == "unknown"
    assert "0" not in table.loc["\\(no source\\)", "Cost per sale"]


def test_the_last_line_of_sources_is_divided_anew(show: Show) -> None:
    table = show("sources", period="all data").table[0].value.set_index("Source")
    spend, leads = 730 * 10, 300
    assert table.loc["Website", "Leads"] == "150"
    assert table.loc["All sources", "Cost per lead"] == f"\\${spend / leads:.2f}"


def test_sources_are_ordered_by_spend_and_what_is_unknown_comes_last(show: Show) -> None:
    table = show("sources", period="all data").table[0].value
    assert [name.replace("\\", "") for name in table["Source"]] == [
        "*Best* $Leads",
        "Website",
        "Walk-in",
        "(no source)",
        "All sources",
    ]


def test_sources_say_what_to_do_about_unknown_spend(show: Show) -> None:
    shown = texts(show("sources", period="all data"))
    assert "Spend is unknown for Walk\\-in" in shown
    assert "until it stands in the spend sheet" in shown


def rate(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def test_a_cost_that_rests_on_few_sales_says_so() -> None:
    row = {"value": 500.0, "numerator": 2000.0, "denominator": 4.0, "n_immature": None, "reason": None}
    assert sources.cell("cost_per_sale", row, "USD") == "$500 (fewer than 5 sales)"
    assert sources.cell("cost_per_sale", row | {"denominator": 5.0}, "USD") == "$500"


def test_a_return_reads_as_money_for_money() -> None:
    row = {"value": 4.863, "numerator": 486.3, "denominator": 100.0, "n_immature": 7.0, "reason": None}
    assert sources.cell("roi", row, "USD") == "$4.86 per $1 (7 open)"


def test_sources_state_what_the_cost_left_out(show: Show) -> None:
    assert "Left out" in texts(show("sources", period="all data")).replace("\\", "")


def test_a_person_filter_makes_spend_not_available_with_the_reason(show: Show) -> None:
    app = show("sources", period="all data", person="Ada Hill")
    assert not app.exception
    table = app.table[0].value.set_index("Source")
    assert table.loc["Website", "Spend"] == "n/a"
    assert any("Spend is bought for a source, not for a person" in info.value for info in app.info)


def test_a_store_without_a_contact_log_or_deals_says_what_stands_in_for_them(show: Show) -> None:
    said = texts(show("overview", "one_row", period="all data", compare="none"))
    assert "logs no contacts" in said
    assert "has no deal records" in said
    assert "logs no contacts" not in texts(show("overview", period="all data", compare="none"))


def test_money_of_two_currencies_is_not_added(show: Show) -> None:
    app = show("overview", "two_currencies", period="all data", compare="none")
    assert next(metric.value for metric in app.metric if metric.label == "Gross") == "n/a"
    assert "different currencies (CAD, USD)" in texts(app).replace("\\", "")


def test_money_of_one_store_is_in_its_own_currency(show: Show) -> None:
    app = show("overview", "two_currencies", period="all data", compare="none", store="South")
    assert next(metric.value for metric in app.metric if metric.label == "Gross").startswith("CA$")


def test_definitions_find_by_every_word_of_the_search(show: Show) -> None:
    app = show("definitions", find="cost sale")
    assert [entry.label.partition(":")[0] for entry in app.expander] == ["**Cost per sale**"]


def test_definitions_open_the_metric_of_the_link_with_its_query(show: Show) -> None:
    app = show("definitions", metric="show_rate", store="North")
    assert app.expander[0].label.startswith("**Show rate**: Of the appointments due")
    assert "fct_appointment" in app.code[0].value
    assert "North" in app.code[1].value


def test_definitions_are_of_no_period_but_their_queries_are(show: Show) -> None:
    shown = texts(show("definitions", metric="show_rate", period="last month"))
    assert "**The same in every period**" in shown
    assert "**May 1, 2026 to May 31, 2026**" not in shown
    assert "The query for May 1, 2026 to May 31, 2026" in shown


def test_definitions_say_so_when_a_link_names_no_metric(show: Show) -> None:
    assert "does not have" in texts(show("definitions", metric="luck"))


def test_definitions_say_how_each_word_of_the_exports_counts(show: Show) -> None:
    words = show("definitions").table[0].value.set_index("Word")["How it counts"]
    assert "left out" in words["fleet, wholesale, dealer trade"]
    assert "stays in the show rate" in words["no\\-show"]


def cells(app: AppTest) -> str:
    """Every header and cell of every table, without the marks that keep Markdown out."""
    told = [*(name for table in app.table for name in table.value.columns)]
    told += [str(cell) for table in app.table for row in table.value.to_numpy().tolist() for cell in row]
    return "\n".join(told).replace("\\", "").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("page", "asked", "column", "cell"),
    [
        ("overview", {"view": "store by store"}, "North", "; target 12.0%"),
        ("people", {"rate": "closing rate"}, "Target, as counted", "\n12.0%"),
        ("person", {"who": "a1"}, "Target", "\n12.0%"),
        ("sources", {}, "Closing rate", "; target 12.0%"),
    ],
    ids=["stores", "people", "person", "sources"],
)
def test_a_target_stands_beside_its_rate(show: Show, page: str, asked: dict[str, str], column: str, cell: str) -> None:
    app = show(page, period="all data", compare="none", **asked)
    assert not app.exception
    assert f"\n{column}\n" in cells(app)
    assert cell in cells(app)


def test_a_source_is_held_against_its_own_target_alone(show: Show) -> None:
    lines = [str(line) for line in show("sources", period="all data").table[0].value.to_numpy().tolist()]
    assert [line.startswith("['All sources'") for line in lines if "target" in line] == [True]


def test_the_trend_says_its_target_and_draws_it(show: Show) -> None:
    assert "The target is 12.0%." in texts(show("overview", period="all data")).replace("\\", "")


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("worklist", {}),
        ("overview", {"rows": "closing_rate.numerator"}),
        ("customers", {"customer": "c1"}),
        ("person", {"who": "a1"}),
        ("data_quality", {}),
        ("audit", {}),
    ],
)
@pytest.mark.parametrize("content", [b"no database" * 200, None])
def test_a_journal_that_cannot_be_used_is_said_in_words(
    show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str], content: bytes | None
) -> None:
    journal = tmp_path / "journal.sqlite"
    monkeypatch.setenv("UPBOARD_JOURNAL", str(journal))
    ada = User(login="ada@example.com", name="Ada Reyes", role="administrator")
    monkeypatch.setattr(sign_in, "require", lambda: ada)
    monkeypatch.setattr(signed, "users_now", lambda: Users(users=(ada,)))
    if content is None:  # of a newer Upboard
        with closing(sqlite3.connect(journal)) as connection:
            connection.execute("pragma user_version = 99")
    else:
        journal.write_bytes(content)
    app = show(page, **query)
    assert not app.exception
    said = " ".join(error.value for error in app.error)
    assert "The journal" in said
    assert "Hint" in said
