"""Which column of a file is what: shown with samples, corrected with select boxes, tried at once, kept as a profile."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

import polars as pl
import streamlit as st

from loaders import mapping
from loaders.canonical import Conformed, conform
from loaders.columns import WORDS
from loaders.contracts import TABLES
from loaders.draft import draft_profile, profile_name
from loaders.errors import LoaderError
from loaders.guessing import look_at, needed
from loaders.intake import Sheet
from loaders.profile import FileBlock, Profile, checked_profile, load_profile
from loaders.read import RawFrame
from pages import theme
from pages.loading import results
from pages.loading.place import Place, note, say_error, say_later
from pages.loading.uploads import Upload, raw_of

NOT_THERE: Final = "(not in this file)"
_ORDERS: Final = {"mdy": "month first: 3/31/2026", "dmy": "day first: 31/3/2026", "iso": "year first: 2026-03-31"}
_CLOCK_OF_STORE: Final = "the store's clock"
_TRIED_ROWS: Final = 5_000
_SAMPLES: Final = 3
_SAMPLE_LENGTH: Final = 24
_MOST_WORDS: Final = 40
_ABREAST: Final = 2


@dataclass(frozen=True)
class Subject:
    """What is being mapped: a file, the text of the profile to change, and its block. `name` is blank for a new one."""

    raw: RawFrame
    text: str
    block: FileBlock
    name: str

    @property
    def headers(self) -> list[str]:
        """The columns of the file in its own order."""
        return [name for name in self.raw.frame.columns if name != "source_line"]


def render(place: Place, upload: Upload, sheet: Sheet) -> None:
    """Draw the form for one dropped file. Keeping it writes a profile and checks the files again."""
    try:
        subject = _subject(place, upload, sheet)
    except LoaderError as error:
        say_error(error)
        return
    with st.container(border=True):
        st.subheader(f"Columns of {theme.plain(upload.name)}")
        st.caption("Say what each column is. The sentence below tells at once how many rows would be taken so.")
        change = _asked(subject)
        text = mapping.changed(_base(subject, upload), subject.block.name, change)
        _try(place, subject, text)
        _keep(place, subject, text, upload)


def _subject(place: Place, upload: Upload, sheet: Sheet) -> Subject:
    raw = _raw(upload)
    if sheet.profile is not None:
        profile = load_profile(sheet.profile, place.own_profiles)
        blocks = {block.name: block for block in profile.file}
        names = [part.block for part in sheet.conformed if part.block in blocks] or list(blocks)
        name = names[0] if len(names) == 1 else st.selectbox("Which of its tables", names, key="mapped_block")
        return Subject(raw, mapping.own_copy(sheet.profile, place.own_profiles), blocks[name], sheet.profile)
    drafted = _drafted(raw, None)
    likely = checked_profile(drafted, Path("draft.toml")).file[0].table
    tables = list(TABLES)
    table = st.selectbox(
        "One row of this file is one of",
        tables,
        index=tables.index(likely),
        format_func=lambda name: results.NOUNS[name],
        key="mapped_table",
    )
    text = drafted if table == likely else _drafted(raw, table)
    return Subject(raw, text, checked_profile(text, Path("draft.toml")).file[0], "")


def _raw(upload: Upload) -> RawFrame:
    """Read once per file, however often the form is drawn again."""
    held = st.session_state.get("mapped_raw")
    if held is None or held[0] is not upload.content:
        held = (upload.content, raw_of(upload))
        st.session_state["mapped_raw"] = held
    raw: RawFrame = held[1]
    return raw


def _drafted(raw: RawFrame, table: str | None) -> str:
    key = (raw.content_hash, table)
    held: dict[tuple[str, str | None], str] = st.session_state.setdefault("mapped_drafts", {})
    if key not in held:
        short = replace(raw, frame=raw.frame.head(_TRIED_ROWS))
        try:
            held[key] = draft_profile(short, profile_name(Path(raw.file).stem), table).text
        except LoaderError:
            headers = [name for name in raw.frame.columns if name != "source_line"]
            held[key] = mapping.unmapped(table or "lead", headers)
    return held[key]


def _base(subject: Subject, upload: Upload) -> str:
    """The profile before the change: the known one as it is written, or a draft without its remarks."""
    if subject.name:
        return subject.text
    name = profile_name(st.session_state.get("mapped_name") or Path(upload.name).stem)
    return mapping.plain(subject.text, name=name, label=name.replace("_", " "), origin=upload.name)


# What is asked --------------------------------------------------------------------------------------------------------


def _asked(subject: Subject) -> mapping.Change:
    fed = mapping.fed_by(subject.block, subject.headers)
    order, zone = _clock(subject)
    first = needed(subject.block.table)
    shown = [name for name in fed if _is_shown_first(name, fed, first)]
    chosen = _columns(subject, shown, fed)
    above = st.container()
    with st.expander("More columns that Upboard can read", expanded=bool(set(subject.headers) - set(fed.values()))):
        chosen |= _columns(subject, [name for name in fed if name not in chosen], fed)
    if unread := [header for header in subject.headers if header not in chosen.values()]:
        above.caption(f"Not read so far: {theme.plain(results.listed(unread))}.")
    columns = {name: header for name, header in chosen.items() if header != fed[name]}
    words, defaults = _words(subject, chosen), _defaults(subject, chosen)
    return mapping.Change(columns=columns, words=words, defaults=defaults, date_order=order, time_zone=zone)


def _columns(subject: Subject, names: Sequence[str], fed: dict[str, str]) -> dict[str, str]:
    """Select boxes side by side, in the order of the names."""
    chosen: dict[str, str] = {}
    for at in range(0, len(names), _ABREAST):
        for place, name in zip(st.columns(_ABREAST), names[at : at + _ABREAST], strict=False):
            with place:
                chosen[name] = _column(subject, name, fed[name])
    return chosen


def _is_shown_first(name: str, fed: dict[str, str], first: Sequence[str]) -> bool:
    """The key, what every row needs, and what is fed already."""
    return name == next(iter(fed)) or name in first or bool(fed[name])


def _clock(subject: Subject) -> tuple[str | None, str | None]:
    held_order = mapping.date_order_of(subject.block)
    held_zone = subject.block.time_zone or tomllib.loads(subject.text).get("time_zone", "store")
    zones = ["store", "UTC", *sorted(name for name in available_timezones() if "/" in name)]
    left, right = st.columns(2)
    order = left.selectbox(
        "How days are written",
        list(_ORDERS),
        index=list(_ORDERS).index(held_order),
        format_func=_ORDERS.__getitem__,
        key=_key(subject, "order"),
    )
    zone = right.selectbox(
        "Whose clock its times follow",
        zones,
        index=zones.index(held_zone) if held_zone in zones else 0,
        format_func=lambda name: _CLOCK_OF_STORE if name == "store" else name,
        key=_key(subject, "zone"),
    )
    return (order if order != held_order else None), (zone if zone != held_zone else None)


def _column(subject: Subject, name: str, held: str) -> str:
    """One of our columns: a select box over the file's columns, each with its first cells."""
    options = ["", *([held] if held == mapping.AS_WRITTEN else []), *subject.headers]
    mark = " (every row needs it)" if name in needed(subject.block.table) else ""
    return st.selectbox(
        f"{name.replace('_', ' ')}{mark}",
        options,
        index=options.index(held),
        format_func=lambda header: _with_samples(subject, header),
        key=_key(subject, f"column_{name}"),
    )


