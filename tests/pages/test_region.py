"""Numbers, amounts and days as they are written where a store is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest

from pages import explanations, people_coaching, region, sentences, source_parts, team_words, theme
from pages.charts.events import draw_events
from pages.charts.trend import draw_trend

SPRING = dt.date(2026, 3, 5)


@pytest.fixture(autouse=True)
def default_region() -> Iterator[None]:
    """No test leaves its region to the next."""
    yield
    region.use(None)


@pytest.mark.parametrize(
    ("code", "decimal", "percent", "dollars", "day"),
    [
        ("en_US", "1,234,567.5", "12.3%", "$12,345", "Mar 5, 2026"),
        ("und_CA", "1,234,567.5", "12.3%", "US$12,345", "Mar 5, 2026"),
        ("und_GB", "1,234,567.5", "12.3%", "US$12,345", "5 Mar 2026"),
        ("und_DE", "1.234.567,5", "12,3%", "12.345 $", "5 Mar 2026"),
        ("en_MV", "1,234,567.5", "12.3%", "US$ 12,345", "05-03-2026"),
        ("und_BR", "1.234.567,5", "12,3%", "US$ 12.345", "5 Mar 2026"),
    ],
)
def test_numbers_amounts_and_days_follow_the_region(
    code: str, decimal: str, percent: str, dollars: str, day: str
) -> None:
    region.use(code)
    assert region.decimal(1234567.5, 1) == decimal
    assert region.percent(0.1234) == percent
    assert region.money(12345, "USD") == dollars
    assert region.day(SPRING) == day
    assert SPRING.strftime(region.day_pattern()) == day


def test_a_loss_keeps_its_sign_and_a_strange_currency_its_code() -> None:
    assert region.money(-1234.56, "USD", 2) == "-$1,234.56"
    assert region.money(5, "XTS") == "XTS 5"


@pytest.mark.parametrize("code", ["xx_YY", "not a region", "", None])
def test_a_region_that_nobody_knows_is_the_default(code: str | None) -> None:
    region.use("und_DE")
    region.use(code)
    assert region.current() == "en_US"


def test_values_of_the_theme_are_written_for_the_region() -> None:
    region.use("und_DE")
    assert theme.number(0.0874, "share") == "8,7%"
    assert theme.number(1234, "count") == "1.234"
    assert theme.money(99.5, "EUR") == "99,50 €"
    assert theme.change(0.10, 0.12, "share") == "-2,0 points"
    assert theme.interval(1200, 3400, "money", "EUR") == "1.200 € to 3.400 €"


def test_a_number_to_three_digits_that_count() -> None:
    assert [region.significant(value) for value in (0.01234, 1.2345, 12.345, 1234.5, 0.5, 0, -0.02)] == [
        "0.0123",
        "1.23",
        "12.3",
        "1,234",
        "0.5",
        "0",
        "-0.02",
    ]
    region.use("und_DE")
    assert region.significant(0.01234) == "0,0123"


def test_points_have_a_sign_but_for_those_that_read_nothing() -> None:
    assert [theme.points(share) for share in (0.0123, -0.0123, 0.0004, -0.0004)] == ["+1.2", "-1.2", "0.0", "0.0"]


def test_sentences_are_written_for_the_region() -> None:
    region.use("und_DE")
    known = {"metric": "show_rate", "n": 1200, "n_missing": 1100, "lowest": 0.05, "highest": 0.875}
    assert explanations.bounded(known) == (
        "Whatever the missing outcomes are, the show rate lies between 5,0% and 87,5%: 1.100 of 1.200 appointments "
        "have no outcome recorded."
    )
    assert explanations.left_out(1100, 1200).startswith("Left out: 1.100 of 1.200 leads,")
    untried = {"change": None, "sentence": "", "source": "Web", "after": 5001.0, "least": 900.0, "most": 4200.0}
    assert "5.001 € a month was never tried, only 900 € to 4.200 €" in source_parts.moved_words(untried, "EUR")
    judged = {"observed": 33, "n": 1158, "expected": 69.94}
    assert team_words.against_colleagues(judged) == "33 of 1.158, colleagues on the same leads 69,9"
    assert people_coaching.a_month({"sales": 1.25}) == "1,2 sales a month"
    now, before = ({"value": value, "low": value - 0.01, "high": value + 0.01} for value in (0.3, 0.2))
    assert "95% interval +8,6 to +11,4 points" in sentences.compared(now, before, "share")


def test_what_nothing_unknown_can_move_is_said_so() -> None:
    row = {"metric": "show_rate", "n": 12, "n_missing": 0, "lowest": 0.5, "highest": 0.5}
    assert explanations.bounded(row) == (
        "Every outcome of these 12 appointments is known, so nothing unknown can move the show rate."
    )
    young = {"metric": "closing_rate", "n": 12, "n_missing": 3, "lowest": 0.25, "highest": 0.5}
    assert explanations.bounded(young).endswith("between 25.0% and 50.0%: 3 of 12 opportunities may still convert.")


def test_axes_of_charts_have_the_signs_of_the_region() -> None:
    region.use("und_DE")
    assert region.separators() == ",."
    region.use("en_US")
    assert region.separators() == ".,"


def test_days_on_charts_are_written_as_the_region_writes_them() -> None:
    region.use("und_DE")
    weeks = pl.DataFrame({"period": [SPRING], "value": [0.1], "low": [None], "high": [None]}).with_columns(
        numerator=1.0, denominator=10.0, n_immature=0
    )
    drawn = draw_trend(weeks, "share", "week")
    assert drawn.data[-1].text[0].startswith("week of 5 Mar 2026: 10,0%")
    assert list(drawn.layout.xaxis.ticktext) == ["5 Mar 2026"]
    event = {"kind": "lead", "at": "2026-03-05 17:05", "words": "Website", "is_hollow": False}
    timeline = draw_events(pl.DataFrame([event]))
    assert list(timeline.data[0].text) == ["5 Mar 2026 17:05<br>Website"]
    assert [stop.value for stop in timeline.layout.xaxis.tickformatstops][:2] == ["%H:%M\n%-d %b %Y", "%-d %b\n%Y"]
