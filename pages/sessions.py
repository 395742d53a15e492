"""Who is signed in, and who tried: one small SQLite file beside the journal, readable by its owner alone.

A session is known by a random token that only the browser holds; the file keeps its hash, so that whoever reads the
file can be nobody. It ends by signing out, after some hours without a click, after some hours in all, with another
password or role, and with the user. Failed tries are counted by login and by address, as keyed hashes too, and survive
a restart.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pages.journal import open_journal
from pages.users import User, Users

FILE: Final = "sessions.sqlite"
VERSION: Final = 1
_WAITS_SECONDS: Final = 10.0
# A click is written down once a minute: the end without a click is hours away.
_NOTED_SECONDS: Final = 60.0
# An ended session is remembered as long as Streamlit's signed cookie could come again (30 days, and one of grace).
_KEPT_SECONDS: Final = 32 * 86400.0
# Tries are forgotten a day after the last one.
_TRIES_KEPT_SECONDS: Final = 86400.0
LONGEST_WAIT_SECONDS: Final = 300.0
FREE_TRIES: Final = {"login": 5, "address": 30}

_MADE: Final = (
    """create table session (
        hash text primary key,
        login text not null,
        stamp text not null,
        began_at real not null,
        seen_at real not null,
        ended_at real
    ) strict""",
    """create table tries (
        subject text primary key,
        failed integer not null,
        last_at real not null
    ) strict""",
    "create table secret (key blob not null) strict",
)


class SessionsError(Exception):
    """The file of sessions cannot be read or written: what, where, and what to do."""


@dataclass(frozen=True)
class Sessions:
    """The sessions of one file, which is made at the first need. `clock` gives seconds since 1970."""

    path: Path
    clock: Callable[[], float] = time.time

    def begin(self, user: User) -> str:
        """Begin a session and return its token, which stands nowhere but in this answer."""
        token = secrets.token_urlsafe(32)
        now = self.clock()
        with self._writing() as connection:
            connection.execute("delete from session where began_at < ?", (now - _KEPT_SECONDS,))
            connection.execute(_BEGIN, (_hash(token), user.key, user.stamp, now, now, None))
        return token

    def note(self, token: str, login: str, stamp: str, began_at: float, *, is_refused: bool = False) -> bool:
        """Keep a session that a provider began, or one that was refused, by what the browser holds of it.

        Gives whether it is new: one that is kept already, ended or not, stays as it is.
        """
        now = self.clock()
        row = (_hash(token), login, stamp, min(began_at, now), now, now if is_refused else None)
        with self._writing() as connection:
            connection.execute("delete from session where began_at < ?", (now - _KEPT_SECONDS,))
            return connection.execute(_BEGIN, row).rowcount == 1

    def user(self, token: str | None, users: Users, *, is_click: bool = True) -> User | None:
        """The user of a session that has not ended; None for every other token.

        `is_click`: whether somebody did something, which moves the end without a click.
        """
        if not token or not self.path.exists():
            return None
        now = self.clock()
        with self._connected() as connection:
            row = connection.execute(_FOUND, (_hash(token),)).fetchone()
        user = _still(row, users, now)
        if user is not None and is_click and now - row["seen_at"] > _NOTED_SECONDS:
            # On a full disk the session goes on; it only ends earlier.
            with suppress(SessionsError), self._writing() as connection:
                connection.execute("update session set seen_at = ? where hash = ?", (now, _hash(token)))
        return user

    def end(self, token: str | None) -> str | None:
        """End a session for good, and give its login; None where there was none that still ran."""
        if not token or not self.path.exists():
            return None
        with self._writing() as connection:
            row = connection.execute(_END, (self.clock(), _hash(token))).fetchone()
        return None if row is None else str(row["login"])

    def admit(self, login: str, address: str) -> float:
        """Count a try before it is made; gives 0, or the seconds to wait where there were too many.

        It is counted first, so that many at once gain nothing. One that has to wait is not counted.
        """
        now = self.clock()
        with self._writing() as connection:
            subjects = self._subjects(connection, login, address)
            connection.execute("delete from tries where last_at < ?", (now - _TRIES_KEPT_SECONDS,))
            wait = max(_wait(connection, kind, subject, now) for kind, subject in subjects.items())
            if wait <= 0:
                connection.executemany(_COUNT, [(subject, now) for subject in subjects.values()])
        return max(wait, 0.0)

    def forgive(self, login: str, address: str) -> None:
        """A try was right: the login begins at none again. The address only gets back this one."""
        with self._writing() as connection:
            subjects = self._subjects(connection, login, address)
            connection.execute("delete from tries where subject = ?", (subjects["login"],))
            connection.execute("update tries set failed = failed - 1 where subject = ?", (subjects["address"],))

    def alias(self, text: str) -> str:
        """A short keyed hash of what somebody typed: tells two apart in a log, and names nobody."""
        with self._writing() as connection:
            return self._keyed(connection, text)[:12]

    def _subjects(self, connection: sqlite3.Connection, login: str, address: str) -> dict[str, str]:
        return {
            "login": self._keyed(connection, f"login {login.strip().lower()}"),
            "address": self._keyed(connection, f"address {address}"),
        }

    def _keyed(self, connection: sqlite3.Connection, text: str) -> str:
        row = connection.execute("select key from secret").fetchone()
        key = row["key"] if row else secrets.token_bytes(32)
        if row is None:
            connection.execute("insert into secret (key) values (?)", (key,))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).hexdigest()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, taken for writing from its first statement on."""
        with self._connected() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                connection.execute("rollback")
                raise

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            _make(self.path)
            with closing(sqlite3.connect(self.path, timeout=_WAITS_SECONDS, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                _bring_up_to_date(connection, self.path)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise SessionsError(
                f"The file of sessions {self.path} cannot be used: {error}.\n\n"
                "Hint: check that its folder can be written and has space; deleting the file signs everybody out."
            ) from error


_BEGIN: Final = (
    "insert or ignore into session (hash, login, stamp, began_at, seen_at, ended_at) values (?, ?, ?, ?, ?, ?)"
)
_FOUND: Final = "select login, stamp, began_at, seen_at from session where hash = ? and ended_at is null"
_END: Final = "update session set ended_at = ? where hash = ? and ended_at is null returning login"
_COUNT: Final = """insert into tries (subject, failed, last_at) values (?, 1, ?)
    on conflict (subject) do update set failed = failed + 1, last_at = excluded.last_at"""


def open_sessions() -> Sessions:
    """The sessions of this server: `sessions.sqlite` beside the journal of its warehouse."""
    return Sessions(open_journal(warehouse()).path.with_name(FILE))


def warehouse() -> Path:
    """The folder of the snapshots, as frame.warehouse_directory has it (which draws pages, and so is not used here)."""
    return Path(os.environ.get("UPBOARD_WAREHOUSE", "data/warehouse"))


def _still(row: Any, users: Users, now: float) -> User | None:
    """The user of a session's row, where neither time, nor another password, nor leaving has ended it."""
    if row is None:
        return None
    idle, whole = users.session.idle_hours * 3600, users.session.longest_hours * 3600
    # A clock that was set back must not make a session longer than it was.
    is_over = not (row["seen_at"] - _NOTED_SECONDS <= now < row["seen_at"] + idle) or now >= row["began_at"] + whole
    user = users.find(row["login"])
    return None if is_over or user is None or user.stamp != row["stamp"] else user


def _wait(connection: sqlite3.Connection, kind: str, subject: str, now: float) -> float:
    """Seconds until the next try: none for the first ones, then 1, 2, 4 and so on up to five minutes."""
    row = connection.execute("select failed, last_at from tries where subject = ?", (subject,)).fetchone()
    if row is None or row["failed"] < FREE_TRIES[kind]:
        return 0.0
    delay = min(2.0 ** min(row["failed"] - FREE_TRIES[kind], 30), LONGEST_WAIT_SECONDS)
    return float(delay - (now - row["last_at"]))


def _hash(token: str) -> str:
    """The hash of a token. It is random and long: there is nothing to guess, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _make(path: Path) -> None:
    """An empty file for its owner alone, where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found > VERSION:
        raise SessionsError(
            f"The file of sessions {path} is of version {found}; this Upboard knows up to {VERSION}.\n\n"
            "Hint: use the newer Upboard that wrote it, or delete the file: then everybody signs in again."
        )
    if found == VERSION:
        return
    connection.execute("begin immediate")
    if _version(connection) == 0:
        for statement in _MADE:
            connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")
    connection.execute("commit")
    # Another one may hold the file just now: then it stays as it is, and works all the same.
    with suppress(sqlite3.OperationalError):
        connection.execute("pragma journal_mode = wal")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])
