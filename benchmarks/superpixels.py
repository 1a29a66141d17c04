"""The time of superpixels: an image in one process, and the stage that finds those of a folder.

python benchmarks/superpixels.py [--images 32] [--size 375x500] [--repeats 3]

Set WSSS_PHOTOS to a folder of photographs to measure on them.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from crf_processes import Pictures
from photographs import photographs
from PIL import Image
from timing import seconds

from wsss_harness.contract.supervision import Ledger, View
from wsss_harness.stages.superpixels import Superpixels, WriteSuperpixels
from wsss_harness.store.work import Work
from wsss_harness.system import parallel


class Opened:
    """Stands in for the view of a stage, which a store would open."""

    def __init__(self, folder):
        self.folder = folder

    def open(self, work):
        return View(Pictures(self.folder), "train", (), work.ledger, "the benchmark")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--size", default="375x500", help="height x width")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    size = tuple(map(int, options.size.split("x")))
    images, description = photographs(options.images, size)
    alone = [own(images) for _ in range(options.repeats)]
    staged = [stage(images) for _ in range(options.repeats)]
    regions = np.mean([Superpixels().of(image).max() + 1 for image in images[:8]])
    print(
        f"{len(images)} {description} of {options.size}, {regions:.0f} regions each, best of "
        f"{options.repeats}: {min(alone):.3f} s of CPU an image; the stage on "
        f"{parallel.cores()} cores {min(staged):.3f} s an image, start of the processes included"
    )


def own(images):
    """Seconds of CPU an image, in this process."""
    superpixels = Superpixels()

    def work():
        for image in images:
            superpixels.of(image)

    return seconds(work, time.process_time) / len(images)


def stage(images):
    """Seconds an image of the stage, as the harness runs it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{number:03d}.png")
        target = folder / "regions"
        target.mkdir()
        work = Work(target, {}, Ledger(target / "read"), lambda done, total: None)
        body = WriteSuperpixels(Superpixels(), Opened(folder))
        elapsed = seconds(lambda: body(work))
        assert len(list(target.glob("*.png"))) == len(images)
        shutil.rmtree(target)
    return elapsed / len(images)


if __name__ == "__main__":
    main()
