"""Case mix: how many hits colleagues would have had on the very leads that a person was given.

Leads differ more than people do: a walk-in buys far more often than a bought form. So a person is held against the
rate of *comparable* leads, those of the same stratum that other people handled. Few such leads say little, so a
stratum's rate is pulled towards what is known of its source, its source group and the whole, and towards what the
crossed columns (lead type, new or used, after hours) do everywhere. How hard it is pulled is estimated from the data.

Three steps, each leaving out the person who is judged:

1. Sources within groups within the whole: hierarchical credibility with binomial variance. The strength of a step is
   the method-of-moments estimate of the intraclass correlation; a child that differs from its parent by more than
   chance (beyond the 95 % point of chi-square with one degree of freedom) has a strength of its own, so that a poor
   source stays visible in a good group.
2. Crossed columns: main effects on the log odds within sources, logistic regression with a normal prior of standard
   deviation 1; a person is left out by one Newton step.
3. The strata of a source: pulled towards steps 1 and 2, with a strength estimated as in step 1.

Sources: W. S. Jewell, "The use of collateral data in credibility theory: a hierarchical model", Giornale dell'Istituto
Italiano degli Attuari 38 (1975) 1-16; J. C. Kleinman, "Proportions with extraneous variance", JASA 68 (1973) 46-54;
D. Pregibon, "Logistic regression diagnostics", Annals of Statistics 9 (1981) 705-724.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.special import chdtri, logit

from metrics.statistics.strata import Caseload, Numbers, Step, Strata, caseloads, sums

_CHANCE: Final = float(chdtri(1, 0.05))
_WEAKEST, _STRONGEST = 1.0, 1e5
_LARGEST_BLOCK: Final = 60_000
_NEWTON_STEPS: Final = 4
_TINY: Final = 1e-9
_COLUMNS: Final = ("chances", "observed", "expected", "spread", "expected_variance", "team_rate")


@dataclass(frozen=True, eq=False)
class _Tree:
    """The nested steps from below, then the root: rates, how many leads speak for them, how far they are pulled."""

    rates: tuple[Numbers, ...]
    weights: tuple[Numbers, ...]
    strengths: tuple[Numbers, ...]


@dataclass(frozen=True, eq=False)
class _MainEffects:
    """Main effects of the crossed columns on the log odds, from everybody's leads.

    `rates` are those of the strata by the effects alone, `factors` the values of the crossed columns as differences
    from their mean in the source, `curvature` the information about the effects with that of their prior.
    """

    sizes: Numbers
    rates: Numbers
    factors: Numbers
    curvature: Numbers


@dataclass(frozen=True, eq=False)
class _Crossing:
    """What the crossed columns do once a person is left out.

    Effects and their covariance, the mix of values that a source's rate rests on, and the rates by effects alone.
    """

    sizes: Numbers
    covariance: Numbers
    mix: Numbers
    rates: Numbers


@dataclass(frozen=True, eq=False)
class _Strengths:
    """How many leads the prior of each node counts for, step by step from the strata up; and the main effects."""

    steps: tuple[Numbers, ...]
    effects: _MainEffects | None


def expected_hits(
    cells: pl.DataFrame,
    person: str,
    nested: Sequence[str] = (),
    crossed: Sequence[str] = (),
    team: str | None = None,
) -> pl.DataFrame:
    """Hits that colleagues would have had on each person's own leads.

    Shapes: `cells` has a row per person and stratum, with `chances` and `hits` beside the columns named; colleagues are
    those of the same `team`, or all without that column. Out comes a row per person, by team and name: `chances,
    observed, expected, spread, expected_variance, team_rate`. `spread` is the variance of the hits were the expected
    rates true (Poisson-binomial), `expected_variance` the variance of `expected` itself, from how little is known of
    comparable leads. `team_rate` is the rate of all people of the team together.

    Edge cases: one person alone has null for `expected` and both variances. Hits may be fractions.
    """
    loads = caseloads(cells, person, nested, crossed, team)
    numbers = np.concatenate([_of_team(load) for load in loads])
    found = pl.DataFrame(dict(zip(_COLUMNS, numbers.T, strict=True)), nan_to_null=True)
    return pl.concat([load.people for load in loads]).hstack(found)


def _of_team(load: Caseload) -> Numbers:
    """The columns of `expected_hits`, a row per person of one team."""
    people = len(load.people)
    chances, observed = load.chances.sum(axis=1), load.hits.sum(axis=1)
    expected = _expected(load) if people > 1 else np.full((people, 3), np.nan)
    total = load.chances.sum()
    rate = load.hits.sum() / total if total else np.nan
    return np.column_stack([chances, observed, expected, np.full(people, rate)])


def _expected(load: Caseload) -> Numbers:
    """Expected hits, their spread and the variance of the expectation, a row per person."""
    strengths = _strengths(load.strata, load.chances.sum(axis=0), load.hits.sum(axis=0))
    people, kinds = load.chances.shape
    size = max(1, _LARGEST_BLOCK // kinds)
    blocks = [slice(start, start + size) for start in range(0, people, size)]
    return np.concatenate([_expected_of(load, strengths, block) for block in blocks])


def _expected_of(load: Caseload, strengths: _Strengths, block: slice) -> Numbers:
    strata, own, own_hits = load.strata, load.chances[block], load.hits[block]
    rest, rest_hits = load.chances.sum(axis=0) - own, load.hits.sum(axis=0) - own_hits
    if strengths.effects is None:
        tree = _tree(strata.steps, rest, rest_hits, strengths.steps)
        rates, variance = tree.rates[0], _tree_variance(strata.steps, tree, own)
    else:
        source = strata.steps[0]
        tree = _tree(strata.steps[1:], sums(rest, source), sums(rest_hits, source), strengths.steps[1:])
        crossing = _crossing(strata, strengths.effects, tree, (own, own_hits, rest))
        prior = strengths.steps[0]
        rates = (rest_hits + prior * crossing.rates) / (rest + prior)
        variance = _crossed_variance(strata, tree, crossing, own, (prior / (rest + prior), rates / (rest + prior)))
    noise = own * rates
    return np.column_stack([noise.sum(axis=1), (noise * (1 - rates)).sum(axis=1), variance])


def _strengths(strata: Strata, chances: Numbers, hits: Numbers) -> _Strengths:
    """How far every rate is pulled, from everybody's leads by stratum."""
    source = strata.steps[0]
    if not strata.is_crossed:
        return _Strengths(_tree_strengths(strata.steps, chances, hits), None)
    by_source, hits_by_source = sums(chances, source), sums(hits, source)
    above = _tree_strengths(strata.steps[1:], by_source, hits_by_source)
    tree = _tree(strata.steps[1:], by_source[None], hits_by_source[None], above)
    effects = _main_effects(strata, chances, hits, tree.rates[0][0])
    own = _strength(chances, hits, effects.rates, chances / by_source[source.parent])
    return _Strengths((own, *above), effects)


