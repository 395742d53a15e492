"""Builds a new snapshot beside the old ones, publishes it by replacing the text file CURRENT, keeps and prunes history.

A load is all or nothing: until CURRENT is replaced, readers see the previous snapshot, whatever happens. Nothing here
is ever written into a snapshot that readers may have open.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.intake import Sheet, good_rows
from loaders.settings import Settings
from loaders.star import (
    FINDING_SCHEMA,
    REJECT_SCHEMA,
    Moment,
    Progress,
    build_star,
    changes,
    fingerprint,
    merge_canonical,
)

CURRENT: Final = "CURRENT"
SNAPSHOTS: Final = "snapshots"
STORAGE_VERSION: Final = "v1.2.0"
FILE_SCHEMA: Final = {
    "snapshot": pl.String,
    "path": pl.String,
    "sheet": pl.String,
    "profile": pl.String,
    "table": pl.String,
    "block": pl.String,
    "content_hash": pl.String,
    "read": pl.Int64,
    "accepted": pl.Int64,
    "rejected": pl.Int64,
    "unchanged": pl.Int64,
    "updated": pl.Int64,
    "error": pl.String,
}


@dataclass(frozen=True)
class Published:
    """What a load left behind: the snapshot that serves now, its "now", and what each file gave."""

    snapshot: str
    as_of: datetime | None
    is_new: bool
    files: pl.DataFrame


def publish(
    sheets: Sequence[Sheet], warehouse: Path, settings: Settings, moment: Moment, progress: Progress
) -> Published:
    """Build a snapshot from the previous one and these sheets, and make it the one that serves.

    Nothing is published when the rows, the settings and the statements are those of the snapshot that serves already.

    Raises:
        LoaderError: Another load holds the warehouse, or its folder cannot be written.
    """
    with _only_writer(warehouse):
        previous = current_path(warehouse)
        as_of(previous)  # a damaged snapshot is said to be one before anything is built on it
        name = f"{moment.loaded_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        building = warehouse / SNAPSHOTS / f"{name}.building"
        try:
            files, is_new = _build(building, name, previous, sheets, settings, moment, progress)
            if is_new:
                building.replace(building.with_suffix(".duckdb"))
                _point_at(warehouse, name)
        except (duckdb.IOException, OSError) as error:
            hint = "Free some space or mend the folder's rights, and load again; the last snapshot still serves."
            raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
        finally:
            _discard(building)
        _prune(warehouse, settings.warehouse.keep_snapshots)
        serving = current_path(warehouse)
        return Published(serving.stem if serving else "", as_of(serving), is_new, files)


def current_path(warehouse: Path) -> Path | None:
    """The snapshot file that CURRENT names; None when nothing was loaded yet.

    Raises:
        LoaderError: CURRENT names a file that is not there.
    """
    try:
        named = (warehouse / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    path = warehouse / named
    if not path.is_file():
        raise LoaderError(f'{warehouse / CURRENT} names "{named}", which is not there.', _roll_back_hint(warehouse))
    return path


def history(warehouse: Path) -> list[dict[str, Any]]:
    """Every snapshot that is kept, newest first: name, whether it serves, when and from which files it was loaded.

    A snapshot that cannot be opened stands there with its error; where CURRENT names none that exists, none serves.
    """
    try:
        serving = current_path(warehouse)
    except LoaderError:
        serving = None
    return [_described(path, is_current=path == serving) for path in reversed(_kept(warehouse))]


def roll_back(warehouse: Path, snapshot: str) -> str:
    """Make an earlier snapshot the one that serves; gives its name.

    Raises:
        LoaderError: There is no such snapshot, or it cannot be opened.
    """
    path = warehouse / SNAPSHOTS / f"{Path(snapshot).name.removesuffix('.duckdb')}.duckdb"
    if path not in _kept(warehouse):
        raise LoaderError(f'There is no snapshot "{snapshot}" in {warehouse}.', _roll_back_hint(warehouse))
    with _only_writer(warehouse):
        as_of(path)
        _point_at(warehouse, path.stem)
        return path.stem


def rejects(warehouse: Path) -> pl.DataFrame:
    """The rows that were refused, in file and line order, as the serving snapshot holds them.

    Raises:
        LoaderError: Nothing was loaded yet.
    """
    serving = current_path(warehouse)
    if serving is None:
        hint = f"Load something: python -m loaders load PATH --warehouse {warehouse}"
        raise LoaderError(f"Nothing was loaded into {warehouse} yet.", hint)
    with _opened(serving) as con:
        refused: pl.DataFrame = con.sql(
            'from loads.reject order by source_file, source_sheet, source_line, "table"'
        ).pl()
        return refused


def as_of(path: Path | None) -> datetime | None:
    """The newest "now" among the stores of a snapshot; None for a snapshot without stores."""
    if path is None:
        return None
    with _opened(path) as con:
        found: datetime | None = con.sql("select max(as_of) as as_of from dim_store").pl().item()
        return found


def _build(
    building: Path,
    name: str,
    previous: Path | None,
    sheets: Sequence[Sheet],
    settings: Settings,
    moment: Moment,
    progress: Progress,
) -> tuple[pl.DataFrame, bool]:
    with duckdb.connect() as con:
        con.execute(f"attach '{_quoted(building)}' as snapshot (storage_version '{STORAGE_VERSION}')")
        if previous:
            con.execute(f"attach '{_quoted(previous)}' as previous (read_only)")
        con.execute("use snapshot")
        progress(0, "comparing with the last snapshot")
        incoming = {table: rows for table in TABLES if (rows := good_rows(sheets, table)) is not None}
        merge_canonical(con, incoming, previous=previous is not None)
        files = _file_rows(name, sheets, changes(con, previous=previous is not None))
        _log(con, name, files, sheets, settings, moment, has_previous=previous is not None)
        if previous and _is_same(con):
            return files, False
        findings = con.sql("from loads.finding").pl()
        build_star(con, settings, moment, findings, progress)
        con.execute("use memory")
        con.execute("detach snapshot")
        return files, True


def _file_rows(name: str, sheets: Sequence[Sheet], changed: pl.DataFrame) -> pl.DataFrame:
    """One row per file, sheet and block with its counts, or with the file's error."""
    counted = {(row["file_number"], row["block"]): row for row in changed.to_dicts()}
    rows = [row for number, sheet in enumerate(sheets) for row in _rows_of_sheet(name, number, sheet, counted)]
    return pl.DataFrame(rows, schema=FILE_SCHEMA, orient="row")


