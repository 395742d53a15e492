"""Forgets a customer: their name, phones and e-mails leave every snapshot, the refused rows and the journal.

Rows, ids and links stay, so every number stays. What was kept is written into new files: a database leaves deleted text
on freed blocks. Each snapshot gives way to one of a new name, so that servers open that and remember nothing of the
old one; earlier ones can still be published again, and one that cannot be read is let go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from loaders.contracts import TABLES
from loaders.erased import (
    Erased,
    Erasure,
    Someone,
    emptied_cells,
    erase_rejects,
    erase_texts,
    new_list,
    personal_columns,
    read_erased,
    text_eraser,
    with_someone,
    write_erased,
)
from loaders.errors import LoaderError
from loaders.identity import marks, with_keys
from loaders.journal_file import Emptied, Row, erase_entries, journal_path
from loaders.merge import template
from loaders.progress import Progress, part
from loaders.pseudonyms import ERASED
from loaders.settings import Settings, squeezed
from loaders.snapshot import (
    SNAPSHOTS,
    building_at,
    customer_details,
    customer_leads,
    discard,
    held_for_writing,
    kept_snapshots,
    new_name,
    opened,
    owners_of_id,
    point_at,
    rename_loads,
    renew_fingerprint,
    serving_path,
    settings_in,
)
from loaders.star import WAREHOUSE_SQL, fingerprint
from loaders.why_same import masked

# Leads as the star keeps them, to tell why two are one customer.
_LEADS: Final = "bridge_customer_lead"
_TEXTS: Final = {("loads", "finding"): "detail", ("main", "data_finding"): "detail", ("loads", "load_file"): "error"}
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Wanted:
    """Who is meant: a natural id of a customer or lead, or a key of the star; or a phone or an e-mail."""

    natural_id: str | None = None
    phone: str | None = None
    email: str | None = None
    store: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class Found:
    """The customer who is meant, and the leads that identity joined into them, masked."""

    someone: Someone
    leads: tuple[Mapping[str, Any], ...]
    rows: Mapping[str, int]


def find(warehouse: Path, wanted: Wanted) -> Found:
    """Find a customer and count what of them is held. Writes nothing.

    Raises:
        LoaderError: Nobody fits, or several customers do: then the ways to say which one are named.
    """
    return _found(warehouse, wanted, read_erased(warehouse) or new_list())


def _found(warehouse: Path, wanted: Wanted, erased: Erased) -> Found:
    leads, settings = customer_leads(warehouse)
    mine = _leads_of(leads, wanted, settings, erased.secret)
    someone = _someone(warehouse, leads, mine, wanted, settings, erased.secret)
    rows = _counts(warehouse, with_someone(erased, someone), settings)
    return Found(someone, tuple(_told(row, settings) for row in mine.sort("created_at", "lead_id").to_dicts()), rows)


def forget(warehouse: Path, wanted: Wanted, who: str, progress: Progress, wait_seconds: float) -> Erasure:
    """Erase a customer everywhere in a warehouse and its journal, and keep them erased.

    The list is written first: a run that is cut short is ended by `resume`, and no load begins in between.

    Raises:
        LoaderError: As `find`; another load holds the warehouse; a file cannot be written.
    """
    with held_for_writing(warehouse, wait_seconds, progress):
        before = read_erased(warehouse) or new_list()
        erased = with_someone(before, _found(warehouse, wanted, before).someone)
        write_erased(warehouse, replace(erased, is_finished=False))
        return apply_list(warehouse, serving_path(warehouse), erased, who, progress)


def resume(warehouse: Path, who: str, progress: Progress, wait_seconds: float) -> Erasure:
    """Apply the list of erased customers to all that is kept: what was cut short, or restored from an older backup.

    Raises:
        LoaderError: Nobody was ever erased, or as `forget`.
    """
    with held_for_writing(warehouse, wait_seconds, progress):
        erased = read_erased(warehouse)
        if erased is None:
            raise LoaderError(f"Nobody was ever erased from {warehouse}.", "Name somebody: python -m loaders forget ID")
        write_erased(warehouse, replace(erased, is_finished=False))
        return apply_list(warehouse, serving_path(warehouse), erased, who, progress)


def apply_list(warehouse: Path, serving: Path, erased: Erased, who: str, progress: Progress) -> Erasure:
    """Write every snapshot and the journal anew, the serving one first, and say on the list that it is done.

    `serving`: the snapshot that is published anew; whoever calls holds the warehouse. LoaderError as `forget`.
    """
    try:
        settings = settings_in(serving)
        kept = [path for path in kept_snapshots(warehouse) if path != serving]
        names = {path.stem: _renewed_name(path.stem) for path in kept}
        names[serving.stem] = new_name(datetime.now(UTC))
        rows = _renew_serving(warehouse, serving, erased, settings, names, part(progress, 0.0, 0.4))
        done = _renew_kept(kept, erased, settings, names, part(progress, 0.4, 0.9))
        progress(0.9, "erasing in the journal")
        notes = erase_entries(journal_path(warehouse), _entry_eraser(erased, settings))
    except OSError as error:
        hint = "Free some space or mend the folder's rights, then: python -m loaders forget --resume"
        raise LoaderError(f"The warehouse {warehouse} cannot be written: {error}.", hint) from error
    at = datetime.now(UTC).isoformat(timespec="seconds")
    erasure = Erasure(at, who, rows, 1 + done.count(True), done.count(False), notes)
    write_erased(warehouse, replace(erased, erasures=(*erased.erasures, erasure), is_finished=True))
    return erasure


def _renewed_name(name: str) -> str:
    """The name of an earlier snapshot once it is written anew: as old as before, and never that of other content.

    Whoever opened the old file, or remembers numbers of it, must not take the new one for it. An erasure that was cut
    short gives the same name again.
    """
    moment, _, _ = name.rpartition("-")
    return f"{moment}-{sha256(name.encode()).hexdigest()[:8]}"


def _renew_serving(
    warehouse: Path, serving: Path, erased: Erased, settings: Settings, names: Mapping[str, str], progress: Progress
) -> dict[str, int]:
    """The serving snapshot without them, under its new name and published; gives the rows emptied by table."""
    name = names[serving.stem]
    building = warehouse / SNAPSHOTS / f"{name}.building"
    try:
        rows = _rewritten(serving, building, erased, settings, names, progress, is_serving=True)
        building.replace(building.with_suffix(".duckdb"))
        point_at(warehouse, name)
    finally:
        discard(building)
    discard(serving)
    return rows


def _renew_kept(
    kept: Sequence[Path], erased: Erased, settings: Settings, names: Mapping[str, str], progress: Progress
) -> list[bool]:
    """The earlier snapshots without them, under new names; False for one that cannot be read, which is let go."""
    done: list[bool] = []
    for number, path in enumerate(kept):
        share = part(progress, number / len(kept), (number + 1) / len(kept))
        building = path.with_name(f"{names[path.stem]}.building")
        try:
            _rewritten(path, building, erased, settings, names, share)
            building.replace(building.with_suffix(".duckdb"))
            done.append(True)
        except duckdb.Error:
            done.append(False)
        finally:
            discard(building)
        discard(path)
    return done


def _rewritten(
    old: Path,
    new: Path,
    erased: Erased,
    settings: Settings,
    names: Mapping[str, str],
    progress: Progress,
    *,
    is_serving: bool = False,
) -> dict[str, int]:
    """Write a snapshot anew without what names an erased customer; gives the rows emptied by canonical table.

    `names`: how its load log calls it and the others from now on.
    """
    emptied: dict[str, int] = {}
    with building_at(new, old, erased.secret) as con:
        con.execute((WAREHOUSE_SQL / "00_functions.sql").read_text(encoding="utf-8"))
        tables = _tables(con)
        for schema in sorted({schema for schema, _ in tables} - {"main"}):
            con.execute(f'create schema snapshot."{schema}"')
        for number, (schema, table) in enumerate(tables):
            progress(number / len(tables), f"writing {old.stem} anew, {table}")
            count = _copy(con, schema, table, erased, settings)
            if schema == "canonical" and count:
                emptied[table] = count
        rename_loads(con, names)
        if is_serving:
            renew_fingerprint(con, fingerprint(settings), fingerprint(settings, erased.secret))
    return emptied


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of each table of the old snapshot; the leads before the customers whom they tell."""
    listed = con.execute("show all tables").fetchall()
    tables = [(schema, table) for database, schema, table, *_ in listed if database == "previous"]
    return sorted(tables, key=lambda place: (place[1] != _LEADS, place))


