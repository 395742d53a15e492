"""The part of Person where an action is agreed, and where its before and after is told later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons.coaching import since
from metrics.declare import MetricError
from pages import actions, coached, frame, region, theme
from pages.actions import Action
from pages.coached import Subject
from pages.journal import Entry, JournalError

# What can be worked on, by the words of the widget: the steps first, then the habits.
SUBJECTS: Final = {declared(name).label: name for name in (*coached.STEPS, *coached.HABITS)}
_LONGEST: Final = 300
_DAYS: Final = "YYYY-MM-DD"


def render(whom: Subject, kept: Sequence[Action]) -> None:
    """Draw the actions of this person, newest first, and the form for one more."""
    st.subheader("Agreed actions")
    if not kept:
        st.caption("Nothing is agreed yet. What you agree stays, with its date, through every reload of the data.")
    for action in kept:
        _action(action, whom)
    with st.expander("Agree an action", expanded=not kept, icon=":material/handshake:"):
        _form(whom, len(kept))


def _action(action: Action, whom: Subject) -> None:
    days = f"from {region.day(action.starts_on)}, look again on {region.day(action.review_on)}"
    with st.container(border=True, gap="xsmall"):
        label = declared(action.metric).label
        who = theme.plain(frame.named(action.who))
        st.markdown(f"**{label}: {theme.plain(action.agreed)}**  \n{_status(action)}; {days}; {who}.")
        if action.closed is not None and action.closed.note:
            st.caption(theme.plain(action.closed.note))
        frame.later(_before_after, action, whom)
        if action.closed is None:
            _closing(action, whom)


def _status(action: Action) -> str:
    words = action.status(frame.last_day())
    return theme.plain(words[:1].upper() + words[1:])


def _before_after(action: Action, whom: Subject) -> None:
    st.markdown(before_after(action, whom))


def before_after(action: Action, whom: Subject) -> str:
    """How the person changed since the action against the team's own change, in one sentence."""
    asked = coached.asked_of(action.metric, whom.own).but(start=None, end=None)
    try:
        found = frame.estimate(since, action.metric, asked, action.starts_on)
    except MetricError:
        return f"Before and after: nothing can be told yet, the data end on {region.day(frame.last_day())}."
    row = found.row(0, named=True)
    counts = f"n {theme.number(row['n_before'], 'count')} before, {theme.number(row['n_after'], 'count')} after"
    return f"Before and after ({counts}): {theme.plain(row['sentence'])}"


def _closing(action: Action, whom: Subject) -> None:
    with (
        st.popover("Close this action", icon=":material/check:"),
        st.form(f"close_{action.entry}", border=False, enter_to_submit=False),
    ):
        st.selectbox("How did it end?", actions.OUTCOMES, key=f"outcome_{action.entry}")
        st.text_input("Note", key=f"closing_note_{action.entry}", max_chars=_LONGEST)
        st.form_submit_button("Close", on_click=_close, args=(action, whom.store))


def _close(action: Action, store: str) -> None:
    """Said before the next run, so that it already shows the action as closed."""
    outcome, note = st.session_state[f"outcome_{action.entry}"], st.session_state[f"closing_note_{action.entry}"]
    _said(lambda: actions.close(frame.journal(), action, outcome, note, frame.who(), store), "Closed and kept.")


def _form(whom: Subject, number: int) -> None:
    """The form; `number` gives each new one fresh fields."""
    today, place = frame.last_day(), f"{whom.key}_{number}"
    with st.form(f"agree_{place}", border=False, enter_to_submit=False):
        st.selectbox("Step or habit", list(SUBJECTS), index=1, key=f"step_{place}")
        hint = "Offer two times in every first call"
        st.text_input("What was agreed", key=f"agreed_{place}", max_chars=_LONGEST, placeholder=hint)
        with st.container(horizontal=True):
            st.date_input("Starts on", today, key=f"starts_{place}", format=_DAYS)
            st.date_input("Look again on", actions.first_review(today), key=f"review_{place}", format=_DAYS)
        frame.ask_name()
        st.form_submit_button("Agree", on_click=_agree, args=(whom, place))
    problem = st.session_state.pop("action_problem", "")
    if problem:
        st.error(problem, icon=":material/edit:")


def _agree(whom: Subject, place: str) -> None:
    """Keep what the form says, or say what is missing; before the next run, so that it already shows it."""
    typed = {name: st.session_state[f"{name}_{place}"] for name in ("step", "agreed", "starts", "review")}
    who, days = frame.who(), (typed["starts"], typed["review"])
    problem = actions.missing(typed["agreed"], who, *days)
    if problem:
        st.session_state["action_problem"] = problem
        return
    person, metric = (whom.key, whom.person, whom.store), SUBJECTS[typed["step"]]
    _said(lambda: actions.agree(frame.journal(), person, metric, typed["agreed"], days, who), "Agreed and kept.")


def _said(write: Callable[[], Entry], done: str) -> None:
    """Write to the journal and say so, or what stood in the way."""
    try:
        write()
    except JournalError as error:
        st.session_state["action_problem"] = theme.plain(str(error))
        return
    st.toast(done, icon=":material/handshake:")


def events(whom: Subject, kept: Sequence[Action], notes: pl.DataFrame) -> list[tuple[dt.date, str]]:
    """What is marked on this person's time charts: trainings and changes of the settings, and agreed actions."""
    own = notes.filter(
        pl.col("store").is_null() | (pl.col("store") == whom.store),
        pl.col("person").is_null() | (pl.col("person") == whom.person),
    )
    marked = [(row["day"], row["label"]) for row in own.to_dicts()]
    return sorted([*marked, *((action.starts_on, action.agreed) for action in kept)])
