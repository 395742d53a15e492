"""Streamlit's own files for the browser: from memory, compressed, and named before they are asked for.

Streamlit's page names the files it begins with. Those that draw a chart, a table or a filter are asked for one step
later, when a message brings the first of each. Here the page names them too (`modulepreload`, HTML Living Standard
4.6.7.9), so that the browser fetches and parses them while its web socket opens and the first run is under way. What
belongs to what stands in Streamlit's manifest, as its build tool wrote it (Vite's manifest.json).
"""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Final

import streamlit
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import GZIP_MINIMUM_SIZE, STATIC_ASSET_CACHE_MAX_AGE_SECONDS

LOG: Final = logging.getLogger("upboard")
DIRECTORY: Final = Path(streamlit.__file__).parent / "static"
# What nearly every page draws; a part that this Streamlit does not know is asked for when it is needed, as ever.
DRAWN: Final = ("Selectbox", "Multiselect", "Button", "PageLink", "Metric", "Table", "PlotlyChart")
_ENTRY: Final = "index.html"
_ICONS: Final = "MaterialSymbols-Rounded"
# Most of Plotly's functions run for its first chart. Chromium parses them in another thread while nothing is drawn yet,
# where a file begins with this line (Explicit JavaScript Compile Hints, Chrome 136); else each as it is first called.
_ALL_AT_ONCE: Final = b"//# allFunctionsCalledOnLoad\n"
_EAGER: Final = ("PlotlyChart",)
# Not asked of the machine, whose own list may say otherwise.
_KINDS: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
}
_NO_PAGES: Final = ("/static/", "/_stcore/", "/media/")
_KEPT_FOR: Final = f"public, immutable, max-age={STATIC_ASSET_CACHE_MAX_AGE_SECONDS}"


