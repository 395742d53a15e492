"""Numbers as lines of a table in words: a metric per line beside what it was before, or a member per line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from metrics.catalog import metric as declared
from pages import frame, theme
from pages.sentences import target_words

Row = dict[str, Any]


def of_metrics(
    names: Sequence[str],
    now: dict[str, Row],
    before: dict[str, Row],
    header: str,
    targets: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """One metric per line: value, n, interval, and the value of the period before; n/a where it cannot be had.

    `targets` by name add a column, where any of these metrics has one.
    """
    known = {name: target for name, target in (targets or {}).items() if name in names}
    told = [_metric_line(name, now[name], before.get(name), header) for name in names]
    if known:
        for name, line in zip(names, told, strict=True):
            line["Target"] = "" if name not in known else target_words(now[name], known[name], declared(name))
    return theme.table(told)


def _metric_line(name: str, row: Row, before: Row | None, header: str) -> dict[str, str]:
    metric = declared(name)
    return {
        header: metric.label,
        "Value": theme.number(row["value"], metric.unit),
        "n": counted(row, is_rate=metric.kind == "conversion"),
        "95% interval": theme.interval(row["low"], row["high"], metric.unit),
        "Before": "" if before is None else theme.number(before["value"], metric.unit),
    }


def counted(row: Row, *, is_rate: bool) -> str:
    """What a number rests on: `12 of 40` for a rate, how many for a median or an average, nothing for a count."""
    if is_rate:
        return theme.parts(row["numerator"], row["denominator"])
    return theme.number(row["denominator"], "count") if row["denominator"] else ""


def of_members(rows: pl.DataFrame, dimension: str, label: str, header: str | None = None) -> pl.DataFrame:
    """One member of a dimension per line: a rate with n and interval, in the order of the rows."""
    words = theme.value_words(dimension)
    return theme.table(
        [
            {
                header or frame.LABELS[dimension]: words.get(row[dimension], row[dimension]),
                label: theme.number(row["value"], "share"),
                "n": theme.parts(row["numerator"], row["denominator"]),
                "95% interval": theme.interval(row["low"], row["high"]),
            }
            for row in rows.to_dicts()
        ]
    )


def measured(rows: pl.DataFrame) -> pl.DataFrame:
    """Members with a chance to be measured."""
    return rows.filter(pl.col("denominator").fill_null(0) > 0)


def by_name(rows: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Members with a chance to be measured, sorted by name, `(unassigned)` last."""
    name = pl.col(dimension)
    return measured(rows).sort(name.str.starts_with("("), name.str.to_lowercase())


def in_order(rows: pl.DataFrame, dimension: str, order: Sequence[str]) -> pl.DataFrame:
    """Members with a chance to be measured, in a given order."""
    known = measured(rows).filter(pl.col(dimension).is_in(list(order)))
    return known.sort(pl.col(dimension).replace_strict(list(order), list(range(len(order))), return_dtype=pl.Int64))
