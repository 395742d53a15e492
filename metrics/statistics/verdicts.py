"""Verdicts on people: different from the team, maybe, or not to be told apart; and the same in a plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from scipy.special import expit, logit

from metrics.statistics.case_mix import expected_hits
from metrics.statistics.funnel_limits import (
    ACT,
    WATCH,
    Expectation,
    expectation,
    limit,
    mid_p,
    odds_interval,
    over_dispersion,
    widened,
)
from metrics.statistics.shrinkage import shrink
from metrics.statistics.strata import Numbers, runs

ACT_NOW: Final = "act"
WATCH_IT: Final = "watch"
ALIKE: Final = "not distinguishable"
ALONE: Final = "no team"
_KNOWN: Final = ("chances", "observed", "expected", "spread", "expected_variance", "team_rate")
_TAILS: Final = {
    "act_low": (1 - ACT) / 2,
    "watch_low": (1 - WATCH) / 2,
    "watch_high": (1 + WATCH) / 2,
    "act_high": (1 + ACT) / 2,
}
_RATES: Final = (
    *("ratio", "adjusted_rate", "low", "high", "shrunken_rate", "shrunken_low", "shrunken_high"),
    *("watch_low", "watch_high", "act_low", "act_high"),
)
_SEEN: Final = ("seen_low", "seen_high")


def tell_apart(
    cells: pl.DataFrame,
    person: str,
    nested: Sequence[str] = (),
    crossed: Sequence[str] = (),
    *,
    is_higher_better: bool = True,
    team: str | None = None,
) -> pl.DataFrame:
    """Who is different from colleagues on comparable leads, and nothing beside that.

    As `compare`, without the rates and limits, which take several times as long: the columns of
    `case_mix.expected_hits`, `tail`, `verdict` and `direction`.
    """
    people = expected_hits(cells, person, nested, crossed, team)
    return _told(people, _of_teams(people, team, ("tail",), _tail), is_higher_better)


def compare(
    cells: pl.DataFrame,
    person: str,
    nested: Sequence[str] = (),
    crossed: Sequence[str] = (),
    *,
    is_higher_better: bool = True,
    team: str | None = None,
) -> pl.DataFrame:
    """Each person against colleagues on comparable leads: rates at equal leads, limits and a verdict.

    Shapes: cells as `case_mix.expected_hits` takes them; out comes a row per person, by team and name, with its columns
    and

    - `ratio` (observed / expected) and `adjusted_rate`: the rate the person would have on the team's own mix of leads,
      that is the team's rate moved by the person's odds; `low` and `high` are its 95 % interval.
    - `shrunken_rate`, `shrunken_low`, `shrunken_high`: where it probably lies, as people of one team are alike.
    - `watch_low` .. `act_high`: the limits on the scale of `adjusted_rate`; `tail` is the mid-p probability of fewer
      hits.
    - `seen_low`, `seen_high`: at most, at least so many hits on these leads would be called; null where no number
      would.
    - `verdict` ("act", "watch", "not distinguishable", "no team") and `direction` ("better", "worse", null).

    One person alone gets "no team", and null for all that needs colleagues.
    """
    people = expected_hits(cells, person, nested, crossed, team)
    found = _of_teams(people, team, (*_RATES, "tail", *_SEEN), lambda columns: _rates(columns) | _limits(columns))
    whole = found.with_columns(pl.col(_SEEN).fill_nan(None).cast(pl.Int64))
    return _told(people, whole, is_higher_better)


def sentence(row: Mapping[str, Any], chances: str, hits: str) -> str:
    """What a row of `compare` says in plain words; `chances` and `hits` are plural nouns ("leads", "sales")."""
    asked = f"{_count(row['chances'])} {chances}, {_count(row['observed'])} {hits}"
    if row["verdict"] == ALONE:
        return f"{asked}. Nobody else had such {chances}, so there is no team to compare with."
    start = f"{asked}; colleagues on the same leads: {row['expected']:.1f}."
    if row["verdict"] == ALIKE:
        return f"{start} Not distinguishable from the team. {_cannot_tell(row, chances, hits)}"
    side = "fewer" if row["observed"] < row["expected"] else "more"
    certainty = "is different from" if row["verdict"] == ACT_NOW else "may be different from"
    odds = "1 in 500" if row["verdict"] == ACT_NOW else "1 in 20"
    return f"{start} This {certainty} the team ({side}, {row['direction']}): chance alone goes so far in under {odds}."


def _cannot_tell(row: Mapping[str, Any], chances: str, hits: str) -> str:
    low, high, size = row["seen_low"], row["seen_high"], _count(row["chances"])
    if low is None and high is None:
        return f"{size} {chances} are too few to tell: no number of {hits} would show a difference."
    if low is None:
        return (
            f"So few {chances} cannot show a low rate, even with no {hits}; {high} or more of {size} would stand out."
        )
    if high is None:
        return f"So few {chances} cannot show a high rate, even with {size} {hits}; {low} or fewer would stand out."
    return f"To stand out, it would take {low} or fewer, or {high} or more {hits} of {size}."


def _count(number: float) -> str:
    return f"{number:.0f}" if float(number).is_integer() else f"{number:.1f}"


def _of_teams(
    people: pl.DataFrame,
    team: str | None,
    names: Sequence[str],
    work: Callable[[Mapping[str, Numbers]], Mapping[str, Numbers]],
) -> pl.DataFrame:
    """Numbers that `work` makes of each team's columns of `case_mix.expected_hits`; null for who has no colleague."""
    columns = {name: people[name].to_numpy() for name in _KNOWN}
    found = np.full((people.height, len(names)), np.nan)
    has_colleagues = np.zeros(people.height, dtype=np.bool_)
    for rows in runs(people, team):
        if rows.stop - rows.start > 1:
            numbers = work({name: column[rows] for name, column in columns.items()})
            found[rows] = np.column_stack([numbers[name] for name in names])
            has_colleagues[rows] = True
    frame = pl.DataFrame(dict(zip(names, found.T, strict=True)))
    return frame.select(pl.when(pl.Series(has_colleagues)).then(pl.col(names)))