def _copy(con: duckdb.DuckDBPyConnection, schema: str, table: str, erased: Erased, settings: Settings) -> int:
    """Copy one table into the new snapshot without what names an erased customer; gives how many rows changed."""
    if (schema, table) in {("main", "dim_customer"), ("build", "lead_mark")}:
        con.execute(template("erased_customer" if schema == "main" else "erased_lead_mark", table))
        return 0
    emptied = _emptied(con, schema, table, erased, settings)
    if emptied is None or emptied.is_empty():
        con.execute(template("erased_plain_copy", table, schema=schema))
        return 0
    columns = [name for name in emptied.columns if name != "position"]
    con.register("emptied_rows", emptied)
    new = ", ".join(f"case when e.position is null then p.{name} else e.{name} end as {name}" for name in columns)
    join = "left join emptied_rows as e on e.position = p.rowid"
    con.execute(template("erased_copy", table, schema=schema, replaced=f"replace ({new})", emptied=join))
    con.unregister("emptied_rows")
    return emptied.height


def _emptied(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, erased: Erased, settings: Settings
) -> pl.DataFrame | None:
    """The rows of a table that change, as `position` and their new cells; None where nothing of it can."""
    if schema == "canonical" or table == _LEADS:
        return _emptied_rows(con, "previous.", schema, table, erased, settings)
    if (schema, table) == ("loads", "reject"):
        rejects = con.sql(template("erased_texts", table, schema=schema, columns='"row", rule, content_hash')).pl()
        return _changed(rejects, erase_rejects(rejects, erased, settings))
    if column := _TEXTS.get((schema, table)):
        texts = con.sql(template("erased_texts", table, schema=schema, columns=column)).pl()
        return _changed(texts, texts.with_columns(erase_texts(texts[column], erased, settings)))
    return None


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The rows of `after` that are not as they were."""
    differs = [before[name].ne_missing(after[name]) for name in before.columns]
    return after.filter(pl.DataFrame(differs).select(pl.any_horizontal(pl.all())).to_series())


def _emptied_rows(
    con: duckdb.DuckDBPyConnection, place: str, schema: str, table: str, erased: Erased, settings: Settings
) -> pl.DataFrame | None:
    known = "lead" if table == _LEADS else table
    if known not in TABLES or not (personal := personal_columns(known)):
        return None
    held = {row[0] for row in con.execute(f'describe {place}"{schema}"."{table}"').fetchall()}
    ids = [name for name in ("lead_id", "customer_id") if name in held]
    columns = ", ".join(["store", "system", *ids, *personal])
    parts = {"place": place, "schema": schema, "columns": columns, "personal": ", ".join(personal)}
    rows = con.sql(template("erased_cells", table, **parts)).pl()
    return emptied_cells(known, rows, erased, settings)


def _counts(warehouse: Path, erased: Erased, settings: Settings) -> dict[str, int]:
    """How many rows of each canonical table of the serving snapshot would be emptied."""
    with opened(serving_path(warehouse)) as con:
        found = {table: _emptied_rows(con, "", "canonical", table, erased, settings) for table in TABLES}
    return {table: rows.height for table, rows in found.items() if rows is not None and rows.height}


def _leads_of(leads: pl.DataFrame, wanted: Wanted, settings: Settings, secret: str) -> pl.DataFrame:
    """The leads of the one customer who is meant; none where only other records name the id."""
    near = leads
    if wanted.store is not None:
        near = near.filter(pl.col("store") == settings.store_named(wanted.store).name)
    hits = _by_id(near, wanted) if wanted.natural_id else _by_mark(near, wanted, settings, secret)
    keys = hits["customer_key"].unique().sort()
    if keys.len() > 1:
        raise _several(hits)
    return leads.filter(pl.col("customer_key").is_in(keys.implode()))


def _by_id(leads: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """The leads whose own, whose customer's id or key it is; "system:id" narrows it as --system does."""
    natural_id = wanted.natural_id or ""
    system, _, plain = natural_id.partition(":")
    own = leads if wanted.system is None else leads.filter(pl.col("system") == wanted.system)
    is_key = (pl.col("lead_key") == natural_id) | (pl.col("customer_key") == natural_id)
    is_id = (pl.col("lead_id") == natural_id) | (pl.col("customer_id") == natural_id)
    in_system = (pl.col("system") == system) & ((pl.col("lead_id") == plain) | (pl.col("customer_id") == plain))
    found = own.filter(is_key | is_id)
    return found if found.height else own.filter(in_system)


