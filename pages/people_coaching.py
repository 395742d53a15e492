"""The second view of People: whom to coach at which step first, by what reaching the colleagues would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import drill, frame, region, team, team_words, theme
from pages.charts.gains import describe_gains, draw_gains

# Words of the widget and the URL, and whose leads are meant: every step must be one role's.
OWNERS: Final = {"assigned salesperson": "salesperson", "BDC agent": "bdc_agent"}
_LINKS: Final = 4

Row = dict[str, Any]
Way = Callable[[str, str, Mapping[str, str]], None]


def render(filters: Filters, way_to_sheet: Way = team.link_to_sheet) -> None:
    """Draw the view: the answer, a chart of each person's most valuable step, and every step as a table.

    `way_to_sheet` draws what opens the sheet of a person: by label, its words, and the keys of people by label.
    """
    owner = frame.choose_level("Leads of", "leads_of", tuple(OWNERS))
    frame.say_unknown_choice("leads_of", "Leads of", owner)
    frame.later(_draw, filters.but(credit=OWNERS[owner]), way_to_sheet)


def _draw(filters: Filters, way_to_sheet: Way) -> None:
    try:
        found = team.worth_coaching(filters)
    except MetricError as error:
        st.info(theme.plain(error.message), icon=":material/info:")
        return
    currencies = currency_of_stores(found["store"].unique().to_list(), filters)
    rows = found.to_dicts()
    worth = worthwhile(rows)
    st.markdown(f"{answer(worth, currencies)}  \n{_next_step(worth)}")
    _links(worth, filters.credit, way_to_sheet)
    best = most_valuable(found)
    if best.height:
        frame.chart(draw_gains(best), describe_gains(best), "gains_chart")
        shown = table(best.to_dicts(), currencies)
        st.table(shown, hide_index=True, border="horizontal", alt=describe_gains(best))
    box = st.expander("Every person at every step", key="every_step", on_change="rerun")
    with box:
        if box.open:
            st.table(table(rows, currencies), hide_index=True, border="horizontal", alt="Each person at each step.")
    st.caption(
        "What closing the gap to colleagues would bring in a month, with leads of the same kind, through the person's "
        "own later steps, at the store's mean gross per sale. The gap is taken cautiously: rates on few leads are "
        "pulled towards the colleagues, so that luck does not make a plan. A hollow dot is a gap that "
        "luck may explain."
    )


def currency_of_stores(stores: Sequence[str], filters: Filters) -> dict[str, str]:
    """The currency of each store."""
    return {store: frame.currency(filters.but(where={"store": (store,)})) for store in stores}


def worthwhile(rows: Sequence[Row]) -> list[Row]:
    """The gaps that are more than luck, the one that is worth most sales first."""
    return sorted((row for row in rows if is_sure(row)), key=lambda row: -row["sales"])


def is_sure(row: Row) -> bool:
    """Whether a gap is more than luck: its interval lies above 0 at the next outcome after the step.

    For steps before the show that is shows: what they are worth in sales is known less well than that they are behind.
    """
    nearest = row["sales_low"] if row["shows_low"] is None else row["shows_low"]
    return row["sales"] is not None and nearest is not None and nearest > 0


def answer(worth: Sequence[Row], currencies: Mapping[str, str]) -> str:
    """Whom to coach at which step first and what it would bring; or that no gap is more than luck."""
    if not worth:
        return "**Nobody loses more than luck explains at any step**, compared with colleagues on the same leads."
    first, *rest = worth
    step = team_words.label_of(first["step"])
    head = f"**Coach {theme.plain(first['person'])} on {step} first.** {gain(first, currencies[first['store']])}"
    if not rest:
        return f"{head} No other gap is more than luck explains."
    others = [f"{theme.plain(row['person'])} on {team_words.label_of(row['step'])} ({a_month(row)})" for row in rest]
    return f"{head} Then {'; '.join(others)}."


def a_month(row: Row) -> str:
    """What a gap is worth in sales a month, in words."""
    return f"{region.decimal(row['sales'], 1)} sales a month"


def gain(row: Row, currency: str) -> str:
    """One person at one step: what was counted, and what reaching the colleagues would bring in a month.

    What it is worth begins at the cautious rate, which is not the counted one: both are said.
    """
    counted = f"{theme.parts(row['observed'], row['n'])} ({theme.number(row['observed_rate'], 'share')})"
    colleagues = f"colleagues on the same leads {theme.number(row['expected_rate'], 'share')}"
    cautious = f"Taken cautiously ({theme.number(row['rate'], 'share')}), reaching them is worth"
    shows = "" if row["shows"] is None else f"{region.decimal(row['shows'], 1)} shows, "
    money = ""
    if row["gross"]:
        ends = theme.interval(row["gross_low"], row["gross_high"], "money", currency)
        money = f" and {theme.number(row['gross'], 'money', currency)} gross (95% interval {ends})"
    worth = f"{shows}{region.decimal(row['sales'], 1)} sales{money} a month"
    return theme.plain(f"{counted}; {colleagues}. {cautious} {worth}.")


def _next_step(worth: Sequence[Row]) -> str:
    if not worth:
        return "**Next:** coach the whole team on the weakest step of the funnel; a longer period tells more."
    return "**Next:** open the sheet, look at the habits behind the step with the person, and agree one action."


def _links(worth: Sequence[Row], credit: str | None, way_to_sheet: Way) -> None:
    """The rows of each gap that is worth working on, and the sheet of each person once."""
    keys = team.person_keys()
    named: set[str] = set()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for place, row in enumerate(worth[:_LINKS]):
            person, name = row["person"], theme.plain(row["person"])
            if person not in named:
                way_to_sheet(person, f"Coaching sheet of {name}", keys)
            named.add(person)
            label = f"{declared(row['step']).label} of {name}"
            drill.rows_button(
                row["step"],
                label,
                f"worth_{place}",
                part="denominator",
                member=("person", person),
                credit=credit,
                is_later=True,
            )


def most_valuable(found: pl.DataFrame) -> pl.DataFrame:
    """Each person's step that is worth most sales, where any is: those beyond luck first, then by name."""
    gaps = found.filter(pl.col("sales") > 0).sort("sales", descending=True).unique(("store", "person"), keep="first")
    labelled = gaps.with_columns(label=pl.col("step").replace_strict({s: declared(s).label for s in _steps(gaps)}))
    sure = pl.Series([is_sure(row) for row in labelled.to_dicts()], dtype=pl.Boolean)
    return labelled.with_columns(is_sure=sure).sort(~pl.col("is_sure"), pl.col("person").str.to_lowercase())


