"""Training items of AffinityNet: crops of images with the scores that its labels come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from wsss_affinity.backgrounds import Background, Stacks
from wsss_harness import ClassScores, Cropping
from wsss_harness.networks.classmaps.augment import draw_jitter, draw_window, place
from wsss_harness.networks.crf import Maps
from wsss_harness.system.score_files import read_scores, write_scores

if TYPE_CHECKING:
    from wsss_harness import View

Item = dict[str, Maps]


@dataclass(frozen=True)
class CachedStacks:
    """The stacks of an image by its id, each made once and stored in a folder."""

    folder: Path
    make: Callable[[str], Stacks]

    def __call__(self, image_id: str) -> Stacks:
        careful, eager = self.paths(image_id)
        return read_stack(careful), read_stack(eager)

    def store(self, image_id: str) -> None:
        paths = self.paths(image_id)
        if all(path.is_file() for path in paths):
            return
        for path, stack in zip(paths, self.make(image_id), strict=True):
            numbers = tuple(range(1, len(stack)))
            write_scores(path, ClassScores(numbers, stack[1:], stack[0]))

    def paths(self, image_id: str) -> tuple[Path, Path]:
        return self.folder / f"{image_id}.careful", self.folder / f"{image_id}.eager"


def read_stack(path: Path) -> Maps:
    return Background(kind="explicit").stack(read_scores(path), path.stem)


def item_maker(
    data: View, stacks: Callable[[str], Stacks], channels: int, settings: Cropping
) -> Callable[[str, np.random.Generator], Item]:
    """Items {"image", "careful", "eager"}: a crop at the image's own size, mirrored or not.

    Stacks are padded with zeros to ``channels``, and outside the image (jiwoon-ahn/psa,
    train_aff.py: VOC12AffDataset).
    """

    def make(image_id: str, rng: np.random.Generator) -> Item:
        image = data[image_id].image
        step = -1 if rng.random() < settings.flip else 1
        columns, rows = (draw_window(side, settings.crop, rng) for side in image.shape[1::-1])
        picture = PillowImage.fromarray(np.ascontiguousarray(image[:, ::step]))
        values = settings.changed(picture, draw_jitter(settings.jitter, rng))
        item = {"image": settings.placed(values, rows, columns)}
        for name, stack in zip(("careful", "eager"), stacks(image_id), strict=True):
            cropped_stack = np.zeros((channels, settings.crop, settings.crop), np.float32)
            place(stack[:, :, ::step], rows, columns, cropped_stack[: len(stack)])
            item[name] = cropped_stack
        return item

    return make
