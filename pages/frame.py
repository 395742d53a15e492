"""The frame around every page: the warehouse, the shared filters in the URL, banners, links, and the drill to rows.

All that touches the URL stands here. Filters are widgets bound to the URL; drills are unbound keys that buttons on the
same page and links between pages set (a link to the page one is on does not change the address, a button does). A
link that asks for a value this data does not have keeps asking for it, so that the page never shows more than it meant.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Event, current_thread
from types import FunctionType
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from metrics import engine, listing
from metrics.declare import DIMENSIONS, MetricError
from metrics.filters import Filters, Grain
from metrics.scope import Scope
from metrics.sql import Query
from pages import periods, region, roles, sign_in, signed, theme, turns
from pages.charts.layout import CONFIG, Drawn, Figure, inked
from pages.journal import Journal, JournalError, open_journal
from pages.users import User, UsersError

Row = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")

FILTERED: Final = ("store", "source_group", "source", "person", "vehicle_condition", "lead_type")
LABELS: Final = {dimension.name: dimension.label for dimension in DIMENSIONS}
DRILL_KEYS: Final = ("rows", "member", "credit")
_OWN_CHOICES: Final = "own_choices"
_CHOICES: Final = {"period": periods.PERIODS, "compare": periods.COMPARISONS, "grain": periods.GRAINS}
_CHOICE_LABELS: Final = {"period": "Period", "compare": "Compare with", "grain": "Trend by"}
_CHOICE_HELP: Final = {"compare": "Overview compares with it.", "grain": "For the trend on Overview."}
_STALE_AFTER: Final = dt.timedelta(days=2)
_LOAD: Final = "python -m loaders load PATH --settings data/settings.toml"
# What stands in the place of the period on a page that shows how things are at the moment the data reach to.
AS_OF_NOW: Final = "**As of now**, whatever the period"
_REFUSED: Final = (
    "They are not in these numbers. `python -m loaders rejects` lists each with its file, line and reason."
)
_LONGEST_WORD: Final = 60
_SKELETON_HEIGHT: Final = 240
_LINE_HEIGHT: Final = 26
# The later parts of a page that is still drawing what it shows at once.
_WAITING: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("waiting", default=None)
# Set where whoever had this thread ask, side by side with others, does not wait any more.
_LEFT: Final[ContextVar[Event | None]] = ContextVar("left", default=None)
_DEMO: Final = "make run"
# The snapshot of this run, for all its parts and whatever they ask side by side; none before it was looked for.
_OF_THIS_RUN: Final[ContextVar[engine.Warehouse | None]] = ContextVar("of_this_run", default=None)

# What is said where a store lacks a kind of record and the CRM's own word stands in for it.
_STAND_INS: Final = {
    "has_contact_log": "logs no contacts: first attempt and contact are the CRM's own first times.",
    "has_deal_log": "has no deal records: a lead counts as sold when its CRM says so, and gross is unknown.",
}


# The warehouse --------------------------------------------------------------------------------------------------------


def warehouse_directory() -> Path:
    """Where the snapshots are: the environment's UPBOARD_WAREHOUSE, else data/warehouse."""
    return Path(os.environ.get("UPBOARD_WAREHOUSE", "data/warehouse"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(directory: str) -> engine.Warehouse:
    return engine.open_warehouse(Path(directory))


def serve_to(user: User) -> None:
    """Remember who this run is for. A session that is somebody else's now forgets what it held."""
    before: User | None = st.session_state.get("user")
    if before is not None and before.login != user.login:
        st.session_state.clear()
    st.session_state["user"] = user


def user() -> User:
    """Who this run is for; asked anew where the dashboard has not said so."""
    if "user" not in st.session_state:
        serve_to(sign_in.require())
    return cast(User, st.session_state["user"])


def warehouse() -> engine.Warehouse:
    """The warehouse as the user of this run may see it, on the snapshot that CURRENT named when the run began.

    Whatever is asked of it stays within their scope. NoWarehouse where there is none.
    """
    opened = _OF_THIS_RUN.get() or _present()
    return opened.within(roles.scope_of(user()))


def _present() -> engine.Warehouse:
    """The snapshot that CURRENT names now."""
    opened = _opened(str(warehouse_directory().absolute()))
    opened.refresh()
    return opened.staying()


def look_again() -> None:
    """Follow CURRENT now, and not again in this run, or this part of it: its numbers are of one snapshot."""
    _OF_THIS_RUN.set(None)
    with suppress(engine.NoWarehouse):
        _OF_THIS_RUN.set(_present())


def _identity(opened: engine.Warehouse) -> str:
    """What remembered numbers belong to: one snapshot of one directory, as one scope sees it."""
    return f"{opened.directory}/{opened.snapshot}/{opened.scope.model_dump_json()}"


_HASHES: Final[dict[str | type[Any], Callable[[Any], Any]]] = {
    engine.Warehouse: _identity,
    Filters: Filters.model_dump_json,
    FunctionType: lambda work: f"{work.__module__}.{work.__qualname__}",
}


class _LeftError(BaseException):
    """Whoever asked does not wait any more."""


def _still_wanted() -> None:
    """End here where the reader has asked for something else meanwhile: Streamlit looks at that when state is read."""
    st.session_state.get("user")
    left = _LEFT.get()
    if left is not None and left.is_set():
        raise _LeftError


@st.cache_data(max_entries=2048, show_spinner=False, hash_funcs=_HASHES)
def _evaluated(opened: engine.Warehouse, names: tuple[str, ...], filters: Filters) -> pl.DataFrame:
    with turns.NUMBERS.turn(_still_wanted):
        return engine.evaluate(opened, names, filters)


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=_HASHES)
def _estimated(opened: engine.Warehouse, work: Callable[..., R], args: tuple[Any, ...], named: dict[str, Any]) -> R:
    with turns.NUMBERS.turn(_still_wanted):
        return work(opened, *args, **named)


@st.cache_data(max_entries=1024, show_spinner=False, hash_funcs=_HASHES)
def _options(opened: engine.Warehouse, dimension: str) -> list[str]:
    return engine.options(opened, dimension)


# Shared as they are, not copied for each reader: nobody changes a frame in place.
@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_HASHES)
def _facts(opened: engine.Warehouse) -> engine.Facts:
    return engine.snapshot_facts(opened)


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_HASHES)
def _stores(opened: engine.Warehouse) -> pl.DataFrame:
    return engine.stores(opened)


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_HASHES)
def _staff(opened: engine.Warehouse) -> pl.DataFrame:
    return engine.staff(opened)


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_HASHES)
def _targets(opened: engine.Warehouse) -> engine.Targets:
    return engine.targets(opened)


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_HASHES)
def _left_out(opened: engine.Warehouse, name: str, filters: Filters) -> tuple[int, int] | None:
    return engine.left_out(opened, name, filters)


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs=_HASHES)
def _findings(opened: engine.Warehouse) -> pl.DataFrame:
    return engine.findings(opened)


