"""Verdicts on people, and what they say in words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from metrics.statistics.funnel_limits import expectation, mid_p
from metrics.statistics.verdicts import ACT_NOW, ALIKE, ALONE, WATCH_IT, compare, sentence, tell_apart

CALM = settings(deadline=None, derandomize=True, max_examples=25)
CELL = st.tuples(st.integers(0, 7), st.integers(0, 3), st.booleans(), st.integers(1, 80), st.floats(0, 1))


def cells(*people: tuple[str, int, int]) -> pl.DataFrame:
    """People with chances and hits, all on leads of one kind."""
    return pl.DataFrame(people, schema=["person", "chances", "hits"], orient="row")


def drawn(rows: list[tuple[int, int, bool, int, float]]) -> pl.DataFrame:
    """Cells of people by source and hours."""
    return pl.DataFrame(
        [(f"person {who}", f"source {source}", late, n, round(n * share)) for who, source, late, n, share in rows],
        schema=["person", "source", "late", "chances", "hits"],
        orient="row",
    )


def judged(*people: tuple[str, int, int]) -> dict[str, dict[str, object]]:
    found = compare(cells(*people), "person")
    return {str(row["person"]): row for row in found.to_dicts()}


TEAM = (("Ada", 150, 45), ("Ben", 150, 47), ("Cy", 150, 43), ("Di", 150, 44), ("Ed", 150, 46))


def test_who_does_what_the_team_does_is_not_told_apart() -> None:
    assert {row["verdict"] for row in judged(*TEAM).values()} == {ALIKE}
    assert {row["direction"] for row in judged(*TEAM).values()} == {None}


def test_who_is_far_off_is_acted_on_and_who_is_a_little_off_is_watched() -> None:
    found = judged(*TEAM, ("Flo", 150, 16), ("Gus", 150, 31))
    assert (found["Flo"]["verdict"], found["Flo"]["direction"]) == (ACT_NOW, "worse")
    assert (found["Gus"]["verdict"], found["Gus"]["direction"]) == (ALIKE, None)
    found = judged(*TEAM, ("Gus", 150, 28))
    assert (found["Gus"]["verdict"], found["Gus"]["direction"]) == (WATCH_IT, "worse")


def test_more_is_worse_where_less_is_better() -> None:
    found = compare(cells(*TEAM, ("Flo", 150, 16), ("Gus", 150, 90)), "person", is_higher_better=False)
    directions = dict(found.select("person", "direction").iter_rows())
    assert (directions["Flo"], directions["Gus"]) == ("better", "worse")


def test_one_person_alone_gets_no_verdict() -> None:
    found = compare(cells(("Ada", 150, 3)), "person").to_dicts()[0]
    assert found["verdict"] == ALONE
    needs_colleagues = ("expected", "ratio", "adjusted_rate", "low", "high", "shrunken_rate", "watch_low", "tail")
    assert [found[name] for name in (*needs_colleagues, "seen_low", "seen_high", "direction")] == [None] * 11
    assert sentence(found, "leads", "sales") == (
        "150 leads, 3 sales. Nobody else had such leads, so there is no team to compare with."
    )


def test_the_columns_are_the_same_for_one_person_as_for_a_team() -> None:
    assert compare(cells(("Ada", 150, 3)), "person").schema == compare(cells(*TEAM), "person").schema


def test_a_team_of_nobody_is_an_empty_answer() -> None:
    assert compare(cells(*TEAM).clear(), "person").is_empty()


def test_the_adjusted_rate_forgives_poor_leads() -> None:
    """Ada has only poor leads and closes them as everybody does."""
    rows = [
        ("Ada", "poor", 200, 10),
        *((name, "poor", 60, 3) for name in "BCD"),
        *((n, "good", 140, 28) for n in "BCD"),
    ]
    found = compare(pl.DataFrame(rows, ["person", "source", "chances", "hits"], orient="row"), "person", ("source",))
    ada = found.row(0, named=True)
    assert ada["observed"] / ada["chances"] == pytest.approx(0.05)
    assert ada["adjusted_rate"] == pytest.approx(ada["team_rate"], rel=0.25)
    assert ada["verdict"] == ALIKE


def test_words_say_who_differs_and_how_sure_that_is() -> None:
    found = judged(*TEAM, ("Flo", 150, 16))
    assert sentence(found["Flo"], "leads", "appointments") == (
        "150 leads, 16 appointments; colleagues on the same leads: 45.0. This is different from the team "
        "(fewer, worse): chance alone goes so far in under 1 in 500."
    )


def test_words_say_what_it_would_take_to_be_seen() -> None:
    found = judged(*TEAM)["Ada"]
    low, high = found["seen_low"], found["seen_high"]
    assert sentence(found, "leads", "sales") == (
        f"150 leads, 45 sales; colleagues on the same leads: 45.0. Not distinguishable from the team. "
        f"To stand out, it would take {low} or fewer, or {high} or more sales of 150."
    )


def test_words_say_what_so_few_leads_cannot_tell() -> None:
    found = judged(*TEAM, ("Flo", 8, 2), ("Gus", 1, 0))
    assert found["Flo"]["seen_low"] is None
    assert (
        f"So few leads cannot show a low rate, even with no sales; {found['Flo']['seen_high']} or more of 8"
        in sentence(found["Flo"], "leads", "sales")
    )
    assert sentence(found["Gus"], "leads", "sales").endswith(
        "1 leads are too few to tell: no number of sales would show a difference."
    )


def test_what_would_be_seen_is_exactly_what_would_be_called() -> None:
    """The numbers in the sentence, tried: one hit nearer is not called, these are."""
    found = judged(*TEAM)["Ada"]
    low, high = int(str(found["seen_low"])), int(str(found["seen_high"]))
    verdicts = {
        hits: judged(("Ada", 150, hits), *TEAM[1:])["Ada"]["verdict"] for hits in (low, low + 1, high - 1, high)
    }
    assert verdicts == {low: WATCH_IT, low + 1: ALIKE, high - 1: ALIKE, high: WATCH_IT}


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40))
def test_a_point_lies_outside_the_drawn_limits_exactly_where_the_verdict_says_so(
    rows: list[tuple[int, int, bool, int, float]],
) -> None:
    found = compare(drawn(rows), "person", ("source",), ("late",)).filter(pl.col("verdict") != ALONE)
    # Rounding decides only where a point lies on a limit; a rate at an end of the scale cannot be drawn outside it.
    clear = found.filter((pl.col("adjusted_rate") > 0) & (pl.col("adjusted_rate") < 1))
    outside = clear.filter(
        (pl.col("adjusted_rate") < pl.col("watch_low") - 1e-4) | (pl.col("adjusted_rate") > pl.col("watch_high") + 1e-4)
    )
    inside = clear.filter(
        (pl.col("adjusted_rate") > pl.col("watch_low") + 1e-4) & (pl.col("adjusted_rate") < pl.col("watch_high") - 1e-4)
    )
    assert ALIKE not in outside["verdict"].to_list()
    assert set(inside["verdict"]) <= {ALIKE}


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40))
def test_rates_lie_in_their_intervals_and_limits_in_order(rows: list[tuple[int, int, bool, int, float]]) -> None:
    found = compare(drawn(rows), "person", ("source",), ("late",)).filter(pl.col("verdict") != ALONE)
    ordered = (
        (pl.col("low") <= pl.col("adjusted_rate") + 1e-6)
        & (pl.col("adjusted_rate") <= pl.col("high") + 1e-6)
        & (pl.col("shrunken_low") <= pl.col("shrunken_high"))
        & (pl.col("act_low") <= pl.col("watch_low") + 1e-9)
        & (pl.col("watch_low") <= pl.col("watch_high"))
        & (pl.col("watch_high") <= pl.col("act_high") + 1e-9)
    )
    has_rate = (pl.col("team_rate") > 0) & (pl.col("team_rate") < 1)
    assert found.filter(has_rate).select(ordered.all()).item()


@CALM
@given(rows=st.lists(CELL, min_size=2, max_size=40), seed=st.integers(0, 99))
def test_the_order_of_cells_changes_nothing(rows: list[tuple[int, int, bool, int, float]], seed: int) -> None:
    one = compare(drawn(rows), "person", ("source",), ("late",))
    other = compare(drawn(rows).sample(fraction=1, shuffle=True, seed=seed), "person", ("source",), ("late",))
    assert_frame_equal(one, other, abs_tol=1e-3)


@pytest.mark.parametrize("hits", [0, 40])
def test_a_team_that_never_or_always_hits_has_no_one_to_call(hits: int) -> None:
    found = compare(cells(("Ada", 40, hits), ("Ben", 40, hits), ("Cy", 40, hits)), "person")
    assert set(found["verdict"]) == {ALIKE}
    assert found.select(pl.col("adjusted_rate", "low", "high", "shrunken_rate").is_finite().all()).row(0) == (True,) * 4


def test_the_tail_is_the_one_of_the_expectation() -> None:
    found = compare(cells(*TEAM), "person")
    known = expectation(*(found[name].to_numpy() for name in ("expected", "spread", "expected_variance")))
    assert found["tail"].to_numpy() == pytest.approx(mid_p(found["observed"].to_numpy(), known))
    assert np.all(known.sd > 0)


def test_teams_are_judged_each_by_itself_and_stand_in_the_order_of_their_names() -> None:
    north, south = cells(*TEAM), cells(("Ada", 150, 30), ("Zoe", 90, 40), ("Yul", 120, 21))
    alone = cells(("Max", 60, 12))
    teams = {"North": north, "South": south, "West": alone}
    together = pl.concat([rows.with_columns(team=pl.lit(name)) for name, rows in teams.items()])
    found = compare(together.sample(fraction=1, shuffle=True, seed=2), "person", team="team")
    each = [compare(rows, "person").with_columns(team=pl.lit(name)) for name, rows in teams.items()]
    assert_frame_equal(found, pl.concat(each).select(found.columns))


def test_who_is_told_apart_is_the_same_with_and_without_limits() -> None:
    people = cells(*TEAM, ("Flo", 150, 16), ("Gus", 150, 90))
    told = tell_apart(people, "person")
    assert {"act", "not distinguishable"} <= set(told["verdict"])
    assert_frame_equal(told, compare(people, "person").select(told.columns))
