"""Small stars to count: random ones for Hypothesis, and a few named for what you get.

A star is a dictionary of frames, one per table of docs/data_model.md, all of them there even when empty.
`write_warehouse` puts it on disk as the loaders publish a snapshot. The random star is consistent (lags follow from
moments, shares sum to 1) and full of corners: two stores in two zones with two nows, ties, steps before creation,
flags without a moment, days without a time, rows that lie after now, missing people and sources, split deals, unknown
gross, spend of zero, free sources.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
from hypothesis import strategies as st

Row = dict[str, Any]
Star = dict[str, pl.DataFrame]

_MOMENT: Final = pl.Datetime("us", "UTC")
_KINDS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "text": pl.String,
    "flag": pl.Boolean,
    "whole": pl.Int64,
    "number": pl.Float64,
    "moment": _MOMENT,
    "day": pl.Date,
    "money": pl.Decimal(18, 2),
    "half": pl.Decimal(18, 3),
    "share": pl.Decimal(18, 6),
}


def _columns(**by_kind: str) -> dict[str, Any]:
    return {name: _KINDS[kind] for kind, names in by_kind.items() for name in names.split()}


SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "dim_store": _columns(
        text="store_key store time_zone currency locale",
        moment="as_of",
        day="as_of_on",
        flag="has_contact_log has_survey_log has_service_log has_deal_log has_two_deal_logs",
        whole="response_standard_seconds",
    ),
    "dim_date": _columns(
        text="store_key", day="day", moment="starts_at opens_at closes_at", whole="open_seconds_before"
    ),
    "dim_person": _columns(
        text="person_key store_key person name role team", flag="is_machine", day="started_on ended_on"
    ),
    "dim_source": _columns(text="source_key source source_group channel"),
    "dim_customer": _columns(text="customer_key store_key customer email phone", whole="lead_count"),
    "target": _columns(text="store_key person_key person source metric", day="month", number="value"),
    "fct_opportunity": _columns(
        text="opportunity_key store_key customer_key source_key lead_type vehicle_condition salesperson_key"
        " bdc_agent_key setter_key responder_key after_hours tenure answered created_weekday created_hour lead_id"
        " system source_file",
        moment="created_at created_by first_attempt_at first_any_response_at first_reply_at contacted_at"
        " first_automated_at last_customer_message_at message_answered_at watched_1d_at watched_3d_at watched_10d_at"
        " follow_up_due_at appointment_set_at appointment_due_at appointment_confirmed_at shown_at visited_at sold_at"
        " delivered_at",
        day="created_on shown_on",
        flag="is_eligible needs_answer is_attempted is_contacted is_appointment_set is_shown is_sold is_lost is_bad"
        " is_duplicate has_known_spend has_contact_log is_responded is_replied is_automated_first is_written_to_us"
        " is_message_answered is_watched_1d is_watched_3d is_watched_10d is_follow_up_due is_follow_up_met"
        " is_multi_channel is_barely_tried is_machine_only",
        whole="seconds_to_sold seconds_to_first_attempt seconds_to_contacted seconds_to_appointment_set"
        " seconds_to_first_any_response seconds_to_first_reply seconds_to_handover seconds_contacted_to_set"
        " seconds_set_to_shown seconds_shown_to_sold open_seconds_to_first_any_response attempt_count attempt_count_1d"
        " attempt_count_3d attempt_count_10d attempt_days_10d seconds_to_shown open_seconds_to_first_attempt"
        " created_open_seconds response_standard_seconds "
        "lead_count source_line",
    ),
    "fct_lead": _columns(
        text="lead_key opportunity_key store_key customer_key source_key lead_type vehicle_condition vehicle"
        " salesperson_key bdc_agent_key status lead_id system source_file",
        moment="created_at created_by",
        day="created_on",
        flag="is_counted is_duplicate is_bad has_phone has_email is_reachable has_source has_owner is_given_up"
        " has_reason has_known_spend",
        whole="source_line",
    ),
    "fct_appointment": _columns(
        text="appointment_key opportunity_key store_key customer_key source_key lead_type vehicle_condition"
        " appointment_type setter_key salesperson_key bdc_agent_key responder_key outcome lead_time confirmed"
        " due_weekday due_hour appointment_id system source_file",
        moment="set_at due_at confirmed_at shown_at cancelled_at followed_up_at recovered_at chain_due_at"
        " chain_shown_at",
        day="set_on due_on",
        flag="is_sales_appointment is_first_of_chain is_cancelled_ahead is_moved_ahead is_standing is_counted_set"
        " is_promised is_standing_of_any_type is_confirmed is_shown is_unresolved is_no_show is_no_show_to_call"
        " is_no_show_to_win_back is_followed_up is_recovered is_chain_shown is_set_late has_contact_log"
        " is_contact_logged",
        whole="seconds_ahead seconds_to_follow_up source_line",
    ),
    "fct_sale": _columns(
        text="sale_line_key sale_key opportunity_key store_key customer_key source_key lead_type vehicle_condition"
        " salesperson_key bdc_agent_key sale_type sale_id source_file",
        moment="sold_at created_at delivered_at reversed_at survey_answered_at kept_at",
        day="sold_on created_on delivered_on reversed_on",
        flag="is_counted is_unwound is_first_line has_customer is_repeat is_referral is_without_lead has_contact_log"
        " is_contact_logged has_survey_log is_surveyed has_service_log is_kept has_known_gross has_known_front_gross"
        " has_two_deal_logs is_in_crm is_in_dms has_known_back_gross has_known_spend is_open_to_cohort",
        number="weight",
        money="front_gross back_gross gross",
        half="weighted_gross weighted_front_gross weighted_back_gross",
        whole="seconds_to_return seconds_owned source_line",
    ),
    "fct_spend": _columns(
        text="spend_key store_key source_key campaign source_file",
        day="day",
        share="amount",
        flag="is_known",
        whole="source_line",
    ),
    "bridge_opportunity_source": _columns(text="opportunity_key attribution source_key", number="weight"),
    "data_finding": _columns(text="finding store_key record detail source_file", whole="source_line"),
    "fct_contact": _columns(
        text="contact_key opportunity_key lead_key store_key customer_key person_key direction channel result"
        " source_file",
        moment="occurred_at recorded_at",
        day="occurred_on",
        flag="is_human is_by_customer is_outbound is_attempt",
        whole="seconds_to_recorded source_line",
    ),
    "fct_roster_day": _columns(text="roster_day_key store_key person_key", day="day", flag="has_logged"),
    "annotation": _columns(text="store_key person_key person label", day="day"),
    "fct_survey": _columns(
        text="survey_key sale_key opportunity_key store_key customer_key source_key lead_type vehicle_condition"
        " person_key salesperson_key bdc_agent_key instrument kind source_file",
        moment="answered_at",
        day="answered_on",
        flag="is_about_sales is_about_service is_top_box",
        number="score scale_min scale_max",
        whole="source_line",
    ),
    "fct_visit": _columns(
        text="visit_key opportunity_key store_key customer_key source_key lead_type vehicle_condition person_key"
        " salesperson_key bdc_agent_key source_file",
        moment="arrived_at sold_at",
        day="arrived_on",
        flag="is_demo is_write_up is_turnover is_appraisal has_known_demo has_known_write_up has_known_turnover"
        " has_opportunity is_first_visit is_be_back is_sold",
        whole="source_line",
    ),
    "fct_task": _columns(
        text="task_key opportunity_key store_key person_key outcome source_file",
        moment="due_at completed_at",
        day="due_on",
        flag="is_user_generated is_to_do is_dismissed is_completed is_done_on_time",
        whole="source_line",
    ),
    "fct_status_change": _columns(
        text="status_change_key opportunity_key store_key person_key from_status to_status reason",
        moment="changed_at",
        day="changed_on",
    ),
    "fct_service_visit": _columns(
        text="service_visit_key store_key customer_key person_key vin source_file",
        moment="opened_at closed_at kept_at bought_at",
        day="opened_on",
        flag="has_customer is_first_of_year is_kept is_bought",
        number="odometer",
        money="amount",
        whole="seconds_to_return seconds_to_bought source_line",
    ),
    "fct_crm_report": _columns(
        text="crm_report_key store_key source_key measure source_file",
        day="period_start period_end",
        flag="is_of_leads has_value",
        number="value",
        whole="loaded_leads source_line",
    ),
}

ZONES: Final = {"s1": "America/New_York", "s2": "America/Los_Angeles"}
STORE_NAMES: Final = {"s1": "Northgate Motors", "s2": "Southside Autos"}
NOWS: Final = {"s1": datetime(2026, 5, 20, 18, 0, tzinfo=UTC), "s2": datetime(2026, 5, 19, 3, 30, tzinfo=UTC)}
STANDARDS: Final = {"s1": 900, "s2": 1800}
PEOPLE: Final = {"p1": "s1", "p2": "s1", "p3": "s2", "p4": "s2"}
SOURCES: Final = {
    "web": ("Website", "Own"),
    "third": ("Third Party", "Paid"),
    "unknown": ("unknown", "(no group)"),
    "club": ("Club", "Paid"),
    "no_source": ("(no source)", "(no group)"),
    "no_lead": ("(no lead)", "(no lead)"),
}
FREE: Final = "club"
INSTRUMENTS: Final = ("Delivery (1 to 5)", "Maker's index (1 to 10)")
CHANNELS: Final = {"web": "website", "club": "classifieds", "third": "classifieds"}
LEAD_SOURCES: Final = ("web", "third", "unknown", "club", "no_source")
_FOLLOW_UP_FLAGS: Final = (
    "is_responded is_replied is_automated_first is_written_to_us is_message_answered is_watched_1d is_watched_3d"
    " is_watched_10d is_follow_up_due is_follow_up_met is_multi_channel is_barely_tried is_machine_only has_contact_log"
)
FIRST_DAY: Final = date(2025, 12, 1)
LAST_DAY: Final = date(2026, 7, 31)
HOLIDAY: Final = date(2026, 5, 18)
DAY: Final = 86_400


def local_day(store_key: str, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(ZONES[store_key])).date()


def weekday(store_key: str, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(ZONES[store_key])):%A}"


def hour(store_key: str, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(ZONES[store_key])):%H:00}"


def midnight(store_key: str, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(ZONES[store_key])).astimezone(UTC)


@cache
def calendar(store_key: str) -> tuple[Row, ...]:
    """Open 9 to 18 local time, closed on Sundays and on one holiday."""
    zone, before, rows = ZoneInfo(ZONES[store_key]), 0, []
    for number in range((LAST_DAY - FIRST_DAY).days):
        day = FIRST_DAY + timedelta(days=number)
        is_open = day.isoweekday() != 7 and day != HOLIDAY
        opens = datetime.combine(day, time(9), zone).astimezone(UTC) if is_open else None
        closes = datetime.combine(day, time(18), zone).astimezone(UTC) if is_open else None
        rows.append(
            {
                "store_key": store_key,
                "day": day,
                "starts_at": midnight(store_key, day),
                "opens_at": opens,
                "closes_at": closes,
                "open_seconds_before": before,
            }
        )
        before += 9 * 3600 if is_open else 0
    return tuple(rows)


def open_seconds(store_key: str, moment: datetime) -> int | None:
    """Seconds open since the first day of the calendar; None before it."""
    begun = [row for row in calendar(store_key) if row["starts_at"] <= moment]
    if not begun:
        return None
    today = begun[-1]
    if today["opens_at"] is None:
        return int(today["open_seconds_before"])
    passed = (min(moment, today["closes_at"]) - today["opens_at"]).total_seconds()
    return int(today["open_seconds_before"] + max(0, passed))


def frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of one table; a column that a row does not name is null."""
    schema = SCHEMAS[table]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def star_of(**tables: Iterable[Mapping[str, Any]]) -> Star:
    """A star with these rows; dimensions that are not named are the standard ones, other tables are empty."""
    standard: dict[str, Iterable[Mapping[str, Any]]] = {
        "dim_store": _stores(),
        "dim_date": [*calendar("s1"), *calendar("s2")],
        "dim_person": _people(),
        "dim_source": [
            {"source_key": key, "source": name, "source_group": group, "channel": CHANNELS.get(key, "(no channel)")}
            for key, (name, group) in SOURCES.items()
        ],
        "dim_customer": _customers(),
    }
    return {table: frame(table, {**standard, **tables}.get(table, ())) for table in SCHEMAS}


