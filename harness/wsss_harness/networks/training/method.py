"""What every method does that trains one network. Only its methods import torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness.networks.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.networks.classmaps.network import NetworkShape


@dataclass(frozen=True, kw_only=True)
class NetworkMethod(TrainingSettings, ABC):
    """A method that trains one network, or takes released weights of it.

    A subclass says which ``shape`` its network has. Its ``fit`` calls ``train_network`` with what
    is its own, how the network learns, and its ``load`` begins with ``trained``. ``released`` names
    tensors of a released checkpoint and our names for them, see ``adapt``.
    """

    released: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def shape(self, classes: int) -> NetworkShape[Any]:
        """What builds the network for a number of classes."""

    def network(self, classes: int, seed: int = 0) -> Any:
        """The network before training."""
        return self.shape(classes).build(seed)

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Convert the tensors of a released checkpoint to the form of this network."""
        return state

    def start(self, network: Any, run: Run) -> None:
        """Fill a new network with the initial weights, if the suite names some."""
        from wsss_harness.networks.backbones.weights import load_weights

        if run.weights is not None:
            load_weights(network.backbone, run.weights)

    def train_network(self, data: View, run: Run, learn: Callable[[Any], None]) -> None:
        """Train a network, or load the checkpoint; write weights.pth and network.json.

        ``learn(network)`` trains a network in place.
        """
        from wsss_harness.networks.backbones.weights import load_released

        network = self.network(len(data.classes), run.seed)
        if self.checkpoint is not None:
            load_released(network, Path(self.checkpoint), self.released, self.adapt)
        else:
            self.start(network, run)
            learn(network)
        self.shape(len(data.classes)).save(network, run)

    def trained(self, folder: Path, device: str) -> Any:
        """The network that ``train_network`` wrote, in eval mode."""
        return self.shape(1).load(folder, device)
