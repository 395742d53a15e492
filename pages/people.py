"""People: for the CRM manager. Who is truly different from the team, at which step, and whom to coach first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import METRICS
from metrics.catalog import metric as declared
from metrics.comparisons.people import as_counted
from metrics.declare import Metric, MetricError
from metrics.filters import Filters
from pages import drill, frame, people_adoption, people_coaching, region, sentences, show, team, team_words, theme
from pages.charts.funnel_plot import describe_funnel_plot, draw_funnel_plot, ends

TITLE: Final = "People"
ICON: Final = ":material/groups:"
QUESTION: Final = "Who is truly different from the team, at which step, and whom do I coach first?"
COMPARES: Final = True

# What the widget and the URL say, and the role it means; None leaves the choice to the metric.
LENSES: Final[dict[str, str | None]] = {
    "usual role": None,
    "assigned salesperson": "salesperson",
    "BDC agent": "bdc_agent",
    "appointment setter": "setter",
    "first responder": "responder",
    "person of the record": "person",
}
STEPS: Final = ("contact_rate", "contact_to_appointment", "show_rate", "show_to_sale", "closing_rate")
_FIRST: Final = "contact_to_appointment"
_RATES: Final = tuple(found.name for found in METRICS if found.kind == "conversion" and found.credits)
# Words of the widget and the URL, by which the rates are chosen; the steps of the funnel come first.
RATES: Final = {declared(name).label.lower(): name for name in (_FIRST, *STEPS, *_RATES)}
_ROLES: Final = {role: word for word, role in LENSES.items() if role}
_BUTTONS: Final = 4

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the view that the URL asks for; without any row, say so."""
    view = frame.choose_level("View", "view", tuple(_VIEWS))
    frame.say_unknown_choice("view", "View", view)
    if not frame.values(("opportunities",), team.whole(filters))["opportunities"]["value"]:
        frame.empty(filters)
        return
    _VIEWS[view](filters)


# The fair comparison --------------------------------------------------------------------------------------------------


def _fair(filters: Filters) -> None:
    steps = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = frame.choose("Rate", "rate", tuple(RATES))
        lens = frame.choose("Credited to", "lens", tuple(LENSES))
    frame.say_unknown_choice("rate", "Rate", rate)
    frame.say_unknown_choice("lens", "Credited to", lens)
    seen = filters.but(credit=LENSES[lens])
    with steps:
        frame.later(_draw_steps, seen, RATES[rate])
    frame.later(_draw_rate, declared(RATES[rate]), seen)


def _draw_steps(filters: Filters, drawn: str) -> None:
    """The page's answer: at each step of the funnel who is told apart from the team, and who only looks so.

    The rate that is drawn below is compared in full there, and need not be compared again.
    """
    compared = {name: (team.judged if name == drawn else team.told_apart)(name, filters) for name in STEPS}
    steps = [(declared(name), team.members(found), team.lookalikes(found)) for name, found in compared.items()]
    found = [step for step in steps if step[1]]
    st.markdown(steps_answer(found))
    if found:
        alt = "Each step of the funnel: who is truly different from the team, whom to watch, who only looks different."
        st.table(steps_table(found), hide_index=True, border="horizontal", alt=alt)


# A step, the people judged at it, and those of them who only look different.
Judged = tuple[Metric, Sequence[Row], Sequence[Row]]


def steps_answer(found: Sequence[Judged]) -> str:
    """One paragraph over all steps: who is truly different where, and who only looks so; or that nobody is."""
    if not found:
        return "**Nobody can be compared here:** there are no leads of two people at one store in this period."
    act = [team_words.different(row, metric) for metric, rows, _ in found for row in rows if row["verdict"] == "act"]
    looks = [team_words.only_looks_so(looking, metric) for metric, _, looking in found]
    lines = act or ["**Nobody is truly different from the team at any step**, on leads of the same kind."]
    return " ".join(line for line in (*lines, *looks) if line)


def steps_table(found: Sequence[Judged]) -> pl.DataFrame:
    """Each step: the team's rate, who is told apart, whom to watch, who only looks different."""
    return theme.table([_step_line(*step) for step in found])


def _step_line(metric: Metric, rows: Sequence[Row], looking: Sequence[Row]) -> dict[str, str]:
    def of(verdict: str) -> str:
        return ", ".join(f"{row['person']} ({team_words.side(row)})" for row in rows if row["verdict"] == verdict)

    return {
        "Step": metric.label,
        "People": theme.number(len(rows), "count"),
        "Truly different": of("act") or "nobody",
        "To watch": of("watch") or "nobody",
        "Only looks different": ", ".join(row["person"] for row in looking) or "nobody",
    }


def _draw_rate(metric: Metric, filters: Filters) -> None:
    """One rate in full: the answer, whom to open, the funnel plot of each store, the table, the rows."""
    st.subheader(f"{metric.label} at equal leads")
    found = team.judged(metric.name, filters)
    if isinstance(found, MetricError):
        st.info(theme.plain(found.message), icon=":material/info:")
        return
    rows, raw, looking = team.members(found), team.rates(as_counted(found)), team.lookalikes(found)
    said = (team_words.told_apart(rows, metric), team_words.only_looks_so(looking, metric))
    st.markdown(f"{' '.join(line for line in said if line)}  \n{team_words.next_step(rows)}")
    _open_apart(metric, [row["person"] for row in rows if row["verdict"] == "act"], filters.credit)
    _plots(metric, found)
    before = _before(metric.name, filters)
    twin = table(metric, found.to_dicts(), raw, before, _aims(metric.name, filters))
    st.table(twin, hide_index=True, border="horizontal", alt=describe_funnel_plot(found, metric.label, metric.unit))
    st.caption(_reading(metric, filters))
    _open_somebody([row["person"] for row in found.to_dicts()], metric, filters.credit)


