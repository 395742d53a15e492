"""Parquet, JSON and NDJSON to tables of text: numbers as they were written, nested parts under dotted headers."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import polars as pl

from loaders.read.grid import Table, unique_headers
from loaders.read.letters import letters_of

_PARQUET: Final = b"PAR1"
_JSON_START: Final = re.compile(rb'^(?:\{\s*["}]|\[\s*(?:[\[{"\d\]-]|true|false|null))')
_MARK: Final = b"\xef\xbb\xbf"
_BATCH: Final = 50_000
# 5 million records of 40 columns; a small file can claim more.
MOST_CELLS: Final = 200_000_000
MOST_COLUMNS: Final = 5_000
_DEEPEST: Final = 32
NOT_JSON: Final = "line is not JSON"

Row = dict[str, str | None]


def is_parquet(content: bytes) -> bool:
    """Whether the bytes begin as a Parquet file does."""
    return content.startswith(_PARQUET)


def is_json(content: bytes) -> bool:
    """Whether the bytes begin as JSON does; a header such as `[Name],[Amount]` does not."""
    return _JSON_START.match(content[:4096].removeprefix(_MARK).lstrip()) is not None


def parquet_table(content: bytes) -> Table:
    """A Parquet file as text: moments in ISO form (in UTC where they have a zone), whole numbers without ".0".

    `source_line` is the number of the record, counted from 1.

    Raises:
        ValueError: It is damaged or locked, or claims more cells than are taken.
    """
    try:
        lazy = pl.scan_parquet(io.BytesIO(content))
        width = len(lazy.collect_schema())
        if width > MOST_COLUMNS:
            raise ValueError(f"it has {width:,} columns, and at most {MOST_COLUMNS:,} are read")
        if lazy.select(pl.len()).collect().item() * width > MOST_CELLS:
            raise ValueError(f"it claims more than {MOST_CELLS:,} cells")
        frame = lazy.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"it is a Parquet file that cannot be opened ({reason})") from error
    flat, notes = _unnested(frame)
    texts = [_as_text(flat[name]).alias(f"c{at}") for at, name in enumerate(flat.columns)]
    lines = pl.int_range(1, flat.height + 1, dtype=pl.Int64, eager=True).alias("source_line")
    return _table(pl.DataFrame([*texts, lines]), flat.columns, notes)


def json_tables(content: bytes, encoding: str | None) -> Iterator[tuple[str | None, Table]]:
    """JSON as text: a list of objects, an object with lists of objects inside (each a sheet), or an object a line.

    `source_line` is the line of NDJSON, else the number of the record. A line of NDJSON that is no JSON is a problem of
    that line alone.

    Raises:
        ValueError: It is no JSON, is nested too deeply, names a key twice, or holds no objects.
    """
    text, notes = letters_of(content, encoding)
    try:
        value = _parsed(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data") or not text.lstrip("\ufeff \t\r\n").startswith("{"):
            raise ValueError(f"it is JSON that is broken: {error.msg}, line {error.lineno}") from error
        yield None, _line_table(text, notes)
        return
    for sheet, records, said in _records_in(value):
        numbered = enumerate(records, start=1)
        yield sheet, _record_table(numbered, [], (*notes, *said))


def _parsed(text: str) -> Any:
    """A JSON value in which every number stands as it was written.

    Raises:
        json.JSONDecodeError: It is no JSON.
        ValueError: It is nested too deeply, or an object names a key twice.
    """
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_int=str,
            parse_float=str,
            parse_constant=lambda _: None,
            object_pairs_hook=_object,
        )
    except RecursionError as error:
        raise ValueError("it is JSON that is nested too deeply") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'it is JSON with an object that names "{twice[:40]}" twice')
    return found


def _records_in(value: Any) -> Iterator[tuple[str | None, list[Any], tuple[str, ...]]]:
    """The lists of objects: the value itself, else those inside it, else the value as the only record."""
    if isinstance(value, list):
        yield None, _checked_records(value), ()
        return
    if not isinstance(value, dict):
        raise ValueError("it is JSON without a list of objects")
    found = list(_lists_of_objects(value, ""))
    if not found:
        yield None, [value], ("one object, taken as one record",)
    elif len(found) == 1:
        yield None, _checked_records(found[0][1]), (f'the records stand under "{found[0][0]}"',)
    else:
        yield from ((name, _checked_records(records), ()) for name, records in found)


def _checked_records(values: list[Any]) -> list[Any]:
    if not values:
        raise ValueError("it is an empty list")
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("it is JSON with a list of plain values; a list of objects is expected")
    return values


def _lists_of_objects(value: Mapping[str, Any], path: str, depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """Each list of objects under a key, not looking inside lists, with its dotted key."""
    for key, inner in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield name, inner
        elif isinstance(inner, dict) and depth < 2:
            yield from _lists_of_objects(inner, name, depth + 1)


def _line_table(text: str, notes: tuple[str, ...]) -> Table:
    """NDJSON: a record for each line; a line that cannot be read stands there empty, with its reason."""
    problems: list[tuple[int, str]] = []

    def records() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(io.StringIO(text.removeprefix("\ufeff")), start=1):
            if line.strip():
                value, problem = _line_value(line)
                if problem:
                    problems.append((number, problem))
                yield number, value

    return _record_table(records(), problems, (*notes, "an object on each line"))


def _line_value(line: str) -> tuple[dict[str, Any], str | None]:
    try:
        value = _parsed(line)
    except json.JSONDecodeError as error:
        return {}, f"{NOT_JSON}: {error.msg}"
    except ValueError as error:
        return {}, str(error).replace("it is JSON", "line is JSON", 1)
    return (value, None) if isinstance(value, dict) else ({}, "line holds no object")


def _record_table(records: Iterator[tuple[int, Any]], problems: list[tuple[int, str]], notes: tuple[str, ...]) -> Table:
    """Records to columns in the order in which their keys first appear; a record without a key is blank there."""
    frames: list[pl.DataFrame] = []
    places: dict[str, int] = {}
    while batch := list(islice(records, _BATCH)):
        rows = [_flat(value) for _, value in batch]
        for name in (name for row in rows for name in row):
            places.setdefault(name, len(places))
        if len(places) > MOST_COLUMNS:
            raise ValueError(f"its records have more than {MOST_COLUMNS:,} different keys")
        columns = [pl.Series(f"c{at}", [row.get(name) for row in rows], pl.String) for name, at in places.items()]
        frames.append(pl.DataFrame([*columns, pl.Series("source_line", [line for line, _ in batch], pl.Int64)]))
    if not places:
        raise ValueError("its records are empty")
    return _table(pl.concat(frames, how="diagonal"), list(places), notes, tuple(problems))


def _table(
    frame: pl.DataFrame, headers: list[str], notes: tuple[str, ...], problems: tuple[tuple[int, str], ...] = ()
) -> Table:
    """Columns `c0`, `c1`, ... under their headers, blanks null, the line last."""
    named = zip((f"c{at}" for at in range(len(headers))), unique_headers(headers), strict=True)
    cells = [
        pl.when(pl.col(name).str.strip_chars() == "").then(None).otherwise(pl.col(name)).alias(header)
        for name, header in named
    ]
    return Table(frame.select(*cells, pl.col("source_line").cast(pl.Int64)), (), problems, notes=notes)


def _flat(value: Mapping[str, Any]) -> Row:
    return dict(_cells(value, "", 0))


def _cells(value: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, str | None]]:
    """Header and text of each leaf of a record: inner objects under dotted headers, lists as one text."""
    for key, inner in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(inner, dict) and inner and depth < _DEEPEST:
            yield from _cells(inner, name, depth + 1)
        else:
            yield name, _text(inner)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ", ".join(part for part in map(_text, value) if part is not None) or None
    try:
        return json.dumps(value, ensure_ascii=False, default=str) if value not in ([], {}) else None
    except RecursionError as error:
        raise ValueError("it is JSON that is nested too deeply") from error


def _unnested(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Inner objects as columns under dotted headers; columns of bytes left out, and said so."""
    for _ in range(_DEEPEST):
        nested = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Struct)]
        if not nested:
            break
        frame = frame.unnest(nested, separator=".")
    blobs = [name for name, dtype in frame.schema.items() if dtype in {pl.Binary, pl.Object}]
    return frame.drop(blobs), tuple(f'column "{name}" left out: it holds bytes, not text' for name in blobs)


def _as_text(column: pl.Series) -> pl.Series:
    """A typed column as the text that reads back to the same values."""
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ" if dtype.time_zone else "%Y-%m-%dT%H:%M:%S%.f")
    if dtype.is_float():
        return _numbers(column)
    if isinstance(dtype, pl.List | pl.Array):
        return _lists(column)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_seconds().cast(pl.String)
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    return column.cast(pl.String)


def _numbers(column: pl.Series) -> pl.Series:
    """Numbers without a needless ".0": a table of ids with a gap is often stored so."""
    whole = column.is_finite() & (column == column.round(0)) & (column.abs() < 2**53)
    texts = column.cast(pl.String).set(column.is_nan().fill_null(value=False), None)
    integers = column.set(~whole.fill_null(value=False), None).cast(pl.Int64).cast(pl.String)
    return integers.zip_with(integers.is_not_null(), texts)


def _lists(column: pl.Series) -> pl.Series:
    return pl.Series([_text(cell) for cell in column.to_list()], dtype=pl.String)
