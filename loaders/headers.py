"""The headers of a file against those a profile names: spelling, patterns with a star, and months as headers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

STAR: Final = "*"
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NAMED_MONTH: Final = re.compile(r"^([a-z]{3,9})\.?[\s'-]*(\d{4}|\d{2})$", re.IGNORECASE)
_NUMBERED_MONTH: Final = re.compile(r"^(\d{1,2})[/.-](\d{4})$")
_ISO_MONTH: Final = re.compile(r"^(\d{4})[-/](\d{1,2})(?:[-/]0?1(?:[T ]00:00(?::00)?)?)?$")


def squeezed_header(header: str) -> str:
    """Headers that differ only in case, spaces and underscores are one: "Lead ID" is "lead_id", but not "LeadID"."""
    return re.sub(r"[\s_]+", " ", header).strip().casefold()


def resolved_headers(headers: Sequence[str]) -> Mapping[str, str]:
    """From a header as profiles may write it (squeezed) to the header as the file has it; the first of equal ones."""
    return {squeezed_header(header): header for header in reversed(headers)}


def matching(name: str, present: Collection[str]) -> list[str]:
    """The squeezed headers that a header of a profile names: itself, or all that its star stands for, sorted."""
    squeezed = squeezed_header(name)
    if STAR not in squeezed:
        return [squeezed] if squeezed in present else []
    return sorted(header for header in present if _pattern(squeezed).match(header))


def starred_text(name: str, header: str) -> str | None:
    """What the star of a profile's header stands for in a header of a file, as it is written there; None if nothing."""
    found = _pattern(re.sub(r"[\s_]+", " ", name).strip()).match(re.sub(r"[\s_]+", " ", header).strip())
    return (found[1].strip() or None) if found else None


def known_headers(names: Iterable[str], present: Collection[str]) -> set[str]:
    """Which of the squeezed headers are named, by name or by pattern."""
    return {header for name in names for header in matching(name, present)}


def month_of(header: str) -> str | None:
    """The month that a header names, as 2026-03; None where it is no month.

    "Mar 2026", "March 2026", "Mar-26", "03/2026", "2026-03", and the first of the month that a sheet makes of it.
    """
    words = header.strip()
    if named := _NAMED_MONTH.match(words):
        numbers = [number for number, name in enumerate(_MONTHS, start=1) if name.startswith(named[1].lower())]
        return f"{'20'[: 4 - len(named[2])]}{named[2]}-{numbers[0]:02d}" if numbers else None
    if numbered := _NUMBERED_MONTH.match(words):
        return _month(numbered[2], numbered[1])
    iso = _ISO_MONTH.match(words)
    return _month(iso[1], iso[2]) if iso else None


def _month(year: str, number: str) -> str | None:
    return f"{year}-{int(number):02d}" if 1 <= int(number) <= 12 else None


@lru_cache(maxsize=1_000)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in name.split(STAR)) + "$", re.IGNORECASE | re.DOTALL)
