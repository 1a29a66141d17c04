"""RailScenes and its icons as datasets: drawn once, then read from disk like any other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.datasets.railscenes import layout
from wsss_harness.datasets.railscenes.cast import CLASSES
from wsss_harness.datasets.railscenes.compose import scene
from wsss_harness.datasets.railscenes.grounds import CONTEXTS
from wsss_harness.datasets.railscenes.icons import ICON_CLASSES, icon
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.files import read_json, write_json
from wsss_harness.hookspecs import Run
from wsss_harness.supervision import Dataset

HOMES = ("sky", "branch", "water", "table", "road", "sofa", "meadow", "rails")
PAIRS = tuple(zip(HOMES, CLASSES, strict=True))
JOURNAL = 50  # pictures between two notes of what was drawn


@dataclass(frozen=True)
class RailScenes:
    """Drawn scenes with image labels, truth, context maps and simulated saliency."""

    train: int = 1000
    val: int = 200
    width: int = 128
    height: int = 96
    seed: int = 0
    border: int = 1

    def prepare(self, run: Run) -> None:
        splits = _splits(self.train, self.val)
        ids = [image_id for split in splits.values() for image_id in split]
        present = _draw(run, ids, self._write)
        write_json(
            run.folder / "contexts.json",
            {"names": list(CONTEXTS), "pairs": [list(pair) for pair in PAIRS]},
        )
        layout.write_lists(run.folder, splits, CLASSES, present)

    def _write(self, root: Path, image_id: str) -> list[str]:
        drawn = scene(self.seed, _index(image_id), self.width, self.height, self.border)
        layout.write_maps(root, image_id, drawn.truth, drawn.context, drawn.saliency)
        layout.write_picture(root, image_id, drawn.image)
        return [CLASSES[number - 1] for number in drawn.present]

    def open(self, folder: Path) -> Dataset:
        return VocFolder(root=str(folder)).open(folder)


@dataclass(frozen=True)
class Icons:
    """Single drawn things on random grounds with image labels only: a stand-in for ImageNet."""

    train: int = 3000
    val: int = 300
    width: int = 64
    height: int = 64
    seed: int = 0

    def prepare(self, run: Run) -> None:
        splits = _splits(self.train, self.val)
        ids = [image_id for split in splits.values() for image_id in split]
        layout.write_lists(run.folder, splits, ICON_CLASSES, _draw(run, ids, self._write))

    def _write(self, root: Path, image_id: str) -> list[str]:
        image, name = icon(self.seed, _index(image_id), self.width, self.height)
        layout.write_picture(root, image_id, image)
        return [name]

    def open(self, folder: Path) -> Dataset:
        return VocFolder(root=str(folder)).open(folder)


def _splits(train: int, val: int) -> dict[str, list[str]]:
    """Ids are their own indices, so the train split does not change with its neighbour's size."""
    return {
        "train": [f"train_{index:05d}" for index in range(train)],
        "val": [f"val_{index:05d}" for index in range(val)],
    }


def _index(image_id: str) -> int:
    """Even indices are drawn for train, odd ones for val."""
    split, number = image_id.split("_")
    return 2 * int(number) + (split == "val")


def _draw(run: Run, ids: list[str], write: Any) -> dict[str, list[str]]:
    """Write the pictures that are not there yet; {image id: names of its classes}."""
    journal = run.folder / "drawn.json"
    present: dict[str, list[str]] = read_json(journal) if journal.is_file() else {}
    for done, image_id in enumerate(ids, 1):
        if image_id not in present:
            present[image_id] = write(run.folder, image_id)
        if done % JOURNAL == 0 or done == len(ids):
            write_json(journal, present)
            run.progress(done, len(ids))
    return present
