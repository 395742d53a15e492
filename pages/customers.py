"""Customers: for the general manager. What buyers say, who comes back, and everything of one customer in order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, frame, show, theme, tiles
from pages.charts.dots import describe_dots, draw_dots
from pages.sentences import target_words
from pages.timeline import one_customer, search

TITLE: Final = "Customers"
ICON: Final = ":material/contact_page:"
QUESTION: Final = "Are our buyers satisfied, do they come back, and what happened with one of them?"
COMPARES: Final = True

RETURNS: Final = (
    "repeat_share",
    "referral_share",
    "be_back_rate",
    "ownership_interval",
    "buyers_kept",
    "service_customers_kept",
    "service_to_sale",
)
_COUNTED: Final = ("survey_response_rate", *RETURNS)
_SURVEYED: Final = ("csi_top_box", "csi_mean", "service_csi_top_box", "service_csi_mean")
_FEW: Final = 30

Row = dict[str, Any]


def render(filters: Filters) -> None:
    """Draw the page for these filters; with `customer` in the URL, that customer's timeline first."""
    asked = st.query_params.get("customer")
    if asked is not None:
        one_customer(asked)
        return
    against = frame.comparison(filters)
    periods = [asked for asked in (filters, against) if asked is not None]
    frame.side_by_side(partial(frame.values, _COUNTED, filters), *(partial(by_instrument, asked) for asked in periods))
    now, surveys = frame.values(_COUNTED, filters), by_instrument(filters)
    if not surveys and not any(row["denominator"] for row in now.values()):
        frame.empty(filters)
        search(filters)
        return
    then = {} if against is None else by_instrument(against)
    st.markdown("  \n".join(answer(surveys, then, now)))
    search(filters)
    _surveys(surveys, then, now["survey_response_rate"], filters)
    if surveys:
        frame.later(_people, filters, list(surveys))
    frame.later(_returns, now, filters, against)


def by_instrument(filters: Filters) -> dict[str, dict[str, Row]]:
    """Rows of the survey metrics by instrument, then metric; instruments are never put together."""
    found: dict[str, dict[str, Row]] = {}
    for row in frame.evaluate(_SURVEYED, filters.but(by=("instrument",))).to_dicts():
        if row["instrument"] is not None and row["denominator"]:
            found.setdefault(row["instrument"], {})[row["metric"]] = row
    return found


def answer(surveys: dict[str, dict[str, Row]], then: dict[str, dict[str, Row]], now: dict[str, Row]) -> list[str]:
    """What buyers say and whether that moved, who comes back, and the next step."""
    lines = [_satisfaction(name, rows, then.get(name, {})) for name, rows in surveys.items()]
    if not lines:
        lines = ["**No survey was answered in this period**, so satisfaction cannot be told."]
    repeat = now["repeat_share"]
    if repeat["value"] is not None:
        counted = theme.parts(repeat["numerator"], repeat["denominator"])
        lines.append(f"{theme.number(repeat['value'], 'share')} of the buyers had bought here before ({counted}).")
    return [*lines, _next(surveys, now["survey_response_rate"])]


def _satisfaction(name: str, rows: dict[str, Row], then: dict[str, Row]) -> str:
    metric = "csi_top_box" if "csi_top_box" in rows else "service_csi_top_box"
    row, before = rows[metric], then.get(metric)
    counted = f"{theme.parts(row['numerator'], row['denominator'])}; {theme.interval(row['low'], row['high'])}"
    head = f"**{theme.plain(name)}: {theme.number(row['value'], 'share')} gave the best score** ({counted})"
    if before is None or before["value"] is None:
        return f"{head}."
    moved = theme.change(row["value"], before["value"], "share")
    sure = "more than chance" if differences.is_apart(row, before) else "chance alone may explain it"
    return f"{head}, {moved} against the comparison: {sure}."


def _next(surveys: dict[str, dict[str, Row]], response: Row) -> str:
    if not surveys:
        return "**Next:** load the surveys of the maker, or send one of your own, so that this page can answer."
    if response["value"] is not None and response["high"] is not None and response["high"] < 0.5:
        share = theme.number(response["value"], "share")
        return f"**Next:** only {share} of the buyers answered. Ask for the survey at delivery: silence is no praise."
    return "**Next:** open the rows of those who did not give the best score, and call them."


