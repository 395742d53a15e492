"""Streamlit's own server, with every address it looks up or connects to written to a file: run by the browser tests.

`python watched_server.py LOG streamlit-arguments...`
"""

from __future__ import annotations

import sys
from pathlib import Path

from streamlit.web.cli import main

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
    sys.argv = ["streamlit", *sys.argv[2:]]
    main()
