"""A database to raw frames: the rows of a relation or a query as text, read-only and in batches.

PostgreSQL is tried on a real server. MySQL, MariaDB and SQL Server come by the same door and are not tried here.
Credentials come from the environment; no message, name or log of a load ever holds one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.selectable import FromClause

from loaders.errors import LoaderError
from loaders.progress import Progress, pace
from loaders.read import RawFrame
from loaders.read.grid import unique_headers
from loaders.settings import nearest

_BATCH: Final = 20_000
_SLICE: Final = 100_000
_SLOWEST_STATEMENT: Final = timedelta(minutes=10)
_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pyodbc",
}
_PACKAGES: Final = {"pymysql": "pymysql", "pyodbc": "pyodbc", "MySQLdb": "mysqlclient"}
_CONNECT: Final[Mapping[str, Mapping[str, Any]]] = {
    "postgresql": {
        "connect_timeout": 15,
        "application_name": "upboard",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    },
    "mysql": {"connect_timeout": 15, "read_timeout": int(_SLOWEST_STATEMENT.total_seconds())},
    "mariadb": {"connect_timeout": 15, "read_timeout": int(_SLOWEST_STATEMENT.total_seconds())},
    "mssql": {"timeout": 15},
}
# Said to the server before anything is read. SQL Server knows no read-only session: give the load a user that may only
# read; what a query might write there is rolled back.
_READ_ONLY: Final = {
    "postgresql": (
        "set session characteristics as transaction read only",
        "set default_transaction_read_only = on",
        f"set statement_timeout = '{int(_SLOWEST_STATEMENT.total_seconds())}s'",
        "set lock_timeout = '15s'",
        "set TimeZone = 'UTC'",
        "set DateStyle = 'ISO'",
        "set IntervalStyle = 'postgres'",
        "set bytea_output = 'hex'",
        "set extra_float_digits = 1",
    ),
    "mysql": ("set session transaction read only", "set time_zone = '+00:00'"),
    "mariadb": ("set session transaction read only", "set time_zone = '+00:00'"),
    "mssql": (),
}
_VARIABLE: Final = re.compile(r"^\$\{(\w+)\}$")
_ADDRESS: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+]*://")
_SECRET_OPTION: Final = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_SHORT_OFFSET: Final = r"([+-]\d{2})$"
_TYPED: Final = ("bool", "bytea")
_MOMENT_OID: Final = 1184
# What has an order that only rises: whole and decimal numbers, dates and moments. Text sorts by letters, not by time.
_ORDERED_OIDS: Final = frozenset({20, 21, 23, 1700, 1082, 1114, _MOMENT_OID})
_ORDERED: Final = (int, Decimal, date)
_BYTES: Final = (bytes, bytearray, memoryview)
_WHERE_SECRETS_STAND: Final = (
    "Take it out, and put it into the environment: export UPBOARD_DATABASE_PASSWORD=... (or PGPASSWORD, or a line of"
    " ~/.pgpass); or write the name of a variable in its place: postgresql://${DB_USER}:${DB_PASSWORD}@host/database"
)


@dataclass(frozen=True)
class Question:
    """What to read from the databases of a load.

    `relations`: tables and views, such as public.leads. `queries`: SELECT statements. `watermark`: the column that
    rises with each change, for reading only what is new. `held`: how far it was read before, by place and column.
    """

    relations: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    watermark: str | None = None
    held: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Watermark:
    """How far a place was read: from `since` (None: the start) to `value`, the highest of its column as text."""

    place: str
    column: str
    since: str | None
    value: str | None


@dataclass(frozen=True)
class Place:
    """One relation or query of one database; `shown` is its name without credentials."""

    url: sa.URL
    shown: str
    relation: str | None = None
    query: str | None = None


@dataclass(frozen=True)
class Answer:
    """The rows of a place, when they were read, and how far."""

    raw: RawFrame
    read_at: datetime
    watermark: Watermark | None


@dataclass(frozen=True)
class _Rows:
    """All rows as text, without the columns of bytes, which `unreadable` names."""

    frame: pl.DataFrame
    highest: str | None
    unreadable: tuple[str, ...]


def is_address(path: object) -> bool:
    """Whether a path of the command line is an address, such as postgresql://host/database."""
    return bool(_ADDRESS.match(str(path)))


