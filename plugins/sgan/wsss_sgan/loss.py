"""The losses of SGAN: image labels of the class maps, and seeds (yaoqi-zd/SGAN: lib/loss)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import cross_entropy, multilabel_soft_margin_loss

from wsss_harness import IGNORE

if TYPE_CHECKING:
    from torch import nn

    from wsss_harness import Batch


def seed_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of logits (B, C, h, w) over all pixels of a batch that have a seed.

    ``targets`` (B, h, w) hold class - 1, or 255 for no seed. Without any seed the loss is 0 and has
    no gradient; the released one is then NaN.
    """
    total = cross_entropy(logits, targets, ignore_index=IGNORE, reduction="sum")
    return total / (targets != IGNORE).sum().clamp(min=1)


@dataclass
class SganLoss:
    """MLSM of the pooled class maps, and ``weight`` times the loss of the seeds.

    A batch without any seed is told once.
    """

    weight: float
    told: bool = field(default=False, init=False)

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        outputs = network(batch["image"], batch["salient"])
        self.tell(batch["seeds"])
        return losses(outputs.pooled, outputs.seeds, batch, self.weight)

    def tell(self, targets: Tensor) -> None:
        if not self.told and bool((targets == IGNORE).all()):
            self.told = True
            logging.getLogger("wsss_sgan").warning(
                "a batch of SGAN has no seed, so its seed loss is 0 (said once); if that happens "
                "often, lower 'seed_threshold' or look at the scores of the generator"
            )


def losses(pooled: Tensor, seeds: Tensor, batch: Batch, weight: float) -> dict[str, Tensor]:
    """The two losses of logits ``pooled`` (B, C) and ``seeds`` (B, C, h, w)."""
    return {
        "loss_cls": multilabel_soft_margin_loss(pooled.float(), batch["present"]),
        "loss_seed": weight * seed_loss(seeds.float(), batch["seeds"]),
    }
