"""The loaders' command line: load, build, check, watch, sources, history, forget, backup, schedule and more.

`--json` prints one object on standard output and nothing else there; progress and messages go to standard error. Exit
status: 0 done, 1 nothing could be loaded, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from loaders import snapshot
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
    settings_in,
    stopping_on_signal,
)
from loaders.draft import draft_profile, known_table, largest, profile_name, write_draft
from loaders.erased import read_erased
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet, take_in
from loaders.lock import WAIT_SECONDS
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
from loaders.parts import Period
from loaders.profile import OWN_PROFILES, load_profile
from loaders.progress import Progress, part, shown
from loaders.read import Reading
from loaders.read.database import Question, is_address
from loaders.read.letters import known_encoding
from loaders.settings import load_settings
from loaders.sources import pasteable, source_lines, spellings, unmapped_line
from loaders.star import Moment
from loaders.synthetic import simulate
from loaders.upkeep import backup, forget, restore, schedule
from loaders.watch import Orders, Voice
from loaders.watch import watch as watch_folder
from loaders.why_same import why_same

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

# Text, not a path: a path would lose the slashes of an address.
Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, folders, or a database: postgresql://host/database.")
]
Relations = Annotated[list[str] | None, typer.Option("--relation", help="A table or view there (repeatable).")]
Queries = Annotated[list[str] | None, typer.Option("--query", help="A SELECT to run in the database (repeatable).")]
WatermarkColumn = Annotated[
    str | None, typer.Option("--watermark", help="Read only rows at or above its highest value of the last load.")
]
ProfileName = Annotated[str | None, typer.Option("--profile", help="Read with this profile (a name or a TOML file).")]
TableName = Annotated[str | None, typer.Option("--table", help="Take only this table from the files.")]
StoreName = Annotated[str | None, typer.Option("--store", help="The store of rows that name none.")]
ExportedAt = Annotated[str | None, typer.Option(help="When the files were exported (ISO), if they do not say.")]
PeriodOf = Annotated[
    str | None,
    typer.Option("--period", metavar="DAY:DAY", help="The period of reports that name none (first:last day)."),
]
EncodingName = Annotated[
    str | None, typer.Option("--encoding", help="How the letters of text files are stored: utf-8, cp1252, iso-8859-7.")
]
SheetNames = Annotated[
    list[str] | None, typer.Option("--sheet", help="Read this sheet of workbooks, even if hidden (repeatable).")
]
AsOf = Annotated[str | None, typer.Option(help='What "now" is (ISO); otherwise the newest event in the data.')]


@app.command()
def load(
    paths: Paths,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    profile: ProfileName = None,
    table: TableName = None,
    store: StoreName = None,
    exported_at: ExportedAt = None,
    period: PeriodOf = None,
    encoding: EncodingName = None,
    only_sheet: SheetNames = None,
    relation: Relations = None,
    query: Queries = None,
    watermark: WatermarkColumn = None,
    as_of: AsOf = None,
    wait: WaitSeconds = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Load exports: build a new snapshot from the last one and these files, and publish it."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        choices = replace(
            _choices(settings_file, profile, table, store, exported_at),
            period=_period(period),
            reading=_reading(encoding, only_sheet),
        )
        moment = Moment(loaded_at=datetime.now(UTC), as_of=_instant(as_of, "--as-of"))
        choices = replace(choices, question=_question(paths, relation, query, watermark, warehouse))
    published = None
    with failing_with(NOTHING_LOADED, as_json=as_json, stopped=STOPPED), shown(said) as report:
        sheets = take_in(paths, choices, part(report, 0.0, 0.5))
        if _any_rows(sheets):
            published = snapshot.publish(sheets, warehouse, choices.settings, moment, part(report, 0.5, 1.0), wait)
            snapshot.note_settings_file(warehouse, settings_file)
    if as_json:
        print_json(load_as_json(sheets, published))
    else:
        print_load(sheets, published, warehouse)
    if published is not None and choices.settings.sources.map:
        say(unmapped_line(spellings(snapshot.source_spellings(warehouse), choices.settings), warehouse))
    if published is None:
        raise typer.Exit(NOTHING_LOADED)


@app.command()
def check(
    paths: Paths,
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    profile: ProfileName = None,
    table: TableName = None,
    store: StoreName = None,
    exported_at: ExportedAt = None,
    period: PeriodOf = None,
    encoding: EncodingName = None,
    only_sheet: SheetNames = None,
    relation: Relations = None,
    query: Queries = None,
    watermark: WatermarkColumn = None,
    as_json: Json = False,
) -> None:
    """Say what a load would do: the profile found and why, the columns, the refused rows. Writes nothing."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        choices = replace(
            _choices(settings_file, profile, table, store, exported_at),
            period=_period(period),
            reading=_reading(encoding, only_sheet),
        )
        choices = replace(choices, question=_question(paths, relation, query, watermark, warehouse))
    with failing_with(NOTHING_LOADED, as_json=as_json), shown(said) as report:
        sheets = take_in(paths, choices, report)
    if as_json:
        print_json({"files": [check_as_json(sheet) for sheet in sheets]})
    else:
        for sheet in sheets:
            print_check(sheet)
    if not _any_rows(sheets):
        raise typer.Exit(NOTHING_LOADED)


