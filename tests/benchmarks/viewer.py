"""One tab without a browser: a web socket session in Streamlit's protocol, for which the server does all it does."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from pages import PAGES

PATIENCE: Final = 60.0
FILTERS: Final = ("store", "lead_type", "vehicle_condition", "source_group", "source")
# Their sidebar asks for nothing, so there is no filter to change.
WITHOUT_FILTERS: Final = ("load_data", "definitions")
DONE: Final = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY


@dataclass
class Viewer:
    """One tab: its page, what it filters by, how long each change took (with when it was asked) and what went wrong."""

    number: int
    address: str = "period=all+data"
    changes: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    widgets: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page it looks at."""
        every = [name for names in PAGES.values() for name in names if name not in WITHOUT_FILTERS]
        return every[self.number % len(every)]

    def settled(self, since: float) -> list[float]:
        """How long its changes took from that second on."""
        return [took for at, took in self.changes if at >= since]

    def asks(self) -> BackMsg:
        """What the browser sends: page, address and every filter that is set."""
        asked = BackMsg()
        asked.rerun_script.page_name = "" if self.page == "overview" else self.page
        asked.rerun_script.query_string = self.address
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


def connected(port: int) -> connect:
    """A connection to the server at that port, as a browser's."""
    here = f"127.0.0.1:{port}"
    return connect(
        f"ws://{here}/_stcore/stream",
        origin=Origin(f"http://{here}"),
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        open_timeout=PATIENCE,
    )
