"""A settings or profile file reads nothing but itself: no include, no path, no link, no endless nesting."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import LoaderError
from loaders.profile import load_profile, profile_names
from loaders.settings import load_settings

PROFILE = (Path("loaders") / "profiles" / "generic.toml").read_text(encoding="utf-8")
SECRET = "the-secret-of-somebody-else"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "secret.toml").write_text(f'{SECRET} = "x"\n')
    (tmp_path / "elsewhere.toml").write_text(PROFILE)
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "mine.toml").write_text(PROFILE)
    return folder


@pytest.mark.parametrize("name", ["../elsewhere", "../secret", "/etc/passwd", "x/../../secret", "..", "\x00", "a\nb"])
def test_a_name_that_climbs_out_of_the_folder_is_no_profile(name: str, own: Path) -> None:
    with pytest.raises(LoaderError, match="no profile") as refused:
        load_profile(name, own)
    assert SECRET not in str(refused.value)


def test_a_link_to_a_file_elsewhere_is_no_profile(own: Path) -> None:
    (own / "linked.toml").symlink_to(own.parent / "elsewhere.toml")
    (own / "secret.toml").symlink_to(own.parent / "secret.toml")
    assert "mine" in profile_names(own)
    assert not {"linked", "secret"} & set(profile_names(own))
    for name in ("linked", "secret"):
        with pytest.raises(LoaderError, match="no profile"):
            load_profile(name, own)
    assert load_profile("mine", own).file


@pytest.mark.parametrize(
    "line", ['include = "../secret.toml"', 'extends = "/etc/passwd"', '"$ref" = "file:///etc/passwd"']
)
def test_no_key_names_another_file(line: str, own: Path) -> None:
    (own / "mine.toml").write_text(f"{line}\n{PROFILE}")
    with pytest.raises(LoaderError, match="does not exist"):
        load_profile("mine", own)
    settings = own.parent / "settings.toml"
    settings.write_text(f"{line}\n")
    with pytest.raises(LoaderError, match="does not exist"):
        load_settings(settings)


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "America/../../../etc/passwd"])
def test_a_time_zone_is_a_name_and_no_path(zone: str, own: Path) -> None:
    settings = own.parent / "settings.toml"
    settings.write_text(f'[[store]]\nname = "N"\ntime_zone = "{zone}"\n')
    with pytest.raises(LoaderError, match="time zone"):
        load_settings(settings)
    (own / "mine.toml").write_text(PROFILE.replace('time_zone = "store"', f'time_zone = "{zone[:15]}"', 1))
    with pytest.raises(LoaderError, match="time zone"):
        load_profile("mine", own)


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "[" * 5_000, "x = " + "{y = " * 5_000])
def test_endless_nesting_is_refused_in_words(text: str, own: Path) -> None:
    settings = own.parent / "settings.toml"
    settings.write_text(text)
    with pytest.raises(LoaderError):
        load_settings(settings)
    (own / "mine.toml").write_text(text)
    with pytest.raises(LoaderError):
        load_profile("mine", own)
