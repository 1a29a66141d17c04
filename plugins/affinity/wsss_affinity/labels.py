"""Labels and loss of AffinityNet: nodes of certain class, pairs of equal or different class.

Labels are maps (..., h, w): 0 background, 1.. the classes, 255 unknown.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from wsss_affinity.neighbours import sources, targets
from wsss_harness import BACKGROUND, IGNORE

SMALLEST_SCORE = 1e-5  # a node with only smaller scores lies outside the image
EPSILON = 1e-5  # in each logarithm and count of jiwoon-ahn/psa, train_aff.py


class Pairs(NamedTuple):
    """Three kinds of pairs, (..., P, height, width) bool; other pairs are of no kind."""

    background: Tensor
    foreground: Tensor
    different: Tensor


def sure_labels(careful: Tensor, eager: Tensor, stride: int) -> Tensor:
    """Labels of nodes from two stacks of scores (..., K + 1, H, W), background first.

    The stacks differ in the strength of their background. A node whose class beats the strong
    background of ``careful`` has that class (low alpha in Ahn and Kwak, CVPR 2018, section 3.2.1).
    A node whose classes lose to the weak background of ``eager`` (high alpha) is background. All
    others are unknown, and so are nodes outside the image, where all scores are 0 (jiwoon-ahn/psa,
    voc12/data.py). Scores are first averaged over squares of ``stride`` pixels. Labels are numbers
    of channels.
    """
    careful, eager = (avg_pool2d(scores, stride) for scores in (careful, eager))
    labels = careful.argmax(-3)
    labels = torch.where(labels == BACKGROUND, IGNORE, labels)
    labels = torch.where(eager.argmax(-3) == BACKGROUND, BACKGROUND, labels)
    largest = torch.maximum(careful.amax(-3), eager.amax(-3))
    return torch.where(largest < SMALLEST_SCORE, IGNORE, labels)


def pair_kinds(labels: Tensor, radius: int) -> Pairs:
    """The pairs of each kind among nodes with known labels (..., h, w).

    Ahn and Kwak, CVPR 2018, section 3.2.2; jiwoon-ahn/psa, voc12/data.py.
    """
    source = sources(labels, radius).unsqueeze(-3)
    target = torch.stack(list(targets(labels, radius)), -3)
    labelled = (source != IGNORE) & (target != IGNORE)
    equal = labelled & (source == target)
    background = source == BACKGROUND
    return Pairs(equal & background, equal & ~background, labelled & (source != target))


def affinity_losses(affinities: Tensor, pairs: Pairs) -> dict[str, Tensor]:
    """The three terms of L = L_fg / 4 + L_bg / 4 + L_different / 2.

    Ahn and Kwak, CVPR 2018, section 3.2.2, with weights 1, 1 and 2; the factor of 1/4 is from
    jiwoon-ahn/psa, train_aff.py. Each term is the mean over all pairs of its kind in the batch, 0
    without such pairs.
    """
    alike = -(affinities + EPSILON).log()
    unlike = -(1 + EPSILON - affinities).log()
    return {
        "loss_background": mean_over(alike, pairs.background) / 4,
        "loss_foreground": mean_over(alike, pairs.foreground) / 4,
        "loss_different": mean_over(unlike, pairs.different) / 2,
    }


def mean_over(values: Tensor, pairs: Tensor) -> Tensor:
    weights = pairs.to(values.dtype)
    return (values * weights).sum() / (weights.sum() + EPSILON)
