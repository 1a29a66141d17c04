"""A segmentor that mmsegmentation builds and mmengine trains; both load when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wsss_harness.networks.segmentors.settings import SegmentorSettings

if TYPE_CHECKING:
    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.contract.types import Mask, Sample


@dataclass(frozen=True)
class MmsegSegmentor(SegmentorSettings):
    """Train an EncoderDecoder on masks, then segment whole images."""

    def fit(self, data: View, masks: Path, run: Run) -> None:
        """Train on the images of ``data`` and masks/<image id>.png, where 255 is ignored.

        Writes weights.pth, a plain state dict, and config.json.
        """
        from wsss_harness.networks.segmentors import fitting

        fitting.fit(self, data, masks, run)

    def load(self, folder: Path, device: str) -> Callable[[Sample], Mask]:
        """The trained network as a function from an image to its mask of the same size."""
        from wsss_harness.networks.segmentors import inference

        return inference.load(folder, device, tuple(self.scales), self.flip, self.crf)
