"""Declarations and filters in, one readable DuckDB query out: the text and its parameters. Nothing runs here.

A query reads from the top: what "now" is at each store; the rows of each fact on each clock, with their flags as they
stood then; the totals of those rows; the result. Two facts are never joined row to row: each is totalled at its own
grain, then the totals are joined on the dimensions they share. Values travel as parameters.

Only functions that every engine has are used; arithmetic of instants stands in `_thresholds` and `_seconds_between`.

What costs most in a large fact is what is done once per row. So rows are totalled by their keys and get their labels
afterwards, and a row is held against an instant computed once per store, not against one computed from the row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from metrics.declare import (
    DIMENSIONS,
    FACTS,
    LEAD,
    OPPORTUNITY,
    SECONDS_A_DAY,
    SECONDS_IN,
    SPEND_ENTRY,
    Clock,
    Conversion,
    Fact,
    Measure,
    Metric,
    MetricError,
    Milestone,
    Ratio,
    Settles,
    Window,
)
from metrics.filters import Filters

Part = Literal["numerator", "denominator"]
_DIVIDED: Final = "numerator / nullif(denominator, 0)"
# Dimensions of which each label has a key of its own, and the table that knows the label.
_KEYED: Final = {"store": "store_key", "person": "person_key", "source": "source_key"}
_LABELLED: Final = {"store_key": "store_now", "person_key": "dim_person", "source_key": "dim_source"}
# From when on each store has a row for every day, and what exceeds any opening time.
_CALENDAR_BEGINS: Final = "date '2000-01-01'"
_ANY_NUMBER: Final = "cast('infinity' as double)"
_SHARED_SOURCE: Final = "coalesce(shared.source_key, {fact}.source_key)"


@dataclass(frozen=True)
class Query:
    """The text that runs and its named parameters."""

    text: str
    parameters: Mapping[str, object]

    def with_parameters(self) -> str:
        """The text under its parameters as comment lines, to read or to paste."""
        lines = [f"-- ${name} = {json.dumps(value, default=str)}" for name, value in self.parameters.items()]
        return "\n".join((*lines, self.text))


@dataclass(frozen=True)
class _Total:
    """One aggregate over some rows: its name, its expression and the condition on the rows it takes."""

    name: str
    expression: str
    of: str = ""

    def text(self) -> str:
        taken = f" filter (where {self.of})" if self.of else ""
        return self.expression.format(taken=taken) + f" as {self.name}"


@dataclass(frozen=True)
class _Rows:
    """The rows of one fact on one clock that a metric looks at, with the columns and totals it needs of them."""

    name: str
    fact: Fact
    at: str | None
    day: str
    base: tuple[str, ...]
    columns: Mapping[str, str]
    totals: tuple[_Total, ...]


@dataclass(frozen=True)
class _Plan:
    """A compiled metric: its rows, how its totals make a result, and which rows stand behind each part."""

    metric: Metric
    rows: tuple[_Rows, ...]
    numerator: str
    denominator: str
    value: str = _DIVIDED
    n_immature: str = "0"
    lag: str = ""
    parts: Mapping[Part, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Together:
    """One query that answers several metrics side by side."""

    metrics: tuple[Metric, ...]
    query: Query


# ---------------------------------------------------------------------------- what the rest of the room calls


def compile_metric(metric: Metric, filters: Filters) -> Query:
    """The query of one metric under filters that it can have.

    Columns: the dimensions of `by`, `credit` beside `person`, `period` with a grain, `metric, numerator, denominator,
    value, n_immature`.
    """
    plan = _plan(metric, filters)
    ctes = [*_preamble(plan, filters)]
    for rows in plan.rows:
        if _is_plain(rows, filters):
            ctes.append((f"{rows.name}_totals", _plain_totals_text(rows, metric, filters)))
            continue
        ctes.append((rows.name, _rows_text(rows, metric, filters)))
        ctes.append((f"{rows.name}_totals", _totals_text(rows, filters)))
    ctes.append(("result", _result_text(plan, filters)))
    text = f"-- {metric.label}: {metric.description}\n{_with(ctes)}\n{_final_text(plan, filters)}"
    return _query(text.rstrip() + "\n", _parameters(filters))


def compile_together(metrics: Sequence[Metric], filters: Filters) -> list[Together]:
    """Few queries for many metrics that can be had: what looks at the same rows of a fact shares one scan of it.

    Columns: the dimensions of `by`, `period` with a grain, and for each metric `NAME_numerator`, `NAME_denominator`,
    `NAME_value`, `NAME_n_immature`; where anything splits them also `NAME_rows` (how many rows it looks at; a line
    without any is another metric's).
    """
    plans = [_plan(metric, filters) for metric in metrics]
    return [_side_by_side(connected, filters) for connected in _connected(plans, filters)]


def compile_rows(metric: Metric, part: Part, filters: Filters, limit: int | None = None) -> list[tuple[str, Query]]:
    """The queries that list the rows behind one part, each with the name of its measure: one per term of a ratio."""
    unsplit = filters.but(by=(), grain=None)
    # Splitting by person chooses no rows, so a filter on people keeps its own role.
    plan = _plan(metric, unsplit)
    if part not in plan.parts:
        raise MetricError(f"{metric.label} has no {part}.", "A count, a sum and a list of rows have only a numerator.")
    named = {rows.name: rows for rows in plan.rows}
    return [
        (measure, _listing(named[name], condition, plan, unsplit, limit))
        for name, condition, measure in plan.parts[part]
    ]


def compile_mixed(metric: Metric, filters: Filters) -> Query | None:
    """The query of the labels that a metric would put into one number but must keep apart; None where it has none.

    Column: `label`.
    """
    apart = metric.kept_apart
    if apart is None or apart in filters.by:
        return None
    unsplit = filters.but(by=(), grain=None)
    plan = _plan(metric, unsplit)
    rows = plan.rows[0]
    columns = {"label": _label(apart, rows.fact)}
    taken = replace(rows, columns=columns)
    ctes = [*_preamble(plan, unsplit), (taken.name, _rows_text(taken, metric, unsplit))]
    return _query(f"{_with(ctes)}\nselect distinct label\nfrom {taken.name}\norder by label\n", _parameters(unsplit))


def compile_left_out(ratio: Ratio, filters: Filters) -> Query:
    """How many leads a cost ratio left out because nobody knows what they cost: columns `left_out, looked_at`."""
    totals = (_Total("left_out", "count(*){taken}", "not has_known_spend"), _Total("looked_at", "count(*){taken}"))
    columns = {"has_known_spend": _spend_flag(LEAD, filters)}
    rows = _one_clock(LEAD, LEAD.clock("created_at"), ("is_counted",), columns, totals)
    plan = _Plan(ratio, (rows,), "", "", "")
    unsplit = filters.but(by=(), grain=None)
    ctes = [*_preamble(plan, unsplit), (rows.name, _rows_text(rows, ratio, unsplit))]
    listed = ",\n    ".join(total.text() for total in totals)
    return _query(f"{_with(ctes)}\nselect\n    {listed}\nfrom {rows.name}\n", _parameters(unsplit))


def compile_lags(metric: Conversion, filters: Filters) -> Query:
    """How long each row of a conversion took to its hit: columns `created, lag, age, n`.

    `created` is the day of the store, `lag` whole days begun until the hit (null where it has not come), `age` whole
    days that the row has been watched, `n` how many rows are alike in that.
    """
    fact, milestone = metric.table, _milestone(metric)
    seconds = f"greatest(coalesce({fact.name}.{milestone.seconds}, 0), 0)"
    age = _seconds_between(f"{fact.name}.created_by", "store_now.now_at")
    columns = {
        "created": _day(fact, fact.clock(metric.clock)),
        "lag": f"case when {_flag(fact, milestone.flag)} then cast(ceil({seconds} / {SECONDS_A_DAY}.0) as bigint) end",
        "age": f"greatest(cast(floor({age} / {SECONDS_A_DAY}.0) as bigint), 0)",
    }
    rows = _one_clock(fact, fact.clock(metric.clock), metric.base, columns, ())
    unsplit = filters.but(by=(), grain=None)
    plan = _Plan(metric, (rows,), "", "")
    ctes = [*_preamble(plan, unsplit), (rows.name, _rows_text(rows, metric, unsplit))]
    text = f"{_with(ctes)}\nselect\n    created,\n    lag,\n    age,\n    count(*) as n\nfrom {rows.name}\n"
    return _query(f"{text}group by created, lag, age\norder by created, lag, age\n", _parameters(unsplit))


def compile_deals(metric: Measure, filters: Filters) -> Query:
    """The deals that a sum over sales counts, whole: columns `sale, sold_at` (the end of that day), `amount`."""
    text = "select\n    sale_key as sale,\n    sold_by as sold_at,\n    sum(amount) as amount\nfrom deals\n"
    return _deals(metric, filters, (), f"{text}group by sale_key, sold_by\norder by sale_key\n")


def compile_deal_leads(metric: Measure, filters: Filters) -> Query:
    """Every lead of the customers of those deals: columns `sale, lead, source, created_at`."""
    found = (
        "-- leads of the same customer, and of the same opportunity where the customer is not known\n"
        "select deals.sale_key, fct_lead.lead_key, fct_lead.source_key, fct_lead.created_at\nfrom deals\n"
        "join fct_lead on fct_lead.customer_key = deals.customer_key and deals.customer_key <> 'unknown'\n"
        "where fct_lead.is_counted\nunion\n"
        "select deals.sale_key, fct_lead.lead_key, fct_lead.source_key, fct_lead.created_at\nfrom deals\n"
        "join fct_lead on fct_lead.opportunity_key = deals.opportunity_key\nwhere fct_lead.is_counted"
    )
    text = (
        "select\n    found.sale_key as sale,\n    found.lead_key as lead,\n    dim_source.source,\n"
        "    found.created_at\nfrom found\njoin dim_source on dim_source.source_key = found.source_key\n"
        "order by found.sale_key, found.lead_key\n"
    )
    return _deals(metric, filters, (("found", found),), text)


def _deals(metric: Measure, filters: Filters, more: tuple[tuple[str, str], ...], text: str) -> Query:
    fact = metric.table
    end_of_day = f"cast({fact.name}.sold_on + interval '1 day' as timestamp) at time zone store_now.time_zone"
    columns = {name: f"{fact.name}.{name}" for name in ("sale_key", "customer_key", "opportunity_key")}
    columns |= {"sold_by": end_of_day, "amount": f"{fact.name}.{metric.column}"}
    rows = replace(_one_clock(fact, fact.clock(metric.clock), metric.base, columns, ()), name="deals")
    unsplit = filters.but(by=(), grain=None, attribution="first")
    ctes = [*_preamble(_Plan(metric, (rows,), "", ""), unsplit), ("deals", _rows_text(rows, metric, unsplit)), *more]
    return _query(f"{_with(ctes)}\n{text}", _parameters(unsplit))


# --------------------------------------------------------------------------------------------------- the plan


def _plan(metric: Metric, filters: Filters) -> _Plan:
    if isinstance(metric, Ratio):
        return _plan_ratio(metric, filters)
    if isinstance(metric, Measure):
        if not metric.is_quantile:
            return _plan_measure(metric, filters)
        return _plan_median(metric) if metric.reached else _plan_quantile(metric)
    if filters.basis == "in_period":
        return _plan_in_period(metric, filters)
    return _plan_conversion(metric, filters)


def _plan_measure(measure: Measure, filters: Filters) -> _Plan:
    totals, value = _measured(measure, filters, "")
    rows = _one_clock(
        measure.table, measure.table.clock(measure.clock), measure.base, _measure_columns(measure), totals
    )
    parts: dict[Part, tuple[tuple[str, str, str], ...]] = {
        "numerator": ((rows.name, measure.known or "", measure.name),)
    }
    return _Plan(measure, (rows,), value, "null", "numerator", parts=parts)


def _plan_median(measure: Measure) -> _Plan:
    """Rows that still wait count as infinitely long, so the median is unknown while fewer than half have ended."""
    fact = measure.table
    reached = _flag(fact, measure.reached or "")
    waited = f"case when {reached} then coalesce({fact.name}.{measure.column}, 0) end"
    totals = (
        _Total("asked", "count(*){taken}"),
        _Total("answered", "count(seconds_waited){taken}"),
        _Total("longest", "max(seconds_waited){taken}"),
        _Total("middle", "median(coalesce(cast(seconds_waited as double), cast('infinity' as double))){taken}"),
    )
    rows = _one_clock(fact, fact.clock(measure.clock), measure.base, {"seconds_waited": waited}, totals)
    seconds = f"{SECONDS_IN[measure.unit]}.0"
    value = (
        "case\n        when asked = 0 or 2 * answered < asked then null\n"
        f"        when 2 * answered = asked then longest / {seconds}\n        else middle / {seconds}\n    end"
    )
    parts: dict[Part, tuple[tuple[str, str, str], ...]] = {
        "numerator": ((rows.name, "seconds_waited is not null", measure.name),),
        "denominator": ((rows.name, "", measure.name),),
    }
    return _Plan(measure, (rows,), "null", "asked", measure.unit.value, parts=parts, lag=value)


def _plan_quantile(measure: Measure) -> _Plan:
    """Over the rows whose lag has ended; between two of them the value lies on the line, as a median's does."""
    fact = measure.table
    middle = "median(lag_seconds)" if measure.quantile == 0.5 else f"quantile_cont(lag_seconds, {measure.quantile})"
    totals = (_Total("measured", "count(lag_seconds){taken}"), _Total("middle", f"{middle}{{taken}}"))
    columns = {"lag_seconds": f"{fact.name}.{measure.column}"}
    rows = _one_clock(fact, fact.clock(measure.clock), measure.base, columns, totals)
    listed = ((rows.name, "lag_seconds is not null", measure.name),)
    parts: dict[Part, tuple[tuple[str, str, str], ...]] = {"numerator": listed, "denominator": listed}
    value = f"middle / {SECONDS_IN[measure.unit]}.0"
    return _Plan(measure, (rows,), "null", "measured", measure.unit.value, parts=parts, lag=value)


def _plan_conversion(metric: Conversion, filters: Filters) -> _Plan:
    fact = metric.table
    columns, hit, chance, immature = _outcome(metric)
    count = _counted(filters, fact)
    if fact.weight:
        columns[fact.weight] = f"{fact.name}.{fact.weight}"
    totals = [_Total("hits", count, hit), _Total("chances", count, chance)]
    if immature:
        totals.append(_Total("immature", count, immature))
    rows = _one_clock(fact, fact.clock(metric.clock), metric.base, columns, tuple(totals))
    parts: dict[Part, tuple[tuple[str, str, str], ...]] = {
        "numerator": ((rows.name, hit, metric.name),),
        "denominator": ((rows.name, chance, metric.name),),
    }
    n_immature = "immature" if immature else "0"
    return _Plan(metric, (rows,), "hits", "chances", n_immature=n_immature, parts=parts)


def _plan_in_period(metric: Conversion, filters: Filters) -> _Plan:
    """Hits on their own day over chances on theirs: two readings of one fact, totalled apart."""
    fact = metric.table
    milestone = fact.milestone(metric.converted)
    if milestone is None:
        raise MetricError(f"{metric.label} has no in-period form.", "Use the basis cohort.")
    hit_clock = Clock(name=milestone.at, at=milestone.at, on=milestone.on or "", verb=milestone.step)
    count = _counted(filters, fact)
    chances = _one_clock(fact, fact.clock(metric.clock), metric.base, {}, (_Total("chances", count),))
    hits = _one_clock(fact, hit_clock, (*metric.base, metric.converted), {}, (_Total("hits", count),))
    parts: dict[Part, tuple[tuple[str, str, str], ...]] = {
        "numerator": ((hits.name, "", metric.name),),
        "denominator": ((chances.name, "", metric.name),),
    }
    return _Plan(metric, (chances, hits), "coalesce(hits, 0)", "coalesce(chances, 0)", parts=parts)


def _plan_ratio(ratio: Ratio, filters: Filters) -> _Plan:
    values: dict[str, str] = {}
    parts: dict[str, tuple[str, str, str]] = {}
    rows = []
    for terms in _terms_by_clock(ratio):
        group, found, listed = _ratio_rows(ratio, terms, filters)
        rows.append(group)
        values.update(found)
        parts.update(listed)
    n_immature = "0"
    if ratio.immature_days:
        rows.append(_young_rows(ratio.immature_days, filters))
        n_immature = "coalesce(immature, 0)"
    numerator, denominator = _ratio_parts(ratio, values)
    listing: dict[Part, tuple[tuple[str, str, str], ...]] = {
        "numerator": tuple(parts[term.name] for term in (*ratio.plus, *ratio.minus)),
        "denominator": tuple(parts[term.name] for term in ratio.per),
    }
    value = _DIVIDED if ratio.per else "numerator"
    if not ratio.per:
        del listing["denominator"]
    return _Plan(ratio, tuple(rows), numerator, denominator, value, n_immature=n_immature, parts=listing)


def _ratio_parts(ratio: Ratio, values: Mapping[str, str]) -> tuple[str, str]:
    plus = " + ".join(values[term.name] for term in ratio.plus)
    minus = "".join(f" - {values[term.name]}" for term in ratio.minus)
    denominator = " + ".join(values[term.name] for term in ratio.per) or "null"
    if ratio.is_cost and not ratio.minus:
        # Rows counted below are in source-months whose spend is known: no entry there means nothing was spent.
        return f"case when {denominator} > 0 then coalesce({plus}, 0) else {plus} end", denominator
    return plus + minus, denominator


def _terms_by_clock(ratio: Ratio) -> list[list[Measure]]:
    groups: dict[tuple[str, str], list[Measure]] = {}
    for term in ratio.terms:
        groups.setdefault((term.fact, term.clock), []).append(term)
    return list(groups.values())


def _ratio_rows(
    ratio: Ratio, terms: list[Measure], filters: Filters
) -> tuple[_Rows, dict[str, str], dict[str, tuple[str, str, str]]]:
    """The rows of the terms that share a fact and a clock, the expression of each term's value, and its listing."""
    fact = terms[0].table
    clock = fact.clock(terms[0].clock)
    base = tuple(flag for flag in terms[0].base if all(flag in term.base for term in terms))
    columns: dict[str, str] = {}
    totals: list[_Total] = []
    values: dict[str, str] = {}
    listed: dict[str, tuple[str, str, str]] = {}
    for term in terms:
        own = [flag for flag in term.base if flag not in base]
        columns |= _measure_columns(term) | {flag: _flag(fact, flag) for flag in own}
        if ratio.is_cost and fact.spend_flag:
            columns[fact.spend_flag] = _spend_flag(fact, filters)
            own.append(fact.spend_flag)
        found, values[term.name] = _measured(term, filters, " and ".join(own))
        totals.extend(found)
        listed[term.name] = (_rows_name(fact, clock), _all_of(*own, term.known or ""), term.name)
    return _one_clock(fact, clock, base, columns, tuple(totals)), values, listed


def _young_rows(days: int, filters: Filters) -> _Rows:
    """Eligible unsold opportunities of source-months with known spend that may still buy."""
    fact = OPPORTUNITY
    columns = {
        "is_sold": _flag(fact, "is_sold"),
        "has_known_spend": _spend_flag(fact, filters),
        "is_young": f"{fact.name}.created_by > store_now.{_days_ago(days)}",
    }
    total = _Total("immature", _counted(filters, fact), "has_known_spend and is_young and not is_sold")
    return _one_clock(fact, fact.clock("created_at"), ("is_eligible",), columns, (total,))


# ---------------------------------------------------------------------------- totals of measures and outcomes


def _counted(filters: Filters, fact: Fact) -> str:
    """How rows are counted: by their weight and their share of attribution, where they have any."""
    factors = [*([fact.weight] if fact.weight else []), *(["share"] if _is_shared(fact, filters) else [])]
    return f"coalesce(sum({' * '.join(factors)}){{taken}}, 0)" if factors else "count(*){taken}"


def _measured(measure: Measure, filters: Filters, condition: str) -> tuple[tuple[_Total, ...], str]:
    """The totals of a count or a sum over the rows of `condition`, and the expression of its value after the join."""
    if measure.measures == "count":
        total = _Total(measure.name, _counted(filters, measure.table), condition)
        return (total,), f"coalesce({measure.name}, 0)"
    share = " * share" if _is_shared(measure.table, filters) else ""
    summed = _Total(measure.name, f"sum({measure.column}{share}){{taken}}", _all_of(condition, measure.known or ""))
    if not measure.is_zero_when_empty:
        return (summed,), measure.name
    if measure.known is None:
        return (summed,), f"coalesce({measure.name}, 0)"
    looked_at = _Total(f"{measure.name}_rows", "count(*){taken}", condition)
    return (summed, looked_at), f"case when coalesce({looked_at.name}, 0) = 0 then 0 else {measure.name} end"


def _measure_columns(measure: Measure) -> dict[str, str]:
    weight = measure.table.weight if measure.measures == "count" else None
    named = [name for name in (measure.column, measure.known, weight) if name]
    return {name: f"{measure.fact}.{name}" for name in named}


def _outcome(metric: Conversion) -> tuple[dict[str, str], str, str, str]:
    """Columns of a conversion's rows, and the conditions of a hit, a chance and an immature row."""
    if metric.within is None:
        columns, immature = _settling(metric)
        return columns, f"not {metric.converted}" if metric.counts_misses else metric.converted, "", immature
    within = metric.within
    columns = _open_window(metric) if within.days is None else _day_window(metric, within, within.days)
    hit = f"is_closed and {'not ' if metric.counts_misses else ''}{next(iter(columns))}"
    return columns, hit, "is_closed", "not is_closed"


def _settling(metric: Conversion) -> tuple[dict[str, str], str]:
    fact, flag, settles = metric.table, metric.converted, metric.settles
    columns = {flag: _flag(fact, flag)}
    if settles is None:
        return columns, ""
    if settles.unresolved is None:
        start = f"{fact.name}.{settles.start}"
        columns["is_settling"] = f"{start} > store_now.{_days_ago(settles.days)}"
        return columns, f"is_settling and not {flag}"
    columns[settles.unresolved] = _unresolved(fact, flag, settles)
    return columns, settles.unresolved


def _unresolved(fact: Fact, flag: str, settles: Settles) -> str:
    """No outcome recorded, or one that came after now."""
    recorded = f"{fact.name}.{settles.unresolved}"
    return f"{recorded} or ({fact.name}.{flag} and not {_flag(fact, flag)})"


def _day_window(metric: Conversion, within: Window, days: int) -> dict[str, str]:
    fact, milestone = metric.table, _milestone(metric)
    seconds = days * SECONDS_A_DAY
    # A step dated before the start has no lag, and counts.
    in_time = f"{_flag(fact, milestone.flag)} and coalesce({fact.name}.{milestone.seconds} <= {seconds}, true)"
    start = "created_by" if within.start == "created_at" else within.start
    closed = f"{fact.name}.{start} <= store_now.{_days_ago(days)}"
    return {f"{milestone.flag}_in_time": in_time, "is_closed": closed}


def _open_window(metric: Conversion) -> dict[str, str]:
    fact, milestone = metric.table, _milestone(metric)
    minutes = metric.within.open_minutes if metric.within else None
    standard = str(minutes * 60) if minutes else f"{fact.name}.response_standard_seconds"
    closed = f"coalesce(store_now.open_seconds - {fact.name}.created_open_seconds >= {standard}, false)"
    reached = _flag(fact, milestone.flag)
    if metric.counts_misses:
        return {milestone.flag: reached, "is_closed": closed}
    in_time = f"{reached} and coalesce({fact.name}.{milestone.open_seconds} <= {standard}, true)"
    return {f"{milestone.flag}_in_time": in_time, "is_closed": closed}


def _milestone(metric: Conversion) -> Milestone:
    milestone = metric.table.milestone(metric.converted)
    if milestone is None:
        raise MetricError(f"{metric.name}: {metric.converted} has no moment.", "Declare its milestone on the fact.")
    return milestone


# ------------------------------------------------------------------------------------------------ expressions


def _flag(fact: Fact, flag: str) -> str:
    """A flag as it stood now: a step with a moment later than now has not happened."""
    milestone = fact.milestone(flag)
    if milestone is None:
        return f"{fact.name}.{flag}"
    return f"({fact.name}.{flag} and coalesce({fact.name}.{milestone.at} <= store_now.now_at, true))"


def _flag_of_base(rows: _Rows, flag: str) -> str:
    """The same where it chooses rows: their clock has struck by now, so a step of that very moment has happened."""
    milestone = rows.fact.milestone(flag)
    return f"{rows.fact.name}.{flag}" if milestone and milestone.at == rows.at else _flag(rows.fact, flag)


def _days_ago(days: int) -> str:
    """The column of `store_now` that holds the instant so many days before now."""
    return f"ago_{days}_days"


def _seconds_between(earlier: str, later: str) -> str:
    return f"(epoch({later}) - epoch({earlier}))"


def _day(fact: Fact, clock: Clock) -> str:
    """The day of the store in which a clock falls; computed where the star does not hold it."""
    if clock.on:
        return f"{fact.name}.{clock.on}"
    return f"cast({fact.name}.{clock.at} at time zone store_now.time_zone as date)"


def _all_of(*conditions: str) -> str:
    return " and ".join(dict.fromkeys(condition for condition in conditions if condition))


def _is_shared(fact: Fact, filters: Filters) -> bool:
    """Whether the attribution bridge decides the source of this fact's rows."""
    return fact.is_shared and filters.attribution != "first" and filters.uses_source


def _spend_flag(fact: Fact, filters: Filters) -> str:
    """Whether the spend of the row's source in its month is known; where it is shared out, of that source."""
    own = f"{fact.name}.{fact.spend_flag}"
    if not _is_shared(fact, filters):
        return own
    is_own = f"shared.source_key is null or shared.source_key = {fact.name}.source_key"
    return f"case\n        when {is_own} then {own}\n        else known_spend.source_key is not null\n    end"


# --------------------------------------------------------------------------------------------------- the text


def _rows_name(fact: Fact, clock: Clock) -> str:
    return f"{fact.noun}_{clock.verb}"


def _one_clock(
    fact: Fact, clock: Clock, base: tuple[str, ...], columns: Mapping[str, str], totals: tuple[_Total, ...]
) -> _Rows:
    return _Rows(_rows_name(fact, clock), fact, clock.at, _day(fact, clock), base, columns, totals)


def _with(ctes: Iterable[tuple[str, str]]) -> str:
    return "with " + ",\n\n".join(f"{name} as (\n{_indent(text)}\n)" for name, text in ctes) + "\n"


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())


