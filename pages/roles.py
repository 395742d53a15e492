"""What each role sees: which pages, which rows, and whether people are named. This file is the whole of the rules.

`pages_of` decides what the navigation holds, `scope_of` what every query of that user is limited to (metrics.scope).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metrics.scope import Scope
from pages.users import Role, User

_NUMBERS: Final = ("overview", "sources", "appointments", "response")
_CUSTOMERS: Final = ("customers", "worklist")
_PEOPLE: Final = ("people", "person")
_MANAGED: Final = (*_NUMBERS, *_CUSTOMERS, *_PEOPLE, "data_quality", "definitions")


@dataclass(frozen=True)
class Rule:
    """What a role may see. Everybody is limited to the stores that stand beside their name."""

    pages: tuple[str, ...]
    is_masked: bool = False
    sees_own_rows_only: bool = False


RULES: Final[Mapping[Role, Rule]] = {
    # Everything, and what changes it: settings, loads, the roster, who looked at what.
    "administrator": Rule((*_MANAGED, "load_data", "audit")),
    # The numbers, people and customers of their stores.
    "general_manager": Rule(_MANAGED),
    "crm_manager": Rule(_MANAGED),
    # The numbers of their stores, without a name, a phone number or an e-mail address.
    "marketing": Rule((*_NUMBERS, "definitions"), is_masked=True),
    # Their own customers and numbers; colleagues only as one unnamed figure (metrics.comparisons.peers).
    "salesperson": Rule(("mine", *_CUSTOMERS, "definitions"), sees_own_rows_only=True),
}


def pages_of(user: User) -> tuple[str, ...]:
    """The names of the pages that are served to a user."""
    return RULES[user.role].pages


def scope_of(user: User) -> Scope:
    """What every query of a user is limited to. Only an administrator without stores sees all of them."""
    rule = RULES[user.role]
    sees_all = user.role == "administrator" and not user.stores
    return Scope(
        stores=None if sees_all else user.stores,
        person=(user.person or "") if rule.sees_own_rows_only else None,
        is_masked=rule.is_masked,
    )
