"""Lists of customers and filters in, one readable query out: the text and its parameters. Nothing runs here.

The query of the lists reads from the top: what "now" is at each store, who has an appointment ahead, the customers of
each list, all of them one below the other, the newest touch of each, and the result with its labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from metrics import sql
from metrics.declare import APPOINTMENT, LEAD, OPPORTUNITY, Fact, MetricError
from metrics.filters import Filters
from metrics.lists import Worklist
from metrics.sql import Query

# What both facts of the lists have, and a page can filter by.
DIMENSIONS: Final = ("store", "person", "source", "source_group", "channel", "lead_type", "vehicle_condition")
_NOBODY: Final = "'unassigned'"

_AHEAD: Final = (
    "-- who has an appointment ahead\n"
    "select distinct fct_appointment.opportunity_key\nfrom fct_appointment\n"
    "join store_now on store_now.store_key = fct_appointment.store_key\n"
    "where fct_appointment.is_standing\n  and fct_appointment.due_at > store_now.now_at\n"
    "  and coalesce(fct_appointment.set_at <= store_now.now_at, true)\n"
    "  and fct_appointment.opportunity_key is not null"
)
_ANY_RELEASE: Final = (
    "-- a snapshot of an earlier release knows no vehicle of a lead: it is null there\n"
    "select cast(null as varchar) as vehicle\nwhere false\nunion all by name\nselect *\nfrom fct_lead"
)
# Whether they can be dialled or written to, and the vehicle of the newest lead that names one.
_REACHED: Final = (
    "    bool_or(lead.has_phone) as has_phone,\n    bool_or(lead.has_email) as has_email,\n"
    "    max(struct_pack(at := lead.created_at, key := lead.lead_key, vehicle := lead.vehicle))\n"
    "        filter (where lead.vehicle is not null) as newest_vehicle"
)
_OF_WAITING: Final = (
    "from lead\nwhere lead.opportunity_key in (select opportunity_key from waiting)\ngroup by lead.opportunity_key"
)
_LEADS: Final = (
    "-- every lead of theirs: its system, a tab, its id; how to reach them, and what they asked for\n"
    "select\n    lead.opportunity_key,\n    max(lead.created_at) as newest_lead_at,\n"
    f"{_REACHED},\n    string_agg(lead.system || chr(9) || lead.lead_id, chr(10)) as leads\n{_OF_WAITING}"
)
_NEWEST: Final = (
    "-- their newest touch by now: of touches the one that compares greatest, by its moment and then its key\n"
    "select\n    fct_contact.opportunity_key,\n    max(struct_pack(\n"
    "        at := fct_contact.occurred_at,\n        key := fct_contact.contact_key,\n"
    "        channel := fct_contact.channel,\n        direction := fct_contact.direction,\n"
    "        result := fct_contact.result,\n        is_human := fct_contact.is_human,\n"
    "        person_key := fct_contact.person_key\n    )) as touch\n"
    "from fct_contact\njoin store_now on store_now.store_key = fct_contact.store_key\n"
    "where fct_contact.occurred_at <= store_now.now_at\n"
    "  and fct_contact.opportunity_key in (select opportunity_key from waiting)\n"
    "group by fct_contact.opportunity_key"
)
_CUSTOMERS: Final = (
    "-- who they are: a join to all customers would look at each of them\n"
    "select customer_key, customer, phone, email\nfrom dim_customer\n"
    "where customer_key in (select customer_key from waiting)"
)
# Who and what their keys stand for.
_LABELS: Final = """left join customers on customers.customer_key = waiting.customer_key
left join dim_source on dim_source.source_key = waiting.source_key
left join dim_person as owner on owner.person_key = waiting.owner_key
left join dim_person as salesperson on salesperson.person_key = waiting.salesperson_key
left join dim_person as bdc_agent on bdc_agent.person_key = waiting.bdc_agent_key
"""
_RESULT: Final = f"""select
    waiting.list,
    waiting.store,
    waiting.opportunity_key,
    waiting.appointment_key,
    waiting.customer_key,
    customers.customer,
    case when coalesce(leads.has_phone, true) then customers.phone end as phone,
    case when coalesce(leads.has_email, true) then customers.email end as email,
    owner.person as owner,
    salesperson.person as salesperson,
    bdc_agent.person as bdc_agent,
    dim_source.source,
    dim_source.source_group,
    dim_source.channel,
    waiting.lead_type,
    waiting.vehicle_condition,
    leads.newest_vehicle.vehicle,
    waiting.created_at,
    leads.newest_lead_at,
    waiting.since,
    (epoch(waiting.now_at) - epoch(waiting.since)) / 60 as minutes_waiting,
    waiting.appointment_at,
    waiting.is_confirmed,
    waiting.attempt_count,
    waiting.is_lost,
    newest.touch.at as last_touch_at,
    newest.touch.channel as last_touch_channel,
    newest.touch.direction as last_touch_direction,
    newest.touch.result as last_touch_result,
    newest.touch.is_human as is_last_touch_human,
    toucher.person as last_touch_by,
    coalesce(leads.leads, waiting.record, chr(9) || waiting.row_key) as records,
    waiting.now_at as as_of
