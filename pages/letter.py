"""A sheet as a letter: one HTML file that mail programs show, and the same in plain text."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pages import theme
from pages.sheet import Bar, Bars, Lines, Section, Sheet, Table, and_more, first

MOST_BYTES: Final = 100_000  # a mail program cuts a longer letter off
_KEPT: Final = (40, 25, 15, 8, 4)
_SURE, _MAYBE, _TRACK = "#1f5fa8", "#9cc3ee", "#e3e8ed"
_WIDTH: Final = 78

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, auto_reload=False
)


def write_html(sheet: Sheet, base: str = "") -> str:
    """The letter as one HTML page: inline styles, tables, no script, no image, nothing from elsewhere; under 100 kB.

    `base` is the address of the dashboard: with it each section links to its page. Long lists end with "and 12 more".
    """
    written = ""
    for keep in _KEPT:
        written = _html(sheet, base.rstrip("/"), keep)
        if len(written.encode()) < MOST_BYTES:
            break
    return written


def _html(sheet: Sheet, base: str, keep: int) -> str:
    cut = [(*first(section, keep), _kind(section)) for section in sheet.sections]
    return _TEMPLATES.get_template("letter.html.jinja").render(
        sheet=sheet,
        sections=[(section, kind, left) for section, left, kind in cut],
        base=base,
        and_more=and_more,
        stripes=stripes,
        share=lambda most: theme.number(most, "share"),
    )


def _kind(section: Section) -> str:
    return "lines" if isinstance(section, Lines) else "table" if isinstance(section, Table) else "bars"


def stripes(bars: Bars, bar: Bar) -> list[tuple[int, str]]:
    """A bar as cells: the width in percent and the colour of each, widths adding up to 100.

    Sure up to the low end of the interval, light up to its high end; without an interval sure up to the value.
    """
    low = bars.share(bar.value if bar.low is None else bar.low) or 0.0
    high = bars.share(bar.value if bar.high is None else bar.high) or 0.0
    sure, reach = round(100 * low), round(100 * high)
    widths = ((sure, _SURE), (reach - sure, _MAYBE), (100 - reach, _TRACK))
    return [(width, colour) for width, colour in widths if width]


def write_text(sheet: Sheet, base: str = "") -> str:
    """The letter as plain text of at most 78 signs a line (a longer word stays whole)."""
    parts = [sheet.title, "=" * min(len(sheet.title), _WIDTH), *_wrapped(sheet.subtitle), ""]
    for line in sheet.answer:
        parts += [*_wrapped(line), ""]
    for section in sheet.sections:
        parts += _section(section, base.rstrip("/"))
    return "\n".join([*parts, *_wrapped(sheet.footer), ""])


def _section(whole: Section, base: str) -> list[str]:
    section, left = first(whole, _KEPT[0])
    lines = [section.heading, "-" * min(len(section.heading), _WIDTH), *_items(section)]
    if left:
        lines.append(and_more(left))
    if base and section.page:
        lines.append(f"{base}/{section.page}")
    return [*lines, ""]


def _items(section: Section) -> list[str]:
    if isinstance(section, Lines):
        mark = "[ ] " if section.is_ticked else "- "
        return [line for text in section.lines for line in _wrapped(f"{mark}{text}", "  ")]
    if isinstance(section, Bars):
        return [line for bar in section.bars for line in _wrapped(f"{bar.label}: {bar.text}", "  ")]
    return [line for row in section.rows for line in _wrapped(_row(section.header, row), "  ")]


def _row(header: tuple[str, ...], row: tuple[str, ...]) -> str:
    """A row of a table as a line: its name, then each number after its heading."""
    told = [f"{word.lower()} {cell}" for word, cell in zip(header[1:], row[1:], strict=True) if cell]
    return f"{row[0]}: {', '.join(told)}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
