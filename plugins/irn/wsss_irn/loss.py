"""The loss of the boundary network."""

import torch
from torch import Tensor, nn

from wsss_harness import Batch
from wsss_harness.networks.affinity.pairs import PairWarning, affinity_losses, pair_kinds
from wsss_irn.paths import path_affinities


class BoundaryLoss:
    """Boundaries must separate pairs of different classes, and no others.

    Ahn, Cho and Kwak, CVPR 2019, section 4.4; the affinities of all pairs are those of
    ``paths.path_affinities``, the terms those of ``affinity_losses``.
    """

    def __init__(self, radius: int) -> None:
        self.radius = radius
        remedy = "move the options 'sure_foreground' and 'sure_background'"
        self.warning = PairWarning("wsss_irn", remedy)

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        logits = network(batch["image"])[:, 0]
        pairs = pair_kinds(batch["label"], self.radius)
        self.warning.look_at(pairs)
        precise = torch.promote_types(logits.dtype, torch.float32)  # half precision has no 1 - 1e-5
        edge = torch.sigmoid(logits.to(precise))
        return affinity_losses(path_affinities(edge, self.radius), pairs)
