"""Response: for the CRM manager. Who waits for an answer, how long, when in the week answers fail, and who covers."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.comparisons import hours
from metrics.comparisons.hours import ARRIVED, Slot, Week
from metrics.filters import Filters
from metrics.lists import FOLLOW_UP_MISSED, NO_HUMAN_TOUCH
from pages import drill, frame, lines, parts, sentences, show, slots, theme, tiles
from pages.charts.heatmap import describe_week, draw_week, tabulate_week

TITLE: Final = "Response"
ICON: Final = ":material/timer:"
QUESTION: Final = "Is every lead answered by a person, in time? If not, when not?"
COMPARES: Final = True

_ANSWERED: Final = "answered_within_standard"
_WAITING: Final = "unanswered_message_rate"
_TILES: Final = (_ANSWERED, "median_response_minutes", "never_answered_rate", _WAITING)
# What the clock says, by who spoke: in opening hours, and day and night.
_CLOCKS: Final = (
    ("First answer by a person", "median_response_minutes", "median_response_minutes_raw"),
    ("First message of any kind, automatic too", "median_any_response_minutes", "median_any_response_minutes_raw"),
    ("The customer's first reply", None, "time_to_reply"),
)
_WITHIN: Final = ("answered_within_5", "answered_within_15", "answered_within_30", "answered_within_60", _ANSWERED)
_TRIES: Final = (
    "attempts_1d",
    "attempts_3d",
    "attempts_10d",
    "attempt_days_10d",
    "multi_channel_rate",
    "follow_up_standard_rate",
)
_MACHINES: Final = ("machine_only_rate", "handover_minutes", "reply_rate")
# What the first screen has asked already is not asked again.
_BELOW: Final = tuple(
    name
    for name in dict.fromkeys(
        (*(name for _, *names in _CLOCKS for name in names if name), *_WITHIN, *_TRIES, *_MACHINES)
    )
    if name not in _TILES
)
# Words of the widgets and the URL.
_MAPS: Final = {"answered in time": _ANSWERED, "arrivals": "opportunities"}
_LATE: Final = ("within an hour", "within four hours", "later", "never")

Row = dict[str, Any]
Targets = dict[str, float]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any lead that needed an answer, say so."""
    against = frame.comparison(filters)
    _ask(filters, against)
    now = frame.values(_TILES, filters)
    if not now[_ANSWERED]["denominator"] and not now[_ANSWERED]["n_immature"]:
        frame.empty(filters)
        return
    before = {} if against is None else frame.values(_TILES, against)
    found = _week(filters)
    st.markdown("  \n".join((_answer(now, before), *_when(found))))
    _open(found.worst)
    tiles.tiles(_TILES, now, before, filters)
    st.subheader("When leads come in, and when they wait")
    frame.later(_map, found, now[_ANSWERED], filters)
    frame.later(_below, found.worst, filters, against, now, before)


def _ask(filters: Filters, against: Filters | None) -> None:
    """Ask for all of the first screen at once."""
    periods = [filters] if against is None else [filters, against]
    frame.side_by_side(*(partial(frame.evaluate, _TILES, span) for span in periods), partial(_week, filters))


def _week(filters: Filters) -> Week:
    """Answers by weekday and hour, and whether the store was open in the worst of them."""
    return frame.estimate(hours.week, (_ANSWERED,), filters, ARRIVED, "after_hours")


# The answer -----------------------------------------------------------------------------------------------------------


def _answer(now: dict[str, Row], before: dict[str, Row]) -> str:
    row, never = now[_ANSWERED], now["never_answered_rate"]
    if row["value"] is None:
        return "**No lead has had its time to be answered yet.**"
    counted = theme.parts(row["numerator"], row["denominator"])
    head = f"**{theme.number(row['value'], 'share')} were answered by a person within the standard** ({counted})"
    missed = theme.number(never["numerator"], "count")
    tail = f"**{missed} nobody has tried to reach at all** ({theme.number(never['value'], 'share')})."
    if not never["numerator"]:
        tail = "Nobody was left without any answer."
    return f"{head}{sentences.compared(row, before.get(_ANSWERED), 'share')} {tail}"


