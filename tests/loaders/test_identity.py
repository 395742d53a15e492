"""Who is the same customer, who is not, and why: marks, guards, phones, e-mails, merges, deletions, test leads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.errors import LoaderError
from loaders.identity import email_key, guarded, joining_marks, marks, match_customers, name_key, phone_keys
from loaders.settings import Identity, Settings
from loaders.star import WAREHOUSE_SQL
from loaders.why_same import Explanation, masked, why_same
from tests.loaders.star_building import Row, moment, star, stars

SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("lead_key", "store", "system", "lead_id", "customer_id", "customer_name"), pl.String()),
    **dict.fromkeys(("email", "phone", "phone_2", "merged_into"), pl.String()),
    "created_at": pl.Datetime("us", "UTC"),
}
PHONES = ("312-555-0142", "(312) 555-0143", "3125550144", "000-000-0000", "555-0142", None)
EMAILS = ("ana@example.com", "ANA@example.com.", "bo@example.net", "none@none.com", None)
NAMES = ("Ana Lee", "Lee, Ana", "Bo Roy", "Cy Day", "Di Fox", None)


def leads_of(*rows: Row) -> pl.DataFrame:
    first = moment("2026-03-01 10:00")
    complete = [
        {
            "lead_key": f"k{n}",
            "store": "North",
            "system": "crm",
            "lead_id": str(n),
            "created_at": first + timedelta(hours=n),
        }
        | row
        for n, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in complete], schema=SCHEMA)


def groups(leads: pl.DataFrame, guards: Identity | None = None) -> set[frozenset[str]]:
    matched = match_customers(leads, guards)
    assert matched["lead_key"].sort().to_list() == leads["lead_key"].sort().to_list()
    return {frozenset(members) for members in matched.group_by("customer_key").agg("lead_key")["lead_key"]}


@pytest.mark.parametrize(
    ("written", "country", "key"),
    [
        ("(312) 555-0142", "US", "+13125550142"),
        ("+1 312.555.0142", "US", "+13125550142"),
        ("1-312-555-0142", "CA", "+13125550142"),
        ("312-555-0142 x12", "US", "+13125550142"),
        ("312-555-0142 ext. 7", "US", "+13125550142"),
        ("3125550142.0", "US", "+13125550142"),
        ("312 555 0142 (cell)", "US", "+13125550142"),
        ("Mobile: 312 555 0142", "US", "+13125550142"),
        ("312 555 0142 / 773 555 0111", "US", "+13125550142"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("0044 20 7946 0958", "GB", "+442079460958"),
        ("+1 312 555 0142", "GB", "+13125550142"),
        ("555-0142", "US", "5550142"),
        ("000-000-0000", "US", None),
        ("(312) 555-5555", "US", None),
        ("555-555-5555", "US", None),
        ("999 999 9999", "US", None),
        ("1234567890", "US", None),
        ("0123456789", "US", None),
        ("3.12555E+09", "US", None),
        ("12345", "US", None),
        ("31255501421234567", "US", None),
        ("call me", "US", None),
        ("n/a", "US", None),
        (None, "US", None),
    ],
)
def test_phones_are_one_number_however_they_are_written(written: str | None, country: str, key: str | None) -> None:
    read = phone_keys(pl.Series("phone", [written], dtype=pl.String), pl.Series([country]))
    assert read.to_list() == [key]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (" Ana@Example.com ", "ana@example.com"),
        ("mailto:ana@example.com", "ana@example.com"),
        ("ana@example.com.", "ana@example.com"),
        ("ana@example.com,", "ana@example.com"),
        ("Ana Lee <ana@example.com>", "ana@example.com"),
        ("ana@example.com; bo@example.net", "ana@example.com"),
        ("a.na+cars@example.com", "a.na+cars@example.com"),
        ("none@none.com", None),
        ("noemail@example.com", None),
        ("no-reply@example.com", None),
        ("ana at example.com", None),
        ("@example.com", None),
        ("x@y", None),
        (None, None),
    ],
)
def test_emails_lose_what_stands_around_them_and_nothing_else(written: str | None, key: str | None) -> None:
    frame = pl.DataFrame({"email": [written]}, schema={"email": pl.String})
    assert frame.select(email_key("email")).item() == key


def test_an_email_or_phone_of_too_many_names_or_leads_joins_nobody() -> None:
    names = leads_of(*({"phone": "3125550142", "customer_name": name} for name in ("Ana Lee", "Bo Roy", "Cy Day")))
    assert len(groups(names, Identity(max_names=3))) == 1
    assert len(groups(names, Identity(max_names=2))) == 3
    many = leads_of(*({"email": "ana@example.com", "customer_name": "Ana Lee"} for _ in range(4)))
    assert len(groups(many, Identity(max_leads=4))) == 1
    assert len(groups(many, Identity(max_leads=3))) == 4


def test_the_crms_own_customer_is_never_guarded() -> None:
    names = ("Ana Lee", "Bo Roy", "Cy Day", "Di Fox", "Ed Ash")
    rows = leads_of(*({"customer_id": "7", "customer_name": name} for name in names))
    assert len(groups(rows, Identity(max_names=1, max_chain_names=1))) == 1


def test_a_chain_with_too_many_names_falls_apart_into_those_who_agree_in_the_name() -> None:
    chain = [
        {"customer_name": "Ana Lee", "phone": "3125550141"},
        {"customer_name": "Bo Roy", "phone": "3125550141", "phone_2": "3125550142"},
        {"customer_name": "Cy Day", "phone": "3125550142", "phone_2": "3125550143"},
        {"customer_name": "Day, Cy", "phone": "3125550143"},
    ]
    assert groups(leads_of(*chain), Identity(max_chain_names=3)) == {frozenset(("k1", "k2", "k3", "k4"))}
    assert groups(leads_of(*chain), Identity(max_chain_names=2)) == {
        frozenset(("k1",)),
        frozenset(("k2",)),
        frozenset(("k3", "k4")),
    }


def test_merges_join_in_every_direction_and_through_leads_that_are_gone() -> None:
    rows = leads_of({"merged_into": "2"}, {}, {"merged_into": "99"}, {"merged_into": "99"}, {"merged_into": "0"})
    assert groups(rows) == {frozenset(("k1", "k2")), frozenset(("k3", "k4")), frozenset(("k5",))}


@st.composite
def some_leads(draw: st.DrawFn) -> list[Row]:
    row = st.fixed_dictionaries(
        {
            "store": st.sampled_from(("North", "South")),
            "phone": st.sampled_from(PHONES),
            "phone_2": st.sampled_from(PHONES),
            "email": st.sampled_from(EMAILS),
            "customer_name": st.sampled_from(NAMES),
            "customer_id": st.sampled_from(("1", "2", "0", None, None)),
            "merged_into": st.sampled_from(("1", "2", "77", None, None, None)),
        }
    )
    return draw(st.lists(row, min_size=1, max_size=12))


GUARDS = st.builds(
    Identity, max_names=st.integers(1, 3), max_leads=st.integers(2, 6), max_chain_names=st.integers(1, 4)
)


@given(some_leads(), GUARDS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_leads_does_not_matter(rows: list[Row], guards: Identity, random: Any) -> None:
    leads = leads_of(*rows)
    order = list(range(leads.height))
    random.shuffle(order)
    assert groups(leads[order], guards) == groups(leads, guards)


@given(some_leads(), GUARDS)
@settings(max_examples=60, deadline=None)
def test_customers_are_exactly_what_the_marks_connect_and_no_guarded_mark_does(
    rows: list[Row], guards: Identity
) -> None:
    leads = leads_of(*rows)
    tokens = joining_marks(leads, guards)
    connected = {key: {key} for key in leads["lead_key"]}
    for members in tokens.group_by("store", "token").agg("lead_key")["lead_key"]:
        whole = set().union(*(connected[lead] for lead in members))
        for lead in whole:
            connected[lead] = whole
    assert groups(leads, guards) == {frozenset(members) for members in connected.values()}
    shared = guarded(marks(leads), guards).filter("is_shared")
    spelled = shared.select("store", token=pl.concat_str("rule", pl.lit(":"), "value"))
    assert tokens.join(spelled, on=["store", "token"], how="semi").is_empty()


@given(some_leads(), GUARDS)
@settings(max_examples=15, deadline=None)
def test_every_pair_is_explained_alike_in_both_directions_and_in_agreement_with_the_match(
    rows: list[Row], guards: Identity
) -> None:
    leads = leads_of(*rows).join(match_customers(leads_of(*rows), guards), on="lead_key")
    keys = dict(leads.select("lead_key", "customer_key").iter_rows())
    for one, two in ((one, two) for one in list(keys)[:4] for two in keys):
        there, back = explained(leads, one, two, guards), explained(leads, two, one, guards)
        assert there.is_same == back.is_same == (keys[one] == keys[two])
        assert len(there.steps) == len(back.steps)
        assert bool(there.reasons) != there.is_same
        walk = [f"crm:{one[1:]}", *(step.to for step in there.steps)]
        assert not there.is_same or walk[-1] == f"crm:{two[1:]}"
        assert all(step.lead == before for step, before in zip(there.steps, walk, strict=False))


def explained(leads: pl.DataFrame, one: str, two: str, guards: Identity | None = None) -> Explanation:
    return why_same(leads, one, two, guards=guards or Identity(), countries={})


def matched(*rows: Row, guards: Identity | None = None) -> pl.DataFrame:
    leads = leads_of(*rows)
    return leads.join(match_customers(leads, guards), on="lead_key")


def test_the_chain_names_each_rule_with_its_value_masked() -> None:
    leads = matched(
        {"email": "ana@example.com"},
        {"email": "ana@example.com", "phone": "(312) 555-0142"},
        {"phone": "312.555.0142", "customer_id": "c9"},
        {"customer_id": "c9", "merged_into": "5"},
        {},
    )
    told = explained(leads, "1", "crm:5")
    assert told.lines() == [
        "crm:1 and crm:5 are one customer, in 4 steps.",
        "  crm:1 and crm:2: the same e-mail, a...@example.com",
        "  crm:2 and crm:3: the same phone, ...0142",
        "  crm:3 and crm:4: the same customer in the CRM, c9",
        "  crm:4 and crm:5: the CRM merged one into the other (lead 5)",
    ]
    assert explained(leads, "k1", "1").lines() == ["crm:1 and crm:1 are one lead."]
    assert masked("phone", "+13125550142") == "...0142"


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        ({"store": "North"}, {"store": "South"}, "of different stores, North and South"),
        ({"email": "a@example.com"}, {"email": "b@example.com"}, "share no e-mail, phone, customer id or merge"),
        ({"email": "none@none.com"}, {"email": "none@none.com"}, '"none@none.com", which is a placeholder'),
        ({"phone": "0000000000"}, {"phone_2": "0000000000"}, "which is a placeholder"),
    ],
)
def test_it_says_why_two_leads_are_not_the_same(one: Row, two: Row, reason: str) -> None:
    told = explained(matched(one, two), "1", "2")
    assert not told.is_same
    assert reason in told.lines()[1]


def test_it_says_how_many_names_a_shared_phone_has_and_which_limit_it_passed() -> None:
    rows = [{"phone": "3125550142", "customer_name": name} for name in ("Ana Lee", "Bo Roy", "Cy Day", "Di Fox")]
    told = explained(matched(*rows), "1", "4")
    assert "the phone ...0142" in told.lines()[1]
    assert "4 different names and 4 leads carry it ([identity] max_names = 3, max_leads = 50)" in told.lines()[1]


def test_an_id_of_several_leads_is_asked_back_with_every_way_to_say_it() -> None:
    leads = matched({"lead_id": "7"}, {"lead_id": "7", "system": "dms"}, {"lead_id": "7", "store": "South"})
    with pytest.raises(LoaderError) as caught:
        explained(leads, "7", "k1")
    assert 'crm:7 --store "North"; dms:7 --store "North"; crm:7 --store "South"' in str(caught.value)
    told = why_same(leads, "crm:7", "dms:7", guards=Identity(), countries={}, store="north")
    assert (told.first, told.second) == ("crm:7", "dms:7")
    with pytest.raises(LoaderError, match='no lead "8" at North'):
        why_same(leads, "8", "crm:7", guards=Identity(), countries={}, store="North")


# --- end to end -------------------------------------------------------------------------------------------------------


def run(*command: str) -> str:
    result = CliRunner().invoke(app, list(command))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text(
        '[[store]]\nname = "Leeds Cars"\ntime_zone = "Europe/London"\ncountry = "GB"\n', encoding="utf-8"
    )
    (tmp_path / "lead.csv").write_text(
        "lead_id,created_at,customer_name,phone,merged_into,is_deleted\n"
        "1,2026-03-01T10:00:00,Ana Lee,020 7946 0958,,\n"
        "2,2026-03-02T10:00:00,Ana Lee,+44 20 7946 0958,,\n"
        "3,2026-03-03T10:00:00,Bo Roy,,1,\n"
        "4,2026-03-04T10:00:00,Cy Day,,,yes\n",
        encoding="utf-8",
    )
    run("load", str(tmp_path / "lead.csv"), *options(tmp_path), "--settings", str(tmp_path / "settings.toml"))
    return tmp_path


def options(folder: Path) -> list[str]:
    return ["--warehouse", str(folder / "warehouse")]


def test_why_same_answers_from_the_warehouse_in_the_stores_own_country(warehouse: Path) -> None:
    assert "generic:1 and generic:2: the same phone, ...0958" in run("why-same", "1", "2", *options(warehouse))
    told = json.loads(run("why-same", "2", "3", *options(warehouse), "--json"))
    assert told["is_same"] is True
    assert [step["rule"] for step in told["steps"]] == ["phone", "merge"]


def test_a_deleted_lead_is_gone_and_why_same_says_so(warehouse: Path) -> None:
    result = CliRunner().invoke(app, ["why-same", "1", "4", *options(warehouse)])
    assert result.exit_code == 1
    assert 'no lead "4"' in result.stderr
    assert "deleted" in result.stderr


# --- test leads -------------------------------------------------------------------------------------------------------


def test_test_leads_are_recognised_and_people_are_not_taken_for_them() -> None:
    """Each lead alone at a store, by name and e-mail: is it a test?"""
    is_test = {
        ("Test Test", None): True,
        ("TEST", None): True,
        ("Dealer Test", None): True,
        ("Test Lead - DO NOT CALL", None): True,
        ("Test, Customer", None): True,
        ("Test2", None): True,
        ("Ana Testa", None): False,
        ("Tim Test", None): False,
        ("Jon Tester", None): False,
        ("Testa Rossa", None): False,
        ("Do Contest", None): False,
        ("Lead Customer", None): False,
        (None, "test@example.com"): True,
        (None, "Test.Lead2@example.com"): True,
        (None, "ana@test.com"): True,
        (None, "testa@example.com"): False,
        (None, "contest@example.com"): False,
        (None, "ana.test@example.com"): False,
        (None, "ana@example.com"): False,
        (None, "rep@lakeside.example"): True,
        (None, "rep@mail.lakeside.example"): True,
        (None, "rep@notlakeside.example"): False,
    }
    own = Settings.model_validate({"test_leads": {"domains": ["lakeside.example"]}})
    at = moment("2026-03-01 10:00")
    cases = [{"lead": [{"created_at": at, "customer_name": name, "email": email}]} for name, email in is_test]
    with stars(cases, own) as queries:
        for (who, expected), query in zip(is_test.items(), queries, strict=True):
            assert query.one("select is_counted from fct_lead")["is_counted"] is not expected, who
            assert query.one("select is_eligible from fct_opportunity")["is_eligible"] is not expected, who
            found = query("from data_finding where finding = 'test_lead_recognised'")
            assert [row["record"] for row in found] == (["lead1"] if expected else []), who


def test_recognition_can_be_switched_off_and_what_the_crm_calls_a_test_stays_one() -> None:
    off = Settings.model_validate({"test_leads": {"recognise": False}})
    at = moment("2026-03-01 10:00")
    given_leads = [{"created_at": at, "customer_name": "Test Test"}, {"created_at": at, "is_test": True}]
    with star(off, lead=given_leads) as query:
        assert [row["is_counted"] for row in query("from fct_lead order by lead_id")] == [True, False]
        assert query("from data_finding where finding = 'test_lead_recognised'") == []


LETTERS = st.one_of(
    st.sampled_from("abXY '`\u2019-.,1\u0130\u03a3\u03c2\u212b\u6771"),
    st.characters(min_codepoint=1, max_codepoint=0x24F),
)


@pytest.fixture(scope="module")
def functions() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that knows the functions of the warehouse."""
    with duckdb.connect() as con:
        con.execute((WAREHOUSE_SQL / "00_functions.sql").read_text(encoding="utf-8"))
        yield con


@given(names=st.lists(st.text(LETTERS, max_size=14), max_size=50))
def test_a_name_has_the_same_key_where_leads_are_matched_and_where_records_are_linked(
    functions: duckdb.DuckDBPyConnection, names: list[str]
) -> None:
    frame = pl.DataFrame({"customer_name": names}, schema={"customer_name": pl.String})
    functions.register("named", frame)
    linked = functions.sql("select name_key(customer_name) as key from named").pl()["key"].to_list()
    assert frame.select(name_key("customer_name")).to_series().to_list() == linked
