"""What a CRM's files look like: the model of a profile (one TOML per system) and the search for the one that fits.

A profile is an allow-list. A column that it does not name is never stored.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from loaders.contracts import TABLES, Canonical, key_column, schema_of
from loaders.errors import LoaderError
from loaders.headers import STAR, known_headers, matching, month_of, resolved_headers, squeezed_header
from loaders.settings import checked_zone, nearest

PROFILE_DIRECTORY: Final = Path(__file__).parent / "profiles"
# Where a dealership keeps profiles of its own: the folder of this name beside its settings.toml.
OWN_PROFILES: Final = "profiles"
DATE_FORMATS: Final = ("iso", "mdy", "dmy", "serial", "auto")
# Columns of a contract that conform fills itself; a profile cannot map them.
LINEAGE_COLUMNS: Final = frozenset(Canonical.column_names()) - {"store", "system"}


def _listed(value: object) -> object:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _exact(value: object) -> object:
    """A number of TOML as it is written: 0.000001 is one millionth, not the nearest binary fraction."""
    return Decimal(str(value)) if isinstance(value, int | float) else value


Scale = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0)]
Headers = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(strict=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Test(_Part):
    """Whether a raw row says yes: a column is filled and not with a no or, with `words`, holds one of the words.

    A `*` in a word stands for any text; the word "" is a blank cell.
    """

    __test__ = False  # not a test of pytest

    column: Headers
    words: tuple[str, ...] = Field(default=(), strict=False)
    assumed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str | list) else value

    @property
    def headers(self) -> tuple[str, ...]:
        """Every raw header this test looks at."""
        return self.column


class Column(_Part):
    """Where a canonical column comes from: the first filled of `column`, or all of `join` with spaces between.

    `header`: the text that the star of this header stands for in the file, in every row. `scale`: what a number is
    multiplied by. `add_days`: how many days after the day in the cell. `last_line`: of a cell of several lines, the
    last. `only_if` keeps the value in rows that pass a test. `assumed`: no public document shows the header.
    """

    column: Headers = ()
    join: Headers = ()
    header: Headers = ()
    scale: Scale | None = None
    add_days: int = 0
    last_line: bool = False
    only_if: Test | None = None
    assumed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if [bool(self.column), bool(self.join), bool(self.header)].count(True) != 1:
            raise ValueError('a column needs one of "column", "join" and "header"')
        if any(name.count(STAR) != 1 for name in self.header):
            raise ValueError('the text of "header" needs one star, such as "Amount spent (*)"')
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """Every raw header this column takes its value from."""
        return self.column + self.join + self.header


def _one_or_several(value: object) -> object:
    """One test stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Tests = Annotated[tuple[Test, ...], BeforeValidator(_one_or_several), Field(strict=False)]


def _checked_clock(name: str) -> str:
    return name if name == "store" else checked_zone(name)


Clock = Annotated[str, AfterValidator(_checked_clock)]


