"""The dashboard as a reader uses it: real server, real browser; the command line is the second opinion on numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import fastexcel
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from typer.testing import CliRunner

from metrics.__main__ import app
from pages import by_reader
from tests.browser.conftest import Reader, Server, serving, window

pytestmark = pytest.mark.browser

ALL_DATA = "period=all+data"
# Until the browser has had nothing to do for three frames in a row.
IDLE = """() => new Promise(done => {
    let quiet = 0;
    const look = left => { quiet = left.timeRemaining() > 10 ? quiet + 1 : 0; quiet > 2 ? done() : next(); };
    const next = () => requestAnimationFrame(() => requestIdleCallback(look, {timeout: 1000}));
    next();
})"""
TITLES = [module.TITLE for modules in by_reader().values() for module in modules]
PAGES = {"Overview": "", "Sources": "sources", "People": "people", "Definitions": "definitions"}


def counted(server: Server, command: str, *options: str) -> list[dict[str, Any]]:
    """What the command line says."""
    arguments = [*command.split(), *options, "--warehouse", str(server.warehouse), "--format", "json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def settle(page: Page, title: str | None = None) -> None:
    """Wait until the run is over and everything of it is on the page."""
    if title:
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    # A click before the browser has put up the filters, and joined them to the address, would lose them on the way.
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox")).to_have_count(9)
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    page.evaluate(IDLE)


def visit(page: Page, server: Server, path: str, title: str) -> None:
    page.goto(f"{server.url}/{path}")
    settle(page, title)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def tile(page: Page, label: str) -> Locator:
    return page.locator("[data-testid=stMetric]").filter(has=page.get_by_text(label, exact=True))


def tile_value(page: Page, label: str) -> str:
    return tile(page, label).locator("[data-testid=stMetricValue]").inner_text().strip()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def has_query(page: Page, **wanted: str | None) -> None:
    """The URL soon says each of these, or nothing of a key that is None."""

    def agrees() -> bool:
        return all(query(page).get(key) == (None if value is None else [value]) for key, value in wanted.items())

    for _ in range(100):
        if agrees():
            return
        page.wait_for_timeout(100)
    assert agrees(), f"{page.url} does not say {wanted}"


def choose(page: Page, label: str, option: str) -> None:
    """Pick one more value of a filter in the sidebar."""
    box = page.get_by_test_id("stSidebar").get_by_role("combobox", name=re.compile(f"{label}$", re.IGNORECASE))
    # A list closes when what is below it scrolls, and the click itself would scroll to a box that is out of sight.
    box.scroll_into_view_if_needed()
    page.evaluate(IDLE)
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
    settle(page)


def share(row: dict[str, Any]) -> str:
    return f"{100 * row['value']:.1f}%"


def test_pages_are_reached_by_their_links(page: Page, server: Server) -> None:
    visit(page, server, "", "Overview")
    for title, path in [*PAGES.items(), ("Overview", "")]:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        settle(page, title)
        assert urlsplit(page.url).path == f"/{path}"


def test_the_first_page_is_also_served_at_its_own_address(page: Page, server: Server) -> None:
    visit(page, server, "overview?period=this+month", "Overview")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="People").click()
    settle(page, "People")
    page.go_back()
    settle(page, "Overview")
    assert urlsplit(page.url).path == "/overview"
    has_query(page, period="this month")


def width_of(part: Locator) -> float:
    """How wide something is drawn, in pixels."""
    box = part.bounding_box()
    return box["width"] if box else 0.0


def test_paper_shows_the_filters_in_words_and_nothing_to_press(page: Page, server: Server) -> None:
    visit(page, server, f"data_quality?{ALL_DATA}&lead_type=Phone", "Data quality")
    filtered = page.get_by_test_id("stMain").get_by_text("Lead type: Phone", exact=True)
    chooser = page.locator("[class*=st-key-screen_only]").get_by_role("combobox", name="Check")
    expect(filtered).to_be_hidden()
    expect(chooser).to_be_visible()
    try:
        page.emulate_media(media="print")
        expect(filtered).to_be_visible()
        expect(page.get_by_test_id("stSidebar")).to_be_hidden()
        expect(page.get_by_test_id("stMain").get_by_role("button", name="Rows").first).to_be_hidden()
        expect(chooser).to_be_hidden()
        place, chart = page.get_by_test_id("stPlotlyChart").first, page.locator(".main-svg").first
        assert width_of(chart) == pytest.approx(width_of(place), abs=2)  # neither cut nor lost on its sheet
    finally:
        page.emulate_media(media="screen")


def test_the_headline_numbers_are_those_of_the_command_line(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}", "Overview")
    leads, closing = counted(server, "show leads closing_rate")
    assert tile_value(page, "Leads") == f"{leads['value']:,.0f}"
    assert tile_value(page, "Closing rate") == share(closing)


def test_a_filter_changes_url_widget_and_numbers_together_and_reset_undoes_it(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}", "Overview")
    whole = tile_value(page, "Leads")
    choose(page, "Store", "Hillcrest Auto")
    (leads,) = counted(server, "show leads", "--where", "store=Hillcrest Auto")
    expect(tile(page, "Leads").locator("[data-testid=stMetricValue]")).to_have_text(f"{leads['value']:,.0f}")
    has_query(page, store="Hillcrest Auto")
    expect(page.get_by_test_id("stSidebar").get_by_text("Hillcrest Auto")).to_be_visible()
    page.reload()
    settle(page, "Overview")
    assert tile_value(page, "Leads") == f"{leads['value']:,.0f}"
    page.get_by_role("button", name="Reset filters").click()
    settle(page)
    expect(page.get_by_test_id("stSidebar").get_by_text("Hillcrest Auto")).to_have_count(0)
    has_query(page, store=None)
    choose(page, "Period", "all data")
    expect(tile(page, "Leads").locator("[data-testid=stMetricValue]")).to_have_text(whole)


def test_a_filter_travels_to_the_next_page(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}&store={quote('Hillcrest Auto')}", "Overview")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="People").click()
    settle(page, "People")
    has_query(page, store="Hillcrest Auto")
    options = ("--where", "store=Hillcrest Auto")
    (team,) = counted(server, "show contact_to_appointment", *options)
    expect(page.get_by_test_id("stMain")).to_contain_text(f"Team {share(team)}")
    people = {row["person"] for row in counted(server, "show contact_to_appointment", "--by", "person", *options)}
    table = page.get_by_test_id("stTable").nth(1)
    assert people
    for person in people:
        expect(table).to_contain_text(person)


def test_a_link_that_asks_for_what_is_not_there_says_so_and_shows_nothing_more(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}&source=Nowhere", "Overview")
    expect(page.get_by_test_id("stMain")).to_contain_text(
        "This link asks for source “Nowhere”, which is not in this data"
    )
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    page.get_by_role("button", name="Show everything").click()
    settle(page)
    (leads,) = counted(server, "show leads")
    expect(tile(page, "Leads").locator("[data-testid=stMetricValue]")).to_have_text(f"{leads['value']:,.0f}")


def test_a_number_opens_to_its_rows_by_click_and_by_link_and_back_closes_them(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}", "Overview")
    card = page.locator("[data-testid=stVerticalBlock]").filter(has=tile(page, "Closing rate")).last
    card.get_by_role("button", name="Rows").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Closing rate")
    has_query(page, rows="closing_rate.numerator")
    link = page.url
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    settle(page)
    has_query(page, rows=None)
    page.goto(link)
    settle(page, "Overview")
    expect(page.get_by_role("dialog")).to_contain_text("Closing rate")


@pytest.mark.parametrize("part", ["numerator", "denominator"])
def test_downloads_hold_every_row_and_say_what_they_are(page: Page, server: Server, part: str, tmp_path: Path) -> None:
    visit(page, server, f"?{ALL_DATA}&store={quote('Hillcrest Auto')}&rows=closing_rate.{part}", "Overview")
    (closing,) = counted(server, "show closing_rate", "--where", "store=Hillcrest Auto")
    dialog = page.get_by_role("dialog")
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="Download CSV").click()
    text = Path(coming.value.path()).read_text(encoding="utf-8-sig")
    assert "closing_rate" in text
    assert "Hillcrest Auto" in text
    assert "Data as of" in text
    header = next(number for number, line in enumerate(text.splitlines()) if "lead_id" in line)
    rows = list(csv.DictReader(io.StringIO("\n".join(text.splitlines()[header:]))))
    assert len(rows) == closing[part]
    assert {row["store"] for row in rows} == {"Hillcrest Auto"}
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="Download Excel").click()
    workbook = tmp_path / "rows.xlsx"
    coming.value.save_as(workbook)
    sheets = fastexcel.read_excel(workbook)
    heights = [sheets.load_sheet(name).height for name in sheets.sheet_names]
    assert closing[part] in heights


def test_sources_show_each_source_with_its_own_numbers_and_unknown_spend_as_unknown(page: Page, server: Server) -> None:
    visit(page, server, f"sources?{ALL_DATA}&store={quote('Lakeside Motors')}", "Sources")
    options = ("--by", "source", "--where", "store=Lakeside Motors")
    by_source = {row["source"]: row for row in counted(server, "show leads", *options)}
    table = page.get_by_test_id("stTable").first
    for source, row in by_source.items():
        line = table.get_by_role("row").filter(has_text=source).first
        expect(line).to_contain_text(f"{row['value']:,.0f}")
    expect(table.get_by_role("row").filter(has_text="Phone").first).to_contain_text("unknown")


def test_a_lens_that_a_rate_cannot_have_says_why(page: Page, server: Server) -> None:
    visit(page, server, f"people?{ALL_DATA}&rate=closing+rate&lens=appointment+setter", "People")
    expect(page.get_by_test_id("stMain").get_by_test_id("stAlert").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_definitions_find_a_metric_and_show_its_query(page: Page, server: Server) -> None:
    visit(page, server, "definitions?metric=show_rate", "Definitions")
    expect(page.get_by_test_id("stMain")).to_contain_text("from fct_appointment")
    expect(page.get_by_test_id("stMain")).to_contain_text("is_standing")


def test_back_returns_to_the_page_before(page: Page, server: Server) -> None:
    visit(page, server, f"?{ALL_DATA}&store={quote('Hillcrest Auto')}", "Overview")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Sources").click()
    settle(page, "Sources")
    page.go_back()
    settle(page, "Overview")
    has_query(page, store="Hillcrest Auto")


def test_back_returns_to_what_was_chosen_on_the_page_before(page: Page, server: Server) -> None:
    visit(page, server, f"people?{ALL_DATA}", "People")
    page.get_by_test_id("stMain").get_by_role("radio", name="adoption").click()
    settle(page, "People")
    has_query(page, view="adoption")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Response").click()
    settle(page, "Response")
    page.go_back()
    settle(page, "People")
    has_query(page, view="adoption")
    expect(page.get_by_test_id("stMain").get_by_role("radio", name="adoption")).to_be_checked()


# Every message of the web socket takes so many milliseconds longer, each way.
LONG_LINE = """window.WebSocket = class extends WebSocket {
    addEventListener(kind, heard, more) {
        const late = kind === "message" ? told => setTimeout(() => heard.call(this, told), 75) : heard
        super.addEventListener(kind, late, more)
    }
    set onmessage(heard) { super.onmessage = told => setTimeout(() => heard.call(this, told), 75) }
    send(said) { setTimeout(() => super.send(said), 75) }
}"""


def test_a_second_click_on_a_long_line_keeps_the_first(browser: Browser, server: Server) -> None:
    with closing(window(browser)) as context:
        context.add_init_script(LONG_LINE)
        page = context.new_page()
        visit(page, server, f"appointments?{ALL_DATA}", "Appointments")
        main = page.get_by_test_id("stMain")
        choices = [main.get_by_role("radio", name=name, exact=True) for name in ("next seven days", "all")]
        both = [choice.element_handle() for choice in choices]
        page.evaluate("([one, other]) => { one.click(); setTimeout(() => other.click(), 60) }", both)
        expect(choices[1]).to_be_checked()
        page.wait_for_timeout(1000)  # nothing on the page tells that both answers have come over the line
        settle(page, "Appointments")
        has_query(page, days="next seven days", which="all")
        expect(choices[0]).to_be_checked()


@pytest.mark.parametrize("title", ["Sources", "Definitions"])
def test_the_first_visitor_of_a_fresh_server_may_open_any_page(
    reader: Reader, server: Server, title: str, tmp_path: Path
) -> None:
    with serving(server.warehouse, tmp_path / "addresses.log") as url, reader.at(url) as tab:
        tab.goto(f"{url}/{PAGES[title]}?{ALL_DATA}")
        settle(tab, title)
        links = tab.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    assert [link.split("\n")[-1] for link in links] == TITLES


def test_a_new_snapshot_is_served_without_a_restart(page: Page, server: Server) -> None:
    """Runs last in this file: it changes the warehouse that the other tests read."""
    from loaders.__main__ import app as loaders_app  # noqa: PLC0415  # only this test writes

    visit(page, server, f"?{ALL_DATA}", "Overview")
    (before,) = counted(server, "show leads")
    extra = server.exports / "extra.csv"
    extra.write_text(
        "store,lead_id,created_at,source,lead_type,customer_name\n"
        'Hillcrest Auto,X1,2026-03-19T15:00:00Z,=cmd|calc,internet,"=HYPERLINK(""http://127.0.0.1"")"\n',
        encoding="utf-8",
    )
    command = ["load", str(extra), "--settings", str(server.exports / "settings.toml")]
    result = CliRunner().invoke(loaders_app, [*command, "--warehouse", str(server.warehouse)])
    assert result.exit_code == 0, result.output
    page.reload()
    settle(page, "Overview")
    expect(tile(page, "Leads").locator("[data-testid=stMetricValue]")).to_have_text(f"{before['value'] + 1:,.0f}")
    visit(page, server, f"?{ALL_DATA}&source={quote('=cmd|calc')}&rows=leads.numerator", "Overview")
    with page.expect_download() as coming:
        page.get_by_role("dialog").get_by_role("button", name="Download CSV").click()
    cells = [cell for row in csv.reader(io.StringIO(Path(coming.value.path()).read_text("utf-8-sig"))) for cell in row]
    assert any("=cmd|calc" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_the_server_talks_to_nobody_outside_this_machine(server: Server) -> None:
    """Streamlit would ask an outside address for its own, unless told not to; the log holds every look-up."""
    text = server.log.read_text(encoding="utf-8") if server.log.exists() else ""
    outside = [line for line in text.splitlines() if not re.search(r"127\.0\.0\.1|localhost|::1|/\S+\.sock", line)]
    assert outside == []
