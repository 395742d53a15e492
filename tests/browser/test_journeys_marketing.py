"""Marketing's two ways: the source that is to blame for its own return, and a cost per sale with spend missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from typer.testing import CliRunner

from loaders.__main__ import app
from tests.browser.conftest import AS_OF, Reader, Server, Watch, serving
from tests.browser.test_dashboard import ALL_DATA, counted, has_query, settle, visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dealership with enough sales to tell a weak source from a late answer."""
    place = tmp_path_factory.mktemp("larger")
    exports, warehouse, log = place / "exports", place / "warehouse", place / "addresses.log"
    command = ["demo", str(exports), "--months", "9", "--leads-per-month", "600", "--as-of", AS_OF.isoformat()]
    result = CliRunner().invoke(app, [*command, "--load-into", str(warehouse)])
    assert result.exit_code == 0, result.output
    with serving(warehouse, log) as url:
        yield Server(url, warehouse, exports, log)


@pytest.fixture
def tab(reader: Reader, larger: Server, watch: Watch) -> Iterator[Page]:
    """A tab on the larger dealership; nothing in it may fail or leave this machine."""
    with reader.at(larger.url, watch) as opened:
        yield opened
    assert watch.faults == []
    assert watch.strangers == []


def advice(page: Page, head: str) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("listitem").filter(has_text=head)


def test_the_worst_return_is_the_sources_own_fault_and_the_late_one_is_ours(tab: Page, larger: Server) -> None:
    stories = json.loads((larger.exports / "truth.json").read_text(encoding="utf-8"))["stories"]
    late: dict[str, Any] = next(story for story in stories if story["story"] == "late_source")
    visit(tab, larger, f"sources?{ALL_DATA}", "Sources")
    told = re.compile(rf"{late['source']} \(.*; our handling at {late['store']}\)")
    expect(advice(tab, "Our own fault, mend first")).to_contain_text(told)
    expect(advice(tab, "Cut or renegotiate")).to_contain_text("AutoBazaar")
    expect(advice(tab, "Cut or renegotiate")).not_to_contain_text(late["source"])
    returns = {row["source"]: row["value"] for row in counted(larger, "show roi", "--by", "source")}
    paid = {name: value for name, value in returns.items() if value is not None}
    assert min(paid, key=lambda name: paid[name]) == "AutoBazaar"
    expect(tab.get_by_test_id("stMain")).to_contain_text(
        f"Contact rate at {late['store']} of 11 sources, low by our handling: {late['source']}"
    )


def test_cost_per_sale_is_unknown_where_nobody_entered_spend(page: Page, server: Server) -> None:
    visit(page, server, f"sources?{ALL_DATA}&drawn=cost+per+sale", "Sources")
    table = page.get_by_test_id("stTable").first
    phone = table.get_by_role("row").filter(has_text="Phone").first
    place = table.get_by_role("columnheader").all_inner_texts().index("Cost per sale")
    assert phone.get_by_role("cell").nth(place).inner_text() == "unknown"
    expect(page.get_by_test_id("stMain")).to_contain_text("Spend is unknown for Phone")
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile(r"Cost per sale runs from .* are unknown\."))
    (whole,) = counted(server, "show cost_per_sale")
    last = table.get_by_role("row").last
    assert last.get_by_role("cell").nth(place).inner_text() == f"${whole['value']:,.0f}"


def test_what_cannot_be_told_of_a_budget_is_said_and_the_move_stands_in_the_address(page: Page, server: Server) -> None:
    visit(page, server, f"sources?{ALL_DATA}&take_from=Facebook&give_to=CarFinder&move_amount=900", "Sources")
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("It cannot be told.")
    amount = main.get_by_role("spinbutton", name="Each month")
    expect(amount).to_have_value("900.00")
    amount.fill("1200")
    amount.press("Enter")
    settle(page)
    has_query(page, move_amount="1200", take_from="Facebook", give_to="CarFinder")
