"""The loaders' command line: load, check, rejects, history, rollback, demo.

`--json` prints one object on standard output and nothing else there; progress and messages go to standard error. Exit
status: 0 done, 1 nothing could be loaded, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders import snapshot
from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet, take_in
from loaders.profile import load_profile
from loaders.settings import Settings, load_settings, nearest
from loaders.star import Moment
from loaders.star import Progress as Report
from loaders.synthetic import simulate

DONE: Final = 0
NOTHING_LOADED: Final = 1
WRONG_USAGE: Final = 2

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
said = Console(stderr=True, highlight=False)
out = Console(highlight=False)

Paths = Annotated[list[Path], typer.Argument(help="Files or folders: the exports of a CRM, DMS or ad platform.")]
Warehouse = Annotated[Path, typer.Option(help="The folder that holds the snapshots.")]
SettingsFile = Annotated[Path, typer.Option("--settings", help="Stores, hours, windows, standards, targets.")]
ProfileName = Annotated[str | None, typer.Option("--profile", help="Read with this profile (a name or a TOML file).")]
TableName = Annotated[str | None, typer.Option("--table", help="Take only this table from the files.")]
StoreName = Annotated[str | None, typer.Option("--store", help="The store of rows that name none.")]
ExportedAt = Annotated[str | None, typer.Option(help="When the files were exported (ISO), if they do not say.")]
AsOf = Annotated[str | None, typer.Option(help='What "now" is (ISO); otherwise the newest event in the data.')]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]

DEFAULT_WAREHOUSE: Final = Path("data/warehouse")
DEFAULT_SETTINGS: Final = Path("data/settings.toml")


@app.command()
def load(
    paths: Paths,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    profile: ProfileName = None,
    table: TableName = None,
    store: StoreName = None,
    exported_at: ExportedAt = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Load exports: build a new snapshot from the last one and these files, and publish it."""
    choices = _choices(settings_file, profile, table, store, exported_at)
    now = _instant(as_of, "--as-of")
    with _failing_with(NOTHING_LOADED), _progress() as report:
        sheets = take_in(paths, choices, _part(report, 0.0, 0.5))
        if not _any_read(sheets):
            _show_load(sheets, None, as_json=as_json)
            raise typer.Exit(NOTHING_LOADED)
        moment = Moment(loaded_at=datetime.now(UTC), as_of=now)
        published = snapshot.publish(sheets, warehouse, choices.settings, moment, _part(report, 0.5, 1.0))
    _show_load(sheets, published, as_json=as_json)


@app.command()
def check(
    paths: Paths,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    profile: ProfileName = None,
    table: TableName = None,
    store: StoreName = None,
    exported_at: ExportedAt = None,
    as_json: Json = False,
) -> None:
    """Say what a load would do: the profile found and why, the columns, the refused rows. Writes nothing."""
    choices = _choices(settings_file, profile, table, store, exported_at)
    with _failing_with(NOTHING_LOADED), _progress() as report:
        sheets = take_in(paths, choices, report)
    if as_json:
        _print_json({"files": [_check_json(sheet) for sheet in sheets]})
    else:
        for sheet in sheets:
            _print_check(sheet)
    if not _any_read(sheets):
        raise typer.Exit(NOTHING_LOADED)


