"""From paths to validated canonical rows: find the files, recognise each, conform it. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    """One file, or one sheet of a workbook, after conforming: what was found and why, and its rows by table.

    `dropped`: lines that are no records. `skipped`, of the first sheet taken: sheets of its workbook that nobody knows.
    """

    path: str
    file: str
    sheet: str | None
    content_hash: str
    profile: str | None = None
    reasons: tuple[str, ...] = ()
    conformed: tuple[Conformed, ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    skipped: tuple[str, ...] = ()
    error: str | None = None


def files_under(path: Path) -> list[Path]:
    """The file itself, or every readable file below a folder in name order.

    Raises:
        LoaderError: The path does not exist, or the folder holds no file of a kind that can be read.
    """
    if not path.exists():
        raise LoaderError(f"{path} does not exist.", "Check the spelling; a file or a folder is expected.")
    found = sorted(_readable(path)) if path.is_dir() else [path]
    if not found:
        raise LoaderError(
            f"{path} is a folder without a file to load.", f"Files that can be read: {', '.join(READABLE_SUFFIXES)}."
        )
    return found


def take_in(paths: Sequence[Path], choices: Choices, progress: Progress) -> list[Sheet]:
    """Read, recognise and conform every file, each once; a path that fails stands in the list with its error."""
    profiles = _profiles(choices.profile)
    files: dict[Path, Path] = {}
    sheets: list[Sheet] = []
    for path in paths:
        try:
            files |= {found.resolve(): found for found in files_under(path) if found.resolve() not in files}
        except LoaderError as error:
            sheets.append(_failed(path, error))
    for number, path in enumerate(files.values()):
        progress(number / len(files), f"reading {path.name}")
        sheets += _take_in_file(path, profiles, choices)
    return sheets


def good_rows(sheets: Sequence[Sheet], table: str) -> pl.DataFrame | None:
    """All valid rows of one canonical table, with the position and the hash of their file; None when there are none."""
    frames = [
        part.good.with_columns(file_hash=pl.lit(sheet.content_hash), file_number=pl.lit(number, dtype=pl.Int64))
        for number, sheet in enumerate(sheets)
        for part in sheet.conformed
        if part.table == table
    ]
    return pl.concat(frames) if frames else None


def _readable(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in READABLE_SUFFIXES)


def _profiles(chosen: str | None) -> list[Profile]:
    return [load_profile(chosen)] if chosen else [load_profile(name) for name in profile_names()]


def _failed(path: Path, error: LoaderError) -> Sheet:
    return Sheet(path=str(path), file=path.name, sheet=None, content_hash="", error=str(error))


def _take_in_file(path: Path, profiles: list[Profile], choices: Choices) -> list[Sheet]:
    try:
        raws = read(path, header_counter(profiles))
    except LoaderError as error:
        return [_failed(path, error)]
    found = [_detected(raw, profiles) for raw in raws]
    taken = [_take_in_sheet(path, raw, detection, choices) for raw, detection in zip(raws, found, strict=True)]
    known = [sheet for sheet, detection in zip(taken, found, strict=True) if isinstance(detection, Detection)]
    # In a workbook, a cover sheet that no profile knows is no error while another sheet is known.
    strangers = [raw.sheet for raw, detection in zip(raws, found, strict=True) if isinstance(detection, LoaderError)]
    skipped = tuple(f'sheet "{name}" left out: no profile knows its headers' for name in strangers)
    return [replace(known[0], skipped=skipped), *known[1:]] if known else taken


def _detected(raw: RawFrame, profiles: list[Profile]) -> Detection | LoaderError:
    try:
        return detect([name for name in raw.frame.columns if name != "source_line"], profiles)
    except LoaderError as error:
        return error


def _take_in_sheet(path: Path, raw: RawFrame, detection: Detection | LoaderError, choices: Choices) -> Sheet:
    sheet = Sheet(path=str(path), file=raw.file, sheet=raw.sheet, content_hash=raw.content_hash, dropped=raw.dropped)
    if isinstance(detection, LoaderError):
        return replace(sheet, error=str(detection))
    try:
        conformed = tuple(
            conform(
                raw,
                detection.profile,
                block,
                choices.settings,
                store=choices.store,
                exported_at=choices.exported_at,
            )
            for block in _wanted(detection, choices.table)
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
