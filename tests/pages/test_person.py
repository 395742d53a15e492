"""Person: one coaching sheet, what is agreed on it, and the same sheet on paper."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from metrics.filters import Filters
from pages import actions, coached, person_actions
from pages.actions import Action
from pages.charts.against import describe_against, draw_against
from pages.coached import Rate, Subject
from pages.journal import open_journal
from pages.person_sheet import person_sheet
from pages.sheet import Bars, Lines, Table
from tests.pages.conftest import Show
from tests.pages.test_pages import texts
from tests.pages.test_people import WAREHOUSES, gap, judged

ADA = "a1"
TODAY = dt.date(2026, 6, 30)
DAYS = (dt.date(2026, 5, 1), dt.date(2026, 6, 1))


@pytest.fixture(autouse=True)
def journal_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test agrees is not there for the next."""
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "journal.sqlite"))


@pytest.mark.parametrize("warehouse", WAREHOUSES)
@pytest.mark.parametrize("who", [None, ADA, "nobody"])
def test_a_sheet_renders_on_every_warehouse(show: Show, warehouse: str, who: str | None) -> None:
    app = show("person", warehouse, period="all data", **({"who": who} if who else {}))
    assert not app.exception
    assert app.title[0].value


def test_without_a_person_the_page_says_whose_sheet_is_worth_opening(show: Show) -> None:
    app = show("person", period="all data")
    assert [header.value for header in app.subheader] == ["Whose sheet is worth opening"]
    assert "Nobody loses more than luck" in texts(app)


def test_a_link_to_a_person_who_is_not_there_says_so(show: Show) -> None:
    app = show("person", period="all data", who="someone else")
    assert any("This link asks for a person" in warning.value for warning in app.warning)


def test_a_link_to_a_person_of_a_store_that_is_filtered_out_says_where_they_work(show: Show) -> None:
    stores = show("person", period="all data", who=ADA)
    [home] = [name for name in ("North", "South") if f"at {name}" in texts(stores)]
    away = "South" if home == "North" else "North"
    app = show("person", period="all data", who=ADA, store=away)
    assert [info.value for info in app.info][:1] == [f"Ada Hill works at {home}, which the filter Store leaves out."]
    assert not any("This link asks" in warning.value for warning in app.warning)


def test_a_machine_and_nobody_have_no_sheet(show: Show) -> None:
    options = show("person", period="all data").selectbox(key="person_chosen").options
    assert options == ["Ada Hill", "Bo Park", "Cy Ford"]
    app = show("person", period="all data", who="unassigned")
    assert any("This link asks for a person" in warning.value for warning in app.warning)
    assert not any("leaves out" in info.value for info in app.info)


def test_choosing_a_person_puts_the_key_into_the_address(show: Show) -> None:
    app = show("person", period="all data")
    app.selectbox(key="person_chosen").select("a2").run()
    assert app.query_params["who"] in ("a2", ["a2"])
    assert "### Bo Park" in texts(app)


def test_the_sheet_begins_with_where_sales_are_lost_and_what_to_do(show: Show) -> None:
    shown = texts(show("person", period="all data", who=ADA))
    assert "**Ada Hill loses no more at any step than luck explains**" in shown
    assert "Not distinguishable from the team at contact rate" in shown
    assert "**Next:** nothing to coach from these numbers." in shown


def test_the_steps_stand_beside_what_colleagues_reach(show: Show) -> None:
    steps = show("person", period="all data", who=ADA).table[0].value.set_index("Step")
    assert list(steps.index) == ["Contact rate", "Contact to appointment", "Show rate", "Show to sale", "Closing rate"]
    assert steps.loc["Contact rate", "Observed"].replace("\xa0", " ") == "90 of 150"
    assert float(steps.loc["Contact rate", "Expected"]) > 0


def test_a_bdc_agent_is_seen_in_that_role_unless_the_address_says_otherwise(show: Show) -> None:
    assert "leads as BDC agent" in texts(show("person", period="all data", who="a3"))
    assert "leads as salesperson" in texts(show("person", period="all data", who="a3", seen_as="assigned salesperson"))


def test_a_person_without_leads_is_told_so(show: Show) -> None:
    shown = texts(show("person", period="all data", who="a3", seen_as="assigned salesperson"))
    assert "**Cy Ford had no leads and no appointments in this period.**" in shown


