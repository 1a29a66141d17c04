"""The stage that writes the class scores of a generator."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.plugins.loading import loaded
from wsss_harness.stages.arrays import write_arrays
from wsss_harness.stages.products import SCORES, blaming, device, remaining
from wsss_harness.stages.stage_data import StageView
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.work import Work
from wsss_harness.system.score_files import write_scores

AHEAD = 64  # images that may wait for others of their size
MOST = 8
BYTES = 6 * 10**9  # that ResNet38 needs for a VOC image and its mirror image at scale 2


@dataclass(frozen=True)
class ScoreImages:
    """Writes the class scores of every image of a view, and the arrays that it ``keeps``."""

    generator: Generator
    view: StageView
    files: StageFiles = field(default_factory=StageFiles)
    keeps: tuple[str, ...] = ()

    def __call__(self, work: Work) -> None:
        view = self.view.open(work)
        score(work, self.generator, view, self.files.open(work, view.owner), self.keeps)


def score(
    work: Work,
    generator: Generator,
    view: View,
    files: Mapping[str, Path] = MappingProxyType({}),
    keeps: Sequence[str] = (),
) -> None:
    function = loaded(generator, work.inputs["fit"], device(), view, files)
    write_by_network(work, function, view, keeps=keeps)


def write_by_network(
    work: Work,
    method: Callable[..., Any],
    view: View,
    *readers: Callable[[str], Any],
    keeps: Sequence[str] = (),
) -> None:
    """Write ``method(sample, *(read(image_id) for read in readers))`` for each image left to do.

    ``keeps``: names of arrays that are written as well.
    """
    samples = (view[image_id] for image_id, _ in remaining(work, view.ids, SCORES))
    for group in by_size(samples, at_once(device())):
        columns = [[read(sample.image_id) for sample in group] for read in readers]
        with blaming(view.owner, ", ".join(sample.image_id for sample in group)):
            scores_of_group = together(method, group, *columns)
        for sample, scores in zip(group, scores_of_group, strict=True):
            write_checked(work.folder, sample, scores, view, keeps)


def write_checked(
    folder: Path, sample: Sample, scores: ClassScores, view: View, keeps: Sequence[str] = ()
) -> None:
    """Write scores, which say that an image is done, after the arrays that it ``keeps``."""
    check_scores(scores, sample, view)
    if keeps:
        write_arrays(folder, sample.image_id, scores.arrays, keeps, view.owner)
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


# Batches of images of equal size, for inference on a GPU


def at_once(device: str) -> int:
    """How many images go through a network together; 1 on a CPU, where more are not faster.

    Results on a CPU therefore do not depend on where an interrupted run resumes.
    """
    if not device.startswith("cuda"):
        return 1
    import torch

    free, _ = torch.cuda.mem_get_info(device)  # other processes may use the GPU too
    return min(max(free // BYTES, 1), MOST)


def by_size(samples: Iterable[Sample], most: int) -> Iterator[list[Sample]]:
    """Yield groups of up to ``most`` samples whose images have equal size."""
    waiting: dict[tuple[int, ...], list[Sample]] = {}
    for sample in samples:
        group = waiting.setdefault(sample.image.shape, [])
        group.append(sample)
        if len(group) == most or sum(map(len, waiting.values())) == AHEAD:
            yield waiting.pop(max(waiting, key=lambda size: len(waiting[size])))
    yield from waiting.values()


def together(function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """``function`` of each row of ``columns``, by one call of its method ``many`` if it has one.

    If the memory of the GPU is too small for all rows together, they are done one by one.
    """
    many = getattr(function, "many", None)
    if many is not None and len(columns[0]) > 1:
        try:
            return list(many(*columns))
        except RuntimeError as error:
            # By name, so that torch need not be there.
            if type(error).__name__ != "OutOfMemoryError":
                raise
    return [function(*row) for row in zip(*columns, strict=True)]
