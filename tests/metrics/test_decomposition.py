"""Change explained: the parts are those of Kitagawa and Das Gupta, and they sum to the whole."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.statistics.decomposition import decompose_hits, decompose_rate, rank_dimensions

FEW = settings(max_examples=40)
CELLS = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.integers(0, 400).flatmap(lambda chances: st.tuples(st.just(chances), st.integers(0, chances))),
    max_size=7,
)
Cells = dict[str, tuple[int, int]]


def frame(cells: Cells) -> pl.DataFrame:
    rows = [(name, chances, hits) for name, (chances, hits) in cells.items()]
    return pl.DataFrame(rows, schema={"source": pl.String, "chances": pl.Int64, "hits": pl.Int64}, orient="row")


WALK_IN_AND_WEB: Cells = {"walk-in": (100, 30), "web": (100, 10)}
MORE_WEB: Cells = {"walk-in": (100, 30), "web": (300, 36)}


def total(split: pl.DataFrame) -> dict[str, float | None]:
    """The parts of a decomposition, summed over its cells; null where there is none."""
    parts = [name for name in ("volume", "mix", "rate", "change") if name in split.columns]
    return {name: float(split[name].sum()) if split[name].count() else None for name in parts}


def test_kitagawas_two_parts_worked_by_hand() -> None:
    """Shares go from 1/2, 1/2 to 1/4, 3/4; rates from 30 %, 10 % to 30 %, 12 %: mix -0.25 x 0.19, rate 0.625 x 0.02."""
    found = total(decompose_rate(frame(WALK_IN_AND_WEB), frame(MORE_WEB), "source"))
    assert found == pytest.approx({"mix": -0.25 * (0.30 - 0.11), "rate": 0.625 * 0.02})


@FEW
@given(before=CELLS, now=CELLS)
def test_three_parts_are_the_mean_over_all_orders_of_change(before: Cells, now: Cells) -> None:
    """Das Gupta's symmetric formula is the mean, over the six orders in which total, shares and rates may change."""
    found = total(decompose_hits(frame(before), frame(now), "source"))
    if not (sum(n for n, _ in before.values()) and sum(n for n, _ in now.values())):
        return
    expected = by_orders(before, now)
    assert [found[name] for name in ("volume", "mix", "rate")] == pytest.approx(expected, abs=1e-6)


def by_orders(before: Cells, now: Cells) -> list[float]:
    """What each factor changes, step by step, averaged over the orders; a missing rate is that of the other period."""
    names = sorted(before.keys() | now.keys())
    factors = []
    for this, other in ((before, now), (now, before)):
        size = sum(chances for chances, _ in this.values())
        shares = [this.get(name, (0, 0))[0] / size for name in names]
        factors.append((size, shares, [rate_of(this, other, name) for name in names]))
    changes = [0.0, 0.0, 0.0]
    for order in permutations(range(3)):
        state = list(factors[0])
        for factor in order:
            earlier = hits_of(state)
            state[factor] = factors[1][factor]
            changes[factor] += (hits_of(state) - earlier) / 6
    return changes


def rate_of(this: Cells, other: Cells, name: str) -> float:
    for cells in (this, other):
        chances, hits = cells.get(name, (0, 0))
        if chances:
            return hits / chances
    return 0.0


def hits_of(state: list[Any]) -> float:
    size, shares, rates = state
    return float(sum(size * share * rate for share, rate in zip(shares, rates, strict=True)))


@FEW
@given(before=CELLS, now=CELLS)
def test_the_parts_sum_to_the_change_in_every_cell_and_in_all(before: Cells, now: Cells) -> None:
    split = decompose_hits(frame(before), frame(now), "source")
    for row in split.iter_rows(named=True):
        change = now.get(row["source"], (0, 0))[1] - before.get(row["source"], (0, 0))[1]
        assert row["volume"] + row["mix"] + row["rate"] == pytest.approx(change, abs=1e-9)
        assert row["change"] == change


