"""The CRM manager's way to a person: who is truly below the team, who only looks so, and what is agreed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pypdf
import pytest
from playwright.sync_api import Locator, Page, expect
from typer.testing import CliRunner

from metrics.__main__ import app
from tests.browser.conftest import Server
from tests.browser.test_dashboard import ALL_DATA, has_query, query, settle, visit

pytestmark = pytest.mark.browser

AGREED = "Offer two times in every first call"


@pytest.fixture(scope="module")
def truth(server: Server) -> dict[str, Any]:
    """Who is truly weak at which step, and who only got worse leads, as the simulation knows it."""
    stories = json.loads((server.exports / "truth.json").read_text(encoding="utf-8"))["stories"]
    return {story["story"]: story for story in stories}


def compared(server: Server, metric: str, person: str) -> dict[str, Any]:
    """What the command line says of one person."""
    command = [
        "people",
        metric,
        "--where",
        f"person={person}",
        "--format",
        "json",
        "--warehouse",
        str(server.warehouse),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    found: dict[str, Any] = row
    return found


def arrived(page: Page) -> None:
    """Wait until the parts that come later are there too."""
    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    settle(page)


def test_journey_5_the_one_truly_below_the_team_is_told_from_the_one_who_only_looks_so(
    page: Page, server: Server, truth: dict[str, Any]
) -> None:
    weak, unlucky = truth["weak_step"]["person"], truth["unlucky_leads"]["person"]
    visit(page, server, f"people?{ALL_DATA}", "People")
    arrived(page)
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text(f"{weak} is truly below the team at contact to appointment")
    expect(main).to_contain_text(f"{unlucky} only looks below the team at")
    row = compared(server, "contact_to_appointment", weak)
    expect(main).to_contain_text(f"{row['observed']:,.0f} of {row['n']:,.0f}, colleagues on the same leads")
    steps = page.get_by_test_id("stTable").first
    expect(steps.get_by_role("row").filter(has_text="Contact to appointment")).to_contain_text(f"{weak} (below)")
    line = page.get_by_test_id("stTable").nth(1).get_by_role("row").filter(has_text=weak)
    expect(line).to_contain_text("truly below the team, worse")
    expect(line).to_contain_text(f"{row['expected']:,.1f}")
    a_link_stands_level_with_a_button_and_lines_end_on_a_wall_screen(page)


def a_link_stands_level_with_a_button_and_lines_end_on_a_wall_screen(page: Page) -> None:
    """Beside the choice of a person; and the first sentence, which would fill a wall screen from side to side."""
    beside = page.locator(".st-key-screen_only_person")
    link, button = beside.get_by_role("link", name="Coaching sheet"), beside.get_by_role("button", name="Show the rows")
    assert middle(link) == pytest.approx(middle(button), abs=1)
    page.set_viewport_size({"width": 1920, "height": 1080})
    answer = page.get_by_test_id("stMain").locator("p", has_text="is truly below the team").first
    box = answer.bounding_box()
    assert box
    assert 800 < box["width"] < 1000


def middle(part: Locator) -> float:
    """How far down the middle of something stands, in pixels."""
    box = part.bounding_box()
    assert box
    return box["y"] + box["height"] / 2


def test_every_view_of_people_has_its_address(page: Page, server: Server, truth: dict[str, Any]) -> None:
    weak = truth["weak_step"]["person"]
    visit(page, server, f"people?{ALL_DATA}", "People")
    page.get_by_role("radio", name="whom to coach").or_(page.get_by_role("button", name="whom to coach")).first.click()
    arrived(page)
    has_query(page, view="whom to coach")
    expect(page.get_by_test_id("stMain")).to_contain_text(f"Coach {weak} on contact to appointment first.")
    page.reload()
    arrived(page)
    expect(page.get_by_test_id("stMain")).to_contain_text(f"Coach {weak} on contact to appointment first.")


def test_the_rows_of_whoever_is_apart_open_from_the_part_that_came_later(
    page: Page, server: Server, truth: dict[str, Any]
) -> None:
    weak = truth["weak_step"]["person"]
    visit(page, server, f"people?{ALL_DATA}", "People")
    arrived(page)
    page.get_by_role("button", name=f"Rows of {weak}").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    has_query(page, rows="contact_to_appointment.denominator", member=f"person:{weak}")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_journey_6_the_sheet_is_opened_printed_and_an_action_agreed(
    page: Page, server: Server, truth: dict[str, Any], tmp_path: Path
) -> None:
    weak = truth["weak_step"]["person"]
    visit(page, server, f"people?{ALL_DATA}", "People")
    arrived(page)
    page.get_by_role("link", name=f"Coaching sheet of {weak}").click()
    settle(page, "Person")
    arrived(page)
    key = query(page)["who"][0]
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text(f"{weak} loses most at contact to appointment.")
    expect(main).to_contain_text(re.compile(r"of this person's customers wait|Nobody of this person's customers waits"))
    printed_as_pdf(page, weak, tmp_path)
    assert pages_of(page, tmp_path / "browser.pdf") == 1
    page.get_by_label("What was agreed").fill(AGREED)
    page.get_by_label("Your name").fill("Mo Lane")
    page.get_by_role("button", name="Agree", exact=True).click()
    expect(main).to_contain_text(f"Contact to appointment: {AGREED}")
    page.goto(f"{server.url}/person?who={key}&{ALL_DATA}")
    settle(page, "Person")
    arrived(page)
    expect(main).to_contain_text(f"Contact to appointment: {AGREED}")
    expect(main).to_contain_text("Mo Lane")
    expect(main).to_contain_text(re.compile("Before and after"))


def printed_as_pdf(page: Page, person: str, directory: Path) -> None:
    """The PDF button gives one page with the person's answer."""
    with page.expect_download() as waited:
        page.get_by_role("button", name="Coaching sheet as PDF").click()
    file = directory / "sheet.pdf"
    waited.value.save_as(file)
    read = pypdf.PdfReader(file)
    assert len(read.pages) == 1
    text = " ".join(read.pages[0].extract_text().split())
    assert f"{person} loses most at contact to appointment" in text


