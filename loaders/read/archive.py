"""Zip and gzip files to their members, in memory: a member's name is only shown, nothing is ever written by it."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP: Final = b"\x1f\x8b"
_SIZE_CHUNK: Final = 1 << 20

MOST_BYTES: Final = 2 * 1024**3
MOST_MEMBERS: Final = 1_000
# CSV shrinks to a tenth, a very even one to a hundredth; what shrinks more is made to fill the memory.
MOST_RATIO: Final = 200
SMALL: Final = 16 * 1024**2
DEEPEST: Final = 2


@dataclass(frozen=True)
class Member:
    """A file inside an archive: its name as the archive writes it, and its bytes."""

    name: str
    content: bytes


def is_zip(content: bytes) -> bool:
    """Whether the bytes begin as a zip file does; a workbook is one as well."""
    return content.startswith(_ZIP)


def is_gzip(content: bytes) -> bool:
    """Whether the bytes begin as a gzip file does."""
    return content.startswith(_GZIP)


def is_zipped_workbook(content: bytes) -> bool:
    """Whether a zip file is an xlsx, xlsm, xlsb or ods workbook, by what lies in it.

    Raises:
        ValueError: The zip file is damaged.
    """
    with _opened(content) as archive:
        names = set(archive.namelist())
    return "[Content_Types].xml" in names or {"content.xml", "META-INF/manifest.xml"} <= names


def unpacked(content: bytes) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each file of a zip archive with its bytes piece by piece, so that no whole stands in memory.

    Raises:
        ValueError: It is damaged, locked, or unpacks to more than is taken, or than it says of itself.
    """
    with _opened(content) as archive:
        _check_claims(archive, len(content))
        for info in archive.infolist():
            yield info.filename, _chunks(archive, info)


def members_of(content: bytes) -> Iterator[Member]:
    """Each file of a zip archive; of a gzip file the only one, without a name of its own.

    Raises:
        ValueError: It is damaged, locked by a password, or unpacks to more than is taken.
    """
    if is_gzip(content):
        yield Member("", _inflated(content))
        return
    with _opened(content) as archive:
        _check_claims(archive, len(content))
        for info in archive.infolist():
            # is_dir() looks at the last letter, which a name of nothing does not have.
            if not info.filename.endswith("/"):
                yield Member(info.filename, b"".join(_chunks(archive, info)))


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError) as error:
        raise ValueError(f"it is a zip file that is damaged ({error})") from error


def _check_claims(archive: zipfile.ZipFile, packed: int) -> None:
    """Hold what the archive says of itself against the limits, before anything is unpacked."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise ValueError(f"it holds {len(infos):,} files, and at most {MOST_MEMBERS:,} are taken")
    _check_growth(sum(info.file_size for info in infos), packed)
    if any(info.flag_bits & 1 for info in infos):
        raise ValueError("it is locked by a password; save it without one")


def _check_growth(unpacked: int, packed: int) -> None:
    if unpacked > MOST_BYTES:
        raise ValueError(f"it unpacks to more than {MOST_BYTES // 1024**2:,} MB")
    if unpacked > SMALL and unpacked > MOST_RATIO * packed:
        raise ValueError(f"it unpacks to more than {MOST_RATIO} times its size, as no export does")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a member, never more than it says of itself: Python's reader stops there and checks the sum."""
    try:
        with archive.open(info) as file:
            while chunk := file.read(_SIZE_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise ValueError(f"it is a zip file that is damaged ({error})") from error
    except (NotImplementedError, RuntimeError) as error:
        raise ValueError(f"it is packed in a way that cannot be read ({error})") from error


def _inflated(content: bytes) -> bytes:
    """A gzip file unpacked piece by piece, so that one that would fill the memory is found on the way."""
    pieces: list[bytes] = []
    size = 0
    try:
        with gzip.open(io.BytesIO(content)) as file:
            while piece := file.read(_SIZE_CHUNK):
                size += len(piece)
                _check_growth(size, len(content))
                pieces.append(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is a gzip file that is damaged ({error})") from error
    return b"".join(pieces)
