"""From paths to validated canonical rows: find the files, recognise each, conform it. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from loaders.canonical import Conformed, conform
from loaders.errors import LoaderError
from loaders.parts import Period
from loaders.profile import Detection, FileBlock, Profile, detect, header_counter, load_profile, profile_names
from loaders.progress import Progress, pace, part
from loaders.read import SUFFIXES, RawFrame, Reading, Unread, read_each
from loaders.read.database import Place, Question, Watermark, is_address, places, read_place, shown_address
from loaders.settings import Settings

READABLE_SUFFIXES: Final = SUFFIXES

_MOST_NAMED: Final = 10
# How much of the work of a load one relation of a database is taken to be, against the bytes of files.
_PLACE_WEIGHT: Final = 10_000_000
# How much of the time of a file goes into reading it; the rest goes into conforming it.
_READ_SHARE: Final = 0.4


@dataclass(frozen=True)
class Choices:
    """What the person at the command line or the page decided about the files.

    `own_profiles`: the folder of the dealership's own profiles, where there is one.
    """

    settings: Settings
    profile: str | None = None
    table: str | None = None
    store: str | None = None
    exported_at: datetime | None = None
    period: Period | None = None
    question: Question = field(default_factory=Question)
    reading: Reading = field(default_factory=Reading)
    own_profiles: Path | None = None


@dataclass(frozen=True)
class Sheet:
    """One file, sheet of a workbook or relation of a database, conformed: what was found and why, its rows by table.

    `dropped`: lines that are no records. `skipped`, of the first sheet taken: sheets of its workbook that nobody knows.
    `notes`: what the reader wants said: the encoding, what was left out.
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
    watermark: Watermark | None = None
    notes: tuple[str, ...] = ()
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


def take_in(paths: Sequence[Path | str], choices: Choices, progress: Progress) -> list[Sheet]:
    """Read, recognise and conform every file, and what is asked of a database; what fails stands there with its error.

    A path is a file, a folder or an address such as postgresql://host/database.
    """
    profiles = known_profiles(choices)
    origins, sheets = _origins(paths, choices)
    weights = [_weight(origin) for origin in origins]
    started, rows, total = time.monotonic(), 0, max(1, sum(weights))
    for number, origin in enumerate(origins):
        step = part(progress, sum(weights[:number]) / total, sum(weights[: number + 1]) / total)
        step(0.0, " ".join(("reading", _name(origin), pace(rows, time.monotonic() - started))).strip())
        taken = _take_in_one(origin, profiles, choices, step)
        rows += sum(conformed.read for sheet in taken for conformed in sheet.conformed)
        sheets += taken
    progress(1.0, " ".join(("read", pace(rows, time.monotonic() - started))).strip())
    return _with_left_out(sheets, paths)


def without_rows(sheet: Sheet) -> Sheet:
    """The same sheet with its counts, refused rows and findings, but without its valid rows."""
    return replace(sheet, conformed=tuple(replace(part, good=part.good.clear()) for part in sheet.conformed))


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


def _with_left_out(sheets: Sequence[Sheet], paths: Sequence[Path | str]) -> list[Sheet]:
    """The same sheets; the first below each folder notes which of its files are of a kind that is not read."""
    noted = list(sheets)
    for folder in (Path(path) for path in paths if not is_address(path) and Path(path).is_dir()):
        others = sorted(path.name for path in folder.rglob("*") if _is_other(path))
        at = next((at for at, sheet in enumerate(noted) if Path(sheet.path).is_relative_to(folder)), None)
        if others and at is not None:
            names = ", ".join(others[:_MOST_NAMED]) + (" ..." if len(others) > _MOST_NAMED else "")
            note = f"left out of {folder}, not a kind of file that is read: {names}"
            noted[at] = replace(noted[at], notes=(*noted[at].notes, note))
    return noted