def pages_of(page: Page, file: Path) -> int:
    """How many sheets of paper the browser would print."""
    page.pdf(path=file, format="A4")
    return len(pypdf.PdfReader(file).pages)


def test_back_returns_to_the_person_before(page: Page, server: Server, truth: dict[str, Any]) -> None:
    weak, unlucky = truth["weak_step"]["person"], truth["unlucky_leads"]["person"]
    visit(page, server, f"person?{ALL_DATA}", "Person")
    for name in (weak, unlucky):
        picker = page.get_by_test_id("stMain").get_by_role("combobox", name=re.compile("Person$"))
        picker.click()
        page.get_by_role("option", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, level=3)).to_be_visible()
    arrived(page)
    page.go_back()
    expect(page.get_by_role("heading", name=weak, level=3)).to_be_visible()


def test_a_sheet_that_is_opened_where_nobody_was_chosen_has_its_own_address(
    page: Page, server: Server, truth: dict[str, Any]
) -> None:
    weak = truth["weak_step"]["person"]
    visit(page, server, f"person?{ALL_DATA}", "Person")
    arrived(page)
    page.get_by_role("button", name=f"Coaching sheet of {weak}").click()
    expect(page.get_by_role("heading", name=weak, level=3)).to_be_visible()
    arrived(page)
    page.reload()
    expect(page.get_by_role("heading", name=weak, level=3)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Whose sheet is worth opening")).to_be_visible()


def test_the_sheet_does_not_scroll_sideways_on_a_phone(page: Page, server: Server, truth: dict[str, Any]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/people?{ALL_DATA}&person={quote(truth['weak_step']['person'])}")
    expect(page.get_by_test_id("stTable").nth(1)).to_be_visible()
    wide = "() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth; }"
    assert page.evaluate(wide) <= 0
