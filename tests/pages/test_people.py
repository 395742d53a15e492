"""People: who is truly different, who only looks so, whom to coach first, who logs; on every warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from metrics import engine
from metrics.catalog import metric as declared
from metrics.comparisons.people import only_looking, people
from metrics.filters import Filters
from pages import people as page
from pages import people_adoption, people_coaching, team, team_words
from pages.charts.funnel_plot import describe_funnel_plot, draw_funnel_plot, ends, in_order
from pages.charts.gains import describe_gains, draw_gains
from tests.pages.conftest import Show
from tests.pages.test_pages import texts

WAREHOUSES = ("full", "long_names", "one_store", "one_row", "two_currencies", "empty", "missing")
VIEWS = ("fair comparison", "whom to coach", "adoption")
CONTACT_TO_APPOINTMENT = declared("contact_to_appointment")


def judged(person: str, verdict: str, observed: float, expected: float, **more: Any) -> dict[str, Any]:
    """A row of the fair comparison."""
    side = {"act": "worse", "watch": "worse"}.get(verdict)
    limits = {"act_low": 0.2, "watch_low": 0.3, "watch_high": 0.5, "act_high": 0.6, "seen_low": 30, "seen_high": 60}
    row = {"store": "North", "person": person, "n": 100.0, "observed": observed, "expected": expected}
    row |= {"adjusted_rate": observed / 100, "low": 0.1, "high": 0.3, "team_rate": 0.4, "n_immature": 0}
    return row | limits | {"verdict": verdict, "direction": side, "sentence": f"{person}. In short."} | more


ROWS = [judged("Ada Hill", "act", 15, 40), judged("Bo Park", "not distinguishable", 41, 40, n=80.0)]


@pytest.mark.parametrize("warehouse", WAREHOUSES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_renders_on_every_warehouse(show: Show, view: str, warehouse: str) -> None:
    app = show("people", warehouse, period="all data", view=view)
    assert not app.exception
    assert app.title[0].value


def test_the_answer_stands_before_the_choices(show: Show) -> None:
    shown = texts(show("people", period="all data"))
    assert "**Nobody is truly different from the team at any step**, on leads of the same kind." in shown
    assert "**Next:** coach nobody by this rate." in shown


def test_every_step_says_who_is_different_in_words(show: Show) -> None:
    steps = show("people", period="all data").table[0].value.set_index("Step")
    assert list(steps.index) == [declared(name).label for name in page.STEPS]
    assert set(steps["Truly different"]) == {"nobody"}


def test_the_table_tells_observed_from_expected(show: Show) -> None:
    table = show("people", period="all data", store="North").table[1].value.set_index("Person")
    assert list(table.index) == ["Ada Hill", "Bo Park"]
    assert table.loc["Ada Hill", "In words"].replace("\xa0", " ") == "not distinguishable from the team"
    assert "fewer or" in table.loc["Ada Hill", "Would stand out"]


def test_a_rate_without_that_lens_says_why(show: Show) -> None:
    app = show("people", period="all data", rate="closing rate", lens="appointment setter")
    assert any("starts before that" in info.value for info in app.info)


def test_the_team_stays_whole_when_one_person_is_picked(show: Show) -> None:
    table = show("people", period="all data", store="North", person="Ada Hill").table[1].value
    assert list(table["Person"]) == ["Ada Hill"]
    assert float(table["Expected"].iloc[0]) > 0


def test_the_trend_says_whether_chance_explains_the_change(show: Show) -> None:
    table = show("people", store="North").table[1].value
    assert all("may\xa0be\xa0chance" in cell or cell == "n/a" for cell in table["Trend, as counted"])


def test_a_person_who_is_one_alone_has_no_team(show: Show) -> None:
    app = show("people", "one_row", period="all data")
    assert "no team to compare with" in set(app.table[1].value["In words"])


def test_whoever_is_truly_different_is_named_first_with_both_counts() -> None:
    said = page.steps_answer([(CONTACT_TO_APPOINTMENT, ROWS, [])])
    assert said.startswith("**Ada Hill is truly below the team at contact to appointment** (15 of 100, ")
    assert "colleagues on the same leads 40.0" in said


def test_whoever_only_looks_so_is_told_with_the_leads_as_the_reason() -> None:
    looking = [ROWS[1] | {"plain": 0.1, "plain_low": 0.05, "plain_high": 0.2}]
    said = page.steps_answer([(CONTACT_TO_APPOINTMENT, ROWS[1:], looking)])
    assert "Nobody is truly different" in said
    assert "**Bo Park only looks below the team at contact to appointment**" in said
    assert said.endswith("The leads make the difference; what is left may be chance.")


def test_nothing_to_compare_says_so() -> None:
    assert "Nobody can be compared here" in page.steps_answer([])


def test_next_is_the_sheet_of_the_one_below_and_else_nobody() -> None:
    assert "open the sheet of Ada Hill" in team_words.next_step(ROWS)
    assert "coach nobody by this rate" in team_words.next_step(ROWS[1:])
    better = [ROWS[0] | {"direction": "better"}]
    assert "ask Ada Hill what they do differently" in team_words.next_step(better)
    assert "again next month" in team_words.next_step([judged("Cy", "watch", 30, 40)])


def test_a_watched_person_is_said_to_be_perhaps_chance() -> None:
    said = team_words.told_apart([judged("Cy", "watch", 30, 40), ROWS[1]], CONTACT_TO_APPOINTMENT)
    assert "Nobody is truly different" in said
    assert "To watch: Cy (below: 30 of 100" in said
    assert "one person in twenty" in said


def test_a_hostile_name_stays_a_name() -> None:
    said = team_words.different(judged("*Ada* [x](y)", "act", 15, 40), CONTACT_TO_APPOINTMENT)
    assert r"\*Ada\* \[x\]\(y\)" in said


def test_a_lower_rate_that_is_better_is_called_better() -> None:
    row = judged("Ada", "act", 15, 40) | {"direction": "better"}
    assert team_words.verdict(row) == "truly below the team, better"


def test_what_so_few_leads_can_tell_is_said_at_both_ends_or_not_at_all() -> None:
    row = ROWS[1]
    assert team_words.would_stand_out(row) == "30 and fewer or 60 and more"
    assert team_words.would_stand_out(row | {"seen_low": None}) == "60 and more"
    assert team_words.would_stand_out(row | {"seen_low": None, "seen_high": None}) == "no number: too few"


def test_long_lists_of_names_end_with_how_many_more() -> None:
    assert team_words.names(["A", "B", "C"]) == "A, B and C"
    assert team_words.names(list("ABCDEFG")) == "A, B, C, D, E and 2 more"


def test_only_looking_needs_the_leads_to_explain_the_plain_rate() -> None:
    compared = pl.DataFrame(
        [
            judged("Leads", "not distinguishable", 10, 10.5),
            judged("Luck", "not distinguishable", 10, 38.0),
            judged("Hardly", "not distinguishable", 34, 39.5),
            judged("Truly", "act", 10, 38.0),
            judged("Level", "not distinguishable", 38, 39.0),
        ]
    )
    plain = pl.DataFrame(
        [
            {"store": "North", "person": name, "value": value, "low": value - 0.06, "high": value + 0.06}
            for name, value in (("Leads", 0.1), ("Luck", 0.1), ("Hardly", 0.339), ("Truly", 0.1), ("Level", 0.38))
        ]
    )
    assert only_looking(compared, plain)["person"].to_list() == ["Leads"]


# The funnel plot ------------------------------------------------------------------------------------------------------

PLOT = pl.DataFrame([*ROWS, judged("(unassigned)", "nobody's own", 1, 1, adjusted_rate=None)])


def test_a_funnel_plot_has_few_leads_on_top_and_leaves_out_who_is_not_judged() -> None:
    assert in_order(PLOT)["person"].to_list() == ["Bo Park", "Ada Hill"]
    bands = draw_funnel_plot(PLOT, "share").data[:2]
    assert [list(band.base) for band in bands] == [[0.2, 0.2], [0.3, 0.3]]
    assert [round(width, 6) for width in bands[0].x] == [0.4, 0.4]


def test_a_funnel_plot_tells_verdicts_apart_without_colour() -> None:
    drawn = {trace.name: trace for trace in draw_funnel_plot(PLOT, "share").data}
    assert drawn["outside 99.8%: act"].marker.symbol == "diamond"
    assert list(drawn["within the limits"].y) == ["Bo Park (n 80)"]


def test_stores_share_one_scale() -> None:
    least, most = 0.15, 0.8
    both = pl.concat([PLOT, pl.DataFrame([judged("Cy", "act", 100 * most, 40)])], how="diagonal_relaxed")
    low, high = ends(both) or (least, most)
    assert low < least
    assert high > most
    assert list(draw_funnel_plot(PLOT, "share", (low, high)).layout.xaxis.range) == [low, high]
    assert ends(PLOT.clear()) is None


def test_the_sentence_of_a_funnel_plot_names_who_is_outside_which_limits() -> None:
    said = describe_funnel_plot(PLOT, "Set rate", "share")
    assert said == "Set rate at equal leads of 2 people, team 40.0%. Outside the 99.8% limits: Ada Hill."
    assert describe_funnel_plot(PLOT[1:2], "Set rate", "share").endswith("within the limits of chance.")
    assert "nobody can be compared" in describe_funnel_plot(PLOT.clear(), "Set rate", "share")


# Whom to coach --------------------------------------------------------------------------------------------------------


def gap(person: str, sales: float | None, low: float | None, **more: Any) -> dict[str, Any]:
    """A row of the coaching comparison; the interval reaches as far above as below."""
    high = None if sales is None or low is None else 2 * sales - low
    row = {
        "store": "North",
        "person": person,
        "step": "show_rate",
        "n": 50.0,
        "observed": 20.0,
        "observed_rate": 0.4,
        "rate": 0.4,
        "expected_rate": 0.6,
    }
    row |= {
        "gap": 0.2 if sales else -0.1,
        "shows": None,
        "shows_low": None,
        "sales": sales,
        "sales_low": low,
        "sales_high": high,
    }
    gross = dict.fromkeys(("gross", "gross_low", "gross_high"))
    if sales is not None and low is not None and high is not None:
        gross = {"gross": 1000 * sales, "gross_low": 1000 * low, "gross_high": 1000 * high}
    return row | gross | more


GAPS = [gap("Bo", 3.0, 1.0), gap("Ada", 4.0, -1.0), gap("Cy", 5.0, 0.5), gap("Di", None, None)]


def test_only_gaps_beyond_luck_are_worth_coaching_the_largest_first() -> None:
    worth = people_coaching.worthwhile(GAPS)
    assert [row["person"] for row in worth] == ["Cy", "Bo"]
    said = people_coaching.answer(worth, {"North": "USD"})
    assert said.startswith("**Coach Cy on show rate first.** 20 of 50 \\(40.0%\\); colleagues")
    assert "5.0 sales and \\$5,000 gross \\(95% interval \\$500 to \\$9,500\\) a month" in said
    assert said.endswith("Then Bo on show rate (3.0 sales a month).")


def test_a_gap_before_the_show_is_sure_by_its_shows() -> None:
    assert people_coaching.is_sure(gap("Ada", 4.0, -1.0, shows_low=0.5))
    assert not people_coaching.is_sure(gap("Ada", 4.0, 1.0, shows_low=-0.5))


@pytest.mark.parametrize(("page", "query"), [("person", {}), ("people", {"view": "whom to coach"})])
def test_whoever_loses_at_two_steps_has_one_way_to_the_sheet(
    show: Show, monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str]
) -> None:
    two = [gap("Ada Hill", 5.0, 0.5), gap("Ada Hill", 3.0, 1.0, step="contact_rate"), gap("Bo Park", 2.0, 1.0)]
    nothing = dict.fromkeys(("shows_high",))
    monkeypatch.setattr(team, "worth_coaching", lambda _: pl.DataFrame([row | nothing for row in two]))
    app = show(page, period="all data", **query)
    assert not app.exception
    assert "Coach Ada Hill on show rate first" in texts(app)
    if page == "person":
        ways = [button for button in app.button if button.label.startswith("Coaching sheet of ")]
        assert [button.label for button in ways] == ["Coaching sheet of Ada Hill", "Coaching sheet of Bo Park"]
        ways[0].click().run()
        assert app.query_params["who"] == ["a1"] or app.query_params["who"] == "a1"


def test_nobody_is_coached_by_luck() -> None:
    assert "Nobody loses more than luck" in people_coaching.answer([], {})


def test_a_gap_says_whether_luck_explains_it() -> None:
    words = [people_coaching.in_words(row) for row in GAPS]
    assert words == [
        "behind by more than luck",
        "luck may explain this gap",
        "behind by more than luck",
        "not behind the colleagues",
    ]
    assert "no colleagues" in people_coaching.in_words(GAPS[3] | {"gap": None})


def test_gaps_are_listed_beyond_luck_first_then_by_name() -> None:
    assert people_coaching.table(GAPS, {"North": "USD"})["Person"].to_list() == ["Cy", "Bo", "Ada", "Di"]
    assert people_coaching.most_valuable(pl.DataFrame(GAPS))["person"].to_list() == ["Bo", "Cy", "Ada"]


def test_the_chart_of_gains_marks_luck_hollow_and_says_whose_gap_is_sure() -> None:
    best = people_coaching.most_valuable(pl.DataFrame(GAPS))
    assert list(draw_gains(best).data[0].marker.symbol) == ["circle", "circle", "circle-open"]
    assert describe_gains(best).endswith("Beyond luck: Cy at show rate, 5.0; Bo at show rate, 3.0.")
    assert describe_gains(best[2:]).endswith("Each gap may be luck.")


def test_the_coaching_view_works_in_each_store_s_currency(show: Show) -> None:
    app = show("people", "two_currencies", period="all data", view="whom to coach")
    assert not app.exception
    assert "Nobody loses more than luck" in texts(app)


# Adoption -------------------------------------------------------------------------------------------------------------


def number(name: str, person: str, value: float | None, of: float | None = None) -> dict[str, Any]:
    """A row as `evaluate` gives it."""
    hits = None if value is None or of is None else value * of
    return {"metric": name, "person": person, "value": value, "numerator": hits, "denominator": of}


def test_adoption_without_any_log_says_so(show: Show) -> None:
    app = show("people", period="all data", view="adoption")
    assert any("Nobody logged anything" in info.value for info in app.info)


def test_adoption_lists_people_by_name_with_n_and_a_word_only_where_they_are_apart() -> None:
    days, touches = "days_without_logging", "touches_logged"
    rows = [
        number(days, "Bo Park", 0.1, 50),
        number(days, "Ada Hill", 0.5, 50),
        number(touches, "Ada Hill", 12),
        number(touches, "(unassigned)", 3),
        number(touches, "Cy Ford", None),
    ]
    grid = people_adoption.of_people(pl.DataFrame(rows, infer_schema_length=None))
    table = people_adoption.table(grid, [touches, days], {days: ROWS})
    assert table["Person"].to_list() == ["Ada Hill", "Bo Park"]
    assert table["Touches logged"].to_list() == ["12", "n/a"]
    assert table["Days without an entry"].str.replace_all("\\\\", "").to_list() == [
        "50.0% (25\u00a0of\u00a050), truly worse",
        "10.0% (5\u00a0of\u00a050)",
    ]


def test_adoption_names_who_logs_truly_less() -> None:
    found = {"days_without_logging": ROWS, "tasks_done_on_time": ROWS[1:]}
    assert "Ada Hill truly worse at days without an entry" in people_adoption.answer(found)
    assert "Nobody uses the CRM truly less" in people_adoption.answer({"tasks_done_on_time": ROWS[1:]})


# The numbers are those of the command line ----------------------------------------------------------------------------


def test_the_page_shows_what_the_comparison_finds(show: Show, showrooms: dict[str, Path]) -> None:
    table = show("people", period="all data", store="North").table[1].value.set_index("Person")
    found = people(
        engine.open_warehouse(showrooms["full"]), "contact_to_appointment", Filters(where={"store": ("North",)})
    )
    for row in found.to_dicts():
        assert table.loc[row["person"], "Expected"] == f"{row['expected']:,.1f}"
