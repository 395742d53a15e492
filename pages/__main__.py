"""`python -m pages`: what leaves the dashboard without a browser: the weekly letters.

Messages go to standard error. Exit status: 0 done, 1 no such data or the letter could not be sent, 2 wrong usage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from metrics import engine
from metrics.declare import MetricError, NoSuchData
from metrics.scope import WHOLE, Scope
from pages import digest as letters
from pages import roles, users_cli
from pages.journal import JournalError, open_journal
from pages.letter import write_html, write_text
from pages.mail import Mail, MailError, read_mail, send
from pages.sheet import Sheet
from pages.users import User, UsersError, read_users, users_file

_ERR: Final = Console(stderr=True)
_TEXT: Final = (".txt", ".text")

app = typer.Typer(
    help="Weekly letters, written from the warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(users_cli.app, name="user")


class Reader(StrEnum):
    """Whom a letter is for."""

    gm = "gm"
    marketing = "marketing"
    crm_manager = "crm_manager"


ForOption = Annotated[Reader, typer.Option("--for", help="Whom the letter is for.")]
WeekOption = Annotated[str | None, typer.Option(metavar="DAY", help="A day of the week; without, the last whole week.")]
StoreOption = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this store; may be repeated.")]
WarehouseOption = Annotated[Path, typer.Option(envvar="UPBOARD_WAREHOUSE", help="Directory of the snapshots.")]
SettingsOption = Annotated[
    Path, typer.Option(envvar="UPBOARD_SETTINGS", help="Its part mail names the server and the readers.")
]
OutOption = Annotated[Path | None, typer.Option(help="The HTML file to write (.txt: plain text).")]
SendOption = Annotated[bool, typer.Option("--send", help="Send it to the readers that the settings name.")]
UserOption = Annotated[
    str | None,
    typer.Option("--user", metavar="LOGIN", help="Within what this user may see; --send sends it to them alone."),
]


@app.callback()
def main() -> None:
    """Keep `digest` a command of its own, also while it is the only one."""


@app.command()
def digest(
    reader: ForOption,
    week: WeekOption = None,
    store: StoreOption = None,
    warehouse: WarehouseOption = Path("data/warehouse"),
    settings: SettingsOption = Path("data/settings.toml"),
    out: OutOption = None,
    is_sent: SendOption = False,
    login: UserOption = None,
) -> None:
    """Write a reader's letter about a week: what changed, what to do, the numbers behind it.

    One HTML file without scripts, images or anything from elsewhere. Without --out and --send it is written to
    upboard_READER_MONDAY.html here.
    """
    with _explained():
        day, mail = _day(week), read_mail(settings)
        scope = WHOLE if login is None else roles.scope_of(_user(login))
        sheet, monday = _written(warehouse, reader, day, store, scope)
        base = mail.base_url if mail else ""
        if out is not None or not is_sent:
            _write(sheet, out or Path(f"upboard_{reader}_{monday}.html"), base)
        if is_sent:
            _send(mail, settings, reader, sheet, None if login is None else (login,))


@app.command()
def serve(
    address: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 8501,
    hosts: Annotated[str, typer.Option(metavar="NAME,...", help="The names by which people reach it.")] = "",
    proxy: Annotated[str, typer.Option(metavar="ADDRESS,...", help="Proxies before it that may be believed.")] = "",
    warehouse: Annotated[Path, typer.Option(envvar="UPBOARD_WAREHOUSE", help="Directory of the snapshots.")] = Path(
        "data/warehouse"
    ),
    upload_megabytes: Annotated[int, typer.Option(min=1, help="The largest file that Load data takes.")] = 200,
    sessions: Annotated[int, typer.Option(min=1, help="How many tabs may be open at once.")] = 200,
    is_cold: Annotated[bool, typer.Option("--no-warm", help="Answer at once; the first visitor waits longer.")] = False,
) -> None:
    """Serve the dashboard until Ctrl-C or SIGTERM. Beyond this machine only where people sign in (docs/serve.md)."""
    # Loaded here: the letters need no server.
    serving = import_module("pages.serving")
    try:
        serving.serve(
            serving.Serving(
                address=address,
                port=port,
                warehouse=warehouse,
                hosts=_listed(hosts),
                proxies=_listed(proxy),
                upload_megabytes=upload_megabytes,
                sessions=sessions,
                is_warmed=not is_cold,
            )
        )
    except serving.ServingError as error:
        _say(str(error))
        raise typer.Exit(2) from error


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _user(login: str) -> User:
    found = read_users(users_file()).find(login)
    if found is None:
        raise MetricError(f"{login!r} is no user.", "`python -m pages user list` names them.")
    return found


def _written(
    warehouse: Path, reader: Reader, day: dt.date | None, stores: list[str] | None, scope: Scope
) -> tuple[Sheet, dt.date]:
    opened = engine.open_warehouse(warehouse).within(scope)
    try:
        asked = day or letters.last_week(opened)
        journal = open_journal(warehouse).within(scope.stores)
        sheet = letters.weekly(opened, journal, reader, asked, _scope(opened, stores))
        return sheet, asked - dt.timedelta(days=asked.weekday())
    finally:
        opened.close()


def _scope(opened: engine.Warehouse, asked: list[str] | None) -> dict[str, tuple[str, ...]]:
    known = engine.options(opened, "store")
    strangers = [name for name in asked or () if name not in known]
    if strangers:
        raise NoSuchData(f"There is no store {strangers[0]!r}.", f"Stores are: {', '.join(known)}.")
    return {"store": tuple(asked)} if asked else {}


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise MetricError(f"{text!r} is no day.", "Days look like 2026-01-31.") from error


def _write(sheet: Sheet, path: Path, base: str) -> None:
    written = write_text(sheet, base) if path.suffix.lower() in _TEXT else write_html(sheet, base)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written, encoding="utf-8")
    except OSError as error:
        raise MailError(f"{path} cannot be written: {error}.", "Name another file with --out.") from error
    _say(f"Written: {path}")


def _send(
    mail: Mail | None, settings: Path, reader: Reader, sheet: Sheet, readers: tuple[str, ...] | None = None
) -> None:
    if mail is None:
        raise MailError(f"{settings} has no part [mail].", "Add one, as docs/digest.md shows, or leave out --send.")
    _say(f"Sent to: {', '.join(send(mail, reader, sheet, readers))}")


def _say(text: str) -> None:
    _ERR.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _explained() -> Iterator[None]:
    """Every expected failure as what, where and hint, with its exit status."""
    try:
        yield
    except (NoSuchData, MailError, JournalError, UsersError) as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except MetricError as error:
        _say(str(error))
        raise typer.Exit(2) from error


if __name__ == "__main__":
    app()
