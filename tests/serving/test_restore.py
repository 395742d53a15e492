"""A backup that is put back beside a running server: it serves the restored snapshot, and asks for no stop."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from typer.testing import CliRunner

from loaders.__main__ import app
from tests.serving.conftest import Launched, Start


def _asked(*words: str | Path) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output


def _serving(server: Launched) -> str:
    found = json.loads(server.ask("/readyz").text)
    assert found["is_ready"]
    return str(found["snapshot"])


def test_a_running_server_serves_what_was_restored_from_the_next_question_on(
    start: Start, warehouse: Path, tmp_path: Path
) -> None:
    place, settings = tmp_path / "warehouse", tmp_path / "settings.toml"
    shutil.copytree(warehouse, place)
    shutil.copyfile(warehouse.parent / "exports" / "settings.toml", settings)
    options = ("--warehouse", place, "--settings", settings)
    _asked("backup", tmp_path / "before.tar.gz", *options)
    server = start(place)
    before = _serving(server)
    text = settings.read_text(encoding="utf-8")
    changed = re.sub(r"(?s)(\[standards\].*?response_minutes = )\d+", r"\g<1>7", text)
    assert changed != text
    settings.write_text(changed, encoding="utf-8")
    _asked("build", *options)
    assert _serving(server) != before
    _asked("restore", tmp_path / "before.tar.gz", *options, "--force")
    assert _serving(server) == before
    assert settings.read_text(encoding="utf-8") == text
    assert server.process.poll() is None
    assert "not ready" not in server.said()
