from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.serving.conftest import Launched, Start, wait_until

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}
ANSWERS = {
    "/": 200,
    "/sources?person=Ada": 200,
    "/healthz": 200,
    "/readyz": 200,
    "/_stcore/health": 200,
    "/media/nothing.csv": 404,
    "/../../etc/passwd": 400,
    "//example.com/x": 400,
}


@pytest.mark.parametrize(("path", "status"), ANSWERS.items())
def test_every_answer_has_the_security_headers(server: Launched, path: str, status: int) -> None:
    answer = server.ask(path)
    assert answer.status == status
    assert {name: answer.headers[name] for name in EVERYWHERE} == EVERYWHERE
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


def test_the_policy_knows_no_origin_but_its_own(server: Launched) -> None:
    policy = server.ask("/").headers["content-security-policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    assert "unsafe" not in parts["script-src"]
    sources = {source for part in parts.values() for source in part.split()}
    assert {source for source in sources if not source.startswith("'sha256-")} == {
        "'none'",
        "'self'",
        "'unsafe-inline'",
        "data:",
        "blob:",
    }


def test_plain_http_is_not_told_to_come_by_tls(server: Launched) -> None:
    assert "strict-transport-security" not in server.ask("/").headers


def test_no_answer_invites_another_origin(server: Launched) -> None:
    answer = server.ask("/_stcore/health", origin="https://example.com")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "", "localhost@example.com", "localhost/x"])
def test_a_host_that_is_not_named_is_refused(server: Launched, host: str) -> None:
    answer = server.ask("/", host_=host)
    assert answer.status == 400
    assert "<html" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:8501", "[::1]:8501"])
def test_this_machine_is_reached_by_all_its_names(server: Launched, host: str) -> None:
    assert server.ask("/healthz", host_=host).status == 200


@pytest.mark.parametrize("line", ["x_forwarded_for", "forwarded", "x_real_ip", "x_forwarded_host"])
def test_what_a_proxy_forwards_is_refused_where_nobody_signs_in(server: Launched, line: str) -> None:
    assert server.ask("/", "GET", None, **{line: "198.51.100.7"}).status == 403


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/interact"])
def test_interfaces_for_programs_are_closed(server: Launched, path: str) -> None:
    assert server.ask(path).status == 404


def test_another_site_cannot_send_anything(server: Launched) -> None:
    assert server.ask("/_stcore/upload_file/a/b", "PUT", b"", origin="https://example.com").status == 403
    assert server.ask("/_stcore/upload_file/a/b", "PUT", b"", origin="null").status == 403


def opened(server: Launched, origin: str | None = None) -> ClientConnection:
    own = f"http://127.0.0.1:{server.port}"
    return connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", origin=Origin(own if origin is None else origin))


def test_a_page_of_this_server_may_open_a_web_socket(server: Launched) -> None:
    with opened(server) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101


@pytest.mark.parametrize("origin", ["https://example.com", "http://127.0.0.1:1", "null", "http://localhost"])
def test_a_page_of_another_origin_may_not(server: Launched, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(server, origin)
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Frame-Options"] == "DENY"


def test_beyond_so_many_tabs_a_web_socket_is_refused_until_one_closes(start: Start, warehouse: Path) -> None:
    server = start(warehouse, "--sessions", "2")
    with ExitStack() as stack:
        first = stack.enter_context(opened(server))
        stack.enter_context(opened(server))
        with pytest.raises(InvalidStatus) as refused:
            opened(server)
        assert refused.value.response.status_code == 503
        first.close()
        wait_until(lambda: "WS /_stcore/stream 101" in server.said())
        stack.enter_context(opened(server))


def chunks(megabytes: int) -> Iterator[bytes]:
    return (bytes(1024 * 1024) for _ in range(megabytes))


@pytest.mark.parametrize("is_announced", [True, False])
def test_an_upload_beyond_the_limit_is_refused(start: Start, warehouse: Path, is_announced: bool) -> None:
    server = start(warehouse, "--upload-megabytes", "1")
    announced = {"content_length": str(3 * 1024 * 1024)} if is_announced else {}
    try:
        answer = server.ask("/_stcore/upload_file/a/b", "PUT", chunks(3), **announced)
    except (BrokenPipeError, ConnectionResetError):
        # It may close the door before everything was said.
        assert is_announced
        return
    # Without a session nothing of a body is read, so the first refusal may be that one.
    assert answer.status in ({413} if is_announced else {403, 413})


def test_a_form_is_small(server: Launched) -> None:
    assert server.ask("/sign-in", "POST", bytes(64 * 1024 + 1)).status == 413


def test_the_log_holds_no_query_and_nothing_that_opens_a_file_or_a_session(server: Launched) -> None:
    server.ask("/people?person=Quentin+Oxley")
    server.ask("/_stcore/upload_file/5e551011/f11e", "PUT", b"")
    server.ask("/media/c0ffee.csv")
    server.ask("/%0aforged%20line")
    wait_until(lambda: "forged" in server.said())
    said = server.said()
    assert "GET /people 200" in said
    assert not [word for word in ("Quentin", "5e551011", "c0ffee") if word in said]
    assert "\nforged" not in said
