"""Funnel-plot limits, against exact distributions and against what others have published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri
from scipy.stats import binom, binomtest, chi2, norm, poisson_binom

from metrics.statistics.funnel_limits import (
    Expectation,
    curve,
    expectation,
    limit,
    mid_p,
    odds_interval,
    over_dispersion,
    widened,
)
from metrics.statistics.strata import Numbers

CALM = settings(deadline=None, derandomize=True, max_examples=60)
TAILS = (0.001, 0.025, 0.975, 0.999)


def known(chances: float, rate: float, sd: float = 0.0) -> Expectation:
    """One person whose leads all have this rate."""
    return Expectation(np.array([float(chances)]), np.array([rate]), np.array([sd]))


def spiegelhalter(chances: int, rate: float, tail: float) -> float:
    """The interpolated limit of appendix A.1.1 of Spiegelhalter 2005, in hits, written down from his formula."""
    first = int(binom.ppf(tail, chances, rate))
    above, below = binom.cdf(first, chances, rate), binom.cdf(first - 1, chances, rate)
    return float(first - (above - tail) / (above - below))


@CALM
@given(chances=st.integers(1, 3000), share=st.floats(0, 1), rate=st.floats(0.005, 0.995))
def test_the_tail_at_equal_rates_is_the_exact_mid_p_of_the_binomial(chances: int, share: float, rate: float) -> None:
    hits = round(share * chances)
    theirs = (binom.cdf(hits, chances, rate) + binom.cdf(hits - 1, chances, rate)) / 2
    assert mid_p(np.array([float(hits)]), known(chances, rate))[0] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("low", "high", "off"), [(0.02, 0.2, 0.001), (0.05, 0.4, 0.003), (0.3, 0.9, 0.009)])
@pytest.mark.parametrize("leads", [5, 12, 40, 120])
def test_the_tail_at_unequal_rates_is_close_to_the_exact_poisson_binomial(
    low: float, high: float, off: float, leads: int
) -> None:
    rates = np.random.default_rng(leads).uniform(low, high, leads)
    exact = poisson_binom(rates)
    even = expectation(rates.sum(keepdims=True), (rates * (1 - rates)).sum(keepdims=True), np.zeros(1))
    for hits in range(leads + 1):
        theirs = (exact.cdf(hits) + exact.cdf(hits - 1)) / 2
        assert mid_p(np.array([float(hits)]), even)[0] == pytest.approx(theirs, abs=off)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("chances", "rate"), [(20, 0.1), (80, 0.15), (150, 0.3), (400, 0.05), (1000, 0.5)])
def test_limits_lie_within_one_hit_of_those_of_spiegelhalter_2005(chances: int, rate: float, tail: float) -> None:
    ours = limit(known(chances, rate), tail)[0]
    theirs = spiegelhalter(chances, rate, tail)
    if theirs > 0:
        assert abs(ours - theirs) <= 1.0


@pytest.mark.parametrize("tail", TAILS)
def test_at_large_numbers_limits_are_the_normal_ones(tail: float) -> None:
    chances, rate = 1e6, 0.2
    normal = chances * rate + norm.ppf(tail) * np.sqrt(chances * rate * (1 - rate))
    assert limit(known(chances, rate), tail)[0] == pytest.approx(normal, abs=2)


@CALM
@given(chances=st.floats(0.5, 2000), rate=st.floats(0.005, 0.99), sd=st.floats(0, 1), tail=st.sampled_from(TAILS))
def test_a_limit_is_where_the_tail_is_what_it_should_be(chances: float, rate: float, sd: float, tail: float) -> None:
    one = known(chances, rate, sd)
    found = limit(one, tail)
    assert mid_p(found - 1e-3, one)[0] <= tail <= mid_p(found + 1e-3, one)[0]


@CALM
@given(chances=st.integers(1, 500), rate=st.floats(0.01, 0.99), sd=st.floats(0, 1))
def test_more_hits_never_have_a_smaller_tail(chances: int, rate: float, sd: float) -> None:
    one = known(chances, rate, sd)
    tails = [mid_p(np.array([hits]), one)[0] for hits in np.linspace(-1, chances + 1, 25)]
    assert np.all(np.diff(tails) >= -1e-9)
    assert (tails[0], tails[-1]) == pytest.approx((0, 1))


@pytest.mark.parametrize(
    ("chances", "rate", "sd", "off"),
    [(40, 0.1, 0.1, 1e-5), (150, 0.3, 0.1, 1e-5), (150, 0.3, 0.2, 2e-4), (150, 0.3, 0.6, 1e-3), (900, 0.12, 0.4, 2e-3)],
)
def test_an_uncertain_benchmark_is_averaged_over(chances: int, rate: float, sd: float, off: float) -> None:
    """The quadrature against scipy's adaptive integration."""
    middle = logit(rate) - sd**2 / 2 * (1 - 2 * rate)
    one = known(chances, rate, sd)
    for hits in (0, chances * rate * 0.5, chances * rate, chances * rate * 1.6):

        def weighted(z: float, hit: int = round(hits)) -> float:
            chance = expit(middle + sd * z)
            tail = (binom.cdf(hit, chances, chance) + binom.cdf(hit - 1, chances, chance)) / 2
            return float(norm.pdf(z) * tail)

        assert mid_p(np.array([float(round(hits))]), one)[0] == pytest.approx(quad(weighted, -8, 8)[0], abs=off)


