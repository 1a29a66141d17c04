"""Wall seconds of the masks of CAM and EPS on RailScenes, by jobs at once and threads of each.

python benchmarks/jobs_on_cpu.py [--train N] [--repeats N]

Each pair of jobs and threads takes a turn, in a store of its own whose data is made before. Needs
an idle machine.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from wsss_harness.system.parallel import cores

SUITE = Path(__file__).resolve().parents[1] / "configs/suites/railscenes.toml"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    pairs = [(1, cores()), (cores(), 1)]
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        run(data, options.train, "data", 1, cores())
        rounds = [
            [seconds(data, options.train, *pair) for pair in pairs] for _ in range(options.repeats)
        ]
    for (jobs, threads), times in zip(pairs, zip(*rounds, strict=True), strict=True):
        print(f"{jobs} jobs with {threads} threads: {median(times):.0f} s")


def seconds(data, train, jobs, threads):
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        shutil.copytree(data, store)
        start = time.perf_counter()
        run(store, train, "mask", jobs, threads)
        return time.perf_counter() - start


def run(store, train, kind, jobs, threads):
    """Make the stages of a kind."""
    words = ["--rows", "CAM", "--rows", "EPS", "--set", f"dataset.train={train}", "--stage", kind]
    words += ["--executor-set", f"threads={threads}", "--jobs", str(jobs), "--store", str(store)]
    command = [sys.executable, "-m", "wsss_harness", "run", str(SUITE), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
