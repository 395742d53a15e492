"""Funnel-plot limits: how far from expectation chance alone takes a person, at 95 % (watch) and 99.8 % (act).

The number of hits on leads of unequal rates is Poisson-binomial. It is computed as the binomial of the same mean and
variance, which is exact where rates are equal (W. Ehm, Statistics & Probability Letters 11 (1991) 7-16). Two things
widen it, both as a normal shift of the log odds: what the benchmark itself does not know, and, only where the team as
a whole differs by more than chance, how much people usually differ (additive over-dispersion).

Tails are mid-p: a person is outside where P(fewer) + P(equal) / 2 lies beyond the limit. The same tail, read between
whole numbers by the incomplete beta function, gives smooth limits, so a point lies outside the drawn limit exactly
where the verdict says so.

Source: D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005)
1185-1202; the same, "Handling over-dispersion of performance indicators", Quality and Safety in Health Care 14 (2005)
347-351. His interpolation of limits (2005, appendix A.1.1) puts the lower limit on the safe side and the upper one on
the unsafe side of a whole number; mid-p stands in the middle of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import betainc, betaln, chdtri, expit, logit, ndtri, xlog1py, xlogy

from metrics.statistics.strata import Index, Numbers

WATCH: Final = 0.95
ACT: Final = 0.998
_FEWEST_PEOPLE: Final = 5
_WINSORISED: Final = 0.1
_FARTHEST: Final = 30.0
_SPAN: Final = 1e-9
_CLOSE: Final = 1e-5
_MOST_STEPS: Final = 60
_NODES: Final = {size: np.polynomial.hermite_e.hermegauss(size) for size in (1, 9, 31)}


@dataclass(frozen=True, eq=False)
class Expectation:
    """What chance would give each person: a binomial of `size` and `rate` whose log odds are uncertain by `sd`."""

    size: Numbers
    rate: Numbers
    sd: Numbers

    @property
    def spread(self) -> Numbers:
        """Variance of the hits were the rate known."""
        return self.size * self.rate * (1 - self.rate)

    def over(self, shape: tuple[int, ...]) -> Expectation:
        """The same for each of an array of that shape, whose last axis is the people, as one long row."""
        return Expectation(*(np.broadcast_to(part, shape).ravel() for part in (self.size, self.rate, self.sd)))

    def of(self, places: Index) -> Expectation:
        """The same for a few of them."""
        return Expectation(self.size[places], self.rate[places], self.sd[places])


def expectation(expected: Numbers, spread: Numbers, expected_variance: Numbers) -> Expectation:
    """The binomial with this mean and variance, its mean itself known only up to `expected_variance`.

    Shapes: three arrays of one entry per person, as `case_mix.expected_hits` gives them; 0 < spread < expected.
    """
    return Expectation(expected**2 / (expected - spread), 1 - spread / expected, np.sqrt(expected_variance) / spread)


def widened(expectation: Expectation, dispersion: float) -> Expectation:
    """The same with people's usual differences added: `dispersion` is a variance of log odds.

    It counts for the person and, shared among the colleagues, for the benchmark.
    """
    people = len(expectation.size)
    added = dispersion * (1 + 1 / max(people - 1, 1))
    return replace(expectation, sd=np.sqrt(expectation.sd**2 + added))


def mid_p(hits: Numbers, expectation: Expectation, shift: Numbers | float = 0.0) -> Numbers:
    """Probability of fewer hits, plus half that of as many; between whole numbers, read smoothly.

    `shift` moves the log odds. Shapes: arrays that fit each other, one entry per person in the last axis.
    """
    return _tail(hits, expectation, shift, _detail(expectation))


def _tail(hits: Numbers, expectation: Expectation, shift: Numbers | float, detail: int) -> Numbers:
    chance, (nodes, weights) = expectation.rate, _NODES[detail]
    middle = logit(chance) - expectation.sd**2 / 2 * (1 - 2 * chance) + shift
    rates = expit(middle[..., None] + expectation.sd[..., None] * nodes)
    hits, size = np.broadcast_arrays(hits[..., None], expectation.size[..., None])
    at_most = _at_most(hits, size, rates)
    tail = at_most - _exactly(hits, size, rates, at_most) / 2
    return np.asarray(np.clip(tail @ (weights / weights.sum()), 0.0, 1.0))  # rounding may pass 1


def limit(expectation: Expectation, tail: float | Numbers) -> Numbers:
    """The number of hits at which the lower tail is `tail`; -1 < limit < size + 1, so below 0 no number is too low.

    Shape: one entry per person; several tails, one below the other, give as many rows.
    """
    shape = np.broadcast_shapes(np.shape(tail), expectation.size.shape)
    each, wanted = expectation.over(shape), ndtri(np.broadcast_to(tail, shape).ravel())
    detail = _detail(expectation)

    def score(hits: Numbers, places: Index) -> Numbers:
        return np.asarray(_score(_tail(hits, each.of(places), 0.0, detail)) - wanted[places])

    sd = np.sqrt(each.spread + (each.sd * each.spread) ** 2)
    bracket = np.full(each.size.shape, -1.0), each.size + 1
    return _root(score, *bracket, each.size * each.rate + wanted * sd, 1 / sd).reshape(shape)


def odds_interval(hits: Numbers, expectation: Expectation, confidence: float = WATCH) -> tuple[Numbers, Numbers]:
    """How far the person's own log odds lie from expectation: the ends of the interval, by inverting the mid-p tails.

    Without uncertainty of the benchmark it is the mid-p form of Clopper and Pearson's interval. The low end is minus
    infinity at no hit, the high end infinity where every lead hit.
    """
    tail = (1 - confidence) / 2
    bound = np.minimum(hits, expectation.size)
    low, high = np.full(bound.shape, -np.inf), np.full(bound.shape, np.inf)
    for end, side, is_there in ((low, 1 - tail, bound > 0), (high, tail, bound < expectation.size)):
        places = np.flatnonzero(is_there)
        end[places] = _shift_at(bound[places], expectation.of(places), side)
    return low, high


def over_dispersion(hits: Numbers, expectation: Expectation) -> float:
    """How much people usually differ, as a variance of log odds; 0 unless the team differs by more than chance.

    Additive random effects with the z-scores winsorised at 10 % and 90 %, and only where their sum of squares passes
    the 95 % point of chi-square with one degree less than people. 0 for fewer than five people. Source: Spiegelhalter
    2005b.
    """
    people = len(hits)
    if people < _FEWEST_PEOPLE:
        return 0.0
    scores = np.clip(ndtri(mid_p(hits, expectation)), -8, 8)
    # Percentiles are scores of the team, the inner ones, so that one person far off does not widen the own limits.
    lowest = np.quantile(scores, _WINSORISED, method="higher")
    scores = np.clip(scores, lowest, np.quantile(scores, 1 - _WINSORISED, method="lower"))
    total = float((scores**2).sum())
    if total <= chdtri(people - 1, 0.05):
        return 0.0
    weights = 1 / (1 / expectation.spread + expectation.sd**2)
    return float((total - people + 1) / (weights.sum() - (weights**2).sum() / weights.sum()))


def curve(chances: Numbers, rate: float, dispersion: float = 0.0, level: float = WATCH) -> tuple[Numbers, Numbers]:
    """Lower and upper limit as rates for drawing a funnel over numbers of chances, at one known rate; within 0..1."""
    even = Expectation(chances, np.full(chances.shape, rate), np.full(chances.shape, np.sqrt(dispersion)))
    low, high = (limit(even, tail) / chances for tail in ((1 - level) / 2, (1 + level) / 2))
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _detail(expectation: Expectation) -> int:
    """Nodes of the Gauss-Hermite quadrature: more where uncertainty outweighs chance, one where there is none."""
    largest = float((expectation.sd**2 * expectation.spread).max(initial=0.0))
    return 1 if largest == 0 else 9 if largest < 1 else 31


def _at_most(hits: Numbers, size: Numbers, rates: Numbers) -> Numbers:
    inside = betainc(np.maximum(size - hits, _SPAN), np.maximum(hits + 1, _SPAN), 1 - rates)
    return np.where(hits <= -1, 0.0, np.where(hits >= size, 1.0, inside))


def _exactly(hits: Numbers, size: Numbers, rates: Numbers, at_most: Numbers) -> Numbers:
    """Probability of as many hits; between whole numbers, what `_at_most` rises by over one; all there is below 0."""
    held = np.clip(hits, 0, size)
    ways = -np.log(size + 1) - betaln(held + 1, size - held + 1)
    inside = np.exp(ways + xlogy(held, rates) + xlog1py(size - held, -rates))
    found = np.where(hits < 0, at_most, inside)
    is_above = np.broadcast_to(hits > size, found.shape)
    if np.any(is_above):
        found[is_above] = 1 - _at_most(*(part[is_above] for part in np.broadcast_arrays(hits - 1, size, rates)))
    return found


def _shift_at(hits: Numbers, expectation: Expectation, tail: float) -> Numbers:
    """How far the log odds would have to be moved for the lower tail at these hits to be `tail`."""
    detail, wanted = _detail(expectation), ndtri(tail)

    def score(shift: Numbers, places: Index) -> Numbers:
        return np.asarray(wanted - _score(_tail(hits[places], expectation.of(places), shift, detail)))

    slope = np.sqrt(expectation.spread / (1 + expectation.sd**2 * expectation.spread))
    held = np.clip(hits, 0.5, expectation.size - 0.5)
    guess = logit(held / expectation.size) - logit(expectation.rate) - wanted / slope
    far = np.full(guess.shape, _FARTHEST)
    return _root(score, -far, far, guess, slope)


def _score(tail: Numbers) -> Numbers:
    return np.asarray(np.clip(ndtri(tail), -_FARTHEST, _FARTHEST))


def _root(
    score: Callable[[Numbers, Index], Numbers], low: Numbers, high: Numbers, guess: Numbers, slope: Numbers
) -> Numbers:
    """Where rising functions, close to straight lines, are 0: secant steps, halving where they leave the bracket.

    One function for each number of a row. `score` is asked at the places that have not come to rest yet, alone.
    """
    guess = np.clip(guess, low, high)
    found = guess.copy()
    places, before, was = np.arange(len(guess)), guess, np.full(guess.shape, np.nan)
    for _ in range(_MOST_STEPS):
        now = score(guess, places)
        low, high = np.where(now < 0, guess, low), np.where(now < 0, high, guess)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = (now - was) / (guess - before)
        slope = np.where((secant > _SPAN) & np.isfinite(secant), secant, slope)
        aim = guess - now / slope
        before, was = guess, now
        guess = np.where((aim > low) & (aim < high), aim, (low + high) / 2)
        found[places] = guess
        is_moving = np.abs(guess - before) >= _CLOSE
        if not is_moving.any():
            break
        low, high, guess, slope, before, was = (part[is_moving] for part in (low, high, guess, slope, before, was))
        places = places[is_moving]
    return found
