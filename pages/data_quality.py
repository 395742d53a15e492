"""Data quality: for everyone. Can these numbers be trusted, how far could they be off, and what to mend first."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons.bounds import bounds_of
from metrics.comparisons.trust import failing, mostly_open
from metrics.declare import MetricError, NoSuchData
from metrics.filters import Filters
from metrics.lists import PAST_DUE
from pages import alerts_panel, drill, frame, runs, show, theme
from pages.charts.dots import describe_dots, draw_dots
from pages.charts.spans import describe_spans, draw_spans, tabulate_spans

TITLE: Final = "Data quality"
ICON: Final = ":material/verified:"
QUESTION: Final = "Can these numbers be trusted, how far could they be off, and what should be mended first?"
COMPARES: Final = False

HEADLINES: Final = ("contact_rate", "set_rate", "show_rate", "closing_rate")

# What each check counts: the share of the first group should be high, of the second low.
COMPLETE: Final = ("reachable_share", "phone_known", "email_known", "source_known", "owner_known", "reason_known")
WRONG: Final = ("duplicate_share", "set_after_the_fact", "sales_without_lead", "sales_not_in_crm", "sales_not_in_dms")
_REPORTED: Final = ("loaded_of_reported", "late_recording")

MEND: Final = {
    "reachable_share": "ask for a phone number or an e-mail with every enquiry",
    "phone_known": "ask for a phone number with every enquiry",
    "email_known": "ask for an e-mail with every enquiry",
    "source_known": "choose a source with every lead that is typed in",
    "owner_known": "assign every lead to somebody",
    "reason_known": "say why whenever a lead is marked lost or bad",
    "duplicate_share": "merge duplicates in the CRM",
    "set_after_the_fact": "make appointments before they happen, so that the show rate means something",
    "sales_without_lead": "log a lead or a visit for every buyer, walk-ins too",
    "sales_not_in_crm": "mark deals sold in the CRM",
    "sales_not_in_dms": "look for deals that the CRM calls sold and accounting does not know",
}
# What a finding of the load means, and what to do about it.
FINDINGS: Final = {
    "deal_in_several_systems": ("Deals that stand in CRM and DMS", "Nothing: they are counted once."),
    "no_lead_found": ("Records that could not be joined to a lead", "Export them with the lead's or customer's id."),
    "milestone_before_creation": ("Steps dated before their lead", "Look whether the lead was typed in late."),
    "status_without_time": ("Appointments moved or cancelled without a time", "Export when the status changed."),
    "appointment_without_set_time": ("Appointments without a time of making", "Export when they were made."),
    "test_lead_recognised": ("Leads taken for tests", "Look through them: a real customer may look like a test."),
    "sale_date_fallback": ("Deals without the chosen sale date", "Export that date, or choose another in settings."),
    "deal_from_lead_record": ("Sales known only from the lead", "Load the deals, so that gross and dates are known."),
    "deal_of_unknown_stage": ("Deals in a stage nobody explained", "Name the stage in the profile."),
    "dated_after_now": ("Events dated after now", "Look for a wrong year or a wrong date order in the export."),
    "annotation_of_nobody": ("Events in settings about an unknown person", "Correct the name in settings."),
    "spend_periods_overlap": ("Spend that two exports may count twice", "Load spend by day or by month, not both."),
}
# So that the longest label of a check is not cut, in pixels.
_TILE_WIDTH: Final = 280

Row = dict[str, Any]
BY: Final = {"person": "person", "source": "source"}
CHECKS: Final = {declared(name).label.lower(): name for name in (*COMPLETE, *WRONG[:3])}


def render(filters: Filters) -> None:
    """Draw the page for these filters; without any row, say what to do instead."""
    _failed_runs()
    # Leads, appointments and sales are looked at side by side; what is not of the first screen waits.
    frame.ask_ahead((COMPLETE, filters), (WRONG, filters))
    rows = pl.concat([frame.evaluate(names, filters) for names in (COMPLETE, WRONG)])
    found = {row["metric"]: row for row in rows.to_dicts()}
    if not any(row["denominator"] for row in found.values()) and _is_without_outcomes(filters):
        frame.empty(filters)
        return
    weak = failing(rows, COMPLETE, WRONG)
    st.markdown("  \n".join(answer(found, weak, frame.facts().reject_count)))
    _checks(found, weak)
    st.subheader("How far missing outcomes could move the headline numbers")
    frame.later(_bounds, filters)
    st.subheader("By person and by source")
    frame.later(_members, filters)
    st.subheader("Against the CRM's own report, and how late things are typed in")
    frame.later_lines(3, _reported, filters)
    _findings()
    alerts_panel.render(filters)


def _failed_runs() -> None:
    """What the schedule could not do, before all else: numbers that are old look like any others."""
    for run in runs.failures(frame.warehouse_directory()):
        st.warning(theme.plain(runs.sentence(run)), icon=":material/schedule:")


def _is_without_outcomes(filters: Filters) -> bool:
    """Whether there is no opportunity either: asked only where no check has anything to look at."""
    return not any(row["denominator"] for row in frame.values(HEADLINES, filters).values())


def answer(found: dict[str, Row], weak: list[str], refused: int | None) -> list[str]:
    """The verdict in words: what is weakest, what was refused, and what to mend first."""
    whole = "**Every check is in order.**" if not weak else f"**{_problem(found, weak[0])}**"
    rest = f" {_more(len(weak))}" if len(weak) > 1 else ""
    rows = f" {theme.number(refused, 'count')} rows were refused at loading." if refused else ""
    if not weak:
        return [f"{whole}{rows}"]
    return [f"{whole}{rest}{rows}", f"**Next:** {MEND[weak[0]]}."]


def _more(count: int) -> str:
    """How many checks beside the first need a look."""
    return "One more check below needs a look." if count == 2 else "More checks below need a look."


def _problem(found: dict[str, Row], name: str) -> str:
    row, label = found[name], theme.plain(declared(name).label)
    counted = theme.parts(row["numerator"], row["denominator"])
    return f"{label}: {theme.number(row['value'], 'share')} ({counted})."


def _checks(found: dict[str, Row], weak: list[str]) -> None:
    st.subheader("What is known, and what is wrong")
    with st.grid(4, min_column_width=_TILE_WIDTH, gap="xsmall"):
        # What needs a look comes first.
        for name in sorted((*COMPLETE, *WRONG), key=lambda name: name not in weak):
            if found[name]["denominator"]:
                with st.container(border=True, height="stretch", gap=None):
                    _check(name, found[name], is_weak=name in weak)
    absent = [declared(name).label for name in (*COMPLETE, *WRONG) if not found[name]["denominator"]]
    if absent:
        st.caption(f"Not in these data, so nobody can tell: {theme.plain(', '.join(absent))}.")


def _check(name: str, row: Row, *, is_weak: bool) -> None:
    metric = declared(name)
    st.metric(metric.label, theme.number(row["value"], "share"), help=theme.plain(metric.description))
    counted, ends = theme.parts(row["numerator"], row["denominator"]), theme.interval(row["low"], row["high"])
    mark = ":material/error: needs a look" if is_weak else ":material/check: in order"
    st.caption(f"{counted}  \n95% interval {ends}  \n{mark}")
    st.space("stretch")
    drill.rows_button(name, "Rows", f"rows_{name}")


def _bounds(filters: Filters) -> None:
    known = frame.evaluate(HEADLINES, filters)
    found = [row for name in HEADLINES if (row := _bounds_of(name, known)) is not None]
    rows = [row for row in found if not mostly_open(row)]
    for row in (one for one in found if mostly_open(one)):
        counted = theme.parts(row["n_missing"], row["n"])
        st.markdown(f"{theme.plain(row['label'])}: too early to tell, {counted} may still convert. Take older months.")
    if not rows:
        return
    described = describe_spans(rows)
    st.markdown(theme.plain(described))
    frame.chart(draw_spans(rows), described, "bounds", tabulate_spans(rows))
    st.caption(
        "Dot: as counted. Bar: from every missing outcome being a miss to every one being a hit. Missing is an "
        "appointment past due without an outcome, or an opportunity whose time is not up."
    )
    with st.container(horizontal=True):
        frame.link("worklist", "Appointments without an outcome", list=PAST_DUE.label.lower())


def _bounds_of(name: str, rows: pl.DataFrame) -> Row | None:
    try:
        found = bounds_of(name, rows).row(0, named=True)
    except (MetricError, NoSuchData):
        return None
    return {**found, "label": declared(name).label}


def _members(filters: Filters) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="screen_only_check"):
        word = frame.choose("Check", "check", tuple(CHECKS))
        level = frame.choose_level("Show by", "by", tuple(BY))
    frame.say_unknown_choice("check", "Check", word)
    frame.say_unknown_choice("by", "Show by", level)
    metric, by = declared(CHECKS[word]), BY[level]
    names = COMPLETE if metric.name in COMPLETE else WRONG
    whole = frame.values(names, filters)[metric.name]
    rows = frame.evaluate((metric.name,), filters.but(by=(by,))).filter(pl.col("denominator").fill_null(0) > 0)
    if rows.is_empty():
        st.info("Nothing was counted here under these filters.")
        return
    named = rows.sort(pl.col(by).str.starts_with("("), pl.col(by).str.to_lowercase())
    described = describe_dots(named, by, metric.label, metric.unit, whole)
    st.markdown(theme.plain(described))
    frame.chart(draw_dots(named, by, metric.unit, whole, "All"), described, "members", table(named, by))


def table(named: pl.DataFrame, by: str) -> pl.DataFrame:
    """The twin of the dots: member, share, n and interval as ready text."""
    return theme.table(
        [
            {
                by.capitalize(): row[by],
                "Share": theme.number(row["value"], "share"),
                "n": theme.parts(row["numerator"], row["denominator"]),
                "95% interval": theme.interval(row["low"], row["high"]),
            }
            for row in named.to_dicts()
        ]
    )


def _reported(filters: Filters) -> None:
    found = frame.values(_REPORTED, filters)
    report, late = found["loaded_of_reported"], found["late_recording"]
    if report["value"] is None:
        st.markdown("No report of the CRM's own counts was loaded, so ours cannot be held against it.")
    else:
        st.markdown(
            f"Loaded of the leads that the CRM's own report claims: **{theme.number(report['value'], 'share')}** "
            f"({theme.parts(report['numerator'], report['denominator'])})."
        )
        drill.rows_button("crm_reported_leads", "Rows of the report", "rows_reported", is_later=True)
    if late["value"] is None:
        st.markdown("The exports do not say when a touch was typed in.")
    else:
        shown = theme.number(late["value"], declared("late_recording").unit)
        st.markdown(f"Half of all touches are typed in within **{shown}** of happening.")


def _findings() -> None:
    st.subheader("What loading noticed")
    found = frame.findings()
    if found.is_empty():
        st.markdown("Nothing.")
    else:
        st.table(findings_table(found), hide_index=True, border="horizontal", alt="What loading noticed, with counts")
    with st.container(horizontal=True):
        frame.link("load_data", "Refused rows and loads", part="History")
        frame.link("definitions", "What each number means")


def findings_table(found: pl.DataFrame) -> pl.DataFrame:
    """Each finding in words with its store, count and what to do; one that has no words keeps its name."""
    lines = []
    for row in found.sort("records", descending=True).to_dicts():
        words, todo = FINDINGS.get(row["finding"], (row["finding"].replace("_", " ").capitalize(), ""))
        lines.append(
            {
                "What": words,
                "Store": row["store"] or "all stores",
                "Records": theme.number(row["records"], "count"),
                "What to do": todo,
            }
        )
    return theme.table(lines)


if __name__ == "__main__":
    show.whole_dashboard()
