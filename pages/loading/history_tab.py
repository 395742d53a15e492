"""History: every load that is kept, who made it and what it changed, the refused rows, and the way back."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from loaders import snapshot
from loaders.errors import LoaderError
from pages import download, frame, theme
from pages.loading import results, undo
from pages.loading.place import Place, say_error, say_kept


def render(place: Place) -> None:
    """Draw the tab; before the first load it says so."""
    say_kept()
    try:
        entries = snapshot.history(place.warehouse)
    except LoaderError as error:
        say_error(error)
        return
    if not entries:
        st.info("Nothing was loaded yet. Drop your first export under Load.", icon=":material/inbox:")
        return
    who = {entry.natural_id: frame.named(entry.who) or "somebody here" for entry in frame.journal().entries("loaded")}
    st.markdown(_answer(entries))
    if any(entry["is_current"] for entry in entries):
        undo.button(place, key="undo_last", label="Undo the load that serves now")
    rows = [_row(entry, who.get(entry["snapshot"], "the command line")) for entry in entries]
    st.table(theme.table(rows), hide_index=True, border="horizontal", alt="Every load that is kept, the newest first")
    _earlier(place, entries)
    _refused(place)


def _answer(entries: list[dict[str, Any]]) -> str:
    serving = next((entry for entry in entries if entry["is_current"]), None)
    kept = (
        f"{results.number(len(entries))} loads are kept." if len(entries) > 1 else "It is the only load that is kept."
    )
    if serving is None:
        return f"**No load serves now.** {kept} Bring one back below."
    return f"{brought(serving)} {kept}"


def brought(load: dict[str, Any]) -> str:
    """When a load was made and what it brought, as Markdown."""
    counts = results.counts_of(load["files"])
    told = results.listed([results.amount(count.new, count.table) for count in counts if count.new])
    nothing = "It brought no new record." if load["files"] else "It counted the same records again."
    what = f"It brought {told} that were not there." if told else nothing
    return f"**What serves now was loaded on {results.moment(load['loaded_at'])}.** {what}"


def missing(load: dict[str, Any], refused: int) -> str:
    """What did not arrive: rows that are refused up to now, and files of this load that could not be read."""
    unread = sum(bool(row["error"]) for row in load["files"])
    rows = f"{results.number(refused)} {'row is' if refused == 1 else 'rows are'} refused" if refused else ""
    files = f"{results.number(unread)} {'file' if unread == 1 else 'files'} could not be read" if unread else ""
    lost = " and ".join(part for part in (rows, files) if part)
    return f"**Not whole:** {lost}. History says which and why." if lost else "**All of it arrived.**"


def _row(entry: dict[str, Any], who: str) -> dict[str, str]:
    counts = results.counts_of(entry["files"])
    failed = [row for row in entry["files"] if row["error"]]
    names = dict.fromkeys(str(row["path"]).rpartition("/")[2] for row in entry["files"])
    shown = results.listed([*list(names)[:4], *(["others"] if len(names) > 4 else [])])
    return {
        "Loaded": results.moment(entry["loaded_at"]) + (" (serves now)" if entry["is_current"] else ""),
        "By": who,
        "Files": entry["error"] or shown or "none: built again with other settings",
        "New": results.number(sum(count.new for count in counts)),
        "Changed": results.number(sum(count.changed for count in counts)),
        "Refused": results.number(sum(count.refused for count in counts)),
        "Not read": results.number(len(failed)),
        "Data as of": results.moment(entry["as_of"]),
    }


def _earlier(place: Place, entries: list[dict[str, Any]]) -> None:
    others = {entry["snapshot"]: entry for entry in entries if not entry["is_current"] and not entry["error"]}
    if not others:
        return
    st.subheader("Go back, or forward again")
    chosen = st.selectbox(
        "Load to bring back",
        list(others),
        format_func=lambda name: results.moment(others[name]["loaded_at"]),
        key="snapshot",
    )
    undo.button(place, key="bring_back", name=chosen, label="Bring this one back")


def _refused(place: Place) -> None:
    try:
        rejects = snapshot.rejects(place.warehouse)
    except LoaderError as error:
        say_error(error)
        return
    st.subheader("Refused rows")
    if rejects.is_empty():
        st.caption("No row was refused.")
        return
    st.markdown(
        f"{results.number(rejects.height)} rows are not in the numbers. Mend them where they were written, "
        "export and load again: those that are read then leave this list."
    )
    st.table(_by_file(rejects), hide_index=True, border="horizontal", alt="Refused rows by file and reason")
    about = {"What": "Rows that Upboard refused, with the reason", "Rows": results.number(rejects.height)}
    make = frame.taken(partial(download.to_csv, results.refused_rows(rejects), about), "refused_rows")
    label, icon = "Download the refused rows", ":material/download:"
    st.download_button(label, make, "refused_rows.csv", "text/csv", on_click="ignore", icon=icon)


def _by_file(rejects: pl.DataFrame) -> pl.DataFrame:
    files = rejects.partition_by("source_file", maintain_order=True)
    return theme.table([{"File": part["source_file"][0]} | row for part in files for row in results.reasons(part)])
