"""Superpixels: regions of similar colour, found in the image alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.options import wrong_value
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import Image, Regions
from wsss_harness.stages.products import in_parallel
from wsss_harness.stages.stage_data import REGION_MAP, StageView
from wsss_harness.store.work import Work
from wsss_harness.system import pictures


@dataclass(frozen=True)
class Superpixels:
    """Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004.

    ``scale``: larger ones make larger regions. ``sigma``: the width of the blur before, in pixels.
    ``min_size``: smaller regions are joined to a neighbour, in pixels. Defaults are those of
    js-fan/ICD: generate_superpixel.py.

    Raises:
        ConfigError: an option is out of range.
    """

    scale: float = 75.0
    sigma: float = 0.8
    min_size: int = 75

    def __post_init__(self) -> None:
        for name in ("scale", "sigma", "min_size"):
            if getattr(self, name) <= 0:
                raise wrong_value("superpixels", name, getattr(self, name), "a number above 0")

    def of(self, image: Image) -> Regions:
        """The superpixels of an image: (H, W) int32, numbered from 0 without gaps."""
        try:
            from skimage.segmentation import felzenszwalb
        except ImportError:
            raise ConfigError(
                "superpixels need scikit-image; install it with pip install 'wsss-bench[regions]'"
            ) from None
        find: Any = felzenszwalb
        numbers = find(image, scale=self.scale, sigma=self.sigma, min_size=self.min_size)
        return np.unique(numbers, return_inverse=True)[1].reshape(numbers.shape).astype(np.int32)


@dataclass(frozen=True)
class WriteSuperpixels:
    """Writes the superpixels of every image of a view, on all cores."""

    superpixels: Superpixels
    view: StageView

    def __call__(self, work: Work) -> None:
        view = self.view.open(work)
        start = partial(writer, self.superpixels, view, work.folder)
        in_parallel(work, view.ids, REGION_MAP, start)


def writer(superpixels: Superpixels, view: View, folder: Path) -> Callable[[str], None]:
    """A function that writes the superpixels of one image."""

    def write(image_id: str) -> None:
        regions = superpixels.of(view[image_id].image)
        pictures.write_regions(folder / f"{image_id}{REGION_MAP}", regions)

    return write
