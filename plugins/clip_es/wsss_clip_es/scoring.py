"""Scores of an image from CLIP: Grad-CAM, spread by attention.

linyq2117/CLIP-ES: generate_cams_voc12.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torch import Tensor

from wsss_clip_es.affinity import box_mask, boxes_of, spread, symmetric_affinity
from wsss_clip_es.gradcam import BeforeLast, GradCams, before_last, grad_cams
from wsss_clip_es.maps import stretched
from wsss_harness import ClassScores

if TYPE_CHECKING:
    from wsss_harness import Image, Sample
    from wsss_harness.networks.backbones.vit import ViT

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Spreading:
    """``threshold``: of the boxes around maps; see affinity.boxes_of, affinity.box_mask."""

    threshold: float
    largest: bool
    whole: bool

    def __call__(self, seen: BeforeLast, cams: GradCams, maps: Tensor) -> Tensor:
        """Maps (K, h, w) spread inside of their boxes, before scaling."""
        affinity = symmetric_affinity((*seen.attention, cams.attention))
        masks = [
            box_mask(boxes_of(scores, self.threshold, self.largest), seen.grid, self.whole)
            for scores in maps.cpu().numpy()
        ]
        pairs = zip(maps, torch.from_numpy(np.stack(masks)).to(maps), strict=True)
        return torch.stack([spread(affinity, scores, mask) for scores, mask in pairs])


@dataclass(frozen=True)
class ClipScorer:
    """``classes`` (C, E) and ``background`` (B, E): features of texts."""

    backbone: ViT
    classes: Tensor
    background: Tensor
    spreading: Spreading | None

    def __call__(self, sample: Sample) -> ClassScores:
        size = (sample.image.shape[0], sample.image.shape[1])
        if not sample.present:
            return ClassScores((), np.zeros((0, *size), np.float32))
        image = prepared(sample.image, self.backbone).to(self.classes.device)
        maps = self.maps(image, sample.present)
        return ClassScores(sample.present, at_size(maps.cpu().numpy(), size))

    def maps(self, image: Tensor, present: tuple[int, ...]) -> Tensor:
        """(K, h, w) from 0 to 1."""
        seen = before_last(self.backbone, image)
        texts = torch.cat((self.classes[[number - 1 for number in present]], self.background))
        cams = grad_cams(self.backbone, seen, texts, len(present))
        maps = stretched(stretched(cams.maps))
        if self.spreading is None:
            return maps
        return stretched(self.spreading(seen, cams, maps))


def prepared(image: Image, backbone: ViT) -> Tensor:
    """(1, 3, H, W): normalised, at the next size that is whole patches; bicubic, antialiased.

    The arithmetic is the released one: attention may amplify a rounding error a thousand times.
    """
    step = backbone.stride
    height, width = (-(-side // step) * step for side in image.shape[:2])
    resized = PillowImage.fromarray(image).resize((width, height), PillowImage.Resampling.BICUBIC)
    levels = torch.from_numpy(np.array(resized)).permute(2, 0, 1) / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (backbone.mean, backbone.std))
    return ((levels - mean) / std)[None]


def at_size(maps: Maps, size: tuple[int, int]) -> Maps:
    """(K, h, w) resized linearly to (K, H, W), rounded to 16 bits as released."""
    large = [cv2.resize(m, size[::-1], interpolation=cv2.INTER_LINEAR) for m in maps]
    return np.stack(large).astype(np.float16).astype(np.float32)
