"""Person: one coaching sheet. Where this person gains or loses, the habits behind it, whom to call, what is agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics import engine
from metrics.catalog import metric as declared
from metrics.comparisons.people import NOBODY
from metrics.filters import Filters
from metrics.lists import NAMES
from pages import (
    actions,
    calling,
    coached,
    drill,
    frame,
    people_coaching,
    person_actions,
    person_sheet,
    printing,
    show,
    theme,
)
from pages.charts.against import describe_against, draw_against
from pages.charts.trend import describe_events, describe_trend, draw_trend, tabulate_trend
from pages.coached import Subject
from pages.sheet import Sheet

TITLE: Final = "Person"
ICON: Final = ":material/person:"
QUESTION: Final = "Where does this person gain or lose sales on the same leads as colleagues, and what do we agree?"
COMPARES: Final = False

# Words of the widget and the URL, and the role in which the person's leads are looked at.
ROLES: Final[dict[str, str | None]] = {
    "role on the roster": None,
    "assigned salesperson": "salesperson",
    "BDC agent": "bdc_agent",
}
_CALLED: Final = {"bdc_agent": "BDC agent", "salesperson": "salesperson", "manager": "manager"}
_TO_RESCUE: Final = 8
_WHO: Final = "who"
# One clean sheet of paper: what is only for pressing stays on the screen, charts give way to their tables.
_PRINTED: Final = """<style>@media print {
[data-testid=stSidebar], [data-testid=stHeader], [data-testid=stToolbar], [data-testid=stButton],
[data-testid=stDownloadButton], [data-testid=stExpander], [data-testid=stForm], [data-testid=stPageLink],
[data-testid=stSelectbox], [data-testid=stButtonGroup],
[data-testid=stPopover], [data-testid=stPlotlyChart], [data-testid=stTooltipIcon],
[class*=st-key-screen_only] { display: none !important }
[data-testid=stMain], [data-testid=stAppViewContainer], [data-testid=stApp] { position: static !important;
overflow: visible !important; height: auto !important }
[data-testid=stMainBlockContainer] { padding: 0 !important; zoom: 0.62 }
[data-testid=stVerticalBlock] { gap: 0.4rem !important }
tr { break-inside: avoid } td, th { padding: 2px 6px !important }
@page { margin: 10mm } }</style>"""

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the sheet of the person that the URL names; without one, whose sheet is worth opening."""
    st.html(_PRINTED)
    staff = _with_sheets(filters)
    asked = st.query_params.get(_WHO)
    if asked is not None and asked not in staff:
        _say_elsewhere(asked)
    if not staff:
        frame.empty(filters)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = _choose(staff)
        seen_as = frame.choose("Seen as", "seen_as", tuple(ROLES)) if key else ""
    if key is None:
        _nobody_chosen(filters)
        return
    frame.say_unknown_choice("seen_as", "Seen as", seen_as)
    whom = coached.subject(staff[key], filters, ROLES[seen_as])
    frame.note("person_viewed", store=whom.store, natural_id=whom.key)
    st.markdown(f"### {theme.plain(whom.person)}\n{_introduction(whom)}")
    _sheet(whom, filters)


def _with_sheets(filters: Filters) -> dict[str, Row]:
    """Everybody who can have a sheet, by key in order of name: people of the stores in scope, no machine."""
    chosen = filters.where.get("store", ())
    kept = _people().filter(pl.col("store").is_in(chosen)) if chosen else _people()
    return {row["person_key"]: row for row in kept.to_dicts()}


def _people() -> pl.DataFrame:
    """Everybody of every store who can have a sheet."""
    return frame.staff().filter(~pl.col("is_machine"), pl.col("store").is_not_null(), pl.col("person") != NOBODY)


def _choose(staff: Mapping[str, Row]) -> str | None:
    """The person that the URL names by key, and the widget to choose another; None where it names nobody known."""
    asked = st.query_params.get(_WHO)
    st.session_state["person_chosen"] = asked if asked in staff else None
    found: str | None = st.selectbox(
        "Person",
        list(staff),
        index=None,
        format_func=lambda key: str(staff[key]["person"]),
        key="person_chosen",
        on_change=_turn_to,
        placeholder="Choose whose sheet to open",
    )
    return found


