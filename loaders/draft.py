"""A first profile for a file that no profile knows: the best guess for each column, with the reason and samples.

The draft can be loaded as it is where the file is simple. What is unsure is marked "UNSURE"; samples of cells that may
be about a person are masked.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from loaders.canonical import conform
from loaders.columns import WORDS
from loaders.contracts import TABLES, key_column
from loaders.errors import LoaderError
from loaders.guessing import Guess, Seen, likely_tables, look_at, mappable, meanings, needed
from loaders.profile import Profile, header_counter, load_profile, profile_names
from loaders.read import RawFrame, read
from loaders.settings import Settings, nearest
from loaders.values import date_orders

_SAMPLES: Final = 3
_SAMPLE_LENGTH: Final = 30
_MATCHED: Final = 4
_MARKS: Final = ("modified_at", "is_deleted")
# What a required column holds where the file does not say: a profile may only guess so if it says so.
_USUAL: Final = {
    ("lead", "lead_type"): "other",
    ("lead", "status"): "open",
    ("contact", "direction"): "out",
    ("contact", "channel"): "other",
    ("contact", "result"): "other",
    ("appointment", "appointment_type"): "sales",
    ("appointment", "outcome"): "open",
    ("task", "outcome"): "open",
    ("sale", "sale_type"): "retail",
    ("spend", "source"): "(name the source)",
    ("survey", "kind"): "sales",
    ("survey", "instrument"): "survey",
    ("survey", "scale_min"): "0",
    ("survey", "scale_max"): "10",
}
_TRIED_STORE: Final = "(draft)"


@dataclass(frozen=True)
class Draft:
    """A drafted profile: its text, the table it feeds, what is missing, and how a trial on the file went.

    `also`: other tables that the file may feed.
    """

    text: str
    table: str
    also: tuple[str, ...]
    missing: tuple[str, ...]
    read: int
    accepted: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def next_steps(self, file: Path, profile: Path) -> Iterator[str]:
        """What came of it and what to do now, as sentences."""
        unsure = self.text.count("# UNSURE")
        yield (
            f"The file looks like the table {self.table}: with this draft, {self.accepted} of {self.read} rows would "
            f"be accepted. Lines marked UNSURE: {unsure}."
        )
        if self.also:
            yield f"It may also feed {', '.join(self.also)}: draft each with --table, and copy its [[file]] block over."
        if self.missing:
            yield f"Every row also needs {', '.join(self.missing)}: see the lines marked MISSING."
        yield f"Mend {profile}, then: python -m loaders check {file} --profile {profile} --store NAME"


def draft_profile(raw: RawFrame, name: str, table: str | None = None) -> Draft:
    """Draft a profile for a file.

    `name`: what to call it. `table`: the table that the file feeds, where that is known.

    Raises:
        LoaderError: Nothing in the file looks like a column of any table, or of this one.
    """
    columns = [look_at(header, raw.frame[header]) for header in raw.frame.columns if header != "source_line"]
    likely = likely_tables(columns, raw.path.stem, table)
    chosen, found = next(iter(likely.items()))
    if not found:
        wanted = f"the table {table}" if table else "any table"
        hint = "Name the table with --table, or write the profile by hand: docs/add_a_profile.md."
        raise LoaderError(f"No column of {raw.file} looks like one of {wanted}.", hint)
    lines = [*_head(raw, name), *_block(chosen, found, columns), *_left_out(found, columns)]
    text = "\n".join(lines) + "\n"
    read, accepted = _tried(raw, text)
    return Draft(text, chosen, tuple(likely)[1:], tuple(_missing(chosen, found)), read, accepted)


def known_table(name: str | None) -> None:
    """Nothing where the name is of a table, or none at all; LoaderError with the nearest one otherwise."""
    if name is not None and name not in TABLES:
        hint = f"{nearest(name, list(TABLES))} Tables: {', '.join(TABLES)}.".strip()
        raise LoaderError(f'There is no table "{name}".', hint)


def largest(path: Path) -> RawFrame:
    """The file, or the sheet or archive member with the most rows.

    Its header is the row with most known headers; one alone may be a word of a cell ("email") and finds nothing.
    """
    count = header_counter([load_profile(name) for name in profile_names()])
    raws = read(path, lambda cells: known if (known := count(cells)) > 1 else 0)
    return max(raws, key=lambda raw: raw.frame.height)


def write_draft(path: Path, draft: Draft) -> None:
    """Write a draft where no file is yet, so that a mended one is not lost."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(draft.text)
    except FileExistsError as error:
        raise LoaderError(
            f"{path} is there already.", "Name another file with --out, or move that one away."
        ) from error
    except OSError as error:
        hint = "Choose a folder that you may write to with --out FILE."
        raise LoaderError(f"{path} cannot be written: {error.strerror or error}.", hint) from error


