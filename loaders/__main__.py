"""The loaders' command line: load, check, rejects, history, rollback, demo.

`--json` prints one object on standard output and nothing else there; progress and messages go to standard error. Exit
status: 0 done, 1 nothing could be loaded, 2 wrong usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loaders import snapshot
from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet, take_in
from loaders.output import (
    check_as_json,
    load_as_json,
    print_check,
    print_history,
    print_json,
    print_line,
    print_load,
    print_rejects,
    said,
    say,
)
from loaders.profile import load_profile
from loaders.settings import Settings, load_settings, nearest
from loaders.star import Moment
from loaders.star import Progress as Report
from loaders.synthetic import simulate

DONE: Final = 0
NOTHING_LOADED: Final = 1
WRONG_USAGE: Final = 2

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

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
    with _failing_with(WRONG_USAGE, as_json=as_json):
        choices = _choices(settings_file, profile, table, store, exported_at)
        moment = Moment(loaded_at=datetime.now(UTC), as_of=_instant(as_of, "--as-of"))
    published = None
    with _failing_with(NOTHING_LOADED, as_json=as_json), _progress() as report:
        sheets = take_in(paths, choices, _part(report, 0.0, 0.5))
        if _any_rows(sheets):
            published = snapshot.publish(sheets, warehouse, choices.settings, moment, _part(report, 0.5, 1.0))
    if as_json:
        print_json(load_as_json(sheets, published))
    else:
        print_load(sheets, published, warehouse)
    if published is None:
        raise typer.Exit(NOTHING_LOADED)


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
    with _failing_with(WRONG_USAGE, as_json=as_json):
        choices = _choices(settings_file, profile, table, store, exported_at)
    with _failing_with(NOTHING_LOADED, as_json=as_json), _progress() as report:
        sheets = take_in(paths, choices, report)
    if as_json:
        print_json({"files": [check_as_json(sheet) for sheet in sheets]})
    else:
        for sheet in sheets:
            print_check(sheet)
    if not _any_rows(sheets):
        raise typer.Exit(NOTHING_LOADED)


@app.command()
def rejects(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the rows that were refused: file, line, rule, the row as it was."""
    with _failing_with(NOTHING_LOADED, as_json=as_json):
        refused = snapshot.rejects(warehouse)
    rows = refused.select("source_file", "source_sheet", "source_line", "table", "profile", "rule", "row").to_dicts()
    if as_json:
        print_json({"rejects": [row | {"row": json.loads(row["row"])} for row in rows]})
    else:
        print_rejects(rows)


@app.command()
def history(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the snapshots that are kept, newest first, with the files that each load brought."""
    with _failing_with(NOTHING_LOADED, as_json=as_json):
        entries = snapshot.history(warehouse)
    if as_json:
        print_json({"snapshots": entries})
        return
    if not entries:
        print_line(f"Nothing was loaded into {warehouse} yet. Load something: python -m loaders load PATH")
    for entry in entries:
        print_history(entry)


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="A name that `history` shows.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    as_json: Json = False,
) -> None:
    """Publish an earlier snapshot again."""
    with _failing_with(WRONG_USAGE, as_json=as_json):
        serving = snapshot.roll_back(warehouse, name)
    if as_json:
        print_json({"snapshot": serving})
    else:
        print_line(f"{serving} serves now.")


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
    with _failing_with(WRONG_USAGE, as_json=False):
        now = _instant(as_of, "--as-of")
    with _failing_with(NOTHING_LOADED, as_json=False), _writing_to(directory), _progress() as report:
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
        say(f"A simulated dealership was loaded into {load_into}; its exports are in {directory}.")
    else:
        settings_file = directory / "settings.toml"
        say(f"Written to {directory}. Load it: python -m loaders load {directory} --settings {settings_file}")


def _load_demo(directory: Path, warehouse: Path, report: Report) -> None:
    choices = Choices(load_settings(directory / "settings.toml"))
    sheets = take_in([directory], choices, _part(report, 0.0, 0.5))
    snapshot.publish(sheets, warehouse, choices.settings, Moment(datetime.now(UTC)), _part(report, 0.5, 1.0))


def _choices(
    settings_file: Path, profile: str | None, table: str | None, store: str | None, exported_at: str | None
) -> Choices:
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
        hint = f"Write it so: {option} 2026-03-31T18:00:00+00:00"
        raise LoaderError(f'{option} "{text}" is no ISO date or time.', hint) from error
    is_day = found.time() == time() and "T" not in text and " " not in text.strip()
    moment = found + timedelta(days=1, seconds=-1) if is_day else found
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _failing_with(status: int, *, as_json: bool) -> Iterator[None]:
    """Print an error with its hint and leave with a status instead of a traceback."""
    try:
        yield
    except LoaderError as error:
        say(str(error))
        if as_json:
            print_json({"error": str(error)})
        raise typer.Exit(status) from error


@contextmanager
def _writing_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Choose a folder that you may write to: python -m loaders demo DIR"
        raise LoaderError(f"{directory} cannot be written: {error.strerror or error}.", hint) from error


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar on standard error, silent where that is no terminal."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=said, transient=True, disable=not said.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def _part(report: Report, start: float, end: float) -> Report:
    return lambda done, text: report(start + done * (end - start), text)


def _any_rows(sheets: Sequence[Sheet]) -> bool:
    """Whether there is a row to load or to refuse; a header alone is nothing."""
    return any(part.read for sheet in sheets for part in sheet.conformed)


if __name__ == "__main__":
    app()
