"""A server where people sign in by password, started by the launcher itself, and the way through its form."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from pages.journal import Journal
from tests.browser.conftest import ROOT, _wait_for, own_port

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Signing:
    """A server where people sign in, the file that says who, and its journal."""

    url: str
    users: Path
    journal: Journal


@contextmanager
def signing(warehouse: Path, place: Path, users: str, port: int | None = None) -> Iterator[Signing]:
    """Serve a warehouse to the users of a file of that text; file, journal and log are kept in `place`."""
    with nullcontext(port) if port else own_port() as found, _started(warehouse, place, users, found) as started:
        yield started


@contextmanager
def _started(warehouse: Path, place: Path, users: str, port: int) -> Iterator[Signing]:
    file, journal = place / "users.toml", place / "journal.sqlite"
    file.write_text(users, encoding="utf-8")
    environment = {
        "UPBOARD_USERS": str(file),
        "UPBOARD_JOURNAL": str(journal),
        "HOME": str(place),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "pages", "serve", "--port", str(port), "--warehouse", str(warehouse)]
    with (
        (place / "server.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
            yield Signing(f"http://127.0.0.1:{port}", file, Journal(journal))
        finally:
            process.kill()  # that it ends tidily is proven in tests/serving, and takes seconds
            process.wait(timeout=20)


def users_text(**logins: str) -> str:
    """A file of users: a name becomes its address at example.com, what is given is the rest of its lines."""
    parts = [
        f'[[user]]\nlogin = "{name}@example.com"\nname = "{name.title()} Example"\n{rest}\n'
        for name, rest in logins.items()
    ]
    return "\n".join(parts)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the form as somebody at example.com, and send it."""
    page.get_by_label("E-mail address").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
