"""k-means by cosine distance, as kmeans-pytorch 0.3 has it.

Rows go to the centre of largest cosine, but a centre is the plain mean of its rows, which are not
normalised, and the shift of the centres is an absolute number.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

ROUNDS = 1000  # cosines and plain means may never settle; released without a limit


def cluster(rows: Tensor, start: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """The cluster (n,) of each of ``rows`` (n, d), and the centres (k, d), from ``start`` (k, d).

    It ends when the sum over centres of their moves, squared, is below ``tolerance``. The clusters
    are those before the last move. A cluster without rows keeps its centre.
    """
    centres = start
    for _ in range(ROUNDS):
        ids = nearest(rows, centres)
        moved = means(rows, ids, centres)
        shift = (moved - centres).norm(dim=1).sum()
        centres = moved
        if shift**2 < tolerance:
            break
    return ids, centres


def nearest(rows: Tensor, centres: Tensor) -> Tensor:
    """The centre of largest cosine for each row, the first of equals; the first for a row of 0."""
    return (rows @ normalize(centres, dim=1).T).argmax(1)


def means(rows: Tensor, ids: Tensor, centres: Tensor) -> Tensor:
    """The mean of the rows of each cluster; ``centres`` where it has none."""
    sums = torch.zeros_like(centres).index_add_(0, ids, rows)
    counts = ids.bincount(minlength=len(centres))[:, None]
    return torch.where(counts > 0, sums / counts.clamp(min=1), centres)
