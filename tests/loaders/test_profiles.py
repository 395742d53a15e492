"""The shipped profiles against exports in the shape of each CRM, and the templates that people copy."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import polars as pl
import pytest

from loaders.columns import WORDS
from loaders.contracts import TABLES, key_column
from loaders.profile import Column, FileBlock, Profile, Test, load_profile
from tests.golden.conformed import conformed_folder, folders
from tests.loaders.exports import CHICAGO, conform_file, read_export

DOCS = Path(__file__).parents[2] / "docs"
TEMPLATES = DOCS / "templates"
SPEND_AND_REPORTS = ["ad_connectors", "google_ads", "meta_ads", "microsoft_ads", "monthly_spend"]
SPEND_AND_REPORTS += ["dealersocket", "momentum", "promax", "tekion", "vinsolutions_lsroi"]
SYSTEMS = ["vinsolutions", "activix", "drivecentric", "hubspot", "salesforce", "dms_generic", "service_generic", "adf"]
DESCRIBED = [*SYSTEMS, *SPEND_AND_REPORTS]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_exports_conform_as_agreed(folder: Path) -> None:
    """When a difference is meant, `python -m tests.golden.conformed` rewrites expected.json: read the diff."""
    assert conformed_folder(folder) == json.loads((folder / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_block_of_a_profile_is_held_against_an_export(name: str) -> None:
    folder = next(folder for folder in folders() if folder.name == name)
    tried = {block for file in conformed_folder(folder).values() for block in file}
    assert {block.name for block in load_profile(name).file} <= tried


def test_there_is_a_template_for_every_table_that_generic_reads() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.csv")} == set(TABLES)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.csv")), ids=lambda path: path.stem)
def test_a_template_is_recognised_and_loads_without_a_reject(path: Path) -> None:
    ((raw, found),) = read_export(path)
    (conformed,) = conform_file(path, CHICAGO)
    assert (found.profile.name, conformed.table) == ("generic", path.stem)
    assert conformed.rejects["rule"].to_list() == []
    assert conformed.good.height == conformed.read == raw.frame.height > 0
    assert conformed.findings.is_empty()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.csv")), ids=lambda path: path.stem)
def test_a_template_survives_its_own_canonical_form(path: Path, tmp_path: Path) -> None:
    """Canonical rows written back as a generic file say the same again: generic is our own column names."""
    (first,) = conform_file(path, CHICAGO)
    written = first.good.select(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.exclude(pl.Datetime("us", "UTC"))
    )
    written.write_csv(tmp_path / path.name)
    (again,) = conform_file(tmp_path / path.name, CHICAGO)
    days = [name for name in first.good.columns if name.endswith("_is_date")]
    aside = [*days, "source_line", "exported_at", "row_id"]
    assert again.good.drop(aside, strict=False).equals(first.good.drop(aside, strict=False))


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_assumed_header_is_listed_in_the_formats_page(name: str) -> None:
    text = (DOCS / "formats.md").read_text(encoding="utf-8").partition(f"\n## {name}:")[2].partition("\n## ")[0]
    for block in load_profile(name).file:
        section = text.partition(f"#### {block.name}\n")[2].partition("\n####")[0].partition("\n## ")[0]
        assert section, f"docs/formats.md has no section for {block.name}"
        listed = set(re.findall(r"`([^`]+)`", section.partition("Assumed:")[2].partition("\n")[0]))
        assert listed == set(block.assumed_headers()), block.name


@pytest.mark.parametrize("table", list(TABLES))
def test_the_formats_page_lists_the_columns_of_every_generic_table(table: str) -> None:
    section = (
        (DOCS / "formats.md")
        .read_text(encoding="utf-8")
        .partition(f"\n#### generic {table}\n")[2]
        .partition("\n####")[0]
    )
    (block,) = [block for block in load_profile("generic").file if block.table == table]
    listed = set(re.findall(r"`([a-z_0-9]+)`", section))
    assert set(block.headers()) | {key_column(table)} <= listed


def test_the_example_of_the_guide_works_as_it_is_printed(tmp_path: Path) -> None:
    guide = (DOCS / "add_a_profile.md").read_text(encoding="utf-8")
    blocks = [textwrap.dedent(block) for block in re.findall(r"   ```(?:toml)?\n(.*?)   ```", guide, flags=re.DOTALL)]
    export, profile = tmp_path / "leads.csv", tmp_path / "corner_lot.toml"
    export.write_text(blocks[0], encoding="utf-8")
    profile.write_text(blocks[1], encoding="utf-8")
    lead, sale = conform_file(export, profiles=[load_profile(profile)])
    assert lead.good.select("lead_id", "status", "source").rows() == [
        ("17", "sold", "AutoBazaar"),
        ("18", "open", None),
    ]
    assert sale.good.select("lead_id", "salesperson", "sold_at_is_date").rows() == [("17", "Dana Brooks", True)]
    assert lead.rejects.is_empty()
    assert sale.rejects.is_empty()


def test_the_guide_lists_every_key_and_every_word(tmp_path: Path) -> None:
    guide = (DOCS / "add_a_profile.md").read_text(encoding="utf-8")
    keys = {*FileBlock.model_fields, *Profile.model_fields, *Column.model_fields, *Test.model_fields}
    assert {key for key in keys if key not in guide} == set()
    for (table, column), words in WORDS.items():
        (row,) = re.findall(rf"^\| {table} \|.*$", guide, flags=re.MULTILINE)
        assert f"{column}: {' '.join(words)}" in row.replace("in out", "out in")
