"""What pairs of nodes learn from labels: the kinds of pairs, and the loss of their affinities.

Labels are maps (..., h, w): 0 background, 1.. the classes, 255 unknown.
"""

import logging
from typing import NamedTuple

import torch
from torch import Tensor

from wsss_harness.contract.types import BACKGROUND, IGNORE
from wsss_harness.networks.affinity.neighbours import sources, targets

EPSILON = 1e-5  # in each logarithm and count (psa: train_aff.py, irn: step/train_irn.py)


class Pairs(NamedTuple):
    """Three kinds of pairs, (..., P, height, width) bool; other pairs are of no kind."""

    background: Tensor
    foreground: Tensor
    different: Tensor


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
    jiwoon-ahn/psa, train_aff.py. The same sum is the loss of boundaries in Ahn, Cho and Kwak, CVPR
    2019, section 4.4 (jiwoon-ahn/irn, step/train_irn.py). Each term is the mean over all pairs of
    its kind in the batch, 0 without such pairs.
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


class PairWarning:
    """Says once, in the log of ``owner``, that a batch has no pair; ``remedy`` is what to do."""

    def __init__(self, owner: str, remedy: str) -> None:
        self.logger, self.remedy = logging.getLogger(owner), remedy
        self.warned = False

    def look_at(self, pairs: Pairs) -> None:
        if not self.warned and not any(kind.any() for kind in pairs):
            self.warned = True
            self.logger.warning(
                "a batch has no pair of known labels, so its loss is 0 (shown once). Check the "
                "scores, or %s",
                self.remedy,
            )
