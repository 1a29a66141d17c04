"""A plugin of four kinds that imports from the module paths of the first release."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from wsss_harness.classmaps.generator import ClassMapGenerator
from wsss_harness.classmaps.settings import ClassifierSettings
from wsss_harness.errors import ConfigError, PluginError
from wsss_harness.files import write_json, write_mask, write_text
from wsss_harness.hookspecs import Metric, Run, hookimpl
from wsss_harness.settings import TrainingSettings
from wsss_harness.supervision import Dataset, View
from wsss_harness.types import BACKGROUND, IGNORE, ClassScores, Image, Mask, Sample

from wsss_harness.datasets.voc_folder import VocFolder

if TYPE_CHECKING:
    from wsss_harness.training import Batch, Loss

wsss_contract = 1
ANNOTATIONS = (ClassifierSettings, Dataset, Image, Mask, TrainingSettings)


@dataclass(frozen=True)
class Squares:
    """A red square in the middle of ``train`` and ``val`` images, in VOC layout."""

    quick: ClassVar[dict[str, Any]] = {"train": 4, "val": 2}

    train: int = 4
    val: int = 2

    def prepare(self, run: Run):
        from PIL import Image as PillowImage

        truth = np.zeros((24, 24), np.uint8)
        truth[6:18, 6:18] = 1
        labels = {}
        for split, count in (("train", self.train), ("val", self.val)):
            ids = [f"{split}_{number}" for number in range(count)]
            write_text(run.folder / f"ImageSets/Segmentation/{split}.txt", "\n".join(ids))
            for number, image_id in enumerate(ids):
                (run.folder / "JPEGImages").mkdir(exist_ok=True)
                image = np.full((24, 24, 3), 10 * number, np.uint8)
                image[truth == 1, 0] = 250
                path = run.folder / "JPEGImages" / f"{image_id}.jpg"
                PillowImage.fromarray(image).save(path)
                write_mask(run.folder / "SegmentationClass" / f"{image_id}.png", truth)
                labels[image_id] = ["square"]
        write_json(run.folder / "image_labels.json", {"classes": ["square"], "labels": labels})

    def open(self, folder):
        return VocFolder(root=str(folder)).open(folder)


@dataclass(frozen=True)
class OldRedness:
    """Scores every present class by how red a pixel is, times ``value``."""

    paper: ClassVar[str] = "a test of wsss-bench"
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})

    value: float = 1.0

    def fit(self, data: View, run: Run):
        if self.value > 1:
            raise ConfigError("value is above 1")
        assert not isinstance(self, ClassMapGenerator)
        write_text(run.folder / "value.txt", str(self.value))

    def load(self, folder, device):
        value = float((folder / "value.txt").read_text())

        def score(sample: Sample) -> ClassScores:
            red = value * sample.image[..., 0].astype(np.float32) / 255
            shape = (len(sample.present), *red.shape)
            return ClassScores(sample.present, np.broadcast_to(red, shape).copy())

        return score


@dataclass(frozen=True)
class OldSquare:
    """The square of each score."""

    paper: ClassVar[str] = "a test of wsss-bench"
    needs: ClassVar[frozenset[str]] = frozenset()

    def fit(self, data: View, scores, run: Run):
        if len(data) == 0:
            raise PluginError("no images")

    def load(self, folder, device):
        return lambda sample, scores: ClassScores(scores.classes, scores.values**2)


def loss(network, batch: "Batch") -> "Loss": ...


def count(truth, mask, classes, context):
    known = truth != IGNORE
    return np.array([(known & (truth == mask)).sum(), (known & (truth != BACKGROUND)).sum()])


def read(counts, names, contexts):
    return {"old_equal": int(counts[0])}


@hookimpl
def wsss_datasets():
    return {"old_squares": Squares}


@hookimpl
def wsss_generators():
    return {"old_redness": OldRedness}


@hookimpl
def wsss_refiners():
    return {"old_square": OldSquare}


@hookimpl
def wsss_metrics():
    return {"old_equal": Metric(count, read)}
