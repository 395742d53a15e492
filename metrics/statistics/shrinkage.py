"""Shrunken rates: what a person's rate probably is, given that people of one team are more alike than few leads show.

Beta-binomial empirical Bayes: each person's rate is drawn from a beta distribution around the rate expected of the
person's leads; how tight it is comes from the whole team. That tightness is itself uncertain, above all in a small
team, so it is averaged over its posterior rather than fixed at its best value, or intervals would be too short.

Sources: B. Efron and C. Morris, "Data analysis using Stein's estimator and its generalizations", JASA 70 (1975)
311-319; C. Morris and M. Lysy, "Shrinkage estimation in multilevel normal models", Statistical Science 27 (2012)
115-134 (a flat prior for the variance of people, which makes intervals cover what they say).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import betainccinv, betaincinv, betaln

from metrics.statistics.intervals import CONFIDENCE
from metrics.statistics.strata import Numbers

_DETAIL: Final = 80


def shrink(
    hits: Numbers,
    chances: Numbers,
    centre: Numbers,
    centre_variance: Numbers | float = 0.0,
    confidence: float = CONFIDENCE,
) -> tuple[Numbers, Numbers, Numbers]:
    """Posterior mean and both ends of the credible interval of each person's rate.

    Shapes: arrays of one entry per person; `centre` is the expected rate (0 < centre < 1), `centre_variance` how
    uncertain it is: the rate is read against its centre, so what is not known of one is not known of the other, in so
    far as the rate is the person's own. Equal tails of the beta distribution with the posterior's mean and variance.
    People without chances get the centre and the spread of people.
    """
    mean, variance = posterior(hits, chances, centre, centre_variance)
    weight = np.maximum(mean * (1 - mean) / variance - 1, 1e-6)
    ends = mean * weight, (1 - mean) * weight
    tail = (1 - confidence) / 2
    return mean, np.asarray(betaincinv(*ends, tail)), np.asarray(betainccinv(*ends, tail))


def posterior(
    hits: Numbers, chances: Numbers, centre: Numbers, centre_variance: Numbers | float = 0.0
) -> tuple[Numbers, Numbers]:
    """Mean and variance of each person's rate, averaged over how alike people are."""
    strength, odds = tightness(hits, chances, centre)
    total = chances[:, None] + strength
    means = (hits[:, None] + strength * centre[:, None]) / total
    within = means * (1 - means) / (total + 1)
    benchmark = (chances[:, None] / total) ** 2 * np.broadcast_to(centre_variance, centre.shape)[:, None]
    mean = means @ odds
    return mean, (within + benchmark + (means - mean[:, None]) ** 2) @ odds


def tightness(hits: Numbers, chances: Numbers, centre: Numbers) -> tuple[Numbers, Numbers]:
    """Possible strengths (leads that the prior counts for) and the posterior probability of each."""
    strength = np.geomspace(1.0, 1000.0 * max(1.0, float(np.median(chances))), _DETAIL)
    prior = strength * centre[:, None], strength * (1 - centre[:, None])
    found = betaln(hits[:, None] + prior[0], (chances - hits)[:, None] + prior[1]) - betaln(*prior)
    likelihood = found.sum(axis=0)
    odds = np.exp(likelihood - likelihood.max()) / strength  # flat in the variance of people
    return strength, odds / odds.sum()