def _surveys(
    surveys: dict[str, dict[str, Row]], then: dict[str, dict[str, Row]], response: Row, filters: Filters
) -> None:
    if not surveys:
        return
    st.subheader("What buyers say")
    aims = frame.targets(_SURVEYED, filters)
    st.table(survey_table(surveys, then, aims), hide_index=True, border="horizontal", alt="Satisfaction by survey")
    few = [name for name, rows in surveys.items() if _count(rows) < _FEW]
    if few:
        st.caption(f"Fewer than {_FEW} answers, too few to act on: {theme.plain(', '.join(few))}.")
    if response["value"] is not None:
        counted = theme.parts(response["numerator"], response["denominator"])
        shown = theme.number(response["value"], "share")
        st.caption(f"{shown} of the buyers answered ({counted}). Two surveys are never put into one score.")
    with st.container(horizontal=True):
        for place, name in enumerate(surveys):
            metric = "csi_top_box" if "csi_top_box" in surveys[name] else "service_csi_top_box"
            label, key = f"Answers: {theme.plain(name)}", f"rows_survey_{place}"
            drill.rows_button(metric, label, key, part="denominator", member=("instrument", name))


def _count(rows: dict[str, Row]) -> float:
    return max(float(row["denominator"] or 0) for row in rows.values())


def survey_table(
    surveys: dict[str, dict[str, Row]], then: dict[str, dict[str, Row]], aims: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """One line per instrument: best score with n and interval, the comparison, and the mean on its own scale.

    `aims` are targets by metric; where best scores have none, there is no column for them.
    """
    lines = []
    known = {name: aim for name, aim in (aims or {}).items() if name.endswith("top_box")}
    for name, rows in surveys.items():
        is_sales = "csi_top_box" in rows
        top, mean = ("csi_top_box", "csi_mean") if is_sales else ("service_csi_top_box", "service_csi_mean")
        before = then.get(name, {}).get(top)
        lines.append(
            {
                "Survey": name,
                "About": "purchase" if is_sales else "service",
                "Best score": theme.number(rows[top]["value"], "share"),
                "n": theme.parts(rows[top]["numerator"], rows[top]["denominator"]),
                "95% interval": theme.interval(rows[top]["low"], rows[top]["high"]),
                "Before": theme.number(None if before is None else before["value"], "share"),
                **({"Target": _aim(top, rows[top], known)} if known else {}),
                "Mean score": theme.number(rows[mean]["value"], "points"),
            }
        )
    return theme.table(lines)


def _aim(name: str, row: Row, known: Mapping[str, float]) -> str:
    return target_words(row, known[name], declared(name)) if name in known else ""


def _people(filters: Filters, instruments: list[str]) -> None:
    """Each salesperson's share of best scores at one purchase survey, by name and without rank."""
    instrument = instruments[0]
    if len(instruments) > 1:
        instrument = frame.choose("Survey", "survey", instruments)
        frame.say_unknown_choice("survey", "Survey", instrument)
    within = filters.but(where={**filters.where, "instrument": (instrument,)})
    whole = frame.values(("csi_top_box",), within)["csi_top_box"]
    rows = frame.evaluate(("csi_top_box",), within.but(by=("person",), credit="salesperson"))
    rows = rows.filter(pl.col("denominator").fill_null(0) > 0)
    if rows.is_empty():
        return
    named = rows.sort(pl.col("person").str.starts_with("("), pl.col("person").str.to_lowercase())
    label = f"Best score at {instrument}"
    described = describe_dots(named, "person", label, "share", whole)
    st.markdown(theme.plain(described))
    frame.chart(draw_dots(named, "person", "share", whole, "All"), described, "people", people_table(named))


def people_table(named: pl.DataFrame) -> pl.DataFrame:
    """The twin of the dots: name, share, n and interval as ready text."""
    return theme.table(
        [
            {
                "Salesperson": row["person"],
                "Best score": theme.number(row["value"], "share"),
                "n": theme.parts(row["numerator"], row["denominator"]),
                "95% interval": theme.interval(row["low"], row["high"]),
            }
            for row in named.to_dicts()
        ]
    )


def _returns(now: dict[str, Row], filters: Filters, against: Filters | None) -> None:
    st.subheader("Who comes back")
    before = {} if against is None else frame.values(RETURNS, against)
    known = [name for name in RETURNS if now[name]["value"] is not None]
    tiles.tiles(known, now, before, filters, is_later=True)
    absent = [declared(name).label for name in RETURNS if now[name]["value"] is None]
    if absent:
        st.caption(f"Not in these data, so nobody can tell: {theme.plain(', '.join(absent))}.")


if __name__ == "__main__":
    show.whole_dashboard()
