"""The lists of customers: who is on each by hand, and a second statement of every list in plain Python."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from metrics import list_sql, listing
from metrics.declare import MetricError
from metrics.engine import open_warehouse, options
from metrics.filters import Filters
from metrics.lists import APPOINTMENTS_AHEAD, LISTS, NAMES, Worklist
from metrics.scope import WHOLE, Scope
from tests.metrics.questions import warehouse_of
from tests.star import (
    DAY,
    NOWS,
    STANDARDS,
    Row,
    Star,
    local_day,
    open_seconds,
    opportunity,
    random_star,
    write_warehouse,
)
from tests.waiting import NOW, appointment, hours, lead_of, star_with, touch, written


def waiting(star: Star, *names: str, is_older_too: bool = False, **filters: Any) -> list[Row]:
    with warehouse_of(star) as warehouse:
        return listing.worklists(warehouse, names or NAMES, Filters(**filters), is_older_too=is_older_too).to_dicts()


def lists_of(found: list[Row]) -> list[str]:
    return [row["list"] for row in found]


# --------------------------------------------------------------------------------------------------- each list, by hand


def test_a_message_that_nobody_answered_waits_since_the_message() -> None:
    [found] = waiting(star_with(written()))
    assert (found["list"], found["since"], found["minutes_waiting"]) == ("unanswered_message", NOW - hours(2), 120)


@pytest.mark.parametrize(
    "changed",
    [
        {"is_message_answered": True, "message_answered_at": NOW - hours(1)},
        {"is_sold": True, "sold_at": NOW - hours(1)},
        {"is_lost": True},
        {"is_bad": True},
        {"is_eligible": False},
        {"last_customer_message_at": NOW + hours(1)},
    ],
    ids=repr,
)
def test_a_message_does_not_wait_once_answered_or_given_up(changed: dict[str, Any]) -> None:
    assert waiting(star_with(written(**changed))) == []


def test_an_answer_that_came_after_now_is_not_known_yet() -> None:
    row = written(is_message_answered=True, message_answered_at=NOW + hours(1))
    assert lists_of(waiting(star_with(row))) == ["unanswered_message"]


def test_nobody_called_only_once_the_standard_of_opening_time_has_passed() -> None:
    standard = timedelta(seconds=STANDARDS["s1"])
    late = opportunity("o1", created_at=NOW - standard - timedelta(seconds=1))
    just = opportunity("o2", created_at=NOW - standard)
    called = opportunity("o3", created_at=NOW - hours(2), is_attempted=True, first_attempt_at=NOW - hours(1))
    by_phone = opportunity("o4", created_at=NOW - hours(2), needs_answer=False)
    found = waiting(star_with(late, just, called, by_phone))
    assert [(row["list"], row["opportunity_key"]) for row in found] == [("no_human_touch", "o1")]


def test_a_customer_with_an_appointment_ahead_needs_no_first_call() -> None:
    row, ahead = opportunity("o1", created_at=NOW - hours(5)), appointment("a1", NOW + timedelta(days=4))
    assert waiting(star_with(row, appointments=[ahead])) == []
    moved = ahead | {"is_standing": False}
    assert lists_of(waiting(star_with(row, appointments=[moved]))) == ["no_human_touch"]


def missed(**columns: Any) -> Row:
    return appointment("a1", NOW - hours(30), is_unresolved=False, is_no_show=True, is_no_show_to_call=True, **columns)


def test_a_missed_appointment_waits_until_somebody_calls_or_the_customer_comes() -> None:
    row = opportunity("o1", is_attempted=True, is_contacted=True)
    [found] = waiting(star_with(row, appointments=[missed()]))
    assert (found["list"], found["since"]) == ("no_show_not_called", NOW - hours(30))
    assert found["appointment_at"] == NOW - hours(30)
    called = missed(is_followed_up=True, followed_up_at=NOW - hours(20))
    came = missed(is_recovered=True, recovered_at=NOW - hours(20))
    for settled in (called, came):
        assert waiting(star_with(row, appointments=[settled])) == []


def test_a_missed_appointment_does_not_wait_where_a_new_one_was_made_or_the_customer_bought() -> None:
    row = opportunity("o1", is_attempted=True, is_contacted=True)
    again = appointment("a2", NOW + timedelta(days=5), is_confirmed=True)
    assert waiting(star_with(row, appointments=[missed(), again])) == []
    sold = row | {"is_sold": True, "sold_at": NOW - hours(3)}
    assert waiting(star_with(sold, appointments=[missed()])) == []


def test_the_appointments_of_today_and_tomorrow_wait_for_confirmation_soonest_first() -> None:
    row = opportunity("o1", is_attempted=True)
    due = {"later": NOW + hours(20), "soon": NOW + hours(1), "far": NOW + hours(48), "past": NOW - hours(1)}
    made = [appointment(key, at) for key, at in due.items()]
    made.append(appointment("said", NOW + hours(2), is_confirmed=True, confirmed_at=NOW - hours(1)))
    found = waiting(star_with(row, appointments=made), "unconfirmed_appointment")
    assert [row["appointment_key"] for row in found] == ["soon", "later"]


def test_an_appointment_without_outcome_waits_from_the_day_after() -> None:
    row = opportunity("o1", is_attempted=True)
    made = [appointment("today", NOW - hours(3)), appointment("yesterday", NOW - hours(24))]
    shown = appointment("shown", NOW - hours(24), is_unresolved=False, is_shown=True)
    found = waiting(star_with(row, appointments=[*made, shown]), "past_due_without_outcome")
    assert [row["appointment_key"] for row in found] == ["yesterday"]


def test_too_few_tries_wait_once_the_days_of_the_standard_are_over() -> None:
    tried = {"is_attempted": True, "is_follow_up_due": True, "has_contact_log": True, "attempt_count": 2}
    rows = [
        opportunity("o1", follow_up_due_at=NOW - hours(1), **tried),
        opportunity("o2", follow_up_due_at=NOW + hours(1), **tried),
        opportunity("o3", follow_up_due_at=NOW - hours(1), is_follow_up_met=True, **tried),
        opportunity("o4", follow_up_due_at=NOW - hours(1), is_contacted=True, **tried),
    ]
    found = waiting(star_with(*rows))
    assert [(row["list"], row["opportunity_key"], row["attempt_count"]) for row in found] == [
        ("follow_up_missed", "o1", 2)
    ]


def test_a_lost_customer_waits_where_one_try_or_none_was_made() -> None:
    given_up = {"created_at": NOW - timedelta(days=4), "is_lost": True, "is_attempted": True}
    rows = [
        opportunity("o1", is_barely_tried=True, **given_up),
        opportunity("o2", is_barely_tried=False, **given_up),
        opportunity("o3", is_barely_tried=True, is_contacted=True, **given_up),
    ]
    found = waiting(star_with(*rows))
    assert [(row["list"], row["opportunity_key"], row["is_lost"]) for row in found] == [("lost_too_soon", "o1", True)]


def test_a_list_looks_back_its_own_days_unless_older_ones_are_asked_for() -> None:
    star = random_star(seed=5, opportunities=300)
    recent, older = waiting(star), waiting(star, is_older_too=True)
    for one in LISTS:
        edge = timedelta(days=one.window_days or 10_000)
        within = [row for row in of_list(older, one) if row["since"] and row["since"] > row["as_of"] - edge]
        assert within == of_list(recent, one)
    assert 0 < len(recent) < len(older)


def of_list(found: list[Row], one: Worklist) -> list[Row]:
    return [row for row in found if row["list"] == one.name]


# ------------------------------------------------------------------------------------------ what stands beside each row


def test_a_row_says_whom_to_call_and_what_happened_last() -> None:
    row = written(salesperson_key="p1", customer_key="c2")
    touches = [
        touch("k1", "o1", NOW - hours(6)),
        touch("k2", "o1", NOW - hours(2), direction="in", channel="text", result="received", person_key="p2"),
        touch("k3", "o1", NOW + hours(1), channel="email"),
    ]
    [found] = waiting(star_with(row, contacts=touches))
    assert (found["customer"], found["phone"], found["store"]) == ("Customer 2", "555-0102", "Northgate Motors")
    assert (found["owner"], found["salesperson"], found["bdc_agent"]) == ("Ada Reyes", "Ada Reyes", "(unassigned)")
    assert (found["source"], found["created_at"], found["as_of"]) == ("Website", row["created_at"], NOW)
    last = ("at", "channel", "direction", "result", "by")
    assert [found[f"last_touch_{name}"] for name in last] == [NOW - hours(2), "text", "in", "received", "Ben Okoye"]


def test_of_two_touches_of_one_moment_one_is_shown() -> None:
    twins = [touch("k1", "o1", NOW - hours(1)), touch("k2", "o1", NOW - hours(1), channel="text")]
    found = waiting(star_with(written(), contacts=twins))
    assert [row["last_touch_channel"] for row in found] == ["text"]


def test_every_lead_of_the_opportunity_is_named_so_that_a_merge_keeps_what_was_handled() -> None:
    row = written()
    leads = [lead_of(row, lead_key=f"l{n}", lead_id=lead_id) for n, lead_id in enumerate(("9", "7", "8 a"))]
    [found] = waiting(star_with(row, leads=leads))
    assert found["records"] == ["crm\t7", "crm\t8 a", "crm\t9"]


def test_an_appointment_that_no_lead_is_known_of_goes_by_its_own_id() -> None:
    alone = appointment("a1", NOW + hours(1), opportunity_key=None, customer_key="unknown", source_key="no_lead")
    [found] = waiting(star_with(appointments=[alone]))
    assert (found["records"], found["opportunity_key"]) == (["crm\tappointment A1"], None)
    assert (found["customer"], found["phone"]) == ("(unknown)", None)


def test_a_record_without_a_system_goes_by_its_key() -> None:
    row = written()
    [found] = waiting(star_with(row, leads=[lead_of(row, system=None)]))
    assert found["records"] == ["\to1"]


def test_a_number_that_cannot_be_dialled_is_not_shown() -> None:
    row = written()
    [found] = waiting(star_with(row, leads=[lead_of(row, has_phone=False)]))
    assert found["phone"] is None


def asked_for(row: Row, number: int, vehicle: str | None, at: datetime = NOW) -> Row:
    return lead_of(row, lead_key=f"l{number}", lead_id=f"L{number}", vehicle=vehicle, created_at=at)


def test_the_vehicle_is_that_of_the_newest_lead_that_names_one() -> None:
    row = written()
    older, newer, newest = NOW - hours(9), NOW - hours(6), NOW - hours(3)
    leads = [asked_for(row, 1, "2024 Comet", newer), asked_for(row, 2, "2019 Nomad", older)]
    [found] = waiting(star_with(row, leads=[*leads, asked_for(row, 3, None, newest)]))
    assert found["vehicle"] == "2024 Comet"
    [unnamed] = waiting(star_with(row))
    assert unnamed["vehicle"] is None


def test_of_two_vehicles_asked_for_at_one_moment_one_is_shown() -> None:
    row = written()
    leads = [asked_for(row, 1, "2024 Comet"), asked_for(row, 2, "2019 Nomad")]
    for ordered in (leads, leads[::-1]):
        assert [found["vehicle"] for found in waiting(star_with(row, leads=ordered))] == ["2019 Nomad"]


def test_a_snapshot_of_an_earlier_release_names_no_vehicle_and_is_listed_all_the_same(tmp_path: Path) -> None:
    row = written()
    write_warehouse(tmp_path, star_with(row, leads=[asked_for(row, 1, "2024 Comet")]))
    with duckdb.connect(str(tmp_path / (tmp_path / "CURRENT").read_text(encoding="utf-8").strip())) as con:
        con.execute("alter table fct_lead drop vehicle")
    opened = open_warehouse(tmp_path)
    for scope in (Scope(), Scope(stores=("Northgate Motors",))):
        [found] = listing.worklists(opened.within(scope)).to_dicts()
        assert (found["opportunity_key"], found["vehicle"]) == ("o1", None)
    opened.close()


def test_the_owner_is_the_first_role_that_names_somebody() -> None:
    rows = [
        written(),
        written() | {"opportunity_key": "o2", "bdc_agent_key": "p2"},
        written() | {"opportunity_key": "o3", "salesperson_key": "p1", "bdc_agent_key": "p2"},
    ]
    found = waiting(star_with(*rows))
    assert [row["owner"] for row in found] == ["(unassigned)", "Ben Okoye", "Ada Reyes"]


def test_filters_keep_the_owner_the_store_and_the_source() -> None:
    rows = [
        written(salesperson_key="p1"),
        written(salesperson_key="p2", source_key="third") | {"opportunity_key": "o2"},
        written(store_key="s2", last_customer_message_at=NOWS["s2"] - hours(1)) | {"opportunity_key": "o3"},
    ]
    star = star_with(*rows)

    def kept(**where: tuple[str, ...]) -> list[str]:
        return [row["opportunity_key"] for row in waiting(star, where=where)]

    assert kept() == ["o1", "o2", "o3"]
    assert kept(person=("Ben Okoye",)) == ["o2"]
    assert kept(store=("Southside Autos",)) == ["o3"]
    assert kept(source_group=("Paid",)) == ["o2"]
    assert kept(source=("Website",), lead_type=("internet",)) == ["o1", "o3"]


def test_the_period_of_the_filters_does_not_matter() -> None:
    star = star_with(written())
    start, end = NOW.date() - timedelta(days=900), NOW.date() - timedelta(days=800)
    assert waiting(star, start=start, end=end) == waiting(star)


def test_now_can_be_moved() -> None:
    star = star_with(written())
    assert waiting(star, as_of=NOW - hours(3)) == []
    [found] = waiting(star, as_of=NOW + timedelta(days=3))
    assert found["minutes_waiting"] == 3 * 1440 + 120


def test_what_cannot_be_asked_is_said() -> None:
    star = star_with(written())
    with pytest.raises(MetricError, match=r"There is no list 'no_show'\.\n\nHint: Did you mean 'no_show_not_called'"):
        waiting(star, "no_show")
    with pytest.raises(MetricError, match="The lists have no tenure"):
        waiting(star, where={"tenure": ("month 01",)})


# ------------------------------------------------------------------------------------ the second statement of each list


def reached(row: Row, flag: str, at: str, now: datetime) -> bool:
    return bool(row[flag]) and (row[at] is None or row[at] <= now)


class Second:
    """Who is on each list, told from the rows of the star one by one."""

    def __init__(self, star: Star, as_of: datetime | None) -> None:
        self.nows = {key: as_of or now for key, now in NOWS.items()}
        self.opportunities = {row["opportunity_key"]: row for row in star["fct_opportunity"].to_dicts()}
        self.appointments = star["fct_appointment"].to_dicts()
        self.booked = {
            row["opportunity_key"]
            for row in self.appointments
            if row["is_standing"] and row["due_at"] > self.now(row) and row["set_at"] <= self.now(row)
        }

    def now(self, row: Row) -> datetime:
        return self.nows[row["store_key"]]

    def is_alive(self, row: Row | None, *, lost: bool) -> bool:
        if row is None:
            return True
        is_sold = reached(row, "is_sold", "sold_at", self.now(row))
        return not is_sold and not row["is_bad"] and (lost or not row["is_lost"])

    def is_spoken_to(self, row: Row) -> bool:
        return reached(row, "is_contacted", "contacted_at", self.now(row))

    def open_rows(self, *, lost: bool = False) -> list[Row]:
        every = self.opportunities.values()
        return [row for row in every if row["is_eligible"] and self.is_alive(row, lost=lost)]

    def unanswered_message(self) -> list[tuple[str, datetime | None]]:
        return [
            (row["opportunity_key"], row["last_customer_message_at"])
            for row in self.open_rows()
            if reached(row, "is_written_to_us", "last_customer_message_at", self.now(row))
            and not reached(row, "is_message_answered", "message_answered_at", self.now(row))
        ]

    def no_human_touch(self) -> list[tuple[str, datetime | None]]:
        found = []
        for row in self.open_rows():
            now = self.now(row)
            open_by_now, began = open_seconds(row["store_key"], now), row["created_open_seconds"]
            is_late = open_by_now is not None and began is not None
            is_late = is_late and open_by_now - began > row["response_standard_seconds"]
            is_tried = reached(row, "is_attempted", "first_attempt_at", now)
            is_out = is_tried or self.is_spoken_to(row) or row["opportunity_key"] in self.booked
            if row["created_at"] <= now and row["needs_answer"] and is_late and not is_out:
                found.append((row["opportunity_key"], row["created_at"]))
        return found

    def no_show_not_called(self) -> list[tuple[str, datetime | None]]:
        return [
            (row["appointment_key"], row["due_at"])
            for row in self.past()
            if row["is_no_show_to_call"]
            and not reached(row, "is_followed_up", "followed_up_at", self.now(row))
            and not reached(row, "is_recovered", "recovered_at", self.now(row))
            and row["opportunity_key"] not in self.booked
            and row["opportunity_key"] is not None
        ]

    def past(self) -> list[Row]:
        of = self.opportunities
        return [
            row
            for row in self.appointments
            if row["due_at"] <= self.now(row) and self.is_alive(of.get(row["opportunity_key"]), lost=True)
        ]

    def is_open_outcome(self, row: Row) -> bool:
        is_known_later = row["is_shown"] and not reached(row, "is_shown", "shown_at", self.now(row))
        return bool(row["is_standing"]) and bool(row["is_unresolved"] or is_known_later)

    def past_due_without_outcome(self) -> list[tuple[str, datetime | None]]:
        return [
            (row["appointment_key"], row["due_at"])
            for row in self.past()
            if self.is_open_outcome(row) and row["due_on"] < local_day(row["store_key"], self.now(row))
        ]

    def unconfirmed_appointment(self) -> list[tuple[str, datetime | None]]:
        found = []
        for row in self.appointments:
            now, of = self.now(row), self.opportunities.get(row["opportunity_key"])
            days = (row["due_on"] - local_day(row["store_key"], now)).days
            is_near = row["due_at"] > now and days <= 1 and row["set_at"] <= now
            is_said = reached(row, "is_confirmed", "confirmed_at", now)
            if is_near and self.is_open_outcome(row) and not is_said and not (of and of["is_bad"]):
                found.append((row["appointment_key"], row["set_at"]))
        return found

    def appointments_ahead(self) -> list[tuple[str, datetime | None]]:
        found = []
        for row in self.appointments:
            now = self.now(row)
            days = (row["due_on"] - local_day(row["store_key"], now)).days
            if row["set_at"] <= now < row["due_at"] and days <= 6 and self.is_open_outcome(row):
                found.append((row["appointment_key"], row["set_at"]))
        return found

    def follow_up_missed(self) -> list[tuple[str, datetime | None]]:
        return [
            (row["opportunity_key"], row["follow_up_due_at"])
            for row in self.open_rows()
            if row["is_follow_up_due"]
            and row["follow_up_due_at"] <= self.now(row)
            and not row["is_follow_up_met"]
            and not self.is_spoken_to(row)
            and row["opportunity_key"] not in self.booked
        ]

    def lost_too_soon(self) -> list[tuple[str, datetime | None]]:
        return [
            (row["opportunity_key"], row["created_at"])
            for row in self.open_rows(lost=True)
            if row["is_lost"]
            and row["is_barely_tried"]
            and row["created_at"] <= self.now(row)
            and not self.is_spoken_to(row)
            and row["opportunity_key"] not in self.booked
        ]


def with_systems(star: Star) -> Star:
    named = {name: star[name].with_columns(system=pl.lit("crm")) for name in ("fct_lead", "fct_appointment")}
    keys = star["fct_opportunity"]["opportunity_key"].to_list()
    rng = random.Random(len(keys))
    of = [rng.choice([*keys, None]) for _ in range(star["fct_contact"].height)]
    linked = star["fct_contact"].with_columns(opportunity_key=pl.Series(of, dtype=pl.String))
    return {**star, **named, "fct_contact": linked}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("as_of", [None, datetime(2026, 4, 9, 1, tzinfo=UTC)], ids=["now", "earlier"])
def test_every_list_agrees_with_its_second_statement(seed: int, as_of: datetime | None) -> None:
    star = with_systems(random_star(seed=seed, opportunities=250))
    found = waiting(star, is_older_too=True, as_of=as_of)
    second = Second(star, as_of)
    for one in LISTS:
        told = [(row["appointment_key"] or row["opportunity_key"], row["since"]) for row in of_list(found, one)]
        expected = getattr(second, one.name)()
        assert sorted(told, key=repr) == sorted(expected, key=repr), one.name
        assert len(told) == len(set(told)), one.name


@pytest.mark.parametrize("seed", range(4))
def test_the_calendar_agrees_with_its_second_statement(seed: int) -> None:
    star, as_of = with_systems(random_star(seed=seed, opportunities=250)), datetime(2026, 4, 30, 23, tzinfo=UTC)
    found = waiting(star, APPOINTMENTS_AHEAD.name, as_of=as_of)
    expected = Second(star, as_of).appointments_ahead()
    assert sorted((row["appointment_key"], row["since"]) for row in found) == sorted(expected)
    assert found
    assert [row["appointment_at"] for row in found] == sorted(row["appointment_at"] for row in found)


@pytest.mark.parametrize("seed", range(4))
def test_what_filters_keep_of_everybody_is_what_the_lists_give_with_these_filters(seed: int) -> None:
    names, chance = (APPOINTMENTS_AHEAD.name, *NAMES), random.Random(seed)
    scope = Scope(stores=("Northgate Motors",)) if seed == 3 else WHOLE
    with warehouse_of(with_systems(random_star(seed=seed, opportunities=250))) as whole:
        warehouse = whole.within(scope)
        everyone, heights = listing.everybody(warehouse, names), list[int]()
        known = {name: [*options(warehouse, name), "nobody's"] for name in list_sql.DIMENSIONS}
        asked: list[dict[str, tuple[str, ...]]] = [{name: (label,)} for name in known for label in known[name]]
        asked += [_some_of(known, chance) for _ in range(20)]
        for where in [{}, *asked]:
            filters = Filters(where=where)
            found = listing.kept(everyone, filters)
            assert_frame_equal(found, listing.worklists(warehouse, names, filters))
            heights.append(found.height)
    assert len(set(heights)) > 5
    assert heights[0] == max(heights) > min(heights) == 0


def _some_of(known: Mapping[str, list[str]], chance: random.Random) -> dict[str, tuple[str, ...]]:
    """A few labels of a few dimensions."""
    names = chance.sample(sorted(known), 2)
    return {name: tuple(chance.sample(known[name], min(len(known[name]), 3))) for name in names}


def test_a_filter_that_the_lists_lack_is_refused_of_everybody_too() -> None:
    with warehouse_of(star_with(written())) as warehouse, pytest.raises(MetricError, match="no instrument"):
        listing.kept(listing.everybody(warehouse), Filters(where={"instrument": ("ssi",)}))


def test_the_newest_touch_agrees_with_a_second_look_at_all_touches() -> None:
    star = with_systems(random_star(seed=9, opportunities=250))
    touches = star["fct_contact"].to_dicts()
    for row in waiting(star, is_older_too=True):
        own = [one for one in touches if one["opportunity_key"] == row["opportunity_key"] is not None]
        known = [one["occurred_at"] for one in own if one["occurred_at"] <= NOWS[one["store_key"]]]
        assert row["last_touch_at"] == max(known, default=None)


def test_customers_are_called_in_the_order_of_the_lists_newest_first() -> None:
    found = waiting(with_systems(random_star(seed=3, opportunities=300)), is_older_too=True)
    assert list(dict.fromkeys(lists_of(found))) == list(NAMES)
    places = [NAMES.index(name) for name in lists_of(found)]
    assert places == sorted(places)
    for one in LISTS:
        moment = "appointment_at" if one.days_ahead is not None else "since"
        told = [row[moment] for row in of_list(found, one) if row[moment]]
        assert told == sorted(told, reverse=one.newest_first)


def test_a_day_is_so_many_seconds() -> None:
    edge = timedelta(seconds=14 * DAY)
    inside = written(last_customer_message_at=NOW - edge + timedelta(seconds=1))
    outside = written(last_customer_message_at=NOW - edge) | {"opportunity_key": "o2"}
    assert [row["opportunity_key"] for row in waiting(star_with(inside, outside))] == ["o1"]
