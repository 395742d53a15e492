"""The interval of a share, against what others have published."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from metrics.statistics.intervals import wilson, wilson_of

CALM = settings(deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("hits", "chances", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_as_newcombe_1998_prints_it(hits: int, chances: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    interval = wilson_of(hits, chances)
    assert interval is not None
    assert (round(interval[0], 4), round(interval[1], 4)) == (low, high)


@CALM
@given(chances=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.sampled_from((0.8, 0.95, 0.998)))
def test_wilson_is_as_scipy_computes_it(chances: int, share: float, confidence: float) -> None:
    hits = round(share * chances)
    theirs = binomtest(hits, chances).proportion_ci(confidence, method="wilson")
    ours = wilson_of(hits, chances, confidence)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@CALM
@given(chances=st.integers(1, 400), hits=st.integers(0, 400))
def test_the_interval_holds_the_share_and_stays_between_0_and_1(chances: int, hits: int) -> None:
    interval = wilson_of(hits, chances)
    if hits > chances:
        assert interval is None
    else:
        assert interval is not None
        assert 0 <= interval[0] <= hits / chances <= interval[1] <= 1


def test_the_ends_are_exact_where_nothing_or_everything_hit() -> None:
    nothing, everything = wilson_of(0, 7), wilson_of(7, 7)
    assert nothing is not None
    assert everything is not None
    assert (nothing[0], everything[1]) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "chances"), [(0, 0), (None, 5), (3, None), (-1, 5), (6, 5)])
def test_there_is_no_interval_where_there_is_no_share(hits: float | None, chances: float | None) -> None:
    frame = pl.DataFrame({"hits": [hits], "chances": [chances]}, schema={"hits": pl.Float64, "chances": pl.Float64})
    low, high = wilson(pl.col("hits"), pl.col("chances"))
    assert frame.select(low=low, high=high).row(0) == (None, None)
