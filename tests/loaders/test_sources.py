"""What the source names of files mean: the map in the settings, the list of what it does not know, suggestions."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from loaders.__main__ import app
from loaders.settings import Settings
from loaders.sources import known_sources, pasteable, spellings
from tests.loaders.star_building import Row, moment, star

GOOGLE = {
    "source": "Google Ads",
    "names": ["google adwords", "Google-PPC*", "*paid search"],
    "group": "Search",
    "channel": "paid search",
}
SETTINGS = '[[store]]\nname = "Lakeside Motors"\ntime_zone = "America/Chicago"\n'


def mapped(*entries: Row, free: tuple[str, ...] = ()) -> Settings:
    return Settings.model_validate({"sources": {"map": list(entries), "free": list(free)}})


def lead(source: str | None, **row: Any) -> Row:
    return {"created_at": moment("2026-03-01 10:00"), "source": source, **row}


@pytest.mark.parametrize(
    "written",
    [
        "Google Ads",
        "google  ads",
        " GOOGLE ADWORDS ",
        "google-ppc",
        "Google-PPC Chicago",
        "Paid Search",
        "Bing paid search",
    ],
)
def test_a_name_is_found_by_itself_by_spelling_and_by_pattern_whatever_case_and_spaces(written: str) -> None:
    found = mapped(GOOGLE).sources.finder()(written)
    assert found is not None
    assert (found.source, found.group, found.channel) == ("Google Ads", "Search", "paid search")


@pytest.mark.parametrize("written", ["Google", "adwords", "google ads 2", "unknown", "paid search now"])
def test_a_name_that_the_map_does_not_list_is_not_guessed(written: str) -> None:
    assert mapped(GOOGLE).sources.finder()(written) is None


def test_an_exact_name_goes_before_a_pattern_and_a_pattern_before_a_later_one() -> None:
    find = mapped(
        {"source": "AutoTrader", "names": ["auto*"]},
        {"source": "Auto show", "names": ["auto show 2026", "auto s*"]},
    ).sources.finder()
    assert [entry.source for name in ("auto show 2026", "auto space") if (entry := find(name))] == [
        "Auto show",
        "AutoTrader",
    ]


def test_signs_of_other_pattern_languages_are_plain_text() -> None:
    find = mapped({"source": "A", "names": ["up?", "x[1]*", "50%_off"]}).sources.finder()
    assert [find(name) is not None for name in ("up?", "ups", "x[1]9", "x19", "50%_off", "500_off")] == [
        *(True, False),
        *(True, False),
        *(True, False),
    ]


def test_several_entries_may_speak_of_one_source_as_long_as_they_agree() -> None:
    find = mapped(
        {"source": "Google Ads", "names": ["adwords"]}, {"source": "google ads", "channel": "paid search"}
    ).sources.finder()
    found = find("adwords")
    assert found is not None
    assert (found.source, found.channel) == ("Google Ads", "paid search")


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([{"source": "A", "names": ["x"]}, {"source": "B", "names": ["X "]}], '"x" stands under two sources'),
        ([{"source": "A"}, {"source": "B", "names": ["a"]}], '"a" stands under two sources'),
        (
            [{"source": "A", "channel": "c"}, {"source": "A"}, {"source": "a", "channel": "d"}],
            'two channels, "c" and "d"',
        ),
        ([{"source": "A", "names": [" * "]}], "fits every source"),
        ([{"source": "A", "nmaes": ["x"]}], "Extra inputs"),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(entries: list[Row], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        mapped(*entries)


def test_leads_spend_and_reports_meet_under_one_source() -> None:
    month = {"period_start": moment("2026-03-01").date(), "period_end": moment("2026-03-31").date()}
    given: dict[str, list[Row]] = {
        "lead": [lead("google adwords"), lead("GOOGLE  ADWORDS"), lead("Walk-in", source_group="Store"), lead(None)],
        "spend": [{"source": "Google Ads", "amount": "310", **month}],
        "crm_report": [{"source": "google-ppc east", "measure": "leads", "value": 2.0, **month}],
    }
    dimension = "select source, source_group, channel, is_mapped from dim_source order by source"
    by_source = "select count(*) as n from fct_lead join dim_source using (source_key) where source = 'Google Ads'"
    spent = "select sum(amount) as n from fct_spend join dim_source using (source_key) where source = 'Google Ads'"
    with star(mapped(GOOGLE), None, **given) as query:
        assert [tuple(row.values()) for row in query(dimension)] == [
            ("(no lead)", "(no lead)", "(no lead)", False),
            ("(no source)", "(no group)", "(no channel)", False),
            ("Google Ads", "Search", "paid search", True),
            ("Walk-in", "Store", "(no channel)", False),
        ]
        assert query.one(by_source)["n"] == 2
        assert int(query.one(spent)["n"]) == 310
        written = query("select spelling, lead_count, spend_count, report_count from bridge_source_spelling order by 1")
    assert [tuple(row.values()) for row in written] == [
        ("GOOGLE ADWORDS", 1, 0, 0),
        ("Google Ads", 0, 1, 0),
        ("Walk-in", 1, 0, 0),
        ("google adwords", 1, 0, 0),
        ("google-ppc east", 0, 0, 1),
    ]


def test_unknown_is_a_word_and_blank_is_none_also_with_a_map() -> None:
    with star(mapped(GOOGLE), lead=[lead("unknown"), lead(None), lead("Unknown ")]) as query:
        found = query(
            "select source, count(*) as n from fct_lead join dim_source using (source_key) group by 1 order by 1"
        )
    assert [(row["source"].lower(), row["n"]) for row in found] == [("(no source)", 1), ("unknown", 2)]


def test_a_name_of_the_crms_own_list_is_mapped_like_a_word() -> None:
    listed = [{"source_id": "12", "name": "Google AdWords"}]
    with star(mapped(GOOGLE), lead=[lead("12")], source=listed) as query:
        assert query.one("select source from fct_lead join dim_source using (source_key)")["source"] == "Google Ads"
        assert query.one("select spelling from bridge_source_spelling")["spelling"] == "Google AdWords"


def test_a_free_source_is_free_under_its_mapped_name() -> None:
    settings = mapped({"source": "Walk-in", "names": ["fresh up"]}, free=("Fresh Up",))
    with star(settings, lead=[lead("walk-in")]) as query:
        assert query.one("select is_known, amount from fct_spend") == {"is_known": True, "amount": 0}


def row(spelling: str, leads: int = 1, group: str = "(no group)") -> Row:
    return {"spelling": spelling, "lead_count": leads, "spend_count": 0, "report_count": 0, "source_group": group}


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("Autotrader.com", "AutoTrader"),
        ("CarGuru", "CarGurus"),
        ("GoogleAdwords", "Google Ads"),
        ("KBB ICO", "Kelley Blue Book"),
        ("Zyx Motors Leads", None),
        ("unknown", None),
        ("--", None),
    ],
)
def test_a_suggestion_is_of_a_known_source_or_none(written: str, source: str | None) -> None:
    (found,) = spellings([row(written)], Settings())
    assert (found.suggestion.source if found.suggestion else None) == source
    assert not found.is_mapped


def test_ones_own_map_is_suggested_before_the_known_sources_and_with_its_own_group() -> None:
    own = mapped({"source": "Auto Trader Group", "names": ["autotrader"], "group": "Portals"})
    (found,) = spellings([row("AutoTraderr")], own)
    assert found.suggestion is not None
    assert (found.suggestion.source, found.suggestion.group) == ("Auto Trader Group", "Portals")


def test_a_rarer_spelling_is_suggested_to_be_the_more_frequent_one() -> None:
    found = {item.spelling: item for item in spellings([row("RideRadar", 9), row("Ride-Radar.com", 1)], Settings())}
    assert found["RideRadar"].suggestion is None
    suggestion = found["Ride-Radar.com"].suggestion
    assert suggestion is not None
    assert suggestion.source == "RideRadar"


def test_what_is_pasted_maps_every_name_and_does_not_contradict_the_map_that_is_there() -> None:
    rows = [row("Adwords", 5), row('Odd "name" \\ here', 2), row("google ads", 1), row("Cargurus.com", 3), row("x*y")]
    pasted = tomllib.loads("\n".join(pasteable(spellings(rows, mapped(GOOGLE)))))["sources"]["map"]
    again = spellings(rows, mapped(GOOGLE, *pasted))
    assert all(item.is_mapped for item in again)
    assert {item.spelling: item.source for item in again}["Adwords"] == "Google Ads"
    assert {item.spelling: item.channel for item in again}["Adwords"] == "paid search"


def test_the_known_sources_do_not_contradict_each_other() -> None:
    known = known_sources()
    assert len({entry.source for entry in known.map}) == len(known.map)
    assert all(entry.group and entry.channel for entry in known.map)


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text(
        SETTINGS + '[[sources.map]]\nsource = "AutoBazaar"\nnames = ["autobazaar*"]\nchannel = "classifieds"\n', "utf-8"
    )
    (tmp_path / "lead.csv").write_text(
        "lead_id,created_at,source\n1,2026-03-01,autobazaar.example\n2,2026-03-01,RideRadar\n3,2026-03-02,RideRadar\n",
        "utf-8",
    )
    return tmp_path


def run(folder: Path, command: str, *more: str) -> tuple[str, str]:
    options = ["--settings", str(folder / "settings.toml"), "--warehouse", str(folder / "warehouse"), *more]
    result = CliRunner().invoke(app, [command, *options])
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_load_says_how_many_leads_stand_under_unmapped_sources_and_sources_lists_them(loaded: Path) -> None:
    _, told = run(loaded, "load", str(loaded / "lead.csv"))
    assert "2 leads stand under 1 source name that your map of sources does not know" in told
    listed = json.loads(run(loaded, "sources", "--json")[0])
    assert [(item["spelling"], item["leads"], item["source"]) for item in listed["sources"]] == [
        ("RideRadar", 2, None),
        ("autobazaar.example", 1, "AutoBazaar"),
    ]
    with (loaded / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + listed["settings"])
    assert "All leads that name a source" in run(loaded, "load", str(loaded / "lead.csv"))[1]
    shown, _ = run(loaded, "sources")
    assert "RideRadar  ->  RideRadar" in shown
    assert "[[sources.map]]" not in shown


def test_without_a_map_a_load_says_nothing_of_it(loaded: Path) -> None:
    (loaded / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    assert "map of sources" not in run(loaded, "load", str(loaded / "lead.csv"))[1]
