"""People: for the CRM manager. Each person's rate with its interval and n beside the team's, by name, without rank."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import METRICS
from metrics.catalog import metric as declared
from metrics.declare import Metric
from metrics.filters import Filters
from pages import drill, frame, sentences, theme
from pages.charts.dots import describe_dots, draw_dots, holds

TITLE: Final = "People"
ICON: Final = ":material/groups:"
QUESTION: Final = "How does each person's rate compare with the team's, and is the difference more than chance?"
COMPARES: Final = False

# What the widget and the URL say, and the role it means; None leaves the choice to the metric.
LENSES: Final[dict[str, str | None]] = {
    "metric default": None,
    "assigned salesperson": "salesperson",
    "BDC agent": "bdc_agent",
    "appointment setter": "setter",
    "first responder": "responder",
}
_FIRST: Final = "contact_to_appointment"
_RATES: Final = tuple(found.name for found in METRICS if found.kind == "conversion" and found.credits)
# Words of the widget and the URL, by which the rates are chosen.
RATES: Final = {name.replace("_", " "): name for name in (_FIRST, *_RATES)}

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, or where a rate has no such lens, say so."""
    metric, seen = _choose(filters)
    team = frame.values((metric.name,), _team(seen))[metric.name]
    rows = frame.evaluate((metric.name,), seen.but(by=("person",)))
    reason = next((row["reason"] for row in rows.to_dicts() if row.get("reason")), None)
    if reason is not None:
        st.info(theme.plain(reason), icon=":material/info:")
        return
    if not team["denominator"]:
        frame.empty(filters)
        return
    named = by_name(rows)
    st.markdown(_answer(metric, team, named))
    described = describe_dots(named, "person", metric.label, metric.unit, team)
    frame.chart(draw_dots(named, "person", metric.unit, team, "Team"), described, "people_chart")
    st.table(table(named, team), hide_index=True, border="horizontal", alt=described)
    st.caption(_reading(metric, seen))
    frame.link("definitions", f"Definition of {metric.label.lower()}", metric=metric.name)
    _open_rows(named["person"].to_list(), metric)


def _choose(filters: Filters) -> tuple[Metric, Filters]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = st.selectbox("Rate", tuple(RATES), key="rate", bind="query-params")
        lens = st.selectbox("Credited to", tuple(LENSES), key="lens", bind="query-params")
    return declared(RATES[rate]), filters.but(credit=LENSES[lens])


def _team(filters: Filters) -> Filters:
    """The whole team under the same filters, whoever is picked: a person is compared with all of them."""
    return filters.but(where={name: labels for name, labels in filters.where.items() if name != "person"})


def by_name(rows: pl.DataFrame) -> pl.DataFrame:
    """Members with a chance to be measured, sorted by name, `(unassigned)` last."""
    measured = rows.filter(pl.col("denominator").fill_null(0) > 0)
    return measured.sort(pl.col("person").str.starts_with("("), pl.col("person").str.to_lowercase())


def _answer(metric: Metric, team: Row, named: pl.DataFrame) -> str:
    ends = theme.interval(team["low"], team["high"])
    counted = theme.parts(team["numerator"], team["denominator"])
    head = f"**{metric.label} of the team is {theme.number(team['value'], 'share')}** ({counted}; 95% interval {ends})."
    apart = [row["person"] for row in named.to_dicts() if not holds(row, team["value"])]
    if not apart:
        return f"{head} Nobody is distinguishable from the team: every interval contains its rate."
    names = theme.plain(", ".join(apart))
    return (
        f"{head} The interval leaves out the team's rate for {len(apart)} of {named.height}: {names}. "
        "Their leads may differ, so look at the rows before you judge."
    )


def table(named: pl.DataFrame, team: Row) -> pl.DataFrame:
    """Name, rate, n, interval, the team's rate, and the comparison in words; no rank and no colour."""
    lines = [
        {
            "Person": row["person"],
            "Rate": theme.number(row["value"], "share"),
            "n": theme.parts(row["numerator"], row["denominator"]),
            "95% interval": theme.interval(row["low"], row["high"]),
            "Team": theme.number(team["value"], "share"),
            "In words": verdict(row, team),
        }
        for row in named.to_dicts()
    ]
    return theme.table(lines)


def verdict(row: Row, team: Row) -> str:
    """How a person's rate stands to the team's, said so that nobody reads noise as a result."""
    if holds(row, team["value"]):
        return "not distinguishable from the team"
    side = "above" if row["low"] > team["value"] else "below"
    return f"{side} the team, by more than its interval"


def _reading(metric: Metric, seen: Filters) -> str:
    role = (seen.credit or metric.credits[0]).replace("_", " ")
    return (
        f"Credited to the {role}. Counted by {sentences.clock_words(metric)}. {theme.plain(metric.description)} "
        "Sorted by name: with numbers this small a rank would mostly rank luck. Nothing is adjusted for "
        "how hard the leads are. With several people compared, about one in twenty intervals misses the team's rate "
        "by chance alone."
    )


def _open_rows(members: list[str], metric: Metric) -> None:
    st.subheader("Open a person")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        member = st.selectbox("Person to open", members, key="person_opened")
        drill.rows_button(metric.name, "Show the rows", "person_rows", member=("person", str(member)))