def _preamble(plan: _Plan, filters: Filters) -> list[tuple[str, str]]:
    return _opening(plan.rows, _needs_open_time(plan.metric), _needs_known_spend(plan, filters), filters)


def _opening(
    every: Iterable[_Rows], with_open_time: bool, with_known_spend: bool, filters: Filters
) -> list[tuple[str, str]]:
    """What stands above the rows: now, how long each store has been open by now, and which spend is known."""
    now = _store_now(filters, _thresholds(every))
    ctes = [("store_as_of", now), ("store_now", _open_time_now())] if with_open_time else [("store_now", now)]
    return [*ctes, ("known_spend", _known_spend())] if with_known_spend else ctes


def _thresholds(every: Iterable[_Rows]) -> dict[int, str]:
    """How many days ago the rows look, each with the column it is held in.

    Days are so many seconds: a day of the calendar is 23 or 25 hours twice a year.
    """
    text = " ".join(expression for rows in every for expression in rows.columns.values())
    found = {int(days) for days in re.findall(r"store_now\.ago_(\d+)_days", text)}
    return {days: _days_ago(days) for days in sorted(found)}


def _needs_open_time(metric: Metric) -> bool:
    return isinstance(metric, Conversion) and metric.within is not None and metric.within.days is None


def _needs_known_spend(plan: _Plan, filters: Filters) -> bool:
    is_cost = isinstance(plan.metric, Ratio) and plan.metric.is_cost
    return is_cost and any(_is_shared(rows.fact, filters) for rows in plan.rows)


