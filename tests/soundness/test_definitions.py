"""The definitions as a stranger reads them: small exports in, the command line out, numbers worked out by hand.

    CSV files --`python -m loaders load`--> snapshot --`python -m metrics show --format json`--> numbers
        \\________________ docs/data_model.md and the house's definitions, read sentence by sentence ________/

Nothing between the two commands is touched, so a rule that any room reads otherwise than it was written shows here.
Unless a test says otherwise the store keeps UTC and is open Monday to Saturday, 9 to 20.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from loaders.__main__ import app as loaders_app
from metrics.__main__ import app as metrics_app
from metrics.catalog import METRICS

Row = dict[str, Any]

NORTH = '[[store]]\nname = "North"\ntime_zone = "UTC"\n'
AS_OF = "2026-06-30T12:00:00"
LEAD = "lead_id,created_at"
NUMBERS = ["metric", "numerator", "denominator", "value", "low", "high", "n_immature"]


class Dealership:
    """A folder of exports and the warehouse that they were loaded into."""

    def __init__(self, folder: Path) -> None:
        self.exports = folder / "exports"
        self.warehouse = folder / "warehouse"
        self.settings = folder / "settings.toml"
        self.exports.mkdir()

    def load(self, settings: str, as_of: str | None, files: dict[str, str]) -> Row:
        """Write the files, load them all and return what `load --json` printed."""
        self.settings.write_text(settings, encoding="utf-8")
        for name, text in files.items():
            lines = [line.strip() for line in text.strip().splitlines()]
            (self.exports / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = ["load", self.exports, "--settings", self.settings, "--warehouse", self.warehouse, "--json"]
        result = CliRunner().invoke(
            loaders_app, [str(word) for word in [*words, *(["--as-of", as_of] if as_of else [])]]
        )
        assert result.exit_code == 0, result.stderr
        loaded: Row = json.loads(result.stdout)
        tables = [counts for file in loaded["files"] for counts in file["tables"].values()]
        assert all(counts["read"] == counts["accepted"] for counts in tables), loaded
        return loaded

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(metrics_app, [*words, "--warehouse", str(self.warehouse)])

    def show(self, *words: str) -> list[Row]:
        result = self.run("show", *words, "--format", "json")
        assert result.exit_code == 0, result.stderr
        rows: list[Row] = json.loads(result.stdout)
        return rows

    def value(self, metric: str, *words: str) -> Any:
        (row,) = self.show(metric, *words)
        return row["value"]

    def parts(self, metric: str, *words: str) -> tuple[Any, Any, Any]:
        """Numerator, denominator and immature rows."""
        (row,) = self.show(metric, *words)
        return row["numerator"], row["denominator"], row["n_immature"]

    def by(self, dimension: str, metric: str, *words: str) -> dict[str, Any]:
        return {row[dimension]: row["value"] for row in self.show(metric, "--by", dimension, *words)}


class Loader:
    """Loads one dealership a call: `loaded(lead="...", sale="...")`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def __call__(self, settings: str = NORTH, as_of: str | None = AS_OF, **files: str) -> Dealership:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        dealership = Dealership(folder)
        dealership.load(settings, as_of, files)
        return dealership


@pytest.fixture
def loaded(tmp_path: Path) -> Loader:
    """Loads exports written by a test into a warehouse of their own."""
    return Loader(tmp_path)


# --- volume and eligibility -------------------------------------------------------------------------------------------


def test_leads_are_sales_leads_not_test_not_resend_and_opportunities_leave_out_what_is_wholly_duplicate(
    loaded: Loader,
) -> None:
    """Of nine records leads keep five (a duplicate counts, a resend does not) and opportunities the reverse."""
    here = loaded(
        lead="""lead_id,created_at,lead_type,status,is_test,is_resend
            sales,2026-03-02T10:00:00,internet,open,,
            bad,2026-03-02T10:00:00,internet,bad,,
            lost,2026-03-02T10:00:00,phone,lost,,
            walkin,2026-03-02T10:00:00,walk_in,open,,
            duplicate,2026-03-02T10:00:00,internet,duplicate,,
            resend,2026-03-02T10:00:00,internet,open,,yes
            test,2026-03-02T10:00:00,internet,open,yes,
            service,2026-03-02T10:00:00,service,open,,
            import,2026-03-02T10:00:00,import,open,,"""
    )
    assert here.value("leads") == 5
    assert here.value("opportunities") == 5
    assert here.by("lead_type", "leads") == {"internet": 3, "phone": 1, "walk_in": 1}


def test_a_duplicate_beside_a_lead_that_is_none_stays_in_the_opportunity(loaded: Loader) -> None:
    here = loaded(
        lead="""lead_id,created_at,email,status
            1,2026-03-02T10:00:00,ana@example.com,duplicate
            2,2026-03-03T10:00:00,ANA@example.com,open"""
    )
    assert (here.value("leads"), here.value("opportunities")) == (2, 1)


# --- identity ---------------------------------------------------------------------------------------------------------


def stores(count: int) -> list[str]:
    """As many stores that settings do not name: each case of a rule in a store of its own, one load for all."""
    return [f"case {number:02}" for number in range(count)]


def test_one_customer_by_email_or_phone_and_never_by_a_placeholder(loaded: Loader) -> None:
    pairs = [
        ("ana@example.com,,", " ANA@Example.COM,,", 1),
        (",312-555-0142,", ",,+1 (312) 555.0142", 1),
        (",312-555-0142 x12,", ",3125550142,", 1),
        (",000-000-0000,", ",0000000000,", 2),
        (",312-555-5555,", ",3125555555,", 2),
        (",312-000-0000,", ",312-000-0000,", 2),
        (",1234567890,", ",1234567890,", 2),
        ("none@none.com,,", "none@none.com,,", 2),
        ("noemail@example.com,,", "noemail@example.com,,", 2),
        ("ana@example.com,,", "bo@example.com,,", 2),
    ]
    names = stores(len(pairs))
    rows = "\n".join(
        f"{store},1,2026-03-02T10:00:00,{first}\n{store},2,2026-03-03T10:00:00,{second}"
        for store, (first, second, _) in zip(names, pairs, strict=True)
    )
    here = loaded(lead=f"store,lead_id,created_at,email,phone,phone_2\n{rows}")
    assert here.by("store", "opportunities") == dict(zip(names, [customers for *_, customers in pairs], strict=True))


