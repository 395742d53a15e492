"""The page Load data on an empty and a loaded warehouse: what is dropped, what is said, what a load leaves behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from loaders import snapshot
from loaders.intake import Sheet
from loaders.progress import Progress
from pages.journal import open_journal
from pages.loading import history_tab
from pages.loading.place import Place, desk, here
from tests.pages.conftest import Show

File = tuple[str, bytes, str]
SETTINGS = """# Ours.
[[store]]
name = "Lakeside Motors"   # the one on the lake
time_zone = "America/Chicago"
"""
LEADS = """lead_id,created_at,customer_name,phone,source,lead_type,status,salesperson
1,2026-03-02 09:14,Nora Whitfield,555-0101,Website,internet,open,Dana Brooks
2,2026-03-02 10:40,Owen Castellan,555-0102,Website,internet,sold,Dana Brooks
3,2026-13-02 10:40,Marta Oyelaran,555-0103,=1+1,internet,open,Dana Brooks
"""
MORE_LEADS = (
    LEADS.replace("open,Dana", "lost,Dana", 1) + "4,2026-03-05 11:00,Ada Reyes,,Website,phone,open,Theo Marsh\n"
)
STRANGE = "Ref#;Kunde;Mail;Eingang am;Stand\n" + "".join(
    f"{n};Nora W{n};n{n}@example.com;{n:02d}.03.2026 10:1{n % 10};{'neu' if n % 2 else 'verkauft'}\n"
    for n in range(1, 31)
)
Open = Callable[..., AppTest]


def csv(name: str, text: str) -> File:
    return (name, text.encode(), "text/csv")


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """The page on a warehouse of its own, into which nothing was loaded yet."""
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("UPBOARD_SETTINGS", str(tmp_path / "settings.toml"))
    monkeypatch.delenv("UPBOARD_JOURNAL", raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()

    def run(part: str = "Load") -> AppTest:
        app = AppTest.from_string("import dashboard\ndashboard.main('load_data')", default_timeout=60)
        app.query_params["part"] = part
        return app.run()

    return run


def drop(app: AppTest, *files: File) -> AppTest:
    app.file_uploader[0].set_value(list(files))
    return app.run()


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def load(app: AppTest, *files: File) -> AppTest:
    """Drop files, load them and wait until the load is over."""
    drop(app, *files)
    press(app, "load")
    return finished(app)


def finished(app: AppTest) -> AppTest:
    job = app.session_state["load_job"]
    assert job.over.wait(30)
    return app.run()


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success, app.subheader)
    said = "\n".join(str(element.value) for kind in kinds for element in kind)
    return said.replace("\\", "")


def test_the_page_works_before_anything_was_loaded(opened: Open) -> None:
    app = opened()
    assert not app.exception
    assert app.title[0].value == "Load data"
    assert "Drop them above" in texts(app)
    assert "Stores known so far: Lakeside Motors." in texts(app)
    press(app, "name_stores")
    assert "Standards of all stores" in texts(app)
    assert "Nothing was loaded yet" in texts(opened("History"))


def test_every_part_works_before_and_after_a_load(opened: Open) -> None:
    parts = ("Load", "History", "Standards and targets", "Roster", "Source names")
    assert {part: list(opened(part).exception) for part in parts} == {part: [] for part in parts}
    load(opened(), csv("leads.csv", LEADS))
    for part in parts:
        app = opened(part)
        assert not app.exception, part
        assert not app.error, part


@pytest.mark.parametrize("showroom", ["full", "one_row", "empty", "two_currencies"])
def test_the_page_works_on_any_warehouse(show: Show, showroom: str) -> None:
    app = show("load_data", showroom)
    assert not app.exception
    assert "Drop them above" in texts(app)


def test_every_other_page_leads_here_while_nothing_is_loaded(show: Show) -> None:
    app = show("overview", "missing")
    assert app.title[0].value == "Nothing is loaded yet"
    links = [element.proto.label for element in app.main.children.values() if element.type == "page_link"]
    assert "Load your exports here" in links


def test_dropped_files_are_recognised_with_reasons_and_refusals_before_they_are_loaded(opened: Open) -> None:
    app = drop(opened(), csv("leads.csv", LEADS))
    said = texts(app)
    assert "Found: 2 leads." in said
    assert "1 row would be refused" in said
    assert "Recognised as Upboard's plain tables" in said.replace("**", "")
    assert 'lead feeds lead: has "lead_id"' in said
    assert "created_at not readable as date" in str(app.table[0].value["Why"][0]).replace("\\", "")
    assert app.button(key="load").label == "Load 2 rows"
    assert not (here().warehouse / "snapshots").exists()


def test_a_load_says_its_counts_and_the_next_one_what_is_new_and_changed(opened: Open) -> None:
    first = texts(load(opened(), csv("leads.csv", LEADS)))
    assert "3 leads: 2 new, 1 refused" in first
    assert "nothing before it" in first, "a first load has nothing to go back to"
    second = texts(load(opened(), csv("leads.csv", MORE_LEADS)))
    assert "4 leads: 1 new, 1 changed, 1 unchanged, 1 refused" in second
    again = texts(load(opened(), csv("leads.csv", MORE_LEADS)))
    assert "Nothing changed" in again


def test_a_load_is_in_the_journal_and_in_the_history_under_the_name_of_the_file(opened: Open) -> None:
    load(opened(), csv("../../etc/leads:of march.csv", LEADS))
    place = here()
    (entry,) = open_journal(place.warehouse).entries("loaded")
    assert opened("History").table[0].value["By"][0] == "somebody here"
    (kept,) = snapshot.history(place.warehouse)
    assert entry.natural_id == kept["snapshot"]
    assert [row["path"] for row in kept["files"]] == ["leads_of march.csv"]
    assert snapshot.noted_settings_file(place.warehouse) == place.settings_file.resolve()
    assert "It brought 2 leads that were not there" in texts(opened("History"))


def test_nothing_of_a_dropped_file_stays_on_the_disk(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_aside = tmp_path / "aside"
    put_aside.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(put_aside))
    load(opened(), csv("leads.csv", LEADS))
    assert list(put_aside.iterdir()) == []


def test_an_undo_may_be_thought_over_brings_back_what_was_there_before_and_can_be_undone(opened: Open) -> None:
    load(opened(), csv("leads.csv", LEADS))
    app = load(opened(), csv("leads.csv", MORE_LEADS))
    newest = snapshot.current_path(here().warehouse)
    press(app, "undo_load")
    press(app, "undo_load_no")
    assert snapshot.current_path(here().warehouse) == newest, "thought over"
    press(app, "undo_load")
    assert snapshot.current_path(here().warehouse) == newest, "it asks first"
    press(app, "undo_load_yes")
    assert "Brought back" in texts(app)
    assert snapshot.current_path(here().warehouse) != newest
    app = opened("History")
    assert "the only one" not in texts(app)
    press(app, "bring_back")
    press(app, "bring_back_yes")
    assert snapshot.current_path(here().warehouse) == newest


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "cannot be read"),
        ("damaged.xlsx", b"PK\x03\x04" + b"\x00" * 400, "cannot be read"),
        ("locked.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4000, "cannot be read"),
        ("damaged.parquet", b"PAR1" + b"\x01" * 300 + b"PAR1", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(opened: Open, name: str, content: bytes, said: str) -> None:
    app = drop(opened(), (name, content, ""))
    assert not app.exception
    assert any(name in error.value.replace("\\", "") and said in error.value for error in app.error)
    assert "**Next:**" in texts(app)
    assert "upboard-" not in texts(app)
    assert app.button(key="load").disabled


def test_of_two_files_the_good_one_is_loaded_though_the_other_fails(opened: Open) -> None:
    app = drop(opened(), csv("leads.csv", LEADS), ("broken.xlsx", b"PK\x03\x04" + b"\x00" * 400, ""))
    assert "broken.xlsx would be left out" in texts(app).replace("**", "")
    press(app, "load")
    said = texts(finished(app))
    assert "3 leads: 2 new, 1 refused" in said
    assert "broken.xlsx" in said


def test_a_table_of_nothing_known_is_mapped_in_the_page_and_known_from_then_on(opened: Open) -> None:
    app = drop(opened(), csv("werkstatt.csv", STRANGE))
    assert "Nothing here can be loaded yet" in texts(app)
    press(app, "map_0")
    assert "Of 30 leads, 30 would be taken, 0 refused" in texts(app)
    assert "Not read so far: Kunde and Stand." in texts(app)
    box = {select.label: select for select in app.selectbox}
    box["customer name"].select_index(index_of(box["customer name"].options, "Kunde"))
    app.run()
    app.text_input(key="mapped_name").set_value("Our Workshop").run()
    press(app, "keep_mapping")
    kept = (here().own_profiles / "our_workshop.toml").read_text(encoding="utf-8")
    assert 'customer_name = "Kunde"' in kept
    assert "Nora" not in kept
    assert "Kept as the profile" in texts(app)
    assert "Found: 30 leads." in texts(app)
    assert [entry.data["profile"] for entry in open_journal(here().warehouse).entries("mapping_saved")] == [
        "our_workshop"
    ]


def index_of(options: list[str], start: str) -> int:
    return next(number for number, option in enumerate(options) if option.startswith(start))


def test_a_known_file_is_corrected_as_an_own_copy_of_its_profile(opened: Open) -> None:
    text = LEADS.replace("source", "origin_of_lead").replace("lead_type", "source")
    app = drop(opened(), csv("leads.csv", text))
    press(app, "map_0")
    box = {select.label: select for select in app.selectbox}
    assert box["source"].value == "source"
    box["source"].select_index(index_of(box["source"].options, "origin_of_lead"))
    app.run()
    press(app, "keep_mapping")
    assert (here().own_profiles / "generic.toml").is_file()
    assert "Recognised as" in texts(app)


def test_a_second_load_waits_until_the_first_is_over(opened: Open) -> None:
    place = here_of(opened)
    may_end = threading.Event()

    def wait(_: Progress) -> tuple[list[Sheet], None]:
        may_end.wait(30)
        return [], None

    job = desk(place).start("a long one", "Ada", wait)
    assert job is not None
    app = opened()
    assert "Loading a long one" in texts(app).replace("**", "")
    assert "by Ada" in texts(app)
    assert not app.file_uploader
    assert desk(place).start("another", "Bo", lambda _: ([], None)) is None
    may_end.set()
    assert job.over.wait(10)
    assert opened().file_uploader


def here_of(opened: Open) -> Place:
    opened()
    return here()


def test_an_error_of_a_load_is_said_whole_with_its_hint(opened: Open) -> None:
    app = drop(opened(), csv("leads.csv", LEADS))
    folder = here().warehouse
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the warehouse should be", encoding="utf-8")
    press(app, "load")
    finished(app)
    assert any("cannot be written" in error.value for error in app.error)
    assert "**Next:** Choose a folder" in texts(app)


def test_changed_settings_are_said_and_built_again(opened: Open) -> None:
    load(opened(), csv("leads.csv", LEADS))
    place = here()
    place.settings_file.write_text(SETTINGS + "\n[standards]\nresponse_minutes = 30\n", encoding="utf-8")
    app = opened("Standards and targets")
    assert "standards.response_minutes: 15, now 30" in texts(app)
    press(app, "build_again")
    finished(app)
    assert "counted with other settings" not in texts(opened("Standards and targets"))
    assert snapshot.loaded_settings(place.warehouse).standards.response_minutes == 30


def test_a_standard_is_saved_with_who_and_when_and_the_comments_stay(opened: Open) -> None:
    app = opened("Standards and targets")
    app.text_input(key="desk_name_typed").set_value("Grace").run()
    app.number_input[0].set_value(20)
    next(button for button in app.button if button.label == "Save the standards").click()
    app.run()
    text = here().settings_file.read_text(encoding="utf-8")
    assert "# the one on the lake" in text
    assert "response_minutes = 20" in text
    (entry,) = open_journal(here().warehouse).entries("settings_changed")
    assert entry.who == "Grace"
    assert entry.data["changes"] == ["standards.response_minutes: 15, now 20"]
    assert "Last changed on" in texts(app)


def test_settings_that_cannot_be_read_are_said_with_the_line(opened: Open) -> None:
    place = here_of(opened)
    place.settings_file.write_text("[standards\n", encoding="utf-8")
    app = opened()
    assert not app.exception
    assert any("cannot be read" in error.value for error in app.error)


def test_the_place_to_drop_files_says_first_whether_the_newest_arrived_whole(opened: Open) -> None:
    load(opened(), csv("leads.csv", LEADS))
    said = texts(opened())
    assert "**As of now**, whatever the period" in said
    assert "What serves now was loaded on" in said
    assert "It brought 2 leads that were not there." in said
    assert "**Not whole:** 1 row is refused. History says which and why." in said


def test_files_can_be_dropped_though_the_snapshot_lacks_a_table_that_numbers_need(opened: Open, tmp_path: Path) -> None:
    load(opened(), csv("leads.csv", LEADS))
    current = snapshot.serving_path(tmp_path / "warehouse")
    st.cache_resource.clear()
    gc.collect()
    with duckdb.connect(str(current)) as con:
        con.execute("drop table fct_survey")
    app = opened()
    assert not app.exception
    assert "**Not whole:** 1 row is refused." in texts(app)
    assert app.file_uploader
    elsewhere = AppTest.from_string("import dashboard\ndashboard.main('overview')", default_timeout=60).run()
    assert elsewhere.title[0].value == "What is loaded cannot be read"
    assert "built by another version of Upboard" in elsewhere.error[0].value
    assert "python -m loaders build" in elsewhere.code[0].value


def test_a_build_without_files_brought_nothing_and_all_of_it_arrived() -> None:
    built = {"files": [], "loaded_at": "2026-03-05T10:00:00+00:00"}
    assert history_tab.brought(built).endswith("It counted the same records again.")
    assert history_tab.missing(built, 0) == "**All of it arrived.**"
    unread = built | {"files": [{"error": "no table"}]}
    assert history_tab.missing(unread, 2).startswith("**Not whole:** 2 rows are refused and 1 file could not be read.")
