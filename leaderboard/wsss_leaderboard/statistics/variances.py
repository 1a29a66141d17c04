"""Variances of means over draws, and of their differences: from images and from draws.

The estimate is the mean over draws and over images like the scored ones. Its variance is the sum of

- the variance from the choice of images. Of a mean: that of its bootstrap-t (see ``estimates``).
  Of a difference, which is paired by image: the sum of the squares of what it loses with each
  image (the jackknife; Efron and Stein, "The jackknife estimate of variance", Annals of Statistics
  1981), with the degrees of freedom of that sum, so that a difference which rests on a few of the
  scored images has a wide interval; and
- the variance from the draws (see ``spreads``).

What moves with image and draw together, such as the noise of a run on an image, is in both (Owen,
"The pigeonhole bootstrap", Annals of Applied Statistics 2007). It is the variance over draws of
what each image adds, and is taken off the first; with one draw it is unknown, and counts twice. The
degrees of freedom of the sum follow Satterthwaite ("An approximate distribution of estimates of
variance components", Biometrics Bulletin 1946).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri, stdtrit

from wsss_leaderboard.statistics.estimates import LEVEL, Estimate, Floats
from wsss_leaderboard.statistics.spreads import PooledSpreads, RowDraws, Spreads

NORMAL = float(ndtri((1 + LEVEL) / 2))


@dataclass(frozen=True, eq=False)
class Variances:
    """Variances from images and from draws, of n means or of all their differences."""

    images: Spreads
    draws: Spreads

    @property
    def errors(self) -> Floats:
        return np.sqrt(self.images.variances + self.draws.variances)

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom of the sum."""
        parts = sum(part.variances**2 / part.df for part in (self.images, self.draws))
        freedom = np.full(self.errors.shape, np.inf)
        np.divide(self.errors**4, parts, out=freedom, where=parts > 0)
        return freedom

    @property
    def reaches(self) -> Floats:
        """From each value to the ends of its 95 % interval."""
        reaches: Floats = stdtrit(self.freedom, (1 + LEVEL) / 2) * self.errors
        return reaches


@dataclass(frozen=True, eq=False)
class Means:
    """Means of n rows on the same images, each over its draws."""

    estimates: Sequence[Estimate]
    draws: Sequence[RowDraws]

    @cached_property
    def values(self) -> Floats:
        return np.array([estimate.value for estimate in self.estimates])

    @cached_property
    def spreads(self) -> PooledSpreads:
        return PooledSpreads(self.draws)

    @property
    def repeated(self) -> bool:
        """Whether some row has several draws, so that their spread is known."""
        return bool(self.spreads.blocks)

    def by_draw(self, row: int, field: str) -> Floats:
        """(draws, images) of a row: a field of its estimates, the mean of the runs of each draw."""
        estimate = self.estimates[row]
        runs = [getattr(run, field) for run in estimate.runs or (estimate,)]
        return np.stack([np.mean([runs[n] for n in d], axis=0) for d in self.draws[row].runs])

    def noise(self, field: str) -> Floats:
        """The variance over draws of what each image adds to the mean of a row, summed, (n,)."""
        tables = [self.by_draw(row, field) for row in range(len(self.draws))]
        return np.array(
            [
                float(table.var(0, ddof=1).sum()) / row.number if len(table) > 1 else 0.0
                for table, row in zip(tables, self.draws, strict=True)
            ]
        )

    def variances(self) -> Variances:
        """Of the means."""
        squares = np.array([estimate.error**2 for estimate in self.estimates])
        scale = np.array([estimate.t / NORMAL for estimate in self.estimates]) ** 2
        images = scale * np.maximum(squares - self.noise("influence"), 0)
        return Variances(Spreads(images, np.full(len(images), np.inf)), self.spreads.of_rows())

    def differences(self) -> Variances:
        """Of all differences, (n, n)."""
        images = jackknifed(np.stack([estimate.deletions for estimate in self.estimates]))
        own = self.noise("deletions")
        noise = np.add.outer(own, own)
        for block in self.spreads.blocks:
            tables = np.stack([self.by_draw(row, "deletions") for row in block.places])
            paired = noise_of_gaps(tables) / block.number
            noise[np.ix_(block.places, block.places)] = paired
        images = Spreads(np.maximum(images.variances - noise, 0), images.df)
        return Variances(images, self.spreads.of_differences())


def noise_of_gaps(tables: Floats) -> Floats:
    """The variance over draws of the differences of rows on each image, summed, (n, n).

    ``tables``: (n, draws, images).
    """
    centred = (tables - tables.mean(1, keepdims=True)).reshape(len(tables), -1)
    products = centred @ centred.T
    own = np.diagonal(products)
    gaps = np.maximum(np.add.outer(own, own) - 2 * products, 0)
    return np.asarray(gaps / (tables.shape[1] - 1))


def jackknifed(deletions: Floats) -> Spreads:
    """Variances from images of all differences of rows, (n, n), from (n, images) deletions.

    The degrees of freedom of a sum of squares are 2 / its squared coefficient of variation
    (Satterthwaite); with the sum of fourth powers for its variance, that is twice the number of
    images it rests on. One less, since the mean was estimated.
    """
    variances = np.zeros((len(deletions), len(deletions)))
    fourth = np.zeros_like(variances)
    for place, own in enumerate(deletions):
        squares = (deletions[: place + 1] - own) ** 2
        variances[place, : place + 1] = variances[: place + 1, place] = squares.sum(1)
        fourth[place, : place + 1] = fourth[: place + 1, place] = (squares**2).sum(1)
    return Spreads(variances, 2 * number_of_images(variances, fourth) - 1)


def number_of_images(squares: Floats, fourth: Floats) -> Floats:
    """How many images a sum of squares rests on: its square by the sum of fourth powers.

    n if n images count alike and the others nothing; infinite if none counts.
    """
    number = np.full(squares.shape, np.inf)
    np.divide(squares**2, fourth, out=number, where=fourth > 0)
    return number
