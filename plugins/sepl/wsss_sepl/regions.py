"""Regions by what the rule asks of them, so that superpixels need no mask each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wsss_harness import RegionMasks, Regions, Sample

Counts = NDArray[np.int64]
Pixels = NDArray[np.bool_]  # (H, W)


class RegionSet(Protocol):
    """M regions of an image."""

    def count(self, pixels: Pixels) -> Counts:
        """(M,): how many of the ``pixels`` lie in each region."""

    def union(self, chosen: Pixels) -> Pixels:
        """(H, W): where any of the ``chosen`` (M,) is."""


@dataclass(frozen=True)
class Stack:
    """Masks (M, H, W), which may overlap."""

    masks: RegionMasks

    def count(self, pixels: Pixels) -> Counts:
        counts: Counts = np.count_nonzero(self.masks & pixels, axis=(1, 2))
        return counts

    def union(self, chosen: Pixels) -> Pixels:
        covered: Pixels = np.logical_or.reduce(self.masks[chosen], axis=0)
        return covered


@dataclass(frozen=True)
class NumberMap:
    """A number (H, W) for each pixel; those that no pixel has are empty regions."""

    numbers: Regions

    def count(self, pixels: Pixels) -> Counts:
        return np.bincount(self.numbers[pixels], minlength=int(self.numbers.max()) + 1)

    def union(self, chosen: Pixels) -> Pixels:
        covered: Pixels = chosen[self.numbers]
        return covered


def regions_of(sample: Sample) -> RegionSet:
    """The regions of a sample, of either form."""
    regions = sample.give("regions")
    return Stack(regions) if regions.ndim == 3 else NumberMap(regions)
