"""Peak memory of the stages from scores to counts, at 1,000 and at 10,000 masks."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scenes import scene
from timing import Result

from wsss_harness.contract.supervision import Ledger, View
from wsss_harness.metrics import METRICS
from wsss_harness.stages.background_rules import Constant
from wsss_harness.stages.masks import paint_masks
from wsss_harness.stages.measuring import measure
from wsss_harness.stages.products import SCORES
from wsss_harness.stages.thresholds import choose_thresholds
from wsss_harness.store.work import Work
from wsss_harness.system.score_files import write_scores

SIZE = (72, 96)
DISTINCT = 8  # different images; the others are copies


def flat_memory(quick):
    small, large = (10, 100) if quick else (1_000, 10_000)
    peer, ours = peak(small), peak(large)
    note = (
        f"peak resident memory of a process that makes the curve, {large} masks and their counts; "
        f"peer: the same for {small} masks ({SIZE[1]}x{SIZE[0]}, 8 classes)"
    )
    return Result("flat_memory", ours, peer, "MiB", note)


def peak(count):
    """The peak memory of a fresh process in mebibytes."""
    command = [sys.executable, __file__, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def high_water():
    """Mebibytes of this process at its peak (Linux); getrusage would count those of its parent."""
    return mebibytes("VmHWM")


def mebibytes(field):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


class Copies:
    """A dataset of ``count`` images that repeats a few scenes."""

    classes = tuple(f"class_{index}" for index in range(1, 9))
    contexts = (("left", "class_1"),)

    def __init__(self, count):
        rng = np.random.default_rng(0)
        self.scenes = [scene(rng, SIZE, len(self.classes), 1 + i % 2) for i in range(DISTINCT)]
        self.names = tuple(f"image_{index:06d}" for index in range(count))

    def ids(self, split):
        return self.names

    def scene(self, image_id):
        return self.scenes[int(image_id[-6:]) % DISTINCT]

    def image(self, image_id):
        return np.zeros((*SIZE, 3), np.uint8)

    def truth(self, image_id):
        return self.scene(image_id)[0]

    def context(self, image_id):
        return {"left": np.arange(SIZE[1]) < np.full((SIZE[0], 1), SIZE[1] // 2)}


def store(dataset, folder):
    """Write the scores of all images, equal ones as links to one file."""
    folder.mkdir()
    for number, image_id in enumerate(dataset.names):
        path = folder / f"{image_id}{SCORES}"
        if number < DISTINCT:
            write_scores(path, dataset.scene(image_id)[1])
        else:
            os.link(folder / f"{dataset.names[number % DISTINCT]}{SCORES}", path)


def work(folder, name, **inputs):
    (folder / name).mkdir()
    return Work(folder / name, inputs, Ledger(folder / "read"), lambda done, total: None)


def run(folder, count):
    """The stages between scores and counts, as the harness runs them."""
    dataset = Copies(count)
    scores, masks = folder / "scores", folder / "masks"
    store(dataset, scores)
    choose_thresholds(work(folder, "curve", scores=scores), dataset, 0)
    view = View(dataset, "train", (), Ledger(folder / "read"), "the benchmark")
    paint_masks(work(folder, "masks", scores=scores), Constant(threshold=0.3), view)
    measure(work(folder, "counts", masks=masks), METRICS, dataset, dataset.names)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        run(Path(place), int(sys.argv[1]))
    print(high_water())
