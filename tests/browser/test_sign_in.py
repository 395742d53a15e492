"""Signing in as people do it: by password with the server's own form, and by OpenID Connect with a real provider."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pages.passwords import hashed
from tests.browser.conftest import ROOT, Appearance, Reader, Server, Watch, _free_port, _wait_for, window
from tests.browser.signing import PASSWORD, Signing, sign_in, signing, users_text

pytestmark = pytest.mark.browser

_FETCHED = "address => fetch(address).then(answer => answer.status)"
STORES = 'stores = ["Lakeside Motors"]'
# Where it does not matter which page the way leads to: one without charts, which take a browser seconds.
QUICK = "definitions"


@pytest.fixture(scope="module")
def by_password(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    kept = f'password = "{hashed(PASSWORD)}"'
    roles = ["administrator", "general_manager", "crm_manager", "marketing", "administrator"]
    names = ["ann", "gwen", "carl", "mira", "omar"]
    text = users_text(**{name: f'role = "{role}"\n{STORES}\n{kept}' for name, role in zip(names, roles, strict=True)})
    with signing(server.warehouse, tmp_path_factory.mktemp("by_password"), text) as started:
        yield started


@pytest.fixture
def page(reader: Reader, server: Server) -> Iterator[Page]:
    """The tab of somebody without a cookie."""
    with reader.at(server.url) as tab:
        yield tab


def _sees_the_dashboard(page: Page) -> None:
    expect(page.get_by_test_id("stSidebarNav")).to_be_visible()


def _session(context: BrowserContext) -> str | None:
    return next((cookie["value"] for cookie in context.cookies() if cookie["name"] == "upboard_session"), None)


def test_a_link_leads_through_the_sign_in_to_its_page_and_a_reload_stays_there(
    by_password: Signing, page: Page
) -> None:
    watch = Watch()
    page.goto(f"{by_password.url}/response?grain=week")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    watch.follow(page, by_password.url)
    sign_in(page, "ann")
    _sees_the_dashboard(page)
    assert page.url == f"{by_password.url}/response?grain=week"
    page.wait_for_load_state("networkidle")
    assert watch.faults == []
    assert watch.strangers == []
    watch.leave(page)
    page.reload()
    _sees_the_dashboard(page)


def test_a_wrong_password_is_refused_in_words_that_tell_nothing_of_who_there_is(
    by_password: Signing, page: Page
) -> None:
    said = []
    for name in ("gwen", "nobody"):
        page.goto(f"{by_password.url}/sign-in")
        sign_in(page, name, "a wrong password")
        said.append(page.get_by_role("alert").inner_text())
        expect(page.get_by_label("E-mail address")).to_have_value(f"{name}@example.com")
        expect(page.get_by_label("Password")).to_have_value("")
    assert said[0] == said[1]
    assert _session(page.context) is None


def test_the_session_after_the_sign_in_is_another_than_one_that_was_put_there(by_password: Signing, page: Page) -> None:
    page.context.add_cookies([{"name": "upboard_session", "value": "chosen-by-an-attacker", "url": by_password.url}])
    page.goto(f"{by_password.url}/{QUICK}")
    sign_in(page, "ann")
    _sees_the_dashboard(page)
    session = next(cookie for cookie in page.context.cookies() if cookie["name"] == "upboard_session")
    assert session["value"] != "chosen-by-an-attacker"
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    assert "upboard_session" not in page.evaluate("document.cookie")


def test_signing_out_ends_the_session_at_once_in_every_tab(by_password: Signing, page: Page) -> None:
    first, second = page, page.context.new_page()
    first.goto(f"{by_password.url}/{QUICK}")
    sign_in(first, "carl")
    _sees_the_dashboard(first)
    old = _session(page.context)
    assert old
    second.goto(f"{by_password.url}/sign-out")
    second.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("status")).to_have_text("You are signed out.")
    # The first tab is told by itself, without a click.
    expect(first).to_have_url(re.compile("/sign-in"))
    # And whoever copied the cookie has nothing.
    page.context.add_cookies([{"name": "upboard_session", "value": old, "url": by_password.url}])
    second.goto(f"{by_password.url}/overview")
    expect(second).to_have_url(re.compile(r"/sign-in\?next="))
    kinds = [entry.kind for entry in by_password.journal.entries() if entry.who == "carl@example.com"]
    assert kinds == ["signed_in", "signed_out"]


def test_the_button_of_the_dashboard_signs_out(by_password: Signing, page: Page) -> None:
    page.goto(f"{by_password.url}/{QUICK}")
    sign_in(page, "gwen")
    expect(page.get_by_text("Signed in as Gwen Example")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{by_password.url}/sign-in?out")
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.goto(f"{by_password.url}/overview")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))


def test_a_password_that_is_set_anew_ends_the_sessions_of_the_one_before(by_password: Signing, page: Page) -> None:
    page.goto(f"{by_password.url}/{QUICK}")
    sign_in(page, "mira")
    _sees_the_dashboard(page)
    # The same password again: it is another hash, so whoever signed in before does so again.
    _user_command(by_password, "password", "mira@example.com")
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, "mira")
    _sees_the_dashboard(page)


def test_a_user_who_was_taken_out_is_out_and_does_not_come_in_again(by_password: Signing, page: Page) -> None:
    before = by_password.users.read_text(encoding="utf-8")
    page.goto(f"{by_password.url}/{QUICK}")
    sign_in(page, "omar")
    _sees_the_dashboard(page)
    try:
        _user_command(by_password, "remove", "omar@example.com")
        expect(page).to_have_url(re.compile("/sign-in"))
        sign_in(page, "omar")
        expect(page.get_by_role("alert")).to_be_visible()
    finally:
        by_password.users.write_text(before, encoding="utf-8")


def _user_command(signing: Signing, *words: str) -> None:
    command = [sys.executable, "-m", "pages", "user", *words, "--users", str(signing.users)]
    subprocess.run(command, input=f"{PASSWORD}\n".encode(), cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_form_is_for_everyone(by_password: Signing, page: Page, appearance: Appearance) -> None:
    page.set_viewport_size({"width": 390, "height": 700})
    page.emulate_media(color_scheme=appearance)
    page.goto(f"{by_password.url}/sign-in")
    assert Axe().run(page).response["violations"] == []
    sign_in(page, "nobody", "a wrong password")
    expect(page.get_by_role("alert")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_keyboard_alone_signs_in(by_password: Signing, page: Page) -> None:
    page.goto(f"{by_password.url}/{QUICK}")
    page.keyboard.type("gwen@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    _sees_the_dashboard(page)


def test_the_address_of_somebody_elses_file_opens_nothing(by_password: Signing, page: Page, browser: Browser) -> None:
    """Ann takes the sheet of the Overview; Omar, who signed in too, was passed its address."""
    other = window(browser)
    pages = {"ann": page, "omar": other.new_page()}
    for name, tab in pages.items():
        tab.goto(by_password.url)
        sign_in(tab, name)
        _sees_the_dashboard(tab)
    with pages["ann"].expect_download() as download, pages["ann"].expect_request("**/media/*.pdf") as asked:
        pages["ann"].get_by_role("button", name="PDF, one page").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    statuses = {name: tab.evaluate(_FETCHED, asked.value.url) for name, tab in pages.items()}
    assert statuses == {"ann": 200, "omar": 404}
    other.close()


# OpenID Connect -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Provided:
    """A server whose people sign in at a provider, and the provider's address."""

    signing: Signing
    provider: str

    @property
    def url(self) -> str:
        return self.signing.url


