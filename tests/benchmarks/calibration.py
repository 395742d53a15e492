"""Are the verdicts on people right as often as they say? Simulated teams whose truth is known, judged by
`verdicts.compare`.

Runs are independent dealerships; people within one share a benchmark, so tests and intervals of what is found pool
people but count runs (a mean per run, and its standard error).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from metrics.statistics.case_mix import expected_hits
from metrics.statistics.verdicts import ACT_NOW, ALIKE, compare

Numbers = NDArray[np.float64]
NESTED: Final = ("source_group", "source")
CROSSED: Final = ("lead_type", "vehicle_condition", "is_after_hours")
RUNS: Final = 1_000
_VALUES: Final = (("internet", "phone"), ("new", "used"), (False, True))


@dataclass(frozen=True, eq=False)
class Store:
    """One simulated team: which strata there are, who got which leads, and the true log odds of each."""

    strata: pl.DataFrame
    mix: Numbers  # people by strata: shares of a person's leads
    leads: Numbers  # by person
    odds: Numbers  # by stratum, of a person like the team
    effects: Numbers  # by person, on the log odds


@dataclass(frozen=True)
class TeamSize:
    """How many people, and between how many leads each has."""

    people: int
    leads: tuple[int, int]


@dataclass(frozen=True)
class Share:
    """A share found among people, with its standard error over runs."""

    value: float
    error: float
    people: int

    def __str__(self) -> str:
        """As it is printed."""
        return f"{self.value:.2%} +- {self.error:.2%} of {self.people:,} people"

    def exceeds(self, claim: float, confidence: float = 0.95) -> bool:
        """Whether a one-sided test over runs finds more than was claimed."""
        return self.value - float(norm.ppf(confidence)) * self.error > claim


TEAMS: Final = tuple(
    TeamSize(people, leads) for people, leads in ((4, (60, 300)), (8, (60, 300)), (20, (60, 300)), (12, (20, 60)))
)


def judged(store: Store, rng: np.random.Generator) -> pl.DataFrame:
    """What the team did, as `compare` sees it, with each person's true effect against colleagues beside it."""
    chances = np.stack([rng.multinomial(int(n), share) for n, share in zip(store.leads, store.mix, strict=True)])
    hits = rng.binomial(chances, expit(store.odds + store.effects[:, None]))
    people = [f"person {number:02d}" for number in range(len(store.leads))]
    everybody = np.tile(np.arange(store.strata.height), len(people))
    cells = store.strata[everybody].with_columns(
        person=pl.Series(np.repeat(people, store.strata.height)),
        chances=pl.Series(chances.ravel()),
        hits=pl.Series(hits.ravel()),
    )
    crossed = [name for name in CROSSED if name in store.strata.columns]
    return compare(cells, "person", NESTED, crossed).with_columns(truth=pl.Series(_against_colleagues(store)))


def _against_colleagues(store: Store) -> Numbers:
    """Each person's effect less that of the colleagues' pooled rate, at the store's middle rate."""
    middle = float(logit((store.mix.mean(axis=0) * expit(store.odds)).sum()))
    hits = store.leads * expit(middle + store.effects)
    colleagues = (hits.sum() - hits) / (store.leads.sum() - store.leads)
    return np.asarray(store.effects - (logit(colleagues) - middle))


def kinds(groups: int, sources: int, *, is_crossed: bool = True) -> pl.DataFrame:
    """The strata of a store with so many source groups and sources in each."""
    named = [(f"group {group}", f"source {group}-{number}") for group, number in product(range(groups), range(sources))]
    rows = [(*pair, *values) for pair, values in product(named, product(*_VALUES))] if is_crossed else named
    return pl.DataFrame(rows, schema=[*NESTED, *CROSSED] if is_crossed else [*NESTED], orient="row")


def team(rng: np.random.Generator, size: TeamSize, rate: float, spread: float = 0.0) -> Store:
    """A team on realistic leads: groups, sources, types and hours that differ, and people who get different mixes."""
    people = size.people
    strata = kinds(4, 3)
    level = logit(rate) + rng.normal(0, 0.5, 4).repeat(24) + rng.normal(0, 0.5, 12).repeat(8)
    own = level + 0.4 * (strata["lead_type"] == "phone").to_numpy() - 0.3 * strata["is_after_hours"].to_numpy()
    mix = rng.dirichlet(rng.dirichlet(np.ones(strata.height)) * strata.height / 4 + 0.05, people)
    odds = own + rng.normal(0, 0.2, strata.height)
    return Store(strata, mix, rng.integers(*size.leads, people).astype(float), odds, rng.normal(0, spread, people))


