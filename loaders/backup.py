"""One archive of what cannot be loaded again: the serving snapshot, the journal, settings, profiles, users, erasures.

A backup takes no lock: a published snapshot never changes, the journal is copied as it stands at one moment, and all
else is small files that are replaced whole. So servers and loads go on meanwhile. An archive is a gzipped tar with a
manifest of names, sizes and hashes; nothing but what the manifest of a sound archive lists is ever written anywhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from loaders.erased import FILE as ERASED_FILE
from loaders.erased import Erased, parsed, read_erased, write_erased
from loaders.errors import LoaderError
from loaders.forget import apply_list
from loaders.journal_file import check_journal, copy_journal, journal_path
from loaders.profile import OWN_PROFILES
from loaders.progress import Progress, part
from loaders.settings import load_settings
from loaders.snapshot import SNAPSHOTS, check_sound, held_for_writing, point_at, serving_path

FORMAT: Final = "upboard backup"
VERSION: Final = 1
USERS: Final = Path("data/users.toml")
_MANIFEST: Final = "manifest.json"
_LARGEST_MANIFEST: Final = 1 << 20
_CHUNK: Final = 1 << 20
_WRONG_VALUES: Final = (ValueError, KeyError, TypeError, AttributeError)
_SPEED: Final = 1  # of gzip: a database compresses little better at ten times the work
_KNOWN: Final = re.compile(
    r"snapshot/[0-9A-Za-z][0-9A-Za-z_-]*\.duckdb|profiles/[A-Za-z0-9][A-Za-z0-9_-]*\.toml"
    r"|settings\.toml|users\.toml|erased\.json|journal\.sqlite"
)


@dataclass(frozen=True)
class Places:
    """Where the parts of an installation stand. The users' file is the one that UPBOARD_USERS names, if it does."""

    warehouse: Path
    settings: Path

    @property
    def users(self) -> Path:
        """The file of those who may sign in."""
        named = os.environ.get("UPBOARD_USERS")
        return Path(named) if named else USERS

    def target(self, member: str) -> Path:
        """Where a part of an archive belongs."""
        folder, _, name = member.rpartition("/")
        if folder == "snapshot":
            return self.warehouse / SNAPSHOTS / name
        if folder == "profiles":
            return self.settings.parent / OWN_PROFILES / name
        single = {
            "settings.toml": self.settings,
            "users.toml": self.users,
            "journal.sqlite": journal_path(self.warehouse),
        }
        return single.get(name, self.warehouse / ERASED_FILE)


@dataclass(frozen=True)
class Archive:
    """What an archive holds: when it was made (ISO), and size and SHA-256 of each part by name."""

    made_at: str
    parts: dict[str, tuple[int, str]]

    @property
    def snapshot(self) -> str:
        """The name of its snapshot."""
        return next(Path(name).stem for name in self.parts if name.startswith("snapshot/"))


