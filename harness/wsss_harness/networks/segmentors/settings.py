"""The options of a segmentor. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from wsss_harness.networks.crf import check_name
from wsss_harness.networks.segmentors import config
from wsss_harness.networks.training.settings import Amp


@dataclass(frozen=True)
class SegmentorSettings:
    """How a segmentation network is trained and applied.

    ``config``: the name of a file in configs/segmentors, or the path of another file.
    ``iterations``, ``batch``, ``crop``: replace the values of the configuration.
    ``scales``, ``flip``: copies of an image whose probabilities are averaged at test time.
    ``crf``: the name of the parameters of a dense CRF that sharpens the average, or "none".
    ``amp``, ``channels_last``, ``compiled``: see training.settings.Arithmetic.
    ``workers``: the number of processes that load images.
    ``checkpoint_every``: iterations between two states from which training can resume.
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
        """The digest of the configuration's text, on which the result depends."""
        content = config.text(config.find(self.config))
        return {"config": sha256(content.encode()).hexdigest()}
