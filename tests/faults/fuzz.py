"""Files that nobody would write, drawn by chance, and what must hold for each: rows, or our own error.

A case is made from a seed, so that a failure can be made again: `case(kind, seed)` gives the file's name and bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import xlsxwriter

from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet, take_in
from loaders.profile import FileBlock, Profile, header_counter, load_profile, profile_names
from loaders.read import RawFrame, read_each
from loaders.read.grid import Known
from loaders.settings import Settings
from tests.faults.stories import EXPORTS

SETTINGS: Final = Settings.model_validate({"store": [{"name": "North", "time_zone": "America/Chicago"}]})
CELLS: Final = (
    *("", " ", "-", "N/A", "Select", "0", "-0", "1", "yes", "no", "true", "x", "nan", "inf", "-inf", "1e309", "1e-400"),
    *(
        "2025-03-01",
        "2025-02-30",
        "3/4/2025",
        "4/3/25",
        "13/13/2025",
        "0000-00-00",
        "0001-01-01",
        "9999-12-31T23:59:59Z",
    ),
    *(
        "10000-01-01",
        "2025-03-09T02:30:00",
        "2025-11-02T01:30:00",
        "24:00",
        "45000",
        "45000.5",
        "-1",
        "2958466",
        "99999999",
    ),
    *(
        "2025-03-01T10:00:00+99:99",
        "2025-03-01T10:00:00.1234567890123Z",
        "1677-09-21",
        "2262-04-12T00:00:00Z",
        "2025-W09-6",
    ),
    *(
        "$1,539.26",
        "($3,385.22)",
        "$-8797",
        "1.117,10",
        "1,117.10K",
        "74.95 %",
        "R$ 111.349",
        "$",
        "(",
        "()",
        "%",
        "--",
        "< 10%",
    ),
    *(
        "99999999999999999999",
        "99999999999999999.99",
        "-9" * 30,
        "0x10",
        "1_000",
        "1e5",
        ".",
        ",",
        "1.2.3",
        "+",
        "(-1)",
    ),
    *(
        "2.98725E+13",
        "1E+400",
        "half ½",
        "²",
        "٣",
        "\uff11\uff12",
        "\U0001d7d9\U0001d7da",
        "İ",
        "ß",
        "é",
        "e\u0301",
        "\u202eabc",
        "\ufeff",
        "\u2028",
        "\u00a0",
    ),
    *(
        "a@example.com",
        "@",
        "A@B",
        "312-555-0101",
        "+1 (312) 555-0101 x9",
        "0" * 40,
        "555",
        "o'dell",
        "Lee, Ana",
        "=1+1",
    ),
    *(
        "a,b",
        "a;b",
        "a\tb",
        "a|b",
        'say "no"',
        '"',
        '""',
        "'",
        "line\nbreak",
        "line\r\nbreak",
        "cr\rcr",
        "\x00",
        "\x1f",
        "\x7f",
        "\\",
    ),
    *(
        "Total",
        "Grand Total:",
        "sum",
        "null",
        "None",
        "{}",
        "[1]",
        "<b>",
        "&amp;",
        "x" * 300,
        "🚗",
        "\ud7ff",
        "\ue000",
        "\U0010ffff",
    ),
    *(
        "mon",
        "internet",
        "open",
        "lost",
        "out",
        "call",
        "sent",
        "sales",
        "retail",
        "salesperson",
        "USD",
        "€ 5",
        "2025-03",
        "March 2025",
    ),
)
_BREAKS: Final = ("\n", "\r\n", "\r", "\n\n", "\x0b", "\x85", "\u2028", "")
_DELIMITERS: Final = (",", ";", "\t", "|", ",", ",", "^")
_ENCODINGS: Final = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "latin-1",
    "utf-32",
    "utf-7",
    "cp037",
)
_NAMES: Final = (
    "a.csv",
    "../../b.csv",
    "/etc/c.csv",
    "d/e.xlsx",
    "f.json",
    "g",
    "",
    "\\h.csv",
    "i.zip",
    "j.gz",
    "k.csv/l.csv",
)
_ADF: Final = """<?xml version="1.0"?><?adf version="1.0"?>
<adf><prospect status="new"><id sequence="1" source="Web">77</id>
<requestdate>2025-03-01T10:00:00-06:00</requestdate>
<vehicle interest="buy" status="used"><year>2020</year><make>Northwind</make><model>Coast</model></vehicle>
<customer><contact><name part="full">Ana Bell</name><email>bell@example.com</email>
<phone>312-555-0101</phone></contact></customer><vendor><vendorname>North</vendorname></vendor></prospect></adf>"""
_MAIL: Final = (
    "From: a@example.com\nTo: b@example.net\nSubject: lead\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
    'boundary="B"\n\n--B\nContent-Type: text/plain; charset="us-ascii"\n\n{}\n--B--\n'
)


@cache
def profiles() -> list[Profile]:
    """The profiles that come with Upboard."""
    return [load_profile(name) for name in profile_names()]


@cache
def headers() -> tuple[str, ...]:
    """Every header that some profile knows, so that drawn files are often recognised."""
    return tuple(sorted({header for profile in profiles() for block in profile.file for header in block.headers()}))


@cache
def _counter() -> Known:
    return header_counter(profiles())


# ------------------------------------------------------------------------------------------------- drawing


def case(kind: str, seed: int) -> tuple[str, bytes]:
    """One file of a kind: its name and bytes."""
    dice = random.Random(f"{kind} {seed}")
    suffix, draw = KINDS[kind]
    return f"case{suffix}", draw(dice)


def _text(dice: random.Random) -> bytes:
    """A table of odd cells, quoted well or badly, in some encoding, with titles and blank lines; often spoilt after."""
    delimiter, line_end = dice.choice(_DELIMITERS), dice.choice(_BREAKS[:5])
    rows = [[_odd_title(dice)] for _ in range(dice.choice((0, 0, 1, 4)))]
    rows += [[dice.choice(headers()) if dice.random() < 0.8 else _cell(dice) for _ in range(dice.randint(1, 8))]]
    rows += [[_cell(dice) for _ in range(dice.choice((len(rows[-1]), 1, 9)))] for _ in range(dice.randint(0, 12))]
    text = line_end.join(delimiter.join(_quoted(dice, cell) for cell in row) for row in rows)
    content = text.encode(dice.choice(_ENCODINGS), errors="replace")
    return _spoilt(dice, content) if dice.random() < 0.5 else content


def _real_text(dice: random.Random) -> bytes:
    """An export of the stories with a few bytes changed: it is recognised most of the time."""
    return _spoilt(dice, dice.choice(list(EXPORTS.values())).encode(dice.choice(_ENCODINGS[:6])))


def _noise(dice: random.Random) -> bytes:
    start = dice.choice(
        (b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0", b"{", b"[", b"<?xml", b"<adf>", b"\xff\xfe")
    )
    return start + bytes(dice.choice((dice.randrange(256), 10, 44, 34, 0)) for _ in range(dice.randint(1, 400)))


def _workbook(dice: random.Random) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_urls": False, "nan_inf_to_errors": True}) as book:
        for _ in range(dice.randint(1, 3)):
            sheet = book.add_worksheet()
            for row in range(dice.randint(0, 6)):
                for column in range(dice.randint(0, 5)):
                    _write(dice, sheet, row, column)
            if dice.random() < 0.3:
                sheet.merge_range(0, 0, 0, dice.randint(1, 3), "merged")
    content = buffer.getvalue()
    return dice.choice((_spoilt, _zip_spoilt, _as_is))(dice, content)


def _write(dice: random.Random, sheet: Any, row: int, column: int) -> None:
    if row == 0:
        sheet.write_string(row, column, dice.choice(headers()))
    elif dice.random() < 0.5:
        sheet.write_string(row, column, _cell(dice))
    else:
        sheet.write(row, column, dice.choice((0, 1.5, -1, 45000, 45000.25, 1e300, 2.98725e13, True, "=1/0")))


def _zip_spoilt(dice: random.Random, content: bytes) -> bytes:
    """The archive packed again with one member changed: its checksums hold, so the reader looks inside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        chosen = dice.choice(old.namelist())
        for name in old.namelist():
            member = old.read(name)
            if name != chosen:
                new.writestr(name, member)
            elif dice.random() < 0.8:
                new.writestr(name, _spoilt(dice, member))
    return buffer.getvalue()


