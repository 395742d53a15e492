"""Numbers, words and labels as people read them."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from metrics.statistics.differences import difference, is_apart
from pages import periods, theme

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "share", "n/a"),
        (0.1036, "share", "10.4%"),
        (1203, "count", "1,203"),
        (13.5, "cars", "13.5"),
        (Decimal(1234), "money", "$1,234"),
        (-1234.4, "money", "-$1,234"),
        (24.657, "money", "$24.66"),
        (0, "money", "$0"),
        (4.25, "minutes", "4.2 min"),
        (45.0, "minutes", "45 min"),
        (300.0, "minutes", "5.0 h"),
        (14400.0, "minutes", "10.0 days"),
    ],
)
def test_a_number_reads_by_its_unit(value: float | None, unit: str, shown: str) -> None:
    assert theme.number(value, unit) == shown


def test_money_follows_the_store_and_never_takes_another_currency_for_dollars() -> None:
    assert theme.money(1500, "CAD") == "CA$1,500"
    assert theme.money(1500, "CHF") == "CHF 1,500"


@pytest.mark.parametrize(
    ("now", "before", "unit", "shown"),
    [
        (0.10, 0.12, "share", "-2.0 points"),
        (0.12, 0.10, "share", "+2.0 points"),
        (0.1, 0.1, "share", "0.0 points"),
        (110, 100, "count", "+10.0%"),
        (10, 0, "count", None),
        (None, 5, "count", None),
        (30.0, 45.0, "minutes", "-15 min"),
    ],
)
def test_a_change_has_its_sign_and_unit(now: float | None, before: float | None, unit: str, shown: str | None) -> None:
    assert theme.change(now, before, unit) == shown


# The worked examples of Newcombe 1998, table II, method 10: 56/70 with 48/80, and 9/10 with 3/10.
@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        ((0.8, 0.691834, 0.876953), (0.6, 0.490455, 0.700382), 0.0524, 0.3339),
        ((0.9, 0.59585, 0.98213), (0.3, 0.10779, 0.60322), 0.1705, 0.8090),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(
    now: tuple[float, ...], before: tuple[float, ...], low: float, high: float
) -> None:
    names = ("value", "low", "high")
    ends = difference(dict(zip(names, now, strict=True)), dict(zip(names, before, strict=True)))
    assert ends == pytest.approx((low, high), abs=2e-4)


def test_rates_are_apart_only_when_the_difference_leaves_out_zero() -> None:
    wide = {"value": 0.12, "low": 0.108, "high": 0.132}
    near = {"value": 0.10, "low": 0.091, "high": 0.110}
    same = {"value": 0.115, "low": 0.105, "high": 0.125}
    assert is_apart(wide, near)
    assert is_apart(near, wide)
    assert not is_apart(wide, same)
    assert not is_apart(wide, {"value": 0.5, "low": None, "high": None})


@pytest.mark.parametrize(
    "text", ["*bold*", "$5 and $6", "[a](http://b)", "<b>x</b>", ":red[x]", "# head", "a|b", "~~x~~"]
)
def test_plain_text_formats_nothing(text: str) -> None:
    escaped = theme.plain(text)
    assert escaped.replace("\\", "").replace(theme.NO_LINK, "") == text
    assert all(escaped[place - 1] == "\\" for place, sign in enumerate(escaped) if sign in "*$[]<>:#|~")


def test_a_chart_label_shows_markup_as_it_is_and_keeps_two_lines() -> None:
    assert theme.chart_label("<b>x</b>") == "&lt;b&gt;x&lt;/b&gt;"
    assert theme.chart_label("a long name of a source that never seems to end").count("<br>") == 1


def test_n_and_interval_do_not_break_over_lines() -> None:
    cell = theme.table([{"x": "8.2% (12 of 147; 4.7% to 13.7%)"}])["x"][0]
    assert "12\u00a0of\u00a0147" in cell
    assert "4.7%\u00a0to\u00a013.7%" in cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("225 and fewer or 271 and more", "225_and_fewer or 271_and_more"),
        ("12 min", "12_min"),
        ("-1.4 points, may be chance", "-1.4_points, may_be_chance"),
        ("+7.9 points, more than chance", "+7.9_points, more_than_chance"),
        ("not distinguishable from the team", "not_distinguishable from_the_team"),
        ("$3,007 (-$3,815 to $9,830)", "$3,007 (-$3,815_to_$9,830)"),
        ("-3.4 to -1.2", "-3.4_to_-1.2"),
        ("Made of 12 minor parts, from the start", "Made of 12 minor parts, from the start"),
    ],
)
def test_what_belongs_together_stays_on_one_line_of_a_table(text: str, shown: str) -> None:
    cell = theme.table([{"x": text}])["x"][0]
    assert cell.replace("\\", "").replace("\u00a0", "_") == shown


LAST = dt.date(2026, 3, 15)


@pytest.mark.parametrize(
    ("period", "span"),
    [
        ("last 30 days", (dt.date(2026, 2, 14), LAST)),
        ("this month", (dt.date(2026, 3, 1), LAST)),
        ("last month", (dt.date(2026, 2, 1), dt.date(2026, 2, 28))),
        ("this quarter", (dt.date(2026, 1, 1), LAST)),
        ("last quarter", (dt.date(2025, 10, 1), dt.date(2025, 12, 31))),
        ("this year", (dt.date(2026, 1, 1), LAST)),
        ("all data", (None, None)),
    ],
)
def test_a_period_means_these_days(period: str, span: periods.Span) -> None:
    assert periods.span_of(period, LAST) == span


@pytest.mark.parametrize(
    ("comparison", "span", "before"),
    [
        ("previous period", ("2026-02-14", "2026-03-15"), ("2026-01-15", "2026-02-13")),
        ("previous period", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        ("previous period", ("2025-10-01", "2025-12-31"), ("2025-07-01", "2025-09-30")),
        ("previous period", ("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31")),
        ("previous period", ("2026-03-05", "2026-03-05"), ("2026-03-04", "2026-03-04")),
        ("same period last year", ("2026-02-01", "2026-02-28"), ("2025-02-01", "2025-02-28")),
        ("same period last year", ("2025-02-01", "2025-02-28"), ("2024-02-01", "2024-02-29")),
        ("same period last year", ("2024-02-29", "2024-03-10"), ("2023-02-28", "2023-03-10")),
    ],
)
def test_a_comparison_means_these_days(comparison: str, span: tuple[str, str], before: tuple[str, str]) -> None:
    days = dt.date.fromisoformat(span[0]), dt.date.fromisoformat(span[1])
    assert periods.compared_span(comparison, days) == tuple(dt.date.fromisoformat(day) for day in before)


def test_nothing_is_compared_with_an_open_period() -> None:
    assert periods.compared_span("previous period", (None, LAST)) is None
    assert periods.compared_span("none", (LAST, LAST)) is None


def test_a_trend_of_whole_months_leaves_out_the_month_that_is_not_over() -> None:
    span = (dt.date(2026, 2, 1), LAST)
    assert periods.trend_span(span, LAST) == (dt.date(2025, 3, 1), LAST)
    assert periods.trend_span(span, LAST, whole=True)[1] == dt.date(2026, 2, 28)
    assert periods.trend_span(span, dt.date(2026, 3, 31)) == (dt.date(2025, 3, 1), LAST)


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_words_can_be_read_on_the_page_of_either_appearance(appearance: str) -> None:
    """4.5 to 1, as WCAG 2.2 AA asks of text; small grey text is the text colour at 60 % over the background."""
    colors = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"][appearance]
    page, text = colors["backgroundColor"], colors["textColor"]
    mixed = [round(0.6 * int(text[p : p + 2], 16) + 0.4 * int(page[p : p + 2], 16)) for p in (1, 3, 5)]
    for ink in (theme.INK[appearance], "#" + "".join(f"{part:02x}" for part in mixed), colors["linkColor"]):
        light, dark = sorted((luminance(ink), luminance(page)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
