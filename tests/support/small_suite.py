"""A suite that runs in a second: plugins defined here, on the dataset in memory."""

import os
import signal
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from fake_data import FakeDataset, IncompleteDataset

from wsss_harness.contract.hookspecs import Metric, hookimpl
from wsss_harness.contract.types import ClassScores
from wsss_harness.plugins.registry import load
from wsss_harness.store.store import Store
from wsss_harness.suite.reading import check_suite

RAN = []
RAN_FILE = "SMALL_RAN"  # a file that notes each fit, of all processes


@dataclass(frozen=True)
class InMemory:
    count: int = 12

    def prepare(self, run):
        RAN.append("prepare")

    def open(self, folder):
        return FakeDataset(self.count)


@dataclass(frozen=True)
class Incomplete:
    """The dataset in memory, where images with these numbers have no truth or no saliency map."""

    no_truth: tuple[int, ...] = ()
    no_saliency: tuple[int, ...] = ()

    def prepare(self, run):
        RAN.append("prepare")

    def open(self, folder):
        return IncompleteDataset(12, self.no_truth, self.no_saliency)


@dataclass(frozen=True)
class Redness:
    """Scores every present class by how red the image is; ``reads`` is what it looks at."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"value"})
    idle: ClassVar[frozenset[str]] = frozenset({"pause"})
    reads: str = "present"
    value: float = 1.0
    stop_at: int = -1
    pause: float = 0.0

    def fit(self, data, run):
        RAN.append("fit")
        if path := os.environ.get(RAN_FILE):
            with open(path, "a") as file:
                file.write(f"{type(self).__name__} {run.seed}\n")
        time.sleep(self.pause)
        for number, image_id in enumerate(data):
            getattr(data[image_id], self.reads)
            if number == self.stop_at:
                raise KeyboardInterrupt

    def load(self, folder, device):
        def score(sample):
            red = self.value * sample.image[..., 0].astype(np.float32) / 255
            return ClassScores(sample.present, np.stack([red] * len(sample.present)))

        return score


@dataclass(frozen=True)
class Salient(Redness):
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "saliency"})
    reads: str = "saliency"


@dataclass(frozen=True)
class Truthful(Redness):
    def fit(self, data, run):
        data.truth(data.ids[0])


@dataclass(frozen=True)
class Faulty(Redness):
    """Redness that goes wrong in the way that ``how`` names."""

    how: str = "nan"

    def load(self, folder, device):
        score = super().load(folder, device)

        def faulty(sample):
            scores = score(sample)
            if self.how == "bug":
                raise IndexError("7")
            if self.how == "array":
                return scores.values
            if self.how == "shape":
                return ClassScores(scores.classes, scores.values[:, 1:])
            if self.how == "elsewhere":
                (folder / "answers.txt").write_text("42")  # the folder of another stage
            return ClassScores(scores.classes, scores.values * np.float32("nan"))

        return faulty


@dataclass(frozen=True)
class Restless(Redness):
    """Redness whose fit goes wrong in the way that ``how`` names, ``once`` or always."""

    how: str = "leaves"
    once: bool = False

    def fit(self, data, run):
        tried = run.folder / "tried.txt"
        if self.once and tried.is_file():
            return
        tried.write_text("x")
        wrong = {"leaves": leave, "dies": die, "hangs": hang, "hoards": hoard, "fails": fail}
        wrong[self.how]()


def leave():
    os._exit(0)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    """Sleep as a library does that hears no signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(600)


def hoard():
    held = []
    while True:
        held.append(np.ones(3 * 10**7))
        time.sleep(0.02)


def fail():
    raise OSError("the network is down")


