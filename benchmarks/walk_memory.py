"""Memory of the random walk on a large grid, against the dense matrix that it avoids."""

import subprocess
import sys
import time

import torch
from flat_memory import high_water, mebibytes
from random_walk import CHANNELS, RADIUS, smooth
from timing import Result, single_thread

from wsss_affinity.affinities import affinity_maps
from wsss_harness.networks.affinity.walk import propagate

STEPS = 256


def walk_memory(quick):
    size = (24, 32) if quick else (94, 125)
    command = [sys.executable, __file__, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours, seconds = map(float, done.stdout.split())
    dense = (size[0] * size[1]) ** 2 * 4 / 2**20
    note = (
        f"{size[0]}x{size[1]} nodes, from {CHANNELS} channels to maps of 3 classes and the "
        f"background in {seconds:.2f} s, one thread: what a fresh process needed beyond its "
        "features and libraries at its peak; peer: one dense matrix in single precision"
    )
    return Result("walk_memory", ours, dense, "MiB", note)


def main(height, width):
    single_thread()
    small = torch.rand(1, 8, 8)
    propagate(small, affinity_maps(torch.rand(4, 8, 8), RADIUS), RADIUS, steps=STEPS)  # libraries
    features = smooth(torch.randn(CHANNELS, height, width))
    scores = torch.rand(4, height, width)
    before, start = mebibytes("VmRSS"), time.perf_counter()
    propagate(scores, affinity_maps(features, RADIUS), RADIUS, steps=STEPS)
    print(high_water() - before, time.perf_counter() - start)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
