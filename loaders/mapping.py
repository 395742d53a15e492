"""Which column of a file feeds which of ours, read from a profile and changed in it, as the page Load data does.

A profile stays a text: a change touches the keys that it is about, and everything else stays as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

from loaders.contracts import key_column
from loaders.edits import replace_file
from loaders.errors import LoaderError
from loaders.guessing import mappable, needed
from loaders.headers import matching, resolved_headers
from loaders.profile import Column, FileBlock, Profile, checked_profile, profile_path

# Where no single header feeds a column: the profile joins several, or reads a part of one.
AS_WRITTEN: Final = "(as the profile says)"
DATE_ORDERS: Final = ("mdy", "dmy", "iso")
_MARKS: Final = ("modified_at",)
_MATCHED: Final = 6


@dataclass(frozen=True)
class Change:
    """What a person changed about one [[file]] of a profile; what is left out stays.

    `columns`: by our column, the header of the file that feeds it, or "" for none. `words`: by column, what a word of
    the file means. `defaults`: by column, what a blank cell holds. `date_order`: "mdy", "dmy" or "iso".
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    date_order: str | None = None
    time_zone: str | None = None


def columns_of(table: str) -> tuple[str, ...]:
    """Our columns of a table that a file may fill, those that no row can do without first; the key leads."""
    key, first = key_column(table), needed(table)
    names = [name for name in mappable(table) if name not in (key, "is_deleted", "system")]
    return (key, *sorted(names, key=lambda name: name not in first))


def fed_by(block: FileBlock, headers: Sequence[str]) -> dict[str, str]:
    """By our column, the header of the file that feeds it, "" for none, or AS_WRITTEN where it is no single one."""
    present = resolved_headers(headers)
    return {name: _header(_origin(block, name), present) for name in columns_of(block.table)}


def date_order_of(block: FileBlock) -> str:
    """Whether days are read month first ("mdy"), day first ("dmy"), or only where they are plain ("iso")."""
    return next((form for form in block.date_format if form in ("mdy", "dmy")), "iso")


def own_copy(name: str, own: Path) -> str:
    """The text of a profile by name, to be changed and kept in the folder `own`. LoaderError where it is not there."""
    path = profile_path(name, own)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoaderError(f"The profile {path} cannot be read: {error}.", "Mend the file, and try again.") from error


def unmapped(table: str, headers: Sequence[str]) -> str:
    """A profile of one [[file]] that maps nothing yet, for a file of which nothing looks like a column of ours."""
    block = {"table": table, "match": list(headers[:_MATCHED]), "date_format": ["iso", "mdy"], "columns": {}}
    return tomlkit.dumps({"name": "unmapped", "label": "unmapped", "time_zone": "store", "file": [block]})


def plain(text: str, *, name: str, label: str, origin: str) -> str:
    """A drafted text under another name, without the draft's remarks and samples."""
    document = tomlkit.parse(text).unwrap() | {"name": name, "label": label}
    return f"# Made on the page Load data for {' '.join(origin.split())}.\n{tomlkit.dumps(document)}"


def changed(text: str, block: str, change: Change) -> str:
    """The text of a profile with a change of the [[file]] of that name."""
    document = tomlkit.parse(text)
    table = next(table for table in cast(AoT, document["file"]) if _name(table) == block)
    for name, header in change.columns.items():
        _feed(table, name, header)
    for name, words in change.words.items():
        values = _table(_table(table, "values"), name)
        for word, meaning in words.items():
            values[word] = meaning
    for name, word in change.defaults.items():
        _table(table, "defaults")[name] = word
    _set_clock(document, table, change)
    return tomlkit.dumps(document)


def save_own(name: str, text: str, own: Path, *, is_new: bool) -> Profile:
    """Check a profile and keep it in the folder of the dealership's own; gives the profile.

    Raises:
        LoaderError: It is no valid profile, a new one would take the name of another, or it cannot be written.
    """
    path = own / f"{name}.toml"
    profile = checked_profile(text, path)
    if is_new and profile_path(name, own).is_file():
        raise LoaderError(f'There is a profile "{name}" already.', "Give this one another name.")
    replace_file(path, text)
    return profile


def _origin(block: FileBlock, name: str) -> Column | None:
    if name == key_column(block.table):
        return block.key
    return block.modified_at if name in _MARKS else block.columns.get(name)


def _header(origin: Column | None, present: Mapping[str, str]) -> str:
    if origin is None:
        return ""
    is_plain = not (origin.join or origin.header or origin.only_if or origin.last_line or origin.add_days)
    found = [squeezed for header in origin.headers for squeezed in matching(header, present.keys())]
    if not found:
        return ""
    return present[found[0]] if is_plain and len(found) == 1 else AS_WRITTEN


def _name(table: Table) -> str:
    return str(table.get("name", table["table"]))


def _feed(table: Table, name: str, header: str) -> None:
    """Let a header feed one of our columns, or none; what the profile did with the cells before (scale) stays."""
    is_mark = name == key_column(str(table["table"])) or name in _MARKS
    place, key = (table, "key" if name not in _MARKS else name) if is_mark else (_table(table, "columns"), name)
    if not header:
        place.pop(key, None)
        return
    held = place.get(key)
    if isinstance(held, Mapping) and "scale" in held and "column" in held:
        cast(Any, held)["column"] = header
        return
    place.pop(key, None)
    place[key] = header


def _set_clock(document: TOMLDocument, table: Table, change: Change) -> None:
    if change.date_order is not None:
        table["date_format"] = ["iso"] if change.date_order == "iso" else ["iso", change.date_order]
    if change.time_zone is not None:
        document["time_zone"] = change.time_zone
        table.pop("time_zone", None)


def _table(parent: Table, name: str) -> Table:
    if name not in parent:
        parent[name] = tomlkit.table()
    return cast(Table, parent[name])
