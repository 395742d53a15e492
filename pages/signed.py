"""What the routes, the gate and the pages of the sign-in share: the users as they stand now, and what is written down.

Nothing personal goes into the log but the login of a user that is known; what somebody else typed is told apart by a
keyed hash.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

from pages.journal import Journal, open_journal
from pages.sessions import Sessions, open_sessions, warehouse
from pages.users import User, Users, UsersError, read_users, users_file

LOG: Final = logging.getLogger("upboard.sign_in")
SIGNED_IN: Final = "signed_in"
REFUSED: Final = "sign_in_refused"
SIGNED_OUT: Final = "signed_out"


def users_now() -> Users:
    """The users as the file has them now: a change counts from the next click on. UsersError where it is wrong."""
    path = users_file()
    try:
        found = path.stat()
    except OSError as error:
        raise UsersError(
            f"The file of users {path} cannot be read: {error}.", "Nobody gets in before it can."
        ) from error
    return _read(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=1)
def _read(path: Path, changed_ns: int, size: int, inode: int) -> Users:  # noqa: ARG001  # what tells two states apart
    return read_users(path)


def sessions() -> Sessions:
    """The sessions of this server."""
    return open_sessions()


def came(user: User, way: str) -> None:
    """Write down that somebody signed in, by "password" or by the name of a provider."""
    _journal().write(SIGNED_IN, who=user.login, note=f"by {way}")
    LOG.info("signed in: %s", user.login)


def refused(user: User | None, login: str, reason: str = "wrong password") -> None:
    """Write down a try that failed. Of a login that is not known, only a keyed hash."""
    alias = user.login if user else sessions().alias(login)
    why = reason if user else "unknown login"
    _journal().write(REFUSED, who=user.login if user else "", note=why, alias="" if user else alias)
    LOG.warning("sign-in refused: %s, %s", alias, why)


def left(token: str | None) -> None:
    """End a session, and write down that its user signed out. Nothing where it had ended already."""
    login = sessions().end(token)
    if login:
        _journal().write(SIGNED_OUT, who=login)
        LOG.info("signed out: %s", login)


def _journal() -> Journal:
    return open_journal(warehouse())
