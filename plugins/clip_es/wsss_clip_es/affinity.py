"""Class-aware attention-based affinity: CLIP's attention spreads maps inside of their boxes.

Lin et al., CVPR 2023, section 3.3, equations 4 to 6; linyq2117/CLIP-ES: generate_cams_voc12.py,
utils.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Boxes = NDArray[np.int64]  # (n, 4): x0, y0, x1, y1, ends exclusive
LAYERS = 8
ROUNDS = 3
THRESHOLD = 0.4


def symmetric_affinity(attention: Sequence[Tensor]) -> Tensor:
    """(h * w, h * w): the mean attention of the last layers, normalised and symmetric.

    ``attention``: (1 + h * w, 1 + h * w) each. Columns, then rows are divided by their sums, three
    times.
    """
    affinity = torch.stack([weights[1:, 1:] for weights in attention[-LAYERS:]]).mean(0)
    for _ in range(ROUNDS):
        affinity = affinity / affinity.sum(0, keepdim=True)
        affinity = affinity / affinity.sum(1, keepdim=True)
    return (affinity + affinity.T) / 2


def boxes_of(scores: NDArray[np.float32], threshold: float, largest: bool = False) -> Boxes:
    """Boxes around the connected parts of a map (h, w) above ``threshold`` times its maximum.

    Borders of holes have boxes too, which lie in others. ``largest``: only the part of the largest
    area. A map without any part has one empty box.
    """
    levels = (scores * 255).astype(np.uint8)
    above = (levels > int(threshold * levels.max())).astype(np.uint8)
    contours, _ = cv2.findContours(above, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((1, 4), np.int64)
    if largest:
        contours = [max(contours, key=cv2.contourArea)]
    height, width = scores.shape
    ends = np.array([width - 1, height - 1])
    sides = np.array([cv2.boundingRect(contour) for contour in contours], np.int64)
    return np.hstack([sides[:, :2], np.minimum(sides[:, :2] + sides[:, 2:], ends)])


def box_mask(boxes: Boxes, size: tuple[int, int], whole: bool = False) -> NDArray[np.bool_]:
    """(h, w): what lies in one of the boxes.

    Ends are cut to the last row and column, which are therefore in no box, as released; ``whole``:
    boxes that touch these include them.
    """
    mask = np.zeros(size, bool)
    last = size[1] - 1, size[0] - 1
    for left, top, right, bottom in boxes:
        right, bottom = (
            end + (whole and end == limit) for end, limit in zip((right, bottom), last, strict=True)
        )
        mask[top:bottom, left:right] = True
    return mask


def spread(affinity: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
    """(h, w): a map multiplied by the square of the affinity, from the places in the mask alone."""
    walked = affinity @ affinity @ (scores * mask).flatten()
    return walked.view_as(scores)
