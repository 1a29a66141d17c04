"""What planning a row costs, and the memory of the plan, with 10,000 rows against 1,000."""

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
    few, many = (100, 200) if quick else (1_000, 10_000)
    small, large = measured(few), measured(many)
    note = (
        f"seconds a row of `wsss plan`; {large['rows']:,} rows with {large['stages']:,} stages in "
        f"{large['seconds']:.1f} s, peak memory {large['memory']:.0f} MiB; peer: {small['rows']:,} "
        f"rows in {small['seconds']:.1f} s, {small['memory']:.0f} MiB"
    )
    each = (one["seconds"] / one["rows"] for one in (large, small))
    return Result("plan_rows", *each, "s", note)


def measured(count):
    """What a fresh process found; it is the one that holds the memory."""
    command = [sys.executable, __file__, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def content(count):
    """A suite of ``count`` rows: generators of other rates, each with many thresholds."""
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
    told = plan_of(suite, plugins, Store(folder, plugins.tell)).json()
    seconds = time.perf_counter() - start
    return {
        "rows": count,
        "stages": len(told["stages"]),
        "seconds": seconds,
        "memory": high_water(),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(Path(place), int(sys.argv[1]))))
