"""What an unknown column probably is: by its header, against all headers that profiles know, and by its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import polars as pl
from rapidfuzz import fuzz, process

from loaders.columns import WORDS
from loaders.contracts import TABLES, key_column, schema_of
from loaders.headers import STAR
from loaders.profile import LINEAGE_COLUMNS, Column, FileBlock, Profile, Test, load_profile, profile_names
from loaders.values import date_orders, filled, parse_flags, parse_moments, parse_money, squeezed

# How sure a guess must be, of 100; below _SURE it is marked as unsure.
_LIKELY: Final = 78
_SURE: Final = 90
# A header this near is likely where the cells speak for it.
_NEAR: Final = 72
# A short header must be all but the same: "device" is not "devise".
_SHORT: Final = 90
_REQUIRED: Final = 8
_MOST_CATEGORIES: Final = 40
_SAMPLE: Final = 2000
_ID_HEADER: Final = re.compile(r"(^|\s)(id|nr|no|number|key)$")
# How much of a table must be explained for a file to feed it beside another.
_WORTHY: Final = 5
_PERSONAL: Final = frozenset(("customer_name", "email", "phone", "phone_2", "name", "salesperson", "bdc_agent"))


def _parted(words: str) -> tuple[str, ...]:
    return tuple(words.split(", "))


# Words of everyday sheets that no CRM's export shows, by the column they stand for.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "created_at": _parted(
        "created, date created, received, date received, lead date, inquiry date, submitted, "
        "first contact date, enquiry date"
    ),
    "customer_name": _parted("name, customer, client, full name, contact name, client name, buyer, prospect"),
    "email": _parted("e mail, mail, email address, e mail address, customer email"),
    "phone": _parted("phone number, telephone, tel, mobile, cell, cell phone, mobile phone"),
    "phone_2": _parted("home phone, work phone, other phone, alternate phone, evening phone"),
    "source": _parted("lead source, channel, origin, source name, how heard, referred by, landing source"),
    "salesperson": _parted(
        "rep, sales rep, salesman, seller, consultant, advisor, assigned to, owner, sales consultant"
    ),
    "bdc_agent": _parted("bdc, bdc rep, bd agent, internet agent, sdr"),
    "status": _parted("state, stage, lead status, disposition, current status"),
    "lead_type": _parted("type, up type, contact type, inquiry type"),
    "vehicle": _parted("car, model, vehicle of interest, unit, interested in"),
    "vehicle_condition": _parted("new used, condition, n u, new or used, stock type, inventory type"),
    "sold_at": _parted("sold, sold date, sale date, signed, won date, closed date, close date, deal date"),
    "delivered_at": _parted("delivered, delivery date, date delivered"),
    "contract_at": _parted("contract, contract date, contracted"),
    "front_gross": _parted("front, front end, front end gross, front profit"),
    "back_gross": _parted("back, back end, back end gross, f i gross, back profit"),
    "total_gross": _parted("gross, profit, total profit, gross profit, margin"),
    "stock_number": _parted("stock, stock no, stock number, stk"),
    "vin": _parted("vin number, chassis"),
    "set_at": _parted("date set, booked, booked on, appointment created, scheduled on, made on"),
    "due_at": _parted(
        "appointment, appointment date, appointment time, appt date, start, start time, scheduled for, due"
    ),
    "set_by": _parted("booked by, made by, scheduled by, created by"),
    "occurred_at": _parted("date, time, date time, activity date, call date, timestamp, logged, sent at"),
    "person": _parted("user, agent, employee, made by, rep, owner, caller"),
    "direction": _parted("in out, inbound outbound"),
    "channel": _parted("method, medium, activity type, communication type, via"),
    "result": _parted("outcome, disposition, call result, answer"),
    "duration_seconds": _parted("duration, call length, talk time, length"),
    "amount": _parted("cost, spend, spent, amount spent, total, invoice, price"),
    "period_start": _parted("month, day, date, from, period, start date, period start"),
    "period_end": _parted("to, until, end date, period end"),
    "store": _parted("dealer, dealership, rooftop, location, branch, site, dealer name"),
    "lead_id": _parted("lead, lead no, lead number, lead nr, inquiry id, enquiry id, opportunity id, mql id"),
    "customer_id": _parted("customer no, customer number, client id, contact id"),
    "modified_at": _parted("modified, last modified, updated, last updated, last change, system modstamp"),
}


_KEYS: Final = _parted("id, nr, no, number, record id, ref, reference")


@dataclass(frozen=True)
class Seen:
    """A column of the file: its cells, and what they look like.

    `kind`: empty, date, money, number, flag, email, phone, id, category or text. `words`: the different cells of a
    category, the most frequent first.
    """

    header: str
    cells: pl.Series
    kind: str
    is_unique: bool
    words: tuple[str, ...]


@dataclass(frozen=True)
class Guess:
    """What a column of the file is taken for: a canonical column, the key, or a mark ("modified_at", "is_deleted")."""

    column: str
    seen: Seen
    score: float
    reason: str

    @property
    def is_sure(self) -> bool:
        """Whether header and cells agree so well that nobody need look twice."""
        return self.score >= _SURE

    @property
    def is_personal(self) -> bool:
        """Whether its cells are about a person, so that samples of it are masked."""
        return self.column in _PERSONAL or self.seen.kind in {"email", "phone", "text"}


def look_at(header: str, cells: pl.Series) -> Seen:
    """What the cells of one column look like."""
    cells = filled(cells.str.strip_chars().replace("", None)).drop_nulls()
    different = cells.unique()
    counted = cells.value_counts(sort=True, name="times").sort("times", cells.name, descending=[True, False])
    is_repeated = different.len() < cells.len() and (different.len() <= 2 or different.len() < 0.7 * cells.len())
    is_category = is_repeated and different.len() <= _MOST_CATEGORIES
    words = tuple(counted[cells.name].to_list()) if is_category else ()
    return Seen(header, cells, _kind(cells, is_category=is_category), different.len() == cells.len() > 0, words)


def _kind(cells: pl.Series, *, is_category: bool) -> str:
    sample = cells.head(_SAMPLE)
    if sample.is_empty():
        return "empty"
    shapes = (kind for kind, is_so in _SHAPES.items() if _mostly(is_so(sample)))
    return next(shapes, "category" if is_category else "text")


def _are_dates(sample: pl.Series) -> pl.Series:
    zones = pl.Series(["UTC"]).new_from_index(0, sample.len())
    order = min(date_orders([sample]) & {"mdy", "dmy"}, default="mdy")
    return ~parse_moments(sample, zones, ("iso", order)).unreadable


def _are_flags(sample: pl.Series) -> pl.Series:
    return ~parse_flags(sample).unreadable & (sample.n_unique() <= 2)


def _are_amounts(sample: pl.Series) -> pl.Series:
    has_cents = bool(sample.str.contains(r"[.,]\d{2}$|\p{Sc}").any())
    return _are_numbers(sample) & has_cents


def _are_numbers(sample: pl.Series) -> pl.Series:
    return ~parse_money(sample, 6).unreadable


def _matching(pattern: str) -> Callable[[pl.Series], pl.Series]:
    return lambda sample: sample.str.contains(pattern)


# The first shape that most cells have is the kind of a column.
_SHAPES: Final[Mapping[str, Callable[[pl.Series], pl.Series]]] = {
    "date": _are_dates,
    "flag": _are_flags,
    "email": _matching(r"^[^\s@]+@[^\s@]+\.[^\s@]+$"),
    "phone": _matching(r"^\+?1?[\s.-]*\(?\d{3}\)?[\s.-]*\d{3}[\s.-]*\d{4}(\s*(x|ext).*)?$"),
    "money": _are_amounts,
    "number": _are_numbers,
}


def _mostly(is_so: pl.Series) -> bool:
    return int(is_so.fill_null(value=False).sum()) >= 0.9 * is_so.len()


def guesses(columns: Sequence[Seen], table: str) -> list[Guess]:
    """The best match of the file's columns with those of a table: each column of either side once, the surest first."""
    every = [guess for seen in columns for guess in _candidates(seen, table)]
    required = set(needed(table))
    # A column that no row can do without goes before one that merely has the same name.
    every.sort(
        key=lambda guess: (-guess.score - _REQUIRED * (guess.column in required), guess.column, guess.seen.header)
    )
    taken: dict[str, Guess] = {}
    used: set[str] = set()
    for guess in every:
        if guess.column not in taken and guess.seen.header not in used:
            taken[guess.column] = guess
            used.add(guess.seen.header)
    return [*taken.values(), *_other_edge(taken)]