def shown_address(address: str) -> str:
    """The address without user, password and options: postgresql://host/database.

    Raises:
        LoaderError: It cannot be read as an address of a database.
    """
    return _shown(_parsed(address))


def places(address: str, question: Question) -> list[Place]:
    """Every relation and query that is asked of a database, with its credentials from the environment.

    Raises:
        LoaderError: The address cannot be read, holds a password, names a variable that is not set, is of no known
            kind, or nothing is asked of it.
    """
    parsed = _parsed(address)
    shown = _shown(parsed)
    _check_no_secret(parsed, shown)
    url = _with_credentials(parsed, shown)
    relations = [Place(url, f"{shown} {name}", relation=name) for name in dict.fromkeys(question.relations)]
    queries = [
        Place(url, f"{shown} query {hashlib.sha256(query.encode()).hexdigest()[:8]}", query=query)
        for query in dict.fromkeys(text.strip().rstrip(";").strip() for text in question.queries)
    ]
    return relations + queries or _nothing_asked(url, shown)


def read_place(place: Place, question: Question, progress: Progress) -> Answer:
    """Read a relation or query, in a transaction that may only read.

    With a watermark, only rows at or above the highest value read before (and rows without one); equal values are
    read again. Rows stand in the order of their text, so that the same rows give the same lines and the same hash.
    `source_line` counts them from 1. A moment reads as 2024-03-01 09:30:00+00:00, yes and no as true and false, a
    column of bytes is left out with a note.

    Raises:
        LoaderError: The server, relation, query or watermark column is not there or refuses; the connection is lost.
    """
    column = question.watermark
    since = question.held.get((place.shown, column)) if column else None
    read_at = datetime.now(UTC)
    with _translated(place), _connected(place) as connection:
        statement = _statement(connection, place, column, since)
        rows = _read_rows(connection, statement, place, column, progress)
    watermark = Watermark(place.shown, column, since, rows.highest or since) if column else None
    return Answer(_raw_frame(place, rows), read_at, watermark)


def _parsed(address: str) -> sa.URL:
    """The parts of an address. The address itself is never repeated: it may hold a password in a place of its own."""
    kind = address.partition("://")[0].lower()
    if kind.partition("+")[0] not in _DRIVERS:
        kinds = ", ".join(f"{name}://" for name in ("postgresql", "mysql", "mariadb", "mssql"))
        hint = f"Databases: {kinds} Anything else: save it as a file, and load the file."
        raise LoaderError(f"Upboard does not read addresses of the kind {kind}://.", hint)
    try:
        url = sa.make_url(address)
    except (ArgumentError, ValueError) as error:
        hint = "Write it so: postgresql://host:5432/database (user and password come from the environment)."
        raise LoaderError(f"The address of the {kind} database cannot be read.", hint) from error
    return url.set(drivername=_DRIVERS.get(kind, kind))


def _shown(url: sa.URL) -> str:
    host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{host}{port}/{url.database or os.environ.get('PGDATABASE', '')}"


def _check_no_secret(url: sa.URL, shown: str) -> None:
    """A password in the address would stand in the list of processes and in the history of the shell."""
    told = [name for name, value in url.query.items() if _SECRET_OPTION.search(f"{name} {value}")]
    if told or (url.password is not None and not _VARIABLE.match(url.password)):
        raise LoaderError(f"The address of {shown} holds a password.", _WHERE_SECRETS_STAND)


def _with_credentials(url: sa.URL, shown: str) -> sa.URL:
    """The address with user and password from the variables it names, else from UPBOARD_DATABASE_USER and _PASSWORD.

    Where neither is set the driver looks where its own tools look, such as PGUSER, PGPASSWORD and ~/.pgpass.
    """
    user = _from_environment(url.username, shown) or os.environ.get("UPBOARD_DATABASE_USER")
    password = _from_environment(url.password, shown) or os.environ.get("UPBOARD_DATABASE_PASSWORD")
    return url.set(username=user, password=password)