def _say_elsewhere(asked: str) -> None:
    """That nobody is of this key, or that the filters leave out the store where they work."""
    known = _people().filter(pl.col("person_key") == asked).to_dicts()
    if known:
        name, store = (theme.plain(known[0][column]) for column in ("person", "store"))
        st.info(f"{name} works at {store}, which the filter Store leaves out.", icon=":material/filter_alt:")
    else:
        frame.say_unknown("a person")


def _turn_to() -> None:
    """The person who is looked at stands in the URL: by key, as two people may have one name."""
    chosen = st.session_state["person_chosen"]
    if chosen is None:
        frame.forget((_WHO,))
    else:
        st.query_params[_WHO] = chosen


def _nobody_chosen(filters: Filters) -> None:
    """Whose sheet to open: whoever has most to gain by coaching."""
    st.subheader("Whose sheet is worth opening")
    people_coaching.render(filters, _sheet_button)


def _sheet_button(person: str, label: str, keys: Mapping[str, str]) -> None:
    """As `team.link_to_sheet`, on the page that has the sheet: its own address changes, which no link to it does."""
    key = keys.get(person)
    if (
        key
        and person != NOBODY
        and st.button(label, key=f"sheet_of_{key}", type="tertiary", icon=ICON, on_click=_open, args=(key,))
    ):
        st.rerun()


def _open(key: str) -> None:
    st.query_params[_WHO] = key


def _introduction(whom: Subject) -> str:
    role = _CALLED.get(whom.role, "")
    parts = [f"{role} at {whom.store}".strip(), whom.since, f"leads as {_CALLED[whom.credit]}"]
    return theme.plain(", ".join(part for part in parts if part))


def _sheet(whom: Subject, filters: Filters) -> None:
    currency = frame.currency(whom.filters)
    kept = actions.actions(frame.journal(), whom.key)
    context = (frame.span_words(filters), frame.as_of_words())
    make = partial(_paper, whom, currency, kept, context)
    printing.print_button(make, f"upboard_{whom.person}", key="person_pdf", label="Coaching sheet as PDF")
    frame.later(_funnel, whom, currency)
    frame.later(_habits, whom)
    frame.later(_rescue, whom)
    person_actions.render(whom, kept)
    with st.container(key="screen_only_trend"):
        frame.later(_trend, whom, kept, frame.trend(filters))


def _paper(whom: Subject, currency: str, kept: Sequence[actions.Action], context: tuple[str, str]) -> Sheet:
    """The same on paper; made when the button is pressed."""
    return person_sheet.person_sheet(whom, currency, to_rescue(whom), kept, context)


# The steps and the habits ---------------------------------------------------------------------------------------------


def _funnel(whom: Subject, currency: str) -> None:
    found = coached.steps(whom)
    behind = coached.habits(whom)
    st.markdown(f"{coached.answer(whom, found, currency)}  \n{coached.next_step(found, behind)}")
    if not found:
        return
    st.subheader("Where in the funnel")
    drawn = coached.drawn(found)
    described = describe_against(drawn, whom.person)
    with st.container(key="screen_only_steps"):
        frame.chart(draw_against(drawn, whom.person), described, "person_steps")
    aims = coached.aims([rate.name for rate in found], whom)
    st.table(coached.steps_table(found, currency, aims), hide_index=True, border="horizontal", alt=described)
    _rows(found, whom, "steps")
    st.caption(
        "Observed: of this person's leads. Expected: the hits that colleagues of the same store would have had on "
        "leads of the same source, type, new or used, in or after hours. At equal leads: the rate on the team's own "
        "mix, with its 95% interval. Worth a month: what reaching the colleagues at that step alone would bring. "
        "Would stand out: how many hits on so many chances would leave the 95% limits."
    )


def _rows(found: Sequence[coached.Rate], whom: Subject, key: str) -> None:
    """The rows behind one of the rates, chosen by name."""
    labels = {rate.label: rate.name for rate in found}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = str(st.selectbox("Number to open", list(labels), key=f"opened_{key}"))
        drill.rows_button(
            labels[label],
            "Show the rows",
            f"rows_{key}",
            part="denominator",
            member=("person", whom.person),
            credit=coached.asked_of(labels[label], whom.filters).credit,
            is_later=True,
        )


