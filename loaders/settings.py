"""What a dealership states about itself in settings.toml: stores, hours, windows, standards, targets."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from loaders.errors import LoaderError

_SPAN: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")
_MINUTES_PER_DAY: Final = 24 * 60
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def checked_zone(name: str) -> str:
    """The name of a time zone, if there is one of that name. Raises ValueError otherwise."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f'"{name}" is not a time zone; write a name such as "America/Chicago"') from error
    return name


def _minutes_of(span: str) -> tuple[int, int] | None:
    if span == "closed":
        return None
    found = _SPAN.match(span)
    if found is None:
        raise ValueError(f'"{span}" is not opening hours; write "09:00-20:00" or "closed"')
    opens_hour, opens_minute, closes_hour, closes_minute = (int(part) for part in found.groups())
    opens, closes = opens_hour * 60 + opens_minute, closes_hour * 60 + closes_minute
    if not opens < closes <= _MINUTES_PER_DAY:
        raise ValueError(f'"{span}" closes before it opens; hours end on the same day, at 24:00 at the latest')
    return opens, closes


def _checked_span(span: str) -> str:
    _minutes_of(span)
    return span


def _checked_country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f'"{code}" is not a country; write two capital letters such as "US", "CA" or "GB"')
    return code


def _checked_locale(code: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}_[A-Z]{2}", code):
        raise ValueError(f'"{code}" is not a locale; write language and country such as "en_US", "fr_CA" or "de_DE"')
    return code


def squeezed(name: str) -> str:
    """One spelling for names that differ only in case and spaces."""
    return " ".join(name.split()).casefold()


Zone = Annotated[str, AfterValidator(checked_zone)]
Span = Annotated[str, AfterValidator(_checked_span)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Name = Annotated[str, Field(min_length=1, pattern=r"\S")]
Country = Annotated[str, AfterValidator(_checked_country)]
Locale = Annotated[str, AfterValidator(_checked_locale)]
Domain = Annotated[str, Field(pattern=r"^[^@\s]+\.[^@\s]+$")]


class _Part(BaseModel):
    """A frozen part of the settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class StoreHours(_Part):
    """Opening hours of a week in the store's local time, such as "09:00-20:00", or "closed"."""

    mon: Span = "09:00-20:00"
    tue: Span = "09:00-20:00"
    wed: Span = "09:00-20:00"
    thu: Span = "09:00-20:00"
    fri: Span = "09:00-20:00"
    sat: Span = "09:00-20:00"
    sun: Span = "closed"

    def minutes(self, weekday: int) -> tuple[int, int] | None:
        """When the store opens and closes on a weekday, in minutes after midnight; None on a closed day.

        `weekday` is 0 for Monday to 6 for Sunday. A store that closes at 24:00 closes at minute 1440.
        """
        return _minutes_of(str(getattr(self, WEEKDAYS[weekday])))


class Store(_Part):
    """One rooftop: its name as people read it, other spellings found in exports, its country and its clock."""

    name: Name
    aliases: tuple[Name, ...] = Field(default=(), strict=False)
    time_zone: Zone
    country: Country = "US"
    locale: Locale | None = None
    currency: Currency = "USD"
    hours: StoreHours = StoreHours()
    holidays: tuple[date, ...] = Field(default=(), strict=False)
    response_minutes: int | None = Field(default=None, gt=0)
    targets: dict[str, float] = Field(default_factory=dict, strict=False)


class Warehouse(_Part):
    """How many published snapshots are kept to roll back to."""

    keep_snapshots: int = Field(default=10, ge=1)


class Episode(_Part):
    """When a buying episode ends, and how far back a sale looks for the lead that it came from."""

    gap_days: int = Field(default=90, ge=1)
    sale_link_days: int = Field(default=180, ge=1)


class Identity(_Part):
    """When an e-mail or phone is no mark of one person, and joins nobody.

    It is carried by more names than `max_names`, or by more leads than `max_leads`. Where one chain of shared e-mails
    and phones ends up with more names than `max_chain_names`, only those that also agree in the name stay joined.
    """

    max_names: int = Field(default=3, ge=1)
    max_leads: int = Field(default=50, ge=2)
    max_chain_names: int = Field(default=8, ge=1)


class TestLeads(_Part):
    """How test leads are recognised: by name and e-mail (`recognise`), and by the domains of one's own staff."""

    __test__ = False  # not a test of pytest

    recognise: bool = True
    domains: tuple[Domain, ...] = Field(default=(), strict=False)


class Sale(_Part):
    """Which date of a deal is its sale date."""

    date: Literal["sold", "contract", "delivered"] = "sold"


class Standards(_Part):
    """What the dealership promises: a first answer by a person within so many open minutes, and how it follows up.

    A customer is followed up who was tried `attempts` times within `attempt_days` days, or reached sooner.
    """

    response_minutes: int = Field(default=15, gt=0)
    attempts: int = Field(default=5, gt=0)
    attempt_days: int = Field(default=5, gt=0)


class Defaults(_Part):
    """What holds for a store that the settings do not name."""

    time_zone: Zone = "UTC"
    country: Country = "US"
    locale: Locale | None = None
    currency: Currency = "USD"
    hours: StoreHours = StoreHours()


class SourceEntry(_Part):
    """One lead source, and how files write it: `names` are spellings, or patterns in which `*` stands for anything."""

    source: Name
    names: tuple[Name, ...] = Field(default=(), strict=False)
    group: Name | None = None
    channel: Name | None = None

    @model_validator(mode="after")
    def _patterns_say_something(self) -> Self:
        if empty := next((name for name in self.names if not name.replace("*", "").strip()), None):
            raise ValueError(f'"{empty}" fits every source; write a part of the name beside the *')
        return self

    def spellings(self) -> Iterator[str]:
        """The names without case and needless spaces, its own among them."""
        yield from (squeezed(name) for name in (self.source, *self.names))


class Sources(_Part):
    """Lead sources: which cost nothing, so that zero spend is known to be zero, and what the names in files mean."""

    free: tuple[Name, ...] = Field(default=(), strict=False)
    map: tuple[SourceEntry, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _entries_agree(self) -> Self:
        owners: dict[str, str] = {}
        told: dict[tuple[str, str], str] = {}
        for entry in self.map:
            own = squeezed(entry.source)
            for word in entry.spellings():
                if owners.setdefault(word, own) != own:
                    raise ValueError(f'"{word}" stands under two sources, "{owners[word]}" and "{entry.source}"')
            for part, value in (("group", entry.group), ("channel", entry.channel)):
                if value and told.setdefault((own, part), value) != value:
                    raise ValueError(f'"{entry.source}" has two {part}s, "{told[own, part]}" and "{value}"')
        return self

    def finder(self) -> Callable[[str], SourceEntry | None]:
        """A function from a name as a file writes it to the source it means, or None where the map does not say.

        An exact name goes first, then the first pattern that fits; case and spaces do not matter. What several entries
        say about one source counts together.
        """
        whole: dict[str, SourceEntry] = {}
        for entry in self.map:
            known = whole.setdefault(squeezed(entry.source), entry)
            told = {"group": known.group or entry.group, "channel": known.channel or entry.channel}
            whole[squeezed(entry.source)] = known.model_copy(update=told)
        words = {word: whole[squeezed(entry.source)] for entry in self.map for word in entry.spellings()}
        patterns = [(_pattern(word), entry) for word, entry in words.items() if "*" in word]

        def find(name: str) -> SourceEntry | None:
            word = squeezed(name)
            return words.get(word) or next((entry for fits, entry in patterns if fits.match(word)), None)

        return find


def _pattern(word: str) -> re.Pattern[str]:
    """A word in which `*` stands for any text, also none."""
    return re.compile(
        "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", word)) + "$", re.DOTALL
    )


