"""Coaching: which step of the funnel is worth a person's time, and whether something changed once it was worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import polars as pl

from metrics.statistics.intervals import CONFIDENCE, wilson
from metrics.statistics.shrinkage import posterior
from metrics.statistics.strata import Numbers, runs

SHOWS: Final = "shows"
SALES: Final = "sales"
GROSS: Final = "gross"
# A mean and its standard error.
PerSale = tuple[float, float]
_Pair = Sequence[Mapping[str, Any] | None]
_NEEDED: Final = ("chances", "observed", "expected", "expected_variance")


@dataclass(frozen=True, eq=False)
class _Factor:
    """A number that is not known exactly."""

    mean: Numbers
    variance: Numbers


def coaching_value(
    steps: pl.DataFrame,
    person: str,
    funnel: Mapping[str, str | None],
    months: float,
    gross_per_sale: PerSale | Mapping[str, PerSale],
    confidence: float = CONFIDENCE,
    team: str | None = None,
) -> pl.DataFrame:
    """What each person would bring in a month by reaching, in one step, what colleagues reach on the same leads.

    Shapes: `steps` has a row per person and step: `person, step, chances, observed, expected, expected_variance`, as
    `case_mix.expected_hits` gives them for each step's metric. `funnel` names the steps from first to last, each with
    what its hits are (`SHOWS`, `SALES` or None); `months` is the length of the period, `gross_per_sale` a mean and
    its standard error, those of each team where people are of several (by the column `team`). Out: a row per person
    and step with `rate`, `expected_rate`, `gap`, and for each of shows, sales and gross a month the value with its
    `_low` and `_high`; by team and person, the step worth most gross first.

    The gap lies between the expected rate and the *shrunken* rate of the person, so that luck on few leads does not
    make a coaching plan. What is gained goes through the person's own later steps at their shrunken rates. Intervals
    are normal, with the variance of a product of independent factors. Null where the person is at the colleagues'
    rate or above it, where the outcome lies before the step, and where nothing is known of a later step.

    Source: L. A. Goodman, "On the exact variance of products", JASA 55 (1960) 708-713.
    """
    keys = [person] if team is None else [team, person]
    people = steps.select(keys).unique().sort(keys)
    parts = [_known(steps.filter(step=step), people, team) for step in funnel]
    per_sale = _per_sale(people, gross_per_sale, team)
    reach = NormalDist().inv_cdf(0.5 + confidence / 2)
    rows = [
        known.with_columns(step=pl.lit(step), **_values(parts, list(funnel.values()), place, months, per_sale, reach))
        for place, (step, known) in enumerate(zip(funnel, parts, strict=True))
    ]
    found = pl.concat(rows).filter(pl.col("chances").is_not_null()).drop("variance")
    best_first = [*[False] * len(keys), *[True] * 4]
    return found.sort(*keys, GROSS, SALES, SHOWS, "gap", descending=best_first, nulls_last=True)


def change_against_team(
    before_after: pl.DataFrame, person: str, name: str, confidence: float = CONFIDENCE
) -> dict[str, float | None]:
    """Whether a person changed after a date more than the colleagues did: the difference of both changes.

    Shape: rows of `person`, is_after, chances, hits; every row of another person counts as colleagues. Out: the rates
    `person_before, person_after, team_before, team_after`, the changes `person_change, team_change`, and their
    `difference` with `low` and `high`. A group without chances leaves null whatever needs it.

    Method: MOVER, the square-and-add of the four Wilson intervals (G. Y. Zou and A. Donner, Statistics in Medicine 27
    (2008) 1693-1702; for two groups it is method 10 of Newcombe 1998).
    """
    low, high = wilson(pl.col("hits"), pl.col("chances"), confidence)
    sides = (
        before_after.group_by(is_person=pl.col(person).eq_missing(pl.lit(name)), is_after=pl.col("is_after"))
        .agg(pl.col("hits", "chances").sum())
        .filter(pl.col("chances") > 0)
        .with_columns(value=pl.col("hits") / pl.col("chances"), low=low, high=high)
    )
    found = {(row["is_person"], row["is_after"]): row for row in sides.iter_rows(named=True)}
    own, team = (tuple(found.get((is_person, is_after)) for is_after in (False, True)) for is_person in (True, False))
    rates = {
        f"{who}_{when}": None if side is None else float(side["value"])
        for who, pair in (("person", own), ("team", team))
        for when, side in zip(("before", "after"), pair, strict=True)
    }
    return {**rates, **_changes(own, team)}


def _changes(own: _Pair, team: _Pair) -> dict[str, float | None]:
    own_change, team_change = _change(own), _change(team)
    changes = {"person_change": own_change, "team_change": team_change}
    if own_change is None or team_change is None:
        return {**changes, "difference": None, "low": None, "high": None}
    # person after and team before count up, the other two count down
    up, down = [side for side in (own[1], team[0]) if side], [side for side in (own[0], team[1]) if side]
    below = hypot(*(side["value"] - side["low"] for side in up), *(side["high"] - side["value"] for side in down))
    above = hypot(*(side["high"] - side["value"] for side in up), *(side["value"] - side["low"] for side in down))
    middle = own_change - team_change
    return {**changes, "difference": middle, "low": middle - below, "high": middle + above}


def _change(pair: _Pair) -> float | None:
    before, after = pair
    return None if before is None or after is None else float(after["value"] - before["value"])


def _per_sale(people: pl.DataFrame, gross: PerSale | Mapping[str, PerSale], team: str | None) -> _Factor:
    """The gross per sale of each person's team."""
    each = [gross] * people.height if team is None else [gross[name] for name in people[team]]
    mean, error = np.array(each, dtype=np.float64).reshape(-1, 2).T
    return _Factor(mean, error**2)