from waiting
left join leads on leads.opportunity_key = waiting.opportunity_key
left join newest on newest.opportunity_key = waiting.opportunity_key
{_LABELS}left join dim_person as toucher on toucher.person_key = newest.touch.person_key
order by waiting.place, waiting.turn, waiting.row_key
"""


def compile_lists(lists: Sequence[Worklist], filters: Filters, *, is_older_too: bool = False) -> Query:
    """The query of the customers on these lists, in the order of the lists and of calling within each.

    The period of the filters is not used: a list is of now and has its own window, which `is_older_too` lifts. A
    filter on a person keeps what that person owns. MetricError for a dimension that the lists do not have.
    """
    check(filters)
    now = sql._store_now(filters, {})
    ctes = [("store_as_of", now), ("store_now", sql._open_time_now()), ("ahead", _AHEAD)]
    for place, found in enumerate(lists):
        ctes.append((found.name, _rows_text(found, place, filters, is_older_too=is_older_too)))
    every = "\nunion all\n".join(f"select *\nfrom {found.name}" for found in lists)
    ctes += [("waiting", every), ("lead", _ANY_RELEASE), ("leads", _LEADS), ("newest", _NEWEST)]
    ctes.append(("customers", _CUSTOMERS))
    return sql._query(f"{sql._with(ctes)}\n{_RESULT}", sql._parameters(filters))


def check(filters: Filters) -> None:
    """MetricError for a dimension that the lists do not have."""
    for name in filters.where:
        if name not in DIMENSIONS:
            raise MetricError(f"The lists have no {name.replace('_', ' ')}.", f"Filter by: {', '.join(DIMENSIONS)}.")


def _rows_text(found: Worklist, place: int, filters: Filters, *, is_older_too: bool) -> str:
    fact, since = found.table, f"{found.fact}.{found.since}"
    turn = f"epoch({found.fact}.due_at)" if found.days_ahead is not None else f"epoch({since})"
    columns = {
        "list": f"'{found.name}'",
        "place": str(place),
        "turn": f"-{turn}" if found.newest_first else turn,
        "row_key": f"{fact.name}.{fact.key}",
        "owner_key": _owner(found),
        "since": since,
        "store": "store_now.store",
        "now_at": "store_now.now_at",
        **{name: f"{fact.name}.{name}" for name in _SHARED},
        **{name: f"{OPPORTUNITY.name}.{name}" for name in _OF_THEIRS},
        **(_OF_APPOINTMENT if found.is_of_appointments else _OF_OPPORTUNITY),
    }
    listed = ",\n    ".join(f"{expression} as {name}" for name, expression in columns.items())
    joins = "\n".join(_joins(found, filters))
    conditions = "\n  and ".join(_conditions(found, filters, is_older_too=is_older_too))
    return f"-- {found.label}\nselect\n    {listed}\nfrom {fact.name}\n{joins}\nwhere {conditions}"


_SHARED: Final = (
    "opportunity_key",
    "store_key",
    "customer_key",
    "source_key",
    "lead_type",
    "vehicle_condition",
    "salesperson_key",
    "bdc_agent_key",
)
# Of the opportunity, also where the row is an appointment of it.
_OF_THEIRS: Final = ("created_at", "attempt_count", "is_lost")
_OF_APPOINTMENT: Final = {
    "appointment_key": "fct_appointment.appointment_key",
    "appointment_at": "fct_appointment.due_at",
    "is_confirmed": "fct_appointment.is_confirmed",
    # An appointment that no lead is known of goes by its own id.
    "record": "fct_appointment.system || chr(9) || 'appointment ' || fct_appointment.appointment_id",
}
_OF_OPPORTUNITY: Final = {
    "appointment_key": "cast(null as varchar)",
    "appointment_at": "fct_opportunity.appointment_due_at",
    "is_confirmed": "cast(null as boolean)",
    "record": "fct_opportunity.system || chr(9) || fct_opportunity.lead_id",
}


def _owner(found: Worklist) -> str:
    """The first of the list's roles that names somebody."""
    named = [f"nullif({found.fact}.{role}_key, {_NOBODY})" for role in found.owners]
    return f"coalesce({', '.join(named)}, {_NOBODY})"


