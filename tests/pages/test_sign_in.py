"""The sign-in by password, its door and its sessions, as an attacker would try them; a browser does it for real."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from pages import guard, openid, passwords, sign_in, signed, users
from pages.guard import SIGNED_OUT_CODE, Guard
from pages.journal import Journal
from pages.local_sign_in import COOKIE, local_path, sign_in_routes
from pages.sessions import FREE_TRIES, Sessions, SessionsError
from pages.users import EVERYBODY, User

PASSWORD = "four words at random"
# Real argon2id, with the least work: these tests are about what stands around it.
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = HASHER.hash(PASSWORD)
SIGNED_STREAMLIT = "/_stcore/stream"


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """A sign-in with two users, its files, its clock, and what reached the application behind the door."""

    place: Path
    clock: Clock
    reached: list[str] = field(default_factory=list)
    looks_every: float = 60.0

    @property
    def users_file(self) -> Path:
        return self.place / "users.toml"

    @property
    def journal(self) -> Journal:
        return Journal(self.place / "journal.sqlite")

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.place / "sessions.sqlite", self.clock)

    def write_users(self, head: str = "", *, names: tuple[str, ...] = ("ann", "bob"), kept: str = HASH) -> None:
        parts = [
            f'[[user]]\nlogin = "{name}@example.com"\nname = "{name}"\nrole = "administrator"\npassword = "{kept}"\n'
            for name in names
        ]
        self.users_file.write_text(head + "\n".join(parts), encoding="utf-8")

    def user(self, name: str = "ann") -> User:
        found = signed.users_now().find(f"{name}@example.com")
        assert found is not None
        return found

    def client(self, base_url: str = "http://testserver", address: str = "192.0.2.1") -> TestClient:
        async def answer(request: Request) -> PlainTextResponse:
            self.reached.append(request.url.path)
            return PlainTextResponse("the customers of every store")

        async def talk(socket: WebSocket) -> None:
            self.reached.append(f"stream {socket.headers.get('sec-websocket-protocol')}")
            await socket.accept(subprotocol="streamlit")
            first = ForwardMsg()
            first.new_session.initialize.session_id = "tab-1"
            await socket.send_bytes(first.SerializeToString())
            with suppress(WebSocketDisconnect):
                while True:
                    data = await socket.receive_bytes()
                    await socket.send_bytes(b"rows for " + data)

        methods = ["GET", "POST", "PUT", "DELETE"]
        routes = [
            *sign_in_routes(),
            WebSocketRoute("/{path:path}", talk),
            Route("/{path:path}", answer, methods=methods),
        ]
        app = Guard(Starlette(routes=routes), self.looks_every)
        return TestClient(app, base_url, client=(address, 50000), follow_redirects=False)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path, Clock())
    made.write_users()
    monkeypatch.setenv(users.VARIABLE, str(made.users_file))
    monkeypatch.setenv("UPBOARD_JOURNAL", str(made.journal.path))
    monkeypatch.setattr(signed, "open_sessions", lambda: made.sessions)
    monkeypatch.setattr(passwords, "_HASHER", HASHER)
    monkeypatch.setattr(passwords, "_nobodys", cache(passwords._nobodys.__wrapped__))
    return made


def _form_token(client: TestClient) -> str:
    found = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
    assert found
    return found[1]


def _try(client: TestClient, login: str = "ann@example.com", password: str = PASSWORD, **more: str) -> int:
    return int(_posted(client, login, password, **more).status_code)


def _posted(client: TestClient, login: str = "ann@example.com", password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    data = {"form": _form_token(client), "login": login, "password": password, **more}
    return client.post("/sign-in", data=data)


# Coming in -----------------------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_page_that_was_asked_for(desk: Desk) -> None:
    client = desk.client()
    away = client.get("/people?person=Ann&grain=week")
    assert (away.status_code, away.headers["location"]) == (
        303,
        "/sign-in?next=%2Fpeople%3Fperson%3DAnn%26grain%3Dweek",
    )
    assert desk.reached == []
    answer = _posted(client, next="/people?person=Ann&grain=week")
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?person=Ann&grain=week")
    assert client.get("/people").text == "the customers of every store"
    assert client.get("/sign-in").status_code == 303


def test_the_cookie_is_for_the_server_alone(desk: Desk) -> None:
    said = _posted(desk.client()).headers.get_list("set-cookie")
    session = next(line for line in said if line.startswith(f"{COOKIE}="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Path=/" in session
    assert "Domain" not in session
    assert "Max-Age" not in session
    secure = _posted(desk.client("https://testserver"), "bob@example.com").headers.get_list("set-cookie")
    line = next(line for line in secure if line.startswith(f"__Host-{COOKIE}="))
    assert "Secure" in line


def test_behind_tls_a_cookie_that_a_plain_line_could_have_set_is_worth_nothing(desk: Desk) -> None:
    token = desk.sessions.begin(desk.user())
    client = desk.client("https://testserver")
    assert client.get("/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 303
    assert client.get("/", headers={"cookie": f"__Host-{COOKIE}={token}"}).status_code == 200


def test_a_wrong_password_and_an_unknown_login_look_alike(desk: Desk) -> None:
    answers = [_posted(desk.client(), login, "no such password") for login in ("ann@example.com", "eve@example.com")]
    texts = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert texts[0] == texts[1]
    assert [key for key in answers[0].headers if key != "set-cookie"] == [
        key for key in answers[1].headers if key != "set-cookie"
    ]


def test_a_user_without_a_password_does_not_come_in(desk: Desk) -> None:
    desk.users_file.write_text('[[user]]\nlogin = "ann@example.com"\nname = "A"\nrole = "administrator"\n')
    for password in ("", "None", PASSWORD):
        assert _try(desk.client(), password=password) == 401


# Forms of others -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "guessed"])
def test_a_form_that_is_not_ours_is_refused_before_the_password_is_looked_at(desk: Desk, token: str | None) -> None:
    client = desk.client()
    _form_token(client)
    data = {"login": "ann@example.com", "password": PASSWORD} | ({} if token is None else {"form": token})
    assert client.post("/sign-in", data=data).status_code == 403
    assert COOKIE not in client.cookies
    assert desk.journal.entries() == []


def test_a_form_without_its_cookie_is_refused(desk: Desk) -> None:
    token = _form_token(desk.client())
    data = {"form": token, "login": "ann@example.com", "password": PASSWORD}
    assert desk.client().post("/sign-in", data=data).status_code == 403
    assert desk.client().post("/sign-in", data={**data, "form": ""}).status_code == 403


def test_nobody_is_signed_out_by_a_link_or_by_another_sites_form(desk: Desk) -> None:
    client = desk.client()
    _posted(client)
    assert client.get("/sign-out").status_code == 200
    assert client.post("/sign-out", data={"form": "guessed"}).status_code == 403
    assert client.get("/").status_code == 200


# Where it leads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example.org/",
        "//evil.example.org/",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "///evil.example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example.org",
        "/\t/evil.example.org",
        "/\r\nSet-Cookie: upboard_session=x",
        "/\u2028x",
        "http:evil.example.org",
        "/sign-out",
        "/sign-in?next=/sign-in",
        "/" + "a" * 5000,
        "",
    ],
)
def test_no_address_leads_away_from_here(desk: Desk, asked: str) -> None:
    assert local_path(asked) == "/"
    answer = _posted(desk.client(), next=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")] == [COOKIE, "upboard_form"]


def test_a_page_here_with_its_filters_is_kept(desk: Desk) -> None:
    asked = "/person?person=O%27Brien%20%26%20Sons&store=North"
    assert local_path(asked) == asked
    assert _posted(desk.client(), next=asked).headers["location"] == asked


def test_what_was_typed_comes_back_as_text(desk: Desk) -> None:
    text = _posted(desk.client(), '"><script>alert(1)</script>', "x", next='/"><img src=x>').text
    assert "<script" not in text
    assert "<img" not in text


# Guessing ------------------------------------------------------------------------------------------------------------


def test_guessing_is_slowed_more_and_more_and_a_restart_forgets_nothing(desk: Desk) -> None:
    assert [_try(desk.client(), password="wrong") for _ in range(5)] == [401] * 5
    waits = []
    for _ in range(12):
        # A new client and new objects at every try: only the file remembers.
        answer = _posted(desk.client(), password=PASSWORD)
        assert answer.status_code == 429
        waits.append(int(answer.headers["retry-after"]))
        desk.clock.now += waits[-1]
        assert _try(desk.client(), password="wrong") == 401
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[-1] in {300, 301}


def test_the_right_password_after_the_wait_comes_in_and_wipes_the_slate(desk: Desk) -> None:
    for _ in range(5):
        _try(desk.client(), password="wrong")
    desk.clock.now += 2
    assert _try(desk.client()) == 303
    assert [_try(desk.client(), password="wrong") for _ in range(4)] == [401] * 4


def test_one_address_that_tries_many_logins_is_slowed_and_another_is_not(desk: Desk) -> None:
    guesser = desk.client(address="198.51.100.7")
    for number in range(FREE_TRIES["address"]):
        assert _try(guesser, f"user{number}@example.com", "wrong") == 401
    assert _try(guesser, "ann@example.com") == 429
    assert _try(desk.client(address="203.0.113.9")) == 303


def test_a_network_of_ipv6_counts_as_one_address(desk: Desk) -> None:
    for number in range(FREE_TRIES["address"]):
        client = desk.client(address=f"2001:db8::{number + 1:x}")
        assert _try(client, f"user{number}@example.com", "wrong") == 401
    assert _try(desk.client(address="2001:db8::ffff")) == 429
    assert _try(desk.client(address="2001:db8:0:1::1")) == 303


def test_many_tries_at_once_gain_nothing(desk: Desk) -> None:
    desk.sessions.alias("makes the file")
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: desk.sessions.admit("ann@example.com", "192.0.2.1"), range(16)))
    assert waits.count(0.0) == FREE_TRIES["login"]


def test_tries_are_forgotten_after_a_day(desk: Desk) -> None:
    for _ in range(9):
        desk.sessions.admit("ann@example.com", "192.0.2.1")
        desk.clock.now += 400
    desk.clock.now += 90_000
    assert [desk.sessions.admit("ann@example.com", "192.0.2.1") for _ in range(5)] == [0.0] * 5


def test_a_very_long_password_is_not_hashed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, same = [0], passwords._same

    def noted(text: str) -> str:
        seen.append(len(text))
        return same(text)

    monkeypatch.setattr(passwords, "_same", noted)
    assert _try(desk.client(), password="x" * 5000) == 401
    assert _try(desk.client(), password="x" * 1_000_000) == 413
    assert max(seen) <= passwords.LONGEST


@pytest.mark.parametrize("body", ["&" * 5000, "a=1&" * 500, "form=%ff%fe&login=%00", "login[]=x", "\x00\xff"])
def test_a_crooked_form_is_refused_and_breaks_nothing(desk: Desk, body: str) -> None:
    client = desk.client()
    _form_token(client)
    answer = client.post("/sign-in", content=body.encode("latin-1"))
    assert answer.status_code in {403, 413}


@pytest.mark.parametrize(
    "login", ["' or 1=1 --", "ann@example.com'; drop table session; --", '" union select key from secret --', "\ud800"]
)
def test_sql_in_the_login_finds_nobody(desk: Desk, login: str) -> None:
    assert _try(desk.client(), login.encode("utf-8", "replace").decode(), "' or '1'='1") == 401
    token = desk.sessions.begin(desk.user())
    assert desk.sessions.user(token, signed.users_now()) is not None


# Sessions ------------------------------------------------------------------------------------------------------------


def test_a_session_that_was_put_there_is_not_taken_over(desk: Desk) -> None:
    client = desk.client()
    client.cookies.set(COOKIE, "chosen-by-an-attacker")
    assert client.get("/").status_code == 303
    answer = _posted(client)
    assert "chosen-by-an-attacker" not in "".join(answer.headers.get_list("set-cookie"))
    assert desk.client().get("/", headers={"cookie": f"{COOKIE}=chosen-by-an-attacker"}).status_code == 303


def test_signing_in_again_ends_the_session_before(desk: Desk) -> None:
    client = desk.client()
    old = desk.sessions.begin(desk.user("bob"))
    client.cookies.set(COOKIE, old)
    data = {"form": _held_form(client), "login": "ann@example.com", "password": PASSWORD}
    assert client.post("/sign-in", data=data).status_code == 303
    assert desk.sessions.user(old, signed.users_now()) is None


def _held_form(client: TestClient) -> str:
    """The form is not shown to who is signed in; a tab may have it open from before."""
    client.cookies.set("upboard_form", "held-from-before")
    return "held-from-before"


def test_signing_out_ends_the_session_for_good(desk: Desk) -> None:
    client = desk.client()
    _posted(client)
    token = client.cookies[COOKIE]
    form = re.search(r'name="form" value="([^"]+)"', client.get("/sign-out").text)
    assert form
    answer = client.post("/sign-out", data={"form": form[1]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?out")
    assert COOKIE not in client.cookies
    assert desk.client().get("/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 303
    assert [(entry.kind, entry.who) for entry in desk.journal.entries()] == [
        ("signed_in", "ann@example.com"),
        ("signed_out", "ann@example.com"),
    ]


def test_a_session_ends_without_clicks_and_in_any_case_after_its_whole_time(desk: Desk) -> None:
    desk.write_users("[session]\nidle_hours = 2\nlongest_hours = 5\n\n")
    left_alone, used = desk.sessions.begin(desk.user()), desk.sessions.begin(desk.user())
    for hour in (1, 2, 3, 4):
        desk.clock.now += 3600
        assert (desk.sessions.user(used, signed.users_now()) is not None) == (hour < 5)
    assert desk.sessions.user(left_alone, signed.users_now()) is None
    desk.clock.now += 3600
    assert desk.sessions.user(used, signed.users_now()) is None


def test_looking_without_a_click_does_not_make_a_session_longer(desk: Desk) -> None:
    desk.write_users("[session]\nidle_hours = 1\n\n")
    token = desk.sessions.begin(desk.user())
    for _ in range(12):
        desk.clock.now += 299
        assert desk.sessions.user(token, signed.users_now(), is_click=False) is not None
    desk.clock.now += 299
    assert desk.sessions.user(token, signed.users_now(), is_click=False) is None


@pytest.mark.parametrize("change", ["password", "role", "stores", "user"])
def test_another_password_or_scope_and_leaving_end_a_session(desk: Desk, change: str) -> None:
    token = desk.sessions.begin(desk.user("bob"))
    desk.write_users()
    assert desk.sessions.user(token, signed.users_now()) is not None
    if change == "password":
        desk.write_users(kept=HASHER.hash(PASSWORD))
    elif change == "user":
        desk.write_users(names=("ann",))
    else:
        role = "marketing" if change == "role" else "administrator"
        text = desk.users_file.read_text().replace('"administrator"', f'"{role}"\nstores = ["North"]')
        desk.users_file.write_text(text)
    assert desk.sessions.user(token, signed.users_now()) is None


def test_the_file_holds_no_token_no_address_and_is_for_its_owner_alone(desk: Desk) -> None:
    client = desk.client()
    _try(client, "typed-by-mistake@example.net", "wrong")
    _posted(client)
    token = client.cookies[COOKIE]
    files = [path for path in desk.place.iterdir() if path.name.startswith("sessions.sqlite")]
    assert files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for secret in (token, "192.0.2.1", "typed-by-mistake", PASSWORD):
            assert secret.encode() not in path.read_bytes()


def test_a_token_that_was_made_up_is_nobodys(desk: Desk) -> None:
    token = desk.sessions.begin(desk.user())
    for forged in ("", token[:-1], token + "A", token.swapcase(), "\ud800", "x" * 100_000):
        assert desk.sessions.user(forged, signed.users_now()) is None


def test_a_newer_file_is_left_alone(desk: Desk) -> None:
    with sqlite3.connect(desk.sessions.path) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(SessionsError, match="version 99"):
        desk.sessions.begin(desk.user())


def test_logs_and_journal_name_nobody_but_known_users(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = desk.client(address="198.51.100.7")
    _try(client, "secret-typed-here@example.net", "my real password")
    _try(client, "ann@example.com", "my real password")
    _posted(client)
    written = caplog.text + "".join(f"{entry.who} {entry.note} {dict(entry.data)}" for entry in desk.journal.entries())
    for private in ("secret-typed-here", "my real password", PASSWORD, "198.51.100.7", client.cookies[COOKIE]):
        assert private not in written
    kinds = [(entry.kind, entry.who, entry.note) for entry in desk.journal.entries()]
    assert kinds == [
        ("sign_in_refused", "", "unknown login"),
        ("sign_in_refused", "ann@example.com", "wrong password"),
        ("signed_in", "ann@example.com", "by password"),
    ]


# The door ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 303),
        ("GET", "/overview", 303),
        ("GET", "/people/_stcore/health", 401),
        ("POST", "/", 401),
        ("GET", "/media/0123.csv", 401),
        ("PUT", "/_stcore/upload_file/session/file", 401),
        ("DELETE", "/_stcore/upload_file/session/file", 401),
        ("GET", "/_stcore/metrics", 401),
        ("POST", "/_stcore/agent/interact", 401),
        ("GET", "/static/js/index.js", 401),
        ("GET", "/healthz/../media/0123.csv", 401),
        ("GET", "/sign-in/../media/0123.csv", 401),
        ("GET", "//media/0123.csv", 401),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/_stcore/health", 200),
        ("GET", "/_stcore/host-config", 200),
    ],
)
def test_without_a_session_only_the_sign_in_and_the_health_are_open(
    desk: Desk, method: str, path: str, status: int
) -> None:
    assert desk.client().request(method, f"http://testserver{path}").status_code == status
    assert bool(desk.reached) == (status == 200)


def test_with_a_session_everything_is_open(desk: Desk) -> None:
    client = desk.client()
    client.cookies.set(COOKIE, desk.sessions.begin(desk.user()))
    for path in ("/", "/people", "/static/js/index.js", "/static/media/font.woff2"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_file_is_taken_only_from_who_loads_data_for_a_tab_of_their_own(desk: Desk, method: str) -> None:
    """Streamlit keeps whatever arrives in memory: anybody signed in could fill it, also from a page without uploads."""
    client, tokens = desk.client(), [desk.sessions.begin(desk.user(name)) for name in ("ann", "bob")]
    with _joined(client, tokens[0]) as socket:
        socket.receive_bytes()
    sent = [
        client.request(method, f"/_stcore/upload_file/{tab}/f1", headers={"cookie": f"{COOKIE}={token}"}).status_code
        for tab, token in (("tab-1", tokens[0]), ("tab-1", tokens[1]), ("tab-2", tokens[0]))
    ]
    assert sent == [200, 403, 403]


@pytest.mark.parametrize("role", ["general_manager", "crm_manager", "marketing", "salesperson"])
def test_a_role_that_loads_nothing_sends_no_file(desk: Desk, role: str) -> None:
    client = desk.client()
    text = desk.users_file.read_text(encoding="utf-8")
    desk.users_file.write_text(
        text.replace('role = "administrator"', f'role = "{role}"\nstores = ["North"]\nperson = "Ann"'), encoding="utf-8"
    )
    token = desk.sessions.begin(desk.user())
    with _joined(client, token) as socket:
        socket.receive_bytes()
    path = "/_stcore/upload_file/tab-1/f1"
    assert client.put(path, headers={"cookie": f"{COOKIE}={token}"}).status_code == 403
    assert path not in desk.reached


FILE = "/media/0123456789abcdef0123456789abcdef.csv"


def test_a_file_goes_only_to_the_session_whose_tab_was_told_of_it(desk: Desk) -> None:
    client, tokens = desk.client(), [desk.sessions.begin(desk.user(name)) for name in ("ann", "bob")]
    with _joined(client, tokens[0]) as socket:
        socket.receive_bytes()
        socket.send_bytes(FILE.encode() + b"2 and what follows it in the message")
        socket.receive_bytes()
    seen = [client.get(FILE, headers={"cookie": f"{COOKIE}={token}"}).status_code for token in tokens]
    assert seen == [200, 404]
    desk.sessions.end(tokens[0])
    assert client.get(FILE, headers={"cookie": f"{COOKIE}={tokens[0]}"}).status_code == 401


def test_what_a_session_was_told_of_is_remembered_within_bounds() -> None:
    door = Guard(Starlette())
    for number in range(guard._KNOWN_FILES + 5):
        door.note_files(f"/media/{number:032x}.csv".encode(), "token")
    assert len(door._files) == guard._KNOWN_FILES
    assert ("token", f"{guard._KNOWN_FILES + 4:032x}") in door._files


def test_where_nobody_signs_in_the_door_is_open(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv(users.VARIABLE)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert desk.client().get("/").status_code == 200


@pytest.mark.parametrize("text", ["[[user", 'sign_in = "magic"', None])
def test_a_file_of_users_that_cannot_be_used_lets_nobody_in(desk: Desk, text: str | None) -> None:
    client = desk.client()
    client.cookies.set(COOKIE, desk.sessions.begin(desk.user()))
    desk.users_file.unlink()
    if text is not None:
        desk.users_file.write_text(text, encoding="utf-8")
    assert client.get("/").status_code == 503
    assert client.get("/sign-in").status_code == 503
    assert str(desk.place) not in client.get("/sign-in").text
    assert client.get("/healthz").status_code == 200


def _redirect(data: bytes) -> str:
    return str(ForwardMsg.FromString(data).auth_redirect.url)


@pytest.mark.parametrize("cookie", [None, f"{COOKIE}=forged"])
def test_a_web_socket_without_a_session_is_told_where_to_go_and_nothing_else(desk: Desk, cookie: str | None) -> None:
    headers = {"cookie": cookie} if cookie else {}
    with desk.client().websocket_connect(SIGNED_STREAMLIT, ["streamlit", "xsrf"], headers=headers) as socket:
        assert _redirect(socket.receive_bytes()) == "/sign-in"
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_bytes()
    assert caught.value.code == SIGNED_OUT_CODE
    assert desk.reached == []


def _joined(client: TestClient, token: str, *protocols: str):  # type: ignore[no-untyped-def]
    return client.websocket_connect(
        SIGNED_STREAMLIT, ["streamlit", *protocols], headers={"cookie": f"{COOKIE}={token}"}
    )


def test_a_web_socket_is_cut_at_the_first_message_after_its_session_ended(desk: Desk) -> None:
    token = desk.sessions.begin(desk.user())
    with _joined(desk.client(), token) as socket:
        socket.receive_bytes()
        socket.send_bytes(b"page 1")
        assert socket.receive_bytes() == b"rows for page 1"
        signed.left(token)
        socket.send_bytes(b"page 2")
        assert _redirect(socket.receive_bytes()) == "/sign-in"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_bytes()


def test_a_tab_that_nobody_touches_is_sent_away_soon_after_its_session_ended(desk: Desk) -> None:
    desk.looks_every = 0.05
    token = desk.sessions.begin(desk.user())
    with _joined(desk.client(), token) as socket:
        socket.receive_bytes()
        signed.left(token)
        assert _redirect(socket.receive_bytes()) == "/sign-in"


def test_a_tab_goes_on_only_in_the_session_that_opened_it(desk: Desk) -> None:
    client = desk.client()
    anns, bobs = desk.sessions.begin(desk.user("ann")), desk.sessions.begin(desk.user("bob"))
    with _joined(client, anns, "xsrf") as socket:
        socket.receive_bytes()
    for token in (anns, bobs):
        with _joined(client, token, "xsrf", "tab-1") as socket:
            socket.receive_bytes()
    assert desk.reached == ["stream streamlit, xsrf", "stream streamlit, xsrf, tab-1", "stream streamlit, xsrf"]


# OpenID Connect ------------------------------------------------------------------------------------------------------

SECRET = "a secret that is only for this test and long enough"


@pytest.fixture
def provided(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk.write_users('sign_in = "openid"\n')
    monkeypatch.setattr(openid, "_auth", lambda: {"client_id": "upboard", "cookie_secret": SECRET})
    monkeypatch.setattr(openid, "get_cookie_secret", lambda: SECRET)
    return desk


def _claims(desk: Desk, **changes: object) -> dict[str, object]:
    found: dict[str, object] = {"email": "Ann@example.com", "email_verified": True, "iat": desk.clock.now}
    return {"is_logged_in": True, "origin": "http://testserver", "provider": "default", **found, **changes}


def _cookie(claims: object, secret: str = SECRET) -> dict[str, str]:
    name = "_streamlit_user"
    return {name: create_signed_value(secret, name, json.dumps(claims)).decode()}


def _seen(desk: Desk, cookies: dict[str, str]) -> str | None:
    found = openid.user(openid.identity(cookies), signed.users_now())
    return found.login if found else None


def test_whom_the_provider_vouches_for_is_the_user_of_that_address(provided: Desk) -> None:
    cookies = _cookie(_claims(provided))
    assert [_seen(provided, cookies) for _ in range(3)] == ["ann@example.com"] * 3
    assert [entry.kind for entry in provided.journal.entries()] == ["signed_in"]


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "eve@example.com"},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": 0},
        {"email": None},
        {"email": ["ann@example.com"]},
        {"email": "ann@example.com\n"},
        {"iat": None},
        {"iat": True},
        {"iat": "1800000000"},
        {"is_logged_in": False},
        {"is_logged_in": "yes"},
    ],
)
def test_every_other_claim_is_nobodys(provided: Desk, changes: dict[str, object]) -> None:
    if changes.get("email") == "ann@example.com\n":
        # Spaces around an address do not make another one.
        assert _seen(provided, _cookie(_claims(provided, **changes))) == "ann@example.com"
        return
    assert _seen(provided, _cookie(_claims(provided, **changes))) is None


def test_a_cookie_that_another_secret_signed_is_nobodys(provided: Desk) -> None:
    assert _seen(provided, _cookie(_claims(provided), "another secret, just as long as the right one")) is None
    for forged in ("", "a.b.c", "chunks-9", "\u20ac", json.dumps(_claims(provided))):
        assert _seen(provided, {"_streamlit_user": forged}) is None
    assert _seen(provided, _cookie("no object")) is None


def test_a_cookie_of_another_name_does_not_stand_in(provided: Desk) -> None:
    signed_tokens = create_signed_value(SECRET, "_streamlit_user_tokens", json.dumps(_claims(provided))).decode()
    assert _seen(provided, {"_streamlit_user": signed_tokens}) is None


def test_a_sign_in_that_ended_does_not_come_again_with_its_cookie(provided: Desk) -> None:
    cookies = _cookie(_claims(provided))
    assert _seen(provided, cookies)
    found = openid.identity(cookies)
    assert found
    signed.left(found.token)
    assert _seen(provided, cookies) is None
    provided.clock.now += 31 * 86400
    assert _seen(provided, cookies) is None


def test_an_old_cookie_that_was_never_seen_here_does_not_begin_a_session(provided: Desk) -> None:
    assert _seen(provided, _cookie(_claims(provided, iat=provided.clock.now - 13 * 3600))) is None
    assert _seen(provided, _cookie(_claims(provided, iat=provided.clock.now + 86400 * 365))) == "ann@example.com"
    provided.clock.now += 13 * 3600
    assert _seen(provided, _cookie(_claims(provided, iat=provided.clock.now - 13 * 3600))) is None


def test_who_is_refused_is_written_down_once_and_by_no_name(provided: Desk) -> None:
    cookies = _cookie(_claims(provided, email="eve@example.net"))
    assert [_seen(provided, cookies) for _ in range(5)] == [None] * 5
    entries = provided.journal.entries()
    assert [entry.kind for entry in entries] == ["sign_in_refused"]
    assert "eve" not in f"{entries[0]}"


def test_by_openid_downloads_and_uploads_are_shut_and_the_empty_page_is_open(provided: Desk) -> None:
    client = provided.client()
    for path in ("/media/0123.csv", "/_stcore/upload_file/a/b", "/_stcore/metrics", "/app/static/x"):
        assert client.get(path).status_code == 401
    assert client.put("/_stcore/upload_file/a/b").status_code == 401
    assert provided.reached == []
    assert client.get("/").status_code == 200
    assert client.get("/static/js/index.js").status_code == 200
    assert client.get("/static/media/font.woff2").status_code == 200
    header = "; ".join(f"{name}={value}" for name, value in _cookie(_claims(provided)).items())
    with client.websocket_connect(SIGNED_STREAMLIT, ["streamlit"], headers={"cookie": header}) as socket:
        socket.receive_bytes()
        socket.send_bytes(FILE.encode())
        socket.receive_bytes()
    assert client.get("/media/0123.csv", headers={"cookie": header}).status_code == 404
    assert client.get(FILE, headers={"cookie": header}).status_code == 200
    client.get("/auth/logout", headers={"cookie": header})
    assert client.get(FILE, headers={"cookie": header}).status_code == 401


def test_by_openid_a_web_socket_of_nobody_never_goes_on_in_another_tabs_state(provided: Desk) -> None:
    with provided.client().websocket_connect(SIGNED_STREAMLIT, ["streamlit", "xsrf", "tab-1"]) as socket:
        socket.receive_bytes()
    assert provided.reached == ["stream streamlit, xsrf"]


def test_a_secret_short_enough_to_guess_is_refused(provided: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "get_cookie_secret", lambda: "xxx")
    with pytest.raises(users.UsersError, match="could be forged"):
        openid.providers()
    assert provided.client().get("/media/0123.csv").status_code == 503


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers"])
def test_a_provider_of_everybodys_addresses_is_refused(
    provided: Desk, monkeypatch: pytest.MonkeyPatch, tenant: str
) -> None:
    address = f"https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration"
    monkeypatch.setattr(openid, "_auth", lambda: {"microsoft": {"client_id": "x", "server_metadata_url": address}})
    with pytest.raises(users.UsersError, match="every company"):
        openid.providers()
    assert provided.client().get("/media/0123.csv").status_code == 503


def test_the_providers_are_offered_by_their_names(provided: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert openid.providers() == ("default",)
    both = {"google": {"client_id": "a"}, "microsoft": {"client_id": "b"}, "redirect_uri": "x"}
    monkeypatch.setattr(openid, "_auth", lambda: both)
    assert openid.providers() == ("google", "microsoft")
    monkeypatch.setattr(openid, "_auth", dict)
    with pytest.raises(users.UsersError, match="no provider is named"):
        openid.providers()


# What a page sees ----------------------------------------------------------------------------------------------------

SCRIPT = """
import streamlit as st
from pages import sign_in
user = sign_in.require()
sign_in.draw_who(user)
st.write(f"rows of {user.login or 'everybody'}")
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], AppTest]:
    def go(cookies: dict[str, str]) -> AppTest:
        monkeypatch.setattr(sign_in, "_cookies", lambda: cookies)
        return AppTest.from_string(SCRIPT, default_timeout=60).run()

    return go


