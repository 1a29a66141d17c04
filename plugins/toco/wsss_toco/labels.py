"""Labels of pixels from class maps, as ToCo and SeCo learn from them.

Ru et al., "Token Contrast for Weakly-Supervised Semantic Segmentation", CVPR 2023, section 3.1;
rulixiang/ToCo: utils/camutils.py; zwyang6/SeCo: utils/camutils.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

IGNORED = 255
UNCERTAIN = -1

Refine = Callable[[Tensor, Tensor], Tensor]  # images and maps to maps at the size of the images


@dataclass(frozen=True)
class Bounds:
    """Maps at ``low`` and below are background; above ``high`` they are a class."""

    low: float = 0.25
    high: float = 0.7


def strongest(maps: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Values and labels 1..C, (B, H, W) each, of the largest map of the ``present`` classes.

    ``maps`` are (B, C, H, W), ``present`` (B, C). Of equal maps the first counts.
    """
    values, labels = (maps * present[:, :, None, None]).max(1)
    return values, labels + 1


def plain_labels(maps: Tensor, present: Tensor, threshold: float = 0.5) -> Tensor:
    """(B, H, W): the class of the largest map, 0 where that is ``threshold`` or less."""
    values, labels = strongest(maps, present)
    return labels.where(values > threshold, 0)


def labels_between(maps: Tensor, present: Tensor, bounds: Bounds, between: int = IGNORED) -> Tensor:
    """(B, H, W): 0 up to the lower bound, a class above the upper one, ``between`` in between."""
    values, labels = strongest(maps, present)
    return labels.where(values > bounds.high, between).where(values > bounds.low, 0)


def certainty(maps: Tensor, present: Tensor, bounds: Bounds) -> Tensor:
    """(B, H, W): 0 background, 1 uncertain, 2 object; here ``high`` itself is an object."""
    values, _ = strongest(maps, present)
    return (values > bounds.low).long() + (values >= bounds.high).long()


def inside(labels: Tensor, boxes: Tensor) -> Tensor:
    """Labels (B, H, W), 255 outside of boxes (B, 4): top, bottom, left, right, half-open."""
    rows = torch.arange(labels.shape[1], device=labels.device)[:, None]
    columns = torch.arange(labels.shape[2], device=labels.device)
    top, bottom, left, right = boxes.to(labels.device).T[..., None, None]
    within = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return labels.where(within, IGNORED)


def refined_labels(
    images: Tensor, maps: Tensor, present: Tensor, bounds: Bounds, refine: Refine
) -> Tensor:
    """(B, H, W): a class, 0 where both bounds agree on the background, else 255.

    ``images`` (B, 3, H, W) are colours from 0 to 1. Maps are refined at half of their size, once
    with each bound as the background.
    """
    small = interpolate(images, scale_factor=0.5, mode="bilinear", align_corners=False)
    size = (images.shape[2], images.shape[3])
    halved = interpolate(maps, small.shape[2:], mode="bilinear", align_corners=False)
    high, low = (
        torch.stack(
            [
                label_of(image, scores[None], classes, background, refine, size)
                for image, scores, classes in zip(small, halved, present, strict=True)
            ]
        )
        for background in (bounds.high, bounds.low)
    )
    return high.where((high > 0) | (low == 0), IGNORED)


def label_of(
    image: Tensor,
    maps: Tensor,
    present: Tensor,
    background: float,
    refine: Refine,
    size: tuple[int, int],
) -> Tensor:
    """(H, W): the label of one image, whose background scores ``background`` everywhere."""
    numbers = present.nonzero()[:, 0]
    shares = shares_of(maps, numbers, background)
    spread = refine(image[None], shares)
    large = interpolate(spread, size, mode="bilinear", align_corners=False)[0]
    labels = torch.cat((numbers.new_zeros(1), numbers + 1))
    return labels[large.argmax(0)]


def shares_of(maps: Tensor, numbers: Tensor, background: float) -> Tensor:
    """(1, 1 + K, h, w): softmax over the background and the classes with these ``numbers``."""
    chosen = maps[:, numbers]
    constant = torch.full_like(maps[:, :1], background)
    return torch.cat((constant, chosen), 1).softmax(1)


def levels_of(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Levels from 0 to 255 of normalised images (B, 3, H, W).

    ``mean`` and ``std`` are (3,), of such levels.
    """
    return images * std[:, None, None] + mean[:, None, None]


def colours_of(levels: Tensor) -> Tensor:
    """Colours from 0 to 1 of levels, cut to whole ones as released."""
    return levels.to(torch.uint8) / 255
