"""Source names: what the files call a source, and what it means. A name that nobody mapped keeps standing alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import polars as pl
import streamlit as st

from loaders import edits, snapshot
from loaders.errors import LoaderError
from loaders.settings import SourceEntry
from loaders.sources import Spelling, spellings
from pages import frame, theme
from pages.loading import results
from pages.loading.place import Place, say_error, say_kept
from pages.loading.standards_tab import differing, save

_SCHEMA: Final = {
    "take": pl.Boolean,
    "spelling": pl.String,
    "leads": pl.Int64,
    "spend": pl.Int64,
    "source": pl.String,
    "group": pl.String,
    "channel": pl.String,
    "why": pl.String,
}


def render(place: Place) -> None:
    """Draw the tab: the names that are not mapped with a suggestion each, then those that are."""
    say_kept()
    try:
        found = spellings(snapshot.source_spellings(place.warehouse), place.settings)
    except LoaderError as error:
        say_error(error)
        return
    unmapped = [spelling for spelling in found if not spelling.is_mapped]
    st.markdown(_answer(found, unmapped))
    differing(place)
    if unmapped:
        _unmapped(place, unmapped)
    mapped = [spelling for spelling in found if spelling.is_mapped]
    if mapped:
        with st.expander(f"Mapped already: {results.number(len(mapped))} names"):
            rows = [_mapped(spelling) for spelling in mapped]
            st.table(theme.table(rows), hide_index=True, border="horizontal", alt="Names of sources and their meaning")


def _answer(found: Sequence[Spelling], unmapped: Sequence[Spelling]) -> str:
    if not found:
        return "**No record names a source yet.**"
    if not unmapped:
        return f"**All {results.number(len(found))} names of sources are mapped.** There is nothing to do here."
    leads = results.amount(sum(spelling.leads for spelling in unmapped), "lead")
    return (
        f"**{results.number(len(unmapped))} of {results.number(len(found))} names of sources are not mapped; {leads} "
        "carry one.** **Next:** tick the names of one source that are written in several ways, and say what they mean."
    )


def _unmapped(place: Place, unmapped: Sequence[Spelling]) -> None:
    with st.columns(2)[0]:
        frame.ask_name()
    rows = [_row(spelling) for spelling in unmapped]
    config = {
        "take": st.column_config.CheckboxColumn("Map", help="Only ticked names are saved.", width=65),
        "spelling": st.column_config.TextColumn("As files write it", width=115),
        "leads": st.column_config.NumberColumn("Leads", width=65, format="localized"),
        "spend": st.column_config.NumberColumn("Spend entries", width=100, format="localized"),
        "source": st.column_config.TextColumn("Is the source", required=True, width=115),
        "group": st.column_config.TextColumn("Group", width=105),
        "channel": st.column_config.TextColumn("Channel", width=95),
        "why": st.column_config.TextColumn("Why this is proposed", width=235),
    }
    with st.form("source_names"):
        edited = st.data_editor(
            pl.DataFrame(rows, schema=_SCHEMA),
            column_config=config,
            disabled=["spelling", "leads", "spend", "why"],
            hide_index=True,
            placeholder="",
            # Streamlit keeps what was edited by row: in another order it is another table.
            key=f"edit_sources_{sha256(repr([row['spelling'] for row in rows]).encode()).hexdigest()[:12]}",
            alt="Names of sources that are not mapped, with a suggestion each",
        )
        if st.form_submit_button("Save the ticked names"):
            entries = entries_of(edited.to_dicts())
            if entries:
                save(place, "sources", lambda text: edits.with_sources(text, entries))
            else:
                st.info("Tick the names to map first.")


def _row(spelling: Spelling) -> dict[str, Any]:
    meant = spelling.suggestion
    return {
        "take": False,
        "spelling": spelling.spelling,
        "leads": spelling.leads,
        "spend": spelling.spend_rows,
        "source": meant.source if meant else spelling.spelling,
        "group": (meant.group if meant else None) or spelling.file_group,
        "channel": meant.channel if meant else None,
        "why": spelling.reason,
    }


def entries_of(rows: Sequence[Mapping[str, Any]]) -> list[SourceEntry]:
    """The ticked rows as entries of the map."""
    return [
        SourceEntry(
            source=row["source"].strip(),
            names=(row["spelling"],),
            group=(row["group"] or "").strip() or None,
            channel=(row["channel"] or "").strip() or None,
        )
        for row in rows
        if row["take"] and (row["source"] or "").strip()
    ]


def _mapped(spelling: Spelling) -> dict[str, str]:
    return {
        "As files write it": spelling.spelling,
        "Leads": results.number(spelling.leads),
        "Source": spelling.source or "",
        "Group": spelling.source_group or "",
        "Channel": spelling.channel or "",
    }