def write_backup(file: Path, places: Places, progress: Progress, *, is_forced: bool = False) -> Archive:
    """Write an archive of an installation, under its name only once it is whole.

    Raises:
        LoaderError: Nothing was loaded yet, the file is there already, or cannot be written.
    """
    if file.exists() and not is_forced:
        raise LoaderError(f"{file} is there already.", "Name another file, or replace it with --force.")
    fresh = file.with_name(f"{file.name}.part")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="upboard-", dir=file.parent) as folder,
            _parts(places, Path(folder)) as parts,
        ):
            archive = _described(parts, progress)
            _write(fresh, archive, parts, progress)
        fresh.replace(file)
    except OSError as error:
        raise LoaderError(f"{file} cannot be written: {error}.", "Name a file in a folder with space.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return archive


def prune_backups(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups of a folder beyond those kept: only files that `dated_name` named. Gives which."""
    found = sorted(folder.glob("upboard-????????T??????Z.tar.gz"))
    for path in found[:-keep]:
        path.unlink(missing_ok=True)
    return found[:-keep]


def dated_name(moment: datetime) -> str:
    """The name of a backup of this moment."""
    return f"upboard-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz"


@contextmanager
def _parts(places: Places, folder: Path) -> Iterator[dict[str, IO[bytes]]]:
    """Every part, open: what is removed or replaced meanwhile is still read as it was."""
    parts: dict[str, IO[bytes]] = {}
    try:
        serving, snapshot = _opened_serving(places.warehouse)
        parts[f"snapshot/{serving.name}"] = snapshot
        if journal_path(places.warehouse).exists():
            copy_journal(journal_path(places.warehouse), folder / "journal.sqlite")
            parts["journal.sqlite"] = (folder / "journal.sqlite").open("rb")
        own = sorted((places.settings.parent / OWN_PROFILES).glob("*.toml"))
        named = {f"profiles/{path.name}": path for path in own if _KNOWN.fullmatch(f"profiles/{path.name}")}
        named |= {name: places.target(name) for name in ("settings.toml", "users.toml", "erased.json")}
        parts |= {name: path.open("rb") for name, path in named.items() if path.is_file()}
        yield parts
    finally:
        for part in parts.values():
            part.close()


def _opened_serving(warehouse: Path) -> tuple[Path, IO[bytes]]:
    """The snapshot that serves, open; where a load lets it go between two looks, its successor."""
    serving = serving_path(warehouse)
    try:
        return serving, serving.open("rb")
    except FileNotFoundError:
        serving = serving_path(warehouse)
        return serving, serving.open("rb")


def _described(parts: dict[str, IO[bytes]], progress: Progress) -> Archive:
    found: dict[str, tuple[int, str]] = {}
    for number, (name, file) in enumerate(parts.items()):
        progress(0.5 * number / len(parts), f"reading {name}")
        found[name] = _measured(file)
    return Archive(datetime.now(UTC).isoformat(timespec="seconds"), found)


def _measured(part: IO[bytes]) -> tuple[int, str]:
    digest = hashlib.sha256()
    part.seek(0)
    while chunk := part.read(_CHUNK):
        digest.update(chunk)
    return part.tell(), digest.hexdigest()


def _write(file: Path, archive: Archive, parts: dict[str, IO[bytes]], progress: Progress) -> None:
    listed = {name: {"size": size, "sha256": found} for name, (size, found) in archive.parts.items()}
    told = {"format": FORMAT, "version": VERSION, "made_at": archive.made_at, "parts": listed}
    text = json.dumps(told, indent=1).encode()
    # Personal data: for its owner alone.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=_SPEED) as tar:
            tar.addfile(_member(_MANIFEST, len(text)), io.BytesIO(text))
            for number, (name, part) in enumerate(parts.items()):
                progress(0.5 + 0.5 * number / len(parts), f"writing {name}")
                part.seek(0)
                tar.addfile(_member(name, archive.parts[name][0]), part)
        out.flush()
        os.fsync(out.fileno())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def restore(
    file: Path, places: Places, who: str, progress: Progress, wait_seconds: float, *, is_forced: bool = False
) -> Archive:
    """Put an installation back from an archive: checked whole first, then placed, the snapshot published last.

    Whoever was erased since the backup is erased again, before the snapshot that names them is published; `who` is
    said to have done that. A run that is cut short there leaves the snapshot that served, and `forget --resume` to do.

    Raises:
        LoaderError: The archive is damaged or none of ours; something is there already and `is_forced` is not given;
            another load holds the warehouse; a place cannot be written.
    """
    with held_for_writing(places.warehouse, wait_seconds, progress):
        try:
            folder = places.warehouse / SNAPSHOTS
            with tempfile.TemporaryDirectory(prefix="restoring-", dir=folder, suffix=".building") as name:
                archive = _unpacked(file, Path(name), part(progress, 0.0, 0.5))
                _check_parts(archive, Path(name))
                _check_free(archive, places, is_forced=is_forced)
                erased = _place(archive, Path(name), places)
            _publish(archive, places, erased, who, part(progress, 0.5, 1.0))
        except OSError as error:
            hint = "Free some space or mend the folder's rights, and restore again."
            raise LoaderError(f"The backup {file} cannot be restored: {error}.", hint) from error
        return archive


def _unpacked(file: Path, folder: Path, progress: Progress) -> Archive:
    """Every part of a sound archive, written into a folder of our own under a name of our own."""
    try:
        with tarfile.open(file, "r:gz") as tar:
            archive = _manifest(tar)
            seen: set[str] = set()
            for member in tar:
                progress(0.8 * len(seen) / len(archive.parts), f"checking {len(seen) + 1} of {len(archive.parts)}")
                _unpack(tar, member, archive, folder)
                if member.name in seen:
                    raise _damaged(f"{member.name!r} stands twice in it")
                seen.add(member.name)
            _check_end(tar)
    except FileNotFoundError as error:
        raise LoaderError(
            f"There is no backup {file}.", "Name the file that `python -m loaders backup` wrote."
        ) from error
    except (tarfile.TarError, zlib.error, EOFError, RecursionError, *_WRONG_VALUES) as error:
        raise _damaged(str(error)) from error
    except OSError as error:
        if error.errno is None:  # gzip: no gzip file, or cut short
            raise _damaged(str(error)) from error
        raise
    if missing := set(archive.parts) - seen:
        raise _damaged(f"{min(missing)} is missing")
    return archive


def _check_end(tar: tarfile.TarFile) -> None:
    """Nothing but padding is left, and gzip's own checksum, which it compares at its end, is that of what was read."""
    rest = b"?" if tar.fileobj is None else tar.fileobj.read(tarfile.RECORDSIZE + 1)
    if len(rest) > tarfile.RECORDSIZE or any(rest):
        raise _damaged("something follows its last part")


def _manifest(tar: tarfile.TarFile) -> Archive:
    first = tar.next()
    if first is None or first.name != _MANIFEST or not first.isreg() or first.size > _LARGEST_MANIFEST:
        raise _damaged("it does not begin with a manifest")
    told: dict[str, Any] = json.loads(_stream(tar, first).read())
    if told["format"] != FORMAT or told["version"] != VERSION:
        raise _damaged(f"it is a {str(told['format'])[:40]!r} of version {str(told['version'])[:10]}")
    parts = {str(name): (int(part["size"]), str(part["sha256"])) for name, part in told["parts"].items()}
    foreign = [name for name in parts if not _KNOWN.fullmatch(name)]
    if foreign or sum(name.startswith("snapshot/") for name in parts) != 1:
        raise _damaged(f"its manifest lists {foreign[0][:80]!r}" if foreign else "it does not hold one snapshot")
    return Archive(str(told["made_at"]), parts)


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Archive, folder: Path) -> None:
    """Write one part. Its name was matched against the few that there are: no path of the archive is ever followed."""
    if member.name == _MANIFEST and member.offset == 0:
        return
    known = archive.parts.get(member.name)
    if known is None or not member.isreg():
        raise _damaged(f"it holds {member.name[:80]!r}, which its manifest does not list as a file")
    digest, size = hashlib.sha256(), 0
    stream = _stream(tar, member)
    with (folder / member.name.replace("/", "-")).open("wb") as out:
        while size <= known[0] and (chunk := stream.read(_CHUNK)):
            size += len(chunk)
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if (size, digest.hexdigest()) != known:
        raise _damaged(f"{member.name} is not what its manifest says")


def _stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member)
    if stream is None:
        raise _damaged(f"{member.name[:80]!r} cannot be read")
    return stream


