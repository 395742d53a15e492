"""A simulated dealership group, written as real CRM exports together with the truth about it.

`world` sets the scene (stores, staff, sources, hidden stories), `history` lets the months pass, `episodes` with
`answering`, `booking` and `selling` plays one customer's way, `vinsolutions`, `activix` and `sheets` write what the
stores' systems would export, and `truth` says what really happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from loaders.synthetic import activix, vinsolutions
from loaders.synthetic.history import live
from loaders.synthetic.records import History
from loaders.synthetic.settings_file import settings_text
from loaders.synthetic.sheets import Sheet, accounts_sheet, plain_sheets, write_sheet
from loaders.synthetic.truth import Told, tell
from loaders.synthetic.world import Shop, make_group, utc

__all__ = ["simulate"]


def simulate(
    directory: Path,
    *,
    stores: int = 2,
    months: int = 18,
    leads_per_month: int = 1200,
    seed: int = 7,
    as_of: datetime | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> None:
    """Write the exports of a simulated dealership group, its settings.toml and truth.json into a folder.

    Seed and `as_of` decide every byte. Stores alternate between the VinSolutions and the Activix shape; each has a
    folder of its own.

    Args:
        directory: Created where missing; files of the same names are replaced.
        stores: How many stores, at least one.
        months: Calendar months up to and with that of `as_of`.
        leads_per_month: Leads a month over all stores, on average.
        seed: Another number, another group.
        as_of: The moment of the export, in UTC where it has no zone. Without it, the hour that has just begun.
        progress: Hears the part done (0 to 1) and what is being done.
    """
    now = utc(as_of if as_of is not None else datetime.now(UTC).replace(minute=0, second=0))
    report = progress or _unheard
    group = make_group(stores, months, leads_per_month, seed, now)
    told = [_export(directory, shop, _part(report, nth, len(group), shop)) for nth, shop in enumerate(group)]
    (directory / "settings.toml").write_text(settings_text([shop.store for shop in group]), encoding="utf-8")
    truth = json.dumps(tell(told, seed, now), indent=1)
    (directory / "truth.json").write_text(truth + "\n", encoding="utf-8")
    report(1.0, "simulated")


def _export(directory: Path, shop: Shop, report: Callable[[float], None]) -> Told:
    """Simulate one store and write its files."""
    history = live(shop, report)
    folder = shop.store.name.lower().replace(" ", "-")
    sheets = tuple(_sheets(shop, history))
    (directory / folder).mkdir(parents=True, exist_ok=True)
    for sheet in sheets:
        write_sheet(directory / folder, sheet)
    return Told(shop, folder, history, sheets)


def _sheets(shop: Shop, history: History) -> list[Sheet]:
    if shop.crm == "vinsolutions":
        return [*vinsolutions.sheets(shop, history), *plain_sheets(shop, history)]
    return [*activix.sheets(shop, history), accounts_sheet(shop, history), *plain_sheets(shop, history)]


def _part(report: Callable[[float, str], None], nth: int, stores: int, shop: Shop) -> Callable[[float], None]:
    """Report one store's progress as its part of the whole."""
    return lambda done: report((nth + 0.95 * done) / stores, f"simulating {shop.store.name}")


def _unheard(_: float, __: str) -> None:
    """Nobody listens."""
