"""Small exports for tests: written as text, read and conformed by the real parts."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

from loaders.canonical import Conformed, conform
from loaders.profile import Detection, Profile, detect, header_counter, load_profile, profile_names
from loaders.read import RawFrame, read
from loaders.settings import Settings

CHICAGO = Settings.model_validate({"store": [{"name": "Lakeside Motors", "time_zone": "America/Chicago"}]})
TWO_STORES = Settings.model_validate(
    {
        "store": [
            {"name": "Lakeside Motors", "aliases": ["LKS"], "time_zone": "America/Chicago"},
            {"name": "Hillcrest Auto", "time_zone": "America/Toronto"},
        ]
    }
)


@cache
def shipped_profiles() -> list[Profile]:
    """The profiles that come with Upboard."""
    return [load_profile(name) for name in profile_names()]


def read_export(path: Path, profiles: list[Profile] | None = None) -> list[tuple[RawFrame, Detection]]:
    """Each sheet of a file with the profile found for it."""
    candidates = profiles or shipped_profiles()
    raws = read(path, header_counter(candidates))
    return [(raw, detect(raw.frame.columns[:-1], candidates)) for raw in raws]


def conform_file(
    path: Path,
    settings: Settings = CHICAGO,
    *,
    profiles: list[Profile] | None = None,
    store: str | None = None,
    exported_at: datetime | None = None,
) -> list[Conformed]:
    """What every block made of every sheet of a file."""
    return [
        conform(raw, found.profile, block, settings, store=store, exported_at=exported_at)
        for raw, found in read_export(path, profiles)
        for block in found.blocks
    ]


def conform_text(folder: Path, text: str, settings: Settings = CHICAGO, *, store: str | None = None) -> Conformed:
    """Conform the text of a CSV file that feeds one table."""
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    (conformed,) = conform_file(path, settings, store=store)
    return conformed
