"""People: for the CRM manager. Each person's rate with its interval and n beside the team's, by name, without rank."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import METRICS
from metrics.catalog import metric as declared
from metrics.declare import Metric
from metrics.filters import Filters
from pages import drill, frame, sentences, show, theme
from pages.charts.dots import describe_dots, draw_dots, holds

TITLE: Final = "People"
ICON: Final = ":material/groups:"
QUESTION: Final = "How does each person's rate compare with the team's, and is the difference more than chance?"
COMPARES: Final = False

# What the widget and the URL say, and the role it means; None leaves the choice to the metric.
LENSES: Final[dict[str, str | None]] = {
    "usual role": None,
    "assigned salesperson": "salesperson",
    "BDC agent": "bdc_agent",
    "appointment setter": "setter",
    "first responder": "responder",
    "person of the record": "person",
}
_FIRST: Final = "contact_to_appointment"
_RATES: Final = tuple(found.name for found in METRICS if found.kind == "conversion" and found.credits)
# Words of the widget and the URL, by which the rates are chosen.
RATES: Final = {declared(name).label.lower(): name for name in (_FIRST, *_RATES)}

_ROLES: Final = {role: word for word, role in LENSES.items() if role}
_BUTTONS: Final = 6

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
    found = apart(named, team)
    st.markdown(f"{_answer(metric, team, named)}  \n{_next_step(found)}")
    _open_apart(metric, found)
    described = describe_dots(named, "person", metric.label, metric.unit, team)
    frame.chart(draw_dots(named, "person", metric.unit, team, "Team"), described, "people_chart")
    st.table(table(named, team), hide_index=True, border="horizontal", alt=described)
    st.caption(_reading(metric, seen))
    frame.link("definitions", f"Definition of {metric.label.lower()}", metric=metric.name)
    _open_rows(named["person"].to_list(), metric)


def _choose(filters: Filters) -> tuple[Metric, Filters]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = frame.choose("Rate", "rate", tuple(RATES))
        lens = frame.choose("Credited to", "lens", tuple(LENSES))
    frame.say_unknown_choice("rate", "Rate", rate)
    frame.say_unknown_choice("lens", "Credited to", lens)
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
    found = apart(named, team)
    if not found:
        return f"{head} Nobody is distinguishable from the team: every interval contains its rate."
    names = theme.plain(", ".join(found))
    return f"{head} The interval leaves out the team's rate for {len(found)} of {named.height}: {names}."


def apart(named: pl.DataFrame, team: Row) -> list[str]:
    """Who the interval tells apart from the team, by name."""
    return [row["person"] for row in named.to_dicts() if not holds(row, team["value"])]


def _next_step(found: list[str]) -> str:
    """What to do next: open the rows of whoever is apart, or gather more of them."""
    if not found:
        return "**Next:** take a longer period, or look at another rate: more leads make narrower intervals."
    return (
        "**Next:** open their rows to see which leads these were, then look at the same people at the step before "
        "and after. Leads may differ from the team's, so talk before you judge."
    )


def _open_apart(metric: Metric, found: list[str]) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for place, person in enumerate(found[:_BUTTONS]):
            label = f"Rows of {theme.plain(person)}"
            drill.rows_button(metric.name, label, f"apart_{place}", part="denominator", member=("person", person))


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
    role = _ROLES[seen.credit or metric.credits[0]]
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


if __name__ == "__main__":
    show.whole_dashboard()