def test_a_phone_with_more_than_three_names_joins_nobody(loaded: Loader) -> None:
    here = loaded(
        lead="""store,lead_id,created_at,customer_name,phone
            three,1,2026-03-02T10:00:00,Ana Lee,312-555-0142
            three,2,2026-03-02T10:00:00,Bo Roy,312-555-0142
            three,3,2026-03-02T10:00:00,"LEE, ana",312-555-0142
            three,4,2026-03-02T10:00:00,Cy O'Dell,312-555-0142
            three,5,2026-03-02T10:00:00,Odell Cy,312-555-0142
            three,6,2026-03-02T10:00:00,,312-555-0142
            four,1,2026-03-02T10:00:00,Ana Lee,312-555-0142
            four,2,2026-03-02T10:00:00,Bo Roy,312-555-0142
            four,3,2026-03-02T10:00:00,Cy Day,312-555-0142
            four,4,2026-03-02T10:00:00,Di Fox,312-555-0142"""
    )
    assert here.by("store", "opportunities") == {"four": 4, "three": 1}


def test_how_many_names_are_too_many_is_a_setting(loaded: Loader) -> None:
    rows = "\n".join(f"{name},2026-03-02T10:00:00,{name},312-555-0142" for name in ("Ana", "Bo"))
    here = loaded(
        settings=NORTH + "[identity]\nmax_names = 1\n", lead=f"lead_id,created_at,customer_name,phone\n{rows}"
    )
    assert here.value("opportunities") == 2


def test_identity_is_carried_through_a_chain_but_not_across_stores(loaded: Loader) -> None:
    two = NORTH + '[[store]]\nname = "South"\ntime_zone = "UTC"\n'
    here = loaded(
        settings=two,
        lead="""store,lead_id,created_at,email,phone
            North,1,2026-03-02T10:00:00,ana@example.com,
            North,2,2026-03-03T10:00:00,ana@example.com,312-555-0142
            North,3,2026-03-04T10:00:00,,312-555-0142
            South,4,2026-03-04T10:00:00,ana@example.com,312-555-0142""",
    )
    assert here.by("store", "opportunities") == {"North": 1, "South": 1}


def test_a_customer_id_of_zero_is_nobody(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD},customer_id\n1,2026-03-02T10:00:00,0\n2,2026-03-02T11:00:00,0")
    assert here.value("opportunities") == 2


# --- episodes ---------------------------------------------------------------------------------------------------------


def test_more_than_ninety_days_of_silence_begin_a_new_opportunity(loaded: Loader) -> None:
    """Where either end is only a date, days are calendar days: 90 of them are not more than 90."""
    pairs = [
        ("2026-03-01T10:00:00", "2026-05-30T10:00:00", 1),
        ("2026-03-01T10:00:00", "2026-05-30T10:00:01", 2),
        ("2026-03-01", "2026-05-30T18:00:00", 1),
        ("2026-03-01", "2026-05-30", 1),
        ("2026-03-01", "2026-05-31", 2),
    ]
    names = stores(len(pairs))
    rows = "\n".join(
        f"{store},1,{first},7\n{store},2,{second},7" for store, (first, second, _) in zip(names, pairs, strict=True)
    )
    here = loaded(lead=f"store,{LEAD},customer_id\n{rows}")
    assert here.by("store", "opportunities") == dict(zip(names, [episodes for *_, episodes in pairs], strict=True))


def test_ninety_calendar_days_over_the_autumn_night_are_ninety_days(loaded: Loader) -> None:
    """2025-09-01 to 2025-11-30 in Chicago: 90 days by the calendar, an hour more by the clock."""
    chicago = '[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n'
    here = loaded(settings=chicago, lead=f"{LEAD},customer_id\n1,2025-09-01,7\n2,2025-11-30,7")
    assert here.value("opportunities") == 1


def test_customers_people_and_appointments_keep_an_opportunity_alive_and_machines_do_not(loaded: Loader) -> None:
    kept = ("customer", "person", "machine", "appointment", "visit", "nothing")
    leads = "\n".join(f"{store},1,2026-01-01T10:00:00,7\n{store},2,2026-05-01T10:00:00,7" for store in kept)
    here = loaded(
        lead=f"store,{LEAD},customer_id\n{leads}",
        contact="""store,lead_id,occurred_at,direction,channel,is_automated
            customer,1,2026-03-15T10:00:00,in,text,
            person,1,2026-03-15T10:00:00,out,call,no
            machine,1,2026-03-15T10:00:00,out,email,yes""",
        appointment="store,lead_id,set_at,due_at\nappointment,1,2026-03-15T10:00:00,2026-03-16T10:00:00",
        visit="store,lead_id,arrived_at\nvisit,1,2026-03-15T10:00:00",
    )
    found = here.by("store", "opportunities")
    assert found == {"appointment": 1, "customer": 1, "machine": 2, "nothing": 2, "person": 1, "visit": 1}


def test_a_retail_sale_that_was_not_reversed_ends_the_opportunity(loaded: Loader) -> None:
    deals = ("retail", "lease", "wholesale", "reversed")
    leads = "\n".join(f"{store},1,2026-03-01T10:00:00,7\n{store},2,2026-03-20T10:00:00,7" for store in deals)
    here = loaded(
        lead=f"store,{LEAD},customer_id\n{leads}",
        sale="""store,sale_id,lead_id,sold_at,sale_type,reversed_at
            retail,1,1,2026-03-05T10:00:00,retail,
            lease,1,1,2026-03-05T10:00:00,lease,
            wholesale,1,1,2026-03-05T10:00:00,wholesale,
            reversed,1,1,2026-03-05T10:00:00,retail,2026-03-06T10:00:00""",
    )
    assert here.by("store", "opportunities") == {"lease": 2, "retail": 2, "reversed": 1, "wholesale": 1}


# --- contacted --------------------------------------------------------------------------------------------------------