def _other_edge(taken: Mapping[str, Guess]) -> Iterator[Guess]:
    """Where one date says when a period is, it is both its first and its last day."""
    for one, other in (("period_start", "period_end"), ("period_end", "period_start")):
        if one in taken and other not in taken:
            yield replace(taken[one], column=other, score=min(taken[one].score, _SURE), reason="the same day or month")


def _candidates(seen: Seen, table: str) -> Iterator[Guess]:
    """Everything that a column may be in a table, with a score above the least likely."""
    for column, (score, reason) in _likenesses(seen.header, table).items():
        fit, why = _fit(seen, table, column)
        total = score * fit + (8 if fit == 1.0 and why and score >= _NEAR else 0)
        if fit and total >= _LIKELY:
            yield Guess(column, seen, min(total, 100.0), f"{reason}{f'; {why}' if why else ''}")
    is_key = seen.is_unique and seen.kind not in {"date", "email", "phone", "money"}
    if is_key and _ID_HEADER.search(plain_words(seen.header)):
        yield Guess(key_column(table), seen, _LIKELY, "its cells are all different, and it is called an id")


@cache
def _schema(table: str) -> pl.Schema:
    return schema_of(table)


@cache
def mappable(table: str) -> tuple[str, ...]:
    """The columns of a table that a file may fill, its key among them."""
    aside = LINEAGE_COLUMNS - {"modified_at", "is_deleted", key_column(table)}
    return tuple(name for name in TABLES[table].column_names() if name not in aside and not name.endswith("_is_date"))


