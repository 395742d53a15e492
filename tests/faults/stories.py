"""Exports in which what comes late changes what was read before: each story is a few small files.

Every record has its own e-mail or phone, so the stories do not touch each other. Loaded in any order and grouping they
must tell the same in the end. All people and numbers are made up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

Row = dict[str, str]


def as_csv(rows: Sequence[Row]) -> str:
    """The rows under the union of their columns; a column that a row does not name is blank there."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def lead(number: str, created_at: str, **given: str) -> Row:
    """A lead of the store North in the system crm."""
    usual = {"lead_id": number, "store": "North", "system": "crm", "created_at": f"{created_at}Z", "source": "Web"}
    return usual | {"lead_type": "internet", "status": "open", "is_deleted": ""} | given


def contact(number: str, occurred_at: str, **given: str) -> Row:
    """A call that nobody took, of the store North in the system crm."""
    usual = {"contact_id": number, "store": "North", "system": "crm", "occurred_at": f"{occurred_at}Z"}
    return usual | {"direction": "out", "channel": "call", "result": "no_answer", "person": "Ana Lee"} | given


def sale(number: str, sold_at: str, **given: str) -> Row:
    """A retail deal of the store North in the system crm."""
    usual = {"sale_id": number, "store": "North", "system": "crm", "sold_at": sold_at, "total_gross": "1500.50"}
    return usual | given


def appointment(number: str, set_at: str, due_at: str, **given: str) -> Row:
    """A sales appointment of the store North in the system crm."""
    usual = {"appointment_id": number, "store": "North", "system": "crm", "set_at": f"{set_at}Z"}
    return usual | {"due_at": f"{due_at}Z", "appointment_type": "sales", "outcome": "open"} | given


_ONE_CUSTOMER = {
    "two strangers.csv": [
        lead("101", "2025-03-01T10:00", customer_name="Ana Bell", email="bell@example.com"),
        lead("102", "2025-03-04T10:00", customer_name="A. Bell", phone="312-555-0101"),
    ],
    "their calls.csv": [
        contact("c101", "2025-03-01T11:00", lead_id="101"),
        contact("c102", "2025-03-04T11:30", lead_id="102", result="connected"),
    ],
    # This lead has the e-mail of the one and the phone of the other: three leads of one customer, one opportunity.
    "one after all.csv": [
        lead("103", "2025-03-09T10:00", customer_name="Ana Bell", email="bell@example.com", phone="3125550101")
    ],
    # Two leads at the very same second under two names: the label of the customer must not waver.
    "same second.csv": [
        lead("104", "2025-03-11T10:00", customer_name="Zoe Winter", email="winter@example.com"),
        lead("105", "2025-03-11T10:00", customer_name="Zoë W.", email="winter@example.com", phone="312-555-0102"),
    ],
}

_SHARED_PHONE = {
    "three names.csv": [
        lead(f"11{n}", f"2025-03-0{n}T12:00", customer_name=name, phone="312-555-0110")
        for n, name in enumerate(("Bo Roy", "Cy Fox", "Di Hay"), start=1)
    ],
    # A fourth name on the number: from now on it joins nobody.
    "fourth name.csv": [lead("114", "2025-03-06T12:00", customer_name="Ed Kay", phone="(312) 555-0110")],
    "four names.csv": [
        lead(f"12{n}", f"2025-03-0{n}T13:00", customer_name=name, phone="312-555-0120", modified_at="2025-03-07")
        for n, name in enumerate(("Flo May", "Gus Ray", "Hal Coy", "Ida Day"), start=1)
    ],
    # The fourth is deleted again: the other three are one customer.
    "fourth deleted.csv": [
        lead("124", "2025-03-04T13:00", is_deleted="yes", modified_at="2025-03-20T00:00Z"),
    ],
}

