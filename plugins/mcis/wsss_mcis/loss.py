"""The losses of MCIS on pooled logits: GuoleiSun/MCIS_wsss, Classifier/scripts/train.py.

Sun et al., ECCV 2020, equations 2, 6 and 9. Logits of a pair are (2B, C), those of the first images
before those of the second; labels are (B, C) zeros and ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import multilabel_soft_margin_loss


class PairLogits(NamedTuple):
    """``own``: of the images; ``common``: of what they share; ``rest``: of what they do not.

    ``rest`` is None where it is not learnt.
    """

    own: Tensor
    common: Tensor
    rest: Tensor | None = None


def losses(
    pair: PairLogits, copies: Sequence[PairLogits], first: Tensor, second: Tensor
) -> dict[str, Tensor]:
    """Losses of a pair of images and of pairs of an image with ``copies`` of itself, of weight 1.

    ``first``, ``second``: labels of the pair; copies have those of the first.
    """
    common = first * second
    named = {
        "loss_cls": pair_loss(pair.own, first, second),
        "loss_common": pair_loss(pair.common, common, common),
    }
    if pair.rest is not None:
        named["loss_rest"] = rest_loss(pair.rest, first - common, second - common).sum()
    for number, copy in enumerate(copies, 1):
        named[f"loss_cls_copy{number}"] = pair_loss(copy.own, first, first)
        named[f"loss_common_copy{number}"] = pair_loss(copy.common, first, first)
    return named


def pair_loss(logits: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Multilabel soft margin loss: a mean over both images of all pairs and over classes."""
    return multilabel_soft_margin_loss(logits, torch.cat((first, second)))


def rest_loss(logits: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """(2,): the loss of either side; 0 for one whose images share all their classes."""
    sides = zip(logits.chunk(2), (first, second), strict=True)
    return torch.stack(
        [multilabel_soft_margin_loss(side, labels) * labels.any() for side, labels in sides]
    )
