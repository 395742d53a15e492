"""Given rows, expect what the star says of how the CRM is used: who logged when, how late, which system knows what."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from loaders.errors import LoaderError
from loaders.settings import Settings, load_settings
from tests.loaders.star_building import Row, moment, star

# Monday 2 March to Monday 9 March 2026; the store is closed on Sunday the 8th.
NOW = moment("2026-03-10 12:00")


def touch(at: str, person: str | None = "Ada", **more: object) -> Row:
    return {"occurred_at": moment(f"2026-03-{at}"), "person": person} | more


def days(rows: list[Row]) -> dict[str, str]:
    """The days on the roster by person, in order: L where something was logged, - where not."""
    found: dict[str, str] = {}
    for row in rows:
        found[row["person"]] = found.get(row["person"], "") + ("L" if row["has_logged"] else "-")
    return found


ROSTER = "select person, day, has_logged from fct_roster_day join dim_person using (person_key) order by day"


def test_a_roster_day_is_an_open_day_that_is_over_between_the_first_and_the_last_of_a_person() -> None:
    people: list[Row] = [
        {"name": "Ada", "role": "salesperson", "started_on": date(2020, 1, 1)},
        {"name": "Ben", "role": "bdc_agent", "started_on": date(2026, 3, 5)},
        {"name": "Cleo", "role": "salesperson", "started_on": date(2020, 1, 1), "ended_on": date(2026, 3, 4)},
        {"name": "Dov", "role": "salesperson"},
        {"name": "Eve", "role": "salesperson"},
        {"name": "Max", "role": "manager", "started_on": date(2020, 1, 1)},
        {"name": "Bot", "role": "machine", "started_on": date(2020, 1, 1)},
    ]
    touches = [touch("02 10:00"), touch("09 10:00"), touch("06 10:00", "Ben"), touch("03 10:00", "Dov")]
    touches += [touch("05 10:00", "Dov"), touch("03 10:00", "Fay"), touch("04 10:00", "Fay"), touch("03 10:00", "Max")]
    with star(as_of=NOW, person=people, contact=touches) as query:
        found = days(query(ROSTER))
    # Ada from the day the log begins to yesterday; Dov, Eve and Fay have no dates: from first to last seen, if ever.
    assert found == {"Ada": "L-----L", "Ben": "-L--", "Cleo": "---", "Dov": "L-L", "Fay": "LL"}


def test_whatever_a_person_writes_into_the_crm_is_logged_on_the_stores_own_day() -> None:
    settings = Settings.model_validate({"store": [{"name": "North", "time_zone": "America/Chicago"}]})
    ada = [{"name": "Ada", "role": "salesperson", "started_on": date(2026, 3, 2)}]
    with star(
        settings,
        as_of=NOW,
        person=ada,
        contact=[touch("02 20:00", None), touch("04 02:00")],
        appointment=[{"set_by": "Ada", "set_at": moment("2026-03-04 20:00"), "due_at": moment("2026-03-06 20:00")}],
        visit=[{"person": "Ada", "arrived_at": moment("2026-03-05 20:00")}],
        task=[
            {"person": "Ada", "due_at": moment("2026-03-06 20:00"), "outcome": "open"},
            {
                "person": "Ada",
                "due_at": moment("2026-03-06 20:00"),
                "outcome": "completed",
                "completed_at": moment("2026-03-07 20:00"),
            },
        ],
    ) as query:
        assert days(query(ROSTER)) == {"Ada": "-LLL-L-"}


def test_a_store_without_a_contact_log_has_no_roster_days() -> None:
    ada = [{"name": "Ada", "role": "salesperson", "started_on": date(2026, 3, 2)}]
    with star(as_of=NOW, person=ada, visit=[{"person": "Ada", "arrived_at": moment("2026-03-05 20:00")}]) as query:
        assert query(ROSTER) == []


def test_how_late_a_touch_was_typed_in_is_known_where_the_export_says_when() -> None:
    touches = [
        touch("02 10:00", recorded_at=moment("2026-03-02 10:00")),
        touch("03 10:00", recorded_at=moment("2026-03-05 11:00")),
        touch("04 10:00", recorded_at=moment("2026-03-04 09:00"), direction="in"),
        touch("05 10:00"),
    ]
    with star(contact=touches) as query:
        found = query("select seconds_to_recorded, is_outbound from fct_contact order by occurred_at")
    assert [tuple(row.values()) for row in found] == [(0, True), (2 * 86_400 + 3600, True), (None, False), (None, True)]


def test_a_system_that_brings_leads_is_the_crm_and_another_with_deals_the_dms() -> None:
    def deal(number: int, system: str, vin: str, **more: object) -> Row:
        return {
            "sale_id": f"{system}{number}",
            "system": system,
            "vin": f"1TEST00000000000{vin}",
            "sold_at": moment("2026-03-05 10:00"),
        } | more

    deals = [deal(1, "crm", "1"), deal(2, "crm", "2"), deal(1, "dms", "1"), deal(3, "dms", "3")]
    alone = [deal(9, "dms", "9", store="South")]
    leads: list[Row] = [
        {"created_at": moment("2026-03-01 10:00")},
        {"created_at": moment("2026-03-01 10:00"), "store": "South"},
    ]
    with star(lead=leads, sale=deals + alone) as query:
        found = query("select sale_id, is_in_crm, is_in_dms, has_two_deal_logs from fct_sale order by sale_id")
    assert [tuple(row.values()) for row in found] == [
        ("crm1", True, True, True),
        ("crm2", True, False, True),
        ("dms3", False, True, True),
        ("dms9", False, True, False),
    ]


ANNOTATIONS = """
[[annotation]]
date = 2026-03-02
label = "Phone training"

[[annotation]]
date = 2026-03-09
label = "New hire"
store = "NORTH ltd"
person = "Reyes, Ada"

[[annotation]]
date = 2026-03-10
label = "Coaching"
store = "North"
person = "Nobody Here"

[[store]]
name = "North"
aliases = ["North Ltd"]
time_zone = "UTC"
"""


def test_annotations_stand_beside_the_numbers_and_a_person_nobody_knows_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(ANNOTATIONS, encoding="utf-8")
    settings = load_settings(tmp_path / "settings.toml")
    with star(settings, contact=[touch("02 10:00", "Ada Reyes")]) as query:
        found = query(
            "select store, p.person, a.label, cast(day as varchar) as day from annotation as a"
            " left join dim_store using (store_key) left join dim_person as p using (person_key) order by day"
        )
        (finding,) = query("select detail from data_finding where finding = 'annotation_of_nobody'")
    assert [tuple(row.values()) for row in found] == [
        (None, None, "Phone training", "2026-03-02"),
        ("North", "Ada Reyes", "New hire", "2026-03-09"),
        ("North", None, "Coaching", "2026-03-10"),
    ]
    assert '"Nobody Here" (Coaching)' in finding["detail"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('date = 2026-03-02\nlabel = "x"\nperson = "Ada"', "needs a store"),
        ('date = 2026-03-02\nlabel = ""', "label"),
        ('date = "March"\nlabel = "x"', "date"),
        ('dat = 2026-03-02\nlabel = "x"', 'Did you mean "date"'),
    ],
)
def test_an_annotation_that_cannot_be_read_says_why(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[[annotation]]\n{text}\n", encoding="utf-8")
    with pytest.raises(LoaderError, match=words):
        load_settings(tmp_path / "settings.toml")
