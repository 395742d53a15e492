"""From paths to validated canonical rows: find the files, recognise each, conform it. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from loaders.canonical import Conformed, conform
from loaders.errors import LoaderError
from loaders.profile import Detection, FileBlock, Profile, detect, header_counter, load_profile, profile_names
from loaders.read import RawFrame, read
from loaders.settings import Settings

READABLE_SUFFIXES: Final = (".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Choices:
    """What the person at the command line decided about the files."""

    settings: Settings
    profile: str | None = None
    table: str | None = None
    store: str | None = None
    exported_at: datetime | None = None


@dataclass(frozen=True)
class Sheet:
    """One file, or one sheet of a workbook, after conforming: what was found and why, and its rows by table."""

    path: str
    file: str
    sheet: str | None
    content_hash: str
    profile: str | None = None
    reasons: tuple[str, ...] = ()
    conformed: tuple[Conformed, ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    error: str | None = None
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def files_under(paths: Sequence[Path]) -> list[Path]:
    """Every readable file among the paths and below the folders, in name order.

    Raises:
        LoaderError: A path does not exist, or no file of a kind that can be read was found.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise LoaderError(f"{path} does not exist.", "Check the spelling; a file or a folder is expected.")
        found += sorted(_readable(path)) if path.is_dir() else [path]
    if not found:
        places = ", ".join(str(path) for path in paths)
        raise LoaderError(f"There is no file to load in {places}.", f"Files that can be read: {_suffix_list()}.")
    return found


def take_in(paths: Sequence[Path], choices: Choices, progress: Progress) -> list[Sheet]:
    """Read, recognise and conform every file; a file that fails stands in the list with its error."""
    files = files_under(paths)
    profiles = _profiles(choices.profile)
    sheets: list[Sheet] = []
    for number, path in enumerate(files):
        progress(number / len(files), f"reading {path.name}")
        sheets += _take_in_file(path, profiles, choices)
    return sheets


def good_rows(sheets: Sequence[Sheet], table: str) -> pl.DataFrame | None:
    """All valid rows of one canonical table, with the position of their file; None when there are none."""
    frames = [
        part.good.with_columns(file_number=pl.lit(number, dtype=pl.Int64))
        for number, sheet in enumerate(sheets)
        for part in sheet.conformed
        if part.table == table
    ]
    return pl.concat(frames) if frames else None


def _readable(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in READABLE_SUFFIXES)


def _suffix_list() -> str:
    return ", ".join(READABLE_SUFFIXES)


def _profiles(chosen: str | None) -> list[Profile]:
    return [load_profile(chosen)] if chosen else [load_profile(name) for name in profile_names()]


def _take_in_file(path: Path, profiles: list[Profile], choices: Choices) -> list[Sheet]:
    empty = Sheet(path=str(path), file=path.name, sheet=None, content_hash="")
    try:
        raws = read(path, header_counter(profiles))
    except LoaderError as error:
        return [replace(empty, error=str(error))]
    sheets = [_take_in_sheet(path, raw, profiles, choices) for raw in raws]
    # In a workbook, a cover sheet that no profile knows is no error while another sheet is known.
    known = [sheet for sheet in sheets if sheet.error is None]
    return known or sheets or [replace(empty, error=f"{path.name} has no rows.")]


def _take_in_sheet(path: Path, raw: RawFrame, profiles: list[Profile], choices: Choices) -> Sheet:
    sheet = Sheet(path=str(path), file=raw.file, sheet=raw.sheet, content_hash=raw.content_hash, dropped=raw.dropped)
    try:
        detection = detect([name for name in raw.frame.columns if name != "source_line"], profiles)
        blocks = _wanted(detection, choices.table)
        conformed = tuple(
            conform(
                raw,
                detection.profile,
                block,
                choices.settings,
                store=choices.store,
                exported_at=choices.exported_at,
            )
            for block in blocks
        )
    except LoaderError as error:
        return replace(sheet, error=str(error))
    return replace(sheet, profile=detection.profile.name, reasons=tuple(detection.reasons), conformed=conformed)


def _wanted(detection: Detection, table: str | None) -> list[FileBlock]:
    blocks = [block for block in detection.blocks if table in (None, block.table)]
    if not blocks:
        tables = ", ".join(sorted({block.table for block in detection.blocks}))
        raise LoaderError(
            f'The profile {detection.profile.name} does not read table "{table}" from this file.',
            f"It reads {tables}; leave --table out, or name one of these.",
        )
    return blocks
