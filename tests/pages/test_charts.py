"""The charts as pure builders: what is drawn, and the sentence that says it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest
from plotly.io import to_json

from pages.charts.bars import describe_bars, draw_bars
from pages.charts.dots import describe_dots, draw_dots, holds
from pages.charts.funnel import Step, describe_funnel, draw_funnel, tabulate_funnel
from pages.charts.layout import Drawn, Figure, inked, label_width, scatter
from pages.charts.trend import describe_trend, draw_trend, settled_rows, tabulate_trend

Row = dict[str, Any]


def rate(hits: float, chances: float, low: float | None, high: float | None, **more: Any) -> Row:
    value = hits / chances if chances else None
    return {"numerator": hits, "denominator": chances, "value": value, "low": low, "high": high, "n_immature": 0} | more


def months(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame([{**row, "period": dt.date(2026, 1 + n, 1)} for n, row in enumerate(rows)])


TREND = months(
    rate(10, 100, 0.055, 0.17),
    rate(20, 100, 0.13, 0.29),
    rate(0, 0, None, None),
    rate(5, 100, 0.02, 0.11, n_immature=40),
)


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_a_trend_is_solid_while_settled_and_dashed_after() -> None:
    drawn = traces(draw_trend(TREND, "share", "month"))
    assert list(drawn["settled"].y) == [0.1, 0.2]
    assert list(drawn["still open, will move"].y) == [0.2, 0.05]
    assert drawn["still open, will move"].line.dash == "dot"


def test_a_trend_marks_open_periods_hollow_and_leaves_missing_ones_out() -> None:
    markers = next(trace for trace in draw_trend(TREND, "share", "month").data if trace.mode == "markers")
    assert list(markers.marker.symbol) == ["circle", "circle", "circle-open"]
    assert len(markers.x) == 3


def test_a_trend_without_intervals_has_no_ribbon() -> None:
    counts = TREND.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
    assert "95% interval" not in traces(draw_trend(counts, "count", "month"))


def test_a_trend_of_nothing_draws_an_empty_figure() -> None:
    assert describe_trend(TREND.clear(), "Leads", "count", "month").startswith("Leads: no month is settled yet")
    assert draw_trend(TREND.clear(), "count", "month").data


def test_rows_after_the_first_open_one_are_not_settled() -> None:
    late = months(rate(1, 10, 0, 1, n_immature=2), rate(1, 10, 0, 1))
    assert settled_rows(late).is_empty()


def test_the_sentence_of_a_trend_names_its_ends_and_what_is_open() -> None:
    said = describe_trend(TREND, "Closing rate", "share", "month")
    assert said == (
        "Closing rate went from 10.0% in Jan 2026 to 20.0% in Feb 2026, between 10.0% and 20.0%. "
        "1 later periods are still open and will move."
    )


def test_the_table_of_a_trend_keeps_the_period_without_a_value() -> None:
    twin = tabulate_trend(TREND, "share", "month")
    assert twin["Value"].to_list() == ["10.0%", "20.0%", "n/a", "5.0%"]


PEOPLE = pl.DataFrame(
    [
        rate(5, 10, 0.24, 0.76, person="Ada <Hill>"),
        rate(1, 40, 0.004, 0.13, person="Bo Park"),
        rate(0, 0, None, None, person="Cy Ford"),
    ]
)
TEAM = rate(25, 100, 0.18, 0.34)


def test_dots_keep_the_order_and_one_colour() -> None:
    dots = draw_dots(PEOPLE, "person", "share", TEAM, "Team").data[0]
    assert list(dots.y) == ["Ada &lt;Hill&gt;", "Bo Park", "Cy Ford"]
    assert isinstance(dots.marker.color, str)


def test_dots_reach_from_the_low_to_the_high_end() -> None:
    dots = draw_dots(PEOPLE, "person", "share", TEAM, "Team").data[0]
    assert round(dots.x[0] - dots.error_x.arrayminus[0], 6) == 0.24
    assert round(dots.x[0] + dots.error_x.array[0], 6) == 0.76
    assert dots.x[2] is None


def test_the_sentence_of_dots_names_only_those_whose_interval_leaves_the_whole_out() -> None:
    said = describe_dots(PEOPLE, "person", "Set rate", "share", TEAM)
    assert said.endswith("The interval leaves out the overall rate for: Bo Park.")


def test_a_row_without_an_interval_is_not_told_apart() -> None:
    assert holds(rate(0, 0, None, None), 0.5)


def test_an_unknown_amount_keeps_its_bar_and_says_so() -> None:
    frame = pl.DataFrame({"source": ["Web", "Walk-in"], "value": [24.5, None]})
    bars = draw_bars(frame, "source", "money").data[0]
    assert list(bars.text) == ["$24.50", "unknown"]
    assert describe_bars(frame, "source", "Cost per lead", "money").endswith("1 of 2 are unknown.")


STEPS = [
    Step("Created", rate(200, 200, None, None), rate(100, 100, None, None)),
    Step("Sold", rate(20, 200, 0.066, 0.15), None, rate(20, 40, 0.35, 0.65)),
]


def test_a_funnel_draws_both_periods_and_hatches_the_earlier() -> None:
    drawn = traces(draw_funnel(STEPS, "now", "before"))
    assert list(drawn["now"].x) == [1.0, 0.1]
    assert list(drawn["before"].x) == [1.0, None]
    assert drawn["before"].marker.pattern.shape == "/"


def test_a_funnel_with_nothing_before_draws_one_period() -> None:
    alone = [Step(step.label, step.overall) for step in STEPS]
    assert set(traces(draw_funnel(alone, "now", "before"))) == {"now"}


def test_the_sentence_and_the_table_of_a_funnel_say_the_same() -> None:
    assert describe_funnel(STEPS) == "Of 200 opportunities: 20 (10.0%) sold."
    sold = tabulate_funnel(STEPS).row(1, named=True)
    assert sold["Reached"] == "20"
    assert "20\u00a0of\u00a040" in sold["Step rate"]


def test_every_word_on_a_chart_takes_the_ink_of_the_appearance() -> None:
    drawn = inked(draw_funnel(STEPS, "now", "before"), "dark", ",.")
    assert drawn.frame["font"]["color"] == "#c9d1d9"
    assert drawn.frame["separators"] == ",."
    assert drawn.layout.xaxis.tickfont.color is drawn.layout.legend.font.color is drawn.data[0].textfont.color is None


def test_a_chart_says_when_its_data_changed_and_has_no_template_so_that_it_is_drawn_once() -> None:
    once, again = (inked(draw_funnel(STEPS, "now", "before"), "light") for _ in range(2))
    other = inked(draw_funnel(STEPS[:1], "now", "before"), "light")
    assert "template" not in once.frame
    assert once.frame["datarevision"] == again.frame["datarevision"] != other.frame["datarevision"]


def test_what_is_sent_is_what_plotly_itself_would_send() -> None:
    figure = inked(draw_dots(PEOPLE, "person", "share", TEAM, "Team"), "light")
    own = json.loads(to_json(figure.checked))
    del own["layout"]["template"]  # Plotly's own, which we leave out
    assert json.loads(to_json(Drawn(figure))) == own


def test_a_part_that_plotly_does_not_know_is_found_in_the_tests() -> None:
    with pytest.raises(ValueError, match="colour"):
        _ = Figure((scatter(x=[1], colour="red"),), {}).checked


@pytest.mark.parametrize("label", ["i", "Wilhelmina Mayweather", "short<br>a much longer line", "", "ВШЩ 王小明"])
def test_a_label_has_room_for_its_longest_line(label: str) -> None:
    assert label_width(label) == max(label_width(line) for line in label.split("<br>"))
    assert label_width(label) >= 12 * 0.3 * max(len(line) for line in label.split("<br>"))
