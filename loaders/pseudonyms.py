"""What stands in place of a name, an e-mail or a phone that was erased: a keyed hash of what it is compared by.

Equal ones stay equal and different ones differ, so the same leads are one customer before and after, and every number
stays. Nobody can read a pseudonym; who holds the secret can test whether a value that they know already was meant.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

import polars as pl

ERASED: Final = "(erased)"
# 96 bits: two of ten million customers meet by chance once in ten quadrillion warehouses.
LENGTH: Final = 24
_PSEUDONYM: Final = rf"^[0-9a-f]{{{LENGTH}}}$"
_ERASED_EMAIL: Final = rf"^erased-([0-9a-f]{{{LENGTH}}})@"
_NOWHERE: Final = "erased.invalid"  # RFC 2606: nobody can ever receive mail there
_SEPARATOR: Final = "\x1f"


def pseudonym(secret: str, kind: str, value: str) -> str:
    """The pseudonym of one value: SHA-256 of secret, kind and value, shortened. name_key in 00_functions.sql agrees."""
    return sha256(_SEPARATOR.join((secret, kind, value)).encode()).hexdigest()[:LENGTH]


def sealed(keys: pl.Series, kind: str, secret: str) -> pl.Series:
    """Keys of identity as pseudonyms; null stays null, and what is a pseudonym already stays as it is."""
    different = keys.drop_nulls().unique()
    open_ones = different.filter(~different.str.contains(_PSEUDONYM)).to_list()
    seals = {key: pseudonym(secret, kind, key) for key in open_ones}
    return keys.replace(list(seals), list(seals.values())) if seals else keys


def is_pseudonym(text: str) -> bool:
    """Whether a key of identity is one of somebody who was erased, or of a warehouse that erased somebody."""
    return re.match(_PSEUDONYM, text) is not None


def erased_text(key: str | None) -> str:
    """What a name or phone cell holds once it is erased: "(erased)", with the pseudonym of its key where it had one."""
    return f"{ERASED} {key}" if key else ERASED


def erased_email(key: str | None, domain: str | None = None) -> str:
    """What an e-mail cell holds once it is erased. A domain is kept where it says that the lead is a test."""
    return f"erased-{key}@{domain or _NOWHERE}" if key else ERASED


def is_erased_text(column: str) -> pl.Expr:
    """Whether a name or phone cell was erased."""
    return pl.col(column).str.starts_with(ERASED)


def key_in_text(column: str) -> pl.Expr:
    """The pseudonym in an erased name or phone cell, null where it holds none."""
    rest = pl.col(column).str.slice(len(ERASED) + 1)
    return pl.when(rest != "").then(rest)


def key_in_email(column: pl.Expr) -> pl.Expr:
    """The pseudonym in an erased e-mail cell; null in any other."""
    return column.str.extract(_ERASED_EMAIL)
