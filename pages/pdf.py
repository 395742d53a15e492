"""A sheet as PDF: one page, made by typst inside this process, without a browser, a network or fonts of the machine."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import typst

from pages import region
from pages.sheet import LONGEST, Bar, Bars, Lines, Section, Sheet, Table, and_more, first, shortened

Paper = Literal["a4", "us-letter"]

_TEMPLATE: Final = Path(__file__).with_name("sheet.typ")
# Where letters are written on Letter; elsewhere on A4.
_LETTER: Final = frozenset({"US", "CA", "MX", "PH", "CL", "CO", "VE"})
_LONGEST_CELL: Final = 200
# A word as long as a column may break after so many signs; the mark has no width and is no sign of the text.
_LONG_WORD: Final = re.compile(r"(\S{16})(?=\S{8})")
_MAY_BREAK: Final = "\u200b"
# More than a page holds at 8 points; the template cuts further.
_MOST_ITEMS: Final = 90


def write_pdf(sheet: Sheet, paper: Paper = "a4") -> bytes:
    """The sheet as a PDF of one page: tagged for screen readers (PDF/UA-1), its text can be searched and copied.

    Letters shrink to 8 points, then the longest lists end with "and 12 more". Texts travel as data, so that nothing in
    them is taken for markup. The same sheet gives the same bytes. Signs that the fonts of typst lack are drawn as
    boxes, and the file is then tagged but not marked as PDF/UA.
    """
    return _compiled(sheet, paper, "pdf")


def write_picture(sheet: Sheet, paper: Paper = "a4") -> bytes:
    """The same as a picture (PNG, 110 dots per inch), to look at."""
    return _compiled(sheet, paper, "png")


def paper_of(place: str) -> Paper:
    """The paper of a region such as `en_US`: Letter where it is in use, else A4."""
    return "us-letter" if place.rpartition("_")[2] in _LETTER else "a4"


def usual_paper() -> Paper:
    """The paper of the region that numbers are written for."""
    return paper_of(region.current())


def _compiled(sheet: Sheet, paper: Paper, kind: Literal["pdf", "png"]) -> bytes:
    inputs = {"sheet": json.dumps(_content(sheet)), "paper": paper}

    def compiled(standards: list[Any]) -> bytes:
        return typst.compile(
            str(_TEMPLATE),
            root=str(_TEMPLATE.parent),
            format=kind,
            font_paths=_fonts(),
            sys_inputs=inputs,
            pdf_standards=standards,
            ppi=110,
        )

    if kind == "png":
        return compiled([])
    try:
        return compiled(["ua-1"])
    except typst.TypstError:
        # PDF/UA refuses a sign without a glyph, such as a name in a script that the fonts do not have.
        return compiled([])


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


def _printed(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many signs whose long words may break."""
    return _LONG_WORD.sub(rf"\1{_MAY_BREAK}", shortened(text, longest))


def _content(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": shortened(sheet.title, _LONGEST_CELL),
        "title": _printed(sheet.title, _LONGEST_CELL),
        "subtitle": _printed(sheet.subtitle),
        "answer": [_printed(line) for line in sheet.answer],
        "sections": [_section(section) for section in sheet.sections],
        "footer": _printed(sheet.footer),
    }


def _section(whole: Section) -> dict[str, Any]:
    section, left = first(whole, _MOST_ITEMS)
    common = {
        "heading": _printed(section.heading, _LONGEST_CELL),
        "left": left,
        "more": and_more(left) if left else "",
    }
    if isinstance(section, Lines):
        texts = [_printed(line) for line in section.lines]
        return common | {"kind": "lines", "items": texts, "is_ticked": section.is_ticked}
    if isinstance(section, Table):
        return common | _cells(section)
    return common | {
        "kind": "bars",
        "note": _printed(section.legend),
        "items": [_bar(bar, section) for bar in section.bars],
    }


def _cells(table: Table) -> dict[str, Any]:
    return {
        "kind": "table",
        "header": [_printed(word, _LONGEST_CELL) for word in table.header],
        "items": [[_printed(cell, _LONGEST_CELL) for cell in row] for row in table.rows],
        "widths": list(table.widths),
        "numbers": list(table.numbers),
        "note": _printed(table.note),
    }


def _bar(bar: Bar, bars: Bars) -> dict[str, Any]:
    places = {name: bars.share(getattr(bar, name)) for name in ("value", "low", "high", "reference")}
    return {
        "label": _printed(bar.label, _LONGEST_CELL),
        "text": _printed(bar.text, _LONGEST_CELL),
        **places,
    }
