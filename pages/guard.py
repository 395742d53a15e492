"""Stands before the dashboard: without a valid session nothing passes but the sign-in itself.

Plain ASGI, so that pages, uploads, downloads and web sockets pass the same door. It keeps standing at a web socket that
is open: each message of the browser is let through only while its session lasts, and a tab that nobody touches is sent
to the sign-in soon after its session ended. Where no sign-in is configured it lets everything through.

By password, only the sign-in is open. By OpenID Connect the empty page, its scripts and its web socket are open too,
because Streamlit's st.login begins there (pages.sign_in draws nothing else before somebody signed in); downloads,
uploads and whatever else Streamlit serves are not.

A file is taken only from somebody who loads data, for a tab of their own. A file that a page made goes only to the
session whose tab was told of it: Streamlit itself gives it to whoever knows its address, which is a hash of what is in
it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages import openid, roles, signed, users
from pages.journal import JournalError
from pages.local_sign_in import SIGN_IN, SIGN_OUT, cookie_name, local_path, sign_in_address
from pages.sessions import SessionsError
from pages.users import User, Users, UsersError

LOG: Final = logging.getLogger("upboard.sign_in")
STREAM: Final = "/_stcore/stream"
SIGNED_OUT_CODE: Final = 4401
# What says nothing about anybody: Streamlit's frontend asks for the last two before it opens its web socket.
_OPEN: Final = frozenset((SIGN_IN, SIGN_OUT, "/healthz", "/readyz", "/_stcore/health", "/_stcore/host-config"))
_LOGOUT: Final = "/auth/logout"
_PROTOCOLS: Final = "sec-websocket-protocol"
# Not pages: parts of one, which a redirect would not help.
_PARTS: Final = ("/_stcore/", "/media/", "/component/", "/static/", "/app/")
_DATA: Final = ("/_stcore/", "/media/", "/app/")
# Streamlit looks for them below the page's path first.
_PROBES: Final = ("/_stcore/health", "/_stcore/host-config")
_NO_PAGES: Final = (*_PARTS, "/auth/", "/oauth2callback")
_NEXT: Final = "upboard_next"
_NEXT_SECONDS: Final = 15 * 60
_KNOWN_TABS: Final = 2000
_MEDIA: Final = "/media/"
_UPLOADS: Final = "/_stcore/upload_file/"
# A file's address begins with its hash; what Streamlit hangs on says its kind, and is not looked at.
_TOLD_OF: Final = re.compile(rb"/media/([0-9a-f]{32})")
# Some dozen files a session, for more sessions than a server keeps open.
_KNOWN_FILES: Final = 20_000


@dataclass
class Guard:
    """The door of the application `app`. `looks_every` is seconds between two looks at a tab that nobody touches."""

    app: ASGIApp
    looks_every: float = 2.0
    _tabs: OrderedDict[str, str] = field(default_factory=OrderedDict, init=False)
    _files: OrderedDict[tuple[str | None, str], None] = field(default_factory=OrderedDict, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer what is missing."""
        if scope["type"] == "lifespan" or scope["path"] in _OPEN or not users.configured():
            return await self.app(scope, receive, send)
        try:
            found = await run_in_threadpool(signed.users_now)
            if _is_open(scope, found):
                return await self.app(scope, receive, send)
            token, user = await run_in_threadpool(_who, scope, found)
        except (UsersError, SessionsError, JournalError) as error:
            LOG.error("nobody is let in: %s", error)
            return await _answer(scope, receive, send, PlainTextResponse(_CLOSED, 503))
        return await self._judge(scope, receive, send, _Visit(found.sign_in == "openid", token, user))

    async def _judge(self, scope: Scope, receive: Receive, send: Send, visit: _Visit) -> None:
        if visit.is_by_openid and _is_page(scope):
            return await (_led(scope, visit.user) or self.app)(scope, receive, send)
        if scope["path"] == _LOGOUT:
            await run_in_threadpool(signed.left, visit.session)
        is_begun_here = visit.is_by_openid and scope["path"] in {STREAM, _LOGOUT}
        if visit.user is None and not is_begun_here:
            return await self._turn_away(scope, receive, send)
        if scope["type"] == "websocket":
            return await self._watch(scope, receive, send, visit)
        if scope["path"].startswith(_MEDIA) and not self._was_told(visit.session, scope["path"]):
            # As if there were none: whoever tries addresses learns nothing.
            return await PlainTextResponse("Not found.", 404, {"Cache-Control": "no-store"})(scope, receive, send)
        if scope["path"].startswith(_UPLOADS) and not self._may_upload(visit, scope["path"]):
            return await PlainTextResponse("Not for this role, or not from this tab.", 403)(scope, receive, send)
        return await self.app(scope, receive, send)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # A tab that was left open over night: it is told where to go, and nothing else.
            await _send_away(WebSocket(scope, receive, send), SIGN_IN)
            return
        is_page = scope["method"] in {"GET", "HEAD"} and not any(part in scope["path"] for part in _PARTS)
        answer: Response = PlainTextResponse("Sign in first.", 401, {"Cache-Control": "no-store"})
        if is_page:
            query = scope["query_string"].decode("latin-1")
            where = sign_in_address(scope["raw_path"].decode("latin-1"), query)
            answer = RedirectResponse(where, 303, {"Cache-Control": "no-store"})
        await answer(scope, receive, send)

    async def _watch(self, scope: Scope, receive: Receive, send: Send, visit: _Visit) -> None:
        """One web socket, for as long as it is open."""
        line = _Line(receive, send, visit, self)
        watched = asyncio.create_task(line.look(self.looks_every)) if visit.session else None
        try:
            await self.app(self._without_strange_tab(scope, visit), line.receive, line.send)
        finally:
            if watched:
                watched.cancel()

    def _without_strange_tab(self, scope: Scope, visit: _Visit) -> Scope:
        """The request without the number of a tab that another session opened: Streamlit would go on in its state."""
        asked = [part.strip() for part in Headers(scope=scope).get(_PROTOCOLS, "").split(",")]
        if len(asked) < 3 or (visit.session and self._tabs.get(asked[2]) == visit.session):
            return scope
        scope = dict(scope, headers=list(scope["headers"]))
        MutableHeaders(scope=scope)[_PROTOCOLS] = ", ".join(asked[:2])
        return scope

    def remember(self, tab: str, token: str) -> None:
        """Which session a tab belongs to."""
        self._tabs[tab] = token
        self._tabs.move_to_end(tab)
        if len(self._tabs) > _KNOWN_TABS:
            self._tabs.popitem(last=False)

    def _was_told(self, token: str | None, path: str) -> bool:
        """Whether a session was told of a file."""
        return (token, path.removeprefix(_MEDIA).partition(".")[0]) in self._files

    def _may_upload(self, visit: _Visit, path: str) -> bool:
        """Whether a file is sent, or taken back, by somebody who loads data, for a tab of their own session.

        Streamlit keeps whatever arrives in memory, also where no page asked for a file.
        """
        tab = path.removeprefix(_UPLOADS).partition("/")[0]
        loads = visit.user is not None and "load_data" in roles.pages_of(visit.user)
        return loads and visit.session is not None and self._tabs.get(tab) == visit.session

    def note_files(self, sent: bytes, token: str) -> None:
        """Which files a session was told of, by whatever message: it may fetch them, and nobody else may."""
        if b"/media/" not in sent:
            return
        for name in _TOLD_OF.findall(sent):
            key = (token, name.decode())
            self._files[key] = None
            self._files.move_to_end(key)
        while len(self._files) > _KNOWN_FILES:
            self._files.popitem(last=False)


