"""The worklist as the floor uses it: who waits, three marked as handled, one put back, on every warehouse."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from pages import frame, sign_in, signed
from pages.journal import open_journal
from pages.users import User, Users
from tests.pages.conftest import Show
from tests.star import write_warehouse
from tests.waiting import waiting_star


@pytest.fixture(scope="module")
def showrooms(showrooms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The others, and two in which five customers wait, in the second with names that are too long for any screen."""
    star = waiting_star()
    too_long = {"dim_customer": "customer", "dim_person": "person", "dim_source": "source"}
    stretched = {
        table: star[table].with_columns((pl.col(name) + " " + "Hohenlohe-Langenburg" * 12).alias(name))
        for table, name in too_long.items()
    }
    made = {"waiting": star, "waiting_long": {**star, **stretched}}
    return showrooms | {name: write_warehouse(tmp_path_factory.mktemp(name), one) for name, one in made.items()}


@pytest.fixture(autouse=True)
def _own_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "journal.sqlite"))


def words(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(str(part.value) for part in (*app.markdown, *app.caption, *app.info, *app.warning))


def names(app: AppTest) -> list[str]:
    return [box.label for box in app.checkbox]


def test_the_first_lines_say_how_many_wait_and_whom_to_call(show: Show) -> None:
    app = show("worklist", "waiting")
    said = words(app)
    assert "**5 customers wait.** 2 of them wrote to us and got no answer." in said
    assert "**As of now**" in said
    assert names(app) == ["**Customer 0**", "**Customer 2**", "**Customer 4**", r"**\(unknown\)**", "**Customer 2**"]
    assert r"[555\-0100](tel:5550100)" in said
    assert r"last\: text from the customer, today 12\:00" in said


def test_a_card_names_the_vehicle_that_was_asked_for(show: Show) -> None:
    assert "About: **2024 Comet**." in words(show("worklist", "waiting"))


def test_a_reason_turns_the_list_to_it(show: Show) -> None:
    app = show("worklist", "waiting")
    app.button("turn_no_show_not_called").click().run()
    assert names(app) == ["**Customer 2**"]
    assert "Appointment: **yesterday 12:00**" in words(app)
    assert app.selectbox("list").value == "no-show, not called"


def test_a_link_opens_one_list_of_one_owner(show: Show) -> None:
    app = show("worklist", "waiting", list="wrote, not answered", owner="Ben Okoye")
    assert names(app) == ["**Customer 2**"]


def test_a_link_to_a_list_or_an_owner_that_is_not_there_says_so(show: Show) -> None:
    app = show("worklist", "waiting", list="sold soon", owner="Zoe")
    assert "list “sold soon”, which Upboard does not have" in words(app)
    assert "owner “Zoe”, which Upboard does not have" in words(app)
    assert len(names(app)) == 5


def test_three_are_marked_as_handled_each_with_its_note_and_leave_the_list(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    for item in ("o1", "o2", "o4"):
        app.checkbox(f"pick_{item}").check()
    app.run()
    app.text_input("note_o1").input("left a message")
    app.text_input("note_o4").input("new appointment on Friday")
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    app.button("save").click().run()
    assert names(app) == ["**Customer 4**", r"**\(unknown\)**"]
    entries = open_journal(tmp_path).entries("handled")
    assert [(entry.natural_id, entry.who, entry.note) for entry in entries] == [
        ("O1", "Ada Reyes", "left a message"),
        ("O2", "Ada Reyes", ""),
        ("O4", "Ada Reyes", "new appointment on Friday"),
    ]


def test_who_signed_in_is_kept_by_the_login_and_shown_by_the_name(
    show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = User(login="ada@example.com", name="Ada Reyes", role="administrator")
    monkeypatch.setattr(sign_in, "require", lambda: ada)
    monkeypatch.setattr(signed, "users_now", lambda: Users(users=(ada,)))
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.button("save").click().run()
    assert [entry.who for entry in open_journal(tmp_path).entries("handled")] == ["ada@example.com"]
    shown = words(show("worklist", "waiting", show="handled"))
    assert "Handled by Ada Reyes" in shown
    assert "ada@example.com, " not in shown


def test_who_wrote_before_people_signed_in_is_shown_as_kept() -> None:
    assert frame.named("Ada at the desk") == "Ada at the desk"


def test_the_handled_are_shown_with_who_and_note_and_can_be_put_back(show: Show) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.text_input("note_o1").input("*busy*")
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    app.button("save").click().run()
    again = show("worklist", "waiting", show="handled")
    assert names(again) == ["**Customer 0**"]
    assert "Handled by Ada Reyes" in words(again)
    assert r"\*busy\*" in words(again)
    again.checkbox("back_o1").check().run()
    again.text_input("desk_name_typed").input("Bo Park").run()
    again.button("save").click().run()
    assert names(again) == []
    assert len(names(show("worklist", "waiting"))) == 5


def test_the_last_customer_of_an_owner_can_be_handled(show: Show) -> None:
    app = show("worklist", "waiting", owner="Ben Okoye")
    app.checkbox("pick_o2").check().run()
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    app.button("save").click().run()
    assert "**4 customers wait.**" in words(app)
    assert app.selectbox("owner").value == "Ben Okoye"
    assert "No customer on this list" in words(app)
    assert "which Upboard does not have" not in words(app)


def test_a_name_counts_though_the_button_is_pressed_before_a_run_has_kept_it(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.text_input("desk_name_typed").input("Ada Reyes")
    app.button("save").click().run()
    assert [entry.who for entry in open_journal(tmp_path).entries("handled")] == ["Ada Reyes"]


def test_a_name_stays_though_the_button_was_pressed_at_once(show: Show) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.text_input("desk_name_typed").input("Ada Reyes")
    app.button("save").click().run()
    app.checkbox("pick_o2").check().run()
    assert app.text_input("desk_name_typed").value == "Ada Reyes"


def test_whoever_was_unticked_before_the_bar_was_drawn_again_is_not_marked(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check()
    app.checkbox("pick_o2").check().run()
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    app.checkbox("pick_o2").uncheck()
    app.button("save").click().run()
    assert [entry.natural_id for entry in open_journal(tmp_path).entries("handled")] == ["O1"]
    app.checkbox("pick_o2").check().run()
    app.checkbox("pick_o2").uncheck()
    app.button("save").click().run()
    assert [error.value for error in app.error] == [r"Nothing was written\: nobody is ticked."]


def test_a_tick_and_a_note_stand_again_after_a_look_elsewhere(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.text_input("note_o1").input("Rang twice, no answer").run()
    app.segmented_control("show").set_value("handled").run()  # Streamlit lets go of widgets that are not drawn
    assert names(app) == []
    app.segmented_control("show").set_value("waiting").run()
    assert app.text_input("note_o1").value == "Rang twice, no answer"
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    app.button("save").click().run()
    assert [entry.note for entry in open_journal(tmp_path).entries("handled")] == ["Rang twice, no answer"]
    assert not app.checkbox("pick_o2").value


def test_who_was_handled_by_somebody_else_meanwhile_is_not_ticked_to_be_put_back(show: Show) -> None:
    ours, theirs = show("worklist", "waiting"), show("worklist", "waiting")
    ours.checkbox("pick_o1").check().run()
    theirs.checkbox("pick_o1").check().run()
    theirs.text_input("desk_name_typed").input("Bo Park").run()
    theirs.button("save").click().run()
    ours.segmented_control("show").set_value("handled").run()
    assert names(ours) == ["**Customer 0**"]
    assert [box.value for box in ours.checkbox] == [False]


def test_nothing_is_written_without_a_name(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.button("save").click().run()
    assert [error.value for error in app.error] == [r"Nothing was written\: say your name first."]
    assert open_journal(tmp_path).entries() == []
    assert len(names(app)) == 5


def test_a_journal_that_cannot_be_written_is_said(show: Show, tmp_path: Path) -> None:
    app = show("worklist", "waiting")
    app.checkbox("pick_o1").check().run()
    app.text_input("desk_name_typed").input("Ada Reyes").run()
    (tmp_path / "journal.sqlite").mkdir()
    app.button("save").click().run()
    assert "cannot be used" in app.error[0].value


@pytest.mark.parametrize("warehouse", ["full", "long_names", "one_store", "one_row", "two_currencies", "empty"])
@pytest.mark.parametrize("view", ["waiting", "older too", "handled"])
def test_every_warehouse_can_be_looked_at(warehouse: str, view: str, show: Show) -> None:
    app = show("worklist", warehouse, show=view)
    assert "Nobody" in words(app) or names(app)


def test_names_that_are_too_long_are_cut_in_the_answer_and_whole_on_the_card(show: Show) -> None:
    app = show("worklist", "waiting_long")
    [answer] = [part.value for part in app.markdown if "customers wait" in part.value]
    assert answer.count("Hohenlohe") == 3 * 3
    assert "…, [555" in answer
    assert names(app)[0].count("Hohenlohe") == 12


def test_without_a_warehouse_the_page_says_what_to_load(show: Show) -> None:
    app = show("worklist", "missing")
    assert not app.exception
    assert app.title[0].value == "Nothing is loaded yet"
