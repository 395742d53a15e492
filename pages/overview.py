"""Overview: for the general manager. The answer in words, headline numbers, pace, funnel, trend, why it changed."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons import change, shifts
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import by_store, drill, explanations, frame, outlook, printing, sentences, show, theme, tiles
from pages.charts.funnel import Step, describe_funnel, draw_funnel, tabulate_funnel
from pages.charts.trend import settled_rows

TITLE: Final = "Overview"
ICON: Final = ":material/speed:"
QUESTION: Final = "Are we turning leads into sales better or worse than before, why, and where will the month land?"
COMPARES: Final = True

HEADLINES: Final = (
    "closing_rate",
    "sold_units",
    "gross",
    "leads",
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "show_rate",
)
# The steps that can be mended today, and the page that says where and by whom.
_MENDED_ON: Final = {
    "answered_within_standard": ("response", "See when and where answers come late"),
    "contact_rate": ("people", "See by person"),
    "contact_to_appointment": ("people", "See by person"),
    "show_rate": ("appointments", "See the appointments"),
}
# Each step of the funnel: its name, the rate over all opportunities, the rate from the step before, and the time since.
FUNNEL: Final = (
    ("Contacted", "contact_rate", "contact_rate", "time_to_contact"),
    ("Appointment set", "set_rate", "contact_to_appointment", "contact_to_set_time"),
    ("Shown", "shown_rate", "show_rate", "set_to_show_time"),
    ("Sold", "closing_rate", "show_to_sale", "show_to_sale_time"),
)
# What the first screen asks for, in one question, and what the funnel asks for besides when its turn comes.
_COUNTED: Final = (*HEADLINES, "opportunities", "show_to_sale")
_FUNNELLED: Final = tuple(dict.fromkeys(name for _, *names in FUNNEL for name in names if name not in _COUNTED))
# What the first sentence looks for the reason in; the section below ranks every dimension.
_WHY_FIRST: Final = "source"
# About as many lines as these words take, kept free for them.
_LINES_OF_WHY: Final = 2
_LINES_OF_LANDING: Final = 6
TOGETHER, BY_STORE = "all together", "store by store"

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    if _is_by_store(filters):
        by_store.render(filters, HEADLINES)
        return
    against = frame.comparison(filters)
    frame.ask_ahead((_COUNTED, filters), (_COUNTED, against))
    now = frame.values(_COUNTED, filters)
    if not _has_rows(now):
        frame.empty(filters)
        return
    before = {} if against is None else frame.values(_COUNTED, against)
    said, landing = st.columns([3, 2], gap="medium")
    with said:
        _answer(now, before, filters, against)
        _next(now, before, filters)
    with landing:
        frame.later_lines(_LINES_OF_LANDING, outlook.landing, filters)
    frame.filled_in(tiles.tiles_with_past, HEADLINES, now, before, filters, partial(_past, filters))
    printing.overview_button(filters, against)
    frame.later(outlook.month_end, filters)
    st.subheader("How far opportunities come")
    frame.later(_funnel, filters, against)
    _funnel_rows()
    frame.later(outlook.trend, filters)
    if against is not None:
        frame.later(outlook.why_it_changed, filters, against)
    frame.later(outlook.days_to_sale, filters, against)


def is_compared(filters: Filters) -> bool:
    """Whether the earlier period stands beside this one: store by store, the stores stand beside each other."""
    return len(by_store.in_scope(filters)) < 2 or frame.chosen("view") != BY_STORE


def _is_by_store(filters: Filters) -> bool:
    """Whether the stores are to stand side by side; asked only where there are several in scope."""
    if len(by_store.in_scope(filters)) < 2:
        return False
    word = frame.choose_level("Show", "view", (TOGETHER, BY_STORE))
    frame.say_unknown_choice("view", "Show", word)
    return word == BY_STORE


def _has_rows(now: dict[str, Row]) -> bool:
    return any(now[name]["value"] for name in ("leads", "opportunities", "sold_units"))


def _answer(now: dict[str, Row], before: dict[str, Row], filters: Filters, against: Filters | None) -> None:
    """Where closing stands, where most is lost, and, a moment later, why it moved."""
    lines = (sentences.answer(now, before), sentences.where_lost(now, before))
    st.markdown("  \n".join(line for line in lines if line))
    if against is not None:
        frame.later_lines(_LINES_OF_WHY, _why, filters, against)


def _next(now: dict[str, Row], before: dict[str, Row], filters: Filters) -> None:
    """What to mend next, and the way there."""
    targets = {name: frame.target(name, filters) for name in _MENDED_ON}
    said, name = explanations.next_step(now, before, targets)
    st.markdown(f"**Next:** {theme.plain(said)}")
    if name:
        page, label = _MENDED_ON[name]
        frame.link(page, label)


def _why(filters: Filters, against: Filters) -> None:
    """How much of the change of closing is the mix of leads, and how much what became of them."""
    try:
        found = frame.estimate(change.explain, "closing_rate", filters, against, _WHY_FIRST)
    except MetricError:
        return
    said = explanations.why(shifts.why(found))
    if said:
        st.markdown(f"**Why:** {theme.plain(said)}")


def _months(filters: Filters) -> Filters:
    """Whole months up to the period's end, for the sparklines."""
    return frame.trend(filters, whole=True).but(grain="month")