def findings() -> pl.DataFrame:
    """What loading noticed, as `finding, store, records`."""
    return _findings(warehouse())


def evaluate(metrics: Sequence[str], filters: Filters) -> pl.DataFrame:
    """Numbers of this run's snapshot, remembered per snapshot, metrics and filters.

    Metrics that share rows share a scan: ask for all that a page needs of the same filters at once.
    """
    return _evaluated(warehouse(), tuple(metrics), filters)


def ask_ahead(*questions: tuple[Sequence[str], Filters | None]) -> None:
    """Ask several questions of `evaluate` side by side, so that the page finds each of them answered.

    A question without filters (no comparison) is left out. An error is not raised here: who asks again gets it.
    """
    side_by_side(*(partial(evaluate, names, filters) for names, filters in questions if filters is not None))


def side_by_side(*asks: Callable[[], object]) -> None:
    """Ask at the same time what the page will ask for one after the other, so that it finds each of them answered.

    What they give must be remembered, as that of `evaluate` and `estimate` is. An error is not raised here: who asks
    again gets it. Never in a callback of a widget: Streamlit holds the session's state there, which the asking needs.
    """
    context, left = get_script_run_ctx(), Event()

    def ask(question: Callable[[], object]) -> None:
        add_script_run_ctx(current_thread(), context)
        _LEFT.set(left)
        with suppress(MetricError, _LeftError):
            question()

    with ThreadPoolExecutor(max(1, len(asks))) as pool:
        # Each in a copy of what this run knows: its snapshot, its part of the page.
        asked = [pool.submit(copy_context().run, ask, question) for question in asks]
        try:
            while wait(asked, turns.LOOKS_EVERY_SECONDS).not_done:
                _still_wanted()
        except BaseException:
            left.set()
            raise
    for answered in asked:
        answered.result()


