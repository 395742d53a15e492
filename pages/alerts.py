"""Alerts: what should not be, kept in the journal and looked at again with every letter and every visit.

Three kinds. A list of customers that should be empty; a limit that a rate should keep; a rate that should not change.
Rates are estimates, so an alert on one fires only where chance is no explanation: the whole exact 99.8 % interval, as
sure as what calls for action on people, lies beyond the limit (or, for a change, beyond zero). Chance alone then fires
at most one in a thousand looks at a rate that is exactly at its limit. No streamlit here: the weekly letter looks at
them too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from metrics import engine, listing
from metrics.catalog import METRICS
from metrics.catalog import metric as declared
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters, check_dimension
from metrics.lists import worklist
from metrics.statistics import differences
from metrics.statistics.funnel_limits import ACT
from metrics.statistics.intervals import exact_of
from pages import calling, theme
from pages.journal import Entry, Journal
from pages.sheets.view import earlier

SAVED: Final = "alert_saved"
REMOVED: Final = "alert_removed"
MOST_DAYS: Final = 730
SURE: Final = "sure to 99.8%"

Row = Mapping[str, Any]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S")]
Days = Annotated[int, Field(ge=7, le=MOST_DAYS)]


class _Kept(BaseModel):
    """What every alert has: its name and whom it looks at (labels by dimension, as filters have them)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Name
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _looks_at_known_dimensions(self) -> Self:
        for dimension in self.where:
            check_dimension(dimension)
        return self


class ListAlert(_Kept):
    """Fires while more than `most` customers wait on a list of the worklist, handled ones left out."""

    kind: Literal["list"] = "list"
    list_name: str
    most: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_a_list(self) -> Self:
        worklist(self.list_name)
        return self


class LimitAlert(_Kept):
    """Fires while a rate of the last `days` days lies surely below or above its limit, a share from 0 to 1."""

    kind: Literal["limit"] = "limit"
    metric: str
    side: Literal["below", "above"]
    limit: float = Field(gt=0, lt=1, allow_inf_nan=False)
    days: Days = 28

    @model_validator(mode="after")
    def _is_a_rate(self) -> Self:
        _rate(self.metric)
        return self


class ChangeAlert(_Kept):
    """Fires while a rate of the last `days` days surely differs from that of as many days before, at the same age."""

    kind: Literal["change"] = "change"
    metric: str
    side: Literal["fell", "rose", "either"] = "fell"
    days: Days = 28

    @model_validator(mode="after")
    def _is_a_rate(self) -> Self:
        _rate(self.metric)
        return self


Alert = ListAlert | LimitAlert | ChangeAlert
_ALERT: Final[TypeAdapter[Alert]] = TypeAdapter(Annotated[Alert, Field(discriminator="kind")])
RATES: Final = tuple(found.name for found in METRICS if isinstance(found, Conversion))


@dataclass(frozen=True)
class Kept:
    """An alert of the journal: its id, the alert, who saved it and when. `alert` is None where it cannot be read."""

    key: str
    alert: Alert | None
    who: str
    at: dt.datetime
    title: str


@dataclass(frozen=True)
class Found:
    """What a look at an alert found; `is_fired` is None where it cannot be told."""

    title: str
    is_fired: bool | None
    sentence: str


def _rate(name: str) -> Conversion:
    found = declared(name)
    if not isinstance(found, Conversion):
        raise MetricError(
            f"{found.label} has no interval, so an alert on it could be fired by chance.",
            "Choose a rate, such as contact_rate.",
        )
    return found


def read_alert(values: Mapping[str, Any]) -> Alert:
    """An alert from loose values, checked. MetricError where they cannot be one, in words for people."""
    try:
        return _ALERT.validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][-1]) if first["loc"] else "alert"
        raise MetricError(
            f"{place}: {first['msg'].removeprefix('Value error, ')}.", "Correct it and save again."
        ) from error


# The journal ----------------------------------------------------------------------------------------------------------


def saved(journal: Journal) -> list[Kept]:
    """The alerts that stand now, in the order in which they were first saved."""
    newest = {entry.natural_id: entry for entry in journal.newest(SAVED, REMOVED)}
    order = dict.fromkeys(entry.natural_id for entry in journal.entries(SAVED))
    return [_kept(newest[key]) for key in order if newest[key].kind == SAVED]


