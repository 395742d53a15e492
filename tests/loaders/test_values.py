"""Cells to values: what people and systems write, read leniently and never turned into null in silence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.values import (
    Moments,
    date_orders,
    is_damaged,
    parse_days,
    parse_flags,
    parse_moments,
    parse_money,
    parse_numbers,
    parse_seconds,
    says_yes,
    squeezed,
)

SPELLED = ("%b %d, %Y %I:%M %p", "%B %d, %Y %H:%M", "%d-%b-%Y %H:%M", "%a, %d %b %Y %H:%M", "%d %B %Y %I:%M %p UTC")


def _texts(*cells: str | None) -> pl.Series:
    return pl.Series("cell", cells, dtype=pl.String)


def _moments(*cells: str | None, zone: str = "America/Chicago", formats: tuple[str, ...] = ("iso", "mdy")) -> Moments:
    return parse_moments(_texts(*cells), pl.Series([zone]).new_from_index(0, len(cells)), formats)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("$1,539.26", "1539.26"),
        ("($3,385.22)", "-3385.22"),
        ("$-8797", "-8797.00"),
        ("-$5", "-5.00"),
        ("5-", "-5.00"),
        ("1,352", "1352.00"),
        ("CA$1,200", "1200.00"),
        ("USD 12", "12.00"),
        ("12,50", "12.50"),
        ("1.234,56", "1234.56"),
        ("1 539,26 EUR", "1539.26"),
        ("1\u00a0539.26", "1539.26"),
        ("€5", "5.00"),
        (".5", "0.50"),
        ("0", "0.00"),
    ],
)
def test_money_is_read_as_people_write_it(cell: str, amount: str) -> None:
    parsed = parse_money(_texts(cell))
    assert parsed.values.to_list() == [Decimal(amount)]
    assert parsed.unreadable.to_list() == [False]


def test_blank_money_is_null_and_never_zero() -> None:
    parsed = parse_money(_texts(None, "-", "N/A", "null"))
    assert parsed.values.to_list() == [None] * 4
    assert not parsed.unreadable.any()


@pytest.mark.parametrize("cell", ["abc", "1,2,3", "12.5.6", "12abc", "$", "74.95 %", "9" * 25, "1,5 00"])
def test_what_is_no_amount_is_said_to_be_unreadable(cell: str) -> None:
    parsed = parse_money(_texts(cell))
    assert parsed.values.to_list() == [None]
    assert parsed.unreadable.to_list() == [True]


def test_a_percentage_is_a_share_and_a_duration_is_seconds() -> None:
    assert parse_numbers(_texts("27.42%", "74.95 %", "1,234.5")).values.to_list() == pytest.approx(
        [0.2742, 0.7495, 1234.5]
    )
    assert parse_seconds(_texts("65", "3:25", "1:00:05")).values.to_list() == [65.0, 205.0, 3605.0]
    assert parse_seconds(_texts("soon")).unreadable.to_list() == [True]


def test_flags_know_yes_no_true_false_one_and_zero() -> None:
    parsed = parse_flags(_texts("Yes", "no", "TRUE", "0", "x", None, "maybe"))
    assert parsed.values.to_list() == [True, False, True, False, True, None, None]
    assert parsed.unreadable.to_list() == [False] * 6 + [True]


def test_a_filled_cell_says_yes_unless_it_says_no() -> None:
    assert says_yes(_texts("1", "2024-03-01", "No", "0", "-", None)).to_list() == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_words_are_compared_without_case_spaces_hyphens_and_underscores() -> None:
    assert squeezed(_texts("Walk-in", "walk_in", "WalkIn", "walk in")).n_unique() == 1


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-03-01T09:30:00", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("2024-03-01 09:30", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("2024-03-01 09:30:00.123", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("2024-03-01T09:30:00-05:00", datetime(2024, 3, 1, 14, 30, tzinfo=UTC)),
        ("2024-03-01T09:30:00+0530", datetime(2024, 3, 1, 4, 0, tzinfo=UTC)),
        ("2024-03-01T09:30:00Z", datetime(2024, 3, 1, 9, 30, tzinfo=UTC)),
        ("3/1/2024 2:30 PM", datetime(2024, 3, 1, 20, 30, tzinfo=UTC)),
        ("03/01/24 12:05 am", datetime(2024, 3, 1, 6, 5, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_the_zone_of_the_store_unless_they_state_an_offset(cell: str, moment: datetime) -> None:
    read = _moments(cell)
    assert read.at.to_list() == [moment]
    assert read.is_date.to_list() == [False]


def test_a_day_without_a_time_is_local_midnight_and_marked_as_a_date() -> None:
    read = _moments("2024-03-01", "3/1/2024", "45352", formats=("iso", "mdy", "serial"))
    assert read.at.to_list() == [datetime(2024, 3, 1, 6, 0, tzinfo=UTC)] * 3
    assert read.is_date.to_list() == [True] * 3


@pytest.mark.parametrize(
    "cell", ["13/45/2024", "2024-02-30", "2024-03-01 25:00", "2024-03-01 10:61", "13:00 PM", "soon"]
)
def test_an_impossible_date_is_unreadable_and_not_null_in_silence(cell: str) -> None:
    read = _moments(cell)
    assert read.at.to_list() == [None]
    assert read.unreadable.to_list() == [True]


def test_the_year_one_means_never() -> None:
    read = _moments("0001-01-01T00:00:00", "1/1/0001 12:00:00 AM", "N/A")
    assert read.at.to_list() == [None] * 3
    assert not read.unreadable.any()


def test_the_doubled_autumn_hour_is_the_first_of_the_two() -> None:
    read = _moments("2024-11-03 01:30")
    assert read.at.to_list() == [datetime(2024, 11, 3, 6, 30, tzinfo=UTC)]
    assert read.shifted.to_list() == [False]


@pytest.mark.parametrize(
    ("zone", "cell", "moment"),
    [
        ("America/Chicago", "2024-03-10 02:30", datetime(2024, 3, 10, 8, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2024-10-06 02:10", datetime(2024, 10, 5, 15, 40, tzinfo=UTC)),
    ],
)
def test_a_time_in_the_skipped_spring_hour_moves_forward_by_the_gap(zone: str, cell: str, moment: datetime) -> None:
    read = _moments(cell, zone=zone)
    assert read.at.to_list() == [moment]
    assert read.shifted.to_list() == [True]


def test_each_row_is_read_in_its_own_zone() -> None:
    zones = pl.Series(["America/Chicago", "America/Toronto"])
    read = parse_moments(_texts("2024-03-01 09:00", "2024-03-01 09:00"), zones, ("iso",))
    assert [moment.hour for moment in read.at.to_list()] == [15, 14]


def test_a_pattern_of_a_profile_reads_what_it_says() -> None:
    read = _moments("01.03.2024 10:00", "01.03.2024", zone="UTC", formats=("%d.%m.%Y %H:%M", "%d.%m.%Y"))
    assert read.at.to_list() == [datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)]
    assert read.is_date.to_list() == [False, True]


def test_a_moment_becomes_the_store_day_it_fell_on_and_a_day_stays() -> None:
    utc, chicago = pl.Series(["UTC", "UTC"]), pl.Series(["America/Chicago", "America/Chicago"])
    days = parse_days(_texts("2024-03-01T02:00:00", "2024-03-01"), utc, chicago, ("iso",), is_end=False)
    assert days.values.to_list() == [date(2024, 2, 29), date(2024, 3, 1)]


def test_a_bare_month_starts_on_its_first_day_and_ends_on_its_last() -> None:
    zones = pl.Series(["UTC"])
    starts = parse_days(_texts("2024-02"), zones, zones, ("iso",), is_end=False)
    ends = parse_days(_texts("2024-02"), zones, zones, ("iso",), is_end=True)
    assert (starts.values.to_list(), ends.values.to_list()) == ([date(2024, 2, 1)], [date(2024, 2, 29)])


@pytest.mark.parametrize(
    ("cells", "orders"),
    [
        (("3/13/2024", "1/2/2024"), {"mdy"}),
        (("13/3/2024", "1/2/2024"), {"dmy"}),
        (("13/3/2024", "3/13/2024"), {"dmy", "mdy"}),
        (("1/2/2024", None), {"unproved"}),
        (("3/3/2024",), set()),
        (("2024-03-01",), set()),
        (("99/99/2024",), set()),
    ],
)
def test_the_order_of_day_and_month_is_proved_by_the_dates_themselves(cells: tuple[str, ...], orders: set[str]) -> None:
    assert date_orders([_texts(*cells)]) == orders


@pytest.mark.parametrize("cell", ["2024-02", "02/2024", "2-2024", "Feb-24", "feb 2024", "February 2024", "Feb. '24"])
@pytest.mark.parametrize(("is_end", "day"), [(False, date(2024, 2, 1)), (True, date(2024, 2, 29))])
def test_a_month_is_its_first_or_its_last_day_however_it_is_written(cell: str, is_end: bool, day: date) -> None:
    zones = pl.Series(["America/Chicago"])
    parsed = parse_days(pl.Series([cell]), zones, zones, ("iso",), is_end=is_end)
    assert (parsed.values.to_list(), parsed.unreadable.to_list()) == ([day], [False])


def test_a_day_that_stands_for_its_month_is_the_edge_of_it() -> None:
    zones = pl.Series(["America/Chicago"])
    meant = pl.Series([True])
    parsed = parse_days(pl.Series(["2024-02-10"]), zones, zones, ("iso",), is_end=True, is_month=meant)
    assert parsed.values.to_list() == [date(2024, 2, 29)]


# --- numbers: which mark is the decimal one ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (("1.117,10", "1.234", "1.234.567"), ("1117.10", "1234.00", "1234567.00")),
        (("1,117.10", "1,234"), ("1117.10", "1234.00")),
        (("12.50", "1,234"), ("12.50", "1234.00")),
        (("12,50", "1.234"), ("12.50", "1234.00")),
        (("R$ 111.349", "R$ 5"), ("111349.00", "5.00")),
        (("1,234", "5"), ("1234.00", "5.00")),
        (("1,117.10K", "$1.2M", "3k"), ("1117100.00", "1200000.00", "3000.00")),
        (("1'539.26", "1\u2019000"), ("1539.26", "1000.00")),
        (("12,34,567.89",), ("1234567.89",)),
        (("0.123", "0.5"), ("0.12", "0.50")),
        (
            ("-R$ 5,00", "(R$ 5,00)", "USD -5", "EUR 1.234,56", "5,00 kr"),
            ("-5.00", "-5.00", "-5.00", "1234.56", "5.00"),
        ),
    ],
)
def test_the_decimal_mark_is_decided_over_the_whole_column(cells: tuple[str, ...], amounts: tuple[str, ...]) -> None:
    parsed = parse_money(_texts(*cells))
    assert [str(value) for value in parsed.values] == list(amounts)
    assert not parsed.unreadable.any()


@pytest.mark.parametrize("cells", [("1.234", "5"), ("12.50", "12,50", "1.234"), ("12.50", "12,50", "1,234")])
def test_an_amount_that_can_be_read_in_two_ways_is_left_unread(cells: tuple[str, ...]) -> None:
    unreadable = dict(zip(cells, parse_money(_texts(*cells)).unreadable, strict=True))
    assert [cell for cell, is_bad in unreadable.items() if is_bad] == [cell for cell in cells if "234" in cell]


def test_a_number_or_an_amount_with_more_than_cents_may_have_three_decimals() -> None:
    assert parse_numbers(_texts("1.234", "5")).values.to_list() == [1.234, 5.0]
    assert [str(value) for value in parse_money(_texts("1.234", "5"), 6).values] == ["1.234000", "5.000000"]


@pytest.mark.parametrize(
    "cell", ["-", "--", "\u2013", "N/A", "Select", "(blank)", "--None--", "#VALUE!", "null", "NaN"]
)
def test_what_says_nothing_is_null_and_never_zero(cell: str) -> None:
    for parsed in (parse_money(_texts(cell)), parse_numbers(_texts(cell)), parse_flags(_texts(cell))):
        assert parsed.values.to_list() == [None]
        assert not parsed.unreadable.any()


@given(st.lists(st.decimals(-9_999_999, 9_999_999, places=2), min_size=1, max_size=6), st.sampled_from("., '"))
def test_amounts_come_back_as_they_were_written(amounts: list[Decimal], group: str) -> None:
    point = "," if group == "." else "."
    written = [f"{amount:,.2f}".translate({ord(","): group, ord("."): point}) for amount in amounts]
    parsed = parse_money(_texts(*written))
    assert parsed.values.to_list() == amounts


@given(
    st.lists(st.decimals(0, 9_999_999, places=2), min_size=1, max_size=6),
    st.sampled_from(("${}", "({})", "{}-", "-{} EUR")),
)
def test_signs_and_currencies_do_not_change_an_amount(amounts: list[Decimal], form: str) -> None:
    sign = 1 if form == "${}" else -1
    parsed = parse_money(_texts(*(form.format(f"{amount:,.2f}") for amount in amounts)))
    assert parsed.values.to_list() == [sign * amount for amount in amounts]


# --- dates: spelled months and named zones ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("Mar 1, 2024 2:30 PM", datetime(2024, 3, 1, 20, 30, tzinfo=UTC)),
        ("March 1, 2024 at 14:30", datetime(2024, 3, 1, 20, 30, tzinfo=UTC)),
        ("Fri, 1 Mar 2024 09:30:00 -0500", datetime(2024, 3, 1, 14, 30, tzinfo=UTC)),
        ("Fri Mar 01 2024 09:30:00 GMT-0600 (Central Standard Time)", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("Fri Mar  1 09:30:00 CST 2024", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("1er mars 2024 14:30", datetime(2024, 3, 1, 20, 30, tzinfo=UTC)),
        ("3/1/2024 9:30 AM EST", datetime(2024, 3, 1, 14, 30, tzinfo=UTC)),
        ("2024-03-01 09:30 PDT", datetime(2024, 3, 1, 16, 30, tzinfo=UTC)),
        ("2024-03-01 09:30 CT", datetime(2024, 3, 1, 15, 30, tzinfo=UTC)),
        ("2024-03-01 09:30 GMT", datetime(2024, 3, 1, 9, 30, tzinfo=UTC)),
        ("2024-03-01 09:30 UTC+2", datetime(2024, 3, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_spelled_months_and_named_zones_are_read(cell: str, moment: datetime) -> None:
    read = _moments(cell)
    assert (read.at.to_list(), read.is_date.to_list()) == ([moment], [False])


@pytest.mark.parametrize(
    "cell", ["1-Mar-2024", "01 Mar 24", "1st March 2024", "2024-Mar-01", "1. M\u00e4rz 2024", "1 de marzo de 2024"]
)
def test_a_spelled_day_is_a_day(cell: str) -> None:
    read = _moments(cell)
    assert (read.local.to_list(), read.is_date.to_list()) == ([datetime(2024, 3, 1)], [True])  # noqa: DTZ001


def test_the_name_of_the_zone_tells_the_doubled_hour_apart() -> None:
    read = _moments("11/03/2024 1:30 AM CDT", "11/03/2024 1:30 AM CST")
    assert [moment.hour for moment in read.at] == [6, 7]


@pytest.mark.parametrize(
    ("cell", "zone"),
    [
        ("2024-03-01 09:30 CST", "Europe/Berlin"),
        ("2024-03-01 09:30 CST", "Asia/Kolkata"),
        ("2024-03-01 09:30 IST", "America/Chicago"),
        ("2024-03-01 09:30 ET", "America/Chicago"),
        ("Feb 30, 2024", "America/Chicago"),
        ("Marvellous 1, 2024", "America/Chicago"),
    ],
)
def test_a_zone_that_is_not_clear_at_the_store_and_a_day_that_never_was_are_unreadable(cell: str, zone: str) -> None:
    assert _moments(cell, zone=zone).unreadable.to_list() == [True]


def test_a_zone_means_what_it_means_at_the_store_of_its_row() -> None:
    zones = pl.Series(["Asia/Kolkata", "Europe/Dublin"])
    read = parse_moments(_texts("2024-07-01 12:00 IST", "2024-07-01 12:00 IST"), zones, ("iso",))
    assert [moment.strftime("%H:%M") for moment in read.at] == ["06:30", "11:00"]


def test_a_profile_that_has_only_patterns_says_all_there_is() -> None:
    assert _moments("Mar 1, 2024", formats=("%d.%m.%Y",)).unreadable.to_list() == [True]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2049, 1, 1)), st.sampled_from(SPELLED))  # noqa: DTZ001
def test_spelled_dates_come_back_as_they_were_written(moment: datetime, form: str) -> None:
    wanted = moment.replace(second=0, microsecond=0)
    read = _moments(wanted.strftime(form), zone="UTC")
    assert read.local.to_list() == [wanted]
    assert read.at.to_list() == [wanted.replace(tzinfo=UTC)]


# --- ids ----------------------------------------------------------------------------------------------------


def test_an_id_that_a_spreadsheet_rounded_is_told_from_ids_that_only_look_odd() -> None:
    cells = (
        "2.98725E+13",
        "2,98725E+13",
        "3E+12",
        "2.98725e+13",
        "5e10",
        "7E12",
        "E+12",
        "12E+3",
        "29872500000000",
        None,
    )
    assert is_damaged(_texts(*cells)).to_list() == [True] * 4 + [False] * 6
