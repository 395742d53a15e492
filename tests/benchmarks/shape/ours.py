"""The shape with Upboard's frame, metrics and charts; nothing that was counted is remembered from run to run."""

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
    st.cache_data.clear()
    filters = frame.sidebar()
    st.title("Shape")
    now = frame.values(TILES, filters)
    with st.grid(4):
        for name in TILES:
            st.metric(metric(name).label, theme.number(now[name]["value"], metric(name).unit))
    months = frame.evaluate(("closing_rate",), frame.trend(filters))
    people = frame.evaluate(("contact_rate",), filters.but(by=("person",))).head(20)
    sources = frame.evaluate(BY_SOURCE, filters.but(by=("source",)))
    leads = sources.filter(metric="leads").head(20)
    frame.chart(draw_trend(months, "share", "month"), describe_trend(months, "Closing", "share", "month"), "trend")
    frame.chart(
        draw_dots(people, "person", "share", now["contact_rate"], "All"),
        describe_dots(people, "person", "Contact rate", "share", now["contact_rate"]),
        "dots",
    )
    frame.chart(draw_bars(leads, "source", "count"), describe_bars(leads, "source", "Leads", "count"), "bars")
    lines = [
        {
            "Source": row["source"],
            "Number": row["metric"],
            "Value": theme.number(row["value"], metric(row["metric"]).unit),
        }
        for row in sources.head(60).to_dicts()
    ]
    st.table(theme.table(lines), hide_index=True, alt="By source")
    st.markdown(f"shown {'|'.join(filters.where.get('lead_type', ('all',)))}")


main()
