"""Five users of five roles, signed in by the real form in a real browser: the right pages, the right rows, no name.

The showroom has 300 leads at each of two stores. A salesperson has every second one of a store: 150.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final

import duckdb
import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect

from pages import roles
from pages.passwords import hashed
from pages.users import ROLES, Role
from tests.browser.conftest import Watch, window
from tests.browser.signing import PASSWORD, Signing, sign_in, signing, users_text
from tests.browser.test_accessibility import ours, settle, width_beyond_screen
from tests.pages.showroom import full_showroom

pytestmark = pytest.mark.browser

NORTH, SOUTH = 'stores = ["North"]', 'stores = ["South"]'
NAMES: Final[Mapping[Role, str]] = {
    "administrator": "root",
    "general_manager": "gina",
    "crm_manager": "carl",
    "marketing": "mia",
    "salesperson": "ada",
}
THEIRS: Final[Mapping[Role, str]] = {
    "administrator": "",
    "general_manager": NORTH,
    "crm_manager": SOUTH,
    "marketing": NORTH,
    "salesperson": f'{NORTH}\nperson = "Ada Hill"',
}
# Who waits for a call since the last days: opportunity, customer, and by whom and where they are looked after.
WAITING: Final = {
    "o596": "Gil Moss",  # Ada Hill, North
    "o597": "Hal Nye",  # Ada Hill, South
    "o598": "Ivy Orr",  # Bo Park, North
    "o599": "Jon Pell",  # Bo Park, South
}
CUSTOMERS: Final = ("Dee Vale", *WAITING.values())
STAFF: Final = ("Ada Hill", "Bo Park", "Cy Ford")


@dataclass
class Desk:
    """The tab of somebody who is signed in, with what went wrong in it."""

    url: str
    page: Page
    watch: Watch = field(default_factory=Watch)

    def open(self, name: str, query: str = "", *, is_anew: bool = False) -> Page:
        """Go to a page by its address, unless the tab is there and need not come anew; wait until it is drawn."""
        address = f"{self.url}/{name}?period=all+data{query}"
        if is_anew or self.page.url != address:
            self.page.goto(address)
        settle(self.page)
        # A font that is still on its way when the next page is opened would count as failed.
        self.page.wait_for_load_state("networkidle")
        return self.page

    @property
    def main(self) -> Locator:
        return self.page.get_by_test_id("stMain")


@dataclass
class Dealership:
    """A server with five users, and the desk of each, signed in once."""

    signing: Signing
    browser: Browser
    desks: dict[Role, Desk] = field(default_factory=dict)

    def desk(self, role: Role) -> Desk:
        """The desk of a role; its user signs in by the form when it is first asked for."""
        if role not in self.desks:
            self.desks[role] = self._signed_in(role)
        return self.desks[role]

    def _signed_in(self, role: Role) -> Desk:
        context = window(self.browser)
        desk = Desk(self.signing.url, context.new_page())
        desk.page.goto(f"{self.signing.url}/?period=all+data")
        sign_in(desk.page, NAMES[role])
        expect(desk.page.get_by_text(f"Signed in as {NAMES[role].title()} Example")).to_be_visible()
        settle(desk.page)
        desk.watch.follow(desk.page, self.signing.url)
        return desk


@pytest.fixture(scope="module")
def dealership(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dealership]:
    warehouse, place = full_showroom(tmp_path_factory.mktemp("showroom")), tmp_path_factory.mktemp("roles")
    _let_wait(warehouse)
    kept = f'password = "{hashed(PASSWORD)}"'
    text = users_text(**{NAMES[role]: f'role = "{role}"\n{THEIRS[role]}\n{kept}' for role in ROLES})
    with signing(warehouse, place, text) as started:
        signed = Dealership(started, browser)
        yield signed
        for desk in signed.desks.values():
            desk.page.context.close()


def _let_wait(warehouse: Path) -> None:
    """Four customers who have a name, a phone and an e-mail asked for us, and nobody called them."""
    with duckdb.connect(str(warehouse / (warehouse / "CURRENT").read_text(encoding="utf-8").strip())) as star:
        for number, (key, name) in enumerate(WAITING.items(), 2):
            star.execute(
                "insert into dim_customer by name select $key as customer_key, $name as customer, store_key, "
                "1 as lead_count, $phone as phone, $email as email from fct_opportunity where opportunity_key = $of",
                {
                    "key": f"c{number}",
                    "name": name,
                    "phone": f"(312) 555-010{number}",
                    "email": f"c{number}@example.net",
                    "of": key,
                },
            )
            star.execute(
                "update fct_opportunity set customer_key = ?, is_attempted = false, first_attempt_at = null, "
                "first_any_response_at = null where opportunity_key = ?",
                [f"c{number}", key],
            )
            star.execute("update fct_lead set customer_key = ? where opportunity_key = ?", [f"c{number}", key])


@pytest.fixture
def desk(dealership: Dealership, role: Role) -> Iterator[Desk]:
    """The desk of the role; in its tab nothing may fail or leave this machine meanwhile."""
    found = dealership.desk(role)
    found.watch.faults.clear()
    yield found
    assert found.watch.faults == []
    assert found.watch.strangers == []


def titles(names: tuple[str, ...]) -> set[str]:
    return {import_module(f"pages.{name}").TITLE for name in names}


def options(desk: Desk, label: str) -> list[str]:
    """What a filter of the sidebar offers."""
    box = desk.page.get_by_test_id("stSidebar").get_by_role("combobox", name=label, exact=True)
    offered = desk.page.get_by_role("option")
    # A list that is opened while the page is redrawn may close again.
    for _ in range(5):
        box.press("ArrowDown")
        with suppress(Error):
            offered.first.wait_for(timeout=3_000)
            break
    found = offered.all_inner_texts()
    desk.page.keyboard.press("Escape")
    expect(offered).to_have_count(0)  # else the next list that is opened could be taken for this one as it goes
    return found


def taken(desk: Desk, label: str = "Download CSV") -> str:
    """The text of the file that a button gives."""
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name=label).click()
    return download.value.path().read_text(encoding="utf-8-sig")


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_navigation_holds_the_pages_of_the_role_and_no_other(desk: Desk, role: Role) -> None:
    desk.open("")
    found = desk.page.get_by_test_id("stSidebarNavLink")
    wanted = titles(roles.RULES[role].pages)
    expect(found).to_have_count(len(wanted))
    assert {link.inner_text().splitlines()[-1] for link in found.all()} == wanted


TYPED: Final[Mapping[Role, tuple[str, ...]]] = {
    "administrator": ("mine",),
    "general_manager": ("load_data", "audit"),
    "crm_manager": ("audit",),
    "marketing": ("customers", "worklist", "person"),
    "salesperson": ("people", "sources", "data_quality"),
}


@pytest.mark.parametrize("role", ROLES)
def test_an_address_that_is_not_served_says_so_and_shows_nothing_of_its_page(desk: Desk, role: Role) -> None:
    first = desk.open("").get_by_role("heading", level=1).inner_text()
    for name in TYPED[role]:
        assert name not in roles.RULES[role].pages
        desk.open(name)
        said = desk.page.get_by_role("dialog", name="Page not found")
        expect(said).to_contain_text("does not seem to exist")
        said.get_by_role("button", name="Close").click()
        expect(desk.page.get_by_role("heading", level=1)).to_have_text(first)
    # Streamlit says it on the console too.
    desk.watch.faults[:] = [fault for fault in desk.watch.faults if "does not seem to exist" not in fault]


@pytest.mark.parametrize(("role", "name"), [("salesperson", "mine"), ("marketing", "overview")])
def test_the_first_page_of_a_role_is_served_at_its_own_address_too(desk: Desk, name: str) -> None:
    first = desk.open("").get_by_role("heading", level=1).inner_text()
    desk.open(name)
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(first)


# Rows -----------------------------------------------------------------------------------------------------------------

STORES: Final[Mapping[Role, set[str]]] = {
    "administrator": {"North", "South"},
    "general_manager": {"North"},
    "crm_manager": {"South"},
    "marketing": {"North"},
    "salesperson": {"North"},
}
PEOPLE: Final[Mapping[Role, set[str]]] = {
    "administrator": {*STAFF, "(unassigned)"},
    "general_manager": {*STAFF, "(unassigned)"},
    "crm_manager": {"(unassigned)"},  # all three belong to North
    "marketing": {"(hidden)", "(unassigned)"},
    "salesperson": {"Ada Hill", "(colleague)", "(unassigned)"},
}


@pytest.mark.parametrize("role", ROLES)
def test_the_sidebar_offers_their_stores_and_people_alone(desk: Desk, role: Role) -> None:
    desk.open("")
    for label, wanted in (("Store", STORES), ("Person", PEOPLE)):
        assert {line for line in options(desk, label) if line != "Select all"} == wanted[role]


LEADS: Final[Mapping[Role, str]] = {
    "administrator": "600",
    "general_manager": "300",
    "crm_manager": "300",
    "marketing": "300",
}


@pytest.mark.parametrize("role", LEADS)
def test_the_first_page_counts_the_leads_of_their_stores(desk: Desk, role: Role) -> None:
    desk.open("")
    tile = desk.main.get_by_test_id("stMetric").filter(has=desk.page.get_by_text("Leads", exact=True)).first
    expect(tile.get_by_test_id("stMetricValue")).to_have_text(LEADS[role])


@pytest.mark.parametrize("role", ["salesperson"])
def test_my_numbers_count_their_own_leads_and_name_who_waits_and_no_colleague(desk: Desk) -> None:
    desk.open("")
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("My numbers")
    line = desk.main.get_by_role("row").filter(has_text="Closing rate")
    cells = dict(zip(desk.main.get_by_role("columnheader").all_inner_texts(), _texts(line), strict=True))
    assert cells["Of"] == "150"
    assert cells["Colleagues"] == "too few"
    expect(desk.main).to_contain_text("Gil Moss")
    assert _named(desk.main.inner_text(), *CUSTOMERS, *STAFF) == ["Gil Moss"]


@pytest.mark.parametrize("role", ["salesperson"])
def test_the_worklist_of_a_salesperson_holds_their_customers_alone(desk: Desk) -> None:
    desk.open("worklist")
    expect(desk.main.get_by_role("checkbox", name="Gil Moss")).to_be_attached()
    expect(desk.main.get_by_role("checkbox")).to_have_count(1)
    assert _named(desk.main.inner_text(), *CUSTOMERS) == ["Gil Moss"]
    told = taken(desk)
    assert _named(told, *CUSTOMERS, *STAFF) == ["Gil Moss", "Ada Hill"]
    assert "South" not in told


@pytest.mark.parametrize("role", ["salesperson"])
def test_a_salesperson_finds_no_customer_of_another_whatever_is_typed(desk: Desk) -> None:
    for asked, is_found in (("Gil", True), ("Ivy", False), ("Hal", False), ("555-0104", False)):
        desk.open("customers", f"&find_customer={asked}")
        expect(desk.main.get_by_text("Gil Moss, North")).to_have_count(int(is_found))
        assert is_found == ("Nobody matches" not in desk.main.inner_text())
    for key, is_found in (("c2", True), ("c3", False), ("c4", False)):
        desk.open("customers", f"&customer={key}")
        expect(desk.main.get_by_role("heading", name="Gil Moss")).to_have_count(int(is_found))
        assert _named(desk.main.inner_text(), *CUSTOMERS) == (["Gil Moss"] if is_found else [])


@pytest.mark.parametrize("role", ["marketing"])
def test_marketing_takes_rows_without_a_name_a_phone_or_an_address(dealership: Dealership, desk: Desk) -> None:
    rows = "&rows=closing_rate.numerator"
    desk.open("", rows)
    told = taken(desk)
    assert told.count("\n") > 30
    assert "(hidden)" in told
    assert "South" not in told
    assert [word for word in (*CUSTOMERS, *STAFF, "555-01", "@") if word in told] == []
    # The same file of somebody who may see them names them: it is the role that hides.
    whole = dealership.desk("administrator")
    whole.open("", rows)
    assert _named(taken(whole), "Dee Vale", *STAFF, "South") == ["Dee Vale", *STAFF, "South"]


@pytest.mark.parametrize("role", ["administrator"])
def test_the_audit_tells_who_looked_and_who_took_files(dealership: Dealership, desk: Desk) -> None:
    marketing, gm = dealership.desk("marketing"), dealership.desk("general_manager")
    dealership.desk("salesperson")
    marketing.open("", "&rows=leads.numerator")
    taken(marketing)
    gm.open("customers", "&customer=c4")
    gm.open("person", "&who=a2")
    desk.open("audit")
    expect(desk.main.get_by_test_id("stDataFrame")).to_contain_text("mia@example.com")
    lines = [line for line in taken(desk).splitlines() if not line.startswith("#")]
    for login, did, what in (
        ("mia@example.com", "Looked at rows", "Leads"),
        ("mia@example.com", "Took a file", "Leads"),
        ("gina@example.com", "Looked at a customer", "c4"),
        ("gina@example.com", "Looked at a person's sheet", "a2"),
        ("ada@example.com", "Signed in", "by password"),
    ):
        assert [line for line in lines if login in line and did in line and what in line], (login, did)
    assert _named("\n".join(lines), *CUSTOMERS, *STAFF) == []


def _texts(line: Locator) -> list[str]:
    return line.get_by_role("cell").all_inner_texts()


def _named(told: str, *names: str) -> list[str]:
    return [name for name in names if name in told]


# The two pages of one role each: for everyone -------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "name"), [("salesperson", ""), ("administrator", "audit")])
def test_the_pages_of_one_role_meet_wcag_and_fit_a_phone(desk: Desk, name: str) -> None:
    try:
        for appearance, width in (("light", 1400), ("dark", 390)):
            desk.page.emulate_media(color_scheme=appearance)  # type: ignore[arg-type]
            desk.page.set_viewport_size({"width": width, "height": 900})
            desk.open(name, is_anew=True)
            assert ours(desk.page, appearance) == [], appearance
            assert width_beyond_screen(desk.page) <= 0, width
    finally:
        desk.page.emulate_media(color_scheme="light")
        desk.page.set_viewport_size({"width": 1400, "height": 900})