class Annotation(_Part):
    """Something that happened on a day and may explain a change: a training, a new hire, a new process.

    Without a store it concerns all of them; a person is named with the store they work at.
    """

    day: date = Field(alias="date")
    label: Name
    store: Name | None = None
    person: Name | None = None

    @model_validator(mode="after")
    def _a_person_works_at_a_store(self) -> Self:
        if self.person and not self.store:
            raise ValueError(f'"{self.person}" needs a store beside it, since stores may have namesakes')
        return self


class Target(_Part):
    """What one metric should come to, for one store, person, source or month, or any of these together.

    What is left out stands for all of them; a month is written "2026-07". Of several targets that fit a question the
    one that says most about it holds.
    """

    metric: Name
    value: float = Field(allow_inf_nan=False, strict=False)
    store: Name | None = None
    person: Name | None = None
    source: Name | None = None
    month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None

    @model_validator(mode="after")
    def _a_person_works_at_a_store(self) -> Self:
        if self.person and not self.store:
            raise ValueError(f'"{self.person}" needs a store beside it, since stores may have namesakes')
        return self

    @property
    def scope(self) -> tuple[str | None, ...]:
        """What it is for, without case and needless spaces."""
        named = (self.metric, self.store, self.person, self.source)
        return (*(None if name is None else squeezed(name) for name in named), self.month)


