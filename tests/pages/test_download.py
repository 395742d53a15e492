"""Files that people take along: what they say about themselves, and that no cell of them runs."""

from __future__ import annotations

import io
import zipfile

import fastexcel
import polars as pl
import pytest

from pages.download import neutralise, to_csv, to_excel

ROWS = pl.DataFrame({"customer": ["=1+1", "Ada", None], "=name": ["+1", "\tx", "a=b"], "gross": [-5.0, 1.0, None]})
ABOUT = {"Metric": "Closing rate", "Filters": "Store: North\nSource: Web"}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(sign: str) -> None:
    cell = neutralise(pl.DataFrame({"x": [f"{sign}cmd"]}))["x"][0]
    assert cell == f"'{sign}cmd"


def test_only_text_that_would_run_is_touched() -> None:
    safe = neutralise(ROWS)
    assert safe["customer"].to_list() == ["'=1+1", "Ada", None]
    assert safe["gross"].to_list() == [-5.0, 1.0, None]
    assert safe.columns == ["customer", "'=name", "gross"]


def test_a_csv_begins_with_what_it_holds() -> None:
    lines = to_csv(ROWS, ABOUT).decode("utf-8-sig").split("\n")
    assert lines[:3] == ["# Metric: Closing rate", "# Filters: Store: North Source: Web", "customer,'=name,gross"]
    assert lines[3].startswith("'=1+1,'+1")


def test_a_workbook_holds_rows_and_what_they_are_and_no_formula() -> None:
    written = to_excel(ROWS, ABOUT)
    book = fastexcel.read_excel(written)
    assert book.sheet_names == ["Rows", "About"]
    assert book.load_sheet("Rows").to_polars()["customer"].to_list() == ["'=1+1", "Ada", None]
    with zipfile.ZipFile(io.BytesIO(written)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_a_workbook_of_no_rows_still_opens() -> None:
    assert fastexcel.read_excel(to_excel(ROWS.clear(), ABOUT)).sheet_names == ["Rows", "About"]