@cache
def needed(table: str) -> tuple[str, ...]:
    """The columns that a row cannot do without, beside its key, its store and marks that say no by themselves."""
    schema = _schema(table)
    aside = {"store", "system", key_column(table)}
    columns = TABLES[table].columns()
    names = (name for name in mappable(table) if not columns[name].nullable and schema[name] != pl.Boolean)
    return tuple(name for name in names if name not in aside)


@cache
def _likenesses(header: str, table: str) -> Mapping[str, tuple[float, str]]:
    """By column of a table: how like a header is to the likest that is known for it, of 100, and which one that is."""
    best: dict[str, tuple[float, str]] = {}
    for word, alike in _alike(plain_words(header)).items():
        for column, weight, owner in _known(table).get(word, ()):
            if weight * alike > best.get(column, (0.0, ""))[0]:
                best[column] = (weight * alike, f'like "{word}" of {owner}')
    return best


@cache
def _alike(words: str) -> Mapping[str, float]:
    """Every known header that is near, and how near, whatever the order of its words and the spaces between them."""
    cutoff = _SHORT if len(words) < 8 else _NEAR
    known = _every_known()
    in_order = process.extract(words, known, scorer=fuzz.token_sort_ratio, score_cutoff=cutoff, limit=None)
    joined = process.extract(words.replace(" ", ""), _joined(), scorer=fuzz.ratio, score_cutoff=cutoff, limit=None)
    near: dict[str, float] = {}
    for _, score, place in (*in_order, *joined):
        near[known[place]] = max(score, near.get(known[place], 0.0))
    return near


@cache
def _every_known() -> list[str]:
    return sorted({word for table in TABLES for word in _known(table)})


@cache
def _joined() -> list[str]:
    return [word.replace(" ", "") for word in _every_known()]


@cache
def _known(table: str) -> Mapping[str, tuple[tuple[str, float, str], ...]]:
    """By header: the columns of a table that it stands for, how much a match counts, and who calls them so."""
    found: dict[str, dict[str, tuple[str, float, str]]] = {}
    for column, header, weight, owner in _namings(table):
        words = plain_words(header)
        held = found.setdefault(words, {})
        is_better = column not in held or weight > held[column][1]
        if column in mappable(table) and is_better and _tells(words, table, column):
            held[column] = (column, weight, owner)
    return {words: tuple(columns.values()) for words, columns in found.items() if words}


def _tells(words: str, table: str, column: str) -> bool:
    """A bare "id" is the record's own, whatever a profile takes from it besides."""
    return column == key_column(table) or words not in _KEYS


def _namings(table: str) -> Iterator[tuple[str, str, float, str]]:
    """Column, header, weight and owner of everything that is known to stand for a column of the table."""
    for column in mappable(table):
        yield column, column, 1.0, "our own tables"
        for word in (*_WORDS.get(column, ()), *(_KEYS if column == key_column(table) else ())):
            yield column, word, 0.95, "everyday sheets"
    for profile, block in _blocks():
        # Another table's header for a column of the same name is a weaker hint.
        weight = 1.0 if block.table == table else 0.9
        for column, header in _named(block):
            if STAR not in header:
                yield column, header, weight, f"the profile {profile.name}"


