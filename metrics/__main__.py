"""`python -m metrics`: numbers on the command line, as tables for people and JSON or CSV for scripts.

Results stand alone on standard output; messages go to standard error. Exit status: 0 done, 1 no such data, 2 wrong
usage.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from metrics import engine, listing, lists
from metrics.catalog import METRICS, metric
from metrics.comparisons import change, coaching, outlook, sources, tables
from metrics.comparisons.bounds import bounds as find_bounds
from metrics.comparisons.people import people as compare_people
from metrics.declare import Conversion, Metric, MetricError, NoSuchData, Ratio, Unit, nearest
from metrics.documentation import definitions
from metrics.engine import Warehouse, spreadsheet_safe
from metrics.filters import Filters, ask, check_dimension, unavailable
from metrics.sql import Part, Query

DEFAULT_WAREHOUSE: Final = Path("data/warehouse")
UNCUT: Final = 4_000
PIPED: Final = 120
NARROW: Final = 100
_WAITING: Final = {
    "customer": "customer",
    "phone": "phone",
    "vehicle": "vehicle",
    "owner": "owner",
    "store": "store",
    "waits since (UTC)": "since",
    "last touch (UTC)": "last_touch_at",
    "source": "source",
}
SHORTENED: Final = frozenset(
    {"store", "customer", "vehicle", "salesperson", "setter", "source", "campaign", "source_file"}
)
WHOLE: Final = frozenset({"numerator", "denominator", "n_immature"})


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    csv = "csv"


app = typer.Typer(
    help="Numbers of the dealership, straight from the warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_ERR: Final = Console(stderr=True)

WarehouseOption = Annotated[Path, typer.Option(envvar="UPBOARD_WAREHOUSE", help="Directory of the snapshots.")]
FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for scripts.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day of the period (store's day).")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day of the period, included.")]
AsOfOption = Annotated[str | None, typer.Option(metavar="T", help='What "now" is: a day (its end) or a time; UTC.')]
WhereOption = Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep only these; may be repeated.")]
BasisOption = Annotated[str, typer.Option(help="cohort, or in_period to count hits on their own date.")]
CreditOption = Annotated[str | None, typer.Option(help="salesperson, bdc_agent, setter or responder.")]
AttributionOption = Annotated[str, typer.Option(help="Source of an opportunity: first, last or even.")]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print the query that would run instead of its result.")]


@app.command("list")
def list_metrics(as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """Every metric, in reading order."""
    if as_json:
        _print_json([describe(found) for found in METRICS])
        return
    table = Table("metric", "label", "kind", "what it says")
    for found in METRICS:
        table.add_row(found.name, found.label, found.kind, found.description)
    _print_table(table)


@app.command()
def show(
    metrics: Annotated[list[str], typer.Argument(metavar="METRIC...")],
    by: Annotated[str | None, typer.Option(metavar="DIM[,DIM]", help="Split by these dimensions.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    grain: Annotated[str | None, typer.Option(help="day, week, month, quarter or year.")] = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    basis: BasisOption = "cohort",
    credit: CreditOption = None,
    attribution: AttributionOption = "first",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
    as_sql: SqlOption = False,
) -> None:
    """Values of metrics, split and filtered, with numerator, denominator, interval and immature rows."""
    with _told_plainly():
        chosen = [metric(name) for name in metrics]
        filters = _filters(by, start, end, grain, as_of, where, basis, credit, attribution)
        opened = engine.open_warehouse(warehouse)
        _check_labels(opened, filters)
        if as_sql:
            _print_queries([_query_or_reason(found, filters) for found in chosen])
        else:
            _print_numbers(engine.evaluate(opened, metrics, filters), form)


@app.command()
def rows(
    name: Annotated[str, typer.Argument(metavar="METRIC")],
    part: Annotated[str, typer.Option(help="numerator or denominator.")] = "numerator",
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    basis: BasisOption = "cohort",
    credit: CreditOption = None,
    attribution: AttributionOption = "first",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows.")] = None,
    as_sql: SqlOption = False,
) -> None:
    """The rows behind a number: who, when, which record, which line of which file."""
    with _told_plainly():
        chosen = _part(part)
        filters = _filters(None, start, end, None, as_of, where, basis, credit, attribution)
        opened = engine.open_warehouse(warehouse)
        _check_labels(opened, filters)
        if as_sql:
            _print_queries(engine.rows_queries(name, chosen, filters, limit))
        else:
            _print_rows(engine.rows(opened, name, chosen, filters, limit), metric(name), form)


@app.command()
def people(
    name: Annotated[str | None, typer.Argument(metavar="METRIC", help="A rate; leave it out with --coach.")] = None,
    coach: Annotated[bool, typer.Option("--coach", help="What working on each step is worth, by person.")] = False,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="The change from that day on, by person.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    credit: CreditOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """People against colleagues on the same leads: expected hits, adjusted rate, verdict, and a sentence for each."""
    with _told_plainly():
        if coach == (name is not None) or (coach and since):
            raise MetricError(
                "Say a metric (with --since or without), or --coach alone.",
                "For example `python -m metrics people closing_rate`.",
            )
        opened, filters = _asked(warehouse, start, end, as_of, where, credit)
        if name is None:
            _print_compared(coaching.coaching(opened, filters), tables.COACHED, form)
        elif since is None:
            _print_compared(compare_people(opened, name, filters), tables.JUDGED, form)
        else:
            day = moment_of(since).date()
            _print_compared(coaching.since(opened, name, filters, day), tables.CHANGED, form)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="METRIC")],
    start: FromOption = None,
    end: ToOption = None,
    against: Annotated[str | None, typer.Option(metavar="DAY:DAY", help="The period to compare with.")] = None,
    against_store: Annotated[str | None, typer.Option(metavar="STORE", help="The store to compare with.")] = None,
    is_same_age: Annotated[
        bool, typer.Option("--same-age", help="See the other period as it was when it was as young, as pages do.")
    ] = False,
    over: Annotated[str | None, typer.Option(metavar="DIM", help="Split by it; else dimensions are ranked.")] = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    credit: CreditOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """Why a rate differs between two periods or two stores: volume, mix and rate, which add up exactly."""
    with _told_plainly():
        opened, now = _asked(warehouse, start, end, as_of, where, credit)
        before = _other_side(now, against, against_store)
        _check_labels(opened, before)
        if is_same_age:
            before = before.at_age_of(now, engine.newest(opened))
        if over is None:
            _print_compared(change.rank(opened, name, now, before), tables.RANKED, form)
        else:
            _print_compared(change.explain(opened, name, now, before, over), tables.SPLIT, form)


@app.command("sources")
def compare_sources(
    name: Annotated[str, typer.Argument(metavar="METRIC", help="A rate, sold_units, gross, roi, spend, cohort_gross.")],
    window: Annotated[int, typer.Option(min=1, help="Days before a sale in which a lead has a part in it.")] = 180,
    move: Annotated[list[str] | None, typer.Option(metavar="SOURCE=AMOUNT", help="What if, a month.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    attribution: AttributionOption = "first",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """Sources judged fairly; the metric decides what is asked.

    A rate (closing_rate): quality apart from handling. sold_units or gross: credit by first, last and even, with
    assists. roi: the return with its interval. spend: the ledger of spend and sales. leads, opportunities or
    cohort_gross: what the last dollars brought, and with --move what moving them might bring.
    """
    with _told_plainly():
        opened, filters = _asked(warehouse, start, end, as_of, where, None, attribution)
        frame, columns = _source_view(opened, name, filters, window, _moves(move or ()))
        _print_compared(frame, columns, form)


@app.command()
def project(
    name: Annotated[str, typer.Argument(metavar="METRIC")] = "closing_rate",
    test: Annotated[bool, typer.Option("--test", help="How good such projections have been so far.")] = False,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """What the rate of each month's leads will come to once they have had their time, with an interval."""
    with _told_plainly():
        opened, filters = _asked(warehouse, start, end, as_of, where, None)
        if test:
            _print_compared(outlook.projection_test(opened, name, filters), tables.TESTED, form)
        else:
            _print_compared(outlook.projected(opened, name, filters), tables.PROJECTED, form)


