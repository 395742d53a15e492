"""Whom a number can be credited to: a role counts only once it has begun."""

from __future__ import annotations

from typing import Final

OWNERS: Final = ("salesperson", "bdc_agent")
AFTER_A_RESPONSE: Final = (*OWNERS, "responder")
AFTER_A_SHOW: Final = (*OWNERS, "setter", "responder")
APPOINTMENT_ROLES: Final = ("setter", "salesperson", "bdc_agent", "responder")
# Whoever the record names comes first: of a visit, a survey.
NAMED_ON_IT: Final = ("person", *OWNERS)