def _store_now(filters: Filters, thresholds: Mapping[int, str]) -> str:
    now, today = "as_of", "as_of_on"
    if filters.as_of:
        now = "cast($as_of as timestamptz)"
        today = f"cast({now} at time zone time_zone as date)"
    listed = ["store_key", "store", "time_zone", f"{now} as now_at", f"{today} as today"]
    listed += [f"{now} - interval '{days * SECONDS_A_DAY} seconds' as {name}" for days, name in thresholds.items()]
    columns = ",\n    ".join(listed)
    return f"-- what now is at each store\nselect\n    {columns}\nfrom dim_store"


def _open_time_now() -> str:
    """Opening time up to now: of the days before, and of today. Once the calendar ends, any time has passed."""
    open_today = _seconds_between("dim_date.opens_at", "least(store_as_of.now_at, dim_date.closes_at)")
    open_so_far = f"dim_date.open_seconds_before + greatest(0, coalesce({open_today}, 0))"
    return (
        "-- and how many seconds each store has been open by then; after the calendar's end, any number\n"
        "select\n    store_as_of.*,\n"
        f"    coalesce({open_so_far}, case when store_as_of.today >= {_CALENDAR_BEGINS} then {_ANY_NUMBER} end)"
        " as open_seconds\n"
        "from store_as_of\n"
        "left join dim_date on dim_date.store_key = store_as_of.store_key and dim_date.day = store_as_of.today"
    )