def estimate(work: Callable[Concatenate[engine.Warehouse, P], R], *args: P.args, **named: P.kwargs) -> R:
    """What a comparison of `metrics.comparisons` finds in this run's snapshot, remembered per arguments.

    MetricError and NoSuchData of the comparison pass through and are not remembered.
    """
    found: R = _estimated(warehouse(), work, args, named)
    return found


def ask_anew(work: Callable[Concatenate[engine.Warehouse, P], R], *args: P.args, **named: P.kwargs) -> R:
    """As `estimate`, but nothing is remembered: for rows of people, and for what also depends on the journal."""
    with turns.NUMBERS.turn(_still_wanted):
        return work(warehouse(), *args, **named)


def waiting(names: Sequence[str], filters: Filters) -> pl.DataFrame:
    """The customers on these lists as of now, as `listing.worklists` gives them; the period does not matter.

    All of them are remembered per snapshot and scope, so that a filter asks for nothing.
    """
    return listing.kept(estimate(listing.everybody, tuple(names)), filters)


def later(draw: Callable[P, None], *args: P.args, **named: P.kwargs) -> None:
    """Draw a slow part on its own, behind a skeleton, while the rest of the page is already there.

    The part is a fragment: its widgets draw it alone again. It may open no dialog and write nowhere else.
    """
    _behind_skeleton(_SKELETON_HEIGHT, partial(draw, *args, **named))


def later_lines(lines: int, draw: Callable[P, None], *args: P.args, **named: P.kwargs) -> None:
    """As `later`, for words alone: the skeleton is as high as that many lines, so that the page does not jump."""
    _behind_skeleton(lines * _LINE_HEIGHT, partial(draw, *args, **named))


def _behind_skeleton(height: int, draw: Callable[[], None]) -> None:
    def behind_skeleton() -> None:
        with st.skeleton(height):
            draw()

    _on_its_own(behind_skeleton, _WAITING.get())


def filled_in(draw: Callable[P, None], *args: P.args, **named: P.kwargs) -> None:
    """Draw a part that shows at once what is known, and fills in by itself what takes longer.

    As `later` it is a fragment of its own, but without a skeleton, and it does not wait for the rest of the page.
    """
    _on_its_own(partial(draw, *args, **named), None)


def _on_its_own(draw: Callable[[], None], waiting: list[Callable[[], None]] | None) -> None:
    """Draw in a fragment here: now, beside the rest of the page, or among those that wait until it is drawn."""
    written_for, place = region.current(), st.container()
    whose = turns.FIRST if waiting is None else turns.LATER
    # Streamlit and Plotly load pandas when they first need it: two parts at once would meet it half loaded.
    import_module("pandas")

    def alone() -> None:
        begin_part()
        region.use(written_for)
        place_in_queue = turns.FIRST if _is_asked_for() else whose
        # Once it has its turn it is not behind anybody: others wait for it to be done.
        with turns.working_for(place_in_queue), turns.PARTS.turn(_still_wanted), journal_errors_said():
            draw()

    def begin() -> None:
        with place:
            st.fragment(alone, parallel=True)()

    if waiting is None:
        begin()
    else:
        waiting.append(begin)


def begin_part() -> None:
    """Begin a part, or a dialog, that may be drawn again by itself: for whoever is signed in by then, as CURRENT is."""
    serve_to(sign_in.require())
    if _is_asked_for():
        look_again()


