"""Worklist: for everybody on the floor. The customers who fell through, whom to call first, and who was handled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics import listing
from metrics.filters import Filters
from metrics.lists import LISTS, NAMES, worklist
from pages import calling, download, frame, show, theme
from pages.journal import Entry, Journal, JournalError

TITLE: Final = "Worklist"
ICON: Final = ":material/call:"
QUESTION: Final = "Which customers fell through, and whom do we call first?"
COMPARES: Final = False
INSTEAD_OF_PERIOD: Final = frame.AS_OF_NOW

# Words of the widgets and the URL.
_TYPED: Final = "worklist_typed"
_ALL: Final = "all lists"
_EVERYBODY: Final = "everybody"
_WAITING, _OLDER, _HANDLED = "waiting", "older too", "handled"
_VIEWS: Final = (_WAITING, _OLDER, _HANDLED)
_NAME_OF: Final = {one.label.lower(): one.name for one in LISTS}
_A_SCREEN: Final = 15

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters. The period is not used: the lists are of now."""
    _say_saved()
    top = st.container()
    st.subheader("Customers")
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    with choices:
        view = frame.choose_level("Show", "show", _VIEWS)
    rows = frame.waiting(NAMES, filters) if view == _WAITING else _with_older(filters)
    waiting, handled = calling.divide(rows, _entries())
    found = calling.customers(handled if view == _HANDLED else waiting)
    with top:
        _answer(found, view)
    with choices:
        chosen = _choose(found, calling.owners(rows))
    _list(chosen, filters)


def _answer(found: pl.DataFrame, view: str) -> None:
    if view == _HANDLED:
        st.markdown(_handled_words(found))
        return
    st.markdown(f"{calling.answer(found)}  \n{calling.next_step(found)}")
    if found.height:
        _counts(found)


def _with_older(filters: Filters) -> pl.DataFrame:
    """Also those whom a list's window leaves out: far too many to be remembered for every filter at once."""
    return frame.estimate(listing.worklists, NAMES, filters.but(start=None, end=None), is_older_too=True)


def _entries() -> list[Entry]:
    """What the journal says of customers, read again only after somebody wrote or a customer was erased."""
    journal = frame.journal()
    return _remembered(str(journal.path), journal.last(), journal.written_anew_at())


@st.cache_data(max_entries=4, show_spinner=False)
def _remembered(path: str, last: int, written_anew_at: int) -> list[Entry]:  # noqa: ARG001 (what is remembered hangs on it)
    """`last` tells a journal that grew from the one that is remembered, `written_anew_at` one that lost its notes."""
    journal = Journal(Path(path))
    written = [entry for kind in (calling.HANDLED, calling.REOPENED) for entry in journal.entries(kind)]
    return [entry for entry in written if entry.entry <= last]


def _handled_words(found: pl.DataFrame) -> str:
    if found.is_empty():
        return "**Nobody was marked as handled** under these filters. Mark customers where they wait."
    count = theme.number(found.height, "count")
    return (
        f"**{count} handled.** They come back by themselves when something new happens after the data that "
        "you saw: a new lead or message, a missed appointment, a deadline that passes."
    )


# How many, by reason and by owner -------------------------------------------------------------------------------------


def _counts(found: pl.DataFrame) -> None:
    """One button per reason, worst first, that turns the list to it; then who owns them."""
    with st.grid(4, min_column_width=165, gap="xsmall"):
        for one, count in calling.by_list(found):
            label = f"**{theme.number(count, 'count')}** · {one.label}"
            st.button(label, key=f"turn_{one.name}", width="stretch", on_click=_turn_to, args=(one.label.lower(),))
    theirs = calling.by_owner(found)
    if theirs.height < 2:
        return
    with st.expander(f"By owner ({theirs.height})"):
        told = [
            {
                "Owner": row["owner"],
                "Customers": theme.number(row["customers"], "count"),
                "Of them wrote to us": theme.number(row["written"], "count"),
            }
            for row in theirs.to_dicts()
        ]
        st.table(theme.table(told), border="horizontal", hide_index=True, alt="Customers who wait, by owner")


