"""Every metric a second time, in plain loops over plain rows: slow, naive, written from the definitions.

Nothing of `metrics.sql` is used. The base, the hit and the time of each metric stand here again, by hand, so that a
slip in the declarations shows as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metrics.filters import Filters
from tests.star import Row, Star

Key = tuple[Any, ...]
DAY = 86_400


@dataclass
class Answer:
    """One row of a result."""

    numerator: float | None = None
    denominator: float | None = None
    value: float | None = None
    n_immature: float = 0


@dataclass
class Taken:
    """A row that a metric looks at, with its share of attribution and its spend flag as attributed."""

    row: Row
    share: float
    now: datetime
    is_spend_known: bool
    labels: dict[str, Any] = field(default_factory=dict)


SO_FAR: dict[str, tuple[str, tuple[str, ...], str, str, str, int]] = {
    # metric: (clock, base, hit, moment of the hit, start of settling, days)
    "contact_rate": ("created", ("is_eligible",), "is_contacted", "contacted_at", "created_by", 7),
    "contact_to_appointment": (
        "created",
        ("is_eligible", "is_contacted"),
        "is_appointment_set",
        "appointment_set_at",
        "contacted_at",
        14,
    ),
    "set_rate": ("created", ("is_eligible",), "is_appointment_set", "appointment_set_at", "created_by", 14),
    "shown_rate": ("created", ("is_eligible",), "is_shown", "shown_at", "created_by", 30),
    "show_to_sale": ("shown", ("is_eligible", "is_shown"), "is_sold", "sold_at", "shown_at", 30),
    "closing_rate": ("created", ("is_eligible",), "is_sold", "sold_at", "created_by", 90),
}
MOMENTS = {
    "is_attempted": "first_attempt_at",
    "is_contacted": "contacted_at",
    "is_appointment_set": "appointment_set_at",
    "is_shown": "shown_at",
    "is_sold": "sold_at",
    "is_confirmed": "confirmed_at",
}
DEFAULT_ROLE = {"fct_appointment": "setter"}
COHORT_STEP = {
    "cost_per_appointment": "is_appointment_set",
    "cost_per_show": "is_shown",
    "cost_per_sale": "is_sold",
}


class Oracle:
    """The metrics of one star under one set of filters."""

    def __init__(self, star: Star, filters: Filters) -> None:
        self.rows = {table: frame.to_dicts() for table, frame in star.items()}
        self.filters = filters
        self.stores = {row["store_key"]: row for row in self.rows["dim_store"]}
        self.people = {row["person_key"]: row["person"] for row in self.rows["dim_person"]}
        self.sources = {row["source_key"]: row for row in self.rows["dim_source"]}
        self.known_months = {
            (row["store_key"], row["source_key"], row["day"].replace(day=1))
            for row in self.rows["fct_spend"]
            if row["is_known"]
        }

    def answer(self, metric: str) -> dict[Key, Answer]:
        """Key (labels of `by`, then the period) to answer."""
        if metric in SO_FAR:
            return self.in_period(metric) if self.filters.basis == "in_period" else self.so_far(metric)
        if metric.startswith("closing_rate_"):
            return self.closing_within(int(metric.rsplit("_", 1)[1]))
        return self._others()[metric]()

    def _others(self) -> dict[str, Callable[[], dict[Key, Answer]]]:
        plain: dict[str, Callable[[], dict[Key, Answer]]] = {
            "leads": lambda: self.counted(self.leads()),
            "opportunities": lambda: self.counted(self.opportunities()),
            "appointments_set": lambda: self.counted(
                self.taken("fct_appointment", "set_at", "set_on", "is_counted_set")
            ),
            "appointments_due": lambda: self.counted(self.due()),
            "shows": lambda: self.counted(t for t in self.due() if reached(t, "is_shown")),
            "confirm_rate": lambda: self.rate(self.due(), lambda t: reached(t, "is_confirmed"), never),
            "show_rate": lambda: self.rate(self.due(), lambda t: reached(t, "is_shown"), unresolved),
            "answered_within_standard": self.answered_within_standard,
            "never_answered_rate": self.never_answered_rate,
            "median_response_minutes": self.median_response_minutes,
            "sold_units": lambda: self.summed(self.sold(), "weight"),
            "gross": lambda: self.gross_of(self.sold()),
            "cohort_gross": lambda: self.gross_of(self.cohort_sales()),
            "spend": self.spend,
            "in_period_closing_ratio": self.in_period_closing_ratio,
            "gross_per_sale": self.gross_per_sale,
            "cost_per_lead": lambda: self.cost(self.leads()),
            "roi": self.roi,
        }
        costs = {name: self._cost_of_step(flag) for name, flag in COHORT_STEP.items()}
        return plain | costs

    def _cost_of_step(self, flag: str) -> Callable[[], dict[Key, Answer]]:
        return lambda: self.cost(t for t in self.opportunities() if reached(t, flag))

    # -------------------------------------------------------------------------- which rows, with which labels

    def now(self, store_key: str) -> datetime:
        moment: datetime = self.filters.as_of or self.stores[store_key]["as_of"]
        return moment.astimezone(UTC)

    def zone(self, store_key: str) -> ZoneInfo:
        return ZoneInfo(self.stores[store_key]["time_zone"])

    def taken(self, table: str, at: str | None, on: str | None, *base: str) -> list[Taken]:
        return list(self._taken(table, at, on, base))

    def _taken(self, table: str, at: str | None, on: str | None, base: tuple[str, ...]) -> Iterator[Taken]:
        for row in self.rows[table]:
            now = self.now(row["store_key"])
            if at is not None and (row[at] is None or row[at] > now):
                continue
            day = row[on] if on else row[at or ""].astimezone(self.zone(row["store_key"])).date()
            if at is None and day > now.astimezone(self.zone(row["store_key"])).date():
                continue
            if not self._is_in_period(day):
                continue
            for source_key, share in self._sources_of(table, row):
                found = Taken(row, share, now, self._is_spend_known(table, row, source_key))
                found.labels = self._labels(table, row, source_key, day)
                if self._is_kept(found) and all(reached(found, flag) for flag in base):
                    yield found

    def _is_in_period(self, day: date) -> bool:
        start, end = self.filters.start, self.filters.end
        return (start is None or day >= start) and (end is None or day <= end)

    def _sources_of(self, table: str, row: Row) -> list[tuple[str, float]]:
        is_own = self.filters.attribution == "first" or table in ("fct_lead", "fct_spend")
        asked = {*self.filters.by, *self.filters.where}
        if is_own or not asked & {"source", "source_group", "channel"} or row["opportunity_key"] is None:
            return [(row["source_key"], 1.0)]
        return [
            (share["source_key"], share["weight"])
            for share in self.rows["bridge_opportunity_source"]
            if share["opportunity_key"] == row["opportunity_key"] and share["attribution"] == self.filters.attribution
        ]

    def _is_spend_known(self, table: str, row: Row, source_key: str) -> bool:
        if table == "fct_spend":
            return bool(row["is_known"])
        if source_key == row["source_key"]:
            return bool(row.get("has_known_spend"))
        if row.get("created_on") is None:
            return False
        return (row["store_key"], source_key, row["created_on"].replace(day=1)) in self.known_months

    def _labels(self, table: str, row: Row, source_key: str, day: date) -> dict[str, Any]:
        role = self.filters.credit or DEFAULT_ROLE.get(table, "salesperson")
        labels = {
            "store": self.stores[row["store_key"]]["store"],
            "source": self.sources[source_key]["source"],
            "source_group": self.sources[source_key]["source_group"],
            "channel": self.sources[source_key]["channel"],
            "period": first_day(day, self.filters.grain) if self.filters.grain else None,
            "person": self.people.get(row.get(f"{role}_key")),
        }
        return labels | {name: row.get(name) for name in ("lead_type", "vehicle_condition", "appointment_type")}

    def _is_kept(self, found: Taken) -> bool:
        return all(found.labels[name] in labels for name, labels in self.filters.where.items())

    def key(self, found: Taken) -> Key:
        names = [*self.filters.by, *(["period"] if self.filters.grain else [])]
        return tuple(found.labels[name] for name in names)

    def groups(self, *parts: list[Taken]) -> dict[Key, list[list[Taken]]]:
        """The rows of each part by key; without any key there is always one group."""
        is_whole = not self.filters.by and not self.filters.grain
        keys = {(): None} if is_whole else dict.fromkeys(self.key(found) for part in parts for found in part)
        grouped: dict[Key, list[list[Taken]]] = {key: [[] for _ in parts] for key in keys}
        for place, part in enumerate(parts):
            for found in part:
                grouped[self.key(found)][place].append(found)
        return grouped

    # -------------------------------------------------------------------------------------------------- facts

    def leads(self) -> list[Taken]:
        return self.taken("fct_lead", "created_at", "created_on", "is_counted")

    def opportunities(self) -> list[Taken]:
        return self.taken("fct_opportunity", "created_at", "created_on", "is_eligible")

    def due(self) -> list[Taken]:
        return self.taken("fct_appointment", "due_at", "due_on", "is_standing")

    def sold(self) -> list[Taken]:
        return self.taken("fct_sale", "sold_at", "sold_on", "is_counted")

    def cohort_sales(self) -> list[Taken]:
        sales = self.taken("fct_sale", "created_at", "created_on", "is_counted")
        return [found for found in sales if found.row["sold_at"] <= found.now]

    # ------------------------------------------------------------------------------------------------ metrics

    def counted(self, rows: Any) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(list(rows)).items():
            total = weigh(group)
            answers[key] = Answer(total, None, total)
        return answers

    def summed(self, rows: list[Taken], column: str) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            total = sum(float(found.row[column]) * found.share for found in group)
            answers[key] = Answer(total, None, total)
        return answers

    def gross_of(self, rows: list[Taken]) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            total = gross(group)
            answers[key] = Answer(total, None, total)
        return answers

    def spend_rows(self) -> list[Taken]:
        return self.taken("fct_spend", None, "day")

    def spend(self) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.spend_rows()).items():
            total = paid(group)
            answers[key] = Answer(total, None, total)
        return answers

    def rate(
        self, rows: list[Taken], is_hit: Callable[[Taken], bool], is_immature: Callable[[Taken], bool]
    ) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            hits, chances = weigh(t for t in group if is_hit(t)), weigh(group)
            answers[key] = Answer(hits, chances, divided(hits, chances), weigh(t for t in group if is_immature(t)))
        return answers

    def so_far(self, metric: str) -> dict[Key, Answer]:
        clock, base, hit, _, start, days = SO_FAR[metric]
        rows = self.taken("fct_opportunity", f"{clock}_at", f"{clock}_on", *base)

        def is_immature(found: Taken) -> bool:
            began = found.row[start]
            return not reached(found, hit) and began is not None and began + timedelta(seconds=days * DAY) > found.now

        return self.rate(rows, lambda found: reached(found, hit), is_immature)

    def in_period(self, metric: str) -> dict[Key, Answer]:
        clock, base, hit, moment, _, _ = SO_FAR[metric]
        chances = self.taken("fct_opportunity", f"{clock}_at", f"{clock}_on", *base)
        hits = self.taken("fct_opportunity", moment, None, *base, hit)
        answers = {}
        for key, (below, above) in self.groups(chances, hits).items():
            answers[key] = Answer(weigh(above), weigh(below), divided(weigh(above), weigh(below)))
        return answers

    def windowed(
        self, rows: list[Taken], is_closed: Callable[[Taken], bool], is_hit: Callable[[Taken], bool]
    ) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            closed = [found for found in group if is_closed(found)]
            hits, chances = weigh(t for t in closed if is_hit(t)), weigh(closed)
            answers[key] = Answer(hits, chances, divided(hits, chances), weigh(group) - chances)
        return answers

    def closing_within(self, days: int) -> dict[Key, Answer]:
        def is_closed(found: Taken) -> bool:
            return bool((found.now - found.row["created_by"]).total_seconds() >= days * DAY)

        def is_hit(found: Taken) -> bool:
            lag = found.row["seconds_to_sold"]
            return reached(found, "is_sold") and (lag is None or lag <= days * DAY)

        return self.windowed(self.opportunities(), is_closed, is_hit)

    def needing_answer(self) -> list[Taken]:
        return [found for found in self.opportunities() if found.row["needs_answer"]]

    def open_seconds(self, store_key: str, moment: datetime) -> float | None:
        begun = [row for row in self.rows["dim_date"] if row["store_key"] == store_key and row["starts_at"] <= moment]
        if not begun:
            return None
        today = max(begun, key=lambda row: row["starts_at"])
        total: float = today["open_seconds_before"]
        if today["opens_at"] is None or moment <= today["opens_at"]:
            return total
        passed: timedelta = min(moment, today["closes_at"]) - today["opens_at"]
        return total + passed.total_seconds()

    def is_answer_due(self, found: Taken) -> bool:
        passed = self.open_seconds(found.row["store_key"], found.now)
        began = found.row["created_open_seconds"]
        return passed is not None and began is not None and passed - began >= found.row["response_standard_seconds"]

    def answered_within_standard(self) -> dict[Key, Answer]:
        def is_hit(found: Taken) -> bool:
            lag = found.row["open_seconds_to_first_attempt"]
            return reached(found, "is_attempted") and (lag is None or lag <= found.row["response_standard_seconds"])

        return self.windowed(self.needing_answer(), self.is_answer_due, is_hit)

    def never_answered_rate(self) -> dict[Key, Answer]:
        return self.windowed(self.needing_answer(), self.is_answer_due, lambda t: not reached(t, "is_attempted"))

    def median_response_minutes(self) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.needing_answer()).items():
            lags = sorted(t.row["open_seconds_to_first_attempt"] or 0 for t in group if reached(t, "is_attempted"))
            seconds = median_with_waiting(lags, len(group))
            answers[key] = Answer(None, len(group), None if seconds is None else seconds / 60)
        return answers

    def in_period_closing_ratio(self) -> dict[Key, Answer]:
        answers = {}
        for key, (sales, chances) in self.groups(self.sold(), self.opportunities()).items():
            units = sum(t.row["weight"] * t.share for t in sales)
            answers[key] = Answer(units, weigh(chances), divided(units, weigh(chances)))
        return answers

    def gross_per_sale(self) -> dict[Key, Answer]:
        answers = {}
        for key, (sales,) in self.groups(self.sold()).items():
            units = sum(t.row["weight"] * t.share for t in sales if t.row["has_known_gross"])
            total = gross(sales)
            answers[key] = Answer(total, units, divided(total, units))
        return answers

    def cost(self, counted: Any) -> dict[Key, Answer]:
        answers = {}
        for key, (bought, chances) in self.groups(self.spend_rows(), list(counted)).items():
            known = weigh(t for t in chances if t.is_spend_known)
            spent = paid(bought)
            spent = 0.0 if spent is None and known > 0 else spent
            answers[key] = Answer(spent, known, divided(spent, known))
        return answers

    def roi(self) -> dict[Key, Answer]:
        answers = {}
        grouped = self.groups(self.cohort_sales(), self.spend_rows(), self.opportunities())
        for key, (sales, bought, chances) in grouped.items():
            earned, spent = gross([t for t in sales if t.is_spend_known]), paid(bought)
            profit = None if earned is None or spent is None else earned - spent
            young = weigh(
                t
                for t in chances
                if t.is_spend_known
                and not reached(t, "is_sold")
                and t.row["created_by"] + timedelta(seconds=90 * DAY) > t.now
            )
            answers[key] = Answer(profit, spent, divided(profit, spent), young)
        return answers


def reached(found: Taken, flag: str) -> bool:
    """A flag as it stood at now."""
    moment = found.row.get(MOMENTS.get(flag, ""))
    return bool(found.row[flag]) and (moment is None or moment <= found.now)


def never(_: Taken) -> bool:
    return False


def unresolved(found: Taken) -> bool:
    return bool(found.row["is_unresolved"]) or (bool(found.row["is_shown"]) and not reached(found, "is_shown"))


def weigh(rows: Any) -> float:
    return float(sum(found.share for found in rows))


def divided(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def gross(sales: list[Taken]) -> float | None:
    known = [float(t.row["weighted_gross"]) * t.share for t in sales if t.row["has_known_gross"]]
    return None if sales and not known else sum(known)


def paid(bought: list[Taken]) -> float | None:
    known = [float(t.row["amount"]) for t in bought if t.row["is_known"]]
    return sum(known) if known else None


def median_with_waiting(lags: list[float], asked: int) -> float | None:
    """The middle of `asked` waits of which only these have ended; None while the middle one still waits."""
    if asked == 0 or 2 * len(lags) < asked:
        return None
    if 2 * len(lags) == asked:
        return lags[-1]
    if asked % 2:
        return lags[asked // 2]
    return (lags[asked // 2 - 1] + lags[asked // 2]) / 2


def first_day(day: date, grain: str) -> date:
    """The first day of the day's period; weeks begin on Monday."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1)
