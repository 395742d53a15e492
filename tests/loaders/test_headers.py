"""Headers of a file against those a profile names: patterns with a star, months as headers."""

from __future__ import annotations

import pytest

from loaders.headers import known_headers, matching, month_of, squeezed_header, starred_text


@pytest.mark.parametrize(
    ("header", "month"),
    [
        ("Jan 2026", "2026-01"),
        ("January 2026", "2026-01"),
        ("Sept 2026", "2026-09"),
        ("Feb-26", "2026-02"),
        ("Dec'25", "2025-12"),
        ("03/2026", "2026-03"),
        ("2026-04", "2026-04"),
        ("2026-04-01", "2026-04"),
        ("2026-04-01 00:00:00", "2026-04"),
        ("2026-04-15", None),
        ("13/2026", None),
        ("Market 2026", None),
        ("ma 26", None),
        ("Total 2026", None),
        ("March", None),
        ("", None),
    ],
)
def test_a_header_that_names_a_month_reads_as_it_and_no_other_does(header: str, month: str | None) -> None:
    assert month_of(header) == month


@pytest.mark.parametrize(
    ("name", "header", "text"),
    [
        ("Amount spent (*)", "Amount spent (USD)", "USD"),
        ("amount_spent (*)", "Amount  Spent (eur)", "eur"),
        ("Amount spent (*)", "Amount spent ()", None),
        ("Amount spent (*)", "Amount spent", None),
        ("Amount spent*", "Amount spent", None),
    ],
)
def test_a_star_takes_the_text_as_the_file_writes_it(name: str, header: str, text: str | None) -> None:
    assert starred_text(name, header) == text


def test_a_star_matches_any_header_with_that_beginning_and_end_and_dots_mean_dots() -> None:
    present = {squeezed_header(header) for header in ("Amount spent (USD)", "Cost", "Impr.", "Imprint")}
    assert matching("Amount spent (*)", present) == ["amount spent (usd)"]
    assert matching("amount*", present) == ["amount spent (usd)"]
    assert matching("Impr.*", present) == ["impr."]
    assert matching("Amount", present) == []
    assert known_headers(["COST", "Imp*"], present) == {"cost", "impr.", "imprint"}