def poor_leads(rng: np.random.Generator, *, is_group_shared: bool) -> Store:
    """Ten equal people of whom the first gets most of a poor source, which stands with a good one or by itself."""
    strata = kinds(4, 2, is_crossed=False)
    rates = np.array([0.04, 0.16 if is_group_shared else 0.05, 0.12, 0.10, 0.14, 0.12, 0.15, 0.18])
    mix = rng.dirichlet(np.full(8, 8.0), 10)
    mix[1:, 0] *= 0.2
    mix[0] = [0.72, *([0.04] * 7)]
    mix /= mix.sum(axis=1, keepdims=True)
    return Store(strata, mix, rng.integers(120, 300, 10).astype(float), logit(rates), np.zeros(10))


def one_weak(rng: np.random.Generator, chances: int, rate: float, factor: float) -> Store:
    """Ten people on realistic leads, of whom the first has a rate that is `factor` of the others'."""
    store = team(rng, TeamSize(10, (chances // 2, chances * 3 // 2)), rate)
    leads = np.append(float(chances), store.leads[1:])
    effects = np.append(logit(rate * factor) - logit(rate), np.zeros(9))
    return replace(store, leads=leads, effects=effects)


def simulate(make: Callable[[np.random.Generator], Store], runs: int, seed: int) -> list[pl.DataFrame]:
    """The judged teams of so many independent runs."""
    generators = (np.random.default_rng([seed, number]) for number in range(runs))
    return [judged(make(rng), rng) for rng in generators]


def share(runs: Sequence[pl.DataFrame], what: pl.Expr) -> Share:
    """How often something holds among the people of all runs, with the error of a ratio over runs."""
    found = np.array([frame.select(what.sum(), pl.len()).row(0) for frame in runs], dtype=np.float64)
    value = float(found[:, 0].sum() / found[:, 1].sum())
    error = np.sqrt(((found[:, 0] - value * found[:, 1]) ** 2).sum()) / found[:, 1].sum()
    return Share(value, float(error), int(found[:, 1].sum()))


def alike(runs: int, teams: Sequence[TeamSize] = TEAMS, seed: int = 1) -> list[pl.DataFrame]:
    """Teams of several sizes in which everybody is equally good."""
    return [frame for size in teams for frame in simulate(partial(team, size=size, rate=0.12), runs, seed)]


def differing(runs: int, teams: Sequence[TeamSize] = TEAMS, seed: int = 2) -> list[pl.DataFrame]:
    """Teams of several sizes in which people differ, by 0.3 on the log odds (a rate of 12 % is 9 % to 15 %)."""
    return [frame for size in teams for frame in simulate(partial(team, size=size, rate=0.12, spread=0.3), runs, seed)]


def weak(runs: int, chances: int, rate: float, factor: float = 0.5, seed: int = 3) -> list[pl.DataFrame]:
    """Teams of ten with one person whose rate is a fraction of the others'."""
    return simulate(partial(one_weak, chances=chances, rate=rate, factor=factor), runs, seed)


def poor(runs: int, *, is_group_shared: bool, seed: int = 4) -> list[pl.DataFrame]:
    """Teams of ten equal people of whom one gets most of the poor leads."""
    return simulate(partial(poor_leads, is_group_shared=is_group_shared), runs, seed)


def only(runs: Sequence[pl.DataFrame], who: pl.Expr) -> list[pl.DataFrame]:
    """The same runs with some of their people."""
    return [frame.filter(who) for frame in runs]


def is_called() -> pl.Expr:
    """Watch or act."""
    return pl.col("verdict") != ALIKE


def is_act() -> pl.Expr:
    """Act."""
    return pl.col("verdict") == ACT_NOW


def is_covered(low: str = "low", high: str = "high") -> pl.Expr:
    """Whether the interval holds the rate that the person's true effect gives at the team's mix."""
    odds = (pl.col("team_rate") / (1 - pl.col("team_rate"))).log() + pl.col("truth")
    truth = 1 / (1 + (-odds).exp())
    return (pl.col(low) <= truth) & (truth <= pl.col(high))


def first() -> pl.Expr:
    """The person a story is about."""
    return pl.col("person") == "person 00"


def main() -> None:
    """Print the figures of 1,000 runs of each story, and how long the numbers of a large team take."""
    for lines in (_claims, _power, _fairness, _speed):
        for what, figure in lines(RUNS):
            sys.stdout.write(f"{what:<64} {figure}\n")
            sys.stdout.flush()


def _claims(runs: int) -> Iterator[tuple[str, str]]:
    equal, different = alike(runs), differing(runs)
    for what, called, claim in (("watch or act", is_called(), 0.05), ("act", is_act(), 0.002)):
        found = share(equal, called)
        excess = "an excess" if found.exceeds(claim) else "no excess"
        yield f"all equal: called {what}", f"{found}, {excess} over {claim:.1%} (one-sided, 95 %)"
    yield "95 % interval of the adjusted rate covers, all equal", str(share(equal, is_covered()))
    yield "95 % interval of the adjusted rate covers, people differ", str(share(different, is_covered()))
    shrunken = is_covered("shrunken_low", "shrunken_high")
    yield "95 % credible interval covers, people differ", str(share(different, shrunken))
    yield "95 % credible interval covers, all equal", str(share(equal, shrunken))


def _power(runs: int) -> Iterator[tuple[str, str]]:
    for what, chances, rate in (
        ("half of 30 % contact to appointment, 105 contacted of 150", 105, 0.3),
        ("half of a show rate of 70 %, 45 due", 45, 0.7),
        ("half of a show rate of 50 %, 45 due", 45, 0.5),
    ):
        found = weak(runs, chances, rate)
        yield f"{what}: called", str(share(only(found, first()), is_called()))
        yield "  the nine others: called", str(share(only(found, ~first()), is_called()))
    for chances, factor in product((50, 100, 150, 300, 600, 1200), (0.5, 1.5)):
        found = only(weak(runs // 4, chances, 0.12, factor), first())
        yield f"{factor:.1f} of a closing rate of 12 %, {chances:,} leads: called", str(share(found, is_called()))


def _fairness(runs: int) -> Iterator[tuple[str, str]]:
    for is_group_shared, where in ((False, "a group of poor sources"), (True, "a group with a good source")):
        found = poor(runs, is_group_shared=is_group_shared)
        yield f"poor leads from {where}: called", str(share(only(found, first()), is_called()))
        yield "  the nine others: called", str(share(only(found, ~first()), is_called()))


def _speed(runs: int) -> Iterator[tuple[str, str]]:
    cells = large_team()
    size = f"{cells['person'].n_unique()} people, {cells.height:,} cells"
    for what, work in (
        ("case mix", partial(expected_hits, cells, "person", NESTED, CROSSED)),
        ("case mix, limits, shrinkage, verdicts", partial(compare, cells, "person", NESTED, CROSSED)),
    ):
        work()
        yield f"{what} of {size}", f"{min(_milliseconds(work) for _ in range(max(3, runs // 100))):.0f} ms"


def large_team(people: int = 400, sources: int = 40, leads: int = 2500) -> pl.DataFrame:
    """Cells of a group of stores: 40 sources, 4 types, new and used, two kinds of hours."""
    rng = np.random.default_rng(9)
    named = [(f"group {number // 5}", f"source {number}") for number in range(sources)]
    values = product(("internet", "phone", "walk_in", "chat"), ("new", "used"), (False, True))
    strata = pl.DataFrame(
        [(*pair, *kind) for pair, kind in product(named, list(values))], schema=[*NESTED, *CROSSED], orient="row"
    )
    chances = rng.poisson(leads * rng.dirichlet(np.full(strata.height, 0.7)), (people, strata.height))
    cells = pl.concat([strata] * people).with_columns(
        person=pl.Series(np.repeat([f"person {number:03d}" for number in range(people)], strata.height)),
        chances=pl.Series(chances.ravel()),
        hits=pl.Series(rng.binomial(chances, expit(rng.normal(-2, 0.6, strata.height))).ravel()),
    )
    return cells.filter(pl.col("chances") > 0)


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