def _kept(entry: Entry) -> Kept:
    values = entry.data.get("alert")
    loose = values if isinstance(values, dict) else {}
    title = str(loose.get("title", entry.natural_id))
    try:
        alert = read_alert(loose)
    except MetricError:
        alert = None
    return Kept(entry.natural_id, alert, entry.who, entry.at, title)


def save(journal: Journal, alert: Alert, *, who: str, key: str = "") -> str:
    """Keep an alert, anew or in the place of the one with this key; the key is returned."""
    kept = key or uuid4().hex
    journal.write(SAVED, who=who, natural_id=kept, alert=alert.model_dump(mode="json"))
    return kept


def remove(journal: Journal, key: str, *, who: str) -> None:
    """Let an alert stand no longer; the journal keeps that it did."""
    journal.write(REMOVED, who=who, natural_id=key)


# Looking --------------------------------------------------------------------------------------------------------------


def look(warehouse: Warehouse, journal: Journal, as_of: dt.datetime | None = None) -> list[Found]:
    """Every alert that stands, looked at in the present snapshot (or as of a moment), fired ones first."""
    found = [look_at(warehouse, kept, journal, as_of) for kept in seen_by(warehouse, saved(journal))]
    return sorted(found, key=lambda one: not one.is_fired)


def seen_by(warehouse: Warehouse, kept: Sequence[Kept]) -> list[Kept]:
    """The alerts that look at nothing beyond what this handle may see; all of them where it sees everything."""
    if warehouse.scope.is_whole:
        return list(kept)
    asked = {name for one in kept if one.alert is not None for name in one.alert.where}
    known = {name: set(engine.options(warehouse, name)) for name in asked}
    return [
        one
        for one in kept
        if one.alert is not None and all(known[name] >= set(labels) for name, labels in one.alert.where.items())
    ]


def look_at(warehouse: Warehouse, kept: Kept, journal: Journal, as_of: dt.datetime | None = None) -> Found:
    """One alert. Where it cannot be told (no rows, no such split), the sentence says why."""
    alert = kept.alert
    if alert is None:
        return Found(kept.title, None, "This alert was saved by another version and cannot be read. Save it anew.")
    try:
        if isinstance(alert, ListAlert):
            return _look_at_list(warehouse, alert, journal.entries(), as_of)
        if isinstance(alert, LimitAlert):
            return _look_at_limit(warehouse, alert, as_of)
        return _look_at_change(warehouse, alert, as_of)
    except (MetricError, NoSuchData) as error:
        return Found(alert.title, None, f"It cannot be told: {error.message}")


def _look_at_list(warehouse: Warehouse, alert: ListAlert, entries: Sequence[Entry], as_of: dt.datetime | None) -> Found:
    asked = Filters(where=alert.where, as_of=as_of)
    waiting, _ = calling.divide(listing.worklists(warehouse, [alert.list_name], asked), entries)
    count, one = calling.customers(waiting).height, worklist(alert.list_name)
    allowed = "none should" if alert.most == 0 else f"at most {alert.most} should"
    who = "One customer waits" if count == 1 else f"{theme.number(count, 'count')} customers wait"
    sentence = f"{who} on “{one.label}” where {allowed}. {one.to_do if count > alert.most else ''}".strip()
    return Found(alert.title, count > alert.most, sentence)


def _look_at_limit(warehouse: Warehouse, alert: LimitAlert, as_of: dt.datetime | None) -> Found:
    row = _values(warehouse, alert.metric, span(warehouse, alert, as_of))
    metric = _rate(alert.metric)
    ends = sure_ends(row, metric, alert.side)
    limit, label = theme.number(alert.limit, "share"), metric.label
    told = f"{label} of the last {alert.days} days is {_counted(row)}"
    if ends is None:
        return Found(alert.title, False, f"{label}: nothing to measure in the last {alert.days} days.")
    is_beyond = ends[1] < alert.limit if alert.side == "below" else ends[0] > alert.limit
    if is_beyond:
        span_words = f"99.8% interval {theme.interval(*ends)}"
        still = _open(row) if metric.within is None else ""
        return Found(alert.title, True, f"{told}, {alert.side} the limit of {limit} ({span_words}).{still}")
    is_value_beyond = row["value"] < alert.limit if alert.side == "below" else row["value"] > alert.limit
    why = f"; {alert.side} the limit of {limit}, but chance or open rows may explain it" if is_value_beyond else ""
    return Found(alert.title, False, f"{told}{why or f', not {alert.side} the limit of {limit}'}.")


