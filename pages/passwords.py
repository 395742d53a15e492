"""Passwords: hashed by argon2id, compared in the same time whether there is such a user or not.

Parameters: the second choice of RFC 9106 (64 MiB, 3 passes, 4 lanes), which is what argon2-cffi takes by default.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from functools import cache
from secrets import token_bytes
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pages.users import key_of

SHORTEST: Final = 12
# Longer ones are refused before they are hashed: what is hashed costs time, and so must have an end.
LONGEST: Final = 256

# What is left of the passwords that are tried first, once digits and signs around them are taken away.
_DECORATION: Final = "0123456789!?.,-_*#$%&@ "
_TRIED_FIRST: Final = frozenset(
    {"", "abcdefghijkl", "admin", "administrator", "asdfghjkl", "changeme", "dealership", "iloveyou", "letmein"}
    | {"passw0rd", "password", "passwort", "qwertyuiop", "qwertyuiopasdf", "upboard", "welcome"}
)

_HASHER: Final = PasswordHasher()


def weakness(password: str, login: str) -> str | None:
    """Why a password may not be used, in words; None where it may.

    Length is what counts (NIST SP 800-63B): at least 12 characters, not the login or a part of it, not one sign over
    and over, and none of those that are tried first.
    """
    if len(password) < SHORTEST:
        return f"it has {len(password)} characters; {SHORTEST} is the least"
    if len(password) > LONGEST:
        return f"it has more than {LONGEST} characters"
    lowered, key = password.lower(), key_of(login)
    if lowered in key or key in lowered or key.partition("@")[0] == lowered.rstrip("0123456789!"):
        return "it is made of the login"
    if len(set(lowered)) < 5:
        return "it is made of fewer than five different signs"
    if lowered.strip(_DECORATION) in _TRIED_FIRST:
        return "it is one of those that are tried first"
    return None


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its own random salt. ValueError where it is longer than any may be."""
    if len(password) > LONGEST:
        raise ValueError(f"a password has at most {LONGEST} characters")
    return _HASHER.hash(_same(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether a password is the one of a hash. Without a hash the same work is done, and the answer is no."""
    is_possible = kept is not None and len(password) <= LONGEST
    try:
        return _HASHER.verify(kept if kept and is_possible else _nobodys(), _same(password[:LONGEST])) and is_possible
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """A hash that no password has, with the parameters of every other: comparing with it takes as long."""
    salt, end = (b64encode(token_bytes(size)).rstrip(b"=").decode() for size in (_HASHER.salt_len, _HASHER.hash_len))
    return f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}${salt}${end}"


def _same(password: str) -> str:
    """One form for what looks the same: keyboards write é in two ways (Unicode NFC, as RFC 8265 asks)."""
    return unicodedata.normalize("NFC", password)
