"""What a batch is taught, drawn from the network's own class maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate, multilabel_soft_margin_loss

from wsss_toco.contrast import pair_labels, patch_loss
from wsss_toco.labels import Bounds, colours_of, inside, labels_between, levels_of, refined_labels
from wsss_toco.maps import class_maps
from wsss_toco.segmentation import balanced_loss, energy_loss

if TYPE_CHECKING:
    from wsss_harness import Batch
    from wsss_toco.network import Features, TokenNetwork
    from wsss_toco.par import Par

LEVELS = 255.0


@dataclass(frozen=True)
class LossWeights:
    """LossWeights of the losses that ToCo and SeCo share; that of both classifiers is 1."""

    patches: float
    segmentation: float
    energy: float


@dataclass(frozen=True)
class Teaching:
    """How labels of pixels and of patches come from class maps at ``scales``.

    ``box_of_patches``: ``image`` shrinks the box of an image to the grid of patches; ``released``
    takes it in pixels, where it rarely cuts anything off.
    """

    bounds: Bounds
    scales: Sequence[float]
    refine: Par
    weights: LossWeights
    box_of_patches: str = "image"

    def maps(self, network: TokenNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
        """Class maps (B, C, H, W) of the last and of the middle layer, without gradient."""
        return class_maps(network, batch["image"], self.scales)

    def classification(
        self, network: TokenNetwork, features: Features, present: Tensor
    ) -> dict[str, Tensor]:
        last, middle = network.logits(features)
        return {
            "loss_cls": multilabel_soft_margin_loss(last, present),
            "loss_cls_middle": multilabel_soft_margin_loss(middle, present),
        }

    def patches(self, features: Features, middle: Tensor, batch: Batch) -> Tensor:
        """The weighted contrast of patch tokens, by labels of the middle layer's maps."""
        size = features.last.shape[2:]
        small = interpolate(middle, size, mode="bilinear", align_corners=False)
        labels = labels_between(small, batch["present"], self.bounds)
        pairs = pair_labels(inside(labels, self.boxes(batch, size)))
        return self.weights.patches * patch_loss(features.last, pairs)

    def boxes(self, batch: Batch, size: Sequence[int]) -> Tensor:
        """The boxes of images among patches: whole patches alone."""
        boxes: Tensor = batch["box"]
        if self.box_of_patches == "released":
            return boxes
        height, width = (batch["image"].shape[2 + axis] / size[axis] for axis in (0, 1))
        top, bottom, left, right = boxes.double().T
        starts = (top / height).ceil(), (left / width).ceil()
        ends = (bottom / height).floor(), (right / width).floor()
        return torch.stack((starts[0], ends[0], starts[1], ends[1]), 1).long()

    def segmentation(
        self, network: TokenNetwork, features: Features, maps: Tensor, batch: Batch
    ) -> dict[str, Tensor]:
        """The losses of the decoder, by refined labels of the last layer's maps."""
        images, present = batch["image"], batch["present"]
        mean, std = (
            torch.tensor(values, device=images.device) * LEVELS
            for values in (network.backbone.mean, network.backbone.std)
        )
        levels = levels_of(images, mean, std)
        with torch.no_grad():
            labels = refined_labels(
                colours_of(levels),
                maps * present[:, :, None, None],
                present,
                self.bounds,
                self.refine,
            )
        labels = inside(labels, batch["box"])
        logits = interpolate(
            network.decoder(features.last), images.shape[2:], mode="bilinear", align_corners=False
        )
        within = (inside(torch.zeros_like(labels), batch["box"]) == 0).to(images)
        return {
            "loss_seg": self.weights.segmentation * balanced_loss(logits, labels),
            "loss_energy": self.weights.energy * energy_loss(logits, levels, labels, within),
        }
