"""The stage that counts predictions on val, also as mmsegmentation does."""

from dataclasses import dataclass

import numpy as np

from wsss_harness.stages.measuring import MeasureMasks
from wsss_harness.stages.products import BY_MMSEG
from wsss_harness.stages.stage_data import VAL
from wsss_harness.store.work import Work
from wsss_harness.system import files


@dataclass(frozen=True)
class MeasurePredictions(MeasureMasks):
    """Counts on val, and what mmsegmentation's IoUMetric reports there, in percent."""

    split: str = VAL

    def __call__(self, work: Work) -> None:
        from wsss_harness.networks.segmentors import metric

        dataset = self.data.open(work)
        self.count(work, dataset)
        counts = np.load(work.folder / "confusion.npy", mmap_mode="r", allow_pickle=False)
        report = metric.read(counts, ("background", *dataset.classes))
        files.write_json(work.folder / BY_MMSEG, report)
