"""The sign-in by password: a form of its own, served beside the dashboard, and the cookie that it gives.

Streamlit cannot set a cookie from a script, so these are routes of the server (Starlette): /sign-in and /sign-out.
Sources: OWASP Authentication and Session Management cheat sheets; RFC 6265bis (the prefix __Host-).
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pages import passwords, signed
from pages.journal import JournalError
from pages.sessions import SessionsError
from pages.users import User, Users, UsersError

LOG: Final = logging.getLogger("upboard.sign_in")
SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
COOKIE: Final = "upboard_session"
_FORM_COOKIE: Final = "upboard_form"
_HOST: Final = "__Host-"
_BODY_BYTES: Final = 8 * 1024
_NEXT_LENGTH: Final = 2000
# A hash takes 64 MiB while it is made: two at a time, the others wait.
_HASHING: Final = CapacityLimiter(2)

Page = Callable[[Request], Awaitable[Response]]

_WRONG: Final = "This login and password do not belong together."
_OLD: Final = "This form was open for too long, or cookies are off. Please try again."
_CLOSED: Final = "Nobody can sign in just now. The server's log says why."
_ENDED: Final = "You are signed out."

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, auto_reload=False
)


@dataclass(frozen=True)
class Form:
    """What the page shows: a message, where to go afterwards, the login as it was typed."""

    said: str = ""
    next: str = "/"
    login: str = ""
    is_error: bool = True


def sign_in_routes() -> list[BaseRoute]:
    """The routes of the sign-in, for the server's application."""
    return [
        Route(SIGN_IN, _answered(_show), methods=["GET"]),
        Route(SIGN_IN, _answered(_try), methods=["POST"]),
        Route(SIGN_OUT, _answered(_ask_to_leave), methods=["GET"]),
        Route(SIGN_OUT, _answered(_leave), methods=["POST"]),
    ]


def cookie_name(*, is_secure: bool) -> str:
    """The name of the session's cookie: behind TLS one that no other host, path or plain line can set."""
    return f"{_HOST}{COOKIE}" if is_secure else COOKIE


def local_path(asked: str | None) -> str:
    """Where to go after the sign-in: a path of this server, else its first page. Never another host."""
    if not asked or len(asked) > _NEXT_LENGTH or not asked.isascii() or not asked.isprintable():
        return "/"
    parts = urlsplit(asked)
    is_here = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked
    is_loop = parts.path in {SIGN_IN, SIGN_OUT}
    return asked if is_here and not is_loop and not (parts.scheme or parts.netloc) else "/"


def sign_in_address(path: str, query: str = "") -> str:
    """The address of the sign-in that leads back to a page."""
    back = local_path(f"{path}?{query}" if query else path)
    return SIGN_IN if back == "/" else f"{SIGN_IN}?{urlencode({'next': back})}"


def _answered(page: Page) -> Page:
    """A page that says so where its files cannot be used, instead of how."""

    async def answer(request: Request) -> Response:
        try:
            return await page(request)
        except (UsersError, SessionsError, JournalError) as error:
            LOG.error("sign-in is not possible: %s", error)
            return _form(request, Form(_CLOSED), 503)

    return answer


async def _show(request: Request) -> Response:
    """The form; who is signed in already goes on."""
    users, back = signed.users_now(), local_path(request.query_params.get("next"))
    if users.sign_in != "password":
        return RedirectResponse(back, 303)
    token = request.cookies.get(_name(request))
    if await run_in_threadpool(signed.sessions().user, token, users):
        return RedirectResponse(back, 303)
    said = _ENDED if "out" in request.query_params else ""
    return _form(request, Form(said, back, is_error=False), clears=token is not None)