def _damaged(why: str) -> LoaderError:
    hint = "Nothing was changed. Use another backup, or copy this one again from where it was kept."
    return LoaderError(f"The file is no sound backup of Upboard: {why}.", hint)


def _check_parts(archive: Archive, folder: Path) -> None:
    """The parts are what they should be, not only the bytes that were put in."""
    for name in archive.parts:
        path = folder / name.replace("/", "-")
        if name == "journal.sqlite":
            check_journal(path)
        elif name == "settings.toml":
            load_settings(path)
        elif name == ERASED_FILE:
            _list_in(path)
        elif name.startswith("snapshot/"):
            # check_sound names other snapshots of the warehouse two folders up: here, none.
            check_sound(path)


def _list_in(path: Path) -> Erased:
    return parsed(json.loads(path.read_text(encoding="utf-8")), path)


def _check_free(archive: Archive, places: Places, *, is_forced: bool) -> None:
    """Nothing that is there is written over unless that was asked for; the same text is no loss."""
    there = [places.target(name) for name in archive.parts if places.target(name).exists()]
    there += [places.warehouse / "CURRENT"] if (places.warehouse / "CURRENT").exists() else []
    if there and not is_forced:
        names = ", ".join(str(path) for path in there[:5])
        hint = "Restore elsewhere with --warehouse DIR and --settings FILE, or write over them with --force."
        raise LoaderError(f"These are there already: {names}.", hint)


def _place(archive: Archive, folder: Path, places: Places) -> Erased | None:
    """Put every part where it belongs, each in one step, the list of the erased first; gives that list."""
    erased = _erased_after(archive, folder, places)
    if erased:
        write_erased(places.warehouse, erased)
    for name in sorted(set(archive.parts) - {ERASED_FILE}):
        source, target = folder / name.replace("/", "-"), places.target(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "journal.sqlite":
            copy_journal(source, target)
        else:
            _move(source, target)
    return erased


def _publish(archive: Archive, places: Places, erased: Erased | None, who: str, progress: Progress) -> None:
    """Let the restored snapshot serve; where it names somebody who was erased since, it is written anew first."""
    if erased is None or erased.is_finished:
        point_at(places.warehouse, archive.snapshot)
    else:
        apply_list(places.warehouse, places.warehouse / SNAPSHOTS / f"{archive.snapshot}.duckdb", erased, who, progress)


def _erased_after(archive: Archive, folder: Path, places: Places) -> Erased | None:
    """The list as it must stand once the archive is in place: nobody who was erased since the backup comes back."""
    held = read_erased(places.warehouse)
    restored = _list_in(folder / ERASED_FILE) if ERASED_FILE in archive.parts else None
    return _joined(restored, held) if held else restored


def _move(source: Path, target: Path) -> None:
    """Replace a file in one step, also where the target is on another disk."""
    beside = target.with_name(f".{target.name}.restored")
    shutil.copyfile(source, beside)
    if target.name == "users.toml":
        beside.chmod(0o600)
    beside.replace(target)


def _joined(restored: Erased | None, held: Erased) -> Erased:
    """Both lists as one, to be applied again. LoaderError where they began apart: their hashes do not compare."""
    if restored is None:
        return replace(held, is_finished=False)
    if held.secret != restored.secret:
        hint = "Restore into another folder with --warehouse DIR, and erase there again whom this warehouse erased."
        raise LoaderError("The backup and this warehouse have lists of erased customers that began apart.", hint)
    if held.marks <= restored.marks:
        return restored
    erasures = (*restored.erasures, *(found for found in held.erasures if found not in restored.erasures))
    return replace(held, marks=restored.marks | held.marks, erasures=erasures, is_finished=False)