def _open_apart(metric: Metric, apart: Sequence[str], credit: str | None) -> None:
    keys = team.person_keys()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for place, person in enumerate(apart[:_BUTTONS]):
            name = theme.plain(person)
            team.link_to_sheet(person, f"Coaching sheet of {name}", keys)
            member = ("person", person)
            drill.rows_button(
                metric.name,
                f"Rows of {name}",
                f"apart_{place}",
                part="denominator",
                member=member,
                credit=credit,
                is_later=True,
            )


def _plots(metric: Metric, found: pl.DataFrame) -> None:
    """A funnel plot per store, as each store is a team of its own."""
    stores = found.filter(pl.col("adjusted_rate").is_not_null()).partition_by("store", maintain_order=True)
    scale = ends(found)
    with st.grid(2 if len(stores) > 1 else 1, min_column_width=420):
        for place, rows in enumerate(stores):
            with st.container():
                if len(stores) > 1:
                    st.markdown(f"**{theme.plain(rows['store'][0])}**")
                described = describe_funnel_plot(rows, metric.label, metric.unit)
                drawn = draw_funnel_plot(rows, metric.unit, scale)
                frame.chart(drawn, described, f"funnel_plot_{place}")


def _before(name: str, filters: Filters) -> team.Rates:
    against = frame.comparison(filters)
    if against is None:
        return {}
    return team.rates(frame.evaluate((name,), team.whole(against).but(by=("store", "person"))))


def _aims(name: str, filters: Filters) -> Callable[[Row], float | None]:
    """The target of the rate for the person of a row, where there is one."""

    def aim(row: Row) -> float | None:
        theirs = {"store": (row["store"],), "person": (row["person"],)}
        return frame.targets((name,), filters.but(where={**filters.where, **theirs})).get(name)

    return aim


def table(
    metric: Metric,
    rows: Sequence[Row],
    raw: team.Rates,
    before: team.Rates,
    aim: Callable[[Row], float | None] | None = None,
) -> pl.DataFrame:
    """The comparison as ready text: whoever is told apart first, then by name; no rank among the rest.

    `aim` gives the target for a row; where nobody has one, there is no column for it.
    """
    has_stores, aims = len({row["store"] for row in rows}) > 1, [aim(row) if aim else None for row in rows]
    told = {
        id(row): _line(metric, row, raw, before, has_store=has_stores)
        | (_aim(metric, raw.get((row["store"], row["person"])), one) if any(aims) else {})
        for row, one in zip(rows, aims, strict=True)
    }
    return theme.table([told[id(row)] for row in sorted(rows, key=_by_verdict)])


def _aim(metric: Metric, raw: Row | None, aim: float | None) -> dict[str, str]:
    """A person's target beside the rate as it is counted, and whether it is met or missed beyond chance."""
    return {"Target, as counted": "" if aim is None or raw is None else sentences.target_words(raw, aim, metric)}


def _by_verdict(row: Row) -> tuple[int, str]:
    order = {"act": 0, "watch": 1, "not distinguishable": 2, "no team": 3}
    return order.get(row["verdict"], 4), str(row["person"]).lower()


def _line(metric: Metric, row: Row, raw: team.Rates, before: team.Rates, *, has_store: bool) -> dict[str, str]:
    key, expected = (row["store"], row["person"]), row["expected"]
    ends = theme.interval(row["low"], row["high"], metric.unit)
    return {
        "Person": row["person"],
        **({"Store": row["store"]} if has_store else {}),
        "Observed": theme.parts(row["observed"], row["n"]),
        "Expected": theme.NOT_AVAILABLE if expected is None else region.decimal(expected, 1),
        "At equal leads": theme.number(row["adjusted_rate"], metric.unit) + (f" ({ends})" if ends else ""),
        "Trend, as counted": team_words.moved(raw.get(key), before.get(key), metric.unit),
        "In words": team_words.verdict(row),
        "Would stand out": team_words.would_stand_out(row),
        "Still open": team_words.still_open(row),
    }


def _reading(metric: Metric, filters: Filters) -> str:
    role = _ROLES[filters.credit or metric.credits[0]]
    return (
        f"Credited to the {role}; counted by {sentences.clock_words(metric)}. {theme.plain(metric.description)} "
        "Expected: the hits that colleagues of the same store would have had on leads of the same source, type, new or "
        "used, in or after hours. At equal leads: the person's rate on the team's own mix, with its 95% interval. A "
        "person outside the 99.8% limits is truly different; outside the 95% limits only, one in twenty is by chance. "
        "Would stand out: how many hits on so many chances would leave the 95% limits; between, nothing is told."
    )


def _open_somebody(everybody: Sequence[str], metric: Metric, credit: str | None) -> None:
    """A person of the list to open: the sheet, or the rows."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="screen_only_person"):
        person = str(st.selectbox("Person to open", sorted(everybody, key=str.lower), key="person_opened"))
        team.link_to_sheet(person, "Coaching sheet", team.person_keys())
        drill.rows_button(
            metric.name,
            "Show the rows",
            "person_rows",
            part="denominator",
            member=("person", person),
            credit=credit,
            is_later=True,
        )
        frame.link("definitions", f"Definition of {metric.label.lower()}", metric=metric.name)


_VIEWS: Final[dict[str, Callable[[Filters], None]]] = {
    "fair comparison": _fair,
    "whom to coach": people_coaching.render,
    "adoption": people_adoption.render,
}


if __name__ == "__main__":
    show.whole_dashboard()
