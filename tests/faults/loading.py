"""Loads through the command line, in this process or in one of its own, and what a warehouse then holds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.snapshot import current_path

ROOT: Final = Path(__file__).parents[2]


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts under their names into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def arguments_of(paths: Sequence[Path], warehouse: Path, settings: Path) -> list[str]:
    """The words of a `load` command."""
    return ["load", *map(str, paths), "--warehouse", str(warehouse), "--settings", str(settings), "--json"]


def load(paths: Sequence[Path], warehouse: Path, settings: Path) -> dict[str, Any]:
    """Load in this process; the command's one object. Every row read must be accepted or rejected."""
    result = CliRunner().invoke(app, arguments_of(paths, warehouse, settings))
    assert result.exit_code == 0, (result.output, result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    errors = [file["error"] for file in told["files"] if "error" in file]
    assert not errors, errors
    counts = [count for file in told["files"] for count in file.get("tables", {}).values()]
    assert all(count["read"] == count["accepted"] + count["rejected"] for count in counts), counts
    return told


def start_load(paths: Sequence[Path], warehouse: Path, settings: Path) -> subprocess.Popen[str]:
    """Start `python -m loaders load` as a process of its own, its words caught."""
    command = [sys.executable, "-m", "loaders", *arguments_of(paths, warehouse, settings)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def snapshot_of(warehouse: Path) -> Path:
    """The snapshot file that serves."""
    path = current_path(warehouse)
    assert path is not None
    return path


def differences(found: Path, expected: Path) -> list[str]:
    """What two snapshots disagree about, table by table: up to two rows of each that the other lacks.

    Compared are the star, the canonical tables with their lineage, the refused rows and the findings, but not when and
    in which load they came.
    """
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{found}' as found (read_only)")
        con.execute(f"attach '{expected}' as expected (read_only)")
        ours, theirs = _tables(con, "found"), _tables(con, "expected")
        told = [f"in one only: {name}" for name in sorted(ours ^ theirs)]
        for name in sorted(ours & theirs):
            told += _rows_beyond(con, name, "found", "expected", "too much")
            told += _rows_beyond(con, name, "expected", "found", "missing")
        return told


def _tables(con: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    asked = f"""
        select schema_name || '.' || table_name from duckdb_tables()
        where database_name = '{database}'
        and (schema_name in ('main', 'canonical') or table_name in ('reject', 'finding'))"""
    return {name for (name,) in con.execute(asked).fetchall()}


def _rows_beyond(con: duckdb.DuckDBPyConnection, name: str, one: str, other: str, what: str) -> list[str]:
    columns = ", ".join(
        f'"{row[0]}"' for row in con.execute(f"describe {other}.{name}").fetchall() if row[0] != "row_id"
    )
    rows = con.sql(f"select {columns} from {one}.{name} except all select {columns} from {other}.{name}").pl()
    return [f"{name} {what} ({rows.height} rows): {row}" for row in rows.head(2).to_dicts()]