def profile_name(stem: str) -> str:
    """A name for a profile from the name of a file: "Leads (March).csv" gives "leads_march"."""
    return re.sub(r"\W+", "_", stem).strip("_").lower() or "my_crm"


def _tried(raw: RawFrame, text: str) -> tuple[int, int]:
    """How many rows the draft reads from its own file, and how many it accepts."""
    profile = Profile.model_validate(tomllib.loads(text))
    try:
        tried = conform(raw, profile, profile.file[0], Settings(), store=_TRIED_STORE, exported_at=None)
    except LoaderError:
        return raw.frame.height, 0
    return tried.read, tried.read - tried.rejects.height


def _head(raw: RawFrame, name: str) -> Iterator[str]:
    place = f"{raw.file}, sheet {raw.sheet}" if raw.sheet else raw.file
    yield f"# Drafted from {_one_line(place)}: check every line, above all those marked UNSURE."
    yield f"# Try it: python -m loaders check FILE --profile {name}.toml (docs/add_a_profile.md explains every key)"
    yield ""
    yield f"name = {_quoted(name)}"
    yield f"label = {_quoted(name)}"
    yield 'time_zone = "store"  # or "UTC", where the system exports its times so'
    yield ""


def _block(table: str, found: Sequence[Guess], columns: Sequence[Seen]) -> Iterator[str]:
    key = next((guess for guess in found if guess.column == key_column(table)), None)
    mapped = [guess for guess in found if guess.column not in (*_MARKS, key_column(table))]
    yield "[[file]]"
    yield f"table = {_quoted(table)}"
    yield f"match = {_quoted_list(_fingerprint(key, mapped))}"
    yield _key_line(key)
    for guess in (guess for guess in found if guess.column in _MARKS):
        yield f"{guess.column} = {_quoted(guess.seen.header)}{_why(guess)}"
    yield _dates(columns)
    for missing in _missing(table, found):
        yield f"# MISSING: every row needs {missing}, and no column looks like it: map it, or give a default below."
    yield "[file.columns]"
    order = {column: number for number, column in enumerate(mappable(table))}
    for guess in sorted(mapped, key=lambda guess: order[guess.column]):
        yield f"{guess.column} = {_origin(guess)}{_why(guess)}"
    for guess in mapped:
        yield from _values(table, guess)
    yield from _defaults(table, found)


def _origin(guess: Guess) -> str:
    """The header; with it, where a header says that amounts are in millionths, what they are multiplied by."""
    header = _quoted(guess.seen.header)
    is_micros = guess.column == "amount" and "micros" in guess.seen.header.lower()
    return f"{{ column = {header}, scale = 0.000001 }}" if is_micros else header


def _fingerprint(key: Guess | None, mapped: Sequence[Guess]) -> list[str]:
    """A few headers that tell this file from others: the key and the surest of the rest."""
    sure = [guess.seen.header for guess in sorted(mapped, key=lambda guess: (-guess.score, guess.seen.header))]
    return list(dict.fromkeys([*([key.seen.header] if key else []), *sure]))[:_MATCHED]


def _key_line(key: Guess | None) -> str:
    if key is None:
        return '# key = ""  # UNSURE: no column looks like the record\'s own id; rows are told apart by what they say'
    return f"key = {_quoted(key.seen.header)}{_why(key)}"


