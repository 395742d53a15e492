"""Real connector tables that nobody here wrote: HubSpot and Salesforce in the shape in which a connector delivers them.

The files are not part of the repository; the test runs where they lie beside it. What each file should give is counted
here with the csv module alone: every data row of a table that a profile knows is accepted, or refused by a named rule.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from metrics.engine import open_warehouse, rows
from metrics.filters import Filters

FILES = Path(__file__).parents[3] / "shared" / "data"
SYSTEMS: Final = ("hubspot", "salesforce")

pytestmark = pytest.mark.skipif(
    not all((FILES / system).is_dir() for system in SYSTEMS),
    reason=f"needs {FILES}/hubspot and salesforce: integration_tests/seeds of fivetran/dbt_hubspot and dbt_salesforce",
)

Record = Mapping[str, str]
Feeds = Callable[[Record], bool]


def _every_row(_: Record) -> bool:
    return True


def _is_logged_touch(task: Record) -> bool:
    return task["task_subtype"] in ("Call", "Email", "ListEmail") and task["is_closed"] == "TRUE"


# Which rows of a file feed which table. A file that is not listed here feeds none, and is said to be unknown.
FED: Final[dict[str, dict[str, Feeds]]] = {
    "contact_data": {"lead": _every_row},
    "contact_merge_audit_data": {"link": _every_row},
    "contact_property_history_data": {
        "status_change": lambda change: change["name"] in ("hs_lead_status", "lifecyclestage")
    },
    "deal_contact_data": {"link": _every_row},
    "deal_data": {"sale": _every_row},
    "deal_pipeline_stage_data": {"stage": _every_row},
    "deal_stage_data": {"status_change": _every_row},
    "engagement_call_data": {"contact": _every_row},
    "engagement_communication_data": {"contact": _every_row},
    "engagement_contact_data": {"link": _every_row},
    "engagement_deal_data": {"link": _every_row},
    "engagement_email_data": {"contact": _every_row},
    "engagement_meeting_data": {"appointment": _every_row},
    "engagement_task_data": {"task": _every_row},
    "merged_deal_data": {"link": _every_row},
    "owner_data": {"person": _every_row},
    "sf_contact_data": {"customer_detail": _every_row},
    "sf_event_data": {"appointment": _every_row},
    "sf_lead_data": {"lead": _every_row, "link": lambda lead: lead["converted_opportunity_id"] != ""},
    "sf_opportunity_data": {"sale": _every_row},
    "sf_opportunity_history_data": {"status_change": _every_row},
    "sf_task_data": {"contact": _is_logged_touch, "task": lambda task: not _is_logged_touch(task)},
    "sf_user_data": {"person": _every_row},
}
# The rows that a rule refuses, by file: none of these has one.
REFUSED: Final[dict[str, int]] = {}


def records(path: Path) -> list[Record]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def tables(system: str) -> list[Path]:
    return sorted((FILES / system).glob("*.csv"))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connectors")


@pytest.fixture(scope="module")
def loaded(warehouse: Path) -> dict[str, Any]:
    """What the load says of each file, by its name."""
    command = ["load", *(str(FILES / system) for system in SYSTEMS), "--store", "Lakeside Motors"]
    result = CliRunner().invoke(app, [*command, "--warehouse", str(warehouse), "--json"])
    assert result.exit_code == 0, result.output
    return {Path(file["path"]).stem: file for file in json.loads(result.stdout)["files"]}


@pytest.mark.parametrize("name", FED)
def test_every_row_of_a_known_table_is_accepted_or_refused_by_a_named_rule(name: str, loaded: dict[str, Any]) -> None:
    (path,) = [path for system in SYSTEMS for path in tables(system) if path.stem == name]
    held = records(path)
    expected = {table: sum(map(feeds, held)) for table, feeds in FED[name].items()}
    told = loaded[name]["tables"]
    assert {table: counts["read"] for table, counts in told.items()} == expected
    assert all(counts["read"] == counts["accepted"] + counts["rejected"] for counts in told.values())
    assert sum(counts["rejected"] for counts in told.values()) == REFUSED.get(name, 0)


def test_what_no_profile_knows_is_said_and_feeds_nothing(loaded: dict[str, Any]) -> None:
    strangers = [path.stem for system in SYSTEMS for path in tables(system) if path.stem not in FED]
    assert strangers
    assert [name for name in strangers if "No profile knows" not in loaded[name].get("error", "")] == []


def test_leads_of_the_star_are_the_contacts_and_leads_that_were_not_deleted(
    warehouse: Path, loaded: dict[str, Any]
) -> None:
    assert loaded
    contacts = records(FILES / "hubspot" / "contact_data.csv")
    leads = records(FILES / "salesforce" / "sf_lead_data.csv")
    kept = {contact["id"] for contact in contacts if contact["_fivetran_deleted"] == "FALSE"}
    kept |= {lead["id"] for lead in leads if lead["is_deleted"] == "FALSE"}
    found = rows(open_warehouse(warehouse), "leads", "numerator", Filters())
    assert set(found["lead_id"]) == kept
    assert found.height == len(kept)


def test_no_deal_of_these_files_is_won_and_there(warehouse: Path, loaded: dict[str, Any]) -> None:
    """The deals of HubSpot have neither stage nor close date, those of Salesforce were deleted: none is a sale."""
    assert loaded
    deals = records(FILES / "hubspot" / "deal_data.csv")
    opportunities = records(FILES / "salesforce" / "sf_opportunity_data.csv")
    assert not [deal for deal in deals if deal["property_closedate"]]
    assert not [deal for deal in opportunities if deal["is_won"] == "true" and deal["is_deleted"] == "false"]
    assert rows(open_warehouse(warehouse), "sold_units", "numerator", Filters()).height == 0


def test_the_call_belongs_to_the_contact_that_a_table_of_its_own_names(warehouse: Path, loaded: dict[str, Any]) -> None:
    """The one link that is there names a contact that is not: the call is kept, and counted as unlinked."""
    assert loaded
    (bridge,) = records(FILES / "hubspot" / "engagement_contact_data.csv")
    (call,) = records(FILES / "hubspot" / "engagement_call_data.csv")
    assert bridge["engagement_id"] == call["engagement_id"]
    assert bridge["contact_id"] not in {contact["id"] for contact in records(FILES / "hubspot" / "contact_data.csv")}
    with open_warehouse(warehouse)._reading() as reader:
        found = reader.cursor.sql("select record from data_finding where finding = 'no_lead_found'").pl()
    assert call["engagement_id"] in found["record"].to_list()
