"""Real input that nobody here wrote: tables of eleven ad platforms as a data connector lands them.

The files are not part of the repository; the test runs where they lie beside it. What each platform cost is counted
from the files with the csv module and decimal arithmetic, with nothing of Upboard.
"""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app as loaders_app
from metrics.__main__ import app as metrics_app

ROOT = Path(__file__).parents[2]
FILES = ROOT.parent / "shared" / "data" / "ad_platforms"
MILLION = Decimal(1_000_000)
# One table per platform: its name, the column of the amount, and how many of its units make one of the currency.
FEEDS = {
    "Amazon Ads": ("amazon_ads_campaign_level_report_data", "cost", Decimal(1)),
    "Apple Search Ads": ("apple_search_ad_group_report_data", "local_spend_amount", Decimal(1)),
    "Facebook": ("facebook_ads_basic_ad_data", "spend", Decimal(1)),
    "Google Ads": ("google_ads_campaign_stats_data", "cost_micros", MILLION),
    "LinkedIn": ("linkedin_ad_analytics_by_campaign_data", "cost_in_local_currency", Decimal(1)),
    "Microsoft Ads": ("microsoft_ads_campaign_performance_daily_report_data", "spend", Decimal(1)),
    "Pinterest": ("pinterest_campaign_report_data", "spend_in_micro_dollar", MILLION),
    "Reddit": ("reddit_ads_campaign_report_data", "spend", MILLION),
    "Snapchat": ("snapchat_campaign_hourly_report_data", "spend", MILLION),
    "TikTok": ("tiktok_campaign_report_hourly_data", "SPEND", Decimal(1)),
    "Twitter": ("twitter_campaign_report_data", "billed_charge_local_micro", MILLION),
}

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(),
    reason=f"needs the seeds of github.com/fivetran/dbt_ad_reporting (integration_tests/seeds) in {FILES}",
)


def rows_of(name: str) -> list[dict[str, str]]:
    with (FILES / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def cost_of(platform: str) -> Decimal:
    name, column, units = FEEDS[platform]
    return sum((Decimal(row[column]) for row in rows_of(name)), Decimal(0)) / units


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ad_platforms")


@pytest.fixture(scope="module")
def loaded(warehouse: Path) -> dict[str, dict[str, Any]]:
    """What `load` said of each file of the folder, by its name."""
    command = ["load", str(FILES), "--store", "Lakeside Motors", "--warehouse", str(warehouse), "--json"]
    result = CliRunner().invoke(loaders_app, command)
    assert result.exit_code == 0, result.output
    return {Path(file["path"]).stem: file for file in json.loads(result.stdout)["files"]}


@pytest.mark.parametrize("platform", list(FEEDS))
def test_every_row_of_a_platform_s_one_table_is_accepted(platform: str, loaded: dict[str, dict[str, Any]]) -> None:
    name, _, _ = FEEDS[platform]
    counts = loaded[name]["tables"]["spend"]
    assert (counts["read"], counts["accepted"], counts["rejected"]) == (len(rows_of(name)), len(rows_of(name)), 0)


def test_no_other_table_feeds_spend_so_that_no_money_counts_twice(loaded: dict[str, dict[str, Any]]) -> None:
    feeding = {name for name, file in loaded.items() if "spend" in file.get("tables", {})}
    assert feeding == {name for name, _, _ in FEEDS.values()}


def test_every_other_table_with_amounts_is_left_out_with_the_reason(loaded: dict[str, dict[str, Any]]) -> None:
    amounts = {column.lower() for _, column, _ in FEEDS.values()}
    fed = {name for name, _, _ in FEEDS.values()}
    others = [name for name in loaded if name not in fed and (FILES / f"{name}.csv").is_file()]
    with_amounts = [
        name for name in others if (rows := rows_of(name)) and amounts & {str(header).lower() for header in rows[0]}
    ]
    told = {name: "it holds the same money" in loaded[name].get("error", "") for name in with_amounts}
    assert len(told) > 25
    assert [name for name, is_told in told.items() if not is_told] == []


def test_each_platform_costs_what_its_table_sums_to(warehouse: Path, loaded: dict[str, dict[str, Any]]) -> None:
    command = ["show", "spend", "--by", "source", "--from", "2015-01-01", "--to", "2026-01-31", "--format", "json"]
    result = CliRunner().invoke(metrics_app, [*command, "--warehouse", str(warehouse)])
    assert result.exit_code == 0, result.output
    shown = {row["source"]: round(Decimal(str(row["numerator"])), 6) for row in json.loads(result.stdout)}
    assert loaded
    assert shown == {platform: round(cost_of(platform), 6) for platform in FEEDS}


def test_loading_the_same_tables_again_changes_nothing(warehouse: Path, loaded: dict[str, dict[str, Any]]) -> None:
    name, _, _ = FEEDS["Microsoft Ads"]
    path = str(FILES / f"{name}.csv")
    command = ["load", path, "--store", "Lakeside Motors", "--warehouse", str(warehouse), "--json"]
    result = CliRunner().invoke(loaders_app, command)
    assert result.exit_code == 0, result.output
    (file,) = json.loads(result.stdout)["files"]
    days = {(row["account_id"], row["campaign_id"], row["date"]) for row in rows_of(name)}
    assert loaded
    assert (file["tables"]["spend"]["unchanged"], file["tables"]["spend"]["updated"]) == (len(days), 0)
