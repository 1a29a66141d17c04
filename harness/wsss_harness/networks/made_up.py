"""Made-up weights, for rehearsals: of the right names and shapes, finite, and worth nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsss_harness.contract.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

SHRINKING = 0.5  # of random weights: those of He double the variance in every residual block


def write_backbone(plugin: Any, folder: Path, label: str) -> Path:
    """A file of made-up weights for the backbone of a plugin; equal backbones share one.

    Raises:
        ConfigError: the plugin does not say which backbone it has.
    """
    from wsss_harness.networks.checkpoints import write_state

    state = _backbone_of(plugin).state_dict()
    shapes = repr([(name, tuple(value.shape)) for name, value in state.items()])
    digest = hashlib.sha256(f"{label} {shapes}".encode()).hexdigest()
    path = folder / f"{digest[:12]}.pth"
    if not path.is_file():
        shrunk = {n: value * SHRINKING if value.ndim > 1 else value for n, value in state.items()}
        folder.mkdir(parents=True, exist_ok=True)
        write_state(path, shrunk)
    return path


def _backbone_of(plugin: Any) -> nn.Module:
    if hasattr(plugin, "configuration"):
        from wsss_harness.networks.segmentors.fitting import build

        backbone = build(plugin.configuration(1).model, 0).backbone
        module: nn.Module = getattr(backbone, "named", backbone)
        return module
    if "name" not in getattr(plugin, "backbone", {}):
        raise ConfigError(f"{type(plugin).__name__} does not say which backbone its weights are of")
    import torch

    from wsss_harness.networks import backbones

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return backbones.build(**plugin.backbone)
