"""The commands that keep an installation going: forget, backup, restore, schedule."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from loaders.backup import Places, dated_name, prune_backups, write_backup
from loaders.backup import restore as restore_archive
from loaders.command_line import (
    DEFAULT_SETTINGS,
    DEFAULT_WAREHOUSE,
    NOTHING_LOADED,
    STOPPED,
    WRONG_USAGE,
    Json,
    SettingsFile,
    WaitSeconds,
    Warehouse,
    failing_with,
    stopping_on_signal,
)
from loaders.erased import Erasure
from loaders.errors import LoaderError
from loaders.forget import Found, Wanted, find, resume
from loaders.forget import forget as forget_customer
from loaders.lock import WAIT_SECONDS
from loaders.output import print_json, print_line, said, say
from loaders.progress import shown
from loaders.schedule import keep_schedule, read_orders
from loaders.snapshot import serving_path

_STOPPED_ERASURE = f"{STOPPED} If the erasure had begun, end it: python -m loaders forget --resume"


def forget(
    natural_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A customer's or lead's id in the CRM, or its key in Upboard.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="The store, where several use the id.")] = None,
    system: Annotated[str | None, typer.Option(help="The system (CRM or DMS) of the id.")] = None,
    phone: Annotated[str | None, typer.Option(help="Find the customer by this phone instead.")] = None,
    email: Annotated[str | None, typer.Option(help="Find the customer by this e-mail instead.")] = None,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which records would be emptied, only.")] = False,
    is_resumed: Annotated[bool, typer.Option("--resume", help="End an erasure that was cut short.")] = False,
    who: Annotated[str | None, typer.Option(help="Who erases, for the history; otherwise the user's name.")] = None,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    wait: WaitSeconds = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Erase a customer: name, phones and e-mails leave every snapshot and stay out of every load; numbers stay."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        wanted = Wanted(natural_id, phone, email, store, system)
        given = [part for part in (natural_id, phone, email) if part]
        if len(given) + is_resumed != 1:
            raise LoaderError("Name one customer: an ID, a --phone or an --email.", "python -m loaders forget ID")
    with failing_with(NOTHING_LOADED, as_json=as_json, stopped=_STOPPED_ERASURE):
        if is_dry_run:
            _show_found(find(warehouse, wanted), as_json=as_json)
            return
        with shown(said) as report:
            by = who or _user()
            if is_resumed:
                done = resume(warehouse, by, report, wait)
            else:
                done = forget_customer(warehouse, wanted, by, report, wait)
    _show_done(done, as_json=as_json)


Forced = Annotated[bool, typer.Option("--force", help="Write over what is there already.")]


def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The archive to write, such as upboard.tar.gz.")
    ] = None,
    into: Annotated[Path | None, typer.Option(metavar="DIR", help="Write into this folder, named by the time.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="With --into: remove all but so many of its backups.")] = None,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    is_forced: Forced = False,
    as_json: Json = False,
) -> None:
    """Write one archive: serving snapshot, journal, settings, own profiles, users and the list of erased customers."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        if (file is None) == (into is None) or (keep is not None and into is None):
            hint = "python -m loaders backup FILE, or --into DIR --keep 7"
            raise LoaderError("Name either a file or, with --into, a folder.", hint)
    with failing_with(NOTHING_LOADED, as_json=as_json), shown(said) as report:
        target = file or _in_folder(into or Path())
        archive = write_backup(target, Places(warehouse, settings_file), report, is_forced=is_forced)
        removed = prune_backups(target.parent, keep) if keep else []
    if as_json:
        told = {"file": str(target), "snapshot": archive.snapshot, "made_at": archive.made_at}
        print_json(told | {"parts": list(archive.parts), "removed": [str(path) for path in removed]})
    else:
        print_line(f"{target} holds {', '.join(archive.parts)}. It holds personal data: keep it as safe as the CRM.")


def _in_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoaderError(f"{folder} cannot be made: {error}.", "Name a folder that you may write to.") from error
    return folder / dated_name(datetime.now(UTC))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `backup` wrote.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    is_forced: Forced = False,
    wait: WaitSeconds = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Put an installation back from an archive. Nothing is changed unless all of it is sound."""
    places = Places(warehouse, settings_file)
    with failing_with(NOTHING_LOADED, as_json=as_json), shown(said) as report:
        archive = restore_archive(file, places, _user(), report, wait, is_forced=is_forced)
    serving = serving_path(warehouse).stem
    if as_json:
        print_json({"snapshot": serving, "made_at": archive.made_at, "parts": list(archive.parts)})
        return
    print_line(f"{serving} serves now; restored as of {archive.made_at}:")
    for name in archive.parts:
        print_line(f"    {serving_path(warehouse) if name.startswith('snapshot/') else places.target(name)}")
    if serving != archive.snapshot:
        print_line("Customers who were erased since that backup were erased again.")
    print_line(
        f"If Upboard was upgraded since: python -m loaders build --warehouse {warehouse} --settings {settings_file}"
    )


def schedule(warehouse: Warehouse = DEFAULT_WAREHOUSE, settings_file: SettingsFile = DEFAULT_SETTINGS) -> None:
    """Keep the schedule of the settings: watch inboxes, send digests, write backups. Ends on SIGTERM or Ctrl-C."""
    with failing_with(WRONG_USAGE, as_json=False):
        orders = read_orders(settings_file, warehouse)
    with failing_with(NOTHING_LOADED, as_json=False), stopping_on_signal() as stop:
        keep_schedule(orders, stop, say)
    say("The schedule was stopped.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "(unknown)"


def _show_found(found: Found, *, as_json: bool) -> None:
    told: dict[str, Any] = {"store": found.someone.store, "leads": list(found.leads), "rows": dict(found.rows)}
    if as_json:
        print_json(told)
        return
    print_line(f"One customer of {found.someone.store}; these leads were joined:")
    for lead in found.leads:
        contact = ", ".join(text for text in (lead["email"], lead["phone"]) if text)
        print_line(f"    {lead['system']}:{lead['lead_id']} of {lead['created_on']}  {contact}")
    print_line(f"Would be emptied: {_counted(found.rows)}. Nothing was changed.")


def _show_done(done: Erasure, *, as_json: bool) -> None:
    if as_json:
        told = {"rows": dict(done.rows), "snapshots": done.snapshots, "dropped": done.dropped, "notes": done.notes}
        print_json({"at": done.at, "who": done.who} | told)
        return
    print_line(f"Emptied: {_counted(done.rows)}; {done.notes} entries of the journal.")
    print_line(f"Written anew: {done.snapshots} snapshots; let go because they could not be read: {done.dropped}.")
    print_line("Backups and exports made before still name the customer: delete them.")
    print_line("A backup that is restored here is erased again by itself; on another machine, erase again.")


def _counted(rows: Any) -> str:
    return ", ".join(f"{count} of {table}" for table, count in sorted(rows.items())) or "no row"
