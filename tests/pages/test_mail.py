"""Letters on their way: sent to a real mail server on this machine, encrypted and signed in, and every way to fail."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from pages.mail import PASSWORD, Mail, MailError, letter, read_mail, send
from pages.sheet import Bar, Bars, Lines, Sheet, Table

SECRET = "s3cret-of-the-server"
SHEET = Sheet(
    "Upboard for the general manager: week of 16 Nov",
    "Four weeks",
    ("Closing rose 3 points.",),
    (
        Lines("What to do", ("Call 12 customers.",), is_ticked=True, page="worklist"),
        Bars("Rates", (Bar("Contact rate", "61.0% (61 of 100)", 0.61, 0.51, 0.7),), page="overview"),
        Table("Numbers", ("", "this week"), (("Leads", "252"),), numbers=(1,)),
    ),
    "Data as of 22 Nov.",
)


class Box:
    """A mailbox that keeps what it is handed and refuses whom it does not know."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.was_encrypted: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 no such reader here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.was_encrypted.append(session.ssl is not None)
        return "250 OK"

    def message(self) -> EmailMessage:
        content = self.envelopes[-1].content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, policy=default)
        assert isinstance(found, EmailMessage)
        return found


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    # Not handled: the server still says so to the client.
    return AuthResult(handled=False, success=data.login == b"upboard" and data.password == SECRET.encode())


Serve = Callable[..., int]


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve(box: Box, authority: trustme.CA) -> Iterator[Serve]:
    """Start a mail server on a free port; `is_safe` asks for encryption and a password."""
    started: list[Controller] = []

    def start(*, is_safe: bool = False) -> int:
        options: dict[str, Any] = {}
        if is_safe:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
            options = {"tls_context": context, "require_starttls": True, "auth_required": True}
            options |= {"authenticator": _let_in}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        controller = Controller(box, hostname="127.0.0.1", port=port, **options)
        controller.start()
        started.append(controller)
        return port

    yield start
    for controller in started:
        controller.stop()


def mail(port: int, **changes: Any) -> Mail:
    loose: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from": "Upboard <upboard@example.com>",
        "to": {"gm": ["Gail Manager <gail@example.com>", "max@example.org"]},
    }
    return Mail.model_validate(loose | changes)


def test_a_letter_arrives_as_plain_text_and_as_html(serve: Serve, box: Box) -> None:
    assert send(mail(serve(), base_url="http://upboard.example:8501/"), "gm", SHEET) == (
        "Gail Manager <gail@example.com>",
        "max@example.org",
    )
    assert box.envelopes[0].rcpt_tos == ["gail@example.com", "max@example.org"]
    assert box.message()["Subject"] == SHEET.title
    assert (box.message()["From"], box.message()["Auto-Submitted"]) == (
        "Upboard <upboard@example.com>",
        "auto-generated",
    )
    assert box.message().get_content_type() == "multipart/alternative"
    plain, html = [part.get_content() for part in box.message().iter_parts()]
    for shown in (plain, html):
        for words in ("Closing rose 3 points.", "Call 12 customers.", "61.0% (61 of 100)", "252", "Data as of 22 Nov."):
            assert words in shown
        assert "http://upboard.example:8501/worklist" in shown