def _tree_strengths(steps: tuple[Step, ...], weight: Numbers, hits: Numbers) -> tuple[Numbers, ...]:
    found = []
    for step in steps:
        above = sums(weight, step)
        centre = (sums(hits, step) / above)[step.parent]
        found.append(_strength(weight, hits, centre, weight / above[step.parent]))
        pull = found[-1] / (weight + found[-1])
        weight, hits = sums(weight * pull, step), sums(hits * pull, step)
    return tuple(found)


def _strength(weight: Numbers, hits: Numbers, centre: Numbers, share: Numbers) -> Numbers:
    """How many leads the prior counts for, for each child: (1 - t) / t for intraclass correlation t.

    The estimate of the whole step is Kleinman's, in its analysis-of-variance form: `share` is the child's part of its
    parent, by which the parent's rate follows the child. A child further off than chance allows has its own.
    """
    noise = np.maximum(centre * (1 - centre), _TINY)
    apart = weight * (hits / weight - centre) ** 2
    slack = float((noise * (weight - 1) * (1 - share)).sum())
    surplus = float((apart - noise * (1 - share)).sum())
    common = max(0.0, surplus / slack) if slack > _TINY else 0.0
    own = np.maximum(0.0, apart / np.maximum(noise * (1 - share), _TINY) - _CHANCE) / weight
    correlation = np.clip(np.maximum(common, np.where(share < 1 - _TINY, own, 0.0)), _TINY, 1.0)
    return np.asarray(np.clip((1 - correlation) / correlation, _WEAKEST, _STRONGEST))


def _tree(steps: tuple[Step, ...], rest: Numbers, rest_hits: Numbers, strengths: tuple[Numbers, ...]) -> _Tree:
    """Hierarchical credibility: leads are weighed on the way up, rates are pulled to their parents on the way down."""
    weights, hits = [rest], [rest_hits]
    for step, strength in zip(steps, strengths, strict=True):
        pull = strength / (weights[-1] + strength)
        weights.append(sums(weights[-1] * pull, step))
        hits.append(sums(hits[-1] * pull, step))
    rates = [(hits[-1] + 0.5) / (weights[-1] + 1)]  # Jeffreys: a team without a hit is not a team that cannot
    for step, strength, weight, hit in zip(steps[::-1], strengths[::-1], weights[-2::-1], hits[-2::-1], strict=True):
        rates.insert(0, (hit + strength * rates[0][:, step.parent]) / (weight + strength))
    return _Tree(tuple(rates), tuple(weights), strengths)


