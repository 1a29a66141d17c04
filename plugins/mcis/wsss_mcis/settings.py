"""The options of MCIS. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import LabelSettings, NetworkMethod, require_option
from wsss_mcis.released import NAMES, adapted

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_mcis.network import McisShape

SEED = "seed.json"  # of the references
EPOCH = 2_117  # batches of 5 of 10,582 images, the last one included
SQUASHED = "images are squashed, neither mirrored nor cropped"
DROPS = "the rates of the optimizer 'sgd' follow lr_drops"


def vgg16() -> dict[str, Any]:
    """GuoleiSun/MCIS_wsss: Classifier/models/vgg.py."""
    return {"name": "vgg16", "pools": [2, 2, 2, 3, 0]}


@dataclass(frozen=True, kw_only=True)
class McisSettings(LabelSettings, NetworkMethod):
    """How MCIS is trained, and how maps of pairs become scores.

    ``crop``: the side to which images are squashed; they are neither cropped nor mirrored.
    ``optimizer``: ``sgd`` is that of MCIS, with Nesterov's momentum and ``lr_drops``, iterations
    from which the rate is a tenth of what it was; the others and their schedule are those of all
    methods.
    ``width``: channels of the three convolutions after the backbone; None: as many as it has. With
    the 1,280 of MobileNetV2 they would have 44 M parameters, with the released 512 they have 11 M.
    ``sides``: factors of ``crop`` for two further copies of an image.
    ``partners``: the probability that a partner is drawn among the images of a class of the image,
    itself included; else among all images.
    ``rest_from``: the iteration from which the classes that a pair does not share are learnt.
    ``references``: images of each present class that an image is paired with at inference.
    ``at_least``: a map counts if the sigmoid of its mean exceeds this; the first always does.
    ``stretch``: stretch the map of each class from 0 to 1, as the released program for masks does.

    Defaults are those of GuoleiSun/MCIS_wsss: Classifier/train.sh, scripts/train.py,
    scripts/test.py: the state after 11 of 15 epochs.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"references", "at_least", "stretch"})
    in_iterations: ClassVar[frozenset[str]] = frozenset(
        {*NetworkMethod.in_iterations, "lr_drops", "rest_from"}
    )
    quick: ClassVar[Mapping[str, Any]] = {
        **LabelSettings.quick,
        "backbone": {**vgg16(), "width": 0.0625},
        "rest_from": 2,
        "references": 1,
    }
    released: ClassVar[Mapping[str, str]] = NAMES

    backbone: Mapping[str, Any] = field(default_factory=vgg16)
    iterations: int = 11 * EPOCH
    batch: int = 5
    crop: int = 256
    width: int | None = None
    sides: tuple[float, float] = (0.75, 2.0)
    flip: float = 0.0
    momentum: float | Literal["released"] = 0.9
    lr: float = 1e-3
    lr_drops: tuple[int, ...] = (5 * EPOCH, 10 * EPOCH)
    partners: float = 1.0
    rest_from: int = 2 * EPOCH
    references: int = 3
    at_least: float = 0.1
    stretch: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "sides", min(self.sides) > 0, "two factors above 0")
        for name in ("partners", "at_least"):
            require_option(self, name, 0 <= getattr(self, name) <= 1, "0 to 1")
        require_option(self, "width", self.width is None or self.width > 0, "at least 1")
        require_option(self, "rest_from", self.rest_from >= 0, "0 or more")
        require_option(self, "references", self.references > 0, "at least 1")
        ascend = list(self.lr_drops) == sorted({drop for drop in self.lr_drops if drop > 0})
        require_option(self, "lr_drops", ascend, "ascending iterations above 0")

    @classmethod
    def unused(cls, options: Mapping[str, Any]) -> Mapping[str, str]:
        own = options.get("optimizer", cls.optimizer) == "sgd"
        rates = dict.fromkeys(("schedule", "power", "warmup"), DROPS)
        others = {"lr_drops": "only the optimizer 'sgd' has them"}
        return {"flip": SQUASHED, "padding": SQUASHED, **(rates if own else others)}

    def copies(self) -> tuple[int, int]:
        """The sides in pixels of the two further copies of an image."""
        small, large = (max(1, round(self.crop * factor)) for factor in self.sides)
        return small, large

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return adapted(state)

    def shape(self, classes: int) -> McisShape:
        from wsss_mcis.network import McisShape

        return McisShape(self.backbone, classes, self.width)
