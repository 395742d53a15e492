"""The slower parts of Overview: where the month ends, the trend, why closing changed, how long a sale takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics import engine
from metrics.catalog import metric as declared
from metrics.comparisons import change, shifts, waiting
from metrics.comparisons import outlook as foresight
from metrics.comparisons.cells import CROSSED, NESTED, conversion, nouns
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import explanations, frame, sentences, theme
from pages.charts.curve import draw_curve, tabulate_curve
from pages.charts.pace import draw_pace, tabulate_pace
from pages.charts.trend import (
    Event,
    Target,
    describe_events,
    describe_target,
    describe_trend,
    draw_trend,
    tabulate_trend,
)
from pages.charts.waterfall import Step, describe_waterfall, draw_waterfall, tabulate_waterfall
from pages.parts import or_reason

_TRENDED: Final = (
    "closing_rate",
    "closing_rate_30",
    "answered_within_standard",
    "median_response_minutes",
    "contact_rate",
    "contact_to_appointment",
    "set_rate",
    "show_rate",
    "show_to_sale",
    "leads",
    "sold_units",
    "gross",
)
_PACED: Final = ("sold_units", "leads")
_EXPLAINED: Final = ("closing_rate", "contact_rate", "set_rate", "answered_within_standard")
_BY_CHANCE: Final = frozenset({"created_weekday", "created_hour"})
# Words of the widgets and the URL, by which the number of a section is chosen.
TRENDS: Final = {declared(name).label.lower(): name for name in _TRENDED}
PACES: Final = {declared(name).label.lower(): name for name in _PACED}
EXPLAINED: Final = {declared(name).label.lower(): name for name in _EXPLAINED}

Row = dict[str, Any]


# Where the month will land --------------------------------------------------------------------------------------------


@or_reason
def landing(filters: Filters) -> None:
    """Where each store's month will end in sold units, in words alone: for the first screen."""
    found = frame.estimate(foresight.month_pace, _PACED[0], filters)
    lines = [theme.plain(line) for line in explanations.pace(found.to_dicts())]
    month = f"{found['month'][0]:%B}"
    st.markdown("  \n".join([f"**Where {month} will land, in {declared(_PACED[0]).label.lower()}**", *lines]))


@or_reason
def month_end(filters: Filters) -> None:
    """Where each store's month will end, against its target."""
    st.subheader("Where the month will land")
    word = frame.choose_level("Pace of", "pace_of", tuple(PACES))
    frame.say_unknown_choice("pace_of", "Pace of", word)
    found = frame.estimate(foresight.month_pace, PACES[word], filters)
    rows = found.to_dicts()
    described = " ".join(explanations.pace(rows))
    st.markdown("  \n".join(theme.plain(line) for line in explanations.pace(rows)))
    frame.chart(draw_pace(found), described, "pace", tabulate_pace(found))
    st.caption(
        f"{theme.plain(declared(PACES[word]).label)} of {found['month'][0]:%B %Y}, whatever the period is. From each "
        "weekday's mean of the last 182 days and how earlier months ended."
    )


# How it moves ---------------------------------------------------------------------------------------------------------


def trend(filters: Filters) -> None:
    """One number over time, where open months should end, and what happened meanwhile."""
    st.subheader("How it moves")
    word = frame.choose("Trend of", "trend_of", tuple(TRENDS))
    frame.say_unknown_choice("trend_of", "Trend of", word)
    name = TRENDS[word]
    metric, over = declared(name), frame.trend(filters)
    rows = frame.evaluate((name,), over)
    if not sentences.waits_for_time(metric):
        rows = rows.with_columns(n_immature=None)
    reasons = rows["reason"].drop_nulls()
    if reasons.len():
        st.info(theme.plain(reasons[0]))
        return
    _trend_chart(name, rows, over)
    st.caption(
        f"{theme.plain(frame.span_words(over))}, by {sentences.clock_words(metric)}. The trend reaches back "
        "further than the period so that a direction shows. Hollow and dashed: rows of that time are still open."
    )


