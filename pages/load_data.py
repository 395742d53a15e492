"""Load data: for the manager. Drop exports, see what was recognised, mend it, load, undo; settings, roster, sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from loaders.errors import LoaderError
from metrics.filters import Filters
from pages import frame, show
from pages.loading import history_tab, load_tab, roster_tab, sources_tab, standards_tab
from pages.loading.place import Place, asked_part, here, say_error

TITLE: Final = "Load data"
ICON: Final = ":material/upload_file:"
QUESTION: Final = "Are the newest exports in, and did they arrive whole?"
COMPARES: Final = False
INSTEAD_OF_PERIOD: Final = frame.AS_OF_NOW
WORKS_WITHOUT_DATA: Final = True

_LOAD: Final = "Load"
TABS: Final[dict[str, Callable[[Place], None]]] = {
    _LOAD: load_tab.render,
    "History": history_tab.render,
    "Standards and targets": standards_tab.render,
    "Roster": roster_tab.render,
    "Source names": sources_tab.render,
}


def render(filters: Filters) -> None:  # noqa: ARG001 (what is loaded knows no filters)
    """Draw the tab that the address names. Works before anything was loaded."""
    if part := asked_part():
        frame.turn("part", part, _LOAD)
    chosen = frame.choose_level("Part", "part", list(TABS))
    frame.say_unknown_choice("part", "part", chosen)
    try:
        place = here()
    except LoaderError as error:
        say_error(error)
        return
    st.caption(f"Settings: {place.settings_file}", help="Set the environment's UPBOARD_SETTINGS to use another file.")
    TABS[chosen](place)


if __name__ == "__main__":
    show.whole_dashboard()
