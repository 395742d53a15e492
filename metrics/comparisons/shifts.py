"""What to say of a change that was explained: its largest parts, and its reason in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from metrics.comparisons.change import WHOLE

OTHERS: Final = "(others)"
_PARTS: Final = ("volume", "mix", "rate", "change", "rate_mix", "rate_rate", "rate_change")
_COUNTS: Final = ("chances_before", "hits_before", "chances_now", "hits_now")


@dataclass(frozen=True)
class Why:
    """A change of a rate as `mix` plus `rate`, all in shares.

    `mover` is the value whose share of the chances moved the mix most, from `mover_before` to `mover_now`.
    """

    metric: str
    dimension: str
    change: float
    mix: float
    rate: float
    mover: str
    mover_before: float
    mover_now: float


def largest(explained: pl.DataFrame, most: int = 6) -> pl.DataFrame:
    """The values that moved a rate most, the rest summed as "(others)", and "(all)" last.

    `explained` is what `change.explain` gives; columns `value`, the counts and the parts of it. Ordered by how far a
    value moved the rate, without its sign. Nothing is lost: in every column the rows add up to "(all)".
    """
    columns = ("value", *_COUNTS, *_PARTS)
    parts = explained.filter(pl.col("value") != WHOLE).sort(
        pl.col("rate_change").abs().round(9), "value", descending=[True, False], nulls_last=True
    )
    kept, rest = parts.head(most), parts.slice(most)
    if rest.height == 1:
        kept, rest = parts, parts.clear()
    summed = rest.select(pl.lit(OTHERS).alias("value"), *(pl.col(name).sum() for name in (*_COUNTS, *_PARTS)))
    frames = [kept.select(columns), *([summed] if rest.height else [])]
    return pl.concat([*frames, explained.filter(pl.col("value") == WHOLE).select(columns)])


def totals(explained: pl.DataFrame) -> dict[str, Any]:
    """The line of the whole of an explained change, by column."""
    return explained.filter(pl.col("value") == WHOLE).row(0, named=True)


def why(explained: pl.DataFrame) -> Why | None:
    """Why a rate changed, for a sentence; None where a side has no chances. `explained` is of `change.explain`."""
    whole = totals(explained)
    if whole["rate_change"] is None:
        return None
    row = _mover(explained, whole)
    return Why(
        metric=whole["metric"],
        dimension=whole["dimension"],
        change=whole["rate_change"],
        mix=whole["rate_mix"],
        rate=whole["rate_rate"],
        mover=str(row["value"]),
        mover_before=row["chances_before"] / whole["chances_before"],
        mover_now=row["chances_now"] / whole["chances_now"],
    )


def _mover(explained: pl.DataFrame, whole: dict[str, Any]) -> dict[str, Any]:
    """The value whose share moved the rate most in the direction of the mix."""
    sign = 1 if whole["rate_mix"] > 0 else -1
    parts = explained.filter(pl.col("value") != WHOLE).sort(
        pl.col("rate_mix") * sign, "value", descending=[True, False]
    )
    return parts.row(0, named=True)
