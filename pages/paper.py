"""How any page lies on a wide screen, and on paper: without what is for pressing, and with its filters in words."""

from __future__ import annotations

from typing import Final

import streamlit as st

from metrics.filters import Filters
from pages import frame, theme

# On a wall screen text ends where an eye still finds the next line; links and words to choose are as high as the
# select beside them; a phone number is dialled from one line.
# Charts keep the pixels that they have on the screen, so each is drawn smaller or larger until it is as wide as its
# place on the paper. A browser that cannot divide lengths leaves them: at 62 % those of a window of 1600 pixels fit A4.
# A container whose key begins with `screen_only` holds what can only be pressed.
_STYLE: Final = """<style>
.st-key-paper_only { display: none }
[data-testid=stMain] a[href^="tel:"] { white-space: nowrap }
[data-testid=stHorizontalBlock]:has(> * > [data-testid=stSelectbox]) > :has(> [data-testid=stPageLink])
{ margin: 4px 0 }
[data-testid=stHorizontalBlock]:has(> * > [data-testid=stSelectbox]) [data-testid=stButtonGroup] button { height: 40px }
@media screen and (min-width: 1600px) {
[data-testid=stMain] [data-testid=stMarkdownContainer] > :is(p, ul, ol) { max-width: 62rem }
[data-testid=stMain] [data-testid=stCaptionContainer] > p { max-width: 54rem } }
@media print {
.st-key-paper_only { display: block }
[data-testid=stSidebar], [data-testid=stHeader], [data-testid=stToolbar], [data-testid=stButton],
[data-testid=stDownloadButton], [data-testid=stPageLink], [data-testid=stForm], [data-testid=stBottom],
[data-testid=stMetricChart], [data-testid=stTooltipIcon], [class*=st-key-screen_only],
[data-testid=stExpander]:has(details:not([open])) { display: none !important }
[data-testid=stMain], [data-testid=stAppViewContainer], [data-testid=stApp] { position: static !important;
overflow: visible !important; height: auto !important }
[data-testid=stMainBlockContainer] { padding: 0 !important; max-width: none !important; zoom: 0.62 }
[data-testid=stVerticalBlock] { gap: 0.5rem !important }
[data-testid=stPlotlyChart] { container-type: inline-size }
@supports (zoom: tan(atan2(1px, attr(width px)))) {
[data-testid=stElementContainer]:has(.main-svg), [data-testid=stFullScreenFrame]:has(.main-svg),
[data-testid=stPlotlyChart], [data-testid=stPlotlyChart] div { height: auto !important }
.main-svg { zoom: tan(atan2(100cqw, attr(width px))) }
.main-svg:first-child { position: relative !important } }
tr, [data-testid=stMetric], [data-testid=stPlotlyChart] { break-inside: avoid }
h1, h2, h3 { break-after: avoid }
@page { margin: 10mm } }</style>"""


def lay_out(filters: Filters) -> None:
    """The style of the paper, and a line of it that the screen does not show: what the sidebar filters by."""
    st.html(_STYLE)
    if filters.where:
        with st.container(key="paper_only"):
            st.caption(theme.plain(frame.scope_words(filters)))
