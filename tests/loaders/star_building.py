"""Given rows of canonical tables, build the star in memory: what the given/expect tests of loaders/warehouse share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, wraps
from typing import Any

import duckdb
import polars as pl

from loaders.contracts import key_column
from loaders.merge import EMPTIED_SCHEMA, empty_frame, write_canonical
from loaders.settings import Settings
from loaders.star import FINDING_SCHEMA, Moment, build_star

Row = dict[str, Any]
Case = Mapping[str, list[Row]]

LOADED_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINEAGE: Row = {
    "row_id": 0,
    "store": "North",
    "system": "crm",
    "source_file": "given.csv",
    "source_line": 2,
    "profile": "generic",
    "is_deleted": False,
}
USUAL: dict[str, Row] = {
    "lead": {
        "created_at_is_date": False,
        "lead_type": "internet",
        "status": "open",
        "is_resend": False,
        "is_test": False,
    },
    "contact": {"direction": "out", "channel": "call", "result": "no_answer", "is_automated": False},
    "appointment": {"appointment_type": "sales", "outcome": "open"},
    "sale": {
        "sale_type": "retail",
        "sold_at_is_date": False,
        "contract_at_is_date": False,
        "delivered_at_is_date": False,
    },
}


def moment(text: str) -> datetime:
    """`2026-03-01 10:00` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(table: str, given: Sequence[Row]) -> pl.DataFrame:
    """Canonical rows from what a test cares about; ids are numbered where the test gives none."""
    schema = empty_frame(table).schema
    complete = [
        LINEAGE | USUAL.get(table, {}) | {"block": table, key_column(table): f"{table}{number}", "file_number": 0} | row
        for number, row in enumerate(given, start=1)
    ]
    return pl.DataFrame([_exact_money(row) for row in complete], schema=schema)


def _exact_money(row: Row) -> Row:
    return {
        name: Decimal(value) if value is not None and (name.endswith("_gross") or name == "amount") else value
        for name, value in row.items()
    }


@contextmanager
def star(settings: Settings | None = None, as_of: datetime | None = None, **given: list[Row]) -> Iterator[Query]:
    """The star of the given rows: `with star(lead=[...], contact=[...]) as query: query("from fct_lead")`."""
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as snapshot")
        con.execute("use snapshot")
        brought = {table: rows(table, part) for table, part in given.items()}
        write_canonical(con, brought, pl.DataFrame(schema=EMPTIED_SCHEMA), previous=False)
        findings = pl.DataFrame(schema=FINDING_SCHEMA)
        build_star(con, settings or Settings(), Moment(LOADED_AT, as_of), findings, lambda done, text: None)
        yield Query(con)


def store_of(case: int) -> str:
    """The store that holds the rows of a case of `stars`."""
    return f"case {case:03}"


@contextmanager
def stars(cases: Sequence[Case], settings: Settings | None = None) -> Iterator[list[Query]]:
    """A query for each case, on the star of its rows alone; all are built as one star, which takes the time of one.

    Each case has a store of its own (`store_of`), and its query sees the rows of that store: stores share neither
    records nor "now". What stores do share (sources, settings, the label that tells namesakes apart) they share here.
    """
    given: dict[str, list[Row]] = {}
    for number, case in enumerate(cases):
        for table, part in case.items():
            own = [
                {"store": store_of(number), key_column(table): f"{table}{nth}"} | row for nth, row in enumerate(part, 1)
            ]
            given.setdefault(table, []).extend(own)
    with star(settings, None, **given) as everything:
        everything.see_one_store()
        yield [everything.of_store(store_of(number)) for number in range(len(cases))]


class Query:
    """Runs a query on a built star, or on what it holds of one store."""

    def __init__(self, con: duckdb.DuckDBPyConnection, store: str | None = None) -> None:
        self._con = con
        self._store = store

    def of_store(self, store: str) -> Query:
        """The same star, of which only one store is seen."""
        return Query(self._con, store)

    def see_one_store(self) -> None:
        """Put a view of one store, which each query names, before every table of the star that tells stores apart."""
        listed = "select distinct table_name from duckdb_columns() where database_name = 'snapshot'"
        for row in self(f"{listed} and schema_name = 'main' and column_name = 'store_key'"):
            name = row["table_name"]
            own = f"select * from snapshot.main.{name} where store_key in (getvariable('seen'), '')"
            self._con.execute(f"create temp view {name} as {own}")

    def __call__(self, text: str) -> list[Row]:
        """The rows of a query as dictionaries."""
        if self._store:
            self._con.execute("set variable seen = key3(?, '', '')", [self._store])
        found: list[Row] = self._con.sql(text).pl().to_dicts()
        return found

    def one(self, text: str) -> Row:
        """The only row of a query."""
        (row,) = self(text)
        return row


Story = Generator[Sequence[Case], list[Query], None]


class OneStar:
    """Tests of one file whose cases are built as one star, by `stars`, as soon as the first of them runs.

    A test gives its cases and gets a query for each: `(query,) = yield [{"lead": [...]}]`; then come its assertions.
    """

    def __init__(self) -> None:
        self._tests: list[Callable[[], Story]] = []
        self._open = ExitStack()

    def __call__(self, test: Callable[[], Story]) -> Callable[[], None]:
        """The test as pytest runs it."""
        number = len(self._tests)
        self._tests.append(test)

        @wraps(test)
        def told() -> None:
            story = test()
            next(story)
            try:
                story.send(self._queries[number])
            except StopIteration:
                return
            raise AssertionError(f"{test.__name__} gives cases twice; only the first are built.")

        return told

    def close(self) -> None:
        """Let go of the star."""
        self._open.close()

    @cached_property
    def _queries(self) -> list[list[Query]]:
        given = [list(next(test())) for test in self._tests]
        found = iter(self._open.enter_context(stars([case for cases in given for case in cases])))
        return [[next(found) for _ in cases] for cases in given]
