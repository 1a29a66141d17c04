"""Refinement of the scores of one image: its boundaries, and the walk between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from wsss_harness import ClassScores, PluginError, normalise
from wsss_harness.networks.affinity.walk import propagate
from wsss_irn.paths import walled_affinities

if TYPE_CHECKING:
    from wsss_harness import Image, Map, Sample
    from wsss_irn.network import EdgeNetwork
    from wsss_irn.settings import IrnSettings

Size = tuple[int, int]
Explained = tuple[str, "Map", Size | None]


@dataclass(frozen=True)
class EdgeWalker:
    """Scores after the walk, of a sample or of several samples with images of the same size."""

    network: EdgeNetwork
    settings: IrnSettings

    def __call__(self, sample: Sample, scores: ClassScores) -> ClassScores:
        return self.many([sample], [scores])[0]

    @torch.inference_mode()
    def many(self, samples: Sequence[Sample], scores: Sequence[ClassScores]) -> list[ClassScores]:
        for sample, before in zip(samples, scores, strict=True):
            sample.check_size(before.size, "scores", PluginError)
        edges = boundaries(self.network, [sample.image for sample in samples], self.settings.crop)
        return [self.after(*pair) for pair in zip(scores, edges, strict=True)]

    def after(self, scores: ClassScores, edge: Tensor) -> ClassScores:
        background = np.full(scores.size, self.settings.background, np.float32)
        if not scores.classes:
            return replace(scores, background=background)
        values = torch.from_numpy(scores.values).to(edge.device)
        walked = walk(on_grid(values, self.network.stride), edge, self.settings)
        refined = at_full_size(walked, scores.size, self.network.stride)
        return ClassScores(scores.classes, refined.cpu().numpy(), background)


def boundaries(network: EdgeNetwork, images: Sequence[Image], crop: int) -> Iterator[Tensor]:
    """Probabilities of boundaries (h, w) of images of one size.

    An image and its mirror image are padded with zeros to ``crop`` x ``crop`` pixels as in
    training, because normalisation in groups sees the padding; a larger side to whole squares.
    """
    values = [normalise(image, network.backbone.mean, network.backbone.std) for image in images]
    plain = torch.from_numpy(np.stack(values)).to(next(network.parameters()).device)
    logits = network(padded(torch.cat((plain, plain.flip(-1))), crop, network.coarsest))[:, 0]
    height, width = plain.shape[-2:]
    size = (height - 1) // network.stride + 1, (width - 1) // network.stride + 1
    for pair in zip(*logits.chunk(2), strict=True):
        yield mean_boundary(torch.stack(pair), size)


def padded(maps: Tensor, crop: int, multiple: int) -> Tensor:
    """Pad maps (..., H, W) on the right and below to ``crop``, or else the next ``multiple``."""
    below, right = (max(crop - side, 0) or -side % multiple for side in maps.shape[-2:])
    return pad(maps, (0, right, 0, below))


def mean_boundary(logits: Tensor, size: Size) -> Tensor:
    """(2, h, w) of an image and its mirror image, cropped to ``size``: the sigmoid of their mean.

    jiwoon-ahn/irn, net/resnet50_irn.py: EdgeDisplacement.
    """
    plain, mirrored = logits[:, : size[0], : size[1]]
    return torch.sigmoid((plain + mirrored.flip(-1)) / 2)


def on_grid(values: Tensor, stride: int) -> Tensor:
    """The means of (K, H, W) over squares of ``stride`` pixels, of what lies in the image."""
    return avg_pool2d(values, stride, ceil_mode=True)


def walk(scores: Tensor, edge: Tensor, settings: IrnSettings) -> Tensor:
    """vec(M) <- T^t vec(M * (1 - B)): scores M (K, h, w) and boundaries B (h, w) to (K, h, w).

    Ahn, Cho and Kwak, CVPR 2019, section 5.2; jiwoon-ahn/irn, step/make_sem_seg_labels.py.
    """
    links = walled_affinities(edge, settings.walk_radius)
    steps = settings.steps_on(edge.numel())
    return propagate(scores * (1 - edge), links, settings.walk_radius, settings.beta, steps)


def at_full_size(walked: Tensor, size: Size, stride: int) -> Tensor:
    """(K, h, w) to (K, H, W), divided by the maximum over all classes and pixels."""
    large = interpolate(walked[None], scale_factor=stride, mode="bilinear", align_corners=False)
    cropped = large[0, :, : size[0], : size[1]]
    largest = cropped.max().clamp(min=torch.finfo(cropped.dtype).tiny)  # 0 if all scores are
    return (cropped / largest).clamp(0, 1)


def explainer(
    network: EdgeNetwork, settings: IrnSettings
) -> Callable[[Sample, ClassScores], Sequence[Explained]]:
    """A function that shows the boundaries of an image."""

    @torch.inference_mode()
    def explain(sample: Sample, scores: ClassScores) -> Sequence[Explained]:
        (edge,) = boundaries(network, [sample.image], settings.crop)
        rows, columns = (torch.arange(side) // network.stride for side in scores.size)
        return [("class boundaries", edge.cpu()[rows][:, columns].numpy(), None)]

    return explain