def _known_spend() -> str:
    return (
        "-- source-months whose spend is known\n"
        "select distinct store_key, source_key, date_trunc('month', day) as month\n"
        f"from {SPEND_ENTRY.name}\nwhere is_known"
    )


def _rows_text(rows: _Rows, metric: Metric, filters: Filters, extra: Mapping[str, str] | None = None) -> str:
    """The rows that one metric looks at, or several of one role: `metric` is any of them."""
    role = filters.role(metric)
    columns = {**_key_columns(rows, filters, role), **rows.columns}
    if _is_shared(rows.fact, filters):
        columns["share"] = "coalesce(shared.weight, 1)"
    columns |= extra or {}
    listed = ",\n    ".join(_as(expression, name) for name, expression in (columns or {"counted": "1"}).items())
    return f"select\n    {listed}\n{_taken_text(rows, filters, role, is_listing=extra is not None)}"


def _taken_text(rows: _Rows, filters: Filters, role: str | None, *, is_listing: bool) -> str:
    """From which fact which rows are taken."""
    conditions = "\n  and ".join(_conditions(rows, filters))
    joins = "\n".join(_joins(rows, filters, role, is_listing=is_listing))
    return f"from {rows.fact.name}\n{joins}\nwhere {conditions}"


def _as(expression: str, name: str) -> str:
    is_bare = expression.endswith(f".{name}") and " " not in expression
    return expression if is_bare else f"{expression} as {name}"