def _past(filters: Filters) -> dict[str, list[float]]:
    """The sparkline of each headline number."""
    months = frame.evaluate(HEADLINES, _months(filters))
    return {name: sparkline(name, months.filter(pl.col("metric") == name)) for name in HEADLINES}


def sparkline(name: str, months: pl.DataFrame) -> list[float]:
    """Whole, settled months up to the period's end: a month that is still filling would look like a fall."""
    rows = months.sort("period")
    settled = settled_rows(rows) if sentences.waits_for_time(declared(name)) else rows
    return [float(value) for value in settled["value"].drop_nulls()]


def _funnel(filters: Filters, against: Filters | None) -> None:
    """How far the opportunities came, and how long each step took, beside the comparison."""
    before = {} if against is None else _funnelled(against)
    steps = funnel_steps(_funnelled(filters), before)
    described = describe_funnel(steps)
    st.markdown(theme.plain(described))
    labels = frame.span_words(filters), "" if against is None else frame.span_words(against)
    frame.chart(draw_funnel(steps, *labels), described, "funnel")
    st.table(tabulate_funnel(steps), hide_index=True, border="horizontal", alt=described)
    st.caption(
        "Of all: share of all opportunities created in the period that reached the step by now. A customer can skip a "
        "step: walk-ins buy without an appointment, so more may be sold than shown. Step rate: of those contacted, "
        "the share with an appointment; of the appointments due in the period, the share that came (show rate); of "
        "the customers who came in the period, the share that bought (show to sale). The last two count by their own "
        "dates, so their n differs from the bars. Median time: half took no longer from the step before."
    )


def _funnelled(filters: Filters) -> dict[str, Row]:
    return frame.values(_COUNTED, filters) | frame.values(_FUNNELLED, filters)


def _funnel_rows() -> None:
    with st.container(horizontal=True):
        for label, name, *_ in FUNNEL:
            drill.rows_button(name, f"Rows: {label.lower()}", f"funnel_{name}")
    with st.container(horizontal=True):
        frame.link("people", "The same by person")
        frame.link("sources", "The same by source")


def funnel_steps(now: dict[str, Row], before: dict[str, Row]) -> list[Step]:
    """The steps from created to sold, from rates evaluated over the same opportunities."""
    steps = [Step("Created", _all_of(now["contact_rate"]), _all_of(before.get("contact_rate")))]  # type: ignore[arg-type]
    for label, overall, step, time in FUNNEL:
        rates = now[overall], before.get(overall), now[step], before.get(step)
        steps.append(Step(label, *rates, now[time], before.get(time), declared(time).unit))
    return steps


def _all_of(row: Row | None) -> Row | None:
    """The first bar: every row of the base, so the whole."""
    if row is None:
        return None
    whole = 1.0 if row["denominator"] else None
    return {**row, "numerator": row["denominator"], "value": whole, "low": None, "high": None}


if __name__ == "__main__":
    show.whole_dashboard()
