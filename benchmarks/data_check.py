"""CPU seconds of `wsss data check` on a folder in VOC layout, and those of another version.

python benchmarks/data_check.py [--images N] [--repeats N] [--other HARNESS]

HARNESS is the folder of another version that holds wsss_harness. Versions take turns, each time in
a process of its own, after one round that fills the cache of digests.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from voc_sized import MANY, VAL, generate

HARNESS = Path(__file__).resolve().parents[1] / "harness"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=MANY + VAL)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--other", type=Path, metavar="HARNESS")
    options = parser.parse_args()
    versions = [HARNESS, *([options.other.resolve()] if options.other else [])]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "data"
        generate(root, options.images * MANY // (MANY + VAL))
        os.environ["WSSS_CACHE"] = str(Path(scratch) / "cache")
        for version in versions:
            seconds(version, root)
        rounds = [[seconds(version, root) for version in versions] for _ in range(options.repeats)]
    for version, times in zip(versions, zip(*rounds, strict=True), strict=True):
        spread = ", ".join(f"{value:.2f}" for value in times)
        print(f"{version}: {median(times):.2f} CPU s for {options.images:,} images ({spread})")


def seconds(harness, root):
    """The CPU seconds of one check in a new process, imports left out."""
    paths = os.pathsep.join([str(harness), str(Path(__file__).parent)])
    command = [sys.executable, __file__, "measure", str(root)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def measure(root):
    from wsss_harness.datasets.voc_folder import VocFolder
    from wsss_harness.suite import data_check

    start = time.process_time()
    dataset = VocFolder(str(root), scored="scored").open(root)
    data_check.inspect(dataset, lambda done, total: None)
    print(time.process_time() - start)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
