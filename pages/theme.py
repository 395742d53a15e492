"""How numbers, words and colours look: formats by unit, safe text, one palette for both appearances."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from textwrap import wrap
from typing import Final

import polars as pl

from pages import region

# Middle tones: each has a contrast of at least 3 to 1 against both the light and the dark background.
NOW: Final = "#3b7fca"
BEFORE: Final = "#858e9a"
REFERENCE: Final = "#b8691f"
RIBBON: Final = "rgba(59, 127, 202, 0.20)"

# Words on charts, by appearance: a contrast of at least 7 to 1 against the background of .streamlit/config.toml.
INK: Final = {"light": "#3d4752", "dark": "#c9d1d9"}
# What lies behind a chart, its grid, and the edge of what hovers over it, by appearance.
PAPER: Final = {"light": "#ffffff", "dark": "#12181f"}
GRID: Final = {"light": "#e6eaf1", "dark": "#31333f"}
EDGE: Final = {"light": "#cbd4dd", "dark": "#3a4652"}

NOT_AVAILABLE: Final = "n/a"
MINUTES_IN: Final = {"minutes": 1, "days": 1440}
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|$~:<>&^=-])")
# Browsers' Markdown makes a link of a bare address, escaped or not; a mark without width inside it keeps it text.
_ADDRESS: Final = re.compile(r"(https?:|www)(?=//|\.)", re.IGNORECASE)
NO_LINK: Final = "\u200b"

# The spaces at which a table must not break a line, in escaped text: within an interval, a count, a time, a verdict.
_KEPT: Final = re.compile(
    r"(?<=[\d%]) (?=(?:of|to) \\?[\d-]|to (?:\\-)?[A-Z]*\\?[$€£])"
    r"|(?<=[\d%] (?:of|to)) (?=\\?[\d-]|(?:\\-)?[A-Z]*\\?[$€£])"
    r"|(?<=\d) (?=and (?:fewer|more)\b)|(?<=\d and) (?=(?:fewer|more)\b)"
    r"|(?<=\d) (?=(?:min|h|points)\b)|(?<=\bmay) (?=be chance)|(?<=\bbe) (?=chance)|(?<=\bmore) (?=than chance)"
    r"|(?<=\bmore than) (?=chance)"
    r"|(?<=\bnot) (?=distinguishable)|(?<=\bfrom) (?=the team)|(?<=\bfrom the) (?=team)"
)

# The words of the dealership for codes that the data hold; a label that is not here is shown as it is.
_VALUE_WORDS: Final[dict[str, dict[str, str]]] = {
    "lead_type": {
        "internet": "Internet",
        "phone": "Phone",
        "walk_in": "Walk-in",
        "chat": "Chat",
        "referral": "Referral",
        "previous_customer": "Previous customer",
        "service": "Service",
        "import": "Import",
        "other": "Other",
    },
    "vehicle_condition": {"new": "New", "used": "Used"},
    "appointment_type": {
        "sales": "Sales",
        "test_drive": "Test drive",
        "delivery": "Delivery",
        "service": "Service",
        "other": "Other",
    },
    "outcome": {
        "open": "Open",
        "shown": "Shown",
        "no_show": "No-show",
        "cancelled": "Cancelled",
        "rescheduled": "Rescheduled",
    },
    "status": {"open": "Open", "sold": "Sold", "lost": "Lost", "bad": "Bad", "duplicate": "Duplicate"},
    "sale_type": {"retail": "Retail", "lease": "Lease"},
    "role": {
        "salesperson": "Salesperson",
        "bdc_agent": "BDC agent",
        "manager": "Manager",
        "other": "Other",
        "machine": "Machine",
        "setter": "Appointment setter",
        "responder": "First responder",
    },
}

Number = int | float | Decimal


def value_words(column: str) -> dict[str, str]:
    """Words for the codes of a column or dimension, by code; empty where its values are names already."""
    return _VALUE_WORDS.get(column, {})


def plain(text: str) -> str:
    """Text from the data, safe inside Markdown: every sign that could format, link or typeset is escaped.

    A newline becomes a space, so that a name cannot start a list or a heading. A web address is no link.
    """
    return _MARKDOWN.sub(r"\\\1", _ADDRESS.sub(rf"\1{NO_LINK}", " ".join(text.split())))


def chart_label(text: str, width: int = 18) -> str:
    """Text from the data as an axis label: markup is shown as it is, long names break into at most two lines."""
    lines = wrap(text, width) or [text]
    kept = lines if len(lines) <= 2 else [lines[0], f"{lines[1][: width - 1]}…"]
    return "<br>".join(html.escape(line) for line in kept)


def money(value: Number, currency: str) -> str:
    """An amount in the store's currency: whole units from 100 on, else with cents."""
    size = abs(float(value))
    return region.money(value, currency, 0 if size >= 100 or size == 0 else 2)