TOUCH = "lead_id,occurred_at,direction,channel,result,is_automated"


def test_contacted_is_both_sides_speaking_and_ours_a_person(loaded: Loader) -> None:
    cases = [
        (["out,call,connected,"], 1),
        (["in,call,connected,"], 1),
        (["out,call,left_message,"], 0),
        (["out,call,no_answer,"], 0),
        (["out,text,sent,"], 0),
        (["in,text,received,"], 0),
        (["out,text,sent,", "in,email,received,"], 1),
        (["in,chat,received,", "out,email,sent,"], 1),
        (["out,email,sent,yes", "in,email,received,"], 0),
        (["in,email,received,", "out,email,bounced,"], 0),
        (["out,call,connected,yes"], 0),
        (["in,visit,other,"], 1),
        # An out-of-office reply is a machine's, whichever side it stands on.
        (["out,email,sent,", "in,email,received,yes"], 0),
    ]
    names = stores(len(cases))
    leads = "\n".join(f"{number},2026-03-02T10:00:00,{name}" for number, name in enumerate(names))
    rows = "\n".join(
        f"{number},2026-03-02T{11 + hour}:00:00,{touch}"
        for number, (touches, _) in enumerate(cases)
        for hour, touch in enumerate(touches)
    )
    here = loaded(lead=f"{LEAD},source\n{leads}", contact=f"{TOUCH}\n{rows}")
    assert here.by("source", "contact_rate") == dict(zip(names, [is_hit for _, is_hit in cases], strict=True))


def test_the_lead_form_is_no_contact_and_a_show_is_one_and_a_booking_or_a_sale_is_none(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},source\n1,2026-03-02T10:00:00,form\n2,2026-03-02T10:00:00,show\n3,2026-03-02T10:00:00,sale",
        contact=f"{TOUCH}\n1,2026-03-02T10:00:00,in,email,received,\n1,2026-03-02T10:05:00,out,email,sent,",
        appointment="""lead_id,set_at,due_at,outcome
            2,2026-03-02T11:00:00,2026-03-03T11:00:00,shown
            3,2026-03-02T11:00:00,2026-03-03T11:00:00,no_show""",
        sale="sale_id,lead_id,sold_at\n1,3,2026-03-04T10:00:00",
    )
    assert here.by("source", "contact_rate") == {"form": 0, "sale": 0, "show": 1}


def test_without_any_contact_log_the_crms_own_first_contact_counts(loaded: Loader) -> None:
    leads = """store,lead_id,created_at,crm_first_contact_at,crm_first_attempt_at
        North,1,2026-03-02T10:00:00,2026-03-02T12:00:00,2026-03-02T10:10:00
        South,2,2026-03-02T10:00:00,2026-03-02T12:00:00,2026-03-02T10:10:00"""
    two = NORTH + '[[store]]\nname = "South"\ntime_zone = "UTC"\n'
    here = loaded(
        settings=two,
        lead=leads,
        contact=f"store,{TOUCH}\nSouth,2,2026-03-02T11:00:00,out,call,no_answer,",
    )
    assert here.by("store", "contact_rate") == {"North": 1, "South": 0}
    assert here.by("store", "answered_within_standard") == {"North": 1, "South": 0}


# --- so far rates and maturity ----------------------------------------------------------------------------------------


def test_so_far_rates_count_every_base_row_and_say_how_many_are_young(loaded: Loader) -> None:
    """Now is 2026-06-30 12:00. Contact settles after 7 days, set after 14, closing after 90, exactly."""
    here = loaded(
        lead=f"""{LEAD}
            1,2026-06-23T12:00:00
            2,2026-06-23T12:00:01
            3,2026-06-16T12:00:01
            4,2026-04-01T12:00:00
            5,2026-04-01T12:00:01""",
        contact=f"{TOUCH}\n3,2026-06-20T10:00:00,out,call,connected,",
        appointment="lead_id,set_at,due_at\n3,2026-06-20T10:00:00,2026-06-21T10:00:00",
        sale="sale_id,lead_id,sold_at\n1,5,2026-06-01T10:00:00",
    )
    assert here.parts("contact_rate") == (1, 5, 1)
    assert here.parts("set_rate") == (1, 5, 2)
    assert here.parts("contact_to_appointment") == (1, 1, 0)
    assert here.parts("closing_rate") == (1, 5, 3)


def test_contact_to_appointment_settles_fourteen_days_after_the_contact(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD}\n1,2026-03-02T10:00:00\n2,2026-03-02T10:00:00",
        contact=f"{TOUCH}\n1,2026-06-16T12:00:00,out,call,connected,\n2,2026-06-16T12:00:01,out,call,connected,",
    )
    assert here.parts("contact_to_appointment") == (0, 2, 1)


def test_show_to_sale_is_clocked_by_the_first_show_and_settles_thirty_days_after_it(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD}\n1,2026-03-02T10:00:00\n2,2026-03-02T10:00:00\n3,2026-03-02T10:00:00",
        appointment="""lead_id,set_at,due_at,outcome,shown_at
            1,2026-03-03T10:00:00,2026-04-02T10:00:00,shown,2026-04-02T10:10:00
            1,2026-03-03T10:00:00,2026-05-02T10:00:00,shown,2026-05-02T10:10:00
            2,2026-03-03T10:00:00,2026-05-31T11:00:00,shown,
            3,2026-03-03T10:00:00,2026-05-31T13:00:00,shown,""",
        sale="sale_id,lead_id,sold_at\n1,1,2026-05-03T10:00:00",
    )
    assert here.parts("show_to_sale") == (1, 3, 1)
    by_month = here.show("show_to_sale", "--grain", "month")
    assert [(row["period"], row["numerator"], row["denominator"]) for row in by_month] == [
        ("2026-04-01", 1, 1),
        ("2026-05-01", 0, 2),
    ]