_NAME_ONLY = {
    "one cleo.csv": [lead("131", "2025-03-05T15:00", customer_name="Cleo Marsh", email="cleo1@example.com")],
    "touches by name.csv": [
        {**contact("c131", "2025-03-05T16:00"), "customer_name": "Marsh, Cleo", "lead_created_on": "2025-03-05"},
        {**contact("c132", "2025-03-07T16:00"), "customer_name": "Ivo Lund", "lead_created_on": "2025-03-07"},
    ],
    # A second lead of that name on that day: which of the two was called nobody can say.
    "another cleo.csv": [lead("132", "2025-03-05T18:00", customer_name="Cleo Marsh", email="cleo2@example.com")],
    "ivo.csv": [lead("133", "2025-03-07T09:00", customer_name="Ivo Lund", email="lund@example.com")],
}

_DEALS = {
    "deals.csv": [
        sale("s141", "2025-03-12T15:00Z", lead_id="141", vin="1FTSIM00000000141", salesperson="Ana Lee"),
        sale("s142", "2025-03-14", customer_name="Nobody Known", salesperson="p7", split_with="Ana Lee"),
        sale("s143", "2025-02-01T15:00Z", lead_id="143", vin="1FTSIM00000000143", salesperson="Bo Hart"),
        sale("s144", "2025-04-20T15:00Z", lead_id="144", vin="1FTSIM00000000143", salesperson="Bo Hart"),
        sale("s145", "2025-03-03", lead_id="145", contract_at="2025-03-04T10:00Z"),
        sale("s146", "2025-03-03T06:00Z", lead_id="145"),
        # Deals of both kinds of system from the first: the first deal of a DMS reaches every deal of its store.
        sale("D2", "2025-02-02", system="dms", vin="1FTSIM00000000143", total_gross="800"),
    ],
    "leads of the deals.csv": [
        lead("141", "2025-03-02T08:00", email="dealer141@example.com", customer_name="Kim Otto"),
        lead("143", "2025-01-20T08:00", email="dealer143@example.com", salesperson="Bo Hart"),
        lead("144", "2025-04-10T08:00", email="dealer144@example.com", salesperson="p7"),
        lead("145", "2025-02-25T08:00", email="dealer145@example.com", status="sold"),
    ],
    # The DMS knows the same cars: the first deal of a VIN there is the first deal of that VIN here.
    "dms.csv": [
        sale("D1", "2025-03-13", system="dms", vin="1ftsim00000000141", front_gross="900", back_gross="350.25"),
        sale("D3", "2025-04-21", system="dms", vin="1FTSIM00000000143", total_gross="-120"),
    ],
    "deal undone.csv": [
        sale(
            "s141",
            "2025-03-12T15:00Z",
            lead_id="141",
            vin="1FTSIM00000000141",
            reversed_at="2025-03-25T10:00Z",
            modified_at="2025-03-25T10:00Z",
        )
    ],
}

_SPEND = {
    "spend.csv": [
        {"store": "North", "source": "Web", "month": "2025-03", "amount": "1000", "modified_at": "2025-04-02"},
        {"store": "North", "source": "Cars Online", "month": "2025-03", "amount": "310"},
    ],
    "spend restated.csv": [
        {"store": "North", "source": "Web", "month": "2025-03", "amount": "1200.40", "modified_at": "2025-04-20"}
    ],
    # Two invoices for one month, and nothing says which is newer: the same one must win in any order.
    "spend without a date.csv": [
        {"store": "North", "source": "Cars Online", "month": "2025-03", "amount": "350"},
    ],
}

