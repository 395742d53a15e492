"""What a metric may be asked, and what it says when it cannot be."""

from __future__ import annotations

import ast
import sys
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest
from pydantic import ValidationError

from metrics import sql
from metrics.catalog import METRICS, metric
from metrics.declare import FACTS, Conversion, Measure, MetricError, Ratio
from metrics.documentation import definitions, details
from metrics.filters import Filters, ask, unavailable
from tests.star import SCHEMAS

ROOT = Path(__file__).parents[2]
# data_model.md part 5, in its own words.
PLANNED = {
    "leads": "count",
    "opportunities": "count",
    "contact_rate": "conversion",
    "contact_to_appointment": "conversion",
    "set_rate": "conversion",
    "appointments_set": "count",
    "appointments_due": "count",
    "confirm_rate": "conversion",
    "show_rate": "conversion",
    "shows": "count",
    "show_to_sale": "conversion",
    "shown_rate": "conversion",
    "closing_rate": "conversion",
    "closing_rate_30": "conversion",
    "closing_rate_60": "conversion",
    "closing_rate_90": "conversion",
    "sold_units": "sum",
    "gross": "sum",
    "in_period_closing_ratio": "ratio",
    "answered_within_standard": "conversion",
    "median_response_minutes": "median",
    "never_answered_rate": "conversion",
    "spend": "sum",
    "cohort_gross": "sum",
    "cost_per_lead": "ratio",
    "cost_per_appointment": "ratio",
    "cost_per_show": "ratio",
    "cost_per_sale": "ratio",
    "gross_per_sale": "ratio",
    "roi": "ratio",
}


FUTURE = "from __future__ import annotations"
FAMILIES = (
    "Volume", "Response", "Follow-up", "Funnel", "Appointments", "Closing", "Money", "Experience", "Trust", "Adoption",
    "Service",
)  # fmt: skip


def test_the_plan_of_the_first_numbers_is_in_the_catalogue() -> None:
    assert PLANNED.items() <= {found.name: found.kind for found in METRICS}.items()


def test_families_stand_together_in_reading_order_and_no_name_twice() -> None:
    assert tuple(family for family, _ in groupby(found.family for found in METRICS)) == FAMILIES
    for texts in ([found.name for found in METRICS], [found.label.lower() for found in METRICS]):
        assert len(set(texts)) == len(texts)


def test_every_metric_says_in_a_sentence_what_it_counts() -> None:
    assert [found.name for found in METRICS if not found.description.endswith(".") or "_" in found.description] == []


def test_a_lag_has_a_unit_of_time_and_only_a_median_counts_those_who_wait() -> None:
    lag = dict(metric("days_to_sale")) | {"measures": "median"}
    with pytest.raises(ValidationError, match="minutes or days"):
        Measure.model_validate(lag | {"unit": "count"})
    with pytest.raises(ValidationError, match="only a median"):
        Measure.model_validate(lag | {"quantile": 0.25, "reached": "is_sold"})
    assert metric("days_to_sale").kind == "median"
    assert metric("days_to_sale_third_quarter").kind == "quantile"


def test_every_column_that_a_declaration_names_is_in_the_star() -> None:
    for found in METRICS:
        for term in found.terms if isinstance(found, Ratio) else (found,):
            named = {*term.base, *([term.converted] if isinstance(term, Conversion) else [])}
            if isinstance(term, Measure):
                named |= {name for name in (term.column, term.known, term.reached) if name}
            assert named <= SCHEMAS[term.fact].keys(), term.name


def test_every_column_that_a_fact_names_is_in_the_star() -> None:
    for fact in FACTS.values():
        named = {fact.key, *fact.shown_columns, *(f"{role}_key" for role in fact.roles)}
        named |= {clock.on for clock in fact.clocks if clock.on} | {clock.at for clock in fact.clocks if clock.at}
        for step in fact.milestones:
            named |= {name for name in (step.flag, step.at, step.on, step.seconds, step.open_seconds) if name}
        assert named <= SCHEMAS[fact.name].keys(), fact.name


