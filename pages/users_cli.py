"""`python -m pages user`: add, change, list and remove the people who may sign in.

What is written keeps the comments of the file, replaces it in one step, and leaves it to its owner alone. A password
comes from a prompt or from standard input, never from the command line, where everybody on the machine could read it.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, cast

import tomlkit
import typer
from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT
from tomlkit.items import Table as Entry

from metrics import engine
from metrics.declare import MetricError
from pages import passwords
from pages.users import User, Users, UsersError, checked_user, checked_users, key_of, read_users, users_file, warning

_OUT: Final = Console()
_ERR: Final = Console(stderr=True)
_WAITS_SECONDS: Final = 30.0
_HEAD: Final = """# Who may sign in to Upboard. Written by `python -m pages user`; docs/sign_in.md explains every line.
sign_in = "password"

"""

app = typer.Typer(help="The people who may sign in.", no_args_is_help=True, pretty_exceptions_enable=False)


class RoleName(StrEnum):
    """What a user may see and do."""

    administrator = "administrator"
    general_manager = "general_manager"
    crm_manager = "crm_manager"
    marketing = "marketing"
    salesperson = "salesperson"


LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="An e-mail address.")]
NameOption = Annotated[str, typer.Option(help="The name that Upboard shows.")]
RoleOption = Annotated[RoleName, typer.Option(help="What the user may see and do.")]
StoreOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A store of theirs, as the pages show it; may be repeated.")
]
PersonOption = Annotated[str | None, typer.Option(metavar="NAME", help="A salesperson's name in the CRM.")]
PasswordOption = Annotated[
    bool, typer.Option("--password/--no-password", help="Ask for a password; without one, OpenID Connect only.")
]
FileOption = Annotated[
    Path | None, typer.Option("--users", help="The file; without, UPBOARD_USERS or data/users.toml.")
]
WarehouseOption = Annotated[
    Path,
    typer.Option(envvar="UPBOARD_WAREHOUSE", help="Where the data are: whether they know the stores and the person."),
]


@app.command()
def add(
    login: LoginArgument,
    name: NameOption,
    role: RoleOption,
    store: StoreOption = None,
    person: PersonOption = None,
    is_asked: PasswordOption = True,
    file: FileOption = None,
    warehouse: WarehouseOption = Path("data/warehouse"),
) -> None:
    """Add a user. The password is asked for twice, or is the first line of standard input."""
    with _explained():
        path = file or users_file()
        found = {"login": login, "name": name, "role": role.value, "stores": store or [], "person": person}
        entry = {key: value for key, value in found.items() if value}
        # Checked before a password is asked for.
        user = checked_user(entry)
        _not_there_yet(path, user)
        if is_asked:
            entry["password"] = passwords.hashed(_new_password(login))
        with _changing(path) as document:
            _entries(document).append(_table({**entry, "login": user.login}))
        _say(f"Added to {path}: {user.login}, {role.value}")
        for doubt in _doubts(user, warehouse):
            _say(doubt)


@app.command()
def password(login: LoginArgument, file: FileOption = None) -> None:
    """Give a user another password: whoever is signed in with the old one is signed out."""
    with _explained():
        path = file or users_file()
        user = _known(read_users(path), login, path)
        kept = passwords.hashed(_new_password(user.login))
        with _changing(path) as document:
            _entry(document, user)["password"] = kept
        _say(f"{user.login} has another password. Sessions with the old one have ended.")


@app.command()
def remove(login: LoginArgument, file: FileOption = None) -> None:
    """Take a user out: whoever is signed in as them is signed out."""
    with _explained():
        path = file or users_file()
        user = _known(read_users(path), login, path)
        with _changing(path) as document:
            entries = _entries(document)
            entries.remove(_entry(document, user))
        _say(f"Taken out of {path}: {user.login}")


@app.command("list")
def list_users(file: FileOption = None, warehouse: WarehouseOption = Path("data/warehouse")) -> None:
    """Show who may sign in."""
    with _explained():
        path = file or users_file()
        found = read_users(path)
        headers = ("Login", "Name", "Role", "Stores", "Person", "Signs in by")
        table = Table(*(Column(name, no_wrap=True) for name in headers), title=str(path))
        for user in found.users:
            stores = ", ".join(user.stores) or "all"
            cells = (user.login, user.name, user.role, stores, user.person or "", _way(found, user))
            table.add_row(*(Text(cell) for cell in cells))
        # Wider than the terminal, if need be: a login that is cut or broken cannot be copied.
        needed = Console(width=10_000).measure(table).maximum
        Console(width=max(_OUT.width, needed)).print(table)
        if unwise := warning(path):
            _say(unwise)
        for doubt in (doubt for user in found.users for doubt in _doubts(user, warehouse)):
            _say(doubt)


def _doubts(user: User, directory: Path) -> Iterator[str]:
    """Stores and a person that the data do not know, with what they do know: under another name nobody sees a row.

    Nothing where there are no data yet.
    """
    asked = {"store": user.stores, "person": (user.person,) if user.person else ()}
    try:
        with closing(engine.open_warehouse(directory)) as opened:
            known = {dimension: engine.options(opened, dimension) for dimension in asked}
    except MetricError:
        return
    for dimension, names in asked.items():
        for name in (name for name in names if name not in known[dimension]):
            near = get_close_matches(name, known[dimension], n=5, cutoff=0.3) or known[dimension][:5]
            hint = f"It knows: {', '.join(near)}. Change the line in the file of users; it counts at once."
            yield f"{user.login}: there is no {dimension} {name!r} in {directory}.\n\nHint: {hint}"


def _way(found: Users, user: User) -> str:
    if found.sign_in == "openid":
        return "OpenID Connect"
    return "password" if user.password else "not yet: no password"


def _not_there_yet(path: Path, user: User) -> None:
    if path.exists() and read_users(path).find(user.login):
        hint = "Change the line in the file, or take the user out first: python -m pages user remove LOGIN."
        raise UsersError(f"{user.login} stands in {path} already.", hint)


def _known(found: Users, login: str, path: Path) -> User:
    user = found.find(login)
    if user is None:
        hint = f"It names: {', '.join(user.login for user in found.users) or 'nobody'}."
        raise UsersError(f"There is no user {login!r} in {path}.", hint)
    return user


def _new_password(login: str) -> str:
    """A password from the prompt, typed twice, or from the first line of standard input. UsersError if it is weak."""
    if sys.stdin.isatty():
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        text = sys.stdin.readline(passwords.LONGEST + 2).rstrip("\r\n")
    if reason := passwords.weakness(text, login):
        raise UsersError(f"This password cannot be used: {reason}.", "Take a sentence, or four words at random.")
    return text


@contextmanager
def _changing(path: Path) -> Iterator[TOMLDocument]:
    """The file to change: one command at a time, checked, then put in the place of the old one in one step."""
    with _alone(path):
        document = _document(path)
        yield document
        text = tomlkit.dumps(document)
        checked_users(tomlkit.parse(text).unwrap(), path)
        _replace(path, text)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file's lock. UsersError where its folder cannot be written, or another command holds it for long."""
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=_WAITS_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        hint = "Wait until the other command has ended, and run this one again."
        raise UsersError(
            f"Another command has held {lock.lock_file} for {_WAITS_SECONDS:.0f} seconds.", hint
        ) from error
    except OSError as error:
        raise UsersError(f"The file of users {path} cannot be changed: {error}.", _writable(path)) from error
    try:
        yield
    finally:
        lock.release()


