"""Appointments: for the CRM manager. Whom to call to confirm, who comes, what nobody wrote down, where shows fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons import hours
from metrics.comparisons.bounds import bounds
from metrics.comparisons.hours import DUE
from metrics.filters import Filters
from metrics.lists import NO_SHOW, UNCONFIRMED
from pages import ahead, download, drill, explanations, frame, lines, parts, sentences, show, slots, theme, tiles
from pages.charts.dots import describe_dots, draw_dots
from pages.charts.heatmap import describe_week, draw_week, tabulate_week

TITLE: Final = "Appointments"
ICON: Final = ":material/event_available:"
QUESTION: Final = "Do the customers we booked come, and whom do we call to confirm?"
COMPARES: Final = True

_SHOW: Final = "show_rate"
_TILES: Final = (
    "appointments_set",
    "appointments_due",
    "confirm_rate",
    _SHOW,
    "no_show_rate",
    "rescheduled_rate",
    "cancelled_rate",
    "unresolved_rate",
)
# The same question asked in ways that move when somebody tidies the CRM to look better.
_VARIANTS: Final = (_SHOW, "show_rate_strict", "show_rate_of_set", "set_after_the_fact", "unresolved_rate")
_MISSED: Final = ("no_shows", "no_show_follow_up", "no_show_recovery")
_LEAD_TIMES: Final = (
    "same day",
    "1 day",
    "2 to 3 days",
    "4 to 7 days",
    "over a week",
    "set afterwards",
    "(not known)",
)
# Words of the widgets and the URL.
_SETTER_RATES: Final = {declared(name).label.lower(): name for name in (_SHOW, "confirm_rate", "unresolved_rate")}
_MAPS: Final = {"show rate": _SHOW, "appointments due": "appointments_due"}
_OPEN, _EVERY = "not confirmed", "all"
# The lists of the worklist page, as its URL says them.
_TO_CONFIRM, _TO_CALL = UNCONFIRMED.label.lower(), NO_SHOW.label.lower()

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any appointment in the period, the calendar alone."""
    against = frame.comparison(filters)
    periods = [asked for asked in (filters, against) if asked is not None]
    frame.side_by_side(partial(_waiting, filters), *(partial(frame.values, _TILES, asked) for asked in periods))
    now = frame.values(_TILES, filters)
    waiting = _waiting(filters)
    calendar = ahead.calendar(waiting, _zones())
    has_rows = now["appointments_set"]["value"] or now["appointments_due"]["value"]
    if not has_rows:
        frame.empty(filters)
        if calendar.height:
            _calendar(calendar, filters)
        return
    before = {} if against is None else frame.values(_TILES, against)
    missed = ahead.uncalled(waiting)
    st.markdown(f"{_answer(now, before)}  \n{ahead.next_step(calendar, missed)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        frame.link("worklist", "Call to confirm", list=_TO_CONFIRM)
        frame.link("worklist", "Call who did not come", list=_TO_CALL)
    tiles.tiles(_TILES, now, before, filters)
    _calendar(calendar, filters)
    frame.later(_ungamed, filters, against)
    frame.later(_split, now[_SHOW], filters)
    frame.later(_setters, now, filters)
    frame.later(_week, now[_SHOW], filters)
    frame.later(_no_shows, filters, against, missed)


def _zones() -> dict[str, str]:
    return frame.of_stores("time_zone")


def _waiting(filters: Filters) -> pl.DataFrame:
    """The lists of this page as of now: the period does not matter to them."""
    return frame.waiting(ahead.LISTS, filters)


def _answer(now: dict[str, Row], before: dict[str, Row]) -> str:
    row, unresolved = now[_SHOW], now["unresolved_rate"]
    if row["value"] is None:
        return "**No appointment has come due in this period.**"
    counted = theme.parts(row["numerator"], row["denominator"])
    head = f"**Show rate is {theme.number(row['value'], 'share')}** ({counted})"
    tail = "Each has an outcome."
    if unresolved["numerator"]:
        missing = theme.number(unresolved["numerator"], "count")
        tail = f"**Of {missing} nobody wrote down what became of them** ({theme.number(unresolved['value'], 'share')})."
    return f"{head}{sentences.compared(row, before.get(_SHOW), 'share')} {tail}"


# The calendar ---------------------------------------------------------------------------------------------------------


def _calendar(calendar: pl.DataFrame, filters: Filters) -> None:
    st.subheader("Call to confirm")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reach = frame.choose_level("Days", "days", tuple(ahead.REACHES))
        which = frame.choose_level("Which", "which", (_OPEN, _EVERY))
    frame.say_unknown_choice("days", "Days", reach)
    frame.say_unknown_choice("which", "Which", which)
    chosen = ahead.within(calendar, ahead.REACHES[reach], is_unconfirmed=which == _OPEN)
    st.caption("Today is the day that the data of each store reach to (above), whatever the period. Times are local.")
    if chosen.is_empty():
        what = "No appointment" if which == _EVERY else "No unconfirmed appointment"
        st.info(f"{what} for these days under these filters.", icon=":material/check:")
        return
    zones, has_store = _zones(), chosen["store"].n_unique() > 1
    for heading, rows in ahead.days(chosen):
        told = [f"- {ahead.line(row, zones, has_store=has_store)}" for row in rows]
        st.markdown(f"**{theme.plain(heading)}**\n\n" + "\n".join(told))
    _downloads(chosen, filters)


def _downloads(chosen: pl.DataFrame, filters: Filters) -> None:
    stores = frame.stores()
    about = {
        "List": "Sales appointments still to come, the soonest first",
        "Filters": frame.scope_words(filters),
        "Data as of": frame.as_of_words(),
        "Times": "local time of each row's store",
        "Snapshot": frame.facts().snapshot,
    }

    def written(write: Callable[[pl.DataFrame, Mapping[str, str]], bytes]) -> bytes:
        return write(ahead.as_file(chosen, stores), about)

    with st.container(horizontal=True, vertical_alignment="center"):
        for label, ending, write in (("CSV", "csv", download.to_csv), ("Excel", "xlsx", download.to_excel)):
            st.download_button(
                f"Download {label}",
                frame.taken(partial(written, write), "appointments"),
                f"upboard_appointments.{ending}",
                key=f"appointments_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )
        frame.link("worklist", "Mark calls as handled", list=_TO_CONFIRM)


# A show rate that cannot be gamed -------------------------------------------------------------------------------------


def _ungamed(filters: Filters, against: Filters | None) -> None:
    st.subheader("A show rate that cannot be gamed")
    _bounds_sentence(filters)
    told = _beside(_VARIANTS, "Rate", filters, against)
    st.table(told, hide_index=True, border="horizontal", alt="Show rate, its stricter variants, and what is missing")
    st.caption(
        "Show rate leaves out what was cancelled or moved in advance, and keeps what has no outcome. Strict counts a "
        "cancellation as missed, so cancelling weak appointments does not help it. Of set follows each appointment "
        "made, however often it was moved. Set after the fact are those typed in once their time had come: they "
        "cannot fail."
    )
    tiles.ways(("unresolved_rate", "set_after_the_fact"))


@parts.or_reason
def _bounds_sentence(filters: Filters) -> None:
    found = frame.estimate(bounds, _SHOW, filters).row(0, named=True)
    st.markdown(theme.plain(explanations.bounded(found)))


# Where shows fail -----------------------------------------------------------------------------------------------------


@parts.or_reason
def _split(whole: Row, filters: Filters) -> None:
    st.subheader("How far ahead they were set, and confirmed or not")
    ahead_rows = frame.evaluate((_SHOW,), filters.but(by=("lead_time",)))
    ordered = lines.in_order(ahead_rows, "lead_time", _LEAD_TIMES)
    described = describe_dots(ordered, "lead_time", "Show rate", "share", whole)
    st.markdown(_confirmed_words(filters))
    figure = draw_dots(ordered, "lead_time", "share", whole, "All")
    frame.chart(figure, described, "lead_time", lines.of_members(ordered, "lead_time", "Show rate"))
    st.caption(
        f"{theme.plain(described)} Days are those of the calendar, from the day it was set to the day it was due."
    )
    with st.container(horizontal=True):
        for place, label in enumerate(ordered["lead_time"].to_list()):
            drill.rows_button(
                _SHOW,
                f"Rows: {label}",
                f"lead_time_{place}",
                part="denominator",
                member=("lead_time", label),
                is_later=True,
            )


def _confirmed_words(filters: Filters) -> str:
    """Confirmed against unconfirmed, said so that nobody takes it for the effect of a call."""
    found = {row["confirmed"]: row for row in frame.evaluate((_SHOW,), filters.but(by=("confirmed",))).to_dicts()}
    yes, no = found.get("confirmed"), found.get("not confirmed")
    if yes is None or no is None or yes["value"] is None or no["value"] is None:
        only = "Every" if no is None else "No"
        return f"{only} appointment due was confirmed, so there is nothing to compare."
    said = [
        f"{theme.number(row['value'], 'share')} ({theme.parts(row['numerator'], row['denominator'])}; 95% interval "
        f"{theme.interval(row['low'], row['high'])})"
        for row in (yes, no)
    ]
    return (
        f"Of those confirmed {said[0]} came, of those not confirmed {said[1]}. Customers who can be reached also come "
        "more often, so not all of the difference is the call."
    )


@parts.or_reason
def _setters(now: dict[str, Row], filters: Filters) -> None:
    st.subheader("By who set them")
    word = frame.choose("Rate by setter", "setter_rate", tuple(_SETTER_RATES))
    frame.say_unknown_choice("setter_rate", "Rate by setter", word)
    name = _SETTER_RATES[word]
    named = lines.by_name(frame.evaluate(tuple(_SETTER_RATES.values()), filters.but(by=("person",))), "person")
    chosen = named.filter(pl.col("metric") == name)
    if chosen.is_empty():
        st.info("Nobody who set an appointment is known here.")
        return
    whole, label = now[name], declared(name).label
    described = describe_dots(chosen, "person", label, "share", whole)
    figure = draw_dots(chosen, "person", "share", whole, "All")
    frame.chart(figure, described, "setters", lines.of_members(chosen, "person", label, "Appointment setter"))
    st.caption(
        f"{theme.plain(described)} Sorted by name, not ranked: with numbers this small a rank would mostly rank luck. "
        "Who sets appointments for other leads has other shows; People compares at equal leads."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="screen_only_setter"):
        member = st.selectbox("Setter to open", chosen["person"].to_list(), key="setter_opened")
        drill.rows_button(
            name, "Show the rows", "setter_rows", part="denominator", member=("person", str(member)), is_later=True
        )
        frame.link("people", "Compare at equal leads")


def _week(whole: Row, filters: Filters) -> None:
    found = frame.estimate(hours.week, (_SHOW, "appointments_due"), filters, DUE)
    st.subheader("When they were due")
    if found.worst is None:
        st.markdown("**No weekday or hour stands out** beyond chance: customers stay away about equally all week.")
    else:
        st.markdown(
            f"**Fewest come {slots.words(found.worst)}:** {theme.number(found.worst.value, 'share')} (n "
            f"{theme.number(found.worst.chances, 'count')}), beside {theme.number(found.worst.other_value, 'share')} "
            "at other times. Confirm these twice, or offer other hours."
        )
        drill.rows_button(
            _SHOW, "Rows", "rows_slot", part="denominator", members=found.worst.labels(DUE), is_later=True
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = frame.choose_level("Show", "map", tuple(_MAPS))
        width = frame.choose_level("Hours", "hours", tuple(slots.WIDTHS))
    frame.say_unknown_choice("map", "Show", word)
    frame.say_unknown_choice("hours", "Hours", width)
    name = _MAPS[word]
    cells = hours.by_hours(found, name, slots.WIDTHS[width])
    compared, unit = (whole, "share") if name == _SHOW else (None, "count")
    described = describe_week(cells, declared(name).label, unit, compared)
    frame.chart(draw_week(cells, unit, compared), described, "week", tabulate_week(cells, unit, compared))
    st.caption(slots.reading(found, is_rate=compared is not None, moment="was due"))


# No-shows -------------------------------------------------------------------------------------------------------------


def _beside(names: tuple[str, ...], header: str, filters: Filters, against: Filters | None) -> pl.DataFrame:
    """Metrics one per line, beside the period before."""
    before = {} if against is None else frame.values(names, against)
    return lines.of_metrics(names, frame.values(names, filters), before, header, frame.targets(names, filters))


def _no_shows(filters: Filters, against: Filters | None, missed: int) -> None:
    st.subheader("Who did not come")
    row = frame.values(_MISSED, filters)["no_show_follow_up"]
    if row["value"] is not None:
        counted = theme.parts(row["numerator"], row["denominator"])
        st.markdown(
            f"{theme.number(row['value'], 'share')} of them ({counted}) were called or written to within a day. "
            f"**{theme.number(missed, 'count')} of the last {ahead.MISSED_DAYS} days' no-shows wait for a call.**"
        )
    told = _beside(_MISSED, "No-shows", filters, against)
    st.table(told, hide_index=True, border="horizontal", alt="No-shows, followed up and won back")
    tiles.ways(("no_shows", "no_show_recovery"))
    frame.link("worklist", "Call those whom nobody called", list=_TO_CALL)


if __name__ == "__main__":
    show.whole_dashboard()
