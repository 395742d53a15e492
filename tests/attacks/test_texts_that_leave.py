"""Texts of an attacker in what leaves the product: spreadsheets, sheets of paper, letters. They stay words."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest
from lxml import html
from pypdf import PdfReader

from metrics import engine
from metrics.filters import Filters
from pages import actions, digest, download, theme
from pages.journal import Journal, open_journal
from pages.letter import write_html, write_text
from pages.pdf import write_pdf
from pages.sheet import Lines, Sheet, spoken
from pages.sheets.overview import overview_sheet
from pages.sheets.sources import sources_sheet
from pages.sheets.view import View, earlier
from tests.attacks.hostile import hostile_journal
from tests.pages.showroom import HOSTILE, NOW, hostile_showroom

ASKED = Filters(start=dt.date(2026, 1, 1), end=dt.date(2026, 6, 30))
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = hostile_showroom(tmp_path_factory.mktemp("attacked"))
    hostile_journal(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def opened(attacked: Path) -> Iterator[engine.Warehouse]:
    warehouse = engine.open_warehouse(attacked)
    yield warehouse
    warehouse.close()


@pytest.fixture
def journal(attacked: Path) -> Journal:
    return open_journal(attacked)


def closed(text: str) -> str:
    """A text without blanks, hyphens and marks of a line's end, as a reader of PDFs may give other ones."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in "-\u00ad\u200b\u2010")


# Spreadsheets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["leads", "sold_units", "spend", "appointments_set"])
def test_no_cell_of_a_file_of_rows_runs(opened: engine.Warehouse, metric: str) -> None:
    rows = download.readable(engine.rows(opened, metric, "numerator", Filters()), engine.stores(opened))
    assert rows.height
    about = {"Filters": f"store: {HOSTILE}; +1", "Definition": "words"}
    text = download.to_csv(rows, about).decode("utf-8-sig")
    assert "HYPERLINK" in text
    for separator in (",", ";"):
        cells = [cell for line in csv.reader(io.StringIO(text), delimiter=separator) for cell in line]
        assert [cell for cell in cells if cell.lstrip().startswith(RUNS) and not is_number(cell)] == []


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    ["=1+1", " =1+1", "\t=1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\uff1d1+1", "\n=1", "x;=cmd|' /C calc'!A0"],
)
def test_no_disguise_of_a_formula_runs_and_its_words_are_kept(text: str) -> None:
    frame = pl.DataFrame({"name": [text], "store": ["North"]})
    written = download.to_csv(frame, {"Filters": f"source: x,{text}"}).decode("utf-8-sig")
    printed = engine.spreadsheet_safe(frame).write_csv()
    for separator in (",", ";"):
        lines = csv.reader(io.StringIO(f"{written}\n{printed}", newline=""), delimiter=separator)
        assert not [cell for line in lines for cell in line if cell.lstrip().startswith(RUNS)]
    kept = next(row for row in csv.reader(io.StringIO(printed, newline="")) if "North" in row)[0]
    assert kept.replace("'", "") == text.replace("'", "")
    book = fastexcel.read_excel(download.to_excel(frame, {"Filters": text}))
    shown = str(book.load_sheet("Rows").to_polars()["name"][0])
    assert not shown.lstrip().startswith(RUNS)


# Paper ----------------------------------------------------------------------------------------------------------------


def read(written: bytes) -> str:
    """The text of a PDF of one ordinary page that starts, opens and links to nothing."""
    reader = PdfReader(io.BytesIO(written))
    (page,) = reader.pages
    root: Any = reader.root_object
    assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (595, 842)
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(root.get("/Names", {}))
    assert "/Annots" not in page
    return page.extract_text()


@pytest.mark.parametrize("make", [overview_sheet, sources_sheet])
def test_a_sheet_of_hostile_names_holds_them_as_words(opened: engine.Warehouse, make: Any) -> None:
    view = View(opened, ASKED, earlier(opened, ASKED, 181), f"store: {HOSTILE}")
    shown = closed(read(write_pdf(make(view))))
    assert closed("<script>window.crept=1</script><img src=x") in shown
    assert closed("#set page(width: 1pt) $x$ {{ 7*7 }}") in shown


@pytest.mark.parametrize("reader", digest.READERS)
def test_a_letter_of_hostile_names_runs_loads_and_links_nothing(
    opened: engine.Warehouse, journal: Journal, reader: str
) -> None:
    where = {"store": (f"{HOSTILE} North",)}
    sheet = digest.weekly(opened, journal, reader, NOW.date(), where)
    written = write_html(sheet, "https://upboard.example.com")
    page: Any = html.fromstring(written)
    assert not page.xpath("//script | //img | //link | //style | //iframe | //form | //object | //svg")
    assert not page.xpath("//@src | //@background | //@*[starts-with(name(), 'on')]")
    assert all(address.startswith("https://upboard.example.com/") for address in page.xpath("//@href"))
    assert "<script>window.crept=1</script>" in page.text_content()
    assert "\u200b" not in written
    assert "{{ 7*7 }}" in " ".join(write_text(sheet).split())


def test_a_coaching_sheet_of_hostile_words_holds_them_as_words(journal: Journal) -> None:
    kept = actions.actions(journal, "a1")
    sheet = Sheet(
        HOSTILE, HOSTILE, (spoken(theme.plain(HOSTILE)),), (Lines("Agreed", tuple(one.agreed for one in kept)),)
    )
    assert closed(read(write_pdf(sheet))).count(closed("[x](javascript:window.crept=1)")) >= 4
