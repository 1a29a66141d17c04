"""How often 95 % intervals over images hold the truth, on simulated images with known truth.

python benchmarks/coverage.py [--simulations 1000]

docs/statistics.md has the results.
"""

import argparse
import sys
from functools import cache
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
from simulated import CLASSES, scenes, tallies_of

from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.statistics.spreads import RowDraws
from wsss_leaderboard.statistics.variances import NORMAL, Means

BLOCKS, BLOCK = 20, 20_000  # images that stand for the population
INTERVALS = ("mIoU", "difference", "mIoU normal", "difference normal")
BETTER = 0.25  # log odds by which the second method is better
RARE, FEW = (2, 3, 5, 10, 30), 200  # images with the class, of so many


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    simulations = parser.parse_args().simulations
    for images in (200, 400, 1449):
        held = np.array([holds(both(images, [images, n]), truth()) for n in range(simulations)])
        print(f"{images} images: {text(INTERVALS, held)}", flush=True)
    for number in RARE:
        held = np.array([holds_rare(number, n) for n in range(simulations)])
        print(f"one class of {number} images: {text(('difference', 'normal'), held)}", flush=True)


def text(names, held):
    """The share of intervals that hold, with its standard error, in percent."""
    errors = held.std(0) / len(held) ** 0.5
    shares = zip(names, held.mean(0), errors, strict=True)
    return ", ".join(f"{name} {100 * mean:.1f} ±{100 * error:.1f}" for name, mean, error in shares)


def holds(tallies, truth):
    """Whether each of INTERVALS holds the truth; the last two have the usual normal ends."""
    first, second = estimates.miou(tallies[0]), estimates.miou(tallies[1], t=NORMAL)
    difference = of_difference(first, second, truth[1] - truth[0])
    alone = Means([first], [row(0)]).variances().reaches[0]
    missed = abs(first.value - truth[0])
    return missed <= alone, difference[0], missed <= NORMAL * first.error, difference[1]


def of_difference(first, second, truth):
    """Whether the interval of second - first holds the truth, and one with normal ends."""
    missed = abs(second.value - first.value - truth)
    reach = Means([first, second], [row(0), row(1)]).differences().reaches[0, 1]
    error = np.sqrt(((second.influence - first.influence) ** 2).sum())
    return missed <= reach, missed <= NORMAL * error


def row(name):
    return RowDraws({0: 0.0}, [[0]], ((name,),))


def both(images, seed):
    """Tallies of two methods on the same images."""
    rng = np.random.default_rng(seed)
    met = scenes(images, rng)
    return [tallies_of(met, better, rng) for better in (0, BETTER)]


@cache
def truth():
    """mIoU of both methods on all images."""
    blocks = [[t.sum(0) for t in both(BLOCK, [0, block])] for block in range(BLOCKS)]
    return [float(iou_of(sums).mean()) for sums in np.sum(blocks, 0)]


def iou_of(tallies):
    hit, truth, mask = np.moveaxis(tallies, -1, 0)
    return hit / (truth + mask - hit)


# Methods that are alike but for one class, which few images have


def holds_rare(number, simulation):
    rng = np.random.default_rng([number, simulation])
    first = tallies_of(scenes(FEW, rng), 0, rng)
    first[:, -1] = 0
    second = first.copy()
    first[:number, -1], second[:number, -1] = objects(number, rng)
    pair = (estimates.miou(tallies, t=NORMAL) for tallies in (first, second))
    return of_difference(*pair, rare_truth())


def objects(number, rng):
    """Tallies of the rare class in images that have it, (number, 3), for each method."""
    size = np.exp(rng.normal(-2, 1, (number, 1))).clip(0.002, 0.6)
    ease = 0.8 + rng.normal(0, 1, size.shape) + rng.normal(0, 0.6, size.shape)
    met = size, ease, np.zeros(size.shape, bool)
    return [tallies_of(met, better, rng)[:, 1] for better in (0, BETTER)]


@cache
def rare_truth():
    rng = np.random.default_rng(0)
    first, second = (iou_of(t.sum(0)) for t in objects(BLOCKS * BLOCK, rng))
    return float(second - first) / (len(CLASSES) + 1)


if __name__ == "__main__":
    sys.exit(main())
