"""One person's numbers as a coaching sheet needs them: the steps, the habits, what a step is worth, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from metrics.catalog import metric as declared
from metrics.comparisons.coaching import FUNNEL
from metrics.declare import MetricError
from metrics.filters import Filters
from pages import frame, people_coaching, region, sentences, team, team_words, theme

Row = dict[str, Any]

STEPS: Final = (*FUNNEL, "closing_rate")
# The habits behind the steps: answering, trying, confirming, recording.
HABITS: Final = (
    "answered_within_standard",
    "never_answered_rate",
    "follow_up_standard_rate",
    "multi_channel_rate",
    "unanswered_message_rate",
    "confirm_rate",
    "no_show_follow_up",
    "unresolved_rate",
    "sales_with_contact",
    "tasks_done_on_time",
    "days_without_logging",
)
AMOUNTS: Final = ("median_response_minutes", "attempts_3d", "late_recording")


@dataclass(frozen=True)
class Subject:
    """Whose sheet it is: stable key, label, store, role; `filters` ask for the whole team of that store."""

    key: str
    person: str
    store: str
    role: str
    credit: str
    since: str
    filters: Filters

    @property
    def own(self) -> Filters:
        """The same question for this person alone."""
        return self.filters.but(where={**self.filters.where, "person": (self.person,)})


@dataclass(frozen=True)
class Rate:
    """One conversion of the person: the row of the fair comparison, and what closing its gap is worth if anything."""

    name: str
    row: Row
    worth: Row | None = None

    @property
    def label(self) -> str:
        """The metric's label."""
        return declared(self.name).label


def subject(row: Mapping[str, Any], filters: Filters, credit: str | None = None) -> Subject:
    """The person of a row of `frame.staff`, seen in the role that they have on the roster unless another is given."""
    role = credit or ("bdc_agent" if row["role"] == "bdc_agent" else "salesperson")
    whole = team.whole(filters)
    asked = whole.but(where={**whole.where, "store": (row["store"],)}, credit=role)
    begun = "" if row["started_on"] is None else f"since {row['started_on']:%b %Y}"
    if row["ended_on"] is not None:
        begun += f", left {row['ended_on']:%b %Y}"
    return Subject(row["person_key"], row["person"], row["store"], row["role"], role, begun.strip(", "), asked)


def asked_of(name: str, filters: Filters) -> Filters:
    """The filters with the credit that a metric has; a metric of another role keeps its own."""
    return filters if filters.credit in declared(name).credits else filters.but(credit=None)


def rates(names: Sequence[str], whom: Subject) -> list[Rate]:
    """The person's row of each fair comparison; rates that the person has no chance at are left out."""
    found = []
    for name in names:
        rows = team.members(team.judged(name, asked_of(name, whom.filters)))
        found += [Rate(name, row) for row in rows if row["person"] == whom.person]
    return found


def steps(whom: Subject) -> list[Rate]:
    """The steps of the funnel and the closing rate, each with what reaching the colleagues there would bring."""
    try:
        worth = team.worth_coaching(whom.filters).filter(pl.col("person") == whom.person).to_dicts()
    except MetricError:
        worth = []
    by_step = {row["step"]: row for row in worth}
    return [Rate(rate.name, rate.row, by_step.get(rate.name)) for rate in rates(STEPS, whom)]


def habits(whom: Subject) -> list[Rate]:
    """The habits that are rates."""
    return rates(HABITS, whom)


def amounts(whom: Subject) -> list[tuple[str, Row, Row]]:
    """The habits that are no rates: name, the person's own number, and that of all at the store."""
    found = []
    for name in AMOUNTS:
        own = frame.values((name,), asked_of(name, whom.own))[name]
        everybody = frame.values((name,), asked_of(name, whom.filters))[name]
        if own["value"] is not None:
            found.append((name, own, everybody))
    return found


def aims(names: Sequence[str], whom: Subject) -> dict[str, str]:
    """The targets of those of these rates that have one for this person, each with whether it is met or missed."""
    known = frame.targets(names, whom.own)
    rows = {name: frame.values((name,), asked_of(name, whom.own))[name] for name in known}
    return {name: sentences.target_words(rows[name], aim, declared(name)) for name, aim in known.items()}


# In words -------------------------------------------------------------------------------------------------------------


def answer(whom: Subject, found: Sequence[Rate], currency: str) -> str:
    """Where this person gains or loses, in cars and gross, against colleagues with the same leads."""
    name = theme.plain(whom.person)
    if not found:
        return f"**{name} had no leads and no appointments in this period.** Widen the period."
    lines = [_most_lost(name, found, currency), *_elsewhere(found), _whole_funnel(found)]
    return " ".join(line for line in lines if line)


def _most_lost(name: str, found: Sequence[Rate], currency: str) -> str:
    worth = people_coaching.worthwhile([rate.worth for rate in found if rate.worth is not None])
    if not worth:
        return f"**{name} loses no more at any step than luck explains**, against colleagues on the same leads."
    first, *rest = worth
    step = team_words.label_of(first["step"])
    more = "".join(f" Then at {team_words.label_of(row['step'])}: {people_coaching.a_month(row)}." for row in rest)
    return f"**{name} loses most at {step}.** {people_coaching.gain(first, currency)}{more}"


