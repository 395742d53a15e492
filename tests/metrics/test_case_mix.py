"""Expected hits: what colleagues would have done on a person's own leads."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from metrics.statistics.case_mix import _main_effects, _tree, _tree_variance, expected_hits
from metrics.statistics.strata import Step, caseloads

CALM = settings(deadline=None, derandomize=True, max_examples=25)
CELL = st.tuples(
    st.integers(0, 5), st.integers(0, 2), st.integers(0, 3), st.booleans(), st.integers(1, 60), st.floats(0, 1)
)


def team(rows: list[tuple[int, int, int, bool, int, float]]) -> pl.DataFrame:
    """Cells of people by source group, source and hours."""
    return pl.DataFrame(
        [
            (f"person {person}", f"group {group}", f"source {group}-{source}", late, chances, round(share * chances))
            for person, group, source, late, chances, share in rows
        ],
        schema=["person", "source_group", "source", "is_after_hours", "chances", "hits"],
        orient="row",
    )


def expected(cells: pl.DataFrame, *, crossed: tuple[str, ...] = ("is_after_hours",)) -> dict[str, float]:
    found = expected_hits(cells, "person", ("source_group", "source"), crossed)
    return dict(found.select("person", "expected").iter_rows())


def simulated(people: int, chances: int, rates: dict[tuple[str, str, bool], float], seed: int = 0) -> pl.DataFrame:
    """Equal people on leads of these true rates, shared out at random."""
    rng = np.random.default_rng(seed)
    rows = []
    for person, (kind, rate) in product(range(people), rates.items()):
        n = int(rng.integers(chances // 2, chances * 2))
        rows.append((f"person {person}", *kind, n, int(rng.binomial(n, rate))))
    return pl.DataFrame(
        rows, schema=["person", "source_group", "source", "is_after_hours", "chances", "hits"], orient="row"
    )


def test_with_one_kind_of_lead_it_is_the_rate_of_the_others() -> None:
    cells = pl.DataFrame({"person": ["a", "b", "c"], "chances": [10, 20, 30], "hits": [1, 5, 9]})
    found = expected_hits(cells, "person")
    # Jeffreys' half a hit in one lead more is added to what the others did.
    assert found["expected"].to_list() == pytest.approx([10 * 14.5 / 51, 20 * 10.5 / 41, 30 * 6.5 / 31])
    assert found["team_rate"].to_list() == pytest.approx([0.25] * 3)
    rate = 14.5 / 51
    assert found["spread"][0] == pytest.approx(10 * rate * (1 - rate))
    assert found["expected_variance"][0] == pytest.approx(100 * rate * (1 - rate) / 51, rel=1e-4)


def test_credibility_is_the_best_linear_prediction_of_the_hierarchical_model() -> None:
    """Jewell 1975: recomputed by inverting the covariance matrix of all observations at once."""
    parent = np.array([0, 0, 1, 1, 1])
    steps = (Step(parent, np.array([0, 2])), Step(np.array([0, 0]), np.array([0])))
    strengths = (np.array([30.0, 8.0, 20.0, 50.0, 5.0]), np.array([40.0, 15.0]))
    chances, hits = np.array([12.0, 40, 7, 0, 90]), np.array([6.0, 20, 3.5, 0, 45])
    tree = _tree(steps, chances[None], hits[None], strengths)
    assert tree.rates[0][0] == pytest.approx([0.5] * 5), "all alike, so all variances below are in the same unit"

    hits = np.array([1.0, 20, 5, 0, 30])
    tree = _tree(steps, chances[None], hits[None], strengths)
    seen = chances > 0
    between = np.where(parent[:, None] == parent, 1 / strengths[1][parent], 0) + np.diag(1 / strengths[0])
    observed = np.append(hits[seen] / chances[seen], 0.5)  # the last is Jeffreys' lead, seen at the root
    covariance = np.zeros((5, 5))
    covariance[:4, :4] = between[np.ix_(seen, seen)] + np.diag(1 / chances[seen])
    covariance[4, 4] = 1.0
    inverse, ones = np.linalg.inv(covariance), np.ones(5)
    whole = ones @ inverse @ observed / (ones @ inverse @ ones)
    blup = whole + np.c_[between[:, seen], np.zeros(5)] @ inverse @ (observed - whole)
    assert tree.rates[0][0] == pytest.approx(blup)


def test_the_variance_is_that_of_the_hierarchical_model() -> None:
    """The same model drawn 200,000 times at a rate of one half: how far the prediction lies from the truth."""
    rng = np.random.default_rng(5)
    steps = (Step(np.array([0, 0, 0]), np.array([0])),)
    strengths, chances = (np.array([20.0, 20.0, 20.0]),), np.array([15.0, 40.0, 0.0])
    unit = 0.25
    truth = 0.5 + rng.normal(0, np.sqrt(unit / 20), (200_000, 3))
    hits = chances * (truth + rng.normal(0, 1, truth.shape) * np.sqrt(unit / np.maximum(chances, 1)))
    own = np.array([[3.0, 1.0, 2.0]])
    missed = ((truth - _tree(steps, np.broadcast_to(chances, truth.shape), hits, strengths).rates[0]) * own).sum(axis=1)
    said = _tree_variance(steps, _tree(steps, chances[None], chances[None] / 2, strengths), own)[0]
    # The root's own prior of one lead makes the formula a little careful.
    assert missed.var() == pytest.approx(said, rel=0.03)


def test_main_effects_are_those_of_logistic_regression() -> None:
    """A penalised logistic regression with a level for each source, fitted by a general optimiser."""
    rates = {
        ("g", f"s{number}", late): 0.1 + 0.08 * number - 0.05 * late for number in range(4) for late in (False, True)
    }
    (load,) = caseloads(simulated(5, 120, rates), "person", ("source_group", "source"), ("is_after_hours",))
    chances, hits = load.chances.sum(axis=0), load.hits.sum(axis=0)
    source = load.strata.steps[0].parent
    own = np.bincount(source, hits) / np.bincount(source, chances)
    ours = _main_effects(load.strata, chances, hits, own)

    def loss(values: np.ndarray) -> float:
        chance = expit(values[source] + load.strata.factors @ values[4:])
        return float(
            -(hits * np.log(chance) + (chances - hits) * np.log1p(-chance)).sum() + (values[4:] ** 2).sum() / 2
        )

    theirs = minimize(loss, np.append(logit(own), [0, 0])).x
    assert ours.sizes == pytest.approx(theirs[4:], abs=0.01)
    assert ours.rates == pytest.approx(expit(theirs[source] + load.strata.factors @ theirs[4:]), abs=0.003)


def test_who_gets_poor_leads_is_expected_to_close_few() -> None:
    rates = {("g", "good", False): 0.2, ("g", "poor", False): 0.02, ("h", "fair", False): 0.1}
    cells = simulated(8, 80, rates).filter((pl.col("person") != "person 0") | (pl.col("source") == "poor"))
    own = cells.filter(person="person 0")
    assert expected(cells, crossed=())["person 0"] / float(own["chances"].sum()) == pytest.approx(0.02, abs=0.01)


def test_who_works_in_the_evening_is_held_against_evening_leads_though_each_source_has_few() -> None:
    rates = {("g", f"s{source:02d}", late): 0.08 if late else 0.2 for source, late in product(range(30), (False, True))}
    cells = simulated(8, 4, rates, seed=3)
    late = cells.filter((pl.col("person") != "person 0") | pl.col("is_after_hours"))
    share = expected(late)["person 0"] / float(late.filter(person="person 0")["chances"].sum())
    assert share == pytest.approx(0.08, abs=0.02)


def test_a_person_is_left_out_of_the_own_benchmark() -> None:
    rates = {("g", "s", False): 0.2, ("g", "t", True): 0.1}
    cells = simulated(3, 200, rates)
    perfect = cells.with_columns(
        hits=pl.when(pl.col("person") == "person 0").then(pl.col("chances")).otherwise(pl.col("hits"))
    )
    assert expected(perfect)["person 0"] == pytest.approx(expected(cells)["person 0"], rel=0.02)
    assert expected(perfect)["person 1"] > expected(cells)["person 1"] * 1.5


def test_expected_sums_to_what_alike_people_did() -> None:
    rates = {
        (f"g{group}", f"s{group}{source}", late): 0.05 + 0.04 * group + 0.02 * source - 0.03 * late
        for group, source, late in product(range(3), range(2), (False, True))
    }
    cells = simulated(12, 40, rates, seed=8)
    assert sum(expected(cells).values()) == pytest.approx(cells["hits"].sum(), rel=0.01)


def test_a_rate_stays_between_nothing_and_everything_where_nobody_or_everybody_hit() -> None:
    for hits in (0, 30):
        cells = pl.DataFrame({"person": ["a", "b"], "chances": [30, 30], "hits": [hits, hits]})
        share = expected_hits(cells, "person")["expected"] / 30
        assert (share > 0).all()
        assert (share < 1).all()


def test_one_person_alone_has_no_expectation() -> None:
    found = expected_hits(team([(0, 0, 0, True, 20, 0.5)]), "person", ("source_group", "source"), ("is_after_hours",))
    assert found.select("chances", "observed", "expected", "spread", "expected_variance").row(0) == (
        20,
        10,
        *[None] * 3,
    )


def test_a_team_without_leads_is_an_empty_answer() -> None:
    found = expected_hits(team([]), "person", ("source_group", "source"), ("is_after_hours",))
    assert found.is_empty()


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40), seed=st.integers(0, 99))
def test_renaming_and_shuffling_change_nothing(rows: list[tuple[int, int, int, bool, int, float]], seed: int) -> None:
    cells = team(rows)
    again = cells.sample(fraction=1, shuffle=True, seed=seed).with_columns(
        person="z" + pl.col("person").str.reverse(), source="other " + pl.col("source").str.reverse()
    )
    renamed = {"z" + name[::-1]: hits for name, hits in expected(cells).items()}
    assert expected(again) == pytest.approx(renamed, nan_ok=True)


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40))
def test_splitting_a_cell_into_rows_changes_nothing(rows: list[tuple[int, int, int, bool, int, float]]) -> None:
    cells = team(rows)
    halves = pl.concat([cells.with_columns(pl.col("chances", "hits") / 2)] * 2)
    assert expected(halves) == pytest.approx(expected(cells), nan_ok=True)


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40))
def test_what_is_expected_is_possible(rows: list[tuple[int, int, int, bool, int, float]]) -> None:
    found = expected_hits(team(rows), "person", ("source_group", "source"), ("is_after_hours",))
    known = found.drop_nulls("expected")
    assert known.height == (found.height if found.height > 1 else 0)
    assert known.select(((pl.col("expected") > 0) & (pl.col("expected") < pl.col("chances"))).all()).item()
    assert known.select(((pl.col("spread") > 0) & (pl.col("spread") < pl.col("expected"))).all()).item()
    assert known.select((pl.col("expected_variance") > 0).all()).item()


def test_a_blank_kind_is_a_kind_of_its_own() -> None:
    cells = pl.DataFrame(
        {
            "person": ["a", "b", "a", "b"],
            "source": [None, None, "web", "web"],
            "chances": [500, 500, 500, 500],
            "hits": [50, 50, 250, 250],
        }
    )
    found = expected_hits(cells.filter((pl.col("person") == "b") | pl.col("source").is_null()), "person", ("source",))
    assert found["expected"][0] / 500 == pytest.approx(0.1, abs=0.01)


def test_crossed_columns_need_no_source() -> None:
    cells = simulated(6, 200, {("g", "s", False): 0.3, ("g", "s", True): 0.1})
    late = cells.filter((pl.col("person") != "person 0") | pl.col("is_after_hours"))
    found = expected_hits(late, "person", (), ("is_after_hours",))
    assert found["expected"][0] / found["chances"][0] == pytest.approx(0.1, abs=0.03)