def _is_asked_for() -> bool:
    """Whether the reader asked for this part alone, by a widget in it: they look at it now."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


@contextmanager
def first_part() -> Iterator[None]:
    """What a page shows at once. Its later parts take their places meanwhile, and begin when all of it is drawn.

    A part that began earlier would take the time of what the reader looks at first.
    """
    waiting: list[Callable[[], None]] = []
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)
    for begin in waiting:
        begin()


def values(metrics: Sequence[str], filters: Filters) -> dict[str, Row]:
    """One row per metric, by name, for filters that do not split."""
    return {row["metric"]: row for row in evaluate(metrics, filters).to_dicts()}


def left_out(name: str, filters: Filters) -> tuple[int, int] | None:
    """How many leads a cost ratio left out, of how many; None where nothing was."""
    return _left_out(warehouse(), name, filters)


def query(name: str, filters: Filters) -> Query:
    """The very query that counts a metric under these filters."""
    return engine.query(name, filters)


def facts() -> engine.Facts:
    """What this run's snapshot holds and as of when."""
    return _facts(warehouse())


def stores() -> pl.DataFrame:
    """The stores of the present snapshot, one row each."""
    return _stores(warehouse())


def of_stores(column: str) -> dict[str, Any]:
    """One column of `stores`, by the name of the store."""
    known = stores()
    return dict(zip(known["store"].to_list(), known[column].to_list(), strict=True))


def staff() -> pl.DataFrame:
    """Everybody of the present snapshot, one row each (see `engine.staff`)."""
    return _staff(warehouse())


def target(name: str, filters: Filters) -> float | None:
    """The target of a metric that says most about these filters (see `engine.target`); None without any."""
    return engine.target(_targets(warehouse()), name, filters)


def targets(metrics: Sequence[str], filters: Filters) -> dict[str, float]:
    """The targets of those of these metrics that have one under these filters, by name."""
    known = _targets(warehouse())
    found = {name: engine.target(known, name, filters) for name in metrics}
    return {name: value for name, value in found.items() if value is not None}


def currencies(filters: Filters) -> list[str]:
    """The currencies of the stores in scope, in order."""
    chosen = filters.where.get("store", ())
    return sorted({currency for store, currency in of_stores("currency").items() if not chosen or store in chosen})


def _in_scope(filters: Filters) -> pl.DataFrame:
    frame = stores()
    chosen = filters.where.get("store", ())
    return frame.filter(pl.col("store").is_in(chosen)) if chosen else frame


def currency(filters: Filters) -> str:
    """The currency that amounts are shown in: the one of the stores in scope."""
    return next(iter(currencies(filters)), "USD")


# What people write ----------------------------------------------------------------------------------------------------


def journal() -> Journal:
    """The journal of this warehouse, as far as it tells of stores that the user may see."""
    return open_journal(warehouse_directory()).within(roles.scope_of(user()).stores)


def note(kind: str, *, store: str = "", system: str = "", natural_id: str = "", **data: Any) -> None:
    """Write into the journal that a user looked at or took something; ids only. Nothing where nobody signs in.

    The same thing looked at again in one session is written once.
    """
    login, what = user().login, (kind, store, natural_id, str(data))
    if login and st.session_state.get("noted") != what:
        st.session_state["noted"] = what
        open_journal(warehouse_directory()).write(
            kind, who=login, store=store, system=system, natural_id=natural_id, **data
        )


def taken(make: Callable[[], bytes], what: str, **data: Any) -> Callable[[], bytes]:
    """What makes a file, so that the journal says who took it. It runs outside of the run that drew the button."""
    login, kept = user().login, open_journal(warehouse_directory())

    def made() -> bytes:
        written = make()
        if login:
            kept.write("downloaded", who=login, what=what, **data)
        return written

    return made


def who() -> str:
    """Who is at the desk, as the journal keeps it: the login of who signed in, else the name that `ask_name` was told.

    Blank where nobody said.
    """
    # A widget's own value ends with the page it was drawn on, so the name is kept beside it: here, since the callback
    # of a button that is pressed at once may be the first that asks.
    if "desk_name_typed" in st.session_state:
        st.session_state["desk_name"] = st.session_state["desk_name_typed"]
    return user().login or str(st.session_state.get("desk_name", "")).strip()


