"""SeCo: crops with the tag of the class that they show, in a single stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import require_option
from wsss_toco.method import TokenMethod

if TYPE_CHECKING:
    from wsss_harness import Run
    from wsss_toco.items import Look
    from wsss_toco.losses import SecoLoss
    from wsss_toco.network import SecoShape

VIEWS = 2  # whole images besides the crops of each


@dataclass(frozen=True, kw_only=True)
class SeCo(TokenMethod):
    """Yang et al., "Separate and Conquer: Decoupling Co-occurrence via Decomposition and
    Representation for Weakly Supervised Semantic Segmentation", CVPR 2024.

    ``tag_weight``: of both contrasts of tags. ``tags``: a crop has a tag if enough of its ``area``
    is no background, or, as released, if the mean of its class ``numbers`` is large; ``empty``:
    what an image without any region shows, ``background`` or, as ``released``, class 1.
    ``momentum_of_teacher``: of the second encoder. ``queue``: remembered keys; ``queue_start``:
    what the first ones, random numbers, count as: ``nothing`` or, as ``released``, background.
    ``prototypes_from``, ``contrast_after``, ``last_layer_from``: iterations, see losses.SecoLoss.
    Defaults are those of zwyang6/SeCo: scripts/train_voc.py. It seeds the random numbers anew for
    each image; here they depend on the seed and the iteration.
    """

    paper: ClassVar[str] = "Yang et al., CVPR 2024"
    golden: ClassVar[tuple[str, ...]] = ("seco",)
    in_iterations: ClassVar[frozenset[str]] = frozenset(
        {*TokenMethod.in_iterations, "prototypes_from", "contrast_after", "last_layer_from"}
    )
    quick: ClassVar[Mapping[str, Any]] = {
        **TokenMethod.quick,
        "queue": 8,
        "prototypes_from": 1,
        "contrast_after": 1,
        "last_layer_from": 3,
    }

    map_scales: tuple[float, ...] = (1.0, 0.5, 0.75, 1.5)
    patches: float = 0.3
    segmentation: float = 0.12
    crops: int = 10
    crop_size: int = 64
    tag_weight: float = 0.5
    tags: Literal["area", "numbers"] = "area"
    empty: Literal["background", "released"] = "background"
    momentum_of_teacher: float = 0.999
    queue: int = 4608
    queue_start: Literal["nothing", "released"] = "nothing"
    prototypes_from: int = 600
    contrast_after: int = 1_000
    last_layer_from: int = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        keys = self.batch * (VIEWS + self.crops)
        require_option(self, "queue", self.queue >= keys, f"{keys}, the keys of a batch, or more")
        moves = 0 <= self.momentum_of_teacher < 1
        require_option(self, "momentum_of_teacher", moves, "0 or more and below 1")
        for name in ("tag_weight", "prototypes_from", "contrast_after", "last_layer_from"):
            require_option(self, name, getattr(self, name) >= 0, "0 or more")

    def shape(self, classes: int) -> SecoShape:
        from wsss_toco.network import SecoShape

        start = 0 if self.queue_start == "released" else -1
        momentum = self.momentum_of_teacher
        return SecoShape(self.backbone, classes, self.layer, momentum, self.queue, start)

    def start(self, network: Any, run: Run) -> None:
        super().start(network, run)
        network.second.load_state_dict(network.backbone.state_dict())

    def loss(self) -> SecoLoss:
        from wsss_toco.crops import LocalCrops
        from wsss_toco.losses import SecoLoss
        from wsss_toco.tags import Tagger

        return SecoLoss(
            self.teaching(),
            LocalCrops(self.crops, self.crop_size),
            Tagger(counted=self.tags, empty=self.empty),
            self.tag_weight,
            self.prototypes_from,
            self.contrast_after,
            self.segment_after,
            self.last_layer_from,
        )

    def first_look(self) -> Look:
        from wsss_toco.items import Look

        return Look(plain=True)
