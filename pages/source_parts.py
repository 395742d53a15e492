"""The slower parts of Sources: what to do, return with its luck, quality against handling, credit, budget, ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons import sources, spending
from metrics.declare import NoSuchData
from metrics.filters import Filters
from pages import explanations, frame, region, theme
from pages.charts.dots import draw_dots
from pages.charts.two_way import describe_two_way, draw_two_way, tabulate_two_way
from pages.parts import or_reason

CREDIT_DAYS: Final = 180  # before a sale, in which a lead has a part in it
_JUDGED: Final = ("contact_rate", "closing_rate", "set_rate")  # first where late answers show first
_CREDITED: Final = ("sold_units", "gross")
_BROUGHT: Final = ("leads", "opportunities", "cohort_gross")
# Words of the widgets and the URL, by which the number of a section is chosen.
JUDGED: Final = {declared(name).label.lower(): name for name in _JUDGED}
CREDITED: Final = {declared(name).label.lower(): name for name in _CREDITED}
BROUGHT: Final = {declared(name).label.lower(): name for name in _BROUGHT}
_FIRST_MOVE: Final = 500.0
_STEP: Final = 100.0

Row = dict[str, Any]


# What to do -----------------------------------------------------------------------------------------------------------


@or_reason
def what_to_do(filters: Filters) -> None:
    """Which source to cut, which to feed, which is our own fault, and how sure that is."""
    rows = _judged(filters).to_dicts()
    currency = frame.currency(filters)
    lines = [f"- **{head}** {theme.plain(said)}" for head, said in explanations.source_actions(rows, currency)]
    st.markdown("\n".join(lines))
    st.caption(_how_sure(rows, currency))


def _judged(filters: Filters) -> pl.DataFrame:
    """What `spending.actions` finds, from parts that the sections below ask for as well."""
    money = frame.estimate(sources.returns, filters)
    try:
        found = [frame.estimate(sources.quality, name, filters) for name in spending.JUDGED_BY]
    except NoSuchData:
        found = []
    return spending.judge(money, spending.verdicts(found))


def _how_sure(rows: list[Row], currency: str) -> str:
    """What the verdicts are held against, and what may still change them."""
    of_all = next((row["of_all"] for row in rows if row["of_all"] is not None), None)
    young = sum(row["n_immature"] or 0 for row in rows)
    parts = []
    if of_all is not None:
        gained, unit = theme.number(of_all, "money", currency), explanations.money_unit(currency)
        parts.append(f"Held against all paid sources together: {gained} gained for each {unit}.")
    if young:
        parts.append(f"{theme.number(young, 'count')} opportunities are under 90 days old: returns may still rise.")
    parts.append("Gained is gross less spend. A good average does not promise as much from the next dollar: see below.")
    return theme.plain(" ".join(parts))


# Return with its luck -------------------------------------------------------------------------------------------------


@or_reason
def draw_returns(filters: Filters) -> None:
    """Return on spend of each source with its interval, as dots; few sales and unknown spend in words."""
    found = frame.estimate(sources.returns, filters)
    currency, unit = frame.currency(filters), explanations.money_unit(frame.currency(filters))
    rows = in_spend_order(found)
    known = rows.filter(pl.col("roi").is_not_null())
    described = describe_returns(rows, currency)
    st.markdown(theme.plain(described))
    empty = pl.lit(None, pl.Float64)
    drawn = known.with_columns(value="roi", note="state", numerator=empty, denominator=empty)
    paid = {"value": spending.return_of_paid(found)}
    figure = draw_dots(drawn, "source", "money", paid, "All paid", currency=currency)
    frame.chart(figure, described, "sources_chart", _returns_table(rows, currency))
    st.caption(
        f"Gross so far less spend, for each {unit} spent, with its 95% interval: how else the deals might have "
        "fallen. Left of 0 the source has not earned its spend. In the order of spend, not ranked."
    )


def in_spend_order(found: pl.DataFrame) -> pl.DataFrame:
    """Returns in the order of spend; sources that cost nothing, or of unknown spend, last."""
    return found.sort(pl.col("spend").fill_null(-1.0), "source", descending=[True, False])


def describe_returns(rows: pl.DataFrame, currency: str) -> str:
    """The takeaway in a sentence or two: who earns its spend beyond chance, who may not, of whom it is open."""
    known = rows.filter(pl.col("low").is_not_null())
    sure, open_ = known.filter(pl.col("low") > 0)["source"], known.filter(pl.col("low") <= 0)["source"]
    parts = []
    if sure.len():
        parts.append(f"Earn their spend beyond chance: {', '.join(sure)}.")
    if open_.len():
        parts.append(f"May not earn it: {', '.join(open_)}.")
    told = rows.filter(pl.col("low").is_null())
    for (state,), members in told.group_by("state", maintain_order=True):
        parts.append(f"{str(state or 'cannot be told').capitalize()}: {', '.join(members['source'])}.")
    return " ".join(parts) or f"No return in {currency} here."


def _returns_table(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    return theme.table([_return_line(row, currency) for row in rows.to_dicts()])


def _return_line(row: Row, currency: str) -> dict[str, str]:
    def money(name: str) -> str:
        return theme.number(row[name], "money", currency)

    unit = explanations.money_unit(currency)
    return {
        "Source": row["source"],
        "Spend": "unknown" if row["spend"] is None else money("spend"),
        "Sales": theme.number(row["sales"], "count"),
        "Gross": money("gross"),
        f"Gained per {unit}": money("roi"),
        "95% interval": theme.interval(row["low"], row["high"], "money", currency) or (row["state"] or ""),
        "Still open": theme.number(row["n_immature"], "count"),
    }


# Quality against handling ---------------------------------------------------------------------------------------------


@or_reason
def quality_or_handling(filters: Filters) -> None:
    """For each source of one store: what our handling did to its rate, and what the leads themselves did."""
    st.subheader("Is it the source or our handling?")
    with st.container(horizontal=True):
        word = frame.choose("Judged by", "judged_by", tuple(JUDGED))
        found = frame.estimate(sources.quality, JUDGED[word], filters)
        stores = by_fault(found)
        store = frame.choose("At", "judged_at", stores) if len(stores) > 1 else stores[0]
    for key, label, shown in (("judged_by", "Judged by", word), ("judged_at", "At", store)):
        frame.say_unknown_choice(key, label, shown)
    rows = found.filter(pl.col("store") == store)
    described = describe_two_way(rows, "source", f"{declared(JUDGED[word]).label} at {store}")
    st.markdown(theme.plain(described))
    frame.chart(draw_two_way(rows, "source"), described, "two_way", tabulate_two_way(rows, "source"))
    st.caption(
        "How far a source's rate lies from the other sources', in points, split in two: what later or earlier first "
        "answers did to it, and what would remain had every source been answered alike. Full marks: low beyond chance. "
        "Sources whose customers call or come in are answered on the spot and stand only in the table."
    )


def by_fault(found: pl.DataFrame) -> tuple[str, ...]:
    """The stores in order, those first where a source is low by our own handling."""
    is_own = (pl.col("verdict") == "handling").any()
    ordered = found.group_by("store").agg(is_own=is_own).sort("is_own", "store", descending=[True, False])
    return tuple(ordered["store"].to_list())


# Credit by three rules ------------------------------------------------------------------------------------------------


@or_reason
def credit(filters: Filters) -> None:
    """Who gets the sale: the first lead's source, the last one's, or all evenly; assisted sales, duplicates."""
    st.subheader("Who gets the credit")
    word = frame.choose_level("Credit for", "credit_for", tuple(CREDITED))
    frame.say_unknown_choice("credit_for", "Credit for", word)
    name, currency = CREDITED[word], frame.currency(filters)
    found = frame.estimate(sources.credited, name, filters, CREDIT_DAYS)
    duplicates = frame.evaluate(("duplicate_share",), filters.but(by=("source",)))
    shares = {row["source"]: row for row in duplicates.to_dicts() if row["source"] is not None}
    described = describe_credit(found)
    st.markdown(theme.plain(described))
    lines = [_credit_line(row, shares.get(row["source"]), declared(name).unit, currency) for row in found.to_dicts()]
    st.table(theme.table(lines), hide_index=True, border="horizontal", alt=described)
    st.caption(
        f"All leads of the buyer in the {CREDIT_DAYS} days before the sale count. Assisted: sales in which the source "
        "had a lead and another one the last. Each rule shares out the same total. Duplicates: leads that repeat an "
        "enquiry that was already open; they cost money and bring nothing new."
    )


def describe_credit(found: pl.DataFrame) -> str:
    """Whose rank depends on the rule, in one sentence."""
    flipped = found.filter(pl.col("is_flipped").fill_null(value=False))["source"].to_list()
    if not flipped:
        return "The order of the sources is the same by every rule of credit."
    return f"The rank depends on the rule of credit for: {', '.join(flipped)}. Do not judge these by one rule alone."


def _credit_line(row: Row, duplicate: Row | None, unit: str, currency: str) -> dict[str, str]:
    def amount(rule: str) -> str:
        shown = theme.number(None if row[rule] is None else round(float(row[rule]), 1), unit, currency)
        place = row[f"{rule}_rank"]
        return f"{shown} (rank\u00a0{place})" if place is not None else shown

    return {
        "Source": row["source"],
        "First lead": amount("first"),
        "Last lead": amount("last"),
        "Evenly": amount("even"),
        "Rank": "depends on the rule" if row["is_flipped"] else "",
        "Sales with a lead of it": theme.number(row["sales"], "count"),
        "Assisted": "" if row["assisted"] is None else theme.number(row["assisted"], "count"),
        "Duplicate leads": _share(duplicate),
    }


def _share(row: Row | None) -> str:
    if row is None or row["value"] is None:
        return ""
    return f"{theme.number(row['value'], 'share')} ({theme.parts(row['numerator'], row['denominator'])})"


# What if --------------------------------------------------------------------------------------------------------------


@or_reason
def what_if(filters: Filters) -> None:
    """What moving monthly budget from one source to another might change, or that it cannot be told."""
    st.subheader("What if we moved budget?")
    every_month = filters.but(start=None, end=None)
    word = frame.choose_level("What it should bring", "brings", tuple(BROUGHT))
    frame.say_unknown_choice("brings", "What it should bring", word)
    months = frame.estimate(sources.monthly, BROUGHT[word], every_month)
    found = sources.marginal_of(BROUGHT[word], months)
    names = found["source"].to_list()
    if len(names) < 2:
        st.info("Budget can be moved only between two sources of known spend.")
        return
    taken, given, amount = _move(names)
    _moved(months, BROUGHT[word], frame.currency(filters), {taken: -amount, given: amount})
    _marginals(found, BROUGHT[word], frame.currency(filters))


def _move(names: list[str]) -> tuple[str, str, float]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        taken = frame.choose("Take from", "take_from", tuple(names))
        given = frame.choose("Give to", "give_to", tuple(reversed(names)))
        amount = st.number_input(
            "Each month", min_value=0.0, value=_FIRST_MOVE, step=_STEP, key="move_amount", bind="query-params"
        )
    for key, label, shown in (("take_from", "Take from", taken), ("give_to", "Give to", given)):
        frame.say_unknown_choice(key, label, shown)
    return taken, given, float(amount or 0.0)


def _moved(months: Mapping[str, pl.DataFrame], name: str, currency: str, moves: Mapping[str, float]) -> None:
    if len(moves) < 2:
        st.info("Choose two different sources.")
        return
    try:
        row = sources.moved_of(name, months, moves).row(0, named=True)
    except NoSuchData as error:
        st.info(theme.plain(error.message))
        return
    st.markdown(f"**{theme.plain(moved_words(row, currency))}**")


def moved_words(row: Row, currency: str) -> str:
    """What a move might change a month, with its interval; or why that cannot be told."""
    if row["change"] is None:
        return str(row["sentence"]) if row["after"] is None else _never_tried(row, currency)
    metric = declared(row["metric"])
    change, low, high = (theme.number(row[part], metric.unit, currency) for part in ("change", "low", "high"))
    head = f"{metric.label}: {'' if row['change'] < 0 else '+'}{change} a month (95% interval {low} to {high})."
    return f"{head} This is correlation over months, not an experiment."


def _never_tried(row: Row, currency: str) -> str:
    after, least, most = (theme.number(row[part], "money", currency) for part in ("after", "least", "most"))
    return f"It cannot be told. {row['source']}: {after} a month was never tried, only {least} to {most}."


def _marginals(found: pl.DataFrame, name: str, currency: str) -> None:
    with st.expander("What the last dollars of each source seem to have brought"):
        lines = [_marginal_line(row, name, currency) for row in found.to_dicts()]
        alt = "What the last dollars of each source seem to have brought"
        st.table(theme.table(lines), hide_index=True, border="horizontal", alt=alt)
        st.caption(
            "From all months in the data, whatever the period above. Told only from eight months on, where spend went "
            "up and down on its own. Moving budget on purpose in some months, and not in others, is how to find out."
        )


def _marginal_line(row: Row, name: str, currency: str) -> dict[str, str]:
    hundred = explanations.money_unit(currency)
    return {
        "Source": row["source"],
        "Months": theme.number(row["months"], "count"),
        "Monthly spend tried": theme.interval(row["least"], row["most"], "money", currency),
        f"{declared(name).label} per {hundred}, average": _small(row["average"]),
        "The last ones": _small(row["value"]),
        "95% interval": f"{_small(row['low'])} to {_small(row['high'])}" if row["low"] is not None else "",
        "In words": row["verdict"],
    }


def _small(value: float | None) -> str:
    return theme.NOT_AVAILABLE if value is None else region.significant(value)


# The ledger -----------------------------------------------------------------------------------------------------------


@or_reason
def ledger(filters: Filters) -> None:
    """Spend and sales that tie out to the totals, with what nobody gets the credit for in lines of its own."""
    st.subheader("Does it add up?")
    found = frame.estimate(sources.ledger, filters)
    currency = frame.currency(filters)
    described = describe_ledger(found)
    st.markdown(theme.plain(described))
    lines = [_ledger_line(row, currency) for row in found.to_dicts()]
    st.table(theme.table(lines), hide_index=True, border="horizontal", alt=described)
    st.caption(
        "Spend by its own days, sales and gross by the day of sale, each in full: every column adds up to its last "
        "line. Unknown is not zero."
    )


def describe_ledger(found: pl.DataFrame) -> str:
    """How many sold units and how much spend stand with no source."""
    units = {row["source"]: row["sold_units"] or 0 for row in found.to_dicts()}
    whole = theme.number(units.get(sources.TOTAL, 0), "count")
    loose = theme.number(sum(units.get(name, 0) for name in _NOBODY), "count")
    unknown = found.filter(pl.col("spend").is_null() & ~pl.col("source").str.starts_with("("))["source"].to_list()
    tail = f" Nobody entered what these cost: {', '.join(unknown)}." if unknown else ""
    return (
        f"Of {whole} sold units {loose} are nobody's credit: their buyer has no lead, or a lead without a source.{tail}"
    )


_NOBODY: Final = ("(no lead)", "(no source)")


def _ledger_line(row: Row, currency: str) -> dict[str, str]:
    def cell(name: str, unit: str) -> str:
        return theme.number(row[name], unit, currency) if row[name] is not None else _lacking(row["source"], name)

    return {
        "Source": row["source"],
        "Spend": cell("spend", "money"),
        "Leads": cell("leads", "count"),
        "Opportunities": cell("opportunities", "count"),
        "Sold units": cell("sold_units", "count"),
        "Gross": cell("gross", "money"),
        "Note": row["sentence"] or "",
    }


def _lacking(source: str, column: str) -> str:
    """What an empty cell of the ledger means: unknown spend of a source, or nothing there to count."""
    return "unknown" if column == "spend" and not source.startswith("(") else "none"