@dataclass(frozen=True)
class _Visit:
    """Who asks: what the browser holds and whose it is. `user` is None where nobody has signed in."""

    is_by_openid: bool
    token: str | None
    user: User | None

    @property
    def session(self) -> str | None:
        """The token of a session that lasts."""
        return self.token if self.user else None

    @property
    def afterwards(self) -> str:
        """Where a tab goes when its session has ended: by OpenID Connect the page itself says so and offers it."""
        return "/" if self.is_by_openid else SIGN_IN


@dataclass
class _Line:
    """The two directions of a web socket, cut as soon as its session has ended."""

    from_browser: Receive
    to_browser: Send
    visit: _Visit
    guard: Guard
    is_cut: bool = False
    unread: int = 10

    async def receive(self) -> Message:
        """The browser's next message, while the session lasts; else the end of the line."""
        message = await self.from_browser()
        if message["type"] == "websocket.receive" and not await self._lasts(is_click=True):
            await self._cut()
        if self.is_cut:
            return {"type": "websocket.disconnect", "code": SIGNED_OUT_CODE}
        return message

    async def send(self, message: Message) -> None:
        """The server's next message; nothing leaves after the end."""
        if self.is_cut:
            return
        if self.visit.session and message["type"] == "websocket.send":
            self._note(message.get("bytes") or b"", self.visit.session)
        await self.to_browser(message)

    async def look(self, every: float) -> None:
        """Look from time to time whether the session still lasts."""
        while not self.is_cut:
            await asyncio.sleep(every)
            if not await self._lasts(is_click=False):
                await self._cut()

    async def _lasts(self, *, is_click: bool) -> bool:
        if self.visit.session is None:
            return True
        try:
            return await run_in_threadpool(_still, self.visit.session, is_click=is_click)
        except (UsersError, SessionsError) as error:
            LOG.error("nobody is let in: %s", error)
            return False

    async def _cut(self) -> None:
        if not self.is_cut:
            self.is_cut = True
            await self.to_browser({"type": "websocket.send", "bytes": _elsewhere(self.visit.afterwards)})
            await self.to_browser({"type": "websocket.close", "code": SIGNED_OUT_CODE, "reason": "signed out"})

    def _note(self, sent: bytes, token: str) -> None:
        self.guard.note_files(sent, token)
        if self.unread:
            self._note_tab(sent, token)

    def _note_tab(self, sent: bytes, token: str) -> None:
        """One of Streamlit's first messages tells the browser the number under which the tab may come back."""
        self.unread -= 1
        message = ForwardMsg.FromString(sent)
        if message.WhichOneof("type") == "new_session":
            self.unread = 0
            self.guard.remember(message.new_session.initialize.session_id, token)