def test_windowed_closing_counts_only_closed_windows_in_both_parts(loaded: Loader) -> None:
    """Thirty days: of four, one bought in time, one a second late, one never, one is still open though it bought."""
    here = loaded(
        lead=f"""{LEAD}
            in_time,2026-03-01T10:00:00
            late,2026-03-01T10:00:00
            never,2026-05-31T12:00:00
            open,2026-05-31T12:00:01""",
        sale="""sale_id,lead_id,sold_at
            1,in_time,2026-03-31T10:00:00
            2,late,2026-03-31T10:00:01
            3,open,2026-06-01T10:00:00""",
    )
    assert here.parts("closing_rate_30") == (1, 3, 1)
    assert here.parts("closing_rate_60") == (2, 2, 2)
    assert here.parts("closing_rate_90") == (2, 2, 2)


def test_n_days_are_calendar_days_where_either_end_is_a_date(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},source\n1,2026-03-01,a\n2,2026-03-01,b\n3,2026-03-01T18:00:00,c\n4,2026-03-01T18:00:00,d",
        sale="""sale_id,lead_id,sold_at
            1,1,2026-03-31T23:00:00
            2,2,2026-04-01
            3,3,2026-03-31
            4,4,2026-04-01""",
    )
    assert here.by("source", "closing_rate_30") == {"a": 1, "b": 0, "c": 1, "d": 0}


def test_a_sale_before_its_lead_still_counts_also_within_n_days_and_is_a_finding(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD}\n1,2026-03-02T10:00:00", sale="sale_id,lead_id,sold_at\n1,1,2026-02-20T10:00:00")
    assert here.parts("closing_rate") == (1, 1, 0)
    assert here.parts("closing_rate_30") == (1, 1, 0)


# --- appointments -----------------------------------------------------------------------------------------------------

BOOKED = (
    "appointment_id,lead_id,appointment_type,set_at,due_at,outcome,shown_at,cancelled_at,rescheduled_at,rescheduled_to"
)


def test_appointments_set_due_and_shown_by_hand(loaded: Loader) -> None:
    """Most are due 2026-06-10 15:00. Set counts sales appointments, a chain once; due counts those still standing."""
    here = loaded(
        lead=f"{LEAD}\n1,2026-06-01T10:00:00",
        appointment=f"""{BOOKED}
            shown,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,shown,,,,
            drive,1,test_drive,2026-06-02T10:00:00,2026-06-10T15:00:00,no_show,,,,
            unresolved,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,,,,,
            early_cancel,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,cancelled,,2026-06-10T14:59:59,,
            late_cancel,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,cancelled,,2026-06-10T15:00:00,,
            untimed_cancel,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,cancelled,,,,
            moved,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,rescheduled,,,2026-06-09T10:00:00,moved_to
            moved_to,1,sales,2026-06-09T10:00:00,2026-06-12T15:00:00,shown,,,,
            moved_late,1,sales,2026-06-02T10:00:00,2026-06-10T15:00:00,rescheduled,,,2026-06-11T10:00:00,moved_late_to
            moved_late_to,1,sales,2026-06-11T10:00:00,2026-07-12T15:00:00,,,,,
            service,1,service,2026-06-02T10:00:00,2026-06-10T15:00:00,shown,,,,
            delivery,1,delivery,2026-06-02T10:00:00,2026-06-10T15:00:00,shown,,,,
            future,1,sales,2026-06-02T10:00:00,2026-07-10T15:00:00,,,,,""",
    )
    assert here.value("appointments_set") == 9
    assert here.value("appointments_due") == 6
    assert here.value("shows") == 2
    assert here.parts("show_rate") == (2, 6, 1)
    assert here.by("appointment_type", "appointments_due") == {"sales": 5, "test_drive": 1}


def test_confirmed_is_before_due_by_time_and_a_flag_counts_where_there_is_no_time(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD}\n1,2026-06-01T10:00:00",
        appointment="""lead_id,set_at,due_at,confirmed_at,is_confirmed,outcome
            1,2026-06-02T10:00:00,2026-06-10T15:00:00,2026-06-10T14:00:00,,shown
            1,2026-06-02T10:00:00,2026-06-10T15:01:00,2026-06-10T16:00:00,yes,shown
            1,2026-06-02T10:00:00,2026-06-10T15:02:00,,yes,shown
            1,2026-06-02T10:00:00,2026-06-10T15:03:00,,no,shown
            1,2026-06-02T10:00:00,2026-07-10T15:04:00,,yes,""",
    )
    assert here.parts("confirm_rate") == (2, 4, 0)


def test_a_time_of_showing_or_cancelling_says_what_an_empty_outcome_does_not(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD}\n1,2026-06-01T10:00:00",
        appointment="""lead_id,set_at,due_at,shown_at,cancelled_at
            1,2026-06-02T10:00:00,2026-06-10T15:00:00,2026-06-10T15:05:00,
            1,2026-06-02T10:00:00,2026-06-11T15:00:00,,2026-06-10T10:00:00""",
    )
    assert here.parts("show_rate") == (1, 1, 0)


def test_an_appointment_keeps_its_own_setter_and_the_opportunity_that_of_its_first(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},salesperson\n1,2026-06-01T10:00:00,Ana\n2,2026-06-01T10:00:00,Ana",
        appointment="""lead_id,set_at,due_at,set_by,outcome
            1,2026-06-02T10:00:00,2026-06-10T15:00:00,Bo,no_show
            1,2026-06-11T10:00:00,2026-06-12T15:00:00,Cy,shown
            2,2026-06-02T10:00:00,2026-06-10T15:00:00,,no_show
            2,2026-06-11T10:00:00,2026-06-12T15:00:00,Cy,shown""",
    )
    assert here.by("person", "appointments_set") == {"(unassigned)": 1, "Bo": 1, "Cy": 2}
    assert here.by("person", "show_rate") == {"(unassigned)": 0, "Bo": 0, "Cy": 1}
    assert here.by("person", "show_rate", "--credit", "salesperson") == {"Ana": 0.5}
    shown = here.show("show_to_sale", "--by", "person", "--credit", "setter")
    assert [(row["person"], row["credit"], row["denominator"]) for row in shown] == [
        ("(unassigned)", "setter", 1),
        ("Bo", "setter", 1),
    ]


# --- response ---------------------------------------------------------------------------------------------------------

