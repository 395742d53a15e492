"""Every page under the content policy of the launcher, in a real browser: nothing is blocked, nothing leaves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from pages import PAGES
from tests.browser.conftest import Server, Watch
from tests.browser.test_dashboard import IDLE

pytestmark = pytest.mark.browser

NAMES = [name for names in PAGES.values() for name in names]
# The protocol's library tries WebAssembly for 64-bit numbers, and has its own arithmetic where it may not.
DONE_WITHOUT = {"script-src wasm-eval"}
_LISTEN = """
    window.blocked = [];
    document.addEventListener('securitypolicyviolation', found => window.blocked.push(
        `${found.violatedDirective} ${found.blockedURI}`));
"""


def settle(page: Page) -> None:
    """Wait until all of a page is there; not every page has filters."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    page.evaluate(IDLE)


@pytest.mark.parametrize("name", NAMES)
def test_no_page_needs_more_than_the_policy_grants(page: Page, server: Server, watch: Watch, name: str) -> None:
    page.add_init_script(_LISTEN)
    page.goto(f"{server.url}/{'' if name == 'overview' else name}?period=all+data")
    settle(page)
    assert set(page.evaluate("window.blocked")) <= DONE_WITHOUT
    assert watch.strangers == []


def test_the_policy_would_stop_a_script_that_crept_in(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(_LISTEN)
    page.goto(server.url)
    settle(page)
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.crept = true';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.crept = true">');
        }"""
    )
    page.wait_for_function("window.blocked.filter(found => found.includes('inline')).length >= 2")
    assert page.evaluate("window.crept || null") is None
    context.close()