def _joins(found: Worklist, filters: Filters) -> list[str]:
    fact = found.fact
    joins = [f"join store_now on store_now.store_key = {fact}.store_key"]
    if found.is_of_appointments:
        joins.append(f"left join {OPPORTUNITY.name} on {OPPORTUNITY.name}.opportunity_key = {fact}.opportunity_key")
    if any(name in filters.where for name in ("source", "source_group", "channel")):
        joins.append(f"left join dim_source on dim_source.source_key = {fact}.source_key")
    if "person" in filters.where:
        joins.append(f"left join dim_person on dim_person.person_key = {_owner(found)}")
    return joins


def _conditions(found: Worklist, filters: Filters, *, is_older_too: bool) -> list[str]:
    fact, since = found.table, f"{found.fact}.{found.since}"
    conditions = [_stands(fact, flag) for flag in found.base]
    conditions += [f"not {_stands(fact, flag)}" for flag in found.without]
    conditions += [f"not coalesce({_stands(OPPORTUNITY, flag)}, false)" for flag in found.of_opportunity]
    conditions += _moments(found)
    conditions.append(f"coalesce({since} <= store_now.now_at, true)")
    if found.window_days and not is_older_too:
        conditions.append(f"{since} > store_now.now_at - interval '{found.window_days * 86_400} seconds'")
    if found.is_booking_enough:
        conditions.append(f"{fact.name}.opportunity_key not in (select opportunity_key from ahead)")
    return conditions + [_kept(name, len(labels), fact) for name, labels in filters.where.items()]


def _stands(fact: Fact, flag: str) -> str:
    """A flag as it stood now; an outcome that was recorded after now is not known yet."""
    if flag == "is_unresolved":
        return f"({fact.name}.is_unresolved or ({fact.name}.is_shown and not {sql._flag(fact, 'is_shown')}))"
    return sql._flag(fact, flag)


def _moments(found: Worklist) -> list[str]:
    """The conditions that are no flags."""
    conditions = []
    if found.is_standard_passed:
        conditions.append(
            f"store_now.open_seconds - {found.fact}.created_open_seconds > {found.fact}.response_standard_seconds"
        )
    if found.is_day_over:
        conditions.append(f"{APPOINTMENT.name}.due_on < store_now.today")
    if found.days_ahead is not None:
        conditions.append(f"{APPOINTMENT.name}.due_at > store_now.now_at")
        conditions.append(f"{APPOINTMENT.name}.due_on <= store_now.today + {found.days_ahead}")
    return conditions


def _kept(name: str, count: int, fact: Fact) -> str:
    listed = ", ".join(f"${name}_{number}" for number in range(1, count + 1))
    return f"{sql._label(name, fact)} in ({listed})"


# ------------------------------------------------------------------------------------------------------- one customer

