"""Alerts: kept in the journal, fired by what is and never by chance, listed and edited on a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom
from streamlit.testing.v1 import AppTest

from metrics import engine, listing
from metrics.catalog import metric
from metrics.declare import Conversion, MetricError
from metrics.statistics.intervals import exact_of, wilson_of
from pages import alerts, calling, theme
from pages.alerts import ChangeAlert, Kept, LimitAlert, ListAlert
from pages.journal import Journal
from pages.sheets.view import earlier
from tests.pages.conftest import Show
from tests.star import write_warehouse
from tests.waiting import waiting_star

FAR_BACK = 360


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


@pytest.fixture
def opened(showrooms: dict[str, Path]) -> Iterator[engine.Warehouse]:
    warehouse = engine.open_warehouse(showrooms["full"])
    yield warehouse
    warehouse.close()


def looked_at(opened: engine.Warehouse, journal: Journal, alert: alerts.Alert) -> alerts.Found:
    kept = Kept("k", alert, "Ada", dt.datetime(2026, 6, 1, tzinfo=dt.UTC), alert.title)
    return alerts.look_at(opened, kept, journal)


def limit(side: str, share: float, name: str = "contact_rate", **more: Any) -> LimitAlert:
    return LimitAlert(title="Limit", metric=name, side=side, limit=share, **{"days": FAR_BACK, **more})


# Sureness -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.8, 0.98])
@pytest.mark.parametrize("chances", [5, 20, 100, 700])
def test_chance_alone_fires_at_most_one_look_in_a_thousand(share: float, chances: int) -> None:
    rate = metric("answered_within_standard")
    assert isinstance(rate, Conversion)
    for side in ("below", "above"):
        fired = 0.0
        for hits in range(chances + 1):
            ends = alerts.sure_ends({"numerator": hits, "denominator": chances, "n_immature": 0}, rate, side)
            assert ends is not None
            is_fired = ends[1] < share if side == "below" else ends[0] > share
            fired += float(binom.pmf(hits, chances, share)) if is_fired else 0.0
        assert fired <= 0.001


def test_the_exact_interval_has_the_published_values_and_holds_wilsons() -> None:
    # 4 of 20 and 10 of 100 at 95 %: tables of the Clopper-Pearson interval.
    assert exact_of(4, 20) == pytest.approx((0.05733, 0.43661), abs=1e-5)
    assert exact_of(10, 100) == pytest.approx((0.04900, 0.17622), abs=1e-5)
    assert exact_of(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-5)
    assert exact_of(10, 10) == pytest.approx((0.69150, 1.0), abs=1e-5)
    assert exact_of(0, 0) is None
    assert exact_of(3, 2) is None
    exact, wilson = exact_of(40, 100), wilson_of(40, 100)
    assert exact is not None
    assert wilson is not None
    assert exact[0] < wilson[0] < wilson[1] < exact[1]


def row(hits: float, chances: float, waiting: float) -> dict[str, float]:
    return {"numerator": hits, "denominator": chances, "n_immature": waiting}


def test_open_rows_count_against_an_alert() -> None:
    so_far, windowed = metric("closing_rate"), metric("closing_rate_60")
    assert isinstance(so_far, Conversion)
    assert isinstance(windowed, Conversion)
    young = row(5, 100, 60)
    assert alerts.sure_ends(young, so_far, "below") == exact_of(65, 100, 0.998)
    assert alerts.sure_ends(young, so_far, "above") == exact_of(5, 100, 0.998)
    assert alerts.sure_ends(young, windowed, "below") == exact_of(5, 100, 0.998), "open rows are in neither part"
    assert alerts.sure_ends(row(0, 0, 0), so_far, "below") is None


def test_open_rows_of_a_rate_of_misses_may_still_come_through() -> None:
    misses = next(found for found in (metric(name) for name in alerts.RATES) if getattr(found, "counts_misses", False))
    assert isinstance(misses, Conversion)
    expected = {"above": 30 if misses.within is None else 90, "below": 90}
    for side, hits in expected.items():
        assert alerts.sure_ends(row(90, 100, 60), misses, side) == exact_of(hits, 100, 0.998)


# Looking --------------------------------------------------------------------------------------------------------------


def test_a_limit_fires_only_past_the_whole_interval(opened: engine.Warehouse, journal: Journal) -> None:
    asked = alerts.span(opened, limit("below", 0.5), None)
    counted = engine.evaluate(opened, ["contact_rate"], asked).row(0, named=True)
    ends = exact_of(counted["numerator"] + counted["n_immature"], counted["denominator"], 0.998)
    assert ends is not None
    just_past, just_short = (
        looked_at(opened, journal, limit("below", ends[1] + 0.001)),
        looked_at(opened, journal, limit("below", ends[1] - 0.001)),
    )
    assert (just_past.is_fired, just_short.is_fired) == (True, False)
    assert f"{counted['numerator']:g} of {counted['denominator']:g}" in just_past.sentence
    assert f"(99.8% interval {theme.interval(*ends)})" in just_past.sentence
    assert "chance or open rows may explain it" in just_short.sentence


def test_a_limit_above_is_the_mirror(opened: engine.Warehouse, journal: Journal) -> None:
    found = [looked_at(opened, journal, limit("above", share)) for share in (0.3, 0.58, 0.9)]
    assert [one.is_fired for one in found] == [True, False, False]
    assert "not above the limit of 90.0%" in found[2].sentence


def test_a_young_rate_never_fires_for_being_young(opened: engine.Warehouse, journal: Journal) -> None:
    found = looked_at(opened, journal, limit("below", 0.5, "closing_rate", days=28))
    assert found.is_fired is False
    assert "chance or open rows may explain it" in found.sentence


def test_a_steady_rate_is_no_change(opened: engine.Warehouse, journal: Journal) -> None:
    for side in ("fell", "rose", "either"):
        found = looked_at(opened, journal, ChangeAlert(title="C", metric="contact_rate", side=side, days=90))
        assert found.is_fired is False
        assert "no change that chance could not explain" in found.sentence


def test_a_change_fires_in_the_direction_that_is_watched(
    opened: engine.Warehouse, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = iter([(90, 300), (210, 300)] * 3)

    def counted(*_: object) -> dict[str, Any]:
        hits, chances = next(halves)
        return {"numerator": hits, "denominator": chances, "value": hits / chances, "n_immature": 0, "reason": None}

    monkeypatch.setattr(alerts, "_values", counted)
    found = {
        side: looked_at(opened, journal, ChangeAlert(title="C", metric="contact_rate", side=side, days=90))
        for side in ("fell", "rose", "either")
    }
    assert [one.is_fired for one in found.values()] == [True, False, True]
    assert (
        "30.0% (90 of 300) in the last 90 days, 70.0% (210 of 300) in the 90 before: -40.0 points"
        in found["fell"].sentence
    )
    assert "not in the direction that is watched" in found["rose"].sentence


def test_the_time_before_is_seen_at_the_same_age(opened: engine.Warehouse) -> None:
    asked = alerts.span(opened, limit("below", 0.5, days=30), None)
    before = earlier(opened, asked, 30)
    assert (asked.start, asked.end) == (dt.date(2026, 6, 1), dt.date(2026, 6, 30))
    assert (before.start, before.end) == (dt.date(2026, 5, 2), dt.date(2026, 5, 31))
    assert before.as_of == dt.datetime(2026, 5, 31, 20, tzinfo=dt.UTC)


def test_a_list_fires_while_more_wait_than_are_allowed_and_rests_when_they_are_handled(
    journal: Journal, tmp_path: Path
) -> None:
    warehouse = engine.open_warehouse(write_warehouse(tmp_path, waiting_star()))
    waiting = calling.customers(listing.worklists(warehouse, ["unanswered_message"]))
    assert waiting.height == 2
    over, allowed = (
        looked_at(warehouse, journal, ListAlert(title="L", list_name="unanswered_message", most=most))
        for most in (1, 2)
    )
    assert (over.is_fired, allowed.is_fired) == (True, False)
    assert "2 customers wait" in over.sentence
    for customer in waiting.to_dicts():
        calling.write(journal, "handled", customer, who="Ada")
    rests = looked_at(warehouse, journal, ListAlert(title="L", list_name="unanswered_message"))
    warehouse.close()
    assert rests.is_fired is False
    assert rests.sentence.startswith("0 customers wait")


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        (limit("below", 0.9, where={"store": ("Nowhere",)}), "nothing to measure"),
        (ChangeAlert(title="C", metric="contact_rate", where={"store": ("Nowhere",)}), "nothing to compare"),
        (limit("below", 0.9, "csi_top_box", where={"appointment_type": ("sales",)}), "It cannot be told: "),
    ],
)
def test_what_cannot_be_told_does_not_fire(
    opened: engine.Warehouse, journal: Journal, alert: alerts.Alert, said: str
) -> None:
    found = looked_at(opened, journal, alert)
    assert not found.is_fired
    assert said in found.sentence


def test_an_empty_warehouse_fires_nothing(showrooms: dict[str, Path], journal: Journal) -> None:
    warehouse = engine.open_warehouse(showrooms["empty"])
    for alert in (
        limit("below", 0.9),
        ChangeAlert(title="C", metric="contact_rate"),
        ListAlert(title="L", list_name="no_human_touch"),
    ):
        assert not looked_at(warehouse, journal, alert).is_fired
    warehouse.close()


# The journal ----------------------------------------------------------------------------------------------------------


def test_an_alert_is_kept_changed_and_removed_and_the_newest_state_wins(journal: Journal) -> None:
    key = alerts.save(journal, limit("below", 0.6), who="Ada")
    other = alerts.save(journal, ListAlert(title="Other", list_name="no_human_touch"), who="Bo")
    alerts.save(journal, limit("below", 0.7), who="Cy", key=key)
    kept = alerts.saved(journal)
    assert [(one.key, one.who) for one in kept] == [(key, "Cy"), (other, "Bo")]
    assert kept[0].alert == limit("below", 0.7)
    alerts.remove(journal, key, who="Ada")
    assert [one.key for one in alerts.saved(journal)] == [other]
    assert len(journal.entries()) == 4, "the journal keeps what was"


def test_an_alert_of_another_version_is_said_and_can_be_removed(opened: engine.Warehouse, journal: Journal) -> None:
    journal.write(alerts.SAVED, who="Ada", natural_id="old", alert={"kind": "moon", "title": "Full moon"})
    (found,) = alerts.look(opened, journal)
    assert (found.title, found.is_fired) == ("Full moon", None)
    assert "cannot be read" in found.sentence
    alerts.remove(journal, "old", who="Ada")
    assert not alerts.look(opened, journal)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "limit", "title": " ", "metric": "contact_rate", "side": "below", "limit": 0.5}, "title"),
        ({"kind": "limit", "title": "T", "metric": "contact_rate", "side": "below", "limit": 60}, "limit"),
        ({"kind": "limit", "title": "T", "metric": "gross", "side": "below", "limit": 0.5}, "has no interval"),
        ({"kind": "change", "title": "T", "metric": "contact_rte"}, "contact_rte"),
        ({"kind": "change", "title": "T", "metric": "contact_rate", "days": 2}, "days"),
        ({"kind": "list", "title": "T", "list_name": "no_humans"}, "no list 'no_humans'"),
        ({"kind": "list", "title": "T", "list_name": "no_human_touch", "where": {"moon": ["full"]}}, "no dimension"),
        ({}, "kind"),
    ],
)
def test_what_is_no_alert_is_refused_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(MetricError) as caught:
        alerts.read_alert(values)
    assert said in str(caught.value)


# The panel ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def panel(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page that holds the alerts, with a journal of its own."""
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "journal.sqlite"))
    return show("data_quality")


