"""Maps of one image from several scales and both orientations.

jiwoon-ahn/psa (infer_cls.py), halbielee/EPS (infer.py) and YudeWang/SEAM (infer_SEAM.py): the maps
are resized to the image, those of mirrored pictures mirrored back, and summed; each class is then
scaled by its own largest (and, for SEAM, smallest) value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from wsss_harness.contract.types import ClassScores, Image, Sample
from wsss_harness.networks.classmaps.augment import normalise
from wsss_harness.networks.classmaps.network import ClassMaps

EPSILON = 1e-5


MapReader = Callable[[ClassMaps, Tensor, Sequence[int]], Tensor]
"""(network, images, channels) -> maps (B, all channels, h, w); only ``channels`` are used."""


def logits(network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
    """The maps of the head, (B, channels, h, w)."""
    maps: Tensor = network(images)[0]
    return maps


# Before resizing: relu drops the evidence against a class (CAM), softmax is over channels (EPS).
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "softmax": partial(torch.softmax, dim=1),
}


def divide_by_maximum(total: Tensor) -> Tensor:
    """(K, H, W) non-negative sums to [0, 1) by each map's maximum, as in psa, EPS and IRN."""
    return total / (total.amax((1, 2), keepdim=True) + EPSILON)


def stretch(total: Tensor) -> Tensor:
    """(K, H, W) sums stretched from each map's minimum to its maximum, as in SEAM.

    The released code sets values at the minimum to 0 and then subtracts the minimum from them too,
    which makes them negative; this is kept.
    """
    total = total.relu()
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    above = torch.where(total < low + EPSILON, 0, total)
    return (above - low - EPSILON) / (high - low + EPSILON)


NORMALISATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "max": divide_by_maximum,
    "min_max": stretch,
}


def merge(maps: Sequence[Tensor], channels: Sequence[int], size: tuple[int, int]) -> Tensor:
    """Sum the K ``channels`` of all ``maps``, resized to ``size``: (K, H, W).

    Each of ``maps`` is a pair (2, channels, h, w) of one scale: the image and its mirror image.
    Selecting the present classes first equals multiplying by image labels.
    """
    indices = torch.as_tensor(channels, dtype=torch.long, device=maps[0].device)
    total = torch.zeros((len(channels), *size), dtype=maps[0].dtype, device=maps[0].device)
    for pair in maps if len(channels) else ():
        resized = F.interpolate(pair[:, indices], size, mode="bilinear", align_corners=False)
        total += resized[0] + resized[1].flip(-1)
    return total


def scaled(image: Image, scale: float) -> Image:
    """Resize an image by bicubic interpolation, with sides from Python's round, as released."""
    height, width = image.shape[:2]
    size = (round(width * scale), round(height * scale))
    picture = PillowImage.fromarray(image)
    return np.asarray(picture.resize(size, PillowImage.Resampling.BICUBIC))


@dataclass(frozen=True)
class Inference:
    """How a network's maps become scores.

    ``activation`` names an entry of ACTIVATIONS, ``normalise`` one of NORMALISATIONS; ``read``
    returns the maps of a network. ``background`` is ``ignored`` or, if the last channel is the
    background, ``explicit``: it is then merged and normalised like a class.
    """

    scales: tuple[float, ...]
    activation: str
    normalise: str = "max"
    background: str = "ignored"
    read: MapReader = logits

    def scores(self, network: ClassMaps, samples: Sequence[Sample]) -> list[ClassScores]:
        """Scores in [0, 1] of the classes present in each sample; reads image labels.

        All images must have the same size.
        """
        wanted = [self.channels(network, sample) for sample in samples]
        channels = sorted({channel for sample_channels in wanted for channel in sample_channels})
        images = [sample.image for sample in samples]
        maps = [self.maps(network, images, scale, channels) for scale in self.scales]
        return [
            self.merge([pairs[index :: len(samples)] for pairs in maps], sample, sample_channels)
            for index, (sample, sample_channels) in enumerate(zip(samples, wanted, strict=True))
        ]

    def channels(self, network: ClassMaps, sample: Sample) -> list[int]:
        """The channels of the network that a sample's scores come from."""
        last = [network.channels - 1] if self.background == "explicit" else []
        return [index - 1 for index in sample.present] + last

    def merge(self, maps: Sequence[Tensor], sample: Sample, channels: Sequence[int]) -> ClassScores:
        total = self.total(maps, channels, sample.image.shape[:2])
        values = self.normalised(total).clamp(0, 1).cpu().numpy()
        if self.background == "explicit":
            return ClassScores(sample.present, values[:-1], values[-1])
        return ClassScores(sample.present, values)

    def total(
        self, maps: Sequence[Tensor], channels: Sequence[int], size: tuple[int, int]
    ) -> Tensor:
        """The sum of ``maps``, see ``merge``, at ``size``: (K, H, W)."""
        return merge(maps, channels, size)

    def normalised(self, total: Tensor) -> Tensor:
        """(K, H, W) sums as scores."""
        return NORMALISATIONS[self.normalise](total)

    def maps(
        self, network: ClassMaps, images: Sequence[Image], scale: float, channels: Sequence[int]
    ) -> Tensor:
        """Activated maps of B images at one scale, then of their mirror images, (2 B, K, h, w)."""
        values = [normalise(scaled(image, scale), network.mean, network.std) for image in images]
        plain = torch.from_numpy(np.stack(values)).to(network.device)
        maps = self.read(network, torch.cat((plain, plain.flip(-1))), channels)
        return ACTIVATIONS[self.activation](maps)


@dataclass(frozen=True)
class Scorer:
    """Scores of a sample, or of several samples whose images have the same size."""

    network: ClassMaps
    settings: Inference

    def __call__(self, sample: Sample) -> ClassScores:
        return self.many([sample])[0]

    @torch.no_grad()  # not inference mode: a MapReader may enable gradients
    def many(self, samples: Sequence[Sample]) -> list[ClassScores]:
        return self.settings.scores(self.network, samples)