@FEW
@given(before=CELLS, now=CELLS)
def test_mix_and_rate_sum_to_the_change_of_the_rate_or_are_null(before: Cells, now: Cells) -> None:
    found = total(decompose_rate(frame(before), frame(now), "source"))
    sums = [(sum(n for n, _ in cells.values()), sum(hits for _, hits in cells.values())) for cells in (before, now)]
    if not all(chances for chances, _ in sums):
        assert found == {"mix": None, "rate": None}
    else:
        rates = [hits / chances for chances, hits in sums]
        assert (found["mix"] or 0.0) + (found["rate"] or 0.0) == pytest.approx(rates[1] - rates[0], abs=1e-9)


@FEW
@given(before=CELLS, now=CELLS)
def test_looking_back_turns_every_sign(before: Cells, now: Cells) -> None:
    there = total(decompose_hits(frame(before), frame(now), "source"))
    back = total(decompose_hits(frame(now), frame(before), "source"))
    for name in ("mix", "rate", "change"):
        assert there[name] == pytest.approx(-(back[name] or 0.0) if back[name] is not None else None, abs=1e-9)


@FEW
@given(before=CELLS, now=CELLS, times=st.integers(2, 5))
def test_more_of_the_same_is_volume_alone(before: Cells, now: Cells, times: int) -> None:
    more = {name: (chances * times, hits * times) for name, (chances, hits) in before.items()}
    found = total(decompose_hits(frame(before), frame(more), "source"))
    if before:
        assert found["mix"] == pytest.approx(0, abs=1e-9)
        assert found["rate"] == pytest.approx(0, abs=1e-9)


@FEW
@given(before=CELLS, now=CELLS)
def test_names_and_order_change_nothing(before: Cells, now: Cells) -> None:
    there, then = (frame({chr(219 - ord(name)): cell for name, cell in cells.items()}) for cells in (before, now))
    one = decompose_hits(frame(before), frame(now), "source").drop("source")
    two = decompose_hits(there.reverse(), then.reverse(), "source").drop("source").reverse()
    assert one.to_numpy() == pytest.approx(two.to_numpy(), abs=1e-9)


def test_a_source_that_came_or_went_counts_as_mix_and_never_as_rate() -> None:
    split = decompose_rate(
        frame({"a": (100, 20), "gone": (100, 10)}), frame({"a": (100, 20), "new": (100, 40)}), "source"
    )
    assert split["rate"].to_list() == [0, 0, 0]
    assert split["mix"].sum() == pytest.approx(60 / 200 - 30 / 200)
    assert split.filter(pl.col("source") == "new")["mix"][0] > 0
    assert split.filter(pl.col("source") == "gone")["mix"][0] > 0


def test_a_gained_share_of_a_weak_source_counts_against_the_rate() -> None:
    split = decompose_hits(frame(WALK_IN_AND_WEB), frame(MORE_WEB), "source")
    assert split.filter(pl.col("source") == "web")["mix"][0] < 0
    assert split.filter(pl.col("source") == "walk-in")["mix"][0] < 0


def test_from_nothing_all_is_volume() -> None:
    found = total(decompose_hits(frame({}), frame(WALK_IN_AND_WEB), "source"))
    assert found == pytest.approx({"volume": 40, "mix": 0, "rate": 0, "change": 40}, abs=1e-12)


def test_the_dimension_whose_shift_moved_most_stands_first() -> None:
    by_type = (frame({"new": (100, 20), "used": (100, 20)}), frame({"new": (150, 30), "used": (250, 36)}))
    frames = {
        "lead_type": tuple(part.rename({"source": "lead_type"}) for part in by_type),
        "source": (frame(WALK_IN_AND_WEB), frame(MORE_WEB)),
    }
    ranked = rank_dimensions({name: (pair[0], pair[1]) for name, pair in frames.items()})
    assert ranked["dimension"].to_list() == ["source", "lead_type"]
    assert ranked["mix"][0] == pytest.approx(-0.25 * 0.19)
