"""The third view of People: who uses the CRM. Who logs, how late, and what happened without a logged contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons.people import NOBODY
from metrics.filters import Filters
from pages import drill, frame, team, team_words, theme

_RATES: Final = (
    "days_without_logging",
    "tasks_done_on_time",
    "appointments_with_contact",
    "shows_with_contact",
    "sales_with_contact",
)
_SHOWN: Final = ("touches_logged", "days_without_logging", "late_recording", *_RATES[1:])

Row = dict[str, Any]
Grid = Mapping[str, Mapping[str, Row]]


def render(filters: Filters) -> None:
    """Draw the view behind a skeleton: the answer, one table of all people, the rows."""
    frame.later(_draw, filters)


def _draw(filters: Filters) -> None:
    grid = of_people(frame.evaluate(_SHOWN, filters.but(by=("person",))))
    if not grid:
        st.info("Nobody logged anything in this period. Widen the period.", icon=":material/search_off:")
        return
    found = {name: team.members(team.told_apart(name, filters)) for name in _RATES}
    st.markdown(f"{answer(found)}  \n{_next_step(found)}")
    with_rows = [name for name in _SHOWN if any(_has(lines.get(name)) for lines in grid.values())]
    alt = f"How {len(grid)} people use the CRM: {', '.join(declared(name).label.lower() for name in with_rows)}."
    st.table(table(grid, with_rows, found), hide_index=True, border="horizontal", alt=alt)
    missing = [declared(name).label.lower() for name in _SHOWN if name not in with_rows]
    if missing:
        st.caption(f"Not in these data: {', '.join(missing)}.")
    st.caption(
        "“Better” and “worse” stand only where a person lies outside the 95% limits of colleagues at the same store "
        "with work of the same kind; outside the 99.8% limits it says “truly”. Days off count as days without an "
        "entry, so compare people who work alike. Touches are a count: more is not better by itself."
    )
    _open_somebody(list(grid), with_rows)


def of_people(rows: pl.DataFrame) -> dict[str, dict[str, Row]]:
    """The numbers by person and metric, by name; people without any number and rows of nobody are left out."""
    grid: dict[str, dict[str, Row]] = {}
    for row in rows.filter(pl.col("person").is_not_null()).to_dicts():
        if _has(row) and row["person"] != NOBODY:
            grid.setdefault(row["person"], {})[row["metric"]] = row
    return dict(sorted(grid.items(), key=lambda pair: pair[0].lower()))


def _has(row: Row | None) -> bool:
    return row is not None and row["value"] is not None


def answer(found: Mapping[str, Sequence[Row]]) -> str:
    """Who logs truly less or more than colleagues, habit by habit; or that nobody does."""
    lines = []
    for name, rows in found.items():
        for verdict in ("worse", "better"):
            who = [row["person"] for row in rows if row["verdict"] == "act" and row["direction"] == verdict]
            if who:
                lines.append(f"{team_words.names(who)} truly {verdict} at {team_words.label_of(name)}")
    if lines:
        return f"**Beside colleagues at their store:** {'; '.join(lines)}."
    return "**Nobody uses the CRM truly less than colleagues at their store**, as far as these numbers can tell."


def _next_step(found: Mapping[str, Sequence[Row]]) -> str:
    worse = [row["person"] for rows in found.values() for row in rows if _is_worse(row)]
    if not worse:
        return "**Next:** nothing to mend with one person. What nobody logs is missing for all: see Data quality."
    who = team_words.names(list(dict.fromkeys(worse)))
    return (
        f"**Next:** talk with {who} about logging before you read their other rates: what is not logged looks like "
        "work not done."
    )


def _is_worse(row: Row) -> bool:
    return bool(row["verdict"] == "act" and row["direction"] == "worse")


def table(grid: Grid, names: Sequence[str], found: Mapping[str, Sequence[Row]]) -> pl.DataFrame:
    """One line per person, by name: each number with its n, and a word where it is apart from colleagues."""
    verdicts = {(name, row["person"]): row for name, rows in found.items() for row in rows}
    return theme.table(
        [
            {"Person": person}
            | {declared(name).label: _cell(lines.get(name), verdicts.get((name, person))) for name in names}
            for person, lines in grid.items()
        ]
    )


def _cell(row: Row | None, judged: Row | None) -> str:
    if row is None or row["value"] is None:
        return theme.NOT_AVAILABLE
    metric = declared(row["metric"])
    text = theme.number(row["value"], metric.unit)
    if metric.kind == "conversion":
        text += f" ({theme.parts(row['numerator'], row['denominator'])})"
    elif row["denominator"] is not None:
        text += f" (n {theme.number(row['denominator'], 'count')})"
    if judged is None or judged["direction"] is None:
        return text
    word = judged["direction"] if judged["verdict"] == "watch" else f"truly {judged['direction']}"
    return f"{text}, {word}"


def _open_somebody(everybody: Sequence[str], names: Sequence[str]) -> None:
    labels = {declared(name).label: name for name in names}
    with st.container(horizontal=True, vertical_alignment="bottom", key="screen_only_adopter"):
        person = str(st.selectbox("Person to open", everybody, key="adopter_opened"))
        label = str(st.selectbox("Number to open", list(labels), key="habit_opened"))
        team.link_to_sheet(person, "Coaching sheet", team.person_keys())
        name = labels[label]
        part = next(iter(reversed(drill.parts_of(declared(name)))))
        drill.rows_button(name, "Show the rows", "adoption_rows", part=part, member=("person", person), is_later=True)