def named(who: str) -> str:
    """How people are told who wrote an entry of the journal: the name beside a login, else what was kept."""
    try:
        found = signed.users_now().find(who)
    except UsersError:
        return who
    return found.name if found else who


def ask_name() -> str:
    """Ask for a name, where nobody signed in, and return who is at the desk. The name is kept for this session only."""
    if not user().login:
        st.text_input(
            "Your name",
            st.session_state.get("desk_name", ""),
            max_chars=_LONGEST_WORD,
            key="desk_name_typed",
            placeholder="So that the others see who did it",
        )
    return who()


# Shared filters -------------------------------------------------------------------------------------------------------


def sidebar() -> Filters:
    """Draw the shared filters and return what they ask for, also values that the data lack."""
    opened = warehouse()
    with st.sidebar:
        span = _period()
        where: dict[str, tuple[str, ...]] = {}
        for dimension in FILTERED:
            where[dimension] = _chosen(dimension, _options(opened, dimension))
        st.button("Reset filters", on_click=_reset, key="reset", icon=":material/restart_alt:", width="stretch")
        sign_in.draw_who(user())
    asked = Filters(start=span[0], end=span[1], where=where, scope=opened.scope)
    region.use(_region(asked))
    return asked


def _region(filters: Filters) -> str | None:
    """The region of the first store in scope; None where the snapshot is older than regions."""
    scope = _in_scope(filters)
    return str(scope["locale"][0]) if "locale" in scope.columns and scope.height else None


def _period() -> periods.Span:
    period = choose("Period", "period", periods.PERIODS)
    chosen: periods.Span = (None, None)
    if period == periods.CUSTOM:
        chosen = _day("From", "from"), _day("To", "to")
    for key in ("compare", "grain"):
        choose(_CHOICE_LABELS[key], key, _CHOICES[key], help_text=_CHOICE_HELP[key])
    if period == periods.CUSTOM and {"from", "to"} & _unknown_choices().keys():
        period = periods.PERIODS[0]
    return periods.span_of(period, last_day(), chosen)


def choose(label: str, key: str, choices: Sequence[str], help_text: str | None = None) -> str:
    """A selectbox of words that stands in the URL. A word of a link that it lacks is kept, to be said."""
    _note_unknown_choice(key, choices)
    if key in _CHOICES:
        return st.selectbox(label, choices, key=key, bind="query-params", help=help_text)
    return str(st.selectbox(label, choices, help=help_text, **_of_this_page(key, choices)))


def choose_level(label: str, key: str, choices: Sequence[str]) -> str:
    """As `choose`, with all words in sight: for two or three of them."""
    _note_unknown_choice(key, choices)
    return str(st.segmented_control(label, choices, required=True, **_of_this_page(key, choices)))


def _of_this_page(key: str, choices: Sequence[str]) -> dict[str, Any]:
    """What a widget of one page is drawn with so that it says what the URL says.

    Streamlit can bind it to the URL itself, and does so for the filters of all pages and for typed text. But when a
    page is left it takes what was bound on it out of the URL in a step of the browser's history: Back would come to the
    page without it.
    """
    first = choices[0]
    asked = st.query_params.get(key, first)
    st.session_state.setdefault(_OWN_CHOICES, {})[key] = first
    st.session_state[key] = asked if asked in choices else first
    return {"key": key, "on_change": _into_url, "args": (key, first)}


def _into_url(key: str, first: str) -> None:
    turn(key, str(st.session_state[key]), first)


def turn(key: str, word: str, first: str) -> None:
    """Put a word of a page's choice into the URL; the first one needs none.

    The page's other choices go with it, as they stand on the screen: on a long line a second click comes with the URL
    from before the first one.
    """
    _unknown_choices().pop(key, None)
    own: dict[str, str] = st.session_state.get(_OWN_CHOICES, {})
    shown = {name: str(st.session_state[name]) for name in own if name in st.session_state}
    for name, said in (shown | {key: word}).items():
        if said == (first if name == key else own[name]):
            forget((name,))
        else:
            st.query_params[name] = said


