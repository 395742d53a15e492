"""Loading in a real browser: a new month, a file that nobody knows, and the undo of a bad load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from typer.testing import CliRunner

from loaders.__main__ import app as loaders
from metrics.__main__ import app as metrics
from tests.browser.conftest import Reader, Watch, serving
from tests.browser.test_accessibility import ours
from tests.browser.test_dashboard import IDLE, tile_value

pytestmark = pytest.mark.browser

SETTINGS = """# Ours.
[[store]]
name = "Lakeside Motors"   # the one on the lake
time_zone = "America/Chicago"
"""
HEADER = "lead_id,created_at,customer_name,phone,source,lead_type,status,salesperson\n"
STRANGE_HEADER = "Ref#;Kunde;Mail;Eingang am;Herkunft\n"
AS_OF = "2026-03-31"


def leads(month: int, count: int) -> str:
    return "".join(
        f"{month}-{n},2026-{month:02d}-{n % 27 + 1:02d} 09:{n % 60:02d},Nora W{month}{n},(312) 555-01{n % 100:02d},"
        f"Website,internet,open,Dana Brooks\n"
        for n in range(count)
    )


def csv(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


@dataclass(frozen=True)
class Lot:
    """A dealership of its own with forty leads of February, a tab on it, and its address."""

    page: Page
    url: str
    warehouse: Path

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing runs any more, loads too."""
        expect(self.page.get_by_role("heading", level=1).first).to_be_visible(timeout=60_000)
        at_rest = self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(at_rest).to_be_attached()
        expect(self.page.get_by_text("You may leave this page")).to_have_count(0, timeout=60_000)
        expect(at_rest).to_be_attached()
        expect(self.page.locator("[data-testid=stException]")).to_have_count(0)
        self.page.evaluate(IDLE)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def drop(self, *files: FilePayload) -> None:
        self.page.locator("input[type=file]").set_input_files(list(files))

    def says(self, text: str) -> Locator:
        return self.page.get_by_text(text)

    def leads_on_overview(self) -> str:
        self.open("?period=all+data")
        return tile_value(self.page, "Leads")

    def leads_counted(self) -> str:
        arguments = ["show", "leads", "--warehouse", str(self.warehouse), "--format", "json"]
        result = CliRunner().invoke(metrics, arguments)
        assert result.exit_code == 0, result.output
        return f"{json.loads(result.stdout)[0]['value']:,.0f}"


@contextmanager
def lot_at(folder: Path) -> Iterator[str]:
    """It, served from a folder: its address."""
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "february.csv").write_text(HEADER + leads(2, 40), encoding="utf-8")
    options = ["--warehouse", str(folder / "warehouse"), "--settings", str(folder / "settings.toml")]
    result = CliRunner().invoke(loaders, ["load", str(folder / "february.csv"), *options])
    assert result.exit_code == 0, result.output
    with serving(folder / "warehouse", folder / "addresses.log") as url:
        yield url