def _elsewhere(found: Sequence[Rate]) -> list[str]:
    better = [rate.label.lower() for rate in found if rate.row["direction"] == "better"]
    alike = [rate.label.lower() for rate in found if rate.row["verdict"] == team_words.ALIKE]
    return [
        f"Better than the team at {_listed(better)}." if better else "",
        f"Not distinguishable from the team at {_listed(alike)}." if alike else "",
    ]


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _whole_funnel(found: Sequence[Rate]) -> str:
    closing = next((rate.row for rate in found if rate.name == "closing_rate"), None)
    if closing is None or closing["expected"] is None:
        return ""
    sold, chances = (theme.number(closing[name], "count") for name in ("observed", "n"))
    theirs = region.decimal(closing["expected"], 1)
    return f"In all {sold} of {chances} leads were sold so far; colleagues would have sold {theirs} of the same leads."


def next_step(found: Sequence[Rate], behind: Sequence[Rate]) -> str:
    """What to do next: the habit to talk about, or whom to leave in peace."""
    worth = people_coaching.worthwhile([rate.worth for rate in found if rate.worth is not None])
    worse = [rate.label.lower() for rate in behind if is_worse(rate)]
    if not worth and not worse:
        return "**Next:** nothing to coach from these numbers. Call the customers below; look again next month."
    if not worth:
        return f"**Next:** talk about {_listed(worse)}, then call the customers below."
    step = team_words.label_of(worth[0]["step"])
    about = f", beginning with {_listed(worse)}" if worse else "; no habit below explains it, so listen in on it"
    return f"**Next:** talk about {step}{about}. Agree one action below, with a day to look again."


def is_worse(rate: Rate) -> bool:
    """Whether a rate is told apart from the team on the wrong side."""
    return rate.row["verdict"] in (team_words.ACT, team_words.WATCH) and rate.row["direction"] == "worse"


# As tables and charts -------------------------------------------------------------------------------------------------


def drawn(found: Sequence[Rate]) -> pl.DataFrame:
    """Rates as the chart takes them: at equal leads, with interval and the team's rate."""
    rows = [
        {
            "label": rate.label,
            "value": rate.row["adjusted_rate"],
            "low": rate.row["low"],
            "high": rate.row["high"],
            "team": rate.row["team_rate"],
            "verdict": rate.row["verdict"],
            "parts": team_words.counted(rate.row),
        }
        for rate in found
    ]
    kinds = dict.fromkeys(("value", "low", "high", "team"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=kinds)


def steps_table(found: Sequence[Rate], currency: str, aims: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The steps as ready text: own and expected, at equal leads, what the gap is worth, in words.

    `aims` are targets in words by name; without any there is no column for them.
    """
    lines = [{"Step": rate.label} | _compared(rate) | _aim(rate.name, aims) | _worth(rate, currency) for rate in found]
    return theme.table(lines)


def habits_table(
    found: Sequence[Rate], others: Sequence[tuple[str, Row, Row]], aims: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """The habits as ready text: rates with their interval and verdict, then medians and means beside the store's."""
    lines = [{"Habit": rate.label} | _compared(rate) | _aim(rate.name, aims) | _told(rate) for rate in found]
    lines += [
        {
            "Habit": declared(name).label,
            "Observed": theme.number(own["value"], declared(name).unit),
            "Expected": "",
            "At equal leads": "",
            "Team": theme.number(everybody["value"], declared(name).unit),
            **_aim(name, aims),
            "In words": "no interval",
            "Would stand out": "",
        }
        for name, own, everybody in others
    ]
    return theme.table(lines)


def _compared(rate: Rate) -> dict[str, str]:
    row = rate.row
    ends = theme.interval(row["low"], row["high"])
    return {
        "Observed": theme.parts(row["observed"], row["n"]),
        "Expected": theme.NOT_AVAILABLE if row["expected"] is None else region.decimal(row["expected"], 1),
        "At equal leads": theme.number(row["adjusted_rate"], "share") + (f" ({ends})" if ends else ""),
        "Team": theme.number(row["team_rate"], "share"),
    }


def _aim(name: str, aims: Mapping[str, str] | None) -> dict[str, str]:
    return {"Target": aims.get(name, "")} if aims else {}


def _told(rate: Rate) -> dict[str, str]:
    return {"In words": verdict(rate), "Would stand out": team_words.would_stand_out(rate.row)}


def _worth(rate: Rate, currency: str) -> dict[str, str]:
    return {"Worth a month": worth_words(rate, currency)} | _told(rate)


def worth_words(rate: Rate, currency: str) -> str:
    """Sales and gross a month that closing this gap would bring; blank where there is no gap."""
    row = rate.worth
    if row is None or row["sales"] is None:
        return ""
    if not people_coaching.is_sure(row):
        return "luck may explain this gap"
    money = f", {theme.number(row['gross'], 'money', currency)}" if row["gross"] else ""
    return f"{region.decimal(row['sales'], 1)} sales{money}"


def verdict(rate: Rate) -> str:
    """The verdict of one rate in a sentence."""
    return team_words.verdict(rate.row)
