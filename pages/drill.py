"""The drill to rows: every number can be opened, looked at and taken along as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl
import streamlit as st

from metrics import engine
from metrics.catalog import metric as declared
from metrics.declare import ROLES, Metric, MetricError
from metrics.filters import Filters
from metrics.sql import Part
from pages import download, frame, theme

_ROWS_SHOWN: Final = 500
# Headers of the rows for people, where the column's own name would not do. Files keep the names of docs/data_model.md.
_HEADERS: Final = {
    "bdc_agent": "BDC agent",
    "setter": "Appointment setter",
    "responder": "First responder",
    "vehicle_condition": "New or used",
    "created_at": "Lead came in",
    "first_attempt_at": "First attempt",
    "contacted_at": "Contacted",
    "appointment_set_at": "Appointment set",
    "appointment_due_at": "Appointment due",
    "confirmed_at": "Confirmed",
    "cancelled_at": "Cancelled",
    "set_at": "Set",
    "due_at": "Due",
    "shown_at": "Shown",
    "sold_at": "Sold",
    "is_duplicate": "Marked duplicate",
    "is_bad": "Marked bad",
    "is_lost": "Lost",
    "is_known": "Spend known",
    "lead_count": "Leads",
    "weight": "Share of the deal",
    "weighted_gross": "Gross, by share",
    "measure": "Counted as",
    "opportunity_key": "Opportunity ID",
    "lead_id": "Lead ID in the CRM",
    "appointment_id": "Appointment ID in the CRM",
    "sale_id": "Deal ID",
    "source_file": "File",
    "source_line": "Line",
}


def header(column: str) -> str:
    """The words over a column of rows."""
    return _HEADERS.get(column, column.replace("_", " ").capitalize())


def rows_button(
    name: str,
    label: str,
    key: str,
    *,
    part: str = "numerator",
    member: tuple[str, str] | None = None,
    members: Mapping[str, Sequence[str]] | None = None,
    credit: str | None = None,
    is_later: bool = False,
) -> None:
    """A button that opens the rows behind a number through the URL, so that Back closes them and a link opens them.

    `member`: a dimension and its label, when the number is of one member; `members`: labels by dimension, when it is of
    several. `credit`: the role that the number is credited to, where it is not the metric's usual one. `is_later`:
    inside a part that `frame.later` draws, which runs alone: the whole page must run to open the rows.
    """
    kept = {member[0]: (member[1],)} if member is not None else members or {}
    action = partial(open_drill, name, part, kept, credit)
    is_pressed = st.button(label, key=key, type="tertiary", icon=":material/table_rows:", on_click=action)
    if is_pressed and is_later:
        st.rerun()


def open_drill(metric: str, part: str, members: Mapping[str, Sequence[str]], credit: str | None = None) -> None:
    """Put a drill into the URL at once, so that one Back leaves it.

    It has the labels by dimension that the drill keeps, and the role that it is credited to.
    """
    close_drill()
    asked: dict[str, str | list[str]] = {"rows": f"{metric}.{part}"}
    if members:
        asked["member"] = [f"{name}:{label}" for name, labels in members.items() for label in labels]
    if credit is not None:
        asked["credit"] = credit
    st.query_params.update(asked)


def close_drill() -> None:
    """Take the drill out of the URL."""
    frame.forget(frame.DRILL_KEYS)


def show_asked(filters: Filters) -> None:
    """Open the rows that the URL asks for, if it does."""
    asked = st.query_params.get("rows")
    if asked is None:
        return
    name, _, part = asked.partition(".")
    try:
        found = declared(name)
    except MetricError:
        st.warning(f"This link asks for rows of “{theme.plain(name[:60])}”, which Upboard does not count.")
        return
    within = _within(filters)
    if within is not None:
        frame.note("rows_viewed", what=name, part=part)
        _rows_dialog(found, "denominator" if part == "denominator" else "numerator", within)


def _within(filters: Filters) -> Filters | None:
    """The filters of the members whose rows are asked for: any of a dimension, in each. One outside has no rows.

    None, and a sentence, where the link names a member in a way that cannot be read: more is never shown instead.
    """
    chosen: dict[str, list[str]] = {}
    for asked in st.query_params.get_all("member"):
        dimension, _, label = asked.partition(":")
        if dimension not in frame.LABELS:
            frame.say_unknown(f"rows of “{theme.plain(asked[:60])}”")
            return None
        kept = filters.where.get(dimension)
        chosen.setdefault(dimension, []).append(label if kept is None or label in kept else "")
    where = {**filters.where, **{name: tuple(labels) for name, labels in chosen.items()}}
    credit = st.query_params.get("credit")
    if credit is not None and credit not in ROLES:
        frame.say_unknown(f"rows credited to “{theme.plain(credit[:60])}”")
        return None
    return filters.but(where=where, credit=credit or filters.credit)


def _rows_dialog(found: Metric, part: Part, filters: Filters) -> None:
    show = st.dialog(f"Rows behind: {found.label}", width="large", on_dismiss=close_drill)(_rows_body)
    show(found, part, filters)


def _rows_body(found: Metric, part: Part, filters: Filters) -> None:
    frame.begin_part()
    parts = parts_of(found)
    key = f"part_{found.name}"
    part = st.segmented_control(
        "Part",
        list(parts),
        default=part if part in parts else next(iter(parts)),
        format_func=parts.__getitem__,
        required=True,
        key=key,
        on_change=partial(_turn_to, found.name, key),
    )
    try:
        found_rows = download.readable(
            frame.ask_anew(engine.rows, found.name, part, filters, limit=_ROWS_SHOWN + 1), frame.stores()
        )
    except MetricError as error:
        st.info(theme.plain(error.message))
        return
    st.markdown(
        f"{theme.plain(found.description)} **{frame.span_words(filters)}**, {theme.plain(frame.scope_words(filters))}."
    )
    if found_rows.is_empty():
        st.info("No rows. Nothing was counted here under these filters.")
        return
    if found_rows.height > _ROWS_SHOWN:
        st.caption(f"The first {_ROWS_SHOWN} rows; the files below hold all of them.")
    _shown(found_rows, f"{parts[part]} of {found.label}")
    _downloads(found, part, filters)


def _turn_to(name: str, key: str) -> None:
    """The part that is looked at stands in the URL too. A dialog that was closed may turn once more as it goes."""
    if "rows" in st.query_params:
        st.query_params["rows"] = f"{name}.{st.session_state[key]}"


def _shown(rows: pl.DataFrame, alt: str) -> None:
    """The first rows, with headers and codes in dealership words."""
    coded = [name for name in rows.columns if theme.value_words(name)]
    spoken = rows.head(_ROWS_SHOWN).with_columns(pl.col(name).replace(theme.value_words(name)) for name in coded)
    headers = {name: header(name) for name in rows.columns}
    st.dataframe(spoken, hide_index=True, column_config=headers, alt=alt, height=360)


def parts_of(found: Metric) -> dict[Part, str]:
    """Which parts of a metric have rows, with what they hold in words."""
    if found.kind == "conversion":
        return {"numerator": "Counted as yes", "denominator": "All that had the chance"}
    if found.kind == "ratio":
        return {"numerator": "Above the line", "denominator": "Below the line"}
    if found.kind in ("median", "quantile"):
        return {"denominator": "Rows measured"}
    return {"numerator": "Rows counted"}


def _downloads(found: Metric, part: Part, filters: Filters) -> None:
    opened, zones = frame.warehouse(), frame.stores()
    about = about_rows(found, part, filters)
    stem = f"upboard_{found.name}_{part}"

    def written(write: Callable[[pl.DataFrame, Mapping[str, str]], bytes]) -> bytes:
        return write(download.readable(engine.rows(opened, found.name, part, filters), zones), about)

    with st.container(horizontal=True):
        for label, ending, write in (("CSV", "csv", download.to_csv), ("Excel", "xlsx", download.to_excel)):
            st.download_button(
                f"Download {label}",
                frame.taken(partial(written, write), found.name, part=part),
                f"{stem}.{ending}",
                key=f"download_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def about_rows(found: Metric, part: Part, filters: Filters) -> dict[str, str]:
    """What a file of rows says about itself: metric, part, definition, filters, data-as-of and snapshot."""
    known = frame.facts()
    return {
        "Metric": f"{found.label} ({found.name})",
        "Rows": parts_of(found).get(part, part),
        "Definition": found.description,
        "Period": frame.span_words(filters),
        "Filters": frame.scope_words(filters),
        "Data as of": frame.as_of_words(),
        "Times": "local time of each row's store",
        "Snapshot": known.snapshot,
    }