_PEOPLE = {
    "roster.csv": [
        {"person_id": "p7", "store": "North", "system": "crm", "name": "Jo Park", "role": "salesperson", "team": "A"},
        {"person_id": "p8", "store": "North", "system": "crm", "name": "Ana Lee", "role": "bdc_agent", "team": "B"},
    ],
    "roster renamed.csv": [
        {
            "person_id": "p7",
            "store": "North",
            "system": "crm",
            "name": "Jo Park-Lee",
            "role": "salesperson",
            "modified_at": "2025-04-01",
        }
    ],
    # The same people in the DMS, one of a second Bo Hart: a name that two people bear joins neither.
    "roster of the dms.csv": [
        {"person_id": "1", "store": "North", "system": "dms", "name": "Lee, Ana", "role": "manager"},
        {"person_id": "2", "store": "North", "system": "dms", "name": "Bo Hart", "role": "salesperson"},
        {"person_id": "3", "store": "North", "system": "dms", "name": "Bo Hart", "role": "other"},
        {"person_id": "4", "store": "South", "system": "dms", "name": "Jo Park", "role": "other"},
    ],
    "leads by people.csv": [
        lead("150", "2025-03-03T08:00", store="South", email="people150@example.com", salesperson="Jo Park"),
        lead("151", "2025-03-03T09:00", email="people151@example.com", salesperson="Jo Park"),
        lead("152", "2025-03-03T09:30", email="people152@example.com", salesperson="p7", bdc_agent="Ana Lee"),
        lead("153", "2025-03-03T09:40", email="people153@example.com", salesperson="Sam Autoresponder"),
    ],
    "calls by people.csv": [
        contact("c151", "2025-03-03T09:45", lead_id="151", person="Sam Autoresponder", channel="email", result="sent"),
        contact("c152", "2025-03-03T10:45", lead_id="152", person="p8"),
    ],
    # What looked like a person is a machine: what it sent was no attempt.
    "machine.csv": [
        {"person_id": "p9", "store": "North", "system": "crm", "name": "Sam Autoresponder", "role": "machine"},
    ],
}

_SOURCES = {
    "leads by source id.csv": [
        lead("161", "2025-03-08T09:00", email="source161@example.com", source="17"),
        lead("162", "2025-03-08T09:10", email="source162@example.com", source="cars  online"),
        lead("163", "2025-03-08T09:20", email="source163@example.com", source=""),
    ],
    # What 17 stands for: from now on the leads of both spellings have one source, with spend.
    "source names.csv": [
        {"source_id": "17", "store": "North", "system": "crm", "name": "Cars Online", "source_group": "Marketplace"}
    ],
}

_EPISODES = {
    # Two leads of one customer, four months apart: two opportunities.
    "two episodes.csv": [
        lead("171", "2025-01-05T09:00", email="slow@example.com", salesperson="Ana Lee"),
        lead("172", "2025-05-02T09:00", email="slow@example.com", salesperson="Bo Hart", source="Radio"),
    ],
    # A visit in between: one.
    "visit between.csv": [
        {"visit_id": "v1", "store": "North", "system": "crm", "arrived_at": "2025-03-10T17:00Z", "lead_id": "171"}
    ],
    # A sale in between: two again; it is undone later: one again.
    "sale between.csv": [sale("s171", "2025-03-15T17:00Z", lead_id="171", modified_at="2025-03-15T18:00Z")],
    "sale between undone.csv": [
        sale("s171", "2025-03-15T17:00Z", lead_id="171", reversed_at="2025-04-01T00:00Z", modified_at="2025-04-02")
    ],
}

_APPOINTMENTS = {
    "appointments.csv": [
        appointment("a1", "2025-03-02T09:00", "2025-03-05T15:00", lead_id="141", rescheduled_to="a2", set_by="p8"),
        appointment("a3", "2025-03-04T09:00", "2025-03-06T15:00", lead_id="152", set_by="Ana Lee", is_confirmed="yes"),
    ],
    # Where a1 was moved to, and what became of a3.
    "appointments later.csv": [
        appointment("a2", "2025-03-05T10:00", "2025-03-09T15:00", lead_id="141", outcome="shown"),
        appointment(
            "a3", "2025-03-04T09:00", "2025-03-06T15:00", lead_id="152", outcome="no_show", modified_at="2025-03-07"
        ),
    ],
}

