"""What a refiner shows of how it decides, for a few images: named maps, kept for figures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.supervision import Dataset, View, scored_ids
from wsss_harness.contract.types import Map
from wsss_harness.store.stage import Work
from wsss_harness.system import files
from wsss_harness.system.score_files import read_scores

EXAMPLES = 6
EXPLAINED = 3


class Explained(NamedTuple):
    """A map (H, W) in [0, 1] with the words for it, and the pixel (row, column) it is about."""

    name: str
    map: Map
    place: tuple[int, int] | None


def choose(dataset: Dataset) -> list[str]:
    """Scored images for figures: the first that has each class alone, or else at all.

    The choice looks at image labels only, never at how well a method does.
    """
    ids = scored_ids(dataset)
    wanted = [dataset.classes.index(name) + 1 for _, name in dataset.contexts]
    wanted += [k for k in range(1, len(dataset.classes) + 1) if k not in wanted]
    chosen: list[str] = []
    for number in wanted[:EXAMPLES]:
        free = [i for i in ids if number in dataset.present(i) and i not in chosen]
        alone = [i for i in free if dataset.present(i) == (number,)]
        chosen += (alone or free)[:1]
    return chosen


def explain(work: Work, refiner: Any, data: View, ids: Sequence[str], device: str) -> None:
    """Write what the refiner's ``explain`` says of each image: ``<image id>.npz``."""
    shown: Callable[..., Sequence[tuple[Any, ...]]]
    shown = refiner.explain(work.inputs["fit"], device)
    for number, image_id in enumerate(ids, 1):
        sample = data[image_id]
        found = shown(sample, read_scores(work.inputs["scores"] / f"{image_id}.scores"))
        made = [Explained(*one) for one in found]
        for one in made:
            _check(one, sample.image.shape[:2], f"{data.owner}, image {image_id}")
        write(work.folder / f"{image_id}.npz", made)
        work.progress(number, len(ids))


def _check(one: Explained, size: tuple[int, ...], owner: str) -> None:
    low, high = float(one.map.min()), float(one.map.max())
    if one.map.shape != size or not (low >= 0 and high <= 1):
        raise PluginError(
            f"{owner}: explain gave '{one.name}' of {one.map.shape} from {low:g} to {high:g}; "
            f"expected {size} within [0, 1]"
        )


def write(path: Path, explained: Sequence[Explained]) -> None:
    places = [(-1, -1) if one.place is None else one.place for one in explained]
    with files.atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            names=np.array([one.name for one in explained], dtype=np.str_),
            maps=np.array([one.map for one in explained], np.float32),
            places=np.array(places, np.int64),
        )


def read(path: Path) -> list[Explained]:
    """What ``write`` wrote; DataError names a file that cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            parts = (arrays["names"].tolist(), arrays["maps"], arrays["places"].tolist())
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read ({error}); remove its folder, run again") from None
    return [
        Explained(name, map_, None if row < 0 else (row, column))
        for name, map_, (row, column) in zip(*parts, strict=True)
    ]
