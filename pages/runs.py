"""What the schedule ran by itself, and the letter when a run fails. No streamlit here.

`python -m loaders schedule` writes one line of JSON per run into `runs.jsonl` beside the snapshots; it starts
`python -m pages.runs WAREHOUSE SETTINGS` for the letter, which goes to [mail.to] alerts.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pages.mail import MailError, read_mail, send
from pages.sheet import Lines, Sheet

FILE: Final = "runs.jsonl"
FAILED: Final = "failed"
READER: Final = "alerts"


@dataclass(frozen=True)
class Run:
    """One run of a job of the schedule. `started` and `ended` are UTC; `outcome`: done, failed or stopped."""

    job: str
    started: dt.datetime
    ended: dt.datetime
    outcome: str
    message: str


def runs(directory: Path) -> list[Run]:
    """Every run that a warehouse directory knows of, in the order they ended; none where nothing is scheduled."""
    try:
        lines = (directory / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return list(_parsed(lines))


def failures(directory: Path) -> list[Run]:
    """The jobs whose last run failed, each by its last run, the newest first; what went well since is no failure."""
    last = {run.job: run for run in runs(directory)}
    failed = [run for run in last.values() if run.outcome == FAILED]
    return sorted(failed, key=lambda run: run.ended, reverse=True)


def sentence(run: Run) -> str:
    """A run that failed, in words: which job, when, and where to look."""
    return f"{run.job} failed at {run.ended:%Y-%m-%d %H:%M} UTC. {run.message}"


def letter(failed: Sequence[Run]) -> Sheet:
    """The letter about failed runs: nothing in it but jobs, times and exit statuses."""
    count = "A scheduled run" if len(failed) == 1 else f"{len(failed)} scheduled runs"
    told = tuple(sentence(run) for run in failed)
    todo = ("Read the log of the schedule (journalctl -u upboard-schedule), mend the cause, and run the job by hand.",)
    return Sheet(f"Upboard: {count.lower()} failed", f"{count} failed", told, (Lines("What to do", todo),), "")


def main(arguments: Sequence[str]) -> int:
    """Mail what fails now. Exit status: 0 mailed or nobody is to be, 1 not sent, 2 wrong usage."""
    if len(arguments) != 2:
        sys.stderr.write("Usage: python -m pages.runs WAREHOUSE SETTINGS\n")
        return 2
    try:
        mail, failed = read_mail(Path(arguments[1])), failures(Path(arguments[0]))
        if mail and mail.to.alerts and failed:
            send(mail, READER, letter(failed))
    except MailError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parsed(lines: Sequence[str]) -> Iterator[Run]:
    """The lines that are runs; one that a crash cut short is left out."""
    for line in lines:
        try:
            told = json.loads(line)
            started, ended = (dt.datetime.fromisoformat(told[name]) for name in ("started", "ended"))
            yield Run(str(told["job"]), started, ended, str(told["outcome"]), str(told["message"]))
        except (ValueError, TypeError, KeyError):
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
