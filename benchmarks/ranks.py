"""How often ranks and intervals of simulated boards with a known order are wrong.

python benchmarks/ranks.py [--simulations 600] [--boards NAME ...]

Each method is a generator; those of a family are made from its draws by refiners. Luck moves
the log odds of every pixel: 0.08 moves mIoU by about one point. docs/statistics.md has the results.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
from sample_records import record
from simulated import scenes, tallies_of

from wsss_leaderboard.ranking.entries import Entry, LoadedRecord
from wsss_leaderboard.ranking.ranking import differences, rank
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.statistics import estimates

IMAGES, TARGET = 200, "V1"
LUCK, REFINER, SEGMENTOR = 0.08, 0.03, 0.04  # of a generator, a refiner and a segmentor
RESAMPLES = 200  # for the t of a run; enough for a mean over runs
BLOCKS, BLOCK = 4, 20_000  # images that stand for the population
NODES = (
    (-(3**0.5), 1 / 6),
    (0.0, 2 / 3),
    (3**0.5, 1 / 6),
)  # a normal distribution, by three values


@dataclass(frozen=True)
class Method:
    """A row: its family, its number of generators and of segmentors on each, its luck."""

    family: int
    draws: int = 3
    segmentors: int = 1
    unsteady: float = 1.0

    @property
    def luck(self):
        """Of one of its runs."""
        return (self.unsteady**2 * LUCK**2 + REFINER**2 + SEGMENTOR**2) ** 0.5


def apart(count, **changes):
    return [Method(family, **changes) for family in range(count)]


def families(count, rows, **changes):
    return [Method(family, **changes) for family in range(count) for _ in range(rows)]


BOARDS = {
    "8 methods, 2 seeds": apart(8, draws=2),
    "8 methods, 3 seeds": apart(8),
    "8 methods, 5 seeds": apart(8, draws=5),
    "3 seeds or 1": [Method(n, draws=3 - 2 * (n % 2)) for n in range(8)],
    "1 seed": apart(8, draws=1),
    "2 generators x 2 rows": families(2, 2),
    "2 generators x 6 rows": families(2, 6),
    "4 generators x 3 rows": families(4, 3),
    "2 generators x 4 rows, 5 seeds": families(2, 4, draws=5),
    "one 3 x as unsteady, 2 seeds": [*apart(7, draws=2), Method(7, draws=2, unsteady=3)],
    "one 3 x as unsteady": [*apart(7), Method(7, unsteady=3)],
    "one 3 x as unsteady, 5 seeds": [*apart(7, draws=5), Method(7, draws=5, unsteady=3)],
    "3 of 8 repeat 10 segmentors only": [
        *apart(5),
        *(Method(n, draws=1, segmentors=10) for n in (5, 6, 7)),
    ],
    "all repeat 10 segmentors only": apart(8, draws=1, segmentors=10),
    "2 draws of 2 segmentors": apart(8, draws=2, segmentors=2),
}


STEPS = (0.0, 0.1)  # log odds from each method to the next; of the second fewer are simulated


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=600)
    parser.add_argument("--boards", nargs="*", default=list(BOARDS))
    arguments = parser.parse_args()
    for name in arguments.boards:
        print(f"{name}:", flush=True)
        for step in STEPS:
            sums = defaultdict(list)
            count = arguments.simulations // (4 if step else 1)
            for number in range(count):
                for measure, value in of_board(BOARDS[name], step, number).items():
                    sums[measure].append(value)
            shown = ", ".join(f"{measure} {text(values)}" for measure, values in sums.items())
            if shown:
                print(f"  {'a staircase' if step else 'all alike'}: {shown}", flush=True)


def text(values):
    """A mean over boards, with its standard error; shares in percent."""
    values = np.array(values, float)
    scale = 100 if values.max() <= 1 else 1
    error = values.std() / len(values) ** 0.5
    return f"{scale * values.mean():.1f} ±{scale * error:.1f}"


def of_board(methods, step, number):
    """What is right on one board; ``step``: log odds from a method to the next."""
    qualities = -step * np.arange(len(methods))
    entries = board_of(methods, qualities, np.random.default_rng([number, len(methods)]))
    places, between = rank(entries).places, differences(entries)
    truth = np.array([truth_of(q, m.luck) for q, m in zip(qualities, methods, strict=True)])
    means = np.array([entry.estimate.value for entry in entries])
    gaps, true = (np.subtract.outer(values, values) for values in (means, truth))
    low, high = np.array([(place.best, place.worst) for place in places]).T
    order = np.arange(1, len(methods) + 1)
    wrong = (low > order) | (high < order) if step else (low > 1) | (high < len(methods))
    holds = np.abs([place.low + place.reach for place in places] - truth) <= [
        place.reach for place in places
    ]
    covered = np.abs(gaps - true) <= between.reaches
    measures = {"false difference": wrong.any(), "width of ranks": (high - low + 1).mean()}
    return measures | shares_of(methods, holds, covered)


def shares_of(methods, holds, covered):
    """How many intervals hold: of means, and of differences by what two methods share."""
    family = np.array([method.family for method in methods])
    odd = np.array([method.unsteady > 1 for method in methods])
    upper = np.triu(np.ones(covered.shape, bool), 1)
    same = np.equal.outer(family, family)
    parts = {
        "own intervals": holds[~odd],
        "of the unsteady": holds[odd],
        "differences between generators": covered[upper & ~same & ~np.logical_or.outer(odd, odd)],
        "within one": covered[upper & same],
        "from the unsteady": covered[upper & np.logical_or.outer(odd, odd)],
    }
    return {measure: part.mean() for measure, part in parts.items() if part.size}


def board_of(methods, qualities, rng):
    met = scenes(IMAGES, rng)
    drawn = {}
    return [
        entry_of(str(number), method, quality, met, drawn, rng)
        for number, (method, quality) in enumerate(zip(methods, qualities, strict=True))
    ]


def entry_of(name, method, quality, met, drawn, rng):
    """The entry of one method; ``drawn``: the luck of generators, shared by their families."""
    runs, mious = [], []
    for draw in range(method.draws):
        generator = f"{method.family}-{draw}"
        luck = drawn.setdefault(generator, rng.normal(0, method.unsteady * LUCK))
        luck += rng.normal(0, REFINER)
        for _ in range(method.segmentors):
            tallies = tallies_of(met, quality + luck + rng.normal(0, SEGMENTOR), rng)
            mious.append(estimates.miou(tallies, draws=RESAMPLES))
            runs.append(run_of(name, generator, draw, len(runs), tallies))
    values = tuple(miou.value for miou in mious)
    return Entry(name, TARGET, "method", tuple(runs), values, estimates.mean_of(mious))


IDS = tuple(map(str, range(IMAGES)))


def run_of(name, generator, draw, seed, tallies):
    stages = {
        f"fit generator {generator}": generator,
        f"fit {generator}+refiner {name}": f"{name} {draw}",
        f"mask {name}": f"masks {name} {draw}",
        f"segment {TARGET} on {name}": f"{name} {draw} {seed}",
    }
    steps = tuple(Step(stage=stage, key=key) for stage, key in stages.items())
    return LoadedRecord(record(name, seed=seed, steps=steps), name, {TARGET: Tallies(IDS, tallies)})


@cache
def truth_of(quality, luck):
    """mIoU of the population, the mean over the luck of a run."""
    return sum(weight * population(quality + luck * node) for node, weight in NODES)


@cache
def population(quality):
    sums = 0
    for block in range(BLOCKS):
        rng = np.random.default_rng([0, block])
        sums = sums + tallies_of(scenes(BLOCK, rng), quality, rng).sum(0)
    hit, truth, mask = sums.T
    return float((hit / (truth + mask - hit)).mean())


if __name__ == "__main__":
    sys.exit(main())
