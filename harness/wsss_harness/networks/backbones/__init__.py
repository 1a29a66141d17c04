"""Backbones by name: networks that turn images into features, with rules of what is frozen."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsss_harness.contract.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from wsss_harness.networks.backbones.base import Backbone as Backbone
    from wsss_harness.networks.backbones.weights import LoadReport

# The module of each builder. Builders have the name of their backbone; their arguments are options.
NAMES = {
    "resnet38": "resnet38",
    "mobilenet_v2": "torchvision_nets",
    "resnet18": "torchvision_nets",
    "resnet50": "torchvision_nets",
    "resnet101": "torchvision_nets",
    "openmmlab_resnet": "openmmlab",
}


def build(name: str, **options: Any) -> Backbone:
    """The backbone called ``name`` with random weights.

    Raises:
        ConfigError: an unknown name, an unknown option, or a value that is not allowed.
    """
    if name not in NAMES:
        raise ConfigError(f"backbone '{name}' is unknown; there are {', '.join(sorted(NAMES))}")
    builder = getattr(import_module(f"{__name__}.{NAMES[name]}"), name)
    known = inspect.signature(builder).parameters
    if unknown := sorted(set(options) - set(known)):
        raise ConfigError(
            f"backbone {name} has no option '{unknown[0]}'; it has {', '.join(sorted(known))}"
        )
    backbone: Backbone = builder(**options)
    return backbone


def load_weights(module: nn.Module, path: Path) -> LoadReport:
    """Fill a backbone from a file; see weights.load_weights."""
    from wsss_harness.networks.backbones import weights

    return weights.load_weights(module, path)


def __getattr__(name: str) -> Any:
    if name == "Backbone":  # torch is imported when it is first needed
        return import_module(f"{__name__}.base").Backbone
    raise AttributeError(f"module {__name__} has no attribute '{name}'")
