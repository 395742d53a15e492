"""Which leads were sent by the same customer.

Two leads of one store are one customer when they share an e-mail, a phone number, the CRM's own customer id, or when
the CRM merged one into the other; the relation is carried through (A with B, B with C). A placeholder joins nobody,
and neither does an e-mail or a phone that carries more different names than a setting allows: a household or a
business line is not a person.
"""

from __future__ import annotations

from typing import Final

import polars as pl

PLACEHOLDER_EMAIL: Final = (
    r"^(none|no|na|noemail|no\.?email|unknown|test|fake|null|refused|declined|donotreply|noreply|nomail|x+)@"
    r"|^[^@]*$|@(none|noemail|no|na|test|fake)\.|@(none|noemail|na)$|^.{0,5}$"
)
PHONE_EXTENSION: Final = r"(?i)\s*(x|ext\.?|extension|#)\s*\d*\s*$|\.0$"
PLACEHOLDER_ID: Final = r"^(0+|-1)$"
LOCAL_LENGTH: Final = 7
SHORTEST_PHONE: Final = 7
COUNTRY_PREFIXED_LENGTH: Final = 11

LINK_SCHEMA: Final = {"lead_key": pl.String, "customer_key": pl.String}


def match_customers(leads: pl.DataFrame, *, max_names: int) -> pl.DataFrame:
    """Say which customer sent each lead.

    Args:
        leads: one row per lead with `lead_key, store, system, lead_id, customer_id, customer_name, email, phone,
            phone_2, merged_into, created_at`.
        max_names: an e-mail or phone with more different names than this joins nobody.

    Returns:
        `lead_key, customer_key`, one row per lead. A customer's key is the key of the customer's earliest lead.
    """
    if leads.is_empty():
        return pl.DataFrame(schema=LINK_SCHEMA)
    return _components(leads, _tokens(leads, max_names=max_names))


def email_key(column: str) -> pl.Expr:
    """An e-mail in lower case, or null where it is a placeholder or no e-mail at all."""
    email = pl.col(column).str.strip_chars().str.to_lowercase()
    return pl.when(~email.str.contains(PLACEHOLDER_EMAIL)).then(email)


def phone_key(column: str) -> pl.Expr:
    """A phone's digits without country digit and extension, or null where they are too few or a placeholder."""
    digits = pl.col(column).str.replace(PHONE_EXTENSION, "").str.replace_all(r"\D", "")
    is_prefixed = (digits.str.len_chars() == COUNTRY_PREFIXED_LENGTH) & digits.str.starts_with("1")
    national = pl.when(is_prefixed).then(digits.str.slice(1)).otherwise(digits)
    return pl.when((national.str.len_chars() >= SHORTEST_PHONE) & ~_is_placeholder_phone(national)).then(national)


def name_key(column: str) -> pl.Expr:
    """The letters of a name in lower case, its words in alphabetical order, so that "Lee, Ana" is "Ana Lee"."""
    joined = pl.col(column).str.to_lowercase().str.replace_all(r"['`\u2019]", "")
    words = joined.str.extract_all(r"\p{L}+").list.sort()
    return words.list.join(" ")


def _is_placeholder_phone(national: pl.Expr) -> pl.Expr:
    """All digits of the number, or of its part after the area code, are one and the same; or they count up or down."""
    local = national.str.tail(LOCAL_LENGTH)
    is_one_digit = local.str.count_matches(local.str.slice(0, 1), literal=True) == LOCAL_LENGTH
    return is_one_digit | national.str.contains(r"^(0123456789?|123456789\d?|9876543210|1234567)$")


def _tokens(leads: pl.DataFrame, *, max_names: int) -> pl.DataFrame:
    """Each lead's marks of identity: `store, token, lead_key`; leads that share a token are one customer."""
    is_real = ~pl.col("id").str.contains(PLACEHOLDER_ID)
    within_system = pl.when(is_real).then(pl.concat_str(pl.col("system"), pl.lit("\x1f"), "id"))
    name = name_key("customer_name")
    leads = leads.with_columns(name=pl.when(name != "").then(name))
    guarded = pl.concat(
        [
            _token(leads, "email", email_key("email")),
            _token(leads, "phone", phone_key("phone")),
            _token(leads, "phone", phone_key("phone_2")),
        ]
    ).unique()
    trusted = pl.concat(
        [
            _token(leads.with_columns(id="customer_id"), "customer", within_system),
            _token(leads.with_columns(id="merged_into"), "lead", within_system),
            _token(leads.with_columns(id="lead_id"), "lead", within_system),
        ]
    )
    names = guarded.drop_nulls("name").unique(["store", "token", "name"]).group_by("store", "token").len()
    shared = names.filter(pl.col("len") > max_names)
    own = guarded.join(shared, on=["store", "token"], how="anti")
    return pl.concat([own, trusted]).select("store", "token", "lead_key").unique()


def _token(leads: pl.DataFrame, kind: str, value: pl.Expr) -> pl.DataFrame:
    return leads.select("store", "lead_key", "name", token=pl.lit(f"{kind}:") + value).drop_nulls("token")


def _components(leads: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """Connected leads take the number of their earliest member, until nothing changes."""
    numbered = leads.sort("created_at", "lead_key").select("lead_key").with_row_index("label")
    edges = tokens.join(numbered, on="lead_key").select(
        pl.struct("store", "token").rank("dense").alias("token"), pl.col("label").alias("node")
    )
    edges = edges.filter(pl.len().over("token") > 1)
    labels = numbered.select(node="label", label="label")
    while True:
        spread = _spread(labels, edges)
        if spread.equals(labels):
            break
        labels = spread
    first_lead = numbered.rename({"lead_key": "customer_key"})
    return (
        numbered.rename({"label": "node"})
        .join(labels, on="node")
        .join(first_lead, on="label")
        .select("lead_key", "customer_key")
    )


def _spread(labels: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """One round: each node takes the smallest label among those it shares a token with, then that label's own label."""
    nearest = (
        edges.join(labels, on="node")
        .with_columns(pl.col("label").min().over("token"))
        .group_by("node")
        .agg(nearest=pl.col("label").min())
    )
    lowered = labels.join(nearest, on="node", how="left").select(
        "node", label=pl.min_horizontal("label", pl.col("nearest"))
    )
    hop = lowered.select(label="node", further="label")
    return lowered.join(hop, on="label", how="left").select("node", label="further").sort("node")
