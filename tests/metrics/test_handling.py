"""Quality apart from handling: textbook standardisation where data are plenty, and the right verdict on known truth."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.handling import CANNOT_TELL, HANDLING, NOT_LOW, QUALITY, at_equal, explain_sources

FEW = settings(max_examples=40)
IN_TIME = ["in_time"]
CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABCD"), st.booleans()),
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=1,
)
Cells = dict[tuple[str, bool], tuple[int, int]]


def frame(cells: Cells) -> pl.DataFrame:
    rows = [(source, in_time, n, hits) for (source, in_time), (n, hits) in cells.items()]
    return pl.DataFrame(rows, schema=["source", "in_time", "chances", "hits"], orient="row")


PLENTY: Cells = {
    ("A", True): (20_000, 4_000),
    ("A", False): (80_000, 8_000),
    ("B", True): (80_000, 16_000),
    ("B", False): (20_000, 2_000),
}


def test_with_plenty_of_data_it_is_direct_standardisation_worked_by_hand() -> None:
    """Both convert 20 % in time and 10 % late; A was answered in time for a fifth of its leads, B for four fifths."""
    found = at_equal(frame(PLENTY), "source", IN_TIME)
    assert found["raw"].to_list() == [0.12, 0.18]
    assert found["value"].to_list() == pytest.approx([0.15, 0.15], abs=0.0005)
    assert found["composition"].to_list() == pytest.approx([-0.06, 0.06], abs=0.0005)
    assert found["own"].to_list() == pytest.approx([0, 0], abs=0.0005)


def test_where_strata_act_differently_on_each_source_the_cells_speak_for_themselves() -> None:
    cells = PLENTY | {("A", True): (20_000, 2_000), ("A", False): (80_000, 16_000)}
    found = at_equal(frame(cells), "source", IN_TIME)
    assert found["value"].to_list() == pytest.approx([0.15, 0.15], abs=0.001)


def test_a_thin_cell_takes_what_its_source_and_the_stratum_say_elsewhere() -> None:
    """C was answered in time once, and lost: its rate in time is not taken as 0."""
    cells = PLENTY | {("C", True): (1, 0), ("C", False): (2_000, 200)}
    value = dict(at_equal(frame(cells), "source", IN_TIME).select("source", "value").rows())["C"]
    assert value == pytest.approx(0.15, abs=0.01)


@FEW
@given(cells=CELLS)
def test_the_gap_to_the_others_is_composition_and_own_exactly(cells: Cells) -> None:
    for row in at_equal(frame(cells), "source", IN_TIME).iter_rows(named=True):
        if row["gap"] is None:
            assert row["others_raw"] is None
        else:
            assert row["composition"] + row["own"] == pytest.approx(row["raw"] - row["others_raw"], abs=1e-12)


@FEW
@given(cells=CELLS)
def test_intervals_hold_their_estimates_and_rates_stay_between_0_and_1(cells: Cells) -> None:
    for row in at_equal(frame(cells), "source", IN_TIME).iter_rows(named=True):
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        if row["gap"] is not None:
            assert row["composition_low"] <= row["composition"] <= row["composition_high"]
            assert row["own_low"] <= row["own"] <= row["own_high"]


@FEW
@given(cells=CELLS, seed=st.integers(0, 99))
def test_order_names_and_cells_without_chances_change_nothing(cells: Cells, seed: int) -> None:
    plain = at_equal(frame(cells), "source", IN_TIME).drop("source").to_numpy().astype(float)
    empty = pl.DataFrame([("Z", True, 0, 0)], schema=["source", "in_time", "chances", "hits"], orient="row")
    moved = pl.concat([frame(cells), empty]).with_columns(source="x" + pl.col("source"))
    found = at_equal(moved.sample(fraction=1, shuffle=True, seed=seed), "source", IN_TIME).drop("source")
    assert found.to_numpy().astype(float) == pytest.approx(plain, abs=1e-6, nan_ok=True)


def simulated(seed: int, late: bool = False, poor: bool = False, leads: int = 800) -> pl.DataFrame:
    """Ten sources; the first may be answered late (20 % in time, not 75 %), or have leads half as good."""
    random = np.random.default_rng(seed)
    rows = []
    for source in range(10):
        in_time = 0.2 if late and source == 0 else 0.75
        base = 0.06 if poor and source == 0 else 0.12
        for is_in_time in (True, False):
            for is_enough in (True, False):
                n = random.poisson(leads * (in_time if is_in_time else 1 - in_time) * (0.6 if is_enough else 0.4))
                rate = base * (1 if is_in_time else 0.4) * (1 if is_enough else 0.7)
                rows.append((f"source {source}", is_in_time, is_enough, n, random.binomial(n, rate)))
    return pl.DataFrame(rows, schema=["source", "in_time", "enough", "chances", "hits"], orient="row")


def verdicts(late: bool, poor: bool, leads: int = 800) -> list[str]:
    """The first source's verdict in 40 simulated stores."""
    return [
        explain_sources(simulated(seed, late, poor, leads), "source", ["in_time", "enough"])["verdict"][0]
        for seed in range(40)
    ]


