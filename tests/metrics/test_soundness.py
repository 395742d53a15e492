"""Wrong numbers are the worst bug: each silent wrong answer of this field, drawn small, and the right one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from metrics.catalog import METRICS
from metrics.engine import Warehouse, evaluate, left_out, open_warehouse
from metrics.filters import Filters, unavailable
from tests.metrics.questions import value_of, warehouse_of
from tests.star import NOWS, empty_star, opportunity, random_star, sale, spend, star_of, write_warehouse

NOW = NOWS["s1"]
# Unknown where the spend is unknown, so that known parts do not sum to a whole of which some is unknown.
OF_KNOWN_SPEND = ("roi", "profit")
APART = (*OF_KNOWN_SPEND, *(found.name for found in METRICS if found.kind in ("median", "quantile")))
UNKNOWN_WHERE_NOTHING_IS = ("spend", "crm_reported_leads", "profit")
PARTS = [found.name for found in METRICS if found.kind in ("count", "sum") and found.name not in APART]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A hundred and fifty random opportunities."""
    directory = write_warehouse(tmp_path_factory.mktemp("crowded"), random_star(seed=5, opportunities=150))
    warehouse = open_warehouse(Path(directory))
    yield warehouse
    warehouse.close()


def totals(warehouse: Warehouse, names: list[str], **filters: object) -> dict[str, list[float | None]]:
    """Sums of numerator, denominator and immature rows over all rows of a result, by metric."""
    found = evaluate(warehouse, names, Filters().but(**filters))
    summed = found.group_by("metric").agg(pl.col("numerator", "denominator", "n_immature").sum().round(6))
    return {str(row[0]): list(row[1:]) for row in summed.iter_rows()}


def additive(*dimensions: str, credit: str | None = None) -> list[str]:
    """Metrics whose parts add up: no median, and not roi or profit, which are unknown where spend is."""
    asked = Filters().but(by=dimensions, credit=credit)
    return [found.name for found in METRICS if unavailable(found, asked) is None and found.name not in APART]


@pytest.mark.parametrize("role", ["salesperson", "bdc_agent", "person"])
def test_people_sum_to_the_store(crowded: Warehouse, role: str) -> None:
    names = additive("person", credit=role)
    assert names
    split = totals(crowded, names, by=("person", "store"), credit=role)
    assert split == totals(crowded, names, by=("store",))


@pytest.mark.parametrize("attribution", ["first", "last", "even"])
@pytest.mark.parametrize("dimension", ["source", "source_group", "channel"])
def test_sources_sum_to_the_total(crowded: Warehouse, dimension: str, attribution: str) -> None:
    names = [name for name in additive(dimension) if not name.startswith("cost")]
    assert totals(crowded, names, by=(dimension,), attribution=attribution) == totals(crowded, names)


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_sum_to_the_whole(crowded: Warehouse, grain: str) -> None:
    names = additive()
    assert totals(crowded, names, grain=grain) == totals(crowded, names)


def test_a_rate_of_the_whole_is_divided_anew_and_not_averaged() -> None:
    """Two sources: 1 of 1 sold and 0 of 3 sold. Averaging the rates would say 50 %; it is 25 %."""
    rows = [opportunity("o1", is_sold=True), *(opportunity(f"o{n}", source_key="third") for n in (2, 3, 4))]
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        split = evaluate(warehouse, ["closing_rate"], Filters(by=("source",)))
        assert split["value"].to_list() == [0.0, 1.0]
        assert value_of(warehouse, "closing_rate") == 0.25


def test_every_rate_is_its_numerator_over_its_denominator(crowded: Warehouse) -> None:
    for filters in (Filters(), Filters(by=("source",)), Filters(grain="month")):
        names = [found.name for found in METRICS if found.kind in ("conversion", "ratio")]
        found = evaluate(crowded, names, filters).filter(pl.col("denominator") > 0)
        assert found.height
        gap = (found["value"] - found["numerator"] / found["denominator"]).abs().max()
        assert isinstance(gap, float)
        assert gap < 1e-9


