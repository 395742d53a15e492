"""Whether the numbers can be trusted, how far off they may be, and what to mend first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from metrics.comparisons.trust import failing, mostly_open
from metrics.lists import PAST_DUE
from metrics.statistics.intervals import wilson_of
from pages import data_quality
from pages.charts.spans import describe_spans, draw_spans, tabulate_spans
from tests.pages.conftest import Show
from tests.pages.test_pages import texts


def checked(name: str, hits: float, chances: float) -> dict[str, Any]:
    """A share as the engine gives it."""
    low, high = wilson_of(hits, chances) or (None, None)
    return {
        "metric": name,
        "numerator": hits,
        "denominator": chances,
        "value": hits / chances,
        "low": low,
        "high": high,
    }


def span(label: str, value: float, lowest: float, highest: float, missing: float) -> dict[str, Any]:
    """A row of bounds over a hundred outcomes."""
    ends = {"lowest": lowest, "highest": highest, "n": 100.0, "n_missing": missing}
    return {"label": label, "value": value, "sentence": "", **ends}


def test_a_check_fails_only_beyond_doubt_and_the_one_that_spoils_most_comes_first() -> None:
    rows = pl.DataFrame(
        [
            checked("phone_known", 700, 1000),  # 300 rows without
            checked("email_known", 8, 10),  # too few to tell
            checked("source_known", 999, 1000),
            checked("duplicate_share", 400, 1000),
            checked("set_after_the_fact", 40, 1000),
        ]
    )
    complete, wrong = ("phone_known", "email_known", "source_known"), ("duplicate_share", "set_after_the_fact")
    assert failing(rows, complete, wrong) == ["duplicate_share", "phone_known"]


def test_a_rate_most_of_whose_outcomes_are_missing_is_too_early_to_tell() -> None:
    assert mostly_open(span("Closing rate", 0.1, 0.1, 0.9, 51))
    assert not mostly_open(span("Show rate", 0.6, 0.5, 0.7, 50))


def test_the_rate_that_could_move_most_is_named_with_its_ends() -> None:
    rows = [span("Contact rate", 0.6, 0.6, 0.65, 5), span("Show rate", 0.5, 0.4, 0.7, 30)]
    said = describe_spans(rows)
    assert said.startswith("Show rate could move most: it is 50.0% as counted and lies between 40.0% and 70.0%")
    assert "30 of 100" in said
    assert len(draw_spans(rows).data[1].x) == 2
    assert tabulate_spans(rows)["Highest"].to_list() == ["65.0%", "70.0%"]


def test_certain_rates_are_said_to_be_certain() -> None:
    assert "none of these rates can move" in describe_spans([span("Show rate", 0.5, 0.5, 0.5, 0)])


def test_the_page_names_the_weakest_check_and_what_to_do(show: Show) -> None:
    said = texts(show("data_quality", period="all data")).replace("\\", "")
    assert "**Next:** " in said
    assert "3 rows were refused at loading" in said


def test_every_check_has_something_to_do_about_it() -> None:
    assert set(data_quality.MEND) == {*data_quality.COMPLETE, *data_quality.WRONG}


@pytest.mark.parametrize("by", ["person", "source"])
def test_a_check_is_shown_by_member(show: Show, by: str) -> None:
    app = show("data_quality", period="all data", check="owner known", by=by)
    assert not app.exception
    assert any(f"Owner known of {2 if by == 'person' else 4}" in one.value for one in app.markdown)


def test_findings_are_told_in_words_with_their_count() -> None:
    found = pl.DataFrame(
        {"finding": ["no_lead_found", "something_new"], "store": ["North", None], "records": [1200, 3]}
    )
    table = data_quality.findings_table(found)
    assert table["What"].to_list() == ["Records that could not be joined to a lead", "Something new"]
    assert table["Records"].to_list() == ["1,200", "3"]


def page_links(app: AppTest) -> Iterator[Any]:
    """Every link to another page, in the later parts too."""
    waiting: list[Any] = [app.main]
    while waiting:
        node = waiting.pop()
        if node.type == "page_link":
            yield node.proto
        waiting.extend(getattr(node, "children", {}).values())


def test_the_link_to_missing_outcomes_opens_a_list_that_the_worklist_has(show: Show) -> None:
    links = page_links(show("data_quality", period="all data"))
    (link,) = (link for link in links if link.label == "Appointments without an outcome")
    asked = {name: values[0] for name, values in parse_qs(link.query_string).items()}
    there = show(link.page, **asked)
    assert there.selectbox(key="list").value == asked["list"] == PAST_DUE.label.lower()
    assert "This link asks for" not in texts(there)


def test_a_check_that_needs_a_look_stands_before_those_in_order(show: Show) -> None:
    said = [text.value for text in show("data_quality", period="all data").caption]
    marks = [text.endswith("needs a look") for text in said if text.endswith(("needs a look", "in order"))]
    assert {*marks} == {True, False}
    assert marks == sorted(marks, reverse=True)
