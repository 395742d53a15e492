"""Failed runs of the schedule stand on top of Data quality, and a letter says so, until the job works again."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from loaders.runs import FILE, Outcome, Run, note_run
from pages import runs
from tests.pages.conftest import Show
from tests.pages.test_mail import Box


def ended(job: str, day: str, outcome: Outcome) -> Run:
    started, finished = (f"2026-05-0{day}T02:0{minute}:00+00:00" for minute in (0, 5))
    return Run(job, started, finished, outcome, "It ended with status 1.")


@pytest.fixture
def failed(tmp_path: Path) -> Path:
    """Two jobs fail; one of them works again later."""
    for run in (
        ended("backup <b>*/srv*", "1", "failed"),
        ended("watch in", "2", "failed"),
        ended("watch in", "3", "done"),
        ended("digest for gm", "4", "stopped"),
    ):
        note_run(tmp_path, run)
    return tmp_path


def test_only_jobs_whose_last_run_failed_are_failures(failed: Path) -> None:
    assert [run.job for run in runs.failures(failed)] == ["backup <b>*/srv*"]
    assert len(runs.runs(failed)) == 4
    assert runs.failures(failed / "nowhere") == []


def test_data_quality_begins_with_what_failed_as_plain_text(
    show: Show, showrooms: dict[str, Path], failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(showrooms, "one_row", failed)
    for path in (showrooms["empty"]).iterdir():
        (failed / path.name).symlink_to(path)
    app = show("data_quality", warehouse="one_row")
    assert not app.exception
    (warning,) = [found.value for found in app.warning if "failed at" in found.value]
    assert warning.startswith(r"backup \<b\>\*/srv\* failed at 2026")
    (failed / FILE).unlink()
    assert not [found for found in show("data_quality", warehouse="one_row").warning if "failed at" in found.value]


def test_whoever_looks_after_the_installation_gets_a_letter(failed: Path) -> None:
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        settings = failed / "settings.toml"
        settings.write_text(
            f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nfrom = "upboard@example.com"\n'
            '[mail.to]\nalerts = ["ops@example.com"]\n'
        )
        assert runs.main([str(failed), str(settings)]) == 0
    finally:
        server.stop()
    message = box.message()
    assert message["To"] == "ops@example.com"
    assert message["Subject"] == "Upboard: a scheduled run failed"
    body = message.get_body(("plain",))
    assert body is not None
    assert "2026-05-01 02:05 UTC" in body.get_content()