def begin_page(title: str) -> None:
    """Forget the choices of the page before."""
    if st.session_state.get("page_begun") != title:
        st.session_state["page_begun"] = title
        st.session_state[_OWN_CHOICES] = {}


def _day(label: str, key: str) -> dt.date | None:
    first = dt.date(2000, 1, 1)
    asked = st.query_params.get(key)
    day = st.date_input(label, value=None, min_value=first, key=key, bind="query-params", format="YYYY-MM-DD")
    if day is not None:
        _unknown_choices().pop(key, None)
    elif asked:
        _unknown_choices()[key] = asked
    return day


def _unknown_choices() -> dict[str, str]:
    """Words that a link asked for and a filter does not have, by key, until that filter is touched."""
    found: dict[str, str] = st.session_state.setdefault("unknown_choices", {})
    return found


def chosen(key: str) -> str | None:
    """The word of a page's choice, before this run draws its widget."""
    return st.query_params.get(key)


def _note_unknown_choice(key: str, choices: Sequence[str]) -> None:
    asked = st.query_params.get(key)
    is_of_this_page = key not in _CHOICES
    if asked is not None and asked not in choices:
        _unknown_choices()[key] = asked
    elif asked is not None or is_of_this_page or st.session_state.get(key, choices[0]) != choices[0]:
        _unknown_choices().pop(key, None)


def say_unknown_choice(key: str, label: str, shown: str) -> None:
    """Say that a link asks for a word that this choice does not have, and what is shown instead."""
    asked = _unknown_choices().get(key)
    if asked is not None:
        what = f"{label.lower()} “{theme.plain(_short(asked))}”"
        st.warning(f"This link asks for {what}, which Upboard does not have. Shown: {theme.plain(shown)}.")


def _short(text: str) -> str:
    """A value of a link, short enough for a sentence."""
    return text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}…"


def _chosen(dimension: str, known: Sequence[str]) -> tuple[str, ...]:
    """What a filter keeps, in the data's codes. The widget and the URL say words; a link may also say a code."""
    words = theme.value_words(dimension)
    shown = [words.get(value, value) for value in known]
    asked = dict.fromkeys([*st.query_params.get_all(dimension), *st.session_state.get(dimension, [])])
    strangers = [value for value in asked if value not in shown]
    picked = st.multiselect(
        LABELS[dimension], [*shown, *strangers], key=dimension, bind="query-params", placeholder="All"
    )
    codes = {word: code for code, word in words.items()}
    return tuple(codes.get(value, value) for value in picked)


def _reset() -> None:
    for dimension in FILTERED:
        st.session_state[dimension] = []
    for key, choices in _CHOICES.items():
        st.session_state[key] = choices[0]
    for key in ("from", "to"):
        if key in st.session_state:
            st.session_state[key] = None
    st.session_state.pop("unknown_choices", None)
    forget(DRILL_KEYS)


def forget(keys: Sequence[str]) -> None:
    """Take drill keys out of the URL."""
    for key in keys:
        st.query_params.pop(key, None)


def last_day() -> dt.date:
    """The last day that the data can know about: the newest store's. Today where there is no store yet."""
    newest = stores()["as_of_on"].max()
    return cast(dt.date, newest) if newest is not None else dt.datetime.now(dt.UTC).date()


def comparison(filters: Filters) -> Filters | None:
    """The same question about the period to compare with, seen at the same age; None where there is none.

    A young period is compared with how the earlier one looked when it was as young: `as_of` moves back by as many days.
    """
    before = periods.compared_span(st.session_state.get("compare", periods.PREVIOUS), (filters.start, filters.end))
    first = facts().first_day
    if before is None or before[0] is None or before[1] is None or filters.end is None:
        return None
    if first is None or before[1] < first:
        return None
    newest = max(facts().as_of.values(), default=None)
    return filters.but(start=before[0], end=before[1]).at_age_of(filters, newest)


