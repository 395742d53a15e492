"""The files of Streamlit's front end as the launcher sends them: named early, compressed, the same in the end."""

from __future__ import annotations

import gzip
import http.client
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pages.front_end import DIRECTORY, DRAWN, Manifest
from pages.gate import content_policy
from tests.serving.conftest import Launched, launched, wait_until

COMPRESSED = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, warehouse: Path) -> Iterator[Launched]:
    """A server that has made its files ready."""
    with ExitStack() as stack:
        log = tmp_path_factory.mktemp("log") / "server.log"
        server = stack.enter_context(launched(warehouse, log, is_warmed=True))
        wait_until(lambda: "front end ready" in server.said())
        yield server


def fetch(server: Launched, path: str, lines: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, header lines in small letters and body as it travels."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers=lines)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def named(page: str) -> list[str]:
    """The files that a page names."""
    return re.findall(r'(?:href|src)="\./(static/[^"]+)"', page)


def test_this_streamlit_knows_every_part_that_is_named_early() -> None:
    manifest = Manifest.read()
    assert [len(manifest.named((part,))) for part in DRAWN] == [1] * len(DRAWN)
    assert manifest.icons()


@pytest.mark.parametrize("path", ["/", "/sources?person=Ada"])
def test_a_page_names_the_files_of_charts_and_filters(ready: Launched, path: str) -> None:
    said = named(ready.ask(path).text)
    assert set(Manifest.read().files_of(DRAWN)) <= set(said)
    assert len(said) == len(set(said))


def test_every_file_that_a_page_names_is_there(ready: Launched) -> None:
    for file in named(ready.ask("/").text):
        assert (DIRECTORY / file).is_file()


def test_a_page_holds_no_script_that_the_policy_does_not_know(ready: Launched) -> None:
    theirs = (DIRECTORY / "index.html").read_text(encoding="utf-8")
    ours = ready.ask("/")
    inline = re.compile(r"<script>.*?</script>", re.DOTALL)
    assert inline.findall(ours.text) == inline.findall(theirs)
    assert ours.headers["content-security-policy"] == content_policy()


def test_a_page_is_asked_for_anew_each_time_and_said_whole(ready: Launched) -> None:
    first = ready.ask("/")
    assert first.headers["cache-control"] == "no-cache"
    assert not {"etag", "last-modified"} & set(first.headers)
    assert ready.ask("/", if_none_match='"x"').text == first.text
    assert int(first.headers["content-length"]) == len(first.text.encode())


def test_a_file_comes_compressed_and_is_what_streamlit_has(ready: Launched) -> None:
    for file in named(ready.ask("/").text):
        status, headers, body = fetch(ready, f"/{file}", COMPRESSED)
        read = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        theirs = (DIRECTORY / file).read_bytes()
        assert status == 200
        assert read.removeprefix(b"//# allFunctionsCalledOnLoad\n") == theirs, file
        assert len(body) <= len(theirs)


def test_a_compressed_file_is_kept_by_the_browser_and_guarded_as_every_answer(ready: Launched) -> None:
    chart = Manifest.read().named(("PlotlyChart",))[0]
    _, headers, body = fetch(ready, f"/{chart}", COMPRESSED)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    assert len(body) < (DIRECTORY / chart).stat().st_size / 2


@pytest.mark.parametrize("lines", [{}, {"Accept-Encoding": "identity"}, {**COMPRESSED, "Range": "bytes=0-9"}])
def test_who_takes_nothing_compressed_or_a_part_gets_streamlits_own(ready: Launched, lines: dict[str, str]) -> None:
    chart = Manifest.read().named(("PlotlyChart",))[0]
    _, headers, body = fetch(ready, f"/{chart}", lines)
    assert "content-encoding" not in headers
    assert (DIRECTORY / chart).read_bytes().startswith(body)


def test_without_a_manifest_the_page_is_streamlits_own(tmp_path: Path) -> None:
    assert Manifest.read(tmp_path).files_of(DRAWN) == []
    assert Manifest.read(tmp_path).first_files() == []