def _when(found: Week) -> tuple[str, str]:
    """When answers fail, and what to do about it."""
    worst = found.worst
    if worst is None:
        return (
            "**No weekday or hour stands out** beyond chance: late answers are spread over the week.",
            "**Next:** look at who answers late rather than when (People), or take a longer period.",
        )
    is_open = hours.is_missed_mostly(found.inside, "after_hours", "in hours")
    head = (
        f"**Answers fail most for leads that come in {slots.words(worst)}:** "
        f"{theme.number(worst.value, 'share')} in time (n {theme.number(worst.chances, 'count')}), beside "
        f"{theme.number(worst.other_value, 'share')} at other times. At that rate "
        f"{theme.number(worst.excess, 'count')} fewer customers would have waited."
    )
    return head, _next_step(worst, is_open=is_open)


def _next_step(worst: Slot, *, is_open: bool) -> str:
    """Whom to put where: at those hours where the store is open then, at its opening where it is closed."""
    if is_open:
        return f"**Next:** name who answers {slots.words(worst)}: the store is open then, and these leads waited."
    return (
        "**Next:** name who answers first thing at opening what came in while the store was closed: the clock of the "
        "standard starts there, and these leads still waited."
    )


def _open(worst: Slot | None) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if worst is not None:
            late = {**worst.labels(ARRIVED), "answered": _LATE}
            label = f"The {theme.number(worst.misses, 'count')} that waited then"
            drill.rows_button(_ANSWERED, label, "rows_slot", part="denominator", members=late)
        drill.rows_button("never_answered_rate", "Those nobody tried to reach", "rows_never")
        if worst is None:
            frame.link("people", "Who answers")
        frame.link("worklist", "Call those who wait", list=NO_HUMAN_TOUCH.label.lower())


# When -----------------------------------------------------------------------------------------------------------------


def _map(found: Week, whole: Row, filters: Filters) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = frame.choose_level("Show", "map", tuple(_MAPS))
        width = frame.choose_level("Hours", "hours", tuple(slots.WIDTHS))
    frame.say_unknown_choice("map", "Show", word)
    frame.say_unknown_choice("hours", "Hours", width)
    name = _MAPS[word]
    if name != _ANSWERED:
        found = frame.estimate(hours.week, (_ANSWERED, name), filters, ARRIVED)
    cells = hours.by_hours(found, name, slots.WIDTHS[width])
    compared = whole if name == _ANSWERED else None
    label = "Answered within the standard" if compared else "Opportunities"
    described = describe_week(cells, label, "share" if compared else "count", compared)
    unit = "share" if compared else "count"
    frame.chart(draw_week(cells, unit, compared), described, "week", tabulate_week(cells, unit, compared))
    st.caption(slots.reading(found, is_rate=compared is not None, moment="came in"))


def _members(worst: Slot, filters: Filters) -> list[Filters]:
    """The questions about whose leads these were, and where they came from."""
    inside = filters.but(where={**filters.where, **worst.labels(ARRIVED)})
    return [inside.but(by=("person",)), inside.but(by=("source",))]


@parts.or_reason
def _whose(worst: Slot, filters: Filters) -> None:
    """Whose leads these were, by name: whom to ask about those hours."""
    people, sources = (frame.evaluate((_ANSWERED,), asked) for asked in _members(worst, filters))
    named = lines.by_name(people, "person")
    if named.is_empty():
        return
    st.subheader(f"Whose leads came in {slots.words(worst)}")
    st.markdown(_from_where(lines.measured(sources)))
    told = lines.of_members(named, "person", "Answered in time", "Assigned salesperson")
    alt = f"Answered within the standard by assigned salesperson, {slots.words(worst)}"
    st.table(told, hide_index=True, border="horizontal", alt=alt)
    st.caption("Sorted by name; the numbers are small, so this says whom to ask, not who is worse.")


def _from_where(sources: pl.DataFrame) -> str:
    """Which source most of these leads came from, and how it was answered."""
    most = sources.sort("denominator", "source", descending=[True, False]).row(0, named=True)
    counted = theme.parts(most["numerator"], most["denominator"])
    return f"Most of them came from {theme.plain(most['source'])}: {counted} answered in time."