# Actions --------------------------------------------------------------------------------------------------------------


def agree(app: AppTest, *, agreed: str, name: str) -> AppTest:
    next(field for field in app.text_input if field.label == "What was agreed").input(agreed)
    next(field for field in app.text_input if field.label == "Your name").input(name)
    next(button for button in app.button if button.label == "Agree").click()
    return app.run()


def test_an_agreed_action_stays_with_its_days_and_whoever_agreed_it(show: Show) -> None:
    app = agree(show("person", period="all data", who=ADA), agreed="Offer  two times\n*always*", name="Mo Lane")
    assert not app.exception
    assert "Contact to appointment: Offer two times \\*always\\*" in texts(app)
    again = texts(show("person", period="all data", who=ADA))
    assert "Running; from Jun 30, 2026, look again on Jul 28, 2026; Mo Lane." in again
    assert "Offer two times" not in texts(show("person", period="all data", who="a2"))


def test_an_action_without_words_or_a_name_is_not_kept(show: Show) -> None:
    app = agree(show("person", period="all data", who=ADA), agreed=" ", name="Mo Lane")
    assert [error.value for error in app.error] == ["Write down what was agreed."]
    app = agree(show("person", period="all data", who=ADA), agreed="Call twice", name="")
    assert "Give your name" in app.error[0].value
    assert "Nothing is agreed yet" in texts(show("person", period="all data", who=ADA))


def test_an_action_is_closed_with_its_outcome(show: Show) -> None:
    agree(show("person", period="all data", who=ADA), agreed="Call twice", name="Mo Lane")
    app = show("person", period="all data", who=ADA)
    next(button for button in app.button if button.label == "Close").click()
    closed = texts(app.run())
    assert "done, it helped" in closed
    assert not [button for button in app.button if button.label == "Close"]


