"""A part of a page that may not be possible: it says why and what to do, and the rest of the page stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from metrics.declare import MetricError
from pages import theme

P = ParamSpec("P")


def or_reason(draw: Callable[P, None]) -> Callable[P, None]:
    """The same drawing, which says the reason in a sentence where a number cannot be had."""

    @wraps(draw)
    def drawn(*args: P.args, **named: P.kwargs) -> None:
        try:
            draw(*args, **named)
        except MetricError as error:
            st.info(theme.plain(error.message))

    return drawn
