"""A backbone with a 1x1 head: class maps, and their spatial mean as the image's logits."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.types import Image
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.base import Backbone
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.networks.classmaps.augment import normalise
from wsss_harness.networks.training.loop import finish
from wsss_harness.networks.training.optimizers import Headed
from wsss_harness.system import files

WEIGHTS = "weights.pth"
SHAPE = "network.json"

HEAD_THEN_POOL = "head_then_pool"
POOL_THEN_HEAD = "pool_then_head"

Network = TypeVar("Network", bound=Headed)


class ClassMaps(Headed):
    """Maps (B, channels, h, w) of raw logits and pooled logits (B, channels) of images.

    The head is a 1x1 convolution without bias and with Xavier's initial weights, as released. It is
    linear, so both orders of head and pooling give the same logits up to rounding. ``pooling``
    selects the order: CAM pools first (psa, EPS: network/resnet38_cls.py), EPS applies the head
    first (network/resnet38_eps.py). ``dropout`` drops whole channels of the features: 0.5 in CAM,
    none in EPS. ``heads`` names the parts that have no pretrained weights.
    """

    heads: tuple[str, ...] = ("head",)

    def __init__(self, backbone: Backbone, channels: int, pooling: str, dropout: float) -> None:
        super().__init__()
        if pooling not in (HEAD_THEN_POOL, POOL_THEN_HEAD):
            raise ConfigError(
                f"pooling '{pooling}' is unknown; choose {HEAD_THEN_POOL} or {POOL_THEN_HEAD}"
            )
        self.backbone = backbone
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(backbone.out_channels, channels, 1, bias=False)
        self.pooling, self.channels = pooling, channels
        self.mean, self.std = backbone.mean, backbone.std
        nn.init.xavier_uniform_(self.head.weight)

    @torch.no_grad()
    def feature(self, image: Image) -> Tensor:
        """The spatial mean (channels,) of the features of an image (H, W, 3), without dropout."""
        values = torch.from_numpy(normalise(image, self.mean, self.std)).to(self.device)
        pooled: Tensor = self.backbone(values[None])["out"].mean((2, 3))[0]
        return pooled

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.dropout(self.backbone(images)["out"])
        maps = self.head(features)
        if self.pooling == HEAD_THEN_POOL:
            return maps, maps.mean((2, 3))
        pooled = self.head(features.mean((2, 3), keepdim=True))
        return maps, pooled.flatten(1)


@dataclass(frozen=True)
class NetworkShape(Generic[Network]):
    """What rebuilds a network on a ``backbone``; network.json holds its fields.

    ``kind`` is the class of the network, which takes the backbone and the other fields in order.
    """

    kind: ClassVar[Callable[..., Any]]

    backbone: Mapping[str, Any]

    def build(self, seed: int = 0) -> Network:
        """The network with weights that depend on ``seed`` alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.assemble(backbones.build(**self.backbone))

    def assemble(self, backbone: Backbone) -> Network:
        _, *others = (getattr(self, field.name) for field in dataclasses.fields(self))
        network: Network = type(self).kind(backbone, *others)
        return network

    def save(self, network: Network, run: Run) -> None:
        """Write weights.pth, a plain state dict, and network.json; delete the training state."""
        files.write_json(run.folder / SHAPE, dataclasses.asdict(self))
        finish(network, run.folder / WEIGHTS, run)

    @classmethod
    def load(cls, folder: Path, device: str) -> Network:
        """The network that ``save`` wrote with a shape of this class, in eval mode."""
        network = cls(**files.read_json(folder / SHAPE)).build()
        network.load_state_dict(read_state(folder / WEIGHTS))
        return network.to(device).eval()


@dataclass(frozen=True)
class ClassMapsShape(NetworkShape[ClassMaps]):
    """What rebuilds a ClassMaps network."""

    kind = ClassMaps

    channels: int
    pooling: str
    dropout: float