def _turn_to(word: str) -> None:
    frame.turn("list", word, _ALL)


# The list -------------------------------------------------------------------------------------------------------------


def _choose(found: pl.DataFrame, owners: list[str]) -> pl.DataFrame:
    """The customers of the list and the owner that are looked at; both stand in the URL.

    `owners` are also those whose customers are all handled, so that the choice stays when the last one is.
    """
    name = frame.choose("List", "list", (_ALL, *_NAME_OF))
    owner = frame.choose("Owner", "owner", (_EVERYBODY, *owners))
    chosen = calling.on_list(found, _NAME_OF.get(name))
    return chosen if owner == _EVERYBODY else chosen.filter(pl.col("owner") == owner)


def _list(chosen: pl.DataFrame, filters: Filters) -> None:
    for key, label in (("list", "List"), ("owner", "Owner"), ("show", "Show")):
        frame.say_unknown_choice(key, label, str(st.session_state[key]))
    name = _NAME_OF.get(st.session_state["list"])
    if name is not None:
        one = worklist(name)
        st.markdown(f"{one.why} **{one.to_do}** {calling.reach(one)}")
    if chosen.is_empty():
        st.info("No customer on this list under these filters.", icon=":material/check:")
        return
    shown = chosen.head(st.session_state.get("worklist_shown", _A_SCREEN))
    zones = frame.of_stores("time_zone")
    picked = [row for row in shown.to_dicts() if _card(row, zones)]
    if shown.height < chosen.height:
        label = f"Show more of {theme.number(chosen.height, 'count')}"
        st.button(label, key="show_more", on_click=_show_more, icon=":material/expand_more:")
    _downloads(chosen, filters)
    _reading()
    if picked:
        _bar(picked)


def _show_more() -> None:
    st.session_state["worklist_shown"] = st.session_state.get("worklist_shown", _A_SCREEN) + _A_SCREEN


