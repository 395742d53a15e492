"""What every request passes before the dashboard sees it: the log, the security headers, the allowed hosts, the limits.

Each is plain ASGI, so that web sockets pass the same gate as pages. Sources: OWASP Secure Headers Project; RFC 6797
(HSTS); CSP Level 3; RFC 6455 section 10.2 (a web socket's Origin).
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from base64 import b64encode
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

LOG: Final = logging.getLogger("upboard")

_UPLOADS: Final = "/_stcore/upload_file/"
# Streamlit's own figures about the process and its interface for programs: nobody here asks for either.
_CLOSED: Final = ("/_stcore/metrics", "/_stcore/agent")
# What follows these prefixes opens a file or a session to whoever knows it, so no log repeats it.
_SECRET: Final = (_UPLOADS, "/media/")
# Files that never change, and questions asked every few seconds: written only when something is wrong with them.
_QUIET: Final = ("/static/", "/healthz", "/readyz")
# The browser asks for these below the page first; that they are not there is how it finds the root.
_PROBES: Final = ("/_stcore/health", "/_stcore/host-config")
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_SAFE: Final = ("GET", "HEAD")
_ONE_YEAR: Final = 365 * 24 * 60 * 60
_FORM_BYTES: Final = 64 * 1024
_MULTIPART_BYTES: Final = 1024 * 1024
_SILENT_SECONDS: Final = 30
_BODY_SECONDS: Final = 15 * 60


def content_policy() -> str:
    """The Content-Security-Policy: this server only, no foreign origin, framed by nobody.

    Streamlit writes its styles while it runs, so styles may stand inline; of scripts only the one inside its own
    index.html may, by its hash.
    """
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", index.read_text(encoding="utf-8"), re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in inline]
    parts = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *hashes],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "media-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in parts.items())


@dataclass(frozen=True)
class SecurityHeaders:
    """Adds the security headers to every answer, and takes away what Streamlit says to foreign origins.

    Behind a proxy with TLS every cookie becomes Secure and the browser is told to come by TLS only (HSTS).
    """

    app: ASGIApp
    policy: str = field(default_factory=content_policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and dress its answer."""

        async def dressed(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                self._dress(MutableHeaders(raw=message.setdefault("headers", [])), scope, message)
            await send(message)

        await self.app(scope, receive, dressed)

    def _dress(self, headers: MutableHeaders, scope: Scope, message: Message) -> None:
        is_secure = scope["scheme"] in {"https", "wss"}
        message["headers"] = [_kept(pair, is_secure=is_secure) for pair in headers.raw if not _is_for_strangers(pair)]
        headers = MutableHeaders(raw=message["headers"])
        headers["Content-Security-Policy"] = self.policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        # Not "no-referrer": under it a form sends `Origin: null`, and the gate could not tell whose form it is.
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["X-Robots-Tag"] = "noindex, nofollow"
        if is_secure:
            headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR}"
        if scope["path"].startswith("/media/") or "cache-control" not in headers:
            # A download holds customers: it stays out of every cache, the browser's own included.
            headers["Cache-Control"] = "no-store"


def _is_for_strangers(pair: tuple[bytes, bytes]) -> bool:
    return pair[0].lower().startswith(b"access-control-")


def _kept(pair: tuple[bytes, bytes], *, is_secure: bool) -> tuple[bytes, bytes]:
    name, value = pair
    if is_secure and name.lower() == b"set-cookie" and b"; secure" not in value.lower():
        return name, value + b"; Secure"
    return pair


