"""The content policy of the launcher in a real browser: it would stop what crept in.

That no page needs more than it grants is seen where every page is looked at: test_accessibility.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader, Server
from tests.browser.test_dashboard import IDLE

pytestmark = pytest.mark.browser


def settle(page: Page) -> None:
    """Wait until all of a page is there; not every page has filters."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    page.evaluate(IDLE)


def test_the_policy_would_stop_a_script_that_crept_in(reader: Reader, server: Server) -> None:
    with reader.at(server.url) as page:
        page.goto(server.url)
        settle(page)
        a_script_creeps_in(page)
        page.wait_for_function("window.blocked.filter(found => found.includes('inline')).length >= 2")
        assert page.evaluate("window.crept || null") is None


def a_script_creeps_in(page: Page) -> None:
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.crept = true';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.crept = true">');
        }"""
    )