def _from_environment(text: str | None, shown: str) -> str | None:
    named = _VARIABLE.match(text or "")
    if named is None:
        return text
    if named[1] not in os.environ:
        raise LoaderError(f"{shown}: the variable {named[1]} is not set.", f"Set it first: export {named[1]}=...")
    return os.environ[named[1]]


def _nothing_asked(url: sa.URL, shown: str) -> list[Place]:
    """Nothing was asked: say what there is to ask for."""
    place = Place(url, shown)
    with _translated(place), _connected(place) as connection:
        names = _names(connection, None)
    there = f" Tables and views there: {', '.join(sorted(names))}." if names else ""
    hint = f'Say it: --relation SCHEMA.TABLE (may be repeated), or --query "select ...".{there}'
    raise LoaderError(f"Nothing says what to read from {shown}.", hint)


@contextmanager
def _connected(place: Place) -> Iterator[sa.Connection]:
    """A connection whose session may only read; whatever was done is rolled back at the end."""
    kind = place.url.get_backend_name()
    try:
        engine = sa.create_engine(place.url, poolclass=sa.NullPool, connect_args=dict(_CONNECT[kind]))
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(str(error.name), str(error.name))
        hint = f"Install it beside Upboard: .venv/bin/python -m pip install {package}"
        raise LoaderError(f"The driver for {place.shown} is not installed ({package}).", hint) from error
    with engine.connect() as connection:
        for statement in _READ_ONLY[kind]:
            connection.exec_driver_sql(statement)
        connection.commit()  # what was set holds from the next transaction on
        yield connection
        connection.rollback()


def _statement(connection: sa.Connection, place: Place, column: str | None, since: str | None) -> sa.Executable:
    """The statement to run: the relation or query, from the watermark on."""
    origin = _relation(connection, place) if place.relation else _subquery(str(place.query))
    if column is None:
        return sa.text(_escaped(str(place.query))) if place.query else sa.select(sa.text("*")).select_from(origin)
    mark: sa.ColumnElement[Any] = sa.column(_column_name(connection, origin, place, column))
    chosen = sa.select(sa.text("*")).select_from(origin).order_by(mark)
    if since is None:
        return chosen
    return chosen.where(sa.or_(mark >= sa.bindparam("since", since, type_=sa.types.NullType()), mark.is_(None)))


def _relation(connection: sa.Connection, place: Place) -> FromClause:
    """The table or view as the server spells it.

    Raises:
        LoaderError: There is none of that name.
    """
    schema, _, name = str(place.relation).rpartition(".")
    names = _names(connection, schema or None)
    found = [known for known in names if known == name] or [known for known in names if known.lower() == name.lower()]
    if len(found) != 1:
        there = f" There: {', '.join(sorted(names))}." if names else " There is no table or view."
        raise LoaderError(
            f'{_database(place)} has no table or view "{place.relation}".', f"{nearest(name, names)}{there}".strip()
        )
    return sa.table(sa.quoted_name(found[0], quote=True), schema=sa.quoted_name(schema, quote=True) if schema else None)


def _names(connection: sa.Connection, schema: str | None) -> list[str]:
    inspector = sa.inspect(connection)
    if schema is not None and schema not in inspector.get_schema_names():
        return []
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if connection.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema)
    return names


def _subquery(query: str) -> FromClause:
    return sa.text(_escaped(f"\n{query}\n")).columns().subquery("asked")


def _escaped(query: str) -> str:
    """A query whose colons are its own, not parameters."""
    return query.replace(":", "\\:")


def _column_name(connection: sa.Connection, origin: FromClause, place: Place, column: str) -> str:
    """The watermark column as the server spells it.

    Raises:
        LoaderError: The rows have no such column.
    """
    with connection.execute(sa.select(sa.text("*")).select_from(origin).where(sa.false())) as empty:
        names = list(empty.keys())
    found = [name for name in names if name == column] or [name for name in names if name.lower() == column.lower()]
    if len(found) != 1:
        hint = f"{nearest(column, names)} Columns there: {', '.join(names)}.".strip()
        raise LoaderError(f'{place.shown} has no column "{column}" for --watermark.', hint)
    return str(found[0])


