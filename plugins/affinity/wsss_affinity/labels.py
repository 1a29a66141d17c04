"""Labels of AffinityNet: nodes of certain class.

Labels are maps (..., h, w): 0 background, 1.. the classes, 255 unknown.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from wsss_harness import BACKGROUND, IGNORE

SMALLEST_SCORE = 1e-5  # a node with only smaller scores lies outside the image


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
