"""Which column feeds which: read from a profile, changed in its text, kept as one of the dealership's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.draft import draft_profile, largest
from loaders.errors import LoaderError
from loaders.intake import Choices, take_in
from loaders.mapping import (
    AS_WRITTEN,
    Change,
    changed,
    columns_of,
    date_order_of,
    fed_by,
    own_copy,
    plain,
    save_own,
    unmapped,
)
from loaders.profile import checked_profile, load_profile, profile_names
from loaders.settings import Settings

HERE = Path("profile.toml")
STRANGE = "Ref#;Kunde;Mail;Eingang am;Stand\n" + "".join(
    f"{n};Nora W{n};n{n}@example.com;{n:02d}.03.2026 10:1{n % 10};{'neu' if n % 2 else 'verkauft'}\n"
    for n in range(1, 31)
)


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """An export that no profile knows."""
    path = tmp_path / "werkstatt.csv"
    path.write_text(STRANGE, encoding="utf-8")
    return path


def text_for(path: Path) -> str:
    return plain(draft_profile(largest(path), "draft").text, name="werkstatt", label="Werkstatt", origin=path.name)


def test_a_known_file_says_which_header_feeds_which_column() -> None:
    block = next(block for block in load_profile("generic").file if block.table == "lead")
    fed = fed_by(block, ["Lead ID", "created_at", "STATUS", "phone"])
    assert fed["lead_id"] == "Lead ID"
    assert fed["status"] == "STATUS"
    assert fed["email"] == ""
    assert next(iter(fed)) == columns_of("lead")[0] == "lead_id"


def test_a_column_that_is_joined_of_several_is_left_as_the_profile_says() -> None:
    text = """
name = "own"
label = "Own"
[[file]]
table = "lead"
match = ["id"]
key = "id"
[file.columns]
customer_name = { join = ["First", "Last"] }
"""
    (block,) = checked_profile(text, HERE).file
    assert fed_by(block, ["id", "First", "Last"])["customer_name"] == AS_WRITTEN


def test_a_change_touches_what_it_is_about_and_keeps_the_comments() -> None:
    before = own_copy("vinsolutions", Path("nowhere"))
    block = load_profile("vinsolutions").file[0]
    after = changed(before, block.name, Change(columns={"email": "Mail"}, date_order="dmy"))
    lost = [line for line in before.splitlines() if line.startswith("#") and line not in after]
    assert lost == []
    told = checked_profile(after, HERE).file[0]
    assert told.columns["email"].headers == ("Mail",)
    assert told.columns["phone"] == block.columns["phone"]
    assert date_order_of(told) == "dmy"


def test_a_column_that_nothing_feeds_is_taken_out() -> None:
    before = own_copy("generic", Path("nowhere"))
    block = next(block for block in load_profile("generic").file if block.table == "lead")
    after = checked_profile(changed(before, block.name, Change(columns={"email": "", "lead_id": ""})), HERE)
    told = next(found for found in after.file if found.table == "lead")
    assert "email" not in told.columns
    assert told.key is None


def test_amounts_in_millionths_stay_so_under_another_header() -> None:
    text = 'name = "a"\nlabel = "A"\n[[file]]\ntable = "spend"\nmatch = ["x"]\n[file.columns]\namount = '
    before = text + '{ column = "cost_micros", scale = 0.000001 }\n'
    column = checked_profile(changed(before, "spend", Change(columns={"amount": "y"})), HERE).file[0].columns["amount"]
    assert column.headers == ("y",)
    assert str(column.scale) == "0.000001"


def test_a_draft_without_its_remarks_holds_no_cell_of_the_file(strange: Path) -> None:
    text = text_for(strange)
    assert "example.com" not in text
    assert "UNSURE" not in text
    assert checked_profile(text, HERE).file[0].table == "lead"


def test_a_file_of_which_nothing_looks_known_is_mapped_from_nothing() -> None:
    text = changed(unmapped("visit", ["A", "B"]), "visit", Change(columns={"visit_id": "A", "arrived_at": "B"}))
    (block,) = checked_profile(text, HERE).file
    assert fed_by(block, ["A", "B"])["arrived_at"] == "B"


def test_a_kept_profile_is_found_by_the_page_and_the_command_line(strange: Path, tmp_path: Path) -> None:
    own = tmp_path / "profiles"
    change = Change(columns={"customer_name": "Kunde", "status": "Stand"}, words={"status": {"verkauft": "sold"}})
    words = Change(words={"status": {"neu": "open"}})
    text = changed(changed(text_for(strange), "lead", change), "lead", words)
    save_own("werkstatt", text, own, is_new=True)
    assert "werkstatt" in profile_names(own)
    assert "werkstatt" not in profile_names()
    (sheet,) = take_in([strange], Choices(Settings(), store="North", own_profiles=own), lambda _, __: None)
    assert sheet.profile == "werkstatt"
    assert sheet.conformed[0].good["status"].value_counts(sort=True).rows() == [("open", 15), ("sold", 15)]
    settings = tmp_path / "settings.toml"
    settings.write_text('[[store]]\nname = "North"\ntime_zone = "UTC"\n', encoding="utf-8")
    asked = ["check", str(strange), "--settings", str(settings), "--profile", "werkstatt"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "30 read, 30 accepted" in result.output


def test_an_own_profile_stands_in_for_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    text = own_copy("generic", tmp_path).replace('label = "', 'label = "Our ', 1)
    save_own("generic", text, tmp_path, is_new=False)
    assert load_profile("generic", tmp_path).label.startswith("Our ")
    assert not load_profile("generic").label.startswith("Our ")
    assert profile_names(tmp_path) == profile_names()


@pytest.mark.parametrize("taken", ["generic", "mine"])
def test_a_new_profile_takes_no_name_of_another(tmp_path: Path, taken: str) -> None:
    text = own_copy("generic", tmp_path)
    save_own("mine", text, tmp_path, is_new=True)
    with pytest.raises(LoaderError, match=f'a profile "{taken}" already'):
        save_own(taken, text, tmp_path, is_new=True)


def test_a_profile_that_is_wrong_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="key that does not exist"):
        save_own("mine", f"wrong = 1\n{own_copy('generic', tmp_path)}", tmp_path, is_new=True)
    assert not (tmp_path / "mine.toml").exists()
