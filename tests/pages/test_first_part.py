"""What a page shows at once and what comes later: in which order parts begin, and in which order they stand."""

from __future__ import annotations

from typing import Any, cast

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Show

_IN_TURN = """
import streamlit as st
from pages import frame

begun = []

def slow():
    begun.append("later")
    st.caption("a slow part")

def known():
    begun.append("filled in")
    st.caption("known at once")

with frame.first_part():
    frame.later(slow)
    frame.later_lines(2, slow)
    begun.append("drawn")
    st.title("the end of the page")
    frame.filled_in(known)
st.session_state["begun"] = begun
"""
_REFUSED = """
import streamlit as st
from metrics.declare import NoSuchData
from pages import frame

try:
    with frame.first_part():
        frame.later(st.caption, "of a page that could not be drawn")
        raise NoSuchData("There is nothing.", "Load some.")
except NoSuchData:
    st.title("said instead")
frame.later(st.caption, "outside")
"""


def run(script: str) -> AppTest:
    app = AppTest.from_string(script, default_timeout=60).run()
    assert not app.exception
    return app


def shown(app: AppTest) -> list[str]:
    """The titles and captions of the page, from the top."""
    return [str(cast(Any, element).value) for element in app.main if element.type in ("title", "caption")]


def test_later_parts_begin_when_the_first_part_is_drawn_and_stand_where_they_were_asked_for() -> None:
    app = run(_IN_TURN)
    begun = app.session_state["begun"]
    assert begun[0] == "drawn"
    assert sorted(begun[1:]) == ["filled in", "later", "later"]
    assert shown(app) == [
        "a slow part",
        "a slow part",
        "the end of the page",
        "known at once",
    ]


def test_a_page_that_cannot_be_drawn_begins_no_later_part() -> None:
    app = run(_REFUSED)
    assert shown(app) == [
        "said instead",
        "outside",
    ]


def test_a_tile_has_its_number_and_its_sparkline(show: Show) -> None:
    app = show("overview", period="last 365 days")
    tiles = {tile.label: tile for tile in app.metric}
    assert len(tiles) == len(app.metric) == 8
    assert len(tiles["Leads"].proto.chart_data) > 1
