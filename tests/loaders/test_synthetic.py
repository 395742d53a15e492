"""The simulated group: the same bytes from the same seed, files that the loaders recognise, a life that looks real."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders.contracts import RECORDED_COLUMNS
from loaders.intake import Choices, Sheet, good_rows, take_in
from loaders.settings import Settings, load_settings
from loaders.synthetic import simulate
from loaders.synthetic.chance import Chance
from loaders.synthetic.clock import clock_of
from loaders.synthetic.people import PLACEHOLDER_EMAIL, PLACEHOLDER_PHONE

AS_OF = datetime(2026, 3, 20, 23, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "data" / "demo" / "sample"
PROFILES = {
    "vinsolutions": {
        "Lead.csv",
        "Appointment.csv",
        "CRMSold.csv",
        "User.csv",
        "UserAccess.csv",
        "LeadSource.csv",
        "Communication log.csv",
    },
    "activix": {"leads.csv", "events.csv", "communications.csv"},
    "generic": {"roster.csv", "spend.csv", "survey.csv", "dms_deals.csv"},
}


@dataclass(frozen=True)
class Demo:
    """A simulated group of four months with 600 leads a month, read by the loaders."""

    directory: Path
    settings: Settings
    truth: dict[str, Any]
    sheets: list[Sheet]

    def rows(self, table: str, store: str | None = None) -> pl.DataFrame:
        rows = good_rows(self.sheets, table)
        assert rows is not None
        return rows if store is None else rows.filter(pl.col("store") == store)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    directory = tmp_path_factory.mktemp("demo")
    simulate(directory, months=4, leads_per_month=600, as_of=AS_OF)
    settings = load_settings(directory / "settings.toml")
    truth = json.loads((directory / "truth.json").read_text())
    folders = sorted(path for path in directory.iterdir() if path.is_dir())
    return Demo(directory, settings, truth, take_in(folders, Choices(settings), lambda _, __: None))


def written(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def simulated(directory: Path, **wishes: Any) -> dict[str, bytes]:
    simulate(directory, **{"months": 2, "leads_per_month": 40, "as_of": AS_OF, **wishes})
    return written(directory)


def test_seed_and_as_of_decide_every_byte(tmp_path: Path) -> None:
    assert simulated(tmp_path / "one") == simulated(tmp_path / "two")


@pytest.mark.parametrize("change", [{"seed": 8}, {"as_of": datetime(2026, 3, 19, 23, 0, tzinfo=UTC)}])
def test_another_seed_or_moment_gives_another_group(tmp_path: Path, change: dict[str, Any]) -> None:
    usual, other = simulated(tmp_path / "one"), simulated(tmp_path / "two", **change)
    for name in ("lakeside-motors/Communication log.csv", "hillcrest-auto/communications.csv", "truth.json"):
        assert usual[name] != other[name]


def test_committed_sample_is_what_its_command_writes(tmp_path: Path) -> None:
    simulate(tmp_path, months=2, leads_per_month=40, as_of=AS_OF)
    assert written(SAMPLE) == written(tmp_path)
    assert sum(len(content) for content in written(SAMPLE).values()) < 200_000


def test_every_file_is_recognised_by_the_profile_of_its_system(demo: Demo) -> None:
    found = {(Path(sheet.path).name, sheet.profile, sheet.error) for sheet in demo.sheets}
    assert found == {(name, profile, None) for profile, names in PROFILES.items() for name in names}


def test_only_the_rows_that_truth_names_are_refused(demo: Demo) -> None:
    refused = {
        str(Path(sheet.path).relative_to(demo.directory)): {
            part.table: part.rejects.height for part in sheet.conformed if part.rejects.height
        }
        for sheet in demo.sheets
    }
    assert {name: tables for name, tables in refused.items() if tables} == demo.truth["rejects"]
    assert all(part.read == part.good.height + part.rejects.height for sheet in demo.sheets for part in sheet.conformed)


def test_newest_recorded_event_of_each_store_is_the_moment_of_the_export(demo: Demo) -> None:
    for store in ("Lakeside Motors", "Hillcrest Auto"):
        moments = [
            demo.rows(table, store)[column].max()
            for table in ("lead", "contact", "appointment", "sale", "survey")
            for column in RECORDED_COLUMNS[table]
        ]
        assert max(moment for moment in moments if isinstance(moment, datetime)) == AS_OF


def test_people_are_fictional(demo: Demo) -> None:
    leads = demo.rows("lead")
    phones, emails = leads["phone"].drop_nulls(), leads["email"].drop_nulls()
    assert all(re.fullmatch(r"\([2-9]\d\d\) 555-01\d\d", phone) or phone == PLACEHOLDER_PHONE for phone in phones)
    assert all(re.fullmatch(r"[a-z0-9]+@example\.(com|net|org)", email) for email in emails)


def test_some_customers_leave_no_phone_or_only_a_placeholder(demo: Demo) -> None:
    leads = demo.rows("lead")
    for column, placeholder in (("phone", PLACEHOLDER_PHONE), ("email", PLACEHOLDER_EMAIL)):
        missing = leads.filter(pl.col(column).is_null() | (pl.col(column) == placeholder)).height / leads.height
        assert 0.08 < missing < 0.2
        assert leads.filter(pl.col(column) == placeholder).height > 0


def test_a_household_shares_one_number_under_more_names_than_a_person_has(demo: Demo) -> None:
    names = demo.rows("lead", "Lakeside Motors").filter(phone="(212) 555-0199")["customer_name"].n_unique()
    assert names > demo.settings.identity.max_names


def test_appointments_end_in_every_way_that_real_ones_do(demo: Demo) -> None:
    for store in ("Lakeside Motors", "Hillcrest Auto"):
        booked = demo.rows("appointment", store)
        assert set(booked["outcome"]) == {"open", "shown", "no_show", "cancelled", "rescheduled"}
        moved = booked.filter(pl.col("rescheduled_at").is_not_null())
        assert moved.filter(pl.col("rescheduled_at") < pl.col("due_at")).height > 0
        assert moved.filter(pl.col("rescheduled_at") >= pl.col("due_at")).height > 0
        assert booked.filter((pl.col("outcome") == "open") & (pl.col("due_at") < AS_OF)).height > 0
        assert booked.filter(pl.col("due_at") > AS_OF)["outcome"].is_in(["open"]).any()
        assert 0.3 < booked["confirmed_at"].is_not_null().mean() < 0.8  # type: ignore[operator]


def test_nobody_knows_the_future(demo: Demo) -> None:
    booked = demo.rows("appointment")
    assert booked.filter((pl.col("due_at") > AS_OF) & (pl.col("outcome") == "no_show")).is_empty()
    assert booked.filter(pl.col("rescheduled_to").is_not_null() & pl.col("rescheduled_at").is_null()).is_empty()
    moved_to = booked.select("store", appointment_id="rescheduled_to").drop_nulls()
    assert moved_to.join(booked, on=["store", "appointment_id"], how="anti").is_empty()


def test_deals_are_split_unwound_wholesale_and_without_lead(demo: Demo) -> None:
    deals = demo.rows("sale")
    assert 0.02 < deals["split_with"].is_not_null().mean() < 0.16  # type: ignore[operator]
    assert deals["reversed_at"].is_not_null().any()
    assert {"retail", "lease", "wholesale"} <= set(deals["sale_type"])
    for store in ("Lakeside Motors", "Hillcrest Auto"):
        without_lead = demo.rows("sale", store).filter(pl.col("lead_id").is_null())
        assert {"retail", "wholesale"} <= set(without_lead["sale_type"])


def test_automation_answers_before_people_do(demo: Demo) -> None:
    touches = demo.rows("contact", "Hillcrest Auto").filter(direction="out").sort("occurred_at")
    first = touches.group_by("lead_id").agg(pl.col("is_automated").first())
    assert 0.6 < first["is_automated"].mean() < 0.95  # type: ignore[operator]


def test_showroom_and_phone_leads_come_while_the_store_is_open(demo: Demo) -> None:
    for store in demo.settings.stores:
        clock = clock_of(store, date(2025, 12, 1), date(2026, 4, 1))
        arrivals = demo.rows("lead", store.name).filter(pl.col("lead_type").is_in(["walk_in", "phone"]))["created_at"]
        assert arrivals.len() > 20
        assert all(clock.is_open(at) for at in arrivals)


def test_people_get_leads_only_while_they_are_employed(demo: Demo) -> None:
    people = [person for person in demo.truth["people"] if person["store"] == "Hillcrest Auto"]
    left = {person["name"]: person["ended_on"] for person in people if person["ended_on"]}
    came = {person["name"]: person["started_on"] for person in people if person["started_on"] > "2025-12-01"}
    leads = demo.rows("lead", "Hillcrest Auto").filter(pl.col("salesperson").is_in([*left, *came]))
    first_of_customer = leads.group_by("customer_id").agg(
        pl.col("created_at", "salesperson").sort_by("created_at").first()
    )
    assert left
    assert came
    for created_at, name in first_of_customer.select("created_at", "salesperson").iter_rows():
        day = (created_at.date()).isoformat()
        assert day <= left.get(name, "9999") or created_at.hour < 5
        assert day >= came.get(name, "0000")


def test_rates_lie_where_real_stores_lie(demo: Demo) -> None:
    total = Counter[str]()
    for month in demo.truth["months"]:
        total.update({name: amount for name, amount in month.items() if isinstance(amount, int)})
    assert 0.58 < total["contacted"] / total["opportunities"] < 0.74
    assert 0.36 < total["contacted_and_booked"] / total["contacted"] < 0.5
    assert 0.55 < total["shows"] / total["appointments_due"] < 0.72
    assert 0.07 < total["sold"] / total["opportunities"] < 0.15


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    heard: list[float] = []
    note: Callable[[float, str], None] = lambda done, _: heard.append(done)  # noqa: E731
    simulate(tmp_path, months=2, leads_per_month=20, as_of=AS_OF, progress=note)
    assert heard == sorted(heard)
    assert heard[0] > 0
    assert heard[-1] == 1.0


def test_more_stores_alternate_the_shapes_of_their_systems(tmp_path: Path) -> None:
    simulate(tmp_path, stores=3, months=1, leads_per_month=30, as_of=AS_OF)
    assert (tmp_path / "maple-ridge-cars" / "Lead.csv").exists()
    assert (tmp_path / "hillcrest-auto" / "leads.csv").exists()
    assert len(load_settings(tmp_path / "settings.toml").stores) == 3


def test_weighted_choice_follows_its_weights() -> None:
    chance = Chance("weights")
    drawn = Counter(chance.weigh(("a", "b"), (3, 1)) for _ in range(4000))
    assert 0.71 < drawn["a"] / 4000 < 0.79


def test_shuffled_numbers_are_all_there_in_another_order() -> None:
    order = Chance("cards").shuffled(200)
    assert sorted(order) == list(range(200))
    assert order != list(range(200))