@cache
def _blocks() -> tuple[tuple[Profile, FileBlock], ...]:
    profiles = [load_profile(name) for name in profile_names()]
    return tuple((profile, block) for profile in profiles for block in profile.file)


def _named(block: FileBlock) -> Iterator[tuple[str, str]]:
    """Column and header, for every column of a block that has headers of its own."""
    origins: dict[str, Column | Test | None] = dict(block.columns)
    origins |= {key_column(block.table): block.key, "modified_at": block.modified_at, "is_deleted": block.is_deleted}
    for column, origin in origins.items():
        # Of a joined name, each part alone is not the whole.
        headers = origin.column if origin is not None else ()
        yield from ((column, header) for header in headers)


def _fit(seen: Seen, table: str, column: str) -> tuple[float, str]:
    """Whether the cells can be what a column holds: 1 and the reason where they tell, less where they do not."""
    dtype = _schema(table)[column]
    if seen.kind == "empty":
        return 0.85, "no cell is filled"
    if dtype.is_temporal():
        return (1.0, "its cells are dates") if seen.kind == "date" else (0.0, "")
    if dtype == pl.Boolean:
        return (1.0, "") if seen.kind in {"flag", "category", "date"} else (0.0, "")
    if dtype.is_numeric() or isinstance(dtype, pl.Decimal):
        return (1.0, "") if seen.kind in {"money", "number", "flag"} else (0.0, "")
    return _fit_of_text(seen, table, column)


def _fit_of_text(seen: Seen, table: str, column: str) -> tuple[float, str]:
    fits = _SPECIAL.get("key" if column == key_column(table) else column)
    if fits is not None:
        return fits(seen)
    if (table, column) in WORDS:
        return _fit_of_words(seen, _known_words(table, column))
    return (0.0, "") if seen.kind in {"date", "email", "phone", "money"} else (1.0, "")


def _fit_of_store(seen: Seen) -> tuple[float, str]:
    """Rows of a wrong store are worse than rows of one that is asked for."""
    return (0.9, "") if seen.kind == "category" and not seen.is_unique else (0.0, "")


def _fit_of_key(seen: Seen) -> tuple[float, str]:
    if seen.is_unique and seen.kind != "date":
        return 1.0, "its cells are all different"
    return (0.9, "several rows share one") if seen.kind in {"text", "number"} and not seen.words else (0.0, "")


def _fit_of_email(seen: Seen) -> tuple[float, str]:
    return (1.0, "its cells are e-mails") if seen.kind == "email" else (0.0, "")


def _fit_of_phone(seen: Seen) -> tuple[float, str]:
    if seen.kind == "phone":
        return 1.0, "its cells are phones"
    return (0.9 if seen.kind in {"text", "number"} else 0.0), ""


def _fit_of_words(seen: Seen, known: frozenset[str]) -> tuple[float, str]:
    hits = sum(word in known for word in squeezed(pl.Series(seen.words, dtype=pl.String)))
    if hits and hits * 2 >= len(seen.words):
        return 1.0, "its words are known"
    return (0.9, "") if seen.words and seen.kind == "category" else (0.0, "")


_SPECIAL: Final[Mapping[str, Callable[[Seen], tuple[float, str]]]] = {
    "store": _fit_of_store,
    "key": _fit_of_key,
    "email": _fit_of_email,
    "phone": _fit_of_phone,
    "phone_2": _fit_of_phone,
}


def _known_words(table: str, column: str) -> frozenset[str]:
    return frozenset(meanings(table, column))


@cache
def meanings(table: str, column: str) -> Mapping[str, str]:
    """What words of other systems (squeezed) mean in a column that holds one of a few words."""
    listed: dict[str, str] = {}
    for _, block in _blocks():
        for word, meaning in block.values.get(column, {}).items():
            if (block.table == table or column == "vehicle_condition") and word != STAR:
                listed.setdefault(word, meaning)
    listed |= {word: word for word in WORDS[table, column]}
    keys = squeezed(pl.Series(list(listed), dtype=pl.String)).to_list()
    return dict(zip(keys, listed.values(), strict=True))