def minutes(value: Number) -> str:
    """A duration given in minutes, in the largest unit that keeps it readable."""
    if value < 120:
        return f"{region.decimal(value, 0 if value >= 10 or value == int(value) else 1)} min"
    if value < 48 * 60:
        return f"{region.decimal(value / 60, 1)} h"
    return f"{region.decimal(value / 1440, 1)} days"


def number(value: Number | None, unit: str, currency: str = "USD") -> str:
    """A value as people read it: `n/a` for nothing, never 0.

    Shares are percentages with one decimal, counts whole (or halves, for split deals), money in the store's currency.
    """
    if value is None:
        return NOT_AVAILABLE
    if unit == "share":
        return region.percent(value)
    if unit == "money":
        return money(value, currency)
    if unit in MINUTES_IN:
        return minutes(value * MINUTES_IN[unit])
    if unit in {"points", "times"}:
        return region.decimal(value, 2)
    return region.decimal(value, 0 if value == int(value) else 1)


def interval(low: float | None, high: float | None, unit: str = "share", currency: str = "USD") -> str:
    """The two ends of an interval in words: `8.9% to 12.1%`, empty where there is none."""
    if low is None or high is None:
        return ""
    return f"{number(low, unit, currency)} to {number(high, unit, currency)}"


def parts(numerator: Number | None, denominator: Number | None) -> str:
    """Numerator of denominator: `125 of 1,203`, empty where there is no denominator."""
    if denominator is None:
        return ""
    return f"{number(numerator or 0, 'count')} of {number(denominator, 'count')}"


def change(now: Number | None, before: Number | None, unit: str) -> str | None:
    """What changed, with its sign: shares in points, counts and money in percent of what was.

    Returns None where either side is missing, or where a percentage would divide by nothing.
    """
    if now is None or before is None:
        return None
    if unit == "share":
        return _signed((float(now) - float(before)) * 100, "points")
    if unit in MINUTES_IN:
        sign = "-" if float(now) < float(before) else "+"
        return f"{sign}{minutes(abs(float(now) - float(before)) * MINUTES_IN[unit])}"
    if before <= 0:
        return None
    return _signed((float(now) / float(before) - 1) * 100, "%")


def points(share: Number) -> str:
    """A difference of shares in points, with its sign: `+1.2`. One that reads 0.0 has none."""
    value = 100 * float(share)
    shown = region.decimal(abs(value), 1)
    return f"{'' if shown == region.decimal(0, 1) else '-' if value < 0 else '+'}{shown}"


def _signed(value: float, unit: str) -> str:
    shown = region.decimal(abs(value), 1)
    sign = "" if shown == region.decimal(0, 1) else "-" if value < 0 else "+"
    return f"{sign}{shown}%" if unit == "%" else f"{sign}{shown} {unit}"


def table(rows: list[dict[str, str]]) -> pl.DataFrame:
    """Rows of ready text as a frame for st.table, each cell escaped; an empty list gives a frame without columns.

    `12 of 147`, `4.7% to 13.7%`, `12 min` and the like do not break over lines.
    """
    return pl.DataFrame([{key: _kept_together(plain(value)) for key, value in row.items()} for row in rows])


def _kept_together(text: str) -> str:
    return _KEPT.sub("\u00a0", text)
