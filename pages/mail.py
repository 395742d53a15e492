"""Sends a letter by mail: the part [mail] of settings.toml, and one conversation with the mail server that it names.

The loader lets [mail] stand and does not look inside; it is checked here alone, so that a wrong address never keeps
numbers from being loaded. The password comes from the environment (UPBOARD_SMTP_PASSWORD) and is in no file, no log
and no error.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pages.letter import write_html, write_text
from pages.sheet import Sheet

PASSWORD: Final = "UPBOARD_SMTP_PASSWORD"  # noqa: S105  # the name of the variable, not a password
_WAITS_SECONDS: Final = 30


class MailError(Exception):
    """A letter could not be sent: what, where, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n\nHint: {hint}")


def _checked_address(text: str) -> str:
    name, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    is_whole = at and local and domain and not any(sign.isspace() for sign in address)
    if not is_whole or any(sign in text for sign in "\r\n,") or not (name or text.strip("<> ") == address):
        raise ValueError(f'"{text}" is not an address; write "name@example.com" or "Name <name@example.com>"')
    return text


Address = Annotated[str, AfterValidator(_checked_address)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Readers(_Part):
    """Who gets which letter."""

    gm: tuple[Address, ...] = ()
    marketing: tuple[Address, ...] = ()
    crm_manager: tuple[Address, ...] = ()
    # Whoever looks after the installation: told when a scheduled run fails.
    alerts: tuple[Address, ...] = ()


class Mail(_Part):
    """The part [mail] of settings.toml.

    `security`: "starttls" (the usual port 587), "tls" from the first byte (port 465), or "none" inside one's own house.
    `user` needs a password in the environment, and never travels without encryption. `ca_file`: the certificate of
    a house's own authority. `base_url`: where the dashboard is reached; with it the letter links to its pages.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=587, gt=0, lt=65536)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    sender: Address = Field(alias="from")
    to: Readers = Readers()
    base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _a_password_travels_encrypted(self) -> Self:
        if self.user and self.security == "none":
            raise ValueError('a user signs in only over an encrypted line; set security to "starttls" or "tls"')
        return self


def read_mail(path: Path) -> Mail | None:
    """The part [mail] of a settings file; None where it has none, or there is no such file. MailError where wrong."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("mail")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MailError(
            f"The settings file {path} cannot be read: {error}.", "Compare it with data/settings.toml."
        ) from error
    if found is None:
        return None
    try:
        return Mail.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("mail", *first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise MailError(
            f"The settings file {path} has a wrong value at {where}: {reason}.",
            "Change it there; docs/digest.md shows every setting of [mail].",
        ) from error


def send(mail: Mail, reader: str, sheet: Sheet, only: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Send a sheet as a letter to everybody who gets this reader's, or `only` to some addresses, and return them.

    MailError where nobody does, the server is not reached, refuses to sign in or refuses a reader (the others still
    got theirs, and the error says so).
    """
    readers: tuple[str, ...] = only or getattr(mail.to, reader)
    if not readers:
        raise MailError(f"Nobody gets the letter for {reader}.", f'Write addresses into [mail.to], {reader} = ["..."].')
    message = letter(mail, readers, sheet)
    with _conversation(mail) as server:
        refused = server.send_message(message, to_addrs=[parseaddr(reader)[1] for reader in readers])
    if refused:
        raise _refused(refused, len(readers))
    return readers


def letter(mail: Mail, readers: tuple[str, ...], sheet: Sheet) -> EmailMessage:
    """The message: plain text, and beside it the same as HTML."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(sheet.title.split())
    message["From"], message["To"] = mail.sender, ", ".join(readers)
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=parseaddr(mail.sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(write_text(sheet, mail.base_url))
    message.add_alternative(write_html(sheet, mail.base_url), subtype="html")
    return message


@contextmanager
def _conversation(mail: Mail) -> Iterator[smtplib.SMTP]:
    """An open, encrypted, signed-in line to the server; every way in which it fails as a MailError."""
    place = f"{mail.host}:{mail.port}"
    try:
        with _connected(mail) as server:
            if mail.security == "starttls":
                server.starttls(context=_trust(mail))
            if mail.user:
                server.login(mail.user, _password(mail.user))
            yield server
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(error.recipients, len(error.recipients)) from None
    except smtplib.SMTPAuthenticationError as error:
        # Nothing of the server's words: it may repeat what it was sent.
        raise MailError(
            f"The mail server {place} did not let {mail.user} in (code {error.smtp_code}).",
            f"Check user and {PASSWORD}.",
        ) from None
    except ssl.SSLError as error:
        raise MailError(
            f"The line to {place} cannot be trusted: {error.reason or error}.",
            "Check host and port; name the certificate of your own authority in [mail] ca_file.",
        ) from error
    except smtplib.SMTPException as error:
        hint = 'Check port and security in [mail] ("starttls" is usual on port 587, "tls" on 465).'
        raise MailError(f"The mail server {place} did not take the letter: {error}.", hint) from error
    except OSError as error:
        raise MailError(
            f"The mail server {place} cannot be reached: {error}.", "Is it running? Check host and port in [mail]."
        ) from error


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=_WAITS_SECONDS, context=_trust(mail))
    return smtplib.SMTP(mail.host, mail.port, timeout=_WAITS_SECONDS)


def _trust(mail: Mail) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=mail.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise MailError(
            f"The certificate {mail.ca_file} cannot be read: {error}.", "Correct [mail] ca_file."
        ) from error


def _password(user: str) -> str:
    found = os.environ.get(PASSWORD)
    if not found:
        raise MailError(f"There is no password for {user}.", f"Set {PASSWORD} in the environment of this command.")
    return found


def _refused(refused: dict[str, Any], asked: int) -> MailError:
    who = "; ".join(f"{address} ({_words(reply)})" for address, reply in refused.items())
    rest = asked - len(refused)
    others = f" The other {rest} got the letter." if rest else ""
    return MailError(f"The mail server refused {who}.{others}", "Correct the address in [mail.to].")


def _words(reply: Any) -> str:
    code, text = reply
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
