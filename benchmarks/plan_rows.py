"""The cost of planning a row and the memory of the plan, with 10,000 rows against 1,000."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flat_memory import high_water
from timing import Result

RULES = 100


def plan_rows(quick):
    counts = (100, 200) if quick else (1_000, 10_000)
    small, large = (measured(count) for count in counts)
    note = (
        f"seconds per row of `wsss plan`; {large['rows']:,} rows with {large['stages']:,} stages "
        f"in {large['seconds']:.1f} s, peak memory {large['memory']:.0f} MiB; "
        f"peer: {small['rows']:,} rows in {small['seconds']:.1f} s, {small['memory']:.0f} MiB"
    )
    costs = (plan["seconds"] / plan["rows"] for plan in (large, small))
    return Result("plan_rows", *costs, "s", note)


def measured(count):
    """The measurements of a fresh process, whose memory holds nothing else."""
    command = [sys.executable, __file__, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def content(count):
    """A suite of ``count`` rows: generators with different rates, each with many thresholds."""
    generators = {
        f"g{number}": {"name": "cam", "lr": 0.01 + number / 1e6} for number in range(count // RULES)
    }
    rows = [
        {
            "method": f"{name} {rule}",
            "generator": name,
            "rule": {"name": "constant", "threshold": rule / RULES},
            "segmentors": ["V1"],
        }
        for name in generators
        for rule in range(RULES)
    ]
    segmentors = {"V1": {"name": "mmseg", "config": "deeplab_v1_railscenes"}}
    dataset = {"name": "railscenes"}
    return {
        "title": "many",
        "dataset": dataset,
        "generators": generators,
        "segmentors": segmentors,
        "rows": rows,
    }


def run(folder, count):
    from wsss_harness.plugins.registry import installed
    from wsss_harness.store.store import Store
    from wsss_harness.suite.reading import check_suite
    from wsss_harness.suite.suite_rows import plan_of

    plugins = installed()
    suite = check_suite(content(count), "many.toml")
    start = time.perf_counter()
    plan = plan_of(suite, plugins, Store(folder, plugins.tell)).json()
    seconds = time.perf_counter() - start
    return {
        "rows": count,
        "stages": len(plan["stages"]),
        "seconds": seconds,
        "memory": high_water(),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(Path(place), int(sys.argv[1]))))
