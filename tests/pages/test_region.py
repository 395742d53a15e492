"""Numbers, amounts and days as they are written where a store is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from pages import region, theme

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


def test_axes_of_charts_have_the_signs_of_the_region() -> None:
    region.use("und_DE")
    assert region.separators() == ",."
    region.use("en_US")
    assert region.separators() == ".,"
