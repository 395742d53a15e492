"""A real server on a real warehouse, and Chromium to use it as a reader would."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect, sync_playwright
from typer.testing import CliRunner

from loaders.__main__ import app

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
AS_OF = datetime(2026, 3, 20, 23, tzinfo=UTC)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Streamlit looks for its own endpoints below the page's path first; both answers are its own affair.
OWN_PROBES = ("/_stcore/health", "/_stcore/host-config")
# A script of a tab: what the content policy blocks is kept in `window.blocked`.
LISTEN = """
    window.blocked = [];
    document.addEventListener('securitypolicyviolation', found => window.blocked.push(
        `${found.violatedDirective} ${found.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped and say how to run them; CI asks that none is.

    One that fails is tried once more, and both tries are told: a shared machine may stand still for a minute.
    """
    is_required = os.environ.get("UPBOARD_BROWSER") == "required"
    if _chromium() or is_required:
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.flaky(reruns=1))
        return
    how = "needs Chromium: apt-get install chromium chromium-driver, then make test"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=how))


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address, its warehouse, and the log of every address it talked to."""

    url: str
    warehouse: Path
    exports: Path
    log: Path


@dataclass
class Watch:
    """What went wrong in a tab that should not have."""

    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def follow(self, page: Page, url: str) -> None:
        """Note failed answers, errors on the console and requests that leave this machine."""
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.faults.append(f"script error {error}"))
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("request", lambda request: self._asked(request.url, url))

    def _failed(self, request: Request) -> None:
        """A request without an answer, but for those that the browser itself gave up as the tab moved on.

        Such is Streamlit's look whether a download is there, of which it reads only the beginning. The file is saved by
        the browser, and the tests hold it to that.
        """
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed {request.url}")

    def _answered(self, answer: Response) -> None:
        if answer.status >= 400 and not answer.url.endswith(OWN_PROBES):
            self.faults.append(f"{answer.status} {answer.url}")

    def _said(self, kind: str, text: str) -> None:
        is_probe = "404" in text and "Failed to load resource" in text
        if kind == "error" and not is_probe:
            self.faults.append(f"console {text}")

    def _asked(self, asked: str, url: str) -> None:
        if not asked.startswith((url, url.replace("http", "ws", 1), "data:", "blob:")):
            self.strangers.append(asked)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo dealership, small, loaded and served."""
    place = tmp_path_factory.mktemp("served")
    exports, warehouse, log = place / "exports", place / "warehouse", place / "addresses.log"
    command = ["demo", str(exports), "--months", "5", "--leads-per-month", "300", "--as-of", AS_OF.isoformat()]
    result = CliRunner().invoke(app, [*command, "--load-into", str(warehouse)])
    assert result.exit_code == 0, result.output
    with serving(warehouse, log) as url:
        yield Server(url, warehouse, exports, log)


@contextmanager
def serving(warehouse: Path, log: Path) -> Iterator[str]:
    """A server of its own on a free port, as `make serve` starts it: behind the gate, under its content policy."""
    port = _free_port()
    arguments = [str(HERE / "watched_server.py"), str(log), "--port", str(port)]
    environment = os.environ | {"UPBOARD_WAREHOUSE": str(warehouse), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/_stcore/health")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    path = _chromium()
    assert path, "UPBOARD_BROWSER=required, and there is no Chromium: apt-get install chromium chromium-driver"
    expect.set_options(timeout=60_000)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


Appearance = Literal["light", "dark"]


def window(browser: Browser, width: int = 1400, height: int = 900, appearance: Appearance = "light") -> BrowserContext:
    """A reader of their own, with no cookies yet, who asked for less motion.

    What moves is drawn anew at every frame, and where there is no graphics card by the processors of the tests: a tenth
    to a fifth of the time of a visit.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=appearance, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    return context


@pytest.fixture
def watch() -> Watch:
    """What the tab of this test noticed."""
    return Watch()


@pytest.fixture
def page(browser: Browser, server: Server, watch: Watch) -> Iterator[Page]:
    """A fresh tab; after the test, nothing in it may have failed or left this machine."""
    context = window(browser)
    tab = context.new_page()
    watch.follow(tab, server.url)
    yield tab
    context.close()
    assert watch.faults == []
    assert watch.strangers == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer on {url}")
