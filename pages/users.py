"""The people who may sign in: one small file of users, each with a role and the stores that are theirs.

The file is the one that UPBOARD_USERS names, else data/users.toml. Without such a file nobody signs in, and the one at
the desk sees everything: then Upboard is served to this machine alone. `python -m pages user` writes the file;
docs/sign_in.md shows every line of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Role = Literal["administrator", "general_manager", "crm_manager", "marketing", "salesperson"]
ROLES: Final[tuple[Role, ...]] = ("administrator", "general_manager", "crm_manager", "marketing", "salesperson")
VARIABLE: Final = "UPBOARD_USERS"
_DEFAULT: Final = Path("data/users.toml")

# A plain e-mail address. Letters beyond ASCII are refused: some of them fold to ASCII ones, so that two different
# addresses would be taken for one.
_LOGIN: Final = re.compile(r"[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE | re.ASCII)


class UsersError(Exception):
    """The file of users cannot be read or written: what, where, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\n\nHint: {hint}")


def key_of(login: str) -> str:
    """The form in which two logins are compared: without spaces around it, in small letters."""
    return login.strip().lower()


def checked_login(text: str) -> str:
    """The login as it is kept. ValueError where it is no plain e-mail address."""
    login = text.strip()
    if len(login) > 254 or not _LOGIN.fullmatch(login):
        raise ValueError(f"{text!r} is no e-mail address of plain letters, as name@example.com")
    return login


def _checked_label(text: str) -> str:
    if not text.strip() or any(sign in text for sign in "\r\n\0"):
        raise ValueError(f"{text!r} is no name")
    return text.strip()


def _checked_hash(text: str) -> str:
    if not text.startswith("$argon2id$"):
        raise ValueError("a password is kept as an argon2id hash, never as it is; set it by `user password`")
    return text


Label = Annotated[str, AfterValidator(_checked_label)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class User(_Part):
    """Somebody who may sign in.

    `login` is an e-mail address; capitals do not matter. `stores` are labels of stores; none means all of them, which
    only an administrator may have. `person` is the label of the person whose rows a salesperson sees. `password` is an
    argon2id hash; without one the user signs in by OpenID Connect only.
    """

    login: Annotated[str, AfterValidator(checked_login)]
    name: Label
    role: Role
    stores: tuple[Label, ...] = ()
    person: Label | None = None
    password: Annotated[str, AfterValidator(_checked_hash)] | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _has_what_the_role_needs(self) -> Self:
        if self.role != "administrator" and not self.stores:
            raise ValueError(f"a {self.role} needs `stores`: only an administrator sees all of them")
        if self.role == "salesperson" and self.person is None:
            raise ValueError("a salesperson needs `person`: the name whose rows are theirs")
        return self

    @property
    def key(self) -> str:
        """The login as it is compared."""
        return key_of(self.login)

    @property
    def stamp(self) -> str:
        """Changes when the password, the role or what is theirs does: then a session that began before has ended."""
        held = (self.password, self.role, self.stores, self.person)
        return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16]


# The one at the desk of a machine where no sign-in is configured. No login, no name: there is nothing to tell apart.
EVERYBODY: Final = User.model_construct(login="", name="", role="administrator", stores=(), person=None, password=None)


class Session(_Part):
    """How long a sign-in lasts: hours without a click, and hours in all."""

    idle_hours: float = Field(default=8.0, gt=0, le=24 * 7)
    longest_hours: float = Field(default=12.0, gt=0, le=24 * 30)


class Users(_Part):
    """What users.toml says. `sign_in`: "password" (kept here) or "openid" (a provider, in .streamlit/secrets.toml)."""

    sign_in: Literal["password", "openid"] = "password"
    session: Session = Session()
    users: tuple[User, ...] = Field(default=(), alias="user")

    @model_validator(mode="after")
    def _no_login_twice(self) -> Self:
        keys = [user.key for user in self.users]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"the login {twice[0]} stands here twice")
        return self

    def find(self, login: str) -> User | None:
        """The user of a login, capitals or not; None where there is none."""
        key = key_of(login)
        # Beyond ASCII nobody is found: the Kelvin sign, in small letters, is a k.
        return next((user for user in self.users if user.key == key), None) if login.isascii() else None


def users_file() -> Path:
    """The file of users: the one that UPBOARD_USERS names, else data/users.toml."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else _DEFAULT


def configured() -> bool:
    """Whether people sign in here: UPBOARD_USERS is set, or there is data/users.toml.

    Where UPBOARD_USERS names a file that is missing the answer is yes, and nobody gets in.
    """
    return bool(os.environ.get(VARIABLE)) or _DEFAULT.exists()


def pin() -> None:
    """Hold fast that people sign in here, for this process: should the file go, nobody gets in, rather than everybody.

    Does nothing where nobody signs in.
    """
    if configured():
        os.environ[VARIABLE] = str(users_file().resolve())


def read_users(path: Path) -> Users:
    """Read and check a file of users.

    Raises:
        UsersError: There is no such file, it cannot be read, a value is wrong, or a login stands in it twice.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        hint = "Add the first user: python -m pages user add LOGIN --name NAME --role administrator."
        raise UsersError(f"There is no file of users {path}, so nobody can sign in.", hint) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsersError(f"The file of users {path} cannot be read: {error}.", "docs/sign_in.md shows one.") from error
    return checked_users(found, path)


def checked_user(found: dict[str, Any]) -> User:
    """A user as it is to be added, checked. UsersError says what is missing or wrong."""
    try:
        return User.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = f"{first['loc'][0]}: " if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        hint = "See python -m pages user add --help, and docs/sign_in.md."
        raise UsersError(f"This user cannot be added: {where}{reason}.", hint) from error


def checked_users(found: dict[str, Any], path: Path) -> Users:
    """What a file of users says, checked. UsersError names the file and the value that is wrong, but no password."""
    try:
        return Users.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        where = _where(first["loc"], found)
        hint = "Change it there, or by `python -m pages user`; docs/sign_in.md shows every line."
        raise UsersError(f"The file of users {path} is wrong{where}: {reason}.", hint) from error


def _where(place: tuple[int | str, ...], found: dict[str, Any]) -> str:
    """The place of a mistake in words: " at user 2 (ann@example.com), role"."""
    if not place:
        return ""
    words = [str(part) for part in place]
    if len(place) > 1 and place[0] == "user" and isinstance(place[1], int):
        login = found["user"][place[1]]
        named = login.get("login") if isinstance(login, dict) else None
        words = [f"user {place[1] + 1}{f' ({named})' if isinstance(named, str) else ''}", *words[2:]]
    return f" at {', '.join(words)}"


def warning(path: Path) -> str | None:
    """What is unwise about the file: others than its owner can read it. None where all is well, or it is Windows'."""
    if os.name == "nt" or not path.exists():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return None
    return f"{path} can be read or changed by others than its owner (mode {mode:04o}).\n\nHint: chmod 600 {path}"