_CORRECTIONS = {
    "first state.csv": [
        lead("181", "2025-03-02T10:00", email="fix181@example.com", modified_at="2025-03-02T10:00Z"),
        lead("182", "2025-03-02T11:00", email="fix182@example.com", modified_at="2025-03-02T11:00Z", status="lost"),
        lead("183", "2025-03-02T12:00", email="fix183@example.com", modified_at="2025-03-02T12:00Z"),
    ],
    # Two exports that changed 181 at the same moment, to two things; 182 is deleted; 183 is emptied of its e-mail.
    "tie one.csv": [
        lead("181", "2025-03-02T10:00", email="fix181@example.com", modified_at="2025-03-05", status="lost"),
        lead("182", "2025-03-02T11:00", is_deleted="1", modified_at="2025-03-06"),
    ],
    "tie two.csv": [
        lead("181", "2025-03-02T10:00", email="fix181@example.com", modified_at="2025-03-05", status="bad"),
        lead("183", "2025-03-02T12:00", modified_at="2025-03-08", merged_into="181"),
    ],
    # 182 comes back, newer than its deletion.
    "back again.csv": [
        lead("182", "2025-03-02T11:00", email="fix182@example.com", modified_at="2025-03-09", is_test="no"),
    ],
    # Rows that cannot be read, and a copy of the file under a name that ends like the first one.
    "bad rows.csv": [
        lead("191", "2025-03-32T10:00", email="bad191@example.com"),
        lead("192", "2025-03-02T10:00", email="bad192@example.com", lead_type="pigeon"),
        lead("193", "2025-03-02T10:00", email="good193@example.com", store="Nowhere"),
    ],
    "more bad rows.csv": [
        lead("191", "2025-03-32T10:00", email="bad191@example.com"),
        lead("192", "2025-03-02T10:00", email="bad192@example.com", lead_type="pigeon"),
        lead("193", "2025-03-02T10:00", email="good193@example.com", store="Nowhere"),
    ],
}

_WITHOUT_IDS = {
    # Two equal calls in the one file, one in the other, and one more that differs: three calls in all.
    "calls without ids.csv": [
        {name: cell for name, cell in contact("", "2025-03-08T12:00", lead_id="161").items() if name != "contact_id"},
        {name: cell for name, cell in contact("", "2025-03-08T12:00", lead_id="161").items() if name != "contact_id"},
    ],
    "calls without ids again.csv": [
        {name: cell for name, cell in contact("", "2025-03-08T12:00", lead_id="161").items() if name != "contact_id"},
        {name: cell for name, cell in contact("", "2025-03-08T12:05", lead_id="161").items() if name != "contact_id"},
    ],
}

_WEST = {
    # A store that has no deal records: what its CRM calls sold counts, until its first deal arrives.
    "west leads.csv": [
        lead("w1", "2025-03-02T10:00", store="West", email="west1@example.com", crm_sold_at="2025-03-20T10:00Z"),
        lead(
            "w2", "2025-03-03T10:00", store="West", email="west2@example.com", crm_first_contact_at="2025-03-03T11:00Z"
        ),
    ],
    "west deal.csv": [sale("w9", "2025-03-21T10:00Z", store="West", lead_id="w2")],
    # A store without a contact log, until its first contact arrives.
    "west call.csv": [contact("wc1", "2025-03-04T10:00", store="West", lead_id="w1", person="Jo Park")],
    "west survey.csv": [
        {
            "survey_id": "q1",
            "store": "West",
            "system": "crm",
            "lead_id": "w2",
            "answered_at": "2025-04-01T10:00Z",
            "instrument": "After the sale",
            "score": "9",
            "scale_max": "10",
            "person": "Jo Park",
        }
    ],
    "west service.csv": [
        {
            "service_visit_id": "r1",
            "store": "West",
            "system": "dms",
            "opened_at": "2025-04-02T10:00Z",
            "customer_name": "Wes Tern",
            "advisor": "Ana Lee",
            "amount": "210.10",
        }
    ],
    "west tasks.csv": [
        {"task_id": "t1", "store": "West", "system": "crm", "lead_id": "w1", "due_at": "2025-03-05T10:00Z"},
    ],
    "west task done.csv": [
        {
            "task_id": "t1",
            "store": "West",
            "system": "crm",
            "lead_id": "w1",
            "due_at": "2025-03-05T10:00Z",
            "completed_at": "2025-03-05T09:00Z",
            "outcome": "completed",
            "modified_at": "2025-03-05T09:00Z",
        },
    ],
    "west status.csv": [
        {
            "status_change_id": "x1",
            "store": "West",
            "system": "crm",
            "lead_id": "w2",
            "changed_at": "2025-03-06T10:00Z",
            "from_status": "open",
            "to_status": "sold",
        },
    ],
    "west claims.csv": [
        {"store": "West", "source": "Web", "month": "2025-03", "measure": "sold", "value": "2"},
    ],
}