@app.command()
def watch(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where scheduled reports drop their files.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    profile: ProfileName = None,
    store: StoreName = None,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How often to look.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Look twice, load what is complete, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Load what is dropped into a folder, each file once it is complete. With --json, one line per load."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        choices = _choices(settings_file, profile, None, store, None)
        if not directory.is_dir():
            raise LoaderError(f"{directory} is no folder.", "Name the folder where the reports are dropped.")

    def tell(sheets: Sequence[Sheet], published: snapshot.Published | None) -> None:
        if as_json:
            print_json(load_as_json(sheets, published))
        else:
            print_load(sheets, published, warehouse)

    voice = Voice(say, tell, lambda: shown(said))
    with failing_with(NOTHING_LOADED, as_json=as_json, stopped=STOPPED), stopping_on_signal() as stop:
        say(f"Watching {directory}, a look every {every:g} s. Stop with Ctrl-C.")
        is_good = watch_folder(Orders(directory, warehouse, choices, every, is_once=once), voice, stop)
    if stop.is_set():
        say(STOPPED)
    elif not is_good:
        raise typer.Exit(NOTHING_LOADED)


@app.command()
def rejects(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the rows that were refused: file, line, rule, the row as it was."""
    with failing_with(NOTHING_LOADED, as_json=as_json):
        refused = snapshot.rejects(warehouse)
    rows = refused.select("source_file", "source_sheet", "source_line", "table", "profile", "rule", "row").to_dicts()
    if as_json:
        print_json({"rejects": [row | {"row": json.loads(row["row"])} for row in rows]})
    else:
        print_rejects(rows)


@app.command()
def sources(
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    as_json: Json = False,
) -> None:
    """List every lead source as the files write it, what the settings map it to, and lines to paste for the others."""
    with failing_with(NOTHING_LOADED, as_json=as_json):
        found = spellings(snapshot.source_spellings(warehouse), settings_in(settings_file))
    lines = list(pasteable(found))
    if as_json:
        print_json({"sources": [spelling.as_json() for spelling in found], "settings": "\n".join(lines)})
        return
    for line in source_lines(found):
        print_line(line)
    if lines:
        print_line("\nTo map the others, put what is right of this into settings.toml, and load again:\n")
        for line in lines:
            print_line(line)


@app.command("profile")
def draft(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export that no profile knows.")],
    table: TableName = None,
    out: Annotated[Path | None, typer.Option(help="Write the draft here (my_crm.toml) instead of showing it.")] = None,
    as_json: Json = False,
) -> None:
    """Draft a profile for an unknown file: the best guess per column, with the reason and samples."""
    with failing_with(NOTHING_LOADED, as_json=as_json):
        known_table(table)
        name = profile_name((out or file).stem)
        drafted = draft_profile(largest(file), name, table)
        if out:
            write_draft(out, drafted)
    if as_json:
        print_json(drafted.as_json())
    elif out is None:
        print_line(drafted.text)
    for line in drafted.next_steps(file, out or Path(f"{name}.toml")):
        say(line)


@app.command("why-same")
def why_two_leads_are_one_customer(
    first: Annotated[str, typer.Argument(metavar="ID", help="A lead id of the CRM, or system:id, or a lead key.")],
    second: Annotated[str, typer.Argument(metavar="ID", help="The other lead.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    store: Annotated[str | None, typer.Option(help="The store of both leads, where several stores use an id.")] = None,
    as_json: Json = False,
) -> None:
    """Say why two leads are one customer, step by step, or why they are not."""
    with failing_with(NOTHING_LOADED, as_json=as_json):
        leads, settings = snapshot.customer_leads(warehouse)
        countries = {name: settings.store_named(name).country for name in leads["store"].unique().to_list()}
        told = why_same(leads, first, second, guards=settings.identity, countries=countries, store=store)
    if as_json:
        print_json(told.as_json())
    else:
        for line in told.lines():
            print_line(line)


@app.command()
def history(warehouse: Warehouse = DEFAULT_WAREHOUSE, as_json: Json = False) -> None:
    """List the snapshots that are kept, newest first, with the files that each load brought."""
    with failing_with(NOTHING_LOADED, as_json=as_json):
        entries = snapshot.history(warehouse)
        erased = read_erased(warehouse)
    erasures = erased.erasures if erased else ()
    if as_json:
        print_json({"snapshots": entries, "erasures": [asdict(erasure) for erasure in erasures]})
        return
    if not entries:
        print_line(f"Nothing was loaded into {warehouse} yet. Load something: python -m loaders load PATH")
    for entry in entries:
        print_history(entry)
    for erasure in erasures:
        print_line(f"{erasure.at}: a customer was erased by {erasure.who} ({sum(erasure.rows.values())} rows emptied)")


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="A name that `history` shows.")],
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    as_json: Json = False,
) -> None:
    """Publish an earlier snapshot again."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        serving = snapshot.roll_back(warehouse, name)
    if as_json:
        print_json({"snapshot": serving})
    else:
        print_line(f"{serving} serves now.")


@app.command()
def build(
    warehouse: Warehouse = DEFAULT_WAREHOUSE,
    settings_file: SettingsFile = DEFAULT_SETTINGS,
    wait: WaitSeconds = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Build what is loaded once more with the settings as they are now, without any new file."""
    with failing_with(WRONG_USAGE, as_json=as_json):
        settings = settings_in(settings_file)
    with failing_with(NOTHING_LOADED, as_json=as_json, stopped=STOPPED), shown(said) as report:
        published = snapshot.build_again(warehouse, settings, report, wait)
        snapshot.note_settings_file(warehouse, settings_file)
    if as_json:
        print_json(load_as_json([], published))
    else:
        print_load([], published, warehouse)


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
    with failing_with(WRONG_USAGE, as_json=False):
        now = _instant(as_of, "--as-of")
    with failing_with(NOTHING_LOADED, as_json=False), _writing_to(directory), shown(said) as report:
        simulate(
            directory,
            stores=stores,
            months=months,
            leads_per_month=leads_per_month,
            seed=seed,
            as_of=now,
            progress=part(report, 0.0, 0.4 if load_into else 1.0),
        )
        if load_into:
            _load_demo(directory, load_into, part(report, 0.4, 1.0))
    if load_into:
        say(f"A simulated dealership was loaded into {load_into}; its exports are in {directory}.")
    else:
        settings_file = directory / "settings.toml"
        say(f"Written to {directory}. Load it: python -m loaders load {directory} --settings {settings_file}")


for upkeep in (forget, backup, restore, schedule):
    app.command()(upkeep)


def _load_demo(directory: Path, warehouse: Path, report: Progress) -> None:
    settings_file = directory / "settings.toml"
    choices = Choices(load_settings(settings_file))
    sheets = take_in([directory], choices, part(report, 0.0, 0.5))
    snapshot.publish(sheets, warehouse, choices.settings, Moment(datetime.now(UTC)), part(report, 0.5, 1.0))
    snapshot.note_settings_file(warehouse, settings_file)


def _choices(
    settings_file: Path, profile: str | None, table: str | None, store: str | None, exported_at: str | None
) -> Choices:
    settings, own = settings_in(settings_file), settings_file.parent / OWN_PROFILES
    if profile is not None:
        load_profile(profile, own)
    known_table(table)
    return Choices(settings, profile, table, store, _instant(exported_at, "--exported-at"), own_profiles=own)


def _reading(encoding: str | None, sheets: Sequence[str] | None) -> Reading:
    if encoding is not None:
        try:
            known_encoding(encoding)
        except ValueError as error:
            raise LoaderError(f'There is no encoding "{encoding}".', "Try utf-8, cp1252 or iso-8859-7.") from error
    return Reading(encoding, tuple(sheets or ()))


def _question(
    paths: Sequence[str],
    relations: Sequence[str] | None,
    queries: Sequence[str] | None,
    column: str | None,
    warehouse: Path,
) -> Question:
    """What is asked of the databases among the paths, and how far they were read before."""
    if (relations or queries or column) and not any(is_address(path) for path in paths):
        hint = "Name one among the paths, such as postgresql://host/database."
        raise LoaderError("--relation, --query and --watermark are for a database.", hint)
    held = snapshot.watermarks(warehouse) if column else {}
    return Question(tuple(relations or ()), tuple(queries or ()), column, held)


def _period(text: str | None) -> Period | None:
    """The first and the last day of a period, written as 2026-03-01:2026-03-31."""
    if text is None:
        return None
    try:
        first, last = (date.fromisoformat(day.strip()) for day in text.split(":"))
    except ValueError as error:
        hint = "Write the first and the last day: --period 2026-03-01:2026-03-31"
        raise LoaderError(f'--period "{text}" is no period.', hint) from error
    if first > last:
        raise LoaderError(f'--period "{text}" ends before it starts.', f"Turn it around: --period {last}:{first}")
    return first, last


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
def _writing_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Choose a folder that you may write to: python -m loaders demo DIR"
        raise LoaderError(f"{directory} cannot be written: {error.strerror or error}.", hint) from error


def _any_rows(sheets: Sequence[Sheet]) -> bool:
    """Whether there is a row to load or to refuse, or a database had nothing new; a header alone is nothing."""
    is_read = any(part.read for sheet in sheets for part in sheet.conformed)
    return is_read or any(sheet.watermark and sheet.watermark.since for sheet in sheets)


if __name__ == "__main__":
    # Whoever looks at a page meanwhile goes first; on a machine that has nothing else to do a load takes no longer.
    if hasattr(os, "nice"):
        os.nice(10)
    app()
