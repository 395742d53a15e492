"""Numbers as people write them to numbers as a computer writes them, the decimal mark decided over the whole column.

"1.234" and "1,234" can each be read in two ways. Another cell of the column tells which (12,50 or 1,234.56), or the
currency does (R$); where nothing tells, a comma before three digits parts thousands, and a dot before three digits is
a decimal point, except in amounts of money, where it is left unread: money ends at the cent.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_SPACE: Final = r"[ \x{a0}\x{202f}\x{2009}]"
_APOSTROPHE: Final = r"['\x{2019}]"
_LAKHS: Final = r"|[1-9]\d?(?:,\d{2})+,\d{3}"  # 12,34,567.89 in India


def _written(point: str, group: str, more: str = "") -> str:
    """Digits, whole or in groups of three by one kind of mark, and the decimals after the point."""
    groups = "|".join(rf"(?:{mark}\d{{3}})+" for mark in (group, _SPACE, _APOSTROPHE))
    return rf"^(?:(?:\d+|[1-9]\d{{0,2}}(?:{groups}){more})(?:{point}\d*)?|{point}\d+)$"


_BY_POINT: Final = _written(r"\.", ",", _LAKHS)
_BY_COMMA: Final = _written(",", r"\.")
_EITHER: Final = r"^[1-9]\d{0,2}[.,]\d{3}$"
_COMMA_CURRENCY: Final = "R$"
_LETTERS: Final = r"[A-Z]{3}|kr\.?|z\x{142}|Rs\.?|Fr\."
_THOUSANDS: Final = {"k": 1_000, "m": 1_000_000}


def plain_numbers(words: pl.Series, *, is_money: bool = False) -> pl.DataFrame:
    """Columns `number` (such as -1539.26, null for what is none) and `times` (1,000 for "1.1K", else 1), row by row.

    `words` have no percent sign. `is_money`: a third decimal is not to be expected. The sign may be a minus before or
    after the digits or the currency, or parentheses; a currency is a sign or letters before or after.
    """
    digits, is_negative, times = _bare(words)
    by_point, by_comma = digits.str.contains(_BY_POINT), digits.str.contains(_BY_COMMA)
    either = digits.str.contains(_EITHER)
    has_comma_currency = words.str.contains(_COMMA_CURRENCY, literal=True)
    proves_point = bool((by_point & ~by_comma).any())
    proves_comma = bool((by_comma & ~by_point | either & has_comma_currency).any())
    frame = pl.DataFrame(
        {
            "digits": digits,
            "point": digits.str.replace_all(r"[^\d.]", ""),
            "comma": digits.str.replace_all(r"[^\d,]", "").str.replace(",", ".", literal=True),
            "minus": is_negative,
            "either": either,
            "by_point": by_point,
            "by_comma": by_comma,
            "times": times,
        }
    )
    undecided = _undecided(is_money=is_money) if proves_point == proves_comma else _decided(is_comma=proves_comma)
    is_mixed = proves_point and proves_comma
    number = (
        pl.when("either")
        .then(pl.lit(None, pl.String) if is_mixed else undecided)
        .when("by_point")
        .then("point")
        .when("by_comma")
        .then("comma")
    )
    sign = pl.when("minus").then(pl.lit("-")).otherwise(pl.lit(""))
    return frame.select(number=(sign + number).alias(words.name), times="times")


def _decided(*, is_comma: bool) -> pl.Expr:
    return pl.col("comma") if is_comma else pl.col("point")


def _undecided(*, is_money: bool) -> pl.Expr:
    """What "1,234" and "1.234" are when nothing tells."""
    has_dot = pl.col("digits").str.contains(".", literal=True)
    return pl.when(has_dot & is_money).then(pl.lit(None, pl.String)).otherwise("point")


def _bare(words: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Digits and their marks; whether a minus or parentheses stand around them; what a K or M multiplies them by."""
    bare = words.str.replace_all(r"[A-Z]{0,3}\p{Sc}", "").str.replace_all("[\u2212\u2013]", "-")
    for letters in (rf"^([-(+\s]*)(?:{_LETTERS})\s*", rf"\s*(?:{_LETTERS})([-)\s]*)$"):
        bare = bare.str.replace(letters, "$1").str.strip_chars()
    is_negative = bare.str.contains(r"^\(.*\)$|^-|-$").fill_null(value=False)
    digits = bare.str.strip_chars("()-+ ").str.strip_chars()
    suffix = digits.str.extract(r"\d\s?([kKmM])$").str.to_lowercase()
    times = suffix.replace_strict(_THOUSANDS, default=1, return_dtype=pl.Int64)
    return digits.str.replace(r"(\d)\s?[kKmM]$", "$1"), is_negative, times
