"""The settings.toml of the simulated group, as a manager would write it."""

from __future__ import annotations

from collections.abc import Sequence

from loaders.settings import WEEKDAYS, Store
from loaders.synthetic.world import FREE_SOURCES

_SHARED = """
[standards]
response_minutes = 15                # first answer by a person, counted while the store is open

[targets]
contact_rate = 0.70
contact_to_appointment = 0.45
show_rate = 0.65
closing_rate = 0.12
answered_within_standard = 0.75

[sources]
free = [{free}]    # cost nothing; elsewhere a spend of 0 means "not entered"
"""


def settings_text(stores: Sequence[Store]) -> str:
    """The text of settings.toml for these stores."""
    opening = "# The simulated dealership group. data/settings.toml explains every setting.\n"
    free = ", ".join(f'"{name}"' for name in FREE_SOURCES)
    return opening + "".join(_store_text(store) for store in stores) + _SHARED.format(free=free)


def _store_text(store: Store) -> str:
    holidays = ", ".join(day.isoformat() for day in store.holidays)
    hours = "\n".join(f'{day} = "{getattr(store.hours, day)}"' for day in WEEKDAYS)
    return (
        f'\n[[store]]\nname = "{store.name}"\ntime_zone = "{store.time_zone}"\ncurrency = "{store.currency}"\n'
        f"holidays = [{holidays}]\n\n[store.hours]\n{hours}\n"
    )