def _read_rows(
    connection: sa.Connection, statement: sa.Executable, place: Place, column: str | None, progress: Progress
) -> _Rows:
    """All rows in batches through a cursor of the server, so that neither side holds them twice."""
    if connection.dialect.name == "postgresql":
        _keep_text(connection)
    streaming = connection.execution_options(stream_results=True, max_row_buffer=_BATCH)
    batches: list[pl.DataFrame] = []
    unreadable: set[str] = set()
    count, started = 0, time.monotonic()
    with streaming.execute(statement) as result:
        described = [(str(part[0]), part[1]) for part in _cursor(result, place).description]
        names = unique_headers([name for name, _ in described])
        for rows in result.partitions(_BATCH):
            _check_ordered(place, column, described, rows)
            batches.append(_texts(names, rows, unreadable))
            count += len(rows)
            progress(0.0, f"reading {place.relation or 'the query'} {pace(count, time.monotonic() - started)}")
    frame = _with_long_offsets(pl.concat([_texts(names, [], unreadable), *batches]), names, described)
    highest = _highest(frame, names, described, column)
    return _Rows(frame.drop(unreadable), highest, tuple(name for name in names if name in unreadable))


def _cursor(result: sa.CursorResult[Any], place: Place) -> Any:
    if not result.returns_rows:
        raise LoaderError(f"{place.shown} gives no rows.", "Ask with one SELECT: this door only reads.")
    return result.cursor


def _keep_text(connection: sa.Connection) -> None:
    """Values as the server writes them, exactly: no float for a decimal, and infinity is no error.

    Yes and no, and bytes, arrive as such.
    """
    from psycopg.types.string import TextLoader  # noqa: PLC0415  # a fifth of a second at every start, for databases only

    adapters = connection.connection.driver_connection.adapters  # type: ignore[union-attr]
    for kind in adapters.types:
        if kind.name not in _TYPED:
            for oid in (kind.oid, kind.array_oid):
                if oid:
                    adapters.register_loader(oid, TextLoader)


def _texts(names: Sequence[str], rows: Sequence[Sequence[Any]], unreadable: set[str]) -> pl.DataFrame:
    """A batch as text; columns that hold bytes are added to `unreadable`."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    series = []
    for name, cells in zip(names, columns, strict=True):
        kinds = set(map(type, cells)) - {type(None)}
        if not kinds.isdisjoint(_BYTES):
            unreadable.add(name)
        # Text and flags, which are most of what comes, are taken whole; anything else value by value.
        values = cells if kinds in ({str}, {bool}, set()) else [text_of(cell) for cell in cells]
        series.append(pl.Series(name, values).cast(pl.String).str.strip_chars())
    return pl.DataFrame(series).with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())


def text_of(value: object) -> str | None:
    """A value as text that reads back to the same value; None for null, blank text and bytes."""
    if value is None or isinstance(value, _BYTES):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        return _number_text(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat(" ")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).strip() or None


def _number_text(value: float | Decimal) -> str:
    """A number without exponent where it can be, a whole one without ".0"."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _check_ordered(
    place: Place, column: str | None, described: Sequence[tuple[str, Any]], rows: Sequence[Sequence[Any]]
) -> None:
    """Refuse a watermark whose values have no order that rises with time."""
    if column is None:
        return
    at = [name.lower() for name, _ in described].index(column.lower())
    kind = described[at][1]
    is_known = place.url.get_backend_name() == "postgresql"
    values = (row[at] for row in rows if row[at] is not None)
    is_fit = kind in _ORDERED_OIDS if is_known else all(_is_ordered(value) for value in values)
    if not is_fit:
        hint = "Name a column of dates, times or whole numbers that rises whenever a row is added or changed."
        message = (
            f'The column "{column}" of {place.shown} cannot be a watermark: its kind of value has no order in time.'
        )
        raise LoaderError(message, hint)


