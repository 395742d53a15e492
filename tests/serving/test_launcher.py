from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pages.serving import Serving, ServingError, check, is_loopback, refusal
from tests.serving.conftest import PATIENCE, ROOT, Launched, Start, free_port, launched, wait_until

LOOPBACK = ["127.0.0.1", "127.8.8.8", "localhost", "::1"]
OPEN = ["0.0.0.0", "::", "", None, "192.0.2.7", "upboard.example.com", "::ffff:192.0.2.7", "unix:///run/upboard"]


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_may_look_without_sign_in(address: str) -> None:
    assert is_loopback(address)
    assert refusal(address, is_guarded=False) is None


@pytest.mark.parametrize("address", OPEN)
def test_others_may_look_only_where_people_sign_in(address: str | None) -> None:
    said = refusal(address, is_guarded=False)
    assert said is not None
    assert "nobody signs in" in said
    assert "Hint: configure sign-in" in said
    assert refusal(address, is_guarded=True) is None


def test_a_proxy_needs_sign_in_also_before_a_server_on_loopback() -> None:
    with pytest.raises(ServingError, match=r"(?s)through a proxy.*Hint: Configure sign-in"):
        check(Serving(proxies=("127.0.0.1",)), is_guarded=False)
    check(Serving(proxies=("127.0.0.1",), hosts=("upboard.example.com",)), is_guarded=True)


def test_a_name_beyond_this_machine_needs_sign_in() -> None:
    with pytest.raises(ServingError, match="nobody signs in"):
        check(Serving(hosts=("upboard.example.com",)), is_guarded=False)
    check(Serving(hosts=("localhost", "127.0.0.1")), is_guarded=False)


def test_listening_everywhere_needs_names() -> None:
    with pytest.raises(ServingError, match=r"(?s)names by which people reach.*Hint: Add --hosts"):
        check(Serving(address="0.0.0.0"), is_guarded=True)
    check(Serving(address="192.0.2.7"), is_guarded=True)


@pytest.mark.parametrize("host", ["*", "*.", "https://a.example.com", "a.example.com/x", "a.example.com:8501", "a b"])
def test_a_host_is_a_bare_name(host: str) -> None:
    with pytest.raises(ServingError, match="is no host name"):
        check(Serving(hosts=(host,)), is_guarded=True)


