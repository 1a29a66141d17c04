"""Co-attention: what the features of one image find in those of another.

Sun et al., "Mining Cross-Image Semantics for Weakly Supervised Semantic Segmentation", ECCV 2020,
section 3.2; GuoleiSun/MCIS_wsss: Classifier/models/vgg.py. Features are (B, D, h, w) and may lie on
two grids.
"""

from torch import Tensor


def affinities(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """P = (W F1)' F2 (B, h1 w1, h2 w2): every position with every other; ``weight`` W (D, D)."""
    return (weight @ first.flatten(2)).transpose(1, 2) @ second.flatten(2)


def attention(pairs: Tensor) -> Tensor:
    """Softmax over the positions that are looked at: columns of (B, looked at, looking) sum to 1.

    ``pairs`` lets the second image look at the first, its transpose the first at the second.
    """
    return pairs.softmax(1)


def attended(features: Tensor, attentions: Tensor, grid: Tensor) -> Tensor:
    """What is seen at each position of ``grid`` (B, ., h, w): ``features`` mixed by attention."""
    seen = features.flatten(2) @ attentions
    return seen.reshape(*seen.shape[:2], *grid.shape[2:])


def coattended(first: Tensor, second: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Features of the second image at the positions of the first, and the other way round."""
    pairs = affinities(first, second, weight)
    towards_first = attended(second, attention(pairs.transpose(1, 2)), first)
    return towards_first, attended(first, attention(pairs), second)