class FileBlock(_Part):
    """How one export feeds one canonical table."""

    table: str
    match: Headers = Field(min_length=1)
    unless: Headers = ()
    name: str = ""
    refuse: str = ""
    hint: str = ""
    key: Column | None = None
    identity: tuple[str, ...] = Field(default=(), strict=False)
    modified_at: Column | None = None
    is_deleted: Test | None = None
    time_zone: Clock | None = None
    date_format: Headers = ("iso", "auto")
    exported_at_pattern: str | None = None
    when: Tests = ()
    when_not: Tests = ()
    aside: dict[str, Test] = Field(default_factory=dict)
    sum: tuple[str, ...] = Field(default=(), strict=False)
    max_days: int | None = Field(default=None, gt=0)
    months_across: str | None = None
    measures: dict[str, Column] = Field(default_factory=dict)
    columns: dict[str, Column] = Field(default_factory=dict)
    choose: dict[str, dict[str, Test]] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    defaults: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _named_for_its_table(cls, value: Any) -> Any:
        return {"name": value.get("table", ""), **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _maps_columns_that_exist(self) -> Self:
        _check_known("table", self.table, tuple(TABLES))
        known = tuple(name for name in TABLES[self.table].column_names() if name not in LINEAGE_COLUMNS)
        parts: Sequence[Iterable[str]] = (
            self.columns,
            self.choose,
            self.values,
            self.constants,
            self.defaults,
            self.identity,
            self.sum,
            [self.months_across] if self.months_across else [],
        )
        for name in (name for part in parts for name in part):
            _check_known(f"column of the table {self.table}", name, known)
        if key_column(self.table) in self.columns:
            raise ValueError(f'write key = "..." instead of mapping {key_column(self.table)}')
        for form in (form for form in self.date_format if "%" not in form):
            _check_known("date_format", form, DATE_FORMATS)
        return self

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        """Keys that only mean something together, or only for some tables."""
        if self.refuse and not self.hint:
            raise ValueError('"refuse" needs a "hint" that says what to export instead')
        if self.refuse and (self.columns or self.measures):
            raise ValueError('a block with "refuse" reads nothing; leave its columns out')
        if self.measures and self.table != "crm_report":
            raise ValueError('"measures" belong to the table crm_report; use "columns" here')
        if self.max_days and "period_end" not in TABLES[self.table].column_names():
            raise ValueError('"max_days" belongs to tables with a period: spend and crm_report')
        numbers = [name for name, dtype in schema_of(self.table).items() if dtype.is_numeric()]
        for name in self.sum:
            _check_known(f"number of the table {self.table}", name, tuple(numbers))
        return self

    def headers(self) -> Iterator[str]:
        """Every raw header that this block names: what may be read, and nothing else."""
        yield from self.match
        yield from (header for origin in self._origins() for header in origin.headers)

    def assumed_headers(self) -> list[str]:
        """The headers that no public document shows, in the order of the profile, each once."""
        shown = {header for origin in self._origins() if not origin.assumed for header in origin.headers}
        assumed = (header for origin in self._origins() if origin.assumed for header in origin.headers)
        return [header for header in dict.fromkeys(assumed) if header not in shown]

    def _origins(self) -> Iterator[Column | Test]:
        """Every part of the block that reads a raw column."""
        columns = [self.key, self.modified_at, *self.columns.values(), *self.measures.values()]
        tests = [self.is_deleted, *self.aside.values(), *self.when, *self.when_not]
        tests += [test for tests in self.choose.values() for test in tests.values()]
        tests += [column.only_if for column in columns if column is not None]
        yield from (origin for origin in [*columns, *tests] if origin is not None)


class Profile(_Part):
    """One system's exports: what it is called, its clock, and a block per file and table."""

    name: str = Field(min_length=1)
    label: str
    time_zone: Clock = "store"
    file: tuple[FileBlock, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _block_names_differ(self) -> Self:
        names = [block.name for block in self.file]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'two [[file]] blocks are called "{twice[0]}"; give each its own name')
        return self

    def headers(self) -> frozenset[str]:
        """Every raw header that this profile names, as its blocks write it."""
        return frozenset(header for block in self.file for header in block.headers())


@dataclass(frozen=True)
class Detection:
    """The profile that fits a file's headers, the blocks that the file feeds, why, and what came second."""

    profile: Profile
    blocks: tuple[FileBlock, ...]
    reasons: tuple[str, ...]
    runner_up: str | None


def _check_known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ValueError(f'"{name}" is not a {what}. {nearest(name, known)} Known: {", ".join(known)}')


def profile_names(own: Path | None = None) -> list[str]:
    """The names of the profiles that come with Upboard and of those in the folder `own`, sorted."""
    return sorted({path.stem for folder in _folders(own) for path in folder.glob("*.toml") if _is_inside(folder, path)})


def profile_path(name: str, own: Path | None = None) -> Path:
    """The file of a profile by its name. One in the folder `own` stands in for the one that comes with Upboard."""
    found = [(folder, folder / f"{name}.toml") for folder in _folders(own)]
    return next((path for folder, path in found if path.is_file() and _is_inside(folder, path)), found[-1][1])


def _is_inside(folder: Path, path: Path) -> bool:
    """Whether a file lies in the folder itself: a name that climbs out of it, or a link to elsewhere, is no profile."""
    return path.resolve().parent == folder.resolve()


def _folders(own: Path | None) -> list[Path]:
    return [PROFILE_DIRECTORY] if own is None else [own, PROFILE_DIRECTORY]


def load_profile(name_or_path: str | Path, own: Path | None = None) -> Profile:
    """Read a profile by its name, or from a TOML file of your own. Names are looked up in the folder `own` first.

    Raises:
        LoaderError: There is no such profile (the nearest name is given), or the file has a key, table or column that
            does not exist.
    """
    path = Path(name_or_path)
    is_named = path.suffix != ".toml"
    if is_named:
        path = profile_path(str(name_or_path), own)
    if not path.is_file() or (is_named and not any(_is_inside(folder, path) for folder in _folders(own))):
        names = profile_names(own)
        hint = (
            f"{nearest(Path(name_or_path).stem, names)} Profiles: {', '.join(names)}; or name a TOML file of your own."
        )
        raise LoaderError(f'There is no profile "{name_or_path}".', hint.strip())
    return _profile_in(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _profile_in(path: Path, _changed_at: int) -> Profile:
    """The profile of a file as it stood at that time; a server that loads often reads each once."""
    try:
        return checked_profile(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise _not_toml(path, error) from error


def checked_profile(text: str, path: Path) -> Profile:
    """The profile that a text is; `path` is where it stands or will stand.

    Raises:
        LoaderError: It is not TOML, or has a key, table or column that does not exist.
    """
    try:
        return Profile.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _not_toml(path, error) from error
    except ValidationError as error:
        raise _wrong_profile(path, error) from error


def _not_toml(path: Path, error: Exception) -> LoaderError:
    hint = "Text values stand in double quotes; see docs/add_a_profile.md."
    return LoaderError(f"The profile {path} is not TOML: {error}.", hint)


def _wrong_profile(path: Path, error: ValidationError) -> LoaderError:
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    hint = "docs/add_a_profile.md lists every key of a profile."
    if first["type"] == "extra_forbidden":
        known = list(FileBlock.model_fields if "file" in first["loc"] else Profile.model_fields)
        return LoaderError(
            f'The profile {path} has a key that does not exist: "{where}".',
            f"{nearest(str(first['loc'][-1]), known)} {hint}".strip(),
        )
    reason = first["msg"].removeprefix("Value error, ")
    return LoaderError(f"The profile {path} is wrong{f' at {where}' if where else ''}: {reason}.", hint)


def header_counter(profiles: Iterable[Profile]) -> Callable[[Sequence[str]], int]:
    """A function that counts how many cells of a row are headers that some profile knows: it finds the header row.

    Months count beside another known header, where some profile reads months across.
    """
    every = {squeezed_header(header) for profile in profiles for block in profile.file for header in block.headers()}
    exact, patterns = {name for name in every if STAR not in name}, [name for name in every if STAR in name]
    has_months = any(block.months_across for profile in profiles for block in profile.file)

    def count(cells: Sequence[str]) -> int:
        squeezed = {squeezed_header(cell) for cell in cells}
        known = (squeezed & exact) | known_headers(patterns, squeezed - exact)
        months = {cell for cell in cells if month_of(cell)} if known and has_months else set()
        return len(known) + len(months)

    return count


def detect(headers: Sequence[str], profiles: Sequence[Profile], table: str | None = None) -> Detection:
    """The profile whose fingerprints fit these headers best, with the blocks that the file feeds.

    A block fits when every header of its `match` is there and none of its `unless`; the profile that names most of the
    file's headers wins. A block that refuses counts only where nothing else fits. With `table`, only blocks that feed
    this table count.

    Raises:
        LoaderError: No block fits; what came nearest and which of its headers are missing is said.
    """
    present = frozenset(resolved_headers(headers))
    fits = [(profile, _fitting(profile, present, table)) for profile in profiles]
    ranked = sorted((fit for fit in fits if fit[1]), key=lambda fit: _rank(fit[0], fit[1], present))
    if not ranked:
        raise _nothing_fits(headers, present, profiles, table)
    profile, blocks = ranked[0]
    return Detection(
        profile=profile,
        blocks=blocks,
        reasons=tuple(_reason(block, present) for block in blocks),
        runner_up=ranked[1][0].name if len(ranked) > 1 else None,
    )


def _fitting(profile: Profile, present: frozenset[str], table: str | None) -> tuple[FileBlock, ...]:
    fits = [block for block in profile.file if table in (None, block.table) and _fits(block, present)]
    return tuple([block for block in fits if not block.refuse] or fits)


def _fits(block: FileBlock, present: frozenset[str]) -> bool:
    if block.months_across and not any(map(month_of, present)):
        return False
    return not _missing(block, present) and not any(matching(header, present) for header in block.unless)


def _missing(block: FileBlock, present: frozenset[str]) -> list[str]:
    return [header for header in block.match if not matching(header, present)]


def _known(block: FileBlock, present: frozenset[str]) -> set[str]:
    months = {header for header in present if month_of(header)} if block.months_across else set()
    return known_headers(block.headers(), present) | months


def _rank(profile: Profile, blocks: tuple[FileBlock, ...], present: frozenset[str]) -> tuple[bool, int, int, str]:
    """What reads the file first, then most known headers, then the longest fingerprint, then by name: never wavers."""
    known = set().union(*(_known(block, present) for block in blocks))
    is_refused = all(block.refuse for block in blocks)
    return is_refused, -len(known), -max(len(block.match) for block in blocks), profile.name


def _reason(block: FileBlock, present: frozenset[str]) -> str:
    shown = ", ".join(f'"{header}"' for header in block.match)
    known = f"{len(_known(block, present))} of {len(present)} headers are known"
    return f"{block.name} feeds {block.table}: has {shown}; {known}"


def _nothing_fits(
    headers: Sequence[str], present: frozenset[str], profiles: Sequence[Profile], table: str | None
) -> LoaderError:
    shown = ", ".join(f'"{_short(header)}"' for header in headers[:12]) + (" ..." if len(headers) > 12 else "")
    wanted = f" for the table {table}" if table else ""
    own = "Have a profile drafted for it: python -m loaders profile FILE (docs/add_a_profile.md says how to go on)."
    # The message is kept in the load log and the hint is not: what looks like a header may be somebody's data.
    near = _nearest_block(present, profiles, table)
    return LoaderError(f"No profile{wanted} knows the headers of this file.", f"Its headers are {shown}. {near}{own}")


def _short(header: str) -> str:
    return header if len(header) <= 40 else f"{header[:40]}..."


def _nearest_block(present: frozenset[str], profiles: Sequence[Profile], table: str | None) -> str:
    """A sentence about the block that misses fewest of its fingerprint, or nothing when no header is known at all."""
    near: list[tuple[float, str]] = []
    for owner, block in ((profile, block) for profile in profiles for block in profile.file):
        missing = _missing(block, present)
        share = 1 - len(missing) / len(block.match)
        if missing and share > 0 and table in (None, block.table):
            words = ", ".join(f'"{header}"' for header in missing)
            near.append((share, f"The nearest is {block.name} of the profile {owner.name}; it lacks {words}. "))
    return max(near, key=lambda candidate: candidate[0])[1] if near else ""