_THEIRS: Final = "-- their opportunities\nselect opportunity_key\nfrom fct_opportunity\nwhere customer_key = $customer"
# What each event is told by; a fact that lacks one of them gives a null of its kind.
_TOLD_BY: Final = {
    "kind": "varchar",
    "at": "timestamptz",
    "what": "varchar",
    "vehicle": "varchar",
    "direction": "varchar",
    "is_automatic": "boolean",
    "outcome": "varchar",
    "person_key": "varchar",
    "source_key": "varchar",
    "amount": "decimal(18, 2)",
    "score": "double",
    "store_key": "varchar",
    "opportunity_key": "varchar",
    "record": "varchar",
    "source_file": "varchar",
    "source_line": "bigint",
}
_EVERYWHERE: Final = ("store_key", "source_file", "source_line")
_LINKED: Final = ("source_key", "opportunity_key", *_EVERYWHERE)
_OWN: Final = "{fact}.customer_key = $customer"
_LINKED_ONLY: Final = "{fact}.opportunity_key in (select opportunity_key from theirs)"
_OWN_OR_LINKED: Final = f"({_OWN} or {_LINKED_ONLY})"
_TEST_DRIVE: Final = "case when fct_visit.is_demo then 'test_drive' else 'visit' end"
_WRITTEN_UP: Final = "case when fct_visit.is_write_up then 'written up' end"
_TAKEN_BACK: Final = "case when fct_sale.reversed_at is not null then 'taken back' end"


@dataclass(frozen=True)
class _Events:
    """One kind of thing that happens to a customer: its fact, the columns it is told by, and whose it is."""

    kind: str
    fact: str
    columns: Mapping[str, str]
    named: tuple[str, ...] = _LINKED
    whose: str = _OWN_OR_LINKED

    def text(self) -> str:
        """Its rows, in the columns that all kinds share."""
        own = {"kind": f"'{self.kind}'", **self.columns, **{name: name for name in self.named}}
        listed = [f"{self._expression(name, own)} as {name}" for name in _TOLD_BY]
        columns, whose = ",\n    ".join(listed), self.whose.format(fact=self.fact)
        return f"select\n    {columns}\nfrom {self.fact}\nwhere {whose}"

    def _expression(self, name: str, own: Mapping[str, str]) -> str:
        if name not in own:
            return f"cast(null as {_TOLD_BY[name]})"
        return f"{self.fact}.{own[name]}" if own[name].isidentifier() else own[name]


_EVENTS: Final = (
    _Events(
        "lead",
        "lead",
        {"at": "created_at", "what": "lead_type", "vehicle": "vehicle", "outcome": "status"}
        | {"person_key": "salesperson_key", "record": "lead_id"},
        whose=_OWN,
    ),
    _Events(
        "touch",
        "fct_contact",
        {"at": "occurred_at", "what": "channel", "direction": "direction", "outcome": "result"}
        | {"is_automatic": "not fct_contact.is_human", "person_key": "person_key"},
        named=("opportunity_key", *_EVERYWHERE),
    ),
    _Events(
        "appointment",
        "fct_appointment",
        {"at": "due_at", "what": "appointment_type", "outcome": "outcome", "person_key": "setter_key"}
        | {"record": "appointment_id"},
    ),
    # A task stands where it was done; until then, where it is due.
    _Events(
        "task",
        "fct_task",
        {"at": "coalesce(fct_task.completed_at, fct_task.due_at)", "outcome": "outcome", "person_key": "person_key"},
        named=("opportunity_key", *_EVERYWHERE),
        whose=_LINKED_ONLY,
    ),
    _Events(
        "status",
        "fct_status_change",
        {"at": "changed_at", "what": "from_status", "outcome": "to_status", "person_key": "person_key"},
        named=("opportunity_key", "store_key"),
        whose=_LINKED_ONLY,
    ),
    _Events(
        "visit",
        "fct_visit",
        {"at": "arrived_at", "what": _TEST_DRIVE, "outcome": _WRITTEN_UP, "person_key": "person_key"},
    ),
    _Events(
        "purchase",
        "fct_sale",
        {"at": "sold_at", "what": "sale_type", "outcome": _TAKEN_BACK, "person_key": "salesperson_key"}
        | {"amount": "gross", "record": "sale_id"},
        whose=f"fct_sale.is_first_line and {_OWN_OR_LINKED}",
    ),
    _Events(
        "service visit",
        "fct_service_visit",
        {"at": "opened_at", "what": "'service'", "person_key": "person_key", "amount": "amount"},
        named=_EVERYWHERE,
        whose=_OWN,
    ),
    _Events(
        "survey",
        "fct_survey",
        {"at": "answered_at", "what": "instrument", "person_key": "person_key", "score": "score"},
    ),
)
_TOLD: Final = """select
    events.kind,
    events.at,
    events.at > dim_store.as_of as is_ahead,
    events.what,
    events.vehicle,
    events.direction,
    events.is_automatic,
    events.outcome,
    dim_person.person,
    dim_source.source,
    events.amount,
    events.score,
    dim_store.store,
    events.opportunity_key,
    events.record,
    events.source_file,
    events.source_line
from events
join dim_store on dim_store.store_key = events.store_key
left join dim_person on dim_person.person_key = events.person_key
left join dim_source on dim_source.source_key = events.source_key
order by events.at nulls last, events.kind, events.record, events.source_file, events.source_line
"""


