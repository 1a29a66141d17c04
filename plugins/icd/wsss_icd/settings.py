"""The options of ICD. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import LabelSettings, NetworkMethod, require_option
from wsss_icd.released import NAMES, adapted

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_icd.network import IcdShape

GREY = 127 / 255


def vgg16() -> dict[str, Any]:
    """js-fan/ICD: core/model/vgg.py. Colours are levels minus 127."""
    return {
        "name": "vgg16",
        "pools": [3, 3, 3, 3, 3],
        "average": True,
        "fc_dilation": 1,
        "drop": "elements",
        "normalise": [[GREY] * 3, [1 / 255] * 3],
    }


@dataclass(frozen=True, kw_only=True)
class IcdSettings(LabelSettings, NetworkMethod):
    """How ICD is trained, and what its scores are.

    ``backbone``: as released a vgg16 with fc6 and fc7, which the top-down branch starts from. With
    any other, that branch has two layers of its own, and all branches read its last features.
    ``dropout``: of single values after fc7. ``optimizer``: ``sgd`` is that of ICD; the others are
    those of all methods.
    ``rescale``: factors of both sides, of which an item draws one. ``lr_every``: iterations
    between two changes of the rate of ``sgd``. ``top_down_warmup``: iterations in which the
    top-down loss grows. ``ghost``: images that are normalised together.
    ``merge_to``: the most regions of an image, 0 for as many as there are. ``merge_input``: whether
    the network that compares them sees images ``normalised``, or as ``released``, where the mean is
    not subtracted.
    ``canvas``: the side in pixels on which an image is seen without rescaling.
    ``seeds``: ``none`` gives the sigmoid of the logits and a background of 1 - the largest,
    ``released`` the seeds of the released program: 1 for a class or the background, nothing where
    a pixel is undefined, which the background rule "explicit" makes 255 with ``undefined`` 0.1.

    Defaults are those of js-fan/ICD: run_icd.py, on two GPUs.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "regions"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"seeds"})
    in_iterations: ClassVar[frozenset[str]] = frozenset(
        {*NetworkMethod.in_iterations, "lr_every", "top_down_warmup"}
    )
    quick: ClassVar[Mapping[str, Any]] = {
        **LabelSettings.quick,
        "backbone": {**vgg16(), "width": 0.0625},
        "rescale": (1.0,),
        "merge_to": 8,
        "canvas": 65,
    }
    released: ClassVar[Mapping[str, str]] = NAMES

    backbone: Mapping[str, Any] = field(default_factory=vgg16)
    dropout: float = 0.5
    iterations: int = 6_600
    batch: int = 32
    crop: int = 321
    rescale: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5)
    jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    momentum: float | Literal["released"] = 0.9
    lr: float = 1e-3
    lr_every: int = 330
    top_down_warmup: int = 661
    ghost: int = 16
    merge_to: int = 64
    merge_input: Literal["released", "normalised"] = "released"
    canvas: int = 513
    seeds: Literal["none", "released"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        factors = bool(self.rescale) and min(self.rescale) > 0
        require_option(self, "rescale", factors, "at least one factor, all above 0")
        for name in ("lr_every", "ghost", "canvas"):
            require_option(self, name, getattr(self, name) > 0, "above 0")
        whole = self.batch <= self.ghost or self.batch % self.ghost == 0
        require_option(self, "ghost", whole, "a divisor of the option batch, or more than it")
        for name in ("top_down_warmup", "merge_to"):
            require_option(self, name, getattr(self, name) >= 0, "0 or more")
        require_option(self, "dropout", 0 <= self.dropout < 1, "0 or more and below 1")

    @classmethod
    def unused(cls, options: Mapping[str, Any]) -> Mapping[str, str]:
        if options.get("optimizer", cls.optimizer) == "sgd":
            return {}
        return {"lr_every": "only the optimizer 'sgd' has it"}

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return adapted(state)

    def shape(self, classes: int) -> IcdShape:
        from wsss_icd.network import IcdShape

        return IcdShape(self.backbone, classes, self.dropout, self.ghost)
