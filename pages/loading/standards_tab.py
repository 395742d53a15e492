"""Standards and targets: what the store promises and aims at, edited in the page and kept in settings.toml."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import available_timezones

import polars as pl
import streamlit as st

from loaders import edits
from loaders.errors import LoaderError
from loaders.settings import WEEKDAYS, Settings, Store
from metrics.catalog import METRICS
from pages import frame, theme
from pages.loading import load_tab, results
from pages.loading.place import Place, note, open_part, say_error, say_kept, say_later

_LABELS: Final = {metric.name: metric.label for metric in METRICS}
_SPAN: Final = r"^(closed|[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d)$"
_MONTH: Final = r"^\d{4}-(0[1-9]|1[0-2])$"
_TARGET: Final = {
    "metric": pl.String,
    "value": pl.Float64,
    "store": pl.String,
    "person": pl.String,
    "source": pl.String,
    "month": pl.String,
}
_ANNOTATION: Final = {"date": pl.Date, "label": pl.String, "store": pl.String, "person": pl.String}
_STORE: Final = {
    "name": pl.String,
    "time_zone": pl.String,
    "country": pl.String,
    "currency": pl.String,
    "response_minutes": pl.Int64,
    "aliases": pl.String,
    **dict.fromkeys(WEEKDAYS, pl.String),
    "was": pl.String,
}
_DAYS: Final = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}


def render(place: Place) -> None:
    """Draw the tab: what holds now, whether the numbers were counted so, and a form for each part."""
    say_kept()
    st.markdown(_answer(place.settings))
    differing(place)
    with st.columns(2)[0]:
        frame.ask_name()
    _standards(place)
    _stores(place)
    _targets(place)
    _annotations(place)


def _answer(settings: Settings) -> str:
    standards = settings.standards
    said = (
        f"**A lead is to be answered by a person within {results.number(standards.response_minutes)} open minutes, and "
        f"followed up with {results.number(standards.attempts)} attempts in {results.number(standards.attempt_days)} "
        f"days.** {results.number(len(settings.all_targets()))} targets are set."
    )
    changes = frame.journal().entries("settings_changed")
    if not changes:
        return said
    last = changes[-1]
    who = theme.plain(frame.named(last.who) or "somebody")
    return f"{said} Last changed on {results.moment(last.at.isoformat())} by {who}."


def differing(place: Place) -> None:
    """Say where the numbers on the screen were counted with other settings than these, and offer to count again."""
    if place.loaded is None or place.loaded == place.settings:
        return
    told = results.differences(place.loaded, place.settings)
    st.warning("The numbers were counted with other settings than these:", icon=":material/rule_settings:")
    st.markdown("\n".join(f"- {theme.plain(line)}" for line in told))
    if st.button("Build again now", key="build_again", icon=":material/restart_alt:"):
        load_tab.begin_build(place)
        open_part("Load")
        st.rerun()
    st.caption("They change with the next load in any case. A build changes no record, and can be undone.")


def _standards(place: Place) -> None:
    held = place.settings.standards
    with st.form("standards"):
        st.subheader("Standards of all stores")
        places = st.columns(3)
        values = {
            "response_minutes": places[0].number_input(
                "First answer within, open minutes", 1, 10_000, held.response_minutes
            ),
            "attempts": places[1].number_input("Attempts", 1, 100, held.attempts),
            "attempt_days": places[2].number_input("Within days", 1, 365, held.attempt_days),
        }
        if st.form_submit_button("Save the standards"):
            save(
                place, "standards", lambda text: edits.with_standards(text, {key: int(n) for key, n in values.items()})
            )


def _stores(place: Place) -> None:
    with st.form("stores"):
        st.subheader("Stores")
        st.caption("A store's own standard goes before that of all stores. Other spellings: divide them with ; signs.")
        rows = [_store_row(store) for store in place.settings.stores]
        texts = {day: st.column_config.TextColumn(label, validate=_SPAN) for day, label in _DAYS.items()}
        config = texts | {
            "name": st.column_config.TextColumn("Store", required=True),
            "time_zone": st.column_config.SelectboxColumn("Time zone", options=_zones(), required=True),
            "country": st.column_config.TextColumn("Country", validate="^[A-Z]{2}$", default="US"),
            "currency": st.column_config.TextColumn("Currency", validate="^[A-Z]{3}$", default="USD"),
            "response_minutes": st.column_config.NumberColumn("Own standard, minutes", min_value=1),
            "aliases": st.column_config.TextColumn("Other spellings"),
            "was": None,
        }
        edited = st.data_editor(
            pl.DataFrame(rows, schema=_STORE),
            column_config=config,
            num_rows="dynamic",
            hide_index=True,
            placeholder="",
            key="edit_stores",
            alt="The stores with their clocks, standards and opening hours",
        )
        if st.form_submit_button("Save the stores"):
            wanted = [_as_store(row) for row in edited.to_dicts()]
            save(place, "stores", lambda text: edits.with_stores(text, wanted))


def _store_row(store: Store) -> dict[str, Any]:
    row = {key: getattr(store, key) for key in ("name", "time_zone", "country", "currency", "response_minutes")}
    return row | {"aliases": "; ".join(store.aliases), **store.hours.model_dump(), "was": store.name}


def _as_store(row: Mapping[str, Any]) -> dict[str, Any]:
    named = [name.strip() for name in (row["aliases"] or "").split(";")]
    return {**row, "aliases": [name for name in named if name]}


def _zones() -> list[str]:
    return ["UTC", *sorted(name for name in available_timezones() if "/" in name)]


def _targets(place: Place) -> None:
    with st.form("targets"):
        st.subheader("Targets")
        st.caption(
            "Shares are written as 0 to 1, minutes as they are, counts and amounts for one month. What is left blank "
            "stands for all; of several targets that fit, the one that says most holds."
        )
        names = [target.model_dump(include=set(_TARGET)) for target in place.settings.all_targets()]
        config = {
            "metric": st.column_config.SelectboxColumn(
                "Number",
                options=list(_LABELS),
                format_func=lambda name: _LABELS.get(str(name), str(name)),
                required=True,
            ),
            "value": st.column_config.NumberColumn("Target", required=True),
            "store": st.column_config.SelectboxColumn("Store", options=_names(place)),
            "person": st.column_config.TextColumn("Person"),
            "source": st.column_config.TextColumn("Source"),
            "month": st.column_config.TextColumn("Month", validate=_MONTH, help="As 2026-11"),
        }
        edited = st.data_editor(
            pl.DataFrame(names, schema=_TARGET),
            column_config=config,
            num_rows="dynamic",
            hide_index=True,
            placeholder="",
            key="edit_targets",
            alt="Targets, one row each",
        )
        if st.form_submit_button("Save the targets"):
            rows = _complete(edited.to_dicts(), ("metric", "value"), "target")
            save(place, "targets", lambda text: edits.with_targets(text, rows))


def _annotations(place: Place) -> None:
    with st.form("annotations"):
        st.subheader("What happened when")
        st.caption("A training, a new hire, a new process: shown on trends, so that a change can be read beside it.")
        held = [annotation.model_dump(by_alias=True) for annotation in place.settings.annotations]
        config = {
            "date": st.column_config.DateColumn("Day", required=True),
            "label": st.column_config.TextColumn("What", required=True),
            "store": st.column_config.SelectboxColumn("Store", options=_names(place), help="Blank: all stores"),
            "person": st.column_config.TextColumn("Person", help="Blank: everybody"),
        }
        edited = st.data_editor(
            pl.DataFrame(held, schema=_ANNOTATION),
            column_config=config,
            num_rows="dynamic",
            hide_index=True,
            placeholder="",
            key="edit_annotations",
            alt="What happened when, one row each",
        )
        if st.form_submit_button("Save what happened"):
            rows = _complete(edited.to_dicts(), ("date", "label"), "annotation")
            save(place, "annotations", lambda text: edits.with_annotations(text, rows))


def _names(place: Place) -> list[str]:
    return [store.name for store in place.settings.stores]


def _complete(rows: Sequence[Mapping[str, Any]], needs: Sequence[str], what: str) -> list[Mapping[str, Any]]:
    """The rows that say anything. A row without what it needs is said and left out."""
    said = [row for row in rows if any(value not in (None, "") for value in row.values())]
    lacking = [row for row in said if any(row[name] in (None, "") for name in needs)]
    if lacking:
        st.warning(f"{results.rows(len(lacking))} without {' or '.join(needs)} left out: no {what}.")
    return [row for row in said if row not in lacking]


def save(place: Place, part: str, change: Callable[[str], str]) -> None:
    """Write a change into settings.toml if it is valid, and note who made it; otherwise say what is wrong."""
    try:
        settings = edits.save(place.settings_file, change(place.text), place.text)
    except LoaderError as error:
        say_error(error)
        return
    changes = results.differences(place.settings, settings)
    if not changes:
        st.info("Nothing is different from what is saved already.")
        return
    note("settings_changed", natural_id=part, changes=changes)
    say_later("Saved. The numbers follow with the next load, or when you build again.")
    st.rerun()
