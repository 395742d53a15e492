"""Definitions: for everyone. Every metric in plain words, and the very query that counts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from metrics.catalog import METRICS
from metrics.declare import Conversion, Measure, Metric, OneFact, Ratio, Window
from metrics.filters import Filters, unavailable
from pages import frame, sentences, show, theme

TITLE: Final = "Definitions"
ICON: Final = ":material/menu_book:"
QUESTION: Final = "What exactly does each number count, and what does it leave out?"
COMPARES: Final = False
INSTEAD_OF_PERIOD: Final = "**The same in every period**"

_ROLES: Final = theme.value_words("role")
FLAGS: Final = {
    "is_counted": "counted as a sale or lead (retail or lease and not reversed; not a test, not a resend)",
    "is_eligible": "a sales opportunity (not service, not import, not a test, not all duplicates)",
    "needs_answer": "needs an answer (not a phone call, not a walk-in)",
    "is_attempted": "a person tried to reach the customer",
    "is_contacted": "the customer and one of our people both spoke",
    "is_appointment_set": "a sales or test-drive appointment was set",
    "is_shown": "the customer came to an appointment",
    "is_sold": "a retail or lease deal that was not reversed",
    "is_standing": "a sales or test-drive appointment that was due and neither cancelled nor moved before",
    "is_counted_set": "a sales or test-drive appointment, a chain of reschedules once",
    "is_confirmed": "confirmed before it was due",
    "has_known_gross": "its gross is known",
    "is_known": "its spend is known",
    "has_contact_log": "its store logs its touches",
    "is_watched_1d": "at least a day old",
    "is_watched_3d": "at least 3 days old",
    "is_watched_10d": "at least 10 days old",
    "is_follow_up_due": "old enough for the store's follow-up standard",
    "is_follow_up_met": "a person tried as often as the standard asks, or reached the customer sooner",
    "is_multi_channel": "a person tried two channels or more",
    "is_barely_tried": "a person tried once at most",
    "is_machine_only": "touched by machines and by no person",
    "is_automated_first": "a machine touched the customer first",
    "is_written_to_us": "the customer wrote a text, an e-mail or a chat message",
    "is_message_answered": "a person spoke to the customer after the last message",
    "is_replied": "the customer wrote, called or came after asking",
}

# Words of the exports and how each counts.
WORDS: Final = (
    ("Lead", "open, sold, lost", "counts; a sale is counted from a deal, never from the word sold"),
    ("Lead", "bad", "counts, so that nobody improves a rate by marking leads bad"),
    ("Lead", "duplicate", "counts as a lead; an opportunity of which every lead is a duplicate is left out"),
    ("Lead", "test, resend", "a test is left out everywhere; a resend is not counted as another lead"),
    ("Lead type", "service, import", "not a sales opportunity: left out"),
    ("Lead type", "phone, walk-in", "counts, but needs no answer: not in the response metrics"),
    ("Appointment", "shown", "the customer came"),
    ("Appointment", "no-show", "due and not shown: stays in the show rate"),
    ("Appointment", "open", "past its time without an outcome: stays in the show rate as not shown, and is stated"),
    (
        "Appointment",
        "cancelled, rescheduled",
        "left out when it happened before the time; else it stays in as not shown",
    ),
    ("Deal", "retail, lease", "counts as sold unless reversed; a split deal is half a car for each"),
    ("Deal", "fleet, wholesale, dealer trade", "not a retail sale: left out"),
)


def render(filters: Filters) -> None:
    """List the metrics that the search finds, grouped as in the catalogue; a `metric` in the URL stands first, open."""
    asked = st.query_params.get("metric")
    wanted = st.text_input("Search", key="find", bind="query-params", placeholder="show rate, spend, gross ...")
    found = [metric for metric in METRICS if matches(metric, wanted or "")]
    if asked is not None and asked not in {metric.name for metric in METRICS}:
        st.warning(f"This link asks for the metric “{theme.plain(asked)}”, which Upboard does not have.")
    if not found:
        st.info(f"No metric matches “{theme.plain(wanted or '')}”. Try a shorter word, or clear the search.")
        return
    st.caption(
        f"{len(found)} of {len(METRICS)} metrics. Open one for its numerator, denominator, clock and window, "
        "and the query that runs under these filters."
    )
    for metric in (one for one in found if one.name == asked):
        _entry(metric, filters, is_open=True)
    found = [metric for metric in found if metric.name != asked]
    for family in dict.fromkeys(metric.family for metric in found):
        st.subheader(family)
        for metric in (one for one in found if one.family == family):
            _entry(metric, filters, is_open=False)
    _words()


def _words() -> None:
    st.subheader("Words in the exports")
    lines = [{"Of": of, "Word": word, "How it counts": counts} for of, word, counts in WORDS]
    st.table(theme.table(lines), hide_index=True, border="horizontal", alt="How each word of the exports counts")


def matches(metric: Metric, wanted: str) -> bool:
    """Whether every word of the search stands in the metric's name, label, family or description."""
    text = f"{metric.name} {metric.label} {metric.family} {metric.description}".casefold()
    return all(word in text for word in wanted.casefold().split())


