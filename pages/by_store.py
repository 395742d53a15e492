"""Overview, store by store: each headline number side by side, and whether the stores differ by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import streamlit as st

from metrics.catalog import metric as declared
from metrics.comparisons import change, shifts
from metrics.declare import MetricError
from metrics.filters import Filters
from metrics.statistics import differences
from pages import drill, explanations, frame, sentences, theme
from pages.charts.dots import describe_dots, draw_dots

_RATES: Final = (
    "closing_rate",
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "show_rate",
    "show_to_sale",
)
# Words of the widget and the URL, by which the drawn rate is chosen.
RATES: Final = {declared(name).label.lower(): name for name in _RATES}
_MIX: Final = "source"

Row = dict[str, Any]
Grid = dict[str, dict[str, Row]]


def in_scope(filters: Filters) -> list[str]:
    """The stores that these filters look at, in order."""
    known = frame.stores()["store"].to_list()
    chosen = filters.where.get("store", ())
    return sorted(store for store in known if not chosen or store in chosen)


def render(filters: Filters, headlines: tuple[str, ...]) -> None:
    """Draw the stores side by side; without any row, say what to do instead."""
    names = tuple(dict.fromkeys((*headlines, *_RATES)))
    grid = by_store(frame.evaluate(names, filters.but(by=("store",))))
    if not grid:
        frame.empty(filters)
        return
    whole = frame.values(_RATES, filters)
    stores = list(grid)
    st.markdown(_answer(grid, stores, filters))
    aims = {store: frame.targets(names, _at(store, filters)) for store in stores}
    st.table(_table(grid, aims, names), hide_index=True, border="horizontal", alt="Headline numbers by store")
    st.caption("Each rate with n and its 95% interval. The stores are seen as of the same day.")
    _chart(grid, whole)
    _rows(stores, names)
    st.caption("The address of this page holds the stores, the period and this view: copy it to share them.")


def by_store(rows: pl.DataFrame) -> Grid:
    """Rows of several metrics as store, then metric."""
    grid: Grid = {}
    for row in rows.filter(pl.col("store").is_not_null()).sort("store").to_dicts():
        grid.setdefault(row["store"], {})[row["metric"]] = row
    return grid


def _answer(grid: Grid, stores: list[str], filters: Filters) -> str:
    if len(stores) != 2:
        return f"**{len(stores)} stores.** Choose two of them in the filter Store to have their difference in words."
    names = stores[0], stores[1]
    first, second = (grid[store] for store in names)
    lines = [f"**{theme.plain(_said('closing_rate', first, second, names))}**", _why(filters, names)]
    apart = _told_apart(first, second)
    lines += [_apart(apart, first, second, names), next_step(apart, first, second, names)]
    return "  \n".join(line for line in lines if line)


def _said(name: str, first: dict[str, Row], second: dict[str, Row], names: tuple[str, str]) -> str:
    rows = first.get(name), second.get(name)
    label = declared(name).label
    if rows[0] is None or rows[1] is None:
        return f"{label} is not known at both stores."
    return explanations.stores(rows[0], rows[1], names, label) or f"{label} is not known at both stores."


def _why(filters: Filters, names: tuple[str, str]) -> str:
    """How much of the difference is what came in, and how much what became of it."""
    first, second = (_at(name, filters) for name in names)
    try:
        found = frame.estimate(change.explain, "closing_rate", first, second, _MIX)
    except MetricError:
        return ""
    return theme.plain(explanations.between_stores(shifts.why(found), names))


def _told_apart(first: dict[str, Row], second: dict[str, Row]) -> list[str]:
    """The rates besides the closing rate at which two stores differ beyond chance."""
    known = [name for name in _RATES[1:] if name in first and name in second]
    return [name for name in known if differences.is_apart(first[name], second[name])]


def _apart(apart: list[str], first: dict[str, Row], second: dict[str, Row], names: tuple[str, str]) -> str:
    """The other rates, by whether they differ beyond chance."""
    known = [name for name in _RATES[1:] if name in first and name in second]
    if not apart:
        return "No other rate differs by more than chance."
    said = "; ".join(_briefly(name, first[name], second[name], names) for name in apart)
    rest = [declared(name).label.lower() for name in known if name not in apart]
    tail = f" Not to be told apart: {', '.join(rest)}." if rest else ""
    return f"**Also beyond chance:** {theme.plain(f'{said}.{tail}')}"


def next_step(apart: list[str], first: dict[str, Row], second: dict[str, Row], names: tuple[str, str]) -> str:
    """Where one store can learn from the other: the step of the customer's way at which they first differ."""
    if not apart:
        return "**Next:** look within each store, by person; what sets the two apart may be luck."
    name = apart[0]
    better, other = names if first[name]["value"] > second[name]["value"] else names[::-1]
    ahead = first if better == names[0] else second
    reached = f"{theme.number(ahead[name]['value'], 'share')} {declared(name).label.lower()}"
    said = f"ask at {better} how they reach {reached}; choose {other} in the filter Store to see where it loses"
    return f"**Next:** {theme.plain(said)}."


