"""Stages that count: metrics of masks, and the quality of saliency maps."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Metric
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.metrics.saliency import QualityCounts
from wsss_harness.stages.products import IDS, MASK, QUALITY, blaming
from wsss_harness.stages.stage_data import SCORED, VAL, StageData
from wsss_harness.store.work import Work
from wsss_harness.system import files, pictures


@dataclass(frozen=True)
class MeasureMasks:
    """Writes the counts of every metric for every scored image of train.

    ``<metric>.npy`` is (images, ...) int64; rows are written as they come, so memory stays flat.
    """

    data: StageData
    metrics: Mapping[str, Metric]
    split: str = SCORED

    def __call__(self, work: Work) -> None:
        self.count(work, self.data.open(work))

    def count(self, work: Work, dataset: Dataset) -> None:
        ids = dataset.ids(VAL) if self.split == VAL else scored_ids(dataset)
        measure(work, self.metrics, dataset, ids)


def measure(
    work: Work, metrics: Mapping[str, Metric], dataset: Dataset, ids: Sequence[str]
) -> None:
    files.write_json(work.folder / IDS, ids)
    with contextlib.ExitStack() as stack:
        write = {
            name: stack.enter_context(files.row_writer(work.folder / f"{name}.npy", len(ids)))
            for name in metrics
        }
        for number, image_id in enumerate(ids, 1):
            path = work.inputs["masks"] / f"{image_id}{MASK}"
            for name, counts in count_image(path, metrics, dataset, image_id).items():
                write[name](counts)
            work.progress(number, len(ids))


def count_image(
    path: Path, metrics: Mapping[str, Metric], dataset: Dataset, image_id: str
) -> dict[str, Any]:
    """The counts of each metric for the mask in ``path``."""
    truth, mask = dataset.truth(image_id), pictures.read_indices(path)
    if truth.shape != mask.shape:
        raise DataError(f"{path} is {mask.shape}, the truth of its image is {truth.shape}")
    context, classes = dataset.context(image_id), len(dataset.classes)
    counts = {}
    for name, metric in metrics.items():
        with blaming(f"metric '{name}'", image_id):
            counts[name] = metric.count(truth, mask, classes, context)
    return counts


@dataclass(frozen=True)
class JudgeSaliency:
    """Writes how good the saliency maps of the scored images are, measured on their truth."""

    data: StageData

    def __call__(self, work: Work) -> None:
        dataset, counts = self.data.open(work), QualityCounts()
        ids = scored_ids(dataset)
        for number, image_id in enumerate(ids, 1):
            counts.add(dataset.truth(image_id), dataset.saliency(image_id))
            work.progress(number, len(ids))
        files.write_json(work.folder / QUALITY, asdict(counts.read()))
