"""The stage that refines masks, image by image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wsss_harness.contract.hookspecs import MaskRefiner
from wsss_harness.contract.supervision import View
from wsss_harness.stages.predicting import check_mask
from wsss_harness.stages.products import MASK, blaming, device, in_parallel, remaining
from wsss_harness.stages.stage_data import StageView
from wsss_harness.store.work import Work
from wsss_harness.system import pictures


@dataclass(frozen=True)
class RefineMasks:
    """Writes the refined mask of every image of a view; on all cores if the refiner can."""

    refiner: MaskRefiner
    view: StageView

    def __call__(self, work: Work) -> None:
        view, masks = self.view.open(work), work.inputs["masks"]
        if getattr(self.refiner, "parallel", False):
            start = partial(refining, self.refiner, view, masks, work.folder, "cpu")
            in_parallel(work, view.ids, MASK, start)
        else:
            refine = refining(self.refiner, view, masks, work.folder, device())
            for image_id, _ in remaining(work, view.ids, MASK):
                refine(image_id)


def refining(
    refiner: MaskRefiner, view: View, masks: Path, folder: Path, device: str
) -> Callable[[str], None]:
    """A function that refines the mask of one image and writes it below ``folder``."""
    function = refiner.load(device)

    def refine(image_id: str) -> None:
        sample, before = view[image_id], pictures.read_indices(masks / f"{image_id}{MASK}")
        with blaming(view.owner, image_id):
            after = function(sample, before)
        check_mask(after, sample, view)
        pictures.write_mask(folder / f"{image_id}{MASK}", after)

    return refine
