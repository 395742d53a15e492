"""Texts of an attacker on every page of a real server: they are shown as words; nothing runs, loads or links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.attacks.hostile import hostile_journal
from tests.browser.conftest import Reader, Watch, serving
from tests.browser.test_served import settle
from tests.pages.showroom import HOSTILE, hostile_showroom

pytestmark = pytest.mark.browser

ALL = {"period": "all data"}
STORE = f"{HOSTILE} North"
# Each page that shows words of the data, as a link that makes it show them; and words of a link that nothing knows.
LINKS: dict[str, tuple[str, dict[str, str]]] = {
    "overview": ("", ALL),
    "overview by store": ("", ALL | {"view": "by store"}),
    "rows": ("", ALL | {"rows": "leads.numerator"}),
    "sources": ("sources", ALL),
    "people": ("people", ALL),
    "person": ("person", ALL | {"who": "a1"}),
    "appointments": ("appointments", ALL),
    "response": ("response", ALL),
    "worklist": ("worklist", {"show": "older too"}),
    "worklist, handled": ("worklist", {"show": "handled"}),
    "customers": ("customers", ALL | {"find_customer": "evil"}),
    "timeline": ("customers", ALL | {"customer": "c1"}),
    "data quality": ("data_quality", ALL),
    "definitions": ("definitions", {"metric": "leads", "store": STORE}),
    "audit": ("audit", {}),
    "load data, sources": ("load_data", {"part": "Sources"}),
}
STRANGE = dict.fromkeys(("store", "source", "person", "lead_type", "period", "compare", "rows", "member"), HOSTILE)
STRANGERS: dict[str, tuple[str, dict[str, str]]] = {
    "overview": ("", STRANGE | {"view": HOSTILE, "trend_of": HOSTILE, "credit": HOSTILE}),
    "a member": ("people", ALL | {"rows": "leads.numerator", "member": f"planet:{HOSTILE}"}),
    "person": ("person", {"who": HOSTILE}),
    "customers": ("customers", {"find_customer": HOSTILE, "customer": HOSTILE}),
    "worklist": ("worklist", {"list": HOSTILE, "owner": HOSTILE, "show": HOSTILE}),
    "definitions": ("definitions", {"find": HOSTILE, "metric": HOSTILE}),
}
_CREPT = """() => [
    window.crept ? 'ran' : '',
    ...[...document.querySelectorAll('img[src=x], [onerror], a[href^="javascript" i], [href*="evil.example"]')]
        .filter(found => !/^mailto:[^?&]*$/.test(found.getAttribute('href')))
        .map(found => found.outerHTML.slice(0, 300)),
    ...[...document.scripts].filter(found => found.textContent.includes('crept')).map(found => 'a script'),
    ...window.blocked.filter(found => found.includes('inline')),
].filter(Boolean)"""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose every text somebody hostile typed, its journal too."""
    place = tmp_path_factory.mktemp("attacked")
    warehouse: Path = hostile_showroom(place / "warehouse")
    hostile_journal(warehouse)
    with serving(warehouse, place / "addresses.log") as url:
        yield url


@pytest.fixture
def tab(attacked: str, reader: Reader, watch: Watch) -> Iterator[Page]:
    """A tab that notes what runs and what leaves; after the test, nothing has."""
    with reader.at(attacked, watch) as page:
        yield page
    assert watch.faults == []
    assert watch.strangers == []


def look(tab: Page, url: str, path: str, query: dict[str, str]) -> None:
    """Open a link and let all of its page be drawn."""
    tab.goto(f"{url}/{path}?{urlencode(query)}")
    settle(tab)
    expect(tab.locator("[data-stale=true]")).to_have_count(0)
    expect(tab.locator("[data-testid=stException]")).to_have_count(0)


@pytest.mark.parametrize("name", LINKS)
def test_hostile_texts_of_the_data_are_shown_as_words(tab: Page, attacked: str, name: str) -> None:
    look(tab, attacked, *LINKS[name])
    assert tab.evaluate(_CREPT) == []


@pytest.mark.parametrize("name", STRANGERS)
def test_hostile_texts_of_a_link_are_shown_as_words(tab: Page, attacked: str, name: str) -> None:
    look(tab, attacked, *STRANGERS[name])
    assert tab.evaluate(_CREPT) == []
