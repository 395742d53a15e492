"""What each role sees: the right pages, the right rows, no name and no total from outside; crafted addresses too."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from metrics import engine
from pages import OWN, PAGES, alerts, roles, sign_in
from pages.alerts import LimitAlert
from pages.journal import open_journal
from pages.users import EVERYBODY, ROLES, Role, User
from tests.pages.conftest import Show

EVERY_PAGE = [name for group in (*PAGES.values(), *OWN.values()) for name in group]
NORTH, SOUTH = "North", "South"
USERS: dict[Role, User] = {
    "administrator": User(login="a@example.com", name="Root", role="administrator"),
    "general_manager": User(login="g@example.com", name="Gina", role="general_manager", stores=(NORTH,)),
    "crm_manager": User(login="c@example.com", name="Carl", role="crm_manager", stores=(NORTH,)),
    "marketing": User(login="m@example.com", name="Mia", role="marketing", stores=(NORTH,)),
    "salesperson": User(login="s@example.com", name="Ada", role="salesperson", stores=(NORTH,), person="Ada Hill"),
}
AsUser = Callable[..., AppTest]


@pytest.fixture
def as_user(show: Show, monkeypatch: pytest.MonkeyPatch) -> AsUser:
    """Run a page as somebody who is signed in (tests/browser/test_sign_in.py signs in for real)."""

    def run(user: User, page: str, warehouse: str = "full", **query: str | list[str]) -> AppTest:
        monkeypatch.setattr(sign_in, "require", lambda: user)
        return show(page, warehouse, **query)

    return run


def everything(app: AppTest) -> str:
    """All that a page sends to the browser: words, tables, charts, options."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.code, app.metric)
    said = [str(element.value) for kind in kinds for element in kind]
    said += [element.value.to_string() for element in (*app.table, *app.dataframe)]
    said += [str(element.proto) for element in app.get("plotly_chart")]
    said += [str(element.options) for element in (*app.multiselect, *app.selectbox)]
    said += [element.label for element in app.button]
    return "\n".join(said)