def _why(guess: Guess) -> str:
    doubt = "" if guess.is_sure else "UNSURE: "
    return f"  # {doubt}{guess.reason}{_samples(guess.seen, is_personal=guess.is_personal)}".rstrip()


def _samples(seen: Seen, *, is_personal: bool) -> str:
    cells = seen.words or tuple(seen.cells.head(200).unique(maintain_order=True).to_list())
    shown = [_masked(cell) if is_personal else cell for cell in cells[:_SAMPLES]]
    plain = [_one_line(cell)[:_SAMPLE_LENGTH] for cell in dict.fromkeys(shown)]
    return f": {' | '.join(plain)}" if plain else ""


def _masked(cell: str) -> str:
    """A cell as its shape: letters as x, digits as 0."""
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "x", cell))


def _dates(columns: Sequence[Seen]) -> str:
    """How dates are written, as all the dates of the file tell together."""
    orders = date_orders([seen.cells for seen in columns if seen.kind == "date"])
    if orders == {"unproved"}:
        return 'date_format = ["iso", "mdy"]  # UNSURE: no date tells month from day; "dmy" where the day comes first'
    if len(orders) == 1:
        order = min(orders)
        why = "the month comes first" if order == "mdy" else "the day comes first"
        return f'date_format = ["iso", "{order}"]  # {why}, as the dates prove'
    doubt = "  # UNSURE: some dates put the day first, some the month" if orders else ""
    return f'date_format = ["iso", "mdy"]{doubt}'


def _values(table: str, guess: Guess) -> Iterator[str]:
    """The words of a column that holds one of a few, each with its meaning where another system uses it too."""
    allowed = WORDS.get((table, guess.column))
    if not allowed:
        return
    known = meanings(table, guess.column)
    usual = _USUAL.get((table, guess.column), "")
    yield f"[file.values.{guess.column}]  # ours: {' '.join(allowed)}"
    for word in dict.fromkeys(guess.seen.words):
        meaning = known.get(re.sub(r"[\s_\-]+", "", word.lower()))
        if meaning is None:
            yield f"{_quoted(word)} = {_quoted(usual)}  # UNSURE: no known system uses this word"
        elif word.lower() != meaning:
            yield f"{_quoted(word)} = {_quoted(meaning)}"
    yield f'"*" = {_quoted(usual)}  # every other word; each is reported'


def _defaults(table: str, found: Sequence[Guess]) -> Iterator[str]:
    named = {guess.column for guess in found}
    usual = {column: word for (owner, column), word in _USUAL.items() if owner == table}
    if usual:
        yield "[file.defaults]"
    for column, word in usual.items():
        doubt = "where the cell is blank" if column in named else "UNSURE: no column says it"
        yield f"{column} = {_quoted(word)}  # {doubt}"


def _missing(table: str, found: Sequence[Guess]) -> Iterator[str]:
    """The columns that a row cannot do without, that no column of the file looks like and that have no usual word."""
    named = {guess.column for guess in found}
    for name in needed(table):
        if name not in named and (table, name) not in _USUAL:
            yield name
    if table == "sale" and not named & {"sold_at", "contract_at", "delivered_at"}:
        yield "sold_at"


def _left_out(found: Sequence[Guess], columns: Sequence[Seen]) -> Iterator[str]:
    """The columns that are not read, so that a person may add those that matter. No cell of them is shown."""
    used = {guess.seen.header for guess in found}
    rest = [seen for seen in columns if seen.header not in used]
    if rest:
        yield ""
        yield "# Not read (add what you need to [file.columns]; never notes or message bodies):"
    for seen in rest:
        yield f"#   {_one_line(seen.header)}  ({seen.kind})"


def _one_line(text: str) -> str:
    """A text for a comment: no line breaks, and nothing else that cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quoted_list(texts: Sequence[str]) -> str:
    return f"[{', '.join(_quoted(text) for text in texts)}]"
