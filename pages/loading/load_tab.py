"""Load: drop files, see what was recognised and why, mend what was not, load, and see what changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from loaders import snapshot
from loaders.errors import LoaderError
from loaders.intake import Choices, Sheet
from loaders.output import told_error
from loaders.parts import Period
from loaders.profile import load_profile
from loaders.progress import Progress, part
from loaders.read import Reading
from loaders.snapshot import Published
from loaders.star import Moment
from pages import download, frame, theme
from pages.journal import Journal
from pages.loading import history_tab, mapping_form, results, undo
from pages.loading.desk import Job, Work
from pages.loading.place import Place, desk, open_part, say_error, say_kept, serving
from pages.loading.uploads import Upload, preview, safe_name, take

_LARGEST_MB: Final = 200
_ENCODINGS: Final = ("as found", "utf-8", "cp1252", "iso-8859-1", "utf-16")
# A look costs the server more than the step of a small load that it would show.
_LOOK_EVERY: Final = 2.0
_STEPS: Final = (
    "**1.** Export leads, appointments, calls and deals from your CRM, as CSV or Excel, or all in one .zip.\n"
    "**2.** Drop them above. Nothing is loaded yet: you first see what was recognised.\n"
    "**3.** Load. Whatever happens, one click on *Undo* brings back what was there before."
)


def render(place: Place) -> None:
    """Draw the tab: the load on its way, or what the last one did, or the place to drop files."""
    say_kept()
    job = desk(place).running() or st.session_state.get("load_job")
    if isinstance(job, Job):
        if job.is_over:
            _result(place, job)
        else:
            _under_way(job)
        return
    _newest(place)
    files = st.file_uploader(
        "Drop files here",
        accept_multiple_files=True,
        max_upload_size=_LARGEST_MB,
        key=f"files_{st.session_state.get('drops', 0)}",
        help=f"CSV, Excel, OpenDocument, Parquet, JSON, ADF, also in .zip or .gz; up to {_LARGEST_MB} MB each.",
    )
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    choices = _choices(place)
    if not uploads:
        st.session_state.pop("checked", None)
        _how(place)
        return
    sheets = _checked(place, uploads, choices, tuple(file.file_id for file in files))
    if sheets is not None:
        _recognised(place, uploads, sheets, choices)


def _newest(place: Place) -> None:
    """Whether the newest exports are in and arrived whole; nothing before the first load."""
    if place.loaded is None:
        return
    try:
        load = serving(place)
    except LoaderError as error:
        say_error(error)
        return
    if load is not None:
        st.markdown(f"{history_tab.brought(load)} {history_tab.missing(load, load['rows_refused'])}")


def _how(place: Place) -> None:
    """The steps of a load and, before the first one, which stores are known."""
    if place.loaded is None:
        names = results.listed([store.name for store in place.settings.stores]) or "none"
        st.info(
            f"Stores known so far: {theme.plain(names)}. Is yours among them? Its time zone and opening hours decide "
            "how times are counted, so name it before the first load.",
            icon=":material/store:",
        )
        if st.button("Name the stores", key="name_stores"):
            open_part("Standards and targets")
            st.rerun()
    st.markdown(_STEPS.replace("\n", "  \n"))


# What files do not say ------------------------------------------------------------------------------------------------


def _choices(place: Place) -> Choices:
    """What a person says about files that do not say it themselves."""
    names = [store.name for store in place.settings.stores]
    with st.expander("If a file does not say: its store, its period, its letters"):
        left, right = st.columns(2)
        store = left.selectbox(
            "Store of rows that name none",
            names,
            index=0 if len(names) == 1 else None,
            key="load_store",
            accept_new_options=True,
            placeholder="Choose, or type a name",
        )
        encoding = right.selectbox("How the letters of text files are stored", _ENCODINGS, key="load_encoding")
        first = left.date_input("Period of reports that name none: first day", None, key="load_first")
        last = right.date_input("Last day", None, key="load_last")
    return Choices(
        place.settings,
        store=store,
        period=_period(first, last),
        reading=Reading(None if encoding == _ENCODINGS[0] else encoding),
        own_profiles=place.own_profiles,
    )


def _period(first: Any, last: Any) -> Period | None:
    if not (isinstance(first, dt.date) and isinstance(last, dt.date)):
        return None
    if first > last:
        st.warning("The period ends before it starts; it is left aside. Turn the two days around.")
        return None
    return first, last


# What was recognised --------------------------------------------------------------------------------------------------


def _checked(place: Place, uploads: list[Upload], choices: Choices, files: tuple[str, ...]) -> list[Sheet] | None:
    """What a load would do with the files, remembered until they, the settings or a mapping change."""
    own = sorted((path.name, path.stat().st_mtime_ns) for path in place.own_profiles.glob("*.toml"))
    asked = (files, replace(choices, settings=place.settings), tuple(own), place.text)
    held = st.session_state.get("checked")
    if held is not None and held[0] == asked:
        return list(held[1])
    bar = st.progress(0.0, "Looking at the files")
    try:
        sheets = preview(uploads, choices, lambda done, text: _show(bar, done, text))
    except LoaderError as error:
        say_error(error)
        return None
    finally:
        bar.empty()
    st.session_state["checked"] = (asked, sheets)
    return sheets


def _show(bar: Any, done: float, text: str) -> None:
    bar.progress(min(done, 1.0), theme.plain(text))


def _recognised(place: Place, uploads: list[Upload], sheets: list[Sheet], choices: Choices) -> None:
    counts = results.expected(sheets)
    st.markdown(_answer(sheets, counts))
    rows, taken = sum(count.read for count in counts), sum(count.accepted for count in counts)
    with st.columns(2)[0]:
        frame.ask_name()
    label = f"Load {results.rows(taken)}" if taken else "Load"
    if st.button(label, key="load", disabled=not rows, icon=":material/upload:"):
        _drop_and_begin(place, uploads, choices)
    for number, sheet in enumerate(sheets):
        _file(place, uploads, sheet, number)


def _answer(sheets: list[Sheet], counts: list[results.Count]) -> str:
    """The answer in words: what is in the files, what would be refused, and what to do now."""
    failed = [sheet for sheet in sheets if sheet.error]
    found = results.listed([results.amount(count.accepted, count.table) for count in counts if count.accepted])
    refused = sum(count.refused for count in counts)
    said = f"**Found: {found}.**" if found else "**Nothing here can be loaded yet.**"
    if refused:
        said += f" {results.rows(refused)} would be refused; why stands below."
    if failed:
        names = theme.plain(results.listed([sheet.file for sheet in failed]))
        own = any(map(results.is_unknown, failed))
        said += f" **{names}** would be left out: " + ("say what its columns are." if own else "see why below.")
    elif found:
        said += " **Next:** look over the rows below, then load."
    return said


def _file(place: Place, uploads: list[Upload], sheet: Sheet, number: int) -> None:
    name = f"{sheet.file} [{sheet.sheet}]" if sheet.sheet else sheet.file
    counts = results.expected([sheet])
    told = results.listed([results.amount(count.read, count.table) for count in counts])
    sign = ":material/error:" if sheet.error else ":material/check_circle:"
    is_open = bool(sheet.error) or st.session_state.get("mapping") == number
    with st.expander(f"{theme.plain(name)}: {told or 'not loaded'}", expanded=is_open, icon=sign):
        if results.is_unknown(sheet):
            st.markdown(theme.plain(results.unknown_words(sheet)))
        elif sheet.error:
            say_error(told_error(sheet))
        else:
            _known(place, sheet)
        _mapping(place, uploads, sheet, number)


def _known(place: Place, sheet: Sheet) -> None:
    label = load_profile(str(sheet.profile), place.own_profiles).label
    st.markdown(f"Recognised as **{theme.plain(label)}**.")
    for line in (*sheet.reasons, *sheet.skipped, *sheet.notes):
        st.caption(theme.plain(line))
    for part_of in sheet.conformed:
        _table(part_of.table, part_of.read, part_of.good, part_of.rejects, part_of.findings)
    if sheet.dropped:
        lines = [{"Line": str(line), "Left out as": why} for line, why in sheet.dropped[:20]]
        st.caption(f"{len(sheet.dropped)} lines are no records:")
        st.table(theme.table(lines), hide_index=True, border="horizontal", alt="Lines that are no records")


def _table(table: str, read: int, good: pl.DataFrame, rejects: pl.DataFrame, findings: pl.DataFrame) -> None:
    refused = f", {results.number(rejects.height)} of them refused" if rejects.height else ""
    st.markdown(f"**{results.amount(read, table)}**{refused}")
    if rejects.height:
        why = theme.table(results.reasons(rejects))
        st.table(why, hide_index=True, border="horizontal", alt=f"Why {table} rows would be refused")
    if findings.height:
        with st.expander(f"Noticed: {results.number(findings.height)}"):
            for detail in findings["detail"].unique(maintain_order=True).head(20):
                st.caption(theme.plain(detail))
    if good.height:
        st.caption(f"The first {results.number(good.height)} rows as Upboard reads them")
        st.dataframe(
            results.readable(good), hide_index=True, height=220, alt=f"The first {table} rows as they are read"
        )


def _mapping(place: Place, uploads: Sequence[Upload], sheet: Sheet, number: int) -> None:
    upload = next((one for one in uploads if safe_name(one.name) == sheet.path.split("/")[0]), None)
    if upload is None or not sheet.content_hash:
        return
    if st.session_state.get("mapping") == number:
        mapping_form.render(place, upload, sheet)
        return
    label = "Say what its columns are" if results.is_unknown(sheet) else "Correct the columns"
    if st.button(label, key=f"map_{number}", icon=":material/edit_note:"):
        st.session_state["mapping"] = number
        st.rerun()


# The load -------------------------------------------------------------------------------------------------------------


def begin(place: Place, uploads: list[Upload], choices: Choices) -> None:
    """Begin a load of these files, unless another one is on its way, which is then shown."""
    title = results.listed([upload.name for upload in uploads])
    work = _loading(place, list(uploads), choices, frame.journal(), frame.who())
    st.session_state["load_job"] = desk(place).start(title, frame.who(), work)


def _drop_and_begin(place: Place, uploads: list[Upload], choices: Choices) -> None:
    begin(place, uploads, choices)
    st.session_state["drops"] = st.session_state.get("drops", 0) + 1
    for key in ("checked", "mapping", "mapped_raw", "mapped_drafts"):
        st.session_state.pop(key, None)
    st.rerun()


def _loading(place: Place, uploads: list[Upload], choices: Choices, journal: Journal, who: str) -> Work:
    def work(report: Progress) -> tuple[list[Sheet], Published | None]:
        sheets = take(uploads, choices, part(report, 0.0, 0.5))
        if not any(part_of.read for sheet in sheets for part_of in sheet.conformed):
            return sheets, None
        moment = Moment(loaded_at=datetime.now(UTC))
        published = snapshot.publish(sheets, place.warehouse, choices.settings, moment, part(report, 0.5, 1.0))
        snapshot.note_settings_file(place.warehouse, place.settings_file)
        names = [upload.name for upload in uploads]
        journal.write("loaded", who=who, natural_id=published.snapshot, files=names, is_new=published.is_new)
        return sheets, published

    return work


def begin_build(place: Place) -> None:
    """Build what is loaded once more with the settings as they are now, as a load of its own."""
    journal, who = frame.journal(), frame.who()

    def work(report: Progress) -> tuple[list[Sheet], Published | None]:
        published = snapshot.build_again(place.warehouse, place.settings, report)
        snapshot.note_settings_file(place.warehouse, place.settings_file)
        journal.write("loaded", who=who, natural_id=published.snapshot, files=[], is_new=published.is_new)
        return [], published

    st.session_state["load_job"] = desk(place).start("the settings as they are now", who, work)


def _under_way(job: Job) -> None:
    who = f" by {theme.plain(frame.named(job.who))}" if job.who else ""
    st.markdown(f"**Loading {theme.plain(job.title)}**, begun{who} at {job.began:%H:%M} UTC.")
    st.caption("You may leave this page: the load goes on, and until it is done everybody sees the numbers of before.")

    @st.fragment(run_every=_LOOK_EVERY)
    def look() -> None:
        if job.is_over:
            st.rerun()
        st.progress(job.done, theme.plain(job.line()))

    look()


def _result(place: Place, job: Job) -> None:
    if job.error is not None:
        say_error(job.error)
    elif job.outcome is not None:
        _outcome(list(job.outcome.sheets), job.outcome.published)
    st.button("Load more files", on_click=_clear, key="load_more", icon=":material/upload:")
    published = job.outcome.published if job.outcome else None
    serving = snapshot.current_path(place.warehouse)
    if published and published.is_new and serving and serving.stem == published.snapshot:
        undo.button(place, key="undo_load")


def _clear() -> None:
    st.session_state.pop("load_job", None)


def _outcome(sheets: list[Sheet], published: Published | None) -> None:
    if published is None:
        st.warning("Nothing was loaded: none of the files holds a row that Upboard knows.", icon=":material/inbox:")
    elif not published.is_new:
        st.info("Nothing changed: these very rows are loaded already.", icon=":material/check_circle:")
    else:
        counts = results.counts_of(published.files.to_dicts())
        st.success(f"Loaded. Data as of {_moment(published.as_of)}.", icon=":material/check_circle:")
        for count in counts:
            st.markdown(f"- **{results.loaded_words(count)}**")
        st.markdown("**Next:** see what it changes.")
        frame.link("overview", "Open the overview")
    for sheet in (sheet for sheet in sheets if sheet.error):
        say_error(told_error(sheet))
    rejects = [part_of.rejects for sheet in sheets for part_of in sheet.conformed if part_of.rejects.height]
    if rejects:
        _rejects(pl.concat(rejects))


def _rejects(rejects: pl.DataFrame) -> None:
    st.markdown(f"Refused: {results.rows(rejects.height)}. Mend them in the CRM, export and load again:")
    why = theme.table(results.reasons(rejects))
    st.table(why, hide_index=True, border="horizontal", alt="Why rows were refused, by reason")
    about = {"What": "Rows that Upboard refused, with the reason", "Rows": results.number(rejects.height)}
    make = frame.taken(partial(download.to_csv, results.refused_rows(rejects), about), "refused_rows")
    st.download_button("Download the refused rows", make, "refused_rows.csv", "text/csv", on_click="ignore")


def _moment(at: datetime | None) -> str:
    return results.moment(at.isoformat() if at else None)