@pytest.mark.parametrize(
    ("name", "filters", "words"),
    [
        ("spend", Filters(by=("person",)), "not for a person"),
        ("cost_per_lead", Filters(where={"person": ("Ada Reyes",)}), "not for a person"),
        ("roi", Filters(by=("lead_type",)), "not for a lead type"),
        ("leads", Filters(by=("appointment_type",)), "no appointment type"),
        ("set_rate", Filters(by=("person",), credit="setter"), "only once an appointment was set"),
        ("contact_rate", Filters(by=("person",), credit="responder"), "only once somebody responded"),
        ("sold_units", Filters(by=("person",), credit="setter"), "name no setter"),
        ("tasks_due", Filters(by=("source",)), "tasks, which have no source"),
        ("ownership_interval", Filters(by=("person",)), "nobody's own"),
        ("csi_top_box", Filters(basis="in_period"), "no in-period form"),
        ("lost_rate", Filters(basis="in_period"), "no in-period form"),
        ("days_to_sale_third_quarter", Filters(by=("source",), attribution="even"), "median"),
        ("closing_rate_30", Filters(basis="in_period"), "no in-period form"),
        ("show_rate", Filters(basis="in_period"), "no in-period form"),
        ("median_response_minutes", Filters(by=("source",), attribution="even"), "median"),
    ],
)
def test_what_a_metric_cannot_have_is_said_in_a_sentence(name: str, filters: Filters, words: str) -> None:
    reason = unavailable(metric(name), filters)
    assert reason is not None
    assert words in reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("tasks_done_on_time", ["person"]),
        ("csi_mean", ["person", "salesperson", "bdc_agent"]),
        ("closing_rate", ["salesperson", "bdc_agent"]),
        ("contact_to_appointment", ["salesperson", "bdc_agent", "responder"]),
        ("show_to_sale", ["salesperson", "bdc_agent", "setter", "responder"]),
        ("show_rate", ["setter", "salesperson", "bdc_agent", "responder"]),
        ("leads", ["salesperson", "bdc_agent"]),
        ("spend", []),
    ],
)
def test_a_role_can_be_credited_only_after_it_has_begun(name: str, roles: list[str]) -> None:
    assert list(metric(name).credits) == roles


def test_a_credit_without_people_in_the_question_changes_nothing() -> None:
    plain, credited = Filters(), Filters(credit="setter")
    assert unavailable(metric("closing_rate"), credited) is None
    assert sql.compile_metric(metric("closing_rate"), credited) == sql.compile_metric(metric("closing_rate"), plain)


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"by": ("sorce",)}, "'source'"),
        ({"where": {"stores": ("x",)}}, "'store'"),
        ({"grain": "fortnight"}, "quarter"),
        ({"credit": "closer"}, "bdc_agent"),
        ({"start": date(2026, 2, 1), "end": date(2026, 1, 1)}, "Exchange"),
    ],
)
def test_a_wrong_question_is_answered_with_the_next_step(fields: dict[str, object], hint: str) -> None:
    with pytest.raises(MetricError) as caught:
        ask(**fields)
    assert "\n\nHint: " in str(caught.value)
    assert hint in caught.value.hint


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(MetricError, match="'closing_rate'"):
        metric("closing_rte")


def test_filters_are_frozen_equal_by_value_and_keys_of_a_cache() -> None:
    one = Filters(where={"source": ("Website",), "store": ("Northgate Motors",)})
    other = Filters(where={"store": ("Northgate Motors",), "source": ("Website", "Website")})
    assert one == other
    assert hash(one) == hash(other)
    assert one.but(grain="month").grain == "month"
    assert one.but(grain="month") != one
    with pytest.raises(MetricError):
        one.but(by=("nothing",))


def test_a_query_names_each_cte_for_what_it_holds_and_carries_values_as_parameters() -> None:
    filters = Filters(by=("person",), grain="month", start=date(2026, 1, 1), where={"source": ("Website",)})
    query = sql.compile_metric(metric("closing_rate"), filters)
    assert "opportunities_created as (" in query.text
    assert "Website" not in query.text
    assert query.parameters == {"start": date(2026, 1, 1), "source_1": "Website"}
    assert query.with_parameters().startswith('-- $start = "2026-01-01"\n-- $source_1 = "Website"\n')


@pytest.mark.parametrize("room", ["sql", "declare", "catalog", "filters"])
def test_declarations_and_compiler_import_no_engine(room: str) -> None:
    files = [*(ROOT / "metrics").glob(f"{room}.py"), *(ROOT / "metrics" / room).glob("*.py")]
    assert files
    tree = ast.parse("\n".join(file.read_text(encoding="utf-8").replace(FUTURE, "") for file in files))
    named = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert named <= {"metrics", "pydantic", *sys.stdlib_module_names}


def test_every_metric_has_a_definition_and_the_page_is_current() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == definitions(), "run `python -m metrics docs`"
    for found in METRICS:
        assert f"(`{found.name}`)" in page
        assert details(found)["Can be split by"]
