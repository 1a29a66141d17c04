"""The stage that counts masks at all thresholds and chooses thresholds on the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.metrics import curve
from wsss_harness.stages.products import CURVE, THRESHOLDS, score_reader
from wsss_harness.stages.stage_data import StageData
from wsss_harness.store.work import Work
from wsss_harness.system import files


@dataclass(frozen=True)
class ChooseThresholds:
    """Counts the masks of all thresholds, and chooses thresholds on the truth."""

    data: StageData
    held_out: int

    def __call__(self, work: Work) -> None:
        choose_thresholds(work, self.data.open(work), self.held_out)


def choose_thresholds(work: Work, dataset: Dataset, held_out: int) -> None:
    """Count the masks of all thresholds in one pass, and choose thresholds on the truth.

    Writes curve.npz for all images, and thresholds.json: ``oracle`` is the best threshold on the
    scored images themselves, ``held_out`` the best on images that are kept apart from them.
    """
    scores = score_reader(work.inputs["scores"])
    ids, classes = scored_ids(dataset), len(dataset.classes)

    def tables() -> Iterator[curve.Table]:
        for number, image_id in enumerate(ids):
            yield curve.entries(dataset.truth(image_id), scores(image_id), classes, number)
            work.progress(number + 1, len(ids))

    curve.write(work.folder / CURVE, tables(), classes)
    counted = curve.read(work.folder / CURVE)
    apart, scored = divide(ids, held_out)
    thresholds = {"oracle": curve.best(counted.of(scored))}
    if apart:
        thresholds["held_out"] = curve.best(counted.of(apart))
    files.write_json(work.folder / THRESHOLDS, thresholds)


def divide(ids: Sequence[str], held_out: int) -> tuple[list[int], list[int]]:
    """Places in ``ids`` of the images whose truth may choose a threshold, and of the others.

    The former are spread evenly over the list.
    """
    apart = [index * len(ids) // held_out for index in range(held_out)]
    return apart, sorted({*range(len(ids))} - {*apart})
