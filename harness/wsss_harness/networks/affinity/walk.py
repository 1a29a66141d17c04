"""The random walk over a grid: class scores spread along affinities.

Ahn and Kwak, CVPR 2018, section 3.3; Ahn, Cho and Kwak, CVPR 2019, section 5.2;
jiwoon-ahn/psa, infer_aff.py; jiwoon-ahn/irn, misc/indexing.py. There the transition
matrix T, N x N for N nodes, is squared as a dense matrix until it stands for all steps. Here no
power of T is built. With A the affinities to the power of beta and D its sums by column,
T = A / D = D^(1/2) S D^(-1/2), where S = D^(-1/2) A D^(-1/2) is symmetric with eigenvalues in
[-1, 1]. So T^t needs S^t alone, and on [-1, 1] x^t is a short sum of Chebyshev polynomials.
"""

import warnings
from functools import lru_cache

import numpy as np
import torch
from scipy.stats import binom
from torch import Tensor

from wsss_harness.networks.affinity.neighbours import ends, half_plane, inside


@lru_cache
def chebyshev(steps: int, tolerance: float) -> tuple[float, ...]:
    """c_0 .. c_n with x**steps = sum of c_k T_k(x) on [-1, 1], up to ``tolerance``.

    x^t = 2^(1-t) sum over k of binom(t, (t-k)/2) T_k(x), for k of the parity of t, half of it for
    k = 0 (Sachdeva and Vishnoi, Faster Algorithms via Approximation Theory, 2014, section 3.1). The
    terms decay like those of a normal distribution: 84 suffice for 256 steps and 1e-7.
    """
    orders = np.arange(steps + 1)
    weights = np.where((steps - orders) % 2, 0, 2 * binom.pmf((steps - orders) / 2, steps, 0.5))
    weights[0] /= 2
    remainders = weights[::-1].cumsum()[::-1]
    needed = int((remainders > tolerance).sum())
    return tuple(float(weight) for weight in weights[:needed])


def propagate(
    scores: Tensor, links: Tensor, radius: int, beta: float = 8.0, steps: int = 256
) -> Tensor:
    """``scores`` (K, h, w) after ``steps`` steps of the walk along ``links`` (P, h, w).

    Each step replaces a node's score by the mean over its neighbours and itself, weighted by the
    affinities to the power of ``beta`` (1 to itself), so scores stay between their extremes. The
    result differs from a power of the dense matrix by rounding alone. No gradient flows.

    ``links``: affinities in [0, 1], in the layout of ``neighbours``, 0 where there is no link.
    """
    with torch.no_grad():
        matrix, root = _symmetric(links.detach().to(scores.dtype) ** beta, radius)
        before = scores.flatten(1).T * root[:, None]
        after = _power(matrix, before, steps) / root[:, None]
        return after.T.reshape(scores.shape)


def _power(matrix: Tensor, values: Tensor, steps: int) -> Tensor:
    """matrix**steps @ values for a symmetric matrix with eigenvalues in [-1, 1]."""
    tolerance = torch.finfo(values.dtype).eps
    weights = chebyshev(steps, tolerance)
    previous, current = values, matrix @ values
    total = weights[0] * previous
    for weight in weights[1:]:
        if weight:
            total += weight * current
        previous, current = current, 2 * (matrix @ current) - previous
    return total


def _symmetric(links: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """D^(-1/2) A D^(-1/2) as a sparse matrix, and D^(1/2) (N,), for links (P, h, w)."""
    size = (links.shape[-2], links.shape[-1])
    starts, columns, slots = _structure(size, radius, links.device)
    table = _both_ways(links, radius)
    root = table.sum(1).sqrt()
    values = (table / root[:, None]).flatten()[slots] / root[columns]
    nodes = len(root)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        shape = (nodes, nodes)
        matrix = torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=True)
    return matrix, root


def _both_ways(links: Tensor, radius: int) -> Tensor:
    """(N, 2 P + 1): for each node the links to it, the link to itself (1), the links from it."""
    pairs = len(links)
    table = torch.ones(2 * pairs + 1, *links.shape[1:], dtype=links.dtype, device=links.device)
    table[pairs + 1 :] = links
    table[:pairs] = 0
    for slot, (offset, link) in enumerate(zip(half_plane(radius), links, strict=True), 1):
        at_source, _ = ends(link, offset)
        _, at_target = ends(table[pairs - slot], offset)
        at_target.copy_(at_source)
    return table.flatten(1).T


@lru_cache(maxsize=8)
def _structure(
    size: tuple[int, int], radius: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Row starts, columns and used slots of the table, of the sparse matrix of a grid.

    Slots are in the order of their columns.
    """
    numbers = [dy * size[1] + dx for dy, dx in half_plane(radius)]  # nodes count row by row
    forward = torch.tensor(numbers, dtype=torch.int32)
    steps = torch.cat((-forward.flip(0), torch.zeros(1, dtype=torch.int32), forward))
    linked = _both_ways(inside(size, radius).to(torch.uint8), radius) > 0
    nodes = torch.arange(size[0] * size[1], dtype=torch.int32)
    starts = torch.cat((torch.zeros(1, dtype=torch.int64), linked.sum(1).cumsum(0)))
    columns = (nodes[:, None] + steps)[linked]
    slots = linked.flatten().nonzero().flatten()
    return starts.to(device, torch.int32), columns.to(device), slots.to(device)
