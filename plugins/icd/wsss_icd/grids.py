"""Bilinear resizing with aligned corners, as weights of the nodes that each place reads.

In MXNet (BilinearResize2D) place i of n reads position i * (m - 1) / (n - 1) of m. Weights that are
0 or 1 are exactly so here.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def neighbours(sources: int, places: int) -> tuple[Tensor, Tensor, Tensor]:
    """The node below each of the ``places``, the one above, and the weight of the latter."""
    steps = max(places - 1, 1)
    position = torch.arange(places) * (sources - 1 if places > 1 else 0)
    below = position // steps
    above = (below + 1).clamp(max=sources - 1)
    return below, above, (position % steps).double() / steps


def corners(sources: tuple[int, int], places: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Four times the numbers (h * w,) of nodes, and their weights, that each place reads.

    ``sources`` and ``places`` are sizes (rows, columns); weights of a place add up to one.
    """
    rows, columns = (neighbours(m, n) for m, n in zip(sources, places, strict=True))
    for row, row_weight in ((rows[0], 1 - rows[2]), (rows[1], rows[2])):
        for column, column_weight in ((columns[0], 1 - columns[2]), (columns[1], columns[2])):
            numbers = row[:, None] * sources[1] + column
            yield numbers.flatten(), (row_weight[:, None] * column_weight).flatten()
