"""Workbooks and the shape of tables: groups over headers, remarks below, hidden sheets, dates, percent and currency."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.errors import LoaderError
from loaders.read import Reading, Unread, read, read_each


def _known(cells: Sequence[str]) -> int:
    return len({"id", "when", "amount"} & set(cells))


def _text(folder: Path, content: str) -> Any:
    path = folder / "report.csv"
    path.write_text(content, encoding="utf-8")
    (raw,) = read(path)
    return raw


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A title over all columns, groups over two columns each, a header cell over both rows, then two records."""
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sources")
        sheet.merge_range(0, 0, 0, 4, "Leads by source")
        sheet.merge_range(2, 0, 3, 0, "Source")
        sheet.merge_range(2, 1, 2, 2, "New")
        sheet.merge_range(2, 3, 2, 4, "Used")
        sheet.write_row(3, 1, ["Units", "Gross", "Units", "Gross"])
        sheet.write_row(4, 0, ["Site", 1, 2, 3, 4])
        sheet.write_row(5, 0, ["Walk in", 5, 6, 7, 8])
    return path


def test_a_row_of_groups_joins_the_header_below_it(report: Path) -> None:
    (raw,) = read(report)
    assert raw.frame.columns == ["Source", "New Units", "New Gross", "Used Units", "Used Gross", "source_line"]
    assert raw.frame["source_line"].to_list() == [5, 6]
    assert raw.titles == ("Leads by source",)


def test_a_header_that_is_known_as_it_stands_takes_no_group(report: Path) -> None:
    (raw,) = read(report, lambda cells: len({"Units", "Gross"} & set(cells)))
    assert raw.frame.columns[1:4] == ["Units", "Gross", "Units (2)"]


def test_a_group_row_of_a_text_file_reaches_up_to_the_next_group(tmp_path: Path) -> None:
    raw = _text(tmp_path, ",New,,Used,\nSource,Units,Gross,Units,Gross\nSite,1,2,3,4\n")
    assert raw.frame.columns[:-1] == ["Source", "New Units", "New Gross", "Used Units", "Used Gross"]


def test_a_header_cell_over_two_columns_names_both(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "id")
        sheet.merge_range(0, 1, 0, 2, "Customer")
        sheet.write_row(1, 0, ["1", "Nora", "Whitfield"])
    (raw,) = read(path)
    assert raw.frame.columns == ["id", "Customer", "Customer (2)", "source_line"]


def test_titles_stand_above_even_where_no_header_is_known(tmp_path: Path) -> None:
    raw = _text(tmp_path, "Store:,Lakeside\nMarch 2024\n\nName,Role,Team\nDana,sales,A\nTheo,BDC,B\n")
    assert raw.frame.columns == ["Name", "Role", "Team", "source_line"]
    assert raw.titles == ("Store: Lakeside", "March 2024")


def test_remarks_below_the_records_are_footnotes(tmp_path: Path) -> None:
    raw = _text(tmp_path, "id,when,amount\n1,a,2\n2,b,3\nTotal,,5\n\n* fleet deals left out\nPrinted by Dana Brooks\n")
    assert raw.frame["id"].to_list() == ["1", "2"]
    assert raw.dropped == ((4, "totals row"), (6, "footnote"), (7, "footnote"))


@pytest.mark.parametrize(
    "last",
    ["A7,,", "Nora Whitfield,,", "7,,", "2024-03-01,,"],
    ids=["an id", "a name", "a number", "a day"],
)
def test_a_record_with_a_single_cell_is_no_footnote(tmp_path: Path, last: str) -> None:
    raw = _text(tmp_path, f"id,when,amount\n1,a,\n2,b,3\n{last}\n")
    assert raw.frame.height == 3
    assert raw.dropped == ()


def test_a_table_of_single_cells_has_no_footnotes(tmp_path: Path) -> None:
    raw = _text(tmp_path, "name,role,team\nNora May Whitfield.,,\nOwen Lee Castellan.,,\n")
    assert raw.frame.height == 2


def test_a_row_with_too_many_cells_is_refused_and_not_taken_for_a_total(tmp_path: Path) -> None:
    raw = _text(tmp_path, "id,when,amount\n1,a,2\n,2,3,4\n")
    assert raw.frame.height == 2
    assert raw.problems == ((3, "row has more cells than the header"),)


