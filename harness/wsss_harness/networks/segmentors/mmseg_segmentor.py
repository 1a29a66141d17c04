"""A segmentor that mmsegmentation builds and mmengine trains. Free of torch until it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness.networks.crf_parameters import check_name
from wsss_harness.networks.segmentors import config
from wsss_harness.networks.training.settings import Amp

if TYPE_CHECKING:
    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.contract.types import Mask, Sample


@dataclass(frozen=True)
class MmsegSegmentor:
    """Train an EncoderDecoder on masks, then segment whole images.

    ``config``: the name of a file in configs/segmentors, or the path of another one.
    ``iterations``, ``batch``, ``crop``: instead of those of the configuration.
    ``scales``, ``flip``: copies of an image whose probabilities are averaged at test time.
    ``crf``: the name of the parameters of a dense CRF that sharpens them, or "none".
    ``amp``, ``channels_last``, ``compiled``: see settings.Arithmetic. ``workers``: processes that
    load images.
    ``checkpoint_every``: iterations after which a killed training can go on.
    """

    config: str = "deeplab_v2_resnet101_voc"
    iterations: int | None = None
    batch: int | None = None
    crop: int | None = None
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    crf: str = "none"
    amp: Amp = "off"
    channels_last: bool = False
    compiled: bool = False
    workers: int = 0
    checkpoint_every: int = 200

    needs: ClassVar[frozenset[str]] = frozenset()
    distributed: ClassVar[bool] = True
    at_inference: ClassVar[frozenset[str]] = frozenset({"scales", "flip", "crf"})
    idle: ClassVar[frozenset[str]] = frozenset({"workers", "checkpoint_every"})
    quick: ClassVar[Mapping[str, Any]] = {
        "config": "deeplab_v1_railscenes",
        "iterations": 4,
        "batch": 2,
        "crop": 32,
        "checkpoint_every": 1,
    }

    def __post_init__(self) -> None:
        config.find(self.config)
        if self.crf != "none":
            check_name(self.crf)

    def identity(self) -> dict[str, Any]:
        """What the result depends on beyond the fields: the text of the configuration."""
        content = config.text(config.find(self.config))
        return {"config": sha256(content.encode()).hexdigest()}

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