class Settings(_Part):
    """All of settings.toml. Every part has a default, so an empty file is valid."""

    stores: tuple[Store, ...] = Field(default=(), alias="store", strict=False)
    warehouse: Warehouse = Warehouse()
    episode: Episode = Episode()
    identity: Identity = Identity()
    test_leads: TestLeads = TestLeads()
    sale: Sale = Sale()
    standards: Standards = Standards()
    defaults: Defaults = Defaults()
    sources: Sources = Sources()
    targets: dict[str, float] = Field(default_factory=dict, strict=False)
    target_rows: tuple[Target, ...] = Field(default=(), alias="target", strict=False)
    annotations: tuple[Annotation, ...] = Field(default=(), alias="annotation", strict=False)
    # Who gets letters, and how. No number depends on it: the command that sends them checks it (pages/mail.py).
    mail: dict[str, Any] = Field(default_factory=dict, exclude=True)
    # What runs by itself. Nor on this: loaders/schedule.py checks it when the schedule is kept.
    schedule: tuple[dict[str, Any], ...] = Field(default=(), exclude=True, strict=False)

    @model_validator(mode="after")
    def _store_names_differ(self) -> Self:
        seen: set[str] = set()
        for store in self.stores:
            own = {squeezed(name) for name in (store.name, *store.aliases)}
            if twice := own & seen:
                raise ValueError(f'two stores share the name or alias "{min(twice)}"')
            seen |= own
        return self

    @model_validator(mode="after")
    def _each_target_is_set_once(self) -> Self:
        seen: set[tuple[str | None, ...]] = set()
        for target in self.all_targets():
            if target.scope in seen:
                scope = [part for part in target.scope[1:] if part]
                raise ValueError(f'two targets of "{target.metric}" for {", ".join(scope) or "everything"}')
            seen.add(target.scope)
        return self

    def all_targets(self) -> list[Target]:
        """Every target, from `[targets]`, `[store.targets]` and `[[target]]`, with stores under their own names."""
        found = [Target(metric=metric, value=value) for metric, value in self.targets.items()]
        for store in self.stores:
            found += [Target(metric=metric, value=value, store=store.name) for metric, value in store.targets.items()]
        named = {target.store: self.store_named(target.store).name for target in self.target_rows if target.store}
        return found + [row.model_copy(update={"store": named.get(row.store or "")}) for row in self.target_rows]

    def _found(self, name: str) -> Store | None:
        wanted = squeezed(name)
        names = {squeezed(known): store for store in self.stores for known in (store.name, *store.aliases)}
        return names.get(wanted)

    def store_named(self, name: str) -> Store:
        """The store of that name or alias; case and spaces do not matter.

        A store that the settings do not name is itself under `[defaults]`, its name stripped of needless spaces.
        """
        defaults = self.defaults
        return self._found(name) or Store(
            name=" ".join(name.split()),
            time_zone=defaults.time_zone,
            country=defaults.country,
            locale=defaults.locale,
            currency=defaults.currency,
            hours=defaults.hours,
        )

    def knows(self, name: str) -> bool:
        """Whether the settings name this store, by name or alias."""
        return self._found(name) is not None


def load_settings(path: Path) -> Settings:
    """Read settings.toml and check every key of it.

    Raises:
        LoaderError: The file is missing, is not TOML, has a key that does not exist (the nearest valid one is named),
            or has a value that cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        hint = "Copy data/settings.toml and write your stores into it, or name another file with --settings FILE."
        raise LoaderError(f"There is no settings file at {path}.", hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    return checked_settings(text, path)


def checked_settings(text: str, path: Path) -> Settings:
    """The settings that a text is; `path` is where it stands or will stand.

    Raises:
        LoaderError: As `load_settings`.
    """
    try:
        return Settings.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unreadable(path, error) from error
    except ValidationError as error:
        raise _wrong_setting(path, error) from error


def _unreadable(path: Path, error: Exception) -> LoaderError:
    hint = "Compare it with data/settings.toml; text values stand in double quotes."
    return LoaderError(f"The settings file {path} cannot be read: {error}.", hint)


def _wrong_setting(path: Path, error: ValidationError) -> LoaderError:
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        valid = _valid_keys(Settings, first["loc"][:-1])
        hint = f"{nearest(str(first['loc'][-1]), valid)} Valid here: {', '.join(valid)}."
        return LoaderError(f'The settings file {path} has a key that does not exist: "{where}".', hint.strip())
    reason = first["msg"].removeprefix("Value error, ")
    message = f"The settings file {path} has a wrong value{f' at {where}' if where else ''}: {reason}."
    return LoaderError(message, "Change it there; data/settings.toml shows every setting with an example.")


def _valid_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a place of the settings: follow the place through the models."""
    for part in (part for part in loc if isinstance(part, str)):
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = _model_inside(fields[part].annotation)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_inside(annotation: Any) -> type[BaseModel]:
    """The model that a field holds, itself or in a tuple."""
    inner = getattr(annotation, "__args__", (annotation,))[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else BaseModel


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A sentence that names the known word nearest to this one, or nothing when none is near."""
    close = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
    return f'Did you mean "{close[0]}"?' if close else ""
