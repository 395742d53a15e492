"""Where commands look for the warehouse and the settings: where the server does, if nobody says otherwise."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders.__main__ import app
from metrics.__main__ import app as metrics
from pages.journal import Journal

SPEND = "store,source,month,amount\nNorth,AutoTrader,2026-03,1200\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file and a warehouse that the environment names, as that of a service does."""
    (tmp_path / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "UTC"\n', encoding="utf-8")
    (tmp_path / "spend.csv").write_text(SPEND, encoding="utf-8")
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("UPBOARD_SETTINGS", str(tmp_path / "settings.toml"))
    return tmp_path


def _asked(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_load_goes_where_the_server_reads_and_every_command_looks_there(places: Path) -> None:
    _asked("load", str(places / "spend.csv"))
    assert (places / "warehouse" / "CURRENT").exists()
    assert len(json.loads(_asked("history", "--json"))["snapshots"]) == 1
    backup = places / "backup.tar.gz"
    assert {"settings.toml"} <= set(json.loads(_asked("backup", str(backup), "--json"))["parts"])
    shown = CliRunner().invoke(metrics, ["show", "spend", "--by", "store", "--format", "csv"])
    assert "North" in shown.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights otherwise")
def test_a_new_warehouse_is_for_its_owner_alone(places: Path) -> None:
    Journal(places / "first" / "journal.sqlite").write("signed_in", who="ann@example.com")
    _asked("load", str(places / "spend.csv"))
    assert [stat.S_IMODE((places / name).stat().st_mode) for name in ("warehouse", "first")] == [0o700, 0o700]


def test_what_a_command_names_goes_before_the_environment(places: Path) -> None:
    _asked("load", str(places / "spend.csv"), "--warehouse", str(places / "other"))
    assert (places / "other" / "CURRENT").exists()
    assert not (places / "warehouse").exists()
