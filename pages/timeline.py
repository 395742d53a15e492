"""One customer in order of time, and the way to find one."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics import listing
from metrics.declare import MetricError, NoSuchData
from metrics.filters import Filters
from pages import calling, download, frame, region, theme
from pages.charts.events import LANES, draw_events

_FOUND_AT_MOST: Final = 50
_SHOWN: Final = 12

Row = dict[str, Any]

# Words for what the star says in codes, beside those of theme.value_words.
_WHAT: Final = {
    "call": "Call",
    "text": "Text",
    "email": "E-mail",
    "chat": "Chat",
    "video": "Video",
    "visit": "Visit",
    "test_drive": "Test drive",
    "retail": "Bought",
    "lease": "Leased",
    "service": "Service",
}
_OUTCOMES: Final = {
    "connected": "spoke",
    "left_message": "left a message",
    "no_answer": "no answer",
    "sent": "sent",
    "received": "received",
    "bounced": "bounced",
    "opted_out": "opted out",
}
_TASKS: Final = {"completed": "done", "open": "not done yet"}


def one_customer(key: str) -> None:
    """Who this is, what happened in words, and each event; a key that nobody has is said to be unknown."""
    st.button("All customers", key="close_customer", icon=":material/arrow_back:", on_click=_close)
    try:
        events = frame.estimate(listing.timeline, key)
    except NoSuchData as error:
        st.info(theme.plain(error.message))
        return
    who = frame.estimate(listing.customer, key).row(0, named=True)
    frame.note("customer_viewed", store=who["store"], natural_id=key)
    told = download.readable(events, frame.stores()).with_columns(
        words=pl.Series([words(row) for row in events.to_dicts()], dtype=pl.String),
        is_hollow=pl.col("is_ahead").fill_null(False) | pl.col("is_automatic").fill_null(False),
    )
    st.subheader(theme.plain(who["customer"] or "(no name)"))
    local = events.with_columns(at=told["at"].str.to_datetime("%Y-%m-%d %H:%M"))
    st.markdown("  \n".join((_reach(who), summary(local))))
    described = describe(events)
    frame.chart(draw_events(told.filter(pl.col("at").is_not_null())), described, "events")
    st.caption("Hollow: still to come, or sent by a machine. Local time of the store.")
    st.table(table(told), hide_index=True, border="horizontal", alt=described)


def _close() -> None:
    frame.forget(("customer",))


def _reach(who: Row) -> str:
    phone = calling.dial(who["phone"]) if who["phone"] else "no number"
    email = theme.plain(who["email"] or "no e-mail")
    return f"{theme.plain(who['store'])}: {phone}, {email}"


def summary(events: pl.DataFrame) -> str:
    """How it stands: since when, how often somebody tried, what is next or what came of it. Times are local."""
    first = events.filter(pl.col("at").is_not_null()).row(0, named=True) if events["at"].drop_nulls().len() else None
    tries = events.filter((pl.col("kind") == "touch") & (pl.col("direction") == "out") & ~pl.col("is_automatic"))
    begun = "" if first is None else f"Known since {region.day(first['at'].date())}. "
    return f"{begun}{_tried(tries.height)} **{_standing(events)}**"


def _tried(count: int) -> str:
    if count == 0:
        return "Nobody has tried to reach this customer."
    return "One try by a person." if count == 1 else f"{theme.number(count, 'count')} tries by people."


def _standing(events: pl.DataFrame) -> str:
    bought = events.filter((pl.col("kind") == "purchase") & pl.col("outcome").is_null())
    if bought.height:
        last = bought.row(-1, named=True)
        return f"Bought {region.day(last['at'].date())}." if last["at"] else "Bought."
    ahead = events.filter((pl.col("kind") == "appointment") & pl.col("is_ahead"))
    if ahead.height:
        return f"Next: appointment on {region.day(ahead.row(0, named=True)['at'].date())}."
    missed = events.filter((pl.col("kind") == "appointment") & (pl.col("outcome") == "no_show"))
    if missed.height:
        return f"Next: call about the appointment missed on {region.day(missed.row(-1, named=True)['at'].date())}."
    return "Next: call, and make an appointment."


def words(row: Row) -> str:
    """One event in words: what it was, which way, what came of it."""
    parts = [_what(row), row["vehicle"] or "", _way(row), _outcome(row)]
    if row["score"] is not None:
        parts.append(f"score {theme.number(row['score'], 'count')}")
    return ", ".join(part for part in parts if part)


def _what(row: Row) -> str:
    kind, what = row["kind"], row["what"] or ""
    if kind == "status":
        return "Status"
    if kind == "lead":
        return f"{theme.value_words('lead_type').get(what, what)} lead".strip()
    if kind == "appointment":
        return f"{theme.value_words('appointment_type').get(what, what)} appointment".strip()
    return _WHAT.get(what, what.replace("_", " ")) or kind.capitalize()


def _way(row: Row) -> str:
    if row["direction"] is None:
        return ""
    if row["direction"] == "in":
        return "from the customer"
    return "automatic" if row["is_automatic"] else "to the customer"


def _outcome(row: Row) -> str:
    outcome = row["outcome"] or ""
    if row["kind"] == "status":
        return _move(row["what"], outcome)
    if row["kind"] == "task":
        return _TASKS.get(outcome, outcome)
    known = theme.value_words("outcome") | theme.value_words("status") | _OUTCOMES
    return known.get(outcome, outcome.replace("_", " ")).lower()


def _move(before: str | None, after: str) -> str:
    """From which status to which; a CRM's own word stays as it is."""
    known = theme.value_words("status")
    begun = f"from {known.get(before, before)} " if before else ""
    return f"{begun}to {known.get(after, after)}"


