"""The journal as a file: a copy of it at one moment, and what it says of customers who were erased.

The pages own the journal and its statements (pages/journal.py). Here it is an SQLite file that others may be writing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from loaders.errors import LoaderError

FILE: Final = "journal.sqlite"
_WAITS_SECONDS: Final = 30.0

# What an entry says: store, system, natural id, note, data (JSON); and its note and data as they are from now on.
Row = tuple[str, str, str, str, str]
Emptied = Callable[[Row], tuple[str, str]]


def journal_path(warehouse: Path) -> Path:
    """The file that UPBOARD_JOURNAL names, else `journal.sqlite` in the warehouse directory."""
    named = os.environ.get("UPBOARD_JOURNAL")
    return Path(named) if named else warehouse / FILE


def copy_journal(source: Path, target: Path) -> None:
    """Copy a journal as it stands at one moment, whoever writes meanwhile, over what stands at the target.

    Readers of the target see either the old or the new entries. LoaderError where a file is damaged or locked.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _opened(source) as one, _opened(target) as other:
            one.backup(other)
    except (sqlite3.Error, OSError) as error:
        hint = "Check that both folders can be written, and that no other program holds the journal."
        raise LoaderError(f"The journal {source} cannot be copied to {target}: {error}.", hint) from error


def check_journal(path: Path) -> None:
    """LoaderError where a file is no sound journal."""
    try:
        with _opened(path) as con:
            (found,) = con.execute("pragma integrity_check").fetchone()
            con.execute("select count(*) from journal").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise LoaderError(f"The journal in the archive is damaged: {found}.", "Use another backup.")


def erase_entries(path: Path, emptied: Emptied) -> int:
    """Empty notes and data of the entries that tell of an erased customer; gives how many did.

    The journal is append-only for everybody else: its triggers stand aside inside this one transaction. Then the file
    is written anew, since SQLite leaves deleted text on freed pages.
    """
    if not path.exists():
        return 0
    try:
        with _opened(path) as con:
            con.execute("pragma secure_delete = on")
            count = _empty(con, emptied)
            if count:
                con.execute("vacuum")
                (is_busy, _, _) = con.execute("pragma wal_checkpoint(truncate)").fetchone()
                if is_busy:
                    raise sqlite3.OperationalError("a reader holds on to what was erased")
            return count
    except sqlite3.Error as error:
        hint = "Stop what writes it, then end the erasure: python -m loaders forget --resume"
        raise LoaderError(f"The journal {path} cannot be written: {error}.", hint) from error


def _opened(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, timeout=_WAITS_SECONDS, isolation_level=None))


def _empty(con: sqlite3.Connection, emptied: Emptied) -> int:
    con.execute("begin immediate")
    try:
        triggers = con.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
        rows = con.execute("select entry, store, system, natural_id, note, data from journal").fetchall()
        changed = [(*new, row[0]) for row in rows if (new := emptied(row[1:])) != (row[4], row[5])]
        for name, _ in triggers if changed else ():
            con.execute(f'drop trigger "{name}"')
        con.executemany("update journal set note = ?, data = ? where entry = ?", changed)
        for _, statement in triggers if changed else ():
            con.execute(statement)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return len(changed)