@contextmanager
def _provider() -> Iterator[str]:
    """A whole OpenID provider on loopback: discovery, authorization with a form, token, keys, end of session."""
    port = _free_port()
    people = [
        {"sub": "ann", "email": "Ann@Example.com", "email_verified": True, "name": "Ann Example"},
        {"sub": "stranger", "email": "stranger@example.net", "email_verified": True, "name": "S. Stranger"},
        {"sub": "doubtful", "email": "gwen@example.com", "email_verified": False, "name": "Not Gwen"},
    ]
    claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *claims]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/.well-known/openid-configuration")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def by_openid(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provided]:
    place, port = tmp_path_factory.mktemp("by_openid"), _free_port()
    manager = f'role = "general_manager"\n{STORES}'
    text = 'sign_in = "openid"\n' + users_text(ann='role = "administrator"', gwen=manager)
    with _provider() as provider:
        secrets = place / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        secrets.write_text(
            f"""[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret that is only for this test and long enough"
client_id = "upboard"
client_secret = "told to nobody"
server_metadata_url = "{provider}/.well-known/openid-configuration"
""",
            encoding="utf-8",
        )
        with signing(server.warehouse, place, text, port) as started:
            yield Provided(started, provider)


def _sign_in_at_provider(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name, exact=True).click()


