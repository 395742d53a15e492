"""What people write: customers handled, actions agreed, settings changed. One SQLite file beside the snapshots.

The journal is append-only: nothing is changed or taken away, a newer entry says how things stand now. It names records
by `store, system, natural id`, so what it says survives every rebuild of the warehouse. Each call opens one short
connection, so several sessions and several servers may write at once.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

FILE: Final = "journal.sqlite"
VERSION: Final = 1
_WAITS_SECONDS: Final = 30.0
_COLUMNS: Final = "entry, at, who, kind, store, system, natural_id, note, data"

# What brings a file from one version to the next; the first makes a new file.
_MIGRATIONS: Final = (
    (
        """create table journal (
            entry integer primary key autoincrement,
            at text not null,
            who text not null,
            kind text not null check (kind <> ''),
            store text not null,
            system text not null,
            natural_id text not null,
            note text not null,
            data text not null check (json_valid(data))
        ) strict""",
        "create index journal_by_kind on journal (kind, store, natural_id)",
        """create trigger journal_never_changes before update on journal
            begin select raise(abort, 'the journal is append-only'); end""",
        """create trigger journal_never_forgets before delete on journal
            begin select raise(abort, 'the journal is append-only'); end""",
    ),
)


class JournalError(Exception):
    """The journal cannot be read or written: what, where, and what to do."""


@dataclass(frozen=True)
class Entry:
    """One thing that somebody wrote. `at` is UTC; a blank `store`, `system` or `natural_id` means "of none".

    `data` holds what JSON can: a day or a moment that was written comes back as ISO text.
    """

    entry: int
    at: dt.datetime
    who: str
    kind: str
    store: str
    system: str
    natural_id: str
    note: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Journal:
    """The journal in one file, which is made by the first write; until then it has no entries.

    `stores` limits what is read to entries of these stores, and of none; what is written it does not limit.
    """

    path: Path
    stores: tuple[str, ...] | None = None

    def within(self, stores: tuple[str, ...] | None) -> Journal:
        """The same journal, read by somebody who may see these stores alone; None stands for all of them."""
        return replace(self, stores=stores)

    def write(
        self,
        kind: str,
        *,
        who: str,
        store: str = "",
        system: str = "",
        natural_id: str = "",
        note: str = "",
        **data: Any,
    ) -> Entry:
        """Append one entry and return it with its number and moment. JournalError where the file cannot be written."""
        at = dt.datetime.now(dt.UTC)
        texts = (
            at.isoformat(),
            who,
            kind,
            store,
            system,
            natural_id,
            note,
            json.dumps(data, default=_as_text, allow_nan=False),
        )
        with self._connected() as connection:
            number = connection.execute(_INSERT, texts).lastrowid
        return Entry(number or 0, at, who, kind, store, system, natural_id, note, json.loads(texts[-1]))

    def entries(
        self, kind: str | None = None, *, store: str | None = None, natural_id: str | None = None
    ) -> list[Entry]:
        """Entries in the order they were written, of one kind, store or record where that is given."""
        if not self.path.exists():
            return []
        wanted = {"kind": kind, "store": store, "natural_id": natural_id}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        where = " and ".join(f"{name} = :{name}" for name in chosen) or "true"
        with self._connected() as connection:
            found = connection.execute(f"select {_COLUMNS} from journal where {where} order by entry", chosen)
            return [entry for entry in map(_entry, found) if self._is_seen(entry)]

    def _is_seen(self, entry: Entry) -> bool:
        """Whether an entry is of no store, or of one that may be seen."""
        return self.stores is None or not entry.store or entry.store in self.stores

    def last(self) -> int:
        """The number of the newest entry, 0 where there is none: tells cheaply whether anything was written."""
        if not self.path.exists():
            return 0
        with self._connected() as connection:
            return int(connection.execute("select coalesce(max(entry), 0) from journal").fetchone()[0])

    def written_anew_at(self) -> int:
        """When the file itself was last written, in nanoseconds: an erasure empties notes and adds no entry."""
        return self.path.stat().st_mtime_ns if self.path.exists() else 0

    def newest(self, *kinds: str, store: str | None = None) -> list[Entry]:
        """How each record stands now: of these kinds, the newest entry of each `store, system, natural id`."""
        found = [entry for kind in kinds for entry in self.entries(kind, store=store)]
        found.sort(key=lambda entry: entry.entry)
        return list({(entry.store, entry.system, entry.natural_id): entry for entry in found}.values())

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection to a file of this version. Where the disk or the file refuses, JournalError."""
        try:
            # Before the first load this makes the warehouse's folder, which is its owner's alone.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAITS_SECONDS, isolation_level=None)) as connection:
                _bring_up_to_date(connection, self.path)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"The journal {self.path} cannot be used: {error}.\n\n"
                "Hint: check that its folder can be written, or name another file in UPBOARD_JOURNAL."
            ) from error


_INSERT: Final = (
    "insert into journal (at, who, kind, store, system, natural_id, note, data) values (?, ?, ?, ?, ?, ?, ?, ?)"
)


def open_journal(directory: Path) -> Journal:
    """The journal of a warehouse directory: the file that UPBOARD_JOURNAL names, else `journal.sqlite` inside it."""
    named = os.environ.get("UPBOARD_JOURNAL")
    return Journal(Path(named) if named else directory / FILE)


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found > VERSION:
        raise JournalError(
            f"The journal {path} is of version {found}; this Upboard knows up to {VERSION}.\n\n"
            "Hint: use the newer Upboard that wrote it, or name another file in UPBOARD_JOURNAL."
        )
    if found < VERSION:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """All missing steps in one transaction; of two writers that start at once the second finds it done."""
    connection.execute("begin immediate")
    try:
        for step in _MIGRATIONS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    # Another writer may hold the file just now: then it stays as it is, and works all the same.
    with suppress(sqlite3.OperationalError):
        connection.execute("pragma journal_mode = wal")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _entry(row: tuple[Any, ...]) -> Entry:
    number, at, who, kind, store, system, natural_id, note, data = row
    moment = dt.datetime.fromisoformat(at)
    return Entry(number, moment, who, kind, store, system, natural_id, note, json.loads(data))


def _as_text(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to the journal")