def _steps(found: pl.DataFrame) -> list[str]:
    return found["step"].unique().to_list()


def table(rows: Sequence[Row], currencies: Mapping[str, str]) -> pl.DataFrame:
    """Every person at every step as ready text: gaps beyond luck first, the rest by name."""
    sure = [id(row) for row in worthwhile(rows)]
    ordered = sorted(rows, key=lambda row: (sure.index(id(row)) if id(row) in sure else len(sure), row["person"]))
    return theme.table([_line(row, currencies[row["store"]]) for row in ordered])


def _line(row: Row, currency: str) -> dict[str, str]:
    ends = theme.interval(row["gross_low"], row["gross_high"], "money", currency)
    return {
        "Person": row["person"],
        "Step": declared(row["step"]).label,
        "Counted": theme.parts(row["observed"], row["n"]),
        "Rate, taken cautiously": theme.number(row["rate"], "share"),
        "Colleagues": theme.number(row["expected_rate"], "share"),
        "Shows a month": _amount(row["shows"]),
        "Sales a month": _amount(row["sales"]),
        "Gross a month": f"{theme.number(row['gross'], 'money', currency)} ({ends})" if ends else "",
        "In words": in_words(row),
    }


def _amount(value: float | None) -> str:
    return "" if value is None else region.decimal(value, 1)


def in_words(row: Row) -> str:
    """Whether a gap is one, and whether luck explains it."""
    if row["gap"] is None:
        return "no colleagues to compare with"
    if row["sales"] is None:
        return "not behind the colleagues" if row["gap"] <= 0 else "behind, but no later step is known"
    return "behind by more than luck" if is_sure(row) else "luck may explain this gap"
