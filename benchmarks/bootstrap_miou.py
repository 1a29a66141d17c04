"""10,000 drawings of a VOC-sized set: ours by products of matrices, against gathering images."""

import numpy as np
from timing import Result, interleave

from wsss_leaderboard.statistics import estimates

IMAGES, CLASSES, DRAWS = 1449, 20, 10_000
PEER_DRAWS = 200  # timed drawings of the peer, extrapolated to all


def bootstrap_miou(quick):
    images, draws, peers = (50, 100, 10) if quick else (IMAGES, DRAWS, PEER_DRAWS)
    rng = np.random.default_rng(0)
    tallies = rng.integers(1, 1000, (images, CLASSES + 1, 3)) * [[[1, 2, 2]]]
    hit, union = estimates.hits_and_unions(tallies)
    value = hit.sum(0) / union.sum(0)

    def ours():
        estimates.drawings.cache_clear()
        return estimates.bootstrap_t(float(value.mean()), hit, union, draws)

    def peer():
        for _ in range(peers):
            sample = rng.integers(0, images, images)
            hits, unions = hit[sample].sum(0), union[sample].sum(0)
            influence = (hit[sample] / unions - hits / unions**2 * union[sample]).mean(1)
            np.sqrt((influence**2).sum())

    own_seconds, peer_seconds = interleave(ours, peer, 3)
    note = (
        f"{draws} drawings of {images} images of {CLASSES + 1} classes with the error of each, one "
        f"thread; peer: gathers the images of a drawing, {peers} timed"
    )
    return Result("bootstrap_miou", own_seconds, peer_seconds * draws / peers, "s", note)