def _habits(whom: Subject) -> None:
    found, others = coached.habits(whom), coached.amounts(whom)
    if not found and not others:
        return
    st.subheader("The habits behind it")
    if found:
        drawn = coached.drawn(found)
        with st.container(key="screen_only_habits"):
            frame.chart(draw_against(drawn, whom.person), describe_against(drawn, whom.person), "person_habits")
    alt = f"Habits of {whom.person} beside the team."
    aims = coached.aims([rate.name for rate in found] + [name for name, *_ in others], whom)
    st.table(coached.habits_table(found, others, aims), hide_index=True, border="horizontal", alt=alt)
    if found:
        _rows(found, whom, "habits")


# The customers to call ------------------------------------------------------------------------------------------------


def to_rescue(whom: Subject) -> pl.DataFrame:
    """This person's customers who wait and were not handled, one row each, in the order of calling."""
    rows = frame.waiting(NAMES, Filters(where={"store": (whom.store,), "person": (whom.person,)}))
    journal = frame.journal()
    said = [entry for kind in (calling.HANDLED, calling.REOPENED) for entry in journal.entries(kind, store=whom.store)]
    return calling.customers(calling.divide(rows, said)[0])


def _rescue(whom: Subject) -> None:
    st.subheader("Customers to rescue now")
    found = to_rescue(whom)
    if found.is_empty():
        st.markdown("Nobody of this person's customers waits for a call.")
        return
    zones = frame.of_stores("time_zone")
    lines = [_customer(row, zones) for row in found.head(_TO_RESCUE).to_dicts()]
    st.markdown(f"**{_how_many(found.height)}** In the order of calling:\n\n" + "\n".join(lines))
    if frame.has("worklist"):
        frame.link("worklist", "On the worklist, to mark as handled", owner=whom.person)


def _how_many(count: int) -> str:
    if count == 1:
        return "One of this person's customers waits."
    return f"{theme.number(count, 'count')} of this person's customers wait."


def _customer(row: Row, zones: Mapping[str, str]) -> str:
    """One customer as an item of a list, with a number that a phone dials; the data's words are escaped."""
    name = theme.plain(row["customer"] or "(no name)")
    reach = calling.dial(row["phone"]) if row["phone"] else theme.plain(row["email"] or "no number")
    waited, wanted = calling.waited(row), calling.wants(row)
    touched = theme.plain(calling.last_touch(row, calling.when(row["last_touch_at"], row, zones)))
    told = (
        theme.plain(calling.reasons(row)),
        f"Waits {theme.plain(waited)}." if waited else "",
        f"About: {theme.plain(wanted)}." if wanted else "",
        f"{touched[:1].upper()}{touched[1:]}.",
    )
    return f"1. **{name}**, {reach}: {' '.join(part for part in told if part)}"


# Over time ------------------------------------------------------------------------------------------------------------


def _trend(whom: Subject, kept: Sequence[actions.Action], asked: Filters) -> None:
    """One rate by month with trainings and agreed actions marked on it."""
    st.subheader("Over time")
    labels = {declared(name).label: name for name in (*coached.STEPS, *coached.HABITS)}
    proposed = next((action.metric for action in kept if action.closed is None), coached.STEPS[1])
    index = list(labels.values()).index(proposed) if proposed in labels.values() else 0
    name = labels[str(st.selectbox("Rate over time", list(labels), index=index, key="person_trend"))]
    own = coached.asked_of(name, whom.own).but(start=asked.start, end=asked.end, grain=asked.grain)
    rows = frame.evaluate((name,), own)
    metric, grain = declared(name), frame.grain()
    if not rows["value"].is_not_null().any():
        st.info(f"No {metric.label.lower()} of this person in these months.")
        return
    events = person_actions.events(whom, kept, frame.estimate(engine.events))
    alt = describe_trend(rows, f"{metric.label} of {whom.person}", metric.unit, grain)
    aim = frame.target(name, own)
    if aim is not None:
        alt = f"{alt} The target is {theme.number(aim, metric.unit)}."
    figure = draw_trend(rows, metric.unit, grain, events=events, target=aim)
    frame.chart(figure, alt, "person_over_time", tabulate_trend(rows, metric.unit, grain))
    if events:
        st.caption(theme.plain(describe_events(events)))


if __name__ == "__main__":
    show.whole_dashboard()
