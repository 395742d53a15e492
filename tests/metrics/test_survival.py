"""Lag curves, against published survival data, hand-worked examples and the identities that they must keep."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from metrics.statistics.survival import LOST, OPEN, SOLD, aalen_johansen, kaplan_meier, lag_table

FEW = settings(max_examples=40)
# Weeks of remission under 6-MP: E. J. Freireich et al., Blood 21 (1963) 699-716; a relapse stands for a sale.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_WATCHED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def rows_of(*ends: tuple[float | None, str]) -> pl.DataFrame:
    return pl.DataFrame(ends, schema={"lag": pl.Float64, "outcome": pl.String}, orient="row")


REMISSION = rows_of(*((lag, SOLD) for lag in RELAPSED), *((lag, OPEN) for lag in STILL_WATCHED))
ROWS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from((SOLD, LOST, OPEN))), min_size=1, max_size=60)


def test_kaplan_meier_of_the_remission_data_is_as_published() -> None:
    """J. P. Klein and M. L. Moeschberger, Survival Analysis (2003), table 4.1."""
    curve = kaplan_meier(lag_table(REMISSION)).filter(pl.col("sold") > 0)
    assert curve["lag"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert curve["value"].round(3).to_list() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]


def test_kaplan_meier_and_its_interval_are_as_scipy_computes_them() -> None:
    theirs = ecdf(CensoredData(uncensored=RELAPSED, right=STILL_WATCHED)).sf
    ends = theirs.confidence_interval(method="log-log")
    ours = kaplan_meier(lag_table(REMISSION))
    for column, expected in (("value", theirs), ("low", ends.low), ("high", ends.high)):
        assert ours[column].to_numpy() == pytest.approx(expected.probabilities, abs=1e-12)


def test_aalen_johansen_worked_by_hand() -> None:
    curve = aalen_johansen(lag_table(rows_of((1, SOLD), (2, LOST), (3, OPEN), (4, SOLD), (5, LOST))))
    assert curve["value"].to_list() == pytest.approx([0.2, 0.2, 0.2, 0.5, 0.5])
    assert curve["lost"].to_list() == pytest.approx([0.0, 0.2, 0.2, 0.2, 0.5])
    assert curve["open"].to_list() == pytest.approx([0.8, 0.6, 0.6, 0.3, 0.0], abs=1e-12)


def test_a_loss_is_an_end_and_not_a_gap_in_the_watching() -> None:
    rows = rows_of(*[(1, LOST)] * 50, *[(2, SOLD)] * 25, *[(90, OPEN)] * 25)
    assert aalen_johansen(lag_table(rows))["value"][-1] == pytest.approx(0.25)
    assert 1 - kaplan_meier(lag_table(rows))["value"][-1] == pytest.approx(0.5)


@FEW
@given(rows=ROWS)
def test_sold_lost_and_open_are_the_whole(rows: list[tuple[int, str]]) -> None:
    curve = aalen_johansen(lag_table(rows_of(*rows)))
    assert curve.select(pl.sum_horizontal("value", "lost", "open")).to_series().to_numpy() == pytest.approx(1)


@FEW
@given(rows=ROWS.map(lambda rows: [(lag, SOLD if end == OPEN else end) for lag, end in rows]))
def test_with_nothing_open_it_is_the_share_sold_with_the_binomial_variance(rows: list[tuple[int, str]]) -> None:
    frame = rows_of(*rows)
    n = frame.height
    for lag, value, variance in aalen_johansen(lag_table(frame)).select("lag", "value", "variance").iter_rows():
        share = frame.filter((pl.col("lag") <= lag) & (pl.col("outcome") == SOLD)).height / n
        assert value == pytest.approx(share)
        assert variance == pytest.approx(share * (1 - share) / n, abs=1e-12)


@FEW
@given(rows=ROWS.map(lambda rows: [(lag, SOLD if end == LOST else end) for lag, end in rows]))
def test_with_nothing_lost_it_is_one_minus_kaplan_meier_with_greenwoods_interval(rows: list[tuple[int, str]]) -> None:
    table = lag_table(rows_of(*rows))
    sold, unsold = aalen_johansen(table), kaplan_meier(table)
    assert sold["value"].to_numpy() == pytest.approx(1 - unsold["value"].to_numpy())
    both = pl.DataFrame({"low": sold["low"], "high": 1 - unsold["high"]}).drop_nulls()
    assert both["low"].to_numpy() == pytest.approx(both["high"].to_numpy(), abs=1e-6)


@FEW
@given(rows=ROWS)
def test_the_interval_holds_the_share_sold(rows: list[tuple[int, str]]) -> None:
    known = aalen_johansen(lag_table(rows_of(*rows))).drop_nulls("low")
    assert known.filter((pl.col("low") > pl.col("value") + 1e-9) | (pl.col("value") > pl.col("high") + 1e-9)).is_empty()


@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_order_changes_nothing_and_counted_rows_are_rows(rows: list[tuple[int, str]], seed: int) -> None:
    frame = rows_of(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    counted = frame.group_by("lag", "outcome").agg(n=pl.len())
    assert aalen_johansen(lag_table(frame)).equals(aalen_johansen(lag_table(shuffled)))
    assert aalen_johansen(lag_table(frame)).equals(aalen_johansen(lag_table(counted)))


@FEW
@given(rows=ROWS, more=st.integers(1, 9))
def test_an_opportunity_not_watched_yet_changes_no_number(rows: list[tuple[int, str]], more: int) -> None:
    frame = rows_of(*rows)
    added = pl.concat([frame, rows_of(*[(-1, OPEN)] * more)])
    columns = ["lag", "value", "variance", "low", "high", "lost", "open"]
    after = aalen_johansen(lag_table(added)).filter(pl.col("lag") >= 0)
    assert after.select(columns).equals(aalen_johansen(lag_table(frame)).select(columns))


def test_the_variance_is_how_much_the_curve_varies_when_some_are_still_open() -> None:
    """300 simulated stores of 200 opportunities: the mean stated variance at day 30 is that of the 300 shares."""
    random = np.random.default_rng(4)
    shares, variances = [], []
    for _ in range(300):
        sale, loss, watched = (random.exponential(scale, 200) for scale in (60, 40, 45))
        end = np.argmin([sale, loss, watched], axis=0)
        lag = np.minimum(np.minimum(sale, loss), watched)
        rows = pl.DataFrame({"lag": lag, "outcome": np.array([SOLD, LOST, OPEN])[end]})
        at_30 = aalen_johansen(lag_table(rows)).filter(pl.col("lag") <= 30)
        shares.append(at_30["value"][-1])
        variances.append(at_30["variance"][-1])
    assert np.mean(variances) == pytest.approx(np.var(shares), rel=0.15)


def test_a_sale_before_creation_has_lag_0() -> None:
    table = lag_table(rows_of((None, SOLD), (3, OPEN)))
    assert table.select("lag", "sold").rows() == [(0.0, 1.0), (3.0, 0.0)]


def test_an_open_row_without_a_lag_is_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match="Hint: give the time it has been watched"):
        lag_table(rows_of((None, OPEN)))
