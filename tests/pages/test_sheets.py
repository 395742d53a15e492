"""The sheets of Overview and Sources: one page of any data, with the same numbers and words as the pages."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from pypdf import PdfReader

from metrics import engine
from metrics.filters import Filters
from pages import printing, region, sentences, theme
from pages.pdf import Paper, write_pdf
from pages.sheet import Bars, Sheet, Table, spoken
from pages.sheets.overview import RATES, overview_sheet
from pages.sheets.sources import sources_sheet
from pages.sheets.view import View, earlier, rate_words
from tests.pages.conftest import Show

MAKERS: dict[str, Callable[[View], Sheet]] = {"overview": overview_sheet, "sources": sources_sheet}
ROOMS = ("full", "long_names", "one_store", "one_row", "two_currencies", "empty")
ASKED = Filters(start=dt.date(2026, 1, 1), end=dt.date(2026, 6, 30))


@pytest.fixture
def opened(showrooms: dict[str, Path]) -> Iterator[Callable[[str], View]]:
    held: list[engine.Warehouse] = []

    def open_view(room: str) -> View:
        warehouse = engine.open_warehouse(showrooms[room])
        held.append(warehouse)
        return View(warehouse, ASKED, earlier(warehouse, ASKED, 181))

    yield open_view
    for warehouse in held:
        warehouse.close()


def pages_of(written: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(written)).pages]


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("room", ROOMS)
def test_a_sheet_of_any_data_is_one_page(opened: Callable[[str], View], room: str, name: str, paper: Paper) -> None:
    sheet = MAKERS[name](opened(room))
    (shown,) = pages_of(write_pdf(sheet, paper))
    assert shown.startswith(sheet.title)
    assert "Data as of Jun 30, 2026" in shown
    assert "None" not in shown
    assert sheet.answer


def test_the_overview_sheet_says_what_the_page_says(opened: Callable[[str], View]) -> None:
    view = opened("full")
    names = (*RATES, "leads")
    now, before = view.now(names), view.before(names)
    sheet = overview_sheet(view)
    assert sheet.answer[0] == spoken(sentences.answer(now, before))
    assert sheet.answer[-1].startswith("Next: ")
    funnel = sheet.sections[0]
    assert isinstance(funnel, Bars)
    assert [bar.value for bar in funnel.bars] == [now[name]["value"] for name in RATES]
    assert [bar.reference for bar in funnel.bars] == [before[name]["value"] for name in RATES]
    assert all(bar.text.startswith(rate_words(now[name])) for bar, name in zip(funnel.bars, RATES, strict=True))
    assert "Jan 1, 2026 to Jun 30, 2026, compared with Jul 4, 2025 to Dec 31, 2025" in sheet.subtitle


def test_stores_stand_side_by_side_only_where_there_are_several(opened: Callable[[str], View]) -> None:
    headings = {
        room: [section.heading for section in overview_sheet(opened(room)).sections] for room in ("full", "one_store")
    }
    assert "Stores: Closing rate" in headings["full"]
    assert "Stores: Closing rate" not in headings["one_store"]


def test_the_sources_sheet_calls_unknown_spend_unknown(opened: Callable[[str], View]) -> None:
    view = opened("full")
    money = next(found for found in sources_sheet(view).sections if isinstance(found, Table))
    spent = {row[0]: row[2] for row in money.rows}
    known = engine.evaluate(view.warehouse, ["spend"], ASKED.but(by=("source",)))
    amounts = {row["source"]: row["value"] for row in known.to_dicts()}
    assert "unknown" in spent.values()
    for source, shown in spent.items():
        value = amounts.get(source)
        assert shown == ("unknown" if value is None else theme.number(value, "money"))


def test_two_currencies_have_no_amounts_but_a_reason(opened: Callable[[str], View]) -> None:
    assert sources_sheet(opened("two_currencies")).answer[0].startswith("No source can be judged by its money here: ")


@pytest.mark.parametrize("name", MAKERS)
def test_the_page_offers_its_sheet(show: Show, name: str) -> None:
    app = show(name)
    assert not app.exception
    offered: list[Any] = [found for found in app.get("download_button") if found.proto.id.endswith(f"{name}_pdf")]
    assert [found.label for found in offered] == [printing.LABEL]


def test_the_button_makes_the_sheet_only_when_pressed_in_the_region_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    offered: dict[str, Any] = {}

    def make() -> Sheet:
        made.append(region.current())
        return Sheet("Sheet", "s", (region.decimal(1234.5, 1),), ())

    def offer(label: str, data: Callable[[], bytes], file: str, *_: object, **__: object) -> None:
        offered.update(data=data, file=file)

    monkeypatch.setattr(st, "download_button", offer)
    region.use("de_DE")
    printing.print_button(make, "upboard_sheet", key="k")
    region.use(None)
    assert (made, offered["file"]) == ([], "upboard_sheet.pdf")
    with ThreadPoolExecutor(1) as elsewhere:
        written = elsewhere.submit(offered["data"]).result()
    assert made == ["de_DE"]
    assert "1.234,5" in pages_of(written)[0]
    assert float(PdfReader(io.BytesIO(written)).pages[0].mediabox.height) == pytest.approx(841.89, abs=0.01)