def shown(app: AppTest) -> str:
    assert not app.exception
    return " ".join(found.value for found in [*app.markdown, *app.caption])


def button(app: AppTest, label: str) -> Any:
    return next(found for found in app.button if found.label == label)


def test_without_an_alert_the_panel_offers_the_usual_ones(panel: AppTest, tmp_path: Path) -> None:
    assert "No alert is kept" in shown(panel)
    button(panel, "Add the three usual alerts").click().run()
    assert [one.title for one in alerts.saved(Journal(tmp_path / "journal.sqlite"))] == [
        "Messages without an answer",
        "Leads that nobody has called",
        "Contact rate fell",
    ]
    assert "Contact rate fell" in shown(panel)
    assert "Add the three usual alerts" not in [found.label for found in panel.button]


def test_an_alert_is_added_changed_and_removed_in_the_panel(panel: AppTest, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    panel.text_input("desk_name_typed").set_value("Ada").run()
    panel.segmented_control("alert_kind_new").set_value("limit").run()
    panel.number_input("alert_limit_new").set_value(95.0)
    panel.number_input("alert_days_limit_new").set_value(FAR_BACK)
    button(panel, "Save alert").click().run()
    (kept,) = alerts.saved(journal)
    assert kept.who == "Ada"
    assert kept.alert == LimitAlert(
        title="Contact rate below", metric="contact_rate", side="below", limit=0.95, days=FAR_BACK
    )
    assert "1 of 1 fire" in shown(panel)
    assert "Fires" in shown(panel)
    button(panel, "Change").click().run()
    panel.number_input(f"alert_limit_{kept.key}").set_value(10.0)
    button(panel, "Save alert").click().run()
    (changed,) = alerts.saved(journal)
    assert changed.key == kept.key
    assert isinstance(changed.alert, LimitAlert)
    assert changed.alert.limit == 0.1
    assert "The one alert is quiet" in shown(panel)
    button(panel, "Remove").click().run()
    assert not alerts.saved(journal)
    assert "No alert is kept" in shown(panel)


def test_an_alert_with_a_hostile_name_is_shown_as_text(panel: AppTest, tmp_path: Path) -> None:
    hostile = ListAlert(title="**x** [y](http://evil.example) :material/home:", list_name="no_human_touch")
    alerts.save(Journal(tmp_path / "journal.sqlite"), hostile, who="*Eve*")
    assert rf"\*\*x\*\* \[y\]\(http\:{theme.NO_LINK}//evil.example\)" in shown(panel.run())