@pytest.mark.parametrize("host", ["a.example.com", "*.example.com", "192.0.2.7", "2001:db8::7"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    check(Serving(hosts=(host,)), is_guarded=True)


@pytest.mark.parametrize("proxy", ["*", "proxy.example.com", "10.0.0.0/33"])
def test_a_proxy_is_an_address_or_a_network(proxy: str) -> None:
    with pytest.raises(ServingError, match="no address or network"):
        check(Serving(proxies=(proxy,), hosts=("a.example.com",)), is_guarded=True)


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pages", "serve", *options]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_the_command_refuses_every_address_and_says_why(warehouse: Path) -> None:
    ended = run("--address", "0.0.0.0", "--hosts", "upboard.example.com", "--warehouse", str(warehouse))
    assert ended.returncode == 2
    assert "while nobody signs in" in ended.stderr
    assert "Hint: configure sign-in first" in ended.stderr


def test_a_port_that_is_taken_is_said(server: Launched, warehouse: Path) -> None:
    ended = run("--port", str(server.port), "--warehouse", str(warehouse))
    assert ended.returncode == 2
    assert f"port {server.port}: Address already in use" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_tidily_and_says_so_once(warehouse: Path, tmp_path: Path, number: signal.Signals) -> None:
    with launched(warehouse, tmp_path / "log") as server:
        server.process.send_signal(number)
        assert server.process.wait(timeout=PATIENCE) == 0
    lines = [line for line in server.said().splitlines() if "upboard" in line or "serving" in line or "stopped" in line]
    assert len(lines) == 2
    assert f"serving http://127.0.0.1:{server.port}, warehouse {warehouse}, sign-in off" in lines[0]
    assert f"stopped by {number.name}" in lines[1]


def test_it_ends_tidily_also_while_the_first_page_is_made_ready(warehouse: Path, tmp_path: Path) -> None:
    with launched(warehouse, tmp_path / "log", is_warmed=True) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
    assert [line for line in server.said().splitlines() if "WARNING" in line or "ScriptRunContext" in line] == []


def test_once_it_is_warm_it_ends_without_a_word_of_its_libraries(warehouse: Path, tmp_path: Path) -> None:
    with launched(warehouse, tmp_path / "log", is_warmed=True) as server:
        wait_until(lambda: "warm after" in server.said())
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=PATIENCE) == 0
    assert [line for line in server.said().splitlines() if line and not re.match(r"\d{4}-\d\d-\d\dT", line)] == []


def test_a_signal_while_it_still_starts_ends_it_too(warehouse: Path) -> None:
    command = [sys.executable, "-m", "pages", "serve", "--port", str(free_port()), "--warehouse", str(warehouse)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) in {0, -signal.SIGTERM}


# Health ---------------------------------------------------------------------------------------------------------------


def test_a_ready_server_tells_the_age_of_the_data_and_no_names(server: Launched, warehouse: Path) -> None:
    answer = server.ask("/readyz")
    found = json.loads(answer.text)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(found) == {"is_ready", "snapshot", "built_at", "stores", "data_as_of", "data_age_hours"}
    assert found["snapshot"] == (warehouse / "CURRENT").read_text(encoding="utf-8").strip()
    assert found["stores"] == 1
    assert found["data_age_hours"] >= 0


def test_without_a_snapshot_it_is_alive_and_not_ready_until_one_is_published(
    start: Start, warehouse: Path, tmp_path: Path
) -> None:
    place = tmp_path / "secret_place"
    server = start(place)
    assert server.ask("/healthz").status == 200
    answer = server.ask("/readyz")
    assert answer.status == 503
    assert json.loads(answer.text) == {
        "is_ready": False,
        "reason": "No snapshot opens. The server's log says more.",
    }
    server.ask("/readyz")
    assert server.said().count("not ready: There is no data") == 1
    shutil.copytree(warehouse, place)
    assert server.ask("/readyz").status == 200
    (place / "CURRENT").write_text("../elsewhere", encoding="utf-8")
    assert server.ask("/readyz").status == 503


def test_a_damaged_snapshot_is_not_ready(start: Start, warehouse: Path, tmp_path: Path) -> None:
    shutil.copytree(warehouse, tmp_path / "damaged")
    file = tmp_path / "damaged" / (warehouse / "CURRENT").read_text(encoding="utf-8").strip()
    file.write_bytes(file.read_bytes()[:5000])
    assert start(tmp_path / "damaged").ask("/readyz").status == 503


# Behind TLS -----------------------------------------------------------------------------------------------------------

USERS = """
[[user]]
login = "ada@example.com"
name = "Ada Reyes"
role = "administrator"
"""


@pytest.fixture(scope="module")
def proxied(start: Start, warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    users = tmp_path_factory.mktemp("users") / "users.toml"
    users.write_text(USERS, encoding="utf-8")
    users.chmod(0o600)
    options = ("--hosts", "upboard.example.com", "--proxy", "127.0.0.1")
    return start(warehouse, *options, UPBOARD_USERS=str(users))


def test_behind_tls_every_cookie_is_secure_and_the_browser_stays_with_tls(proxied: Launched) -> None:
    answer = proxied.ask("/sign-in", host_="upboard.example.com", x_forwarded_proto="https")
    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.cookies
    assert all("; secure" in cookie.lower() for cookie in answer.cookies)


def test_where_people_sign_in_the_two_checks_still_answer_everybody(proxied: Launched) -> None:
    assert proxied.ask("/healthz").status == 200
    assert proxied.ask("/readyz").status == 200


def test_a_proxy_that_is_not_named_is_not_believed(start: Start, warehouse: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.toml"
    users.write_text(USERS, encoding="utf-8")
    users.chmod(0o600)
    server = start(warehouse, "--proxy", "192.0.2.1", UPBOARD_USERS=str(users))
    assert "strict-transport-security" not in server.ask("/sign-in", x_forwarded_proto="https").headers