_KINDS_OF_EXPORT = {
    # A user list knows the names, an access list the roles; the feed and the report each know a part of a lead.
    "users.csv": [
        {"UserID": "31", "DealerName": "North", "FirstName": "Theo", "LastName": "Marsh", "HireDate": "2024-05-01"}
    ],
    "access.csv": [
        {
            "UserID": "31",
            "DealerName": "North",
            "SalespersonInd": "1",
            "InternetSalespersonInd": "0",
            "BDAgentInd": "0",
            "ManagerInd": "0",
            "SystemUserInd": "0",
        }
    ],
    "feed.csv": [
        {
            "LeadID": "5001",
            "DealerName": "North",
            "CustomerName": "Nora Hill",
            "Email": "hill@example.com",
            "LeadSourceID": "99",
            "LeadTypeName": "Internet",
            "LeadStatusTypeName": "Active",
            "SalesRepUserID": "31",
            "OriginationUTCDate": "2025-03-02T15:14:00",
            "LastModifiedUTCDate": "2025-03-04T16:00:00",
        }
    ],
    "feed later.csv": [
        {
            "LeadID": "5001",
            "DealerName": "North",
            "CustomerName": "Nora Hill",
            "CellPhone": "312-555-0177",
            "LeadSourceID": "99",
            "LeadTypeName": "Internet",
            "LeadStatusTypeName": "Lost",
            "SalesRepUserID": "31",
            "OriginationUTCDate": "2025-03-02T15:14:00",
            "LastModifiedUTCDate": "2025-03-14T16:00:00",
        }
    ],
}

STORIES: Final[Mapping[str, Mapping[str, Sequence[Row]]]] = {
    "two customers turn out to be one": _ONE_CUSTOMER,
    "a shared phone stops joining, and joins again": _SHARED_PHONE,
    "a link by name becomes ambiguous": _NAME_ONLY,
    "deals before their leads, in two systems, and undone": _DEALS,
    "spend is restated": _SPEND,
    "people are renamed, listed twice, and machines": _PEOPLE,
    "what a source id stands for comes late": _SOURCES,
    "what splits and joins episodes comes late": _EPISODES,
    "appointments are moved": _APPOINTMENTS,
    "rows are corrected, deleted, refused and tied": _CORRECTIONS,
    "rows without an id overlap": _WITHOUT_IDS,
    "a store's first deal and first call come late": _WEST,
    "several kinds of export know parts of a record": _KINDS_OF_EXPORT,
}

_ALONE: Final = ("bad rows", "ids", "users", "access", "feed", "west")


def _waves() -> dict[str, list[Row]]:
    """The files of all stories in waves: the n-th file of each story that holds leads (deals, people) together.

    A load costs time by the file, so the stories share files where nothing speaks against it.
    """
    waves: dict[str, list[Row]] = {}
    for story in STORIES.values():
        nth: dict[str, int] = {}
        for name, rows in story.items():
            kind = next(iter(rows[0]))
            nth[kind] = nth.get(kind, 0) + 1
            is_alone = any(word in name for word in _ALONE)
            waves.setdefault(name if is_alone else f"{kind} {nth[kind]}.csv", []).extend(rows)
    return waves


EXPORTS: Final[dict[str, str]] = {name: as_csv(rows) for name, rows in _waves().items()}

_STORES: Final = """
[[store]]
name = "North"
time_zone = "America/Chicago"
[[store]]
name = "South"
time_zone = "America/New_York"
[[store]]
name = "West"
time_zone = "America/Phoenix"
[targets]
closing_rate = 0.2
"""
_OTHERWISE: Final = """
[episode]
gap_days = 20
sale_link_days = 30
[identity]
max_names = 1
[sale]
date = "contract"
[standards]
response_minutes = 60
[sources]
free = ["Web", "Radio"]
"""
SETTINGS: Final = {
    "now.toml": "[sources]\nfree = ['Walk-in']\n" + _STORES,
    # What the star depends on beside the rows, all different: a load under these must leave nothing behind.
    "before.toml": _OTHERWISE + _STORES.replace("0.2", "0.3"),
}