@dataclass(frozen=True)
class Narrow:
    """Redness without any option."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})

    def fit(self, data, run):
        pass

    def load(self, folder, device):
        return Redness().load(folder, device)


@dataclass(frozen=True)
class Dimmed(Redness):
    """Scores of the generator that it follows, times ``value``."""

    follows: ClassVar[str] = "redness"
    value: float = 0.5

    def fit(self, data, run):
        super().fit(data, run)
        before = run.previous.generator.load(run.previous.folder, run.device)
        (run.folder / "largest.txt").write_text(str(before(data[data.ids[0]]).values.max()))


@dataclass(frozen=True)
class AfterWorded(Dimmed):
    """Loads a generator that wants files."""

    follows: ClassVar[str] = "worded"

    def fit(self, data, run):
        before = run.previous
        score = before.generator.load(before.folder, run.device, files=before.files)
        assert score(data[data.ids[0]]).values.max() <= 1


@dataclass(frozen=True)
class SingleStage(Redness):
    """Redness that also segments, without labels: reddish pixels are class 1."""

    selected_on: str = ""
    labels: bool = False

    def load_segmentor(self, folder, device):
        def segment(sample):
            red = (sample.image[..., 0] > 160).astype(np.uint8)
            return red * np.uint8(sample.present[0]) if self.labels else red

        return segment


@dataclass(frozen=True)
class Compared(Redness):
    """Redness in proportion to that of the first image of train."""

    needs_train: ClassVar[bool] = True

    def load(self, folder, device, data):
        largest = data[data.ids[0]].image[..., 0].max()
        score = super().load(folder, device)

        def compared(sample):
            values = score(sample).values * np.float32(min(largest / 255, 1))
            return ClassScores(sample.present, values)

        return compared


@dataclass(frozen=True)
class Parted(Redness):
    """Redness, averaged over each region."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "regions"})
    reads: str = "regions"

    def load(self, folder, device):
        score = super().load(folder, device)

        def parted(sample):
            values = score(sample).values
            means = np.zeros_like(values)
            for number in np.unique(sample.regions):
                inside = sample.regions == number
                means[:, inside] = values[:, inside].mean(1, keepdims=True)
            return ClassScores(sample.present, means)

        return parted


@dataclass(frozen=True)
class Worded(Redness):
    """Redness times the number in its file ``clip``; its fit reads ``also`` as well."""

    wants_weights: ClassVar[frozenset[str]] = frozenset({"clip"})
    also: str = ""

    def fit(self, data, run):
        super().fit(data, run)
        if self.also:
            run.files[self.also].read_text()

    def load(self, folder, device, files):
        return replace(self, value=float(files["clip"].read_text())).unworded(folder, device)

    def unworded(self, folder, device):
        return super().load(folder, device)