def test_a_split_deal_and_many_appointments_do_not_multiply_the_opportunity() -> None:
    """Fan-out: one opportunity, two shares, two halves of a deal. Joined row to row it would count four times."""
    halves = [
        sale(f"d{n}", sale_key="d", weight=0.5, salesperson_key=person, opportunity_key="o1", source_key="web")
        for n, person in enumerate(("p1", "p2"))
    ]
    shares = [
        {"opportunity_key": "o1", "attribution": "even", "source_key": source, "weight": 0.5}
        for source in ("web", "third")
    ]
    star = star_of(fct_opportunity=[opportunity("o1")], fct_sale=halves, bridge_opportunity_source=shares)
    with warehouse_of(star) as warehouse:
        assert value_of(warehouse, "in_period_closing_ratio") == 1.0
        assert value_of(warehouse, "sold_units") == 1.0
        even = evaluate(warehouse, ["opportunities", "sold_units"], Filters(by=("source",), attribution="even"))
        assert even["value"].to_list() == [0.5, 0.5, 0.5, 0.5]
        people = evaluate(warehouse, ["sold_units"], Filters(by=("person",)))
        assert people["value"].to_list() == [0.5, 0.5]


def test_spend_and_opportunities_of_one_source_are_not_joined_row_to_row() -> None:
    """Chasm: three days of spend and two sold opportunities. Joined, spend would double and sales would treble."""
    days = [spend(f"e{n}", day=date(2026, 3, n)) for n in (1, 2, 3)]
    sold = [opportunity(key, is_sold=True, has_known_spend=True) for key in ("o1", "o2")]
    with warehouse_of(star_of(fct_opportunity=sold, fct_spend=days)) as warehouse:
        row = evaluate(warehouse, ["cost_per_sale"], Filters(by=("source",))).row(0, named=True)
        assert (row["numerator"], row["denominator"], row["value"]) == (300.0, 2.0, 150.0)


def test_each_part_of_an_in_period_ratio_keeps_its_own_clock() -> None:
    """A sale of May from a lead of March: in May one sale over no lead (n/a), in March no sale over one lead."""
    sold = sale("d1", opportunity_key="o1", sold_at=datetime(2026, 5, 4, 15, tzinfo=UTC))
    with warehouse_of(star_of(fct_opportunity=[opportunity("o1")], fct_sale=[sold])) as warehouse:
        found = evaluate(warehouse, ["in_period_closing_ratio"], Filters(grain="month"))
        assert found["period"].to_list() == [date(2026, 3, 1), date(2026, 5, 1)]
        assert found["numerator"].to_list() == [0.0, 1.0]
        assert found["denominator"].to_list() == [1.0, 0.0]
        assert found["value"].to_list() == [0.0, None]


def test_show_rate_divides_by_the_day_due_and_ignores_future_appointments() -> None:
    """One person: set once and shown ten times would be 1000 %. Shown is divided by due."""
    due = datetime(2026, 5, 4, 15, tzinfo=UTC)
    common = {
        "store_key": "s1", "source_key": "web", "lead_type": "internet", "vehicle_condition": "new",
        "customer_key": "c0", "setter_key": "p1", "salesperson_key": "p1", "bdc_agent_key": "unassigned",
        "responder_key": "unassigned", "is_standing": True, "is_counted_set": True, "is_confirmed": False,
        "is_unresolved": False, "appointment_type": "sales", "set_at": datetime(2026, 4, 1, 15, tzinfo=UTC),
        "set_on": date(2026, 4, 1),
    }  # fmt: skip
    rows = [
        common | {"appointment_key": "a1", "due_at": due, "due_on": date(2026, 5, 4), "is_shown": True},
        common | {"appointment_key": "a2", "due_at": due, "due_on": date(2026, 5, 4), "is_shown": False},
        common
        | {"appointment_key": "a3", "due_at": NOW + timedelta(days=1), "due_on": date(2026, 5, 21), "is_shown": False},
    ]
    with warehouse_of(star_of(fct_appointment=rows)) as warehouse:
        may = {"start": date(2026, 5, 1), "end": date(2026, 5, 31)}
        assert value_of(warehouse, "show_rate", **may) == 0.5
        assert value_of(warehouse, "appointments_set", **may) == 0.0
        assert value_of(warehouse, "appointments_set") == 3.0


