"""WCAG 2.2 AA on every page, by axe-core, in both appearances; no page scrolls sideways on a phone or a wall screen.

A visit takes seconds of a browser, so the content policy of the launcher is looked at on the same one.

What Streamlit itself causes is listed in STREAMLIT, by rule and by the part of its own that breaks it: no page can mend
it. Everything else is ours, and nothing of it may remain.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pages import PAGES
from tests.browser.conftest import Appearance, Server
from tests.browser.test_dashboard import IDLE

pytestmark = pytest.mark.browser

# All rules once; in the other appearance and on a phone those that depend on colours and sizes.
RULES: Final = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "dark": {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]},
}
# Rule, and the part of Streamlit's own that breaks it, wherever a page uses that part.
STREAMLIT: Final = {
    "list": "[data-testid=stSidebarNavItems]",  # groups of pages are div below ul
    "listitem": "[data-testid=stSidebarNav] li",
    "svg-img-alt": "[data-testid=stMetric]",  # marks of the sparkline of st.metric
    "scrollable-region-focusable": "[data-testid=stTable]",  # a wide table scrolls by touch and mouse, not by key
}
# The protocol's library tries WebAssembly for 64-bit numbers, and has its own arithmetic where it may not.
DONE_WITHOUT: Final = {"script-src wasm-eval"}
NAMES: Final = [name for names in PAGES.values() for name in names]
FIRST: Final = "overview"
LOOKS: Final[tuple[tuple[Appearance, int], ...]] = (("light", 1400), ("dark", 390))


def address(server: Server, name: str) -> str:
    return f"{server.url}/{'' if name == FIRST else name}?period=all+data"


def settle(page: Page) -> None:
    """Wait until the run is over, the slow parts too, and the browser has drawn it."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    page.evaluate(IDLE)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def ours(page: Page, appearance: str = "light") -> list[str]:
    """What axe finds that Streamlit does not cause, a line each: rule, weight, element."""
    found: list[dict[str, Any]] = (
        Axe().run(page, options={"runOnly": RULES[appearance], "resultTypes": ["violations"]}).response["violations"]
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if not is_streamlits(page, rule["id"], node["target"][0])
    ]


def is_streamlits(page: Page, rule: str, target: str) -> bool:
    """Whether the element is, or stands in, the part of Streamlit that is known to break the rule."""
    part = STREAMLIT.get(rule)
    is_part = "([target, part]) => document.querySelector(target).closest(part) !== null"
    return part is not None and bool(page.evaluate(is_part, [target, part]))


def width_beyond_screen(page: Page) -> int:
    """By how many pixels the page could be scrolled sideways."""
    beyond: int = page.evaluate(
        "Math.max(...[...document.querySelectorAll('html, [data-testid=stMain], [data-testid=stMainBlockContainer]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    return beyond


@pytest.mark.parametrize("name", NAMES)
def test_a_page_meets_wcag_fits_every_screen_and_needs_no_more_than_the_policy_grants(
    page: Page, server: Server, name: str
) -> None:
    for appearance, width in LOOKS:
        page.emulate_media(color_scheme=appearance)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address(server, name))
        settle(page)
        assert set(page.evaluate("window.blocked")) <= DONE_WITHOUT
        expect(page.get_by_text("Data as of").first).to_be_visible()
        assert ours(page, appearance) == [], appearance
        assert width_beyond_screen(page) <= 0, width
        if appearance == "light":
            page.set_viewport_size({"width": 1920, "height": 1080})
            page.evaluate(IDLE)
            assert width_beyond_screen(page) <= 0, "wall screen"
