"""Which leads were sent by the same customer.

Two leads of one store are one customer when they share an e-mail, a phone number, the CRM's own customer id, or when
the CRM merged one into the other; the relation is carried through (A with B, B with C). A placeholder joins nobody, and
neither does an e-mail or a phone that too many names or too many leads carry: a household or a business line is not a
person. Where a chain of shared e-mails and phones still gathers too many names, only leads that also agree in the name
stay together. loaders/why_same.py tells which marks joined two leads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import phonenumbers
import polars as pl

from loaders.pseudonyms import ERASED, is_erased_text, key_in_email, key_in_text, sealed
from loaders.settings import Identity

PLACEHOLDER_EMAIL: Final = (
    r"^(none|no|na|noemail|no\.?email|unknown|test|fake|null|refused|declined|donotreply|noreply|no-reply|nomail|x+)@"
    r"|^[^@]*$|@(none|noemail|no|na|test|fake)\.|@(none|noemail|na)$|^.{0,5}$"
)
# The first address in a cell, without what people put around it: mailto:, angle brackets, a comma or a dot at the end.
ADDRESS: Final = r"([^\s<>,;:\"'()\[\]]+@[^\s<>,;:\"'()\[\]]*[^\s<>,;:\"'()\[\].])"
PHONE_EXTENSION: Final = r"(?i)\s*(x|ext\.?|extension|#)\s*\d*\s*$|\.0$"
PHONE_MARKS: Final = r"[\s().\-/\x{a0}\x{2010}-\x{2015}]"
# A number that a spreadsheet turned into 3.12555E+09 has lost its digits.
DAMAGED_NUMBER: Final = r"^\d(\.\d+)?[eE]\+?\d+$"
PLACEHOLDER_ID: Final = r"^(0+|-1)$"
LOCAL_LENGTH: Final = 7
NORTH_AMERICA: Final = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])
DEFAULT_COUNTRY: Final = "US"

IDENTITY_COLUMNS: Final = (
    "lead_key",
    "store",
    "system",
    "lead_id",
    "customer_id",
    "customer_name",
    "name_key",
    "email",
    "phone",
    "phone_2",
    "merged_into",
    "created_at",
)
RULES: Final = ("email", "phone", "customer", "merge")
GUARDED_RULES: Final = ("email", "phone")
LINK_SCHEMA: Final = {"lead_key": pl.String, "customer_key": pl.String}


def match_customers(
    leads: pl.DataFrame,
    guards: Identity | None = None,
    countries: Mapping[str, str] | None = None,
    found: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say which customer sent each lead.

    Args:
        leads: one row per lead with `lead_key, store, system, lead_id, customer_id, customer_name, email, phone,
            phone_2, merged_into, created_at`.
        guards: when an e-mail or a phone joins nobody.
        countries: the country of each store, where numbers without a country code are dialled; else the US.
        found: the `marks` of the leads, where they are known already.

    Returns:
        `lead_key, customer_key`, one row per lead. A customer's key is the key of the customer's earliest lead.
    """
    if leads.is_empty():
        return pl.DataFrame(schema=LINK_SCHEMA)
    return _joined(leads, guards, countries, found)[1]


