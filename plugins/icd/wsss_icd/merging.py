"""Superpixels joined by their features until few are left.

js-fan/ICD: generate_superpixel.py. The most similar of all pairs are joined, neighbours or not.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsss_harness import Regions
from wsss_icd.grids import corners

Array = NDArray[np.float64]
Pair = tuple[int, int, float]  # the region that stays, the one that joins it, their similarity


def features_of(regions: Regions, dense: Tensor, canvas: tuple[int, int]) -> Array:
    """(R, channels): the means of ``dense`` (channels, h, w) over each region.

    The features lie on a ``canvas`` (H, W) whose top left is the image, to which they are resized
    with aligned corners. ``regions`` are numbered from 0 to R - 1.
    """
    count = int(regions.max()) + 1
    height, width = regions.shape
    grid = dense.shape[1], dense.shape[2]
    nodes = grid[0] * grid[1]
    shares = np.zeros(count * nodes)
    for numbers, weights in corners(grid, canvas):
        read, weight = (part.reshape(canvas)[:height, :width] for part in (numbers, weights))
        places = regions.astype(np.int64) * nodes + read.numpy()
        shares += np.bincount(places.ravel(), weight.numpy().ravel(), count * nodes)
    means = shares.reshape(count, nodes) / np.bincount(regions.ravel())[:, None]
    on_device = torch.from_numpy(means).to(dense.device, dense.dtype)
    values: Array = (on_device @ dense.flatten(1).T).double().cpu().numpy()
    return values


def joined_pairs(features: Array, sizes: Array, keep: int) -> Iterator[Pair]:
    """The pairs that are joined, in order, until ``keep`` regions are left.

    Similarity is the cosine of the features + 1 - the share of the image that both cover. The
    smaller number stays, with features weighted by ``sizes`` in pixels.
    """
    features, shares = features.copy(), sizes / sizes.sum()
    norms = np.linalg.norm(features, axis=1)
    table = similarities(features, norms, shares, slice(None))
    table[np.tril_indices(len(table))] = -np.inf  # each pair once
    for _ in range(len(features) - keep):
        first, second = divmod(int(table.argmax()), len(table))
        yield first, second, float(table[first, second])
        both = shares[[first, second]]
        features[first] = both @ features[[first, second]] / both.sum()
        shares[first], norms[first] = both.sum(), np.linalg.norm(features[first])
        table[second], table[:, second] = -np.inf, -np.inf
        renew(table, first, similarities(features, norms, shares, np.s_[first : first + 1])[0])


def similarities(features: Array, norms: Array, shares: Array, rows: slice) -> Array:
    """Rows of the table of similarities; a region without any feature is like no other."""
    lengths = np.maximum(norms[rows, None] * norms, np.finfo(np.float64).tiny)
    cosines: Array = features[rows] @ features.T / lengths
    return cosines + 1 - (shares[rows, None] + shares)


def renew(table: Array, number: int, values: Array) -> None:
    """Put a region's similarities to those that are left into the upper triangle."""
    for places, new in (
        (table[number, number + 1 :], values[number + 1 :]),
        (table[:number, number], values[:number]),
    ):
        np.copyto(places, new, where=places > -np.inf)


def merged(regions: Regions, features: Array, keep: int) -> Regions:
    """At most ``keep`` regions, numbered from 0 in the order of the smallest number in each."""
    sizes = np.bincount(regions.ravel()).astype(np.float64)
    numbers = np.arange(len(sizes))
    for first, second, _ in joined_pairs(features, sizes, keep):
        numbers[numbers == second] = first
    compact = np.unique(numbers, return_inverse=True)[1].astype(np.int32)
    result: Regions = compact[regions]
    return result
