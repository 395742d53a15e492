"""The week as a heat map: words in each cell, colour only beyond chance, a sentence and a table of the same."""

from __future__ import annotations

from typing import Any

import polars as pl

from metrics.statistics.intervals import wilson_of
from pages import theme
from pages.charts.heatmap import SMALLEST, describe_week, draw_week, is_apart, tabulate_week
from pages.charts.layout import inked

WHOLE = {"value": 0.6, "low": 0.55, "high": 0.65}
Cell = tuple[str, str, int, int]


def cells(*told: Cell) -> pl.DataFrame:
    return pl.DataFrame([_cell(*one) for one in told])


def _cell(weekday: str, hours: str, hits: int, chances: int) -> dict[str, Any]:
    low, high = wilson_of(hits, chances) or (None, None)
    value = hits / chances if chances else None
    parts = {"numerator": float(hits), "denominator": float(chances), "value": value, "low": low, "high": high}
    return {"weekday": weekday, "hours": hours, **parts}


MORNING, EVENING = "09:00 to 12:00", "18:00 to 21:00"
WEEK = cells(
    ("Monday", MORNING, 62, 100),
    ("Monday", EVENING, 20, 100),
    ("Tuesday", MORNING, 0, SMALLEST - 1),
    ("Tuesday", EVENING, 0, 0),
)


def words(frame: pl.DataFrame, whole: dict[str, float] | None = None) -> dict[tuple[str, str], str]:
    said = draw_week(frame, "share" if whole else "count", whole).data[-1]
    return {
        (day, hours): text
        for hours, line in zip(said.y, said.text, strict=True)
        for day, text in zip(said.x, line, strict=True)
    }


def test_a_cell_says_its_rate_and_n_with_a_sign_where_it_is_apart() -> None:
    assert words(WEEK, WHOLE) == {
        ("Mon", MORNING): "62%<br>n 100",
        ("Mon", EVENING): "▼ 20%<br>n 100",
        ("Tue", MORNING): f"n {SMALLEST - 1}",
        ("Tue", EVENING): "",
    }


def test_only_what_is_apart_has_a_colour_and_only_what_is_large_enough_has_a_ground() -> None:
    shade, ground = draw_week(WEEK, "share", WHOLE).data
    assert ground.z == ([1.0, 0.0], [1.0, 0.0])
    assert shade.z == ([None, None], [0.2, None])
    assert shade.reversescale


def test_the_words_of_the_cells_stand_on_top_in_the_ink_of_the_page() -> None:
    said = inked(draw_week(WEEK, "share", WHOLE), "light").data[-1]
    assert said.texttemplate == "%{text}"
    assert said.textfont.color == theme.INK["light"]


def test_a_cell_of_few_is_never_apart() -> None:
    few = _cell("Monday", MORNING, 0, SMALLEST - 1)
    assert few["high"] < WHOLE["value"]
    assert not is_apart(few, WHOLE)
    assert is_apart(_cell("Monday", MORNING, 0, SMALLEST), WHOLE)
    assert not is_apart(_cell("Monday", MORNING, 0, SMALLEST), {"value": None})


def test_the_sentence_names_the_lowest_cell_first_and_says_when_none_is_apart() -> None:
    said = describe_week(WEEK, "Show rate", "share", WHOLE)
    assert said.startswith("Show rate by weekday and hour, beside 60.0% overall. Below by more than its interval: ")
    assert f"Monday {EVENING} (20.0%, n 100)" in said
    assert "Above" not in said
    assert describe_week(WEEK.head(1), "Show rate", "share", WHOLE).endswith("contains the overall rate.")
    assert "nothing to show" in describe_week(WEEK, "Show rate", "share", {"value": None})


def test_the_table_has_hours_down_and_days_across_with_n_and_interval() -> None:
    table = tabulate_week(WEEK, "share", WHOLE)
    assert table.columns == ["Hours", "Monday", "Tuesday"]
    first = table.row(0, named=True)
    assert first["Monday"].replace("\\", "").replace("\u00a0", " ") == "62.0% (62 of 100; 52.2% to 70.9%)"
    assert table.row(1, named=True)["Tuesday"] == "n/a"


def test_a_count_is_shaded_by_how_many_and_names_its_fullest_cell() -> None:
    counted = WEEK.with_columns(value=pl.col("denominator"), low=pl.lit(None), high=pl.lit(None))
    assert words(counted)["Mon", MORNING] == "100"
    assert words(counted)["Tue", EVENING] == ""
    shade, _ = draw_week(counted, "count").data
    assert not shade.reversescale
    assert describe_week(counted, "Leads", "count") == (f"Leads by weekday and hour. Most came Monday, {MORNING}: 100.")
    assert tabulate_week(counted, "count").row(0, named=True)["Tuesday"] == str(SMALLEST - 1)


def test_an_empty_week_is_drawn_and_says_so() -> None:
    nothing = WEEK.clear()
    assert draw_week(nothing, "count").layout.height
    assert "none under these filters" in describe_week(nothing, "Leads", "count")
    assert tabulate_week(nothing, "count").is_empty()