def _by_mark(leads: pl.DataFrame, wanted: Wanted, settings: Settings, secret: str) -> pl.DataFrame:
    """The leads that carry the phone or e-mail."""
    asked = (
        leads.select("store")
        .unique()
        .with_columns(
            lead_key=pl.lit(""),
            customer_name=pl.lit(None, pl.String),
            email=pl.lit(wanted.email, pl.String),
            phone=pl.lit(wanted.phone, pl.String),
            phone_2=pl.lit(None, pl.String),
        )
    )
    countries = _countries(leads, settings)
    meant = with_keys(asked, countries, secret)
    keyed = with_keys(leads, countries, secret)
    rule = "email" if wanted.email else "phone"
    keys = meant.select("store", key=f"{rule}_key").drop_nulls()
    columns = [f"{rule}_key"] if wanted.email else ["phone_key", "phone_2_key"]
    hits = [keyed.join(keys, left_on=["store", name], right_on=["store", "key"], how="semi") for name in columns]
    found = leads.filter(pl.col("lead_key").is_in(pl.concat(hits)["lead_key"].implode()))
    if found.is_empty():
        hint = "Write it as the CRM shows it, or name the customer's id: python -m loaders forget ID"
        raise LoaderError(f"No lead carries this {rule}.", hint)
    return found


