"""The launcher, run as an operator runs it, on loopback and a port of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 90.0
Start = Callable[..., "Launched"]
Body = bytes | Iterator[bytes] | None


@dataclass(frozen=True)
class Answer:
    """Status, header lines in small letters (cookies apart) and text of an answer."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str


@dataclass(frozen=True)
class Launched:
    """A running server: its port, its process and where its log is written."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self, path: str, method: str = "GET", body: bytes | Iterator[bytes] | None = None, **headers: str
    ) -> Answer:
        """One request; `host_="x"` sends the header Host, `x_forwarded_for=...` X-Forwarded-For."""
        lines = {name.strip("_").replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, lines)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            cookies = answer.headers.get_all("Set-Cookie") or []
            return Answer(answer.status, found, cookies, answer.read().decode(errors="replace"))
        finally:
            connection.close()

    def said(self) -> str:
        """What stands in the log so far."""
        return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated dealership, loaded."""
    place = tmp_path_factory.mktemp("served")
    command = ["demo", str(place / "exports"), "--stores", "1", "--months", "2", "--leads-per-month", "40"]
    result = CliRunner().invoke(app, [*command, "--load-into", str(place / "warehouse")])
    assert result.exit_code == 0, result.output
    return place / "warehouse"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a server with further options; all of them end with the module."""
    with ExitStack() as stack:

        def run(warehouse: Path, *options: str, **environment: str) -> Launched:
            log = tmp_path_factory.mktemp("log") / "server.log"
            return stack.enter_context(launched(warehouse, log, options, environment))

        yield run


@pytest.fixture(scope="module")
def server(start: Start, warehouse: Path) -> Launched:
    """A server of the small dealership with the ordinary options."""
    return start(warehouse)


@contextmanager
def launched(
    warehouse: Path,
    log: Path,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    *,
    is_warmed: bool = False,
) -> Iterator[Launched]:
    """A server that answers already; ended at the end."""
    port = free_port()
    words = ("--port", str(port), "--warehouse", str(warehouse), *(() if is_warmed else ("--no-warm",)), *options)
    command = [sys.executable, "-m", "pages", "serve", *words]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | (environment or {}), stderr=file, stdout=file) as process,
    ):
        try:
            running = Launched(port, process, log)
            wait_until(lambda: "serving http" in running.said() or process.poll() is not None)
            assert process.poll() is None, running.said()
            yield running
        finally:
            process.kill()  # that it ends tidily is proven in test_launcher, and takes seconds
            process.wait(timeout=PATIENCE)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that must become true."""
    for _ in range(int(PATIENCE / 0.05)):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen in time")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
