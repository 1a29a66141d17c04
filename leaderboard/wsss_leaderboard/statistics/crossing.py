"""Main effects and interactions of two crossed factors, such as generators and refiners.

Every level of one factor is combined with every level of the other, on the same images and with the
same draws. The main effect of a level is its mean over the other factor minus the mean of all; the
interaction of two levels is what their cell has beyond both main effects.

The variance from draws is that of randomised blocks (Snedecor and Cochran, "Statistical Methods",
1980): what is left of an effect when the mean of each draw is taken off, pooled over the levels.
That from images is the jackknife of each contrast, less the noise of draws, as for differences: see
``variances``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from wsss_leaderboard.statistics.estimates import Floats
from wsss_leaderboard.statistics.spreads import Spreads
from wsss_leaderboard.statistics.variances import Variances, number_of_images

Factor = Literal[0, 1]


@dataclass(frozen=True, eq=False)
class Effects:
    """Contrasts of shape (...) and from each to the ends of its 95 % interval."""

    values: Floats
    reaches: Floats


@dataclass(frozen=True, eq=False)
class Crossing:
    """``values`` (A, B, draws), fractions; ``deletions`` (A, B, draws, images).

    Deletions: what the value of a cell in a draw loses without each image.
    """

    values: Floats
    deletions: Floats

    @cached_property
    def draws(self) -> int:
        return int(self.values.shape[2])

    def main(self, factor: Factor) -> Effects:
        """The effect of each level of a factor, (A,) or (B,)."""
        other = 1 - factor
        values, deletions = self.values.mean(other), self.deletions.mean(other)
        return self._effects(centred(values, 0), centred(deletions, 0), (factor,))

    def interactions(self) -> Effects:
        """What each cell has beyond its two main effects, (A, B)."""
        values = centred(centred(self.values, 0), 1)
        deletions = centred(centred(self.deletions, 0), 1)
        return self._effects(values, deletions, (0, 1))

    def _effects(self, values: Floats, deletions: Floats, factors: tuple[int, ...]) -> Effects:
        """Effects from contrasts (..., draws) and from their deletions (..., draws, images)."""
        sizes = [self.values.shape[factor] for factor in factors]
        variances = Variances(images_of(deletions), self._draws_of(values, sizes))
        return Effects(values.mean(-1), variances.reaches)

    def _draws_of(self, values: Floats, sizes: list[int]) -> Spreads:
        """The pooled variance of contrasts, from how they move with the draws."""
        shape = values.shape[:-1]
        if self.draws == 1:
            return Spreads(np.zeros(shape), np.full(shape, np.inf))
        contrasts = int(np.prod([size - 1 for size in sizes]))
        df = contrasts * (self.draws - 1)
        moves = values - values.mean(-1, keepdims=True)
        pooled = (moves**2).sum() / df * np.prod([1 - 1 / size for size in sizes]) / self.draws
        return Spreads(np.full(shape, pooled), np.full(shape, float(df)))


def centred(values: Floats, axis: int) -> Floats:
    return np.asarray(values - values.mean(axis, keepdims=True))


def images_of(deletions: Floats) -> Spreads:
    """Variances from images of contrasts, from (..., draws, images) deletions."""
    means = deletions.mean(-2)
    squares, fourth = (means**2).sum(-1), (means**4).sum(-1)
    draws = deletions.shape[-2]
    noise = deletions.var(-2, ddof=1).sum(-1) / draws if draws > 1 else np.zeros(squares.shape)
    return Spreads(np.maximum(squares - noise, 0), 2 * number_of_images(squares, fourth) - 1)