def plain_words(header: str) -> str:
    """A header as words: "LeadOriginationUTCDate" and "property_lead_source__c" as people would say them."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header)
    words = re.sub(r"[\W_]+", " ", parted).casefold().split()
    aside = {"property", "hs", "c", "utc", "sf"} if len(words) > 1 else set()
    return " ".join(word for word in words if word not in aside) or " ".join(words)


def likely_tables(columns: Sequence[Seen], stem: str, only: str | None = None) -> dict[str, list[Guess]]:
    """The tables that the file may feed, the likeliest first, and what its columns are there.

    `stem`: the file's name, which may tell. A second table is listed where nearly as much speaks for it.
    """
    tables: Iterable[str] = [only] if only else TABLES
    found = {table: guesses(columns, table) for table in tables}
    worth = {table: _worth(table, found[table]) + _hinted(table, stem) for table in found}
    ranked = sorted(found, key=lambda table: (not found[table], -worth[table], table))
    near = [table for table in ranked[1:3] if worth[table] > max(_WORTHY, 0.6 * worth[ranked[0]])]
    return {table: _with_dates(table, found[table], columns) for table in (ranked[0], *near)}


def _hinted(table: str, stem: str) -> float:
    """What the name of the file and the nature of the table speak for it: most files hold leads, deals or touches."""
    words = plain_words(stem).split()
    is_named = any(fuzz.ratio(word, name) > 85 for word in words for name in _FILES.get(table, (table,)))
    return (2.0 if is_named else 0.0) + _PRIORS.get(table, -1.5)


def _with_dates(table: str, found: list[Guess], columns: Sequence[Seen]) -> list[Guess]:
    """The same; a date that every row needs and no header names is taken from the first dates left over, unsurely."""
    named, used = {guess.column for guess in found}, {guess.seen.header for guess in found}
    left = [seen for seen in columns if seen.kind == "date" and seen.header not in used]
    schema = _schema(table)
    missing = [name for name in needed(table) if schema[name].is_temporal() and name not in named]
    taken = [
        Guess(name, seen, 0.0, "no header says it; these dates are left")
        for name, seen in zip(missing, left, strict=False)
    ]
    return [*found, *taken]


def _worth(table: str, found: Sequence[Guess]) -> float:
    """How much of a table is explained: what tells it from others counts twice, and what is missing against it."""
    named = {guess.column for guess in found} - {"modified_at", "is_deleted"}
    required = set(needed(table))
    missing = sum(name not in named and (table, name) not in WORDS for name in required)
    telling = required | set(_TELLING.get(table, ()))
    counted = (guess for guess in found if guess.column in named)
    own = sum(guess.score / 100 * (2 if guess.column in telling else 1) for guess in counted)
    return own - 2.5 * missing


# The columns that make a file one of this table rather than of another.
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "lead": ("created_at", "source", "email", "phone", "lead_type"),
    "sale": ("sold_at", "total_gross", "front_gross", "back_gross", "delivered_at", "vin"),
    "appointment": ("due_at", "set_at", "outcome", "appointment_type"),
    "contact": ("occurred_at", "direction", "channel", "result", "duration_seconds"),
    "spend": ("amount", "campaign", "period_start"),
    "service_visit": ("odometer", "advisor"),
    "survey": ("score", "answered_at"),
}
# How files of a table are called, and how likely a file is to be one before anything is known of it.
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "lead": ("lead", "leads", "prospects", "inquiries", "enquiries", "ups", "contacts"),
    "sale": ("sale", "sales", "deal", "deals", "sold", "opportunity", "opportunities"),
    "contact": ("communication", "communications", "calls", "call", "activities", "activity", "engagement", "touches"),
    "appointment": ("appointment", "appointments", "appts", "event", "events", "meetings", "meeting"),
    "spend": ("spend", "cost", "costs", "ads", "advertising", "campaign", "campaigns", "budget", "invoice"),
    "visit": ("visit", "visits", "showroom"),
    "task": ("task", "tasks"),
    "service_visit": ("service", "repair", "ro"),
    "person": ("user", "users", "staff", "employees", "roster", "team", "owner"),
    "survey": ("survey", "surveys", "csi"),
}
_PRIORS: Final[Mapping[str, float]] = {"lead": 1.0, "sale": 0.5, "appointment": 0.0, "contact": 0.0, "spend": 0.5}