def _user_cookie(context: BrowserContext) -> str | None:
    return next((cookie["value"] for cookie in context.cookies() if cookie["name"] == "_streamlit_user"), None)


def test_the_provider_signs_a_listed_person_in_until_they_sign_out(by_openid: Provided, page: Page) -> None:
    watch = Watch()
    watch.follow(page, by_openid.url)
    page.goto(f"{by_openid.url}/response?grain=week")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    assert watch.faults == []
    assert watch.strangers == []
    watch.leave(page)
    _sign_in_at_provider(page, "ann")
    _sees_the_dashboard(page)
    assert page.url == f"{by_openid.url}/response?grain=week"
    page.reload()
    _sees_the_dashboard(page)
    old = _user_cookie(page.context)
    assert old
    page.goto(f"{by_openid.url}/auth/logout")
    assert _user_cookie(page.context) is None
    # The cookie that Streamlit signed for 30 days is worth nothing any more.
    page.context.add_cookies([{"name": "_streamlit_user", "value": old, "url": by_openid.url}])
    page.goto(by_openid.url)
    expect(page.get_by_text("Your sign-in has ended")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    _sign_in_at_provider(page, "ann")
    _sees_the_dashboard(page)
    assert _user_cookie(page.context) != old
    kinds = [entry.kind for entry in by_openid.signing.journal.entries() if entry.who == "ann@example.com"]
    assert kinds == ["signed_in", "signed_out", "signed_in"]


@pytest.mark.parametrize(
    ("name", "words"), [("stranger", "nobody has given stranger@example.net access"), ("doubtful", "has not verified")]
)
def test_whom_the_provider_knows_but_the_file_does_not_is_told_so_and_sees_nothing(
    by_openid: Provided, page: Page, name: str, words: str
) -> None:
    page.goto(by_openid.url)
    _sign_in_at_provider(page, name)
    expect(page.get_by_text(words)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    refused = by_openid.signing.journal.entries("sign_in_refused")
    assert refused
    assert "stranger" not in "".join(f"{entry.who} {entry.note} {dict(entry.data)}" for entry in refused)


def test_a_forged_cookie_signs_nobody_in(by_openid: Provided, page: Page) -> None:
    page.goto(by_openid.url)
    _sign_in_at_provider(page, "ann")
    _sees_the_dashboard(page)
    cookie = _user_cookie(page.context) or ""
    body, _, rest = cookie.partition(".")
    page.context.add_cookies([{"name": "_streamlit_user", "value": f"{body}A.{rest}", "url": by_openid.url}])
    page.goto(by_openid.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)


def test_an_answer_of_the_provider_that_nobody_asked_for_signs_nobody_in(by_openid: Provided, page: Page) -> None:
    page.goto(f"{by_openid.url}/oauth2callback?code=stolen&state=invented")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert _user_cookie(page.context) is None
