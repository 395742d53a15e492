"""Bytes to letters: by their mark, else as they look, else as somebody said."""

from __future__ import annotations

import codecs
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 65_536
_UNSURE: Final = "its letters were read as Windows-1252 (as Latin-1), since they are not UTF-8"


def letters_of(content: bytes, told: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of the bytes, and what to say about how it was read.

    `told` is the encoding that somebody named; without it the bytes' mark decides, else UTF-8, else UTF-16 where every
    other byte is zero, else Windows-1252. A byte that stands for no letter becomes a replacement mark.

    Raises:
        ValueError: There is no encoding of the told name.
    """
    if told is not None:
        return content.decode(known_encoding(told), errors="replace"), (f"read as {told}, as asked",)
    encoding = guessed_encoding(content)
    return content.decode(encoding, errors="replace"), encoding_note(encoding)


def guessed_encoding(content: bytes) -> str:
    """How bytes stand for letters: as their mark says, else as they look; Windows-1252 where they are not UTF-8."""
    marked = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    if wide := marked or _wide(content[:_SAMPLE]):
        return wide[0]
    try:
        content.isascii() or content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def encoding_note(encoding: str) -> tuple[str, ...]:
    """What a person must know about guessed letters: nothing for Unicode, else which table of letters was taken."""
    return (_UNSURE,) if encoding == "cp1252" else ()


def known_encoding(told: str) -> str:
    """The encoding of a name, as Python calls it.

    Raises:
        ValueError: There is none, or it is none of letters.
    """
    try:
        found = codecs.lookup(told).name
        b"".decode(found)
    except (LookupError, ValueError) as error:
        raise ValueError(f'there is no encoding "{told}" (try utf-8, cp1252, iso-8859-7 or utf-16)') from error
    return found


def _wide(sample: bytes) -> list[str]:
    """UTF-16 without a mark: in plain text every other byte is zero."""
    odd, even = sample[1::2], sample[0::2]
    if len(odd) < 2:
        return []
    little = odd.count(0) > 0.7 * len(odd) and even.count(0) == 0
    big = even.count(0) > 0.7 * len(even) and odd.count(0) == 0
    return ["utf-16-le"] * little + ["utf-16-be"] * big
