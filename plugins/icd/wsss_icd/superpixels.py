"""Direction scores made alike within superpixels.

Fan et al., "Learning Integral Objects with Intra-Class Discriminator for Weakly-Supervised Semantic
Segmentation", CVPR 2020, section 3.4; js-fan/ICD: core/model/layers_custom/icd.py, SPRefine.
"""

import torch
from torch import Tensor

from wsss_icd.grids import corners

EPSILON = 1e-5


def memberships(regions: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, R, h, w): the shares of the regions (B, H, W), numbered from 0 to R - 1, in each node.

    They are one-hot maps resized to ``size`` with aligned corners. With a step of 8 pixels, as
    between 321 and 41, each node belongs to the region of one pixel.
    """
    images, height, width = regions.shape
    numbers = regions.reshape(images, 1, -1).long()
    shares = torch.zeros(images, int(regions.max()) + 1, size[0] * size[1], device=regions.device)
    for places, weights in corners((height, width), size):
        weight = weights.to(shares).expand(images, 1, -1)
        shares.scatter_add_(1, numbers[..., places.to(regions.device)], weight)
    return shares.reshape(images, -1, *size)


def smoothed(scores: Tensor, shares: Tensor, present: Tensor) -> Tensor:
    """Signed scores (B, C, h, w) with one value of each class in each region; absent classes are 0.

    ``shares`` (B, R, h, w): see ``memberships``; ``present`` (B, C). A region is foreground if more
    of it is positive than negative for some class. Its class is the one whose positive scores, as
    shares of the largest at each node, have the largest mean. That class gets the mean of its
    positive scores there, all others, and all in other regions, the mean of their negative ones.
    """
    shape = scores.shape
    scores = (scores * present[:, :, None, None]).flatten(2)
    shares = shares.flatten(2)
    means = shares / shares.sum(2, keepdim=True).clamp(min=EPSILON)

    def of_regions(weights: Tensor, values: Tensor) -> Tensor:
        return torch.einsum("brp,bcp->brc", weights, values)

    positive = scores.relu()
    foreground = of_regions(shares, scores.sign()).amax(2) > EPSILON
    relative = positive / positive.amax(1, keepdim=True).clamp(min=EPSILON)
    winner = of_regions(means, relative).argmax(2)
    wins = torch.nn.functional.one_hot(winner, scores.shape[1]) * present[:, None] > 0
    values = torch.where(
        wins & foreground[..., None],
        of_regions(means, positive),
        of_regions(means, scores.clamp(max=0)),
    )
    return torch.einsum("brp,brc->bcp", shares, values).reshape(shape)
