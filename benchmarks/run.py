"""Run the benchmarks, each against the algorithm that it is compared with.

python benchmarks/run.py [--json] [--only NAME] [--quick]
"""

import argparse
import importlib
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from timing import single_thread

# Each name is a module here and a function in it, from `quick` to a Result.
BENCHMARKS = ("threshold_curve", "confusion", "score_store", "flat_memory")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", metavar="NAME", choices=BENCHMARKS, help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs at all")
    options = parser.parse_args()
    single_thread()
    for name in [options.only] if options.only else BENCHMARKS:
        run = getattr(importlib.import_module(name), name)
        print((as_json if options.json else as_text)(run(options.quick)), flush=True)


def as_json(result):
    keys = ("name", "ours", "peer", "ratio", "unit", "note")
    return json.dumps({key: getattr(result, key) for key in keys})


def as_text(result):
    numbers = f"{result.ours:.4g} against {result.peer:.4g} {result.unit}"
    return f"{result.name}: {numbers}, x{result.ratio:.1f}\n    {result.note}"


if __name__ == "__main__":
    main()