def _parquet(dice: random.Random) -> bytes:
    height = dice.randint(0, 5)
    columns = {dice.choice(headers()): _series(dice, height) for _ in range(dice.randint(1, 5))}
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer, compression=dice.choice(("uncompressed", "snappy", "zstd")))
    return dice.choice((_spoilt, _as_is))(dice, buffer.getvalue())


def _series(dice: random.Random, height: int) -> pl.Series:
    pools: Sequence[Sequence[Any]] = (
        CELLS,
        (None, 1, -1, 2**62),
        (None, 0.5, float("nan"), float("inf"), 1e300),
        (None, True, False),
        ([1, 2], [], None),
        ({"a": 1}, None),
        (b"\xff\x00", None),
    )
    pool = dice.choice(pools)
    return pl.Series([dice.choice(pool) for _ in range(height)], dtype=None if height else pl.String)


def _json(dice: random.Random) -> bytes:
    records = [_json_value(dice, 3) for _ in range(dice.randint(0, 5))]
    whole = dice.choice(
        (records, {"data": records}, {dice.choice(headers()): _json_value(dice, 4)}, _json_value(dice, 4))
    )
    lines = "\n".join(json.dumps(record) for record in records)
    content = dice.choice((json.dumps(whole), lines)).encode(dice.choice(_ENCODINGS[:4]), errors="replace")
    return _spoilt(dice, content) if dice.random() < 0.5 else content


