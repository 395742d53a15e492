"""Sign-in by OpenID Connect: what Streamlit's cookie says of a person, and what [auth] in secrets.toml must hold.

Streamlit talks to the provider (st.login: state, nonce, S256 where the provider knows it) and puts the claims of the
ID token into a cookie that is signed, but not kept on the server, and good for 30 days. So that a sign-in ends sooner,
and at once by signing out, Upboard keeps a session for each such cookie (pages.sessions). No page is drawn here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from pages import signed
from pages.users import User, Users, UsersError

SHORTEST_SECRET: Final = 32
# Microsoft's tenants of everybody: whoever owns a tenant there may write any e-mail address into a token.
_ANYBODYS: Final = frozenset(("common", "organizations", "consumers"))


@dataclass(frozen=True)
class Identity:
    """Whom a provider vouched for. `token` stands for the cookie; `issued_at` is seconds since 1970, UTC."""

    token: str
    login: str
    is_verified: bool
    issued_at: float


def identity(cookies: Mapping[str, str]) -> Identity | None:
    """Whom the cookies of a request name; None without Streamlit's cookie, or with one that it did not sign.

    A provider that says nothing of `email_verified` is believed (Microsoft Entra leaves it out).
    """
    secret = _cookie_secret()
    raw = get_cookie_with_chunks(lambda name: _signed(secret, name, cookies.get(name)), USER_COOKIE_NAME)
    if raw is None:
        return None
    try:
        claims = json.loads(raw)
    except ValueError:
        return None
    return _identity(claims, cookies) if isinstance(claims, dict) and claims.get("is_logged_in") is True else None


def user(found: Identity | None, users: Users) -> User | None:
    """The user that a provider vouched for, while the session lasts that began when it did.

    None for an address that is not verified or not listed: that is written down once for each cookie.
    """
    if found is None:
        return None
    sessions, listed = signed.sessions(), users.find(found.login)
    known = listed if found.is_verified else None
    if known is None:
        if sessions.note(found.token, "", "", found.issued_at, is_refused=True):
            signed.refused(listed, found.login, "address not verified")
        return None
    running = sessions.user(found.token, users)
    # The first request with this cookie begins the session; one that has ended does not begin again.
    if running is None and sessions.note(found.token, known.key, known.stamp, found.issued_at):
        signed.came(known, "openid")
        return sessions.user(found.token, users)
    return running


def providers() -> tuple[str, ...]:
    """The names of the providers in [auth], as st.login takes them; "default" for one that has no name.

    UsersError where there is none, where the secret that signs the cookies is short enough to guess, or where a
    provider would vouch for addresses of other people's companies.
    """
    auth = _auth()
    found = tuple(_parts(auth))
    if not found:
        hint = "Write the provider's part [auth] into .streamlit/secrets.toml, as docs/sign_in.md shows."
        raise UsersError('Users sign in by "openid", but no provider is named.', hint)
    _cookie_secret()
    return found


def _parts(auth: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The providers of [auth] by name."""
    named = {name: part for name, part in auth.items() if isinstance(part, Mapping) and "client_id" in part}
    return {"default": auth, **named} if "client_id" in auth else named


def _identity(claims: Mapping[str, Any], cookies: Mapping[str, str]) -> Identity | None:
    login, issued_at = claims.get("email"), claims.get("iat")
    if not isinstance(login, str) or isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return None
    is_refuted = str(claims.get("email_verified", True)).strip().lower() in {"false", "0", "none", ""}
    return Identity(_token(cookies), login, not is_refuted, float(issued_at))


def _token(cookies: Mapping[str, str]) -> str:
    """What stands for the cookie: a hash of it with all its chunks."""
    names = sorted(name for name in cookies if _is_part(name))
    return hashlib.sha256(json.dumps([(name, cookies[name]) for name in names]).encode()).hexdigest()


def _is_part(name: str) -> bool:
    return name == USER_COOKIE_NAME or name.removeprefix(f"{USER_COOKIE_NAME}_").isdigit()


def _signed(secret: str, name: str, value: str | None) -> bytes | None:
    return None if value is None else decode_signed_value(secret, name, value.encode("latin-1", "ignore"))


def _cookie_secret() -> str:
    """The secret that signs the cookies. UsersError where what it signs could not be believed."""
    secret = get_cookie_secret()
    if len(secret) < SHORTEST_SECRET:
        raise UsersError(
            f"The cookie_secret in [auth] is shorter than {SHORTEST_SECRET} characters: sign-ins could be forged.",
            'Make one: python -c "import secrets; print(secrets.token_urlsafe(48))".',
        )
    for name, part in _parts(_auth()).items():
        tenant = urlsplit(str(part.get("server_metadata_url", ""))).path.strip("/").partition("/")[0]
        if tenant.lower() in _ANYBODYS:
            raise UsersError(
                f"The provider {name} in [auth] takes people of every company ({tenant}), who choose their address.",
                "Name your own tenant in server_metadata_url, as docs/sign_in.md shows.",
            )
    return secret


def _auth() -> Mapping[str, Any]:
    """The part [auth] of Streamlit's secrets; empty where there is none."""
    try:
        found = st.secrets.get("auth", {})
    except StreamlitSecretNotFoundError:
        return {}
    return found if isinstance(found, Mapping) else {}