def _key_columns(rows: _Rows, filters: Filters, role: str | None) -> dict[str, str]:
    """What rows are totalled by: the key of each dimension of `by` where it stands for one label, and the period."""
    columns = {_key(name, filters): _key_expression(name, rows.fact, filters, role) for name in filters.by}
    if filters.grain:
        columns["period"] = f"cast(date_trunc('{filters.grain}', {rows.day}) as date)"
    return columns


def _key(dimension: str, filters: Filters) -> str:
    """The column that tells the values of a dimension apart: its key where each label has one, else the label.

    A source has one group and one channel, so beside it they need no column of their own.
    """
    told_by = "source" if dimension in ("source_group", "channel") and "source" in filters.by else dimension
    return _KEYED.get(told_by, told_by)


def _key_expression(dimension: str, fact: Fact, filters: Filters, role: str | None) -> str:
    key = _key(dimension, filters)
    if key == "person_key":
        return f"{fact.name}.{role}_key"
    if key == "source_key" and _is_shared(fact, filters):
        return _SHARED_SOURCE.format(fact=fact.name)
    return _label(dimension, fact) if key == dimension else f"{fact.name}.{key}"


def _label(dimension: str, fact: Fact) -> str:
    table = next(found.table for found in DIMENSIONS if found.name == dimension)
    return f"{ {'dim_store': 'store_now', 'fact': fact.name}.get(table, table) }.{dimension}"


