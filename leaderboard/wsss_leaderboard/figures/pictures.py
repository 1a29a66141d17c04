"""The pictures of a suite's results: threshold curves, and images with masks and scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.contract.types import Map
from wsss_harness.execution.run import RowOutcome
from wsss_harness.metrics import curve
from wsss_harness.stages import explanations
from wsss_harness.stages.explanations import EXPLAINED, choose
from wsss_harness.stages.products import CURVE, SCORES, THRESHOLDS
from wsss_harness.stages.thresholds import divide
from wsss_harness.store.source_digest import package_digest
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_harness.system.files import read_json, read_mask, write_json
from wsss_harness.system.score_files import read_scores
from wsss_leaderboard.figures.drawings import (
    Example,
    RefinedExample,
    ThresholdCurve,
    curve_figure,
    method_figure,
    refiner_figure,
)
from wsss_leaderboard.records.record import slug
from wsss_leaderboard.records.score_reader import FIXED

COMPARISON, CURVES = "comparison.png", "curves.png"


def draw(
    results: Path, suite: Suite, store: Store, dataset: Dataset, outcomes: Sequence[RowOutcome]
) -> None:
    """Draw the rows of the first seed that have masks and scores, without controls.

    Nothing is drawn again if the pictures there were drawn from the same stages.
    """
    first = suite.seeds[0]
    rows = [o.row for o in outcomes if o.row.seed == first and not o.row.row.control]
    rows = [row for row in rows if store.done(row.masks) and row.curve and store.done(row.curve)]
    generators = [row.row.generator for row in rows]
    rows.sort(key=lambda row: generators.index(row.row.generator))  # before beside after
    keys = [[row.row.method, stage.key] for row in rows for stage in row.targets]
    keys.append(["drawing", package_digest("wsss_leaderboard")])
    drawn = results / ".drawn.json"
    explained = [row for row in rows if explained_done(row, store)]
    wanted = (drawn.name, CURVES, COMPARISON, *map(explained_name, explained))
    there = all((results / name).is_file() for name in wanted)
    if there and rows and read_json(drawn) == keys:
        return
    for old in (drawn, *results.glob("*.png")):  # pictures of other stages would mislead
        old.unlink(missing_ok=True)
    if not rows:
        return
    curve_figure(results / CURVES, [_curve(row, store, suite, dataset) for row in rows])
    examples = [_example(image_id, rows, store, dataset) for image_id in choose(dataset)]
    names = ("background", *dataset.classes)
    method_figure(results / COMPARISON, examples, [row.row.method for row in rows], names)
    for row in explained:
        refined = [
            _refined(image_id, row, store, dataset) for image_id in choose(dataset)[:EXPLAINED]
        ]
        refiner_figure(results / explained_name(row), row.row.method, refined)
    write_json(drawn, keys)


def _curve(row: RowStages, store: Store, suite: Suite, dataset: Dataset) -> ThresholdCurve:
    assert row.curve is not None
    folder = store.folder(row.curve)
    _, scored = divide(scored_ids(dataset), suite.held_out)
    counted = curve.read(folder / CURVE).of(scored)
    marks: Mapping[str, float] = {"fixed": FIXED, **read_json(folder / THRESHOLDS)}
    return ThresholdCurve(row.row.method, counted.thresholds, curve.miou(counted), marks)


def _example(image_id: str, rows: Sequence[RowStages], store: Store, dataset: Dataset) -> Example:
    masks, scores = {}, {}
    for row in rows:
        method = row.row.method
        masks[method] = read_mask(store.folder(row.masks) / f"{image_id}.png")
        assert row.scores is not None
        scores[method] = _largest(store.folder(row.scores), image_id)
    return Example(image_id, dataset.image(image_id), dataset.truth(image_id), masks, scores)


def explained_done(row: RowStages, store: Store) -> bool:
    return bool(row.explained) and all(store.done(stage) for stage in row.explained)


def explained_name(row: RowStages) -> str:
    """The file of the picture of a row's refiners."""
    return f"refined-{slug(row.row.method)}.png"


def _refined(image_id: str, row: RowStages, store: Store, dataset: Dataset) -> RefinedExample:
    """How the last refiner that can explain itself decides, with the scores before and after."""
    assert row.scores is not None
    *_, stage = row.explained
    folders = stage.inputs["scores"], row.scores
    before, after = (_largest(store.folder(scores), image_id) for scores in folders)
    explained = explanations.read(store.folder(stage) / f"{image_id}.npz")
    return RefinedExample(image_id, dataset.image(image_id), before, explained, after)


def _largest(folder: Path, image_id: str) -> Map:
    largest: Map = read_scores(folder / f"{image_id}{SCORES}").values.max(0, initial=0)
    return largest
