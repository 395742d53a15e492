"""Nobody sees beyond their scope: every metric within it is that of a star from which the rest was taken out."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics import engine, listing
from metrics.filters import Filters
from metrics.scope import WHOLE, Scope
from metrics.scope_sql import HIDDEN, PERSONAL, ROLES, TABLES, OutsideScopeError, within
from metrics.sql import Query
from tests.faults.loading import load
from tests.metrics.questions import assert_agrees, questions, warehouse_of
from tests.reduced import ROLE_KEYS, reduced
from tests.star import STORE_NAMES, Star, random_star, stars

SLOW = settings(max_examples=40, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
PEOPLE = ("Ada Reyes", "Ben Okoye", "Cleo Marsh", "Dov Lind", "Nobody By That Name", "")
SCOPES = st.builds(
    Scope,
    stores=st.none() | st.lists(st.sampled_from((*STORE_NAMES.values(), "No such store")), max_size=2).map(tuple),
    person=st.none() | st.sampled_from(PEOPLE),
    is_masked=st.booleans(),
)
NAMES = ("opportunities", "closing_rate", "leads", "sold_units", "spend", "contact_rate")
LIMITS = (
    Scope(stores=("Northgate Motors",)),
    Scope(stores=("Southside Autos",), is_masked=True),
    Scope(stores=("Northgate Motors",), person="Ada Reyes"),
    Scope(person="Cleo Marsh"),
    Scope(stores=("Southside Autos",), person="Ada Reyes"),
    Scope(stores=()),
    Scope(is_masked=True),
)
PERSON_KEYS = ROLE_KEYS
# Texts that are codes, ids or names of no person: they may be seen by anybody.
HARMLESS = {
    "lead_type",
    "vehicle_condition",
    "vehicle",
    "system",
    "lead_id",
    "source_file",
    "status",
    "appointment_type",
    "outcome",
    "confirmed",
    "lead_time",
    "due_weekday",
    "due_hour",
    "appointment_id",
    "direction",
    "channel",
    "result",
    "after_hours",
    "created_weekday",
    "created_hour",
    "tenure",
    "answered",
    "sale_type",
    "sale_id",
    "campaign",
    "instrument",
    "kind",
    "measure",
    "from_status",
    "to_status",
    "attribution",
    "finding",
}


@SLOW
@given(star=stars(), filters=questions(), scope=SCOPES)
def test_every_metric_within_a_scope_is_that_of_the_reduced_star(star: Star, filters: Filters, scope: Scope) -> None:
    with warehouse_of(star) as warehouse:
        assert_agrees(reduced(star, scope), warehouse.within(scope), filters)


@SLOW
@given(star=stars(), scope=SCOPES, other=SCOPES)
def test_limits_add_up_and_never_widen(star: Star, scope: Scope, other: Scope) -> None:
    both = scope.and_also(other)
    with warehouse_of(star) as warehouse:
        once = engine.evaluate(warehouse.within(both), NAMES, Filters())
        assert engine.evaluate(warehouse.within(scope).within(other), NAMES, Filters()).equals(once)
        assert engine.evaluate(warehouse.within(scope), NAMES, Filters(scope=other)).equals(once)
    assert both.and_also(scope) == both


@pytest.fixture(scope="module")
def crowd() -> Iterator[tuple[Star, engine.Warehouse]]:
    star = random_star(seed=5, opportunities=120)
    with warehouse_of(star) as warehouse:
        yield star, warehouse


@pytest.fixture(scope="module")
def built_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot as a load builds it, of one lead."""
    place = tmp_path_factory.mktemp("built")
    (place / "leads.csv").write_text("lead id,created at,store\n1,2026-05-01 10:00,North\n", encoding="utf-8")
    (place / "settings.toml").write_text(
        '[[store]]\nname = "North"\ntime_zone = "America/New_York"\n', encoding="utf-8"
    )
    load([place / "leads.csv"], place / "warehouse", place / "settings.toml")
    named = (place / "warehouse" / "CURRENT").read_text(encoding="utf-8").strip()
    with duckdb.connect(str(place / "warehouse" / named), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("scope", LIMITS, ids=repr)
def test_lists_rows_and_what_the_frame_reads_are_those_of_the_reduced_star(
    crowd: tuple[Star, engine.Warehouse], scope: Scope
) -> None:
    star, warehouse = crowd
    asked = warehouse.within(scope)
    with warehouse_of(reduced(star, scope)) as left:
        assert_same(listing.worklists(asked), listing.worklists(left), scope)
        for name in ("closing_rate", "sold_units", "spend", "contact_rate"):
            assert_same(
                engine.rows(asked, name, "numerator", Filters()), engine.rows(left, name, "numerator", Filters()), scope
            )
        assert engine.stores(asked).equals(engine.stores(left))
        assert engine.staff(asked).equals(engine.staff(left))
        assert engine.findings(asked).equals(engine.findings(left)) or scope.is_masked
        assert engine.snapshot_facts(asked).row_counts == engine.snapshot_facts(left).row_counts
        assert engine.snapshot_facts(asked).reject_count is None
        for dimension in ("store", "person", "lead_type", "instrument"):
            assert engine.options(asked, dimension) == engine.options(left, dimension)


def assert_same(ours: pl.DataFrame, theirs: pl.DataFrame, scope: Scope) -> None:
    """The same rows; of customers a masked scope shows no name, number or address."""
    known = ["customer", "phone", "email"] if scope.is_masked else []
    named = [name for name in known if name in ours.columns]
    assert ours.drop(named).equals(theirs.drop(named))
    for name in named:
        assert set(ours[name].drop_nulls().to_list()) <= {HIDDEN}


@pytest.mark.parametrize("scope", LIMITS, ids=repr)
def test_no_customer_of_others_is_found_or_told_of(crowd: tuple[Star, engine.Warehouse], scope: Scope) -> None:
    star, warehouse = crowd
    asked = warehouse.within(scope)
    left = reduced(star, scope)
    own = set(left["dim_customer"]["customer_key"])
    if scope.person is not None:
        facts = ("fct_opportunity", "fct_lead", "fct_appointment", "fct_sale", "fct_service_visit")
        own &= {key for name in facts for key in left[name]["customer_key"].drop_nulls()}
    for key in star["dim_customer"]["customer_key"]:
        known = listing.customer(asked, key)
        assert known.height == (key in own and key != listing.NOBODY)
        assert not scope.is_masked or known["phone"].null_count() == known.height
    found = listing.find_customers(asked, "Customer")
    assert set(found["customer_key"]) <= own
    assert not (scope.is_masked and found.height), "a hidden name can be looked for"


def test_only_sources_of_the_scope_can_be_chosen(crowd: tuple[Star, engine.Warehouse]) -> None:
    star, warehouse = crowd
    asked = warehouse.within(Scope(person="Ada Reyes"))
    left = reduced(star, asked.scope)
    facts = ("fct_opportunity", "fct_lead", "fct_appointment", "fct_sale")
    keys = {key for name in facts for key in left[name]["source_key"]}
    named = star["dim_source"].filter(pl.col("source_key").is_in(sorted(keys)))["source"]
    assert set(engine.options(asked, "source")) == set(named)
    assert engine.options(warehouse.within(Scope(stores=())), "source") == []


def test_a_query_of_a_table_without_a_rule_is_refused() -> None:
    for text in ("select * from bridge_customer_lead", "select * from loads.reject", "select * from canonical.lead"):
        with pytest.raises(OutsideScopeError, match="must get one"):
            within(Query(text, {}), Scope(is_masked=True))
        assert within(Query(text, {}), WHOLE).text == text


def test_the_printed_query_is_the_one_that_runs(crowd: tuple[Star, engine.Warehouse]) -> None:
    _, warehouse = crowd
    scope = Scope(stores=("Northgate Motors",), person="Ada Reyes")
    printed = engine.query("closing_rate", Filters(scope=scope))
    with warehouse._reading() as reader:
        shown = reader.run(printed).fetchall()[0][-2]
    assert shown == engine.evaluate(warehouse.within(scope), ["closing_rate"], Filters())["value"].item()
    assert printed.parameters["scope_person"] == "Ada Reyes"
    assert "Ada Reyes" not in printed.text


def test_every_table_has_a_rule_and_every_column_of_a_person_or_of_free_text_is_known(
    built_snapshot: duckdb.DuckDBPyConnection,
) -> None:
    """The schema of a real build decides: whoever adds a column says here whether it may be seen."""
    columns = built_snapshot.execute(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'main'"
    ).fetchall()
    tables = {table for table, _, _ in columns}
    assert set(TABLES) <= tables
    assert tables - set(TABLES) == {"bridge_customer_lead", "bridge_source_spelling"}
    people = {name: {f"{role}_key" for role in roles} for name, roles in ROLES.items()}
    for table in ROLES:
        held = {column for name, column, _ in columns if name == table and column in PERSON_KEYS}
        assert held == people[table], table
    texts = {(table, column) for table, column, kind in columns if kind == "VARCHAR" and table in TABLES}
    personal = {(table, column) for table, named in PERSONAL.items() for column in named}
    assert {one for one in texts - personal if not _is_harmless(*one)} == set()


def _is_harmless(table: str, column: str) -> bool:
    return (
        column.endswith("_key")
        or column in HARMLESS
        or table in ("dim_person", "dim_store", "dim_source", "target", "annotation")
    )
