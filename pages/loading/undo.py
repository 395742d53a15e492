"""Undo: bring back an earlier snapshot, asked twice. Nothing is taken away: what was undone can be brought back too."""

from __future__ import annotations

import streamlit as st

from loaders import snapshot
from loaders.errors import LoaderError
from pages.loading.place import Place, note, say_error, say_later


def button(place: Place, *, key: str, name: str | None = None, label: str = "Undo this load") -> None:
    """A button that brings back the snapshot of that name, or the one that the serving one was built on."""
    target = name or earlier(place)
    if target is None:
        st.caption("There is nothing before it to go back to.")
        return
    if st.session_state.get("undoing") != key:
        if st.button(label, key=key, icon=":material/undo:"):
            st.session_state["undoing"] = key
            st.rerun()
        return
    st.markdown("Everybody sees the earlier numbers at once. The load stays in the history.")
    if st.button("Yes, bring back the earlier data", key=f"{key}_yes"):
        _bring_back(place, target)
    if st.button("No, keep it", key=f"{key}_no"):
        st.session_state.pop("undoing", None)
        st.rerun()


def earlier(place: Place) -> str | None:
    """The snapshot that the serving one was built on; None where there is none, or none that is kept."""
    try:
        return snapshot.built_on(place.warehouse)
    except LoaderError:
        return None


def _bring_back(place: Place, target: str) -> None:
    st.session_state.pop("undoing", None)
    try:
        snapshot.roll_back(place.warehouse, target)
    except LoaderError as error:
        say_error(error)
        return
    note("rolled_back", natural_id=target)
    st.session_state.pop("load_job", None)
    say_later("Brought back: the data are what they were before that load. It stays in the history.")
    st.rerun()
