"""The charts of Overview and Sources as pure builders: what is drawn, and the sentence and table that say it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from pages.charts.curve import draw_curve, tabulate_curve
from pages.charts.dots import draw_dots
from pages.charts.layout import label_width, signed_ticks
from pages.charts.pace import draw_pace, tabulate_pace
from pages.charts.trend import describe_events, describe_target, draw_trend, open_projections, tabulate_trend
from pages.charts.two_way import describe_two_way, draw_two_way, tabulate_two_way
from pages.charts.waterfall import Step, describe_waterfall, draw_waterfall, said, tabulate_waterfall

Row = dict[str, Any]
STEPS = [
    Step("Before", 370.0, "total"),
    Step("Fewer leads", -97.0),
    Step("Mix", 43.0),
    Step("Rates", 59.0),
    Step("Now", 375.0, "total"),
]


def test_parts_of_a_waterfall_float_and_totals_stand_on_the_ground() -> None:
    drawn = draw_waterfall(STEPS, "count").data[0]
    assert list(drawn.measure) == ["absolute", "relative", "relative", "relative", "absolute"]
    assert list(drawn.text) == ["370", "-97", "+43", "+59", "375"]


def test_a_waterfall_of_losses_leaves_room_on_the_left() -> None:
    figure = draw_waterfall([Step("A", -0.02), Step("B", 0.01), Step("All", -0.01, "sum")], "points")
    assert figure.layout.xaxis.range[0] < -0.02
    assert figure.layout.xaxis.range[1] > 0


def test_points_of_a_waterfall_have_their_sign_and_the_unknown_says_so() -> None:
    assert said(Step("A", 0.013), "points") == "+1.3 points"
    assert said(Step("A", 0.125, "total"), "points") == "12.5%"
    assert said(Step("A", None), "points") == "n/a"


def test_the_sentence_and_the_table_of_a_waterfall_say_every_step() -> None:
    assert describe_waterfall(STEPS, "count") == "From 370 to 375: Fewer leads -97, Mix +43, Rates +59."
    assert tabulate_waterfall(STEPS, "count")["Value"].to_list()[1:3] == ["\\-97", "\\+43"]


def curve(*values: float) -> pl.DataFrame:
    rows = [
        {"day": day, "at_risk": 100.0 - day, "value": value, "low": value / 2 or None, "high": value * 2 or None}
        for day, value in enumerate(values)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def test_a_curve_is_stepped_and_the_comparison_dashed() -> None:
    figure = draw_curve(curve(0.0, 0.1, 0.2), curve(0.0, 0.05), ("now", "then"))
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert list(lines["now"].y) == [0.0, 0.1, 0.2]
    assert lines["now"].line.shape == "hv"
    assert lines["then"].line.dash == "dash"


def test_a_curve_alone_and_an_empty_curve_are_drawn() -> None:
    assert [trace.name for trace in draw_curve(curve(0.0, 0.1), None, ("now", "")).data if trace.name] == ["now"]
    assert draw_curve(curve(0.1).clear(), None, ("now", "")).data


def test_the_table_of_a_curve_stops_where_nobody_was_watched_longer() -> None:
    twin = tabulate_curve(curve(*[0.01 * day for day in range(15)]), curve(*[0.005 * day for day in range(8)]))
    assert twin["Within"].to_list() == ["7 days", "14 days"]
    assert twin["Comparison"].to_list() == ["3.5%", "n/a"]


def source(name: str, verdict: str, own: float | None, composition: float | None) -> Row:
    row: Row = {"source": name, "verdict": verdict, "n": 50.0, "raw": 0.2, "others_raw": 0.3}
    for part, value in (("own", own), ("composition", composition)):
        ends = (None, None) if value is None else (value - 0.02, value + 0.02)
        row |= {part: value, f"{part}_low": ends[0], f"{part}_high": ends[1]}
    return row


TWO_WAY = pl.DataFrame(
    [
        source("Late <b>", "handling", 0.0, -0.1),
        source("Poor", "quality", -0.1, 0.0),
        source("Fine", "not low", 0.02, 0.01),
        source("Walk-in", "answered on the spot", None, None),
    ],
    infer_schema_length=None,
)


def test_both_sides_of_the_two_way_view_share_rows_and_scale() -> None:
    figure = draw_two_way(TWO_WAY, "source")
    left, right = figure.data
    assert list(left.y) == list(right.y) == ["Late &lt;b&gt;", "Poor", "Fine"]
    assert list(left.x) == [-0.1, 0.0, 0.01]
    assert list(figure.layout.xaxis.range) == list(figure.layout.xaxis2.range)
    assert list(left.marker.symbol) == ["circle", "circle", "circle-open"]
    assert "0%" in figure.layout.xaxis.ticktext


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.37, 0.35, ["-20%", "0%", "+20%"]),
        (-0.02, 0.013, ["-2%", "-1%", "0%", "+1%"]),
        (-0.003, 0.0, ["-0.3%", "-0.2%", "-0.1%", "0.0%"]),
        (-0.9, 1.0, ["-50%", "0%", "+50%", "+100%"]),
    ],
)
def test_a_signed_axis_has_few_ticks_and_a_zero_without_a_sign(low: float, high: float, words: list[str]) -> None:
    ticks = signed_ticks(low, high)
    assert [word.replace("\N{MINUS SIGN}", "-") for word in ticks["ticktext"]] == words
    assert 0.0 in ticks["tickvals"]


def test_the_sentence_of_the_two_way_view_says_whose_fault_it_is() -> None:
    told = describe_two_way(TWO_WAY, "source", "Contact rate at North")
    assert (
        told == "Contact rate at North of 3 sources, low by our handling: Late <b>; low by the leads themselves: Poor."
    )
    assert "none of 1" in describe_two_way(TWO_WAY.filter(source="Fine"), "source", "Contact rate")
    assert "no source here" in describe_two_way(TWO_WAY.filter(source="Walk-in"), "source", "Contact rate")


def test_the_table_of_the_two_way_view_keeps_who_was_not_judged() -> None:
    twin = tabulate_two_way(TWO_WAY, "source")
    assert twin["In words"].to_list() == ["our handling", "weak leads", "not low", "answered on the spot"]
    assert twin["By the leads, points"].to_list()[1].replace("\xa0", " ") == "\\-10.0 \\(\\-12.0 to \\-8.0\\)"


PACE = pl.DataFrame(
    [
        {
            "store": "North",
            "so_far": 54.0,
            "days_left": 7,
            "projected": 75.6,
            "low": 67.0,
            "high": 85.0,
            "target": 90.0,
        },
        {"store": "South", "so_far": 3.0, "days_left": 7, "projected": None, "low": None, "high": None, "target": None},
    ],
    infer_schema_length=None,
).with_columns(days_left=7)


def test_a_store_without_a_projection_keeps_its_bar() -> None:
    drawn = {trace.name: trace for trace in draw_pace(PACE).data}
    assert list(drawn["so far"].x) == [54.0, 3.0]
    assert list(drawn["month end, 95% interval"].y) == ["North"]
    assert list(drawn["target"].x) == [90.0]
    assert tabulate_pace(PACE)["Month end"].to_list() == ["75.6", "n/a"]


def month(number: int, open_: int) -> Row:
    rate = {"numerator": 10.0, "denominator": 100.0, "value": 0.1, "low": 0.05, "high": 0.17, "n_immature": open_}
    return {"period": dt.date(2026, number, 1), **rate}


TREND = pl.DataFrame([month(1, 0), month(2, 40)])
FORESEEN = pl.DataFrame(
    {
        "cohort": [dt.date(2026, 1, 1), dt.date(2026, 2, 1)],
        "open": [0, 40],
        "projected": [0.1, 0.13],
        "low": [0.1, 0.11],
        "high": [0.1, 0.16],
    }
)


def test_only_open_months_are_projected() -> None:
    assert open_projections(FORESEEN)["cohort"].to_list() == [dt.date(2026, 2, 1)]
    drawn = {trace.name: trace for trace in draw_trend(TREND, "share", "month", projected=FORESEEN).data if trace.name}
    assert list(drawn["where it should end, 95% interval"].y) == [0.13]


def test_what_happened_is_numbered_on_the_chart_and_said_in_words() -> None:
    events = [(dt.date(2026, 1, 9), "Training <b>"), (dt.date(2026, 2, 3), "New site")]
    figure = draw_trend(TREND, "share", "month", events=events)
    assert [note.text for note in figure.layout.annotations] == ["1 Training &lt;b&gt;", "2 New site"]
    assert len(figure.layout.shapes) == 2
    assert describe_events(events) == "1: Training <b>, Jan 9, 2026; 2: New site, Feb 3, 2026"


def test_many_events_are_numbered_only() -> None:
    events = [(dt.date(2026, 1, day), f"Event {day}") for day in range(1, 7)]
    texts = [note.text for note in draw_trend(TREND, "share", "month", events=events).layout.annotations]
    assert texts == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(("note", "text"), [(None, "$2.15"), ("fewer than 5 sales", "$2.15<br>fewer than 5 sales")])
def test_a_dot_says_its_value_and_its_note_beside_the_drawing(note: str | None, text: str) -> None:
    row = {"source": "Ads", "value": 2.15, "low": None, "high": None, "numerator": None, "denominator": None}
    frame = pl.DataFrame([row | {"note": note}], infer_schema_length=None)
    figure = draw_dots(frame, "source", "money", {"value": 2.0}, "All", currency="USD")
    dots, values = figure.data
    assert list(values.text) == [text]
    assert (values.xaxis, list(values.x), list(values.y)) == ("x2", [1], ["Ads"])
    # Right of the drawing there is room for all of it, so that neither the line nor the edge cuts it.
    assert figure.layout.margin.r > label_width(text)
    assert list(dots.text) == ["Ads: $2.15"]


@pytest.mark.parametrize(("values", "start"), [((0.93, 0.98), "normal"), ((0.2, 0.98), "tozero")])
def test_dots_that_lie_close_together_high_up_are_told_apart(values: tuple[float, float], start: str) -> None:
    ends = {"low": None, "high": None, "numerator": None, "denominator": None}
    rows = pl.DataFrame([{"source": f"Ads {value}", "value": value, **ends} for value in values])
    assert draw_dots(rows, "source", "share", {"value": 0.95}, "All").layout.xaxis.rangemode == start


def test_targets_of_single_months_are_short_lines_at_those_months() -> None:
    own = {dt.date(2026, 2, 1): 95.0}
    figure = draw_trend(TREND, "cars", "month", target=own)
    marks = next(trace for trace in figure.data if trace.name == "target")
    assert (list(marks.x), list(marks.y), list(marks.text)) == ([*own], [95.0], ["Feb 2026: target 95"])
    assert not figure.layout.shapes
    assert tabulate_trend(TREND, "cars", "month", target=own)["Target"].to_list() == ["", "95"]
    assert describe_target(own, "cars", "month") == "The target of Feb 2026 is 95."


def test_a_target_is_a_line_across_the_trend_with_its_number() -> None:
    layout = draw_trend(TREND, "share", "month", target=0.12).layout
    assert [(shape.y0, shape.y1) for shape in layout.shapes] == [(0.12, 0.12)]
    assert [note.text for note in layout.annotations] == ["target 12.0%"]
    assert tabulate_trend(TREND, "share", "month", target=0.12)["Target"].to_list() == ["12.0%", "12.0%"]
    assert not draw_trend(TREND, "share", "month").layout.shapes
