"""Backbones by name: networks that turn images into features, with rules of what is frozen."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.system.extras import require_extra
from wsss_harness.system.similar import did_you_mean

if TYPE_CHECKING:
    from wsss_harness.networks.backbones.base import Backbone

VITS = ("clip_vit_base", "vit_base", "vit_slim", "vit_small")
NAMES = (
    "mobilenet_v2",
    "openmmlab_resnet",
    "resnet101",
    "resnet18",
    "resnet38",
    "resnet50",
    "vgg16",
    *VITS,
)


def build(name: str, **options: Any) -> Backbone:
    """The backbone called ``name`` with random weights.

    Raises:
        ConfigError: the name or an option is unknown, or a value is not allowed.
    """
    builder = _builder(name)
    known_options = option_names(name)
    if unknown := sorted(set(options) - set(known_options)):
        raise ConfigError(
            f"backbone {name} has no option '{unknown[0]}'{did_you_mean(unknown[0], known_options)}"
        )
    return builder(**options)


def option_names(name: str) -> list[str]:
    """The options of a backbone; ConfigError if its name is unknown."""
    return sorted(inspect.signature(_builder(name)).parameters)


def require(name: str) -> None:
    """Raise MissingExtra if the library that a backbone needs is not installed; imports nothing."""
    if name in VITS:
        require_extra("timm", "vit", f"backbone {name}")


def _builder(name: str) -> Callable[..., Backbone]:
    """The function that builds a backbone; torch is first imported here."""
    match name:
        case "resnet38":
            from wsss_harness.networks.backbones.resnet38 import ResNet38

            return ResNet38
        case "vgg16":
            from wsss_harness.networks.backbones.vgg16 import VGG16

            return VGG16
        case "openmmlab_resnet":
            from wsss_harness.networks.backbones.openmmlab import ResNetV1c

            return ResNetV1c
        case "mobilenet_v2" | "resnet18" | "resnet50" | "resnet101":
            from wsss_harness.networks.backbones.torchvision_nets import torchvision_backbone

            return partial(torchvision_backbone, name)
        case _ if name in VITS:
            require(name)
            from wsss_harness.networks.backbones.vit import ViT

            return partial(ViT, name)
    raise ConfigError(f"no backbone is named '{name}'{did_you_mean(name, NAMES)}")
