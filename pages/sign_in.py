"""Who looks at a page: nobody sees anything before `require` has said who it is.

By password the server's own form signs people in (pages.local_sign_in) and its door keeps everybody else out
(pages.guard); here the session is looked at again at every run. By OpenID Connect the sign-in begins here, by
Streamlit's st.login.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitAuthError
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import openid, signed, users
from pages.local_sign_in import SIGN_IN, cookie_name
from pages.sessions import SessionsError
from pages.theme import plain
from pages.users import EVERYBODY, User, Users, UsersError

LOG: Final = logging.getLogger("upboard.sign_in")
_NOT_HERE: Final = "Nobody can sign in just now. The server's log says why; an administrator can mend it."


def current() -> User | None:
    """Who this run is for: EVERYBODY where no sign-in is configured, None while nobody is signed in.

    The session is looked at anew, so that one that has ended, a password that was changed and a user who was taken out
    count from the next run on. UsersError or SessionsError where the files cannot be read.
    """
    if not users.configured():
        return EVERYBODY
    found = signed.users_now()
    return openid.user(_identity(), found) if found.sign_in == "openid" else signed.sessions().user(_token(), found)


def require() -> User:
    """Give who this run is for, or draw the sign-in and end the run: nothing below it is drawn for anybody else."""
    try:
        user = current()
        if user is None:
            _draw(signed.users_now())
            st.stop()
    except (UsersError, SessionsError) as error:
        LOG.error("nobody is let in: %s", error)  # what and hint, not where in the code
        st.error(_NOT_HERE)
        st.stop()
    return user


def draw_who(user: User) -> None:
    """Say who is signed in, with the button to sign out; nothing where no sign-in is configured."""
    if user is EVERYBODY or not user.login:
        return
    st.caption(f"Signed in as {plain(user.name)}", help=plain(user.login))
    st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=sign_out)


def sign_out() -> None:
    """End the session on the server, and send the browser to the sign-in (by OpenID Connect, to the provider's end)."""
    if not users.configured():
        return
    if signed.users_now().sign_in == "openid":
        found = _identity()
        signed.left(found.token if found else None)
        st.logout()
        return
    signed.left(_token())
    _go(f"{SIGN_IN}?out")


def _draw(found: Users) -> None:
    """The page of somebody who is not signed in."""
    st.title("Sign in to Upboard")
    if found.sign_in == "password":
        st.info(f"Please sign in: [to the sign-in]({SIGN_IN}).")
        return
    names, identity = openid.providers(), _identity()
    if identity is not None:
        _draw_refusal(identity, found)
    elif st.user.get("is_logged_in"):
        st.warning("Your provider did not say which e-mail address is yours, so Upboard cannot tell who you are.")
    else:
        st.write("With the account of your dealership.")
    for name in names:
        words = "Sign in" if name == "default" else f"Sign in with {name.capitalize()}"
        st.button(words, key=f"sign_in_{name}", type="primary", on_click=_to_provider, args=(name,))


def _draw_refusal(identity: openid.Identity, found: Users) -> None:
    """Why somebody whom the provider knows sees nothing here."""
    if not identity.is_verified:
        st.warning("Your provider has not verified your e-mail address, so Upboard cannot tell whether it is yours.")
    elif found.find(identity.login) is None:
        who = plain(identity.login)
        st.warning(f"You are signed in as {who}, but nobody has given {who} access to Upboard. Ask its administrator.")
    else:
        st.info("Your sign-in has ended. Please sign in again.")
        return
    st.button("Sign out", key="sign_out", on_click=st.logout)


def _to_provider(name: str) -> None:
    try:
        st.login(None if name == "default" else name)
    except StreamlitAuthError as error:
        LOG.error("st.login does not work: %s", error)  # what is wrong with the secrets
        st.error(_NOT_HERE)


def _identity() -> openid.Identity | None:
    """Whom Streamlit's cookie names, where Streamlit itself took it (it checks the origin and the XSRF token too)."""
    if not st.user.get("is_logged_in"):
        return None
    found = openid.identity(_cookies())
    return found if found is not None and found.login == st.user.get("email") else None


def _token() -> str | None:
    """The session's token. The name for TLS first: a plain line cannot have set it."""
    cookies = _cookies()
    return cookies.get(cookie_name(is_secure=True)) or cookies.get(cookie_name(is_secure=False))


def _cookies() -> Mapping[str, str]:
    """The cookies with which the browser opened its web socket."""
    return st.context.cookies


def _go(address: str) -> None:
    """Send the browser to another address of this server, as st.login does; outside of a server, nothing happens."""
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = address
        context.enqueue(message)
