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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from pages import PAGES
from tests.benchmarks.metrics_speed import ROOT, _say, _simulated
from tests.benchmarks.multiplied import multiply
from tests.benchmarks.pages_speed import SIZES, _spread
from tests.browser.conftest import _free_port, _wait_for

SIZE: Final = "100,000"
VIEWERS: Final = 50
EVERY: Final = 10.0
LOAD_EVERY: Final = 60.0
WARM_UP: Final = 30.0
SECONDS: Final = 180.0
PATIENCE: Final = 60.0
KEPT: Final = 2
FILTERS: Final = ("store", "lead_type", "vehicle_condition", "source_group", "source")
# Their sidebar asks for nothing, so there is no filter to change.
WITHOUT_FILTERS: Final = ("load_data", "definitions")
DONE: Final = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
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
    changes = [took for viewer in party.viewers for took in viewer.settled()]
    _say(f"{what}, a change", f"{_spread_of(changes)}, {len(changes)} changes, {loads} loads meanwhile")
    runs = sum(len(viewer.changes) + 1 for viewer in party.viewers)
    _say(f"{what}, processor time of a run", f"{(ended.cpu_seconds - begun.cpu_seconds) / runs * 1000:.0f} ms")
    errors = [error for viewer in party.viewers for error in viewer.errors]
    _say(f"{what}, errors", f"{len(errors)} {sorted(set(errors))[:3] if errors else ''}")
    _say(f"{what}, memory", f"{ended.resident_mb:.0f} MB resident, {ended.peak_mb:.0f} MB at most")
    for page in sorted({viewer.page for viewer in party.viewers}):
        own = [took for viewer in party.viewers if viewer.page == page for took in viewer.settled()]
        _say(f"{what}, a change on {page}", _spread_of(own))


def _spread_of(times: Sequence[float]) -> str:
    return _spread(times) if len(times) > 1 else f"{len(times)} changes only"


# Viewers --------------------------------------------------------------------------------------------------------------


@dataclass
class Viewer:
    """One tab: its page, what it filters by, how long each change took (with when it was asked) and what went wrong."""

    number: int
    changes: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    widgets: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page it looks at."""
        every = [name for names in PAGES.values() for name in names if name not in WITHOUT_FILTERS]
        return every[self.number % len(every)]

    def settled(self) -> list[float]:
        """How long its changes took once everybody was there."""
        return [took for at, took in self.changes if at >= WARM_UP]

    def asks(self) -> BackMsg:
        """What the browser sends: page, address and every filter that is set."""
        asked = BackMsg()
        asked.rerun_script.page_name = "" if self.page == "overview" else self.page
        asked.rerun_script.query_string = "period=all+data"
        for key, values in self.chosen.items():
            state = asked.rerun_script.widget_states.widgets.add()
            state.id = self.widgets[key][0]
            state.string_array_value.data.extend(values)
        return asked

    def change(self, chance: random.Random) -> None:
        """Pick other values for one filter, often such as nobody asked for before.

        Of two that were set already the older is let go: with more at once most pages have no row, and cost nothing.
        """
        key = chance.choice([name for name in FILTERS if name in self.widgets])
        options = self.widgets[key][1]
        others = [options[:1], *(chance.sample(options, chance.randint(1, min(3, len(options)))) for _ in range(8))]
        values = next(values for values in reversed(others) if values != self.chosen.get(key))
        kept = [(name, old) for name, old in self.chosen.items() if name != key]
        self.chosen = {**dict(kept[-1:]), key: values}

    def note(self, message: ForwardMsg) -> bool:
        """Take one message of the server: filters and errors. True when the script is over."""
        kind = message.WhichOneof("type")
        if kind == "script_finished":
            return message.script_finished == DONE
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if element.HasField("exception"):
                self.errors.append(f"{self.page}: {element.exception.message}")
            if element.HasField("multiselect"):
                key = element.multiselect.id.rpartition("-")[2]
                self.widgets[key] = (element.multiselect.id, list(element.multiselect.options))
        return False

    async def run(self, socket: ClientConnection) -> float:
        """Ask, and read until the script is over: how many milliseconds that took."""
        begun = time.perf_counter()
        await socket.send(self.asks().SerializeToString())
        while True:
            answer = await asyncio.wait_for(socket.recv(decode=False), PATIENCE)
            if self.note(ForwardMsg.FromString(answer)):
                return (time.perf_counter() - begun) * 1000


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
            async with self._connected() as socket:
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

    def _connected(self) -> connect:
        here = f"127.0.0.1:{self.port}"
        return connect(
            f"ws://{here}/_stcore/stream",
            origin=Origin(f"http://{here}"),
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            open_timeout=PATIENCE,
        )


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
