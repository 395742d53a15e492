"""The buttons that make a sheet a PDF: nothing is computed before one is pressed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from metrics.filters import Filters
from pages import frame, pdf, region
from pages.sheet import Sheet
from pages.sheets.overview import overview_sheet
from pages.sheets.sources import sources_sheet
from pages.sheets.view import View

LABEL: Final = "PDF, one page"


def print_button(make_sheet: Callable[[], Sheet], file: str, *, key: str, label: str = LABEL) -> None:
    """A download button for the sheet that `make_sheet` gives; `file` is the file's name without its ending.

    The sheet is made when the button is pressed, outside the run that drew it: `make_sheet` may read the warehouse, but
    not the address or the session, so what it needs of these is taken before. Numbers keep the region of this run.
    """
    work = partial(_printed, make_sheet, region.current())
    st.download_button(
        label,
        frame.taken(work, key),
        f"{file}.pdf",
        "application/pdf",
        key=key,
        on_click="ignore",
        icon=":material/picture_as_pdf:",
    )


def overview_button(filters: Filters, against: Filters | None) -> None:
    """The button for the general manager's sheet, beside what it is compared with."""
    view = View(frame.warehouse(), filters, against, frame.scope_words(filters))
    print_button(partial(overview_sheet, view), "upboard_overview", key="overview_pdf")


def sources_button(filters: Filters) -> None:
    """The button for the marketing sheet."""
    view = View(frame.warehouse(), filters, None, frame.scope_words(filters))
    print_button(partial(sources_sheet, view), "upboard_sources", key="sources_pdf")


def _printed(make_sheet: Callable[[], Sheet], place: str) -> bytes:
    region.use(place)
    return pdf.write_pdf(make_sheet(), pdf.paper_of(place))
