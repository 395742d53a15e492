"""What is left of a star for somebody of a scope: rows are taken out of the tables themselves.

An independent second statement of metrics/scope_sql.py: a number within a scope equals the number of the reduced star.
"""

from __future__ import annotations

import polars as pl

from metrics.scope import Scope
from tests.star import Star

ROLE_KEYS = ("person_key", "salesperson_key", "bdc_agent_key", "setter_key", "responder_key")
OTHER = "others"


def reduced(star: Star, scope: Scope) -> Star:
    """The star without what the scope does not allow; people and customers called what the scope calls them."""
    stores = star["dim_store"].filter(pl.lit(scope.stores is None) | pl.col("store").is_in(scope.stores or ()))
    kept = {name: _of_stores(name, rows, set(stores["store_key"])) for name, rows in star.items()} | {
        "dim_store": stores
    }
    if scope.person is not None:
        kept = _of_person(kept, scope.person)
    if scope.person is not None or scope.is_masked:
        known = [] if scope.is_masked else _keys_of(kept, scope.person)
        kept = {name: _unnamed(name, rows, known, is_masked=scope.is_masked) for name, rows in kept.items()}
    return kept


def _of_stores(name: str, rows: pl.DataFrame, stores: set[str]) -> pl.DataFrame:
    if "store_key" not in rows.columns:
        return rows
    of_all = name in ("target", "annotation") or name.startswith("dim_")
    blank = pl.col("store_key").is_null() | (pl.col("store_key") == "")
    return rows.filter(pl.col("store_key").is_in(sorted(stores)) | (pl.lit(of_all) & blank))


def _keys_of(star: Star, person: str | None) -> list[str]:
    return star["dim_person"].filter(person=person)["person_key"].to_list()


def _of_person(star: Star, person: str) -> Star:
    keys = _keys_of(star, person)
    own = {name: _held(rows, keys) if name.startswith("fct_") else rows for name, rows in star.items()}
    theirs = own["fct_opportunity"]["opportunity_key"].drop_nulls().to_list()
    touches = star["fct_contact"]
    own["fct_contact"] = touches.filter(
        pl.col("person_key").is_in(keys) | pl.col("opportunity_key").is_in(theirs).fill_null(value=False)
    )
    own["data_finding"] = star["data_finding"].clear()
    return own


def _held(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    roles = [pl.col(role).is_in(keys).fill_null(value=False) for role in ROLE_KEYS if role in rows.columns]
    return rows.filter(pl.any_horizontal(roles)) if roles else rows.clear()


def _unnamed(name: str, rows: pl.DataFrame, known: list[str], *, is_masked: bool) -> pl.DataFrame:
    said = "(hidden)" if is_masked else "(colleague)"
    if name == "dim_person":
        nobody = rows.filter(person_key="unassigned")
        other = nobody.with_columns(person_key=pl.lit(OTHER), person=pl.lit(said), name=pl.lit(said))
        return pl.concat([rows.filter(pl.col("person_key").is_in(known)), nobody, other])
    if name in ("target", "annotation"):
        is_own = pl.col("person_key").is_in(known).fill_null(value=False)
        return rows.filter((pl.col("person_key").is_null() & pl.col("person").is_null()) | is_own)
    if not name.startswith("fct_"):
        return rows
    kept = ["unassigned", *known]
    return rows.with_columns(
        pl.when(pl.col(role).is_in(kept)).then(pl.col(role)).otherwise(pl.lit(OTHER)).alias(role)
        for role in ROLE_KEYS
        if role in rows.columns
    )