def test_a_page_runs_for_who_is_signed_in_and_the_button_ends_it(
    desk: Desk, run: Callable[[dict[str, str]], AppTest]
) -> None:
    token = desk.sessions.begin(desk.user())
    app = run({COOKIE: token})
    assert app.markdown[0].value == "rows of ann@example.com"
    app.button(key="sign_out").click().run()
    assert not any("rows of" in part.value for part in app.markdown)
    assert desk.sessions.user(token, signed.users_now()) is None


@pytest.mark.parametrize("cookies", [{}, {COOKIE: "forged"}])
def test_a_page_runs_for_nobody_else(
    desk: Desk, run: Callable[[dict[str, str]], AppTest], cookies: dict[str, str]
) -> None:
    app = run(cookies)
    assert not app.exception
    assert not app.markdown
    assert "/sign-in" in app.info[0].value


def test_a_page_says_nothing_of_why_the_files_cannot_be_used(
    desk: Desk, run: Callable[[dict[str, str]], AppTest]
) -> None:
    desk.users_file.unlink()
    app = run({COOKIE: "x"})
    assert not app.exception
    assert not app.markdown
    assert str(desk.place) not in app.error[0].value


def test_where_nobody_signs_in_a_page_runs_for_everybody(
    desk: Desk,
    run: Callable[[dict[str, str]], AppTest],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.delenv(users.VARIABLE)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    app = run({})
    assert app.markdown[0].value == "rows of everybody"
    assert sign_in.current() is EVERYBODY
    assert not app.button


def test_a_name_is_shown_as_text(desk: Desk, run: Callable[[dict[str, str]], AppTest]) -> None:
    text = desk.users_file.read_text().replace('name = "ann"', 'name = "**Ann** <b>[x](https://example.org)"')
    desk.users_file.write_text(text)
    app = run({COOKIE: desk.sessions.begin(desk.user())})
    assert "\\*\\*Ann\\*\\*" in app.caption[0].value
    assert "[x](" not in app.caption[0].value
