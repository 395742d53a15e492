"""The parts of the page Load data that count and word: names of files, counts of loads, corrections of the roster."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from loaders.contracts import ROLES
from loaders.errors import LoaderError
from loaders.intake import Choices
from loaders.settings import Settings
from pages.loading import results
from pages.loading.desk import Desk
from pages.loading.roster_tab import as_uploads, corrected, role_words
from pages.loading.sources_tab import entries_of
from pages.loading.uploads import Upload, laid_out, preview, safe_name, take

NOW = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
NORTH = Settings.model_validate({"store": [{"name": "North", "time_zone": "UTC"}]})


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("leads.csv", "leads.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\exports\\Lead list.xlsx", "Lead list.xlsx"),
        ("..", "file"),
        ("", "file"),
        ("a\nb:c?.csv", "a_b_c_.csv"),
        (f"{'x' * 300}.csv", f"{'x' * 60}.csv"),
        ("Опель.csv", "Опель.csv"),
    ],
)
def test_a_name_never_decides_a_path(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    with laid_out([Upload(name, b"a")]) as (folder, (path,)):
        assert path == folder / "0" / safe
        assert path.read_bytes() == b"a"
    assert not folder.exists()


def test_two_files_of_one_name_are_both_read_and_no_folder_of_the_server_is_named() -> None:
    text = b"lead_id,created_at,lead_type,status\n%d,2026-03-02 09:00,internet,open\n"
    uploads = [Upload("leads.csv", text % 1), Upload("leads.csv", text % 2), Upload("bad.csv", b"")]
    first, second, bad = take(uploads, Choices(NORTH), lambda _, __: None)
    assert first.path == second.path == "leads.csv"
    assert [sheet.conformed[0].good["lead_id"].to_list() for sheet in (first, second)] == [["1"], ["2"]]
    assert str(bad.error).startswith("bad.csv is empty.")


def test_a_preview_counts_every_row_and_keeps_the_first_few() -> None:
    rows = "".join(f"{n},2026-03-02 09:00,internet,open\n" for n in range(200))
    upload = Upload("leads.csv", f"lead_id,created_at,lead_type,status\n{rows}".encode())
    (sheet,) = preview([upload], Choices(NORTH), lambda _, __: None)
    assert sheet.conformed[0].good.height == 50
    assert [(count.read, count.accepted) for count in results.expected([sheet])] == [(200, 200)]


def test_a_load_is_told_in_new_changed_unchanged_and_refused() -> None:
    row = {"table": "lead", "read": 1204, "accepted": 1201, "updated": 24, "unchanged": 0, "error": None}
    failed = {"table": None, "read": None, "accepted": None, "updated": None, "unchanged": None, "error": "no"}
    (count,) = results.counts_of([row, failed])
    assert results.loaded_words(count) == "1,204 leads: 1,177 new, 24 changed, 3 refused"
    assert results.loaded_words(results.Count("sale", 0, 0, 0, 0)) == "0 deals: none"
    assert results.amount(1, "lead") == "1 lead"
    assert results.amount(1, "spend") == "1 spend entry"


def test_reasons_stand_with_the_most_frequent_first() -> None:
    rejects = pl.DataFrame({"rule": ["a", "b", "b"], "source_line": [2, 3, 4]})
    assert results.reasons(rejects)[0] == {"Why": "b", "Rows": "2", "Lines": "3, 4"}


def test_differences_of_settings_are_told_by_key_and_only_a_few() -> None:
    now = Settings.model_validate(
        {"store": [{"name": "North", "time_zone": "UTC", "response_minutes": 9}], "standards": {"attempts": 7}}
    )
    assert results.differences(NORTH, now) == [
        "stores North.response_minutes: nothing, now 9",
        "standards.attempts: 5, now 7",
    ]
    assert results.differences(now, now) == []


def roster() -> pl.DataFrame:
    people = [("North", "crm", "7", "Ada Reyes"), ("North", None, None, "Bo Park")]
    named = pl.DataFrame(people, schema=["store", "system", "person_id", "name"], orient="row")
    blank = pl.lit(None, dtype=pl.String)
    return named.with_columns(role=blank, team=blank, manager=blank, started_on=blank, ended_on=blank)


def test_roles_are_said_in_dealership_words_and_one_that_is_not_known_as_it_is() -> None:
    assert all(role_words(role) != role for role in ROLES)
    assert role_words("bdc_agent") == "BDC agent"
    assert role_words("valet") == "valet"


def test_only_rows_that_were_corrected_are_loaded_under_the_id_that_their_list_gave() -> None:
    held = roster()
    assert corrected(held, held).is_empty()
    edited = held.with_columns(role=pl.lit("bdc_agent"))
    known, new = as_uploads(corrected(held, edited).to_dicts(), NOW)
    assert (known.name, new.name) == (
        "Roster corrections 2026-04-01 12.00.csv",
        "Roster new people 2026-04-01 12.00.csv",
    )
    sheets = take([known, new], Choices(NORTH), lambda _, __: None)
    (ada, bo) = (sheet.conformed[0].good.row(0, named=True) for sheet in sheets)
    assert (ada["system"], ada["person_id"], ada["role"], ada["modified_at"]) == ("crm", "7", "bdc_agent", NOW)
    assert (bo["name"], bo["role"]) == ("Bo Park", "bdc_agent")
    assert as_uploads([], NOW) == []


def test_only_ticked_names_become_entries_of_the_map() -> None:
    row = {"take": True, "spelling": "gads", "source": " Google Ads ", "group": "", "channel": None}
    (entry,) = entries_of([row, row | {"take": False}, row | {"source": " "}])
    assert (entry.source, entry.names, entry.group, entry.channel) == ("Google Ads", ("gads",), None, None)


def test_a_desk_keeps_the_error_of_a_load_and_is_free_again() -> None:
    desk = Desk()

    def fail(_: object) -> None:
        raise LoaderError("The warehouse is locked.", "Try again.")

    job = desk.start("leads.csv", "Ada", fail)  # type: ignore[arg-type]
    assert job is not None
    assert job.over.wait(5)
    assert job.error == "The warehouse is locked.\n\nHint: Try again."
    assert desk.running() is None


def test_the_line_of_a_load_says_how_far_it_is_and_never_goes_back() -> None:
    job = Desk().start("leads.csv", "", lambda _: ([], None))
    assert job is not None
    job.report(0.4, "reading leads.csv 9 rows, 3/s")
    job.report(0.3, "conforming leads.csv")
    assert job.line().startswith("40%, conforming leads.csv")
    assert Path(job.title).name == "leads.csv"