def _entry(metric: Metric, filters: Filters, *, is_open: bool) -> None:
    said = f"**{theme.plain(metric.label)}**: {theme.plain(metric.description)}"
    box = st.expander(said, expanded=is_open, key=f"entry_{metric.name}", on_change="rerun")
    with box:
        if not box.open:
            return
        st.table(
            theme.table(facts_of(metric)), hide_index=True, hide_header=True, border="horizontal", alt=metric.label
        )
        reason = unavailable(metric, filters)
        if reason:
            st.info(theme.plain(reason))
            return
        query = frame.query(metric.name, filters)
        st.caption(f"The query for {frame.span_words(filters)}, with its parameters:")
        st.code(query.text, language="sql", wrap_lines=True)
        st.code(parameters(query.parameters), language="text", wrap_lines=True)


def parameters(values: Mapping[str, object]) -> str:
    """Parameters one per line, as `$name = value`; a sentence where there are none."""
    return "\n".join(f"${name} = {value}" for name, value in values.items()) or "no parameters"


def facts_of(metric: Metric) -> list[dict[str, str]]:
    """What a metric states about itself, as pairs of a question and its answer in plain words."""
    pairs = {
        "Numerator": numerator_words(metric),
        "Denominator": denominator_words(metric),
        "Counted by": sentences.clock_words(metric),
        "Window": window_words(metric),
        "Credited to": ", ".join(_ROLES.get(role, role.replace("_", " ")) for role in metric.credits) or "nobody",
        "Can be split by": ", ".join(frame.LABELS[name].lower() for name in metric.dimensions),
        "Better when": {True: "higher", False: "lower", None: "neither: read it with the others"}[
            metric.higher_is_better
        ],
        "Name": metric.name,
    }
    return [{"What": key, "Meaning": value} for key, value in pairs.items()]


def numerator_words(metric: Metric) -> str:
    """What is counted above the line."""
    if isinstance(metric, Conversion):
        hit = flag_words(metric.converted)
        return f"those not reached by: {hit}" if metric.counts_misses else f"those of them with: {hit}"
    if isinstance(metric, Ratio):
        above = " plus ".join(term.label.lower() for term in metric.plus)
        below = "".join(f" less {term.label.lower()}" for term in metric.minus)
        return above + below
    return _measured(metric)


def _measured(metric: Measure) -> str:
    rows = _base(metric)
    if metric.measures == "count":
        return rows
    return f"{metric.measures} of {str(metric.column).replace('_', ' ')} over {rows}"


def denominator_words(metric: Metric) -> str:
    """What stands below the line."""
    if isinstance(metric, Conversion):
        return _base(metric)
    if isinstance(metric, Ratio):
        per = " plus ".join(term.label.lower() for term in metric.per) or "nothing: not a rate"
        return f"{per}; only source-months with known spend, above and below" if metric.is_cost else per
    return "none: not a rate"


def flag_words(flag: str) -> str:
    """What a flag of a fact says, in words."""
    return FLAGS.get(flag, flag.removeprefix("is_").replace("_", " "))


def _base(metric: OneFact) -> str:
    rules = "; ".join(flag_words(flag) for flag in metric.base)
    return f"{metric.table.noun}: {rules}" if rules else metric.table.noun


def window_words(metric: Metric) -> str:
    """How long a row has, and when it stops being open."""
    if isinstance(metric, Conversion) and metric.within is not None:
        return f"{_length(metric.within)}; rows whose time is not up are in neither part and are stated"
    if isinstance(metric, Conversion) and metric.settles is not None and metric.settles.days:
        return f"so far: every row counts; those without a result settle after {metric.settles.days} days"
    if isinstance(metric, Ratio) and metric.immature_days:
        return f"so far: opportunities younger than {metric.immature_days} days are stated as still open"
    return "none"


def _length(within: Window) -> str:
    if within.days:
        return f"{within.days} days"
    time = f"{within.open_minutes} minutes" if within.open_minutes else "the store's standard"
    return f"{time}, in opening hours"


if __name__ == "__main__":
    show.whole_dashboard()
