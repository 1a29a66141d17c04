"""Maps of one image from several scales and both orientations.

jiwoon-ahn/psa (infer_cls.py), halbielee/EPS (infer.py) and YudeWang/SEAM (infer_SEAM.py): the maps
are resized to the image, those of mirrored pictures mirrored back, and summed; each class is then
scaled by its own largest (and, for SEAM, smallest) value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from wsss_harness.classmaps.augment import normalise
from wsss_harness.classmaps.network import ClassMaps
from wsss_harness.types import ClassScores, Image, Sample

EPSILON = 1e-5


def relu(logits: Tensor) -> Tensor:
    """Evidence for a class, nothing against it (CAM)."""
    return logits.relu()


def softmax(logits: Tensor) -> Tensor:
    """Shares of the channels, made before resizing (EPS)."""
    return logits.softmax(1)


Read = Callable[[ClassMaps, Tensor, Sequence[int]], Tensor]
"""(network, images, channels) -> maps (B, all channels, h, w), of which ``channels`` count."""


def logits(network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
    """What the head gives."""
    maps: Tensor = network(images)[0]
    return maps


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"relu": relu, "softmax": softmax}


def divide_by_maximum(total: Tensor) -> Tensor:
    """(K, H, W) non-negative sums to [0, 1) by each map's maximum, as in psa, EPS and IRN."""
    return total / (total.amax((1, 2), keepdim=True) + EPSILON)


def stretch(total: Tensor) -> Tensor:
    """(K, H, W) sums stretched from each map's minimum to its maximum, as in SEAM.

    The released code sets what is at the minimum to 0 and then subtracts the minimum from it as
    well, so that it becomes negative; this is kept.
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
    """The sum over ``maps`` of their ``channels`` at ``size``, (K, H, W).

    Each of ``maps`` is a pair (2, channels, h, w) of one scale: the picture and its mirror image.
    The present classes are chosen first, which equals multiplying by image labels.
    """
    chosen = torch.as_tensor(channels, dtype=torch.long, device=maps[0].device)
    total = torch.zeros((len(channels), *size), dtype=maps[0].dtype, device=maps[0].device)
    for pair in maps:
        if len(channels):
            total += merge_pair(pair[:, chosen], size)
    return total


def merge_pair(pair: Tensor, size: tuple[int, int]) -> Tensor:
    resized: Tensor = F.interpolate(pair, size, mode="bilinear", align_corners=False)
    return resized[0] + resized[1].flip(-1)


def scaled(image: Image, scale: float) -> Image:
    """The image at a scale: bicubic, sides by Python's round, as released."""
    height, width = image.shape[:2]
    size = (round(width * scale), round(height * scale))
    picture = PillowImage.fromarray(image)
    return np.asarray(picture.resize(size, PillowImage.Resampling.BICUBIC))


@dataclass(frozen=True)
class Inference:
    """How a network's maps become scores.

    ``activation`` and ``normalise`` name functions above; ``read`` gets the maps out of a network.
    ``background`` is ``ignored`` or, where the last channel is the background, ``explicit``: it is
    then merged and normalised like a class.
    """

    scales: tuple[float, ...]
    activation: str
    normalise: str = "max"
    background: str = "ignored"
    read: Read = logits

    def scores(self, network: ClassMaps, sample: Sample) -> ClassScores:
        """Scores of the classes present in ``sample``, clipped to [0, 1]; reads image labels."""
        channels = [index - 1 for index in sample.present]
        explicit = self.background == "explicit"
        if explicit:
            channels.append(network.channels - 1)
        maps = [self.maps(network, sample.image, scale, channels) for scale in self.scales]
        total = merge(maps, channels, sample.image.shape[:2])
        values = NORMALISATIONS[self.normalise](total).clamp(0, 1).cpu().numpy()
        if explicit:
            return ClassScores(sample.present, values[:-1], values[-1])
        return ClassScores(sample.present, values)

    def maps(
        self, network: ClassMaps, image: Image, scale: float, channels: Sequence[int]
    ) -> Tensor:
        """Activated maps of the image at one scale and of its mirror image, (2, K, h, w)."""
        values = normalise(scaled(image, scale), network.mean, network.std)
        plain = torch.from_numpy(values).to(network.device)
        maps = self.read(network, torch.stack((plain, plain.flip(-1))), channels)
        return ACTIVATIONS[self.activation](maps)


def scorer(network: ClassMaps, settings: Inference) -> Callable[[Sample], ClassScores]:
    """A function from samples to scores; the network is put into eval mode."""
    network.eval()

    @torch.no_grad()  # not inference mode, since a reader may ask for gradients
    def score(sample: Sample) -> ClassScores:
        return settings.scores(network, sample)

    return score
