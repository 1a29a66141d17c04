"""The stage that predicts masks with a fitted segmentor."""

from dataclasses import dataclass, field

import numpy as np

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Segmentor
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import IGNORE, Mask, Sample, unknown_value
from wsss_harness.plugins.loading import loaded
from wsss_harness.stages.products import MASK, blaming, device, remaining
from wsss_harness.stages.single_stage import SegmentingGenerator
from wsss_harness.stages.stage_data import StageView
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.work import Work
from wsss_harness.system import pictures


@dataclass(frozen=True)
class PredictMasks:
    """Writes the mask that a fitted segmentor makes of every image of a view."""

    segmentor: Segmentor | SegmentingGenerator
    view: StageView
    files: StageFiles = field(default_factory=StageFiles)

    def __call__(self, work: Work) -> None:
        view = self.view.open(work)
        files = self.files.open(work, view.owner)
        segment = loaded(self.segmentor, work.inputs["fit"], device(), view, files)
        for image_id, path in remaining(work, view.ids, MASK):
            sample = view[image_id]
            with blaming(view.owner, image_id):
                mask = segment(sample)
            check_mask(mask, sample, view)
            pictures.write_mask(path, mask)


def check_mask(mask: Mask, sample: Sample, view: View) -> None:
    """Raise PluginError unless a plugin's mask fits the image and the classes."""
    classes, size = len(view.classes), sample.image.shape[:2]
    if not isinstance(mask, np.ndarray):
        raise PluginError(
            f"{view.owner} gave {type(mask).__name__} for image {sample.image_id}; expected a mask"
        )
    unknown = unknown_value(mask, classes) if mask.dtype == np.uint8 else None
    if mask.shape != size or mask.dtype != np.uint8 or unknown is not None:
        stray = f" with the value {unknown}" if unknown is not None else ""
        raise PluginError(
            f"{view.owner} gave a mask of {mask.dtype} {mask.shape}{stray} for image "
            f"{sample.image_id}; expected uint8 {size} with 0..{classes} or {IGNORE}"
        )
