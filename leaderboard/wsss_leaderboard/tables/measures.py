"""Numbers of a method, read from the masks or segmentations of its seeds.

Means are computed where they are shown and stored nowhere.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wsss_leaderboard.tables.rows import NOTHING

FAILED = "failed"
T = TypeVar("T")


@dataclass(frozen=True)
class Measure(Generic[T]):
    """A column of numbers, read from the masks or the segmentation of each seed.

    No best one is marked unless it is ``ranked``.
    """

    name: str
    read: Callable[[T], float | None]
    scale: float = 100
    digits: int = 1
    lower_is_better: bool = False
    ranked: bool = True

    def values(self, items: Sequence[T]) -> list[float]:
        """The number of every seed; empty if one of them has none."""
        values = [self.read(item) for item in items]
        numbers = [self.scale * value for value in values if value is not None]
        return numbers if len(numbers) == len(values) else []

    def text(self, items: Sequence[T]) -> str:
        """The number, or mean and standard deviation over seeds."""
        values = self.values(items)
        if not values:
            return NOTHING
        mean = f"{statistics.mean(values):.{self.digits}f}"
        return mean if len(values) == 1 else f"{mean} ±{statistics.stdev(values):.{self.digits}f}"

    def rank(self, items: Sequence[T]) -> float | None:
        """The mean as it is printed; higher is better."""
        values = self.values(items)
        sign = -1 if self.lower_is_better else 1
        return (
            sign * round(statistics.mean(values), self.digits) if values and self.ranked else None
        )
