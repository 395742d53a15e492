"""Which rows of a file feed which table, and what a cell or a day of it means there: parts of a profile's grammar."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loaders.profile import load_profile
from tests.loaders.exports import CHICAGO, conform_file

PROFILE = """
name = "own"
label = "Own sheet"
time_zone = "UTC"
[[file]]
table = "lead"
match = ["Nr", "Date"]
key = "Nr"
{rows}
[file.columns]
created_at = "Date"
customer_name = {{ column = "Name", last_line = true }}
[file.constants]
lead_type = "internet"
status = "open"
"""
FILE = """\
Nr,Date,Kind,Done,Name
1,2026-03-01,Call,yes,"NW

Nora Whitfield"
2,2026-07-01 09:00,call,no,Owen
3,2026-03-03,,1,
"""


def conformed(folder: Path, rows: str) -> pl.DataFrame:
    profile, export = folder / "own.toml", folder / "export.csv"
    profile.write_text(PROFILE.format(rows=rows), encoding="utf-8")
    export.write_text(FILE, encoding="utf-8")
    (found,) = conform_file(export, CHICAGO, profiles=[load_profile(profile)])
    assert found.read == found.good.height
    return found.good


@pytest.mark.parametrize(
    ("rows", "fed"),
    [
        ("", ["1", "2", "3"]),
        ('when = ["Kind"]', ["1", "2"]),
        ('when = ["Kind", "Done"]', ["1"]),
        ('when = [["Kind", "Done"]]', ["1", "2", "3"]),
        ('when = { column = "Kind", words = ["CALL"] }', ["1", "2"]),
        ('when_not = { column = "Kind", words = ["CALL"] }', ["3"]),
        ('when_not = ["Kind", "Done"]', []),
        ('when = ["Kind"]\nwhen_not = ["Done"]', ["2"]),
        ('when = ["Not there"]', []),
        ('when_not = ["Not there"]', ["1", "2", "3"]),
    ],
)
def test_rows_feed_a_table_by_the_tests_of_its_block(rows: str, fed: list[str], tmp_path: Path) -> None:
    assert conformed(tmp_path, rows)["lead_id"].to_list() == fed


def test_of_a_cell_of_several_lines_the_last_counts(tmp_path: Path) -> None:
    assert conformed(tmp_path, "")["customer_name"].to_list() == ["Nora Whitfield", "Owen", None]


def test_a_day_is_the_stores_day_also_in_a_file_whose_times_are_utc(tmp_path: Path) -> None:
    found = conformed(tmp_path, "")
    assert found["created_at"].to_list() == [
        datetime(2026, 3, 1, 6, tzinfo=UTC),
        datetime(2026, 7, 1, 9, tzinfo=UTC),
        datetime(2026, 3, 3, 6, tzinfo=UTC),
    ]
    assert found["created_at_is_date"].to_list() == [True, False, True]
