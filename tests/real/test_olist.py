"""Real input that nobody here wrote: 8,000 marketing leads and the 842 deals won from them.

The files are not part of the repository (their licence does not allow it); the test runs where they lie beside it.
The expected figures were counted from the files by hand, with nothing of Upboard.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from loaders.__main__ import app as loaders_app
from metrics.__main__ import app as metrics_app
from metrics.engine import findings, open_warehouse, rows
from metrics.filters import Filters

ROOT = Path(__file__).parents[2]
FILES = ROOT.parent / "shared" / "data" / "olist_funnel"
PROFILE = Path(__file__).parent / "olist.toml"

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(),
    reason=f"needs the Olist files in {FILES}: https://www.kaggle.com/datasets/olistbr/marketing-funnel-olist",
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("olist")
    command = [
        "load",
        *(str(path) for path in sorted(FILES.glob("*.csv"))),
        "--profile",
        str(PROFILE),
        "--store",
        "Olist",
        "--warehouse",
        str(directory),
        "--json",
    ]
    result = CliRunner().invoke(loaders_app, command)
    assert result.exit_code == 0, result.output
    tables = {name: counts for file in json.loads(result.stdout)["files"] for name, counts in file["tables"].items()}
    assert {name: (counts["read"], counts["rejected"]) for name, counts in tables.items()} == {
        "lead": (8000, 0),
        "sale": (842, 0),
    }
    return directory


def shown(warehouse: Path, *options: str) -> list[dict[str, object]]:
    command = ["show", "closing_rate", "--warehouse", str(warehouse), "--format", "json", *options]
    result = CliRunner().invoke(metrics_app, command)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = json.loads(result.stdout)
    return rows


def test_842_of_8000_leads_were_won(warehouse: Path) -> None:
    (row,) = shown(warehouse)
    assert (row["numerator"], row["denominator"]) == (842, 8000)


def test_sources_keep_unknown_and_empty_apart_and_sum_to_the_whole(warehouse: Path) -> None:
    by_source = {row["source"]: (row["numerator"], row["denominator"]) for row in shown(warehouse, "--by", "source")}
    assert by_source["paid search"] == (195, 1586)
    assert by_source["organic search"] == (271, 2296)
    assert by_source["unknown"] == (179, 1099)
    assert by_source["(no source)"] == (14, 60)
    assert [sum(part) for part in zip(*by_source.values(), strict=True)] == [842, 8000]


def test_the_deal_won_before_its_lead_counts_and_is_a_finding(warehouse: Path) -> None:
    opened = open_warehouse(warehouse)
    found = findings(opened).filter(pl.col("finding") == "milestone_before_creation")
    assert found["records"].to_list() == [1]
    sold = rows(opened, "closing_rate", "numerator", Filters())
    assert sold.filter(pl.col("sold_at") < pl.col("created_at")).height == 1
    assert sold.height == 842
