"""Folders of results for tests of pages: simulated boards with all that pages can show."""

import numpy as np
import simulated
from sample_records import score

from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.system.files import write_json
from wsss_leaderboard.figures import examples
from wsss_leaderboard.figures.examples import Examples, Shown
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records.provenance import Cost, Failure, Step, TruthUse
from wsss_leaderboard.records.scores import Cause, Thresholded

QUALITIES = {"CAM": 0.0, "EPS": 0.9, "SEAM": 0.1, "CAM + CRF": 0.3}
FAILED = "Breaks"
HOSTILE = "<img src=x onerror=alert(1)>"
HOSTILE_QUALITIES = {**QUALITIES, FAILED: 0.2, HOSTILE: 0.15}
ANATOMY = {cause: Cause(share=0.01 * (n + 1), gain=0.02) for n, cause in enumerate(CAUSES)}
DEFINITION = {
    "title": "Small",
    "seeds": [0, 1],
    "dataset": {"name": "railscenes", "train": 8},
    "generators": {"CAM": {"name": "cam"}},
    "rows": [{"method": "CAM", "generator": "CAM", "rule": {"threshold": 0.2}}],
}
CURVE = tuple(float(v) for v in 0.6 * np.exp(-(((np.arange(101) / 100 - 0.3) / 0.4) ** 2)))


def runs(qualities=QUALITIES, **options):
    """Simulated runs, of which the last one of FAILED did not finish."""
    settings = {**{"seeds": (0, 1), "images": 40, "luck": 0.02}, **options}
    return [dressed(run) for run in simulated.runs(qualities, **settings)]


def dressed(run):
    """The run with a curve, causes, costs and the suite that it is of."""
    record = run.record
    if record.method == FAILED and record.seed == 1:
        failure = Failure(message="it <b>broke</b>", stage="fit", kind="Boom", log_tail=("a < b",))
        changes = {"masks": None, "segmentations": (), "failure": failure, "counts": ""}
        return LoadedRecord(record.model_copy(update=changes), None)
    masks = record.masks.model_copy(
        update={
            "anatomy": ANATOMY,
            "curve": () if record.control else CURVE,
            "others": {
                name: Thresholded(threshold=t, score=score(CURVE[round(100 * t)]))
                for name, t in (("fixed", 0.2), ("held_out", 0.27), ("oracle", 0.3))
            },
        }
    )
    changes = {
        "masks": masks,
        "steps": (step(record),),
        "definition": DEFINITION,
        "selection": None if record.method == "CAM" else selection(record.protocol.images),
    }
    return LoadedRecord(record.model_copy(update=changes), None, run.tallies)


def selection(images):
    own = TruthUse(
        split="train", images=images, list="a", own=True, masks=214, thresholds=12120, checkpoints=0
    )
    more = {"images": images + 1464, "list": "b", "own": False, "masks": 1}
    return (own, own.model_copy(update=more))


def step(record):
    options = {"backbone": {"name": "resnet", "depth": 18}, "lr": len(record.method)}
    cost = Cost(wall_seconds=1, cpu_seconds=60 * (1 + record.seed))
    environment = {"device": "cpu"}
    key = f"{record.method} {record.seed}"
    return Step(stage="fit it 1", key=key, options=options, cost=cost, environment=environment)


def write(folder, qualities=QUALITIES, **options):
    """A folder of results, with pictures."""
    simulated.write(folder, runs(qualities, **options))
    _write_examples(folder, qualities)
    return folder


def _write_examples(folder, methods):
    place = folder / examples.EXAMPLES
    shown = Shown(masks="row.png", causes="row-causes.png", wrong=(0.1, 0.3, 0.2))
    index = Examples(
        dataset="small",
        fingerprint="simulated",
        width=8,
        height=6,
        columns=examples.COLUMNS,
        ids=("a", "b", "c"),
        classes=("dog", "cat"),
        images="images.webp",
        truth="truth.png",
        rows=dict.fromkeys(methods, shown),
        drawn=(),
    )
    write_json(place / examples.INDEX, index.model_dump(mode="json"))
    tiles = [np.full((6, 8), value, np.uint8) for value in (0, 1, 2)]
    for name in ("images.webp", "truth.png", "row.png", "row-causes.png"):
        examples.save_palette(place / name, examples.sheet(tiles, (6, 8)), examples.cause_palette())