def _rows_of_sheet(
    name: str, number: int, sheet: Sheet, counted: dict[tuple[int, str], dict[str, int]]
) -> Iterator[dict[str, Any]]:
    shared = {
        "snapshot": name,
        "path": sheet.path,
        "sheet": sheet.sheet,
        "profile": sheet.profile,
        "content_hash": sheet.content_hash,
        # The message without its hint, which may quote cells of a file that was not understood.
        "error": sheet.error.partition("\n\nHint:")[0] if sheet.error else None,
    }
    if sheet.error:
        yield shared
    for part in sheet.conformed:
        found = counted.get((number, part.block), {})
        yield shared | {
            "table": part.table,
            "block": part.block,
            "read": part.read,
            "accepted": part.read - part.rejects.height,
            "rejected": part.rejects.height,
            "unchanged": found.get("unchanged", 0),
            "updated": found.get("updated", 0),
        }


def _log(
    con: duckdb.DuckDBPyConnection,
    name: str,
    files: pl.DataFrame,
    sheets: Sequence[Sheet],
    settings: Settings,
    moment: Moment,
    *,
    has_previous: bool,
) -> None:
    """Write the load log, the refused rows and the findings of this and all earlier loads."""
    parts = [part for sheet in sheets for part in sheet.conformed]
    load = pl.DataFrame(
        {
            "snapshot": [name],
            "loaded_at": [moment.loaded_at],
            "as_of_told": [moment.as_of],
            "fingerprint": [fingerprint(settings)],
            "settings": [settings.model_dump_json()],
        },
        schema_overrides={"as_of_told": pl.Datetime("us", "UTC"), "loaded_at": pl.Datetime("us", "UTC")},
    )
    fresh = {
        "load": load,
        "load_file": files,
        "reject": pl.concat([pl.DataFrame(schema=REJECT_SCHEMA), *(part.rejects for part in parts)]),
        "finding": pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *(part.findings for part in parts)]),
    }
    con.execute("create schema loads")
    for table, frame in fresh.items():
        con.register(f"fresh_{table}", frame)
        kept = _NOT_READ_AGAIN if table in {"reject", "finding"} else ""
        earlier = f"select r.* from previous.loads.{table} as r {kept} union by name " if has_previous else ""
        con.execute(f"create table loads.{table} as {earlier}select distinct * from fresh_{table}")


# What an earlier load refused or noticed in a file falls when the same file is read again: it is said anew, or mended.
_NOT_READ_AGAIN: Final = """
where not exists (
    from fresh_load_file as f
    where f.content_hash = r.file_hash and f."table" = r."table" and ends_with(f.path, r.source_file)
    and f.sheet is not distinct from r.source_sheet
)"""