def _several(hits: pl.DataFrame) -> LoaderError:
    first = hits.sort("created_at", "lead_key").unique("customer_key", keep="first", maintain_order=True)
    ways = [f'{row["lead_id"]} --system {row["system"]} --store "{row["store"]}"' for row in first.to_dicts()]
    return LoaderError(f"{len(ways)} customers fit.", f"Say which one is meant: {'; '.join(ways[:_MOST_NAMED])}.")


def _someone(
    warehouse: Path, leads: pl.DataFrame, mine: pl.DataFrame, wanted: Wanted, settings: Settings, secret: str
) -> Someone:
    """The customer as the list will know them: only what no lead of anybody else carries counts as theirs."""
    if mine.is_empty():
        return _without_leads(warehouse, wanted, settings)
    store = mine["store"][0]
    here = leads.filter(pl.col("store") == store)
    carried = marks(here, _countries(leads, settings), secret)
    own = mine.select("lead_key")
    of_others = carried.join(own, on="lead_key", how="anti").select("rule", "value").unique()
    theirs = carried.join(own, on="lead_key", how="semi").join(of_others, on=["rule", "value"], how="anti")
    values = {rule: theirs.filter(rule=rule)["value"].to_list() for rule in ("email", "phone", "customer")}
    customers = frozenset(tuple(value.split("\x1f", 1)) for value in values["customer"])
    details = _details(warehouse, store, customers, settings, secret)
    taken = set(of_others["value"])
    names = with_keys(mine, _countries(leads, settings), secret)["name"]
    return Someone(
        store=store,
        leads=frozenset(mine.select("system", "lead_id").iter_rows()),
        customers=customers,
        emails=frozenset([*values["email"], *details["email_key"].drop_nulls()]) - taken,
        phones=frozenset([*values["phone"], *details["phone_key"].drop_nulls()]) - taken,
        names=frozenset([*names.drop_nulls(), *details["name"].drop_nulls()]),
    )


