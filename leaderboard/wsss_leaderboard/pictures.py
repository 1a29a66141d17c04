"""Which pictures a suite's results get: threshold curves, and images with masks and scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wsss_harness.files import read_json, read_mask, write_json
from wsss_harness.metrics import curve
from wsss_harness.recipe import Suite
from wsss_harness.rows import RowStages
from wsss_harness.scorefiles import read_scores
from wsss_harness.stages import CURVE, SCORES, THRESHOLDS, divide
from wsss_harness.store import Store, source_digest
from wsss_harness.suite import Outcome
from wsss_harness.supervision import Dataset
from wsss_leaderboard.collect import FIXED
from wsss_leaderboard.figures import Curve, Example, curve_figure, method_figure

EXAMPLES = 6
COMPARISON, CURVES = "comparison.png", "curves.png"


def draw(
    results: Path, suite: Suite, store: Store, dataset: Dataset, outcomes: Sequence[Outcome]
) -> None:
    """Draw the rows of the first seed that have masks and scores, controls apart.

    Nothing is drawn again that was drawn from the same stages.
    """
    first = suite.seeds[0]
    rows = [o.row for o in outcomes if o.row.seed == first and not o.row.row.control]
    rows = [row for row in rows if store.done(row.masks) and row.curve and store.done(row.curve)]
    keys = [[row.row.method, stage.key] for row in rows for stage in row.targets]
    keys.append(["drawing", source_digest("wsss_leaderboard")])
    drawn = results / ".drawn.json"
    there = all((results / name).is_file() for name in (drawn.name, CURVES, COMPARISON))
    if not rows or (there and read_json(drawn) == keys):
        return
    curve_figure(results / CURVES, [_curve(row, store, suite, dataset) for row in rows])
    examples = [_example(image_id, rows, store, dataset) for image_id in choose(dataset)]
    names = ("background", *dataset.classes)
    method_figure(results / COMPARISON, examples, [row.row.method for row in rows], names)
    write_json(drawn, keys)


def choose(dataset: Dataset) -> list[str]:
    """Train images for the figure: the first that has each class alone, or else at all.

    The choice looks at image labels only, never at how well a method does.
    """
    ids = dataset.ids("train")
    wanted = [dataset.classes.index(name) + 1 for _, name in dataset.contexts]
    wanted += [k for k in range(1, len(dataset.classes) + 1) if k not in wanted]
    chosen: list[str] = []
    for number in wanted[:EXAMPLES]:
        free = [i for i in ids if number in dataset.present(i) and i not in chosen]
        alone = [i for i in free if dataset.present(i) == (number,)]
        chosen += (alone or free)[:1]
    return chosen


def _curve(row: RowStages, store: Store, suite: Suite, dataset: Dataset) -> Curve:
    assert row.curve is not None
    folder = store.folder(row.curve)
    _, scored = divide(dataset.ids("train"), suite.held_out)
    counted = curve.read(folder / CURVE).of(scored)
    marks: Mapping[str, float] = {"fixed": FIXED, **read_json(folder / THRESHOLDS)}
    return Curve(row.row.method, counted.thresholds, curve.miou(counted), marks)


def _example(image_id: str, rows: Sequence[RowStages], store: Store, dataset: Dataset) -> Example:
    masks, scores = {}, {}
    for row in rows:
        method = row.row.method
        masks[method] = read_mask(store.folder(row.masks) / f"{image_id}.png")
        assert row.scores is not None
        values = read_scores(store.folder(row.scores) / f"{image_id}{SCORES}").values
        scores[method] = values.max(0, initial=0)
    return Example(image_id, dataset.image(image_id), dataset.truth(image_id), masks, scores)
