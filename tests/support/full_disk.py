"""Fill the disk of a store as each kind of stage begins, in a folder with a disk of its own.

python full_disk.py FOLDER KINDS. Prints, by kind, how the run failed and what was made afterwards.
"""

import errno
import json
import shutil
import sys
from pathlib import Path

import small_suite

from wsss_harness.contract.errors import StageFailure
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store.store import Store

ROWS = [{"method": "R", "generator": "R", "refiners": ["shown"], "segmentors": ["one"]}]
SUITE = {"rows": ROWS, "refiners": {"shown": {"name": "shown"}}}


class FullAt:
    """Fills a disk when a stage of a kind begins, and empties it when that has failed."""

    def __init__(self, folder, kind):
        self.filler, self.kind, self.done = folder / "filler", kind, False

    def __call__(self, event):
        if event.kind == "started" and event.stage.split()[0] == self.kind and not self.done:
            self.done = True
            fill(self.filler)
        elif event.kind == "failed":
            self.filler.unlink(missing_ok=True)


def fill(path):
    with path.open("wb", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def run(folder, notify):
    """The failures by row, or of the data alone, and how many stages were made."""
    suite, plugins, stages = small_suite.suite(**SUITE), small_suite.plugins(), []

    def tell(event):
        notify(event)
        stages.extend([event.stage] if event.kind == "finished" else [])

    engine = Engine(Store(folder, tell))
    try:
        dataset = prepare_suite(suite, plugins, engine)
    except StageFailure as failure:
        return {"data": [failure.kind, str(failure)]}, len(stages)
    outcomes = list(run_suite(suite, plugins, engine, dataset))
    failures = {o.row.row.method: o.failure for o in outcomes if o.failure}
    saliency = [f for f in engine.failures.values() if f.stage.startswith("saliency")]
    failures |= {"saliency": saliency[0]} if saliency else {}
    return {name: [f.kind, str(f)] for name, f in failures.items()}, len(stages)


def main():
    results = {}
    for kind in json.loads(sys.argv[2]):
        folder = Path(sys.argv[1]) / kind
        failures, stage_count = run(folder, FullAt(Path(sys.argv[1]), kind))
        again, rest = run(folder, lambda event: None)
        shutil.rmtree(folder)
        results[kind] = {"failures": failures, "made": stage_count, "again": again, "rest": rest}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
