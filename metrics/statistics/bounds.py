"""How low and how high a rate could be, were every outcome that is missing a miss or a hit."""

from __future__ import annotations

from typing import Literal

import polars as pl

Counted = Literal["miss", "hit", "neither"]


def outcome_bounds(hits: pl.Expr, chances: pl.Expr, missing: pl.Expr, counted: Counted) -> tuple[pl.Expr, pl.Expr]:
    """The lowest and the highest share that any completion of the missing outcomes could give.

    Shapes: three columns in, two columns out, row by row. `missing` outcomes are `counted` in `hits` and `chances` as
    misses or as hits already, or in neither. No chance is assumed to be likelier than another, so the two ends are no
    confidence interval: nothing recorded later can leave them. Edge cases: null where there is neither a chance nor a
    missing outcome; both ends are the rate itself where nothing is missing.

    Source: C. F. Manski, "Nonparametric Bounds on Treatment Effects", American Economic Review 80 (1990) 319-323;
    "Partial Identification of Probability Distributions" (2003), chapter 1.
    """
    everything = chances + missing if counted == "neither" else chances
    fewest = hits - missing if counted == "hit" else hits
    most = hits if counted == "hit" else hits + missing
    is_share = everything > 0
    return pl.when(is_share).then(fewest / everything), pl.when(is_share).then(most / everything)
