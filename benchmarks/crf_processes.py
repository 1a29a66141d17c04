"""The stage that refines scores by the dense CRF: two processes against one."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from photographs import photographs
from PIL import Image
from scenes import scene
from timing import Result, interleave

from wsss_affinity.crf import Crf
from wsss_harness.contract.supervision import Ledger, View
from wsss_harness.stages import refining
from wsss_harness.stages.products import SCORES
from wsss_harness.store.work import Work
from wsss_harness.system import parallel
from wsss_harness.system.pictures import read_photograph
from wsss_harness.system.score_files import write_scores

CLASSES = 20


class Pictures:
    """A dataset of the images in a folder."""

    classes = tuple(f"class_{index}" for index in range(1, CLASSES + 1))

    def __init__(self, folder):
        self.folder = folder

    def ids(self, split):
        return tuple(sorted(path.stem for path in self.folder.glob("*.png")))

    def image(self, image_id):
        return read_photograph(self.folder / f"{image_id}.png")


def crf_processes(quick):
    size, count, repeats = ((60, 80), 2 * parallel.FEW, 1) if quick else ((375, 500), 32, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        description = store(folder, count, size)
        times = interleave(lambda: refine(folder, 2), lambda: refine(folder, 1), repeats)
    note = (
        f"seconds an image, {count} {description} of {size[1]}x{size[0]}, 1 or 2 classes, "
        f"parameters psa, start of the processes included, {parallel.cores()} cores, equal files; "
        "peer: the same in one process"
    )
    return Result("crf_processes", *(seconds / count for seconds in times), "s", note)


def store(folder, count, size):
    """Write images and scores; return a description of the images."""
    (folder / "scores").mkdir()
    images, description = photographs(count, size)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:03d}.png")
        _, scores = scene(np.random.default_rng(number), size, CLASSES, 1 + number % 2)
        write_scores(folder / "scores" / f"{number:03d}{SCORES}", scores)
    return description


def refine(folder, processes):
    """Run the stage as the harness does on a machine with ``processes`` cores."""
    target = folder / f"by_{processes}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    inputs = {"fit": folder, "scores": folder / "scores"}
    work = Work(target, inputs, Ledger(target / "read"), lambda done, total: None)
    view = View(Pictures(folder), "train", (), work.ledger, "the benchmark")
    cores, parallel.cores = parallel.cores, lambda: processes
    try:
        refining.refine(work, Crf(), view)
    finally:
        parallel.cores = cores
    check_equal(folder)


def check_equal(folder):
    for path in (folder / "by_1").glob(f"*{SCORES}"):
        parallel_path = folder / "by_2" / path.name
        if parallel_path.is_file():
            assert path.read_bytes() == parallel_path.read_bytes(), path.name
