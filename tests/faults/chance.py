"""Exports drawn by chance from small pools, so that records collide: the same ids, names, numbers, moments and cars."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.faults.stories import Row, as_csv, lead

_STORES: Final = ("North", "North", "South", "West", "Nowhere")
_SYSTEMS: Final = ("crm", "crm", "dms")
_PEOPLE: Final = ("p1", "p2", "Ana Lee", "Lee, Ana", "Bo Hart", "Jo Park", "")
_ROLES: Final = ("salesperson", "bdc_agent", "manager", "machine", "other")
_NAMES: Final = ("Ana Bell", "Bell, Ana", "Bo Roy", "Cy Fox", "Di Hay", "Ed Kay", "")
_EMAILS: Final = ("one@example.com", "two@example.com", "three@example.com", "none@example.com", "", "")
_PHONES: Final = ("312-555-0101", "(312) 555-0102", "3125550103", "555", "", "")
_SOURCES: Final = ("Web", "web ", "17", "18", "Radio", "unknown", "")
_VINS: Final = ("1FTSIM00000000001", "1ftsim00000000002", "", "")
_MAY_LACK_IDS: Final = ("contact_id", "appointment_id", "visit_id", "survey_id")
_MONTHS: Final = ("2025-01", "2025-02", "2025-03")
_MOMENTS: Final = (
    "2025-01-02T10:00Z",
    "2025-01-02T10:00Z",
    "2025-01-02T10:05Z",
    "2025-01-20T18:30Z",
    "2025-02-03T09:00Z",
    "2025-02-03",
    "2025-03-30T02:30Z",
    "2025-06-15T12:00Z",
    "2025-06-16",
)


class _Dice:
    """Draws cells; seldom one that no reader accepts."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self, *pool: str) -> str:
        return self._random.choice(pool)

    def number(self, below: int) -> str:
        return str(self._random.randrange(below))

    def moment(self) -> str:
        return "not a day" if self.is_hit(0.02) else self.one(*_MOMENTS)

    def maybe(self, text: str) -> str:
        return text if self.is_hit(0.4) else ""

    def is_hit(self, share: float) -> bool:
        return self._random.random() < share

    def count(self) -> int:
        return self._random.randint(1, 5)


def _common(dice: _Dice, key: str) -> Row:
    ids = {} if key in _MAY_LACK_IDS and dice.is_hit(0.1) else {key: dice.number(6)}
    state = {"modified_at": dice.maybe(dice.one(*_MOMENTS)), "is_deleted": "yes" if dice.is_hit(0.1) else ""}
    return {**ids, "store": dice.one(*_STORES), "system": dice.one(*_SYSTEMS), **state}


def _refs(dice: _Dice) -> Row:
    """How a record points at its lead: by id, by customer, by name and day, or not at all."""
    by_name = {"customer_name": dice.one(*_NAMES), "lead_created_on": dice.maybe("2025-01-02")}
    return {"lead_id": dice.maybe(dice.number(6)), "customer_id": dice.maybe(dice.number(4)), **by_name}


def _lead(dice: _Dice) -> Row:
    return _common(dice, "lead_id") | {
        "created_at": dice.moment(),
        "customer_id": dice.maybe(dice.number(4)),
        "customer_name": dice.one(*_NAMES),
        "email": dice.one(*_EMAILS),
        "phone": dice.one(*_PHONES),
        "phone_2": dice.one(*_PHONES),
        "source": dice.one(*_SOURCES),
        "source_group": dice.maybe(dice.one("Own", "Paid")),
        "lead_type": dice.one("internet", "phone", "walk_in", "service", "pigeon"),
        "status": dice.one("open", "sold", "lost", "bad", "duplicate"),
        "salesperson": dice.one(*_PEOPLE),
        "bdc_agent": dice.one(*_PEOPLE),
        "is_test": dice.one("", "", "yes"),
        "is_resend": dice.one("", "", "yes"),
        "merged_into": dice.maybe(dice.maybe(dice.number(6))),
        "crm_first_contact_at": dice.maybe(dice.moment()),
        "crm_sold_at": dice.maybe(dice.moment()),
    }


def _contact(dice: _Dice) -> Row:
    return (
        _common(dice, "contact_id")
        | _refs(dice)
        | {
            "occurred_at": dice.moment(),
            "person": dice.one(*_PEOPLE),
            "direction": dice.one("in", "out"),
            "channel": dice.one("call", "email", "text", "visit"),
            "result": dice.one("connected", "no_answer", "sent"),
            "is_automated": dice.one("", "yes"),
        }
    )


