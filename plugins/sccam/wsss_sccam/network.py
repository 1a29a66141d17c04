"""The network of SC-CAM: two heads on one feature; and the feature that is clustered."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wsss_harness import Backbone, ClassMaps, ClassMapsShape, Inference, Sample
from wsss_sccam.sub_classes import binarised, joint_maximum, merged


class SubClassMaps(ClassMaps):
    """Maps and logits of C classes, then of their C * ``clusters`` sub-classes.

    Both heads pool the same feature (Juliachang/SC-CAM: network/resnet38_cls.py, fc8_20, fc8_200).
    """

    heads = ("head", "sub_head")

    def __init__(self, backbone: Backbone, classes: int, clusters: int, dropout: float) -> None:
        super().__init__(backbone, classes, "pool_then_head", dropout)
        self.sub_head = nn.Conv2d(backbone.out_channels, classes * clusters, 1, bias=False)
        nn.init.xavier_uniform_(self.sub_head.weight)
        self.channels = classes * (1 + clusters)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.dropout(self.backbone(images)["out"])
        return self.both(features), self.both(features.mean((2, 3), keepdim=True)).flatten(1)

    def both(self, features: Tensor) -> Tensor:
        return torch.cat((self.head(features), self.sub_head(features)), 1)


@dataclass(frozen=True)
class SubClassShape(ClassMapsShape):
    """What rebuilds SubClassMaps; ``channels`` is the number of classes."""

    clusters: int

    def assemble(self, backbone: Backbone) -> SubClassMaps:
        return SubClassMaps(backbone, self.channels, self.clusters, self.dropout)


@dataclass(frozen=True)
class SubClassInference(Inference):
    """Reads the maps of classes, or merges those of sub-classes if ``clusters`` is not 0."""

    clusters: int = 0
    binarise: bool = False

    def channels(self, network: ClassMaps, sample: Sample) -> list[int]:
        if not self.clusters:
            return super().channels(network, sample)
        classes = network.head.out_channels
        starts = [classes + (number - 1) * self.clusters for number in sample.present]
        return [start + sub_class for start in starts for sub_class in range(self.clusters)]

    def normalised(self, total: Tensor) -> Tensor:
        if self.clusters:
            scores = merged(joint_maximum(total, self.clusters), self.clusters)
        else:
            scores = super().normalised(total)
        return binarised(scores) if self.binarise else scores
