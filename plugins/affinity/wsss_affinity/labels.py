"""What AffinityNet learns from: which nodes surely belong to what, and which pairs agree.

Labels are maps (..., h, w): 0 background, 1.. the classes, 255 where it is not known.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from wsss_affinity.neighbours import sources, targets
from wsss_harness import BACKGROUND, IGNORE

NOTHING_SCORES = 1e-5  # below it a node lies outside of the image


class Pairs(NamedTuple):
    """Three kinds of pairs, (..., P, height, width) bool; a pair can be of no kind."""

    background: Tensor
    foreground: Tensor
    different: Tensor


def sure_labels(careful: Tensor, eager: Tensor, stride: int) -> Tensor:
    """Labels of nodes from two stacks of scores (..., K + 1, H, W), background first.

    The stacks differ in how strong their background is: what beats the background of ``careful``
    is surely of a class (low alpha in Ahn and Kwak, CVPR 2018, section 3.2.1), what does not even
    beat the background of ``eager`` (high alpha) is surely background, all else is not known.
    Scores are averaged over squares of ``stride`` pixels first; nodes outside of the image, where
    all scores are 0, are not known (jiwoon-ahn/psa, voc12/data.py). Labels count the channels.
    """
    careful, eager = (avg_pool2d(scores, stride) for scores in (careful, eager))
    labels = careful.argmax(-3)
    labels = torch.where(labels == BACKGROUND, IGNORE, labels)
    labels = torch.where(eager.argmax(-3) == BACKGROUND, BACKGROUND, labels)
    largest = torch.maximum(careful.amax(-3), eager.amax(-3))
    return torch.where(largest < NOTHING_SCORES, IGNORE, labels)


def pair_kinds(labels: Tensor, radius: int) -> Pairs:
    """The pairs of each kind among nodes of known label (..., h, w).

    Ahn and Kwak, CVPR 2018, section 3.2.2; jiwoon-ahn/psa, voc12/data.py.
    """
    own = sources(labels, radius).unsqueeze(-3)
    other = torch.stack(list(targets(labels, radius)), -3)
    known = (own != IGNORE) & (other != IGNORE)
    same = known & (own == other)
    return Pairs(same & (own == BACKGROUND), same & (own != BACKGROUND), known & (own != other))
