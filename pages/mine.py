"""My numbers: for a salesperson. Who waits for my call, and how my rates stand beside colleagues who are not named."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons.peers import FEWEST_PEOPLE, peers
from metrics.filters import Filters
from metrics.lists import NAMES
from pages import calling, drill, frame, show, theme

TITLE: Final = "My numbers"
ICON: Final = ":material/person:"
QUESTION: Final = "Which of my customers wait, and at which step can I win most?"
COMPARES: Final = False

RATES: Final = (
    "answered_within_standard",
    "follow_up_standard_rate",
    "contact_rate",
    "contact_to_appointment",
    "show_rate",
    "closing_rate",
)

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page of the person who signed in. The filters on people say nothing here."""
    person = frame.user().person or ""
    if person not in frame.staff()["person"].to_list():
        _say_stranger(person)
        return
    own = filters.but(where={**filters.where, "person": (person,)})
    frame.ask_ahead((RATES, own))
    rates = frame.values(RATES, own)
    others = {row["metric"]: row for row in frame.estimate(peers, RATES, person, filters).to_dicts()}
    waiting = _waiting(filters)
    st.markdown(f"{calling.how_many(waiting)}  \n{calling.next_step(waiting)}  \n{answer(rates, others)}")
    _call_first(waiting)
    if any(row["denominator"] for row in rates.values()):
        _rates(person, rates, others)
    else:
        frame.empty(own)


def _say_stranger(person: str) -> None:
    """The name that stands beside the login is nobody's in these data: who can mend it, and how."""
    st.warning(
        f"Nobody in these data is called “{theme.plain(person)}”, so there is nothing of yours to show. Ask your "
        "administrator to write your name as the CRM writes it, beside `person` in the file of users.",
        icon=":material/person_off:",
    )


def _waiting(filters: Filters) -> pl.DataFrame:
    """One's own customers who wait for a call, a row each, in the order of calling."""
    rows = frame.waiting(NAMES, filters)
    journal = frame.journal()
    said = [entry for kind in (calling.HANDLED, calling.REOPENED) for entry in journal.entries(kind)]
    return calling.customers(calling.divide(rows, said)[0])


def _call_first(waiting: pl.DataFrame) -> None:
    """The first customers to call, with their numbers to dial, and the way to all of them."""
    if waiting.height:
        st.subheader("Call first")
        st.markdown(calling.first_lines(waiting))
    frame.link("worklist", "Open my worklist")


def _rates(person: str, rates: dict[str, Row], others: dict[str, Row]) -> None:
    st.subheader("My rates beside my colleagues'")
    lines = [_line(rates[name], others.get(name)) for name in RATES]
    st.table(theme.table(lines), hide_index=True, border="horizontal", alt=f"Rates of {person} beside colleagues")
    st.caption(
        "Colleagues: everybody else at your store together, over the whole months of the period. Nobody is named, and "
        f"a month with fewer than {FEWEST_PEOPLE} colleagues is left out. “Mine” counts the period as it is chosen; "
        "the range beside it is where your true rate lies with 95% confidence."
    )
    st.markdown("The customers behind each rate:")
    with st.container(horizontal=True, gap="xsmall"):
        for name in RATES:
            drill.rows_button(name, declared(name).label, f"mine_{name}", member=("person", person))


def answer(rates: dict[str, Row], others: dict[str, Row]) -> str:
    """The first step of the funnel at which one is surely below colleagues, or that there is none."""
    below = [name for name in RATES if _standing(rates[name], others.get(name)) == "below"]
    if below:
        label = declared(below[0]).label.lower()
        return f"**Work on your {label} first:** it is below your colleagues' beyond what chance explains."
    if not any(row["value"] is not None for row in others.values()):
        return "There are too few colleagues to compare with."
    above = [declared(name).label.lower() for name in RATES if _standing(rates[name], others.get(name)) == "above"]
    better = f" Keep up your {above[0]}: it is above theirs." if above else ""
    return f"No rate of yours is below your colleagues' beyond what chance explains.{better}"


def _standing(mine: Row, other: Row | None) -> str:
    """Where colleagues' rate lies against the interval of one's own."""
    if other is None or other["value"] is None or mine["low"] is None:
        return "unknown"
    if other["value"] > mine["high"]:
        return "below"
    return "above" if other["value"] < mine["low"] else "alike"


_WORDS: Final = {"below": "Below", "above": "Above", "alike": "Not distinguishable", "unknown": "Cannot be told"}


def _line(mine: Row, other: Row | None) -> Row:
    metric = declared(mine["metric"])
    has_value = other is not None and other["value"] is not None
    return {
        "Rate": metric.label,
        "Mine": theme.number(mine["value"], metric.unit),
        "Colleagues": theme.number(other["value"], metric.unit) if other and has_value else "too few",
        "So": _WORDS[_standing(mine, other)],
        "95% range": theme.interval(mine["low"], mine["high"], metric.unit),
        "Of": theme.number(mine["denominator"], "count"),
    }


if __name__ == "__main__":
    show.whole_dashboard()
