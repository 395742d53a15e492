"""What a CRM keeps in lists of its own reaches the records: links, stages of deals, merges, details of customers.

Given rows of the canonical tables, the star that comes of them; and whole exports of a CRM, loaded as they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from metrics.engine import open_warehouse, rows
from metrics.filters import Filters
from tests.loaders.star_building import OneStar, Row, Story, moment, star

in_one_star = OneStar()


@pytest.fixture(scope="module", autouse=True)
def _star_of_all_cases() -> Iterator[None]:
    yield
    in_one_star.close()


GOLDEN = Path(__file__).parents[1] / "golden"
LEADS: list[Row] = [
    {"lead_id": "1", "customer_id": "c1", "created_at": moment("2026-03-01 10:00"), "customer_name": "Nora Whitfield"},
    {"lead_id": "2", "customer_id": "c2", "created_at": moment("2026-03-02 10:00"), "customer_name": "Owen Castellan"},
]
CALL: Row = {"contact_id": "9", "occurred_at": moment("2026-03-03 10:00")}
SALE: Row = {"sale_id": "71", "sold_at": moment("2026-03-09 10:00")}


def link(record: str, of: str = "contact", **whose: str) -> Row:
    return {"linked_table": of or None, "linked_id": record, **whose}


@in_one_star
def test_a_contact_belongs_to_whom_the_links_say() -> Story:
    told: dict[str, tuple[list[Row], str | None]] = {
        "no link": ([], None),
        "by lead": ([link("9", lead_id="1")], "1"),
        "of any table": ([link("9", "", lead_id="2")], "2"),
        "by customer": ([link("9", customer_id="c2")], "2"),
        "of another table": ([link("9", "task", lead_id="1")], None),
        "of another record": ([link("8", lead_id="1")], None),
        "to a lead that is not there": ([link("9", lead_id="3")], None),
        "twice to one customer": ([link("9", lead_id="1"), link("9", customer_id="c1")], "1"),
        "to two customers": ([link("9", lead_id="1"), link("9", lead_id="2")], None),
        "by way of a deal": ([link("9", sale_id="71"), link("71", "sale", lead_id="2")], "2"),
        "to a deal of nobody": ([link("9", sale_id="71")], None),
    }
    queries = yield [{"lead": LEADS, "contact": [CALL], "link": links} for links, _ in told.values()]
    for (case, (_, lead_id)), query in zip(told.items(), queries, strict=True):
        found = query.one("select o.lead_id from fct_contact left join fct_opportunity as o using (opportunity_key)")
        unlinked = query("select record from data_finding where finding = 'no_lead_found'")
        assert found["lead_id"] == lead_id, case
        assert unlinked == ([{"record": "9"}] if lead_id is None else []), case


@in_one_star
def test_what_a_record_says_itself_goes_before_the_links() -> Story:
    (query,) = yield [{"lead": LEADS, "contact": [CALL | {"lead_id": "2"}], "link": [link("9", lead_id="1")]}]
    found = query.one("select o.lead_id from fct_contact left join fct_opportunity as o using (opportunity_key)")
    assert found["lead_id"] == "2"


@in_one_star
def test_a_link_of_another_system_or_store_is_not_meant() -> Story:
    links = [link("9", lead_id="1") | {"system": "other"}, link("9", lead_id="1") | {"store": "South"}]
    (query,) = yield [{"lead": LEADS, "contact": [CALL], "link": links}]
    assert query.one("select opportunity_key from fct_contact")["opportunity_key"] is None


@in_one_star
def test_a_link_that_an_export_says_is_deleted_links_nothing() -> Story:
    (query,) = yield [{"lead": LEADS, "contact": [CALL], "link": [link("9", lead_id="1") | {"is_deleted": True}]}]
    assert query.one("select opportunity_key from fct_contact")["opportunity_key"] is None


@in_one_star
def test_tasks_and_moves_of_a_deal_belong_to_its_buyer() -> Story:
    task = {"task_id": "5", "due_at": moment("2026-03-04 10:00"), "outcome": "open"}
    move = {"sale_id": "71", "changed_at": moment("2026-03-09 10:00"), "to_status": "s9"}
    stage = {"stage_id": "s9", "name": "Closed won", "is_won": True}
    links = [link("71", "sale", lead_id="2"), link("5", "task", sale_id="71")]
    (query,) = yield [
        {"lead": LEADS, "task": [task], "status_change": [move], "link": links, "stage": [stage], "sale": [SALE]}
    ]
    owner = "select o.lead_id from {} join fct_opportunity as o using (opportunity_key)"
    assert query.one(owner.format("fct_task"))["lead_id"] == "2"
    assert query.one(owner.format("fct_status_change"))["lead_id"] == "2"
    assert query.one("select to_status from fct_status_change")["to_status"] == "Closed won"


@in_one_star
def test_a_deal_counts_where_it_or_its_stage_says_that_it_is_won() -> Story:
    """What a deal says, whether it counts, and how many findings it makes."""
    told: list[tuple[Row, bool, int]] = [
        ({}, True, 0),
        ({"is_won": True}, True, 0),
        ({"is_won": False, "sold_at": None}, False, 0),
        ({"stage": "won"}, True, 0),
        ({"stage": "quote"}, False, 0),
        ({"stage": "quote", "is_won": True}, True, 0),
        ({"stage": "won", "is_won": False}, False, 0),
        ({"stage": "strange"}, False, 1),
    ]
    stages: list[Row] = [{"stage_id": "won", "is_won": True}, {"stage_id": "quote", "is_won": False}]
    cases = [{"lead": LEADS, "sale": [SALE | {"lead_id": "1"} | deal], "stage": stages} for deal, *_ in told]
    queries = yield cases
    for (deal, is_counted, findings), query in zip(told, queries, strict=True):
        sold = query("select lead_id from fct_opportunity where is_sold")
        assert query.one("select count(*) as sales from fct_sale")["sales"] == int(is_counted), deal
        unknown = query("select record from data_finding where finding = 'deal_of_unknown_stage'")
        assert sold == ([{"lead_id": "1"}] if is_counted else []), deal
        assert len(unknown) == findings, deal


@in_one_star
def test_the_close_date_of_a_deal_that_is_not_won_is_no_event() -> Story:
    planned = SALE | {"lead_id": "1", "is_won": False, "sold_at": moment("2026-05-30 10:00")}
    (query,) = yield [{"lead": LEADS, "sale": [planned]}]
    assert query.one("select as_of from dim_store")["as_of"] == moment("2026-03-02 10:00")


def test_a_deal_merged_into_another_counts_once() -> None:
    deals = [SALE | {"lead_id": "1"}, SALE | {"lead_id": "1", "sale_id": "72"}, SALE | {"sale_id": "73"}]
    links = [link("72", "sale", sale_id="71"), link("73", "sale", sale_id="not there")]
    with star(lead=LEADS, sale=deals, link=links) as query:
        kept = query("select sale_id from canonical.sale order by sale_id")
        assert query.one("select count(*) as sales from fct_sale")["sales"] == 2
    assert [row["sale_id"] for row in kept] == ["71", "72", "73"]


def test_the_gross_of_a_lead_list_counts_only_at_a_store_without_deals() -> None:
    told = {"crm_sold_at": moment("2026-03-09 10:00"), "crm_total_gross": "2970.50"}
    with star(lead=[LEADS[0] | told | {"crm_total_gross": None}, LEADS[1] | told]) as query:
        assert [row["gross"] for row in query("select gross from fct_sale order by gross nulls last")] == [2970.5, None]
    with star(lead=[LEADS[1] | told], sale=[SALE | {"lead_id": "2", "total_gross": "100"}]) as query:
        assert [row["gross"] for row in query("select gross from fct_sale")] == [100]


def test_leads_that_a_list_of_merges_joins_are_one_customer() -> None:
    with star(lead=LEADS, link=[link("2", "lead", lead_id="1")]) as query:
        assert query.one("select count(distinct customer_key) as customers from fct_opportunity")["customers"] == 1
    with star(lead=LEADS) as query:
        assert query.one("select count(distinct customer_key) as customers from fct_opportunity")["customers"] == 2


@in_one_star
def test_details_of_a_customer_fill_what_a_lead_leaves_blank_and_join_customers() -> Story:
    leads = [{**lead, "customer_name": None} for lead in LEADS] + [
        {"created_at": moment("2026-03-03 10:00"), "phone": "312-555-0101", "customer_name": "N. Whitfield"}
    ]
    details: list[Row] = [
        {"customer_id": "c1", "customer_name": "Nora Whitfield"},
        {"customer_id": "c1", "email": "nora@example.com"},
        {"customer_id": "c1", "phone": "312-555-0101"},
        {"customer_id": "c2", "phone": "312-555-0102"},
        {"customer_id": "c2", "phone": "312-555-0101", "is_deleted": True},
    ]
    (query,) = yield [{"lead": leads, "customer_detail": details}]
    customers = query("select customer, lead_count from dim_customer where customer_key <> 'unknown' order by all")
    assert [(row["customer"], row["lead_count"]) for row in customers] == [("(no name)", 1), ("N. Whitfield", 2)]


def test_the_order_of_connector_tables_does_not_matter(tmp_path: Path) -> None:
    """Links, stages and merges may come before or after the records that they speak of, in one load or in many."""
    files = sorted(path for path in (GOLDEN / "hubspot").glob("*.csv") if "export" not in path.name)
    together = _star_of(tmp_path / "together", [files])
    for seed in range(2):
        shuffled = random.Random(seed).sample(files, len(files))
        apart = _star_of(tmp_path / f"apart {seed}", [shuffled[:10], shuffled[10:]])
        assert apart == together, seed


def test_hubspot_tables_become_leads_answers_and_one_sale(tmp_path: Path) -> None:
    files = sorted(path for path in (GOLDEN / "hubspot").glob("*.csv") if "export" not in path.name)
    _load(tmp_path, files)
    opened = open_warehouse(tmp_path)
    sold = rows(opened, "closing_rate", "numerator", Filters())
    # Contact 106 has no creation time; 105 was deleted. Deal 206 was merged into 201; 202 and 205 are not won.
    assert sold["lead_id"].to_list() == ["102"]
    assert rows(opened, "closing_rate", "denominator", Filters()).height == 2
    assert rows(opened, "sold_units", "numerator", Filters()).height == 1
    contacted = rows(opened, "contact_rate", "numerator", Filters())
    assert contacted["lead_id"].to_list() == ["101"]


def test_salesforce_objects_link_by_the_lead_or_the_contact_it_became(tmp_path: Path) -> None:
    names = ["Lead.csv", "Opportunity.csv", "Task.csv", "Event.csv", "User.csv", "opportunity connector.csv"]
    _load(tmp_path, [GOLDEN / "salesforce" / name for name in names])
    opened = open_warehouse(tmp_path)
    assert rows(opened, "closing_rate", "numerator", Filters())["lead_id"].to_list() == ["00Q02"]
    # Opportunity 00603 came of no lead that is there: it is a sale without a lead, and no lead.
    assert rows(opened, "sold_units", "numerator", Filters()).height == 2
    set_up = rows(opened, "set_rate", "numerator", Filters())
    assert sorted(set_up["lead_id"].to_list()) == ["00Q01", "00Q02"]


def test_drivecentric_tables_carry_names_phones_and_source_groups_to_the_leads(tmp_path: Path) -> None:
    _load(tmp_path, sorted((GOLDEN / "drivecentric").glob("lakeside*.csv")))
    found = rows(open_warehouse(tmp_path), "opportunities", "numerator", Filters())
    told = dict(zip(found["lead_id"], found.select("customer", "source_group").rows(), strict=True))
    assert told["8001"] == ("Nora Whitfield", "Marketplaces")
    assert told["8002"] == ("Owen Castellan", "Showroom traffic")


def _load(warehouse: Path, files: list[Path]) -> None:
    options = ["--store", "Lakeside Motors", "--warehouse", str(warehouse), "--json"]
    result = CliRunner().invoke(app, ["load", *map(str, files), *options])
    assert result.exit_code == 0, result.output


def _star_of(warehouse: Path, loads: list[list[Path]]) -> dict[str, list[tuple[object, ...]]]:
    for files in loads:
        _load(warehouse, files)
    opened = open_warehouse(warehouse)
    return {
        "opportunities": _sorted(rows(opened, "closing_rate", "denominator", Filters())),
        "sales": _sorted(rows(opened, "sold_units", "numerator", Filters())),
        "contacted": _sorted(rows(opened, "contact_rate", "numerator", Filters())),
    }


def _sorted(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.sort(frame.columns, nulls_last=True).rows()