def _told(people: pl.DataFrame, found: pl.DataFrame, is_higher_better: bool) -> pl.DataFrame:
    """Both side by side, and what the tails say in a word."""
    told = people.hstack(found).with_columns(verdict=_verdict())
    return told.with_columns(direction=_direction(is_higher_better))


def _rates(columns: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The person's rates at the team's mix, with intervals."""
    hits, known = columns["observed"], _expectation(columns)
    low, high = odds_interval(hits, known)
    own = columns["expected"] / columns["chances"]
    shrunken = shrink(hits, columns["chances"], own, columns["expected_variance"] / columns["chances"] ** 2)
    names = ("shrunken_rate", "shrunken_low", "shrunken_high")
    return {
        "ratio": hits / columns["expected"],
        "adjusted_rate": _at_team_mix(hits, known, columns),
        "low": expit(_team_odds(columns) + low),
        "high": expit(_team_odds(columns) + high),
        **{
            name: expit(_team_odds(columns) + logit(rate) - logit(own))
            for name, rate in zip(names, shrunken, strict=True)
        },
    }


def _tail(columns: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The probability of fewer hits, by chance and as people usually differ."""
    return {"tail": mid_p(columns["observed"], _chance(columns))}


def _limits(columns: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The same and the funnel limits, as rates and as the whole numbers of hits that would be called; NaN for none."""
    known, chance = _expectation(columns), _chance(columns)
    hits = dict(zip(_TAILS, limit(chance, np.array([[tail] for tail in _TAILS.values()])), strict=True))
    return {
        **{name: _at_team_mix(number, known, columns) for name, number in hits.items()},
        "tail": mid_p(columns["observed"], chance),
        "seen_low": _below(hits["watch_low"]),
        "seen_high": _above(hits["watch_high"], columns["chances"]),
    }


def _expectation(columns: Mapping[str, Numbers]) -> Expectation:
    return expectation(columns["expected"], columns["spread"], columns["expected_variance"])


def _chance(columns: Mapping[str, Numbers]) -> Expectation:
    """The same, as wide as people usually differ."""
    known = _expectation(columns)
    return widened(known, over_dispersion(columns["observed"], known))


def _at_team_mix(hits: Numbers, known: Expectation, columns: Mapping[str, Numbers]) -> Numbers:
    """A number of hits on the person's own leads as a rate on the team's mix, by the odds against expectation."""
    share = np.clip(hits / known.size, 0, 1)
    with np.errstate(divide="ignore"):
        return np.asarray(expit(_team_odds(columns) + logit(share) - logit(known.rate)))


def _team_odds(columns: Mapping[str, Numbers]) -> Numbers:
    """Log odds of the team's rate; of half a hit, or half a miss, where the team has none."""
    least = 0.5 / (columns["chances"].sum() + 1)
    return np.asarray(logit(np.clip(columns["team_rate"], least, 1 - least)))


def _below(number: Numbers) -> Numbers:
    """The largest whole number under a limit."""
    return np.where(number <= 0, np.nan, np.ceil(number) - 1)


def _above(number: Numbers, most: Numbers) -> Numbers:
    first = np.floor(number) + 1
    return np.where(first > most, np.nan, first)


def _verdict() -> pl.Expr:
    outside = pl.min_horizontal("tail", 1 - pl.col("tail"))
    return (
        pl.when(pl.col("tail").is_null())
        .then(pl.lit(ALONE))
        .when(outside < (1 - ACT) / 2)
        .then(pl.lit(ACT_NOW))
        .when(outside < (1 - WATCH) / 2)
        .then(pl.lit(WATCH_IT))
        .otherwise(pl.lit(ALIKE))
    )


def _direction(is_higher_better: bool) -> pl.Expr:
    is_better = (pl.col("tail") > 0.5) == is_higher_better
    return pl.when(pl.col("verdict").is_in([ACT_NOW, WATCH_IT])).then(
        pl.when(is_better).then(pl.lit("better")).otherwise(pl.lit("worse"))
    )