def _stores() -> list[Row]:
    return [
        {
            "store_key": key,
            "store": STORE_NAMES[key],
            "time_zone": ZONES[key],
            "currency": "USD",
            "locale": "en_US",
            "as_of": NOWS[key],
            "as_of_on": local_day(key, NOWS[key]),
            "has_contact_log": True,
            "has_survey_log": True,
            "has_service_log": True,
            "has_deal_log": True,
            "has_two_deal_logs": False,
            "response_standard_seconds": STANDARDS[key],
        }
        for key in ZONES
    ]


def _people() -> list[Row]:
    names = {"p1": "Ada Reyes", "p2": "Ben Okoye", "p3": "Cleo Marsh", "p4": "Dov Lind"}
    named = [
        {"person_key": key, "store_key": store, "person": names[key], "name": names[key], "role": "salesperson"}
        for key, store in PEOPLE.items()
    ]
    nobody = {"person_key": "unassigned", "store_key": "", "person": "(unassigned)", "name": "(unassigned)"}
    return [{**row, "is_machine": False} for row in (*named, {**nobody, "role": "other"})]


def _customers() -> list[Row]:
    named = [
        {"customer_key": f"c{n}", "store_key": f"s{1 + n % 2}", "customer": f"Customer {n}", "phone": f"555-010{n}"}
        for n in range(6)
    ]
    return [*named, {"customer_key": "unknown", "store_key": "", "customer": "(unknown)", "lead_count": 0}]


