"""Attention between pixels that are both salient, or both not.

Yao and Gong, "Saliency Guided Self-Attention Network for Weakly and Semi-Supervised Semantic
Segmentation", IEEE Access 2020, section III; yaoqi-zd/SGAN: lib/network/sgan.py.
"""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-5


def both_salient(salient: Tensor) -> Tensor:
    """(B, h, w) zeros and ones to (B, h * w, h * w): 1 for two salient pixels."""
    flat = salient.flatten(1)
    return flat[:, :, None] * flat[:, None]


def background_similarity(salient: Tensor) -> Tensor:
    """(B, h, w) zeros and ones to (B, h * w, h * w): 1 for two pixels that are not, over its row.

    Rows of salient pixels are 0. Without salient pixels each row is the mean of all pixels.
    """
    pairs = both_salient(1 - salient)
    return pairs / (pairs.sum(2, keepdim=True) + EPSILON)


def similarities(queries: Tensor, keys: Tensor, pairs: Tensor) -> Tensor:
    """Scaled products of ``queries`` and ``keys`` (B, C, h, w) for ``pairs`` (B, N, N), else 0.

    Row i belongs to the query of pixel i.
    """
    products: Tensor = queries.flatten(2).transpose(1, 2) @ keys.flatten(2)
    return products.mul(queries.shape[1] ** -0.5) * pairs


def row_shares(values: Tensor, pairs: Tensor) -> Tensor:
    """What ``values`` (B, N, N) exceed the least of their row by, for ``pairs``, over its sum.

    The least is that of the whole row, in which other pixels are 0. There is no softmax.
    """
    above = (values - values.amin(2, keepdim=True)) * pairs
    return above / (above.sum(2, keepdim=True) + EPSILON)


def context(features: Tensor, queries: Tensor, keys: Tensor, salient: Tensor) -> Tensor:
    """Means of ``features`` (B, C, h, w) over pixels that attention selects, (B, C, h, w).

    ``salient``: (B, h, w), zeros and ones of the features' type.
    """
    pairs = both_salient(salient)
    shares = row_shares(similarities(queries, keys, pairs), pairs)
    mixed = features.flatten(2) @ (shares + background_similarity(salient)).transpose(1, 2)
    return mixed.view_as(features)