def trend(filters: Filters, *, whole: bool = False) -> Filters:
    """The same question split by the chosen grain, reaching back far enough to show a direction.

    With `whole` it ends with the last month that is over.
    """
    span = periods.trend_span((filters.start, filters.end), last_day(), whole=whole)
    return filters.but(start=span[0], end=span[1], grain=grain())


def grain() -> Grain:
    """The grain that the trend is drawn by."""
    return cast(Grain, st.session_state.get("grain", periods.GRAINS[0]))


def span_words(filters: Filters) -> str:
    """The period in words."""
    return periods.words((filters.start, filters.end))


def scope_words(filters: Filters) -> str:
    """The values filtered by in words, such as `Store: North; Lead type: phone`; `everything` without any."""
    parts = [f"{LABELS[name]}: {', '.join(in_words(name, labels))}" for name, labels in filters.where.items()]
    return "; ".join(parts) or "everything"


def in_words(dimension: str, labels: Sequence[str]) -> list[str]:
    """Labels of a dimension in dealership words, none of them longer than a line."""
    words = theme.value_words(dimension)
    return [_short(words.get(label, label)) for label in labels]


# Banners and empty states ---------------------------------------------------------------------------------------------


def heading(title: str, question: str, filters: Filters, *, compares: bool, instead: str = "") -> None:
    """A page's first lines: its name, the question it answers, the period, and how fresh and complete the data are.

    `instead` is what stands in the place of the period on a page that has none.
    """
    with st.container(gap="xxsmall"):
        st.title(title)
        st.markdown(f"*{question}*")
        against = comparison(filters) if compares else None
        line = instead or f"**{span_words(filters)}**"
        if against is not None:
            line += f", compared with {span_words(against)} as it looked at the same age"
        st.markdown(line)
        _freshness()
    _unknown_values(filters)


def bare_heading(title: str, question: str) -> None:
    """A page's first lines where nothing is loaded yet."""
    with st.container(gap="xxsmall"):
        st.title(title)
        st.markdown(f"*{question}*")


def _freshness() -> None:
    known = facts()
    line = f"Data as of {theme.plain(as_of_words())}."
    if known.reject_count:
        line += f" {theme.number(known.reject_count, 'count')} rows were refused."
    st.caption(line, help=_REFUSED if known.reject_count else None)
    now = dt.datetime.now(dt.UTC)
    stale = [store for store, at in known.as_of.items() if now - at > _STALE_AFTER]
    if stale:
        names = theme.plain(", ".join(stale))
        mend = f"Load a newer export: `{_LOAD}`" if has("load_data") else "Ask for a newer export to be loaded."
        st.warning(f"Over two days old: {names}. {mend}", icon=":material/schedule:")
    for flag, note in _STAND_INS.items():
        without = [store for store, has_log in of_stores(flag).items() if not has_log]
        if without:
            st.caption(f":material/info: {theme.plain(', '.join(without))} {note}")


def as_of_words() -> str:
    """The data-as-of of each store in its local time; stores that share a moment are named together."""
    by_moment: dict[str, list[str]] = {}
    zones = of_stores("time_zone")
    for store, at in facts().as_of.items():
        by_moment.setdefault(_moment(at, zones.get(store, "UTC")), []).append(store)
    return "; ".join(f"{moment} ({', '.join(names)})" for moment, names in by_moment.items()) or "no day yet"


