"""The score store: bytes per image, and the effect of a round trip on the mIoU curve."""

import tempfile
from pathlib import Path

import numpy as np
from scenes import scene
from timing import Result

from wsss_harness.metrics import curve
from wsss_harness.system.score_files import read_scores, write_scores

CLASSES = 20


def score_store(quick):
    rng = np.random.default_rng(0)
    size, count = ((30, 40), 2) if quick else ((375, 500), 40)
    scenes = [scene(rng, size, CLASSES, 1 + index % 2) for index in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.scores" for number in range(count)]
        for path, (_, scores) in zip(paths, scenes, strict=True):
            write_scores(path, scores)
        ours = sum(path.stat().st_size for path in paths) / count / 1000
        stored = [(truth, read_scores(p)) for p, (truth, _) in zip(paths, scenes, strict=True)]
    before, after = miou(scenes), miou(stored)
    change = 100 * np.abs(after - before).max()
    peer = sum(compressed(scores.values) for _, scores in scenes) / count / 1000
    note = (
        f"{count} images of {size[1]}x{size[0]}, 1.5 classes; largest change of mIoU at "
        f"{len(before)} thresholds: {change:.5f} points, of the best one: "
        f"{100 * abs(after.max() - before.max()):.5f}; peer: np.savez_compressed of float16"
    )
    return Result("score_store", ours, peer, "kB an image", note)


def compressed(values):
    """Bytes of the same maps as half-precision numbers, deflated by numpy."""
    with tempfile.TemporaryFile() as file:
        np.savez_compressed(file, values.astype(np.float16))
        return file.tell()


def miou(scenes):
    tables = [
        curve.entries(truth, scores, CLASSES, number)
        for number, (truth, scores) in enumerate(scenes)
    ]
    return curve.miou(curve.Entries(lambda: tables, CLASSES, curve.THRESHOLDS))
