"""Whose rows somebody may see: of which stores, of which person alone, and whether people are named at all."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, field_validator


class Scope(BaseModel):
    """A frozen limit on rows. It holds for every query that is asked within it, and nothing can widen it.

    `stores` are the labels that are seen (None: all of them; empty: none). `person` is a label of dim_person: only rows
    of which that person holds a role are seen, and the opportunities' touches; everybody else is one "(colleague)".
    `is_masked` hides names, phones and e-mails of customers and staff, and free texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: tuple[str, ...] | None = None
    person: str | None = None
    is_masked: bool = False

    @field_validator("stores")
    @classmethod
    def _each_store_once(cls, stores: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if stores is None else tuple(sorted(set(stores)))

    @property
    def is_whole(self) -> bool:
        """Whether everything is seen."""
        return self == WHOLE

    def and_also(self, other: Scope) -> Scope:
        """What both allow. Two different people share nothing."""
        is_nobody = None not in (self.person, other.person) and self.person != other.person
        return Scope(
            stores=() if is_nobody else _shared(self.stores, other.stores),
            person=other.person if self.person is None else self.person,
            is_masked=self.is_masked or other.is_masked,
        )


def _shared(some: tuple[str, ...] | None, others: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if some is None or others is None:
        return others if some is None else some
    return tuple(set(some) & set(others))


WHOLE: Final = Scope()
