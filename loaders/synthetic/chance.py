"""Seeded chance. Only `Random.random` decides, so that every Python draws the same numbers from the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


class Chance:
    """A stream of draws that its seed text decides entirely."""

    def __init__(self, seed: str) -> None:
        self._draw = Random(seed).random  # noqa: S311 - a simulation, not a secret

    def flip(self, share: float) -> bool:
        """True in that share of the draws."""
        return self._draw() < share

    def between(self, low: float, high: float) -> float:
        """Any number from `low` up to `high`."""
        return low + (high - low) * self._draw()

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return low + int(self._draw() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[int(self._draw() * len(items))]

    def weigh(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of the items, each as likely as its weight."""
        mark = self._draw() * math.fsum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def normal(self, mean: float, deviation: float) -> float:
        """A draw from the bell curve (Box and Muller)."""
        radius = math.sqrt(-2 * math.log(1 - self._draw()))
        return mean + deviation * radius * math.cos(2 * math.pi * self._draw())

    def skewed(self, median: float, spread: float) -> float:
        """A positive draw around `median` with a long right tail (log-normal)."""
        return median * math.exp(self.normal(0, spread))

    def count(self, mean: float) -> int:
        """How many of something rare happen when `mean` happen on average; never below zero."""
        return max(0, round(self.normal(mean, math.sqrt(mean))))

    def shuffled(self, count: int) -> list[int]:
        """The numbers 0 to `count` - 1 in chance order."""
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = int(self._draw() * (last + 1))
            order[last], order[other] = order[other], order[last]
        return order