def test_unknown_spend_is_not_zero_and_costs_nothing_from_neither_part() -> None:
    """Website: 100 for one sale. Third Party: nobody entered a price, two sales. The cost is 100 per sale, not 33."""
    known = opportunity("o1", is_sold=True, has_known_spend=True)
    unknown = [opportunity(key, is_sold=True, source_key="third") for key in ("o2", "o3")]
    entries = [spend("e1"), spend("e2", source_key="third", amount=Decimal(0), is_known=False)]
    with warehouse_of(star_of(fct_opportunity=[known, *unknown], fct_spend=entries)) as warehouse:
        assert value_of(warehouse, "cost_per_sale") == 100.0
        split = evaluate(warehouse, ["spend", "cost_per_sale"], Filters(by=("source",)))
        assert split["source"].to_list() == ["Third Party", "Website"] * 2
        assert split["value"].to_list() == [None, 100.0, None, 100.0]


def test_what_a_cost_left_out_is_counted() -> None:
    lead = {
        "store_key": "s1",
        "is_counted": True,
        "created_on": date(2026, 3, 2),
        "created_at": datetime(2026, 3, 2, tzinfo=UTC),
    }
    leads = [
        lead | {"lead_key": "l1", "source_key": "web", "has_known_spend": True},
        lead | {"lead_key": "l2", "source_key": "third", "has_known_spend": False},
    ]
    with warehouse_of(star_of(fct_lead=leads)) as warehouse:
        assert left_out(warehouse, "cost_per_lead", Filters()) == (1, 2)
        assert left_out(warehouse, "cost_per_lead", Filters(where={"source": ("Website",)})) is None
        assert left_out(warehouse, "closing_rate", Filters()) is None


def test_a_free_source_costs_zero_and_has_no_return() -> None:
    free = spend("e1", source_key="club", amount=Decimal(0), is_known=True)
    sold = opportunity("o1", source_key="club", is_sold=True, has_known_spend=True)
    with warehouse_of(star_of(fct_opportunity=[sold], fct_spend=[free])) as warehouse:
        assert value_of(warehouse, "cost_per_sale") == 0.0
        assert value_of(warehouse, "roi") is None


def test_a_split_deal_is_one_deal_in_a_rate() -> None:
    """A deal of two people, referred, and one of one person, not: counted by rows the share would be two thirds."""
    halves = [sale(f"d{n}", sale_key="d", weight=0.5, salesperson_key=f"p{n}", is_referral=True) for n in (1, 2)]
    with warehouse_of(star_of(fct_sale=[*halves, sale("e", salesperson_key="p1")])) as warehouse:
        row = evaluate(warehouse, ["referral_share"], Filters()).row(0, named=True)
        assert (row["numerator"], row["denominator"], row["value"]) == (1.0, 2.0, 0.5)
        people = evaluate(warehouse, ["referral_share"], Filters(by=("person",)))
        assert people["denominator"].to_list() == [1.5, 0.5]


@pytest.mark.parametrize(("hours", "value"), [(24, 1.0), (24.01, 0.0)])
def test_a_no_show_is_followed_up_within_24_hours_of_its_own_time(hours: float, value: float) -> None:
    due = datetime(2026, 3, 4, 15, tzinfo=UTC)
    called = due + timedelta(hours=hours)
    missed = {
        "appointment_key": "a1", "store_key": "s1", "source_key": "web", "due_at": due, "due_on": date(2026, 3, 4),
        "is_no_show_to_call": True, "is_followed_up": True, "followed_up_at": called,
        "seconds_to_follow_up": int(hours * 3600),
    }  # fmt: skip
    with warehouse_of(star_of(fct_appointment=[missed])) as warehouse:
        assert value_of(warehouse, "no_show_follow_up") == value
        early = evaluate(warehouse, ["no_show_follow_up"], Filters(as_of=due + timedelta(hours=23))).row(0, named=True)
        assert (early["denominator"], early["value"], early["n_immature"]) == (0.0, None, 1.0)


