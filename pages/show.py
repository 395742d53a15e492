"""One run of the dashboard: the shared filters, then the page under them, then the rows that the URL asks for."""

from __future__ import annotations

import importlib
from threading import Event
from types import ModuleType
from typing import Final

import streamlit as st

from metrics.engine import NoWarehouse
from metrics.filters import Filters
from pages import drill, frame, paper

_HAS_NAVIGATED: Final = Event()


def begin_again_once() -> None:
    """Run the dashboard a second time after the very first `st.navigation` of a server.

    Until it was called once, Streamlit takes every file of `pages/` for a page of its own and ties the filters to the
    page they were drawn on; the first reader would lose them on the way to the next page.
    """
    if not _HAS_NAVIGATED.is_set():
        _HAS_NAVIGATED.set()
        st.rerun()


def prepare() -> None:
    """Draw the shared filters, and keep what they ask for (or that nothing is loaded) for the page of this run.

    The filters are drawn before the page and outside it, so that they belong to all pages and survive a change of page.
    """
    frame.look_again()
    try:
        st.session_state["asked"] = frame.sidebar()
        frame.facts()  # A snapshot that cannot be read as a whole is told of once, not by half a page.
    except NoWarehouse as error:
        st.session_state["asked"] = error


def show(page: ModuleType) -> None:
    """Draw a page under the filters of this run; without a warehouse, say so."""
    asked: Filters | NoWarehouse = st.session_state["asked"]
    frame.begin_page(page.TITLE)
    if isinstance(asked, NoWarehouse):
        _without_data(page, asked)
        return
    compares = page.COMPARES and getattr(page, "is_compared", lambda _: True)(asked)
    frame.heading(page.TITLE, page.QUESTION, asked, compares=compares, instead=getattr(page, "INSTEAD_OF_PERIOD", ""))
    paper.lay_out(asked)
    try:
        with frame.first_part(), frame.journal_errors_said():
            page.render(asked)
            drill.show_asked(asked)
    except NoWarehouse as error:
        frame.say_unreadable(error)


def _without_data(page: ModuleType, reason: NoWarehouse) -> None:
    """Before the first load only the page that loads has something to show."""
    if getattr(page, "WORKS_WITHOUT_DATA", False):
        frame.bare_heading(page.TITLE, page.QUESTION)
        page.render(Filters())
    else:
        frame.no_warehouse(reason)


def whole_dashboard() -> None:
    """Run the dashboard from a page's own file.

    Streamlit runs that file by itself when its link is the first thing that a fresh server is asked for: until
    `st.navigation` was called once, it takes every file of `pages/` for a page of its own.
    """
    importlib.import_module("dashboard").main()
