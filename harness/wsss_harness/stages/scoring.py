"""Stages that write class scores: of a generator, and refined by a refiner."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Generator, Refiner
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.stages import batches
from wsss_harness.stages.products import SCORES, blaming, device, remaining, score_reader
from wsss_harness.stages.stage_data import StageView
from wsss_harness.store.work import LOG, Work
from wsss_harness.system import parallel
from wsss_harness.system.score_files import write_scores

ReadScores = Callable[[str], ClassScores]


@dataclass(frozen=True)
class ScoreImages:
    """Writes the class scores of every image of a view."""

    generator: Generator
    view: StageView

    def __call__(self, work: Work) -> None:
        score(work, self.generator, self.view.open(work))


@dataclass(frozen=True)
class RefineScores:
    """Writes the refined class scores of every image of a view."""

    refiner: Refiner
    view: StageView

    def __call__(self, work: Work) -> None:
        refine(work, self.refiner, self.view.open(work))


def score(work: Work, generator: Generator, view: View) -> None:
    write_by_network(work, generator.load(work.inputs["fit"], device()), view)


def refine(work: Work, refiner: Refiner, view: View) -> None:
    """Refine the scores of every image of the view.

    A refiner that says ``parallel`` is a pure function on the CPU and gets all cores.
    """
    scores = score_reader(work.inputs["scores"])
    if getattr(refiner, "parallel", False):
        refine_in_parallel(work, refiner, view, scores)
    else:
        write_by_network(work, refiner.load(work.inputs["fit"], device()), view, scores)


def write_by_network(
    work: Work, method: Callable[..., Any], view: View, *readers: Callable[[str], Any]
) -> None:
    """Write ``method(sample, *(read(image_id) for read in readers))`` for each image left to do."""
    samples = (view[image_id] for image_id, _ in remaining(work, view.ids, SCORES))
    for group in batches.by_size(samples, batches.at_once(device())):
        columns = [[read(sample.image_id) for sample in group] for read in readers]
        with blaming(view.owner, ", ".join(sample.image_id for sample in group)):
            scores_of_group = batches.together(method, group, *columns)
        for sample, scores in zip(group, scores_of_group, strict=True):
            _write(work.folder, sample, scores, view)


def refine_in_parallel(work: Work, refiner: Refiner, view: View, scores: ReadScores) -> None:
    """Refine the images that are left to do, spread over all cores."""
    start = partial(refine_one, refiner, view, scores, work.inputs["fit"], work.folder)
    ids = work.shard.of(view.ids)
    to_do = [i for i in ids if not (work.folder / f"{i}{SCORES}").is_file()]
    done = count(len(ids) - len(to_do))

    def progress() -> None:
        work.progress(next(done), len(ids))

    progress()
    parallel.run(start, to_do, parallel.cores(), work.folder / LOG, progress)


def refine_one(
    refiner: Refiner, view: View, scores: ReadScores, fit: Path, folder: Path
) -> Callable[[str], None]:
    """A function that refines one image and writes it; each process loads its own refiner."""
    refined = refiner.load(fit, "cpu")

    def refine_image(image_id: str) -> None:
        sample, before = view[image_id], scores(image_id)
        with blaming(view.owner, image_id):
            after = refined(sample, before)
        _write(folder, sample, after, view)

    return refine_image


def _write(folder: Path, sample: Sample, scores: ClassScores, view: View) -> None:
    check_scores(scores, sample, view)
    write_scores(folder / f"{sample.image_id}{SCORES}", scores)


def check_scores(scores: ClassScores, sample: Sample, view: View) -> None:
    """Raise PluginError unless a plugin's scores fit the image and the classes of the dataset."""
    owner, image = view.owner, f"image {sample.image_id}"
    if not isinstance(scores, ClassScores):
        raise PluginError(
            f"{owner} gave {type(scores).__name__} for {image}; expected ClassScores, which "
            "wsss_harness offers"
        )
    beyond = [number for number in scores.classes if number > len(view.classes)]
    if beyond:
        raise PluginError(
            f"{owner} scored class {beyond[0]} in {image}, but there are {len(view.classes)} "
            "classes"
        )
    if scores.size != sample.image.shape[:2]:
        raise PluginError(
            f"{owner} gave scores of size {scores.size} for {image}, which is "
            f"{sample.image.shape[:2]}; scores must have the size of their image"
        )
    scores.validate(sample.image_id, owner)