# ---------------------------------------------------------------------------------------------- a random star

_LAGS: Final = (
    0,
    60,
    899,
    900,
    901,
    1800,
    1801,
    3600,
    DAY,
    7 * DAY,
    14 * DAY,
    29 * DAY,
    30 * DAY,
    30 * DAY + 1,
    75 * DAY,
)
_STEPS: Final = {
    "is_attempted": ("first_attempt_at", "seconds_to_first_attempt", 0.75),
    "is_contacted": ("contacted_at", "seconds_to_contacted", 0.6),
    "is_appointment_set": ("appointment_set_at", "seconds_to_appointment_set", 0.5),
    "is_shown": ("shown_at", "seconds_to_shown", 0.45),
    "is_sold": ("sold_at", "seconds_to_sold", 0.4),
}


def random_star(seed: int, opportunities: int) -> Star:
    """A consistent star from a seed: the same seed and size give the same star."""
    rng = random.Random(seed)
    spend = _spend(rng)
    known = {(row["store_key"], row["source_key"], row["day"].replace(day=1)) for row in spend if row["is_known"]}
    facts: dict[str, list[Row]] = {"fct_opportunity": [], "fct_lead": [], "fct_appointment": [], "fct_sale": []}
    facts |= {"fct_visit": [], "fct_survey": [], "fct_task": [], "fct_service_visit": []}
    bridge: list[Row] = []
    for number in range(opportunities):
        opportunity = _opportunity(rng, f"o{number}", known)
        leads = _leads(rng, opportunity, known)
        facts["fct_opportunity"].append(opportunity)
        facts["fct_lead"] += leads
        bridge += _bridge(opportunity, leads)
        facts["fct_appointment"] += [
            _appointment(rng, f"a{number}{turn}", opportunity) for turn in range(rng.choice((0, 1, 1, 2)))
        ]
        facts["fct_sale"] += _sale(rng, f"d{number}", opportunity) if rng.random() < 0.5 else []
        facts["fct_visit"] += [_visit(rng, f"v{number}{turn}", opportunity) for turn in range(rng.choice((0, 1, 2)))]
        facts["fct_survey"] += [_survey(rng, f"y{number}", opportunity)] if rng.random() < 0.4 else []
        facts["fct_task"] += [_task(rng, f"t{number}{turn}") for turn in range(rng.choice((0, 1, 3)))]
        facts["fct_service_visit"] += [_service_visit(rng, f"r{number}")] if rng.random() < 0.5 else []
    for number in range(opportunities // 4):
        facts["fct_sale"] += _sale(rng, f"e{number}", None)
        facts["fct_appointment"].append(_appointment(rng, f"b{number}", None))
        facts["fct_visit"].append(_visit(rng, f"w{number}", None))
        facts["fct_survey"].append(_survey(rng, f"z{number}", None))
    for appointment in facts["fct_appointment"]:
        appointment["is_no_show"] &= not appointment["is_unresolved"]
    reports = _crm_reports(rng) if opportunities else []
    # Drawn apart, so that the other facts of a seed stay as they are.
    apart = random.Random(seed)
    facts["fct_contact"] = [_contact(apart, f"k{number}") for number in range(2 * opportunities)]
    facts["fct_roster_day"] = [_roster_day(apart, f"n{number}") for number in range(2 * opportunities)]
    facts["fct_status_change"] = [_status_change(apart, f"m{number}") for number in range(opportunities)]
    for task in facts["fct_task"]:
        task["opportunity_key"] = f"o{apart.randrange(opportunities)}"
    return star_of(**facts, fct_spend=spend, fct_crm_report=reports, bridge_opportunity_source=bridge)


def stars() -> st.SearchStrategy[Star]:
    """Random stars of up to thirty opportunities; they shrink to fewer."""
    return st.builds(random_star, seed=st.integers(0, 10_000), opportunities=st.integers(0, 30))


def _moment(rng: random.Random) -> datetime:
    """Somewhere in half a year, often on a round hour so that ties happen, often near a month's end or a now."""
    near = rng.choice(
        (*NOWS.values(), datetime(2026, 3, 31, 23, 0, tzinfo=UTC), datetime(2026, 4, 30, 22, 0, tzinfo=UTC))
    )
    if rng.random() < 0.3:
        return near + timedelta(seconds=rng.choice((-1, 0, 1)) * rng.choice((0, 1, 900, 3600, 7 * DAY, 30 * DAY)))
    return datetime(2025, 12, 20, tzinfo=UTC) + timedelta(hours=rng.randrange(24 * 165), minutes=rng.choice((0, 0, 17)))


def _people_of(rng: random.Random, store_key: str) -> list[str]:
    return [*(key for key, store in PEOPLE.items() if store == store_key), "unassigned"]


def _shared(rng: random.Random) -> Row:
    store_key = rng.choice(("s1", "s2"))
    people = _people_of(rng, store_key)
    return {
        "store_key": store_key,
        "customer_key": rng.choice(("c0", "c1", "c2", "unknown")),
        "source_key": rng.choice(LEAD_SOURCES),
        "lead_type": rng.choice(("internet", "phone", "walk_in")),
        "vehicle_condition": rng.choice(("new", "used", "(not given)")),
        "salesperson_key": rng.choice(people),
        "bdc_agent_key": rng.choice(people),
        "setter_key": rng.choice(people),
        "responder_key": rng.choice(people),
    }


def _opportunity(rng: random.Random, key: str, known: set[tuple[str, str, date]]) -> Row:
    row = _shared(rng)
    store_key = row["store_key"]
    created = _moment(rng)
    day = local_day(store_key, created)
    is_date = rng.random() < 0.15
    created_at = midnight(store_key, day) if is_date else created
    row |= {
        "opportunity_key": key,
        "lead_id": key.upper(),
        "source_file": "leads.csv",
        "source_line": 2,
        "created_at": created_at,
        "created_on": day,
        "created_by": midnight(store_key, day + timedelta(days=1)) - timedelta(microseconds=1)
        if is_date
        else created_at,
        "is_eligible": rng.random() < 0.9,
        "needs_answer": row["lead_type"] == "internet",
        "response_standard_seconds": STANDARDS[store_key],
        "created_open_seconds": open_seconds(store_key, created_at),
        "has_known_spend": (store_key, row["source_key"], day.replace(day=1)) in known,
        "created_weekday": weekday(store_key, created_at),
        "created_hour": "(not known)" if is_date else hour(store_key, created_at),
        "lead_count": 1,
        **{name: rng.random() < 0.1 for name in ("is_lost", "is_bad", "is_duplicate")},
    }
    for flag, (at, seconds, chance) in _STEPS.items():
        row |= _step(rng, row, flag, at, seconds, chance, is_date=is_date)
    shown_at = row["shown_at"]
    row["shown_on"] = None if shown_at is None else local_day(store_key, shown_at)
    return row | {"open_seconds_to_first_attempt": _open_lag(row)} | _follow_up(rng, row)


def _follow_up(rng: random.Random, row: Row) -> Row:
    """What touches tell: each column by itself, as a metric reads it."""
    moments = ("first_automated_at", "last_customer_message_at", "message_answered_at")
    lags = "seconds_to_handover seconds_contacted_to_set seconds_set_to_shown seconds_shown_to_sold"
    lags += " open_seconds_to_first_any_response"
    counts = "attempt_count attempt_count_1d attempt_count_3d attempt_count_10d attempt_days_10d"
    watched = {f"watched_{days}d_at": row["created_by"] + timedelta(days=days) for days in (1, 3, 10)}
    return {
        **_step(rng, row, "is_responded", "first_any_response_at", "seconds_to_first_any_response", 0.8, is_date=False),
        **_step(rng, row, "is_replied", "first_reply_at", "seconds_to_first_reply", 0.4, is_date=False),
        **_flags(rng, "is_automated_first is_written_to_us is_message_answered is_follow_up_met is_multi_channel"),
        **_flags(rng, "is_barely_tried is_machine_only"),
        **dict.fromkeys(("is_watched_1d", "is_watched_3d", "is_watched_10d", "is_follow_up_due"), True),
        **watched,
        **{name: _moment(rng) if rng.random() < 0.8 else None for name in moments},
        **{name: rng.choice((None, *_LAGS)) for name in lags.split()},
        **{name: rng.randrange(9) for name in counts.split()},
        "follow_up_due_at": row["created_by"] + timedelta(days=5),
        "has_contact_log": rng.random() < 0.9,
        "after_hours": rng.choice(("in hours", "after hours")),
        "tenure": rng.choice(("month 01", "month 12", "after a year", "(not known)")),
        "answered": rng.choice(("in time", "within an hour", "within four hours", "later", "never", "not needed")),
    }


def _step(rng: random.Random, row: Row, flag: str, at: str, seconds: str, chance: float, *, is_date: bool) -> Row:
    if rng.random() > chance:
        return {flag: False, at: None, seconds: None}
    if rng.random() < 0.07:
        return {flag: True, at: None, seconds: None}
    lag = rng.choice(_LAGS) if rng.random() < 0.9 else -rng.choice(_LAGS) - 1
    moment = row["created_at"] + timedelta(seconds=lag)
    if not is_date:
        return {flag: True, at: moment, seconds: lag if lag >= 0 else None}
    days = (local_day(row["store_key"], moment) - row["created_on"]).days
    return {flag: True, at: moment, seconds: days * DAY if days >= 0 else None}


def _open_lag(row: Row) -> int | None:
    attempt = row["first_attempt_at"]
    if attempt is None or attempt < row["created_at"]:
        return None
    reached, began = open_seconds(row["store_key"], attempt), row["created_open_seconds"]
    return None if reached is None or began is None else reached - began


def _leads(rng: random.Random, opportunity: Row, known: set[tuple[str, str, date]]) -> list[Row]:
    shared = ("store_key", "customer_key", "lead_type", "vehicle_condition", "salesperson_key", "bdc_agent_key")
    leads = []
    for number in range(rng.choice((1, 1, 2, 3))):
        created = opportunity["created_at"] + timedelta(days=3 * number)
        day = local_day(opportunity["store_key"], created)
        source = opportunity["source_key"] if number == 0 else rng.choice(LEAD_SOURCES)
        leads.append(
            {name: opportunity[name] for name in shared}
            | {
                "lead_key": f"{opportunity['opportunity_key']}-{number}",
                "opportunity_key": opportunity["opportunity_key"],
                "source_key": source,
                "created_at": created,
                "created_on": day,
                "created_by": created,
                "vehicle": None if number % 2 else f"{2020 + number} {source}",
                "status": "open",
                "is_counted": rng.random() < 0.9,
                "is_duplicate": number > 0,
                **_flags(rng, "is_bad has_phone has_email is_reachable has_source has_owner is_given_up has_reason"),
                "has_known_spend": (opportunity["store_key"], source, day.replace(day=1)) in known,
                "lead_id": f"{opportunity['lead_id']}-{number}",
                "source_file": "leads.csv",
                "source_line": number + 2,
            }
        )
    return leads


def _flags(rng: random.Random, names: str, chance: float = 0.5) -> Row:
    return {name: rng.random() < chance for name in names.split()}


def _later(rng: random.Random, name: str, lag: str, moment: datetime, *days: int) -> Row:
    """A step that may have followed a moment by so many days or a second more, often not or without a time."""
    flag = f"is_{name}"
    if rng.random() < 0.4:
        return {flag: False}
    if rng.random() < 0.1:
        return {flag: True}
    seconds = rng.choice(days) * DAY + rng.choice((-1, 0, 1)) * rng.choice((0, 1, 3600))
    return {flag: True, f"{name}_at": moment + timedelta(seconds=seconds), lag: seconds}


def _visit(rng: random.Random, key: str, opportunity: Row | None) -> Row:
    row = _of_episode(rng, opportunity)
    arrived_at = _moment(rng)
    known = {name: rng.choice((None, False, True)) for name in ("is_demo", "is_write_up", "is_turnover")}
    sold = {"is_sold": opportunity["is_sold"], "sold_at": opportunity["sold_at"]} if opportunity else {"is_sold": False}
    return {
        **row,
        **known,
        **{f"has_known_{name.removeprefix('is_')}": value is not None for name, value in known.items()},
        **_flags(rng, "is_first_visit is_be_back"),
        **sold,
        "visit_key": key,
        "person_key": row["setter_key"],
        "arrived_at": arrived_at,
        "arrived_on": local_day(row["store_key"], arrived_at),
        "has_opportunity": opportunity is not None,
        "source_file": "visits.csv",
        "source_line": 2,
    }


def _survey(rng: random.Random, key: str, opportunity: Row | None) -> Row:
    row = _of_episode(rng, opportunity)
    answered_at = _moment(rng)
    is_sales, is_long = rng.random() < 0.6, rng.random() < 0.3
    score = float(rng.randint(1, 10 if is_long else 5))
    return row | {
        "survey_key": key,
        "person_key": row["setter_key"],
        "answered_at": answered_at,
        "answered_on": local_day(row["store_key"], answered_at),
        "instrument": INSTRUMENTS[1 if is_long else 0],
        "kind": "sales" if is_sales else "service",
        "is_about_sales": is_sales,
        "is_about_service": not is_sales,
        "is_top_box": score == (10 if is_long else 5),
        "score": score,
        "source_file": "surveys.csv",
        "source_line": 2,
    }


def _status_change(rng: random.Random, key: str) -> Row:
    store_key, changed_at = rng.choice(("s1", "s2")), _moment(rng)
    return {
        "status_change_key": key,
        "opportunity_key": f"o{rng.randrange(30)}",
        "store_key": store_key,
        "person_key": rng.choice(_people_of(rng, store_key)),
        "changed_at": changed_at,
        "changed_on": local_day(store_key, changed_at),
        "from_status": rng.choice(("open", None)),
        "to_status": rng.choice(("lost", "sold", "Demo done")),
    }


def _task(rng: random.Random, key: str) -> Row:
    store_key = rng.choice(("s1", "s2"))
    due_at = _moment(rng)
    outcome = rng.choice(("open", "completed", "completed", "dismissed", "missed"))
    is_completed = outcome == "completed"
    is_dated = is_completed and rng.random() < 0.9
    return {
        "task_key": key,
        "store_key": store_key,
        "person_key": rng.choice(_people_of(rng, store_key)),
        "due_at": due_at,
        "due_on": local_day(store_key, due_at),
        "completed_at": due_at + timedelta(seconds=rng.choice((-DAY, 0, 3600, 3 * DAY))) if is_dated else None,
        "outcome": outcome,
        "is_to_do": outcome != "dismissed",
        "is_dismissed": outcome == "dismissed",
        "is_completed": is_completed,
        "is_done_on_time": is_completed and rng.random() < 0.6,
        "source_file": "tasks.csv",
        "source_line": 2,
    }


def _service_visit(rng: random.Random, key: str) -> Row:
    store_key = rng.choice(("s1", "s2"))
    # A year's window has to be able to close before now.
    opened_at = _moment(rng) - timedelta(days=rng.choice((0, 365)))
    return {
        **_later(rng, "kept", "seconds_to_return", opened_at, 30, 365, 366),
        **_later(rng, "bought", "seconds_to_bought", opened_at, 30, 365, 366),
        **_flags(rng, "has_customer is_first_of_year", 0.7),
        "service_visit_key": key,
        "store_key": store_key,
        "customer_key": rng.choice(("c0", "c1", "unknown")),
        "person_key": rng.choice(_people_of(rng, store_key)),
        "opened_at": opened_at,
        "opened_on": local_day(store_key, opened_at),
        "source_file": "orders.csv",
        "source_line": 2,
    }


def _contact(rng: random.Random, key: str) -> Row:
    store_key = rng.choice(("s1", "s2"))
    occurred_at = _moment(rng)
    seconds = rng.choice((None, None, 0, 59, 3600, 2 * DAY))
    is_outbound, is_human = rng.random() < 0.7, rng.random() < 0.7
    return {
        "contact_key": key,
        "store_key": store_key,
        "customer_key": rng.choice(("c0", "c1", "unknown")),
        "person_key": rng.choice(_people_of(rng, store_key)),
        "direction": "out" if is_outbound else "in",
        "channel": rng.choice(("call", "text", "email")),
        "result": "other",
        "occurred_at": occurred_at,
        "occurred_on": local_day(store_key, occurred_at),
        "recorded_at": None if seconds is None else occurred_at + timedelta(seconds=seconds),
        "seconds_to_recorded": seconds,
        "is_human": is_human,
        "is_by_customer": not is_outbound and is_human,
        "is_outbound": is_outbound,
        "is_attempt": is_outbound and is_human,
        "source_file": "calls.csv",
        "source_line": 2,
    }


def _roster_day(rng: random.Random, key: str) -> Row:
    person = rng.choice(sorted(PEOPLE))
    return {
        "roster_day_key": key,
        "store_key": PEOPLE[person],
        "person_key": person,
        "day": local_day(PEOPLE[person], _moment(rng)),
        "has_logged": rng.random() < 0.6,
    }


def _crm_reports(rng: random.Random) -> list[Row]:
    rows = []
    for store_key in ZONES:
        for month in range(1, 7):
            value = rng.choice((None, 0.0, 4.0, 25.0))
            rows.append(
                {
                    "crm_report_key": f"{store_key}-{month}",
                    "store_key": store_key,
                    "source_key": rng.choice(("web", "third")),
                    "measure": "leads" if rng.random() < 0.8 else "sold",
                    "period_start": date(2026, month, 1),
                    "period_end": date(2026, month, 28),
                    "value": value,
                    "has_value": value is not None,
                    "loaded_leads": rng.randrange(30),
                    "source_file": "report.csv",
                    "source_line": 2,
                }
            )
            rows[-1]["is_of_leads"] = rows[-1]["measure"] == "leads"
    return rows


def _bridge(opportunity: Row, leads: list[Row]) -> list[Row]:
    key = opportunity["opportunity_key"]
    shares: list[tuple[str, str, float]] = [
        ("first", opportunity["source_key"], 1.0),
        ("last", leads[-1]["source_key"], 1.0),
    ]
    for source in dict.fromkeys(lead["source_key"] for lead in leads):
        same = sum(lead["source_key"] == source for lead in leads)
        shares.append(("even", source, same / len(leads)))
    return [
        {"opportunity_key": key, "attribution": rule, "source_key": source, "weight": weight}
        for rule, source, weight in shares
    ]


def _of_episode(rng: random.Random, opportunity: Row | None) -> Row:
    row = _shared(rng)
    if opportunity is None:
        return row | {"source_key": "no_lead", "lead_type": "(no lead)", "opportunity_key": None}
    copied = ("store_key", "customer_key", "source_key", "lead_type", "vehicle_condition", "opportunity_key")
    people = _people_of(rng, opportunity["store_key"])
    roles = ("salesperson_key", "bdc_agent_key", "setter_key", "responder_key")
    return {name: opportunity[name] for name in copied} | {role: rng.choice(people) for role in roles}


def _appointment(rng: random.Random, key: str, opportunity: Row | None) -> Row:
    row = _of_episode(rng, opportunity)
    set_at = _moment(rng)
    due_at = set_at + timedelta(seconds=rng.choice((3600, DAY, 3 * DAY, 20 * DAY)))
    is_confirmed, is_shown = rng.random() < 0.5, rng.random() < 0.5
    is_sales, is_standing, is_first = rng.random() < 0.85, rng.random() < 0.8, rng.random() < 0.8
    shown_at = due_at + timedelta(seconds=rng.choice((-600, 0, 600))) if is_shown and rng.random() < 0.8 else None
    chain_due_at = due_at + timedelta(days=rng.choice((0, 0, 1, 9)))
    flags = (
        "is_promised is_standing_of_any_type is_no_show is_no_show_to_call is_no_show_to_win_back is_set_late"
        " has_contact_log is_contact_logged"
    )
    return row | {
        **_flags(rng, flags),
        **_later(rng, "followed_up", "seconds_to_follow_up", due_at, 0, 1, 1, 4),
        **{name: value for name, value in _later(rng, "recovered", "lag", due_at, 1, 30, 60).items() if name != "lag"},
        "chain_due_at": chain_due_at,
        "chain_shown_at": chain_due_at if rng.random() < 0.8 else None,
        "is_chain_shown": rng.random() < 0.5,
        "seconds_ahead": rng.choice((None, 0, 3600, 5 * DAY)),
        "appointment_key": key,
        "appointment_id": key.upper(),
        "appointment_type": rng.choice(("sales", "test_drive")) if is_sales else "service",
        "set_at": set_at,
        "set_on": local_day(row["store_key"], set_at),
        "due_at": due_at,
        "due_on": local_day(row["store_key"], due_at),
        "lead_time": "over a week" if due_at - set_at > timedelta(days=8) else "2 to 3 days",
        "due_weekday": weekday(row["store_key"], due_at),
        "due_hour": hour(row["store_key"], due_at),
        "confirmed": "confirmed" if is_confirmed else "not confirmed",
        "confirmed_at": due_at - timedelta(seconds=1800) if is_confirmed and rng.random() < 0.6 else None,
        "shown_at": shown_at,
        "is_sales_appointment": is_sales,
        "is_first_of_chain": is_first,
        "is_cancelled_ahead": not is_standing,
        "is_moved_ahead": rng.random() < 0.2,
        "is_standing": is_sales and is_standing,
        "is_counted_set": is_sales and is_first,
        "is_confirmed": is_confirmed,
        "is_shown": is_shown,
        "is_unresolved": not is_shown and rng.random() < 0.4,
        "outcome": "shown" if is_shown else "open",
        "source_file": "appointments.csv",
        "source_line": 2,
    }


def _sale(rng: random.Random, key: str, opportunity: Row | None) -> list[Row]:
    row = _of_episode(rng, opportunity)
    sold_at = None if opportunity is None else opportunity["sold_at"]
    if sold_at is None:
        # A year's window has to be able to close before now.
        sold_at = _moment(rng) - timedelta(days=rng.choice((0, 0, 365)))
    gross, front, back = (_amount(rng) for _ in range(3))
    dated = {name: sold_at + timedelta(days=rng.choice((0, 3, 40))) for name in ("delivered", "reversed")}
    dated = {name: moment for name, moment in dated.items() if rng.random() < 0.6}
    people = [row["salesperson_key"]]
    if rng.random() < 0.3:
        people = _people_of(rng, row["store_key"])[:2]
    weight = 1 / len(people)
    deal = row | {
        "sale_key": key,
        "sale_id": key.upper(),
        "sale_type": rng.choice(("retail", "lease")),
        "sold_at": sold_at,
        "sold_on": local_day(row["store_key"], sold_at),
        "created_at": opportunity and opportunity["created_at"],
        "created_on": opportunity and opportunity["created_on"],
        "is_counted": rng.random() < 0.85,
        "gross": gross,
        "weighted_gross": _part(gross, weight),
        "weighted_front_gross": _part(front, weight),
        "weighted_back_gross": _part(back, weight),
        "has_known_gross": gross is not None,
        "has_known_front_gross": front is not None,
        "has_known_back_gross": back is not None,
        **{f"{name}_at": moment for name, moment in dated.items()},
        **{f"{name}_on": local_day(row["store_key"], moment) for name, moment in dated.items()},
        "is_unwound": "reversed" in dated,
        **_flags(rng, "has_customer is_repeat is_referral has_contact_log is_contact_logged has_survey_log"),
        **_flags(rng, "is_surveyed has_service_log"),
        # Drawn apart, so that the other facts of a seed stay as they are.
        **_flags(random.Random(key), "has_two_deal_logs is_in_crm is_in_dms"),
        "survey_answered_at": sold_at + timedelta(days=rng.choice((1, 29, 60))) if rng.random() < 0.8 else None,
        **_later(rng, "kept", "seconds_to_return", sold_at, 1, 30, 365, 366),
        "seconds_owned": rng.choice((None, DAY, 400 * DAY)),
        "is_without_lead": opportunity is None,
        "has_known_spend": bool(opportunity and opportunity["has_known_spend"]),
        "is_open_to_cohort": opportunity is not None,
        "weight": weight,
        "source_file": "sales.csv",
        "source_line": 2,
    }
    return [
        deal | {"sale_line_key": f"{key}-{person}", "salesperson_key": person, "is_first_line": person == people[0]}
        for person in people
    ]


def _amount(rng: random.Random) -> Decimal | None:
    return None if rng.random() < 0.25 else Decimal(rng.randrange(-50_000, 400_000)) / 100


def _part(amount: Decimal | None, weight: float) -> Decimal | None:
    return None if amount is None else (amount * Decimal(weight)).quantize(Decimal("0.001"))


def _spend(rng: random.Random) -> list[Row]:
    """Some source-months have spend, some an entry of zero, some nothing; the free source always an honest zero."""
    rows: list[Row] = []
    for store_key in ZONES:
        for month in range(1, 7):
            first = date(2026, month, 1)
            rows.append(_spend_row(store_key, FREE, first, Decimal(0), is_known=True))
            for source in ("web", "third"):
                amount = rng.choice((None, Decimal(0), Decimal("61.25"), Decimal("1033.333333")))
                if amount is not None:
                    days = [first + timedelta(days=shift) for shift in (0, 14, 27)]
                    rows += [_spend_row(store_key, source, day, amount, is_known=amount > 0) for day in days]
    return rows


def _spend_row(store_key: str, source_key: str, day: date, amount: Decimal, *, is_known: bool) -> Row:
    return {
        "spend_key": f"{store_key}-{source_key}-{day:%m}",
        "store_key": store_key,
        "source_key": source_key,
        "day": day,
        "amount": amount,
        "is_known": is_known,
        "source_file": "spend.csv",
        "source_line": 2,
    }


# ---------------------------------------------------------------------------------------------------------- named stars


def empty_star() -> Star:
    """Stores and dimensions, and nothing that happened."""
    return star_of()


def opportunity(key: str, **columns: Any) -> Row:
    """One eligible internet opportunity of Northgate, created on 2 March 2026 at 15:00 UTC; name what differs."""
    created = columns.get("created_at", datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
    flags = dict.fromkeys(
        (*_STEPS, *_FOLLOW_UP_FLAGS.split(), "is_lost", "is_bad", "is_duplicate", "has_known_spend"), False
    )
    roles = dict.fromkeys(("salesperson_key", "bdc_agent_key", "setter_key", "responder_key"), "unassigned")
    standard: Row = {
        "opportunity_key": key,
        "after_hours": "in hours",
        "tenure": "(not known)",
        "answered": "in time",
        "created_weekday": weekday("s1", created),
        "created_hour": hour("s1", created),
        "lead_id": key.upper(),
        "store_key": "s1",
        "customer_key": "c0",
        "source_key": "web",
        "lead_type": "internet",
        "vehicle_condition": "new",
        "created_at": created,
        "created_by": created,
        "created_on": local_day("s1", created),
        "is_eligible": True,
        "needs_answer": True,
        "response_standard_seconds": STANDARDS["s1"],
        "created_open_seconds": open_seconds("s1", created),
        "lead_count": 1,
        "source_file": "leads.csv",
        "source_line": 2,
    }
    return {**flags, **roles, **standard, **columns}


def sale(key: str, **columns: Any) -> Row:
    """One whole retail deal of Northgate without a lead, sold on 10 March 2026; name what differs."""
    sold = columns.get("sold_at", datetime(2026, 3, 10, 15, 0, tzinfo=UTC))
    standard: Row = {
        "sale_line_key": key,
        "sale_key": key,
        "sale_id": key.upper(),
        "store_key": "s1",
        "customer_key": "c0",
        "source_key": "no_lead",
        "lead_type": "(no lead)",
        "vehicle_condition": "new",
        "salesperson_key": "unassigned",
        "bdc_agent_key": "unassigned",
        "sale_type": "retail",
        "sold_at": sold,
        "sold_on": local_day("s1", sold),
        "weight": 1.0,
        "is_counted": True,
        "has_known_gross": columns.get("weighted_gross") is not None,
        **dict.fromkeys(("is_unwound", "has_customer", "is_repeat", "is_referral", "has_contact_log"), False),
        **dict.fromkeys(("has_two_deal_logs", "is_in_crm", "is_in_dms"), False),
        **dict.fromkeys(("is_contact_logged", "has_survey_log", "is_surveyed", "has_service_log", "is_kept"), False),
        "is_first_line": True,
        "is_without_lead": True,
        "has_known_front_gross": columns.get("weighted_front_gross") is not None,
        "has_known_back_gross": columns.get("weighted_back_gross") is not None,
        "has_known_spend": False,
        "is_open_to_cohort": False,
        "source_file": "sales.csv",
        "source_line": 2,
    }
    return {**standard, **columns}


def spend(key: str, **columns: Any) -> Row:
    """One known day of spend of 100 for the website of Northgate on 1 March 2026; name what differs."""
    return _spend_row("s1", "web", date(2026, 3, 1), Decimal(100), is_known=True) | {"spend_key": key} | columns


def one_row_star() -> Star:
    """One opportunity with one lead, and nothing else."""
    only = opportunity("o1")
    lead = {name: only.get(name) for name in SCHEMAS["fct_lead"]}
    lead |= {"lead_key": "l1", "status": "open", "is_counted": True}
    return star_of(fct_opportunity=[only], fct_lead=[lead], bridge_opportunity_source=_bridge(only, [lead]))


def write_warehouse(directory: Path, star: Star, *, name: str = "20260520T180000Z-0000abcd") -> Path:
    """Publish a star as the loaders do: a snapshot file, and CURRENT that names it. Gives the directory."""
    file = f"snapshots/{name}.duckdb"
    (directory / "snapshots").mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(directory / file)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("begin")
        for table, rows in star.items():
            connection.register("rows_to_write", rows)
            connection.execute(f"create table {table} as select * from rows_to_write")
            connection.unregister("rows_to_write")
        connection.execute("create schema loads")
        connection.execute("create table loads.reject (rule varchar)")
        connection.execute("commit")
    fresh = directory / "CURRENT.new"
    fresh.write_text(file + "\n", encoding="utf-8")
    fresh.replace(directory / "CURRENT")
    return directory
