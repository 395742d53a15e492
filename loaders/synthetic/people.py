"""Who comes: shoppers with their addresses (real, placeholder or missing), and which member of staff gets them."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Final

from loaders.synthetic.chance import Chance
from loaders.synthetic.records import Customer, Employee, Source
from loaders.synthetic.words import FAMILY, GIVEN, MAILBOXES, person_name
from loaders.synthetic.world import Shop

_AREA_CODES: Final = tuple(
    f"{first}{second}{third}"
    for first in range(2, 10)
    for second in range(9)
    for third in range(10)
    if not second == third == 1
)
_LINES: Final = 100
_HOUSEHOLD: Final = range(3, 21, 3)
_HOUSEHOLD_PHONE: Final = "(212) 555-0199"
PLACEHOLDER_EMAIL: Final = "none@example.com"
PLACEHOLDER_PHONE: Final = "(000) 000-0000"


class Shoppers:
    """Makes the customers of one store, one after another; no two share a name, an e-mail or a phone.

    Six of the first twenty live in one household and give one phone number. It carries more names than one person has,
    so it joins nobody.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._numbers = count(1)
        self._names = chance.shuffled(len(GIVEN) * len(FAMILY))
        self._phones = chance.shuffled(len(_AREA_CODES) * _LINES)

    def next(self) -> Customer:
        """A customer that nobody has seen before."""
        number = next(self._numbers)
        round_trip, place = divmod(number, len(self._names))
        name = person_name(self._names[place] + round_trip * len(self._names))
        lives_in_household = number in _HOUSEHOLD
        email = (
            f"{name.replace(' ', '').replace('-', '').replace('.', '').lower()}{number}@{self._chance.pick(MAILBOXES)}"
        )
        has_email = self._chance.flip(0.87) or lives_in_household
        phone = _HOUSEHOLD_PHONE if lives_in_household else self._phone(number)
        has_phone = (self._chance.flip(0.88) or lives_in_household) and phone is not None
        return Customer(
            number,
            name,
            email if has_email else self._blank(PLACEHOLDER_EMAIL),
            phone if has_phone else self._blank(PLACEHOLDER_PHONE),
            has_email or (has_phone and not lives_in_household),
        )

    def _phone(self, number: int) -> str | None:
        """A fictional number of its own; when all are given away, customers have none."""
        if number > len(self._phones):
            return None
        area, line = divmod(self._phones[number - 1], _LINES)
        own = f"({_AREA_CODES[area]}) 555-01{line:02d}"
        return None if own == _HOUSEHOLD_PHONE else own

    def _blank(self, placeholder: str) -> str | None:
        return placeholder if self._chance.flip(0.35) else None


def assigned_salesperson(shop: Shop, source: Source, day: date) -> Employee:
    """Who gets a lead: everybody alike, except a person whom one source feeds."""
    team = shop.with_role("salesperson", day)
    return shop.chance.weigh(team, [_pull(person, source) for person in team])


def assigned_agent(shop: Shop, source: Source, day: date) -> Employee | None:
    """The BDC agent of a lead; showroom leads and an occasional other have none."""
    if source.lead_type in ("walk_in", "referral", "previous_customer", "service") or shop.chance.flip(0.12):
        return None
    return shop.chance.pick(shop.with_role("bdc_agent", day))


def _pull(person: Employee, source: Source) -> float:
    if person.fed_by is None:
        return 1.0
    return 11.0 if person.fed_by == source.name else 0.06
