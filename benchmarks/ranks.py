"""How often rank intervals hold the true ranks, on simulated boards with a known order.

python benchmarks/ranks.py [--simulations 500]
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
from simulated import scenes, tallies_of

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import rank
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.statistics.estimates import mean_of

METHODS, IMAGES = 8, 200
LUCK = 0.08  # log odds: over seeds, a standard deviation of about one point of mIoU
SAME = (LUCK,) * METHODS
BOARDS = {  # seeds and luck of each method
    "3 seeds": ((3,) * METHODS, SAME),
    "3 seeds, one method three times as unsteady": ((3,) * METHODS, (*SAME[:-1], 3 * LUCK)),
    "3 seeds or one": ((3, 1) * (METHODS // 2), SAME),
    "one seed": ((1,) * METHODS, SAME),
}
STEPS = {"all alike": 0.0, "a staircase": 0.1}  # log odds from each method to the next


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=500)
    simulations = parser.parse_args().simulations
    for step, log_odds in STEPS.items():
        for name, (seeds, luck) in BOARDS.items():
            boards = [board(seeds, luck, log_odds, number) for number in range(simulations)]
            right, width, groups = np.mean(boards, 0)
            print(
                f"{step}, {name}: all ranks held {100 * right:.1f} %, mean width {width:.1f} of "
                f"{METHODS}, tie groups {groups:.1f}",
                flush=True,
            )


def board(seeds, luck, step, number):
    """Whether all rank intervals hold, their mean width, and the number of tie groups.

    If all methods are equal, every rank is true, so each interval must hold all ranks.
    """
    rng = np.random.default_rng([number, len(set(seeds)), seeds[0]])
    met = scenes(IMAGES, rng)
    qualities = -step * np.arange(METHODS)
    methods = zip(seeds, luck, qualities, strict=True)
    places = rank([entry(n, met, rng, *method) for n, method in enumerate(methods)]).places
    low, high = np.array([(place.best, place.worst) for place in places]).T
    true = np.arange(1, METHODS + 1) if step else np.array([[1], [METHODS]])
    held = ((low <= true) & (true <= high)).all()
    return held, (high - low + 1).mean(), max(place.group for place in places)


def entry(number, met, rng, runs, luck, quality):
    tallies = [tallies_of(met, quality + rng.normal(0, luck), rng) for _ in range(runs)]
    mious = [estimates.miou(run_tallies) for run_tallies in tallies]
    values = tuple(miou.value for miou in mious)
    seeds = tuple(Run(seed) for seed in range(runs))
    return Entry(str(number), MASKS, "method", seeds, values, mean_of(mious))


@dataclass
class Run:
    """The parts of a run that a ranking reads: its seed, and which images were counted."""

    seed: int

    @property
    def record(self):
        return self

    def maker(self):
        return None

    @property
    def tallies(self):
        return {MASKS: Tallies((), np.zeros((0, 1, 3), np.int64))}


if __name__ == "__main__":
    sys.exit(main())
