"""The general manager's sheet: closing, what changed and why, the funnel, the month, the stores."""

from __future__ import annotations

from typing import Final

from metrics import engine
from metrics.statistics import differences
from pages import explanations, sentences
from pages.sheet import Lines, Section, Sheet, Table, spoken
from pages.sheets.view import Rows, View, counts, data_as_of, members, month_end, rates, stores, target, why_changed

TITLE: Final = "Overview"
RATES: Final = (
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "show_rate",
    "show_to_sale",
    "closing_rate",
)
_MENDED: Final = ("answered_within_standard", "contact_rate", "contact_to_appointment", "show_rate")
COUNTS: Final = ("leads", "opportunities", "appointments_set", "shows", "sold_units", "gross")


def overview_sheet(view: View) -> Sheet:
    """One page for the wall or the meeting, of any period and scope; without any row it says so."""
    names = (*RATES, *COUNTS)
    now, before = view.now(names), view.before(names)
    return Sheet(TITLE, view.words, answer(view, now, before), sections(view, now, before), data_as_of(view.warehouse))


def answer(view: View, now: Rows, before: Rows) -> tuple[str, ...]:
    """What changed, why if it is more than chance, where opportunities are lost, and what to mend next."""
    is_more = bool(before) and differences.is_apart(now["closing_rate"], before["closing_rate"])
    why = why_changed(view, "closing_rate") if is_more else ""
    aims = {name: target(view, name) for name in _MENDED}
    next_step = f"Next: {explanations.next_step(now, before, aims)[0]}"
    lines = (sentences.answer(now, before), why, sentences.where_lost(now, before), next_step)
    return tuple(spoken(line) for line in lines if line)


def sections(view: View, now: Rows, before: Rows) -> tuple[Section, ...]:
    """The funnel, the numbers, the month and, where there are several, the stores."""
    found: list[Section] = [
        rates("From lead to sale", RATES, now, before, page="overview"),
        _numbers(view, now, before),
    ]
    pace = month_end(view)
    if pace:
        found.append(Lines("Where the month will end: cars sold", tuple(pace), page="overview"))
    if stores(view).height > 1:
        by_store = engine.evaluate(view.warehouse, ["closing_rate"], view.filters.but(by=("store",)))
        found.append(members("Stores", "closing_rate", "store", by_store, now["closing_rate"], tick="all stores"))
    return tuple(found)


def _numbers(view: View, now: Rows, before: Rows) -> Table:
    sides = {"this period": now} | ({"compared with": before} if before else {})
    return counts("Numbers", COUNTS, sides, view.currency)