@app.command()
def rejects(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the rows that were refused: file, line, rule, the row as it was."""
    with _failing_with(NOTHING_LOADED):
        refused = snapshot.rejects(warehouse)
    rows = refused.select("source_file", "source_sheet", "source_line", "table", "profile", "rule", "row").to_dicts()
    if as_json:
        _print_json({"rejects": [row | {"row": json.loads(row["row"])} for row in rows]})
        return
    shown = Table("file", "line", "table", "rule", "row as it was")
    for row in rows:
        shown.add_row(row["source_file"], str(row["source_line"]), row["table"], row["rule"], row["row"])
    out.print(shown if rows else "No row was refused.")


@app.command()
def history(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the snapshots that are kept, newest first, with the files that each load brought."""
    with _failing_with(NOTHING_LOADED):
        entries = snapshot.history(warehouse)
    if as_json:
        _print_json({"snapshots": entries})
        return
    if not entries:
        out.print("Nothing was loaded yet. Load something: python -m loaders load PATH")
    for entry in entries:
        _print_history(entry)


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="A name that `history` shows.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    as_json: Json = False,
) -> None:
    """Publish an earlier snapshot again."""
    with _failing_with(WRONG_USAGE):
        serving = snapshot.roll_back(warehouse, name)
    if as_json:
        _print_json({"snapshot": serving})
    else:
        out.print(f"{serving} serves now.")


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the simulated exports are written.")],
    stores: Annotated[int, typer.Option(min=1, max=12)] = 2,
    months: Annotated[int, typer.Option(min=1, max=60)] = 18,
    leads_per_month: Annotated[int, typer.Option(min=1, max=20_000, help="Over all stores.")] = 1200,
    seed: Annotated[int, typer.Option(help="Seed and --as-of decide every byte.")] = 7,
    as_of: AsOf = None,
    load_into: Annotated[Path | None, typer.Option(help="Load the exports into this warehouse as well.")] = None,
) -> None:
    """Simulate a dealership group: exports in the shape of real CRMs, settings.toml, and truth.json."""
    now = _instant(as_of, "--as-of")
    with _failing_with(NOTHING_LOADED), _progress() as report:
        simulate(
            directory,
            stores=stores,
            months=months,
            leads_per_month=leads_per_month,
            seed=seed,
            as_of=now,
            progress=_part(report, 0.0, 0.4 if load_into else 1.0),
        )
        if load_into:
            _load_demo(directory, load_into, _part(report, 0.4, 1.0))
    if load_into:
        said.print(f"A simulated dealership was loaded into {load_into}; its exports are in {directory}.")
    else:
        settings_file = directory / "settings.toml"
        said.print(f"Written to {directory}. Load it: python -m loaders load {directory} --settings {settings_file}")


def _load_demo(directory: Path, warehouse: Path, report: Report) -> None:
    choices = Choices(load_settings(directory / "settings.toml"))
    sheets = take_in([directory], choices, _part(report, 0.0, 0.5))
    snapshot.publish(sheets, warehouse, choices.settings, Moment(datetime.now(UTC)), _part(report, 0.5, 1.0))


def _choices(
    settings_file: Path, profile: str | None, table: str | None, store: str | None, exported_at: str | None
) -> Choices:
    with _failing_with(WRONG_USAGE):
        settings = _settings(settings_file)
        if profile is not None:
            load_profile(profile)
        if table is not None and table not in TABLES:
            hint = f"{nearest(table, list(TABLES))} Tables: {', '.join(TABLES)}.".strip()
            raise LoaderError(f'There is no table "{table}".', hint)
        return Choices(settings, profile, table, store, _instant(exported_at, "--exported-at"))


def _settings(path: Path) -> Settings:
    """The settings file; where the default one does not exist, the defaults of every setting."""
    return Settings() if path == DEFAULT_SETTINGS and not path.exists() else load_settings(path)


