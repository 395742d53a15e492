"""Speed and memory of the pages at 100,000 and a million opportunities; clicks in a browser beside bare Streamlit.

Script runs are timed in one process without a browser, each under filters that nobody asked for before. Clicks are
timed in Chromium from the press on a filter's option to the frame in which the last of the new charts and words stands,
with nothing remembered from run to run, ours and the bare page in turn. Each is served as its users get it: ours by the
launcher, the bare page by `streamlit run`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from unittest.mock import patch

import streamlit as st
from playwright.sync_api import Locator, Page, sync_playwright
from streamlit.testing.v1 import AppTest

from pages import PAGES, frame
from tests.benchmarks.metrics_speed import _say, _simulated
from tests.benchmarks.multiplied import Copies, multiply
from tests.benchmarks.viewer import Viewer, connected
from tests.browser.conftest import QUIET, _chromium, _free_port, _wait_for

ROOT: Final = Path(__file__).parents[2]
SHAPE: Final = Path(__file__).parent / "shape"
# A simulated group of four stores has about 20,000 opportunities.
SIZES: Final = {"100,000": Copies(rows=5, people=2, sources=1), "1,000,000": Copies(rows=51, people=14, sources=3)}
TABS: Final = 4
CLICKS: Final = 6
COLD_LOADS: Final = 7
SESSIONS: Final = 20
CHANGES: Final = 6
FRESH_SERVERS: Final = 4
# How long after a server first answers its first visitor comes.
_SETTLED: Final = 3.0
# Looks at what costs nothing first, and never makes the browser lay the page out: that would slow what is timed.
_PAINTED: Final = """([word, charts]) => new Promise(done => {
    const isOver = () => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')
        && !document.querySelector('[data-stale=true]');
    const isDrawn = () => [...document.querySelectorAll('.js-plotly-plot')]
        .filter(plot => plot.querySelector('.trace')).length >= charts;
    const isSaid = () => [...document.querySelectorAll('[data-testid=stMarkdownContainer]')]
        .some(part => part.textContent.trim() === word);
    const look = () => isOver() && isDrawn() && isSaid()
        ? requestAnimationFrame(() => requestAnimationFrame(done)) : setTimeout(look, 5);
    look();
})"""


def main() -> None:
    """Print each figure, a line each, at both sizes."""
    with tempfile.TemporaryDirectory() as place:
        base = _simulated(Path(place))
        for size, copies in SIZES.items():
            multiplied = multiply(base, Path(place) / size.replace(",", ""), copies)
            measure(size, multiplied)


def measure(size: str, warehouse: Path) -> None:
    """The figures of a warehouse that is there already."""
    os.environ["UPBOARD_WAREHOUSE"] = str(warehouse)
    for name in (name for names in PAGES.values() for name in names):
        _script_runs(size, name)
    _clicks(size, warehouse)
    _first_page(size, warehouse)
    _memory(size, warehouse)


def _script_runs(size: str, name: str) -> None:
    """A page after each of some filter changes: what it draws at once, then with the parts behind a skeleton too."""
    with patch.multiple(frame, later=_left_out, later_lines=_left_out):
        _say(f"{name} at {size}, drawn at once", _runs(name))
    _say(f"{name} at {size}, all parts", _runs(name))


def _left_out(*_: object, **__: object) -> None:
    """A later part that is not drawn."""


def _runs(name: str) -> str:
    st.cache_data.clear()
    page = AppTest.from_string(f"import dashboard\ndashboard.main({name!r})", default_timeout=120)
    cold = _milliseconds(page.run)
    stores = page.multiselect(key="store").options
    kinds = page.multiselect(key="lead_type").options
    times = []
    for store, kind in [(store, kind) for store in stores for kind in kinds][:CHANGES]:
        page.multiselect(key="store").set_value([store])
        page.multiselect(key="lead_type").set_value([kind])
        times.append(_milliseconds(page.run))
    again = _milliseconds(page.run)
    return f"first {cold:.0f} ms, after a filter change {_spread(times)}, again {again:.0f} ms"


def _clicks(size: str, warehouse: Path) -> None:
    """Clicks on a filter and cold loads of the same shape, ours and bare, in turn."""
    with (
        _launched(SHAPE / "ours.py", warehouse) as ours,
        _served(SHAPE / "bare.py", warehouse) as bare,
        _tabs() as open_tab,
    ):
        clicks: dict[str, list[float]] = {"ours": [], "bare": []}
        loads: dict[str, list[float]] = {"ours": [], "bare": []}
        for _ in range(COLD_LOADS):
            for name, (url, _process) in (("ours", ours), ("bare", bare)):
                loads[name].append(_milliseconds(partial(_load, open_tab(), url)))
        for _ in range(TABS):
            tabs = {"ours": open_tab(), "bare": open_tab()}
            for name, (url, _process) in (("ours", ours), ("bare", bare)):
                _load(tabs[name], url)
            chosen: dict[str, list[str]] = {name: [] for name in tabs}
            for _ in range(CLICKS):
                for name, tab in tabs.items():
                    clicks[name].append(_click(tab, chosen[name]))
    for what, found in (("click", clicks), ("cold load", loads)):
        _say(f"{what} to painted at {size}", _beside(found["ours"], found["bare"]))


def _beside(ours: list[float], bare: list[float]) -> str:
    """Both, and how often ours goes into the bare page's: the machine is in both."""
    ratio = median(ours) / median(bare)
    return f"ours {_spread(ours)}; bare Streamlit {_spread(bare)}; ours {ratio:.2f} x bare"