@dataclass(frozen=True)
class Spoken(Redness):
    """Redness in proportion to how many of its words, of classes and background, are of classes."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "language"})

    def fit(self, data, run):
        (run.folder / "words.txt").write_text(" ".join(data.texts.context_words))

    def load(self, folder, device):
        score = super().load(folder, device)

        def spoken(sample):
            texts = sample.texts
            words = sum(map(len, texts.classes))
            values = score(sample).values * np.float32(words / (words + len(texts.background)))
            return ClassScores(sample.present, values)

        return spoken


@dataclass(frozen=True)
class Halved:
    needs: ClassVar[frozenset[str]] = frozenset()

    def fit(self, data, scores, run):
        assert scores(data.ids[0]).values.max() <= 1

    def load(self, folder, device):
        return lambda sample, scores: ClassScores(scores.classes, scores.values / 2)


@dataclass(frozen=True)
class Attentive(Redness):
    """Redness that leaves how alike the rows of an image are, times ``scale``, if ``lavish``."""

    leaves: ClassVar[frozenset[str]] = frozenset({"affinity", "attention"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"value", "scale", "lavish"})
    scale: float = 1.0
    lavish: bool = True

    def load(self, folder, device):
        score = super().load(folder, device)

        def attentive(sample):
            scores = score(sample)
            rows = sample.image.mean((1, 2)) / 255
            affinity = self.scale * np.exp(-np.abs(rows[:, None] - rows))
            arrays = {"affinity": affinity, "attention": rows} if self.lavish else {}
            return replace(scores, arrays=arrays)

        return attentive


@dataclass(frozen=True)
class Diffused(Halved):
    """Scores spread over rows that are alike, by the array ``reads``."""

    wants: ClassVar[frozenset[str]] = frozenset({"affinity"})
    reads: str = "affinity"

    @staticmethod
    def example_arrays(height, width):
        return {"affinity": np.eye(height, dtype=np.float16)}

    def fit(self, data, scores, run):
        height = data[data.ids[0]].image.shape[0]
        assert scores(data.ids[0]).arrays[self.reads].shape == (height, height)

    def load(self, folder, device):
        def diffused(sample, scores):
            affinity = scores.arrays[self.reads].astype(np.float32)
            spread = affinity / affinity.sum(1, keepdims=True)
            return ClassScores(scores.classes, np.clip(spread @ scores.values, 0, 1))

        return diffused


@dataclass(frozen=True)
class Shown(Halved):
    """Shows the scores that it halves, about the first pixel; ``value`` times, to be wrong."""

    value: float = 1.0

    def explain(self, folder, device):
        return lambda sample, scores: [("whole", self.value * scores.values.max(0), (0, 0))]


@dataclass(frozen=True)
class Swapped:
    """A refiner of masks that makes class ``before`` class ``after``, or goes wrong as ``how``."""

    needs: ClassVar[frozenset[str]] = frozenset()
    idle: ClassVar[frozenset[str]] = frozenset({"pause"})
    before: int = 1
    after: int = 255
    how: str = ""
    pause: float = 0.0

    def load(self, device):
        RAN.append("load")

        def swapped(sample, mask):
            RAN.append(sample.image_id)
            if self.how == "stops" and len(RAN) == 5:
                raise KeyboardInterrupt
            if self.how == "list":
                return mask.tolist()
            return np.where(mask == self.before, self.after, mask).astype(np.uint8)

        return swapped


@dataclass(frozen=True)
class SwappedOnAllCores(Swapped):
    parallel: ClassVar[bool] = True


@dataclass(frozen=True)
class Labelled(Swapped):
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})


@dataclass(frozen=True)
class MostlyOne:
    """Makes each region the class that most of its pixels have."""

    needs: ClassVar[frozenset[str]] = frozenset({"regions"})

    def load(self, device):
        def voted(sample, mask):
            result = mask.copy()
            for region in sample.region_masks:
                result[region] = np.bincount(mask[region]).argmax()
            return result

        return voted


@dataclass(frozen=True)
class CopiesMostCommon:
    """A segmentor that answers with the most common class of its masks everywhere."""

    def fit(self, data, masks, run):
        from wsss_harness.system.files import write_text
        from wsss_harness.system.pictures import read_indices

        pixels = np.concatenate([read_indices(masks / f"{i}.png").ravel() for i in data])
        write_text(run.folder / "class.txt", str(np.bincount(pixels).argmax()))

    def load(self, folder, device):
        answer = int((folder / "class.txt").read_text())
        return lambda sample: np.full(sample.image.shape[:2], answer, np.uint8)


def count_equal(truth, mask, classes, context):
    return np.array([(truth == mask).sum(), truth.size])


def read_equal(counts, names, contexts):
    return {"equal": counts[0] / counts[1]}


class Plugin:
    @hookimpl
    def wsss_datasets(self):
        return {"in_memory": InMemory, "incomplete": Incomplete}

    @hookimpl
    def wsss_generators(self):
        return {
            "redness": Redness,
            "salient": Salient,
            "truthful": Truthful,
            "narrow": Narrow,
            "faulty": Faulty,
            "restless": Restless,
            "dimmed": Dimmed,
            "compared": Compared,
            "single": SingleStage,
            "parted": Parted,
            "worded": Worded,
            "spoken": Spoken,
            "attentive": Attentive,
            "after_worded": AfterWorded,
        }

    @hookimpl
    def wsss_refiners(self):
        return {"halved": Halved, "diffused": Diffused, "shown": Shown}

    @hookimpl
    def wsss_mask_refiners(self):
        return {
            "swapped": Swapped,
            "swapped_on_all_cores": SwappedOnAllCores,
            "labelled": Labelled,
            "mostly_one": MostlyOne,
        }

    @hookimpl
    def wsss_metrics(self):
        return {"equal": Metric(count_equal, read_equal)}

    @hookimpl
    def wsss_segmentors(self):
        return {"most_common": CopiesMostCommon}


class Entry:
    """An entry point that needs no installed distribution."""

    name, dist = "small", None

    def load(self):
        return Plugin()


def plugins():
    return load((Entry(),))


def content(**changes):
    row = {"generator": "R", "rule": {"name": "constant", "threshold": 0.5}}
    return {
        "title": "Small",
        "dataset": {"name": "in_memory"},
        "held_out": 2,
        "generators": {"R": {"name": "redness"}, "S": {"name": "salient"}},
        "refiners": {"half": {"name": "halved"}},
        "segmentors": {"one": {"name": "most_common"}},
        "rows": [
            {"method": "R", **row, "segmentors": ["one"]},
            {"method": "S", **row, "generator": "S"},
        ],
        **changes,
    }


def suite(**changes):
    return check_suite(content(**changes), "small")


def store(folder):
    events = []
    store = Store(folder, events.append)
    store.events = events
    return store
