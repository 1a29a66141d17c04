"""The cache keys of a suite after edits of the source, and the code that its stages really run.

python source_keys.py edits MODULE.py ... : a JSON object, for each file the stages whose keys an
edit of it changes, as ``kind name``. Run it with the copy of the sources in PYTHONPATH.
"""

import json
import shutil
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLIM = {"name": "openmmlab_resnet", "depth": 18, "base_channels": 4, "frozen": "none"}
QUICK = {"iterations": 1, "batch": 2, "crop": 32, "warmup": 0, "optimizer": "adamw"}
METHOD = {"weights": "icons", "backbone": SLIM, **QUICK}
SUITE = {
    "title": "Keys",
    "dataset": {"name": "railscenes", "train": 4, "val": 2, "width": 48, "height": 36},
    "held_out": 1,
    "weights": {
        "icons": {
            "trained_on": "icons",
            "dataset": {"name": "icons", "train": 4},
            "pretraining": {"backbone": SLIM, "iterations": 1, "batch": 2, "crop": 32},
        }
    },
    "generators": {
        "CAM": {"name": "cam", "resize": [40, 48], **METHOD},
        "EPS": {"name": "eps", "resize": [40, 48], **METHOD},
    },
    "refiners": {
        "Affinity Net": {
            "name": "affinity",
            "taps": ["stage1", "stage3", "out"],
            "widths": [4, 8, 8],
            "steps": 2,
            **METHOD,
        }
    },
    "segmentors": {
        "V1": {
            "name": "mmseg",
            "config": "deeplab_v1_railscenes",
            "iterations": 1,
            "batch": 2,
            "crop": 32,
        }
    },
    "rows": [
        {"method": "CAM", "generator": "CAM", "segmentors": ["V1"]},
        {
            "method": "EPS + Affinity Net",
            "generator": "EPS",
            "refiners": ["Affinity Net"],
            "rule": {"name": "constant", "threshold": "held_out"},
        },
    ],
}


def copy_of_the_sources(folder):
    """Copy the packages into a folder; gives the paths from which Python imports the copies."""
    for name in ("harness", "leaderboard", "plugins", "configs"):
        ignored = shutil.ignore_patterns("__pycache__", "board", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return [folder / "harness", folder / "leaderboard", *sorted((folder / "plugins").iterdir())]


def stages():
    """The stages of the suite, inputs first, built anew."""
    from wsss_harness.plugins.registry import installed
    from wsss_harness.store.stage import upstream
    from wsss_harness.suite.graph import Graph
    from wsss_harness.suite.reading import check_suite

    graph = Graph(check_suite(SUITE, "keys"), installed(), 0)
    rows = [graph.row(row) for row in graph.suite.rows]
    return list(upstream(*(target for row in rows for target in row.targets)))


def keys():
    from wsss_harness.store import source_digest

    forget(source_digest._closure, source_digest._loaded_digest)
    return {f"{stage.kind} {stage.name}": stage.key for stage in stages()}


def forget(*functions):
    """Have cached functions look at the source again, as a new process would."""
    for function in functions:
        function.cache_clear()


def after_edit(path, before):
    """The stages whose keys differ once a comment has been added to a file."""
    text = path.read_bytes()
    try:
        path.write_bytes(text + b"\n# edited\n")
        return [title for title, key in keys().items() if before[title] != key]
    finally:
        path.write_bytes(text)


def run_stages(folder):
    """Run the body of each stage; gives the stage and the source files that had code executed."""
    from wsss_harness.contract.supervision import Ledger
    from wsss_harness.store.work import Work

    folders = {}
    for stage in stages():
        folders[stage.key] = folder / stage.key
        folders[stage.key].mkdir()
        inputs = {name: folders[needed.key] for name, needed in stage.inputs.items()}
        ledger = Ledger(folders[stage.key] / "read")
        work = Work(folders[stage.key], inputs, ledger, lambda done, total: None)
        yield stage, files_run_by(lambda stage=stage, work=work: stage.body(work))


def files_run_by(function):
    """The files of Python functions that are called while a function runs."""
    files = set()

    def note(frame, event, argument):
        if event == "call":
            files.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return files


if __name__ == "__main__":
    unedited = keys()
    print(json.dumps({name: after_edit(Path(name), unedited) for name in sys.argv[1:]}))
