"""The options that ToCo and SeCo share, and what a single-stage method does with its network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import LabelSettings, NetworkMethod, require_option

if TYPE_CHECKING:
    from wsss_harness import Batch, ClassScores, Mask, Run, Sample, View
    from wsss_toco.items import Look
    from wsss_toco.targets import Teaching


def vit_base() -> dict[str, Any]:
    return {"name": "vit_base"}


@dataclass(frozen=True, kw_only=True)
class TokenMethod(LabelSettings, NetworkMethod):
    """A vision transformer whose class maps teach its own patch tokens and decoder.

    ``layer``: the middle layer, counted from the end with -1 as the last. ``rescale``: bounds of a
    random factor of both sides. ``views``: each look at an image is mirrored ``once`` with its
    box and maps, or again by itself, as ``released``. ``low``, ``high``: maps up to ``low`` are
    background, above ``high`` a class. ``map_scales``: of class maps, ``segment_scales``: of masks
    that the decoder predicts; ``scored``: the layer whose maps are the scores.
    ``weights_of_par``: PAR's weights add up to 1.01, as ``released``, or to 1, ``normalised``.
    ``boxes``: patches outside of the image are ignored, or, as ``released``, hardly any.
    ``rates``: those of the released program, whose warm-up starts near 0 and ends with a drop, or
    the ``shared`` ones. ``patches``, ``segmentation``, ``energy``: weights of losses.
    ``segment_after``: iterations before the decoder learns.
    ``crops``, ``crop_size``: number and side in pixels of local crops.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"segment_scales", "scored"})
    in_iterations: ClassVar[frozenset[str]] = NetworkMethod.in_iterations | {"segment_after"}
    quick: ClassVar[Mapping[str, Any]] = {
        **LabelSettings.quick,
        "backbone": {"name": "vit_slim", "depth": 3},
        "crops": 2,
        "crop_size": 16,
        "segment_after": 1,
        "map_scales": (1.0,),
        "segment_scales": (1.0,),
    }

    backbone: Mapping[str, Any] = field(default_factory=vit_base)
    layer: int = -3
    iterations: int = 20_000
    batch: int = 4
    crop: int = 448
    rescale: tuple[float, float] = (0.5, 2.0)
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    views: Literal["once", "released"] = "once"
    optimizer: Literal["sgd", "sgd_all", "adamw"] = "adamw"
    lr: float = 6e-5
    weight_decay: float = 0.01
    warmup: int = 1500
    rates: Literal["released", "shared"] = "released"
    low: float = 0.25
    high: float = 0.7
    map_scales: tuple[float, ...] = (1.0, 0.5, 1.5)
    segment_scales: tuple[float, ...] = (1.0, 1.25, 1.5)
    scored: Literal["last", "middle"] = "last"
    weights_of_par: Literal["released", "normalised"] = "released"
    boxes: Literal["image", "released"] = "image"
    patches: float = 0.2
    segmentation: float = 0.1
    energy: float = 0.05
    segment_after: int = 2_000
    crops: int = 8
    crop_size: int = 96

    def __post_init__(self) -> None:
        super().__post_init__()
        name = str(self.backbone["name"])
        require_option(self, "backbone", "vit" in name, "a vision transformer, such as vit_base")
        ordered = 0 <= self.low <= self.high < 1
        require_option(self, "low", ordered, f"0 to the option high, which is {self.high}")
        bounds = 0 < self.rescale[0] <= self.rescale[1]
        require_option(self, "rescale", bounds, "two factors above 0, the smaller one first")
        for name in ("map_scales", "segment_scales"):
            positive = bool(getattr(self, name)) and min(getattr(self, name)) > 0
            require_option(self, name, positive, "at least one, all above 0")
        for name in ("patches", "segmentation", "energy", "segment_after"):
            require_option(self, name, getattr(self, name) >= 0, "0 or more")
        require_option(self, "layer", self.layer < 0, "below 0; -1 is the last layer")
        require_option(self, "crops", self.crops > 0, "above 0")
        fits = 0 < self.crop_size < self.crop
        require_option(self, "crop_size", fits, f"less than the option crop, {self.crop}")

    def teaching(self) -> Teaching:
        from wsss_toco.labels import Bounds
        from wsss_toco.par import Par
        from wsss_toco.targets import LossWeights, Teaching

        return Teaching(
            Bounds(self.low, self.high),
            self.map_scales,
            Par(normalised=self.weights_of_par == "normalised"),
            LossWeights(self.patches, self.segmentation, self.energy),
            self.boxes,
        )

    @abstractmethod
    def loss(self) -> Callable[[Any, Batch], dict[str, Any]]:
        """The losses of a network and a batch, by name."""

    @abstractmethod
    def first_look(self) -> Look:
        """How the image that is segmented looks."""

    def fit(self, data: View, run: Run) -> None:
        """Train, or load a checkpoint; write weights.pth and network.json."""
        self.train_network(data, run, lambda network: self.learn(network, data, run))

    def learn(self, network: Any, data: View, run: Run) -> None:
        """Train a network in place."""
        from wsss_harness.networks.classmaps.augment import Cropping
        from wsss_harness.networks.classmaps.fitting import labelled_ids
        from wsss_harness.networks.training.loop import Draws, fit_network
        from wsss_toco.items import ItemMaker, Looks
        from wsss_toco.schedule import schedule_of

        cropping, again = Cropping.of(self, network.backbone), self.views == "released"
        make = ItemMaker(data, cropping, self.rescale, Looks(self.first_look()), again)
        draws = Draws(labelled_ids(data, self.unlabelled), make, run.seed)
        schedule = schedule_of(self) if self.rates == "released" else None
        fit_network(network, self.loss(), draws, run, self, schedule=schedule)

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        from wsss_toco.inference import MapScorer

        return MapScorer(self.trained(folder, device), self.map_scales, self.scored == "middle")

    def load_segmentor(self, folder: Path, device: str) -> Callable[[Sample], Mask]:
        from wsss_toco.inference import Segmenter

        return Segmenter(self.trained(folder, device), self.segment_scales)
