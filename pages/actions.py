"""What was agreed with a person: read from the journal, with its status. No streamlit here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pages import region
from pages.journal import Entry, Journal

AGREED: Final = "action"
CLOSED: Final = "action_closed"
OUTCOMES: Final = ("done, it helped", "done, it did not help", "not done")
_AFTER: Final = dt.timedelta(weeks=4)


@dataclass(frozen=True)
class Action:
    """One agreed action of one person; `closed` is what was said when it ended, None while it runs."""

    entry: int
    person_key: str
    metric: str
    agreed: str
    starts_on: dt.date
    review_on: dt.date
    who: str
    closed: Entry | None = None

    def status(self, today: dt.date) -> str:
        """How it stands on a day, in words."""
        if self.closed is not None:
            return f"closed {region.day(self.closed.at.date())}: {self.closed.data.get('outcome', '')}"
        if today < self.starts_on:
            return "agreed, not begun"
        return "review is due" if today >= self.review_on else "running"


def actions(journal: Journal, person_key: str) -> list[Action]:
    """What was agreed with this person, the newest first."""
    closed = {entry.data.get("action"): entry for entry in journal.entries(CLOSED, natural_id=person_key)}
    found = [_action(entry, closed.get(entry.entry)) for entry in journal.entries(AGREED, natural_id=person_key)]
    return found[::-1]


def _action(entry: Entry, closed: Entry | None) -> Action:
    starts_on, review_on = (dt.date.fromisoformat(str(entry.data[name])) for name in ("starts_on", "review_on"))
    metric, agreed = str(entry.data["metric"]), str(entry.data["agreed"])
    return Action(entry.entry, entry.natural_id, metric, agreed, starts_on, review_on, entry.who, closed)


def first_review(starts_on: dt.date) -> dt.date:
    """When to look again unless somebody says otherwise: four weeks later."""
    return starts_on + _AFTER


def missing(agreed: str, who: str, starts_on: dt.date | None, review_on: dt.date | None) -> str:
    """What is still missing before an action can be kept, as a sentence; empty where nothing is."""
    if not agreed.strip():
        return "Write down what was agreed."
    if not who:
        return "Give your name, so that the others see who agreed it."
    if starts_on is None or review_on is None:
        return "Choose the day it starts and the day to look again."
    return "" if review_on > starts_on else "The day to look again must come after the day it starts."


def agree(
    journal: Journal, person: Sequence[str], metric: str, agreed: str, days: tuple[dt.date, dt.date], who: str
) -> Entry:
    """Keep an agreed action. `person`: key, label and store; `days`: when it starts, when to look again."""
    key, label, store = person
    return journal.write(
        AGREED,
        who=who,
        store=store,
        natural_id=key,
        person=label,
        metric=metric,
        agreed=" ".join(agreed.split()),
        starts_on=days[0],
        review_on=days[1],
    )


def close(journal: Journal, action: Action, outcome: str, note: str, who: str, store: str) -> Entry:
    """Say how an action ended."""
    return journal.write(
        CLOSED, who=who, store=store, natural_id=action.person_key, note=note, action=action.entry, outcome=outcome
    )
