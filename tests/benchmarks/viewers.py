"""Fifty people look at once, each changes a filter every ten seconds, and every minute a load publishes a new snapshot.

Each viewer is a web socket session of its own that speaks Streamlit's protocol, so that the server does all it does
for a browser. A change is timed from the message sent to the script's end, slow parts included, over all pages with
filters. The load is a real one of the demo's exports (80,000 records and more) into a warehouse of its own, with the
processor and the disk that it takes; what it then publishes to the viewers is the large star, copied under a new name.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from websockets.exceptions import WebSocketException

from tests.benchmarks.metrics_speed import ROOT, _say, _simulated
from tests.benchmarks.multiplied import multiply
from tests.benchmarks.pages_speed import SIZES, _spread
from tests.benchmarks.viewer import Viewer, connected
from tests.browser.conftest import _free_port, _wait_for

SIZE: Final = "100,000"
VIEWERS: Final = 50
EVERY: Final = 10.0
LOAD_EVERY: Final = 60.0
WARM_UP: Final = 30.0
SECONDS: Final = 180.0
KEPT: Final = 2
TICKS: Final = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print each figure, a line each."""
    with tempfile.TemporaryDirectory() as place:
        base = _simulated(Path(place))
        warehouse = multiply(base, Path(place) / "large", SIZES[SIZE])
        measure(warehouse, Path(place) / "exports")


def measure(warehouse: Path, exports: Path, seconds: float = SECONDS, viewers: int = VIEWERS) -> None:
    """The figures of a warehouse that is there already; new snapshots are published in it."""
    with _served(warehouse) as (port, process), _loading(exports, warehouse) as loads:
        party = Party(port, [Viewer(nth) for nth in range(viewers)])
        begun = _Reading.of(process.pid)
        asyncio.run(party.watch(WARM_UP + seconds))
        ended = _Reading.of(process.pid)
    _report(party, len(loads), begun, ended)


def _report(party: Party, loads: int, begun: _Reading, ended: _Reading) -> None:
    what = f"{len(party.viewers)} viewers at {SIZE}"
    changes = [took for viewer in party.viewers for took in viewer.settled(WARM_UP)]
    _say(f"{what}, a change", f"{_spread_of(changes)}, {len(changes)} changes, {loads} loads meanwhile")
    runs = sum(len(viewer.changes) + 1 for viewer in party.viewers)
    _say(f"{what}, processor time of a run", f"{(ended.cpu_seconds - begun.cpu_seconds) / runs * 1000:.0f} ms")
    errors = [error for viewer in party.viewers for error in viewer.errors]
    _say(f"{what}, errors", f"{len(errors)} {sorted(set(errors))[:3] if errors else ''}")
    _say(f"{what}, memory", f"{ended.resident_mb:.0f} MB resident, {ended.peak_mb:.0f} MB at most")
    for page in sorted({viewer.page for viewer in party.viewers}):
        own = [took for viewer in party.viewers if viewer.page == page for took in viewer.settled(WARM_UP)]
        _say(f"{what}, a change on {page}", _spread_of(own))


def _spread_of(times: Sequence[float]) -> str:
    return _spread(times) if len(times) > 1 else f"{len(times)} changes only"


# Viewers --------------------------------------------------------------------------------------------------------------


@dataclass
class Party:
    """All viewers of one server."""

    port: int
    viewers: list[Viewer]

    async def watch(self, seconds: float) -> None:
        """Everybody comes within the first ten seconds and changes a filter every ten seconds from then on."""
        begun = time.perf_counter()
        await asyncio.gather(*(self._watch(viewer, begun, seconds) for viewer in self.viewers))

    async def _watch(self, viewer: Viewer, begun: float, seconds: float) -> None:
        chance, mine = random.Random(viewer.number), EVERY * viewer.number / len(self.viewers)
        try:
            async with connected(self.port) as socket:
                await asyncio.sleep(mine)
                await viewer.run(socket)
                for due in _every(begun + mine, seconds):
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    if time.perf_counter() > begun + seconds:
                        return
                    viewer.change(chance)
                    at = time.perf_counter() - begun
                    viewer.changes.append((at, await viewer.run(socket)))
        except (OSError, TimeoutError, WebSocketException) as error:
            viewer.errors.append(f"{viewer.page}: {type(error).__name__} {error}")


def _every(first: float, seconds: float) -> Iterator[float]:
    """The moments at which a viewer's changes are due."""
    return (first + EVERY * nth for nth in range(1, int(seconds // EVERY)))


# The server and the loads ---------------------------------------------------------------------------------------------


@contextmanager
def _served(warehouse: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    command = [sys.executable, "-m", "pages", "serve", "--port", str(port), "--warehouse", str(warehouse)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz")
            yield port, server
        finally:
            server.terminate()


@contextmanager
def _loading(exports: Path, warehouse: Path) -> Iterator[Mapping[str, float]]:
    """While this is open, every minute a load runs and a snapshot is published. By name: how long its load took."""
    loads: dict[str, float] = {}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.viewers", "load", str(exports), str(warehouse)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield loads
    finally:
        process.terminate()
        said, _ = process.communicate()
        loads.update({name: float(took) for name, took in (line.split() for line in said.splitlines())})


def load_every_minute(exports: Path, warehouse: Path) -> None:
    """Load and publish until somebody ends it; a line for each."""
    with tempfile.TemporaryDirectory() as place:
        for nth in range(1_000_000):
            begun = time.perf_counter()
            _load(exports, Path(place) / str(nth))
            name = _publish(warehouse)
            sys.stdout.write(f"{name} {time.perf_counter() - begun:.1f}\n")
            sys.stdout.flush()
            time.sleep(max(0.0, LOAD_EVERY - (time.perf_counter() - begun)))


def _load(exports: Path, into: Path) -> None:
    words = ("load", str(exports), "--settings", str(exports / "settings.toml"), "--warehouse", str(into))
    subprocess.run([sys.executable, "-m", "loaders", *words], cwd=ROOT, check=True, capture_output=True)
    shutil.rmtree(into)


def _publish(warehouse: Path) -> str:
    """The large star again under a new name, published as the loaders do; of older ones the last two stay."""
    current = warehouse / (warehouse / "CURRENT").read_text(encoding="utf-8").strip()
    named = current.with_name(f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-0000abcd.duckdb")
    shutil.copyfile(current, named)
    pointer = warehouse / "CURRENT.new"
    pointer.write_text(f"snapshots/{named.name}\n", encoding="utf-8")
    pointer.replace(warehouse / "CURRENT")
    for old in sorted(named.parent.glob("*.duckdb"))[: -KEPT - 1]:
        old.unlink()
    return named.name


@dataclass(frozen=True)
class _Reading:
    """What the system says of a process."""

    resident_mb: float
    peak_mb: float
    cpu_seconds: float

    @classmethod
    def of(cls, pid: int) -> _Reading:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        sizes = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Vm")}
        spent = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return cls(int(sizes["VmRSS"]) / 1024, int(sizes["VmHWM"]) / 1024, (int(spent[11]) + int(spent[12])) / TICKS)


if __name__ == "__main__":
    # Ended from outside, it still ends its load and removes what it wrote.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    load_every_minute(Path(sys.argv[2]), Path(sys.argv[3]))
