"""The base class of CAM-like generators. Only its methods import torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness.contract.options import require_option
from wsss_harness.networks.classmaps.settings import ClassifierSettings
from wsss_harness.networks.training.method import NetworkMethod

if TYPE_CHECKING:
    from pathlib import Path

    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.contract.types import ClassScores, Sample
    from wsss_harness.networks.classmaps.fitting import Extra
    from wsss_harness.networks.classmaps.inference import Inference
    from wsss_harness.networks.classmaps.network import ClassMapsShape
    from wsss_harness.networks.training.loop import Loss


@dataclass(frozen=True, kw_only=True)
class ClassMapGenerator(ClassifierSettings, NetworkMethod):
    """Train a ClassMaps network with a loss, then merge its maps over scales and orientations.

    A subclass declares what it ``needs``, its ``loss`` and its defaults. It may override how many
    ``channels`` its network has, its ``shape`` with its ``kind``, and its ``inference``.

    ``pooling`` and ``dropout``: see network.ClassMaps. ``scales``, ``normalise``: see
    inference.Inference.
    """

    needs: ClassVar[frozenset[str]]
    at_inference: ClassVar[frozenset[str]] = frozenset({"scales", "normalise"})
    quick: ClassVar[Mapping[str, Any]] = {**ClassifierSettings.quick, "scales": (1.0,)}
    activation: ClassVar[str] = "relu"
    released: ClassVar[Mapping[str, str]] = {"fc8.weight": "head.weight"}
    distributed: ClassVar[bool] = True

    pooling: Literal["head_then_pool", "pool_then_head"] = "head_then_pool"
    dropout: float = 0.0
    scales: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
    normalise: Literal["max", "min_max"] = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        positive = bool(self.scales) and min(self.scales) > 0
        require_option(self, "scales", positive, "at least one, all above 0")
        require_option(self, "dropout", 0 <= self.dropout < 1, "at least 0 and below 1")

    @abstractmethod
    def loss(self, classes: tuple[str, ...]) -> Loss:
        """The loss for a dataset with these names of the classes 1..C."""

    def extra_items(self, data: View, run: Run) -> Extra | None:
        """What a batch holds besides images and supervision: a function of the image id.

        It returns arrays of one shape each by name. Called once, before training.
        """
        return None

    def channels(self, classes: int) -> int:
        """The number of maps for a number of classes."""
        return classes

    def kind(self) -> type[ClassMapsShape]:
        """The class of ``shape``."""
        from wsss_harness.networks.classmaps.network import ClassMapsShape

        return ClassMapsShape

    def shape(self, classes: int) -> ClassMapsShape:
        return self.kind()(self.backbone, self.channels(classes), self.pooling, self.dropout)

    def inference(self) -> Inference:
        """How scores are read from the trained network."""
        from wsss_harness.networks.classmaps.inference import Inference

        return Inference(tuple(self.scales), self.activation, self.normalise)

    def fit(self, data: View, run: Run) -> None:
        """Train, or load a checkpoint; write weights.pth and network.json."""
        from wsss_harness.networks.classmaps.fitting import fit_classifier

        loss = self.loss(data.classes)
        self.train_network(
            data,
            run,
            lambda maps: fit_classifier(maps, loss, data, run, self, self.extra_items(data, run)),
        )

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        from wsss_harness.networks.classmaps.inference import Scorer

        return Scorer(self.trained(folder, device), self.inference())