def _with_samples(subject: Subject, header: str) -> str:
    if not header:
        return NOT_THERE
    if header == mapping.AS_WRITTEN:
        return header
    cells = subject.raw.frame[header].head(_TRIED_ROWS).drop_nulls().unique(maintain_order=True).head(_SAMPLES)
    shown = " | ".join(" ".join(cell.split())[:_SAMPLE_LENGTH] for cell in cells.to_list())
    return f"{header}: {shown}" if shown else f"{header} (empty)"


def _words(subject: Subject, chosen: dict[str, str]) -> dict[str, dict[str, str]]:
    """For each column that holds one of a few words: what each word of the file means."""
    found: dict[str, dict[str, str]] = {}
    for name, header in chosen.items():
        allowed = WORDS.get((subject.block.table, name))
        if not allowed or header in ("", mapping.AS_WRITTEN):
            continue
        words = look_at(header, subject.raw.frame[header].head(_TRIED_ROWS)).words[:_MOST_WORDS]
        found[name] = _meanings(subject, name, words, allowed)
    return {name: meanings for name, meanings in found.items() if meanings}


def _meanings(subject: Subject, name: str, words: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    held = {word.casefold(): to for word, to in subject.block.values.get(name, {}).items()}
    own = {word: held.get(word.casefold(), word.casefold()) for word in words}
    rows = [{"In the file": word, "Means": to if to in allowed else None} for word, to in own.items()]
    if not rows:
        return {}
    st.caption(f"What the words of {name.replace('_', ' ')} mean")
    edited = st.data_editor(
        pl.DataFrame(rows, schema={"In the file": pl.String, "Means": pl.String}),
        column_config={"Means": st.column_config.SelectboxColumn(options=list(allowed))},
        disabled=["In the file"],
        hide_index=True,
        key=_key(subject, f"words_{name}_{'|'.join(words)}"),
        alt=f"The words of {name} and what each means",
    )
    told = {row["In the file"]: row["Means"] for row in edited.to_dicts() if row["Means"]}
    return {word: to for word, to in told.items() if to != own[word] or word.casefold() not in (*held, to)}


def _defaults(subject: Subject, chosen: dict[str, str]) -> dict[str, str]:
    """For each column of a few words that every row needs and that no column of the file feeds: what it holds."""
    found: dict[str, str] = {}
    for name in needed(subject.block.table):
        allowed = WORDS.get((subject.block.table, name))
        if not allowed or chosen.get(name) or name in subject.block.constants or name in subject.block.choose:
            continue
        held = subject.block.defaults.get(name)
        found[name] = st.selectbox(
            f"{name.replace('_', ' ')} of every row, as the file does not say",
            list(allowed),
            index=list(allowed).index(held) if held in allowed else 0,
            key=_key(subject, f"default_{name}"),
        )
    return {name: word for name, word in found.items() if word != subject.block.defaults.get(name)}


def _key(subject: Subject, part: str) -> str:
    return f"map_{subject.raw.content_hash[:12]}_{subject.block.table}_{subject.block.name}_{part}"


# What comes of it -----------------------------------------------------------------------------------------------------


def _try(place: Place, subject: Subject, text: str) -> None:
    """Say how many rows this mapping takes of the file, and why it refuses others."""
    try:
        tried = _tried(place, subject, checked_profile(text, Path(f"{subject.name or 'draft'}.toml")))
    except LoaderError as error:
        say_error(error)
        return
    count = results.Count(tried.table, tried.read, tried.read - tried.rejects.height, 0, 0)
    what = f"Of {results.amount(count.read, tried.table)}, {results.number(count.accepted)} would be taken"
    if count.read < subject.raw.frame.height:
        what = f"Tried on the first {results.number(count.read)} rows. {what}"
    st.markdown(f"**{what}, {results.number(count.refused)} refused.**")
    if count.refused:
        why = theme.table(results.reasons(tried.rejects))
        st.table(why, hide_index=True, border="horizontal", alt="Why rows would be refused, by reason")
    if count.accepted:
        st.dataframe(results.readable(tried.good.head(5)), hide_index=True, alt="The first rows as Upboard reads them")


def _tried(place: Place, subject: Subject, profile: Profile) -> Conformed:
    raw = replace(subject.raw, frame=subject.raw.frame.head(_TRIED_ROWS))
    block = next(block for block in profile.file if block.name == subject.block.name)
    named = [store.name for store in place.settings.stores]
    store = st.session_state.get("load_store") or (named[0] if named else "(trial)")
    return conform(raw, profile, block, place.settings, store=store, exported_at=None)


def _keep(place: Place, subject: Subject, text: str, upload: Upload) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    if subject.name:
        left.caption(f"Kept as your own copy of the profile {subject.name}, in {place.own_profiles}.")
    else:
        said = "Every file like this is known by it."
        left.text_input("Call it", profile_name(Path(upload.name).stem), key="mapped_name", help=said)
    if right.button("Keep this mapping", key="keep_mapping", width="stretch"):
        name = subject.name or profile_name(st.session_state["mapped_name"])
        try:
            mapping.save_own(name, text, place.own_profiles, is_new=not subject.name)
        except LoaderError as error:
            say_error(error)
            return
        note("mapping_saved", profile=name, file=upload.name)
        st.session_state.pop("mapping", None)
        say_later(f"Kept as the profile “{name}”. Files like {upload.name} are known from now on.")
        st.rerun()
