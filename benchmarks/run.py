"""Run the benchmarks, each against a reference algorithm.

python benchmarks/run.py [--json] [--only NAME] [--quick]

Set WSSS_PHOTOS to a folder of photographs to run the benchmarks of the CRF on them.
"""

import argparse
import importlib
import json
import os
import sys
from importlib.util import find_spec

os.environ.setdefault("OMP_NUM_THREADS", "1")

from timing import single_thread

# Each name is a module in this folder and its function, which takes `quick` and returns a Result.
BENCHMARKS = (
    "threshold_curve",
    "confusion",
    "score_store",
    "flat_memory",
    "random_walk",
    "edge_walk",
    "walk_memory",
    "bootstrap_miou",
    "overhead",
    "data_path",
    "voc_sized",
    "plan_rows",
    "training_step",
)
CRF_BENCHMARKS = ("crf_present", "crf_processes")  # skipped if pydensecrf2 is not installed
ALL = (*BENCHMARKS, *CRF_BENCHMARKS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--only", metavar="NAME", choices=ALL, help=", ".join(ALL))
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to check that it runs")
    options = parser.parse_args()
    single_thread()
    for name in [options.only] if options.only else installed():
        run = getattr(importlib.import_module(name), name)
        print((as_json if options.json else as_text)(run(options.quick)), flush=True)


def installed():
    if find_spec("pydensecrf"):
        return ALL
    print(f"skipped, because pydensecrf2 is not installed: {CRF_BENCHMARKS}", file=sys.stderr)
    return BENCHMARKS


def as_json(result):
    keys = ("name", "ours", "peer", "ratio", "unit", "note")
    return json.dumps({key: getattr(result, key) for key in keys})


def as_text(result):
    numbers = f"{result.ours:.4g} against {result.peer:.4g} {result.unit}"
    return f"{result.name}: {numbers}, x{result.ratio:.1f}\n    {result.note}"


if __name__ == "__main__":
    main()