def _conditions(rows: _Rows, filters: Filters) -> list[str]:
    fact = rows.fact
    happened = f"{fact.name}.{rows.at} <= store_now.now_at" if rows.at else f"{rows.day} <= store_now.today"
    conditions = [_flag_of_base(rows, flag) for flag in rows.base] + [happened]
    if filters.start:
        conditions.append(f"{rows.day} >= $start")
    if filters.end:
        conditions.append(f"{rows.day} <= $end")
    for name, labels in filters.where.items():
        listed = ", ".join(f"${name}_{number}" for number in range(1, len(labels) + 1))
        conditions.append(f"{_label(name, fact)} in ({listed})")
    return conditions


def _joins(rows: _Rows, filters: Filters, role: str | None, *, is_listing: bool) -> list[str]:
    fact = rows.fact.name
    joins = [f"join store_now on store_now.store_key = {fact}.store_key"]
    is_shared = _is_shared(rows.fact, filters)
    if is_shared:
        joins.append(
            f"left join bridge_opportunity_source as shared\n    on shared.opportunity_key = {fact}.opportunity_key"
            " and shared.attribution = $attribution"
        )
    if any("known_spend." in expression for expression in rows.columns.values()):
        joins.append(
            f"left join known_spend\n    on known_spend.store_key = {fact}.store_key"
            f"\n    and known_spend.source_key = {_SHARED_SOURCE.format(fact=fact)}"
            f"\n    and known_spend.month = date_trunc('month', {rows.day})"
        )
    if _needs_source_label(filters) or (is_listing and rows.fact.has_source):
        source = _SHARED_SOURCE.format(fact=fact) if is_shared else f"{fact}.source_key"
        joins.append(f"left join dim_source on dim_source.source_key = {source}")
    if role and "person" in filters.where:
        joins.append(f"left join dim_person on dim_person.person_key = {fact}.{role}_key")
    return joins + (_listing_joins(rows.fact) if is_listing else [])


def _needs_source_label(filters: Filters) -> bool:
    """Whether rows need their source's labels: to be filtered by one, or totalled by its group."""
    names = ("source", "source_group", "channel")
    return any(name in filters.where or (name in filters.by and _key(name, filters) == name) for name in names)


def _keys(filters: Filters) -> list[str]:
    return [*dict.fromkeys(_key(name, filters) for name in filters.by), *(["period"] if filters.grain else [])]


def _totals_text(rows: _Rows, filters: Filters) -> str:
    keys = _keys(filters)
    listed = ",\n    ".join([*keys, *(total.text() for total in rows.totals)])
    grouped = f"\ngroup by {', '.join(keys)}" if keys else ""
    return f"select\n    {listed}\nfrom {rows.name}{grouped}"


def _is_plain(rows: _Rows, filters: Filters) -> bool:
    """Whether all that is totalled stands in the fact as it is, so that rows and totals are one step."""
    is_bare = all(expression == f"{rows.fact.name}.{name}" for name, expression in rows.columns.items())
    return is_bare and not _is_shared(rows.fact, filters)


def _plain_totals_text(rows: _Rows, metric: Metric, filters: Filters) -> str:
    role = filters.role(metric)
    keys = _key_columns(rows, filters, role)
    listed = ",\n    ".join([*map(_as, keys.values(), keys), *(total.text() for total in rows.totals)])
    grouped = f"\ngroup by {', '.join(keys.values())}" if keys else ""
    return f"select\n    {listed}\n{_taken_text(rows, filters, role, is_listing=False)}{grouped}"


def _result_text(plan: _Plan, filters: Filters) -> str:
    keys = _keys(filters)
    listed = [
        *keys,
        f"cast({plan.numerator} as double) as numerator",
        f"cast({plan.denominator} as double) as denominator",
        f"cast({plan.n_immature} as double) as n_immature",
    ]
    if plan.lag:
        listed.append(f"{plan.lag} as {plan.value}")
    columns = ",\n    ".join(listed)
    return f"select\n    {columns}\nfrom {_joined(plan.rows, filters)}"


def _joined(every: Sequence[_Rows], filters: Filters) -> str:
    """The totals of all rows side by side: each key that any of them has."""
    keys = _keys(filters)
    others = [f"{rows.name}_totals" for rows in every[1:]]
    how = [f"full outer join {name} using ({', '.join(keys)})" if keys else f"cross join {name}" for name in others]
    return "\n".join([f"{every[0].name}_totals", *how])


def _final_text(plan: _Plan, filters: Filters) -> str:
    listed = _labels(filters)
    if "person" in filters.by:
        listed.insert(filters.by.index("person") + 1, f"'{filters.role(plan.metric)}' as credit")
    listed += [f"'{plan.metric.name}' as metric", "numerator", "denominator"]
    listed += [f"{plan.value} as value", "n_immature"]
    return _labelled(listed, filters)


def _labels(filters: Filters) -> list[str]:
    """The labels of `by` and the period, as the last step reads them."""
    listed = [f"{_LABELLED.get(_key(name, filters), 'result')}.{name}" for name in filters.by]
    return [*listed, *(["result.period"] if filters.grain else [])]