@pytest.mark.parametrize(
    ("days", "quarters"), [([1, 2, 3, 4, 5], (2.0, 3.0, 4.0)), ([1, 2], (1.25, 1.5, 1.75)), ([], (None, None, None))]
)
def test_quartiles_lie_on_the_line_between_their_neighbours(
    days: list[int], quarters: tuple[float | None, ...]
) -> None:
    sold_at = datetime(2026, 3, 20, tzinfo=UTC)
    rows = [
        opportunity(f"o{n}", is_sold=True, sold_at=sold_at, seconds_to_sold=day * 86_400) for n, day in enumerate(days)
    ]
    names = ["days_to_sale_first_quarter", "days_to_sale", "days_to_sale_third_quarter"]
    with warehouse_of(star_of(fct_opportunity=[*rows, opportunity("unsold")])) as warehouse:
        found = evaluate(warehouse, names, Filters())
        assert tuple(found["value"].to_list()) == quarters
        assert found["denominator"].to_list() == [len(days)] * 3


def test_gross_is_zero_without_sales_and_unknown_where_nobody_entered_it() -> None:
    with warehouse_of(empty_star()) as warehouse:
        assert value_of(warehouse, "gross") == 0.0
        assert value_of(warehouse, "gross_per_sale") is None
    with warehouse_of(star_of(fct_sale=[sale("d1")])) as warehouse:
        assert value_of(warehouse, "gross") is None
        assert value_of(warehouse, "sold_units") == 1.0
    with warehouse_of(star_of(fct_sale=[sale("d1"), sale("d2", weighted_gross=Decimal(900))])) as warehouse:
        assert value_of(warehouse, "gross") == 900.0
        assert value_of(warehouse, "gross_per_sale") == 900.0


def test_an_empty_warehouse_has_counts_of_zero_and_no_rates() -> None:
    with warehouse_of(empty_star()) as warehouse:
        found = evaluate(warehouse, [metric.name for metric in METRICS], Filters())
        assert found.height == len(METRICS)
        by_kind = {metric.name: metric.kind for metric in METRICS}
        for row in found.iter_rows(named=True):
            is_count = by_kind[row["metric"]] in ("count", "sum") and row["metric"] not in UNKNOWN_WHERE_NOTHING_IS
            assert row["value"] == (0.0 if is_count else None), row["metric"]
            assert row["n_immature"] == 0.0


@pytest.mark.parametrize("days", [30, 60, 90])
def test_a_row_whose_window_is_open_never_changes_a_windowed_rate(days: int) -> None:
    """A fresh lead that bought at once would flatter the rate, one that did not would spoil it: both wait."""
    old = [opportunity("o1", is_sold=True, seconds_to_sold=86_400), opportunity("o2")]
    now = old[0]["created_at"] + timedelta(days=days)
    fresh = now - timedelta(days=days) + timedelta(seconds=1)
    young = [
        opportunity("o3", created_at=fresh),
        opportunity("o4", created_at=fresh, is_sold=True, seconds_to_sold=0, sold_at=fresh),
    ]
    name = f"closing_rate_{days}"
    for extra, immature in (([], 0.0), (young, 2.0)):
        with warehouse_of(star_of(fct_opportunity=[*old, *extra])) as warehouse:
            row = evaluate(warehouse, [name], Filters(as_of=now)).row(0, named=True)
            assert (row["numerator"], row["denominator"], row["n_immature"]) == (1.0, 2.0, immature)


@pytest.mark.parametrize(("lag", "value"), [(30 * 86_400, 1.0), (30 * 86_400 + 1, 0.0), (None, 1.0)])
def test_thirty_days_are_counted_to_the_second_and_a_sale_before_the_lead_counts(lag: int | None, value: float) -> None:
    sold = opportunity("o1", is_sold=True, seconds_to_sold=lag)
    with warehouse_of(star_of(fct_opportunity=[sold])) as warehouse:
        assert value_of(warehouse, "closing_rate_30") == value


def test_what_lies_after_now_has_not_happened() -> None:
    later = opportunity("o1", is_sold=True, sold_at=datetime(2026, 4, 1, tzinfo=UTC), is_contacted=True)
    with warehouse_of(star_of(fct_opportunity=[later])) as warehouse:
        march = datetime(2026, 3, 31, tzinfo=UTC)
        assert value_of(warehouse, "closing_rate", as_of=march) == 0.0
        assert value_of(warehouse, "closing_rate") == 1.0
        assert value_of(warehouse, "contact_rate", as_of=march) == 1.0, "a flag without a moment counts"
        assert value_of(warehouse, "opportunities", as_of=datetime(2026, 3, 1, tzinfo=UTC)) == 0.0


