"""The stage that refines class scores, image by image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from wsss_harness.contract.hookspecs import Refiner
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.plugins.loading import loaded
from wsss_harness.stages.arrays import reader_of
from wsss_harness.stages.products import SCORES, blaming, device
from wsss_harness.stages.scoring import write_by_network, write_checked
from wsss_harness.stages.stage_data import StageView
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.work import LOG, Work
from wsss_harness.system import parallel

ReadScores = Callable[[str], ClassScores]
Refine = Callable[[Sample, ClassScores], ClassScores]


@dataclass(frozen=True)
class RefineScores:
    """Writes the refined class scores of every image of a view; it may want arrays as well."""

    refiner: Refiner
    view: StageView
    files: StageFiles = field(default_factory=StageFiles)
    wants: tuple[str, ...] = ()

    def __call__(self, work: Work) -> None:
        view = self.view.open(work)
        refine(work, self.refiner, view, self.files.open(work, view.owner), self.wants)


def refine(
    work: Work,
    refiner: Refiner,
    view: View,
    files: Mapping[str, Path] | None = None,
    wants: Sequence[str] = (),
) -> None:
    """Refine the scores of every image of the view.

    A refiner that says ``parallel`` is a pure function on the CPU and gets all cores.
    """
    scores, fit = reader_of(work, wants), work.inputs["fit"]
    if getattr(refiner, "parallel", False):
        load = partial(loaded, refiner, fit, "cpu", view, files or {})
        refine_in_parallel(work, load, view, scores)
    else:
        write_by_network(work, loaded(refiner, fit, device(), view, files or {}), view, scores)


def refine_in_parallel(
    work: Work, load: Callable[[], Refine], view: View, scores: ReadScores
) -> None:
    """Refine the images that are left to do, spread over all cores."""
    start = partial(refine_one, load, view, scores, work.folder)
    ids = work.shard.of(view.ids)
    to_do = [i for i in ids if not (work.folder / f"{i}{SCORES}").is_file()]
    done = count(len(ids) - len(to_do))

    def progress() -> None:
        work.progress(next(done), len(ids))

    progress()
    parallel.run(start, to_do, parallel.cores(), work.folder / LOG, progress)


def refine_one(
    load: Callable[[], Refine], view: View, scores: ReadScores, folder: Path
) -> Callable[[str], None]:
    """A function that refines one image and writes it; each process loads its own refiner."""
    refined = load()

    def refine_image(image_id: str) -> None:
        sample, before = view[image_id], scores(image_id)
        with blaming(view.owner, image_id):
            after = refined(sample, before)
        write_checked(folder, sample, after, view)

    return refine_image
