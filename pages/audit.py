"""Audit: for the administrator. Who looked at whom, who took what away, who changed what: the journal, newest first."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.filters import Filters
from pages import download, frame, show, theme
from pages.journal import Entry, JournalError

TITLE: Final = "Audit"
ICON: Final = ":material/policy:"
QUESTION: Final = "Who looked at whom, who took data away, and who changed what?"
COMPARES: Final = False
IS_OF_NOW: Final = True

_EVERYTHING: Final = "everything"
_SHOWN: Final = 200
WORDS: Final = {
    "signed_in": "Signed in",
    "signed_out": "Signed out",
    "sign_in_refused": "Sign-in refused",
    "person_viewed": "Looked at a person's sheet",
    "customer_viewed": "Looked at a customer",
    "rows_viewed": "Looked at rows",
    "downloaded": "Took a file",
    "handled": "Marked a customer as handled",
    "reopened": "Put a customer back",
    "action": "Agreed a coaching action",
    "action_closed": "Closed a coaching action",
    "settings_changed": "Changed a setting",
    "mapping_saved": "Saved a mapping",
    "loaded": "Loaded data",
    "rolled_back": "Went back to an earlier load",
    "alert_saved": "Saved an alert",
    "alert_removed": "Removed an alert",
}
# Kinds that the answer counts: what left the product, and who was kept out.
_TAKEN, _REFUSED = "downloaded", "sign_in_refused"


def render(filters: Filters) -> None:  # noqa: ARG001  # every page has them; the journal is of now
    """Draw the journal. The filters say nothing here: what was done is no number."""
    try:
        entries = frame.journal().entries()
    except JournalError as error:
        st.error(theme.plain(str(error)))
        return
    st.markdown(answer(entries))
    if not entries:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = frame.choose("What", "what", (_EVERYTHING, *WORDS.values()))
        asked = st.text_input("Who", key="audit_who", placeholder="Part of a name or login")
    frame.say_unknown_choice("what", "What", kind)
    rows = table(entries, kind if kind != _EVERYTHING else None, asked)
    if rows.is_empty():
        st.info("Nothing of that kind stands in the journal.")
        return
    if rows.height > _SHOWN:
        st.caption(f"The newest {_SHOWN} of {rows.height:,}; the files hold all of them.")
    st.dataframe(rows.head(_SHOWN), hide_index=True, alt="Entries of the journal, newest first")
    about = {"What": kind, "Who": asked or "everybody", "Times": "UTC"}
    with st.container(horizontal=True):
        for label, ending, write in (("CSV", "csv", download.to_csv), ("Excel", "xlsx", download.to_excel)):
            make = frame.taken(partial(write, rows, about), "audit")
            st.download_button(f"Download {label}", make, f"upboard_audit.{ending}", on_click="ignore")


def answer(entries: list[Entry]) -> str:
    """What stands out: files taken and sign-ins refused; as Markdown."""
    if not entries:
        return "**Nothing was written yet.** Where people sign in, what they look at, take and change stands here."
    taken, refused = (sum(entry.kind == kind for entry in entries) for kind in (_TAKEN, _REFUSED))
    people = len({entry.who for entry in entries if entry.who})
    return (
        f"**{len(entries):,} entries by {people:,} people:** {taken:,} files taken, {refused:,} sign-ins refused. "
        "Next: look at files that somebody took who does not usually."
    )


def table(entries: list[Entry], kind: str | None, who: str) -> pl.DataFrame:
    """The entries of a kind (in words) and of whoever's name or login holds a text, newest first."""
    told = [_row(entry) for entry in reversed(entries)]
    schema = {"When (UTC)": pl.String, "Who": pl.String, "What": pl.String, "Store": pl.String, "Of": pl.String}
    rows = pl.DataFrame(told, schema=schema | {"More": pl.String})
    wanted = pl.col("What") == kind if kind else pl.lit(value=True)
    return rows.filter(wanted, pl.col("Who").str.to_lowercase().str.contains(who.strip().lower(), literal=True))


def _row(entry: Entry) -> dict[str, Any]:
    data = "; ".join(f"{name}: {value}" for name, value in entry.data.items())
    return {
        "When (UTC)": f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "Who": entry.who,
        "What": WORDS.get(entry.kind, entry.kind),
        "Store": entry.store,
        "Of": " ".join(part for part in (entry.system, entry.natural_id) if part),
        "More": " ".join(part for part in (entry.note, data) if part),
    }


if __name__ == "__main__":
    show.whole_dashboard()