CHICAGO = """[[store]]
name = "North"
time_zone = "America/Chicago"
holidays = [2026-04-04]
[store.hours]
mon = "09:00-20:00"
tue = "09:00-20:00"
wed = "09:00-20:00"
thu = "09:00-20:00"
fri = "09:00-20:00"
sat = "09:00-20:00"
sun = "closed"
"""


def test_the_standard_is_fifteen_open_minutes(loaded: Loader) -> None:
    cases = [
        ("2026-03-02T10:00:00", "2026-03-02T10:15:00", 1, 15),
        ("2026-03-02T10:00:00", "2026-03-02T10:15:01", 0, 15 + 1 / 60),
        # Created and answered while closed: no open minute passed.
        ("2026-03-02T21:00:00", "2026-03-02T23:30:00", 1, 0),
        # The clock starts at the next opening.
        ("2026-03-02T21:00:00", "2026-03-03T09:12:00", 1, 12),
        # Ten minutes before closing and ten after opening.
        ("2026-03-02T19:50:00", "2026-03-03T09:10:00", 0, 20),
        # Saturday evening to Monday over the spring night; Sunday is closed.
        ("2026-03-07T19:55:00", "2026-03-09T09:05:00", 1, 10),
        # Friday evening to Monday over a holiday on Saturday.
        ("2026-04-03T19:55:00", "2026-04-06T09:05:00", 1, 10),
        # Saturday evening to Monday over the autumn night.
        ("2025-11-01T19:55:00", "2025-11-03T09:05:00", 1, 10),
        # Answered before it was logged: reached, with no lag.
        ("2026-03-02T10:00:00", "2026-03-02T09:50:00", 1, 0),
    ]
    names = stores(len(cases))
    leads = "\n".join(f"{name},{created},{name}" for name, (created, *_) in zip(names, cases, strict=True))
    rows = "\n".join(f"{name},{case[1]},out,text,sent," for name, case in zip(names, cases, strict=True))
    here = loaded(settings=CHICAGO, lead=f"{LEAD},source\n{leads}", contact=f"{TOUCH}\n{rows}")
    hits = [is_in_time for _, _, is_in_time, _ in cases]
    minutes = [pytest.approx(expected) for *_, expected in cases]
    assert here.by("source", "answered_within_standard") == dict(zip(names, hits, strict=True))
    assert here.by("source", "median_response_minutes") == dict(zip(names, minutes, strict=True))
    assert here.parts("never_answered_rate") == (0, len(cases), 0)


def test_only_what_needs_an_answer_and_whose_time_is_up_is_judged(loaded: Loader) -> None:
    """Now is Tuesday 12:00; the lead of 11:45:01 still has a second. An auto-reply answers nothing."""
    here = loaded(
        lead=f"""{LEAD},lead_type
            phone,2026-06-29T10:00:00,phone
            walkin,2026-06-29T10:00:00,walk_in
            in_time,2026-06-29T10:00:00,internet
            machine,2026-06-29T10:00:00,internet
            late,2026-06-29T10:00:00,chat
            just_closed,2026-06-30T11:45:00,internet
            still_open,2026-06-30T11:45:01,internet""",
        contact=f"""{TOUCH}
            in_time,2026-06-29T10:05:00,out,call,no_answer,
            machine,2026-06-29T10:00:05,out,email,sent,yes
            late,2026-06-29T11:00:00,out,call,left_message,
            still_open,2026-06-30T11:46:00,out,call,left_message,""",
    )
    assert here.parts("answered_within_standard") == (1, 4, 1)
    assert here.parts("never_answered_rate") == (2, 4, 1)


def test_a_stores_own_standard_and_the_setting_replace_fifteen_minutes(loaded: Loader) -> None:
    leads = f"store,{LEAD},lead_type\nNorth,1,2026-03-02T10:00:00,internet\nSouth,2,2026-03-02T10:00:00,internet"
    touches = f"""store,{TOUCH}
        North,1,2026-03-02T10:25:00,out,call,no_answer,
        South,2,2026-03-02T10:25:00,out,call,no_answer,"""
    south = '[[store]]\nname = "South"\ntime_zone = "UTC"\n'
    two = f"{NORTH}response_minutes = 20\n{south}[standards]\nresponse_minutes = 30\n"
    here = loaded(settings=two, lead=leads, contact=touches)
    assert here.by("store", "answered_within_standard") == {"North": 0, "South": 1}


def test_the_median_counts_the_unanswered_as_still_waiting(loaded: Loader) -> None:
    """Four leads a source; answered after 5, 9, 20, 30 minutes, or not yet."""
    answers = {"one": (5,), "two": (5, 9), "three": (5, 9, 20), "four": (5, 9, 20, 30)}
    leads = "\n".join(f"{name}{lead},2026-03-02T10:00:00,{name}" for name in answers for lead in range(4))
    rows = "\n".join(
        f"{name}{lead},2026-03-02T10:{after:02}:00,out,call,no_answer,"
        for name, minutes in answers.items()
        for lead, after in enumerate(minutes)
    )
    here = loaded(lead=f"{LEAD},source\n{leads}", contact=f"{TOUCH}\n{rows}")
    found = here.show("median_response_minutes", "--by", "source")
    assert {row["source"]: row["value"] for row in found} == {"one": None, "two": 9, "three": 14.5, "four": 14.5}
    shape = {"numerator": None, "denominator": 4, "low": None, "high": None, "n_immature": 0}
    assert all({name: row[name] for name in shape} == shape for row in found)


# --- sales and gross --------------------------------------------------------------------------------------------------


