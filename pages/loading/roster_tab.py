"""Roster: who works where, as the lists say. A correction is loaded like any other file, so it can be undone too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from loaders import snapshot
from loaders.contracts import ROLES
from loaders.errors import LoaderError
from loaders.intake import Choices
from pages import frame, theme
from pages.loading import load_tab, results
from pages.loading.place import Place, open_part, say_error, say_kept
from pages.loading.uploads import Upload

_OF_LIST: Final = ("store", "system", "person_id")
_OF_PERSON: Final = ("name", "role", "team", "manager", "started_on", "ended_on")
_SCHEMA: Final = {
    **dict.fromkeys((*_OF_LIST, *_OF_PERSON), pl.String),
    "started_on": pl.Date,
    "ended_on": pl.Date,
}
_OWN_LIST: Final = "generic"


def render(place: Place) -> None:
    """Draw the tab: the people of all lists, those whom no list has, and the way to correct them."""
    say_kept()
    try:
        listed, unlisted = snapshot.listed_people(place.warehouse), snapshot.unlisted_people(place.warehouse)
    except LoaderError as error:
        say_error(error)
        return
    held = pl.concat([pl.DataFrame(schema=_SCHEMA), listed.cast(_SCHEMA), unlisted], how="diagonal")  # type: ignore[arg-type]
    st.markdown(_answer(listed, unlisted))
    with st.columns(2)[0]:
        frame.ask_name()
    with st.form("roster"):
        edited = st.data_editor(
            held,
            column_config=_columns(place, held),
            column_order=["store", *_OF_PERSON, "system"],
            disabled=["system"],
            num_rows="add",
            hide_index=True,
            placeholder="",
            key="edit_roster",
            alt="The people of the store, one row each",
        )
        st.caption(
            "A correction holds until the list that the person came from says otherwise later. "
            "A cell that is made blank keeps what the list says."
        )
        is_asked = st.form_submit_button("Load the corrections")
    if is_asked:
        _load(place, corrected(held, edited))


def _answer(listed: pl.DataFrame, unlisted: pl.DataFrame) -> str:
    gone = listed["ended_on"].count()
    rowed = f"**The lists name {results.number(listed.height)} people, {results.number(gone)} of whom have left.**"
    lacking = listed["started_on"].null_count()
    if lacking:
        rowed += f" {results.number(lacking)} have no first day: nobody knows how long they are on the job."
    if unlisted.is_empty():
        return f"{rowed} Everybody whom a record names is in a list."
    names = theme.plain(results.listed(unlisted["name"].head(5).to_list()))
    return (
        f"{rowed} {results.number(unlisted.height)} are named on records and in no list ({names}). **Next:** give them "
        "a role below, so that they are compared with their own kind."
    )


def _columns(place: Place, held: pl.DataFrame) -> dict[str, Any]:
    stores = [store.name for store in place.settings.stores] + held["store"].drop_nulls().to_list()
    return {
        "store": st.column_config.SelectboxColumn("Store", options=list(dict.fromkeys(stores)), required=True),
        "name": st.column_config.TextColumn("Name", required=True),
        "role": st.column_config.SelectboxColumn("Role", options=list(ROLES), format_func=role_words),
        "team": st.column_config.TextColumn("Team"),
        "manager": st.column_config.TextColumn("Manager"),
        "started_on": st.column_config.DateColumn("First day"),
        "ended_on": st.column_config.DateColumn("Last day"),
        "system": st.column_config.TextColumn("From the list of"),
    }


def role_words(role: object) -> str:
    """A role in dealership words; one that is not known is shown as it is."""
    return theme.value_words("role").get(str(role), str(role))


def corrected(held: pl.DataFrame, edited: pl.DataFrame) -> pl.DataFrame:
    """The rows that say something else than before, or are new."""
    before, after = (people.select(list(_SCHEMA)).cast(_SCHEMA) for people in (held, edited))  # type: ignore[arg-type]
    return after.join(before, on=list(_SCHEMA), how="anti", nulls_equal=True)


def as_uploads(rows: Sequence[dict[str, Any]], at: dt.datetime) -> list[Upload]:
    """The corrections as roster files in Upboard's plain shape: people of a list under their id, new ones by name."""
    own = [row for row in rows if row["person_id"]]
    new = [row | {"system": _OWN_LIST} for row in rows if not row["person_id"] and row["store"] and row["name"]]
    parts = {"corrections": own, "new people": [{k: v for k, v in row.items() if k != "person_id"} for row in new]}
    day = f"{at:%Y-%m-%d %H.%M}"
    return [Upload(f"Roster {part} {day}.csv", _csv(found, at)) for part, found in parts.items() if found]


def _csv(rows: list[dict[str, Any]], at: dt.datetime) -> bytes:
    frame_of = pl.DataFrame(rows, schema={name: _SCHEMA[name] for name in rows[0]})
    return frame_of.with_columns(modified_at=pl.lit(f"{at:%Y-%m-%dT%H:%M:%SZ}")).write_csv().encode()


def _load(place: Place, rows: pl.DataFrame) -> None:
    uploads = as_uploads(rows.to_dicts(), dt.datetime.now(dt.UTC))
    if not uploads:
        st.info("Nothing is different from what the lists say.")
        return
    load_tab.begin(place, uploads, Choices(place.settings, own_profiles=place.own_profiles))
    open_part("Load")
    st.rerun()
