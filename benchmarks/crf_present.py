"""The dense CRF over the present classes and the background, against one over all channels."""

import numpy as np
from photographs import photographs
from scenes import scene
from timing import Result, interleave

from wsss_affinity.backgrounds import Background
from wsss_harness.networks.crf import PARAMETERS, from_probabilities

CLASSES = 20
PSA = PARAMETERS["psa"]


def crf_present(quick):
    size, count, repeats = ((60, 80), 2, 1) if quick else ((375, 500), 6, 5)
    images, description = photographs(count, size)
    starts = [present(np.random.default_rng(seed), size, 1 + seed % 2) for seed in range(count)]
    padded = [np.concatenate([start, absent(start)]) for start in starts]

    def ours():
        return [labels(*pair) for pair in zip(images, starts, strict=True)]

    def peer():
        return [labels(*pair) for pair in zip(images, padded, strict=True)]

    equal = 100 * np.mean(np.array(ours()) == np.array(peer()))
    times = [seconds / count for seconds in interleave(ours, peer, repeats)]
    note = (
        f"seconds an image, {count} {description} of {size[1]}x{size[0]}, 1 or 2 classes, "
        f"parameters psa, labels equal in {equal:.3f} % of the pixels; "
        f"peer: the same with {CLASSES + 1} channels"
    )
    return Result("crf_present", *times, "s", note)


def present(rng, size, objects):
    """Probabilities of the background and of the classes in a generated scene."""
    _, scores = scene(rng, size, CLASSES, objects)
    return Background(alpha=4).stack(scores, "scene")


def absent(start):
    return np.zeros((CLASSES + 1 - len(start), *start.shape[1:]), np.float32)


def labels(image, start):
    return from_probabilities(image, start, PSA).argmax(0)