def test_units_and_gross_of_split_unwound_and_wholesale_deals(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},salesperson\n1,2026-03-02T10:00:00,Ana",
        sale="""sale_id,lead_id,sold_at,sale_type,reversed_at,salesperson,split_with,front_gross,back_gross,total_gross
            plain,1,2026-03-05T10:00:00,retail,,Ana,,1000,500,1400
            split,,2026-03-06T10:00:00,lease,,Ana,Bo,100,50.01,
            front,,2026-03-07T10:00:00,retail,,Bo,,200,,
            unknown,,2026-03-08T10:00:00,retail,,Bo,,,,
            nobody,,2026-03-08T10:00:00,retail,,,,10,,
            unwound,,2026-03-09T10:00:00,retail,2026-04-09T10:00:00,Ana,,900,,
            wholesale,,2026-03-10T10:00:00,wholesale,,Ana,,900,,
            trade,,2026-03-10T10:00:00,dealer_trade,,Ana,,900,,
            fleet,,2026-03-10T10:00:00,fleet,,Ana,,900,,""",
    )
    assert here.value("sold_units") == 5
    assert here.by("person", "sold_units") == {"Ana": 1.5, "Bo": 2.5, "(unassigned)": 1}
    assert here.value("gross") == pytest.approx(1400 + 150.01 + 200 + 10)
    assert here.by("person", "gross")["Ana"] == pytest.approx(1475.005)
    per_sale = here.show("gross_per_sale")[0]
    assert (per_sale["numerator"], per_sale["denominator"]) == (pytest.approx(1760.01), 4)


def test_gross_that_nobody_entered_is_unknown_and_not_zero(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD}\n1,2026-03-02T10:00:00", sale="sale_id,lead_id,sold_at\n1,1,2026-03-05T10:00:00")
    assert here.value("gross") is None
    assert here.value("gross_per_sale") is None
    assert here.value("sold_units") == 1


def test_a_sale_without_a_lead_looks_back_180_days(loaded: Loader) -> None:
    """The customer's lead is of 2026-03-02 10:00; 180 days later is 2026-08-29."""
    sold = {
        "2026-08-29T10:00:00": "Web",
        "2026-08-29T10:00:01": "(no lead)",
        "2026-08-29": "Web",
        "2026-08-30": "(no lead)",
        "2026-03-02": "Web",
        "2026-03-02T09:59:59": "(no lead)",
    }
    names = dict(zip(stores(len(sold)), sold, strict=True))
    leads = "\n".join(f"{store},1,2026-03-02T10:00:00,7,Web" for store in names)
    sales = "\n".join(f"{store},1,7,{at}" for store, at in names.items())
    here = loaded(
        as_of="2026-12-31",
        lead=f"store,{LEAD},customer_id,source\n{leads}",
        sale=f"store,sale_id,customer_id,sold_at\n{sales}",
    )
    found = {row["store"]: row["source"] for row in here.show("sold_units", "--by", "store,source")}
    assert found == {store: sold[at] for store, at in names.items()}


def test_crm_and_dms_records_of_one_deal_are_one(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},customer_id,salesperson\n1,2026-03-02T10:00:00,7,Ana\n2,2026-03-02T10:00:00,8,Ana",
        sale="""system,sale_id,lead_id,customer_id,sold_at,contract_at,vin,salesperson,total_gross
            generic,1,1,,2026-03-05T10:00:00,,1TEST000000000001,Ana,
            dms,D1,,,,2026-03-06,1test000000000001,,700
            generic,2,2,8,2026-03-07T10:00:00,,,Ana,300
            dms,D2,2,8,2026-03-07,,1TEST000000000002,,""",
    )
    assert here.value("sold_units") == 2
    assert here.by("person", "gross") == {"Ana": 1000}
    assert [row["period"] for row in here.show("sold_units", "--grain", "day")] == ["2026-03-05", "2026-03-07"]


def test_the_sale_date_is_one_choice_in_settings_with_the_next_where_it_is_missing(loaded: Loader) -> None:
    files = {
        "lead": f"{LEAD}\n1,2026-03-02T10:00:00",
        "sale": """sale_id,lead_id,sold_at,contract_at,delivered_at
            1,1,2026-03-05T10:00:00,2026-04-05,2026-05-05
            2,,2026-03-06T10:00:00,,2026-05-06""",
    }
    days = {
        choice: [
            row["period"]
            for row in loaded(settings=f'{NORTH}[sale]\ndate = "{choice}"\n', **files).show(
                "sold_units", "--grain", "month"
            )
        ]
        for choice in ("sold", "contract", "delivered")
    }
    assert days == {"sold": ["2026-03-01"], "contract": ["2026-04-01", "2026-05-01"], "delivered": ["2026-05-01"]}


def test_in_period_closing_ratio_takes_each_part_on_its_own_clock_and_may_pass_one(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},source\n1,2026-02-02T10:00:00,Web\n2,2026-03-02T10:00:00,Web",
        sale="sale_id,lead_id,sold_at\n1,1,2026-03-05T10:00:00\n2,,2026-03-06T10:00:00\n3,2,2026-03-07T10:00:00",
    )
    march = ("--from", "2026-03-01", "--to", "2026-03-31")
    (row,) = here.show("in_period_closing_ratio", *march)
    assert (row["numerator"], row["denominator"], row["value"]) == (3, 1, 3.0)
    assert here.by("source", "in_period_closing_ratio", *march) == {"(no lead)": None, "Web": 2.0}
    assert here.parts("closing_rate", *march) == (1, 1, 0)
    assert here.parts("closing_rate", *march, "--basis", "in_period") == (2, 1, 0)


# --- money ------------------------------------------------------------------------------------------------------------


def test_spend_is_spread_over_its_days_and_prorated_to_now(loaded: Loader) -> None:
    """310 over March's 31 days is 10 a day; 300 over June's 30 days, of which now has reached all but the last 15."""
    here = loaded(
        as_of="2026-06-15T12:00:00",
        lead=f"{LEAD},source\n1,2026-03-02T10:00:00,Web",
        spend="source,month,amount\nWeb,2026-03,310\nWeb,2026-06,300",
    )
    assert here.value("spend") == pytest.approx(310 + 150)
    assert here.value("spend", "--from", "2026-03-30", "--to", "2026-04-02") == pytest.approx(20)
    assert here.value("spend", "--from", "2026-06-01", "--to", "2026-06-30") == pytest.approx(150)
    assert here.value("spend", "--from", "2026-04-01", "--to", "2026-04-30") is None


