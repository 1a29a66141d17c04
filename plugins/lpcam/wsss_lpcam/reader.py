"""The trained network that LPCAM reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from wsss_harness import ClassMapGenerator, ClassMaps, ClassMapsShape, ConfigError, normalise
from wsss_lpcam.centres import high_and_low

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Image, Previous, Sample


@dataclass(frozen=True)
class Reader:
    """A backbone with the classifier of the classes, and the scores of the generator it is from."""

    network: ClassMaps
    shape: ClassMapsShape
    scores: Callable[[Sample], ClassScores]

    @property
    def weights(self) -> Tensor:
        """(C, d): the classifier."""
        return self.network.head.weight.detach().flatten(1).cpu()

    @torch.inference_mode()
    def features(self, image: Image) -> Tensor:
        """(d, h, w) of the image at its own size."""
        values = normalise(image, self.network.mean, self.network.std)
        plain = torch.from_numpy(values).to(self.network.device)
        features: Tensor = self.network.backbone(plain[None])["out"][0].cpu()
        return features

    def rows(self, sample: Sample, number: int, threshold: float) -> tuple[Tensor, Tensor]:
        """The features (n, d) of a sample where the scores of a class are high, and low."""
        scores, features = self.scores(sample), self.features(sample.image)
        of_class = torch.from_numpy(scores.values[scores.classes.index(number)])
        height, width = features.shape[1:]
        high, low = high_and_low(of_class, (height, width), threshold)
        return features[:, high].T, features[:, low].T


def reader_of(previous: Previous | None, classes: int, device: str) -> Reader:
    """The network of a generator, without what it has besides backbone and classifier.

    Raises:
        ConfigError: there is no generator, or it has no class maps.
    """
    if previous is None or not isinstance(previous.generator, ClassMapGenerator):
        raise ConfigError(
            "lpcam reads the network of a generator of class maps, such as cam_irn or cam; name "
            "one as its previous"
        )
    generator, folder = previous.generator, previous.folder
    trained = generator.trained(folder, device)
    shape = ClassMapsShape(generator.backbone, classes, "pool_then_head", 0.0)
    network = shape.build().to(device).eval()
    network.backbone.load_state_dict(trained.backbone.state_dict())
    network.head.weight.data.copy_(trained.head.weight[:classes])
    return Reader(network, shape, generator.load(folder, device))
