"""The time and memory of clustering the features of PASCAL VOC into sub-classes (SC-CAM).

python benchmarks/sub_classes.py [--images 10582] [--channels 4096] [--clusters 10]

The features are made up: around ten centres for each class, ReLU, float32. Classes are as unequal
as one that a third of the images have (person) and nineteen that share the rest, with 16,458 pairs
of an image and a class among 10,582 images.
"""

import argparse
import resource
import time

import numpy as np

from wsss_sccam.clusters import sub_labels

CLASSES, PAIRS_AN_IMAGE, LARGEST = 20, 16_458 / 10_582, 1 / 3
KINDS = 10  # centres of a class


def drawn_labels(images, rng):
    """(images, 20) zeros and ones, at least one class an image."""
    share = np.full(CLASSES, (PAIRS_AN_IMAGE - LARGEST) / (CLASSES - 1))
    share[0] = LARGEST
    labels = rng.random((images, CLASSES)) < share
    alone = ~labels.any(1)
    labels[alone, rng.integers(1, CLASSES, alone.sum())] = True
    return labels.astype(np.float32)


def drawn_features(labels, channels, rng):
    """(images, channels): the sum of a centre of each class, with noise."""
    centres = rng.normal(0, 1, (CLASSES, KINDS, channels)).astype(np.float32)
    features = rng.normal(0, 1, (len(labels), channels)).astype(np.float32)
    for number in range(CLASSES):
        images = np.flatnonzero(labels[:, number])
        features[images] += centres[number, rng.integers(0, KINDS, len(images))]
    return np.maximum(features, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=10_582)
    parser.add_argument("--channels", type=int, default=4096)
    parser.add_argument("--clusters", type=int, default=10)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    labels = drawn_labels(options.images, rng)
    features = drawn_features(labels, options.channels, rng)
    names = [f"class {number}" for number in range(CLASSES)]
    began, worked = time.perf_counter(), time.process_time()
    columns = sub_labels(features, labels, names, options.clusters)
    seconds, work = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{options.images:,} images, {int(labels.sum()):,} pairs, {options.channels:,} channels, "
        f"{int(columns.any(0).sum())} sub-classes: {seconds:.1f} s, {work:.1f} s of CPU, "
        f"peak memory {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
