"""The stage that writes the class scores of a generator."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.stages import batches
from wsss_harness.stages.products import SCORES, blaming, device, remaining
from wsss_harness.stages.stage_data import StageView
from wsss_harness.store.work import Work
from wsss_harness.system.score_files import write_scores


@dataclass(frozen=True)
class ScoreImages:
    """Writes the class scores of every image of a view."""

    generator: Generator
    view: StageView

    def __call__(self, work: Work) -> None:
        score(work, self.generator, self.view.open(work))


def score(work: Work, generator: Generator, view: View) -> None:
    write_by_network(work, loaded(generator, work.inputs["fit"], device(), view), view)


def loaded(method: Any, folder: Path, device: str, view: View) -> Callable[..., Any]:
    """The function that a generator or refiner loads; some look at the view of train as well."""
    train = (view,) if getattr(method, "needs_train", False) else ()
    function: Callable[..., Any] = method.load(folder, device, *train)
    return function


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
            write_checked(work.folder, sample, scores, view)


def write_checked(folder: Path, sample: Sample, scores: ClassScores, view: View) -> None:
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