def _trend_chart(name: str, rows: pl.DataFrame, over: Filters) -> None:
    metric, grain, currency = declared(name), frame.grain(), frame.currency(over)
    projected, events = _projected(name, over), happened(over, rows)
    described = describe_trend(rows, metric.label, metric.unit, grain, currency=currency)
    if projected is not None:
        described = f"{described} {foreseen(projected)}".strip()
    aim = _aim(name, over, rows["period"].to_list())
    if aim is not None:
        described = f"{described} {describe_target(aim, metric.unit, grain, currency=currency)}"
    st.markdown(theme.plain(described))
    figure = draw_trend(rows, metric.unit, grain, currency=currency, projected=projected, events=events, target=aim)
    twin = tabulate_trend(rows, metric.unit, grain, currency=currency, target=aim)
    frame.chart(figure, described, "trend", twin)
    if events:
        st.caption(f"What happened: {theme.plain(describe_events(events))}.")


def _aim(name: str, over: Filters, periods: Sequence[dt.date]) -> Target | None:
    """What a trend is held against: one target for all of it, or those of its months where they differ.

    A quarter or a year has no month of its own, and a count or a sum is aimed at by the month alone.
    """
    grain, is_amount = frame.grain(), declared(name).kind in ("count", "sum")
    if is_amount and grain != "month":
        return None
    if grain in ("quarter", "year") or not periods:
        return frame.target(name, over)
    months = sorted({day.replace(day=1) for day in periods})
    own = {month: frame.target(name, over.but(start=month, end=month)) for month in months}
    found = {day: aim for day in periods if (aim := own[day.replace(day=1)]) is not None}
    is_one = len(found) == len(periods) and len(set(found.values())) == 1
    return found[periods[0]] if is_one else found or None


def _projected(name: str, over: Filters) -> pl.DataFrame | None:
    """Where open months should end; None for a number that has no such thing, or another grain than months."""
    if frame.grain() != "month":
        return None
    try:
        return frame.estimate(foresight.projected, name, over.but(grain=None))
    except MetricError:
        return None


def foreseen(projected: pl.DataFrame) -> str:
    """Where the newest month should end, or why that cannot be told."""
    still_open = projected.filter(pl.col("open") > 0)
    if still_open.is_empty():
        return ""
    row = still_open.row(-1, named=True)
    month = f"{row['cohort']:%b %Y}"
    if row["projected"] is None:
        return f"Where {month} will end cannot be told. {row['reason'] or ''}".strip()
    ends = theme.interval(row["low"], row["high"])
    return f"{month} should end at {theme.number(row['projected'], 'share')} (95% interval {ends})."


def happened(over: Filters, rows: pl.DataFrame) -> list[Event]:
    """Trainings, campaigns and the like of the stores in scope, within the days of a trend."""
    if rows.is_empty():
        return []
    stores = over.where.get("store", ())
    first, last = rows["period"].min(), over.end or frame.last_day()
    kept = frame.estimate(engine.events).filter(pl.col("day").is_between(pl.lit(first), pl.lit(last)))
    if stores:
        kept = kept.filter(pl.col("store").is_null() | pl.col("store").is_in(stores))
    return [(row["day"], _event_words(row)) for row in kept.to_dicts()]


def _event_words(row: Row) -> str:
    where = ", ".join(part for part in (row["person"], row["store"]) if part)
    return f"{row['label']} ({where})" if where else str(row["label"])


# Why it changed -------------------------------------------------------------------------------------------------------


@or_reason
def why_it_changed(filters: Filters, against: Filters) -> None:
    """The change of a rate as volume, mix and rate; first which dimension's mix explains most."""
    st.subheader("Why it changed")
    word = frame.choose("Change of", "change_of", tuple(EXPLAINED))
    frame.say_unknown_choice("change_of", "Change of", word)
    name = EXPLAINED[word]
    ranked = frame.estimate(change.rank, name, filters, against)
    labels = {frame.LABELS[code].lower(): code for code in mixes(ranked["dimension"].to_list())}
    over = frame.choose("Mix of", "mix_of", tuple(labels))
    frame.say_unknown_choice("mix_of", "Mix of", over)
    explained = frame.estimate(change.explain, name, filters, against, labels[over])
    st.markdown(theme.plain(explanations.why(shifts.why(explained)) or "The rate did not move."))
    _in_hits(shifts.totals(explained), name, over)
    _by_value(explained, over)
    _ranking(ranked)