def _card(row: Row, zones: Mapping[str, str]) -> bool:
    """One customer: who, how to reach them, why, whose, and what happened last. True where picked."""
    with st.container(border=True, gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            is_picked = st.checkbox(
                f"**{theme.plain(row['customer'] or '(no name)')}**",
                **_kept(_tick_of(row.get("handled_at") is not None), row),
            )
            st.markdown(_reach(row))
            if frame.has("customers"):
                frame.link("customers", "History", customer=row["customer_key"])
        st.markdown(_why(row, zones))
        st.caption(_details(row, zones))
        if row.get("handled_at") is not None:
            st.markdown(f":material/check: {_handled_line(row, zones)}")
        elif is_picked:
            st.text_input("Note", placeholder="What came of it", max_chars=500, **_kept("note", row))
    return is_picked


def _tick_of(is_handled: bool) -> str:
    """What a tick is called: who was handled meanwhile is not ticked to be put back."""
    return "back" if is_handled else "pick"


def _kept(what: str, row: Row) -> dict[str, Any]:
    """What a widget of a card is drawn with, so that what was ticked and typed stands there after a look elsewhere.

    A widget's own value ends with the page that it was drawn on.
    """
    key = f"{what}_{row['item']}"
    typed = st.session_state.setdefault(_TYPED, {})
    if key in typed and key not in st.session_state:
        st.session_state[key] = typed[key]
    return {"key": key, "on_change": _keep, "args": (key,)}


def _keep(key: str) -> None:
    st.session_state.setdefault(_TYPED, {})[key] = st.session_state[key]


def _reach(row: Row) -> str:
    """How to reach a customer, as Markdown."""
    ways = [calling.dial(row["phone"])] if row["phone"] else []
    ways += [calling.mail(row["email"])] if row["email"] else []
    return " · ".join(ways) or "no number or address that can be used"


def _why(row: Row, zones: Mapping[str, str]) -> str:
    waited, wanted = calling.waited(row), theme.plain(calling.wants(row))
    due = calling.when(row["appointment_at"], row, zones)
    ends = [f" Waits **{waited}**." if waited else "", f" Appointment: **{due}**." if due else ""]
    ends.append(f" About: **{wanted}**." if wanted else "")
    return theme.plain(calling.reasons(row)) + "".join(ends)


def _details(row: Row, zones: Mapping[str, str]) -> str:
    touched = calling.last_touch(row, calling.when(row["last_touch_at"], row, zones))
    parts = [f"Owner: {row['owner']}", row["store"], f"from {row['source']}", calling.tries(row), touched]
    return " · ".join(theme.plain(part) for part in parts if part)


def _handled_line(row: Row, zones: Mapping[str, str]) -> str:
    note = f": {row['note']}" if row["note"] else ""
    return theme.plain(
        f"Handled by {frame.named(row['handled_by'])}, {calling.when(row['handled_at'], row, zones)}{note}"
    )


# Handled and put back -------------------------------------------------------------------------------------------------


def _bar(picked: list[Row]) -> None:
    """What can be done with those who are picked, in sight wherever one has scrolled to."""
    is_handled = picked[0].get("handled_at") is not None
    label = f"Put {len(picked)} back" if is_handled else f"Mark {len(picked)} as handled"
    with st.bottom, st.container(horizontal=True, vertical_alignment="bottom"):
        who = frame.ask_name()
        kind = calling.REOPENED if is_handled else calling.HANDLED
        st.button(label, key="save", on_click=_save, args=(kind, picked), icon=":material/check:")
        if not who:
            st.caption("Write your name first, so that the others see who called.")


def _save(kind: str, drawn: list[Row]) -> None:
    """Write those who are ticked now: the bar may have been drawn before the last tick was taken away."""
    who = frame.who()
    tick = _tick_of(kind == calling.REOPENED)
    picked = [row for row in drawn if st.session_state.get(f"{tick}_{row['item']}")]
    if not who:
        st.session_state["saved"] = (False, "Nothing was written: say your name first.")
        return
    journal = frame.journal()
    try:
        for row in picked:
            note = st.session_state.get(f"note_{row['item']}", "")
            calling.write(journal, kind, row, who=who, note=note)
            st.session_state[f"{tick}_{row['item']}"] = False
            for key in (f"{tick}_{row['item']}", f"note_{row['item']}"):
                st.session_state.get(_TYPED, {}).pop(key, None)
    except JournalError as error:
        st.session_state["saved"] = (False, str(error))
        return
    if not picked:
        st.session_state["saved"] = (False, "Nothing was written: nobody is ticked.")
        return
    done = "marked as handled" if kind == calling.HANDLED else "put back"
    st.session_state["saved"] = (True, f"{len(picked)} {done}.")


def _say_saved() -> None:
    is_done, words = st.session_state.pop("saved", (True, ""))
    if words and is_done:
        st.toast(words, icon=":material/check:")
    elif words:
        st.error(theme.plain(words))


# Files and how to read it ---------------------------------------------------------------------------------------------


def _downloads(chosen: pl.DataFrame, filters: Filters) -> None:
    known, stores = frame.facts(), frame.stores()
    said = calling.about(chosen, frame.scope_words(filters), frame.as_of_words(), known.snapshot)

    def written(write: Callable[[pl.DataFrame, Mapping[str, str]], bytes]) -> bytes:
        return write(calling.as_file(chosen, stores), said)

    with st.container(horizontal=True):
        for label, ending, write in (("CSV", "csv", download.to_csv), ("Excel", "xlsx", download.to_excel)):
            st.download_button(
                f"Download {label}",
                frame.taken(partial(written, write), "worklist"),
                f"upboard_worklist.{ending}",
                key=f"worklist_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def _reading() -> None:
    with st.expander("How to read it"):
        lines = [f"- **{one.label}**: {one.reason}. {calling.reach(one)}" for one in LISTS]
        st.markdown(
            "A customer stands once, at the first of these reasons. “Now” is the moment that the data reach to; the "
            "period of the sidebar does not matter here. Waiting time runs from the message, the lead, the missed "
            "appointment or the deadline. A handled customer comes back when something new happens after the data "
            "that you saw.\n\n" + "\n".join(lines)
        )


if __name__ == "__main__":
    show.whole_dashboard()