def _main_effects(strata: Strata, chances: Numbers, hits: Numbers, source_rates: Numbers) -> _MainEffects:
    """Logistic regression on the crossed columns, each source having a level of its own that is profiled out."""
    source, sizes = strata.steps[0], np.zeros(strata.factors.shape[1])
    rates = source_rates[source.parent]
    for _ in range(_NEWTON_STEPS):
        information = chances * rates * (1 - rates)
        below = np.maximum(sums(information, source), _TINY)[:, None]
        means = np.add.reduceat(information[:, None] * strata.factors, source.first, axis=0) / below
        factors = strata.factors - means[source.parent]
        curvature = (factors * information[:, None]).T @ factors + np.eye(len(sizes))
        sizes = sizes + np.linalg.solve(curvature, factors.T @ (hits - chances * rates) - sizes)
        odds = logit(source_rates)[source.parent] + factors @ sizes
        rates = _levelled(np.exp(odds)[None], chances[None], source_rates[None], source)[0]
    return _MainEffects(sizes, rates, factors, curvature)


def _crossing(strata: Strata, effects: _MainEffects, tree: _Tree, leads: tuple[Numbers, Numbers, Numbers]) -> _Crossing:
    """The main effects without the person's own leads: one Newton step back from those of everybody (Pregibon 1981)."""
    (own, own_hits, rest), source, size = leads, strata.steps[0], len(effects.sizes)
    factors, rates = effects.factors, effects.rates[:, None]
    products = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), -1)
    curvature = effects.curvature - (own @ (rates * (1 - rates) * products)).reshape(-1, size, size)
    covariance = np.linalg.inv(curvature).astype(np.float64)
    slope = own_hits @ factors - own @ (rates * factors)
    sizes = effects.sizes - np.matmul(covariance, slope[..., None])[..., 0]
    mix = _mix(strata, rest, tree)
    level = tree.rates[0] / (1 - tree.rates[0]) * np.exp(-(mix @ sizes[..., None])[..., 0])
    odds = np.exp(sizes @ strata.factors.T) * level[:, source.parent]
    return _Crossing(sizes, covariance, mix, _levelled(odds, rest, tree.rates[0], source))


def _mix(strata: Strata, rest: Numbers, tree: _Tree) -> Numbers:
    """Shares of each value in the leads that a source's rate rests on: its own, and the whole's as it is pulled."""
    counts = np.stack([sums(rest * column, strata.steps[0]) for column in strata.factors.T], axis=-1)
    chances = tree.weights[0][..., None]
    whole = counts.sum(axis=1, keepdims=True) / np.maximum(chances.sum(axis=1, keepdims=True), _TINY)
    pull = tree.strengths[0][:, None] if tree.strengths else _TINY
    return np.asarray((counts + pull * whole) / (chances + pull))


def _levelled(odds: Numbers, rest: Numbers, source_rates: Numbers, source: Step) -> Numbers:
    """Rates from odds, moved source by source (one Newton step) so that they add up to the source's own rate."""
    rates = odds / (1 + odds)
    hits = rest * rates
    gap = sums(rest, source) * source_rates - sums(hits, source)
    move = gap / np.maximum(sums(hits * (1 - rates), source), 0.5)
    odds = odds * np.exp(np.clip(move, -1, 1))[:, source.parent]
    return np.asarray(odds / (1 + odds))


def _crossed_variance(
    strata: Strata, tree: _Tree, crossing: _Crossing, own: Numbers, shares: tuple[Numbers, Numbers]
) -> Numbers:
    """Variance of the expected hits, from below: strata, main effects, then the tree of sources."""
    (pull, rates_per_lead), source = shares, strata.steps[0]
    rates = crossing.rates
    found = (own**2 * rates_per_lead * (1 - rates)).sum(axis=1)
    carried = own * pull * rates * (1 - rates)
    by_source = sums(carried, source)
    lean = carried @ strata.factors - (by_source[..., None] * crossing.mix).sum(axis=1)
    found += (lean[:, None, :] @ crossing.covariance @ lean[:, :, None])[:, 0, 0]
    at_source = by_source / (tree.rates[0] * (1 - tree.rates[0]))
    return np.asarray(found + _tree_variance(strata.steps[1:], tree, at_source))


def _tree_variance(steps: tuple[Step, ...], tree: _Tree, carried: Numbers) -> Numbers:
    """Variance of a sum of rates, each counted as often as `carried` says: sources, groups and the whole."""
    found = np.zeros(len(carried))
    for step, rate, weight, strength in zip(steps, tree.rates, tree.weights, tree.strengths, strict=False):
        found += (carried**2 * rate * (1 - rate) / (weight + strength)).sum(axis=1)
        carried = sums(carried * strength / (weight + strength), step)
    root, weight = tree.rates[-1][:, 0], tree.weights[-1][:, 0]
    return np.asarray(found + carried[:, 0] ** 2 * root * (1 - root) / (weight + 1))
