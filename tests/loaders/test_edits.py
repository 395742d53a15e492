"""Changes of settings.toml: what was asked is written, everything else stays as a person wrote it."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from loaders import edits
from loaders.errors import LoaderError
from loaders.settings import Settings, SourceEntry, checked_settings

SHIPPED = (Path(__file__).parents[2] / "data" / "settings.toml").read_text(encoding="utf-8")


def settings_of(text: str) -> Settings:
    return checked_settings(text, Path("settings.toml"))


def lines_changed(text: str) -> list[str]:
    """The lines that differ from the shipped file, with their sign."""
    found = difflib.ndiff(SHIPPED.splitlines(), text.splitlines())
    return [line for line in found if line[0] in "+-" and line[2:].strip()]


def targets_of(text: str) -> list[dict[str, Any]]:
    return [target.model_dump() for target in settings_of(text).all_targets()]


def stores_of(text: str) -> list[dict[str, Any]]:
    names = ("name", "time_zone", "country", "currency", "response_minutes")
    return [
        {name: getattr(store, name) for name in names}
        | {"was": store.name, "aliases": list(store.aliases), **store.hours.model_dump()}
        for store in settings_of(text).stores
    ]


def test_what_is_not_changed_is_not_touched_at_all() -> None:
    standards = settings_of(SHIPPED).standards
    assert edits.with_standards(SHIPPED, standards.model_dump()) == SHIPPED
    assert edits.with_targets(SHIPPED, targets_of(SHIPPED)) == SHIPPED
    assert edits.with_annotations(SHIPPED, []) == SHIPPED
    assert edits.with_sources(SHIPPED, []) == SHIPPED
    assert edits.with_stores(SHIPPED, stores_of(SHIPPED)) == SHIPPED


def test_a_changed_standard_keeps_its_comment() -> None:
    changed = edits.with_standards(SHIPPED, {"response_minutes": 20})
    assert [line.split("#")[1] for line in lines_changed(changed)] == [
        " first answer by a person, counted while the store is open"
    ] * 2
    assert settings_of(changed).standards.response_minutes == 20


def test_a_standard_that_was_not_written_stands_above_the_comments_of_the_next_part() -> None:
    text = "[standards]\nresponse_minutes = 15\n\n# About targets.\n[targets]\n"
    assert edits.with_standards(text, {"attempts": 7}).startswith(
        "[standards]\nresponse_minutes = 15\nattempts = 7\n\n# About targets."
    )


def test_a_target_is_changed_where_it_stands_and_a_new_one_comes_last() -> None:
    rows = targets_of(SHIPPED)
    rows[0]["value"] = 0.75
    rows.append({"metric": "sold_units", "value": 90.0, "store": "Lakeside Motors", "month": "2026-11"})
    changed = edits.with_targets(SHIPPED, rows)
    assert lines_changed(changed)[:2] == ["- contact_rate = 0.70", "+ contact_rate = 0.75"]
    assert changed.rstrip().endswith('month = "2026-11"')
    assert targets_of(changed)[-1]["value"] == 90


def test_a_target_of_a_store_and_one_without_a_row_are_changed_and_taken_out() -> None:
    rows = [row for row in targets_of(SHIPPED) if row["metric"] != "show_rate"]
    next(row for row in rows if row["store"])["value"] = 0.2
    changed = edits.with_targets(SHIPPED, rows)
    assert lines_changed(changed) == ["- closing_rate_60 = 0.13", "+ closing_rate_60 = 0.2", "- show_rate = 0.65"]


def test_two_targets_of_one_scope_are_refused() -> None:
    row = {"metric": "sold_units", "value": 90.0, "store": "North"}
    with pytest.raises(LoaderError, match="same metric"):
        edits.with_targets("", [row, row | {"store": "NORTH"}])


def test_annotations_are_written_and_taken_out() -> None:
    written = edits.with_annotations(SHIPPED, [{"date": dt.date(2026, 3, 2), "label": "Training", "store": None}])
    (annotation,) = settings_of(written).annotations
    assert (annotation.day, annotation.label, annotation.store) == (dt.date(2026, 3, 2), "Training", None)
    assert settings_of(edits.with_annotations(written, [])).annotations == ()


def test_names_are_added_to_the_source_that_is_there_and_others_are_new() -> None:
    entries = [
        SourceEntry(source="google  ads", names=("gads", "Google Adwords"), group="Another"),
        SourceEntry(source="Foo", names=("FOO inc",), group="Own"),
    ]
    google, foo = settings_of(edits.with_sources(SHIPPED, entries)).sources.map
    assert google.names == ("google adwords", "adwords*", "gads")
    assert google.group == "Paid search", "what is said already stays"
    assert (foo.source, foo.names, foo.group) == ("Foo", ("FOO inc",), "Own")


def test_a_store_is_changed_added_and_taken_out() -> None:
    lakeside, hillcrest = stores_of(SHIPPED)
    lakeside |= {"response_minutes": 10, "sat": "closed"}
    fresh = hillcrest | {"was": None, "name": "Riverside", "response_minutes": None}
    changed = settings_of(edits.with_stores(SHIPPED, [lakeside, fresh]))
    assert [store.name for store in changed.stores] == ["Lakeside Motors", "Riverside"]
    assert changed.stores[0].response_minutes == 10
    assert changed.stores[0].hours.sat == "closed"
    assert len(changed.stores[0].holidays) == 8
    assert changed.stores[1].response_minutes is None


def test_the_first_store_of_an_empty_file_and_the_last_one_leaving() -> None:
    (store, _) = stores_of(SHIPPED)
    written = edits.with_stores("", [store | {"was": None}])
    assert settings_of(written).stores[0].name == "Lakeside Motors"
    assert settings_of(edits.with_stores(written, [])).stores == ()


def test_a_change_is_saved_only_if_it_is_valid_and_nobody_else_changed_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    edits.save(path, SHIPPED, "")
    with pytest.raises(LoaderError, match="wrong value"):
        edits.save(path, edits.with_standards(SHIPPED, {"attempts": 0}), SHIPPED)
    with pytest.raises(LoaderError, match="changed by somebody else"):
        edits.save(path, edits.with_standards(SHIPPED, {"attempts": 9}), "what it said last week")
    assert path.read_text(encoding="utf-8") == SHIPPED
    assert edits.save(path, edits.with_standards(SHIPPED, {"attempts": 9}), SHIPPED).standards.attempts == 9
    assert [found.name for found in tmp_path.iterdir()] == ["settings.toml"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file", encoding="utf-8")
    with pytest.raises(LoaderError, match="cannot be written"):
        edits.replace_file(tmp_path / "there" / "settings.toml", "")


def test_every_text_of_an_edit_is_toml() -> None:
    name = 'A "quoted" \\ name'
    written = edits.with_annotations("", [{"date": dt.date(2026, 1, 1), "label": name}])
    assert tomlkit.parse(written).unwrap()["annotation"][0]["label"] == name
