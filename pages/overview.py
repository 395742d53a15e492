"""Overview: for the general manager. Headline numbers, the answer in words, the funnel, the trend."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, frame, sentences, show, theme
from pages.charts.funnel import Step, describe_funnel, draw_funnel, tabulate_funnel
from pages.charts.trend import describe_trend, draw_trend, settled_rows, tabulate_trend

TITLE: Final = "Overview"
ICON: Final = ":material/speed:"
QUESTION: Final = "Are we turning leads into sales better or worse than before, and where do we lose them?"
COMPARES: Final = True

HEADLINES: Final = (
    "leads",
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "show_rate",
    "closing_rate",
    "sold_units",
    "gross",
)
_TRENDED: Final = (
    "closing_rate",
    "closing_rate_30",
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "set_rate",
    "show_rate",
    "show_to_sale",
    "leads",
    "sold_units",
    "gross",
)
# Words of the widget and the URL, by which the trend is chosen.
TRENDS: Final = {declared(name).label.lower(): name for name in _TRENDED}
# Each step of the funnel: its name, the rate over all opportunities, the rate from the step before.
FUNNEL: Final = (
    ("Contacted", "contact_rate", "contact_rate"),
    ("Appointment set", "set_rate", "contact_to_appointment"),
    ("Shown", "shown_rate", "show_rate"),
    ("Sold", "closing_rate", "show_to_sale"),
)
_COUNTED: Final = (*HEADLINES, "opportunities", "set_rate", "shown_rate", "show_to_sale")

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    now = frame.values(_COUNTED, filters)
    if not _has_rows(now):
        frame.empty(filters)
        return
    against = frame.comparison(filters)
    before = {} if against is None else frame.values(_COUNTED, against)
    st.markdown(f"{sentences.answer(now, before)}  \n{sentences.where_lost(now, before)}")
    _tiles(now, before, filters)
    _funnel(now, before, filters)
    _trend(filters)


def _has_rows(now: dict[str, Row]) -> bool:
    return any(now[name]["value"] for name in ("leads", "opportunities", "sold_units"))


def _tiles(now: dict[str, Row], before: dict[str, Row], filters: Filters) -> None:
    past = {name: _sparkline(name, filters) for name in HEADLINES}
    with st.grid(4, min_column_width=190, gap="xsmall"):
        for name in HEADLINES:
            with st.container(border=True, height="stretch", gap=None):
                _tile(name, now[name], before.get(name), past[name], filters)


def _sparkline(name: str, filters: Filters) -> list[float]:
    """Whole, settled months up to the period's end: a month that is still filling would look like a fall."""
    rows = frame.evaluate((name,), frame.trend(filters, whole=True).but(grain="month")).sort("period")
    settled = settled_rows(rows) if sentences.waits_for_time(declared(name)) else rows
    return [float(value) for value in settled["value"].drop_nulls()]


def _tile(name: str, row: Row, before: Row | None, past: list[float], filters: Filters) -> None:
    metric, currency = declared(name), frame.currency(filters)
    delta = None if before is None else theme.change(row["value"], before["value"], metric.unit)
    st.metric(
        metric.label,
        theme.number(row["value"], metric.unit, currency),
        delta,
        delta_color=_delta_color(metric.higher_is_better, row, before),
        delta_arrow="off" if delta is not None and delta[0] not in "+-" else "auto",
        help=theme.plain(metric.description),
        chart_data=past if len(past) > 1 else None,
        chart_type="bar",
    )
    lines = sentences.evidence(row, before, metric, frame.target(name, filters), currency)
    st.caption("  \n".join(lines))
    st.space("stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        drill.rows_button(name, "Rows", f"rows_{name}")
        frame.link("definitions", "Definition", metric=name)


def _delta_color(higher_is_better: bool | None, row: Row, before: Row | None) -> Any:
    """Colour only where the difference is more than chance: a change that chance may explain stays grey."""
    if before is None or higher_is_better is None or not differences.is_apart(row, before):
        return "off"
    return "normal" if higher_is_better else "inverse"


def _funnel(now: dict[str, Row], before: dict[str, Row], filters: Filters) -> None:
    steps = funnel_steps(now, before)
    st.subheader("How far opportunities come")
    st.markdown(theme.plain(describe_funnel(steps)))
    labels = frame.span_words(filters), "the period before"
    against = frame.comparison(filters)
    if against is not None:
        labels = labels[0], frame.span_words(against)
    figure = draw_funnel(steps, *labels)
    frame.chart(figure, describe_funnel(steps), "funnel")
    st.table(tabulate_funnel(steps), hide_index=True, border="horizontal", alt=describe_funnel(steps))
    st.caption(
        "Of all: share of all opportunities created in the period that reached the step by now. A customer can skip a "
        "step: walk-ins buy without an appointment, so more may be sold than shown. Step rate: of those contacted, "
        "the share with an appointment; of the appointments due in the period, the share that came (show rate); of "
        "the customers who came in the period, the share that bought (show to sale). The last two count by their own "
        "dates, so their n differs from the bars."
    )
    _funnel_rows()


def _funnel_rows() -> None:
    with st.container(horizontal=True):
        for label, name, _ in FUNNEL:
            drill.rows_button(name, f"Rows: {label.lower()}", f"funnel_{name}")
    with st.container(horizontal=True):
        frame.link("people", "The same by person")
        frame.link("sources", "The same by source")


def funnel_steps(now: dict[str, Row], before: dict[str, Row]) -> list[Step]:
    """The steps from created to sold, from rates evaluated over the same opportunities."""
    steps = [Step("Created", _all_of(now["contact_rate"]), _all_of(before.get("contact_rate")))]  # type: ignore[arg-type]
    for label, overall, step in FUNNEL:
        steps.append(Step(label, now[overall], before.get(overall), now[step], before.get(step)))
    return steps


def _all_of(row: Row | None) -> Row | None:
    """The first bar: every row of the base, so the whole."""
    if row is None:
        return None
    whole = 1.0 if row["denominator"] else None
    return {**row, "numerator": row["denominator"], "value": whole, "low": None, "high": None}


def _trend(filters: Filters) -> None:
    st.subheader("How it moves")
    word = frame.choose("Trend of", "trend_of", tuple(TRENDS))
    frame.say_unknown_choice("trend_of", "Trend of", word)
    name = TRENDS[word]
    metric, currency, over = declared(name), frame.currency(filters), frame.trend(filters)
    rows = frame.evaluate((name,), over)
    if not sentences.waits_for_time(metric):
        rows = rows.with_columns(n_immature=None)
    reasons = rows["reason"].drop_nulls()
    if reasons.len():
        st.info(theme.plain(reasons[0]))
        return
    described = describe_trend(rows, metric.label, metric.unit, frame.grain(), currency=currency)
    st.markdown(theme.plain(described))
    figure = draw_trend(rows, metric.unit, frame.grain(), currency=currency)
    frame.chart(figure, described, "trend", tabulate_trend(rows, metric.unit, frame.grain(), currency=currency))
    st.caption(
        f"{theme.plain(frame.span_words(over))}, by {sentences.clock_words(metric)}. The trend reaches back "
        "further than the period so that a direction shows. Hollow and dashed: rows of that time are still open."
    )


if __name__ == "__main__":
    show.whole_dashboard()
