"""What the loaders' command line says: one JSON object for scripts, lines of at most 80 columns for people.

Rows are told as lines, not as a boxed table, so that no file name and no count is ever cut off in a narrow terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loaders.canonical import Conformed
from loaders.intake import Sheet
from loaders.snapshot import Published

COUNTED: Final = ("read", "accepted", "rejected", "unchanged", "updated")
MOST_REJECTS_SHOWN: Final = 20
_TABLE_WIDTH: Final = 16
_COUNT_WIDTH: Final = 11

said = Console(stderr=True, highlight=False)
_out = Console(highlight=False)


def print_json(value: dict[str, Any]) -> None:
    """One object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_line(text: str = "") -> None:
    """A line on standard output, as it is: never wrapped, coloured or cut."""
    _out.print(text, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """A message on standard error."""
    said.print(text, markup=False, soft_wrap=True)


def load_as_json(sheets: Sequence[Sheet], published: Published | None) -> dict[str, Any]:
    """The object of data_model.md part 6: the snapshot, its "now", and each file with its counts or its error."""
    return {
        "snapshot": published.snapshot if published else None,
        "as_of": published.as_of.isoformat() if published and published.as_of else None,
        "files": list(_file_entries(sheets, published).values()),
    }


def print_load(sheets: Sequence[Sheet], published: Published | None, warehouse: Path) -> None:
    """Each file with its counts, then its messages, then which snapshot serves."""
    if published:
        _print_counts(sheets, published)
    for sheet in sheets:
        if sheet.error:
            say(f"{told_error(sheet)}\n")
    for notice in dict.fromkeys(_notices(sheets)):
        say(notice)
    if published:
        print_line(_serving(published))
        if any(published.files["rejected"].drop_nulls()):
            say(f"Refused rows, with reasons: python -m loaders rejects --warehouse {warehouse}")


def told_error(sheet: Sheet) -> str:
    """A file's error, with its path in front unless the error names it already."""
    error = sheet.error or ""
    return error if sheet.path in error else f"{place_of(sheet)}: {error}"


def place_of(sheet: Sheet) -> str:
    """The path, with the sheet of a workbook in brackets."""
    return f"{sheet.path} [{sheet.sheet}]" if sheet.sheet else sheet.path


def check_as_json(sheet: Sheet) -> dict[str, Any]:
    """What a load would do with one file: the profile and why, what is left out, counts, rejects and findings."""
    place: dict[str, Any] = {"path": sheet.path, "sheet": sheet.sheet}
    if sheet.error:
        return place | {"error": sheet.error, "notes": list(sheet.notes)}
    return place | {
        "notes": list(sheet.notes),
        "profile": sheet.profile,
        "reasons": list(sheet.reasons),
        "left_out": [{"line": line, "reason": reason} for line, reason in sheet.dropped],
        "sheets_left_out": list(sheet.skipped),
        "tables": _tables_as_json(sheet),
    }


def print_check(sheet: Sheet) -> None:
    """The same for people."""
    if sheet.error:
        print_line(f"{told_error(sheet)}\n")
        _print_notes(sheet)
        return
    print_line(f"{place_of(sheet)}: profile {sheet.profile}")
    _print_notes(sheet)
    for reason in sheet.reasons:
        print_line(f"  because {reason}")
    for skipped in sheet.skipped:
        print_line(f"  {skipped}")
    for line, reason in sheet.dropped:
        print_line(f"  line {line} left out: {reason}")
    for part in sheet.conformed:
        _print_part(part)


def _print_notes(sheet: Sheet) -> None:
    for note in sheet.notes:
        print_line(f"  note: {note}")


def print_rejects(rows: Sequence[dict[str, Any]]) -> None:
    """Refused rows by file: line, table and every rule broken, then the row as it was."""
    if not rows:
        print_line("No row was refused.")
    for (file, sheet), of_file in groupby(rows, key=lambda row: (row["source_file"], row["source_sheet"])):
        print_line(f"{file} [{sheet}]" if sheet else file)
        for row in of_file:
            print_line(f"  line {row['source_line']}, {row['table']}: {row['rule']}")
            cells = (f"{name}: {cell}" for name, cell in json.loads(row["row"]).items() if cell is not None)
            print_line(f"    {' | '.join(cells)}")


def print_history(entry: dict[str, Any]) -> None:
    """One snapshot: its name, whether it serves, when it was loaded, and what each file gave."""
    serves = "  (serves now)" if entry["is_current"] else ""
    print_line(f"{entry['snapshot']}{serves}")
    if entry["error"]:
        print_line(f"    cannot be opened: {entry['error']}")
        return
    how = "loaded" if entry["files"] else "built again"
    print_line(f"    {how} {_short(entry['loaded_at'])}, data as of {_short(entry['as_of'])}")
    for row in entry["files"]:
        place = f"{row['path']} [{row['sheet']}]" if row["sheet"] else row["path"]
        result = row["error"] or f"{row['table']}: {row['accepted']} accepted, {row['rejected']} rejected"
        print_line(f"    {result}" if place in result else f"    {place}  {result}")


def _file_entries(sheets: Sequence[Sheet], published: Published | None) -> dict[tuple[str, str | None], dict[str, Any]]:
    """One entry per file (and sheet), in the order in which they were read."""
    entries: dict[tuple[str, str | None], dict[str, Any]] = {}
    for sheet in sheets:
        entry: dict[str, Any] = {"path": sheet.path}
        if sheet.sheet:
            entry["sheet"] = sheet.sheet
        detail: dict[str, Any] = {"error": sheet.error} if sheet.error else {"profile": sheet.profile, "tables": {}}
        entries[sheet.path, sheet.sheet] = entry | detail | ({"notes": list(sheet.notes)} if sheet.notes else {})
    for row in published.files.to_dicts() if published else []:
        if row["error"] is None:
            tables = entries[row["path"], row["sheet"]]["tables"]
            held = tables.setdefault(row["table"], dict.fromkeys(COUNTED, 0))
            tables[row["table"]] = {name: held[name] + row[name] for name in COUNTED}
    return entries


def _print_counts(sheets: Sequence[Sheet], published: Published) -> None:
    entries = _file_entries(sheets, published)
    print_line(" " * (_TABLE_WIDTH + 2) + "".join(f"{name:>{_COUNT_WIDTH}}" for name in COUNTED))
    for sheet in sheets:
        if sheet.error is None:
            print_line(f"{place_of(sheet)}  ({sheet.profile})")
            for table, counts in entries[sheet.path, sheet.sheet]["tables"].items():
                numbers = "".join(f"{counts[name]:>{_COUNT_WIDTH},}" for name in COUNTED)
                print_line(f"  {table:<{_TABLE_WIDTH}}{numbers}")


def _notices(sheets: Sequence[Sheet]) -> Iterator[str]:
    """What a person should know at once; everything that was noticed stands on the page Data quality."""
    for sheet in sheets:
        yield from (f"{sheet.path}: {skipped}." for skipped in sheet.skipped)
        yield from (f"{place_of(sheet)}: {note}." for note in sheet.notes)
        for part in sheet.conformed:
            unknown = part.findings.filter(finding="store_not_in_settings")
            yield from (f"Note: {detail}." for detail in unknown["detail"])
    if set_aside := sum(len(sheet.dropped) for sheet in sheets):
        yield f"Lines set aside as titles, totals or footnotes: {set_aside}. To see them: python -m loaders check PATH"
    if empty := [place_of(sheet) for sheet in sheets if sheet.error is None and _rows_in(sheet) == 0]:
        yield f"A header but no rows: {', '.join(empty)}."


def _rows_in(sheet: Sheet) -> int:
    return sum(part.read for part in sheet.conformed)


def _serving(published: Published) -> str:
    change = "serves now" if published.is_new else "still serves: nothing changed"
    moment = f"Data as of {published.as_of:%Y-%m-%d %H:%M} UTC." if published.as_of else "It holds no dated record yet."
    return f"Snapshot {published.snapshot} {change}. {moment}"


def _tables_as_json(sheet: Sheet) -> dict[str, Any]:
    """By table; where two blocks of a profile feed one table, both together."""
    tables: dict[str, Any] = {}
    for part in sheet.conformed:
        told = _part_as_json(part)
        held = tables.get(part.table)
        tables[part.table] = {name: held[name] + value for name, value in told.items()} if held else told
    return tables


def _part_as_json(part: Conformed) -> dict[str, Any]:
    return {
        "read": part.read,
        "accepted": part.read - part.rejects.height,
        "rejected": part.rejects.height,
        "rejects": part.rejects.select("source_line", "rule").to_dicts(),
        "findings": part.findings.select("finding", "source_line", "detail").to_dicts(),
    }


def _print_part(part: Conformed) -> None:
    refused = part.rejects.height
    print_line(f"  {part.table}: {part.read} read, {part.read - refused} accepted, {refused} rejected")
    for row in part.rejects.head(MOST_REJECTS_SHOWN).to_dicts():
        print_line(f"    line {row['source_line']}: {row['rule']}")
    if refused > MOST_REJECTS_SHOWN:
        print_line(f"    and {refused - MOST_REJECTS_SHOWN} more; with --json all are listed")
    for row in part.findings.head(MOST_REJECTS_SHOWN).to_dicts():
        print_line(f"    note, line {row['source_line']}: {row['detail']}")


def _short(moment: str | None) -> str:
    """An ISO moment to the minute."""
    return f"{moment[:16].replace('T', ' ')} UTC" if moment else "unknown"
