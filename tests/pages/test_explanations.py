"""Comparisons in words: whose share moved a rate, whether a target is in reach, what to do about a source."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.catalog import metric
from metrics.comparisons.shifts import Why
from pages import explanations, sentences


def reason(change: float, mix: float) -> Why:
    return Why("closing_rate", "source", change, mix, change - mix, "Ads", 0.042, 0.5)


def test_a_fall_is_said_in_points_of_mix_and_rates() -> None:
    assert explanations.why(reason(-0.08, -0.051)) == (
        "Closing rate fell 8.0 points: 5.1 is the mix of source (more Ads: 4.2% of the leads then, 50.0% now), "
        "2.9 the rates within each source."
    )


def test_a_part_that_goes_against_the_change_has_a_minus() -> None:
    assert "-1.0 is the mix of source" in explanations.why(reason(0.02, -0.01))
    assert "-1.0 is the mix of source" in explanations.why(reason(-0.02, 0.01))


@pytest.mark.parametrize(
    ("change", "mix", "words"), [(0.02, 0.0, "none of it is the mix"), (0.02, 0.02, "all of it is")]
)
def test_a_change_of_one_kind_says_so(change: float, mix: float, words: str) -> None:
    assert words in explanations.why(reason(change, mix))


def test_nothing_is_explained_where_nothing_moved() -> None:
    assert explanations.why(reason(0.0001, 0.0)) == ""
    assert explanations.why(None) == ""
    assert explanations.between_stores(None, ("North", "South")) == ""


def test_the_difference_of_two_stores_is_split_too() -> None:
    told = explanations.between_stores(reason(0.03, 0.01), ("North", "South"))
    assert told == (
        "Of the +3.0 points, +1.0 is the mix of source (Ads: 50.0% of the leads at North, 4.2% at South) "
        "and +2.0 the rates within each."
    )


def test_a_small_part_of_the_mix_needs_no_example() -> None:
    told = explanations.between_stores(reason(0.025, 0.002), ("North", "South"))
    assert told == "Of the +2.5 points, +0.2 is the mix of source and +2.3 the rates within each."


def rate(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def test_two_stores_are_apart_only_beyond_chance() -> None:
    names = "North", "South"
    apart = explanations.stores(rate(0.15, 0.14, 0.16), rate(0.12, 0.11, 0.13), names, "Closing rate")
    assert apart.startswith("Closing rate: North is 3.0 points above South, more than chance explains")
    close = explanations.stores(rate(0.15, 0.10, 0.20), rate(0.12, 0.08, 0.17), names, "Closing rate")
    assert close.startswith("Closing rate: North and South cannot be told apart")
    assert explanations.stores(rate(0.15, None, None), rate(0.12, 0.1, 0.2), names, "Closing rate") == ""


def store(low: float, high: float, target: float | None) -> dict[str, Any]:
    ends = {"projected": (low + high) / 2, "low": low, "high": high}
    return {"store": "North", "so_far": 50.0, "days_left": 7, "target": target, "reason": None, **ends}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (60.0, "will be met"),
        (75.0, "more likely met than missed"),
        (85.0, "more likely missed than met"),
        (99.0, "out of reach at this pace"),
    ],
)
def test_a_target_is_held_against_the_interval_of_the_month_end(target: float, words: str) -> None:
    (told,) = explanations.pace([store(70.0, 90.0, target)])
    assert told.startswith("North: 50 so far, about 80 at the end (70 to 90) with 7 open days left; the target")
    assert words in told


def test_a_store_without_history_says_the_reason_and_one_without_a_target_none() -> None:
    unknown = store(1.0, 2.0, 3.0) | {"projected": None, "reason": "Too little history."}
    assert explanations.pace([unknown, store(70.0, 90.0, None)]) == [
        "North: 50 so far. Too little history.",
        "North: 50 so far, about 80 at the end (70 to 90) with 7 open days left.",
    ]


def test_a_month_without_an_open_day_left_is_over() -> None:
    over = store(50.0, 50.0, 60.0) | {"days_left": 0}
    assert explanations.pace([over]) == ["North: 50, and no open day is left; the target of 60 is missed."]


def test_the_next_step_is_the_one_furthest_below_its_target_beyond_chance() -> None:
    now = {"contact_rate": rate(0.6, 0.58, 0.62), "show_rate": rate(0.3, 0.28, 0.32), "set_rate": rate(0.1, 0.01, 0.9)}
    aims = {"contact_rate": 0.7, "show_rate": 0.6, "set_rate": 0.5}
    told, name = explanations.next_step(now, {}, aims)
    assert name == "show_rate"
    assert told == "Show rate is furthest below its target: 30.0% beside 60.0%, beyond chance."


def test_without_targets_the_next_step_is_one_that_fell_beyond_chance() -> None:
    now, before = {"show_rate": rate(0.3, 0.28, 0.32)}, {"show_rate": rate(0.4, 0.38, 0.42)}
    assert explanations.next_step(now, before, {"show_rate": None}) == ("Show rate fell beyond chance.", "show_rate")
    assert explanations.next_step(before, now, {"show_rate": None})[1] == ""


def test_a_curve_is_said_at_its_marks_with_interval_and_comparison() -> None:
    now = [{"day": 7, **rate(0.076, 0.067, 0.087)}, {"day": 30, **rate(0.1, None, None)}]
    assert explanations.waited(now, [{"day": 7, "value": 0.061}]) == (
        "Had bought: 7.6% within 7 days (95% interval 6.7% to 8.7%, 6.1% in the comparison); 10.0% within 30 days."
    )
    assert "too young" in explanations.waited([], [])


def action(name: str, source: str, **more: Any) -> dict[str, Any]:
    known = {"spend": 100.0, "roi": 0.34, "low": -0.18, "high": 1.12, "state": None, "at_fault": ["North"]}
    return {"action": name, "source": source, **known, **more}


def test_sources_are_named_by_what_to_do_with_their_return_and_its_interval() -> None:
    rows = [
        action("cut", "AutoBazaar"),
        action("mend", "CarFinder"),
        action("wait", "Thin", low=None, high=None, state="fewer than 5 sales"),
        action("unknown", "Phone", spend=None, roi=None),
    ]
    told = dict(explanations.source_actions(rows, "USD"))
    assert told["Cut or renegotiate:"].startswith("AutoBazaar ($0.34 for each $1, -$0.18 to $1.12). They may not earn")
    assert told["Our own fault, mend first:"].startswith(
        "CarFinder ($0.34 for each $1, -$0.18 to $1.12; our handling at North). We answer"
    )
    assert told["Cannot be told yet:"].startswith("Thin ($0.34 for each $1, fewer than 5 sales).")
    assert told["Spend unknown:"] == "Phone. Nobody entered what they cost."


def test_a_step_at_which_nobody_is_lost_is_named_too_where_it_moved() -> None:
    def rate(value: float) -> dict[str, Any]:
        return {"value": value, "low": value - 0.01, "high": value + 0.01, "numerator": 100 * value, "denominator": 100}

    steps = dict.fromkeys(sentences.STEPS, rate(0.5))
    now, before = ({**steps, "answered_within_standard": rate(value)} for value in (0.6, 0.5))
    assert sentences.where_lost(now, before).endswith(
        f"Moved beyond chance: {metric('answered_within_standard').label.lower()} +10.0 points."
    )
    assert sentences.where_lost(steps, steps).endswith("No step moved beyond chance.")
