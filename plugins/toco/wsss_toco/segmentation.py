"""What the decoder of a single-stage method learns from: cross-entropy, and an energy of colours.

rulixiang/ToCo: model/losses.py; the energy is that of Tang et al., "On Regularized Losses for
Weakly-supervised CNN Segmentation", ECCV 2018, section 3.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate

from wsss_toco.labels import IGNORED

WEIGHT = 1e-7
COLOURS, PIXELS = 15.0, 100.0  # widths of the kernel: levels of 0 to 255, and pixels
ROWS = 1024  # of the kernel that are computed at a time


def balanced_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Half of the cross-entropy of background pixels and half of that of objects, means each.

    ``logits`` (B, C + 1, H, W), ``labels`` (B, H, W) with 255 ignored. A half without pixels is 0;
    in the released program of ToCo it is NaN.
    """
    background = labels.where(labels == 0, IGNORED)
    objects = labels.where(labels > 0, IGNORED)
    return 0.5 * (mean_loss(logits, background) + mean_loss(logits, objects))


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    total = cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)


def energy_loss(logits: Tensor, levels: Tensor, labels: Tensor, within: Tensor) -> Tensor:
    """Unlike labels of near pixels with like colours cost, most where the network is unsure.

    ``logits`` (B, C, h, w), ``levels`` (B, 3, H, W) from 0 to 255, ``labels`` and ``within``
    (B, H, W): 1 where an image lies in its crop. All is halved first, so the kernel too. The kernel
    is summed exactly; the lattice of the released program gives about half of the sum.
    """
    size = levels.shape[2:]
    shares = interpolate(logits, size, mode="bilinear", align_corners=False).softmax(1)
    halved = interpolate(shares, scale_factor=0.5, mode="bilinear", align_corners=False)
    small = halved.shape[2:]
    images = nearest(levels, small)
    known = nearest(within[:, None].to(levels), small)
    unsure = gate(halved, nearest(labels[:, None].to(levels), small), known)
    inside = halved * known
    with torch.no_grad():
        spread = torch.stack(
            [bilateral(values, image) for values, image in zip(inside, images, strict=True)]
        )
    half = -WEIGHT * (inside * spread * unsure).sum() / len(logits)
    return 2 * half - half.detach()  # the filter is symmetric: both of its sides have a gradient


def nearest(values: Tensor, size: torch.Size) -> Tensor:
    return interpolate(values, tuple(size), mode="nearest")


@torch.no_grad()
def gate(shares: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """1 where labels are ignored, else how unsure the network is; 0 outside of the image."""
    unsure = known - shares.amax(1, keepdim=True)
    return torch.where(labels == IGNORED, 1.0, unsure).clamp(min=0)


def bilateral(
    values: Tensor, image: Tensor, colours: float = COLOURS, pixels: float = PIXELS / 2
) -> Tensor:
    """(K, h, w) summed with exp(-(|dxy| / pixels)^2 / 2 - (|dRGB| / colours)^2 / 2).

    ``image`` (3, h, w). Each pixel counts itself; the sum is not normalised.
    """
    height, width = image.shape[1:]
    grid = torch.cartesian_prod(torch.arange(height), torch.arange(width)).to(image)
    places = torch.cat((grid / pixels, image.flatten(1).T / colours), 1)
    flat = values.flatten(1)
    sums = [flat @ weights_of(places, part).T for part in torch.split(places, ROWS)]
    return torch.cat(sums, 1).view_as(values)


def weights_of(places: Tensor, part: Tensor) -> Tensor:
    return torch.cdist(part, places).square().div(-2).exp()
