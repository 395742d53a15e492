"""Where this dashboard's warehouse and settings are, and how a load error is said on a page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import streamlit as st

from loaders import snapshot
from loaders.edits import text_of
from loaders.errors import LoaderError
from loaders.profile import OWN_PROFILES
from loaders.settings import Settings, checked_settings
from pages import frame, theme
from pages.loading.desk import Desk

_DEFAULT: Final = Path("data/settings.toml")
_SAID: Final = "loading_said"
_ASKED_PART: Final = "loading_part"


@dataclass(frozen=True)
class Place:
    """The warehouse, the settings file that its loads use, its text and what it says.

    `loaded`: the settings by which the serving snapshot was built; None before the first load.
    """

    warehouse: Path
    settings_file: Path
    text: str
    settings: Settings
    loaded: Settings | None

    @property
    def own_profiles(self) -> Path:
        """The folder of the dealership's own profiles."""
        return self.settings_file.parent / OWN_PROFILES


def settings_file(warehouse: Path) -> Path:
    """The environment's UPBOARD_SETTINGS, else the file that the last load used, else data/settings.toml."""
    named = os.environ.get("UPBOARD_SETTINGS")
    return Path(named) if named else snapshot.noted_settings_file(warehouse) or _DEFAULT


def here() -> Place:
    """Everything that a load needs to know of its place. LoaderError where the settings cannot be read."""
    warehouse = frame.warehouse_directory()
    path = settings_file(warehouse)
    text = text_of(path)
    return Place(warehouse, path, text, checked_settings(text, path), _loaded(warehouse))


def _loaded(warehouse: Path) -> Settings | None:
    try:
        return _settings_of(str(warehouse.resolve()), (warehouse / snapshot.CURRENT).read_text(encoding="utf-8"))
    except (OSError, LoaderError):
        return None


@st.cache_data(max_entries=8, show_spinner=False)
def _settings_of(warehouse: str, current: str) -> Settings:  # noqa: ARG001
    """Remembered per snapshot: `current`, which says which one serves, is a part of the key."""
    return snapshot.loaded_settings(Path(warehouse))


def serving(place: Place) -> dict[str, Any] | None:
    """The load that serves now, as `snapshot.history` tells it, with its `rows_refused`; None before the first.

    LoaderError where the snapshot cannot be read.
    """
    try:
        current = (place.warehouse / snapshot.CURRENT).read_text(encoding="utf-8")
    except OSError:
        return None
    return _load_of(str(place.warehouse.resolve()), current)


@st.cache_data(max_entries=8, show_spinner=False)
def _load_of(warehouse: str, current: str) -> dict[str, Any] | None:  # noqa: ARG001
    """Remembered per snapshot, as every kept snapshot is opened to tell the history."""
    load = next((load for load in snapshot.history(Path(warehouse)) if load["is_current"]), None)
    return load and load | {"rows_refused": snapshot.rejects(Path(warehouse)).height}


def desk(place: Place) -> Desk:
    """The one desk of this server where loads of this warehouse are run."""
    return _desk(str(place.warehouse.resolve()))


@st.cache_resource(show_spinner=False)
def _desk(warehouse: str) -> Desk:  # noqa: ARG001
    """Remembered per warehouse."""
    return Desk()


def note(kind: str, **data: Any) -> None:
    """Write into the journal who did this; a journal that cannot be written is said, and stops nothing."""
    frame.journal().write(kind, who=frame.who(), **data)


def open_part(part: str) -> None:
    """Let the next run, which is about to begin, open another part of the page."""
    st.session_state[_ASKED_PART] = part


def asked_part() -> str | None:
    """The part that the last run asked for, once."""
    found: str | None = st.session_state.pop(_ASKED_PART, None)
    return found


def say_error(error: LoaderError | str) -> None:
    """An error of the loaders, whole: what and where, then the next step."""
    message, _, hint = str(error).partition("\n\nHint:")
    st.error(theme.plain(message), icon=":material/error:")
    if hint.strip():
        st.markdown(f"**Next:** {theme.plain(hint)}")


def say_later(text: str) -> None:
    """Keep a sentence for the next run, which a button is about to begin."""
    st.session_state[_SAID] = text


def say_kept() -> None:
    """Say what the last run kept."""
    if said := st.session_state.pop(_SAID, None):
        st.success(theme.plain(said), icon=":material/check_circle:")
