"""The shape with Upboard's frame, metrics and charts; no number under a filter is remembered from run to run.

What belongs to the snapshot (the filters' options, stores, days) is remembered, as bare.py remembers its options.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import streamlit as st

from metrics.catalog import metric
from pages import frame, theme
from pages.charts.bars import describe_bars, draw_bars
from pages.charts.dots import describe_dots, draw_dots
from pages.charts.trend import describe_trend, draw_trend

TILES = ("leads", "contact_rate", "show_rate", "closing_rate")
BY_SOURCE = ("leads", "contact_rate", "closing_rate")


def main() -> None:
    """Draw the shape under the shared filters."""
    st.set_page_config(layout="wide")
    frame._evaluated.clear()
    filters = frame.sidebar()
    st.title("Shape")
    by_month, by_person, by_source = frame.trend(filters), filters.but(by=("person",)), filters.but(by=("source",))
    frame.ask_ahead(
        (TILES, filters), (("closing_rate",), by_month), (("contact_rate",), by_person), (BY_SOURCE, by_source)
    )
    now = frame.values(TILES, filters)
    with st.grid(4):
        for name in TILES:
            st.metric(metric(name).label, theme.number(now[name]["value"], metric(name).unit))
    months = frame.evaluate(("closing_rate",), by_month)
    people = frame.evaluate(("contact_rate",), by_person).head(20)
    sources = frame.evaluate(BY_SOURCE, by_source)
    leads = sources.filter(metric="leads").head(20)
    frame.chart(draw_trend(months, "share", "month"), describe_trend(months, "Closing", "share", "month"), "trend")
    frame.chart(
        draw_dots(people, "person", "share", now["contact_rate"], "All"),
        describe_dots(people, "person", "Contact rate", "share", now["contact_rate"]),
        "dots",
    )
    frame.chart(draw_bars(leads, "source", "count"), describe_bars(leads, "source", "Leads", "count"), "bars")
    rows = {(row["source"], row["metric"]): row["value"] for row in sources.to_dicts()}
    lines = [
        {
            "Source": source,
            **{metric(name).label: theme.number(rows.get((source, name)), metric(name).unit) for name in BY_SOURCE},
        }
        for source in sources["source"].unique(maintain_order=True).head(60)
    ]
    st.table(theme.table(lines), hide_index=True, alt="By source")
    st.markdown(f"shown {'|'.join(filters.where.get('lead_type', ('all',)))}")


main()