def _appointment(dice: _Dice) -> Row:
    return (
        _common(dice, "appointment_id")
        | _refs(dice)
        | {
            "set_at": dice.maybe(dice.moment()),
            "due_at": dice.moment(),
            "set_by": dice.one(*_PEOPLE),
            "outcome": dice.one("open", "shown", "no_show", "cancelled", "rescheduled"),
            "confirmed_at": dice.maybe(dice.moment()),
            "shown_at": dice.maybe(dice.moment()),
            "rescheduled_to": dice.maybe(dice.number(6)),
        }
    )


def _sale(dice: _Dice) -> Row:
    return (
        _common(dice, "sale_id")
        | _refs(dice)
        | {
            "sold_at": dice.maybe(dice.moment()),
            "contract_at": dice.moment(),
            "delivered_at": dice.maybe(dice.moment()),
            "reversed_at": dice.maybe(dice.maybe(dice.moment())),
            "sale_type": dice.one("retail", "lease", "wholesale"),
            "vin": dice.one(*_VINS),
            "salesperson": dice.one(*_PEOPLE),
            "split_with": dice.one(*_PEOPLE),
            "front_gross": dice.maybe(dice.one("100.10", "(200)", "$1,300")),
            "total_gross": dice.maybe(dice.one("500", "-20")),
        }
    )


def _visit(dice: _Dice) -> Row:
    return _common(dice, "visit_id") | _refs(dice) | {"arrived_at": dice.moment(), "person": dice.one(*_PEOPLE)}


def _survey(dice: _Dice) -> Row:
    answer = {"answered_at": dice.moment(), "instrument": "CSI", "score": dice.number(12), "scale_max": "10"}
    return _common(dice, "survey_id") | _refs(dice) | answer


def _service_visit(dice: _Dice) -> Row:
    return _common(dice, "service_visit_id") | _refs(dice) | {"opened_at": dice.moment(), "advisor": dice.one(*_PEOPLE)}


def _task(dice: _Dice) -> Row:
    done = {"completed_at": dice.maybe(dice.moment()), "outcome": dice.one("open", "completed", "missed")}
    return _common(dice, "task_id") | {"lead_id": dice.number(6), "due_at": dice.moment(), **done}


def _status_change(dice: _Dice) -> Row:
    change = {"changed_at": dice.moment(), "to_status": dice.one("open", "lost", "sold")}
    return _common(dice, "status_change_id") | {"lead_id": dice.number(6), **change}


def _person(dice: _Dice) -> Row:
    named = {"name": dice.one("Ana Lee", "Bo Hart", "Jo Park", "Jo Park-Lee"), "role": dice.one(*_ROLES)}
    return _common(dice, "person_id") | {"person_id": dice.one("p1", "p2", "p3"), **named, "team": dice.maybe("A")}


def _spend(dice: _Dice) -> Row:
    paid = {"source": dice.one(*_SOURCES), "month": dice.one(*_MONTHS), "amount": dice.one("0", "100.01", "250", "")}
    return {"store": dice.one(*_STORES), "campaign": dice.maybe("C"), **paid, "modified_at": dice.maybe(dice.moment())}


def _source(dice: _Dice) -> Row:
    named = {"source_id": dice.one("17", "18"), "name": dice.one("Web", "Cars Online", "Radio")}
    return {"store": dice.one(*_STORES), "system": dice.one(*_SYSTEMS), **named, "source_group": dice.maybe("Own")}


def _crm_report(dice: _Dice) -> Row:
    claimed = {"measure": dice.one("leads", "sold"), "value": dice.number(9)}
    return {"store": dice.one(*_STORES), "source": dice.one(*_SOURCES), "month": dice.one(*_MONTHS), **claimed}


# What decides most stands several times, so that it is drawn more often.
_KINDS: Final[tuple[Callable[[_Dice], Row], ...]] = (
    *(_lead, _lead, _lead, _contact, _contact, _sale, _sale, _appointment, _person, _person, _source, _spend),
    *(_visit, _survey, _service_visit, _task, _status_change, _crm_report),
)
_LISTS: Final = (_person, _source, _spend, _crm_report)


def exports_by_chance(seed: int, count: int) -> dict[str, str]:
    """So many small exports, of kinds drawn by chance, their rows as well: file name to text.

    An odd seed draws events only: no lists of people, sources or spend, after which a star is built anew in full.
    """
    dice = _Dice(seed)
    # A store of which no export tells an event has the load's own time as its "now".
    events = [lead(f"first of {store}", "2025-01-01T10:00", store=store) for store in dict.fromkeys(_STORES)]
    found = {"an event of each store.csv": as_csv(events)}
    kinds = [kind for kind in _KINDS if not (seed % 2 and kind in _LISTS)]
    for number in range(count):
        draw = kinds[int(dice.number(len(kinds)))]
        rows = [draw(dice) for _ in range(dice.count())]
        found[f"{draw.__name__.strip('_')} {number}.csv"] = as_csv(rows)
    return found