def test_cost_and_return_use_only_source_months_with_known_spend_in_both_parts(loaded: Loader) -> None:
    """Web: March 300 for 2 leads (1 sold, 900), in April nothing entered. Zero: 0, and so unknown. Walk: free."""
    here = loaded(
        settings=NORTH + '[sources]\nfree = ["Walk"]\n',
        as_of="2026-12-31",
        lead=f"""{LEAD},source
            1,2026-03-02T10:00:00,Web
            2,2026-03-03T10:00:00,Web
            3,2026-04-03T10:00:00,Web
            4,2026-03-03T10:00:00,Zero
            5,2026-03-03T10:00:00,Walk
            6,2026-03-03T10:00:00,""",
        appointment="lead_id,set_at,due_at,outcome\n1,2026-03-04T10:00:00,2026-03-05T10:00:00,shown",
        sale="""sale_id,lead_id,sold_at,total_gross
            1,1,2026-05-05T10:00:00,900
            2,3,2026-05-05T10:00:00,5000
            3,4,2026-05-05T10:00:00,5000""",
        spend="source,month,amount\nWeb,2026-03,300\nZero,2026-03,0",
    )
    assert here.by("source", "cost_per_lead") == {"(no source)": None, "Walk": 0, "Web": 150, "Zero": None}
    assert here.parts("cost_per_lead") == (300, 3, 0)
    assert here.parts("cost_per_appointment") == (300, 1, 0)
    assert here.parts("cost_per_show") == (300, 1, 0)
    assert here.parts("cost_per_sale") == (300, 1, 0)
    assert here.parts("roi") == (600, 300, 0)
    assert here.value("roi") == 2.0
    assert here.value("cohort_gross") == pytest.approx(10_900)
    assert here.by("source", "spend") == {"Walk": 0, "Web": 300, "Zero": None}
    assert here.by("source", "spend", "--from", "2026-03-03") == {
        "Walk": 0,
        "Web": pytest.approx(300 * 29 / 31),
        "Zero": None,
    }


def test_cohort_gross_and_roi_follow_the_month_of_the_lead_and_say_how_many_may_still_buy(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},source\n1,2026-04-01T10:00:00,Web\n2,2026-06-02T10:00:00,Web\n3,2026-06-03T10:00:00,Web",
        sale="sale_id,lead_id,sold_at,total_gross\n1,1,2026-06-05T10:00:00,900\n2,2,2026-06-05T10:00:00,50",
        spend="source,month,amount\nWeb,2026-04,300\nWeb,2026-06,100",
    )
    found = here.show("cohort_gross", "--grain", "month")
    assert [(row["period"], row["value"]) for row in found] == [("2026-04-01", 900), ("2026-06-01", 50)]
    returned = here.show("roi", "--grain", "month")
    assert [(row["period"], row["value"], row["n_immature"]) for row in returned] == [
        ("2026-04-01", 2.0, 0),
        ("2026-06-01", -0.5, 1),
    ]


def test_a_metric_that_cannot_have_a_filter_or_credit_is_na_with_the_reason(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD},salesperson\n1,2026-03-02T10:00:00,Ana", spend="source,month,amount\nWeb,2026-03,300")
    found = here.show("spend", "closing_rate", "--by", "person")
    assert [(row["metric"], row["value"], "reason" in row) for row in found] == [
        ("spend", None, True),
        ("closing_rate", 0.0, False),
    ]
    assert "setter" in here.show("contact_rate", "--by", "person", "--credit", "setter")[0]["reason"]
    assert here.show("roi", "--where", "person=Ana")[0]["value"] is None


# --- dimensions, periods, now -----------------------------------------------------------------------------------------


def test_people_of_an_opportunity_are_the_latest_named_and_its_source_the_first(loaded: Loader) -> None:
    here = loaded(
        lead=f"""{LEAD},customer_id,source,salesperson,bdc_agent,lead_type,vehicle_condition
            1,2026-03-01T10:00:00,7,First,Ana,Cy,chat,used
            2,2026-03-02T10:00:00,7,Second,Bo,,phone,new
            3,2026-03-03T10:00:00,7,Third,,,internet,""",
        sale="sale_id,lead_id,sold_at,salesperson\n1,3,2026-03-09T10:00:00,Di",
    )
    assert here.by("source", "opportunities") == {"First": 1}
    assert here.by("person", "opportunities") == {"Bo": 1}
    assert here.by("person", "opportunities", "--credit", "bdc_agent") == {"Cy": 1}
    assert here.by("vehicle_condition", "sold_units") == {"used": 1}
    assert here.by("source", "sold_units") == {"First": 1}
    assert here.by("person", "sold_units") == {"Di": 1}
    assert here.by("source", "opportunities", "--attribution", "last") == {"Third": 1}
    even = here.by("source", "closing_rate", "--attribution", "even")
    assert even == {"First": 1, "Second": 1, "Third": 1}
    shared = here.show("opportunities", "--by", "source", "--attribution", "even")
    assert sum(row["value"] for row in shared) == pytest.approx(1)


def test_each_enquiry_is_counted_under_the_source_that_sent_it(loaded: Loader) -> None:
    """ADR 0003: leads tie to a vendor's invoice; opportunities stand beside them under the first lead's source."""
    here = loaded(lead=f"{LEAD},customer_id,source\n1,2026-03-01T10:00:00,7,First\n2,2026-03-02T10:00:00,7,Second")
    assert here.by("source", "leads") == {"First": 1, "Second": 1}


def test_parts_sum_to_the_whole_with_rows_of_their_own_for_what_is_missing(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},source,salesperson\n1,2026-03-01T10:00:00,unknown,Ana\n2,2026-03-01T10:00:00,,\n3,2026-03-01T10:00:00,Web,",
        sale="sale_id,sold_at\n1,2026-03-09T10:00:00",
    )
    assert here.by("source", "opportunities") == {"(no source)": 1, "Web": 1, "unknown": 1}
    assert here.by("person", "opportunities") == {"(unassigned)": 2, "Ana": 1}
    assert here.by("source", "sold_units") == {"(no lead)": 1}


