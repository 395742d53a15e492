"""Shrunken rates, on the classic data and against an independent integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, betabinom

from metrics.statistics.shrinkage import posterior, shrink

CALM = settings(deadline=None, derandomize=True, max_examples=60)
# Efron and Morris, JASA 70 (1975), table 1: hits in the first 45 at bats of 1970, and the rate afterwards.
HITS = np.array([18.0, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
REST = np.array(
    (
        *(0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269),
        *(0.230, 0.264, 0.256, 0.303, 0.264, 0.226, 0.285, 0.316, 0.200),
    )
)
AT_BATS = np.full(18, 45.0)
MIDDLE = np.full(18, HITS.sum() / AT_BATS.sum())


def test_it_predicts_the_season_better_than_the_raw_rates_as_efron_and_morris_found() -> None:
    rate, _, _ = shrink(HITS, AT_BATS, MIDDLE)
    raw = ((HITS / 45 - REST) ** 2).sum()
    assert raw == pytest.approx(0.077, abs=0.002), "printed there"
    assert ((rate - REST) ** 2).sum() < raw / 2.5
    assert 0.27 < rate[0] < 0.32, "Clemente: .400 seen, .290 by their estimator, .346 in the end"


def test_mean_and_variance_are_those_of_a_direct_integration() -> None:
    """Flat in 1 / strength, likelihoods and moments by scipy's distributions and adaptive integration."""
    hits, chances, centre = np.array([3.0, 12, 20, 5]), np.array([40.0, 60, 80, 90]), np.full(4, 0.16)

    def weight(spread: float) -> float:
        ends = centre / spread, (1 - centre) / spread
        return float(np.prod(betabinom.pmf(hits, chances.astype(int), *ends)))

    def integral(moment: int) -> float:
        def integrand(spread: float) -> float:
            person = beta(hits[2] + centre[2] / spread, chances[2] - hits[2] + (1 - centre[2]) / spread)
            return weight(spread) * (1.0 if moment == 0 else float(person.moment(moment)))

        return float(quad(integrand, 1 / 70_000, 1.0, points=[0.01, 0.05, 0.2], limit=200, epsabs=0)[0])

    whole = integral(0)
    mean = integral(1) / whole
    variance = integral(2) / whole - mean**2
    ours = posterior(hits, chances, centre)
    assert ours[0][2] == pytest.approx(mean, rel=0.005)
    assert ours[1][2] == pytest.approx(variance, rel=0.02)


def test_the_fewer_the_leads_the_nearer_to_the_team() -> None:
    rate, low, high = shrink(np.array([2.0, 20, 200]), np.array([5.0, 50, 500]), np.full(3, 0.2))
    assert 0.2 < rate[0] < rate[1] < rate[2] < 0.4
    assert high[2] - low[2] < high[0] - low[0]


def test_no_leads_say_only_what_people_usually_do() -> None:
    rate, low, high = shrink(np.array([0.0, 20, 70]), np.array([0.0, 200, 200]), np.full(3, 0.2))
    assert rate[0] == pytest.approx(0.2)
    assert low[0] < 0.15
    assert high[0] > 0.25


def test_what_is_not_known_of_the_centre_widens_the_interval_of_who_has_many_leads_of_their_own() -> None:
    hits, chances, centre = np.array([40.0, 60, 20, 90]), np.full(4, 200.0), np.full(4, 0.25)
    sure, unsure = shrink(hits, chances, centre), shrink(hits, chances, centre, 0.03**2)
    assert unsure[0] == pytest.approx(sure[0])
    assert np.all(unsure[2] - unsure[1] > sure[2] - sure[1])


@CALM
@given(people=st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1), st.floats(0.02, 0.9)), min_size=1, max_size=12))
def test_a_shrunken_rate_lies_between_the_own_and_the_expected_one(people: list[tuple[int, float, float]]) -> None:
    chances = np.array([float(person[0]) for person in people])
    hits = np.array([float(round(person[0] * person[1])) for person in people])
    centre = np.array([person[2] for person in people])
    rate, low, high = shrink(hits, chances, centre)
    own = np.where(chances > 0, hits / np.maximum(chances, 1), centre)
    assert np.all(rate >= np.minimum(own, centre) - 1e-9)
    assert np.all(rate <= np.maximum(own, centre) + 1e-9)
    assert np.all((low >= 0) & (low <= high) & (high <= 1))
