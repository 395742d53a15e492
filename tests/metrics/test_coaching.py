"""What closing a gap is worth, and whether a person changed more than the team."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.coaching import SALES, SHOWS, change_against_team, coaching_value
from metrics.statistics.differences import difference
from metrics.statistics.intervals import wilson_of
from metrics.statistics.shrinkage import posterior

CALM = settings(deadline=None, derandomize=True, max_examples=60)
FUNNEL = {"contact_rate": None, "contact_to_appointment": None, "show_rate": SHOWS, "show_to_sale": SALES}
PEOPLE = ("Ada", "Ben", "Cy", "Di")


def steps(**changed: tuple[str, float]) -> pl.DataFrame:
    """Four people alike in each step, but for the hits of one person in the step named."""
    usual = {
        "contact_rate": (300, 210),
        "contact_to_appointment": (210, 84),
        "show_rate": (84, 58),
        "show_to_sale": (58, 20),
    }
    rows = [
        (person, step, chances, changed[step][1] if changed.get(step, ("",))[0] == person else hits, float(hits), 4.0)
        for step, (chances, hits) in usual.items()
        for person in PEOPLE
    ]
    columns = ["person", "step", "chances", "observed", "expected", "expected_variance"]
    return pl.DataFrame(rows, schema=columns, orient="row", strict=False)


def value_of(frame: pl.DataFrame, person: str) -> list[dict[str, Any]]:
    return coaching_value(frame, "person", FUNNEL, 3.0, (2000.0, 100.0)).filter(person=person).to_dicts()


def test_the_step_that_is_worth_most_comes_first() -> None:
    found = value_of(steps(contact_to_appointment=("Ada", 42), show_rate=("Ada", 55)), "Ada")
    assert found[0]["step"] == "contact_to_appointment"
    assert found[0]["gross"] > found[1]["gross"] > 0


def test_a_gap_goes_through_the_persons_own_later_steps() -> None:
    frame = steps(contact_to_appointment=("Ada", 42))
    found = value_of(frame, "Ada")[0]
    of = {step: frame.filter(pl.col("step") == step) for step in FUNNEL}
    rates = {}
    for step, rows in of.items():
        chances, hits = rows["chances"].to_numpy().astype(float), rows["observed"].to_numpy().astype(float)
        centre = rows["expected"].to_numpy() / chances
        rates[step] = posterior(hits, chances, centre, 4.0 / chances**2)[0][0]
    shows = 210 / 3 * (0.4 - rates["contact_to_appointment"]) * rates["show_rate"]
    assert found["rate"] == pytest.approx(rates["contact_to_appointment"])
    assert found["shows"] == pytest.approx(shows)
    assert found["sales"] == pytest.approx(shows * rates["show_to_sale"])
    assert found["gross"] == pytest.approx(found["sales"] * 2000)


def test_the_interval_is_that_of_a_simulation() -> None:
    """Goodman's variance against 200,000 draws of every factor."""
    frame = steps(contact_to_appointment=("Ada", 42))
    found = value_of(frame, "Ada")[0]
    rng, product = np.random.default_rng(1), np.ones(200_000)
    for step in list(FUNNEL)[1:]:
        rows = frame.filter(pl.col("step") == step)
        chances, hits = rows["chances"].to_numpy().astype(float), rows["observed"].to_numpy().astype(float)
        centre = rows["expected"].to_numpy() / chances
        mean, variance = (numbers[0] for numbers in posterior(hits, chances, centre, 4.0 / chances**2))
        gap = step == "contact_to_appointment"
        product *= rng.normal(0.4 - mean if gap else mean, sqrt(variance), product.size)
    gross = 70 * product * rng.normal(2000, 100, product.size)
    assert (found["gross_high"] - found["gross_low"]) / 2 == pytest.approx(1.96 * gross.std(), rel=0.01)


def test_who_is_at_the_colleagues_rate_has_nothing_to_gain() -> None:
    found = value_of(steps(contact_rate=("Ben", 260)), "Ben")
    better = next(row for row in found if row["step"] == "contact_rate")
    assert better["gap"] < 0
    assert [better[name] for name in ("shows", "shows_low", "sales", "gross", "gross_high")] == [None] * 5


def test_a_step_after_the_show_brings_no_shows() -> None:
    last = next(row for row in value_of(steps(show_to_sale=("Ada", 8)), "Ada") if row["step"] == "show_to_sale")
    assert last["shows"] is None
    assert last["sales"] > 0


def test_a_person_without_a_later_step_has_no_known_value() -> None:
    frame = steps(contact_rate=("Ada", 120)).filter((pl.col("person") != "Ada") | (pl.col("step") != "show_to_sale"))
    found = value_of(frame, "Ada")[0]
    assert found["shows"] > 0
    assert (found["sales"], found["gross"]) == (None, None)


