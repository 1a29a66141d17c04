"""How a refiner decides, for a few images: named maps, kept for figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.contract.types import Map
from wsss_harness.plugins.loading import files_for
from wsss_harness.stages.arrays import reader_of
from wsss_harness.stages.products import device
from wsss_harness.stages.stage_data import StageView
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.work import Work
from wsss_harness.system import files

EXAMPLES = 6
EXPLAINED = 3


class Explained(NamedTuple):
    """A map, (H, W) in [0, 1], its caption, and the pixel (row, column) that it explains."""

    name: str
    map: Map
    place: tuple[int, int] | None


def choose(dataset: Dataset) -> list[str]:
    """Scored images for figures: for each class the first image with it alone, or else with it.

    The choice reads image labels only, never the quality of a method.
    """
    ids = scored_ids(dataset)
    wanted = [dataset.classes.index(name) + 1 for _, name in dataset.contexts]
    wanted += [k for k in range(1, len(dataset.classes) + 1) if k not in wanted]
    chosen: list[str] = []
    for number in wanted[:EXAMPLES]:
        candidates = [i for i in ids if number in dataset.present(i) and i not in chosen]
        alone = [i for i in candidates if dataset.present(i) == (number,)]
        chosen += (alone or candidates)[:1]
    return chosen


@dataclass(frozen=True)
class ExplainRefiner:
    """Writes what a refiner's ``explain`` shows of a few images: ``<image id>.npz``."""

    refiner: Any
    view: StageView
    files: StageFiles = field(default_factory=StageFiles)
    wants: tuple[str, ...] = ()

    def __call__(self, work: Work) -> None:
        ids = choose(self.view.data.open(work))[:EXPLAINED]
        view, scores = self.view.open(work), reader_of(work, self.wants)
        explain: Callable[..., Sequence[tuple[Any, ...]]]
        wanted = files_for(self.refiner, self.files.open(work, view.owner))
        explain = self.refiner.explain(work.inputs["fit"], device(), **wanted)
        for number, image_id in enumerate(ids, 1):
            sample = view[image_id]
            explained = [Explained(*parts) for parts in explain(sample, scores(image_id))]
            for shown in explained:
                _check(shown, sample.image.shape[:2], f"{view.owner}, image {image_id}")
            write(work.folder / f"{image_id}.npz", explained)
            work.progress(number, len(ids))


def _check(explained: Explained, size: tuple[int, ...], owner: str) -> None:
    low, high = float(explained.map.min()), float(explained.map.max())
    if explained.map.shape != size or not (low >= 0 and high <= 1):
        raise PluginError(
            f"{owner}: explain gave '{explained.name}' of {explained.map.shape} from {low:g} to "
            f"{high:g}; expected {size} within [0, 1]"
        )


def write(path: Path, explained: Sequence[Explained]) -> None:
    places = [(-1, -1) if shown.place is None else shown.place for shown in explained]
    with files.atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            names=np.array([shown.name for shown in explained], dtype=np.str_),
            maps=np.array([shown.map for shown in explained], np.float32),
            places=np.array(places, np.int64),
        )


def read(path: Path) -> list[Explained]:
    """The maps in a file of ``write``; DataError names a file that cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            parts = (arrays["names"].tolist(), arrays["maps"], arrays["places"].tolist())
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read ({error}); remove its folder, run again") from None
    return [
        Explained(name, map_, None if row < 0 else (row, column))
        for name, map_, (row, column) in zip(*parts, strict=True)
    ]
