"""What an attacker writes into the journal, through the doors that people use."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from metrics import engine, listing
from metrics.filters import Filters
from metrics.lists import NAMES
from pages import actions, alerts, calling
from pages.journal import open_journal
from tests.pages.showroom import HOSTILE, NOW


def hostile_journal(warehouse: Path) -> None:
    """With HOSTILE in every text: a customer was handled, two actions agreed, one of them closed, an alert fires."""
    journal, opened = open_journal(warehouse), engine.open_warehouse(warehouse)
    waiting = listing.worklists(opened, NAMES, Filters())
    opened.close()
    first = calling.customers(calling.divide(waiting, [])[0]).row(0, named=True)
    calling.write(journal, calling.HANDLED, first, who=HOSTILE, note=HOSTILE)
    person, days = ("a1", f"{HOSTILE} Ada Hill", f"{HOSTILE} North"), (NOW.date(), NOW.date() + dt.timedelta(days=28))
    for _ in range(2):
        actions.agree(journal, person, "contact_rate", HOSTILE, days, HOSTILE)
    newest = actions.actions(journal, "a1")[0]
    actions.close(journal, newest, HOSTILE, HOSTILE, HOSTILE, person[2])
    title = HOSTILE[-100:]
    alert = alerts.LimitAlert(title=title, metric="contact_rate", side="below", limit=0.95, days=300)
    alerts.save(journal, alert, who=HOSTILE)
    journal.write("mapping_saved", who=HOSTILE, note=HOSTILE, profile=HOSTILE)
