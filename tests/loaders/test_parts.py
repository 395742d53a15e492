"""What a profile may say about files that are no plain lists of records: figures side by side, totals, periods."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.canonical import Conformed, conform
from loaders.errors import LoaderError
from loaders.parts import NO_FIGURE, Period
from loaders.profile import Profile, detect, header_counter, load_profile
from loaders.read import read
from tests.loaders.exports import CHICAGO, conform_text, shipped_profiles

SPEND = """
name = "own"
label = "Own sheet"
[[file]]
table = "spend"
match = ["Vendor", "Cost*"]
[file.columns]
source = "Vendor"
period_start = "Day"
period_end = "Day"
amount = "Cost*"
"""
REPORT = """
name = "own"
label = "Own report"
[[file]]
table = "crm_report"
match = ["Source", "Leads"]
[file.columns]
source = "Source"
[file.measures]
leads = "Leads"
cost = { column = "Cost", scale = 0.01 }
"""
MARCH: Period = (date(2026, 3, 1), date(2026, 3, 31))


def own(folder: Path, profile: str) -> Profile:
    path = folder / "own.toml"
    path.write_text(profile, encoding="utf-8")
    return load_profile(path)


def conformed(folder: Path, profile: str, text: str, period: Period | None = None) -> Conformed:
    """What the first block of a profile that fits makes of a file."""
    written = folder / "export.csv"
    written.write_text(text, encoding="utf-8")
    mine = own(folder, profile)
    (raw,) = read(written, header_counter([mine]))
    found = detect(raw.frame.columns[:-1], [mine])
    return conform(raw, mine, found.blocks[0], CHICAGO, store=None, exported_at=None, period=period)


def amounts(found: Conformed) -> list[Decimal | None]:
    return found.good["amount"].to_list()


def test_millionths_become_units_exactly(tmp_path: Path) -> None:
    profile = SPEND.replace('amount = "Cost*"', 'amount = { column = "Cost*", scale = 0.000001 }')
    found = conformed(tmp_path, profile, "Vendor,Day,Cost\nA,2026-03-01,20836690\nA,2026-03-02,1\nA,2026-03-03,--\n")
    assert amounts(found) == [Decimal("20.836690"), Decimal("0.000001"), None]


def test_a_scale_that_is_not_above_zero_is_refused(tmp_path: Path) -> None:
    profile = SPEND.replace('amount = "Cost*"', 'amount = { column = "Cost*", scale = 0 }')
    with pytest.raises(LoaderError, match="scale"):
        own(tmp_path, profile)


def test_the_currency_is_taken_from_the_header(tmp_path: Path) -> None:
    profile = SPEND + 'currency = { header = "Cost (*)" }\n'
    assert conformed(tmp_path, profile, "Vendor,Day,COST (cad)\nA,2026-03-01,5\n").good["currency"].to_list() == ["cad"]
    assert conformed(tmp_path, profile, "Vendor,Day,Cost\nA,2026-03-01,5\n").good["currency"].to_list() == [None]


def test_rows_of_one_key_are_added_up_where_the_profile_says_so(tmp_path: Path) -> None:
    """Unknown and known make the known part; unknown and unknown stay unknown."""
    profile = SPEND.replace('table = "spend"', 'table = "spend"\nsum = ["amount"]')
    rows = ["A,2026-03-01,x,1.25", "A,2026-03-01,y,", "A,2026-03-01,z,2", "B,2026-03-01,x,", "B,2026-03-01,y,-"]
    found = conformed(tmp_path, profile, "\n".join(["Vendor,Day,Device,Cost", *rows]))
    assert (found.read, found.rejects.height) == (5, 0)
    assert found.good.select("source", "amount").rows() == [("A", Decimal("3.25")), ("B", None)]


def test_without_it_each_row_stays_a_record(tmp_path: Path) -> None:
    found = conformed(tmp_path, SPEND, "Vendor,Day,Cost\nA,2026-03-01,1.25\nA,2026-03-01,2\n")
    assert amounts(found) == [Decimal("1.25"), Decimal(2)]


def test_rows_that_are_no_records_are_set_aside_with_the_reason_and_their_line(tmp_path: Path) -> None:
    profile = SPEND + '[file.aside]\n"heading" = { column = "Vendor", words = ["", "===*"] }\n'
    found = conformed(tmp_path, profile, "Day,Vendor,Cost\n2026-03-01,=== Online ===,\n2026-03-01,A,5\n2026-03-01,,9\n")
    assert found.aside == ((2, "heading"), (4, "heading"))
    assert (found.read, amounts(found)) == (1, [Decimal(5)])


def test_a_period_that_is_too_long_is_refused_with_what_to_export_instead(tmp_path: Path) -> None:
    profile = SPEND.replace('period_end = "Day"', 'period_end = "End"').replace(
        'table = "spend"', 'table = "spend"\nmax_days = 31\nhint = "export it by day"'
    )
    text = "Vendor,Day,End,Cost\nA,2026-03-01,2026-03-31,5\nA,2026-03-01,2026-04-01,5\nA,2026-03-01,soon,5\n"
    refused = dict(conformed(tmp_path, profile, text).rejects.select("source_line", "rule").iter_rows())
    assert refused == {
        3: "the period is 32 days long, more than 31: export it by day",
        4: 'End not readable as date: "soon"',
    }


def test_a_block_that_refuses_says_why_and_what_to_export_and_only_where_nothing_else_fits(tmp_path: Path) -> None:
    profile = SPEND.replace("match =", 'unless = ["Keyword"]\nmatch =') + (
        '[[file]]\nname = "keywords"\ntable = "spend"\nmatch = ["Vendor", "Cost*"]\n'
        'refuse = "it is the same money per keyword"\nhint = "Export it by day."\n'
    )
    with pytest.raises(LoaderError) as caught:
        conformed(tmp_path, profile, "Vendor,Day,Keyword,Cost\nA,2026-03-01,x,5\n")
    assert str(caught.value) == "export.csv is left out: it is the same money per keyword.\n\nHint: Export it by day."
    assert amounts(conformed(tmp_path, profile, "Vendor,Day,Cost\nA,2026-03-01,5\n")) == [Decimal(5)]


def test_a_profile_that_reads_a_file_goes_before_one_that_refuses_it(tmp_path: Path) -> None:
    refusing = SPEND.replace('"own"', '"other"').partition("[file.columns]")[0] + 'refuse = "no"\nhint = "x"\n'
    refusing = refusing.replace('["Vendor", "Cost*"]', '["Vendor", "Cost", "Day", "Note"]')
    path = tmp_path / "other.toml"
    path.write_text(refusing, encoding="utf-8")
    found = detect(["Vendor", "Day", "Cost", "Note"], [load_profile(path), own(tmp_path, SPEND)])
    assert found.profile.name == "own"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('table = "spend"', 'table = "spend"\nrefuse = "no"'), 'needs a "hint"'),
        (('table = "spend"', 'table = "spend"\nrefuse = "no"\nhint = "x"'), "reads nothing"),
        (('table = "spend"', 'table = "spend"\nsum = ["campaign"]'), '"campaign" is not a number of the table spend'),
        (('table = "spend"', 'table = "spend"\nmonths_across = "cost"'), '"cost" is not a column of the table spend'),
        (('amount = "Cost*"', 'currency = { header = "Cost" }'), "needs one star"),
        (("[file.columns]", '[file.measures]\nleads = "Leads"\n[file.columns]'), "belong to the table crm_report"),
    ],
)
def test_a_mistake_in_the_new_keys_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(LoaderError) as caught:
        own(tmp_path, SPEND.replace(*change))
    assert said in str(caught.value)


def test_each_filled_figure_of_a_report_is_a_row_of_its_own_and_is_counted_as_one(tmp_path: Path) -> None:
    text = "Source,Leads,Cost\nA,10,250\nB,-,99\nC,many,\nD,,\n"
    found = conformed(tmp_path, REPORT, text, MARCH)
    assert found.good.select("source", "measure", "value", "source_line").rows() == [
        ("A", "leads", 10.0, 2),
        ("A", "cost", 2.5, 2),
        ("B", "cost", 0.99, 3),
    ]
    assert found.rejects.select("source_line", "rule").rows() == [(4, 'Leads not readable as number: "many"')]
    assert found.aside == ((5, NO_FIGURE),)
    assert found.read == found.good.height + found.rejects.height
    assert found.good["crm_report_id"].n_unique() == found.good.height


def test_a_report_exported_again_keeps_its_keys_when_a_figure_changes_or_a_column_is_left_out(tmp_path: Path) -> None:
    first = conformed(tmp_path, REPORT, "Source,Leads,Cost\nA,10,250\n", MARCH).good
    again = conformed(tmp_path, REPORT, "Leads,Source\n11,A\n", MARCH).good
    assert again["crm_report_id"].to_list() == first.filter(measure="leads")["crm_report_id"].to_list()
    assert again["value"].to_list() == [11.0]


@pytest.mark.parametrize(
    "title",
    [
        "Date Range: 03/01/2026 - 03/31/2026",
        '"March 1, 2026 - March 31, 2026"',
        "March 1, 2026 - March 31, 2026",
        "Period: Mar 1 2026 to Mar 31 2026",
        "1 March 2026 \u2013 31 March 2026",
        "2026-03-01 through 2026-03-31",
        "31.03.2026\n01.03.2026 - 31.03.2026",
    ],
)
def test_the_period_is_read_from_a_title(tmp_path: Path, title: str) -> None:
    good = conformed(tmp_path, REPORT, f"My report\n{title}\nSource,Leads\nA,10\n").good
    assert good.select("period_start", "period_end").rows() == [MARCH]


@pytest.mark.parametrize(
    "title",
    [
        "My report",
        "Printed 03/31/2026",
        "03/04/2026 - 05/06/2026",
        "2026-03-31 - 2026-03-01",
        "2026-03-01 - 2026-03-31 compared with 2025-03-01 - 2025-03-31",
    ],
)
def test_a_title_that_states_no_one_period_is_not_guessed_from(tmp_path: Path, title: str) -> None:
    text = f"{title}\nSource,Leads\nA,10\n"
    with pytest.raises(LoaderError) as caught:
        conformed(tmp_path, REPORT, text)
    assert "--period 2026-03-01:2026-03-31" in str(caught.value)
    assert conformed(tmp_path, REPORT, text, MARCH).good.select("period_start", "period_end").rows() == [MARCH]


def test_a_period_that_the_file_states_goes_before_the_one_that_was_said(tmp_path: Path) -> None:
    said = (date(2025, 1, 1), date(2025, 1, 31))
    good = conformed(tmp_path, REPORT, "2026-03-01 - 2026-03-31\nSource,Leads\nA,10\n", said).good
    assert good.select("period_start", "period_end").rows() == [MARCH]


def test_months_side_by_side_are_a_row_for_each_filled_month(tmp_path: Path) -> None:
    found = conform_text(
        tmp_path, "Source,Jan 2026,Feb-26,Total\nAutoBazaar,$10,,10\nCarCompass,5,7,12\nTotal,15,7,22\n"
    )
    assert found.good.sort("source", "period_start").select(
        "source", "period_start", "period_end", "amount"
    ).rows() == [
        ("AutoBazaar", date(2026, 1, 1), date(2026, 1, 31), Decimal(10)),
        ("CarCompass", date(2026, 1, 1), date(2026, 1, 31), Decimal(5)),
        ("CarCompass", date(2026, 2, 1), date(2026, 2, 28), Decimal(7)),
    ]
    assert found.read == 3


def test_a_month_counts_towards_the_header_row_only_beside_a_header_that_is_known() -> None:
    count = header_counter(shipped_profiles())
    assert count(["Source", "Jan 2026", "Feb 2026"]) == 3
    assert count(["Jan 2026", "Feb 2026"]) == 0


def test_a_sheet_of_sources_without_a_month_is_not_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="No profile knows"):
        detect(["Source", "Remarks"], [load_profile("monthly_spend")])


def test_every_amount_of_an_ad_report_is_in_the_sum_whatever_its_breakdown(tmp_path: Path) -> None:
    rows = "".join(f"Brand,2026-03-01,{device},0.{cents:02d}\n" for cents, device in enumerate(map(str, range(100))))
    found = conform_text(tmp_path, "Campaign,Day,Device,Cost\n" + rows)
    assert found.good["amount"].to_list() == [sum((Decimal(cents) for cents in range(100)), Decimal(0)) / 100]
    assert found.good.schema["amount"] == pl.Decimal(18, 6)


def test_an_amount_in_another_currency_than_the_store_s_is_noticed_once(tmp_path: Path) -> None:
    profile = SPEND + 'currency = { header = "Cost (*)" }\n'
    text = "Vendor,Day,Cost (CAD)\nA,2026-03-01,5\nA,2026-03-02,6\n"
    found = conformed(tmp_path, profile, text)
    assert found.findings.select("finding", "source_line").rows() == [("currency_not_of_store", 2)]
    assert "2 amounts are in CAD" in found.findings["detail"].item()
    assert conformed(tmp_path, profile, text.replace("CAD", "usd")).findings.is_empty()


def test_the_command_line_says_the_period_of_reports_that_name_none(tmp_path: Path) -> None:
    export = tmp_path / "providers.csv"
    export.write_text("lead_provider,total_leads,total_sales\nAutoBazaar,41,3\n", encoding="utf-8")
    command = ["check", str(export), "--store", "Lakeside Motors", "--json"]
    without = CliRunner().invoke(app, command)
    assert without.exit_code == 1
    assert "--period 2026-03-01:2026-03-31" in json.loads(without.stdout)["files"][0]["error"]
    said = CliRunner().invoke(app, [*command, "--period", "2026-03-01:2026-03-31"])
    assert said.exit_code == 0
    assert json.loads(said.stdout)["files"][0]["tables"]["crm_report"]["accepted"] == 2


@pytest.mark.parametrize("period", ["2026-03", "2026-03-01", "2026-03-31:2026-03-01", "2026-03-01:2026-03-32"])
def test_a_period_that_cannot_be_one_is_wrong_usage(tmp_path: Path, period: str) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--period", period])
    assert result.exit_code == 2
    assert "Hint:" in result.stderr
