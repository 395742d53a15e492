"""The launcher: one process that serves the dashboard, its health and its downloads, within a gate.

Streamlit's own application (`st.App`) runs dashboard.py; around it stand the log, the security headers, the allowed
hosts and the limits of `pages.gate`. `python -m pages serve` and `make serve` start it; docs/serve.md says how to put
it behind a proxy with TLS.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App
from streamlit.web.bootstrap import load_config_options

from pages import health, users
from pages.front_end import Files, FrontEnd
from pages.gate import LOG, AccessLog, AllowedHosts, Limits, SecurityHeaders
from pages.guard import Guard
from pages.local_sign_in import sign_in_routes
from pages.patience import Patient

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_WILDCARDS: Final = ("0.0.0.0", "::", "")  # noqa: S104  # named to be refused
_SCRIPT: Final = Path(__file__).parents[1] / "dashboard.py"
_PATIENCE_AT_THE_END: Final = 10
_MESSAGE_MEGABYTES: Final = 10
_CONNECTIONS_PER_SESSION: Final = 4
_RUNNING: Final = threading.Event()


class ServingError(Exception):
    """The server cannot or must not start this way: what is wrong, then the next step."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n\nHint: {hint}")


@dataclass(frozen=True)
class Serving:
    """How the dashboard is served: where it listens, by which names it is reached, which proxies stand before it.

    `hosts` are bare names, `*.example.com` for every name below one; those of this machine itself are always
    allowed. `proxies` are the addresses or networks whose X-Forwarded-* lines are believed. `upload_megabytes` is
    the largest file that Load data takes, `sessions` how many tabs may be open at once. One that `is_warmed` loads
    what pages need before it answers, and draws the first page for nobody. `script` is what Streamlit runs.
    """

    address: str = "127.0.0.1"
    port: int = 8501
    warehouse: Path = Path("data/warehouse")
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    upload_megabytes: int = 200
    sessions: int = 200
    is_warmed: bool = True
    script: Path = _SCRIPT

    @property
    def allowed_hosts(self) -> list[str]:
        """Every name that a request may be addressed to."""
        own = () if self.address in _WILDCARDS else (self.address,)
        return list(dict.fromkeys((*LOOPBACK, *own, *self.hosts)))


# What is refused ------------------------------------------------------------------------------------------------------


def is_loopback(address: str | None) -> bool:
    """Whether an address to listen on is reached from this machine only; None and blank mean every address."""
    if address == "localhost":
        return True
    try:
        return ip_address(address or "0.0.0.0").is_loopback  # noqa: S104
    except ValueError:
        return False


def refusal(address: str | None, *, is_guarded: bool) -> str | None:
    """Why Upboard must not listen on that address, as what and hint; None where it may.

    Where nobody signs in, everybody who reaches the server reads customers' names and phones: so only this machine
    may. `is_guarded` says whether sign-in is configured.
    """
    if is_guarded or is_loopback(address):
        return None
    return (
        f"Upboard is not served on {address or 'every address'} while nobody signs in: whoever reaches it would read "
        "the customers of every store.\n\n"
        "Hint: configure sign-in first (docs/sign_in.md), or serve this machine alone: --address 127.0.0.1."
    )


def refusal_without_guard(*, is_guarded: bool) -> str | None:
    """Why pages are not drawn by plain `streamlit run` where people sign in, as what and hint; None where they may be.

    Pages would ask who it is, but nobody would ask who fetches a file that a page made, or sends one.
    """
    if not is_guarded or is_running():
        return None
    return (
        "People sign in here, and `streamlit run` alone cannot keep the others out: files that pages make would go to "
        "whoever knows their address.\n\n"
        "Hint: start it by `python -m pages serve`, which takes the same --address and --port (docs/serve.md)."
    )


def check(serving: Serving, *, is_guarded: bool) -> None:
    """Refuse what must not be served. ServingError says why and what to do."""
    reason = refusal(_farthest(serving), is_guarded=is_guarded)
    if reason:
        raise ServingError(*reason.split("\n\nHint: "))
    if serving.proxies and not is_guarded:
        raise ServingError(
            "Upboard is not served through a proxy while nobody signs in: the proxy's visitors would read everything.",
            "Configure sign-in first: docs/sign_in.md.",
        )
    _check_words(serving)


def _farthest(serving: Serving) -> str:
    """Of the address and the hosts, one that is reached from elsewhere, if any is."""
    return next((name for name in serving.hosts if not is_loopback(name)), serving.address)


def _check_words(serving: Serving) -> None:
    strange = [name for name in serving.hosts if not _is_host(name)]
    if strange:
        raise ServingError(f"{strange[0]!r} is no host name.", "Name hosts without scheme, port and path.")
    unknown = [proxy for proxy in serving.proxies if not _is_network(proxy)]
    if unknown:
        raise ServingError(f"{unknown[0]!r} is no address or network.", "Name proxies as 10.0.0.5 or 172.18.0.0/16.")
    if serving.address in _WILDCARDS and not serving.hosts:
        raise ServingError(
            f"Listening on {serving.address or 'every address'} needs the names by which people reach this server.",
            "Add --hosts upboard.example.com.",
        )


def _is_network(text: str) -> bool:
    try:
        return ip_network(text).num_addresses > 0
    except ValueError:
        return False