def test_a_letter_is_sent_encrypted_and_signed_in(
    serve: Serve, box: Box, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.pem"
    authority.cert_pem.write_to_path(own)
    monkeypatch.setenv(PASSWORD, SECRET)
    safe = mail(serve(is_safe=True), security="starttls", user="upboard", ca_file=own)
    assert len(send(safe, "gm", SHEET)) == 2
    assert box.was_encrypted == [True]


def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    serve: Serve,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own.pem"
    authority.cert_pem.write_to_path(own)
    monkeypatch.setenv(PASSWORD, "another-s3cret")
    safe = mail(serve(is_safe=True), security="starttls", user="upboard", ca_file=own)
    with pytest.raises(MailError, match=r"did not let upboard in \(code 535\)") as caught:
        send(safe, "gm", SHEET)
    assert f"Check user and {PASSWORD}" in str(caught.value)
    assert "another-s3cret" not in str(caught.value) + str(caught.value.__cause__) + "".join(capfd.readouterr())


def test_a_user_without_a_password_is_told_where_it_belongs(
    serve: Serve, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.pem"
    authority.cert_pem.write_to_path(own)
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(MailError, match=f"Set {PASSWORD} in the environment"):
        send(mail(serve(is_safe=True), security="starttls", user="upboard", ca_file=own), "gm", SHEET)


def test_a_server_that_nobody_vouches_for_gets_no_letter(serve: Serve, box: Box) -> None:
    with pytest.raises(MailError, match=r"cannot be trusted: CERTIFICATE_VERIFY_FAILED[\s\S]*ca_file"):
        send(mail(serve(is_safe=True), security="starttls"), "gm", SHEET)
    assert not box.envelopes


def test_a_server_that_cannot_encrypt_gets_no_letter(serve: Serve, box: Box) -> None:
    with pytest.raises(MailError, match=r"did not take the letter: STARTTLS[\s\S]*Hint: Check port and security"):
        send(mail(serve(), security="starttls"), "gm", SHEET)
    assert not box.envelopes


def test_a_refused_reader_is_named_and_the_others_get_theirs(serve: Serve, box: Box) -> None:
    some = {"gm": ["gone@example.com", "max@example.org"]}
    with pytest.raises(MailError, match=r"refused gone@example.com \(550 5.1.1 no such reader here\). The other 1 got"):
        send(mail(serve(), to=some), "gm", SHEET)
    assert box.envelopes[0].rcpt_tos == ["max@example.org"]


def test_only_refused_readers_are_an_error_too(serve: Serve, box: Box) -> None:
    with pytest.raises(
        MailError, match=r"refused gone@example.com \(550 5.1.1 no such reader here\)\.\n\nHint: Correct"
    ):
        send(mail(serve(), to={"gm": ["gone@example.com"]}), "gm", SHEET)
    assert not box.envelopes


def test_a_server_that_is_down_is_said_with_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MailError, match=rf"127.0.0.1:{port} cannot be reached[\s\S]*Hint: Is it running"):
        send(mail(port), "gm", SHEET)


def test_a_letter_without_readers_says_where_they_belong() -> None:
    with pytest.raises(MailError, match=r"Nobody gets the letter for marketing[\s\S]*\[mail.to\], marketing"):
        send(mail(1), "marketing", SHEET)


def test_a_title_cannot_add_a_header() -> None:
    hostile = Sheet("Week\r\nBcc: everybody@example.com", "", (), ())
    message = letter(mail(1), ("gail@example.com",), hostile)
    assert message["Bcc"] is None
    assert message["Subject"] == "Week Bcc: everybody@example.com"


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_mail_is_read_from_the_settings(tmp_path: Path) -> None:
    text = '[mail]\nhost = "mail.example.com"\nfrom = "upboard@example.com"\n[mail.to]\ngm = ["gail@example.com"]\n'
    found = read_mail(settings_file(tmp_path, text))
    assert found is not None
    assert (found.port, found.security, found.to.gm, found.to.marketing) == (587, "starttls", ("gail@example.com",), ())


def test_settings_without_mail_and_no_settings_at_all_mean_no_mail(tmp_path: Path) -> None:
    assert read_mail(settings_file(tmp_path, "[sale]\n")) is None
    assert read_mail(tmp_path / "none.toml") is None


HEAD = '[mail]\nhost = "h"\nfrom = "a@example.com"\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[mail]\nfrom = "a@example.com"\n', "mail.host: Field required"),
        ('[mail]\nhost = "h"\nfrom = "nobody"\n', 'mail.from: "nobody" is not an address'),
        (HEAD + "port = 0\n", "mail.port"),
        (HEAD + 'security = "ssl"\n', "mail.security"),
        (HEAD + 'user = "u"\nsecurity = "none"\n', "a user signs in only over an encrypted line"),
        (HEAD + 'password = "p"\n', "mail.password: Extra inputs are not permitted"),
        (HEAD + 'base_url = "javascript:alert(1)"\n', "mail.base_url"),
        (HEAD + '[mail.to]\ngm = ["a@example.com, b@example.com"]\n', "mail.to.gm.0"),
        (HEAD + '[mail.to]\nboss = ["a@example.com"]\n', "mail.to.boss"),
        ("[mail", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(MailError) as caught:
        read_mail(settings_file(tmp_path, text))
    assert place in str(caught.value)
    assert "Hint: " in str(caught.value)
