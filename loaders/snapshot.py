"""Builds a new snapshot beside the old ones, publishes it by replacing the text file CURRENT, keeps and prunes history.

A load is all or nothing: until CURRENT is replaced, readers see the previous snapshot, whatever happens. Nothing here
is ever written into a snapshot that readers may have open.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from loaders.contracts import TABLES
from loaders.erased import Erased, erase_rejects, erase_rows, erase_texts, read_erased
from loaders.errors import LoaderError
from loaders.intake import Sheet, good_rows, without_rows
from loaders.lock import WAIT_SECONDS, only_writer
from loaders.merge import (
    CHANGE_SCHEMA,
    EMPTIED_SCHEMA,
    fold_in,
    is_anything_said_anew,
    layout,
    template,
    write_canonical,
)
from loaders.progress import Progress
from loaders.read.database import Watermark
from loaders.scope import build_scope, is_worthwhile
from loaders.settings import Settings
from loaders.star import (
    ERASURE_VARIABLE,
    FINDING_SCHEMA,
    REJECT_SCHEMA,
    Moment,
    build_star,
    clear_star,
    fingerprint,
)

CURRENT: Final = "CURRENT"
SNAPSHOTS: Final = "snapshots"
# Beside CURRENT: which settings.toml the last load used, so that the next one may begin with it.
SETTINGS_FILE: Final = "SETTINGS"
# What DuckDB raises where the bytes of a file are not what was written.
_DAMAGE: Final = (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException)
STORAGE_VERSION: Final = "v1.2.0"
# What does not fit is put aside on the disk while a star is built.
_MEMORY_LIMIT: Final = "1GB"
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

_OF_PEOPLE: Final = ("name", "role", "team", "manager", "started_on", "ended_on")


@dataclass(frozen=True)
class Published:
    """What a load left behind: the snapshot that serves now, its "now", and what each file gave."""

    snapshot: str
    as_of: datetime | None
    is_new: bool
    files: pl.DataFrame


@dataclass(frozen=True)
class _Previous:
    """The snapshot that a load builds on. `layout`: see loaders.merge.layout; None for one of an early release."""

    path: Path
    loaded_at: datetime
    layout: str | None
    stores: tuple[str, ...]


def publish(
    sheets: list[Sheet],
    warehouse: Path,
    settings: Settings,
    moment: Moment,
    progress: Progress,
    wait_seconds: float = WAIT_SECONDS,
) -> Published:
    """Build a snapshot from the previous one and these sheets, and make it the one that serves.

    Nothing is published when the rows, the settings and the statements are those of the snapshot that serves already.
    Another load that holds the warehouse is waited for, so long. Once written, the rows are taken out of the sheets, so
    that they and the star need not stand in memory together.

    Raises:
        LoaderError: Another load holds the warehouse, its folder cannot be written, or its snapshot is damaged.
    """
    with held_for_writing(warehouse, wait_seconds, progress):
        previous = _previous(warehouse)
        moment = _after(previous, moment)
        building = warehouse / SNAPSHOTS / f"{new_name(moment.loaded_at)}.building"
        try:
            published = _build(building, previous, sheets, settings, moment, progress, _erased(warehouse))
            if published.is_new:
                building.replace(building.with_suffix(".duckdb"))
                point_at(warehouse, published.snapshot)
        except (*_DAMAGE, OSError) as error:
            if previous:
                check_sound(previous.path)
            hint = "Free some space or mend the folder's rights, and load again; the last snapshot still serves."
            raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
        finally:
            discard(building)
        _prune(warehouse, settings.warehouse.keep_snapshots)
        return published


def new_name(moment: datetime) -> str:
    """The name of a new snapshot: names sort by time, and no two are the same."""
    return f"{moment:%Y%m%dT%H%M%SZ-%f}-{secrets.token_hex(4)}"


def _erased(warehouse: Path) -> Erased | None:
    """The list of erased customers; LoaderError where an erasure was cut short, and snapshots still name somebody."""
    erased = read_erased(warehouse)
    if erased and not erased.is_finished:
        hint = f"End it first: python -m loaders forget --resume --warehouse {warehouse}"
        raise LoaderError(f"An erasure in {warehouse} was cut short.", hint)
    return erased


def build_again(
    warehouse: Path, settings: Settings, progress: Progress, wait_seconds: float = WAIT_SECONDS
) -> Published:
    """Build the records that serve once more under these settings, without any file; an as-of that was told stays.

    Raises:
        LoaderError: Nothing was loaded yet, or as `publish`.
    """
    last = _asked(warehouse, "select as_of_told from loads.load order by loaded_at desc limit 1")
    moment = Moment(loaded_at=datetime.now(UTC), as_of=last.item() if last.height else None)
    return publish([], warehouse, settings, moment, progress, wait_seconds)


def note_settings_file(warehouse: Path, path: Path) -> None:
    """Write down which settings.toml a load used. Nothing depends on it but what the next load begins with."""
    with suppress(OSError):
        (warehouse / SETTINGS_FILE).write_text(f"{path.resolve()}\n", encoding="utf-8")


def noted_settings_file(warehouse: Path) -> Path | None:
    """The settings.toml of the last load; None where that is not known, or the file is gone."""
    try:
        found = Path((warehouse / SETTINGS_FILE).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    return found if found.is_file() else None


def current_path(warehouse: Path) -> Path | None:
    """The snapshot file that CURRENT names; None when nothing was loaded yet.

    Raises:
        LoaderError: CURRENT names a file that is not there.
    """
    try:
        named = (warehouse / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LoaderError(f"{warehouse / CURRENT} cannot be read: {error}.", _roll_back_hint(warehouse)) from error
    path = warehouse / named
    if path not in kept_snapshots(warehouse):
        message = f'{warehouse / CURRENT} names "{named[:200]}", which is no snapshot in {warehouse / SNAPSHOTS}.'
        raise LoaderError(message, _roll_back_hint(warehouse))
    return path


def history(warehouse: Path) -> list[dict[str, Any]]:
    """Every snapshot that is kept, newest first: name, whether it serves, when and from which files it was loaded.

    A snapshot that cannot be opened stands there with its error; where CURRENT names none that exists, none serves.
    """
    try:
        serving = current_path(warehouse)
    except LoaderError:
        serving = None
    return [_described(path, is_current=path == serving) for path in reversed(kept_snapshots(warehouse))]


def roll_back(warehouse: Path, snapshot: str) -> str:
    """Make an earlier snapshot the one that serves; gives its name.

    Raises:
        LoaderError: There is no such snapshot, or it cannot be opened.
    """
    path = warehouse / SNAPSHOTS / f"{Path(snapshot).name.removesuffix('.duckdb')}.duckdb"
    if path not in kept_snapshots(warehouse):
        raise LoaderError(f'There is no snapshot "{snapshot}" in {warehouse}.', _roll_back_hint(warehouse))
    with held_for_writing(warehouse, 0, lambda _, __: None):
        as_of(path)
        point_at(warehouse, path.stem)
        return path.stem


def rejects(warehouse: Path) -> pl.DataFrame:
    """The rows that were refused, in file and line order, as the serving snapshot holds them.

    Raises:
        LoaderError: Nothing was loaded yet.
    """
    with opened(serving_path(warehouse)) as con:
        refused: pl.DataFrame = con.sql(
            'from loads.reject order by source_file, source_sheet, source_line, "table"'
        ).pl()
        return refused


def source_spellings(warehouse: Path) -> list[dict[str, Any]]:
    """Every lead source as files write it: spelling, is_mapped, lead_count, spend_count, report_count, source_group.

    Raises:
        LoaderError: Nothing was loaded yet, or the serving snapshot is of an earlier release.
    """
    text = """
        select spelling, source_group, bool_or(bridge_source_spelling.is_mapped) as is_mapped,
            cast(sum(lead_count) as bigint) as lead_count, cast(sum(spend_count) as bigint) as spend_count,
            cast(sum(report_count) as bigint) as report_count
        from bridge_source_spelling join dim_source using (source_key)
        group by all order by spelling"""
    return _asked(warehouse, text).to_dicts()


def customer_leads(warehouse: Path) -> tuple[pl.DataFrame, Settings]:
    """The rows of bridge_customer_lead, and the settings by which their customers were found.

    Raises:
        LoaderError: Nothing was loaded yet, or the serving snapshot is of an earlier release.
    """
    return _asked(warehouse, "from bridge_customer_lead"), loaded_settings(warehouse)


def customer_details(warehouse: Path) -> pl.DataFrame:
    """The names, e-mails and phones that CRMs keep apart from leads, as canonical rows. LoaderError as `rejects`."""
    return _asked(warehouse, "from canonical.customer_detail")


def owners_of_id(warehouse: Path, natural_id: str) -> pl.DataFrame:
    """Whose natural id a text is, in any record: store, system, kind (lead or customer). LoaderError as `rejects`."""
    parts = [
        template("customer_ids", table, kind=kind)
        for table, schema in TABLES.items()
        for kind in ("lead", "customer")
        if f"{kind}_id" in schema.column_names()
    ]
    with opened(serving_path(warehouse)) as con:
        found: pl.DataFrame = con.sql(" union ".join(parts), params={"natural_id": natural_id}).pl()
        return found


def rename_loads(con: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> None:
    """Say in the load log of a snapshot that is written anew what it and others are called now, by the old name."""
    con.register("renamed", pl.DataFrame({"old": list(names), "name": list(names.values())}))
    for table in ("load_file", "load"):
        con.execute(
            f"update snapshot.loads.{table} as t set snapshot = r.name from renamed as r where t.snapshot = r.old"
        )
    con.unregister("renamed")


def renew_fingerprint(con: duckdb.DuckDBPyConnection, before: str, now: str) -> None:
    """Say in the load log of a snapshot that is written anew what it depends on from now on."""
    con.execute("update snapshot.loads.load set fingerprint = ? where fingerprint = ?", [now, before])


def loaded_settings(warehouse: Path) -> Settings:
    """The settings by which the serving snapshot was built.

    Raises:
        LoaderError: Nothing was loaded yet, or the serving snapshot is of an earlier release.
    """
    return settings_in(serving_path(warehouse))


def settings_in(path: Path) -> Settings:
    """The settings by which a snapshot was built; LoaderError where it is of an earlier release."""
    told = _asked_of(path, "select settings from loads.load order by loaded_at desc limit 1")
    try:
        return Settings.model_validate_json(told.item())
    except ValueError as error:
        raise _of_earlier_release(path.parents[1]) from error


def built_on(warehouse: Path) -> str | None:
    """The name of the snapshot that the serving one was built on, so that an undo skips what was undone before.

    None where there is none, or it is no longer kept.
    """
    loads = _asked(warehouse, "select snapshot from loads.load order by loaded_at desc limit 2")
    earlier = loads["snapshot"].to_list()[1:]
    kept = {path.stem for path in kept_snapshots(warehouse)}
    return next((name for name in earlier if name in kept), None)


def listed_people(warehouse: Path) -> pl.DataFrame:
    """The people that lists name: store, system, person_id, name, role, team, manager, started_on, ended_on.

    Where several exports tell of a person, the newest that fills a column counts.
    """
    newest = ", ".join(
        f"arg_max({name}, coalesce(modified_at, exported_at, make_timestamptz(0))) as {name}" for name in _OF_PEOPLE
    )
    text = f"""
        select store, system, person_id, {newest} from canonical.person where not is_deleted
        group by all order by store, name, system, person_id"""
    return _asked(warehouse, text)


def unlisted_people(warehouse: Path) -> pl.DataFrame:
    """The people whom only records name (a lead's salesperson, a caller) and no list: store, name."""
    text = """
        select s.store, p.name from dim_person as p join dim_store as s using (store_key)
        where not exists (
            from canonical.person as l
            where l.store = s.store and not l.is_deleted
            and (lower(l.name) = lower(p.name) or lower(l.person_id) = lower(p.name))
        )
        order by all"""
    return _asked(warehouse, text)


def _asked(warehouse: Path, text: str) -> pl.DataFrame:
    return _asked_of(serving_path(warehouse), text)


def _asked_of(path: Path, text: str) -> pl.DataFrame:
    with opened(path) as con:
        try:
            found: pl.DataFrame = con.sql(text).pl()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise _of_earlier_release(path.parents[1]) from error
        return found


def _of_earlier_release(warehouse: Path) -> LoaderError:
    hint = f"Load again, and it is built anew: python -m loaders load PATH --warehouse {warehouse}"
    return LoaderError(f"The snapshot in {warehouse} is of an earlier release.", hint)


def serving_path(warehouse: Path) -> Path:
    """The snapshot that serves; LoaderError where nothing was loaded yet."""
    serving = current_path(warehouse)
    if serving is None:
        hint = f"Load something: python -m loaders load PATH --warehouse {warehouse}"
        raise LoaderError(f"Nothing was loaded into {warehouse} yet.", hint)
    return serving


def watermarks(warehouse: Path) -> dict[tuple[str, str], str]:
    """How far each relation of a database was read, by its shown name and column; empty before the first load."""
    serving = current_path(warehouse)
    if serving is None:
        return {}
    with opened(serving) as con:
        (name,) = con.execute("select current_database()").fetchall()[0]
        return _watermarks_in(con, str(name))


def loaded_hashes(warehouse: Path) -> set[str]:
    """The content hash of every file that the serving snapshot, or one before it, was loaded from."""
    serving = current_path(warehouse)
    if serving is None:
        return set()
    with opened(serving) as con:
        rows = con.execute("select distinct content_hash from loads.load_file where error is null").fetchall()
        return {found for (found,) in rows}


def as_of(path: Path | None) -> datetime | None:
    """The newest "now" among the stores of a snapshot; None for a snapshot without stores."""
    if path is None:
        return None
    with opened(path) as con:
        found: datetime | None = con.sql("select max(as_of) as as_of from dim_store").pl().item()
        return found


def _previous(warehouse: Path) -> _Previous | None:
    """The snapshot that serves, and what the next load asks of it; None before the first load."""
    path = current_path(warehouse)
    if path is None:
        return None
    with opened(path) as con:
        last = con.sql("from loads.load order by loaded_at desc limit 1").pl()
        stores = con.execute("select distinct store from dim_store").fetchall()
    layout_of_it = str(last["layout"].item()) if "layout" in last.columns else None
    return _Previous(path, last["loaded_at"].item(), layout_of_it, tuple(store for (store,) in stores))


def _after(previous: _Previous | None, moment: Moment) -> Moment:
    """The moment of a load, later than that of the one it builds on, though it waited or the clock was set back."""
    if previous is None:
        return moment
    return replace(moment, loaded_at=max(moment.loaded_at, previous.loaded_at + timedelta(microseconds=1)))


def _build(
    building: Path,
    previous: _Previous | None,
    sheets: list[Sheet],
    settings: Settings,
    moment: Moment,
    progress: Progress,
    erased: Erased | None = None,
) -> Published:
    """Build a snapshot as the file `building`; is_new is false where the one before it says all that already."""
    name = building.stem
    renamed = _renamed_stores(previous, settings) if previous else {}
    is_copy = previous is not None and not renamed and previous.layout == layout()
    if previous and is_copy:
        shutil.copyfile(previous.path, building)
    place = (building, previous.path if previous else None, erased.secret if erased else None)
    with building_at(*place) as con:
        progress(0, "comparing with the last snapshot")
        incoming = _incoming(sheets, settings, erased)
        if is_copy:
            changed = fold_in(con, incoming, _emptied(sheets))
            con.execute("drop schema loads cascade")
        else:
            write_canonical(con, incoming, _emptied(sheets), previous=previous is not None, renamed=renamed)
            changed = pl.DataFrame(schema=CHANGE_SCHEMA)
        files = _file_rows(name, sheets, changed)
        _log(con, name, files, sheets, settings, moment, erased, has_previous=previous is not None)
        _log_watermarks(con, sheets, has_previous=previous is not None)
        if previous and is_copy and not is_anything_said_anew(con, incoming) and _is_same(con):
            return Published(previous.path.stem, _as_of(con), is_new=False, files=files)
        tables = _forget_rows(con, sheets, incoming)
        findings = con.sql("from loads.finding").pl()
        if not is_copy or not is_worthwhile(con, tables):
            _build_whole(con, settings, moment, findings, progress, is_copy=is_copy)
            return Published(name, _as_of(con), is_new=True, files=files)
        if build_scope(con, settings, moment, findings, progress, tables):
            return Published(name, _as_of(con), is_new=True, files=files)
    with building_at(*place) as con:
        _build_whole(con, settings, moment, findings, progress, is_copy=is_copy)
        return Published(name, _as_of(con), is_new=True, files=files)


def _incoming(sheets: Sequence[Sheet], settings: Settings, erased: Erased | None) -> dict[str, pl.DataFrame]:
    """The valid rows by the table that they feed, without what names an erased customer."""
    incoming = {table: rows for table in TABLES if (rows := good_rows(sheets, table)) is not None}
    if erased:
        return {table: erase_rows(table, rows, erased, settings) for table, rows in incoming.items()}
    return incoming


def _build_whole(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    moment: Moment,
    findings: pl.DataFrame,
    progress: Progress,
    *,
    is_copy: bool,
) -> None:
    if is_copy:
        clear_star(con)
    build_star(con, settings, moment, findings, progress)


def _as_of(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """The newest "now" among the stores of the snapshot that is being built."""
    found: datetime | None = con.sql("select max(as_of) as as_of from snapshot.main.dim_store").pl().item()
    return found


@contextmanager
def building_at(path: Path, previous: Path | None, secret: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the snapshot that is being built, with the last one beside it.

    `secret`: that of the warehouse's list of erased customers, where there is one.
    """
    with duckdb.connect() as con:
        if secret:
            con.execute(f"set variable {ERASURE_VARIABLE} = '{secret}'")
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"set memory_limit = '{_MEMORY_LIMIT}'")
        con.execute(f"set temp_directory = '{_quoted(path)}.tmp'")
        con.execute(f"attach '{_quoted(path)}' as snapshot (storage_version '{STORAGE_VERSION}')")
        if previous:
            con.execute(f"attach '{_quoted(previous)}' as previous (read_only)")
        con.execute("use snapshot")
        yield con
        con.execute("use memory")
        con.execute("detach snapshot")


def _forget_rows(con: duckdb.DuckDBPyConnection, sheets: list[Sheet], incoming: dict[str, pl.DataFrame]) -> list[str]:
    """Let go of rows that are written; gives the tables that they were of."""
    tables = list(incoming)
    for table in tables:
        con.unregister(f"incoming_{table}")
    incoming.clear()
    sheets[:] = [without_rows(sheet) for sheet in sheets]
    return tables


def _emptied(sheets: Sequence[Sheet]) -> pl.DataFrame:
    """The files of which no row is valid, by table: what they gave when they were read before no longer holds."""
    rows = [
        (part.table, sheet.content_hash, sheet.file, sheet.sheet)
        for sheet in sheets
        for part in sheet.conformed
        if part.read and part.good.is_empty()
    ]
    return pl.DataFrame(rows, schema=EMPTIED_SCHEMA, orient="row")


def _renamed_stores(previous: _Previous, settings: Settings) -> dict[str, str]:
    """The stores of a snapshot that the settings call otherwise by now: an alias was added, or a name mended."""
    return {store: name for store in previous.stores if (name := settings.store_named(store).name) != store}


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
    erased: Erased | None,
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
            "fingerprint": [fingerprint(settings, erased.secret if erased else None)],
            "layout": [layout()],
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
    if erased:
        told = fresh["finding"]
        fresh["reject"] = erase_rejects(fresh["reject"], erased, settings)
        fresh["finding"] = told.with_columns(erase_texts(told["detail"], erased, settings))
    con.execute("create schema loads")
    for table, frame in fresh.items():
        con.register(f"fresh_{table}", frame)
        kept = _NOT_READ_AGAIN if table in {"reject", "finding"} else ""
        earlier = f"select r.* from previous.loads.{table} as r {kept} union by name " if has_previous else ""
        con.execute(f"create table loads.{table} as {earlier}select distinct * from fresh_{table}")


def _log_watermarks(con: duckdb.DuckDBPyConnection, sheets: Sequence[Sheet], *, has_previous: bool) -> None:
    """Write how far each relation of a database was read, this time or before."""
    held = _watermarks_in(con, "previous") if has_previous else {}
    marks = [sheet.watermark for sheet in sheets if sheet.watermark]
    for mark in marks:
        _check_begins_where_held_ends(mark, held)
    reached = held | {(mark.place, mark.column): mark.value for mark in marks if mark.value is not None}
    rows = [(place, column, value) for (place, column), value in reached.items()]
    schema = {"place": pl.String, "column": pl.String, "value": pl.String}
    con.register("fresh_watermark", pl.DataFrame(rows, schema=schema, orient="row"))
    con.execute("create table loads.watermark as from fresh_watermark order by all")


def _check_begins_where_held_ends(mark: Watermark, held: Mapping[tuple[str, str], str]) -> None:
    """Between reading a database and publishing, another load or a rollback may have moved what is held."""
    if mark.since is not None and held.get((mark.place, mark.column)) != mark.since:
        message = f"{mark.place} was read from {mark.since} on, but the warehouse now ends elsewhere: it was changed."
        raise LoaderError(message, "Load again; nothing of this load was kept.")


def _watermarks_in(con: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], str]:
    """By place and column; none in a snapshot of a release that had no databases."""
    try:
        rows = con.execute(f'select place, "column", "value" from "{database}".loads.watermark').fetchall()
    except duckdb.CatalogException:
        return {}
    return {(place, column): value for place, column, value in rows}


# What an earlier load refused or noticed in a file falls when the same file is read again: it is said anew, or mended.
_NOT_READ_AGAIN: Final = """
where not exists (
    from fresh_load_file as f
    where f.content_hash = r.file_hash and f."table" = r."table"
    and ends_with('/' || replace(f.path, '\\', '/'), '/' || r.source_file)
    and f.sheet is not distinct from r.source_sheet
)"""


def _is_same(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether refused rows, findings, settings and statements are those of the previous snapshot."""
    last = "select fingerprint, as_of_told from {}.loads.load order by loaded_at desc limit 1"
    told, told_before = (con.sql(last.format(place)).pl().rows() for place in ("snapshot", "previous"))
    is_logged_anew = any(_differs(con, table) for table in ("loads.reject", "loads.finding"))
    return bool(told == told_before) and not is_logged_anew


def _differs(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    now, before = f"from snapshot.{table}", f"from previous.{table}"
    asked = f"select exists (({now} except {before}) union all ({before} except {now}))"
    return bool(con.execute(asked).fetchall()[0][0])


@contextmanager
def held_for_writing(warehouse: Path, wait_seconds: float, progress: Progress) -> Iterator[None]:
    """Hold the warehouse for writing; its folders are made where there are none."""
    try:
        # For its owner alone: every file below it holds customers.
        warehouse.mkdir(mode=0o700, parents=True, exist_ok=True)
        (warehouse / SNAPSHOTS).mkdir(exist_ok=True)
    except OSError as error:
        hint = "Choose a folder that you may write to with --warehouse DIR."
        raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
    with only_writer(warehouse, wait_seconds, progress):
        yield


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot, read-only and in UTC; a LoaderError names it where it turns out to be damaged."""
    hint = _roll_back_hint(path.parents[1], but=path)
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise LoaderError(f"The snapshot {path} cannot be opened: {error}", hint) from error
    with con:
        try:
            _check_length(con, path)
            con.execute("set TimeZone = 'UTC'")
            yield con
        except _DAMAGE as error:
            raise LoaderError(f"The snapshot {path} is damaged: {error}", hint) from error


def _check_length(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """A file that was cut short opens, as long as nobody reads what is gone."""
    (told,) = con.execute("select block_size * used_blocks from pragma_database_size()").fetchall()[0]
    if path.exists() and told > path.stat().st_size:
        raise duckdb.IOException("the file was cut short")


def check_sound(path: Path) -> None:
    """Read every cell of a snapshot. LoaderError where that fails."""
    with opened(path) as con:
        tables = con.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            con.sql(f'select bit_xor(hash(t)) from "{schema}"."{table}" as t').fetchall()


def kept_snapshots(warehouse: Path) -> list[Path]:
    """The snapshot files of a warehouse, oldest first."""
    return sorted((warehouse / SNAPSHOTS).glob("*.duckdb"))


def _roll_back_hint(warehouse: Path, *, but: Path | None = None) -> str:
    """The exact command that publishes the newest other snapshot, and the names of all others."""
    names = [path.stem for path in kept_snapshots(warehouse) if path != but]
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
    with opened(path) as con:
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


def point_at(warehouse: Path, name: str) -> None:
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
    for path in [*kept_snapshots(warehouse)[:-keep], *(warehouse / SNAPSHOTS).glob("*.building*")]:
        if path != serving:
            discard(path)


def discard(path: Path) -> None:
    """Remove a file, its log and what was put aside beside it, where nobody has it open."""
    for folder in (path, path.with_name(f"{path.name}.tmp")):
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
    for part in (path, path.with_name(f"{path.name}.wal")):
        try:
            part.unlink(missing_ok=True)
        except OSError:
            continue  # a reader has it open (Windows): the next load tries again


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