def test_a_person_without_colleagues_has_no_gap() -> None:
    alone = steps().filter(person="Ada").with_columns(expected=pl.lit(None, pl.Float64))
    found = value_of(alone, "Ada")
    assert len(found) == 4
    assert {row["gap"] for row in found} == {None}


def test_months_divide_what_is_gained() -> None:
    frame = steps(show_rate=("Ada", 20))
    quarter = coaching_value(frame, "person", FUNNEL, 3.0, (2000.0, 0.0))["sales"].drop_nulls()
    month = coaching_value(frame, "person", FUNNEL, 1.0, (2000.0, 0.0))["sales"].drop_nulls()
    assert (quarter * 3).to_list() == pytest.approx(month.to_list())


def sides(own: tuple[int, int, int, int], team: tuple[int, int, int, int]) -> pl.DataFrame:
    """Chances and hits before, chances and hits after, of a person and of two colleagues together."""
    rows = [("Ada", False, *own[:2]), ("Ada", True, *own[2:]), ("Ben", False, *team[:2]), ("Cy", True, *team[2:])]
    return pl.DataFrame(rows, schema=["person", "is_after", "chances", "hits"], orient="row")


def test_a_change_that_everybody_made_is_none_of_the_persons() -> None:
    found = change_against_team(sides((100, 10, 100, 20), (1000, 100, 1000, 200)), "person", "Ada")
    assert (found["person_change"], found["team_change"]) == pytest.approx((0.1, 0.1))
    assert found["difference"] == pytest.approx(0.0)
    assert found["low"] is not None
    assert found["high"] is not None
    assert found["low"] < 0 < found["high"]


def test_a_change_of_the_persons_own_shows() -> None:
    found = change_against_team(sides((200, 20, 200, 70), (1000, 100, 1000, 100)), "person", "Ada")
    assert found["difference"] == pytest.approx(0.25)
    assert found["low"] is not None
    assert found["low"] > 0.1


def test_with_a_team_that_cannot_vary_it_is_newcombes_interval() -> None:
    """A team known almost exactly leaves the difference of two proportions: method 10 of Newcombe 1998."""
    found = change_against_team(sides((70, 30, 80, 56), (10**9, 5 * 10**8, 10**9, 5 * 10**8)), "person", "Ada")
    before, after = wilson_of(30, 70), wilson_of(56, 80)
    assert before is not None
    assert after is not None
    ends = difference(
        {"value": 0.7, "low": after[0], "high": after[1]}, {"value": 30 / 70, "low": before[0], "high": before[1]}
    )
    assert (found["low"], found["high"]) == pytest.approx(ends, abs=1e-4)


def test_the_interval_covers_the_true_difference() -> None:
    rng, covered = np.random.default_rng(4), 0
    for _ in range(200):
        n = np.array([60, 60, 600, 600])
        hits = rng.binomial(n, [0.15, 0.3, 0.2, 0.25])
        found = change_against_team(
            sides((n[0], hits[0], n[1], hits[1]), (n[2], hits[2], n[3], hits[3])), "person", "Ada"
        )
        assert found["low"] is not None
        assert found["high"] is not None
        covered += found["low"] <= 0.1 <= found["high"]
    assert 0.92 <= covered / 200 <= 0.98


def test_who_has_no_leads_on_one_side_has_no_change() -> None:
    found = change_against_team(sides((100, 10, 0, 0), (500, 100, 500, 120)), "person", "Ada")
    assert found["person_before"] == pytest.approx(0.1)
    assert found["team_change"] == pytest.approx(0.04)
    assert [found[name] for name in ("person_after", "person_change", "difference", "low", "high")] == [None] * 5


@CALM
@given(
    chances=st.tuples(*[st.integers(1, 300)] * 4),
    shares=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_the_difference_lies_in_its_interval_and_turns_with_time(
    chances: tuple[int, int, int, int], shares: tuple[float, float, float, float]
) -> None:
    a, b, c, d = (round(n * share) for n, share in zip(chances, shares, strict=True))
    frame = sides((chances[0], a, chances[1], b), (chances[2], c, chances[3], d))
    found = change_against_team(frame, "person", "Ada")
    turned = change_against_team(frame.with_columns(~pl.col("is_after")), "person", "Ada")
    low, high, middle = found["low"], found["high"], found["difference"]
    assert low is not None
    assert high is not None
    assert middle is not None
    assert low - 1e-12 <= middle <= high + 1e-12
    assert (turned["low"], turned["high"]) == pytest.approx((-high, -low))