def test_a_source_answered_late_is_a_handling_problem() -> None:
    found = verdicts(late=True, poor=False)
    assert found.count(HANDLING) >= 32
    assert found.count(QUALITY) <= 2


def test_a_source_of_poor_leads_is_a_quality_problem() -> None:
    found = verdicts(late=False, poor=True)
    assert found.count(QUALITY) >= 36
    assert found.count(HANDLING) == 0


def test_a_source_like_the_others_is_not_low() -> None:
    assert verdicts(late=False, poor=False).count(NOT_LOW) >= 36


def test_few_leads_blame_nobody() -> None:
    found = verdicts(late=True, poor=False, leads=40)
    assert found.count(NOT_LOW) + found.count(CANNOT_TELL) >= 34


def test_the_sentence_says_the_numbers_and_the_verdict() -> None:
    late, prompt = explain_sources(frame(PLENTY), "source", IN_TIME).select("verdict", "sentence").rows()
    against = "A: 12.0 % of 100,000 leads against 18.0 % elsewhere"
    parts = "handling accounts for -6.0 points, the rest for -0.0"
    assert late == (HANDLING, f"{against}: a handling problem ({parts}).")
    assert prompt == (NOT_LOW, "B: 18.0 % of 100,000 leads, not below the other sources.")


def test_nineteen_of_twenty_intervals_hold_the_true_rate_at_equal_handling() -> None:
    """60 simulated stores of 12 sources of 20 to 200 leads, whose strata act a little differently on each."""
    random = np.random.default_rng(5)
    inside = []
    for _ in range(60):
        log_odds = random.normal(-2, 0.4, (12, 1)) + np.array([0.5, 0, -0.3, -1]) + random.normal(0, 0.15, (12, 4))
        true = 1 / (1 + np.exp(-log_odds))
        chances = random.poisson(np.outer(random.choice([20, 60, 200], 12), random.dirichlet([2] * 4))) + 1
        cells = pl.DataFrame(
            {
                "source": np.repeat(np.arange(12), 4),
                "in_time": np.tile(np.arange(4), 12),
                "chances": chances.ravel(),
                "hits": random.binomial(chances, true).ravel(),
            }
        )
        found = at_equal(cells, "source", IN_TIME)
        wanted = true @ (chances.sum(axis=0) / chances.sum())
        inside.append(((found["low"].to_numpy() <= wanted) & (wanted <= found["high"].to_numpy())).mean())
    assert 0.92 <= np.mean(inside) <= 0.98


def test_a_person_given_the_poor_source_is_as_good_as_the_others_at_equal_source() -> None:
    rows = [("Ann", "web", 900, 45), ("Ann", "walk-in", 100, 30), ("Bob", "web", 100, 5), ("Bob", "walk-in", 900, 270)]
    found = at_equal(
        pl.DataFrame(rows, schema=["person", "source", "chances", "hits"], orient="row"), "person", ["source"]
    )
    assert found["raw"].to_list() == [0.075, 0.275]
    assert found["value"].to_list() == pytest.approx([0.175, 0.175], abs=0.01)


def test_one_source_alone_has_nobody_to_be_held_against() -> None:
    found = explain_sources(frame({("A", True): (10, 2)}), "source", IN_TIME).row(0, named=True)
    assert (found["raw"], found["others_raw"], found["gap"], found["verdict"]) == (0.2, None, None, NOT_LOW)


def test_no_leads_give_no_rows() -> None:
    assert explain_sources(frame(PLENTY).clear(), "source", IN_TIME).is_empty()