def _is_ordered(value: object) -> bool:
    return isinstance(value, _ORDERED) and not isinstance(value, bool)


def _with_long_offsets(frame: pl.DataFrame, names: Sequence[str], described: Sequence[tuple[str, Any]]) -> pl.DataFrame:
    """PostgreSQL writes the offset of a moment as +00; here it reads +00:00."""
    moments = [name for name, (_, kind) in zip(names, described, strict=True) if kind == _MOMENT_OID]
    return frame.with_columns(pl.col(moments).str.replace(_SHORT_OFFSET, "${1}:00"))


def _highest(
    frame: pl.DataFrame, names: Sequence[str], described: Sequence[tuple[str, Any]], column: str | None
) -> str | None:
    """The last watermark, since the server sorted by it; the infinite ones, which nothing can follow, are none."""
    if column is None:
        return None
    at = [name.lower() for name, _ in described].index(column.lower())
    values = frame[names[at]].drop_nulls()
    values = values.filter(~values.str.contains("(?i)inf|nan"))
    return str(values[-1]) if values.len() else None


def _raw_frame(place: Place, rows: _Rows) -> RawFrame:
    frame = rows.frame.sort(pl.all()) if rows.frame.width else rows.frame
    numbered = frame.with_columns(source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    notes = tuple(f'column "{name}" left out: it holds bytes' for name in rows.unreadable)
    return RawFrame(Path(place.shown), place.shown, None, _content_hash(frame), numbered, notes=notes)


def _content_hash(frame: pl.DataFrame) -> str:
    """A hash of the sorted rows and their headers; quotes keep a blank from an empty text."""
    digest = hashlib.sha256(json.dumps(frame.columns).encode())
    for part in frame.iter_slices(_SLICE):
        digest.update(part.write_csv(include_header=False).encode())
    return digest.hexdigest()


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    """Errors of the database in our own words, without credentials and without the statement that was sent."""
    try:
        yield
    except DBAPIError as error:
        raise _told(place, error) from error
    except SQLAlchemyError as error:
        said = _without_secrets(place, str(error))
        raise LoaderError(f"{place.shown} cannot be read: {said}", "Check the address and the query.") from error


def _told(place: Place, error: DBAPIError) -> LoaderError:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    said = _without_secrets(place, _first_line(error.orig))
    if state == "25006":
        hint = "Ask with one SELECT. Nothing was changed."
        return LoaderError(f"{place.shown} tried to write, and this door only reads: {said}", hint)
    if state == "57014":
        hint = "Read less at a time: with --watermark COLUMN, or a narrower --query."
        return LoaderError(f"{place.shown} took too long: {said}", hint)
    if error.connection_invalidated or state in {"57P01", "57P02", "57P03"}:
        hint = "Nothing of it was loaded. Load again when the server answers."
        return LoaderError(f"The connection to {place.shown} was lost while it was read: {said}", hint)
    if isinstance(error, OperationalError) and not state:
        hint = (
            "Check host, port and database, and that the server runs. User and password come from"
            " UPBOARD_DATABASE_USER and UPBOARD_DATABASE_PASSWORD (or PGUSER and PGPASSWORD)."
        )
        return LoaderError(f"{place.shown} cannot be reached: {said}", hint)
    hint = "One SELECT without a semicolon inside is expected; try it in the database's own tool first."
    return LoaderError(f"{place.shown} cannot be read: {said}", hint)


def _first_line(error: object) -> str:
    """What the server said, without the lines that quote the statement."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)


def _without_secrets(place: Place, said: str) -> str:
    """The message without the password and without the user, whoever wrote it there."""
    for secret in (place.url.password, os.environ.get("PGPASSWORD")):
        said = said.replace(str(secret), "***") if secret else said
    for user in (place.url.username, os.environ.get("PGUSER")):
        said = said.replace(f'"{user}"', '"***"').replace(f"'{user}'", "'***'") if user else said
    return said


def _database(place: Place) -> str:
    return replace(place, shown=_shown(place.url)).shown