@pytest.fixture
def lot(tmp_path: Path, reader: Reader, watch: Watch) -> Iterator[Lot]:
    """One that a test may change; at the end nothing may have failed or left this machine."""
    with lot_at(tmp_path) as url, reader.at(url, watch) as page:
        yield Lot(page, url, tmp_path / "warehouse")
    assert watch.faults == []
    assert watch.strangers == []


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One that several tests look at and none changes: its address and its folder."""
    folder = tmp_path_factory.mktemp("unchanged")
    with lot_at(folder) as url:
        yield url, folder


@pytest.fixture
def unchanged_lot(unchanged: tuple[str, Path], reader: Reader, watch: Watch) -> Iterator[Lot]:
    """A tab on it; at the end nothing may have failed or left this machine."""
    url, folder = unchanged
    with reader.at(url, watch) as page:
        yield Lot(page, url, folder / "warehouse")
    assert watch.faults == []
    assert watch.strangers == []


def test_a_new_month_is_loaded_and_the_counts_move(lot: Lot) -> None:
    assert lot.leads_on_overview() == "40"
    lot.page.get_by_role("link", name="Load data").click()
    lot.settle()
    lot.drop(csv("march.csv", HEADER + leads(3, 25) + "x,yesterday,Ada,,Website,internet,open,Dana\n"))
    expect(lot.says("Found: 25 leads.")).to_be_visible()
    expect(lot.says("1 row would be refused")).to_be_visible()
    lot.press("Load 25 rows")
    expect(lot.says("26 leads: 25 new, 1 refused")).to_be_visible(timeout=60_000)
    lot.settle()
    with lot.page.expect_download() as waiting:
        lot.press("Download the refused rows")
    assert "yesterday" in Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    lot.page.get_by_role("link", name="Open the overview").click()
    lot.settle()
    assert lot.leads_on_overview() == lot.leads_counted() == "65"


def test_an_unknown_file_is_mapped_in_the_page_and_loaded(lot: Lot) -> None:
    rows = "".join(f"{n};Nora K{n};k{n}@example.com;{n:02d}.03.2026 10:15;Messe\n" for n in range(1, 21))
    lot.open("load_data")
    lot.drop(csv("werkstatt.csv", STRANGE_HEADER + rows))
    expect(lot.says("No profile knows the columns of this file yet")).to_be_visible()
    lot.press("Say what its columns are")
    expect(lot.says("Of 20 leads, 20 would be taken, 0 refused.")).to_be_visible()
    choose(lot, "customer name", "Kunde")
    choose(lot, "source", "Herkunft")
    expect(lot.page.get_by_text("Not read so far")).to_have_count(0)
    lot.press("Keep this mapping")
    expect(lot.says("Kept as the profile")).to_be_visible()
    kept = (lot.warehouse.parent / "profiles" / "werkstatt.toml").read_text(encoding="utf-8")
    assert 'source = "Herkunft"' in kept
    expect(lot.says("Found: 20 leads.")).to_be_visible()
    lot.press("Load 20 rows")
    expect(lot.says("20 leads: 20 new")).to_be_visible(timeout=60_000)
    lot.settle()
    assert lot.leads_on_overview() == lot.leads_counted() == "60"
    lot.open("sources?period=all+data")
    expect(lot.page.get_by_text("Messe").first).to_be_visible()


def choose(lot: Lot, label: str, option: str) -> None:
    """Pick by keyboard: a list that is opened by a click closes when the page scrolls under it."""
    lot.settle()
    box = lot.page.get_by_role("combobox", name=label, exact=True).last
    box.focus()
    box.press_sequentially(option)
    expect(lot.page.get_by_role("option", name=option).first).to_be_visible()
    box.press("Enter")
    lot.settle()


def test_a_bad_load_is_undone(lot: Lot) -> None:
    lot.open("load_data")
    lot.drop(csv("wrong_store.csv", HEADER + leads(3, 30)))
    lot.press("Load 30 rows")
    expect(lot.says("30 leads: 30 new")).to_be_visible(timeout=60_000)
    lot.settle()
    lot.press("Undo this load")
    lot.press("Yes, bring back the earlier data")
    expect(lot.says("Brought back")).to_be_visible()
    lot.settle()
    assert lot.leads_on_overview() == lot.leads_counted() == "40"
    lot.open("load_data?part=History")
    expect(lot.page.get_by_role("table", name="Every load")).to_contain_text("wrong_store.csv")


def test_a_load_goes_on_though_its_tab_is_closed(lot: Lot) -> None:
    lot.open("load_data")
    lot.drop(csv("march.csv", HEADER + leads(3, 2_000)))
    lot.press("Load 2,000 rows")
    expect(lot.says("Loading march.csv").or_(lot.says("Loaded. Data as of")).first).to_be_visible()
    lot.page.goto("about:blank")
    lot.open("load_data")
    assert lot.leads_on_overview() == lot.leads_counted() == "2,040"


@pytest.mark.parametrize("part", ["Load", "History", "Standards and targets", "Roster", "Source names"])
def test_every_part_can_be_used_by_everybody_and_fits_a_phone(unchanged_lot: Lot, part: str) -> None:
    page = unchanged_lot.page
    unchanged_lot.open(f"load_data?part={part.replace(' ', '+')}")
    expect(page.get_by_role("radio", name=part)).to_be_checked()
    assert ours(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    unchanged_lot.settle()
    wide = "e => e.scrollWidth - e.clientWidth"
    assert page.get_by_test_id("stMain").evaluate(wide) == 0


def test_a_standard_is_changed_in_the_page_and_its_comment_stays(lot: Lot) -> None:
    lot.open("load_data?part=Standards+and+targets")
    lot.page.get_by_label("Attempts").fill("7")
    lot.page.get_by_label("Attempts").press("Tab")
    lot.press("Save the standards")
    expect(lot.says("standards.attempts: 5, now 7")).to_be_visible()
    text = (lot.warehouse.parent / "settings.toml").read_text(encoding="utf-8")
    assert "attempts = 7" in text
    assert "# the one on the lake" in text
    lot.press("Build again now")
    expect(lot.says("Loaded. Data as of")).to_be_visible(timeout=60_000)