def _below(
    worst: Slot | None, filters: Filters, against: Filters | None, now: dict[str, Row], before: dict[str, Row]
) -> None:
    """What comes after the first screen, drawn on its own. `now` and `before` are the numbers of the first screen."""
    asked = [] if worst is None else _members(worst, filters)
    frame.ask_ahead((_BELOW, filters), (_BELOW, against), *(((_ANSWERED,), one) for one in asked))
    if worst is not None:
        _whose(worst, filters)
    now = now | frame.values(_BELOW, filters)
    before = {} if against is None else before | frame.values(_BELOW, against)
    targets = frame.targets((*_WITHIN, *_TRIES, *_MACHINES), filters)
    _clocks(now, before, targets)
    _tries(now, before, targets)
    _machines(now, before, targets)


# How soon, how often, by whom -----------------------------------------------------------------------------------------


def _clocks(now: dict[str, Row], before: dict[str, Row], targets: Targets) -> None:
    st.subheader("How soon, by which clock")
    told = [
        {"Half had waited at most": label}
        | {"In opening hours": _shown(now, open_name), "Day and night": _shown(now, raw_name)}
        | {"Day and night, before": _shown(before, raw_name)}
        for label, open_name, raw_name in _CLOCKS
    ]
    st.table(theme.table(told), hide_index=True, border="horizontal", alt="Median times by clock")
    _table(_WITHIN, now, before, "By a person, in opening hours", targets)
    st.caption(
        "Opening hours stop the clock while the store is closed, so a lead of the night is not late at dawn. Day and "
        "night is what the customer lives through. An automatic message is no answer by a person; customers who still "
        "wait count as waiting, so a median is n/a while fewer than half were answered."
    )


def _shown(rows: dict[str, Row], name: str | None) -> str:
    row = rows.get(name) if name else None
    if row is None:
        return ""
    if row["value"] is None:
        return theme.NOT_AVAILABLE
    return f"{theme.number(row['value'], 'minutes')} (n {theme.number(row['denominator'], 'count')})"


def _tries(now: dict[str, Row], before: dict[str, Row], targets: Targets) -> None:
    st.subheader("How often people try, in the first ten days")
    row = now["follow_up_standard_rate"]
    if row["value"] is not None:
        counted = theme.parts(row["numerator"], row["denominator"])
        tried, days = (theme.number(now[name]["value"], "times") for name in ("attempts_10d", "attempt_days_10d"))
        st.markdown(
            f"People tried {tried} times on {days} different days, on average; "
            f"{theme.number(row['value'], 'share')} ({counted}) were tried as often as the standard asks, or reached "
            "sooner."
        )
    _table(_TRIES, now, before, "Tries by people", targets)
    tiles.ways(("follow_up_standard_rate", "multi_channel_rate"))
    frame.link("worklist", "Follow-up that stopped too early", list=FOLLOW_UP_MISSED.label.lower())


def _machines(now: dict[str, Row], before: dict[str, Row], targets: Targets) -> None:
    st.subheader("Automatic messages beside people")
    row, person = now["machine_only_rate"], now["median_response_minutes_raw"]
    if row["value"] is None:
        st.info("No contact log here, so nothing is known of automatic messages.")
        return
    anything = theme.number(now["median_any_response_minutes_raw"]["value"], "minutes")
    counted = theme.parts(row["numerator"], row["denominator"])
    st.markdown(
        f"Half of the customers had some message within {anything}, and a word from a person within "
        f"{theme.number(person['value'], 'minutes')} (day and night). "
        f"**{theme.number(row['value'], 'share')} got automatic messages only** ({counted})."
    )
    _table(_MACHINES, now, before, "Machines and people", targets)
    tiles.ways(("machine_only_rate",))


def _table(names: tuple[str, ...], now: dict[str, Row], before: dict[str, Row], header: str, targets: Targets) -> None:
    told = lines.of_metrics(names, now, before, header, targets)
    st.table(told, hide_index=True, border="horizontal", alt=header)


if __name__ == "__main__":
    show.whole_dashboard()
