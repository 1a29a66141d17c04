"""10,000 drawings of a VOC-sized set: ours by products of matrices, against gathering images."""

import numpy as np
from timing import Result, interleave

from wsss_leaderboard.statistics import estimates

IMAGES, CLASSES, DRAWS = 1449, 20, 10_000
OF_PEER = 200  # drawings that are timed; the rest would take as long each


def bootstrap_miou(quick):
    images, draws, peers = (50, 100, 10) if quick else (IMAGES, DRAWS, OF_PEER)
    rng = np.random.default_rng(0)
    tallies = rng.integers(1, 1000, (images, CLASSES + 1, 3)) * [[[1, 2, 2]]]
    hit, union = estimates.hits_and_unions(tallies)
    value = hit.sum(0) / union.sum(0)

    def ours():
        estimates.drawings.cache_clear()
        return estimates.bootstrap_t(float(value.mean()), hit, union, draws)

    def peer():
        for _ in range(peers):
            drawn = rng.integers(0, images, images)
            hits, unions = hit[drawn].sum(0), union[drawn].sum(0)
            influence = (hit[drawn] / unions - hits / unions**2 * union[drawn]).mean(1)
            np.sqrt((influence**2).sum())

    mine, theirs = interleave(ours, peer, 3)
    note = (
        f"{draws} drawings of {images} images of {CLASSES + 1} classes with the error of each, one "
        f"thread; peer: gathers the images of a drawing, {peers} timed"
    )
    return Result("bootstrap_miou", mine, theirs * draws / peers, "s", note)
