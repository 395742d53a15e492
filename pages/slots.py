"""Days and hours of the week in words, for the pages that ask when something fails."""

from __future__ import annotations

from typing import Final

from metrics.comparisons.hours import Slot, Week
from pages import theme
from pages.charts.heatmap import SMALLEST

# Words of the widget and the URL: how many hours stand in one row of the map.
WIDTHS: Final = {"three at a time": 3, "each hour": 1}


def words(slot: Slot) -> str:
    """When a slot is: `Friday to Sunday, 17:00 to 20:00`; `on any day, 17:00 to 20:00`; `Sunday`."""
    first, last = slot.weekdays[0], slot.weekdays[-1]
    days = "on any day" if slot.is_every_day else first if first == last else f"{first} to {last}"
    return days if slot.is_all_day else f"{days}, {slot.hours[0]} to {_hour_after(slot.hours[-1])}"


def _hour_after(hour: str) -> str:
    return f"{int(hour[:2]) + 1:02}:00"


def reading(found: Week, *, is_rate: bool, moment: str) -> str:
    """How to read the map: what the colours and signs mean, whose clock, and what has no hour."""
    lines = [f"By the hour it {moment}, on the store's own clock."]
    if is_rate:
        lines.append(
            f"n is how many had the chance. Colour and ▼ ▲ mark cells whose 95% interval leaves out the overall rate, "
            f"stronger for lower; of many cells about one in twenty is marked by chance. Below {SMALLEST} only n is "
            "shown."
        )
    else:
        lines.append("The stronger the colour, the more.")
    if found.timeless:
        lines.append(f"{theme.number(found.timeless, 'count')} name no hour and are in no cell.")
    return " ".join(lines)