def _instant(text: str | None, option: str) -> datetime | None:
    """An ISO moment; without an offset it is UTC, and a day alone means its last second."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        said.print(f'{option} "{text}" is no ISO date or time.\n\nHint: write {option} 2026-03-31T18:00:00+00:00')
        raise typer.Exit(WRONG_USAGE) from error
    is_day = found.time() == time() and "T" not in text and " " not in text.strip()
    moment = found + timedelta(days=1, seconds=-1) if is_day else found
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _failing_with(status: int) -> Iterator[None]:
    """Print an error with its hint and leave with a status instead of a traceback."""
    try:
        yield
    except LoaderError as error:
        said.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(status) from error


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar on standard error, silent where that is no terminal."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=said, transient=True, disable=not said.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def _part(report: Report, start: float, end: float) -> Report:
    return lambda done, text: report(start + done * (end - start), text)


def _any_read(sheets: Sequence[Sheet]) -> bool:
    return any(sheet.error is None for sheet in sheets)


def _show_load(sheets: Sequence[Sheet], published: snapshot.Published | None, *, as_json: bool) -> None:
    counts = published.files.to_dicts() if published else []
    if as_json:
        _print_json(
            {
                "snapshot": published.snapshot if published else None,
                "as_of": published.as_of.isoformat() if published and published.as_of else None,
                "files": _files_json(sheets, counts),
            }
        )
        return
    _print_counts(sheets, counts)
    if published:
        change = "serves now" if published.is_new else "still serves: nothing changed"
        out.print(f"Snapshot {published.snapshot} {change}. Data as of {published.as_of:%Y-%m-%d %H:%M} UTC.")


def _files_json(sheets: Sequence[Sheet], counts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per file (and sheet), in the order in which they were read."""
    entries: dict[tuple[str, str | None], dict[str, Any]] = {}
    for sheet in sheets:
        entry: dict[str, Any] = {"path": sheet.path}
        if sheet.sheet:
            entry["sheet"] = sheet.sheet
        detail: dict[str, Any] = {"error": sheet.error} if sheet.error else {"profile": sheet.profile, "tables": {}}
        entries[sheet.path, sheet.sheet] = entry | detail
    for row in counts:
        if row["error"] is None:
            tables = entries[row["path"], row["sheet"]]["tables"]
            held = tables.setdefault(row["table"], dict.fromkeys(_COUNTED, 0))
            tables[row["table"]] = {name: held[name] + row[name] for name in _COUNTED}
    return list(entries.values())


_COUNTED: Final = ("read", "accepted", "rejected", "unchanged", "updated")


def _print_counts(sheets: Sequence[Sheet], counts: list[dict[str, Any]]) -> None:
    shown = Table("file", "profile", "table", *_COUNTED)
    for row in counts:
        if row["error"] is None:
            cells = [Path(row["path"]).name, row["profile"], row["table"], *(str(row[name]) for name in _COUNTED)]
            shown.add_row(*cells)
    if shown.row_count:
        out.print(shown)
    for sheet in sheets:
        if sheet.error:
            said.print(f"{sheet.path}: {sheet.error}", markup=False, soft_wrap=True)
    if any(row["rejected"] for row in counts):
        said.print("Refused rows, with reasons: python -m loaders rejects")


def _check_json(sheet: Sheet) -> dict[str, Any]:
    if sheet.error:
        return {"path": sheet.path, "sheet": sheet.sheet, "error": sheet.error}
    return {
        "path": sheet.path,
        "sheet": sheet.sheet,
        "profile": sheet.profile,
        "reasons": list(sheet.reasons),
        "left_out": [{"line": line, "reason": reason} for line, reason in sheet.dropped],
        "tables": {
            part.table: {
                "read": part.read,
                "accepted": part.read - part.rejects.height,
                "rejected": part.rejects.height,
                "rejects": part.rejects.select("source_line", "rule").to_dicts(),
            }
            for part in sheet.conformed
        },
    }


def _print_check(sheet: Sheet) -> None:
    place = f"{sheet.path} [{sheet.sheet}]" if sheet.sheet else sheet.path
    if sheet.error:
        out.print(f"{place}: {sheet.error}\n", markup=False, soft_wrap=True)
        return
    out.print(f"{place}: profile {sheet.profile}", markup=False, soft_wrap=True)
    for reason in sheet.reasons:
        out.print(f"  because {reason}", markup=False, soft_wrap=True)
    for line, reason in sheet.dropped:
        out.print(f"  line {line} left out: {reason}", markup=False, soft_wrap=True)
    for part in sheet.conformed:
        refused = part.rejects.height
        out.print(f"  {part.table}: {part.read} read, {part.read - refused} accepted, {refused} rejected")
        for row in part.rejects.head(20).to_dicts():
            out.print(f"    line {row['source_line']}: {row['rule']}", markup=False, soft_wrap=True)


def _print_history(entry: dict[str, Any]) -> None:
    serves = "  (serves now)" if entry["is_current"] else ""
    out.print(f"{entry['snapshot']}{serves}  loaded {entry['loaded_at']}  data as of {entry['as_of']}")
    for row in entry["files"]:
        result = row["error"] or f"{row['table']}: {row['accepted']} accepted, {row['rejected']} rejected"
        out.print(f"    {row['path']}  {result}", markup=False, soft_wrap=True)


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


if __name__ == "__main__":
    app()
