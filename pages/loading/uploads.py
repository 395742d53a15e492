"""Dropped files on their way into the loaders: laid out in a folder of their own, read, and taken away again.

No streamlit here. A file's name never decides where it is written: it stands alone in a numbered folder, under its last
part without anything that a file system takes as a sign.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loaders.draft import largest
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet, take_in
from loaders.progress import Progress
from loaders.read import RawFrame

# A file system allows 255 bytes; a letter may take four of them.
_LONGEST_NAME: Final = 60
_PREVIEWED: Final = 50


@dataclass(frozen=True)
class Upload:
    """A dropped file: the name that it had and what it holds."""

    name: str
    content: bytes


def safe_name(name: str) -> str:
    """The last part of a name, short and without signs: "../../etc/pass:wd.csv" is "pass_wd.csv"."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter if letter.isprintable() and letter not in '<>:"|?*' else "_" for letter in last).strip(". ")
    stem, dot, suffix = kept.rpartition(".")
    return f"{stem[:_LONGEST_NAME]}.{suffix[:10]}" if dot and stem else kept[:_LONGEST_NAME] or "file"


@contextmanager
def laid_out(uploads: Sequence[Upload]) -> Iterator[tuple[Path, list[Path]]]:
    """A folder that only this server's user may enter, and each file in it; both are gone afterwards.

    Raises:
        LoaderError: The disk has no room for them.
    """
    with tempfile.TemporaryDirectory(prefix="upboard-") as name:
        folder = Path(name)
        paths = [folder / str(number) / safe_name(upload.name) for number, upload in enumerate(uploads)]
        try:
            for path, upload in zip(paths, uploads, strict=True):
                path.parent.mkdir()
                path.write_bytes(upload.content)
        except OSError as error:
            reason = error.strerror or str(error)
            raise LoaderError(f"The dropped files cannot be put aside: {reason}.", "Free some space.") from error
        yield folder, paths


def take(uploads: Sequence[Upload], choices: Choices, progress: Progress) -> list[Sheet]:
    """Every sheet of the dropped files, read and conformed, under the names that people know them by."""
    with laid_out(uploads) as (folder, paths):
        return [_renamed(sheet, folder) for sheet in take_in(paths, choices, progress)]


def preview(uploads: Sequence[Upload], choices: Choices, progress: Progress) -> list[Sheet]:
    """The same with the first valid rows of each table only, so that looking costs little memory."""
    return [_shortened(sheet) for sheet in take(uploads, choices, progress)]


def raw_of(upload: Upload) -> RawFrame:
    """The file, or its sheet with the most rows, untouched: what a mapping is made on. LoaderError as the readers."""
    with laid_out([upload]) as (folder, paths):
        try:
            return largest(paths[0])
        except LoaderError as error:
            raise LoaderError(_without(error.message, folder), _without(error.hint, folder)) from error


def _shortened(sheet: Sheet) -> Sheet:
    return replace(sheet, conformed=tuple(replace(part, good=part.good.head(_PREVIEWED)) for part in sheet.conformed))


def _renamed(sheet: Sheet, folder: Path) -> Sheet:
    path = _without(sheet.path, folder)
    return replace(sheet, path=path, error=sheet.error and _without(sheet.error, folder))


def _without(text: str, folder: Path) -> str:
    """A text without the folder that nobody but this server knows: of "/tmp/upboard-x/3/leads.csv", "leads.csv"."""
    parts = text.split(f"{folder}/")
    return parts[0] + "".join(part.partition("/")[2] for part in parts[1:])
