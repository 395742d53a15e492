"""Parquet, JSON and NDJSON: text that says what was written, nested parts under dotted headers, clear errors."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from loaders.errors import LoaderError
from loaders.read import RawFrame, read


def _read(folder: Path, content: str | bytes) -> RawFrame:
    path = folder / "export.data"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (raw,) = read(path)
    return raw


def _rows(raw: RawFrame) -> list[dict[str, str | None]]:
    return raw.frame.drop("source_line").to_dicts()


def test_numbers_of_json_keep_the_text_they_were_written_with(tmp_path: Path) -> None:
    raw = _read(tmp_path, '[{"id": 12345678901234567890, "amount": 1.50, "share": 1e-7, "is_new": true, "vin": ""}]')
    assert _rows(raw) == [
        {"id": "12345678901234567890", "amount": "1.50", "share": "1e-7", "is_new": "true", "vin": None}
    ]


def test_a_record_without_a_key_is_blank_there_and_the_line_is_its_number(tmp_path: Path) -> None:
    raw = _read(tmp_path, '[{"id": 1, "source": null}, {"id": 2, "source_line": "7"}]')
    assert raw.frame.columns == ["id", "source", "source_line (2)", "source_line"]
    assert raw.frame.rows() == [("1", None, None, 1), ("2", None, "7", 2)]


def test_nested_objects_flatten_with_dots_and_lists_become_one_text(tmp_path: Path) -> None:
    record = {"customer": {"email": "a@example.com", "phones": ["312-555-0101", 2]}, "cars": [{"vin": "1"}], "tags": []}
    (row,) = _rows(_read(tmp_path, json.dumps([record])))
    assert row == {
        "customer.email": "a@example.com",
        "customer.phones": "312-555-0101, 2",
        "cars": '[{"vin": "1"}]',
        "tags": None,
    }


def test_records_under_a_key_are_found_and_the_key_is_said(tmp_path: Path) -> None:
    raw = _read(tmp_path, '{"count": 2, "data": {"leads": [{"id": 1}, {"id": 2}]}}')
    assert _rows(raw) == [{"id": "1"}, {"id": "2"}]
    assert raw.notes == ('the records stand under "data.leads"',)


def test_several_lists_of_records_are_a_sheet_each(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text('{"leads": [{"id": 1}], "deals": [{"id": 2}, {"id": 3}]}', encoding="utf-8")
    assert [(raw.sheet, raw.frame.height) for raw in read(path)] == [("leads", 1), ("deals", 2)]


def test_ndjson_counts_lines_and_a_broken_line_is_a_problem_of_its_own(tmp_path: Path) -> None:
    raw = _read(tmp_path, '{"id": 1}\n\n{"id": 2, "x": }\n[3]\n{"id": 4}\n')
    assert raw.frame.rows() == [("1", 1), (None, 3), (None, 4), ("4", 5)]
    assert raw.problems == ((3, "line is not JSON: Expecting value"), (4, "line holds no object"))


def test_a_single_line_of_ndjson_is_one_record(tmp_path: Path) -> None:
    assert _rows(_read(tmp_path, '{"id": 1, "when": "2024-03-01"}\n')) == [{"id": "1", "when": "2024-03-01"}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[{"id": 1, "id": 2}]', 'names "id" twice'),
        ('[{"id": 1}] and more', "broken: Extra data"),
        ('[{"id": 1},', "broken"),
        ("[1, 2]", "a list of objects is expected"),
        ("[]", "empty list"),
        ("[{}, {}]", "records are empty"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_that_cannot_be_read_says_why(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(LoaderError, match=reason) as caught:
        _read(tmp_path, content)
    assert caught.value.hint


def test_headers_in_brackets_are_no_json(tmp_path: Path) -> None:
    assert _rows(_read(tmp_path, "[Name],[Amount]\nx,1\n")) == [{"[Name]": "x", "[Amount]": "1"}]


def test_parquet_reads_as_the_text_of_its_values(tmp_path: Path) -> None:
    path = tmp_path / "export.parquet"
    pl.DataFrame(
        {
            "id": [1.0, None],
            "share": [0.25, 2.0],
            "gross": [Decimal("1539.20"), None],
            "at": [datetime(2024, 3, 1, 9, 30, tzinfo=UTC), None],
            "local": [datetime.fromisoformat("2024-03-01T09:30:00.5"), None],
            "day": [date(2024, 3, 1), None],
            "is_new": [True, None],
            "customer": [{"email": "a@example.com", "tags": ["x", "y"]}, None],
            "blank": [" ", None],
            "photo": [b"\xff\xd8", None],
        },
        schema_overrides={"gross": pl.Decimal(10, 2)},
    ).write_parquet(path)
    (raw,) = read(path)
    assert raw.frame.to_dicts() == [
        {
            "id": "1",
            "share": "0.25",
            "gross": "1539.20",
            "at": "2024-03-01T09:30:00Z",
            "local": "2024-03-01T09:30:00.500",
            "day": "2024-03-01",
            "is_new": "true",
            "customer.email": "a@example.com",
            "customer.tags": "x, y",
            "blank": None,
            "source_line": 1,
        },
        dict.fromkeys(raw.frame.columns) | {"share": "2", "source_line": 2},
    ]
    assert raw.notes == ('column "photo" left out: it holds bytes, not text',)


def test_a_parquet_file_cut_in_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.parquet"
    pl.DataFrame({"id": list(range(1000))}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(LoaderError, match="a Parquet file that cannot be opened"):
        read(path)
