"""The options of IRN. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import NetworkMethod, require_option
from wsss_harness.networks.crf import PARAMETERS
from wsss_irn.released import EDGE_HEAD, adapted

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_harness.networks.crf import Parameters
    from wsss_irn.network import EdgeShape

RELEASED_STEPS = 256
RELEASED_NODES = 94 * 125  # the grid of a VOC image of 375 x 500 at stride 4


def resnet50() -> dict[str, Any]:
    """Strides 2, 2, 2, 1 of its layers, without dilation (jiwoon-ahn/irn: net/resnet50.py)."""
    return {"name": "resnet50", "output_stride": 16, "dilated": False}


@dataclass(frozen=True, kw_only=True)
class IrnSettings(NetworkMethod):
    """How IRN is trained, and how scores walk between its boundaries.

    ``taps``: names of taps of the backbone; empty for all of stride 4 and more. The finest of them
    are the grid. ``frozen``: the ``backbone`` is never trained, as released; with ``none`` it
    learns too, at ``lr``, but for what its own options freeze.
    ``sure_foreground``: a class is sure where its score is above; ``sure_background``: background
    is sure where all scores are at most that; see labels. ``crf``: the name of the parameters of
    the CRF on both, or "none"; ``crf_scale`` divides its widths, for images smaller than those of
    VOC.
    ``radius``: nodes closer than this are pairs in training; ``walk_radius``: in the walk.
    ``rescale``: bounds of the random factor of both sides of an image.
    ``beta``, ``steps``: see walk.propagate of the harness; "grid" scales the released 256 steps by
    the number of nodes of the grid relative to that of a VOC image.
    ``background``: the score of the background after the walk.

    Defaults are those of jiwoon-ahn/irn: run_sample.py, step/train_irn.py,
    step/make_sem_seg_labels.py.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    at_inference: ClassVar[frozenset[str]] = frozenset(
        {"walk_radius", "beta", "steps", "background"}
    )
    quick: ClassVar[Mapping[str, Any]] = {
        **NetworkMethod.quick,
        "crf": "none",
        "radius": 3,
        "steps": 8,
    }
    released: ClassVar[Mapping[str, str]] = EDGE_HEAD

    backbone: Mapping[str, Any] = field(default_factory=resnet50)
    taps: tuple[str, ...] = ()
    frozen: Literal["backbone", "none"] = "backbone"
    sure_foreground: float = 0.30
    sure_background: float = 0.05
    crf: str = "irn"
    crf_scale: float = 1.0
    radius: int = 10
    rescale: tuple[float, float] = (0.5, 1.5)
    walk_radius: int = 5
    beta: float = 10.0
    steps: int | Literal["grid"] = RELEASED_STEPS
    background: float = 0.25
    iterations: int = 990
    batch: int = 32
    crop: int = 512
    jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    optimizer: Literal["sgd", "sgd_all", "adamw"] = "sgd_all"
    lr: float = 0.1
    head_lr: float = 1.0
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.rescale
        sure = 0 <= self.sure_background <= self.sure_foreground <= 1
        known = ("none", *PARAMETERS)
        require_option(self, "rescale", 0 < low <= high, "two factors above 0, the smaller first")
        require_option(self, "sure_background", sure, "0 to 'sure_foreground', that at most 1")
        require_option(self, "crf", self.crf in known, f"one of {', '.join(known)}")
        require_option(self, "crf_scale", self.crf_scale > 0, "above 0")
        for name in ("radius", "walk_radius"):
            require_option(self, name, getattr(self, name) >= 2, "at least 2")
        require_option(self, "beta", self.beta > 0, "above 0")
        require_option(self, "steps", self.steps == "grid" or self.steps >= 0, "0, more or 'grid'")
        require_option(self, "background", 0 <= self.background <= 1, "in [0, 1]")

    def parameters(self) -> Parameters | None:
        """Of the CRF on labels, None for no CRF."""
        return None if self.crf == "none" else PARAMETERS[self.crf].at_scale(self.crf_scale)

    def steps_on(self, nodes: int) -> int:
        """The number of steps on a grid of ``nodes`` nodes; "grid" takes at least one."""
        if isinstance(self.steps, int):
            return self.steps
        return max(1, round(RELEASED_STEPS * nodes / RELEASED_NODES))

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return adapted(state)

    def shape(self, classes: int) -> EdgeShape:
        """The same for any number of classes."""
        from wsss_irn.network import EdgeShape

        return EdgeShape(self.backbone, self.taps, self.frozen == "backbone")
