"""Every metric a second time, in plain loops over plain rows: slow, naive, written from the definitions.

Nothing of `metrics.sql` is used. The base, the hit and the time of each metric stand here again, by hand, so that a
slip in the declarations shows as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
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
    "reply_rate": ("created", ("is_eligible", "has_contact_log"), "is_replied", "first_reply_at", "created_by", 14),
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
    "is_counted": "sold_at",
    "is_chain_shown": "chain_shown_at",
    "is_followed_up": "followed_up_at",
    "is_recovered": "recovered_at",
    "is_surveyed": "survey_answered_at",
    "is_kept": "kept_at",
    "is_bought": "bought_at",
    "is_completed": "completed_at",
    "is_done_on_time": "completed_at",
    "is_responded": "first_any_response_at",
    "is_replied": "first_reply_at",
    "is_automated_first": "first_automated_at",
    "is_written_to_us": "last_customer_message_at",
    "is_message_answered": "message_answered_at",
    "is_watched_1d": "watched_1d_at",
    "is_watched_3d": "watched_3d_at",
    "is_watched_10d": "watched_10d_at",
    "is_follow_up_due": "follow_up_due_at",
}
FACT_LABELS = (
    *("lead_type", "vehicle_condition", "appointment_type", "instrument", "after_hours", "tenure", "answered"),
    *("created_weekday", "created_hour", "lead_time", "confirmed", "due_weekday", "due_hour"),
)
NAMED_ON_IT = ("fct_visit", "fct_task", "fct_survey", "fct_service_visit", "fct_contact", "fct_roster_day")
DEFAULT_ROLE = {"fct_appointment": "setter"} | dict.fromkeys(NAMED_ON_IT, "person")
OWN_SOURCE = (
    "fct_lead",
    "fct_spend",
    "fct_task",
    "fct_service_visit",
    "fct_crm_report",
    "fct_contact",
    "fct_roster_day",
)
PER_LEAD = {"contacted": "is_contacted", "set": "is_appointment_set", "shown": "is_shown", "sold": "is_sold"}
COHORT_STEP = {
    "cost_per_appointment": "is_appointment_set",
    "cost_per_show": "is_shown",
    "cost_per_sale": "is_sold",
}


LEADS_IN = ("fct_lead", "created_at", "created_on", "is_counted")
BEGUN = ("fct_opportunity", "created_at", "created_on", "is_eligible")
LOGGED = (*BEGUN, "has_contact_log")
BOUGHT = ("fct_opportunity", "sold_at", None, "is_eligible", "is_sold")
SET = ("fct_appointment", "set_at", "set_on", "is_counted_set")
DUE = ("fct_appointment", "due_at", "due_on", "is_standing")
PROMISED = ("fct_appointment", "due_at", "due_on", "is_promised")
ANY_DUE = ("fct_appointment", "due_at", "due_on", "is_standing_of_any_type")
SOLD = ("fct_sale", "sold_at", "sold_on", "is_counted")
VISITED = ("fct_visit", "arrived_at", "arrived_on")
ABOUT_SALES = ("fct_survey", "answered_at", "answered_on", "is_about_sales")
ABOUT_SERVICE = ("fct_survey", "answered_at", "answered_on", "is_about_service")
TASKS = ("fct_task", "due_at", "due_on")
TO_DO = (*TASKS, "is_to_do")
SERVICED = ("fct_service_visit", "opened_at", "opened_on")
REPORTED = ("fct_crm_report", None, "period_start", "is_of_leads")
TOUCHED = ("fct_contact", "occurred_at", "occurred_on")
ON_ROSTER = ("fct_roster_day", None, "day")

# metric: its rows (table, moment, day, flags)
COUNTS: dict[str, tuple[str | None, ...]] = {
    "visits": VISITED,
    "touches_logged": (*TOUCHED, "is_human"),
    "no_shows": (*DUE, "is_no_show"),
    "appointments_unresolved": (*DUE, "is_unresolved"),
    "sales_surveys": ABOUT_SALES,
    "service_surveys": ABOUT_SERVICE,
    "tasks_due": TO_DO,
    "all_appointments_set": ("fct_appointment", "set_at", "set_on", "is_first_of_chain"),
    "all_appointments_due": ANY_DUE,
    "service_visits": SERVICED,
}
# metric: its rows, the hit, and from which moment for how many days a row without it is young; or "outcome"
RATES: dict[str, tuple[tuple[str | None, ...], str, tuple[str, int] | str | None]] = {
    "lost_rate": (BEGUN, "is_lost", None),
    "multi_channel_rate": (LOGGED, "is_multi_channel", ("created_by", 10)),
    "follow_up_standard_rate": ((*LOGGED, "is_follow_up_due"), "is_follow_up_met", None),
    "lost_after_one_attempt": ((*LOGGED, "is_lost"), "is_barely_tried", None),
    "machine_only_rate": (LOGGED, "is_machine_only", None),
    "bad_rate": (BEGUN, "is_bad", None),
    "demo_rate": ((*VISITED, "has_known_demo"), "is_demo", None),
    "write_up_rate": ((*VISITED, "has_known_write_up"), "is_write_up", None),
    "turnover_rate": ((*VISITED, "has_known_turnover"), "is_turnover", None),
    "be_back_rate": ((*VISITED, "has_opportunity"), "is_be_back", None),
    "visit_to_sale": ((*VISITED, "is_first_visit"), "is_sold", ("arrived_at", 30)),
    "no_show_rate": (DUE, "is_no_show", "outcome"),
    "unresolved_rate": (DUE, "is_unresolved", None),
    "cancelled_rate": (PROMISED, "is_cancelled_ahead", None),
    "rescheduled_rate": (("fct_appointment", "due_at", "due_on", "is_sales_appointment"), "is_moved_ahead", None),
    "show_rate_strict": (PROMISED, "is_shown", "outcome"),
    "show_rate_of_set": (SET, "is_chain_shown", ("chain_due_at", 1)),
    "no_show_recovery": (
        ("fct_appointment", "due_at", "due_on", "is_no_show_to_win_back"),
        "is_recovered",
        ("due_at", 30),
    ),
    "csi_top_box": (ABOUT_SALES, "is_top_box", None),
    "service_csi_top_box": (ABOUT_SERVICE, "is_top_box", None),
    "survey_response_rate": ((*SOLD, "has_survey_log"), "is_surveyed", ("sold_at", 30)),
    "repeat_share": ((*SOLD, "has_customer"), "is_repeat", None),
    "referral_share": (SOLD, "is_referral", None),
    "phone_known": (LEADS_IN, "has_phone", None),
    "email_known": (LEADS_IN, "has_email", None),
    "reachable_share": (LEADS_IN, "is_reachable", None),
    "source_known": (LEADS_IN, "has_source", None),
    "owner_known": (LEADS_IN, "has_owner", None),
    "reason_known": ((*LEADS_IN, "is_given_up"), "has_reason", None),
    "duplicate_share": (LEADS_IN, "is_duplicate", None),
    "bad_lead_share": (LEADS_IN, "is_bad", None),
    "sales_without_lead": (SOLD, "is_without_lead", None),
    "set_after_the_fact": (SET, "is_set_late", None),
    "task_completion_rate": (TO_DO, "is_completed", None),
    "tasks_done_on_time": (TO_DO, "is_done_on_time", None),
    "dismissed_task_rate": (TASKS, "is_dismissed", None),
    "appointments_with_contact": ((*DUE, "has_contact_log"), "is_contact_logged", None),
    "shows_with_contact": ((*DUE, "is_shown", "has_contact_log"), "is_contact_logged", None),
    "sales_with_contact": ((*SOLD, "has_contact_log"), "is_contact_logged", None),
    "confirm_rate_by_type": (ANY_DUE, "is_confirmed", None),
    "show_rate_by_type": (ANY_DUE, "is_shown", "outcome"),
}
# metric: its rows, the hit, the moment from which its days run, the lag, the days
WITHIN: dict[str, tuple[tuple[str, ...], str, str, str, int]] = {
    "no_show_follow_up": (
        ("fct_appointment", "due_at", "due_on", "is_no_show_to_call"),
        "is_followed_up",
        "due_at",
        "seconds_to_follow_up",
        1,
    ),
    "service_customers_kept": ((*SERVICED, "is_first_of_year"), "is_kept", "opened_at", "seconds_to_return", 365),
    "service_to_sale": ((*SERVICED, "is_first_of_year"), "is_bought", "opened_at", "seconds_to_bought", 365),
    "buyers_kept": (
        (*SOLD, "has_customer", "has_service_log"),
        "is_kept",
        "sold_at",
        "seconds_to_return",
        365,
    ),
}
# metric: its rows, the lag, which quantile, seconds in its unit
LAGS: dict[str, tuple[tuple[str | None, ...], str, float, int]] = {
    "late_recording": ((*TOUCHED, "is_human"), "seconds_to_recorded", 0.5, 60),
    "time_to_contact": ((*BEGUN, "is_contacted"), "seconds_to_contacted", 0.5, 60),
    "time_to_appointment": ((*BEGUN, "is_appointment_set"), "seconds_to_appointment_set", 0.5, DAY),
    "time_to_show": ((*BEGUN, "is_shown"), "seconds_to_shown", 0.5, DAY),
    "contact_to_set_time": ((*BEGUN, "is_appointment_set"), "seconds_contacted_to_set", 0.5, DAY),
    "set_to_show_time": ((*BEGUN, "is_shown"), "seconds_set_to_shown", 0.5, DAY),
    "show_to_sale_time": ((*BEGUN, "is_sold"), "seconds_shown_to_sold", 0.5, DAY),
    "time_to_reply": ((*BEGUN, "is_replied"), "seconds_to_first_reply", 0.5, 60),
    "days_to_sale_first_quarter": (BOUGHT, "seconds_to_sold", 0.25, DAY),
    "days_to_sale": (BOUGHT, "seconds_to_sold", 0.5, DAY),
    "days_to_sale_third_quarter": (BOUGHT, "seconds_to_sold", 0.75, DAY),
    "appointment_lead_time": (SET, "seconds_ahead", 0.5, DAY),
    "ownership_interval": ((*SOLD, "is_repeat", "is_first_line"), "seconds_owned", 0.5, DAY),
}
# metric: the lag and the flag of the rows whose lag has ended
WAITS = {
    "median_response_minutes": ("open_seconds_to_first_attempt", "is_attempted"),
    "median_response_minutes_raw": ("seconds_to_first_attempt", "is_attempted"),
    "median_any_response_minutes": ("open_seconds_to_first_any_response", "is_responded"),
    "median_any_response_minutes_raw": ("seconds_to_first_any_response", "is_responded"),
}
# metric: the rows, and what is counted on each
MEANS: dict[str, tuple[tuple[str | None, ...], str]] = {
    "attempts_1d": ((*LOGGED, "is_watched_1d"), "attempt_count_1d"),
    "attempts_3d": ((*LOGGED, "is_watched_3d"), "attempt_count_3d"),
    "attempts_10d": ((*LOGGED, "is_watched_10d"), "attempt_count_10d"),
    "attempt_days_10d": ((*LOGGED, "is_watched_10d"), "attempt_days_10d"),
    "attempts_of_lost": ((*LOGGED, "is_lost"), "attempt_count"),
}
# metric: the dimension of which it looks at one label at a time
ONE_AT_A_TIME = {
    "csi_mean": "instrument",
    "csi_top_box": "instrument",
    "service_csi_mean": "instrument",
    "service_csi_top_box": "instrument",
    "confirm_rate_by_type": "appointment_type",
    "show_rate_by_type": "appointment_type",
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

    def _told(self, metric: str) -> dict[Key, Answer]:
        """A metric of which the lists above say all."""
        if metric in COUNTS:
            return self.counted(self.rows_of(COUNTS[metric]))
        if metric in RATES:
            return self.told_rate(*RATES[metric])
        if metric in WITHIN:
            return self.told_within(*WITHIN[metric])
        if metric in WAITS:
            return self.waiting(self.needing_answer(), *WAITS[metric])
        if metric in MEANS:
            return self.mean(*MEANS[metric])
        return self.lag(*LAGS[metric])

    def is_mixed(self, metric: str) -> bool:
        """Whether the metric would put several surveys, or several types of appointment, into one number."""
        apart = ONE_AT_A_TIME.get(metric)
        if apart is None or apart in self.filters.by:
            return False
        base = RATES[metric][0] if metric in RATES else ABOUT_SERVICE if "service" in metric else ABOUT_SALES
        return len({found.row[apart] for found in self.rows_of(base)}) > 1

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
            "answered_within_standard": self.answered_within,
            **{f"answered_within_{m}": partial(self.answered_within, m * 60) for m in (5, 15, 30, 60)},
            "never_answered_rate": self.never_answered_rate,
            "handover_minutes": lambda: self.waiting(
                self.rows_of((*LOGGED, "is_automated_first")), "seconds_to_handover", "is_attempted"
            ),
            "unanswered_message_rate": lambda: self.missed((*LOGGED, "is_written_to_us"), "is_message_answered"),
            "sold_units": lambda: self.summed(self.sold(), "weight"),
            "gross": lambda: self.gross_of(self.sold()),
            "cohort_gross": lambda: self.gross_of(self.cohort_sales()),
            "spend": self.spend,
            "in_period_closing_ratio": self.in_period_closing_ratio,
            **{f"{step}_per_lead": partial(self.per_lead, flag) for step, flag in PER_LEAD.items()},
            "gross_per_sale": self.gross_per_sale,
            "cost_per_lead": lambda: self.cost(self.leads()),
            "roi": self.roi,
            "front_gross": lambda: self.gross_of(self.sold(), "front_gross"),
            "back_gross": lambda: self.gross_of(self.sold(), "back_gross"),
            "front_gross_per_sale": lambda: self.gross_per_sale("front_gross"),
            "back_gross_per_sale": lambda: self.gross_per_sale("back_gross"),
            "delivered_units": lambda: self.summed(
                self.taken("fct_sale", "delivered_at", "delivered_on", "is_counted"), "weight"
            ),
            "unwinds": lambda: self.summed(
                self.taken("fct_sale", "reversed_at", "reversed_on", "is_unwound"), "weight"
            ),
            "csi_mean": lambda: self.mean_score(ABOUT_SALES),
            "service_csi_mean": lambda: self.mean_score(ABOUT_SERVICE),
            "overdue_task_rate": lambda: self.missed(TO_DO, "is_completed"),
            "automated_touch_share": lambda: self.missed((*TOUCHED, "is_outbound"), "is_human"),
            "days_without_logging": lambda: self.missed(ON_ROSTER, "has_logged"),
            "sales_not_in_crm": lambda: self.missed((*SOLD, "has_two_deal_logs"), "is_in_crm"),
            "sales_not_in_dms": lambda: self.missed((*SOLD, "has_two_deal_logs"), "is_in_dms"),
            "profit": self.profit,
            "crm_reported_leads": self.crm_reported_leads,
            "loaded_of_reported": self.loaded_of_reported,
        }
        plain |= {name: partial(self._told, name) for name in (*COUNTS, *RATES, *WITHIN, *LAGS, *WAITS, *MEANS)}
        costs = {name: self._cost_of_step(flag) for name, flag in COHORT_STEP.items()}
        return plain | costs

    def _cost_of_step(self, flag: str) -> Callable[[], dict[Key, Answer]]:
        return lambda: self.cost(t for t in self.opportunities() if reached(t, flag))

    def rows_of(self, told: tuple[str | None, ...]) -> list[Taken]:
        table, at, on, *base = told
        return self.taken(table or "", at, on, *(flag for flag in base if flag))

    def told_rate(
        self, told: tuple[str | None, ...], hit: str, young: tuple[str, int] | str | None
    ) -> dict[Key, Answer]:
        def is_young(found: Taken) -> bool:
            if not isinstance(young, tuple):
                return young == "outcome" and unresolved(found, hit)
            start, days = young
            return not reached(found, hit) and found.row[start] + timedelta(seconds=days * DAY) > found.now

        return self.rate(self.rows_of(told), lambda found: reached(found, hit), is_young)

    def told_within(self, told: tuple[str, ...], hit: str, start: str, lag: str, days: int) -> dict[Key, Answer]:
        def is_closed(found: Taken) -> bool:
            passed: timedelta = found.now - found.row[start]
            return passed.total_seconds() >= days * DAY

        def is_hit(found: Taken) -> bool:
            return reached(found, hit) and (found.row[lag] is None or found.row[lag] <= days * DAY)

        return self.windowed(self.rows_of(told), is_closed, is_hit)

    def lag(self, told: tuple[str | None, ...], column: str, share: float, seconds: int) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.rows_of(told)).items():
            lags = sorted(found.row[column] for found in group if found.row[column] is not None)
            answers[key] = Answer(None, len(lags), between(lags, share) / seconds if lags else None)
        return answers

    def missed(self, told: tuple[str | None, ...], hit: str) -> dict[Key, Answer]:
        """The share without the hit."""
        return self.rate(self.rows_of(told), lambda found: not reached(found, hit), never)

    def mean_score(self, told: tuple[str, ...]) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.rows_of(told)).items():
            total = sum(found.row["score"] * found.share for found in group)
            answers[key] = Answer(total, weigh(group), divided(total, weigh(group)))
        return answers

    def crm_reported_leads(self) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.rows_of(REPORTED)).items():
            total = added(group, "value")
            answers[key] = Answer(total, None, total)
        return answers

    def loaded_of_reported(self) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.rows_of(REPORTED)).items():
            loaded, reported = added(group, "loaded_leads"), added(group, "value")
            answers[key] = Answer(loaded, reported, divided(loaded, reported))
        return answers

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
        is_own = self.filters.attribution == "first" or table in OWN_SOURCE
        asked = {*self.filters.by, *self.filters.where}
        if is_own or not asked & {"source", "source_group", "channel"} or row["opportunity_key"] is None:
            return [(row.get("source_key", ""), 1.0)]
        return [
            (share["source_key"], share["weight"])
            for share in self.rows["bridge_opportunity_source"]
            if share["opportunity_key"] == row["opportunity_key"] and share["attribution"] == self.filters.attribution
        ]

    def _is_spend_known(self, table: str, row: Row, source_key: str) -> bool:
        if table == "fct_spend":
            return bool(row["is_known"])
        if source_key == row.get("source_key", ""):
            return bool(row.get("has_known_spend"))
        if row.get("created_on") is None:
            return False
        return (row["store_key"], source_key, row["created_on"].replace(day=1)) in self.known_months

    def _labels(self, table: str, row: Row, source_key: str, day: date) -> dict[str, Any]:
        role = self.filters.credit or DEFAULT_ROLE.get(table, "salesperson")
        labels = {
            "store": self.stores[row["store_key"]]["store"],
            **{name: self.sources.get(source_key, {}).get(name) for name in ("source", "source_group", "channel")},
            "period": first_day(day, self.filters.grain) if self.filters.grain else None,
            "person": self.people.get(row.get(f"{role}_key")),
        }
        return labels | {name: row.get(name) for name in FACT_LABELS}

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

    def gross_of(self, rows: list[Taken], side: str = "gross") -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            total = gross(group, side)
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

    def is_answer_due(self, found: Taken, standard: float | None = None) -> bool:
        passed = self.open_seconds(found.row["store_key"], found.now)
        began = found.row["created_open_seconds"]
        standard = found.row["response_standard_seconds"] if standard is None else standard
        return passed is not None and began is not None and passed - began >= standard

    def answered_within(self, seconds: float | None = None) -> dict[Key, Answer]:
        """Within so many open seconds; where none are given, within the store's standard."""

        def is_hit(found: Taken) -> bool:
            lag = found.row["open_seconds_to_first_attempt"]
            standard = found.row["response_standard_seconds"] if seconds is None else seconds
            return reached(found, "is_attempted") and (lag is None or lag <= standard)

        return self.windowed(self.needing_answer(), lambda found: self.is_answer_due(found, seconds), is_hit)

    def never_answered_rate(self) -> dict[Key, Answer]:
        return self.windowed(self.needing_answer(), self.is_answer_due, lambda t: not reached(t, "is_attempted"))

    def waiting(self, rows: list[Taken], column: str, ended: str) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(rows).items():
            lags = sorted(t.row[column] or 0 for t in group if reached(t, ended))
            seconds = median_with_waiting(lags, len(group))
            answers[key] = Answer(None, len(group), None if seconds is None else seconds / 60)
        return answers

    def mean(self, told: tuple[str | None, ...], column: str) -> dict[Key, Answer]:
        answers = {}
        for key, (group,) in self.groups(self.rows_of(told)).items():
            total = sum(found.row[column] * found.share for found in group)
            answers[key] = Answer(total, weigh(group), divided(total, weigh(group)))
        return answers

    def in_period_closing_ratio(self) -> dict[Key, Answer]:
        answers = {}
        for key, (sales, chances) in self.groups(self.sold(), self.opportunities()).items():
            units = sum(t.row["weight"] * t.share for t in sales)
            answers[key] = Answer(units, weigh(chances), divided(units, weigh(chances)))
        return answers

    def gross_per_sale(self, side: str = "gross") -> dict[Key, Answer]:
        answers = {}
        for key, (sales,) in self.groups(self.sold()).items():
            units = sum(t.row["weight"] * t.share for t in sales if t.row[f"has_known_{side}"])
            total = gross(sales, side)
            answers[key] = Answer(total, units, divided(total, units))
        return answers

    def per_lead(self, flag: str) -> dict[Key, Answer]:
        answers = {}
        reached_it = [found for found in self.opportunities() if reached(found, flag)]
        for key, (above, below) in self.groups(reached_it, list(self.leads())).items():
            answers[key] = Answer(weigh(above), weigh(below), divided(weigh(above), weigh(below)))
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

    def profit(self) -> dict[Key, Answer]:
        """What stands above the line of the return on spend."""
        found = self.roi()
        return {key: Answer(roi.numerator, None, roi.numerator, roi.n_immature) for key, roi in found.items()}


def reached(found: Taken, flag: str) -> bool:
    """A flag as it stood at now."""
    moment = found.row.get(MOMENTS.get(flag, ""))
    return bool(found.row[flag]) and (moment is None or moment <= found.now)


def never(_: Taken) -> bool:
    return False


def unresolved(found: Taken, hit: str = "is_shown") -> bool:
    return bool(found.row["is_unresolved"]) or (bool(found.row[hit]) and not reached(found, hit))


def weigh(rows: Any) -> float:
    """How many there are: half a sale counts a half."""
    return float(sum(found.share * found.row.get("weight", 1) for found in rows))


def added(rows: list[Taken], column: str) -> float | None:
    """The sum over the figures that a report gives; None where it gives none."""
    known = [float(found.row[column]) for found in rows if found.row["has_value"]]
    return sum(known) if known else None


def between(ordered: list[float], share: float) -> float:
    """The value below which that share lies, on the line between its two neighbours."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def divided(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def gross(sales: list[Taken], side: str = "gross") -> float | None:
    known = [float(t.row[f"weighted_{side}"]) * t.share for t in sales if t.row[f"has_known_{side}"]]
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
