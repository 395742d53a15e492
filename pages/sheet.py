"""What stands on a sheet of paper or in a letter: a title, the answer in words, and sections. Values only, no look.

One content for three media: `pages.pdf` prints it, `pages.letter` writes it as HTML and as plain text for a mail. All
texts are plain: what looks like markup in them is shown as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

_BOLD: Final = re.compile(r"(?<!\\)\*\*")
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]()#+!|$~:<>&^=-])")
LONGEST: Final = 600


@dataclass(frozen=True)
class Lines:
    """Sentences below each other; `is_ticked` draws an empty box before each, to be ticked by hand.

    `page` is where this stands in the dashboard, such as `worklist?list=no_show_not_called`; blank for nowhere.
    """

    heading: str
    lines: tuple[str, ...]
    is_ticked: bool = False
    page: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """What may be cut when the sheet is full."""
        return self.lines


@dataclass(frozen=True)
class Table:
    """A table of ready texts. `widths` are shares of the line, one per column (none: as wide as the words need).

    Columns whose place is in `numbers` are set to the right.
    """

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    note: str = ""
    page: str = ""

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.header)]
        if wrong or (self.widths and len(self.widths) != len(self.header)):
            raise ValueError(f"{self.heading}: each row, and the widths, have as many parts as the header")

    @property
    def items(self) -> tuple[tuple[str, ...], ...]:
        """What may be cut when the sheet is full."""
        return self.rows


@dataclass(frozen=True)
class Bar:
    """One number as a bar from 0, with the ends of its interval as a line and a reference as a tick.

    Any of them may be unknown (None): it is then not drawn, and `text` says why.
    """

    label: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None


@dataclass(frozen=True)
class Bars:
    """Numbers side by side on one scale from 0 to `most`; `legend` says what line and tick mean."""

    heading: str
    bars: tuple[Bar, ...]
    legend: str = ""
    most: float = 1.0
    page: str = ""

    def __post_init__(self) -> None:
        if not self.most > 0:
            raise ValueError(f"{self.heading}: a scale goes from 0 to more than 0, not to {self.most}")

    @property
    def items(self) -> tuple[Bar, ...]:
        """What may be cut when the sheet is full."""
        return self.bars

    def share(self, value: float | None) -> float | None:
        """Where a value lies on the scale, 0 to 1; beyond it at its end."""
        return None if value is None else min(max(value / self.most, 0.0), 1.0)


Section = Lines | Table | Bars


@dataclass(frozen=True)
class Sheet:
    """One sheet: what it is, of whom and when, the answer in sentences, the sections, where the numbers are from."""

    title: str
    subtitle: str
    answer: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str = ""


def spoken(markdown: str) -> str:
    """A sentence of a page without its Markdown: no stars, no escapes, no line breaks, no marks without width."""
    return " ".join(_ESCAPED.sub(r"\1", _BOLD.sub("", markdown)).replace("\u200b", "").split())


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many signs, with its end left out where it is longer."""
    joined = " ".join(text.split())
    return joined if len(joined) <= longest else f"{joined[: longest - 1]}…"


def and_more(count: int) -> str:
    """What stands at the end of a list that was cut."""
    return f"and {count:,} more"


def first(section: Section, keep: int) -> tuple[Section, int]:
    """A section with at most so many items, and how many were left out."""
    left = max(len(section.items) - keep, 0)
    if isinstance(section, Lines):
        return replace(section, lines=section.lines[:keep]), left
    if isinstance(section, Table):
        return replace(section, rows=section.rows[:keep]), left
    return replace(section, bars=section.bars[:keep]), left
