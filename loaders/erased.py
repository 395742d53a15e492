"""Who asked to be erased, as keyed hashes beside the snapshots; and what of rows, rejects and findings gives way.

The list (erased.json) holds no name, no phone and no e-mail: ids and pseudonyms, hashed with a secret that stands in
the same file. It outlives every load: a file that brings an erased customer again brings the numbers and not the
person. See docs/run_unattended.md for what it can and cannot do.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from loaders.contracts import PERSONAL_COLUMNS, TABLES
from loaders.errors import LoaderError
from loaders.identity import email_key, name_key, phone_keys
from loaders.pseudonyms import ERASED, erased_email, erased_text, is_erased_text, key_in_text, pseudonym, sealed
from loaders.settings import Settings, squeezed
from loaders.star import made_of_test_words

FILE: Final = "erased.json"
VERSION: Final = 1
# An id shorter than this stands in many cells by chance: it alone does not make a refused row somebody's.
_TELLING_ID: Final = 5
_LONGEST_NAME: Final = 5
_KINDS: Final = {"customer_name": "name", "email": "email", "phone": "phone", "phone_2": "phone"}
_EMAIL: Final = re.compile(r"[^\s<>,;:\"'()\[\]]+@[^\s<>,;:\"'()\[\]]*[^\s<>,;:\"'()\[\].]")
_PHONE: Final = re.compile(r"\+?\(?\d[\d\s().\-/]{5,}\d")
_WORD: Final = re.compile(r"[^\W\d_]+")
_QUOTED: Final = re.compile(r'"[^"]*"')
_MAY_TELL: Final = r'["@]|\d{7}'
_DOMAIN: Final = r"@([^\s@<>,;]*[^\s@<>,;.])"


@dataclass(frozen=True)
class Erasure:
    """One request that was met: when (UTC, ISO), who did it, how many rows of which table were emptied."""

    at: str
    who: str
    rows: Mapping[str, int]
    snapshots: int
    dropped: int = 0
    notes: int = 0


@dataclass(frozen=True)
class Erased:
    """The list of a warehouse. `is_finished` is false where an erasure was cut short: no load may begin then."""

    secret: str
    marks: frozenset[str]
    erasures: tuple[Erasure, ...] = ()
    is_finished: bool = True

    def mark(self, *parts: str) -> str:
        """The entry of the list for something: its kind, its store, what it is."""
        return pseudonym(self.secret, "mark", "\x1f".join(parts))

    def holds(self, *parts: str) -> bool:
        """Whether that entry is on the list."""
        return self.mark(*parts) in self.marks


@dataclass(frozen=True)
class Someone:
    """A customer of one store as the list knows them: ids by system; pseudonyms of what is theirs alone."""

    store: str
    leads: frozenset[tuple[str, str]] = frozenset()
    customers: frozenset[tuple[str, str]] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = field(default=frozenset())


def read_erased(warehouse: Path) -> Erased | None:
    """The list of a warehouse; None where nobody was ever erased.

    Raises:
        LoaderError: The file is damaged, or of a later release.
    """
    path = warehouse / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    return parsed(told, path)


def parsed(told: Any, path: Path) -> Erased:
    """The list that a JSON value is. LoaderError where it is none, or of a later release."""
    try:
        if told["version"] != VERSION:
            raise _unreadable(path, f"it is of version {told['version']}, this Upboard knows {VERSION}")
        erasures = tuple(Erasure(**erasure) for erasure in told["erasures"])
        return Erased(str(told["secret"]), frozenset(told["marks"]), erasures, told["is_finished"] is True)
    except (KeyError, TypeError) as error:
        raise _unreadable(path, f"{error} is missing or wrong") from error


def _unreadable(path: Path, why: str) -> LoaderError:
    hint = "Restore it from a backup: python -m loaders restore FILE. Without it, erased customers would come back."
    return LoaderError(f"The list of erased customers {path} cannot be read: {why}.", hint)


def new_list() -> Erased:
    """An empty list with a secret of its own."""
    return Erased(secrets.token_hex(32), frozenset())


def write_erased(warehouse: Path, erased: Erased) -> None:
    """Replace the list in one step; only its owner may read it."""
    told = {
        "version": VERSION,
        "secret": erased.secret,
        "is_finished": erased.is_finished,
        "erasures": [asdict(erasure) for erasure in erased.erasures],
        "marks": sorted(erased.marks),
    }
    fresh = warehouse / f"{FILE}.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(warehouse / FILE)


def with_someone(erased: Erased, someone: Someone) -> Erased:
    """The list with one more customer on it.

    What is said of a store holds for its rows; what is said of "any" finds the customer in texts that name no store.
    """
    store = squeezed(someone.store)
    ids = [("lead", *pair) for pair in someone.leads] + [("customer", *pair) for pair in someone.customers]
    marks: list[tuple[str, ...]] = [(kind, store, system, natural_id) for kind, system, natural_id in ids]
    marks += [("any id", natural_id) for _, _, natural_id in ids if len(natural_id) >= _TELLING_ID]
    for kind, keys in (("email", someone.emails), ("phone", someone.phones), ("name", someone.names)):
        marks += [(kind, store, key) for key in keys] + [(f"any {kind}", key) for key in keys]
    return replace(erased, marks=erased.marks | {erased.mark(*parts) for parts in marks})


def personal_columns(table: str) -> list[str]:
    """The columns of a canonical table that name or reach a customer."""
    return [name for name in PERSONAL_COLUMNS if name in TABLES[table].column_names()]


def erase_rows(table: str, rows: pl.DataFrame, erased: Erased, settings: Settings) -> pl.DataFrame:
    """Rows of a canonical table, in their order, with what names an erased customer emptied."""
    columns = personal_columns(table)
    if not columns:
        return rows
    numbered = rows.with_row_index("position")
    emptied = emptied_cells(table, numbered, erased, settings)
    if emptied.is_empty():
        return rows
    told = emptied.with_columns(is_emptied=True)
    joined = numbered.join(told, on="position", how="left", suffix="|erased", maintain_order="left")
    new = [pl.when("is_emptied").then(f"{name}|erased").otherwise(name).alias(name) for name in columns]
    return joined.with_columns(new).select(rows.columns)


def emptied_cells(table: str, rows: pl.DataFrame, erased: Erased, settings: Settings) -> pl.DataFrame:
    """Of the rows of erased customers: `position`, and the personal columns as they stand from now on.

    `rows`: `position, store, system`, the table's refs and its personal columns. Rows that hold nothing more to empty
    are left out.
    """
    columns = [name for name in personal_columns(table) if name in rows.columns]
    is_open = pl.any_horizontal(
        pl.col(name).is_not_null() & ~pl.col(name).str.contains(r"^(\(erased\)|erased-[0-9a-f]{24}@)")
        for name in columns
    )
    keyed = _with_keys(rows.filter(is_open), settings, erased.secret)
    found = [
        keyed.join(hits, on=hits.columns, how="semi").select("position")
        for hits in _hits(table, keyed, erased, settings)
    ]
    mine = keyed.join(pl.concat([keyed.select("position").clear(), *found]).unique(), on="position", how="semi")
    emptied = _emptied(mine.sort("position"), columns, settings)
    before = mine.sort("position").select(emptied.columns)
    is_new = [emptied[name].ne_missing(before[name]) for name in columns]
    return emptied.filter(pl.DataFrame(is_new).select(pl.any_horizontal(pl.all())).to_series())


def _with_keys(rows: pl.DataFrame, settings: Settings, secret: str) -> pl.DataFrame:
    """The rows with the pseudonym of each personal cell, null where the cell tells nothing: `<column> key`."""
    countries = rows["store"].replace_strict(
        {store: settings.store_named(store).country for store in rows["store"].unique()}, return_dtype=pl.String
    )
    keys: list[pl.Series] = []
    for name in (column for column in _KINDS if column in rows.columns):
        if name == "customer_name":
            words = pl.when(is_erased_text(name)).then(key_in_text(name)).otherwise(name_key(name))
            key = rows.select(pl.when(words != "").then(words)).to_series()
        else:
            key = rows.select(email_key(name)).to_series() if name == "email" else phone_keys(rows[name], countries)
        keys.append(sealed(key, _KINDS[name], secret).alias(f"{name} key"))
    return rows.with_columns(keys)


def _hits(table: str, rows: pl.DataFrame, erased: Erased, settings: Settings) -> Iterator[pl.DataFrame]:
    """What of the rows is on the list: by their own or their lead's or customer's id, and by what they carry.

    A name alone makes no lead somebody's: they may be namesakes. In other records nobody ever sees it.
    """
    ids = {"lead": "lead_id", "customer": "customer_id"}
    for kind, column in ids.items():
        if column in rows.columns:
            yield _listed(rows, kind, ["system", column], erased, settings)
    by_name = table not in {"lead", "customer_detail"}
    for name, kind in _KINDS.items():
        if name in rows.columns and (kind != "name" or by_name):
            yield _listed(rows, kind, [f"{name} key"], erased, settings)


def _listed(rows: pl.DataFrame, kind: str, columns: Sequence[str], erased: Erased, settings: Settings) -> pl.DataFrame:
    """The different `store, *columns` of the rows that are on the list, under any name of the store."""
    known: dict[str, tuple[str, ...]] = {}
    different = rows.select("store", *columns).drop_nulls().unique()
    hits = [
        row
        for row in different.iter_rows()
        if any(erased.holds(kind, name, *row[1:]) for name in _names_of(row[0], settings, known))
    ]
    return pl.DataFrame(hits, schema=different.schema, orient="row")


def _names_of(store: str, settings: Settings, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if store not in known:
        found = settings.store_named(store)
        known[store] = tuple(dict.fromkeys(squeezed(name) for name in (store, found.name, *found.aliases)))
    return known[store]


def _emptied(rows: pl.DataFrame, columns: Sequence[str], settings: Settings) -> pl.DataFrame:
    """The cells of these rows, emptied; what makes a lead a test lead names nobody, and stays."""
    words = {name: rows[name].drop_nulls().to_list() if name in columns else [] for name in ("customer_name", "email")}
    plain = made_of_test_words(words["customer_name"], words["email"]) if rows.height else frozenset()
    domains = [domain.lower() for domain in settings.test_leads.domains]
    new = {
        name: [_cell(name, *pair, plain, domains) for pair in zip(rows[name], rows[f"{name} key"], strict=True)]
        for name in columns
    }
    return pl.DataFrame(
        {"position": rows["position"], **{name: pl.Series(cells, dtype=pl.String) for name, cells in new.items()}}
    )


def _cell(name: str, cell: str | None, key: str | None, plain: frozenset[str], domains: Sequence[str]) -> str | None:
    if cell is None or cell in plain:
        return cell
    if name != "email":
        return erased_text(key)
    found = re.search(_DOMAIN, cell.lower())
    own = found and next((domain for domain in domains if f".{found[1]}".endswith(f".{domain}")), None)
    return erased_email(key, own or None)


def erase_rejects(rejects: pl.DataFrame, erased: Erased, settings: Settings) -> pl.DataFrame:
    """Refused rows, in their order; those that tell of an erased customer keep line and rule and lose all cells."""
    reader = _Reader(erased, _countries(settings))
    is_mine = pl.Series([reader.tells_of(_cells(row)) for row in rejects["row"]], dtype=pl.Boolean)
    if not is_mine.any():
        return rejects
    emptied = pl.Series([_emptied_row(row) if mine else row for row, mine in zip(rejects["row"], is_mine, strict=True)])
    rules = pl.Series([_QUOTED.sub(f'"{ERASED}"', rule) for rule in rejects["rule"]])
    hashes = pl.Series([pseudonym(erased.secret, "reject", found) for found in rejects["content_hash"]])
    changed = {"row": emptied, "rule": rules, "content_hash": hashes}
    return rejects.with_columns(
        pl.when(is_mine).then(new).otherwise(pl.col(name)).alias(name) for name, new in changed.items()
    )


def erase_texts(texts: pl.Series, erased: Erased, settings: Settings) -> pl.Series:
    """Sentences; those that tell of an erased customer lose what they quote, or all where they quote nothing."""
    may_tell = texts.drop_nulls().unique()
    may_tell = may_tell.filter(may_tell.str.contains(_MAY_TELL))
    reader = _Reader(erased, _countries(settings))
    new = {text: emptied for text in may_tell if (emptied := reader.emptied(text)) != text}
    return texts.replace(list(new), list(new.values())) if new else texts


def text_eraser(erased: Erased, settings: Settings) -> _Reader:
    """What finds erased customers in texts, for those that are no column of a table."""
    return _Reader(erased, _countries(settings))


@dataclass(frozen=True)
class _Reader:
    """Finds erased customers in texts that name no store: by e-mail, phone, a name of several words, a telling id."""

    erased: Erased
    countries: tuple[str, ...]

    def emptied(self, text: str) -> str:
        """The text without what it tells of an erased customer."""
        if not self.tells_of([text, *(quoted[1:-1] for quoted in _QUOTED.findall(text))]):
            return text
        without = _QUOTED.sub(f'"{ERASED}"', text)
        return ERASED if self.tells_of([without]) else without

    def tells_of(self, cells: Sequence[str]) -> bool:
        """Whether a row of cells tells of somebody on the list."""
        whole = " ".join(cells)
        return (
            any(self.erased.holds("any id", cell.strip()) for cell in cells if len(cell.strip()) >= _TELLING_ID)
            or self._holds("email", self._emails(whole))
            or self._holds("phone", self._phones(cells))
            or self._holds("name", self._names(cells, whole))
        )

    def _holds(self, kind: str, keys: Iterable[str]) -> bool:
        secret = self.erased.secret
        return any(self.erased.holds(f"any {kind}", pseudonym(secret, kind, key)) for key in keys)

    def _emails(self, text: str) -> list[str]:
        found = pl.DataFrame({"email": _EMAIL.findall(text)}, schema={"email": pl.String})
        return found.select(email_key("email")).to_series().drop_nulls().to_list() if found.height else []

    def _phones(self, cells: Sequence[str]) -> list[str]:
        found = [number for cell in cells for number in (*_PHONE.findall(cell), *_whole_number(cell))]
        pairs = [(number, country) for number in found for country in self.countries]
        if not pairs:
            return []
        frame = pl.DataFrame(pairs, schema={"number": pl.String, "country": pl.String}, orient="row")
        return phone_keys(frame["number"], frame["country"]).drop_nulls().to_list()

    def _names(self, cells: Sequence[str], text: str) -> Iterator[str]:
        yield from (" ".join(sorted(_words(cell))) for cell in cells)
        words = _words(text)
        for length in range(2, _LONGEST_NAME + 1):
            for start in range(len(words) - length + 1):
                yield " ".join(sorted(words[start : start + length]))


def _whole_number(cell: str) -> list[str]:
    return [cell] if any(sign.isdigit() for sign in cell) and len(cell) < 40 else []


def _words(text: str) -> list[str]:
    """The words of a text as name_key has them."""
    lower = text.replace("\u0130", "i").lower().replace("\u03c2", "\u03c3")
    return _WORD.findall(re.sub(r"['`\u2019]", "", lower))


def _cells(row: str) -> list[str]:
    return [str(cell) for cell in json.loads(row).values() if cell is not None]


def _emptied_row(row: str) -> str:
    told = json.loads(row)
    return json.dumps({name: None if cell is None else ERASED for name, cell in told.items()}, ensure_ascii=False)


def _countries(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(store.country for store in settings.stores), settings.defaults.country)))
