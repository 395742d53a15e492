"""Runs lists of customers against a snapshot: who waits, everything of one customer, and who has that name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from metrics import list_sql
from metrics.declare import MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.lists import NAMES, worklist
from metrics.scope import WHOLE, Scope
from metrics.scope_sql import within
from metrics.sql import Query

# The key of dim_customer's member for records that name nobody.
NOBODY: Final = "unknown"
_SHORTEST_NUMBER: Final = 3
# What a filter goes by where the column is called otherwise, and what only filters ask for.
_COLUMN_OF: Final = {"person": "owner"}
_GROUPS: Final = ("source_group", "channel")


def worklists(
    warehouse: Warehouse, names: Sequence[str] = NAMES, filters: Filters | None = None, *, is_older_too: bool = False
) -> pl.DataFrame:
    """The customers on these lists, one row per list and row of its fact, in the order of calling.

    Columns: `list, store, opportunity_key?, appointment_key?, customer_key, customer, phone?, email?` (where they can
    be dialled or written to), `owner, salesperson, bdc_agent, source, lead_type, vehicle_condition, vehicle?` (of the
    newest lead that names one; null in a snapshot of an earlier release), `created_at?` (the first lead),
    `newest_lead_at?, since` (from when the customer waits), `minutes_waiting, appointment_at?, is_confirmed?,
    attempt_count?` (by people; null where the store logs no touches), `is_lost?, last_touch_at?, last_touch_channel?,
    last_touch_direction?, last_touch_result?, is_last_touch_human?, last_touch_by?, records` (a list of "system, tab,
    natural id" of every lead of the opportunity, in order; of the appointment where no lead is known), `as_of`. A
    customer on two lists has two rows. The period of the filters is not used. MetricError for an unknown list, or for
    a dimension that the lists lack.
    """
    asked = filters or Filters()
    return _listed(warehouse, _compiled(names, asked, is_older_too=is_older_too), asked.scope).drop(_GROUPS)


def _listed(warehouse: Warehouse, query: Query, scope: Scope) -> pl.DataFrame:
    return warehouse.run(query, scope).with_columns(pl.col("records").str.split("\n").list.sort())


def everybody(warehouse: Warehouse, names: Sequence[str] = NAMES) -> pl.DataFrame:
    """All customers on these lists in scope, as `worklists` gives them without filters, with `source_group, channel`.

    To be remembered, and asked for less with `kept`: a list of now is short, and reading it is slow.
    """
    return _listed(warehouse, _compiled(names, Filters(), is_older_too=False), WHOLE)


def kept(everyone: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Those of `everybody` whom the filters keep: the rows and columns that `worklists` gives with these filters.

    The period of the filters is not used. MetricError for a dimension that the lists lack.
    """
    list_sql.check(filters)
    chosen = [pl.col(_COLUMN_OF.get(name, name)).is_in(labels) for name, labels in filters.where.items()]
    return everyone.filter(*chosen).drop(_GROUPS)


def query(names: Sequence[str], filters: Filters | None = None, *, is_older_too: bool = False) -> Query:
    """The very text that `worklists` runs, with its parameters."""
    asked = filters or Filters()
    return within(_compiled(names, asked, is_older_too=is_older_too), asked.scope)


def _compiled(names: Sequence[str], filters: Filters, *, is_older_too: bool) -> Query:
    chosen = [worklist(name) for name in dict.fromkeys(names)]
    if not chosen:
        raise MetricError("No list was named.", f"Lists are: {', '.join(NAMES)}.")
    return list_sql.compile_lists(chosen, filters, is_older_too=is_older_too)


def customer(warehouse: Warehouse, customer_key: str) -> pl.DataFrame:
    """Who a customer is, in one row: `customer, phone?, email?, lead_count, store`; no row for a key nobody has."""
    return warehouse.run(list_sql.compile_customer(customer_key))


def timeline(warehouse: Warehouse, customer_key: str) -> pl.DataFrame:
    """Everything of one customer, oldest first; appointments stand on the day they were due, also those to come.

    Columns: `kind` (lead, touch, appointment, task, status, visit, purchase, service visit, survey), `at, is_ahead`
    (later than the store's now), `what` (lead type, channel, appointment type, the status before, test_drive or visit,
    sale type, service, survey), `vehicle?` (that a lead asked for),
    `direction?` and `is_automatic?` of touches, `outcome?, person?, source?, amount?` (gross, or the amount of a
    repair order), `score?, store, opportunity_key?, record?` (natural id), `source_file, source_line`. NoSuchData for
    a key that no customer has.
    """
    if customer_key != NOBODY:
        found = warehouse.run(list_sql.compile_timeline(customer_key))
        if found.height:
            return found
    raise NoSuchData("There is no such customer in this data.", "Find one by name, phone, e-mail or lead id.")


def find_customers(warehouse: Warehouse, text: str, filters: Filters | None = None, limit: int = 50) -> pl.DataFrame:
    """Customers whose name, e-mail or number contains a text, or one of whose leads has it as its id; newest first.

    Columns: `customer_key, customer, phone?, email?, lead_count, store, newest_lead_at`. Signs within a number do not
    matter; a number needs three digits or more. The period of the filters is not used. A blank text finds nobody.
    """
    asked = text.strip()
    digits = "".join(sign for sign in asked if sign in "0123456789")
    is_number = len(digits) >= _SHORTEST_NUMBER and not any(sign.isalpha() for sign in asked)
    kept = filters or Filters()
    query = list_sql.compile_search(asked, digits if is_number else "", kept, limit if asked else 0)
    return warehouse.run(query, kept.scope)
