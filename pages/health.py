"""Whether the server is alive and ready, for those who watch it: no sign-in, no names, no path of this machine.

`/healthz` answers 200 as long as the process does. `/readyz` answers 200 only where the published snapshot opens, with
how old its data are, and 503 otherwise.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from metrics import engine
from metrics.declare import NoSuchData
from pages.gate import LOG

_UNCACHED = {"Cache-Control": "no-store"}


@dataclass
class Readiness:
    """Answers `/readyz` from one snapshot that stays open between questions and follows CURRENT."""

    directory: Path
    _warehouse: engine.Warehouse | None = field(default=None, init=False)
    _said: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self, _: Request) -> JSONResponse:
        """200 with the age of the data, 503 with a reason; what exactly is wrong goes to the log, once."""
        try:
            with self._lock:
                found = readiness(self._facts(), dt.datetime.now(dt.UTC))
        except NoSuchData as error:
            self._say(str(error))
            reason = "No snapshot opens. The server's log says more."
            return JSONResponse({"is_ready": False, "reason": reason}, 503, _UNCACHED)
        self._said = ""
        return JSONResponse({"is_ready": True, **found}, 200, _UNCACHED)

    def _facts(self) -> engine.Facts:
        if self._warehouse is None:
            self._warehouse = engine.open_warehouse(self.directory)
        self._warehouse.refresh()
        return engine.snapshot_facts(self._warehouse)

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            LOG.warning("not ready: %s", text.replace("\n\n", " "))


def readiness(facts: engine.Facts, now: dt.datetime) -> dict[str, Any]:
    """What a watcher may know: snapshot, when it was built, how many stores, and the moment and age of the oldest data.

    Moments are ISO 8601 in UTC; the age is in hours, one decimal. Null where the snapshot holds no data yet.
    """
    oldest = min(facts.as_of.values(), default=None)
    return {
        "snapshot": facts.snapshot,
        "built_at": _iso(facts.loaded_at),
        "stores": len(facts.as_of),
        "data_as_of": _iso(oldest),
        "data_age_hours": None if oldest is None else round((now - oldest) / dt.timedelta(hours=1), 1),
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat(timespec="seconds")


async def _alive(_: Request) -> JSONResponse:
    return JSONResponse({"is_alive": True}, 200, _UNCACHED)


def routes(directory: Path) -> list[Route]:
    """The two routes, over the snapshots of a directory."""
    return [Route("/healthz", _alive), Route("/readyz", Readiness(directory).__call__)]
