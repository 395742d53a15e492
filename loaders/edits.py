"""Changes settings.toml as a careful person would: only what changed is written, comments and order stay.

Each function takes the text of the file and gives the new text; `save` checks it as a load would and replaces the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

from loaders.errors import LoaderError
from loaders.settings import WEEKDAYS, Settings, SourceEntry, checked_settings

_SCOPES: Final = ("store", "person", "source", "month")
_OF_STORE: Final = ("name", "time_zone", "country", "currency", "response_minutes")


def text_of(path: Path) -> str:
    """The text of a settings file; empty where there is none yet. LoaderError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        hint = "Mend the file's rights or its letters (UTF-8), and open the page again."
        raise LoaderError(f"The settings file {path} cannot be read: {error}.", hint) from error


def save(path: Path, text: str, was: str) -> Settings:
    """Check a changed text as a load would, and put it in the place of the file in one step; gives the settings.

    `was`: the text that was changed. Another person's change since then is not written over.

    Raises:
        LoaderError: The text is no valid settings.toml, the file was changed meanwhile, or it cannot be written.
    """
    settings = checked_settings(text, path)
    if text_of(path) != was:
        raise LoaderError(
            f"{path} was changed by somebody else meanwhile; nothing was written.",
            "Open this page again to see their change, then make yours.",
        )
    replace_file(path, text)
    return settings


def replace_file(path: Path, text: str) -> None:
    """Write a file beside the old one, then put it in its place: a crash leaves one or the other, never half of one.

    Raises:
        LoaderError: The folder cannot be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        hint = f"Let this server write to {path.parent}, or free some space."
        raise LoaderError(f"{path} cannot be written: {error.strerror or error}.", hint) from error


def with_standards(text: str, values: Mapping[str, int]) -> str:
    """The text with these keys of [standards]; a key that has its value already is left as it is written."""
    document = tomlkit.parse(text)
    settings = checked_settings(text, Path("settings.toml"))
    changed = {key: value for key, value in values.items() if getattr(settings.standards, key) != value}
    for key, value in changed.items():
        _put(_table(document, "standards"), key, value)
    return tomlkit.dumps(document)


def with_stores(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The text with these stores, in the order of the file; new ones come last, those without a row are taken out.

    A row has `was` (the name that it had in the file; None for a new store), name, time_zone, country, currency,
    response_minutes (None: the standard of all stores), aliases (names) and mon to sun ("09:00-20:00" or "closed").
    """
    document = tomlkit.parse(text)
    known = {store.name: store for store in checked_settings(text, Path("settings.toml")).stores}
    tables = {str(table["name"]): table for table in _tables(document, "store")}
    kept = {row["was"] for row in rows}
    for name in [name for name in tables if name not in kept]:
        _tables(document, "store").remove(tables[name])
    for row in rows:
        held = known.get(row["was"])
        table = tables.get(row["was"]) if held else _added(document, "store")
        before = {**held.model_dump(), **held.hours.model_dump()} if held else {}
        _change_store(cast(Table, table), row, before)
    return tomlkit.dumps(document)


