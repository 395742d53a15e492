"""Any file to raw frames: every record kept, every line number right, every unreadable file refused with a hint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from loaders.errors import LoaderError
from loaders.read import RawFrame, read


def _known(cells: Sequence[str]) -> int:
    return len({"id", "when", "amount"} & {cell.strip() for cell in cells})


def _read(folder: Path, content: str | bytes) -> RawFrame:
    path = folder / "export.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (raw,) = read(path, _known)
    return raw


def test_cells_stay_text_and_blanks_are_null(tmp_path: Path) -> None:
    frame = _read(tmp_path, "id,when,amount\n007,2024-03-01,\n8,  ,1.50\n").frame
    assert frame.to_dict(as_series=False) == {
        "id": ["007", "8"],
        "when": ["2024-03-01", None],
        "amount": [None, "1.50"],
        "source_line": [2, 3],
    }


def test_the_line_is_right_after_a_quoted_cell_of_several_lines(tmp_path: Path) -> None:
    frame = _read(tmp_path, 'id,when,amount\n1,"a\nb\r\nc",1\n\n2,x,2\n').frame
    assert frame["source_line"].to_list() == [2, 6]
    assert frame["when"].to_list() == ["a\nb\r\nc", "x"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_recognised(tmp_path: Path, encoding: str) -> None:
    frame = _read(tmp_path, "id,when,amount\n1,Café Besançon,3\n".encode(encoding)).frame
    assert frame["when"].to_list() == ["Café Besançon"]
    assert frame.columns[0] == "id"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_recognised_even_where_another_is_frequent(tmp_path: Path, delimiter: str) -> None:
    other = "," if delimiter != "," else ";"
    lines = [["id", "when", "amount"], ["1", f'"a{other}b{other}c{other}d"', "3"]]
    frame = _read(tmp_path, "\n".join(delimiter.join(line) for line in lines)).frame
    assert frame.row(0)[:3] == ("1", f"a{other}b{other}c{other}d", "3")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(tmp_path: Path, ending: str) -> None:
    frame = _read(tmp_path, ending.join(["id,when,amount", "1,a,2", "2,b,3", ""])).frame
    assert frame["source_line"].to_list() == [2, 3]


def test_titles_above_and_totals_below_are_set_aside_and_reported(tmp_path: Path) -> None:
    raw = _read(tmp_path, "Spend report\nMarch 2024,,\n\nid,when,amount\n1,a,2\n2,b,3\nGrand Total,,5\n,,$5.00\n")
    assert raw.frame["id"].to_list() == ["1", "2"]
    assert raw.frame["source_line"].to_list() == [5, 6]
    assert raw.dropped == (
        (1, "title above the header"),
        (2, "title above the header"),
        (7, "totals row"),
        (8, "totals row"),
    )


def test_one_known_word_in_a_record_makes_it_no_header(tmp_path: Path) -> None:
    """A source is called "Phone", as headers are."""
    text = "Ref#;Kunde;Eingang am;Herkunft\nB1;Cust 1;2026-11-20 10:11;Website\nB77;Cust Z;2026-11-20 10:00;when\n"
    raw = _read(tmp_path, text)
    assert raw.frame.columns[:4] == ["Ref#", "Kunde", "Eingang am", "Herkunft"]
    assert raw.frame["Herkunft"].to_list() == ["Website", "when"]


def test_a_record_that_only_lacks_its_first_cell_is_no_total(tmp_path: Path) -> None:
    raw = _read(tmp_path, "id,when,amount\n,2024-03-01,5\n1,a,2\n")
    assert raw.frame.height == 2
    assert raw.dropped == ()


def test_short_rows_are_padded_and_long_rows_are_marked(tmp_path: Path) -> None:
    raw = _read(tmp_path, "id,when,amount\n1\n2,b,3,4\n3,c,4,,\n")
    assert raw.frame["id"].to_list() == ["1", "2", "3"]
    assert raw.problems == ((3, "row has more cells than the header"),)


def test_headers_are_stripped_named_and_made_unique(tmp_path: Path) -> None:
    raw = _read(tmp_path, " id ,when,when,,source_line,when (2)\n1,2,3,4,5,6\n")
    assert raw.frame.columns == ["id", "when", "when (2)", "column 4", "source_line (2)", "when (2) (2)", "source_line"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b",,\n,,\n", "holds no rows"),
        (b"GIF89a\x00\x01\x02\x03", "not a text file"),
        (b"%PDF-1.7\n1 0 obj\n", "is a PDF"),
        (b"PAR1\x15\x04", "a Parquet file that cannot be opened"),
        (b"\xef\xbb\xbf\n<html><table><tr><td>id</td></tr></table>", "is a web page"),
        (b"x" * 1_200_000, "no table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "locked by a password"),
        (b"PK\x03\x04 but no workbook", "a zip file that is damaged"),
        (b'id,when\n1,"never closed\n2,x\n', "quotation mark is never closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_hint(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(LoaderError, match=reason) as caught:
        _read(tmp_path, content)
    assert "export.csv" in caught.value.message
    assert caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(LoaderError, match="cannot be read"):
        read(tmp_path)


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Two visible sheets, a hidden and an empty one; `Export` starts at B3 with a title and ends with a total."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        moment, day = book.add_format({"num_format": "m/d/yyyy h:mm"}), book.add_format({"num_format": "m/d/yyyy"})
        sheet = book.add_worksheet("Export")
        sheet.write_string(2, 1, "Leads of March")
        sheet.write_row(4, 1, ["id", "when", "day", "amount", "phone", "is_new"])
        sheet.write_row(5, 1, [12345, None, None, 1.5, 3125550101, True])
        sheet.write_datetime(5, 2, datetime.fromisoformat("2024-03-01T09:30:15"), moment)
        sheet.write_datetime(5, 3, datetime.fromisoformat("2024-03-01"), day)
        sheet.write_row(7, 1, ["A7", "n/a", None, 2, None, False])
        sheet.write_row(8, 1, ["Total", None, None, 3.5])
        book.add_worksheet("Hidden").hide()
        book.add_worksheet("Empty")
        book.add_worksheet("More").write_column(0, 0, ["id", "9"])
    return path


def test_a_workbook_gives_each_visible_sheet_with_dates_and_numbers_as_text(workbook: Path) -> None:
    export, more = read(workbook, _known)
    assert (export.sheet, more.sheet) == ("Export", "More")
    assert export.frame.to_dicts() == [
        {
            "id": "12345",
            "when": "2024-03-01 09:30:15",
            "day": "2024-03-01",
            "amount": "1.5",
            "phone": "3125550101",
            "is_new": "true",
            "source_line": 6,
        },
        {"id": "A7", "when": "n/a", "day": None, "amount": "2", "phone": None, "is_new": "false", "source_line": 8},
    ]
    assert export.dropped == ((3, "title above the header"), (9, "totals row"))
    assert more.frame["id"].to_list() == ["9"]


def test_a_workbook_is_known_by_its_content_and_not_by_its_name(workbook: Path, tmp_path: Path) -> None:
    renamed = workbook.rename(tmp_path / "export.csv")
    assert [raw.sheet for raw in read(renamed, _known)] == ["Export", "More"]
