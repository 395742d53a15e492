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
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)
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
    # One process for every page of this machine, and scripts compiled where it finds what it compiled before: a visit
    # then takes less than half of the first one.
    "--process-per-site",
    "--disable-features=ScriptStreaming",
)
SCREEN: ViewportSize = {"width": 1400, "height": 900}
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
    url: str = ""

    def follow(self, page: Page, url: str) -> None:
        """Note failed answers, errors on the console and requests that leave this machine."""
        self.url = url
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        page.on("pageerror", self._broke)
        page.on("console", self._said)
        page.on("request", self._asked)

    def leave(self, page: Page) -> None:
        """Note nothing more of this tab."""
        page.remove_listener("response", self._answered)
        page.remove_listener("requestfailed", self._failed)
        page.remove_listener("pageerror", self._broke)
        page.remove_listener("console", self._said)
        page.remove_listener("request", self._asked)

    def _broke(self, error: Error) -> None:
        self.faults.append(f"script error {error}")

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

    def _said(self, said: ConsoleMessage) -> None:
        is_probe = "404" in said.text and "Failed to load resource" in said.text
        if said.type == "error" and not is_probe:
            self.faults.append(f"console {said.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:")):
            self.strangers.append(request.url)


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
    with own_port() as port, _started(warehouse, log, port) as url:
        yield url


@contextmanager
def _started(warehouse: Path, log: Path, port: int) -> Iterator[str]:
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
            process.kill()  # that it ends tidily is proven in tests/serving, and takes seconds
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


@dataclass
class Reader:
    """One reader, whose tab is handed from test to test as good as new: what Chromium compiled for one serves the next.

    A page takes less than half of the time there that it takes in a window of its own. Where it is proven what one
    reader has that another has not, take a `window` for each.
    """

    context: BrowserContext
    is_out: bool = False

    @contextmanager
    def at(self, url: str, watch: Watch | None = None) -> Iterator[Page]:
        """The tab for somebody who looks at the server of this address, which a watch may follow."""
        assert not self.is_out, "the tab is with somebody else"
        page, seen = (self.context.pages or [self.context.new_page()])[0], watch or Watch()
        self.is_out = True
        seen.follow(page, url)
        try:
            yield page
            seen.leave(page)
            self._clean(page, url)
        except BaseException:
            page.close()  # who knows how it was left
            raise
        finally:
            self.is_out = False
            self.context.clear_cookies()

    def _clean(self, page: Page, url: str) -> None:
        """Close what else is open, forget what the pages kept, and rest where nothing runs."""
        for other in self.context.pages:
            if other != page:
                other.close()
        for address in (page.url, f"{url}/healthz"):
            if address != page.url:
                page.goto(address)
            if address.startswith("http"):
                page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.set_viewport_size(SCREEN)
        page.emulate_media(media="screen", color_scheme="light", reduced_motion="reduce")


@pytest.fixture(scope="session")
def reader(browser: Browser) -> Iterator[Reader]:
    """The reader of all tests that need no window of their own; `window.blocked` holds what the policy blocks there."""
    context = window(browser)
    context.add_init_script(LISTEN)
    yield Reader(context)
    context.close()


@pytest.fixture
def page(reader: Reader, server: Server, watch: Watch) -> Iterator[Page]:
    """A tab as good as new; after the test, nothing in it may have failed or left this machine."""
    with reader.at(server.url, watch) as tab:
        yield tab
    assert watch.faults == []
    assert watch.strangers == []


_RESTING: list[int] = []


@contextmanager
def own_port() -> Iterator[int]:
    """A free port. Servers that follow one another have the same: their scripts are at an address that is known."""
    port = _RESTING.pop() if _RESTING and _is_free(_RESTING[-1]) else _free_port()
    try:
        yield port
    finally:
        _RESTING.append(port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer on {url}")
