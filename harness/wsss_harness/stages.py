"""The work of each stage, from images to measured masks: functions over folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wsss_harness.errors import PluginError
from wsss_harness.hookspecs import DatasetSource, Generator, Refiner, Run
from wsss_harness.scorefiles import read_scores, write_scores
from wsss_harness.store import Work
from wsss_harness.supervision import View
from wsss_harness.types import ClassScores, Sample

if TYPE_CHECKING:
    pass

SCORES = ".scores"
DATA = "data"


def device() -> str:
    """The device that plugins work on."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def held_apart(ids: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` ids spread evenly over the list: the images whose truth may choose a threshold."""
    return tuple(ids[index * len(ids) // count] for index in range(count))


def _run(work: Work, seed: int, weights: Path | None = None) -> Run:
    return Run(work.folder, seed, device(), weights, work.progress)


def _remaining(work: Work, ids: Sequence[str], suffix: str) -> Iterator[tuple[str, Path]]:
    """The ids whose file is not there yet; reports progress as the caller goes on."""
    work.progress(0, len(ids))
    for index, image_id in enumerate(ids, 1):
        path = work.folder / f"{image_id}{suffix}"
        if not path.is_file():
            yield image_id, path
        work.progress(index, len(ids))


def prepare(work: Work, source: DatasetSource, seed: int) -> None:
    source.prepare(_run(work, seed))


def fit_generator(work: Work, generator: Generator, data: View, run: Run) -> None:
    generator.fit(data, run)


def score(work: Work, generator: Generator, data: View) -> None:
    """Write the class scores of every image of the view."""
    scorer = generator.load(work.inputs["fit"], device())
    for image_id, path in _remaining(work, data.ids, SCORES):
        _write(path, data[image_id], scorer(data[image_id]), data.owner)


def refine(work: Work, refiner: Refiner, data: View) -> None:
    """Write the refined class scores of every image of the view."""
    refined = refiner.load(work.inputs["fit"], device())
    for image_id, path in _remaining(work, data.ids, SCORES):
        before = read_scores(work.inputs["scores"] / path.name)
        _write(path, data[image_id], refined(data[image_id], before), data.owner)


def _write(path: Path, sample: Sample, scores: ClassScores, owner: str) -> None:
    if scores.size != sample.image.shape[:2]:
        raise PluginError(
            f"{owner} gave scores of size {scores.size} for image {sample.image_id}, which is "
            f"{sample.image.shape[:2]}; scores must have the size of their image"
        )
    scores.validate(sample.image_id, owner)
    write_scores(path, scores)


def reader(folder: Path) -> Callable[[str], ClassScores]:
    """A function that reads the scores of an image id from a finished score stage."""
    return lambda image_id: read_scores(folder / f"{image_id}{SCORES}")
