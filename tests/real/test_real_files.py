"""Real files that nobody here wrote: delimited text, workbooks and ADF, each read rightly or refused with its reason.

The files are not part of the repository; the tests run where they lie beside it (docs/formats.md says where they are
published). real_files.json states what each holds: the rows, the first headers, the lines set aside and those with too
many cells. Rows were counted a second time with the standard library's csv module and with python-calamine, as
`test_the_rows_were_counted_a_second_way` does again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import python_calamine
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.read import RawFrame, Unread, read_each

ROOT: Final = Path(__file__).parents[2]
FILES: Final = ROOT.parent / "shared" / "data"
FOLDERS: Final = ("adf", "frictionless", "readxl")
STATED: Final[dict[str, list[dict[str, Any]]]] = json.loads(
    Path(__file__).with_name("real_files.json").read_text(encoding="utf-8")
)
# A header of several rows is one line for us and several for a plain count.
MORE_HEADER_ROWS: Final = {"issue-1024.xlsx": 2, "issue-320.xlsx": 2, "multiline-headers.xlsx": 2}
ABOUT: Final = ("PROVENANCE.txt", "LICENSE.md")
ROW: Final = re.compile(r"^\| (`[^|]+`) \| [^|]+ \| (Loaded|Rejected|Unknown headers|Refused)\b[^|]*\|$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not all((FILES / folder).is_dir() for folder in FOLDERS),
    reason=f"needs the files of frictionless-py, readxl and ADF samples in {FILES}",
)


def _names() -> list[str]:
    paths = (path for folder in FOLDERS for path in (FILES / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(FILES).as_posix() for path in paths)


def _told(part: RawFrame | Unread, path: Path) -> dict[str, Any]:
    """A part of a file as real_files.json states it."""
    if isinstance(part, Unread):
        message = part.error.message
        return {"error": message.partition("cannot be read: ")[2] or message.rpartition(path.name)[2].strip()}
    inner = part.file.removeprefix(path.name).lstrip("/")
    headers = [header for header in part.frame.columns if header != "source_line"]
    said = {
        "place": " | ".join(name for name in (inner, part.sheet) if name),
        "rows": part.frame.height,
        "headers": [header[:40] for header in headers[:3]],
        "width": len(headers),
        "set_aside": [line for line, _ in part.dropped],
        "problems": [line for line, _ in part.problems],
        "encoding": "Windows-1252" if any("Windows-1252" in note for note in part.notes) else "",
        "hidden": any("hidden" in note for note in part.notes),
    }
    return {key: value for key, value in said.items() if value or key in {"rows", "headers", "width"}}


def test_every_file_is_stated() -> None:
    assert {name for name in _names() if Path(name).name not in ABOUT} == set(STATED)


@pytest.mark.parametrize("name", STATED)
def test_a_file_is_read_as_stated(name: str) -> None:
    assert [_told(part, FILES / name) for part in read_each(FILES / name)] == STATED[name]


@pytest.mark.parametrize("name", [name for name in STATED if not name.startswith("adf/")])
def test_the_rows_were_counted_a_second_way(name: str) -> None:
    path = FILES / name
    for part in STATED[name]:
        if "error" not in part and "/" not in part.get("place", "") and path.suffix not in {".zip", ".gz"}:
            is_workbook = path.suffix in {".xls", ".xlsx", ".ods"}
            counted = _sheet_rows(path, part["place"]) if is_workbook else _text_rows(path.read_bytes())
            header = 1 + MORE_HEADER_ROWS.get(path.name, 0)
            if counted is not None:
                assert part["rows"] + len(part.get("set_aside", [])) + header == counted


def _sheet_rows(path: Path, sheet: str) -> int:
    cells = python_calamine.load_workbook(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return sum(any(str(cell).strip() for cell in row) for row in cells)


def _text_rows(content: bytes) -> int | None:
    """The records that are not blank, read with whichever delimiter stands most often in the first line."""
    if content.startswith((b"PK", b"\x1f\x8b")):
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    delimiter = max(",;\t|", key=text.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return sum(any(cell.strip() for cell in row) for row in rows)


@cache
def _outcomes() -> dict[str, str]:
    """What `check` makes of every file, each named by itself, with a store for rows that name none."""
    paths = [str(FILES / name) for name in _names()]
    result = CliRunner().invoke(app, ["check", *paths, "--store", "Lakeside Motors", "--json"])
    assert result.exit_code == 0, result.output
    told: dict[str, set[str]] = {}
    for entry in json.loads(result.stdout)["files"]:
        inside = Path(entry["path"]).relative_to(FILES).as_posix()
        name = next(name for name in _names() if inside == name or inside.startswith(f"{name}/"))
        told.setdefault(name, set()).add(_outcome(entry))
    order = ("Loaded", "Rejected", "Unknown headers", "Refused")
    return {name: min(outcomes, key=order.index) for name, outcomes in told.items()}


def _outcome(entry: dict[str, Any]) -> str:
    if "error" in entry:
        assert "\n\nHint: " in entry["error"]
        return "Unknown headers" if "knows the headers" in entry["error"] else "Refused"
    tables = entry["tables"].values()
    assert all(table["read"] == table["accepted"] + table["rejected"] for table in tables)
    return "Loaded" if sum(table["accepted"] for table in tables) else "Rejected"


def test_every_file_gives_rows_or_a_clear_reason() -> None:
    assert set(_outcomes()) == set(_names())


def test_the_formats_page_says_what_happens_to_every_file() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    promised: dict[str, str] = {}
    for globs, outcome in ROW.findall(page):
        for glob in re.findall(r"`([^`]+)`", globs):
            named = [name for name in _names() if fnmatchcase(name, glob)]
            assert named, f"no file is called {glob}"
            promised |= {name: promised.get(name, outcome) for name in named}  # the first row that names a file counts
    assert {name: promised.get(name) for name in _names()} == _outcomes()


def test_the_folders_load_with_every_row_accounted_for(tmp_path: Path) -> None:
    folders = [str(FILES / folder) for folder in FOLDERS]
    options = ["--store", "Lakeside Motors", "--warehouse", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, ["load", *folders, *options])
    assert result.exit_code == 0, result.output
    files = json.loads(result.stdout)["files"]
    leads = [file["tables"]["lead"] for file in files if "tables" in file]
    assert (sum(lead["read"] for lead in leads), sum(lead["rejected"] for lead in leads)) == (14, 8)
    assert all(file["error"].partition("Hint: ")[2] for file in files if "error" in file)
