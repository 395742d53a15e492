"""The weekly letters: what changed and what to do, for each of the three readers, as one sheet.

A week runs from Monday to Sunday. Counts are of the week; rates are of the four weeks that end with it, beside the
four before at the same age, as one week holds too few leads to tell a change from chance; people and sources are judged
over ninety days. A letter about an earlier week is written as it would have been when that week ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from metrics import engine, listing
from metrics.catalog import metric as declared
from metrics.comparisons.people import people
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.lists import worklist
from pages import alerts, calling, periods, region, sentences, team_words, theme
from pages.journal import Journal
from pages.sheet import Lines, Section, Sheet, Table, spoken
from pages.sheets import overview, sources
from pages.sheets.view import Row, Rows, View, counts, data_as_of, earlier, month_end, rates, stores, values

READERS: Final = {
    "gm": "the general manager",
    "marketing": "marketing",
    "crm_manager": "the CRM and BDC manager",
}
_COUNTS: Final = ("leads", "appointments_set", "shows", "sold_units", "gross")
_STEPS: Final = ("answered_within_standard", "contact_rate", "contact_to_appointment", "show_rate", "closing_rate")
_DAILY: Final = (
    "answered_within_standard",
    "contact_rate",
    "contact_to_appointment",
    "confirm_rate",
    "show_rate",
)
_WEEK, _MONTH, _SEASON = 7, 28, 90
_MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Desk:
    """What a letter is written from: the snapshot, what people wrote, the week and the scope."""

    warehouse: Warehouse
    journal: Journal
    week: View
    month: View
    season: View

    @property
    def as_of(self) -> dt.datetime | None:
        """The end of an earlier week; None where the week is the newest."""
        return self.week.filters.as_of


def weekly(
    warehouse: Warehouse,
    journal: Journal,
    reader: str,
    day: dt.date,
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> Sheet:
    """The letter of one reader about the week of a day. NoSuchData where the data do not reach that week."""
    desk = _desk(warehouse, journal, day, where or {})
    _use_region(desk)
    fired = [found for found in alerts.look(warehouse, journal, desk.as_of) if found.is_fired]
    told, sections = _WRITERS[reader](desk)
    answer = (_fired_words(fired), *told)
    return Sheet(
        f"Upboard for {READERS[reader]}: week of {periods.words((desk.week.filters.start, desk.week.filters.end))}",
        _reading(desk),
        tuple(spoken(line) for line in answer if line),
        (*_fired(fired), *sections),
        f"{_known_words(desk)}{data_as_of(warehouse)} Names and numbers of customers stand only in the dashboard.",
    )


def last_week(warehouse: Warehouse) -> dt.date:
    """The Monday of the newest week that is over in the data. NoSuchData without any data."""
    known = _newest(warehouse)
    return known - dt.timedelta(days=known.weekday() + (0 if known.weekday() == _WEEK - 1 else _WEEK))


def _newest(warehouse: Warehouse) -> dt.date:
    newest = engine.stores(warehouse)["as_of_on"].max()
    if not isinstance(newest, dt.date):
        raise NoSuchData("There is no data to write about.", "Load some: `python -m loaders load PATH`.")
    return newest


def _desk(warehouse: Warehouse, journal: Journal, day: dt.date, where: Mapping[str, tuple[str, ...]]) -> Desk:
    first = day - dt.timedelta(days=day.weekday())
    last, newest, oldest = first + dt.timedelta(days=_WEEK - 1), _newest(warehouse), engine.first_day(warehouse)
    if oldest is None or first > newest or last < oldest:
        span = f"{oldest} to {newest}" if oldest else "no day"
        raise NoSuchData(f"There is no data of the week of {first}; the data hold {span}.", "Name a day within.")
    as_of = _end_of(warehouse, last, where.get("store", ())) if last < newest else None
    scope = "; ".join(f"{name.replace('_', ' ')}: {', '.join(labels)}" for name, labels in where.items())

    def view(days: int) -> View:
        asked = Filters(start=last - dt.timedelta(days=days - 1), end=last, where=where, as_of=as_of)
        before = earlier(warehouse, asked, days)
        is_known = before.end is not None and before.end >= oldest
        return View(warehouse, asked, before if is_known else None, scope or "everything")

    return Desk(warehouse, journal, view(_WEEK), view(_MONTH), view(_SEASON))


def _end_of(warehouse: Warehouse, last: dt.date, chosen: tuple[str, ...]) -> dt.datetime:
    """The last second of a day at the first of the stores in scope where it ends: nowhere has the next day begun."""
    known = engine.stores(warehouse)
    zones = (known.filter(pl.col("store").is_in(chosen)) if chosen else known)["time_zone"].to_list() or ["UTC"]
    second = dt.datetime.combine(last, dt.time(23, 59, 59))
    return min(second.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC) for zone in zones)


def _use_region(desk: Desk) -> None:
    """Numbers as they are written where the first store is."""
    found = stores(desk.week)
    region.use(str(found["locale"][0]) if "locale" in found.columns and found.height else None)


def _reading(desk: Desk) -> str:
    month, season = desk.month.filters, desk.season.filters
    before = desk.month.against
    told = f"Counts are of the week. Rates: {periods.words((month.start, month.end))}"
    told += "" if before is None else f", beside {periods.words((before.start, before.end))} at the same age"
    scope = "" if desk.week.scope == "everything" else f" Only {desk.week.scope}."
    return f"{told}. People and sources: since {periods.words((season.start, season.start))}.{scope}"


def _known_words(desk: Desk) -> str:
    """That a letter about an earlier week knows nothing of what came after it."""
    end = desk.week.filters.end
    return f"As it was known at the end of {periods.words((end, end))}. " if desk.as_of and end else ""


# Alerts ---------------------------------------------------------------------------------------------------------------


def _fired_words(fired: Sequence[alerts.Found]) -> str:
    if not fired:
        return ""
    named = ", ".join(found.title for found in fired)
    return f"{'One alert fires' if len(fired) == 1 else f'{len(fired)} alerts fire'}: {named}."


def _fired(fired: Sequence[alerts.Found]) -> tuple[Section, ...]:
    lines = tuple(f"{found.title}: {found.sentence}" for found in fired)
    return (Lines("Alerts", lines, page="data_quality"),) if lines else ()


# General manager ------------------------------------------------------------------------------------------------------


def _for_gm(desk: Desk) -> tuple[tuple[str, ...], tuple[Section, ...]]:
    names = (*overview.RATES, *overview.COUNTS)
    month, before = desk.month.now(names), desk.month.before(names)
    told = (*overview.answer(desk.month, month, before), _week_words(desk))
    found = _apart(desk)[:_MOST_NAMED]
    to_do = (*_people_lines(found), *_source_lines(desk), *_waiting_line(desk, _waiting(desk)))
    sections = (
        _to_do(to_do),
        rates("From lead to sale, four weeks", overview.RATES, month, before, page="overview"),
        _numbers(desk),
        *_pace(desk),
    )
    return told, sections


def _pace(desk: Desk) -> tuple[Section, ...]:
    lines = tuple(month_end(desk.week))
    return (Lines("Where the month will end: cars sold", lines, page="overview"),) if lines else ()


def _week_words(desk: Desk) -> str:
    """What the week brought, beside the week before, in one sentence."""
    now, before = desk.week.now(_COUNTS), desk.week.before(_COUNTS)
    parts = [_counted(name, now, before, desk.week.currency) for name in _COUNTS[:-1]]
    return f"This week: {', '.join(parts)}. Single weeks differ by chance."


def _counted(name: str, now: Rows, before: Rows, currency: str) -> str:
    metric = declared(name)
    shown = f"{theme.number(now[name]['value'], metric.unit, currency)} {metric.label.lower()}"
    earlier_value = before.get(name, {}).get("value")
    return shown if earlier_value is None else f"{shown} ({theme.number(earlier_value, metric.unit, currency)} before)"


def _numbers(desk: Desk) -> Table:
    sides = {"this week": desk.week.now(_COUNTS)}
    if desk.week.against is not None:
        sides["week before"] = desk.week.before(_COUNTS)
    sides["four weeks"] = desk.month.now(_COUNTS)
    return counts("Numbers", _COUNTS, sides, desk.week.currency, page="overview")


def _to_do(lines: Sequence[str]) -> Lines:
    nothing = "Nothing stands out beyond chance. Keep calling the customers who wait."
    return Lines("What to do", tuple(spoken(line) for line in lines) or (nothing,), is_ticked=True)


# Marketing ------------------------------------------------------------------------------------------------------------


def _for_marketing(desk: Desk) -> tuple[tuple[str, ...], tuple[Section, ...]]:
    told, found = sources.actions(desk.season)
    brought = _leads_by_source(desk)
    return (*told, _lead_words(desk)), (*found, *sources.numbers(desk.season), *brought)


def _lead_words(desk: Desk) -> str:
    names = ("leads", "sold_units")
    now, before = desk.week.now(names), desk.week.before(names)
    return f"This week: {', '.join(_counted(name, now, before, desk.week.currency) for name in names)}."


def _leads_by_source(desk: Desk) -> tuple[Section, ...]:
    now = _by_source(desk.warehouse, desk.week.filters)
    before = {} if desk.week.against is None else _by_source(desk.warehouse, desk.week.against)
    order = sorted({*now, *before}, key=lambda name: (name.startswith("("), -now.get(name, 0.0), name))
    rows = tuple((name, *(theme.number(side.get(name, 0), "count") for side in (now, before))) for name in order)
    header = ("Source", "this week", "week before")
    return (
        (Table("Leads of the week by source", header, rows, (3.0, 1.0, 1.0), (1, 2), page="sources"),) if rows else ()
    )


def _by_source(warehouse: Warehouse, filters: Filters) -> dict[str, float]:
    rows = engine.evaluate(warehouse, ["leads"], filters.but(by=("source",)))
    return {row["source"]: float(row["value"] or 0) for row in rows.to_dicts() if row["source"] is not None}


def _source_lines(desk: Desk) -> list[str]:
    """The most pressing that can be done about a source, or why no source can be judged."""
    return list(sources.actions(desk.season)[0][:1])


# CRM and BDC manager --------------------------------------------------------------------------------------------------


def _for_crm_manager(desk: Desk) -> tuple[tuple[str, ...], tuple[Section, ...]]:
    month, before = desk.month.now(_DAILY), desk.month.before(_DAILY)
    found, waiting = _apart(desk), _waiting(desk)
    steps = [_step_rates(desk, side) for side in (desk.month.filters, desk.month.against)]
    lost = sentences.where_lost({**month, **steps[0]}, {**before, **steps[1]})
    told = (_standing_out(found), _waiting_words(desk, waiting), lost)
    sections = (
        _to_do([*_people_lines(found), *_waiting_line(desk, waiting)]),
        *_waiting_sections(waiting),
        rates("Working the leads, four weeks", _DAILY, month, before, page="response"),
        _numbers(desk),
    )
    return told, sections


def _step_rates(desk: Desk, filters: Filters | None) -> Rows:
    """The step rates of one period; empty for none."""
    return {} if filters is None else values(desk.warehouse, sentences.STEPS, filters)


def _apart(desk: Desk) -> list[tuple[Row, str]]:
    """Who is told apart from colleagues on the same leads: the row and its metric, the worse ones first."""
    found: list[tuple[Row, str]] = []
    for name in _STEPS:
        try:
            rows = people(desk.warehouse, name, desk.season.filters).to_dicts()
        except (MetricError, NoSuchData):
            continue
        found += [(row, name) for row in rows if row["verdict"] == team_words.ACT]
    return sorted(found, key=lambda pair: pair[0]["direction"] != "worse")


def _people_lines(found: Sequence[tuple[Row, str]]) -> list[str]:
    return [f"{team_words.different(row, declared(name))} {_talk(row)}" for row, name in found]


def _talk(row: Row) -> str:
    if row["direction"] == "worse":
        return "Open the person's sheet and agree one action."
    return "Ask what this person does differently."


def _standing_out(found: Sequence[tuple[Row, str]]) -> str:
    if not found:
        return "Nobody is truly different from the team at any step: judge no one by last week's rates."
    named = [f"{row['person']} at {declared(name).label.lower()}" for row, name in found]
    return f"More than chance, on the same leads: {'; '.join(named)}."


def _waiting(desk: Desk) -> pl.DataFrame | None:
    """Customers on the lists who were not handled; None where the lists cannot be had."""
    try:
        rows = listing.worklists(desk.warehouse, filters=desk.week.filters)
    except (MetricError, NoSuchData):
        return None
    return calling.customers(calling.divide(rows, desk.journal.entries())[0])


def _wait_words(desk: Desk, where: str = "") -> str:
    return f"waited{where} when the week ended" if desk.as_of else f"wait{where}"


def _waiting_line(desk: Desk, found: pl.DataFrame | None) -> list[str]:
    """How many customers wait and on which list to begin; nothing where nobody does."""
    if found is None or found.is_empty():
        return []
    label, count, to_do = _lists(found)[0]
    whole = f"{theme.number(found.height, 'count')} customers {_wait_words(desk, ' on the worklist')}"
    return [f"{whole}; begin with “{label}” ({theme.number(count, 'count')}): {to_do}"]


def _lists(found: pl.DataFrame) -> list[tuple[str, int, str]]:
    return [(one.label, count, one.to_do) for one, count in calling.by_list(found)]


def _waiting_words(desk: Desk, found: pl.DataFrame | None) -> str:
    if found is None:
        return ""
    if found.is_empty():
        waits = "waited when the week ended" if desk.as_of else "waits"
        return f"Nobody {waits}: every customer on the lists was called, answered or handled."
    first = worklist(str(found["list"][0]))
    return f"{theme.number(found.height, 'count')} customers {_wait_words(desk)}; the first of them {first.reason}."


def _waiting_sections(found: pl.DataFrame | None) -> tuple[Section, ...]:
    if found is None or found.is_empty():
        return ()
    lists = tuple((label, theme.number(count, "count"), to_do) for label, count, to_do in _lists(found))
    owned = calling.by_owner(found)
    people_rows = tuple(
        (str(row["owner"] or "(unassigned)"), theme.number(row["customers"], "count")) for row in owned.to_dicts()
    )
    return (
        Table("Customers who wait", ("List", "Customers", "What to do"), lists, (3, 1, 4), (1,), page="worklist"),
        Table("Whose customers wait", ("Owner", "Customers"), people_rows, (3, 1), (1,), page="worklist"),
    )


_WRITERS: Final[dict[str, Callable[[Desk], tuple[tuple[str, ...], tuple[Section, ...]]]]] = {
    "gm": _for_gm,
    "marketing": _for_marketing,
    "crm_manager": _for_crm_manager,
}
