"""The proxy of docs/serve.md for real: nginx with TLS before the launcher, as its example says word for word."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
import trustme
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.serving.conftest import ROOT, Launched, Start, free_port, wait_until

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light, then make test")
DONE = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
NAME = "localhost"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Site:
    """Upboard as people reach it: by TLS, through nginx, under its name."""

    port: int
    upboard: Launched
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        """Its address, as typed."""
        return f"https://{NAME}:{self.port}"


@pytest.fixture(scope="module")
def site(start: Start, warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place, port, plain = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    users = place / "users.toml"
    add = ["user", "add", "ada@example.com", "--name", "Ada Reyes", "--role", "administrator", "--users", str(users)]
    subprocess.run([sys.executable, "-m", "pages", *add], cwd=ROOT, input=PASSWORD, text=True, check=True)
    upboard = start(warehouse, "--hosts", NAME, "--proxy", "127.0.0.1", UPBOARD_USERS=str(users))
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(place / "site.pem")
    file = place / "nginx.conf"
    file.write_text(configuration(place, port, plain, upboard.port), encoding="utf-8")
    command = [str(NGINX), "-p", str(place), "-c", str(file), "-e", str(place / "error.log")]
    with subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_up(f"https://{NAME}:{port}/healthz", trust))
            yield Site(port, upboard, trust)
        finally:
            process.terminate()


def configuration(place: Path, port: int, plain: int, upboard: int) -> str:
    """The example of the docs with the ports and files of this test, in a frame that writes to one folder."""
    docs = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    example = docs[docs.index("    map $http_upgrade") : docs.index("Caddy (")]
    here = {
        r"listen 443": f"listen 127.0.0.1:{port}",
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"upboard\.example\.com": NAME,
        r"/etc/ssl/upboard/\w+\.pem": str(place / "site.pem"),
        r"127\.0\.0\.1:8501": f"127.0.0.1:{upboard}",
    }
    for words, own in here.items():
        example, count = re.subn(words, own, example)
        assert count, f"docs/serve.md lacks {words}"
    folders = "".join(
        f"{name}_temp_path {place}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"pid {place}/pid; events {{}} http {{ access_log off; {folders} {example} }}"


def is_up(url: str, trust: ssl.SSLContext) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, context=trust, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def browser(site: Site) -> tuple[urllib.request.OpenerDirector, CookieJar]:
    jar = CookieJar()
    handlers = urllib.request.HTTPSHandler(context=site.trust), urllib.request.HTTPCookieProcessor(jar)
    return urllib.request.build_opener(*handlers), jar


def signed_in(site: Site) -> CookieJar:
    """The cookies of somebody who signed in by the form."""
    opener, jar = browser(site)
    with opener.open(f"{site.url}/sign-in") as answer:
        form = answer.read().decode()
    token = re.search(r'name="form" value="([^"]+)"', form)
    assert token is not None
    fields = {"form": token[1], "next": "/", "login": "ada@example.com", "password": PASSWORD}
    request = urllib.request.Request(f"{site.url}/sign-in", urlencode(fields).encode(), {"Origin": site.url})
    with opener.open(request) as answer:
        assert answer.status == 200
    return jar


def opened(site: Site, cookies: CookieJar | None = None) -> ClientConnection:
    lines = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies or ())}
    return connect(
        f"wss://{NAME}:{site.port}/_stcore/stream",
        ssl=site.trust,
        origin=Origin(site.url),
        additional_headers=lines if cookies else {},
        max_size=None,
    )


def asks() -> BackMsg:
    """What a tab says first."""
    asked = BackMsg()
    asked.rerun_script.query_string = "period=all+data"
    return asked


def test_who_is_not_signed_in_comes_to_the_form(site: Site) -> None:
    opener, jar = browser(site)
    with opener.open(f"{site.url}/people?period=all+data") as answer:
        assert answer.url.startswith(f"{site.url}/sign-in?next=")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert {cookie.secure for cookie in jar} == {True}
    with opened(site) as socket:
        assert ForwardMsg.FromString(socket.recv(timeout=60, decode=False)).WhichOneof("type") == "auth_redirect"
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=60)


def test_who_signed_in_gets_the_page_through_the_web_socket(site: Site) -> None:
    with opened(site, signed_in(site)) as socket:
        socket.send(asks().SerializeToString())
        kinds, is_over = set(), False
        while not is_over:
            message = ForwardMsg.FromString(socket.recv(timeout=120, decode=False))
            kinds.add(str(message.WhichOneof("type")))
            # A script that begins anew ends too, but otherwise.
            is_over = message.HasField("script_finished") and message.script_finished == DONE
            assert not message.delta.new_element.HasField("exception")
    assert {"new_session", "navigation", "delta"} <= kinds


def test_a_page_of_another_origin_gets_nothing_through_it(site: Site) -> None:
    lines = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in signed_in(site))}
    foreign = Origin("https://example.com")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"wss://{NAME}:{site.port}/_stcore/stream", ssl=site.trust, origin=foreign, additional_headers=lines)
    assert refused.value.response.status_code == 403


def test_a_name_that_is_not_upboards_is_refused_behind_it_too(site: Site) -> None:
    request = urllib.request.Request(f"{site.url}/healthz", headers={"Host": "example.com"})
    with pytest.raises(HTTPError) as refused:
        browser(site)[0].open(request)
    refused.value.close()
    assert refused.value.code == 400
