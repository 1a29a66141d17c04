"""Error anatomy on all scenes: do the causes add up to the wrong pixels, and how long does it take?

python benchmarks/anatomy.py [--scenes 1200]
"""

import argparse
import sys
import time

import numpy as np

from wsss_harness.datasets.railscenes import compose
from wsss_harness.datasets.railscenes.cast import CLASSES
from wsss_harness.metrics import anatomy
from wsss_harness.stages.bounds import coverage, nearest_class


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=1200)
    scenes = parser.parse_args().scenes
    pixels, wrong, seconds, unequal = 0, np.zeros(len(anatomy.CAUSES), int), 0.0, []
    for number in range(scenes):
        scene = compose.scene(0, number)
        contexts = {str(n): scene.context == n for n in np.unique(scene.context) if n}
        for mask in masks(scene, number):
            start = time.perf_counter()
            counts = anatomy.count(scene.truth, mask, len(CLASSES), contexts)
            seconds += time.perf_counter() - start
            expected = ((mask != scene.truth) & (scene.truth != 255)).sum()
            unequal += [number] if counts[1:, 0].sum() != expected else []
            pixels += counts[:, 0].sum()
            wrong += counts[1:, 0].sum(-1)
    shares = zip(anatomy.CAUSES, 100 * wrong / pixels, strict=True)
    print(f"{scenes} scenes, 3 masks each: causes do not add up on {len(set(unequal))} scenes")
    print("% of pixels: " + ", ".join(f"{cause} {share:.2f}" for cause, share in shares))
    print(f"{1000 * seconds / (3 * scenes):.2f} ms a mask of {scene.truth.shape}")


def masks(scene, number):
    """Truth of another scene; truth at stride 16 with 255s; other shapes in true classes."""
    rng = np.random.default_rng(number)
    values, cover = coverage(scene.truth, 16)
    coarse = values[cover.argmax(0)]
    coarse[rng.random(coarse.shape) < 0.02] = 255
    shapes = compose.scene(0, number + 1).truth > 0
    return (
        compose.scene(0, number + 50).truth,
        coarse,
        np.where(shapes, nearest_class(scene.truth), 0).astype(np.uint8),
    )


if __name__ == "__main__":
    sys.exit(main())