def _is_same(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether rows, refused rows, findings, settings and statements are those of the previous snapshot."""
    last = "select fingerprint, as_of_told from {}.loads.load order by loaded_at desc limit 1"
    told, told_before = (con.sql(last.format(place)).pl().rows() for place in ("snapshot", "previous"))
    key = "store, system, {}_id, profile, block, content_hash"
    compared = [(f"canonical.{table}", key.format(table)) for table in TABLES]
    compared += [("loads.reject", "*"), ("loads.finding", "*")]
    return bool(told == told_before) and not any(_differs(con, table, columns) for table, columns in compared)


def _differs(con: duckdb.DuckDBPyConnection, table: str, columns: str) -> bool:
    now, before = f"select {columns} from snapshot.{table}", f"select {columns} from previous.{table}"
    asked = f"select exists (({now} except {before}) union all ({before} except {now}))"
    return bool(con.execute(asked).fetchall()[0][0])


@contextmanager
def _only_writer(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse for writing. The lock is an open database file, so it falls when the process does."""
    try:
        (warehouse / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
        lock = duckdb.connect(str(warehouse / "lock.duckdb"))
    except duckdb.IOException as error:
        hint = "Wait for the other load to end, then try again. Readers are not disturbed meanwhile."
        raise LoaderError(f"The warehouse {warehouse} is locked by another load: {error}", hint) from error
    except OSError as error:
        hint = "Choose a folder that you may write to with --warehouse DIR."
        raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
    try:
        yield
    finally:
        lock.close()


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        hint = _roll_back_hint(path.parents[1], but=path)
        raise LoaderError(f"The snapshot {path} cannot be opened: {error}", hint) from error
    with con:
        con.execute("set TimeZone = 'UTC'")
        yield con


def _kept(warehouse: Path) -> list[Path]:
    """The snapshot files of a warehouse, oldest first."""
    return sorted((warehouse / SNAPSHOTS).glob("*.duckdb"))


def _roll_back_hint(warehouse: Path, *, but: Path | None = None) -> str:
    """The exact command that publishes the newest other snapshot, and the names of all others."""
    names = [path.stem for path in _kept(warehouse) if path != but]
    if not names:
        return (
            f"No other snapshot is kept. Move {warehouse} away and load the exports again: python -m loaders load PATH"
        )
    return (
        f"Publish a kept one: python -m loaders rollback {names[-1]} --warehouse {warehouse} (kept: {', '.join(names)})"
    )


def _described(path: Path, *, is_current: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"snapshot": path.stem, "is_current": is_current, "loaded_at": None, "as_of": None}
    try:
        return told | _load_of(path) | {"error": None}
    except LoaderError as error:
        return told | {"files": [], "error": error.message}


def _load_of(path: Path) -> dict[str, Any]:
    """When a snapshot was loaded, its "now", and what each file of that load gave."""
    with _opened(path) as con:
        loaded = con.sql("select loaded_at from loads.load where snapshot = ?", params=[path.stem]).pl()
        files = con.sql(
            'select path, sheet, profile, "table", read, accepted, rejected, unchanged, updated, error'
            " from loads.load_file where snapshot = ? order by all",
            params=[path.stem],
        ).pl()
    return {
        "loaded_at": loaded.item().isoformat() if loaded.height else None,
        "as_of": _iso(as_of(path)),
        "files": files.to_dicts(),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _point_at(warehouse: Path, name: str) -> None:
    """Replace CURRENT in one step that survives a power cut."""
    pointer = warehouse / f"{CURRENT}.new"
    with pointer.open("w", encoding="utf-8") as file:
        file.write(f"{SNAPSHOTS}/{name}.duckdb\n")
        file.flush()
        os.fsync(file.fileno())
    pointer.replace(warehouse / CURRENT)


def _prune(warehouse: Path, keep: int) -> None:
    """Remove the oldest snapshots beyond those kept, and what a killed load left; never the serving one."""
    serving = current_path(warehouse)
    for path in [*_kept(warehouse)[:-keep], *(warehouse / SNAPSHOTS).glob("*.building*")]:
        if path != serving:
            _discard(path)


def _discard(path: Path) -> None:
    """Remove a file and its log, where nobody has it open."""
    for part in (path, path.with_name(f"{path.name}.wal")):
        try:
            part.unlink(missing_ok=True)
        except OSError:
            continue  # a reader has it open (Windows): the next load tries again


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
