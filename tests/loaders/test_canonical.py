"""Raw rows to canonical rows: nothing lost, nothing guessed in silence, the same answer whatever the order."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.profile import load_profile
from loaders.settings import Settings
from tests.loaders.exports import CHICAGO, TWO_STORES, conform_file, conform_text, read_export

CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "2024-03-01",
            "2024-03-10 02:30",
            "yes",
            "walk-in",
            "13/45/2024",
            "$1,2",
            "Total",
            "-",
            "a\nb",
            "\t",
            '"',
            "\r\n",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12),
)
HEADERS = {
    "lead": ["lead_id", "created_at", "lead_type", "status", "is_test", "phone"],
    "spend": ["source", "amount", "month", "campaign"],
    "sale": ["sale_id", "sold_at", "sale_type", "total_gross", "split_with"],
    "contact": ["occurred_at", "direction", "channel", "lead_id", "result", "duration_seconds"],
}


def _rules(rejects: pl.DataFrame) -> dict[int, str]:
    return dict(rejects.select("source_line", "rule").iter_rows())


@pytest.mark.parametrize("table", list(HEADERS))
def test_read_is_accepted_plus_rejected_on_any_garbage(table: str) -> None:
    """No row of any file is lost or counted twice: each raw line is good, refused, or beside a newer row of its key."""

    @given(st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=12))
    @settings(max_examples=30)
    def holds(rows: list[list[str]]) -> None:
        text = StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADERS[table], *rows])
        with TemporaryDirectory() as folder:
            path = Path(folder) / "export.csv"
            path.write_text(text.getvalue(), encoding="utf-8", newline="")
            (conformed,) = conform_file(path)
            ((raw, _),) = read_export(path)
        assert conformed.read + len(raw.dropped) == sum(any(cell.strip() for cell in row) for row in rows)
        good, refused = set(conformed.good["row_id"]), conformed.rejects
        assert conformed.table == table
        assert refused.height == refused["source_line"].n_unique()
        assert not set(conformed.good["source_line"]) & set(refused["source_line"])
        assert len(good) == conformed.good.height
        keys = conformed.good.select("store", "system", f"{table}_id")
        assert keys.is_duplicated().sum() == 0
        assert conformed.read >= conformed.good.height + refused.height
        if table not in {"lead", "sale"}:  # without a key every accepted row stands for itself
            assert conformed.read == conformed.good.height + refused.height
        TABLES[table].validate(conformed.good)

    holds()


def test_good_rows_have_the_columns_of_the_contract_in_its_order(tmp_path: Path) -> None:
    good = conform_text(tmp_path, "lead_id,created_at\n1,2024-03-01\n").good
    assert good.columns == TABLES["lead"].column_names()


def test_every_reason_is_said_and_a_broken_cell_is_not_also_called_missing(tmp_path: Path) -> None:
    text = "lead_id,created_at,lead_type,is_test\n1,13/45/2024,hat,maybe\n2,,,\n,2024-03-01,,\n4,2024-03-01,phone,\n"
    conformed = conform_text(tmp_path, text)
    assert conformed.read == 4
    assert conformed.good["lead_id"].to_list() == ["4"]
    assert _rules(conformed.rejects) == {
        2: 'created_at not readable as date: "13/45/2024"; lead_type "hat" is none of internet, phone, walk_in, chat, '
        'referral, previous_customer, campaign, other, service, import; is_test not readable as yes or no: "maybe"',
        3: "created_at is missing",
        4: "lead_id is missing",
    }


def test_an_id_that_a_spreadsheet_rounded_is_refused_as_a_key_with_that_reason(tmp_path: Path) -> None:
    text = (
        "lead_id,created_at\n2.98725E+13,2024-03-01\n2.98725E+13,2024-03-02\n"
        "29872500000000,2024-03-03\nN/A,2024-03-04\n"
    )
    conformed = conform_text(tmp_path, text)
    assert conformed.good["lead_id"].to_list() == ["29872500000000"]
    damaged = 'lead_id was rounded by a spreadsheet: "2.98725E+13" stands for many ids'
    assert _rules(conformed.rejects) == {2: damaged, 3: damaged, 5: "lead_id is missing"}


def test_a_reference_that_a_spreadsheet_rounded_links_to_nothing_and_is_a_finding(tmp_path: Path) -> None:
    text = (
        "occurred_at,direction,channel,lead_id,customer_name,person\n"
        "2024-03-01,out,call,2.98725E+13,Ana Lee,1.5E+10\n2024-03-01,in,call,2.98725E+13,Bo Roy,Dana\n"
    )
    conformed = conform_text(tmp_path, text)
    assert conformed.good.select("lead_id", "customer_name", "person").rows() == [
        (None, "Ana Lee", None),
        (None, "Bo Roy", "Dana"),
    ]
    assert conformed.findings.filter(finding="damaged_reference")["detail"].to_list() == [
        'lead_id "2.98725E+13" was rounded by a spreadsheet and links to nothing (2 rows); export it as text',
        'person "1.5E+10" was rounded by a spreadsheet and links to nothing (1 rows); export it as text',
    ]


def test_a_reject_keeps_the_row_as_it_was_but_only_cells_that_the_profile_names(tmp_path: Path) -> None:
    text = "lead_id,created_at,notes,phone\n7, soon ,private remark,312-555-0101\n"
    (reject,) = conform_text(tmp_path, text).rejects.to_dicts()
    assert json.loads(reject["row"]) == {"lead_id": "7", "created_at": "soon", "phone": "312-555-0101"}
    assert (reject["source_file"], reject["source_line"], reject["table"]) == ("export.csv", 2, "lead")
    assert (reject["profile"], reject["block"]) == ("generic", "lead")
    assert "private" not in str(reject)


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    conformed = conform_text(tmp_path, "lead_id,created_at\n1,2024-03-01,extra\n2,2024-03-01\n")
    assert _rules(conformed.rejects) == {2: "row has more cells than the header"}


def test_a_row_that_names_no_store_belongs_to_the_one_chosen_else_to_the_only_one(tmp_path: Path) -> None:
    text = "lead_id,created_at,store\n1,2024-03-01,lks\n2,2024-03-01,\n"
    assert conform_text(tmp_path, text, TWO_STORES, store="hillcrest  auto").good["store"].to_list() == [
        "Lakeside Motors",
        "Hillcrest Auto",
    ]
    assert conform_text(tmp_path, "lead_id,created_at\n1,2024-03-01\n").good["store"].to_list() == ["Lakeside Motors"]


def test_a_file_without_any_store_is_refused_with_the_stores_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="does not say which store") as caught:
        conform_text(tmp_path, "lead_id,created_at\n1,2024-03-01\n", TWO_STORES)
    assert '--store NAME. Stores in the settings: "Lakeside Motors", "Hillcrest Auto"' in caught.value.hint


def test_a_blank_store_among_filled_ones_is_a_reject(tmp_path: Path) -> None:
    conformed = conform_text(tmp_path, "lead_id,created_at,store\n1,2024-03-01,LKS\n2,2024-03-01,\n", TWO_STORES)
    assert _rules(conformed.rejects) == {3: "store is missing"}


def test_each_row_is_read_on_the_clock_of_its_own_store(tmp_path: Path) -> None:
    text = "lead_id,created_at,store\n1,2024-03-01 09:00,Lakeside Motors\n2,2024-03-01 09:00,Hillcrest Auto\n"
    created = conform_text(tmp_path, text, TWO_STORES).good["created_at"].to_list()
    assert created == [datetime(2024, 3, 1, 15, tzinfo=UTC), datetime(2024, 3, 1, 14, tzinfo=UTC)]


def test_a_day_without_a_time_is_marked_so_that_windows_count_calendar_days(tmp_path: Path) -> None:
    good = conform_text(tmp_path, "sale_id,sold_at,delivered_at\n1,2024-03-01,2024-03-02T10:00:00\n").good
    assert good.select("sold_at_is_date", "contract_at_is_date", "delivered_at_is_date").row(0) == (True, False, False)


def test_a_time_in_the_skipped_hour_is_kept_and_reported(tmp_path: Path) -> None:
    conformed = conform_text(tmp_path, "lead_id,created_at\n1,2024-03-10 02:30\n")
    assert conformed.good["created_at"].to_list() == [datetime(2024, 3, 10, 8, 30, tzinfo=UTC)]
    (finding,) = conformed.findings.to_dicts()
    assert (finding["finding"], finding["record"], finding["source_line"]) == ("time_in_missing_hour", "1", 2)


@pytest.mark.parametrize(
    ("cells", "day"), [("3/13/2024\n2,1/2/2024", (2024, 1, 2)), ("13/3/2024\n2,1/2/2024", (2024, 2, 1))]
)
def test_slashed_dates_are_read_in_the_order_that_the_file_proves(
    tmp_path: Path, cells: str, day: tuple[int, int, int]
) -> None:
    good = conform_text(tmp_path, f"lead_id,created_at\n1,{cells}\n").good
    assert good["created_at"].dt.convert_time_zone("America/Chicago").dt.date().to_list()[1].timetuple()[:3] == day


@pytest.mark.parametrize("cells", ["1/2/2024\n2,3/4/2024", "13/2/2024\n2,2/13/2024"])
def test_dates_that_can_be_read_in_two_orders_are_refused(tmp_path: Path, cells: str) -> None:
    with pytest.raises(LoaderError, match="can be read in two orders") as caught:
        conform_text(tmp_path, f"lead_id,created_at\n1,{cells}\n")
    assert 'date_format = ["mdy"]' in caught.value.hint


def test_a_key_twice_in_a_file_keeps_the_newest_row_and_counts_both_as_accepted(tmp_path: Path) -> None:
    rows = ["1,2024-03-01,open,2024-03-02", "1,2024-03-01,lost,2024-03-05", "1,2024-03-01,sold,2024-03-04"]
    head = "lead_id,created_at,status,modified_at\n"
    for _ in range(3):
        random.Random(1).shuffle(rows)
        conformed = conform_text(tmp_path, head + "\n".join(rows))
        assert (conformed.read, conformed.rejects.height) == (3, 0)
        assert conformed.good["status"].to_list() == ["lost"]
        assert conformed.findings.is_empty()


def test_a_key_twice_without_a_time_of_change_is_settled_by_content_and_reported(tmp_path: Path) -> None:
    head, rows = "lead_id,created_at,status\n", ["1,2024-03-01,open", "1,2024-03-01,lost"]
    one = conform_text(tmp_path, head + "\n".join(rows))
    other = conform_text(tmp_path, head + "\n".join(reversed(rows)))
    assert one.good["status"].to_list() == other.good["status"].to_list()
    assert one.findings["finding"].to_list() == ["conflicting_rows"]


def test_equal_rows_without_a_key_stay_apart_by_their_number_in_the_file(tmp_path: Path) -> None:
    text = (
        "occurred_at,direction,channel,lead_id\n"
        + "2024-03-01 10:00,out,call,1\n" * 2
        + "2024-03-01 10:01,out,call,1\n"
    )
    good = conform_text(tmp_path, text).good
    assert good.height == good["contact_id"].n_unique() == 3
    assert [key.rpartition("-")[2] for key in good["contact_id"]] == ["1", "2", "1"]


def test_a_refused_row_does_not_shift_the_numbers_of_equal_rows(tmp_path: Path) -> None:
    head, row = "occurred_at,direction,channel,lead_id,duration_seconds\n", "2024-03-01 10:00,out,call,1,"
    with_bad = conform_text(tmp_path, f"{head}{row}soon\n{row}\n").good
    assert with_bad["contact_id"].to_list() == conform_text(tmp_path, f"{head}{row}\n").good["contact_id"].to_list()


def test_a_corrected_spend_keeps_its_id(tmp_path: Path) -> None:
    head = "source,month,amount\n"
    one = conform_text(tmp_path, head + "AutoBazaar,2024-03,100\n").good
    other = conform_text(tmp_path, head + "AutoBazaar,2024-03-01,120\n".replace("2024-03-01", "2024-03")).good
    assert one["spend_id"].to_list() == other["spend_id"].to_list()


@pytest.mark.parametrize(
    ("exported_at", "expected"),
    [
        (None, datetime(2024, 3, 9, 18, tzinfo=UTC)),
        (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_file_is_as_old_as_it_is_told_else_as_its_newest_event(
    tmp_path: Path, exported_at: datetime | None, expected: datetime
) -> None:
    path = tmp_path / "export.csv"
    path.write_text("set_at,due_at\n2024-03-01 10:00,2030-01-01\n2024-03-09 12:00,2024-03-10\n", encoding="utf-8")
    (conformed,) = conform_file(path, exported_at=exported_at)
    assert conformed.good["exported_at"].unique().to_list() == [expected]


def test_the_time_in_a_file_name_decides_where_the_profile_says_so(tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(
        'name = "own"\nlabel = "Own"\ntime_zone = "UTC"\n[[file]]\ntable = "lead"\nmatch = ["Nr"]\nkey = "Nr"\n'
        'exported_at_pattern = "_%Y%m%d_%H%M%S.csv"\n[file.columns]\ncreated_at = "Date"\n'
        '[file.constants]\nlead_type = "internet"\nstatus = "open"\n',
        encoding="utf-8",
    )
    path = tmp_path / "leads_20240401_063000.csv"
    path.write_text("Nr,Date\n1,2024-03-01\n", encoding="utf-8")
    (conformed,) = conform_file(path, profiles=[load_profile(profile)])
    assert conformed.good["exported_at"].to_list() == [datetime(2024, 4, 1, 6, 30, tzinfo=UTC)]


def _own(folder: Path, text: str, rows: str, settings: Settings = CHICAGO) -> Any:
    profile, path = folder / "own.toml", folder / "own.csv"
    head = 'name = "own"\nlabel = "Own"\n[[file]]\ntable = "lead"\nmatch = ["Nr", "Date"]\nkey = "Nr"\n'
    profile.write_text(head + text, encoding="utf-8")
    path.write_text(rows, encoding="utf-8")
    (conformed,) = conform_file(path, settings, profiles=[load_profile(profile)])
    return conformed


def test_a_word_that_the_profile_does_not_list_takes_its_default_and_is_reported(tmp_path: Path) -> None:
    text = '[file.columns]\ncreated_at = "Date"\nlead_type = "Kind"\n[file.defaults]\nstatus = "open"\n'
    text += '[file.values.lead_type]\n"Web" = "internet"\n"Robot" = ""\n"*" = "other"\n'
    rows = "Nr,Date,Kind\n1,2024-03-01,WEB\n2,2024-03-01,Fax\n3,2024-03-01,fax\n4,2024-03-01,Phone\n"
    conformed = _own(tmp_path, text, rows)
    assert conformed.good["lead_type"].to_list() == ["internet", "other", "other", "phone"]
    (one, _) = conformed.findings.to_dicts()
    assert (one["finding"], one["source_line"]) == ("word_not_listed", 3)
    assert one["detail"] == 'lead_type "Fax" is not listed in the profile; it was read as "other" (1 rows)'


def test_choose_takes_the_first_test_that_says_yes_and_only_if_keeps_a_value(tmp_path: Path) -> None:
    text = '[file.columns]\ncreated_at = "Date"\nsource = { column = ["A", "B"], only_if = "Paid" }\n'
    text += 'customer_name = { join = ["First", "Last"] }\nlead_type = "Kind"\n[file.constants]\nsystem = "sheet"\n'
    text += '[file.choose.status]\nsold = "Sold on"\nlost = { column = "State", words = ["gone"] }\n'
    text += '[file.defaults]\nstatus = "open"\nlead_type = "other"\n'
    rows = (
        "Nr,Date,A,B,Paid,First,Last,Sold on,State\n1,2024-03-01,a,b,yes,Ann,Lee,2024-03-02,Gone\n"
        "2,2024-03-01,,b,1,,Lee,,GONE\n3,2024-03-01,a,b,no,,,,here\n"
    )
    good = _own(tmp_path, text, rows).good
    assert good["status"].to_list() == ["sold", "lost", "open"]
    assert good["source"].to_list() == ["a", "b", None]
    assert good["customer_name"].to_list() == ["Ann Lee", "Lee", None]
    assert good["system"].unique().to_list() == ["sheet"]


def test_only_rows_with_the_needed_cells_are_read_for_a_block(tmp_path: Path) -> None:
    text = (
        'when = ["Kind"]\n[file.columns]\ncreated_at = "Date"\n[file.defaults]\nstatus = "open"\nlead_type = "other"\n'
    )
    conformed = _own(tmp_path, text, "Nr,Date,Kind\n1,2024-03-01,x\n2,bad,\n")
    assert (conformed.read, conformed.good.height, conformed.rejects.height) == (1, 1, 0)
    assert _own(tmp_path, text, "Nr,Date\n1,2024-03-01\n").read == 0


def test_a_text_cell_that_says_there_is_nothing_is_null_but_unknown_stays_a_word(tmp_path: Path) -> None:
    good = conform_text(tmp_path, "lead_id,created_at,source\n1,2024-03-01,N/A\n2,2024-03-01,unknown\n").good
    assert good["source"].to_list() == [None, "unknown"]


@pytest.mark.parametrize("header", ["row_id", "rule", "source_line", "|row", "header"])
def test_a_file_may_use_our_own_working_names_as_headers(tmp_path: Path, header: str) -> None:
    conformed = conform_text(tmp_path, f"lead_id,created_at,{header}\n1,2024-03-01,x\n2,soon,y\n")
    assert (conformed.good.height, conformed.rejects["source_line"].to_list()) == (1, [3])


def test_a_store_that_the_settings_do_not_name_is_taken_and_reported_with_the_nearest(tmp_path: Path) -> None:
    text = "lead_id,created_at,store\n1,2024-03-01,LKS\n2,2024-03-01,Hilcrest Auto\n3,2024-03-01,hilcrest  AUTO\n"
    conformed = conform_text(tmp_path, text, TWO_STORES)
    assert conformed.good.height == 3
    noted = [row for row in conformed.findings.to_dicts() if row["finding"] == "store_not_in_settings"]
    assert (noted[0]["store"], noted[0]["source_line"]) == ("Hilcrest Auto", 3)
    assert 'Did you mean "Hillcrest Auto"?' in noted[0]["detail"]
    assert "UTC" in noted[0]["detail"]


def test_a_date_that_a_sheet_shows_as_a_number_is_read_as_its_day(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Deals")
        sheet.write_row(0, 0, ["sale_id", "sold_at", "total_gross"])
        sheet.write_row(1, 0, [1, 46083.5, 12345])
        sheet.write_row(2, 0, [2, 46084, 900])
    (conformed,) = conform_file(path)
    assert conformed.rejects.is_empty()
    assert conformed.good.select("sold_at", "sold_at_is_date").rows() == [
        (datetime(2026, 3, 2, 18, tzinfo=UTC), False),
        (datetime(2026, 3, 3, 6, tzinfo=UTC), True),
    ]


def test_a_bare_number_in_a_text_file_is_no_date(tmp_path: Path) -> None:
    conformed = conform_text(tmp_path, "sale_id,sold_at\n1,46083\n")
    assert "not readable as date" in _rules(conformed.rejects)[2]


def test_a_month_that_a_spreadsheet_turned_into_its_first_day_is_still_the_whole_month(tmp_path: Path) -> None:
    head = "source,Month,amount,period_start,period_end\n"
    good = conform_text(tmp_path, f"{head}Web,2026-03-01,900,,\nTV,,50,2026-03-05,2026-03-05\n").good
    assert good.select("period_start", "period_end").rows() == [
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 3, 5), date(2026, 3, 5)),
    ]


def test_a_cell_that_breaks_two_columns_is_told_once(tmp_path: Path) -> None:
    conformed = conform_text(tmp_path, "source,month,amount\nWeb,soon,900\n")
    assert _rules(conformed.rejects)[2].count("soon") == 1


def test_a_day_whose_midnight_the_clock_skips_is_no_finding(tmp_path: Path) -> None:
    settings = Settings.model_validate({"store": [{"name": "Sul", "time_zone": "America/Sao_Paulo"}]})
    conformed = conform_text(tmp_path, "lead_id,created_at\n1,2017-10-15\n2,2017-10-15 00:30\n", settings)
    assert conformed.findings.select("finding", "source_line").rows() == [("time_in_missing_hour", 3)]