def _json_value(dice: random.Random, depth: int) -> Any:
    kind = dice.random()
    if depth and kind < 0.5:
        return {dice.choice((*headers(), *CELLS)): _json_value(dice, depth - 1) for _ in range(dice.randint(0, 5))}
    if depth and kind < 0.6:
        return [_json_value(dice, depth - 1) for _ in range(dice.randint(0, 3))]
    return dice.choice((None, True, 0, -1, 1.5, 1e300, 10**30, float("nan"), *CELLS))


def _archive(dice: random.Random) -> bytes:
    inner = [(dice.choice(_NAMES), _any_of(dice, ("text", "json", "noise", "adf"))) for _ in range(dice.randint(0, 3))]
    if dice.random() < 0.5:
        packed = gzip.compress(inner[0][1] if inner else b"")
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for number, (name, content) in enumerate(dict(inner).items()):
                archive.writestr(name or f"m{number}.csv", content)
        packed = buffer.getvalue()
    return _spoilt(dice, packed) if dice.random() < 0.5 else packed


def _any_of(dice: random.Random, kinds: Sequence[str]) -> bytes:
    return KINDS[dice.choice(kinds)][1](dice)


def _adf(dice: random.Random) -> bytes:
    text = dice.choice((_ADF, _ADF.lower(), _ADF * 2, _ADF.upper(), _MAIL.format(_ADF)))
    for _ in range(dice.choice((0, 1, 3))):
        start = dice.randrange(len(text))
        text = (
            text[:start]
            + dice.choice((*CELLS, "<", "</", "&#0;", "<![CDATA[", "]]>", "<!DOCTYPE x [", "<!--"))
            + text[start:]
        )
    return _spoilt(dice, text.encode(dice.choice(_ENCODINGS[:7]), errors="replace"))


def _cell(dice: random.Random) -> str:
    return dice.choice(CELLS)


def _odd_title(dice: random.Random) -> str:
    return dice.choice(("Leads by source", "Dealer: North", "", "1/1/2025 - 1/31/2025", *CELLS[:20]))


def _quoted(dice: random.Random, cell: str) -> str:
    way = dice.random()
    if way < 0.6:
        return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',;\t|"\r\n') else cell
    return f'"{cell}"' if way < 0.8 else cell


def _as_is(_: random.Random, content: bytes) -> bytes:
    return content


def _spoilt(dice: random.Random, content: bytes) -> bytes:
    """A few bytes changed, cut out, doubled or put in; sometimes only the beginning is left."""
    spoilt = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        if not spoilt:
            break
        at, length = dice.randrange(len(spoilt)), dice.choice((1, 1, 4, 16))
        piece = dice.choice(
            (bytes([dice.randrange(256)]), b"\x00", b'"', b"\n", b"\xff\xfe", b"", bytes(spoilt[at : at + 16]) * 2)
        )
        spoilt[at : at + length] = piece
    if dice.random() < 0.1:
        del spoilt[dice.randrange(len(spoilt) + 1) :]
    return bytes(spoilt)