def served(app: AppTest) -> list[str]:
    return list(app.session_state["pages_by_name"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_served_its_pages_and_no_other(as_user: AsUser, role: Role) -> None:
    app = as_user(USERS[role], "overview")
    assert not app.exception
    assert set(served(app)) == set(roles.RULES[role].pages)


def test_without_sign_in_every_page_but_ones_own_is_served(show: Show) -> None:
    assert set(served(show("overview"))) == set(roles.pages_of(EVERYBODY)) == set(EVERY_PAGE) - {"mine"}


HIDDEN_FROM: dict[Role, tuple[str, ...]] = {
    "administrator": (),
    "general_manager": (SOUTH,),
    "crm_manager": (SOUTH,),
    "marketing": (SOUTH, "Ada Hill", "Bo Park", "Cy Ford", "555-01"),
    "salesperson": (SOUTH, "Bo Park", "Cy Ford"),
}


@pytest.mark.parametrize(("role", "page"), [(role, page) for role in ROLES for page in roles.RULES[role].pages])
def test_no_page_shows_what_is_outside_the_scope(as_user: AsUser, role: Role, page: str) -> None:
    app = as_user(USERS[role], page, period="all data")
    assert not app.exception
    shown = everything(app)
    assert [name for name in HIDDEN_FROM[role] if name in shown] == []
    assert role != "administrator" or page != "overview" or SOUTH in shown


@pytest.mark.parametrize("role", ["general_manager", "marketing"])
def test_a_store_outside_the_scope_has_no_rows(as_user: AsUser, role: Role) -> None:
    app = as_user(USERS[role], "overview", period="all data", store=[SOUTH])
    assert not app.metric
    assert any("not in this data" in one.value for one in app.warning)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_the_filters_offer_nothing_from_outside(as_user: AsUser, role: Role) -> None:
    app = as_user(USERS[role], roles.RULES[role].pages[0])
    assert app.multiselect(key="store").options == [NORTH]
    people = app.multiselect(key="person").options
    if role == "marketing":
        assert set(people) <= {"(hidden)", "(unassigned)"}
    if role == "salesperson":
        assert set(people) <= {"Ada Hill", "(colleague)", "(unassigned)"}


@pytest.mark.parametrize("seed", range(12))
def test_a_crafted_address_shows_no_more(as_user: AsUser, seed: int) -> None:
    draw = random.Random(seed)
    role = draw.choice([role for role in ROLES if role != "administrator"])
    page = draw.choice(roles.RULES[role].pages)
    metric = draw.choice(["leads", "closing_rate", "sold_units", "spend", "show_rate"])
    address = {
        "period": "all data",
        "rows": f"{metric}.{draw.choice(['numerator', 'denominator'])}",
        "member": [f"{draw.choice(['store:South', 'person:Bo Park', 'source:Website', 'store:North', 'x:y'])}"],
        "customer": draw.choice(["c1", "unknown", "' or 1=1 --"]),
        "person": draw.choice(["p2", "a2", "Bo Park"]),
        "metric": metric,
    }
    app = as_user(USERS[role], page, **address)
    assert not app.exception
    rows = [table.value for table in app.dataframe if "Store" in table.value or "store" in table.value]
    for table in rows:
        assert SOUTH not in table.to_string()
    if role == "salesperson":
        assert all("Bo Park" not in table.value.to_string() for table in app.dataframe)


def test_marketing_opens_rows_without_a_name(as_user: AsUser) -> None:
    app = as_user(USERS["marketing"], "overview", period="all data", rows="closing_rate.numerator")
    shown = app.dataframe[-1].value
    assert len(shown) > 10
    assert set(shown["customer"]) == {"(hidden)"}
    assert set(shown["salesperson"]) <= {"(hidden)", "(unassigned)"}


def test_a_salesperson_sees_own_rates_and_is_told_that_there_are_too_few_colleagues(as_user: AsUser) -> None:
    app = as_user(USERS["salesperson"], "mine", period="all data")
    table = app.table[0].value
    assert list(table["Rate"])[-1] == "Closing rate"
    assert set(table["Colleagues"]) == {"too few"}
    assert "too few colleagues" in "\n".join(str(one.value) for one in app.markdown)


def test_remembered_numbers_of_one_user_are_not_shown_to_another(as_user: AsUser) -> None:
    seen = {}
    for role in ("administrator", "general_manager"):
        app = as_user(USERS[role], "overview", period="all data", compare="none")
        seen[role] = next(metric.value for metric in app.metric if metric.label == "Leads")
    assert seen == {"administrator": "600", "general_manager": "300"}


def test_a_session_that_is_somebody_elses_now_forgets_what_it_held(
    as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = as_user(USERS["administrator"], "overview", period="all data", store=[SOUTH])
    assert app.session_state["store"] == [SOUTH]
    monkeypatch.setattr(sign_in, "require", lambda: USERS["general_manager"])
    app.run()
    assert app.session_state["user"] == USERS["general_manager"]
    assert "noted" not in app.session_state


def test_what_a_user_looks_at_stands_in_the_journal_and_nothing_of_a_desk_without_sign_in(
    as_user: AsUser, show: Show, showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "journal.sqlite"))
    journal = open_journal(showrooms["full"])
    as_user(EVERYBODY, "overview", rows="leads.numerator")
    assert journal.entries() == []
    as_user(USERS["general_manager"], "overview", rows="leads.numerator", period="all data")
    written = journal.entries("rows_viewed")
    assert [(entry.who, entry.data["what"]) for entry in written] == [("g@example.com", "leads")]
    audit = as_user(USERS["administrator"], "audit")
    assert "Looked at rows" in audit.dataframe[0].value.to_string()


def test_an_alert_on_what_is_outside_the_scope_is_not_shown(showrooms: dict[str, Path], tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for where in ({"store": (SOUTH,)}, {"person": ("Bo Park",)}, {"store": (NORTH,)}, {}):
        title = "/".join(label for labels in where.values() for label in labels) or "all"
        alert = LimitAlert(title=title, metric="contact_rate", side="below", limit=0.1, where=where)
        alerts.save(journal, alert, who="x")
    opened = engine.open_warehouse(showrooms["full"])
    whole = [kept.title for kept in alerts.seen_by(opened, alerts.saved(journal))]
    limited = opened.within(roles.scope_of(USERS["salesperson"]))
    assert whole == ["South", "Bo Park", "North", "all"]
    assert [kept.title for kept in alerts.seen_by(limited, alerts.saved(journal))] == ["North", "all"]
    opened.close()


def test_only_the_figure_of_colleagues_reaches_around_a_scope() -> None:
    root = Path(__file__).parents[2]
    users = [
        path.relative_to(root).as_posix()
        for room in ("metrics", "pages")
        for path in (root / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "of_everybody"
    ]
    assert users == ["metrics/comparisons/peers.py"]


@pytest.mark.parametrize(
    ("role", "wrong", "said"),
    [
        ("crm_manager", {"stores": ("Nort",)}, "You may see Nort, and nothing of that is in the data"),
        ("salesperson", {"person": "Hill, Ada"}, "You may see the rows of Hill, Ada in North, and nothing of that"),
    ],
)
def test_who_is_entered_under_a_name_that_the_data_lack_is_told_so_and_not_to_load_files(
    as_user: AsUser, role: Role, wrong: dict[str, object], said: str
) -> None:
    user = USERS[role].model_copy(update=wrong)
    page = "customers" if role == "salesperson" else "overview"
    app = as_user(user, page, period="all data")
    assert any(said in one.value for one in app.info)
    assert not app.code


def test_streamlit_on_its_own_shows_nothing_where_people_sign_in(
    show: Show, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UPBOARD_USERS", str(tmp_path / "users.toml"))
    app = show("overview")
    assert "python -m pages serve" in app.error[0].value
    assert not app.title


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", None])
def test_streamlit_on_its_own_shows_nothing_to_others_while_nobody_signs_in(show: Show, address: str | None) -> None:
    before = config.get_option("server.address")
    config.set_option("server.address", address)
    try:
        app = show("overview")
    finally:
        config.set_option("server.address", before)
    assert "while nobody signs in" in app.error[0].value
    assert not app.title
