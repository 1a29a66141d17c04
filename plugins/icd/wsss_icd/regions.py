"""The merged regions of all train images, in files, so that a killed run goes on from them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from wsss_harness.system.pictures import read_regions, write_regions
from wsss_icd.canvas import canvas_of, on_canvas
from wsss_icd.merging import features_of, merged
from wsss_icd.network import tap_of

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_harness import Backbone, Image, Regions, Run, Sample, View

REGIONS = "regions"


def regions_of(sample: Sample) -> Regions:
    """The regions of an image, numbered from 0 without gaps.

    Raises:
        DataError: they have another size than the image.
    """
    regions = sample.regions
    sample.check_size(regions.shape, "regions")
    return np.unique(regions, return_inverse=True)[1].reshape(regions.shape).astype(np.int32)


@dataclass(frozen=True)
class Merger:
    """At most ``keep`` regions of an image, by the features of a backbone before training.

    ``subtract``: whether the backbone sees the image minus its mean colour. The released program
    forgets to.
    """

    backbone: Backbone
    keep: int
    side: int
    subtract: bool

    def __call__(self, sample: Sample) -> Regions:
        regions = regions_of(sample)
        if regions.max() < self.keep:
            return regions
        canvas = canvas_of(sample.image, self.side, self.backbone.stride)
        return merged(regions, features_of(regions, self.dense(sample.image), canvas), self.keep)

    @torch.no_grad()
    def dense(self, image: Image) -> Tensor:
        """(channels, h, w): the features that ICD discriminates, on the canvas."""
        backbone = self.backbone
        canvas = canvas_of(image, self.side, backbone.stride)
        values = on_canvas(image, canvas, backbone.mean, backbone.std, self.subtract)
        device = next(backbone.parameters()).device
        features: Tensor = backbone(values.to(device))[tap_of(backbone)][0]
        return features


@dataclass(frozen=True)
class RegionFiles:
    """The merged regions of an image."""

    folder: Path

    def __call__(self, sample: Sample) -> Regions:
        return read_regions(self.path(sample.image_id), sample.image.shape[:2])

    def path(self, image_id: str) -> Path:
        return self.folder / f"{image_id}.png"


def merged_regions(data: View, merger: Merger, run: Run) -> RegionFiles:
    """Merge the regions of all images that an interrupted run left."""
    files = RegionFiles(run.folder / REGIONS)
    for number, image_id in enumerate(data.ids, 1):
        if not files.path(image_id).is_file():
            write_regions(files.path(image_id), merger(data[image_id]))
        run.progress(number, len(data))
    return files


def remove_regions(run: Run) -> None:
    """Remove the files, which nothing needs after training."""
    shutil.rmtree(run.folder / REGIONS, ignore_errors=True)
