"""A raw frame and a profile to canonical rows: the good ones, the refused ones with their reasons, the findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import xxhash

from loaders.columns import Clock, Filled, Rows, cells_of, fill, passes, read_cells, text_of, without_nothing
from loaders.contracts import IDENTITY_COLUMNS, RECORDED_COLUMNS, TABLES, key_column, schema_of
from loaders.errors import LoaderError
from loaders.headers import resolved_headers
from loaders.parts import NO_FIGURE, Lines, Period, kept, parts_of, rows_of, with_period, without_aside
from loaders.profile import LINEAGE_COLUMNS, FileBlock, Profile
from loaders.read import RawFrame
from loaders.settings import Settings, nearest
from loaders.values import date_orders, is_damaged

# Lineage says where a row came from, not what it says: it is no part of a row's content.
_LINEAGE: Final = ("row_id", "source_file", "source_sheet", "source_line", "profile", "block", "exported_at")
_MOMENT: Final = pl.Datetime("us", "UTC")
_NULL_MARK: Final = "\x00"
_CELL_MARK: Final = "\x1f"
_FINDING_SCHEMA: Final = {
    "finding": pl.String(),
    "store": pl.String(),
    "record": pl.String(),
    "detail": pl.String(),
    "table": pl.String(),
    "source_file": pl.String(),
    "source_sheet": pl.String(),
    "source_line": pl.Int64(),
    "file_hash": pl.String(),
}
_PATTERN_DIGITS: Final = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}


@dataclass(frozen=True)
class Conformed:
    """What one block of a profile made of one raw frame: `read` = refused + accepted rows.

    `good`: the columns of the contract in its order; where a file holds a key twice, only the newest
    row, or their sum where the profile adds rows up. `rejects`: table, rule, source_file, source_sheet, source_line,
    profile, block, row (JSON of the cells that the profile names, as they were), content_hash, file_hash. `findings`:
    finding, store, record, detail, table, source_file, source_sheet, source_line, file_hash. `aside`: lines that are no
    records, with the reason. Where a block reads several figures of a row, each is a canonical row and counts as one.
    """

    table: str
    block: str
    read: int
    good: pl.DataFrame
    rejects: pl.DataFrame
    findings: pl.DataFrame
    aside: Lines = ()


@dataclass(frozen=True)
class _Work:
    """One block at work on one raw frame."""

    raw: RawFrame
    profile: Profile
    block: FileBlock
    settings: Settings
    rows: Rows

    @property
    def key(self) -> str:
        return key_column(self.block.table)


def conform(
    raw: RawFrame,
    profile: Profile,
    block: FileBlock,
    settings: Settings,
    *,
    store: str | None,
    exported_at: datetime | None,
    period: Period | None = None,
) -> Conformed:
    """Turn raw rows into valid canonical rows and rejects; nothing is lost between the two.

    `store` is the store of rows that name none; without it, the only store of the settings. `exported_at` says when the
    file was exported; without it the profile's pattern on the file name decides, else the newest recorded event.
    `period` (first and last day) is that of figures whose file states none.

    Raises:
        LoaderError: The profile refuses such a file, no store or period is known for the rows, or the file's dates can
            be read in two orders.
    """
    if block.refuse:
        raise LoaderError(f"{raw.file} is left out: {block.refuse}.", block.hint)
    rows, aside = without_aside(_rows(raw, with_period(raw, block, period)))
    parts = [rows_of(rows, part) for part in parts_of(rows.block, raw.frame.columns)]
    done = [_conformed(_Work(raw, profile, part.block, settings, part), store, exported_at) for part in parts]
    if len(done) == 1 and parts[0].ids.len() == rows.ids.len():
        return replace(done[0], aside=aside)
    return _together(done, aside + _without_figure(rows, parts))


def _without_figure(rows: Rows, parts: Sequence[Rows]) -> Lines:
    """The lines that gave no part a figure."""
    used = pl.concat([part.ids for part in parts])
    return tuple((line, NO_FIGURE) for line in rows.lines.filter(~rows.ids.is_in(used.implode())))


def _together(parts: Sequence[Conformed], aside: Lines) -> Conformed:
    """The parts of one block as one."""
    return Conformed(
        table=parts[0].table,
        block=parts[0].block,
        read=sum(part.read for part in parts),
        good=pl.concat([part.good for part in parts]),
        rejects=pl.concat([part.rejects for part in parts]),
        findings=pl.concat([part.findings for part in parts]).unique(("finding", "detail"), maintain_order=True),
        aside=aside,
    )


def _conformed(work: _Work, store: str | None, exported_at: datetime | None) -> Conformed:
    """One block, as far as it reads one figure of each row."""
    block = work.block
    stores = _stores(work, store)
    clock = _clock(work, stores)
    columns = list(_filled_columns(work, clock))
    broken = _broken(work, columns)
    typed = _keyed(work, _typed(work, stores, columns), broken)
    good, rules = _validated(work, typed, broken)
    added = _added_up(work, good)
    stamped = added.with_columns(exported_at=pl.lit(_exported_at(work, good, exported_at), _MOMENT))
    noticed = [
        *(frame for column in columns for frame in column.findings),
        *_conflicts(work, stamped),
        *_unknown_stores(work, stores),
        *_foreign_money(work, stamped),
    ]
    return Conformed(
        table=block.table,
        block=block.name,
        read=work.rows.ids.len(),
        good=_newest(work, stamped),
        rejects=_rejects(work, rules),
        findings=_findings(work, typed, noticed),
    )


def _schema(table: str) -> pl.Schema:
    return schema_of(table)


def _rows(raw: RawFrame, block: FileBlock) -> Rows:
    """The rows that feed this block, numbered: those that pass every test of `when` and none of `when_not`."""
    cells = raw.frame.drop("source_line")
    ids = pl.int_range(0, raw.frame.height, dtype=pl.UInt64, eager=True)
    rows = Rows(cells, ids, raw.frame["source_line"], resolved_headers(cells.columns), block)
    if not block.when and not block.when_not:
        return rows
    feeds = pl.Series([True]).new_from_index(0, ids.len())
    for test in block.when:
        feeds &= passes(rows, test)
    for test in block.when_not:
        feeds &= ~passes(rows, test)
    return kept(rows, feeds)


def _stores(work: _Work, chosen: str | None) -> pl.Series:
    """The store of each row as the settings spell it: its own, else the one chosen, else the settings' only one."""
    settings, rows = work.settings, work.rows
    named, _ = text_of(rows, "store")
    only = settings.stores[0].name if len(settings.stores) == 1 else None
    fallback = chosen or only
    if fallback is None and rows.ids.len() and named.null_count() == named.len():
        known = ", ".join(f'"{store.name}"' for store in settings.stores) or "none"
        hint = f"Say which store it is: --store NAME. Stores in the settings: {known}."
        raise LoaderError(f"{work.raw.file} does not say which store its rows belong to.", hint)
    named = named if fallback is None else named.fill_null(fallback)
    # A name of control characters only is none.
    spelling = {name: settings.store_named(name).name for name in named.drop_nulls().unique() if name.split()}
    return named.replace_strict(spelling, default=None, return_dtype=pl.String).alias("store")


