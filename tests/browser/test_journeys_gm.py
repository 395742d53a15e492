"""The general manager's two ways: why closing changed since last month, and two stores compared for a quarter."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from metrics.__main__ import app
from tests.browser.conftest import Server
from tests.browser.test_dashboard import choose, counted, has_query, settle, visit

pytestmark = pytest.mark.browser

FLOODED = "Hillcrest Auto"  # one month of which is flooded by a weak source


@pytest.fixture(scope="module")
def flood(server: Server) -> dict[str, Any]:
    """The month that a weak source flooded, as the simulation knows it."""
    stories = json.loads((server.exports / "truth.json").read_text(encoding="utf-8"))["stories"]
    return next(story for story in stories if story["story"] == "mix_month")


def explained(server: Server, name: str, *options: str) -> dict[str, Any]:
    """The line of the whole that the command line gives for the same change."""
    asked = ["explain", name, *options, "--over", "source", "--format", "json", "--warehouse", str(server.warehouse)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return next(row for row in rows if row["value"] == "(all)")


def test_a_general_manager_sees_why_closing_changed_since_last_month(
    page: Page, server: Server, flood: dict[str, Any]
) -> None:
    assert flood["month"] == "2026-01-01"
    visit(page, server, f"?period=last+month&store={quote(FLOODED)}", "Overview")
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text(re.compile(rf"Why: Closing rate \w+ [\d.]+ points.*less {flood['source']}: \d\d\.\d%"))
    expect(main.get_by_role("heading", name="Why it changed")).to_be_visible()
    before = ("--from", "2026-01-01", "--to", "2026-01-31", "--where", f"store={FLOODED}")
    rows = {row["source"]: row for row in counted(server, "show closing_rate", "--by", "source", *before)}
    share = rows[flood["source"]]["denominator"] / sum(row["denominator"] for row in rows.values())
    expect(main).to_contain_text(f"{flood['source']}: {100 * share:.1f}% of the leads then")


def test_the_parts_of_a_change_are_those_of_the_command_line(page: Page, server: Server) -> None:
    address = (
        "?period=custom&from=2025-12-01&to=2025-12-31&compare=previous+period&change_of=contact+rate&mix_of=source"
    )
    visit(page, server, address, "Overview")
    span = ("--from", "2025-12-01", "--to", "2025-12-31", "--against", "2025-11-01:2025-11-30")
    whole = explained(server, "contact_rate", *span)
    table = page.get_by_test_id("stTable").filter(has_text=re.compile("More leads|Fewer leads"))
    expect(table).to_have_count(1)
    cells = str(table.text_content())
    for name in ("hits_before", "volume", "mix", "rate", "hits_now"):
        assert re.search(rf"{abs(whole[name]):,.1f}".removesuffix(".0"), cells), (name, whole[name], cells)


def test_two_stores_are_compared_for_a_quarter_and_the_link_shows_the_same(page: Page, server: Server) -> None:
    visit(page, server, "", "Overview")
    choose(page, "Period", "this quarter")
    page.get_by_test_id("stMain").get_by_role("radio", name="store by store").click()
    settle(page, "Overview")
    has_query(page, period="this quarter", view="store by store")
    asked = ("--by", "store", "--from", "2026-01-01", "--to", "2026-03-20")
    by_store = {row["store"]: row for row in counted(server, "show closing_rate", *asked)}
    line = page.get_by_test_id("stTable").first.get_by_role("row").filter(has_text="Closing rate")
    for row in by_store.values():
        expect(line).to_contain_text(f"{100 * row['value']:.1f}% ({row['numerator']:.0f} of {row['denominator']:.0f};")
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile("cannot be told apart|more than chance explains"))
    shared = page.context.new_page()
    shared.goto(page.url)
    settle(shared, "Overview")
    assert shared.get_by_test_id("stTable").first.inner_text() == page.get_by_test_id("stTable").first.inner_text()