def compile_timeline(customer_key: str) -> Query:
    """Everything of one customer in time order. Each fact is read by itself; nothing is joined row to row."""
    every = "\nunion all\n".join(events.text() for events in _EVENTS)
    ctes = [("theirs", _THEIRS), ("lead", _ANY_RELEASE), ("events", every)]
    return sql._query(f"{sql._with(ctes)}\n{_TOLD}", {"customer": customer_key})


_WHO: Final = """select
    dim_customer.customer,
    dim_customer.phone,
    dim_customer.email,
    dim_customer.lead_count,
    dim_store.store
from dim_customer
join dim_store on dim_store.store_key = dim_customer.store_key
where dim_customer.customer_key = $customer
"""


def compile_customer(customer_key: str) -> Query:
    """Who a customer is: `customer, phone, email, lead_count, store`."""
    return sql._query(_WHO, {"customer": customer_key})


_FOUND: Final = """select
    dim_customer.customer_key,
    dim_customer.customer,
    dim_customer.phone,
    dim_customer.email,
    dim_customer.lead_count,
    dim_store.store,
    theirs.newest_lead_at
from dim_customer
join dim_store on dim_store.store_key = dim_customer.store_key
join theirs on theirs.customer_key = dim_customer.customer_key
where contains(lower(dim_customer.customer), lower($text))
    or contains(lower(dim_customer.email), lower($text))
    or ($digits <> '' and contains(regexp_replace(dim_customer.phone, '[^0-9]', '', 'g'), $digits))
    or theirs.has_id
order by theirs.newest_lead_at desc, dim_customer.customer_key
limit $limit
"""


def compile_search(text: str, digits: str, filters: Filters, limit: int) -> Query:
    """Customers by a part of their name, e-mail or number (`digits`, unless blank), or by a whole lead id.

    Columns: `customer_key, customer, phone, email, lead_count, store, newest_lead_at`, the newest lead first. The
    filters keep customers of whom any lead fits; a person is the lead's salesperson.
    """
    check(filters)
    joins = ["join dim_store on dim_store.store_key = fct_lead.store_key"]
    if any(name in filters.where for name in ("source", "source_group", "channel")):
        joins.append("left join dim_source on dim_source.source_key = fct_lead.source_key")
    if "person" in filters.where:
        joins.append("left join dim_person on dim_person.person_key = fct_lead.salesperson_key")
    kept = [
        _kept(name, len(labels), LEAD).replace("store_now.", "dim_store.") for name, labels in filters.where.items()
    ]
    scope = "\n  and ".join(["fct_lead.customer_key <> 'unknown'", *kept])
    theirs = (
        "-- customers with a lead in scope\nselect\n    fct_lead.customer_key,\n"
        "    max(fct_lead.created_at) as newest_lead_at,\n    bool_or(fct_lead.lead_id = $text) as has_id\n"
        f"from fct_lead\n{chr(10).join(joins)}\nwhere {scope}\ngroup by fct_lead.customer_key"
    )
    asked = sql._parameters(filters) | {"text": text, "digits": digits, "limit": limit}
    return sql._query(f"{sql._with([('theirs', theirs)])}\n{_FOUND}", asked)