def _unknown_stores(work: _Work, stores: pl.Series) -> Iterator[pl.DataFrame]:
    """A finding for each store that the settings do not name, at its first row: its clock and hours are a guess."""
    settings = work.settings
    unknown = [name for name in stores.drop_nulls().unique(maintain_order=True) if not settings.knows(name)]
    known = [store.name for store in settings.stores]
    for name in unknown:
        near = nearest(name, known)
        detail = (
            f'the settings name no store "{name}": the store\'s clock ({settings.defaults.time_zone}) and hours are '
            f"those of [defaults]. {near or 'Add a [[store]] for it'} (settings.toml)"
        )
        first = pl.DataFrame([work.rows.ids.alias("row_id"), stores]).filter(pl.col("store") == name).head(1)
        yield first.select("row_id", finding=pl.lit("store_not_in_settings"), detail=pl.lit(detail))


def _foreign_money(work: _Work, good: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A finding for each currency that is not the store's, at its first row: amounts are summed as they stand."""
    if "currency" not in good.columns:
        return
    named = good.filter(pl.col("currency").is_not_null())
    for (store, currency), rows in named.group_by("store", "currency", maintain_order=True):
        own = work.settings.store_named(str(store)).currency
        if str(currency).upper() != own and work.settings.knows(str(store)):
            text = f"{rows.height} amounts are in {currency}, but {store} counts in {own}"
            detail = f"{text}: they are summed as they stand"
            yield rows.head(1).select("row_id", finding=pl.lit("currency_not_of_store"), detail=pl.lit(detail))


def _clock(work: _Work, stores: pl.Series) -> Clock:
    settings, block = work.settings, work.block
    by_store = {name: settings.store_named(name).time_zone for name in stores.drop_nulls().unique().to_list()}
    store_zones = stores.replace_strict(by_store, default=settings.defaults.time_zone, return_dtype=pl.String)
    zone = block.time_zone or work.profile.time_zone
    zones = store_zones if zone == "store" else pl.Series([zone]).new_from_index(0, stores.len())
    return Clock(zones, store_zones, _formats(work))


def _formats(work: _Work) -> tuple[str, ...]:
    """The block's date formats, with "auto" settled by the dates themselves; a sheet's own dates always read.

    A cell of a sheet that holds a date but is not shown as one reads as the sheet's day number.
    """
    formats = work.block.date_format
    if work.raw.sheet is not None:
        formats = (*formats, *(form for form in ("iso", "serial") if form not in formats))
    if "auto" not in formats:
        return formats
    orders = date_orders([text_of(work.rows, name)[0] for name in _date_columns(work.block.table)])
    if orders in ({"unproved"}, {"mdy", "dmy"}):
        raise _unclear_dates(work, orders)
    return tuple(min(orders, default="mdy") if form == "auto" else form for form in formats)


def _date_columns(table: str) -> Iterator[str]:
    dates = (name for name, dtype in _schema(table).items() if dtype.is_temporal())
    return (name for name in dates if name not in _LINEAGE)


def _unclear_dates(work: _Work, orders: frozenset[str]) -> LoaderError:
    why = "none of them tells day from month" if "unproved" in orders else "some put the day first, some the month"
    name = work.profile.name
    hint = (
        f"Export the dates as 2024-03-01; or copy loaders/profiles/{name}.toml to my_{name}.toml, write "
        f'date_format = ["mdy"] (month first) or ["dmy"] (day first) into its block "{work.block.name}", and load '
        f"this file with --profile my_{name}.toml"
    )
    return LoaderError(f"The dates of {work.raw.file} can be read in two orders: {why}.", hint)


def _filled_columns(work: _Work, clock: Clock) -> Iterator[Filled]:
    """Every column of the contract that a profile may fill, read; the store and the key have ways of their own."""
    block, rows = work.block, work.rows
    for name, dtype in _schema(block.table).items():
        if name == "modified_at":
            cells = cells_of(rows, block.modified_at) if block.modified_at else rows.blank()
            yield read_cells(rows, name, cells, dtype, clock)
        elif name not in LINEAGE_COLUMNS and name not in ("store", work.key) and not name.endswith("_is_date"):
            yield fill(rows, name, dtype, clock)


def _typed(work: _Work, stores: pl.Series, columns: Sequence[Filled]) -> pl.DataFrame:
    """All rows in the contract's types, valid or not, still without a key where the file gives none."""
    rows, raw, schema = work.rows, work.raw, _schema(work.block.table)
    days = [column.is_date for column in columns if column.is_date is not None and column.is_date.name in schema]
    frame = pl.DataFrame([rows.ids.alias("row_id"), stores, *(column.values for column in columns), *days])
    deleted = passes(rows, work.block.is_deleted) if work.block.is_deleted else pl.lit(value=False)
    return frame.with_columns(
        pl.col("system").fill_null(work.profile.name),
        *(pl.col(name).fill_null(value=False) for name in _plain_flags(work.block.table)),
        source_file=pl.lit(raw.file),
        source_sheet=pl.lit(raw.sheet, pl.String),
        source_line=rows.lines,
        profile=pl.lit(work.profile.name),
        block=pl.lit(work.block.name),
        exported_at=pl.lit(None, _MOMENT),
        is_deleted=deleted,
    )


def _plain_flags(table: str) -> list[str]:
    """The yes-or-no columns that are always known: where a file is silent, they say no."""
    columns = TABLES[table].columns()
    names = (name for name, dtype in _schema(table).items() if dtype == pl.Boolean)
    return [
        name for name in names if not columns[name].nullable and name != "is_deleted" and not name.endswith("_is_date")
    ]


def _broken(work: _Work, columns: Sequence[Filled]) -> pl.DataFrame:
    """One row per raw row, a column per canonical column that has unreadable cells: the rule broken, else null."""
    broken = [column.broken for column in columns if column.broken is not None]
    lines = dict(work.raw.problems)
    at = work.rows.lines
    shape = at.replace_strict(lines, default=None, return_dtype=pl.String) if lines else work.rows.blank()
    return pl.DataFrame([work.rows.ids.alias("row_id"), shape.alias("|shape"), *broken, *_more_broken(work, columns)])


def _more_broken(work: _Work, columns: Sequence[Filled]) -> Iterator[pl.Series]:
    yield from _too_long_periods(work, columns)
    yield from _damaged_keys(work)


def _too_long_periods(work: _Work, columns: Sequence[Filled]) -> Iterator[pl.Series]:
    """The rule that rows break whose period is longer than the profile allows: their figures belong to no month."""
    most = work.block.max_days
    if most is None:
        return
    days = {column.name: column.values for column in columns if column.name in ("period_start", "period_end")}
    length = (days["period_end"] - days["period_start"]).dt.total_days() + 1
    text = pl.format(f"the period is {{}} days long, more than {most}: {work.block.hint or 'export by month'}", "days")
    yield pl.DataFrame({"days": length}).select(pl.when(pl.col("days") > most).then(text).alias("|days")).to_series()


def _keyed(work: _Work, typed: pl.DataFrame, broken: pl.DataFrame) -> pl.DataFrame:
    """The rows with their natural id: the file's, or a hash of what identifies the record and its number in the file.

    The number counts equal records among the readable rows only, so that a refused row does not shift it.
    """
    schema = _schema(work.block.table)
    key = _file_key(work)
    if key is None:
        identity = work.block.identity or IDENTITY_COLUMNS.get(work.block.table) or _content_columns(work.block.table)
        names = ["store", "system", *(name for name in identity if name not in ("store", "system", work.key))]
        hashes = _hashed(work.block.table, typed, names)
        readable = broken.select(pl.all_horizontal(pl.exclude("row_id").is_null())).to_series()
        if work.block.sum:
            return typed.with_columns(hashes.alias(work.key)).select(schema.keys())
        number = pl.int_range(1, pl.len() + 1).over("hash", "readable").cast(pl.String)
        numbered = pl.DataFrame({"hash": hashes, "readable": readable})
        key = numbered.select(pl.concat_str("hash", number, separator="-")).to_series()
    return typed.with_columns(key.alias(work.key)).select(schema.keys())


def _file_key(work: _Work) -> pl.Series | None:
    """The natural id that the file gives (its parts joined), or None where it has no such column."""
    if work.block.key is None:
        return None
    wanted = work.block.key.column + work.block.key.join
    present = work.rows.present(wanted)
    if len(present) < len(wanted):
        return None
    parts = [without_nothing(work.rows.cells[name]).alias(name) for name in present]
    return pl.DataFrame(parts).select(pl.concat_str(present, separator="|")).to_series()


def _damaged_keys(work: _Work) -> Iterator[pl.Series]:
    """The rule that rows break whose id a spreadsheet rounded: many records would become one."""
    for name in work.rows.present(work.block.key.column + work.block.key.join) if work.block.key else ():
        cells = work.rows.cells[name]
        if (damaged := is_damaged(cells)).any():
            text = pl.format('{} was rounded by a spreadsheet: "{}" stands for many ids', pl.lit(name), "cell")
            frame = pl.DataFrame({"cell": cells, "is_damaged": damaged})
            yield frame.select(pl.when("is_damaged").then(text).alias(f"|{name}")).to_series()


def _validated(work: _Work, typed: pl.DataFrame, broken: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The valid rows, and the broken ones as row_id and rule: all the rules a row breaks, "; " between."""
    valid, failure = TABLES[work.block.table].filter(typed)
    is_unreadable = pl.any_horizontal(pl.exclude("row_id").is_not_null())
    if not len(failure) and broken.filter(is_unreadable).is_empty():
        return valid, pl.DataFrame(schema={"row_id": pl.UInt64, "rule": pl.String})
    failed = failure.details()
    broken = broken.filter(is_unreadable | pl.col("row_id").is_in(failed["row_id"].implode()))
    unreadable = set(broken.columns)
    texts = [pl.col(rule).alias(f"|{rule}") for rule in broken.columns if rule != "row_id"]
    rules = broken.join(failed.select("row_id", *_rule_columns(failed)), on="row_id", how="left", maintain_order="left")
    said = [_said(rule, is_parsed=rule.partition("|")[0] in unreadable) for rule in _rule_columns(failed)]
    each = pl.concat_list(pl.exclude("row_id")).list.drop_nulls().list.unique(maintain_order=True)
    told = rules.select("row_id", *texts, *said).select("row_id", rule=each.list.join("; "))
    refused = told.filter(pl.col("rule") != "")
    return valid.join(refused, on="row_id", how="anti", maintain_order="left"), refused


def _rule_columns(failed: pl.DataFrame) -> list[str]:
    return [name for name, dtype in failed.schema.items() if isinstance(dtype, pl.Enum)]


def _said(rule: str, *, is_parsed: bool) -> pl.Expr:
    """A rule of the contract as a sentence where a row breaks it; an unreadable cell is not also called missing."""
    column, _, kind = rule.partition("|")
    text = f"{column} is missing" if kind == "nullability" else rule.replace("_", " ")
    is_broken = pl.col(rule) == "invalid"
    if kind == "nullability" and is_parsed:
        is_broken &= pl.col(column).is_null()
    return pl.when(is_broken).then(pl.lit(text)).alias(f"said {rule}")


def _exported_at(work: _Work, good: pl.DataFrame, chosen: datetime | None) -> datetime | None:
    """When the file was exported: as told, else as its name says, else its newest recorded event."""
    if chosen is not None:
        return chosen if chosen.tzinfo else chosen.replace(tzinfo=UTC)
    named = _export_time_in_name(work)
    if named is not None or good.is_empty():
        return named
    table = work.block.table
    ends = ["period_end"] if "period_end" in good.columns else []
    events = [pl.col(name).cast(_MOMENT).max() for name in (*RECORDED_COLUMNS[table], *ends)]
    newest = good.select(pl.max_horizontal(events)).item() if events else None
    return newest if isinstance(newest, datetime) else None


def _export_time_in_name(work: _Work) -> datetime | None:
    """The time that the profile's pattern finds in the file name, such as `_%Y%m%d_%H%M%S`; in the profile's zone."""
    pattern = work.block.exported_at_pattern
    if pattern is None:
        return None
    shape = re.sub(r"%([YmdHMS])", lambda part: rf"(?P<{part[1]}>\d{{{_PATTERN_DIGITS[part[1]]}}})", re.escape(pattern))
    found = re.search(shape, work.raw.file)
    if found is None:
        return None
    parts = {name: int(digits) for name, digits in found.groupdict().items()}
    zone = work.block.time_zone or work.profile.time_zone
    stores = work.settings.stores
    local = (stores[0].time_zone if stores else work.settings.defaults.time_zone) if zone == "store" else zone
    clock = (parts.get("H", 0), parts.get("M", 0), parts.get("S", 0))
    return datetime(parts["Y"], parts["m"], parts["d"], *clock, tzinfo=ZoneInfo(local)).astimezone(UTC)


def _content_columns(table: str) -> list[str]:
    """The columns that say what a record is about, without lineage, key and the marks of its last change."""
    aside = {*_LINEAGE, key_column(table), "modified_at", "is_deleted"}
    return [name for name in TABLES[table].column_names() if name not in aside]


def _content_hash(table: str, frame: pl.DataFrame) -> pl.Series:
    """A hash of all that rows say, wherever they came from."""
    return _hashed(table, frame, [name for name in TABLES[table].column_names() if name not in _LINEAGE])


def _hashed(table: str, frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """A hash of some columns that is the same on every machine and in every release of the libraries."""
    texts = (_hashed_text(frame[name]) for name in names)
    whole = frame.select(pl.concat_str([pl.repeat(table, pl.len()), *texts], separator=_CELL_MARK)).to_series()
    return _digests(whole)


def _hashed_text(column: pl.Series) -> pl.Expr:
    """A column as the text that its hash is made of."""
    if column.null_count() == column.len():
        return pl.lit(_NULL_MARK)
    plain = pl.col(column.name).to_physical() if column.dtype.is_temporal() else pl.col(column.name)
    text = plain.cast(pl.String)
    return text.fill_null(_NULL_MARK) if column.null_count() else text


def _digests(texts: pl.Series) -> pl.Series:
    return pl.Series([xxhash.xxh3_128_hexdigest(text) for text in texts.cast(pl.Binary)], dtype=pl.String)


def _newest(work: _Work, good: pl.DataFrame) -> pl.DataFrame:
    """One row per key: the last changed, among equals the one with the last content hash; order does not matter."""
    key = ["store", "system", work.key]
    if _has_each_key_once(good, key):
        return good
    is_twice = pl.struct(key).is_duplicated()
    twice = good.filter(is_twice)
    ordered = twice.with_columns(said=_content_hash(work.block.table, twice)).sort("modified_at", "said")
    newest = ordered.unique(key, keep="last", maintain_order=True).select(good.columns)
    return pl.concat([good.filter(~is_twice), newest]).sort("row_id")


def _added_up(work: _Work, good: pl.DataFrame) -> pl.DataFrame:
    """Where the profile says that rows of one key are parts of it (one per device, say): their sum, once per key."""
    key = ["store", "system", work.key]
    if not work.block.sum or good.select(key).n_unique() == good.height:
        return good
    known = {name: pl.col(name).is_not_null().any() for name in work.block.sum}
    sums = [pl.when(some).then(pl.col(name).sum()).cast(good.schema[name]).alias(name) for name, some in known.items()]
    grouped = good.group_by(key, maintain_order=True).agg(pl.exclude(*key, *known).first(), *sums)
    return grouped.select(good.columns)


def _has_each_key_once(good: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether no record stands twice. Ids that differ say so at once; else store and system may tell them apart."""
    return good[key[-1]].n_unique() == good.height or good.select(key).n_unique() == good.height


def _conflicts(work: _Work, good: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A finding for each key that stands twice in the file with different content and nothing to say which is newer."""
    key = ["store", "system", work.key]
    if _has_each_key_once(good, key):
        return
    twice = good.filter(pl.struct(key).is_duplicated())
    tied = twice.with_columns(said=_content_hash(work.block.table, twice)).filter(
        pl.col("modified_at").is_null().all().over(key)
        | (pl.col("modified_at") == pl.col("modified_at").max().over(key))
    )
    clashing = tied.filter(pl.col("said").n_unique().over(key) > 1).unique(key, keep="first", maintain_order=True)
    detail = "the file holds this record more than once with different content and no time of change"
    if not clashing.is_empty():
        yield clashing.select("row_id", finding=pl.lit("conflicting_rows"), detail=pl.lit(detail))


def _rejects(work: _Work, rules: pl.DataFrame) -> pl.DataFrame:
    """Every refused row with its lineage, its rules and its cells as they were: only cells that the profile names."""
    raw, block = work.raw, work.block
    whole = raw.frame.with_columns(pl.int_range(pl.len(), dtype=pl.UInt64).alias("|row"))
    rows = rules.join(whole, left_on="row_id", right_on="|row", how="left", maintain_order="left", suffix="|raw")
    named = work.rows.present(block.headers())
    cells = pl.struct(pl.col(f"{name}|raw" if name in rules.columns else name).alias(name) for name in named)
    rejects = rows.select(
        table=pl.lit(block.table),
        rule=pl.col("rule"),
        source_file=pl.lit(raw.file),
        source_sheet=pl.lit(raw.sheet, pl.String),
        source_line=pl.col("source_line"),
        profile=pl.lit(work.profile.name),
        block=pl.lit(block.name),
        row=cells.struct.json_encode(),
    )
    return rejects.with_columns(content_hash=_digests(rejects["row"]), file_hash=pl.lit(raw.content_hash))


def _findings(work: _Work, typed: pl.DataFrame, noticed: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What was noticed, each with the store, record, file and line it was noticed at."""
    if not noticed:
        return pl.DataFrame(schema=_FINDING_SCHEMA)
    place = ("source_file", "source_sheet", "source_line")
    table, file_hash = pl.lit(work.block.table), pl.lit(work.raw.content_hash)
    key = pl.col(work.key).alias("record")
    where = typed.select("row_id", "store", key, *place, table=table, file_hash=file_hash)
    return pl.concat(noticed).join(where, on="row_id", maintain_order="left").select(list(_FINDING_SCHEMA))
