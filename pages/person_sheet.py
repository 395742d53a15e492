"""The coaching sheet on paper: the same numbers and words as the page, one sheet for the talk."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pages import calling, coached, region, theme
from pages.actions import Action
from pages.coached import Rate, Subject
from pages.sheet import Bar, Bars, Lines, Section, Sheet, Table, spoken

_LEGEND = "Bar: this person at equal leads. Dark line: its 95% interval. Brown tick: the team."
_CALLS = 8


def person_sheet(
    whom: Subject, currency: str, waiting: pl.DataFrame, kept: Sequence[Action], context: tuple[str, str]
) -> Sheet:
    """The sheet of one person. `waiting`: customers to call; `context`: the period in words, the data-as-of."""
    found, behind = coached.steps(whom), coached.habits(whom)
    answer = (coached.answer(whom, found, currency), coached.next_step(found, behind))
    words, as_of = context
    subtitle = ", ".join(part for part in (whom.store, whom.since, words) if part)
    return Sheet(
        f"Coaching sheet: {whom.person}",
        subtitle,
        tuple(spoken(line) for line in answer),
        _sections(whom, found, behind, currency, (waiting, kept)),
        f"Data as of {as_of}. People are compared on leads of the same source, type, new or used, in or after hours.",
    )


def _sections(
    whom: Subject,
    found: Sequence[Rate],
    behind: Sequence[Rate],
    currency: str,
    people: tuple[pl.DataFrame, Sequence[Action]],
) -> tuple[Section, ...]:
    waiting, kept = people
    sections: list[Section] = []
    if found:
        sections += [_bars("Where in the funnel", found), _worth(found, currency)]
    if behind:
        sections.append(_bars("The habits behind it", behind))
    if waiting.height:
        calls = tuple(_call(row) for row in waiting.head(_CALLS).to_dicts())
        heading = f"Call first ({theme.number(waiting.height, 'count')} wait)"
        sections.append(Lines(heading, calls, is_ticked=True, page="worklist"))
    sections.append(Lines("Agreed", _agreed(kept), is_ticked=True, page=f"person?who={whom.key}"))
    return tuple(sections)


def _bars(heading: str, rates: Sequence[Rate]) -> Bars:
    return Bars(heading, tuple(_bar(rate) for rate in rates), _LEGEND)


def _bar(rate: Rate) -> Bar:
    row = rate.row
    text = f"{theme.number(row['adjusted_rate'], 'share')}, n {theme.number(row['n'], 'count')}; team " + theme.number(
        row["team_rate"], "share"
    )
    return Bar(rate.label, text, row["adjusted_rate"], row["low"], row["high"], row["team_rate"])


def _worth(rates: Sequence[Rate], currency: str) -> Table:
    header = ("Step", "Observed", "Expected", "Worth a month", "In words")
    rows = tuple(_line(rate, currency) for rate in rates)
    return Table("Against colleagues with the same leads", header, rows, (2.8, 1.3, 1.0, 2.4, 4.4), (1, 2))


def _line(rate: Rate, currency: str) -> tuple[str, ...]:
    row = rate.row
    expected = theme.NOT_AVAILABLE if row["expected"] is None else region.decimal(row["expected"], 1)
    observed = theme.parts(row["observed"], row["n"])
    return rate.label, observed, expected, coached.worth_words(rate, currency), coached.verdict(rate)


def _call(row: dict[str, object]) -> str:
    customer, reach = row["customer"] or "(no name)", row["phone"] or row["email"] or "no number"
    wanted = calling.wants(row)
    return f"{customer}, {reach}: {calling.reasons(row)}{f' About: {wanted}.' if wanted else ''}"


def _agreed(kept: Sequence[Action]) -> tuple[str, ...]:
    """Open actions with the day to look again, then an empty line to write on."""
    running = [action for action in kept if action.closed is None]
    told = [f"{action.agreed} (look again {region.day(action.review_on)})" for action in running]
    return (*told, "_" * 60)
