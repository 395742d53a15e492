"""Profiles: what one may say, and how the one that fits a file is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.contracts import TABLES
from loaders.errors import LoaderError
from loaders.profile import detect, header_counter, load_profile, profile_names
from tests.loaders.exports import shipped_profiles

OWN = """
name = "own"
label = "Own sheet"
[[file]]
table = "lead"
match = ["Nr", "Date"]
key = "Nr"
[file.columns]
created_at = "Date"
"""


def _refused(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LoaderError) as caught:
        load_profile(path)
    return str(caught.value)


def test_the_shipped_profiles_are_generic_vinsolutions_and_activix() -> None:
    assert {"activix", "generic", "vinsolutions"} <= set(profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_carries_the_name_of_its_file(name: str) -> None:
    assert load_profile(name).name == name


def test_generic_feeds_every_canonical_table() -> None:
    assert {block.table for block in load_profile("generic").file} == set(TABLES)


@pytest.mark.parametrize("name", ["generic", "vinsolutions", "activix"])
def test_no_profile_maps_a_column_of_notes_or_message_bodies(name: str) -> None:
    words = {word for header in load_profile(name).headers() for word in header.lower().replace("_", " ").split()}
    assert not words & {"content", "body", "notes", "note", "comments", "message"}


def test_a_profile_may_be_a_file_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    profile = load_profile(path)
    assert (profile.name, profile.file[0].name, profile.file[0].date_format) == ("own", "lead", ("iso", "auto"))


def test_an_unknown_profile_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(LoaderError, match='There is no profile "vinsolution"') as caught:
        load_profile("vinsolution")
    assert 'Did you mean "vinsolutions"?' in caught.value.hint


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (OWN.replace("match", "matches"), 'Did you mean "match"?'),
        (OWN.replace("label", "labels"), 'Did you mean "label"?'),
        (OWN.replace('"lead"', '"leads"'), 'Did you mean "lead"?'),
        (OWN.replace("created_at", "created_on"), 'Did you mean "created_at"?'),
        (OWN + 'row_id = "Nr"', '"row_id" is not a column of the table lead'),
        (OWN + 'lead_id = "Nr"', 'write key = "..." instead'),
        (OWN.replace("key", 'time_zone = "Chicago"\nkey'), '"Chicago" is not a time zone'),
        (OWN.replace("key", 'date_format = "us"\nkey'), '"us" is not a date_format'),
        (OWN + "source = { assumed = true }", 'a column needs one of "column", "join" and "header"'),
        (OWN + OWN[OWN.index("[[file]]") :], 'two [[file]] blocks are called "lead"'),
        (OWN + "source = Nr", "is not TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_what_was_meant(tmp_path: Path, wrong: str, said: str) -> None:
    assert said in _refused(tmp_path, wrong)


def test_the_profile_is_found_by_its_fingerprint_with_reasons() -> None:
    found = detect(["LeadID", "LeadSourceID", "OriginationUTCDate", "Dummy"], shipped_profiles())
    assert found.profile.name == "vinsolutions"
    assert [block.name for block in found.blocks] == ["feed Lead"]
    assert found.reasons == (
        'feed Lead feeds lead: has "LeadID", "LeadSourceID", "OriginationUTCDate"; 3 of 4 headers are known',
    )


def test_headers_match_whatever_their_case_spaces_and_underscores() -> None:
    found = detect(["LEAD_ID", "lead source", " Lead  Origination Date "], shipped_profiles())
    assert [block.name for block in found.blocks] == ["report Leads"]


def test_one_file_may_feed_several_tables() -> None:
    headers = ["id", "created_at", "division", "source", "status", "type", "sale_date", "delivered_date"]
    found = detect(headers, shipped_profiles())
    assert [block.table for block in found.blocks] == ["lead", "sale"]
    assert [block.table for block in detect(headers, shipped_profiles(), "sale").blocks] == ["sale"]


def test_the_profile_that_knows_most_headers_wins_and_the_next_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace('"Nr", "Date"', '"lead_id"').replace('"Date"', '"created_at"'), encoding="utf-8")
    found = detect(["lead_id", "created_at", "source", "phone"], [load_profile(path), *shipped_profiles()])
    assert (found.profile.name, found.runner_up) == ("generic", "own")


def test_unknown_headers_are_refused_with_what_came_nearest() -> None:
    with pytest.raises(LoaderError, match="No profile knows the headers of this file") as caught:
        detect(["lead_id", "colour"], shipped_profiles())
    assert 'it lacks "created_at"' in caught.value.hint
    assert "docs/add_a_profile.md" in caught.value.hint


def test_the_header_counter_counts_distinct_known_headers() -> None:
    count = header_counter(shipped_profiles())
    assert [count(["Lead ID", "lead_id", "zzz"]), count(["nothing", "here"]), count([])] == [1, 0, 0]
