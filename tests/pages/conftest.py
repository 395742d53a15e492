"""Warehouses to look at pages with, and one way to run a page as the server does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages.showroom import (
    empty_showroom,
    full_showroom,
    long_names_showroom,
    one_row_showroom,
    one_store_showroom,
)

Show = Callable[..., AppTest]


@pytest.fixture(scope="session")
def showrooms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories by name: full, long names, one store, two currencies, one row, empty, and missing (never loaded)."""
    return {
        "full": full_showroom(tmp_path_factory.mktemp("full")),
        "long_names": long_names_showroom(tmp_path_factory.mktemp("long_names")),
        "one_store": one_store_showroom(tmp_path_factory.mktemp("one_store")),
        "one_row": one_row_showroom(tmp_path_factory.mktemp("one_row")),
        "two_currencies": full_showroom(tmp_path_factory.mktemp("two_currencies"), currencies=("USD", "CAD")),
        "empty": empty_showroom(tmp_path_factory.mktemp("empty")),
        "missing": tmp_path_factory.mktemp("missing"),
    }


@pytest.fixture
def show(showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Show:
    """Run a page of the dashboard on a warehouse, with the query of an address."""

    def run(page: str, warehouse: str = "full", **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms[warehouse]))
        app = AppTest.from_string(f"import dashboard\ndashboard.main({page!r})", default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    st.cache_data.clear()
    return run
