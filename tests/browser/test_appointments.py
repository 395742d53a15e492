"""Journey 8: the CRM manager checks tomorrow's unconfirmed appointments; and sees when leads wait for an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from metrics.lists import UNCONFIRMED
from tests.browser.conftest import Server
from tests.browser.test_dashboard import counted, has_query, settle, visit

pytestmark = pytest.mark.browser

STORE = "Hillcrest Auto"


def unconfirmed(server: Server, *options: str) -> list[dict[str, Any]]:
    """What the command line says of today's and tomorrow's unconfirmed appointments."""
    return counted(server, "worklist unconfirmed_appointment", *options)


def lines(page: Page) -> list[str]:
    return page.get_by_test_id("stMarkdown").locator("li").filter(has_text="set by").all_inner_texts()


def test_tomorrows_unconfirmed_appointments_are_listed_filtered_and_taken_along(page: Page, server: Server) -> None:
    visit(page, server, "appointments", "Appointments")
    everybody = unconfirmed(server)
    assert everybody
    expect(page.get_by_text(f"call to confirm {len(everybody)} of the")).to_be_visible()
    assert len(lines(page)) == len(everybody)
    expect(page.get_by_text("Tomorrow, ").first).to_be_visible()

    visit(page, server, f"appointments?store={quote(STORE)}", "Appointments")
    here = unconfirmed(server, "--where", f"store={STORE}")
    assert 0 < len(here) < len(everybody)
    shown = lines(page)
    assert len(shown) == len(here)
    for row in here:
        reach = row["phone"] or row["email"] or "no number"
        assert any(row["customer"] in line and reach in line and row["owner"] in line for line in shown)

    page.get_by_text("next seven days", exact=True).click()
    page.get_by_text("all", exact=True).click()
    settle(page)
    has_query(page, days="next seven days", which="all", store=STORE)
    whole = len(lines(page))
    assert whole >= len(here)
    page.reload()
    settle(page, "Appointments")
    assert len(lines(page)) == whole

    with page.expect_download() as saved:
        page.get_by_role("button", name="Download CSV").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert f"# Filters: Store: {STORE}" in text
    assert len([line for line in text.splitlines() if not line.startswith("#")]) == whole + 1


def test_from_the_calendar_to_the_worklist_that_is_called(page: Page, server: Server) -> None:
    visit(page, server, "appointments", "Appointments")
    page.get_by_role("link", name="Mark calls as handled").click()
    settle(page, "Worklist")
    has_query(page, list=UNCONFIRMED.label.lower())
    first = unconfirmed(server)[0]
    expect(page.get_by_text(first["customer"]).first).to_be_visible()


def test_response_says_when_and_opens_the_rows(page: Page, server: Server) -> None:
    visit(page, server, "response?period=all+data", "Response")
    (row,) = counted(server, "show answered_within_standard")
    answer = page.get_by_text("were answered by a person within the standard").first
    expect(answer).to_contain_text(f"{100 * row['value']:.1f}%")
    page.get_by_role("button", name="Those nobody tried to reach").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Rows behind: Never answered")
    has_query(page, rows="never_answered_rate.numerator")
    expect(dialog.get_by_test_id("stDataFrame")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    has_query(page, rows=None)
    page.get_by_text("arrivals", exact=True).click()
    settle(page)
    has_query(page, map="arrivals", rows=None)