def test_periods_are_store_local_days_both_inclusive(loaded: Loader) -> None:
    """2026-04-01 begins at 05:00Z in Chicago, at 04:00Z in Toronto, and at 15:00Z of the day before in Tokyo."""
    zones = {"Chi": "America/Chicago", "Tor": "America/Toronto", "Tok": "Asia/Tokyo"}
    here = loaded(
        settings="".join(f'[[store]]\nname = "{name}"\ntime_zone = "{zone}"\n' for name, zone in zones.items()),
        lead=f"""store,{LEAD}
            Chi,1,2026-04-01T04:59:59Z
            Chi,2,2026-04-01T05:00:00Z
            Tor,3,2026-04-01T03:59:59Z
            Tor,4,2026-04-01T04:00:00Z
            Tok,5,2026-03-31T14:59:59Z
            Tok,6,2026-03-31T15:00:00Z""",
    )
    march = ("--from", "2026-03-31", "--to", "2026-03-31")
    assert here.by("store", "leads", *march) == {"Chi": 1, "Tok": 1, "Tor": 1}
    assert here.value("leads", "--from", "2026-04-01", "--to", "2026-04-01") == 3
    months = here.show("leads", "--grain", "month")
    assert [(row["period"], row["value"]) for row in months] == [("2026-03-01", 3), ("2026-04-01", 3)]


def test_a_period_is_called_by_its_first_day(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD}\n1,2026-05-14T10:00:00")
    grains = ("day", "week", "month", "quarter", "year")
    found = [here.show("leads", "--grain", grain)[0]["period"] for grain in grains]
    assert found == ["2026-05-14", "2026-05-11", "2026-05-01", "2026-04-01", "2026-01-01"]


def test_as_of_in_the_past_hides_what_happened_later(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD}\n1,2026-03-02T10:00:00\n2,2026-03-20T10:00:00",
        contact=f"{TOUCH}\n1,2026-03-05T10:00:00,out,call,connected,",
        appointment="lead_id,set_at,due_at,outcome\n1,2026-03-05T10:00:00,2026-03-07T10:00:00,shown",
        sale="sale_id,lead_id,sold_at,total_gross\n1,1,2026-03-08T10:00:00,100",
    )
    metrics = ("opportunities", "contact_rate", "set_rate", "appointments_due", "shows", "sold_units", "gross")
    early = {row["metric"]: row["numerator"] for row in here.show(*metrics, "--as-of", "2026-03-04T10:00:00")}
    between = {row["metric"]: row["numerator"] for row in here.show(*metrics, "--as-of", "2026-03-06T10:00:00")}
    late = {row["metric"]: row["numerator"] for row in here.show(*metrics)}
    assert list(early.values()) == [1, 0, 0, 0, 0, 0, 0]
    assert list(between.values()) == [1, 1, 1, 0, 0, 0, 0]
    assert list(late.values()) == [2, 1, 1, 1, 1, 1, 100]


def test_now_is_the_newest_recorded_event_and_never_a_scheduled_time(loaded: Loader) -> None:
    here = loaded(
        as_of=None,
        lead=f"{LEAD}\n1,2026-03-02T10:00:00",
        appointment="lead_id,set_at,due_at\n1,2026-03-05T10:00:00,2026-03-09T10:00:00",
    )
    assert here.value("appointments_set") == 1
    assert here.value("appointments_due") == 0
    assert here.parts("contact_rate") == (0, 1, 1)


# --- the command line, literally --------------------------------------------------------------------------------------


def test_every_metric_has_the_literal_shape_and_an_empty_store_gives_null_rates_and_zero_counts(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD}\n1,2026-03-02T10:00:00")
    rows = here.show(*(found.name for found in METRICS))
    assert all(list(row) == NUMBERS for row in rows)
    none = here.show(*(found.name for found in METRICS), "--from", "2020-01-01", "--to", "2020-01-31")
    values = {row["metric"]: row["value"] for row in none}
    unknown = {"spend", "crm_reported_leads", "profit"}
    zero = {found.name for found in METRICS if found.kind in ("count", "sum")} - unknown
    assert {name for name, value in values.items() if value == 0} == zero
    assert all(value is None for name, value in values.items() if name not in zero)


def test_counts_give_their_value_as_numerator_and_rates_a_wilson_interval(loaded: Loader) -> None:
    leads = "\n".join(f"{number},2026-03-02T10:00:00" for number in range(10))
    here = loaded(lead=f"{LEAD}\n{leads}", sale="sale_id,lead_id,sold_at\n1,1,2026-03-05T10:00:00")
    count, rate = here.show("leads", "closing_rate")
    assert count == dict(zip(NUMBERS, ("leads", 10, None, 10, None, None, 0), strict=True))
    # Wilson, 1 of 10 at 95 %: 0.0179 to 0.4042.
    assert (round(rate["low"], 4), round(rate["high"], 4)) == (0.0179, 0.4042)


def test_exit_status_tells_wrong_usage_from_no_such_data(loaded: Loader) -> None:
    here = loaded(lead=f"{LEAD},source\n1,2026-03-02T10:00:00,Web")
    statuses = {
        "fine": here.run("show", "leads", "--where", "source=Web").exit_code,
        "no such metric": here.run("show", "led").exit_code,
        "no such dimension": here.run("show", "leads", "--by", "colour").exit_code,
        "no such label": here.run("show", "leads", "--where", "source=Radio").exit_code,
        "nothing in the period": here.run("show", "leads", "--by", "source", "--from", "2030-01-01").exit_code,
        "no such option": here.run("show", "leads", "--colour", "red").exit_code,
    }
    assert statuses == {
        "fine": 0,
        "no such metric": 2,
        "no such dimension": 2,
        "no such label": 1,
        "nothing in the period": 1,
        "no such option": 2,
    }


def test_the_rows_behind_each_part_are_as_many_as_the_number_says(loaded: Loader) -> None:
    here = loaded(
        lead=f"{LEAD},customer_id\n1,2026-03-02T10:00:00,7\n2,2026-03-03T10:00:00,7\n3,2026-03-04T10:00:00,8",
        contact=f"{TOUCH}\n1,2026-03-05T10:00:00,out,call,connected,\n2,2026-03-05T11:00:00,out,call,connected,",
    )
    for part, count in (("numerator", 1), ("denominator", 2)):
        result = here.run("rows", "contact_rate", "--part", part, "--format", "json")
        assert len(json.loads(result.stdout)) == count
