"""One run of the dashboard: the shared filters, then the page under them, then the rows that the URL asks for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from types import ModuleType

from metrics.engine import NoWarehouse
from metrics.filters import Filters
from pages import drill, frame


def prepare() -> Callable[[ModuleType], None]:
    """Draw the shared filters and return what shows a page under them; without a warehouse, what says so.

    The filters are drawn before the page and outside it, so that they belong to all pages and survive a change of page.
    """
    try:
        filters = frame.sidebar()
    except NoWarehouse as error:
        return partial(_show_nothing, error)
    return partial(_show, filters)


def _show(filters: Filters, page: ModuleType) -> None:
    frame.heading(page.TITLE, page.QUESTION, filters, compares=page.COMPARES)
    page.render(filters)
    drill.show_asked(filters)


def _show_nothing(error: NoWarehouse, _page: ModuleType) -> None:
    frame.no_warehouse(error)


def whole_dashboard() -> None:
    """Run the dashboard from a page's own file.

    Streamlit runs that file by itself when its link is the first thing that a fresh server is asked for: until
    `st.navigation` was called once, it takes every file of `pages/` for a page of its own.
    """
    importlib.import_module("dashboard").main()
