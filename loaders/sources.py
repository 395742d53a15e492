"""Which lead sources the files name, what the settings make of each name, and what else it could mean.

Nothing is mapped here: a suggestion is text that a person may copy into settings.toml.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from rapidfuzz import fuzz, process

from loaders.settings import Settings, SourceEntry, Sources

_KNOWN: Final = Path(__file__).parent / "known_sources.toml"
# How alike two names must be, of 100, for one to be proposed for the other: "cargurus.com" is proposed, "cars" is not.
_NEAR: Final = 80
_SAYS_NOTHING: Final = ("unknown", "other", "none", "not specified", "n/a", "misc", "various")
_NO_GROUP: Final = "(no group)"


@dataclass(frozen=True)
class Spelling:
    """A source as files write it: how often, the group that files give it, and what the map makes of it.

    `source`, `channel`: what the settings map it to, null where they do not. `by`: the entry that was proposed for a
    name that is not mapped, with the reason; null where nothing is near.
    """

    spelling: str
    leads: int
    spend_rows: int
    report_rows: int
    file_group: str | None
    source: str | None
    source_group: str | None
    channel: str | None
    suggestion: SourceEntry | None = None
    reason: str | None = None

    @property
    def is_mapped(self) -> bool:
        """Whether the settings say what this name means."""
        return self.source is not None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        proposed = self.suggestion.model_dump(exclude={"names"}) if self.suggestion else None
        return asdict(self) | {"suggestion": proposed, "is_mapped": self.is_mapped}


def spellings(rows: Iterable[dict[str, Any]], settings: Settings) -> list[Spelling]:
    """What the settings make of each spelling, the most used first, with a suggestion for those they do not know.

    `rows` have spelling, lead_count, spend_count, report_count and source_group, as a snapshot holds them.
    """
    find = settings.sources.finder()
    told = [_told(row, find(row["spelling"])) for row in rows]
    told.sort(key=lambda found: (-found.leads, -found.spend_rows, -found.report_rows, found.spelling))
    suggest = _suggester(settings, [found for found in told if not found.is_mapped])
    return [found if found.is_mapped else _suggested(found, suggest) for found in told]


def _told(row: dict[str, Any], entry: SourceEntry | None) -> Spelling:
    group = None if row["source_group"] == _NO_GROUP else row["source_group"]
    return Spelling(
        spelling=row["spelling"],
        leads=row["lead_count"],
        spend_rows=row["spend_count"],
        report_rows=row["report_count"],
        file_group=group,
        source=entry.source if entry else None,
        source_group=entry.group if entry else None,
        channel=entry.channel if entry else None,
    )


Suggest = Callable[[Spelling], tuple[SourceEntry, str] | None]


def _suggested(found: Spelling, suggest: Suggest) -> Spelling:
    proposed = suggest(found)
    return found if proposed is None else Spelling(**{**vars(found), "suggestion": proposed[0], "reason": proposed[1]})


def _suggester(settings: Settings, unmapped: Sequence[Spelling]) -> Suggest:
    """A function that proposes an entry: of the map, else of the known sources, else a name that more leads carry."""
    own, known = _named(settings.sources.map), _named(known_sources().map)
    find_known = known_sources().finder()

    def suggest(found: Spelling) -> tuple[SourceEntry, str] | None:
        key = _letters(found.spelling)
        if not key or found.spelling.casefold() in _SAYS_NOTHING:
            return None
        if near := _nearest(key, own):
            return near, f'near to "{near.source}" of your map'
        if (entry := find_known(found.spelling)) or (entry := _nearest(key, known)):
            # Where the map has this source already, it is meant, with the group and channel it has there.
            mapped = settings.sources.finder()(entry.source)
            return mapped or entry, "a source that many dealerships have"
        bigger = {_letters(other.spelling): _entry(other) for other in unmapped if other.leads > found.leads}
        if near := _nearest(key, {word: entry for word, entry in bigger.items() if word}):
            return near, f'near to "{near.source}" of your files'
        return None

    return suggest


def _entry(found: Spelling) -> SourceEntry:
    return SourceEntry(source=found.spelling, group=found.file_group)


def _named(entries: Iterable[SourceEntry]) -> dict[str, SourceEntry]:
    """Every name of these entries in letters and digits only, with the entry that it stands for."""
    words = ((_letters(name), entry) for entry in entries for name in entry.spellings())
    return {word: entry for word, entry in words if len(word) > 3}


def _nearest(key: str, known: dict[str, SourceEntry]) -> SourceEntry | None:
    found = process.extractOne(key, list(known), scorer=fuzz.ratio, score_cutoff=_NEAR)
    return known[found[0]] if found else None


def _letters(name: str) -> str:
    """A name without case, spaces, punctuation and the ends of web addresses: "Auto-Trader.com" is "autotrader"."""
    bare = re.sub(r"^(https?://)?(www\.)?|\.(com|net|org|ca|co\.uk)\b", "", name.casefold())
    return re.sub(r"[\W_]+", "", bare)


@cache
def known_sources() -> Sources:
    """The sources that come with Upboard, for suggestions."""
    return Sources.model_validate(tomllib.loads(_KNOWN.read_text(encoding="utf-8")))


def unmapped_line(found: Iterable[Spelling], warehouse: Path) -> str:
    """One line that says how many leads carry names that the map does not know."""
    unknown = [spelling.leads for spelling in found if not spelling.is_mapped and spelling.leads]
    if not unknown:
        return "All leads that name a source stand under a source of your map."
    names = f"{len(unknown)} source name{'s' if len(unknown) > 1 else ''}"
    return (
        f"{sum(unknown):,} leads stand under {names} that your map of sources does not know. "
        f"To see and map them: python -m loaders sources --warehouse {warehouse}"
    )


def source_lines(found: Sequence[Spelling]) -> Iterator[str]:
    """A line for each name: leads, spend entries, figures of CRM reports, the name, and what it means."""
    if not found:
        yield "No record names a source."
        return
    yield f"{'leads':>9}{'spend':>9}{'reports':>9}  source as written"
    for spelling in found:
        counts = f"{spelling.leads:>9,}{spelling.spend_rows:>9,}{spelling.report_rows:>9,}"
        yield f"{counts}  {spelling.spelling}  ->  {_meaning(spelling)}"


def _meaning(spelling: Spelling) -> str:
    if spelling.source is not None:
        parts = [spelling.source, spelling.source_group, spelling.channel]
        return " / ".join(part for part in parts if part)
    if spelling.suggestion is not None:
        return f'unmapped; perhaps "{spelling.suggestion.source}": {spelling.reason}'
    return "unmapped"


def pasteable(found: Sequence[Spelling]) -> Iterator[str]:
    """Lines for settings.toml that map every name which is not mapped yet, names of one source together."""
    proposed: dict[str, list[Spelling]] = {}
    for spelling in (spelling for spelling in found if not spelling.is_mapped):
        source = spelling.suggestion.source if spelling.suggestion else spelling.spelling
        proposed.setdefault(source, []).append(spelling)
    for source, members in proposed.items():
        yield from _entry_lines(source, members)


def _entry_lines(source: str, members: Sequence[Spelling]) -> Iterator[str]:
    suggestion = next((member.suggestion for member in members if member.suggestion), None)
    reasons = {member.reason for member in members if member.reason}
    yield "[[sources.map]]" + (f"  # {'; '.join(sorted(reasons))}: check it" if reasons else "")
    yield f"source = {_quoted(source)}"
    names = [member.spelling for member in members if member.spelling.casefold() != source.casefold()]
    if names:
        yield f"names = [{', '.join(_quoted(name) for name in names)}]"
    group = (suggestion.group if suggestion else None) or members[0].file_group
    channel = suggestion.channel if suggestion else None
    yield f"group = {_quoted(group)}" if group else '# group = ""'
    yield f"channel = {_quoted(channel)}" if channel else '# channel = ""'
    yield ""


def _quoted(text: str) -> str:
    """A TOML text: its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