def test_what_is_not_known_of_the_benchmark_widens_the_limits() -> None:
    sure, unsure = known(150, 0.3), known(150, 0.3, 0.2)
    assert limit(unsure, 0.025)[0] < limit(sure, 0.025)[0] < limit(sure, 0.975)[0] < limit(unsure, 0.975)[0]


@CALM
@given(chances=st.integers(2, 300), hits=st.integers(0, 300), rate=st.floats(0.02, 0.9))
def test_without_doubt_about_the_benchmark_the_interval_is_clopper_and_pearson_in_mid_p_form(
    chances: int, hits: int, rate: float
) -> None:
    hits = min(hits, chances)
    low, high = (
        float(expit(logit(rate) + end[0])) for end in odds_interval(np.array([float(hits)]), known(chances, rate))
    )

    def tail(chance: float) -> float:
        return float(binom.cdf(hits, chances, chance) + binom.cdf(hits - 1, chances, chance)) / 2

    assert low == pytest.approx(0 if hits == 0 else brentq(lambda p: tail(p) - 0.975, 1e-9, 1 - 1e-9), abs=1e-4)
    assert high == pytest.approx(1 if hits == chances else brentq(lambda p: tail(p) - 0.025, 1e-9, 1 - 1e-9), abs=1e-4)
    exact = binomtest(hits, chances).proportion_ci(0.95, method="exact")
    assert exact.low - 1e-4 <= low <= high <= exact.high + 1e-4


def drawn(people: int, sd: float, seed: int = 1) -> tuple[Numbers, Expectation]:
    """People with 100 to 400 leads at 20 % and so much difference between them."""
    rng = np.random.default_rng(seed)
    chances = rng.integers(100, 400, people).astype(float)
    hits = rng.binomial(chances.astype(int), expit(logit(0.2) + rng.normal(0, sd, people))).astype(float)
    return hits, Expectation(chances, np.full(people, 0.2), np.zeros(people))


def test_alike_people_are_not_over_dispersed() -> None:
    found = [over_dispersion(*drawn(20, 0.0, seed)) for seed in range(40)]
    assert sum(extra > 0 for extra in found) <= 2


def test_over_dispersion_is_about_what_it_was_drawn_with() -> None:
    found = np.sqrt([over_dispersion(*drawn(200, 0.4, seed)) for seed in range(10)])
    assert found.mean() == pytest.approx(0.36, abs=0.05), "winsorising takes off a little of 0.4"


def test_over_dispersion_is_the_published_formula() -> None:
    """Spiegelhalter 2005b: phi of winsorised z-scores, then the moment estimate of the additive variance."""
    hits, chance = drawn(30, 0.5)
    sizes, rate = chance.size, 0.2
    tails = (binom.cdf(hits, sizes, rate) + binom.cdf(hits - 1, sizes, rate)) / 2
    z = ndtri(tails)
    low, high = np.sort(z)[3], np.sort(z)[-4]
    z[z < low], z[z > high] = low, high
    phi, people = (z**2).mean(), 30
    assert people * phi > chi2.ppf(0.95, people - 1)
    weight = sizes * rate * (1 - rate)
    published = (people * phi - (people - 1)) / (weight.sum() - (weight**2).sum() / weight.sum())
    assert over_dispersion(hits, chance) == pytest.approx(published)


def test_one_person_far_off_does_not_excuse_itself() -> None:
    hits, chance = drawn(10, 0.0, 3)
    hits[0] = 0.0
    assert over_dispersion(hits, chance) == 0.0


def test_four_people_do_not_say_how_people_usually_differ() -> None:
    hits = np.array([0.0, 10, 40, 90])
    assert over_dispersion(hits, Expectation(np.full(4, 100.0), np.full(4, 0.3), np.zeros(4))) == 0.0


def test_people_who_usually_differ_have_wider_limits() -> None:
    _, chance = drawn(10, 0.0)
    assert np.all(limit(widened(chance, 0.1), 0.975) > limit(chance, 0.975))
    assert widened(chance, 0.1).sd == pytest.approx(np.sqrt(0.1 * 10 / 9))


def test_the_drawn_funnel_narrows_with_the_number_of_leads() -> None:
    low, high = curve(np.array([5.0, 50.0, 500.0]), 0.2)
    assert low[0] == 0
    assert np.all(np.diff(high - low) < 0)
    assert np.all((low < 0.2) & (high > 0.2))
