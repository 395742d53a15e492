"""Audit: for the administrator. Who looked at whom, who took what away, who changed what: the journal, newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import download, drill, frame, region, show, theme
from pages.journal import Entry, JournalError

TITLE: Final = "Audit"
ICON: Final = ":material/policy:"
QUESTION: Final = "Who looked at whom, who took data away, and who changed what?"
COMPARES: Final = False
INSTEAD_OF_PERIOD: Final = frame.AS_OF_NOW

_EVERYTHING: Final = "everything"
_SHOWN: Final = 200
_COLUMNS: Final = ("When (UTC)", "Who", "What", "Details", "Store")
# Whose sign-in was refused cannot be told where nobody has the login.
_UNKNOWN: Final = "(unknown login)"
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
        st.caption(f"The newest {_SHOWN} of {theme.number(rows.height, 'count')}; the files hold all of them.")
    st.dataframe(rows.head(_SHOWN), hide_index=True, alt="Entries of the journal, newest first")
    about = {"What": kind, "Who": asked or "everybody", "Times": "UTC"}
    with st.container(horizontal=True):
        for label, ending, write in (("CSV", "csv", download.to_csv), ("Excel", "xlsx", download.to_excel)):
            make = frame.taken(partial(write, rows, about), "audit")
            file = f"upboard_audit.{ending}"
            st.download_button(f"Download {label}", make, file, on_click="ignore", icon=":material/download:")


def answer(entries: list[Entry]) -> str:
    """What stands out: files taken and sign-ins refused; as Markdown."""
    if not entries:
        return "**Nothing was written yet.** Where people sign in, what they look at, take and change stands here."
    takers = Counter(entry.who for entry in entries if entry.kind == _TAKEN)
    refused = sum(entry.kind == _REFUSED for entry in entries)
    people = len({entry.who for entry in entries if entry.who})
    since = region.day(entries[0].at.date())
    head = f"**{_counted(len(entries), 'entry', 'entries')} by {_counted(people, 'person', 'people')}** since {since}."
    return f"{head} {_files(takers)} {_counted(refused, 'sign-in')} refused.  \n{_next(takers, refused)}"


def _files(takers: Counter[str]) -> str:
    """How many files were taken, and by whom most."""
    if len(takers) < 2:
        by = f" by {theme.plain(next(iter(takers)))}" if takers else ""
        return f"{_counted(takers.total(), 'file')} taken{by},"
    (who, most), (_, next_most) = takers.most_common(2)
    if most == next_most:
        return f"{_counted(takers.total(), 'file')} taken by {_counted(len(takers), 'person', 'people')},"
    return f"{_counted(takers.total(), 'file')} taken, most by {theme.plain(who)} ({theme.number(most, 'count')}),"


def _next(takers: Counter[str], refused: int) -> str:
    if takers:
        words = WORDS[_TAKEN]
        return f"**Next:** choose “{words}” below, and ask whoever took more than their work needs."
    if refused:
        return f"**Next:** choose “{WORDS[_REFUSED]}” below: many in a row for one login mean that somebody guesses."
    return "**Next:** nothing. No file was taken, and nobody was kept out."


def _counted(count: int, one: str, more: str = "") -> str:
    return f"{theme.number(count, 'count')} {one if count == 1 else more or f'{one}s'}"


def table(entries: list[Entry], kind: str | None, who: str) -> pl.DataFrame:
    """The entries of a kind (in words) and of whoever's name or login holds a text, newest first."""
    told = [_row(entry) for entry in reversed(entries)]
    rows = pl.DataFrame(told, schema=dict.fromkeys(_COLUMNS, pl.String))
    wanted = pl.col("What") == kind if kind else pl.lit(value=True)
    return rows.filter(wanted, pl.col("Who").str.to_lowercase().str.contains(who.strip().lower(), literal=True))


def _row(entry: Entry) -> dict[str, Any]:
    cells = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.who or (_UNKNOWN if entry.kind == _REFUSED else ""),
        WORDS.get(entry.kind, entry.kind),
        _details(entry),
        entry.store,
    )
    return dict(zip(_COLUMNS, cells, strict=True))


def _details(entry: Entry) -> str:
    """What an entry is about: the id of the record, then what else it holds, metrics by their names."""
    record = " ".join(part for part in (entry.system, entry.natural_id) if part)
    held = [value if name == "what" else f"{name.replace('_', ' ')}: {value}" for name, value in _named(entry.data)]
    return "; ".join(part for part in (record, *held, entry.note) if part)


def _named(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry holds as text; of a metric whose rows were opened, its name and its part in words."""
    told = {name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in data.items()}
    with suppress(MetricError, KeyError):
        found = declared(told["what"])
        parts = {str(code): words for code, words in drill.parts_of(found).items()}
        told |= {"what": found.label, "part": parts[told["part"]]}
    return [(name, " ".join(value.split())) for name, value in told.items()]


if __name__ == "__main__":
    show.whole_dashboard()
