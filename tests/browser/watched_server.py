"""The launcher, with every address it looks up or connects to written to a file: run by the browser tests.

`python watched_server.py LOG arguments-of-serve...`
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages.__main__ import app

WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}


def watch(log: Path) -> None:
    """Write each watched event with its address."""
    file = log.open("a", encoding="utf-8", buffering=1)

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event in WATCHED:
            file.write(f"{event} {arguments[1] if event != 'socket.getaddrinfo' else arguments[0]}\n")

    sys.addaudithook(note)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    app(["serve", *sys.argv[2:]])
