"""The file of users: what it may say, what it may not, and the commands that write it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from pages import passwords, users, users_cli
from pages.__main__ import app
from pages.users import EVERYBODY, ROLES, User, Users, UsersError, checked_login, read_users

PASSWORD = "four words at random"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def _user(**changes: object) -> User:
    found = {"login": "ann@example.com", "name": "Ann", "role": "administrator"}
    return User.model_validate({**found, **changes})


def _written(place: Path, text: str) -> Path:
    path = place / "users.toml"
    path.write_text(text, encoding="utf-8")
    return path


ANN = '[[user]]\nlogin = "Ann@Example.com"\nname = "Ann"\nrole = "administrator"\n'


def test_a_user_is_found_whatever_the_capitals_and_spaces(tmp_path: Path) -> None:
    found = read_users(_written(tmp_path, ANN))
    for login in ("ann@example.com", "ANN@EXAMPLE.COM", " ann@example.com "):
        user = found.find(login)
        assert user is not None
        assert user.name == "Ann"
    assert found.find("ann@example.org") is None


def test_a_letter_that_only_folds_to_another_finds_nobody() -> None:
    found = Users(users=(_user(login="mike@example.com"),))
    assert found.find("mi\u212ae@example.com") is None
    assert found.find("m\u0131ke@example.com") is None


@pytest.mark.parametrize(
    "login",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "ann smith@example.com",
        "ann@example.com\nbob@example.com",
        "ann@exam\u212ale.com",
        "<b>@example.com",
        "ann@example.com, bob@example.com",
        f"{'a' * 250}@example.com",
    ],
)
def test_a_login_is_one_plain_address(login: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        checked_login(login)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_only_an_administrator_may_have_all_stores(role: str) -> None:
    with pytest.raises(ValidationError, match="needs `stores`"):
        _user(role=role, person="Ann Smith")
    assert _user(role=role, person="Ann Smith", stores=["North"]).stores == ("North",)


def test_a_salesperson_needs_a_person() -> None:
    with pytest.raises(ValidationError, match="needs `person`"):
        _user(role="salesperson", stores=["North"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ANN + ANN.replace("Ann@", "ANN@"), "stands here twice"),
        (ANN + "shoe_size = 43\n", "user 1 (Ann@Example.com), shoe_size: Extra inputs"),
        (ANN.replace("administrator", "king"), "user 1 (Ann@Example.com), role: Input should be"),
        (ANN + 'password = "hunter2hunter2"\n', "never as it is"),
        ("[session]\nidle_hours = 0\n", "session, idle_hours"),
        ('sign_in = "magic"\n', "sign_in"),
        ("user = 3\n", "user"),
        ("[[user", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_the_next_step(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsersError) as caught:
        read_users(_written(tmp_path, text))
    assert said in str(caught.value)
    assert "Hint:" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_where_nothing_is_configured_everybody_is_the_one_at_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(users.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert not users.configured()
    assert (EVERYBODY.login, EVERYBODY.name, EVERYBODY.role, EVERYBODY.stores) == ("", "", "administrator", ())


def test_a_file_that_is_named_but_missing_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(users.VARIABLE, str(tmp_path / "gone.toml"))
    assert users.configured()
    with pytest.raises(UsersError, match="nobody can sign in"):
        read_users(users.users_file())


def test_once_held_fast_a_file_that_is_deleted_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(users.VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "users.toml"
    path.write_text(ANN, encoding="utf-8")
    users.pin()
    path.unlink()
    assert users.configured()
    assert users.users_file() == path


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = _written(tmp_path, ANN)
    path.chmod(0o644)
    assert "mode 0644" in (users.warning(path) or "")
    path.chmod(0o600)
    assert users.warning(path) is None


def test_a_password_is_in_no_error_and_no_print_of_a_user() -> None:
    user = _user(password=HASH)
    assert "argon2" not in repr(user)
    with pytest.raises(ValidationError) as caught:
        _user(password="plain text password")
    assert "plain text password" not in str(caught.value)


# Passwords -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "ann@example.com",
        "ann@example.co",
        "x" * 12,
        "123456789012",
        "password1234!",
        "p" * 300,
        "abababababab",
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    assert passwords.weakness(password, "Ann@example.com")


def test_a_sentence_is_a_password() -> None:
    assert passwords.weakness(PASSWORD, "ann@example.com") is None


def test_a_password_is_the_one_of_its_hash_and_no_other_is() -> None:
    kept = passwords.hashed("caf\u00e9 on the corner")
    assert kept.startswith("$argon2id$")
    assert passwords.is_right("caf\u00e9 on the corner", kept)
    # Another keyboard writes the same letter as two signs.
    assert passwords.is_right("cafe\u0301 on the corner", kept)
    assert not passwords.is_right("cafe on the corner", kept)
    assert not passwords.is_right("", kept)


def test_nobodys_password_is_never_right_and_a_broken_hash_neither() -> None:
    assert not passwords.is_right("the password of nobody", None)
    assert not passwords.is_right(PASSWORD, "$argon2id$broken")


def test_more_than_the_longest_is_neither_hashed_nor_right() -> None:
    kept = passwords.hashed("x" * passwords.LONGEST)
    assert not passwords.is_right("x" * (passwords.LONGEST + 1), kept)
    with pytest.raises(ValueError, match="at most"):
        passwords.hashed("x" * (passwords.LONGEST + 1))


def test_the_hash_that_nobody_has_costs_what_every_other_costs() -> None:
    kept, nobodys = passwords.hashed(PASSWORD), passwords._nobodys()
    assert kept.split("$")[1:4] == nobodys.split("$")[1:4]
    assert len(kept) == len(nobodys)


# Commands ------------------------------------------------------------------------------------------------------------


def _run(*words: str, typed: str = f"{PASSWORD}\n") -> str:
    result = CliRunner().invoke(app, ["user", *words], input=typed)
    assert result.exit_code in {0, 1}, result.output
    return f"{result.exit_code} {result.output}"


def _added(path: Path, login: str = "ann@example.com", *more: str, typed: str = f"{PASSWORD}\n") -> str:
    words = ("--role", "administrator") if "--role" not in more else ()
    return _run("add", login, "--name", "Ann", *words, *more, "--users", str(path), typed=typed)


def test_a_user_is_added_changed_and_taken_out_and_comments_stay(tmp_path: Path) -> None:
    path = _written(tmp_path, '# Ours.\nsign_in = "password"\n\n[session]\nidle_hours = 2 # Short, the desk is open.\n')
    assert _added(path).startswith("0")
    assert _added(path, "bob@example.com", "--role", "marketing", "--store", "North", "--store", "South").startswith(
        "0"
    )
    before = read_users(path)
    ann, bob = before.users
    assert passwords.is_right(PASSWORD, ann.password)
    assert bob.stores == ("North", "South")
    assert _run("password", "ANN@example.com", "--users", str(path), typed="another one, longer\n").startswith("0")
    changed = read_users(path).users[0]
    assert passwords.is_right("another one, longer", changed.password)
    assert changed.stamp != ann.stamp
    assert _run("remove", "ann@example.com", "--users", str(path)).startswith("0")
    assert [user.login for user in read_users(path).users] == ["bob@example.com"]
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Ours.")
    assert "# Short, the desk is open." in text


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "users.toml"
    assert _added(path).startswith("0")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir() if file.suffix not in {".lock", ".toml"}] == []


@pytest.mark.parametrize(
    ("more", "typed", "said"),
    [
        ((), "short\n", "12 is the least"),
        ((), "\n", "12 is the least"),
        ((), "x" * 500 + "\n", "more than 256"),
        (("--role", "salesperson", "--store", "North"), f"{PASSWORD}\n", "needs `person`"),
        (("--role", "marketing"), f"{PASSWORD}\n", "needs `stores`"),
    ],
)
def test_what_may_not_be_added_leaves_no_file(tmp_path: Path, more: tuple[str, ...], typed: str, said: str) -> None:
    path = tmp_path / "users.toml"
    output = _added(path, "ann@example.com", *more, typed=typed)
    assert output.startswith("1")
    assert said in output
    assert "Hint:" in output
    assert not path.exists()


def test_a_login_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    _added(path)
    before = path.read_text(encoding="utf-8")
    assert "stands in" in _added(path, "ANN@example.com")
    assert path.read_text(encoding="utf-8") == before


def test_a_folder_that_cannot_be_written_or_a_file_that_another_command_holds_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    told = " ".join(_added(tmp_path / "file" / "users.toml").split())
    assert told.startswith("1 ")
    assert "cannot be changed" in told
    assert "Run this as who owns" in told
    monkeypatch.setattr(users_cli, "_WAITS_SECONDS", 0.1)
    with FileLock(tmp_path / "users.toml.lock"):
        assert "Another command has held" in " ".join(_added(tmp_path / "users.toml").split())


def test_somebody_unknown_is_neither_changed_nor_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    _added(path)
    for word in ("password", "remove"):
        output = _run(word, "bob@example.com", "--users", str(path))
        assert output.startswith("1")
        assert "There is no user" in output


def test_the_list_shows_names_as_they_are_and_no_password(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    _run("add", "ann@example.com", "--name", "[b]A[/b]", "--role", "administrator", "--users", str(path))
    output = _run("list", "--users", str(path))
    assert "[b]A[/b]" in output
    assert "argon2" not in output


def test_a_store_or_person_that_the_data_lack_is_told_with_those_that_are_near(
    tmp_path: Path, showrooms: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(showrooms["full"]))
    path = tmp_path / "users.toml"
    known = _added(path, "ann@example.com", "--role", "crm_manager", "--store", "North")
    assert "Hint" not in known
    told = _added(path, "bo@example.com", "--role", "salesperson", "--store", "Nort", "--person", "Hill, Ada")
    assert told.startswith("0")
    assert "bo@example.com: there is no store 'Nort'" in told
    assert "It knows: North" in told
    assert "there is no person 'Hill, Ada'" in told
    assert "Ada Hill" in told
    assert "there is no store 'Nort'" in _run("list", "--users", str(path))


def test_before_the_first_load_nothing_is_said_of_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPBOARD_WAREHOUSE", str(tmp_path / "none"))
    assert "Hint" not in _added(tmp_path / "users.toml", "ann@example.com", "--role", "marketing", "--store", "North")


@settings(max_examples=20)
@given(name=st.text(min_size=1, max_size=40))
def test_any_name_is_written_so_that_it_reads_back(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("names") / "users.toml"
    output = _run(
        "add", "a@example.com", "--name", f"N{name}", "--role", "administrator", "--no-password", "--users", str(path)
    )
    if output.startswith("0"):
        assert read_users(path).users[0].name == f"N{name}".strip()
    else:
        assert not path.exists()
