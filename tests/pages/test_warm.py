"""A fresh server readies itself for its first visitor."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
import streamlit as st

from metrics import engine
from metrics.filters import Filters
from pages import PAGES, warm


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages read a warehouse that is not there, unless a test says otherwise."""
    monkeypatch.setenv("UPBOARD_WAREHOUSE", "nowhere")


def test_a_warm_server_has_every_page_and_library_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "upboard"):
        warm.warm(tmp_path)
    assert {f"pages.{name}" for names in PAGES.values() for name in names} <= sys.modules.keys()
    assert {"pandas", "pyarrow", "scipy.special"} <= sys.modules.keys()
    assert caplog.messages[-1].endswith(": libraries")


def test_without_a_snapshot_the_server_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(tmp_path))
    with caplog.at_level(logging.INFO, "upboard"):
        warm.begin(tmp_path, lambda: warm.LOG.info("what follows")).join(timeout=60)
    assert caplog.messages[-2].endswith(": libraries")
    assert caplog.messages[-1] == "what follows"


def test_where_people_sign_in_no_page_is_drawn_for_nobody_and_the_log_tells_of_no_fault(
    showrooms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms["full"]))
    monkeypatch.setenv("UPBOARD_USERS", str(tmp_path / "users.toml"))
    with caplog.at_level(logging.INFO, "upboard"):
        warm.warm(showrooms["full"])
    assert "not drawn" not in caplog.text
    assert caplog.messages[-1].endswith(": libraries")


def test_the_first_page_was_drawn_and_its_numbers_are_remembered(
    showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms["full"]))
    asked: list[Sequence[str]] = []
    evaluate = engine.evaluate

    def counted(warehouse: engine.Warehouse, metrics: Sequence[str], filters: Filters) -> pl.DataFrame:
        asked.append(metrics)
        return evaluate(warehouse, metrics, filters)

    monkeypatch.setattr(engine, "evaluate", counted)
    st.cache_data.clear()
    with caplog.at_level(logging.INFO):
        warm.warm(showrooms["full"])
        first = len(asked)
        warm.warm(showrooms["full"])
    assert [line for line in caplog.messages if line.endswith(": libraries and first page")]
    assert first
    assert len(asked) == first