def mixes(ranked: Sequence[str]) -> list[str]:
    """The dimensions to choose a mix of: those that a lead brings with it first, each kind in the order of its rank.

    Weekday and hour are left out: their mix is as long as the list of hours, and moves by chance alone.
    """
    kept = [name for name in ranked if name not in _BY_CHANCE]
    return sorted(kept, key=lambda name: name not in (*NESTED, *CROSSED))


def _in_hits(whole: Row, name: str, over: str) -> None:
    """From as many to as many, by how many more leads there were, which ones, and what came of them."""
    steps = [
        Step("Before", whole["hits_before"], "total"),
        Step("More leads" if (whole["volume"] or 0) > 0 else "Fewer leads", whole["volume"]),
        Step(f"Mix of {over}", whole["mix"]),
        Step("Rates within", whole["rate"]),
        Step("Now", whole["hits_now"], "total"),
    ]
    st.markdown(f"**In {nouns(conversion(name))[1]}**, from the earlier period to this one")
    described = describe_waterfall(steps, "count")
    frame.chart(draw_waterfall(steps, "count"), described, "change_in_hits", tabulate_waterfall(steps, "count"))


def _by_value(explained: pl.DataFrame, over: str) -> None:
    rows = shifts.largest(explained).to_dicts()
    steps = [Step(row["value"], row["rate_change"]) for row in rows[:-1]]
    whole = Step("Change of the rate", rows[-1]["rate_change"], "sum")
    st.markdown(f"**In points, by {over}**: what each one's share and rate together did to the whole")
    described = f"{describe_waterfall(steps, 'points')} Together {theme.points(whole.value or 0)} points."
    figure = draw_waterfall([*steps, whole], "points")
    frame.chart(figure, described, "change_in_points", _parts_table(rows, over))


def _parts_table(rows: list[Row], over: str) -> pl.DataFrame:
    return theme.table([_parts_line(row, over) for row in rows])


def _parts_line(row: Row, over: str) -> dict[str, str]:
    def points(name: str) -> str:
        return theme.NOT_AVAILABLE if row[name] is None else theme.points(row[name])

    return {
        over.capitalize(): row["value"],
        "Before": theme.parts(row["hits_before"], row["chances_before"]),
        "Now": theme.parts(row["hits_now"], row["chances_now"]),
        "By mix, points": points("rate_mix"),
        "By rate, points": points("rate_rate"),
        "Together": points("rate_change"),
    }


def _ranking(ranked: pl.DataFrame) -> None:
    with st.expander("Which mix explains most"):
        lines = [
            {
                "Mix of": frame.LABELS[row["dimension"]],
                "By mix, points": theme.points(row["mix"]),
                "By the rates within, points": theme.points(row["rate"]),
            }
            for row in ranked.to_dicts()
            if row["mix"] is not None
        ]
        st.table(theme.table(lines), hide_index=True, border="horizontal", alt="Which mix explains most")
        st.caption("Each line splits the same change. The mixes overlap, so they do not add up with each other.")


# How long a sale takes ------------------------------------------------------------------------------------------------


@or_reason
def days_to_sale(filters: Filters, against: Filters | None) -> None:
    """The share of opportunities that had bought by each day since they came in, beside the comparison."""
    st.subheader("How long a sale takes")
    now = frame.estimate(waiting.days_to, "closing_rate", filters)
    before = _earlier(against)
    marks = [] if before is None else waiting.marks(before)
    described = explanations.waited(waiting.marks(now), marks)
    st.markdown(theme.plain(described))
    labels = frame.span_words(filters), "" if against is None else frame.span_words(against)
    frame.chart(draw_curve(now, before, labels), described, "days_to_sale", tabulate_curve(now, before))
    st.caption(
        "A lead counts for as many days as it has been watched, so young leads do not pull the curve down (Kaplan and "
        "Meier). The comparison is as known at the same age. Drawn while at least ten leads were watched that long."
    )


def _earlier(against: Filters | None) -> pl.DataFrame | None:
    if against is None:
        return None
    try:
        return frame.estimate(waiting.days_to, "closing_rate", against)
    except MetricError:
        return None
