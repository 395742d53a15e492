"""Sheets as PDF: one page whatever stands on it, text that can be copied, texts that cannot become markup."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PageObject, PdfReader

from pages import pdf
from pages.pdf import Paper, write_pdf
from pages.sheet import Bar, Bars, Lines, Section, Sheet, Table, first, shortened, spoken

ROOT = Path(__file__).parents[2]
HOSTILE = '#set page(width: 1pt) $x$ *b* <label> @ref "q" \\ {{ 7*7 }} [#import "x"] //'


def sheet(*sections: Section, title: str = "Overview", answer: tuple[str, ...] = ("Closing rose.",)) -> Sheet:
    return Sheet(title, "1 Nov to 22 Nov", answer, sections, "Data as of 22 Nov.")


def read(written: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(written))


def words(written: bytes) -> str:
    """The text of the only page, each run of spaces and line ends as one space."""
    reader = read(written)
    assert len(reader.pages) == 1
    return " ".join(reader.pages[0].extract_text().split())


def table(rows: int, name: str = "Customer") -> Table:
    return Table(
        "To call", ("Customer", "Phone"), tuple((f"{name} {n}", "555-0100") for n in range(rows)), (3, 1), (1,)
    )


BARS = Bars("Rates", (Bar("Contact rate", "61.0% (61 of 100)", 0.61, 0.51, 0.7, 0.66), Bar("Show rate", "n/a", None)))


def test_a_sheet_says_all_of_it_in_reading_order_on_one_page() -> None:
    shown = words(write_pdf(sheet(BARS, table(3), Lines("Agreed", ("Call the same day",), is_ticked=True))))
    parts = [
        "Overview",
        "1 Nov to 22 Nov",
        "Closing rose.",
        "Rates",
        "Contact rate",
        "61.0% (61 of 100)",
        "Show rate n/a",
    ]
    parts += [
        "To call",
        "Customer Phone",
        "Customer 0 555-0100",
        "Customer 2",
        "Agreed",
        "Call the same day",
        "Data as of",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_a_sheet_names_its_title_and_language_and_is_tagged_for_screen_readers() -> None:
    written = write_pdf(sheet(BARS, table(2), title="Coaching sheet: Ada Hill"))
    reader = read(written)
    root: Any = reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == "Coaching sheet: Ada Hill"
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()


@pytest.mark.parametrize(("paper", "size"), [("a4", (595.28, 841.89)), ("us-letter", (612.0, 792.0))])
def test_a_full_sheet_is_one_page_of_the_paper_and_says_how_much_was_left_out(
    paper: Paper, size: tuple[float, float]
) -> None:
    written = write_pdf(sheet(BARS, table(4), table(500, "Late")), paper)
    box = read(written).pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx(size, abs=0.01)
    shown = words(written)
    assert "Customer 3" in shown, "a short list is kept whole while a long one is cut"
    kept = shown.count("Late ")
    assert 20 < kept < 90
    assert f"and {500 - kept} more" in shown


def test_letters_shrink_before_anything_is_left_out() -> None:
    few, many = (write_pdf(sheet(table(rows))) for rows in (10, 55))
    assert "Customer 54" in words(many)
    assert largest_letters(read(many).pages[0]) < largest_letters(read(few).pages[0])


def largest_letters(page: PageObject) -> float:
    sizes: list[float] = []
    page.extract_text(visitor_text=lambda text, cm, tm, font, size: sizes.append(size * abs(tm[0])))
    return max(sizes)


def test_very_long_texts_stay_on_the_page() -> None:
    name = "Bartholomew-Maximilian " * 200
    long_bar = Bars(name, (Bar(name, name, 0.5),))
    shown = words(write_pdf(sheet(table(3, name), long_bar, Lines(name, (name,)), title=name, answer=(name, "Last."))))
    assert "Last." in shown
    assert shown.count("…") >= 6


def test_text_that_looks_like_markup_is_shown_as_it_is() -> None:
    hostile = sheet(
        Table(HOSTILE, (HOSTILE, "n"), ((HOSTILE, "1"),)),
        Bars("Rates", (Bar(HOSTILE, HOSTILE, 0.2),), legend=HOSTILE),
        Lines("Lines", (HOSTILE,)),
        title=HOSTILE,
        answer=(HOSTILE,),
    )
    shown = "".join(words(write_pdf(hostile)).split()).replace("-", "")
    assert shown.count("".join(HOSTILE.split()).replace("-", "")) >= 8


def test_signs_that_no_font_has_do_not_stop_the_sheet() -> None:
    reader = read(write_pdf(sheet(table(1, "山田 😀"))))
    assert len(reader.pages) == 1
    assert reader.root_object["/MarkInfo"]["/Marked"]  # type: ignore[index]


def test_all_fonts_come_from_typst_and_travel_in_the_file() -> None:
    page = read(write_pdf(sheet(BARS, table(3)))).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    inner = [font["/DescendantFonts"][0].get_object() for font in fonts]
    assert fonts
    assert all(key.startswith("/FontFile") for font in inner for key in font["/FontDescriptor"] if "FontFile" in key)
    assert all(any("FontFile" in key for key in font["/FontDescriptor"]) for font in inner)
    assert {str(font["/BaseFont"]).split("+")[1].split("-")[0] for font in fonts} == {"LibertinusSerif"}


def test_a_sheet_is_made_without_any_program_font_or_home_of_the_machine(tmp_path: Path) -> None:
    code = (
        "from pages.pdf import write_pdf; from pages.sheet import Lines, Sheet; import sys, socket;"
        "socket.socket = None;"
        "sys.stdout.buffer.write(write_pdf(Sheet('T', 's', ('Answer.',), (Lines('H', ('One',)),))))"
    )
    clean = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    made = subprocess.run([sys.executable, "-c", code], env=clean, cwd=tmp_path, capture_output=True, check=True)
    assert "Answer." in words(made.stdout)
    assert made.stdout == write_pdf(Sheet("T", "s", ("Answer.",), (Lines("H", ("One",)),)))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.lists(st.floats(allow_nan=False) | st.none(), min_size=3, max_size=3))
def test_any_text_and_any_number_make_one_page(text: str, ends: list[float | None]) -> None:
    bars = Bars(text, (Bar(text, text, ends[0], ends[1], ends[2], ends[0]),), legend=text)
    reader = read(write_pdf(sheet(Table(text, (text,), ((text,),)), bars, title=text, answer=(text,))))
    assert len(reader.pages) == 1


def test_a_picture_of_the_sheet_is_a_png() -> None:
    assert pdf.write_picture(sheet(BARS)).startswith(b"\x89PNG")


def test_paper_follows_the_region() -> None:
    assert [pdf.paper_of(place) for place in ("en_US", "fr_CA", "de_DE", "en_GB")] == [
        "us-letter",
        "us-letter",
        "a4",
        "a4",
    ]


def test_markdown_of_a_page_becomes_plain_words() -> None:
    assert spoken(r"**Closing rate** is 12%; \*Best\* \$Leads\$ lost \#1  " + "\n next") == (
        "Closing rate is 12%; *Best* $Leads$ lost #1 next"
    )


def test_a_row_that_does_not_fit_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="as many parts as the header"):
        Table("T", ("a", "b"), (("1",),))
    with pytest.raises(ValueError, match="from 0 to more than 0"):
        Bars("B", (), most=0)


def test_cutting_and_shortening_say_how_much_is_gone() -> None:
    cut, left = first(table(5), 2)
    assert (len(cut.items), left) == (2, 3)
    assert first(BARS, 9) == (BARS, 0)
    assert shortened("a  b" * 400, 10) == "a ba ba b…"


def test_a_word_longer_than_its_column_breaks_inside_it_and_keeps_the_file_tagged() -> None:
    name = "Lakeside" * 12
    written = write_pdf(sheet(Table("T", ("Name", "n"), ((name, "1"),), (1, 3)), title=name))
    reader = read(written)
    root: Any = reader.root_object
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == name
    below = reader.pages[0].extract_text().partition("Name")[2]
    assert "LakesideLakeside" in below
    assert max(len(line) for line in below.splitlines()) < 40, "no line runs under the next column"
