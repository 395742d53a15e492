"""A source's quality apart from how its leads were handled; a person's result apart from the sources they were given.

A cell is a group (source, person) and a stratum (how it was handled; which source) with `chances` and `hits`. Handling
must be said before the result is known: a lead that bought on the first day had "enough attempts" when it had all that
its days asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import polars as pl

from metrics.statistics.intervals import CONFIDENCE, wilson
from metrics.statistics.strata import Numbers, caseloads

HANDLING, QUALITY, CANNOT_TELL, NOT_LOW = "handling", "quality", "cannot be told", "not low"
_WEAK_SCALE: Final = 2.5  # of a stratum's log odds: A. Gelman et al., Annals of Applied Statistics 2 (2008) 1360-1383
_ROUNDS: Final = 200
_CLOSE: Final = 1e-6
_USUAL_SPREAD: Final = 0.25  # variance of log odds: what one more group would have, so that the spread is never 0


def at_equal(
    cells: pl.DataFrame, group: str, strata: Sequence[str], confidence: float = CONFIDENCE, team: str | None = None
) -> pl.DataFrame:
    """Each group's rate had its leads been spread over the strata as everybody's are together.

    Shape: `group`, the strata, `chances, hits` in (cells of one name are summed), and `team` where groups are of
    several, each of which is looked at by itself; out one row per team and group, by name: `group, chances, hits, raw,
    value, low, high, others_raw, others_value, gap, composition, own, composition_low,
    composition_high, own_low, own_high`. `value` is the directly standardised rate; `others_...` are the same of all
    other groups; gap = raw - others_raw splits exactly into `composition` (what its strata did to its rate, beyond
    what theirs did to others') and `own` (what remains), each with its interval; only `value` and the composition are
    shrunk. Null where a group has no chances, and `others` where there is no other group. Method: direct
    standardisation (Fleiss, Statistical Methods for Rates and Proportions, chapter 19), where each cell's rate is
    pulled to a logistic model of group + stratum: groups are normal around the mean with a spread estimated from the
    data (EM), cells beta-binomial around the model with the spread left over (method of moments; Kleinman 1973). So a
    thin or empty cell takes what the group and the stratum say elsewhere. Intervals by the delta method.
    """
    loads = [load for load in caseloads(cells, group, (), strata, team) if load.people.height]
    if not loads:
        named = {name: cells.schema[name] for name in ([] if team is None else [team]) + [group]}
        return pl.DataFrame(schema={**named, **dict.fromkeys(_COLUMNS, pl.Float64)})
    found = [_standardised(load.chances, load.hits, confidence) for load in loads]
    numbers = pl.DataFrame({name: np.concatenate([each[name] for each in found]) for name in _COLUMNS})
    return pl.concat([load.people for load in loads]).hstack(numbers.with_columns(pl.all().fill_nan(None)))


def explain_sources(
    cells: pl.DataFrame, source: str, handling: Sequence[str], confidence: float = CONFIDENCE, team: str | None = None
) -> pl.DataFrame:
    """Whether a source's low rate is its leads' quality or how they were handled, with a sentence.

    Shape: as `at_equal`, with `verdict` and `sentence` added. A raw rate is low where its interval (Wilson difference
    against all other sources) leaves out no difference. "handling": what the handling explains is at least half the gap
    and surely more than nothing. "quality": the same of what remains at equal handling. "cannot be told" where neither
    is, and "not low" where the raw rate is not.
    """
    split = at_equal(cells, source, handling, confidence, team)
    is_low = (pl.col("gap") < 0) & (_difference_high(confidence) < 0)
    by_handling = (pl.col("composition") <= pl.col("gap") / 2) & (pl.col("composition_high") < 0)
    by_quality = (pl.col("own") <= pl.col("gap") / 2) & (pl.col("own_high") < 0)
    verdict = (
        pl.when(is_low.fill_null(value=False).not_())
        .then(pl.lit(NOT_LOW))
        .when(by_handling)
        .then(pl.lit(HANDLING))
        .when(by_quality)
        .then(pl.lit(QUALITY))
        .otherwise(pl.lit(CANNOT_TELL))
    )
    judged = split.with_columns(verdict=verdict)
    sentences = [_sentence(str(row[source]), row) for row in judged.iter_rows(named=True)]
    return judged.with_columns(sentence=pl.Series(sentences, dtype=pl.String))


_COLUMNS: Final = (
    "chances",
    "hits",
    "raw",
    "value",
    "low",
    "high",
    "others_chances",
    "others_raw",
    "others_value",
    "gap",
    "composition",
    "own",
    "composition_low",
    "composition_high",
    "own_low",
    "own_high",
)


@dataclass(frozen=True, eq=False)
class _Model:
    """Log odds of group + stratum: fitted rates per cell, and what the uncertainty of the fit is made of.

    `precision` is each group's own, `slope` how its effect answers the strata's, `covariance` of the strata's effects.
    """

    rate: Numbers
    precision: Numbers
    slope: Numbers
    covariance: Numbers

    def variance(self, weights: Numbers) -> Numbers:
        """Variance of each group's weighted sum of its fitted rates; `weights` is groups x strata."""
        tilt = weights * self.rate * (1 - self.rate)
        own = tilt.sum(axis=1)
        shared = tilt - own[:, None] * self.slope
        variance: Numbers = own**2 / self.precision + ((shared @ self.covariance) * shared).sum(axis=1)
        return variance


def _standardised(chances: Numbers, hits: Numbers, confidence: float) -> dict[str, Numbers]:
    """The columns of `at_equal` from matrices of groups x strata."""
    model, n, hit = _fit(chances, hits), chances.sum(axis=1), hits.sum(axis=1)
    rate, keep, of_cell = _cell_rates(chances, hits, model.rate)
    wanted = np.broadcast_to(chances.sum(axis=0) / chances.sum(), chances.shape)
    away = chances / n[:, None] - wanted
    value = (wanted * rate).sum(axis=1)
    variance = model.variance(wanted * keep) + (wanted**2 * of_cell).sum(axis=1)
    low, high = _logit_ends(value, np.sqrt(variance), confidence)
    parts = _against_others(n, hit, value, (away * rate).sum(axis=1))
    of_strata = model.variance(away * keep) + (away**2 * of_cell).sum(axis=1)
    of_chance = _chance(n, hit) + _chance(n.sum() - n, hit.sum() - hit)
    ends = _ends("composition", parts, of_strata, confidence) | _ends("own", parts, of_strata + of_chance, confidence)
    return {"chances": n, "hits": hit, "raw": hit / n, "value": value, "low": low, "high": high, **parts, **ends}


def _cell_rates(chances: Numbers, hits: Numbers, fitted: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Each cell's rate between its own and the model's, the model's part in it, and the variance beside the model's."""
    strength = _strength(chances, hits, fitted)
    if not np.isfinite(strength):
        return fitted, np.ones_like(fitted), np.zeros_like(fitted)
    keep = strength / (chances + strength)
    rate = keep * fitted + hits / (chances + strength)
    return rate, keep, rate * (1 - rate) / (chances + strength + 1)


def _ends(name: str, parts: dict[str, Numbers], variance: Numbers, confidence: float) -> dict[str, Numbers]:
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * np.sqrt(variance)
    return {f"{name}_low": parts[name] - reach, f"{name}_high": parts[name] + reach}


def _against_others(n: Numbers, hit: Numbers, value: Numbers, moved: Numbers) -> dict[str, Numbers]:
    """Rates of everybody else, and the gap to them as composition + own; NaN where there is nobody else."""
    rest, raw = n.sum() - n, hit / n
    with np.errstate(divide="ignore", invalid="ignore"):
        others_raw, others_value, others_moved = (
            np.where(rest > 0, ((n * part).sum() - n * part) / rest, np.nan) for part in (raw, value, moved)
        )
    composition = moved - others_moved
    return {
        "others_chances": rest,
        "others_raw": others_raw,
        "others_value": others_value,
        "gap": raw - others_raw,
        "composition": composition,
        "own": raw - others_raw - composition,
    }


def _chance(n: Numbers, hit: Numbers) -> Numbers:
    """The binomial variance of a rate, with half a hit and half a miss added so that it is never 0 (Agresti 2002)."""
    rate = (hit + 0.5) / (n + 1)
    return rate * (1 - rate) / (n + 1)


def _fit(chances: Numbers, hits: Numbers) -> _Model:
    """Penalised logistic fit by Newton's method within EM for the spread of the groups.

    The groups' block of the information is diagonal, so each step solves only for the strata.
    """
    overall = (hits.sum() + 0.5) / (chances.sum() + 1)
    centre = float(np.log(overall / (1 - overall)))
    group, stratum, spread = np.zeros(chances.shape[0]), np.full(chances.shape[1], centre), _USUAL_SPREAD
    for _ in range(_ROUNDS):
        rate = 1 / (1 + np.exp(-(group[:, None] + stratum)))
        weight = chances * rate * (1 - rate)
        precision = weight.sum(axis=1) + 1 / spread
        slope = weight / precision[:, None]
        information = np.diag(weight.sum(axis=0) + 1 / _WEAK_SCALE**2) - weight.T @ slope
        covariance = np.linalg.inv(information)
        of_group = (hits - chances * rate).sum(axis=1) - group / spread
        of_stratum = (hits - chances * rate).sum(axis=0) - (stratum - centre) / _WEAK_SCALE**2
        step_stratum = covariance @ (of_stratum - slope.T @ of_group)
        step_group = of_group / precision - slope @ step_stratum
        group, stratum = group + np.clip(step_group, -2, 2), stratum + np.clip(step_stratum, -2, 2)
        posterior = 1 / precision + ((slope @ covariance) * slope).sum(axis=1)
        updated = float(np.sum(group**2 + posterior) + _USUAL_SPREAD) / len(group)
        is_still = abs(updated - spread) < 1e-3 * spread and np.abs(step_group).max() < _CLOSE
        spread = updated
        if is_still:
            break
    return _Model(rate, precision, slope, covariance)


def _strength(chances: Numbers, hits: Numbers, rate: Numbers) -> float:
    """How many chances the model is worth against a cell's own, from what varies beyond chance; infinite if nothing.

    The excess is taken one standard error high: a spread too small to be seen is not assumed away.
    """
    is_seen = chances > 0
    n, expected = chances[is_seen], (chances * rate)[is_seen]
    pearson = float(np.sum((hits[is_seen] - expected) ** 2 / (expected * (1 - rate[is_seen]))))
    freedom = int(is_seen.sum()) - sum(chances.shape) + 1
    excess = pearson - freedom + float(np.sqrt(2 * max(freedom, 0)))
    correlation = excess / max(float(np.sum(n - 1)), 1.0)
    return 1 / min(correlation, 0.99) - 1 if correlation > 0 and freedom > 0 else float("inf")


def _logit_ends(value: Numbers, deviation: Numbers, confidence: float) -> tuple[Numbers, Numbers]:
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    inside = np.clip(value, 1e-12, 1 - 1e-12)
    middle, reach = np.log(inside / (1 - inside)), z * deviation / (inside * (1 - inside))
    return 1 / (1 + np.exp(-(middle - reach))), 1 / (1 + np.exp(-(middle + reach)))


def _difference_high(confidence: float) -> pl.Expr:
    """The high end of raw - others_raw, square-and-add on Wilson ends (Newcombe 1998, method 10)."""
    others_hits = pl.min_horizontal(pl.col("others_raw") * pl.col("others_chances"), "others_chances")
    _, high = wilson(pl.col("hits"), pl.col("chances"), confidence)
    others_low, _ = wilson(others_hits, pl.col("others_chances"), confidence)
    return pl.col("gap") + ((high - pl.col("raw")) ** 2 + (pl.col("others_raw") - others_low) ** 2).sqrt()


def _sentence(name: str, row: dict[str, Any]) -> str:
    counted = f"{name}: {_percent(row['raw'])} of {row['chances']:,.0f} leads"
    if row["verdict"] == NOT_LOW:
        return f"{counted}, not below the other sources."
    against = f"{counted} against {_percent(row['others_raw'])} elsewhere"
    parts = f"handling accounts for {_points(row['composition'])} points, the rest for {_points(row['own'])}"
    endings = {HANDLING: "a handling problem", QUALITY: "weaker leads", CANNOT_TELL: "which of the two cannot be told"}
    return f"{against}: {endings[str(row['verdict'])]} ({parts})."


def _points(gap: float | None) -> str:
    return "n/a" if gap is None else f"{100 * gap:+.1f}"


def _percent(rate: float | None) -> str:
    return "n/a" if rate is None else f"{100 * rate:.1f} %"
