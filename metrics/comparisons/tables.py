"""The telling columns of each comparison for a table on a terminal; JSON and CSV have them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

Row = Mapping[str, Any]
# What a row is about, and its counts, which JSON writes as whole numbers where they are.
NAMES: Final = ("store", "person", "source")
COUNTS: Final = frozenset(
    {"n", "observed", "hits", "n_immature", "n_before", "n_after", "chances_before", "hits_before", "chances_now"}
    | {"hits_now", "n_missing", "leads", "opportunities", "sold_units"}
)


def names_of(columns: Sequence[Column]) -> list[str]:
    """The columns that say what a row is about: store and person, or else the first column."""
    return [column.name for column in columns if column.name in NAMES] or [columns[0].name]


def word(value: object) -> str:
    """A label, a day, a flag; nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return value.isoformat() if isinstance(value, date) else str(value)


def count(value: float) -> str:
    """Whole where it is whole, else to one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def percent(value: float) -> str:
    """A share as 12.3%."""
    return f"{value:.1%}"


def points(value: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # + 0.0: no minus before a zero


def signed(value: float) -> str:
    """A change in counts, with its sign."""
    return f"{round(value, 1) + 0.0:+,.1f}"


def size(value: float) -> str:
    """A distance between shares in points, without a sign."""
    return f"{100 * value:.1f}"


def factor(value: float) -> str:
    """A ratio of two counts to two decimals."""
    return f"{value:.2f}"


def money(value: float) -> str:
    """An amount without cents; JSON has them."""
    return f"{value:,.0f}"


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, the column of the frame, how a value is written, and the other end if two."""

    heading: str
    name: str
    form: Callable[[Any], str] = word
    high: str | None = None

    def cell(self, row: Row) -> str:
        """The text of one cell; empty where there is nothing."""
        low = row[self.name]
        if low is None:
            return ""
        if self.high is None:
            return self.form(low)
        return "" if row[self.high] is None else f"{self.form(low)} to {self.form(row[self.high])}"


def line(row: Row, names: Sequence[str]) -> str:
    """A sentence after the name of what it is about, unless it begins with that name."""
    labels, sentence = [word(row[name]) for name in names], str(row["sentence"])
    if sentence.startswith(f"{labels[-1]}:"):
        return ", ".join([*labels[:-1], sentence])
    return f"{', '.join(labels)}: {sentence}"


def _interval(form: Callable[[Any], str], low: str = "low", high: str = "high") -> Column:
    return Column("95 % interval", low, form, high)


_WHO: Final = (Column("store", "store"), Column("person", "person"))
JUDGED: Final = (
    *_WHO,
    Column("n", "n", count),
    Column("observed", "observed", count),
    Column("expected", "expected", count),
    Column("O/E", "ratio", factor),
    Column("at equal leads", "adjusted_rate", percent),
    _interval(percent),
    Column("probably", "shrunken_rate", percent),
    Column("credible", "shrunken_low", percent, "shrunken_high"),
    Column("verdict", "verdict"),
)
COACHED: Final = (
    *_WHO,
    Column("step", "step"),
    Column("n", "n", count),
    Column("rate", "rate", percent),
    Column("colleagues", "expected_rate", percent),
    Column("shows a month", "shows", count),
    Column("sales a month", "sales", count),
    Column("gross a month", "gross", money),
    _interval(money, "gross_low", "gross_high"),
)
CHANGED: Final = (
    *_WHO,
    Column("n before", "n_before", count),
    Column("n after", "n_after", count),
    Column("before", "person_before", percent),
    Column("after", "person_after", percent),
    Column("team before", "team_before", percent),
    Column("team after", "team_after", percent),
    Column("difference", "difference", points),
    _interval(points),
)
RANKED: Final = (
    Column("dimension", "dimension"),
    Column("by mix, points", "mix", points),
    Column("by rates, points", "rate", points),
    Column("change, points", "change", points),
    Column("values", "cells", count),
)
SPLIT: Final = (
    Column("value", "value"),
    Column("chances before", "chances_before", count),
    Column("hits before", "hits_before", count),
    Column("chances now", "chances_now", count),
    Column("hits now", "hits_now", count),
    Column("volume", "volume", signed),
    Column("mix", "mix", signed),
    Column("rate", "rate", signed),
    Column("change", "change", signed),
    Column("rate change, points", "rate_change", points),
)
HANDLED: Final = (
    Column("store", "store"),
    Column("source", "source"),
    Column("n", "n", count),
    Column("as it is", "raw", percent),
    Column("others", "others_raw", percent),
    Column("at equal handling", "value", percent),
    _interval(percent),
    Column("gap by handling", "composition", points),
    Column("gap by the rest", "own", points),
    Column("verdict", "verdict"),
)
CREDITED: Final = (
    Column("source", "source"),
    Column("first", "first", count),
    Column("last", "last", count),
    Column("even", "even", count),
    Column("sales", "sales", count),
    Column("assisted", "assisted", count),
    Column("rank flips", "is_flipped"),
)
RETURNED: Final = (
    Column("source", "source"),
    Column("spend", "spend", money),
    Column("sales", "sales", count),
    Column("gross", "gross", money),
    Column("return", "roi", percent),
    _interval(percent),
    Column("still open", "n_immature", count),
    Column("why not", "state"),
)
LEDGER: Final = (
    Column("source", "source"),
    Column("spend", "spend", money),
    Column("leads", "leads", count),
    Column("opportunities", "opportunities", count),
    Column("sold units", "sold_units", count),
    Column("gross", "gross", money),
)
MARGINAL: Final = (
    Column("source", "source"),
    Column("months", "months", count),
    Column("average", "average", factor),
    Column("last ones", "value", factor),
    _interval(factor),
    Column("verdict", "verdict"),
)
MOVED: Final = (Column("metric", "metric"), Column("change a month", "change", signed), _interval(signed))
PROJECTED: Final = (
    Column("cohort", "cohort"),
    Column("n", "chances", count),
    Column("hits", "hits", count),
    Column("open", "open", count),
    Column("so far", "so_far", percent),
    Column("projected", "projected", percent),
    _interval(percent),
)
TESTED: Final = (
    Column("metric", "metric"),
    Column("projections", "n", count),
    Column("bias, points", "bias", points),
    Column("off by, points", "mean_error", size),
    Column("naively, points", "naive_error", size),
    Column("covered", "coverage", percent),
)
BOUNDED: Final = (
    Column("metric", "metric"),
    Column("n", "n", count),
    Column("hits", "hits", count),
    Column("no outcome yet", "n_missing", count),
    Column("value", "value", percent),
    Column("lowest", "lowest", percent),
    Column("highest", "highest", percent),
)
PACED: Final = (
    Column("store", "store"),
    Column("month", "month"),
    Column("so far", "so_far", count),
    Column("days left", "days_left", count),
    Column("end of month", "projected", count),
    _interval(count),
    Column("target", "target", count),
)