def _briefly(name: str, first: Row, second: Row, names: tuple[str, str]) -> str:
    """One rate that differs beyond chance, in few words."""
    return explanations.stores_briefly(first, second, names, declared(name).label.lower())


def _at(store: str, filters: Filters) -> Filters:
    return filters.but(where={**filters.where, "store": (store,)})


def _table(grid: Grid, aims: Mapping[str, Mapping[str, float]], names: tuple[str, ...]) -> pl.DataFrame:
    """A number per line and a store per column; `aims` are the stores' targets by metric."""
    lines = [
        {
            "Number": declared(name).label,
            **{store: _cell(name, grid[store].get(name), store, known.get(name)) for store, known in aims.items()},
        }
        for name in names
    ]
    return theme.table(lines)


def _cell(name: str, row: Row | None, store: str, aim: float | None) -> str:
    if row is None or row["value"] is None:
        return theme.NOT_AVAILABLE
    metric = declared(name)
    currency = frame.currency(Filters(where={"store": (store,)}))
    shown = theme.number(row["value"], metric.unit, currency)
    ends = theme.interval(row["low"], row["high"])
    parts = [theme.parts(row["numerator"], row["denominator"]), ends] if ends else []
    parts += [] if aim is None else [f"target {sentences.target_words(row, aim, metric, currency)}"]
    return f"{shown} ({'; '.join(parts)})" if parts else shown


def _chart(grid: Grid, whole: dict[str, Row]) -> None:
    st.subheader("Side by side")
    word = frame.choose("Rate", "stores_on", tuple(RATES))
    frame.say_unknown_choice("stores_on", "Rate", word)
    name = RATES[word]
    rows = [row for cells in grid.values() if (row := cells.get(name)) and row["value"] is not None]
    if not rows:
        st.info("No store has this rate here.")
        return
    metric, drawn = declared(name), pl.DataFrame(rows, infer_schema_length=None)
    described = _described(name, grid, whole, drawn)
    st.markdown(theme.plain(described))
    frame.chart(draw_dots(drawn, "store", metric.unit, whole[name], "All"), described, "stores_chart")


def _described(name: str, grid: Grid, whole: dict[str, Row], drawn: pl.DataFrame) -> str:
    """Two stores are held against each other, more of them against all together."""
    stores = tuple(drawn["store"].to_list())
    if len(stores) == 2:
        names = stores[0], stores[1]
        return _said(name, grid[names[0]], grid[names[1]], names)
    return describe_dots(drawn, "store", declared(name).label, declared(name).unit, whole[name])


def _rows(stores: list[str], names: tuple[str, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        store = st.selectbox("Store", stores, key="store_opened")
        name = st.selectbox("Number", names, format_func=lambda code: declared(code).label, key="store_metric")
        drill.rows_button(str(name), "Show the rows", "store_rows", member=("store", str(store)))
