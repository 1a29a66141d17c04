"""How often 95 % intervals of mIoU hold the truth, on simulated images with known truth.

python benchmarks/coverage.py [--simulations 1000]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
from simulated import scenes, tallies_of

from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.statistics.variances import NORMAL

BLOCKS, BLOCK = 20, 20_000  # images that stand for the population
ENDS = (0.025, 0.975)
INTERVALS = ("mIoU", "difference", "mIoU normal", "mIoU percentile", "difference percentile")
BETTER = 0.25  # log odds by which the second method is better


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    simulations = parser.parse_args().simulations
    truth = [total(tallies) for tallies in everything()]
    print(f"truth {truth[0]:.4f}, difference {truth[1] - truth[0]:.4f}")
    for images in (200, 400, 1449):
        held = np.array([holds(images, number, truth) for number in range(simulations)])
        shares = zip(INTERVALS, 100 * held.mean(0), strict=True)
        print(f"{images} images: " + ", ".join(f"{n} {s:.1f} %" for n, s in shares), flush=True)


def holds(images, number, truth):
    """Whether each of INTERVALS holds the truth; the last three are alternatives."""
    tallies = both(images, [images, number])
    first, second = (estimates.miou(t) for t in tallies)
    difference, gap = second - first, truth[1] - truth[0]
    samples = [drawings_of(t) for t in tallies]
    low, high = np.quantile(samples[0], ENDS)
    lower, higher = np.quantile(samples[1] - samples[0], ENDS)
    return (
        abs(first.value - truth[0]) <= first.reach,
        abs(difference.value - gap) <= difference.reach,
        abs(first.value - truth[0]) <= NORMAL * first.error,
        low <= truth[0] <= high,
        lower <= gap <= higher,
    )


def drawings_of(tallies):
    """mIoU of each drawing of the images."""
    hit, union = estimates.hits_and_unions(tallies)
    return estimates.linearised(estimates.drawings(len(hit), estimates.DRAWS), hit, union)[0]


def both(images, seed):
    """Tallies of two methods on the same images."""
    rng = np.random.default_rng(seed)
    met = scenes(images, rng)
    return [tallies_of(met, better, rng) for better in (0, BETTER)]


def everything():
    """Sums over all images, for each method."""
    sums = [[tallies.sum(0) for tallies in both(BLOCK, [0, block])] for block in range(BLOCKS)]
    return np.sum(sums, 0)


def total(tallies):
    hit, truth, mask = tallies.T
    return float((hit / (truth + mask - hit)).mean())


if __name__ == "__main__":
    sys.exit(main())