def sure_ends(row: Row, metric: Conversion, side: str) -> tuple[float, float] | None:
    """The exact 99.8 % interval of a rate; None where there is nothing to measure.

    Rows that are still open count against the alert: below a limit as if all of them came through.
    """
    if not row["denominator"]:
        return None
    hits, chances = float(row["numerator"]), float(row["denominator"])
    waiting = float(row["n_immature"] or 0) if metric.within is None else 0.0
    if side == "below" and not metric.counts_misses:
        hits = min(hits + waiting, chances)
    if side == "above" and metric.counts_misses:
        hits = max(hits - waiting, 0.0)
    return exact_of(hits, chances, ACT)


def _look_at_change(warehouse: Warehouse, alert: ChangeAlert, as_of: dt.datetime | None) -> Found:
    asked = span(warehouse, alert, as_of)
    now = _values(warehouse, alert.metric, asked)
    before = _values(warehouse, alert.metric, earlier(warehouse, asked, alert.days))
    ends = differences.difference(_surely(now), _surely(before))
    label = declared(alert.metric).label
    if ends is None:
        return Found(alert.title, False, f"{label}: nothing to compare in the last {2 * alert.days} days.")
    is_fired = {"fell": ends[1] < 0, "rose": ends[0] > 0, "either": ends[1] < 0 or ends[0] > 0}[alert.side]
    moved = f"{label} is {_counted(now)} in the last {alert.days} days, {_counted(before)} in the {alert.days} before"
    change = theme.change(now["value"], before["value"], "share")
    told = f"{moved}: {change}, {SURE}." if is_fired else f"{moved}: {change}, no change that chance could not explain."
    if not is_fired and (ends[1] < 0 or ends[0] > 0):
        told = f"{moved}: {change}, {SURE}, but not in the direction that is watched."
    return Found(alert.title, is_fired, told)


def _surely(row: Row) -> Row:
    """The row with its interval at the confidence of an alert."""
    ends = exact_of(row["numerator"], row["denominator"], ACT) if row["denominator"] else None
    return {**row, "low": ends and ends[0], "high": ends and ends[1]}


def span(warehouse: Warehouse, alert: LimitAlert | ChangeAlert, as_of: dt.datetime | None) -> Filters:
    """The question of an alert: its last days, up to the newest day of the data or to a moment."""
    last = engine.stores(warehouse)["as_of_on"].max() if as_of is None else (as_of - dt.timedelta(seconds=1)).date()
    if not isinstance(last, dt.date):
        raise NoSuchData("There is no data yet.", "Load some: `python -m loaders load PATH`.")
    return Filters(start=last - dt.timedelta(days=alert.days - 1), end=last, where=alert.where, as_of=as_of)


def _values(warehouse: Warehouse, name: str, asked: Filters) -> Row:
    row: Row = engine.evaluate(warehouse, [name], asked).row(0, named=True)
    if row["reason"]:
        raise MetricError(str(row["reason"]), "Change what the alert looks at.")
    return row


def _counted(row: Row) -> str:
    if row["value"] is None:
        return theme.NOT_AVAILABLE
    return f"{theme.number(row['value'], 'share')} ({theme.parts(row['numerator'], row['denominator'])})"


def _open(row: Row) -> str:
    waiting = row["n_immature"]
    return f" {theme.number(waiting, 'count')} are still open; it holds whatever comes of them." if waiting else ""


def watched(alert: Alert) -> str:
    """What an alert watches, in one line."""
    scope = "; ".join(f"{name.replace('_', ' ')}: {', '.join(labels)}" for name, labels in alert.where.items())
    whom = f" ({scope})" if scope else ""
    if isinstance(alert, ListAlert):
        return f"More than {alert.most} on “{worklist(alert.list_name).label}”{whom}"
    label = declared(alert.metric).label
    if isinstance(alert, LimitAlert):
        return f"{label} {alert.side} {theme.number(alert.limit, 'share')} in the last {alert.days} days{whom}"
    word = "changed" if alert.side == "either" else alert.side
    return f"{label} {word} in the last {alert.days} days{whom}"


def as_percent(share: float) -> float:
    """A limit as people type it."""
    return round(100 * share, 1)


def from_percent(typed: float) -> float:
    """A limit as it is kept."""
    return round(typed / 100, 4)
