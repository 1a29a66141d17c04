"""A generated dataset of the size of PASCAL VOC: cost per image and memory, against a tenth.

Each dataset goes through data check, plan, threshold curve, masks and counts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from flat_memory import high_water, mebibytes, work
from PIL import Image
from scenes import scene
from timing import Result

SIZE = (48, 64)
DISTINCT = 8  # different images; the others are links to them
CLASSES = tuple(f"class_{index}" for index in range(1, 21))
FEW, MANY, SCORED, VAL = 1_000, 10_582, 1_464, 1_449
SUITE = """
title = "VOC-sized"
[dataset]
name = "voc_folder"
root = "{root}"
scored = "scored"
[generators.CAM]
name = "cam"
[[rows]]
method = "CAM"
generator = "CAM"
"""


def voc_sized(quick):
    counts = (24, 96) if quick else (FEW, MANY)
    small, large = (measured(count) for count in counts)
    note = (
        f"seconds per image of {SIZE[1]}x{SIZE[0]} in data check, curve, masks and counts of "
        f"{large['images']:,} images, of which {large['scored']:,} are scored; data check "
        f"{large['check']:.1f} s, plan {large['plan']:.2f} s, peak memory beyond imports "
        f"{large['memory']:.0f} MiB; peer: the same for {small['images']:,} images, "
        f"{small['memory']:.0f} MiB"
    )
    return Result("voc_sized", large["each"], small["each"], "s", note)


def measured(count):
    """The measurements of a fresh process, whose memory holds nothing else."""
    command = [sys.executable, __file__, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def generate(root, count):
    """A folder in VOC layout of ``count`` training images; val and scored in VOC's proportion."""
    from wsss_harness.system.pictures import write_mask

    train = [f"train_{number:06d}" for number in range(count)]
    val = [f"val_{number:06d}" for number in range(count * VAL // MANY)]
    for folder in ("JPEGImages", "SegmentationClass", "saliency", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    lists = {"train": train, "val": val, "scored": train[: count * SCORED // MANY]}
    for name, ids in lists.items():
        (root / f"ImageSets/Segmentation/{name}.txt").write_text("\n".join(ids))
    rng = np.random.default_rng(0)
    scenes = [scene(rng, SIZE, len(CLASSES), 1 + index % 2) for index in range(DISTINCT)]
    labels = {}
    for number, image_id in enumerate([*train, *val]):
        truth, scores = scenes[number % DISTINCT]
        labels[image_id] = [CLASSES[index - 1] for index in scores.classes]
        paths = {folder: root / folder / f"{image_id}{end}" for folder, end in ENDS.items()}
        if number < DISTINCT:
            image = Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8))
            image.save(paths["JPEGImages"])
            write_mask(paths["SegmentationClass"], truth)
            Image.fromarray((truth > 0).astype(np.uint8) * 255).save(paths["saliency"])
        else:
            first = train[number % DISTINCT]
            for folder, end in ENDS.items():
                os.link(root / folder / f"{first}{end}", paths[folder])
    content = {"classes": CLASSES, "labels": labels}
    (root / "image_labels.json").write_text(json.dumps(content))
    return [scores for _, scores in scenes]


ENDS = {"JPEGImages": ".jpg", "SegmentationClass": ".png", "saliency": ".png"}


def run(folder, count):
    import torch  # noqa: F401 - only memory beyond it is measured

    from wsss_harness.contract.supervision import Ledger, View
    from wsss_harness.datasets.voc_folder import VocFolder
    from wsss_harness.metrics import METRICS
    from wsss_harness.plugins.registry import installed
    from wsss_harness.stages.background_rules import Constant
    from wsss_harness.stages.masks import paint_masks
    from wsss_harness.stages.measuring import measure
    from wsss_harness.stages.thresholds import choose_thresholds
    from wsss_harness.store.store import Store
    from wsss_harness.suite import data_check
    from wsss_harness.suite.reading import read_suite
    from wsss_harness.suite.suite_rows import plan_of

    distinct_scores = generate(folder / "data", count)
    before = mebibytes("VmRSS")
    dataset = VocFolder(str(folder / "data"), scored="scored").open(folder)
    check = timed(lambda: data_check.inspect(dataset, lambda done, total: None))
    (folder / "suite.toml").write_text(SUITE.format(root=folder / "data"))
    suite = read_suite(folder / "suite.toml")
    plugins = installed()
    plan = timed(lambda: plan_of(suite, plugins, Store(folder / "runs", plugins.tell)).json())
    scores, masks = folder / "scores", folder / "masks"
    write_linked(scores, dataset.ids("train"), distinct_scores)
    view = View(dataset, "train", (), Ledger(folder / "read"), "the benchmark")

    def scoring():
        choose_thresholds(work(folder, "curve", scores=scores), dataset, 0)
        paint_masks(work(folder, "masks", scores=scores), Constant(threshold=0.3), view)
        counts = work(folder, "counts", masks=masks)
        measure(counts, METRICS, dataset, dataset.scored)

    images = len(dataset.ids("train")) + len(dataset.ids("val"))
    return {
        "images": images,
        "scored": len(dataset.scored),
        "check": check,
        "plan": plan,
        "each": (check + timed(scoring)) / images,
        "memory": high_water() - before,
    }


def write_linked(folder, ids, distinct_scores):
    """Write the scores of each image; images that are equal share a file."""
    from wsss_harness.stages.products import SCORES
    from wsss_harness.system.score_files import write_scores

    folder.mkdir()
    paths = [folder / f"{image_id}{SCORES}" for image_id in ids]
    for path, scores in zip(paths, distinct_scores, strict=False):
        write_scores(path, scores)
    for number, path in enumerate(paths[DISTINCT:]):
        os.link(paths[number % DISTINCT], path)


def timed(job):
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(Path(place), int(sys.argv[1]))))
