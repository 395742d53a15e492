"""Sources on every warehouse: what to do, return, handling, credit, budget and the ledger."""

from __future__ import annotations

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from pages import source_parts
from tests.pages.conftest import Show


def texts(app: AppTest) -> str:
    """Every sentence on the page, without the escapes of Markdown."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("warehouse", ["full", "one_row", "one_store", "two_currencies", "long_names"])
@pytest.mark.parametrize("level", ["source", "source group"])
def test_both_levels_stand_on_every_warehouse(show: Show, warehouse: str, level: str) -> None:
    app = show("sources", warehouse, period="all data", level=level)
    assert not app.exception


def test_what_to_do_comes_before_the_numbers(show: Show) -> None:
    said = [element.value.replace("\\", "") for element in show("sources", period="all data").markdown]
    first = next(place for place, line in enumerate(said) if line.startswith("- **Leave as they are:** *Best* $Leads"))
    numbers = next(place for place, line in enumerate(said) if "600 leads from 4 sources" in line)
    assert first < numbers
    assert "**Spend unknown:** (no source); Walk-in." in said[first]


def test_the_returns_are_drawn_as_money_for_money_with_an_interval(show: Show) -> None:
    app = show("sources", period="all data")
    tables = [table.value for table in app.table]
    returns = next(found for found in tables if "Gained per $1" in found).set_index("Source")
    assert returns.loc["Walk\\-in", "Spend"] == "unknown"
    assert "to" in returns.loc["Website", "95% interval"]


def test_the_ledger_ties_out_with_nobodys_sales_in_lines_of_their_own(show: Show) -> None:
    app = show("sources", period="all data")
    ledger = next(table.value for table in app.table if "Sold units" in table.value).set_index("Source")
    units = {name.replace("\\", ""): int(value) for name, value in ledger["Sold units"].items() if value != "none"}
    assert units["(total)"] == 60
    assert sum(units.values()) == 2 * 60


def test_credit_shares_out_the_same_total_by_every_rule(show: Show) -> None:
    app = show("sources", period="all data")
    total = next(table.value for table in app.table if "First lead" in table.value).iloc[-1]
    assert total["First lead"] == total["Last lead"] == total["Evenly"] == "60"


def test_a_budget_that_cannot_be_told_says_why(show: Show) -> None:
    shown = texts(show("sources", period="all data", take_from="Website", give_to="*Best* $Leads"))
    assert "It cannot be told." in shown
    same = texts(show("sources", period="all data", take_from="Website", give_to="Website"))
    assert "Choose two different sources." in same


def test_the_amount_to_move_stands_in_the_address(show: Show) -> None:
    app = show("sources", period="all data", move_amount="750")
    assert app.number_input(key="move_amount").value == 750


def test_two_currencies_say_why_money_is_not_one_number(show: Show) -> None:
    app = show("sources", "two_currencies", period="all data")
    assert "currenc" in texts(app)


def test_who_earns_its_spend_and_who_may_not_is_said() -> None:
    rows = pl.DataFrame(
        [
            {"source": "Best", "low": 2.0, "high": 4.0, "state": None},
            {"source": "Poor", "low": -0.4, "high": 0.7, "state": None},
            {"source": "Thin", "low": None, "high": None, "state": "fewer than 5 sales"},
        ]
    )
    assert source_parts.describe_returns(rows, "USD") == (
        "Earn their spend beyond chance: Best. May not earn it: Poor. Fewer than 5 sales: Thin."
    )


def test_a_move_is_said_with_its_interval_or_the_reason() -> None:
    row = {"metric": "leads", "change": -2.5, "low": -4.0, "high": -1.0, "sentence": "x", "after": None}
    assert source_parts.moved_words(row, "USD").startswith("Leads: -2.5 a month (95% interval -4 to -1).")
    assert source_parts.moved_words(row | {"change": None, "sentence": "It cannot be told."}, "USD") == (
        "It cannot be told."
    )


def test_a_spend_that_was_never_tried_is_said_in_the_stores_own_money() -> None:
    row = {"metric": "leads", "change": None, "sentence": "x", "source": "Web"}
    assert source_parts.moved_words(row | {"after": 5001.0, "least": 900.0, "most": 4200.0}, "GBP") == (
        "It cannot be told. Web: £5,001 a month was never tried, only £900 to £4,200."
    )


def test_flipped_ranks_are_flagged() -> None:
    rows = pl.DataFrame({"source": ["A", "B", "(total)"], "is_flipped": [True, False, None]})
    assert "for: A." in source_parts.describe_credit(rows)
    assert "same by every rule" in source_parts.describe_credit(rows.filter(source="B"))


def test_the_store_where_handling_is_at_fault_comes_first() -> None:
    found = pl.DataFrame({"store": ["East", "West", "West"], "verdict": ["quality", "handling", "not low"]})
    assert source_parts.by_fault(found) == ("West", "East")
