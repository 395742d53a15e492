"""A PostgreSQL server of the tests' own, from Debian's package: a fresh cluster on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

OWNER, OWNER_PASSWORD = "owner", "owner-Of-The-Tables"
READER, READER_PASSWORD = "crm_reader", "p@ss/w:rd-Xyzzy-4711"
HOW = "needs PostgreSQL: apt-get install postgresql, then make test"


@dataclass(frozen=True)
class Postgres:
    """A running server with one database, `crm`, an owner and a user that is let in by password."""

    port: int

    @property
    def address(self) -> str:
        return f"postgresql://127.0.0.1:{self.port}/crm"

    def connect(self) -> psycopg.Connection:
        """As the owner, each statement taking effect at once."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname="crm",
            user=OWNER,
            password=OWNER_PASSWORD,
            autocommit=True,
        )

    def run(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def count(self, table: str) -> int:
        with self.connect() as connection:
            row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
            assert row is not None
            return int(row[0])


def programs() -> Path | None:
    """Where the newest installed server has its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def serving() -> Iterator[Postgres]:
    """A fresh cluster, ended by its own pg_ctl and removed."""
    place = programs()
    assert place, f"UPBOARD_POSTGRES=required, and there is no server. It {HOW}"
    with tempfile.TemporaryDirectory(prefix="upboard-postgres-") as folder:
        data, user = Path(folder) / "data", _unprivileged(Path(folder))
        password = Path(folder) / "password"
        password.write_text(OWNER_PASSWORD, encoding="utf-8")
        server = Postgres(_free_port())
        login = ("--username", OWNER, "--pwfile", str(password), "--auth", "scram-sha-256")
        _run(user, place / "initdb", "-D", str(data), *login, "--encoding", "UTF8", "--locale", "C", "--no-sync")
        where = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        _run(user, place / "pg_ctl", "-D", str(data), "-o", where, "-l", f"{folder}/log", "--wait", "start")
        try:
            _prepare(server)
            yield server
        finally:
            _run(user, place / "pg_ctl", "-D", str(data), "--mode", "immediate", "--wait", "stop")


def _prepare(server: Postgres) -> None:
    login = {"host": "127.0.0.1", "port": server.port, "user": OWNER, "password": OWNER_PASSWORD}
    with psycopg.connect(**login, dbname="postgres", autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute("create database crm")
    server.run(
        f"create role {READER} login password '{READER_PASSWORD}'",
        f"grant all on schema public to {READER}",
        f"alter default privileges grant all on tables to {READER}",
    )


def _unprivileged(folder: Path) -> str | None:
    """The server refuses to run as root: then it runs as the user that Debian's package made for it."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "postgres", "postgres")
    return "postgres"


def _run(user: str | None, program: Path, *arguments: str) -> None:
    # What is said goes into a file: the server inherits it, and a pipe would stay open as long as the server runs.
    with tempfile.TemporaryFile() as said:
        command = [str(program), *arguments]
        done = subprocess.run(command, user=user, cwd="/", stdout=said, stderr=subprocess.STDOUT, check=False)
        said.seek(0)
        assert done.returncode == 0, f"{program.name} failed: {said.read().decode(errors='replace')}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