def test_a_column_without_header_and_value_is_dropped_and_others_keep_their_place(tmp_path: Path) -> None:
    raw = _text(tmp_path, ",id,,when,\n,1,,a,x\n,2,,b,\n")
    assert raw.frame.columns == ["id", "when", "column 5", "source_line"]


def _hidden(folder: Path) -> Path:
    path = folder / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Shown").write_column(0, 0, ["id", "1"])
        archive = book.add_worksheet("Archive")
        archive.write_column(0, 0, ["id", "2"])
        archive.hide()
    return path


def test_a_hidden_sheet_is_left_out_and_said_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = _hidden(tmp_path)
    (shown,) = read(path)
    assert (shown.sheet, shown.notes) == ("Shown", ('hidden sheet "Archive" left out; to read it: --sheet "Archive"',))
    (asked,) = read_each(path, None, Reading(sheets=("Archive",)))
    assert not isinstance(asked, Unread)
    assert (asked.sheet, asked.frame["id"].to_list(), asked.notes) == ("Archive", ["2"], ())
    (missing,) = read_each(path, None, Reading(sheets=("Nowhere",)))
    assert isinstance(missing, Unread)
    assert 'no sheet "Nowhere"; its sheets are Shown, Archive' in missing.error.message


@pytest.mark.parametrize("is_1904", [False, True])
def test_dates_percent_and_currency_read_as_values(tmp_path: Path, *, is_1904: bool) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": is_1904}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["day", "share", "gross", "text day"])
        sheet.write_datetime(1, 0, datetime.fromisoformat("2024-03-01"), book.add_format({"num_format": "d mmm yy"}))
        sheet.write_number(1, 1, 0.2742, book.add_format({"num_format": "0.00%"}))
        sheet.write_number(1, 2, -1539.26, book.add_format({"num_format": '"$"#,##0.00;[Red]("$"#,##0.00)'}))
        sheet.write_string(1, 3, "03/01/2024")
    (raw,) = read(path)
    assert raw.frame.row(0) == ("2024-03-01", "0.2742", "-1539.26", "03/01/2024", 2)


def test_a_workbook_that_is_damaged_is_refused(report: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(report) as whole, zipfile.ZipFile(packed, "w") as damaged:
        for info in whole.infolist():
            content = whole.read(info)
            damaged.writestr(info.filename, content[:200] if info.filename.endswith("sheet1.xml") else content)
    report.write_bytes(packed.getvalue())
    with pytest.raises(LoaderError, match=r"not a workbook that can be opened|holds no rows"):
        read(report)


def test_a_workbook_cut_off_is_refused(report: Path) -> None:
    report.write_bytes(report.read_bytes()[:3000])
    with pytest.raises(LoaderError, match="a zip file that is damaged"):
        read(report)


LEADS = "lead_id,created_at,customer_name\n1,2024-03-01T09:30:00Z,{}\n"


def _checked(folder: Path, *options: str) -> dict[str, Any]:
    command = ["check", str(folder), "--store", "Lakeside Motors", *options, "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    (entry,) = json.loads(result.stdout)["files"]
    told: dict[str, Any] = entry
    return told


def test_letters_that_are_not_sure_are_said_and_another_encoding_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(LEADS.format("Νίκος").encode("iso-8859-7"))
    assert "Windows-1252" in _checked(tmp_path)["notes"][0]
    assert _checked(tmp_path, "--encoding", "iso-8859-7")["notes"] == ["read as iso-8859-7, as asked"]
    (raw,) = read_each(path, None, Reading(encoding="iso-8859-7"))
    assert not isinstance(raw, Unread)
    assert raw.frame["customer_name"].to_list() == ["Νίκος"]
    wrong = CliRunner().invoke(app, ["check", str(path), "--encoding", "klingon"])
    assert wrong.exit_code == 2
    assert 'There is no encoding "klingon"' in wrong.stderr


def test_a_load_says_the_notes_and_gives_them_as_json(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(LEADS.format("Zoë").encode("cp1252"))
    command = ["load", str(path), "--store", "Lakeside Motors", "--warehouse", str(tmp_path / "warehouse")]
    assert "Windows-1252" in CliRunner().invoke(app, command).stderr
    told = CliRunner().invoke(app, [*command, "--json"])
    assert "Windows-1252" in json.loads(told.stdout)["files"][0]["notes"][0]
