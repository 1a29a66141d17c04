"""The tensors of checkpoints that yaoqi-zd/SGAN writes, under our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wsss_harness.networks.backbones.tensor_names import vgg_to_torchvision

if TYPE_CHECKING:
    from torch import Tensor

QUANTITIES = ("weight", "bias")
LAYERS = {"f_query": "query", "f_key": "key", "fc6_CAM": "hidden", "fc9": "seed_head"}
NAMES: Mapping[str, str] = {
    "gamma": "gamma",
    "fc8.weight": "head.weight",
    **{
        f"{theirs}.{q}": f"{ours}.{q}"
        for theirs, ours in LAYERS.items()
        for q in ("weight", "bias")
    },
}


def own_name(name: str) -> str:
    """Our name of an official tensor; any other name stays."""
    if name in NAMES:
        return NAMES[name]
    bare = name.removeprefix("backbone.")
    return f"backbone.{vgg_to_torchvision(bare) or bare}"


def adapted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state``, where heads have our names, with our names of the backbone's tensors."""
    ours = set(NAMES.values())
    return {
        name if name in ours else own_name(name.removeprefix("backbone.")): value
        for name, value in state.items()
    }