def test_before_and_after_is_told_against_the_team(show: Show, tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    actions.agree(journal, (ADA, "Ada Hill", "North"), "contact_rate", "Call twice", DAYS, "Mo")
    shown = texts(show("person", period="all data", who=ADA))
    assert "Review is due" in shown
    assert "Before and after (n " in shown
    assert "not distinguishable from the team's own change" in shown


def test_nothing_is_told_of_an_action_that_has_not_begun(show: Show, tmp_path: Path) -> None:
    later = (dt.date(2026, 7, 15), dt.date(2026, 8, 15))
    actions.agree(open_journal(tmp_path), (ADA, "Ada Hill", "North"), "contact_rate", "Call twice", later, "Mo")
    shown = texts(show("person", period="all data", who=ADA))
    assert "Agreed, not begun" in shown
    assert "nothing can be told yet" in shown


def action(**more: Any) -> Action:
    kept = {"entry": 1, "person_key": ADA, "metric": "contact_rate", "agreed": "Call twice", "who": "Mo"}
    return Action(**{**kept, "starts_on": DAYS[0], "review_on": DAYS[1], **more})


def test_the_status_follows_the_days() -> None:
    kept = action()
    assert kept.status(DAYS[0] - dt.timedelta(days=1)) == "agreed, not begun"
    assert kept.status(DAYS[0]) == "running"
    assert kept.status(DAYS[1]) == "review is due"


def test_the_newest_action_stands_first_and_knows_how_it_ended(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for words in ("first", "second"):
        actions.agree(journal, (ADA, "Ada Hill", "North"), "contact_rate", words, DAYS, "Mo")
    first = actions.actions(journal, ADA)[1]
    actions.close(journal, first, "not done", "on leave", "Mo", "North")
    found = actions.actions(journal, ADA)
    assert [one.agreed for one in found] == ["second", "first"]
    assert found[1].closed is not None
    assert found[1].closed.note == "on leave"
    assert found[0].closed is None
    assert found[1].status(TODAY).endswith(": not done")


def test_what_is_missing_before_an_action_is_kept() -> None:
    assert actions.missing("Call", "Mo", *DAYS) == ""
    assert "day to look again must come after" in actions.missing("Call", "Mo", DAYS[1], DAYS[0])
    assert "Choose the day" in actions.missing("Call", "Mo", None, DAYS[1])


def test_trainings_of_others_are_not_marked() -> None:
    notes = pl.DataFrame(
        {
            "day": [dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1), dt.date(2026, 4, 1)],
            "label": ["for all", "for Ada", "for Bo", "in South"],
            "store": [None, "North", "North", "South"],
            "person": [None, "Ada Hill", "Bo Park", None],
        }
    )
    events = person_actions.events(SUBJECT, [action()], notes)
    assert [words for _, words in events] == ["for all", "for Ada", "Call twice"]


# In words, as a chart, on paper ---------------------------------------------------------------------------------------

SUBJECT = Subject(ADA, "Ada Hill", "North", "salesperson", "salesperson", "since Jan 2024", Filters())
WEAK = Rate("show_rate", judged("Ada Hill", "act", 15, 40), gap("Ada Hill", 4.0, 1.0))
LEVEL = Rate("contact_rate", judged("Ada Hill", "not distinguishable", 41, 40))
BETTER = Rate("show_to_sale", judged("Ada Hill", "act", 60, 40) | {"direction": "better"})
SOLD = Rate("closing_rate", judged("Ada Hill", "not distinguishable", 9, 12.5))


def test_the_answer_says_where_in_cars_and_gross_and_where_not() -> None:
    said = coached.answer(SUBJECT, [LEVEL, WEAK, BETTER, SOLD], "USD")
    assert said.startswith("**Ada Hill loses most at show rate.**")
    assert "4.0 sales and \\$4,000 gross" in said
    assert "Better than the team at show to sale." in said
    assert "Not distinguishable from the team at contact rate and closing rate." in said
    assert said.endswith("In all 9 of 100 leads were sold so far; colleagues would have sold 12.5 of the same leads.")


def test_next_names_the_step_and_the_habit_behind_it() -> None:
    late = Rate("answered_within_standard", judged("Ada Hill", "watch", 30, 40))
    assert "talk about show rate, beginning with answered within the standard" in coached.next_step([WEAK], [late])
    assert "no habit below explains it" in coached.next_step([WEAK], [])
    assert "talk about answered within the standard" in coached.next_step([LEVEL], [late])
    assert "nothing to coach" in coached.next_step([LEVEL], [])


def test_a_small_gap_is_not_given_a_price() -> None:
    luck = Rate("show_rate", judged("Ada Hill", "not distinguishable", 38, 40), gap("Ada Hill", 1.0, -2.0))
    assert coached.worth_words(luck, "USD") == "luck may explain this gap"
    assert coached.worth_words(WEAK, "USD") == "4.0 sales, $4,000"
    assert coached.worth_words(LEVEL, "USD") == ""


def test_a_metric_of_another_role_keeps_its_own_credit() -> None:
    assert coached.asked_of("days_without_logging", Filters(credit="salesperson")).credit is None
    assert coached.asked_of("contact_rate", Filters(credit="salesperson")).credit == "salesperson"


def test_each_rate_stands_beside_the_team_s_with_a_sign_for_its_verdict() -> None:
    drawn = coached.drawn([WEAK, LEVEL])
    team, own = draw_against(drawn, "Ada <Hill>").data
    assert list(team.x) == [0.4, 0.4]
    assert list(own.marker.symbol) == ["diamond", "circle"]
    assert "&lt;Hill&gt;" in own.name
    assert describe_against(drawn, "Ada Hill").endswith("Apart from it: show rate 15.0%, team 40.0%.")
    assert describe_against(drawn[1:], "Ada Hill").endswith("None is distinguishable from the team.")


def test_the_paper_sheet_has_the_page_s_words_and_room_to_write(
    showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms["full"]))
    staff = {"person_key": ADA, "person": "Ada Hill", "store": "North", "role": "salesperson"}
    whom = coached.subject(staff | {"started_on": DAYS[0], "ended_on": None}, Filters())
    sheet = person_sheet(whom, "USD", pl.DataFrame(), [action()], ("all days in the data", "Jun 30, 2026"))
    assert sheet.title == "Coaching sheet: Ada Hill"
    assert sheet.subtitle == "North, since May 2026, all days in the data"
    assert sheet.answer[0].startswith("Ada Hill loses no more at any step than luck explains")
    kinds = [type(section) for section in sheet.sections]
    assert kinds == [Bars, Table, Bars, Lines]
    assert sheet.sections[-1].items[0] == "Call twice (look again Jun 1, 2026)"