def joining_marks(
    leads: pl.DataFrame,
    guards: Identity | None = None,
    countries: Mapping[str, str] | None = None,
    found: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The marks that join leads, after all guards: `store, token, lead_key`; who shares a token is one customer."""
    return _joined(leads, guards, countries, found)[0].select("store", "token", "lead_key").unique()


def _joined(
    leads: pl.DataFrame, guards: Identity | None, countries: Mapping[str, str] | None, found: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tokens that join leads, and the customers that they make; where a chain is too long, the stricter ones."""
    guards = guards or Identity()
    known = marks(leads, countries) if found is None else found
    own = guarded(_of_several(known), guards).filter(~pl.col("is_shared"))
    tokens = own.with_columns(token=pl.concat_str("rule", pl.lit(":"), "value"))
    customers = _components(leads, tokens)
    chains = tokens.join(customers, on="lead_key")
    names = chains.group_by("customer_key").agg(names=pl.col("name").drop_nulls().n_unique())
    long = names.filter(pl.col("names") > guards.max_chain_names)
    if long.is_empty():
        return tokens, customers
    strict = _strict(chains, long)
    return strict, _components(leads, strict)


def _of_several(found: pl.DataFrame) -> pl.DataFrame:
    """Only marks that several leads carry: most are one lead's alone, and join nothing."""
    mark = ["store", "rule", "value"]
    return found.join(found.group_by(mark).len().filter(pl.col("len") > 1), on=mark, how="semi")


def marks(leads: pl.DataFrame, countries: Mapping[str, str] | None = None, secret: str | None = None) -> pl.DataFrame:
    """Each lead's marks of identity: `store, lead_key, name, rule, value`, each once; rule is one of `RULES`."""
    return marks_of(with_keys(leads, countries, secret))


def with_keys(
    leads: pl.DataFrame, countries: Mapping[str, str] | None = None, secret: str | None = None
) -> pl.DataFrame:
    """The leads with `name`, `email_key`, `phone_key` and `phone_2_key`: what of them tells who somebody is, else null.

    Leads that bring their `name_key` are spared the making of it. With the `secret` of a warehouse from which somebody
    was erased, all keys are pseudonyms: so what was erased still meets what was not.
    """
    keyed = _with_open_keys(leads, countries)
    if secret is None:
        return keyed
    kinds = {"name": "name", "email_key": "email", "phone_key": "phone", "phone_2_key": "phone"}
    return keyed.with_columns(sealed(keyed[column], kind, secret) for column, kind in kinds.items())


def _with_open_keys(leads: pl.DataFrame, countries: Mapping[str, str] | None) -> pl.DataFrame:
    country = leads["store"].replace_strict(dict(countries or {}), default=DEFAULT_COUNTRY, return_dtype=pl.String)
    own = pl.when(is_erased_text("customer_name")).then(key_in_text("customer_name"))
    name = pl.col("name_key") if "name_key" in leads.columns else own.otherwise(name_key("customer_name"))
    return leads.with_columns(
        name=pl.when(name != "").then(name),
        email_key=email_key("email"),
        phone_key=phone_keys(leads["phone"], country),
        phone_2_key=phone_keys(leads["phone_2"], country),
    )


def marks_of(keyed: pl.DataFrame) -> pl.DataFrame:
    """The `marks` of leads `with_keys`."""
    merged = keyed.filter(pl.col("merged_into").ne_missing(pl.col("lead_id")) & pl.col("merged_into").is_not_null())
    target = merged.select("store", "system", lead_id="merged_into").unique()
    other_phone = keyed.filter(pl.col("phone_2_key").ne_missing(pl.col("phone_key")))
    every = [
        _marks(keyed, "email", pl.col("email_key")),
        _marks(keyed, "phone", pl.col("phone_key")),
        _marks(other_phone, "phone", pl.col("phone_2_key")),
        _marks(keyed, "customer", _within_system("customer_id")),
        # A lead and those that the CRM merged into it carry the same mark.
        _marks(merged, "merge", _within_system("merged_into")),
        _marks(keyed.join(target, on=["store", "system", "lead_id"], how="semi"), "merge", _within_system("lead_id")),
    ]
    return pl.concat(every)


def _marks(leads: pl.DataFrame, rule: str, value: pl.Expr) -> pl.DataFrame:
    return leads.select("store", "lead_key", "name", rule=pl.lit(rule), value=value).drop_nulls("value")


def _within_system(column: str) -> pl.Expr:
    """Ids of one CRM, which mean nothing in another; null for those that stand for nobody."""
    is_real = ~pl.col(column).str.contains(PLACEHOLDER_ID)
    return pl.when(is_real).then(pl.concat_str(pl.col("system"), pl.lit("\x1f"), column))


def guarded(found: pl.DataFrame, guards: Identity) -> pl.DataFrame:
    """Marks with how many names and leads carry each in its store, and `is_shared`: too many, it joins nobody."""
    mark = ["store", "rule", "value"]
    counts = found.group_by(mark).agg(names=pl.col("name").drop_nulls().n_unique(), leads=pl.col("lead_key").n_unique())
    is_many = (pl.col("names") > guards.max_names) | (pl.col("leads") > guards.max_leads)
    is_shared = pl.col("rule").is_in(GUARDED_RULES) & is_many
    return found.join(counts.with_columns(is_shared=is_shared), on=mark)


def email_key(column: str) -> pl.Expr:
    """The address in a cell in lower case, or null where it is a placeholder or no address at all.

    Dots and +tags are part of the address: only some providers ignore them, and two people must not become one.
    """
    lower = pl.col(column).str.to_lowercase()
    # Most cells hold nothing but the address: there is nothing to dig out of them, which is slow.
    is_address = lower.str.contains(f"^{ADDRESS}$")
    dug_out = pl.when(~is_address).then(lower).str.replace(r"^\s*mailto:", "").str.extract(ADDRESS)
    email = pl.when(is_address).then(lower).otherwise(dug_out)
    return pl.coalesce(key_in_email(lower), pl.when(~email.str.contains(PLACEHOLDER_EMAIL)).then(email))


def phone_keys(phones: pl.Series, countries: pl.Series) -> pl.Series:
    """Phones as +13125550142, without extension; null for placeholders and what cannot be a number.

    `countries`: where each number is dialled when it names no country. A number without its area code keeps its bare
    digits. A plain rule reads the ordinary numbers of North America; the phone library reads each different other once.
    """
    frame = pl.DataFrame({"raw": phones.str.strip_chars(), "country": countries})
    frame = frame.with_columns(bare=pl.col("raw").str.replace(PHONE_EXTENSION, "").str.replace_all(PHONE_MARKS, ""))
    is_plain = pl.col("country").is_in(NORTH_AMERICA) & pl.col("bare").str.contains(r"^(\+?1)?[2-9]\d{9}$")
    frame = frame.with_columns(key=pl.when(is_plain).then(pl.lit("+1") + pl.col("bare").str.tail(10)))
    is_erased = pl.col("raw").str.starts_with(ERASED)
    rest = frame.filter(pl.col("key").is_null() & ~is_erased).select("raw", "country").unique()
    if not rest.is_empty():
        read = rest.with_columns(read=pl.Series([_read_phone(*row) for row in rest.iter_rows()], dtype=pl.String))
        frame = frame.join(read, on=["raw", "country"], how="left", maintain_order="left")
        frame = frame.with_columns(key=pl.coalesce("key", "read"))
    national = pl.col("key").str.replace(r"^\+1", "")
    known = pl.when(is_erased).then(key_in_text("raw")).when(~_is_placeholder_phone(national)).then("key")
    return frame.select(known.alias(phones.name)).to_series()


def name_key(column: str) -> pl.Expr:
    """The letters of a name in lower case, its words in alphabetical order, so that "Lee, Ana" is "Ana Lee"."""
    # As loaders/warehouse/00_functions.sql has it: one small i and one small sigma.
    lower = pl.col(column).str.replace_all("\u0130", "i", literal=True).str.to_lowercase()
    joined = lower.str.replace_all("\u03c2", "\u03c3", literal=True).str.replace_all(r"['`\u2019]", "")
    words = joined.str.extract_all(r"\p{L}+").list.sort()
    return words.list.join(" ")


def _read_phone(raw: str, country: str) -> str | None:
    """One number by the phone library, as E.164; its bare digits where the area code is missing; None if none."""
    if re.match(DAMAGED_NUMBER, raw):
        return None
    text = re.sub(PHONE_EXTENSION, "", _first_number(raw))
    if len(re.findall(r"\d", text)) >= LOCAL_LENGTH:
        text = re.sub(r"[^\W\d_]+", " ", text)  # "cell", "home": only a short number spells with letters
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_local = reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY
    return str(number.national_number) if is_local else None


def _first_number(raw: str) -> str:
    """The first of several numbers in one cell: "312 555 0142 / 773 555 0111"."""
    first = re.split(r"\s*(?:[/;,|\n]|\s(?:or|and)\s)\s*", raw, maxsplit=1)[0]
    return first if len(re.findall(r"\d", first)) >= LOCAL_LENGTH else raw


def _is_placeholder_phone(national: pl.Expr) -> pl.Expr:
    """All digits of the number, or of its part after the area code, are one and the same; or they count up or down."""
    local = national.str.tail(LOCAL_LENGTH)
    is_one_digit = local.str.count_matches(local.str.slice(0, 1), literal=True) == LOCAL_LENGTH
    return is_one_digit | national.str.contains(r"^\+?(0123456789?|123456789\d?|9876543210|1234567|23456789\d{0,2})$")


def _strict(chains: pl.DataFrame, long: pl.DataFrame) -> pl.DataFrame:
    """The same tokens; in a chain with too many names, an e-mail or phone joins only leads of the same name."""
    is_long = pl.col("customer_key").is_in(long["customer_key"].implode())
    own = pl.concat_str("token", pl.lit("\x1f"), pl.col("name").fill_null(""))
    strict = pl.when(is_long & pl.col("rule").is_in(GUARDED_RULES)).then(own).otherwise("token")
    return chains.with_columns(token=strict)


def _components(leads: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """Connected leads take the number of their earliest member, until nothing changes; others stay by themselves."""
    numbered = leads.select("lead_key", "created_at").sort("created_at", "lead_key").select("lead_key")
    numbered = numbered.with_row_index("label")
    groups = tokens.select("store", "token").unique().with_row_index("group")
    edges = tokens.join(groups, on=["store", "token"]).join(numbered, on="lead_key").select("group", node="label")
    labels = edges.select(pl.col("node").unique().sort()).with_columns(label="node")
    while True:
        spread = _spread(labels, edges)
        if spread.equals(labels):
            break
        labels = spread
    moved = labels.filter(pl.col("label") != pl.col("node"))
    first = numbered.rename({"lead_key": "customer_key"})
    known = numbered.rename({"label": "node"}).join(moved, on="node").join(first, on="label")
    every = leads.select("lead_key").join(known, on="lead_key", how="left", maintain_order="left")
    return every.select("lead_key", customer_key=pl.coalesce("customer_key", "lead_key"))


def _spread(labels: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """One round: each node takes the smallest label among those it shares a token with, then that label's own label."""
    nearest = (
        edges.join(labels, on="node")
        .with_columns(pl.col("label").min().over("group"))
        .group_by("node")
        .agg(nearest=pl.col("label").min())
    )
    lowered = labels.join(nearest, on="node", how="left").select(
        "node", label=pl.min_horizontal("label", pl.col("nearest"))
    )
    hop = lowered.select(label="node", further="label")
    return lowered.join(hop, on="label", how="left").select("node", label="further").sort("node")
