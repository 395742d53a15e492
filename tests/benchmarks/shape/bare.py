"""The shape in bare Streamlit: hand-written SQL for the same counts, Plotly without more, no filter but one."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import plotly.graph_objects as go
import polars as pl
import streamlit as st

RATES = (
    "count(*) as leads, avg(is_contacted::int) as contact_rate, avg(is_shown::int) as show_rate,"
    " avg(is_sold::int) as closing_rate"
)


@st.cache_resource
def opened() -> duckdb.DuckDBPyConnection:
    """The snapshot, once for all sessions."""
    place = Path(os.environ["UPBOARD_WAREHOUSE"])
    return duckdb.connect(place / (place / "CURRENT").read_text(encoding="utf-8").strip(), read_only=True)


@st.cache_data
def kinds_known() -> list[str]:
    """The filter's options, once for all sessions."""
    text = "select distinct lead_type from fct_opportunity order by 1"
    known: list[str] = opened().cursor().sql(text).pl()["lead_type"].to_list()
    return known


def counted(what: str, kinds: list[str]) -> pl.DataFrame:
    """One grouped count of the opportunities that are eligible."""
    where = "is_eligible and (len($kinds) = 0 or list_contains($kinds, lead_type))"
    text = f"select {what}, {RATES} from fct_opportunity where {where} group by all order by all limit 60"
    found: pl.DataFrame = opened().cursor().sql(text, params={"kinds": kinds}).pl()
    return found


def main() -> None:
    """Draw the shape under one filter."""
    st.set_page_config(layout="wide")
    with st.sidebar:
        kinds = st.multiselect("Lead type", kinds_known(), key="lead_type", bind="query-params", placeholder="All")
    st.title("Shape")
    now = counted("1 as one", kinds).row(0, named=True)
    with st.grid(4):
        for name in ("leads", "contact_rate", "show_rate", "closing_rate"):
            st.metric(name, f"{now[name]:,.3f}")
    months = counted("date_trunc('month', created_on) as month", kinds)
    people, sources = counted("salesperson_key", kinds).head(20), counted("source_key", kinds).head(20)
    st.plotly_chart(go.Figure(go.Scatter(x=months["month"].to_list(), y=months["closing_rate"].to_list())))
    st.plotly_chart(go.Figure(go.Bar(x=people["salesperson_key"].to_list(), y=people["contact_rate"].to_list())))
    st.plotly_chart(go.Figure(go.Bar(x=sources["source_key"].to_list(), y=sources["leads"].to_list())))
    st.table(sources)
    st.markdown(f"shown {'|'.join(kinds) or 'all'}")


main()
