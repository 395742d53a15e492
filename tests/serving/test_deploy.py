"""The files that put Upboard on a server say what the launcher and the checkout have."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from typer.main import get_command

from pages.__main__ import app
from tests.serving.conftest import ROOT

UNIT = ROOT / "deploy" / "upboard.service"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DOCS = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def options() -> set[str]:
    """Every option of `python -m pages serve`."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    return {name for parameter in commands["serve"].params for name in parameter.opts} - {"--help"}


def asked(words: list[str]) -> set[str]:
    return {word for word in words if word.startswith("--")}


def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser


def test_the_docs_list_every_option_and_no_other() -> None:
    assert set(re.findall(r"^\| `(--[a-z-]+)` \|", DOCS, re.MULTILINE)) == options()


def test_the_service_starts_the_launcher_with_its_options() -> None:
    words = shlex.split(unit()["Service"]["ExecStart"])
    assert words[1:4] == ["-m", "pages", "serve"]
    assert asked(words) <= options()


def test_the_service_is_not_root_and_writes_to_its_own_folder_only() -> None:
    service = unit()["Service"]
    assert service["User"] == service["Group"] == service["StateDirectory"] == "upboard"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    kept = re.findall(r"^Environment=UPBOARD_\w+=(.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(kept) == 3
    assert all(path.startswith("/var/lib/upboard/") for path in kept)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/upboard/.venv/bin/python", sys.executable)
    (tmp_path / UNIT.name).write_text(text.replace("file:///opt/upboard/", f"file://{ROOT}/"), encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in found.stderr.splitlines() if UNIT.name in line] == []


def test_the_linter_has_nothing_to_say_of_the_dockerfile() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_holds_what_the_server_needs_and_the_context_lets_it_in() -> None:
    copied = [line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    assert {"dashboard.py", "pages", "metrics", "loaders", ".streamlit", "requirements.lock"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_in == set(copied)


def test_the_image_is_not_root_and_asks_for_its_health() -> None:
    steps = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match("[A-Z]+ ", line)]
    assert re.search(r"^USER (?!0)\d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert steps.index("USER") < steps.index("ENTRYPOINT")
    assert "/healthz" in DOCKERFILE[DOCKERFILE.index("HEALTHCHECK") :]
    entry = re.search(r"^ENTRYPOINT (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert entry is not None
    assert asked(re.findall(r'"([^"]+)"', entry[1])) <= options()
