"""What a figure of panels shows: rows and images, and the masks that finished stages made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import TRUTH, Dataset, scored_ids, without
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import TRAIN, VAL, check_unchanged
from wsss_harness.stages.thresholds import divide
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import rows_of
from wsss_harness.suite.truth_colours import palette_of_truth
from wsss_harness.system.palettes import palette
from wsss_harness.system.pictures import read_indices
from wsss_harness.system.similar import did_you_mean
from wsss_leaderboard.figures.panels import Line, Panels


@dataclass(frozen=True)
class Choice:
    """What to show: the rows named ``methods``, in this order; by default all methods of the suite.

    ``ids``: images, in this order; by default ``count`` are chosen. ``seed``: by default the first.
    ``segmentor``: one whose predictions on val are shown instead of pseudo-masks.
    """

    methods: Sequence[str] = ()
    ids: Sequence[str] = ()
    count: int = 5
    seed: int | None = None
    segmentor: str | None = None

    @property
    def split(self) -> str:
        return VAL if self.segmentor else TRAIN


def panels(suite: Suite, plugins: Plugins, store: Store, choice: Choice) -> Panels:
    """Images, truth and masks of finished rows; without truth if an image has none.

    Raises:
        ConfigError: there is no such row, seed, segmentor or image, or there are too few images.
        DataError: the data, or the masks of rows, are not made; names all these rows.
    """
    graph = Graph(suite, plugins, _seed(suite, choice.seed))
    dataset = _opened(graph, store)
    rows = _rows(graph, dataset, choice.methods)
    stages = {row.row.method: _shown(row, choice.segmentor) for row in rows}
    folders = _folders(stages, store, graph.seed)
    ids = _named(choice.ids, dataset, choice.split) or _chosen(suite, dataset, choice)
    with_truth = not without(dataset, TRUTH, ids)
    return Panels(
        titles=("image", *["truth"] * with_truth, *folders),
        lines=tuple(_line(dataset, i, with_truth, folders.values()) for i in ids),
        colours=colours_of(dataset, ids[0]),
        classes=("background", *dataset.classes),
    )


def _seed(suite: Suite, seed: int | None) -> int:
    if seed is not None and seed not in suite.seeds:
        raise ConfigError(f"--seed {seed}: the seeds of the suite are {list(suite.seeds)}")
    return suite.seeds[0] if seed is None else seed


def _opened(graph: Graph, store: Store) -> Dataset:
    """The data of a suite that was run.

    Raises:
        DataError: it was not, or its files changed since.
    """
    if not store.done(graph.data):
        raise DataError(f"the data is not in the store {store.root}; run the suite first")
    folder = store.folder(graph.data)
    dataset = graph.opened(folder)
    check_unchanged(dataset, folder, graph.suite.dataset.name)
    return dataset


def _rows(graph: Graph, dataset: Dataset, methods: Sequence[str]) -> list[RowStages]:
    rows = {row.row.method: row for row in rows_of(graph, dataset)}
    for method in methods:
        if method not in rows:
            raise ConfigError(f"--rows {method}: no row has this name{did_you_mean(method, rows)}")
    if methods:
        return [rows[method] for method in dict.fromkeys(methods)]
    return [row for row in rows.values() if not row.row.control]


def _shown(row: RowStages, segmentor: str | None) -> Stage:
    """The stage whose masks are shown."""
    predictions = {part.label: part.predictions for part in row.segmentations}
    if segmentor and segmentor not in predictions:
        raise ConfigError(
            f"--segmentor {segmentor}: row '{row.row.method}' has no such segmentor"
            f"{did_you_mean(segmentor, predictions)}"
        )
    return predictions[segmentor] if segmentor else row.masks


def _folders(stages: Mapping[str, Stage], store: Store, seed: int) -> dict[str, Path]:
    """The folders with the masks of each method; DataError names all that are not made."""
    missing = [method for method, stage in stages.items() if not store.done(stage)]
    if missing:
        raise DataError(
            f"the masks of {', '.join(missing)} (seed {seed}) are not in the store {store.root}; "
            "run these rows first, or leave them out with --rows"
        )
    return {method: store.folder(stage) for method, stage in stages.items()}


def _named(ids: Sequence[str], dataset: Dataset, split: str) -> list[str]:
    known = dict.fromkeys(dataset.ids(split))
    for image_id in ids:
        if image_id not in known:
            raise ConfigError(
                f"--id {image_id}: {split} has no such image{did_you_mean(image_id, known)}"
            )
    return list(dict.fromkeys(ids))


def _chosen(suite: Suite, dataset: Dataset, choice: Choice) -> list[str]:
    ids = _candidates(suite, dataset, choice.split)
    if choice.count > len(ids):
        raise ConfigError(
            f"--images {choice.count}: there are only {len(ids)} images to choose from"
        )
    return spread(dataset, ids, choice.count)


def _candidates(suite: Suite, dataset: Dataset, split: str) -> Sequence[str]:
    """Images that chose no threshold; if some of them have a truth, those."""
    ids: Sequence[str] = dataset.ids(split)
    if split == TRAIN:
        scored = scored_ids(dataset)
        ids = [scored[place] for place in divide(scored, suite.held_out)[1]]
    missing = {*without(dataset, TRUTH, ids)}
    return [image_id for image_id in ids if image_id not in missing] or ids


def spread(dataset: Dataset, ids: Iterable[str], count: int) -> list[str]:
    """``count`` of the ``ids``, spread over the classes. Reads image labels, never a mask.

    Classes take turns, evenly spaced in their list. Each adds the first image left that has it: by
    turns one with this class alone and one with other classes too, where there is a choice.
    """
    left = {image_id: dataset.present(image_id) for image_id in ids}
    numbers = range(1, len(dataset.classes) + 1)
    spaced = np.linspace(1, numbers[-1], min(count, len(numbers))).round().astype(int).tolist()
    turns = [*spaced, *(number for number in numbers if number not in spaced)] * count
    chosen: list[str] = []
    for number in turns:
        if (chosen_id := _first(left, number, len(chosen) % 2 == 1)) and len(chosen) < count:
            chosen.append(chosen_id)
            del left[chosen_id]
    return chosen + [*left][: count - len(chosen)]  # images without any class


def _first(labels: Mapping[str, tuple[int, ...]], number: int, several: bool) -> str | None:
    """The first image with a class; if possible, one with ``several`` classes, or with it alone."""
    ids = [image_id for image_id, present in labels.items() if number in present]
    return min(ids, key=lambda image_id: (len(labels[image_id]) > 1) != several, default=None)


def colours_of(dataset: Dataset, image_id: str) -> NDArray[np.uint8]:
    """A colour for every mask value, (256, 3): that of the file of a truth, else PASCAL VOC's."""
    table = np.frombuffer(palette(), np.uint8).reshape(-1, 3).copy()
    own = np.frombuffer(palette_of_truth(dataset, image_id) or b"", np.uint8).reshape(-1, 3)
    table[: len(own)] = own
    return table


def _line(dataset: Dataset, image_id: str, with_truth: bool, folders: Iterable[Path]) -> Line:
    masks = [read_indices(folder / f"{image_id}.png") for folder in folders]
    if with_truth:
        masks.insert(0, dataset.truth(image_id))
    return Line(image_id, dataset.image(image_id), tuple(masks))