async def _try(request: Request) -> Response:
    """One try: the token of the form, then the waiting time, then the password."""
    fields = await _fields(request)
    if fields is None:
        return _form(request, Form("That was too much text for a sign-in."), 413)
    login, password = fields.get("login", "").strip(), fields.get("password", "")
    back = local_path(fields.get("next"))
    if not _is_own_form(request, fields):
        return _form(request, Form(_OLD, back, login), 403)
    users = signed.users_now()
    if users.sign_in != "password":
        return RedirectResponse(back, 303)
    wait = await run_in_threadpool(signed.sessions().admit, login, _address(request))
    if wait > 0:
        return _too_many(request, Form("", back, login), wait)
    user = await to_thread.run_sync(_checked, users, login, password, limiter=_HASHING)
    if user is None:
        await run_in_threadpool(signed.refused, users.find(login), login)
        return _form(request, Form(_WRONG, back, login), 401)
    return await run_in_threadpool(_let_in, request, user, back)


def _checked(users: Users, login: str, password: str) -> User | None:
    """The user whose password it is. The same work is done for a login that there is not."""
    user = users.find(login)
    is_right = passwords.is_right(password, user.password if user else None)
    return user if is_right else None


def _let_in(request: Request, user: User, back: str) -> Response:
    """A new session under a new token; one that the browser held before ends."""
    sessions, name = signed.sessions(), _name(request)
    sessions.forgive(user.login, _address(request))
    sessions.end(request.cookies.get(name))
    token = sessions.begin(user)
    signed.came(user, "password")
    answer = RedirectResponse(back, 303)
    answer.set_cookie(name, token, path="/", secure=_is_secure(request), httponly=True, samesite="lax")
    answer.delete_cookie(_form_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="strict")
    return answer


async def _ask_to_leave(request: Request) -> Response:
    """A page with one button: an address alone signs nobody out."""
    return _form(request, Form(), page="sign_out.html.jinja")


async def _leave(request: Request) -> Response:
    fields = await _fields(request)
    if fields is None or not _is_own_form(request, fields):
        return _form(request, Form(_OLD), 403, page="sign_out.html.jinja")
    await run_in_threadpool(signed.left, request.cookies.get(_name(request)))
    answer = RedirectResponse(f"{SIGN_IN}?out", 303)
    _forget(request, answer)
    return answer


def _too_many(request: Request, form: Form, wait: float) -> Response:
    seconds = max(1, round(wait + 0.5))
    when = f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
    LOG.warning("sign-in slowed: too many tries, %d s to wait", seconds)
    said = f"Too many tries. Please wait {when}, then try again."
    answer = _form(request, Form(said, form.next, form.login), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _form(
    request: Request, form: Form, status: int = 200, *, page: str = "sign_in.html.jinja", clears: bool = False
) -> Response:
    """The page with a form token that its own cookie holds too: another site can send a form, but not read that."""
    token = secrets.token_urlsafe(32)
    html = _PAGES.get_template(page).render(form=form, token=token, sign_in=SIGN_IN, sign_out=SIGN_OUT)
    answer = HTMLResponse(html, status, {"Cache-Control": "no-store"})
    if clears:
        _forget(request, answer)
    is_secure = _is_secure(request)
    answer.set_cookie(_form_name(request), token, path="/", secure=is_secure, httponly=True, samesite="strict")
    return answer


def _forget(request: Request, answer: Response) -> None:
    answer.delete_cookie(_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax")


def _is_own_form(request: Request, fields: dict[str, str]) -> bool:
    held, sent = request.cookies.get(_form_name(request), ""), fields.get("form", "")
    return bool(held) and hmac.compare_digest(held.encode(), sent.encode("utf-8", "replace"))


async def _fields(request: Request) -> dict[str, str] | None:
    """The fields of a form, each once; None where the body is longer, or has more fields, than any form of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            return None
    try:
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10, errors="replace")
    except ValueError:
        return None
    return {name: values[0] for name, values in found.items()}


def _is_secure(request: Request) -> bool:
    """Whether the browser came by TLS: straight, or through a proxy that the server trusts."""
    return request.url.scheme == "https"


def _name(request: Request) -> str:
    return cookie_name(is_secure=_is_secure(request))


def _form_name(request: Request) -> str:
    return f"{_HOST}{_FORM_COOKIE}" if _is_secure(request) else _FORM_COOKIE


def _address(request: Request) -> str:
    """Where a try comes from. Of IPv6 the network of 64 bits: one desk has as many addresses as it likes in it."""
    host = request.client.host if request.client else ""
    try:
        found = ip_address(host)
    except ValueError:
        return host
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)