KINDS: Final[dict[str, tuple[str, Callable[[random.Random], bytes]]]] = {
    "text": (".csv", _text),
    "real text": (".csv", _real_text),
    "noise": ("", _noise),
    "workbook": (".xlsx", _workbook),
    "parquet": (".parquet", _parquet),
    "json": (".json", _json),
    "archive": (".zip", _archive),
    "adf": (".xml", _adf),
}


# ------------------------------------------------------------------------------------------------- checking


def check_read(path: Path) -> bool:
    """Whether a file reads. Our own error is an answer; anything else, and a frame of another shape, is not."""
    parts = read_each(path, _counter())
    frames = [part for part in parts if isinstance(part, RawFrame)]
    assert parts, "neither rows nor a reason"
    for raw in frames:
        columns = raw.frame.columns
        assert columns[-1] == "source_line"
        assert len(set(columns)) == len(columns)
        assert all(dtype == pl.String for dtype in raw.frame.dtypes[:-1])
        assert raw.frame["source_line"].null_count() == 0
    for part in parts:
        if not isinstance(part, RawFrame):
            assert isinstance(part.error, LoaderError)
            assert part.error.message
            assert part.error.hint
    return bool(frames)


def check_taken_in(path: Path, profile: str | None = None) -> Counter[str]:
    """How many rows were read, accepted and refused; each row read must be one of the two, its line told."""
    counts: Counter[str] = Counter()
    for sheet in take_in([path], Choices(SETTINGS, profile), lambda done, text: None):
        counts.update(_checked(sheet))
    return counts


def _checked(sheet: Sheet) -> Counter[str]:
    counts: Counter[str] = Counter()
    assert sheet.error or sheet.conformed
    for part in sheet.conformed:
        refused, good = part.rejects["source_line"].to_list(), part.good
        assert good.is_empty() or TABLES[part.table].is_valid(good.select(TABLES[part.table].column_names()))
        assert len(refused) + good.height <= part.read
        assert (part.read > len(refused)) == (good.height > 0), "rows that are neither accepted nor refused"
        assert part.rejects["rule"].str.len_chars().fill_null(0).min() != 0, "a refusal without a rule"
        counts.update(read=part.read, accepted=part.read - len(refused), refused=len(refused))
    return counts


def blocks() -> Iterator[tuple[Profile, FileBlock]]:
    """Every kind of export that some profile knows."""
    return ((profile, block) for profile in profiles() for block in profile.file)


def rows_for(block: FileBlock, seed: int, count: int) -> bytes:
    """An export of a block under its very headers: most cells as they should be, some odd, each row with its own id."""
    dice = random.Random(f"{block.name} {seed}")
    names = list(dict.fromkeys(block.headers()))
    keys = set(block.key.headers) if block.key else set()
    pools = {name: [*_usual(dice, block, name) * 5, *dice.sample(CELLS, dice.choice((0, 1, 2)))] for name in names}
    rows = ([str(number) if name in keys else dice.choice(pools[name]) for name in names] for number in range(count))
    lines = [names, *rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return text.encode("utf-8", errors="replace")


def _usual(dice: random.Random, block: FileBlock, header: str) -> list[str]:
    """Cells that the block reads under a header: its own words, a moment as its formats write it, else a number."""
    columns = [name for name, column in block.columns.items() if header in column.headers]
    if block.modified_at and header in block.modified_at.headers:
        columns.append("modified_at")
    words = [word for name in columns for word in block.values.get(name, {})]
    schema = TABLES[block.table].create_empty().schema
    if any(schema[name].is_temporal() for name in columns):
        return [_moment(dice, block.date_format[0])]
    return [dice.choice(words)] if words else [dice.choice(("7", "North", "12.50", "a@example.com", ""))]


def _moment(dice: random.Random, form: str) -> str:
    moment = datetime(2025, dice.randint(1, 9), dice.randint(13, 28), dice.randint(0, 23), tzinfo=UTC)
    shapes = {"mdy": "%m/%d/%Y", "dmy": "%d/%m/%Y", "serial": "45717.5"}
    return moment.strftime(shapes.get(form, form if "%" in form else "%Y-%m-%dT%H:%M:%S"))