def describe(events: pl.DataFrame) -> str:
    """The chart's takeaway: how many events of each kind there are."""
    counts = {kind: events.filter(pl.col("kind") == kind).height for kind in LANES}
    listed = ", ".join(f"{count} {LANES[kind][0].lower()}" for kind, count in counts.items() if count)
    return f"In order of time: {listed}."


def table(told: pl.DataFrame) -> pl.DataFrame:
    """Each event on a line, the newest first, as ready text."""
    lines = []
    for row in reversed(told.to_dicts()):
        amount = theme.money(row["amount"], _currency(row["store"])) if row["amount"] is not None else ""
        at = region.moment(dt.datetime.fromisoformat(row["at"])) if row["at"] else "no time"
        line = {"When": at, "What": row["words"], "Who": row["person"] or ""}
        lines.append(line | {"Source": row["source"] or "", "Amount": amount, "Record": row["record"] or ""})
    return theme.table(lines)


def _currency(store: str) -> str:
    return str(frame.of_stores("currency")[store])


def search(filters: Filters) -> None:
    """Find a customer by name, phone, e-mail or lead id; what is looked for stands in the URL."""
    with st.container(key="screen_only_search"):
        st.subheader("Find a customer")
        asked = st.text_input(
            "Name, phone, e-mail or lead ID", key="find_customer", bind="query-params", placeholder="Oak, 555-0101 ..."
        )
    if not asked:
        return
    try:
        found = frame.ask_anew(listing.find_customers, asked, filters, _FOUND_AT_MOST)
    except MetricError as error:
        st.info(theme.plain(error.message))
        return
    if found.is_empty():
        st.info(f"Nobody matches “{theme.plain(asked)}” under these filters.")
        return
    for row in download.readable(found.head(_SHOWN), frame.stores()).to_dicts():
        _one_found(row)
    if found.height > _SHOWN:
        st.caption(f"The {_SHOWN} newest are shown. Write more of the name to see fewer.")


def _one_found(row: Row) -> None:
    since = region.day(dt.datetime.fromisoformat(row["newest_lead_at"]).date())
    label = f"{theme.plain(row['customer'] or '(no name)')}, {theme.plain(row['store'])}, newest lead {since}"
    key = row["customer_key"]
    st.button(label, key=f"open_{key}", type="tertiary", icon=":material/person:", on_click=_open, args=(key,))


def _open(key: str) -> None:
    st.query_params["customer"] = key
