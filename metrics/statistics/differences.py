"""Whether two rates differ by more than chance: the interval of their difference."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import Any


def difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[float, float] | None:
    """The 95 % interval of `now` minus `before`, from the Wilson interval of each.

    Rows have value, low and high. None where either has no interval. Method: square-and-add, method 10 of Newcombe 1998
    (Statistics in Medicine 17:873), for two groups that share no row.
    """
    needed = [row[name] for row in (now, before) for name in ("value", "low", "high")]
    if any(number is None for number in needed):
        return None
    gap = now["value"] - before["value"]
    down = hypot(now["value"] - now["low"], before["high"] - before["value"])
    up = hypot(now["high"] - now["value"], before["value"] - before["low"])
    return gap - down, gap + up


def is_apart(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether the interval of the difference leaves out zero; False where there is none."""
    ends = difference(now, before)
    return ends is not None and (ends[0] > 0 or ends[1] < 0)
