"""When scheduled runs are due, on ordinary days and in the two nights that clocks change; and what becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loaders.errors import LoaderError
from loaders.runs import FILE, Run, note_run, read_runs, trim_runs
from loaders.schedule import Job, Orders, command_of, first_due, keep_schedule, next_due, read_orders
from pages import runs as shown

ROOT = Path(__file__).parents[2]
CHICAGO = ZoneInfo("America/Chicago")
NIGHTLY = Job(run="backup", at="daily 02:30", folder=Path("backups"))
PATIENCE = 60.0


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due_times(job: Job, after: datetime, count: int) -> list[str]:
    found = [after]
    for _ in range(count):
        found.append(next_due(job, found[-1], CHICAGO))
    return [f"{moment.astimezone(CHICAGO):%m-%d %H:%M}" for moment in found[1:]]


def test_a_run_follows_the_clock_of_the_store() -> None:
    assert next_due(NIGHTLY, utc("2026-01-05T12:00"), CHICAGO) == utc("2026-01-06T08:30")
    assert next_due(NIGHTLY, utc("2026-07-05T12:00"), CHICAGO) == utc("2026-07-06T07:30")
    assert next_due(NIGHTLY, utc("2026-07-05T12:00"), ZoneInfo("UTC")) == utc("2026-07-06T02:30")


def test_in_the_night_that_clocks_go_forward_it_runs_once_though_its_time_is_skipped() -> None:
    assert due_times(NIGHTLY, utc("2026-03-07T12:00"), 2) == ["03-08 03:00", "03-09 02:30"]


def test_in_the_night_that_clocks_go_back_it_runs_once_though_its_time_comes_twice() -> None:
    job = Job(run="backup", at="daily 01:30", folder=Path("backups"))
    assert due_times(job, utc("2026-10-31T12:00"), 3) == ["11-01 01:30", "11-02 01:30", "11-03 01:30"]
    twice = utc("2026-11-01T06:30"), utc("2026-11-02T07:30")
    assert next_due(job, twice[0], CHICAGO) == twice[1]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("Mon 07:00", ["05-04 07:00", "05-11 07:00"]),
        ("mon,thu 07:00", ["05-04 07:00", "05-07 07:00"]),
        ("Sun, Sat  23:59", ["05-02 23:59", "05-03 23:59"]),
    ],
)
def test_days_of_the_week_are_named(at: str, expected: list[str]) -> None:
    assert due_times(Job(run="digest", at=at, reader="gm"), utc("2026-05-01T18:00"), 2) == expected


def ran(started: str, job: Job = NIGHTLY) -> Run:
    return Run(job.name, started, started, "done")


def test_after_a_weekend_without_power_what_was_missed_runs_once_and_at_once() -> None:
    now = utc("2026-05-04T15:00")
    assert first_due(NIGHTLY, [ran("2026-05-01T07:30:00+00:00")], now, CHICAGO) == now
    assert next_due(NIGHTLY, now, CHICAGO) == utc("2026-05-05T07:30")


def test_what_ran_in_time_or_never_waits_for_its_next_time() -> None:
    now = utc("2026-05-04T15:00")
    assert first_due(NIGHTLY, [ran("2026-05-04T07:30:00+00:00")], now, CHICAGO) == utc("2026-05-05T07:30")
    assert first_due(NIGHTLY, [], now, CHICAGO) == utc("2026-05-05T07:30")
    often = Job(run="watch", every="10 minutes", folder=Path("inbox"))
    assert first_due(often, [], now, CHICAGO) == now
    assert next_due(often, now, CHICAGO) == now + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('run = "backup"\nfolder = "b"', "say when"),
        ('run = "backup"\nfolder = "b"\nat = "daily 02:00"\nevery = "1 hour"', "say when"),
        ('run = "backup"\nfolder = "b"\nat = "daily 25:00"', "is no time"),
        ('run = "backup"\nfolder = "b"\nat = "Mun 02:00"', "is no time"),
        ('run = "watch"\nfolder = "b"\nevery = "often"', "says not how often"),
        ('run = "watch"\nfolder = "b"\nevery = "0 minutes"', "says not how often"),
        ('run = "watch"\nevery = "1 hour"', "name a folder"),
        ('run = "digest"\nat = "daily 02:00"', "whom it is for"),
        ('run = "digest"\nfor = "gm"\nfolder = "b"\nat = "daily 02:00"', "name a folder"),
        ('run = "shell"\nfolder = "b"\nat = "daily 02:00"', "schedule"),
        ('run = "backup"\nfolder = "b"\nat = "daily 02:00"\ncommand = "rm"', "command"),
        ('run = "backup"\nfolder = "b"\nat = "daily 02:00"\nzone = "Mars"', "time zone"),
    ],
)
def test_a_wrong_schedule_says_what_is_wrong_and_where(line: str, said: str, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[[schedule]]\n{line}\n")
    with pytest.raises(LoaderError, match="number 1") as refused:
        read_orders(settings, tmp_path)
    assert said in refused.value.message


def test_a_schedule_is_read_with_the_clock_of_the_first_store(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    jobs = '[[schedule]]\nrun = "digest"\nfor = "gm"\nat = "Mon 07:00"\n'
    jobs += '[[schedule]]\nrun = "watch"\nfolder = "in"\nevery = "1 hour"\n'
    settings.write_text('[[store]]\nname = "N"\ntime_zone = "Europe/London"\n' + jobs)
    orders = read_orders(settings, tmp_path / "wh")
    assert [job.name for job in orders.jobs] == ["digest for gm", "watch in"]
    assert orders.zone.key == "Europe/London"
    assert command_of(orders.jobs[0], orders)[2:7] == ["pages", "digest", "--for", "gm", "--send"]
    assert command_of(orders.jobs[1], orders)[2:6] == ["loaders", "watch", "in", "--once"]
    settings.write_text("")
    with pytest.raises(LoaderError, match="no \\[\\[schedule\\]\\]"):
        read_orders(settings, tmp_path)
    settings.write_text(jobs + '[[schedule]]\nrun = "watch"\nfolder = "in"\nevery = "2 hours"\n')
    with pytest.raises(LoaderError, match=r'two .* of "watch in"'):
        read_orders(settings, tmp_path)


@contextmanager
def kept(orders: Orders, program: str, letter: str = "") -> Iterator[list[str]]:
    """A schedule that is kept in a thread, whose jobs are a small program; what it says."""
    said: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=keep_schedule,
        args=(orders, stop, said.append),
        kwargs={
            "command": lambda job, orders: [sys.executable, "-c", program],
            "letter": lambda orders: [sys.executable, "-c", letter],
        },
    )
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    assert condition()


def orders_of(folder: Path, every: str = "1 second") -> Orders:
    return Orders((Job(run="watch", every=every, folder=Path("in")),), folder, folder / "settings.toml", CHICAGO)


def test_failures_are_noted_mailed_once_shown_and_forgotten_when_it_works_again(tmp_path: Path) -> None:
    bad, mailed = tmp_path / "bad", tmp_path / "mailed"
    bad.touch()
    program = f"import os, sys; sys.exit(3 if os.path.exists({str(bad)!r}) else 0)"
    with kept(orders_of(tmp_path), program, f"open({str(mailed)!r}, 'a').write('x')"):
        wait_for(lambda: len(read_runs(tmp_path)) >= 2)
        (failed,) = shown.failures(tmp_path)
        assert failed.job == "watch in"
        assert "status 3" in shown.sentence(failed)
        bad.unlink()
        wait_for(lambda: not shown.failures(tmp_path))
    assert mailed.read_text() == "x"
    assert [run.outcome for run in read_runs(tmp_path)][:2] == ["failed", "failed"]


def test_a_job_never_runs_twice_at_once_and_a_stop_ends_it(tmp_path: Path) -> None:
    program = f"import time; open({str(tmp_path / 'started')!r}, 'a').write('x'); time.sleep(600)"
    with kept(orders_of(tmp_path), program) as said:
        wait_for((tmp_path / "started").exists)
        time.sleep(2.5)  # two more times would be due
    assert (tmp_path / "started").read_text() == "x"
    (run,) = read_runs(tmp_path)
    assert run.outcome == "stopped"
    assert said.count("watch in: started") == 1


@pytest.mark.parametrize("mail", ["", "[mail]\nto = 3\n", '[mail.to]\nmarketing = ["m@example.com"]\n'])
def test_a_letter_that_would_go_to_nobody_is_told_at_the_start(tmp_path: Path, mail: str) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[[schedule]]\nrun = "digest"\nfor = "gm"\nat = "Mon 07:00"\n' + mail)
    (doubt,) = read_orders(settings, tmp_path).doubts
    assert f"digest for gm would go to nobody: {settings} has no [mail.to] gm." in doubt
    settings.write_text(settings.read_text().removesuffix(mail) + '[mail.to]\ngm = ["g@example.com"]\n')
    assert read_orders(settings, tmp_path).doubts == ()


def test_what_is_likely_forgotten_is_said_before_the_first_run(tmp_path: Path) -> None:
    orders = replace(orders_of(tmp_path, "1 hour"), doubts=("nobody would get it",))
    with kept(orders, "") as said:
        wait_for(lambda: said)
    assert said[0] == "nobody would get it"


def test_only_one_process_keeps_a_schedule(tmp_path: Path) -> None:
    with kept(orders_of(tmp_path, "1 hour"), "") as said:
        wait_for(lambda: said)
        with pytest.raises(LoaderError, match="Another process keeps"):
            keep_schedule(orders_of(tmp_path), threading.Event(), said.append)
    wait_for(lambda: read_runs(tmp_path))
    with kept(orders_of(tmp_path, "1 hour"), "") as again:
        wait_for(lambda: again)


def test_the_command_keeps_a_schedule_until_sigterm(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[[schedule]]\nrun = "backup"\nat = "daily 02:00"\nfolder = "b"\n')
    words = [
        sys.executable,
        "-m",
        "loaders",
        "schedule",
        "--settings",
        str(settings),
        "--warehouse",
        str(tmp_path / "wh"),
    ]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})
    assert process.stderr is not None
    assert "backup b: next at" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert "stopped" in process.stderr.read()
    process.stderr.close()


def test_runs_are_read_past_a_line_that_a_crash_cut_short_and_the_file_stays_small(tmp_path: Path) -> None:
    note_run(tmp_path, ran("2026-05-01T07:30:00+00:00"))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"job": "ba\n')
    note_run(tmp_path, ran("2026-05-02T07:30:00+00:00"))
    assert len(read_runs(tmp_path)) == len(shown.runs(tmp_path)) == 2
    line = (tmp_path / FILE).read_text().splitlines()[0]
    (tmp_path / FILE).write_text((line + "\n") * 4_001)
    trim_runs(tmp_path)
    assert len(read_runs(tmp_path)) == 2_000


def test_a_letter_about_failures_names_jobs_and_nobody(tmp_path: Path) -> None:
    moment = utc("2026-05-01T07:30")
    sheet = shown.letter([shown.Run("backup b", moment, moment, "failed", "It ended with status 1.")])
    assert sheet.title == "Upboard: a scheduled run failed"
    assert sheet.answer == ("backup b failed at 2026-05-01 07:30 UTC. It ended with status 1.",)


def test_nothing_is_mailed_where_no_run_failed_or_nobody_is_to_know(tmp_path: Path) -> None:
    assert shown.main([str(tmp_path), str(tmp_path / "settings.toml")]) == 0
    assert shown.main([]) == 2
    failed = Run("backup b", "2026-05-01T07:30:00+00:00", "2026-05-01T07:30:00+00:00", "failed", "m")
    note_run(tmp_path, failed)
    settings = tmp_path / "settings.toml"
    settings.write_text('[mail]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\nfrom = "u@example.com"\n')
    assert shown.main([str(tmp_path), str(settings)]) == 0
    settings.write_text(settings.read_text() + '[mail.to]\nalerts = ["ops@example.com"]\n')
    assert shown.main([str(tmp_path), str(settings)]) == 1, "nobody listens there"
