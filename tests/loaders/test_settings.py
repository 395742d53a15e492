"""settings.toml: what it may say, and how plainly a mistake in it is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from loaders.errors import LoaderError
from loaders.settings import Settings, load_settings

SHIPPED = Path(__file__).parents[2] / "data" / "settings.toml"


def _refused(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LoaderError) as caught:
        load_settings(path)
    return str(caught.value)


def test_the_shipped_settings_name_the_two_demo_stores() -> None:
    settings = load_settings(SHIPPED)
    assert [(store.name, store.time_zone, store.currency) for store in settings.stores] == [
        ("Lakeside Motors", "America/Chicago", "USD"),
        ("Hillcrest Auto", "America/New_York", "USD"),
    ]
    assert date(2026, 7, 4) in settings.stores[0].holidays
    assert settings.targets["contact_rate"] == 0.70


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("", encoding="utf-8")
    settings = load_settings(path)
    assert settings == Settings()
    assert (settings.episode.gap_days, settings.episode.sale_link_days) == (90, 180)
    assert (settings.identity.max_names, settings.standards.response_minutes) == (3, 15)
    assert (settings.sale.date, settings.warehouse.keep_snapshots, settings.sources.free) == ("sold", 10, ())


def test_hours_are_minutes_after_midnight_and_sunday_is_closed_by_default() -> None:
    settings = Settings.model_validate(
        {"store": [{"name": "A", "time_zone": "UTC", "hours": {"mon": "08:30-24:00", "tue": "closed"}}]}
    )
    hours = settings.stores[0].hours
    assert [hours.minutes(day) for day in (0, 1, 2, 6)] == [(510, 1440), None, (540, 1200), None]


@pytest.mark.parametrize("spelling", ["Lakeside Motors", "lakeside  motors", " LAKESIDE MOTORS", "Lakeside Motors LLC"])
def test_a_store_is_found_by_name_and_alias_whatever_the_case_and_spaces(spelling: str) -> None:
    settings = load_settings(SHIPPED)
    assert settings.knows(spelling)
    assert settings.store_named(spelling).name == "Lakeside Motors"


def test_a_store_that_the_settings_do_not_name_follows_the_defaults() -> None:
    settings = Settings.model_validate(
        {"defaults": {"time_zone": "Europe/London", "currency": "GBP", "locale": "en_GB"}}
    )
    store = settings.store_named("  Far   Away ")
    assert (store.name, store.time_zone, store.currency, store.locale) == ("Far Away", "Europe/London", "GBP", "en_GB")
    assert not settings.knows("Far Away")


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("[episod]\ngap_days = 3", '"episod"', '"episode"'),
        ("[episode]\ngap_day = 3", '"episode.gap_day"', '"gap_days"'),
        ('[[store]]\nname = "A"\ntimezone = "UTC"', '"store.0.timezone"', '"time_zone"'),
        ('[[store]]\nname = "A"\ntime_zone = "UTC"\n[store.hours]\nmond = "closed"', '"store.0.hours.mond"', '"mon"'),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_valid_one(tmp_path: Path, text: str, wrong: str, right: str) -> None:
    said = _refused(tmp_path, text)
    assert wrong in said
    assert f"Hint: Did you mean {right}?" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[store]]\nname = "A"\ntime_zone = "Chicago"', '"Chicago" is not a time zone'),
        ('[[store]]\nname = "A"\ntime_zone = "UTC"\n[store.hours]\nmon = "9-17"', '"9-17" is not opening hours'),
        ('[[store]]\nname = "A"\ntime_zone = "UTC"\n[store.hours]\nmon = "20:00-09:00"', "closes before it opens"),
        ('[[store]]\nname = "A"\ntime_zone = "UTC"\nlocale = "German"', '"German" is not a locale'),
        ('[episode]\ngap_days = "90"', "episode.gap_days"),
        ("[standards]\nresponse_minutes = 0", "standards.response_minutes"),
        ('[sale]\ndate = "signed"', "sale.date"),
        ('[[store]]\nname = "A"\ntime_zone = "UTC"\n[[store]]\nname = "a"\ntime_zone = "UTC"', "share the name"),
        ('[[store]]\nname = "A"', "store.0.time_zone"),
        ("stores = ", "cannot be read"),
    ],
)
def test_a_wrong_value_says_where_it_stands_and_why(tmp_path: Path, text: str, reason: str) -> None:
    said = _refused(tmp_path, text)
    assert reason in said
    assert "\n\nHint: " in said


def test_a_missing_settings_file_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match="There is no settings file") as caught:
        load_settings(tmp_path / "none.toml")
    assert "data/settings.toml" in caught.value.hint


def test_targets_may_vary_by_store_person_source_and_month(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        """
        [targets]
        show_rate = 0.6
        [[store]]
        name = "North Motors"
        aliases = ["North"]
        time_zone = "UTC"
        [store.targets]
        show_rate = 0.7
        [[target]]
        metric = "show_rate"
        value = 0.8
        store = "north"
        person = "Ada Reyes"
        source = "Website"
        month = "2026-07"
        """,
        encoding="utf-8",
    )
    found = [
        (target.store, target.person, target.source, target.month, target.value)
        for target in load_settings(path).all_targets()
    ]
    assert found == [
        (None, None, None, None, 0.6),
        ("North Motors", None, None, None, 0.7),
        ("North Motors", "Ada Reyes", "Website", "2026-07", 0.8),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('metric = "show_rate"\nvalue = 1\nmonth = "2026-13"', "target.0.month"),
        ('metric = "show_rate"\nvalue = nan', "target.0.value"),
        ('metric = "show_rate"\nvalue = 1\nperson = "Ada"', "needs a store beside it"),
        ('metric = "show_rate"', "target.0.value"),
        (
            'metric = "shows"\nvalue = 1\nsource = "Web"\n[[target]]\nmetric = "shows"\nvalue = 2\nsource = "web"',
            "two targets",
        ),
        ('metric = "show_rate"\nvalue = 1\n[targets]\nshow_rate = 0.5', 'two targets of "show_rate" for everything'),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in _refused(tmp_path, f"[[target]]\n{text}")
