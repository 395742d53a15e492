"""A profile drafted for an unknown file: what it guesses, what it admits not to know, and that it loads."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.draft import Draft, draft_profile, largest, profile_name
from loaders.errors import LoaderError
from loaders.guessing import look_at, plain_words
from loaders.profile import FileBlock, Profile
from tests.loaders.exports import CHICAGO, conform_file

SHEET = """\
Nr;Received;Name;Mail;Channel;Rep;State;Signed;Profit;Remarks
17;02.03.2026 09:14;Nora Whitfield;nora@example.com;AutoBazaar;Dana Brooks;won;09.03.2026;1850;private words
18;02.03.2026 21:40;Owen Castellan;owen@example.com;AutoBazaar;Theo Marsh;running;;;
19;14.03.2026 21:40;Ola Mint;ola@example.com;Walk-in;Theo Marsh;running;;;
"""
DATA = Path(__file__).parents[2] / "data" / "demo" / "sample"
REAL = Path(__file__).parents[3] / "shared" / "data"


def drafted(folder: Path, text: str, table: str | None = None, name: str = "sheet.csv") -> Draft:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return draft_profile(largest(path), profile_name(path.stem), table)


def block_of(draft: Draft) -> FileBlock:
    return Profile.model_validate(tomllib.loads(draft.text)).file[0]


def origins(draft: Draft) -> dict[str, Any]:
    return {name: column.headers[0] for name, column in block_of(draft).columns.items()}


def test_a_small_dealers_sheet_becomes_leads_without_a_hand_on_it(tmp_path: Path) -> None:
    draft = drafted(tmp_path, SHEET)
    block = block_of(draft)
    assert (draft.table, draft.read, draft.accepted, draft.missing) == ("lead", 3, 3, ())
    assert origins(draft) == {
        "created_at": "Received",
        "customer_name": "Name",
        "email": "Mail",
        "source": "Channel",
        "status": "State",
        "salesperson": "Rep",
    }
    assert block.key is not None
    assert block.key.headers == ("Nr",)
    assert block.date_format == ("iso", "dmy")
    assert block.values["status"]["running"] == "open"
    assert draft.also == ("sale",)


def test_its_deals_are_drafted_when_asked_for(tmp_path: Path) -> None:
    draft = drafted(tmp_path, SHEET, "sale")
    assert {name: origins(draft)[name] for name in ("sold_at", "total_gross")} == {
        "sold_at": "Signed",
        "total_gross": "Profit",
    }


def test_samples_about_people_are_masked_and_columns_left_out_show_none(tmp_path: Path) -> None:
    text = drafted(tmp_path, SHEET).text
    for private in ("Nora", "Whitfield", "nora@", "Dana", "private words"):
        assert private not in text
    assert "xxxx@xxxxxxx.xxx" in text
    assert "AutoBazaar" in text
    assert "#   Remarks  (text)" in text


def test_what_it_is_not_sure_of_is_marked(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path, "Id,Created,Full nam,Type\n1,1/2/2026,Ana Lee,hat\n2,3/4/2026,Bo Roy,hat\n3,3/5/2026,Cy Day,cap\n"
    )
    unsure = [line for line in draft.text.splitlines() if "UNSURE: " in line]
    assert any(line.startswith("date_format") and "no date tells month from day" in line for line in unsure)
    assert any(line.startswith('"hat" = "other"') for line in unsure)
    assert any(line.startswith("status") for line in unsure)


def test_what_every_row_needs_and_no_column_has_is_said_to_be_missing(tmp_path: Path) -> None:
    draft = drafted(tmp_path, "Lead ID,Full name,Email\n1,Ana Lee,a@example.com\n2,Bo Roy,b@example.com\n", "lead")
    assert draft.missing == ("created_at",)
    assert draft.accepted == 0
    assert "# MISSING: every row needs created_at" in draft.text


def test_a_spend_sheet_in_millionths_with_one_day_column_loads(tmp_path: Path) -> None:
    text = "day,campaign_name,cost_micros\n2026-03-01,Spring,36150000\n2026-03-02,Spring,4570000\n"
    draft = drafted(tmp_path, text, name="ads_cost.csv")
    assert (draft.table, draft.accepted) == ("spend", 2)
    assert {name: origins(draft)[name] for name in ("period_start", "period_end", "amount")} == {
        "period_start": "day",
        "period_end": "day",
        "amount": "cost_micros",
    }
    assert str(block_of(draft).columns["amount"].scale) == "0.000001"


def test_a_file_without_anything_known_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match=r"No column of sheet\.csv looks like one of the table survey") as caught:
        drafted(tmp_path, "qqq,zzz\nfoo bar,1\nbar foo,2\n", "survey")
    assert "docs/add_a_profile.md" in caught.value.hint


RENAMED = {
    "lead_id": "Lead No",
    "created_at": "Date Received",
    "customer_name": "Client Name",
    "email": "E-mail Address",
    "phone": "Cell Phone",
    "source": "Lead Source Name",
    "lead_type": "LeadType",
    "salesperson": "Sales Rep",
    "status": "Lead Status",
}


def test_the_demo_with_renamed_headers_is_understood(tmp_path: Path) -> None:
    rows = [
        f"{n},2026-03-{n:02d} 10:00,Guest {chr(64 + n)} Example,g{n}@example.com,312-555-01{n:02d},Website,"
        f"{'internet' if n % 3 else 'phone'},Dana Brooks,{'open' if n % 2 else 'lost'}"
        for n in range(1, 13)
    ]
    draft = drafted(tmp_path, "\n".join([",".join(RENAMED.values()), *rows]) + "\n", name="export.csv")
    assert (draft.table, draft.accepted) == ("lead", 12)
    assert origins(draft) == {column: header for column, header in RENAMED.items() if column != "lead_id"}


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.csv")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_draft_of_every_demo_file_is_a_valid_profile(path: Path) -> None:
    draft = draft_profile(largest(path), "my_crm")
    assert block_of(draft).table == draft.table
    assert 0 <= draft.accepted <= draft.read


CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters='\r\n",'), max_size=12)


@given(st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=5))
@settings(max_examples=25, deadline=None)
def test_whatever_stands_in_a_file_the_draft_is_a_profile_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "sheet.csv"
    lines = [",".join(cells) for cells in [["id", "created", "name", "source", "phone"], *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with suppress(LoaderError):
        assert block_of(draft_profile(largest(path), "my_crm", "lead")).table == "lead"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("LeadOriginationUTCDate", "lead origination date"),
        ("property_hs_lead_status", "lead status"),
        ("Lead_Source__c", "lead source"),
        ("CRMSoldID", "crm sold id"),
        ("c", "c"),
        ("%%%", ""),
    ],
)
def test_headers_are_compared_as_words(header: str, words: str) -> None:
    assert plain_words(header) == words


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["2026-03-01", "3/14/2026 2:30 PM"], "date"),
        (["yes", "no", "yes"], "flag"),
        (["a@example.com", "b@example.com"], "email"),
        (["312-555-0142", "(312) 555-0143"], "phone"),
        (["$1,539.26", "20.00"], "money"),
        (["17", "18"], "number"),
        (["new", "used", "new", "new"], "category"),
        (["one sentence", "another"], "text"),
        (["-", "N/A", ""], "empty"),
    ],
)
def test_cells_tell_their_kind(cells: list[str], kind: str) -> None:
    assert look_at("x", pl.Series("x", cells)).kind == kind


def run(*command: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(command))
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_a_draft_that_loads_as_it_is_and_never_over_another(tmp_path: Path) -> None:
    sheet, out = tmp_path / "sheet.csv", tmp_path / "corner_lot.toml"
    sheet.write_text(SHEET, encoding="utf-8")
    status, shown, told = run("profile", str(sheet), "--out", str(out))
    assert (status, shown) == (0, "")
    assert f"python -m loaders check {sheet} --profile {out}" in told
    assert "3 of 3 rows would be accepted" in told
    (conformed,) = conform_file(
        sheet, CHICAGO, profiles=[Profile.model_validate(tomllib.loads(out.read_text("utf-8")))]
    )
    assert conformed.good["system"].unique().to_list() == ["corner_lot"]
    out.write_text("mended", encoding="utf-8")
    status, _, told = run("profile", str(sheet), "--out", str(out))
    assert (status, out.read_text(encoding="utf-8")) == (1, "mended")
    assert "is there already" in told


def test_the_command_shows_the_draft_or_one_object(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(SHEET, encoding="utf-8")
    assert 'table = "lead"' in run("profile", str(sheet))[1]
    assert json.loads(run("profile", str(sheet), "--json")[1])["table"] == "lead"
    assert run("profile", str(sheet), "--table", "leed")[0] == 1


@pytest.mark.skipif(not REAL.is_dir(), reason=f"needs the real files in {REAL}")
@pytest.mark.parametrize(
    ("file", "table", "expected"),
    [
        (
            "olist_funnel/olist_marketing_qualified_leads_dataset.csv",
            "lead",
            {"created_at": "first_contact_date", "source": "origin"},
        ),
        ("olist_funnel/olist_closed_deals_dataset.csv", "sale", {"lead_id": "mql_id", "sold_at": "won_date"}),
        ("salesforce/sf_lead_data.csv", "lead", {"created_at": "created_date", "source": "lead_source"}),
        ("hubspot/deal_data.csv", "sale", {"sold_at": "property_closedate"}),
        ("ad_platforms/google_ads_campaign_stats_data.csv", "spend", {"period_start": "date", "amount": "cost_micros"}),
    ],
)
def test_real_files_that_nobody_here_wrote_are_understood(file: str, table: str, expected: dict[str, str]) -> None:
    draft = draft_profile(largest(REAL / file), "my_crm")
    assert draft.table == table
    assert {name: origins(draft)[name] for name in expected} == expected
