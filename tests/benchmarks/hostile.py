"""Files made to harm a reader, in any size: what each says of them, how long that takes, and the memory it needs.

`python -m tests.benchmarks.hostile` tries them in full size, each in a process of its own.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter

from loaders.read import RawFrame, read_each

MB: Final = 1_000_000
SMALL: Final = 0.1
FULL: Final = 1.0

Maker = Callable[[float], bytes]


def _zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def zip_bomb(size: float) -> bytes:
    """A gigabyte of blanks in a megabyte."""
    return _zipped(("leads.csv", b" " * int(1_000 * MB * size)))


def gzip_bomb(size: float) -> bytes:
    """The same as a gzip file."""
    return gzip.compress(b" " * int(1_000 * MB * size), compresslevel=6)


def nested_archives(size: float) -> bytes:
    """Archives in archives in archives, each of many."""
    content = b"id,when\n1,2\n"
    for _ in range(4):
        content = _zipped(*((f"{number}.zip", content) for number in range(max(2, int(8 * size)))))
    return content


def many_members(size: float) -> bytes:
    """An archive of very many small files."""
    return _zipped(*((f"{number}.csv", b"id\n1\n") for number in range(int(20_000 * size))))


def workbook_bomb(size: float) -> bytes:
    """A workbook whose only sheet is a gigabyte of blanks."""
    types, sheet = b"<Types/>", b"<worksheet>" + b" " * int(1_000 * MB * size)
    return _zipped(("[Content_Types].xml", types), ("xl/worksheets/sheet1.xml", sheet))


def far_cells(_: float) -> bytes:
    """A workbook of five kilobytes with a cell in each far corner."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        sheet = book.add_worksheet("Leads")
        sheet.write_row(0, 0, ["id", "when"])
        sheet.write(1_048_575, 16_383, "far away")
    return packed.getvalue()


def far_cells_of_ods(_: float) -> bytes:
    """The same as OpenDocument: a row that says it stands there a million times."""
    row = b'<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string"'
    cell = b' table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
    body = b'<office:document-content><table:table table:name="A">' + row + cell + b"</table:table>"
    return _zipped(("META-INF/manifest.xml", b"<manifest/>"), ("content.xml", body))


def entity_bomb(size: float) -> bytes:
    """Ten entities, each ten times the one before: a billion laughs in a kilobyte, and then many prospects."""
    entities = ['<!ENTITY lol0 "lol">']
    entities += [f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10)]
    prospect = (
        "<prospect><requestdate>2026-03-02</requestdate><customer><contact><name>&lol9;</name>"
        "</contact></customer></prospect>"
    )
    return f"<!DOCTYPE adf [{''.join(entities)}]><adf>{prospect * int(10_000 * size)}</adf>".encode()


def open_comments(size: float) -> bytes:
    """Markup that opens again and again and never closes."""
    openings = "<!--<![CDATA[<!doctype [<prospect a=" + "<prospect " + "a" * 50 + "&&&"
    return ("<adf>" + openings * int(200_000 * size)).encode()


def many_columns(size: float) -> bytes:
    """20,000 columns, all of one name."""
    width = int(20_000 * max(size, SMALL))
    return b"\n".join(b",".join([b"name"] * width) for _ in range(20))


def one_line(size: float) -> bytes:
    """One line of 200 MB."""
    return b"x" * int(200 * MB * size)


def one_line_of_cells(size: float) -> bytes:
    """One line of 200 MB with a comma at every other letter, below a header."""
    return b"id,when\n1,2\n" + b"x," * int(100 * MB * size)


def nul_bytes(size: float) -> bytes:
    """A good table for a while, then zeros."""
    return b"id,when\n" + b"1,2024-03-01\n" * int(7 * MB * size) + b"\x00" * 100


def deep_json(size: float) -> bytes:
    """Lists in lists, a million deep."""
    return b"[" * int(1_000_000 * size)


def wide_json(size: float) -> bytes:
    """Records of which each has keys of its own."""
    width = int(1_000 * size)
    keys = (f"{{{','.join(f'{chr(34)}k{number}_{key}{chr(34)}:1' for key in range(width))}}}" for number in range(200))
    return f"[{','.join(keys)}]".encode()


def wide_parquet(size: float) -> bytes:
    """Parquet of 20,000 columns."""
    packed = io.BytesIO()
    pl.DataFrame({f"c{number}": [1] for number in range(int(20_000 * max(size, 0.3)))}).write_parquet(packed)
    return packed.getvalue()


def long_parquet(size: float) -> bytes:
    """A few kilobytes of Parquet that claim very many empty rows."""
    packed = io.BytesIO()
    rows = int(210 * MB * max(size, 1.0))
    pl.DataFrame({"id": pl.Series([None], dtype=pl.String).new_from_index(0, rows)}).write_parquet(packed)
    return packed.getvalue()


# What is said of each: a part of the error, or None where the rows are read.
FILES: Final[dict[str, tuple[Maker, str | None]]] = {
    "zip bomb": (zip_bomb, "unpacks to more than"),
    "gzip bomb": (gzip_bomb, "unpacks to more than"),
    "archives in archives": (nested_archives, "archive inside an archive"),
    "many members": (many_members, "at most 1,000 are taken"),
    "workbook bomb": (workbook_bomb, "unpacks to more than"),
    "far cells, xlsx": (far_cells, "reaches over"),
    "far cells, ods": (far_cells_of_ods, "reaches over"),
    "entity bomb": (entity_bomb, None),
    "open comments": (open_comments, "without a prospect"),
    "20,000 columns": (many_columns, "columns are read"),
    "one line of 200 MB": (one_line, "no table"),
    "one line of many cells": (one_line_of_cells, "no table"),
    "NUL bytes": (nul_bytes, "NUL bytes"),
    "deep JSON": (deep_json, "nested too deeply"),
    "wide JSON": (wide_json, "different keys"),
    "wide Parquet": (wide_parquet, "columns, and at most"),
    "long Parquet": (long_parquet, "claims more than"),
}


def said_of(path: Path) -> str:
    """What a reader says of a file: its first error, or how many rows it gave."""
    parts = read_each(path)
    errors = [part.error.message for part in parts if not isinstance(part, RawFrame)]
    return errors[0] if errors else f"{sum(part.frame.height for part in parts if isinstance(part, RawFrame))} rows"


def tried(name: str, size: float) -> tuple[str, float, int]:
    """What is said of a file made in this size, the seconds of reading it, and the megabytes that this added."""
    maker, _ = FILES[name]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "export.csv"
        path.write_bytes(maker(size))
        script = f"from tests.benchmarks.hostile import measured; measured({str(path)!r})"
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, megabytes, said = told.stdout.strip().split(" ", 2)
    return said, float(seconds), int(megabytes)


def measured(path: str) -> None:
    """Print the seconds, the megabytes and what was said of a file: run in a process of its own."""
    before = _peak_kilobytes()
    begun = time.perf_counter()
    said = said_of(Path(path))
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{seconds:.2f} {(_peak_kilobytes() - before) // 1024} {said}\n")


def _peak_kilobytes() -> int:
    """The most memory this process has had; getrusage would tell that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Print a line for each hostile file in full size."""
    for name in FILES:
        said, seconds, megabytes = tried(name, FULL)
        reason = said.partition("cannot be read: ")[2] or said
        sys.stdout.write(f"{f'hostile: {name}':<40} {seconds:.1f} s, {megabytes} MB: {reason[:90]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
