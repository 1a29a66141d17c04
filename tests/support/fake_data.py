"""A dataset in memory: twelve images of 32 x 24 pixels, two classes, drawn from a seed.

Class 1 is a red square and stands on a green strip (its context), class 2 a blue disc. Every
third image has both, no image has none.
"""

from functools import cached_property

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Ledger, View
from wsss_harness.contract.types import ClassScores

HEIGHT, WIDTH = 24, 32
COLOURS = {1: (200, 40, 30), 2: (30, 60, 210)}
GROUND, STRIP = (120, 120, 110), (40, 150, 60)


class FakeDataset:
    """Implements the protocol `Dataset`; the first two thirds of the ids are train."""

    classes = ("square", "disc")
    contexts = (("strip", "square"),)
    supervision = frozenset({IMAGE_LABELS, SALIENCY})

    def __init__(self, count=12, seed=0):
        self.count, self.seed = count, seed

    @cached_property
    def names(self):
        return tuple(f"image_{i:03d}" for i in range(self.count))

    def ids(self, split):
        train = self.count * 2 // 3
        splits = {"train": self.names[:train], "val": self.names[train:], "all": self.names}
        if split not in splits:
            raise DataError(f"no split named '{split}'")
        return splits[split]

    def present(self, image_id):
        return ((1, 2), (1,), (2,))[self.names.index(image_id) % 3]

    def rng(self, image_id):
        return np.random.default_rng((self.seed, self.names.index(image_id)))

    def truth(self, image_id):
        rng = self.rng(image_id)
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        truth = np.zeros((HEIGHT, WIDTH), np.uint8)
        for index in self.present(image_id):
            y = rng.integers(7, HEIGHT - 7)
            x = rng.integers(7, 11) + 14 * (index - 1)
            away = np.abs(rows - y), np.abs(columns - x)
            inside = np.maximum(*away) <= 5 if index == 1 else np.hypot(*away) <= 5
            truth[inside] = index
        return truth

    def context(self, image_id):
        strip = np.zeros((HEIGHT, WIDTH), bool)
        if 1 in self.present(image_id):
            strip[-5:] = self.truth(image_id)[-5:] == 0
        return {"strip": strip}

    def image(self, image_id):
        image = np.empty((HEIGHT, WIDTH, 3))
        image[:] = GROUND
        image[self.context(image_id)["strip"]] = STRIP
        truth = self.truth(image_id)
        for index, colour in COLOURS.items():
            image[truth == index] = colour
        noise = self.rng(image_id).normal(0, 8, image.shape)
        return np.clip(image + noise, 0, 255).astype(np.uint8)

    def saliency(self, image_id):
        return np.where(self.truth(image_id) > 0, 0.9, 0.1).astype(np.float32)

    def fingerprint(self):
        return f"fake-{self.count}-{self.seed}"


class IncompleteDataset(FakeDataset):
    """The same data, where images with the numbers given have no truth or no saliency map."""

    def __init__(self, count=12, no_truth=(), no_saliency=()):
        super().__init__(count)
        self.whole = FakeDataset(count)
        self.no_truth = {self.names[number] for number in no_truth}
        self.no_saliency = {self.names[number] for number in no_saliency}

    def has_truth(self, image_id):
        return image_id not in self.no_truth

    def has_saliency(self, image_id):
        return image_id not in self.no_saliency

    def truth(self, image_id):
        self.refuse(image_id, self.no_truth, "truth")
        return super().truth(image_id)

    def saliency(self, image_id):
        self.refuse(image_id, self.no_saliency, "saliency")
        return self.whole.saliency(image_id)

    def image(self, image_id):
        return self.whole.image(image_id)

    def refuse(self, image_id, missing, part):
        if image_id in missing:
            raise DataError(f"{image_id} has no {part}")


def view(folder, needs=(IMAGE_LABELS, SALIENCY), dataset=None, split="train"):
    """A view of the fake data whose ledger lies in ``folder``."""
    return View(dataset or FakeDataset(), split, needs, Ledger(folder / "read"), "the test")


def rough_scores(image_id):
    """Scores of the fake data: its truth, of varied strength, in part below a threshold."""
    dataset = FakeDataset()
    truth, rng = dataset.truth(image_id), dataset.rng(image_id)
    present = dataset.present(image_id)
    strength = rng.choice([0.02, 0.2, 0.9], truth.shape)
    values = [np.where(truth == c, strength, 0).astype(np.float32) for c in present]
    return ClassScores(present, np.stack(values))
