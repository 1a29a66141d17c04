"""The options of SGAN. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import LabelSettings, NetworkMethod, require_option
from wsss_sgan.released import NAMES, adapted

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_sgan.network import SganShape


CLASSES = "classes.json"  # the names of the classes that a network was trained on


def vgg16() -> dict[str, Any]:
    """yaoqi-zd/SGAN: lib/network/backbone/vgg16.py. Colours are those of Caffe."""
    return {
        "name": "vgg16",
        "pools": [3, 3, 3, 0, 0],
        "dilations": [1, 1, 1, 1, 1],
        "normalise": "caffe",
        "channel_order": "bgr",
    }


@dataclass(frozen=True, kw_only=True)
class SganSettings(LabelSettings, NetworkMethod):
    """How SGAN is trained, and how its maps become seeds.

    ``crop``: the side in pixels to which images are squashed, in training and after it.
    ``keys``: channels that attention compares; ``hidden``: channels before the class maps, of which
    ``dropout`` drops some. ``seed_weight``: of the loss of the seeds.
    ``seed_threshold``: a score above this share of the largest of its class is an initial seed.
    ``salient``: pixels above it attend to each other; the background claims pixels below it.
    ``fraction``: a class claims pixels above this share of the maximum of its map.
    ``conflicts``: a pixel with several claims gets the smallest ``area``, or is ``undefined``.
    ``named_by_hand``: names of classes that leave the background what both claim; in the released
    program boat and train. It looks at the classes of VOC, so tables say where it is used.

    Defaults are those of yaoqi-zd/SGAN: config/sgan_vgg16_321x321.yml, tools/stage2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "saliency"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"fraction", "conflicts", "named_by_hand"})
    quick: ClassVar[Mapping[str, Any]] = {
        **LabelSettings.quick,
        "backbone": {**vgg16(), "width": 0.0625, "normalise": "imagenet"},
    }
    released: ClassVar[Mapping[str, str]] = NAMES

    backbone: Mapping[str, Any] = field(default_factory=vgg16)
    keys: int = 256
    hidden: int = 1024
    dropout: float = 0.5
    iterations: int = 8_000
    batch: int = 15
    crop: int = 321
    jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    momentum: float | Literal["released"] = 0.9
    lr: float = 1e-3
    seed_weight: float = 0.15
    seed_threshold: float = 0.3
    salient: float = 0.06
    fraction: float = 0.25
    conflicts: Literal["area", "undefined"] = "area"
    named_by_hand: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("keys", "hidden"):
            require_option(self, name, getattr(self, name) > 0, "above 0")
        require_option(self, "dropout", 0 <= self.dropout < 1, "0 or more and below 1")
        require_option(self, "seed_weight", self.seed_weight >= 0, "0 or more")
        for name in ("seed_threshold", "salient", "fraction"):
            require_option(self, name, 0 <= getattr(self, name) < 1, "0 or more and below 1")
        plain = self.conflicts == "area" or not self.named_by_hand
        require_option(self, "named_by_hand", plain, "nothing where conflicts is 'undefined'")

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return adapted(state)

    def shape(self, classes: int) -> SganShape:
        from wsss_sgan.network import SganShape

        return SganShape(self.backbone, classes, self.dropout, self.keys, self.hidden)