@app.command()
def bounds(
    name: Annotated[str, typer.Argument(metavar="METRIC", help="A rate, such as show_rate.")],
    by: Annotated[str | None, typer.Option(metavar="DIM[,DIM]", help="Split by these dimensions.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    credit: CreditOption = None,
    attribution: AttributionOption = "first",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """How low and how high a rate could be, were every outcome that is missing a miss or a hit."""
    with _told_plainly():
        filters = _filters(by, start, end, None, as_of, where, "cohort", credit, attribution)
        opened = engine.open_warehouse(warehouse)
        _check_labels(opened, filters)
        split = [tables.Column(name.replace("_", " "), name) for name in filters.by]
        _print_compared(find_bounds(opened, name, filters), [*split, *tables.BOUNDED], form)


@app.command()
def pace(
    name: Annotated[str, typer.Argument(metavar="METRIC")] = "sold_units",
    as_of: AsOfOption = None,
    where: WhereOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
) -> None:
    """Where the month will end for each store: cars, leads or whatever adds up over days."""
    with _told_plainly():
        opened, filters = _asked(warehouse, None, None, as_of, where, None)
        _print_compared(outlook.month_pace(opened, name, filters), tables.PACED, form)


@app.command()
def worklist(
    name: Annotated[str | None, typer.Argument(metavar="LIST", help="One list; without it, how many wait.")] = None,
    older: Annotated[
        bool, typer.Option("--older", help="Also those who have waited longer than the list looks.")
    ] = False,
    as_of: AsOfOption = None,
    where: WhereOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    form: FormatOption = Format.table,
    as_sql: SqlOption = False,
) -> None:
    """Customers who fell through: whom to call, why, and who owns them. Without LIST: the lists and their counts."""
    with _told_plainly():
        names = lists.NAMES if name is None else (lists.worklist(name).name,)
        opened, filters = _asked(warehouse, None, None, as_of, where, None)
        if as_sql:
            _print_queries([listing.query(names, filters, is_older_too=older)])
            return
        found = listing.worklists(opened, names, filters, is_older_too=older)
        if name is None and form is Format.table:
            _print_lists(found)
        else:
            _print_waiting(found, form)


@app.command()
def docs(
    out: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("docs/metrics.md"),
    check: Annotated[bool, typer.Option("--check", help="Only say whether the page is up to date.")] = False,
) -> None:
    """Write docs/metrics.md: every metric in plain words, generated from the declarations."""
    text = definitions()
    if check:
        is_current = out.is_file() and out.read_text(encoding="utf-8") == text
        if not is_current:
            _complain(f"{out} is out of date.", "Run `python -m metrics docs`.")
        raise typer.Exit(0 if is_current else 1)
    out.write_text(text, encoding="utf-8")
    _ERR.print(f"wrote {out}")


def describe(found: Metric) -> dict[str, object]:
    """What `list --json` says of a metric; a ratio has no single fact and clock."""
    return {
        "name": found.name,
        "label": found.label,
        "kind": found.kind,
        "unit": str(found.unit),
        "description": found.description,
        "fact": getattr(found, "fact", None),
        "clock": getattr(found, "clock", None),
        "higher_is_better": found.higher_is_better,
        "family": found.family,
        "dimensions": list(found.dimensions),
    }


# -------------------------------------------------------------------------------------- from words to filters


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Errors of the room as message, hint and exit status."""
    try:
        yield
    except NoSuchData as error:
        _complain(error.message, error.hint)
        raise typer.Exit(1) from error
    except MetricError as error:
        _complain(error.message, error.hint)
        raise typer.Exit(2) from error


def _complain(message: str, hint: str) -> None:
    print(f"{message}\n\nHint: {hint}", file=sys.stderr)  # noqa: T201  # wrapped by nobody, whole in a log


def _filters(
    by: str | None,
    start: str | None,
    end: str | None,
    grain: str | None,
    as_of: str | None,
    where: Sequence[str] | None,
    basis: str,
    credit: str | None,
    attribution: str,
) -> Filters:
    split = tuple(word.strip() for word in (by or "").split(",") if word.strip())
    moment = None if as_of is None else moment_of(as_of)
    return ask(
        by=split,
        start=_day("--from", start),
        end=_day("--to", end),
        grain=grain,
        as_of=moment,
        where=_where(where or ()),
        basis=basis,
        credit=credit,
        attribution=attribution,
    )


def _asked(
    directory: Path,
    start: str | None,
    end: str | None,
    as_of: str | None,
    where: Sequence[str] | None,
    credit: str | None,
    attribution: str = "first",
) -> tuple[Warehouse, Filters]:
    """The warehouse, and the filters of a comparison, whose labels the data have."""
    filters = _filters(None, start, end, None, as_of, where, "cohort", credit, attribution)
    opened = engine.open_warehouse(directory)
    _check_labels(opened, filters)
    return opened, filters


def _other_side(now: Filters, against: str | None, store: str | None) -> Filters:
    """The filters to compare with: another period, another store, or both."""
    if against is None and store is None:
        raise MetricError(
            "There is nothing to compare with.",
            "Give --against 2026-05-01:2026-05-31, or --where store=ONE --against-store OTHER.",
        )
    changes: dict[str, object] = {}
    if against is not None:
        first, colon, last = against.partition(":")
        if not colon:
            raise MetricError(f"--against {against!r} is not a period.", "Write 2026-05-01:2026-05-31.")
        changes |= {"start": _day("--against", first), "end": _day("--against", last)}
    if store is not None:
        changes["where"] = {**now.where, "store": (store,)}
    before = now.but(**changes)
    if before == now:
        raise MetricError("Both sides are the same, so nothing can differ.", "Change --against or --against-store.")
    return before


def _moves(pairs: Sequence[str]) -> dict[str, float]:
    moves = {}
    for pair in pairs:
        source, _, amount = pair.rpartition("=")
        try:
            moves[source.strip()] = float(amount)
        except ValueError as error:
            raise MetricError(f"--move {pair!r} has no amount.", "Write SOURCE=AMOUNT, such as Website=500.") from error
    return moves


def _source_view(
    opened: Warehouse, name: str, filters: Filters, window: int, moves: dict[str, float]
) -> tuple[pl.DataFrame, tuple[tables.Column, ...]]:
    """The comparison of sources that a metric asks for, and the columns of its table."""
    if moves:
        return sources.moved(opened, name, filters, moves), tables.MOVED
    if metric(name).kind == "conversion":
        return sources.quality(opened, name, filters), tables.HANDLED
    if name == "roi":
        return sources.returns(opened, filters), tables.RETURNED
    if name == "spend":
        return sources.ledger(opened, filters), tables.LEDGER
    if name in sources.BY_MONTH:
        return sources.marginal(opened, name, filters), tables.MARGINAL
    return sources.credited(opened, name, filters, window), tables.CREDITED


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise MetricError(f"{option} {text!r} is not a day.", "Days look like 2026-01-31.") from error


def moment_of(text: str) -> datetime:
    """A moment from a day (its last second) or a time, in UTC where no zone is given."""
    try:
        if len(text) <= len("2026-01-31"):
            day = date.fromisoformat(text)
            return datetime.combine(day, time(), UTC) + timedelta(days=1, seconds=-1)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "Use 2026-01-31 (the end of that day) or 2026-01-31T18:00:00+00:00."
        raise MetricError(f"--as-of {text!r} is neither a day nor a time.", hint) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _where(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    kept: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, equals, label = pair.partition("=")
        if not equals:
            raise MetricError(f"--where {pair!r} has no '='.", "Write DIM=VALUE, such as --where source=Website.")
        kept[name.strip()] = (*kept.get(name.strip(), ()), label.strip())
    return kept


def _check_labels(warehouse: Warehouse, filters: Filters) -> None:
    """A label that the data do not have is said to be missing, instead of an empty result."""
    for name, labels in filters.where.items():
        known = engine.options(warehouse, check_dimension(name))
        for label in labels:
            if label not in known:
                close = nearest(label, tuple(known))
                hint = (
                    f"Did you mean {close!r}?" if close else f"{len(known)} values are known: {', '.join(known[:8])}."
                )
                raise NoSuchData(f"There is no {name} {label!r} in this data.", hint)


def _part(word: str) -> Part:
    if word == "numerator":
        return "numerator"
    if word == "denominator":
        return "denominator"
    raise MetricError(f"There is no part {word!r}.", "Use --part numerator or --part denominator.")


# -------------------------------------------------------------------------------------------- what is printed


def _query_or_reason(found: Metric, filters: Filters) -> Query:
    reason = unavailable(found, filters)
    return Query(f"-- {found.label}: n/a. {reason}\n", {}) if reason else engine.query(found.name, filters)


def _print_queries(queries: Sequence[Query]) -> None:
    sys.stdout.write("\n;\n\n".join(query.with_parameters().rstrip() for query in queries) + "\n")


def _print_numbers(frame: pl.DataFrame, form: Format) -> None:
    if form is Format.json:
        _print_json([_shaped(row) for row in frame.iter_rows(named=True)])
    elif form is Format.csv:
        sys.stdout.write(spreadsheet_safe(frame).write_csv())
    elif frame.height:
        _print_table(_numbers_table(frame))
        for name, reason in frame.filter(pl.col("reason").is_not_null()).select("metric", "reason").iter_rows():
            sys.stdout.write(f"n/a {name}: {reason}\n")
    _end_if_empty(frame)


def _print_compared(frame: pl.DataFrame, columns: Sequence[tables.Column], form: Format) -> None:
    """A comparison: every column as JSON or CSV; for people a table of the telling ones, then the sentences."""
    if form is Format.json:
        _print_json([_compared(row) for row in frame.iter_rows(named=True)])
    elif form is Format.csv:
        sys.stdout.write(spreadsheet_safe(frame).write_csv())
    else:
        table = Table(*(column.heading for column in columns))
        for row in frame.iter_rows(named=True):
            table.add_row(*(column.cell(row) for column in columns))
        _print_table(table)
        for row in frame.filter(pl.col("sentence").is_not_null()).iter_rows(named=True):
            sys.stdout.write(tables.line(row, tables.names_of(columns)) + "\n")


def _compared(row: dict[str, Any]) -> dict[str, object]:
    return {name: _whole(value) if name in tables.COUNTS else _plain(value) for name, value in row.items()}


def _print_rows(frame: pl.DataFrame, chosen: Metric, form: Format) -> None:
    if form is Format.json:
        _print_json([{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)])
    elif form is Format.csv:
        sys.stdout.write(spreadsheet_safe(frame).write_csv())
    elif frame.height:
        for table in _rows_tables(frame, chosen):
            Console(width=_terminal_width()).print(table, crop=False)
        _ERR.print(f"{frame.height:,} rows, times in UTC. Every column of them: --format json or --format csv.")
    _end_if_empty(frame)


def _print_lists(found: pl.DataFrame) -> None:
    waiting = dict(found.group_by("list").len().iter_rows())
    table = Table("list", "customers", "why it matters", "what to do")
    for one in lists.LISTS:
        table.add_row(one.name, f"{waiting.get(one.name, 0):,}", one.why, one.to_do)
    _print_table(table)


def _print_waiting(found: pl.DataFrame, form: Format) -> None:
    if form is Format.json:
        _print_json([{name: _plain(value) for name, value in row.items()} for row in found.iter_rows(named=True)])
    elif form is Format.csv:
        flat = found.with_columns(pl.col("records").list.join("; "))
        sys.stdout.write(spreadsheet_safe(flat).write_csv())
    elif found.height:
        table = Table(*_WAITING)
        for row in found.iter_rows(named=True):
            table.add_row(*(_short(row[column]) for column in _WAITING.values()))
        _print_table(table)
    _end_if_empty(found)


def _end_if_empty(frame: pl.DataFrame) -> None:
    if frame.is_empty():
        _complain("Nothing in the data matches.", "Widen the period or drop a filter.")
        raise typer.Exit(1)


def _shaped(row: dict[str, Any]) -> dict[str, object]:
    """One result as data_model.md has it; `reason` only where there is one. Whole counts are whole numbers."""
    shaped = {name: _whole(value) if name in WHOLE else _plain(value) for name, value in row.items()}
    if shaped["reason"] is None:
        del shaped["reason"]
    return shaped


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() else value


def _plain(value: object) -> object:
    """A value that JSON can hold: dates as ISO text, money as a number."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _print_table(table: Table) -> None:
    """A table as wide as the terminal; as wide as it needs to be where it goes into a file or a pipe."""
    Console(width=None if sys.stdout.isatty() else UNCUT).print(table, crop=False)


def _numbers_table(frame: pl.DataFrame) -> Table:
    texts = [name for name in frame.columns if name not in ("value", "low", "high", "reason", *WHOLE)]
    table = Table(*texts, "value", "95 % interval", "n", "immature")
    for row in frame.iter_rows(named=True):
        found = metric(row["metric"])
        interval = ""
        if row["low"] is not None:
            interval = f"{_spoken(row['low'], found.unit)} to {_spoken(row['high'], found.unit)}"
        value = _spoken(row["value"], found.unit)
        immature = f"{row['n_immature']:,.0f}" if row["n_immature"] else ""
        table.add_row(*(str(row[name]) for name in texts), value, interval, _out_of(row), immature)
    return table


def _out_of(row: dict[str, Any]) -> str:
    parts = [row["numerator"], row["denominator"]]
    return " / ".join(f"{part:,.10g}" for part in parts if part is not None)


def _spoken(value: float | None, unit: Unit) -> str:
    if value is None:
        return "n/a"
    if unit is Unit.SHARE:
        return f"{value:.1%}"
    if unit is Unit.MINUTES:
        return f"{value:,.1f} min"
    if unit is Unit.DAYS:
        return f"{value:,.1f} days"
    return f"{value:,.2f}" if unit in {Unit.MONEY, Unit.POINTS, Unit.TIMES} else f"{value:,.10g}"


def _rows_tables(frame: pl.DataFrame, chosen: Metric) -> list[Table]:
    """The rows in the few columns that tell most: one table, or one for each measure of a ratio."""
    if "measure" not in frame.columns:
        return [_rows_table(frame, next(iter(_listed_columns(chosen).values())))]
    return [
        _rows_table(frame.filter(pl.col("measure") == name), columns, name)
        for name, columns in _listed_columns(chosen).items()
        if name in frame["measure"]
    ]


def _listed_columns(chosen: Metric) -> dict[str, tuple[str, ...]]:
    """By measure: the telling columns of its fact, and the moment of the step that is counted."""
    if isinstance(chosen, Ratio):
        return {term.name: term.table.telling_columns for term in chosen.terms}
    step = chosen.table.milestone(chosen.converted) if isinstance(chosen, Conversion) else None
    columns = chosen.table.telling_columns
    return {chosen.name: (*columns[:-1], *([step.at] if step else []), columns[-1])}


def _rows_table(frame: pl.DataFrame, columns: Sequence[str], title: str | None = None) -> Table:
    is_narrow = _terminal_width() < NARROW
    is_store_plain = is_narrow or frame["store"].n_unique() == 1
    shown = [*(() if is_store_plain else ("store",)), *(name for name in columns if name in frame.columns)]
    if is_narrow and "customer" in shown:
        shown = [name for name in shown if name != "source"]
    cells = [[_short(value) for value in row] for row in frame.select(shown).iter_rows()]
    table = Table(title=title)
    widths = {
        name: max(len(cell) for cell in column) for name, column in zip(shown, zip(*cells, strict=True), strict=True)
    }
    for name, width in _fitting(widths, _terminal_width()).items():
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        table.add_row(*row)
    return table


def _fitting(widths: dict[str, int], room: int) -> dict[str, int]:
    """Widths of columns that fit: dates, words and ids stay whole, names share what is left."""
    whole = {name: max(width, min(len(name), 9)) for name, width in widths.items() if name not in SHORTENED}
    borders = 3 * len(widths) + 1
    names = len(widths) - len(whole)
    share = max(8, (room - borders - sum(whole.values())) // names) if names else 0
    return {name: whole.get(name, min(share, max(width, len(name)))) for name, width in widths.items()}


def _terminal_width() -> int:
    return Console().width if sys.stdout.isatty() else PIPED


def _short(value: object) -> str:
    """A cell of a table: moments to the minute, money to the cent, nothing for nothing."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    app()
