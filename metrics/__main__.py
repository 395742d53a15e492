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

from metrics import engine
from metrics.catalog import METRICS, metric
from metrics.declare import Conversion, Metric, MetricError, NoSuchData, Ratio, Unit, nearest
from metrics.documentation import definitions
from metrics.engine import Warehouse, spreadsheet_safe
from metrics.filters import Filters, ask, check_dimension, unavailable
from metrics.sql import Part, Query

DEFAULT_WAREHOUSE: Final = Path("data/warehouse")
UNCUT: Final = 4_000
PIPED: Final = 120
NARROW: Final = 100
SHORTENED: Final = frozenset({"store", "customer", "salesperson", "setter", "source", "campaign", "source_file"})
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

WarehouseOption = Annotated[Path, typer.Option(help="Directory of the snapshots.")]
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
    return int(value) if value is not None and value.is_integer() else value


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
