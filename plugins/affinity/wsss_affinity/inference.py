"""Refinement of the scores of one image by AffinityNet and the random walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from wsss_affinity.affinities import affinity_maps
from wsss_harness import ClassScores, PluginError, normalise
from wsss_harness.networks.affinity.neighbours import half_plane
from wsss_harness.networks.affinity.walk import propagate

if TYPE_CHECKING:
    from wsss_affinity.network import AffinityFeatures
    from wsss_affinity.settings import AffinitySettings
    from wsss_harness import Image, Map, Sample


@dataclass(frozen=True)
class Walker:
    """Scores after the walk, of a sample or of several samples with images of the same size."""

    network: AffinityFeatures
    settings: AffinitySettings

    def __call__(self, sample: Sample, scores: ClassScores) -> ClassScores:
        return self.many([sample], [scores])[0]

    @torch.inference_mode()
    def many(self, samples: Sequence[Sample], scores: Sequence[ClassScores]) -> list[ClassScores]:
        pairs = list(zip(samples, scores, strict=True))
        for sample, before in pairs:
            sample.check_size(before.size, "scores", PluginError)
        all_links = image_links(self.network, [sample.image for sample in samples], self.settings)
        return [self.after(*pair, links) for pair, links in zip(pairs, all_links, strict=True)]

    def after(self, sample: Sample, scores: ClassScores, links: Tensor) -> ClassScores:
        stack = torch.from_numpy(self.settings.walking.stack(scores, sample.image_id))
        walked = walk(stack.to(links.device), links, self.network.stride, self.settings)
        values = walked.cpu().numpy()
        return ClassScores(scores.classes, values[1:], values[0])


def image_links(
    network: AffinityFeatures, images: Sequence[Image], settings: AffinitySettings
) -> Iterator[Tensor]:
    """Affinities (P, h, w) of images of one size, padded with zeros to a whole grid."""
    values = [normalise(image, network.backbone.mean, network.backbone.std) for image in images]
    device = next(network.parameters()).device
    stack = padded(torch.from_numpy(np.stack(values)), network.stride).to(device)
    for features in network(stack):
        yield affinity_maps(features, settings.radius, settings.norm, settings.border)


def padded(maps: Tensor, stride: int) -> Tensor:
    """Pad maps (..., H, W) with zeros on the right and below to multiples of ``stride``."""
    height, width = maps.shape[-2:]
    return pad(maps, (0, -width % stride, 0, -height % stride))


def walk(stack: Tensor, links: Tensor, stride: int, settings: AffinitySettings) -> Tensor:
    """Walk ``stack`` (K + 1, H, W) on the grid of ``links`` (P, h, w); (K + 1, H, W) again.

    jiwoon-ahn/psa, infer_aff.py: zeros outside of the image, means of squares, bilinear.
    """
    height, width = stack.shape[1:]
    full = padded(stack, stride)
    small = avg_pool2d(full, stride)
    steps = settings.steps_on(small.shape[1] * small.shape[2])
    walked = propagate(small, links, settings.radius, settings.beta, steps)
    size = (full.shape[1], full.shape[2])
    large = interpolate(walked[None], size, mode="bilinear", align_corners=False)[0]
    return large[:, :height, :width].clamp(0, 1)


Explained = tuple[str, "Map", tuple[int, int]]


def explainer(
    network: AffinityFeatures, settings: AffinitySettings
) -> Callable[[Sample, ClassScores], Sequence[Explained]]:
    """A function that shows the affinities of one node, which decide where its score walks."""

    @torch.inference_mode()
    def explain(sample: Sample, scores: ClassScores) -> Sequence[Explained]:
        (links,) = image_links(network, [sample.image], settings)
        # Row and column of the largest score of any class; the first pixel if there is no class.
        largest = int(scores.values.max(0, initial=0).argmax())
        place = divmod(largest, scores.size[1])
        node = place[0] // network.stride, place[1] // network.stride
        neighbours = around(links, settings.radius, node)[None, None]
        size = (neighbours.shape[2] * network.stride, neighbours.shape[3] * network.stride)
        height, width = scores.size
        large = interpolate(neighbours, size, mode="nearest")[0, 0, :height, :width]
        return [("affinity to the marked pixel", large.cpu().numpy(), place)]

    return explain


def around(links: Tensor, radius: int, node: tuple[int, int]) -> Tensor:
    """The affinities (h, w) of one node to its neighbours, 1 to itself, 0 where not linked."""
    row, column = node
    affinities = torch.zeros_like(links[0])
    affinities[row, column] = 1
    for link, (dy, dx) in zip(links, half_plane(radius), strict=True):
        for (y, x), source in (((row + dy, column + dx), node), ((row - dy, column - dx), None)):
            if 0 <= y < affinities.shape[0] and 0 <= x < affinities.shape[1]:
                affinities[y, x] = link[source or (y, x)]
    return affinities