@dataclass(frozen=True)
class AllowedHosts:
    """Refuses what was not sent to this server by one of its own pages.

    A Host that is not in `server.allowedHosts` (DNS rebinding), an Origin other than that host for anything but
    reading (cross-site requests and web sockets), and Streamlit's interfaces for programs. Where nobody signs in,
    also whatever a proxy forwards: then somebody beyond this machine is asking.
    """

    app: ASGIApp
    is_guarded: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        status, reason = self._refused(scope)
        if reason:
            LOG.warning("refused %s: %s", logged_path(scope), reason)
            return await _refuse(scope, receive, send, status, reason)
        return await self.app(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str | None]:
        headers = Headers(scope=scope)
        hosts, origin = headers.getlist("host"), headers.get("origin")
        if len(hosts) != 1 or not is_host_allowed(hosts[0]):
            return 400, "This host is not served here. Hint: name it with --hosts."
        is_reading = scope["type"] == "http" and scope["method"] in _SAFE
        if origin is not None and not is_reading and urlsplit(origin).netloc != hosts[0]:
            return 403, "Only pages of this server may ask for that."
        if not self.is_guarded and any(name in headers for name in _FORWARDED):
            return 403, "A proxy may stand before Upboard only where people sign in. Hint: see docs/sign_in.md."
        if scope["path"].startswith(_CLOSED):
            return 404, "Not found."
        return 200, None


@dataclass
class Limits:
    """Refuses bodies that are too large or too slow, and web sockets beyond so many at once."""

    app: ASGIApp
    upload_megabytes: int
    sessions: int
    _open: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its limits."""
        if scope["type"] == "websocket":
            await self._counted(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] not in _SAFE:
            await self._measured(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= self.sessions:
            LOG.warning("refused a web socket: %d are open already", self._open)
            return await _refuse(scope, receive, send, 503, "Too many people look at this server at once.")
        self._open += 1
        try:
            return await self.app(scope, receive, send)
        finally:
            self._open -= 1

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        largest = self._largest(scope["path"])
        announced = Headers(scope=scope).get("content-length", "0")
        # Longer ones would be refused by int() itself.
        if not announced.isdecimal() or len(announced) > 15 or int(announced) > largest:
            return await _refuse(scope, receive, send, 413, f"At most {largest:,} bytes.")
        return await self.app(scope, _bounded(receive, largest), send)

    def _largest(self, path: str) -> int:
        is_upload = path.startswith(_UPLOADS)
        return self.upload_megabytes * 1024 * 1024 + _MULTIPART_BYTES if is_upload else _FORM_BYTES


def _bounded(receive: Receive, largest: int) -> Receive:
    """The same body, given up when it grows beyond `largest` bytes, falls silent, or takes too long in all."""
    ends_at = time.monotonic() + _BODY_SECONDS
    so_far, is_whole = 0, False

    async def bounded() -> Message:
        nonlocal so_far, is_whole
        if is_whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), min(_SILENT_SECONDS, ends_at - time.monotonic()))
        except TimeoutError as error:
            raise HTTPException(408, "The rest of the request did not come.") from error
        so_far += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if so_far > largest:
            raise HTTPException(413, f"At most {largest:,} bytes.")
        return message

    return bounded


@dataclass(frozen=True)
class AccessLog:
    """Writes one line per request: method, path, status, time. No query, no address, no id that opens anything."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line; static files and health checks are written only when they fail."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        begun, statuses = time.monotonic(), [500]

        async def noted(message: Message) -> None:
            statuses[0] = _status(message, statuses[0])
            await send(message)

        try:
            return await self.app(scope, receive, noted)
        finally:
            if not _is_quiet(scope["path"], statuses[0]):
                took = (time.monotonic() - begun) * 1000
                LOG.info("%s %s %d %.0f ms", scope.get("method", "WS"), logged_path(scope), statuses[0], took)


def _is_quiet(path: str, status: int) -> bool:
    return path.endswith(_PROBES) or (status < 400 and path.startswith(_QUIET))


def _status(message: MutableMapping[str, Any], before: int) -> int:
    if message["type"] == "websocket.accept":
        return 101
    if message["type"] == "websocket.close" and before != 101:
        return 403
    return int(message.get("status", before))


def logged_path(scope: Scope) -> str:
    """The path as a log may hold it: without query, quoted, cut short, ids that open something left out."""
    path: str = scope["path"]
    for prefix in _SECRET:
        if path.startswith(prefix):
            return f"{prefix}..."
    return quote(path)[:200]


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    answer = PlainTextResponse(reason, status)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(answer)
    else:
        await answer(scope, receive, send)
