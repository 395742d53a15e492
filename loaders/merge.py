"""Brings the canonical tables up to date: what the last snapshot holds and what files bring, the newest of each kept.

The connection's database `snapshot` is the new snapshot. With an earlier one, it begins as a copy of that one, which is
also attached as `previous`; only records that the files touch are written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from loaders.contracts import PERSONAL_COLUMNS, TABLES, key_column, schema_of

TEMPLATES: Final = Path(__file__).parent / "warehouse" / "templates"
CHANGE_SCHEMA: Final = {  # of a file: how many of its rows were held already, corrected, or new
    "table": pl.String,
    "file_number": pl.Int64,
    "block": pl.String,
    "unchanged": pl.Int64,
    "updated": pl.Int64,
    "added": pl.Int64,
}
EMPTIED_SCHEMA: Final = dict.fromkeys(("table", "file_hash", "source_file", "source_sheet"), pl.String)
# How DuckDB calls the types that canonical columns have.
_TYPES: Final[Mapping[pl.DataType | type[pl.DataType], str]] = {
    pl.String(): "varchar",
    pl.Boolean(): "boolean",
    pl.Int64(): "bigint",
    pl.UInt64(): "ubigint",
    pl.Float64(): "double",
    pl.Date(): "date",
    pl.Datetime("us", "UTC"): "timestamptz",
    pl.Decimal(18, 2): "decimal(18, 2)",
    pl.Decimal(18, 6): "decimal(18, 6)",
}
# What says where a row came from and when it was exported, not what it says.
_LINEAGE: Final = ("row_id", "source_file", "source_sheet", "source_line", "profile", "block", "exported_at")


def empty_frame(table: str) -> pl.DataFrame:
    """No rows, with the columns that the good rows of this canonical table have."""
    columns = pl.DataFrame(schema=schema_of(table))
    text = pl.lit(None, dtype=pl.String)
    return columns.with_columns(file_hash=text, file_number=pl.lit(None, dtype=pl.Int64)).clear()


def layout() -> str:
    """The columns of the canonical tables as one word: a snapshot of another layout is written anew, not copied."""
    columns = {table: str(schema_of(table)) for table in TABLES}
    return sha256(repr(columns).encode()).hexdigest()[:16]


def write_canonical(
    con: duckdb.DuckDBPyConnection,
    incoming: Mapping[str, pl.DataFrame],
    emptied: pl.DataFrame,
    *,
    previous: bool,
    renamed: Mapping[str, str] | None = None,
) -> None:
    """Write every canonical table from the files' rows and, with `previous`, from all rows of the earlier snapshot.

    `emptied`: the files (table, file_hash, source_file, source_sheet) that give a table no valid row. `renamed`: stores
    of the earlier snapshot that the settings call otherwise by now.
    """
    con.register("emptied_file", emptied)
    con.execute("create schema snapshot.canonical")
    names = list((renamed or {}).items())
    con.register("store_name", pl.DataFrame(names, schema={"store": pl.String, "named": pl.String}, orient="row"))
    held = _tables_of_previous(con) if previous else frozenset()
    for table in TABLES:
        if table in incoming or table in held:
            con.register(f"incoming_{table}", incoming.get(table, empty_frame(table)))
            _write_all(con, table, is_held=table in held)
        else:
            con.execute(template("no_versions", table, columns=_typed_columns(table)))


def _write_all(con: duckdb.DuckDBPyConnection, table: str, *, is_held: bool) -> None:
    if is_held:
        con.execute(template("read_anew", table))
    con.execute(template("all_versions", table, held=_held(table) if is_held else ""))
    con.execute(template("touched_twice", table))
    if con.execute(f"select exists (from touched_{table})").fetchall()[0][0]:
        _merge(con, table, template("versions_written", table))
        _write_merged(con, table)


def fold_in(
    con: duckdb.DuckDBPyConnection, incoming: Mapping[str, pl.DataFrame], emptied: pl.DataFrame
) -> pl.DataFrame:
    """Fold the files' rows into the canonical tables of a copied snapshot.

    Leaves, for each table that the files feed, in `changed_<table>` the keys of records of which anything is new but
    the number of the row, in `said_anew_<table>` those that say anything else than before. Gives the changes: table,
    file_number, block, unchanged, updated, added (rows of a file).
    """
    con.register("emptied_file", emptied)
    frames = [pl.DataFrame(schema=CHANGE_SCHEMA)]
    for table, rows in incoming.items():
        con.register(f"incoming_{table}", rows)
        con.execute(template("read_anew", table))
        con.execute(template("touched", table))
        _merge(con, table, template("versions_touched", table))
        con.execute(template("changed", table, columns=_columns(table, ("row_id",)), content=content(table)))
        counted: pl.DataFrame = con.sql(template("changes", table, content=content(table))).pl()
        frames.append(counted.select(pl.lit(table).alias("table"), pl.all()).cast(CHANGE_SCHEMA))  # type: ignore[arg-type]
        _write_merged(con, table)
    return pl.concat(frames)


def is_anything_said_anew(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> bool:
    """Whether a record of these tables says anything else than in the earlier snapshot, after `fold_in`."""
    return any(con.execute(f"select exists (from said_anew_{table})").fetchall()[0][0] for table in tables)


def content(table: str) -> str:
    """The expression for what a version of a record says, as one text; equal texts say the same.

    What names a person stands last: which of two versions wins a tie must not change when it is erased.
    """
    known = (name for name in TABLES[table].column_names() if name not in _LINEAGE)
    names = sorted(known, key=lambda name: (name in PERSONAL_COLUMNS, name))
    return f"concat_ws(chr(31), {', '.join(f'coalesce(cast({name} as varchar), chr(0))' for name in names)})"


def template(name: str, table: str, /, **parts: str) -> str:
    """A statement of loaders/warehouse/templates for one canonical table."""
    text = (TEMPLATES / f"{name}.sql").read_text(encoding="utf-8")
    return text.format(table=table, key=key_column(table), **parts)


def _held(table: str) -> str:
    names = ", ".join(f"'{name}'" for name in (*TABLES[table].column_names(), "file_hash"))
    return template("held", table, names=names)


def _merge(con: duckdb.DuckDBPyConnection, table: str, versions: str) -> None:
    con.execute(template("merged", table, versions=versions, content=content(table)))


def _write_merged(con: duckdb.DuckDBPyConnection, table: str) -> None:
    con.execute(template("write_merged", table))


def _typed_columns(table: str) -> str:
    return ", ".join(f"{name} {_TYPES[dtype]}" for name, dtype in empty_frame(table).drop("file_number").schema.items())


def _columns(table: str, aside: tuple[str, ...]) -> str:
    return ", ".join(name for name in TABLES[table].column_names() if name not in aside)


def _tables_of_previous(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    names = con.execute(
        "select table_name from duckdb_tables() where database_name = 'previous' and schema_name = 'canonical'"
    ).fetchall()
    return frozenset(name for (name,) in names)