def _known(step: pl.DataFrame, people: pl.DataFrame, team: str | None) -> pl.DataFrame:
    """A row for each of the people, with the shrunken rate, what colleagues reach, and the gap with its variance."""
    rows = people.join(step.select(*people.columns, *_NEEDED), on=people.columns, how="left", maintain_order="left")
    chances, observed, expected, uncertain = (rows[name].cast(pl.Float64).to_numpy() for name in _NEEDED)
    mean, variance = np.full(rows.height, np.nan), np.full(rows.height, np.nan)
    for own in runs(people, team):
        full = own.start + np.flatnonzero((chances[own] > 0) & np.isfinite(expected[own]))
        if len(full):
            centre, doubt = expected[full] / chances[full], uncertain[full] / chances[full] ** 2
            mean[full], variance[full] = posterior(observed[full], chances[full], centre, doubt)
    reached = np.divide(expected, chances, out=np.full(rows.height, np.nan), where=np.isfinite(mean))
    found = {"rate": mean, "expected_rate": reached, "gap": reached - mean, "variance": variance}
    return rows.with_columns(pl.Series(name, numbers, nan_to_null=True) for name, numbers in found.items())


def _values(
    parts: Sequence[pl.DataFrame],
    outcomes: Sequence[str | None],
    place: int,
    months: float,
    per_sale: _Factor,
    reach: float,
) -> dict[str, pl.Series]:
    """Shows, sales and gross a month that closing the gap of one step would bring, each with its interval."""
    gap = parts[place].select(mean=pl.when(pl.col("gap") > 0).then("gap"), variance="variance", chances="chances")
    found = dict[str, pl.Series]()
    for outcome in (SHOWS, SALES, GROSS):
        last = outcomes.index(SALES if outcome == GROSS else outcome) if _is_told(outcomes, outcome) else -1
        later = [_Factor(part["rate"].to_numpy(), part["variance"].to_numpy()) for part in parts[place + 1 : last + 1]]
        factors = [_Factor(gap["mean"].to_numpy(), gap["variance"].to_numpy()), *later]
        mean, variance = _product([*factors, per_sale] if outcome == GROSS else factors)
        volume = gap["chances"].cast(pl.Float64).to_numpy() / months
        middle = volume * mean if last >= place else np.full(len(volume), np.nan)
        wide = reach * volume * np.sqrt(variance)
        for name, number in ((outcome, middle), (f"{outcome}_low", middle - wide), (f"{outcome}_high", middle + wide)):
            found[name] = pl.Series(number, nan_to_null=True)
    return found


def _is_told(outcomes: Sequence[str | None], outcome: str) -> bool:
    return (SALES if outcome == GROSS else outcome) in outcomes


def _product(factors: Sequence[_Factor]) -> tuple[Numbers, Numbers]:
    """Mean and variance of the product of independent factors (Goodman 1960)."""
    means = np.stack([factor.mean.astype(np.float64) for factor in factors])
    variances = np.stack([factor.variance.astype(np.float64) for factor in factors])
    mean = means.prod(axis=0)
    return mean, (means**2 + variances).prod(axis=0) - mean**2