def _is_host(name: str) -> bool:
    bare = name.removeprefix("*.")
    return bool(bare) and "*" not in bare and all(sign.isalnum() or sign in "-._:" for sign in bare) and _no_port(bare)


def _no_port(name: str) -> bool:
    try:
        return ip_address(name).version > 0
    except ValueError:
        return ":" not in name


# The application ------------------------------------------------------------------------------------------------------


def application(serving: Serving) -> ASGIApp:
    """The dashboard as one ASGI application, from the outermost layer: log, headers, hosts, limits, Streamlit."""
    # Else the first visitor of a fresh process could run any file of pages/ as a page of its own, past the sign-in.
    PagesManager.uses_pages_directory = False
    files = Files()
    app = App(serving.script, routes=_routes(serving.warehouse), lifespan=_warmed(serving, files.prepare))
    load_config_options(_options(serving))
    limited = Limits(FrontEnd(app, files), serving.upload_megabytes, serving.sessions)
    return AccessLog(SecurityHeaders(AllowedHosts(Guard(limited), users.configured())))


def _warmed(serving: Serving, prepare: Callable[[], None]) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """What happens between the runtime's start and the first answer."""

    @asynccontextmanager
    async def warmed(_: App) -> AsyncIterator[None]:
        if not serving.is_warmed:
            yield
            return
        # Loaded here: what pages remember asks at once for the runtime that remembers it.
        warm = import_module("pages.warm")
        warm.load()
        drawing = warm.begin(serving.warehouse, prepare)
        yield
        # A query that the interpreter ends midway would end the process by SIGABRT.
        drawing.join(_PATIENCE_AT_THE_END)

    return warmed


def _routes(directory: Path) -> list[BaseRoute]:
    return [*health.routes(directory), *sign_in_routes()]


def _options(serving: Serving) -> dict[str, Any]:
    """Streamlit's own settings: what it must know of the gate, and what must hold whatever a config file says."""
    return {
        "server.address": serving.address,
        "server.port": serving.port,
        "server.allowedHosts": serving.allowed_hosts,
        "server.maxUploadSize": serving.upload_megabytes,
        "server.maxWidgetStateSize": _MESSAGE_MEGABYTES,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
    }


# The server -----------------------------------------------------------------------------------------------------------


def serve(serving: Serving) -> None:
    """Serve until SIGTERM or Ctrl-C, then end tidily. ServingError where that must not or cannot be."""
    users.pin()
    is_guarded = users.configured()
    check(serving, is_guarded=is_guarded)
    # The pages read it from there, as those of `streamlit run` do.
    os.environ["UPBOARD_WAREHOUSE"] = str(serving.warehouse)
    _write_log()
    with _listening(serving) as listener:
        server = _Server(_server_config(serving))
        begun, stopped_by = time.monotonic(), _ended_by_signals(server)
        server.to_say = _words(serving, _url(listener), is_guarded=is_guarded)
        _RUNNING.set()
        server.run(sockets=[listener])
        LOG.info("stopped by %s after %.0f s", ", ".join(dict.fromkeys(stopped_by)), time.monotonic() - begun)


class _Server(uvicorn.Server):
    """Uvicorn's server, which says once that it answers."""

    to_say: str = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        LOG.info(self.to_say)


def is_running() -> bool:
    """Whether this process was started by `serve`, so that the gate and the guard stand around the pages.

    False under `streamlit run`, where downloads and uploads are Streamlit's own and nobody asks who wants them.
    """
    return _RUNNING.is_set()


def _words(serving: Serving, url: str, *, is_guarded: bool) -> str:
    sign_in = "on" if is_guarded else "off: this machine only"
    said = f"serving {url}, warehouse {serving.warehouse}, sign-in {sign_in}"
    if is_guarded and not serving.proxies and not is_loopback(serving.address):
        return f"{said}. No proxy is named: without TLS, names and passwords travel readable. See docs/serve.md"
    return said


def _server_config(serving: Serving) -> uvicorn.Config:
    return uvicorn.Config(
        application(serving),
        http=Patient,
        ws="websockets-sansio",
        ws_max_size=_MESSAGE_MEGABYTES * 1_000_000,
        ws_per_message_deflate=False,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(serving.proxies),
        forwarded_allow_ips=list(serving.proxies),
        limit_concurrency=serving.sessions * _CONNECTIONS_PER_SESSION,
        timeout_graceful_shutdown=_PATIENCE_AT_THE_END,
    )


@contextmanager
def _listening(serving: Serving) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in serving.address else socket.AF_INET
    try:
        listener = socket.create_server((serving.address, serving.port), family=family, backlog=2048)
    except OSError as error:
        raise ServingError(
            f"Nobody can listen on {serving.address} port {serving.port}: {error.strerror or error}.",
            "Is Upboard running already? Else name another --port, or an --address of this machine.",
        ) from error
    with listener:
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ended_by_signals(server: uvicorn.Server) -> list[str]:
    """End on SIGTERM and Ctrl-C, also while still starting, and note which it was.

    The server raises them again when it is done; as they are handled here, that is no error.
    """
    noted: list[str] = []

    def end(number: int, _: FrameType | None) -> None:
        noted.append(signal.Signals(number).name)
        server.should_exit = True

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, end)
    return noted


def _write_log() -> None:
    """One line per event on standard error, with the moment."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    LOG.handlers, LOG.propagate = [handler], False
    LOG.setLevel(logging.INFO)
