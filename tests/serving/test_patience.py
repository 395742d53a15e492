from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from pages import gate, patience
from pages.patience import Patient
from tests.serving.conftest import wait_until


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("yes")(scope, receive, send)


@contextmanager
def patient_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(answering, http=Patient, lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.4)
    with patient_server() as port:
        yield port


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def answer(connection: socket.socket) -> bytes:
    """All of an answer, which may come in parts."""
    connection.settimeout(10)
    found = b""
    while not found.endswith(b"yes") and (part := connection.recv(1000)):
        found += part
    return found


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(10)
    return connection.recv(1000) == b""


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: local"])
def test_a_client_that_never_says_what_it_wants_is_left(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(said)
        assert is_closed(connection)


def test_a_client_that_drips_its_head_is_left(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        begun = time.monotonic()
        assert not is_answered(connection, REQUEST[:20] + b"x" * 1000)
        assert time.monotonic() - begun < 20


def is_answered(connection: socket.socket, letters: bytes) -> bool:
    """Whether the server takes every letter, one every 50 milliseconds."""
    try:
        for letter in letters:
            connection.sendall(bytes([letter]))
            time.sleep(0.05)
    except OSError:
        return False
    return True


def test_a_second_request_that_never_ends_is_left_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(REQUEST)
        assert answer(connection).endswith(b"yes")
        connection.sendall(b"GET / HT")
        assert is_closed(connection)


def test_a_client_that_rests_between_two_requests_is_kept(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(2):
            connection.sendall(REQUEST)
            assert answer(connection).endswith(b"yes")
            time.sleep(0.8)


# Bodies ---------------------------------------------------------------------------------------------------------------


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body as an application does, and answers an HTTPException as Starlette does."""
    try:
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)
    except HTTPException as error:
        await PlainTextResponse(error.detail, error.status_code)(scope, receive, send)


def status(parts: list[bytes | None], path: str = "/sign-in", announced: str | None = None) -> int:
    """The answer to a POST whose body comes in parts; None is a long silence."""
    sent: list[Message] = []
    coming = iter(parts)

    async def receive() -> Message:
        part = next(coming, b"")
        if part is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": part, "more_body": part != b""}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = Headers({"content-length": announced} if announced is not None else {}).raw
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    limits = gate.Limits(reading, upload_megabytes=1, sessions=1)
    # In a thread of its own: a browser that another test left open has a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(limits(scope, receive, send))).result()
    return int(sent[0]["status"])


MEGABYTE = 1024 * 1024


def test_a_body_within_its_limit_passes_whole() -> None:
    assert status([b"a" * 64 * 1024]) == 200
    assert status([bytes(MEGABYTE)], "/_stcore/upload_file/a/b") == 200


@pytest.mark.parametrize("announced", [None, "1"])
def test_a_body_that_grows_beyond_it_is_refused_whatever_it_announced(announced: str | None) -> None:
    assert status([b"a" * 64 * 1024, b"a"], announced=announced) == 413
    assert status([bytes(MEGABYTE)] * 3, "/_stcore/upload_file/a/b", announced) == 413


@pytest.mark.parametrize("announced", ["65537", "-1", "many", "1" * 5000])
def test_what_announces_too_much_or_nonsense_is_not_read(announced: str) -> None:
    assert status([b"a"], announced=announced) == 413


def test_a_body_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_SILENT_SECONDS", 0.05)
    assert status([b"a", None]) == 408


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_BODY_SECONDS", -1)
    assert status([b"a"] * 1000) == 408