@dataclass(frozen=True)
class Manifest:
    """Which files belong to which part of Streamlit's front end, by the names that its build tool gave them."""

    entries: dict[str, Any]

    @classmethod
    def read(cls, directory: Path = DIRECTORY) -> Manifest:
        """The manifest of the Streamlit that is installed; empty where it has none."""
        try:
            return cls(json.loads((directory / "manifest.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls({})

    def first_files(self) -> list[str]:
        """The files that the page begins with: scripts, styles, and the fonts of words and icons."""
        styles = self.entries.get(_ENTRY, {}).get("css", ())
        fonts = (entry["file"] for entry in self.entries.values() if _is_font_of_page(entry["file"]))
        return [*self._scripts(self._closure([_ENTRY])), *styles, *fonts]

    def files_of(self, parts: tuple[str, ...]) -> list[str]:
        """The scripts of these parts beyond those that the page begins with, each before what needs it."""
        first = set(self._closure([_ENTRY]))
        return self._scripts(key for key in self._closure(self._keys(parts)) if key not in first)

    def named(self, parts: tuple[str, ...]) -> list[str]:
        """The own script of each of these parts."""
        return self._scripts(self._keys(parts))

    def icons(self) -> list[str]:
        """The font of the icons."""
        return [entry["file"] for entry in self.entries.values() if _ICONS in entry["file"]]

    def _keys(self, parts: tuple[str, ...]) -> list[str]:
        offered = self.entries.get(_ENTRY, {}).get("dynamicImports", ())
        return [key for key in offered if self.entries[key].get("name") in parts]

    def _scripts(self, keys: Iterable[str]) -> list[str]:
        return [self.entries[key]["file"] for key in keys if key in self.entries]

    def _closure(self, keys: list[str]) -> list[str]:
        """These entries and all that they import, each once, after what it imports."""
        found: dict[str, None] = {}

        def add(key: str, above: frozenset[str]) -> None:
            for needed in self.entries.get(key, {}).get("imports", ()):
                if needed not in found and needed not in above:
                    add(needed, above | {key})
            found[key] = None

        for key in keys:
            add(key, frozenset())
        return list(found)


def _is_font_of_page(file: str) -> bool:
    return _ICONS in file or "SourceSansVF-Upright" in file


@dataclass(frozen=True)
class Ready:
    """A file as it is sent."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True)
class Files:
    """Streamlit's files as they are sent, and its page; the same for every visitor."""

    directory: Path = DIRECTORY
    manifest: Manifest = field(default_factory=Manifest.read)
    ready: dict[str, Ready] = field(default_factory=dict)

    def prepare(self) -> None:
        """Compress the files into memory, a few megabytes, and say how long it took. For a thread of its own."""
        begun = time.perf_counter()
        eager = set(self.manifest.named(_EAGER))
        for file in dict.fromkeys((*self.manifest.first_files(), *self.manifest.files_of(DRAWN))):
            self.ready[f"/{file}"] = _ready(self.directory / file, _ALL_AT_ONCE if file in eager else b"")
        size = sum(len(ready.body) for ready in self.ready.values()) / 1_000_000
        LOG.info("front end ready after %.1f s: %d files, %.1f MB", time.perf_counter() - begun, len(self.ready), size)

    @cached_property
    def own_page(self) -> bytes:
        """Streamlit's page as it is."""
        return (self.directory / _ENTRY).read_bytes()

    @cached_property
    def page(self) -> bytes:
        """Streamlit's page, which also names the files that most pages of ours need."""
        scripts = (
            # Low: what the page begins with comes first.
            f'<link rel="modulepreload" fetchpriority="low" crossorigin href="./{escape(file)}">'
            for file in self._further()
        )
        icons = (
            f'<link rel="preload" as="font" type="font/woff2" crossorigin href="./{escape(file)}">'
            for file in self.manifest.icons()
        )
        return self.own_page.replace(b"</head>", "\n".join((*scripts, *icons, "</head>")).encode(), 1)

    def _further(self) -> list[str]:
        """The further scripts, the largest first: it takes longest to fetch and to parse."""
        found = self.manifest.files_of(DRAWN)
        return sorted(found, key=lambda file: (self.directory / file).stat().st_size, reverse=True)


@dataclass(frozen=True)
class FrontEnd:
    """Answers from memory what every visitor's browser asks first; all else is the application's.

    Until `files` are prepared, and for a browser that takes nothing compressed, Streamlit sends its files itself.
    """

    app: ASGIApp
    files: Files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a file that is ready, name further files in the page, or pass the request on."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        ready = self.files.ready.get(scope["path"])
        if ready and "gzip" in headers.get("accept-encoding", "") and "range" not in headers:
            await send({"type": "http.response.start", "status": 200, "headers": list(ready.headers)})
            return await send({"type": "http.response.body", "body": ready.body})
        if scope["path"].startswith(_NO_PAGES):
            return await self.app(scope, receive, send)
        return await self.app(scope, receive, _Page(send, self.files).send)


def _ready(path: Path, head: bytes) -> Ready:
    read = head + path.read_bytes()
    # A font is compressed already.
    is_zipped = path.suffix != ".woff2" and len(read) >= GZIP_MINIMUM_SIZE
    body = gzip.compress(read, 6, mtime=0) if is_zipped else read
    headers = {
        "content-type": _KINDS[path.suffix],
        "content-length": str(len(body)),
        "cache-control": _KEPT_FOR,
        "vary": "Accept-Encoding",
        **({"content-encoding": "gzip"} if is_zipped else {}),
    }
    return Ready(tuple((name.encode(), value.encode()) for name, value in headers.items()), body)


@dataclass
class _Page:
    """One answer, which is held back while it may be Streamlit's page, and sent as ours where it is."""

    to_browser: Send
    files: Files
    _start: Message | None = None
    _body: bytes = b""

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, or hold it."""
        if message["type"] == "http.response.start" and self._may_be_page(message):
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)
        else:
            await self.to_browser(message)

    def _may_be_page(self, message: Message) -> bool:
        headers = Headers(raw=message["headers"])
        is_html = headers.get("content-type", "").startswith("text/html")
        return message["status"] == 200 and is_html and headers.get("content-length") == str(len(self.files.own_page))

    async def _finish(self, start: Message) -> None:
        if self._body == self.files.own_page:
            # Neither their tag nor their date: what the browser holds under those is another page.
            answer = Response(self.files.page, 200, {"cache-control": "no-cache"}, "text/html")
            start, self._body = dict(start, headers=answer.raw_headers), self.files.page
        await self.to_browser(start)
        await self.to_browser({"type": "http.response.body", "body": self._body})