def _writable(path: Path) -> str:
    return f"Run this as who owns {path.parent}, and see that its disk can be written and has space."


def _document(path: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig") if path.exists() else _HEAD)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise UsersError(f"The file of users {path} cannot be read: {error}.", "docs/sign_in.md shows one.") from error


def _replace(path: Path, text: str) -> None:
    """Write beside the old file, for its owner alone, then put it in its place: never half a file, never open."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(path, fresh)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UsersError(f"{path} cannot be written: {error}.", _writable(path)) from error


def _keep_owner(path: Path, fresh: Path) -> None:
    """Written by root, the file stays the server's own."""
    found = path if path.exists() else path.parent
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(fresh, found.stat().st_uid, found.stat().st_gid)


def _entries(document: TOMLDocument) -> AoT:
    if "user" not in document:
        document["user"] = tomlkit.aot()
    return cast(AoT, document["user"])


def _entry(document: TOMLDocument, user: User) -> Entry:
    return cast(Entry, next(entry for entry in _entries(document) if key_of(str(entry["login"])) == user.key))


def _table(entry: dict[str, object]) -> Entry:
    table = tomlkit.table()
    for key, value in entry.items():
        table[key] = value
    table.add(tomlkit.nl())
    return table


def _say(text: str) -> None:
    _ERR.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UsersError as error:
        _say(str(error))
        raise typer.Exit(1) from error