def _moment(at: dt.datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{region.day(local.date())} {local:%H:%M} {zone}"


def _unknown_values(filters: Filters) -> None:
    opened = warehouse()
    for dimension, labels in filters.where.items():
        known = _options(opened, dimension)
        for label in labels:
            if label not in known:
                say_unknown(f"{LABELS[dimension].lower()} “{theme.plain(_short(label))}”")
    for key, label in _CHOICE_LABELS.items():
        say_unknown_choice(key, label, str(st.session_state[key]))
    for key in ("from", "to"):
        say_unknown_choice(key, f"day {key}", span_words(filters))


def say_unknown(what: str) -> None:
    """Say that a link asks for a value that this data does not have."""
    st.warning(
        f"This link asks for {what}, which is not in this data. Nothing is shown for it.", icon=":material/link_off:"
    )


def no_warehouse(error: engine.NoWarehouse) -> None:
    """Before anything was loaded: what is missing and the two commands that mend it; or why it cannot be read."""
    if (warehouse_directory() / "CURRENT").exists():
        st.title("What is loaded cannot be read")
        say_unreadable(error)
        link("load_data", "Go back to an earlier load, or load again")
        return
    st.title("Nothing is loaded yet")
    st.markdown(theme.plain(str(error).split("\n\n", maxsplit=1)[0]))
    link("load_data", "Load your exports here")
    st.markdown("Or load them on the command line, then reload this page:")
    st.code(f"{_LOAD} --warehouse {warehouse_directory()}", language="shell")
    st.markdown("Or look around a simulated dealership first:")
    st.code(_DEMO, language="shell")


def say_unreadable(error: engine.NoWarehouse) -> None:
    """A snapshot that opened and then could not answer: what is wrong with it, and the command that mends it."""
    said, _, hint = str(error).partition("\n\nHint: ")
    st.error(theme.plain(said), icon=":material/error:")
    st.code(hint, language="shell")


@contextmanager
def journal_errors_said() -> Iterator[None]:
    """Say in words that the journal cannot be used, and what to do; nobody looks at what cannot be noted there."""
    try:
        yield
    except JournalError as error:
        st.error(theme.plain(str(error)), icon=":material/error:")


def empty(filters: Filters) -> None:
    """The empty state of a page whose filters leave nothing: what was asked, and what to do."""
    known = facts()
    if known.first_day is None and not warehouse().scope.is_whole:
        _say_nothing_is_theirs(warehouse().scope)
        return
    if known.first_day is None:
        st.info("The warehouse holds no leads. Load the CRM's lead export to begin:", icon=":material/inbox:")
        st.code(_LOAD, language="shell")
        return
    reach = periods.words((known.first_day, known.last_day))
    asked = theme.plain(scope_words(filters))
    st.info(f"No rows in {span_words(filters)} for {asked}. The data reach from {reach}.", icon=":material/search_off:")
    st.button("Show everything", on_click=_show_everything, key="show_everything")


def _say_nothing_is_theirs(scope: Scope) -> None:
    """Somebody whose store or name is written otherwise in the data, or not in it yet: loading files would not help."""
    stores = theme.plain(", ".join(scope.stores or ())) or "every store"
    whose = f"the rows of {theme.plain(scope.person)} in {stores}" if scope.person else stores
    st.info(
        f"You may see {whose}, and nothing of that is in the data. If it is written otherwise in your CRM, ask whoever "
        "runs Upboard to change the line beside your name in the file of users.",
        icon=":material/inbox:",
    )


def _show_everything() -> None:
    _reset()
    st.session_state["period"] = "all data"


# Links ----------------------------------------------------------------------------------------------------------------


def register(pages: Mapping[str, st.Page]) -> None:
    """Remember this run's pages by name, so that pages can link to each other."""
    st.session_state["pages_by_name"] = dict(pages)


def has(page: str) -> bool:
    """Whether there is a page of that name to link to."""
    return page in st.session_state["pages_by_name"]


def link(page: str, label: str, **query: str) -> None:
    """A link to another page that keeps the filters, with that page's icon; `query` adds drill keys.

    No link to a page that is not served.
    """
    known = st.session_state["pages_by_name"]
    if page in known:
        st.page_link(known[page], label=label, query_params=query or None)


# Charts and their table twins -----------------------------------------------------------------------------------------


def chart(figure: Figure, alt: str, key: str, twin: pl.DataFrame | None = None) -> None:
    """A chart with its sentence for those who cannot see it, and the same numbers as a table to unfold.

    Without `twin` the page itself shows the table beside the chart.
    """
    appearance = "dark" if st.context.theme.type == "dark" else "light"
    drawn = Drawn(inked(figure, appearance, region.separators()))
    st.plotly_chart(drawn, key=key, config=CONFIG, alt=alt, theme=None)
    if twin is None:
        return
    with st.expander("The same as a table"):
        st.table(twin, alt=alt, border="horizontal", hide_index=True)
