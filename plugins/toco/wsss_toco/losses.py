"""One iteration of ToCo and of SeCo: their losses of a batch.

rulixiang/ToCo: scripts/dist_train_voc_seg_neg.py; zwyang6/SeCo: scripts/train_voc.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from wsss_toco.contrast import crop_loss
from wsss_toco.crops import LocalCrops
from wsss_toco.labels import UNCERTAIN, certainty, inside, labels_between
from wsss_toco.tag_losses import prototype_loss, queue_loss
from wsss_toco.tags import Tagger

if TYPE_CHECKING:
    from wsss_harness import Batch
    from wsss_toco.network import SecoNetwork, TocoNetwork
    from wsss_toco.targets import Teaching

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class TocoLoss:
    """``weight``, ``temperature``, ``extra``: of the contrast of crops, see crop_loss.

    The decoder learns after iteration ``segment_after``.
    """

    teaching: Teaching
    crops: LocalCrops
    weight: float
    temperature: float
    extra: bool
    segment_after: int

    def __call__(self, network: TocoNetwork, batch: Batch) -> Losses:
        last, middle = self.teaching.maps(network, batch)
        features = network.features(batch["image"])
        losses = self.teaching.classification(network, features, batch["present"])
        losses["loss_patches"] = self.teaching.patches(features, middle, batch)
        losses["loss_crops"] = self.weight * self.of_crops(network, batch, middle)
        if int(network.iterations) > self.segment_after:
            losses |= self.teaching.segmentation(network, features, last, batch)
        network.iterations += int(network.training)
        return losses

    def of_crops(self, network: TocoNetwork, batch: Batch, middle: Tensor) -> Tensor:
        """Crops that show an object are like the whole image, those of background are not."""
        certain = certainty(middle, batch["present"], self.teaching.bounds)
        parts, flags = [], []
        for image, regions in zip(batch["parts"], certain, strict=True):
            corners = self.crops.corners(regions <= 1, torch.randperm)
            parts.append(self.crops.cut(image, corners))
            flags.append(self.crops.positive(regions, corners))
        views = torch.stack((batch["image"], batch["second"]), 1)
        student, teacher = network.project(views, torch.stack(parts))
        positive = torch.stack(flags)
        whole = positive.new_ones(positive.shape[0], views.shape[1])
        return crop_loss(
            student, teacher, torch.cat((whole, positive), 1), self.temperature, self.extra
        )


@dataclass(frozen=True)
class SecoLoss:
    """``weight``: of both contrasts of tags, which count after iteration ``contrast_after``.

    Prototypes move from ``prototypes_from`` on, the decoder learns after ``segment_after``, and
    regions come from the last layer from ``last_layer_from`` on.
    """

    teaching: Teaching
    crops: LocalCrops
    tagger: Tagger
    weight: float
    prototypes_from: int
    contrast_after: int
    segment_after: int
    last_layer_from: int

    def __call__(self, network: SecoNetwork, batch: Batch) -> Losses:
        iteration = int(network.iterations)
        last, middle = self.teaching.maps(network, batch)
        features = network.features(batch["image"])
        losses = self.teaching.classification(network, features, batch["present"])
        losses["loss_patches"] = self.teaching.patches(features, middle, batch)
        if iteration >= self.prototypes_from:
            network.move_prototypes(features.token, tags_of(batch["present"]))
        keys, prototypes = self.of_tags(
            network, batch, last if iteration >= self.last_layer_from else middle
        )
        if iteration > self.contrast_after:
            losses |= {"loss_keys": self.weight * keys, "loss_prototypes": self.weight * prototypes}
        if iteration > self.segment_after:
            losses |= self.teaching.segmentation(network, features, last, batch)
        network.iterations += int(network.training)
        return losses

    def of_tags(self, network: SecoNetwork, batch: Batch, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The contrasts of crops with remembered keys and with prototypes."""
        regions = labels_between(maps, batch["present"], self.teaching.bounds, UNCERTAIN)
        regions = inside(regions, batch["box"])
        places = [self.crops.corners(r == UNCERTAIN, torch.randperm) for r in regions]
        views = torch.stack((batch["image"], batch["second"]), 1)
        tags = [self.tags(*pair, views.shape[1]) for pair in zip(regions, places, strict=True)]
        queries, keys = (
            torch.stack([self.crops.cut(*pair) for pair in zip(batch[name], places, strict=True)])
            for name in ("image", "parts")
        )
        all_tags = torch.stack(tags)
        projected, kept, kept_tags = network.remember(views, queries, keys, all_tags)
        loss, revised = queue_loss(projected, all_tags.flatten(), kept, kept_tags)
        return loss, prototype_loss(projected, revised, network.prototypes)

    def tags(self, regions: Tensor, corners: Tensor, views: int) -> Tensor:
        """(views + count,) tags of the whole image, for each look at it, and of its crops."""
        whole = torch.full((views,), self.tagger.of_image(regions), device=regions.device)
        return torch.cat((whole, self.tagger.of_crops(regions, self.crops, corners)))


def tags_of(present: Tensor) -> Tensor:
    """(B,) the class 1..C of images with exactly one, else -1."""
    return (present.argmax(1) + 1).where(present.sum(1) == 1, -1)