@pytest.mark.parametrize(
    ("waits", "minutes"),
    [
        ([60, 120, 180], 2.0),
        ([60, 120, 180, 240], 2.5),
        ([60, 120, None], 2.0),
        ([60, 120, None, None], 2.0),
        ([60, None, None], None),
        ([None], None),
        ([-1, 60, 120], 1.0),
    ],
)
def test_the_median_wait_counts_those_who_still_wait(waits: list[int | None], minutes: float | None) -> None:
    """None still waits; -1 was called before the lead came in, which is a wait of zero."""
    rows = [
        opportunity(f"o{n}", is_attempted=wait is not None, open_seconds_to_first_attempt=None if wait == -1 else wait)
        for n, wait in enumerate(waits)
    ]
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        row = evaluate(warehouse, ["median_response_minutes"], Filters()).row(0, named=True)
        assert (row["numerator"], row["denominator"], row["value"]) == (None, len(waits), minutes)


def test_the_standard_runs_in_opening_hours_only() -> None:
    """A lead of Saturday 17:55 in New York has until Monday 9:10: five minutes before closing, ten after opening."""
    created = datetime(2026, 3, 7, 22, 55, tzinfo=UTC)
    star = star_of(fct_opportunity=[opportunity("o1", created_at=created)])
    with warehouse_of(star) as warehouse:
        # The clocks go forward on that Sunday: Monday 9:10 is 13:10 UTC.
        due = datetime(2026, 3, 9, 13, 10, tzinfo=UTC)
        waiting = evaluate(warehouse, ["never_answered_rate"], Filters(as_of=due - timedelta(seconds=1))).row(
            0, named=True
        )
        assert (waiting["denominator"], waiting["value"], waiting["n_immature"]) == (0.0, None, 1.0)
        assert value_of(warehouse, "never_answered_rate", as_of=due) == 1.0


def test_a_day_is_a_day_of_the_store() -> None:
    """21:30 on 31 March in New York is already April in UTC; it belongs to March."""
    late = opportunity("o1", created_at=datetime(2026, 4, 1, 1, 30, tzinfo=UTC))
    with warehouse_of(star_of(fct_opportunity=[late])) as warehouse:
        assert value_of(warehouse, "opportunities", start=date(2026, 3, 31), end=date(2026, 3, 31)) == 1.0
        assert value_of(warehouse, "opportunities", start=date(2026, 4, 1)) == 0.0


def test_weeks_begin_on_monday() -> None:
    sunday = opportunity("o1", created_at=datetime(2026, 3, 8, 18, tzinfo=UTC))
    with warehouse_of(star_of(fct_opportunity=[sunday])) as warehouse:
        assert evaluate(warehouse, ["opportunities"], Filters(grain="week"))["period"].to_list() == [date(2026, 3, 2)]


def test_the_word_unknown_and_a_missing_source_are_two_rows() -> None:
    rows = [opportunity("o1", source_key="unknown"), opportunity("o2", source_key="no_source")]
    with warehouse_of(star_of(fct_opportunity=rows)) as warehouse:
        found = evaluate(warehouse, ["opportunities"], Filters(by=("source",)))
        assert sorted(found["source"].to_list()) == ["(no source)", "unknown"]


@pytest.mark.parametrize(
    "label", ["' or 1=1 --", 'x"; drop table fct_opportunity; --', "$start", "%", "Website' union select 1 --"]
)
def test_a_label_is_a_value_and_never_query_text(crowded: Warehouse, label: str) -> None:
    before = value_of(crowded, "opportunities")
    for dimension in ("source", "store", "person", "lead_type"):
        assert value_of(crowded, "opportunities", where={dimension: (label,)}) == 0.0
    assert value_of(crowded, "opportunities") == before


def test_parts_that_are_counted_are_never_negative(crowded: Warehouse) -> None:
    found = evaluate(crowded, PARTS, Filters(by=("store",), grain="month"))
    counted = found.filter(~pl.col("metric").str.contains("gross"))
    assert counted.filter(pl.col("value") < 0).is_empty()
