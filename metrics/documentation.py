"""The page of definitions, written from the declarations so that it cannot disagree with them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Final

from metrics.catalog import METRICS
from metrics.declare import Conversion, Measure, Metric, Ratio, Window

_HEAD: Final = """# Metrics

Every number of Upboard, in the order of `metrics/catalog/`. This page is written by `python -m metrics docs`:
change the declarations, not the page. `python -m metrics show METRIC --sql` prints the query behind a number.

- A rate of *hits out of chances* comes with a 95 % Wilson interval. Rates are made from summed parts, never averaged.
- *Immature* rows may still convert: their time is not up. A windowed rate leaves them out of both parts.
- Where the denominator is 0, or nobody entered the spend, the value is n/a, never 0.
- *Now* is the newest recorded event of the store, or `--as-of`. What lies later has not happened.
"""


def definitions() -> str:
    """The whole page as Markdown, ending in a line feed."""
    sections = [_HEAD]
    for family, members in groupby(METRICS, key=lambda metric: metric.family):
        sections.append(f"## {family}\n")
        sections.extend(_definition(metric) for metric in members)
    return "\n".join(sections).rstrip() + "\n"


def _definition(metric: Metric) -> str:
    facts = [f"- {name}: {text}" for name, text in details(metric).items()]
    return "\n".join((f"### {metric.label} (`{metric.name}`)\n", f"{metric.description}\n", *facts, ""))


def details(metric: Metric) -> dict[str, str]:
    """What a definition states beside its sentence: heading -> words. For the page of definitions and for docs."""
    stated: dict[str, str] = {"Kind": metric.kind}
    if isinstance(metric, Conversion):
        stated |= _conversion(metric)
    elif isinstance(metric, Measure):
        stated |= _measure(metric)
    else:
        stated |= _ratio(metric)
    if metric.kept_apart:
        stated["Never mixed"] = f"one {metric.kept_apart.replace('_', ' ')} at a time: split by it, or choose one"
    stated["Credit"] = ", ".join(metric.credits) or "nobody: it cannot be split by person"
    return stated | {"Can be split by": ", ".join(metric.dimensions)}


def _conversion(metric: Conversion) -> dict[str, str]:
    missed = "not " if metric.counts_misses else ""
    in_time = " within the window" if metric.within and not metric.counts_misses else ""
    return {
        "Out of": f"rows of {metric.fact} with {_flags(metric.base)}",
        "Hits": f"those that are {missed}{_flags((metric.converted,))}{in_time}",
        "Clock": metric.clock,
        "Time": _time(metric),
    }


def _time(metric: Conversion) -> str:
    if metric.within:
        span = _span(metric.within)
        ends = f"from {metric.within.start} to {metric.within.end}"
        return f"only rows whose window has closed; the window is {span}, {ends}"
    if metric.settles is None:
        return "as things stood now"
    if metric.settles.unresolved:
        return f"so far; immature while {_flags((metric.settles.unresolved,))}"
    return f"so far; immature until {metric.settles.days} days after {metric.settles.start}"


def _span(within: Window) -> str:
    if within.days:
        return f"{within.days} days of 86,400 seconds"
    return (
        f"{within.open_minutes} open minutes" if within.open_minutes else "the store's response standard, in open time"
    )


def _measure(metric: Measure) -> dict[str, str]:
    written: dict[str, Callable[[Measure], str]] = {
        "count": lambda measure: f"rows of {measure.fact}",
        "sum": lambda measure: f"the sum of {measure.fact}.{measure.column}",
        "median": _quantile,
    }
    base = f", with {_flags(metric.base)}" if metric.base else ""
    known = f"; only rows with {_flags((metric.known,))}" if metric.known else ""
    return {"Counts": f"{written[metric.measures](metric)}{base}{known}", "Clock": metric.clock}


def _quantile(measure: Measure) -> str:
    named = {0.25: "first quartile", 0.5: "median", 0.75: "third quartile"}
    word = named.get(measure.quantile, f"{measure.quantile:.0%} quantile")
    waiting = "; those still waiting count as infinitely long" if measure.reached else ", where it has ended"
    return f"the {word} of {measure.fact}.{measure.column}, in {measure.unit}{waiting}"


def _ratio(metric: Ratio) -> dict[str, str]:
    above = " + ".join(_term(term) for term in metric.plus) + "".join(f" - {_term(term)}" for term in metric.minus)
    if metric.per:
        stated = {"Numerator": above, "Denominator": " + ".join(_term(term) for term in metric.per)}
    else:
        stated = {"Counts": above}
    if metric.is_cost:
        stated["Only"] = "sources and months whose spend is known, in both parts"
    if metric.immature_days:
        stated["Immature"] = f"eligible unsold opportunities of the period younger than {metric.immature_days} days"
    return stated


def _term(term: Measure) -> str:
    return f"{term.label.lower()} (by {term.clock})"


def _flags(flags: tuple[str, ...]) -> str:
    return " and ".join(f"`{flag}`" for flag in flags)