_CLOSED: Final = "Nobody can sign in just now. The server's log says why."


def _who(scope: Scope, found: Users) -> tuple[str | None, User | None]:
    """What the browser holds, and whose it is."""
    cookies = HTTPConnection(scope).cookies
    if found.sign_in == "password":
        token = cookies.get(cookie_name(is_secure=scope["scheme"] in {"https", "wss"}))
        return token, signed.sessions().user(token, found)
    identity = openid.identity(cookies)
    return identity.token if identity else None, openid.user(identity, found)


def _still(token: str, *, is_click: bool) -> bool:
    return signed.sessions().user(token, signed.users_now(), is_click=is_click) is not None


def _is_page(scope: Scope) -> bool:
    """Whether a browser opens an address, as opposed to a page fetching its parts."""
    if scope["type"] != "http" or scope["method"] != "GET" or any(part in scope["path"] for part in _NO_PAGES):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _led(scope: Scope, user: User | None) -> Response | None:
    """By OpenID Connect: first to the bare address, where st.login begins and ends, then on to the page asked for."""
    request = HTTPConnection(scope)
    is_secure = request.url.scheme == "https"
    asked = local_path(unquote(request.cookies.get(_NEXT, "")))
    if user is None and scope["path"] != "/":
        wanted = local_path(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path)
        answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        value = quote(wanted, safe="")
        answer.set_cookie(_NEXT, value, _NEXT_SECONDS, path="/", secure=is_secure, httponly=True, samesite="lax")
        return answer
    if user is not None and asked != "/" and scope["path"] == "/":
        answer = RedirectResponse(asked, 303, {"Cache-Control": "no-store"})
        answer.delete_cookie(_NEXT, path="/", secure=is_secure, httponly=True, samesite="lax")
        return answer
    return None


def _is_open(scope: Scope, found: Users) -> bool:
    """Whether a request passes for everybody: by OpenID Connect, what the empty page is made of, and st.login's way."""
    path: str = scope["path"]
    if found.sign_in != "openid" or scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
        return False
    if path.startswith("/static/") or (path.endswith(_PROBES) and "/media/" not in path):
        return True
    return path != _LOGOUT and not _is_page(scope) and not any(part in path for part in _DATA)


async def _answer(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(answer)
    else:
        await answer(scope, receive, send)


async def _send_away(socket: WebSocket, where: str) -> None:
    """Open a web socket, say where to go in Streamlit's own words, and close it. Nothing of it reaches Streamlit."""
    asked = socket.headers.get(_PROTOCOLS, "").split(",")[0].strip()
    await socket.accept(subprotocol=asked if asked == "streamlit" else None)
    await socket.send_bytes(_elsewhere(where))
    await socket.close(SIGNED_OUT_CODE, "signed out")


def _elsewhere(where: str) -> bytes:
    """Streamlit's message that sends the browser to another address, as st.login sends it."""
    message = ForwardMsg()
    message.auth_redirect.url = where
    return bytes(message.SerializeToString())