def _change_store(table: Table, row: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for key in _OF_STORE:
        if row.get(key) != before.get(key):
            _put(table, key, row.get(key))
    if tuple(row.get("aliases", ())) != tuple(before.get("aliases", ())):
        _put(table, "aliases", list(row["aliases"]))
    hours = {day: row[day] for day in WEEKDAYS if row.get(day) and row[day] != before.get(day)}
    for day, span in hours.items():
        _put(_table(table, "hours"), day, span)


def with_targets(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The text with exactly these targets: metric and value, and store, person, source or month where one has them.

    One that stands under [targets] or [store.targets] is changed there; every other one is a [[target]]. LoaderError
    where two are for the same.
    """
    document = tomlkit.parse(text)
    left = {_scope(row): _filled(row) for row in rows}
    if len(left) < len(rows):
        raise LoaderError("Two targets are for the same metric and scope.", "Keep one of them.")
    _settle(document.get("targets"), None, left)
    for table in _tables(document, "store"):
        _settle(table.get("targets"), str(table["name"]), left)
    held = [_scope(table.unwrap()) for table in _tables(document, "target")]
    values = [float(table["value"]) for table in _tables(document, "target")]
    if held != list(left) or values != [row.get("value") for row in left.values()]:
        _rewrite(document, "target", left.values())
    return tomlkit.dumps(document)


def _scope(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What a target is for, without case and needless spaces."""
    return tuple(" ".join(str(row[key]).split()).casefold() if row.get(key) else None for key in ("metric", *_SCOPES))


def _settle(table: Table | None, store: str | None, left: dict[tuple[str | None, ...], dict[str, Any]]) -> None:
    """Bring one table of targets in line, and take from `left` what it holds."""
    for metric in list(table or ()):
        row = left.pop(_scope({"metric": metric, "store": store}), None)
        held = cast(Table, table)
        if row is None:
            del held[metric]
        elif float(cast(Any, held[metric])) != row.get("value"):
            held[metric] = row.get("value", "")


def with_annotations(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The text with exactly these annotations: date and label, and store and person where one has them."""
    document = tomlkit.parse(text)
    wanted = [_filled(row) for row in rows]
    if [table.unwrap() for table in _tables(document, "annotation")] != wanted:
        _rewrite(document, "annotation", wanted)
    return tomlkit.dumps(document)


def with_sources(text: str, entries: Iterable[SourceEntry]) -> str:
    """The text with these names added to [[sources.map]]: to the source of that name, or as a new one."""
    document = tomlkit.parse(text)
    for entry in entries:
        sources = _table(document, "sources")
        table = next((table for table in _tables(sources, "map") if _is_named(table, entry.source)), None)
        if table is None:
            table = _added(sources, "map")
            _put(table, "source", entry.source)
        held = [str(name) for name in table.get("names", [])]
        own = {name.casefold() for name in (*held, entry.source)}
        if fresh := [name for name in entry.names if name.casefold() not in own]:
            _put(table, "names", [*held, *fresh])
        for key in ("group", "channel"):
            if (value := getattr(entry, key)) and key not in table:
                _put(table, key, value)
    return tomlkit.dumps(document)


def _is_named(table: Table, source: str) -> bool:
    return " ".join(str(table.get("source", "")).split()).casefold() == " ".join(source.split()).casefold()


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a row that say something."""
    return {key: value for key, value in row.items() if value is not None and value != ""}


def _table(document: TOMLDocument | Table, name: str) -> Table:
    """The table of that name, made where there is none."""
    if name not in document:
        document[name] = tomlkit.table()
    return cast(Table, document[name])


def _tables(document: TOMLDocument | Table, name: str) -> AoT:
    """The [[tables]] of that name: of none, an empty list that is not in the document."""
    return cast(AoT, document[name]) if name in document else tomlkit.aot()


def _added(document: TOMLDocument | Table, name: str) -> Table:
    """A new [[table]] at the end of those of its name."""
    if name not in document:
        document[name] = tomlkit.aot()
    table = tomlkit.table()
    cast(AoT, document[name]).append(table)
    return cast(AoT, document[name])[-1]


def _rewrite(document: TOMLDocument, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    tables = tomlkit.aot()
    for row in rows:
        table = tomlkit.table()
        for key, value in row.items():
            table[key] = value if isinstance(value, date | float | int) else str(value)
        table.add(tomlkit.nl())
        tables.append(table)
    document.pop(name, None)
    if len(tables):
        document[name] = tables


def _put(table: Table, key: str, value: Any) -> None:
    """Set a key, or take it out with None. A new one stands below the last, above comments that follow the table."""
    if value is None or key in table:
        table.pop(key, None) if value is None else table.update({key: value})
        return
    body = table.value.body
    last = max((at for at, (name, _) in enumerate(body) if name is not None), default=-1)
    tail = body[last + 1 :]
    del body[last + 1 :]
    table[key] = value
    for _, item in tail:
        table.add(cast(Any, item))
