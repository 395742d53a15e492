"""Customers as people call them: one line each, who was handled and who came back, and the words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from metrics import listing
from pages import calling, download, theme
from pages.journal import Entry, Journal, open_journal
from tests.metrics.questions import warehouse_of
from tests.star import Star, star_of
from tests.waiting import NOW, hours, lead_of, star_with, waiting_star, written

ZONES = {"Northgate Motors": "America/New_York", "Southside Autos": "America/Los_Angeles"}
STORES = pl.DataFrame({"store": list(ZONES), "time_zone": list(ZONES.values())})


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.delenv("UPBOARD_JOURNAL", raising=False)
    return open_journal(tmp_path)


def rows_of(star: Star) -> pl.DataFrame:
    with warehouse_of(star) as warehouse:
        return listing.worklists(warehouse)


def waiting_now(star: Star, journal: Journal) -> list[str]:
    waiting, _ = calling.divide(rows_of(star), journal.entries())
    return calling.customers(waiting)["item"].to_list()


def handle(star: Star, journal: Journal, item: str, note: str = "") -> Entry:
    waiting, _ = calling.divide(rows_of(star), journal.entries())
    [customer] = calling.customers(waiting).filter(pl.col("item") == item).to_dicts()
    return calling.write(journal, calling.HANDLED, customer, who="Ada", note=note)


def test_a_customer_on_two_lists_stands_once_at_the_first_with_both_reasons() -> None:
    both = written(is_follow_up_due=True, follow_up_due_at=NOW - hours(1))
    [found] = calling.customers(rows_of(star_with(both))).to_dicts()
    assert (found["list"], found["lists"]) == ("unanswered_message", ["unanswered_message", "follow_up_missed"])
    assert calling.reasons(found).startswith("Wrote to us and got no answer. Also got fewer tries")


def test_a_handled_customer_is_off_the_list_with_who_when_and_note(journal: Journal) -> None:
    star = waiting_star()
    entry = handle(star, journal, "o1", " left a message ")
    assert waiting_now(star, journal) == ["o2", "o3", "o5", "o4"]
    _, handled = calling.divide(rows_of(star), journal.entries())
    [found] = calling.customers(handled).to_dicts()
    assert (found["item"], found["handled_by"], found["note"]) == ("o1", "Ada", "left a message")
    assert found["handled_at"] == entry.at


def test_the_journal_gets_ids_and_no_name_or_number(journal: Journal) -> None:
    entry = handle(waiting_star(), journal, "o1")
    assert (entry.store, entry.system, entry.natural_id) == ("Northgate Motors", "crm", "O1")
    assert entry.data["records"] == ["crm\tO1"]
    assert entry.data["lists"] == ["unanswered_message"]
    assert "Customer 0" not in str(entry)
    assert "555" not in str(entry)


def test_who_was_put_back_waits_again(journal: Journal) -> None:
    star = waiting_star()
    handle(star, journal, "o1")
    _, handled = calling.divide(rows_of(star), journal.entries())
    calling.write(journal, calling.REOPENED, calling.customers(handled).row(0, named=True), who="Bo")
    assert "o1" in waiting_now(star, journal)


def test_a_new_message_brings_a_handled_customer_back(journal: Journal) -> None:
    handle(star_with(written()), journal, "o1")
    assert waiting_now(star_with(written()), journal) == []
    later = star_with(written(last_customer_message_at=NOW + hours(3)))
    stores = later["dim_store"].with_columns(as_of=pl.col("as_of") + dt.timedelta(days=1))
    assert waiting_now({**later, "dim_store": stores}, journal) == ["o1"]


def test_a_new_lead_of_the_same_customer_brings_them_back(journal: Journal) -> None:
    row = written()
    handle(star_with(row), journal, "o1")
    again = [lead_of(row), lead_of(row, lead_key="l2", lead_id="O9", created_at=NOW + hours(1))]
    assert waiting_now(star_with(row, leads=again), journal) == ["o1"]


def test_a_load_without_anything_new_leaves_a_handled_customer_handled(journal: Journal) -> None:
    star = star_with(written())
    handle(star, journal, "o1")
    stores = star["dim_store"].with_columns(as_of=pl.col("as_of") + dt.timedelta(days=1))
    assert waiting_now({**star, "dim_store": stores}, journal) == []


def test_what_happened_between_the_data_and_the_click_brings_the_customer_back(journal: Journal) -> None:
    """The data of the evening do not know of a message at night; who calls in the morning has not seen it."""
    handle(star_with(written()), journal, "o1")
    night = star_with(written(last_customer_message_at=NOW + hours(1)))
    stores = night["dim_store"].with_columns(as_of=pl.col("as_of") + dt.timedelta(hours=12))
    assert waiting_now({**night, "dim_store": stores}, journal) == ["o1"]


def test_a_merge_of_customers_keeps_what_was_handled(journal: Journal) -> None:
    first, second = written(), written(last_customer_message_at=NOW - hours(4)) | {"opportunity_key": "o2"}
    apart = star_with(first, second, leads=[lead_of(first), lead_of(second, lead_id="77")])
    handle(apart, journal, "o2")
    assert waiting_now(apart, journal) == ["o1"]
    both = [lead_of(first), lead_of(first, lead_key="l2", lead_id="77")]
    assert waiting_now(star_with(first, leads=both), journal) == []


def test_the_same_id_at_another_store_or_system_is_another_customer(journal: Journal) -> None:
    star = star_with(written())
    handle(star, journal, "o1")
    elsewhere = star_with(written(), leads=[lead_of(written(), system="dms")])
    assert waiting_now(elsewhere, journal) == ["o1"]


def test_entries_of_other_kinds_and_of_nobody_on_the_list_change_nothing(journal: Journal) -> None:
    journal.write("action", who="Ada", store="Northgate Motors", system="crm", natural_id="O1")
    journal.write("handled", who="Ada", store="Northgate Motors", system="crm", natural_id="none such")
    assert len(waiting_now(waiting_star(), journal)) == 5


def test_an_entry_with_an_id_alone_handles_its_record(journal: Journal) -> None:
    journal.write("handled", who="Ada", store="Northgate Motors", system="crm", natural_id="O1")
    assert "o1" not in waiting_now(waiting_star(), journal)


def test_nobody_waiting_divides_into_nobody(journal: Journal) -> None:
    waiting, handled = calling.divide(rows_of(star_of()), journal.entries())
    assert (waiting.height, handled.height) == (0, 0)
    assert calling.customers(waiting).height == 0
    assert calling.answer(calling.customers(waiting)).startswith("**Nobody waits.**")


# ----------------------------------------------------------------------------------------------------------- the words


def test_the_answer_counts_names_the_worst_reason_and_whom_to_call_first() -> None:
    found = calling.customers(rows_of(waiting_star()))
    assert calling.answer(found) == (
        "**5 customers wait.** 2 of them wrote to us and got no answer. **Call first:** "
        r"Customer 0, [555\-0100](tel:5550100); Customer 2, [555\-0102](tel:5550102); "
        r"Customer 4, [555\-0104](tel:5550104)."
    )
    assert calling.next_step(found).startswith("**Next:** Call, or answer the message, today.")


def test_one_customer_is_one_and_all_are_all() -> None:
    one = calling.customers(rows_of(star_with(written())))
    assert calling.answer(one) == (
        r"**One customer waits:** Customer 0, [555\-0100](tel:5550100), who wrote to us and got no answer."
    )
    two = star_with(written(), written() | {"opportunity_key": "o2"})
    assert "All of them wrote to us" in calling.answer(calling.customers(rows_of(two)))


def test_a_name_cannot_format_the_answer() -> None:
    star = star_with(written())
    names = star["dim_customer"].with_columns(customer=pl.lit("*Eve* [x](http://evil)"))
    assert rf"\*Eve\* \[x\]\(http\:{theme.NO_LINK}//evil\)" in calling.answer(
        calling.customers(rows_of({**star, "dim_customer": names}))
    )


def told(**columns: Any) -> str:
    row = {"last_touch_at": NOW, "last_touch_channel": "call", "last_touch_direction": "out"}
    row |= {"last_touch_result": "no_answer", "last_touch_by": "Ada Reyes", "is_last_touch_human": True}
    return calling.last_touch(row | columns, "today 14:00")


def test_the_last_touch_says_whose_it_was() -> None:
    assert told() == "last: call, Ada Reyes, no answer, today 14:00"
    assert told(last_touch_direction="in", last_touch_channel="email") == "last: e-mail from the customer, today 14:00"
    assert told(is_last_touch_human=False, last_touch_result="sent") == "last: call, automatic, today 14:00"
    assert told(last_touch_at=None) == "no touch logged"


def test_moments_are_told_in_the_time_of_the_store_with_days_near_now_by_name() -> None:
    row = {"store": "Southside Autos", "as_of": NOW}
    assert calling.when(NOW, row, ZONES) == "today 11:00"
    assert calling.when(NOW - hours(12), row, ZONES) == "yesterday 23:00"
    assert calling.when(NOW + hours(24), row, ZONES) == "tomorrow 11:00"
    assert calling.when(NOW - hours(24 * 30), row, ZONES) == "Apr 20, 2026 11:00"
    assert calling.when(None, row, ZONES) == ""


def test_a_number_is_dialled_without_its_extension_and_remarks() -> None:
    assert calling.dial("+1 (312) 555-0104 x12 (noon)").endswith("(tel:+13125550104)")
    assert calling.dial("312.555.0104").endswith("(tel:3125550104)")


def test_an_address_cannot_break_out_of_its_link() -> None:
    assert calling.mail("a)b@example.com") == r"[a\)b@example.com](mailto:a%29b@example.com)"


def test_the_vehicle_is_told_to_who_calls_short_and_escaped() -> None:
    row = written()
    asked = [lead_of(row, vehicle="2024 *Comet* " + "Hatch" * 20)]
    [found] = calling.customers(rows_of(star_with(row, leads=asked))).to_dicts()
    assert calling.wants(found) == ("2024 *Comet* " + "Hatch" * 20)[:60] + "…"
    told = calling.first_lines(calling.customers(rows_of(star_with(row, leads=asked))))
    assert r"About: 2024 \*Comet\* Hatch" in told
    assert "About" not in calling.first_lines(calling.customers(rows_of(star_with(row))))


def test_owners_come_by_name_nobody_last_and_most_first_by_count() -> None:
    found = calling.customers(rows_of(waiting_star()))
    assert calling.owners(found) == ["Ada Reyes", "Ben Okoye", "(unassigned)"]
    assert calling.by_owner(found).rows() == [("Ada Reyes", 3, 1), ("(unassigned)", 1, 0), ("Ben Okoye", 1, 1)]
    assert [(one.name, count) for one, count in calling.by_list(found)] == [
        ("unanswered_message", 2),
        ("no_human_touch", 2),
        ("no_show_not_called", 1),
    ]


# ---------------------------------------------------------------------------------------------------------- the files


def test_a_file_names_reasons_and_local_times_and_runs_no_formula() -> None:
    star = star_with(written(), leads=[lead_of(written(), lead_id="=1+1", system="=crm", vehicle="@2024 Comet")])
    found = calling.customers(rows_of(star))
    frame = calling.as_file(found, STORES)
    [row] = frame.to_dicts()
    assert row["Reason"] == "Wrote to us and got no answer."
    assert (row["Customer"], row["Phone"], row["Waits since"]) == ("Customer 0", "555-0100", "2026-05-20 12:00")
    text = download.to_csv(frame, calling.about(found, "everything", "today", "s1")).decode("utf-8-sig")
    assert "# Wrote, not answered: wrote to us and got no answer." in text
    assert "# Filters: everything" in text
    assert "'=crm =1+1" in text
    assert row["Vehicle"] == "@2024 Comet"
    assert "'@2024 Comet" in text