def _is_other(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in READABLE_SUFFIXES and not path.name.startswith(".")


def known_profiles(choices: Choices) -> list[Profile]:
    """The chosen profile, or every one that comes with Upboard or is the dealership's own."""
    names = [choices.profile] if choices.profile else profile_names(choices.own_profiles)
    return [load_profile(name, choices.own_profiles) for name in names]


def _origins(paths: Sequence[Path | str], choices: Choices) -> tuple[list[Path | Place], list[Sheet]]:
    """Every file and every place of a database, each once; and the paths that cannot be read."""
    origins: dict[object, Path | Place] = {}
    failed: list[Sheet] = []
    for path in paths:
        try:
            found = _found(path, choices)
            origins |= {key: origin for key, origin in found.items() if key not in origins}
        except LoaderError as error:
            failed.append(_failed(_shown(path), error))
    return list(origins.values()), failed


def _found(path: Path | str, choices: Choices) -> Mapping[object, Path | Place]:
    if is_address(path):
        return {place.shown: place for place in places(str(path), choices.question)}
    return {file.resolve(): file for file in files_under(Path(path))}


def _shown(path: Path | str) -> str:
    """The path as it may be repeated: an address without its credentials."""
    if not is_address(path):
        return str(path)
    try:
        return shown_address(str(path))
    except LoaderError:
        return f"{str(path).partition('://')[0]}://"


def _failed(shown: str, error: LoaderError) -> Sheet:
    file = shown if is_address(shown) else Path(shown).name
    return Sheet(path=shown, file=file, sheet=None, content_hash="", error=str(error))


def _weight(origin: Path | Place) -> int:
    return origin.stat().st_size if isinstance(origin, Path) and origin.is_file() else _PLACE_WEIGHT


def _name(origin: Path | Place) -> str:
    return origin.name if isinstance(origin, Path) else origin.shown


def _take_in_one(origin: Path | Place, profiles: list[Profile], choices: Choices, progress: Progress) -> list[Sheet]:
    if isinstance(origin, Path):
        return _take_in_file(origin, profiles, choices, progress)
    return [_take_in_place(origin, profiles, choices, progress)]


def _take_in_place(place: Place, profiles: list[Profile], choices: Choices, progress: Progress) -> Sheet:
    """A relation or query; what a database holds is as new as the moment when it was read."""
    try:
        answer = read_place(place, choices.question, progress)
    except LoaderError as error:
        return _failed(place.shown, error)
    progress(_READ_SHARE, f"conforming {place.relation or place.shown}")
    dated = replace(choices, exported_at=choices.exported_at or answer.read_at)
    sheet = _take_in_sheet(place.shown, answer.raw, _detected(answer.raw, profiles), dated)
    return sheet if sheet.error else replace(sheet, watermark=answer.watermark)


def _take_in_file(path: Path, profiles: list[Profile], choices: Choices, progress: Progress) -> list[Sheet]:
    """Every sheet and member of a file; those that cannot be read or that nobody knows stand there with their error."""
    started = time.monotonic()
    parts = read_each(path, header_counter(profiles), choices.reading)
    failed = [_failed(str(path.parent / part.file), part.error) for part in parts if isinstance(part, Unread)]
    raws = [part for part in parts if isinstance(part, RawFrame)]
    read_rows = pace(sum(raw.frame.height for raw in raws), time.monotonic() - started)
    progress(_READ_SHARE, " ".join(("conforming", path.name, read_rows)).strip())
    by_file = {raw.file: [other for other in raws if other.file == raw.file] for raw in raws}
    return [sheet for group in by_file.values() for sheet in _take_in_sheets(group, profiles, choices)] + failed


def _take_in_sheets(raws: Sequence[RawFrame], profiles: list[Profile], choices: Choices) -> list[Sheet]:
    """The sheets of one file. A cover sheet that no profile knows is no error while another sheet is known."""
    found = [_detected(raw, profiles) for raw in raws]
    places = [raw.path.parent / raw.file for raw in raws]
    taken = [_take_in_sheet(*parts, choices) for parts in zip(places, raws, found, strict=True)]
    known = [sheet for sheet, detection in zip(taken, found, strict=True) if isinstance(detection, Detection)]
    strangers = [raw.sheet for raw, detection in zip(raws, found, strict=True) if isinstance(detection, LoaderError)]
    skipped = tuple(f'sheet "{name}" left out: no profile knows its headers' for name in strangers)
    return [replace(known[0], skipped=skipped), *known[1:]] if known else taken


def _detected(raw: RawFrame, profiles: list[Profile]) -> Detection | LoaderError:
    try:
        return detect([name for name in raw.frame.columns if name != "source_line"], profiles)
    except LoaderError as error:
        return error


def _take_in_sheet(path: Path | str, raw: RawFrame, detection: Detection | LoaderError, choices: Choices) -> Sheet:
    sheet = Sheet(
        path=str(path),
        file=raw.file,
        sheet=raw.sheet,
        content_hash=raw.content_hash,
        dropped=raw.dropped,
        notes=raw.notes,
    )
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
                period=choices.period,
            )
            for block in _wanted(detection, choices.table)
        )
    except LoaderError as error:
        return replace(sheet, error=str(error))
    dropped = (*raw.dropped, *(line for part in conformed for line in part.aside))
    return replace(
        sheet,
        profile=detection.profile.name,
        reasons=tuple(detection.reasons),
        conformed=conformed,
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _wanted(detection: Detection, table: str | None) -> list[FileBlock]:
    blocks = [block for block in detection.blocks if table in (None, block.table)]
    if not blocks:
        tables = ", ".join(sorted({block.table for block in detection.blocks}))
        raise LoaderError(
            f'The profile {detection.profile.name} does not read table "{table}" from this file.',
            f"It reads {tables}; leave --table out, or name one of these.",
        )
    return blocks