def _labelled(listed: list[str], filters: Filters) -> str:
    """The last step: each key gets its label, and rows stand in the order of their labels."""
    keys = [key for key in _keys(filters) if key in _LABELLED]
    joins = [f"\nleft join {_LABELLED[key]} on {_LABELLED[key]}.{key} = result.{key}" for key in keys]
    order = f"\norder by {', '.join(_labels(filters))}" if _keys(filters) else ""
    columns = ",\n    ".join(listed)
    return f"select\n    {columns}\nfrom result{''.join(joins)}{order}"


def _query(text: str, parameters: Mapping[str, object]) -> Query:
    """The text with those of the parameters that it names."""
    named = set(re.findall(r"\$(\w+)", text))
    return Query(text, {name: value for name, value in parameters.items() if name in named})


def filled(query: Query, filters: Filters) -> Query:
    """A query that was compiled from the shape of these filters, with their own values."""
    values = _parameters(filters)
    return Query(query.text, {name: values[name] for name in query.parameters})


def _parameters(filters: Filters) -> dict[str, object]:
    parameters: dict[str, object] = {}
    if filters.as_of:
        parameters["as_of"] = filters.as_of.isoformat()
    if filters.start:
        parameters["start"] = filters.start
    if filters.end:
        parameters["end"] = filters.end
    for name, labels in filters.where.items():
        parameters |= {f"{name}_{number}": label for number, label in enumerate(labels, 1)}
    if filters.attribution != "first" and filters.uses_source:
        parameters["attribution"] = filters.attribution
    return parameters


# ------------------------------------------------------------------------------ many metrics over the same rows


def _connected(plans: Iterable[_Plan], filters: Filters) -> list[list[_Plan]]:
    """Plans that share rows, directly or by way of another, in one list each."""
    found: list[tuple[set[str], list[_Plan]]] = []
    for plan in plans:
        scans = {_scan(rows, plan, filters) for rows in plan.rows}
        touched = [other for other in found if other[0] & scans]
        found = [other for other in found if not other[0] & scans]
        together = [one for _, own in touched for one in own]
        found.append((scans.union(*(names for names, _ in touched)), [*together, plan]))
    return [own for _, own in found]


def _scan(rows: _Rows, plan: _Plan, filters: Filters) -> str:
    """The name of a reading of a fact: on one clock, credited to one role."""
    role = filters.role(plan.metric)
    return f"{rows.name}_by_{role}" if role else rows.name


def _side_by_side(plans: Sequence[_Plan], filters: Filters) -> Together:
    scans: dict[str, list[tuple[_Rows, _Plan]]] = {}
    for plan in plans:
        for rows in plan.rows:
            scans.setdefault(_scan(rows, plan, filters), []).append((rows, plan))
    every = [_merged(name, asked, filters) for name, asked in scans.items()]
    with_open_time = any(_needs_open_time(plan.metric) for plan in plans)
    with_known_spend = any(_needs_known_spend(plan, filters) for plan in plans)
    ctes = _opening(every, with_open_time, with_known_spend, filters)
    for rows, asked in zip(every, scans.values(), strict=True):
        ctes.append((rows.name, _rows_text(rows, asked[0][1].metric, filters)))
        ctes.append((f"{rows.name}_totals", _totals_text(rows, filters)))
    ctes.append(("result", _results_text(plans, every, filters)))
    listed = [*_labels(filters), *(column for plan in plans for column in _answer(plan, filters))]
    metrics = tuple(plan.metric for plan in plans)
    return Together(metrics, _query(f"{_with(ctes)}\n{_labelled(listed, filters)}\n", _parameters(filters)))


def _merged(name: str, asked: Sequence[tuple[_Rows, _Plan]], filters: Filters) -> _Rows:
    """Rows that serve several metrics: flags that all of them need choose rows, the others choose what is totalled."""
    first = asked[0][0]
    base = tuple(flag for flag in first.base if all(flag in rows.base for rows, _ in asked))
    columns: dict[str, str] = {}
    totals: list[_Total] = []
    for rows, plan in asked:
        flags = {flag: _flag(rows.fact, flag) for flag in rows.base if flag not in base}
        # One name may stand for something else in another metric's rows; there it is called after its metric.
        clashing = [
            column for column in rows.columns if columns.get(column, rows.columns[column]) != rows.columns[column]
        ]
        names = {column: _own_name(plan, column) for column in clashing}
        columns |= flags | {names.get(column, column): expression for column, expression in rows.columns.items()}
        looked_at = [_Total(_looked_at(rows), "count(*){taken}")] if _is_split(filters) else []
        totals += [_own_total(total, plan, names, flags) for total in (*rows.totals, *looked_at)]
    return replace(first, name=name, base=base, columns=columns, totals=tuple(totals))


def _own_total(total: _Total, plan: _Plan, names: Mapping[str, str], flags: Iterable[str]) -> _Total:
    taken = _all_of(*flags, _renamed(total.of, names))
    return _Total(_own_name(plan, total.name), _renamed(total.expression, names), taken)


def _is_split(filters: Filters) -> bool:
    """Whether a result has several lines, so that one may be without rows of a metric."""
    return bool(filters.by or filters.grain)


def _looked_at(rows: _Rows) -> str:
    """The name of the total that counts the rows themselves."""
    return f"{rows.name}_looked_at"


def _own_name(plan: _Plan, name: str) -> str:
    return f"{plan.metric.name}_{name}"


def _renamed(expression: str, names: Mapping[str, str]) -> str:
    """The expression with some of its words exchanged."""
    return re.sub(r"\b[a-z]\w*\b", lambda word: names.get(word[0], word[0]), expression)


def _results_text(plans: Sequence[_Plan], every: Sequence[_Rows], filters: Filters) -> str:
    listed = [*_keys(filters), *(column for plan in plans for column in _result_columns(plan, filters))]
    columns = ",\n    ".join(listed)
    return f"select\n    {columns}\nfrom {_joined(every, filters)}"


