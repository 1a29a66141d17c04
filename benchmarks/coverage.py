"""How often 95 % intervals of mIoU hold the truth: simulated images whose truth is known.

python benchmarks/coverage.py [--simulations 1000]
"""

import argparse
import sys

import numpy as np

from wsss_leaderboard import estimates

CLASSES = 20
ALL = 400_000  # images that stand for all there are
BETTER = 0.25  # log odds by which the second method finds more


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    simulations = parser.parse_args().simulations
    truth = [total(tallies) for tallies in blocks()]
    print(f"truth {truth[0]:.4f}, difference {truth[1] - truth[0]:.4f}")
    for images in (200, 400, 1449):
        held = np.array([holds(images, number, truth) for number in range(simulations)])
        shares = 100 * held.mean(0)
        print(f"{images} images: mIoU {shares[0]:.1f} %, difference {shares[1]:.1f} %", flush=True)


def holds(images, number, truth):
    """Whether the interval of the mIoU, and that of the difference of two methods, are right."""
    tallies = simulate(images, np.random.default_rng([images, number]))
    one, other = (estimates.miou(t) for t in tallies)
    difference = other - one
    return (
        abs(one.value - truth[0]) <= one.reach,
        abs(difference.value - (truth[1] - truth[0])) <= difference.reach,
    )


def blocks():
    """Sums over all images, a method each."""
    sums = [simulate(ALL // 20, np.random.default_rng([0, block])) for block in range(20)]
    return [sum(pair[method].sum(0) for pair in sums) for method in range(2)]


def total(tallies):
    hit, truth, mask = tallies.T
    return float((hit / (truth + mask - hit)).mean())


def simulate(images, rng):
    """(n, C + 1, 3) pixels of two methods on the same images.

    Classes are as unequally frequent as those of VOC, objects log-normal in size; methods share how
    hard an image is and a part of their luck with it, and see classes that are not there.
    """
    frequency = np.exp(-np.linspace(0, 2.3, CLASSES))
    odds = np.random.default_rng(1).normal(0.8, 0.7, CLASSES)
    present = rng.random((images, CLASSES)) < 1.5 * frequency / frequency.sum()
    size = np.exp(rng.normal(-2, 1, present.shape)).clip(0.002, 0.6) * present
    size /= np.maximum(1, size.sum(1, keepdims=True) / 0.9)
    shared = odds + rng.normal(0, 1, (images, 1)) + rng.normal(0, 0.6, present.shape)
    alarms = (rng.random(present.shape) < 0.02) & ~present
    return [method(rng, size, shared + better, alarms) for better in (0, BETTER)]


def method(rng, size, shared, alarms):
    recall = 1 / (1 + np.exp(-shared - rng.normal(0, 0.5, size.shape)))
    hit = size * recall
    false = 1.5 * size * (1 - recall) * np.exp(rng.normal(-1.5, 0.8, size.shape))
    seen = alarms & (rng.random(size.shape) < 0.7)
    false += np.exp(rng.normal(-3, 1, size.shape)).clip(0, 0.3) * seen
    empty = (1 - size.sum(1)).clip(0.02)
    clean = (empty - false.sum(1)).clip(0.01)
    background = np.stack([np.minimum(clean, empty), empty, clean + (size - hit).sum(1)], -1)
    objects = np.stack([hit, size, hit + false], -1)
    both = np.concatenate([background[:, None], objects], 1)
    return np.rint(100_000 * both).astype(np.int64)


if __name__ == "__main__":
    sys.exit(main())