def _load(tab: Page, url: str) -> None:
    tab.goto(url)
    tab.evaluate(_PAINTED, ["shown all", 3])


def _click(tab: Page, chosen: list[str]) -> float:
    """Choose one more lead type, and wait until the new page is painted. A chosen one leaves the list of options."""
    if not tab.get_by_role("option").count():
        tab.get_by_test_id("stSidebar").get_by_role("combobox", name="Lead type").click()
    option = tab.get_by_role("option").nth(1)  # the first is for all of them
    chosen.append(_code(option.inner_text()))
    return _milliseconds(partial(_press, tab, option, f"shown {'|'.join(chosen)}"))


def _press(tab: Page, what: Locator, word: str) -> None:
    what.click()
    tab.evaluate(_PAINTED, [word, 3])


def _code(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _memory(size: str, warehouse: Path) -> None:
    """Resident memory of a server while many sessions are open, each on a page of its own."""
    names = [name for group in PAGES.values() for name in group]
    with _launched(ROOT / "dashboard.py", warehouse) as (url, process), _tabs() as open_tab:
        for nth in range(SESSIONS):
            _visit(open_tab(), url, names[nth % len(names)])
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    _say(f"server with {SESSIONS} sessions at {size}", f"{resident / 1024:.0f} MB resident")


def _first_page(size: str, warehouse: Path) -> None:
    """The first page of a fresh server: drawn by the server, asked as soon as it answers; then in a browser.

    The browser has Streamlit's files from the server before it, and comes once the server has settled.
    """
    port = _free_port()
    launcher = ("-m", "pages", "serve", "--port", str(port), "--warehouse", str(warehouse))
    drawn, times = [], []
    for _ in range(FRESH_SERVERS):
        with _running(launcher, port, warehouse):
            drawn.append(asyncio.run(_drawn(port)))
    with _tabs() as open_tab:
        tab = open_tab()
        for _ in range(FRESH_SERVERS):
            with _running(launcher, port, warehouse) as (url, _process):
                time.sleep(_SETTLED)
                times.append(_milliseconds(partial(_visit, tab, url, "overview")))
            tab.goto("about:blank")
    _say(f"first page of a fresh server at {size}, drawn by it", f"{_seconds(drawn)} s")
    never_seen = f"in a browser that never saw it {_seconds(times[:1])} s"
    _say(f"first page of a fresh server at {size}, in a browser", f"{_seconds(times[1:])} s; {never_seen}")


async def _drawn(port: int) -> float:
    """How long the server takes for its first page, all parts, over a web socket."""
    async with connected(port) as socket:
        return await Viewer(0, address="").run(socket)


def _seconds(times: Sequence[float]) -> str:
    return ", ".join(f"{number / 1000:.1f}" for number in times)


def _visit(tab: Page, url: str, name: str) -> None:
    tab.goto(f"{url}/{'' if name == 'overview' else name}")
    tab.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    tab.locator("h1").first.wait_for()


@contextmanager
def _served(script: Path, warehouse: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = _free_port()
    with _running(("-m", "streamlit", "run", str(script), "--server.port", str(port)), port, warehouse) as running:
        yield running


@contextmanager
def _launched(script: Path, warehouse: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The launcher with another script than the dashboard, once its files are ready, too."""
    port = _free_port()
    launcher = ("-m", "tests.benchmarks.shape", str(script), str(port), str(warehouse))
    with _running(launcher, port, warehouse) as running:
        time.sleep(_SETTLED)
        yield running


@contextmanager
def _running(arguments: Sequence[str], port: int, warehouse: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server in a process of its own, once it answers."""
    environment = os.environ | {"UPBOARD_WAREHOUSE": str(warehouse), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}", run
        finally:
            run.terminate()


@contextmanager
def _tabs() -> Iterator[Callable[[], Page]]:
    """Opens tabs, each of a reader of its own."""
    path = _chromium()
    if path is None:
        raise SystemExit("the browser part needs Chromium: apt-get install chromium chromium-driver")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield lambda: browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
        browser.close()


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _spread(times: Sequence[float]) -> str:
    return f"p50 {median(times):.0f}, p95 {quantiles(times, n=20, method='inclusive')[18]:.0f} ms"


if __name__ == "__main__":
    main()