def _result_columns(plan: _Plan, filters: Filters) -> list[str]:
    names = {total.name: _own_name(plan, total.name) for rows in plan.rows for total in rows.totals}
    parts = {"numerator": plan.numerator, "denominator": plan.denominator, "n_immature": plan.n_immature}
    listed = [f"cast({_renamed(text, names)} as double) as {_own_name(plan, part)}" for part, text in parts.items()]
    if plan.lag:
        listed.append(f"{_renamed(plan.lag, names)} as {_own_name(plan, plan.value)}")
    if not _is_split(filters):
        return listed
    looked_at = " + ".join(f"coalesce({_own_name(plan, _looked_at(rows))}, 0)" for rows in plan.rows)
    return [*listed, f"{looked_at} as {_own_name(plan, 'rows')}"]


def _answer(plan: _Plan, filters: Filters) -> list[str]:
    """The columns of one metric in the last step."""
    names = {name: _own_name(plan, name) for name in ("numerator", "denominator", plan.value)}
    kept = [_own_name(plan, name) for name in ("numerator", "denominator", "n_immature")]
    kept += [_own_name(plan, "rows")] if _is_split(filters) else []
    return [*kept, f"{_renamed(plan.value, names)} as {_own_name(plan, 'value')}"]


# ----------------------------------------------------------------------------------- the rows behind a number


def _listing(rows: _Rows, condition: str, plan: _Plan, filters: Filters, limit: int | None) -> Query:
    extra = _listing_columns(rows)
    ctes = [*_preamble(plan, filters)]
    ctes.append((rows.name, _rows_text(rows, plan.metric, filters, extra)))
    shown = [name for name in extra if not name.startswith("sort_")]
    shown += ["share"] if _is_shared(rows.fact, filters) else []
    kept = f"\nwhere {condition}" if condition else ""
    order = f"order by sort_day, sort_key{', source' if 'share' in shown else ''}"
    cut = "\nlimit $limit" if limit is not None else ""
    text = f"{_with(ctes)}\nselect\n    {(',' + chr(10) + '    ').join(shown)}\nfrom {rows.name}{kept}\n{order}{cut}\n"
    return _query(text, _parameters(filters) | ({"limit": limit} if limit is not None else {}))


def _listing_columns(rows: _Rows) -> dict[str, str]:
    fact = rows.fact
    columns = {"store": "store_now.store"}
    if fact.has_customer:
        columns["customer"] = "dim_customer.customer"
    columns |= {role: f"{role}.person" for role in fact.roles}
    if fact.has_source:
        columns |= {"source": "dim_source.source", "source_group": "dim_source.source_group"}
    columns |= {name: f"{fact.name}.{name}" for name in ("lead_type", "vehicle_condition") if name in fact.dimensions}
    columns |= {name: f"{fact.name}.{name}" for name in fact.shown_columns}
    return columns | {"sort_day": rows.day, "sort_key": f"{fact.name}.{fact.key}"}


def _listing_joins(fact: Fact) -> list[str]:
    joins = [f"left join dim_person as {role} on {role}.person_key = {fact.name}.{role}_key" for role in fact.roles]
    if fact.has_customer:
        joins.append(f"left join dim_customer on dim_customer.customer_key = {fact.name}.customer_key")
    return joins


# --------------------------------------------------------------------------------- what else the engine reads

IN_UTC: Final = "set global timezone = 'UTC'"

# How many bytes the blocks of the open file take, so that one that was cut short is known at once.
BYTES_OF_BLOCKS: Final = "select block_size * used_blocks as bytes from pragma_database_size()"
STORES: Final = Query("select *\nfrom dim_store\norder by store\n", {})
STAFF: Final = Query(
    "select\n    dim_person.person_key,\n    dim_person.person,\n    dim_store.store,\n    dim_person.role,\n"
    "    dim_person.team,\n    dim_person.is_machine,\n    dim_person.started_on,\n    dim_person.ended_on\n"
    "from dim_person\nleft join dim_store on dim_store.store_key = dim_person.store_key\norder by person, person_key\n",
    {},
)
CALENDAR: Final = Query(
    "select dim_store.store, dim_date.day, dim_date.opens_at is not null as is_open\nfrom dim_date\n"
    "join dim_store on dim_store.store_key = dim_date.store_key\norder by dim_store.store, dim_date.day\n",
    {},
)
TARGETS: Final = Query(
    "select\n    dim_store.store,\n    coalesce(dim_person.person, target.person) as person,\n    target.source,\n"
    "    target.month,\n    target.metric,\n    target.value\nfrom target\n"
    "left join dim_store on dim_store.store_key = target.store_key\n"
    "left join dim_person on dim_person.person_key = target.person_key\n"
    "order by metric, store, person, source, month\n",
    {},
)
ANNOTATIONS: Final = Query(
    "select annotation.day, annotation.label, dim_store.store,\n"
    "    coalesce(dim_person.person, annotation.person) as person\nfrom annotation\n"
    "left join dim_store on dim_store.store_key = annotation.store_key\n"
    "left join dim_person on dim_person.person_key = annotation.person_key\n"
    "order by annotation.day, dim_store.store, person, annotation.label\n",
    {},
)
FINDINGS: Final = Query(
    "select data_finding.finding, dim_store.store, count(*) as records\nfrom data_finding\n"
    "left join dim_store on dim_store.store_key = data_finding.store_key\ngroup by all\norder by all\n",
    {},
)
SPAN: Final = Query(
    "select\n    (select min(created_on) from fct_opportunity) as first_day,\n"
    "    (select max(as_of_on) from dim_store) as last_day\n",
    {},
)
REJECTS: Final = Query("select count(*) as rejects\nfrom loads.reject\n", {})


def row_counts() -> Query:
    """Rows of each fact: columns `fact, records`."""
    counts = "\nunion all\n".join(f"select '{name}' as fact, count(*) as records\nfrom {name}" for name in FACTS)
    return Query(f"{counts}\norder by fact\n", {})


def labels(dimension: str) -> Query:
    """Every label of a dimension, in order, members like "(no source)" last: column `label`."""
    table = next(found.table for found in DIMENSIONS if found.name == dimension)
    if table == "fact":
        having = [fact.name for fact in FACTS.values() if dimension in fact.dimensions]
        found = "\n    union\n".join(f"    select distinct {dimension} as label from {name}" for name in having)
    else:
        found = f"    select distinct {dimension} as label from {table}"
    listed = f"select label\nfrom (\n{found}\n) as found\nwhere label is not null"
    return Query(f"{listed}\norder by label like '(%)', lower(label), label\n", {})
