"""Calling today's list in a real browser: three are marked as handled, and neither a load nor a merge loses that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from typer.testing import CliRunner

from loaders.__main__ import app
from pages.journal import open_journal
from tests.browser.conftest import Reader, Watch, serving
from tests.browser.test_dashboard import settle

pytestmark = pytest.mark.browser

SETTINGS = '[[store]]\nname = "Lakeside Motors"\ntime_zone = "America/Chicago"\n'
HEADER = "lead_id,created_at,customer_name,phone,email,lead_type,salesperson,modified_at\n"
NAMES = ("Ada Brook", "Ben Cole", "Cleo Dunn", "Dov Eames", "Eve Frost")


def line(number: int, *, phone: str | None = None, modified: str = "2026-03-18T12:00:00") -> str:
    name, own = NAMES[number - 1], phone or f"(312) 555-010{number}"
    return f"L{number},2026-03-18T1{number}:00:00,{name},{own},lead{number}@example.com,internet,Kim Roe,{modified}\n"


def load(folder: Path, name: str, text: str) -> None:
    """Load one export into the warehouse of the folder, as the dealership does."""
    path = folder / name
    path.write_text(HEADER + text, encoding="utf-8")
    options = ["--warehouse", str(folder / "warehouse"), "--settings", str(folder / "settings.toml")]
    result = CliRunner().invoke(app, ["load", str(path), *options, "--as-of", "2026-03-19T18:00:00+00:00"])
    assert result.exit_code == 0, result.output


@pytest.fixture
def floor(tmp_path: Path) -> Path:
    """A dealership of five leads of yesterday that nobody has called."""
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    load(tmp_path, "leads.csv", "".join(line(number) for number in range(1, 6)))
    return tmp_path


def open_list(page: Page, url: str, query: str = "") -> None:
    page.goto(f"{url}/worklist{query}")
    settle(page, "Worklist")
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=name)


def waiting(page: Page) -> list[str]:
    settle(page)
    return [name for name in NAMES if box(page, name).count()]


def test_three_are_handled_by_keyboard_on_a_phone_and_stay_so(reader: Reader, floor: Path, watch: Watch) -> None:
    served = serving(floor / "warehouse", floor / "addresses.log")
    with served as url, reader.at(url, watch) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        open_list(page, url)
        expect(page.get_by_text("5 customers wait.")).to_be_visible()
        assert waiting(page) == list(NAMES)
        expect(page.get_by_role("link", name="(312) 555-0105").first).to_have_attribute("href", "tel:3125550105")
        mark_three(page)
        assert waiting(page) == ["Dov Eames", "Eve Frost"]

        load(floor, "leads.csv", "".join(line(number) for number in range(1, 6)))
        open_list(page, url)
        assert waiting(page) == ["Dov Eames", "Eve Frost"]

        load(floor, "merged.csv", line(4, phone="(312) 555-0101", modified="2026-03-19T09:00:00"))
        open_list(page, url)
        assert waiting(page) == ["Eve Frost"]

        put_one_back(page, url)
    assert watch.faults == []
    assert watch.strangers == []
    kinds = [entry.kind for entry in open_journal(floor / "warehouse").entries()]
    assert kinds == ["handled", "handled", "handled", "reopened"]


def mark_three(page: Page) -> None:
    """Pick three with the keyboard alone, give the first a note, say who called, and save."""
    for number, name in enumerate(NAMES[:3], 1):
        box(page, name).focus()
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name=f"Mark {number} as handled")).to_be_visible()
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("part => part.scrollWidth - part.clientWidth") == 0, "sideways scrolling on a phone"
    page.get_by_label("Note").first.fill("left a message")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_label("Your name").fill("Kim Roe")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Mark 3 as handled").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 customers wait.")).to_be_visible()


def put_one_back(page: Page, url: str) -> None:
    """The handled say who and when; one of them goes back to the list."""
    open_list(page, url, "?show=handled")
    # The merged customer goes by the name of the newest lead.
    assert waiting(page) == ["Ben Cole", "Cleo Dunn", "Dov Eames"]
    expect(page.get_by_text(re.compile("Handled by Kim Roe, .*: left a message"))).to_be_visible()
    box(page, "Ben Cole").focus()
    page.keyboard.press("Space")
    page.get_by_label("Your name").fill("Kim Roe")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Put 1 back").click()
    expect(box(page, "Ben Cole")).to_have_count(0)
    open_list(page, url)
    assert waiting(page) == ["Ben Cole", "Eve Frost"]
