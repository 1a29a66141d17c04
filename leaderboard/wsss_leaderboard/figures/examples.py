"""Pictures for pages: images, truth, and what each row made of them, on sheets of tiles.

A few scored images, chosen independently of any mask, of datasets whose pictures may be published
(``publishable``, see ``hookspecs``). A sheet holds one tile for each image, so that 500 rows make a
thousand small files and not fifty times as many."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydantic import Field

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.contract.types import IGNORE, Map
from wsss_harness.execution.run import RowOutcome
from wsss_harness.metrics import curve
from wsss_harness.metrics.anatomy import CAUSES, causes
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages import explanations
from wsss_harness.stages.explanations import EXPLAINED, choose
from wsss_harness.stages.products import CURVE, SCORES, THRESHOLDS
from wsss_harness.stages.thresholds import divide
from wsss_harness.store.source_digest import package_digest
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_harness.system import locks
from wsss_harness.system.files import atomic, read_json, write_json
from wsss_harness.system.models import Fraction, StrictModel, validated
from wsss_harness.system.pictures import read_indices
from wsss_harness.system.score_files import read_scores
from wsss_leaderboard.figures import ink
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

EXAMPLES, INDEX = "examples", "index.json"
LOCK = ".examples.lock"
COUNT, COLUMNS = 24, 6
QUALITY = 82  # of WebP
CAUSE_COLOURS: dict[str, tuple[int, int, int]] = {
    "ignored": (210, 210, 210),
    "missing": (0, 114, 178),
    "boundary": (240, 228, 66),
    "context": (213, 94, 0),
    "confusion": (204, 121, 167),
    "extension": (230, 159, 0),
    "partial": (86, 180, 233),
}
FileName = Annotated[str, Field(pattern=r"^[\w-]+\.(png|webp)$")]


class Shown(StrictModel):
    """Sheets of a row; ``wrong`` is the share of wrong pixels of each image that has truth."""

    masks: FileName
    causes: FileName
    wrong: tuple[Fraction, ...]


class Examples(StrictModel):
    """The index of the folder: a tile is ``width`` x ``height`` pixels, ``columns`` in a row.

    ``drawn`` lists the masks that it was drawn from, so that nothing is drawn twice.
    """

    dataset: str
    fingerprint: str
    width: int
    height: int
    columns: int
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    images: FileName
    truth: FileName
    rows: dict[str, Shown]
    drawn: tuple[str, ...]


def read(results: Path) -> Examples | None:
    """The examples of a folder of results, if any; DataError names the file and invalid field."""
    path = results / EXAMPLES / INDEX
    return validated(Examples, read_json(path), path) if path.is_file() else None


def publishable(suite: Suite, plugins: Plugins) -> bool:
    """Whether the dataset of a suite declares that its pictures may be published."""
    dataset = plugins.find("dataset", suite.dataset.name).announced
    return bool(getattr(dataset, "publishable", False))


def write_examples(
    results: Path, suite: Suite, store: Store, dataset: Dataset, outcomes: Sequence[RowOutcome]
) -> None:
    """Write the examples of all rows of the first seed with masks and truth, including controls.

    Runs of one suite that end together take turns.
    """
    results.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(results / LOCK, wait=True):
        _write_examples(results, suite, store, dataset, outcomes)


def _write_examples(
    results: Path, suite: Suite, store: Store, dataset: Dataset, outcomes: Sequence[RowOutcome]
) -> None:
    rows = [outcome.row for outcome in outcomes if outcome.row.seed == suite.seeds[0]]
    rows = [row for row in rows if row.counts and store.done(row.masks)]
    drawn = (package_digest("wsss_leaderboard"), *(row.masks.key for row in rows))
    folder = results / EXAMPLES
    earlier = read(results)
    if not rows or (earlier and earlier.drawn == drawn):
        return
    for old in folder.glob("*"):
        old.unlink()
    ids = chosen(dataset, suite.held_out)
    images = [dataset.image(image_id) for image_id in ids]
    size = (max(len(i) for i in images), max(i.shape[1] for i in images))
    pictures = PillowImage.fromarray(sheet(images, size))
    _save(folder / "images.webp", pictures, format="WebP", quality=QUALITY)
    save_palette(
        folder / "truth.png", sheet([dataset.truth(i) for i in ids], size), ink.class_colours()
    )
    sheets = {row.row.method: _row(folder, row, store, dataset, ids, size) for row in rows}
    index = Examples(
        dataset=suite.dataset.name,
        fingerprint=dataset.fingerprint(),
        width=size[1],
        height=size[0],
        columns=COLUMNS,
        ids=tuple(ids),
        classes=dataset.classes,
        images="images.webp",
        truth="truth.png",
        rows=sheets,
        drawn=drawn,
    )
    write_json(folder / INDEX, index.model_dump(mode="json"))


def chosen(dataset: Dataset, held_out: int) -> list[str]:
    """Scored images, evenly spread over their list."""
    ids = scored_ids(dataset)
    _, scored = divide(ids, held_out)
    places = np.unique(np.linspace(0, len(scored) - 1, COUNT).round().astype(int))
    return [ids[scored[place]] for place in places]


def _row(
    folder: Path,
    row: RowStages,
    store: Store,
    dataset: Dataset,
    ids: Sequence[str],
    size: tuple[int, int],
) -> Shown:
    masks = [read_indices(store.folder(row.masks) / f"{image_id}.png") for image_id in ids]
    truths = [dataset.truth(image_id) for image_id in ids]
    cause_maps = [
        causes(truth, mask, dataset.context(image_id))
        for truth, mask, image_id in zip(truths, masks, ids, strict=True)
    ]
    name = f"{slug(row.row.method)[:40]}-{row.masks.key[:8]}"
    save_palette(folder / f"{name}.png", sheet(masks, size), ink.class_colours())
    save_palette(folder / f"{name}-causes.png", sheet(cause_maps, size), cause_palette())
    wrong = tuple(
        float((cause_map > 0).sum() / max(1, (truth != IGNORE).sum()))
        for truth, cause_map in zip(truths, cause_maps, strict=True)
    )
    return Shown(masks=f"{name}.png", causes=f"{name}-causes.png", wrong=wrong)


def sheet(tiles: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pictures of at most ``size`` (height, width) side by side, COLUMNS in a row, zero between."""
    high, wide = size
    shape = (-(-len(tiles) // COLUMNS) * high, COLUMNS * wide, *tiles[0].shape[2:])
    canvas = np.zeros(shape, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = np.multiply(divmod(number, COLUMNS), size)
        canvas[top : top + len(tile), left : left + tile.shape[1]] = tile
    return canvas


def cause_palette() -> NDArray[np.uint8]:
    """A colour for every value that ``anatomy.causes`` returns, (256, 3)."""
    table = np.zeros((256, 3), np.uint8)
    table[1 : len(CAUSES) + 1] = [CAUSE_COLOURS[cause] for cause in CAUSES]
    return table


def save_palette(path: Path, values: NDArray[np.uint8], colours: NDArray[np.uint8]) -> None:
    """Write a palette picture whose value 0 is transparent."""
    picture = PillowImage.frombytes("P", values.shape[::-1], values.tobytes())
    picture.putpalette(colours.tobytes())
    _save(path, picture, format="PNG", transparency=0, optimize=True)


def _save(path: Path, picture: PillowImage.Image, **how: Any) -> None:
    with atomic(path) as temporary:
        picture.save(temporary, **how)


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
    explained = [row for row in rows if row.explained and all(map(store.done, row.explained))]
    refined_names = explained_names(explained)
    wanted = (drawn.name, CURVES, COMPARISON, *refined_names)
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
    for row, name in zip(explained, refined_names, strict=True):
        refined = [
            _refined(image_id, row, store, dataset) for image_id in choose(dataset)[:EXPLAINED]
        ]
        refiner_figure(results / name, row.row.method, refined)
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
        masks[method] = read_indices(store.folder(row.masks) / f"{image_id}.png")
        assert row.scores is not None
        scores[method] = _largest(store.folder(row.scores), image_id)
    return Example(image_id, dataset.image(image_id), dataset.truth(image_id), masks, scores)


def explained_names(rows: Sequence[RowStages]) -> list[str]:
    """The files of the pictures of rows' refiners; methods may differ in signs alone."""
    slugs = [slug(row.row.method) for row in rows]
    keys = [
        f"-{row.masks.key[:8]}" * (slugs.count(s) > 1) for row, s in zip(rows, slugs, strict=True)
    ]
    return [f"refined-{name}{key}.png" for name, key in zip(slugs, keys, strict=True)]


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