def _details(
    warehouse: Path, store: str, customers: frozenset[tuple[str, str]], settings: Settings, secret: str
) -> pl.DataFrame:
    """What a CRM keeps of the customer in lists apart from leads, with keys."""
    ids = pl.DataFrame(sorted(customers), schema={"system": pl.String, "customer_id": pl.String}, orient="row")
    own = customer_details(warehouse).filter(store=store).join(ids, on=["system", "customer_id"], how="semi")
    return with_keys(own.with_columns(phone_2=pl.lit(None, pl.String)), _countries(own, settings), secret)


def _without_leads(warehouse: Path, wanted: Wanted, settings: Settings) -> Someone:
    """A customer of whom only other records are held, by id: a buyer of the DMS, a visitor of the workshop."""
    owners = owners_of_id(warehouse, wanted.natural_id or "")
    if wanted.store is not None:
        owners = owners.filter(store=settings.store_named(wanted.store).name)
    if wanted.system is not None:
        owners = owners.filter(system=wanted.system)
    places = owners.select("store", "system").unique().sort("store", "system").rows()
    if len(places) != 1:
        ways = "; ".join(f'--store "{store}" --system {system}' for store, system in places[:_MOST_NAMED])
        hint = (
            f"Say which one is meant: {ways}."
            if places
            else "Write the id as the CRM shows it, or use --phone or --email."
        )
        raise LoaderError(f'{len(places) or "No"} customers have the id "{wanted.natural_id}".', hint)
    pair = (places[0][1], wanted.natural_id or "")
    kinds = set(owners["kind"])
    return Someone(
        store=places[0][0],
        leads=frozenset({pair} if "lead" in kinds else ()),
        customers=frozenset({pair} if "customer" in kinds else ()),
    )


def _countries(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    return {store: settings.store_named(store).country for store in rows["store"].unique().to_list()}


def _told(lead: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """One lead as it may be shown: ids and day, and of the rest enough to recognise what one knows."""
    row = with_keys(
        pl.DataFrame([dict(lead)], schema_overrides=_TEXT), {lead["store"]: settings.store_named(lead["store"]).country}
    )
    keys = {"email": row["email_key"][0], "phone": row["phone_key"][0]}
    return {
        "system": lead["system"],
        "lead_id": lead["lead_id"],
        "customer_id": lead["customer_id"],
        "created_on": lead["created_at"].date().isoformat(),
        **{rule: masked(rule, key) if key else None for rule, key in keys.items()},
    }


_TEXT: Final = dict.fromkeys(("customer_id", "customer_name", "email", "phone", "phone_2", "merged_into"), pl.String)


def _entry_eraser(erased: Erased, settings: Settings) -> Emptied:
    """What an entry of the journal says from now on: no note on their records, nothing elsewhere that names them."""
    reader = text_eraser(erased, settings)

    def emptied(row: Row) -> tuple[str, str]:
        store, system, natural_id, note, data = row
        is_theirs = any(erased.holds(kind, squeezed(store), system, natural_id) for kind in ("lead", "customer"))
        new = ERASED if is_theirs and note else reader.emptied(note)
        told = json.loads(data)
        without = _without(told, reader.emptied)
        return new, data if without == told else json.dumps(without)

    return emptied


def _without(value: Any, emptied: Callable[[str], str]) -> Any:
    """A JSON value with each text in it emptied."""
    if isinstance(value, dict):
        return {name: _without(part, emptied) for name, part in value.items()}
    if isinstance(value, list):
        return [_without(part, emptied) for part in value]
    return emptied(value) if isinstance(value, str) else value
